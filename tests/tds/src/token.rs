//! The parts that an answer is made of, beside errors.

use crate::kind::{COLLATION, Kind};
use crate::value::{self, Unfit, Value};
use crate::wire::Out;

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// How a statement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// A statement of a batch, or a whole request.
    Statement,
    /// A statement inside a procedure.
    InProcedure,
    /// A procedure.
    Procedure,
}

/// The bits that say how.
pub(crate) mod done {
    pub(crate) const MORE: u16 = 0x01;
    pub(crate) const ERROR: u16 = 0x02;
    pub(crate) const COUNT: u16 = 0x10;
    pub(crate) const ATTENTION: u16 = 0x20;
}

pub(crate) fn write_done(out: &mut Out, what: Done, bits: u16, rows: u64) {
    out.u8(match what {
        Done::Statement => 0xfd,
        Done::InProcedure => 0xff,
        Done::Procedure => 0xfe,
    });
    out.u16(bits);
    out.u16(0xc1);
    out.u64(rows);
}

pub(crate) fn write_columns(out: &mut Out, columns: &[Column]) {
    out.u8(0x81);
    out.u16(u16::try_from(columns.len()).expect("a statement has fewer than 4096 columns"));
    for column in columns {
        out.u32(0);
        // Nullable, and perhaps writable.
        out.u16(0x0009);
        column.kind.announce(out);
        if column.kind.is_old_large_object() {
            out.u8(1);
            out.long_text("dbo");
        }
        out.short_text(&column.name);
    }
}

pub(crate) fn write_row(out: &mut Out, columns: &[Column], values: &[Value]) -> Result<(), Unfit> {
    out.u8(0xd1);
    columns.iter().zip(values).try_for_each(|(column, value)| value::write(out, &column.kind, value))
}

/// The status that a procedure returns.
pub(crate) fn write_status(out: &mut Out) {
    out.u8(0x79);
    out.u32(0);
}

/// The handle of a prepared statement, as the procedure's first parameter gives it back.
pub(crate) fn write_handle(out: &mut Out, handle: i32) {
    out.u8(0xac);
    out.u16(0);
    out.short_text("@handle");
    out.u8(0x01);
    out.u32(0);
    out.u16(0);
    out.bytes(&[0x26, 4, 4]);
    out.bytes(&handle.to_le_bytes());
}

/// Changes of the connection that the client has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    Database(&'a str, &'a str),
    PacketSize(usize),
    Collation,
    Begun(u64),
    Committed(u64),
    RolledBack(u64),
}

pub(crate) fn write_change(out: &mut Out, change: &Change<'_>) {
    let descriptor = |out: &mut Out, number: &u64| {
        out.u8(8);
        out.u64(*number);
    };
    out.u8(0xe3);
    out.counted(|out| match change {
        Change::Database(new, old) => {
            out.u8(1);
            out.short_text(new);
            out.short_text(old);
        }
        Change::PacketSize(size) => {
            out.u8(4);
            out.short_text(&size.to_string());
            out.short_text("4096");
        }
        Change::Collation => {
            out.bytes(&[7, 5]);
            out.bytes(&COLLATION);
            out.u8(0);
        }
        Change::Begun(number) => {
            out.u8(8);
            descriptor(out, number);
            out.u8(0);
        }
        Change::Committed(number) | Change::RolledBack(number) => {
            out.u8(if matches!(change, Change::Committed(_)) { 9 } else { 10 });
            out.u8(0);
            descriptor(out, number);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_an_answer() {
        let columns = [Column { name: "n".to_owned(), kind: Kind::Int }];
        let mut out = Out::default();
        write_columns(&mut out, &columns);
        write_row(&mut out, &columns, &[Value::Whole(258)]).unwrap();
        write_done(&mut out, Done::Statement, done::COUNT, 1);
        assert_eq!(&out.0[..11], [0x81, 1, 0, 0, 0, 0, 0, 9, 0, 0x26, 4]);
        assert_eq!(&out.0[11..20], [1, b'n', 0, 0xd1, 4, 2, 1, 0, 0]);
        assert_eq!(&out.0[20..], [0xfd, 0x10, 0, 0xc1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn bytes_of_changes() {
        let bytes = |change: Change<'_>| {
            let mut out = Out::default();
            write_change(&mut out, &change);
            out.0
        };
        assert_eq!(bytes(Change::Begun(5)), [0xe3, 11, 0, 8, 8, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Change::Committed(5)), [0xe3, 11, 0, 9, 0, 8, 5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(Change::RolledBack(5))[3], 10);
        assert_eq!(bytes(Change::Collation), [0xe3, 8, 0, 7, 5, 0x1d, 4, 0xd0, 0, 0, 0]);
    }
}
