//! The twelve gates before a switch.
//!
//! A gate is open when it was measured, the measure was good, and the measure is fresh. Eleven are measured; the
//! twelfth is people: one signature per role over the digest of the readings that the scope was armed with. Nothing
//! here opens a gate by waiting, and old evidence closes one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bron_mappings::{Digest, DigestBuilder};
use jiff::{SignedDuration, Timestamp};

/// A gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// G1: the follower is hardly behind, and what remains is known.
    Lag,
    /// G2: the source keeps its changes long enough for the longest outage that is planned for.
    Headroom,
    /// G3: nothing is parked, or what is parked is waived.
    Quarantine,
    /// G4: the last full reconciliation found nothing unexplained.
    Reconciled,
    /// G5: so did every continuous one since.
    ContinuouslyReconciled,
    /// G6: nobody but the bridge has written to the follower.
    ForeignWrites,
    /// G7: the schemas are those that the scope was armed with.
    Schema,
    /// G8: the business has accepted the list of fields that are lost.
    LossyFields,
    /// G9: a canary went the way back and was seen.
    ReverseCanary,
    /// G10: the fence holds, at the level that is recorded.
    Fence,
    /// G11: the ranges of ids on both sides are apart.
    IdRanges,
    /// G12: verksamhet, drift and informationssäkerhet have signed.
    Signatures,
}

impl Gate {
    /// All gates, in their order.
    pub const ALL: [Self; 12] = [
        Self::Lag,
        Self::Headroom,
        Self::Quarantine,
        Self::Reconciled,
        Self::ContinuouslyReconciled,
        Self::ForeignWrites,
        Self::Schema,
        Self::LossyFields,
        Self::ReverseCanary,
        Self::Fence,
        Self::IdRanges,
        Self::Signatures,
    ];

    /// The number that people use: `G1` to `G12`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Lag => "G1",
            Self::Headroom => "G2",
            Self::Quarantine => "G3",
            Self::Reconciled => "G4",
            Self::ContinuouslyReconciled => "G5",
            Self::ForeignWrites => "G6",
            Self::Schema => "G7",
            Self::LossyFields => "G8",
            Self::ReverseCanary => "G9",
            Self::Fence => "G10",
            Self::IdRanges => "G11",
            Self::Signatures => "G12",
        }
    }

    /// The gate of a number.
    #[must_use]
    pub fn named(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.id() == id)
    }

    /// How old a reading may be. A gate that a moment can close must have been read a moment ago; an acceptance holds
    /// as long as what was accepted.
    #[must_use]
    pub const fn fresh_for(self) -> SignedDuration {
        match self {
            Self::Lag | Self::Headroom | Self::Quarantine | Self::ForeignWrites | Self::Schema => {
                SignedDuration::from_mins(15)
            }
            Self::ReverseCanary => SignedDuration::from_hours(1),
            Self::Reconciled
            | Self::ContinuouslyReconciled
            | Self::Fence
            | Self::IdRanges
            | Self::Signatures => SignedDuration::from_hours(24),
            Self::LossyFields => SignedDuration::from_hours(24 * 90),
        }
    }

    /// Whether a red reading of the gate can be waived by a person.
    #[must_use]
    pub const fn can_be_waived(self) -> bool {
        matches!(self, Self::Quarantine)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What a measure said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Good.
    Green,
    /// Not good.
    Red,
}

/// A person's word that a red gate may be passed until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Who gave it.
    pub person: String,
    /// Why.
    pub reason: String,
    /// Until when it holds.
    pub until: Timestamp,
}

/// One measure of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it said.
    pub verdict: Verdict,
    /// The measured value as people read it: `0 of 14 211 rows`. No value of a row.
    pub measured: String,
    /// The digest of what it was concluded from.
    pub evidence: Digest,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The waiver of a red reading.
    pub waiver: Option<Waiver>,
}

/// Who must sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Verksamhet: the business that works with the records.
    Verksamhet,
    /// Drift: operations.
    Drift,
    /// Informationssäkerhet: information security.
    Informationssakerhet,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Verksamhet, Self::Drift, Self::Informationssakerhet];

    /// The name that stores and the command line use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verksamhet => "verksamhet",
            Self::Drift => "drift",
            Self::Informationssakerhet => "informationssakerhet",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A person's signature over the readings that a scope was armed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// For which role. A person signs for one role only.
    pub role: Role,
    /// Who.
    pub person: String,
    /// What was signed: [`Board::evidence`] at the time.
    pub over: Digest,
    /// When.
    pub at: Timestamp,
}

