//! What a target says about itself when it is asked and not written.

use sqlx::Row;
use sqlx::postgres::PgSslMode;

use crate::error::{Error, Result};
use crate::postgres;
use crate::runtime::runtime;
use crate::sink::Access;
use crate::sql;
use crate::target::{Place, Target};
use crate::terms::Terms;

/// What a target on a server says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// The product and its version.
    pub product: String,
    /// The version of TLS and the cipher; `None` when the connection is in plain text.
    pub encryption: Option<String>,
    /// Whether the server had to prove who it is.
    pub checked: bool,
    /// Whether the user may create tables. Loading into tables that are there takes no such right.
    pub may_create: bool,
    /// How many tables the user sees in the schema that is loaded.
    pub tables: u64,
}

/// Asks a target on a server what it is. `None` for a file. Nothing is written.
///
/// # Errors
/// As [`open`](crate::open).
pub fn examine(target: &Target) -> Result<Option<TargetFacts>> {
    let Place::Server(options) = target.place()? else { return Ok(None) };
    let place = target.to_string();
    let runtime = runtime()?;
    let checked = match options.get_ssl_mode() {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => true,
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => false,
    };
    let asked: Result<TargetFacts> = runtime.block_on(async {
        let failed = |error: sqlx::Error| Error::of(&error, "the server cannot be asked");
        let mut connection = postgres::connect(&options, Access::Read, &Terms::default()).await?;
        let row = sqlx::query(sql::postgres::FACTS).fetch_one(&mut connection).await.map_err(failed)?;
        let tables = row.try_get::<i64, _>(3).map_err(failed)?;
        Ok(TargetFacts {
            product: row.try_get(0).map_err(failed)?,
            encryption: row.try_get(1).map_err(failed)?,
            checked,
            may_create: row.try_get(2).map_err(failed)?,
            tables: u64::try_from(tables).unwrap_or(0),
        })
    });
    asked.map(Some).map_err(|error| error.at(&place))
}
