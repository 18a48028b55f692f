//! PostgreSQL through its ODBC driver. Nothing tells whether a moment survived in the driver, so after every failure
//! that passes all tables are read again.

use bron_servers::{PostgresServer, Proxy};

use super::postgres::Served;
use super::scenarios::{Live as _, extract_while};
use super::{Reading, TABLE, TABLES};

#[test]
fn what_goes_wrong_is_told_through_odbc() {
    let server = Served::new();
    let proxy = Proxy::start(server.port()).unwrap();
    let terms = |retries: u32| {
        let address = PostgresServer::odbc_at(proxy.port(), "reader", "postgres");
        format!(
            "address = \"odbc:{address}\"\nretry_wait_seconds = 0\nlock_timeout_seconds = 1\nretries = {retries}"
        )
    };
    let reading = Reading::new(&terms(1));
    reading.extract().expect(&[0]);
    let undisturbed = reading.staged();
    let (begins, asks) = (server.begins(TABLE), server.asks(TABLE));

    reading.forget();
    proxy.cut_at(&asks, 40);
    let ran = reading.arrives(reading.extract(), 1..=1, &undisturbed);
    assert!(ran.stderr.contains("warna: the moment that was read is lost"), "{}", ran.stderr);
    assert_eq!((ran.json()["done"].as_u64(), reading.runs().len()), (Some(TABLES), 2));

    reading.forget();
    reading.on(&terms(0));
    proxy.cut_at(&asks, 40);
    reading.fails(reading.extract(), 1, "retryable", &["warna/HANDELSE", "server runs"]);
    let lock = std::cell::RefCell::new(None);
    let failed = extract_while(&reading, &proxy, &begins, || *lock.borrow_mut() = Some(server.lock()));
    drop(lock);
    reading.fails(failed, 1, "retryable", &["table HANDELSE", "somebody else holds a lock"]);

    for (statements, code, class, says) in [
        (server.rights(), 1, "config", ["warna/HANDELSE", "the user may not read this"]),
        (server.types(), 1, "retryable", ["table HANDELSE", "written anew"]),
    ] {
        let [away, back] = statements;
        let failed = extract_while(&reading, &proxy, &begins, || server.execute(&away));
        server.execute(&back);
        reading.fails(failed, code, class, &says);
    }
    reading.forget();
    reading.on(&terms(1));
    let [away, back] = server.types();
    let failed = extract_while(&reading, &proxy, &begins, || server.execute(&away));
    server.execute(&back);
    reading.fails(failed, 5, "data", &["warna", "HANDELSE"]);
    reading.arrives(reading.extract(), 0..=0, &undisturbed);
}
