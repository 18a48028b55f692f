//! The cases about rows that ended and the order of runs.

use bron_mappings::EntityId;

use super::{Home, Row, all, batch, counts, insats, model, part, prepared, row, run};
use crate::{
    Beginning, Counts, Ended, Ending, ErrorKind, PartId, Receipt, Retirement, Sink, open, read_only,
};

const HISTORY: &str = "SELECT beskrivning || ' ' || load_run_id || ' ' || ended_by_run || ' ' || ended_because || \
     ' ' || CAST(ended_ordinal AS text) FROM bron_history_insats ORDER BY id, ended_ordinal";
const KEPT: &str = "SELECT beskrivning || ' ' || load_run_id FROM insats ORDER BY id";

fn write(sink: &mut dyn Sink, load: &str, name: &str, rows: &[Row<'_>]) -> Counts {
    let model = model();
    let written = sink.write(insats(&model), &part(name, load), &batch(&model, rows), &run(load));
    written.unwrap().counts()
}

pub(crate) fn gone(because: Ended) -> Retirement {
    Retirement { system: "paraply".to_owned(), table: "x".to_owned(), because }
}

pub(crate) fn id(number: u16) -> EntityId {
    EntityId::from_bytes(row(number, "").id)
}

fn retirement(name: &str, because: &Retirement, ids: &[EntityId]) -> PartId {
    PartId { entity: "insats".to_owned(), part: name.to_owned(), content: because.content(ids) }
}

pub(crate) fn retire(
    sink: &mut dyn Sink,
    load: &str,
    name: &str,
    because: &Retirement,
    ids: &[EntityId],
) -> crate::Result<Receipt> {
    sink.retire(insats(&model()), &retirement(name, because, ids), ids, because, &run(load))
}

pub(crate) fn what_is_overwritten_is_kept(home: &impl Home) {
    let mut sink = prepared(home, &model());
    write(sink.as_mut(), "r1", "p", &[row(1, "a"), row(2, "b"), row(3, "c")]);
    assert_eq!(home.texts(HISTORY), Vec::<String>::new());
    let mut rows: Vec<Row<'_>> = (10..400).map(|number| row(number, "ny")).collect();
    rows.extend([row(1, "a"), row(2, "B"), row(3, "C")]);
    assert_eq!(write(sink.as_mut(), "r2", "p", &rows), counts(393, 390, 2, 1));
    assert_eq!(home.texts(HISTORY), ["b r1 r2 replaced 2", "c r1 r2 replaced 2"]);
    write(sink.as_mut(), "r3", "p", &[row(2, "bb")]);
    assert_eq!(home.texts(HISTORY).len(), 3);
    let endings = |sink: &mut dyn Sink, number| sink.endings(insats(&model()), &id(number)).unwrap();
    let ending = |written_by: &str, ended_by: &str, ordinal| {
        let (written_by, ended_by) = (written_by.to_owned(), ended_by.to_owned());
        Ending { written_by, ended_by, because: Ended::Replaced, ordinal }
    };
    assert_eq!(endings(sink.as_mut(), 2), [ending("r1", "r2", 2), ending("r2", "r3", 3)]);
    assert_eq!(endings(sink.as_mut(), 1), []);
    let same = "SELECT CAST(count(*) AS text) FROM bron_history_insats AS h WHERE belopp_ore = 2 AND andel IS NOT NULL \
                AND fil IS NOT NULL AND extract_run_id = 'e1'";
    assert_eq!(home.texts(same), ["2"], "every column is kept");
    // What was not done leaves nothing in the history either.
    let theirs = Row { system: "vodok", ..row(3, "v") };
    let rows = [row(1, "A"), theirs];
    let model = model();
    sink.write(insats(&model), &part("p", "r4"), &batch(&model, &rows), &run("r4")).unwrap_err();
    assert_eq!(home.texts(HISTORY).len(), 3);
}

pub(crate) fn what_is_retired_is_kept_and_may_come_back(home: &impl Home) {
    let mut sink = prepared(home, &model());
    let rows: Vec<Row<'_>> = (0..1200).map(|number| row(number, "a")).collect();
    write(sink.as_mut(), "r1", "p", &rows);
    let ids: Vec<EntityId> = (1..1200).map(id).collect();
    let receipt = retire(sink.as_mut(), "r2", "retired-00000", &gone(Ended::Gone), &ids).unwrap();
    assert_eq!(receipt, Receipt::Written(Counts { rows: 1199, retired: 1199, ..Counts::default() }));
    assert_eq!(home.texts(KEPT), ["a r1"]);
    assert_eq!(home.texts(HISTORY).len(), 1199);
    assert_eq!(home.texts(HISTORY)[0], "a r1 r2 gone 2");
    assert_eq!(sink.receipts("r1").unwrap(), [], "the table no longer holds what r1 wrote");
    assert_eq!(sink.receipts("r2").unwrap()[0].1.retired, 1199);
    assert_eq!(write(sink.as_mut(), "r3", "p", &[row(7, "a")]), counts(1, 1, 0, 0));
    assert_eq!(home.texts(KEPT), ["a r1", "a r3"]);
    assert_eq!(home.texts(HISTORY).len(), 1199, "its history stays");
    let again = retire(sink.as_mut(), "r4", "retired-00000", &gone(Ended::HeldBack), &[id(7)]).unwrap();
    assert_eq!(again.counts().retired, 1);
    let of_one = home.texts(HISTORY).into_iter().filter(|line| line.contains("r3") || line.contains("r4"));
    assert_eq!(of_one.collect::<Vec<_>>(), ["a r3 r4 held_back 4"]);
}

pub(crate) fn a_retirement_is_done_once(home: &impl Home) {
    let mut sink = prepared(home, &model());
    write(sink.as_mut(), "r1", "p", &[row(1, "a"), row(2, "b")]);
    let because = gone(Ended::LeftOut);
    retire(sink.as_mut(), "r2", "retired-00000", &because, &[id(1)]).unwrap();
    let replayed = retire(sink.as_mut(), "r2", "retired-00000", &because, &[id(1)]).unwrap();
    assert_eq!(replayed, Receipt::Replayed(Counts { rows: 1, retired: 1, ..Counts::default() }));
    let other = retire(sink.as_mut(), "r2", "retired-00000", &because, &[id(2)]).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Data);
    assert_eq!(home.texts(HISTORY), ["a r1 r2 left_out 2"]);
    let error = read_only(&home.target())
        .unwrap()
        .retire(insats(&model()), &retirement("q", &because, &[]), &[], &because, &run("r2"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
}

pub(crate) fn rows_of_others_are_not_retired(home: &impl Home) {
    let mut sink = prepared(home, &model());
    let theirs = Row { system: "vodok", ..row(2, "v") };
    write(sink.as_mut(), "r1", "p", &[row(1, "a"), theirs, row(3, "c")]);
    home.execute("UPDATE insats SET load_run_id = 'handen' WHERE beskrivning = 'c'");
    write(sink.as_mut(), "r2", "p", &[row(4, "d")]);
    let other_table = Retirement { table: "y".to_owned(), ..gone(Ended::Gone) };
    let mine = gone(Ended::Gone);
    // Of another system, written by hand, of this run, not there, of another table.
    for (because, ids, told) in [
        (&mine, vec![id(1), id(2)], "1 of 2 rows"),
        (&mine, vec![id(3)], "1 of 1 rows"),
        (&mine, vec![id(1), id(4)], "paraply/x"),
        (&mine, vec![id(9)], "nothing was changed"),
        (&other_table, vec![id(1)], "paraply/y"),
    ] {
        let error = retire(sink.as_mut(), "r2", "retired-00000", because, &ids).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(home.texts(KEPT), ["a r1", "v r1", "c handen", "d r2"]);
    assert_eq!(home.texts(HISTORY), Vec::<String>::new());
    assert_eq!(sink.receipts("r2").unwrap().len(), 1);
}

pub(crate) fn runs_have_places(home: &impl Home) {
    let model = model();
    let mut sink = open(&home.target()).unwrap();
    assert_eq!(sink.runs().unwrap(), [], "there are no control tables yet");
    sink.prepare(&model, &["insats"]).unwrap();
    write(sink.as_mut(), "r0", "p", &[row(1, "a")]);
    home.execute("DROP TABLE bron_run");
    assert_eq!(sink.runs().unwrap().len(), 1, "a target of before places were noted");
    sink.prepare(&model, &["insats"]).unwrap();
    let beginning = Beginning { as_of: Some("2024-12-31".to_owned()), ..Beginning::default() };
    assert_eq!(sink.register(&run("r1"), &beginning).unwrap(), 1);
    assert_eq!(sink.register(&run("r1"), &beginning).unwrap(), 1);
    assert_eq!(sink.register(&run("r2"), &Beginning::default()).unwrap(), 2);
    let planned = Beginning { plan: Some("p".to_owned()), ..Beginning::default() };
    assert_eq!(sink.register(&run("r1"), &Beginning::default()).unwrap(), 3);
    assert_eq!(sink.register(&run("r1"), &planned).unwrap(), 3);
    let runs: Vec<_> = sink.runs().unwrap().into_iter().map(|run| (run.ordinal, run.load_run_id)).collect();
    let expected = [(0, "r0"), (1, "r1"), (2, "r2"), (3, "r1")].map(|(place, run)| (place, run.to_owned()));
    assert_eq!(runs, expected);
    assert_eq!(sink.runs().unwrap()[3].plan.as_deref(), Some("p"));
    assert_eq!(home.texts("SELECT as_of FROM bron_run WHERE ordinal = 1"), ["2024-12-31"]);
    let refused = read_only(&home.target()).unwrap().register(&run("r3"), &beginning).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Permission);
}

/// The query that docs/incremental.md gives, for this entity.
fn as_it_was(home: &impl Home, ordinal: u64) -> Vec<String> {
    const DOCUMENT: &str = include_str!("../../../docs/incremental.md");
    let query = DOCUMENT.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let query = query.replace("besok", "insats").replace(":place", &ordinal.to_string());
    let query =
        format!("SELECT beskrivning FROM ({}) AS then_held ORDER BY id", query.trim().trim_end_matches(';'));
    home.texts(Box::leak(query.into_boxed_str()))
}

pub(crate) fn the_target_can_be_seen_as_it_was(home: &impl Home) {
    let mut sink = prepared(home, &model());
    let begin = |sink: &mut dyn Sink, load: &str| sink.register(&run(load), &Beginning::default()).unwrap();
    begin(sink.as_mut(), "r1");
    write(sink.as_mut(), "r1", "p", &[row(1, "a"), row(2, "b"), row(3, "c")]);
    begin(sink.as_mut(), "r2");
    write(sink.as_mut(), "r2", "p", &[row(1, "a"), row(2, "B"), row(4, "d")]);
    retire(sink.as_mut(), "r2", "retired-00000", &gone(Ended::Gone), &[id(3)]).unwrap();
    begin(sink.as_mut(), "r3");
    write(sink.as_mut(), "r3", "p", &[row(2, "BB"), row(3, "c")]);
    // Back to the first: its rows are as they were, and what the others added is gone.
    begin(sink.as_mut(), "r1");
    write(sink.as_mut(), "r1", "p", &[row(1, "a"), row(2, "b"), row(3, "c")]);
    retire(sink.as_mut(), "r1", "retired-00000", &gone(Ended::Gone), &[id(4)]).unwrap();
    for (ordinal, expected) in [
        (0, &[][..]),
        (1, &["a", "b", "c"]),
        (2, &["a", "B", "d"]),
        (3, &["a", "BB", "c", "d"]),
        (4, &["a", "b", "c"]),
        (9, &["a", "b", "c"]),
    ] {
        assert_eq!(as_it_was(home, ordinal), expected, "after run {ordinal}");
    }
    assert_eq!(all(sink.as_mut(), &model(), None).len(), 3);
}

pub(crate) fn another_history_is_drift(home: &impl Home) {
    drop(prepared(home, &model()));
    home.execute("ALTER TABLE bron_history_insats ADD COLUMN extra text");
    let error = open(&home.target()).unwrap().prepare(&model(), &["insats"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift);
    home.execute("DROP TABLE bron_history_insats");
    home.execute("CREATE TABLE bron_history_insats (id text)");
    let error = open(&home.target()).unwrap().prepare(&model(), &["insats"]).unwrap_err();
    assert!(error.to_string().contains("ended_because"), "{error}");
}
