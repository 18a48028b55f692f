//! FreeTDS against a server of SQL Server's protocol.

use bron_mappings::ColumnType;
use bron_tds::{Fault, Server};

use super::*;
use crate::odbc::form::{Declared, Form};
use crate::source::SourceColumn;

pub(super) fn at(server: &Server) -> Access {
    access(&server.odbc("bron", "Paraply"), Some("bron"))
}

fn form(code: i16, size: usize, scale: usize) -> Form {
    let declared = Declared { code, name: "", size: Some(size), scale: Some(scale) };
    Form::of(declared, Dialect::SqlServer)
}

/// Reads what a statement gives.
fn select(source: &OdbcSource, text: &str, forms: &[Form], batch_rows: usize) -> Result<WholeTable, Error> {
    let column = |(at, form): (usize, &Form)| SourceColumn {
        name: format!("c{at}"),
        declared_type: String::new(),
        kind: form.kind(),
        nullable: None,
    };
    let columns: Vec<SourceColumn> = forms.iter().enumerate().map(column).collect();
    let taker = RowTaker::new(String::new(), &columns);
    let query =
        Query { text: text.to_owned(), doing: "table t".to_owned(), forms: forms.to_vec(), key: Vec::new() };
    let rows = OdbcRows::open(
        source.connection(),
        &source.place,
        query,
        taker,
        source.manners,
        source.pace.begin(),
    )?;
    let schema = TableSchema { name: "t".to_owned(), columns, key_unique: Vec::new(), rows_estimate: 0 };
    let mut reader = TableRows::new(rows, &schema, &Span::default(), Batching::of(batch_rows));
    let mut found =
        WholeTable { batches: Vec::new(), ledger: reader.ledger(), unreadable: reader.take_unreadable() };
    for batch in reader.by_ref() {
        found.batches.push(batch.map_err(Error::from_reader)?);
    }
    found.ledger = reader.ledger();
    found.unreadable = reader.take_unreadable();
    Ok(found)
}

#[test]
fn the_contract_holds() {
    let values: Vec<String> = (1..=5_000)
        .map(|id| match id {
            4_321 => format!("({id}, N'{}')", "å".repeat(20_000)),
            _ => format!("({id}, N'kort')"),
        })
        .collect();
    let mut builder = Server::builder()
        .script(
            "CREATE TABLE t (id int NOT NULL PRIMARY KEY, [blank \"citat\" å] nvarchar(20) NULL, \
             lang nvarchar(max) NULL, data varbinary(max) NULL)",
        )
        .script("INSERT INTO t VALUES (3, NULL, NULL, NULL), (0, NULL, NULL, NULL), (2, N'', N'', 0x)")
        .script(&format!(
            "INSERT INTO t VALUES (1, N'Åsa 😀 – ö', N'{}', 0x{})",
            "ö😀".repeat(9_000),
            "00ff27".repeat(4_000)
        ))
        .script("CREATE TABLE utan (a nvarchar(20) NULL, b int NULL)")
        .script("INSERT INTO utan VALUES (N'b', 1), (N'a', 2), (NULL, 3), (N'', 4)")
        .script("CREATE TABLE tom (x int NULL)")
        .script("CREATE TABLE [Å tabell] (x int NULL)")
        .script("INSERT INTO [Å tabell] VALUES (1)")
        .script("CREATE TABLE manga (id int NOT NULL PRIMARY KEY, s nvarchar(max) NULL)");
    for some in values.chunks(500) {
        builder = builder.script(&format!("INSERT INTO manga VALUES {}", some.join(", ")));
    }
    let server = builder.start().unwrap();
    let mut source = open(&at(&server)).unwrap();
    assert!(source.driver_file.ends_with("libtdsodbc.so"));
    check_contract(&mut source);
}

