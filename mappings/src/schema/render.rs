//! JSON Schema from the keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::rules::RULE;
use super::{Case, Form, Key, Others, Section, Shape, Vocabulary, Words};
use crate::function::{FunctionKind, FunctionSpec};
use crate::model::Entity;
use crate::owner::Owner;
use crate::reject::ReasonCode;

/// Text with something in it.
const NOT_BLANK: &str = "\\S";

/// The schema of a kind of file whose root is `root`. Sections become definitions by name; the same keys and
/// the same vocabulary give the same document.
#[must_use]
pub fn json_schema(root: &'static Section, vocabulary: &Vocabulary<'_>) -> Value {
    let mut render = Render { vocabulary, definitions: BTreeMap::new() };
    let mut schema = render.section(root);
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(format!("Paraplybron: {}", root.name)));
    let definitions: Map<String, Value> = render
        .definitions
        .into_iter()
        .map(|(name, section)| (name.to_owned(), Value::Object(section)))
        .collect();
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

struct Render<'v> {
    vocabulary: &'v Vocabulary<'v>,
    definitions: BTreeMap<&'static str, Map<String, Value>>,
}

impl Render<'_> {
    fn section(&mut self, section: &'static Section) -> Map<String, Value> {
        let mut properties = Map::new();
        for key in section.keys {
            let value = self.key(key);
            properties.insert(key.name.to_owned(), value);
        }
        let others = self.others(section, &mut properties);
        let required: Vec<&str> =
            section.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
        let mut object = Map::new();
        object.insert("type".to_owned(), json!("object"));
        object.insert("description".to_owned(), json!(section.about));
        object.insert("properties".to_owned(), Value::Object(properties));
        object.insert("additionalProperties".to_owned(), others);
        if !required.is_empty() {
            object.insert("required".to_owned(), json!(required));
        }
        if !section.forms.is_empty() {
            object.insert("anyOf".to_owned(), forms(section.forms));
        }
        let more: Vec<Value> = section
            .cases
            .iter()
            .map(case)
            .chain(self.arguments(section))
            .chain(self.fields_of(section))
            .collect();
        if !more.is_empty() {
            object.insert("allOf".to_owned(), Value::Array(more));
        }
        object
    }

    /// A reference to a section, which becomes a definition.
    fn reference(&mut self, section: &'static Section) -> Value {
        if !self.definitions.contains_key(section.name) {
            self.definitions.insert(section.name, Map::new());
            let object = self.section(section);
            self.definitions.insert(section.name, object);
        }
        json!({ "$ref": format!("#/$defs/{}", section.name) })
    }

    fn key(&mut self, key: &Key) -> Value {
        let mut value = self.shape(key.shape, key.required);
        let about = json!(key.about);
        let object = value.as_object_mut().expect("a shape is an object");
        let hint = object.entry("x-taplo").or_insert_with(|| json!({ "docs": {} }));
        hint["docs"]["main"] = about.clone();
        object.insert("description".to_owned(), about);
        value
    }

    fn shape(&mut self, shape: Shape, required: bool) -> Value {
        let least = usize::from(required);
        match shape {
            Shape::Format => json!({ "type": "integer", "const": 1 }),
            Shape::Text if required => json!({ "type": "string", "pattern": NOT_BLANK }),
            Shape::Text => json!({ "type": "string" }),
            Shape::Character => json!({ "type": "string", "pattern": "^[\\x00-\\x7f]$" }),
            Shape::Day => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
            Shape::Whole(first, last) => json!({ "type": "integer", "minimum": first, "maximum": last }),
            Shape::Truth => json!({ "type": "boolean" }),
            Shape::Texts => one_or_more(&json!({ "type": "string" }), least),
            Shape::List => json!({ "type": "array", "items": { "type": "string" }, "minItems": least }),
            Shape::Scalar => scalar(),
            Shape::Word(words) => self.word(words),
            Shape::Words(words) => one_or_more(&self.word(words), least),
            Shape::Table(section) => self.reference(section),
            Shape::Tables(section) => one_or_more(&self.reference(section), 0),
            Shape::ListOf(section) => json!({ "type": "array", "items": self.reference(section) }),
        }
    }

    fn word(&self, words: Words) -> Value {
        let known = self.words(words);
        if known.is_empty() {
            return json!({ "type": "string", "pattern": NOT_BLANK });
        }
        let (words, meanings): (Vec<String>, Vec<String>) = known.into_iter().unzip();
        json!({ "type": "string", "enum": words, "x-taplo": { "docs": { "enumValues": meanings } } })
    }

    /// The words of a vocabulary with their meanings; none when it is open.
    fn words(&self, words: Words) -> Vec<(String, String)> {
        let pair = |word: &str, about: &str| (word.to_owned(), about.to_owned());
        let functions = |check: bool| {
            let wanted = move |spec: &&FunctionSpec| (spec.kind == FunctionKind::Check) == check;
            self.vocabulary.functions.iter().filter(wanted).map(|spec| (spec.name.to_owned(), function(spec)))
        };
        let set = self.vocabulary.set;
        match words {
            Words::Fixed(words) => words.iter().map(|(word, about)| pair(word, about)).collect(),
            Words::Reasons => {
                ReasonCode::ALL.iter().map(|reason| pair(reason.code(), reason.label())).collect()
            }
            Words::Owners => Owner::ALL.iter().map(|owner| pair(owner.code(), owner.label())).collect(),
            Words::Functions => functions(false).collect(),
            Words::Checks => functions(true).collect(),
            Words::Entities => {
                let entities = set.into_iter().flat_map(|set| set.model.entities.values());
                entities.map(|entity| (entity.name.clone(), label(entity))).collect()
            }
            Words::Lists => {
                let lists = set.into_iter().flat_map(|set| set.codes.values());
                lists.map(|list| (list.name.clone(), format!("{} lines", list.entries().count()))).collect()
            }
            Words::Retention => {
                let rules = set.into_iter().flat_map(|set| &set.retention.rules);
                let label = |name: &String, label: Option<&str>| pair(name, label.unwrap_or_default());
                rules
                    .map(|(name, versions)| label(name, versions.last().map(|rule| rule.label.as_str())))
                    .collect()
            }
        }
    }

    /// What stands under keys without fixed names; names that are known are added to the properties.
    fn others(&mut self, section: &'static Section, properties: &mut Map<String, Value>) -> Value {
        match section.others {
            Others::None => json!(false),
            Others::Scalars => scalar(),
            Others::Counts => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            Others::Rules => self.reference(&RULE),
            Others::Rows => {
                let rows = one_or_more(&json!({ "type": "object", "additionalProperties": scalar() }), 0);
                let Some(set) = self.vocabulary.set else { return rows };
                for entity in set.model.entities.values() {
                    let mut rows = rows.clone();
                    rows["description"] = json!(label(entity));
                    properties.insert(entity.name.clone(), rows);
                }
                json!(false)
            }
        }
    }

    /// The arguments that each function takes, for a section that names one.
    fn arguments(&self, section: &Section) -> Vec<Value> {
        let Some(check) = section.key("fn").map(|key| matches!(key.shape, Shape::Word(Words::Checks))) else {
            return Vec::new();
        };
        let of_kind =
            self.vocabulary.functions.iter().filter(|spec| (spec.kind == FunctionKind::Check) == check);
        let (without, with): (Vec<&FunctionSpec>, Vec<_>) =
            of_kind.partition(|spec| spec.arguments.is_empty());
        let names: Vec<&str> = without.iter().map(|spec| spec.name).collect();
        let none = json!({
            "if": { "properties": { "fn": { "enum": names } }, "required": ["fn"] },
            "then": { "properties": { "with": { "maxProperties": 0 } } },
        });
        let each = with.into_iter().map(|spec| {
            let arguments: Map<String, Value> = spec
                .arguments
                .iter()
                .map(|name| ((*name).to_owned(), described(scalar(), &function(spec))))
                .collect();
            json!({
                "if": { "properties": { "fn": { "const": spec.name } }, "required": ["fn"] },
                "then": { "properties": { "with": { "properties": arguments, "additionalProperties": false } } },
            })
        });
        std::iter::once(none).chain(each).collect()
    }

    /// The fields that each entity has, for a section that names an entity and rules.
    fn fields_of(&mut self, section: &Section) -> Vec<Value> {
        let rules = section
            .keys
            .iter()
            .any(|key| key.shape.section().is_some_and(|section| section.others == Others::Rules));
        let Some(set) = self.vocabulary.set.filter(|_| rules) else { return Vec::new() };
        let rule = self.reference(&RULE);
        let shared: BTreeSet<String> = Entity::shared_fields().into_iter().map(|field| field.name).collect();
        let of_entity = |entity: &Entity| {
            let own = entity.fields.iter().filter(|field| !shared.contains(&field.name));
            let fields: Map<String, Value> = own
                .map(|field| {
                    let about = format!("{} ({}): {}", field.label, field.kind.name(), field.about);
                    (field.name.clone(), described(rule.clone(), &about))
                })
                .collect();
            json!({
                "if": { "properties": { "entity": { "const": entity.name } }, "required": ["entity"] },
                "then": { "properties": { "fields": { "properties": fields, "additionalProperties": false } } },
            })
        };
        set.model.entities.values().map(of_entity).collect()
    }
}

