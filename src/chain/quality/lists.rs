//! The lists of owners: one CSV file and one workbook for each, and what is for the data protection officer only.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bron_extract::atomic;
use bron_mappings::{Mapping, Owner, Pseudonym, ReasonCode, SourceKey, may_name_a_person};
use bron_reconcile::quality::{Issue, QualityTally, Standing};
use bron_reconcile::report::{Labels, advice};
use bron_reconcile::worklist::{BYTE_ORDER_MARK, Sheet, csv_line, workbook};
use bron_transform::BRIDGE_SYSTEM;

use crate::chain::Chain;
use crate::failure::Failure;

/// A workbook holds at most this many rows in all; the CSV file holds every row.
const ROWS_OF_A_WORKBOOK: usize = 50_000;

/// Where lists lie that only the data protection officer may read.
pub(super) const RESTRICTED: &str = "begransad";

/// What stands for a nämnd or an area that nobody knows: it is text of a source.
const UNKNOWN: &str = "okänd";

const HEADER: [&str; 16] = [
    "Regel",
    "Vad det betyder",
    "Vad ni gör i källsystemet",
    "Vikt",
    "Hållen tillbaka",
    "System",
    "Tabell",
    "Nyckel",
    "Fält",
    "Nämnd",
    "Område",
    "Enhet",
    "År",
    "Sedan",
    "Ny eller kvar",
    "Åtgärd beslutad",
];

/// The lists of a run while they are written. Memory does not grow beyond the rows of the workbooks.
pub(super) struct Lists<'c> {
    chain: &'c Chain<'c>,
    labels: &'c Labels,
    dir: PathBuf,
    owners: BTreeMap<String, OwnerList>,
    protected: BTreeMap<(String, String), u64>,
}

struct OwnerList {
    path: PathBuf,
    csv: BufWriter<File>,
    rows: u64,
    /// By nämnd and area.
    sheets: BTreeMap<(String, String), Vec<Vec<String>>>,
    in_sheets: usize,
}

impl<'c> Lists<'c> {
    pub(super) const fn new(chain: &'c Chain<'c>, labels: &'c Labels, dir: PathBuf) -> Self {
        Self { chain, labels, dir, owners: BTreeMap::new(), protected: BTreeMap::new() }
    }

    /// Puts a mark on its owner's list. What is about a protected person is only counted.
    pub(super) fn push(
        &mut self,
        mapping: &Mapping,
        standing: Standing,
        issue: &Issue,
    ) -> Result<(), Failure> {
        if issue.protected {
            let place = (issue.owner.clone(), issue.rule.clone());
            *self.protected.entry(place).or_default() += 1;
            return Ok(());
        }
        let Some(reason) = ReasonCode::parse(&issue.rule) else { return Ok(()) };
        let row = self.row(mapping, standing, issue, reason);
        let place = (row[9].clone(), row[10].clone());
        if !self.owners.contains_key(&issue.owner) {
            let list = OwnerList::create(&self.dir, &issue.owner)?;
            self.owners.insert(issue.owner.clone(), list);
        }
        let list = self.owners.get_mut(&issue.owner).expect("the list was made above");
        list.push(place, row)
    }

    fn row(&self, mapping: &Mapping, standing: Standing, issue: &Issue, reason: ReasonCode) -> Vec<String> {
        let policy = &self.chain.set.quality;
        let own = policy.rule(reason).and_then(|rule| rule.advice.as_deref());
        let state = match standing {
            Standing::New => "ny",
            Standing::Persisting => "kvarstår",
            Standing::Resolved => "åtgärdad",
        };
        let held = if matches!(issue.action.as_str(), "quarantine" | "stop") { "ja" } else { "" };
        let known = |names: &BTreeMap<String, String>, code: &str| {
            let name = names.get(code).map(|name| format!("{code} {name}"));
            name.unwrap_or_else(|| if code.is_empty() { String::new() } else { UNKNOWN.to_owned() })
        };
        let system = &mapping.system;
        vec![
            issue.rule.clone(),
            reason.label().to_owned(),
            own.unwrap_or_else(|| advice(reason.code()).proposal).to_owned(),
            policy.weight(reason).name().to_owned(),
            held.to_owned(),
            self.labels.systems.get(system).unwrap_or(system).clone(),
            mapping.table.clone(),
            self.chain.shown_key(mapping, &issue.key),
            issue.field.clone(),
            known(&self.labels.namnder, &issue.namnd),
            known(&self.labels.areas, &issue.area),
            if is_plain(&issue.unit) { issue.unit.clone() } else { UNKNOWN.to_owned() },
            issue.year.clone(),
            issue.since.clone(),
            state.to_owned(),
            String::new(),
        ]
    }

