//! How fast one thread maps decisions: a million generated rows of the table BESLUT through the shipped
//! mapping, beside a loop that only reads and copies the same columns. The ratio is what ids, provenance,
//! code lists, parents and quality marks cost.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the mapping files and the clock")]
#![expect(clippy::print_stdout, reason = "a measurement prints what it found")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bron_mappings::{
    Batch, BatchSchema, ColumnBuilder, ColumnType, InstallationSecret, Mapping, MappingSet, Value,
};
use bron_transform::{Lookups, Plan, apply, needs};

const ROWS: u64 = 1_000_000;
const ROWS_OF_A_BATCH: u64 = 8_192;
const ARENDEN: u64 = 120_000;
const AKTER: u64 = 60_000;
const ROUNDS: usize = 5;

const COLUMNS: [&str; 20] = [
    "BESL_ID",
    "AR_ID",
    "UTR_ID",
    "BTYP",
    "LAGRUM",
    "BDAT",
    "GALL_FROM",
    "GALL_TOM",
    "UTFALL",
    "AVSLORS",
    "BELOPP",
    "ANTAL",
    "ENHETKOD",
    "RETRO",
    "ERS_BESL",
    "DELEG",
    "STATUS",
    "ANDDAT",
    "ANDAV",
    "RV",
];

fn main() {
    let set = mappings();
    let mapping = set.mapping("paraply", "BESLUT").expect("the mapping is shipped");
    let batches = batches();
    let lookups = lookups(&set, mapping, &batches);
    let secret = InstallationSecret::new([7; 32]);
    let plan = Plan::new(&set, mapping, batches[0].1.schema(), &secret).expect("the mapping is usable");
    let rounds = (0..ROUNDS).map(|_| {
        let mapped = time(|| map(&plan, &lookups, &batches));
        (mapped, time(|| batches.iter().map(|(_, batch)| copy(batch)).sum()))
    });
    // The shortest of some rounds is what the work takes when nothing else disturbs the machine. Both
    // kinds of work take turns, so that a disturbance meets both.
    let (mapped, copied): (Vec<Duration>, Vec<Duration>) = rounds.unzip();
    let shortest = |times: Vec<Duration>| times.into_iter().min().expect("there is at least one round");
    let (mapped, copied) = (shortest(mapped), shortest(copied));
    let speed = |time: Duration| u128::from(ROWS) * 1_000_000 / time.as_micros().max(1);
    let hundredths = mapped.as_micros() * 100 / copied.as_micros().max(1);
    println!("mapped: {} rows/s", speed(mapped));
    println!("copied: {} rows/s", speed(copied));
    println!("ratio: {}.{:02}", hundredths / 100, hundredths % 100);
}

fn time(work: impl FnOnce() -> u64) -> Duration {
    let start = Instant::now();
    assert_eq!(black_box(work()), ROWS, "every row is there");
    start.elapsed()
}

fn mappings() -> MappingSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mut files = BTreeMap::new();
    for folder in entries(&root).into_iter().filter(|path| path.is_dir() && !path.ends_with("src")) {
        for path in entries(&folder).into_iter().filter(|path| path.is_file()) {
            let name = path.strip_prefix(&root).expect("it lies there").to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).expect("mapping files are text"));
        }
    }
    let (set, found) = MappingSet::parse(&files);
    assert!(found.is_empty(), "{found:?}");
    set
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the mappings lie beside this crate");
    entries.map(|entry| entry.expect("the folder can be listed").path()).collect()
}

fn batches() -> Vec<(u64, Batch)> {
    let starts = (0..ROWS).step_by(usize::try_from(ROWS_OF_A_BATCH).expect("a batch is small"));
    let batch = |start| (start, table(&COLUMNS, start..ROWS.min(start + ROWS_OF_A_BATCH), decision));
    starts.map(batch).collect()
}

fn table<const N: usize>(
    names: &[&str; N],
    rows: std::ops::Range<u64>,
    row: fn(u64) -> [Option<String>; N],
) -> Batch {
    let count = usize::try_from(rows.end - rows.start).expect("a batch is small");
    let mut columns: Vec<ColumnBuilder> =
        names.iter().map(|_| ColumnBuilder::new(ColumnType::Text, count)).collect();
    for number in rows {
        for (column, text) in columns.iter_mut().zip(row(number)) {
            column.push(text.as_deref().map(Value::Text));
        }
    }
    let schema = BatchSchema::new(names.map(|name| (name.to_owned(), ColumnType::Text)));
    let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
    Batch::new(&schema, columns, count).expect("every column has every row")
}