#[test]
fn every_type_has_its_text() {
    let cases: [(&str, Form, &str, &str); 20] = [
        ("bit", form(-7, 1, 0), "1", "1"),
        ("tinyint", form(-6, 3, 0), "255", "255"),
        ("bigint", form(-5, 19, 0), "-9223372036854775807", "-9223372036854775807"),
        (
            "decimal(38,10)",
            form(3, 38, 10),
            "1234567890123456789012345678.5",
            "1234567890123456789012345678.5000000000",
        ),
        ("decimal(10,2)", form(3, 10, 2), "-0.5", "-0.50"),
        ("money", form(3, 19, 4), "12.5", "12.5000"),
        ("float", form(6, 53, 0), "0.1", "0.1"),
        ("real", form(7, 24, 0), "0.1", "0.1"),
        ("real", form(7, 24, 0), "1.2345678", "1.2345678"),
        ("date", form(91, 10, 0), "'0001-01-01'", "0001-01-01"),
        ("date", form(91, 10, 0), "'9999-12-31'", "9999-12-31"),
        ("datetime", form(93, 23, 3), "'2024-03-31 02:30:00.000'", "2024-03-31 02:30:00"),
        ("datetime2(7)", form(93, 27, 7), "'9999-12-31 23:59:59.9999999'", "9999-12-31 23:59:59.9999999"),
        ("smalldatetime", form(93, 16, 0), "'2024-03-31 02:30:00'", "2024-03-31 02:30:00"),
        ("time(3)", form(-154, 12, 3), "'07:05:00.250'", "07:05:00.25"),
        (
            "uniqueidentifier",
            form(-11, 36, 0),
            "'6F9619FF-8B86-D011-B42D-00CF4FC964FF'",
            "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
        ),
        ("char(4)", form(1, 4, 0), "'å'", "å   "),
        ("varchar(20)", form(12, 20, 0), "'Åsa Öberg'", "Åsa Öberg"),
        ("nvarchar(20)", form(-9, 20, 0), "N'Åsa 😀 – ö'", "Åsa 😀 – ö"),
        ("nvarchar(max)", form(-10, 0, 0), "N'rad ett'", "rad ett"),
    ];
    let columns: Vec<String> =
        cases.iter().enumerate().map(|(at, case)| format!("c{at} {} NULL", case.0)).collect();
    let list =
        |text: fn(&(&str, Form, &str, &str)) -> String| cases.iter().map(text).collect::<Vec<_>>().join(", ");
    let server = Server::builder()
        .script(&format!("CREATE TABLE t (id int NOT NULL PRIMARY KEY, {})", columns.join(", ")))
        .script(&format!("INSERT INTO t VALUES (1, {})", list(|_| "NULL".to_owned())))
        .script(&format!("INSERT INTO t VALUES (2, {})", list(|case| case.2.to_owned())))
        .start()
        .unwrap();
    let source = open(&at(&server)).unwrap();
    let forms: Vec<Form> = cases.iter().map(|case| case.1).collect();
    let names: Vec<String> = (0..cases.len()).map(|at| format!("c{at}")).collect();
    let text = format!("SELECT {} FROM dbo.t ORDER BY id", names.join(", "));
    let found = select(&source, &text, &forms, 10).unwrap();
    assert!(found.unreadable.is_empty());
    for (at, case) in cases.iter().enumerate() {
        assert_eq!(found.texts(at), [None, Some(case.3.to_owned())], "{}", case.0);
    }
}

#[test]
fn long_texts_and_bytes_come_whole() {
    let long = "ö😀".repeat(9_000);
    let server = Server::builder()
        .script("CREATE TABLE t (id int NOT NULL PRIMARY KEY, s nvarchar(max) NULL, b varbinary(max) NULL)")
        .script("INSERT INTO t VALUES (1, NULL, NULL)")
        .script("INSERT INTO t VALUES (2, N'', 0x)")
        .script(&format!("INSERT INTO t VALUES (3, N'{long}', 0x{})", "00ff27".repeat(4_000)))
        .start()
        .unwrap();
    let source = open(&at(&server)).unwrap();
    let forms = [form(-10, 0, 0), form(-4, 0, 0)];
    assert_eq!(forms.map(Form::kind), [ColumnType::Text, ColumnType::Bytes]);
    let found = select(&source, "SELECT s, b FROM dbo.t ORDER BY id", &forms, 10).unwrap();
    assert_eq!(found.texts(0), [None, Some(String::new()), Some(long)]);
    assert_eq!(bytes(&found, 1), [None, Some(Vec::new()), Some([0x00, 0xff, 0x27].repeat(4_000))]);
}

