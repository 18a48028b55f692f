//! The city's districts and the boards that answered for them, as five successive maps have left them.
//!
//! Mergers and dates are public facts (1999 from 24 to 18, 2007-01-01 to 14, 2020-07-01 to 13, 2023-07-01 to 11).
//! Codes are invented, except that `7` and the two-digit district number is a pattern that public
//! documents show for two of them (715 Skarpnäck, 718 Farsta).

use crate::calendar::Day;
use crate::numbers::check_digit;

/// A district of the 14-district map.
pub(crate) struct District {
    /// The value of `PERSON.SDN`.
    pub(crate) sdn: &'static str,
    /// Recipients of ekonomiskt bistånd in 2017, the weight of the district.
    pub(crate) weight: u32,
    /// The board's code in each period: until 2006, 2007 to June 2020, to June 2023, after.
    boards: [&'static str; 4],
}

const fn district(sdn: &'static str, weight: u32, boards: [&'static str; 4]) -> District {
    District { sdn, weight, boards }
}

/// The 14 districts.
pub(crate) const DISTRICTS: [District; 14] = [
    district("01", 3_604, ["731", "701", "701", "702"]),
    district("03", 2_201, ["703", "703", "703", "702"]),
    district("04", 2_267, ["704"; 4]),
    district("06", 923, ["706"; 4]),
    district("08", 310, ["708"; 4]),
    district("09", 312, ["709", "709", "709", "711"]),
    district("10", 260, ["710", "710", "710", "711"]),
    district("12", 1_001, ["732", "712", "712", "712"]),
    district("14", 2_936, ["735", "714", "714", "714"]),
    district("15", 1_100, ["715"; 4]),
    district("18", 1_585, ["718"; 4]),
    district("21", 411, ["721", "721", "723", "723"]),
    district("22", 1_138, ["736", "722", "723", "723"]),
    district("24", 1_876, ["724"; 4]),
];

/// The first days of the later maps.
const CHANGES: [Day; 3] = [Day::of(2007, 1, 1), Day::of(2020, 7, 1), Day::of(2023, 7, 1)];

/// The board for people who belong to no district, such as the homeless.
pub(crate) const CITY_BOARD: &str = "SN";

/// The code of the board that answered for a district (or for none) on a day.
pub(crate) fn board_at(district: Option<usize>, day: Day) -> &'static str {
    let period = CHANGES.iter().filter(|change| **change <= day).count();
    district.map_or(CITY_BOARD, |index| DISTRICTS[index].boards[period])
}

/// A row of `NAMND`: code, name, first year-month-day, last, successor.
pub(crate) struct Board {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) from: Day,
    pub(crate) to: Option<Day>,
    pub(crate) successor: Option<&'static str>,
}

const START: Day = Day::of(1997, 1, 1);
const MAP_18: Day = Day::of(1999, 1, 1);

const fn lasting(code: &'static str, name: &'static str) -> Board {
    Board { code, name, from: START, to: None, successor: None }
}

const fn merged(
    code: &'static str,
    name: &'static str,
    from: Day,
    change: Day,
    successor: &'static str,
) -> Board {
    Board { code, name, from, to: Some(change.plus(-1)), successor: Some(successor) }
}

const fn created(code: &'static str, name: &'static str, from: Day) -> Board {
    Board { code, name, from, to: None, successor: None }
}

/// A board of the first map, which nobody wrote a successor for.
const fn early(code: &'static str, name: &'static str) -> Board {
    Board { code, name, from: START, to: Some(MAP_18.plus(-1)), successor: None }
}

/// Whether a board had ended before the day.
pub(crate) fn closed_before(code: &str, day: Day) -> bool {
    BOARDS.iter().any(|board| board.code == code && board.to.is_some_and(|to| to < day))
}

