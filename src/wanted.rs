//! What a reading asks of each source table, by the mapping files alone: known before any right is granted and while a
//! source cannot be reached.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::TableNeed;
use bron_mappings::{Mapping, MappingSet};
use bron_transform::needs;

/// The tables of each of these systems that are read, each with the columns that rules, keys and lookups read and the
/// columns that are left where they are.
pub(crate) fn wanted(set: &MappingSet, systems: &BTreeSet<String>) -> BTreeMap<String, Vec<TableNeed>> {
    let here = || set.mappings.iter().filter(|mapping| systems.contains(&mapping.system));
    let mut tables: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for mapping in here() {
        let read = tables.entry((&mapping.system, &mapping.table)).or_default();
        read.extend(own_columns(mapping).map(str::to_owned));
    }
    // Whether a source keeps a key unique decides how rows are compared, not which columns are read.
    let lookups = needs(here(), |_| false);
    for need in lookups.iter().filter(|need| systems.contains(need.source().0)) {
        tables.entry(need.source()).or_default().extend(need.columns(set));
    }
    let mut wanted: BTreeMap<String, Vec<TableNeed>> = BTreeMap::new();
    for ((system, table), read) in tables {
        let ignored = set.mapping(system, table).into_iter().flat_map(|mapping| mapping.ignored.keys());
        let left = ignored.filter(|column| !read.contains(*column)).cloned().collect();
        let need = TableNeed { table: table.to_owned(), read, left };
        wanted.entry(system.to_owned()).or_default().push(need);
    }
    wanted
}

/// The columns of a mapping's own table that its rules read. Names that begin with `_` were added by the extraction.
fn own_columns(mapping: &Mapping) -> impl Iterator<Item = &str> {
    mapping.own_columns(mapping.origins()).into_iter().filter(|name| !name.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::mapping_files;
    use std::path::Path;

    fn shipped() -> MappingSet {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
        MappingSet::parse(&mapping_files(&folder).unwrap()).0
    }

    #[test]
    fn every_column_is_read_or_left() {
        let set = shipped();
        let systems = BTreeSet::from(["paraply".to_owned(), "schemos".to_owned()]);
        let wanted = wanted(&set, &systems);
        assert_eq!(wanted.keys().collect::<Vec<_>>(), ["paraply", "schemos"]);
        for (system, tables) in &wanted {
            for need in tables {
                assert!(!need.read.is_empty(), "{system}/{}", need.table);
                assert!(need.read.is_disjoint(&need.left), "{system}/{}", need.table);
                assert!(need.read.iter().all(|column| !column.contains('.') && !column.starts_with('@')));
            }
        }
        assert!(wanted["paraply"].iter().any(|need| !need.left.is_empty()));
    }

    #[test]
    fn a_lookup_into_a_system_that_is_not_here_asks_nothing() {
        let wanted = wanted(&shipped(), &BTreeSet::from(["vodok".to_owned()]));
        assert!(wanted.keys().all(|system| system == "vodok"));
    }
}
