//! What every follower must do, whatever database it is: the cases, and what only a server can do.

#[cfg(feature = "postgres-tests")]
mod postgres;

use std::collections::BTreeMap;

use bron_load::{PartId, Retirement, RunIds, Target, open};
use bron_mappings::{Batch, ColumnBuilder, Digest, EntityId, FieldType, Model, SourceKey, Value};
use bron_transform::SourceText;
use sqlx::{Connection, Row};

use crate::change::{CutId, Image, MODEL_SYSTEM, Stream, Version};
use crate::follower::{Applied, ApplyWork, Expected, Follower, RowWrite};
use crate::mapped::model_image;
use crate::ownership::{Epoch, Owner, Ownership};
use crate::scope::{Scope, Side};
use crate::{Delivery, ErrorKind, Followed, LegacyTable, SqliteFollower};

/// A place where one test may do as it likes.
trait Home {
    fn target(&self) -> Target;
    fn execute(&self, sql: &'static str);
    /// One column of texts.
    fn texts(&self, sql: &'static str) -> Vec<String>;
    fn follower(&self, followed: &Followed) -> Box<dyn Follower>;
    /// A trigger that leaves the row of `SAK` out whose `NAMN` is `borta`.
    const SWALLOW: &'static str;
}

/// A SQLite file in a directory of its own.
struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("f.db")
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&mut sqlx::SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options =
                sqlx::sqlite::SqliteConnectOptions::new().filename(self.path()).create_if_missing(true);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            let done = work(&mut connection).await;
            connection.close().await.unwrap();
            done
        })
    }
}

impl Home for File {
    fn target(&self) -> Target {
        Target::Sqlite(self.path())
    }

    fn execute(&self, sql: &'static str) {
        self.with(async |connection| sqlx::raw_sql(sql).execute(connection).await.map(drop)).unwrap();
    }

