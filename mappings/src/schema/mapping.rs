//! Mapping files.

use super::rules::{ARGUMENTS, CONDITION, DIMENSION, WHEN};
use super::{FORMAT, Form, Key, Others, Section, Shape, Words};

/// A mapping file.
pub static MAPPING: Section = Section::of(
    "mapping",
    "What the rows of one source table become",
    &[
        FORMAT,
        Key::must("mapping", Shape::Text, "The name, `system/TABLE`"),
        Key::must("owner", Shape::Text, "Who answers for the mapping"),
        Key::must("decision", Shape::Text, "Where and when it was decided"),
        Key::must(
            "examples",
            Shape::Whole(1, 4_294_967_295),
            "The number of examples that are approved: exactly so many stand in the file",
        ),
        Key::must("source", Shape::Table(&SOURCE), "The table and its key"),
        Key::may("parent", Shape::Tables(&PARENT), "Records of other tables, found by key"),
        Key::may("neighbour", Shape::Tables(&NEIGHBOUR), "The row just before or after this one in a group"),
        Key::may("count", Shape::Tables(&COUNT), "The number of rows of a table that belong to this row"),
        Key::may("sum", Shape::Tables(&SUM), "The exact sum of amounts of rows that belong to this row"),
        Key::may("minutes", Shape::Tables(&MINUTES), "The minutes that periods of rows last together"),
        Key::may("earliest", Shape::Tables(&EARLIEST), "The smallest text of rows that belong to this row"),
        Key::may("latest", Shape::Tables(&LATEST), "The greatest text of rows that belong to this row"),
        Key::may("code", Shape::Tables(&CODE), "Code lists as tables"),
        Key::may("first", Shape::Tables(&FIRST), "The first of several texts that is there"),
        Key::may("person", Shape::Table(&PERSON), "Whose rows these are"),
        Key::may("scope", Shape::Table(&SCOPE), "The dimensions of a row"),
        Key::may("exclude", Shape::Tables(&EXCLUDE), "Rows that are not migrated"),
        Key::may("check", Shape::Tables(&CHECK), "Rules that a row can break"),
        Key::may("immutable", Shape::Table(&IMMUTABLE), "Texts that must not change in a later extraction"),
        Key::must("target", Shape::Tables(&TARGET), "What a row becomes"),
        Key::may("ignore", Shape::Table(&IGNORE), "Columns that are not migrated, each with the reason"),
        Key::must(
            "example",
            Shape::Tables(&EXAMPLE),
            "Rows and what they must become; every check runs them",
        ),
    ],
);

static SOURCE: Section = Section::of(
    "source",
    "The source table and its key",
    &[
        Key::must("system", Shape::Text, "The source system"),
        Key::must("table", Shape::Text, "The source table"),
        Key::must(
            "key",
            Shape::Texts,
            "The columns that name a record, in order; only columns of the table itself",
        ),
        Key::may(
            "personal_key",
            Shape::Truth,
            "Whether the key can be a person number; reports then show a pseudonym",
        ),
        Key::may("repeats", Shape::Word(REPEATS), "What a repeated key means; `quarantine` unless told"),
    ],
);

const REPEATS: Words = Words::Fixed(&[
    ("quarantine", "a mistake: the first row counts and every later one is held back"),
    (
        "latest",
        "a later snapshot of the same record: the last row counts and earlier ones are merged into it",
    ),
]);

const NAME: Key = Key::must("name", Shape::Text, "The name that origins use");
const SYSTEM: Key = Key::may("system", Shape::Text, "The system of the table; this system unless told");
const TABLE: Key = Key::must("table", Shape::Text, "The table");
const ON: Key =
    Key::must("on", Shape::Table(&PAIRS), "Which text of this row equals which column of the other table");
const OTHER_WHEN: Key =
    Key::may("when", Shape::Tables(&CONDITION), "The rows that count, by columns of the other table");

static PAIRS: Section =
    Section::of("pairs", "OWN = \"OTHER\": texts that are equal", &[]).with_others(Others::Scalars);

