//! A schema and the parser agree both ways: what one refuses the other refuses, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bron_mappings::schema::{self, Others, RULE, Section, Shape, Vocabulary, Words};
use bron_mappings::{FunctionSpec, MappingSet, Tables, check};
use bron_reconcile::controls;
use bron_transform::registry;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::samples;

/// A key that is like no key that there is.
const NO_KEY: &str = "qqqqqqqqqqqqqqqq";

/// A kind of file: its name, its keys, where such a file lies, and files that together have every key.
struct Kind {
    name: &'static str,
    root: &'static Section,
    path: &'static str,
    samples: &'static [&'static str],
}

const fn kind(
    name: &'static str,
    root: &'static Section,
    path: &'static str,
    samples: &'static [&'static str],
) -> Kind {
    Kind { name, root, path, samples }
}

static KINDS: [Kind; 6] = [
    kind(
        "mapping",
        &schema::MAPPING,
        "alfa/T.toml",
        &[samples::MAPPING, samples::ABOUT, samples::LINK, samples::NAMED],
    ),
    kind("model", &schema::MODEL, "model/m.toml", &[samples::MODEL]),
    kind("system", &schema::SYSTEM, "alfa/system.toml", &[samples::SYSTEM]),
    kind("control", &controls::CONTROL, "controls/c.toml", &[samples::CONTROL]),
    kind("quality", &schema::QUALITY, "quality/q.toml", &[samples::QUALITY]),
    kind("retention", &schema::RETENTION, "retention/r.toml", &[samples::RETENTION]),
];

fn functions() -> Vec<FunctionSpec> {
    registry().iter().map(|function| function.spec).collect()
}

fn validator(root: &'static Section, set: Option<&MappingSet>) -> Validator {
    let document = schema::json_schema(root, &Vocabulary { functions: &functions(), set });
    jsonschema::draft202012::meta::validate(&document).expect("the schema is a JSON Schema");
    jsonschema::validator_for(&document).expect("the schema can be used")
}

fn value(toml: &str) -> Value {
    toml::from_str(toml).unwrap()
}

