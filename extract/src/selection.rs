//! The statement that reads a table from a server: the columns that are wanted, in an order that is always the
//! same.

use crate::error::{Error, ErrorKind};
use crate::source::{SourceColumn, TableSchema};
use crate::span::{KeyValue, Mark, Span};

/// What a dialect of SQL says about a column.
pub(crate) trait Selectable {
    /// The column, as it is described to others.
    fn column(&self) -> &SourceColumn;

    /// The value as SQL text, in a form that the reader knows.
    fn value(&self) -> String;

    /// What orders rows by this column, as a part of the primary key. Texts are ordered by their bytes, so that
    /// no language's rules have a say.
    fn order_in_key(&self) -> String;

    /// What orders rows by the text of this column, NULL first, where there is no key.
    fn order_by_text(&self) -> String;

    /// What of a value goes into a mark, as SQL; `None` for types whose values cannot be named exactly, so that a
    /// table with such a column in its key has no marks.
    fn value_in_mark(&self) -> Option<String>;

    /// A value of a mark as SQL that compares with [`Selectable::order_in_key`] by the rules by which that orders:
    /// with the same type and the same collation. `None` for what is no value of the column.
    fn mark_as_sql(&self, value: &KeyValue) -> Option<String>;
}

/// A statement, and what it gives.
pub(crate) struct Selection<'k, C> {
    pub(crate) statement: String,
    /// What the values of a row are: first those of the columns that are wanted, then those that only marks need.
    pub(crate) values: Vec<Selected<'k, C>>,
    /// Which of the values the mark behind a row is made of; none when there are no marks.
    pub(crate) key: Vec<usize>,
}

/// A value of a row.
pub(crate) struct Selected<'k, C> {
    pub(crate) column: &'k C,
    /// Whether it is what [`Selectable::value_in_mark`] asks for, and that is not the value that travels.
    pub(crate) only_in_mark: bool,
}

/// A table as its server's catalog describes it.
pub(crate) struct KnownTable<C> {
    pub(crate) columns: Vec<C>,
    /// The names of the primary key's columns in key order; empty when there is none.
    pub(crate) key: Vec<String>,
}

impl<C: Selectable> KnownTable<C> {
    /// Makes a table of columns, each with its position in the primary key when it is part of it.
    pub(crate) fn new(columns: Vec<(C, Option<i64>)>) -> Self {
        let name = |column: &C| column.column().name.clone();
        let mut key: Vec<(i64, String)> =
            columns.iter().filter_map(|(column, position)| Some(((*position)?, name(column)))).collect();
        key.sort_unstable();
        Self {
            columns: columns.into_iter().map(|(column, _)| column).collect(),
            key: key.into_iter().map(|(_, name)| name).collect(),
        }
    }

    /// What others are told of the table.
    pub(crate) fn schema(&self, name: String, rows_estimate: u64) -> TableSchema {
        let columns = self.columns.iter().map(|known| known.column().clone()).collect();
        TableSchema { name, columns, key_unique: self.key.clone(), rows_estimate }
    }

