//! Drawn rows of the target beside the staged rows that they were made from, in the two forms in which they can be
//! shown.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::quarantine::mask_of;
use bron_load::{IdRange, Sink};
use bron_mappings::{
    Batch, Entity, EntityId, FEWEST_SHOWN, Field, FieldRule, FieldType, Mapping, Model, Origin,
    ProtectionClass, Rule, Sensitive, Value, may_name_a_person,
};
use bron_reconcile::sample::{Case, CaseField, CaseValue, Drawn, Mask};

use super::areas::{Candidate, day};
use crate::chain::quarantine::{key_text, texts};
use crate::chain::{Chain, StagedTables};
use crate::failure::Failure;

/// A column with more texts than these holds no codes.
const MOST_CODES: usize = 10_000;
/// What is said of a value that stands in another row than the one that is shown.
const ELSEWHERE: &str = "läses i en annan tabell";
/// A longer text is no code.
const LONGEST_CODE: usize = 32;

/// The staged rows of one table that cases are made from.
#[derive(Default)]
struct SourceRows {
    /// The columns of each row, by key.
    rows: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// The codes that so many rows have that they name nobody, by column.
    codes: BTreeMap<String, BTreeSet<String>>,
}

impl Chain<'_> {
    /// The cases of drawn rows; one whose row is gone from the target since it was drawn is left out.
    pub(super) fn cases(
        &self,
        drawn: &[Drawn<Candidate>],
        sink: &mut dyn Sink,
        staged: &StagedTables,
    ) -> Result<Vec<Case>, Failure> {
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for Drawn { row, .. } in drawn {
            wanted.entry((&row.system, &row.table)).or_default().insert(&row.key);
        }
        let mut sources = BTreeMap::new();
        for ((system, table), keys) in wanted {
            self.go_on()?;
            let Some(mapping) = self.set.mapping(system, table) else { continue };
            sources.insert((system, table), self.drawn_rows(mapping, &keys, staged)?);
        }
        let mut cases = Vec::new();
        for Drawn { stratum, row } in drawn {
            let place = (row.system.as_str(), row.table.as_str());
            let known = self.set.mapping(place.0, place.1).zip(self.set.model.entity(&row.entity));
            let Some(((mapping, entity), source)) = known.zip(sources.get(&place)) else { continue };
            let Some(found) = self.target_row(entity, row.id, sink)? else { continue };
            cases.push(Case {
                stratum: stratum.clone(),
                system: row.system.clone(),
                table: row.table.clone(),
                key: self.shown_key(mapping, &row.key),
                mapping: mapping.id.clone(),
                fields: fields(mapping, entity, &found, (source, &row.key)),
            });
        }
        Ok(cases)
    }

    fn drawn_rows(
        &self,
        mapping: &Mapping,
        keys: &BTreeSet<&str>,
        staged: &StagedTables,
    ) -> Result<SourceRows, Failure> {
        let table = &staged[&(mapping.system.clone(), mapping.table.clone())];
        let mut found = SourceRows::default();
        let columns = code_columns(mapping, &self.set.model).into_iter();
        let mut counts: BTreeMap<&str, BTreeMap<String, u64>> =
            columns.map(|column| (column, BTreeMap::new())).collect();
        for batch in table.manifest.read(&table.dir, None, self.settings.batch_rows)? {
            self.go_on()?;
            let batch = batch?;
            counts.iter_mut().for_each(|(column, counts)| count_codes(&batch, column, counts));
            for row in 0..batch.rows() {
                let key = key_text(mapping, &batch, row);
                if keys.contains(key.as_str()) {
                    found.rows.entry(key).or_insert_with(|| texts(&batch, row).into_iter().collect());
                }
            }
        }
        found.codes = counts
            .into_iter()
            .map(|(column, counts)| {
                let common =
                    counts.into_iter().filter(|(_, rows)| *rows >= FEWEST_SHOWN).map(|(code, _)| code);
                (column.to_owned(), common.collect())
            })
            .collect();
        Ok(found)
    }

    /// A row of the target as texts by field; `None` when it is not there.
    fn target_row(
        &self,
        entity: &Entity,
        id: EntityId,
        sink: &mut dyn Sink,
    ) -> Result<Option<BTreeMap<String, Option<String>>>, Failure> {
        let after = u128::from_be_bytes(*id.as_bytes()).checked_add(1);
        let to = after.map(|after| EntityId::from_bytes(after.to_be_bytes()));
        for batch in sink.read(entity, Some(IdRange { from: Some(id), to }))? {
            let batch = batch?;
            if batch.rows() > 0 {
                let fields = entity.fields.iter();
                return Ok(Some(fields.map(|field| (field.name.clone(), shown(&batch, field))).collect()));
            }
        }
        Ok(None)
    }
}

