//! Conditions, and the rules of fields and dimensions.

use super::{Form, Key, Others, Section, Shape, Words};

/// Arguments of a function.
pub(super) static ARGUMENTS: Section =
    Section::of("arguments", "Arguments of the function, by name", &[]).with_others(Others::Scalars);

/// One condition.
pub(super) static CONDITION: Section = Section::of(
    "condition",
    "A question about one text of the row; in a list of conditions all must hold",
    &[
        Key::must("column", Shape::Text, "The text that is asked about: any origin"),
        Key::may("is", Shape::Word(PRESENCE), "Whether there is a text"),
        Key::may("in", Shape::Texts, "Holds for one of these texts; NULL is in no list"),
        Key::may("not_in", Shape::Texts, "Holds for none of these texts, and for NULL"),
        Key::may("from", Shape::Day, "Holds for a date or time on that day or later"),
        Key::may("before", Shape::Day, "Holds for a date or time before that day"),
    ],
)
.with_forms(&[
    Form::of(&["is"]),
    Form::of(&["in"]),
    Form::of(&["not_in"]),
    Form::of(&["from"]).may(&["before"]),
    Form::of(&["before"]),
]);

const PRESENCE: Words = Words::Fixed(&[
    ("present", "a text that is neither NULL nor empty"),
    ("absent", "NULL or an empty text"),
]);

const POLICY: Words = Words::Fixed(&[
    ("flag", "loaded with a mark, for the owner's work list; the field is NULL"),
    ("quarantine", "the row is held back until the owner decides"),
]);

pub(super) const WHEN: Key =
    Key::may("when", Shape::Tables(&CONDITION), "The rows that this is about; without it all rows");

const FROM: Key = Key::may("from", Shape::Texts, "Origins, in the order that the function reads them");
const FUNCTION: Key =
    Key::may("fn", Shape::Word(Words::Functions), "The function; `text`, a copy, unless told");
const WITH: Key = Key::may("with", Shape::Table(&ARGUMENTS), "Arguments of the function");
const CODES: Key = Key::may("codes", Shape::Word(Words::Lists), "The name of the code list");
const DATE: Key =
    Key::may("date", Shape::Text, "The day, or the month, at which the code was used: an origin");
const FALLBACK: Key =
    Key::may("fallback", Shape::Text, "The target code that stands in for an unknown one, which is marked");
const REF: Key = Key::may("ref", Shape::Word(Words::Entities), "The entity of the other row");
const SYSTEM: Key =
    Key::may("system", Shape::Text, "Source system of the other row; this system unless told");
const TABLE: Key = Key::may("table", Shape::Text, "Source table of the other row; this table unless told");
const ID: Key = Key::may("id", Shape::Texts, "The texts of the key, in order");
const PART: Key =
    Key::may("part", Shape::Text, "Tells rows of one entity apart that come from one source row");
const CONST: Key = Key::may("const", Shape::Scalar, "The same text, number or true/false for every row");
const DEFAULT: Key =
    Key::may("default", Shape::Text, "The value that stands in where the source says nothing, as text");

const FORMS: &[Form] = &[
    Form::of(&["from"]).may(&["fn", "with"]),
    Form::of(&["codes", "from"]).may(&["date", "fallback"]).one(&["from"]),
    Form::of(&["ref", "from"]).may(&["system", "table", "part"]),
    Form::of(&["id"]).may(&["part"]),
    Form::of(&["const"]),
];

/// The rule of one field.
pub static RULE: Section = Section::of(
    "rule",
    "How the value of a field comes to be: a copy, a function, a code, a reference, an id or a constant",
    &[
        FROM,
        FUNCTION,
        WITH,
        CODES,
        DATE,
        FALLBACK,
        REF,
        SYSTEM,
        TABLE,
        ID,
        PART,
        CONST,
        DEFAULT,
        Key::may(
            "when",
            Shape::Tables(&CONDITION),
            "The rows that the rule is about; every other row gets the `default`",
        ),
        Key::may("required", Shape::Truth, "Whether a missing value breaks the rule (`saknas`)"),
        Key::may("on_bad", Shape::Word(POLICY), "What is done when the rule is broken; `flag` unless told"),
        Key::may(
            "on_unknown",
            Shape::Word(POLICY),
            "Another name for `on_bad`, which reads well beside `codes`",
        ),
    ],
)
.with_forms(FORMS);

/// The rule of a dimension.
pub(super) static DIMENSION: Section = Section::of(
    "dimension",
    "How a dimension of the row comes to be",
    &[FROM, FUNCTION, WITH, CODES, DATE, FALLBACK, REF, SYSTEM, TABLE, ID, PART, CONST, DEFAULT],
)
.with_forms(FORMS);
