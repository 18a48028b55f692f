//! Damage in a target is seen by the directions that say they see it, and located to the exact rows and fields.
//!
//! A few plantings of every kind of damage; the full set has a command of its own, and what came out of it stands in
//! docs/reconciliation.md. That table, this set and what the report tells the business are held to each other.

use std::collections::BTreeMap;
use std::path::Path;

use bron_planter::{Damage, Direction, Figures, Harness, Job, Kind, Record, clean};
use bron_reconcile::faults::{FAULTS, Fault, Sight};

/// What the plantings follow from: under it one small city has a place for every kind of damage.
const SEED: u64 = 7;
/// How many plantings of each kind the published set has at the least.
const PUBLISHED: u64 = 3;
/// In so many plantings of a fault, what is seen now and then is seen and is not seen.
const ENOUGH: u64 = 50;
/// Every so many kinds of damage, one is undone again.
const UNDONE: usize = 7;
/// What stands around the published table.
const MARKS: [&str; 2] = ["<!-- planted -->\n", "<!-- end of planted -->\n"];

fn bron() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_bron"))
}

/// What the business is told of each direction.
fn told(fault: &Fault) -> BTreeMap<Direction, Sight> {
    let Fault { conservation, controls, rows, references, secrecy, receipts, round_trip, .. } = *fault;
    BTreeMap::from([
        (Direction::Conservation, conservation),
        (Direction::Controls, controls),
        (Direction::Rows, rows),
        (Direction::References, references),
        (Direction::Secrecy, secrecy),
        (Direction::Receipts, receipts),
        (Direction::RoundTrip, round_trip),
    ])
}

/// The sums over all kinds of damage that a fault stands for.
fn sums(fault: &Fault, figures: &BTreeMap<&str, Figures>) -> Figures {
    let mut sums = Figures::default();
    for of in fault.planted.iter().filter_map(|name| figures.get(name)) {
        sums.planted += of.planted;
        sums.exact += of.exact;
        for (direction, count) in &of.saw {
            *sums.saw.entry(*direction).or_default() += count;
        }
    }
    sums
}

/// What is told of a fault and is not what was seen. In a few plantings what is seen now and then may be seen always or
/// never.
fn contradictions(fault: &Fault, figures: &Figures) -> Vec<String> {
    let wrong = told(fault).into_iter().filter(|(direction, sight)| {
        let saw = figures.saw.get(direction).copied().unwrap_or(0);
        match sight {
            Sight::Yes => saw != figures.planted,
            Sight::No => saw != 0,
            Sight::Partly => figures.planted >= ENOUGH && (saw == 0 || saw == figures.planted),
        }
    });
    wrong
        .map(|(direction, sight)| format!("{}: {direction:?} says {sight:?}: {figures:?}", fault.label))
        .collect()
}

/// The published table: the sums of each kind of damage by its label.
fn published() -> BTreeMap<String, Figures> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reconciliation.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(MARKS[0]).unwrap();
    let (table, _) = rest.split_once(MARKS[1]).unwrap();
    let mut rows = table.lines().filter(|line| line.starts_with('|'));
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let head = cells(rows.next().unwrap());
    let mut published = BTreeMap::new();
    for row in rows.skip(1).map(cells) {
        let number = |name: &str| row[head.iter().position(|one| one == name).unwrap()].parse().unwrap();
        let asked =
            Direction::ALL.into_iter().filter(|direction| head.iter().any(|one| one == direction.name()));
        let figures = Figures {
            planted: number("Planted"),
            exact: number("Exactly"),
            saw: asked.map(|direction| (direction, number(direction.name()))).collect(),
        };
        published.insert(row[0].clone(), figures);
    }
    published
}

fn jobs(target: Kind, counts: std::ops::Range<u64>) -> Vec<Job> {
    let damages = Damage::all().filter(|damage| damage.strikes(target));
    damages.flat_map(|damage| counts.clone().map(move |number| Job { damage, target, number })).collect()
}

