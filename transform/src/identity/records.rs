//! The records of persons that are in the target, and what may be known about them here.

use std::collections::BTreeMap;
use std::rc::Rc;

use bron_mappings::{
    Batch, Cells, EntityId, IdentifierKind, IdentityDecisions, InstallationSecret, Origin, PersonKey,
    PersonName, PersonRecord, classify,
};

use super::names::{NameKey, Names};
use super::{Decided, Pair};
use crate::calendar::{End, days_of, parse_date_part, parse_end_date};
use crate::lookups::table::{Kind, cells_of, digits, present_id};
use crate::lookups::{PersonTable, Persons, person_id, text_at};

/// A record of a person.
pub(super) struct Record {
    pub(super) id: EntityId,
    /// The place of its table in [`Records::tables`].
    pub(super) table: usize,
    /// Its key as people may see it.
    pub(super) key: Box<str>,
    /// What may be compared; nothing when the human is protected by any record of any system.
    pub(super) open: Option<Open>,
}

/// What may be compared of a record whose human nobody protects.
pub(super) struct Open {
    pub(super) number: Number,
    /// The first and the last day on which the record had the number.
    pub(super) valid: (i32, i32),
    pub(super) name: Option<NameKey>,
    /// The registered date of birth, or the date in a reservnummer.
    pub(super) birth: Option<i32>,
    /// Whether the date of birth is one of a reservnummer.
    pub(super) birth_in_reserve: bool,
    /// The row's own date.
    pub(super) since: Option<i32>,
}

/// The number of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// The field is empty.
    Absent,
    /// A number that some authority made up for want of a national one.
    Reserve,
    /// A valid national number.
    National(National),
    /// Anything else: a wrong check digit, an uncertain century, a stand-in.
    Other,
}

/// A valid national number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct National {
    pub(super) digits: u64,
    /// Whether it is a samordningsnummer.
    pub(super) coordination: bool,
    /// The date in it.
    pub(super) born: i32,
    /// Whether it is a man's.
    pub(super) odd: bool,
}

/// What the link of one record to another rests on; `None` when a mapping itself makes the link's row.
pub(super) type Ground = Option<Rc<str>>;

pub(super) struct Records {
    /// The ids of the `person` rows, ordered.
    loaded: Vec<EntityId>,
    /// Systems and tables.
    pub(super) tables: Vec<(String, String)>,
    records: Vec<Record>,
    places: BTreeMap<EntityId, u32>,
    /// Which record refers to which, each pair once however many rows say so.
    references: BTreeMap<(EntityId, EntityId), Ground>,
    names: Names,
}

impl Records {
    pub(super) fn new(mut loaded: Vec<EntityId>) -> Self {
        loaded.sort_unstable();
        Self {
            loaded,
            tables: Vec::new(),
            records: Vec::new(),
            places: BTreeMap::new(),
            references: BTreeMap::new(),
            names: Names::new(),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    pub(super) fn get(&self, place: u32) -> &Record {
        &self.records[usize::try_from(place).expect("a place in memory takes 32 bits")]
    }

    pub(super) fn place(&self, id: &EntityId) -> Option<u32> {
        self.places.get(id).copied()
    }

    /// Every record that may be compared, with its place.
    pub(super) fn open(&self) -> impl Iterator<Item = (u32, &Open)> {
        (0..).zip(&self.records).filter_map(|(place, record)| Some((place, record.open.as_ref()?)))
    }

    /// Two records in canonical order: by system, table, then the shorter key, then its bytes.
    pub(super) fn pair(&self, a: u32, b: u32) -> Pair {
        let rank = |place: u32| {
            let record = self.get(place);
            (&self.tables[record.table], record.key.len(), &record.key)
        };
        if rank(a) <= rank(b) { (a, b) } else { (b, a) }
    }

    /// What was decided about records that are here.
    pub(super) fn decided<'d>(&self, persons: &Persons, decisions: &'d IdentityDecisions) -> Decided<'d> {
        let place = |name: &str| self.place(&persons.named(name)?);
        let pairs = decisions.pairs().into_iter();
        pairs.filter_map(|((a, b), decision)| Some((self.pair(place(a)?, place(b)?), decision))).collect()
    }

