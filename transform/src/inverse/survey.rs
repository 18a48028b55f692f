//! What can be written back, by the rules alone.

use std::collections::BTreeMap;

use bron_mappings::{Field, FieldRule, FieldType, Lookup, MappingSet, Origin, Rule, Target};

use super::codes::{CodesBack, loss};
use super::writer::{Back, Reference, Writer};
use super::{ColumnWay, FieldWay, Inverter, WayBack};
use crate::functions::{Build, Cell, Settings, find};
use crate::plan::{PlanError, constant};

/// A target as the way back sees it.
pub(super) struct SurveyedTarget<'a> {
    pub(super) target: &'a Target,
    /// Where the texts of its id stand in `src_key`, and its part; `None` when they do not stand there.
    pub(super) id: Option<(Vec<usize>, Option<&'a str>)>,
    /// Fields that are a constant in every row.
    pub(super) constants: Vec<(&'a str, Cell<'static>)>,
    /// Fields that cannot be written, with the reason.
    pub(super) fixed: Vec<(&'a str, String)>,
}

/// Fills the inverter from its mapping.
pub(super) fn survey<'a>(set: &'a MappingSet, inverter: &mut Inverter<'a>) -> Result<(), PlanError> {
    for (at, target) in inverter.mapping.targets.iter().enumerate() {
        let entity = set.model.entity(&target.entity);
        let entity = entity.ok_or_else(|| {
            PlanError::new(inverter.mapping, format!("there is no entity `{}`", target.entity))
        })?;
        let surveyed = SurveyedTarget { target, id: None, constants: Vec::new(), fixed: Vec::new() };
        inverter.targets.push(surveyed);
        for rule in &target.fields {
            let field = entity.field(&rule.field).ok_or_else(|| {
                PlanError::new(inverter.mapping, format!("`{}` has no field `{}`", entity.name, rule.field))
            })?;
            Surveyor { set, inverter, at }.field(rule, field)?;
        }
    }
    inverter.columns = inverter.own_columns().into_iter().map(|column| inverter.column(column)).collect();
    Ok(())
}

struct Surveyor<'s, 'a> {
    set: &'a MappingSet,
    inverter: &'s mut Inverter<'a>,
    at: usize,
}

/// What a rule comes to: what it writes, or why it does not.
type Found<'a> = Result<Vec<(&'a str, Back<'a>, Option<String>)>, String>;

