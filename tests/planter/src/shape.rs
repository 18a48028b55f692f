//! What a target says of its own tables: the entities, and of each column what it holds.

use std::collections::BTreeMap;
use std::io::{Error, Result};

use bron_outside::Look;

/// What a column holds, in the words of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Id,
    Ref,
    Code,
    Text,
    Date,
    Time,
    Int,
    Ore,
    Minutes,
    Bool,
    Bytes,
    Decimal,
}

impl Class {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "id" => Self::Id,
            "ref" => Self::Ref,
            "code" => Self::Code,
            "text" => Self::Text,
            "date" => Self::Date,
            "time" => Self::Time,
            "int" => Self::Int,
            "ore" => Self::Ore,
            "minutes" => Self::Minutes,
            "bool" => Self::Bool,
            "bytes" => Self::Bytes,
            _ if name.starts_with("decimal") => Self::Decimal,
            _ => return Err(Error::other(format!("a column of an unknown type: {name}"))),
        })
    }

    /// Whether it is a text for people.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text)
    }

    /// Whether it is a day or a moment.
    pub(crate) const fn is_dated(self) -> bool {
        matches!(self, Self::Date | Self::Time)
    }

    /// Whether it is a whole number that is added up or compared.
    pub(crate) const fn is_amount(self) -> bool {
        matches!(self, Self::Ore | Self::Minutes)
    }
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It says something of the world.
    Content,
    /// It says who may read the row.
    Secrecy,
    /// It says where the row comes from.
    Provenance,
    /// It lists the rules that the row breaks.
    Marks,
    /// It names the row.
    Name,
}

/// The columns that every entity has, by what they are for.
const ROLES: [(Role, &[&str]); 4] = [
    (Role::Name, &["id"]),
    (Role::Secrecy, &["namnd", "namnd_id", "sekretess_klass", "skyddad"]),
    (
        Role::Provenance,
        &["src_system", "src_table", "src_key", "src_row_sha256", "mapping_id", "mapping_version"],
    ),
    (Role::Marks, &["dq_flags"]),
];

/// A column of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) role: Role,
    /// Whether it may be empty.
    pub(crate) nullable: bool,
}

impl Column {
    fn read(line: &str) -> Result<Self> {
        let mut words = line.split(' ');
        let (Some(name), Some(class)) = (words.next(), words.next()) else {
            return Err(Error::other("a column without a name or a type"));
        };
        let role =
            ROLES.iter().find(|(_, names)| names.contains(&name)).map_or(Role::Content, |(role, _)| *role);
        let nullable = words.all(|word| word != "required");
        Ok(Self { name: name.to_owned(), class: Class::named(class)?, role, nullable })
    }

    /// Whether it says something of the world.
    pub(crate) fn is_content(&self) -> bool {
        self.role == Role::Content
    }

    /// Whether it is the end of what began.
    pub(crate) fn is_end(&self) -> bool {
        const ENDS: [&str; 5] = ["till", "slut", "avslutad", "giltig_till", "faktiskt_slut"];
        self.class.is_dated() && ENDS.contains(&self.name.as_str())
    }
}

/// The entities of a target with their columns, in the order of the model.
#[derive(Clone, Debug)]
pub(crate) struct Shape(pub(crate) BTreeMap<String, Vec<Column>>);

impl Shape {
    /// Reads what the target notes of its own tables.
    pub(crate) fn of(look: &mut Look) -> Result<Self> {
        let rows = look.texts("SELECT entity, layout FROM bron_schema ORDER BY entity")?;
        let mut entities = BTreeMap::new();
        for row in rows {
            let [entity, layout] = row.as_slice() else { return Err(Error::other("two columns")) };
            // What begins so is about the target as a whole.
            if entity.starts_with('@') {
                continue;
            }
            let columns = layout.lines().filter(|line| !line.is_empty()).map(Column::read);
            entities.insert(entity.clone(), columns.collect::<Result<_>>()?);
        }
        if entities.is_empty() {
            return Err(Error::other("a target without entities"));
        }
        Ok(Self(entities))
    }

    /// The columns of an entity.
    pub(crate) fn columns(&self, entity: &str) -> &[Column] {
        self.0.get(entity).map_or(&[], Vec::as_slice)
    }

    /// Every column that is picked, with its entity.
    pub(crate) fn pick(&self, pick: impl Fn(&str, &Column) -> bool) -> Vec<(&str, &Column)> {
        let all = self
            .0
            .iter()
            .flat_map(|(entity, columns)| columns.iter().map(move |column| (entity.as_str(), column)));
        all.filter(|(entity, column)| pick(entity, column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_column_holds_and_is_for() {
        let column = Column::read("giltig_till date").unwrap();
        assert_eq!((column.class, column.role, column.nullable), (Class::Date, Role::Content, true));
        assert!(column.is_end() && column.is_content());
        let column = Column::read("skyddad bool required").unwrap();
        assert_eq!((column.class, column.role, column.nullable), (Class::Bool, Role::Secrecy, false));
        assert_eq!(Column::read("apris decimal(4)").unwrap().class, Class::Decimal);
        assert!(Column::read("apris").is_err());
        assert!(Column::read("apris float").is_err());
    }
}