    pub(super) fn add(
        &mut self,
        secret: &InstallationSecret,
        persons: &Persons,
        table: &PersonTable,
        batch: &Batch,
    ) {
        match &table.rule {
            Kind::Record { record, .. } => {
                let columns = Columns::new(batch, record);
                let grounds = record.refers_to.iter().map(|reference| ground(table, &reference.ground));
                let grounds: Vec<Ground> = grounds.collect();
                for row in 0..batch.rows() {
                    let id = person_id(secret, &table.system, &table.table, columns.key(row));
                    for ((person, cells), ground) in columns.references.iter().zip(&grounds) {
                        let system = person.system.as_ref().unwrap_or(&table.system);
                        if let Some(to) = present_id(secret, (system, &person.table), cells, row) {
                            self.refer(id, to, ground);
                        }
                    }
                    if self.loaded.binary_search(&id).is_ok() {
                        self.keep(secret, persons, table, &columns, (id, row));
                    }
                }
            }
            Kind::Link(link) => {
                let ground = ground(table, &link.ground);
                table.each_link(secret, link, batch, |from, to| self.refer(from, to, &ground));
            }
        }
    }

    /// Keeps a row of a record: the first, or the last when later rows are later snapshots.
    fn keep(
        &mut self,
        secret: &InstallationSecret,
        persons: &Persons,
        table: &PersonTable,
        columns: &Columns<'_>,
        (id, row): (EntityId, usize),
    ) {
        let known = self.place(&id);
        if known.is_some() && !table.latest {
            return;
        }
        let protected = persons.protection(&id).is_none_or(|level| level.is_protected());
        let open = (!protected).then(|| columns.open(table, &self.names, row));
        if let Some(place) = known {
            self.records[usize::try_from(place).expect("a place in memory takes 32 bits")].open = open;
            return;
        }
        let key = table.shown_key(secret, columns.key(row)).into_boxed_str();
        let table = self.table(table);
        let place = u32::try_from(self.records.len()).expect("there are fewer records than 2^32");
        self.places.insert(id, place);
        self.records.push(Record { id, table, key, open });
    }

    fn table(&mut self, table: &PersonTable) -> usize {
        let is_it = |(system, name): &(String, String)| *system == table.system && *name == table.table;
        self.tables.iter().rposition(is_it).unwrap_or_else(|| {
            self.tables.push((table.system.clone(), table.table.clone()));
            self.tables.len() - 1
        })
    }

    /// Of two grounds for one reference a mapping's own row counts, and then the smaller word.
    fn refer(&mut self, from: EntityId, to: EntityId, ground: &Ground) {
        let known = self.references.entry((from, to)).or_insert_with(|| ground.clone());
        if *ground < *known {
            known.clone_from(ground);
        }
    }

    /// Every reference between two records that are here.
    pub(super) fn references(&self) -> impl Iterator<Item = (Pair, Option<&str>)> {
        let here = |id: &EntityId| self.place(id);
        let references = self.references.iter().filter(|((from, to), _)| from != to);
        references.filter_map(move |((from, to), ground)| Some(((here(from)?, here(to)?), ground.as_deref())))
    }
}

fn ground(table: &PersonTable, ground: &str) -> Ground {
    (!table.makes_links).then(|| Rc::from(ground))
}

/// The columns of a table of records, found once per batch.
struct Columns<'b> {
    key: Vec<Option<Cells<'b>>>,
    number: [Option<Cells<'b>>; 4],
    name: NameColumns<'b>,
    birth: Option<Cells<'b>>,
    references: Vec<(&'b PersonKey, Vec<Option<Cells<'b>>>)>,
}

enum NameColumns<'b> {
    Absent,
    Split(Option<Cells<'b>>, Option<Cells<'b>>),
    Whole(Option<Cells<'b>>),
}

