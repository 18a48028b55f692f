//! Reading T-SQL: the part of it that is understood, turned into SQLite's while it is read. Everything else is an
//! error with the server's number for it, never an empty answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, ColumnDef, Table, quoted};
use crate::error::SqlError;
use crate::kind::Kind;
use crate::lexer::Token;
use crate::views::DatabaseRow;

/// Words that are no names unless they stand in brackets.
const RESERVED: [&str; 74] = [
    "ADD",
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "COLLATE",
    "COLUMN",
    "COMMIT",
    "CONVERT",
    "CREATE",
    "CROSS",
    "CURSOR",
    "DECLARE",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXEC",
    "EXECUTE",
    "EXISTS",
    "FETCH",
    "FOR",
    "FROM",
    "FULL",
    "FUNCTION",
    "GROUP",
    "HAVING",
    "IF",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "MERGE",
    "NOT",
    "NULL",
    "OF",
    "ON",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PROCEDURE",
    "RIGHT",
    "ROLLBACK",
    "SAVE",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "TOP",
    "TRAN",
    "TRUNCATE",
    "UNION",
    "UPDATE",
    "USE",
    "VALUES",
    "WHERE",
    "WITH",
];

/// What a statement may refer to.
#[derive(Clone, Debug)]
pub(crate) struct Env<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) databases: &'a [DatabaseRow],
    /// The database of the connection.
    pub(crate) database: &'a str,
    /// Parameters by their names in capitals; the place in the list is the place of the value.
    pub(crate) parameters: &'a [(String, Kind)],
    /// Tables and permissions that are denied.
    pub(crate) denied: &'a BTreeSet<String>,
    pub(crate) login: &'a str,
    pub(crate) connection: u64,
    pub(crate) open_transactions: u32,
    pub(crate) rows_before: u64,
    pub(crate) lock_timeout: i64,
    /// The table variables of the batch, by their names in capitals.
    pub(crate) variables: &'a BTreeMap<String, Vec<ColumnDef>>,
    /// The table whose counted column may be given values.
    pub(crate) identity_insert: Option<&'a str>,
}

impl Env<'_> {
    pub(crate) fn is_denied(&self, name: &str) -> bool {
        self.denied.iter().any(|denied| denied.eq_ignore_ascii_case(name))
    }
}

/// Something that columns come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) alias: String,
    pub(crate) columns: Vec<(String, Kind)>,
}

impl Source {
    pub(crate) fn of_table(table: &Table, alias: &str) -> Self {
        Self::of_columns(&table.columns, alias)
    }

    pub(crate) fn of_columns(columns: &[ColumnDef], alias: &str) -> Self {
        let columns = columns.iter().map(|column| (column.name.clone(), column.kind.clone()));
        Self { alias: alias.to_owned(), columns: columns.collect() }
    }
}

/// A value in SQLite's words, with the type that SQL Server would give it; NULL alone has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expr {
    pub(crate) sql: String,
    pub(crate) kind: Option<Kind>,
    /// The name that the value has as a column of an answer.
    pub(crate) name: String,
}

impl Expr {
    pub(crate) fn new(sql: impl Into<String>, kind: Kind) -> Self {
        Self { sql: sql.into(), kind: Some(kind), name: String::new() }
    }
}