/// The file as TOML, every table on one line.
fn toml(file: &Value) -> String {
    let lines = file.as_object().unwrap().iter().map(|(key, value)| format!("{key:?} = {}\n", inline(value)));
    lines.collect()
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{key:?} = {}", inline(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Everything that the parser and the check say about a file alone, as code, message and help.
fn complaints(kind: &Kind, text: &str) -> BTreeSet<String> {
    if kind.name == "control" {
        return controls::parse([(kind.path, text)])
            .err()
            .map(|error| format!("{error:?}"))
            .into_iter()
            .collect();
    }
    let mut files = BTreeMap::from([(kind.path.to_owned(), text.to_owned())]);
    if kind.name == "mapping" {
        files.insert("model/things.toml".to_owned(), samples::THINGS.to_owned());
    }
    let (set, mut found) = MappingSet::parse(&files);
    found.extend(check(&set, &functions(), &Tables::new()).1);
    let line = |one: bron_mappings::Diagnostic| {
        format!("{} {} ({})", one.code, one.message, one.help.unwrap_or_default())
    };
    found.into_iter().map(line).collect()
}

/// The place of a section in a file, as a JSON pointer.
type Places = Vec<(String, &'static Section)>;

fn places(value: &Value, section: &'static Section, at: &str, found: &mut Places) {
    found.push((at.to_owned(), section));
    let table = value.as_object().unwrap();
    for (name, value) in table {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        let below = section.key(name).and_then(|key| key.shape.section());
        let below =
            below.or((section.key(name).is_none() && section.others == Others::Rules).then_some(&RULE));
        let Some(below) = below else { continue };
        match value.as_array() {
            Some(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| places(item, below, &format!("{pointer}/{index}"), found)),
            None => places(value, below, &pointer, found),
        }
    }
}

/// Every file of a kind, with the places of its sections and what is said about it as it is.
fn files(kind: &'static Kind) -> impl Iterator<Item = (Value, Places, BTreeSet<String>)> {
    kind.samples.iter().map(move |sample| {
        let (file, mut found) = (value(sample), Vec::new());
        places(&file, kind.root, "", &mut found);
        (file, found, complaints(kind, sample))
    })
}

/// Every section that a file of this kind can have, by name.
fn sections(root: &'static Section, found: &mut BTreeMap<&'static str, &'static Section>) {
    if let Some(known) = found.insert(root.name, root) {
        assert!(std::ptr::eq(known, root), "two sections are called {}", root.name);
        return;
    }
    let rules = (root.others == Others::Rules).then_some(&RULE);
    for below in root.keys.iter().filter_map(|key| key.shape.section()).chain(rules) {
        sections(below, found);
    }
}

/// A value that does not have the shape.
fn wrong(shape: Shape) -> Vec<Value> {
    match shape {
        Shape::Format => vec![json!(2), json!("1")],
        Shape::Text | Shape::Texts | Shape::Table(_) | Shape::Tables(_) | Shape::ListOf(_) => vec![json!(7)],
        Shape::Character => vec![json!(7), json!(";;")],
        Shape::Day => vec![json!(7), json!("i morgon")],
        Shape::Whole(first, last) => vec![json!("7"), json!(first - 1), json!(last + 1)],
        Shape::Truth => vec![json!("true")],
        Shape::List => vec![json!("text"), json!([7])],
        Shape::Scalar => vec![json!(["text"])],
        Shape::Word(words) | Shape::Words(words) => {
            let open = matches!(words, Words::Entities | Words::Lists | Words::Retention);
            let mut wrong = vec![json!(7)];
            wrong.extend((!open).then(|| json!(NO_KEY)));
            wrong
        }
    }
}

/// The file with the table at a place changed.
fn changed(file: &Value, at: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut file = file.clone();
    change(file.pointer_mut(at).and_then(Value::as_object_mut).unwrap());
    file
}

/// Every broken version of the file, with what was done.
fn broken(file: &Value, at: &str, section: &'static Section) -> Vec<(String, Value)> {
    let table = file.pointer(at).and_then(Value::as_object).unwrap();
    let odd = match section.others {
        Others::Scalars => json!(["text"]),
        Others::Counts => json!("text"),
        Others::None | Others::Rules | Others::Rows => json!(1),
    };
    let mut found = vec![(
        format!("{at}: unknown key"),
        changed(file, at, |table| drop(table.insert(NO_KEY.to_owned(), odd))),
    )];
    for key in section.keys.iter().filter(|key| table.contains_key(key.name)) {
        for value in wrong(key.shape) {
            let what = format!("{at}/{}: {value}", key.name);
            found.push((what, changed(file, at, |table| drop(table.insert(key.name.to_owned(), value)))));
        }
        if key.required {
            let without = changed(file, at, |table| drop(table.remove(key.name)));
            found.push((format!("{at}: without {}", key.name), without));
        }
    }
    found.extend(misformed(file, at, section));
    found
}

/// Versions whose keys make no form of the section.
fn misformed(file: &Value, at: &str, section: &'static Section) -> Vec<(String, Value)> {
    let table = file.pointer(at).and_then(Value::as_object).unwrap();
    let of_forms = section.forms.iter().flat_map(|form| form.must.iter().chain(form.may));
    let all: Vec<&str> = of_forms.copied().collect();
    let own: Vec<&str> = table.keys().map(String::as_str).collect();
    let add = |key: &&str| {
        let keys = [&own[..], &[*key]].concat();
        let fits = section.forms.iter().any(|form| form.fits(&keys, &all));
        (!own.contains(key) && !fits).then(|| {
            let sample = match section.key(key).unwrap().shape.section() {
                Some(_) => json!({ "table": "T", "from": "A", "name": "x" }),
                None if matches!(section.key(key).unwrap().shape, Shape::Truth) => json!(true),
                None if matches!(section.key(key).unwrap().shape, Shape::List) => json!(["A"]),
                None if matches!(section.key(key).unwrap().shape, Shape::Day) => json!("2015-01-26"),
                None => json!("present"),
            };
            (
                format!("{at}: with {key}"),
                changed(file, at, |table| drop(table.insert((*key).to_owned(), sample))),
            )
        })
    };
    let added = all.iter().collect::<BTreeSet<_>>().into_iter().filter_map(add);
    let lists = section.forms.iter().filter(|form| form.fits(&own, &all)).flat_map(|form| form.one);
    let as_list = lists.map(|key| {
        let list = json!([table[*key]]);
        (
            format!("{at}: {key} as a list"),
            changed(file, at, |table| drop(table.insert((*key).to_owned(), list))),
        )
    });
    added.chain(as_list).collect()
}

/// The keys that the parser names as known where it meets one that it does not know.
fn known_keys(kind: &Kind, file: &Value, at: &str) -> BTreeSet<String> {
    let odd = changed(file, at, |table| drop(table.insert(NO_KEY.to_owned(), json!(1))));
    let of_key = format!("BRON-M003 unknown key `{NO_KEY}` (known: ");
    let found = complaints(kind, &toml(&odd))
        .into_iter()
        .find_map(|line| line.strip_prefix(&of_key).map(str::to_owned));
    let found = found.unwrap_or_else(|| panic!("{} {at}: the parser does not mind", kind.name));
    found.trim_end_matches(')').split(", ").map(str::to_owned).collect()
}

#[test]
fn the_samples_have_every_key_in_every_form() {
    for kind in &KINDS {
        let mut known = BTreeMap::new();
        sections(kind.root, &mut known);
        let files: Vec<_> = files(kind).collect();
        for (name, section) in known {
            let of_file = |(file, found, _): &(Value, Places, _)| {
                let of_section = found.iter().filter(|(_, other)| other.name == name);
                of_section.map(|(at, _)| file.pointer(at).unwrap().clone()).collect::<Vec<_>>()
            };
            let tables: Vec<Value> = files.iter().flat_map(of_file).collect();
            for key in section.keys {
                let has = |table: &Value| table.get(key.name).is_some();
                assert!(tables.iter().any(has), "{} has no {name}.{}", kind.name, key.name);
            }
            for form in section.forms {
                let has = |table: &Value| form.must.iter().all(|key| table.get(key).is_some());
                assert!(tables.iter().any(has), "{} has no {name} with {:?}", kind.name, form.must);
            }
        }
    }
}

#[test]
fn the_samples_are_right() {
    for kind in &KINDS {
        let validator = validator(kind.root, None);
        for ((file, _, usual), sample) in files(kind).zip(kind.samples) {
            let errors: Vec<String> = validator.iter_errors(&file).map(|error| error.to_string()).collect();
            assert_eq!(errors, [""; 0], "{}", kind.name);
            assert_eq!(usual, complaints(kind, &toml(&file)), "{}", kind.name);
            // What is wrong is what other files would have to say; nothing is wrong with the form.
            let form =
                ["BRON-M001", "BRON-M002", "BRON-M003", "BRON-M004", "BRON-M005", "BRON-M029", "Control"];
            let of_form = |line: &&String| form.iter().any(|code| line.starts_with(code));
            assert_eq!(usual.iter().find(of_form), None, "{sample}");
        }
    }
}

#[test]
fn what_one_refuses_the_other_refuses() {
    let mut compared = 0;
    for kind in &KINDS {
        let validator = validator(kind.root, None);
        for (file, found, usual) in files(kind) {
            for (what, file) in found.iter().flat_map(|(at, section)| broken(&file, at, section)) {
                assert!(!validator.is_valid(&file), "{}: the schema takes {what}", kind.name);
                let new = complaints(kind, &toml(&file)).difference(&usual).count();
                assert!(new > 0, "{}: the parser takes {what}", kind.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "only {compared} broken files were compared");
}

#[test]
fn the_parser_knows_the_keys_of_the_schema_and_no_others() {
    // A control file is read by another reader, which does not say what it knows.
    for kind in KINDS.iter().filter(|kind| kind.name != "control") {
        let mut of_parser: BTreeMap<&str, (&'static Section, BTreeSet<String>)> = BTreeMap::new();
        for (file, found, _) in files(kind) {
            let closed = |section: &Section| matches!(section.others, Others::None | Others::Rows);
            for (at, section) in found.iter().filter(|(_, section)| closed(section)) {
                let known =
                    &mut of_parser.entry(section.name).or_insert_with(|| (section, BTreeSet::new())).1;
                known.extend(known_keys(kind, &file, at));
            }
        }
        for (name, (section, mut parser)) in of_parser {
            if section.others == Others::Rows {
                // Beside the keys stand the entities of the file's targets.
                parser.retain(|name| section.key(name).is_some());
            }
            let schema: BTreeSet<String> = section.keys.iter().map(|key| key.name.to_owned()).collect();
            assert_eq!(parser, schema, "{} {name}", kind.name);
        }
    }
}

#[test]
fn every_fixed_word_is_known_to_the_parser() {
    for kind in &KINDS {
        for (file, found, usual) in files(kind) {
            for (at, section) in found {
                for (key, word) in fixed_words(&file, &at, section) {
                    let file = changed(&file, &at, |table| drop(table.insert(key.to_owned(), json!(word))));
                    let found = complaints(kind, &toml(&file));
                    let new: Vec<_> = found.difference(&usual).collect();
                    assert!(new.is_empty(), "{} {at}/{key} = {word}: {new:?}", kind.name);
                }
            }
        }
    }
}

/// The words that may stand at a place of the file, for keys on which no other key depends.
fn fixed_words(file: &Value, at: &str, section: &'static Section) -> Vec<(&'static str, &'static str)> {
    let table = file.pointer(at).unwrap();
    let chosen = |name: &str| section.cases.iter().any(|case| case.key == name);
    let keys = section.keys.iter().filter(|key| table.get(key.name).is_some() && !chosen(key.name));
    let words = keys.filter_map(|key| {
        let Shape::Word(Words::Fixed(words)) = key.shape else { return None };
        Some((key.name, words))
    });
    words.flat_map(|(key, words)| words.iter().map(move |(word, _)| (key, *word))).collect()
}

fn folder(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|kind| kind == "toml" || kind == "csv") {
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// The kind of a shipped file.
fn kind_of(path: &str) -> &'static Kind {
    let name = match path.split_once('/') {
        Some(("model", _)) => "model",
        Some(("controls", _)) => "control",
        Some(("quality", _)) => "quality",
        Some(("retention", _)) => "retention",
        Some((_, "system.toml")) => "system",
        _ => "mapping",
    };
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

#[test]
fn every_shipped_file_is_valid_by_its_schema() {
    let files = folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings"));
    let set = MappingSet::parse(&files).0;
    let sets = [None, Some(&set)];
    let validators: Vec<_> =
        KINDS.iter().map(|kind| (kind.name, sets.map(|set| validator(kind.root, set)))).collect();
    let mut read = 0;
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".toml")) {
        let (_, validators) = validators.iter().find(|(name, _)| *name == kind_of(path).name).unwrap();
        for validator in validators {
            let file = value(text);
            let errors: Vec<String> = validator
                .iter_errors(&file)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, [""; 0], "{path}");
        }
        read += 1;
    }
    assert!(read > 80, "only {read} files were read");
}

#[test]
fn a_folder_closes_the_names_that_it_knows() {
    let files = folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings"));
    let set = MappingSet::parse(&files).0;
    let (open, closed) = (validator(&schema::MAPPING, None), validator(&schema::MAPPING, Some(&set)));
    let text = &files["paraply/BESLUT.toml"];
    for (is, wrong, known_without) in [
        ("entity = \"beslut\"", "entity = \"beslt\"", false),
        ("codes = \"beslutstyp\"", "codes = \"beslutstp\"", false),
        ("beslutsdatum          =", "beslutsdtum =", false),
        ("[example.beslut]", "[example.beslt]", false),
        ("with = { months = 4 }", "with = { mnths = 4 }", true),
        ("fn   = \"later_than\"", "fn = \"later_then\"", true),
        ("rule = \"D22\"", "rule = \"D222\"", true),
    ] {
        assert!(text.contains(is), "{is}");
        let file = value(&text.replace(is, wrong));
        assert!(!closed.is_valid(&file), "{wrong} is taken where the folder is known");
        assert_eq!(!open.is_valid(&file), known_without, "{wrong} without a folder");
    }
}