#[test]
fn one_moment_where_the_database_allows_it() {
    let server = Server::builder()
        .script("CREATE TABLE t (id int NOT NULL PRIMARY KEY)")
        .script("INSERT INTO t VALUES (1)")
        .start()
        .unwrap();
    let mut source = open(&at(&server)).unwrap();
    assert_eq!(source.consistency(), Consistency::Point { how: "snapshot transaction", at: String::new() });
    let forms = [form(4, 10, 0)];
    let rows = |source: &OdbcSource| select(source, "SELECT id FROM dbo.t ORDER BY id", &forms, 10).unwrap();
    source.fingerprint().unwrap();
    assert_eq!(rows(&source).ledger.staged, 1);
    server.run("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(rows(&source).ledger.staged, 1);
    source.fingerprint().unwrap();
    assert_eq!(rows(&source).ledger.staged, 2);
    let server = Server::builder().snapshot_isolation(false).start().unwrap();
    let source = open(&at(&server)).unwrap();
    assert!(matches!(source.consistency(), Consistency::None { why } if why.contains("snapshot isolation")));
}

#[test]
fn refusals_have_a_kind() {
    let server = Server::builder()
        .script("CREATE TABLE t (id int NOT NULL PRIMARY KEY)")
        .script("CREATE TABLE closed (id int NOT NULL PRIMARY KEY)")
        .deny("closed")
        .start()
        .unwrap();
    let source = open(&at(&server)).unwrap();
    let kind = |text: &str| select(&source, text, &[form(4, 10, 0)], 10).err().map(|error| error.kind());
    assert_eq!(kind("SELECT id FROM dbo.closed"), Some(ErrorKind::Permission));
    assert_eq!(kind("SELECT id FROM dbo.gone"), Some(ErrorKind::Drift));
    server.fault(Fault::lock_timeout().on("FROM dbo.t"));
    assert_eq!(kind("SELECT id FROM dbo.t"), Some(ErrorKind::Busy));
    let source = open(&at(&server)).unwrap();
    server.fault(Fault::deadlock().on("FROM dbo.t"));
    let error = select(&source, "SELECT id FROM dbo.t", &[form(4, 10, 0)], 10).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    let wrong = Access { password: Some(Sensitive::new("gissning".to_owned())), ..at(&server) };
    let error = open(&wrong).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    assert!(!format!("{error:?}").contains("gissning"), "{error:?}");
    let access = at(&server);
    drop(server);
    assert!(open(&access).err().unwrap().is_retryable());
}

#[test]
fn a_table_that_breaks_off_is_never_a_short_one() {
    let values: Vec<String> = (1..=900).map(|id| format!("({id})")).collect();
    let server = Server::builder()
        .script("CREATE TABLE t (id int NOT NULL PRIMARY KEY)")
        .script(&format!("INSERT INTO t VALUES {}", values.join(", ")))
        .start()
        .unwrap();
    let forms = [form(4, 10, 0)];
    let text = "SELECT id FROM dbo.t ORDER BY id";
    let source = open(&at(&server)).unwrap();
    assert_eq!(select(&source, text, &forms, 100).unwrap().ledger.staged, 900);
    for fault in [Fault::cut_after_rows(450), Fault::cut_after_bytes(3_000)] {
        let source = open(&at(&server)).unwrap();
        server.fault(fault.on("FROM dbo.t"));
        let error = select(&source, text, &forms, 100).expect_err("the table did not come whole");
        assert!(error.is_retryable(), "{error}");
    }
}

#[test]
fn texts_in_a_key_are_ordered_by_their_bytes() {
    let server = Server::builder()
        .script("CREATE TABLE ordnad (k nvarchar(9) NOT NULL PRIMARY KEY)")
        .script("INSERT INTO ordnad VALUES (N'ö'), (N'b'), (N'Z'), (N'a'), (N'å')")
        .start()
        .unwrap();
    check_order(&mut open(&at(&server)).unwrap());
}

#[test]
fn what_is_of_no_certain_type_is_named_and_the_rest_is_read() {
    let columns = "id int NOT NULL PRIMARY KEY, Vad sql_variant NULL, Namn nvarchar(9) NULL, Mer xml NULL";
    let server = Server::builder()
        .script(&format!("CREATE TABLE t ({columns})"))
        .script("INSERT INTO t VALUES (1, N'hemligt', N'Åsa', N'<a/>')")
        .start()
        .unwrap();
    let mut source = open(&at(&server)).unwrap();
    let described = table(&mut source, "t");
    let only = |names: &[&str]| {
        let columns = described.columns.iter().filter(|column| names.contains(&column.name.as_str()));
        TableSchema { columns: columns.cloned().collect(), ..described.clone() }
    };
    for (column, declared) in [("Vad", "sql_variant"), ("Mer", "xml")] {
        let error = read_table(&mut source, &only(&["id", column]), 10).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Unreadable);
        assert!(said.contains(&format!("column {column} has the type {declared}")), "{said}");
    }
    assert_eq!(read_table(&mut source, &only(&["id", "Namn"]), 10).unwrap().texts(1), some(&["Åsa"]));
}
