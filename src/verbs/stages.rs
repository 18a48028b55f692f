//! `bron extract`, `bron transform` and `bron load`: one stage of the chain each.

use serde_json::json;

use crate::args::{ChainArguments, ReadingArguments};
use crate::audit;
use crate::chain::{Chain, Moment, Work};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// Stages the tables of the sources.
pub(super) fn extract(arguments: &ReadingArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve_reading(arguments)?;
    stage("extract", &settings, printer, Moment::Now, |chain| chain.extract())
}

/// Maps the staged tables.
pub(super) fn transform(arguments: &ChainArguments, printer: &Printer) -> Result<Exit, Failure> {
    stage("transform", &Settings::resolve(arguments)?, printer, Moment::LastRead, |chain| chain.transform())
}

/// Writes the mapped rows to the target.
pub(super) fn load(arguments: &ChainArguments, printer: &Printer) -> Result<Exit, Failure> {
    stage("load", &Settings::resolve(arguments)?, printer, Moment::LastRead, |chain| chain.load())
}

fn stage(
    verb: &str,
    settings: &Settings,
    printer: &Printer,
    moment: Moment,
    work: impl FnOnce(&mut Chain<'_>) -> Result<Work, Failure>,
) -> Result<Exit, Failure> {
    audit::during(&settings.project, audit::act(verb), printer, |noted| {
        audit::note_accepted(settings)?;
        let mut chain = Chain::open(settings, printer, moment)?;
        noted.works_on(&chain);
        chain.run.begin(verb, Some(&noted.checkpoint))?;
        chain.take_over()?;
        let worked = work(&mut chain);
        noted.works_on(&chain);
        let Work { done, reused } = worked?;
        chain.run.end()?;
        let run = &chain.run.id;
        let text = match (done, reused) {
            (0, _) => format!("run {run}: nothing to {verb}, all {reused} parts were there already"),
            (_, 0) => format!("run {run}: {verb} made {done} parts"),
            _ => format!("run {run}: {verb} made {done} parts and found {reused} there already"),
        };
        noted.tell(json!({ "run": run, "verb": verb, "done": done, "reused": reused }), text);
        Ok(Exit::Clean)
    })
}
