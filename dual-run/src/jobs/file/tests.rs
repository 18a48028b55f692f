use super::*;

const WHOLE: &str = r#"format = 1
time_zone = "Europe/Helsinki"
at_once = 2

[job.nattlig-avstamning]
cron = "15 2 * * mon-fri"
run = ["reconcile", "--looks", "3"]
scope = "EB/SDN03/myndighet"
timeout_minutes = 90
retries = 2
retry_wait_seconds = 30
retry_longest_wait_seconds = 120
misfire = "skip"
max_lateness_minutes = 45

[job.bevisad-logg]
cron = "0 5 * * *"
run = ["audit", "verify"]
"#;

fn codes(text: &str) -> Vec<(&'static str, String)> {
    let refused = parse("jobs.toml", text, |_| Ok(())).unwrap_err();
    refused.into_iter().map(|one| (one.code, text[one.span].to_owned())).collect()
}

#[test]
fn a_file_is_read_with_what_is_usual_where_nothing_is_said() {
    let jobs = parse("jobs.toml", WHOLE, |_| Ok(())).unwrap();
    assert_eq!((jobs.zone_name.as_str(), jobs.at_once, jobs.jobs.len()), ("Europe/Helsinki", 2, 2));
    let [usual, told] =
        ["bevisad-logg", "nattlig-avstamning"].map(|name| &jobs.jobs[&JobName::parse(name).unwrap()]);
    assert_eq!(told.misfire, Misfire::Skip);
    assert_eq!(told.scope.as_ref().unwrap().to_string(), "EB/SDN03/myndighet");
    assert_eq!((told.timeout.as_secs(), told.most_late.as_secs()), (90 * 60, 45 * 60));
    assert_eq!((told.retry.times, told.retry.longest_wait.as_secs()), (2, 120));
    assert_eq!((usual.misfire, usual.retry.times, usual.most_late.as_secs()), (Misfire::RunOnce, 3, 900));
    assert!(usual.scope.is_none() && usual.work.verb() == "audit verify");
    let empty = parse("jobs.toml", "format = 1\n", |_| Ok(())).unwrap();
    assert_eq!((empty.zone_name.as_str(), empty.at_once, empty.jobs.len()), ("Europe/Stockholm", 1, 0));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let text = WHOLE
        .replace("Europe/Helsinki", "Europe/Sthlm")
        .replace("at_once = 2", "at_once = 0")
        .replace("15 2 *", "15 25 *")
        .replace("\"audit\", \"verify\"", "\"audit\", \"clean\"")
        .replace("EB/SDN03/myndighet", "EB")
        .replace("\"skip\"", "\"skipp\"")
        .replace("retry_longest_wait_seconds = 120", "retry_longest_wait_seconds = 20")
        .replace("job.bevisad-logg", "job.Loggen");
    let wanted = [
        ("BRON-J002", "\"Europe/Sthlm\""),
        ("BRON-J005", "0"),
        ("BRON-J003", "25"),
        ("BRON-J002", "\"EB\""),
        ("BRON-J005", "20"),
        ("BRON-J002", "\"skipp\""),
        ("BRON-J002", "Loggen"),
        ("BRON-J004", "[\"audit\", \"clean\"]"),
    ];
    assert_eq!(codes(&text), wanted.map(|(code, at)| (code, at.to_owned())));
    let refused = parse("jobs.toml", &text, |_| Ok(())).unwrap_err();
    assert!(refused.iter().any(|one| one.help.as_deref() == Some("did you mean `skip`?")));
}

#[test]
fn an_unknown_key_a_missing_one_and_a_newer_format_are_refused() {
    assert_eq!(codes(&WHOLE.replace("retries", "retires")), [("BRON-J001", "retires".to_owned())]);
    assert_eq!(codes("format = 1\n[job.a]\nrun = [\"check\"]\n")[0].0, "BRON-J001");
    assert_eq!(codes("time_zone = 3\n")[0].0, "BRON-J001");
    let newer = parse("jobs.toml", "format = 2\nnew_key = 1\n", |_| Ok(())).unwrap_err();
    assert!(newer[0].message.contains("job file of format 2"), "{}", newer[0].message);
}

#[test]
fn what_the_program_does_not_take_is_refused() {
    let accepts = |words: &[String]| match words {
        [verb, rest @ ..] if verb == "reconcile" && !rest.is_empty() => Err("unexpected argument".to_owned()),
        _ => Ok(()),
    };
    let refused = parse("jobs.toml", WHOLE, accepts).unwrap_err();
    assert_eq!((refused.len(), refused[0].message.as_str()), (1, "unexpected argument"));
    assert_eq!(&WHOLE[refused[0].span.clone()], "[\"reconcile\", \"--looks\", \"3\"]");
}

#[test]
fn a_cron_expression_with_an_escape_is_marked_as_a_whole() {
    let text = "format = 1\n[job.a]\ncron = \"\\u0030 25 * * *\"\nrun = [\"check\"]\n";
    assert_eq!(codes(text), [("BRON-J003", "\"\\u0030 25 * * *\"".to_owned())]);
}
