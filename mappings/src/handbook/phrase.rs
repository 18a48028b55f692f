//! The Swedish phrase of a function with the columns and arguments of one rule.

use std::collections::BTreeMap;

use super::html::Html;
use crate::function::FunctionSpec;

/// A phrase with its gaps filled.
pub(super) fn fill(phrase: &str, inputs: &[Html], arguments: &BTreeMap<String, String>) -> Html {
    let gap = |name: &str| filled(name, inputs, arguments);
    let mut filled = Html::default();
    for (text, optional) in parts(phrase) {
        let (piece, whole) = fill_part(text, &gap);
        if whole || !optional {
            filled = filled.add(&piece);
        }
    }
    filled
}

/// The parts of a phrase, each with whether it stands in brackets.
fn parts(phrase: &str) -> Vec<(&str, bool)> {
    let mut parts = Vec::new();
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('[') {
        let (inside, behind) = after.split_once(']').unwrap_or((after, ""));
        parts.extend([(before, false), (inside, true)]);
        rest = behind;
    }
    parts.push((rest, false));
    parts
}

/// A part with its gaps filled, and whether all of them could be.
fn fill_part(text: &str, gap: &dyn Fn(&str) -> Option<Html>) -> (Html, bool) {
    let (mut piece, mut whole, mut rest) = (Html::default(), true, text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let value = gap(name);
        whole &= value.is_some();
        piece = piece.text(before).add(&value.unwrap_or_else(|| Html::of("–")));
        rest = behind;
    }
    (piece.text(rest), whole)
}

fn filled(name: &str, inputs: &[Html], arguments: &BTreeMap<String, String>) -> Option<Html> {
    if let Some(from) = name.strip_suffix('*') {
        let from: usize = if from.is_empty() { 1 } else { from.parse().ok()? };
        return Some(Html::list(inputs.get(from - 1..)?));
    }
    if let Ok(number) = name.parse::<usize>() {
        return inputs.get(number.checked_sub(1)?).cloned();
    }
    let (name, usual) = name.split_once('=').map_or((name, None), |(name, usual)| (name, Some(usual)));
    arguments.get(name).map(String::as_str).or(usual).map(Html::of)
}

/// What a function does, in Swedish, without the columns of any rule: where a phrase names its columns stands "värdet",
/// and what a rule may leave out is left out.
#[must_use]
pub fn general_phrase(spec: &FunctionSpec) -> String {
    let mut said = String::new();
    for (text, _) in parts(spec.phrase).into_iter().filter(|(_, optional)| !optional) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (gap, behind) = after.split_once('}').unwrap_or((after, ""));
            said.push_str(before);
            said.push_str(&general_gap(gap));
            rest = behind;
        }
        said.push_str(rest);
    }
    said
}

fn general_gap(gap: &str) -> String {
    if gap.ends_with('*') {
        return "värdena".to_owned();
    }
    match gap.parse::<usize>() {
        Ok(1) => "värdet".to_owned(),
        Ok(number) => format!("värde {number}"),
        Err(_) => gap.split_once('=').map_or_else(|| format!("angiven {gap}"), |(_, usual)| usual.to_owned()),
    }
}

/// What is wrong with the phrase of a function, in one line each: none, or a gap that no rule can fill.
#[must_use]
pub fn phrase_problems(spec: &FunctionSpec) -> Vec<String> {
    let mut found = Vec::new();
    if spec.phrase.trim().is_empty() {
        found.push(format!("{} has no phrase", spec.name));
    }
    let (fewest, most) = spec.inputs;
    for (text, optional) in parts(spec.phrase) {
        for gap in text.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let number = gap.trim_end_matches('*').parse::<usize>().ok();
            let least = if optional { most } else { fewest };
            let known = match number {
                Some(number) => (1..=least).contains(&number),
                None if gap == "*" => true,
                None => spec.arguments.contains(&gap.split('=').next().unwrap_or_default()),
            };
            if !known {
                found.push(format!("the phrase of {} has a gap `{gap}`", spec.name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::FunctionKind;

    #[test]
    fn gaps_are_filled_and_brackets_go_when_they_cannot_be() {
        let inputs = ["A", "B", "C"].map(Html::named);
        let with = |arguments: &[(&str, &str)], phrase: &str| {
            let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            fill(phrase, &inputs, &arguments.collect()).to_string()
        };
        assert_eq!(with(&[], "{2} före {1}"), "<code>B</code> före <code>A</code>");
        assert_eq!(with(&[], "{*}"), "<code>A</code>, <code>B</code> och <code>C</code>");
        assert_eq!(with(&[], "{2*}[ och {4}]!"), "<code>B</code> och <code>C</code>!");
        assert_eq!(with(&[("days", "<7")], "[{days} dagar][ {months} månader]"), "&lt;7 dagar");
        assert_eq!(with(&[], "{days=30} dagar"), "30 dagar");
        assert_eq!(with(&[("days", "9")], "{days=30} dagar"), "9 dagar");
    }

    #[test]
    fn gaps_that_no_rule_fills_are_found() {
        let spec = |phrase| FunctionSpec {
            name: "later_than",
            kind: FunctionKind::Check,
            inputs: (1, 2),
            arguments: &["days"],
            about: "",
            phrase,
            marks: &[],
            inverse: "",
        };
        let general = |phrase| general_phrase(&spec(phrase));
        assert_eq!(general("{1} med {2*}[ efter {3}]"), "värdet med värdena");
        assert_eq!(general("{2}, {days=30} dagar och {months}"), "värde 2, 30 dagar och angiven months");
        assert_eq!(phrase_problems(&spec("{1}[ efter {2}][ plus {days} dagar]")), [""; 0]);
        for (phrase, problems) in [("", 1), ("{1} {2}", 1), ("{1} {dagar}", 1)] {
            assert_eq!(phrase_problems(&spec(phrase)).len(), problems, "{phrase}");
        }
    }
}