    /// Closes the lists, and writes the workbooks, the trend per nämnd and area, and the counts of what is
    /// about protected persons.
    pub(super) fn finish(self, tally: &QualityTally) -> Result<(), Failure> {
        let restricted = self.dir.join(RESTRICTED);
        atomic::create_directory(&restricted)?;
        let mut counts = csv_head(&["Ägare", "Regel", "Poster om skyddade personer"]);
        for ((owner, rule), count) in &self.protected {
            counts.push_str(&csv_line([owner, rule, count.to_string().as_str()]));
        }
        atomic::write(&restricted.join("skyddade_antal.csv"), counts.as_bytes())?;
        let head =
            ["Ägare", "Regel", "Nämnd", "Område", "Öppna", "Nya", "Kvar", "Åtgärdade", "Varav skyddade"];
        let mut trend = csv_head(&head);
        for (place, counts) in tally.cells() {
            let known = |names: &BTreeMap<String, String>, code: &str| {
                if code.is_empty() || names.contains_key(code) { code.to_owned() } else { UNKNOWN.to_owned() }
            };
            let namnd = known(&self.labels.namnder, &place.namnd);
            let area = known(&self.labels.areas, &place.area);
            let numbers = [counts.open, counts.new, counts.persisting, counts.resolved, counts.protected];
            let numbers = numbers.map(|number| number.to_string());
            let texts = [&place.owner, &place.rule, &namnd, &area].into_iter().chain(&numbers);
            trend.push_str(&csv_line(texts.map(String::as_str)));
        }
        atomic::write(&restricted.join("trend.csv"), trend.as_bytes())?;
        for (owner, list) in self.owners {
            list.finish(&self.dir, &owner)?;
        }
        Ok(())
    }
}

impl OwnerList {
    fn create(dir: &Path, owner: &str) -> Result<Self, Failure> {
        let path = dir.join(format!("arbetslista_{owner}.csv"));
        let mut csv = BufWriter::new(File::create(part(&path)).map_err(|error| cannot(&path, &error))?);
        csv.write_all(csv_head(&HEADER).as_bytes()).map_err(|error| cannot(&path, &error))?;
        Ok(Self { path, csv, rows: 0, sheets: BTreeMap::new(), in_sheets: 0 })
    }

    fn push(&mut self, place: (String, String), row: Vec<String>) -> Result<(), Failure> {
        let line = csv_line(row.iter().map(String::as_str));
        self.csv.write_all(line.as_bytes()).map_err(|error| cannot(&self.path, &error))?;
        self.rows += 1;
        if self.in_sheets < ROWS_OF_A_WORKBOOK {
            self.in_sheets += 1;
            self.sheets.entry(place).or_default().push(row);
        }
        Ok(())
    }

    fn finish(self, dir: &Path, owner: &str) -> Result<(), Failure> {
        let Self { path, csv, rows, sheets, in_sheets } = self;
        let file = csv.into_inner().map_err(|error| cannot(&path, error.error()))?;
        file.sync_all().map_err(|error| cannot(&path, &error))?;
        std::fs::rename(part(&path), &path).map_err(|error| cannot(&path, &error))?;
        let name = Owner::ALL.into_iter().find(|one| one.code() == owner).map_or(owner, |one| one.label());
        let mut pages = vec![cover(name, rows, in_sheets)];
        pages.extend(sheets.into_iter().map(|((namnd, area), mut rows)| {
            rows.sort();
            let name = format!("{} {}", first_word(&namnd, "alla"), first_word(&area, ""));
            Sheet { name: name.trim().to_owned(), header: HEADER.map(str::to_owned).to_vec(), rows }
        }));
        let bytes = workbook(&format!("Arbetslista {name}"), &pages)?;
        Ok(atomic::write(&dir.join(format!("arbetslista_{owner}.xlsx")), &bytes)?)
    }
}

