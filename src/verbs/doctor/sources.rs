//! The sources: whether each answers, lets us in and may be read.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bron_extract::{
    Access, Asked, Consistency, Encryption, ErrorKind, Facts, Locator, ServerClock, ServerFacts, TableNeed,
    TableSchema, Unread, missing_files,
};
use bron_mappings::{MappingSet, System, Tables};

use super::check::{Area, Check};
use super::machine;
use crate::failure::whole;
use crate::settings::{Pieces, SystemSettings};

/// The most that a server's clock may differ from ours.
const SKEW: Duration = Duration::from_secs(2);
/// What a row takes in all artefacts of a run together, where no run has shown it yet.
const BYTES_OF_A_ROW: u64 = 500;
/// How many times the size of its files a source takes in all artefacts of a run together.
const TIMES_ITS_SIZE: u64 = 4;
/// The most tables and columns that are named.
const NAMED: usize = 12;

/// What a source says, one after the other.
enum Answer {
    Reached(Option<(String, Asked<Duration>)>),
    Facts(Box<Asked<Facts>>),
}

/// A source that is being asked.
pub(super) struct Asking {
    name: String,
    described: Option<System>,
    needs: usize,
    columns: usize,
    answers: Option<Receiver<Answer>>,
}

/// What the sources said of their tables.
pub(super) struct Answers {
    /// The columns of the tables of each source that answered.
    pub(super) tables: Tables,
    /// About how many bytes a run of them may take, where all of them answered.
    pub(super) expected: Option<u64>,
}

/// Begins to ask every source, all at the same time.
pub(super) fn ask(
    pieces: &Pieces,
    set: &MappingSet,
    wanted: &BTreeMap<String, Vec<TableNeed>>,
    patience: u64,
) -> Vec<Asking> {
    let asking = pieces.systems.iter().map(|(name, system)| {
        let described = set.systems.get(name).cloned();
        let needs = wanted.get(name).cloned().unwrap_or_default();
        let columns = needs.iter().map(|need| need.read.len()).sum();
        let (count, kept) = (needs.len(), described.clone());
        let answers = system.as_ref().ok().map(|system| {
            let (access, patience) = (system.access.clone(), Duration::from_secs(patience));
            begin(access, described, needs, patience)
        });
        Asking { name: name.clone(), described: kept, needs: count, columns, answers }
    });
    asking.collect()
}

/// Asks a source on a thread of its own: one that never answers is left behind when the program ends.
fn begin(
    access: Access,
    described: Option<System>,
    needs: Vec<TableNeed>,
    patience: Duration,
) -> Receiver<Answer> {
    let (said, answers) = channel();
    thread::spawn(move || {
        let reached = access.reach(patience);
        let silent = matches!(reached, Some((_, Err(_))));
        // Nobody listens any more when the time is up.
        let _ = said.send(Answer::Reached(reached));
        if !silent {
            let _ = said.send(Answer::Facts(Box::new(access.facts(described.as_ref(), &needs))));
        }
    });
    answers
}

/// Waits for the answers and judges them.
pub(super) fn judge(
    asked: Vec<Asking>,
    pieces: &Pieces,
    deadline: Instant,
    checks: &mut Vec<Check>,
) -> Answers {
    let mut found = Answers { tables: Tables::new(), expected: Some(0) };
    for asking in asked {
        let place = match &pieces.systems[&asking.name] {
            Ok(system) => format!("{}  {}", asking.name, system.access.locator),
            Err(_) => asking.name.clone(),
        };
        let mut area = Area::new(place, checks);
        let facts = match &pieces.systems[&asking.name] {
            Ok(system) => hear(&asking, system, deadline, &mut area),
            Err(failure) => {
                area.fails("settings", failure.message.clone(), "mend it in bron.toml or where it points to");
                None
            }
        };
        let tables = facts.and_then(|facts| facts.tables.ok());
        let expected = tables.as_ref().zip(pieces.systems[&asking.name].as_ref().ok());
        let expected = expected.map(|(tables, system)| expected_bytes(tables, &system.access.locator));
        found.expected = found.expected.zip(expected).map(|(sum, bytes)| sum.saturating_add(bytes));
        if let Some(tables) = tables {
            let columns = tables
                .into_iter()
                .map(|table| (table.name, table.columns.into_iter().map(|column| column.name).collect()));
            found.tables.insert(asking.name, columns.collect());
        }
    }
    found
}

/// About how many bytes a run of a source may take in all its artefacts.
fn expected_bytes(tables: &[TableSchema], locator: &Locator) -> u64 {
    let rows = || tables.iter().map(|table| table.rows_estimate).sum::<u64>();
    match locator {
        Locator::Sqlite(path) | Locator::Csv(path) => machine::size(path).saturating_mul(TIMES_ITS_SIZE),
        Locator::Postgres(_) | Locator::Mysql(_) | Locator::Mssql(_) | Locator::Odbc(_) => {
            rows().saturating_mul(BYTES_OF_A_ROW)
        }
    }
}

