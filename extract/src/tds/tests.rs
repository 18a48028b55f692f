//! Against the small server of the tests, and what any server can be asked also against the one that the
//! environment variable `BRON_TEST_MSSQL` names.

pub(crate) mod bench;
mod faults;
mod transfers;

use bron_mappings::Cells;
use bron_tds::Server;

use super::*;
use crate::source::tests::reading::{WholeTable, read, table};
use crate::stage::tests::resuming;

/// Access to a test server that has nothing special about it.
pub(super) fn access(server: &Server) -> Access {
    let address = format!("mssql://bron@127.0.0.1:{}/Paraply", server.addr().port());
    let access = Access::new(Locator::parse(&address).unwrap());
    Access { password: Some("bron".to_owned().into()), ..access }
}

fn open(access: &Access) -> Result<MssqlSource, Error> {
    let Locator::Mssql(address) = &access.locator else { panic!("not a server") };
    MssqlSource::open(access, address)
}

fn server(script: &str) -> Server {
    Server::builder().script(script).start().unwrap()
}

/// A small table of persons with tracked changes.
pub(super) fn tracked() -> Server {
    server(
        "CREATE TABLE KLIENT(ID int PRIMARY KEY, Namn nvarchar(50));
         INSERT INTO KLIENT VALUES (1, N'Åsa'), (2, N'Örjan'), (3, NULL);
         ALTER TABLE KLIENT ENABLE CHANGE_TRACKING",
    )
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn tables_columns_and_keys_are_described() {
    bench::each(|bench| {
        let name = bench.create(
            "(Del char(2), ID numeric(10,0), [Namn på] nvarchar(50), Bild varbinary(max), PRIMARY KEY (ID, Del))",
        );
        bench.run(&format!("INSERT INTO {name}(Del, ID) VALUES ('a', 1), ('b', 1)"));
        let found = table(&mut bench.open(), &name);
        assert_eq!(found.key_unique, ["ID", "Del"]);
        assert_eq!(found.rows_estimate, 2);
        let columns: Vec<_> = found
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.declared_type.as_str(), column.kind))
            .collect();
        use bron_mappings::ColumnType::{Bytes, Text};
        assert_eq!(
            columns,
            [
                ("Del", "char(2)", Text),
                ("ID", "numeric(10,0)", Text),
                ("Namn på", "nvarchar(50)", Text),
                ("Bild", "varbinary(max)", Bytes)
            ]
        );
    });
}

