//! Statements.

use crate::catalog::{ColumnDef, Table, quoted};
use crate::error::SqlError;
use crate::expression::assigned;
use crate::lexer::Token;
use crate::parser::{Parser, Source};
use crate::select::Query;

/// Words that a statement begins with.
pub(crate) const STARTS: [&str; 18] = [
    "SELECT", "SET", "BEGIN", "COMMIT", "ROLLBACK", "SAVE", "USE", "INSERT", "UPDATE", "DELETE", "TRUNCATE",
    "WITH", "CREATE", "DROP", "ALTER", "OPTION", "OFFSET", "DECLARE",
];

/// Options of a connection that may be set and change nothing here.
const WITHOUT_EFFECT: [&str; 12] = [
    "NOCOUNT",
    "ANSI_NULLS",
    "ANSI_WARNINGS",
    "ANSI_PADDING",
    "ANSI_NULL_DFLT_ON",
    "QUOTED_IDENTIFIER",
    "ARITHABORT",
    "CONCAT_NULL_YIELDS_NULL",
    "CURSOR_CLOSE_ON_COMMIT",
    "IMPLICIT_TRANSACTIONS",
    "NUMERIC_ROUNDABORT",
    "ANSI_DEFAULTS",
];

/// How much a transaction sees of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// READ COMMITTED and everything else that looks anew at each statement.
    Statement,
    /// One point in time, from the first statement that reads data.
    Snapshot,
}

/// A statement in the words of the server that carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    Query(Query),
    /// A statement that writes one table.
    Write {
        sql: String,
        context: Option<String>,
        /// The table variable that takes what `sql` returns.
        into: Option<String>,
    },
    /// A table variable.
    Declare {
        name: String,
        columns: Vec<ColumnDef>,
    },
    Truncate(String),
    Create {
        name: String,
        columns: Vec<ColumnDef>,
        key: Vec<String>,
    },
    Drop(String),
    AddColumn {
        table: String,
        column: ColumnDef,
    },
    DropColumn {
        table: String,
        column: String,
    },
    Track {
        table: String,
        on: bool,
    },
    Isolation(Isolation),
    LockTimeout(i64),
    /// Whether values may be given for the column of this table that the server counts up.
    IdentityInsert {
        table: String,
        on: bool,
    },
    /// Whether any error ends the transaction.
    XactAbort(bool),
    Begin,
    Commit,
    RollBack(String),
    Save(String),
    Use(String),
    /// An option that changes nothing.
    Nothing,
}

impl<'a> Parser<'a> {
    /// The next statement; `None` at the end.
    pub(crate) fn statement(&mut self) -> Result<Option<Statement>, SqlError> {
        while self.take_sign(";") {}
        if self.peek().is_none() {
            return Ok(None);
        }
        let statement = self.one()?;
        let ends = self.peek().is_none() || self.at_sign(";") || STARTS.iter().any(|word| self.at_word(word));
        if ends { Ok(Some(statement)) } else { Err(self.unexpected()) }
    }

    fn one(&mut self) -> Result<Statement, SqlError> {
        if self.at_word("SELECT") {
            return self.query().map(Statement::Query);
        }
        if self.take_word("SET") {
            return self.set();
        }
        if self.take_word("BEGIN") {
            self.transaction_word()?;
            self.optional_name()?;
            return Ok(Statement::Begin);
        }
        if self.take_word("COMMIT") {
            self.optional_transaction_word()?;
            return Ok(Statement::Commit);
        }
        if self.take_word("ROLLBACK") {
            return self.optional_transaction_word().map(Statement::RollBack);
        }
        if self.take_word("SAVE") {
            self.transaction_word()?;
            return self.name().map(Statement::Save);
        }
        if self.take_word("USE") {
            return self.name().map(Statement::Use);
        }
        if self.take_word("DECLARE") {
            return self.declare();
        }
        self.definition().unwrap_or_else(|| self.write())
    }

