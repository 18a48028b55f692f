//! How protected a person is, in the order of protection.

/// The protection of a person's data. The order is that of the protection itself, so the greatest of
/// several marks is the one that counts: no record and no link can ever lower it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protection {
    /// No mark in any source.
    #[default]
    Inget,
    /// Sekretessmarkering in the population register (22 kap. 1 § OSL).
    Sekretessmarkering,
    /// Skyddad folkbokföring, before 2019 kvarskrivning.
    SkyddadFolkbokforing,
    /// The highest protection; its kind is not told. Also what an unknown code of a source means.
    OkandHog,
}

impl Protection {
    /// Every level, lowest first.
    pub const ALL: [Self; 4] =
        [Self::Inget, Self::Sekretessmarkering, Self::SkyddadFolkbokforing, Self::OkandHog];

    /// The code of the information model.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Inget => "inget",
            Self::Sekretessmarkering => "sekretessmarkering",
            Self::SkyddadFolkbokforing => "skyddad_folkbokforing",
            Self::OkandHog => "okand_hog",
        }
    }

    /// The level with this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.code() == code)
    }

    /// Whether the person has any protection.
    #[must_use]
    pub fn is_protected(self) -> bool {
        self != Self::Inget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_protection() {
        assert!(Protection::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Protection::default().max(Protection::OkandHog), Protection::OkandHog);
        assert!(!Protection::Inget.is_protected() && Protection::Sekretessmarkering.is_protected());
    }

    #[test]
    fn codes_read_back() {
        for level in Protection::ALL {
            assert_eq!(Protection::parse(level.code()), Some(level));
        }
        assert_eq!(Protection::parse("Inget"), None);
    }
}
