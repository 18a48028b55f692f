//! Certificates for servers of tests, and the authority that signs them.

use std::io::{Error, Result};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// An authority of its own, which nobody trusts unless told so.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate of a server with its key, both as PEM.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Authority {
    /// Makes an authority with this name.
    ///
    /// # Errors
    /// When a key cannot be drawn.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().map_err(Error::other)?;
        let certificate = params.self_signed(&key).map_err(Error::other)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// The certificate of the authority, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for a server with these names or addresses.
    ///
    /// # Errors
    /// When a name can be none of a server.
    pub fn certify(&self, names: &[&str]) -> Result<Certified> {
        self.signed(&params(names)?)
    }

    /// A certificate for a server with these names or addresses, which expired long ago.
    ///
    /// # Errors
    /// When a name can be none of a server.
    pub fn certify_until_2001(&self, names: &[&str]) -> Result<Certified> {
        let mut params = params(names)?;
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.signed(&params)
    }

    fn signed(&self, params: &CertificateParams) -> Result<Certified> {
        let key = KeyPair::generate().map_err(Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(Error::other)?.pem();
        Ok(Certified { certificate, key: key.serialize_pem() })
    }
}

fn params(names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).map_err(Error::other)
}