/// Every board that ever was, in the order of the maps. Which twelve boards of 1997 became six in 1999 is
/// partly invented.
pub(crate) const BOARDS: [Board; 43] = [
    early("740", "Hässelby stadsdelsnämnd"),
    early("741", "Vällingby stadsdelsnämnd"),
    early("742", "Västerleds stadsdelsnämnd"),
    early("743", "Bromma-Ulvsunda stadsdelsnämnd"),
    early("744", "Hornstulls stadsdelsnämnd"),
    early("745", "Gamla stans stadsdelsnämnd"),
    early("746", "Katarina stadsdelsnämnd"),
    early("747", "Hammarby stadsdelsnämnd"),
    early("748", "Enskede stadsdelsnämnd"),
    early("749", "Årsta stadsdelsnämnd"),
    early("750", "Söderleds stadsdelsnämnd"),
    early("751", "Farsta-Hökarängens stadsdelsnämnd"),
    merged("730", "Kista stadsdelsnämnd", START, CHANGES[0], "701"),
    merged("731", "Rinkeby stadsdelsnämnd", START, CHANGES[0], "701"),
    merged("732", "Maria-Gamla stans stadsdelsnämnd", MAP_18, CHANGES[0], "712"),
    merged("733", "Katarina-Sofia stadsdelsnämnd", MAP_18, CHANGES[0], "712"),
    merged("734", "Enskede-Årsta stadsdelsnämnd", MAP_18, CHANGES[0], "714"),
    merged("735", "Vantörs stadsdelsnämnd", START, CHANGES[0], "714"),
    merged("736", "Hägerstens stadsdelsnämnd", START, CHANGES[0], "722"),
    merged("737", "Liljeholmens stadsdelsnämnd", START, CHANGES[0], "722"),
    merged("701", "Rinkeby-Kista stadsdelsnämnd", CHANGES[0], CHANGES[2], "702"),
    merged("703", "Spånga-Tensta stadsdelsnämnd", START, CHANGES[2], "702"),
    created("704", "Hässelby-Vällingby stadsdelsnämnd", MAP_18),
    created("706", "Bromma stadsdelsnämnd", MAP_18),
    lasting("708", "Kungsholmens stadsdelsnämnd"),
    merged("709", "Norrmalms stadsdelsnämnd", START, CHANGES[2], "711"),
    merged("710", "Östermalms stadsdelsnämnd", START, CHANGES[2], "711"),
    created("712", "Södermalms stadsdelsnämnd", CHANGES[0]),
    created("714", "Enskede-Årsta-Vantörs stadsdelsnämnd", CHANGES[0]),
    lasting("715", "Skarpnäcks stadsdelsnämnd"),
    created("718", "Farsta stadsdelsnämnd", MAP_18),
    merged("721", "Älvsjö stadsdelsnämnd", START, CHANGES[1], "723"),
    merged("722", "Hägersten-Liljeholmens stadsdelsnämnd", CHANGES[0], CHANGES[1], "723"),
    lasting("724", "Skärholmens stadsdelsnämnd"),
    created("723", "Hägersten-Älvsjö stadsdelsnämnd", CHANGES[1]),
    created("702", "Järva stadsdelsnämnd", CHANGES[2]),
    created("711", "Norra innerstadens stadsdelsnämnd", CHANGES[2]),
    lasting(CITY_BOARD, "Socialnämnden"),
    lasting("ÄN", "Äldrenämnden"),
    lasting("ÖFN", "Överförmyndarnämnden"),
    lasting("UBN", "Utbildningsnämnden"),
    lasting("AMN", "Arbetsmarknadsnämnden"),
    lasting("SEN", "Servicenämnden"),
];

/// Units that belong to no district, under [`CITY_BOARD`].
pub(crate) const CITY_UNITS: [&str; 4] =
    ["Enheten för hemlösa", "Intro Stockholm", "Boutredning", "Socialjouren"];

/// The city's own organisationsnummer, a public fact.
pub(crate) const CITY_ORGNR: &str = "2120000142";

/// Utförare alternate between municipal and private.
pub(crate) fn is_private(utforare: u32) -> bool {
    utforare % 2 == 1
}

/// The organisationsnummer of an utförare: the city's, or for a private one an invented number in group 99,
/// which is not in use.
pub(crate) fn orgnr_of(utforare: u32) -> String {
    if !is_private(utforare) {
        return CITY_ORGNR.to_owned();
    }
    let head = format!("999900{utforare:03}");
    let check = check_digit(head.chars().filter_map(|digit| digit.to_digit(10)));
    format!("{head}{check}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_have_24_18_14_13_and_11_boards() {
        let count = |day: Day| {
            BOARDS
                .iter()
                .filter(|board| board.code.starts_with('7'))
                .filter(|board| board.from <= day && board.to.is_none_or(|to| to >= day))
                .count()
        };
        assert_eq!(count(Day::of(1998, 12, 31)), 24);
        assert_eq!(count(Day::of(1999, 1, 1)), 18);
        assert_eq!(count(Day::of(2006, 12, 31)), 18);
        assert_eq!(count(Day::of(2007, 1, 1)), 14);
        assert_eq!(count(Day::of(2020, 7, 1)), 13);
        assert_eq!(count(Day::of(2023, 7, 1)), 11);
    }

    #[test]
    fn the_board_of_a_district_exists_on_the_day() {
        for day in [Day::of(2005, 1, 1), Day::of(2012, 5, 5), Day::of(2022, 1, 1), Day::of(2024, 12, 31)] {
            for district in (0..DISTRICTS.len()).map(Some).chain([None]) {
                let code = board_at(district, day);
                let board = BOARDS.iter().find(|board| board.code == code).unwrap();
                assert!(board.from <= day && board.to.is_none_or(|to| to >= day), "{code}");
            }
        }
    }

    #[test]
    fn no_successor_is_known_before_2007() {
        for board in BOARDS.iter().filter(|board| board.to.is_some_and(|to| to < Day::of(2006, 12, 31))) {
            assert_eq!(board.successor, None);
        }
        assert!(closed_before("721", Day::of(2024, 12, 31)) && !closed_before("723", Day::of(2024, 12, 31)));
    }

    #[test]
    fn successors_exist_and_start_the_day_after() {
        for board in &BOARDS {
            if let (Some(to), Some(code)) = (board.to, board.successor) {
                let successor = BOARDS.iter().find(|next| next.code == code).unwrap();
                assert_eq!(successor.from, to.plus(1), "{code}");
            }
        }
    }
}
