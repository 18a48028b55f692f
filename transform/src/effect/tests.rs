//! What a change does to the rows of a small table.

use std::collections::BTreeMap;

use bron_mappings::comparison::{Change, Version, compare};
use bron_mappings::{Batch, MappingSet};

use super::{CauseEffect, Comparison, ComparisonSide, Moves, Shown, TableEffect};
use crate::balance::Fate;
use crate::fixture::{HEAD, files_of, lookups, only, plan, table};

const FIELDS: &str = "[[parent]]\nname = \"p\"\ntable = \"P\"\non = { PID = \"ID\" }\n\
    [scope]\narea = { from = \"VO\" }\n\
    [[check]]\nrule = \"D24\"\nfn = \"ends_before_start\"\nfrom = [\"FRAN\", \"TILL\"]\n\
    [[target]]\nentity = \"rad\"\n[target.fields]\n\
    id = { id = [\"ID\"] }\n\
    kod = { from = \"KOD\", codes = \"typ\", date = \"FRAN\" }\n\
    text = { from = \"p.NAMN\" }\n\
    datum = { from = \"FRAN\", fn = \"date\" }\n\
    ore = { from = \"BEL\", fn = \"ore\" }\n";

struct Case {
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
}

impl Case {
    fn new() -> Self {
        let files = files_of(&format!("{HEAD}{FIELDS}"));
        Self { before: files.clone(), after: files }
    }

    fn edit(mut self, file: &str, old: &str, new: &str) -> Self {
        let text = self.after.get_mut(file).unwrap();
        assert!(text.contains(old), "{old} is not in {file}");
        *text = text.replace(old, new);
        self
    }

    /// The effect on the rows, and the sentences of the changes in the order of their positions.
    fn effect(&self, batch: &Batch, parents: &Batch) -> (TableEffect, Vec<Change>) {
        self.effect_in(std::slice::from_ref(batch), parents)
    }

    fn effect_in(&self, batches: &[Batch], parents: &Batch) -> (TableEffect, Vec<Change>) {
        let sets = [&self.before, &self.after].map(|files| {
            let (set, found) = MappingSet::parse(files);
            assert_eq!(found, []);
            set
        });
        let [before, after] = &sets;
        let changes =
            compare(Version { set: before, files: &self.before }, Version { set: after, files: &self.after });
        let known = sets.each_ref().map(|set| lookups(set, &[("T", &batches[0]), ("P", parents)]));
        let plans = sets.each_ref().map(|set| plan(set, &batches[0]).unwrap());
        let side = |at: usize| ComparisonSide {
            set: &sets[at],
            mapping: only(&sets[at]),
            plan: &plans[at],
            lookups: &known[at],
        };
        let comparison = Comparison::new(Some(side(0)), Some(side(1)), &changes);
        let mut first = 0;
        let numbered: Vec<(u64, Batch)> = batches
            .iter()
            .map(|batch| {
                let place = first;
                first += u64::try_from(batch.rows()).unwrap();
                (place, batch.clone())
            })
            .collect();
        (comparison.batches(&numbered), changes)
    }
}

fn rows() -> Batch {
    table(
        "ID KOD FRAN TILL BEL PID VO",
        &[
            "1|A|2011-05-01|2011-06-01|10.0000|7|EB",
            "2|P|2011-05-01|2011-04-01|20.0000|7|EB",
            "3|A|2011-05-01|2011-06-01|30.5000|8|BU",
            "4|P|2005-05-01|2005-06-01|-|-|-",
        ],
    )
}

fn parents() -> Batch {
    table("ID NAMN ANNAT", &["7|sju|VII", "8|åtta|VIII"])
}

fn moves(appeared: u64, disappeared: u64, changed: u64) -> Moves {
    Moves { appeared, disappeared, changed }
}

fn pair(old: Option<&str>, new: Option<&str>) -> (Option<String>, Option<String>) {
    (old.map(str::to_owned), new.map(str::to_owned))
}

#[test]
fn equal_versions_have_no_effect() {
    let (effect, changes) = Case::new().effect(&rows(), &parents());
    assert!(changes.is_empty() && effect.touched == 0 && effect.causes.is_empty());
    assert_eq!((effect.source_rows, effect.entities["rad"].unchanged), (4, 4));
}