#[track_caller]
fn assert_exact(record: &Record) {
    for one in record.outcomes() {
        let (damage, number, target) = (&one.damage, one.number, one.target.name());
        assert!(
            one.faults.is_empty(),
            "bron-planter replay {damage} {number} --target {target} --seed {SEED}: {}: {:#?}",
            one.what,
            one.faults
        );
    }
}

#[test]
fn every_kind_of_damage_is_seen_and_located_and_nothing_when_it_is_undone() {
    let harness = Harness::new(bron(), SEED, 1, false).unwrap();
    let record = Record::open(SEED, None).unwrap();
    let jobs = jobs(Kind::Sqlite, 0..1);
    harness.run(&jobs, 2, &record).unwrap();
    assert_exact(&record);
    assert_eq!(record.outcomes().len(), Damage::all().count());
    let undone: Vec<Job> = jobs.iter().copied().step_by(UNDONE).collect();
    harness.controls(&undone, 2, &record).unwrap();
    let controls = record.controls();
    assert!(controls.len() >= Damage::all().count() / UNDONE);
    assert!(controls.iter().all(|control| control.sound), "{controls:?}");
    let figures = Damage::all().map(|damage| (damage.name, record.figures(damage))).collect();
    let wrong = FAULTS.iter().filter(|fault| !fault.planted.is_empty());
    let wrong: Vec<String> = wrong.flat_map(|fault| contradictions(fault, &sums(fault, &figures))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[cfg(feature = "postgres-tests")]
#[test]
fn damage_on_a_server_is_seen_as_in_a_file() {
    let harness = Harness::new(bron(), SEED, 1, true).unwrap();
    let record = Record::open(SEED, None).unwrap();
    let jobs: Vec<Job> = jobs(Kind::Postgres, 0..1).into_iter().step_by(4).collect();
    harness.run(&jobs, 2, &record).unwrap();
    assert_exact(&record);
    assert_eq!(record.outcomes().len(), jobs.len());
}

#[test]
fn cities_that_nobody_damaged_have_no_finding() {
    assert_eq!(clean(bron(), 1, 3, 2).unwrap(), []);
}

#[test]
fn every_kind_of_damage_is_told_to_the_business_once() {
    let mut told: Vec<&str> = FAULTS.iter().flat_map(|fault| fault.planted).copied().collect();
    told.sort_unstable();
    let mut all: Vec<&str> = Damage::all().map(|damage| damage.name).collect();
    all.sort_unstable();
    assert_eq!(told, all);
}

#[test]
fn what_the_business_is_told_is_what_the_published_plantings_saw() {
    let published = published();
    let labels: Vec<&str> = Damage::all().map(|damage| damage.label).collect();
    assert_eq!(published.len(), labels.len(), "a label that is twice, or none");
    let mut figures = BTreeMap::new();
    for damage in Damage::all() {
        let of = published.get(damage.label).unwrap_or_else(|| panic!("no row for {}", damage.name));
        assert!(of.planted >= PUBLISHED, "{}: {} plantings", damage.name, of.planted);
        assert_eq!(of.exact, of.planted, "{}", damage.name);
        figures.insert(damage.name, of.clone());
    }
    let wrong = FAULTS.iter().filter(|fault| !fault.planted.is_empty());
    let wrong: Vec<String> = wrong.flat_map(|fault| contradictions(fault, &sums(fault, &figures))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_told_and_not_seen_is_found() {
    let fault = FAULTS.iter().find(|fault| fault.planted.contains(&"letter_changed")).unwrap();
    let saw = |rows: u64| Figures { planted: 4, exact: 4, saw: BTreeMap::from([(Direction::Rows, rows)]) };
    assert_eq!(contradictions(fault, &saw(4)), [""; 0]);
    assert_eq!(contradictions(fault, &saw(3)).len(), 1);
    let mut too_much = saw(4);
    too_much.saw.insert(Direction::Receipts, 1);
    assert_eq!(contradictions(fault, &too_much).len(), 1);
}
