//! What a row of the log comes to.

use super::poll::Known;
use crate::capture::session::{Session, TextRow};
use crate::change::{Change, Image, Mark, Version};
use crate::error::{Error, ErrorKind, Result};

/// A row of the log.
pub(super) struct LogRow {
    pub(super) number: u64,
    pub(super) table: String,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    origin: Option<String>,
}

impl LogRow {
    /// Reads a row of the answer: number, table, what was done, the row before, the row after, origin.
    pub(super) fn read(row: &TextRow, session: &Session) -> Result<Self> {
        let problem =
            || session.error(ErrorKind::Corrupt, "a row of the change log is not what triggers write");
        Ok(Self {
            number: row.number(0).ok_or_else(problem)?,
            table: row.text(1).ok_or_else(problem)?.to_owned(),
            before: row.bytes(3).map(<[u8]>::to_vec),
            after: row.bytes(4).map(<[u8]>::to_vec),
            origin: row.text(5).map(str::to_owned),
        })
    }

    /// The changes that the row tells of: none where nothing is different afterwards, two where the key is another.
    pub(super) fn changes(
        &self,
        known: &Known,
        version: Version,
        session: &Session,
        changes: &mut Vec<Change>,
    ) -> Result<()> {
        let image = |json: &Option<Vec<u8>>| match json {
            None => Ok(None),
            Some(json) => self.image(json, known, session).map(Some),
        };
        let (before, after) = (image(&self.before)?, image(&self.after)?);
        if before == after {
            return Ok(());
        }
        let mark = self.origin.clone().map_or(Mark::None, Mark::Bridge);
        let key = |image: &Option<Image>| image.as_ref().map(|image| known.table.key_of(image)).transpose();
        let (old_key, new_key) = (key(&before)?, key(&after)?);
        let change = |key, after, before| Change { key, version, after, before, mark: mark.clone() };
        match (old_key, new_key) {
            (Some(old), Some(new)) if old != new => {
                changes.push(change(old, None, before));
                changes.push(change(new, after, None));
            }
            (_, Some(key)) | (Some(key), None) => changes.push(change(key, after, before)),
            (None, None) => {}
        }
        Ok(())
    }

    fn image(&self, json: &[u8], known: &Known, session: &Session) -> Result<Image> {
        let texts = known.image.texts(json);
        let problem = || -> Error {
            let place = format!("row {} of the change log, table {}", self.number, self.table);
            session.error(ErrorKind::Corrupt, &format!("{place}: the row is not what triggers write"))
        };
        texts.map(|texts| known.table.image(texts)).ok_or_else(problem)
    }
}