static PARENT: Section = Section::of(
    "parent",
    "A record found by key; when it is not there, all its columns are NULL",
    &[
        NAME,
        SYSTEM,
        TABLE,
        ON,
        OTHER_WHEN,
        Key::may("valid", Shape::Table(&PERIOD), "The period in which a row of the key is the parent"),
    ],
);

static PERIOD: Section = Section::of(
    "period",
    "The period in which a row of the key is the parent",
    &[
        Key::must("at", Shape::Text, "The moment: a date or a time of this row"),
        Key::must("from", Shape::Text, "The column of the parent's table where the period begins"),
        Key::must("to", Shape::Text, "The column of the parent's table where the period ends"),
        Key::may(
            "slack_minutes",
            Shape::Whole(0, 4_294_967_295),
            "Minutes by which each period is wider at both ends",
        ),
    ],
);

static NEIGHBOUR: Section = Section::of(
    "neighbour",
    "The row just before or after this row in an order within a group",
    &[
        NAME,
        Key::must("direction", Shape::Word(DIRECTION), "Which of the two"),
        Key::must("group", Shape::Texts, "The texts that the rows of a group share"),
        Key::must("order", Shape::Text, "The moment by which they are ordered: a date or a time"),
        Key::may("when", Shape::Tables(&CONDITION), "The rows that take part"),
    ],
);

const DIRECTION: Words = Words::Fixed(&[("before", "the row just before"), ("after", "the row just after")]);

static COUNT: Section = Section::of(
    "count",
    "The number of rows, or of different texts, in digits",
    &[
        NAME,
        SYSTEM,
        TABLE,
        ON,
        OTHER_WHEN,
        Key::may("distinct", Shape::Text, "Counts the different texts of this column that are not empty"),
    ],
);

static SUM: Section = Section::of(
    "sum",
    "The exact sum of amounts, with four decimals",
    &[
        NAME,
        SYSTEM,
        TABLE,
        ON,
        OTHER_WHEN,
        Key::must("value", Shape::Text, "The column that is summed"),
        Key::may("minus", Shape::Table(&MINUS), "Parts with one of these texts there are subtracted"),
    ],
);

static MINUS: Section = Section::of(
    "minus",
    "Which parts of a sum are subtracted",
    &[
        Key::must("column", Shape::Text, "The column that tells the sign"),
        Key::may("in", Shape::Texts, "The texts for which a part is subtracted"),
    ],
);

static MINUTES: Section = Section::of(
    "minutes",
    "The minutes of wall time that the rows' periods last together, in digits",
    &[
        NAME,
        SYSTEM,
        TABLE,
        ON,
        OTHER_WHEN,
        Key::must("from", Shape::Text, "The column where a row's period begins"),
        Key::must("to", Shape::Text, "The column where a row's period ends"),
    ],
);

const COMPARED: Key = Key::must("value", Shape::Text, "The column that is compared");

static EARLIEST: Section = Section::of(
    "earliest",
    "The smallest text by its bytes, which for ISO dates is the first",
    &[NAME, SYSTEM, TABLE, ON, OTHER_WHEN, COMPARED],
);

static LATEST: Section = Section::of(
    "latest",
    "The greatest text by its bytes, which for ISO dates is the last",
    &[NAME, SYSTEM, TABLE, ON, OTHER_WHEN, COMPARED],
);

static CODE: Section = Section::of(
    "code",
    "The target code of a code list; NULL without a mark when there is none on that day",
    &[
        NAME,
        Key::must("codes", Shape::Word(Words::Lists), "The list"),
        Key::may("from", Shape::Text, "The code that is looked up: an origin"),
        Key::may("const", Shape::Scalar, "The code that is looked up, the same for every row"),
        Key::may("date", Shape::Text, "The day, or the month, which stands for its first day: an origin"),
    ],
)
.with_forms(&[Form::of(&["from"]), Form::of(&["const"])]);

