//! Statements, carried out: one connection's view of one database.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params_from_iter};

use crate::catalog::{self, Catalog, ColumnDef, quoted};
use crate::error::SqlError;
use crate::functions::{self, stored};
use crate::kind::Kind;
use crate::lexer::Token;
use crate::parser::{Env, Parser};
use crate::request::Parameter;
use crate::select::Query;
use crate::shared::Shared;
use crate::statement::{Isolation, Statement};
use crate::token::Column;
use crate::tracking;
use crate::value::Value;

/// How long a statement waits for a lock when the connection has set nothing else.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a statement did not come to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Error(SqlError),
    /// The connection is gone.
    Broken(io::Error),
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Error(error)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Error(SqlError::from_sqlite(&error))
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Where the rows of an answer go.
pub(crate) trait Sink {
    fn columns(&mut self, columns: Vec<Column>) -> Result<(), Stop>;
    fn row(&mut self, values: &[Value]) -> Result<(), Stop>;
}

/// The transaction of SQLite behind one of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    None,
    Reading,
    Writing,
}

/// One connection's view of one database.
pub(crate) struct Engine {
    database: Connection,
    name: String,
    connection: u64,
    login: String,
    isolation: Isolation,
    /// How often a transaction was begun and not ended.
    open: u32,
    behind: Behind,
    rows_before: u64,
    lock_timeout: i64,
    /// Whether any error ends the transaction.
    aborts: bool,
    /// The table variables of the batch.
    variables: BTreeMap<String, Vec<ColumnDef>>,
    /// The table whose counted column may be given values.
    identity_insert: Option<String>,
}

/// Opens the file behind a database.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.busy_timeout(PATIENCE)?;
    database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
    functions::install(&database)?;
    Ok(database)
}

impl Engine {
    pub(crate) fn new(
        shared: &Shared,
        connection: u64,
        login: &str,
        database: &str,
    ) -> Result<Self, SqlError> {
        let (name, path) = shared.database(database).ok_or_else(|| SqlError::numbered(4060))?;
        let database = open(&path).map_err(|error| SqlError::from_sqlite(&error))?;
        Ok(Self {
            database,
            name,
            connection,
            login: login.to_owned(),
            isolation: Isolation::Statement,
            open: 0,
            behind: Behind::None,
            rows_before: 0,
            lock_timeout: -1,
            aborts: shared.aborts_transactions(),
            variables: BTreeMap::new(),
            identity_insert: None,
        })
    }

    pub(crate) fn database_name(&self) -> &str {
        &self.name
    }

    /// Whether any error ends the transaction.
    pub(crate) fn aborts(&self) -> bool {
        self.aborts
    }

    pub(crate) fn open_transactions(&self) -> u32 {
        self.open
    }

    /// Reads the statement that begins at `at`; gives it with the place where the next one begins.
    pub(crate) fn parse(
        &self,
        shared: &Shared,
        tokens: &[Token],
        at: usize,
        parameters: &[Parameter],
    ) -> Result<Option<(Statement, usize)>, SqlError> {
        let mut catalog = Catalog::load(&self.database)?;
        // A snapshot holds rows, not the shape of the database.
        catalog.tables.retain(|table| !shared.is_dropped(&table.name));
        let parameters: Vec<(String, Kind)> =
            parameters.iter().map(|parameter| (parameter.name.clone(), parameter.kind.clone())).collect();
        let env = Env {
            catalog: &catalog,
            databases: &shared.databases(),
            database: &self.name,
            parameters: &parameters,
            denied: &shared.denied(),
            login: &self.login,
            connection: self.connection,
            open_transactions: self.open,
            rows_before: self.rows_before,
            lock_timeout: self.lock_timeout,
            variables: &self.variables,
            identity_insert: self.identity_insert.as_deref(),
        };
        let mut parser = Parser::new(tokens, &env);
        parser.go_back(at);
        let statement = parser.statement()?;
        Ok(statement.map(|statement| {
            while parser.take_sign(";") {}
            (statement, parser.place())
        }))
    }

