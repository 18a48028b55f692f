//! What a SQL Server says about the tables of a database.

use std::collections::BTreeMap;

use bron_mappings::ColumnType;
use tiberius::error::Error as Refusal;
use tiberius::{Row, ToSql};

use super::form::Form;
use super::{Session, quoted};
use crate::selection::{KnownTable, Selectable, hexadecimal, is_exact_number};
use crate::source::{SourceColumn, TableSchema};
use crate::span::KeyValue;

/// The collation in which texts are ordered by their code units.
const BY_BYTES: &str = "COLLATE Latin1_General_BIN2";

/// A column, with what reading it needs to know.
#[derive(Clone, Debug)]
pub(super) struct TdsColumn {
    column: SourceColumn,
    /// The name of the type without its size.
    base: String,
    /// Bytes; -1 for a `max` type.
    size: i16,
    /// Whether the server counts the values up.
    identity: bool,
    /// Whether the server works the values out.
    computed: bool,
    /// What texts are compared by.
    collation: Option<String>,
}

/// What the catalog says of every column; the rest of the statement chooses and orders.
const COLUMNS: &str = "\
    SELECT o.name, c.name, COALESCE(TYPE_NAME(c.system_type_id), TYPE_NAME(c.user_type_id)), c.max_length, \
           c.precision, c.scale, x.key_ordinal, c.is_nullable, c.is_identity, c.is_computed, c.collation_name \
    FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
    JOIN sys.columns AS c ON c.object_id = o.object_id \
    LEFT JOIN sys.indexes AS i ON i.object_id = c.object_id AND i.is_primary_key = 1 \
    LEFT JOIN sys.index_columns AS x \
      ON x.object_id = i.object_id AND x.index_id = i.index_id AND x.column_id = c.column_id \
    WHERE s.name = @P1 AND o.type IN ('U', 'V') AND o.is_ms_shipped = 0";

/// The tables and views of the schema, by name.
pub(super) async fn tables(session: &mut Session, schema: &str) -> Result<Vec<TableSchema>, Refusal> {
    let rows = session
        .ask(
            "SELECT o.name, COALESCE(SUM(p.rows), 0) FROM sys.objects AS o \
             JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
             LEFT JOIN sys.partitions AS p ON p.object_id = o.object_id AND p.index_id IN (0, 1) \
             WHERE s.name = @P1 AND o.type IN ('U', 'V') AND o.is_ms_shipped = 0 GROUP BY o.name",
            &[&schema],
        )
        .await?;
    let mut estimates = BTreeMap::new();
    for row in &rows {
        estimates.insert(text(row, 0)?, row.try_get::<i64, _>(1)?.unwrap_or(0));
    }
    let rows = session.ask(&format!("{COLUMNS} ORDER BY o.object_id, c.column_id"), &[&schema]).await?;
    let known = known(rows)?;
    let schema = |(name, known): (String, KnownTable<TdsColumn>)| {
        let estimate = estimates.get(&name).copied().unwrap_or(0);
        known.schema(name, u64::try_from(estimate).unwrap_or(0))
    };
    Ok(known.into_iter().map(schema).collect())
}

/// The tables of these names that there are, by name.
pub(super) async fn tables_named(
    session: &mut Session,
    schema: &str,
    names: &[String],
) -> Result<BTreeMap<String, KnownTable<TdsColumn>>, Refusal> {
    known(ask_named(session, COLUMNS, "o.object_id, c.column_id", schema, names).await?)
}

/// What a question about `sys.objects AS o` in the schema @P1 gives for the tables of these names.
pub(super) async fn ask_named(
    session: &mut Session,
    question: &str,
    order: &str,
    schema: &str,
    names: &[String],
) -> Result<Vec<Row>, Refusal> {
    let places: Vec<String> = (2..).take(names.len()).map(|place| format!("@P{place}")).collect();
    let statement = format!("{question} AND o.name IN ({}) ORDER BY {order}", places.join(", "));
    let mut parameters: Vec<&dyn ToSql> = vec![&schema];
    parameters.extend(names.iter().map(|name| -> &dyn ToSql { name }));
    session.ask(&statement, &parameters).await
}

fn known(rows: Vec<Row>) -> Result<BTreeMap<String, KnownTable<TdsColumn>>, Refusal> {
    let mut columns: BTreeMap<String, Vec<(TdsColumn, Option<i64>)>> = BTreeMap::new();
    for row in rows {
        columns.entry(text(&row, 0)?).or_default().push(column(&row)?);
    }
    Ok(columns.into_iter().map(|(name, columns)| (name, KnownTable::new(columns))).collect())
}

