//! A look into a target: its tables, its rows and its receipts, as whoever has a connection sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::Runtime;

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A database of a PostgreSQL server.
    Postgres,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Its name on the command line and in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Where a target is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// The URL of a database of a PostgreSQL server.
    Server(String),
}

impl Place {
    /// How the program is told where it is.
    #[must_use]
    pub fn argument(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => url.clone(),
        }
    }
}

/// The rows of every table as texts, each with all its columns, sorted. A row that is there twice is there twice.
pub type Rows = BTreeMap<String, Vec<String>>;

/// A part that the target has a receipt for: its entity and its name.
pub type Part = (String, String);

/// What a target says about one run.
#[derive(Clone, Debug, Default)]
pub struct Receipts {
    /// The number of rows that each part wrote.
    pub parts: BTreeMap<Part, u64>,
}

impl Receipts {
    /// The rows that the receipts speak for.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.parts.values().sum()
    }

    /// Takes in what was seen at another moment.
    pub fn join(&mut self, other: Self) {
        self.parts.extend(other.parts);
    }
}

/// A connection to a target.
#[derive(Debug)]
pub struct Look {
    runtime: Runtime,
    line: Line,
}

#[derive(Debug)]
enum Line {
    File(SqliteConnection),
    Server(PgConnection),
}

/// The rows of a query whose columns are texts, whatever the connection is to.
macro_rules! cells {
    ($connection:expr, $sql:expr) => {{
        let rows = sqlx::query(AssertSqlSafe($sql.to_owned())).fetch_all($connection).await;
        let rows = rows.map_err(Error::other)?;
        rows.iter().map(|row| cells_of(row)).collect::<Result<Vec<Vec<Option<String>>>>>()
    }};
}

fn cells_of<R: sqlx::Row>(row: &R) -> Result<Vec<Option<String>>>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    (0..row.len()).map(|at| row.try_get::<Option<String>, _>(at).map_err(Error::other)).collect()
}

