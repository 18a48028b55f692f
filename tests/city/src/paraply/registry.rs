//! Boards, units, handlers and code lists: the tables that do not depend on persons.

use crate::calendar::Day;
use crate::codes::code_rows;
use crate::error::Error;
use crate::names;
use crate::organisation::{BOARDS, CITY_BOARD, CITY_ORGNR, CITY_UNITS, is_private, orgnr_of};
use crate::population::utforare_count;
use crate::rng::Rng;
use crate::sqlite::row;

use super::{ENHET, HANDL, KODTAB, NAMND, Paraply, handler_id};

const START: Day = Day::of(1997, 1, 1);
impl Paraply<'_> {
    pub(super) fn write_registry(&mut self) -> Result<(), Error> {
        for board in &BOARDS {
            let to = board.to.map(Day::small);
            self.db.push(NAMND, row![board.code, board.name, board.from.small(), to, board.successor])?;
        }
        let units = self.write_units()?;
        self.write_handlers(units)?;
        self.write_codes()
    }

    fn write_units(&mut self) -> Result<i32, Error> {
        let mut id = 0;
        let boards = BOARDS.iter().map(|board| {
            let name = board.name.replace("stadsdelsnämnd", "mottagningsenhet");
            (board.code, name, board.from, board.to)
        });
        let city = CITY_UNITS.map(|name| (CITY_BOARD, name.to_owned(), START, None));
        let handling: Vec<_> = boards.chain(city).collect();
        for (board, name, from, to) in handling {
            id += 1;
            let hsa = format!("SE{CITY_ORGNR}-M{id:04}");
            let to = to.map(Day::small);
            self.db.push(ENHET, row![id, board, name, "M", CITY_ORGNR, hsa, from.small(), to])?;
        }
        let handling_units = id;
        let persons = u32::try_from(self.city.persons.len()).unwrap_or(u32::MAX);
        for utforare in 0..utforare_count(persons) {
            id += 1;
            let orgnr = orgnr_of(utforare);
            let hsa = (!is_private(utforare)).then(|| format!("SE{CITY_ORGNR}-U{id:04}"));
            let name = format!("Hemtjänsten {}", utforare + 1);
            let from = START.small();
            self.db.push(ENHET, row![id, "ÄN", name, "U", orgnr, hsa, from, None::<i64>])?;
        }
        Ok(handling_units)
    }

    fn write_handlers(&mut self, units: i32) -> Result<(), Error> {
        let from = Day::of(2004, 6, 1).small();
        for index in 0..self.handlers {
            let mut rng = Rng::keyed(self.city.seed, "handler", index.into());
            let man = rng.chance(2, 10);
            let name = format!("{} {}", names::first(&mut rng, man), names::last(&mut rng, false));
            let unit = rng.between(1, units);
            self.db.push(HANDL, row![handler_id(index), name, unit, from.clone(), None::<i64>])?;
        }
        Ok(())
    }

    fn write_codes(&mut self) -> Result<(), Error> {
        let mut sort = 0_i64;
        for code in code_rows() {
            sort += 10;
            let (from, to) = (code.from.small(), code.to.map(Day::small));
            self.db.push(KODTAB, row![code.table, code.code, code.text, from, to, sort])?;
        }
        Ok(())
    }
}
