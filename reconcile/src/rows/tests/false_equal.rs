//! The corpus of values that comparisons call equal, through the comparison of a target's rows.

use serde::Deserialize;

use super::*;

/// The corpus, as far as it has a column type here.
#[derive(Deserialize)]
struct Corpus {
    pair: Vec<Pair>,
    same: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    left: Option<String>,
    right: Option<String>,
    #[serde(default)]
    pad: usize,
}

/// A value that owns what a cell borrows.
enum Owned {
    Text(String),
    Bytes(Vec<u8>),
    Int(i64),
    Decimal(i128),
    Bool(bool),
}

impl Owned {
    /// The value of a text of the corpus; `None` for types that the model has in another form.
    fn of(kind: &str, text: &str, pad: usize) -> Option<(ColumnType, Self)> {
        Some(match kind {
            "text" => (ColumnType::Text, Self::Text(format!("{}{text}", "å".repeat(pad)))),
            "bytea" => {
                let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
                (ColumnType::Bytes, Self::Bytes((0..text.len()).step_by(2).map(byte).collect()))
            }
            "int4" | "int8" => (ColumnType::Int, Self::Int(text.parse().unwrap())),
            "boolean" => (ColumnType::Bool, Self::Bool(text == "1")),
            _ => {
                let scale = kind.strip_prefix("numeric(")?.split_once(',')?.1.strip_suffix(')')?;
                let scale: u8 = scale.parse().unwrap();
                let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                let digits = format!("{whole}{fraction:0<width$}", width = usize::from(scale));
                let scale = i8::try_from(scale).unwrap();
                (ColumnType::Decimal { scale }, Self::Decimal(digits.parse().unwrap()))
            }
        })
    }

    fn value(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(text.leak()),
            Self::Bytes(bytes) => Value::Bytes(bytes.leak()),
            Self::Int(number) => Value::Int(number),
            Self::Decimal(number) => Value::Decimal(number),
            Self::Bool(truth) => Value::Bool(truth),
        }
    }
}

/// Whether a field with these values is found to differ; `None` when the pair has no type here.
fn differs(pair: &Pair) -> Option<bool> {
    let owned = |text: &Option<String>| text.as_ref().and_then(|text| Owned::of(&pair.kind, text, pair.pad));
    let (left, right) = (owned(&pair.left), owned(&pair.right));
    let kind = left.as_ref().or(right.as_ref())?.0;
    let rows = |value: Option<(ColumnType, Owned)>| vec![row(1, &[value.map(|(_, owned)| owned.value())])];
    let schema = schema(&[("varde", kind)]);
    let expected = vec![reader(&schema, &rows(left), 1)];
    let (counts, findings) = run(&schema, expected, target(&schema, &rows(right), 1)).unwrap();
    assert_eq!(usize::try_from(counts.differs).unwrap(), findings.len());
    Some(findings.first().is_some_and(|finding| finding.kind.fields() == ["varde"]))
}

#[test]
fn no_pair_of_the_corpus_is_equal_and_no_value_differs_from_itself() {
    let corpus: Corpus = toml::from_str(include_str!("../../../../tests/false_equal/pairs.toml")).unwrap();
    let judged = |pairs: &[Pair], expected: bool| {
        let judged = pairs.iter().filter_map(|pair| Some((&pair.name, differs(pair)?)));
        judged.map(|(name, found)| assert_eq!(found, expected, "{name}")).count()
    };
    assert!(judged(&corpus.pair, true) > 70);
    assert!(judged(&corpus.same, false) > 15);
}
