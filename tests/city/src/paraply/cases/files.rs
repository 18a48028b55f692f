//! Files and notes: cases that move, boards that end, authors who changed, and what is kept how long.

use crate::calendar::{Day, Month, Stamp};
use crate::error::Error;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::super::batch::Load;
use super::super::registry::REUSED_IDS;
use super::super::{FAKTUND, PLACER, handler_id};
use super::{Case, Paid, Ruling, Who, woman};

type Tell = fn(&mut Case<'_, '_>) -> Result<(), Error>;

pub(super) const CASES: [(i64, &str, Tell); 7] = [
    (8, "h8", moved),
    (10, "h10", merged_boards),
    (23, "h23", reused_author),
    (24, "h24", broken_byte),
    (26, "h26", past_retention),
    (27, "h27", estate),
    (32, "h32", paper_file),
];

/// H8: a case that goes on with another board, in a file of its own.
fn moved(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 9), ("Tyra", "Nyqvist")))?;
    let before = (Day::of(2016, 2, 1), Some(Day::of(2018, 9, 30)));
    let after = (Day::of(2018, 10, 1), None);
    let old_akt = case.akt(1, person, ("718", "SOL"), before, false)?;
    let old = case.bistand(1, (old_akt, person), before, None)?;
    let new_akt = case.akt(2, person, ("714", "SOL"), after, false)?;
    let new = case.bistand(2, (new_akt, person), after, Some(old))?;
    for (part, key) in [("akt_fore", old_akt), ("akt_efter", new_akt), ("fore", old), ("efter", new)] {
        case.part(part, key);
    }
    Ok(())
}

/// H10: files of boards that have been merged, of one and of three maps ago.
fn merged_boards(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let who = woman(Day::of(1931, 2, 10), ("Ulrika", "Nyqvist"));
    let person = case.person(1, Who { registered: Day::of(1998, 3, 2), ..who })?;
    let first = (Day::of(1998, 3, 2), Some(Day::of(1998, 11, 30)));
    let second = (Day::of(2006, 2, 1), Some(Day::of(2006, 12, 20)));
    let third = (Day::of(2019, 2, 1), Some(Day::of(2020, 5, 31)));
    let files = [(1, "745", first, "1997"), (2, "731", second, "1999"), (3, "722", third, "2007")];
    for (number, board, span, part) in files {
        let akt = case.akt(number, person, (board, "SOL"), span, false)?;
        case.mark("D76", "AKT", Action::Fix, akt);
        case.part(part, akt);
    }
    Ok(())
}

/// H23: a note that was never signed, by a user id that somebody else got a year later.
fn reused_author(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 11), ("Vendela", "Nyqvist")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2012, 1, 16), None), false)?;
    for (number, day, part) in [(1, Day::of(2012, 5, 10), "fore"), (2, Day::of(2014, 5, 12), "efter")] {
        let author = (Stamp::at(day, 13, 0), REUSED_IDS[0]);
        let note = case.note(number, akt, author, false, "Samtal om planeringen.")?;
        case.mark("D48", "JOURNAL", Action::Flag, note);
        case.mark("D49", "JOURNAL", Action::Fix, note);
        case.part(part, note);
    }
    Ok(())
}

/// H24: a note in RTF whose code page has no character for one of its bytes.
fn broken_byte(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 12), ("Wilma", "Nyqvist")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2011, 1, 17), None), false)?;
    let text = r"{\rtf1\ansi\ansicpg1252\deff0 M\'f6te om \'81 och v\'e5rd.\par}";
    let author = handler_id(0);
    let note = case.note(1, akt, (Stamp::at(Day::of(2011, 4, 4), 9, 0), &author), true, text)?;
    case.mark("D16", "JOURNAL", Action::Norm, note);
    case.mark("D17", "JOURNAL", Action::Flag, note);
    case.part("anteckning", note);
    Ok(())
}

