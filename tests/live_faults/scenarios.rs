//! What can go wrong with any server.

use std::thread;

use bron_servers::Proxy;

use super::{Reading, TABLE, TABLES};
use crate::support::{Ran, run_project};

/// A server with the tables of the system, read through a proxy.
pub(super) trait Live {
    /// The port of the server.
    fn port(&self) -> u16;
    /// The lines of the project file that read it through this port.
    fn terms(&self, port: u16) -> String;
    /// What the program says when it begins with a table, before it asks for rows.
    fn begins(&self, table: &str) -> String;
    /// What the program says when it asks for the rows of a table.
    fn asks(&self, table: &str) -> String;
    /// Does something as the owner of the tables.
    fn execute(&self, statements: &str);
    /// Cuts every connection of the program.
    fn kill(&self);
    /// Writes something, and nothing that is read.
    fn write(&self, number: u32);
    /// Locks the table against everybody for as long as what is returned lives.
    fn lock(&self) -> Box<dyn Send>;
    /// Stops the server and starts it again.
    fn restart(&mut self);
    /// The statements that take away and give back the right to read the table.
    fn rights(&self) -> [String; 2];
    /// The statements that give a column of the table another type and its own.
    fn types(&self) -> [String; 2];
}

/// Reads while something happens at the moment when the program says this.
pub(super) fn extract_while(reading: &Reading, proxy: &Proxy, said: &str, happens: impl FnOnce()) -> Ran {
    proxy.hold_at(said);
    let dir = reading.dir().to_owned();
    let extracting = thread::spawn(move || run_project("extract", &dir));
    proxy.wait_held().unwrap();
    happens();
    proxy.release();
    extracting.join().unwrap()
}

/// What may pass is tried again, and the rows are those of an undisturbed run.
pub(super) fn what_passes_is_tried_again(server: &mut dyn Live) {
    let proxy = Proxy::start(server.port()).unwrap();
    let terms = format!("{}\nlock_timeout_seconds = 1", server.terms(proxy.port()));
    let reading = Reading::new(&format!("{terms}\nretry_wait_seconds = 0"));
    reading.extract().expect(&[0]);
    assert_eq!(reading.retries(), 0);
    let undisturbed = reading.staged();
    for readers in [1, 4] {
        reading.forget();
        reading.on(&format!("{terms}\nreaders = {readers}"));
        reading.arrives(reading.extract(), 0..=0, &undisturbed);
    }
    reading.on(&format!("{terms}\nretry_wait_seconds = 0"));
    let (begins, asks) = (server.begins(TABLE), server.asks(TABLE));

    // Cut in the middle of the rows, twice, and nothing was written meanwhile: only the table is read again.
    reading.forget();
    proxy.cut_at(&asks, 300);
    proxy.cut_at(&asks, 40);
    reading.arrives(reading.extract(), 2..=2, &undisturbed);
    assert_eq!(reading.runs().len(), 1);

    // Killed while somebody writes: the moment is lost, and every table is read again at another.
    reading.forget();
    let ran = extract_while(&reading, &proxy, &begins, || {
        server.write(1);
        server.kill();
    });
    let ran = reading.arrives(ran, 1..=1, &undisturbed);
    assert!(ran.stderr.contains("warna: the moment that was read is lost"), "{}", ran.stderr);
    assert_eq!((ran.json()["done"].as_u64(), reading.runs().len()), (Some(TABLES), 2));

    // Somebody locks the table, and lets it go when the program comes again.
    reading.forget();
    proxy.hold_at(&begins);
    proxy.hold_at(&begins);
    let ran = thread::scope(|scope| {
        let extracting = scope.spawn(|| reading.extract());
        proxy.wait_held().unwrap();
        let lock = server.lock();
        proxy.release();
        proxy.wait_held().unwrap();
        drop(lock);
        proxy.release();
        extracting.join().unwrap()
    });
    let ran = reading.arrives(ran, 1..=1, &undisturbed);
    assert!(ran.stderr.contains("somebody else holds a lock"), "{}", ran.stderr);

    // The server is started again, which takes a while.
    reading.forget();
    reading.on(&terms);
    let ran = extract_while(&reading, &proxy, &begins, || server.restart());
    reading.arrives(ran, 1..=8, &undisturbed);
}

/// What does not pass is told, and the next run arrives.
pub(super) fn what_does_not_pass_is_told(server: &mut dyn Live) {
    let proxy = Proxy::start(server.port()).unwrap();
    let terms = server.terms(proxy.port());
    let terms = |retries: u32| {
        format!("{terms}\nretry_wait_seconds = 0\nlock_timeout_seconds = 1\nretries = {retries}\nreaders = 1")
    };
    let reading = Reading::new(&terms(1));
    reading.extract().expect(&[0]);
    let undisturbed = reading.staged();
    let (begins, asks) = (server.begins(TABLE), server.asks(TABLE));

    // The line does not hold. Tables that came whole stay.
    reading.forget();
    proxy.cut_at(&asks, 40);
    proxy.cut_at(&asks, 40);
    reading.fails(reading.extract(), 1, "retryable", &["warna/HANDELSE", "table HANDELSE", "server runs"]);
    let ran = reading.arrives(reading.extract(), 0..=0, &undisturbed).json();
    assert_eq!((ran["done"].as_u64(), ran["reused"].as_u64()), (Some(TABLES - 2), Some(2)));

    // Nothing is tried again where the project says so.
    reading.forget();
    reading.on(&terms(0));
    let lock = std::cell::RefCell::new(None);
    let failed = extract_while(&reading, &proxy, &begins, || *lock.borrow_mut() = Some(server.lock()));
    assert!(!failed.stderr.contains("trying again"), "{}", failed.stderr);
    drop(lock);
    reading.fails(
        failed,
        1,
        "retryable",
        &["table HANDELSE", "somebody else holds a lock", "lock_timeout_seconds"],
    );
    reading.arrives(reading.extract(), 0..=0, &undisturbed);

    reading.on(&terms(1));
    for (statements, code, class, says) in [
        (server.rights(), 1, "config", ["warna/HANDELSE", "the user may not read this"]),
        (server.types(), 5, "data", ["warna", "HANDELSE"]),
        (renamed(server), 5, "data", ["table HANDELSE", "not there any more"]),
    ] {
        reading.forget();
        let [away, back] = statements;
        let failed = extract_while(&reading, &proxy, &begins, || server.execute(&away));
        server.execute(&back);
        reading.fails(failed, code, class, &says);
        reading.arrives(reading.extract(), 0..=0, &undisturbed);
    }
}

/// The statements that take the table away and bring it back.
fn renamed(server: &dyn Live) -> [String; 2] {
    let [quoted, other] = [TABLE, "BORTA"].map(|name| {
        let quote = if server.asks(name).contains('`') { '`' } else { '"' };
        format!("{quote}{name}{quote}")
    });
    [format!("ALTER TABLE {quoted} RENAME TO {other}"), format!("ALTER TABLE {other} RENAME TO {quoted}")]
}
