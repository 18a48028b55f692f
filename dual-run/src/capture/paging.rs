//! Reading a table in chunks, in the order of the bytes of its keys.
//!
//! The order is that of the keys' canonical bytes, column by column: shorter texts before longer ones, equally long
//! ones byte by byte. No collation has a say, so no key is passed over because another counts as the same or as less.
//! Whole numbers that are not negative have that order already and are read by their index; for other keys the
//! database sorts what is left of the table once for each chunk.

use std::collections::BTreeMap;

use bron_extract::{ImageTable, rows_behind};
use bron_mappings::SourceKey;

use super::captured::CapturedTable;
use super::session::{Dialect, Session};
use crate::change::Image;
use crate::error::{ErrorKind, Result};

/// At most `rows` rows behind a key, and whether others follow. `from` is the table as SQL.
pub(super) fn read(
    session: &mut Session,
    from: &str,
    table: &CapturedTable,
    image: &ImageTable,
    after: Option<&SourceKey>,
    rows: u64,
) -> Result<(BTreeMap<SourceKey, Image>, bool)> {
    let values = after.map(|key| table.values_of(key)).transpose()?;
    let mut order = Vec::new();
    for (place, column) in table.key.iter().enumerate() {
        let by_number = image.is_whole(column) && has_numbers_only(session, from, image, column)?;
        let value = values.as_ref().and_then(|values| values.get(place)?.as_deref());
        order.extend(image.order("t", column, by_number, value));
    }
    let condition = rows_behind(after.map(|_| order.clone()));
    let order: Vec<String> = order.into_iter().map(|(expression, _)| expression).collect();
    let (limit, order) = (rows.max(1).saturating_add(1), order.join(", "));
    let statement =
        format!("SELECT {} FROM {from} AS t{condition} ORDER BY {order} LIMIT {limit}", image.json("t"));
    let found = session.rows(&statement)?;
    let kept = usize::try_from(rows.max(1)).unwrap_or(usize::MAX);
    let mut chunk = BTreeMap::new();
    for row in found.iter().take(kept) {
        let texts = row.bytes(0).and_then(|json| image.texts(json));
        let problem =
            || session.error(ErrorKind::Corrupt, &format!("table {}: a row is not readable", table.name));
        let row = table.image(texts.ok_or_else(problem)?);
        if chunk.insert(table.key_of(&row)?, row).is_some() {
            let problem = format!("table {}: two rows have the same key", table.name);
            return Err(session.error(ErrorKind::Drift, &problem));
        }
    }
    Ok((chunk, found.len() > kept))
}

/// Whether a column holds whole numbers from zero on and nothing else.
fn has_numbers_only(session: &mut Session, from: &str, image: &ImageTable, column: &str) -> Result<bool> {
    let operand = image.operand("t", column);
    let condition = match session.dialect() {
        // Numbers come before everything else there: the last value is one when all are.
        Dialect::Sqlite => format!("coalesce(min({operand}) >= 0 AND typeof(max({operand})) = 'integer', 1)"),
        Dialect::Postgres => format!("coalesce(min({operand}) >= 0, true)::int"),
        Dialect::Mysql => format!("coalesce(min({operand}) >= 0, 1)"),
    };
    let answer = session.row(&format!("SELECT {condition} FROM {from} AS t"))?;
    Ok(answer.number(0) == Some(1))
}
