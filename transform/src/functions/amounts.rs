//! Functions over amounts of money.

mod amount;
mod checks;

use bron_mappings::{FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::numbers::decimal_text;
use super::{Build, Cell, Function, Outcome, check, field, given, unary};
use amount::Amount;

pub(super) use checks::{EXCEEDS, NEGATIVE, NOT_THE_SUM};

pub(super) const ORE: Function = Function {
    spec: FunctionSpec {
        name: "ore",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (1, 1),
        arguments: &[],
        about: "An amount in kronor as whole öre: comma or point, thousands by blanks (or by points before a comma), \
                minus before or after, `kr` or `:-` after; parts of an öre are refused and never rounded.",
        phrase: "läses som ett belopp i kronor och sparas i öre; delar av ett öre avrundas aldrig",
        marks: &[ReasonCode::SubOre, ReasonCode::Malformed],
        inverse: "The amount with a point and two decimals; lost: the form of the column, thousands marks and unit.",
    },
    build: Build::Field(|_| unary(ore)),
    invert: Some(|_, value| invert_ore(value)),
    with: &[],
    examples: &[
        (&[Some("6120.0000")], "612000"),
        (&[Some("7 320,50")], "732050"),
        (&[Some("1\u{a0}234\u{202f}567,8")], "123456780"),
        (&[Some("1.234,50 kr")], "123450"),
        (&[Some("250:-")], "25000"),
        (&[Some("100,00-")], "-10000"),
        (&[Some("\u{2212}0.05")], "-5"),
        (&[Some("")], "null"),
        (&[Some("10.0050")], "bad D38"),
        (&[Some("1.234")], "bad D38"),
        (&[Some("-100-")], "bad felformat"),
        (&[Some("1 23")], "bad felformat"),
        (&[Some("1,9E+11")], "bad felformat"),
        (&[Some("92233720368547758.08")], "bad felformat"),
    ],
};

pub(super) const ORE_DIFFERENCE: Function = Function {
    spec: FunctionSpec {
        name: "ore_difference",
        kind: FunctionKind::Field(FieldFunction::Int),
        inputs: (2, 2),
        arguments: &[],
        about: "The first amount minus the second in öre, each read as by `ore`; NULL when either is missing, refused \
                when either is.",
        phrase: "{1} minus {2}, i öre",
        marks: &[ReasonCode::SubOre, ReasonCode::Malformed],
        inverse: "The first amount from the second and the difference.",
    },
    build: Build::Field(|_| field(ore_difference)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("100.0000"), Some("99.5000")], "50"),
        (&[Some("100"), Some("100,00")], "0"),
        (&[Some("0"), Some("1 000")], "-100000"),
        (&[Some("100"), None], "null"),
        (&[Some("100"), Some("0.0001")], "bad D38"),
        (&[Some("hundra"), Some("100")], "bad felformat"),
    ],
};

pub(super) const UNEQUAL_ORE: Function = Function {
    spec: FunctionSpec {
        name: "unequal_ore",
        kind: FunctionKind::Check,
        inputs: (2, 2),
        arguments: &[],
        about: "Broken when two amounts differ, be it by parts of an öre; holds when either is missing or cannot be \
                read, which the rule of its field reports.",
        phrase: "beloppen i {1} och {2} är olika",
        marks: &[ReasonCode::SumMismatch],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(unequal_ore)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("6120.0000"), Some("6119.0000")], "true"),
        (&[Some("6120.0000"), Some("6120.0001")], "true"),
        (&[Some("6120.0000"), Some("6 120 kr")], "false"),
        (&[Some("6120.0000"), None], "false"),
        (&[Some("6120.0000"), Some("?")], "false"),
    ],
};

fn number<'a>(number: i64) -> Outcome<'a> {
    Outcome::Value(Cell::Int(number))
}

fn ore(text: &str) -> Outcome<'_> {
    in_ore(text).map_or_else(Outcome::Bad, number)
}

fn invert_ore(value: &Cell<'_>) -> Option<String> {
    if let Cell::Int(ore) = value { Some(decimal_text(i128::from(*ore), 2)) } else { None }
}

fn in_ore(text: &str) -> Result<i64, ReasonCode> {
    let amount = Amount::parse(text).ok_or(ReasonCode::Malformed)?;
    amount.whole_ore().ok_or(ReasonCode::SubOre)
}

fn ore_difference<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    let (Some(first), Some(second)) = (given(inputs, 0), given(inputs, 1)) else { return Outcome::Null };
    let difference = |first: i64, second: i64| first.checked_sub(second).ok_or(ReasonCode::Malformed);
    let both = in_ore(first).and_then(|first| in_ore(second).and_then(|second| difference(first, second)));
    both.map_or_else(Outcome::Bad, number)
}

fn unequal_ore(inputs: &[Option<&str>]) -> bool {
    let amount = |index| given(inputs, index).and_then(Amount::parse);
    amount(0).zip(amount(1)).is_some_and(|(first, second)| first != second)
}
