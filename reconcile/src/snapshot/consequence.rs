//! What a difference between a source and its last reading leads to, told in the order of its consequence.

use std::collections::BTreeSet;

use bron_mappings::{CodeList, MappingSet, Rule};
use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::shape::{Drift, DriftKind};

/// Names that are this alike, of a hundred, may be the same thing under another name.
const ALIKE: usize = 60;

/// What a difference leads to; the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// An extract stops before it reads a row (D70).
    Stops,
    /// An extract goes on, and somebody should look first.
    Look,
    /// Nothing: the mapping files account for it.
    Told,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What it leads to.
    pub consequence: Consequence,
    /// The source system.
    pub system: String,
    /// The table.
    pub table: String,
    /// The column; empty when it is about the whole table.
    pub column: String,
    /// What it is about: `gone`, `new`, `retyped`, `rekeyed`, `made_optional`, `made_required`, `fewer_rows` or
    /// `new_codes`.
    pub kind: &'static str,
    /// The difference in one English line, in the words of a stopped extract.
    pub en: String,
    /// The same in Swedish.
    pub sv: String,
    /// What may have happened instead, or what is to be done, in English; may be empty.
    pub hint: String,
    /// The same in Swedish.
    pub hint_sv: String,
}

/// What the declared differences lead to, given what the mapping files say of today's tables.
#[must_use]
pub fn declared(drift: &[Drift], set: &MappingSet) -> Vec<Finding> {
    let mut findings: Vec<Finding> = drift.iter().map(|one| finding(one, drift, set)).collect();
    findings.sort();
    findings
}

fn finding(one: &Drift, all: &[Drift], set: &MappingSet) -> Finding {
    let Drift { system, table, column, kind, before, after } = one;
    let named = is_named(one, set);
    let (consequence, name) = match kind {
        DriftKind::Gone if named => (Consequence::Stops, "gone"),
        DriftKind::Gone => (Consequence::Told, "gone"),
        DriftKind::New if named => (Consequence::Told, "new"),
        DriftKind::New => (Consequence::Stops, "new"),
        DriftKind::Retyped => (Consequence::Stops, "retyped"),
        DriftKind::Rekeyed => (Consequence::Look, "rekeyed"),
        DriftKind::MadeOptional => (Consequence::Look, "made_optional"),
        DriftKind::MadeRequired => (Consequence::Told, "made_required"),
    };
    let typed = |text: &str| if text.is_empty() { "inget".to_owned() } else { text.to_owned() };
    let sv = match kind {
        DriftKind::Retyped | DriftKind::Rekeyed => {
            format!("{}: {} före, {} nu", kind.label(), typed(before), typed(after))
        }
        DriftKind::Gone | DriftKind::New | DriftKind::MadeOptional | DriftKind::MadeRequired => {
            kind.label().to_owned()
        }
    };
    let (hint, hint_sv) = hint(one, all, consequence);
    Finding {
        consequence,
        system: system.clone(),
        table: table.clone(),
        column: column.clone(),
        kind: name,
        en: one.to_string(),
        sv,
        hint,
        hint_sv,
    }
}

/// Whether the mapping files name the table or the column, to read it or to leave it out.
fn is_named(Drift { system, table, column, .. }: &Drift, set: &MappingSet) -> bool {
    let mapping = set.mapping(system, table);
    if column.is_empty() {
        let ignored = set.systems.get(system).is_some_and(|system| system.ignored_tables.contains_key(table));
        return mapping.is_some() || ignored;
    }
    mapping.is_some_and(|mapping| {
        mapping.ignored.contains_key(column)
            || mapping.own_columns(mapping.origins()).contains(column.as_str())
    })
}

