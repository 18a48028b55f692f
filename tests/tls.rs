//! A server is spoken to when it proves who it is, refused with the reason otherwise, and never told a password before.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use bron_servers::{Authority, Certified};
use bron_tds::Server;
use serde_json::Value;

use crate::support::{Project, fresh_city, read_from, run, run_project};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];
const ANOTHER_NAME: &str = "the server's certificate is for another name than the one in the address";
const NOBODY_TRUSTED: &str = "the server's certificate is signed by nobody whom this machine or `ca` trusts";
const EXPIRED: &str = "the server's certificate has expired";
const PLAIN: &str = "the server does not encrypt, and plain text is not allowed";

/// The certificates that a server may show, each with what must come of it.
fn certificates(authority: &Authority) -> Vec<(Certified, Option<&'static str>)> {
    let stranger = Authority::new("Någon annan").unwrap();
    vec![
        (authority.certify(&NAMES).unwrap(), None),
        (stranger.certify(&NAMES).unwrap(), Some(NOBODY_TRUSTED)),
        (authority.certify(&["db.example.org"]).unwrap(), Some(ANOTHER_NAME)),
        (authority.certify_until_2001(&NAMES).unwrap(), Some(EXPIRED)),
    ]
}

/// A project that reads Paraply from this address and trusts the authority.
fn trusting(authority: &Authority, address: &str) -> Project {
    let project = fresh_city();
    let ca = project.dir.join("ca.pem");
    fs::write(&ca, authority.certificate()).unwrap();
    fs::write(project.dir.join("password"), "lösen\n").unwrap();
    let address = format!("address = \"{address}?ca={}\"", ca.display());
    read_from(&project.dir, "paraply", &format!("{address}\npassword = \"file:password\""));
    project
}

/// What the doctor says of Paraply about a subject: the verdict and what was found.
fn told(project: &Path, subject: &str) -> (String, String) {
    let ran = run(["doctor", "--project", project.to_str().unwrap(), "--output", "json"]);
    assert!(!ran.stdout.contains("lösen") && !ran.stderr.contains("lösen"));
    let document: Value = ran.json();
    let checks = document["checks"].as_array().unwrap();
    let of_paraply = checks.iter().filter(|check| check["area"].as_str().unwrap().starts_with("paraply"));
    let found = of_paraply.into_iter().find(|check| check["check"] == subject);
    let found = found.unwrap_or_else(|| panic!("no check {subject} in {document:#}"));
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("verdict"), text("found"))
}

/// Panics when a server of this address, which shows a certificate, is not treated as it must be.
fn expect_trust(authority: &Authority, address: &str, refusal: Option<&str>) {
    let project = trusting(authority, address);
    match refusal {
        None => {
            let (verdict, found) = told(&project.dir, "encryption");
            assert!(verdict == "fine" && found.starts_with("TLS (") && found.contains("ca.pem"), "{found}");
        }
        Some(reason) => {
            let (verdict, found) = told(&project.dir, "let in");
            assert_eq!(verdict, "fails");
            assert!(found.ends_with(&format!("connecting: {reason}")), "{found}");
            let ran = run_project("extract", &project.dir).expect(&[1]);
            assert!(ran.stderr.contains(reason), "{}", ran.stderr);
            assert_eq!(ran.json()["error"]["class"], "config");
        }
    }
}

/// What stands between a client and a server and keeps what the client says.
struct Listener {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Listener {
    fn before(server: u16) -> Self {
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listening.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listening.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
                let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut answers, &mut back));
                pass_on(client, server, &kept);
            }
        });
        Self { port, heard }
    }

    /// What the client said, and forgets it.
    fn heard(&self) -> Vec<u8> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn pass_on(mut client: TcpStream, mut server: TcpStream, heard: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4096];
    while let Ok(count) = client.read(&mut bytes) {
        if count == 0 || server.write_all(&bytes[..count]).is_err() {
            break;
        }
        heard.lock().unwrap().extend_from_slice(&bytes[..count]);
    }
}

