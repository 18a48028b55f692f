//! Money and households: what is split, paid to the öre, voided, and disagreed about.

use crate::agresso::Voucher;
use crate::calendar::{Day, Month};
use crate::error::Error;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::super::batch::Load;
use super::super::{BERAK, BERPOST};
use super::{Case, Paid, Ruling, Who, woman};

type Tell = fn(&mut Case<'_, '_>) -> Result<(), Error>;

pub(super) const CASES: [(i64, &str, Tell); 7] = [
    (9, "h9", split_and_joined),
    (13, "h13", to_the_ore),
    (14, "h14", voided),
    (15, "h15", disagreed),
    (16, "h16", does_not_add_up),
    (17, "h17", changed_household),
    (18, "h18", lives_with_both),
];

/// The account of rows that somebody wrote by hand to make a sum even.
const DIFFERENCES: &str = "5710-490";

/// H9: one household becomes two in June 2013 and one again in February 2014.
fn split_and_joined(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let one = case.person(1, woman(Day::of(1969, 2, 20).plus(3), ("Jenny", "Hjelmér")))?;
    let two = case.person(2, woman(Day::of(1969, 2, 24), ("Kajsa", "Hjelmér")))?;
    let akt = case.akt(1, one, ("714", "SOL"), (Day::of(2012, 1, 1), None), false)?;
    let other = case.akt(2, two, ("714", "SOL"), (Day::of(2013, 6, 1), None), false)?;
    let together = (Day::of(2012, 1, 1), Some(Day::of(2013, 5, 31)));
    let apart = (Day::of(2013, 6, 1), Some(Day::of(2014, 1, 31)));
    let again = (Day::of(2014, 2, 1), None);
    let before = case.bistand(1, (akt, one), together, None)?;
    case.member(before, two, ("M", "N"), together)?;
    let first = case.bistand(2, (akt, one), apart, Some(before))?;
    let second = case.bistand(3, (other, two), apart, Some(before))?;
    let after = case.bistand(4, (akt, one), again, Some(first))?;
    case.member(after, two, ("M", "N"), again)?;
    let months = [
        (1, before, Month::of(2013, 5), 9_000),
        (2, first, Month::of(2013, 6), 5_200),
        (3, second, Month::of(2013, 6), 3_800),
        (4, after, Month::of(2014, 2), 9_000),
    ];
    for (number, arende, month, kronor) in months {
        let beslut = case.ruling(number, Ruling::month(arende, month.day(3), month, kronor))?;
        case.pay(number, Paid::out(arende, beslut, month, kronor, month.day(21)))?;
    }
    for (part, key) in [("hela", before), ("en", first), ("annan", second), ("ater", after)] {
        case.part(part, key);
    }
    Ok(())
}

/// H13: a month paid in parts to the öre, with a row written by hand for the last öre.
fn to_the_ore(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 2), ("Liv", "Falkenström")))?;
    let arende = case.bistand_of(1, person, (Day::of(2010, 9, 6), None))?;
    let month = Month::of(2010, 10);
    let beslut = case.ruling(1, Ruling::month(arende, month.day(4), month, 10_000))?;
    let day = month.day(22);
    for (number, ore) in [(1, 425_033), (2, 312_534), (3, 262_432)] {
        case.pay(number, Paid { ore, ..Paid::out(arende, beslut, month, 0, day) })?;
    }
    let last = Paid { ore: 1, account: DIFFERENCES, ..Paid::out(arende, beslut, month, 0, day) };
    let last = case.pay(4, last)?;
    case.part("beslut", beslut);
    case.part("differens", last);
    case.part("bunt", day.number() * 10 + Load::Cases.digit());
    Ok(())
}

/// H14 and worked example 2: voided and paid again on the same day, once with and once without a reference.
fn voided(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 10), ("Maj", "Falkenström")))?;
    let arende = case.bistand_of(1, person, (Day::of(2012, 1, 9), None))?;
    let referred = Month::of(2012, 2);
    let silent = Month::of(2012, 3);
    let mut bunt = 0;
    for (number, month, parts) in
        [(91, referred, ["makulerad", "ny"]), (93, silent, ["makulerad_utan", "ny_utan"])]
    {
        let beslut = case.ruling(number, Ruling::month(arende, month.day(2), month, 3_000))?;
        let day = month.day(23);
        let paid = Paid::out(arende, beslut, month, 3_000, day);
        let first = case.pay(number, Paid { status: "M", settled: false, ..paid })?;
        let replaces = (month == referred).then_some(first);
        let again = Paid { replaces, ..Paid::out(arende, beslut, month, 3_000, day) };
        let second = case.pay(number + 1, again)?;
        case.part(parts[0], first);
        case.part(parts[1], second);
        bunt = if month == referred { day.number() * 10 + Load::Cases.digit() } else { bunt };
    }
    case.part("bunt", bunt);
    Ok(())
}

