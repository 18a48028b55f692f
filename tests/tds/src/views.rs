//! The views that a server describes itself with, as queries over the catalog.

use crate::catalog::{Catalog, quoted};
use crate::kind::Kind;
use crate::system_procedures;

/// A view: its columns with their types, and the query that gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) columns: Vec<(String, Kind)>,
    pub(crate) sql: String,
}

/// A database of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// The database that this one is a snapshot of.
    pub(crate) source: Option<i64>,
}

/// Types of the columns of a view, as they stand after each name below.
fn kind(letter: &str) -> Kind {
    match letter {
        "b" => Kind::Bit,
        "t" => Kind::Tinyint,
        "s" => Kind::Smallint,
        "i" => Kind::Int,
        "l" => Kind::Bigint,
        "c" => Kind::Char(2),
        "d" => Kind::Datetime,
        "g" => Kind::Uniqueidentifier,
        _ => Kind::Nvarchar(Some(128)),
    }
}

impl View {
    /// A view of columns that are given as `name:letter`, with blanks between; see [`kind`] for the letters.
    pub(crate) fn new(columns: &str, sql: impl Into<String>) -> Self {
        let columns = columns.split_whitespace().map(|column| {
            let (name, letter) = column.split_once(':').unwrap_or((column, "n"));
            (name.to_owned(), kind(letter))
        });
        Self { columns: columns.collect(), sql: format!("({})", sql.into()) }
    }
}

/// The view of a name in the schema `sys` or `INFORMATION_SCHEMA`.
pub(crate) fn find(schema: &str, name: &str, catalog: &Catalog, databases: &[DatabaseRow]) -> Option<View> {
    let name = name.to_ascii_lowercase();
    if schema.eq_ignore_ascii_case("information_schema") {
        return information_schema(&name, databases);
    }
    let found = objects(&name).or_else(|| indexes(&name, catalog)).or_else(|| server(&name, databases));
    found.or_else(|| system_procedures::view(&name, &own_name(databases)))
}

fn objects(name: &str) -> Option<View> {
    let sql = match name {
        "schemas" => return Some(View::new("name schema_id:i", "SELECT 'dbo' AS name, 1 AS schema_id")),
        "tables" | "objects" => {
            "SELECT name, object_id, 1 AS schema_id, 'U ' AS type, 'USER_TABLE' AS type_desc, 0 AS is_ms_shipped
             FROM main.tds_table"
        }
        "columns" => {
            "SELECT c.object_id, c.name, c.column_id, t.type_id AS system_type_id, t.type_id AS user_type_id,
             c.max_length, c.precision, c.scale,
             CASE WHEN c.collated THEN 'Finnish_Swedish_CI_AS' END AS collation_name,
             c.nullable AS is_nullable, c.counted AS is_identity, 0 AS is_computed
             FROM main.tds_column AS c JOIN main.tds_type AS t ON t.name = c.type_name"
        }
        "types" => {
            "SELECT name, type_id AS system_type_id, type_id AS user_type_id, 4 AS schema_id, 0 AS is_user_defined
             FROM main.tds_type"
        }
        _ => return None,
    };
    let columns = match name {
        "columns" => {
            "object_id:i name column_id:i system_type_id:t user_type_id:i max_length:s precision:t scale:t
             collation_name is_nullable:b is_identity:b is_computed:b"
        }
        "types" => "name system_type_id:t user_type_id:i schema_id:i is_user_defined:b",
        _ => "name object_id:i schema_id:i type:c type_desc is_ms_shipped:b",
    };
    Some(View::new(columns, sql))
}

fn indexes(name: &str, catalog: &Catalog) -> Option<View> {
    let keyed = "FROM main.tds_table AS t WHERE EXISTS
                 (SELECT * FROM main.tds_column AS c WHERE c.object_id = t.object_id AND c.key_ordinal > 0)";
    Some(match name {
        "indexes" => View::new(
            "object_id:i name index_id:i type:t type_desc is_unique:b is_primary_key:b",
            format!(
                "SELECT t.object_id, 'PK_' || t.name AS name, 1 AS index_id, 1 AS type, 'CLUSTERED' AS type_desc,
                 1 AS is_unique, 1 AS is_primary_key {keyed}"
            ),
        ),
        "key_constraints" => View::new(
            "name object_id:i parent_object_id:i schema_id:i type:c unique_index_id:i",
            format!(
                "SELECT 'PK_' || t.name AS name, t.object_id + 1000000 AS object_id, t.object_id AS parent_object_id,
                 1 AS schema_id, 'PK' AS type, 1 AS unique_index_id {keyed}"
            ),
        ),
        "index_columns" => View::new(
            "object_id:i index_id:i index_column_id:i column_id:i key_ordinal:t is_descending_key:b
             is_included_column:b",
            "SELECT object_id, 1 AS index_id, key_ordinal AS index_column_id, column_id, key_ordinal,
             0 AS is_descending_key, 0 AS is_included_column FROM main.tds_column WHERE key_ordinal > 0",
        ),
        "partitions" => View::new("object_id:i index_id:i partition_number:i rows:l", partitions(catalog)),
        _ => return None,
    })
}

