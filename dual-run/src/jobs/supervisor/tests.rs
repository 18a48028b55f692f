use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::rc::Rc;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::file::parse;
use super::*;

/// Records in memory, and who has which lease.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<Kept>>);

#[derive(Default)]
struct Kept {
    records: BTreeMap<JobName, JobRecord>,
    leases: BTreeSet<JobName>,
    is_full: bool,
}

struct Held(Memory, JobName);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.borrow_mut().leases.remove(&self.1);
    }
}

impl Lease for Held {
    fn to_hand_on(&self) -> Result<Option<File>> {
        Ok(None)
    }
}

impl JobStore for Memory {
    fn lease(&mut self, job: &JobName) -> Result<Option<Box<dyn Lease>>> {
        let is_free = self.0.borrow_mut().leases.insert(job.clone());
        Ok(is_free.then(|| -> Box<dyn Lease> { Box::new(Held(self.clone(), job.clone())) }))
    }

    fn record(&mut self, job: &JobName) -> Result<Option<JobRecord>> {
        Ok(self.0.borrow().records.get(job).cloned())
    }

    fn keep(&mut self, record: &JobRecord) -> Result<()> {
        let mut kept = self.0.borrow_mut();
        assert!(kept.leases.contains(&record.job), "only whoever has the lease writes");
        if kept.is_full {
            return Err(crate::Error::new(crate::ErrorKind::Storage, "full"));
        }
        kept.records.insert(record.job.clone(), record.clone());
        Ok(())
    }
}

/// A machine with two clocks, on which runs take as long as they are told and end as they are told.
#[derive(Clone, Default)]
struct Machine(Rc<RefCell<Simulated>>);

#[derive(Default)]
struct Simulated {
    steady: u64,
    /// How long each run takes, and how it ends, one after the other; the last for ever.
    script: Vec<(u64, Ending)>,
    begun: Vec<(JobName, u64)>,
    at_work: BTreeSet<JobName>,
    forced: u64,
}

struct Simulation {
    machine: Machine,
    job: JobName,
    until: u64,
    ending: Ending,
}

impl Launcher for Machine {
    fn launch(&mut self, job: &Job, _lease: &dyn Lease) -> Result<Box<dyn Run>> {
        let mut machine = self.0.borrow_mut();
        let at = machine.begun.len().min(machine.script.len() - 1);
        let (takes, ending) = machine.script[at];
        let steady = machine.steady;
        machine.begun.push((job.name.clone(), steady));
        assert!(machine.at_work.insert(job.name.clone()), "a job ran beside itself");
        Ok(Box::new(Simulation {
            machine: self.clone(),
            job: job.name.clone(),
            until: steady + takes,
            ending,
        }))
    }
}

impl Run for Simulation {
    fn ended(&mut self) -> Result<Option<(Ending, Option<u8>)>> {
        let mut machine = self.machine.0.borrow_mut();
        if machine.steady < self.until {
            return Ok(None);
        }
        machine.at_work.remove(&self.job);
        Ok(Some((self.ending, None)))
    }

    /// It listens only to force.
    fn stop(&mut self, by_force: bool) {
        if by_force {
            self.machine.0.borrow_mut().forced += 1;
            (self.until, self.ending) = (0, Ending::Crashed);
        }
    }
}

fn jobs(text: &str) -> Jobs {
    parse("jobs.toml", &format!("format = 1\n{text}"), |_| Ok(())).unwrap()
}

fn one(cron: &str, more: &str) -> Jobs {
    jobs(&format!("[job.a]\ncron = \"{cron}\"\nrun = [\"check\"]\n{more}\n"))
}

fn machine(script: &[(u64, Ending)]) -> Machine {
    Machine(Rc::new(RefCell::new(Simulated { script: script.to_vec(), ..Simulated::default() })))
}

fn name() -> JobName {
    JobName::parse("a").unwrap()
}

fn moment(wall: Timestamp, steady: u64) -> Moment {
    Moment { wall, steady: Duration::from_secs(steady) }
}

