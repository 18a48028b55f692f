//! What a job may do: a closed list of verbs of the program.

/// The verbs that a job may run.
///
/// Each can be run again at any time without harm, and each is one that nobody has to answer for in person: what
/// people decide (accepting rows, signing, destroying keys, handing ownership over or back, closing the way back) is
/// never done because a clock says so.
pub const VERBS: [&str; 14] = [
    "audit checkpoint",
    "audit verify",
    "check",
    "doctor",
    "extract",
    "key list",
    "load",
    "mapping coverage",
    "migrate",
    "quarantine replay",
    "reconcile",
    "source drift",
    "target digest",
    "transform",
];

/// What a job runs: a verb of [`VERBS`] and its arguments. No shell reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    verb: &'static str,
    words: Vec<String>,
}

/// The arguments that whoever runs the job gives, and the job must not.
const GIVEN: [&str; 4] = ["--project", "--output", "--quiet", "-q"];

impl Work {
    /// Takes the words of a command line behind the program's name.
    ///
    /// # Errors
    /// When the first words are no verb of the list, or an argument is one that the job does not choose; in one line.
    pub fn new(words: Vec<String>) -> Result<Self, String> {
        let begins = |verb: &&str| verb.split(' ').zip(&words).filter(|(one, word)| one == word).count();
        let verb = VERBS.into_iter().find(|verb| begins(verb) == verb.split(' ').count());
        let Some(verb) = verb else {
            let known = VERBS.join(", ");
            return Err(format!("a job does not run `{}`; it runs one of: {known}", first(&words)));
        };
        let given = words.iter().find(|word| {
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            GIVEN.contains(&name)
        });
        match given {
            Some(given) => Err(format!("`{given}` is given by whoever runs the jobs")),
            None => Ok(Self { verb, words }),
        }
    }

    /// The verb.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        self.verb
    }

    /// The verb and its arguments, word by word.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

/// The words up to the first argument, for people.
fn first(words: &[String]) -> String {
    let verb = words.iter().take(2).take_while(|word| !word.starts_with('-'));
    verb.map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(text: &str) -> Result<Work, String> {
        Work::new(text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn only_verbs_of_the_list_are_run() {
        assert_eq!(work("reconcile --looks 3").unwrap().verb(), "reconcile");
        assert_eq!(work("audit verify").unwrap().words(), ["audit", "verify"]);
        for wrong in
            ["", "audit", "signoff sign", "key shred", "quarantine decide x", "sh -c ls", "dual-run switch"]
        {
            assert!(work(wrong).unwrap_err().starts_with("a job does not run"), "{wrong}");
        }
        assert!(work("key shred 1").unwrap_err().contains("`key shred`"));
    }

    #[test]
    fn a_job_does_not_choose_its_project_or_its_output() {
        for wrong in ["reconcile --project elsewhere", "check --output=json", "doctor -q"] {
            assert!(work(wrong).unwrap_err().contains("is given by whoever"), "{wrong}");
        }
    }
}