    fn transaction_word(&mut self) -> Result<(), SqlError> {
        if self.take_word("TRAN") { Ok(()) } else { self.word("TRANSACTION") }
    }

    fn optional_name(&mut self) -> Result<String, SqlError> {
        let named = self.at_name() && !STARTS.iter().any(|word| self.at_word(word));
        if named { self.name() } else { Ok(String::new()) }
    }

    fn optional_transaction_word(&mut self) -> Result<String, SqlError> {
        let said = self.take_word("TRAN") || self.take_word("TRANSACTION");
        if said { self.optional_name() } else { Ok(String::new()) }
    }

    fn set(&mut self) -> Result<Statement, SqlError> {
        if self.take_words("TRANSACTION ISOLATION LEVEL") {
            if self.take_word("SNAPSHOT") {
                return Ok(Statement::Isolation(Isolation::Snapshot));
            }
            let levels = ["READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE"];
            let known = levels.into_iter().any(|level| self.take_words(level));
            return if known {
                Ok(Statement::Isolation(Isolation::Statement))
            } else {
                Err(self.unexpected())
            };
        }
        if self.take_word("LOCK_TIMEOUT") {
            return self.integer().map(Statement::LockTimeout);
        }
        if self.take_word("IDENTITY_INSERT") {
            let table = self.table()?.name.clone();
            let on = self.take_word("ON");
            return if on || self.take_word("OFF") {
                Ok(Statement::IdentityInsert { table, on })
            } else {
                Err(self.unexpected())
            };
        }
        if self.take_word("XACT_ABORT") {
            if self.take_word("ON") {
                return Ok(Statement::XactAbort(true));
            }
            return self.word("OFF").map(|()| Statement::XactAbort(false));
        }
        if self.take_word("TEXTSIZE") || self.take_word("ROWCOUNT") {
            return self.integer().map(|_| Statement::Nothing);
        }
        if self.take_word("DEADLOCK_PRIORITY") {
            let known = ["LOW", "NORMAL", "HIGH"].into_iter().any(|level| self.take_word(level));
            return if known { Ok(Statement::Nothing) } else { Err(self.unexpected()) };
        }
        if self.take_word("LANGUAGE") || self.take_word("DATEFORMAT") {
            return self.name().map(|_| Statement::Nothing);
        }
        self.listed(|parser| {
            let known = WITHOUT_EFFECT.into_iter().any(|option| parser.take_word(option));
            if known { Ok(()) } else { Err(parser.unexpected()) }
        })?;
        let said = self.take_word("ON") || self.take_word("OFF");
        if said { Ok(Statement::Nothing) } else { Err(self.unexpected()) }
    }

    fn definition(&mut self) -> Option<Result<Statement, SqlError>> {
        if self.take_words("TRUNCATE TABLE") {
            return Some(self.table().map(|table| Statement::Truncate(table.name.clone())));
        }
        if self.take_words("DROP TABLE") {
            return Some(self.table().map(|table| Statement::Drop(table.name.clone())));
        }
        if self.take_words("CREATE TABLE") {
            return Some(self.create());
        }
        if self.take_words("ALTER TABLE") {
            return Some(self.alter());
        }
        None
    }

    fn create(&mut self) -> Result<Statement, SqlError> {
        let (schema, name) = self.object()?;
        if !schema.eq_ignore_ascii_case("dbo") {
            return Err(SqlError::new(2760, "The specified schema name does not exist."));
        }
        if self.env.catalog.table(&name).is_some() {
            return Err(SqlError::new(
                2714,
                format!("There is already an object named '{name}' in the database."),
            ));
        }
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        self.parenthesised(|parser| {
            parser.listed(|parser| {
                if parser.take_words("PRIMARY KEY") {
                    key = parser.parenthesised(|parser| parser.listed(Self::name))?;
                    return Ok(());
                }
                let column = parser.column_definition()?;
                if parser.take_words("PRIMARY KEY") {
                    key.push(column.name.clone());
                }
                columns.push(column);
                Ok(())
            })
        })?;
        let counted = columns.iter().find(|column| column.counted);
        if counted.is_some_and(|column| key.len() != 1 || !key[0].eq_ignore_ascii_case(&column.name)) {
            return Err(SqlError::new(50_000, "This server knows an identity column only as the whole key."));
        }
        Ok(Statement::Create { name, columns, key })
    }

