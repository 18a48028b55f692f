//! Orders: levels that became hours, and a receiver who was sold.

use crate::calendar::{Day, Month};
use crate::error::Error;
use crate::organisation::orgnr_of;
use crate::sqlite::{money, row};

use super::super::batch::Load;
use super::super::{BESTALL, ENHET, INTDEB};
use super::{Case, Ruling, Span, woman};

type Tell = fn(&mut Case<'_, '_>) -> Result<(), Error>;

pub(super) const CASES: [(i64, &str, Tell); 2] = [(29, "h29", levels), (38, "h38", sold)];

/// What is ordered of whom, and a month that is paid for.
struct Order {
    receiver: i64,
    level: Option<i64>,
    hours: Option<&'static str>,
    span: Span,
    month: Month,
    kronor: i64,
}

/// H29: level 9 until the end of 2013, then hours.
fn levels(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1931, 2, 17), ("Helga", "Hjelmér")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2012, 4, 16), None), false)?;
    let arende = case.arende(1, akt, "ÄO", (Day::of(2012, 4, 16), None), None)?;
    let receiver = case.paraply.units.utforare[0];
    let level = Order {
        receiver,
        level: Some(9),
        hours: None,
        span: (Day::of(2012, 5, 1), Some(Day::of(2013, 12, 31))),
        month: Month::of(2013, 11),
        kronor: 12_600,
    };
    let hours = Order {
        receiver,
        level: None,
        hours: Some("24.50"),
        span: (Day::of(2014, 1, 1), Some(Day::of(2014, 12, 31))),
        month: Month::of(2014, 2),
        kronor: 9_800,
    };
    for (number, order, part) in [(1, level, "niva"), (2, hours, "timmar")] {
        case.order(number, (arende, person), &order)?;
        case.part(part, case.key(number));
    }
    Ok(())
}

/// H38: an utförare that went bankrupt; the buyer goes on under the same name with another organisationsnummer.
fn sold(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let sold = Day::of(2016, 6, 30);
    let old = case.unit(1, 951, (Day::of(2010, 1, 1), Some(sold)))?;
    let new = case.unit(2, 953, (sold.plus(1), None))?;
    let person = case.person(1, woman(Day::of(1931, 2, 18), ("Irma", "Hjelmér")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2015, 1, 7), None), false)?;
    let arende = case.arende(1, akt, "ÄO", (Day::of(2015, 1, 7), None), None)?;
    let periods = [
        (1, old, (Day::of(2015, 2, 1), Some(sold)), Month::of(2016, 5), "fore"),
        (2, new, (sold.plus(1), Some(Day::of(2017, 6, 30))), Month::of(2016, 8), "efter"),
    ];
    for (number, receiver, span, month, part) in periods {
        let order = Order { receiver, level: None, hours: Some("20.00"), span, month, kronor: 7_400 };
        case.order(number, (arende, person), &order)?;
        case.part(part, case.key(number));
    }
    case.part("enhet_fore", old);
    case.part("enhet_efter", new);
    Ok(())
}

impl Case<'_, '_> {
    /// A private utförare of home help.
    fn unit(&mut self, number: i64, orgnr: u32, (from, to): Span) -> Result<i64, Error> {
        let id = self.key(number);
        let (from, to) = (from.small(), to.map(Day::small));
        let row = row![id, "ÄN", "Hemtjänsten Blåklockan", "U", orgnr_of(orgnr), None::<i64>, from, to];
        self.paraply.db.push(ENHET, row)?;
        Ok(id)
    }

    /// A decision on home help, its order and insats, and the debit of one month; all of the same key.
    fn order(&mut self, number: i64, (arende, person): (i64, i64), order: &Order) -> Result<(), Error> {
        let extent = order.hours.map_or(("9.00", "NI"), |hours| (hours, "TI"));
        let decided = order.span.0.plus(-10);
        let ruling = Ruling { extent: Some(extent), ..Ruling::care(arende, "ÄOHT", decided, order.span) };
        let beslut = self.ruling(number, ruling)?;
        let (from, to) = (order.span.0.small(), order.span.1.map(Day::small));
        let id = self.key(number);
        let answered = decided.plus(2).small();
        let row = row![id, beslut, order.receiver, order.level, order.hours, from, to, "A", answered];
        self.paraply.db.push(BESTALL, row)?;
        self.insats(number, (Some(id), Some(beslut)), person, "HTOM", order.span)?;
        let ore = order.kronor * 100;
        let bunt = self.paraply.add_to_batch(order.month.last_day(), Load::Cases, ore, ("INTDEB", id));
        let (month, price) = (order.month.compact(), money(ore));
        let row = row![id, id, order.receiver, month, order.hours, price.clone(), price, None::<i64>, bunt];
        self.paraply.db.push(INTDEB, row)
    }
}
