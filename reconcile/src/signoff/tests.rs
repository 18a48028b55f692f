use super::*;

const NOW: &str = "2025-01-10T09:00:00Z";

fn bound() -> Bound {
    let digests = |names: &[&str]| {
        names.iter().map(|name| ((*name).to_owned(), sha256(name.as_bytes()))).collect::<BTreeMap<_, _>>()
    };
    Bound {
        run: "0123456789ab".to_owned(),
        verdict: Some(Verdict::Lika),
        report: Some(sha256(b"report")),
        summary: Some(sha256(b"summary")),
        beside: BTreeMap::new(),
        waivers: None,
        files: digests(&["codes/EB-PERIOD.csv", "paraply/BESLUT.toml", "model/person.toml"]),
        staged: digests(&["paraply/BESLUT", "paraply/PERSON"]),
    }
}

fn event(number: u64, kind: Kind, person: &str) -> Event {
    Event {
        format: 1,
        number,
        kind,
        area: "EB".to_owned(),
        at: format!("2025-01-0{number}T08:00:00Z"),
        valid_until: (kind == Kind::Sign).then(|| format!("2025-02-0{number}T08:00:00Z")),
        person: person.to_owned(),
        role: format!("roll för {person}"),
        user: "eva (1000)".to_owned(),
        request: (kind == Kind::Sign).then_some(1),
        reason: (kind == Kind::Revoke).then(|| "fel rapport".to_owned()),
        is_override: false,
        bound: (kind != Kind::Revoke).then(bound),
        checkpoint: Checkpoint::start(),
    }
}

fn state(events: &[Event], now: &Bound, rules: &Rules, time: &str) -> (State, Vec<String>) {
    let standing = standing("EB", events, now, rules, time);
    (standing.state, standing.why)
}

#[test]
fn a_sign_off_goes_from_request_to_valid_to_void() {
    let rules = Rules::default();
    assert_eq!(state(&[], &bound(), &rules, NOW).0, State::None);
    let mut events = vec![event(1, Kind::Request, "Eva Ek")];
    assert_eq!(state(&events, &bound(), &rules, NOW), (State::Open, vec!["underskrift saknas".to_owned()]));
    events.push(event(2, Kind::Sign, "Ola Alm"));
    assert_eq!(state(&events, &bound(), &rules, NOW), (State::Valid, Vec::new()));
    assert_eq!(standing("FN", &events, &bound(), &rules, NOW).state, State::None, "another area");
    let late = state(&events, &bound(), &rules, "2025-02-02T08:00:01Z");
    assert_eq!(late, (State::Void, vec!["underskriften gällde till 2025-02-02".to_owned()]));
    events.push(event(3, Kind::Revoke, "Eva Ek"));
    let (revoked, why) = state(&events, &bound(), &rules, NOW);
    assert_eq!(revoked, State::Revoked);
    assert_eq!(why, ["återkallad 2025-01-03 av Eva Ek (roll för Eva Ek): fel rapport"]);
}

#[test]
fn four_eyes_are_two_signatures_and_the_oldest_ends_both() {
    let rules = Rules { four_eyes: ["EB".to_owned()].into(), ..Rules::default() };
    let mut events = vec![event(1, Kind::Request, "Eva Ek"), event(2, Kind::Sign, "Ola Alm")];
    let half = state(&events, &bound(), &rules, NOW);
    assert_eq!(half, (State::Open, vec!["underskrift av en till saknas".to_owned()]));
    events.push(event(3, Kind::Sign, "Siv Ask"));
    let whole = standing_of(&events, &rules);
    assert_eq!((whole.0, whole.1.as_str()), (State::Valid, "2025-02-02T08:00:00Z"));
}

fn standing_of(events: &[Event], rules: &Rules) -> (State, String) {
    let standing = standing("EB", events, &bound(), rules, NOW);
    (standing.state, standing.until.unwrap_or_default().to_owned())
}

#[test]
fn asking_anew_leaves_a_sign_off_that_holds_until_the_new_one_is_whole() {
    let rules = Rules::default();
    let mut events = vec![
        event(1, Kind::Request, "Eva Ek"),
        event(2, Kind::Sign, "Ola Alm"),
        event(3, Kind::Request, "Eva Ek"),
    ];
    let renewed = standing("EB", &events, &bound(), &rules, NOW);
    assert!(renewed.state == State::Valid && renewed.is_being_renewed);
    let other = Bound { report: None, ..bound() };
    assert_eq!(standing("EB", &events, &other, &rules, NOW).state, State::Open, "the earlier one is void");
    events.push(event(4, Kind::Revoke, "Eva Ek"));
    assert_eq!(standing("EB", &events, &bound(), &rules, NOW).state, State::Revoked);
}

#[test]
fn whatever_changes_is_told_in_words() {
    let then = bound();
    assert_eq!(changes(&then, &then), Vec::<String>::new());
    let changed = |change: fn(&mut Bound)| {
        let mut now = bound();
        change(&mut now);
        let told = changes(&then, &now);
        assert_ne!(then.digest(), now.digest());
        told.join("; ")
    };
    let told = [
        changed(|now| drop(now.files.insert("codes/EB-PERIOD.csv".to_owned(), "x".to_owned()))),
        changed(|now| drop(now.files.remove("paraply/BESLUT.toml"))),
        changed(|now| drop(now.files.insert("controls/ny.toml".to_owned(), "x".to_owned()))),
        changed(|now| drop(now.files.insert("model/person.toml".to_owned(), "x".to_owned()))),
        changed(|now| drop(now.staged.insert("paraply/PERSON".to_owned(), "x".to_owned()))),
        changed(|now| now.report = Some("x".to_owned())),
        changed(|now| now.summary = Some("x".to_owned())),
        changed(|now| now.waivers = Some("x".to_owned())),
        changed(|now| {
            now.run = "ba9876543210".to_owned();
            (now.summary, now.report, now.verdict) = (None, None, None);
        }),
    ];
    assert_eq!(
        told,
        [
            "kodlistan EB-PERIOD har ändrats sedan dess",
            "mappningen paraply/BESLUT har tagits bort sedan dess",
            "kontrollerna i ny har tillkommit sedan dess",
            "informationsmodellen person har ändrats sedan dess",
            "källdata ur paraply har ändrats sedan dess: PERSON",
            "rapporten har ändrats sedan dess",
            "avstämningens sammanfattning (summary.json) har ändrats sedan dess",
            "de godkända avvikelserna (waivers.toml) har tillkommit sedan dess",
            "projektet står nu på körning ba9876543210 i stället för 0123456789ab; \
             körning ba9876543210 är inte avstämd",
        ]
    );
}

