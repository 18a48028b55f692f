//! The procedures that an ODBC driver asks for tables, columns and keys.

use crate::request::Parameter;
use crate::value::Value;
use crate::views::View;

/// A procedure: its name, the view that its rows come from, their order, and its parameters in their order, each
/// with the column that has to be like it, if one has.
struct Procedure {
    name: &'static str,
    view: &'static str,
    order: &'static str,
    parameters: &'static [(&'static str, &'static str)],
}

const PROCEDURES: [Procedure; 3] = [
    Procedure {
        name: "sp_tables",
        view: "sp_tables",
        order: "TABLE_TYPE, TABLE_OWNER, TABLE_NAME",
        parameters: &[
            ("@TABLE_NAME", "TABLE_NAME"),
            ("@TABLE_OWNER", "TABLE_OWNER"),
            ("@TABLE_QUALIFIER", "TABLE_QUALIFIER"),
            ("@TABLE_TYPE", ""),
            ("@FUSEPATTERN", ""),
        ],
    },
    Procedure {
        name: "sp_columns",
        view: "sp_columns",
        order: "TABLE_OWNER, TABLE_NAME, ORDINAL_POSITION",
        parameters: &[
            ("@TABLE_NAME", "TABLE_NAME"),
            ("@TABLE_OWNER", "TABLE_OWNER"),
            ("@TABLE_QUALIFIER", "TABLE_QUALIFIER"),
            ("@COLUMN_NAME", "COLUMN_NAME"),
            ("@ODBCVER", ""),
            ("@FUSEPATTERN", ""),
        ],
    },
    Procedure {
        name: "sp_pkeys",
        view: "sp_pkeys",
        order: "TABLE_OWNER, TABLE_NAME, KEY_SEQ",
        parameters: &[
            ("@TABLE_NAME", "TABLE_NAME"),
            ("@TABLE_OWNER", "TABLE_OWNER"),
            ("@TABLE_QUALIFIER", "TABLE_QUALIFIER"),
        ],
    },
];

/// The query that a call of a procedure is; `None` for a procedure or a parameter that is not known. A parameter
/// without a name is the one of its place, and `@P` with the number of its place in the query.
pub(crate) fn query(name: &str, given: &[Parameter]) -> Option<String> {
    let bare = name.rsplit('.').next().unwrap_or(name);
    let procedure = PROCEDURES.iter().find(|known| known.name.eq_ignore_ascii_case(bare))?;
    let mut conditions = Vec::new();
    for (place, parameter) in given.iter().enumerate() {
        let by_name = procedure.parameters.iter().find(|(known, _)| *known == parameter.name);
        let by_place = procedure.parameters.get(place).filter(|_| parameter.name.is_empty());
        let (_, column) = by_name.or(by_place)?;
        if column.is_empty() || parameter.value == Value::Null {
            continue;
        }
        let variable =
            if parameter.name.is_empty() { format!("@P{}", place + 1) } else { parameter.name.clone() };
        conditions.push(format!(" AND {column} LIKE {variable}"));
    }
    Some(format!(
        "SELECT * FROM sys.{} WHERE 1 = 1{} ORDER BY {}",
        procedure.view,
        conditions.concat(),
        procedure.order
    ))
}

/// The types of ODBC, by the names of those of the server.
const ODBC_TYPE: &str = "CASE c.type_name WHEN 'bit' THEN -7 WHEN 'tinyint' THEN -6 WHEN 'smallint' THEN 5
    WHEN 'int' THEN 4 WHEN 'bigint' THEN -5 WHEN 'real' THEN 7 WHEN 'float' THEN 6 WHEN 'decimal' THEN 3
    WHEN 'numeric' THEN 2 WHEN 'money' THEN 3 WHEN 'smallmoney' THEN 3 WHEN 'char' THEN 1
    WHEN 'varchar' THEN CASE WHEN c.max_length < 0 THEN -1 ELSE 12 END WHEN 'text' THEN -1 WHEN 'nchar' THEN -8
    WHEN 'nvarchar' THEN CASE WHEN c.max_length < 0 THEN -10 ELSE -9 END WHEN 'ntext' THEN -10
    WHEN 'image' THEN -4 WHEN 'binary' THEN -2 WHEN 'timestamp' THEN -2
    WHEN 'varbinary' THEN CASE WHEN c.max_length < 0 THEN -4 ELSE -3 END WHEN 'uniqueidentifier' THEN -11
    WHEN 'date' THEN 91 WHEN 'time' THEN -154 WHEN 'datetimeoffset' THEN -155 WHEN 'datetime' THEN 93
    WHEN 'smalldatetime' THEN 93 WHEN 'datetime2' THEN 93 WHEN 'xml' THEN -152 WHEN 'sql_variant' THEN -150
    ELSE -151 END";

