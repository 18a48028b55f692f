//! Files that ought to be there: where one kind was delivered, another must have been too.

use std::collections::BTreeSet;
use std::path::Path;

use bron_mappings::{Expectation, System};
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::{FileTable, entries, file_table};
use crate::error::Error;

/// The files of one table that were expected and are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingFiles {
    /// The table.
    pub table: String,
    /// The names that the files would have, ordered; captures that say nothing about which file it is stand
    /// as in the pattern.
    pub missing: Vec<String>,
}

/// The files that a system's expectations name and that are not in its folder, in the order of the
/// expectations; a table that lacks nothing is left out.
///
/// # Errors
/// [`ErrorKind::Missing`](crate::ErrorKind::Missing) when there is no such folder,
/// [`ErrorKind::Settings`](crate::ErrorKind::Settings) when a pattern of file names makes no sense.
pub fn missing_files(folder: &Path, system: &System) -> Result<Vec<MissingFiles>, Error> {
    if system.expectations.is_empty() {
        return Ok(Vec::new());
    }
    let tables = system.csv.iter().map(|table| file_table(table, system)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = entries(folder)?.into_iter().map(|(name, _)| name).collect();
    let missing = system.expectations.iter().filter_map(|expectation| missing(expectation, &tables, &names));
    Ok(missing.filter(|missing| !missing.missing.is_empty()).collect())
}

/// How many files of each table are in the folder of a system, in the order of its description.
///
/// # Errors
/// As [`missing_files`].
pub fn delivered_files(folder: &Path, system: &System) -> Result<Vec<(String, usize)>, Error> {
    let tables = system.csv.iter().map(|table| file_table(table, system)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = entries(folder)?.into_iter().map(|(name, _)| name).collect();
    let counted = tables.iter().map(|table| {
        let files = names.iter().filter(|name| table.pattern.captures(name).is_some());
        (table.table.name.clone(), files.count())
    });
    Ok(counted.collect())
}

fn missing(expectation: &Expectation, tables: &[FileTable], names: &[String]) -> Option<MissingFiles> {
    let pattern =
        |name: &str| tables.iter().find(|table| table.table.name == name).map(|table| &table.pattern);
    let (expected, given) = (pattern(&expectation.table)?, pattern(&expectation.given)?);
    let there = delivered(expected, &expectation.per, names);
    let wanted = delivered(given, &expectation.per, names);
    let missing = wanted.difference(&there).map(|captures| {
        let captures = expectation.per.iter().map(String::as_str).zip(captures.iter().map(String::as_str));
        expected.name_of(&captures.collect::<Vec<_>>())
    });
    Some(MissingFiles { table: expectation.table.clone(), missing: missing.collect() })
}

/// What the names of a table's files say about which file each is.
fn delivered(pattern: &Pattern, per: &[String], names: &[String]) -> BTreeSet<Vec<String>> {
    let files = names.iter().filter_map(|name| pattern.captures(name));
    files
        .filter_map(|captures| {
            per.iter().map(|name| pattern.capture(name, &captures).map(str::to_owned)).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = r#"
format = 1
system = "paraga"
label = "ParaGå"

[[table]]
name = "kund"
files = "kund_{period}_{utforare}.csv"
columns = ["KundNr"]

[[table]]
name = "besok"
files = "besok_{period}_{utforare}_{version}.csv"
columns = ["BesokId"]

[[expect]]
table = "besok"
per = ["period", "utforare"]
given = "kund"

[[dialect]]
name = "v1"
encoding = "utf-8"
separator = ";"
"#;

    #[test]
    fn a_file_is_missing_where_the_other_was_delivered() {
        let (system, found) = System::parse("system.toml", SYSTEM);
        assert_eq!(found, []);
        let system = system.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let deliver = |name: &str| std::fs::write(folder.path().join(name), "x").unwrap();
        assert_eq!(missing_files(folder.path(), &system).unwrap(), []);
        for name in
            ["kund_201401_U01.csv", "kund_201401_U02.csv", "kund_201402_U01.csv", "besok_201402_U01_1.csv"]
        {
            deliver(name);
        }
        let missing = |names: &[&str]| {
            let missing = names.iter().map(|name| (*name).to_owned()).collect();
            vec![MissingFiles { table: "besok".to_owned(), missing }]
        };
        let expected = missing(&["besok_201401_U01_{version}.csv", "besok_201401_U02_{version}.csv"]);
        assert_eq!(missing_files(folder.path(), &system).unwrap(), expected);
        deliver("besok_201401_U02_9.csv");
        // Nobody asked for this one; it is not missed either.
        deliver("besok_201403_U01_1.csv");
        let expected = missing(&["besok_201401_U01_{version}.csv"]);
        assert_eq!(missing_files(folder.path(), &system).unwrap(), expected);
        assert!(missing_files(&folder.path().join("nowhere"), &system).is_err());
    }
}
