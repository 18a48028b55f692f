//! How alike the name of a column or a table is to a name of the information model.

use bron_reconcile::snapshot::likeness;

/// Names that are this alike, of a hundred, are taken for the same thing.
pub(super) const ENOUGH: usize = 75;

/// A name that abbreviates another is this much like it.
const ABBREVIATED: usize = 90;

/// Legacy names that say the same as names of the model without being like them, both folded.
const SAME: [(&str, &str); 14] = [
    ("from", "fran"),
    ("from", "giltigfran"),
    ("fromdate", "fran"),
    ("tom", "till"),
    ("tom", "giltigtill"),
    ("to", "till"),
    ("todate", "till"),
    ("regdat", "registreradtid"),
    ("regtid", "registreradtid"),
    ("createdat", "registreradtid"),
    ("anddat", "andradtid"),
    ("andradtid", "andradtid"),
    ("updatedat", "andradtid"),
    ("deletedat", "borttagentid"),
];

/// How alike a legacy name is to a name or a label of the model, of a hundred. Legacy names are abbreviations, so a
/// name whose letters all stand in the other in their order, beginning with the same one, counts as well.
pub(super) fn alike(legacy: &str, name: &str, label: &str) -> usize {
    let legacy = folded(legacy);
    [name, label].iter().map(|known| pair(&legacy, &folded(known))).max().unwrap_or(0)
}

fn pair(legacy: &str, known: &str) -> usize {
    let alike = likeness(legacy, known);
    let same = SAME.contains(&(legacy, known)) || abbreviates(legacy, known);
    if same { alike.max(ABBREVIATED) } else { alike }
}

/// Whether all letters of a name stand in another in their order, beginning with the same one. Fewer than three
/// letters, or than a third of the other's, say nothing.
fn abbreviates(short: &str, long: &str) -> bool {
    let (few, many) = (short.chars().count(), long.chars().count());
    let mut rest = long.chars();
    let begins = short.chars().next() == long.chars().next();
    few >= 3 && few * 3 >= many && begins && short.chars().all(|letter| rest.any(|other| other == letter))
}

/// In lower case, without what is no letter or digit, and with Swedish letters as ASCII.
pub(super) fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    let fold = |letter: char| match letter {
        'å' | 'ä' => Some('a'),
        'ö' => Some('o'),
        'é' => Some('e'),
        other => other.is_ascii_alphanumeric().then_some(other),
    };
    lower.chars().filter_map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abbreviation_is_like_its_word() {
        for (legacy, name) in
            [("FODDAT", "fodelsedatum"), ("FNAMN", "fornamn"), ("KON", "kon"), ("PERSON", "person")]
        {
            assert!(alike(legacy, name, "") >= ENOUGH, "{legacy} {name}");
        }
        assert!(alike("Adr", "x", "Gatuadress") < ENOUGH);
        assert!(alike("ENAMN", "fornamn", "Förnamn") < alike("ENAMN", "efternamn", "Efternamn"));
        assert!(alike("ENAMN", "namn", "Namn") < alike("ENAMN", "efternamn", "Efternamn"));
        assert!(alike("TOM", "giltig_till", "Giltig till") >= ENOUGH);
        assert!(alike("SDN", "skydd_verbatim", "Skydd i källan") < ENOUGH);
        assert!(alike("RV", "radversion", "") < ENOUGH, "two letters say nothing");
    }
}
