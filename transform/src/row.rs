//! One source row as its rules see it.

use std::borrow::Cow;

use arrow_array::{Array as _, StringArray};
use bron_mappings::{Batch, Cells, Protection, Value};
use sha2::{Digest as _, Sha256};

use crate::lookups::{
    AggregateTable, Lookups, NeighbourTable, ParentTable, Persons, TextColumn, day_of_code, moment,
};
use crate::plan::{Meant, Plan, PlannedCode, PlannedLookup, PlannedParent, Source, When};

/// The columns and the lookups that a plan uses, resolved once per batch.
pub(crate) struct BatchView<'a> {
    plan: &'a Plan,
    /// The place of the first row in the staged table.
    first_row: u64,
    cells: Vec<Option<Cells<'a>>>,
    texts: Vec<Option<&'a StringArray>>,
    parents: Vec<ParentRows<'a>>,
    neighbours: Vec<NeighbourRows<'a>>,
    /// Those of the plan's lookups that are made from rows of a table.
    aggregates: Vec<Option<&'a AggregateTable>>,
    as_of: Option<&'a str>,
    persons: Option<&'a Persons>,
}

/// What one parent of every row of the batch says: for each of its columns the texts by row. They are found
/// column by column, because the waits for memory of one row then overlap with those of the next.
type ParentRows<'a> = Vec<Vec<Option<&'a str>>>;

/// Neighbours, which are found by the place of a row and read by column.
struct NeighbourRows<'a> {
    table: Option<&'a NeighbourTable>,
    columns: Vec<Option<&'a TextColumn>>,
}

impl<'a> BatchView<'a> {
    /// A view of a batch whose first row stands at `first_row` of the staged table. Columns are found by name; a
    /// column that the batch lacks is NULL in every row.
    pub(crate) fn new(plan: &'a Plan, lookups: &'a Lookups, batch: &'a Batch, first_row: u64) -> Self {
        let columns = plan.schema.columns().iter();
        let cells: Vec<_> = columns.map(|column| batch.cells_named(&column.name)).collect();
        let neighbours = plan.neighbours.iter().map(|neighbour| {
            let table = lookups.neighbour(&neighbour.need);
            let columns = neighbour.columns.iter().map(|name| table?.texts().column(name));
            NeighbourRows { table, columns: columns.collect() }
        });
        let aggregates = plan.lookups.iter().map(|lookup| match lookup {
            PlannedLookup::Aggregate { need, .. } => lookups.aggregate(need),
            PlannedLookup::Code { .. } | PlannedLookup::First(_) => None,
        });
        let mut view = Self {
            plan,
            first_row,
            texts: cells.iter().map(|cells| texts_of((*cells)?)).collect(),
            cells,
            parents: Vec::new(),
            neighbours: neighbours.collect(),
            aggregates: aggregates.collect(),
            as_of: lookups.as_of.as_deref(),
            persons: lookups.persons(),
        };
        // A parent may be found by a column of an earlier parent, so the order of the mapping counts.
        for parent in &plan.parents {
            let rows = view.parent_rows(parent, lookups.parent(&parent.need), batch.rows());
            view.parents.push(rows);
        }
        view
    }

    /// The texts of a parent, when those before it are known.
    fn parent_rows(
        &self,
        parent: &PlannedParent,
        table: Option<&'a ParentTable>,
        rows: usize,
    ) -> ParentRows<'a> {
        let Some(table) = table else { return vec![vec![None; rows]; parent.columns.len()] };
        let places = (0..rows).map(|index| {
            let row = self.bare_row(index);
            let key = parent.on.iter().map(|source| row.text(source));
            match &parent.at {
                None => table.find(key, None, 0),
                Some((at, slack)) => table.find(key, row.text(at).and_then(moment), *slack),
            }
        });
        let places: Vec<Option<usize>> = places.collect();
        let columns = parent.columns.iter().map(|name| {
            let column = table.texts().column(name);
            places.iter().map(|place| column?.text((*place)?)).collect()
        });
        columns.collect()
    }

    /// The row at `index`, of whose person nothing is known.
    fn bare_row(&self, index: usize) -> Row<'_> {
        let scope = (Cow::Borrowed(""), Cow::Borrowed(""));
        let place = u64::try_from(index).expect("memory is smaller than 2^64 bytes");
        Row { view: self, index, place: self.first_row + place, protection: None, scope }
    }

    /// The row at `index`.
    pub(crate) fn row(&'a self, index: usize) -> Row<'a> {
        let mut row = self.bare_row(index);
        row.protection = self.plan.person.as_ref().and_then(|person| person.protection(&row, self.persons));
        row
    }
}

fn texts_of(cells: Cells<'_>) -> Option<&StringArray> {
    if let Cells::Text(array) = cells { Some(array) } else { None }
}

fn text_at(texts: Option<&StringArray>, row: usize) -> Option<&str> {
    texts.filter(|array| array.is_valid(row)).map(|array| array.value(row))
}

fn bytes_at(cells: Option<Cells<'_>>, row: usize) -> Option<&[u8]> {
    if let Some(Value::Bytes(bytes)) = cells?.value(row) { Some(bytes) } else { None }
}

