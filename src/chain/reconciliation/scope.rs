//! What a partial comparison is asked to look at → the rows of each entity.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use bron_load::Sink;
use bron_mappings::{Entity, EntityId};
use bron_reconcile::rows::{Finding, FindingKind};
use bron_reconcile::scope::{ComparedShare, Rolling, Sample, Scope, Span};
use bron_reconcile::summary::{Summary, Verdict};

use super::SUMMARY_FILE;
use super::part::Part;
use crate::chain::Chain;
use crate::chain::run::Run;
use crate::failure::Failure;

/// Parts of a million, by which a share in per cent is counted.
const WHOLE: u64 = 1_000_000;

/// The rows that the comparison row by row and the round trip are limited to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Limit {
    /// None: everything is compared.
    #[default]
    None,
    /// A sample of every entity.
    Sample { size: SampleSize, seed: u64 },
    /// Rows written after a run, or by runs that began on a day or later.
    Since(String),
    /// One share of so many.
    Rolling(Shares),
}

/// The size of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleSize {
    /// About so many rows of every entity.
    Rows(u64),
    /// So many millionths of the rows of every entity.
    Share(u64),
}

impl FromStr for SampleSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unclear = || format!("`{text}` is neither a number of rows nor a share such as 5% or 0.5%");
        let Some(share) = text.strip_suffix('%') else {
            return text.parse().ok().filter(|rows| *rows > 0).map(Self::Rows).ok_or_else(unclear);
        };
        let (whole, decimals) = share.split_once('.').unwrap_or((share, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if decimals.len() > 4 || !digits(whole) || !digits(decimals) {
            return Err(unclear());
        }
        let millionths = format!("{whole}{decimals:0<4}").parse().map_err(|_| unclear())?;
        if (1..=WHOLE).contains(&millionths) { Ok(Self::Share(millionths)) } else { Err(unclear()) }
    }
}

impl SampleSize {
    fn text(self) -> String {
        match self {
            Self::Rows(rows) => rows.to_string(),
            Self::Share(millionths) => {
                let decimals = format!("{:04}", millionths % 10_000);
                let text = format!("{}.{}", millionths / 10_000, decimals.trim_end_matches('0'));
                format!("{}%", text.trim_end_matches('.'))
            }
        }
    }
}

/// One of several shares that together are everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Which, from 1.
    pub(crate) share: u32,
    /// How many there are.
    pub(crate) of: u32,
}

impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shares = text.split_once('/').and_then(|(share, of)| {
            let (share, of) = (share.parse().ok()?, of.parse().ok()?);
            (1 <= share && share <= of).then_some(Self { share, of })
        });
        shares.ok_or_else(|| format!("`{text}` is no share such as 2/7, the second of seven"))
    }
}

/// What is looked at, entity by entity.
#[derive(Debug, Default)]
pub(super) struct Scoped {
    parts: BTreeMap<String, Part>,
    /// Nothing when everything is compared.
    pub(super) scope: Option<Scope>,
}

impl Scoped {
    /// The rows of an entity that are looked at.
    pub(super) fn part(&self, entity: &str) -> &Part {
        self.parts.get(entity).unwrap_or(&Part::All)
    }

    /// The scope, when so many rows of the target were looked at.
    pub(super) fn looked_at(&self, rows: u64) -> Option<Scope> {
        self.scope.clone().map(|scope| Scope { rows, ..scope })
    }
}

/// The rows whose comparison says something.
pub(super) struct Covered<'s> {
    pub(super) scoped: &'s Scoped,
    /// The rows that were written anew at every look, by entity.
    pub(super) moving: &'s BTreeSet<(String, EntityId)>,
}

impl Covered<'_> {
    /// Whether everything was compared that the run and the target have.
    pub(super) const fn is_whole(&self) -> bool {
        self.scoped.scope.is_none()
    }

    /// Whether a finding of an earlier reconciliation would have been found again.
    pub(super) fn has(&self, finding: &Finding) -> bool {
        let part = self.scoped.part(&finding.entity);
        match finding.kind {
            // References are always examined whole.
            FindingKind::Dangling { .. } => true,
            FindingKind::Nameless { .. } => matches!(part, Part::All),
            FindingKind::Missing
            | FindingKind::Unexpected
            | FindingKind::Differs { .. }
            | FindingKind::Repeated
            | FindingKind::NotRestored { .. } => {
                part.holds(finding.entity_id)
                    && !self.moving.contains(&(finding.entity.clone(), finding.entity_id))
            }
        }
    }
}