#[test]
fn sql_server_is_believed_only_with_the_right_certificate() {
    let authority = Authority::new("Stadens prov").unwrap();
    for (certified, refusal) in certificates(&authority) {
        let database = fresh_city();
        let builder = Server::builder().database(&database.dir.join("legacy/paraply.sqlite")).name("paraply");
        let builder = builder.login("bron", "lösen").certified(&certified.certificate, &certified.key);
        let server = builder.start().unwrap();
        let address = format!("mssql://bron@127.0.0.1:{}/paraply", server.addr().port());
        expect_trust(&authority, &address, refusal);
        assert_eq!(server.logins().is_empty(), refusal.is_some(), "{refusal:?}");
        if refusal.is_none() {
            let project = trusting(&authority, &address.replace("127.0.0.1", "localhost"));
            run_project("extract", &project.dir).expect(&[0]);
        }
    }
}

#[test]
fn sql_server_that_does_not_encrypt_hears_no_password() {
    let authority = Authority::new("Stadens prov").unwrap();
    let server = Server::builder().login("bron", "lösen").name("paraply").start().unwrap();
    let address = format!("mssql://bron@127.0.0.1:{}/paraply", server.addr().port());
    expect_trust(&authority, &address, Some(PLAIN));
    assert!(server.logins().is_empty());
}

#[test]
fn authorities_that_are_not_there_are_named() {
    let project = fresh_city();
    read_from(&project.dir, "paraply", "address = \"postgres://bron@127.0.0.1:1/x?ca=/finns/inte.pem\"");
    let ran = run_project("extract", &project.dir).expect(&[1]);
    assert!(ran.stderr.contains("/finns/inte.pem, which the address names after `ca`"), "{}", ran.stderr);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn postgresql_is_believed_only_with_the_right_certificate() {
    let authority = Authority::new("Stadens prov").unwrap();
    for (certified, refusal) in certificates(&authority) {
        let server = bron_servers::PostgresServer::start_certified(&certified).unwrap();
        expect_trust(&authority, &server.url(), refusal);
    }
}

#[cfg(feature = "postgres-tests")]
#[test]
fn postgresql_that_does_not_encrypt_hears_no_password() {
    let authority = Authority::new("Stadens prov").unwrap();
    let server = bron_servers::PostgresServer::start().unwrap();
    let listener = Listener::before(server.port());
    let address = format!("postgres://bron@127.0.0.1:{}/postgres", listener.port);
    expect_trust(&authority, &address, Some(PLAIN));
    // The doctor asked once and the extraction once for TLS, in eight bytes each, and said nothing more.
    let asking = [0, 0, 0, 8, 4, 210, 22, 47];
    assert_eq!(listener.heard(), [asking, asking].concat());
}

#[cfg(feature = "mariadb-tests")]
#[test]
fn mariadb_is_believed_only_with_the_right_certificate() {
    let authority = Authority::new("Stadens prov").unwrap();
    for (certified, refusal) in certificates(&authority) {
        let server = bron_servers::MariaDbServer::start_certified(&certified).unwrap();
        server.execute("SET PASSWORD FOR bron@'127.0.0.1' = PASSWORD('lösen')").unwrap();
        expect_trust(&authority, &format!("mysql://bron@127.0.0.1:{}/bron", server.port()), refusal);
    }
}

#[cfg(feature = "mariadb-tests")]
#[test]
fn mariadb_that_does_not_encrypt_hears_nothing() {
    let authority = Authority::new("Stadens prov").unwrap();
    let server = bron_servers::MariaDbServer::start().unwrap();
    let listener = Listener::before(server.port());
    let address = format!("mysql://bron@127.0.0.1:{}/bron", listener.port);
    expect_trust(&authority, &address, Some(PLAIN));
    assert_eq!(listener.heard(), Vec::<u8>::new());
}