/// The area of work and the nämnd of a row, empty while they are not known.
pub(crate) type RowScope<'a> = (Cow<'a, str>, Cow<'a, str>);

pub(crate) struct Row<'a> {
    view: &'a BatchView<'a>,
    index: usize,
    place: u64,
    protection: Option<Protection>,
    scope: RowScope<'a>,
}

impl<'a> Row<'a> {
    /// The plan that the row is read by.
    pub(crate) const fn plan(&self) -> &'a Plan {
        self.view.plan
    }

    /// The place of the row in the staged table.
    pub(crate) const fn place(&self) -> u64 {
        self.place
    }

    /// The area and the nämnd by which code lists are read.
    pub(crate) fn scope(&self) -> (&str, &str) {
        (&self.scope.0, &self.scope.1)
    }

    /// Says where the row belongs. Until then only the lines of code lists that are about every row count.
    pub(crate) fn belongs_to(&mut self, scope: RowScope<'a>) {
        self.scope = scope;
    }

    /// Whether the person that the row is about is protected; false when no person is known.
    pub(crate) fn is_protected(&self) -> bool {
        self.protection.is_some_and(Protection::is_protected)
    }

    /// Whether every condition holds for the row.
    pub(crate) fn holds(&self, when: &When) -> bool {
        when.iter().all(|(source, test)| test.holds(self.text(source)))
    }

    /// The text that a source gives for this row.
    pub(crate) fn text(&self, source: &Source) -> Option<&'a str> {
        match *source {
            Source::Own(column) => text_at(self.view.texts[column], self.index),
            Source::Parent { parent, column } => {
                // While parents are found, those that come after have said nothing.
                self.view.parents.get(parent)?[column][self.index]
            }
            Source::Neighbour { neighbour, column } => {
                let direction = self.view.plan.neighbours[neighbour].direction;
                let view = &self.view.neighbours[neighbour];
                view.columns[column]?.text(view.table?.find(direction, self.place)?)
            }
            Source::Lookup(lookup) => self.looked_up(lookup),
            Source::AsOf => self.view.as_of,
            Source::Skydd => self.protection.map(Protection::code),
        }
    }

    fn looked_up(&self, lookup: usize) -> Option<&'a str> {
        match &self.view.plan.lookups[lookup] {
            PlannedLookup::Aggregate { on, .. } => {
                self.view.aggregates[lookup]?.text(on.iter().map(|source| self.text(source)))
            }
            PlannedLookup::Code { list, code, date } => {
                let code = match code {
                    PlannedCode::Source(source) => self.present(source)?,
                    PlannedCode::Const(text) => text,
                };
                let day = || day_of_code(self.text(date.as_ref()?)?);
                match list.find(code, self.scope(), day) {
                    Meant::Target(target) => Some(target).filter(|target| !target.is_empty()),
                    Meant::OutsidePeriod | Meant::Unknown => None,
                }
            }
            PlannedLookup::First(sources) => sources.iter().find_map(|source| self.present(source)),
        }
    }

    /// The bytes of a column of bytes.
    pub(crate) fn bytes(&self, column: usize) -> Option<&'a [u8]> {
        bytes_at(self.view.cells[column], self.index)
    }

    /// The text that a source gives, unless it is NULL or empty.
    pub(crate) fn present(&self, source: &Source) -> Option<&'a str> {
        self.text(source).filter(|text| !text.is_empty())
    }

    /// Calls a function with the texts of its inputs, without allocating for the usual few.
    pub(crate) fn with_texts<T>(&self, inputs: &[Source], call: impl FnOnce(&[Option<&'a str>]) -> T) -> T {
        const FEW: usize = 6;
        if let [input] = inputs {
            return call(&[self.text(input)]);
        }
        if inputs.len() <= FEW {
            let mut texts = [None; FEW];
            for (text, source) in texts.iter_mut().zip(inputs) {
                *text = self.text(source);
            }
            call(&texts[..inputs.len()])
        } else {
            call(&inputs.iter().map(|source| self.text(source)).collect::<Vec<_>>())
        }
    }

    /// SHA-256 over the row as extracted: for each column of the source 0x00 for NULL, or 0x01, the
    /// length as u64 BE and the bytes. Columns that the extraction added do not count, so the same row
    /// delivered in another file has the same sum. `buffer` is room to work in.
    pub(crate) fn sha256(&self, buffer: &mut Vec<u8>) -> [u8; 32] {
        buffer.clear();
        for &column in &self.view.plan.hashed {
            let bytes = match self.view.texts[column] {
                Some(texts) => text_at(Some(texts), self.index).map(str::as_bytes),
                None => bytes_at(self.view.cells[column], self.index),
            };
            match bytes {
                None => buffer.push(0),
                Some(bytes) => {
                    let length = u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes");
                    let [a, b, c, d, e, f, g, h] = length.to_be_bytes();
                    buffer.extend_from_slice(&[1, a, b, c, d, e, f, g, h]);
                    buffer.extend_from_slice(bytes);
                }
            }
        }
        Sha256::digest(&buffer).into()
    }
}
