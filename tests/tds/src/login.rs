//! What is said before the first statement: PRELOGIN and LOGIN7.

use crate::packet::FIRST_SIZE;
use crate::wire::{In, Malformed, Out, utf16};

/// "Encryption is not supported", of the option that both sides send.
const NO_ENCRYPTION: u8 = 0x02;
/// "Encryption is required".
const ENCRYPTION_REQUIRED: u8 = 0x03;

/// The bit of the login that says that the connection will only read.
const READ_ONLY_INTENT: u8 = 0x20;

/// A login as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The name that the program gave itself.
    pub program: String,
    /// The database; empty for the server's own.
    pub database: String,
    /// Whether the connection was announced as read-only (`ApplicationIntent=ReadOnly`).
    pub read_only: bool,
    pub(crate) password: String,
    pub(crate) packet_size: usize,
}

/// The answer to a PRELOGIN: version 16, encryption always or never, no second answers at the same time.
pub(crate) fn prelogin_answer(encrypted: bool) -> Vec<u8> {
    let encryption = if encrypted { ENCRYPTION_REQUIRED } else { NO_ENCRYPTION };
    let options: [(u8, &[u8]); 5] =
        [(0, &[16, 0, 4, 0, 0, 0]), (1, &[encryption]), (2, &[0]), (3, &[]), (4, &[0])];
    let mut answer = Vec::new();
    let mut at = options.len() * 5 + 1;
    for (option, data) in options {
        let [high, low] = u16::try_from(at).expect("five options are short").to_be_bytes();
        answer.extend([option, high, low, 0, u8::try_from(data.len()).expect("options are short")]);
        at += data.len();
    }
    answer.push(0xff);
    options.iter().for_each(|(_, data)| answer.extend_from_slice(data));
    answer
}

/// Reads a LOGIN7.
pub(crate) fn read(payload: &[u8]) -> Result<Login, Malformed> {
    let mut head = In::new(payload);
    head.take(8)?;
    let packet_size = head.length()?;
    let type_flags = *payload.get(26).ok_or(Malformed)?;
    let field = |at: usize| -> Result<&[u8], Malformed> {
        let mut place = In::new(payload.get(at..).ok_or(Malformed)?);
        let (offset, units) = (usize::from(place.u16()?), usize::from(place.u16()?));
        payload.get(offset..offset + units * 2).ok_or(Malformed)
    };
    let hidden: Vec<u8> = field(44)?.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
    Ok(Login {
        user: utf16(field(40)?)?,
        password: utf16(&hidden)?,
        program: utf16(field(48)?)?,
        database: utf16(field(68)?)?,
        read_only: type_flags & READ_ONLY_INTENT != 0,
        packet_size: if packet_size == 0 { FIRST_SIZE } else { packet_size.clamp(512, 32_767) },
    })
}

/// Writes the acknowledgement: TDS 7.4, and the name and version of the server.
pub(crate) fn acknowledge(out: &mut Out) {
    out.u8(0xad);
    out.counted(|out| {
        out.bytes(&[1, 0x74, 0, 0, 4]);
        out.short_text("Microsoft SQL Server");
        out.bytes(&[16, 0, 4, 0]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login7(fields: [(usize, &str); 4], flags: u8) -> Vec<u8> {
        let mut payload = vec![0; 94];
        payload[26] = flags;
        payload[8..12].copy_from_slice(&8000u32.to_le_bytes());
        for (at, text) in fields {
            let offset = u16::try_from(payload.len()).unwrap();
            let bytes = crate::wire::utf16_bytes(text);
            payload[at..at + 2].copy_from_slice(&offset.to_le_bytes());
            payload[at + 2..at + 4].copy_from_slice(&u16::try_from(bytes.len() / 2).unwrap().to_le_bytes());
            payload
                .extend(bytes.iter().map(|byte| if at == 44 { byte.rotate_left(4) ^ 0xa5 } else { *byte }));
        }
        payload
    }

    #[test]
    fn a_login_is_read() {
        let payload = login7([(40, "bron"), (44, "lösen"), (48, "test"), (68, "Paraply")], 0x20);
        let login = read(&payload).unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("bron", "lösen"));
        assert_eq!((login.program.as_str(), login.database.as_str()), ("test", "Paraply"));
        assert_eq!((login.read_only, login.packet_size), (true, 8000));
        assert_eq!(read(&payload[..payload.len() - 1]), Err(Malformed));
        assert_eq!(read(&[0; 20]), Err(Malformed));
    }

    #[test]
    fn the_answer_says_that_nothing_is_encrypted() {
        let answer = prelogin_answer(false);
        let offset = usize::from(u16::from_be_bytes([answer[6], answer[7]]));
        assert_eq!((answer[5], answer[offset]), (1, NO_ENCRYPTION));
        assert_eq!(answer.len(), 26 + 9);
    }
}
