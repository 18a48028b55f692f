//! Control files.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{By, Control, Join, Only, SourceSide};
use crate::error::{Error, ErrorKind};

const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    #[serde(rename = "control", default)]
    controls: Vec<Control>,
}

/// Reads control files: `(name, text)` pairs, in the order in which the controls shall be reported.
///
/// # Errors
/// [`ErrorKind::Control`] naming the file, and the control where there is one: text that is not a control
/// file of format 1, an unknown key, a name used twice, or a side that contradicts itself.
pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Control>, Error> {
    let mut controls = Vec::new();
    let mut names = BTreeSet::new();
    for (name, text) in files {
        let file: File = toml::from_str(text).map_err(|error| {
            Error::caused(ErrorKind::Control, format!("{name} is not a control file"), error)
        })?;
        if file.format != FORMAT {
            return Err(Error::new(
                ErrorKind::Control,
                format!("{name} has format {}, not {FORMAT}", file.format),
            ));
        }
        for control in file.controls {
            let problem = problem_of(&control).or_else(|| {
                (!names.insert(control.name.clone()))
                    .then(|| "has a name that another control has".to_owned())
            });
            if let Some(problem) = problem {
                return Err(Error::new(
                    ErrorKind::Control,
                    format!("{name}: control {} {problem}", control.name),
                ));
            }
            controls.push(control);
        }
    }
    Ok(controls)
}

fn problem_of(control: &Control) -> Option<String> {
    let grouped = control.target.by.is_some();
    let alike = control.source_sides().all(|side| side.by.is_some() == grouped)
        && control.target_sides().all(|side| side.by.is_some() == grouped);
    let alone = !control.more.is_empty() && control.held.is_none();
    let problem = control
        .source_sides()
        .find_map(source_problem)
        .or_else(|| {
            control.target_sides().find_map(|side| parent_problem(side.by.as_ref(), side.join.as_ref()))
        })
        .or_else(|| control.target_sides().find_map(|side| only_problem(&side.only)))
        .or_else(|| (!alike).then_some("groups one side only"))
        .or_else(|| alone.then_some("has `more` rows without a third party's `held`"));
    problem.map(str::to_owned)
}

fn source_problem(side: &SourceSide) -> Option<&'static str> {
    if side.key.is_empty() {
        return Some("has a source without key columns");
    }
    if side.sum.is_some() != side.format.is_some() {
        return Some("must have both sum and format in its source, or neither");
    }
    parent_problem(side.by.as_ref(), side.join.as_ref()).or_else(|| only_problem(&side.only))
}

fn parent_problem(by: Option<&By>, join: Option<&Join>) -> Option<&'static str> {
    let Some(join) = join else {
        return by.is_some_and(|by| by.joined).then_some("groups by a joined column without a join");
    };
    if !by.is_some_and(|by| by.joined) {
        return Some("joins a parent and does not group by it");
    }
    (join.on.is_empty() || join.on.len() != join.key.len()).then_some("joins on unequal numbers of columns")
}

fn only_problem(only: &[Only]) -> Option<&'static str> {
    let tests = |only: &Only| [only.within.is_some(), only.not_in.is_some(), only.present.is_some()];
    let single = |only: &Only| tests(only).into_iter().filter(|test| *test).count() == 1;
    (!only.iter().all(single)).then_some("needs exactly one of in, not_in and present in each condition")
}
