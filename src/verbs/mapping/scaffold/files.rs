//! Which files of a folder are one table, and how they were written.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::Sniffed;
use bron_extract::profile::{Reference, TableProfile};
use bron_mappings::CsvDialect;

/// One kind of file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: String,
    /// The pattern of the names of its files.
    pub(super) pattern: String,
    pub(super) columns: Vec<String>,
    pub(super) optional: Vec<String>,
    /// Its files, each with the period that its name says, where it says one.
    files: BTreeMap<String, Option<String>>,
}

/// How the files of all kinds were written.
pub(super) struct Dialects {
    pub(super) dialects: Vec<CsvDialect>,
    /// The files that were written otherwise than the dialects say.
    pub(super) others: Vec<String>,
}

fn split(file: &str) -> (Vec<&str>, &str) {
    let at = file.find('.').unwrap_or(file.len());
    (file[..at].split('_').collect(), &file[at..])
}

fn has_digits(part: &str) -> bool {
    part.contains(|one: char| one.is_ascii_digit())
}

/// Whether a part of a name is a year, a month or a day.
fn is_period(part: &str) -> bool {
    matches!(part.len(), 4 | 6 | 8) && part.bytes().all(|one| one.is_ascii_digit())
}

/// The kinds of the files that were looked at. Files are of one kind when their names begin alike and have as many
/// parts, and their first column is the same.
pub(super) fn kinds(verdicts: &[Sniffed]) -> Vec<Kind> {
    let mut groups: BTreeMap<(String, usize, String, String), Vec<&Sniffed>> = BTreeMap::new();
    for file in verdicts {
        let (parts, end) = split(&file.file);
        let first = file.columns.first().cloned().unwrap_or_default();
        groups.entry((parts[0].to_owned(), parts.len(), end.to_owned(), first)).or_default().push(file);
    }
    let mut names = BTreeSet::new();
    groups.into_values().map(|group| kind(&group, &mut names)).collect()
}

fn kind(group: &[&Sniffed], names: &mut BTreeSet<String>) -> Kind {
    let (first, end) = split(&group[0].file);
    let all: Vec<Vec<&str>> = group.iter().map(|file| split(&file.file).0).collect();
    let same = |at: usize| at == 0 || all.iter().all(|parts| parts[at] == first[at]);
    let alone = group.len() == 1;
    let period = (1..first.len()).find(|at| !alone && all.iter().all(|parts| is_period(parts[*at])));
    let captured = |at: usize| period == Some(at) || !same(at);
    let part = |at: usize| match (period == Some(at), captured(at)) {
        (true, _) => "{period}".to_owned(),
        (false, true) => format!("{{del{at}}}"),
        (false, false) => first[at].to_owned(),
    };
    let pattern = (0..first.len()).map(part).collect::<Vec<_>>().join("_") + end;
    let literal: Vec<&str> = (0..first.len()).filter(|at| !captured(*at)).map(|at| first[at]).collect();
    let wanted = literal.join("_");
    let name = (1..)
        .map(|number: u32| if number == 1 { wanted.clone() } else { format!("{wanted}_{number}") })
        .find(|name| names.insert(name.clone()))
        .expect("there is always another number");
    let mut columns: Vec<String> = Vec::new();
    for column in group.iter().flat_map(|file| &file.columns) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    let optional = columns.iter().filter(|column| group.iter().any(|file| !file.columns.contains(column)));
    let optional = optional.cloned().collect();
    let period_of = |parts: &[&str]| period.map(|at| parts[at].to_owned());
    let files = group.iter().zip(&all).map(|(file, parts)| (file.file.clone(), period_of(parts))).collect();
    Kind { name, pattern, columns, optional, files }
}

/// The kind whose files a table was made of that was read as the files look.
fn kind_of<'k>(kinds: &'k [Kind], table: &str) -> Option<&'k Kind> {
    let literal =
        |parts: &[&str]| parts.iter().filter(|part| !has_digits(part)).copied().collect::<Vec<_>>().join("_");
    kinds.iter().find(|kind| {
        kind.files.keys().any(|file| {
            let (parts, _) = split(file);
            parts.join("_") == table || literal(&parts) == table
        })
    })
}

