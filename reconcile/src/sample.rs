//! Cases for people to look at: a stratified draw that anybody can repeat.
//!
//! The other directions compare what the program understands. Whether it understood right is for people to say, who
//! look at a case in the old system and in the new. Which cases is not left to them, nor to chance that nobody can
//! repeat: every row has a place in a shuffle that only the seed and the row's id decide, so the same seed gives the
//! same cases as long as they are there, in any order of reading. Rows about protected persons are never offered.

use std::collections::BTreeMap;

use bron_mappings::{Digest, DigestBuilder, EntityId, Sensitive};

/// How many rows of each stratum are kept until the cases are chosen.
const SPARE: usize = 3;

/// What a draw spreads over.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stratum {
    /// The area of work, as a code.
    pub area: String,
    /// The entity of the information model.
    pub entity: String,
    /// The time that the row is from, as people name it; see [`era`].
    pub era: String,
    /// The nämnd that was responsible then, as a code.
    pub namnd: String,
}

/// The five years that a year belongs to: `2015–2019`. "Utan datum" where there is no year.
#[must_use]
pub fn era(year: Option<i16>) -> String {
    const YEARS: i16 = 5;
    year.map_or_else(
        || "Utan datum".to_owned(),
        |year| {
            let first = year - year.rem_euclid(YEARS);
            format!("{first}–{}", first + YEARS - 1)
        },
    )
}

/// A drawn row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn<T> {
    /// What it stands for.
    pub stratum: Stratum,
    /// What was kept of it.
    pub row: T,
}

/// A draw while rows are offered to it. Memory grows with the strata and not with the rows.
#[derive(Clone, Debug)]
pub struct Draw<T> {
    seed: u64,
    strata: BTreeMap<Stratum, BTreeMap<Digest, T>>,
}

impl<T: Clone> Draw<T> {
    /// A draw from which nothing is drawn yet.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, strata: BTreeMap::new() }
    }

    /// Offers a row; `keep` is asked for what is kept of it only when it may be drawn.
    pub fn offer(&mut self, stratum: &Stratum, id: &EntityId, keep: impl FnOnce() -> T) {
        let mut place = DigestBuilder::new("bron/sample/1");
        place.part(&self.seed.to_be_bytes()).part(stratum.entity.as_bytes()).part(id.as_bytes());
        let place = place.finish();
        let Some(kept) = self.strata.get_mut(stratum) else {
            self.strata.insert(stratum.clone(), BTreeMap::from([(place, keep())]));
            return;
        };
        if kept.len() < SPARE || kept.keys().next_back().is_some_and(|last| place < *last) {
            kept.insert(place, keep());
            if kept.len() > SPARE {
                kept.pop_last();
            }
        }
    }

    /// Chooses up to `wanted` rows of each area, spread over entities, times and nämnder; by area, in the order in
    /// which they were chosen.
    #[must_use]
    pub fn finish(self, wanted: usize) -> BTreeMap<String, Vec<Drawn<T>>> {
        let mut areas: BTreeMap<String, Vec<(Digest, Drawn<T>)>> = BTreeMap::new();
        for (stratum, rows) in self.strata {
            let area = areas.entry(stratum.area.clone()).or_default();
            area.extend(
                rows.into_iter().map(|(place, row)| (place, Drawn { stratum: stratum.clone(), row })),
            );
        }
        areas.into_iter().map(|(area, rows)| (area, spread(rows, wanted))).collect()
    }
}

/// Some of the rows of all areas, for a page about all of them.
#[must_use]
pub fn of_all<T: Clone>(areas: &BTreeMap<String, Vec<Drawn<T>>>, wanted: usize) -> Vec<Drawn<T>> {
    let longest = areas.values().map(Vec::len).max().unwrap_or_default();
    let in_turn = (0..longest).flat_map(|at| areas.values().filter_map(move |rows| rows.get(at)));
    in_turn.take(wanted).cloned().collect()
}

/// Takes rows one by one, each time one of which the least is taken already: of its entity, its time, its nämnd.
fn spread<T: Clone>(mut rows: Vec<(Digest, Drawn<T>)>, wanted: usize) -> Vec<Drawn<T>> {
    rows.sort_by_key(|one| one.0);
    let mut taken: [BTreeMap<String, u32>; 3] = Default::default();
    let mut chosen = Vec::new();
    while chosen.len() < wanted {
        let times = |drawn: &Drawn<T>| {
            let Stratum { entity, era, namnd, area: _ } = &drawn.stratum;
            let of = |at: usize, name: &String| taken[at].get(name).copied().unwrap_or_default();
            of(0, entity) + of(1, era) + of(2, namnd)
        };
        // The first of the least: rows stand in the order of the shuffle.
        let next = rows.iter().enumerate().min_by_key(|(_, (_, drawn))| times(drawn)).map(|(at, _)| at);
        let Some(next) = next else { break };
        let (_, drawn) = rows.remove(next);
        for (at, name) in
            [&drawn.stratum.entity, &drawn.stratum.era, &drawn.stratum.namnd].into_iter().enumerate()
        {
            *taken[at].entry(name.clone()).or_default() += 1;
        }
        chosen.push(drawn);
    }
    chosen
}

