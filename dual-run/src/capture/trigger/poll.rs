//! What is asked of the database in one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::ImageTable;
use bron_mappings::{Digest, DigestBuilder};

use super::installation::{self, FindingKind};
use super::log_row::LogRow;
use super::place::{Gap, Place, UnderWay, Within, gaps_after};
use super::sql::{Statements, Traced, Trigger, VERSION};
use crate::capture::captured::CapturedTable;
use crate::capture::session::Session;
use crate::capture::{Budget, Incarnation, Validity};
use crate::change::{Cut, Stream, Version};
use crate::error::{Error, ErrorKind, Result};

/// What the catalogue says of the captured tables.
pub(super) struct Shape {
    /// What the columns of all tables are: while that stays, so does the rest.
    pub(super) of: Digest,
    pub(super) tables: Vec<Known>,
    /// The triggers that the tables must have.
    pub(super) triggers: Vec<(String, Trigger)>,
    /// The columns of the captured tables.
    pub(super) schema: Digest,
}

/// What the log says of itself in one snapshot.
pub(super) struct State {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) pruned: u64,
    pub(super) high: u64,
    pub(super) tag: String,
    pub(super) snapshot: Option<String>,
}

/// A captured table as it is now.
pub(super) struct Known {
    pub(super) table: CapturedTable,
    pub(super) image: ImageTable,
}

/// What a poll does, all in one snapshot.
pub(super) struct Poll<'a> {
    pub(super) session: &'a mut Session,
    pub(super) statements: &'a Statements,
    pub(super) tables: &'a BTreeMap<String, CapturedTable>,
}

impl Poll<'_> {
    pub(super) fn state(&mut self) -> Result<State> {
        let row = self.session.row(&self.statements.read_state())?;
        let text = |index| row.text(index).map(str::to_owned);
        let state = (|| {
            let (version, pruned, high) = (row.number(1)?, row.number(2)?, row.number(3)?);
            Some(State { id: text(0)?, version, pruned, high, tag: text(4)?, snapshot: text(5) })
        })();
        let problem = "the change log does not say what it is";
        state.ok_or_else(|| self.session.error(ErrorKind::Corrupt, problem))
    }

    /// The captured tables as they are now, from the catalogue where it has changed; none when one is not there.
    pub(super) fn look_at_tables(&mut self, shape: &mut Option<Shape>) -> Result<()> {
        let mut of = DigestBuilder::new("dual-run shape 1");
        for row in self.session.rows(&self.statements.shape())? {
            row.add_to(&mut of);
        }
        let of = of.finish();
        if shape.as_ref().is_some_and(|shape| shape.of == of) {
            return Ok(());
        }
        *shape = None;
        let mut tables = Vec::with_capacity(self.tables.len());
        for table in self.tables.values() {
            let Some(image) = image_of(self.session, table)? else { return Ok(()) };
            tables.push(Known { table: table.clone(), image });
        }
        let triggers = required(self.statements, &tables);
        let schema = schema_of(&tables);
        *shape = Some(Shape { of, tables, triggers, schema });
        Ok(())
    }

    /// Why the triggers do not tell everything; `None` when they do.
    pub(super) fn gap_in_triggers(&mut self, shape: &Shape) -> Result<Option<Validity>> {
        let findings = installation::missing(self.session, self.statements, &shape.triggers)?;
        Ok(findings.into_iter().next().map(|finding| match finding.kind {
            FindingKind::Outdated => Validity::Drift { schema: shape.schema },
            FindingKind::Missing | FindingKind::Unseen => Validity::Silent { reason: finding.to_string() },
        }))
    }

    /// Whether a place can be read from.
    pub(super) fn validity(&mut self, place: &Place, state: &State, shape: &Shape) -> Result<Validity> {
        if state.version != VERSION {
            let reason =
                format!("the change log has form {}, and this program knows {VERSION}", state.version);
            return Ok(Validity::Silent { reason });
        }
        if let Some(gap) = self.gap_in_triggers(shape)? {
            return Ok(gap);
        }
        let all = || self.tables.keys().cloned().collect();
        if place.polls < state.pruned {
            return Ok(Validity::Expired { tables: all() });
        }
        if place.high > 0 {
            let tag = self.session.rows(&self.statements.tag(place.high))?;
            if tag.first().and_then(|row| row.text(0)) != Some(place.tag.as_str()) {
                return Ok(Validity::Rewound);
            }
        }
        let truncated = self.session.rows(&self.statements.truncated(place))?;
        let truncated = truncated.iter().filter_map(|row| row.text(0).map(str::to_owned));
        let tables: Vec<String> = truncated.filter(|table| self.tables.contains_key(table)).collect();
        Ok(if tables.is_empty() {
            Validity::Valid { headroom_seconds: None }
        } else {
            Validity::Expired { tables }
        })
    }

    /// The incarnation: the server's, and that of the log.
    pub(super) fn incarnation(&mut self, state: &State) -> Result<Incarnation> {
        let server = match self.statements.server() {
            None => String::new(),
            Some(question) => self.session.row(question)?.text(0).unwrap_or_default().to_owned() + "/",
        };
        Ok(Incarnation(format!("{server}{}", state.id)))
    }
}

