//! `bron mapping invert`: which fields can be written back to the legacy columns, and what is lost.

use bron_mappings::{InstallationSecret, Mapping, MappingSet};
use bron_transform::{Inverter, WayBack};
use serde_json::{Value, json};

use crate::args::FolderArguments;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::checked_folder;

/// No id is derived while rules are surveyed.
const NO_SECRET: [u8; 32] = [0; 32];

/// Surveys every mapping of a folder that has no mistakes.
pub(super) fn run(arguments: &FolderArguments, printer: &Printer) -> Result<Exit, Failure> {
    let dir = arguments.path_or_usual();
    let (set, _) = checked_folder(&dir)?.usable()?;
    let tables = set.mappings.iter().map(|mapping| Survey::new(&set, mapping));
    let tables = tables.collect::<Result<Vec<_>, Failure>>()?;
    let document = json!({ "tables": tables.iter().map(Survey::json).collect::<Vec<_>>() });
    printer.result(&document, &text(&tables));
    Ok(Exit::Clean)
}

/// How many can be written, with loss, and not.
#[derive(Clone, Copy, Default)]
struct Counts {
    exact: usize,
    lossy: usize,
    not: usize,
}

impl Counts {
    fn of<'w>(ways: impl Iterator<Item = &'w WayBack>) -> Self {
        let mut counts = Self::default();
        for way in ways {
            match way {
                WayBack::Exact => counts.exact += 1,
                WayBack::Lossy(_) => counts.lossy += 1,
                WayBack::NotWritable(_) => counts.not += 1,
            }
        }
        counts
    }

    const fn all(self) -> usize {
        self.exact + self.lossy + self.not
    }

    fn json(self) -> Value {
        json!({ "exact": self.exact, "lossy": self.lossy, "not_writable": self.not, "of": self.all() })
    }

    /// Each as a fraction of all.
    fn text(self) -> String {
        let of = |count: usize| format!("{count}/{}", self.all());
        format!("{:>8} {:>8} {:>8}", of(self.exact), of(self.lossy), of(self.not))
    }
}

struct Survey<'a> {
    mapping: &'a Mapping,
    inverter: Inverter<'a>,
}

impl<'a> Survey<'a> {
    fn new(set: &'a MappingSet, mapping: &'a Mapping) -> Result<Self, Failure> {
        let inverter = Inverter::new(set, mapping, &InstallationSecret::new(NO_SECRET));
        let inverter = inverter.map_err(|error| Failure::config(error.to_string()))?;
        Ok(Self { mapping, inverter })
    }

    fn columns(&self) -> Counts {
        Counts::of(self.inverter.columns().iter().map(|one| &one.way))
    }

    fn fields(&self) -> Counts {
        Counts::of(self.inverter.fields().iter().map(|one| &one.way))
    }

    fn json(&self) -> Value {
        let columns = self.inverter.columns().iter().map(|one| {
            let (way, reason) = parts(&one.way);
            json!({ "column": one.column, "way": way, "reason": reason })
        });
        let fields = self.inverter.fields().iter().map(|one| {
            let (way, reason) = parts(&one.way);
            json!({
                "target": one.target,
                "entity": one.entity,
                "field": one.field,
                "columns": one.columns,
                "way": way,
                "reason": reason,
            })
        });
        json!({
            "system": self.mapping.system,
            "table": self.mapping.table,
            "column_counts": self.columns().json(),
            "field_counts": self.fields().json(),
            "columns": columns.collect::<Vec<_>>(),
            "fields": fields.collect::<Vec<_>>(),
        })
    }

    /// What is lost and what cannot be written; what comes back exactly needs no line.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let columns = self.inverter.columns().iter().map(|one| (format!("column {}", one.column), &one.way));
        let fields = self.inverter.fields().iter();
        let fields = fields.map(|one| (format!("field {}.{}", one.entity, one.field), &one.way));
        for (name, way) in columns.chain(fields) {
            if let (way, Some(reason)) = parts(way) {
                let line = format!("  {way:<12} {name}: {reason}");
                // Targets of one entity may fill a field in the same way; that is said once.
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        lines
    }
}

/// The name of a way, and the loss or the reason.
fn parts(way: &WayBack) -> (&'static str, Option<&str>) {
    match way {
        WayBack::Exact => ("exact", None),
        WayBack::Lossy(lost) => ("lossy", Some(lost)),
        WayBack::NotWritable(reason) => ("not_writable", Some(reason)),
    }
}

fn text(tables: &[Survey<'_>]) -> String {
    let head = ["exact", "lossy", "not"].map(|name| format!("{name:>8}")).join(" ");
    let mut lines = vec![format!("{:<28} columns{head}   fields{head}", "table")];
    for one in tables {
        let (columns, fields) = (one.columns().text(), one.fields().text());
        lines.push(format!("{:<28}        {columns}         {fields}", one.mapping.id));
        lines.extend(one.lines());
    }
    lines.join("\n")
}
