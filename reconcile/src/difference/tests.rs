//! The page says everything that the document holds, escaped, and needs nothing else.

use std::collections::BTreeMap;

use super::*;

const fn named(name: &'static str, label: &'static str) -> Named {
    Named { name, label }
}

fn side(name: &str, digest: &str) -> Side {
    Side { name: name.to_owned(), revision: None, digest: digest.to_owned(), files: 3 }
}

fn entry(number: usize, risk: Named, sv: &str) -> Entry {
    let excerpt = |text: &str| {
        Some(Excerpt { file: "paraply/BESLUT.toml".to_owned(), line: Some(12), text: text.to_owned() })
    };
    Entry {
        number,
        risk,
        kind: named("rule", "Fältregel"),
        act: named("changed", "ändrad"),
        place: "paraply/BESLUT".to_owned(),
        aspect: "rule",
        sv: sv.to_owned(),
        en: "A rule changed.".to_owned(),
        hint: None,
        before: excerpt("{ from = \"A\" }"),
        after: excerpt("{ from = \"B<script>\" }"),
        orphans: Vec::new(),
        effect: None,
    }
}

fn document(entries: Vec<Entry>, effect: Option<Effect>) -> Difference {
    let old = BTreeMap::from([("a.toml".to_owned(), "x = 1\n".to_owned())]);
    let new = BTreeMap::from([("a.toml".to_owned(), "x = 2\n".to_owned())]);
    Difference {
        before: side("förra", "1111"),
        after: side("HEAD:mappings", "2222"),
        entries,
        effect,
        texts: files(&old, &new),
    }
}

fn effect() -> Effect {
    let field = FieldEffect {
        field: "typ".to_owned(),
        label: "Typ".to_owned(),
        protected: false,
        changed: 104,
        values: vec![
            ValueCount { before: Some("a".to_owned()), after: None, rows: Count::Number(100) },
            ValueCount { before: None, after: Some("b".to_owned()), rows: Count::Few },
        ],
        other_values: Count::Number(0),
        sums: Some(Sums { unit: "ore", before: 123_456, after: 123_400 }),
        examples: vec![FieldExample {
            key: "771".to_owned(),
            before: Value::Plain("a".to_owned()),
            after: Value::Masked,
        }],
    };
    let entity = EntityEffect {
        entity: "beslut".to_owned(),
        label: "Beslut".to_owned(),
        moves: Moves { appear: 0, disappear: 1, change: 104 },
        unchanged: 2000,
        fields: vec![field],
        examples: vec![RowExample {
            key: "9".to_owned(),
            appears: false,
            before: "inläst".to_owned(),
            after: "i karantän, D24".to_owned(),
        }],
    };
    let fate = FateEffect {
        before: "loaded".to_owned(),
        after: "quarantine D24".to_owned(),
        sv: ("inläst".to_owned(), "i karantän, D24".to_owned()),
        rows: 1,
    };
    let table = TableEffect {
        mapping: "paraply/BESLUT".to_owned(),
        source_rows: 2105,
        touched: 105,
        fates: vec![fate],
        entities: vec![entity],
    };
    Effect {
        run: "abc123".to_owned(),
        as_of: "2024-12-31".to_owned(),
        tables: vec![table],
        not_measured: vec![NotMeasured { mapping: "s/T".to_owned(), reason: "kolumnen X saknas".to_owned() }],
        places: vec![PlaceEffect {
            area: "EB".to_owned(),
            namnd: String::new(),
            appear: Count::Number(0),
            disappear: Count::Few,
            change: Count::Hidden,
        }],
        unexplained: EntryEffect { fields: 1, ..EntryEffect::default() },
    }
}

#[test]
fn equal_versions_give_a_calm_page() {
    let page = html(&Difference { texts: Vec::new(), ..document(Vec::new(), None) }).unwrap();
    assert!(page.contains("Inget betyder något annat"));
    assert!(page.contains("verdict equal") && page.contains("Ingen fil skiljer."));
    assert!(page.contains("--effect"), "the page says how to measure");
}

#[test]
fn the_page_needs_nothing_else_and_escapes_what_it_quotes() {
    let one = entry(1, named("identity", "Identitet"), "Regeln <b> har ändrats.");
    let page = html(&document(vec![one], Some(effect()))).unwrap();
    for forbidden in ["<script", "http://", "https://", "src=", "@import", "url(", "<b>"] {
        assert!(!page.contains(forbidden), "the page contains {forbidden:?}");
    }
    for told in ["lang=\"sv\"", "id=\"nr-1\"", "rad 12", "1111", "2222", "HEAD:mappings", "<del>A</del>"] {
        assert!(page.contains(told), "{told} is not on the page");
    }
}

#[test]
fn entries_stand_under_their_risk_and_effects_under_their_number() {
    let mut first = entry(1, named("money", "Pengar"), "Det första.");
    let moves = Moves { appear: 0, disappear: 1, change: 104 };
    first.effect = Some(EntryEffect { source_rows: 105, moves, fields: 104 });
    first.orphans = vec!["paraga/kund".to_owned()];
    first.hint = Some(("Kan vara ett namnbyte.".to_owned(), "May be a rename.".to_owned()));
    let second = entry(2, named("form", "Form"), "Det andra.");
    let page = html(&document(vec![first, second], Some(effect()))).unwrap();
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
    assert!(at("id=\"risk-money\"") < at("Det första.") && at("Det första.") < at("id=\"risk-form\""));
    assert!(
        page.contains("Påverkar 105 källrader: 104 målrader ändras, 1 målrad försvinner, 104 fältvärden.")
    );
    for told in [
        "Kan vara ett namnbyte.",
        "Berör mappningarna paraga/kund.",
        "kolumnen X saknas",
        "Utan känd orsak",
        "går från 1\u{202f}234,56 till 1\u{202f}234,00 kronor, skillnad \u{2212}0,56.",
        "&#60;5",
        "dold",
        "•••",
        "i karantän, D24",
    ] {
        assert!(page.contains(told), "{told} is not on the page");
    }
}

#[test]
fn the_document_names_everything_once() {
    let one = entry(1, named("money", "Pengar"), "Det första.");
    let json = serde_json::to_value(document(vec![one], Some(effect()))).unwrap();
    assert_eq!(json["entries"][0]["risk"]["name"], "money");
    assert_eq!(json["effect"]["tables"][0]["entities"][0]["disappear"], 1);
    let field = &json["effect"]["tables"][0]["entities"][0]["fields"][0];
    assert_eq!((&field["values"][1]["rows"], &field["examples"][0]["after"]), (&"<5".into(), &"•••".into()));
    assert_eq!(json["texts"][0]["hunks"][0]["lines"][0]["kind"], "old");
}
