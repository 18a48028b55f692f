//! Four systems write to the same table, their keys between each other's, and are stopped in every phase: whatever the
//! order, nothing is lost, nothing is there twice, and no row of another system is touched.
//!
//! A sink is tried beside an ideal one, which is a map in memory: both are told the same and must say the same. What
//! must be found out is tried as well: ideal sinks with a fault that real tools have had.

use std::collections::BTreeMap;

use bron_mappings::{EntityId, Model};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRng, TestRunner};

use crate::contract::{Home, Row, batch, insats, model, part, prepared, row, run};
use crate::{Counts, ErrorKind, Receipt, Sink, open};

const SYSTEMS: [&str; 4] = ["paraply", "vodok", "schemos", "agresso"];
const KEYS: usize = 8;
const PARTS: usize = 3;
const TEXTS: [&str; 3] = ["ett", "två", "tre"];
/// Set, the full number of cases is tried.
const EVERY_CASE: &str = "BRON_EVERY_CASE";

/// A home in which writing can be stopped between the rows of a part and its receipt.
pub(crate) trait Stoppable: Home {
    /// From now on writing stops there.
    const STOP: &'static str;
    /// From now on it does not.
    const GO_ON: &'static str;
}

/// Where the work of a system is stopped.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Nowhere,
    /// Before the part is written.
    Before,
    /// After its rows, before its receipt.
    Inside,
    /// After it is written, and before anybody was told.
    After,
    /// Then the next one starts with the next part.
    Between,
    /// Then the next one starts with the first part of the run.
    FromTheStart,
}

/// A part of a run of one system: the numbers of its rows, with what each says.
#[derive(Clone, Debug)]
struct Part {
    system: usize,
    run: String,
    name: String,
    rows: BTreeMap<u16, usize>,
}

impl Part {
    fn content(&self) -> String {
        format!("{:?}", self.rows)
    }
}

/// What is to happen.
#[derive(Clone, Debug)]
struct Case {
    /// The runs of each system, each with its parts.
    runs: Vec<Vec<Vec<Part>>>,
    /// Whose turn it is, and where it is stopped; from the start again when it ends.
    turns: Vec<(usize, Stop)>,
}

/// What a run says of each key of its system: nothing, or in which part and what.
type Told = Vec<Option<(usize, usize)>>;
/// A row of another system that a part claims: part, system and key.
type Claim = Option<(usize, usize, usize)>;

fn cases() -> impl Strategy<Value = Case> {
    let told = vec(option::weighted(0.7, (0..PARTS, 0..TEXTS.len())), KEYS);
    let claim = option::weighted(0.15, (0..PARTS, 0..SYSTEMS.len(), 0..KEYS));
    let runs = vec(vec((told, claim), 1..=2), SYSTEMS.len());
    let stop = prop_oneof![
        Just(Stop::Nowhere),
        Just(Stop::Before),
        Just(Stop::Inside),
        Just(Stop::After),
        Just(Stop::Between),
        Just(Stop::FromTheStart)
    ];
    let turns = vec((0..SYSTEMS.len(), stop), 1..24);
    (runs, turns).prop_map(|(runs, turns)| {
        let runs = runs.into_iter().enumerate().map(|(system, runs)| {
            runs.iter()
                .enumerate()
                .map(|(number, (told, claim))| parts(system, number, told, *claim))
                .collect()
        });
        Case { runs: runs.collect(), turns }
    })
}

/// The number of the row with this key of a system: the systems' rows lie between each other's.
fn number(system: usize, key: usize) -> u16 {
    u16::try_from(key * SYSTEMS.len() + system).expect("there are few keys")
}

fn parts(system: usize, number_of_run: usize, told: &Told, claim: Claim) -> Vec<Part> {
    let run = format!("{}-{number_of_run}", SYSTEMS[system]);
    let part = |at: usize| {
        let own =
            told.iter().enumerate().filter_map(|(key, told)| told.map(|(part, text)| (key, part, text)));
        let own = own.filter(|(_, part, _)| *part == at).map(|(key, _, text)| (number(system, key), text));
        let mut rows: BTreeMap<u16, usize> = own.collect();
        if let Some((part, of, key)) = claim
            && part == at
            && of != system
        {
            rows.insert(number(of, key), 0);
        }
        Part { system, run: run.clone(), name: format!("part-{at}"), rows }
    };
    (0..PARTS).map(part).collect()
}

/// What writing a part came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Written(Counts),
    Replayed(Counts),
    /// A row of it belongs to somebody else.
    Refused,
    /// It was stopped.
    Stopped,
}

/// A row as it is kept: its system, its text, and the run that wrote it.
type Kept = (String, String, String);

