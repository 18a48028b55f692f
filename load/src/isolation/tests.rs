//! The isolation alone, against a table that refuses what it is told to.

use std::collections::BTreeSet;

use bron_mappings::{BatchSchema, ColumnBuilder, ColumnType, Value};
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

/// How often a row is tried at most, on average over a part, in one pass: once with the whole part, and for every
/// refused row the rows before it in growing chunks and the halves of the chunk that it stands in.
const MOST_TRIES_A_ROW: usize = 8;

/// A table that takes the numbers that are not bad. A number may refer to another, which must then be there.
#[derive(Default)]
struct Table {
    bad: BTreeSet<i64>,
    refers: Vec<(i64, i64)>,
    kept: BTreeSet<i64>,
    /// Whether the table names the first bad row.
    names: bool,
    tried: usize,
    attempts: usize,
}

fn batch(numbers: &[i64]) -> Batch {
    let mut column = ColumnBuilder::new(ColumnType::Int, numbers.len());
    numbers.iter().for_each(|number| column.push(Some(Value::Int(*number))));
    let schema = BatchSchema::new([("n".to_owned(), ColumnType::Int)]);
    Batch::new(&schema, vec![column.finish()], numbers.len()).unwrap()
}

fn objection(sqlstate: &str) -> Objection {
    Objection::new(sqlstate, "villkor")
}

impl Trial for Table {
    async fn attempt(&mut self, rows: &Batch) -> Result<Counts> {
        let numbers: Vec<i64> = (0..rows.rows()).map(|row| rows.cells(0).int(row).unwrap()).collect();
        self.attempts += 1;
        self.tried += numbers.len();
        let here: BTreeSet<i64> = self.kept.iter().chain(&numbers).copied().collect();
        if let Some(place) = numbers.iter().position(|number| self.bad.contains(number)) {
            let place = self.names.then_some(place);
            return Err(Error::against("t", Answer { objection: objection("23514"), place }));
        }
        let dangles = |number: &i64| {
            let mut targets = self.refers.iter().filter(|(from, _)| from == number).map(|(_, to)| to);
            targets.any(|to| !here.contains(to))
        };
        if numbers.iter().any(dangles) {
            return Err(Error::against("t", Answer { objection: objection("23503"), place: None }));
        }
        self.kept = here;
        let rows = u64::try_from(numbers.len()).unwrap();
        Ok(Counts { rows, inserted: rows, ..Counts::default() })
    }
}

fn isolated(table: &mut Table, batch: &Batch, known: Vec<(usize, Objection)>) -> Result<Isolated> {
    let given = Given { batch, known, again: false };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(isolate(table, given))
}

fn refused_places(done: &Isolated) -> Vec<usize> {
    done.refused.iter().map(|(row, _)| *row).collect()
}

proptest! {
    /// Any set of bad rows gives exactly these, however the database names them, in a bounded number of tries.
    #[test]
    fn exactly_the_bad_rows_are_refused(
        rows in 1_usize..400,
        picked in proptest::collection::vec(any::<proptest::sample::Index>(), 0..60),
        names in any::<bool>(),
        every in any::<bool>(),
    ) {
        let numbers: Vec<i64> = (0..).take(rows).collect();
        let bad: BTreeSet<usize> =
            if every { (0..rows).collect() } else { picked.iter().map(|index| index.index(rows)).collect() };
        let mut table = Table { names, ..Table::default() };
        table.bad = bad.iter().map(|row| numbers[*row]).collect();
        let done = isolated(&mut table, &batch(&numbers), Vec::new()).unwrap();
        prop_assert_eq!(refused_places(&done), bad.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(table.kept.len(), rows - bad.len());
        let count = |number: usize| u64::try_from(number).unwrap();
        prop_assert_eq!(done.counts.rows, count(rows));
        prop_assert_eq!((done.counts.refused, done.counts.inserted), (count(bad.len()), count(rows - bad.len())));
        prop_assert!(table.tried <= MOST_TRIES_A_ROW * rows, "{} rows tried of {rows}", table.tried);
    }

    /// The order in which rows refer to each other does not matter, beside rows that are bad.
    #[test]
    fn rows_that_refer_to_rows_behind_them_are_kept(
        order in Just((0_i64..40).collect::<Vec<_>>()).prop_shuffle(),
        bad in proptest::collection::btree_set(0_i64..40, 0..5),
    ) {
        // Each refers to the one before it in the shuffled order: what follows a bad one cannot be kept either.
        let refers: Vec<(i64, i64)> = order.windows(2).map(|pair| (pair[1], pair[0])).collect();
        let first_bad = order.iter().position(|number| bad.contains(number)).unwrap_or(order.len());
        let mut table = Table { bad, refers, ..Table::default() };
        let done = isolated(&mut table, &batch(&(0..40).collect::<Vec<_>>()), Vec::new()).unwrap();
        let kept: BTreeSet<i64> = order[..first_bad].iter().copied().collect();
        prop_assert_eq!(&table.kept, &kept);
        prop_assert_eq!(done.refused.len(), 40 - first_bad);
    }
}

#[test]
fn one_bad_row_costs_three_times_its_part_and_a_good_part_one_try() {
    let numbers: Vec<i64> = (0..32_768).collect();
    let mut table = Table::default();
    isolated(&mut table, &batch(&numbers), Vec::new()).unwrap();
    assert_eq!((table.attempts, table.tried), (1, 32_768));
    for bad in [0, 1, 12_345, 32_767] {
        let mut table = Table { bad: [bad].into(), ..Table::default() };
        isolated(&mut table, &batch(&numbers), Vec::new()).unwrap();
        assert!(table.attempts <= 50 && table.tried <= 3 * 32_768 + 2, "{bad}: {} tries", table.attempts);
    }
    let mut table = Table { bad: numbers.iter().copied().collect(), ..Table::default() };
    isolated(&mut table, &batch(&numbers), Vec::new()).unwrap();
    assert!(table.attempts <= 32_768 + 20 && table.tried <= 3 * 32_768, "{}", table.tried);
}

#[test]
fn rows_that_are_known_are_not_tried() {
    let mut table = Table { bad: [1, 2].into(), ..Table::default() };
    let known = vec![(1, objection("22008"))];
    let done = isolated(&mut table, &batch(&[0, 1, 2, 3]), known).unwrap();
    assert_eq!(done.refused, [(1, objection("22008")), (2, objection("23514"))]);
    assert_eq!(table.kept, [0, 3].into());
}

#[test]
fn what_is_not_about_a_row_ends_the_part() {
    struct Lost;
    impl Trial for Lost {
        async fn attempt(&mut self, _: &Batch) -> Result<Counts> {
            Err(Error::new(ErrorKind::Connection, "lost"))
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let batch = batch(&[1, 2]);
    let given = Given { batch: &batch, known: Vec::new(), again: false };
    let error = runtime.block_on(isolate(&mut Lost, given)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}
