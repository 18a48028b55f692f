//! The rows of both entities, the marks of open questions, and what they are called.

use std::collections::BTreeMap;

use bron_mappings::{Batch, EntityId, Model, ReasonCode, SourceKey};
use sha2::{Digest as _, Sha256};

use super::candidates::Candidate;
use super::links::{Link, level};
use super::{Identity, Pair};
use crate::apply::{Trace, Transformed};
use crate::balance::{Balance, Dimension, Tally};
use crate::derived::{self, BRIDGE_SYSTEM, Cell, Row};
use crate::lookups::table::LINK_ENTITY;

/// The table that the rows say they come from. No source has it: it has no rows of its own.
pub const IDENTITY_TABLE: &str = "identitet";

const CANDIDATE_ENTITY: &str = "match_candidate";

/// What every row about a pair of records says.
struct PairRow {
    a: EntityId,
    b: EntityId,
    sources: [String; 2],
    /// The keys of both records, as `src_key` has them.
    key: String,
    /// Tells pairs apart across all tables.
    name: SourceKey,
    protected: bool,
}

pub(super) fn transformed(identity: &Identity, model: &Model, mapping_version: &str) -> Transformed {
    let links = identity.links.iter().map(|(pair, link)| link_row(identity, *pair, link));
    let candidates = identity.candidates.iter().map(|(pair, one)| candidate_row(identity, *pair, one));
    let mut entities = Vec::new();
    let mut fanout = 0;
    for (name, rows) in
        [(LINK_ENTITY, links.collect::<Vec<_>>()), (CANDIDATE_ENTITY, candidates.collect::<Vec<_>>())]
    {
        let Some(entity) = model.entity(name) else { continue };
        fanout += u64::try_from(rows.len()).expect("memory holds fewer rows than 2^64");
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|row| derived::shared(entity, IDENTITY_TABLE, row, mapping_version))
            .collect();
        entities.push((name.to_owned(), derived::batch(entity.schema(), &rows)));
    }
    let marked = marks(identity);
    let tally = Tally { fanout, marked, ..Tally::default() };
    let balance = Balance { tallies: BTreeMap::from([(Dimension::default(), tally)]) };
    Transformed { entities, rejects: rejects(identity), balance, trace: Trace::default() }
}

fn open_questions(identity: &Identity) -> impl Iterator<Item = (Pair, &Candidate)> {
    let candidates = identity.candidates.iter().map(|(pair, candidate)| (*pair, candidate));
    candidates.filter(|(_, candidate)| candidate.answer.is_none())
}

fn marks(identity: &Identity) -> BTreeMap<ReasonCode, u64> {
    let mut marks = BTreeMap::new();
    for (_, candidate) in open_questions(identity) {
        *marks.entry(candidate.method.reason()).or_default() += 1;
    }
    marks
}

/// A pair of one table is named by both keys; a pair across tables says the tables too.
fn pair_row(identity: &Identity, (a, b): Pair) -> PairRow {
    let [one, other] = [a, b].map(|place| identity.records.get(place));
    let sources = [one, other].map(|record| {
        let (system, table) = &identity.records.tables[record.table];
        format!("{system}/{table}")
    });
    let names = [format!("{}/{}", sources[0], one.key), format!("{}/{}", sources[1], other.key)];
    let named = |names: [&str; 2]| SourceKey::new(BRIDGE_SYSTEM, IDENTITY_TABLE, names.map(Some));
    let shown = if sources[0] == sources[1] { [&*one.key, &*other.key] } else { [&*names[0], &*names[1]] };
    let protected = [a, b].iter().any(|&place| level(&identity.levels, place).is_protected());
    PairRow {
        a: one.id,
        b: other.id,
        key: named(shown).text().into_inner(),
        name: named([&names[0], &names[1]]),
        sources,
        protected,
    }
}

/// What both entities share: the pair, and where the row comes from.
fn begin(identity: &Identity, entity: &str, pair: PairRow, flags: &str) -> Row {
    let sha256 = Sha256::digest(pair.name.as_bytes());
    let [source_a, source_b] = pair.sources;
    Row::from([
        ("id", Cell::Id(EntityId::derive(&identity.secret, entity, &pair.name))),
        ("person_a", Cell::Id(pair.a)),
        ("person_b", Cell::Id(pair.b)),
        ("kalla_a", Cell::Text(source_a)),
        ("kalla_b", Cell::Text(source_b)),
        ("src_key", Cell::Text(pair.key)),
        ("src_row_sha256", Cell::Bytes(sha256.to_vec())),
        ("skyddad", Cell::Bool(pair.protected)),
        ("dq_flags", Cell::Text(flags.to_owned())),
    ])
}

fn link_row(identity: &Identity, pair: Pair, link: &Link) -> Row {
    let mut row = begin(identity, LINK_ENTITY, pair_row(identity, pair), "");
    if link.direction != pair {
        // The one that refers stands first, whichever key is the smaller.
        let (a, b) = (row.remove("person_a"), row.remove("person_b"));
        let (source_a, source_b) = (row.remove("kalla_a"), row.remove("kalla_b"));
        let turned = [("person_a", b), ("person_b", a), ("kalla_a", source_b), ("kalla_b", source_a)];
        row.extend(turned.into_iter().filter_map(|(column, cell)| Some((column, cell?))));
    }
    row.insert("grund", Cell::Text(link.ground.clone()));
    if let Some(kind) = link.kind {
        row.insert("typ", Cell::Text(kind.to_owned()));
    }
    if let Some(decision) = &link.decided {
        row.insert("beslutad_av", Cell::Text(decision.decided_by.clone()));
        row.insert("tid", Cell::Time(decision.time));
        row.insert("skal", Cell::Text(decision.reason.clone()));
    }
    if let Some(undone) = &link.undone {
        row.insert("upphavd_av", Cell::Text(undone.decided_by.clone()));
        row.insert("upphavd_tid", Cell::Time(undone.time));
        row.insert("skal", Cell::Text(undone.reason.clone()));
    }
    row
}

fn candidate_row(identity: &Identity, pair: Pair, candidate: &Candidate) -> Row {
    let flags = if candidate.answer.is_none() { candidate.method.reason().code() } else { "" };
    let mut row = begin(identity, CANDIDATE_ENTITY, pair_row(identity, pair), flags);
    row.insert("metod", Cell::Text(candidate.method.code().to_owned()));
    row.insert("poang", Cell::Int(candidate.score.points()));
    row.insert("forklaring", Cell::Text(candidate.score.explanation()));
    row.insert("status", Cell::Text(candidate.status().to_owned()));
    if let Some((_, decision)) = &candidate.answer {
        row.insert("beslutad_av", Cell::Text(decision.decided_by.clone()));
        row.insert("tid", Cell::Time(decision.time));
        row.insert("skal", Cell::Text(decision.reason.clone()));
    }
    row
}

/// One mark for each open question. A protected human has none, so no mark is about one.
fn rejects(identity: &Identity) -> Batch {
    let rows: Vec<Row> = open_questions(identity)
        .map(|(pair, candidate)| {
            derived::mark(IDENTITY_TABLE, pair_row(identity, pair).key, candidate.method.reason())
        })
        .collect();
    derived::rejects(&rows)
}
