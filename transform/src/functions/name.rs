//! The function for names of persons, with repair of text that was read in the wrong code page.

mod bigrams;
mod impression;
mod repair;
mod tidy;

use std::borrow::Cow;

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::inverse::same_text;
use super::{Build, Cell, Function, Outcome, unary};

pub(super) const NAME: Function = Function {
    spec: FunctionSpec {
        name: "name",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The name without stray blanks and soft hyphens, marked when there were any; a name that was read in \
                the wrong code page is put right and marked when that can be undone exactly, looks more Swedish and \
                only then reads as a name; lost characters are marked.",
        phrase: "skrivs som namn utan överflödiga blanktecken; feltolkade tecken rättas och märks",
        marks: &[ReasonCode::Mojibake, ReasonCode::LostCharacters, ReasonCode::StrayBlanks],
        inverse: "The name itself, when it has no mark; otherwise the text kept beside it.",
    },
    build: Build::Field(|_| unary(name)),
    invert: Some(|_, value| same_text(name, value)),
    with: &[],
    examples: &[
        (&[Some("Åkerström")], "Åkerström"),
        (&[Some("Ã…kerstrÃ¶m")], "Åkerström [fix D13]"),
        (&[Some("Ãƒâ€¦kerstrÃƒÂ¶m")], "Åkerström [fix D13]"),
        (&[Some("├àkerstr├Âm")], "Åkerström [fix D13]"),
        (&[Some("├àkerstr├╢m")], "Åkerström [fix D13]"),
        (&[Some("┼kerstr÷m")], "Åkerström [fix D13]"),
        (&[Some("BΣckstr÷m")], "Bäckström [fix D13]"),
        (&[Some("\u{8f}kerstr”m")], "Åkerström [fix D13]"),
        (&[Some("\u{8f}kerstr\u{94}m")], "Åkerström [fix D13]"),
        (&[Some("B„ckstr”m")], "Bäckström [fix D13]"),
        (&[Some("]kerstr|m")], "Åkerström [fix D13]"),
        (&[Some("A\u{30a}kerstro\u{308}m")], "Åkerström [fix D13]"),
        (&[Some("AndrÃ©e")], "Andrée [fix D13]"),
        (&[Some("Õunapuu")], "Õunapuu"),
        (&[Some("João")], "João"),
        (&[Some("Anna ”Kicki” Berg")], "Anna ”Kicki” Berg"),
        (&[Some(" von  Essen\u{a0}")], "von Essen [norm D15]"),
        (&[Some("Lind\u{ad}berg")], "Lindberg [norm D15]"),
        (&[Some("Ã…berg ")], "Åberg [fix D13]"),
        (&[Some("\u{fffd}kerstr\u{fffd}m")], "\u{fffd}kerstr\u{fffd}m [flag D14]"),
        (&[Some("Sj?gren")], "Sj?gren [flag D14]"),
        (&[Some("")], "null"),
        (&[Some(" ")], "null [norm D15]"),
        (&[None], "null"),
    ],
};

pub(super) const NAME_READING: Function = Function {
    spec: FunctionSpec {
        name: "name_reading",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The code page in which a name was written and the one in which it was read, when `name` puts it right; \
                NULL for every other name.",
        phrase: "de teckenkoder som ett felläst namn skrevs och lästes i, när det kunnat rättas; annars tomt",
        marks: &[],
        inverse: "Lost: the name, which `name` gives.",
    },
    build: Build::Field(|_| unary(name_reading)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("\u{8f}kerstr”m")], "cp850→cp1252"),
        (&[Some("Ã…kerstrÃ¶m")], "utf-8→cp1252"),
        (&[Some("A\u{30a}kerstro\u{308}m")], "nfd→nfc"),
        (&[Some("Åkerström")], "null"),
        (&[Some(" Sj?gren")], "null"),
        (&[None], "null"),
    ],
};

fn name_reading(text: &str) -> Outcome<'_> {
    let damaged = !tidy::is_plain(text) && !tidy::has_lost_characters(text);
    let repair = damaged.then(|| repair::repair(text)).flatten();
    repair.map_or(Outcome::Null, |repair| Outcome::text(repair.reading()))
}

fn name(text: &str) -> Outcome<'_> {
    if tidy::is_plain(text) {
        return Outcome::text(text);
    }
    if tidy::has_lost_characters(text) {
        return Outcome::marked(Some(Cell::Text(text.into())), Action::Flag, ReasonCode::LostCharacters);
    }
    if let Some(repaired) = repair::repair(text) {
        let tidy = tidy::tidy(&repaired.name).into_owned();
        return Outcome::marked(Some(Cell::Text(tidy.into())), Action::Fix, ReasonCode::Mojibake);
    }
    match tidy::tidy(text) {
        Cow::Borrowed(text) => Outcome::text(text),
        Cow::Owned(tidy) => {
            let value = (!tidy.is_empty()).then(|| Cell::Text(tidy.into()));
            Outcome::marked(value, Action::Norm, ReasonCode::StrayBlanks)
        }
    }
}