/// A place in a text.
pub(crate) struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    pub(crate) env: &'a Env<'a>,
    /// What names refer to: the innermost query last.
    pub(crate) scopes: Vec<Vec<Source>>,
    /// The tables that are read.
    pub(crate) read: BTreeSet<String>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(tokens: &'a [Token], env: &'a Env<'a>) -> Self {
        Self { tokens, at: 0, env, scopes: Vec::new(), read: BTreeSet::new() }
    }

    pub(crate) fn place(&self) -> usize {
        self.at
    }

    pub(crate) fn go_back(&mut self, place: usize) {
        self.at = place;
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub(crate) fn peek_after(&self, count: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + count)
    }

    pub(crate) fn advance(&mut self) -> Result<&'a Token, SqlError> {
        let token = self.peek().ok_or_else(|| SqlError::near(""))?;
        self.at += 1;
        Ok(token)
    }

    /// The error of what stands here.
    pub(crate) fn unexpected(&self) -> SqlError {
        match self.peek() {
            Some(Token::Word(word)) if is_reserved(word) => SqlError::keyword(word),
            Some(token) => SqlError::near(&token.shown()),
            None => SqlError::near(""),
        }
    }

    pub(crate) fn at_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if *found == sign)
    }

    pub(crate) fn at_word(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is_word(word))
    }

    pub(crate) fn take_sign(&mut self, sign: &str) -> bool {
        let taken = self.at_sign(sign);
        self.at += usize::from(taken);
        taken
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let taken = self.at_word(word);
        self.at += usize::from(taken);
        taken
    }

    /// Takes words that stand one after the other, or none of them.
    pub(crate) fn take_words(&mut self, words: &str) -> bool {
        let words: Vec<&str> = words.split(' ').collect();
        let here = |at: usize, word: &str| self.peek_after(at).is_some_and(|token| token.is_word(word));
        let taken = words.iter().enumerate().all(|(at, word)| here(at, word));
        self.at += if taken { words.len() } else { 0 };
        taken
    }

    pub(crate) fn sign(&mut self, sign: &str) -> Result<(), SqlError> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(crate) fn word(&mut self, word: &str) -> Result<(), SqlError> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A name that is no keyword, or any in brackets.
    pub(crate) fn name(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name.clone())
            }
            Some(Token::Word(word)) if !is_reserved(word) => {
                self.at += 1;
                Ok(word.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether a name stands here.
    pub(crate) fn at_name(&self) -> bool {
        match self.peek() {
            Some(Token::Name(_)) => true,
            Some(Token::Word(word)) => !is_reserved(word),
            _ => false,
        }
    }

    /// Whole numbers, with their sign.
    pub(crate) fn integer(&mut self) -> Result<i64, SqlError> {
        let negative = self.take_sign("-");
        let error = self.unexpected();
        let Token::Number(digits) = self.advance()? else { return Err(error) };
        let number: i64 = digits.parse().map_err(|_| error)?;
        Ok(if negative { -number } else { number })
    }

    /// Something in parentheses.
    pub(crate) fn parenthesised<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.sign("(")?;
        let found = inner(self)?;
        self.sign(")")?;
        Ok(found)
    }

    /// One or more, with commas between.
    pub(crate) fn listed<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut found = vec![item(self)?];
        while self.take_sign(",") {
            found.push(item(self)?);
        }
        Ok(found)
    }

    /// A declared type, such as `decimal(19, 4)`.
    pub(crate) fn declared_type(&mut self) -> Result<(String, Kind), SqlError> {
        let error = self.unexpected();
        let mut declared = self.name()?;
        if self.take_sign("(") {
            declared.push('(');
            while !self.take_sign(")") {
                let token = self.advance()?;
                let part = if token.is_word("max") {
                    "max".to_owned()
                } else {
                    token.source_of_type().ok_or(error.clone())?
                };
                declared.push_str(&part);
            }
            declared.push(')');
        }
        let unknown = || SqlError::new(2715, format!("Cannot find data type {declared}."));
        let kind = Kind::parse(&declared).ok_or_else(unknown)?;
        Ok((declared, kind))
    }

    /// The parts of a name with points between, the last one last.
    pub(crate) fn parts(&mut self) -> Result<Vec<String>, SqlError> {
        let mut parts = vec![self.name()?];
        while self.take_sign(".") {
            parts.push(self.name()?);
        }
        Ok(parts)
    }

    /// The schema and the name of an object of the connection's database.
    pub(crate) fn object(&mut self) -> Result<(String, String), SqlError> {
        let parts = self.parts()?;
        let whole = parts.join(".");
        let mut parts = parts.into_iter().rev();
        let name = parts.next().expect("a name has a part");
        let schema = parts.next().unwrap_or_else(|| "dbo".to_owned());
        let elsewhere =
            parts.next().is_some_and(|database| !database.eq_ignore_ascii_case(self.env.database));
        if elsewhere || parts.next().is_some() {
            return Err(SqlError::no_object(&whole));
        }
        Ok((schema, name))
    }

    /// A table of the schema dbo.
    pub(crate) fn table(&mut self) -> Result<&'a Table, SqlError> {
        let (schema, name) = self.object()?;
        let table = self.env.catalog.table(&name).filter(|_| schema.eq_ignore_ascii_case("dbo"));
        table.ok_or_else(|| SqlError::no_object(&format!("{schema}.{name}")))
    }

    /// Notes that a table is read.
    pub(crate) fn reads(&mut self, table: &Table) -> Result<(), SqlError> {
        self.read.insert(table.name.clone());
        if self.env.is_denied(&table.name) { Err(SqlError::denied("SELECT", &table.name)) } else { Ok(()) }
    }

    /// The column that a name refers to.
    pub(crate) fn column(&mut self) -> Result<Expr, SqlError> {
        let mut parts = self.parts()?;
        let name = parts.pop().expect("a name has a part");
        let alias = parts.pop();
        for scope in self.scopes.iter().rev() {
            let named = |source: &&Source| {
                alias.as_ref().is_none_or(|alias| source.alias.eq_ignore_ascii_case(alias))
            };
            let has = |source: &'_ Source| {
                let mut columns = source.columns.iter();
                columns.find(|(column, _)| column.eq_ignore_ascii_case(&name)).cloned()
            };
            let found = scope.iter().filter(named).filter_map(|source| Some((source, has(source)?)));
            let found: Vec<(&Source, (String, Kind))> = found.collect();
            if found.len() > 1 {
                return Err(SqlError::new(209, format!("Ambiguous column name '{name}'.")));
            }
            if let Some((source, (column, kind))) = found.into_iter().next() {
                let sql = format!("{}.{}", quoted(&source.alias), quoted(&column));
                return Ok(Expr { sql, kind: Some(kind), name: column });
            }
        }
        Err(SqlError::no_column(&name))
    }
}

pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// A text as SQLite reads it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
