//! Checks of a number against what is registered beside it.

use bron_mappings::{
    Canonical12, CenturyInference, CheckOutcome, FunctionKind, FunctionSpec, Identifier, IdentifierKind,
    ReasonCode, classify,
};

use super::super::numbers::whole_number;
use super::super::{Build, CheckFn, Function, SettingError, Settings, check, given};
use super::{century_of, certain};
use crate::calendar::{Stamp, civil};

pub(in super::super) const TWO_HUMANS: Function = Function {
    spec: FunctionSpec {
        name: "two_humans",
        kind: FunctionKind::Check,
        inputs: (4, 4),
        arguments: &["woman", "man"],
        about: "Broken when both the year of the registered birth date and the registered sex are others than a \
                national number with a right check digit says: number; birth date; sex, `woman` (`K` unless told) or \
                `man` (`M` unless told); the date of the row.",
        phrase: "både födelseåret i {2} och könet i {3} ({woman=K} för kvinna, {man=M} för man) är andra \
                 än personnumret i {1} säger",
        marks: &[ReasonCode::TwoHumans],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_two_humans),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007"), Some("1988-05-05"), Some("M"), None], "true"),
        (&[Some("760101-0007"), Some("1988-05-05"), Some("M"), Some("2015-05-01")], "true"),
        (&[Some("197601010007"), Some("1988-05-05"), Some("K"), None], "false"),
        (&[Some("197601010007"), Some("1976-05-05"), Some("M"), None], "false"),
        (&[Some("197601010004"), Some("1988-05-05"), Some("M"), None], "false"),
        (&[Some("197601010007"), Some("1988-05-05"), None, None], "false"),
        (&[Some("saknas"), Some("1988-05-05"), Some("M"), None], "false"),
    ],
};

pub(in super::super) const SEX_CONTRADICTS: Function = Function {
    spec: FunctionSpec {
        name: "sex_contradicts",
        kind: FunctionKind::Check,
        inputs: (3, 4),
        arguments: &["woman", "man"],
        about: "Broken when the registered sex is another than a national number with a right check digit says: \
                number; sex, `woman` (`K` unless told) or `man` (`M` unless told); the date of the row; the \
                registered birth date, with which it holds when `two_humans` is broken.",
        phrase: "könet i {2} ({woman=K} för kvinna, {man=M} för man) är ett annat än personnumret i {1} \
                 säger",
        marks: &[ReasonCode::SexContradicts],
        inverse: "A check gives no value.",
    },
    build: Build::Check(build_sex_contradicts),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007"), Some("M"), None], "true"),
        (&[Some("197601010007"), Some("M"), None, Some("1976-05-05")], "true"),
        (&[Some("197601010007"), Some("M"), None, Some("1988-05-05")], "false"),
        (&[Some("197601010007"), Some("K"), None], "false"),
        (&[Some("197601010007"), Some("X"), None], "false"),
        (&[None, Some("M"), None], "false"),
    ],
};

pub(in super::super) const BIRTH_DAY_DIFFERS: Function = Function {
    spec: FunctionSpec {
        name: "birth_day_differs",
        kind: FunctionKind::Check,
        inputs: (3, 3),
        arguments: &[],
        about: "Broken when the registered birth date is another day of the same year than a national number with a \
                right check digit says: number; birth date; the date of the row.",
        phrase: "födelsedatumet i {2} är en annan dag samma år än personnumret i {1} säger",
        marks: &[ReasonCode::BirthDayDiffers],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(birth_day_differs)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007"), Some("1976-01-03"), None], "true"),
        (&[Some("760101-0007"), Some("1976-02-01 00:00:00"), Some("2015-05-01")], "true"),
        (&[Some("197601010007"), Some("1976-01-01"), None], "false"),
        (&[Some("197601010007"), Some("1977-01-03"), None], "false"),
        (&[Some("197600600006"), Some("1976-01-03"), None], "false"),
        (&[Some("197601010007"), Some("1900-01-01"), None], "false"),
        (&[Some("197601010007"), None, None], "false"),
    ],
};

pub(in super::super) const SHARED_NUMBER: Function = Function {
    spec: FunctionSpec {
        name: "shared_number",
        kind: FunctionKind::Check,
        inputs: (3, 3),
        arguments: &[],
        about: "Broken when a number is a valid national one, with a right check digit, an existing date and a certain \
                century, and two records or more have it: number; the date of the row; the count of records.",
        phrase: "personnumret i {1} är giltigt och finns i flera poster ({3})",
        marks: &[ReasonCode::SameHuman],
        inverse: "A check gives no value.",
    },
    build: Build::Check(|_| check(shared_number)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("197601010007"), None, Some("2")], "true"),
        (&[Some("760101-0007"), Some("2015-05-01"), Some("3")], "true"),
        (&[Some("197601010007"), None, Some("1")], "false"),
        (&[Some("197601010004"), None, Some("2")], "false"),
        (&[Some("100101-0006"), Some("2015-05-01"), Some("2")], "false"),
        (&[Some("0000000000"), None, Some("7")], "false"),
        (&[None, None, Some("2")], "false"),
    ],
};

/// A number that says something about its holder: a national one with a right check digit and a date that
/// exists. A mistyped number says nothing, and its check digit is marked by itself.
struct Holder {
    identifier: Identifier,
    century: CenturyInference,
}

