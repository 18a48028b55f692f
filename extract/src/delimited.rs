//! Folders of delivered text files as sources.

mod amount;
mod at_once;
mod control;
mod expected;
mod fields;
mod header;
mod layout;
mod lines;
mod pattern;
mod reader;
mod rows;
mod scan;
mod sniff;

use std::fs;
use std::path::{Path, PathBuf};

use bron_mappings::{ColumnType, ControlLine, CsvTable, Digest, DigestBuilder, LinePlace, System};

use self::at_once::each_at_once;
pub use self::expected::{MissingFiles, delivered_files, missing_files};
use self::layout::Layout;
use self::pattern::Pattern;
use self::scan::{FileScan, scan};
pub use self::sniff::{Share, Sniffed, SniffedFolder};
use crate::error::{Error, ErrorKind};
use crate::intake::TableRows;
use crate::source::{Consistency, Source, SourceColumn, TableReader, TableSchema};
use crate::span::{Batching, Span};

/// Columns that the connector adds to every table, before those of the file-name pattern.
const ADDED: [&str; 4] = [FILE, LINE, DIALECT, REPAIRED];
const FILE: &str = "_fil";
const LINE: &str = "_rad";
const DIALECT: &str = "_dialekt";
const REPAIRED: &str = "_lagad";
/// The capture that decides which dialect a file is written in.
const PERIOD: &str = "period";

/// A folder with the files that a system delivered.
///
/// Which table a file belongs to follows from its name, how it was written from its period: the first
/// dialect between whose `from` and `until` the period lies, where a longer period (a day) lies in the shorter
/// one (a month) that it begins with. Dialects for files of its name go before those for all files. Files without
/// a period are written in the last dialect. A table can name the dialect of all its files, or
/// [`CsvTable::SNIFF`]: then each file shows its own, and one that leaves doubt is refused. Files are read in the
/// byte order of their names. A byte order mark at the start of a UTF-8 file is skipped, declared or not.
///
/// To the columns of a table come `_fil` (file name), `_rad` (1-based line), `_dialekt`, `_lagad` (`D68` in a
/// repaired row, else NULL) and one for each capture of the pattern, such as `_period`. An empty field is
/// empty text, a column that the file lacks is NULL, nothing is trimmed.
///
/// Every file is read twice: first whole, to check its encoding and its end and to take its digest, then
/// for its rows. A file that changed during or between the two is an error that may be retried, and so is one
/// that is named as if it were on its way, was changed too lately, or lacks its declared last line. A file with the
/// content of an earlier one of its table is excluded with the number of its rows
/// ([`DUPLICATE_FILE`](crate::DUPLICATE_FILE)).
///
/// A control line is no row. What it says is compared with the rows, and a difference stands in the ledger
/// ([`CONTROL_TOTALS`](crate::CONTROL_TOTALS)).
///
/// Rows that a separator or line break in their text has broken ([`BROKEN_ROW`](crate::BROKEN_ROW)) are put
/// together again where only one way of doing so gives the right number of fields:
/// - Surplus fields go back into the free-text column, with their separators.
/// - A row that ends within the free-text column is continued by the following lines, joined with a line
///   feed, when together they have exactly the fields of the header.
/// - A stray quotation mark is part of the text when it stands in the free-text column.
///
/// Any other line is kept aside byte for byte, and reading goes on with the next.
pub struct CsvSource {
    tables: Vec<FileTable>,
    fingerprint_of_settings: Digest,
}

struct FileTable {
    table: CsvTable,
    pattern: Pattern,
    /// The lines that say how much its files hold.
    controls: Vec<ControlLine>,
    settled_after: Option<u32>,
    files: Vec<DataFile>,
}

/// One file of one table.
#[derive(Clone)]
struct DataFile {
    path: PathBuf,
    name: String,
    captures: Vec<String>,
    layout: Layout,
    /// What the layout rests on, when the file itself shows it.
    sniffed: Option<String>,
    scan: Option<FileScan>,
}