/// Why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It was never measured.
    Missing,
    /// The last measure was not good, and no waiver holds.
    Red {
        /// What was measured.
        measured: String,
    },
    /// The last measure is too old, or lies in the future.
    Stale {
        /// When it was taken.
        taken_at: Timestamp,
    },
    /// Nobody has signed for a role.
    Unsigned(Role),
    /// The signature for a role is over other readings, or too old.
    SignedOther(Role),
    /// One person has signed for two roles: this one and another.
    SamePerson(Role),
}

/// The last readings of the measured gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board(BTreeMap<Gate, Reading>);

impl Board {
    /// Takes a reading. A reading that is older than the one that stands is left out, and signatures are no measure.
    pub fn take(&mut self, gate: Gate, reading: Reading) {
        let is_later = self.0.get(&gate).is_none_or(|standing| standing.taken_at <= reading.taken_at);
        if gate != Gate::Signatures && is_later {
            self.0.insert(gate, reading);
        }
    }

    /// The last reading of a gate.
    #[must_use]
    pub fn reading(&self, gate: Gate) -> Option<&Reading> {
        self.0.get(&gate)
    }

    /// Forgets what was measured of the content: after a halt nothing of it holds any more, however fresh it is,
    /// because changes may have been missed.
    pub fn forget_comparisons(&mut self) {
        let compared = [Gate::Lag, Gate::Reconciled, Gate::ContinuouslyReconciled, Gate::ForeignWrites];
        self.0.retain(|gate, _| !compared.contains(gate));
    }

    /// The digest of all readings, G1 to G11: what is signed. It is kept with the scope when it is armed; later
    /// readings must be good and fresh, and need no new signatures.
    #[must_use]
    pub fn evidence(&self) -> Digest {
        let mut builder = DigestBuilder::new("dual-run gates 1");
        for (gate, reading) in &self.0 {
            let verdict: &[u8] = match reading.verdict {
                Verdict::Green => b"green",
                Verdict::Red => b"red",
            };
            builder.part(gate.id().as_bytes()).part(verdict).part(reading.measured.as_bytes());
            builder.part(reading.evidence.as_bytes()).part(reading.taken_at.to_string().as_bytes());
            if let Some(waiver) = &reading.waiver {
                builder.part(waiver.person.as_bytes()).part(waiver.reason.as_bytes());
                builder.part(waiver.until.to_string().as_bytes());
            }
        }
        builder.finish()
    }

    /// What is between the scope and a switch at `now`: nothing, when every gate is open. `armed` is the evidence that
    /// the scope was armed with.
    #[must_use]
    pub fn obstacles(
        &self,
        armed: Digest,
        signatures: &[Signature],
        now: Timestamp,
    ) -> Vec<(Gate, Obstacle)> {
        let mut obstacles = self.unmeasured(now);
        obstacles.extend(unsigned(armed, signatures, now).map(|obstacle| (Gate::Signatures, obstacle)));
        obstacles
    }

    /// What is wrong with the measured gates, G1 to G11: what keeps a scope from being armed, and disarms it.
    #[must_use]
    pub fn unmeasured(&self, now: Timestamp) -> Vec<(Gate, Obstacle)> {
        let measured = Gate::ALL.into_iter().filter(|gate| *gate != Gate::Signatures);
        measured.filter_map(|gate| Some((gate, self.obstacle(gate, now)?))).collect()
    }

    fn obstacle(&self, gate: Gate, now: Timestamp) -> Option<Obstacle> {
        let Some(reading) = self.0.get(&gate) else {
            return Some(Obstacle::Missing);
        };
        if !is_fresh(reading.taken_at, gate, now) {
            return Some(Obstacle::Stale { taken_at: reading.taken_at });
        }
        let waived = reading.waiver.as_ref().is_some_and(|waiver| gate.can_be_waived() && now < waiver.until);
        let is_open = reading.verdict == Verdict::Green || waived;
        (!is_open).then(|| Obstacle::Red { measured: reading.measured.clone() })
    }
}

fn is_fresh(taken_at: Timestamp, gate: Gate, now: Timestamp) -> bool {
    taken_at <= now && now.duration_since(taken_at) <= gate.fresh_for()
}

