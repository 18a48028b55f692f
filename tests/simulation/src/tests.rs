//! The model and its broken variants; a seed and its run.

use std::collections::BTreeSet;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::{Protocol, Sabotage, Tally, Variant, run};

/// A seed in which nothing but the comparison of epochs keeps a stranger's word from being taken for the owner's: a
/// bridge that was not told of a switch finds it, and it comes to no write.
const NEEDS_EPOCHS: u64 = 350;
/// How many seeds are run here; the program of this crate runs as many as it is told.
const SEEDS: u64 = 200;

#[test]
fn worlds_come_to_rest_equal_whatever_breaks_meanwhile() {
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        match run(seed, Sabotage::None) {
            Ok(one) => tally.add(&one),
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(tally.switches > 0 && tally.reverts > 0, "{tally}");
    assert!(tally.kills > 0 && tally.delayed > 0 && tally.trespasses > 0, "{tally}");
}

#[test]
fn each_way_of_breaking_the_bridge_is_noticed() {
    for sabotage in Sabotage::ALL {
        let is_noticed = [NEEDS_EPOCHS].into_iter().chain(0..SEEDS).any(|seed| run(seed, sabotage).is_err());
        assert!(is_noticed, "{sabotage:?} goes unnoticed");
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 0..20 {
        assert_eq!(run(seed, Sabotage::None), run(seed, Sabotage::None));
    }
}

/// How many states there are, and which properties have a discovery; with `until`, only until that one has.
fn checked(variant: Variant, until: Option<&'static str>) -> (usize, Vec<&'static str>) {
    let protocol = Protocol { variant, writes: 3, handovers: 2 };
    let until = until.map_or(HasDiscoveries::All, |name| HasDiscoveries::AnyOf(BTreeSet::from([name])));
    let checker = protocol.checker().threads(2).finish_when(until).spawn_bfs().join();
    let mut found: Vec<&str> = checker.discoveries().into_keys().collect();
    found.sort_unstable();
    (checker.unique_state_count(), found)
}

#[test]
fn every_state_of_the_protocol_is_visited_and_none_breaks_it() {
    let (states, found) = checked(Variant::Right, None);
    assert_eq!(found, ["a scope comes back"], "of {states} states");
    assert!(states > 10_000, "{states}");
}

#[test]
fn each_way_of_breaking_the_protocol_has_a_counterexample() {
    for (variant, broken) in [
        (Variant::SplitCopy, "at rest both worlds hold what was written"),
        (Variant::NoEpochCheck, "at rest both worlds hold what was written"),
        (Variant::OldComparison, "no gate is bypassed"),
        (Variant::NoDrain, "no acknowledged write is lost"),
    ] {
        let (_, found) = checked(variant, Some(broken));
        assert!(found.contains(&broken), "{variant:?}: {found:?}");
    }
}