impl CsvSource {
    /// Finds the files of a system in a folder. Hidden files are passed over, and so are those that are named
    /// after a table which the system lists as ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is no such folder, [`ErrorKind::Drift`] when it holds files that no
    /// table knows or that two tables claim, [`ErrorKind::Settings`] when the system's description of its
    /// files makes no sense.
    pub fn open(folder: &Path, system: &System) -> Result<Self, Error> {
        let layouts = system.dialects.iter().map(Layout::new).collect::<Result<Vec<_>, _>>()?;
        let mut tables =
            system.csv.iter().map(|table| file_table(table, system)).collect::<Result<Vec<_>, _>>()?;
        let mut unknown = Vec::new();
        let ignored = |name: &str| {
            name.split_once('.').is_some_and(|(table, _)| system.ignored_tables.contains_key(table))
        };
        for (name, path) in arrived(folder)?.into_iter().filter(|(name, _)| !ignored(name)) {
            let mut takers = tables.iter_mut().filter_map(|table| {
                let captures = table.pattern.captures(&name)?;
                Some((table, captures))
            });
            let (Some((table, captures)), true) = (takers.next(), path.is_file()) else {
                unknown.push(name);
                continue;
            };
            if let Some((other, _)) = takers.next() {
                let problem = format!(
                    "{} fits two tables: {} and {}",
                    path.display(),
                    table.table.name,
                    other.table.name
                );
                return Err(Error::new(ErrorKind::Settings, problem));
            }
            let file = table.file(name, path, captures, &layouts)?;
            table.files.push(file);
        }
        if unknown.is_empty() {
            Ok(Self { tables, fingerprint_of_settings: settings_digest(system) })
        } else {
            let problem =
                format!("{} holds files that no table knows: {}", folder.display(), unknown.join(", "));
            Err(Error::new(ErrorKind::Drift, problem))
        }
    }
}

/// The tables of a system that delivers files, as its description declares them, without any file.
///
/// # Errors
/// [`ErrorKind::Settings`] when the description makes no sense.
pub fn described_tables(system: &System) -> Result<Vec<TableSchema>, Error> {
    system.csv.iter().map(|table| file_table(table, system)?.schema()).collect()
}

fn file_table(table: &CsvTable, system: &System) -> Result<FileTable, Error> {
    let pattern = Pattern::parse(&table.files).filter(|pattern| {
        let added = pattern.names().iter().map(|name| format!("_{name}")).collect::<Vec<_>>();
        !added.iter().any(|name| ADDED.contains(&name.as_str()) || table.columns.contains(name))
    });
    let problem =
        || format!("table {} has a pattern of file names that makes no sense: {}", table.name, table.files);
    let pattern = pattern.ok_or_else(|| Error::new(ErrorKind::Settings, problem()))?;
    let controls = system.control_lines.iter().filter(|line| line.table == table.name);
    Ok(FileTable {
        table: table.clone(),
        pattern,
        controls: controls.cloned().collect(),
        settled_after: system.settled_after,
        files: Vec::new(),
    })
}

/// Everything in a folder that is not hidden, by name.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let failed = |error| Error::reading(folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a file is named as programs name what they are still writing, or the marks that they lay beside it: the
/// name ends with `.part`, `.partial`, `.tmp`, `.filepart`, `.crdownload`, `.lock`, `.lck` or `.writing`, in letters
/// of either case. While such a file lies in a folder, nothing of the folder is read.
#[must_use]
pub fn is_on_its_way(name: &str) -> bool {
    const ON_THEIR_WAY: [&str; 8] =
        [".part", ".partial", ".tmp", ".filepart", ".crdownload", ".lock", ".lck", ".writing"];
    let name = name.to_ascii_lowercase();
    ON_THEIR_WAY.iter().any(|end| name.ends_with(end))
}

/// The files of a folder, all of which have arrived.
fn arrived(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let found = entries(folder)?;
    match found.iter().find(|(name, _)| is_on_its_way(name)) {
        None => Ok(found),
        Some((_, path)) => {
            let problem =
                format!("{} is still on its way: no file is read before all are there", path.display());
            Err(Error::new(ErrorKind::Busy, problem))
        }
    }
}

/// The digest of what decides how files are read: with other settings the same bytes give other rows.
fn settings_digest(system: &System) -> Digest {
    let mut digest = DigestBuilder::new("bron.source.csv.settings.1");
    for table in &system.csv {
        digest.part(format!("{table:?}").as_bytes());
    }
    for dialect in &system.dialects {
        digest.part(format!("{dialect:?}").as_bytes());
    }
    for control in &system.control_lines {
        digest.part(format!("{control:?}").as_bytes());
    }
    digest.finish()
}

