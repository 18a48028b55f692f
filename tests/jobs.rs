//! Are jobs run once, noted, ended with what they came to, and never beside themselves? From outside, as an operator or
//! a service manager sees it.

use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Ran, bron, run};

/// A project whose one source is a server, and its jobs.
fn project(address: &str, jobs: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let secret = "7f".repeat(32);
    fs::write(dir.path().join("secret.key"), format!("{secret}\n")).unwrap();
    let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\n[system.paraply]\n";
    fs::write(dir.path().join("bron.toml"), format!("{settings}address = \"{address}\"\n")).unwrap();
    fs::write(dir.path().join("jobs.toml"), format!("format = 1\n{jobs}")).unwrap();
    dir
}

const SOMEWHERE: &str = "postgres://bron@127.0.0.1:1/paraply";

const LOG: &str = "[job.logg]\ncron = \"0 5 * * *\"\nrun = [\"audit\", \"verify\"]\n";

fn jobs(project: &Path, more: &[&str]) -> Ran {
    let words = ["dual-run", "jobs", "--output", "json", "--project", project.to_str().unwrap()];
    run(words.into_iter().chain(more.iter().copied()))
}

fn history(project: &Path) -> Vec<(String, String)> {
    let document = jobs(project, &["--history"]).expect(&[0]).json();
    let runs = document["runs"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("at work").to_owned();
    runs.map(|run| (text(&run["job"]), text(&run["ending"]))).collect()
}

fn ended(job: &str, ending: &str) -> (String, String) {
    (job.to_owned(), ending.to_owned())
}

#[test]
fn a_job_is_run_noted_and_ends_with_what_it_came_to() {
    let wrong = "[job.kontroll]\ncron = \"0 4 * * *\"\nrun = [\"check\"]\n";
    let project = project(SOMEWHERE, &format!("{LOG}{wrong}"));
    assert_eq!(jobs(project.path(), &["--check"]).expect(&[0]).json()["jobs"], 2);
    assert_eq!(history(project.path()), []);
    let ran = jobs(project.path(), &["--run", "logg"]).expect(&[0]).json();
    assert_eq!((&ran["runs"][0]["ending"], &ran["runs"][0]["exit"]), (&"done".into(), &0.into()));
    jobs(project.path(), &["--run", "kontroll"]).expect(&[1]);
    assert_eq!(history(project.path()), [ended("logg", "done"), ended("kontroll", "failed_config")]);
    let printed = fs::read_to_string(project.path().join("jobs/kontroll.out")).unwrap();
    assert!(printed.contains("\"class\": \"config\""), "{printed}");
    let listed = jobs(project.path(), &["--list"]).expect(&[0]).json();
    let next = listed["jobs"][1]["next"][0].as_str().unwrap();
    assert!(next.contains(" 05:00+0"), "{next}");
    assert!(jobs(project.path(), &["--run", "natt"]).expect(&[1]).stdout.contains("has no job `natt`"));
}

#[test]
fn a_safety_stop_halts_the_job_until_a_person_lets_it_go_on() {
    let project = project(SOMEWHERE, LOG);
    fs::create_dir(project.path().join("audit")).unwrap();
    fs::write(project.path().join("audit/log.jsonl"), "no entry\n").unwrap();
    jobs(project.path(), &["--run", "logg"]).expect(&[6]);
    assert_eq!(history(project.path()), [ended("logg", "failed_safety")]);
    assert_eq!(jobs(project.path(), &["--list"]).expect(&[0]).json()["jobs"][0]["state"], "halted");
    jobs(project.path(), &["--run", "logg"]).expect(&[6]);
    assert_eq!(history(project.path()).len(), 1, "it was not run");
    let release = ["--release", "logg", "--reason", "loggen är flyttad"];
    jobs(project.path(), &release).expect(&[6]);
    fs::remove_file(project.path().join("audit/log.jsonl")).unwrap();
    jobs(project.path(), &release).expect(&[0]);
    let log = fs::read_to_string(project.path().join("audit/log.jsonl")).unwrap();
    assert!(log.contains("\"job.release\"") && log.contains("loggen är flyttad"), "{log}");
    jobs(project.path(), &["--run", "logg"]).expect(&[0]);
    jobs(project.path(), &release).expect(&[1]);
}

/// A server that takes a connection and says nothing.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("postgres://bron@{}/paraply", listener.local_addr().unwrap());
    (listener, address)
}

const LONG: &str =
    "[job.lang]\ncron = \"0 5 * * *\"\nrun = [\"doctor\", \"--patience\", \"600\"]\nretries = 0\n";

#[test]
fn a_job_whose_runner_was_killed_is_not_begun_beside_itself() {
    let (listener, address) = silent();
    let project = project(&address, LONG);
    let words = ["dual-run", "jobs", "--run", "lang", "--project", project.path().to_str().unwrap()];
    let mut runner = bron().args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (at_work, _) = listener.accept().unwrap();
    runner.kill().unwrap();
    runner.wait().unwrap();
    let refused = jobs(project.path(), &["--run", "lang"]).expect(&[1]);
    assert!(refused.stdout.contains("is at work elsewhere"), "{}", refused.stdout);
    // The job ends when its server does.
    drop((at_work, listener));
    let is_run = (0..300).any(|_| {
        let is_run = !jobs(project.path(), &["--run", "lang"]).stdout.contains("elsewhere");
        if !is_run {
            std::thread::sleep(Duration::from_millis(100));
        }
        is_run
    });
    assert!(is_run, "the lease ends with the job");
    let endings: Vec<String> = history(project.path()).into_iter().map(|(_, ending)| ending).collect();
    assert_eq!(endings, ["lost", "findings"]);
}

#[test]
fn a_service_tells_what_it_does_and_stops_when_it_is_asked() {
    let project = project(SOMEWHERE, LOG);
    let socket = project.path().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let file = project.path().join("bron.prom");
    let mut command = bron();
    command.args(["dual-run", "jobs", "--metrics", &port, "--project"]).arg(project.path());
    command.arg("--metrics-file").arg(&file).env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "3000000");
    let mut service = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let heard = || {
        let mut bytes = [0; 200];
        let length = listener.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let begun = [heard(), heard(), heard(), heard()];
    assert_eq!(begun, ["READY=1", "STATUS=1 jobs, none at work", "WATCHDOG=1", "WATCHDOG=1"]);
    let mut asked = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    std::io::Write::write_all(&mut asked, b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    asked.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("bron_job_running{job=\"logg\"} 0"), "{answer}");
    assert!(fs::read_to_string(&file).unwrap().contains("bron_bridge_alive 1"));
    let number = rustix::process::Pid::from_raw(i32::try_from(service.id()).unwrap()).unwrap();
    rustix::process::kill_process(number, rustix::process::Signal::TERM).unwrap();
    assert!(std::iter::repeat_with(heard).any(|word| word == "STOPPING=1"));
    assert_eq!(service.wait().unwrap().code(), Some(0));
}
