//! What the people of both worlds do.

use std::cell::RefCell;
use std::rc::Rc;

use bron_dual_run::{Image, Owner};
use bron_mappings::SourceKey;

use crate::database::Database;
use crate::random::Random;
use crate::toy::{Case, City, Person, UNITS, case_row, id, image, legacy, model, person_row, text, with};

/// What somebody does to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Takes a person up.
    Add(Person),
    /// Gives a new name.
    Name(String, String),
    /// Sets or takes away the telephone.
    Phone(Option<String>),
    /// Moves the person to a unit.
    Unit(String),
    /// Writes the note, which only the legacy side has.
    Note(String),
    /// Opens or changes a case.
    Case(u64, Case),
    /// Strikes a case.
    Strike(u64),
    /// Removes the person with every case.
    Remove,
    /// Writes a name that cannot be understood; only the legacy side lets that pass.
    Garble(String),
}

/// A deed, where it is done and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// The world.
    pub(crate) world: Owner,
    /// The person.
    pub(crate) person: u64,
    /// The deed.
    pub(crate) deed: Deed,
}

/// The rows of a transaction.
type Written = Vec<(SourceKey, Option<Image>)>;

/// The unit of a person as a database has it.
#[must_use]
pub(crate) fn unit_of(world: Owner, database: &Database, person: u64) -> Option<String> {
    let (key, column) = match world {
        Owner::Legacy => (legacy("PERSON", person), "ENHET"),
        Owner::New => (model("person", person), "unit"),
    };
    database.rows().get(&key).map(|row| text(row, column).to_owned())
}

/// Draws a deed that its world would admit now; none when what was drawn is not possible.
pub(crate) fn draw(random: &mut Random, city: &City, databases: [&Rc<RefCell<Database>>; 2]) -> Option<Act> {
    let world = *random.pick(&[Owner::Legacy, Owner::New]);
    let database = databases[usize::from(world == Owner::New)].borrow();
    let low = if world == Owner::New { 100 } else { 0 };
    let known: Vec<u64> = city.keys().copied().collect();
    let is_new = known.len() < 6 && random.happens(250);
    let person = if is_new || known.is_empty() { low + random.below(5) } else { *random.pick(&known) };
    let token = random.below(1_000_000).to_string();
    let unit = (*random.pick(&UNITS)).to_owned();
    let Some(standing) = unit_of(world, &database, person) else {
        let (given, family) = (format!("g{token}"), format!("f{token}"));
        let cases = std::collections::BTreeMap::new();
        let person_new =
            Person { given, family, unit: unit.clone(), phone: None, note: String::new(), cases };
        let is_his = (low..low + 5).contains(&person) && !city.contains_key(&person);
        return (is_his && database.admits(&unit)).then_some(Act {
            world,
            person,
            deed: Deed::Add(person_new),
        });
    };
    if !database.admits(&standing) {
        return None;
    }
    let deed = deed(random, city, world, person, (&token, unit, &standing))?;
    Some(Act { world, person, deed })
}

fn deed(
    random: &mut Random,
    city: &City,
    world: Owner,
    person: u64,
    (token, unit, standing): (&str, String, &str),
) -> Option<Deed> {
    let own = city.get(&person);
    Some(match random.below(20) {
        0..=4 => Deed::Name(format!("g{token}"), format!("f{token}")),
        5..=7 => Deed::Phone(phone(random, city, world, person, token)),
        8 | 9 => {
            // Nobody hands over a record that is not in order.
            let phone = own.and_then(|own| own.phone.clone());
            let shared = phone.is_some_and(|phone| holders(city, &phone) > 1);
            return (unit != standing && !shared).then_some(Deed::Unit(unit));
        }
        10 if world == Owner::Legacy => Deed::Note(token.to_owned()),
        11..=15 => {
            let case = Case { ore: random.below(100_000), status: format!("s{token}") };
            Deed::Case(person * 10 + random.below(3), case)
        }
        16 | 17 => {
            Deed::Strike(*random.pick(&own?.cases.keys().copied().chain([u64::MAX]).collect::<Vec<_>>()))
        }
        18 if random.happens(400) => Deed::Remove,
        19 if world == Owner::Legacy && random.happens(300) => Deed::Garble(format!("x{token}")),
        _ => Deed::Name(format!("g{token}"), format!("f{token}")),
    })
}

