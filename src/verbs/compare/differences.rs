//! The differences of two tables: all of them in a file, the first of them for people.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bron_mappings::{ReadError, Sensitive};
use bron_reconcile::tables::{Difference, DifferenceKind, KeyCell, Plan};

use crate::failure::{Class, Exit, Failure};

/// The most differences that are printed.
const SHOWN: usize = 20;

/// A difference that is printed.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) kind: DifferenceKind,
    pub(super) key: Sensitive<Vec<KeyCell>>,
    pub(super) left_row: Option<u64>,
    pub(super) right_row: Option<u64>,
}

/// Takes differences. Memory does not grow with their number.
pub(super) struct Differences<'p> {
    plan: &'p Plan,
    path: Option<PathBuf>,
    file: Option<BufWriter<File>>,
    shown: Vec<Shown>,
    total: u64,
}

impl<'p> Differences<'p> {
    /// Writes them to a file, when there is one.
    pub(super) const fn new(plan: &'p Plan, path: Option<PathBuf>) -> Self {
        Self { plan, path, file: None, shown: Vec::new(), total: 0 }
    }

    /// Begins anew: what was taken so far is forgotten.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        self.shown.clear();
        self.total = 0;
        let Some(path) = &self.path else { return Ok(()) };
        let begun = private(&unfinished(path)).and_then(|file| {
            let mut file = BufWriter::new(file);
            let key = self.plan.key.iter().map(|(column, _)| self.plan.columns[*column].left.as_str());
            let head = ["difference", "left_row", "right_row", "left_rows", "right_rows", "columns"];
            let cells: Vec<String> = head.into_iter().chain(key).map(quoted).collect();
            writeln!(file, "{}", cells.join(","))?;
            Ok(file)
        });
        self.file = Some(begun.map_err(|error| unwritable(path, &error))?);
        Ok(())
    }

    /// Takes one.
    pub(super) fn push(&mut self, difference: Difference) -> Result<(), ReadError> {
        self.total += 1;
        if let Some(file) = &mut self.file {
            writeln!(file, "{}", line(&difference))?;
        }
        if self.shown.len() < SHOWN {
            let Difference { kind, key, left_row, right_row } = difference;
            self.shown.push(Shown { kind, key, left_row, right_row });
        }
        Ok(())
    }

    /// Gives the first of them and the number of all, and leaves the file whole.
    pub(super) fn finish(self) -> Result<(Vec<Shown>, u64), Failure> {
        if let (Some(path), Some(file)) = (&self.path, self.file) {
            let whole = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
                file.sync_all()?;
                fs::rename(unfinished(path), path)
            });
            whole.map_err(|error| unwritable(path, &error))?;
        }
        Ok((self.shown, self.total))
    }
}

/// Where a file lies while it is written.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

/// A new file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, Class::Retryable, format!("{} cannot be written: {error}", path.display()))
}

/// One line of the file. NULL is nothing at all, an empty text is two quotation marks.
fn line(difference: &Difference) -> String {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let (left, right) = difference.kind.rows();
    let mut cells = vec![
        difference.kind.code().to_owned(),
        number(difference.left_row),
        number(difference.right_row),
        left.to_string(),
        right.to_string(),
        quoted(&difference.kind.columns().join(",")),
    ];
    let key = difference.key.expose().iter();
    cells.extend(key.map(|cell| cell.as_deref().map(quoted).unwrap_or_default()));
    cells.join(",")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