    /// Carries a statement out and gives the number of rows.
    pub(crate) fn execute(
        &mut self,
        shared: &Shared,
        statement: Statement,
        parameters: &[Parameter],
        sink: &mut dyn Sink,
    ) -> Result<u64, Stop> {
        let rows = match statement {
            Statement::Query(query) => self.query(&query, parameters, sink)?,
            Statement::Write { sql, context, into } => {
                self.write(shared, &sql, [context.as_deref(), into.as_deref()], parameters)?
            }
            Statement::Declare { name, columns } => self.declare(name, columns)?,
            Statement::Isolation(isolation) => {
                self.isolation = isolation;
                0
            }
            Statement::LockTimeout(milliseconds) => self.set_lock_timeout(milliseconds)?,
            Statement::XactAbort(aborts) => {
                self.aborts = aborts;
                0
            }
            Statement::IdentityInsert { table, on } => {
                self.identity_insert = on.then_some(table);
                0
            }
            Statement::Begin => {
                self.open += 1;
                0
            }
            Statement::Commit => self.commit()?,
            Statement::RollBack(name) => self.roll_back(&name)?,
            Statement::Save(name) => self.save(&name)?,
            Statement::Use(name) => self.switch(shared, &name)?,
            Statement::Nothing => 0,
            definition @ (Statement::Truncate(_)
            | Statement::Create { .. }
            | Statement::Drop(_)
            | Statement::AddColumn { .. }
            | Statement::DropColumn { .. }
            | Statement::Track { .. }) => {
                let rows = self.changing(shared, |database| define(database, &definition))?;
                if let Statement::Drop(name) = &definition {
                    shared.note_dropped(name);
                } else if let Statement::Create { name, .. } = &definition {
                    shared.note_created(name);
                }
                rows
            }
        };
        self.rows_before = rows;
        Ok(rows)
    }

    fn query(&mut self, query: &Query, parameters: &[Parameter], sink: &mut dyn Sink) -> Result<u64, Stop> {
        if query.sql.contains("main.") {
            self.look()?;
        }
        let mut statement = self.database.prepare(&query.sql)?;
        let used = statement.parameter_count();
        let mut rows = statement
            .query(params_from_iter(parameters.iter().take(used).map(|parameter| &parameter.value)))?;
        let columns = query.columns.iter().map(|column| Column {
            name: column.name.clone(),
            kind: column.kind.clone().unwrap_or(Kind::Int),
        });
        sink.columns(columns.collect())?;
        let (mut count, mut values) = (0, Vec::with_capacity(query.width));
        while let Some(row) = rows.next()? {
            values.clear();
            for index in 0..query.width {
                values.push(stored(row.get_ref(index)?));
            }
            sink.row(&values)?;
            count += 1;
        }
        Ok(count)
    }

    /// Fixes the point in time of a snapshot transaction, at the first statement that reads data.
    fn look(&mut self) -> Result<(), Stop> {
        if self.isolation == Isolation::Statement {
            return Ok(());
        }
        let state = "SELECT value FROM main.tds_state WHERE name = 'snapshot'";
        if self.database.query_row(state, [], |row| row.get::<_, i64>(0))? == 0 {
            let message = format!(
                "Snapshot isolation transaction failed accessing database '{}' because snapshot isolation is not \
                 allowed in this database. Use ALTER DATABASE to allow snapshot isolation.",
                self.name
            );
            return Err(SqlError::new(3952, message).into());
        }
        if self.open > 0 && self.behind == Behind::None {
            // BEGIN alone reads nothing: the first read fixes the point.
            self.database.execute_batch("BEGIN; SELECT count(*) FROM main.tds_state;")?;
            self.behind = Behind::Reading;
        }
        Ok(())
    }

    fn write(
        &mut self,
        shared: &Shared,
        sql: &str,
        [context, into]: [Option<&str>; 2],
        parameters: &[Parameter],
    ) -> Result<u64, Stop> {
        self.changing(shared, |database| {
            let values = |used: usize| {
                params_from_iter(parameters.iter().take(used).map(|parameter| &parameter.value))
            };
            if let Some(context) = context {
                let mut statement = database.prepare(&format!("SELECT {context}"))?;
                let used = statement.parameter_count();
                let context: Vec<u8> = statement.query_row(values(used), |row| row.get(0))?;
                tracking::set_context(database, Some(&context))?;
            }
            let mut statement = database.prepare(sql)?;
            let used = statement.parameter_count();
            let rows = match into {
                Some(into) => kept(database, &mut statement, values(used), into),
                None => statement.execute(values(used)),
            };
            if context.is_some() {
                tracking::set_context(database, None)?;
            }
            Ok(u64::try_from(rows?).expect("a count fits 64 bits"))
        })
    }

    /// Forgets what belongs to the batch before.
    pub(crate) fn begin_batch(&mut self) {
        self.variables.clear();
    }

    fn declare(&mut self, name: String, columns: Vec<ColumnDef>) -> Result<u64, Stop> {
        let listed: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        self.database.execute_batch(&format!(
            "DROP TABLE IF EXISTS temp.{0}; CREATE TEMP TABLE {0}({1})",
            quoted(&name),
            listed.join(", ")
        ))?;
        self.variables.insert(name, columns);
        Ok(0)
    }