fn holders(city: &City, phone: &str) -> usize {
    city.values().filter(|person| person.phone.as_deref() == Some(phone)).count()
}

/// A telephone: none, a fresh one, or, where the legacy side lets that pass, somebody else's.
fn phone(random: &mut Random, city: &City, world: Owner, person: u64, token: &str) -> Option<String> {
    if random.happens(200) {
        return None;
    }
    let others: Vec<&String> =
        city.iter().filter(|(id, _)| **id != person).filter_map(|(_, other)| other.phone.as_ref()).collect();
    if world == Owner::Legacy && !others.is_empty() && random.happens(60) {
        return Some((*random.pick(&others)).clone());
    }
    Some(format!("08-{token}"))
}

/// Does a deed: the rows are written, and it becomes true. Nothing happens when the database does not hold the person.
pub(crate) fn perform(act: &Act, city: &mut City, database: &mut Database) -> bool {
    let Some(rows) = rows_of(act, database) else {
        return false;
    };
    database.write(rows);
    become_true(act, city);
    true
}

fn rows_of(act: &Act, database: &Database) -> Option<Written> {
    match act.world {
        Owner::Legacy => in_legacy(act, database),
        Owner::New => in_the_model(act, database),
    }
}

fn in_legacy(act: &Act, database: &Database) -> Option<Written> {
    let key = legacy("PERSON", act.person);
    let row = database.rows().get(&key);
    if let Deed::Add(person) = &act.deed {
        return row.is_none().then(|| vec![(key, Some(person_row(person)))]);
    }
    let row = row?;
    let contact = legacy("KONTAKT", act.person);
    Some(match &act.deed {
        Deed::Add(_) => return None,
        Deed::Name(given, family) => vec![(key, Some(with(row, "NAMN", &format!("{family}, {given}"))))],
        Deed::Garble(name) => vec![(key, Some(with(row, "NAMN", name)))],
        Deed::Phone(phone) => vec![(contact, phone.as_ref().map(|phone| image([("TEL", phone)])))],
        Deed::Unit(unit) => {
            if !text(row, "NAMN").contains(", ") {
                return None;
            }
            vec![(key, Some(with(row, "ENHET", unit)))]
        }
        Deed::Note(note) => vec![(key, Some(with(row, "NOTE", note)))],
        Deed::Case(number, case) => vec![(legacy("ARENDE", *number), Some(case_row(act.person, case)))],
        Deed::Strike(number) => {
            let case = legacy("ARENDE", *number);
            database.rows().contains_key(&case).then(|| vec![(case, None)])?
        }
        Deed::Remove => {
            let person = act.person.to_string();
            let is_of =
                |(key, row): &(&SourceKey, &Image)| key.table() == "ARENDE" && text(row, "PID") == person;
            let cases = database.rows().iter().filter(is_of).map(|(key, _)| (key.clone(), None));
            let contact = database.rows().contains_key(&contact).then_some((contact, None));
            cases.chain(contact).chain([(key, None)]).collect()
        }
    })
}

