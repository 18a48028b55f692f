//! The workbook in which people decide: a sheet for each owner, a row for each item, and columns to fill in.
//!
//! What the program has to know again lies in hidden places: the installation on a sheet of its own, and what was
//! looked at of an item, its version, in a column. Columns are found by their heads, so they may be moved and sorted.
//! No cell becomes a formula, whatever a source wrote into a key.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use rust_xlsxwriter::{DataValidation, DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use crate::error::{Error, ErrorKind};
use crate::worklist::{Sheet, harmless, write_sheet};

/// The version of the form of the workbook.
const FORM: &str = "1";
/// The name of the hidden sheet that says whose workbook it is.
const ORIGIN: &str = "bron";
const ITEM: &str = "Post";
const VERSION: &str = "Version";
/// More filled cells than any sheet has that was exported: a few hundred thousand items with all that is said of each.
const MOST_CELLS: usize = 10_000_000;

/// The columns that people fill in.
pub const ENTRY_COLUMNS: [&str; 5] = ["Beslut", "Mappas till", "Beslutat av", "Roll", "Motivering"];

/// A row that somebody is to decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// The item's id.
    pub item: String,
    /// Its version: what is to be decided about.
    pub version: u64,
    /// What is said of it, a cell for each head of [`DecisionBook::header`].
    pub cells: Vec<String>,
}

/// A workbook to decide in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionBook {
    /// The title in the properties of the file.
    pub title: String,
    /// What the installation is marked with.
    pub installation: String,
    /// The first sheet: what the workbook is.
    pub cover: Sheet,
    /// The heads of what is said of each item.
    pub header: Vec<String>,
    /// The decisions that can be chosen.
    pub choices: Vec<String>,
    /// The sheets: the owner's name and the rows.
    pub sheets: Vec<(String, Vec<DecisionRow>)>,
}

impl DecisionBook {
    /// The bytes of the workbook; the same for the same content.
    ///
    /// # Errors
    /// [`ErrorKind::Report`] when a sheet has more rows than Excel can hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let refused = |error| Error::caused(ErrorKind::Report, "a workbook could not be written", error);
        self.book().map_err(refused)
    }

    fn book(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        // A day that says nothing: a clock would give other bytes each time.
        let day = ExcelDateTime::from_ymd(2000, 1, 1)?;
        book.set_properties(&DocProperties::new().set_title(&self.title).set_creation_datetime(&day));
        let mut names = vec![ORIGIN.to_owned()];
        write_sheet(book.add_worksheet(), &self.cover, &mut names)?;
        for (owner, rows) in &self.sheets {
            let sheet = self.sheet(owner, rows);
            let page = book.add_worksheet();
            write_sheet(page, &sheet, &mut names)?;
            self.guard(page, rows.len())?;
        }
        let origin = book.add_worksheet();
        origin.set_name(ORIGIN)?.set_very_hidden(true);
        origin.write_string(0, 0, FORM)?.write_string(1, 0, &self.installation)?;
        book.save_to_buffer()
    }

    fn sheet(&self, owner: &str, rows: &[DecisionRow]) -> Sheet {
        let entry = ENTRY_COLUMNS.map(str::to_owned);
        let header = [ITEM.to_owned()].into_iter().chain(self.header.iter().cloned()).chain(entry);
        let rows = rows.iter().map(|row| {
            let blank = ENTRY_COLUMNS.map(|_| String::new());
            let cells = [row.item.clone()].into_iter().chain(row.cells.iter().cloned()).chain(blank);
            cells.chain([row.version.to_string()]).collect()
        });
        let header = header.chain([VERSION.to_owned()]).collect();
        Sheet { name: owner.to_owned(), header, rows: rows.collect() }
    }

    /// Lets people choose among the decisions, and hides what is not for them.
    fn guard(&self, page: &mut Worksheet, rows: usize) -> Result<(), XlsxError> {
        let column = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let (first, last) = (column(self.header.len() + 1), u32::try_from(rows).unwrap_or(u32::MAX));
        let choose = DataValidation::new()
            .allow_list_strings(&self.choices)?
            .set_error_title("Okänt beslut")?
            .set_error_message("Välj ett av besluten i listan.")?;
        if rows > 0 {
            page.add_data_validation(1, first, last, first, &choose)?;
        }
        page.set_column_hidden(first + column(ENTRY_COLUMNS.len()))?;
        page.set_column_width(first, 18)?;
        Ok(())
    }
}

/// A row of a workbook in which somebody entered something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnteredRow {
    /// The sheet.
    pub sheet: String,
    /// The row, counted from 1 as Excel does.
    pub row: u32,
    /// The item's id, as it stands there.
    pub item: String,
    /// The version that the item had when the workbook was written, as it stands there.
    pub version: String,
    /// What was entered, in the order of [`ENTRY_COLUMNS`], without blanks at its ends.
    pub entered: [String; 5],
}

