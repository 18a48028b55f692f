//! The functions that make readable text of RTF and HTML, and tell what cannot be read.

mod entity;
mod html;
mod rtf;

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, Function, Outcome, check, given, unary};

pub(super) const RENDERING: Function = Function {
    spec: FunctionSpec {
        name: "rendering",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The readable text of RTF or HTML, marked; NULL for text without markup, which needs no rendering. Bad \
                markup gives what can be read, and a byte without a character U+FFFD.",
        phrase: "ger den läsbara texten ur RTF eller HTML; blir tomt när texten saknar uppmärkning",
        marks: &[ReasonCode::Markup],
        inverse: "Lost: the markup, which `text` gives.",
    },
    build: Build::Field(|_| unary(rendering)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some(r"{\rtf1\ansi{\fonttbl\f0 Arial;}\f0 Sj\'f6 \b fin\b0 .\par}")], "Sjö fin. [norm D16]"),
        (&[Some(r"{\rtf1\ansi\ansicpg1252 \u229?ret \'81}")], "året \u{fffd} [norm D16]"),
        (&[Some(r"{\rtf1 halv")], "halv [norm D16]"),
        (&[Some("<p>Hembes&ouml;k &amp; m&#246;te</p>")], "Hembesök & möte [norm D16]"),
        (&[Some("Temp < 38 och > 36, mejl <anna@example.org>")], "null"),
        (&[Some("Hembesök")], "null"),
        (&[Some("")], "null"),
        (&[None], "null"),
    ],
};

/// The character that stands for a byte without one.
const NO_CHARACTER: char = '\u{fffd}';

pub(super) const UNREADABLE_MARKUP: Function = Function {
    spec: FunctionSpec {
        name: "unreadable_markup",
        kind: FunctionKind::Check,
        inputs: (1, 1),
        arguments: &[],
        about: "Broken when RTF or HTML holds a byte that its code page has no character for, so that its rendering \
                has U+FFFD where the text itself has not.",
        phrase: "{1} har uppmärkning med tecken som inte går att läsa",
        marks: &[ReasonCode::DamagedText],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(|inputs| given(inputs, 0).is_some_and(loses_a_character))),
    invert: None,
    with: &[],
    examples: &[
        (&[Some(r"{\rtf1\ansi\ansicpg1252 \'e5ret \'81}")], "true"),
        (&[Some(r"{\rtf1\ansi\ansicpg1252 \'e5ret}")], "false"),
        (&[Some("a\u{fffd}b")], "false"),
        (&[None], "false"),
    ],
};

fn loses_a_character(text: &str) -> bool {
    !text.contains(NO_CHARACTER) && plain(text).is_some_and(|plain| plain.contains(NO_CHARACTER))
}

/// The words of RTF or HTML; none for text without markup.
fn plain(text: &str) -> Option<String> {
    if rtf::is_rtf(text) { Some(rtf::plain(text)) } else { html::is_html(text).then(|| html::plain(text)) }
}

fn rendering(text: &str) -> Outcome<'_> {
    let Some(plain) = plain(text) else {
        return Outcome::Null;
    };
    let plain = plain.trim();
    let value = (!plain.is_empty()).then(|| Cell::Text(plain.to_owned().into()));
    Outcome::marked(value, Action::Norm, ReasonCode::Markup)
}