fn unsigned(
    armed: Digest,
    signatures: &[Signature],
    now: Timestamp,
) -> impl Iterator<Item = Obstacle> + use<'_> {
    let mut persons = BTreeSet::new();
    Role::ALL.into_iter().filter_map(move |role| {
        let mut of_role = signatures.iter().filter(|signature| signature.role == role).peekable();
        if of_role.peek().is_none() {
            return Some(Obstacle::Unsigned(role));
        }
        let holds =
            |signature: &&Signature| signature.over == armed && is_fresh(signature.at, Gate::Signatures, now);
        let Some(signature) = of_role.find(holds) else {
            return Some(Obstacle::SignedOther(role));
        };
        (!persons.insert(signature.person.as_str())).then_some(Obstacle::SamePerson(role))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn reading(verdict: Verdict, minutes: i64) -> Reading {
        let evidence = Digest::of(b"evidence");
        Reading { verdict, measured: "0 rows".to_owned(), evidence, taken_at: at(minutes), waiver: None }
    }

    fn green() -> Board {
        let mut board = Board::default();
        for gate in Gate::ALL {
            board.take(gate, reading(Verdict::Green, 0));
        }
        board
    }

    fn signed(over: Digest) -> Vec<Signature> {
        let by = |role: Role| Signature { role, person: role.name().to_owned(), over, at: at(0) };
        Role::ALL.into_iter().map(by).collect()
    }

    #[test]
    fn twelve_fresh_and_signed_gates_are_open() {
        let board = green();
        assert_eq!(board.obstacles(board.evidence(), &signed(board.evidence()), at(1)), []);
        assert!(Gate::ALL.iter().all(|gate| Gate::named(gate.id()) == Some(*gate)));
    }

    #[test]
    fn old_evidence_closes_a_gate_as_bad_evidence_does() {
        let mut board = green();
        assert_eq!(board.unmeasured(at(16)).len(), 5);
        board.take(Gate::Lag, reading(Verdict::Red, 10));
        assert_eq!(board.unmeasured(at(11)), [(Gate::Lag, Obstacle::Red { measured: "0 rows".to_owned() })]);
        board.take(Gate::Lag, reading(Verdict::Green, 9));
        assert_eq!(board.unmeasured(at(11)).len(), 1, "an older reading does not take the place of a later");
        assert_eq!(board.unmeasured(at(-1)).len(), 11, "a reading from the future is worth nothing");
    }

    #[test]
    fn only_parked_rows_can_be_waived_and_only_until_their_day() {
        let waiver = Waiver { person: "A".to_owned(), reason: "avvikelse".to_owned(), until: at(5) };
        let waived = Reading { waiver: Some(waiver), ..reading(Verdict::Red, 1) };
        let mut board = green();
        board.take(Gate::Quarantine, waived.clone());
        assert_eq!(board.unmeasured(at(4)), []);
        assert_eq!(board.unmeasured(at(5)).len(), 1);
        board.take(Gate::Reconciled, waived);
        assert_eq!(board.unmeasured(at(4)).len(), 1);
    }

    #[test]
    fn signatures_are_over_what_the_scope_was_armed_with_by_three_persons() {
        let board = green();
        let armed = board.evidence();
        let obstacles = |signatures: &[Signature], minutes| {
            let found = board.obstacles(armed, signatures, at(minutes)).into_iter();
            found.filter(|(gate, _)| *gate == Gate::Signatures).map(|(_, why)| why).collect::<Vec<_>>()
        };
        assert_eq!(obstacles(&[], 1).len(), 3);
        let mut signatures = signed(armed);
        signatures[1].over = Digest::of(b"other");
        assert_eq!(obstacles(&signatures, 1), [Obstacle::SignedOther(Role::Drift)]);
        signatures[1] = Signature { over: armed, person: "verksamhet".to_owned(), ..signatures[1].clone() };
        assert_eq!(obstacles(&signatures, 1), [Obstacle::SamePerson(Role::Drift)]);
        assert_eq!(obstacles(&signed(armed), 25 * 60).len(), 3, "a signature ages too");
    }

    #[test]
    fn a_halt_takes_comparisons_away() {
        let mut board = green();
        let before = board.evidence();
        board.forget_comparisons();
        assert_eq!(board.unmeasured(at(1)).len(), 4);
        assert_ne!(board.evidence(), before);
    }
}