/// What a source answers in time.
fn hear(asking: &Asking, system: &SystemSettings, deadline: Instant, area: &mut Area<'_>) -> Option<Facts> {
    let answers = asking.answers.as_ref()?;
    let left = || deadline.saturating_duration_since(Instant::now());
    let late = "no answer in time; `--patience` waits longer";
    let advice = "is the server on, and does every firewall let this machine through?";
    match answers.recv_timeout(left()) {
        Ok(Answer::Reached(Some((name, Ok(time))))) => {
            area.fine("reached", format!("{name} in {} ms", time.as_millis()));
        }
        Ok(Answer::Reached(Some((name, Err(error))))) => {
            area.fails("reached", format!("{name}: {}", whole(&error)), advice);
            return None;
        }
        Ok(Answer::Reached(None) | Answer::Facts(_)) => {}
        Err(_) => {
            area.fails("reached", late, advice);
            return None;
        }
    }
    let Ok(Answer::Facts(asked)) = answers.recv_timeout(left()) else {
        area.fails("let in", late, "the server took the connection and said nothing: look at its log");
        return None;
    };
    match *asked {
        Ok(facts) => {
            judge_facts(&facts, asking, system, area);
            Some(facts)
        }
        Err(error) => {
            area.fails("let in", whole(&error), on_refusal(error.kind()));
            None
        }
    }
}

fn on_refusal(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Permission => "look at the user in `address` and at what `password` names",
        ErrorKind::Settings => {
            "look at `address`: its name must be in the certificate, `?ca=` names who signed it"
        }
        ErrorKind::Missing => "look at the path or the database in bron.toml",
        ErrorKind::Busy | ErrorKind::Connection => "try again; look at the server's log",
        ErrorKind::Drift => "bring the mapping files up to date with the source",
        ErrorKind::Unreadable
        | ErrorKind::Encoding
        | ErrorKind::Truncated
        | ErrorKind::Corrupt
        | ErrorKind::Storage
        | ErrorKind::Database
        | _ => "look at the source and its settings",
    }
}

fn judge_facts(facts: &Facts, asking: &Asking, system: &SystemSettings, area: &mut Area<'_>) {
    let access = &system.access;
    area.fine("let in", if facts.server.is_some() { "the account is known" } else { "it opens" });
    if let Some(server) = &facts.server {
        judge_server(server, access, area);
    }
    match &facts.consistency {
        Consistency::Point { how, .. } => area.fine("one moment", (*how).to_owned()),
        Consistency::None { why } => area.look("one moment", why.clone(), on_no_moment(&access.locator)),
    }
    match &facts.unread {
        Ok(unread) if unread.is_empty() => {
            let tables =
                if asking.needs == 1 { "1 table".to_owned() } else { format!("{} tables", asking.needs) };
            area.fine("may read", format!("all {} columns that are needed, in {tables}", asking.columns));
        }
        Ok(unread) => area.fails("may read", listed(unread), on_unread(&access.locator, &asking.name)),
        Err(error) => area.unknown("may read", whole(error)),
    }
    if let Some(server) = &facts.server {
        judge_rights(server, &access.locator, &asking.name, area);
    }
    match &access.locator {
        Locator::Csv(folder) => {
            judge_deliveries(folder, asking.described.as_ref(), system, area);
            machine::judge_files(folder, area);
        }
        Locator::Sqlite(file) => machine::judge_source_file(file, area),
        Locator::Postgres(_) | Locator::Mysql(_) | Locator::Mssql(_) | Locator::Odbc(_) => {}
    }
}

fn judge_server(server: &ServerFacts, access: &Access, area: &mut Area<'_>) {
    told(area, "server", &server.product);
    match &server.encryption {
        Ok(encryption) => judge_encryption(encryption, access, area),
        Err(error) => area.unknown("encryption", whole(error)),
    }
    match &server.clock {
        Ok(clock) => judge_clock(clock, area),
        Err(error) => area.unknown("clock", whole(error)),
    }
    told(area, "time zone", &server.time_zone);
    told(area, "texts", &server.texts);
    for remark in &server.remarks {
        area.look("before reading", remark.clone(), "speak with whoever runs the server");
    }
}

fn told(area: &mut Area<'_>, subject: &'static str, fact: &Asked<String>) {
    match fact {
        Ok(text) => area.fine(subject, text.clone()),
        Err(error) => area.unknown(subject, whole(error)),
    }
}

