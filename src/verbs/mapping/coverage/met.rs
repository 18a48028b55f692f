//! What the rules met: codes against their lists, and texts against their functions.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{FEWEST_SHOWN, MappingSet, ReasonCode};
use bron_transform::{CodeCounts, RuleProfile};
use serde_json::{Value, json};

use crate::chain::Profiles;

/// The codes of one system in one list.
#[derive(Default)]
struct Codes<'m> {
    seen: BTreeMap<&'m str, CodeCounts>,
    never_seen: BTreeSet<&'m str>,
    more_rows: u64,
}

/// What one function met, in all rules together.
#[derive(Default)]
struct Texts {
    rules: u64,
    rows: u64,
    read: u64,
    empty: u64,
    normalised: BTreeMap<ReasonCode, u64>,
    refused: BTreeMap<ReasonCode, u64>,
}

/// The codes by list and system. A code that two rules of one table look up counts once for each.
fn codes<'m>(set: &'m MappingSet, met: &'m Profiles) -> BTreeMap<(&'m str, &'m str), Codes<'m>> {
    let mut found: BTreeMap<(&str, &str), Codes<'_>> = BTreeMap::new();
    for (mapping, rule) in rules(met).filter(|(_, rule)| set.codes.contains_key(&rule.by)) {
        let system = mapping.split('/').next().unwrap_or_default();
        let codes = found.entry((&rule.by, system)).or_default();
        codes.more_rows += rule.more_codes;
        for (code, counts) in &rule.codes {
            let all = codes.seen.entry(code).or_default();
            all.known += counts.known;
            all.unknown += counts.unknown;
            all.out_of_period += counts.out_of_period;
        }
    }
    for ((list, system), codes) in &mut found {
        let lines = set.codes[*list].entries().filter(|(of, ..)| of.is_empty() || of == system);
        codes.never_seen =
            lines.map(|(_, code, _)| code).filter(|code| !codes.seen.contains_key(code)).collect();
    }
    found
}

fn functions<'m>(set: &MappingSet, met: &'m Profiles) -> BTreeMap<&'m str, Texts> {
    let mut found: BTreeMap<&str, Texts> = BTreeMap::new();
    for (_, rule) in rules(met).filter(|(_, rule)| !rule.by.is_empty() && !set.codes.contains_key(&rule.by)) {
        let texts = found.entry(&rule.by).or_default();
        texts.rules += 1;
        texts.rows += rule.rows;
        texts.read += rule.read;
        texts.empty += rule.empty;
        for (marks, of_rule) in
            [(&mut texts.normalised, &rule.normalised), (&mut texts.refused, &rule.refused)]
        {
            for (mark, rows) in of_rule {
                *marks.entry(*mark).or_default() += rows;
            }
        }
    }
    found
}

fn rules(met: &Profiles) -> impl Iterator<Item = (&str, &RuleProfile)> {
    met.rules.iter().flat_map(|(mapping, rules)| rules.iter().map(|rule| (mapping.as_str(), rule)))
}

impl Codes<'_> {
    fn shown(&self) -> impl Iterator<Item = (&str, CodeCounts)> {
        let often = self.seen.iter().filter(|(_, counts)| counts.rows() >= FEWEST_SHOWN);
        often.map(|(code, counts)| (*code, *counts))
    }

    /// The values that are counted and not shown: how many there are, and how many of them the list does not know.
    fn hidden(&self) -> (usize, usize) {
        let rare = || self.seen.values().filter(|counts| counts.rows() < FEWEST_SHOWN);
        (rare().count(), rare().filter(|counts| counts.unknown > 0).count())
    }

    fn known(&self) -> usize {
        self.seen.values().filter(|counts| counts.known == counts.rows()).count()
    }

    fn json(&self) -> Value {
        let shown = self.shown().map(|(code, counts)| {
            let CodeCounts { known, unknown, out_of_period } = counts;
            json!({ "code": code, "known": known, "unknown": unknown, "out_of_period": out_of_period })
        });
        let (hidden, hidden_unknown) = self.hidden();
        json!({
            "seen": self.seen.len(),
            "known": self.known(),
            "codes": shown.collect::<Vec<_>>(),
            "not_shown": hidden,
            "not_shown_unknown": hidden_unknown,
            "not_counted_rows": self.more_rows,
            "never_seen": self.never_seen,
        })
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (code, counts) in self.shown().filter(|(_, counts)| counts.known < counts.rows()) {
            let CodeCounts { known, unknown, out_of_period } = counts;
            lines.push(format!(
                "  {code}: {known} rows known, {unknown} unknown, {out_of_period} out of its period"
            ));
        }
        let (hidden, unknown) = self.hidden();
        if hidden > 0 {
            lines.push(format!(
                "  {hidden} values with fewer than {FEWEST_SHOWN} rows, {unknown} of them unknown"
            ));
        }
        if self.more_rows > 0 {
            lines
                .push(format!("  {} more rows with values beyond the most that are counted", self.more_rows));
        }
        if !self.never_seen.is_empty() {
            let never: Vec<&str> = self.never_seen.iter().copied().collect();
            lines.push(format!("  never seen: {}", never.join(", ")));
        }
        lines
    }
}

/// Marks with their rows.
fn marks(marks: &BTreeMap<ReasonCode, u64>) -> BTreeMap<&'static str, u64> {
    marks.iter().map(|(mark, rows)| (mark.code(), *rows)).collect()
}

/// What the rules met, as JSON.
pub(super) fn json(set: &MappingSet, met: &Profiles) -> Value {
    let codes = codes(set, met).into_iter().map(|((list, system), codes)| {
        let mut document = codes.json();
        document["list"] = list.into();
        document["system"] = system.into();
        document
    });
    let functions = functions(set, met).into_iter().map(|(function, texts)| {
        json!({
            "function": function,
            "rules": texts.rules,
            "rows": texts.rows,
            "read": texts.read,
            "empty": texts.empty,
            "normalised": marks(&texts.normalised),
            "refused": marks(&texts.refused),
        })
    });
    let rules = rules(met).map(|(mapping, rule)| {
        json!({
            "mapping": mapping,
            "entity": rule.entity,
            "field": rule.field,
            "by": rule.by,
            "rows": rule.rows,
            "read": rule.read,
            "empty": rule.empty,
            "normalised": marks(&rule.normalised),
            "refused": marks(&rule.refused),
        })
    });
    json!({
        "codes": codes.collect::<Vec<_>>(),
        "functions": functions.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
    })
}

/// What the rules met, for people.
pub(super) fn lines(set: &MappingSet, met: &Profiles) -> Vec<String> {
    let mut lines = vec![format!("{:<28} {:<10} {:>10}", "code list", "system", "known")];
    for ((list, system), codes) in codes(set, met) {
        let known = format!("{}/{}", codes.known(), codes.seen.len());
        lines.push(format!("{list:<28} {system:<10} {known:>10}"));
        lines.extend(codes.lines());
    }
    lines.push(String::new());
    lines.push(format!("{:<28} {:>10} {:>10} {:>10}", "function", "rows", "read", "empty"));
    for (function, Texts { rows, read, empty, normalised, refused, .. }) in functions(set, met) {
        lines.push(format!("{function:<28} {rows:>10} {read:>10} {empty:>10}"));
        for (what, of) in [("normalised", normalised), ("refused", refused)] {
            lines.extend(of.iter().map(|(mark, rows)| format!("  {what} {mark}: {rows}")));
        }
    }
    lines
}
