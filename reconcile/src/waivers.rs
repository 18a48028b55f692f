//! Differences that named people have accepted, held against what was found.
//!
//! A waiver takes nothing away: what it accepts stays listed and counted, and the verdict says that differences were
//! accepted. What more rows than it allows have in common is accepted for none of them, and a waiver whose last day has
//! passed accepts nothing. What was not compared cannot be accepted as equal.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{EntityId, WaivedKind, WaivedRows, Waiver, WaiverLimit, WaiverSubject, Waivers};
use serde::{Deserialize, Serialize};

use crate::conservation::{Equation, Imbalance, Origin};
use crate::controls::ControlRow;
use crate::references::ReferenceCounts;
use crate::round_trip::RoundTripSummary;
use crate::rows::{Finding, FindingKind, RowCounts};

/// What became of a waiver in a reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverState {
    /// It accepts what it is about.
    InForce,
    /// Its last day has passed: it accepts nothing.
    Expired,
    /// Nothing that was found is what it is about.
    Unused,
    /// More differs than it allows, or something else: it accepts nothing.
    Exceeded,
}

impl WaiverState {
    /// The name in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InForce => "gäller",
            Self::Expired => "har gått ut",
            Self::Unused => "behövs inte: inget sådant skiljer",
            Self::Exceeded => "gäller inte: mer skiljer än vad som är godkänt",
        }
    }
}

/// A waiver as summaries and reports list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaiverLine {
    /// Its name.
    pub id: String,
    /// The entity, or the control.
    pub entity: String,
    /// What is accepted, in Swedish.
    pub label: String,
    /// Why, in Swedish.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it.
    pub approved_by: String,
    /// The last day on which it holds, `YYYY-MM-DD`.
    pub expires: String,
    /// What was found that it is about: findings, or one key of a control. A finding may be counted by several.
    pub rows: u64,
    /// What became of it.
    pub state: WaiverState,
}

/// What waivers in force accept: the part of what differs that the verdict does not hold against the move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Findings of rows by kind; nameless and repeated rows are never among them.
    rows: RowCounts,
    /// Rows whose references lead nowhere.
    dangling: u64,
    /// Keys of controls.
    controls: BTreeSet<(String, String)>,
    /// Rows that the target lacks, less those that only it has, per entity and source table.
    lacking: BTreeMap<Origin, i128>,
    /// The rows that the target lacks, and those that only it has, by entity.
    whole_rows: BTreeMap<String, BTreeSet<EntityId>>,
}

impl Accepted {
    /// Whether all of these row differences are accepted.
    #[must_use]
    pub const fn covers_rows(&self, found: &RowCounts) -> bool {
        found.missing <= self.rows.missing
            && found.unexpected <= self.rows.unexpected
            && found.differs <= self.rows.differs
            && found.nameless == 0
    }

    /// Whether all rows whose references lead nowhere are accepted.
    #[must_use]
    pub const fn covers_references(&self, found: &ReferenceCounts) -> bool {
        found.dangling <= self.dangling
    }

    /// Whether the difference of the control at this key is accepted.
    #[must_use]
    pub fn covers_control(&self, row: &ControlRow) -> bool {
        self.controls.contains(&(row.name.clone(), row.key.clone()))
    }

    /// Whether an equation fails by accepted rows and nothing else: only that of the rows made and the rows that the
    /// target holds can.
    #[must_use]
    pub fn covers_balance(&self, imbalance: &Imbalance) -> bool {
        let Imbalance { rule, system, table, part, expected, found } = imbalance;
        let origin = Origin { entity: part.clone(), system: system.clone(), table: table.clone() };
        let sides = i128::try_from(*expected).ok().zip(i128::try_from(*found).ok());
        let lacking = sides.map(|(expected, found)| expected - found);
        *rule == Equation::Target && lacking.is_some() && lacking == self.lacking.get(&origin).copied()
    }

