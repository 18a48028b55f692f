//! The rows of the target and those that the sources give, by area; and the draw of cases among the former.

use std::collections::BTreeSet;

use bron_load::Sink;
use bron_mappings::{Batch, Cells, ColumnType, Entity, EntityId, Mapping, Value};
use bron_reconcile::report::RowsOfAreas;
use bron_reconcile::sample::{Draw, Stratum, era};

use crate::chain::refused::{Refused, Without};
use crate::chain::{Chain, StagedTables};
use crate::failure::Failure;

const AREA: &str = "verksamhetsomrade";
const NAMND: &str = "namnd";
const PROTECTED: &str = "skyddad";

/// A row that may be shown to people.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) entity: String,
    pub(super) id: EntityId,
    pub(super) system: String,
    pub(super) table: String,
    pub(super) key: String,
}

impl Chain<'_> {
    /// Counts the rows of every area and draws among those of the target.
    pub(super) fn look_at_areas(
        &self,
        sink: &mut dyn Sink,
        (staged, refused): (&StagedTables, &Refused),
        draw: &mut Draw<Candidate>,
    ) -> Result<RowsOfAreas, Failure> {
        let mut rows = RowsOfAreas::new();
        for entity in self.entities() {
            self.go_on()?;
            self.count_expected(entity, refused, &mut rows)?;
            let moment = moment_of(entity);
            let shown = self.shown_tables(entity, staged);
            let fields = [AREA, NAMND, PROTECTED, "src_system", "src_table", "src_key"];
            let fields: Vec<&str> = fields.into_iter().chain(moment).collect();
            for batch in sink.read_fields(entity, &fields, None)? {
                let batch = batch?;
                let seen = Seen::of(&batch, moment);
                for row in 0..batch.rows() {
                    if self.is_from_elsewhere(&batch, row) {
                        continue;
                    }
                    let area = seen.area(row);
                    rows.entry((area.to_owned(), entity.name.clone())).or_default().new += 1;
                    offer(entity, &seen, row, &shown, draw);
                }
            }
        }
        Ok(rows)
    }

    fn count_expected(
        &self,
        entity: &Entity,
        refused: &Refused,
        rows: &mut RowsOfAreas,
    ) -> Result<(), Failure> {
        let ids = refused.ids(&entity.name);
        for mapping in self.produced_by() {
            if mapping.targets.iter().all(|target| target.entity != entity.name) {
                continue;
            }
            let dir = self.entity_dir(mapping, &entity.name);
            let reader = self.manifest(&dir)?.read(&dir, Some(&["id", AREA]), self.settings.batch_rows)?;
            for batch in Without::leaving_out(Box::new(reader), &ids) {
                let batch = batch?;
                let areas = batch.cells_named(AREA);
                for row in 0..batch.rows() {
                    let area = areas.and_then(|areas| areas.text(row)).unwrap_or_default();
                    rows.entry((area.to_owned(), entity.name.clone())).or_default().old += 1;
                }
            }
        }
        Ok(())
    }

    /// The staged tables whose rows give one row of the entity each, so that it is known which rules gave it.
    fn shown_tables<'s>(&'s self, entity: &Entity, staged: &StagedTables) -> BTreeSet<(&'s str, &'s str)> {
        let gives_one = |mapping: &&Mapping| {
            let of_entity = mapping.targets.iter().filter(|target| target.entity == entity.name);
            of_entity.count() == 1 && staged.contains_key(&(mapping.system.clone(), mapping.table.clone()))
        };
        let tables = self.mappings().filter(gives_one);
        tables.map(|mapping| (mapping.system.as_str(), mapping.table.as_str())).collect()
    }
}

/// Offers a row to the draw, unless it is about a protected person or has no staged row to stand beside.
fn offer(
    entity: &Entity,
    seen: &Seen<'_>,
    row: usize,
    shown: &BTreeSet<(&str, &str)>,
    draw: &mut Draw<Candidate>,
) {
    let Some(Value::Bool(false)) = seen.protected.and_then(|cells| cells.value(row)) else { return };
    let Some(id) = seen.id.and_then(|ids| ids.id(row)).map(EntityId::from_bytes) else { return };
    let [system, table, key] = seen.source.map(|cells| cells.and_then(|cells| cells.text(row)));
    let (Some(system), Some(table), Some(key)) = (system, table, key) else { return };
    if !shown.contains(&(system, table)) || seen.area(row).is_empty() {
        return;
    }
    let stratum = Stratum {
        area: seen.area(row).to_owned(),
        entity: entity.name.clone(),
        era: era(seen.year(row)),
        namnd: seen.namnd.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned(),
    };
    draw.offer(&stratum, &id, || Candidate {
        entity: entity.name.clone(),
        id,
        system: system.to_owned(),
        table: table.to_owned(),
        key: key.to_owned(),
    });
}

/// The field that says when a row is from: its first event, else its first date or time.
fn moment_of(entity: &Entity) -> Option<&str> {
    let is_moment = |name: &&str| {
        let kind = entity.field(name).map(|field| field.kind.column());
        matches!(kind, Some(ColumnType::Date | ColumnType::Time))
    };
    let event = entity.event.iter().map(String::as_str).find(is_moment);
    let any = || entity.fields.iter().map(|field| field.name.as_str()).find(is_moment);
    event.or_else(any)
}

/// The columns of a batch that say what a row is about.
struct Seen<'b> {
    id: Option<Cells<'b>>,
    area: Option<Cells<'b>>,
    namnd: Option<Cells<'b>>,
    protected: Option<Cells<'b>>,
    moment: Option<Cells<'b>>,
    source: [Option<Cells<'b>>; 3],
}

impl<'b> Seen<'b> {
    fn of(batch: &'b Batch, moment: Option<&str>) -> Self {
        Self {
            id: batch.cells_named("id"),
            area: batch.cells_named(AREA),
            namnd: batch.cells_named(NAMND),
            protected: batch.cells_named(PROTECTED),
            moment: moment.and_then(|name| batch.cells_named(name)),
            source: ["src_system", "src_table", "src_key"].map(|name| batch.cells_named(name)),
        }
    }

    fn area(&self, row: usize) -> &'b str {
        self.area.and_then(|cells| cells.text(row)).unwrap_or_default()
    }

    fn year(&self, row: usize) -> Option<i16> {
        const MICROSECONDS_OF_A_DAY: i64 = 86_400_000_000;
        let days = match self.moment?.value(row)? {
            Value::Date(days) => i64::from(days),
            Value::Time(moment) => moment.div_euclid(MICROSECONDS_OF_A_DAY),
            Value::Text(_)
            | Value::Bytes(_)
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Id(_) => return None,
        };
        day(days).map(jiff::civil::Date::year)
    }
}

/// A day by its number since 1970-01-01; `None` outside the calendar.
pub(super) fn day(days: i64) -> Option<jiff::civil::Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(span).ok()
}
