//! Staged tables → what the rules of the mappings met there. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{Manifest, table_dir};
use bron_mappings::{Diagnostic, Mapping, MappingSet, Origin, Rule, Severity};
use bron_transform::{Plan, Profiler, RuleProfile};

use super::effect::{chain, covers, use_set};
use super::formats::unless_damaged;
use super::{Chain, Run};
use crate::failure::Failure;
use crate::printer::Printer;
use crate::project::{OpenSource, require_as_of};
use crate::settings::Settings;

/// What the rules met, by mapping.
pub(crate) struct Profiles {
    /// The run whose staged tables were read.
    pub(crate) run: String,
    /// The rules of each mapping, `system/TABLE`, in the order of its file.
    pub(crate) rules: BTreeMap<String, Vec<RuleProfile>>,
}

/// Counts in the staged tables of the project's latest run; `None` when there is none, or when it lacks a table or
/// a column that the mappings read now.
pub(crate) fn profiles(
    settings: &Settings,
    printer: &Printer,
    set: &MappingSet,
    sources: BTreeMap<String, OpenSource>,
) -> Result<Option<Profiles>, Failure> {
    let Some(run) = Run::latest(settings)? else { return Ok(None) };
    require_as_of(settings, set)?;
    let mut chain = chain(settings, printer, sources, BTreeMap::new(), run);
    use_set(&mut chain, set)?;
    let wanted = chain.wanted_tables()?;
    if !covers(&chain, &wanted)? {
        return Ok(None);
    }
    let staged = chain.staged_tables(&wanted)?;
    let lookups = chain.lookups(&staged)?;
    let mut rules = BTreeMap::new();
    let stage = printer.stage("coverage", u64::try_from(chain.set.mappings.len()).unwrap_or(0));
    for mapping in chain.mappings() {
        chain.go_on()?;
        stage.now(&mapping.id);
        let table = &staged[&(mapping.system.clone(), mapping.table.clone())];
        let plan = Plan::new(&chain.set, mapping, &table.manifest.schema, &settings.secret);
        let plan = plan.map_err(|error| Failure::config(error.to_string()))?;
        let mut profiler = Profiler::new(mapping, &plan, &lookups);
        let mut first_row = 0;
        for batch in table.manifest.read(&table.dir, None, settings.batch_rows)? {
            let batch = batch?;
            chain.go_on()?;
            profiler.add(&batch, first_row);
            first_row += u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
        }
        rules.insert(mapping.id.clone(), profiler.finish());
        stage.step();
    }
    Ok(Some(Profiles { run: chain.run.id.clone(), rules }))
}

/// Warnings about staged texts that no line of their code list has, one for each list and system. Texts that rules
/// read from other rows are not looked at: that would need every lookup. Nothing is found without a staged run.
pub(crate) fn unlisted_codes(
    settings: &Settings,
    printer: &Printer,
    set: &MappingSet,
) -> Result<Vec<Diagnostic>, Failure> {
    let run = match Run::latest(settings) {
        Ok(Some(run)) => run,
        Ok(None) => return Ok(Vec::new()),
        // A check does not wait for the work on a run.
        Err(error) => {
            printer.say(&format!("the staged rows are not looked at: {}", error.message));
            return Ok(Vec::new());
        }
    };
    let chain = chain(settings, printer, BTreeMap::new(), BTreeMap::new(), run);
    let mut unlisted: BTreeMap<(&str, &str), (BTreeSet<String>, u64)> = BTreeMap::new();
    for mapping in &set.mappings {
        for (list, column) in own_codes(mapping) {
            let found = chain.unlisted(set, mapping, list, column)?;
            let known = unlisted.entry((list, &mapping.system)).or_default();
            known.1 += found.values().sum::<u64>();
            known.0.extend(found.into_keys());
        }
    }
    let warnings = unlisted.into_iter().filter(|(_, (texts, _))| !texts.is_empty());
    Ok(warnings.map(|((list, system), (texts, rows))| warning(list, system, texts.len(), rows)).collect())
}

fn warning(list: &str, system: &str, texts: usize, rows: u64) -> Diagnostic {
    Diagnostic {
        code: "BRON-M054",
        severity: Severity::Warning,
        file: format!("codes/{list}.csv"),
        span: 0..0,
        message: format!("{texts} values of `{system}` in {rows} staged rows have no line in the list"),
        label: "not listed".to_owned(),
        help: Some("`bron mapping coverage --project` shows those that are frequent enough".to_owned()),
    }
}

/// The code lists of a mapping's rules, each with the column of the table itself that is looked up.
fn own_codes(mapping: &Mapping) -> BTreeSet<(&str, &str)> {
    let fields = mapping.targets.iter().flat_map(|target| &target.fields).chain(mapping.scope.rules());
    let codes = fields.filter_map(|field| match &field.rule {
        Rule::Codes { list, input, .. } => Some((list.as_str(), own_column(mapping, input)?)),
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => None,
    });
    codes.collect()
}

/// The column of the table itself that an origin names.
pub(super) fn own_column<'o>(mapping: &Mapping, origin: &'o Origin) -> Option<&'o str> {
    let own = origin.parent().is_none() && !origin.name.starts_with('@') && mapping.lookup(origin).is_none();
    own.then_some(origin.name.as_str())
}

impl Chain<'_> {
    /// The texts of a staged column that a list has no line for, each with the rows that have it. A table that is
    /// not staged with this column has none.
    fn unlisted(
        &self,
        set: &MappingSet,
        mapping: &Mapping,
        list: &str,
        column: &str,
    ) -> Result<BTreeMap<String, u64>, Failure> {
        let mut found = BTreeMap::new();
        let dir = table_dir(&self.run.dir, &mapping.system, &mapping.table);
        let manifest = unless_damaged(Manifest::open(&dir, &self.run.vault))?;
        let Some(manifest) = manifest else { return Ok(found) };
        let (Some(codes), Some(_)) = (set.codes.get(list), manifest.schema.index_of(column)) else {
            return Ok(found);
        };
        let of_system = |of: &str| of.is_empty() || of == mapping.system;
        let listed: BTreeSet<&str> =
            codes.entries().filter(|(of, ..)| of_system(of)).map(|(_, code, _)| code).collect();
        for batch in manifest.read(&dir, Some(&[column]), self.settings.batch_rows)? {
            let batch = batch?;
            let Some(cells) = batch.cells_named(column) else { continue };
            for text in (0..batch.rows()).filter_map(|row| cells.text(row)) {
                if !text.is_empty() && !listed.contains(text) {
                    *found.entry(text.to_owned()).or_default() += 1;
                }
            }
        }
        Ok(found)
    }
}