impl Holder {
    fn of(number: Option<&str>, row_date: Option<&str>) -> Option<Self> {
        let identifier = classify(number?);
        let national =
            matches!(identifier.kind, IdentifierKind::Personnummer | IdentifierKind::Samordningsnummer);
        let right =
            national && identifier.luhn == CheckOutcome::Ok && identifier.calendar == CheckOutcome::Ok;
        right.then(|| Self { century: century_of(&identifier, row_date), identifier })
    }

    /// The dates that the number can mean, of which there are two while its century is unknown.
    fn births(&self) -> impl Iterator<Item = (u16, u8, u8)> {
        let candidates = match self.century {
            CenturyInference::Ambiguous([earlier, later]) => [Some(earlier), Some(later)],
            CenturyInference::Certain(..) | CenturyInference::None => {
                [certain(&self.identifier, self.century), None]
            }
        };
        candidates.into_iter().flatten().filter_map(|canonical| classify(canonical.as_str()).birth_date())
    }

    /// Whether the number says another year, whatever its century.
    fn contradicts_year(&self, (year, ..): (i32, u8, u8)) -> bool {
        let mut births = self.births().peekable();
        births.peek().is_some() && births.all(|birth| i32::from(birth.0) != year)
    }

    fn is_certain(&self) -> bool {
        let canonical = certain(&self.identifier, self.century);
        let number = canonical.as_ref().map(Canonical12::as_str).map(classify);
        number.is_some_and(|number| number.is_valid_national())
    }

    fn contradicts_sex(&self, sex: Sex) -> bool {
        self.identifier.sex_digit().is_some_and(|digit| (digit % 2 == 1) != (sex == Sex::Man))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sex {
    Woman,
    Man,
}

/// The texts of a column for the sex.
struct Sexes {
    woman: String,
    man: String,
}

impl Sexes {
    fn new(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let text = |name, usual| settings.argument(name).unwrap_or(usual).to_owned();
        let sexes = Self { woman: text("woman", "K"), man: text("man", "M") };
        if sexes.woman == sexes.man || sexes.woman.is_empty() || sexes.man.is_empty() {
            return Err("`woman` and `man` are two different texts, neither of them empty".to_owned());
        }
        Ok(sexes)
    }

    fn read(&self, text: Option<&str>) -> Option<Sex> {
        let text = text?;
        if text == self.woman { Some(Sex::Woman) } else { (text == self.man).then_some(Sex::Man) }
    }
}

/// The registered birth date, unless it is missing, unreadable or a stand-in.
fn registered(birth: Option<&str>) -> Option<(i32, u8, u8)> {
    birth.and_then(Stamp::read).map(|stamp| civil(stamp.day()))
}

fn build_two_humans(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let sexes = Sexes::new(settings)?;
    check(move |inputs| {
        let Some(sex) = sexes.read(given(inputs, 2)) else { return false };
        let holder = Holder::of(given(inputs, 0), given(inputs, 3));
        holder.is_some_and(|holder| is_two_humans(&holder, registered(given(inputs, 1)), sex))
    })
}

fn is_two_humans(holder: &Holder, birth: Option<(i32, u8, u8)>, sex: Sex) -> bool {
    birth.is_some_and(|birth| holder.contradicts_sex(sex) && holder.contradicts_year(birth))
}

fn build_sex_contradicts(settings: &Settings<'_>) -> Result<CheckFn, SettingError> {
    let sexes = Sexes::new(settings)?;
    check(move |inputs| {
        let Some(sex) = sexes.read(given(inputs, 1)) else { return false };
        let holder = Holder::of(given(inputs, 0), given(inputs, 2));
        holder.is_some_and(|holder| {
            let birth = registered(given(inputs, 3));
            holder.contradicts_sex(sex) && !is_two_humans(&holder, birth, sex)
        })
    })
}

fn birth_day_differs(inputs: &[Option<&str>]) -> bool {
    let Some((year, month, day)) = registered(given(inputs, 1)) else { return false };
    let Some(holder) = Holder::of(given(inputs, 0), given(inputs, 2)) else { return false };
    holder.births().any(|birth| i32::from(birth.0) == year && (birth.1, birth.2) != (month, day))
}

fn shared_number(inputs: &[Option<&str>]) -> bool {
    let several = given(inputs, 2).and_then(whole_number).is_some_and(|count| count >= 2);
    several && Holder::of(given(inputs, 0), given(inputs, 1)).is_some_and(|holder| holder.is_certain())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_texts_of_the_sexes_can_be_told() {
        let arguments = |woman: &str, man: &str| {
            BTreeMap::from([("woman".to_owned(), woman.to_owned()), ("man".to_owned(), man.to_owned())])
        };
        let told = arguments("1", "2");
        let call = build_sex_contradicts(&Settings { arguments: &told, scale: None }).unwrap();
        assert!(call(&[Some("197601010007"), Some("2"), None]));
        assert!(!call(&[Some("197601010007"), Some("M"), None]));
        for (woman, man) in [("K", "K"), ("", "M"), ("K", "")] {
            let wrong = arguments(woman, man);
            assert!(build_two_humans(&Settings { arguments: &wrong, scale: None }).is_err());
        }
    }

    #[test]
    fn an_unknown_century_goes_with_either_year() {
        // Without a date of the row, 100101-0006 can be of 1910 and of 2010.
        for (birth, two) in [("1910-01-01", false), ("2010-01-01", false), ("1960-01-01", true)] {
            let arguments = BTreeMap::new();
            let call = build_two_humans(&Settings { arguments: &arguments, scale: None }).unwrap();
            assert_eq!(call(&[Some("100101-0006"), Some(birth), Some("M"), None]), two, "{birth}");
        }
    }
}