/// The view that a procedure's rows come from. `database` is the name of the database as SQL text.
pub(crate) fn view(name: &str, database: &str) -> Option<View> {
    let head = format!("{database} AS TABLE_QUALIFIER, 'dbo' AS TABLE_OWNER, t.name AS TABLE_NAME");
    let both = "FROM main.tds_table AS t JOIN main.tds_column AS c ON c.object_id = t.object_id";
    Some(match name {
        "sp_tables" => View::new(
            "TABLE_QUALIFIER TABLE_OWNER TABLE_NAME TABLE_TYPE REMARKS",
            format!("SELECT {head}, 'TABLE' AS TABLE_TYPE, NULL AS REMARKS FROM main.tds_table AS t"),
        ),
        "sp_columns" => View::new(
            "TABLE_QUALIFIER TABLE_OWNER TABLE_NAME COLUMN_NAME DATA_TYPE:s TYPE_NAME PRECISION:i LENGTH:i SCALE:s
             RADIX:s NULLABLE:s REMARKS COLUMN_DEF SQL_DATA_TYPE:s SQL_DATETIME_SUB:s CHAR_OCTET_LENGTH:i
             ORDINAL_POSITION:i IS_NULLABLE SS_DATA_TYPE:t",
            format!(
                "SELECT {head}, c.name AS COLUMN_NAME, {ODBC_TYPE} AS DATA_TYPE, c.type_name AS TYPE_NAME,
                 CASE WHEN c.precision > 0 THEN c.precision WHEN c.max_length < 0 THEN 0
                 WHEN c.type_name LIKE 'n%char' THEN c.max_length / 2 ELSE c.max_length END AS PRECISION,
                 CASE WHEN c.max_length < 0 THEN 0 ELSE c.max_length END AS LENGTH,
                 CASE WHEN c.precision > 0 THEN c.scale END AS SCALE,
                 CASE WHEN c.precision > 0 THEN 10 END AS RADIX, c.nullable AS NULLABLE, NULL AS REMARKS,
                 NULL AS COLUMN_DEF, {ODBC_TYPE} AS SQL_DATA_TYPE, NULL AS SQL_DATETIME_SUB,
                 CASE WHEN c.precision = 0 AND c.max_length >= 0 THEN c.max_length END AS CHAR_OCTET_LENGTH,
                 c.column_id AS ORDINAL_POSITION, CASE WHEN c.nullable THEN 'YES' ELSE 'NO' END AS IS_NULLABLE,
                 0 AS SS_DATA_TYPE {both}"
            ),
        ),
        "sp_pkeys" => View::new(
            "TABLE_QUALIFIER TABLE_OWNER TABLE_NAME COLUMN_NAME KEY_SEQ:s PK_NAME",
            format!(
                "SELECT {head}, c.name AS COLUMN_NAME, c.key_ordinal AS KEY_SEQ, 'PK_' || t.name AS PK_NAME
                 {both} WHERE c.key_ordinal > 0"
            ),
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn text(name: &str, value: &str) -> Parameter {
        let value = if value.is_empty() { Value::Null } else { Value::Text(value.to_owned()) };
        Parameter { name: name.to_owned(), kind: Kind::Nvarchar(Some(128)), value }
    }

    #[test]
    fn parameters_are_known_by_name_and_by_place() {
        let by_name = query("sys.sp_pkeys", &[text("@TABLE_OWNER", ""), text("@TABLE_NAME", "T")]).unwrap();
        assert!(by_name.contains("WHERE 1 = 1 AND TABLE_NAME LIKE @TABLE_NAME ORDER"), "{by_name}");
        let by_place =
            query("SP_COLUMNS", &[text("", "T"), text("", ""), text("", ""), text("", "C")]).unwrap();
        assert!(by_place.contains("TABLE_NAME LIKE @P1 AND COLUMN_NAME LIKE @P4"), "{by_place}");
    }

    #[test]
    fn nothing_else_is_known() {
        assert_eq!(query("sp_help", &[]), None);
        assert_eq!(query("sp_tables", &[text("@FINT", "x")]), None);
    }
}
