//! The one door for output: data to stdout, talk to stderr, progress only on a terminal.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bron_mappings::{Diagnostic, Severity};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::args::Output;
use crate::diagnostics::render;
use crate::failure::Failure;

/// Prints, as the arguments asked.
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
    lost: AtomicBool,
}

impl Printer {
    pub(crate) const fn new(output: Output, quiet: bool) -> Self {
        Self { output, quiet, lost: AtomicBool::new(false) }
    }

    /// A line of talk.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            error_line(line);
        }
    }

    /// The result of a verb: the JSON document, or the text.
    pub(crate) fn result(&self, document: &Value, text: &str) {
        match self.output {
            Output::Json => {
                let document =
                    serde_json::to_string_pretty(document).expect("a JSON value can always be written");
                self.data_line(&document);
            }
            Output::Text => self.data_line(text.trim_end()),
        }
    }

    /// Whether a result could not be written. A closed pipe is the reader's choice and no loss.
    pub(crate) fn lost_results(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    fn data_line(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        let written = writeln!(out, "{text}").and_then(|()| out.flush());
        let lost = written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
        self.lost.fetch_or(lost, Ordering::SeqCst);
    }

    /// A failure, with everything that is wrong in the mapping files and what was done before it.
    pub(crate) fn failure(&self, failure: &Failure, texts: &dyn Fn(&str) -> Option<String>) {
        match self.output {
            Output::Json => {
                let diagnostics: Vec<Value> =
                    failure.diagnostics.iter().map(|one| diagnostic_json(one, texts)).collect();
                let mut document = json!({
                    "error": {
                        "message": failure.message,
                        "class": failure.class.name(),
                        "code": failure.exit.code(),
                        "hint": failure.hint,
                    },
                    "diagnostics": diagnostics,
                });
                if let Some(done) = &failure.done {
                    document["done"] = done.document.clone();
                }
                self.result(&document, "");
            }
            Output::Text => {
                for diagnostic in &failure.diagnostics {
                    error_line(&render(diagnostic, texts(&diagnostic.file).as_deref()));
                }
                if let Some(done) = &failure.done {
                    self.data_line(&done.text);
                }
            }
        }
        error_line(&format!("error: {}", failure.message));
        if let Some(hint) = &failure.hint {
            error_line(&format!("hint: {hint}"));
        }
    }

    /// Draws what a person should look at although nothing is wrong. A JSON document holds it itself.
    pub(crate) fn warnings(&self, diagnostics: &[Diagnostic], texts: &dyn Fn(&str) -> Option<String>) {
        match self.output {
            Output::Json => {}
            Output::Text => {
                for diagnostic in diagnostics {
                    self.say(&render(diagnostic, texts(&diagnostic.file).as_deref()));
                }
            }
        }
    }

    /// Shows that a stage is at work on so many steps. Nothing is shown when stderr is not a terminal.
    pub(crate) fn stage(&self, name: &str, steps: u64) -> Stage {
        let bar = if self.quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(steps).with_style(
                ProgressStyle::with_template("{prefix:<10} {bar:30} {pos}/{len}  {wide_msg}")
                    .expect("the template is one of indicatif's own form"),
            )
        };
        bar.set_prefix(name.to_owned());
        Stage { bar, under_way: Mutex::default() }
    }
}

/// The progress of one stage. It disappears when the stage is over.
pub(crate) struct Stage {
    bar: ProgressBar,
    under_way: Mutex<BTreeSet<String>>,
}

impl Stage {
    /// Names what is worked on.
    pub(crate) fn now(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Names one of several things that are worked on at the same time, for as long as the work lasts.
    pub(crate) fn during<T>(&self, what: &str, work: impl FnOnce() -> T) -> T {
        self.name(|names| names.insert(what.to_owned()));
        let done = work();
        self.name(|names| names.remove(what));
        done
    }

    fn name(&self, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
        let mut names = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut names);
        self.bar.set_message(names.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    }

    /// Takes the progress away for as long as something else is printed.
    pub(crate) fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// So much of the steps is done.
    pub(crate) fn at(&self, done: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(done);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

pub(crate) fn diagnostic_json(diagnostic: &Diagnostic, texts: &dyn Fn(&str) -> Option<String>) -> Value {
    let text = texts(&diagnostic.file).unwrap_or_default();
    let before = text.get(..diagnostic.span.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "code": diagnostic.code,
        "severity": severity,
        "file": diagnostic.file,
        "line": line,
        "column": column,
        "message": diagnostic.message,
        "help": diagnostic.help,
    })
}

fn error_line(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{text}");
}