/// A rule that a workbook breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The sheet.
    pub sheet: String,
    /// The row, counted from 1; 1 is the row of heads.
    pub row: u32,
    /// The head of the column.
    pub column: String,
    /// What is wrong, without what was entered.
    pub rule: String,
}

/// What people entered into a workbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// What the installation is marked with that the workbook was written for.
    pub installation: String,
    /// The rows in which something was entered, in the order of sheets and rows.
    pub rows: Vec<EnteredRow>,
    /// Sheets that lack a column.
    pub problems: Vec<Problem>,
}

/// Reads a workbook that people have worked in.
///
/// # Errors
/// [`ErrorKind::Report`] when it is no workbook, or none that [`DecisionBook::to_bytes`] wrote, or one of a newer form.
pub fn read(bytes: &[u8]) -> Result<Entered, Error> {
    let broken =
        |error| Error::caused(ErrorKind::Report, "the file cannot be read as an Excel workbook", error);
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let names = book.sheet_names();
    let refused = |text: &str| Error::new(ErrorKind::Report, text);
    if !names.iter().any(|name| name == ORIGIN) {
        return Err(refused("the workbook was not written by `bron quarantine export`"));
    }
    let origin = cells(&mut book, ORIGIN)?;
    if text(&origin, 0, 0) != FORM {
        return Err(refused("the workbook was written by another version of the program"));
    }
    let mut entered = Entered { installation: text(&origin, 1, 0), ..Entered::default() };
    // The first sheet says what the workbook is, and people may add sheets of their own.
    for name in names.iter().filter(|name| *name != ORIGIN) {
        read_sheet(name, &cells(&mut book, name)?, &mut entered);
    }
    Ok(entered)
}

/// The cells of a sheet that have something in them, by row and column, counted from 0. A sheet as a full rectangle
/// could be made as large as memory by two cells far apart.
type Filled = BTreeMap<(u32, u32), String>;

