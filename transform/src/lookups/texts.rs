//! Texts of other rows, column by column and in small pieces, so that no column is too long to address.

use std::fmt;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array as _, StringArray};

use super::index::KeyIndex;

/// Rows of one piece of a column: the texts of so many rows stay far from 2 GB, which an array can address.
const PIECE: usize = 1 << 14;

/// Some columns of some rows.
pub(crate) struct TextTable {
    names: Vec<String>,
    columns: Vec<TextColumn>,
}

/// The texts of one column, by the row's place in the table.
pub(crate) struct TextColumn(Vec<StringArray>);

/// Gathers a [`TextTable`].
pub(crate) struct TextTableBuilder {
    names: Vec<String>,
    open: Vec<StringBuilder>,
    columns: Vec<TextColumn>,
    rows: usize,
}

impl TextTable {
    pub(crate) fn builder(names: Vec<String>) -> TextTableBuilder {
        let open = names.iter().map(|_| StringBuilder::new()).collect();
        let columns = names.iter().map(|_| TextColumn(Vec::new())).collect();
        TextTableBuilder { names, open, columns, rows: 0 }
    }

    /// A column that was asked for.
    pub(crate) fn column(&self, name: &str) -> Option<&TextColumn> {
        self.names.iter().position(|known| known == name).map(|index| &self.columns[index])
    }
}

impl TextColumn {
    /// The text of a row that is there.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        let piece = &self.0[row / PIECE];
        let row = row % PIECE;
        piece.is_valid(row).then(|| piece.value(row))
    }
}

impl TextTableBuilder {
    /// The number of rows so far.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row: one text for each column.
    pub(crate) fn push<'t>(&mut self, texts: impl IntoIterator<Item = Option<&'t str>>) {
        for (column, text) in self.open.iter_mut().zip(texts) {
            column.append_option(text);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(PIECE) {
            self.close_piece();
        }
    }

    fn close_piece(&mut self) {
        for (open, column) in self.open.iter_mut().zip(&mut self.columns) {
            column.0.push(open.finish());
        }
    }

    pub(crate) fn finish(mut self) -> TextTable {
        self.close_piece();
        TextTable { names: self.names, columns: self.columns }
    }
}

impl fmt::Debug for TextTable {
    /// Prints the names of the columns, never a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextTable({})", self.names.join(" "))
    }
}

/// One text for each of many keys, most of which have few different texts between them.
#[derive(Default)]
pub(crate) struct SharedTexts {
    texts: Vec<Box<str>>,
    /// For each key one more than the place of its text; 0 when it has none.
    place_after: Vec<u32>,
}

impl SharedTexts {
    /// The texts of keys, in the order of the keys.
    pub(crate) fn new(texts: impl IntoIterator<Item = Option<impl AsRef<str>>>) -> Self {
        let (mut index, mut shared) = (KeyIndex::default(), Self::default());
        for text in texts {
            let place = text.map(|text| {
                let (place, new) = index.insert(text.as_ref());
                if new {
                    shared.texts.push(text.as_ref().into());
                }
                u32::try_from(place + 1)
                    .expect("there are fewer than 2^32 texts, or memory would not hold them")
            });
            shared.place_after.push(place.unwrap_or(0));
        }
        shared
    }

    /// The text of the key at this place.
    pub(crate) fn text(&self, key: usize) -> Option<&str> {
        let place = usize::try_from(self.place_after[key]).expect("32 bits fit a usize").checked_sub(1)?;
        Some(&self.texts[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_column_is_read_across_its_pieces() {
        let mut builder = TextTable::builder(vec!["A".to_owned(), "B".to_owned()]);
        let rows = 2 * PIECE + 1;
        for row in 0..rows {
            let text = row.to_string();
            builder.push([(row % 3 != 0).then_some(text.as_str()), Some("b")]);
        }
        assert_eq!(builder.rows(), rows);
        let table = builder.finish();
        let column = table.column("A").unwrap();
        for row in [0, 1, PIECE - 1, PIECE, PIECE + 1, rows - 1] {
            assert_eq!(column.text(row), (row % 3 != 0).then(|| row.to_string()).as_deref(), "{row}");
        }
        assert_eq!(table.column("B").unwrap().text(rows - 1), Some("b"));
        assert!(table.column("C").is_none());
    }

    #[test]
    fn keys_share_texts() {
        let shared = SharedTexts::new([Some("1"), None, Some("2"), Some("1"), Some("")]);
        let texts: Vec<Option<&str>> = (0..5).map(|key| shared.text(key)).collect();
        assert_eq!(texts, [Some("1"), None, Some("2"), Some("1"), Some("")]);
        assert_eq!(shared.texts.len(), 3);
    }
}