    /// The statement that reads the columns of `wanted` of the rows of a span from the table that SQL calls `from`.
    /// `place` names the server in errors.
    pub(crate) fn select(
        &self,
        place: &str,
        from: &str,
        wanted: &TableSchema,
        span: &Span,
    ) -> Result<Selection<'_, C>, Error> {
        let chosen = wanted.columns.iter().map(|column| {
            let known = self.named(&column.name).ok_or_else(|| {
                let problem = format!("{place}: table {} has no column {}", wanted.name, column.name);
                Error::new(ErrorKind::Drift, problem)
            })?;
            let (before, now) = (&column.declared_type, &known.column().declared_type);
            // Whoever describes a table without types takes it as it is.
            if before.is_empty() || before == now {
                return Ok(known);
            }
            let (table, column) = (&wanted.name, &column.name);
            let problem = format!("{place}: table {table}: column {column} is {now} now and was {before}");
            Err(Error::new(ErrorKind::Drift, problem))
        });
        let selected = |column| Selected { column, only_in_mark: false };
        let mut values = chosen.map(|column| column.map(selected)).collect::<Result<Vec<_>, _>>()?;
        // What is not read may not be readable; rows that are the same in what is read may change places.
        let order: Vec<String> = if self.key.is_empty() {
            values.iter().map(|value| value.column.order_by_text()).collect()
        } else {
            self.key_columns().map(Selectable::order_in_key).collect()
        };
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        let key = self.select_key(&mut values);
        let mut sql: Vec<String> = values.iter().map(Selected::sql).collect();
        if sql.is_empty() {
            // A table may be read for its number of rows alone.
            sql.push("NULL".to_owned());
        }
        let rows = self.condition(span).ok_or_else(|| unknown_mark(place, &wanted.name))?;
        let statement = format!("SELECT {} FROM {from}{rows}{order}", sql.join(", "));
        Ok(Selection { statement, values, key })
    }

    pub(crate) fn named(&self, name: &str) -> Option<&C> {
        self.columns.iter().find(|known| known.column().name == name)
    }

    /// The first column of the primary key.
    pub(crate) fn first_of_key(&self) -> Option<&C> {
        self.key_columns().next()
    }

    /// The columns of the primary key, in key order.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &C> {
        self.key.iter().filter_map(|name| self.named(name))
    }

    /// The places of the key among the values of a row. What is not among them is added.
    fn select_key<'k>(&'k self, values: &mut Vec<Selected<'k, C>>) -> Vec<usize> {
        let Some(in_mark) = self.key_columns().map(Selectable::value_in_mark).collect::<Option<Vec<_>>>()
        else {
            return Vec::new();
        };
        let mut places = Vec::with_capacity(in_mark.len());
        for (column, in_mark) in self.key_columns().zip(in_mark) {
            let only_in_mark = in_mark != column.value();
            let is_it = |value: &Selected<'_, C>| !only_in_mark && std::ptr::eq(value.column, column);
            places.push(values.iter().position(is_it).unwrap_or(values.len()));
            if places.last() == Some(&values.len()) {
                values.push(Selected { column, only_in_mark });
            }
        }
        places
    }

    /// ` WHERE …`, or nothing for a whole table; `None` when a mark is not of this table.
    pub(crate) fn condition(&self, span: &Span) -> Option<String> {
        let against = |mark: &Option<Mark>| match mark {
            None => Some(None),
            Some(mark) => self.key_against(mark).map(Some),
        };
        let mut rows = between(against(&span.after)?, against(&span.up_to)?);
        if let Some(least) = &span.at_least {
            let column = self.named(&least.column)?;
            let value = column.mark_as_sql(&KeyValue::Text(least.value.clone()))?;
            push_condition(&mut rows, &format!("{} >= {value}", column.order_in_key()));
        }
        Some(rows)
    }

    /// Each column of the key with the value that the mark has for it.
    fn key_against(&self, mark: &Mark) -> Option<Vec<(String, String)>> {
        let values = mark.key().filter(|values| !values.is_empty() && values.len() <= self.key.len())?;
        let pairs = self.key_columns().zip(values);
        pairs.map(|(column, value)| Some((column.order_in_key(), column.mark_as_sql(value)?))).collect()
    }
}

impl<C: Selectable> Selected<'_, C> {
    fn sql(&self) -> String {
        let in_mark = self.only_in_mark.then(|| self.column.value_in_mark()).flatten();
        in_mark.unwrap_or_else(|| self.column.value())
    }
}

/// ` WHERE …` for the rows behind a key, each column of it with its value, both as SQL; nothing for all rows.
#[must_use]
pub fn rows_behind(key: Option<Vec<(String, String)>>) -> String {
    between(key, None)
}

/// ` WHERE …` for the rows behind one mark and up to another, each as the columns of the key with their values;
/// nothing for all rows.
pub(crate) fn between(after: Option<Vec<(String, String)>>, up_to: Option<Vec<(String, String)>>) -> String {
    let after = after.map(|key| Toward::End.condition(&key));
    let up_to = up_to.map(|key| Toward::Beginning.condition(&key));
    let both: Vec<String> = after.into_iter().chain(up_to).collect();
    if both.is_empty() { String::new() } else { format!(" WHERE {}", both.join(" AND ")) }
}

/// Adds a condition to ` WHERE …`, which may be empty.
pub(crate) fn push_condition(rows: &mut String, condition: &str) {
    rows.push_str(if rows.is_empty() { " WHERE " } else { " AND " });
    rows.push_str(condition);
}

/// On which side of a mark rows lie.
#[derive(Clone, Copy)]
enum Toward {
    /// Behind it.
    End,
    /// Up to it; the row that it names is among them.
    Beginning,
}

impl Toward {
    /// The condition on rows, by columns of the key and values. The first column is compared alone as well: by that
    /// every server finds the beginning in the index of the key.
    fn condition(self, key: &[(String, String)]) -> String {
        let (loose, strict) = match self {
            Self::End => (">=", ">"),
            Self::Beginning => ("<=", "<"),
        };
        match key {
            [] => String::new(),
            [(column, value)] => {
                let sign = match self {
                    Self::End => strict,
                    Self::Beginning => loose,
                };
                format!("{column} {sign} {value}")
            }
            [(column, value), rest @ ..] => {
                let rest = self.condition(rest);
                format!(
                    "{column} {loose} {value} AND ({column} {strict} {value} OR ({column} = {value} AND {rest}))"
                )
            }
        }
    }
}

/// Whether a text is a decimal number, which SQL reads as exact.
pub(crate) fn is_exact_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    [whole, fraction]
        .iter()
        .all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a day, or a moment, has zeros for its year, its month or its day. MySQL and MariaDB keep such days, and may