/// One table, `None` when there is none of this name.
pub(super) async fn table(
    session: &mut Session,
    schema: &str,
    name: &str,
) -> Result<Option<KnownTable<TdsColumn>>, Refusal> {
    let statement = format!("{COLUMNS} AND o.name = @P2 ORDER BY c.column_id");
    let rows = session.ask(&statement, &[&schema, &name]).await?;
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    Ok((!columns.is_empty()).then(|| KnownTable::new(columns)))
}

fn text(row: &Row, index: usize) -> Result<String, Refusal> {
    Ok(row.try_get::<&str, _>(index)?.unwrap_or_default().to_owned())
}

fn column(row: &Row) -> Result<(TdsColumn, Option<i64>), Refusal> {
    let base = text(row, 2)?.to_ascii_lowercase();
    let size = row.try_get::<i16, _>(3)?.unwrap_or(0);
    let (precision, scale) = (row.try_get::<u8, _>(4)?.unwrap_or(0), row.try_get::<u8, _>(5)?.unwrap_or(0));
    let key = row.try_get::<u8, _>(6)?.filter(|ordinal| *ordinal > 0).map(i64::from);
    let nullable = row.try_get::<bool, _>(7)?;
    let declared_type = declared(&base, size, precision, scale);
    let kind = if is_bytes(&base) { ColumnType::Bytes } else { ColumnType::Text };
    let column = SourceColumn { name: text(row, 1)?, declared_type, kind, nullable };
    let said = |place| row.try_get::<bool, _>(place).map(|said| said.unwrap_or(false));
    let (identity, computed) = (said(8)?, said(9)?);
    let collation = row.try_get::<&str, _>(10)?.map(str::to_owned);
    Ok((TdsColumn { column, base, size, identity, computed, collation }, key))
}

fn is_bytes(base: &str) -> bool {
    matches!(base, "binary" | "varbinary" | "image" | "timestamp" | "rowversion")
}

/// The type as it is written in a declaration.
fn declared(base: &str, size: i16, precision: u8, scale: u8) -> String {
    let length = |width: i16| if size < 0 { "max".to_owned() } else { (size / width).to_string() };
    match base {
        "char" | "varchar" | "binary" | "varbinary" => format!("{base}({})", length(1)),
        "nchar" | "nvarchar" => format!("{base}({})", length(2)),
        "decimal" | "numeric" => format!("{base}({precision},{scale})"),
        "time" | "datetime2" | "datetimeoffset" => format!("{base}({scale})"),
        _ => base.to_owned(),
    }
}

impl TdsColumn {
    /// Whether the values of the column can be read at all.
    pub(super) fn is_readable(&self) -> bool {
        let known = [
            "bit",
            "tinyint",
            "smallint",
            "int",
            "bigint",
            "real",
            "float",
            "decimal",
            "numeric",
            "money",
            "smallmoney",
            "char",
            "varchar",
            "nchar",
            "nvarchar",
            "text",
            "ntext",
            "uniqueidentifier",
            "date",
            "time",
            "datetime",
            "smalldatetime",
            "datetime2",
            "datetimeoffset",
        ];
        is_bytes(&self.base) || known.contains(&self.base.as_str())
    }

    /// Whether the values are whole numbers of at most 64 bits.
    pub(super) fn is_whole_number(&self) -> bool {
        matches!(self.base.as_str(), "tinyint" | "smallint" | "int" | "bigint")
    }

    /// Whether a row that is made gets its value from the server's counting.
    pub(super) fn is_counted(&self) -> bool {
        self.identity
    }

    /// Whether nobody but the server gives values to the column.
    pub(super) fn is_the_servers(&self) -> bool {
        self.computed || matches!(self.base.as_str(), "timestamp" | "rowversion")
    }

    /// What texts in the column are compared by.
    pub(super) fn collation(&self) -> Option<&str> {
        self.collation.as_deref()
    }

    /// A bound value as SQL that the column takes. What does not fit is refused by the server and not cut.
    pub(super) fn assigned(&self, place: usize, is_bytes: bool) -> String {
        match self.base.as_str() {
            // A text in broken UTF-16 is bound as its bytes.
            "nchar" | "nvarchar" | "ntext" if is_bytes => format!("CAST(@P{place} AS nvarchar(max))"),
            "char" | "varchar" | "text" | "nchar" | "nvarchar" | "ntext" => format!("@P{place}"),
            "binary" | "varbinary" | "image" => format!("@P{place}"),
            "money" | "smallmoney" => format!("CAST(@P{place} AS decimal(19, 4))"),
            _ => format!("CAST(@P{place} AS {})", self.column.declared_type),
        }
    }

    /// A text in the notation that no setting of a language reads otherwise.
    pub(super) fn notation(&self, text: &str) -> String {
        match self.base.as_str() {
            "datetime" | "smalldatetime" => text.replacen(' ', "T", 1),
            _ => text.to_owned(),
        }
    }

