//! The function for sections of law.

mod in_force;
mod law;
mod reading;
mod section;
mod token;

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::reads_as;
use super::{Build, Cell, Function, Outcome, unary};
pub(super) use in_force::LAGRUM_NOT_IN_FORCE;
use reading::read;

pub(super) const LAGRUM: Function = Function {
    spec: FunctionSpec {
        name: "lagrum",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "Sections of law in one form: `SoL 4:1`, `SoL 4:1 st2`, `LSS 9 p4`, `LVU 2; LVU 3`, \
                `SoL(2025:400) 11:1`. The spelling `4 kap. 1 § SoL` is plain, every other one is marked; a text that \
                names no section gives NULL with a mark.",
        phrase: "skrivs som lagrum i en enda form, till exempel SoL 4:1; text som inte anger något lagrum \
                 märks och lämnas tomt",
        marks: &[ReasonCode::LagrumSpelling, ReasonCode::LagrumUnparsed],
        inverse: "For one section without its law's number the spelling `4 kap. 1 § SoL`; otherwise the text kept \
                beside the value.",
    },
    build: Build::Field(|_| unary(lagrum)),
    invert: Some(|_, value| invert_lagrum(value)),
    with: &[],
    examples: &[
        (&[Some("4 kap. 1 § SoL")], "SoL 4:1"),
        (&[Some("9 § 4 LSS")], "LSS 9 p4"),
        (&[Some("2 § LVU")], "LVU 2"),
        (&[Some("11 kap. 4 § FB")], "FB 11:4"),
        (&[Some("4 kap 1§ SoL")], "SoL 4:1 [norm D21]"),
        (&[Some("4:1 SoL")], "SoL 4:1 [norm D21]"),
        (&[Some("SOL 4.1")], "SoL 4:1 [norm D21]"),
        (&[Some("SoL 4 kap 1 §")], "SoL 4:1 [norm D21]"),
        (&[Some("4kap1§sol")], "SoL 4:1 [norm D21]"),
        (&[Some("9§ p.4 LSS")], "LSS 9 p4 [norm D21]"),
        (&[Some("LSS 9:4")], "LSS 9 p4 [norm D21]"),
        (&[Some("2, 3 §§ LVU")], "LVU 2; LVU 3 [norm D21]"),
        (&[Some("LVU 6§")], "LVU 6 [norm D21]"),
        (&[Some("11 kap 4 § FB")], "FB 11:4 [norm D21]"),
        (&[Some("SoL (2001:453) 4:1")], "SoL(2001:453) 4:1 [norm D21]"),
        (&[Some("SoL (2025:400) 11:1")], "SoL(2025:400) 11:1 [norm D21]"),
        (&[Some("4 kap 1 § 2 st SoL")], "SoL 4:1 st2 [norm D21]"),
        (&[Some("SoL 4:1+4:2")], "SoL 4:1; SoL 4:2 [norm D21]"),
        (&[Some("SoL")], "null [flag D21_oparsad]"),
        (&[Some("")], "null"),
        (&[Some("-")], "null [flag D21_oparsad]"),
        (&[Some("se utr")], "null [flag D21_oparsad]"),
    ],
};

fn lagrum(text: &str) -> Outcome<'_> {
    let Some(reading) = read(text) else {
        return Outcome::marked(None, Action::Flag, ReasonCode::LagrumUnparsed);
    };
    let canonical = reading.canonical();
    if reading.is_spelled_plainly(text) {
        Outcome::text(canonical)
    } else {
        Outcome::marked(Some(Cell::Text(canonical.into())), Action::Norm, ReasonCode::LagrumSpelling)
    }
}

/// The plain spelling, which only a single section without the law's number has.
fn invert_lagrum(value: &Cell<'_>) -> Option<String> {
    let Cell::Text(canonical) = value else { return None };
    reads_as(lagrum, read(canonical)?.plain_spelling()?, value)
}
