//! Messages in packets: a header of eight bytes each, and never longer than both sides agreed.

use std::io::{self, Read, Write};

const HEADER: usize = 8;

/// The last packet of a message.
const END: u8 = 0x01;

/// Both sides begin with packets of this size.
pub(crate) const FIRST_SIZE: usize = 4096;

/// The kinds of message that a client sends.
pub(crate) mod kind {
    pub(crate) const BATCH: u8 = 0x01;
    pub(crate) const RPC: u8 = 0x03;
    pub(crate) const ATTENTION: u8 = 0x06;
    pub(crate) const TRANSACTION: u8 = 0x0e;
    pub(crate) const LOGIN: u8 = 0x10;
    pub(crate) const PRELOGIN: u8 = 0x12;
    /// The one kind that a server sends.
    pub(crate) const ANSWER: u8 = 0x04;
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

/// Reads the next message; `None` when the other side has hung up between two of them.
pub(crate) fn read(stream: &mut impl Read) -> io::Result<Option<Message>> {
    let mut message = Message { kind: 0, payload: Vec::new() };
    loop {
        let mut header = [0; HEADER];
        if stream.read(&mut header[..1])? == 0 {
            return Ok(None);
        }
        stream.read_exact(&mut header[1..])?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let length = length.checked_sub(HEADER).ok_or(io::ErrorKind::InvalidData)?;
        let begun = message.payload.len();
        message.kind = header[0];
        message.payload.resize(begun + length, 0);
        stream.read_exact(&mut message.payload[begun..])?;
        if header[1] & END != 0 {
            return Ok(Some(message));
        }
    }
}

/// An answer that goes out packet by packet while it is made.
pub(crate) struct Answer<'a> {
    stream: &'a mut dyn Write,
    size: usize,
    waiting: Vec<u8>,
    number: u8,
    /// After how many more bytes of answer the connection is cut.
    cut_after: Option<usize>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(stream: &'a mut dyn Write, size: usize) -> Self {
        Self { stream, size: size - HEADER, waiting: Vec::new(), number: 0, cut_after: None }
    }

    /// Sets after how many more bytes the connection is cut.
    pub(crate) fn cut_after(&mut self, count: Option<usize>) {
        self.cut_after = count;
    }

    /// Adds bytes; full packets are sent.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.cut_after.unwrap_or(usize::MAX);
        let kept = bytes.len().min(left);
        self.waiting.extend_from_slice(&bytes[..kept]);
        self.cut_after = self.cut_after.map(|left| left - kept);
        while self.waiting.len() > self.size {
            let rest = self.waiting.split_off(self.size);
            self.send(false)?;
            self.waiting = rest;
        }
        if kept < bytes.len() {
            return self.cut();
        }
        Ok(())
    }

    /// Sends what waits as if more were to come, then reports the connection as broken.
    pub(crate) fn cut(&mut self) -> io::Result<()> {
        self.send_waiting()?;
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Sends what waits as if more were to come.
    pub(crate) fn send_waiting(&mut self) -> io::Result<()> {
        self.send(false)
    }

    /// Sends the last packet.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send(true)
    }

    fn send(&mut self, last: bool) -> io::Result<()> {
        let length =
            u16::try_from(self.waiting.len() + HEADER).expect("packets are at most 32 767 bytes long");
        self.number = self.number.wrapping_add(1);
        let [high, low] = length.to_be_bytes();
        let mut packet = vec![kind::ANSWER, u8::from(last), high, low, 0, 51, self.number, 0];
        packet.append(&mut self.waiting);
        self.stream.write_all(&packet)?;
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(bytes: &[u8], cut_after: Option<usize>) -> (Vec<u8>, bool) {
        let mut stream = Vec::new();
        let mut answer = Answer::new(&mut stream, 512);
        answer.cut_after(cut_after);
        let whole = answer.put(bytes).and_then(|()| answer.finish()).is_ok();
        (stream, whole)
    }

    #[test]
    fn a_long_answer_takes_several_packets() {
        let bytes: Vec<u8> = (0..1200).map(|at: u32| at.to_le_bytes()[0]).collect();
        let (stream, whole) = sent(&bytes, None);
        assert!(whole);
        assert_eq!(stream.len(), 1200 + 3 * HEADER);
        assert_eq!((stream[1], stream[512 + 1], stream[1024 + 1]), (0, 0, END));
        assert_eq!((stream[6], stream[512 + 6]), (1, 2));
        let message = read(&mut stream.as_slice()).unwrap().unwrap();
        assert_eq!(message, Message { kind: kind::ANSWER, payload: bytes });
    }

    #[test]
    fn a_cut_answer_has_no_end() {
        let (stream, whole) = sent(&[7; 100], Some(30));
        assert!(!whole);
        assert_eq!((stream.len(), stream[1]), (30 + HEADER, 0));
        let error = read(&mut &stream[..20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_packet_shorter_than_its_header_is_refused() {
        assert!(read(&mut [1, 1, 0, 4, 0, 0, 0, 0].as_slice()).is_err());
        assert_eq!(read(&mut [].as_slice()).unwrap(), None);
    }
}
