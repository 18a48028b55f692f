//! The rows of one table that did not come over.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{MANIFEST_FILE, read_parts, unreadable_schema};
use bron_load::quarantine::{
    Collection, Finding, Found, Missing, Payload, Stage, State, item_id, mask_of, record_id,
};
use bron_mappings::{Action, Batch, Digest, EntityId, Mapping, ReasonCode, Rule, Value};
use bron_reconcile::report::Labels;
use bron_transform::REGISTRY_VERSION;

use super::staged::{Wanted, WantedRow};
use crate::chain::coverage::own_column;
use crate::chain::{Chain, StagedTable};
use crate::failure::Failure;

/// What stands for a nämnd or an area that nobody knows: it is text of a source.
const UNKNOWN: &str = "okänd";

/// What is read of a mark.
const MARK: [&str; 8] =
    ["src_key", "action", "reason", "field", "verksamhetsomrade", "namnd", "year", "skyddad"];
/// What is read of a row that the target refused, besides.
const REFUSED: [&str; 3] = ["entity", "constraint", "sqlstate"];
/// Where the rows lie that the target refused, in a run.
const REFUSED_ROWS: &str = "refused";

/// One table while it is collected.
pub(super) struct TableCollection<'c> {
    chain: &'c Chain<'c>,
    mapping: &'c Mapping,
    labels: &'c Labels,
    staged: Option<&'c StagedTable>,
    rule: String,
    /// The records that the run held back, for whatever reason.
    held: BTreeSet<EntityId>,
    wanted: Wanted,
}

impl<'c> TableCollection<'c> {
    pub(super) fn new(
        chain: &'c Chain<'c>,
        mapping: &'c Mapping,
        labels: &'c Labels,
        staged: Option<&'c StagedTable>,
    ) -> Self {
        let version = chain.set.version(mapping, REGISTRY_VERSION);
        let rule = format!("{} {version}", mapping.id);
        Self { chain, mapping, labels, staged, rule, held: BTreeSet::new(), wanted: Wanted::default() }
    }

    pub(super) fn collect(mut self, collection: &mut Collection<'_>) -> Result<(), Failure> {
        self.unreadable_lines(collection)?;
        self.rows_held_back(collection)?;
        self.rows_refused(collection)?;
        let mut missing: Vec<Missing> = Vec::new();
        for stage in Stage::ALL {
            missing.extend(collection.missing(&self.mapping.system, &self.mapping.table, *stage)?);
        }
        self.wanted.look_for(missing.iter().map(|one| one.record));
        if let Some(staged) = self.staged.filter(|_| !self.wanted.is_empty()) {
            self.wanted.read(self.chain, self.mapping, staged, collection)?;
        }
        let left_out = if missing.is_empty() { BTreeSet::new() } else { self.left_out()? };
        for one in missing {
            collection.ended(&one.id, self.end(&one, &left_out))?;
        }
        Ok(())
    }

    /// What became of a record that the run did not hold back for the reason that it was held back for before.
    fn end(&self, missing: &Missing, left_out: &BTreeSet<EntityId>) -> State {
        // The first row with a key comes over in any case; held back were those after it.
        let is_repeat = missing.reason == ReasonCode::RepeatedKey.code();
        let rows = self.wanted.rows_of(&missing.record);
        if self.held.contains(&missing.record) {
            State::OtherReason
        } else if rows == 0 || (is_repeat && rows == 1) {
            State::Gone
        } else if left_out.contains(&missing.record) {
            State::LeftOut
        } else {
            State::Loaded
        }
    }

