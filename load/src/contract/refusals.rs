//! What every sink must do with rows that the target refuses.

use bron_mappings::{ColumnBuilder, ColumnType, EntityId, ReasonCode, Value};

use super::{Home, Row, all, batch, counts, insats, model, part, prepared, row, run};
use crate::{Beginning, Dialect, ErrorKind, Receipt, Refusal, Sink, Target, ddl};

/// Makes the tables with a constraint of somebody else's on `insats`, and opens the sink.
pub(crate) fn constrained(home: &impl Home, constraint: &str) -> Box<dyn Sink> {
    let dialect = match home.target() {
        Target::Sqlite(_) => Dialect::Sqlite,
        Target::Postgres(_) => Dialect::Postgres,
    };
    let key = "PRIMARY KEY (\"id\")";
    let text = ddl(&model(), dialect).replacen(key, &format!("{key},\n  {constraint}"), 1);
    home.execute(Box::leak(text.into_boxed_str()));
    prepared(home, &model())
}

/// Writes the rows as a part of run `r1` and gives the numbers of the rows that were refused, each with its code and
/// constraint. The others must be there.
pub(crate) fn refused(sink: &mut dyn Sink, rows: &[Row<'_>]) -> Vec<(u16, String, String)> {
    let model = model();
    let receipt = sink.write(insats(&model), &part("p", "a"), &batch(&model, rows), &run("r1")).unwrap();
    let listed = sink.refused("r1").unwrap();
    let (given, lost) = (u64::try_from(rows.len()).unwrap(), u64::try_from(listed.len()).unwrap());
    assert_eq!(receipt.counts(), super::Counts { refused: lost, ..counts(given, given - lost, 0, 0) });
    let kept: Vec<EntityId> = all(sink, &model, None)
        .iter()
        .map(|(batch, at)| EntityId::from_bytes(batch.cells(0).id(*at).unwrap()))
        .collect();
    let expected = rows.iter().map(|row| EntityId::from_bytes(row.id));
    let expected = expected.filter(|id| listed.iter().all(|refusal| refusal.id != *id));
    assert!(kept.iter().copied().eq(expected), "every row that was not refused is there");
    listed.into_iter().map(shown).collect()
}

fn shown(refusal: Refusal) -> (u16, String, String) {
    assert_eq!((refusal.entity.as_str(), refusal.part.as_str()), ("insats", "p"));
    let number = u16::from_be_bytes([refusal.id.as_bytes()[0], refusal.id.as_bytes()[1]]);
    (number, refusal.sqlstate, refusal.constraint)
}

pub(crate) fn found(number: u16, sqlstate: &str, constraint: &str) -> (u16, String, String) {
    (number, sqlstate.to_owned(), constraint.to_owned())
}

pub(crate) fn referring(number: u16, to: u16) -> Row<'static> {
    let mut referring = row(number, "a");
    referring.own[7] = Some(Value::Id(row(to, "").id));
    referring
}

pub(crate) fn missing_values_are_refused(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let good = batch(&model, &[row(1, "a"), row(2, "b")]);
    let at = good.schema().index_of("src_key").unwrap();
    let mut columns = good.record().columns().to_vec();
    let mut builder = ColumnBuilder::new(ColumnType::Text, 2);
    builder.push(Some(Value::Text("x")));
    builder.push(None);
    columns[at] = builder.finish();
    let bad = super::Batch::new(good.schema(), columns, 2).unwrap();
    let receipt = sink.write(insats(&model), &part("p", "a"), &bad, &run("r1")).unwrap();
    assert_eq!(receipt, Receipt::Written(super::Counts { refused: 1, ..counts(2, 1, 0, 0) }));
    let listed: Vec<_> = sink.refused("r1").unwrap().into_iter().map(shown).collect();
    assert_eq!(listed, [found(2, "23502", "bron:required")]);
    let other = super::PartId { entity: "order".to_owned(), ..part("p", "a") };
    assert_eq!(sink.write(insats(&model), &other, &good, &run("r1")).unwrap_err().kind(), ErrorKind::Data);
    let order = model.entity("order").unwrap();
    assert_eq!(sink.write(order, &other, &good, &run("r1")).unwrap_err().kind(), ErrorKind::Data);
}

pub(crate) fn values_outside_what_is_stored_are_refused(home: &impl Home) {
    let mut rows = vec![row(1, "a")];
    for (field, value) in [
        (3, Value::Date(2_932_897)),
        (3, Value::Date(-719_163)),
        (4, Value::Time(253_402_300_800_000_000)),
        (4, Value::Time(i64::MIN)),
        (5, Value::Decimal(i128::MAX)),
    ] {
        let mut bad = row(u16::try_from(rows.len()).unwrap() + 1, "a");
        bad.own[field] = Some(value);
        rows.push(bad);
    }
    let days = (2..=5).map(|number| found(number, "22008", "bron:calendar"));
    let expected: Vec<_> = days.chain([found(6, "22003", "bron:digits")]).collect();
    assert_eq!(refused(prepared(home, &model()).as_mut(), &rows), expected);
}