/// The fields that the mapping gives, except ids and references: whether a row refers to the right one is for the
/// program to say.
fn fields(
    mapping: &Mapping,
    entity: &Entity,
    target: &BTreeMap<String, Option<String>>,
    (source, key): (&SourceRows, &str),
) -> Vec<CaseField> {
    let target_of = mapping.targets.iter().find(|target| target.entity == entity.name);
    let rules: Vec<&FieldRule> = target_of.iter().flat_map(|target| &target.fields).collect();
    let row = source.rows.get(key);
    let shown = entity.fields.iter().filter_map(|field| {
        let rule = rules.iter().find(|rule| rule.field == field.name)?;
        let is_value = !matches!(field.kind, FieldType::Id | FieldType::Ref { .. } | FieldType::Bytes);
        let new = target.get(&field.name).and_then(Option::as_deref);
        is_value.then(|| case_field(field, rule, new, (source, row)))
    });
    shown.collect()
}

fn case_field(
    field: &Field,
    rule: &FieldRule,
    new: Option<&str>,
    (source, row): (&SourceRows, Option<&BTreeMap<String, Option<String>>>),
) -> CaseField {
    let mut is_open = field.protection == ProtectionClass::Open && matches!(field.kind, FieldType::Code);
    let old = read_by(rule).into_iter().map(|origin| {
        let own = row.and_then(|row| row.get(&origin.name)).filter(|_| origin.parent().is_none());
        let Some(text) = own else {
            is_open = false;
            let clear = Sensitive::new(ELSEWHERE.to_owned());
            let mask = Mask::Made { of: ELSEWHERE, length: None };
            return (origin.name.clone(), CaseValue { clear, mask });
        };
        let common = source.codes.get(&origin.name);
        let is_code = text.as_ref().is_none_or(|text| common.is_some_and(|common| common.contains(text)));
        is_open &= is_code;
        (origin.name.clone(), value(text.as_deref(), is_code))
    });
    let old = old.collect();
    CaseField { label: field.label.clone(), rule: told(&rule.rule), old, new: value(new, is_open) }
}

fn value(text: Option<&str>, is_open: bool) -> CaseValue {
    let clear = Sensitive::new(text.unwrap_or("saknas").to_owned());
    CaseValue { clear, mask: if is_open { Mask::Open } else { masked(text) } }
}

/// What a value is made of.
fn masked(text: Option<&str>) -> Mask {
    let mask = mask_of(&[(String::new(), text.map(str::to_owned))]);
    let (class, length) = mask.first().map_or(("text", 0), |mask| (mask.class.as_str(), mask.length));
    let of = match class {
        "missing" => "saknas",
        "empty" => "tomt",
        "digits" => "siffror",
        "number" => "tal",
        "letters" => "bokstäver",
        "date" => "datum eller tid",
        "lines" => "text på flera rader",
        _ => "text",
    };
    Mask::Made { of, length: (length > 0).then_some(length) }
}

/// What a rule does, in a few Swedish words.
fn told(rule: &Rule) -> String {
    match rule {
        Rule::Function { name, .. } => format!("funktionen {name}"),
        Rule::Codes { list, .. } => format!("kodlistan {list}"),
        Rule::Const(_) => "samma för alla rader".to_owned(),
        Rule::Id { .. } | Rule::Ref { .. } => String::new(),
    }
}

/// What a rule reads, each once. What it asks before it is used is in the mapping.
fn read_by(rule: &FieldRule) -> Vec<&Origin> {
    match &rule.rule {
        Rule::Function { inputs, .. } => inputs.iter().collect(),
        Rule::Codes { input, date, .. } => std::iter::once(input).chain(date).collect(),
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Const(_) => Vec::new(),
    }
}

