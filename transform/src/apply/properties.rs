//! What holds of every table: nothing is lost, and neither the cut into batches nor the number of
//! threads changes a byte.

use std::collections::BTreeMap;

use bron_mappings::{Batch, Mapping, MappingSet};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use super::{Transformed, apply, apply_all};
use crate::balance::Balance;
use crate::fixture::{SECRET, Texts, lookups, lookups_in_batches, plan, set, shipped, texts, texts_table};
use crate::lookups::Lookups;
use crate::plan::Plan;

/// A mapping that uses every part of the engine.
const EVERYTHING: &str = r#"
[[parent]]
name  = "p"
table = "T"
on    = { B = "ID" }

[[parent]]
name  = "i_tiden"
table = "T"
on    = { "p.A" = "A" }
valid = { at = "D", from = "D", to = "C", slack_minutes = 1440 }

[[neighbour]]
name      = "nasta"
direction = "after"
group     = ["p.A"]
order     = "D"

[[neighbour]]
name      = "forra"
direction = "before"
group     = ["A", "i_tiden.A"]
order     = "D"
when      = [{ column = "B", is = "present" }, { column = "D", from = "2010-01-01" }]

[[parent]]
name  = "grannens"
table = "T"
on    = { "nasta.B" = "ID" }

[[sum]]
name  = "m"
table = "T"
on    = { ID = "B" }
value = "C"

[[count]]
name     = "antal"
table    = "T"
on       = { "grannens.A" = "A" }
when     = { column = "C", not_in = ["0"] }
distinct = "B"

[[latest]]
name  = "sista"
table = "T"
on    = { antal = "B" }
value = "D"

[[code]]
name  = "kod"
codes = "typ"
from  = "forra.A"
date  = "sista"

[scope]
area  = { from = "p.A", codes = "typ" }
namnd = { from = "A" }
unit  = { from = "forra.ID" }
year  = "D"

[[exclude]]
reason = "utanfor_omfattning"
about  = "x"
when   = { column = "A", in = ["u"] }

[[check]]
rule = "D42"
fn   = "repeats_within"
from = ["D", "B"]

[[check]]
rule   = "D33"
fn     = "refers_in_a_circle"
from   = ["ID", "nasta.B"]
action = "stop"
when   = [{ column = "i_tiden.A", is = "present" }, { column = "antal", not_in = ["0"] }]

[[check]]
rule   = "D24"
fn     = "ends_before_start"
from   = ["D", "C"]
action = "quarantine"
when   = { column = "B", is = "present" }

[[target]]
entity = "rad"

[target.fields]
id       = { id = ["ID"] }
annan_id = { ref = "annan", from = ["B"] }
text     = { from = ["m", "antal", "forra.ID", "nasta.ID", "i_tiden.ID", "kod"], fn = "join", with = { separator = "|" } }
kod      = { from = "A", codes = "typ", date = "D", default = "ingen" }
datum    = { from = "D", fn = "date" }
tal      = { from = "C", fn = "int", required = true, on_bad = "quarantine" }

[[target]]
entity = "annan"
when   = { column = "B", is = "present" }

[target.fields]
id    = { id = ["ID"] }
datum = { from = "D", fn = "open_end_date" }
"#;

const COLUMNS: [&str; 5] = ["ID", "A", "B", "C", "D"];

fn tables() -> impl Strategy<Value = Vec<Vec<Option<String>>>> {
    let text = |pattern: &'static str| proptest::option::weighted(0.8, pattern);
    let row = (
        text("[0-9]{1,2}"),
        text("[APQu]"),
        text("[0-9]?"),
        text("[0-9]{1,2}|2014-10-0[1-9]|x"),
        text("20(09|14)-10-0[1-9]( 08:00:00)?|9999-12-31|å"),
    );
    proptest::collection::vec(row.prop_map(|(id, a, b, c, d)| vec![id, a, b, c, d]), 0..30)
}

fn latest() -> MappingSet {
    crate::fixture::set_of(&format!(
        "{}{EVERYTHING}",
        crate::fixture::HEAD.replace("key = ", "repeats = \"latest\"\nkey = ")
    ))
}

fn cut(batch: &Batch, size: usize) -> Vec<(u64, Batch)> {
    let starts = (0..batch.rows()).step_by(size);
    starts
        .map(|start| (u64::try_from(start).unwrap(), batch.slice(start, size.min(batch.rows() - start))))
        .collect()
}

/// Everything that came out, put together again.
fn whole(parts: Vec<Transformed>) -> (BTreeMap<String, Vec<Texts>>, Vec<Texts>, Balance) {
    let (mut entities, mut rejects, mut balance) = (BTreeMap::new(), Vec::new(), Balance::default());
    for part in parts {
        for (entity, batch) in &part.entities {
            entities.entry(entity.clone()).or_insert_with(Vec::new).extend(texts(batch));
        }
        rejects.extend(texts(&part.rejects));
        balance.merge(part.balance);
    }
    entities.retain(|_, rows| !rows.is_empty());
    (entities, rejects, balance)
}

