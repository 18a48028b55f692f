//! Whatever is taken away from a shipped mapping file, a check says so, with file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bron_extract::{Source, SqliteSource, TableSchema, described_tables};
use bron_mappings::{
    CodeList, Diagnostic, FunctionSpec, Mapping, MappingSet, Origin, Rule, Severity, Tables, check,
};
use bron_transform::{check_rules, registry, run_examples};

use crate::support::fresh_city;

type Files = BTreeMap<String, String>;

/// The shipped files, and the tables of the city's sources.
struct Shipped {
    files: Files,
    set: MappingSet,
    tables: Tables,
}

impl Shipped {
    fn new() -> Self {
        let files = super::mapping_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/mappings")));
        let (set, found) = MappingSet::parse(&files);
        assert_eq!(found, []);
        let project = fresh_city();
        let legacy = project.dir.join("legacy");
        let tables = set.systems.values().map(|system| {
            let tables: Vec<TableSchema> = if system.csv.is_empty() {
                SqliteSource::open(&legacy.join(format!("{}.sqlite", system.name))).unwrap().tables().unwrap()
            } else {
                described_tables(system).unwrap()
            };
            let columns = |table: TableSchema| table.columns.into_iter().map(|column| column.name).collect();
            let tables = tables.into_iter().map(|table| (table.name.clone(), columns(table)));
            (system.name.clone(), tables.collect())
        });
        let tables = tables.collect();
        let shipped = Self { files, set, tables };
        assert_eq!(shipped.found(&shipped.files), [], "the shipped files are whole");
        shipped
    }

    /// Everything that `bron check` finds in these files.
    fn found(&self, files: &Files) -> Vec<Diagnostic> {
        let (set, mut found) = MappingSet::parse(files);
        found.extend(static_findings(&set, &self.tables));
        if found.iter().all(|one| one.severity != Severity::Error) {
            found.extend(run_examples(&set));
        }
        found
    }

