//! One source row as its rules see it.

use arrow_array::{Array as _, StringArray};
use bron_mappings::{Batch, Cells, Value};
use sha2::{Digest as _, Sha256};

use crate::lookups::{Lookups, ParentTable, SumTable};
use crate::plan::{MOST_PARENTS, Plan, Source};

/// The columns and the lookups that a plan uses, resolved once per batch.
pub(crate) struct BatchView<'a> {
    plan: &'a Plan,
    cells: Vec<Cells<'a>>,
    texts: Vec<Option<&'a StringArray>>,
    parents: Vec<ParentView<'a>>,
    sums: Vec<Option<&'a SumTable>>,
    as_of: Option<&'a str>,
}

struct ParentView<'a> {
    table: Option<&'a ParentTable>,
    columns: Vec<Option<&'a StringArray>>,
}

impl<'a> BatchView<'a> {
    pub(crate) fn new(plan: &'a Plan, lookups: &'a Lookups, batch: &'a Batch) -> Self {
        let cells: Vec<Cells<'a>> =
            (0..batch.schema().columns().len()).map(|column| batch.cells(column)).collect();
        let parents = plan.parents.iter().map(|parent| {
            let table = lookups.parent(&parent.need);
            let columns = parent.columns.iter().map(|name| texts_of(table?.column(name)?));
            ParentView { table, columns: columns.collect() }
        });
        Self {
            plan,
            texts: cells.iter().map(|cells| texts_of(*cells)).collect(),
            cells,
            parents: parents.collect(),
            sums: plan.sums.iter().map(|sum| lookups.sum(&sum.need)).collect(),
            as_of: lookups.as_of.as_deref(),
        }
    }

    /// The row at `index`, with its parents found.
    pub(crate) fn row(&'a self, index: usize) -> Row<'a> {
        let mut row = Row { view: self, index, parents: [None; MOST_PARENTS] };
        for (place, (view, parent)) in self.parents.iter().zip(&self.plan.parents).enumerate() {
            // A parent may be found by a column of an earlier parent, so the order of the mapping counts.
            row.parents[place] =
                view.table.and_then(|table| table.find(parent.on.iter().map(|source| row.text(source))));
        }
        row
    }
}

fn texts_of(cells: Cells<'_>) -> Option<&StringArray> {
    if let Cells::Text(array) = cells { Some(array) } else { None }
}

fn text_at(texts: Option<&StringArray>, row: usize) -> Option<&str> {
    texts.filter(|array| array.is_valid(row)).map(|array| array.value(row))
}

fn bytes_at(cells: Cells<'_>, row: usize) -> Option<&[u8]> {
    if let Some(Value::Bytes(bytes)) = cells.value(row) { Some(bytes) } else { None }
}

#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    view: &'a BatchView<'a>,
    index: usize,
    parents: [Option<usize>; MOST_PARENTS],
}

impl<'a> Row<'a> {
    /// The plan that the row is read by.
    pub(crate) const fn plan(&self) -> &'a Plan {
        self.view.plan
    }

    /// The text that a source gives for this row.
    pub(crate) fn text(&self, source: &Source) -> Option<&'a str> {
        match *source {
            Source::Own(column) => text_at(self.view.texts[column], self.index),
            Source::Parent { parent, column } => {
                text_at(self.view.parents[parent].columns[column], self.parents[parent]?)
            }
            Source::Sum(sum) => {
                let on = &self.view.plan.sums[sum].on;
                self.view.sums[sum]?.text(on.iter().map(|source| self.text(source)))
            }
            Source::AsOf => self.view.as_of,
        }
    }

    /// The text that a source gives, unless it is NULL or empty.
    pub(crate) fn present(&self, source: &Source) -> Option<&'a str> {
        self.text(source).filter(|text| !text.is_empty())
    }

    /// Calls a function with the texts of its inputs, without allocating for the usual few.
    pub(crate) fn with_texts<T>(&self, inputs: &[Source], call: impl FnOnce(&[Option<&'a str>]) -> T) -> T {
        const FEW: usize = 4;
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
                    buffer.push(1);
                    let length = u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes");
                    buffer.extend_from_slice(&length.to_be_bytes());
                    buffer.extend_from_slice(bytes);
                }
            }
        }
        Sha256::digest(&buffer).into()
    }
}
