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
pub(crate) enum Place {
    File(PathBuf),
    Server(String),
}

impl Place {
    /// How the program is told where it is.
    pub(crate) fn argument(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => url.clone(),
        }
    }
}

/// The rows of every table as texts, each with all its columns, sorted. A row that is there twice is there twice.
pub(crate) type Rows = BTreeMap<String, Vec<String>>;

/// A part that the target has a receipt for: its entity and its name.
pub(crate) type Part = (String, String);

/// What a target says about one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipts {
    /// The number of rows that each part wrote.
    pub(crate) parts: BTreeMap<Part, u64>,
}

impl Receipts {
    /// The rows that the receipts speak for.
    pub(crate) fn rows(&self) -> u64 {
        self.parts.values().sum()
    }

    /// Takes in what was seen at another moment.
    pub(crate) fn join(&mut self, other: Self) {
        self.parts.extend(other.parts);
    }
}

/// A connection to a target.
pub(crate) struct Look {
    runtime: Runtime,
    line: Line,
}

enum Line {
    File(SqliteConnection),
    Server(PgConnection),
}

/// The rows of a query whose columns are texts, whatever the connection is to.
macro_rules! texts {
    ($connection:expr, $sql:expr) => {{
        let rows = sqlx::query(AssertSqlSafe($sql.to_owned())).fetch_all($connection).await;
        let rows = rows.map_err(Error::other)?;
        let row = |row: &_| texts_of(row);
        rows.iter().map(row).collect::<Result<Vec<Vec<String>>>>()
    }};
}

fn texts_of<R: sqlx::Row>(row: &R) -> Result<Vec<String>>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let text = |at: usize| row.try_get::<Option<String>, _>(at).map_err(Error::other);
    (0..row.len()).map(|at| Ok(text(at)?.unwrap_or_else(|| "NULL".to_owned()))).collect()
}

impl Look {
    /// Opens a connection. A file is not made when it is not there.
    pub(crate) fn at(place: &Place) -> Result<Self> {
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

    /// The rows of a query whose columns are texts.
    pub(crate) fn texts(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        let line = &mut self.line;
        self.runtime.block_on(async {
            match line {
                Line::File(connection) => texts!(connection, sql),
                Line::Server(connection) => texts!(connection, sql),
            }
        })
    }

    /// Runs a statement.
    pub(crate) fn execute(&mut self, sql: &str) -> Result<()> {
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

    /// Every row of every table, but for the time at which a run began: the clock decides that alone.
    pub(crate) fn rows(&mut self) -> Result<Rows> {
        let tables = self.tables()?;
        let is_file = matches!(self.line, Line::File(_));
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
    pub(crate) fn entities(&mut self) -> Result<Vec<String>> {
        let tables = self.tables()?.into_iter();
        let entities = tables.filter(|(name, columns)| {
            !name.starts_with("bron_") && columns.contains("id") && columns.contains("load_run_id")
        });
        Ok(entities.map(|(name, _)| name).collect())
    }

    /// The receipts of a run that count. None when there is no such table yet.
    pub(crate) fn receipts(&mut self, run: &str) -> Result<Receipts> {
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
    pub(crate) fn written(&mut self, run: &str) -> Result<BTreeMap<String, u64>> {
        let mut written = BTreeMap::new();
        for table in self.entities()? {
            let sql = format!("SELECT CAST(count(*) AS TEXT) FROM \"{table}\" WHERE load_run_id = '{run}'");
            let count = self.texts(&sql)?.concat().concat();
            written.insert(table, count.parse().map_err(Error::other)?);
        }
        Ok(written)
    }

    /// Closes the connection, so that a file is folded together.
    pub(crate) fn close(self) -> Result<()> {
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