static FIRST: Section = Section::of(
    "first",
    "The first of several texts that is neither NULL nor empty",
    &[NAME, Key::must("from", Shape::Texts, "The texts, in the order in which they are asked")],
);

static PERSON: Section = Section::of(
    "person",
    "Whose rows these are",
    &[
        Key::may("record", Shape::Texts, "The rows are records of persons: the texts of the record's key"),
        Key::may("about", Shape::Table(&PERSON_KEY), "The rows are about a person: the record's key"),
        Key::may("link", Shape::Table(&PERSON_LINK), "The rows say that two records are one"),
        Key::may("number", Shape::Table(&PERSON_NUMBER), "The number of the record"),
        Key::may("protection", Shape::Table(&PERSON_PROTECTION), "The mark of protection, by a code list"),
        Key::may("name", Shape::Table(&PERSON_NAME), "The name, as the source divides it"),
        Key::may("birth", Shape::Text, "The registered date of birth"),
        Key::may("refers_to", Shape::Tables(&PERSON_REFERENCE), "Records of the same human"),
    ],
)
.with_forms(&[
    Form::of(&["record"]).may(&["number", "protection", "name", "birth", "refers_to"]),
    Form::of(&["about"]),
    Form::of(&["link"]),
]);

const PERSON_SYSTEM: Key =
    Key::may("system", Shape::Text, "The system of the record; this system unless told");
const PERSON_TABLE: Key = Key::must("table", Shape::Text, "The table of the record");
const PERSON_FROM: Key = Key::must("from", Shape::Texts, "The texts of the record's key, in order");
const GROUND: Key = Key::must("ground", Shape::Text, "What the link rests on: the link's `grund`");

static PERSON_KEY: Section =
    Section::of("person_key", "The key of a record of a person", &[PERSON_SYSTEM, PERSON_TABLE, PERSON_FROM]);

static PERSON_REFERENCE: Section = Section::of(
    "person_reference",
    "A record of the same human that the row itself names",
    &[PERSON_SYSTEM, PERSON_TABLE, PERSON_FROM, GROUND],
);

static PERSON_LINK: Section = Section::of(
    "person_link",
    "Two records that are one human",
    &[
        PERSON_SYSTEM,
        PERSON_TABLE,
        Key::must("a", Shape::Texts, "The texts of the key of one record"),
        Key::must("b", Shape::Texts, "The texts of the key of the other"),
        GROUND,
        Key::may("when", Shape::Tables(&CONDITION), "The rows that are such a link"),
    ],
);

static PERSON_NUMBER: Section = Section::of(
    "person_number",
    "The number of a record",
    &[
        Key::must("from", Shape::Text, "The column of the number, in any form"),
        Key::may("date", Shape::Text, "The row's own date, which settles the century"),
        Key::may(
            "since",
            Shape::Text,
            "The first day, YYYY-MM-DD, on which a row can have been written; with the day of reading it settles the \
             century",
        ),
        Key::may("valid", Shape::Table(&PERSON_VALID), "When the record had the number"),
    ],
);

static PERSON_VALID: Section = Section::of(
    "person_valid",
    "When a record had its number",
    &[
        Key::may("from", Shape::Text, "The column of the first day"),
        Key::may("to", Shape::Text, "The column of the last day"),
    ],
);

static PERSON_PROTECTION: Section = Section::of(
    "person_protection",
    "How a record says that its person is protected",
    &[
        Key::must("from", Shape::Text, "The column of the mark"),
        Key::must("codes", Shape::Word(Words::Lists), "The code list, which gives levels of protection"),
        Key::may("fallback", Shape::Text, "The level that an unknown code means; `okand_hog` unless told"),
    ],
);

static PERSON_NAME: Section = Section::of(
    "person_name",
    "The name of a person, as the source divides it",
    &[
        Key::may("whole", Shape::Text, "The column of the whole name"),
        Key::may("given", Shape::Text, "The column of the given name"),
        Key::may("family", Shape::Text, "The column of the family name"),
    ],
)
.with_forms(&[Form::of(&["whole"]), Form::of(&["given", "family"])]);