    /// The mapping files, by path.
    fn mappings(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.files.iter().filter(|(_, text)| text.contains("\nmapping "));
        texts.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files with some of them replaced.
    fn with(&self, changed: impl IntoIterator<Item = (String, String)>) -> Files {
        let mut files = self.files.clone();
        files.extend(changed);
        files
    }
}

fn static_findings(set: &MappingSet, tables: &Tables) -> Vec<Diagnostic> {
    let functions: Vec<FunctionSpec> = registry().iter().map(|function| function.spec).collect();
    let (_, mut found) = check(set, &functions, tables);
    found.extend(check_rules(set));
    found
}

fn says(found: &[Diagnostic], file: &str, codes: &[&str], part: &str) -> bool {
    found.iter().any(|one| one.file == file && codes.contains(&one.code) && one.message.contains(part))
}

/// The columns of the table itself that some rule or lookup of the mapping names.
fn read_columns(mapping: &Mapping) -> BTreeSet<String> {
    let own = |origin: &&Origin| {
        origin.parent().is_none() && !origin.name.starts_with(['@', '_']) && mapping.lookup(origin).is_none()
    };
    mapping.origins().filter(own).map(|origin| origin.name.clone()).collect()
}

#[test]
fn an_unknown_key_at_the_top_or_in_a_section_is_named_in_every_file() {
    let shipped = Shipped::new();
    for (before, after) in [("\nowner ", "\nxyz = 1\nowner "), ("\n[source]\n", "\n[source]\nxyz = 1\n")] {
        let changed =
            shipped.mappings().map(|(path, text)| (path.to_owned(), text.replacen(before, after, 1)));
        let files = shipped.with(changed);
        let found = shipped.found(&files);
        for (path, _) in shipped.mappings() {
            let at = found.iter().find(|one| one.file == path && one.code == "BRON-M003");
            let at = at.unwrap_or_else(|| panic!("{path} is not accused"));
            assert_eq!(&files[path][at.span.clone()], "xyz", "{path}");
        }
    }
}

#[test]
fn a_column_that_leaves_the_source_is_named_where_it_is_read() {
    let shipped = Shipped::new();
    let read: Vec<(&Mapping, Vec<String>)> =
        shipped.set.mappings.iter().map(|one| (one, read_columns(one).into_iter().collect())).collect();
    let most = read.iter().map(|(_, columns)| columns.len()).max().unwrap();
    let mut removed = 0;
    for at in 0..most {
        let mut tables = shipped.tables.clone();
        let gone = || read.iter().filter_map(|(mapping, columns)| Some((mapping, columns.get(at)?)));
        for (mapping, column) in gone() {
            let columns = tables.get_mut(&mapping.system).unwrap().get_mut(&mapping.table).unwrap();
            columns.retain(|one| one != column);
        }
        let functions: Vec<FunctionSpec> = registry().iter().map(|function| function.spec).collect();
        let (_, found) = check(&shipped.set, &functions, &tables);
        for (mapping, column) in gone() {
            removed += 1;
            let named =
                |one: &&Diagnostic| one.file == mapping.file && one.message.contains(&format!("`{column}`"));
            let at = found.iter().find(|one| named(one) && one.code == "BRON-M010" && one.span.start > 0);
            assert!(at.is_some(), "{}: nobody misses {column}", mapping.id);
        }
    }
    println!("{removed} columns removed, each missed by its mapping");
    assert!(removed > 500);
}

/// The lines of `[target.fields]` sections that read a column which nothing else reads, each set with the column.
fn only_readers(path: &str, text: &str) -> Vec<(BTreeSet<usize>, String)> {
    let mut of_fields = Vec::new();
    let mut in_fields = false;
    for (at, line) in text.lines().enumerate() {
        in_fields = if line.starts_with('[') { line == "[target.fields]" } else { in_fields };
        if in_fields && line.contains(" = {") {
            of_fields.push((at, line));
        }
    }
    let (mapping, _) = Mapping::parse(path, text);
    let columns = read_columns(&mapping.unwrap()).into_iter().filter_map(|column| {
        let named = format!("\"{column}\"");
        let lines: BTreeSet<usize> =
            of_fields.iter().filter(|(_, line)| line.contains(&named)).map(|(at, _)| *at).collect();
        let (mapping, _) = Mapping::parse(path, &without_lines(text, &lines));
        let left = mapping.map(|mapping| read_columns(&mapping)).unwrap_or_default();
        (!left.contains(&column)).then_some((lines, column))
    });
    columns.collect()
}

fn without_lines(text: &str, gone: &BTreeSet<usize>) -> String {
    let kept = text.lines().enumerate().filter(|(at, _)| !gone.contains(at));
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

#[test]
fn a_column_whose_rules_are_gone_is_missed() {
    let shipped = Shipped::new();
    let readers: Vec<_> =
        shipped.mappings().map(|(path, text)| (path, text, only_readers(path, text))).collect();
    let most = readers.iter().map(|(_, _, columns)| columns.len()).max().unwrap();
    let mut removed = 0;
    for at in 0..most {
        let gone =
            || readers.iter().filter_map(|(path, text, columns)| Some((*path, *text, columns.get(at)?)));
        let changed = gone().map(|(path, text, (lines, _))| (path.to_owned(), without_lines(text, lines)));
        let found = shipped.found(&shipped.with(changed));
        for (path, _, (_, column)) in gone() {
            removed += 1;
            let named = says(&found, path, &["BRON-M040"], &format!("`{column}`"));
            assert!(named, "{path}: nobody misses the rules of {column}");
        }
    }
    println!("{removed} columns without their rules, each missed");
    assert!(removed > 200);
}

/// The text without its example of this number.
fn without_example(text: &str, gone: usize) -> Option<String> {
    let mut parts = text.split("\n[[example]]\n");
    let head = parts.next()?.to_owned();
    let examples: Vec<&str> = parts.collect();
    examples.get(gone)?;
    let kept = examples.iter().enumerate().filter(|(at, _)| *at != gone);
    Some(head + &kept.map(|(_, one)| format!("\n[[example]]\n{one}")).collect::<String>())
}

#[test]
fn every_single_example_is_missed_at_the_number_that_is_approved() {
    let shipped = Shipped::new();
    let most = shipped.set.mappings.iter().map(|mapping| mapping.examples.len()).max().unwrap();
    let mut removed = 0;
    for at in 0..most {
        let changed = shipped.mappings();
        let changed: Files =
            changed.filter_map(|(path, text)| Some((path.to_owned(), without_example(text, at)?))).collect();
        let files = shipped.with(changed.clone());
        let found = shipped.found(&files);
        for mapping in shipped.set.mappings.iter().filter(|mapping| mapping.examples.len() > at) {
            removed += 1;
            let number = mapping.examples.len();
            let of_file = |one: &&Diagnostic| one.file == mapping.file && one.code == "BRON-M056";
            let one = found.iter().find(of_file);
            let one = one.unwrap_or_else(|| panic!("{}: nobody misses example {at}", mapping.id));
            assert_eq!(one.severity, Severity::Error);
            assert_eq!(files[&mapping.file][one.span.clone()], number.to_string());
            let message = format!("the mapping has {} [[example]], approved are {number}", number - 1);
            assert_eq!(one.message, message);
        }
        let accused = found.iter().filter(|one| one.code == "BRON-M056").count();
        assert_eq!(accused, changed.len(), "no other file is accused");
    }
    println!("{removed} examples removed, each missed");
    assert!(removed > 300);
    let changed = shipped
        .mappings()
        .map(|(path, text)| (path.to_owned(), text.split("\n[[example]]").next().unwrap().to_owned() + "\n"));
    let found = shipped.found(&shipped.with(changed));
    assert!(shipped.mappings().all(|(path, _)| says(&found, path, &["BRON-M033"], "")));
}

/// The codes that examples look up, by list.
fn shown_codes(set: &MappingSet) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mapping in &set.mappings {
        let fields = mapping.targets.iter().flat_map(|target| &target.fields);
        for rule in fields {
            let Rule::Codes { list, input, .. } = &rule.rule else { continue };
            for example in &mapping.examples {
                let names = |rows: &&(String, BTreeMap<String, String>)| {
                    rows.1.get(&rule.field).is_some_and(|text| !text.is_empty())
                };
                let code = example.source.get(&input.name).or_else(|| example.given.get(&input.name));
                if let Some(code) = code.filter(|_| example.expected.iter().any(|rows| names(&rows))) {
                    shown.entry(list).or_default().insert(code);
                }
            }
        }
    }
    shown
}

#[test]
fn a_code_that_an_example_shows_is_missed_in_every_list() {
    let shipped = Shipped::new();
    let shown = shown_codes(&shipped.set);
    let mut removed = 0;
    for (list, codes) in &shown {
        let path = format!("codes/{list}.csv");
        for code in codes {
            let has = |line: &&str| !line.split(',').any(|field| field == *code);
            let text: String =
                shipped.files[&path].lines().filter(has).map(|line| format!("{line}\n")).collect();
            if text == shipped.files[&path] {
                continue;
            }
            let mut set = shipped.set.clone();
            set.mappings.retain(|mapping| mapping.code_lists().any(|(name, ..)| name == *list));
            let (codes, found) = CodeList::parse(list, &path, &text);
            assert_eq!(found, []);
            set.codes.insert((*list).to_owned(), codes);
            let found = run_examples(&set);
            removed += 1;
            let named = found.iter().any(|one| one.code == "BRON-M050" && one.span.start > 0);
            assert!(named, "{path}: nobody misses {code}");
        }
    }
    println!("{removed} codes of {} lists removed, each missed", shown.len());
    assert!(shown.len() > 30);
}

#[test]
fn every_single_line_of_every_code_list_is_missed_by_each_system_that_reads_it() {
    let shipped = Shipped::new();
    let mut set = shipped.set.clone();
    let lines = |list: &str| shipped.files[&format!("codes/{list}.csv")].lines().skip(1);
    let most = shipped.set.codes.keys().map(|list| lines(list).count()).max().unwrap();
    let mut removed = 0;
    for at in 0..most {
        let shorter: Vec<(&String, &str)> =
            shipped.set.codes.keys().filter_map(|list| Some((list, lines(list).nth(at)?))).collect();
        set.codes = shipped.set.codes.clone();
        for (list, gone) in &shorter {
            let path = format!("codes/{list}.csv");
            let text = shipped.files[&path].replacen(&format!("\n{gone}\n"), "\n", 1);
            let (codes, found) = CodeList::parse(list, &path, &text);
            assert_eq!(found, []);
            set.codes.insert((*list).clone(), codes);
        }
        let (_, found) = check(&set, &[], &Tables::new());
        for (list, gone) in shorter {
            removed += 1;
            let of_list = |one: &&Diagnostic| {
                one.code == "BRON-K007" && one.message.starts_with(&format!("codes/{list}.csv has "))
            };
            let accused: Vec<&Diagnostic> = found.iter().filter(of_list).collect();
            let own = format!("{}/system.toml", gone.split(',').next().unwrap());
            let about_every_system = own == "/system.toml";
            assert!(about_every_system || accused.iter().all(|one| one.file == own), "{list}: {accused:?}");
            assert!(!accused.is_empty(), "{list}: nobody misses line {}", at + 2);
            for one in accused {
                let number = shipped.files[&one.file][one.span.clone()].parse::<usize>().unwrap();
                assert!(number > 0 && one.severity == Severity::Error);
            }
        }
    }
    println!("{removed} lines removed, each missed");
    assert!(removed > 500);
}

/// The model's files without the entities that are `gone`.
fn without_entities(shipped: &Shipped, gone: &BTreeSet<&str>) -> Files {
    let files = shipped.files.iter().filter(|(path, _)| path.starts_with("model/"));
    let changed = files.map(|(path, text)| {
        let mut parts = text.split("[[entity]]\n");
        let head = parts.next().unwrap_or_default().to_owned();
        let is_gone = |part: &&str| {
            let name =
                part.lines().find(|line| line.starts_with("name")).and_then(|line| line.split('"').nth(1));
            !name.is_some_and(|name| gone.contains(name))
        };
        (
            path.clone(),
            head + &parts.filter(is_gone).map(|part| format!("[[entity]]\n{part}")).collect::<String>(),
        )
    });
    shipped.with(changed)
}

#[test]
fn an_entity_that_leaves_the_model_is_missed_by_every_file_that_names_it() {
    let shipped = Shipped::new();
    let entities: Vec<&str> = shipped.set.model.entities.keys().map(String::as_str).collect();
    let mut orphans = 0;
    for gone in entities.chunks(8) {
        let gone: BTreeSet<&str> = gone.iter().copied().collect();
        let found = shipped.found(&without_entities(&shipped, &gone));
        for mapping in &shipped.set.mappings {
            let refers = mapping.targets.iter().filter(|target| !gone.contains(target.entity.as_str()));
            let refers = refers.flat_map(|target| &target.fields).filter_map(|rule| match &rule.rule {
                Rule::Ref { entity, .. } => Some(entity.as_str()),
                Rule::Id { .. } | Rule::Function { .. } | Rule::Codes { .. } | Rule::Const(_) => None,
            });
            let targets = mapping.targets.iter().map(|target| target.entity.as_str());
            for entity in targets.chain(refers).filter(|entity| gone.contains(entity)) {
                orphans += 1;
                let codes = ["BRON-M021", "BRON-M014", "BRON-M015"];
                let named = says(&found, &mapping.file, &codes, &format!("`{entity}`"));
                assert!(named, "{} does not miss {entity}", mapping.id);
            }
        }
    }
    println!("{orphans} rules and targets missed their entity");
    assert!(orphans > 200);
    let files = without_entities(&shipped, &BTreeSet::from(["placering", "arende", "akt"]));
    let found = shipped.found(&files);
    assert!(says(&found, "retention/gallring.toml", &["BRON-M069"], ""), "retention names what is gone");
}

#[test]
fn a_field_that_leaves_the_model_is_missed_by_every_rule_that_fills_it() {
    let shipped = Shipped::new();
    let mut set = shipped.set.clone();
    let most = set.model.entities.values().map(|entity| entity.fields.len()).max().unwrap();
    let mut orphans = 0;
    for at in 1..most {
        set.model = shipped.set.model.clone();
        let mut gone: BTreeSet<(String, String)> = BTreeSet::new();
        for entity in set.model.entities.values_mut().filter(|entity| entity.fields.len() > at) {
            gone.insert((entity.name.clone(), entity.fields.remove(at).name));
        }
        let found = static_findings(&set, &shipped.tables);
        for mapping in &set.mappings {
            for target in &mapping.targets {
                let filled = target.fields.iter();
                for rule in filled.filter(|rule| gone.contains(&(target.entity.clone(), rule.field.clone())))
                {
                    orphans += 1;
                    let at = found.iter().find(|one| {
                        one.code == "BRON-M015" && one.file == mapping.file && one.span == rule.span
                    });
                    assert!(at.is_some(), "{}: nobody misses {}.{}", mapping.id, target.entity, rule.field);
                }
            }
        }
    }
    println!("{orphans} rules missed their field");
    assert!(orphans > 700);
}
