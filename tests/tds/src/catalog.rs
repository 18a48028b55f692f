//! What the server knows of its tables: tables of its own beside the data, which say each column's type.

use rusqlite::{Connection, Row};

use crate::error::SqlError;
use crate::kind::Kind;

/// Object ids begin here, far from those of the server's own objects.
const FIRST_OBJECT: i64 = 1_000;

/// The types that `sys.types` lists, with their ids.
const TYPES: [(&str, i64); 32] = [
    ("image", 34),
    ("text", 35),
    ("uniqueidentifier", 36),
    ("date", 40),
    ("time", 41),
    ("datetime2", 42),
    ("datetimeoffset", 43),
    ("tinyint", 48),
    ("smallint", 52),
    ("int", 56),
    ("smalldatetime", 58),
    ("real", 59),
    ("money", 60),
    ("datetime", 61),
    ("float", 62),
    ("sql_variant", 98),
    ("ntext", 99),
    ("bit", 104),
    ("decimal", 106),
    ("numeric", 108),
    ("smallmoney", 122),
    ("bigint", 127),
    ("hierarchyid", 128),
    ("geometry", 129),
    ("geography", 130),
    ("varbinary", 165),
    ("varchar", 167),
    ("binary", 173),
    ("char", 175),
    ("timestamp", 189),
    ("nvarchar", 231),
    ("nchar", 239),
];

const XML_TYPE: (&str, i64) = ("xml", 241);

const SCHEMA: &str = "
    CREATE TABLE tds_table(
        object_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        tracked INTEGER NOT NULL DEFAULT 0, min_version INTEGER, begin_version INTEGER, tracked_since INTEGER);
    CREATE TABLE tds_column(
        object_id INTEGER NOT NULL, column_id INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE,
        declared TEXT NOT NULL, type_name TEXT NOT NULL, max_length INTEGER NOT NULL, precision INTEGER NOT NULL,
        scale INTEGER NOT NULL, collated INTEGER NOT NULL, nullable INTEGER NOT NULL, key_ordinal INTEGER NOT NULL,
        counted INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY(object_id, column_id), UNIQUE(object_id, name));
    CREATE TABLE tds_type(name TEXT PRIMARY KEY COLLATE NOCASE, type_id INTEGER NOT NULL);
    CREATE TABLE tds_state(name TEXT PRIMARY KEY, value);
    INSERT INTO tds_state VALUES ('version', NULL), ('dirty', 0), ('context', NULL), ('snapshot', 1),
        ('fork', '00000000-0000-0000-0000-000000000001'), ('clock', 0), ('enabled', 0), ('retention', 14);";

/// A column of a table, as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnDef {
    pub(crate) name: String,
    pub(crate) declared: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// Whether the server counts the values up: an identity column.
    pub(crate) counted: bool,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) tracked: bool,
    pub(crate) columns: Vec<ColumnDef>,
    /// The columns of the primary key, in key order.
    pub(crate) key: Vec<String>,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Where changes of the table are noted.
    pub(crate) fn log(&self) -> String {
        format!("main.tds_log_{}", self.id)
    }
}

/// All tables, as they are at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    pub(crate) tables: Vec<Table>,
}

impl Catalog {
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// Reads the catalog.
    pub(crate) fn load(database: &Connection) -> Result<Self, SqlError> {
        let failed = |error| SqlError::from_sqlite(&error);
        let mut tables = Vec::new();
        let mut statement = database
            .prepare("SELECT object_id, name, tracked FROM main.tds_table ORDER BY 1")
            .map_err(failed)?;
        let head = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        for found in statement.query_map([], head).map_err(failed)? {
            let (id, name, tracked) = found.map_err(failed)?;
            let (columns, key) = columns(database, id).map_err(failed)?;
            tables.push(Table { id, name, tracked, columns, key });
        }
        Ok(Self { tables })
    }
}

type Columns = (Vec<ColumnDef>, Vec<String>);

fn columns(database: &Connection, id: i64) -> rusqlite::Result<Columns> {
    let mut statement = database.prepare(
        "SELECT name, declared, nullable, key_ordinal, counted FROM main.tds_column WHERE object_id = ?1
         ORDER BY column_id",
    )?;
    let mut rows = statement.query([id])?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let declared: String = row.get(1)?;
        let kind = Kind::parse(&declared).expect("only known types get into the catalog");
        let column =
            ColumnDef { name: row.get(0)?, declared, kind, nullable: row.get(2)?, counted: row.get(4)? };
        match row.get::<_, i64>(3)? {
            0 => {}
            ordinal => key.push((ordinal, column.name.clone())),
        }
        columns.push(column);
    }
    key.sort_unstable();
    Ok((columns, key.into_iter().map(|(_, name)| name).collect()))
}

