//! What a harness was asked for, and how it ends.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result, Write as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

/// What a harness exits with when its command line was not understood.
const NOT_UNDERSTOOD: u8 = 64;

/// A command line: words, and options that take a value each.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What does not belong to an option, in order.
    pub words: Vec<String>,
    options: BTreeMap<String, Vec<String>>,
}

/// The error of a command line that is not understood.
pub fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, text.into())
}

/// The program `bron` that lies beside this one.
///
/// # Errors
/// When the system does not say where this program lies.
pub fn beside() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("bron"))
}

impl Asked {
    /// Reads a command line with these options, each named with its two dashes. An option may be given again.
    ///
    /// # Errors
    /// When there is another option, or one without a value.
    pub fn read(words: impl IntoIterator<Item = String>, options: &[&str]) -> Result<Self> {
        let mut asked = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                asked.words.push(word);
            } else if options.contains(&word.as_str()) {
                let value = words.next().ok_or_else(|| wrong(format!("{word} takes a value")))?;
                asked.options.entry(word).or_default().push(value);
            } else {
                return Err(wrong(format!("there is no {word}")));
            }
        }
        Ok(asked)
    }

    /// Every value of an option, in order.
    #[must_use]
    pub fn all(&self, option: &str) -> &[String] {
        self.options.get(option).map_or(&[], Vec::as_slice)
    }

    /// The last value of an option that is a number; `unless` when it is not given.
    ///
    /// # Errors
    /// When it is no number.
    pub fn number(&self, option: &str, unless: u64) -> Result<u64> {
        let Some(value) = self.all(option).last() else { return Ok(unless) };
        value.parse().map_err(|_| wrong(format!("{option} takes a number")))
    }

    /// The last value of an option that is a path.
    #[must_use]
    pub fn path(&self, option: &str) -> Option<PathBuf> {
        self.all(option).last().map(PathBuf::from)
    }
}

/// Tells what went wrong, with the usage when the command line did, and gives the exit code: 0 when all held, 1 when
/// something did not, 64 when the command line was not understood.
#[must_use]
pub fn answer(came_to: Result<bool>, usage: &str) -> ExitCode {
    match came_to {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let usage = if error.kind() == ErrorKind::InvalidInput { usage } else { "" };
            // Whoever closed the stream does not read it.
            drop(writeln!(stderr(), "error: {error}\n{usage}"));
            if usage.is_empty() { ExitCode::FAILURE } else { ExitCode::from(NOT_UNDERSTOOD) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked> {
        Asked::read(line.split(' ').map(str::to_owned), &["--seed", "--only"])
    }

    #[test]
    fn words_and_options_may_stand_in_any_order() {
        let asked = read("replay --only a kill --seed 3 --only b 7").unwrap();
        assert_eq!(asked.words, ["replay", "kill", "7"]);
        assert_eq!(asked.all("--only"), ["a", "b"]);
        assert_eq!(asked.number("--seed", 1).unwrap(), 3);
        assert_eq!(asked.number("--workers", 2).unwrap(), 2);
        assert_eq!(asked.path("--out"), None);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (line, said) in [("full --sead 3", "there is no --sead"), ("full --seed", "--seed takes a value")]
        {
            assert_eq!(read(line).unwrap_err().to_string(), said);
        }
        let asked = read("--seed three").unwrap();
        assert_eq!(asked.number("--seed", 1).unwrap_err().to_string(), "--seed takes a number");
    }
}
