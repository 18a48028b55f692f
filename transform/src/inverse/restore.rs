//! What one row of the model says about its source row, field by field.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{
    Batch, BatchSchema, EntityId, FieldRule, Mapping, Restored, RestoredField, RestoredForm, Rule, TextForm,
    Value,
};

use super::writer::{Back, Scene, Writer};
use super::{EntityRow, Inverter, SourceText, SourceTexts, borrowed};
use crate::functions::Cell;

/// The fields of a row that [`Writer`]s read beside the value, and that tell of which target the row is.
const BESIDE: [&str; 5] = ["id", "src_key", "verbatim", "verksamhetsomrade", "namnd"];

/// Says of rows of the model what each of their fields tells about the source row.
///
/// Unlike [`Inverter::put`] it decides nothing between fields and knows no row as it was: every field speaks for
/// itself, so that each can be held against the source row. Of that row only the texts are read by which another
/// column is understood, such as the day of a code.
pub struct Restorer<'i, 'a> {
    inverter: &'i Inverter<'a>,
    speakers: Vec<Speaker<'i, 'a>>,
    fields: Vec<RestoredField>,
}

/// A field that tells something.
struct Speaker<'i, 'a> {
    target: usize,
    field: &'a str,
    /// How a text is told; without one it is the record that an id names.
    writer: Option<&'i Writer<'a>>,
    /// Whether rows exist of which the field says nothing.
    only_some: bool,
}

impl<'i, 'a> Restorer<'i, 'a> {
    /// Finds the fields that tell something.
    #[must_use]
    pub fn new(inverter: &'i Inverter<'a>) -> Self {
        let mut restorer = Self { inverter, speakers: Vec::new(), fields: Vec::new() };
        let mapping = inverter.mapping;
        for (at, target) in mapping.targets.iter().enumerate() {
            for rule in &target.fields {
                let found = match &rule.rule {
                    Rule::Id { key, part } => {
                        let names = (&target.entity, &mapping.system, &mapping.table);
                        record(mapping, names, key, part.as_deref()).map(|found| (None, found))
                    }
                    Rule::Ref { entity, system, table, key, part, .. } => {
                        let names = (entity, system.as_ref().unwrap_or(&mapping.system), table);
                        record(mapping, names, key, part.as_deref()).map(|found| (None, found))
                    }
                    Rule::Function { .. } | Rule::Codes { .. } => {
                        let mut writers = inverter.writers.iter();
                        let writer = writers.find(|one| one.target == at && one.rule.field == rule.field);
                        writer
                            .filter(|writer| is_understood(mapping, writer))
                            .map(|writer| (Some(writer), (vec![writer.column.to_owned()], form_of(writer))))
                    }
                    Rule::Const(_) => None,
                };
                let Some((writer, (columns, form))) = found else { continue };
                let only_some = !rule.when.is_empty();
                restorer.speakers.push(Speaker { target: at, field: &rule.field, writer, only_some });
                let (entity, field) = (target.entity.clone(), rule.field.clone());
                restorer.fields.push(RestoredField { entity, field, columns, form });
            }
        }
        restorer
    }

    /// The fields that tell something; [`Restorer::row`] names them by their place here.
    #[must_use]
    pub fn fields(&self) -> &[RestoredField] {
        &self.fields
    }

    /// The columns that no field tells anything about, each with the reason in Swedish.
    #[must_use]
    pub fn untold(&self) -> BTreeMap<String, String> {
        let told: BTreeSet<&str> =
            self.fields.iter().flat_map(|field| &field.columns).map(String::as_str).collect();
        let columns = self.inverter.own_columns().into_iter().filter(|column| !told.contains(column));
        columns.map(|column| (column.to_owned(), self.why_untold(column))).collect()
    }