/// Turns until so many seconds have passed, as often as the supervisor wants, on clocks that agree.
fn pass(supervisor: &mut Supervisor<'_>, machine: &Machine, from: Timestamp, seconds: u64) -> Vec<Event> {
    pass_in_steps(supervisor, machine, from, seconds, 0)
}

/// The same with a machine that wakes up late, and sleeps for at least so many seconds.
fn pass_in_steps(
    supervisor: &mut Supervisor<'_>,
    machine: &Machine,
    from: Timestamp,
    seconds: u64,
    least: u64,
) -> Vec<Event> {
    let end = machine.0.borrow().steady + seconds;
    let mut events = Vec::new();
    loop {
        let steady = machine.0.borrow().steady;
        let now = moment(from + Duration::from_secs(steady), steady);
        events.extend(supervisor.turn(now).unwrap());
        let sleep = supervisor.sleep(now).as_secs().max(least).max(1);
        if steady >= end {
            return events;
        }
        machine.0.borrow_mut().steady = (steady + sleep).min(end);
    }
}

/// Two years with both changes of the clocks: every local day has its run, and no run is missing or doubled.
#[test]
fn over_two_years_every_night_has_its_run() {
    let zone = TimeZone::get("Europe/Stockholm").unwrap();
    let from: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
    let (mut store, mut machine) = (Memory::default(), machine(&[(5400, Ending::Done)]));
    let watched = machine.clone();
    let mut supervisor =
        Supervisor::new(one("30 2 * * *", ""), &mut store, &mut machine, moment(from, 0)).unwrap();
    let mut days = Vec::new();
    for _ in 0..730 {
        for event in pass_in_steps(&mut supervisor, &watched, from, 86_400, 600) {
            if let Event::Began { slots: 1, attempt: 1, slot, .. } = event {
                days.push(zone.to_datetime(slot).date());
            } else {
                assert!(matches!(event, Event::Ended { ending: Ending::Done, .. }), "{event:?}");
            }
        }
    }
    assert_eq!(days.len(), 730);
    assert!(days.windows(2).all(|pair| pair[0].tomorrow().unwrap() == pair[1]));
}

#[test]
fn a_run_that_does_not_end_is_asked_and_then_killed_and_tried_again() {
    let from: Timestamp = "2026-06-01T00:00:30Z".parse().unwrap();
    let (mut store, mut machine) =
        (Memory::default(), machine(&[(u64::MAX / 2, Ending::Done), (10, Ending::Done)]));
    let (watched, kept) = (machine.clone(), store.clone());
    let jobs = one("0 * * * *", "timeout_minutes = 5\nretry_wait_seconds = 60");
    let mut supervisor = Supervisor::new(jobs, &mut store, &mut machine, moment(from, 0)).unwrap();
    let events = pass(&mut supervisor, &watched, from, 2 * 3600);
    let endings: Vec<(Ending, Option<u64>)> = events
        .into_iter()
        .filter_map(|event| {
            let Event::Ended { ending, again, .. } = event else { return None };
            Some((ending, again.map(|again| again.as_secs())))
        })
        .collect();
    assert_eq!(endings, [(Ending::TimedOut, Some(60)), (Ending::Done, None), (Ending::Done, None)]);
    assert_eq!((watched.0.borrow().forced, kept.0.borrow().leases.len()), (1, 0));
}