    fn declare(&mut self) -> Result<Statement, SqlError> {
        let unexpected = self.unexpected();
        let Token::Variable(name) = self.advance()? else { return Err(unexpected) };
        self.word("TABLE")?;
        let columns = self.parenthesised(|parser| parser.listed(Self::column_definition))?;
        Ok(Statement::Declare { name: name.clone(), columns })
    }

    fn column_definition(&mut self) -> Result<ColumnDef, SqlError> {
        let name = self.name()?;
        let (declared, kind) = self.declared_type()?;
        let counted = self.take_word("IDENTITY");
        if counted && self.at_sign("(") {
            self.parenthesised(|parser| parser.listed(Self::integer))?;
        }
        let nullable = !self.take_words("NOT NULL");
        self.take_word("NULL");
        Ok(ColumnDef { name, declared, kind, nullable, counted })
    }

    fn alter(&mut self) -> Result<Statement, SqlError> {
        let table = self.table()?.name.clone();
        if self.take_words("ENABLE CHANGE_TRACKING") {
            return Ok(Statement::Track { table, on: true });
        }
        if self.take_words("DISABLE CHANGE_TRACKING") {
            return Ok(Statement::Track { table, on: false });
        }
        if self.take_words("DROP COLUMN") {
            return Ok(Statement::DropColumn { table, column: self.name()? });
        }
        self.word("ADD")?;
        Ok(Statement::AddColumn { table, column: self.column_definition()? })
    }

    fn write(&mut self) -> Result<Statement, SqlError> {
        let mut context = None;
        if self.take_words("WITH CHANGE_TRACKING_CONTEXT") {
            context = Some(self.parenthesised(Self::value)?.sql);
        }
        self.scopes.push(Vec::new());
        let mut into = None;
        let sql = if self.take_word("INSERT") {
            self.insert().map(|(sql, target)| {
                into = target;
                sql
            })
        } else if self.take_word("UPDATE") {
            self.update()
        } else if self.take_word("DELETE") {
            self.delete()
        } else {
            Err(self.unexpected())
        };
        self.scopes.pop();
        Ok(Statement::Write { sql: sql?, context, into })
    }

    /// The statement, and the table variable that takes what it returns.
    fn insert(&mut self) -> Result<(String, Option<String>), SqlError> {
        self.take_word("INTO");
        let table = self.writable("INSERT")?;
        let counts = !self.env.identity_insert.is_some_and(|name| name.eq_ignore_ascii_case(&table.name));
        let mut columns: Vec<&ColumnDef> =
            table.columns.iter().filter(|column| !(counts && column.counted)).collect();
        if self.at_sign("(") {
            let names = self.parenthesised(|parser| parser.listed(Self::name))?;
            let column = |name: &String| table.column(name).ok_or_else(|| SqlError::no_column(name));
            columns = names.iter().map(column).collect::<Result<_, _>>()?;
        }
        if counts && columns.iter().any(|column| column.counted) {
            return Err(SqlError::numbered(544));
        }
        let output = self.output(table)?;
        let (returning, into) = output.map_or_else(Default::default, |(sql, into)| (sql, Some(into)));
        Ok((format!("{}{returning}", self.inserted(table, &columns)?), into))
    }

    /// `OUTPUT INSERTED.column, … INTO @table`, and nothing else of what may stand there.
    fn output(&mut self, table: &Table) -> Result<Option<(String, String)>, SqlError> {
        if !self.take_word("OUTPUT") {
            return Ok(None);
        }
        let names = self.listed(|parser| {
            parser.word("INSERTED")?;
            parser.sign(".")?;
            let name = parser.name()?;
            let column = table.column(&name).ok_or_else(|| SqlError::no_column(&name))?;
            Ok(quoted(&column.name))
        })?;
        self.word("INTO")?;
        let unexpected = self.unexpected();
        let Token::Variable(into) = self.advance()? else { return Err(unexpected) };
        if self.env.variables.get(into).is_none_or(|columns| columns.len() != names.len()) {
            return Err(SqlError::new(1087, format!("Must declare the table variable \"{into}\".")));
        }
        Ok(Some((format!(" RETURNING {}", names.join(", ")), into.clone())))
    }