/// A declared type, a value in SQL and the text that it travels as.
pub(super) const TEXTS: [(&str, &str, &str); 37] = [
    ("bit", "1", "1"),
    ("tinyint", "255", "255"),
    ("smallint", "-32768", "-32768"),
    ("int", "2147483647", "2147483647"),
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("decimal(10,2)", "-12.5", "-12.50"),
    ("numeric(38,4)", "-1234567890123456789012345678901234.5678", "-1234567890123456789012345678901234.5678"),
    ("decimal(5,0)", "7", "7"),
    ("money", "922337203685477.5807", "922337203685477.5807"),
    ("smallmoney", "-0.0001", "-0.0001"),
    ("real", "'0.1'", "0.1"),
    ("float", "'0.1'", "0.1"),
    ("float", "'1e21'", "1000000000000000000000"),
    ("char(4)", "'åb'", "åb  "),
    ("varchar(20)", "'Åsa – 5 €'", "Åsa – 5 €"),
    ("varchar(max)", "'rad ett\nrad två'", "rad ett\nrad två"),
    ("varchar(9)", "''", ""),
    ("nchar(3)", "N'Ł'", "Ł  "),
    ("nvarchar(20)", "N'\u{1f600} Łódź'", "\u{1f600} Łódź"),
    ("nvarchar(max)", "N''", ""),
    ("text", "'gammal'", "gammal"),
    ("ntext", "N'Ł'", "Ł"),
    ("uniqueidentifier", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'", "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    ("date", "'0001-01-01'", "0001-01-01"),
    ("date", "'9999-12-31'", "9999-12-31"),
    ("time(0)", "'23:59:59'", "23:59:59"),
    ("time(7)", "'00:00:00.0000001'", "00:00:00.0000001"),
    ("time(3)", "'07:05:00.250'", "07:05:00.25"),
    ("datetime", "'1753-01-01T00:00:00.003'", "1753-01-01 00:00:00.003"),
    ("datetime", "'9999-12-31T23:59:59.997'", "9999-12-31 23:59:59.997"),
    ("datetime", "'2024-02-29T12:00:00'", "2024-02-29 12:00:00"),
    ("smalldatetime", "'2079-06-06T23:59:00'", "2079-06-06 23:59:00"),
    ("datetime2(7)", "'2024-03-31 02:30:00.1234567'", "2024-03-31 02:30:00.1234567"),
    ("datetime2(0)", "'2024-03-31 02:30:00'", "2024-03-31 02:30:00"),
    ("datetimeoffset(7)", "'2024-01-01 00:30:00.5 +01:00'", "2024-01-01 00:30:00.5 +01:00"),
    ("datetimeoffset(0)", "'2024-07-01 08:00:00 -03:30'", "2024-07-01 08:00:00 -03:30"),
    ("nvarchar(4000)", "N'å'", "å"),
];

#[test]
fn every_type_has_its_text() {
    bench::each(|bench| {
        let columns = TEXTS.iter().enumerate().map(|(at, (declared, ..))| format!("c{at} {declared} NULL"));
        let name = bench.create(&format!("(ID int PRIMARY KEY, {})", columns.collect::<Vec<_>>().join(", ")));
        let values: Vec<&str> = TEXTS.iter().map(|(_, value, _)| *value).collect();
        bench.run(&format!("INSERT INTO {name} VALUES (1, {})", values.join(", ")));
        bench.run(&format!("INSERT INTO {name}(ID) VALUES (2)"));
        let found = read(&mut bench.open(), &name, 10).unwrap();
        assert_eq!((found.ledger.staged, found.unreadable.len()), (2, 0));
        for (at, (declared, _, expected)) in TEXTS.iter().enumerate() {
            assert_eq!(found.texts(at + 1), [Some((*expected).to_owned()), None], "{declared}");
        }
    });
}

#[test]
fn binary_types_travel_as_bytes() {
    bench::each(|bench| {
        let name =
            bench.create("(ID int PRIMARY KEY, a binary(3), b varbinary(9), c varbinary(max), d image)");
        bench.run(&format!("INSERT INTO {name} VALUES (1, 0x01, 0x, 0x00FF, 0x0D0A)"));
        let found = read(&mut bench.open(), &name, 10).unwrap();
        let expected: [&[u8]; 4] = [&[1, 0, 0], &[], &[0, 255], &[13, 10]];
        for (column, expected) in (1..).zip(expected) {
            let Cells::Bytes(cells) = found.batches[0].cells(column) else {
                panic!("column {column} holds text")
            };
            assert_eq!(cells.value(0), expected);
        }
    });
}

#[test]
fn rows_come_in_the_order_of_the_key_by_code_units() {
    bench::each(|bench| {
        let name = bench.create("(K nvarchar(9) PRIMARY KEY, V varchar(9) NULL)");
        bench.run(&format!("INSERT INTO {name} VALUES (N'ö', ''), (N'b', NULL), (N'Z', 'x'), (N'å', 'y')"));
        let found = read(&mut bench.open(), &name, 3).unwrap();
        assert_eq!(found.texts(0), some(&["Z", "b", "å", "ö"]));
        assert_eq!(found.texts(1), [Some("x".to_owned()), None, Some("y".to_owned()), Some(String::new())]);
    });
}

#[test]
fn a_table_without_a_key_has_an_order_too() {
    bench::each(|bench| {
        let name = bench.create("(A ntext, B int NULL, C image, D varchar(9))");
        bench.run(&format!(
            "INSERT INTO {name} VALUES (N'b', 1, 0x02, 'x'), (N'a', 2, 0x, 'x'), (N'a', NULL, 0x, 'y')"
        ));
        let found = read(&mut bench.open(), &name, 10).unwrap();
        assert_eq!(found.texts(0), some(&["a", "a", "b"]));
        assert_eq!(found.texts(1), [None, Some("2".to_owned()), Some("1".to_owned())]);
    });
}

#[test]
fn a_broken_text_costs_its_row_and_no_other() {
    bench::each(|bench| {
        let name = bench.create("(ID int PRIMARY KEY, Namn nvarchar(9))");
        bench.run(&format!(
            "INSERT INTO {name} VALUES (1, N'hel'), (2, CAST(0x00D8 AS nvarchar(9))), (3, N'med')"
        ));
        let found = read(&mut bench.open(), &name, 10).unwrap();
        assert_eq!(found.texts(1), some(&["hel", "med"]));
        assert!(found.ledger.is_balanced());
        let [row] = found.unreadable.as_slice() else { panic!("one row was kept aside") };
        assert_eq!((row.line, row.column.as_deref()), (2, Some("Namn")));
        assert_eq!(row.raw, b"i\0\0\0\x012b\0\0\0\x02\x00\xd8");
    });
}

#[test]
fn batches_do_not_change_what_is_read() {
    bench::each(|bench| {
        let name = bench.create("(ID int PRIMARY KEY, Namn nvarchar(200))");
        for start in (0..2000).step_by(500) {
            let rows: Vec<String> =
                (start..start + 500).map(|id| format!("({id}, N'{}')", "å".repeat(id % 150))).collect();
            bench.run(&format!("INSERT INTO {name} VALUES {}", rows.join(", ")));
        }
        let mut source = bench.open();
        let (small, large) =
            (read(&mut source, &name, 7).unwrap(), read(&mut source, &name, 100_000).unwrap());
        assert_eq!((small.batches.len(), large.batches.len()), (286, 1));
        assert_eq!((small.texts(0), small.texts(1)), (large.texts(0), large.texts(1)));
        assert_eq!(small.ledger, large.ledger);
    });
}

#[test]
fn columns_that_nobody_wants_are_not_read() {
    bench::each(|bench| {
        let name = bench.create("(ID int PRIMARY KEY, Vad sql_variant, Hemligt nvarchar(9), Mer xml)");
        bench.run(&format!("INSERT INTO {name} VALUES (1, N'a', N'b', '<a/>')"));
        let mut source = bench.open();
        for unread in ["Vad", "Mer"] {
            let mut wanted = table(&mut source, &name);
            wanted.columns.retain(|column| column.name == unread);
            let error = source.read(&wanted, 10).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unreadable);
            assert!(error.to_string().contains(&name) && error.to_string().contains(unread), "{error}");
        }
        for columns in [&["ID"][..], &[]] {
            let mut wanted = table(&mut source, &name);
            wanted.columns.retain(|column| columns.contains(&column.name.as_str()));
            let rows: usize = source.read(&wanted, 10).unwrap().map(|batch| batch.unwrap().rows()).sum();
            assert_eq!(rows, 1);
        }
    });
}

