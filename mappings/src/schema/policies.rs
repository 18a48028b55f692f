//! Files of quality work and of retention.

use super::{FORMAT, Form, Key, Section, Shape, Words};

/// A file of the policy for quality work.
pub static QUALITY: Section = Section::of(
    "quality",
    "Who gets which rows on a work list",
    &[FORMAT, Key::may("rule", Shape::Tables(&QUALITY_RULE), "What differs from the rule's own policy")],
);

static QUALITY_RULE: Section = Section::of(
    "rule",
    "The policy for one rule",
    &[
        Key::must("code", Shape::Word(Words::Reasons), "The rule"),
        Key::may(
            "owner",
            Shape::Word(Words::Owners),
            "The owner who gets the rows; the rule's own unless told",
        ),
        Key::may("listed", Shape::Truth, "Whether rows stand on a list; by their action unless told"),
        Key::may("advice", Shape::Text, "What the owner does in the source system, in Swedish"),
        Key::may("weight", Shape::Word(WEIGHT), "How much it matters; `medel` unless told"),
    ],
);

const WEIGHT: Words = Words::Fixed(&[
    ("hög", "has to be decided before the move of the unit"),
    ("medel", "ought to be corrected before the move"),
    ("låg", "for information"),
]);

/// A file of the rules of retention.
pub static RETENTION: Section = Section::of(
    "retention",
    "How long files are kept",
    &[
        FORMAT,
        Key::may("policy", Shape::Table(&POLICY), "What holds for a file that is overdue"),
        Key::may(
            "rule",
            Shape::Tables(&RULE),
            "The rules; each version of a rule that changed stands by itself",
        ),
        Key::may(
            "exemption",
            Shape::Tables(&EXEMPTION),
            "Reasons not to destroy a file; the first that applies is named",
        ),
    ],
);

static POLICY: Section = Section::of(
    "policy",
    "What holds for a file that is overdue",
    &[
        Key::may(
            "overdue",
            Shape::Word(DISPOSITION),
            "What is proposed for a file that is overdue and not exempt",
        ),
        Key::may(
            "while_open",
            Shape::Words(Words::Entities),
            "Entities with a period whose open rows keep a file in use",
        ),
    ],
);

static RULE: Section = Section::of(
    "rule",
    "One version of a rule",
    &[
        Key::must("name", Shape::Text, "The rule's name; versions of a rule share it"),
        Key::must("label", Shape::Text, "What it says, in Swedish"),
        Key::must("law", Shape::Text, "The law with its number in the statute book"),
        Key::must("lagrum", Shape::Text, "The section of law"),
        Key::must("version", Shape::Text, "Which version of the law, such as `SFS 2003:135`"),
        Key::may(
            "valid_from",
            Shape::Day,
            "The first day of this version; the one that holds on `as_of` counts",
        ),
        Key::may("trigger", Shape::Word(TRIGGER), "From when the time is counted; `last_event` unless told"),
        Key::may("years", Shape::Whole(1, 200), "The time; none: kept for ever, or not for us to say"),
        Key::may("finish", Shape::Word(FINISH), "When destruction has to be finished; `never` unless told"),
        Key::may("disposition", Shape::Word(DISPOSITION), "What is proposed; `migrate` unless told"),
        STATUS,
    ],
);

const STATUS: Key =
    Key::may("status", Shape::Word(LEGAL_STATUS), "Whether somebody who knows the law has confirmed it");

const TRIGGER: Words = Words::Fixed(&[
    ("last_event", "from the last event itself"),
    ("end_of_year", "from the end of its calendar year"),
]);

const FINISH: Words = Words::Fixed(&[
    ("end_of_next_year", "by the end of the calendar year after the one in which the duty arose"),
    ("never", "the time is a least time"),
]);

const DISPOSITION: Words = Words::Fixed(&[
    ("migrate", "it comes over and is used as before"),
    ("archive_then_drop", "it is delivered to the archive and then leaves the system in use"),
    ("hold", "it came over and waits, unchanged, until the nämnd has decided"),
]);

const LEGAL_STATUS: Words =
    Words::Fixed(&[("approved", "confirmed"), ("unchecked", "not confirmed yet; lists say so")]);

static EXEMPTION: Section = Section::of(
    "exemption",
    "A reason not to destroy a file that is due",
    &[
        Key::must("name", Shape::Text, "The code in the target"),
        Key::must("label", Shape::Text, "What it means, in Swedish"),
        Key::must("lagrum", Shape::Text, "The section of law"),
        Key::may("rules", Shape::Words(Words::Retention), "The rules that it is an exemption from"),
        Key::may("entity", Shape::Word(Words::Entities), "The file has a row of this entity"),
        Key::may("field", Shape::Text, "The field of the entity that holds the code"),
        Key::may("codes", Shape::Texts, "The codes; none: every row counts"),
        Key::may("born_on", Shape::Texts, "The person was born on one of these days of a month"),
        Key::may("born", Shape::Texts, "The fields of `person` that say the day of birth"),
        Key::may(
            "while_kept",
            Shape::Word(Words::Retention),
            "The file waits until the time of this rule has passed",
        ),
        Key::may("disposition", Shape::Word(DISPOSITION), "What is proposed instead; `hold` unless told"),
        STATUS,
    ],
)
.with_forms(&[Form::of(&["entity"]), Form::of(&["born_on"]), Form::of(&["while_kept"])]);