fn label(entity: &Entity) -> String {
    format!("{}: {}", entity.label, entity.about)
}

/// What a function does, with its arguments.
fn function(spec: &FunctionSpec) -> String {
    if spec.arguments.is_empty() {
        return spec.about.to_owned();
    }
    format!("{} Arguments: {}.", spec.about, spec.arguments.join(", "))
}

fn described(mut value: Value, about: &str) -> Value {
    value["description"] = json!(about);
    value
}

fn scalar() -> Value {
    json!({ "type": ["string", "integer", "boolean"] })
}

fn one_or_more(one: &Value, least: usize) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": least }] })
}

/// Exactly the keys of one form, and none that only other forms have.
fn forms(forms: &[Form]) -> Value {
    let keys = |form: &Form| form.must.iter().chain(form.may).copied().collect::<BTreeSet<&str>>();
    let all: BTreeSet<&str> = forms.iter().flat_map(keys).collect();
    let one = |form: &Form| {
        let own = keys(form);
        let foreign: Vec<Value> =
            all.iter().filter(|key| !own.contains(*key)).map(|key| json!({ "required": [key] })).collect();
        let mut object = json!({ "required": form.must });
        if !foreign.is_empty() {
            object["not"] = json!({ "anyOf": foreign });
        }
        for key in form.one {
            object["properties"][*key] = json!({ "type": "string" });
        }
        object
    };
    Value::Array(forms.iter().map(one).collect())
}

fn case(case: &Case) -> Value {
    json!({
        "if": { "properties": { case.key: { "const": case.value } }, "required": [case.key] },
        "then": { "required": [case.must] },
        "else": { "not": { "required": [case.must] } },
    })
}
