//! What the end of a load found.

use std::fmt;

/// What [`Sink::finish`](crate::Sink::finish) put on the tables, and what it could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// The entities whose tables got their primary key and their indexes now, ordered by name.
    pub keyed: Vec<String>,
    /// How many foreign keys were put on and hold for every row.
    pub references: u64,
    /// The references for which there is no foreign key because rows refer to what the target does not hold.
    pub dangling: Vec<Dangling>,
    /// Whether another load is at work, which will put on the foreign keys when it ends.
    pub left_to_another: bool,
    /// The entities whose tables are left as they are, because they belong to another role; ordered by name.
    pub unaltered: Vec<String>,
}

/// A reference that leads nowhere for some rows. It is a finding of quality, and no row is changed for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dangling {
    /// The entity whose rows refer.
    pub entity: String,
    /// The field that refers.
    pub field: String,
    /// The entity that it refers to.
    pub target: String,
    /// How many rows refer to what is not there.
    pub rows: u64,
}

impl fmt::Display for Dangling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entity, field, target, rows } = self;
        let what = if *rows == 1 { "1 row refers".to_owned() } else { format!("{rows} rows refer") };
        write!(f, "{entity}.{field}: {what} to a {target} that is not in the target")
    }
}
