//! The laws that social services decide by.

use crate::calendar::days_of;

/// How sections of a law are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// Anew in each chapter: a section needs its chapter.
    ByChapter,
    /// Through the whole law: there are no chapters, and `9:4` means point 4 of section 9.
    Through,
    /// By chapter in one version of the law and through the whole in another.
    ByVersion,
}

/// A law.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Law {
    /// The abbreviation in the target.
    pub(super) name: &'static str,
    /// Other names, in small letters.
    others: &'static [&'static str],
    pub(super) numbering: Numbering,
    /// Numbers in Svensk författningssamling (year, number).
    versions: &'static [(u16, u16)],
}

const LAWS: [Law; 13] = [
    law("SoL", &["socialtjänstlagen"], Numbering::ByChapter, &[(2001, 453), (2025, 400)]),
    law("LSS", &[], Numbering::Through, &[(1993, 387)]),
    law("LVU", &[], Numbering::Through, &[(1990, 52)]),
    law("LVM", &[], Numbering::Through, &[(1988, 870)]),
    law("HSL", &[], Numbering::ByVersion, &[(1982, 763), (2017, 30)]),
    law("PDL", &["patientdatalagen"], Numbering::ByChapter, &[(2008, 355)]),
    law("SVOD", &[], Numbering::ByChapter, &[(2022, 913)]),
    law("SFB", &["socialförsäkringsbalken"], Numbering::ByChapter, &[(2010, 110)]),
    law("FB", &["föräldrabalken"], Numbering::ByChapter, &[(1949, 381)]),
    law("LMA", &[], Numbering::Through, &[(1994, 137)]),
    law("OSL", &[], Numbering::ByChapter, &[(2009, 400)]),
    law("SoLPuL", &[], Numbering::Through, &[(2001, 454)]),
    law("SoLPuF", &[], Numbering::Through, &[(2001, 637)]),
];

/// When a law of a number was in force, from its first day to its last.
struct InForce {
    name: &'static str,
    version: (u16, u16),
    first: Option<(u16, u8, u8)>,
    last: Option<(u16, u8, u8)>,
}

const IN_FORCE: [InForce; 4] = [
    InForce { name: "SoL", version: (2001, 453), first: Some((2002, 1, 1)), last: Some((2025, 6, 30)) },
    InForce { name: "SoL", version: (2025, 400), first: Some((2025, 7, 1)), last: None },
    InForce { name: "HSL", version: (1982, 763), first: None, last: Some((2017, 3, 31)) },
    InForce { name: "HSL", version: (2017, 30), first: Some((2017, 4, 1)), last: None },
];

const fn law(
    name: &'static str,
    others: &'static [&'static str],
    numbering: Numbering,
    versions: &'static [(u16, u16)],
) -> Law {
    Law { name, others, numbering, versions }
}

impl Law {
    /// The law with this name, in any mixture of capitals and small letters.
    pub(super) fn find(word: &str) -> Option<&'static Self> {
        LAWS.iter().find(|law| {
            law.name.eq_ignore_ascii_case(word)
                || law.others.iter().any(|other| word.chars().flat_map(char::to_lowercase).eq(other.chars()))
        })
    }

    /// Whether the law of this number was in force on a day since 1970-01-01. Laws that no other law has replaced,
    /// or replaced before the sources begin, always were.
    pub(super) fn was_in_force(&self, version: (u16, u16), day: i32) -> bool {
        let bound =
            |date: Option<(u16, u8, u8)>| date.and_then(|(year, month, day)| days_of(year, month, day));
        let known = IN_FORCE.iter().find(|known| known.name == self.name && known.version == version);
        known.is_none_or(|known| {
            bound(known.first).is_none_or(|first| day >= first)
                && bound(known.last).is_none_or(|last| day <= last)
        })
    }

    /// Whether the law was issued under this number.
    pub(super) fn has_version(&self, version: (u16, u16)) -> bool {
        self.versions.contains(&version)
    }
}