fn all_lookups(set: &MappingSet, batch: &Batch) -> (Plan, Lookups) {
    (plan(set, batch).unwrap(), lookups(set, &[("T", batch)]))
}

/// Every row has one fate, and what was loaded is what came out.
fn adds_up(done: &Transformed, rows: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(done.balance.rows(), u64::try_from(rows).unwrap());
    let (mut held, mut fanout) = (0, 0);
    for tally in done.balance.tallies.values() {
        let (out, back) = (tally.excluded.values().sum::<u64>(), tally.quarantined.values().sum::<u64>());
        prop_assert_eq!(tally.read, tally.loaded + tally.merged + out + back);
        held += tally.merged + out + back;
        fanout += tally.fanout;
    }
    let made: usize = done.entities.iter().map(|(_, batch)| batch.rows()).sum();
    prop_assert_eq!(fanout, u64::try_from(made).unwrap());
    let dropped = texts(&done.rejects);
    let dropped = dropped
        .iter()
        .filter(|row| ["merge", "exclude", "quarantine", "stop"].contains(&row["action"].as_str()));
    prop_assert_eq!(held, u64::try_from(dropped.count()).unwrap());
    Ok(())
}

proptest! {
    #[test]
    fn nothing_is_lost_and_the_cut_into_batches_changes_nothing(rows in tables(), last: bool) {
        let set = if last { latest() } else { set(EVERYTHING) };
        let batch = texts_table(&COLUMNS, &rows);
        let (plan, lookups) = all_lookups(&set, &batch);
        let at_once = apply(&plan, &lookups, &batch, 0);
        adds_up(&at_once, rows.len())?;
        let at_once = whole(vec![at_once]);
        for size in [1, 2, 7, rows.len().max(1)] {
            let lookups = lookups_in_batches(&set, &[("T", &batch)], size);
            let parts = cut(&batch, size).iter().map(|(first, part)| apply(&plan, &lookups, part, *first)).collect();
            prop_assert_eq!(&whole(parts), &at_once, "batches of {}", size);
        }
    }

    #[test]
    fn every_dimension_has_the_rows_that_belong_to_it(rows in tables()) {
        let batch = texts_table(&COLUMNS, &rows);
        let set = set(EVERYTHING);
        let (plan, lookups) = all_lookups(&set, &batch);
        let done = apply(&plan, &lookups, &batch, 0);
        let mut read: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &rows {
            *read.entry(row[1].as_deref().unwrap_or("")).or_default() += 1;
        }
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for (at, tally) in &done.balance.tallies {
            *found.entry(&at.namnd).or_default() += tally.read;
        }
        prop_assert_eq!(found, read);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let row = |number: usize| {
        let texts = [
            Some((number % 190).to_string()),
            ["A", "P", "Q", "u"].get(number % 5).map(|code| (*code).to_owned()),
            Some((number % 37).to_string()),
            Some((number % 3).to_string()),
            Some(crate::iso_date(14_000 + i32::try_from(number * 7 % 900).unwrap())),
        ];
        texts.to_vec()
    };
    let batch = texts_table(&COLUMNS, &(0..200).map(row).collect::<Vec<_>>());
    let set = latest();
    let (plan, lookups) = all_lookups(&set, &batch);
    let parts = cut(&batch, 9);
    let with = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| apply_all(&plan, &lookups, &parts))
    };
    let (one, four) = (with(1), with(4));
    assert_eq!(one.len(), parts.len());
    for (one, four) in one.iter().zip(&four) {
        assert_eq!(
            (&one.entities, &one.rejects, &one.balance),
            (&four.entities, &four.rejects, &four.balance)
        );
    }
    assert_eq!(whole(one), whole(vec![apply(&plan, &lookups, &batch, 0)]));
}

/// Everything that the rules of a mapping read, so that parents, sums and the day are any text too.
fn columns(mapping: &Mapping) -> Vec<&str> {
    let mut columns: Vec<&str> = mapping.origins().map(|origin| origin.name.as_str()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Any text at all, and texts that come close to what the mappings read.
fn any_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(
        0.9,
        prop_oneof![
            "\\PC{0,12}",
            any::<String>(),
            "[0-9]{6,8}[-+]?[0-9TF]{4}",
            "[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?)?",
            "-?[0-9]{1,20}([.,][0-9]{0,5})?",
            "[A-ZÅÄÖ]{1,4}",
        ],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_shipped_mapping_answers_any_text(pool in proptest::collection::vec(any_text(), 97), rows in 1_usize..6) {
        let (set, found) = shipped();
        prop_assert_eq!(found, []);
        for mapping in &set.mappings {
            let columns = columns(mapping);
            let mut texts = pool.iter().cycle().cloned();
            let table: Vec<Vec<Option<String>>> =
                (0..rows).map(|_| texts.by_ref().take(columns.len()).collect()).collect();
            let batch = texts_table(&columns, &table);
            let plan = Plan::new(&set, mapping, batch.schema(), &SECRET).unwrap();
            let done = apply(&plan, &Lookups::new(None), &batch, 0);
            adds_up(&done, rows)?;
        }
    }
}
