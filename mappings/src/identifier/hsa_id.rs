//! HSA-id: the identifier of staff and units in the national directory of health and social care.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::{CheckOutcome, IdentifierKind, classify};

/// The most characters that an HSA-id has.
const LONGEST: usize = 31;

/// `SE`, the organisationsnummer of the issuer, a hyphen and a part that the issuer chooses from
/// A-Z, a-z and 0-9; 31 characters at most.
///
/// Two HSA-id are equal when they differ in case only; the text itself is kept as it was written.
/// It names a member of staff, so `Debug` does not show it.
#[derive(Clone)]
pub struct HsaId {
    verbatim: String,
}

impl HsaId {
    /// Reads an HSA-id; `None` when the text, blanks around it left aside, is none.
    pub fn parse(verbatim: &str) -> Option<Self> {
        let text = verbatim.trim();
        let (issuer, local) = text.split_once('-')?;
        let (country, number) = issuer.split_at_checked(2)?;
        let holds = text.len() <= LONGEST
            && country.eq_ignore_ascii_case("SE")
            && number.len() == 10
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !local.is_empty()
            && local.bytes().all(|byte| byte.is_ascii_alphanumeric());
        holds.then(|| Self { verbatim: verbatim.to_owned() })
    }

    /// The text as it was written.
    pub fn verbatim(&self) -> &str {
        &self.verbatim
    }

    /// The form in which HSA-id are compared: upper case, no blanks around it.
    pub fn comparison_key(&self) -> String {
        self.text().to_ascii_uppercase()
    }

    /// The ten digits of the issuer's organisationsnummer.
    pub fn organisationsnummer(&self) -> &str {
        &self.text()[2..12]
    }

    /// Whether the issuer's number is an organisationsnummer with a right check digit.
    pub fn issuer_check(&self) -> CheckOutcome {
        let issuer = classify(self.organisationsnummer());
        if issuer.kind == IdentifierKind::Organisationsnummer { issuer.luhn } else { CheckOutcome::Fail }
    }

    fn text(&self) -> &str {
        self.verbatim.trim()
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.text().bytes().map(|byte| byte.to_ascii_uppercase())
    }
}

impl PartialEq for HsaId {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for HsaId {}

impl PartialOrd for HsaId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HsaId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for HsaId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|byte| state.write_u8(byte));
    }
}

impl fmt::Debug for HsaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HsaId(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckOutcome, HsaId};

    #[test]
    fn an_hsa_id_is_read_and_compared_without_regard_to_case() {
        let written = HsaId::parse(" se2120000142-A1b2 ").expect("a well-formed HSA-id");
        assert_eq!(written.verbatim(), " se2120000142-A1b2 ");
        assert_eq!(written.comparison_key(), "SE2120000142-A1B2");
        assert_eq!(written.organisationsnummer(), "2120000142");
        assert_eq!(written.issuer_check(), CheckOutcome::Ok);
        assert_eq!(Some(written.clone()), HsaId::parse("SE2120000142-a1B2"));
        assert!(Some(written.clone()) < HsaId::parse("SE2120000142-A1B3"));
        assert_eq!(format!("{written:?}"), "HsaId(redacted)");
    }

    #[test]
    fn the_issuers_number_is_checked_but_does_not_decide() {
        let check = |text| HsaId::parse(text).map(|hsa_id| hsa_id.issuer_check());
        assert_eq!(check("SE2120000143-1"), Some(CheckOutcome::Fail), "wrong check digit");
        assert_eq!(check("SE1901010008-1"), Some(CheckOutcome::Fail), "a date and no organisationsnummer");
    }

    #[test]
    fn other_texts_are_no_hsa_id() {
        for text in [
            "",
            "-",
            "å",
            "SE",
            "SE2120000142",
            "SE2120000142-",
            "NO2120000142-1",
            "SE212000142-1",
            "SE21200A0142-1",
            "SE2120000142-å1",
            "SE2120000142-1-2",
            "SE2120000142-1 2",
            "SE2120000142-1234567890123456789",
        ] {
            assert_eq!(HsaId::parse(text), None, "{text}");
        }
        assert!(HsaId::parse("SE2120000142-123456789012345678").is_some(), "31 characters");
    }
}