impl Chain<'_> {
    /// The rows of each entity that are looked at.
    pub(super) fn scoped(&self, limit: &Limit, sink: &mut dyn Sink) -> Result<Scoped, Failure> {
        let mut scope = Scope::default();
        match limit {
            Limit::None => return Ok(Scoped::default()),
            Limit::Sample { size, seed } => {
                scope.sample = Some(Sample { size: size.text(), seed: *seed });
            }
            Limit::Since(since) => scope.since = Some(since.clone()),
            Limit::Rolling(Shares { share, of }) => {
                let compared = self.compared_shares(*of);
                scope.rolling = Some(Rolling { share: *share, of: *of, compared });
            }
        }
        let since = match limit {
            Limit::Since(since) => self.runs_since(since, sink)?,
            Limit::None | Limit::Sample { .. } | Limit::Rolling(_) => BTreeSet::new(),
        };
        let mut parts = BTreeMap::new();
        for entity in self.entities() {
            let rows = sink.count(entity)?;
            scope.of += rows;
            let part = match limit {
                Limit::None => Part::All,
                Limit::Sample { size: SampleSize::Rows(size), seed } => {
                    Part::Span(Span::sample(*seed, &entity.name, *size, rows))
                }
                Limit::Sample { size: SampleSize::Share(share), seed } => {
                    Part::Span(Span::sample(*seed, &entity.name, *share, WHOLE))
                }
                Limit::Since(_) => Part::Ids(written_by(&since, entity, sink)?),
                Limit::Rolling(Shares { share, of }) => Part::Span(Span::rolling(*share, *of)),
            };
            parts.insert(entity.name.clone(), part);
        }
        Ok(Scoped { parts, scope: Some(scope) })
    }

    /// The runs that wrote after the one that is named, or that began on the day that is named or later.
    fn runs_since(&self, since: &str, sink: &mut dyn Sink) -> Result<BTreeSet<String>, Failure> {
        let runs = sink.runs()?;
        let named = runs.iter().filter(|run| run.load_run_id == since).map(|run| run.ordinal).max();
        if let Some(place) = named {
            let later = runs.into_iter().filter(|run| run.ordinal > place);
            return Ok(later.map(|run| run.load_run_id).collect());
        }
        if !is_day(since) {
            let text =
                format!("{since} is neither a run that wrote to the target nor a day such as 2026-05-31");
            return Err(Failure::config(text).hint("the runs are the directories in runs/"));
        }
        let began = Run::all(&self.settings.runs())
            .into_iter()
            .filter_map(|(_, run, began)| (began?.get(..since.len())? >= since).then_some(run));
        Ok(began.collect())
    }

    /// The shares that were compared before, each with the last run, as the summaries of the runs have it.
    fn compared_shares(&self, of: u32) -> Vec<ComparedShare> {
        let mut runs = Run::all(&self.settings.runs());
        runs.sort_by(|one, other| (&one.2, &one.1).cmp(&(&other.2, &other.1)));
        let mut known: BTreeMap<u32, ComparedShare> = BTreeMap::new();
        for (dir, run, _) in runs {
            let summary = std::fs::read_to_string(dir.join(SUMMARY_FILE)).ok();
            let summary = summary.and_then(|text| Summary::from_json(&text).ok());
            let Some(summary) = summary else { continue };
            let rolling = summary.scope.as_ref().and_then(|scope| scope.rolling.as_ref());
            let Some(rolling) = rolling.filter(|rolling| rolling.of == of) else { continue };
            for earlier in rolling.compared.iter().filter(|earlier| earlier.run == run) {
                known.insert(earlier.share, earlier.clone());
            }
            known.insert(rolling.share, compared_share(&summary, rolling.share));
        }
        known.into_values().collect()
    }
}

/// What the summary of a partial comparison says about its share.
fn compared_share(summary: &Summary, share: u32) -> ComparedShare {
    ComparedShare { share, run: summary.run.clone(), equal: summary.verdict != Verdict::Skillnader }
}

/// The ids of the rows that these runs wrote, sorted.
fn written_by(
    runs: &BTreeSet<String>,
    entity: &Entity,
    sink: &mut dyn Sink,
) -> Result<Vec<EntityId>, Failure> {
    let mut ids = Vec::new();
    for batch in sink.read_fields(entity, &["load_run_id"], None)? {
        let batch = batch?;
        let (id, run) = (batch.cells_named("id"), batch.cells_named("load_run_id"));
        let (Some(id), Some(run)) = (id, run) else { continue };
        let written = (0..batch.rows()).filter(|row| run.text(*row).is_some_and(|run| runs.contains(run)));
        ids.extend(written.filter_map(|row| id.id(row)).map(EntityId::from_bytes));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Whether a text has the form `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_are_read_and_told() {
        for (text, size) in [
            ("200", SampleSize::Rows(200)),
            ("5%", SampleSize::Share(50_000)),
            ("0.5%", SampleSize::Share(5_000)),
            ("100%", SampleSize::Share(WHOLE)),
        ] {
            assert_eq!(text.parse(), Ok(size));
            assert_eq!(size.text(), text);
        }
        for text in ["", "0", "-1", "0%", "101%", "5 %", "%", "0.00001%", "1e3", "0,5%"] {
            assert!(text.parse::<SampleSize>().is_err(), "{text}");
        }
        assert_eq!("2/7".parse(), Ok(Shares { share: 2, of: 7 }));
        for text in ["0/7", "8/7", "2", "2/", "/7", "a/b", "-1/7"] {
            assert!(text.parse::<Shares>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_has_one_form() {
        assert!(is_day("2026-05-31"));
        assert!(!is_day("2026-5-31") && !is_day("20260531") && !is_day("2026-05-31T"));
    }
}
