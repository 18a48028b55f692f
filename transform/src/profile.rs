//! What the rules of a mapping met in the rows: how many texts each read, refused and normalised, and which codes
//! occur. Pure counting; no value leaves it but codes that code lists are asked for.

use std::collections::BTreeMap;

use bron_mappings::{Action, Batch, Mapping, ReasonCode, Rule};

use crate::apply::{outcome, scope};
use crate::functions::Outcome;
use crate::lookups::Lookups;
use crate::plan::{Plan, PlannedField, PlannedRule};
use crate::row::{BatchView, Row};

/// The most different codes of one rule that are counted apart; the rows of all others are counted together.
pub const MOST_CODES: usize = 10_000;

/// What became of the texts that a rule met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleProfile {
    /// The entity and the field.
    pub entity: String,
    /// The field.
    pub field: String,
    /// The function or the code list; empty for an id, a reference and a constant.
    pub by: String,
    /// Rows that the rule was asked for.
    pub rows: u64,
    /// Rows for which it gave a value without a mark.
    pub read: u64,
    /// Rows for which it gave nothing and no mark: the source says nothing.
    pub empty: u64,
    /// Rows whose text was brought into a normal form or repaired, by mark.
    pub normalised: BTreeMap<ReasonCode, u64>,
    /// Rows whose text could not be read, by mark.
    pub refused: BTreeMap<ReasonCode, u64>,
    /// The codes that a rule with a code list was asked for.
    pub codes: BTreeMap<String, CodeCounts>,
    /// Rows with a code beyond the most that are counted apart.
    pub more_codes: u64,
}

/// How often a code occurs, by what the list says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeCounts {
    /// Rows for which the list knows it.
    pub known: u64,
    /// Rows for which the list does not.
    pub unknown: u64,
    /// Rows on whose day, or without a day, it means nothing.
    pub out_of_period: u64,
}

impl CodeCounts {
    /// All rows with the code.
    #[must_use]
    pub const fn rows(self) -> u64 {
        self.known + self.unknown + self.out_of_period
    }
}

/// Counts what the rules of one mapping meet.
pub struct Profiler<'p> {
    plan: &'p Plan,
    lookups: &'p Lookups,
    /// For each target its fields, in the order of the plan.
    rules: Vec<Vec<RuleProfile>>,
}

impl<'p> Profiler<'p> {
    /// Begins to count; `plan` is the plan of `mapping`.
    #[must_use]
    pub fn new(mapping: &Mapping, plan: &'p Plan, lookups: &'p Lookups) -> Self {
        let named = |entity: &str, field: &str, rule: &Rule| RuleProfile {
            entity: entity.to_owned(),
            field: field.to_owned(),
            by: match rule {
                Rule::Function { name, .. } => name.clone(),
                Rule::Codes { list, .. } => list.clone(),
                Rule::Id { .. } | Rule::Ref { .. } | Rule::Const(_) => String::new(),
            },
            ..RuleProfile::default()
        };
        let rules = mapping.targets.iter().map(|target| {
            target.fields.iter().map(|rule| named(&target.entity, &rule.field, &rule.rule)).collect()
        });
        Self { plan, lookups, rules: rules.collect() }
    }

    /// Counts the rows of a batch whose first row stands at `first_row` of the staged table.
    ///
    /// # Panics
    /// When the batch has other columns than the plan was made for.
    pub fn add(&mut self, batch: &Batch, first_row: u64) {
        let view = BatchView::new(self.plan, self.lookups, batch, first_row);
        for index in 0..batch.rows() {
            let mut row = view.row(index);
            let belongs = scope(&row, &mut Vec::new(), &mut Vec::new());
            row.belongs_to(belongs);
            for (target, rules) in self.plan.targets.iter().zip(&mut self.rules) {
                if row.holds(&target.when) {
                    for (field, rule) in target.fields.iter().zip(rules) {
                        rule.add(&row, field);
                    }
                }
            }
        }
    }

    /// What was counted, in the order of the mapping.
    #[must_use]
    pub fn finish(self) -> Vec<RuleProfile> {
        self.rules.into_iter().flatten().collect()
    }
}

impl RuleProfile {
    fn add(&mut self, row: &Row<'_>, field: &PlannedField) {
        self.rows += 1;
        let (outcome, _) = outcome(row, field);
        if let PlannedRule::Codes { input, .. } = &field.rule
            && row.holds(&field.when)
            && let Some(code) = row.present(input)
        {
            self.code(code, &outcome);
        }
        match outcome {
            Outcome::Null => self.empty += 1,
            Outcome::Value(_) => self.read += 1,
            Outcome::Marked { action: Action::Norm | Action::Fix, reason, .. } => {
                *self.normalised.entry(reason).or_default() += 1;
            }
            Outcome::Marked { reason, .. } | Outcome::Bad(reason) => {
                *self.refused.entry(reason).or_default() += 1;
            }
        }
    }

    fn code(&mut self, code: &str, outcome: &Outcome<'_>) {
        if self.codes.len() >= MOST_CODES && !self.codes.contains_key(code) {
            self.more_codes += 1;
            return;
        }
        let counts = self.codes.entry(code.to_owned()).or_default();
        match outcome {
            Outcome::Bad(ReasonCode::UnknownPeriod)
            | Outcome::Marked { reason: ReasonCode::UnknownPeriod, .. } => {
                counts.out_of_period += 1;
            }
            Outcome::Bad(_) | Outcome::Marked { .. } => counts.unknown += 1,
            Outcome::Null | Outcome::Value(_) => counts.known += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{only, plan, rules, table};

    #[test]
    fn texts_and_codes_are_counted_by_what_became_of_them() {
        let set = rules(
            "kod = { from = \"A\", codes = \"typ\", date = \"B\" }\ndatum = { from = \"B\", fn = \"open_end_date\" }\n",
        );
        let rows = ["1|A|2014-10-31", "2|P|-", "3|X|9999-12-31", "4|-|2014-02-30", "5|U|2014-10-31", "6|A|-"];
        let batch = table("ID A B", &rows);
        let plan = plan(&set, &batch).unwrap();
        let lookups = Lookups::new(None);
        let whole = |cut: usize| {
            let mut profiler = Profiler::new(only(&set), &plan, &lookups);
            profiler.add(&batch.slice(0, cut), 0);
            profiler.add(&batch.slice(cut, 6 - cut), u64::try_from(cut).unwrap());
            profiler.finish()
        };
        let found = whole(0);
        assert!((1..6).all(|cut| whole(cut) == found), "any cut gives the same");
        let [dates, _, codes] = &found[..] else { panic!("three rules") };
        assert_eq!((codes.by.as_str(), codes.rows, codes.read, codes.empty), ("typ", 6, 2, 2));
        let counts = |known, unknown, out_of_period| CodeCounts { known, unknown, out_of_period };
        let expected =
            [("A", counts(2, 0, 0)), ("P", counts(0, 0, 1)), ("U", counts(1, 0, 0)), ("X", counts(0, 1, 0))];
        assert_eq!(codes.codes, expected.map(|(code, counts)| (code.to_owned(), counts)).into());
        assert_eq!(codes.codes["A"].rows(), 2);
        assert_eq!((dates.by.as_str(), dates.read, dates.empty), ("open_end_date", 2, 2));
        assert_eq!(dates.normalised, BTreeMap::from([(ReasonCode::OpenEndDate, 1)]));
        assert_eq!(dates.refused, BTreeMap::from([(ReasonCode::Malformed, 1)]));
    }
}