/// A name as SQLite reads it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// How SQLite stores the values of a type.
fn storage(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bit | Kind::Tinyint | Kind::Smallint | Kind::Int | Kind::Bigint => "INTEGER",
        Kind::Decimal(precision, 0) | Kind::Numeric(precision, 0) if *precision <= 18 => "INTEGER",
        Kind::Real | Kind::Float => "REAL",
        Kind::Image
        | Kind::Binary(_)
        | Kind::Varbinary(_)
        | Kind::Rowversion
        | Kind::SqlVariant
        | Kind::Clr(_) => "BLOB",
        Kind::Decimal(..) | Kind::Numeric(..) | Kind::Money | Kind::Smallmoney => "TEXT",
        Kind::Char(_) | Kind::Varchar(_) | Kind::Nchar(_) | Kind::Nvarchar(_) | Kind::Text | Kind::Ntext => {
            "TEXT"
        }
        Kind::Uniqueidentifier | Kind::Xml | Kind::Date | Kind::Time(_) | Kind::Datetime => "TEXT",
        Kind::Smalldatetime | Kind::Datetime2(_) | Kind::Datetimeoffset(_) => "TEXT",
    }
}

/// Makes the catalog of a database that has none, and describes the tables in it that are not described: a
/// declaration that SQL Server knows is taken as it is, any other by how SQLite stores it.
pub(crate) fn prepare(database: &Connection) -> rusqlite::Result<()> {
    let known = "SELECT count(*) FROM main.sqlite_schema WHERE name = 'tds_table'";
    if database.query_row(known, [], |row| row.get::<_, i64>(0))? == 0 {
        database.execute_batch(SCHEMA)?;
        for (name, id) in TYPES.into_iter().chain([XML_TYPE]) {
            database.execute("INSERT INTO main.tds_type VALUES (?1, ?2)", (name, id))?;
        }
    }
    let mut statement = database.prepare(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT LIKE 'tds\\_%' ESCAPE '\\' AND name NOT IN (SELECT name FROM main.tds_table) ORDER BY rowid",
    )?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    names.iter().try_for_each(|name| adopt(database, name))
}

fn adopt(database: &Connection, name: &str) -> rusqlite::Result<()> {
    let mut statement =
        database.prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let mut rows = statement.query([name])?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (column, declared): (String, String) = (row.get(0)?, row.get(1)?);
        let (declared, kind) = adopted_type(&declared);
        let (not_null, ordinal): (bool, i64) = (row.get(2)?, row.get(3)?);
        if ordinal > 0 {
            key.push((ordinal, column.clone()));
        }
        let nullable = !not_null && ordinal == 0;
        columns.push(ColumnDef { name: column, declared, kind, nullable, counted: false });
    }
    key.sort_unstable();
    let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
    describe(database, name, &columns, &key)
}

fn adopted_type(declared: &str) -> (String, Kind) {
    let upper = declared.to_ascii_uppercase();
    // SQLite's own words mean more than the server's: eight bytes, every character.
    let own = matches!(upper.as_str(), "INT" | "INTEGER" | "TEXT" | "REAL");
    if let Some(kind) = Kind::parse(declared).filter(|_| !own) {
        return (declared.to_owned(), kind);
    }
    let (declared, kind) = if upper.contains("INT") {
        ("bigint", Kind::Bigint)
    } else if upper.contains("BLOB") {
        ("varbinary(max)", Kind::Varbinary(None))
    } else if ["REAL", "FLOA", "DOUB"].iter().any(|part| upper.contains(part)) {
        ("float", Kind::Float)
    } else {
        ("nvarchar(max)", Kind::Nvarchar(None))
    };
    (declared.to_owned(), kind)
}

/// Notes a table in the catalog.
fn describe(
    database: &Connection,
    name: &str,
    columns: &[ColumnDef],
    key: &[String],
) -> rusqlite::Result<()> {
    let next = "SELECT coalesce(max(object_id) + 1, ?1) FROM main.tds_table";
    let id: i64 = database.query_row(next, [FIRST_OBJECT], |row| row.get(0))?;
    database.execute("INSERT INTO main.tds_table(object_id, name) VALUES (?1, ?2)", (id, name))?;
    for (number, column) in (1i64..).zip(columns) {
        let ordinal = (1i64..).zip(key).find(|(_, name)| name.eq_ignore_ascii_case(&column.name));
        let ordinal = ordinal.map_or(0, |(ordinal, _)| ordinal);
        let described = column.kind.described();
        database.execute(
            "INSERT INTO main.tds_column VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            rusqlite::params![
                id,
                number,
                column.name,
                column.declared,
                described.name,
                described.max_length,
                described.precision,
                described.scale,
                column.kind.is_text() && column.kind != Kind::Xml,
                column.nullable && ordinal == 0,
                ordinal,
                column.counted,
            ],
        )?;
    }
    Ok(())
}

