//! What the answers of a source mean for a run.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bron_extract::{
    Access, Asked, Consistency, Encryption, Facts, Locator, ServerClock, ServerFacts, Unread,
    delivered_files, missing_files,
};
use bron_mappings::System;

use super::Asking;
use crate::failure::whole;
use crate::settings::SystemSettings;
use crate::verbs::doctor::check::Area;
use crate::verbs::doctor::machine;

/// The most that a server's clock may differ from ours.
const SKEW: Duration = Duration::from_secs(2);
/// The most tables and columns that are named.
const NAMED: usize = 12;

/// Judges what a source said that let us in.
pub(super) fn judge_facts(facts: &Facts, asking: &Asking, system: &SystemSettings, area: &mut Area<'_>) {
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
            machine::judge_files(folder, asking.settled_after(), area);
            if let Some(described) = &asking.described {
                judge_deliveries(folder, described, system, area);
            }
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

/// What was delivered, and what ought to have been.
fn judge_deliveries(folder: &Path, described: &System, system: &SystemSettings, area: &mut Area<'_>) {
    match delivered_files(folder, described) {
        Ok(counts) => {
            let counts: Vec<String> =
                counts.iter().map(|(table, files)| format!("{table} {files}")).collect();
            area.fine("files by table", counts.join(", "));
        }
        Err(error) => area.unknown("files by table", whole(&error)),
    }
    let missing = match missing_files(folder, described) {
        Ok(missing) => missing,
        Err(error) => return area.unknown("deliveries", whole(&error)),
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::doctor::check::Verdict;
    use std::time::Instant;

    /// What the check of something comes to.
    fn verdict(judge: impl FnOnce(&mut Area<'_>)) -> (Verdict, String) {
        let mut checks = Vec::new();
        judge(&mut Area::new("x", &mut checks));
        let found = checks[0].json()["found"].as_str().unwrap().to_owned();
        (checks[0].verdict, found)
    }

    fn access(address: &str) -> Access {
        Access::new(Locator::parse(address).unwrap())
    }

    #[test]
    fn plain_text_to_another_machine_is_told_loudly() {
        let told = |address: &str, encryption: &Encryption| {
            verdict(|area| judge_encryption(encryption, &access(address), area))
        };
        let (plain, there) = told("postgres://db.example.org/x", &Encryption::Plain);
        assert!(plain == Verdict::Look && there.starts_with("PLAIN TEXT"), "{there}");
        assert_eq!(told("postgres://localhost/x", &Encryption::Plain).0, Verdict::Fine);
        let tls = |checked| Encryption::Tls { how: Some("TLSv1.3".to_owned()), checked };
        let (unchecked, found) = told("mysql://db.example.org/x", &tls(false));
        assert!(unchecked == Verdict::Look && found.contains("NOT CHECKED"), "{found}");
        let (checked, found) = told("mysql://db.example.org/x?ca=/etc/ca.pem", &tls(true));
        assert!(checked == Verdict::Fine && found.contains("/etc/ca.pem"), "{found}");
    }

    #[test]
    fn a_clock_that_is_wrong_is_told_with_its_direction() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let now = i64::try_from(now).unwrap();
        let told = |shown| {
            let clock = ServerClock { shown, asked: Instant::now() };
            verdict(|area| judge_clock(&clock, area))
        };
        assert_eq!(told(now).0, Verdict::Fine);
        let (look, found) = told(now + 3_600_000);
        assert!(look == Verdict::Look && found.contains("ahead of"), "{found}");
        assert!(told(now - 3_600_000).1.contains("behind"));
    }

    #[test]
    fn what_cannot_be_read_is_listed_up_to_a_point() {
        let unread = |at: usize| Unread {
            table: "T".to_owned(),
            column: (at > 0).then(|| format!("C{at}")),
            why: "it is not there".to_owned(),
        };
        assert_eq!(listed(&[unread(0), unread(1)]), "the account cannot read T (it is not there), T.C1");
        let many: Vec<Unread> = (0..20).map(unread).collect();
        assert!(listed(&many).ends_with(", 8 more"));
    }
}
