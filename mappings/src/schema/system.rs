//! System files.

use super::{FORMAT, Key, Others, Section, Shape, Words};

/// A system file.
pub static SYSTEM: Section = Section::of(
    "system",
    "One source system: its name, and for a system that delivers files how they are written",
    &[
        FORMAT,
        Key::must("system", Shape::Text, "The name that mappings and keys use"),
        Key::must("label", Shape::Text, "The name for people"),
        Key::may("load_first", Shape::Texts, "Tables that are loaded before all others, in this order"),
        Key::may(
            "ignored_tables",
            Shape::Table(&IGNORED),
            "Tables that are not migrated, each with the reason",
        ),
        Key::may(
            "code_lists",
            Shape::Table(&CODE_LISTS),
            "How many lines of each code list that the system's mappings read are approved",
        ),
        Key::may("table", Shape::Tables(&TABLE), "The kinds of file of a system that delivers files"),
        Key::may("expect", Shape::Tables(&EXPECT), "Which files must have been delivered"),
        Key::may(
            "control_line",
            Shape::Tables(&CONTROL_LINE),
            "Lines of files that are no rows but say how much there is",
        ),
        Key::may(
            "settled_after",
            Shape::Whole(0, 4_294_967_295),
            "Seconds after its last change in which a file is taken to be on its way still",
        ),
        Key::may("dialect", Shape::Tables(&DIALECT), "How files were written, in the order of time"),
    ],
);

static IGNORED: Section =
    Section::of("ignored_tables", "TABLE = \"why it is not migrated\"", &[]).with_others(Others::Scalars);

static CODE_LISTS: Section =
    Section::of("code_lists", "LIST = number of its lines about the system or about every system", &[])
        .with_others(Others::Counts);

static TABLE: Section = Section::of(
    "table",
    "One kind of file, read as one table",
    &[
        Key::must("name", Shape::Text, "The table's name"),
        Key::must("files", Shape::Text, "Pattern of file names; `{name}` captures characters other than `_`"),
        Key::must("columns", Shape::Texts, "Every column that some file has"),
        Key::may("optional", Shape::Texts, "Columns that some files lack; they are NULL there"),
        Key::may("free_text", Shape::Text, "The one column that may hold a separator or line break unquoted"),
        Key::may(
            "same_delivery",
            Shape::Texts,
            "Captures that agree when a file of the same content is a second delivery",
        ),
        Key::may(
            "dialect",
            Shape::Text,
            "The dialect of all its files whatever their period; `sniff` finds it file by file",
        ),
    ],
);

static EXPECT: Section = Section::of(
    "expect",
    "Files that belong together",
    &[
        Key::must("table", Shape::Text, "The table that must have a file"),
        Key::must("per", Shape::Texts, "The captures that say which file: the month, the sender"),
        Key::must("given", Shape::Text, "The table whose files say where one is expected"),
    ],
);

const PLACE: Words = Words::Fixed(&[
    ("first", "before the line with the names of the columns"),
    ("last", "after the last row"),
]);

static CONTROL_LINE: Section = Section::of(
    "control_line",
    "A line with which the sender says how much a file holds",
    &[
        Key::must("table", Shape::Text, "The table whose files have the line"),
        Key::must("place", Shape::Word(PLACE), "Where it stands"),
        Key::must("fields", Shape::Texts, "Its fields: text, `{rows}`, `{sum:COLUMN}`, `{period}` or `{_}`"),
        Key::may("from", Shape::Text, "The first `{period}` whose files have it"),
        Key::may("until", Shape::Text, "The last `{period}` whose files have it"),
    ],
);

static DIALECT: Section = Section::of(
    "dialect",
    "How the files of a period were written",
    &[
        Key::must("name", Shape::Text, "The name that rows carry in `_dialekt`"),
        Key::may("files", Shape::Text, "Pattern of the names of the only files that are written so"),
        Key::may("from", Shape::Text, "The first `{period}` that is written so"),
        Key::may("until", Shape::Text, "The last `{period}` that is written so; the last dialect has none"),
        Key::must(
            "encoding",
            Shape::Text,
            "UTF-8 or an encoding with one byte per character, by its WHATWG label",
        ),
        Key::must("separator", Shape::Character, "One ASCII character"),
        Key::may("quoting", Shape::Truth, "Whether fields may be quoted; true unless told"),
        Key::may("crlf", Shape::Truth, "Whether lines end with CR LF; otherwise LF"),
        Key::may("bom", Shape::Truth, "States that files begin with a byte order mark"),
    ],
);
