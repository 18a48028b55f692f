//! How fast one thread maps decisions: a million generated rows of 25 fields through the shipped mapping of the
//! table BESLUT.
//!
//! It is measured beside a loop that parses the same rows from CSV with the csv crate and writes the same fields,
//! typed, into columns: that is what reading a table takes when nothing is asked of it, and the first ratio is
//! against it. A second line leaves the parsing of CSV away. The table below says what the parts of the mapping
//! take: the time of the whole mapping less the time without the part, so parts that share work do not add up.
//!
//! `cargo bench -p bron-transform --bench beslut -- 20000` takes another number of rows, and
//! `-- 20000 map` only maps them, for a profiler.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the mapping files and the clock")]
#![expect(clippy::print_stdout, reason = "a measurement prints what it found")]

mod loops;
mod rows;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bron_mappings::{Batch, FieldRule, InstallationSecret, Mapping, MappingSet, Rule, Scope};
use bron_transform::{Lookups, Plan, apply};

const ROWS: u64 = 1_000_000;
const ROUNDS: usize = 5;

/// The batches that the table of parts is made over: enough to leave every cache.
const MOST_BATCHES_OF_PARTS: usize = 25;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments.iter().find_map(|text| text.parse().ok()).unwrap_or(ROWS);
    let set = mappings();
    let mapping = set.mapping("paraply", "BESLUT").expect("the mapping is shipped");
    let batches = rows::batches(rows);
    let lookups = rows::lookups(&set, mapping, &batches);
    let work = Work { set: &set, lookups: &lookups, batches: &batches };
    if arguments.iter().any(|text| text == "map") {
        let plan = work.plan(mapping);
        black_box((0..ROUNDS).map(|_| work.map(&plan)).sum::<u64>());
        return;
    }
    work.beside_loops(mapping, rows);
    let few = Work { batches: &batches[..batches.len().min(MOST_BATCHES_OF_PARTS)], ..work };
    few.parts(mapping);
}

/// What is mapped, and what the mapping looks into.
struct Work<'a> {
    set: &'a MappingSet,
    lookups: &'a Lookups,
    batches: &'a [(u64, Batch)],
}

impl Work<'_> {
    fn plan(&self, mapping: &Mapping) -> Plan {
        let secret = InstallationSecret::new([7; 32]);
        Plan::new(self.set, mapping, self.batches[0].1.schema(), &secret).expect("the mapping is usable")
    }

    fn map(&self, plan: &Plan) -> u64 {
        let apply = |(first, batch): &(u64, Batch)| apply(plan, self.lookups, batch, *first).balance.rows();
        self.batches.iter().map(apply).sum()
    }

    fn each(&self, work: fn(&Batch) -> u64) -> u64 {
        self.batches.iter().map(|(_, batch)| work(batch)).sum()
    }

    /// The shortest of some rounds is what the work takes when nothing else disturbs the machine. The kinds of
    /// work take turns, so that a disturbance meets all.
    fn beside_loops(&self, mapping: &Mapping, rows: u64) {
        let (plan, csv) = (self.plan(mapping), rows::csv(rows));
        let of_a_batch = self.batches[0].1.rows();
        let mut best = [Duration::MAX; 3];
        for _ in 0..ROUNDS {
            let times = [
                time(|| self.map(&plan)),
                time(|| loops::parse_and_copy(&csv, of_a_batch)),
                time(|| self.each(loops::copy)),
            ];
            best = std::array::from_fn(|at| best[at].min(times[at]));
        }
        let [mapped, parsed, copied] = best;
        for (name, time) in [("mapped", mapped), ("parsed and copied", parsed), ("copied only", copied)] {
            let speed = u128::from(rows) * 1_000_000 / time.as_micros().max(1);
            println!("{name}: {speed} rows/s, {} ns a row", time.as_nanos() / u128::from(rows));
        }
        println!("mapped / parsed and copied: {}", ratio(mapped, parsed));
        println!("mapped / copied only: {}", ratio(mapped, copied));
    }

    fn parts(&self, mapping: &Mapping) {
        let rows = self.each(|batch| u64::try_from(batch.rows()).expect("a batch is small"));
        let fields = |drop: fn(&Rule) -> bool| without(mapping, drop);
        let variants = [
            mapping.clone(),
            fields(|rule| matches!(rule, Rule::Id { .. } | Rule::Ref { .. })),
            fields(|rule| matches!(rule, Rule::Function { .. })),
            fields(|rule| matches!(rule, Rule::Codes { .. })),
            Mapping { checks: Vec::new(), ..mapping.clone() },
            Mapping { scope: Scope::default(), ..mapping.clone() },
            bare(mapping),
        ];
        let plans = variants.each_ref().map(|mapping| self.plan(mapping));
        let nothing = Work { lookups: &Lookups::new(None), ..*self };
        let entities = self.entities(&plans[0]);
        let mut best = [Duration::MAX; 10];
        for _ in 0..ROUNDS {
            let mut times: Vec<Duration> = plans.iter().map(|plan| time(|| self.map(plan))).collect();
            times.push(time(|| nothing.map(&plans[6])));
            times.push(time(|| self.each(loops::digests)));
            times.push(time(|| entities.iter().map(loops::rebuild).sum()));
            best = std::array::from_fn(|at| best[at].min(times[at]));
        }
        let whole = best[0];
        let print =
            |name: &str, time: Duration| println!("  {name}: {} ns", time.as_nanos() / u128::from(rows));
        println!("of a row, over {rows} rows:");
        print("whole mapping", whole);
        let names = ["ids and references", "functions", "code lists", "checks", "area, nämnd, unit and year"];
        for (name, time) in names.into_iter().zip(&best[1..6]) {
            print(name, whole.saturating_sub(*time));
        }
        print("rows of parents and neighbours", best[6].saturating_sub(best[7]));
        print("digest of the row, measured alone", best[8]);
        print("building the columns, measured alone", best[9]);
        print("a row without any rule, with its digest and its shared columns", best[7]);
    }

    fn entities(&self, plan: &Plan) -> Vec<Batch> {
        let apply = |(first, batch): &(u64, Batch)| apply(plan, self.lookups, batch, *first).entities;
        self.batches.iter().flat_map(apply).map(|(_, batch)| batch).collect()
    }
}

/// The mapping without the fields whose rules are of a kind.
fn without(mapping: &Mapping, dropped: fn(&Rule) -> bool) -> Mapping {
    let mut mapping = mapping.clone();
    for target in &mut mapping.targets {
        target.fields.retain(|field: &FieldRule| !dropped(&field.rule));
    }
    mapping
}

/// The mapping without any rule: rows are found, digested and written, and that is all.
fn bare(mapping: &Mapping) -> Mapping {
    Mapping { checks: Vec::new(), scope: Scope::default(), ..without(mapping, |_| true) }
}

/// The time of work that says how much it did; doing nothing would be no work.
fn time(work: impl FnOnce() -> u64) -> Duration {
    let start = Instant::now();
    assert_ne!(black_box(work()), 0, "there are rows");
    start.elapsed()
}

fn ratio(long: Duration, short: Duration) -> String {
    let hundredths = long.as_micros() * 100 / short.as_micros().max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
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