#[test]
fn whoever_stops_lets_runs_end_and_the_next_goes_on() {
    let from: Timestamp = "2026-06-01T00:59:00Z".parse().unwrap();
    let (mut store, mut machine) = (Memory::default(), machine(&[(7200, Ending::Done), (10, Ending::Done)]));
    let (watched, kept) = (machine.clone(), store.clone());
    let jobs = || one("0 * * * *", "");
    let mut stopped = Supervisor::new(jobs(), &mut store, &mut machine, moment(from, 0)).unwrap();
    pass(&mut stopped, &watched, from, 90);
    stopped.stop(moment(from + Duration::from_secs(90), 90));
    pass(&mut stopped, &watched, from, 40);
    assert!(stopped.is_quiet());
    drop(stopped);
    assert_eq!(kept.0.borrow().records[&name()].last().unwrap().ending, Some(Ending::Interrupted));
    let mut supervisor = Supervisor::new(jobs(), &mut store, &mut machine, moment(from, 130)).unwrap();
    let events = pass(&mut supervisor, &watched, from, 60);
    assert!(matches!(&events[0], Event::Began { attempt: 1, .. }), "{events:?}");
    assert!(matches!(&events[1], Event::Ended { ending: Ending::Done, .. }), "{events:?}");
}

#[test]
fn a_run_without_its_runner_is_lost_and_tried_again_when_its_lease_is_free() {
    let from: Timestamp = "2026-06-01T00:59:00Z".parse().unwrap();
    let (mut store, mut machine) = (Memory::default(), machine(&[(10, Ending::Done)]));
    let (watched, kept) = (machine.clone(), store.clone());
    let mut record = JobRecord::new(name());
    record.begin(from, 1, 1, from);
    kept.0.borrow_mut().records.insert(name(), record);
    let jobs = || one("0 * * * *", "retry_wait_seconds = 5");
    let elsewhere = store.lease(&name()).unwrap();
    let mut supervisor = Supervisor::new(jobs(), &mut store, &mut machine, moment(from, 0)).unwrap();
    assert_eq!(pass(&mut supervisor, &watched, from, 30), [Event::Elsewhere(name())], "it is still at work");
    drop(supervisor);
    drop(elsewhere);
    let mut supervisor = Supervisor::new(jobs(), &mut store, &mut machine, moment(from, 30)).unwrap();
    assert_eq!(kept.0.borrow().records[&name()].last().unwrap().ending, Some(Ending::Lost));
    let events = pass(&mut supervisor, &watched, from, 20);
    assert!(matches!(&events[0], Event::Began { attempt: 2, .. }), "{events:?}");
}

#[test]
fn a_halted_job_waits_for_a_person() {
    let from: Timestamp = "2026-06-01T00:59:00Z".parse().unwrap();
    let script = [(10, Ending::Failed(FailureClass::Safety)), (10, Ending::Done)];
    let (mut store, mut machine) = (Memory::default(), machine(&script));
    let (watched, kept) = (machine.clone(), store.clone());
    let mut supervisor =
        Supervisor::new(one("0 * * * *", ""), &mut store, &mut machine, moment(from, 0)).unwrap();
    pass(&mut supervisor, &watched, from, 5 * 3600);
    assert_eq!(watched.0.borrow().begun.len(), 1);
    assert!(
        kept.0.borrow_mut().records.get_mut(&name()).unwrap().release(from + Duration::from_secs(5 * 3600))
    );
    let events = pass(&mut supervisor, &watched, from, 3600);
    assert_eq!(events[0], Event::Released(name()));
    assert!(matches!(&events[1], Event::Began { slots: 1, .. }), "{events:?}");
}

#[test]
fn two_runners_run_each_time_once() {
    let from: Timestamp = "2026-06-01T00:59:00Z".parse().unwrap();
    let (store, machine) = (Memory::default(), machine(&[(90, Ending::Done)]));
    let [mut first, mut second] = [store.clone(), store.clone()];
    let [mut on_first, mut on_second] = [machine.clone(), machine.clone()];
    let mut one_of_two =
        Supervisor::new(one("* * * * *", ""), &mut first, &mut on_first, moment(from, 0)).unwrap();
    let mut other =
        Supervisor::new(one("* * * * *", ""), &mut second, &mut on_second, moment(from, 0)).unwrap();
    for second in 0..1200 {
        machine.0.borrow_mut().steady = second;
        let now = moment(from + Duration::from_secs(second), second);
        one_of_two.turn(now).unwrap();
        other.turn(now).unwrap();
    }
    let record = &store.0.borrow().records[&name()];
    let slots: Vec<Timestamp> = record.runs.iter().map(|run| run.slot).collect();
    assert!(slots.windows(2).all(|pair| pair[0] < pair[1]), "{slots:?}");
    assert!(slots.len() >= 10, "{}", slots.len());
}