fn hint(one: &Drift, all: &[Drift], consequence: Consequence) -> (String, String) {
    match (one.kind, consequence) {
        (DriftKind::Gone, _) => renamed(one, all).map_or_else(Default::default, |name| {
            (format!("may have been renamed to {name}"), format!("kan ha bytt namn till {name}"))
        }),
        (DriftKind::New, Consequence::Stops) => (
            "map it, or leave it out with a reason".to_owned(),
            "mappa den, eller lämna den utanför med ett skäl".to_owned(),
        ),
        (DriftKind::Retyped, _) => match widened(&one.before, &one.after) {
            Some(true) => ("the same type with more room".to_owned(), "samma typ med mer plats".to_owned()),
            Some(false) => (
                "the same type with less room: values may be cut off".to_owned(),
                "samma typ med mindre plats: värden kan vara avklippta".to_owned(),
            ),
            None => (
                "see that the rules of the column still read it, then accept it".to_owned(),
                "se att kolumnens regler ännu kan läsa den, och godkänn sedan".to_owned(),
            ),
        },
        (DriftKind::Rekeyed, _) => (
            "see that the mapping's key still names one record".to_owned(),
            "se att mappningens nyckel ännu pekar ut en enda post".to_owned(),
        ),
        (DriftKind::MadeOptional, _) => (
            "see what the rules of the column make of a missing value".to_owned(),
            "se vad kolumnens regler gör när värdet saknas".to_owned(),
        ),
        (DriftKind::New | DriftKind::MadeRequired, _) => Default::default(),
    }
}

/// What came where something went, and is most like it: for a column one of the same type in its table, for a
/// table any of its system.
fn renamed(gone: &Drift, all: &[Drift]) -> Option<String> {
    let comes = |other: &&Drift| {
        other.kind == DriftKind::New
            && other.system == gone.system
            && other.column.is_empty() == gone.column.is_empty()
            && (gone.column.is_empty() || (other.table == gone.table && other.after == gone.before))
    };
    let name = |drift: &Drift| {
        if drift.column.is_empty() { drift.table.clone() } else { drift.column.clone() }
    };
    let alike = all.iter().filter(comes).map(|other| (likeness(&name(gone), &name(other)), name(other)));
    alike.filter(|(alike, _)| *alike >= ALIKE).max().map(|(_, name)| name)
}

/// How alike two names are, of a hundred: the letters that stand in both in the same order, twice, as a part of the
/// letters of both. Capitals and underscores do not count.
#[must_use]
pub fn likeness(one: &str, other: &str) -> usize {
    let letters = |name: &str| name.to_lowercase().chars().filter(|one| *one != '_').collect::<Vec<char>>();
    let (one, other) = (letters(one), letters(other));
    let both = one.len() + other.len();
    let same = capture_diff_slices(Algorithm::Myers, &one, &other).into_iter().map(|op| match op {
        DiffOp::Equal { len, .. } => len,
        DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => 0,
    });
    (same.sum::<usize>() * 200).checked_div(both).unwrap_or(0)
}

/// Whether a type has more room than before (`varchar(20)` after `varchar(10)`), or less; `None` for another type.
fn widened(before: &str, after: &str) -> Option<bool> {
    let parts = |text: &str| {
        let (name, rest) = text.split_once('(')?;
        let sizes = rest.strip_suffix(')')?.split(',').map(|size| size.trim().parse::<u64>().ok());
        Some((name.to_lowercase(), sizes.collect::<Option<Vec<_>>>()?))
    };
    let ((name, old), (other, new)) = (parts(before)?, parts(after)?);
    if name != other || old.len() != new.len() {
        return None;
    }
    let grown = old.iter().zip(&new).all(|(old, new)| old <= new);
    let shrunk = old.iter().zip(&new).all(|(old, new)| old >= new);
    (grown || shrunk).then_some(grown)
}

/// Whether the rows of a table are so many fewer that somebody should look: a tenth of those that were read before,
/// or half of them when today's number is only an estimate.
#[must_use]
pub fn rows_fell(system: &str, table: &str, before: u64, now: u64, is_estimate: bool) -> Option<Finding> {
    let fewer = if is_estimate { now < before / 2 } else { now < before - before / 10 };
    let (about, ungefar) = if is_estimate { ("about ", "ungefär ") } else { ("", "") };
    fewer.then(|| Finding {
        consequence: Consequence::Look,
        system: system.to_owned(),
        table: table.to_owned(),
        column: String::new(),
        kind: "fewer_rows",
        en: format!("{system}/{table} had {before} rows and has {about}{now}"),
        sv: format!("{before} rader före, {ungefar}{now} nu"),
        hint: "find out in the source what became of the rows".to_owned(),
        hint_sv: "ta reda på i källan vad som har hänt med raderna".to_owned(),
    })
}

