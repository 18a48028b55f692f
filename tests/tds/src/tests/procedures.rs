//! Prepared statements, byte by byte: the client of the other tests sends none.

use std::io::Write;
use std::net;

use super::*;
use crate::packet::{self, kind};
use crate::wire::{Out, utf16_bytes};

/// A client that knows packets and little else.
struct Raw(net::TcpStream);

impl Raw {
    fn new(server: &Server) -> Self {
        let mut raw = Self(net::TcpStream::connect(server.addr()).unwrap());
        raw.send(kind::PRELOGIN, &[0xff]);
        let mut login = vec![0; 94];
        for (at, text) in [(40usize, "bron"), (44, "bron")] {
            let hidden = |byte: u8| if at == 44 { byte.rotate_left(4) ^ 0xa5 } else { byte };
            let offset = u16::try_from(login.len()).unwrap().to_le_bytes();
            login[at..at + 2].copy_from_slice(&offset);
            login[at + 2] = u8::try_from(text.len()).unwrap();
            login.extend(utf16_bytes(text).into_iter().map(hidden));
        }
        let answer = raw.send(kind::LOGIN, &login);
        assert!(answer.contains(&0xad));
        raw
    }

    fn send(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
        self.0.write_all(&[&[kind, 1, high, low, 0, 0, 1, 0], payload].concat()).unwrap();
        packet::read(&mut self.0).unwrap().unwrap().payload
    }

    fn call(&mut self, procedure: u16, parameters: &[Out]) -> Vec<u8> {
        let mut out = headers(0);
        out.u16(u16::MAX);
        out.u16(procedure);
        self.call_with(out, parameters)
    }

    fn call_named(&mut self, procedure: &str, parameters: &[Out]) -> Vec<u8> {
        let mut out = headers(0);
        out.long_text(procedure);
        self.call_with(out, parameters)
    }

    fn call_with(&mut self, mut out: Out, parameters: &[Out]) -> Vec<u8> {
        out.u16(0);
        parameters.iter().for_each(|parameter| out.bytes(&parameter.0));
        self.send(kind::RPC, &out.0)
    }
}

/// The headers of a request in this transaction.
fn headers(transaction: u64) -> Out {
    let mut out = Out::default();
    out.u32(22);
    out.u32(18);
    out.u16(2);
    out.u64(transaction);
    out.u32(1);
    out
}

fn int(number: i32) -> Out {
    let mut out = Out::default();
    out.bytes(&[0, 0, 0x26, 4, 4]);
    out.bytes(&number.to_le_bytes());
    out
}

/// A text as NTEXT, as FreeTDS sends it.
fn ntext(text: &str) -> Out {
    let bytes = utf16_bytes(text);
    let length = u32::try_from(bytes.len()).unwrap();
    let mut out = Out::default();
    out.bytes(&[0, 0, 0x63]);
    out.u32(length);
    out.bytes(&crate::kind::COLLATION);
    out.u32(length);
    out.bytes(&bytes);
    out
}

/// The value of the handle that the answer gives back.
fn handle(answer: &[u8]) -> i32 {
    let at = answer.iter().rposition(|byte| *byte == 0xac).unwrap();
    let end = at + 1 + 2 + 1 + 14 + 1 + 4 + 2 + 3;
    i32::from_le_bytes(answer[end..end + 4].try_into().unwrap())
}

/// The number of the error at the beginning of an answer.
fn error(answer: &[u8]) -> Option<u32> {
    (answer[0] == 0xaa).then(|| u32::from_le_bytes(answer[3..7].try_into().unwrap()))
}

/// The rows that the statement in the procedure reported.
fn rows(answer: &[u8]) -> u64 {
    let at = answer.windows(5).position(|bytes| *bytes == [0xff, 0x11, 0, 0xc1, 0]).unwrap();
    u64::from_le_bytes(answer[at + 5..at + 13].try_into().unwrap())
}

#[test]
fn a_statement_is_prepared_executed_and_forgotten() {
    let server = people();
    let mut raw = Raw::new(&server);
    let sql = "SELECT ID FROM KLIENT WHERE Enhet = @P1";
    let prepared = raw.call(11, &[int(0), ntext("@P1 int"), ntext(sql), int(1)]);
    let handle = handle(&prepared);
    assert_eq!(rows(&raw.call(12, &[int(handle), int(10)])), 2);
    assert_eq!(rows(&raw.call(12, &[int(handle), int(20)])), 1);
    assert_eq!(raw.call(15, &[int(handle)])[0], 0x79);
    assert_eq!(error(&raw.call(12, &[int(handle), int(10)])), Some(8179));
}

#[test]
fn a_statement_is_prepared_and_executed_at_once() {
    let server = people();
    let mut raw = Raw::new(&server);
    let answer =
        raw.call(13, &[int(0), ntext("@P1 int"), ntext("SELECT ID FROM KLIENT WHERE ID < @P1"), int(3)]);
    assert_eq!((rows(&answer), handle(&answer)), (2, 1));
    let answer = raw.call(10, &[ntext("SELECT @P1"), ntext("@P1 int"), int(3)]);
    assert_eq!(rows(&answer), 1);
}

#[test]
fn the_procedures_of_odbc_describe_the_tables() {
    let server = people();
    let mut raw = Raw::new(&server);
    assert_eq!(rows(&raw.call_named("sp_tables", &[])), 1);
    assert_eq!(rows(&raw.call_named("sp_columns", &[ntext("klient")])), 3);
    assert_eq!(rows(&raw.call_named("sp_pkeys", &[ntext("KLIENT")])), 1);
    assert_eq!(rows(&raw.call_named("sp_columns", &[ntext("SAKNAS")])), 0);
    assert_eq!(error(&raw.call_named("sp_who", &[])), Some(2812));
}

#[test]
fn what_is_no_procedure_is_an_error() {
    let server = people();
    let mut raw = Raw::new(&server);
    assert_eq!(error(&raw.call(2, &[])), Some(2812));
    assert_eq!(error(&raw.call(10, &[int(1)])), Some(214));
    assert_eq!(error(&raw.call(10, &[ntext("SELECT * FROM SAKNAS"), ntext("")])), Some(208));
    let mut foreign = headers(99);
    foreign.bytes(&utf16_bytes("SELECT 1"));
    assert_eq!(error(&raw.send(kind::BATCH, &foreign.0)), Some(3989));
}
