//! One check, and how all of them are told.

use serde_json::{Value, json};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Fine,
    /// Somebody should look at it; a run works all the same.
    Look,
    /// A run will fail.
    Fails,
    /// The check could not be made.
    Unknown,
}

impl Verdict {
    const fn sign(self) -> char {
        match self {
            Self::Fine => '✓',
            Self::Look => '!',
            Self::Fails => '✗',
            Self::Unknown => '?',
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Look => "look",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }
}

/// One check.
#[derive(Debug)]
pub(super) struct Check {
    area: String,
    subject: &'static str,
    pub(super) verdict: Verdict,
    found: String,
    advice: Option<String>,
}

impl Check {
    pub(super) fn json(&self) -> Value {
        let Self { area, subject, verdict, found, advice } = self;
        json!({ "area": area, "check": subject, "verdict": verdict.name(), "found": found, "advice": advice })
    }
}

/// The checks of one area: a source, the target, the project, the keys, the machine.
pub(super) struct Area<'a> {
    name: String,
    checks: &'a mut Vec<Check>,
}

impl<'a> Area<'a> {
    pub(super) fn new(name: impl Into<String>, checks: &'a mut Vec<Check>) -> Self {
        Self { name: name.into(), checks }
    }

    pub(super) fn fine(&mut self, subject: &'static str, found: impl Into<String>) {
        self.add(subject, Verdict::Fine, found.into(), None);
    }

    pub(super) fn look(
        &mut self,
        subject: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(subject, Verdict::Look, found.into(), Some(advice.into()));
    }

    pub(super) fn fails(
        &mut self,
        subject: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(subject, Verdict::Fails, found.into(), Some(advice.into()));
    }

    pub(super) fn unknown(&mut self, subject: &'static str, why: impl Into<String>) {
        self.add(subject, Verdict::Unknown, why.into(), None);
    }

    fn add(&mut self, subject: &'static str, verdict: Verdict, found: String, advice: Option<String>) {
        self.checks.push(Check { area: self.name.clone(), subject, verdict, found, advice });
    }
}

/// The checks for people: each area under its name, what to do under what was found.
pub(super) fn text(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    let mut area = "";
    for check in checks {
        if check.area != area {
            area = &check.area;
            lines.push(area.to_owned());
        }
        let Check { subject, verdict, found, advice, .. } = check;
        lines.push(format!("  {} {subject:<16} {found}", verdict.sign()));
        lines.extend(advice.iter().map(|advice| format!("    {:<16} → {advice}", "")));
    }
    let count = |verdict: Verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (fails, look, unknown) = (count(Verdict::Fails), count(Verdict::Look), count(Verdict::Unknown));
    lines.push(format!(
        "{} checks: {fails} will fail (✗), {look} to look at (!), {unknown} that could not be made (?)",
        checks.len()
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_under_what_was_found() {
        let mut checks = Vec::new();
        let mut area = Area::new("paraply", &mut checks);
        area.fine("reached", "h:1 in 2 ms");
        area.fails("let in", "the server does not let this user in", "look at the password");
        Area::new("keys", &mut checks).unknown("secret", "no file");
        let lines = [
            "paraply",
            "  ✓ reached          h:1 in 2 ms",
            "  ✗ let in           the server does not let this user in",
            "                     → look at the password",
            "keys",
            "  ? secret           no file",
            "3 checks: 1 will fail (✗), 0 to look at (!), 1 that could not be made (?)",
        ];
        assert_eq!(text(&checks), lines.join("\n"));
        assert_eq!(checks[1].json()["verdict"], "fails");
    }
}
