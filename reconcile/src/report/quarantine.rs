//! What people decided about the rows that were held back, and what became of them.

use bron_mappings::{Owner, ReasonCode};

use super::Language;
use super::number::{count, plural};
use crate::quarantine::{Quarantine, QuarantineLine};

/// What became of the items of one reason.
pub(super) struct QuarantineView {
    pub(super) code: String,
    pub(super) label: String,
    pub(super) stage: &'static str,
    pub(super) owner: String,
    pub(super) open: String,
    pub(super) decided: String,
    pub(super) again: String,
    pub(super) loaded: String,
    pub(super) ended: String,
}

/// One line per stage, reason and owner, those with most undecided items first.
pub(super) fn lines(quarantine: Option<&Quarantine>) -> Vec<QuarantineView> {
    let mut lines: Vec<&QuarantineLine> = quarantine.iter().flat_map(|found| &found.lines).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.in_states(&["open", "again"])));
    lines.into_iter().map(view).collect()
}

fn view(line: &QuarantineLine) -> QuarantineView {
    let sum = |states: &[&str]| count(line.in_states(states));
    QuarantineView {
        code: line.reason.clone(),
        label: ReasonCode::parse(&line.reason)
            .map_or(line.reason.as_str(), |reason| reason.label())
            .to_owned(),
        stage: match line.stage.as_str() {
            "reading" => "läsning",
            "mapping" => "omvandling",
            "loading" => "inläsning",
            _ => "–",
        },
        owner: Owner::parse(&line.owner).map_or("Okänd ägare", Owner::label).to_owned(),
        open: sum(&["open"]),
        decided: sum(&["accept", "correct", "map", "wait"]),
        again: sum(&["again"]),
        loaded: sum(&["loaded"]),
        ended: sum(&["gone", "left_out", "other_reason"]),
    }
}

/// How far people have come, in a sentence; empty where the quarantine was left as it was.
pub(super) fn headline(quarantine: Option<&Quarantine>, language: Language) -> String {
    let Some(quarantine) = quarantine else { return String::new() };
    let sum = |states: &[&str]| -> u128 {
        quarantine.lines.iter().map(|line| u128::from(line.in_states(states))).sum()
    };
    let open = sum(&["open", "again"]);
    let [decided, loaded, ended] =
        [&["accept", "correct", "map", "wait"][..], &["loaded"], &["gone", "left_out", "other_reason"]]
            .map(|states| count(sum(states)));
    match language {
        Language::Sv => {
            let open = plural(open, "post väntar", "poster väntar");
            format!(
                "{open} på beslut, {decided} har beslut, {loaded} har lästs in efteråt, \
                 {ended} har avslutats på annat sätt."
            )
        }
        Language::En => {
            let open = plural(open, "item waits", "items wait");
            format!(
                "{open} for a decision, {decided} have one, {loaded} were loaded afterwards, \
                 {ended} ended in other ways."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_people_comes_first_and_every_item_is_in_one_column() {
        let line = |reason: &str, states: &[(&str, u64)]| QuarantineLine {
            stage: "mapping".to_owned(),
            reason: reason.to_owned(),
            owner: "SDF".to_owned(),
            states: states.iter().map(|(state, items)| ((*state).to_owned(), *items)).collect(),
        };
        let states = [
            ("open", 1),
            ("accept", 2),
            ("correct", 3),
            ("map", 4),
            ("wait", 5),
            ("again", 6),
            ("loaded", 7),
            ("gone", 8),
            ("left_out", 9),
            ("other_reason", 10),
        ];
        let quarantine = Quarantine {
            items: 57,
            rows: 30,
            lines: vec![line("D01", &[("loaded", 2)]), line("D24", &states)],
        };
        let views = lines(Some(&quarantine));
        assert_eq!(views[0].label, ReasonCode::EndBeforeStart.label());
        let first = &views[0];
        let shown = [&first.open, &first.decided, &first.again, &first.loaded, &first.ended];
        assert_eq!(shown.map(String::as_str), ["1", "14", "6", "7", "27"]);
        assert_eq!((first.stage, first.owner.as_str()), ("omvandling", Owner::Sdf.label()));
        let expected = "7 poster väntar på beslut, 14 har beslut, 9 har lästs in efteråt, \
                        27 har avslutats på annat sätt.";
        assert_eq!(headline(Some(&quarantine), Language::Sv), expected);
        assert!(headline(None, Language::En).is_empty() && lines(None).is_empty());
    }
}
