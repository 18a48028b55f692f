//! Functions: those of T-SQL that are known, and those that SQLite is given for them.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

use crate::error::SqlError;
use crate::expression::{converted, invalid_operand, is_fraction};
use crate::kind::Kind;
use crate::lexer::Token;
use crate::parser::{Expr, Parser, literal};
use crate::value::{self, Value};

/// What `@@VERSION` says.
pub(crate) const VERSION_TEXT: &str = "Microsoft SQL Server 2022 - 16.0.1000.6 (a server for tests)";

const PROPERTIES: [(&str, &str); 7] = [
    ("PRODUCTVERSION", "'16.0.1000.6'"),
    ("PRODUCTLEVEL", "'RTM'"),
    ("EDITION", "'Developer Edition (64-bit)'"),
    ("ENGINEEDITION", "3"),
    ("COLLATION", "'Finnish_Swedish_CI_AS'"),
    ("SERVERNAME", "'TDS'"),
    ("ISHADRENABLED", "0"),
];

fn text() -> Kind {
    Kind::Nvarchar(Some(128))
}

impl Parser<'_> {
    /// The call of a function.
    pub(crate) fn call(&mut self) -> Result<Expr, SqlError> {
        let Token::Word(name) = self.advance()? else { return Err(self.unexpected()) };
        let name = name.to_ascii_uppercase();
        self.sign("(")?;
        let special = self.special(&name)?;
        if let Some(special) = special {
            self.sign(")")?;
            return Ok(special);
        }
        let arguments = if self.at_sign(")") { Vec::new() } else { self.listed(Self::value)? };
        self.sign(")")?;
        self.plain(&name, &arguments)
    }

    /// Functions whose arguments are not simply values.
    fn special(&mut self, name: &str) -> Result<Option<Expr>, SqlError> {
        Ok(Some(match name {
            "COUNT" | "COUNT_BIG" => {
                let kind = if name == "COUNT" { Kind::Int } else { Kind::Bigint };
                if self.take_sign("*") {
                    Expr::new("count(*)", kind)
                } else {
                    let distinct = if self.take_word("DISTINCT") { "DISTINCT " } else { "" };
                    Expr::new(format!("count({distinct}{})", self.value()?.sql), kind)
                }
            }
            "CAST" => {
                let inner = self.value()?;
                self.word("AS")?;
                let (_, kind) = self.declared_type()?;
                cast(&inner, kind)?
            }
            "CONVERT" => {
                let (_, kind) = self.declared_type()?;
                self.sign(",")?;
                let inner = self.value()?;
                cast(&inner, kind)?
            }
            "IIF" => {
                let condition = self.condition()?;
                self.sign(",")?;
                let then = self.value()?;
                self.sign(",")?;
                let other = self.value()?;
                let sql = format!("CASE WHEN {condition} THEN {} ELSE {} END", then.sql, other.sql);
                Expr { sql, kind: then.kind.or(other.kind), name: String::new() }
            }
            _ => return Ok(None),
        }))
    }

    fn plain(&self, name: &str, arguments: &[Expr]) -> Result<Expr, SqlError> {
        let sql: Vec<&str> = arguments.iter().map(|argument| argument.sql.as_str()).collect();
        let first_kind = || arguments.iter().find_map(|argument| argument.kind.clone());
        let same = |sql: String| Expr { sql, kind: first_kind(), name: String::new() };
        let found = match (name, sql.as_slice()) {
            ("MIN" | "MAX", [one]) => {
                if is_fraction(arguments[0].kind.as_ref()) {
                    return Err(invalid_operand(arguments[0].kind.as_ref(), name));
                }
                same(format!("{}({one})", name.to_ascii_lowercase()))
            }
            ("SUM", [one]) => Expr::new(format!("sum({one})"), summed(&arguments[0])?),
            ("COALESCE", [_, _, ..]) => same(format!("coalesce({})", sql.join(", "))),
            ("ISNULL", [one, other]) => same(format!("coalesce({one}, {other})")),
            ("NULLIF", [one, other]) => same(format!("nullif({one}, {other})")),
            ("UPPER" | "LOWER" | "LTRIM" | "RTRIM" | "ABS", [one]) => {
                same(format!("{}({one})", name.to_ascii_lowercase()))
            }
            ("SUBSTRING", [text, from, length]) => same(format!("substr({text}, {from}, {length})")),
            ("LEN", [one]) => Expr::new(format!("length(rtrim({one}))"), Kind::Int),
            ("DATALENGTH", [one]) => Expr::new(data_length(one, arguments[0].kind.as_ref()), Kind::Int),
            _ => return self.about_the_server(name, &sql),
        };
        Ok(found)
    }

    /// Functions that ask about the server, the database and the connection.
    fn about_the_server(&self, name: &str, sql: &[&str]) -> Result<Expr, SqlError> {
        let by_id = |column: &str, from: &str, id: &str, given: &str| {
            format!("(SELECT {column} FROM main.{from} WHERE {id} = {given})")
        };
        let found = match (name, sql) {
            ("DB_NAME", []) => Expr::new(literal(self.env.database), text()),
            ("DB_ID", []) => {
                let row =
                    self.env.databases.iter().find(|row| row.name.eq_ignore_ascii_case(self.env.database));
                Expr::new(row.map_or("NULL".to_owned(), |row| row.id.to_string()), Kind::Smallint)
            }
            ("SUSER_SNAME" | "ORIGINAL_LOGIN" | "USER_NAME", []) => {
                Expr::new(literal(self.env.login), text())
            }
            ("XACT_STATE", []) => {
                Expr::new(i32::from(self.env.open_transactions > 0).to_string(), Kind::Smallint)
            }
            ("OBJECT_ID", [one] | [one, _]) => {
                Expr::new(by_id("object_id", "tds_table", "name", &format!("tds_bare({one})")), Kind::Int)
            }
            ("OBJECT_NAME", [one]) => Expr::new(by_id("name", "tds_table", "object_id", one), text()),
            ("SCHEMA_NAME", [one]) => Expr::new(format!("CASE {one} WHEN 1 THEN 'dbo' END"), text()),
            ("TYPE_NAME", [one]) => Expr::new(by_id("name", "tds_type", "type_id", one), text()),
            ("CHANGE_TRACKING_CURRENT_VERSION", []) => {
                Expr::new(by_id("value", "tds_state", "name", "'version'"), Kind::Bigint)
            }
            ("CHANGE_TRACKING_MIN_VALID_VERSION", [one]) => {
                Expr::new(by_id("min_version", "tds_table", "object_id", one), Kind::Bigint)
            }
            ("SERVERPROPERTY", [one]) => {
                let cases = PROPERTIES.map(|(name, value)| format!("WHEN '{name}' THEN {value}")).join(" ");
                Expr::new(format!("CASE upper({one}) {cases} END"), Kind::SqlVariant)
            }
            ("GETUTCDATE" | "GETDATE", []) => {
                let set = by_id("value", "tds_state", "name", "'clock'");
                Expr::new(
                    format!("strftime('%Y-%m-%d %H:%M:%f', 'now', {set} || ' seconds')"),
                    Kind::Datetime,
                )
            }
            ("HAS_PERMS_BY_NAME", [securable, class, permission]) => {
                Expr::new(self.permission(securable, class, permission), Kind::Int)
            }
            _ => return Err(SqlError::no_function(name)),
        };
        Ok(found)
    }

    /// Everybody may do everything, but what is denied.
    fn permission(&self, securable: &str, class: &str, permission: &str) -> String {
        let denied: Vec<String> = self.env.denied.iter().map(|name| literal(name)).collect();
        let denied = if denied.is_empty() { "NULL".to_owned() } else { denied.join(", ") };
        format!(
            "CASE WHEN {permission} COLLATE NOCASE IN ({denied}) THEN 0 \
             WHEN {securable} IS NULL OR {class} = 'DATABASE' THEN 1 \
             WHEN NOT EXISTS (SELECT * FROM main.tds_table WHERE name = tds_bare({securable})) THEN NULL \
             WHEN tds_bare({securable}) COLLATE NOCASE IN ({denied}) THEN 0 ELSE 1 END"
        )
    }
}

