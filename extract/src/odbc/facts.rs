//! What a system behind an ODBC driver says about itself.

use odbc_api::{Cursor, Error as OdbcError};

use super::reader::run;
use super::{BEGINNING, OdbcSource};
use crate::error::Error;
use crate::examine::{Asker, Facts, ServerFacts, unread, untold};
use crate::grants::TableNeed;
use crate::selection::no_table;
use crate::source::Source;

/// Why there is no answer to most questions.
const DRIVERS: &str = "a driver does not tell; its own keywords and the system decide";

impl OdbcSource {
    /// What the driver and the system say. The point in time is given up.
    pub(crate) fn facts(&mut self, needs: &[TableNeed]) -> Facts {
        let consistency = self.consistency();
        let tables = self.tables();
        let unread = unread(self, tables.as_deref().unwrap_or_default(), needs);
        let system = self.connection().database_management_system_name();
        let product = system
            .map(|system| format!("{system}, through {}", self.driver_file.display()))
            .map_err(|error| self.place.refused(BEGINNING, &error));
        let server = ServerFacts {
            product,
            encryption: untold(DRIVERS),
            clock: untold(DRIVERS),
            time_zone: untold(DRIVERS),
            texts: untold(DRIVERS),
            beyond_reading: untold(DRIVERS),
            remarks: Vec::new(),
        };
        Facts { tables, consistency, unread, server: Some(server) }
    }
}

impl Asker for OdbcSource {
    fn rows(&mut self, question: &str) -> Result<Vec<Vec<String>>, Error> {
        // A refusal ends the transaction of some systems, and with it all further questions.
        let refused = |error: &OdbcError| {
            let error = self.place.refused("asking", error);
            // What cannot be rolled back shows at the next question.
            drop(self.connection().rollback());
            error
        };
        let asked = run(self.connection(), question, None).map_err(|error| refused(&error))?;
        let Some(mut cursor) = asked else { return Ok(Vec::new()) };
        // Only whether there is an answer counts here: no question that is asked has rows.
        while cursor.next_row().map_err(|error| refused(&error))?.is_some() {}
        Ok(Vec::new())
    }

    fn column(&self, name: &str) -> Result<String, Error> {
        self.catalog().quoted(name)
    }

    fn table(&self, name: &str) -> Result<String, Error> {
        let listed = self.catalog().table(name)?;
        listed.map(|listed| listed.from).ok_or_else(|| no_table(&self.place.to_string(), name))
    }
}