    /// Whether the row is one that the target lacks, or that only it has, and that is accepted: it then takes no part
    /// in any other comparison.
    #[must_use]
    pub fn has_row(&self, entity: &str, id: &EntityId) -> bool {
        self.whole_rows.get(entity).is_some_and(|ids| ids.contains(id))
    }

    /// Whether all rows that do not give back what their source rows say are accepted: each of them has to be accepted
    /// as one that differs row by row. What only the round trip finds nobody accepts.
    #[must_use]
    pub const fn covers_round_trip(&self, found: &RoundTripSummary) -> bool {
        found.alone == 0 && found.differs <= self.rows.unexpected.saturating_add(self.rows.differs)
    }

    /// Whether any row is accepted that only one side has.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        !self.whole_rows.is_empty()
    }

    /// The differences that are accepted, over rows, references and controls.
    #[must_use]
    pub fn total(&self) -> u64 {
        let controls = u64::try_from(self.controls.len()).unwrap_or(u64::MAX);
        let rows = [self.rows.missing, self.rows.unexpected, self.rows.differs, self.dangling, controls];
        rows.into_iter().fold(0, u64::saturating_add)
    }

    fn add(&mut self, finding: &Finding) {
        let lacking = match finding.kind {
            FindingKind::Missing => {
                self.rows.missing += 1;
                1
            }
            FindingKind::Unexpected => {
                self.rows.unexpected += 1;
                -1
            }
            FindingKind::Differs { .. } => {
                self.rows.differs += 1;
                return;
            }
            FindingKind::Dangling { .. } => {
                self.dangling += 1;
                return;
            }
            FindingKind::Repeated | FindingKind::Nameless { .. } | FindingKind::NotRestored { .. } => return,
        };
        let origin = Origin {
            entity: finding.entity.clone(),
            system: finding.src_system.clone(),
            table: finding.src_table.clone(),
        };
        *self.lacking.entry(origin).or_default() += lacking;
        self.whole_rows.entry(finding.entity.clone()).or_default().insert(finding.entity_id);
    }
}

/// The waivers of a project while what was found is held against them: every finding is seen twice, first to be
/// counted and then to be judged.
#[derive(Debug)]
pub struct WaiverTally<'w> {
    waivers: &'w [Waiver],
    today: &'w str,
    rows: Vec<u64>,
    accepted: Accepted,
}

impl<'w> WaiverTally<'w> {
    /// Nothing counted yet. `today` is the day of the reconciliation, `YYYY-MM-DD`.
    #[must_use]
    pub fn new(waivers: &'w Waivers, today: &'w str) -> Self {
        let waivers = waivers.all();
        Self { waivers, today, rows: vec![0; waivers.len()], accepted: Accepted::default() }
    }

    /// Whether any waiver is about rows, so that findings have to be counted before they are judged.
    #[must_use]
    pub fn is_about_rows(&self) -> bool {
        self.waivers.iter().any(|waiver| matches!(waiver.subject, WaiverSubject::Rows(_)))
    }

    /// Counts a finding for every waiver that is about it.
    pub fn count(&mut self, finding: &Finding) {
        for (waiver, rows) in self.waivers.iter().zip(&mut self.rows) {
            if is_about(waiver, finding) {
                *rows += 1;
            }
        }
    }

    /// Counts and judges the controls.
    pub fn judge_controls(&mut self, controls: &[ControlRow]) {
        for (number, waiver) in self.waivers.iter().enumerate() {
            let WaiverSubject::Control { name, key, difference } = &waiver.subject else { continue };
            let is_meant = |row: &&ControlRow| row.name == *name && row.key == *key && row.difference != 0;
            let Some(row) = controls.iter().find(is_meant) else { continue };
            self.rows[number] = 1;
            if row.difference == *difference && waiver.holds_on(self.today) {
                self.accepted.controls.insert((name.clone(), key.clone()));
            }
        }
    }