/// refuse them in a condition: it depends on the mode of the session.
pub(crate) fn has_zero_day(text: &str) -> bool {
    text.starts_with("0000") || [4, 7].iter().any(|at| text.get(*at..at + 3) == Some("-00"))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The bytes of hexadecimal digits; `None` for what is none, and for an odd number of them.
pub(crate) fn bytes_of_digits(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// The error about a mark that was made when the table had another key.
pub(crate) fn unknown_mark(place: &str, table: &str) -> Error {
    let problem = "the place where its reading stopped cannot be found again";
    Error::new(ErrorKind::Drift, format!("{place}: table {table}: {problem}"))
}

/// Marks that cut the numbers from `first` to `last` into as many spans of the same width as `rows` of `rows_each`
/// make; none when they make no two.
pub(crate) fn even_marks(first: i64, last: i64, rows: u64, rows_each: u64) -> Vec<Mark> {
    /// Narrower spans than this many to a table make the server begin anew too often.
    const MOST: u64 = 4096;
    let width = i128::from(last) - i128::from(first) + 1;
    let possible = u64::try_from(width.max(0)).unwrap_or(u64::MAX);
    let spans = i128::from((rows / rows_each.max(1)).min(possible).min(MOST));
    let end = |span: i128| i64::try_from(i128::from(first) + width * span / spans - 1);
    (1..spans).filter_map(|span| end(span).ok()).map(Mark::behind_whole).collect()
}

/// What is read, and from where.
pub(crate) struct Reading<F> {
    /// What notes call the source.
    pub(crate) name: String,
    /// What errors call the server.
    pub(crate) place: String,
    /// What errors say was read.
    pub(crate) doing: String,
    /// What has to be done to the values of each column.
    pub(crate) forms: Vec<F>,
}

impl<F> Reading<F> {
    /// The error about an answer that is not what the server should have sent.
    pub(crate) fn corrupt(&self, problem: &str) -> Error {
        Error::new(ErrorKind::Corrupt, format!("{}: {}: {problem}", self.place, self.doing))
    }
}

/// The error about a table that the catalog does not list. A server may hide what the user may not read, so it is
/// asked for the table all the same: `answer` is what came of that.
pub(crate) fn not_listed<T>(place: &str, table: &str, answer: Result<T, Error>) -> Error {
    match answer {
        Err(error) if error.kind() == ErrorKind::Permission || error.is_retryable() => error,
        _ => no_table(place, table),
    }
}

/// The error about a table that is not there any more.
pub(crate) fn no_table(place: &str, table: &str) -> Error {
    Error::new(ErrorKind::Drift, format!("{place}: table {table} is not there any more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<'a>(key: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
        key.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn rows_are_on_one_side_of_a_mark() {
        let key = pairs(&[("a", "1"), ("b", "2")]);
        assert_eq!(Toward::End.condition(&key), "a >= 1 AND (a > 1 OR (a = 1 AND b > 2))");
        assert_eq!(Toward::Beginning.condition(&key), "a <= 1 AND (a < 1 OR (a = 1 AND b <= 2))");
        assert_eq!(Toward::Beginning.condition(&key[..1]), "a <= 1");
        assert_eq!(Toward::End.condition(&key[..1]), "a > 1");
    }

    #[test]
    fn only_digits_are_exact_numbers() {
        assert!(["0", "-12.50", "12345678901234567890"].into_iter().all(is_exact_number));
        assert!(!["", "-", "1.", ".5", "1e3", "1 OR 1", "NaN", "٣"].into_iter().any(is_exact_number));
        assert_eq!(hexadecimal(&[0, 10, 255]), "000AFF");
        assert_eq!(bytes_of_digits(b"000aFF"), Some(vec![0, 10, 255]));
        assert_eq!((bytes_of_digits(b"0"), bytes_of_digits(b"0g")), (None, None));
    }

    #[test]
    fn even_marks_leave_no_number_out_and_none_twice() {
        let ends = |first, last, rows, each| -> Vec<i64> {
            let marks = even_marks(first, last, rows, each);
            marks
                .iter()
                .map(|mark| match mark.key() {
                    Some([KeyValue::Whole(end)]) => *end,
                    _ => panic!("a whole number"),
                })
                .collect()
        };
        assert_eq!(ends(1, 100, 1000, 250), [25, 50, 75]);
        assert_eq!(ends(5, 6, 1000, 10), [5]);
        assert_eq!(ends(5, 5, 1000, 10), [0; 0]);
        assert_eq!(ends(1, 100, 199, 100), [0; 0]);
        assert_eq!(ends(7, 3, 1000, 10), [0; 0], "an empty table");
        let widest = ends(i64::MIN, i64::MAX, u64::MAX, 1);
        assert_eq!(widest.len(), 4095);
        assert!(widest.is_sorted());
    }
}