static SCOPE: Section = Section::of(
    "scope",
    "The dimensions by which rows are balanced, and which target rows carry",
    &[
        Key::may("area", Shape::Table(&DIMENSION), "The area of work (verksamhetsområde)"),
        Key::may("namnd", Shape::Table(&DIMENSION), "The code of the nämnd that was responsible then"),
        Key::may("unit", Shape::Table(&DIMENSION), "The unit on whose work list marks of the row stand"),
        Key::may("year", Shape::Text, "The origin whose first four characters are the year"),
        Key::may("sekretess", Shape::Text, "Secrecy class of every row, where it is not the entity's own"),
    ],
);

static EXCLUDE: Section = Section::of(
    "exclude",
    "Rows that are not migrated, and counted",
    &[
        Key::must("reason", Shape::Word(Words::Reasons), "What is counted, usually `utanfor_omfattning`"),
        Key::must("about", Shape::Text, "Why, for people"),
        Key::must("when", Shape::Tables(&CONDITION), "Which rows"),
    ],
);

static CHECK: Section = Section::of(
    "check",
    "A rule that a row can break",
    &[
        Key::must("rule", Shape::Word(Words::Reasons), "The mark that a broken rule gives"),
        Key::must("fn", Shape::Word(Words::Checks), "The check"),
        Key::may("from", Shape::Texts, "What it reads, in order"),
        Key::may("with", Shape::Table(&ARGUMENTS), "Arguments of the check"),
        Key::may(
            "action",
            Shape::Word(ACTION),
            "What is done with a row that breaks the rule; `flag` unless told",
        ),
        WHEN,
    ],
);

const ACTION: Words = Words::Fixed(&[
    ("flag", "loaded with a mark, for the owner's work list"),
    ("norm", "loaded; what the rule points at is already in normal form"),
    ("fix", "loaded; what the rule points at is already put right"),
    ("quarantine", "held back until the owner decides"),
    ("stop", "held back, because the integrity of the move is at stake; the summary names it"),
]);

static IMMUTABLE: Section = Section::of(
    "immutable",
    "Texts that must not change in a later extraction (D51)",
    &[
        Key::must("columns", Shape::Texts, "Columns of the table whose texts must stay the same"),
        Key::may("when", Shape::Tables(&CONDITION), "The rows whose texts may no longer change"),
    ],
);

static TARGET: Section = Section::of(
    "target",
    "One row of the model that a source row becomes",
    &[
        Key::must("entity", Shape::Word(Words::Entities), "The entity"),
        Key::may("when", Shape::Tables(&CONDITION), "The rows that become such a row"),
        Key::must("fields", Shape::Table(&FIELDS), "The rule of each field"),
    ],
);

pub(super) static FIELDS: Section =
    Section::of("fields", "The rule of each field", &[]).with_others(Others::Rules);

static IGNORE: Section =
    Section::of("ignore", "COLUMN = \"why it is not migrated\"", &[]).with_others(Others::Scalars);

static TEXTS: Section =
    Section::of("texts", "Values by name; one that is not named is NULL", &[]).with_others(Others::Scalars);

static EXAMPLE: Section = Section::of(
    "example",
    "A row and what it must become; beside these keys stand the rows expected, by entity",
    &[
        Key::must("about", Shape::Text, "What the example shows"),
        Key::may("source", Shape::Table(&TEXTS), "The row; a column that is not named is NULL"),
        Key::may(
            "given",
            Shape::Table(&TEXTS),
            "Texts of parents, neighbours and lookups, `@as_of`, `@skydd`",
        ),
        Key::may("marks", Shape::Words(Words::Reasons), "Exactly the marks that the row gets"),
        Key::may("quarantined", Shape::Word(Words::Reasons), "The reason for which the row is held back"),
    ],
)
.with_others(Others::Rows);
