//! Every type, as a client reads it.

use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

use super::*;

/// What a client reads from a column of this type that was given this value.
fn read(declared: &str, value: &str) -> ColumnData<'static> {
    let server = Server::builder()
        .script(&format!("CREATE TABLE T(ID int PRIMARY KEY, V {declared})"))
        .script(&format!("INSERT INTO T VALUES (1, {value}), (2, NULL)"))
        .start()
        .unwrap();
    let mut desk = Desk::new(&server);
    let null = desk.value("SELECT V FROM T WHERE ID = 2");
    assert!(format!("{null:?}").ends_with("(None)"), "{declared}: {null:?}");
    desk.value("SELECT V FROM T WHERE ID = 1")
}

#[test]
fn numbers() {
    let numeric = |value, scale| ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale)));
    for (declared, value, expected) in [
        ("bit", "1", ColumnData::Bit(Some(true))),
        ("tinyint", "255", ColumnData::U8(Some(255))),
        ("smallint", "-32768", ColumnData::I16(Some(-32768))),
        ("int", "2147483647", whole(i32::MAX)),
        ("bigint", "-5000000000", long(-5_000_000_000)),
        ("real", "'0.1'", ColumnData::F32(Some(0.1))),
        ("float", "'0.1'", ColumnData::F64(Some(0.1))),
        ("decimal(10,2)", "-12.345", numeric(-1235, 2)),
        ("numeric(18,0)", "7", numeric(7, 0)),
        (
            "decimal(38,1)",
            "1234567890123456789012345678901234567.8",
            numeric(12_345_678_901_234_567_890_123_456_789_012_345_678, 1),
        ),
        ("money", "-1234.5678", ColumnData::F64(Some(-1234.5678))),
        ("smallmoney", "1.5", ColumnData::F64(Some(1.5))),
    ] {
        assert_eq!(read(declared, value), expected, "{declared}");
    }
}

#[test]
fn texts_and_bytes() {
    let bytes = |bytes: &[u8]| ColumnData::Binary(Some(bytes.to_vec().into()));
    for (declared, value, expected) in [
        ("char(4)", "'åb'", text("åb  ")),
        ("varchar(20)", "'Åsa – 5 €'", text("Åsa – 5 €")),
        ("varchar(max)", "'ö'", text("ö")),
        ("varchar(5)", "N'Łó'", text("?ó")),
        ("nchar(3)", "N'Ł'", text("Ł  ")),
        ("nvarchar(20)", "N'\u{1f600}'", text("\u{1f600}")),
        ("nvarchar(max)", "''", text("")),
        ("text", "'gammal'", text("gammal")),
        ("ntext", "N'Ł'", text("Ł")),
        ("image", "0x00FF", bytes(&[0, 255])),
        ("binary(3)", "0x01", bytes(&[1, 0, 0])),
        ("varbinary(9)", "0x", bytes(&[])),
        ("varbinary(max)", "0x0102", bytes(&[1, 2])),
        ("rowversion", "0x00000000000007D1", bytes(&[0, 0, 0, 0, 0, 0, 7, 0xd1])),
        ("sql_variant", "N'vad som helst'", text("vad som helst")),
    ] {
        assert_eq!(read(declared, value), expected, "{declared}");
    }
    assert!(matches!(read("xml", "'<a/>'"), ColumnData::Xml(Some(_))));
    assert_eq!(read("geography", "0x01"), bytes(&[1]));
}

#[test]
fn identifiers_dates_and_times() {
    let guid = read("uniqueidentifier", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'");
    let ColumnData::Guid(Some(guid)) = guid else { panic!("{guid:?}") };
    assert_eq!(guid.to_string(), "6f9619ff-8b86-d011-b42d-00c04fc964ff");
    let moment = |day, ticks, scale| DateTime2::new(Date::new(day), Time::new(ticks, scale));
    for (declared, value, expected) in [
        ("date", "'0001-01-02'", ColumnData::Date(Some(Date::new(1)))),
        ("time(2)", "'00:00:01.5'", ColumnData::Time(Some(Time::new(150, 2)))),
        ("datetime", "'1900-01-02 00:00:00.003'", ColumnData::DateTime(Some(DateTime::new(1, 1)))),
        ("smalldatetime", "'1900-01-01 01:00'", ColumnData::SmallDateTime(Some(SmallDateTime::new(0, 60)))),
        ("datetime2(7)", "'0001-01-01 00:00:00.0000001'", ColumnData::DateTime2(Some(moment(0, 1, 7)))),
        (
            "datetimeoffset(0)",
            "'0001-01-02 00:00:01 +01:00'",
            ColumnData::DateTimeOffset(Some(DateTimeOffset::new(moment(0, 82_801, 0), 60))),
        ),
    ] {
        assert_eq!(read(declared, value), expected, "{declared}");
    }
}

#[test]
fn bytes_that_are_no_text_travel_as_they_are() {
    let server =
        Server::builder().script("CREATE TABLE T(ID int PRIMARY KEY, V varchar(9))").start().unwrap();
    server.run("INSERT INTO T(ID) VALUES (1)").unwrap();
    server.change(|database| database.execute_batch("UPDATE T SET V = X'8145'")).unwrap();
    assert_eq!(Desk::new(&server).value("SELECT V FROM T"), text("\u{81}E"));
}

#[test]
fn parameters_of_every_kind_arrive() {
    let server = people();
    let mut desk = Desk::new(&server);
    assert_eq!(desk.query("SELECT @P1", &[&"å"]).unwrap(), [[text("å")]]);
    assert_eq!(desk.query("SELECT @P1", &[&7i64]).unwrap(), [[long(7)]]);
    assert_eq!(desk.query("SELECT @P1", &[&0.5f64]).unwrap(), [[ColumnData::F64(Some(0.5))]]);
    let bytes = vec![1u8, 2];
    assert_eq!(
        desk.query("SELECT @P1", &[&bytes]).unwrap(),
        [[ColumnData::Binary(Some(bytes.clone().into()))]]
    );
    let none: Option<i32> = None;
    assert_eq!(desk.query("SELECT @P1", &[&none]).unwrap(), [[ColumnData::I32(None)]]);
    let rows = desk.query("SELECT Namn FROM KLIENT WHERE Enhet = @P2 AND ID > @P1", &[&0, &20]).unwrap();
    assert_eq!(rows, [[text("Örjan")]]);
}
