//! `bron quarantine replay`: the chain once more, and what became of every item.

use std::collections::BTreeMap;

use bron_load::quarantine::{Item, State};
use bron_reconcile::audit::Act;
use serde_json::{Value, json};

use super::{open, plain, short};
use crate::args::ReplayArguments;
use crate::audit::{self, Noted};
use crate::chain::{Chain, Moment, QUARANTINE_FILE, told};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// The most items that the text names; the JSON document names all.
const NAMED: usize = 50;

/// Runs the chain over what was read last, with the mapping files as they are now.
pub(super) fn run(arguments: &ReplayArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve(&arguments.chain)?;
    if !settings.project.join(QUARANTINE_FILE).exists() {
        return Err(Failure::config("there is no quarantine to run again").hint(settings.again()));
    }
    let act = Act { reason: arguments.reason.clone(), ..audit::act("quarantine.replay") };
    audit::during(&settings.project, act, printer, |noted| replay(arguments, &settings, printer, noted))
}

fn replay(
    arguments: &ReplayArguments,
    settings: &Settings,
    printer: &Printer,
    noted: &mut Noted,
) -> Result<Exit, Failure> {
    let asked = |item: &Item| arguments.reason.as_ref().is_none_or(|reason| *reason == item.finding.reason);
    let is_told = |item: &Item| item.finding.protected == arguments.protected;
    let items = |settings: &Settings| -> Result<BTreeMap<String, Item>, Failure> {
        let (mut store, _) = open(&settings.project)?;
        let items = store.items(asked)?;
        Ok(items.into_iter().map(|item| (item.finding.id.to_string(), item)).collect())
    };
    let before = items(settings)?;
    let mut chain = Chain::open(settings, printer, Moment::LastRead)?;
    noted.works_on(&chain);
    // Live sources are not asked: then this run reads nothing, and only proves.
    let verb = if chain.reads_nothing_new() { "reconcile" } else { "migrate" };
    chain.run.begin(verb, Some(&noted.checkpoint))?;
    chain.extract()?;
    noted.works_on(&chain);
    chain.transform()?;
    let loaded = chain.load()?;
    let outcome = chain.reconcile()?;
    noted.compared(&outcome.made);
    chain.run.end()?;
    let mut after = items(settings)?;
    let all = after.len();
    // By what is known now: a person can have become protected since.
    after.retain(|_, item| is_told(item));
    let is_more = !arguments.protected && after.len() < all;
    let told = Told::of(&before, &after);
    let document = json!({
        "run": chain.run.id,
        "reason": arguments.reason,
        "parts_loaded": loaded.done,
        "parts_there_already": loaded.reused,
        "verdict": outcome.summary.verdict,
        "outcome": told.counts(),
        "items": told.items.iter().map(|(item, what)| json!({
            "id": item.finding.id.to_string(),
            "reason": item.finding.reason,
            "system": item.finding.system,
            "table": item.finding.table,
            "key": item.finding.key,
            "outcome": what.code(),
        })).collect::<Vec<Value>>(),
        "protected_not_told": is_more,
    });
    let mut text = told.text(&chain.run.id);
    if is_more {
        text.push_str("\nitems about protected persons are not told of, see --protected");
    }
    noted.tell(document, text);
    Ok(outcome.exit)
}

/// What the new run did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Loaded,
    SameReason,
    OtherReason,
    LeftOut,
    Gone,
    New,
}

impl Fate {
    fn of(before: Option<&Item>, after: &Item) -> Option<Self> {
        // What had ended before and still has is no news.
        if before.is_some_and(|before| !before.state.is_held() && before.state == after.state) {
            return None;
        }
        Some(match (before, after.state) {
            (None, _) => Self::New,
            (_, State::Loaded) => Self::Loaded,
            (_, State::Gone) => Self::Gone,
            (_, State::LeftOut) => Self::LeftOut,
            (_, State::OtherReason) => Self::OtherReason,
            (
                _,
                State::Open
                | State::Accepted
                | State::ToCorrect
                | State::ToMap
                | State::Waiting
                | State::Again,
            ) => Self::SameReason,
        })
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::SameReason => "same_reason",
            Self::OtherReason => "other_reason",
            Self::LeftOut => "left_out",
            Self::Gone => "gone",
            Self::New => "new",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Loaded => told(State::Loaded),
            Self::SameReason => "still held back for the same reason",
            Self::OtherReason => told(State::OtherReason),
            Self::LeftOut => told(State::LeftOut),
            Self::Gone => told(State::Gone),
            Self::New => "held back now and not before",
        }
    }
}

struct Told<'i> {
    items: Vec<(&'i Item, Fate)>,
}

impl<'i> Told<'i> {
    fn of(before: &BTreeMap<String, Item>, after: &'i BTreeMap<String, Item>) -> Self {
        let fates = after.iter().filter_map(|(id, item)| Some((item, Fate::of(before.get(id), item)?)));
        let mut items: Vec<(&Item, Fate)> = fates.collect();
        items.sort_by_key(|(item, fate)| (*fate, item.finding.id));
        Self { items }
    }

    fn counts(&self) -> BTreeMap<&'static str, u64> {
        let all = [Fate::Loaded, Fate::SameReason, Fate::OtherReason, Fate::LeftOut, Fate::Gone, Fate::New];
        let mut counts: BTreeMap<&str, u64> = all.into_iter().map(|fate| (fate.code(), 0)).collect();
        for (_, fate) in &self.items {
            *counts.entry(fate.code()).or_default() += 1;
        }
        counts
    }

    fn text(&self, run: &str) -> String {
        let mut lines = vec![format!("run {run}")];
        let mut counts: BTreeMap<Fate, u64> = BTreeMap::new();
        for (_, fate) in &self.items {
            *counts.entry(*fate).or_default() += 1;
        }
        if counts.is_empty() {
            lines.push("nothing to tell of any item".to_owned());
        }
        lines.extend(counts.iter().map(|(fate, items)| format!("{items:>8} {}", fate.words())));
        let changed = self.items.iter().filter(|(_, fate)| *fate != Fate::SameReason);
        for (item, fate) in changed.clone().take(NAMED) {
            let finding = &item.finding;
            let key = plain(&finding.key);
            let place = format!("{}/{} {key}", finding.system, finding.table);
            lines.push(format!("  {}  {} {place}: {}", short(item), finding.reason, fate.words()));
        }
        let more = changed.count().saturating_sub(NAMED);
        if more > 0 {
            lines.push(format!("  … and {more} more, see --output json"));
        }
        lines.join("\n")
    }
}