/// H26: four files whose last note is of 2009: one to drop, one of a child who was placed, one of a person born
/// on the fifteenth, and one that was never closed.
fn past_retention(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let closed = (Day::of(2007, 1, 15), Some(Day::of(2009, 11, 30)));
    let persons = [
        (1, Day::of(1931, 2, 11), closed, "gallras"),
        (2, Day::of(1995, 2, 7), closed, "placerad"),
        (3, Day::of(1931, 2, 15), closed, "femtonde"),
        (4, Day::of(1931, 2, 12), (Day::of(2007, 1, 15), None), "oppen"),
    ];
    for (number, birth, span, part) in persons {
        let person = case.person(number, woman(birth, ("Ylva", "Nyqvist")))?;
        let akt = case.akt(number, person, ("714", "SOL"), span, false)?;
        let at = Stamp::at(Day::of(2009, 10, 5), 9, 0);
        case.note(number, akt, (at, &handler_id(0)), true, "Avslutande samtal.")?;
        if part == "placerad" {
            let placed = (Day::of(2007, 3, 1), Some(Day::of(2008, 6, 15)));
            let arende = case.arende(number, akt, "BU", span, None)?;
            case.placed(number, (arende, person), "BUPL", &[(0, placed)])?;
        }
        case.part(part, akt);
    }
    Ok(())
}

/// H27: a person who died in April; the estate gets a grant in May and an invoice in June.
fn estate(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let died = Day::of(2013, 4, 10);
    let who = woman(Day::of(1931, 2, 13), ("Zelma", "Nyqvist"));
    let person = case.person(1, Who { died: Some(died), ..who })?;
    let span = (Day::of(2013, 4, 15), Some(Day::of(2013, 9, 30)));
    let arende = case.bistand_of(1, person, span)?;
    let month = Month::of(2013, 5);
    let ruling = Ruling { btyp: "EBDÖ", ..Ruling::month(arende, month.day(6), month, 18_000) };
    let beslut = case.ruling(1, ruling)?;
    let paid = case.pay(1, Paid::out(arende, beslut, month, 18_000, month.day(16)))?;
    let invoice = case.key(1);
    let day = Day::of(2013, 6, 28);
    let bunt = case.paraply.add_to_batch(day, Load::Cases, 174_000, ("FAKTUND", invoice));
    let (fee, voucher) = (None::<i64>, None::<i64>);
    let price = money(174_000);
    let row =
        row![invoice, fee, person, "201306", "AVGH", "1.00", price.clone(), price, false, voucher, bunt];
    case.paraply.db.push(FAKTUND, row)?;
    case.mark("D47", "FAKTUND", Action::Flag, invoice);
    for (part, key) in [("arende", arende), ("beslut", beslut), ("utbetalning", paid), ("faktura", invoice)] {
        case.part(part, key);
    }
    Ok(())
}

/// H32: a file that is kept on paper and has nothing in it here.
fn paper_file(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1931, 2, 14), ("Åsa", "Nyqvist")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2007, 5, 14), None), true)?;
    case.mark("D75", "AKT", Action::Flag, akt);
    case.part("akt", akt);
    Ok(())
}

impl Case<'_, '_> {
    /// A decision that somebody lives elsewhere, its insats, and a placement for each home and period.
    pub(super) fn placed(
        &mut self,
        number: i64,
        (arende, person): (i64, i64),
        btyp: &'static str,
        homes: &[(usize, super::Span)],
    ) -> Result<(), Error> {
        let whole = (homes[0].1.0, homes[homes.len() - 1].1.1);
        let lagrum = if btyp == "BULV" { "2 § LVU" } else { super::SOL };
        let beslut = self.ruling(number, Ruling { lagrum, ..Ruling::care(arende, btyp, whole.0, whole) })?;
        let insats = self.insats(number, (None, Some(beslut)), person, "FAHE", whole)?;
        for (place, (home, (from, to))) in (0_i64..).zip(homes) {
            let id = self.key(number + place);
            let home_id = self.paraply.units.homes[*home];
            let to = to.map(Day::small);
            let row = row![id, insats, "FH", home_id, from.small(), to, lagrum, money(210_000)];
            self.paraply.db.push(PLACER, row)?;
        }
        Ok(())
    }
}