impl<'a> Surveyor<'_, 'a> {
    fn field(&mut self, rule: &'a FieldRule, field: &Field) -> Result<(), PlanError> {
        let unusable = |problem: String| PlanError::new(self.inverter.mapping, problem);
        let default = match &rule.default {
            None => None,
            Some(text) => Some(constant(&field.kind, text).ok_or_else(|| {
                unusable(format!("the default of `{}` is no value of its type", rule.field))
            })?),
        };
        let found: Found<'a> = match &rule.rule {
            Rule::Id { key, part } => {
                self.id(rule, key, part.as_deref());
                return Ok(());
            }
            Rule::Const(text) => return self.constant(rule, field, text),
            Rule::Function { name, inputs, arguments, .. } => {
                self.function(name, inputs, arguments, field).map_err(unusable)?
            }
            Rule::Codes { list, input, date, fallback, .. } => {
                self.codes(list, input, date.as_ref(), fallback.as_deref()).map_err(unusable)?
            }
            Rule::Ref { entity, system, table, key, part, .. } => {
                let system = system.as_ref().unwrap_or(&self.inverter.mapping.system);
                self.reference((entity, system, table), key, part.as_deref())
            }
        };
        self.note(rule, default.as_ref(), found);
        Ok(())
    }

    fn note(&mut self, rule: &'a FieldRule, default: Option<&Cell<'static>>, found: Found<'a>) {
        let target = &mut self.inverter.targets[self.at];
        let mut columns = Vec::new();
        let way = match found {
            Err(reason) => {
                target.fixed.push((&rule.field, reason.clone()));
                WayBack::NotWritable(reason)
            }
            Ok(writes) => {
                let mut lost = Vec::new();
                for (column, back, loss) in writes {
                    let losses = loss.into_iter().chain(losses_of(rule));
                    let loss = losses.collect::<Vec<_>>().join("; ");
                    let loss = (!loss.is_empty()).then_some(loss);
                    lost.extend(loss.clone());
                    columns.push(column.to_owned());
                    let default = default.cloned();
                    self.inverter.writers.push(Writer { target: self.at, rule, column, back, default, loss });
                }
                lost.into_iter().next().map_or(WayBack::Exact, WayBack::Lossy)
            }
        };
        self.way(rule, columns, way);
    }

    fn way(&mut self, rule: &FieldRule, columns: Vec<String>, way: WayBack) {
        let entity = self.inverter.targets[self.at].target.entity.clone();
        let field = rule.field.clone();
        self.inverter.fields.push(FieldWay { target: self.at, entity, field, columns, way });
    }

    /// An id cannot be read backwards, but every row carries the texts of its key.
    fn id(&mut self, rule: &'a FieldRule, key: &'a [Origin], part: Option<&'a str>) {
        let own = &self.inverter.mapping.key;
        let places = key.iter().map(|origin| own.iter().position(|known| known.name == origin.name));
        let places: Option<Vec<usize>> = places.collect();
        let columns = key.iter().map(|origin| origin.name.clone()).collect();
        match places {
            Some(places) => {
                self.inverter.targets[self.at].id = Some((places, part));
                self.way(rule, columns, WayBack::Exact);
            }
            None => {
                let reason = "its texts are not those of `src_key`".to_owned();
                self.way(rule, Vec::new(), WayBack::NotWritable(reason));
            }
        }
    }

    fn constant(&mut self, rule: &'a FieldRule, field: &Field, text: &str) -> Result<(), PlanError> {
        let target = &mut self.inverter.targets[self.at];
        if rule.when.is_empty() {
            let value = constant(&field.kind, text).ok_or_else(|| {
                PlanError::new(
                    self.inverter.mapping,
                    format!("the constant of `{}` is no value of its type", rule.field),
                )
            })?;
            target.constants.push((&rule.field, value));
            self.way(rule, Vec::new(), WayBack::NotWritable("a constant".to_owned()));
        } else {
            let reason = "a constant that follows from a condition".to_owned();
            target.fixed.push((&rule.field, reason.clone()));
            self.way(rule, Vec::new(), WayBack::NotWritable(reason));
        }
        Ok(())
    }

    fn function(
        &self,
        name: &str,
        inputs: &'a [Origin],
        arguments: &'a BTreeMap<String, String>,
        field: &Field,
    ) -> Result<Found<'a>, String> {
        let function = find(name).ok_or_else(|| format!("there is no function `{name}`"))?;
        let Build::Field(build) = function.build else { return Err(format!("`{name}` gives no value")) };
        let Some((input, others)) = inputs.split_first() else {
            return Ok(Err(format!("`{name}` reads no column")));
        };
        let Some(invert) = function.invert else {
            return Ok(Err(format!("`{name}`: {}", function.spec.inverse)));
        };
        if let Some(reason) = self.foreign(input) {
            return Ok(Err(reason));
        }
        if name == "bytes" {
            return Ok(Ok(vec![(&input.name, Back::Bytes, None)]));
        }
        let scale = if let FieldType::Decimal { scale } = field.kind { Some(scale) } else { None };
        let call = build(&Settings { arguments, scale })?;
        Ok(Ok(vec![(&input.name, Back::Function { invert, call, arguments, scale, others }, None)]))
    }

    fn codes(
        &self,
        list: &str,
        input: &'a Origin,
        date: Option<&'a Origin>,
        fallback: Option<&'a str>,
    ) -> Result<Found<'a>, String> {
        let codes = self.set.codes.get(list).ok_or_else(|| format!("there is no code list `{list}`"))?;
        if let Some(reason) = self.foreign(input) {
            return Ok(Err(reason));
        }
        let system = &self.inverter.mapping.system;
        let unknown = fallback.map(|text| format!("`{text}` is also an unknown code"));
        let lost: Vec<String> = loss(codes, system).into_iter().chain(unknown).collect();
        let lost = (!lost.is_empty()).then(|| lost.join("; "));
        let list = CodesBack::new(codes, system)?;
        Ok(Ok(vec![(&input.name, Back::Codes { list, date, fallback }, lost)]))
    }

    fn reference(
        &self,
        (entity, system, table): (&'a str, &'a str, &'a str),
        key: &'a [Origin],
        part: Option<&'a str>,
    ) -> Found<'a> {
        let added: Vec<(usize, &str)> = key
            .iter()
            .enumerate()
            .filter(|(_, origin)| origin.name.starts_with('_'))
            .map(|(at, origin)| (at, origin.name.as_str()))
            .collect();
        let written = |at: &usize| !added.iter().any(|(known, _)| known == at);
        if let Some(reason) = (0..key.len()).filter(written).find_map(|at| self.foreign(&key[at])) {
            return Err(reason);
        }
        let places = self.places((entity, system, table), key.len(), part).ok_or_else(|| {
            format!("the key of {system}/{table} does not stand in the `src_key` of `{entity}`")
        })?;
        let writes = (0..key.len()).filter(written).map(|at| {
            let (places, added) = (places.clone(), added.clone());
            let reference = Reference { entity, system, table, part, places, at, added };
            (key[at].name.as_str(), Back::Ref(reference), None)
        });
        Ok(writes.collect())
    }

    /// Where the texts of a reference to an entity of another table stand in the `src_key` of its rows.
    fn places(
        &self,
        (entity, system, table): (&str, &str, &str),
        texts: usize,
        part: Option<&str>,
    ) -> Option<Vec<usize>> {
        let other = self.set.mapping(system, table)?;
        let ids = other.targets.iter().filter(|target| target.entity == entity).filter_map(|target| {
            target.fields.iter().find_map(|rule| match &rule.rule {
                Rule::Id { key, part: of } if of.as_deref() == part => Some(key),
                Rule::Id { .. }
                | Rule::Ref { .. }
                | Rule::Function { .. }
                | Rule::Codes { .. }
                | Rule::Const(_) => None,
            })
        });
        let id = ids.into_iter().find(|key| key.len() == texts)?;
        id.iter().map(|origin| other.key.iter().position(|known| known.name == origin.name)).collect()
    }

    /// Why an origin is not a column that can be written; `None` when it is one.
    fn foreign(&self, origin: &Origin) -> Option<String> {
        let (name, mapping) = (&origin.name, self.inverter.mapping);
        if name.starts_with('@') {
            Some(format!("`{name}` is no text of the row"))
        } else if origin.parent().is_some() {
            Some(format!("`{name}` is read from another row"))
        } else if let Some(lookup) = mapping.lookup(origin) {
            Some(match &mapping.lookups[lookup] {
                Lookup::Aggregate(_) => format!("`{name}` is made of other rows"),
                Lookup::Code(_) => format!("`{name}` is read from a code list"),
                Lookup::First(_) => format!("`{name}` is the first of several texts"),
            })
        } else {
            name.starts_with('_').then(|| format!("`{name}` was added by the extraction"))
        }
    }
}

