//! A row that the target does not take because of what the row holds, and why.
//!
//! What is kept of an answer is its code and the name of the constraint. PostgreSQL's message and detail, and what a
//! trigger says, can hold values of the row, and are never kept.

use bron_mappings::{EntityId, ReasonCode};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::error::{Error, ErrorKind, Result};

/// Why a row was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Objection {
    /// The SQLSTATE; for SQLite and for what is found before the target is asked, the one that comes nearest.
    pub(crate) sqlstate: String,
    /// The constraint, the function of a trigger, or `bron:` and our own finding; empty when nobody says.
    pub(crate) constraint: String,
}

/// The objection to several rows that were given at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) objection: Objection,
    /// The place of the row that is meant, counted from 0 among the rows given, where the database names it.
    pub(crate) place: Option<usize>,
}

impl Answer {
    /// The answer when the target has left out a row and said nothing: a trigger can do that.
    pub(crate) fn swallowed() -> Self {
        Self { objection: Objection::new("P0001", "bron:swallowed"), place: None }
    }
}

/// A row of a part that the target holds no version of this run of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The entity.
    pub entity: String,
    /// The part that the row came in.
    pub part: String,
    /// The row.
    pub id: EntityId,
    /// The SQLSTATE, five letters or digits. SQLite's result codes are told by the SQLSTATE of the same meaning.
    pub sqlstate: String,
    /// The name of the constraint or of the trigger's function; `bron:required`, `bron:calendar`, `bron:digits` and
    /// `bron:nul` are findings made before the target was asked, and `bron:swallowed` is a row that the target left
    /// out without a word. Empty when the target names none.
    pub constraint: String,
}

impl Refusal {
    /// A refusal as the target keeps it: entity, part, id, code and constraint.
    pub(crate) fn stored([entity, part, id, sqlstate, constraint]: [String; 5]) -> Result<Self> {
        let id = EntityId::parse(&id)
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "bron_refused holds an id that is not one"))?;
        Ok(Self { entity, part, id, sqlstate, constraint })
    }

    /// The reason by which the row is held back.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        reason(&self.sqlstate)
    }
}

fn reason(sqlstate: &str) -> ReasonCode {
    match sqlstate {
        "23502" => ReasonCode::TargetMissing,
        "23503" => ReasonCode::TargetReference,
        "23505" | "23P01" => ReasonCode::TargetUnique,
        "23514" | "44000" => ReasonCode::TargetCheck,
        "54000" => ReasonCode::TargetValue,
        _ if sqlstate.starts_with("22") => ReasonCode::TargetValue,
        _ => ReasonCode::TargetRule,
    }
}

impl Objection {
    pub(crate) fn new(sqlstate: &str, constraint: &str) -> Self {
        Self { sqlstate: sqlstate.to_owned(), constraint: shortened(constraint) }
    }

    /// Whether another row can put it right: the one that is referred to may only come later.
    pub(crate) fn may_pass_later(&self) -> bool {
        reason(&self.sqlstate) == ReasonCode::TargetReference
    }
}

/// The objection in an error of the driver; `None` when the error is about anything else than what rows hold.
pub(crate) fn answer(error: &sqlx::Error) -> Option<Answer> {
    let said = error.as_database_error()?;
    match said.try_downcast_ref::<PgDatabaseError>() {
        Some(said) => of_postgres(said),
        None => of_sqlite(said),
    }
}

fn of_postgres(said: &PgDatabaseError) -> Option<Answer> {
    let sqlstate = is_about_a_row(said.code()).then(|| said.code().to_owned())?;
    let context = said.r#where().unwrap_or_default();
    let named = said.constraint().or_else(|| said.column()).or_else(|| function(context));
    let line = said.table().into_iter().chain(copied(context)).find_map(|table| line(context, table));
    let objection = Objection::new(&sqlstate, named.unwrap_or_default());
    Some(Answer { objection, place: line.and_then(|line| line.checked_sub(1)) })
}

/// Whether a SQLSTATE is about the content of rows: data and integrity (22, 23, 44), what PL/pgSQL raises (P0), a row
/// too large for an index (54000), and the codes that no standard assigns and triggers of the city's own may use.
pub(crate) fn is_about_a_row(sqlstate: &str) -> bool {
    const OF_THE_SERVER: [&str; 6] = ["53", "54", "55", "57", "58", "72"];
    let Some(class) = sqlstate.get(..2) else { return false };
    if matches!(class, "22" | "23" | "44" | "P0") || sqlstate == "54000" {
        return true;
    }
    let own = class.bytes().next().is_some_and(|first| matches!(first, b'5'..=b'9' | b'I'..=b'Z'));
    own && class != "XX" && !OF_THE_SERVER.contains(&class)
}

/// The table of a context that begins with `COPY table, `.
fn copied(context: &str) -> Option<&str> {
    context.lines().next()?.strip_prefix("COPY ")?.split(", ").next()
}