/// How the rows of a table are written down, those columns that are captured; `None` when there is no such table.
pub(super) fn image_of(session: &mut Session, table: &CapturedTable) -> Result<Option<ImageTable>> {
    let mut image = session.image_table(&table.name)?;
    if let (Some(image), Some(columns)) = (&mut image, table.columns()) {
        image.keep(&columns);
    }
    let Some(found) = &image else { return Ok(None) };
    let is_there = |name: &&String| !found.columns().any(|column| column.name == **name);
    if let Some(column) = table.key.iter().find(is_there) {
        let problem = format!("table {} has no column {column}, which its key is made of", table.name);
        return Err(session.error(ErrorKind::Drift, &problem));
    }
    Ok(image)
}

/// The triggers that tables must have, each with the name of its table.
pub(super) fn required(statements: &Statements, tables: &[Known]) -> Vec<(String, Trigger)> {
    let of_table = |known: &Known| {
        let triggers = statements.triggers(&Traced { name: &known.table.name, image: &known.image });
        let name = known.table.name.clone();
        triggers.into_iter().map(move |trigger| (name.clone(), trigger))
    };
    tables.iter().flat_map(of_table).collect()
}

/// The digest of the columns of all tables, as the database describes them.
pub(super) fn schema_of(known: &[Known]) -> Digest {
    let mut digest = DigestBuilder::new("dual-run schema 1");
    for Known { table, image } in known {
        digest.part(table.name.as_bytes());
        for column in image.columns() {
            digest.part(column.name.as_bytes()).part(column.declared_type.as_bytes());
        }
        digest.part(b"");
    }
    digest.finish()
}

/// The error of a poll from a place that is not valid.
pub(super) fn refusal(session: &Session, validity: &Validity) -> Option<Error> {
    let (kind, problem) = match validity {
        Validity::Valid { .. } => return None,
        Validity::Expired { tables } => {
            let problem = "no longer has what follows the position, for tables";
            (ErrorKind::Expired, format!("{problem} {}", tables.join(", ")))
        }
        Validity::Rewound => (ErrorKind::Rewound, "has gone back in time".to_owned()),
        Validity::Drift { .. } => {
            let problem = "the columns are not those that the triggers know: install the change log anew";
            (ErrorKind::Drift, problem.to_owned())
        }
        Validity::Silent { reason } => (ErrorKind::Drift, reason.clone()),
    };
    Some(session.error(kind, &problem))
}

/// Where a cut begins.
pub(super) struct Start<'a> {
    pub(super) stream: &'a Stream,
    pub(super) place: &'a Place,
    /// The transactions that were under way before the snapshot.
    pub(super) before: BTreeSet<u64>,
}

