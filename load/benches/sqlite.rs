//! Measures how fast rows come into an SQLite target, beside the `.import` of the `sqlite3` shell:
//! `cargo bench -p bron-load --bench sqlite -- [rows]`.
//!
//! The sink takes parts as a run makes them: 32 768 rows, sorted by id within the part and in no order from part to
//! part. It flushes each to the disk with its receipt. The shell reads a CSV file of the same rows into the same
//! table, in one transaction and with nothing kept beside it: once in the order of the parts, once wholly sorted.
//! `sqlite3` must be installed. The files lie below `TMPDIR`.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bron_load::{PartId, RunIds, Target, open};
use bron_mappings::{Batch, ColumnBuilder, ColumnType, Digest, Entity, Model, Value};

const MODEL: &str = r#"
format = 1
[[entity]]
name = "besok"
label = "Besök"
about = "Ett besök i hemtjänsten"
retention = "sol-12-1"
sekretess = "osl_26"
fields = [
  { name = "nummer", type = "int", label = "Nummer" },
  { name = "person_id", type = "ref", entity = "besok", label = "Person" },
  { name = "utforare_id", type = "ref", entity = "besok", label = "Utförare" },
  { name = "insats_id", type = "ref", entity = "besok", label = "Insats" },
  { name = "plan_start", type = "time", label = "Planerad start" },
  { name = "plan_slut", type = "time", label = "Planerat slut" },
  { name = "fakt_start", type = "time", label = "Faktisk start" },
  { name = "fakt_slut", type = "time", label = "Faktiskt slut" },
  { name = "dag", type = "date", label = "Dag" },
  { name = "status", type = "code", label = "Status" },
  { name = "minuter", type = "minutes", label = "Minuter" },
  { name = "anm", type = "text", label = "Anmärkning" },
]
"#;
const ROWS: u64 = 1_000_000;
const PART_ROWS: u64 = 32_768;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let rows = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ROWS);
    let dir = std::env::temp_dir().join(format!("bron-bench-sqlite-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let (model, _) = Model::parse([("model/besok.toml", MODEL)]);
    let target = dir.join("target.sqlite");
    say(&format!("{rows} rows of {} columns", entity(&model).fields.len() + 2))?;
    let load = load(&target, &model, rows)?;
    say(&told("the sink", load))?;
    say(&format!("  most memory                 {:>7} MB", most_memory()? / 1_000))?;
    say(&format!("  the file                    {:>7} MB", fs::metadata(&target)?.len() / 1_000_000))?;
    for (what, order) in [("import in that order", "nummer"), ("import, sorted", "id")] {
        let took = import(&dir, &target, order)?;
        let [clock, processor] = [ratio(took.clock, load.clock), ratio(took.processor, load.processor)];
        say(&format!(
            "{}   the sink has {clock} of its speed, {processor} by processor time",
            told(what, took)
        ))?;
    }
    fs::remove_dir_all(&dir)?;
    Ok(())
}

/// How long something took.
#[derive(Clone, Copy, Default)]
struct Took {
    clock: Duration,
    /// The time of all processors, of this program and of those that it started.
    processor: Duration,
}

impl Took {
    fn add<T>(&mut self, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let (start, processor) = (Instant::now(), processor_time()?);
        let done = work()?;
        self.clock += start.elapsed();
        self.processor += processor_time()?.saturating_sub(processor);
        Ok(done)
    }
}

fn told(what: &str, took: Took) -> String {
    let Took { clock, processor } = took;
    format!("  {what:<22} {:>7} ms, processors {:>7} ms", clock.as_millis(), processor.as_millis())
}

fn ratio(other: Duration, own: Duration) -> String {
    let hundredths = other.as_millis() * 100 / own.as_millis().max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// From `/proc/self/stat`: user and system time of the program and of its ended children, in hundredths of a second.
fn processor_time() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("/proc/self/stat is not as expected")?;
    let ticks = fields.split_whitespace().skip(11).take(4).map(str::parse::<u64>);
    Ok(Duration::from_millis(ticks.sum::<Result<u64, _>>()? * 10))
}

fn say(line: &str) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn entity(model: &Model) -> &Entity {
    model.entity("besok").expect("the model has the entity")
}

/// Loads all parts; gives the time that the sink took, from its opening to the closed file.
fn load(target: &Path, model: &Model, rows: u64) -> Outcome<Took> {
    let entity = entity(model);
    let mut took = Took::default();
    let mut sink = took.add(|| Ok(open(&Target::Sqlite(target.to_owned()))?))?;
    took.add(|| Ok(sink.prepare(model, &["besok"])?))?;
    let run = RunIds { extract_run_id: "a".repeat(16), load_run_id: "b".repeat(16) };
    let firsts: Vec<u64> = (0..rows).step_by(usize::try_from(PART_ROWS)?).collect();
    for firsts in firsts.chunks(sink.parts_at_once()) {
        let parts = firsts.iter().map(|&first| {
            let name = format!("paraga/besok/part-{:05}", first / PART_ROWS);
            let id = PartId { entity: entity.name.clone(), content: Digest::of(name.as_bytes()), part: name };
            Ok((id, part(entity, first, PART_ROWS.min(rows - first))?))
        });
        let parts = parts.collect::<Outcome<Vec<_>>>()?;
        took.add(|| Ok(sink.write_together(entity, &parts, &run)?))?;
    }
    took.add(|| {
        drop(sink);
        Ok(())
    })?;
    Ok(took)
}

/// Rows from a number on, sorted by id.
fn part(entity: &Entity, first: u64, rows: u64) -> Outcome<Batch> {
    let mut numbers: Vec<(u128, u64)> =
        (first..first + rows).map(|number| (spread(number), number)).collect();
    numbers.sort_unstable();
    let schema = entity.schema();
    let columns = schema.columns().iter().map(|column| {
        let mut builder = ColumnBuilder::new(column.kind, numbers.len());
        for (place, &(id, number)) in numbers.iter().enumerate() {
            let in_order = i64::try_from(first).unwrap_or(0) + i64::try_from(place).unwrap_or(0);
            push(&mut builder, (column.name.as_str(), column.kind), id, number, in_order);
        }
        builder.finish()
    });
    Ok(Batch::new(schema, columns.collect(), numbers.len()).map_err(|error| error.to_string())?)
}

fn push(builder: &mut ColumnBuilder, column: (&str, ColumnType), id: u128, number: u64, in_order: i64) {
    let small = i64::try_from(number % 100_000).unwrap_or(0);
    let text = |text: &str, builder: &mut ColumnBuilder| builder.push(Some(Value::Text(text)));
    match column {
        ("id", _) => builder.push(Some(Value::Id(id.to_be_bytes()))),
        ("nummer", _) => builder.push(Some(Value::Int(in_order))),
        ("verbatim", _) => builder.push(None),
        ("src_system", _) => text("paraga", builder),
        ("status", _) => {
            text(["utford", "bom", "avbokad"][usize::try_from(number % 3).unwrap_or(0)], builder);
        }
        ("anm", _) => text(if number.is_multiple_of(10) { "Ingen öppnade dörren" } else { "" }, builder),
        ("dq_flags", _) => text("", builder),
        (_, ColumnType::Text) => text(&format!("{number}"), builder),
        (_, ColumnType::Id) => builder.push(Some(Value::Id(spread(number % 50_000).to_be_bytes()))),
        (_, ColumnType::Bytes) => {
            let digest = [id.to_be_bytes(), id.to_le_bytes()].concat();
            builder.push(Some(Value::Bytes(&digest)));
        }
        (_, ColumnType::Bool) => builder.push(Some(Value::Bool(false))),
        (_, ColumnType::Int) => builder.push(Some(Value::Int(small % 120))),
        (_, ColumnType::Decimal { .. }) => builder.push(Some(Value::Decimal(small.into()))),
        (_, ColumnType::Date) => {
            builder.push(Some(Value::Date(i32::try_from(18_000 + small % 1000).unwrap_or(0))));
        }
        (_, ColumnType::Time) => {
            builder.push(Some(Value::Time(
                1_600_000_000_000_000 + i64::try_from(number).unwrap_or(0) * 60_000_000,
            )));
        }
    }
}

/// A number that tells nothing of its order, as ids do.
fn spread(number: u64) -> u128 {
    let mix = |mut value: u64| {
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let high = mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15));
    (u128::from(high) << 64) | u128::from(mix(high))
}