/// The columns of the table that hold codes and nothing about a person: some rule looks them up in a list for an open
/// field, none uses them for a field that is not open, and neither a key nor a person is found by them.
fn code_columns<'m>(mapping: &'m Mapping, model: &Model) -> BTreeSet<&'m str> {
    let rules = || mapping.targets.iter().flat_map(|target| &target.fields);
    let is_open = |entity: &str, rule: &FieldRule| {
        let field = model.entity(entity).and_then(|entity| entity.field(&rule.field));
        field.is_some_and(|field| field.protection == ProtectionClass::Open)
    };
    let closed = mapping.targets.iter().flat_map(|target| {
        target.fields.iter().filter(|rule| !is_open(&target.entity, rule)).flat_map(FieldRule::origins)
    });
    let looked_up = rules().filter_map(|rule| match &rule.rule {
        Rule::Codes { input, .. } if input.parent().is_none() => Some(input.name.as_str()),
        Rule::Codes { .. } | Rule::Function { .. } | Rule::Id { .. } | Rule::Ref { .. } | Rule::Const(_) => {
            None
        }
    });
    let named = mapping.person.iter().flat_map(bron_mappings::PersonRule::origins).chain(&mapping.key);
    let named: BTreeSet<&str> = named.chain(closed).map(|origin| origin.name.as_str()).collect();
    looked_up.filter(|column| !named.contains(column)).collect()
}

fn count_codes(batch: &Batch, column: &str, counts: &mut BTreeMap<String, u64>) {
    let Some(cells) = batch.cells_named(column) else { return };
    for text in (0..batch.rows()).filter_map(|row| cells.text(row)) {
        if let Some(count) = counts.get_mut(text) {
            *count += 1;
        } else if counts.len() < MOST_CODES
            && text.chars().count() <= LONGEST_CODE
            && !may_name_a_person(text)
        {
            counts.insert(text.to_owned(), 1);
        }
    }
}

/// A value of the target as people write it.
fn shown(batch: &Batch, field: &Field) -> Option<String> {
    const SECOND: i64 = 1_000_000;
    let value = batch.cells_named(&field.name)?.value(batch.rows() - 1)?;
    Some(match value {
        Value::Text(text) => text.to_owned(),
        Value::Bool(truth) => if truth { "ja" } else { "nej" }.to_owned(),
        Value::Int(number) if field.kind == FieldType::Ore => {
            let sign = if number < 0 { "-" } else { "" };
            format!("{sign}{},{:02} kr", number.unsigned_abs() / 100, number.unsigned_abs() % 100)
        }
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => decimal(number, &field.kind),
        Value::Date(days) => day(days.into())?.to_string(),
        Value::Time(moment) => {
            let (days, rest) = (moment.div_euclid(86_400 * SECOND), moment.rem_euclid(86_400 * SECOND));
            let (seconds, fraction) = (rest / SECOND, rest % SECOND);
            let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
            format!("{} {clock}{fraction}", day(days)?)
        }
        Value::Id(_) | Value::Bytes(_) => return None,
    })
}

fn decimal(number: i128, kind: &FieldType) -> String {
    let scale = match kind {
        FieldType::Decimal { scale } => usize::try_from(*scale).unwrap_or_default(),
        FieldType::Id
        | FieldType::Ref { .. }
        | FieldType::Text
        | FieldType::Code
        | FieldType::Date
        | FieldType::Time
        | FieldType::Int
        | FieldType::Ore
        | FieldType::Minutes
        | FieldType::Bool
        | FieldType::Bytes => 0,
    };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole},{fraction}") }
}

#[cfg(test)]
mod tests {
    use bron_reconcile::sample::LONGEST_TOLD;

    use super::*;

    #[test]
    fn a_mask_says_what_a_value_is_made_of_and_no_more() {
        assert_eq!(masked(None), Mask::Made { of: "saknas", length: None });
        assert_eq!(masked(Some("")), Mask::Made { of: "tomt", length: None });
        assert_eq!(masked(Some("2016-03-01")), Mask::Made { of: "datum eller tid", length: Some(10) });
        let long = "Hon bor ".repeat(30);
        assert_eq!(masked(Some(&long)), Mask::Made { of: "text", length: Some(LONGEST_TOLD) });
        assert_eq!(value(Some("EBLF"), true).mask, Mask::Open);
    }

    #[test]
    fn decimals_have_a_comma() {
        let kind = FieldType::Decimal { scale: 2 };
        assert_eq!(decimal(-5, &kind), "-0,05");
        assert_eq!(decimal(12_345, &kind), "123,45");
        assert_eq!(decimal(7, &FieldType::Int), "7");
    }
}