impl Look {
    /// Opens a connection. A file is not made when it is not there.
    ///
    /// # Errors
    /// What the database says.
    pub fn at(place: &Place) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let line = match place {
            Place::File(path) => {
                let options = SqliteConnectOptions::new().filename(path);
                Line::File(runtime.block_on(SqliteConnection::connect_with(&options)).map_err(Error::other)?)
            }
            Place::Server(url) => {
                Line::Server(runtime.block_on(PgConnection::connect(url)).map_err(Error::other)?)
            }
        };
        Ok(Self { runtime, line })
    }

    /// What the connection is to.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.line {
            Line::File(_) => Kind::Sqlite,
            Line::Server(_) => Kind::Postgres,
        }
    }

    /// The rows of a query whose columns are texts.
    ///
    /// # Errors
    /// What the database says, or that a column is no text.
    pub fn cells(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let line = &mut self.line;
        self.runtime.block_on(async {
            match line {
                Line::File(connection) => cells!(connection, sql),
                Line::Server(connection) => cells!(connection, sql),
            }
        })
    }

    /// As [`Look::cells`], with the word `NULL` for what is not there.
    ///
    /// # Errors
    /// As [`Look::cells`].
    pub fn texts(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        let text = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".to_owned());
        let rows = self.cells(sql)?.into_iter();
        Ok(rows.map(|row| row.into_iter().map(text).collect()).collect())
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// What the database says.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        let line = &mut self.line;
        self.runtime.block_on(async {
            let sql = AssertSqlSafe(sql.to_owned());
            let done = match line {
                Line::File(connection) => sqlx::raw_sql(sql).execute(connection).await.map(|_| ()),
                Line::Server(connection) => sqlx::raw_sql(sql).execute(connection).await.map(|_| ()),
            };
            done.map_err(Error::other)
        })
    }

    /// The columns of every table.
    fn tables(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let sql = match self.line {
            Line::File(_) => {
                "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
            }
            Line::Server(_) => {
                "SELECT table_name::text, column_name::text FROM information_schema.columns \
                 WHERE table_schema = current_schema()"
            }
        };
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in self.texts(sql)? {
            let [table, column] = row.as_slice() else {
                return Err(Error::other("a catalogue of two columns"));
            };
            tables.entry(table.clone()).or_default().insert(column.clone());
        }
        Ok(tables)
    }

    /// The columns of a table in the order of their names; none when there is no such table.
    ///
    /// # Errors
    /// What the database says.
    pub fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let columns = self.tables()?.remove(table).unwrap_or_default();
        Ok(columns.into_iter().collect())
    }

    /// Every row of every table, but for the time at which a run began: the clock decides that alone.
    ///
    /// # Errors
    /// What the database says.
    pub fn rows(&mut self) -> Result<Rows> {
        let tables = self.tables()?;
        let is_file = self.kind() == Kind::Sqlite;
        let select = |(table, columns): (&String, &BTreeSet<String>)| {
            let lasting =
                columns.iter().filter(|name| (table.as_str(), name.as_str()) != ("bron_run", "began"));
            let cell = |name: &String| {
                if is_file { format!("quote(t.\"{name}\")") } else { format!("t.\"{name}\"") }
            };
            let cells: Vec<String> = lasting.map(cell).collect();
            let row =
                if is_file { cells.join(" || ',' || ") } else { format!("ROW({})::text", cells.join(", ")) };
            format!("SELECT '{table}', {row} FROM \"{table}\" t")
        };
        let mut rows: Rows = tables.keys().map(|table| (table.clone(), Vec::new())).collect();
        for one in tables.iter().map(select) {
            for row in self.texts(&one)? {
                let [table, text] = row.as_slice() else { return Err(Error::other("a row of two columns")) };
                rows.entry(table.clone()).or_default().push(text.clone());
            }
        }
        rows.values_mut().for_each(|rows| rows.sort());
        Ok(rows)
    }

    /// The tables that hold rows of entities: those that say which run wrote a row.
    ///
    /// # Errors
    /// What the database says.
    pub fn entities(&mut self) -> Result<Vec<String>> {
        let tables = self.tables()?.into_iter();
        let entities = tables.filter(|(name, columns)| {
            !name.starts_with("bron_") && columns.contains("id") && columns.contains("load_run_id")
        });
        Ok(entities.map(|(name, _)| name).collect())
    }

    /// The receipts of a run that count. None when there is no such table yet.
    ///
    /// # Errors
    /// What the database says.
    pub fn receipts(&mut self, run: &str) -> Result<Receipts> {
        if !self.tables()?.contains_key("bron_receipt") {
            return Ok(Receipts::default());
        }
        let sql = format!(
            "SELECT entity, part, CAST(inserted + updated AS TEXT) FROM bron_receipt \
             WHERE load_run_id = '{run}' AND superseded = 0"
        );
        let mut parts = BTreeMap::new();
        for row in self.texts(&sql)? {
            let [entity, part, rows] = row.as_slice() else { return Err(Error::other("three columns")) };
            parts.insert((entity.clone(), part.clone()), rows.parse().map_err(Error::other)?);
        }
        Ok(Receipts { parts })
    }

    /// How many rows of each entity a run wrote that are there now.
    ///
    /// # Errors
    /// What the database says.
    pub fn written(&mut self, run: &str) -> Result<BTreeMap<String, u64>> {
        let mut written = BTreeMap::new();
        for table in self.entities()? {
            let sql = format!("SELECT CAST(count(*) AS TEXT) FROM \"{table}\" WHERE load_run_id = '{run}'");
            let count = self.texts(&sql)?.concat().concat();
            written.insert(table, count.parse().map_err(Error::other)?);
        }
        Ok(written)
    }

    /// Closes the connection, so that a file is folded together.
    ///
    /// # Errors
    /// What the database says.
    pub fn close(self) -> Result<()> {
        let Self { runtime, line } = self;
        let closed = runtime.block_on(async {
            match line {
                Line::File(connection) => connection.close().await,
                Line::Server(connection) => connection.close().await,
            }
        });
        closed.map_err(Error::other)
    }
}
