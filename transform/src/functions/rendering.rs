//! The function that makes readable text of RTF and HTML.

mod entity;
mod html;
mod rtf;

use bron_mappings::{Action, FieldFunction, FunctionKind, FunctionSpec, ReasonCode};

use super::{Build, Cell, Function, Outcome, unary};

pub(super) const RENDERING: Function = Function {
    spec: FunctionSpec {
        name: "rendering",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The readable text of RTF or HTML, marked; NULL for text without markup, which needs no rendering. Bad \
                markup gives what can be read, and a byte without a character U+FFFD.",
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

fn rendering(text: &str) -> Outcome<'_> {
    let plain = if rtf::is_rtf(text) {
        rtf::plain(text)
    } else if html::is_html(text) {
        html::plain(text)
    } else {
        return Outcome::Null;
    };
    let plain = plain.trim();
    let value = (!plain.is_empty()).then(|| Cell::Text(plain.to_owned().into()));
    Outcome::marked(value, Action::Norm, ReasonCode::Markup)
}