/// Something that parts are written to.
trait Store {
    fn write(&mut self, part: &Part, stopped: bool) -> Wrote;
    /// The process that wrote is gone, and another one begins; with the system that it works for.
    fn begin_anew(&mut self, system: usize);
    fn rows(&mut self) -> BTreeMap<u16, Kept>;
}

/// A fault that an ideal sink can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It takes rows over from other systems.
    Overwrites,
    /// It writes the receipt before the rows.
    AcknowledgesEarly,
    /// It writes the rows outside of the receipt's transaction, and counts them again.
    ForgetsReceipts,
    /// Beginning anew, it removes what lies behind the last row of its system, whoever wrote it.
    ClearsBehind,
}

/// What every sink is to be.
struct Ideal {
    fault: Fault,
    rows: BTreeMap<u16, Kept>,
    receipts: BTreeMap<(String, String), (String, Counts)>,
}

impl Ideal {
    fn with(fault: Fault) -> Self {
        Self { fault, rows: BTreeMap::new(), receipts: BTreeMap::new() }
    }

    fn counts(&self, part: &Part) -> Option<Counts> {
        let mut counts = Counts::default();
        for (number, text) in &part.rows {
            counts.rows += 1;
            match self.rows.get(number) {
                None => counts.inserted += 1,
                Some((system, ..)) if system != SYSTEMS[part.system] && self.fault != Fault::Overwrites => {
                    return None;
                }
                Some((_, kept, _)) if kept == TEXTS[*text] => counts.unchanged += 1,
                Some(_) => counts.updated += 1,
            }
        }
        Some(counts)
    }
}

impl Store for Ideal {
    fn write(&mut self, part: &Part, stopped: bool) -> Wrote {
        let place = (part.run.clone(), part.name.clone());
        if let Some((_, counts)) = self.receipts.get(&place)
            && self.fault != Fault::ForgetsReceipts
        {
            return Wrote::Replayed(*counts);
        }
        let Some(counts) = self.counts(part) else { return Wrote::Refused };
        if stopped {
            if self.fault == Fault::AcknowledgesEarly {
                self.receipts.insert(place, (part.content(), counts));
            }
            return Wrote::Stopped;
        }
        for (number, text) in &part.rows {
            let kept = (SYSTEMS[part.system].to_owned(), TEXTS[*text].to_owned(), part.run.clone());
            if self.rows.get(number).is_none_or(|(_, before, _)| *before != kept.1) {
                self.rows.insert(*number, kept);
            }
        }
        if counts.updated > 0 {
            self.receipts.retain(|(run, _), _| *run == part.run);
        }
        self.receipts.insert(place, (part.content(), counts));
        Wrote::Written(counts)
    }

    fn begin_anew(&mut self, system: usize) {
        if self.fault == Fault::ClearsBehind {
            let own = self.rows.iter().filter(|(_, (of, ..))| of == SYSTEMS[system]);
            let last = own.map(|(number, _)| *number).max().unwrap_or(0);
            self.rows.retain(|number, _| *number <= last);
        }
    }

    fn rows(&mut self) -> BTreeMap<u16, Kept> {
        self.rows.clone()
    }
}

/// A sink in a home.
struct Tried<H> {
    home: H,
    model: Model,
    sink: Option<Box<dyn Sink>>,
}

impl<H: Stoppable> Tried<H> {
    fn new(home: H) -> Self {
        let model = model();
        let sink = Some(prepared(&home, &model));
        Self { home, model, sink }
    }

    fn sink(&mut self) -> &mut dyn Sink {
        self.sink.get_or_insert_with(|| open(&self.home.target()).unwrap()).as_mut()
    }
}

impl<H: Stoppable> Store for Tried<H> {
    fn write(&mut self, written: &Part, stopped: bool) -> Wrote {
        let rows: Vec<Row<'_>> = written
            .rows
            .iter()
            .map(|(number, text)| Row { system: SYSTEMS[written.system], ..row(*number, TEXTS[*text]) })
            .collect();
        let model = model();
        let batch = batch(&model, &rows);
        if stopped {
            self.home.execute(H::STOP);
        }
        let receipt = self.sink().write(
            insats(&model),
            &part(&written.name, &written.content()),
            &batch,
            &run(&written.run),
        );
        if stopped {
            self.home.execute(H::GO_ON);
        }
        match receipt {
            Ok(Receipt::Written(counts)) => Wrote::Written(counts),
            Ok(Receipt::Replayed(counts)) => Wrote::Replayed(counts),
            Err(error) if error.kind() == ErrorKind::Data && error.to_string().contains("another") => {
                Wrote::Refused
            }
            Err(_) if stopped => Wrote::Stopped,
            Err(error) => panic!("{error}"),
        }
    }