#[test]
fn a_code_changes_the_rows_that_use_it_and_no_others() {
    let case = Case::new().edit("codes/typ.csv", "s,A,alfa,Alfa", "s,A,beta,Alfa");
    let (effect, _) = case.effect(&rows(), &parents());
    let entity = &effect.entities["rad"];
    assert_eq!((effect.touched, entity.moves, entity.unchanged), (2, moves(0, 0, 2), 2));
    let field = &entity.fields["kod"];
    assert_eq!(entity.fields.len(), 1, "mapping_version is not compared");
    assert_eq!(field.values, Some(BTreeMap::from([(pair(Some("alfa"), Some("beta")), 2)])));
    assert_eq!(field.examples[0].key.expose(), "1");
    assert_eq!(field.examples[0].after, Shown::Value("beta".to_owned()));
    assert_eq!(effect.causes[&0], CauseEffect { source_rows: 2, moves: moves(0, 0, 2), fields: 2 });
    assert_eq!(effect.unexplained, CauseEffect::default());
    let places: Vec<_> =
        effect.places.iter().map(|((area, _), moves)| (area.as_str(), moves.changed)).collect();
    assert_eq!(places, [("BU", 1), ("EB", 1)]);
}

#[test]
fn one_period_of_a_code_is_told_from_another() {
    let case = Case::new().edit("codes/typ.csv", "s,P,forr", "s,P,fordom").edit(
        "codes/typ.csv",
        "s,P,sedan",
        "s,P,nu",
    );
    let (effect, changes) = case.effect(&rows(), &parents());
    assert_eq!(changes.len(), 2);
    let rows: Vec<u64> = effect.causes.values().map(|cause| cause.source_rows).collect();
    assert_eq!(rows, [1, 1]);
}

#[test]
fn a_rule_a_lookup_and_a_policy_are_told_apart() {
    let case = Case::new()
        .edit("s/T.toml", "{ from = \"FRAN\", fn = \"date\" }", "{ from = \"TILL\", fn = \"date\" }")
        .edit("s/T.toml", "on = { PID = \"ID\" }", "on = { PID = \"NAMN\" }")
        .edit(
            "s/T.toml",
            "from = [\"FRAN\", \"TILL\"]",
            "from = [\"FRAN\", \"TILL\"]\naction = \"quarantine\"",
        );
    let (effect, changes) = case.effect(&rows(), &parents());
    let of = |aspect: &str, lookup: bool| {
        let at = changes.iter().position(|change| {
            change.aspect == aspect && (change.kind == bron_mappings::comparison::Kind::Lookup) == lookup
        });
        effect.causes[&at.unwrap()]
    };
    assert_eq!(of("rule", false).fields, 3, "row 2 is held back, so its date is nowhere");
    assert_eq!(of("", true).fields, 2);
    let policy = of("action", false);
    assert_eq!((policy.source_rows, policy.moves), (1, moves(0, 1, 0)));
    let held = Fate::Quarantined(bron_mappings::ReasonCode::EndBeforeStart);
    assert_eq!(effect.fates, BTreeMap::from([((Some(Fate::Loaded), Some(held)), 1)]));
    let example = &effect.entities["rad"].examples[0];
    assert_eq!((example.key.expose().as_str(), example.appears, example.after), ("2", false, Some(held)));
    assert_eq!(effect.unexplained, CauseEffect::default());
}

#[test]
fn marks_come_from_the_check_or_the_field_that_sets_them() {
    let case = Case::new()
        .edit(
            "s/T.toml",
            "fn = \"ends_before_start\"\nfrom = [\"FRAN\", \"TILL\"]",
            "fn = \"ends_before_start\"\nfrom = [\"TILL\", \"FRAN\"]",
        )
        .edit("codes/typ.csv", "s,A,alfa,Alfa,equal,,,approved,x,\n", "");
    let (effect, changes) = case.effect(&rows(), &parents());
    assert_eq!(changes.len(), 2);
    let flags = &effect.entities["rad"].fields["dq_flags"];
    let values = flags.values.clone().unwrap();
    assert_eq!(values[&pair(None, Some("D18"))], 2);
    assert_eq!(values[&pair(Some("D24"), None)], 1);
    assert_eq!(values[&pair(None, Some("D24"))], 3);
    assert_eq!(effect.unexplained, CauseEffect::default());
    assert!(effect.entities["rad"].fields["verbatim"].values.is_none(), "the source's texts never leave");
    assert_eq!(effect.entities["rad"].fields["verbatim"].examples, [], "nor do the keys behind them");
}