impl Poll<'_> {
    /// The cut behind a place.
    pub(super) fn cut(&mut self, from: Start<'_>, budget: Budget, shape: &mut Option<Shape>) -> Result<Cut> {
        let Start { stream, place, before } = from;
        let state = self.state()?;
        self.look_at_tables(shape)?;
        let problem = "a captured table is not there";
        let shape = shape.as_ref().ok_or_else(|| self.session.error(ErrorKind::Drift, problem))?;
        let validity = self.validity(place, &state, shape)?;
        if let Some(error) = refusal(self.session, &validity) {
            return Err(error);
        }
        let through = self.boundary(place, budget)?;
        let rows = self.session.rows(&self.statements.rows(place, through))?;
        let rows = rows.iter().map(|row| LogRow::read(row, self.session)).collect::<Result<Vec<_>>>()?;
        // What is read of a snapshot in part goes under the number that the snapshot could see.
        let high = if place.within.is_some() { place.high } else { state.high };
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            // The log may tell of tables that others capture.
            if let Some(one) = shape.tables.iter().find(|one| one.table.name == row.table) {
                row.changes(one, Version { major: high, minor: row.number }, self.session, &mut changes)?;
            }
        }
        let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
        let next = self.next(place, &state, through, &numbers, before)?;
        Ok(Cut {
            stream: stream.clone(),
            incarnation: self.incarnation(&state)?,
            from: place.position(),
            next: next.position(),
            complete_through: Version { major: high, minor: 0 },
            schema: shape.schema,
            changes,
        })
    }

    /// The number up to which the cut goes; `None` when it takes everything.
    fn boundary(&mut self, place: &Place, budget: Budget) -> Result<Option<u64>> {
        for question in self.statements.boundaries(place, budget.changes.max(1)) {
            if let Some(row) = self.session.rows(&question)?.first() {
                return Ok(row.number(0));
            }
        }
        Ok(None)
    }

    /// The place behind a cut.
    pub(super) fn next(
        &mut self,
        place: &Place,
        state: &State,
        through: Option<u64>,
        numbers: &[u64],
        before: BTreeSet<u64>,
    ) -> Result<Place> {
        let polls = place.polls + 1;
        let whole = Place {
            polls,
            high: state.high,
            tag: state.tag.clone(),
            seen: state.snapshot.clone(),
            ..Place::default()
        };
        // A snapshot that was begun is read to its end before a later one is looked at.
        let until = place.within.as_ref().map(|within| &within.until).or(state.snapshot.as_ref());
        match (through, until, &place.within) {
            (Some(through), Some(until), within) => {
                let (high, tag) = match within {
                    Some(_) => (place.high, place.tag.clone()),
                    None => (state.high, state.tag.clone()),
                };
                let within = Some(Within { until: until.clone(), through });
                Ok(Place { polls, high, tag, seen: place.seen.clone(), within, ..Place::default() })
            }
            (None, Some(until), Some(_)) => {
                Ok(Place { high: place.high, tag: place.tag.clone(), seen: Some(until.clone()), ..whole })
            }
            _ => Ok(Place { gaps: self.gaps(place, state, numbers, before)?, ..whole }),
        }
    }

    /// The numbers that have to be waited for.
    pub(super) fn gaps(
        &mut self,
        place: &Place,
        state: &State,
        numbers: &[u64],
        before: BTreeSet<u64>,
    ) -> Result<Vec<Gap>> {
        // Where nobody has to be asked, nobody has to be waited for.
        let Some(question) = self.statements.under_way(true) else { return Ok(Vec::new()) };
        let new = numbers.iter().filter(|number| **number > place.high).count();
        let drawn = state.high.saturating_sub(place.high);
        let is_whole = u64::try_from(new).is_ok_and(|new| new == drawn);
        let after = if is_whole { BTreeSet::new() } else { under_way(self.session, question)? };
        Ok(gaps_after(&place.gaps, place.high, numbers, state.high, &UnderWay { before, after }))
    }
}

/// The transactions that a question of [`Statements::under_way`] lists.
pub(super) fn under_way(session: &mut Session, question: &str) -> Result<BTreeSet<u64>> {
    Ok(session.rows(question)?.iter().filter_map(|row| row.number(0)).collect())
}
