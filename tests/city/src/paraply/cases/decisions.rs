//! Decisions: replaced after the fact, by laws that change, under codes that change, and not carried out.

use crate::calendar::{Day, Month};
use crate::error::Error;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::super::ATERKRAV;
use super::{Case, Paid, Ruling, woman};

type Tell = fn(&mut Case<'_, '_>) -> Result<(), Error>;

pub(super) const CASES: [(i64, &str, Tell); 7] = [
    (11, "h11", retroactive),
    (12, "h12", reclaimed),
    (28, "h28", alone),
    (31, "h31", two_laws),
    (35, "h35", reused_code),
    (36, "h36", two_homes),
    (37, "h37", two_sections),
];

/// H11 and worked example 1: October 2014 granted in part, and replaced in November by more.
fn retroactive(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 25), ("Alice", "Hjelmér")))?;
    let arende = case.bistand_of(1, person, (Day::of(2014, 8, 18), None))?;
    let month = Month::of(2014, 10);
    let first = Ruling { utfall: "D", status: "M", ..Ruling::month(arende, month.day(2), month, 6_120) };
    let old = case.ruling(71, first)?;
    let decided = Day::of(2014, 11, 20);
    let second = Ruling { replaces: Some(old), ..Ruling::month(arende, decided, month, 7_320) };
    let new = case.ruling(72, second)?;
    case.pay(1, Paid::out(arende, old, month, 6_120, Day::of(2014, 10, 24)))?;
    case.pay(2, Paid::out(arende, new, month, 1_200, Day::of(2014, 11, 25)))?;
    for (part, key) in [("arende", arende), ("gammalt", old), ("nytt", new)] {
        case.part(part, key);
    }
    Ok(())
}

/// H12: a decision that is lowered after it was paid; the difference is claimed back.
fn reclaimed(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 26), ("Berit", "Hjelmér")))?;
    let arende = case.bistand_of(1, person, (Day::of(2015, 2, 2), None))?;
    let month = Month::of(2015, 3);
    let first = Ruling { status: "M", ..Ruling::month(arende, month.day(2), month, 5_000) };
    let old = case.ruling(1, first)?;
    let second = Ruling::month(arende, Day::of(2015, 4, 10), month, 3_500);
    let new = case.ruling(2, Ruling { replaces: Some(old), ..second })?;
    let paid = case.pay(1, Paid::out(arende, old, month, 5_000, month.day(24)))?;
    let claim = case.key(1);
    let row = row![claim, paid, arende, "9 kap. 1 § SoL", money(150_000), money(0), "O"];
    case.paraply.db.push(ATERKRAV, row)?;
    for (part, key) in [("gammalt", old), ("nytt", new), ("utbetalning", paid), ("aterkrav", claim)] {
        case.part(part, key);
    }
    Ok(())
}

/// H28: an insats that no decision grants, and a decision that no insats carries out.
fn alone(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1931, 2, 16), ("Carin", "Hjelmér")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2022, 1, 10), None), false)?;
    let arende = case.arende(1, akt, "ÄO", (Day::of(2022, 1, 10), None), None)?;
    let insats = case.insats(1, (None, None), person, "TRYG", (Day::of(2022, 2, 1), None))?;
    case.mark("D30", "INSATS", Action::Flag, insats);
    let decided = Day::of(2023, 3, 6);
    let beslut = case.ruling(2, Ruling::care(arende, "ÄOVO", decided, (Day::of(2023, 3, 13), None)))?;
    case.mark("D30", "BESLUT", Action::Flag, beslut);
    case.part("insats", insats);
    case.part("beslut", beslut);
    Ok(())
}

/// H31: the same help by the law of 2001, and prepared beforehand by the law of 2025 for its first day.
fn two_laws(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 27), ("Doris", "Hjelmér")))?;
    let arende = case.bistand_of(1, person, (Day::of(2024, 4, 8), None))?;
    let sections = [
        (1, "SoL (2001:453) 4:1", Month::of(2024, 5), "F", "gammal_lag"),
        (2, "SoL (2025:400) 11:1", Month::of(2025, 7), "P", "ny_lag"),
    ];
    for (number, lagrum, month, status, part) in sections {
        let ruling = Ruling { lagrum, status, ..Ruling::month(arende, month.day(1), month, 4_000) };
        let beslut = case.ruling(number, ruling)?;
        case.mark("D21", "BESLUT", Action::Norm, beslut);
        case.part(part, beslut);
    }
    Ok(())
}

/// H35: one code for an insats, before and after it got another meaning on 2010-01-01.
fn reused_code(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 28), ("Edit", "Hjelmér")))?;
    let akt = case.akt(1, person, ("714", "SOL"), (Day::of(2009, 1, 12), None), false)?;
    let arende = case.arende(1, akt, "SP", (Day::of(2009, 1, 12), None), None)?;
    let years = [(1, 2009, "fore"), (2, 2012, "efter")];
    for (number, year, part) in years {
        let span = (Day::of(year, 3, 5), Some(Day::of(year, 12, 20)));
        let beslut = case.ruling(number, Ruling::care(arende, "SPBS", span.0, span))?;
        let insats = case.insats(number, (None, Some(beslut)), person, "LEDS", span)?;
        case.part(part, insats);
    }
    Ok(())
}

/// H36: a child in care by LVU, in two homes at once for two weeks.
fn two_homes(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let child = case.person(1, woman(Day::of(1995, 2, 8), ("Freja", "Hjelmér")))?;
    let akt = case.akt(1, child, ("714", "SOL"), (Day::of(2010, 1, 11), None), false)?;
    let arende = case.arende(1, akt, "BU", (Day::of(2010, 1, 11), None), None)?;
    let first = (Day::of(2010, 2, 1), Some(Day::of(2010, 8, 31)));
    let second = (Day::of(2010, 8, 15), Some(Day::of(2010, 12, 31)));
    case.placed(1, (arende, child), "BULV", &[(0, first), (1, second)])?;
    case.part("forsta", case.key(1));
    case.part("andra", case.key(2));
    Ok(())
}

/// H37: one decision on two sections, and one on the second paragraph of a section.
fn two_sections(case: &mut Case<'_, '_>) -> Result<(), Error> {
    let person = case.person(1, woman(Day::of(1969, 2, 1), ("Gunvor", "Hjelmér")))?;
    let arende = case.bistand_of(1, person, (Day::of(2024, 9, 2), None))?;
    let sections = [
        (1, "SoL 4:1+4:2", Month::of(2024, 10), "tva_lagrum"),
        (2, "4 kap 1 § 2 st SoL", Month::of(2024, 11), "andra_stycket"),
    ];
    for (number, lagrum, month, part) in sections {
        let ruling = Ruling { lagrum, ..Ruling::month(arende, month.day(4), month, 4_000) };
        let beslut = case.ruling(number, ruling)?;
        case.mark("D21", "BESLUT", Action::Norm, beslut);
        case.part(part, beslut);
    }
    Ok(())
}
