//! What the tests of all connectors share: whole tables, moments in the middle of transfers, values easily got wrong.

pub(crate) mod reading;
#[cfg(all(feature = "postgres-tests", feature = "mariadb-tests", feature = "odbc-tests"))]
mod special_values;
pub(crate) mod transfers;
