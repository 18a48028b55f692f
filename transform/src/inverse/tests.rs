use bron_mappings::{Batch, EntityId};

use super::*;
use crate::fixture::{SECRET, only, rules, run, set_with, table};

/// One row mapped: the source row and what it became.
fn mapped(set: &MappingSet, batch: &Batch) -> (SourceTexts, Vec<EntityRow>) {
    let columns = batch.schema().columns();
    let texts = columns.iter().enumerate().filter_map(|(at, column)| {
        let text = batch.cells(at).text(0)?;
        Some((column.name.clone(), SourceText::Text(text.to_owned())))
    });
    let done = run(set, batch, &[]);
    let rows = done.entities.iter().flat_map(|(name, rows)| {
        let entity = set.model.entity(name).unwrap();
        (0..rows.rows()).map(|at| EntityRow::of(entity, rows, at))
    });
    (texts.collect(), rows.collect())
}

fn no_keys(_: &str, _: [u8; 16]) -> Option<String> {
    None
}

fn text(text: &str) -> Option<SourceText> {
    Some(SourceText::Text(text.to_owned()))
}

fn way<'i>(inverter: &'i Inverter<'_>, field: &str) -> &'i WayBack {
    &inverter.fields().iter().find(|one| one.field == field).unwrap().way
}

const RULES: &str = "text = { from = \"A\" }\n\
    kod = { from = \"A\", codes = \"typ\", date = \"B\" }\ndatum = { from = \"B\", fn = \"open_end_date\" }\n\
    sant = { const = true }\n";

#[test]
fn a_row_that_nobody_changed_comes_back_as_it_was() {
    let set = rules(RULES);
    let inverter = Inverter::new(&set, only(&set), &SECRET).unwrap();
    for row in ["1|A|2014-10-31 00:00:00", "1|X|9999-12-31", "1|-|1900-01-01", "1|P|"] {
        let (texts, rows) = mapped(&set, &table("ID A B", &[row]));
        let put = inverter.put(&rows, Some(Kept { texts: &texts, rows: &rows }), &no_keys);
        assert_eq!(put.refused, [], "{row}");
        for (column, written) in &put.columns {
            assert_eq!(*written, Written::Exact(texts.get(column).cloned()), "{row} {column}");
        }
    }
}

#[test]
fn a_changed_field_is_written_and_the_others_are_kept() {
    let set = rules(RULES);
    let inverter = Inverter::new(&set, only(&set), &SECRET).unwrap();
    let (texts, rows) = mapped(&set, &table("ID A B", &["1|A|2014-10-31 00:00:00"]));
    let kept = Kept { texts: &texts, rows: &rows };
    let change = |field: &str, value: Option<Cell<'static>>| {
        let mut rows = rows.clone();
        match value {
            Some(value) => drop(rows[0].fields.insert(field.to_owned(), value)),
            None => drop(rows[0].fields.remove(field)),
        }
        inverter.put(&rows, Some(kept), &no_keys)
    };
    let put = change("kod", Some(Cell::Text("sedan".into())));
    assert_eq!((&put.columns["A"], &put.refused[..]), (&Written::Exact(text("P")), &[][..]));
    assert_eq!(put.columns["B"], Written::Exact(text("2014-10-31 00:00:00")));
    assert_eq!(change("datum", Some(Cell::Date(0))).columns["B"], Written::Exact(text("1970-01-01")));
    assert_eq!(change("datum", None).columns["B"], Written::Exact(None));
    for (field, value, reason) in [
        ("kod", Cell::Text("forr".into()), "no text of the column reads as the value"),
        ("datum", Cell::Date(-25_567), "no text of the column reads as the value"),
        ("sant", Cell::Bool(false), "a constant"),
    ] {
        let put = change(field, Some(value));
        let refused: Vec<_> =
            put.refused.iter().map(|one| (one.field.as_str(), one.reason.as_str())).collect();
        assert_eq!(refused, [(field, reason)]);
    }
}

#[test]
fn without_what_was_kept_every_field_speaks() {
    let set = rules(RULES);
    let inverter = Inverter::new(&set, only(&set), &SECRET).unwrap();
    let (_, rows) = mapped(&set, &table("ID A B", &["1|A|9999-12-31"]));
    let put = inverter.put(&rows, None, &no_keys);
    assert_eq!(put.columns["B"], Written::Exact(text("9999-12-31")), "the text kept in `verbatim`");
    assert_eq!(put.columns["A"], Written::Exact(text("A")));
    assert_eq!(put.columns["ID"], Written::Exact(text("1")));
    let mut apart = rows;
    apart[0].fields.insert("text".to_owned(), Cell::Text("U".into()));
    let put = inverter.put(&apart, None, &no_keys);
    assert_eq!(put.columns["A"], Written::NotWritable(put.refused[0].reason.clone()));
    assert_eq!(put.refused.len(), 2, "both fields: they do not agree");
}

