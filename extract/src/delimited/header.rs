//! The line with the names of the columns against the columns of its table.

use std::path::Path;

use bron_mappings::CsvTable;

use super::fields::{Record, Shape, split};
use super::layout::Layout;
use crate::error::{Error, ErrorKind};

/// The columns of one file, in its order.
pub(super) struct Header {
    columns: Vec<String>,
}

impl Header {
    /// Reads the line with the names of the columns, which has this number and this text without byte order mark.
    pub(super) fn read(
        path: &Path,
        number: u64,
        line: &[u8],
        table: &CsvTable,
        layout: &Layout,
    ) -> Result<Self, Error> {
        let drift = |problem: &str| {
            Error::new(ErrorKind::Drift, format!("{}, line {number}: {problem}", path.display()))
        };
        if line.ends_with(b"\r") {
            return Err(drift("the line ends with CR LF, but the dialect says LF alone"));
        }
        let mut spans = Vec::new();
        if split(line, layout.separator, layout.quoting, &mut spans) != Shape::Regular {
            return Err(drift("the quotation marks of the header do not match"));
        }
        let mut record = Record::default();
        let mut columns = Vec::with_capacity(spans.len());
        for (index, span) in spans.iter().enumerate() {
            record.push(line, span);
            let name = layout.charset.decode(record.field(index));
            columns.push(name.ok_or_else(|| drift("a column name cannot be decoded"))?.into_owned());
        }
        let header = Self { columns };
        header.differences(table).map_or(Ok(header), |problem| Err(drift(&problem)))
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known == column)
    }

    fn differences(&self, table: &CsvTable) -> Option<String> {
        let expected = |name: &String| table.columns.contains(name);
        let missing: Vec<&str> = table
            .columns
            .iter()
            .filter(|name| !self.columns.contains(name) && !table.optional.contains(name))
            .map(String::as_str)
            .collect();
        let places = self.columns.iter().enumerate().filter(|(_, name)| !expected(name));
        let unknown: Vec<String> = places.map(|(place, _)| (place + 1).to_string()).collect();
        let known = self.columns.len() - unknown.len();
        if known * 2 < table.columns.len().min(self.columns.len()) {
            // Probably a row: its fields may be personal data and are not repeated.
            return Some(format!("this is not the header of table {}", table.name));
        }
        let mut sorted: Vec<&String> = self.columns.iter().filter(|name| expected(name)).collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].as_str());
        let problems: Vec<String> = [
            (!missing.is_empty()).then(|| format!("missing columns: {}", missing.join(", "))),
            // A name that nobody declared may be a value: its place is said, not what stands there.
            (!unknown.is_empty()).then(|| format!("unknown columns at positions: {}", unknown.join(", "))),
            twice.map(|name| format!("column {name} stands twice")),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}
