//! Servers that the same tests are run against.

use std::env;

use super::*;

/// Names the server beside the small one: a connection string such as
/// `Server=tcp:localhost,1433;Database=Prov;User Id=sa;Password=…`. The user needs the right to make tables.
const OTHER_SERVER: &str = "BRON_TEST_MSSQL";

/// A server with tables that a test makes.
pub(crate) struct Bench {
    access: Access,
    /// The small server; without one, statements go over a connection of their own.
    server: Option<Server>,
    made: Vec<String>,
}

/// Runs a test against every server there is.
pub(crate) fn each(test: impl Fn(&mut Bench)) {
    let server = server("");
    test(&mut Bench { access: access(&server), server: Some(server), made: Vec::new() });
    if let Ok(named) = env::var(OTHER_SERVER) {
        test(&mut Bench::named(&named));
    }
}

/// Runs a test against every server there is that tracks changes: the one that the environment names takes part when
/// its database has change tracking and SNAPSHOT isolation switched on.
pub(crate) fn each_tracking(test: impl Fn(&mut Bench)) {
    each(|bench| {
        if bench.server.is_some() || bench.tracks() {
            test(bench);
        }
    });
}

fn parse(connection: &str) -> Access {
    let given = |names: &[&str]| {
        let mut pairs = connection.split(';').filter_map(|part| part.split_once('='));
        let found = pairs.find(|(name, _)| names.iter().any(|known| name.trim().eq_ignore_ascii_case(known)));
        found.map(|(_, value)| value.trim())
    };
    let value = |names: &[&str]| given(names).unwrap_or_else(|| panic!("{OTHER_SERVER} lacks {names:?}"));
    let host = value(&["server", "data source"]).trim_start_matches("tcp:").replace(',', ":");
    let (user, database) = (value(&["user id", "uid", "user"]), value(&["database", "initial catalog"]));
    let locator = Locator::parse(&format!("mssql://{user}@{host}/{database}")).unwrap();
    let password = value(&["password", "pwd"]).to_owned();
    let encrypted = given(&["encrypt"]).is_some_and(|told| ["yes", "true", "mandatory"].contains(&told));
    Access { password: Some(password.into()), plain_text: !encrypted, ..Access::new(locator) }
}

impl Bench {
    /// The bench of a server that a connection string names.
    pub(crate) fn named(connection: &str) -> Self {
        Self { access: parse(connection), server: None, made: Vec::new() }
    }

    pub(crate) fn access(&self) -> Access {
        self.access.clone()
    }

    pub(crate) fn open(&self) -> MssqlSource {
        open(&self.access).unwrap()
    }

    /// Makes a table with these columns, and gives its name.
    pub(crate) fn create(&mut self, columns: &str) -> String {
        let name = format!("bron_prov_{}_{}", std::process::id(), self.made.len());
        let thread = std::thread::current();
        let test = thread.name().and_then(|name| name.rsplit("::").next()).unwrap_or_default().to_owned();
        let name = format!("{name}_{test}");
        self.run(&format!("CREATE TABLE {name} {columns}"));
        self.made.push(name.clone());
        name
    }

    /// Makes a table with these columns whose changes are tracked, and gives its name.
    pub(crate) fn create_tracked(&mut self, columns: &str) -> String {
        let name = self.create(columns);
        self.run(&format!("ALTER TABLE {name} ENABLE CHANGE_TRACKING"));
        name
    }

    pub(crate) fn tracks(&self) -> bool {
        let Locator::Mssql(address) = &self.access.locator else { panic!("not a server") };
        let mut connected = Connected::new(&self.access, address, Intent::ReadOnly).unwrap();
        let question = "SELECT 1 FROM sys.databases AS d \
                        JOIN sys.change_tracking_databases AS t ON t.database_id = d.database_id \
                        WHERE d.name = DB_NAME() AND d.snapshot_isolation_state = 1";
        let rows = connected.run(None, "asking", async |session| session.ask(question, &[]).await);
        !rows.unwrap().is_empty()
    }

    /// Carries out statements as somebody else than the source.
    pub(crate) fn run(&self, sql: &str) {
        if let Some(server) = &self.server {
            return server.run(sql).unwrap();
        }
        let Locator::Mssql(address) = &self.access.locator else { panic!("not a server") };
        let mut connected = Connected::new(&self.access, address, Intent::ReadWrite).unwrap();
        connected.tell(sql).unwrap();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if self.server.is_none() {
            self.made.iter().for_each(|name| self.run(&format!("DROP TABLE {name}")));
        }
    }
}
