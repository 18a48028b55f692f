//! `bron compare`: two tables of the same shape, whatever filled them and wherever they lie.

mod differences;
mod document;
mod reading;
mod sorting;

use std::path::PathBuf;

use bron_extract::{Locator, Source, TableSchema, atomic, file_safe};
use bron_reconcile::tables::{self, Dialect, Plan, Shape, ShapeColumn, Side, TableCounts, Verdict, Wish};

use self::differences::{Differences, Shown};
use self::reading::{Sides, Unread};
use super::source::Opened;
use crate::args::{CompareArguments, SourceArguments};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Does what was asked.
pub(super) fn run(arguments: &CompareArguments, printer: &Printer) -> Result<Exit, Failure> {
    let mut sides = Both { left: open(arguments, Side::Left)?, right: open(arguments, Side::Right)? };
    if let Some(out) = &arguments.out {
        atomic::create_directory(out)?;
    }
    let chosen = Chosen::of(arguments, &sides)?;
    let stage = printer.stage("compare", u64::try_from(chosen.pairs.len()).unwrap_or(0));
    let mut compared = Vec::with_capacity(chosen.pairs.len());
    for (left, right) in &chosen.pairs {
        stage.now(&left.name);
        compared.push(sides.compare(arguments, printer, left, right)?);
        stage.step();
    }
    drop(stage);
    let outcome = Outcome { compared, only_left: chosen.only_left, only_right: chosen.only_right };
    printer
        .result(&document::json(&sides, &outcome, arguments), &document::text(&sides, &outcome, arguments));
    Ok(if outcome.verdict() == Verdict::Equal { Exit::Clean } else { Exit::Differences })
}

/// The two sources, each at one moment.
struct Both {
    left: Opened,
    right: Opened,
}

/// What came of it.
struct Outcome {
    compared: Vec<ComparedTable>,
    only_left: Vec<String>,
    only_right: Vec<String>,
}

/// A pair of tables, and what came of it.
struct ComparedTable {
    left: String,
    right: String,
    outcome: TableOutcome,
}

enum TableOutcome {
    /// There is no way to compare them; why.
    NotCompared(String),
    Compared(Box<Comparison>),
}

/// A comparison that was done to its end.
struct Comparison {
    plan: Plan,
    counts: TableCounts,
    /// The first differences.
    shown: Vec<Shown>,
    /// All of them.
    total: u64,
    /// Where all of them are listed.
    file: Option<PathBuf>,
    unread: Sides<Unread>,
}

impl Comparison {
    fn verdict(&self) -> Verdict {
        Verdict::of(&self.plan, &self.counts, self.unread.left.rows > 0 || self.unread.right.rows > 0)
    }
}

impl ComparedTable {
    fn verdict(&self) -> Verdict {
        match &self.outcome {
            TableOutcome::NotCompared(_) => Verdict::NotProven,
            TableOutcome::Compared(comparison) => comparison.verdict(),
        }
    }
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        let worst = self.compared.iter().map(ComparedTable::verdict).max();
        let alone = !(self.only_left.is_empty() && self.only_right.is_empty());
        let least = if alone { Verdict::NotProven } else { Verdict::Equal };
        // Nothing was compared, so nothing is equal.
        worst.unwrap_or(Verdict::NotProven).max(least)
    }
}

/// Opens a side and fixes the moment that is read.
fn open(arguments: &CompareArguments, side: Side) -> Result<Opened, Failure> {
    let source = match side {
        Side::Left => &arguments.left,
        Side::Right => &arguments.right,
    };
    let (source, project) = (source.clone(), arguments.project.clone());
    let about = |failure: Failure| failure.about(side.name());
    let mut opened = Opened::open(&SourceArguments { source, project, tables: Vec::new() }).map_err(about)?;
    opened.source.fingerprint().map_err(|error| about(error.into()))?;
    Ok(opened)
}

/// The tables that are compared.
struct Chosen {
    pairs: Vec<(TableSchema, TableSchema)>,
    only_left: Vec<String>,
    only_right: Vec<String>,
}

impl Chosen {
    fn of(arguments: &CompareArguments, sides: &Both) -> Result<Self, Failure> {
        let (left, right) = (&sides.left.tables, &sides.right.tables);
        if !arguments.tables.is_empty() {
            let pair = |asked: &String| {
                let (mine, theirs) = asked.split_once('=').unwrap_or((asked, asked));
                Ok((named(left, mine, Side::Left)?.clone(), named(right, theirs, Side::Right)?.clone()))
            };
            let pairs = arguments.tables.iter().map(pair).collect::<Result<Vec<_>, Failure>>()?;
            return Ok(Self { pairs, only_left: Vec::new(), only_right: Vec::new() });
        }
        let names =
            |tables: &[TableSchema]| tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
        let (mine, theirs) = (names(left), names(right));
        let [mine_texts, their_texts] =
            [&mine, &theirs].map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
        let found = tables::pairs(&mine_texts, &their_texts);
        Ok(Self {
            pairs: found
                .both
                .iter()
                .map(|(mine, theirs)| (left[*mine].clone(), right[*theirs].clone()))
                .collect(),
            only_left: found.only_left.iter().map(|place| mine[*place].clone()).collect(),
            only_right: found.only_right.iter().map(|place| theirs[*place].clone()).collect(),
        })
    }
}