/// The shell's import of the same rows, in the order of a column, into a new file with the same table.
fn import(dir: &Path, target: &Path, order: &str) -> Outcome<Took> {
    let (csv, other) = (dir.join("rows.csv"), dir.join("import.sqlite"));
    shell(target, &format!(".mode csv\n.once '{}'\nSELECT * FROM besok ORDER BY {order};\n", csv.display()))?;
    let schema = shell(target, ".schema besok\n")?;
    let setup = format!("PRAGMA page_size = 8192;\nPRAGMA journal_mode = wal;\n{schema}");
    remove(&other)?;
    shell(&other, &setup)?;
    let mut took = Took::default();
    let commands = format!("PRAGMA synchronous = full;\n.import --csv '{}' besok\n", csv.display());
    took.add(|| shell(&other, &commands))?;
    remove(&other)?;
    Ok(took)
}

fn remove(database: &Path) -> Outcome<()> {
    for suffix in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{suffix}", database.display()));
        if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn shell(database: &Path, commands: &str) -> Outcome<String> {
    let mut shell = Command::new("sqlite3");
    let mut child = shell.arg("-bail").arg(database).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("the shell has no input")?.write_all(commands.as_bytes())?;
    let done = child.wait_with_output()?;
    if !done.status.success() {
        return Err("the shell failed".into());
    }
    Ok(String::from_utf8(done.stdout)?)
}

/// The most memory that this process has had, in kilobytes.
fn most_memory() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