/// What the default and the condition of a rule lose.
fn losses_of(rule: &FieldRule) -> Vec<String> {
    let default = rule.default.as_ref().map(|text| format!("an empty text becomes `{text}`"));
    let when = (!rule.when.is_empty()).then(|| "rows outside its condition say nothing of it".to_owned());
    default.into_iter().chain(when).collect()
}

impl Inverter<'_> {
    /// The way back to a column: that of the field that writes it best.
    fn column(&self, column: &str) -> ColumnWay {
        let named = |way| ColumnWay { column: column.to_owned(), way };
        if self.mapping.key.iter().any(|key| key.name == column) {
            return named(WayBack::Exact);
        }
        let mut lossy = None;
        for writer in self.writers.iter().filter(|writer| writer.column == column) {
            let always = self.targets[writer.target].target.when.is_empty();
            match (&writer.loss, always) {
                (None, true) => return named(WayBack::Exact),
                (Some(loss), true) => lossy = Some(loss.clone()),
                (_, false) => lossy = lossy.or_else(|| Some(ONLY_SOME_ROWS.to_owned())),
            }
        }
        named(lossy.map_or_else(|| WayBack::NotWritable(self.why_not(column)), WayBack::Lossy))
    }

    /// Why no field writes a column.
    fn why_not(&self, column: &str) -> String {
        if let Some((reason, _)) = self.mapping.ignored.get(column) {
            return format!("left out: {reason}");
        }
        let reading = self.targets.iter().flat_map(|surveyed| {
            let fields = surveyed.target.fields.iter();
            let reads = |rule: &&FieldRule| rule.origins().iter().any(|origin| origin.name == column);
            let reason = |rule: &FieldRule| {
                let fixed = surveyed.fixed.iter().find(|(field, _)| *field == rule.field);
                fixed.map(|(field, reason)| format!("{}.{field}: {reason}", surveyed.target.entity))
            };
            fields.filter(reads).filter_map(reason)
        });
        reading.into_iter().next().unwrap_or_else(|| "no field is made of it".to_owned())
    }
}

/// What is lost when a column is only written from a target that not every row has.
const ONLY_SOME_ROWS: &str = "only rows for which the target's condition holds have the field";
