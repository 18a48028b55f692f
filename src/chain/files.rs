//! What delivered files say of themselves, and in which of their columns values came to harm.

use bron_extract::{CONTROL_TOTALS, ControlNote, SourceFile, TableLedger, damaged_columns};

use super::extraction::StagedTables;
use crate::printer::Printer;

/// Tells the operator what a table's files deserve a look for: control lines that the rows contradict, damaged values,
/// dialects that nobody has declared.
pub(super) fn tell(printer: &Printer, system: &str, table: &str, ledger: &TableLedger) {
    for line in remarks(system, table, ledger) {
        printer.say(&line);
    }
}

fn remarks(system: &str, table: &str, ledger: &TableLedger) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &ledger.files {
        let SourceFile { name, controls, sniffed, .. } = file;
        let told = controls.iter().map(|note| {
            let what = contradiction(note);
            format!(
                "{CONTROL_TOTALS}: {system} {name}, line {}: {what}; ask the sender for the whole file",
                note.line
            )
        });
        lines.extend(told);
        lines.extend(sniffed.iter().map(|found| format!("{system} {name}: read as {found}")));
    }
    let damaged = damaged_columns(ledger).into_iter();
    lines.extend(damaged.map(|one| format!("{system}/{table} column {one}")));
    lines
}

fn contradiction(note: &ControlNote) -> String {
    let what = &note.what;
    match (&note.said, &note.found) {
        (Some(said), Some(found)) => format!("it states {what} {said}, the file has {found}"),
        (Some(said), None) => format!("it states {what} {said}, but a value is no number"),
        (None, Some(found)) => format!("it states no number for {what}, the file has {found}"),
        (None, None) => format!("it states another {what} than the name of the file"),
    }
}

/// What is not proven because control lines contradict their files, as Swedish sentences: one for each table.
pub(super) fn unproven(staged: &StagedTables) -> Vec<String> {
    let tables = staged.iter().filter_map(|((system, table), staged)| {
        let files = &staged.manifest.ledger.as_ref()?.files;
        let wrong = files.iter().filter(|file| !file.controls.is_empty()).count();
        let files = match wrong {
            0 => return None,
            1 => "en fil".to_owned(),
            many => format!("{many} filer"),
        };
        Some(format!(
            "Kontrollraden i {files} till {system}/{table} säger något annat än raderna ({CONTROL_TOTALS}), och att \
             allt kom med är inte bevisat."
        ))
    });
    tables.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use bron_extract::{Damage, Manifest, Written};
    use bron_mappings::{BatchSchema, Digest};

    use super::super::extraction::StagedTable;
    use super::*;

    fn ledger(controls: Vec<ControlNote>) -> TableLedger {
        let damage = Damage { other_page: 3, ..Damage::default() };
        let file = SourceFile {
            bytes: 1,
            content: Digest::of(b"x"),
            controls,
            damaged: BTreeMap::from([("Orsak".to_owned(), damage)]),
            dialect: "v1".to_owned(),
            name: "besok_201403_U01.csv".to_owned(),
            period: Some("201403".to_owned()),
            rows: 119,
            same_as: None,
            sniffed: None,
        };
        TableLedger { files: vec![file], ..TableLedger::default() }
    }

    fn note(what: &str, said: Option<&str>, found: Option<&str>) -> ControlNote {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ControlNote { found: owned(found), line: 121, said: owned(said), what: what.to_owned() }
    }

    #[test]
    fn the_operator_reads_which_file_and_what() {
        let controls = vec![note("rows", Some("120"), Some("119")), note("utforare", None, None)];
        let ask = "ask the sender for the whole file";
        assert_eq!(
            remarks("paraga", "besok", &ledger(controls)),
            [
                format!(
                    "D69: paraga besok_201403_U01.csv, line 121: it states rows 120, the file has 119; {ask}"
                ),
                format!(
                    "D69: paraga besok_201403_U01.csv, line 121: it states another utforare than the name of the file; \
                     {ask}"
                ),
                "paraga/besok column Orsak, 201403: 3 of 119 values have letters of another code page"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn what_a_control_line_contradicts_is_not_proven() {
        let staged = |controls| {
            let written = Written { parts: Vec::new(), rows: 0, content: Digest::of(b""), vault: None };
            let mut manifest = Manifest::new("besok", BTreeMap::new(), &BatchSchema::new([]), written);
            manifest.ledger = Some(ledger(controls));
            let table = StagedTable { dir: PathBuf::new(), manifest };
            BTreeMap::from([(("paraga".to_owned(), "besok".to_owned()), table)])
        };
        assert_eq!(unproven(&staged(Vec::new())), Vec::<String>::new());
        let said = unproven(&staged(vec![note("rows", Some("1"), Some("2"))]));
        assert!(
            said[0]
                .starts_with("Kontrollraden i en fil till paraga/besok säger något annat än raderna (D69)")
        );
    }
}
