//! One moment while others write, and none where the engine knows no transactions.

use super::*;
use crate::source::tests::transfers::{Moments, Transfer, accounts, expect_one_moment, expect_torn};

fn bank(engine: &str) -> MariaDbServer {
    server(&accounts(engine).join("; ")).0
}

fn source(server: &MariaDbServer) -> Box<dyn Source> {
    Box::new(open(&access(server, "bron")).unwrap())
}

fn mover(server: &MariaDbServer) -> impl FnMut(&Transfer) {
    let address = format!("mysql://bron:bron@127.0.0.1:{}/bron", server.port());
    let runtime = runtime().unwrap();
    let mut connection = runtime.block_on(MySqlConnection::connect(&address)).unwrap();
    move |transfer| {
        let statements = AssertSqlSafe(format!("BEGIN; {}; COMMIT", transfer.join("; ")));
        runtime.block_on(sqlx::raw_sql(statements).execute(&mut connection)).unwrap();
    }
}

#[test]
fn nobody_sees_half_a_transfer() {
    let server = bank("");
    expect_one_moment("mariadb", || source(&server), || mover(&server));
}

#[test]
fn two_moments_show_half_a_transfer() {
    let server = bank("");
    expect_torn("mariadb", Moments::Two, || source(&server), || mover(&server));
}

#[test]
fn tables_without_transactions_show_half_a_transfer_and_claim_nothing() {
    let server = bank(" ENGINE = MyISAM");
    assert!(matches!(source(&server).consistency(), Consistency::None { .. }));
    expect_torn("mariadb, MyISAM", Moments::One, || source(&server), || mover(&server));
}
