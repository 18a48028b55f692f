use super::super::file::parse;
use super::*;

/// A day in which the clocks do not change.
const DAY: &str = "2026-06-01T00:00:00Z";

fn jobs(text: &str) -> Jobs {
    parse("jobs.toml", &format!("format = 1\ntime_zone = \"UTC\"\n{text}"), |_| Ok(())).unwrap()
}

fn job(name: &str, cron: &str, more: &str) -> String {
    format!("[job.{name}]\ncron = \"{cron}\"\nrun = [\"check\"]\n{more}\n")
}

fn name(text: &str) -> JobName {
    JobName::parse(text).unwrap()
}

fn planner(text: &str) -> Planner {
    Planner::new(jobs(text), &BTreeMap::new(), at(0))
}

/// So many seconds into the day, on both clocks.
fn at(seconds: u64) -> Moment {
    let wall = DAY.parse::<Timestamp>().unwrap() + Duration::from_secs(seconds);
    Moment { wall, steady: Duration::from_secs(seconds) }
}

fn slot(seconds: u64) -> Timestamp {
    at(seconds).wall
}

fn start(job: &str, slot: Timestamp, slots: u64, attempt: u32) -> Step {
    Step::Start { job: name(job), slot, slots, attempt }
}

#[test]
fn a_job_begins_at_its_time_and_not_before() {
    let mut planner = planner(&job("a", "*/10 * * * *", ""));
    assert_eq!(planner.steps(at(599)), []);
    assert_eq!(planner.sleep(at(599)), Duration::from_secs(1));
    assert_eq!(planner.steps(at(600)), [start("a", slot(600), 1, 1)]);
    planner.started(&name("a"), slot(600), 1, at(600));
    assert_eq!(planner.steps(at(601)), []);
    assert_eq!(planner.ended(&name("a"), Ending::Done, at(700)), None);
    assert!(planner.is_quiet());
    assert_eq!(planner.next(&name("a"), at(700)), Some(slot(1200)));
}

#[test]
fn a_job_never_runs_beside_itself_and_its_next_time_waits() {
    let mut planner = planner(&job("a", "*/10 * * * *", ""));
    planner.started(&name("a"), slot(600), 1, at(600));
    assert_eq!(planner.steps(at(1300)), []);
    assert_eq!(planner.lateness(&name("a"), at(1300)), Duration::from_secs(100));
    planner.ended(&name("a"), Ending::Done, at(1300));
    assert_eq!(planner.steps(at(1300)), [start("a", slot(1200), 1, 1)]);
}

#[test]
fn times_that_passed_come_to_one_run_or_to_none() {
    let text = job("a", "*/10 * * * *", "") + &job("b", "*/10 * * * *", "misfire = \"skip\"");
    let mut planner = planner(&format!("at_once = 2\n{text}"));
    let late = at(3600 + 16 * 60);
    let steps = planner.steps(late);
    // 01:10 is six minutes old and within the fifteen: both run.
    assert_eq!(steps[..2], [Step::Late(name("a")), Step::Late(name("b"))]);
    assert_eq!(steps[2..], [start("a", slot(4200), 7, 1), start("b", slot(4200), 7, 1)]);

    let text = job("a", "0 * * * *", "") + &job("b", "0 * * * *", "misfire = \"skip\"");
    let mut planner = Planner::new(jobs(&text), &BTreeMap::new(), at(0));
    let late = at(2 * 3600 + 16 * 60);
    let missed = Step::Missed { job: name("b"), slot: slot(7200), slots: 2 };
    assert_eq!(planner.steps(late), [Step::Late(name("a")), missed, start("a", slot(7200), 2, 1)]);
}

#[test]
fn what_may_pass_is_tried_again_after_growing_waits_and_gives_way_to_a_newer_time() {
    let mut planner = planner(&job("a", "0 * * * *", "retries = 2\nretry_wait_seconds = 60"));
    let a = name("a");
    planner.started(&a, slot(3600), 1, at(3600));
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(planner.ended(&a, Ending::Crashed, at(3610)), seconds(60));
    assert_eq!(planner.steps(at(3669)), []);
    assert_eq!(planner.steps(at(3670)), [start("a", slot(3600), 1, 2)]);
    planner.started(&a, slot(3600), 2, at(3670));
    assert_eq!(planner.ended(&a, Ending::TimedOut, at(3680)), seconds(120));
    planner.started(&a, slot(3600), 3, at(3800));
    assert_eq!(planner.ended(&a, Ending::Failed(super::super::FailureClass::Retryable), at(3810)), None);
    assert_eq!(planner.steps(at(7199)), [], "there are no tries left");
    planner.started(&a, slot(7200), 1, at(7200));
    planner.ended(&a, Ending::Crashed, at(10_790));
    assert_eq!(planner.steps(at(10_800)), [start("a", slot(10_800), 1, 1)], "the newer time comes first");
}

#[test]
fn data_and_settings_wait_for_people_and_a_safety_stop_halts() {
    use super::super::FailureClass::{Config, Data, Safety};
    for class in [Data, Config] {
        let mut planner = planner(&job("a", "0 * * * *", ""));
        planner.started(&name("a"), slot(3600), 1, at(3600));
        assert_eq!(planner.ended(&name("a"), Ending::Failed(class), at(3610)), None);
        assert_eq!(planner.steps(at(7200)), [start("a", slot(7200), 1, 1)]);
    }
    let mut planner = planner(&job("a", "0 * * * *", ""));
    planner.started(&name("a"), slot(3600), 1, at(3600));
    planner.ended(&name("a"), Ending::Failed(Safety), at(3610));
    assert_eq!((planner.steps(at(90_000)), planner.state(&name("a"))), (Vec::new(), Some(State::Halted)));
    planner.released(&name("a"), at(90_001));
    assert_eq!(planner.steps(at(90_002)), [], "what passed meanwhile is over");
    assert_eq!(planner.steps(at(93_600)), [start("a", slot(93_600), 1, 1)]);
}

