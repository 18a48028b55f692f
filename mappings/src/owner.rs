//! Who in the city decides about rows with a mark.

/// Who owns the rows that a reason points at: they get them on a work list of their own, and correct
/// them in the source system before the move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The district administration: its coordinators know the cases.
    Sdf,
    /// The central administration: owner of a process.
    Ff,
    /// The provider of a service.
    Utf,
    /// The nurse who is responsible for health care.
    Mas,
    /// Finance.
    Eko,
    /// The city executive office: owner of the systems.
    Slk,
    /// Information security and data protection.
    Dso,
    /// The city archives and those responsible for an archive.
    Ark,
    /// The migration's own team.
    Proj,
}

impl Owner {
    /// Every owner, in the order of work lists.
    pub const ALL: [Self; 9] =
        [Self::Sdf, Self::Ff, Self::Utf, Self::Mas, Self::Eko, Self::Slk, Self::Dso, Self::Ark, Self::Proj];

    /// The short name that work lists use.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sdf => "SDF",
            Self::Ff => "FF",
            Self::Utf => "UTF",
            Self::Mas => "MAS",
            Self::Eko => "EKO",
            Self::Slk => "SLK",
            Self::Dso => "DSO",
            Self::Ark => "ARK",
            Self::Proj => "PROJ",
        }
    }

    /// The name in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sdf => "Stadsdelsförvaltningen",
            Self::Ff => "Fackförvaltningen, processägare",
            Self::Utf => "Utföraren",
            Self::Mas => "Medicinskt ansvarig sjuksköterska",
            Self::Eko => "Ekonomi",
            Self::Slk => "Stadsledningskontoret, systemägare",
            Self::Dso => "Dataskyddsombud, informationssäkerhet",
            Self::Ark => "Stadsarkivet, arkivansvarig",
            Self::Proj => "Flyttprojektet",
        }
    }

    /// The owner with this short name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|owner| owner.code() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_unique_and_parse_back() {
        for (index, owner) in Owner::ALL.into_iter().enumerate() {
            assert_eq!(Owner::parse(owner.code()), Some(owner));
            assert!(Owner::ALL[index + 1..].iter().all(|other| other.label() != owner.label()));
        }
        assert_eq!(Owner::parse("sdf"), None);
    }
}