#[test]
fn a_server_that_is_named_is_left_as_it_was() {
    let server = server("");
    let port = server.addr().port();
    let place = format!("Server=tcp:127.0.0.1,{port};Database=Paraply");
    let mut bench = bench::Bench::named(&format!("{place};User Id=bron;Password=bron;Encrypt=no"));
    let name = bench.create("(ID int PRIMARY KEY)");
    bench.run(&format!("INSERT INTO {name} VALUES (1)"));
    assert_eq!(read(&mut bench.open(), &name, 10).unwrap().ledger.read, 1);
    drop(bench);
    assert_eq!(open(&access(&server)).unwrap().tables().unwrap(), []);
}

#[test]
fn a_server_that_is_named_takes_part_in_following_when_it_tracks() {
    let server = server("CREATE TABLE KLIENT(ID int PRIMARY KEY)");
    let place = format!("Server=tcp:127.0.0.1,{};Database=Paraply", server.addr().port());
    let bench = bench::Bench::named(&format!("{place};User Id=bron;Password=bron;Encrypt=no"));
    assert!(!bench.tracks());
    server.run("ALTER TABLE KLIENT ENABLE CHANGE_TRACKING").unwrap();
    assert!(bench.tracks());
    server.allow_snapshot_isolation(false).unwrap();
    assert!(!bench.tracks());
}

#[test]
fn what_is_not_there_any_more_is_drift() {
    bench::each(|bench| {
        let name = bench.create("(ID int PRIMARY KEY, Namn nvarchar(9))");
        let mut source = bench.open();
        let mut described = table(&mut source, &name);
        described.columns[1].name = "Saknas".to_owned();
        let error = source.read(&described, 10).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Drift);
        assert!(error.to_string().contains("Saknas"), "{error}");
        described.name = format!("{name}_saknas");
        assert_eq!(source.read(&described, 10).err().unwrap().kind(), ErrorKind::Drift);
        let elsewhere = Access { schema: Some("saknas".to_owned()), ..bench.access() };
        assert_eq!(open(&elsewhere).unwrap().tables().unwrap(), []);
    });
}

#[test]
fn one_moment_for_every_read() {
    bench::each(|bench| {
        let name = bench.create("(ID int PRIMARY KEY)");
        bench.run(&format!("INSERT INTO {name} VALUES (1), (2)"));
        let mut source = bench.open();
        source.fingerprint().unwrap();
        let held = matches!(source.consistency(), Consistency::Point { .. });
        assert_eq!(read(&mut source, &name, 10).unwrap().ledger.read, 2);
        bench.run(&format!("DELETE FROM {name} WHERE ID = 1"));
        assert_eq!(read(&mut source, &name, 10).unwrap().ledger.read, if held { 2 } else { 1 });
        source.fingerprint().unwrap();
        assert_eq!(read(&mut source, &name, 10).unwrap().ledger.read, 1);
    });
}

