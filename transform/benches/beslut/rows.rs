//! The generated rows: decisions, and the tables that their rules look into.

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Mapping, MappingSet, Value};
use bron_transform::{Lookups, needs};

const ROWS_OF_A_BATCH: u64 = 8_192;
const ARENDEN: u64 = 120_000;
const AKTER: u64 = 60_000;
const INSATSER: u64 = 300_000;
const HANDLAGGARE: u64 = 900;

/// The fields of a row: the columns of BESLUT, and five more that no rule reads and only provenance covers.
pub(crate) const COLUMNS: [&str; 25] = [
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
    "KONTO",
    "MOTPART",
    "REFERENS",
    "ORSAK",
    "KANAL",
];

/// Decisions in batches, each with the place of its first row.
pub(crate) fn batches(rows: u64) -> Vec<(u64, Batch)> {
    let starts = (0..rows).step_by(usize::try_from(ROWS_OF_A_BATCH).expect("a batch is small"));
    let batch = |start| (start, table(&COLUMNS, start..rows.min(start + ROWS_OF_A_BATCH), decision));
    starts.map(batch).collect()
}

/// The same decisions as CSV, without a head.
pub(crate) fn csv(rows: u64) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for number in 0..rows {
        let row = decision(number);
        let record = row.iter().map(|text| text.as_deref().unwrap_or_default());
        writer.write_record(record).expect("memory takes every row");
    }
    writer.into_inner().expect("memory takes every row")
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
fn decision(number: u64) -> [Option<String>; 25] {
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
        Some(format!("HAND{:04}", mixed % HANDLAGGARE)),
        Some(of(&["F", "F", "M", "P"], 9)),
        Some(day(1 + mixed % 28).replace("00:00:00", "13:45:10.230")),
        Some(format!("anv{:04}", mixed % 900)),
        Some(format!("{mixed:016X}")),
        money.then(|| format!("{}", 4_000 + mixed % 70)),
        mixed.is_multiple_of(3).then(|| format!("Motpart {}", mixed % 500)),
        Some(format!("B{number}-{year}")),
        None,
        Some(of(&["papper", "webb"], 4)),
    ]
}

fn arende(number: u64) -> [Option<String>; 4] {
    let area = ["EB", "BU", "VU", "ÄO"][usize::try_from(number % 4).expect("less than four")];
    let handl = format!("HAND{:04}", number % HANDLAGGARE);
    [Some(number.to_string()), Some((number % AKTER).to_string()), Some(area.to_owned()), Some(handl)]
}

fn akt(number: u64) -> [Option<String>; 3] {
    [Some(number.to_string()), Some((number % 50_000).to_string()), Some((700 + number % 14).to_string())]
}

fn handl(number: u64) -> [Option<String>; 4] {
    let unit = format!("E{:03}", number % 120);
    let from = "2004-06-01 00:00:00".to_owned();
    [Some(format!("HAND{number:04}")), Some(from), None, Some(unit)]
}

fn insats(number: u64) -> [Option<String>; 1] {
    [Some((number * 3).to_string())]
}

/// What the rules of the mapping look up: everything that they ask for.
pub(crate) fn lookups(set: &MappingSet, mapping: &Mapping, decisions: &[(u64, Batch)]) -> Lookups {
    let arenden = table(&["AR_ID", "AKT_ID", "VO", "HANDL"], 0..ARENDEN, arende);
    let akter = table(&["AKT_ID", "PERS_ID", "NAMND"], 0..AKTER, akt);
    let handlaggare = table(&["HANDL", "FROM", "TOM", "ENH_ID"], 0..HANDLAGGARE, handl);
    let insatser = table(&["BESL_ID"], 0..INSATSER, insats);
    let rows =
        decisions.iter().map(|(_, batch)| u64::try_from(batch.rows()).expect("a batch is small")).sum();
    let mut lookups = Lookups::new(None);
    for need in needs([mapping], |_| true) {
        let batches: Vec<&Batch> = match need.source().1 {
            "ARENDE" => vec![&arenden],
            "AKT" => vec![&akter],
            "HANDL" => vec![&handlaggare],
            "INSATS" => vec![&insatser],
            table if table == mapping.table => decisions.iter().map(|(_, batch)| batch).collect(),
            table => panic!("a rule of the mapping asks for {table}, which is not generated"),
        };
        for pass in need.passes(rows) {
            let mut gathering = need.gather(set, &lookups, pass).expect("the mapping is usable");
            batches.iter().for_each(|batch| gathering.add(batch));
            let found = gathering.finish();
            lookups.add(need.clone(), found);
        }
    }
    lookups
}
