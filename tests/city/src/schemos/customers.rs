//! Customers and where they live.

use super::{ADDRESS, CUSTOMER, Schemos, stored};
use crate::calendar::{Day, Stamp};
use crate::error::Error;
use crate::names;
use crate::population::Person;
use crate::rng::Rng;
use crate::sqlite::{Value, row};

/// Where a customer lives, the same in every system: street and number, and postcode.
pub(crate) fn home(seed: u64, person: &Person) -> (String, String) {
    let mut rng = Rng::keyed(seed, "kund/address", person.index.into());
    let street = names::street(&mut rng);
    (street, format!("12{:03}", rng.between(0, 999)))
}

impl Schemos<'_> {
    /// Writes the customers: (place of the person in the city, KundNr). The customer's `id` is the place in
    /// this list, from 1. One in twenty has a second row from an earlier registration, deleted since.
    pub(crate) fn write_customers<'k>(
        &mut self,
        customers: impl Iterator<Item = (u32, &'k str)>,
    ) -> Result<(), Error> {
        let mut earlier: Vec<(&Person, &str)> = Vec::new();
        let mut last = 0;
        for (id, (place, number)) in (1_i64..).zip(customers) {
            let index = usize::try_from(place).expect("a place in the city fits usize");
            let person = &self.city.persons[index];
            self.write_customer(id, person, number, None)?;
            self.write_address(id, person)?;
            if id % 20 == 4 {
                earlier.push((person, number));
            }
            last = id;
        }
        for (id, (person, number)) in (last + 1..).zip(earlier) {
            let deleted = Stamp::at(Day::of(2017, 3, 1).plus(i32::try_from(id % 700).unwrap_or(0)), 10, 15);
            self.write_customer(id, person, number, Some(deleted))?;
        }
        Ok(())
    }

    fn write_customer(
        &mut self,
        id: i64,
        person: &Person,
        number: &str,
        deleted: Option<Stamp>,
    ) -> Result<(), Error> {
        let protected = person.is_protected();
        // Every third customer was entered by hand, without the case system's number.
        let known = (id % 3 != 0).then(|| person.pers_id());
        let pnr = person.clean.clone().filter(|_| !protected);
        let code_name = protected.then(|| format!("Kund {id:05}"));
        let deleted = deleted.map(|deleted| stored(deleted).small());
        self.db.push(CUSTOMER, row![id, number.to_owned(), known, pnr, code_name, deleted])
    }

    /// The address; nobody wrote down that of a protected customer.
    fn write_address(&mut self, id: i64, person: &Person) -> Result<(), Error> {
        if person.is_protected() {
            return Ok(());
        }
        let (street, zip) = home(self.city.seed, person);
        let mut rng = Rng::keyed(self.city.seed, "address", person.index.into());
        let position = |degrees: i32, part: i32| format!("{degrees}.{part:04}");
        let (lat, lng) = (position(59, rng.between(2_300, 4_100)), position(18, rng.between(100, 1_900)));
        let key = if rng.chance(400, 1_000) {
            Value::Text(format!("N{:04}", rng.between(1, 9_999)))
        } else {
            Value::Null
        };
        self.db.push(ADDRESS, row![id, id, street, zip, "STOCKHOLM", lat, lng, key])
    }
}
