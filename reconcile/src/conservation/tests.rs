use proptest::prelude::*;

use super::*;

fn at(table: &str, namnd: &str, year: &str) -> Dimension {
    Dimension {
        system: "paraply".into(),
        table: table.into(),
        area: "EB".into(),
        namnd: namnd.into(),
        year: year.into(),
    }
}

fn table(name: &str) -> SourceTable {
    SourceTable { system: "paraply".into(), table: name.into() }
}

fn origin(entity: &str, name: &str) -> Origin {
    Origin { entity: entity.into(), system: "paraply".into(), table: name.into() }
}

fn reasons(reason: &str, count: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(reason.to_owned(), count)])
}

fn balanced() -> Ledger {
    let mut ledger = Ledger::new();
    let first = Balance {
        read: 10,
        loaded: 6,
        merged: 1,
        excluded: reasons("utanfor_omfattning", 2),
        quarantined: reasons("D24", 1),
        stopped: BTreeMap::new(),
        flagged: reasons("D18", 9),
        fanout: 12,
    };
    ledger.add(at("BESLUT", "715", "2016"), &first).unwrap();
    let second = Balance { read: 5, loaded: 5, fanout: 5, ..Balance::default() };
    ledger.add(at("BESLUT", "718", "2016"), &second).unwrap();
    ledger.add_produced(origin("beslut", "BESLUT"), 11).unwrap();
    ledger.add_produced(origin("uppdrag", "BESLUT"), 6).unwrap();
    ledger
}

fn target() -> BTreeMap<Origin, u64> {
    BTreeMap::from([(origin("beslut", "BESLUT"), 11), (origin("uppdrag", "BESLUT"), 6)])
}

#[test]
fn a_ledger_that_adds_up_has_no_imbalance() {
    assert_eq!(balanced().check(&BTreeMap::from([(table("BESLUT"), 15)]), &target()), []);
}

#[test]
fn cells_that_cancel_are_both_found() {
    let mut ledger = Ledger::new();
    let lost = Balance { read: 5, loaded: 4, fanout: 4, ..Balance::default() };
    let invented = Balance { read: 5, loaded: 6, fanout: 6, ..Balance::default() };
    ledger.add(at("BESLUT", "715", "2016"), &lost).unwrap();
    ledger.add(at("BESLUT", "718", "2016"), &invented).unwrap();
    ledger.add_produced(origin("beslut", "BESLUT"), 10).unwrap();
    let held = BTreeMap::from([(origin("beslut", "BESLUT"), 10)]);
    let found = ledger.check(&BTreeMap::from([(table("BESLUT"), 10)]), &held);
    let parts: Vec<&str> = found.iter().map(|imbalance| imbalance.part.as_str()).collect();
    assert_eq!(parts, ["EB / 715 / 2016", "EB / 718 / 2016"]);
}

#[test]
fn a_table_that_was_extracted_but_never_read_is_found() {
    let found = balanced().check(&BTreeMap::from([(table("BESLUT"), 15), (table("UTBET"), 3)]), &target());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule, found[0].table.as_str()), (Equation::Extraction, "UTBET"));
    assert_eq!((found[0].expected, found[0].found), (3, 0));
}

#[test]
fn fanout_and_target_rows_are_tied_to_the_cells() {
    let mut ledger = balanced();
    ledger.add_produced(origin("uppdrag", "BESLUT"), 1).unwrap();
    let rules: Vec<Equation> = ledger
        .check(&BTreeMap::from([(table("BESLUT"), 15)]), &target())
        .iter()
        .map(|imbalance| imbalance.rule)
        .collect();
    assert_eq!(rules, [Equation::Fanout, Equation::Target]);
}

#[test]
fn overflow_is_an_error_and_never_wraps() {
    let mut ledger = balanced();
    let huge = Balance { read: u64::MAX, ..Balance::default() };
    assert_eq!(ledger.add(at("BESLUT", "715", "2016"), &huge).unwrap_err().kind(), ErrorKind::Overflow);
}

#[test]
fn a_ledger_survives_its_file() {
    let text = serde_json::to_string(&balanced()).unwrap();
    assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), balanced());
}

proptest! {
    #[test]
    fn any_cut_into_parts_merges_to_the_same_ledger(
        counts in proptest::collection::vec((0_u64..4, 0_u64..4, 0_u64..1000), 1..40), cut in 0_usize..40,
    ) {
        let cells: Vec<(Dimension, Balance)> = counts.iter().map(|(namnd, year, read)| {
            (at("BESLUT", &namnd.to_string(), &year.to_string()),
             Balance { read: *read, quarantined: reasons("D24", *read), ..Balance::default() })
        }).collect();
        let ledger = |cells: &[(Dimension, Balance)]| {
            let mut ledger = Ledger::new();
            for (dimension, balance) in cells {
                ledger.add(dimension.clone(), balance).unwrap();
            }
            ledger
        };
        let cut = cut.min(cells.len());
        let mut merged = ledger(&cells[cut..]);
        merged.merge(&ledger(&cells[..cut])).unwrap();
        prop_assert_eq!(&merged, &ledger(&cells));
        prop_assert!(merged.check_cells().is_empty());
    }
}

#[test]
fn what_the_target_refused_is_held_back_and_adds_up() {
    let mut ledger = balanced();
    let (here, beslut) = (at("BESLUT", "715", "2016"), origin("beslut", "BESLUT"));
    ledger.forgo(&here, &beslut, 2).unwrap();
    ledger.hold_back(&here, "mal_villkor", 2).unwrap();
    let mut held = target();
    held.insert(beslut.clone(), 9);
    assert_eq!(ledger.check(&BTreeMap::from([(table("BESLUT"), 15)]), &held), []);
    let cell = &ledger.cells()[&here];
    assert_eq!((cell.read, cell.loaded, cell.fanout, cell.quarantined["mal_villkor"]), (10, 4, 10, 2));
    for (rows, made) in [(5, 1), (1, 100)] {
        let mut ledger = ledger.clone();
        assert!(
            ledger.hold_back(&here, "mal_villkor", rows).is_err()
                || ledger.forgo(&here, &beslut, made).is_err()
        );
    }
    assert!(ledger.hold_back(&at("BESLUT", "715", "1999"), "mal_villkor", 1).is_err());
}