/// H15: voided here and paid by the accounts, paid here and refused by the accounts, and known to the accounts
/// alone.
fn disagreed(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 21), ("Nora", "Falkenström")))?;
    let arende = case.bistand_of(1, person, (Day::of(2016, 1, 11), None))?;
    let fates =
        [(1, Month::of(2016, 2), "M", true, "bara_agresso"), (2, Month::of(2016, 3), "U", false, "avvisad")];
    for (number, month, status, settled, part) in fates {
        let beslut = case.ruling(number, Ruling::month(arende, month.day(2), month, 2_500))?;
        let paid = Paid::out(arende, beslut, month, 2_500, month.day(22));
        let id = case.pay(number, Paid { status, settled, ..paid })?;
        case.mark("D40", "UTBET", Action::Flag, id);
        if status == "M" {
            case.mark("D41", "UTBET", Action::Flag, id);
        }
        case.part(part, id);
    }
    let day = Day::of(2016, 3, 22);
    let bunt = day.number() * 10 + Load::Cases.digit();
    let number = format!("AV{:09}", case.key(3));
    let place = ("D40", "agresso", "verifikat", Action::Flag);
    case.paraply.ledger.mark(place, number.clone());
    case.paraply.ledger.case("h15", "okand", number.clone());
    case.paraply.vouchers.take(&Voucher { number, bunt, amount_ore: 87_500, day, paid: true })
}

/// H16: a calculation whose result is 20 kronor more than its posts.
fn does_not_add_up(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 22), ("Pia", "Falkenström")))?;
    let arende = case.bistand_of(1, person, (Day::of(2013, 1, 14), None))?;
    let month = Month::of(2013, 2);
    let beslut = case.ruling(1, Ruling::month(arende, month.day(4), month, 8_120))?;
    let id = case.key(1);
    let posts = [("N", "NPER", 390_000), ("U", "BOEN", 520_000), ("I", "LÖN", 100_000)];
    let row = row![
        id,
        arende,
        arende,
        month.compact(),
        "201301",
        money(100_000),
        money(520_000),
        money(390_000),
        money(812_000),
        "J",
        beslut,
    ];
    case.paraply.db.push(BERAK, row)?;
    for (line, (kind, code, ore)) in (1_i64..).zip(posts) {
        let row = row![id, line, kind, code, person, money(ore), money(ore)];
        case.paraply.db.push(BERPOST, row)?;
    }
    case.mark("D36", "BERAK", Action::Flag, id);
    case.part("berakning", id);
    Ok(())
}

/// H17: a person who belongs to one household until 15 April and to another from the day after.
fn changed_household(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let from = Day::of(2013, 1, 1);
    let middle = Day::of(2013, 4, 15);
    let mover = case.person(3, woman(Day::of(1931, 2, 19), ("Runa", "Falkenström")))?;
    let heads = [
        (1, Day::of(1931, 2, 20), ("Signe", "Falkenström"), (from, Some(middle)), "forsta"),
        (2, Day::of(1931, 2, 21), ("Tora", "Falkenström"), (middle.plus(1), None), "andra"),
    ];
    let month = Month::of(2013, 4);
    for (number, birth, name, member, part) in heads {
        let head = case.person(number, woman(birth, name))?;
        let arende = case.bistand_of(number, head, (from, None))?;
        case.member(arende, mover, ("M", "N"), member)?;
        let kronor = 6_000 + 500 * number;
        let beslut = case.ruling(number, Ruling::month(arende, month.day(2), month, kronor))?;
        case.pay(number, Paid::out(arende, beslut, month, kronor, month.day(22)))?;
        case.part(part, arende);
    }
    case.part("person", mover);
    Ok(())
}

/// H18: a child who lives every other week with each parent, both of whom have ekonomiskt bistånd.
fn lives_with_both(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let from = Day::of(2016, 1, 1);
    let child = Who { registered: from, ..woman(Day::of(2015, 2, 6), ("Ulla", "Falkenström")) };
    let child = case.person(3, child)?;
    let parents = [
        (1, Day::of(1931, 2, 22), ("Vera", "Falkenström"), "forsta"),
        (2, Day::of(1931, 2, 23), ("Wanja", "Falkenström"), "andra"),
    ];
    let month = Month::of(2016, 5);
    for (number, birth, name, part) in parents {
        let parent = case.person(number, woman(birth, name))?;
        let arende = case.bistand_of(number, parent, (from, None))?;
        case.member(arende, child, ("B", "J"), (from, None))?;
        let kronor = 5_000 + 400 * number;
        let beslut = case.ruling(number, Ruling::month(arende, month.day(2), month, kronor))?;
        case.pay(number, Paid::out(arende, beslut, month, kronor, month.day(20)))?;
        case.part(part, arende);
    }
    case.part("barn", child);
    Ok(())
}