/// A decision that depends on nothing but its number. Most are plain; some have another spelling of a
/// section of law, an open end, an unknown code or an end before the start.
fn decision(number: u64) -> [Option<String>; 20] {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let of = |values: &[&str], at: u64| {
        let count = u64::try_from(values.len()).expect("a list is short");
        values[usize::try_from((mixed >> at) % count).expect("an index of a short list")].to_owned()
    };
    let (year, month) = (2007 + mixed % 12, 1 + (mixed >> 5) % 12);
    let day = |day: u64| format!("{year}-{month:02}-{day:02} 00:00:00");
    let money = mixed % 5 < 3;
    let end = match mixed % 50 {
        0..10 => "9999-12-31 00:00:00".to_owned(),
        10 => format!("{}-01-01 00:00:00", year - 1),
        _ => day(28),
    };
    let laws = ["4 kap. 1 § SoL", "4 kap. 1 § SoL", "4 kap. 1 § SoL", "4 kap 1§ SoL", "9 § 9 LSS", "se utr"];
    [
        Some(number.to_string()),
        Some((mixed % ARENDEN).to_string()),
        Some((mixed % 90_000).to_string()),
        Some(of(&["EBMN", "EBLF", "EBHY", "VUBO", "SPBS", "ÄOHT", "ÄOTR", "LSSI", "QX1"], 3)),
        Some(of(&laws, 6)),
        Some(day(1 + mixed % 28)),
        Some(day(1)),
        Some(end),
        Some(of(&["B", "D", "A"], 8)),
        None,
        money.then(|| format!("{}.0000", mixed % 15_000)),
        (!money).then(|| format!("{}.50", mixed % 40)),
        (!money).then(|| "TI".to_owned()),
        Some((mixed % 2).to_string()),
        (number % 20 == 19).then(|| (number - 7).to_string()),
        Some(format!("HAND{:04}", mixed % 900)),
        Some(of(&["F", "F", "M", "P"], 9)),
        Some(day(1 + mixed % 28).replace("00:00:00", "13:45:10.230")),
        Some(format!("anv{:04}", mixed % 900)),
        Some(format!("{mixed:016X}")),
    ]
}

fn arende(number: u64) -> [Option<String>; 3] {
    let area = ["EB", "BU", "VU", "ÄO"][usize::try_from(number % 4).expect("less than four")];
    [Some(number.to_string()), Some((number % AKTER).to_string()), Some(area.to_owned())]
}

fn akt(number: u64) -> [Option<String>; 2] {
    [Some(number.to_string()), Some((700 + number % 14).to_string())]
}

fn lookups(set: &MappingSet, mapping: &Mapping, decisions: &[(u64, Batch)]) -> Lookups {
    let arenden = table(&["AR_ID", "AKT_ID", "VO"], 0..ARENDEN, arende);
    let akter = table(&["AKT_ID", "NAMND"], 0..AKTER, akt);
    let mut lookups = Lookups::new(None);
    for need in needs([mapping], |_| true) {
        let batches: Vec<&Batch> = match need.source().1 {
            "ARENDE" => vec![&arenden],
            "AKT" => vec![&akter],
            table if table == mapping.table => decisions.iter().map(|(_, batch)| batch).collect(),
            _ => continue,
        };
        for pass in need.passes(ROWS) {
            let mut gathering = need.gather(set, &lookups, pass).expect("the mapping is usable");
            batches.iter().for_each(|batch| gathering.add(batch));
            let found = gathering.finish();
            lookups.add(need.clone(), found);
        }
    }
    lookups
}

fn map(plan: &Plan, lookups: &Lookups, batches: &[(u64, Batch)]) -> u64 {
    batches.iter().map(|(first_row, batch)| apply(plan, lookups, batch, *first_row).balance.rows()).sum()
}

/// Reads every column as its type and copies it: what no mapping can do without.
fn copy(batch: &Batch) -> u64 {
    let kind = |name: &str| match name {
        "BDAT" | "GALL_FROM" | "GALL_TOM" => ColumnType::Date,
        "BELOPP" | "RETRO" => ColumnType::Int,
        _ => ColumnType::Text,
    };
    let mut columns: Vec<ColumnBuilder> =
        COLUMNS.iter().map(|name| ColumnBuilder::new(kind(name), batch.rows())).collect();
    let cells: Vec<_> =
        (0..COLUMNS.len()).map(|column| (kind(COLUMNS[column]), batch.cells(column))).collect();
    let mut rows = 0;
    for row in 0..batch.rows() {
        for (builder, (kind, cells)) in columns.iter_mut().zip(&cells) {
            let text = cells.text(row);
            builder.push(if *kind == ColumnType::Date {
                text.and_then(days).map(Value::Date)
            } else if *kind == ColumnType::Int {
                text.and_then(number).map(Value::Int)
            } else {
                text.map(Value::Text)
            });
        }
        rows += 1;
    }
    black_box(columns.iter_mut().map(ColumnBuilder::finish).collect::<Vec<_>>());
    rows
}

fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    digits.into_iter().try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
}

/// Days since the year 0, near enough for a measurement.
fn days(text: &str) -> Option<i32> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i32>().ok();
    Some(part(0, 4)? * 365 + part(5, 7)? * 31 + part(8, 10)?)
}