/// The filled cells of a sheet.
fn cells(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Filled, Error> {
    let broken =
        |error| Error::caused(ErrorKind::Report, "the file cannot be read as an Excel workbook", error);
    let mut filled = Filled::new();
    let mut reader = match book.worksheet_cells_reader(sheet) {
        // People may add a chart on a sheet of its own.
        Err(calamine::XlsxError::NotAWorksheet(_)) => return Ok(filled),
        reader => reader.map_err(broken)?,
    };
    while let Some(cell) = reader.next_cell().map_err(broken)? {
        let text = plain(&Data::from(cell.get_value().clone()).to_string());
        if text.is_empty() {
            continue;
        }
        if filled.len() >= MOST_CELLS {
            let text = "a sheet of the workbook has more cells than any that people decide in";
            return Err(Error::new(ErrorKind::Report, text));
        }
        filled.insert(cell.get_position(), text);
    }
    Ok(filled)
}

fn read_sheet(sheet: &str, filled: &Filled, entered: &mut Entered) {
    let head_row = || filled.iter().take_while(|((row, _), _)| *row == 0);
    let place = |head: &str| head_row().find(|(_, text)| *text == head).map(|((_, column), _)| *column);
    let Some(item) = place(ITEM) else { return };
    let wanted = ENTRY_COLUMNS.into_iter().chain([VERSION]);
    let places: Vec<Option<u32>> = wanted.clone().map(place).collect();
    let missing = wanted.zip(&places).filter(|(_, place)| place.is_none());
    let before = entered.problems.len();
    entered.problems.extend(missing.map(|(column, _)| Problem {
        sheet: sheet.to_owned(),
        row: 1,
        column: column.to_owned(),
        rule: "the column is missing".to_owned(),
    }));
    if entered.problems.len() > before {
        return;
    }
    let rows: BTreeSet<u32> = filled.keys().map(|(row, _)| *row).filter(|row| *row > 0).collect();
    for row in rows {
        let cell = |at: usize| places[at].map_or_else(String::new, |column| text(filled, row, column));
        let written = std::array::from_fn(cell);
        if written.iter().any(|text| !text.is_empty()) {
            let (item, version) = (text(filled, row, item), cell(ENTRY_COLUMNS.len()));
            entered.rows.push(EnteredRow {
                sheet: sheet.to_owned(),
                row: row + 1,
                item,
                version,
                entered: written,
            });
        }
    }
}

/// The text of a cell; empty for one with nothing in it.
fn text(filled: &Filled, row: u32, column: u32) -> String {
    filled.get(&(row, column)).cloned().unwrap_or_default()
}

/// The text of a cell without blanks at its ends, and without the apostrophe that keeps it from being a formula.
fn plain(text: &str) -> String {
    let plain = text.trim();
    let guarded = plain.strip_prefix('\'').filter(|rest| harmless(rest) == plain);
    guarded.unwrap_or(plain).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(rows: Vec<DecisionRow>) -> DecisionBook {
        DecisionBook {
            title: "Karantän".to_owned(),
            installation: "mark".to_owned(),
            cover: Sheet {
                name: "Om arbetsboken".to_owned(),
                header: vec!["Vad".to_owned(), "Uppgift".to_owned()],
                rows: vec![vec!["Poster".to_owned(), "1".to_owned()]],
            },
            header: vec!["Orsak".to_owned(), "Nyckel".to_owned()],
            choices: vec!["godta".to_owned(), "vänta".to_owned()],
            sheets: vec![("Ekonomi".to_owned(), rows)],
        }
    }

    fn row(item: &str, key: &str) -> DecisionRow {
        DecisionRow { item: item.to_owned(), version: 3, cells: vec!["D24".to_owned(), key.to_owned()] }
    }

    #[test]
    fn a_workbook_is_the_same_bytes_each_time_and_nothing_is_entered_in_it() {
        let bytes = book(vec![row("a", "=1+1")]).to_bytes().unwrap();
        assert_eq!(bytes, book(vec![row("a", "=1+1")]).to_bytes().unwrap());
        let read = read(&bytes).unwrap();
        assert_eq!((read.installation.as_str(), read.rows.len(), read.problems.len()), ("mark", 0, 0));
        assert!(book(Vec::new()).to_bytes().is_ok());
    }

    #[test]
    fn cells_are_no_formulas_and_the_version_is_hidden() {
        let bytes = book(vec![row("a", "=1+1")]).to_bytes().unwrap();
        let mut read = Xlsx::new(Cursor::new(bytes.as_slice())).unwrap();
        let range = read.worksheet_range("Ekonomi").unwrap();
        assert_eq!(range.get_value((1, 2)), Some(&Data::String("'=1+1".to_owned())));
        assert_eq!(range.get_value((1, 8)), Some(&Data::String("3".to_owned())));
        let hidden = read.sheets_metadata().iter().find(|sheet| sheet.name == ORIGIN).unwrap();
        assert_eq!(hidden.visible, calamine::SheetVisible::VeryHidden);
    }

    #[test]
    fn what_people_entered_is_found_wherever_the_columns_are() {
        let mut book = Workbook::new();
        let page = book.add_worksheet();
        page.set_name("Ekonomi").unwrap();
        let heads = ["Version", "Motivering", "Beslut", "Eget", "Post", "Roll", "Beslutat av", "Mappas till"];
        for (at, head) in (0_u16..).zip(heads) {
            page.write_string(0, at, head).unwrap();
        }
        page.write_number(4, 0, 3).unwrap();
        page.write_string(4, 2, " vänta ").unwrap();
        page.write_string(4, 4, "a").unwrap();
        page.write_string(4, 1, "'-nej").unwrap();
        let other = book.add_worksheet();
        other.set_name("Trasig").unwrap().write_string(0, 0, "Post").unwrap();
        let origin = book.add_worksheet();
        origin.set_name(ORIGIN).unwrap().write_string(0, 0, "1").unwrap();
        origin.write_string(1, 0, "mark").unwrap();
        let read = read(&book.save_to_buffer().unwrap()).unwrap();
        let entered = ["vänta", "", "", "", "-nej"].map(str::to_owned);
        let (sheet, item, version) = ("Ekonomi".to_owned(), "a".to_owned(), "3".to_owned());
        assert_eq!(read.rows, [EnteredRow { sheet, row: 5, item, version, entered }]);
        assert_eq!(read.problems.len(), 6);
        assert!(read.problems.iter().all(|problem| problem.sheet == "Trasig" && problem.row == 1));
    }

    #[test]
    fn cells_far_apart_cost_no_more_than_cells_side_by_side() {
        let mut book = Workbook::new();
        let page = book.add_worksheet();
        // As a rectangle: 17,000 million cells.
        page.write_string(0, 0, "Eget").unwrap().write_string(1_048_575, 16_383, "x").unwrap();
        let origin = book.add_worksheet();
        origin.set_name(ORIGIN).unwrap().write_string(0, 0, "1").unwrap();
        origin.write_string(1, 0, "mark").unwrap();
        let read = read(&book.save_to_buffer().unwrap()).unwrap();
        assert_eq!((read.installation.as_str(), read.rows.len(), read.problems.len()), ("mark", 0, 0));
    }

    #[test]
    fn other_files_are_refused() {
        assert!(read(b"text").unwrap_err().to_string().contains("Excel workbook"));
        let mut other = Workbook::new();
        other.add_worksheet();
        let error = read(&other.save_to_buffer().unwrap()).unwrap_err();
        assert!(error.to_string().contains("bron quarantine export"));
        let page = other.add_worksheet();
        page.set_name(ORIGIN).unwrap().write_string(0, 0, "2").unwrap();
        let error = read(&other.save_to_buffer().unwrap()).unwrap_err();
        assert!(error.to_string().contains("another version"));
    }
}
