//! The laws that social services decide by.

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

    /// Whether the law was issued under this number.
    pub(super) fn has_version(&self, version: (u16, u16)) -> bool {
        self.versions.contains(&version)
    }
}
