//! One connection, from its first byte to its last.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Engine, Sink, Stop};
use crate::error::SqlError;
use crate::fault::Effect;
use crate::lexer;
use crate::line::Line;
use crate::login;
use crate::packet::{self, Answer, FIRST_SIZE, kind};
use crate::request::{self, Call, Control, Parameter, Procedure, Request};
use crate::shared::Shared;
use crate::statement::{Isolation, Statement, outline};
use crate::system_procedures;
use crate::token::{self, Change, Column, Done, done, write_change, write_columns, write_done, write_row};
use crate::value::Value;
use crate::wire::{Malformed, Out};

/// How often a waiting server looks whether its client still waits.
const GLANCE: Duration = Duration::from_millis(10);

/// The name that errors carry.
const SERVER_NAME: &str = "TDS";

/// Carries a connection to its end.
pub(crate) fn serve(shared: &Arc<Shared>, stream: TcpStream, number: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = Line::plain(stream);
    let Some((engine, packet_size)) = shake_hands(shared, &mut stream, number)? else { return Ok(()) };
    let mut session = Session {
        shared,
        number,
        stream,
        engine,
        packet_size,
        transaction: 0,
        prepared: BTreeMap::new(),
        handles: 0,
    };
    while let Some(message) = packet::read(&mut session.stream)? {
        let request = request::read(&message).map_err(malformed)?;
        session.answer(request)?;
    }
    Ok(())
}

fn malformed(_: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the client sent what the protocol does not know")
}

fn send(stream: &mut Line, size: usize, bytes: &[u8]) -> io::Result<()> {
    let mut answer = Answer::new(stream, size);
    answer.put(bytes)?;
    answer.finish()
}

/// PRELOGIN and LOGIN7. `None` when the login was refused.
fn shake_hands(shared: &Arc<Shared>, stream: &mut Line, number: u64) -> io::Result<Option<(Engine, usize)>> {
    loop {
        let Some(message) = packet::read(stream)? else { return Ok(None) };
        if message.kind == kind::PRELOGIN {
            send(stream, FIRST_SIZE, &login::prelogin_answer(shared.tls.is_some()))?;
            if let Some(tls) = &shared.tls {
                stream.encrypt(tls)?;
            }
            continue;
        }
        if message.kind != kind::LOGIN {
            return Err(malformed(Malformed));
        }
        let asked = login::read(&message.payload).map_err(malformed)?;
        let refused = shared.faults.strike(number, None).into_iter().find_map(|effect| match effect {
            Effect::RefuseLogin(number) => Some(SqlError::numbered(number)),
            Effect::Delay(_) | Effect::Error { .. } | Effect::CutAfterBytes(_) | Effect::CutAfterRows(_) => {
                None
            }
            Effect::StallAfterRows(..) | Effect::DropTable(_) | Effect::Meanwhile(_) | Effect::Forget(..) => {
                None
            }
        });
        let wrong = || (!shared.lets_in(&asked)).then(|| SqlError::numbered(18456));
        let opened = match refused.or_else(wrong) {
            Some(error) => Err(error),
            None => Engine::new(shared, number, &asked.user, &asked.database),
        };
        shared.note_login(asked.clone());
        let mut out = Out::default();
        let engine = match opened {
            Ok(engine) => engine,
            Err(error) => {
                error.write(&mut out, SERVER_NAME);
                write_done(&mut out, Done::Statement, done::ERROR, 0);
                send(stream, FIRST_SIZE, &out.0)?;
                return Ok(None);
            }
        };
        write_change(&mut out, &Change::Database(engine.database_name(), "master"));
        write_change(&mut out, &Change::Collation);
        login::acknowledge(&mut out);
        write_change(&mut out, &Change::PacketSize(asked.packet_size));
        write_done(&mut out, Done::Statement, 0, 0);
        send(stream, FIRST_SIZE, &out.0)?;
        return Ok(Some((engine, asked.packet_size)));
    }
}

struct Session<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
    stream: Line,
    engine: Engine,
    packet_size: usize,
    /// The number of the open transaction, 0 for none. Requests have to carry it.
    transaction: u64,
    prepared: BTreeMap<i32, String>,
    handles: i32,
}

/// Whether a request was answered or given up by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    GivenUp,
}