    fn why_untold(&self, column: &str) -> String {
        let mapping = self.inverter.mapping;
        if let Some((reason, _)) = mapping.ignored.get(column) {
            return format!("kolumnen lämnas utanför flytten: {reason}");
        }
        let rules: Vec<&FieldRule> = mapping.targets.iter().flat_map(|target| &target.fields).collect();
        let made = rules.iter().find_map(|rule| match &rule.rule {
            Rule::Function { name, inputs, .. } => {
                (inputs.first()?.name == column).then_some((&rule.field, name))
            }
            Rule::Codes { .. } | Rule::Const(_) | Rule::Id { .. } | Rule::Ref { .. } => None,
        });
        if let Some((field, function)) = made {
            return format!("uppgiften {field} görs med {function}, som inte behåller källans text");
        }
        let reads = |rule: &&&FieldRule| rule.origins().iter().any(|origin| origin.name == column);
        rules.iter().find(reads).map_or_else(
            || "ingen uppgift i målet görs av kolumnen".to_owned(),
            |rule| format!("kolumnen läses bara till stöd för uppgiften {}", rule.field),
        )
    }

    /// The columns of the source row by which others are understood; their texts go to [`Restorer::row`].
    #[must_use]
    pub fn context(&self) -> BTreeSet<&str> {
        self.speakers.iter().filter_map(|one| one.writer).flat_map(Writer::reads).collect()
    }

    /// The fields of an entity that have to be read.
    #[must_use]
    pub fn reads(&self, entity: &str) -> BTreeSet<&str> {
        let of_entity = self.fields.iter().filter(|field| field.entity == entity);
        of_entity.map(|field| field.field.as_str()).chain(BESIDE).collect()
    }

    /// Makes ready to ask rows of the entity that come in batches of this schema. A field that they do not carry says
    /// nothing.
    #[must_use]
    pub fn rows_of(&self, entity: &str, schema: &BatchSchema) -> RowRestorer {
        let of_entity = self.fields.iter().enumerate().filter(|(_, field)| field.entity == entity);
        let places = of_entity.filter_map(|(at, field)| Some((at, schema.index_of(&field.field)?)));
        let beside = BESIDE.map(|name| Some((name, schema.index_of(name)?)));
        RowRestorer { entity: entity.to_owned(), places: places.collect(), beside }
    }

    /// What the fields of a row say, each with its place among [`Restorer::fields`]; nothing for a row that no target
    /// of the mapping makes. `texts` are those of [`Restorer::context`].
    #[must_use]
    pub fn row(
        &self,
        of: &RowRestorer,
        batch: &Batch,
        row: usize,
        texts: &SourceTexts,
    ) -> Vec<(usize, Restored)> {
        let inverter = self.inverter;
        let known = EntityRow { entity: of.entity.clone(), fields: of.known(batch, row) };
        let Some(target) = inverter.target_of(&known) else { return Vec::new() };
        let verbatim: BTreeMap<String, String> = match known.text("verbatim") {
            "" => BTreeMap::new(),
            kept => serde_json::from_str(kept).unwrap_or_default(),
        };
        let keys = |_: &str, _: [u8; 16]| None;
        let scene =
            Scene { secret: &inverter.secret, keys: &keys, decided: BTreeMap::new(), kept: Some(texts) };
        let of_target = of.places.iter().filter(|(at, _)| self.speakers[*at].target == target);
        let said = of_target.map(|(at, column)| {
            let speaker = &self.speakers[*at];
            let value = batch.cells(*column).value(row);
            let kept = verbatim.get(speaker.field).map(String::as_str);
            (*at, speaker.says(value, kept, &known, &scene))
        });
        said.collect()
    }
}

