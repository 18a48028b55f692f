//! The bytes between the server and one client, in plain text or inside TLS.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::packet::{self, FIRST_SIZE, kind};

/// The most bytes of TLS in one packet while hands are shaken.
const IN_A_PACKET: usize = FIRST_SIZE - 8;
/// The last packet of a message.
const END: u8 = 0x01;

/// What a server needs to speak TLS: a certificate and its key, both as PEM. TLS 1.2 alone, as SQL Server speaks it
/// inside this protocol.
pub(crate) fn certified(certificate: &str, key: &str) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(io::Error::other)?, key);
    config.map(Arc::new).map_err(io::Error::other)
}

/// A connection to a client.
pub(crate) struct Line {
    stream: TcpStream,
    /// The state of TLS, which both ends of a line that was doubled share.
    tls: Option<Rc<RefCell<ServerConnection>>>,
}

impl Line {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self { stream, tls: None }
    }

    /// What is under the line: to wait there, not to read.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The same line once more, for answers.
    pub(crate) fn double(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, tls: self.tls.clone() })
    }

    /// Goes on inside TLS. The client begins; while hands are shaken, TLS travels in packets.
    pub(crate) fn encrypt(&mut self, config: &Arc<ServerConfig>) -> io::Result<()> {
        let mut connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let mut packed = Packed { stream: &mut self.stream, waiting: Vec::new() };
        while connection.is_handshaking() {
            connection.complete_io(&mut packed)?;
        }
        self.tls = Some(Rc::new(RefCell::new(connection)));
        Ok(())
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            Some(tls) => Stream::new(&mut *tls.borrow_mut(), &mut self.stream).read(buffer),
            None => self.stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.tls {
            Some(tls) => Stream::new(&mut *tls.borrow_mut(), &mut self.stream).write(bytes),
            None => self.stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.tls {
            Some(tls) => Stream::new(&mut *tls.borrow_mut(), &mut self.stream).flush(),
            None => self.stream.flush(),
        }
    }
}

/// TLS inside packets of the kind PRELOGIN.
struct Packed<'a> {
    stream: &'a mut TcpStream,
    /// What came in a packet and was not read yet.
    waiting: Vec<u8>,
}

impl Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.waiting.is_empty() {
            let Some(message) = packet::read(self.stream)? else { return Ok(0) };
            if message.kind != kind::PRELOGIN {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.waiting = message.payload;
        }
        let count = buffer.len().min(self.waiting.len());
        buffer[..count].copy_from_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
        Ok(count)
    }
}

impl Write for Packed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(IN_A_PACKET);
        let length = u16::try_from(count + 8).expect("packets of a handshake are short");
        let [high, low] = length.to_be_bytes();
        let mut packet = vec![kind::PRELOGIN, END, high, low, 0, 0, 0, 0];
        packet.extend_from_slice(&bytes[..count]);
        self.stream.write_all(&packet)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
