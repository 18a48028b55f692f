//! Putting the triggers there, taking them away, and seeing whether they are.

use std::collections::BTreeMap;
use std::fmt;

use super::TriggerLog;
use super::poll::{Known, image_of, required};
use super::sql::{Statements, Traced, Trigger};
use crate::capture::session::{Dialect, Session, TextRow};
use crate::error::{ErrorKind, Result};

/// Something about the log that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What sort of thing.
    pub kind: FindingKind,
    /// The table; `None` for the log itself.
    pub table: Option<String>,
    /// What it is about: a trigger, an index, a constraint.
    pub subject: String,
}

/// The sorts of findings, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// Something is not there, or is disabled: changes are lost.
    Missing,
    /// A trigger is not the one for the present columns, or of another version.
    Outdated,
    /// Rows of the table can be changed without a trigger firing; a sweep of the keys finds them.
    Unseen,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "table {table}: ")?;
        }
        match self.kind {
            FindingKind::Missing => write!(f, "{} is not there or is disabled", self.subject),
            FindingKind::Outdated => write!(f, "{} is not the one for the present columns", self.subject),
            FindingKind::Unseen => write!(f, "rows may be changed unseen because of {}", self.subject),
        }
    }
}

/// What is wrong with the triggers that tables must have.
pub(super) fn missing(
    session: &mut Session,
    statements: &Statements,
    triggers: &[(String, Trigger)],
) -> Result<Vec<Finding>> {
    let rows = session.rows(&statements.installed())?;
    let text = |index, row: &TextRow| row.text(index).unwrap_or_default().to_owned();
    let installed: BTreeMap<String, String> = rows.iter().map(|row| (text(0, row), text(1, row))).collect();
    let mut findings = Vec::new();
    for (table, trigger) in triggers {
        let kind = match installed.get(&trigger.name) {
            None => FindingKind::Missing,
            Some(found) if *found == trigger.definition => continue,
            // Of a trigger of PostgreSQL that is disabled everything else may be right.
            Some(found) if statements.is_disabled(found) => FindingKind::Missing,
            Some(_) => FindingKind::Outdated,
        };
        let subject = format!("trigger {}", trigger.name);
        findings.push(Finding { kind, table: Some(table.clone()), subject });
    }
    findings.sort();
    Ok(findings)
}

impl TriggerLog {
    /// The statements that [`TriggerLog::install`] runs, in their order: what a person reads first.
    ///
    /// # Errors
    /// When the database cannot be asked; [`ErrorKind::Drift`] when a table is not there.
    pub fn install_plan(&mut self) -> Result<Vec<String>> {
        let statements = self.statements();
        let mut plan = statements.create_log();
        for table in self.tables.values() {
            let Some(image) = image_of(&mut self.session, table)? else {
                let problem = format!("table {} is not there", table.name);
                return Err(self.session.error(ErrorKind::Drift, &problem));
            };
            plan.extend(statements.trace(&Traced { name: &table.name, image: &image }));
        }
        Ok(plan)
    }

    /// Makes the log and the triggers, those of an earlier version anew; in one transaction, but for MySQL and MariaDB.
    /// The user must be allowed to make tables and triggers. Whoever writes to the tables afterwards needs no right to
    /// the log.
    ///
    /// # Errors
    /// As [`TriggerLog::install_plan`], and when a statement is refused.
    pub fn install(&mut self) -> Result<()> {
        let plan = self.install_plan()?;
        self.execute(&plan)
    }

    /// The statements that [`TriggerLog::remove`] runs.
    #[must_use]
    pub fn remove_plan(&self) -> Vec<String> {
        let statements = self.statements();
        let triggers = self.tables.keys().flat_map(|table| statements.untrace(table));
        triggers.chain(statements.drop_log()).collect()
    }

    /// Removes the triggers of the captured tables, and the log with all that it holds.
    ///
    /// # Errors
    /// When a statement is refused.
    pub fn remove(&mut self) -> Result<()> {
        let plan = self.remove_plan();
        self.execute(&plan)
    }

    fn execute(&self, plan: &[String]) -> Result<()> {
        let mut session = Session::new(&self.access, true)?;
        session.in_transaction(|session| plan.iter().try_for_each(|statement| session.run(statement)))
    }

    /// What is missing, outdated or not seen, the gravest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn check(&mut self) -> Result<Vec<Finding>> {
        let statements = self.statements();
        let finding = |kind, table: Option<&str>, subject: String| Finding {
            kind,
            table: table.map(str::to_owned),
            subject,
        };
        if self.session.row(&statements.exists())?.number(0) == Some(0) {
            return Ok(vec![finding(FindingKind::Missing, None, "the change log".to_owned())]);
        }
        let (mut known, mut findings) = (Vec::new(), Vec::new());
        for table in self.tables.values() {
            match image_of(&mut self.session, table)? {
                Some(image) => known.push(Known { table: table.clone(), image }),
                None => {
                    findings.push(finding(FindingKind::Missing, Some(&table.name), "the table".to_owned()));
                }
            }
        }
        findings.extend(missing(&mut self.session, &statements, &required(&statements, &known))?);
        findings.extend(self.learn_unseen()?);
        findings.sort();
        Ok(findings)
    }

    /// What changes rows of the captured tables without a trigger firing. The guarantees of the tables rest on it.
    pub(super) fn learn_unseen(&mut self) -> Result<Vec<Finding>> {
        let question = self.statements().unseen();
        let rows = question.map(|question| self.session.rows(question)).transpose()?.unwrap_or_default();
        let what = match self.session.dialect() {
            Dialect::Sqlite => "INSERT OR REPLACE and the unique index",
            Dialect::Postgres | Dialect::Mysql => "the reference",
        };
        let mut findings = Vec::new();
        for row in &rows {
            if let (Some(table), Some(subject)) = (row.text(0), row.text(1))
                && self.tables.contains_key(table)
            {
                let (table, subject) = (Some(table.to_owned()), format!("{what} {subject}"));
                findings.push(Finding { kind: FindingKind::Unseen, table, subject });
            }
        }
        self.unseen = Some(findings.iter().filter_map(|finding| finding.table.clone()).collect());
        Ok(findings)
    }
}