/// The table of this name; of one that differs in large and small letters alone, when no other does.
fn named<'t>(tables: &'t [TableSchema], name: &str, side: Side) -> Result<&'t TableSchema, Failure> {
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let found = tables::pairs(&[name], &names).both.first().map(|(_, place)| &tables[*place]);
    found.ok_or_else(|| Failure::config(format!("the {} source has no table {name}", side.name())))
}

impl Both {
    fn compare(
        &mut self,
        arguments: &CompareArguments,
        printer: &Printer,
        left: &TableSchema,
        right: &TableSchema,
    ) -> Result<ComparedTable, Failure> {
        let wish = Wish {
            key: arguments.key.clone(),
            whole_rows: arguments.no_key,
            columns: arguments.columns.clone(),
        };
        let shapes = [shape(&mut self.left, left)?, shape(&mut self.right, right)?];
        let names = (left.name.clone(), right.name.clone());
        let compared = |outcome| ComparedTable { left: names.0.clone(), right: names.1.clone(), outcome };
        let plan = match Plan::new(&shapes[0], &shapes[1], &wish) {
            Ok(plan) => plan,
            // Somebody who asked for columns is told that they are not there; else the other tables go on.
            Err(error) if wish == Wish::default() => {
                return Ok(compared(TableOutcome::NotCompared(error.to_string())));
            }
            Err(error) => return Err(Failure::config(error.to_string())),
        };
        document::remarks(&plan).iter().for_each(|line| printer.say(line));
        if plan.columns.is_empty() {
            let why = "the tables have no column in common that can be compared";
            return Ok(compared(TableOutcome::NotCompared(why.to_owned())));
        }
        let tables = Sides {
            left: wanted(left, plan.columns.iter().map(|column| &column.left)),
            right: wanted(right, plan.columns.iter().map(|column| &column.right)),
        };
        let file =
            arguments.out.as_ref().map(|out| out.join(format!("{}.differences.csv", file_safe(&left.name))));
        let scratch = arguments.out.clone().unwrap_or_else(std::env::temp_dir);
        let mut differences = Differences::new(&plan, file.clone());
        let sources: Sides<&mut dyn Source> =
            Sides { left: self.left.source.as_mut(), right: self.right.source.as_mut() };
        let (counts, unread) = reading::compare(&plan, &tables, sources, &scratch, &mut differences)?;
        let (shown, total) = differences.finish()?;
        Ok(compared(TableOutcome::Compared(Box::new(Comparison {
            plan,
            counts,
            shown,
            total,
            file,
            unread,
        }))))
    }
}

/// The table with these columns only, in this order.
fn wanted<'n>(table: &TableSchema, names: impl Iterator<Item = &'n String>) -> TableSchema {
    let column = |name: &String| table.columns.iter().find(|column| column.name == *name).cloned();
    TableSchema { columns: names.filter_map(column).collect(), ..table.clone() }
}

/// What the comparison has to know of a table.
fn shape(side: &mut Opened, table: &TableSchema) -> Result<Shape, Failure> {
    let dialect = match side.locator {
        Locator::Sqlite(_) => Dialect::Sqlite,
        Locator::Csv(_) => Dialect::Files,
        Locator::Postgres(_) => Dialect::Postgres,
        Locator::Mysql(_) => Dialect::Mysql,
        Locator::Mssql(_) => Dialect::Mssql,
        Locator::Odbc(_) => Dialect::Odbc,
    };
    let (mut held, mut letters) = (side.source.held_types(table)?, side.source.character_sets(table)?);
    // What the reader of files adds says where a row stood, and is no part of the table.
    let is_own = |name: &str| dialect != Dialect::Files || !name.starts_with('_');
    let own = table.columns.iter().filter(|column| is_own(&column.name));
    let columns = own.map(|column| ShapeColumn {
        name: column.name.clone(),
        declared: held.remove(&column.name).unwrap_or_else(|| column.declared_type.clone()),
        carried: column.kind,
        letters: letters.remove(&column.name),
    });
    Ok(Shape { name: table.name.clone(), dialect, columns: columns.collect(), key: table.key_unique.clone() })
}