#[test]
fn the_fingerprint_moves_with_every_change_and_only_then() {
    let server = tracked();
    let mut source = open(&access(&server)).unwrap();
    let mut last = source.fingerprint().unwrap();
    assert_eq!(source.fingerprint().unwrap(), last);
    assert_eq!(open(&access(&server)).unwrap().fingerprint().unwrap(), last);
    let Consistency::Point { how, at } = source.consistency() else { panic!("a point") };
    assert_eq!((how, at.as_str()), ("snapshot transaction", "change-tracking version 0"));
    for change in [
        "UPDATE KLIENT SET Namn = N'x' WHERE ID = 1",
        "TRUNCATE TABLE KLIENT",
        "ALTER TABLE KLIENT ADD Epost varchar(50) NULL",
        "ALTER TABLE KLIENT DROP COLUMN Epost; INSERT INTO KLIENT(ID) VALUES (9)",
    ] {
        server.run(change).unwrap();
        let next = source.fingerprint().unwrap();
        assert_ne!(next, last, "{change}");
        last = next;
    }
    server.set_recovery_fork("00000000-0000-0000-0000-0000000000FF").unwrap();
    assert_ne!(source.fingerprint().unwrap(), last);
}

#[test]
fn a_fingerprint_is_not_repeated_when_nobody_notes_the_changes() {
    let server = tracked();
    server.run("CREATE TABLE OSPARAD(ID int PRIMARY KEY)").unwrap();
    let mut source = open(&access(&server)).unwrap();
    let first = source.fingerprint().unwrap();
    assert_ne!(source.fingerprint().unwrap(), first);
    server.run("ALTER TABLE OSPARAD ENABLE CHANGE_TRACKING").unwrap();
    let second = source.fingerprint().unwrap();
    assert_eq!(source.fingerprint().unwrap(), second);
}

#[test]
fn without_snapshots_there_is_no_moment() {
    let server = tracked();
    server.allow_snapshot_isolation(false).unwrap();
    let mut source = open(&access(&server)).unwrap();
    let first = source.fingerprint().unwrap();
    assert_ne!(source.fingerprint().unwrap(), first);
    let Consistency::None { why } = source.consistency() else { panic!("it claims one moment") };
    assert!(why.contains("SNAPSHOT"), "{why}");
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
}

#[test]
fn a_database_snapshot_is_read_by_several_at_once() {
    let server = tracked();
    server.create_snapshot("Paraply_natt").unwrap();
    server.run("DELETE FROM KLIENT").unwrap();
    let access = Access { snapshot: Some("Paraply_natt".to_owned()), ..access(&server) };
    let mut source = open(&access).unwrap();
    let first = source.fingerprint().unwrap();
    assert_eq!(source.fingerprint().unwrap(), first);
    let point = Consistency::Point { how: "database snapshot", at: "Paraply_natt".to_owned() };
    assert_eq!(source.consistency(), point);
    let mut beside = source.beside().unwrap().unwrap();
    let all = |found: Result<WholeTable, Error>| found.unwrap().texts(1);
    assert_eq!(all(read(&mut source, "KLIENT", 10)), all(read(beside.as_mut(), "KLIENT", 10)));
    assert!(open(&self::access(&server)).unwrap().beside().unwrap().is_none());
    let live = Access { snapshot: Some("Paraply".to_owned()), ..access };
    assert_eq!(open(&live).err().unwrap().kind(), ErrorKind::Settings);
}

#[test]
fn a_table_that_was_left_is_read_past() {
    let server = tracked();
    let rows: Vec<String> = (0..5000).map(|id| format!("({id}, N'{}')", "x".repeat(200))).collect();
    server
        .run(&format!(
            "CREATE TABLE STOR(ID int PRIMARY KEY, V nvarchar(200)); INSERT INTO STOR VALUES {}",
            rows.join(", ")
        ))
        .unwrap();
    let mut source = open(&access(&server)).unwrap();
    let big = table(&mut source, "STOR");
    let mut reader = source.read(&big, 10).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().rows(), 10);
    drop(reader);
    assert_eq!(read(&mut source, "KLIENT", 10).unwrap().ledger.read, 3);
    assert_eq!(read(&mut source, "STOR", 1000).unwrap().sum(0), 4999 * 5000 / 2);
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_server_is_told_to_be_spared() {
    let server = tracked();
    let mut access = access(&server);
    access.manners.lock_timeout = Duration::from_millis(250);
    access.manners.rows_per_second = Some(60);
    let mut source = open(&access).unwrap();
    let began = std::time::Instant::now();
    assert_eq!(read(&mut source, "KLIENT", 1).unwrap().ledger.read, 3);
    assert!(began.elapsed() >= Duration::from_millis(50));
    let login = server.logins().remove(0);
    assert!(login.read_only && login.program == "bron");
    let statements = server.statements();
    for told in ["SET DEADLOCK_PRIORITY LOW ;", "SET LOCK_TIMEOUT literal ;"] {
        assert!(statements.iter().any(|statement| statement == told), "{told}: {statements:?}");
    }
}