impl<'b> Columns<'b> {
    fn new(batch: &'b Batch, record: &'b PersonRecord) -> Self {
        let cells = |origin: &Origin| batch.cells_named(&origin.name);
        let maybe = |origin: Option<&Origin>| origin.and_then(cells);
        let number = record.number.as_ref();
        Self {
            key: cells_of(batch, &record.key),
            number: [
                maybe(number.map(|number| &number.from)),
                maybe(number.and_then(|number| number.date.as_ref())),
                maybe(number.and_then(|number| number.valid_from.as_ref())),
                maybe(number.and_then(|number| number.valid_to.as_ref())),
            ],
            name: match &record.name {
                None => NameColumns::Absent,
                Some(PersonName::Split { given, family }) => NameColumns::Split(cells(given), cells(family)),
                Some(PersonName::Whole(whole)) => NameColumns::Whole(cells(whole)),
            },
            birth: maybe(record.birth.as_ref()),
            references: record
                .refers_to
                .iter()
                .map(|reference| (&reference.person, cells_of(batch, &reference.person.from)))
                .collect(),
        }
    }

    fn key(&self, row: usize) -> impl Iterator<Item = Option<&str>> {
        self.key.iter().map(move |cells| text_at(cells.as_ref(), row))
    }

    fn open(&self, table: &PersonTable, names: &Names, row: usize) -> Open {
        let text = |cells: &Option<Cells<'b>>| text_at(cells.as_ref(), row);
        let [number, date, from, to] = self.number.each_ref().map(text);
        let end = to.and_then(parse_end_date);
        let registered = text(&self.birth).and_then(day);
        let kind = number_of(table, number, date);
        let reserve =
            number.filter(|_| registered.is_none() && kind == Number::Reserve).and_then(reserve_day);
        Open {
            number: kind,
            valid: (
                from.and_then(day).unwrap_or(i32::MIN),
                if let Some(End::At(day)) = end { day } else { i32::MAX },
            ),
            name: match &self.name {
                NameColumns::Absent => None,
                NameColumns::Split(given, family) => names.split(text(given), text(family)),
                NameColumns::Whole(whole) => names.whole(text(whole)),
            },
            birth: registered.or(reserve),
            birth_in_reserve: reserve.is_some(),
            since: date.and_then(parse_date_part),
        }
    }
}

/// A day; a stand-in date is none.
fn day(text: &str) -> Option<i32> {
    match parse_end_date(text)? {
        End::At(day) => Some(day),
        End::Open => None,
    }
}

fn number_of(table: &PersonTable, text: Option<&str>, date: Option<&str>) -> Number {
    let Some(text) = text else { return Number::Absent };
    if let Some(number) = national(table, text, date) {
        return Number::National(number);
    }
    match classify(text).kind {
        IdentifierKind::Empty => Number::Absent,
        IdentifierKind::ReservSthlm
        | IdentifierKind::ReservVgr
        | IdentifierKind::ReservVarmland
        | IdentifierKind::ReservVasterbotten
        | IdentifierKind::ReservCarelink
        | IdentifierKind::ReservOvrig
        | IdentifierKind::Nrid
        | IdentifierKind::Interim
        | IdentifierKind::TfNummer
        | IdentifierKind::Lma => Number::Reserve,
        IdentifierKind::Personnummer
        | IdentifierKind::Samordningsnummer
        | IdentifierKind::Organisationsnummer
        | IdentifierKind::Sentinel
        | IdentifierKind::Invalid => Number::Other,
    }
}

/// The day of birth that some kinds of reservnummer hold.
fn reserve_day(text: &str) -> Option<i32> {
    let (year, month, day) = classify(text).birth_date()?;
    days_of(year, month, day)
}

fn national(table: &PersonTable, text: &str, date: Option<&str>) -> Option<National> {
    let number = table.national(Some(text), date)?;
    let (year, month, day) = number.birth_date()?;
    Some(National {
        digits: digits(&number.canonical?)?,
        coordination: number.kind == IdentifierKind::Samordningsnummer,
        born: days_of(year, month, day)?,
        odd: number.sex_digit()? % 2 == 1,
    })
}
