//! Model files.

use super::{Case, FORMAT, Key, Section, Shape, Words};

/// A file of the information model.
pub static MODEL: Section = Section::of(
    "model",
    "Tables of the target, field by field",
    &[
        FORMAT,
        Key::may("entity", Shape::Tables(&ENTITY), "The entities; each is one table of the target"),
        Key::may(
            "responsible_body",
            Shape::Table(&BODY),
            "The source table whose key is the code in `namnd`",
        ),
    ],
);

static BODY: Section = Section::of(
    "responsible_body",
    "Where the organisations that answer for rows come from; at most once in the model",
    &[
        Key::must("entity", Shape::Word(Words::Entities), "The entity that holds organisations"),
        Key::must("system", Shape::Text, "The source system"),
        Key::must("table", Shape::Text, "The source table"),
    ],
);

static ENTITY: Section = Section::of(
    "entity",
    "One table of the target",
    &[
        Key::must("name", Shape::Text, "Name of the table; at most 48 of a–z, 0–9, `_`; not `bron_…`"),
        Key::must("label", Shape::Text, "Name in Swedish"),
        Key::must("about", Shape::Text, "What one row stands for, in Swedish"),
        Key::must(
            "retention",
            Shape::Word(Words::Retention),
            "Name of the rule by which rows are kept and removed",
        ),
        Key::must("sekretess", Shape::Text, "Secrecy class, which every row carries as `sekretess_klass`"),
        Key::may(
            "validity",
            Shape::Table(&VALIDITY),
            "Which fields say when a row holds and when it was known",
        ),
        Key::may(
            "event",
            Shape::Texts,
            "The fields, dates or times, that say when something happened in a file",
        ),
        Key::may("akt", Shape::Text, "The reference by which a row belongs to a personal file"),
        Key::may("fields", Shape::Tables(&FIELD), "The entity's own fields"),
    ],
);

static VALIDITY: Section = Section::of(
    "validity",
    "The two times of a statement: when it holds, and when it was known",
    &[
        Key::must("from", Shape::Text, "The first day or moment on which the row holds"),
        Key::may("to", Shape::Text, "The last day or moment; empty in a row means that it still holds"),
        Key::may("recorded", Shape::Text, "When the row was recorded"),
        Key::may("replaced", Shape::Text, "When another row replaced it; only with `recorded`"),
    ],
);

static FIELD: Section = Section::of(
    "field",
    "One column of the table",
    &[
        Key::must("name", Shape::Text, "Name of the column: a–z, 0–9, `_`, a letter first"),
        Key::must("type", Shape::Word(TYPE), "The type"),
        Key::may("entity", Shape::Word(Words::Entities), "For `ref`: the entity that is referred to"),
        Key::may("scale", Shape::Whole(0, 18), "For `decimal`: digits after the decimal mark"),
        Key::must("label", Shape::Text, "Name in Swedish"),
        Key::may("about", Shape::Text, "What the field means, in Swedish; the label unless told"),
        Key::may("required", Shape::Truth, "Whether every row must have a value"),
        Key::may(
            "protection",
            Shape::Word(PROTECTION),
            "How carefully the value is handled; `oppen` unless told",
        ),
    ],
)
.with_cases(&[
    Case { key: "type", value: "ref", must: "entity" },
    Case { key: "type", value: "decimal", must: "scale" },
]);

const TYPE: Words = Words::Fixed(&[
    ("ref", "the id of a row of `entity`"),
    ("text", "text"),
    ("code", "a code from the new model's own list"),
    ("date", "a day"),
    ("time", "a local wall time to the microsecond, without time zone"),
    ("int", "a whole number of 64 bits"),
    ("ore", "an amount in öre"),
    ("minutes", "minutes"),
    ("bool", "true or false"),
    ("bytes", "bytes, never altered"),
    ("decimal", "an exact decimal number with `scale` digits"),
]);

const PROTECTION: Words = Words::Fixed(&[
    ("oppen", "says nothing about a person"),
    ("person", "identifies or describes a person"),
    ("kanslig", "sensitive by law"),
]);