pub(crate) fn a_check_refuses_its_rows_and_no_other(home: &impl Home) {
    let mut sink = constrained(home, "CONSTRAINT kort CHECK (length(beskrivning) < 5)");
    let mut rows: Vec<Row<'_>> = (0..900).map(|number| row(number, "a")).collect();
    for number in [0, 17, 18, 450, 899] {
        rows[number].own[0] = Some(Value::Text("hemligt"));
    }
    let expected = [0, 17, 18, 450, 899].map(|number| found(number, "23514", "kort"));
    assert_eq!(refused(sink.as_mut(), &rows), expected);
    assert_eq!(sink.refused("r2").unwrap(), []);
    let kept = home.texts("SELECT id || sqlstate || constraint_name || part FROM bron_refused");
    assert!(kept.len() == 5 && kept.iter().all(|text| !text.contains("hemligt")), "{kept:?}");
}

/// Has a trigger of somebody's leave out, without a word, every row that is to say `bort`.
pub(crate) fn swallow(home: &impl Home) {
    home.execute(match home.target() {
        Target::Sqlite(_) => {
            "CREATE TRIGGER in_bort BEFORE INSERT ON insats WHEN NEW.beskrivning = 'bort' \
             AND NOT EXISTS (SELECT 1 FROM insats WHERE id = NEW.id) BEGIN SELECT RAISE(IGNORE); END; \
             CREATE TRIGGER om_bort BEFORE UPDATE ON insats WHEN NEW.beskrivning = 'bort' \
             BEGIN SELECT RAISE(IGNORE); END"
        }
        Target::Postgres(_) => {
            "CREATE FUNCTION bort() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.beskrivning = 'bort' THEN RETURN NULL; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER bort BEFORE INSERT OR UPDATE ON insats FOR EACH ROW EXECUTE FUNCTION bort()"
        }
    });
}

pub(crate) fn what_a_trigger_leaves_out_is_refused(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    swallow(home);
    let mut rows: Vec<Row<'_>> = (0..450).map(|number| row(number, "a")).collect();
    for number in [0, 17, 449] {
        rows[number].own[0] = Some(Value::Text("bort"));
    }
    let expected = [0, 17, 449].map(|number| found(number, "P0001", "bron:swallowed"));
    assert_eq!(refused(sink.as_mut(), &rows), expected);
    assert!(sink.refused("r1").unwrap().iter().all(|one| one.reason() == ReasonCode::TargetRule));

    // A row that is there and was to become another one stays, and its history begins later.
    rows.truncate(30);
    rows[5].own[0] = Some(Value::Text("bort"));
    rows[6].own[0] = Some(Value::Text("b"));
    let receipt = sink.write(insats(&model), &part("p", "b"), &batch(&model, &rows), &run("r2")).unwrap();
    assert_eq!(receipt, Receipt::Written(super::Counts { refused: 3, ..counts(30, 0, 1, 26) }));
    let numbers: Vec<u16> = sink.refused("r2").unwrap().into_iter().map(|one| shown(one).0).collect();
    assert_eq!(numbers, [0, 5, 17]);
    assert_eq!(home.texts("SELECT load_run_id FROM bron_history_insats"), ["r1"]);
    assert_eq!(
        home.texts("SELECT load_run_id FROM insats WHERE belopp_ore IN (5, 6) ORDER BY id"),
        ["r1", "r2"]
    );
}

pub(crate) fn a_part_of_bad_rows_has_a_receipt(home: &impl Home) {
    let mut sink = constrained(home, "CONSTRAINT aldrig CHECK (belopp_ore < 0)");
    let rows: Vec<Row<'_>> = (0..300).map(|number| row(number, "a")).collect();
    assert_eq!(refused(sink.as_mut(), &rows).len(), 300);
    let model = model();
    let again = sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    let expected = super::Counts { refused: 300, ..counts(300, 0, 0, 0) };
    assert_eq!(again, Receipt::Replayed(expected));
    assert_eq!(sink.receipts("r1").unwrap(), [(part("p", "a"), expected)]);
}

pub(crate) fn of_equal_values_the_first_is_kept(home: &impl Home) {
    let mut sink = constrained(home, "CONSTRAINT en UNIQUE (beskrivning)");
    let rows = [row(1, "a"), row(2, "b"), row(3, "a"), row(4, "c"), row(5, "b")];
    let listed = refused(sink.as_mut(), &rows);
    let expected: Vec<_> = listed.iter().map(|(number, code, _)| (*number, code.as_str())).collect();
    assert_eq!(expected, [(3, "23505"), (5, "23505")]);
    assert!(listed.iter().all(|(_, _, name)| name == "en" || name == "insats.beskrivning"), "{listed:?}");
}

pub(crate) fn references_of_somebody_else_are_kept(home: &impl Home) {
    check_references(home, "");
}

pub(crate) fn references_that_are_checked_at_the_end_are_kept(home: &impl Home) {
    check_references(home, " DEFERRABLE INITIALLY DEFERRED");
}

