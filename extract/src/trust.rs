//! Whom a server's certificate must be signed by, and why one was refused.

use std::fs;

use crate::access::ServerAddress;
use crate::error::{Error, ErrorKind};

/// What begins each certificate of a file.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Makes sure that the file of authorities that an address names can be used: a driver would say of one that cannot
/// that the connection broke, or trust nobody.
///
/// # Errors
/// [`ErrorKind::Settings`] when the file cannot be read or has no certificate.
pub(crate) fn check_authorities(address: &ServerAddress) -> Result<(), Error> {
    let Some(path) = &address.authorities else { return Ok(()) };
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        let problem = format!("{shown}, which the address names after `ca`, cannot be read");
        Error::because(ErrorKind::Settings, problem, error)
    })?;
    if text.contains(CERTIFICATE) {
        return Ok(());
    }
    let problem = format!("{shown}, which the address names after `ca`, holds no certificate in PEM");
    Err(Error::new(ErrorKind::Settings, problem))
}

/// Why no encrypted connection came about, from the words of a driver; `None` when they are about something else. The
/// drivers have no other way to tell, and their words have more than a reader needs.
pub(crate) fn distrust(words: &str) -> Option<&'static str> {
    const MEANINGS: [(&str, &str); 9] = [
        ("UnknownIssuer", "the server's certificate is signed by nobody whom this machine or `ca` trusts"),
        ("not valid for name", "the server's certificate is for another name than the one in the address"),
        ("NotValidForName", "the server's certificate is for another name than the one in the address"),
        ("certificate expired", "the server's certificate has expired"),
        ("Expired", "the server's certificate has expired"),
        ("not valid yet", "the server's certificate is not valid yet: is the clock of this machine right?"),
        ("invalid peer certificate", "the server's certificate cannot be trusted"),
        ("certificate was rejected", "the server's certificate cannot be trusted"),
        ("does not support TLS", "the server does not encrypt, and plain text is not allowed"),
    ];
    MEANINGS.iter().find(|(sign, _)| words.contains(sign)).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Access, Locator};

    #[test]
    fn a_file_of_authorities_holds_some() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let address = format!("postgres://h/d?ca={}", path.display());
        let access = Access::new(Locator::parse(&address).unwrap());
        let Locator::Postgres(address) = &access.locator else { panic!("another kind of address") };
        assert!(check_authorities(address).unwrap_err().to_string().contains("cannot be read"));
        fs::write(&path, "nothing").unwrap();
        assert!(check_authorities(address).unwrap_err().to_string().contains("no certificate"));
        fs::write(&path, CERTIFICATE).unwrap();
        check_authorities(address).unwrap();
    }

    #[test]
    fn words_about_something_else_mean_nothing() {
        assert_eq!(distrust("connection reset by peer"), None);
        let told = "invalid peer certificate: certificate expired: verification time 1 (UNIX)";
        assert_eq!(distrust(told), Some("the server's certificate has expired"));
    }
}
