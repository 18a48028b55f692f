use super::*;

pub(crate) fn scope_status(phase: Phase) -> ScopeStatus {
    ScopeStatus {
        phase,
        ownership: Ownership::original(),
        iteration: 0,
        gates: BTreeMap::new(),
        parked: 0,
        conflicts: BTreeMap::new(),
        mismatches: BTreeMap::new(),
        way_back: WayBack::Closed(NoWayBack::NotReversing),
        in_reverse: None,
    }
}

fn gates(age: Option<u64>, is_open: bool) -> BTreeMap<Gate, GateStatus> {
    let limit = Duration::from_secs(86_400);
    let status = GateStatus { is_open, age: age.map(Duration::from_secs), limit };
    Gate::ALL.into_iter().map(|gate| (gate, status)).collect()
}

#[test]
fn a_gate_lets_through_only_what_is_open_and_fresh() {
    for (age, is_open, through) in
        [(Some(3600), true, true), (Some(86_401), true, false), (None, true, false), (Some(0), false, false)]
    {
        assert_eq!(gates(age, is_open)[&Gate::Lag].lets_through(), through, "{age:?} {is_open}");
    }
}

#[test]
fn what_comes_next_follows_from_phase_gates_and_way_back() {
    let next = |phase, age, parked, way_back| {
        let status = ScopeStatus { gates: gates(age, true), parked, way_back, ..scope_status(phase) };
        status.next_action()
    };
    let closed = WayBack::Closed(NoWayBack::CanaryFailed);
    for (phase, age, parked, way_back, wanted) in [
        (Phase::Planned, None, 0, closed, Some(NextAction::Seed)),
        (Phase::Following, None, 3, closed, Some(NextAction::DecideParked)),
        (Phase::Shadowing, Some(1), 0, closed, Some(NextAction::Arm)),
        (Phase::Armed, Some(1), 0, closed, Some(NextAction::Switch)),
        (Phase::Armed, Some(90_000), 0, closed, Some(NextAction::OpenGates)),
        (Phase::Reversing, Some(1), 0, WayBack::Open, Some(NextAction::Run)),
        (Phase::Reversing, Some(1), 0, closed, Some(NextAction::MendWayBack)),
        (Phase::Halted(HaltReason::Operator), Some(1), 0, closed, Some(NextAction::Resume)),
        (Phase::Finalized, Some(1), 0, closed, None),
    ] {
        assert_eq!(next(phase, age, parked, way_back), wanted, "{phase:?}");
    }
    let ungated = ScopeStatus { gates: BTreeMap::new(), ..scope_status(Phase::Armed) };
    assert_eq!(ungated.next_action(), Some(NextAction::OpenGates), "no gate is no open gate");
}

#[test]
fn the_document_says_why_there_is_no_way_back() {
    let scope = Scope::parse("EB/SDN03/myndighet").unwrap();
    let status = ScopeStatus {
        in_reverse: Some(Duration::from_secs(200_000)),
        way_back: WayBack::Closed(NoWayBack::CanaryStale),
        ..scope_status(Phase::Reversing)
    };
    let bridge = BridgeStatus { scopes: BTreeMap::from([(scope, status)]), ..BridgeStatus::default() };
    let document = &bridge.document()["scopes"][0];
    assert_eq!(document["rollback_available"], false);
    assert_eq!(document["rollback_unavailable_because"], "canary_stale");
    assert_eq!(
        (&document["days_in_reverse"], &document["next_action"]),
        (&json!(2), &json!("mend_way_back"))
    );
}

#[test]
fn a_status_that_nobody_renews_stalls() {
    let beat = Heartbeat { age: Some(Duration::from_secs(1)), limit: Duration::from_secs(60) };
    let bridge = BridgeStatus { stages: [(Stage::Jobs, beat)].into(), ..BridgeStatus::default() };
    assert_eq!(bridge.clone().aged(Duration::from_secs(59)).liveness(), Liveness::Alive);
    assert_eq!(bridge.aged(Duration::from_secs(60)).liveness(), Liveness::Stalled(vec![Stage::Jobs]));
}