fn judge_encryption(encryption: &Encryption, access: &Access, area: &mut Area<'_>) {
    let address = match &access.locator {
        Locator::Postgres(address) | Locator::Mysql(address) | Locator::Mssql(address) => Some(address),
        Locator::Sqlite(_) | Locator::Csv(_) | Locator::Odbc(_) => None,
    };
    let here = address.is_some_and(bron_extract::ServerAddress::is_here);
    let signed = match address.and_then(|address| address.authorities.as_ref()) {
        Some(file) => format!("the authorities of this machine and of {}", file.display()),
        None => "the authorities of this machine".to_owned(),
    };
    match encryption {
        Encryption::Tls { how, checked: true } => {
            let how = how.as_deref().unwrap_or("version and cipher are not told");
            area.fine("encryption", format!("TLS ({how}), certificate and name checked against {signed}"));
        }
        Encryption::Tls { how, checked: false } if here => {
            let how = how.as_deref().unwrap_or_default();
            area.fine(
                "encryption",
                format!("TLS ({how}), certificate not checked; the server is this machine"),
            );
        }
        Encryption::Tls { .. } => area.look(
            "encryption",
            "TLS, but the CERTIFICATE IS NOT CHECKED: anybody in between can pass for the server",
            "take `plain_text` out of bron.toml",
        ),
        Encryption::Plain if here => {
            area.fine("encryption", "not asked for: the server is this machine");
        }

        Encryption::Plain => area.look(
            "encryption",
            "PLAIN TEXT: password and records can be read and changed by anybody in between",
            "for development only: take `plain_text` out of bron.toml",
        ),
    }
}

fn judge_clock(clock: &ServerClock, area: &mut Area<'_>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = now.saturating_sub(clock.asked.elapsed());
    let ours = i64::try_from(then.as_millis()).unwrap_or(i64::MAX);
    let apart = Duration::from_millis(clock.shown.abs_diff(ours));
    if apart <= SKEW {
        area.fine("clock", "shows the same time as this machine, to two seconds");
        return;
    }
    let which = if clock.shown > ours { "ahead of" } else { "behind" };
    let found = format!("{} seconds {which} this machine", apart.as_secs());
    area.look("clock", found, "set both by the same time server: logs cannot be compared otherwise");
}

fn judge_rights(server: &ServerFacts, locator: &Locator, name: &str, area: &mut Area<'_>) {
    match &server.beyond_reading {
        Ok(beyond) if beyond.is_empty() => area.fine("reads only", "the account may read and nothing more"),
        Ok(beyond) => {
            let found = format!("the account {}", beyond.join(", "));
            area.look("reads only", found, format!("give it {} and no more", rights(locator, name)));
        }
        Err(error) => area.unknown("reads only", whole(error)),
    }
}

/// Where the rights that are needed stand.
fn rights(locator: &Locator, name: &str) -> String {
    let dialect = match locator {
        Locator::Postgres(_) => "postgres",
        Locator::Mysql(_) => "mysql",
        Locator::Mssql(_) => "mssql",
        Locator::Sqlite(_) | Locator::Csv(_) | Locator::Odbc(_) => "…",
    };
    format!("the rights that `bron grants --dialect {dialect} --system {name}` prints")
}

fn on_unread(locator: &Locator, name: &str) -> String {
    match locator {
        Locator::Sqlite(_) | Locator::Csv(_) => {
            "bring the mapping files up to date with the source".to_owned()
        }
        Locator::Postgres(_) | Locator::Mysql(_) | Locator::Mssql(_) | Locator::Odbc(_) => {
            format!("ask for {}", rights(locator, name))
        }
    }
}

fn on_no_moment(locator: &Locator) -> &'static str {
    match locator {
        Locator::Mssql(_) => {
            "ask for ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or name a database snapshot in `snapshot`"
        }
        Locator::Mysql(_) => "ask for these tables to be InnoDB, or read while nobody writes",
        Locator::Odbc(_) => "read with the connector of the system's own, or while nobody writes",
        Locator::Postgres(_) | Locator::Sqlite(_) | Locator::Csv(_) => "read while nobody writes",
    }
}

/// What cannot be read: columns of which only that is known share their reason.
fn listed(unread: &[Unread]) -> String {
    let mut found: Vec<String> = unread
        .iter()
        .take(NAMED)
        .map(|Unread { table, column, why }| match column {
            Some(column) => format!("{table}.{column}"),
            None => format!("{table} ({why})"),
        })
        .collect();
    if unread.len() > NAMED {
        found.push(format!("{} more", unread.len() - NAMED));
    }
    format!("the account cannot read {}", found.join(", "))
}

/// Which files ought to have been delivered.
fn judge_deliveries(
    folder: &std::path::Path,
    described: Option<&System>,
    system: &SystemSettings,
    area: &mut Area<'_>,
) {
    let Some(described) = described else { return };
    match missing_files(folder, described) {
        Ok(missing) => {
            let open: Vec<String> = missing
                .into_iter()
                .flat_map(|files| files.missing)
                .filter(|file| !system.not_delivered.contains(file))
                .collect();
            if open.is_empty() {
                area.fine("deliveries", "every expected file is there, or decided to be gone without");
            } else {
                let advice = "ask the sender for them, or list them in `not_delivered`";
                area.look("deliveries", format!("not delivered: {}", open.join(", ")), advice);
            }
        }
        Err(error) => area.unknown("deliveries", whole(&error)),
    }
}