/// The profiles by kind: of the profiles of one kind, that of the most rows speaks for the column.
pub(super) fn merged(tables: Vec<TableProfile>, kinds: &[Kind]) -> Vec<TableProfile> {
    if kinds.is_empty() {
        return tables;
    }
    let mut of_kind: BTreeMap<&str, Vec<TableProfile>> = BTreeMap::new();
    for table in tables {
        if let Some(kind) = kind_of(kinds, &table.table) {
            of_kind.entry(&kind.name).or_default().push(table);
        }
    }
    let merged = kinds.iter().filter_map(|kind| {
        let mut tables = of_kind.remove(kind.name.as_str())?;
        tables.sort_by_key(|table| std::cmp::Reverse(table.rows));
        let several = tables.len() > 1;
        let mut all = tables.into_iter();
        let mut one = all.next()?;
        kind.name.clone_into(&mut one.table);
        for other in all {
            one.rows += other.rows;
            one.unreadable += other.unreadable;
            let new = other.columns.into_iter().filter(|column| one.column(&column.name).is_none());
            one.columns.extend(new.collect::<Vec<_>>());
        }
        if several {
            // What is unique in each of several files need not be so in all of them.
            one.unique.clear();
        }
        one.columns.retain(|column| kind.columns.contains(&column.name));
        Some(one)
    });
    merged.collect()
}

/// The references between kinds.
pub(super) fn renamed(references: Vec<Reference>, kinds: &[Kind]) -> Vec<Reference> {
    if kinds.is_empty() {
        return references;
    }
    let mut found: Vec<Reference> = Vec::new();
    for one in references {
        let (Some(from), Some(to)) = (kind_of(kinds, &one.table), kind_of(kinds, &one.to_table)) else {
            continue;
        };
        let (table, to_table) = (from.name.clone(), to.name.clone());
        let known = |other: &Reference| {
            (&other.table, &other.column, &other.to_table, &other.to_column)
                == (&table, &one.column, &to_table, &one.to_column)
        };
        if table != to_table && !found.iter().any(known) {
            found.push(Reference { table, to_table, ..one });
        }
    }
    found
}

/// How the files were written: one way for all, or one after the other by period. Where neither holds, the way of
/// most files. Files that were written otherwise than the dialect of their period says are named.
pub(super) fn dialects(system: &str, kinds: &[Kind], verdicts: &[Sniffed]) -> Dialects {
    // In a file of nothing but ASCII most encodings look alike.
    let telling: Vec<&Sniffed> = verdicts.iter().filter(|file| file.letters.of > 0).collect();
    let telling = if telling.is_empty() { verdicts.iter().collect() } else { telling };
    let mut ways: Vec<(CsvDialect, Vec<&Sniffed>)> = Vec::new();
    for file in telling {
        match ways.iter_mut().find(|(way, _)| is_way(way, file)) {
            Some((way, files)) => {
                way.bom |= file.bom;
                files.push(file);
            }
            None => ways.push((way_of(system, file), vec![file])),
        }
    }
    let mut dialects = by_period(kinds, &ways).unwrap_or_else(|| {
        let most =
            ways.iter().enumerate().max_by_key(|(at, (_, files))| (files.len(), std::cmp::Reverse(*at)));
        most.map(|(_, (way, _))| vec![way.clone()]).unwrap_or_default()
    });
    let mut others = Vec::new();
    for file in verdicts {
        let period = period_of(kinds, &file.file);
        let later = |until: &String| period.as_ref().is_some_and(|period| period > until);
        match dialects.iter_mut().find(|one| one.until.as_ref().is_none_or(|until| !later(until))) {
            Some(dialect) if is_way(dialect, file) => dialect.quoting |= file.quoting,
            Some(_) | None => others.push(file.file.clone()),
        }
    }
    Dialects { dialects, others }
}

