//! The keys of control files, for the schema that an editor reads.

use bron_mappings::schema::{FORMAT, Form, Key, Section, Shape, Words};

/// A control file.
pub static CONTROL: Section = Section::of(
    "control_file",
    "Counts and sums to compare",
    &[FORMAT, Key::may("control", Shape::ListOf(&ONE), "One count or sum each")],
);

static ONE: Section = Section::of(
    "control",
    "One count or sum that source and target must agree on",
    &[
        Key::must("name", Shape::Text, "Unique among all controls"),
        Key::must("label", Shape::Text, "The name in Swedish"),
        Key::must("unit", Shape::Word(UNIT), "The unit of the numbers"),
        Key::must("dimension", Shape::Text, "What the keys are, in Swedish: `månad`, `år`, `bunt`"),
        Key::must("source", Shape::Table(&SOURCE), "The source's side"),
        Key::must("target", Shape::Table(&TARGET), "The target's side"),
        Key::may("held", Shape::Table(&SOURCE), "For a third party: where the rows held back are"),
        Key::may("more", Shape::ListOf(&MORE), "For a third party: further rows that its total counts"),
    ],
);

const UNIT: Words = Words::Fixed(&[("antal", "a number of rows"), ("ore", "öre"), ("minuter", "minutes")]);

static MORE: Section = Section::of(
    "more",
    "Rows of another table that a third party's total counts too",
    &[
        Key::must("held", Shape::Table(&SOURCE), "Where the rows held back are"),
        Key::must("target", Shape::Table(&TARGET), "Where the rows that came over are"),
    ],
);

const BY: Key = Key::may("by", Shape::Table(&GROUP), "What to group by; without it all rows are one group");
const ONLY: Key = Key::may("only", Shape::ListOf(&CONDITION), "Conditions on rows; all of them must hold");
const JOIN: Key = Key::may("join", Shape::Table(&PARENT), "A parent from which the grouping column comes");

static SOURCE: Section = Section::of(
    "source_side",
    "A staged table",
    &[
        Key::must("system", Shape::Text, "The source system"),
        Key::must("table", Shape::Text, "The staged table"),
        Key::must("key", Shape::List, "The key columns in the order of the mapping"),
        Key::may("sum", Shape::Text, "The column to add up; without it rows are counted"),
        Key::may("format", Shape::Word(AMOUNT), "How the column states amounts; belongs to `sum`"),
        Key::may("empty_is_missing", Shape::Truth, "An empty text is no amount, not one that cannot be read"),
        BY,
        ONLY,
        JOIN,
    ],
);

const AMOUNT: Words = Words::Fixed(&[
    ("money4", "kronor with a decimal point and up to four decimals, read as öre"),
    ("minutes", "a whole number of minutes"),
    ("ore", "a whole number of öre"),
    ("number", "a whole number"),
    ("comma", "kronor with a decimal comma and up to two decimals, read as öre"),
]);

static TARGET: Section = Section::of(
    "target_side",
    "An entity of the model",
    &[
        Key::must("entity", Shape::Word(Words::Entities), "The entity"),
        Key::may("sum", Shape::Text, "A field that is a whole number; without it rows are counted"),
        BY,
        ONLY,
        JOIN,
    ],
);

const COLUMN: Key = Key::may("column", Shape::Text, "The source column");
const FIELD: Key = Key::may("field", Shape::Text, "The field of the entity");

static GROUP: Section = Section::of(
    "by",
    "What to group by",
    &[
        COLUMN,
        FIELD,
        Key::may("slice", Shape::Word(SLICE), "Which part of the value; `whole` unless told"),
        Key::may("joined", Shape::Truth, "Whether it is the parent's and not the row's own"),
    ],
)
.with_forms(&[Form::of(&["column"]), Form::of(&["field"])]);

const SLICE: Words = Words::Fixed(&[
    ("whole", "the value as it stands"),
    ("year", "the year"),
    ("month", "the month as `YYYY-MM`"),
]);

static CONDITION: Section = Section::of(
    "only",
    "One test of one column",
    &[
        COLUMN,
        FIELD,
        Key::may("in", Shape::List, "The values that count; NULL is none of them"),
        Key::may("not_in", Shape::List, "The values that do not count; NULL is none of them"),
        Key::may("present", Shape::Truth, "Whether the rows that count have a value, or have none"),
    ],
)
.with_forms(&[
    Form::of(&["column", "in"]),
    Form::of(&["column", "not_in"]),
    Form::of(&["column", "present"]),
    Form::of(&["field", "in"]),
    Form::of(&["field", "not_in"]),
    Form::of(&["field", "present"]),
]);

static PARENT: Section = Section::of(
    "join",
    "A parent table of the same system, or an entity",
    &[
        Key::may("table", Shape::Text, "The parent: a table of the same system"),
        Key::may("entity", Shape::Word(Words::Entities), "The parent: an entity"),
        Key::must("on", Shape::List, "The row's columns that name its parent"),
        Key::must("key", Shape::List, "The parent's key columns in the same order"),
    ],
)
.with_forms(&[Form::of(&["table"]), Form::of(&["entity"])]);
