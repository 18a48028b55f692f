//! One moment while others write, for one connection and for two.

use super::*;
use crate::source::tests::transfers::{Moments, Transfer, accounts, expect_one_moment, expect_torn};

fn bank() -> PostgresServer {
    let (server, _, _) = server(&accounts("").join("; "));
    server
}

fn source(server: &PostgresServer) -> Box<dyn Source> {
    Box::new(open(&access(server, "bron")).unwrap())
}

fn mover(server: &PostgresServer) -> impl FnMut(&Transfer) {
    let mut writer = Writer::new(server);
    move |transfer| writer.execute(&format!("BEGIN; {}; COMMIT", transfer.join("; ")))
}

#[test]
fn nobody_sees_half_a_transfer() {
    let server = bank();
    let outcome = expect_one_moment("postgres", || source(&server), || mover(&server));
    assert_eq!(outcome.with_two_readers * 2, outcome.runs);
}

#[test]
fn two_moments_show_half_a_transfer() {
    let server = bank();
    expect_torn("postgres", Moments::Two, || source(&server), || mover(&server));
}
