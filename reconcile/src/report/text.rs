//! The short text for the terminal.

use std::fmt::Write;

use crate::secrecy::SecrecyDifference;
use crate::snapshot::{Drift, TableChanges};
use crate::summary::{EntityChanges, RefusedLine, Summary, TableSummary, Verdict, total};
use crate::waivers::WaiverLine;

use super::Language;
use super::number::{count, in_unit, plural, signed, unit_name};
use super::waivers::since;

/// The most lines of differences that the text lists.
const LISTED: usize = 10;

/// The summary in a few Swedish lines: the verdict, the balance, what differs.
#[must_use]
pub fn text(summary: &Summary) -> String {
    let mut out = String::new();
    write_text(&mut out, summary).expect("writing to a string cannot fail");
    out
}

fn write_text(out: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(out, "{}", verdict_line(summary.verdict))?;
    let sum = |part: &dyn Fn(&TableSummary) -> u128| -> u128 { summary.tables.iter().map(part).sum() };
    let total =
        |counts: &std::collections::BTreeMap<String, u64>| counts.values().copied().map(u128::from).sum();
    writeln!(
        out,
        "Rader: {} lästa = {} inlästa + {} sammanslagna + {} utelämnade + {} i karantän",
        count(sum(&|table| u128::from(table.read))),
        count(sum(&|table| u128::from(table.loaded))),
        count(sum(&|table| u128::from(table.merged))),
        count(sum(&|table| total(&table.excluded))),
        count(summary.quarantined()),
    )?;
    write_changes(out, summary)?;
    let rows = summary.rows;
    writeln!(
        out,
        "Målet: {} jämförda, {} saknas, {} oväntade, {} skiljer",
        count(rows.compared),
        count(rows.missing),
        count(rows.unexpected),
        count(rows.differs),
    )?;
    write_refused(out, summary)?;
    write_round_trip(out, summary)?;
    write_references(out, summary)?;
    let unequal: Vec<_> = summary.unequal_controls().collect();
    writeln!(
        out,
        "Kontroller: {} av {} lika",
        count(summary.controls.len() - unequal.len()),
        count(summary.controls.len())
    )?;
    for row in unequal.iter().take(LISTED) {
        writeln!(
            out,
            "  {}, {} {}: källa {}, undantaget {}, mål {}, skillnad {} {}",
            row.label,
            row.dimension,
            row.key,
            in_unit(row.unit, i128::from(row.source)),
            in_unit(row.unit, i128::from(row.held)),
            in_unit(row.unit, i128::from(row.target)),
            signed(row.unit, i128::from(row.difference)),
            unit_name(row.unit),
        )?;
    }
    if unequal.len() > LISTED {
        writeln!(out, "  och {} till, se summary.json", count(unequal.len() - LISTED))?;
    }
    write_findings(out, summary)?;
    write_waivers(out, summary)?;
    write_secrecy(out, summary)?;
    write_snapshot(out, summary)?;
    writeln!(out, "Körning {}, mappning {}", summary.run, summary.mapping_digest)
}

/// Says nothing when the target took every row.
fn write_refused(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.refused.is_empty() {
        return Ok(());
    }
    let rows = summary.refused.iter().map(|line| u128::from(line.rows)).sum::<u128>();
    writeln!(out, "Målet tog inte emot {} rader, som väntar i karantän:", count(rows))?;
    for line in summary.refused.iter().take(LISTED) {
        let RefusedLine { system, table, entity, reason, constraint, rows } = line;
        let constraint = if constraint.is_empty() { String::new() } else { format!(" ({constraint})") };
        writeln!(out, "  {entity} ur {system}/{table}: {} {reason}{constraint}", count(*rows))?;
    }
    if summary.refused.len() > LISTED {
        writeln!(out, "  och {} till, se summary.json", count(summary.refused.len() - LISTED))?;
    }
    Ok(())
}

/// Says nothing when nothing is known of the loading.
fn write_changes(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.changes.is_empty() {
        return Ok(());
    }
    let EntityChanges { inserted, updated, unchanged, refused, .. } = total(&summary.changes);
    let sum = total(&summary.changes);
    write!(out, "Inläsningen: {} nya, {} ändrade, ", count(inserted), count(updated))?;
    write!(out, "{} oförändrade, {} tillbakadragna", count(unchanged), count(sum.all_retired()))?;
    let because = sum.retired_because();
    if !because.is_empty() {
        write!(out, " ({because})")?;
    }
    writeln!(out, ", {} avvisade", count(refused))
}

