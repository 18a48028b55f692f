//! Questions to people: two humans who may be one. Each rests on keys that are equal, and its score is the
//! sum of parts that have names.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{IdentityDecision, ReasonCode};

use super::records::{Number, Open, Records};
use super::{Decided, Pair};

/// More records with one name and one date than chance and double entry give: a stand-in name or date.
const MOST_IN_A_BLOCK: usize = 20;

/// How two records came to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Method {
    /// A samordningsnummer, and later a personnummer with the same date of birth and the same name (`D06`).
    CoordinationToPersonal,
    /// The same name and the same registered date of birth, where a number cannot tell (`D07`).
    NameAndBirth,
}

impl Method {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::CoordinationToPersonal => "samordning_till_personnummer",
            Self::NameAndBirth => "namn_och_fodelsedatum",
        }
    }

    pub(super) const fn reason(self) -> ReasonCode {
        match self {
            Self::CoordinationToPersonal => ReasonCode::NumberReplaced,
            Self::NameAndBirth => ReasonCode::SameHuman,
        }
    }
}

/// What speaks for two records being one human: named parts, whose points add up to at most 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Score(Vec<(&'static str, i64)>);

impl Score {
    pub(super) fn points(&self) -> i64 {
        self.0.iter().map(|(_, points)| points).sum()
    }

    /// The parts in Swedish, without any value.
    pub(super) fn explanation(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(part, points)| format!("{part} ({points})")).collect();
        parts.join("; ")
    }
}

/// A question, and the answer if there is one.
pub(super) struct Candidate {
    pub(super) method: Method,
    pub(super) score: Score,
    /// The decision that answers it, and whether it says that they are one human.
    pub(super) answer: Option<(bool, IdentityDecision)>,
}

impl Candidate {
    pub(super) const fn status(&self) -> &'static str {
        match self.answer {
            None => "ny",
            Some((true, _)) => "bekraftad",
            Some((false, _)) => "avvisad",
        }
    }
}

type Compare<'c> = dyn FnMut(Method, &Open, &Open) -> Option<Score> + 'c;

/// Finds the questions among records that share a key. Two humans are asked about once, for the pair of one
/// table before a pair across tables, and never again when people have answered.
pub(super) fn find(
    records: &Records,
    humans: &[Option<u32>],
    decided: &Decided<'_>,
    compare: &mut Compare<'_>,
) -> BTreeMap<Pair, Candidate> {
    let human = |place: u32| humans[usize::try_from(place).expect("a place in memory takes 32 bits")];
    let sorted = |(a, b): Pair| (human(a).min(human(b)), human(a).max(human(b)));
    let answered: BTreeSet<_> = decided.keys().map(|pair| sorted(*pair)).collect();
    let found = alike(records, compare);
    let numbered = with_personal_number(records, humans, found.keys());
    let mut kept = BTreeMap::new();
    let mut asked: BTreeMap<_, (bool, Method, Pair)> = BTreeMap::new();
    for (pair, (method, score)) in found {
        if let Some(decision) = decided.get(&pair) {
            let word = if decision.is_same() { decision.same } else { decision.apart };
            let answer = word.map(|word| (decision.is_same(), word.clone()));
            kept.insert(pair, Candidate { method, score, answer });
            continue;
        }
        let of = sorted(pair);
        let two_humans = human(pair.0) != human(pair.1) && !answered.contains(&of);
        let both_numbered = [pair.0, pair.1].iter().all(|place| numbered.contains(&human(*place)));
        if !two_humans || both_numbered {
            continue;
        }
        let across = records.get(pair.0).table != records.get(pair.1).table;
        let rank = (across, method, pair);
        let first = asked.entry(of).or_insert(rank);
        if *first == rank || earlier(records, rank, *first) {
            kept.remove(&first.2);
            *first = rank;
            kept.insert(pair, Candidate { method, score, answer: None });
        }
    }
    kept
}

/// Whether a pair stands for its two humans rather than another does. Places depend on the order of
/// reading, keys do not.
fn earlier(records: &Records, one: (bool, Method, Pair), other: (bool, Method, Pair)) -> bool {
    let name = |(across, method, (a, b)): (bool, Method, Pair)| {
        let [a, b] = [a, b].map(|place| {
            let record = records.get(place);
            (&records.tables[record.table], record.key.len(), &record.key)
        });
        (across, method, a, b)
    };
    name(one) < name(other)
}

/// The humans of these pairs that have a valid personnummer. Two of them are two humans, whatever else is
/// alike: a human gets a second one only together with a new identity or a correction that is on record.
fn with_personal_number<'f>(
    records: &Records,
    humans: &[Option<u32>],
    pairs: impl Iterator<Item = &'f Pair>,
) -> BTreeSet<Option<u32>> {
    let human = |place: u32| humans[usize::try_from(place).expect("a place in memory takes 32 bits")];
    let meant: BTreeSet<Option<u32>> = pairs.flat_map(|(a, b)| [human(*a), human(*b)]).collect();
    let numbered = records
        .open()
        .filter(|(_, open)| matches!(open.number, Number::National(number) if !number.coordination));
    numbered.map(|(place, _)| human(place)).filter(|human| meant.contains(human)).collect()
}

