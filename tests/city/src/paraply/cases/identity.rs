//! Who is who: numbers that change, numbers that many share, and people who must not be found.

use crate::calendar::{Day, Month, Stamp};
use crate::cases::{EVERYWHERE_BIRTH, EVERYWHERE_NAME};
use crate::error::Error;
use crate::numbers::{published, reserve_stockholm, samordningsnummer};
use crate::sqlite::row;
use crate::truth::Action;

use super::super::{ADRESS, handler_id};
use super::{Case, Paid, Ruling, Who, woman};

type Tell = fn(&mut Case<'_, '_>) -> Result<(), Error>;

pub(super) const CASES: [(i64, &str, Tell); 9] = [
    (1, "h1", everywhere),
    (2, "h2", renumbered),
    (3, "h3", corrected),
    (4, "h4", new_identity),
    (5, "h5", under_protection),
    (6, "h6", shared_numbers),
    (7, "h7", twins),
    (100, "exempel3", same_number),
    (107, "exempel7", misread_name),
];

/// H1: the human of all systems, under the personnummer.
fn everywhere(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(EVERYWHERE_BIRTH, EVERYWHERE_NAME))?;
    case.part("paraply", person);
    // ParaGå has a reservnummer with the day of birth and the same name: people are asked. Its key may be a
    // person number, so that nobody outside the installation knows the name of the pair.
    let pair = format!("paraga/kund/*|paraply/PERSON/{person}");
    case.paraply.ledger.mark(("D07", "bron", "identitet", Action::Flag), pair);
    Ok(())
}

/// H2: a samordningsnummer, then a personnummer, and an explicit reference between the two records.
fn renumbered(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let birth = Day::of(1931, 2, 3);
    let name = ("Amina", "Nyqvist");
    let before = Who {
        number: Some(samordningsnummer(birth)),
        kind: "S",
        registered: Day::of(2009, 3, 2),
        ..woman(birth, name)
    };
    let before = case.person(1, before)?;
    let after = case.person(2, Who { registered: Day::of(2012, 5, 7), ..woman(birth, name) })?;
    case.reference(before, after, "HV", Day::of(2012, 5, 7))?;
    case.part("samordning", before);
    case.part("personnummer", after);
    Ok(())
}

/// H3: a personnummer of the wrong day, used in a decision, and later the right one.
fn corrected(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let name = ("Beata", "Nyqvist");
    let (opened, changed) = (Day::of(2011, 1, 10), Day::of(2013, 9, 2));
    let before = case.person(1, Who { registered: opened, ..woman(Day::of(1969, 2, 3), name) })?;
    let after = case.person(2, Who { registered: changed, ..woman(Day::of(1969, 2, 13), name) })?;
    case.reference(before, after, "HV", changed)?;
    let arende = case.bistand_of(3, before, (opened, Some(Day::of(2013, 8, 31))))?;
    let month = Month::of(2012, 3);
    let beslut = case.ruling(4, Ruling::month(arende, month.day(5), month, 4_200))?;
    case.pay(5, Paid::out(arende, beslut, month, 4_200, month.day(22)))?;
    case.part("fel", before);
    case.part("ratt", after);
    case.part("beslut", beslut);
    Ok(())
}

/// H4: a new identity under the strongest protection, a reference that should never have been written, and an
/// unprotected record without a number that is like the new identity.
fn new_identity(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let hidden = |birth, name| Who { protection: "F", ..woman(birth, name) };
    let old = case.person(1, hidden(Day::of(1969, 2, 4), ("Cecilia", "Falkenström")))?;
    let new = case.person(2, hidden(Day::of(1969, 2, 14), ("Dagny", "Hjelmér")))?;
    case.reference(old, new, "HV", Day::of(2015, 10, 1))?;
    let like = Who { number: None, kind: "O", ..woman(Day::of(1969, 2, 14), ("Dagny", "Hjelmér")) };
    let like = case.person(3, like)?;
    case.part("gammal", old);
    case.part("ny", new);
    case.part("lik", like);
    Ok(())
}