fn partitions(catalog: &Catalog) -> String {
    let row = |table: &crate::catalog::Table| {
        let index = i64::from(!table.key.is_empty());
        let rows = format!("(SELECT count(*) FROM main.{})", quoted(&table.name));
        format!(
            "SELECT {} AS object_id, {index} AS index_id, 1 AS partition_number, {rows} AS rows",
            table.id
        )
    };
    let none = "SELECT 0 AS object_id, 0 AS index_id, 0 AS partition_number, 0 AS rows WHERE 0".to_owned();
    [none].into_iter().chain(catalog.tables.iter().map(row)).collect::<Vec<_>>().join(" UNION ALL ")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn server(name: &str, databases: &[DatabaseRow]) -> Option<View> {
    let state = |name: &str| format!("(SELECT value FROM main.tds_state WHERE name = '{name}')");
    Some(match name {
        "databases" => View::new(
            "name database_id:i source_database_id:i state:t state_desc snapshot_isolation_state:t
             snapshot_isolation_state_desc is_read_committed_snapshot_on:b is_read_only:b collation_name
             compatibility_level:t create_date:d service_broker_guid:g",
            databases.iter().map(|row| database(row, &state("snapshot"))).collect::<Vec<_>>().join(" UNION ALL "),
        ),
        "database_recovery_status" => View::new(
            "database_id:i database_guid:g family_guid:g recovery_fork_guid:g",
            format!(
                "SELECT 5 AS database_id, '00000000-0000-0000-0000-000000000005' AS database_guid,
                 '00000000-0000-0000-0000-000000000006' AS family_guid, {} AS recovery_fork_guid",
                state("fork")
            ),
        ),
        "change_tracking_databases" => View::new(
            "database_id:i is_auto_cleanup_on:b retention_period:i retention_period_units:t
             retention_period_units_desc",
            format!(
                "SELECT 5 AS database_id, {0} > 0 AS is_auto_cleanup_on, max({0}, 2) AS retention_period,
                 3 AS retention_period_units, 'DAYS' AS retention_period_units_desc WHERE {1} IS NOT NULL",
                state("retention"),
                state("version")
            ),
        ),
        "change_tracking_tables" => View::new(
            "object_id:i is_track_columns_updated_on:b min_valid_version:l begin_version:l cleanup_version:l",
            "SELECT object_id, 0 AS is_track_columns_updated_on, min_version AS min_valid_version, begin_version,
             min_version AS cleanup_version FROM main.tds_table WHERE tracked",
        ),
        "internal_tables" => View::new(
            "name object_id:i parent_object_id:i internal_type:t internal_type_desc create_date:d",
            "SELECT 'change_tracking_' || object_id AS name, object_id + 2000000 AS object_id,
             object_id AS parent_object_id, 209 AS internal_type, 'CHANGE_TRACKING' AS internal_type_desc,
             strftime('%Y-%m-%d %H:%M:%S', '2024-01-01', tracked_since || ' seconds') AS create_date
             FROM main.tds_table WHERE tracked",
        ),
        _ => return None,
    })
}

fn database(row: &DatabaseRow, snapshot: &str) -> String {
    let source = row.source.map_or("NULL".to_owned(), |source| source.to_string());
    format!(
        "SELECT {name} AS name, {id} AS database_id, {source} AS source_database_id, 0 AS state, 'ONLINE' AS state_desc,
         {snapshot} AS snapshot_isolation_state, CASE {snapshot} WHEN 1 THEN 'ON' ELSE 'OFF' END AS
         snapshot_isolation_state_desc, 0 AS is_read_committed_snapshot_on, {read_only} AS is_read_only,
         'Finnish_Swedish_CI_AS' AS collation_name, 160 AS compatibility_level,
         '2024-01-01 00:00:{id:02}' AS create_date,
         '00000000-0000-0000-0000-0000000000B0' AS service_broker_guid",
        name = literal(&row.name),
        id = row.id,
        read_only = i64::from(row.source.is_some()),
    )
}

/// The name of the server's own database, as SQL text.
fn own_name(databases: &[DatabaseRow]) -> String {
    databases.first().map_or("''".to_owned(), |row| literal(&row.name))
}

fn information_schema(name: &str, databases: &[DatabaseRow]) -> Option<View> {
    let own = own_name(databases);
    Some(match name {
        "tables" => View::new(
            "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE",
            format!(
                "SELECT {own} AS TABLE_CATALOG, 'dbo' AS TABLE_SCHEMA, name AS TABLE_NAME, 'BASE TABLE' AS TABLE_TYPE
                 FROM main.tds_table"
            ),
        ),
        "columns" => View::new(
            "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION:i IS_NULLABLE DATA_TYPE
             CHARACTER_MAXIMUM_LENGTH:i NUMERIC_PRECISION:t NUMERIC_SCALE:i",
            format!(
                "SELECT {own} AS TABLE_CATALOG, 'dbo' AS TABLE_SCHEMA, t.name AS TABLE_NAME, c.name AS COLUMN_NAME,
                 c.column_id AS ORDINAL_POSITION, CASE WHEN c.nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE,
                 c.type_name AS DATA_TYPE, CASE WHEN c.precision = 0 THEN CASE WHEN c.type_name LIKE 'n%' AND
                 c.max_length > 0 THEN c.max_length / 2 ELSE c.max_length END END AS CHARACTER_MAXIMUM_LENGTH,
                 nullif(c.precision, 0) AS NUMERIC_PRECISION,
                 CASE WHEN c.precision > 0 THEN c.scale END AS NUMERIC_SCALE
                 FROM main.tds_table AS t JOIN main.tds_column AS c ON c.object_id = t.object_id"
            ),
        ),
        "key_column_usage" => View::new(
            "CONSTRAINT_NAME TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION:i",
            "SELECT 'PK_' || t.name AS CONSTRAINT_NAME, 'dbo' AS TABLE_SCHEMA, t.name AS TABLE_NAME,
             c.name AS COLUMN_NAME, c.key_ordinal AS ORDINAL_POSITION
             FROM main.tds_table AS t JOIN main.tds_column AS c ON c.object_id = t.object_id WHERE c.key_ordinal > 0",
        ),
        "table_constraints" => View::new(
            "CONSTRAINT_NAME TABLE_SCHEMA TABLE_NAME CONSTRAINT_TYPE",
            "SELECT DISTINCT 'PK_' || t.name AS CONSTRAINT_NAME, 'dbo' AS TABLE_SCHEMA, t.name AS TABLE_NAME,
             'PRIMARY KEY' AS CONSTRAINT_TYPE
             FROM main.tds_table AS t JOIN main.tds_column AS c ON c.object_id = t.object_id WHERE c.key_ordinal > 0",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::catalog;

    #[test]
    fn every_view_gives_the_columns_that_it_names() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE T(id INTEGER PRIMARY KEY, v TEXT)").unwrap();
        catalog::prepare(&database).unwrap();
        let known = Catalog::load(&database).unwrap();
        let databases = [DatabaseRow { id: 5, name: "Paraply".to_owned(), source: None }];
        let views = [
            "schemas",
            "tables",
            "objects",
            "columns",
            "types",
            "indexes",
            "key_constraints",
            "index_columns",
            "partitions",
            "databases",
            "database_recovery_status",
            "change_tracking_databases",
            "change_tracking_tables",
            "internal_tables",
            "sp_tables",
            "sp_columns",
            "sp_pkeys",
        ];
        let views = views.map(|name| ("sys", name)).into_iter();
        let standard = ["TABLES", "COLUMNS", "KEY_COLUMN_USAGE", "TABLE_CONSTRAINTS"];
        for (schema, name) in views.chain(standard.map(|name| ("INFORMATION_SCHEMA", name))) {
            let view = find(schema, name, &known, &databases).unwrap();
            let statement = database.prepare(&format!("SELECT * FROM {}", view.sql)).unwrap();
            let named: Vec<&str> = view.columns.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(statement.column_names(), named, "{name}");
        }
        assert_eq!(find("sys", "dm_exec_requests", &known, &databases), None);
    }
}