    /// Lines that could not be read as rows. Nobody knows whom they are about.
    fn unreadable_lines(&mut self, collection: &mut Collection<'_>) -> Result<(), Failure> {
        let Some(StagedTable { dir, manifest }) = self.staged else { return Ok(()) };
        let (schema, rows) = (unreadable_schema(), self.chain.settings.batch_rows);
        let lines = read_parts(dir, &schema, &manifest.unreadable, None, rows)?;
        for batch in lines.within(Some(&self.chain.run.vault)) {
            let batch = batch?;
            for row in 0..batch.rows() {
                let value = |name: &str| batch.cells_named(name).and_then(|cells| cells.value(row));
                let text = |name: &str| match value(name) {
                    Some(Value::Text(text)) => text.to_owned(),
                    Some(Value::Int(number)) => number.to_string(),
                    Some(
                        Value::Bool(_)
                        | Value::Date(_)
                        | Value::Decimal(_)
                        | Value::Time(_)
                        | Value::Id(_)
                        | Value::Bytes(_),
                    )
                    | None => String::new(),
                };
                let key = format!("{}:{}", text("file"), text("line"));
                let (reason, field) = (text("reason"), text("column"));
                let raw = match value("raw") {
                    Some(Value::Bytes(bytes)) => bytes,
                    _ => &[],
                };
                let record = line_record(raw, &key);
                let mark = Mark { key: &key, reason: &reason, field, ..Mark::default() };
                let finding = self.finding(&mark, &record, Stage::Reading);
                if self.is_wanted(collection.found(&finding, true)?) {
                    self.keep(collection, &finding.id, vec![("rad".to_owned(), Some(found_text(raw)))])?;
                }
            }
        }
        Ok(())
    }

    fn rows_held_back(&mut self, collection: &mut Collection<'_>) -> Result<(), Failure> {
        let dir = self.chain.rejects_dir(self.mapping);
        for batch in self.chain.manifest(&dir)?.read(&dir, Some(&MARK), self.chain.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                let mark = Mark::read(&batch, row);
                if mark.is_held_back {
                    self.row(collection, &mark, Stage::Mapping, true)?;
                } else if mark.protected {
                    // A row that came over, or was left out, can have the key of one that did not.
                    let Mapping { system, table, .. } = self.mapping;
                    collection.protect(&record_id(&self.chain.settings.secret, system, table, mark.key))?;
                }
            }
        }
        Ok(())
    }

    /// Rows that the target refused. A source row counts once, however many rows of it were refused.
    fn rows_refused(&mut self, collection: &mut Collection<'_>) -> Result<(), Failure> {
        let dir = self.chain.run.dir.join(REFUSED_ROWS).join(self.chain.artefact(self.mapping));
        if !dir.join(MANIFEST_FILE).is_file() {
            return Ok(());
        }
        let columns = [&MARK[..], &REFUSED].concat();
        let manifest = self.chain.manifest_made_by("load", &dir)?;
        let mut counted = BTreeSet::new();
        for batch in manifest.read(&dir, Some(&columns), self.chain.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                let [entity, constraint, sqlstate] = REFUSED.map(|name| text(&batch, name, row).to_owned());
                let field = String::new();
                let mark = Mark { field, entity, constraint, sqlstate, ..Mark::read(&batch, row) };
                let is_counted = self.staged.is_some() && counted.insert(mark.key.to_owned());
                self.row(collection, &mark, Stage::Loading, is_counted)?;
            }
        }
        Ok(())
    }

    /// A row that was staged and held back later.
    fn row(
        &mut self,
        collection: &mut Collection<'_>,
        mark: &Mark<'_>,
        stage: Stage,
        is_counted: bool,
    ) -> Result<(), Failure> {
        let finding = self.finding(mark, mark.key, stage);
        self.held.insert(finding.record);
        if self.is_wanted(collection.found(&finding, is_counted)?) {
            let code = code_column(self.mapping, &mark.field).map(str::to_owned);
            self.wanted.want(mark.key, WantedRow { id: finding.id, code });
        }
        Ok(())
    }

    fn is_wanted(&self, found: Found) -> bool {
        match found {
            Found::New | Found::Earlier => true,
            Found::Same { is_sealed } => !is_sealed && !self.chain.settings.recipients.is_empty(),
        }
    }

    fn keep(
        &self,
        collection: &mut Collection<'_>,
        id: &EntityId,
        columns: Vec<(String, Option<String>)>,
    ) -> Result<(), Failure> {
        let mask = mask_of(&columns);
        let sealed = self.chain.settings.recipients.seal(&Payload::new(id, columns))?;
        Ok(collection.keep_row(id, 0, &mask, sealed.as_deref())?)
    }

    fn finding(&self, mark: &Mark<'_>, record: &str, stage: Stage) -> Finding {
        let Self { chain, mapping, labels, rule, .. } = self;
        let secret = &chain.settings.secret;
        let place = match stage {
            Stage::Loading => format!("{} {}", mark.entity, mark.constraint),
            Stage::Mapping => mark.field.clone(),
            Stage::Reading => String::new(),
        };
        let record = [mapping.system.as_str(), mapping.table.as_str(), record];
        let owner =
            ReasonCode::parse(mark.reason).map_or("", |reason| chain.set.quality.owner(reason).code());
        let known = |names: &BTreeMap<String, String>, code: &str| {
            if code.is_empty() || names.contains_key(code) { code.to_owned() } else { UNKNOWN.to_owned() }
        };
        Finding {
            id: item_id(secret, record, stage, [mark.reason, &place]),
            record: record_id(secret, record[0], record[1], record[2]),
            system: mapping.system.clone(),
            table: mapping.table.clone(),
            key: match stage {
                Stage::Reading => chain.shown_line(mapping, mark.key),
                Stage::Mapping | Stage::Loading => chain.shown_key(mapping, mark.key),
            },
            stage,
            reason: mark.reason.to_owned(),
            field: mark.field.clone(),
            entity: mark.entity.clone(),
            constraint: mark.constraint.clone(),
            sqlstate: mark.sqlstate.clone(),
            rule: rule.clone(),
            owner: owner.to_owned(),
            area: known(&labels.areas, &mark.area),
            namnd: known(&labels.namnder, &mark.namnd),
            year: mark.year.clone(),
            protected: mark.protected,
        }
    }

    /// The records that are looked for and that a rule of scope left out.
    fn left_out(&self) -> Result<BTreeSet<EntityId>, Failure> {
        let (mut found, secret) = (BTreeSet::new(), &self.chain.settings.secret);
        let dir = self.chain.rejects_dir(self.mapping);
        let columns = ["src_key", "action"];
        for batch in self.chain.manifest(&dir)?.read(&dir, Some(&columns), self.chain.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                let [key, action] = columns.map(|name| text(&batch, name, row));
                if Action::parse(action) == Some(Action::Exclude) {
                    let record = record_id(secret, &self.mapping.system, &self.mapping.table, key);
                    if self.wanted.is_looked_for(&record) {
                        found.insert(record);
                    }
                }
            }
        }
        Ok(found)
    }
}