/// H5: protected in an old record of 2006, not protected in the one of 2012 that took over.
fn under_protection(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let (birth, name) = (Day::of(1969, 2, 5), ("Elina", "Falkenström"));
    let old = Who { number: None, kind: "O", protection: "J", ..woman(birth, name) };
    let old = case.person(1, old)?;
    let now = case.person(2, Who { registered: Day::of(2012, 2, 6), ..woman(birth, name) })?;
    case.reference(old, now, "DB", Day::of(2012, 2, 6))?;
    case.mark("D11", "PERSON", Action::Fix, now);
    let moved = Day::of(2012, 2, 6).small();
    let (address, co) = (case.key(3), None::<i64>);
    let row = row![address, now, "F", co, "Skuggstigen 7", "12345", "STOCKHOLM", moved, None::<i64>];
    case.paraply.db.push(ADRESS, row)?;
    let akt = case.akt(4, now, ("714", "SOL"), (Day::of(2012, 2, 10), None), false)?;
    let at = Stamp::at(Day::of(2012, 3, 1), 10, 0);
    let note = case.note(5, akt, (at, &handler_id(0)), true, "Samtal om kontaktvägar.")?;
    case.part("gammal", old);
    case.part("nu", now);
    case.part("adress", address);
    case.part("anteckning", note);
    Ok(())
}

/// H6: seven persons under one reservnummer, and three under a value that is no number.
fn shared_numbers(case: &mut Case<'_, '_>) -> Result<(), Error> {
    const NAMES: [&str; 10] =
        ["Fanny", "Gerda", "Hilma", "Ines", "Judit", "Klara", "Lydia", "Mina", "Naima", "Olga"];
    for (place, name) in (0_i32..).zip(NAMES) {
        let reserved = place < 7;
        let number = if reserved { reserve_stockholm(2012, 7_777) } else { "0000000000".to_owned() };
        let kind = if reserved { "R" } else { "P" };
        let birth = Day::of(1969, 2, 15).plus(place);
        let who = Who { number: Some(number), kind, ..woman(birth, (name, "Hjelmér")) };
        let id = case.person(i64::from(place) + 1, who)?;
        if reserved {
            case.part(&format!("reserv{}", place + 1), id);
        } else {
            case.mark("D04", "PERSON", Action::Flag, id);
            case.part(&format!("platshallare{}", place - 6), id);
        }
    }
    Ok(())
}

/// H7: twins with consecutive birth numbers, and a stranger whose number is one digit from somebody's.
fn twins(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let birth = Day::of(2012, 2, 29);
    let numbered = |man| Who { number: Some(published(birth, man)), man, ..woman(birth, ("", "Nyqvist")) };
    let girl = case.person(1, Who { name: ("Petra", "Nyqvist"), ..numbered(false) })?;
    let boy = case.person(2, Who { name: ("Quirin", "Nyqvist"), ..numbered(true) })?;
    let near = case.person(3, woman(Day::of(1969, 2, 6), ("Rakel", "Nyqvist")))?;
    let other = case.person(4, woman(Day::of(1969, 2, 7), ("Rakel", "Nyqvist")))?;
    for (part, key) in [("flicka", girl), ("pojke", boy), ("en", near), ("annan", other)] {
        case.part(part, key);
    }
    Ok(())
}

/// Worked example 7: a name and a note that a DOS program wrote into columns of Windows' code page.
fn misread_name(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let id = case.person(1, woman(Day::of(1931, 2, 27), ("Nanna", "\u{8f}kerstr\u{201d}m")))?;
    case.mark("D13", "PERSON", Action::Fix, id);
    case.part("person", id);
    Ok(())
}

/// Worked example 3: two records with the same valid number, nobody protected, and a file on each.
fn same_number(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let who = || woman(Day::of(1969, 2, 8), ("Sanna", "Falkenström"));
    let first = case.person(10, who())?;
    let second = case.person(11, Who { registered: Day::of(2014, 4, 1), ..who() })?;
    for (person, number) in [(first, 20), (second, 30)] {
        case.mark("D07", "PERSON", Action::Flag, person);
        let opened = Day::of(2015, 1, 12);
        let board = if person == first { "714" } else { "718" };
        let akt = case.akt(number, person, (board, "SOL"), (opened, None), false)?;
        let arende = case.bistand(number, (akt, person), (opened, None), None)?;
        let month = Month::of(2015, 2);
        case.ruling(number, Ruling::month(arende, month.day(3), month, 3_000))?;
    }
    case.part("en", first);
    case.part("annan", second);
    Ok(())
}
