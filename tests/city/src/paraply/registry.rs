//! Boards, units, handlers, their rights and code lists: the tables that do not depend on persons.

use crate::calendar::{Day, TODAY};
use crate::codes::code_rows;
use crate::error::Error;
use crate::names;
use crate::organisation::{BOARDS, CITY_BOARD, CITY_ORGNR, CITY_UNITS, is_private, orgnr_of};
use crate::population::utforare_count;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::{BEHOR, ENHET, HANDL, KODTAB, NAMND, Paraply, Units, handler_id, place};

const START: Day = Day::of(1997, 1, 1);
/// The last day of the utförare that was closed.
pub(super) const CLOSED: Day = Day::of(2012, 6, 30);
/// The first day of the handlers who are still there.
const HANDLERS_FROM: Day = Day::of(2004, 6, 1);
/// User ids that two persons have had, one after the other.
pub(super) const REUSED_IDS: [&str; 3] = ["HB00001", "HB00002", "HB00003"];
/// The day on which their second persons got them.
const REUSED_FROM: Day = Day::of(2013, 6, 1);

/// A unit to be written.
struct Unit {
    board: &'static str,
    name: String,
    kind: &'static str,
    orgnr: String,
    hsa: Option<String>,
    from: Day,
    to: Option<Day>,
}

impl Paraply<'_> {
    pub(super) fn write_registry(&mut self) -> Result<(), Error> {
        for board in &BOARDS {
            let to = board.to.map(Day::small);
            self.db.push(NAMND, row![board.code, board.name, board.from.small(), to, board.successor])?;
        }
        let open = self.write_units()?;
        self.write_handlers(&open)?;
        self.write_codes()
    }

    /// Writes every unit, and returns those that handle cases and are open.
    fn write_units(&mut self) -> Result<Vec<i64>, Error> {
        let boards = BOARDS.iter().map(|board| {
            let name = board.name.replace("stadsdelsnämnd", "mottagningsenhet");
            (board.code, name, board.from, board.to)
        });
        let city = CITY_UNITS.map(|name| (CITY_BOARD, name.to_owned(), START, None));
        let (mut id, mut open) = (0_i64, Vec::new());
        for (board, name, from, to) in boards.chain(city) {
            id += 1;
            if to.is_none() {
                open.push(id);
            }
            let (orgnr, hsa) = (CITY_ORGNR.to_owned(), Some(format!("SE{CITY_ORGNR}-M{id:04}")));
            self.write_unit(id, Unit { board, name, kind: "M", orgnr, hsa, from, to })?;
        }
        self.write_receivers(id)?;
        Ok(open)
    }

    /// Writes the units that carry out decisions: home help, of which one is closed, and homes for children.
    fn write_receivers(&mut self, last: i64) -> Result<(), Error> {
        let mut id = last;
        let persons = u32::try_from(self.city.persons.len()).unwrap_or(u32::MAX);
        let mut units = Units::default();
        for utforare in 0..utforare_count(persons) {
            id += 1;
            units.utforare.push(id);
            let hsa = (!is_private(utforare)).then(|| format!("SE{CITY_ORGNR}-U{id:04}"));
            let name = format!("Hemtjänsten {}", utforare + 1);
            let orgnr = orgnr_of(utforare);
            self.write_unit(id, Unit { board: "ÄN", name, kind: "U", orgnr, hsa, from: START, to: None })?;
        }
        let others = [("ÄN", "Hemtjänsten Solsidan", Some(CLOSED))].into_iter().chain(
            ["Familjehemsenheten", "Jourhemsenheten", "Behandlingshemmet Lunden"]
                .map(|name| ("SN", name, None)),
        );
        for (number, (board, name, to)) in (900_u32..).zip(others) {
            id += 1;
            match to {
                Some(_) => units.closed = id,
                None => units.homes.push(id),
            }
            // An odd number is a private one.
            let orgnr = orgnr_of(number | 1);
            let name = name.to_owned();
            self.write_unit(id, Unit { board, name, kind: "U", orgnr, hsa: None, from: START, to })?;
        }
        self.units = units;
        Ok(())
    }

    fn write_unit(&mut self, id: i64, unit: Unit) -> Result<(), Error> {
        let (from, to) = (unit.from.small(), unit.to.map(Day::small));
        self.db.push(ENHET, row![id, unit.board, unit.name, unit.kind, unit.orgnr, unit.hsa, from, to])
    }

    fn write_handlers(&mut self, units: &[i64]) -> Result<(), Error> {
        let known = (0..self.handlers).map(|index| (handler_id(index), HANDLERS_FROM, None));
        let reused = REUSED_IDS.iter().flat_map(|id| {
            let ended = Some(REUSED_FROM.plus(-1));
            [(id.to_string(), HANDLERS_FROM, ended), (id.to_string(), REUSED_FROM, None)]
        });
        for (index, (handler, from, to)) in (0_u64..).zip(known.chain(reused)) {
            let mut rng = Rng::keyed(self.city.seed, "handler", index);
            let man = rng.chance(2, 10);
            let name = format!("{} {}", names::first(&mut rng, man), names::last(&mut rng, false));
            let unit = rng.pick(units);
            let (from, to) = (from.small(), to.map(Day::small));
            self.db.push(HANDL, row![handler.clone(), name, unit, from.clone(), to.clone()])?;
            self.db.push(BEHOR, row![handler.clone(), unit, "HANDL", from, to])?;
            if rng.chance(300, 1_000) {
                let role = rng.pick(&["CHEF", "ATTEST", "LÄS"]);
                let since = REUSED_FROM.plus(rng.between(30, 3_000)).min(TODAY).small();
                self.db.push(BEHOR, row![handler, unit, role, since, None::<i64>])?;
            }
        }
        Ok(())
    }

    fn write_codes(&mut self) -> Result<(), Error> {
        let mut sort = 0_i64;
        for code in code_rows() {
            sort += 10;
            let (from, to) = (code.from.small(), code.to.map(Day::small));
            if code.reused {
                let key = format!("{}|{}|{from}", code.table, code.code);
                self.ledger.mark(place("D19", "KODTAB", Action::Fix), key);
            }
            self.db.push(KODTAB, row![code.table, code.code, code.text, from, to, sort])?;
        }
        Ok(())
    }
}
