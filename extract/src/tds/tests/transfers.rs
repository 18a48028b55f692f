//! One moment while others write, and none where the database allows no snapshots.

use super::*;
use crate::source::tests::transfers::{Moments, Transfer, accounts, expect_one_moment, expect_torn};

fn bank() -> Server {
    server(&accounts("").join("; "))
}

fn source(access: &Access) -> Box<dyn Source> {
    Box::new(open(access).unwrap())
}

fn mover(server: &Server) -> impl FnMut(&Transfer) {
    move |transfer| {
        server.run(&format!("BEGIN TRANSACTION; {}; COMMIT", transfer.join("; "))).unwrap();
    }
}

#[test]
fn nobody_sees_half_a_transfer() {
    let server = bank();
    let access = access(&server);
    expect_one_moment("tds, snapshot transaction", || source(&access), || mover(&server));
}

#[test]
fn nobody_sees_half_a_transfer_in_a_database_snapshot() {
    let server = bank();
    server.create_snapshot("Natt").unwrap();
    let access = Access { snapshot: Some("Natt".to_owned()), ..access(&server) };
    let outcome = expect_one_moment("tds, database snapshot", || source(&access), || mover(&server));
    assert_eq!(outcome.with_two_readers * 2, outcome.runs);
}

#[test]
fn two_moments_show_half_a_transfer() {
    let server = bank();
    let access = access(&server);
    expect_torn("tds", Moments::Two, || source(&access), || mover(&server));
}

#[test]
fn a_database_without_snapshots_shows_half_a_transfer_and_claims_nothing() {
    let server = bank();
    server.allow_snapshot_isolation(false).unwrap();
    let access = access(&server);
    assert!(matches!(source(&access).consistency(), Consistency::None { .. }));
    expect_torn("tds, no snapshots", Moments::One, || source(&access), || mover(&server));
}
