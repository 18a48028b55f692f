//! What a client asks for after its login.

use crate::kind::Kind;
use crate::packet::{Message, kind};
use crate::value::{self, Value};
use crate::wire::{In, Malformed, utf16};

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    Batch { transaction: u64, sql: String },
    Call { transaction: u64, calls: Vec<Call> },
    Transaction(Control),
    Attention,
}

/// A request to the transaction manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// With the number of the isolation level; 5 is SNAPSHOT, 0 is the one that is set.
    Begin(u8),
    /// With the isolation level of a transaction that is to begin at once.
    Commit {
        next: Option<u8>,
    },
    /// The whole transaction, or down to the point of this name.
    RollBack {
        name: String,
        next: Option<u8>,
    },
    Save(String),
}

/// The call of a procedure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) procedure: Procedure,
    pub(crate) parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Procedure {
    ExecuteSql,
    Prepare,
    Execute,
    PrepareAndExecute,
    Unprepare,
    Other(String),
}

/// A parameter with its value. Names are in capitals, with their `@`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) value: Value,
}

/// Reads a message.
pub(crate) fn read(message: &Message) -> Result<Request, Malformed> {
    let mut input = In::new(&message.payload);
    match message.kind {
        kind::ATTENTION => Ok(Request::Attention),
        kind::BATCH => {
            let transaction = headers(&mut input)?;
            Ok(Request::Batch { transaction, sql: utf16(input.rest())? })
        }
        kind::RPC => Ok(Request::Call { transaction: headers(&mut input)?, calls: calls(&mut input)? }),
        kind::TRANSACTION => {
            headers(&mut input)?;
            control(&mut input).map(Request::Transaction)
        }
        _ => Err(Malformed),
    }
}

/// Reads the headers before a request and gives the number of the transaction that it belongs to; 0 for none.
fn headers(input: &mut In<'_>) -> Result<u64, Malformed> {
    let total = input.length()?;
    let mut headers = In::new(input.take(total.checked_sub(4).ok_or(Malformed)?)?);
    let mut transaction = 0;
    while !headers.is_empty() {
        let length = headers.length()?;
        let mut header = In::new(headers.take(length.checked_sub(4).ok_or(Malformed)?)?);
        if header.u16()? == 2 {
            transaction = header.u64()?;
        }
    }
    Ok(transaction)
}

fn control(input: &mut In<'_>) -> Result<Control, Malformed> {
    Ok(match input.u16()? {
        5 => Control::Begin(input.u8()?),
        7 => {
            input.short_text()?;
            Control::Commit { next: next_transaction(input)? }
        }
        8 => Control::RollBack { name: input.short_text()?, next: next_transaction(input)? },
        9 => Control::Save(input.short_text()?),
        _ => return Err(Malformed),
    })
}

/// The isolation level of a transaction that begins as soon as the other one has ended.
fn next_transaction(input: &mut In<'_>) -> Result<Option<u8>, Malformed> {
    Ok(if input.u8()? & 1 == 1 { Some(input.u8()?) } else { None })
}

fn calls(input: &mut In<'_>) -> Result<Vec<Call>, Malformed> {
    let mut calls = Vec::new();
    while !input.is_empty() {
        let procedure = procedure(input)?;
        // Options: compile anew, no columns, the columns of before.
        input.u16()?;
        let mut parameters = Vec::new();
        while let Some(next) = input.rest().first() {
            if *next == 0xff || *next == 0x80 {
                input.u8()?;
                break;
            }
            parameters.push(parameter(input)?);
        }
        calls.push(Call { procedure, parameters });
    }
    Ok(calls)
}

fn procedure(input: &mut In<'_>) -> Result<Procedure, Malformed> {
    let units = input.u16()?;
    if units == u16::MAX {
        return Ok(match input.u16()? {
            10 => Procedure::ExecuteSql,
            11 => Procedure::Prepare,
            12 => Procedure::Execute,
            13 => Procedure::PrepareAndExecute,
            15 => Procedure::Unprepare,
            other => Procedure::Other(format!("procedure {other}")),
        });
    }
    let name = utf16(input.take(usize::from(units) * 2)?)?;
    Ok(match name.to_ascii_lowercase().as_str() {
        "sp_executesql" => Procedure::ExecuteSql,
        "sp_prepare" => Procedure::Prepare,
        "sp_execute" => Procedure::Execute,
        "sp_prepexec" => Procedure::PrepareAndExecute,
        "sp_unprepare" => Procedure::Unprepare,
        _ => Procedure::Other(name),
    })
}