fn text<'b>(batch: &'b Batch, column: &str, row: usize) -> &'b str {
    batch.cells_named(column).and_then(|cells| cells.text(row)).unwrap_or_default()
}

/// Why a row is held back, and where it belongs.
#[derive(Default)]
struct Mark<'r> {
    key: &'r str,
    reason: &'r str,
    is_held_back: bool,
    field: String,
    entity: String,
    constraint: String,
    sqlstate: String,
    area: String,
    namnd: String,
    year: String,
    protected: bool,
}

impl<'r> Mark<'r> {
    fn read(batch: &'r Batch, row: usize) -> Self {
        let [key, action, reason, field, area, namnd, year, protected] =
            MARK.map(|name| text(batch, name, row));
        let [field, area, namnd, year] = [field, area, namnd, year].map(str::to_owned);
        let is_held_back = Action::parse(action).is_some_and(Action::holds_back);
        let protected = protected == "1";
        Self { key, reason, is_held_back, field, area, namnd, year, protected, ..Self::default() }
    }
}

/// The column whose text a code list was asked for, when the rule of the field does that.
fn code_column<'m>(mapping: &'m Mapping, field: &str) -> Option<&'m str> {
    let mut rules = mapping.targets.iter().flat_map(|target| &target.fields);
    rules.find_map(|rule| match &rule.rule {
        Rule::Codes { input, .. } if rule.field == field => own_column(mapping, input),
        Rule::Codes { .. } | Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => {
            None
        }
    })
}

/// What names a line that could not be read: its content, because lines move when others are put before them. A
/// line of which nothing was kept has its place only.
fn line_record(raw: &[u8], place: &str) -> String {
    if raw.is_empty() { place.to_owned() } else { format!("line {}", Digest::of(raw)) }
}

/// The bytes of a line as text; a line that is no UTF-8 is read byte by byte, as Latin-1, so that nothing is lost.
fn found_text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::line_record;

    #[test]
    fn an_unreadable_line_is_named_by_what_it_says_and_not_by_where_it_is() {
        assert_eq!(line_record(b"1;2;3", "a.csv:7"), line_record(b"1;2;3", "a.csv:8"));
        assert_ne!(line_record(b"1;2;3", "a.csv:7"), line_record(b"1;2;4", "a.csv:7"));
        assert_eq!(line_record(b"", "a.csv:7"), "a.csv:7");
    }
}
