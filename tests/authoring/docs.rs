//! The handbook tells everything once: every column of every source table and every field of the model, with
//! links that lead somewhere, in files that need nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bron_mappings::{MappingSet, handbook};

use crate::support::{Project, Ran, files, fresh_city, run, sqlite_rows};

struct Made {
    project: Project,
    set: MappingSet,
    pages: BTreeMap<String, String>,
}

fn docs(project: &Path, out: &Path) -> Ran {
    let verb = ["mapping", "docs", "--output", "json", "--project"].map(OsStr::new);
    run(verb.into_iter().chain([project.as_os_str(), OsStr::new("--out"), out.as_os_str()]))
}

fn texts(dir: &Path) -> BTreeMap<String, String> {
    let text =
        |(path, bytes): (PathBuf, Vec<u8>)| (path.display().to_string(), String::from_utf8(bytes).unwrap());
    files(dir).into_iter().map(text).collect()
}

/// The handbook of a city, made once.
fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let project = fresh_city();
        let out = project.dir.join("handbook");
        docs(&project.dir, &out).expect(&[0]);
        let set = MappingSet::parse(&texts(&project.dir.join("mappings"))).0;
        Made { pages: texts(&out), set, project }
    })
}

/// The texts between two marks, in order.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(inside, _)| inside).collect()
}

/// The section of a table on its system's page.
fn section<'p>(made: &'p Made, system: &str, table: &str) -> &'p str {
    let page = &made.pages[&format!("system-{system}.html")];
    let start =
        page.find(&format!("<section class=\"table\" id=\"t-{table}\"")).expect("the table has a section");
    page[start..].split_once("</section>").unwrap().0
}