impl Session<'_> {
    fn answer(&mut self, request: Request) -> io::Result<()> {
        let mut stream = self.stream.double()?;
        let mut answer = Answer::new(&mut stream, self.packet_size);
        let outcome = match request {
            Request::Attention => Outcome::GivenUp,
            Request::Batch { transaction, sql } => match self.in_transaction(transaction) {
                Ok(()) => self.run(&mut answer, &sql, &[], Done::Statement)?,
                Err(error) => fail(&mut answer, &error, Done::Statement)?,
            },
            Request::Call { transaction, calls } => match self.in_transaction(transaction) {
                Ok(()) => self.calls(&mut answer, &calls)?,
                Err(error) => fail(&mut answer, &error, Done::Procedure)?,
            },
            Request::Transaction(control) => self.control(&mut answer, &control)?,
        };
        if outcome == Outcome::GivenUp {
            let mut out = Out::default();
            write_done(&mut out, Done::Statement, done::ATTENTION, 0);
            answer.put(&out.0)?;
        }
        answer.finish()
    }

    fn in_transaction(&self, given: u64) -> Result<(), SqlError> {
        if given == self.transaction { Ok(()) } else { Err(SqlError::numbered(3989)) }
    }

    fn control(&mut self, answer: &mut Answer<'_>, control: &Control) -> io::Result<Outcome> {
        let begin = |isolation: u8| match isolation {
            5 => vec![Statement::Isolation(Isolation::Snapshot), Statement::Begin],
            0 => vec![Statement::Begin],
            _ => vec![Statement::Isolation(Isolation::Statement), Statement::Begin],
        };
        let (mut statements, next) = match control {
            Control::Begin(isolation) => (Vec::new(), Some(*isolation)),
            Control::Commit { next } => (vec![Statement::Commit], *next),
            Control::RollBack { name, next } => (vec![Statement::RollBack(name.clone())], *next),
            Control::Save(name) => (vec![Statement::Save(name.clone())], None),
        };
        statements.extend(next.map(begin).unwrap_or_default());
        let name = match control {
            Control::Begin(_) => "BEGIN TRANSACTION",
            Control::Commit { .. } => "COMMIT TRANSACTION",
            Control::RollBack { .. } => "ROLLBACK TRANSACTION",
            Control::Save(_) => "SAVE TRANSACTION",
        };
        self.shared.note_statement(name.to_owned());
        let mut step = match self.before(name)? {
            Ok(step) => step,
            Err(outcome) => return Ok(outcome),
        };
        for statement in statements {
            if let Err(error) = self.step(answer, statement, &[], &mut step)? {
                return fail(answer, &error, Done::Statement);
            }
        }
        let mut out = Out::default();
        write_done(&mut out, Done::Statement, 0, 0);
        answer.put(&out.0)?;
        Ok(Outcome::Done)
    }

    /// What happens before a statement; `Err` when the client gave up while the server waited.
    fn before(&mut self, name: &str) -> io::Result<Result<Step, Outcome>> {
        let mut step = Step::default();
        for effect in self.shared.faults.strike(self.number, Some(name)) {
            match effect {
                Effect::Delay(time) => {
                    if !self.wait(time)? {
                        return Ok(Err(Outcome::GivenUp));
                    }
                }
                Effect::Error { number, after_rows } => {
                    step.error = Some((SqlError::numbered(number), after_rows));
                }
                Effect::CutAfterBytes(count) => step.cut_after_bytes = Some(count),
                Effect::CutAfterRows(count) => step.cut_after_rows = Some(count),
                Effect::DropTable(table) => {
                    self.shared
                        .run(&format!("DROP TABLE [{}]", table.replace(']', "]]")))
                        .map_err(io::Error::other)?;
                    step.shape_changed = true;
                }
                Effect::StallAfterRows(count, time) => step.stall = Some((count, time)),
                Effect::Meanwhile(sql) => self.shared.run(&sql).map_err(io::Error::other)?,
                Effect::Forget(table, version) => self.shared.forget_changes(&table, version)?,
                Effect::RefuseLogin(_) => {}
            }
        }
        Ok(Ok(step))
    }

    /// Waits, and looks meanwhile whether the client gives the request up. `false` when it does.
    fn wait(&mut self, time: Duration) -> io::Result<bool> {
        let until = Instant::now() + time;
        self.stream.stream().set_read_timeout(Some(GLANCE))?;
        let mut given_up = false;
        while !given_up && Instant::now() < until {
            if self.shared.is_stopped() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let mut first = [0];
            match self.stream.stream().peek(&mut first) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => given_up = true,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(error) => return Err(error),
            }
        }
        self.stream.stream().set_read_timeout(None)?;
        if given_up {
            // Only an attention may come before the answer.
            packet::read(&mut self.stream)?;
        }
        Ok(!given_up)
    }

    /// Carries out the statements of a text.
    fn run(
        &mut self,
        answer: &mut Answer<'_>,
        sql: &str,
        parameters: &[Parameter],
        end: Done,
    ) -> io::Result<Outcome> {
        let tokens = match lexer::tokens(sql) {
            Ok(tokens) => tokens,
            Err(error) => return fail(answer, &error, end),
        };
        self.engine.begin_batch();
        let (mut at, mut any) = (0, false);
        loop {
            let parsed = self.engine.parse(self.shared, &tokens, at, parameters);
            let (statement, next) = match parsed {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => {
                    self.shared.note_statement(outline(&tokens[at..]));
                    return fail(answer, &error, end);
                }
            };
            let name = outline(&tokens[at..next]);
            self.shared.note_statement(name.clone());
            let mut step = match self.before(&name)? {
                Ok(step) => step,
                Err(outcome) => return Ok(outcome),
            };
            if step.shape_changed
                && let Err(error) = self.engine.parse(self.shared, &tokens, at, parameters)
            {
                return fail(answer, &error, end);
            }
            let rows = match self.step(answer, statement, parameters, &mut step)? {
                Ok(rows) => rows,
                Err(error) => return fail(answer, &error, end),
            };
            let more = if next < tokens.len() || end == Done::InProcedure { done::MORE } else { 0 };
            let mut out = Out::default();
            write_done(&mut out, end, more | done::COUNT, rows);
            answer.put(&out.0)?;
            (at, any) = (next, true);
        }
        if !any && end == Done::Statement {
            let mut out = Out::default();
            write_done(&mut out, end, 0, 0);
            answer.put(&out.0)?;
        }
        Ok(Outcome::Done)
    }

    /// Carries out one statement and tells the client when a transaction begins or ends.
    fn step(
        &mut self,
        answer: &mut Answer<'_>,
        statement: Statement,
        parameters: &[Parameter],
        step: &mut Step,
    ) -> io::Result<Result<u64, SqlError>> {
        if step.cut_after_bytes.is_some() {
            answer.cut_after(step.cut_after_bytes.take());
        }
        let before = self.engine.open_transactions();
        let committed = matches!(statement, Statement::Commit);
        let early = step.error.clone().filter(|(_, rows)| *rows == 0).map(|(error, _)| error);
        let mut sink = Rows { shared: self.shared, answer, columns: Vec::new(), sent: 0, step };
        let result = match early {
            Some(error) => Err(Stop::Error(error)),
            None => self.engine.execute(self.shared, statement, parameters, &mut sink),
        };
        let result = match result {
            Ok(rows) => Ok(rows),
            Err(Stop::Error(error)) => {
                let ends = self.engine.aborts() || error.ends_transaction();
                if ends && self.engine.undo().is_err() {
                    return Err(io::Error::other("the database behind the server did not roll back"));
                }
                Err(error)
            }
            Err(Stop::Broken(error)) => return Err(error),
        };
        let mut out = Out::default();
        match (before, self.engine.open_transactions()) {
            (0, 1..) => {
                self.transaction = self.shared.next_transaction();
                write_change(&mut out, &Change::Begun(self.transaction));
            }
            (1.., 0) => {
                let ended = std::mem::take(&mut self.transaction);
                let change = if committed { Change::Committed(ended) } else { Change::RolledBack(ended) };
                write_change(&mut out, &change);
            }
            (_, _) => {}
        }
        answer.put(&out.0)?;
        Ok(result)
    }

    fn calls(&mut self, answer: &mut Answer<'_>, calls: &[Call]) -> io::Result<Outcome> {
        for (at, call) in calls.iter().enumerate() {
            let outcome = self.call(answer, call)?;
            if outcome == Outcome::GivenUp {
                return Ok(outcome);
            }
            let more = if at + 1 < calls.len() { done::MORE } else { 0 };
            let bits = if outcome == Outcome::Failed { done::ERROR } else { 0 };
            let mut out = Out::default();
            write_done(&mut out, Done::Procedure, more | bits, 0);
            answer.put(&out.0)?;
        }
        Ok(Outcome::Done)
    }

    fn call(&mut self, answer: &mut Answer<'_>, call: &Call) -> io::Result<Outcome> {
        let parameters = call.parameters.as_slice();
        let text = |at: usize| match parameters.get(at).map(|parameter| &parameter.value) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(SqlError::new(214, "Procedure expects a statement of type nvarchar.")),
        };
        let planned = match &call.procedure {
            // The statement and the declaration of its parameters, then the values.
            Procedure::ExecuteSql => text(0).map(|sql| (Some(sql), 2, None)),
            // A handle to give back, the declaration, the statement.
            Procedure::Prepare => text(2).map(|sql| (None, 0, Some(sql))),
            Procedure::PrepareAndExecute => text(2).map(|sql| (Some(sql.clone()), 3, Some(sql))),
            Procedure::Execute => self.prepared(parameters).map(|(_, sql)| (Some(sql), 1, None)),
            Procedure::Unprepare => self.prepared(parameters).map(|(handle, _)| {
                self.prepared.remove(&handle);
                (None, 0, None)
            }),
            Procedure::Other(name) => {
                let missing = || SqlError::new(2812, format!("Could not find stored procedure '{name}'."));
                system_procedures::query(name, parameters).ok_or_else(missing).map(|sql| (Some(sql), 0, None))
            }
        };
        let (sql, first, keep) = match planned {
            Ok(plan) => plan,
            Err(error) => return report(answer, &error),
        };
        let mut outcome = Outcome::Done;
        if let Some(sql) = sql {
            let values = numbered(parameters.get(first..).unwrap_or_default());
            outcome = self.run(answer, &sql, &values, Done::InProcedure)?;
        }
        if outcome == Outcome::Done {
            let mut out = Out::default();
            token::write_status(&mut out);
            if let Some(sql) = keep {
                self.handles += 1;
                self.prepared.insert(self.handles, sql);
                token::write_handle(&mut out, self.handles);
            }
            answer.put(&out.0)?;
        }
        Ok(outcome)
    }

    fn prepared(&self, parameters: &[Parameter]) -> Result<(i32, String), SqlError> {
        let handle = match parameters.first().map(|parameter| &parameter.value) {
            Some(Value::Whole(handle)) => i32::try_from(*handle).unwrap_or(0),
            _ => 0,
        };
        let missing =
            || SqlError::new(8179, format!("Could not find prepared statement with handle {handle}."));
        self.prepared.get(&handle).map(|sql| (handle, sql.clone())).ok_or_else(missing)
    }
}