    fn texts(&self, sql: &'static str) -> Vec<String> {
        let rows = self.with(async |connection| sqlx::query(sql).fetch_all(connection).await).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn follower(&self, followed: &Followed) -> Box<dyn Follower> {
        Box::new(SqliteFollower::open(&self.path(), followed).unwrap())
    }

    const SWALLOW: &'static str = "CREATE TRIGGER svalj BEFORE INSERT ON \"SAK\" WHEN NEW.\"NAMN\" = 'borta' \
         BEGIN SELECT RAISE(IGNORE); END";
}

const MODEL: &str = r#"
format = 1
[[entity]]
name = "insats"
label = "Insats"
about = "En insats"
retention = "sol-12-1"
sekretess = "osl_26_1"
fields = [
  { name = "text", type = "text", label = "Text" },
  { name = "datum", type = "date", label = "Datum" },
  { name = "tid", type = "time", label = "Tid" },
  { name = "tal", type = "int", label = "Tal" },
  { name = "sant", type = "bool", label = "Sant" },
  { name = "belopp", type = "decimal", scale = 2, label = "Belopp" },
  { name = "byte", type = "bytes", label = "Byte" },
]
"#;

fn model() -> Model {
    let (model, found) = Model::parse([("model/test.toml", MODEL)]);
    assert!(found.is_empty(), "{found:?}");
    model
}

const TIME: i64 = 1_600_000_000_120_000;

/// Rows of `insats` with these numbers and texts.
fn batch(model: &Model, rows: &[(u16, &str)]) -> Batch {
    let entity = model.entity("insats").unwrap();
    let columns = entity.fields.iter().map(|field| {
        let mut cells = ColumnBuilder::new(field.kind.column(), rows.len());
        for (number, text) in rows {
            cells.push(match (field.name.as_str(), &field.kind) {
                ("id", _) => Some(Value::Id(*id(*number).as_bytes())),
                ("text", _) => Some(Value::Text(text)),
                ("verbatim", _) | (_, FieldType::Ref { .. }) => None,
                (_, FieldType::Date) => Some(Value::Date(i32::from(*number))),
                (_, FieldType::Time) => Some(Value::Time(TIME)),
                (_, FieldType::Int) => Some(Value::Int(-5)),
                (_, FieldType::Bool) => Some(Value::Bool(true)),
                (_, FieldType::Decimal { .. }) => Some(Value::Decimal(-5)),
                (_, FieldType::Bytes) => Some(Value::Bytes(&[0, 255])),
                (name, _) => Some(Value::Text(if name == "src_system" { "paraply" } else { "T" })),
            });
        }
        cells.finish()
    });
    Batch::new(entity.schema(), columns.collect(), rows.len()).unwrap()
}

fn id(number: u16) -> EntityId {
    let mut id = [0x80; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    EntityId::from_bytes(id)
}

fn key(number: u16) -> SourceKey {
    SourceKey::new(MODEL_SYSTEM, "insats", [Some(id(number).to_string().as_str())])
}

fn row(number: u16, text: &str) -> Image {
    let model = model();
    model_image(model.entity("insats").unwrap(), &batch(&model, &[(number, text)]), 0, &|id| id)
}

fn stream() -> Stream {
    Stream { source: "paraply".to_owned(), from: Owner::Legacy }
}

fn scope() -> Scope {
    Scope { area: "ekonomiskt-bistand".to_owned(), namnd: "SDN03".to_owned(), side: Side::Myndighet }
}

fn cause(number: u16) -> SourceKey {
    SourceKey::new("paraply", "T", [Some(number.to_string().as_str())])
}

fn write(key: SourceKey, before: Option<&Image>, after: Option<Image>, version: u64) -> RowWrite {
    let expected = before.map_or(Expected::Absent, |image| Expected::Content(image.digest()));
    let version = Version { major: version, minor: 0 };
    let cause = SourceKey::new("paraply", "T", key.values());
    RowWrite { key, scope: scope(), expected, after, version, cause }
}

fn work(cut: u64, writes: Vec<RowWrite>) -> ApplyWork {
    let epochs = vec![(scope(), Epoch::default())];
    ApplyWork { stream: stream(), cut: CutId(cut), epochs, writes, settled: Vec::new() }
}

/// The tables of the model as loading makes them.
fn loaded(home: &impl Home, rows: &[(u16, &str)]) -> Followed {
    let model = model();
    let mut sink = open(&home.target()).unwrap();
    sink.prepare(&model, &["insats"]).unwrap();
    let part = PartId {
        entity: "insats".to_owned(),
        part: "paraply/T/part-0".to_owned(),
        content: Digest::of(b"1"),
    };
    sink.begin(&model, &["insats"], &run("1")).unwrap();
    sink.write(model.entity("insats").unwrap(), &part, &batch(&model, rows), &run("1")).unwrap();
    sink.finish(&model, &["insats"], &run("1")).unwrap();
    Followed::model(&model)
}

fn run(name: &str) -> RunIds {
    RunIds { extract_run_id: name.to_owned(), load_run_id: name.to_owned() }
}

fn committed(follower: &mut dyn Follower, work: &ApplyWork) {
    assert_eq!(follower.apply(work).unwrap(), Applied::Committed);
}

fn rows_of_the_model_are_written_with_history_and_receipt<H: Home>(home: &H) {
    let followed = loaded(home, &[(1, "ett"), (2, "två")]);
    let mut follower = home.follower(&followed);
    assert_eq!(follower.delivery(), Delivery::ExactlyOnce);
    let keys = [key(1), key(2), key(3)];
    assert!(
        follower.current(&keys).unwrap() == [Some(row(1, "ett")), Some(row(2, "två")), None],
        "what loading wrote reads as the lens would write it"
    );
    let (one, two) = (row(1, "ett"), row(2, "två"));
    let writes = vec![
        write(key(3), None, Some(row(3, "tre")), 1),
        write(key(1), Some(&one), Some(row(1, "ETT")), 1),
        write(key(2), Some(&two), None, 1),
    ];
    committed(&mut *follower, &work(1, writes));
    assert!(follower.current(&keys).unwrap() == [Some(row(1, "ETT")), None, Some(row(3, "tre"))]);
    let history =
        home.texts("SELECT \"text\" || ended_by_run || ended_because FROM bron_history_insats ORDER BY 1");
    assert_eq!(history, ["ettbridge/paraply/legacyreplaced", "tvåbridge/paraply/legacygone"]);
    let runs = home.texts("SELECT load_run_id FROM insats ORDER BY \"text\"");
    assert_eq!(runs, ["bridge/paraply/legacy"; 2]);
    let receipts = home.texts(
        "SELECT part || ' ' || CAST(row_count AS text) || ' ' || CAST(superseded AS text) FROM bron_receipt ORDER BY 1",
    );
    assert_eq!(receipts, ["paraply/T/bridge 3 0", "paraply/T/part-0 2 1"]);
}

fn a_later_load_goes_on_from_what_the_bridge_wrote<H: Home>(home: &H) {
    let followed = loaded(home, &[(1, "ett"), (2, "två")]);
    let mut follower = home.follower(&followed);
    let one = row(1, "ett");
    let writes =
        vec![write(key(1), Some(&one), Some(row(1, "ETT")), 1), write(key(3), None, Some(row(3, "tre")), 1)];
    committed(&mut *follower, &work(1, writes));
    let model = model();
    let entity = model.entity("insats").unwrap();
    let mut sink = open(&home.target()).unwrap();
    sink.prepare(&model, &["insats"]).unwrap();
    let part = |name: &str| PartId {
        entity: "insats".to_owned(),
        part: format!("paraply/T/{name}"),
        content: Digest::of(name.as_bytes()),
    };
    sink.begin(&model, &["insats"], &run("2")).unwrap();
    let rows = batch(&model, &[(1, "ETT"), (2, "ny")]);
    let counts = sink.write(entity, &part("part-0"), &rows, &run("2")).unwrap().counts();
    assert_eq!((counts.unchanged, counts.updated), (1, 1));
    let gone =
        Retirement { system: "paraply".to_owned(), table: "T".to_owned(), because: bron_load::Ended::Gone };
    let retired = sink.retire(entity, &part("gone/1"), &[id(3)], &gone, &run("2")).unwrap();
    assert_eq!(retired.counts().retired, 1, "a row that the bridge wrote is retired as any other");
}

fn a1_the_offset_tells_that_a_cut_was_applied<H: Home>(home: &H) {
    let followed = loaded(home, &[]);
    let mut follower = home.follower(&followed);
    assert_eq!(follower.offset(&stream()).unwrap(), None);
    let first = work(4, vec![write(key(1), None, Some(row(1, "ett")), 7)]);
    committed(&mut *follower, &first);
    let mut again = home.follower(&followed);
    assert_eq!(again.offset(&stream()).unwrap(), Some(CutId(4)));
    assert_eq!(again.apply(&first).unwrap(), Applied::Already);
    let other = Stream { from: Owner::New, ..stream() };
    assert_eq!(again.offset(&other).unwrap(), None, "each stream has an offset of its own");
    let applied = again.applied(&stream(), &[cause_of(1), cause(9)]).unwrap();
    let entry = applied[0].as_ref().unwrap();
    assert_eq!(entry.version, Version { major: 7, minor: 0 });
    assert_eq!((entry.content, &applied[1]), (Some(row(1, "ett").digest()), &None));
    let gone = work(5, vec![write(key(1), Some(&row(1, "ett")), None, 8)]);
    committed(&mut *again, &gone);
    let entry = again.applied(&stream(), &[cause_of(1)]).unwrap().remove(0).unwrap();
    assert_eq!((entry.version.major, entry.content), (8, None), "a tombstone");
    let mut settled = work(6, Vec::new());
    settled.settled = vec![(cause(9), Version { major: 9, minor: 1 })];
    committed(&mut *again, &settled);
    let entry = again.applied(&stream(), &[cause(9)]).unwrap().remove(0).unwrap();
    assert_eq!((entry.version, entry.content), (Version { major: 9, minor: 1 }, None));
}

/// The cause that [`write`] gives a row of the model.
fn cause_of(number: u16) -> SourceKey {
    SourceKey::new("paraply", "T", key(number).values())
}

fn a2_a_row_that_is_not_what_was_expected_is_a_conflict<H: Home>(home: &H) {
    let followed = loaded(home, &[(1, "ett")]);
    let mut follower = home.follower(&followed);
    let writes = vec![
        write(key(1), None, Some(row(1, "annat")), 1),
        write(key(1), Some(&row(1, "fel")), None, 1),
        write(key(2), Some(&row(2, "fel")), Some(row(2, "x")), 1),
        write(key(3), None, Some(row(3, "tre")), 1),
    ];
    let Applied::Conflicts(met) = follower.apply(&work(1, writes)).unwrap() else { panic!("no conflict") };
    let places: Vec<usize> = met.iter().map(|met| met.write).collect();
    assert_eq!(places, [0, 1, 2]);
    assert!(met[0].current == Some(row(1, "ett")) && met[2].current.is_none());
    assert!(
        follower.current(&[key(1), key(3)]).unwrap() == [Some(row(1, "ett")), None],
        "nothing is written"
    );
    assert_eq!(follower.offset(&stream()).unwrap(), None);
}

const SAK: &str = "CREATE TABLE \"SAK\" (\"NR\" integer PRIMARY KEY, \"NAMN\" varchar(9000), \
     \"KOD\" varchar(10) UNIQUE, \
     \"FAST\" char(6), \"BELOPP\" numeric(12,2), \"DAG\" text DEFAULT '1900-01-01', \"TID\" text, \
     \"FAR\" integer REFERENCES \"SAK\" (\"NR\"), CHECK (length(\"KOD\") <= 10))";

fn legacy() -> Followed {
    Followed::Legacy(vec![LegacyTable {
        system: "paraply".to_owned(),
        table: "SAK".to_owned(),
        key: vec!["NR".to_owned()],
    }])
}

fn sak_key(number: u32) -> SourceKey {
    SourceKey::new("paraply", "SAK", [Some(number.to_string().as_str())])
}

fn sak(number: u32, columns: &[(&str, &str)]) -> Image {
    let mut texts: BTreeMap<String, SourceText> = columns
        .iter()
        .map(|(name, text)| ((*name).to_owned(), SourceText::Text((*text).to_owned())))
        .collect();
    texts.insert("NR".to_owned(), SourceText::Text(number.to_string()));
    Image::new(texts)
}

fn back(cut: u64, writes: Vec<RowWrite>) -> ApplyWork {
    ApplyWork { stream: Stream { source: "model".to_owned(), from: Owner::Legacy }, ..work(cut, writes) }
}

fn a2_a_row_that_a_trigger_leaves_out_is_a_conflict<H: Home>(home: &H) {
    home.execute(SAK);
    home.execute(H::SWALLOW);
    let mut follower = home.follower(&legacy());
    let writes = vec![
        write(sak_key(1), None, Some(sak(1, &[("NAMN", "kvar")])), 1),
        write(sak_key(2), None, Some(sak(2, &[("NAMN", "borta")])), 1),
    ];
    let Applied::Conflicts(met) = follower.apply(&back(1, writes)).unwrap() else { panic!("no conflict") };
    assert_eq!(met.iter().map(|met| met.write).collect::<Vec<_>>(), [1]);
}

fn a4_a_large_cut_is_one_transaction<H: Home>(home: &H) {
    const ROWS: u16 = 3000;
    let followed = loaded(home, &[]);
    let mut follower = home.follower(&followed);
    let all = |text: &str, before: Option<&str>| {
        let write = |number| {
            let before = before.map(|text| row(number, text));
            write(key(number), before.as_ref(), Some(row(number, text)), 1)
        };
        (0..ROWS).map(write).collect::<Vec<_>>()
    };
    committed(&mut *follower, &work(1, all("först", None)));
    let mut second = all("sedan", Some("först"));
    second.push(write(key(1), None, Some(row(1, "fel")), 2));
    let Applied::Conflicts(met) = follower.apply(&work(2, second.clone())).unwrap() else {
        panic!("no conflict")
    };
    assert_eq!(met.len(), 1);
    assert_eq!(home.texts("SELECT DISTINCT \"text\" FROM insats"), ["först"], "none of it is written");
    second.pop();
    committed(&mut *follower, &work(2, second));
    assert_eq!(home.texts("SELECT DISTINCT \"text\" FROM insats"), ["sedan"]);
    assert_eq!(home.texts("SELECT CAST(count(*) AS text) FROM bron_history_insats"), [ROWS.to_string()]);
}

fn a5_a_value_that_another_row_has_is_a_conflict_in_either_order<H: Home>(home: &H) {
    home.execute(SAK);
    let mut follower = home.follower(&legacy());
    let first = write(sak_key(1), None, Some(sak(1, &[("KOD", "a")])), 1);
    committed(&mut *follower, &back(1, vec![first]));
    for (cut, numbers) in [(2, [2, 3]), (3, [3, 2])] {
        let code = |number| if number == 2 { "a" } else { "b" };
        let writes = numbers
            .map(|number| write(sak_key(number), None, Some(sak(number, &[("KOD", code(number))])), 1));
        let Applied::Conflicts(met) = follower.apply(&back(cut, writes.to_vec())).unwrap() else {
            panic!("no conflict")
        };
        assert_eq!(met.len(), 1);
        assert_eq!(numbers[met[0].write], 2);
        assert!(
            met[0].constraint.as_ref().is_some_and(|name| name.contains("KOD")),
            "{:?}",
            met[0].constraint
        );
    }
    // The one that has the value gives it up in the same cut, before the other takes it.
    let one = follower.current(&[sak_key(1)]).unwrap().remove(0);
    let writes = vec![
        write(sak_key(1), one.as_ref(), None, 2),
        write(sak_key(2), None, Some(sak(2, &[("KOD", "a")])), 2),
    ];
    committed(&mut *follower, &back(4, writes));
}

fn a6_a_child_waits_for_its_parent<H: Home>(home: &H) {
    home.execute(SAK);
    let mut follower = home.follower(&legacy());
    let parent = write(sak_key(1), None, Some(sak(1, &[])), 1);
    let child = write(sak_key(2), None, Some(sak(2, &[("FAR", "1")])), 1);
    let alone = follower.apply(&back(1, vec![child.clone()])).unwrap();
    assert!(matches!(&alone, Applied::Conflicts(met) if met[0].constraint.is_some()), "{alone:?}");
    committed(&mut *follower, &back(1, vec![parent, child]));
    let rows = follower.current(&[sak_key(1), sak_key(2)]).unwrap();
    let writes =
        vec![write(sak_key(2), rows[1].as_ref(), None, 2), write(sak_key(1), rows[0].as_ref(), None, 2)];
    committed(&mut *follower, &back(2, writes));
}

fn a7_a_write_of_an_older_epoch_is_refused_in_the_transaction<H: Home>(home: &H) {
    let followed = loaded(home, &[]);
    let mut follower = home.follower(&followed);
    assert_eq!(follower.ownership(&scope()).unwrap(), None);
    let writes = vec![write(key(1), None, Some(row(1, "ett")), 1)];
    let late = work(2, writes.clone());
    committed(&mut *follower, &work(1, writes));
    let handed = Ownership::original().handed_over();
    home.follower(&followed).set_ownership(&scope(), handed).unwrap();
    assert_eq!(follower.apply(&late).unwrap(), Applied::StaleEpoch(scope(), handed));
    assert_eq!(follower.ownership(&scope()).unwrap(), Some(handed));
    let older = follower.set_ownership(&scope(), Ownership::original()).unwrap_err();
    assert_eq!(older.kind(), ErrorKind::Fenced);
    let back_again = handed.handed_over();
    follower.set_ownership(&scope(), back_again).unwrap();
    assert_eq!(
        follower.apply(&late).unwrap(),
        Applied::StaleEpoch(scope(), back_again),
        "the owner alone is not enough"
    );
    assert_eq!(follower.offset(&stream()).unwrap(), Some(CutId(1)));
}

fn a10_texts_at_the_edges_come_back<H: Home>(home: &H) {
    home.execute(SAK);
    let mut follower = home.follower(&legacy());
    let long = "å".repeat(8_500);
    let rows: Vec<Image> = [
        vec![("NAMN", "slut  "), ("KOD", ""), ("BELOPP", "0.10"), ("DAG", "1900-01-01")],
        vec![
            ("NAMN", &*long),
            ("KOD", "20131022 "),
            ("DAG", "9999-12-31"),
            ("TID", "2024-10-27 02:30:00.003"),
        ],
        vec![("KOD", "\u{80}\u{2019}"), ("FAST", "ab    "), ("NAMN", "19121212-0001"), ("DAG", "")],
    ]
    .iter()
    .zip(1..)
    .map(|(columns, number)| sak(number, columns))
    .collect();
    let writes = rows.iter().zip(1..).map(|(row, number)| write(sak_key(number), None, Some(row.clone()), 1));
    committed(&mut *follower, &back(1, writes.collect()));
    let read = follower.current(&[sak_key(1), sak_key(2), sak_key(3)]).unwrap();
    for (row, read) in rows.iter().zip(&read) {
        let read = read.as_ref().unwrap();
        for (column, text) in
            row.columns().iter().filter(|(column, _)| *column != "BELOPP" && *column != "FAST")
        {
            assert!(read.columns().get(column) == Some(text), "{column}");
        }
    }
    assert!(!read[0].as_ref().unwrap().columns().contains_key("TID"), "NULL is not an empty text");
    let causes: Vec<SourceKey> =
        (1..4).map(|number: u32| SourceKey::new("paraply", "T", sak_key(number).values())).collect();
    let noted = follower.applied(&back(1, Vec::new()).stream, &causes).unwrap();
    for (noted, read) in noted.iter().zip(&read) {
        let read = read.as_ref().unwrap().digest();
        assert_eq!(noted.as_ref().unwrap().content, Some(read), "the ledger has the row as it is read");
    }
    let wide = write(sak_key(4), None, Some(sak(4, &[("KOD", "elva tecken")])), 1);
    let refused = follower.apply(&back(2, vec![wide])).unwrap();
    assert!(matches!(&refused, Applied::Conflicts(met) if met[0].constraint.is_some()), "nothing is cut off");
    let updated = sak(1, &[("NAMN", "nytt"), ("KOD", ""), ("BELOPP", "0.10"), ("DAG", "1900-01-01")]);
    let update = write(sak_key(1), read[0].as_ref(), Some(updated), 2);
    committed(&mut *follower, &back(2, vec![update]));
    assert_eq!(home.texts("SELECT \"NAMN\" FROM \"SAK\" WHERE \"NR\" = 1"), ["nytt"]);
}

fn what_is_not_there_is_named<H: Home>(home: &H) {
    home.execute(SAK);
    let mut follower = home.follower(&legacy());
    let strange = follower.apply(&back(1, vec![write(sak_key(1), None, Some(sak(1, &[("OKAND", "x")])), 1)]));
    let error = strange.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift);
    assert!(error.to_string().contains("table SAK has no column OKAND"), "{error}");
    let error = follower.current(&[key(1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

/// Makes a test of every case for one kind of home.
macro_rules! cases {
    ($home:expr => $($case:ident),+ $(,)?) => { $(
        #[test]
        fn $case() {
            super::$case(&$home);
        }
    )+ };
}

macro_rules! every_case {
    ($home:expr) => {
        crate::followers::tests::cases!($home =>
            rows_of_the_model_are_written_with_history_and_receipt, a_later_load_goes_on_from_what_the_bridge_wrote,
            a1_the_offset_tells_that_a_cut_was_applied, a2_a_row_that_is_not_what_was_expected_is_a_conflict,
            a2_a_row_that_a_trigger_leaves_out_is_a_conflict, a4_a_large_cut_is_one_transaction,
            a5_a_value_that_another_row_has_is_a_conflict_in_either_order, a6_a_child_waits_for_its_parent,
            a7_a_write_of_an_older_epoch_is_refused_in_the_transaction, a10_texts_at_the_edges_come_back,
            what_is_not_there_is_named,
        );
    };
}
pub(crate) use {cases, every_case};

mod sqlite {
    use super::{File, Home, committed, key, loaded, row, work, write};

    super::every_case!(File::new());

    #[test]
    fn the_mark_is_seen_by_triggers_and_gone_afterwards() {
        let home = File::new();
        let followed = loaded(&home, &[]);
        let mut follower = home.follower(&followed);
        home.execute(
            "CREATE TABLE sett (tag TEXT); CREATE TRIGGER se AFTER INSERT ON insats \
             BEGIN INSERT INTO sett SELECT tag FROM bridge_origin; END",
        );
        committed(&mut *follower, &work(3, vec![write(key(1), None, Some(row(1, "ett")), 1)]));
        assert_eq!(home.texts("SELECT tag FROM sett"), ["paraply/legacy/3"]);
        assert!(home.texts("SELECT tag FROM bridge_origin").is_empty());
    }

    #[test]
    fn a_transaction_that_ends_behind_the_bridge_is_an_error_and_nothing_is_half_written() {
        let home = File::new();
        let followed = loaded(&home, &[]);
        let mut follower = home.follower(&followed);
        home.execute(
            "CREATE TRIGGER full AFTER INSERT ON bridge_applied BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
        );
        let late = work(1, vec![write(key(1), None, Some(row(1, "ett")), 1)]);
        assert!(follower.apply(&late).is_err());
        assert!(home.texts("SELECT \"text\" FROM insats").is_empty());
        home.execute("DROP TRIGGER full");
        committed(&mut *follower, &late);
    }
}
