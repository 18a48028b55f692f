//! Invented names, streets and mojibake.

use crate::rng::Rng;

const WOMEN: [&str; 24] = [
    "Alva", "Asta", "Birgit", "Cajsa", "Disa", "Edla", "Elin", "Frida", "Greta", "Hedda", "Inga", "Jorun",
    "Karin", "Lovisa", "Märta", "Nanna", "Ottilia", "Pernilla", "Ragna", "Siri", "Tyra", "Ulla", "Viveka",
    "Åsa",
];

const MEN: [&str; 24] = [
    "Albin", "Arvid", "Birger", "Dag", "Edvin", "Folke", "Gösta", "Harald", "Ivar", "Jöran", "Knut", "Love",
    "Måns", "Nils", "Olle", "Pär", "Ragnar", "Sixten", "Torkel", "Ulf", "Valter", "Yngve", "Åke", "René",
];

const PLAIN: [&str; 16] = [
    "Alm", "Berg", "Dal", "Ek", "Fjell", "Gran", "Hav", "Is", "Kvist", "Lind", "Mars", "Nord", "Rosen",
    "Sten", "Tall", "Vinter",
];

const MARKED: [&str; 16] = [
    "Åker", "Ås", "Älg", "Ängs", "Ö", "Örn", "Öster", "Björk", "Blå", "Grön", "Häger", "Kärr", "Löv", "Sjö",
    "Ström", "Väst",
];

const ENDINGS: [&str; 14] = [
    "bo", "dal", "fors", "gren", "holm", "hult", "kvist", "lund", "mark", "rot", "stad", "strand", "vall",
    "vik",
];

const ROADS: [&str; 5] = ["vägen", "gatan", "gränd", "stigen", "backen"];

const JOINTS: [&str; 6] = ["", "er", "s", "sten", "a", "e"];

/// A first name.
pub(crate) fn first(rng: &mut Rng, man: bool) -> &'static str {
    rng.pick(if man { &MEN } else { &WOMEN })
}

/// A last name; `marked` asks for one that has å, ä or ö.
pub(crate) fn last(rng: &mut Rng, marked: bool) -> String {
    let roots = if marked || rng.chance(4, 10) { &MARKED } else { &PLAIN };
    let root = rng.pick(roots);
    let ending = rng.pick(&ENDINGS);
    format!("{root}{ending}")
}

/// A street and a number, `Granholmsvägen 12`.
pub(crate) fn street(rng: &mut Rng) -> String {
    let roots = if rng.chance(1, 2) { &MARKED } else { &PLAIN };
    let root = rng.pick(roots);
    let middle = rng.pick(&JOINTS);
    let road = rng.pick(&ROADS);
    let number = rng.between(1, 98);
    format!("{root}{middle}{road} {number}")
}

/// A postcode of the city, five digits.
pub(crate) fn postcode(rng: &mut Rng) -> String {
    format!("1{:04}", rng.between(0, 29) * 100 + rng.between(10, 99))
}

/// The name with a letter inside it replaced: the damage cannot be undone.
pub(crate) fn without_a_letter(name: &str, lost: char) -> String {
    let inside = 1..name.chars().count().saturating_sub(1);
    let marked =
        name.chars().enumerate().find(|(place, letter)| inside.contains(place) && !letter.is_ascii());
    let place = marked.map_or(1, |(place, _)| place);
    name.chars().enumerate().map(|(at, letter)| if at == place { lost } else { letter }).collect()
}

/// The text as it looks when its UTF-8 bytes are read as Windows-1252. The damage can be undone.
pub(crate) fn mojibake(text: &str) -> String {
    let (damaged, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes());
    damaged.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_last_names_are_damaged_and_can_be_repaired() {
        let mut rng = Rng::keyed(1, "names", 0);
        for _ in 0..200 {
            let name = last(&mut rng, true);
            let damaged = mojibake(&name);
            assert_ne!(name, damaged);
            let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(&damaged);
            assert!(!lossy);
            assert_eq!(std::str::from_utf8(&bytes).unwrap(), name);
        }
        assert_eq!(mojibake("Åkervik"), "Ã…kervik");
    }

    #[test]
    fn a_lost_letter_has_letters_on_both_sides() {
        assert_eq!(without_a_letter("Björkdal", '?'), "Bj?rkdal");
        assert_eq!(without_a_letter("Ås", '?'), "Å?");
        assert_eq!(without_a_letter("Åkervik", '?'), "Å?ervik");
    }

    #[test]
    fn every_name_fits_windows_1252() {
        let mut rng = Rng::keyed(1, "fits", 0);
        for _ in 0..500 {
            let text = format!("{} {}", last(&mut rng, false), street(&mut rng));
            assert!(!encoding_rs::WINDOWS_1252.encode(&text).2);
        }
    }
}
