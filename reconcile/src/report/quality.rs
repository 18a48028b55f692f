//! The work that is open and what is due to be destroyed, for people.

use std::collections::BTreeMap;

use bron_mappings::{Disposition, Owner, ReasonCode};

use super::Language;
use super::number::{count, plural};
use crate::quality::{QualityCounts, QualityLine, RetentionLine};
use crate::summary::Summary;

/// The width of a bar, in units of its drawing.
const WIDTH: u64 = 1_000;

/// What is open for one owner, and its rules.
pub(super) struct OwnerView {
    pub(super) code: String,
    pub(super) label: String,
    pub(super) open: String,
    pub(super) new: String,
    pub(super) persisting: String,
    pub(super) resolved: String,
    pub(super) protected: String,
    pub(super) rules: Vec<RuleView>,
}

/// What is open of one rule.
pub(super) struct RuleView {
    pub(super) code: String,
    pub(super) label: String,
    pub(super) open: String,
    pub(super) new: String,
    pub(super) persisting: String,
    pub(super) resolved: String,
    /// The widths of what is left, new and resolved in the bar, against the longest of the owner.
    pub(super) bar: [u64; 3],
    /// Where each begins.
    pub(super) starts: [u64; 3],
}

/// Files that are treated alike.
pub(super) struct RetentionView {
    pub(super) disposition: String,
    pub(super) exemption: String,
    pub(super) overdue: &'static str,
    pub(super) files: String,
}

/// One line per owner, in the order of the work lists.
pub(super) fn owners(summary: &Summary) -> Vec<OwnerView> {
    let lines = &summary.quality.lines;
    let mut by_owner: BTreeMap<usize, Vec<&QualityLine>> = BTreeMap::new();
    for line in lines {
        let place = Owner::ALL.iter().position(|owner| owner.code() == line.owner);
        by_owner.entry(place.unwrap_or(usize::MAX)).or_default().push(line);
    }
    by_owner.into_iter().map(|(place, lines)| owner(Owner::ALL.get(place), &lines)).collect()
}

fn owner(owner: Option<&Owner>, lines: &[&QualityLine]) -> OwnerView {
    let longest = lines.iter().map(|line| line.counts.open + line.counts.resolved).max().unwrap_or_default();
    let sum = |of: fn(&QualityCounts) -> u64| {
        count(lines.iter().map(|line| u128::from(of(&line.counts))).sum::<u128>())
    };
    OwnerView {
        code: owner.map_or("–", |owner| owner.code()).to_owned(),
        label: owner.map_or("Okänd ägare", |owner| owner.label()).to_owned(),
        open: sum(|counts| counts.open),
        new: sum(|counts| counts.new),
        persisting: sum(|counts| counts.persisting),
        resolved: sum(|counts| counts.resolved),
        protected: sum(|counts| counts.protected),
        rules: lines.iter().map(|line| rule(line, longest)).collect(),
    }
}

fn rule(line: &QualityLine, longest: u64) -> RuleView {
    let QualityCounts { open, new, persisting, resolved, protected: _ } = line.counts;
    let width = |number: u64| {
        let width = u128::from(number) * u128::from(WIDTH) / u128::from(longest.max(1));
        u64::try_from(width).unwrap_or(WIDTH)
    };
    let bar = [persisting, new, resolved].map(width);
    RuleView {
        code: line.rule.clone(),
        label: ReasonCode::parse(&line.rule).map_or(line.rule.as_str(), |reason| reason.label()).to_owned(),
        open: count(open),
        new: count(new),
        persisting: count(persisting),
        resolved: count(resolved),
        bar,
        starts: [0, bar[0], bar[0] + bar[1]],
    }
}

