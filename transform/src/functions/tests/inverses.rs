//! The laws of the way back, for every function that has one.

use super::*;

/// Calls a function with one text, as its examples are called.
fn read<'t>(ready: &Ready, text: &'t str) -> Outcome<'t> {
    match ready {
        Ready::Field(call, _) => call(&[Some(text)]),
        Ready::Check(_) | Ready::AcrossRows => unreachable!("a check has no way back"),
    }
}

fn invert(function: &Function, value: &Cell<'_>) -> Option<String> {
    let arguments = BTreeMap::new();
    function.invert.and_then(|invert| invert(&Settings { arguments: &arguments, scale: Some(2) }, value))
}

fn invertible() -> impl Iterator<Item = (&'static Function, Ready)> {
    registry().iter().filter(|function| function.invert.is_some()).map(|function| (function, ready(function)))
}

/// Texts in the canonical form of a function.
fn canonical(name: &str) -> BoxedStrategy<String> {
    let days = -719_162..=2_932_896_i32;
    let seconds = -62_135_596_800..253_402_300_800_i64;
    let time = move || seconds.clone().prop_map(|seconds| crate::calendar::iso_time(seconds * 1_000_000));
    match name {
        "text" | "bytes" => any::<String>().boxed(),
        "bool" => "[01]".boxed(),
        "int" => any::<i64>().prop_map(|number| number.to_string()).boxed(),
        "minutes" => "0|[1-9][0-9]{0,9}".boxed(),
        "decimal" | "measurement" => "-?(0|[1-9][0-9]{0,30})\\.[0-9][1-9]".boxed(),
        "ore" => "-?(0|[1-9][0-9]{0,12})\\.[0-9][1-9]".boxed(),
        "date" | "open_end_date" => days.prop_map(crate::calendar::iso_date).boxed(),
        "month" => "[12][0-9]{3}(0[1-9]|1[0-2])".boxed(),
        "time" | "open_end_time" | "utc_time" => time().boxed(),
        "kommunkod" => "[0-9]{4}".boxed(),
        "identifier_value" => "(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-2][1-8][0-9]{4}|99[0-9]{10}".boxed(),
        "name" => {
            "[A-ZÅÄÖÉ][a-zåäöé]{1,9}(-[A-ZÅÄÖ][a-zåäö]{1,9})?( von)?( [A-ZÅÄÖÕ][a-zåäöšã]{1,9})?".boxed()
        }
        "lagrum" => {
            "[1-9][0-9]? kap\\. [1-9][0-9]?( [a-o])? § (SoL|FB)|[1-9][0-9]? § (1 st\\. )?[1-9] LSS".boxed()
        }
        _ => panic!("{name} has a way back and no canonical texts here"),
    }
}

/// Any value of a type.
fn values(gives: FieldFunction) -> BoxedStrategy<Cell<'static>> {
    let text = prop_oneof!["\\PC{0,12}", "(SoL|LSS|LVU) [1-9](:[1-9])?( p[1-9])?", "[0-9]{3,12}"];
    match gives {
        FieldFunction::Text => text.prop_map(|text: String| Cell::Text(text.into())).boxed(),
        FieldFunction::Bytes => any::<Vec<u8>>().prop_map(|bytes| Cell::Bytes(bytes.into())).boxed(),
        FieldFunction::Bool => any::<bool>().prop_map(Cell::Bool).boxed(),
        FieldFunction::Int => any::<i64>().prop_map(Cell::Int).boxed(),
        FieldFunction::Decimal => any::<i128>().prop_map(Cell::Decimal).boxed(),
        FieldFunction::Date => any::<i32>().prop_map(Cell::Date).boxed(),
        FieldFunction::Time => any::<i64>().prop_map(Cell::Time).boxed(),
    }
}

/// Put-get: what the way back writes reads as the value, without a mark.
fn put_get(function: &Function, ready: &Ready, value: &Cell<'_>) -> Result<Option<String>, TestCaseError> {
    let Some(text) = invert(function, value) else { return Ok(None) };
    let again = read(ready, &text);
    prop_assert_eq!(again, Outcome::Value(value.clone()), "{}", function.spec.name);
    Ok(Some(text))
}

