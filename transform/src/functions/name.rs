//! The function for names of persons, with repair of text that was read in the wrong code page.

mod code_page;
mod impression;
mod repair;

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, Function, Outcome, unary};

pub(super) const NAME: Function = Function {
    spec: FunctionSpec {
        name: "name",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The text as found; a name that was read in the wrong code page (UTF-8 once or twice, Windows, DOS) is \
                put right when that can be undone exactly and only then reads as a name; lost characters are marked.",
        marks: &[ReasonCode::Mojibake, ReasonCode::LostCharacters],
        inverse: "The value is the source's text, or the text kept beside it when the name was put right.",
    },
    build: Build::Field(|_| unary(name)),
    examples: &[
        (&[Some("Åkerström")], "Åkerström"),
        (&[Some("Ã…kerstrÃ¶m")], "Åkerström [fix D13]"),
        (&[Some("Ãƒâ€¦kerstrÃƒÂ¶m")], "Åkerström [fix D13]"),
        (&[Some("├àkerstr├Âm")], "Åkerström [fix D13]"),
        (&[Some("├àkerstr├╢m")], "Åkerström [fix D13]"),
        (&[Some("┼kerstr÷m")], "Åkerström [fix D13]"),
        (&[Some("BΣckstr÷m")], "Bäckström [fix D13]"),
        (&[Some("B„ckstr”m")], "Bäckström [fix D13]"),
        (&[Some("AndrÃ©e")], "Andrée [fix D13]"),
        (&[Some("Õunapuu")], "Õunapuu"),
        (&[Some("João")], "João"),
        (&[Some("Anna ”Kicki” Berg")], "Anna ”Kicki” Berg"),
        (&[Some(" Berg ")], " Berg "),
        (&[Some("\u{fffd}kerstr\u{fffd}m")], "\u{fffd}kerstr\u{fffd}m [flag D14]"),
        (&[Some("")], "null"),
        (&[None], "null"),
    ],
};

fn name(text: &str) -> Outcome<'_> {
    if text.is_ascii() {
        return Outcome::text(text);
    }
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Outcome::marked(Some(Cell::Text(text.into())), Action::Flag, ReasonCode::LostCharacters);
    }
    match repair::repair(text) {
        Some(repaired) => {
            Outcome::marked(Some(Cell::Text(repaired.into())), Action::Fix, ReasonCode::Mojibake)
        }
        None => Outcome::text(text),
    }
}