/// Conversions whose result depends on a style are refused rather than guessed.
fn cast(inner: &Expr, kind: Kind) -> Result<Expr, SqlError> {
    let styled = matches!(
        inner.kind,
        Some(
            Kind::Datetime | Kind::Smalldatetime | Kind::Real | Kind::Float | Kind::Money | Kind::Smallmoney
        )
    );
    if styled && kind.is_text() {
        return Err(invalid_operand(inner.kind.as_ref(), "conversion"));
    }
    if matches!(kind, Kind::Binary(_) | Kind::Varbinary(_) | Kind::Image) {
        return match &inner.kind {
            Some(Kind::Nchar(_) | Kind::Nvarchar(_) | Kind::Xml) => {
                Ok(Expr::new(format!("tds_bytes({}, 'utf16')", inner.sql), kind))
            }
            Some(Kind::Char(_) | Kind::Varchar(_)) => {
                Ok(Expr::new(format!("tds_bytes({}, 'codepage')", inner.sql), kind))
            }
            Some(Kind::Binary(_) | Kind::Varbinary(_) | Kind::Image | Kind::Rowversion | Kind::Clr(_))
            | None => Ok(Expr::new(inner.sql.clone(), kind)),
            Some(other) => Err(invalid_operand(Some(other), "conversion")),
        };
    }
    // Bytes become the text that they are on the server, whether it is any or not.
    if kind.is_text() && matches!(inner.kind, Some(Kind::Binary(_) | Kind::Varbinary(_))) {
        return Ok(Expr::new(inner.sql.clone(), kind));
    }
    Ok(Expr::new(converted(&inner.sql, &kind), kind))
}