/// A row may refer to one that stands behind it in its part, and two rows to each other.
fn check_references(home: &impl Home, when: &str) {
    let constraint = format!("CONSTRAINT dit FOREIGN KEY (foregaende_id) REFERENCES insats (id){when}");
    let mut sink = constrained(home, &constraint);
    let mut rows =
        vec![referring(1, 2), referring(2, 1), referring(3, 600), referring(4, 5), referring(5, 9999)];
    rows.extend((6..700).map(|number| row(number, "a")));
    let listed = refused(sink.as_mut(), &rows);
    let expected: Vec<_> = listed.iter().map(|(number, code, _)| (*number, code.as_str())).collect();
    assert_eq!(expected, [(4, "23503"), (5, "23503")]);
}

pub(crate) fn a_refused_change_leaves_the_row_as_it_was(home: &impl Home) {
    let model = model();
    let mut sink = constrained(home, "CONSTRAINT kort CHECK (length(beskrivning) < 5)");
    let before = [row(1, "a"), row(2, "b")];
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &before), &run("r1")).unwrap();
    let after = [row(1, "c"), row(2, "hemligt"), row(3, "d")];
    let receipt = sink.write(insats(&model), &part("p", "b"), &batch(&model, &after), &run("r2")).unwrap();
    assert_eq!(receipt, Receipt::Written(super::Counts { refused: 1, ..counts(3, 1, 1, 0) }));
    assert_eq!(home.texts("SELECT beskrivning FROM insats ORDER BY id"), ["c", "b", "d"]);
    assert_eq!(
        sink.refused("r2").unwrap().into_iter().map(shown).collect::<Vec<_>>(),
        [found(2, "23514", "kort")]
    );

    // Going back to the first run writes its part again: what it was refused then counts no more.
    sink.register(&run("r1"), &Beginning::default()).unwrap();
    let back = sink.write(insats(&model), &part("p", "a"), &batch(&model, &before), &run("r1")).unwrap();
    assert_eq!(back, Receipt::Written(counts(2, 0, 1, 1)));
    assert_eq!((sink.refused("r1").unwrap(), sink.refused("r2").unwrap()), (Vec::new(), Vec::new()));
    sink.register(&run("r2"), &Beginning::default()).unwrap();
    let again = sink.write(insats(&model), &part("p", "b"), &batch(&model, &after), &run("r2")).unwrap();
    assert_eq!(again.counts(), super::Counts { refused: 1, ..counts(3, 0, 1, 1) });
    assert_eq!(sink.refused("r2").unwrap().len(), 1);
}

pub(crate) fn rows_of_another_part_are_an_error_beside_bad_rows(home: &impl Home) {
    let model = model();
    let mut sink = constrained(home, "CONSTRAINT kort CHECK (length(beskrivning) < 5)");
    sink.write(insats(&model), &part("p1", "a"), &batch(&model, &[row(2, "b")]), &run("r1")).unwrap();
    let rows = [row(1, "hemligt"), row(2, "c"), row(3, "d")];
    let error = sink.write(insats(&model), &part("p2", "b"), &batch(&model, &rows), &run("r1")).unwrap_err();
    assert!(error.to_string().contains("another part of this run"), "{error}");
    assert_eq!(home.texts("SELECT beskrivning FROM insats"), ["b"]);
    assert_eq!((sink.refused("r1").unwrap(), sink.receipts("r1").unwrap().len()), (Vec::new(), 1));
}

pub(crate) fn refused_rows_are_tried_again_when_it_is_asked_for(home: &impl Home) {
    let model = model();
    let mut sink = constrained(home, "CONSTRAINT dit FOREIGN KEY (foregaende_id) REFERENCES insats (id)");
    let rows = [referring(1, 7), row(2, "b"), referring(3, 8), referring(4, 3)];
    let first = batch(&model, &rows);
    let never = sink.write_refused(insats(&model), &part("p", "a"), &first, &run("r1")).unwrap_err();
    assert!(never.to_string().contains("no receipt"), "{never}");
    sink.write(insats(&model), &part("p", "a"), &first, &run("r1")).unwrap();
    assert_eq!(sink.refused("r1").unwrap().len(), 3);

    // Nothing has changed: nothing is written.
    let lost = batch(&model, &[rows[0], rows[2], rows[3]]);
    let again =
        |sink: &mut dyn Sink| sink.write_refused(insats(&model), &part("p", "a"), &lost, &run("r1")).unwrap();
    assert_eq!(again(sink.as_mut()), Receipt::Replayed(super::Counts { refused: 3, ..counts(4, 1, 0, 0) }));

    // The row that one of them refers to comes in a later part.
    let later = batch(&model, &[row(7, "c")]);
    sink.write(insats(&model), &part("q", "a"), &later, &run("r1")).unwrap();
    let expected = super::Counts { refused: 2, ..counts(4, 2, 0, 0) };
    assert_eq!(again(sink.as_mut()), Receipt::Written(expected));
    let left: Vec<_> = sink.refused("r1").unwrap().into_iter().map(|one| shown(one).0).collect();
    assert_eq!(left, [3, 4]);
    assert_eq!(sink.receipts("r1").unwrap()[0], (part("p", "a"), expected));
    assert_eq!(sink.count(insats(&model)).unwrap(), 3);
}
