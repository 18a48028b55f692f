use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// What travels for a value, read back as a parameter of the same type.
fn there_and_back(declared: &str, value: &Value) -> Value {
    let kind = Kind::parse(declared).unwrap();
    let mut out = Out::default();
    kind.announce(&mut out);
    let token = out.0[0];
    let mut row = Out::default();
    write(&mut row, &kind, value).unwrap();
    if kind.is_old_large_object() && *value == Value::Null {
        assert_eq!(row.0, [0]);
        return Value::Null;
    }
    let mut input = In::new(&row.0);
    // Old large objects have a pointer before them in a row and none in a parameter.
    if kind.is_old_large_object() {
        input.take(25).unwrap();
    }
    let back = read(&mut input, &kind, token).unwrap();
    assert!(input.is_empty(), "{declared}");
    back
}

#[test]
fn every_type_carries_its_values() {
    for (declared, value) in [
        ("bit", Value::Whole(1)),
        ("tinyint", Value::Whole(255)),
        ("smallint", Value::Whole(-32768)),
        ("int", Value::Whole(-2_147_483_648)),
        ("bigint", Value::Whole(i64::MIN)),
        ("real", Value::Real(0.25)),
        ("float", Value::Real(-1.5e300)),
        ("decimal(38,0)", text("-99999999999999999999999999999999999999")),
        ("numeric(9,3)", text("-0.001")),
        ("money", text("-922337203685477.5808")),
        ("smallmoney", text("214748.3647")),
        ("varchar(20)", text("Åsa – 5 €")),
        ("varchar(max)", text("ö")),
        ("nvarchar(20)", text("Łódź \u{1f600}")),
        ("nvarchar(max)", text("")),
        ("text", text("gammal")),
        ("ntext", text("Ł")),
        ("image", Value::Bytes(vec![0, 255])),
        ("varbinary(5)", Value::Bytes(vec![])),
        ("varbinary(max)", Value::Bytes(vec![7; 20_000])),
        ("uniqueidentifier", text("6F9619FF-8B86-D011-B42D-00C04FC964FF")),
        ("date", text("9999-12-31")),
        ("time(3)", text("23:59:59.999")),
        ("datetime", text("1753-01-01 00:00:00.007")),
        ("smalldatetime", text("2079-06-06 23:59:00")),
        ("datetime2(7)", text("0001-01-01 00:00:00.0000001")),
        ("datetimeoffset(0)", text("2024-01-01 00:30:00 +01:00")),
    ] {
        assert_eq!(there_and_back(declared, &value), value, "{declared}");
        assert_eq!(there_and_back(declared, &Value::Null), Value::Null, "{declared}");
    }
}

#[test]
fn the_rarest_types_have_their_null() {
    for (declared, null) in [("sql_variant", 4), ("xml", 8), ("geography", 8), ("rowversion", 2)] {
        let mut out = Out::default();
        write(&mut out, &Kind::parse(declared).unwrap(), &Value::Null).unwrap();
        assert_eq!(out.0.len(), null, "{declared}");
    }
}

#[test]
fn fixed_lengths_are_filled_up() {
    assert_eq!(there_and_back("char(4)", &text("å")), text("å   "));
    assert_eq!(there_and_back("nchar(3)", &text("Ł")), text("Ł  "));
    assert_eq!(there_and_back("binary(3)", &Value::Bytes(vec![1])), Value::Bytes(vec![1, 0, 0]));
}

#[test]
fn bytes_on_the_wire() {
    let wire = |declared: &str, value: Value| {
        let mut out = Out::default();
        write(&mut out, &Kind::parse(declared).unwrap(), &value).unwrap();
        out.0
    };
    assert_eq!(wire("decimal(5,2)", text("-1.5")), [5, 0, 150, 0, 0, 0]);
    assert_eq!(wire("money", text("1")), [8, 0, 0, 0, 0, 0x10, 0x27, 0, 0]);
    assert_eq!(wire("date", text("0001-01-02")), [3, 1, 0, 0]);
    assert_eq!(wire("sql_variant", Value::Whole(1)), [10, 0, 0, 0, 0x7f, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(wire("nvarchar(4)", Value::Bytes(vec![0, 0xd8])), [2, 0, 0, 0xd8]);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    for (declared, value) in [
        ("tinyint", Value::Whole(256)),
        ("int", text("1.5")),
        ("decimal(3,1)", text("100")),
        ("smallmoney", text("214748.3648")),
        ("varchar(2)", text("abc")),
        ("date", text("2024-02-30")),
        ("smalldatetime", text("1899-12-31")),
        ("uniqueidentifier", text("6F9619FF")),
    ] {
        let refused = write(&mut Out::default(), &Kind::parse(declared).unwrap(), &value);
        assert_eq!(refused, Err(Unfit), "{declared}");
    }
}

#[test]
fn digits_beyond_the_scale_are_rounded_away_from_zero() {
    let shown = |text: &str| scaled(text, 2).map(|(negative, number)| unscaled(negative, number, 2));
    assert_eq!(shown("1.005").unwrap(), "1.01");
    assert_eq!(shown("-1.005").unwrap(), "-1.01");
    assert_eq!(shown("-.001").unwrap(), "0.00");
    assert_eq!(shown("7").unwrap(), "7.00");
    assert!([".", "", "1e3", "1,5", "--1"].into_iter().all(|wrong| scaled(wrong, 2).is_none()));
}