/// The first sheet: what the workbook is.
fn cover(name: &str, rows: u64, in_sheets: usize) -> Sheet {
    let line = |what: &str, text: String| vec![what.to_owned(), text];
    let rows = vec![
        line("Ägare", name.to_owned()),
        line("Rader på listan", rows.to_string()),
        line("Rader i arbetsboken", in_sheets.to_string()),
        line(
            "Så här gör ni",
            "Rätta i källsystemet med hjälp av nyckeln. Raden försvinner vid nästa körning.".to_owned(),
        ),
        line(
            "Skyddade personer",
            "Poster om personer med skydd finns inte här. De lämnas till dataskyddsombudet.".to_owned(),
        ),
    ];
    Sheet { name: "Om listan".to_owned(), header: vec!["Vad".to_owned(), "Uppgift".to_owned()], rows }
}

fn first_word<'t>(text: &'t str, none: &'t str) -> &'t str {
    text.split(' ').next().filter(|word| !word.is_empty()).unwrap_or(none)
}

/// The beginning of a CSV file.
pub(super) fn csv_head(header: &[&str]) -> String {
    format!("{BYTE_ORDER_MARK}{}", csv_line(header.iter().copied()))
}

fn part(path: &Path) -> PathBuf {
    path.with_extension("csv.part")
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::config(format!("cannot write {}: {error}", path.display()))
}

/// Copies the lists to where people look, in the place of those of the run before.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    atomic::renew_directory(to)?;
    let mut entries: Vec<_> = std::fs::read_dir(from)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(|error| cannot(from, &error))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).map_err(|error| cannot(&target, &error))?;
        }
    }
    Ok(())
}

/// Whether a text is a code and nothing else: no words, and nothing that has the form of a person number.
pub(in crate::chain) fn is_plain(text: &str) -> bool {
    !may_name_a_person(text) && !text.chars().any(char::is_whitespace)
}

impl Chain<'_> {
    /// The key as lists show it: as it is when it names nobody, else a pseudonym that people with access can
    /// look up. A row that the bridge made is named by the keys of the rows that it was made from.
    pub(crate) fn shown_key(&self, mapping: &Mapping, key: &str) -> String {
        let personal = if mapping.system == BRIDGE_SYSTEM {
            let mut parts = key.splitn(3, '/');
            let of = parts.next().zip(parts.next());
            let named = of.and_then(|(system, table)| self.set.mapping(system, table));
            named.is_some_and(|mapping| mapping.personal_key) || self.pair_may_be_personal(key)
        } else {
            mapping.personal_key
        };
        if personal || may_name_a_person(key) {
            return self.pseudonym(mapping, key);
        }
        key.to_owned()
    }

    /// A line of a file as lists show it: its place, unless the file is named after a person.
    pub(crate) fn shown_line(&self, mapping: &Mapping, place: &str) -> String {
        if may_name_a_person(place) { self.pseudonym(mapping, place) } else { place.to_owned() }
    }

    fn pseudonym(&self, mapping: &Mapping, key: &str) -> String {
        let record = SourceKey::new(&mapping.system, &mapping.table, [Some(key)]);
        Pseudonym::derive(&self.settings.secret, &record).to_string()
    }

    /// A pair across tables names both; each may be of a table whose keys are numbers of persons.
    fn pair_may_be_personal(&self, key: &str) -> bool {
        key.split('|').any(|part| {
            let mut parts = part.splitn(3, '/');
            let named = parts.next().zip(parts.next());
            let mapping = named.and_then(|(system, table)| self.set.mapping(system, table));
            mapping.is_some_and(|mapping| mapping.personal_key)
        })
    }
}