fn summed(argument: &Expr) -> Result<Kind, SqlError> {
    match &argument.kind {
        Some(Kind::Tinyint | Kind::Smallint | Kind::Int) => Ok(Kind::Int),
        Some(Kind::Bigint) => Ok(Kind::Bigint),
        Some(Kind::Real | Kind::Float) => Ok(Kind::Float),
        Some(Kind::Decimal(precision, 0) | Kind::Numeric(precision, 0)) if *precision <= 18 => {
            Ok(Kind::Numeric(38, 0))
        }
        other => Err(invalid_operand(other.as_ref(), "sum")),
    }
}

fn data_length(sql: &str, kind: Option<&Kind>) -> String {
    match kind {
        Some(Kind::Nchar(_) | Kind::Nvarchar(_) | Kind::Ntext) => format!("(length({sql}) * 2)"),
        Some(kind) if kind.is_text() || kind.described().precision == 0 => format!("length({sql})"),
        Some(kind) => format!("CASE WHEN {sql} IS NOT NULL THEN {} END", kind.described().max_length),
        None => "NULL".to_owned(),
    }
}

/// A value as SQLite hands it over.
pub(crate) fn stored(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Whole(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Whole(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A name without its schema and its brackets.
fn bare(name: &str) -> String {
    let name = name.strip_prefix("dbo.").or_else(|| name.strip_prefix("[dbo].")).unwrap_or(name);
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(inner) => inner.replace("]]", "]"),
        None => name.to_owned(),
    }
}

/// Gives a connection the functions that translated statements call.
pub(crate) fn install(database: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    database.create_scalar_function("tds_cast", 2, flags, |context| {
        let declared: String = context.get(1)?;
        let kind = Kind::parse(&declared).expect("translated statements name known types");
        let converted = value::convert(&stored(context.get_raw(0)), &kind);
        converted.map_err(|_| {
            let name = kind.described().name;
            let error = SqlError::new(8114, format!("Error converting data type to {name}."));
            rusqlite::Error::UserFunctionError(error.to_text().into())
        })
    })?;
    database.create_scalar_function("tds_assign", 2, flags, |context| {
        let declared: String = context.get(1)?;
        let kind = Kind::parse(&declared).expect("translated statements name known types");
        let value = stored(context.get_raw(0));
        let failed = |number, problem: String| {
            rusqlite::Error::UserFunctionError(SqlError::new(number, problem).to_text().into())
        };
        if value::is_too_long(&value, &kind) {
            return Err(failed(2628, "String or binary data would be truncated.".to_owned()));
        }
        let name = kind.described().name;
        value::convert(&value, &kind)
            .map_err(|_| failed(8114, format!("Error converting data type to {name}.")))
    })?;
    database.create_scalar_function("tds_bytes", 2, flags, |context| {
        let encoding: String = context.get(1)?;
        let kind = if encoding == "utf16" { Kind::Ntext } else { Kind::Text };
        Ok(value::text_bytes(&stored(context.get_raw(0)), &kind))
    })?;
    database.create_scalar_function("tds_bare", 1, flags, |context| {
        let name: Option<String> = context.get(0)?;
        Ok(name.map(|name| bare(&name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_schema_and_brackets() {
        assert_eq!([bare("dbo.T"), bare("[dbo].[a]]b]"), bare("T")], ["T", "a]b", "T"]);
    }

    #[test]
    fn conversions_are_those_of_the_types() {
        let database = Connection::open_in_memory().unwrap();
        install(&database).unwrap();
        let cast = |value: &str, declared: &str| {
            let sql = format!("SELECT tds_cast({value}, '{declared}')");
            database
                .query_row(&sql, [], |row| Ok(stored(row.get_ref(0)?)))
                .map_err(|error| SqlError::from_sqlite(&error))
        };
        assert_eq!(cast("'1.23456'", "decimal(19,4)"), Ok(Value::Text("1.2346".to_owned())));
        assert_eq!(
            cast("'2024-01-01'", "datetime2(3)"),
            Ok(Value::Text("2024-01-01 00:00:00.000".to_owned()))
        );
        assert_eq!(cast("'abc'", "varchar(2)"), Ok(Value::Text("ab".to_owned())));
        assert_eq!(cast("'abc'", "int").unwrap_err().number, 8114);
    }
}