    /// What the values of the column are when they come.
    pub(super) fn form(&self) -> Form {
        if matches!(self.base.as_str(), "nchar" | "nvarchar" | "ntext") { Form::Utf16 } else { Form::Plain }
    }
}

impl Selectable for TdsColumn {
    fn column(&self) -> &SourceColumn {
        &self.column
    }

    fn value(&self) -> String {
        let name = quoted(&self.column.name);
        match self.base.as_str() {
            // The driver would make an approximate number of it.
            "money" | "smallmoney" => format!("CAST({name} AS decimal(19, 4))"),
            // A text whose UTF-16 is broken would end the whole answer; as bytes it ends one row.
            "nchar" | "nvarchar" if self.size >= 0 => format!("CAST({name} AS varbinary(8000))"),
            "nvarchar" => format!("CAST({name} AS varbinary(max))"),
            "ntext" => format!("CAST(CAST({name} AS nvarchar(max)) AS varbinary(max))"),
            _ => name,
        }
    }

    fn order_in_key(&self) -> String {
        let name = quoted(&self.column.name);
        match self.base.as_str() {
            // By code units, and not by the bytes of a code page: a literal compares like this too. A key has room for
            // no more than 1,700 bytes.
            "char" | "varchar" => format!("CAST({name} AS nvarchar(4000)) {BY_BYTES}"),
            _ => self.order_by_text(),
        }
    }

    fn order_by_text(&self) -> String {
        let name = quoted(&self.column.name);
        match self.base.as_str() {
            "char" | "varchar" | "nchar" | "nvarchar" => format!("{name} {BY_BYTES}"),
            "text" | "ntext" | "xml" => format!("CAST({name} AS nvarchar(max)) {BY_BYTES}"),
            "image" => format!("CAST({name} AS varbinary(max))"),
            // Types of the CLR have no order of their own.
            _ if !self.is_readable() && self.base != "sql_variant" => {
                format!("CAST({name} AS varbinary(max))")
            }
            _ => name,
        }
    }

    fn value_in_mark(&self) -> Option<String> {
        let is_exact = self.is_readable() && !matches!(self.base.as_str(), "real" | "float");
        let is_long = matches!(self.base.as_str(), "text" | "ntext" | "image");
        (is_exact && !is_long).then(|| self.value())
    }

    fn mark_as_sql(&self, value: &KeyValue) -> Option<String> {
        let text = match value {
            KeyValue::Whole(number) => return Some(number.to_string()),
            KeyValue::Bytes(bytes) if is_bytes(&self.base) => {
                return Some(format!("0x{}", hexadecimal(bytes)));
            }
            KeyValue::Text(text) => text,
            KeyValue::Real(_) | KeyValue::Bytes(_) => return None,
        };
        let quoted = text.replace('\'', "''");
        match self.base.as_str() {
            "char" | "varchar" | "nchar" | "nvarchar" => Some(format!("N'{quoted}' {BY_BYTES}")),
            "datetime" | "smalldatetime" => {
                Some(format!("CAST('{}' AS {})", self.notation(&quoted), self.base))
            }
            "date" | "time" | "datetime2" | "datetimeoffset" | "uniqueidentifier" => {
                Some(format!("CAST('{quoted}' AS {})", self.column.declared_type))
            }
            _ => is_exact_number(text).then(|| text.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(base: &str, size: i16) -> TdsColumn {
        let column = SourceColumn {
            name: "a]b".to_owned(),
            declared_type: String::new(),
            kind: ColumnType::Text,
            nullable: None,
        };
        TdsColumn { column, base: base.to_owned(), size, identity: false, computed: false, collation: None }
    }

    #[test]
    fn types_are_told_as_they_are_declared() {
        assert_eq!(declared("nvarchar", 100, 0, 0), "nvarchar(50)");
        assert_eq!(declared("varchar", -1, 0, 0), "varchar(max)");
        assert_eq!(declared("decimal", 9, 19, 4), "decimal(19,4)");
        assert_eq!(declared("datetime2", 8, 27, 7), "datetime2(7)");
        assert_eq!(declared("int", 4, 10, 0), "int");
    }

    #[test]
    fn values_are_asked_for_in_a_form_that_loses_nothing() {
        assert_eq!(column("money", 8).value(), "CAST([a]]b] AS decimal(19, 4))");
        assert_eq!(column("nvarchar", -1).value(), "CAST([a]]b] AS varbinary(max))");
        assert_eq!(column("int", 4).value(), "[a]]b]");
    }

    #[test]
    fn what_cannot_be_read_is_known() {
        for base in ["sql_variant", "xml", "geography", "hierarchyid"] {
            assert!(!column(base, -1).is_readable(), "{base}");
        }
        assert!(column("timestamp", 8).is_readable());
    }
}