/// The columns of a table as the source itself has them, without those that reading adds.
fn source_columns(made: &Made, system: &str, table: &str) -> BTreeSet<String> {
    let described = &made.set.systems[system].csv;
    if let Some(known) = described.iter().find(|known| known.name == table) {
        return known.columns.iter().cloned().collect();
    }
    let path = made.project.dir.join(format!("legacy/{system}.sqlite"));
    let rows = sqlite_rows(&path, &format!("SELECT name FROM pragma_table_info('{table}')"));
    rows.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

#[test]
fn every_column_of_every_source_table_is_told_once() {
    let made = made();
    let mut told = 0;
    for mapping in &made.set.mappings {
        let (system, table) = (&mapping.system, &mapping.table);
        let section = section(made, system, table);
        let lines = between(section, "Från källan till det nya</h3>", "</table>")[0];
        let lines: Vec<&str> = lines.split("<tr role=\"row\"").skip(2).collect();
        let name = |line: &&str| between(line, "<code>", "</code>")[0].to_owned();
        let columns: Vec<String> = lines.iter().map(name).filter(|name| !name.starts_with('_')).collect();
        let once: BTreeSet<String> = columns.iter().cloned().collect();
        assert_eq!(columns.len(), once.len(), "{}: a column stands twice", mapping.id);
        assert_eq!(once, source_columns(made, system, table), "{}", mapping.id);
        for line in lines {
            let reason = mapping.ignored.get(&name(&line)).map(|(reason, _)| reason);
            assert_eq!(line.contains("Flyttas inte:"), reason.is_some(), "{} {}", mapping.id, name(&line));
            let used = line.contains("<li>");
            assert_ne!(used, reason.is_some(), "{} {} is neither used nor left out", mapping.id, name(&line));
        }
        told += columns.len();
    }
    assert!(told > 400, "only {told} columns were told");
}

#[test]
fn every_rule_check_and_example_is_told_in_its_table() {
    let made = made();
    for mapping in &made.set.mappings {
        let section = section(made, &mapping.system, &mapping.table);
        let (_, back) = section.split_once("Från det nya till källan").unwrap();
        for target in &mapping.targets {
            for rule in &target.fields {
                let link = format!("href=\"modell-{}.html#f-{}\"", target.entity, rule.field);
                assert!(back.contains(&link), "{}: {link}", mapping.id);
            }
        }
        let checks = between(section, "<h3>Kontroller</h3>", "</table>");
        let told = checks.first().map_or(0, |table| table.matches("<tr role=\"row\"").count() - 1);
        assert_eq!(told, mapping.checks.len(), "{}", mapping.id);
        assert_eq!(section.matches("class=\"example\"").count(), mapping.examples.len(), "{}", mapping.id);
        assert_eq!(section.matches("Stämmer det här").count(), 1, "{}", mapping.id);
        assert!(
            !section.contains(" –</li>") && !section.contains("– ;"),
            "{}: a rule without words",
            mapping.id
        );
    }
}

#[test]
fn every_field_of_the_model_stands_once_on_its_page() {
    let made = made();
    for entity in made.set.model.entities.values() {
        let page = &made.pages[&format!("modell-{}.html", entity.name)];
        let anchors = between(page, "<tr role=\"row\" id=\"f-", "\"");
        let fields: Vec<&str> = entity.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(anchors, fields, "{}", entity.name);
    }
    for list in made.set.codes.values() {
        let page = &made.pages[&format!("kodlista-{}.html", list.name)];
        assert_eq!(page.matches("<tr role=\"row\">").count() - 1, list.entries().count(), "{}", list.name);
    }
}

#[test]
fn every_link_leads_somewhere_and_no_name_stands_twice() {
    let made = made();
    let ids: BTreeMap<&str, Vec<&str>> =
        made.pages.iter().map(|(name, page)| (name.as_str(), between(page, " id=\"", "\""))).collect();
    let mut followed = 0;
    for (name, page) in &made.pages {
        let own: BTreeSet<&str> = ids[name.as_str()].iter().copied().collect();
        assert_eq!(own.len(), ids[name.as_str()].len(), "{name} uses an id twice");
        for link in between(page, "href=\"", "\"") {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { name } else { file };
            let there = ids.get(file).is_some_and(|ids| anchor.is_empty() || ids.contains(&anchor));
            assert!(there, "{name} links to {link}");
            followed += 1;
        }
    }
    assert!(followed > 3000, "only {followed} links were followed");
}

#[test]
fn pages_need_nothing_else() {
    for (name, page) in &made().pages {
        for forbidden in ["<script", "http://", "https://", "src=", "@import", "url(", "javascript:", "<link"]
        {
            assert!(!page.contains(forbidden), "{name} contains {forbidden:?}");
        }
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert!(page.contains("lang=\"sv\"") && page.contains(handbook::MARK), "{name}");
    }
}

#[test]
fn the_same_files_give_the_same_pages_and_earlier_pages_go() {
    let made = made();
    let out = made.project.dir.join("handbook-again");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("modell-borta.html"), format!("<head>\n{}\n", handbook::MARK)).unwrap();
    fs::write(out.join("egen.html"), "<p>någon annans</p>").unwrap();
    let ran = docs(&made.project.dir, &out).expect(&[0]);
    assert_eq!(ran.json()["pages"], made.pages.len());
    let mut again = texts(&out);
    assert!(again.remove("egen.html").is_some(), "what is no page of a handbook is left");
    assert_eq!(again.keys().collect::<Vec<_>>(), made.pages.keys().collect::<Vec<_>>());
    assert!(again == made.pages, "the same files give the same bytes");
}

#[test]
fn files_with_mistakes_have_no_handbook() {
    let project = fresh_city();
    let file = project.dir.join("mappings/paraply/BESLUT.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("entity = \"beslut\"", "entity = \"beslt\"")).unwrap();
    let out = project.dir.join("handbook");
    let ran = docs(&project.dir, &out).expect(&[1]);
    let found = ran.json();
    let mut found = found["diagnostics"].as_array().unwrap().iter();
    assert!(found.any(|one| one["code"] == "BRON-M021"));
    assert!(!out.exists(), "nothing was written");
}