    /// The waiver in force that accepts the finding: the first in the order of the file. Every finding must have been
    /// counted, and is judged once.
    pub fn judge(&mut self, finding: &Finding) -> Option<&'w str> {
        let waivers = self.waivers;
        let in_force = |number: &usize| self.state(*number) == WaiverState::InForce;
        let found =
            (0..waivers.len()).filter(|number| is_about(&waivers[*number], finding)).find(in_force)?;
        self.accepted.add(finding);
        Some(&waivers[found].id)
    }

    fn state(&self, number: usize) -> WaiverState {
        let (waiver, rows) = (&self.waivers[number], self.rows[number]);
        let within = match &waiver.subject {
            WaiverSubject::Rows(WaivedRows { limit: WaiverLimit::AtMost(most), .. }) => rows <= *most,
            WaiverSubject::Rows(WaivedRows { limit: WaiverLimit::Findings(_), .. }) => true,
            WaiverSubject::Control { name, key, .. } => {
                self.accepted.controls.contains(&(name.clone(), key.clone()))
            }
        };
        if !waiver.holds_on(self.today) {
            WaiverState::Expired
        } else if rows == 0 {
            WaiverState::Unused
        } else if within {
            WaiverState::InForce
        } else {
            WaiverState::Exceeded
        }
    }

    /// What the waivers came to, in the order of the file, and what they accept.
    #[must_use]
    pub fn finish(self) -> (Vec<WaiverLine>, Accepted) {
        let line = |(number, waiver): (usize, &Waiver)| WaiverLine {
            id: waiver.id.clone(),
            entity: match &waiver.subject {
                WaiverSubject::Rows(rows) => rows.entity.clone(),
                WaiverSubject::Control { name, .. } => name.clone(),
            },
            label: label(&waiver.subject),
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            approved_by: waiver.approved_by.clone(),
            expires: waiver.expires.clone(),
            rows: self.rows[number],
            state: self.state(number),
        };
        let lines = self.waivers.iter().enumerate().map(line).collect();
        (lines, self.accepted)
    }
}

fn is_about(waiver: &Waiver, finding: &Finding) -> bool {
    let WaiverSubject::Rows(rows) = &waiver.subject else { return false };
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let same_kind = matches!(
        (rows.kind, &finding.kind),
        (WaivedKind::Missing, FindingKind::Missing)
            | (WaivedKind::Unexpected, FindingKind::Unexpected)
            | (WaivedKind::Differs, FindingKind::Differs { .. })
            | (WaivedKind::Dangling, FindingKind::Dangling { .. })
    );
    same_kind
        && rows.entity == finding.entity
        && is(&rows.system, &finding.src_system)
        && is(&rows.table, &finding.src_table)
        && finding.kind.fields().iter().all(|field| rows.fields.contains(field))
        && match &rows.limit {
            WaiverLimit::Findings(findings) => findings.contains(&finding.id.to_string()),
            WaiverLimit::AtMost(_) => true,
        }
}

/// What a waiver is about, in Swedish.
fn label(subject: &WaiverSubject) -> String {
    match subject {
        WaiverSubject::Control { key, difference, .. } => {
            format!("Summan eller antalet för {key} skiljer med {difference}")
        }
        WaiverSubject::Rows(rows) => {
            let fields: Vec<&str> = rows.fields.iter().map(String::as_str).collect();
            let fields = fields.join(", ");
            let what = match rows.kind {
                WaivedKind::Missing => "Rader saknas i målet".to_owned(),
                WaivedKind::Unexpected => "Rader finns bara i målet".to_owned(),
                WaivedKind::Differs => format!("Rader skiljer i {fields}"),
                WaivedKind::Dangling => format!("Rader hänvisar genom {fields} till rader som saknas"),
            };
            match &rows.limit {
                WaiverLimit::Findings(findings) => format!("{what}, {} namngivna", findings.len()),
                WaiverLimit::AtMost(most) => format!("{what}, högst {most}"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
