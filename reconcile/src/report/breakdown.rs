//! Conservation per area, nämnd and year.

use crate::conservation::{Balance, Dimension, Ledger};
use crate::error::Error;

use super::Labels;
use super::number::count;
use super::suppress::{Shown, suppress};

/// One table.
pub(super) struct Breakdown {
    /// Its heading.
    pub(super) title: &'static str,
    /// The heading of its first column.
    pub(super) dimension: &'static str,
    pub(super) rows: Vec<BreakdownRow>,
}

/// One row: a name and read, loaded, merged, excluded, quarantined.
pub(super) struct BreakdownRow {
    pub(super) name: String,
    pub(super) cells: Vec<String>,
}

pub(super) fn all(ledger: &Ledger, labels: &Labels) -> Result<Vec<Breakdown>, Error> {
    let area = |at: &Dimension| named(Labels::name(&labels.areas, &at.area));
    let namnd = |at: &Dimension| named(Labels::name(&labels.namnder, &at.namnd));
    let year = |at: &Dimension| named(&at.year);
    Ok(vec![
        breakdown(ledger, "Per verksamhetsområde", "Område", area)?,
        breakdown(ledger, "Per nämnd", "Nämnd", namnd)?,
        breakdown(ledger, "Per år", "År", year)?,
    ])
}

fn named(name: &str) -> String {
    if name.is_empty() { "Ej angivet".to_owned() } else { name.to_owned() }
}

fn breakdown(
    ledger: &Ledger,
    title: &'static str,
    dimension: &'static str,
    key: impl Fn(&Dimension) -> String,
) -> Result<Breakdown, Error> {
    let groups = ledger.grouped(key)?;
    let table: Vec<[u64; 5]> = groups.values().map(parts).collect();
    let rows = groups.into_keys().zip(suppress(&table)).map(|(name, shown)| BreakdownRow {
        name,
        cells: shown.iter().map(|cell| cell_text(*cell)).collect(),
    });
    Ok(Breakdown { title, dimension, rows: rows.collect() })
}

fn parts(balance: &Balance) -> [u64; 5] {
    let excluded = balance.excluded.values().sum();
    let quarantined = balance.quarantined.values().sum();
    [balance.read, balance.loaded, balance.merged, excluded, quarantined]
}

fn cell_text(shown: Shown) -> String {
    match shown {
        Shown::Number(number) => count(number),
        Shown::Few => "<5".to_owned(),
        Shown::Hidden => "dold".to_owned(),
    }
}
