//! The first persons, so that the smallest cities have one of everything.

use crate::codes::Area;

use super::{DoubleKind, Kind, NumberDefect, Oddity};

/// What is special about one of the first persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    /// A home-help customer and patient where the number allows it, and a client.
    Known,
    /// A client whose file begins early in this area and stays open.
    Steady(Area),
    /// An old client whose files are closed and who has died.
    Dead,
    /// A client whose row has the oddity.
    Odd(Oddity),
    /// A second record of an earlier person.
    Double(DoubleKind),
    /// A protected second record of the person before, who is not protected (D11).
    Shield,
    /// A client as others are.
    Plain,
}

/// The kinds and what is special about each, from the first person on.
pub(super) const FIRST: [(Kind, Twist); 44] = [
    (Kind::Elder, Twist::Known),
    (Kind::Wrong(NumberDefect::CheckDigit), Twist::Known),
    (Kind::Wrong(NumberDefect::Century), Twist::Known),
    (Kind::Elder, Twist::Known),
    (Kind::Wrong(NumberDefect::Calendar), Twist::Known),
    (Kind::Wrong(NumberDefect::Sentinel), Twist::Known),
    (Kind::Elder, Twist::Known),
    (Kind::Adult, Twist::Known),
    (Kind::Middle, Twist::Known),
    (Kind::Samordning, Twist::Known),
    (Kind::Adult, Twist::Known),
    (Kind::Child, Twist::Known),
    (Kind::Elder, Twist::Known),
    (Kind::Adult, Twist::Known),
    (Kind::Elder, Twist::Known),
    (Kind::Elder, Twist::Known),
    (Kind::Reserve, Twist::Known),
    (Kind::NoNumber, Twist::Known),
    (Kind::Elder, Twist::Known),
    (Kind::Adult, Twist::Known),
    (Kind::Middle, Twist::Odd(Oddity::TwoHumans)),
    (Kind::Wrong(NumberDefect::Sentinel), Twist::Odd(Oddity::TestPerson)),
    (Kind::Elder, Twist::Dead),
    (Kind::Adult, Twist::Odd(Oddity::OtherSex)),
    (Kind::Adult, Twist::Odd(Oddity::OtherDay)),
    (Kind::Samordning, Twist::Plain),
    (Kind::Middle, Twist::Double(DoubleKind::Renumbered)),
    (Kind::Adult, Twist::Plain),
    (Kind::Adult, Twist::Double(DoubleKind::Same)),
    (Kind::Middle, Twist::Plain),
    (Kind::Adult, Twist::Double(DoubleKind::Unnumbered)),
    (Kind::Middle, Twist::Plain),
    (Kind::Samordning, Twist::Shield),
    (Kind::Adult, Twist::Odd(Oddity::LostLetter)),
    (Kind::Adult, Twist::Odd(Oddity::Blanks)),
    (Kind::Child, Twist::Steady(Area::Bu)),
    (Kind::Middle, Twist::Steady(Area::Eb)),
    (Kind::Middle, Twist::Steady(Area::Eb)),
    (Kind::Middle, Twist::Steady(Area::Eb)),
    (Kind::Middle, Twist::Steady(Area::Eb)),
    (Kind::Middle, Twist::Steady(Area::Eb)),
    (Kind::Middle, Twist::Steady(Area::Eb)),
    (Kind::Middle, Twist::Steady(Area::Fn)),
    (Kind::Middle, Twist::Steady(Area::Vu)),
];