#[test]
fn a_run_that_takes_too_long_is_stopped_once_by_the_steady_clock_alone() {
    let mut planner = planner(&job("a", "0 * * * *", "timeout_minutes = 10"));
    planner.started(&name("a"), slot(3600), 1, at(3600));
    let jumped = Moment { wall: slot(900_000), ..at(3700) };
    assert!(!planner.steps(jumped).contains(&Step::TimedOut(name("a"))), "the wall clock says nothing of it");
    let back = Moment { wall: slot(3600), ..at(4200) };
    assert!(planner.steps(back).contains(&Step::TimedOut(name("a"))));
    assert!(!planner.steps(at(4300)).contains(&Step::TimedOut(name("a"))));
}

#[test]
fn jobs_that_are_due_at_once_begin_in_the_order_of_their_times_and_names() {
    let text = job("b", "0 1 * * *", "") + &job("a", "0 1 * * *", "") + &job("c", "30 0 * * *", "");
    let mut planner = planner(&format!("at_once = 2\n{text}"));
    let steps = planner.steps(at(3600));
    assert_eq!(steps[1..], [start("c", slot(1800), 1, 1), start("a", slot(3600), 1, 1)]);
    planner.started(&name("c"), slot(1800), 1, at(3600));
    planner.started(&name("a"), slot(3600), 1, at(3600));
    assert_eq!(planner.steps(at(3601)), []);
    planner.ended(&name("c"), Ending::Done, at(3602));
    assert_eq!(planner.steps(at(3602)), [start("b", slot(3600), 1, 1)]);
}

#[test]
fn p6_a_clock_that_goes_back_an_hour_repeats_nothing() {
    let mut planner = planner(&job("a", "*/10 * * * *", ""));
    planner.started(&name("a"), slot(7200), 1, at(7200));
    planner.ended(&name("a"), Ending::Done, at(7210));
    let shown = |wall, steady| Moment { wall: slot(wall), steady: Duration::from_secs(steady) };
    for seconds in (0..3600).step_by(60) {
        assert_eq!(planner.steps(shown(3660 + seconds, 7300 + seconds)), [], "{seconds}");
    }
    assert_eq!(planner.steps(shown(7800, 11_440)), [start("a", slot(7800), 1, 1)]);
}

#[test]
fn p6_a_clock_that_was_far_ahead_does_not_stop_the_schedule() {
    let mut planner = planner(&job("a", "*/10 * * * *", ""));
    let year = 365 * 86_400;
    planner.started(&name("a"), slot(year), 1, at(60));
    planner.ended(&name("a"), Ending::Done, at(61));
    assert_eq!(planner.steps(at(62)), [Step::SetBack(name("a"))]);
    assert_eq!(planner.steps(at(600)), [start("a", slot(600), 1, 1)]);
}

#[test]
fn a_record_is_where_the_next_process_goes_on() {
    let text = job("a", "0 * * * *", "retry_wait_seconds = 60");
    let mut record = JobRecord::new(name("a"));
    record.begin(slot(3600), 1, 1, slot(3600));
    let from = |record: &JobRecord, now| {
        Planner::new(jobs(&text), &BTreeMap::from([(name("a"), record.clone())]), now)
    };
    let at_later = |seconds| Moment { steady: Duration::from_secs(seconds), ..at(3700) };
    let mut lost = from(&record, at_later(0));
    assert_eq!(
        (lost.steps(at_later(59)), lost.steps(at_later(60))),
        (vec![], vec![start("a", slot(3600), 1, 2)])
    );
    record.end(Ending::Interrupted, None, slot(3650));
    assert_eq!(from(&record, at_later(0)).steps(at_later(0)), [start("a", slot(3600), 1, 1)]);
    record.begin(slot(3600), 1, 1, slot(3650));
    record.end(Ending::Failed(super::super::FailureClass::Safety), Some(6), slot(3650));
    assert_eq!(from(&record, at_later(0)).state(&name("a")), Some(State::Halted));
    record.release(slot(3655));
    assert_eq!(from(&record, at_later(0)).state(&name("a")), Some(State::Idle));
    record.begin(slot(3600), 1, 1, slot(3650));
    record.end(Ending::Done, Some(0), slot(3660));
    assert_eq!(from(&record, at_later(0)).steps(at_later(0)), []);
    let down = from(&record, at_later(0)).steps(at(11_000));
    assert_eq!(down[1..], [start("a", slot(10_800), 2, 1)], "one run for both times that passed");
}

#[test]
fn a_job_that_is_asked_for_runs_now_for_what_is_due_or_for_a_time_of_its_own() {
    let mut planner = planner(&job("a", "0 * * * *", ""));
    assert!(planner.request(&name("a"), at(0)) && !planner.request(&name("b"), at(0)));
    let own = slot(0) + SignedDuration::from_millis(1);
    assert_eq!(planner.steps(at(0)), [start("a", own, 1, 1)]);
    planner.started(&name("a"), own, 1, at(0));
    planner.ended(&name("a"), Ending::Done, at(1));
    assert!(planner.request(&name("a"), at(3600)));
    assert_eq!(planner.steps(at(3600)), [start("a", slot(3600), 1, 1)]);
    planner.halted(&name("a"));
    assert!(!planner.request(&name("a"), at(3700)));
}