/// Says nothing where nothing was put back.
fn write_round_trip(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.findings.in_flight > 0 {
        writeln!(out, "  {} rader skrevs medan de jämfördes", count(summary.findings.in_flight))?;
    }
    let Some(round_trip) = &summary.round_trip else { return Ok(()) };
    writeln!(
        out,
        "Tur och retur: {} rader återställda, {} ger annat än källan; {} av {} kolumner prövade och lika",
        count(round_trip.rows),
        count(round_trip.differs),
        count(round_trip.fields.iter().filter(|field| super::round_trip::is_proven(field)).count()),
        count(round_trip.fields.len()),
    )?;
    let unequal: Vec<_> = round_trip.fields.iter().filter(|field| field.differs > 0).collect();
    for field in unequal.iter().take(LISTED) {
        let (differs, compared) = (count(field.differs), count(field.compared));
        writeln!(out, "  {}.{}: {differs} av {compared} poster skiljer", field.mapping, field.column)?;
    }
    if unequal.len() > LISTED {
        writeln!(out, "  och {} till, se summary.json", count(unequal.len() - LISTED))?;
    }
    Ok(())
}

fn write_references(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let (rows, references) = (summary.rows, summary.references);
    if rows.nameless > 0 {
        writeln!(out, "  {} rader i målet har inget giltigt id", count(rows.nameless))?;
    }
    if rows.elsewhere > 0 {
        writeln!(out, "  {} rader från andra källsystem", count(rows.elsewhere))?;
    }
    writeln!(
        out,
        "Hänvisningar: {} kontrollerade, {} rader hänvisar till rader som saknas, {} saknade är förklarade",
        count(references.checked),
        count(references.dangling),
        count(references.explained),
    )
}

/// Says nothing when there is no finding, and was none.
fn write_findings(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let Some(since) = since(summary, Language::Sv) else { return Ok(()) };
    writeln!(out, "Fynd: {} {}", since.counts, since.before)
}

/// Says nothing in a project without waivers.
fn write_waivers(out: &mut String, summary: &Summary) -> std::fmt::Result {
    for line in &summary.waivers {
        let WaiverLine { id, entity, owner, expires, rows, state, .. } = line;
        let rows = plural(u128::from(*rows), "rad", "rader");
        writeln!(
            out,
            "  godkänd avvikelse {id}, {entity}: {rows}, till och med {expires}, ägare {owner}, {}",
            state.label()
        )?;
    }
    Ok(())
}

/// Says nothing when every row may be read by whom the sources say.
fn write_secrecy(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let unequal = &summary.secrecy.unequal;
    if unequal.is_empty() {
        return Ok(());
    }
    let (differ, cells) = (count(unequal.len()), count(summary.secrecy.cells));
    writeln!(out, "D80: {differ} av {cells} delar skiljer i nämnd, sekretess eller skydd")?;
    for cell in unequal.iter().take(LISTED) {
        let SecrecyDifference { entity, namnd, sekretess_klass, skyddad, expected, found } = cell;
        let protected = if *skyddad { "skyddad" } else { "oskyddad" };
        write!(out, "  {entity}, nämnd {namnd}, {sekretess_klass}, {protected}: ")?;
        writeln!(out, "ur källan {}, i målet {}", count(*expected), count(*found))?;
    }
    if unequal.len() > LISTED {
        writeln!(out, "  och {} till, se summary.json", count(unequal.len() - LISTED))?;
    }
    Ok(())
}

/// Says nothing of tables that are as they were.
fn write_snapshot(out: &mut String, summary: &Summary) -> std::fmt::Result {
    for drift in &summary.snapshot.drift {
        let Drift { system, table, column, kind, before: _, after: _ } = drift;
        let column = if column.is_empty() { String::new() } else { format!(".{column}") };
        writeln!(out, "D70: {system}/{table}{column}: {}", kind.label())?;
    }
    for table in &summary.snapshot.tables {
        let TableChanges { system, table: name, vanished, explained, altered, .. } = table;
        if *vanished > 0 {
            write!(out, "D72: {system}/{name}: {} försvunna sedan förra läsningen, ", count(*vanished))?;
            writeln!(out, "{} förklarade av källan", count(*explained))?;
        }
        if *altered > 0 {
            writeln!(out, "D51: {system}/{name}: {} låsta texter har ändrats, godtaget", count(*altered))?;
        }
    }
    Ok(())
}

const fn verdict_line(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Lika => "LIKA: allt stämmer",
        Verdict::LikaMedKarantan => "LIKA MED KARANTÄN: det som förts över stämmer, rader väntar på beslut",
        Verdict::GodkandaSkillnader => {
            "SKILLNADER, ALLA GODKÄNDA: det är inte lika, och allt som skiljer har godkänts"
        }
        Verdict::Skillnader => "SKILLNADER: något är inte lika",
        Verdict::EjBevisat => "EJ BEVISAT: allt har inte jämförts",
    }
}