fn way_of(system: &str, file: &Sniffed) -> CsvDialect {
    CsvDialect { quoting: false, ..file.dialect(system) }
}

fn is_way(way: &CsvDialect, file: &Sniffed) -> bool {
    let encoding = way.encoding == file.encoding || file.letters.of == 0;
    // A byte order mark is passed over whether it is declared or not.
    encoding && u8::try_from(file.separator) == Ok(way.separator) && file.crlf == way.crlf
}

fn period_of(kinds: &[Kind], file: &str) -> Option<String> {
    kinds.iter().find_map(|kind| kind.files.get(file)?.clone())
}

/// The ways in the order of the periods in which they were used, when each file has a period and no way comes back
/// after another.
fn by_period(kinds: &[Kind], ways: &[(CsvDialect, Vec<&Sniffed>)]) -> Option<Vec<CsvDialect>> {
    let mut spans = Vec::new();
    for (way, files) in ways {
        let periods =
            files.iter().map(|file| period_of(kinds, &file.file)).collect::<Option<BTreeSet<_>>>()?;
        spans.push((periods.first()?.clone(), periods.last()?.clone(), way));
    }
    spans.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    if spans.len() < 2 || spans.windows(2).any(|pair| pair[0].1 >= pair[1].0) {
        return None;
    }
    let last = spans.len() - 1;
    let dialect = |(order, (_, until, way)): (usize, &(String, String, &CsvDialect))| CsvDialect {
        name: format!("{}_{}", way.name, order + 1),
        until: (order < last).then(|| until.clone()),
        ..(*way).clone()
    };
    Some(spans.iter().enumerate().map(dialect).collect())
}

#[cfg(test)]
mod tests {
    use bron_extract::Share;

    use super::*;

    fn file(name: &str, encoding: &str, letters: u64, columns: &[&str]) -> Sniffed {
        let all = Share { found: letters, of: letters };
        Sniffed {
            file: name.to_owned(),
            encoding: encoding.to_owned(),
            letters: all,
            separator: ';',
            lines: all,
            quoting: encoding == "utf-8",
            crlf: true,
            bom: false,
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn files_of_a_kind_are_one_table_and_their_periods_tell_the_dialects() {
        let verdicts = [
            file("besok_201401_U01.csv", "windows-1252", 3, &["NR", "TID"]),
            file("besok_201402_U02.csv", "utf-8", 0, &["NR", "TID"]),
            file("besok_202001_U01.csv", "utf-8", 5, &["NR", "TID", "LAT"]),
            file("kund.csv", "utf-8", 0, &["KUND"]),
        ];
        let kinds = kinds(&verdicts);
        let told: Vec<(&str, &str)> =
            kinds.iter().map(|kind| (kind.name.as_str(), kind.pattern.as_str())).collect();
        assert_eq!(told, [("besok", "besok_{period}_{del2}.csv"), ("kund", "kund.csv")]);
        assert_eq!(kinds[0].optional, ["LAT"]);
        let Dialects { dialects, others } = dialects("s", &kinds, &verdicts);
        let told: Vec<_> = dialects.iter().map(|one| (one.until.as_deref(), one.encoding.as_str())).collect();
        assert_eq!(told, [(Some("201401"), "windows-1252"), (None, "utf-8")]);
        assert_eq!(others, Vec::<String>::new(), "nothing but ASCII fits everywhere");
    }

    #[test]
    fn ways_that_come_back_are_told_by_the_files_that_differ() {
        let verdicts = [
            file("a_2014.csv", "windows-1252", 3, &["A"]),
            file("a_2015.csv", "cp850", 3, &["A"]),
            file("a_2016.csv", "windows-1252", 3, &["A"]),
        ];
        let Dialects { dialects, others } = dialects("s", &kinds(&verdicts), &verdicts);
        assert_eq!((dialects.len(), dialects[0].encoding.as_str()), (1, "windows-1252"));
        assert_eq!(others, ["a_2015.csv"]);
    }
}
