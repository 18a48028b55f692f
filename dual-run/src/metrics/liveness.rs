//! Whether the bridge works.

use std::collections::BTreeMap;

use super::status::{Heartbeat, names};

names! {
    /// A stage of the bridge's work that gets on, or does not.
    Stage: 6 {
        /// Changes are asked for; an answer that there are none counts.
        Capture = "capture",
        /// Changes are written to the journal.
        Journal = "journal",
        /// Changes are applied to the follower.
        Apply = "apply",
        /// Canaries go round.
        Canary = "canary",
        /// Both worlds are compared.
        Compare = "compare",
        /// Jobs are looked at and their records written.
        Jobs = "jobs",
    }
}

/// Whether the bridge works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Every stage that is at work has got on in time.
    Alive,
    /// These have not.
    Stalled(Vec<Stage>),
}

/// Judges by when each stage last got on. A stage that never did has stalled; where no stage is at work, nothing has.
#[must_use]
pub fn judge(stages: &BTreeMap<Stage, Heartbeat>) -> Liveness {
    let has_stalled = |beat: &Heartbeat| beat.age.is_none_or(|age| age > beat.limit);
    let stalled: Vec<Stage> =
        stages.iter().filter(|(_, beat)| has_stalled(beat)).map(|(stage, _)| *stage).collect();
    if stalled.is_empty() { Liveness::Alive } else { Liveness::Stalled(stalled) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn beat(age: Option<u64>) -> Heartbeat {
        Heartbeat { age: age.map(Duration::from_secs), limit: Duration::from_secs(60) }
    }

    #[test]
    fn one_stage_that_stands_still_is_enough() {
        let mut stages = BTreeMap::from([(Stage::Capture, beat(Some(60))), (Stage::Jobs, beat(Some(0)))]);
        assert_eq!(judge(&stages), Liveness::Alive);
        stages.insert(Stage::Apply, beat(Some(61)));
        assert_eq!(judge(&stages), Liveness::Stalled(vec![Stage::Apply]));
        stages.insert(Stage::Canary, beat(None));
        assert_eq!(judge(&stages), Liveness::Stalled(vec![Stage::Apply, Stage::Canary]));
        assert_eq!(judge(&BTreeMap::new()), Liveness::Alive);
    }
}