/// The line of the rows given by COPY, counted from 1: the first number behind the table, whatever the server's
/// language is.
fn line(context: &str, table: &str) -> Option<usize> {
    let rest = context.lines().next()?.strip_prefix("COPY ")?.strip_prefix(table)?.strip_prefix(", ")?;
    let digits = rest.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    // A server that tells no line may tell the value, in which a number means something else.
    let word = &rest[..rest.len() - digits.len()];
    let plain = word.trim_end().chars().all(char::is_alphabetic);
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|_| plain)
}

/// The function in a context such as `PL/pgSQL function kontroll() line 3 at RAISE`.
fn function(context: &str) -> Option<&str> {
    let before = context.lines().next()?.split('(').next().filter(|before| before.len() < context.len())?;
    // What quotes a parameter or a statement is made of values, and its last word may be one.
    if before.contains([':', '=', '\'', ',']) {
        return None;
    }
    let name = before.split(' ').next_back()?;
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '"');
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// SQLite's result codes (sqlite.org/rescode.html) as the SQLSTATE of the same meaning.
fn of_sqlite(said: &dyn DatabaseError) -> Option<Answer> {
    let code: i32 = said.code()?.parse().ok()?;
    let sqlstate = match code {
        18 => "54000",
        20 | 3091 => "22000",
        275 => "23514",
        787 => "23503",
        1299 => "23502",
        1555 | 2067 | 2579 => "23505",
        1811 => "P0001",
        _ if code & 0xff == 19 => "23000",
        _ => return None,
    };
    // What a trigger says is the city's own text, and may be made of values.
    let named =
        if code == 1811 { "" } else { said.message().split_once("failed: ").map_or("", |(_, name)| name) };
    Some(Answer { objection: Objection::new(sqlstate, named), place: None })
}

/// SQLite names a condition without a name by its text, which can be long.
fn shortened(name: &str) -> String {
    const LONGEST: usize = 200;
    name.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_about_rows_are_told_from_all_others() {
        for code in [
            "22003", "22P02", "23502", "23514", "23P01", "44000", "P0001", "P0004", "54000", "SK001", "90001",
        ] {
            assert!(is_about_a_row(code), "{code}");
        }
        for code in [
            "", "08006", "25006", "28000", "40001", "40P01", "42501", "42P01", "42703", "53100", "53200",
            "54001", "55P03", "57014", "57P01", "58030", "72000", "F0000", "HV000", "XX000", "XX001",
            "0A000",
        ] {
            assert!(!is_about_a_row(code), "{code}");
        }
    }

    #[test]
    fn every_code_has_the_reason_that_people_read() {
        for (code, expected) in [
            ("23502", ReasonCode::TargetMissing),
            ("22008", ReasonCode::TargetValue),
            ("54000", ReasonCode::TargetValue),
            ("23514", ReasonCode::TargetCheck),
            ("23P01", ReasonCode::TargetUnique),
            ("23503", ReasonCode::TargetReference),
            ("23000", ReasonCode::TargetRule),
            ("P0001", ReasonCode::TargetRule),
        ] {
            assert_eq!(reason(code), expected, "{code}");
        }
    }

    #[test]
    fn the_line_of_a_copy_is_read_in_any_language() {
        assert_eq!(line("COPY visit, line 12, column \"tid\": \"x 99\"", "visit"), Some(12));
        assert_eq!(line("COPY visit, rad 3", "visit"), Some(3));
        assert_eq!(line("COPY visit, column tid: \"19\"", "visit"), None);
        assert_eq!(line("COPY other, line 12", "visit"), None);
        assert_eq!(line("SQL statement \"SELECT 1\"", "visit"), None);
        assert_eq!(copied("COPY visit, line 12"), Some("visit"));
    }

    #[test]
    fn the_function_of_a_trigger_is_named_and_nothing_else() {
        let context = "PL/pgSQL function public.kontroll(integer) line 3 at RAISE\nSQL statement";
        assert_eq!(function(context), Some("public.kontroll"));
        assert_eq!(function("PL/pgSQL-funktion \"Kontroll\"() rad 3 vid RAISE"), Some("\"Kontroll\""));
        assert_eq!(function("SQL statement \"INSERT 'hemligt' (x)\""), None);
        assert_eq!(function("unnamed portal with parameters: $1 = 'Anna Eva(x)'"), None);
        assert_eq!(function("parameters $1 = Eva(x)"), None);
        assert_eq!(function("something else"), None);
        assert_eq!(function(""), None);
    }

    #[test]
    fn names_are_short_and_on_one_line() {
        assert_eq!(Objection::new("23514", "a\nb").constraint, "ab");
        assert_eq!(Objection::new("23514", &"x".repeat(500)).constraint.len(), 200);
    }
}