/// Parameters that came without names are @P1, @P2 and so on, as clients declare them.
fn numbered(parameters: &[Parameter]) -> Vec<Parameter> {
    let named = (1..).zip(parameters).map(|(number, parameter)| {
        let mut parameter = parameter.clone();
        if parameter.name.is_empty() {
            parameter.name = format!("@P{number}");
        }
        parameter
    });
    named.collect()
}

/// Writes an error without an end.
fn report(answer: &mut Answer<'_>, error: &SqlError) -> io::Result<Outcome> {
    let mut out = Out::default();
    error.write(&mut out, SERVER_NAME);
    answer.put(&out.0)?;
    Ok(Outcome::Failed)
}

/// Writes an error and, for what is no statement of a procedure, the end of the answer.
fn fail(answer: &mut Answer<'_>, error: &SqlError, end: Done) -> io::Result<Outcome> {
    report(answer, error)?;
    if end != Done::InProcedure {
        let mut out = Out::default();
        write_done(&mut out, end, done::ERROR, 0);
        answer.put(&out.0)?;
    }
    Ok(Outcome::Failed)
}

/// What goes wrong with one statement.
#[derive(Debug, Default)]
struct Step {
    error: Option<(SqlError, u64)>,
    cut_after_bytes: Option<usize>,
    cut_after_rows: Option<u64>,
    stall: Option<(u64, Duration)>,
    /// A table went after the statement had been understood.
    shape_changed: bool,
}