    fn begin_anew(&mut self, _system: usize) {
        self.sink = None;
    }

    fn rows(&mut self) -> BTreeMap<u16, Kept> {
        let model = self.model.clone();
        let entity = insats(&model);
        let runs: BTreeMap<String, String> = self
            .home
            .texts("SELECT CAST(id AS TEXT) || ' ' || load_run_id FROM insats")
            .into_iter()
            .map(|text| text.split_once(' ').map(|(id, run)| (id.to_owned(), run.to_owned())).unwrap())
            .collect();
        let mut kept = BTreeMap::new();
        for batch in self.sink().read(entity, None).unwrap().map(Result::unwrap) {
            let system = batch.schema().index_of("src_system").unwrap();
            for at in 0..batch.rows() {
                let number = u16::try_from(batch.cells(2).int(at).unwrap()).unwrap();
                let id = EntityId::from_bytes(row(number, "").id).to_string();
                let text = |column: usize| batch.cells(column).text(at).unwrap().to_owned();
                assert_eq!(kept.insert(number, (text(system), text(1), runs[&id].clone())), None, "twice");
            }
        }
        kept
    }
}

/// How far a system has come: its run and its next part.
type Places = [(usize, usize); SYSTEMS.len()];

/// Does the same with both and says where they differ.
fn compare(case: &Case, tried: &mut dyn Store) -> Result<(), TestCaseError> {
    let mut ideal = Ideal::with(Fault::None);
    let mut places: Places = [(0, 0); SYSTEMS.len()];
    for (turn, stop) in case.turns.iter().cycle() {
        let unfinished = |system: &usize| places[*system].0 < case.runs[*system].len();
        let Some(system) = (0..SYSTEMS.len()).map(|more| (turn + more) % SYSTEMS.len()).find(unfinished)
        else {
            break;
        };
        let (run, at) = places[system];
        step(&case.runs[system][run], at, *stop, &mut ideal, tried)?;
        places[system] = if at + 1 < PARTS { (run, at + 1) } else { (run + 1, 0) };
    }
    prop_assert_eq!(tried.rows(), ideal.rows());
    Ok(())
}

fn step(
    parts: &[Part],
    at: usize,
    stop: Stop,
    ideal: &mut Ideal,
    tried: &mut dyn Store,
) -> Result<(), TestCaseError> {
    let part = &parts[at];
    match stop {
        Stop::Nowhere => {}
        Stop::Before => tried.begin_anew(part.system),
        Stop::Inside => {
            prop_assert_eq!(tried.write(part, true), ideal.write(part, true));
            tried.begin_anew(part.system);
            prop_assert_eq!(tried.rows(), ideal.rows());
        }
        Stop::FromTheStart => {
            tried.begin_anew(part.system);
            for part in &parts[..at] {
                prop_assert_eq!(tried.write(part, false), ideal.write(part, false));
            }
        }
        Stop::After | Stop::Between => {}
    }
    prop_assert_eq!(tried.write(part, false), ideal.write(part, false));
    match stop {
        Stop::After => {
            tried.begin_anew(part.system);
            prop_assert_eq!(tried.rows(), ideal.rows());
            prop_assert_eq!(tried.write(part, false), ideal.write(part, false));
        }
        Stop::Between => tried.begin_anew(part.system),
        Stop::Nowhere | Stop::Before | Stop::Inside | Stop::FromTheStart => {}
    }
    Ok(())
}

/// Tries so many cases, the same ones every time, each with a store of its own.
fn try_cases<S: Store>(cases_to_try: u32, mut store: impl FnMut() -> S) -> Result<(), TestError<Case>> {
    let config = Config { cases: cases_to_try, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let store = std::cell::RefCell::new(&mut store);
    TestRunner::new_with_rng(config, rng).run(&cases(), |case| {
        let mut tried = (store.borrow_mut())();
        compare(&case, &mut tried)
    })
}

/// Tries a sink: `few` cases, or `many` when every case is asked for.
pub(crate) fn holds<H: Stoppable>(few: u32, many: u32, mut home: impl FnMut() -> H) {
    let cases = if std::env::var_os(EVERY_CASE).is_some() { many } else { few };
    try_cases(cases, || Tried::new(home())).unwrap();
    println!("four systems, stopped in every phase: {cases} cases, nothing lost, doubled or touched");
}

#[test]
fn an_ideal_sink_holds_and_every_fault_is_found() {
    try_cases(500, || Ideal::with(Fault::None)).unwrap();
    for fault in [Fault::Overwrites, Fault::AcknowledgesEarly, Fault::ForgetsReceipts, Fault::ClearsBehind] {
        assert!(try_cases(500, || Ideal::with(fault)).is_err(), "{fault:?} was not found");
    }
}
