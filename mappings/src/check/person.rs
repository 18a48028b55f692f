//! The check of the section about persons: an id that names nobody would leave a protected person's rows
//! without protection, so everything here is known before a row is read.

use crate::check::Checker;
use crate::diagnostic::Span;
use crate::document::{Placed, Reporter};
use crate::mapping::{
    Mapping, Origin, PERSON_ENTITY, PROTECTION, PersonKey, PersonProtection, PersonRecord, PersonRule, Rule,
};
use crate::protection::Protection;

/// What the records of persons of all systems become together.
const IDENTITY_ENTITIES: [&str; 2] = ["identity_link", "match_candidate"];

impl Checker<'_> {
    /// `@skydd` is known for rows of a mapping that says whose they are.
    pub(super) fn protection_origin(&self, origin: &Origin, report: &mut Reporter<'_>) {
        if self.mapping.person.is_none() {
            let message = "`@skydd` needs a section `[person]`: nobody knows whose row this is";
            report.error("BRON-M061", &origin.span, message, "whose protection?");
        }
    }

    pub(super) fn person(&self, report: &mut Reporter<'_>) {
        let Some(rule) = &self.mapping.person else { return };
        for origin in rule.origins().into_iter().filter(|origin| origin.name == PROTECTION) {
            let message = "`[person]` is what `@skydd` follows from, so it cannot read it";
            report.error("BRON-M062", &origin.span, message, "in a circle");
        }
        match rule {
            PersonRule::Record(record) => self.person_record(record, report),
            PersonRule::About(person) => self.person_key(person, report),
            PersonRule::Link(link) => {
                self.only_own(rule, report);
                let system = link.system.as_deref().unwrap_or(&self.mapping.system);
                for key in [&link.a, &link.b] {
                    self.known_record(system, &link.table, &link.table_span, key.len(), report);
                }
            }
        }
    }

    fn person_record(&self, record: &PersonRecord, report: &mut Reporter<'_>) {
        if let Some(rule) = &self.mapping.person {
            self.only_own(rule, report);
        }
        if !names_a_person(self.mapping, record) {
            let message = "no `person` target of the mapping has this key as its `id` (and no `part`)";
            report.error("BRON-M063", &record.span, message, "the key of nobody");
        }
        for entity in IDENTITY_ENTITIES.into_iter().filter(|name| self.set.model.entity(name).is_none()) {
            let message =
                format!("records of persons need the entity `{entity}`, which the model does not have");
            report.error("BRON-M067", &record.span, message, "where do links and questions go?");
        }
        if let Some(protection) = &record.protection {
            self.protection_codes(protection, report);
        }
        for reference in &record.refers_to {
            self.person_key(&reference.person, report);
        }
    }

    /// Records and links are read before rows are mapped, when parents and lookups are not known.
    fn only_own(&self, rule: &PersonRule, report: &mut Reporter<'_>) {
        let looked_up = |origin: &Origin| self.mapping.lookup(origin).is_some();
        for origin in rule.origins() {
            if origin.parent().is_some() || origin.name.starts_with('@') || looked_up(origin) {
                let message = format!(
                    "records and links of persons read columns of their own table, not `{}`",
                    origin.name
                );
                report.error("BRON-M062", &origin.span, message, "not known so early");
            }
        }
    }

    fn person_key(&self, person: &PersonKey, report: &mut Reporter<'_>) {
        let system = person.system.as_deref().unwrap_or(&self.mapping.system);
        self.known_record(system, &person.table, &person.table_span, person.from.len(), report);
    }

    fn known_record(&self, system: &str, table: &str, span: &Span, texts: usize, report: &mut Reporter<'_>) {
        let records: Vec<(&Mapping, &PersonRecord)> = self
            .set
            .mappings
            .iter()
            .filter_map(|mapping| Some((mapping, mapping.person.as_ref()?.record()?)))
            .collect();
        let found = records.iter().find(|(mapping, _)| mapping.system == system && mapping.table == table);
        match found {
            None => {
                let placed = Placed { text: format!("{system}/{table}"), span: span.clone() };
                report.unknown(
                    "BRON-M064",
                    &placed,
                    "table of persons",
                    records.iter().map(|(mapping, _)| mapping.id.as_str()),
                );
            }
            Some((mapping, record)) if record.key.len() != texts => {
                let message = format!(
                    "a person of {} has a key of {} texts, not {texts}",
                    mapping.id,
                    record.key.len()
                );
                report.error("BRON-M065", span, message, "another key");
            }
            Some(_) => {}
        }
    }

    fn protection_codes(&self, protection: &PersonProtection, report: &mut Reporter<'_>) {
        let list = self.set.codes.get(&protection.list);
        let targets =
            list.into_iter().flat_map(|list| list.entries()).map(|(_, _, entry)| entry.target.as_str());
        let unknown =
            targets.chain(protection.fallback.as_deref()).find(|code| Protection::parse(code).is_none());
        if let Some(code) = unknown {
            let placed = Placed { text: code.to_owned(), span: protection.list_span.clone() };
            report.unknown("BRON-M066", &placed, "protection", Protection::ALL.map(Protection::code));
        }
    }
}