    /// Changes the database, in the open transaction or in one of its own.
    fn changing(
        &mut self,
        shared: &Shared,
        change: impl FnOnce(&Connection) -> rusqlite::Result<u64>,
    ) -> Result<u64, Stop> {
        if shared.is_snapshot(&self.name) {
            return Err(
                SqlError::new(3906, "Failed to update database because the database is read-only.").into()
            );
        }
        if self.isolation == Isolation::Snapshot {
            self.look()?;
        }
        match self.behind {
            Behind::None => self.database.execute_batch("BEGIN IMMEDIATE")?,
            Behind::Reading | Behind::Writing => {}
        }
        self.behind = Behind::Writing;
        let changed = change(&self.database);
        if self.open == 0 {
            match &changed {
                Ok(_) => self.end()?,
                Err(_) => self.undo()?,
            }
        }
        Ok(changed?)
    }

    fn end(&mut self) -> Result<(), Stop> {
        let behind = std::mem::replace(&mut self.behind, Behind::None);
        if behind == Behind::Writing {
            tracking::stamp(&self.database)?;
        }
        if behind != Behind::None {
            self.database.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    /// Undoes everything since the first BEGIN TRANSACTION.
    pub(crate) fn undo(&mut self) -> Result<(), Stop> {
        self.open = 0;
        if std::mem::replace(&mut self.behind, Behind::None) != Behind::None && !self.database.is_autocommit()
        {
            self.database.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<u64, Stop> {
        self.open = self.open.checked_sub(1).ok_or_else(|| SqlError::numbered(3902))?;
        if self.open == 0 {
            self.end()?;
        }
        Ok(0)
    }

    fn roll_back(&mut self, name: &str) -> Result<u64, Stop> {
        if self.open == 0 {
            return Err(SqlError::numbered(3903).into());
        }
        if name.is_empty() {
            self.undo()?;
        } else {
            self.database.execute_batch(&format!("ROLLBACK TO {}", quoted(name)))?;
        }
        Ok(0)
    }

    fn save(&mut self, name: &str) -> Result<u64, Stop> {
        if self.open == 0 {
            return Err(SqlError::new(
                628,
                "Cannot issue SAVE TRANSACTION when there is no active transaction.",
            )
            .into());
        }
        if self.behind == Behind::None {
            self.database.execute_batch("BEGIN")?;
            self.behind = Behind::Reading;
        }
        self.database.execute_batch(&format!("SAVEPOINT {}", quoted(name)))?;
        Ok(0)
    }

    fn set_lock_timeout(&mut self, milliseconds: i64) -> Result<u64, Stop> {
        self.lock_timeout = milliseconds;
        let patience = u64::try_from(milliseconds).map_or(PATIENCE, Duration::from_millis);
        self.database.busy_timeout(patience)?;
        Ok(0)
    }

    fn switch(&mut self, shared: &Shared, name: &str) -> Result<u64, Stop> {
        let missing = || SqlError::new(911, format!("Database '{name}' does not exist."));
        let (name, path) = shared.database(name).ok_or_else(missing)?;
        if self.open > 0 {
            return Err(SqlError::new(226, "USE statement not allowed within a transaction here.").into());
        }
        self.database = open(&path)?;
        self.name = name;
        Ok(0)
    }
}

/// Carries out a statement that returns rows, and puts them into a table variable.
fn kept(
    database: &Connection,
    statement: &mut rusqlite::Statement<'_>,
    parameters: impl rusqlite::Params,
    into: &str,
) -> rusqlite::Result<usize> {
    let width = statement.column_count();
    let mut found = statement.query(parameters)?;
    let places: Vec<String> = (1..=width).map(|place| format!("?{place}")).collect();
    let insert = format!("INSERT INTO temp.{} VALUES ({})", quoted(into), places.join(", "));
    let mut rows = 0;
    while let Some(row) = found.next()? {
        let values = (0..width).map(|at| row.get_ref(at).map(stored)).collect::<Result<Vec<_>, _>>()?;
        database.execute(&insert, params_from_iter(values))?;
        rows += 1;
    }
    Ok(rows)
}

fn define(database: &Connection, statement: &Statement) -> rusqlite::Result<u64> {
    let known = Catalog::load(database)
        .map_err(|error| rusqlite::Error::UserFunctionError(error.to_text().into()))?;
    let table = |name: &str| known.table(name).ok_or(rusqlite::Error::QueryReturnedNoRows);
    if let Statement::Truncate(name) = statement {
        tracking::truncate(database, table(name)?)?;
    } else if let Statement::Create { name, columns, key } = statement {
        catalog::create(database, name, columns, key)?;
    } else if let Statement::Drop(name) = statement {
        catalog::drop_table(database, table(name)?)?;
    } else if let Statement::AddColumn { table: name, column } = statement {
        catalog::add_column(database, table(name)?, column)?;
    } else if let Statement::DropColumn { table: name, column } = statement {
        catalog::drop_column(database, table(name)?, column)?;
    } else if let Statement::Track { table: name, on } = statement {
        match (*on, table(name)?) {
            (true, table) if !table.tracked => tracking::enable(database, table)?,
            (false, table) if table.tracked => tracking::disable(database, table)?,
            (_, _) => {}
        }
    }
    Ok(0)
}
