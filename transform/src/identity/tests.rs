use std::collections::BTreeMap;

use bron_mappings::MappingSet;

use super::*;
use crate::fixture::{SECRET, Texts, table, texts};
use crate::lookups::PersonsBuilder;

mod links;
mod questions;

const MODEL: &str = include_str!("../../../mappings/model/person.toml");
const ORGANISATION: &str = "format = 1\n[[entity]]\nname = \"organisation\"\nlabel = \"O\"\nabout = \"O\"\n\
    retention = \"r\"\nsekretess = \"s\"\n";
const CODES: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
    ,J,sekretessmarkering,J,equal,,,approved,x,\n,F,okand_hog,F,equal,,,approved,x,\n";

const RECORD: &str = "[person]\nrecord = [\"ID\"]\n\
    number = { from = \"NR\", date = \"DAG\", valid = { from = \"FRAN\", to = \"TOM\" } }\n\
    protection = { from = \"SEKR\", codes = \"skydd\" }\nname = { given = \"F\", family = \"E\" }\nbirth = \"FODD\"\n\
    refers_to = [{ system = \"a\", table = \"P\", from = [\"TILL\"], ground = \"hanvisning_b\" }]\n";
const LINK: &str =
    "[person]\nlink = { table = \"P\", a = [\"A\"], b = [\"B\"], ground = \"hanvisning_a\" }\n";

/// What the target of a table of links is, when its mapping makes the rows itself.
const OWN_ROWS: &str = "[[target]]\nentity = \"identity_link\"\n[target.fields]\nid = { id = [\"ID\"] }\n";

fn mapping(name: &str, person: &str, more: &str) -> String {
    let (system, table) = name.split_once('/').unwrap();
    format!(
        "format = 1\nmapping = \"{name}\"\nowner = \"o\"\ndecision = \"d\"\nexamples = 0\n\
         [source]\nsystem = \"{system}\"\n\
         table = \"{table}\"\nkey = [\"ID\"]\n{more}{person}[[target]]\nentity = \"person\"\n[target.fields]\n\
         id = {{ id = [\"ID\"] }}\n"
    )
}

/// Persons a/P, b/P and c/P (whose keys may be person numbers), links a/H without rows of their own and a/R
/// with.
fn set() -> MappingSet {
    let files = [
        ("model/m.toml", MODEL.to_owned()),
        ("model/o.toml", ORGANISATION.to_owned()),
        ("codes/skydd.csv", CODES.to_owned()),
        ("a/P.toml", mapping("a/P", RECORD, "")),
        ("b/P.toml", mapping("b/P", RECORD, "")),
        ("c/P.toml", mapping("c/P", RECORD, "personal_key = true\nrepeats = \"latest\"\n")),
        ("a/H.toml", mapping("a/H", LINK, "")),
        ("a/R.toml", mapping("a/R", LINK, "") + OWN_ROWS),
    ];
    let files: BTreeMap<String, String> = files.map(|(path, text)| (path.to_owned(), text)).into();
    let (set, found) = MappingSet::parse(&files);
    let found: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
    // The persons' own file refers to entities of other files of the model.
    assert!(found.iter().all(|message| message.starts_with("unknown entity")), "{found:?}");
    set
}

/// Rows of persons: id, number, given name, family name, and then what is not usual, as `COLUMN=text`.
fn persons(rows: &[&str]) -> Batch {
    let columns = ["ID", "NR", "F", "E", "DAG", "FRAN", "TOM", "SEKR", "FODD", "TILL"];
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut texts: BTreeMap<&str, &str> = columns.map(|column| (column, "-")).into();
            for (column, text) in ["ID", "NR", "F", "E"].iter().zip(row.split(' ')) {
                texts.insert(column, text);
            }
            for more in row.split(' ').skip(4) {
                let (column, text) = more.split_once('=').unwrap();
                assert!(texts.insert(column, text).is_some(), "{column}");
            }
            columns.map(|column| texts[column]).join("|")
        })
        .collect();
    table(&columns.join(" "), &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn decisions(lines: &str) -> IdentityDecisions {
    let head = "post_a,post_b,beslut,beslutad_av,tid,skal\n";
    let (decisions, found) = IdentityDecisions::parse("beslut.csv", &format!("{head}{lines}"));
    assert_eq!(found, []);
    decisions
}

type Spy<'s> = dyn FnMut(Method, &Open, &Open) -> Option<Score> + 's;

/// The identity of these tables, where `held_back` are ids of a/P that are not in the target.
fn identity_with(
    tables: &[(&str, &Batch)],
    held_back: &[&str],
    decisions: &IdentityDecisions,
    compare: &mut Spy<'_>,
) -> Identity {
    let set = set();
    let table = |name: &str| {
        let mapping = set.mappings.iter().find(|mapping| mapping.id == name).unwrap();
        PersonTable::new(&set, mapping).unwrap().unwrap()
    };
    let mut builder = PersonsBuilder::new(&SECRET, decisions);
    let mut loaded = Vec::new();
    for (name, batch) in tables {
        let told = table(name);
        builder.add(&told, batch);
        let ids = batch.cells_named("ID");
        for row in 0..batch.rows() {
            let key = ids.as_ref().and_then(|ids| ids.text(row));
            let held = *name == "a/P" && held_back.iter().any(|held| Some(*held) == key);
            if let Some(key) = key.filter(|_| !held) {
                loaded.push(crate::lookups::person_id(&SECRET, &told.system, &told.table, [Some(key)]));
            }
        }
    }
    let persons = builder.finish();
    let mut builder = IdentityBuilder::new(&SECRET, &persons, loaded);
    for (name, batch) in tables {
        builder.add(&table(name), batch);
    }
    builder.finish_with(decisions, compare)
}

fn identity(tables: &[(&str, &Batch)], lines: &str) -> Identity {
    identity_with(tables, &[], &decisions(lines), &mut candidates::compare)
}

fn rows_of(identity: &Identity, entity: &str) -> Vec<Texts> {
    let done = identity.transformed(&set().model, "v");
    let (_, batch) = done.entities.iter().find(|(name, _)| name == entity).unwrap();
    let mut rows = texts(batch);
    rows.sort_by(|a, b| a["src_key"].cmp(&b["src_key"]));
    rows
}

/// Links as `key grund`, with what makes them special.
fn links_of(identity: &Identity) -> Vec<String> {
    let line = |row: &Texts| {
        let mut line = format!("{} {}", row["src_key"], row["grund"]);
        for column in ["beslutad_av", "upphavd_av"] {
            line += &row.get(column).map_or_else(String::new, |text| format!(" {column}={text}"));
        }
        line
    };
    rows_of(identity, "identity_link").iter().map(line).collect()
}

/// Questions as `key metod status`.
fn questions_of(identity: &Identity) -> Vec<String> {
    let line = |row: &Texts| format!("{} {} {}", row["src_key"], row["metod"], row["status"]);
    rows_of(identity, "match_candidate").iter().map(line).collect()
}