/// How the work has gone since the run before, in a sentence.
pub(super) fn trend(summary: &Summary, language: Language) -> String {
    let sum = |of: fn(&QualityCounts) -> u64| -> u128 {
        summary.quality.lines.iter().map(|line| u128::from(of(&line.counts))).sum()
    };
    let open = sum(|counts| counts.open);
    let [resolved, new, persisting] =
        [sum(|counts| counts.resolved), sum(|counts| counts.new), sum(|counts| counts.persisting)].map(count);
    match (language, &summary.quality.previous) {
        (Language::Sv, previous) => {
            let open = plural(open, "post står", "poster står");
            let since = previous.as_ref().map_or_else(
                || "Det finns ingen tidigare körning att jämföra med.".to_owned(),
                |run| format!("Sedan körning {run}: {resolved} åtgärdade, {new} nya, {persisting} kvar."),
            );
            format!("{open} på ägarnas arbetslistor. {since}")
        }
        (Language::En, previous) => {
            let open = plural(open, "item is", "items are");
            let since = previous.as_ref().map_or_else(
                || "There is no earlier run to compare with.".to_owned(),
                |run| format!("Since run {run}: {resolved} resolved, {new} new, {persisting} left."),
            );
            format!("{open} on the work lists of the owners. {since}")
        }
    }
}

/// The files by what is proposed, those whose time has passed first.
pub(super) fn retention(summary: &Summary) -> Vec<RetentionView> {
    let mut lines: Vec<&RetentionLine> = summary.retention.iter().collect();
    lines.sort_by_key(|line| !line.overdue);
    let view = |line: &RetentionLine| {
        let known = Disposition::ALL.iter().map(|(_, one)| *one).find(|one| one.code() == line.disposition);
        RetentionView {
            disposition: known.map_or(line.disposition.as_str(), |one| one.label()).to_owned(),
            exemption: match line.exemption.as_str() {
                "" => "Inget".to_owned(),
                "placering" => "Placerat barn".to_owned(),
                "forskning" => "Född den 5, 15 eller 25".to_owned(),
                "sammanstallning" => "Öppen sammanställning".to_owned(),
                other => other.to_owned(),
            },
            overdue: if line.overdue { "Ja" } else { "Nej" },
            files: count(line.files),
        }
    };
    lines.into_iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conservation::Ledger;
    use crate::summary::Evidence;

    #[test]
    fn owners_come_in_the_order_of_the_lists_and_bars_are_as_long_as_their_counts() {
        let mut summary = Summary::new("r", "m", &Ledger::new(), &Evidence::default()).unwrap();
        assert!(owners(&summary).is_empty() && retention(&summary).is_empty());
        let line = |owner: &str, rule: &str, new, persisting, resolved| QualityLine {
            owner: owner.to_owned(),
            rule: rule.to_owned(),
            counts: QualityCounts { open: new + persisting, new, persisting, resolved, protected: 1 },
        };
        summary.quality.lines = vec![line("EKO", "D36", 0, 8, 2), line("SDF", "D01", 3, 1, 1)];
        summary.quality.previous = Some("förra".to_owned());
        let views = owners(&summary);
        assert_eq!((views[0].code.as_str(), views[1].code.as_str()), ("SDF", "EKO"));
        assert_eq!((views[1].rules[0].bar, views[1].rules[0].starts), ([800, 0, 200], [0, 800, 800]));
        assert_eq!(views[0].rules[0].label, ReasonCode::CheckDigit.label());
        let expected = "12 poster står på ägarnas arbetslistor. \
                        Sedan körning förra: 3 åtgärdade, 3 nya, 9 kvar.";
        assert_eq!(trend(&summary, Language::Sv), expected);
        let english = trend(&summary, Language::En);
        assert!(english.starts_with("12 items are on") && english.ends_with("3 new, 9 left."), "{english}");
    }

    #[test]
    fn what_is_overdue_comes_first() {
        let mut summary = Summary::new("r", "m", &Ledger::new(), &Evidence::default()).unwrap();
        let line = |overdue, exemption: &str| RetentionLine {
            disposition: "hall_for_beslut".to_owned(),
            exemption: exemption.to_owned(),
            overdue,
            files: 7,
        };
        summary.retention = vec![line(false, ""), line(true, "placering")];
        let views = retention(&summary);
        assert_eq!((views[0].overdue, views[0].exemption.as_str()), ("Ja", "Placerat barn"));
        assert_eq!((views[1].exemption.as_str(), views[1].files.as_str()), ("Inget", "7"));
        assert_eq!(views[1].disposition, Disposition::Hold.label());
    }
}