#[test]
fn a_reference_is_written_with_the_key_of_the_row_it_names() {
    let other = "format = 1\nmapping = \"s/ANNAN\"\nowner = \"o\"\ndecision = \"d\"\nexamples = 0\n\
        [source]\nsystem = \"s\"\n\
        table = \"ANNAN\"\nkey = [\"K\", \"L\"]\n[[target]]\nentity = \"annan\"\n[target.fields]\n\
        id = { id = [\"L\", \"K\"] }\n";
    let rule = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
        annan_id = { ref = \"annan\", from = [\"A\", \"B\"], table = \"ANNAN\" }\n";
    let set = set_with(rule, &[("s/ANNAN.toml", other)]);
    let mapping = set.mapping("s", "T").unwrap();
    let inverter = Inverter::new(&set, mapping, &SECRET).unwrap();
    assert_eq!(*way(&inverter, "annan_id"), WayBack::Exact);
    let row = EntityRow {
        entity: "rad".to_owned(),
        fields: BTreeMap::from([
            ("src_key".to_owned(), Cell::Text("1".into())),
            ("annan_id".to_owned(), Cell::Id([5; 16])),
        ]),
    };
    let keys = |entity: &str, id: [u8; 16]| (entity == "annan" && id == [5; 16]).then(|| "k|l".to_owned());
    let put = inverter.put(std::slice::from_ref(&row), None, &keys);
    assert_eq!(
        (&put.columns["A"], &put.columns["B"]),
        (&Written::Exact(text("l")), &Written::Exact(text("k")))
    );
    let put = inverter.put(&[row], None, &no_keys);
    assert_eq!(put.refused.len(), 1, "once for the field: {:?}", put.refused);
}

#[test]
fn what_is_lost_and_what_cannot_be_written_is_said() {
    let codes = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
        s,A,alfa,,wider,,,approved,x,\ns,B,alfa,,equal,,,approved,x,\ns,U,,,unmatched,,,approved,x,\n";
    let lines = "[[parent]]\nname = \"p\"\ntable = \"P\"\non = { A = \"ID\" }\n\
        [[first]]\nname = \"slut\"\nfrom = [\"A\", \"B\"]\n[[target]]\nentity = \"rad\"\n[target.fields]\n\
        id = { id = [\"ID\"] }\nkod = { from = \"A\", codes = \"typ\" }\ntext = { from = \"p.X\" }\n\
        tid = { from = \"slut\", fn = \"time\" }\ntal = { from = \"B\", fn = \"int\", default = \"0\" }\n\
        sant = { from = \"C\", fn = \"present\" }\nbyte = { from = \"_rad\", fn = \"bytes\" }\n\
        [ignore]\nRV = \"radversion\"\n";
    let set = set_with(lines, &[("codes/typ.csv", codes)]);
    let inverter = Inverter::new(&set, only(&set), &SECRET).unwrap();
    for (field, expected) in [
        ("id", WayBack::Exact),
        ("kod", WayBack::Lossy("`alfa` is A or B; an empty value is U, or no code".to_owned())),
        ("text", WayBack::NotWritable("`p.X` is read from another row".to_owned())),
        ("tid", WayBack::NotWritable("`slut` is the first of several texts".to_owned())),
        ("tal", WayBack::Lossy("an empty text becomes `0`".to_owned())),
        ("sant", WayBack::NotWritable("`present`: Lost: the text.".to_owned())),
        ("byte", WayBack::NotWritable("`_rad` was added by the extraction".to_owned())),
    ] {
        assert_eq!(*way(&inverter, field), expected, "{field}");
    }
    let columns: Vec<(&str, bool)> = inverter
        .columns()
        .iter()
        .map(|one| (one.column.as_str(), matches!(one.way, WayBack::NotWritable(_))))
        .collect();
    assert_eq!(columns, [("A", false), ("B", false), ("C", true), ("ID", false), ("RV", true)]);
    let (_, rows) = mapped(&set, &table("ID A B C _rad", &["1|A|5|x|9"]));
    let put = inverter.put(&rows, None, &no_keys);
    let lost = "`alfa` is B or A".to_owned();
    assert_eq!(put.columns["A"], Written::Lossy(text("B"), lost), "the code that says the same goes first");
}

#[test]
fn rows_are_told_apart_by_part_and_strangers_are_refused() {
    let target = |part: &str, column: &str| {
        format!(
            "[[target]]\nentity = \"rad\"\n[target.fields]\nid = {{ id = [\"ID\"], part = \"{part}\" }}\n\
             text = {{ from = \"{column}\" }}\n"
        )
    };
    let set = crate::fixture::set(&format!("{}{}", target("ett", "A"), target("annat", "B")));
    let inverter = Inverter::new(&set, only(&set), &SECRET).unwrap();
    let (texts, rows) = mapped(&set, &table("ID A B", &["1|a|b"]));
    let put = inverter.put(&rows, None, &no_keys);
    assert_eq!(
        (&put.columns["A"], &put.columns["B"]),
        (&Written::Exact(text("a")), &Written::Exact(text("b")))
    );
    let mut strange = rows.clone();
    let key = bron_mappings::SourceKey::new("s", "T", [Some("2")]);
    let id = *EntityId::derive(&SECRET, "rad", &key).as_bytes();
    strange[0].fields.insert("id".to_owned(), Cell::Id(id));
    let put = inverter.put(&strange, Some(Kept { texts: &texts, rows: &rows }), &no_keys);
    let reasons: Vec<&str> = put.refused.iter().map(|one| one.reason.as_str()).collect();
    let gone = "the row is gone, and its source row is not";
    assert_eq!(reasons, ["no target of the mapping makes such a row", gone]);
}

#[test]
fn every_shipped_mapping_has_a_way_back_for_its_key() {
    let (set, found) = crate::fixture::shipped();
    assert_eq!(found, []);
    for mapping in &set.mappings {
        let inverter = Inverter::new(&set, mapping, &SECRET).unwrap();
        assert!(inverter.fields().iter().any(|one| one.way == WayBack::Exact), "{}", mapping.id);
        for key in mapping.key.iter().filter(|key| !key.name.starts_with('_')) {
            let column = inverter.columns().iter().find(|one| one.column == key.name).unwrap();
            assert_eq!(column.way, WayBack::Exact, "{} {}", mapping.id, key.name);
        }
    }
}