fn in_the_model(act: &Act, database: &Database) -> Option<Written> {
    let key = model("person", act.person);
    let row = database.rows().get(&key);
    let person = act.person.to_string();
    let is_of = |(key, row): &(&SourceKey, &Image)| key.table() == "arende" && text(row, "person") == person;
    let cases = || database.rows().iter().filter(is_of);
    if let Deed::Add(person) = &act.deed {
        let initial: String = person.given.chars().take(1).collect();
        let columns = [
            ("given", person.given.as_str()),
            ("family", &person.family),
            ("initial", &initial),
            ("unit", &person.unit),
        ];
        return row.is_none().then(|| vec![(key, Some(image(columns)))]);
    }
    let row = row?;
    Some(match &act.deed {
        Deed::Add(_) | Deed::Note(_) | Deed::Garble(_) => return None,
        Deed::Name(given, family) => {
            let initial: String = given.chars().take(1).collect();
            let named = with(&with(&with(row, "given", given), "family", family), "initial", &initial);
            let cases = cases().map(|(key, row)| (key.clone(), Some(with(row, "family", family))));
            std::iter::once((key, Some(named))).chain(cases).collect()
        }
        Deed::Phone(phone) => {
            let mut columns = row.columns().clone();
            columns.remove("phone");
            let row = Image::new(columns);
            let taken = |phone: &str| {
                database.rows().iter().any(|(other, row)| *other != key && text(row, "phone") == phone)
            };
            match phone {
                Some(phone) if taken(phone) => return None,
                Some(phone) => vec![(key, Some(with(&row, "phone", phone)))],
                None => vec![(key, Some(row))],
            }
        }
        Deed::Unit(unit) => vec![(key, Some(with(row, "unit", unit)))],
        Deed::Case(number, case) => {
            let ore = case.ore.to_string();
            let columns = [
                ("person", person.as_str()),
                ("family", text(row, "family")),
                ("ore", &ore),
                ("status", &case.status),
            ];
            vec![(model("arende", *number), Some(image(columns)))]
        }
        Deed::Strike(number) => {
            let case = model("arende", *number);
            database.rows().contains_key(&case).then(|| vec![(case, None)])?
        }
        Deed::Remove => cases().map(|(key, _)| (key.clone(), None)).chain([(key.clone(), None)]).collect(),
    })
}

fn become_true(act: &Act, city: &mut City) {
    match &act.deed {
        Deed::Add(person) => {
            city.insert(act.person, person.clone());
        }
        Deed::Remove => {
            city.remove(&act.person);
        }
        Deed::Name(..)
        | Deed::Phone(_)
        | Deed::Unit(_)
        | Deed::Note(_)
        | Deed::Case(..)
        | Deed::Strike(_)
        | Deed::Garble(_) => {
            if let Some(person) = city.get_mut(&act.person) {
                change(&act.deed, person);
            }
        }
    }
}

fn change(deed: &Deed, person: &mut Person) {
    match deed {
        Deed::Name(given, family) => (person.given, person.family) = (given.clone(), family.clone()),
        Deed::Phone(phone) => person.phone.clone_from(phone),
        Deed::Unit(unit) => person.unit.clone_from(unit),
        Deed::Note(note) => person.note.clone_from(note),
        Deed::Case(number, case) => {
            person.cases.insert(*number, case.clone());
        }
        Deed::Strike(number) => {
            person.cases.remove(number);
        }
        Deed::Add(_) | Deed::Remove | Deed::Garble(_) => {}
    }
}

/// Somebody writes where he may not: the row, and what he made of it. Not while a fence is up: what breaks through it
/// before the ownership changes cannot be told from a transaction that began before.
pub(crate) fn trespass(
    random: &mut Random,
    world: Owner,
    database: &mut Database,
) -> Option<(SourceKey, Image)> {
    let column = |table: &str| match table {
        "person" => "given",
        "arende" => "status",
        "ARENDE" => "STATUS",
        _ => "NOTE",
    };
    let is_closed = |(key, _): &(&SourceKey, &Image)| {
        let is_person = ["person", "PERSON"].contains(&key.table());
        is_person && unit_of(world, database, id(key)).is_some_and(|unit| database.is_closed(&unit))
    };
    let rows: Vec<(SourceKey, Image)> =
        database.rows().iter().filter(is_closed).map(|(key, row)| (key.clone(), row.clone())).collect();
    if rows.is_empty() {
        return None;
    }
    let (key, row) = random.pick(&rows);
    let row = with(row, column(key.table()), &format!("wild{}", random.below(1_000_000)));
    database.write(vec![(key.clone(), Some(row.clone()))]);
    Some((key.clone(), row))
}