/// Compares the records of each block, and never any others.
fn alike(records: &Records, compare: &mut Compare<'_>) -> BTreeMap<Pair, (Method, Score)> {
    let mut found = BTreeMap::new();
    for method in [Method::CoordinationToPersonal, Method::NameAndBirth] {
        for block in blocks(records, method).values() {
            for (at, (a, one)) in block.iter().enumerate() {
                for (b, other) in &block[at + 1..] {
                    if let Some(score) = compare(method, one, other) {
                        found.entry(records.pair(*a, *b)).or_insert((method, score));
                    }
                }
            }
        }
    }
    found
}

type Blocks<'r> = BTreeMap<([u8; 16], i32), Vec<(u32, &'r Open)>>;

/// The open records with one name and one date: the date in the number, or the registered one.
fn blocks(records: &Records, method: Method) -> Blocks<'_> {
    let mut blocks = Blocks::new();
    for (place, open) in records.open() {
        let date = match (method, open.number) {
            (Method::CoordinationToPersonal, Number::National(number)) => Some(number.born),
            (Method::CoordinationToPersonal, Number::Absent | Number::Reserve | Number::Other) => None,
            (Method::NameAndBirth, _) => open.birth,
        };
        if let (Some(name), Some(date)) = (open.name, date) {
            blocks.entry((name, date)).or_default().push((place, open));
        }
    }
    blocks.retain(|_, block| (2..=MOST_IN_A_BLOCK).contains(&block.len()));
    blocks
}

/// What speaks for two records of one block being one human; `None` when the method says nothing about
/// them.
pub(super) fn compare(method: Method, a: &Open, b: &Open) -> Option<Score> {
    match method {
        Method::CoordinationToPersonal => coordination_to_personal(a, b),
        Method::NameAndBirth => name_and_birth(a, b),
    }
}

fn coordination_to_personal(a: &Open, b: &Open) -> Option<Score> {
    let (Number::National(one), Number::National(other)) = (a.number, b.number) else { return None };
    let (before, after) = match (one.coordination, other.coordination) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        (true, true) | (false, false) => return None,
    };
    let dates = before.since.zip(after.since);
    if dates.is_some_and(|(before, after)| after < before) {
        return None;
    }
    let mut parts = vec![("samma förnamn och efternamn", 45), ("samma födelsedatum i numren", 30)];
    parts.extend(dates.map(|_| ("personnumret kom senare än samordningsnumret", 10)));
    parts
        .extend((a.birth.is_some() && a.birth == b.birth).then_some(("samma registrerade födelsedatum", 10)));
    parts.extend((one.odd == other.odd).then_some(("samma kön enligt numren", 5)));
    Some(Score(parts))
}

fn name_and_birth(a: &Open, b: &Open) -> Option<Score> {
    let weak = |number| matches!(number, Number::Absent | Number::Reserve);
    let absent = a.number == Number::Absent || b.number == Number::Absent;
    // A reservnummer with a day of birth stands for a national number that nobody knew.
    let dated = a.birth_in_reserve || b.birth_in_reserve;
    let undecided = absent || dated || (weak(a.number) && weak(b.number));
    if !undecided {
        return None;
    }
    let national = |number| matches!(number, Number::National(_));
    let birth = if dated {
        ("samma födelsedatum, ur ett reservnummer", 35)
    } else {
        ("samma registrerade födelsedatum", 45)
    };
    let mut parts = vec![("samma förnamn och efternamn", 45), birth];
    let completes = absent && (national(a.number) || national(b.number));
    parts.extend(completes.then_some(("bara den ena posten har ett nummer, och det är giltigt", 10)));
    Some(Score(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_score_passes_a_hundred() {
        let national = |coordination| {
            Number::National(super::super::records::National { digits: 1, coordination, born: 0, odd: true })
        };
        let open = |number, since| {
            let (valid, name, birth) = ((0, 0), None, Some(0));
            Open { number, valid, name, birth, birth_in_reserve: false, since: Some(since) }
        };
        let later =
            compare(Method::CoordinationToPersonal, &open(national(false), 2), &open(national(true), 1));
        assert_eq!(later.unwrap().points(), 100);
        let half = compare(Method::NameAndBirth, &open(Number::Absent, 0), &open(national(false), 0));
        let half = half.unwrap();
        assert_eq!(half.points(), 100);
        assert_eq!(
            half.explanation(),
            "samma förnamn och efternamn (45); samma registrerade födelsedatum (45); \
             bara den ena posten har ett nummer, och det är giltigt (10)"
        );
    }
}
