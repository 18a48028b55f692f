//! What a reconciliation says: the verdict, the findings, and which of its directions saw something.

use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::path::Path;

use bron_outside::{Ended, Place, Program, last_words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::Found;

/// A direction from which a target is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Every row went somewhere.
    Conservation,
    /// Counts and sums per period.
    Controls,
    /// Every field of every row.
    Rows,
    /// Every reference leads to a row.
    References,
    /// Who may read what.
    Secrecy,
    /// What the target notes of the load.
    Receipts,
    /// What the values of the target were in the source.
    RoundTrip,
}

impl Direction {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Conservation,
        Self::Controls,
        Self::Rows,
        Self::References,
        Self::Secrecy,
        Self::Receipts,
        Self::RoundTrip,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conservation => "Conservation",
            Self::Controls => "Controls",
            Self::Rows => "Rows",
            Self::References => "References",
            Self::Secrecy => "Secrecy",
            Self::Receipts => "Receipts",
            Self::RoundTrip => "Round trip",
        }
    }

    /// Whether the document of a reconciliation says that it saw something; nothing when it was not asked.
    fn saw(self, document: &Value) -> Option<bool> {
        let summary = &document["summary"];
        let any = |list: &Value| list.as_array().map(|list| !list.is_empty());
        let above = |count: &Value| count.as_u64().map(|count| count > 0);
        match self {
            Self::Conservation => any(&document["imbalances"]),
            Self::Controls => {
                let rows = summary["controls"].as_array()?;
                Some(rows.iter().any(|row| row["difference"].as_i64() != Some(0)))
            }
            Self::Rows => {
                let counts = ["missing", "unexpected", "differs", "nameless"];
                let counts = counts.map(|name| above(&summary["rows"][name]));
                counts.into_iter().collect::<Option<Vec<bool>>>().map(|any| any.contains(&true))
            }
            Self::References => above(&summary["references"]["dangling"]),
            Self::Secrecy => any(&summary["secrecy"]["unequal"]),
            Self::Receipts => any(&document["unproven"]),
            Self::RoundTrip => {
                let fields = summary["round_trip"]["fields"].as_array()?;
                Some(fields.iter().any(|field| field["differs"].as_u64() != Some(0)))
            }
        }
    }
}

/// What a reconciliation says of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) code: i32,
    pub(crate) verdict: String,
    /// The directions that looked.
    pub(crate) asked: BTreeSet<Direction>,
    /// Those of them that saw something.
    pub(crate) saw: BTreeSet<Direction>,
    pub(crate) findings: BTreeSet<Found>,
    pub(crate) unproven: Vec<String>,
}

impl Sight {
    /// Runs a reconciliation of a project with a target.
    pub(crate) fn take(program: &Program, project: &Path, place: Option<&Place>) -> Result<Self> {
        let ended = program.run("reconcile", project, place)?;
        let text = std::fs::read_to_string(project.with_extension("out"))?;
        match ended {
            Ended::Code(code) => Self::read(code, &text)
                .map_err(|error| Error::other(format!("{error}, code {code}: {}", last_words(project)))),
            Ended::Killed | Ended::Crashed => {
                Err(Error::other(format!("reconcile crashed: {}", last_words(project))))
            }
        }
    }

    /// Reads the document that a reconciliation, or a migration, prints.
    pub(crate) fn read(code: i32, text: &str) -> Result<Self> {
        let document: Value = serde_json::from_str(text).map_err(Error::other)?;
        let verdict = document["verdict"].as_str().ok_or_else(|| Error::other("no verdict"))?.to_owned();
        let sights = Direction::ALL.map(|direction| (direction, direction.saw(&document)));
        let asked = sights.iter().filter(|(_, saw)| saw.is_some()).map(|(direction, _)| *direction);
        let saw = sights.iter().filter(|(_, saw)| *saw == Some(true)).map(|(direction, _)| *direction);
        let findings = document["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().map_or(&[][..], Vec::as_slice);
            list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let found = |finding: &Value| {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            // A row without an id is named by its place.
            let id = if text("kind") == "nameless" { String::new() } else { text("entity_id") };
            let fields = texts(&finding["fields"]).into_iter().collect();
            Found { kind: text("kind"), entity: text("entity"), id, fields }
        };
        Ok(Self {
            code,
            verdict,
            asked: asked.collect(),
            saw: saw.collect(),
            findings: findings.iter().map(found).collect(),
            unproven: texts(&document["unproven"]),
        })
    }

    /// Whether nothing at all was seen, by directions that all looked.
    pub(crate) fn is_clear(&self) -> bool {
        self.saw.is_empty()
            && self.findings.is_empty()
            && self.verdict.starts_with("lika")
            && Direction::ALL.iter().all(|direction| self.asked.contains(direction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: &str = r#"{"verdict": "lika", "findings": [], "unproven": [], "imbalances": [], "summary": {
        "controls": [{"difference": 0}], "references": {"dangling": 0}, "secrecy": {"unequal": []},
        "rows": {"missing": 0, "unexpected": 0, "differs": 0, "nameless": 0},
        "round_trip": {"fields": [{"differs": 0}]}}}"#;

    fn read(text: &str) -> Sight {
        Sight::read(0, text).unwrap()
    }

    #[test]
    fn a_direction_that_did_not_look_is_not_one_that_saw_nothing() {
        assert!(read(CLEAR).is_clear());
        let blind = CLEAR.replace(r#""imbalances": [], "#, "");
        assert!(!read(&blind).is_clear());
        assert!(read(&blind).saw.is_empty());
        assert!(Sight::read(1, r#"{"error": {}}"#).is_err());
    }

    #[test]
    fn each_direction_is_asked_for_what_it_saw() {
        for (direction, from, to) in [
            (Direction::Conservation, r#""imbalances": []"#, r#""imbalances": [{}]"#),
            (Direction::Controls, r#""difference": 0"#, r#""difference": -1"#),
            (Direction::Rows, r#""nameless": 0"#, r#""nameless": 1"#),
            (Direction::References, r#""dangling": 0"#, r#""dangling": 2"#),
            (Direction::Secrecy, r#""unequal": []"#, r#""unequal": [{}]"#),
            (Direction::Receipts, r#""unproven": []"#, r#""unproven": ["x"]"#),
            (Direction::RoundTrip, r#"[{"differs": 0}]"#, r#"[{"differs": 1}]"#),
        ] {
            let sight = read(&CLEAR.replace(from, to));
            assert_eq!(sight.saw, BTreeSet::from([direction]));
            assert!(!sight.is_clear());
        }
    }

    #[test]
    fn a_finding_is_read_without_what_could_be_a_place() {
        let with = CLEAR.replace(
            r#""findings": []"#,
            r#""findings": [{"kind": "differs", "entity": "besok", "entity_id": "a", "fields": ["slut", "start"]},
            {"kind": "nameless", "entity": "besok", "entity_id": "rad 7", "fields": []}]"#,
        );
        let fields = ["start", "slut"].map(str::to_owned);
        let expected = [Found::fields("differs", "besok", "a", fields), Found::row("nameless", "besok", "")];
        assert_eq!(read(&with).findings, BTreeSet::from(expected));
    }
}