/// Makes a table.
pub(crate) fn create(
    database: &Connection,
    name: &str,
    columns: &[ColumnDef],
    key: &[String],
) -> rusqlite::Result<()> {
    let mut parts: Vec<String> = Vec::new();
    for column in columns {
        if column.counted {
            // Such a column is the whole key: the parser sees to it.
            parts.push(format!("{} INTEGER PRIMARY KEY AUTOINCREMENT", quoted(&column.name)));
            continue;
        }
        let in_key = key.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
        let null = if column.nullable && !in_key { "" } else { " NOT NULL" };
        parts.push(format!("{} {}{null}", quoted(&column.name), storage(&column.kind)));
    }
    if !key.is_empty() && !columns.iter().any(|column| column.counted) {
        let key: Vec<String> = key.iter().map(|name| quoted(name)).collect();
        parts.push(format!("PRIMARY KEY({})", key.join(", ")));
    }
    database.execute_batch(&format!("CREATE TABLE main.{}({})", quoted(name), parts.join(", ")))?;
    describe(database, name, columns, key)
}

/// Drops a table, with what is known of it.
pub(crate) fn drop_table(database: &Connection, table: &Table) -> rusqlite::Result<()> {
    database.execute_batch(&format!(
        "DROP TABLE main.{}; DROP TABLE IF EXISTS {}",
        quoted(&table.name),
        table.log()
    ))?;
    database.execute("DELETE FROM main.tds_column WHERE object_id = ?1", [table.id])?;
    database.execute("DELETE FROM main.tds_table WHERE object_id = ?1", [table.id]).map(drop)
}

/// Adds a column that may be NULL.
pub(crate) fn add_column(database: &Connection, table: &Table, column: &ColumnDef) -> rusqlite::Result<()> {
    let (name, stored) = (quoted(&column.name), storage(&column.kind));
    database
        .execute_batch(&format!("ALTER TABLE main.{} ADD COLUMN {name} {stored}", quoted(&table.name)))?;
    let described = column.kind.described();
    database
        .execute(
            "INSERT INTO main.tds_column SELECT ?1, max(column_id) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, 0, 0
             FROM main.tds_column WHERE object_id = ?1",
            rusqlite::params![
                table.id,
                column.name,
                column.declared,
                described.name,
                described.max_length,
                described.precision,
                described.scale,
                column.kind.is_text() && column.kind != Kind::Xml,
            ],
        )
        .map(drop)
}

/// Drops a column.
pub(crate) fn drop_column(database: &Connection, table: &Table, name: &str) -> rusqlite::Result<()> {
    database.execute_batch(&format!(
        "ALTER TABLE main.{} DROP COLUMN {}",
        quoted(&table.name),
        quoted(name)
    ))?;
    let statement = "DELETE FROM main.tds_column WHERE object_id = ?1 AND name = ?2";
    database.execute(statement, (table.id, name)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_without_a_catalog_gets_one() {
        let database = Connection::open_in_memory().unwrap();
        let schema = "CREATE TABLE A(id INTEGER PRIMARY KEY, belopp decimal(9,2) NOT NULL, fri, bild BLOB);";
        database.execute_batch(schema).unwrap();
        prepare(&database).unwrap();
        prepare(&database).unwrap();
        let catalog = Catalog::load(&database).unwrap();
        let table = catalog.table("a").unwrap();
        assert_eq!(table.key, ["id"]);
        let kinds: Vec<_> = table.columns.iter().map(|column| (&column.kind, column.nullable)).collect();
        assert_eq!(
            kinds,
            [
                (&Kind::Bigint, false),
                (&Kind::Decimal(9, 2), false),
                (&Kind::Nvarchar(None), true),
                (&Kind::Varbinary(None), true)
            ]
        );
    }

    #[test]
    fn tables_come_and_go() {
        let database = Connection::open_in_memory().unwrap();
        prepare(&database).unwrap();
        let column = |name: &str, declared: &str| ColumnDef {
            name: name.to_owned(),
            declared: declared.to_owned(),
            kind: Kind::parse(declared).unwrap(),
            nullable: true,
            counted: false,
        };
        create(&database, "T", &[column("ID", "int")], &["id".to_owned()]).unwrap();
        let catalog = Catalog::load(&database).unwrap();
        let table = catalog.table("t").unwrap();
        assert!(!table.columns[0].nullable);
        add_column(&database, table, &column("Namn", "varchar(10)")).unwrap();
        assert!(Catalog::load(&database).unwrap().tables[0].column("NAMN").is_some());
        drop_column(&database, table, "Namn").unwrap();
        drop_table(&database, table).unwrap();
        assert_eq!(Catalog::load(&database).unwrap().tables, []);
    }
}
