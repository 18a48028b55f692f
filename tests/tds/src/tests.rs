//! The server, as a client meets it.

mod faults;
mod language;
mod procedures;
mod tracking;
mod types;

use std::time::Duration;

use tiberius::{AuthMethod, Client, ColumnData, Config, EncryptionLevel, ToSql};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use crate::Server;

/// A client that waits for its answers.
struct Desk {
    runtime: Runtime,
    client: Client<Compat<TcpStream>>,
}

type Answer = Result<Vec<Vec<ColumnData<'static>>>, tiberius::error::Error>;

fn config(server: &Server) -> Config {
    let mut config = Config::new();
    config.host("localhost");
    config.port(server.addr().port());
    config.encryption(EncryptionLevel::NotSupported);
    config.authentication(AuthMethod::sql_server("bron", "bron"));
    config.command_timeout(Some(Duration::from_secs(20)));
    config
}

impl Desk {
    fn with(server: &Server, config: Config) -> Result<Self, tiberius::error::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let address = server.addr();
        let client = runtime.block_on(async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Client::connect(config, stream.compat_write()).await
        })?;
        Ok(Self { runtime, client })
    }

    fn new(server: &Server) -> Self {
        Self::with(server, config(server)).unwrap()
    }

    /// The rows of a batch's first answer.
    fn batch(&mut self, sql: &str) -> Answer {
        let Self { runtime, client } = self;
        runtime.block_on(async {
            let rows = client.simple_query(sql).await?.into_first_result().await?;
            Ok(rows.into_iter().map(|row| row.into_iter().collect()).collect())
        })
    }

    /// The rows of a statement with parameters.
    fn query(&mut self, sql: &str, parameters: &[&dyn ToSql]) -> Answer {
        let Self { runtime, client } = self;
        runtime.block_on(async {
            let rows = client.query(sql, parameters).await?.into_first_result().await?;
            Ok(rows.into_iter().map(|row| row.into_iter().collect()).collect())
        })
    }

    /// The one value of a batch's answer.
    fn value(&mut self, sql: &str) -> ColumnData<'static> {
        let mut rows = self.batch(sql).unwrap();
        assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}");
        rows.remove(0).remove(0)
    }

    /// The number of the error that a batch ends with.
    fn error(&mut self, sql: &str) -> Option<u32> {
        self.batch(sql).err().and_then(|error| error.code())
    }
}

fn text(text: &str) -> ColumnData<'static> {
    ColumnData::String(Some(text.to_owned().into()))
}

fn whole(number: i32) -> ColumnData<'static> {
    ColumnData::I32(Some(number))
}

fn long(number: i64) -> ColumnData<'static> {
    ColumnData::I64(Some(number))
}

/// A server with one small table.
fn people() -> Server {
    Server::builder()
        .script("CREATE TABLE KLIENT(ID int PRIMARY KEY, Namn nvarchar(50), Enhet int)")
        .script("INSERT INTO KLIENT VALUES (1, N'Åsa', 10), (2, N'Örjan', 20), (3, NULL, 10)")
        .start()
        .unwrap()
}

#[test]
fn a_login_is_let_in_and_noted() {
    let server = people();
    let mut asked = config(&server);
    asked.readonly(true);
    asked.database("paraply");
    asked.application_name("prov");
    let mut desk = Desk::with(&server, asked).unwrap();
    assert_eq!(desk.value("SELECT DB_NAME()"), text("Paraply"));
    let login = server.logins().remove(0);
    assert_eq!((login.user.as_str(), login.program.as_str(), login.read_only), ("bron", "prov", true));
    assert_eq!((server.connections(), server.open_connections()), (1, 1));
}

#[test]
fn a_wrong_login_is_refused_with_its_number() {
    let server = people();
    let mut wrong = config(&server);
    wrong.authentication(AuthMethod::sql_server("bron", "fel"));
    assert_eq!(Desk::with(&server, wrong).err().unwrap().code(), Some(18456));
    let mut elsewhere = config(&server);
    elsewhere.database("Annan");
    assert_eq!(Desk::with(&server, elsewhere).err().unwrap().code(), Some(4060));
    assert_eq!(server.logins().len(), 2);
}

#[test]
fn a_client_that_requires_encryption_does_not_log_in() {
    let server = people();
    let mut encrypted = config(&server);
    encrypted.encryption(EncryptionLevel::Required);
    assert!(Desk::with(&server, encrypted).is_err());
    assert_eq!(server.logins(), []);
}

#[test]
fn long_answers_take_many_packets() {
    let server = people();
    let long_text = "ö".repeat(100_000);
    server.run("CREATE TABLE L(ID int PRIMARY KEY, V nvarchar(max))").unwrap();
    server.run(&format!("INSERT INTO L VALUES (1, N'{long_text}'), (2, N'kort')")).unwrap();
    let mut desk = Desk::new(&server);
    let rows = desk.batch("SELECT a.V, b.ID FROM L AS a CROSS JOIN KLIENT AS b ORDER BY a.ID, b.ID").unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[2], [text(&long_text), whole(3)]);
    assert_eq!(rows[3], [text("kort"), whole(1)]);
}

#[test]
fn a_stopped_server_cuts_its_connections() {
    let server = people();
    let mut desk = Desk::new(&server);
    server.stop();
    assert!(desk.batch("SELECT 1").is_err());
}

#[test]
fn a_file_of_sqlite_is_served_as_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("egen.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("CREATE TABLE A(id INTEGER PRIMARY KEY, t TEXT); INSERT INTO A VALUES (7, 'å')")
        .unwrap();
    drop(database);
    let server = Server::builder().database(&path).name("Vodok").login("läsare", "lösen å").start().unwrap();
    let mut asked = config(&server);
    asked.authentication(AuthMethod::sql_server("läsare", "lösen å"));
    let mut desk = Desk::with(&server, asked).unwrap();
    assert_eq!(desk.batch("SELECT * FROM dbo.A").unwrap(), [[long(7), text("å")]]);
}
