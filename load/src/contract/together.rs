//! What every sink must do with several parts at once, with control tables of other formats, and with a digest.

use bron_mappings::{Batch, Value};

use super::{Home, Row, all, batch, counts, insats, model, part, prepared, row, run};
use crate::{Counts, ErrorKind, PartId, Receipt, content, open, read_only};

/// The rows of a table with what wrote them.
fn held(home: &impl Home) -> Vec<String> {
    home.texts("SELECT beskrivning || load_run_id FROM insats ORDER BY id")
}

pub(crate) fn parts_together_are_as_parts_alone(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    let rows: Vec<Row<'_>> = (0..700).map(|number| row(number, "a")).collect();
    let every = |first: usize| rows.iter().skip(first).step_by(3).copied().collect::<Vec<_>>();
    let parts: Vec<(PartId, Batch)> =
        (0..3).map(|first| (part(&format!("p{first}"), "a"), batch(&model, &every(first)))).collect();
    let receipts = sink.write_together(insats(&model), &parts, &run("r1")).unwrap();
    let written: Vec<Receipt> =
        [234, 233, 233].map(|rows| Receipt::Written(counts(rows, rows, 0, 0))).to_vec();
    assert_eq!(receipts, written);
    assert_eq!(all(sink.as_mut(), &model, None).len(), 700);
    let listed: Vec<Counts> = sink.receipts("r1").unwrap().into_iter().map(|(_, counts)| counts).collect();
    assert_eq!(listed, written.iter().map(Receipt::counts).collect::<Vec<_>>());
    // The same again, and beside what is new: each part has the receipt that it has alone.
    let again = [parts[0].clone(), (part("p9", "b"), batch(&model, &[row(900, "b")]))];
    let receipts = sink.write_together(insats(&model), &again, &run("r1")).unwrap();
    assert_eq!(receipts, [Receipt::Replayed(counts(234, 234, 0, 0)), Receipt::Written(counts(1, 1, 0, 0))]);
    let next = [
        (part("p0", "c"), batch(&model, &[row(0, "a"), row(3, "c")])),
        (part("p1", "c"), batch(&model, &[row(901, "c")])),
    ];
    let receipts = prepared(home, &model).write_together(insats(&model), &next, &run("r2")).unwrap();
    assert_eq!(receipts, [Receipt::Written(counts(2, 0, 1, 1)), Receipt::Written(counts(1, 1, 0, 0))]);
    // An id in two parts is refused as it is when the parts come one after the other.
    let fight = [
        (part("q0", "d"), batch(&model, &[row(950, "d")])),
        (part("q1", "d"), batch(&model, &[row(950, "e")])),
    ];
    let error = prepared(home, &model).write_together(insats(&model), &fight, &run("r2")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let rows = held(home);
    assert_eq!((rows.len(), rows[3].as_str(), rows[702].as_str()), (703, "cr2", "dr2"));
}

pub(crate) fn an_older_format_is_upgraded_and_a_newer_refused(home: &impl Home) {
    let model = model();
    let format = || home.texts("SELECT layout FROM bron_schema WHERE entity = '@format'");
    let part = part("p", "a");
    prepared(home, &model).write(insats(&model), &part, &batch(&model, &[row(1, "a")]), &run("r1")).unwrap();
    assert_eq!(format(), ["2"]);
    home.execute("DELETE FROM bron_schema WHERE entity = '@format'");
    let mut reading = read_only(&home.target()).unwrap();
    assert_eq!(reading.receipts("r1").unwrap(), [(part, counts(1, 1, 0, 0))], "an older format is read");
    drop(reading);
    assert!(format().is_empty(), "reading upgrades nothing");
    assert_eq!(prepared(home, &model).count(insats(&model)).unwrap(), 1);
    assert_eq!(format(), ["2"]);
    home.execute("UPDATE bron_schema SET layout = '3' WHERE entity = '@format'");
    for opened in [open(&home.target()), read_only(&home.target())] {
        let refused = opened.map(|mut sink| sink.prepare(&model, &["insats"]));
        let error = refused.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Format);
        let text = error.to_string();
        assert!(
            text.contains("bron_schema") && text.contains("format 3") && text.contains("newer"),
            "{text}"
        );
    }
    assert_eq!(format(), ["3"]);
}

pub(crate) fn control_tables_that_are_missing_are_made(home: &impl Home) {
    let model = model();
    let batch = batch(&model, &[row(1, "a")]);
    let write = |receipt: Counts| {
        let mut sink = prepared(home, &model);
        let written = sink.write(insats(&model), &part("p", "a"), &batch, &run("r1")).unwrap();
        assert_eq!((written.counts(), sink.refused("r1").unwrap().len()), (receipt, 0));
    };
    write(counts(1, 1, 0, 0));
    for (drop, receipt) in [
        ("DROP TABLE bron_receipt", counts(1, 0, 0, 1)),
        ("DROP TABLE bron_refused", counts(1, 0, 0, 1)),
        ("DROP TABLE bron_run", counts(1, 0, 0, 1)),
        ("DROP TABLE bron_schema", counts(1, 0, 0, 1)),
    ] {
        home.execute(drop);
        write(receipt);
    }
}

pub(crate) fn equal_rows_have_equal_digests(home: &impl Home) {
    let model = model();
    let mut sink = prepared(home, &model);
    assert!(sink.holds(insats(&model)).unwrap() && !sink.holds(model.entity("order").unwrap()).unwrap());
    let empty = content(sink.as_mut(), insats(&model)).unwrap();
    assert_eq!((empty.rows, empty.unreadable), (0, 0));
    let mut rows: Vec<Row<'_>> = (1..=3).map(|number| row(number, "Å")).collect();
    rows[1].own = [None; 8];
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    let first = content(sink.as_mut(), insats(&model)).unwrap();
    // A golden value: every database and every later version gives the same.
    let golden = "35f3a096e2c30bceaef77da596365bf3ab8ea8ab3b428f8cf7e11d042c4c449b";
    assert_eq!((first.rows, first.digest.to_string().as_str()), (3, golden));
    rows[2].own[1] = Some(Value::Int(4));
    let receipt = sink.write(insats(&model), &part("p", "b"), &batch(&model, &rows), &run("r2")).unwrap();
    assert_eq!(receipt.counts().updated, 1);
    let second = content(sink.as_mut(), insats(&model)).unwrap();
    assert_ne!(second.digest, first.digest);
    rows[2] = row(3, "Å");
    sink.write(insats(&model), &part("p", "c"), &batch(&model, &rows), &run("r3")).unwrap();
    let mut reading = read_only(&home.target()).unwrap();
    assert_eq!(
        content(reading.as_mut(), insats(&model)).unwrap(),
        first,
        "the run that wrote a row does not count"
    );
}
