//! The target put back: per table which columns were proven, which differ and which cannot be put back.

use crate::round_trip::RoundTripField;
use crate::summary::Summary;

use super::number::count;

/// One source table.
pub(super) struct RoundTripView {
    pub(super) table: String,
    /// Columns of which every text that was put back is the source's.
    pub(super) proven: String,
    /// Their names.
    pub(super) proven_columns: String,
    /// Columns that tell something else, each with the records.
    pub(super) differing: Vec<String>,
    /// Columns that can be put back, of which no record was compared.
    pub(super) unmet: String,
    /// Columns that cannot be put back, each with the reason.
    pub(super) untold: Vec<UntoldView>,
    pub(super) untold_count: String,
}

/// A column that cannot be put back.
pub(super) struct UntoldView {
    pub(super) column: String,
    pub(super) reason: String,
}

/// What was put back, as a whole.
pub(super) struct RoundTripTotals {
    pub(super) rows: String,
    pub(super) differs: String,
    /// Rows that no other direction found; empty when there are none.
    pub(super) alone: String,
    pub(super) proven: String,
    pub(super) columns: String,
}

/// The tables in the order of the summary; none where nothing was put back.
pub(super) fn tables(summary: &Summary) -> Vec<RoundTripView> {
    let fields = summary.round_trip.as_ref().map(|round_trip| round_trip.fields.as_slice());
    let tables = fields.unwrap_or_default().chunk_by(|one, other| one.mapping == other.mapping);
    tables.map(table).collect()
}

/// The totals; `None` where nothing was put back.
pub(super) fn totals(summary: &Summary) -> Option<RoundTripTotals> {
    let round_trip = summary.round_trip.as_ref()?;
    let maybe = |number: u64| if number == 0 { String::new() } else { count(number) };
    Some(RoundTripTotals {
        rows: count(round_trip.rows),
        differs: maybe(round_trip.differs),
        alone: maybe(round_trip.alone),
        proven: count(round_trip.fields.iter().filter(|field| is_proven(field)).count()),
        columns: count(round_trip.fields.len()),
    })
}

/// Whether texts of the column were put back, and all of them are the source's.
pub(super) const fn is_proven(field: &RoundTripField) -> bool {
    field.compared > 0 && field.differs == 0
}

fn table(fields: &[RoundTripField]) -> RoundTripView {
    let names = |fields: &[&RoundTripField]| {
        fields.iter().map(|field| field.column.as_str()).collect::<Vec<_>>().join(", ")
    };
    let proven: Vec<&RoundTripField> = fields.iter().filter(|field| is_proven(field)).collect();
    let differing = fields.iter().filter(|field| field.differs > 0);
    let is_unmet = |field: &&RoundTripField| field.compared == 0 && field.not_invertible_because.is_none();
    let unmet: Vec<&RoundTripField> = fields.iter().filter(is_unmet).collect();
    let untold = fields.iter().filter_map(|field| {
        let reason = field.not_invertible_because.clone()?;
        Some(UntoldView { column: field.column.clone(), reason })
    });
    let untold: Vec<UntoldView> = untold.collect();
    RoundTripView {
        table: fields[0].mapping.clone(),
        proven: count(proven.len()),
        proven_columns: names(&proven),
        differing: differing
            .map(|field| format!("{}: {} av {}", field.column, count(field.differs), count(field.compared)))
            .collect(),
        unmet: names(&unmet),
        untold_count: count(untold.len()),
        untold,
    }
}
