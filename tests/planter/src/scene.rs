//! Where a damage is planted: a target, what it says of its tables, and what is drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;

use bron_outside::{Draw, Look};

use crate::plan::{Found, Plan};
use crate::shape::{Column, Shape};
use crate::table::{as_text, literal, quoted, with_id};

/// How often a place is drawn before a damage is given up.
const TRIES: u32 = 400;

/// A value of a column, and what else stands in the column.
#[derive(Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) value: Option<&'a str>,
    /// Every value of the column but NULL, ordered, each once.
    pub(crate) all: &'a [String],
}

impl Cell<'_> {
    /// A value of the column that is not this one.
    pub(crate) fn another(&self, draw: &mut Draw) -> Option<String> {
        let others: Vec<&String> = self.all.iter().filter(|one| Some(one.as_str()) != self.value).collect();
        (!others.is_empty()).then(|| (*draw.one_of(&others)).clone())
    }
}

/// What a value becomes; nothing when the damage cannot be done to it.
pub(crate) type Becomes = Option<Option<String>>;

/// A row as texts, in the order of the columns that were asked for.
pub(crate) type Row = Vec<Option<String>>;

/// Where a damage is planted.
pub(crate) struct Scene<'a> {
    pub(crate) look: &'a mut Look,
    pub(crate) shape: &'a Shape,
    pub(crate) draw: &'a mut Draw,
    /// The rows that were read, by entity and columns: they are asked for again and again.
    read: BTreeMap<String, Vec<Row>>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(look: &'a mut Look, shape: &'a Shape, draw: &'a mut Draw) -> Self {
        Self { look, shape, draw, read: BTreeMap::new() }
    }

    /// The rows of an entity in the order of their ids: the id, then these columns.
    pub(crate) fn rows(&mut self, entity: &str, columns: &[&Column]) -> Result<Vec<Row>> {
        let kind = self.look.kind();
        let cells = columns.iter().map(|column| format!(", {}", as_text(kind, column)));
        // PostgreSQL orders by the bytes of ids and SQLite by their texts, which is the same.
        let sql = format!(
            "SELECT CAST(\"id\" AS TEXT){} FROM {} ORDER BY \"id\"",
            cells.collect::<String>(),
            quoted(entity)
        );
        if let Some(known) = self.read.get(&sql) {
            return Ok(known.clone());
        }
        let rows = self.look.cells(&sql)?;
        self.read.insert(sql, rows.clone());
        Ok(rows)
    }

    /// What is picked of all columns, in an order that is drawn.
    fn places(&mut self, pick: impl Fn(&str, &Column) -> bool) -> Vec<(String, Column)> {
        let mut all: Vec<(String, Column)> = self
            .shape
            .pick(pick)
            .into_iter()
            .map(|(entity, column)| (entity.to_owned(), column.clone()))
            .collect();
        let mut drawn = Vec::new();
        while !all.is_empty() && drawn.len() < usize::try_from(TRIES).unwrap_or(usize::MAX) {
            let at = self.draw.place(all.len());
            drawn.push(all.swap_remove(at));
        }
        drawn
    }

    /// One field of one row becomes something else.
    pub(crate) fn field(
        &mut self,
        pick: impl Fn(&str, &Column) -> bool,
        change: impl Fn(&Cell<'_>, &mut Draw) -> Becomes,
    ) -> Result<Option<Plan>> {
        for (entity, column) in self.places(pick) {
            let rows = self.rows(&entity, &[&column])?;
            let all: BTreeSet<String> = rows.iter().filter_map(|row| row[1].clone()).collect();
            let all: Vec<String> = all.into_iter().collect();
            let first = self.draw.place(rows.len());
            for row in rows[first..].iter().chain(&rows[..first]) {
                let [Some(id), value] = row.as_slice() else { continue };
                let cell = Cell { value: value.as_deref(), all: &all };
                let Some(new) = change(&cell, self.draw) else { continue };
                if new == *value || (new.is_none() && !column.nullable) {
                    continue;
                }
                return Ok(Some(self.set(&entity, id, &[(&column, new)])));
            }
        }
        Ok(None)
    }

    /// Two fields of two rows of an entity become something else: `with` are columns that the judge sees beside them.
    /// The judge gets two rows, the field last, and says what it becomes in each.
    pub(crate) fn pair(
        &mut self,
        pick: impl Fn(&str, &Column) -> bool,
        with: impl Fn(&Column) -> bool,
        judge: impl Fn(&Row, &Row) -> Option<[Option<String>; 2]>,
    ) -> Result<Option<Plan>> {
        for (entity, column) in self.places(pick) {
            let beside =
                self.shape.columns(&entity).iter().filter(|one| with(one) && one.name != column.name);
            let mut columns: Vec<&Column> = beside.collect();
            columns.push(&column);
            let rows = self.rows(&entity, &columns)?;
            for _ in 0..if rows.is_empty() { 0 } else { TRIES } {
                let (one, other) = (&rows[self.draw.place(rows.len())], &rows[self.draw.place(rows.len())]);
                let Some([new_one, new_other]) = judge(&one[1..].to_vec(), &other[1..].to_vec()) else {
                    continue;
                };
                let (Some(a), Some(b)) = (&one[0], &other[0]) else { continue };
                if a == b || Some(&new_one) == one.last() || Some(&new_other) == other.last() {
                    continue;
                }
                let first = self.set(&entity, a, &[(&column, new_one)]);
                let second = self.set(&entity, b, &[(&column, new_other)]);
                return Ok(Some(join(first, second)));
            }
        }
        Ok(None)
    }

    /// The plan that sets fields of a row.
    pub(crate) fn set(&self, entity: &str, id: &str, fields: &[(&Column, Option<String>)]) -> Plan {
        let kind = self.look.kind();
        let assign = |(column, value): &(&Column, Option<String>)| {
            format!("{} = {}", quoted(&column.name), literal(kind, column.class, value.as_deref()))
        };
        let names: Vec<String> = fields.iter().map(|(column, _)| column.name.clone()).collect();
        let sets: Vec<String> = fields.iter().map(assign).collect();
        Plan::of(format!("{entity}.{} of {id}", names.join("+")), entity, &[id])
            .run(format!("UPDATE {} SET {} WHERE {}", quoted(entity), sets.join(", "), with_id(id)))
            .expect(Found::fields("differs", entity, id, names))
    }

    /// An entity that has rows, and the id of one of them.
    pub(crate) fn row(&mut self, may: impl Fn(&str) -> bool) -> Result<Option<(String, String)>> {
        let entities: Vec<String> = self.shape.0.keys().filter(|name| may(name)).cloned().collect();
        for _ in 0..TRIES {
            if entities.is_empty() {
                break;
            }
            let entity = self.draw.one_of(&entities).clone();
            let rows = self.rows(&entity, &[])?;
            if rows.is_empty() {
                continue;
            }
            if let Some(id) = &rows[self.draw.place(rows.len())][0] {
                return Ok(Some((entity, id.clone())));
            }
        }
        Ok(None)
    }

    /// A row of an entity as it is: the columns, and their values.
    pub(crate) fn whole(&mut self, entity: &str, id: &str) -> Result<Vec<(Column, Option<String>)>> {
        let columns: Vec<&Column> = self.shape.columns(entity).iter().collect();
        let rows = self.rows(entity, &columns)?;
        let row = rows.into_iter().find(|row| row[0].as_deref() == Some(id)).unwrap_or_default();
        Ok(columns.into_iter().cloned().zip(row.into_iter().skip(1)).collect())
    }

    /// An id that no row has.
    pub(crate) fn new_id(&mut self) -> String {
        let mut digits = |count: u32| {
            (0..count)
                .map(|_| char::from_digit(self.draw.digit(16), 16).expect("a hexadecimal digit"))
                .collect::<String>()
        };
        format!("{}-{}-8{}-8{}-{}", digits(8), digits(4), digits(3), digits(3), digits(12))
    }
}

/// One plan of two.
pub(crate) fn join(mut one: Plan, other: Plan) -> Plan {
    one.what = format!("{}, {}", one.what, other.what);
    one.statements.extend(other.statements);
    one.touched.extend(other.touched);
    one.findings.extend(other.findings);
    one
}