/// Whether rows of the mapping become a `person` whose id has exactly the record's key.
fn names_a_person(mapping: &Mapping, record: &PersonRecord) -> bool {
    let names = |origins: &[Origin]| -> Vec<String> { origins.iter().map(|one| one.name.clone()).collect() };
    let persons = mapping.targets.iter().filter(|target| target.entity == PERSON_ENTITY);
    persons.flat_map(|target| &target.fields).any(|field| match &field.rule {
        Rule::Id { key, part: None } => names(key) == names(&record.key),
        Rule::Id { part: Some(_), .. }
        | Rule::Ref { .. }
        | Rule::Function { .. }
        | Rule::Codes { .. }
        | Rule::Const(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::check::check;
    use crate::function::{FieldFunction, FunctionKind, FunctionSpec};
    use crate::mapping::{PROTECTION, PersonName, PersonRule};
    use crate::project::MappingSet;

    const MODEL: &str = "format = 1\n[[entity]]\nname = \"person\"\nlabel = \"P\"\nabout = \"P\"\n\
        retention = \"r\"\nsekretess = \"s\"\nfields = [{ name = \"skydd\", type = \"code\", label = \"S\" }]\n";

    const PAIRS: &str = "format = 1\n[[entity]]\nname = \"identity_link\"\nlabel = \"L\"\nabout = \"L\"\n\
        retention = \"r\"\nsekretess = \"s\"\n[[entity]]\nname = \"match_candidate\"\nlabel = \"M\"\n\
        about = \"M\"\nretention = \"r\"\nsekretess = \"s\"\n";

    const CODES: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
        s,J,sekretessmarkering,J,equal,,,approved,x,\n";

    const RECORD: &str = r#"
[person]
record     = ["ID"]
number     = { from = "NR", date = "DAG", valid = { from = "FRAN", to = "TILL" } }
protection = { from = "SEKR", codes = "skydd", fallback = "okand_hog" }
name       = { given = "FNAMN", family = "ENAMN" }
birth      = "FODD"
refers_to  = [{ table = "P", from = ["TILL_ID"], ground = "hanvisning_s" }]
"#;

    const TEXT: FunctionSpec = FunctionSpec {
        name: "text",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "",
        phrase: "",
        marks: &[],
        inverse: "",
    };

    fn mapping(table: &str, person: &str, entity: &str) -> String {
        format!(
            "format = 1\nmapping = \"s/{table}\"\nowner = \"o\"\ndecision = \"d\"\nexamples = 1\n\
             [source]\nsystem = \"s\"\n\
             table = \"{table}\"\nkey = [\"ID\"]\n{person}[[target]]\nentity = \"person\"\n[target.fields]\n\
             id = {{ id = [\"ID\"] }}\n{entity}[[example]]\nabout = \"x\"\nsource = {{ ID = 1 }}\n"
        )
    }

    /// The set of P with RECORD changed, and T with a section of its own; and the codes of what is wrong.
    fn run(record: &str, other: &str) -> (MappingSet, Vec<&'static str>) {
        run_with(PAIRS, record, other)
    }

    fn run_with(pairs: &str, record: &str, other: &str) -> (MappingSet, Vec<&'static str>) {
        let skydd = "skydd = { from = \"@skydd\" }\n";
        let files = [
            ("model/m.toml", MODEL.to_owned()),
            ("model/p.toml", pairs.to_owned()),
            ("codes/skydd.csv", CODES.to_owned()),
            (
                "s/system.toml",
                "format = 1\nsystem = \"s\"\nlabel = \"S\"\n[code_lists]\nskydd = 1\n".to_owned(),
            ),
            ("s/P.toml", mapping("P", record, skydd)),
            ("s/T.toml", mapping("T", other, skydd)),
        ];
        let files: BTreeMap<String, String> = files.map(|(path, text)| (path.to_owned(), text)).into();
        let (set, mut found) = MappingSet::parse(&files);
        found.extend(check(&set, &[TEXT], &BTreeMap::new()).1);
        (set, found.iter().map(|one| one.code).collect())
    }

    const ABOUT: &str = "[person]\nabout = { table = \"P\", from = [\"P_ID\"] }\n";
    const LINK: &str = "[person]\nlink = { table = \"P\", a = [\"A\"], b = [\"B\"], ground = \"hanvisning_s\", \
                        when = { column = \"TYP\", in = [\"HV\"] } }\n";

    #[test]
    fn all_three_kinds_pass_and_are_read_whole() {
        let (set, found) = run(RECORD, ABOUT);
        assert!(found.is_empty(), "{found:?}");
        let names = |table: &str| -> Vec<String> {
            let rule = set.mapping("s", table).unwrap().person.as_ref().unwrap();
            rule.origins().iter().map(|origin| origin.name.clone()).collect()
        };
        assert_eq!(
            names("P"),
            ["ID", "NR", "DAG", "FRAN", "TILL", "SEKR", "FNAMN", "ENAMN", "FODD", "TILL_ID"]
        );
        assert_eq!(names("T"), ["P_ID"]);
        let (set, found) =
            run(&RECORD.replace("given = \"FNAMN\", family = \"ENAMN\"", "whole = \"N\""), LINK);
        assert!(found.is_empty(), "{found:?}");
        let Some(PersonRule::Link(link)) = &set.mapping("s", "T").unwrap().person else { panic!() };
        assert_eq!((link.ground.as_str(), link.when.len()), ("hanvisning_s", 1));
        let record = set.mapping("s", "P").unwrap().person.as_ref().unwrap().record().unwrap();
        assert!(matches!(record.name, Some(PersonName::Whole(_))));
    }

    #[test]
    fn what_the_protection_rests_on_is_read_with_it() {
        let (set, _) = run(RECORD, ABOUT);
        let whose = |table: &str| {
            let mapping = set.mapping("s", table).unwrap();
            let protection = mapping.origins().find(|origin| origin.name == PROTECTION).unwrap();
            mapping.own_columns([protection]).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((whose("P"), whose("T")), (vec!["ID".to_owned()], vec!["P_ID".to_owned()]));
    }

    #[test]
    fn no_parent_is_found_by_the_protection() {
        let parent = "[[parent]]\nname = \"p\"\ntable = \"P\"\non = { \"@skydd\" = \"ID\" }\n";
        assert_eq!(run(RECORD, &format!("{parent}{ABOUT}")).1, ["BRON-M044"]);
        let lookup = parent.replace("[[parent]]", "[[count]]");
        assert!(run(RECORD, &format!("{lookup}{ABOUT}")).1.is_empty());
    }

    #[test]
    fn links_and_questions_need_a_place_in_the_model() {
        let without = PAIRS.replace("match_candidate", "other");
        assert_eq!(run_with(&without, RECORD, ABOUT).1, ["BRON-M067"]);
    }

    #[test]
    fn what_a_section_reads_counts_as_read() {
        let (set, _) = run(RECORD, ABOUT);
        let mapping = set.mapping("s", "P").unwrap();
        assert!(mapping.origins().any(|origin| origin.name == "FODD"));
    }

    #[test]
    fn each_mistake_has_its_own_code() {
        for (from, to, code) in [
            ("record     = [\"ID\"]", "record = [\"NR\"]", "BRON-M063"),
            ("record     = [\"ID\"]", "rekord = [\"ID\"]", "BRON-M060"),
            (
                "record     = [\"ID\"]",
                "record = [\"ID\"]\nabout = { table = \"P\", from = [\"X\"] }",
                "BRON-M060",
            ),
            ("given = \"FNAMN\", ", "", "BRON-M060"),
            ("\"FODD\"", "\"@as_of\"", "BRON-M062"),
            ("\"FODD\"", "\"@skydd\"", "BRON-M062"),
            ("codes = \"skydd\"", "codes = \"skyd\"", "BRON-M018"),
            ("\"okand_hog\"", "\"okand\"", "BRON-M066"),
            ("table = \"P\"", "table = \"Q\"", "BRON-M064"),
            ("from = [\"TILL_ID\"]", "from = [\"TILL_ID\", \"X\"]", "BRON-M065"),
            (", ground = \"hanvisning_s\"", "", "BRON-M004"),
            ("date = \"DAG\"", "dat = \"DAG\"", "BRON-M003"),
            ("date = \"DAG\"", "since = \"20130101\"", "BRON-M005"),
        ] {
            assert!(RECORD.contains(from), "the change must change something: {from}");
            let (_, found) = run(&RECORD.replacen(from, to, 1), ABOUT);
            assert!(found.contains(&code), "{from:?} -> {to:?}: {found:?}");
        }
        for (other, code) in [
            (ABOUT.replace("\"P\"", "\"T\""), "BRON-M064"),
            (ABOUT.replace("[\"P_ID\"]", "[\"P_ID\", \"Q\"]"), "BRON-M065"),
            (ABOUT.replace("[\"P_ID\"]", "[\"@skydd\"]"), "BRON-M062"),
            (LINK.replace("a = [\"A\"]", "a = [\"p.A\"]"), "BRON-M062"),
            (String::new(), "BRON-M061"),
        ] {
            let (_, found) = run(RECORD, &other);
            assert!(found.contains(&code), "{other:?}: {found:?}");
        }
    }
}