/// A value of a case, in the two forms in which it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseValue {
    /// The value as it is. Only for pages of the protected tier.
    pub clear: Sensitive<String>,
    /// What everybody may see of it.
    pub mask: Mask,
}

/// What everybody may see of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// The value itself: it names nobody.
    Open,
    /// What it is made of.
    Made {
        /// In a Swedish word or two.
        of: &'static str,
        /// Its length in characters, where it has one; [`LONGEST_TOLD`] stands for every longer one too.
        length: Option<u64>,
    },
}

/// The longest length that is told as it is: a greater one could tell one text from all others.
pub const LONGEST_TOLD: u64 = 40;

/// A field of a case, old and new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseField {
    /// The field's name in Swedish.
    pub label: String,
    /// What the mapping does to give the field, in Swedish.
    pub rule: String,
    /// The columns of the source row that the rule reads, with their values.
    pub old: Vec<(String, CaseValue)>,
    /// The value in the target.
    pub new: CaseValue,
}

/// A case: a row of the target beside the source row that it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it stands for.
    pub stratum: Stratum,
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// The key by which people with access find the row: as it is where it names nobody, else a pseudonym.
    pub key: String,
    /// The mapping.
    pub mapping: String,
    /// The fields, in the order of the model.
    pub fields: Vec<CaseField>,
}

/// The cases of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// For the page of the city.
    pub city: Vec<Case>,
    /// For the pages of areas, by code.
    pub areas: BTreeMap<String, Vec<Case>>,
    /// The seed of the draw.
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(area: &str, entity: &str, era: &str, namnd: &str) -> Stratum {
        Stratum { area: area.into(), entity: entity.into(), era: era.into(), namnd: namnd.into() }
    }

    fn id(number: u8) -> EntityId {
        EntityId::from_bytes([number; 16])
    }

    fn draw(seed: u64, numbers: impl IntoIterator<Item = u8>) -> BTreeMap<String, Vec<Drawn<u8>>> {
        let mut draw = Draw::new(seed);
        for number in numbers {
            let (era, namnd) = (era(Some(1995 + i16::from(number % 20))), format!("70{}", number % 4));
            let entity = if number % 10 == 0 { "beslut" } else { "besok" };
            draw.offer(&stratum("eb", entity, &era, &namnd), &id(number), || number);
        }
        draw.finish(12)
    }

    #[test]
    fn the_same_seed_gives_the_same_cases_in_any_order_of_reading() {
        assert_eq!(draw(1, 0..200), draw(1, (0..200).rev()));
        assert_ne!(draw(1, 0..200), draw(2, 0..200));
        assert_eq!(draw(1, 0..200)["eb"].len(), 12);
    }

    #[test]
    fn rare_strata_are_drawn_before_more_of_common_ones() {
        let cases = &draw(7, 0..200)["eb"];
        let of = |entity: &str| cases.iter().filter(|case| case.stratum.entity == entity).count();
        assert!(of("beslut") >= 3 && of("besok") >= 3, "{} and {}", of("beslut"), of("besok"));
        let eras: std::collections::BTreeSet<&str> =
            cases.iter().map(|case| case.stratum.era.as_str()).collect();
        assert_eq!(eras.len(), 4);
    }

    #[test]
    fn an_area_with_few_rows_gives_what_it_has_and_the_city_takes_from_all() {
        let mut draw = Draw::new(1);
        for number in 0..40 {
            let area = if number == 0 { "liten" } else { "stor" };
            draw.offer(&stratum(area, "beslut", &format!("{}", number % 9), "701"), &id(number), || number);
        }
        let areas = draw.finish(12);
        assert_eq!((areas["liten"].len(), areas["stor"].len()), (1, 12));
        let city = of_all(&areas, 5);
        assert_eq!(city.iter().filter(|case| case.stratum.area == "liten").count(), 1);
        assert_eq!(city.len(), 5);
    }

    #[test]
    fn five_years_are_named_by_their_ends() {
        assert_eq!(era(Some(2017)), "2015–2019");
        assert_eq!(era(Some(2015)), "2015–2019");
        assert_eq!(era(None), "Utan datum");
    }
}