fn parameter(input: &mut In<'_>) -> Result<Parameter, Malformed> {
    let name = input.short_text()?.to_ascii_uppercase();
    // Whether the procedure gives the parameter back.
    input.u8()?;
    let token = *input.rest().first().ok_or(Malformed)?;
    let kind = Kind::announced(input)?;
    let value = value::read(input, &kind, token)?;
    Ok(Parameter { name, kind, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Out;

    fn with_headers(transaction: u64) -> Out {
        let mut out = Out::default();
        out.u32(22);
        out.u32(18);
        out.u16(2);
        out.u64(transaction);
        out.u32(1);
        out
    }

    fn message(kind: u8, out: Out) -> Message {
        Message { kind, payload: out.0 }
    }

    #[test]
    fn a_batch_names_its_transaction() {
        let mut out = with_headers(7);
        out.bytes(&crate::wire::utf16_bytes("SELECT 'å'"));
        let request = read(&message(kind::BATCH, out)).unwrap();
        assert_eq!(request, Request::Batch { transaction: 7, sql: "SELECT 'å'".to_owned() });
    }

    #[test]
    fn a_statement_may_come_as_ntext() {
        let mut out = with_headers(0);
        out.u16(u16::MAX);
        out.u16(10);
        out.u16(0);
        let sql = crate::wire::utf16_bytes("SELECT @P1");
        out.bytes(&[0, 0, 0x63]);
        out.u32(20);
        out.bytes(&crate::kind::COLLATION);
        out.u32(20);
        out.bytes(&sql);
        out.short_text("@p1");
        out.bytes(&[0, 0x26, 4, 4, 5, 0, 0, 0]);
        let Request::Call { calls, .. } = read(&message(kind::RPC, out)).unwrap() else { panic!("a call") };
        assert_eq!(calls[0].procedure, Procedure::ExecuteSql);
        assert_eq!(calls[0].parameters[0].value, Value::Text("SELECT @P1".to_owned()));
        let number = Parameter { name: "@P1".to_owned(), kind: Kind::Int, value: Value::Whole(5) };
        assert_eq!(calls[0].parameters[1], number);
    }

    #[test]
    fn several_calls_come_in_one_message() {
        let mut out = with_headers(0);
        for _ in 0..2 {
            let name = crate::wire::utf16_bytes("sp_unprepare");
            out.u16(12);
            out.bytes(&name);
            out.u16(0);
            out.bytes(&[0, 0, 0x38, 1, 0, 0, 0]);
            out.u8(0xff);
        }
        let Request::Call { calls, .. } = read(&message(kind::RPC, out)).unwrap() else { panic!("a call") };
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[1].parameters[0].value, Value::Whole(1));
    }

    #[test]
    fn transactions_are_controlled() {
        let mut out = with_headers(0);
        out.u16(5);
        out.bytes(&[5, 0]);
        assert_eq!(read(&message(kind::TRANSACTION, out)), Ok(Request::Transaction(Control::Begin(5))));
        let mut out = with_headers(0);
        out.u16(8);
        out.bytes(&[0, 1, 5, 0]);
        let rolled_back = Control::RollBack { name: String::new(), next: Some(5) };
        assert_eq!(read(&message(kind::TRANSACTION, out)), Ok(Request::Transaction(rolled_back)));
        let mut out = with_headers(0);
        out.u16(7);
        out.bytes(&[0, 0]);
        let committed = Control::Commit { next: None };
        assert_eq!(read(&message(kind::TRANSACTION, out)), Ok(Request::Transaction(committed)));
        let mut out = with_headers(0);
        out.u16(6);
        assert_eq!(read(&message(kind::TRANSACTION, out)), Err(Malformed));
        assert_eq!(read(&message(kind::ATTENTION, Out::default())), Ok(Request::Attention));
        assert_eq!(read(&message(7, Out::default())), Err(Malformed));
    }
}