/// Rows on their way to the client.
struct Rows<'s, 'a> {
    shared: &'s Shared,
    answer: &'s mut Answer<'a>,
    columns: Vec<Column>,
    sent: u64,
    step: &'s mut Step,
}

impl Rows<'_, '_> {
    fn goes_wrong(&mut self) -> Result<(), Stop> {
        if self.step.cut_after_rows == Some(self.sent) {
            self.answer.cut()?;
        }
        if let Some((_, time)) = self.step.stall.take_if(|(rows, _)| *rows == self.sent) {
            self.answer.send_waiting()?;
            let until = Instant::now() + time;
            while Instant::now() < until && !self.shared.is_stopped() {
                thread::sleep(GLANCE);
            }
        }
        match self.step.error.take_if(|(_, rows)| *rows == self.sent) {
            Some((error, _)) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl Sink for Rows<'_, '_> {
    fn columns(&mut self, columns: Vec<Column>) -> Result<(), Stop> {
        let mut out = Out::default();
        write_columns(&mut out, &columns);
        self.columns = columns;
        self.answer.put(&out.0)?;
        self.goes_wrong()
    }

    fn row(&mut self, values: &[Value]) -> Result<(), Stop> {
        let mut out = Out::default();
        write_row(&mut out, &self.columns, values).map_err(|_| {
            SqlError::new(8114, "A value in the database behind the server is none of its column's type.")
        })?;
        self.answer.put(&out.0)?;
        self.sent += 1;
        self.goes_wrong()
    }
}