    fn inserted(&mut self, table: &Table, columns: &[&ColumnDef]) -> Result<String, SqlError> {
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let head = format!("INSERT INTO main.{}({}) ", quoted(&table.name), names.join(", "));
        let count = || {
            SqlError::new(213, "Column name or number of supplied values does not match table definition.")
        };
        if self.at_word("SELECT") {
            let query = self.query()?;
            return if query.width == columns.len() {
                Ok(format!("{head}{}", query.sql))
            } else {
                Err(count())
            };
        }
        self.word("VALUES")?;
        let rows = self.listed(|parser| {
            let values = parser.parenthesised(|parser| parser.listed(Self::value))?;
            if values.len() != columns.len() {
                return Err(count());
            }
            let values = values.iter().zip(columns).map(|(value, column)| assigned(&value.sql, &column.kind));
            Ok(format!("({})", values.collect::<Vec<_>>().join(", ")))
        })?;
        Ok(format!("{head}VALUES {}", rows.join(", ")))
    }

    fn update(&mut self) -> Result<String, SqlError> {
        let table = self.writable("UPDATE")?;
        self.word("SET")?;
        let changes = self.listed(|parser| {
            let name = parser.name()?;
            let column = table.column(&name).ok_or_else(|| SqlError::no_column(&name))?;
            parser.sign("=")?;
            if column.counted {
                return Err(SqlError::new(8102, format!("Cannot update identity column '{name}'.")));
            }
            Ok(format!("{} = {}", quoted(&column.name), assigned(&parser.value()?.sql, &column.kind)))
        })?;
        let alias = self.second_from(table)?;
        let filter = self.optional_filter()?;
        Ok(format!("UPDATE main.{}{alias} SET {}{filter}", quoted(&table.name), changes.join(", ")))
    }

    fn delete(&mut self) -> Result<String, SqlError> {
        self.take_word("FROM");
        let table = self.writable("DELETE")?;
        let alias = self.second_from(table)?;
        let filter = self.optional_filter()?;
        Ok(format!("DELETE FROM main.{}{alias}{filter}", quoted(&table.name)))
    }

    /// `FROM table AS alias` in a statement that writes the table: another name for it in what follows.
    fn second_from(&mut self, table: &Table) -> Result<String, SqlError> {
        if !self.take_word("FROM") {
            return Ok(String::new());
        }
        let unexpected = self.unexpected();
        if self.table()?.id != table.id {
            return Err(unexpected);
        }
        self.word("AS")?;
        let alias = self.name()?;
        let scope = self.scopes.last_mut().expect("a write opens a scope");
        *scope = vec![Source::of_table(table, &alias)];
        Ok(format!(" AS {}", quoted(&alias)))
    }

    fn optional_filter(&mut self) -> Result<String, SqlError> {
        if self.take_word("WHERE") { Ok(format!(" WHERE {}", self.condition()?)) } else { Ok(String::new()) }
    }

    fn writable(&mut self, action: &str) -> Result<&'a Table, SqlError> {
        let table = self.table()?;
        if self.env.is_denied(&table.name) || self.env.is_denied(action) {
            return Err(SqlError::denied(action, &table.name));
        }
        let source = Source::of_table(table, &table.name);
        self.scopes.last_mut().expect("a write opens a scope").push(source);
        Ok(table)
    }
}

/// A statement as faults and records know it: literals are left out.
pub(crate) fn outline(tokens: &[Token]) -> String {
    tokens.iter().map(Token::shown).collect::<Vec<_>>().join(" ")
}