impl FileTable {
    /// A file of this table, with the layout of its period, of its table, or that it shows itself.
    fn file(
        &self,
        name: String,
        path: PathBuf,
        captures: Vec<String>,
        layouts: &[Layout],
    ) -> Result<DataFile, Error> {
        if self.table.dialect.as_deref() == Some(CsvTable::SNIFF) {
            let found = sniff::sniff(name.clone(), &path)?;
            let layout = Layout::new(&found.certain_dialect(&path)?)?;
            return Ok(DataFile { path, name, captures, layout, sniffed: Some(found.grounds()), scan: None });
        }
        let layout = match &self.table.dialect {
            Some(wanted) => layouts.iter().find(|layout| &layout.name == wanted),
            None => Layout::of_file(layouts, &name, self.pattern.capture(PERIOD, &captures)),
        };
        let problem = || Error::new(ErrorKind::Settings, format!("no dialect for {}", path.display()));
        let layout = layout.ok_or_else(problem)?.clone();
        Ok(DataFile { path, name, captures, layout, sniffed: None, scan: None })
    }

    /// The control line in this place of a file, when its period has one.
    fn control(&self, file: &DataFile, place: LinePlace) -> Option<&ControlLine> {
        let period = self.period(file);
        self.controls.iter().find(|line| line.place == place && line.is_due(period))
    }

    fn period<'f>(&self, file: &'f DataFile) -> Option<&'f str> {
        self.pattern.capture(PERIOD, &file.captures)
    }

    fn schema(&self) -> Result<TableSchema, Error> {
        let own = self.table.columns.iter().cloned();
        let added = ADDED.iter().map(|name| (*name).to_owned());
        let captured = self.pattern.names().iter().map(|name| format!("_{name}"));
        let columns = own.chain(added).chain(captured).map(|name| SourceColumn {
            name,
            declared_type: String::new(),
            kind: ColumnType::Text,
            nullable: None,
        });
        let mut rows_estimate = 0;
        for file in &self.files {
            rows_estimate += file.rows_estimate()?;
        }
        let name = self.table.name.clone();
        Ok(TableSchema { name, columns: columns.collect(), key_unique: Vec::new(), rows_estimate })
    }

    /// Scans the files that were not yet.
    fn scan_files(&mut self) -> Result<(), Error> {
        let missing: Vec<&DataFile> = self.files.iter().filter(|file| file.scan.is_none()).collect();
        let scans = each_at_once(&missing, |file| self.scan(file))?;
        let missing = self.files.iter_mut().filter(|file| file.scan.is_none());
        missing.zip(scans).for_each(|(file, found)| file.scan = Some(found));
        Ok(())
    }

    fn scan(&self, file: &DataFile) -> Result<FileScan, Error> {
        let found = scan(&file.path, &file.layout, self.settled_after)?;
        if let Some(control) = self.control(file, LinePlace::Last) {
            let line = scan::last_line(&file.path, &file.layout)?;
            let missing = || control::missing_control(&file.path, "the declared last line is missing");
            control::read(control, found.lines, &line, &file.layout).ok_or_else(missing)?;
        }
        Ok(found)
    }
}

impl DataFile {
    fn rows_estimate(&self) -> Result<u64, Error> {
        const TYPICAL_ROW: u64 = 100;
        match &self.scan {
            Some(scan) => Ok(scan.lines.saturating_sub(1)),
            None => fs::metadata(&self.path)
                .map(|found| found.len() / TYPICAL_ROW)
                .map_err(|error| Error::reading(&self.path, error)),
        }
    }
}

impl Source for CsvSource {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        self.tables.iter().map(FileTable::schema).collect()
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        let mut digest = DigestBuilder::new("bron.source.csv.1");
        digest.part(self.fingerprint_of_settings.as_bytes());
        for table in &mut self.tables {
            for file in &mut table.files {
                file.scan = None;
            }
            table.scan_files()?;
            digest.part(table.table.name.as_bytes());
            for file in &table.files {
                let content =
                    file.scan.as_ref().map(|scan| scan.content).expect("the files were just scanned");
                digest.part(file.name.as_bytes()).part(content.as_bytes());
            }
        }
        Ok(digest.finish())
    }

    fn consistency(&self) -> Consistency {
        Consistency::Point { how: "content of files", at: String::new() }
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        if span.at_least.is_some() {
            let problem = "rows of files are not chosen by what a column has reached";
            return Err(Error::new(ErrorKind::Settings, format!("table {}: {problem}", table.name)));
        }
        let wanted = table.name.as_str();
        let found = self.tables.iter_mut().find(|found| found.table.name == wanted);
        let found =
            found.ok_or_else(|| Error::new(ErrorKind::Drift, format!("there is no table {wanted}")))?;
        found.scan_files()?;
        let rows = reader::CsvRows::new(found, table, span)?;
        Ok(Box::new(TableRows::new(rows, table, span, batching)))
    }
}

#[cfg(test)]
mod tests;
