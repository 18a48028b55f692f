//! Lists that people work with: as CSV that Swedish Excel opens as it should, and as workbooks.
//!
//! Lists carry keys, codes and advice, and no value of a row. A cell never becomes a formula, whatever a
//! source wrote into a key.

use rust_xlsxwriter::{DataValidation, DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::error::{Error, ErrorKind};

/// What a CSV file begins with, so that Excel reads it as UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The most letters that the name of a sheet has.
const SHEET_NAME: usize = 31;

/// The widest column, in letters.
const WIDEST: usize = 60;

/// A sheet of a workbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The name; cut and cleaned to what Excel allows.
    pub name: String,
    /// The heads of the columns.
    pub header: Vec<String>,
    /// The rows, each as wide as the header.
    pub rows: Vec<Vec<String>>,
}

/// One line of a CSV file: semicolons between, CRLF at the end.
#[must_use]
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(csv_cell).collect();
    cells.join(";") + "\r\n"
}

fn csv_cell(text: &str) -> String {
    let safe = harmless(text);
    if safe.contains([';', '"', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// The text, with an apostrophe before it when a spreadsheet would take it for a formula.
pub(crate) fn harmless(text: &str) -> String {
    // The wide forms count where a spreadsheet is set to an East Asian language.
    let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

/// A workbook of these sheets, the same bytes for the same sheets: head rows frozen, with filters.
///
/// # Errors
/// [`ErrorKind::Report`] when a sheet has more rows than Excel can hold.
pub fn workbook(title: &str, sheets: &[Sheet]) -> Result<Vec<u8>, Error> {
    workbook_to_fill_in(title, sheets, &[])
}

/// A column in which people choose.
pub(crate) struct Choice {
    /// The name of the sheet.
    pub(crate) sheet: &'static str,
    /// The head of the column.
    pub(crate) head: &'static str,
    /// What can be chosen.
    pub(crate) of: &'static [&'static str],
}

/// A workbook as [`workbook`], in which people fill in columns.
pub(crate) fn workbook_to_fill_in(
    title: &str,
    sheets: &[Sheet],
    choices: &[Choice],
) -> Result<Vec<u8>, Error> {
    let refused = |error| Error::caused(ErrorKind::Report, "a workbook could not be written", error);
    book(title, sheets, choices).map_err(refused)
}

fn book(title: &str, sheets: &[Sheet], choices: &[Choice]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // A day that says nothing: a clock would give other bytes each time.
    let day = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_title(title).set_creation_datetime(&day));
    let mut names: Vec<String> = Vec::new();
    for sheet in sheets {
        let page = book.add_worksheet();
        write_sheet(page, sheet, &mut names)?;
        for choice in choices.iter().filter(|choice| choice.sheet == sheet.name) {
            let column = sheet.header.iter().position(|head| head == choice.head);
            let column = column.and_then(|at| u16::try_from(at).ok());
            let last = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
            let Some(column) = column.filter(|_| last > 0) else { continue };
            let validation = DataValidation::new()
                .allow_list_strings(choice.of)?
                .set_error_title("Okänt val")?
                .set_error_message("Välj ett av svaren i listan.")?;
            page.add_data_validation(1, column, last, column, &validation)?;
        }
    }
    book.save_to_buffer()
}

/// Writes a sheet on a page of a workbook: its head row frozen, with filters.
pub(crate) fn write_sheet(
    page: &mut Worksheet,
    sheet: &Sheet,
    names: &mut Vec<String>,
) -> Result<(), XlsxError> {
    let (head, cell) = (Format::new().set_bold().set_text_wrap(), Format::new().set_text_wrap());
    let name = sheet_name(&sheet.name, names);
    page.set_name(&name)?.set_freeze_panes(1, 0)?;
    names.push(name.to_lowercase());
    for (at, title) in (0_u16..).zip(&sheet.header) {
        page.write_string_with_format(0, at, title, &head)?;
        page.set_column_width(at, width(sheet, usize::from(at)))?;
    }
    for (line, row) in (1_u32..).zip(&sheet.rows) {
        for (at, text) in (0_u16..).zip(row) {
            page.write_string_with_format(line, at, harmless(text), &cell)?;
        }
    }
    let last = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
    if let Some(columns) = u16::try_from(sheet.header.len()).ok().and_then(|count| count.checked_sub(1)) {
        page.autofilter(0, 0, last, columns)?;
    }
    Ok(())
}

/// Wide enough for what stands in the column, within reason.
fn width(sheet: &Sheet, column: usize) -> u16 {
    const SOME: usize = 200;
    let rows = sheet.rows.iter().take(SOME).filter_map(|row| row.get(column));
    let longest = rows.chain(sheet.header.get(column)).map(|text| text.chars().count()).max();
    u16::try_from(longest.unwrap_or_default().clamp(8, WIDEST) + 2).unwrap_or(u16::MAX)
}

/// A name that Excel allows and that no sheet before has.
fn sheet_name(wanted: &str, taken: &[String]) -> String {
    let clean: String = wanted
        .chars()
        .map(|one| if "[]:*?/\\'".contains(one) { ' ' } else { one })
        .take(SHEET_NAME)
        .collect();
    let clean = if clean.trim().is_empty() { "Utan namn".to_owned() } else { clean };
    let free = |name: &String| !taken.contains(&name.to_lowercase());
    let numbered = (2..).map(|number: u32| {
        let suffix = format!(" {number}");
        clean.chars().take(SHEET_NAME - suffix.len()).collect::<String>() + &suffix
    });
    std::iter::once(clean.clone()).chain(numbered).find(free).unwrap_or(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_quoted_where_it_must_be_and_never_a_formula() {
        assert_eq!(csv_line(["D01", "a;b", "sa \"hej\"", "å"]), "D01;\"a;b\";\"sa \"\"hej\"\"\";å\r\n");
        let formulas = ["=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"];
        let wide = ["＝1+1", "＋1", "－1", "＠A1"];
        for formula in formulas.into_iter().chain(wide) {
            let line = csv_line([formula]);
            assert!(line.starts_with('\'') || line.starts_with("\"'"), "{line:?}");
        }
        assert_eq!(csv_line(["7-1"]), "7-1\r\n");
    }

    #[test]
    fn names_of_sheets_are_allowed_and_different() {
        let long = "Äldreomsorg/Spånga-Tensta stadsdelsnämnd";
        let first = sheet_name(long, &[]);
        assert_eq!(first.chars().count(), SHEET_NAME);
        assert!(!first.contains('/'));
        let second = sheet_name(long, &[first.to_lowercase()]);
        assert!(second != first && second.ends_with(" 2") && second.chars().count() == SHEET_NAME);
        assert_eq!(sheet_name("  ", &[]), "Utan namn");
    }

    #[test]
    fn a_workbook_is_the_same_bytes_each_time() {
        let sheet = Sheet {
            name: "714".to_owned(),
            header: vec!["Regel".to_owned(), "Nyckel".to_owned()],
            rows: vec![vec!["D01".to_owned(), "=1+1".to_owned()]],
        };
        let (one, other) = (
            workbook("Lista", std::slice::from_ref(&sheet)).unwrap(),
            workbook("Lista", std::slice::from_ref(&sheet)).unwrap(),
        );
        assert!(one.starts_with(b"PK") && one == other);
    }
}