#[test]
fn a_form_of_the_report_that_came_later_takes_nothing_away_and_one_that_is_another_does() {
    let (mut then, mut now) = (bound(), bound());
    now.beside.insert("report.xlsx".to_owned(), sha256(b"book"));
    assert_eq!(changes(&then, &now), Vec::<String>::new());
    assert!(!serde_json::to_string(&then).unwrap().contains("beside"));
    then.beside.insert("report.xlsx".to_owned(), sha256(b"another book"));
    assert_eq!(changes(&then, &now), ["rapporten som report.xlsx har ändrats sedan dess"]);
    assert_eq!(changes(&then, &bound()), ["rapporten som report.xlsx har tagits bort sedan dess"]);
}

#[test]
fn many_tables_of_a_system_are_one_clause() {
    let (mut then, now) = (bound(), bound());
    then.staged.clear();
    then.staged.extend((0..9).map(|number| (format!("vodok/T{number}"), "x".to_owned())));
    let told = changes(&then, &Bound { staged: BTreeMap::new(), ..now });
    assert_eq!(told, ["källdata ur vodok har ändrats sedan dess: T0, T1, T2, T3, T4 och 4 till"]);
}

#[test]
fn a_name_is_the_same_person_with_other_blanks_and_capitals() {
    assert!(is_same_person("Eva Ek", " eva  EK "));
    assert!(!is_same_person("Eva Ek", "Eva Ekk"));
}

#[test]
fn an_event_is_read_as_it_was_written_and_a_newer_one_refused() {
    let signed = event(2, Kind::Sign, "Ola Alm");
    assert_eq!(Event::from_json(&signed.to_json()).unwrap(), signed);
    assert_eq!(signed.file_name(), "000002-sign.json");
    let newer = signed.to_json().replacen("\"format\": 1", "\"format\": 9", 1);
    let refused = Event::from_json(&newer).unwrap_err().to_string();
    assert!(refused.contains("sign-off of format 9"), "{refused}");
}

fn page() -> String {
    "<h1>Lika</h1>\n<!--underskrifter--><!--/underskrifter-->\n<p>slut</p>\n".to_owned()
}

fn board_of(page: &str, events: &[Event]) -> String {
    let (digest, now) = (page_digest(page), bound());
    let standings = [standing("EB", events, &now, &Rules::default(), NOW)];
    let board = Board {
        standings: &standings,
        events,
        names: &[("EB".to_owned(), "Ekonomiskt bistånd".to_owned())].into(),
        report: &digest,
        checkpoint: Some(&Checkpoint::start()),
        damage: "",
        time: NOW,
    };
    with_board(page, &board).unwrap()
}

#[test]
fn the_box_shows_who_signed_and_leaves_the_digest_as_it_was() {
    let events = [event(1, Kind::Request, "Eva Ek"), event(2, Kind::Sign, "Ola <Alm>")];
    let empty = page();
    assert_eq!(page_digest(&empty), sha256(empty.as_bytes()), "that of the file that a run keeps");
    let filled = board_of(&empty, &events);
    assert!(filled.contains("Ola &#60;Alm&#62; (roll för Ola &#60;Alm&#62;) 2025-01-02"), "{filled}");
    assert!(filled.contains("Ekonomiskt bistånd") && filled.contains(&bound().digest()));
    assert_eq!(page_digest(&filled), page_digest(&empty));
    assert_eq!(board_of(&filled, &events), filled, "filling it again replaces it");
    let other = filled.replace("<h1>Lika", "<h1>Olika");
    assert_ne!(page_digest(&other), page_digest(&empty));
}

#[test]
fn a_page_with_two_places_hides_nothing_from_its_digest() {
    let twice = page() + &page();
    assert_eq!(page_digest(&twice), sha256(twice.as_bytes()));
    assert_eq!(board_of(&twice, &[]), twice);
    let turned = "<!--/underskrifter--> <!--underskrifter-->";
    assert_eq!(page_digest(turned), sha256(turned.as_bytes()));
}

#[test]
fn what_was_signed_against_the_verdict_is_shown_for_ever() {
    let mut signed = event(2, Kind::Sign, "Ola Alm");
    (signed.is_override, signed.reason) = (true, Some("känd skillnad i buntarna".to_owned()));
    signed.bound.as_mut().unwrap().verdict = Some(Verdict::Skillnader);
    let events = [event(1, Kind::Request, "Eva Ek"), signed, event(3, Kind::Revoke, "Eva Ek")];
    let told = board_of(&page(), &events);
    let sentence = "Ekonomiskt bistånd: undertecknat 2025-01-02 trots utfallet SKILLNADER av Ola Alm \
                    (roll för Ola Alm): känd skillnad i buntarna";
    assert!(told.contains(sentence) && told.contains("<ul class=\"unequal\">"), "{told}");
}