/// What codes that the last reading did not have lead to: those that a code list has no line for are marked `D18`
/// until it has. `hidden` counts those that too few rows have to be named. `None` when there are none.
#[must_use]
pub fn new_codes(
    set: &MappingSet,
    [system, table, column]: [&str; 3],
    shown: &[String],
    hidden: u64,
) -> Option<Finding> {
    if shown.is_empty() && hidden == 0 {
        return None;
    }
    let lists = lists_of(set, system, table, column);
    let known = |code: &String| lists.iter().all(|list| has_line(list, system, code));
    let (listed, unlisted): (Vec<_>, Vec<_>) = shown.iter().cloned().partition(known);
    let consequence = match (lists.is_empty(), unlisted.is_empty(), hidden) {
        (true, ..) | (_, true, 0) => Consequence::Told,
        (false, ..) => Consequence::Look,
    };
    let names = lists.iter().map(|list| list.name.as_str()).collect::<Vec<_>>().join(", ");
    let told = shown.join(", ");
    let (more, fler) = match hidden {
        0 => (String::new(), String::new()),
        some => {
            (format!("; {some} too rare to be named"), format!("; {some} som är för ovanliga för att nämnas"))
        }
    };
    let missing = unlisted.join(", ");
    let (hint, hint_sv) = match (consequence, unlisted.is_empty()) {
        (Consequence::Told, _) if listed.is_empty() || lists.is_empty() => Default::default(),
        (Consequence::Told, _) => (format!("all are in {names}"), format!("alla finns i {names}")),
        (_, true) => (
            format!("see whether the rare ones are in {names}"),
            format!("se om de ovanliga finns i {names}"),
        ),
        (_, false) => (
            format!("{names} has no line for {missing}: rows with them are marked D18"),
            format!("{names} saknar {missing}: rader med dem märks D18"),
        ),
    };
    Some(Finding {
        consequence,
        system: system.to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        kind: "new_codes",
        en: format!("{system}/{table}.{column} has new codes: {told}{more}"),
        sv: format!("nya koder: {told}{fler}"),
        hint,
        hint_sv,
    })
}

/// The code lists by which rules read a column of a table.
fn lists_of<'s>(set: &'s MappingSet, system: &str, table: &str, column: &str) -> Vec<&'s CodeList> {
    let Some(mapping) = set.mapping(system, table) else { return Vec::new() };
    let fields = mapping.targets.iter().flat_map(|target| &target.fields).chain(mapping.scope.rules());
    let names: BTreeSet<&str> = fields
        .filter_map(|field| match &field.rule {
            Rule::Codes { list, input, .. } if input.name == column => Some(list.as_str()),
            Rule::Codes { .. }
            | Rule::Id { .. }
            | Rule::Ref { .. }
            | Rule::Function { .. }
            | Rule::Const(_) => None,
        })
        .collect();
    names.into_iter().filter_map(|name| set.codes.get(name)).collect()
}

fn has_line(list: &CodeList, system: &str, code: &str) -> bool {
    list.entries().any(|(of, known, _)| known == code && (of == system || of.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_by_their_letters() {
        assert_eq!(likeness("PERS_ID", "persid"), 100);
        assert!(likeness("FNAMN", "FORNAMN") >= ALIKE);
        assert!(likeness("ADRESS", "SKAPAD") < ALIKE);
        assert_eq!(likeness("", ""), 0);
    }

    #[test]
    fn a_type_with_more_room_is_the_same_type() {
        assert_eq!(widened("varchar(10)", "VARCHAR(20)"), Some(true));
        assert_eq!(widened("decimal(19,4)", "decimal(9,2)"), Some(false));
        assert_eq!(widened("char(10)", "varchar(10)"), None);
        assert_eq!(widened("decimal(9,4)", "decimal(19,2)"), None);
        assert_eq!(widened("int", "bigint"), None);
    }

    #[test]
    fn rows_that_fell_are_told_by_how_sure_the_number_is() {
        assert_eq!(rows_fell("s", "T", 100, 90, false), None);
        assert_eq!(rows_fell("s", "T", 100, 60, true), None);
        assert_eq!(rows_fell("s", "T", 0, 0, false), None);
        let found = rows_fell("s", "T", 100, 89, false).unwrap();
        assert_eq!(found.en, "s/T had 100 rows and has 89");
    }
}
