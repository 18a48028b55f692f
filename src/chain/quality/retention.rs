//! Assessments of files → the lists on which the archive and each nämnd decide.

use std::collections::BTreeMap;
use std::path::Path;

use bron_extract::{atomic, file_safe};
use bron_mappings::{Disposition, Value};
use bron_reconcile::quality::RetentionLine;
use bron_reconcile::report::Labels;
use bron_reconcile::worklist::{Sheet, csv_line, workbook};
use bron_transform::{ASSESSMENT_ENTITY, iso_date};

use super::lists::{RESTRICTED, csv_head};
use crate::chain::Chain;
use crate::failure::Failure;

/// What is read of an assessment, in the order of the columns of the list.
const FIELDS: [&str; 9] = [
    "src_key",
    "regel",
    "regelversion",
    "sista_handelse",
    "gallras_fran",
    "senast_gallrad",
    "undantag",
    "disposition",
    "forklaring",
];

const HEADER: [&str; 11] = [
    "Akt i källan",
    "Regel",
    "Lagens version",
    "Sista händelse",
    "Får gallras från",
    "Ska vara gallrad",
    "Undantag",
    "Förslag",
    "Förklaring",
    "Nämndens beslut",
    "Beslutat av och datum",
];

/// The rows of one list.
type Rows = Vec<Vec<String>>;

impl Chain<'_> {
    /// Writes a list per nämnd of the files whose time has passed, and counts all files. What is about
    /// protected persons is on a restricted list only.
    pub(super) fn retention_lists(&self, dir: &Path, labels: &Labels) -> Result<Vec<RetentionLine>, Failure> {
        let mut lines: BTreeMap<(bool, String, String), u64> = BTreeMap::new();
        let (mut lists, mut restricted) = (BTreeMap::<String, Rows>::new(), Rows::new());
        let Some(mapping) = &self.retention else { return Ok(Vec::new()) };
        let from = self.entity_dir(mapping, ASSESSMENT_ENTITY);
        for batch in self.manifest(&from)?.read(&from, None, self.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                let cell = |name: &str| {
                    let value = batch.cells_named(name).and_then(|cells| cells.value(row));
                    shown(value)
                };
                let overdue = cell("forfallen") == "ja";
                *lines.entry((overdue, cell("disposition"), cell("undantag"))).or_default() += 1;
                if !overdue {
                    continue;
                }
                let mut texts = FIELDS.map(cell).to_vec();
                texts[0] = self.shown_key(mapping, &texts[0]);
                texts[7] = label(&texts[7]);
                texts.extend([String::new(), String::new()]);
                if cell("skyddad") == "ja" {
                    restricted.push(texts);
                } else {
                    let namnd = cell("namnd");
                    let known = labels.namnder.contains_key(&namnd);
                    lists.entry(if known { namnd } else { "okand".to_owned() }).or_default().push(texts);
                }
            }
        }
        atomic::create_directory(&dir.join("gallring"))?;
        for (namnd, rows) in lists {
            let name = labels.namnder.get(&namnd).map_or(namnd.as_str(), String::as_str);
            write(&dir.join("gallring"), &format!("gallringslista_{}", file_safe(&namnd)), name, rows)?;
        }
        write(&dir.join(RESTRICTED), "gallringslista_skyddade", "Skyddade personer", restricted)?;
        let line = |((overdue, disposition, exemption), files)| RetentionLine {
            disposition,
            exemption,
            overdue,
            files,
        };
        Ok(lines.into_iter().map(line).collect())
    }
}

fn write(dir: &Path, file: &str, name: &str, mut rows: Rows) -> Result<(), Failure> {
    rows.sort();
    let mut csv = csv_head(&HEADER);
    for row in &rows {
        csv.push_str(&csv_line(row.iter().map(String::as_str)));
    }
    atomic::write(&dir.join(format!("{file}.csv")), csv.as_bytes())?;
    let sheet = Sheet { name: name.to_owned(), header: HEADER.map(str::to_owned).to_vec(), rows };
    let bytes = workbook(&format!("Gallringslista {name}"), &[sheet])?;
    Ok(atomic::write(&dir.join(format!("{file}.xlsx")), &bytes)?)
}

fn label(code: &str) -> String {
    let known = Disposition::ALL.iter().map(|(_, one)| *one).find(|one| one.code() == code);
    known.map_or_else(|| code.to_owned(), |one| one.label().to_owned())
}

fn shown(value: Option<Value<'_>>) -> String {
    match value {
        Some(Value::Text(text)) => text.to_owned(),
        Some(Value::Bool(truth)) => if truth { "ja" } else { "nej" }.to_owned(),
        Some(Value::Date(days)) => iso_date(days),
        Some(Value::Int(_) | Value::Decimal(_) | Value::Time(_) | Value::Id(_) | Value::Bytes(_)) | None => {
            String::new()
        }
    }
}