/// Where the rows of an entity have what they are asked for.
pub struct RowRestorer {
    entity: String,
    /// The fields that tell something, each with its column.
    places: Vec<(usize, usize)>,
    beside: [Option<(&'static str, usize)>; BESIDE.len()],
}

impl RowRestorer {
    fn known(&self, batch: &Batch, row: usize) -> BTreeMap<String, Cell<'static>> {
        let there = self.beside.iter().flatten().filter_map(|(name, column)| {
            Some(((*name).to_owned(), super::owned(batch.cells(*column).value(row)?)))
        });
        there.collect()
    }
}

impl Speaker<'_, '_> {
    fn says(
        &self,
        value: Option<Value<'_>>,
        kept: Option<&str>,
        row: &EntityRow,
        scene: &Scene<'_>,
    ) -> Restored {
        match (self.writer, value) {
            (None, None) if self.only_some => Restored::Untold,
            (None, None) => Restored::Empty,
            (None, Some(Value::Id(id))) => Restored::Record(EntityId::from_bytes(id)),
            (None, Some(_)) => Restored::Impossible,
            (Some(writer), value) => says(writer, value.map(borrowed).as_ref(), kept, row, scene),
        }
    }
}

/// What the value of a field says about its column.
fn says(
    writer: &Writer<'_>,
    value: Option<&Cell<'_>>,
    kept: Option<&str>,
    row: &EntityRow,
    scene: &Scene<'_>,
) -> Restored {
    if let Some(kept) = kept {
        let text = SourceText::Text(kept.to_owned());
        if writer.accepts(Some(&text), value, row, scene) {
            return Restored::Kept(kept.to_owned());
        }
    }
    let Some(value) = value else {
        // A text that is kept and does not read as nothing says that there was a value.
        return match (kept, &writer.loss, &writer.default) {
            (Some(_), _, _) => Restored::Impossible,
            (None, None, None) => Restored::Empty,
            (None, _, _) => Restored::Untold,
        };
    };
    if let (Back::Bytes, Cell::Bytes(bytes)) = (&writer.back, value) {
        return Restored::Bytes(bytes.to_vec());
    }
    let or_empty = writer.default.as_ref() == Some(value);
    let (texts, _) = writer.texts(value, row, scene);
    let texts: Vec<String> = texts.into_iter().filter_map(plain).collect();
    match &writer.back {
        _ if !texts.is_empty() || or_empty => Restored::OneOf { texts, or_empty },
        // Some values, as those of the hour that comes twice, are read and not written.
        Back::Function { .. } if kept.is_none() => Restored::Untold,
        Back::Function { .. } | Back::Codes { .. } | Back::Bytes | Back::Ref(_) => Restored::Impossible,
    }
}

fn plain(text: SourceText) -> Option<String> {
    match text {
        SourceText::Text(text) => Some(text),
        SourceText::Bytes(_) => None,
    }
}

/// The columns and the form of an id, when all its texts stand in the row itself.
fn record(
    mapping: &Mapping,
    (entity, system, table): (&String, &String, &String),
    key: &[bron_mappings::Origin],
    part: Option<&str>,
) -> Option<(Vec<String>, RestoredForm)> {
    let own = |origin: &bron_mappings::Origin| is_own(mapping, &origin.name);
    key.iter().all(own).then(|| {
        let form = RestoredForm::Record {
            entity: entity.clone(),
            system: system.clone(),
            table: table.clone(),
            part: part.map(str::to_owned),
        };
        (key.iter().map(|origin| origin.name.clone()).collect(), form)
    })
}

/// Whether a text by this name stands in the row itself.
fn is_own(mapping: &Mapping, name: &str) -> bool {
    let is_lookup = mapping.lookups.iter().any(|lookup| lookup.name() == name);
    !name.starts_with('@') && !name.contains('.') && !is_lookup
}

/// Whether everything by which the column is understood stands in the row itself.
fn is_understood(mapping: &Mapping, writer: &Writer<'_>) -> bool {
    writer.reads().into_iter().all(|name| is_own(mapping, name))
}

fn form_of(writer: &Writer<'_>) -> RestoredForm {
    match (&writer.back, &writer.rule.rule) {
        (Back::Bytes, _) => RestoredForm::Bytes,
        (Back::Function { .. }, Rule::Function { name, .. }) => RestoredForm::Text(text_form(name)),
        (Back::Function { .. } | Back::Codes { .. } | Back::Ref(_), _) => RestoredForm::Text(TextForm::Text),
    }
}

/// What the function with this name loses of a text.
fn text_form(function: &str) -> TextForm {
    match function {
        "text" => TextForm::Copy,
        "int" | "minutes" | "decimal" | "measurement" => TextForm::Number,
        "ore" => TextForm::Amount,
        "date" | "open_end_date" => TextForm::Day,
        "month" => TextForm::Month,
        "time" | "open_end_time" | "utc_time" => TextForm::Moment,
        "identifier_value" => TextForm::Identifier,
        _ => TextForm::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{SECRET, only, run, set_with, table};
    use crate::functions::registry;

    const CODES: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
        s,A,alfa,,equal,,,approved,x,\ns,B,alfa,,wider,,,approved,x,\ns,C,gamma,,equal,,,approved,x,\n";

    fn said(columns: &str, row: &str, fields: &str, asked: &str) -> Restored {
        let target =
            format!("[[target]]\nentity = \"rad\"\n[target.fields]\nid = {{ id = [\"ID\"] }}\n{fields}\n");
        let set = set_with(&target, &[("codes/typ.csv", CODES)]);
        let inverter = Inverter::new(&set, only(&set), &SECRET).unwrap();
        let restorer = Restorer::new(&inverter);
        let source = table(columns, &[row]);
        let texts = source.schema().columns().iter().enumerate().filter_map(|(at, column)| {
            Some((column.name.clone(), SourceText::Text(source.cells(at).text(0)?.to_owned())))
        });
        let done = run(&set, &source, &[]);
        let (_, rows) = done.entities.iter().find(|(name, _)| name == "rad").unwrap();
        let said = restorer.row(&restorer.rows_of("rad", rows.schema()), rows, 0, &texts.collect());
        let asked = restorer.fields().iter().position(|field| field.field == asked).unwrap();
        said.into_iter().find(|(at, _)| *at == asked).unwrap().1
    }

    fn one(text: &str) -> Restored {
        Restored::OneOf { texts: vec![text.to_owned()], or_empty: false }
    }

    #[test]
    fn every_field_speaks_for_itself() {
        for (row, field, asked, expected) in [
            ("1|12", "tal = { from = \"A\", fn = \"int\" }", "tal", one("12")),
            ("1|007", "tal = { from = \"A\", fn = \"int\" }", "tal", one("7")),
            ("1|", "tal = { from = \"A\", fn = \"int\" }", "tal", Restored::Empty),
            ("1|fem", "tal = { from = \"A\", fn = \"int\" }", "tal", Restored::Kept("fem".to_owned())),
            ("1|C", "kod = { from = \"A\", codes = \"typ\" }", "kod", one("C")),
            ("1|Å ", "text = { from = \"A\" }", "text", one("Å ")),
        ] {
            let found = said("ID A", row, field, asked);
            assert_eq!(found, expected, "{row} {field}");
        }
        let several = Restored::OneOf { texts: vec!["A".to_owned(), "B".to_owned()], or_empty: false };
        assert_eq!(said("ID A", "1|B", "kod = { from = \"A\", codes = \"typ\" }", "kod"), several);
        let standing_in = Restored::OneOf { texts: vec!["0".to_owned()], or_empty: true };
        let default = "tal = { from = \"A\", fn = \"int\", default = \"0\" }";
        assert_eq!(said("ID A", "1|", default, "tal"), standing_in);
    }

    #[test]
    fn an_id_names_the_record_of_its_key() {
        let found = said("ID A", "7|x", "text = { from = \"A\" }", "id");
        let key = bron_mappings::SourceKey::new("s", "T", [Some("7")]);
        assert_eq!(found, Restored::Record(EntityId::derive(&SECRET, "rad", &key)));
    }

    #[test]
    fn every_function_that_is_written_has_a_form_and_no_form_a_stranger() {
        let exact = ["bool", "bytes", "kommunkod", "lagrum", "name", "text"];
        for function in registry().iter().filter(|function| function.invert.is_some()) {
            let name = function.spec.name;
            let lossless = matches!(text_form(name), TextForm::Copy | TextForm::Text);
            assert_eq!(lossless, exact.contains(&name), "{name} needs a form of its own");
        }
    }

    #[test]
    fn every_shipped_mapping_tells_its_key_and_says_why_it_does_not_tell_the_rest() {
        let (set, _) = crate::fixture::shipped();
        for mapping in &set.mappings {
            let inverter = Inverter::new(&set, mapping, &SECRET).unwrap();
            let restorer = Restorer::new(&inverter);
            let told: BTreeSet<&String> = restorer.fields().iter().flat_map(|field| &field.columns).collect();
            assert!(mapping.key.iter().all(|key| told.contains(&key.name)), "{}", mapping.id);
            assert!(restorer.untold().values().all(|reason| !reason.is_empty()), "{}", mapping.id);
        }
    }
}