#[test]
fn reading_goes_on_behind_every_part() {
    bench::each(|bench| {
        let name = bench.create("(Nr int, Namn nvarchar(20), V nvarchar(9) NULL, PRIMARY KEY (Nr, Namn))");
        let rows = (0..200).map(|row| match row {
            77 | 78 | 120 => format!("({}, N'{}', CAST(0x00D8 AS nvarchar(9)))", row / 7, row % 7),
            _ => format!("({}, N'{}', N'rad')", row / 7, row % 7),
        });
        bench.run(&format!("INSERT INTO {name} VALUES {}", rows.collect::<Vec<_>>().join(", ")));
        let access = bench.access();
        let open = || -> Box<dyn Source + Send> { Box::new(open(&access).unwrap()) };
        resuming::check(&open, &name, "", 30, 1);
        resuming::check(&open, &name, "Namn", 30, 1);
    });
}

#[test]
fn keys_of_any_type_are_found_again() {
    let keys = [
        ("bigint", "-9223372036854775808|9223372036854775807|0|-1"),
        ("nvarchar(20)", "N'a'|N'å'|N'Z'|N'o''x'|N'\u{1f600}'|N''|N'Ł'"),
        ("varchar(20)", "'a'|'å'|'Z'|'€'|'~'|'ÿ'|''"),
        ("char(4)", "'a'|'ab'|'abc'|'å'"),
        (
            "uniqueidentifier",
            "'6f9619ff-8b86-d011-b42d-00c04fc964ff'|'00000000-8b86-d011-b42d-00c04fc964ff'|\
                              'ffffffff-8b86-d011-b42d-00c04fc96400'",
        ),
        ("date", "'0001-01-01'|'9999-12-31'|'2024-02-29'"),
        ("datetime", "'1753-01-01T00:00:00.003'|'9999-12-31T23:59:59.997'|'2024-02-29T12:00:00'"),
        ("smalldatetime", "'2079-06-06T23:59:00'|'1900-01-01T00:00:00'|'2024-01-01T00:01:00'"),
        ("datetime2(7)", "'2024-03-31 02:30:00.1234567'|'2024-03-31 02:30:00.1234568'|'0001-01-01'"),
        ("time(3)", "'07:05:00.250'|'00:00:00'|'23:59:59.999'"),
        ("varbinary(9)", "0x00FF|0x01|0xFF|0x0001"),
        ("decimal(10,0)", "-12|7|100"),
    ];
    bench::each(|bench| {
        for (kind, values) in keys {
            let name = bench.create(&format!("(K {kind} PRIMARY KEY, V int)"));
            let rows: Vec<String> = values.split('|').map(|value| format!("({value}, 1)")).collect();
            bench.run(&format!("INSERT INTO {name} VALUES {}", rows.join(", ")));
            let access = bench.access();
            let open = || -> Box<dyn Source + Send> { Box::new(open(&access).unwrap()) };
            resuming::check(&open, &name, "K", 1, 1);
            resuming::check(&open, &name, "", 1, 1);
        }
    });
}

#[test]
fn a_database_snapshot_is_read_in_ranges_and_goes_on_behind_every_part() {
    let server = tracked();
    let rows = (0..400).map(|id| match id {
        99 | 100 | 250 => format!("({}, CAST(0x00D8 AS nvarchar(9)))", id * 7 - 900),
        _ => format!("({}, N'rad {id}')", id * 7 - 900),
    });
    let rows: Vec<String> = rows.collect();
    server
        .run(&format!(
            "CREATE TABLE STOR(ID int PRIMARY KEY, V nvarchar(200)); INSERT INTO STOR VALUES {}",
            rows.join(", ")
        ))
        .unwrap();
    server.create_snapshot("Paraply_natt").unwrap();
    let access = Access { snapshot: Some("Paraply_natt".to_owned()), ..access(&server) };
    let open = || -> Box<dyn Source + Send> { Box::new(open(&access).unwrap()) };
    resuming::check(&open, "STOR", "", 60, 3);
    resuming::check(&open, "STOR", "ID", 60, 2);
}