#[test]
fn what_cannot_be_noted_is_not_run() {
    let from: Timestamp = "2026-06-01T00:59:59Z".parse().unwrap();
    let (mut store, mut machine) = (Memory::default(), machine(&[(90, Ending::Done)]));
    let (watched, kept) = (machine.clone(), store.clone());
    let mut supervisor =
        Supervisor::new(one("0 * * * *", ""), &mut store, &mut machine, moment(from, 0)).unwrap();
    kept.0.borrow_mut().is_full = true;
    let later = moment(from + Duration::from_secs(1), 1);
    assert_eq!(supervisor.turn(later).unwrap_err().kind(), crate::ErrorKind::Storage);
    assert!(watched.0.borrow().begun.is_empty());
}

/// Nothing can be begun.
struct Broken;

impl Launcher for Broken {
    fn launch(&mut self, _job: &Job, _lease: &dyn Lease) -> Result<Box<dyn Run>> {
        Err(crate::Error::because(crate::ErrorKind::Storage, "cannot begin a", "no memory"))
    }
}

#[test]
fn a_run_that_cannot_be_begun_is_told_and_tried_again() {
    let from: Timestamp = "2026-06-01T00:59:59Z".parse().unwrap();
    let mut store = Memory::default();
    let kept = store.clone();
    let mut broken = Broken;
    let mut supervisor =
        Supervisor::new(one("0 * * * *", ""), &mut store, &mut broken, moment(from, 0)).unwrap();
    let later = moment(from + Duration::from_secs(1), 1);
    let reason = "cannot begin a: no memory".to_owned();
    assert_eq!(supervisor.turn(later).unwrap(), [Event::NotBegun { job: name(), reason }]);
    let failed = Ending::Failed(FailureClass::Retryable);
    let ended = Event::Ended { job: name(), ending: failed, again: Some(Duration::from_secs(60)) };
    assert_eq!(supervisor.turn(later).unwrap(), [ended]);
    assert_eq!(kept.0.borrow().records[&name()].count(failed), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The wall clock stands still, jumps and goes back as it likes: no job runs beside itself or twice for a time, and
    /// the same clocks lead to the same runs.
    #[test]
    fn p6_no_clock_makes_a_job_run_twice(jumps in prop::collection::vec((0_u64..900, -3600_i64..7200), 1..60)) {
        let from: Timestamp = "2026-10-24T20:00:00Z".parse().unwrap();
        let simulate = || {
            let (mut store, mut machine) = (Memory::default(), machine(&[(400, Ending::Done), (20, Ending::Crashed)]));
            let (watched, kept) = (machine.clone(), store.clone());
            let mut supervisor =
                Supervisor::new(one("*/20 * * * *", "retries = 1"), &mut store, &mut machine, moment(from, 0)).unwrap();
            let (mut wall, mut steady) = (from, 0);
            let mut set_back = false;
            for (passed, jump) in &jumps {
                steady += passed;
                wall = wall + Duration::from_secs(*passed) + jiff::SignedDuration::from_secs(*jump);
                watched.0.borrow_mut().steady = steady;
                let events = supervisor.turn(moment(wall, steady)).unwrap();
                set_back |= events.iter().any(|event| matches!(event, Event::SetBack(_)));
            }
            let record = kept.0.borrow().records[&name()].clone();
            (record, set_back)
        };
        let (record, set_back) = simulate();
        let mut seen = BTreeSet::new();
        for run in record.runs.iter().filter(|_| !set_back) {
            prop_assert!(seen.insert((run.slot, run.attempt)), "{:?} ran twice", run);
        }
        prop_assert_eq!(simulate().0, record);
    }
}