#[test]
fn another_key_makes_other_rows() {
    let case = Case::new().edit("s/T.toml", "id = { id = [\"ID\"] }", "id = { id = [\"ID\"], part = \"x\" }");
    let (effect, _) = case.effect(&rows(), &parents());
    assert_eq!(effect.entities["rad"].moves, moves(4, 4, 0));
    assert_eq!(effect.causes[&0].moves, moves(4, 4, 0));
}

#[test]
fn targets_and_exclusions_are_counted() {
    let more = "[[target]]\nentity = \"annan\"\nwhen = { column = \"KOD\", in = [\"A\"] }\n[target.fields]\n\
        id = { id = [\"ID\"] }\ndatum = { from = \"FRAN\", fn = \"date\" }\n";
    let less = "[[exclude]]\nreason = \"utanfor_omfattning\"\nabout = \"x\"\n\
        when = { column = \"VO\", in = [\"BU\"] }\n";
    let case = Case::new().edit("s/T.toml", "[scope]", &format!("{less}[scope]"));
    let mut case = case;
    case.after.get_mut("s/T.toml").unwrap().push_str(more);
    let (effect, changes) = case.effect(&rows(), &parents());
    assert_eq!(effect.entities["annan"].moves, moves(1, 0, 0), "row 3 is left out");
    assert_eq!(effect.entities["rad"].moves, moves(0, 1, 0));
    assert_eq!((changes.len(), effect.causes.len(), effect.unexplained), (2, 2, CauseEffect::default()));
}

#[test]
fn sums_are_kept_of_amounts_and_values_of_persons_are_not() {
    let case = Case::new().edit(
        "s/T.toml",
        "ore = { from = \"BEL\", fn = \"ore\" }",
        "ore = { from = \"BEL\", fn = \"ore\", default = \"5\" }",
    );
    let mut case = case;
    for files in [&mut case.before, &mut case.after] {
        let model = files.get_mut("model/m.toml").unwrap();
        *model = model.replace("label = \"Belopp\"", "label = \"Belopp\", protection = \"person\"");
    }
    let (effect, _) = case.effect(&rows(), &parents());
    let field = &effect.entities["rad"].fields["ore"];
    assert_eq!((field.changed, &field.sums, &field.values), (1, &None, &None));
    assert_eq!((&field.examples[0].before, &field.examples[0].after), (&Shown::Empty, &Shown::Masked));
    for files in [&mut case.before, &mut case.after] {
        let model = files.get_mut("model/m.toml").unwrap();
        *model = model.replace(", protection = \"person\"", "");
    }
    let (effect, _) = case.effect(&rows(), &parents());
    assert_eq!(effect.entities["rad"].fields["ore"].sums, Some((0, 5)));
}

#[test]
fn the_cut_into_batches_does_not_matter() {
    let case = Case::new().edit("codes/typ.csv", "s,A,alfa", "s,A,beta").edit(
        "s/T.toml",
        "from = [\"FRAN\", \"TILL\"]",
        "from = [\"FRAN\", \"TILL\"]\naction = \"quarantine\"",
    );
    let whole = case.effect(&rows(), &parents()).0;
    for size in [1, 2, 3] {
        let batch = rows();
        let cuts = (0..batch.rows()).step_by(size);
        let batches: Vec<Batch> = cuts.map(|at| batch.slice(at, size.min(batch.rows() - at))).collect();
        assert_eq!(case.effect_in(&batches, &parents()).0, whole);
    }
}

#[test]
fn a_field_with_many_values_has_no_distribution_however_it_is_cut() {
    let lines: Vec<String> = (0..300).map(|at| format!("{at}|A|2011-01-01|-|-|{at}|EB")).collect();
    let batch = table("ID KOD FRAN TILL BEL PID VO", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let parents: Vec<String> = (0..300).map(|at| format!("{at}|n{at}|m{at}")).collect();
    let parents = table("ID NAMN ANNAT", &parents.iter().map(String::as_str).collect::<Vec<_>>());
    let case = Case::new().edit("s/T.toml", "p.NAMN", "p.ANNAT");
    for size in [300, 200, 7] {
        let cuts = (0..batch.rows()).step_by(size);
        let batches: Vec<Batch> = cuts.map(|at| batch.slice(at, size.min(batch.rows() - at))).collect();
        let field = case.effect_in(&batches, &parents).0.entities["rad"].fields["text"].clone();
        assert_eq!((field.changed, field.values, field.examples.len()), (300, None, 5));
    }
}
