mod inverses;

use bron_mappings::{FieldFunction, FunctionKind};
use proptest::prelude::*;

use super::*;

/// A function made ready as its examples say.
enum Ready {
    Field(FieldFn, FieldFunction),
    Check(CheckFn),
    AcrossRows,
}

fn ready(function: &Function) -> Ready {
    let with = function.with.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let arguments = with.collect();
    let settings = Settings { arguments: &arguments, scale: Some(2) };
    match (function.build, function.spec.kind) {
        (Build::Field(build), FunctionKind::Field(gives)) => Ready::Field(build(&settings).unwrap(), gives),
        (Build::Check(build), FunctionKind::Check) => Ready::Check(build(&settings).unwrap()),
        (Build::AcrossRows(_), FunctionKind::Check) => Ready::AcrossRows,
        _ => panic!("`{}` is documented as another kind than it is built as", function.spec.name),
    }
}

fn describe(ready: &Ready, inputs: &[Option<&str>]) -> String {
    match ready {
        Ready::Field(call, _) => call(inputs).describe(),
        Ready::Check(call) => call(inputs).to_string(),
        Ready::AcrossRows => unreachable!("it has no examples"),
    }
}

#[test]
fn every_function_has_a_phrase_in_swedish() {
    let problems: Vec<String> = registry()
        .iter()
        .flat_map(|function| bron_mappings::handbook::phrase_problems(&function.spec))
        .collect();
    assert_eq!(problems, [""; 0]);
}

#[test]
fn every_example_holds() {
    let mut wrong = Vec::new();
    for function in registry() {
        let ready = ready(function);
        for (inputs, expected) in function.examples {
            let found = describe(&ready, inputs);
            if found != *expected {
                wrong.push(format!("{} {inputs:?}: {found} and not {expected}", function.spec.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_examples_with_as_many_columns_as_it_reads() {
    for Function { spec, build, examples, .. } in registry() {
        let (fewest, most) = spec.inputs;
        assert!(examples.iter().all(|(inputs, _)| (fewest..=most).contains(&inputs.len())), "{}", spec.name);
        assert!(examples.len() >= 4 || matches!(build, Build::AcrossRows(_)), "{}", spec.name);
        assert!((fewest >= 1 || spec.name == "holds") && fewest <= most, "{}", spec.name);
    }
}

#[test]
fn the_registry_is_ordered_and_every_name_is_found() {
    assert!(registry().windows(2).all(|pair| pair[0].spec.name < pair[1].spec.name));
    for function in registry() {
        assert_eq!(find(function.spec.name).map(|found| found.spec.name), Some(function.spec.name));
    }
    assert!(find("").is_none() && find("zero").is_none());
}

#[test]
fn the_documentation_is_one_line_each() {
    for Function { spec, .. } in registry() {
        for line in [spec.about, spec.inverse] {
            assert!(
                line.ends_with('.') && !line.contains('\n') && !line.contains("  "),
                "{}: {line}",
                spec.name
            );
        }
    }
}

#[test]
fn every_mark_that_a_field_function_documents_is_shown_by_an_example() {
    for function in registry() {
        if matches!(function.build, Build::Field(_)) {
            for mark in function.spec.marks {
                let shown = function.examples.iter().any(|(_, outcome)| outcome.contains(mark.code()));
                assert!(shown, "{} {mark}", function.spec.name);
            }
        }
    }
}

#[test]
fn missing_columns_are_null_and_break_no_rule() {
    for function in registry() {
        match ready(function) {
            Ready::Field(call, _) => {
                let outcome = call(&[]);
                let expected = if function.spec.name == "present" { "false" } else { "null" };
                assert_eq!(outcome.describe(), expected, "{}", function.spec.name);
                assert_eq!(call(&[None; 8]), outcome, "{}", function.spec.name);
            }
            Ready::Check(call) => {
                let broken = function.spec.name == "holds";
                assert_eq!([call(&[]), call(&[None; 8])], [broken; 2], "{}", function.spec.name);
            }
            Ready::AcrossRows => {}
        }
    }
}

fn fits(cell: &Cell<'_>, gives: FieldFunction) -> bool {
    matches!(
        (cell, gives),
        (Cell::Text(_), FieldFunction::Text)
            | (Cell::Bytes(_), FieldFunction::Bytes)
            | (Cell::Bool(_), FieldFunction::Bool)
            | (Cell::Int(_), FieldFunction::Int)
            | (Cell::Decimal(_), FieldFunction::Decimal)
            | (Cell::Date(_), FieldFunction::Date)
            | (Cell::Time(_), FieldFunction::Time)
    )
}

/// Any text at all, and texts that come close to what some function reads.
fn texts() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        "\\PC*",
        any::<String>(),
        "[0-9]{6,8}[-+ ]?[0-9TFKSX]{4}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,7})?)?)?",
        "-?[0-9 \u{a0}.,]{1,24}(kr|:-|-)?",
        "[0-9]{0,2} ?(kap\\.?)? ?[0-9]{0,2}[ :.]?[a-o]? ?§{0,2} ?(SoL|LSS|lvu|FB)",
        "[A-Za-zÅÄÖåäöÃÂ¥¤¶├÷†„” ]{0,16}",
        "20(19-10-27|19-03-31|20-02-29) 0[123]:[0-5]0",
        "[0-9]{1,3}[.,/]?[0-9]{0,2} ?(mmHg|°C|%)?",
        "(\\{\\\\rtf1|<p>|&ouml;|\\\\'e5|[a-z{}<> ]){0,8}",
        "(SoL|HSL|LSS) \\((2001:453|2025:400|2017:30)\\) [0-9]{1,2}:[0-9]{1,2}",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_function_answers_every_text_and_keeps_its_promises(texts in proptest::collection::vec(texts(), 8)) {
        let inputs: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        for function in registry() {
            let inputs = &inputs[..function.spec.inputs.1];
            match ready(function) {
                Ready::Field(call, gives) => {
                    let outcome = call(inputs);
                    prop_assert_eq!(&call(inputs), &outcome, "{} gives the same again", function.spec.name);
                    let (value, reason) = match &outcome {
                        Outcome::Null => (None, None),
                        Outcome::Value(value) => (Some(value), None),
                        Outcome::Marked { value, reason, .. } => (value.as_ref(), Some(reason)),
                        Outcome::Bad(reason) => (None, Some(reason)),
                    };
                    prop_assert!(value.is_none_or(|value| fits(value, gives)), "{}", function.spec.name);
                    let listed = reason.is_none_or(|reason| function.spec.marks.contains(reason));
                    prop_assert!(listed, "{}", function.spec.name);
                    prop_assert!(!outcome.describe().is_empty() || matches!(function.spec.name, "text" | "bytes"));
                }
                Ready::Check(call) => prop_assert_eq!(call(inputs), call(inputs)),
                Ready::AcrossRows => {}
            }
        }
    }
}