#[test]
fn the_way_back_is_exact_or_says_what_is_lost() {
    for function in registry() {
        let name = function.spec.name;
        match function.inverse() {
            Inverse::Exact => assert!(function.invert.is_some(), "{name}"),
            Inverse::Lossy(lost) => {
                assert!(
                    ["Lost: ", "None: ", "The "].iter().any(|start| lost.starts_with(start)),
                    "{name}: {lost}"
                );
            }
            Inverse::None => {
                assert!(function.spec.kind == FunctionKind::Check && function.invert.is_none(), "{name}");
            }
        }
    }
    assert!(invertible().count() >= 17);
}

#[test]
fn a_value_of_another_type_has_no_way_back() {
    let other = Cell::Id([0; 16]);
    assert!(invertible().all(|(function, _)| invert(function, &other).is_none()));
}

#[test]
fn the_examples_of_a_function_come_back() {
    for (function, ready) in invertible() {
        for (inputs, _) in function.examples {
            let [Some(text)] = inputs[..1] else { continue };
            if let Outcome::Value(value) = read(&ready, text) {
                let back =
                    invert(function, &value).unwrap_or_else(|| panic!("{}: {text}", function.spec.name));
                assert_eq!(read(&ready, &back), Outcome::Value(value), "{}", function.spec.name);
            }
        }
    }
}

#[test]
fn the_settings_of_a_rule_count() {
    let arguments = BTreeMap::from([("yes".to_owned(), "J".to_owned()), ("no".to_owned(), "N".to_owned())]);
    let settings = Settings { arguments: &arguments, scale: Some(4) };
    let back = |name, value| (find(name).and_then(|function| function.invert).unwrap())(&settings, &value);
    assert_eq!(back("bool", Cell::Bool(false)).as_deref(), Some("N"));
    assert_eq!(back("decimal", Cell::Decimal(-125)).as_deref(), Some("-0.0125"));
    assert_eq!(back("ore", Cell::Int(-5)).as_deref(), Some("-0.05"));
    assert_eq!(back("open_end_date", Cell::Date(-25_567)), None, "1900-01-01 is a stand-in date");
    assert_eq!(back("lagrum", Cell::Text("LVU 2; LVU 3".into())), None);
    assert_eq!(back("lagrum", Cell::Text("LSS 9 p4".into())).as_deref(), Some("9 § 4 LSS"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_read_without_a_mark_can_be_written_and_read_again(text in texts()) {
        for (function, ready) in invertible() {
            let Some(text) = text.as_deref() else { continue };
            if let Outcome::Value(value) = read(&ready, text) {
                let back = put_get(function, &ready, &value)?;
                prop_assert!(back.is_some(), "{} {:?}", function.spec.name, text);
                // Writing is stable: the form that is written is the canonical one.
                prop_assert_eq!(invert(function, &value), back);
            }
        }
    }

    #[test]
    fn a_canonical_text_comes_back_as_it_was(seeds in proptest::collection::vec(any::<u64>(), 1)) {
        for (function, ready) in invertible() {
            let mut runner = proptest::test_runner::TestRunner::new_with_rng(
                ProptestConfig::default(),
                proptest::test_runner::TestRng::from_seed(
                    proptest::test_runner::RngAlgorithm::ChaCha,
                    &seeds[0].to_be_bytes().repeat(4),
                ),
            );
            let text = canonical(function.spec.name).new_tree(&mut runner).unwrap().current();
            // The empty text is NULL for most functions, and a stand-in or a doubled hour is marked.
            if let Outcome::Value(value) = read(&ready, &text) {
                prop_assert_eq!(invert(function, &value), Some(text), "{}", function.spec.name);
            }
        }
    }

    #[test]
    fn any_value_is_written_so_that_it_is_read_again_or_not_at_all(
        text in values(FieldFunction::Text),
        bytes in values(FieldFunction::Bytes),
        truth in values(FieldFunction::Bool),
        number in values(FieldFunction::Int),
        decimal in values(FieldFunction::Decimal),
        date in values(FieldFunction::Date),
        time in values(FieldFunction::Time),
    ) {
        for (function, ready) in invertible() {
            for value in [&text, &bytes, &truth, &number, &decimal, &date, &time] {
                put_get(function, &ready, value)?;
            }
        }
    }
}

#[test]
fn canonical_texts_are_mostly_read() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for (function, ready) in invertible() {
        let texts = canonical(function.spec.name);
        let read = (0..200).filter(|_| {
            let text = texts.new_tree(&mut runner).unwrap().current();
            matches!(read(&ready, &text), Outcome::Value(_))
        });
        assert!(read.count() >= 150, "{}", function.spec.name);
    }
}
