//! Errors: codes, and the operation that was called.

use super::Rule;
use super::stage::{Stage, State, Store, TESTER, count, equal, everything, open, refused, roomy, seen, set};
use anyhow::{Result, ensure};
use plugbay_state::{Change, Code, Comparison, Condition, Operation, Options, Owner, Range, StateError};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.4"], "a bad key is invalid-input of the operation that was called", |stage| Box::pin(bad_keys(stage))),
    Rule::new(&["2.4"], "a bad key changes nothing", |stage| Box::pin(nothing_changes(stage))),
    Rule::new(&["2.4", "2.9"], "after close every operation says unavailable and its own name", |stage| Box::pin(closed(stage))),
    Rule::new(&["2.4"], "people see the code and the operation", |stage| Box::pin(shown(stage))),
    Rule::new(&["2.4"], "no error shows a value", |stage| Box::pin(no_values(stage))),
    Rule::new(&["2.4"], "an owner's id has a syntax", |_| Box::pin(owners())),
    Rule::new(&["2.4"], "limits over their ceilings don't open", |stage| Box::pin(ceilings(stage))),
];

type Outcome = (Operation, Result<(), StateError>);

/// Every operation that takes a key.
async fn with_key(rows: &Store, key: &str, token: &Comparison, condition: Condition) -> Vec<Outcome> {
    vec![
        (Operation::Register, rows.register(key, "1".into(), None).await),
        (Operation::RegisterIfAbsent, rows.register_if_absent(key, "1".into(), None).await.map(drop)),
        (Operation::Lookup, rows.lookup(key).await.map(drop)),
        (Operation::LookupMany, rows.lookup_many(&["k".into(), key.into()]).await.map(drop)),
        (Operation::Consume, rows.consume(key).await.map(drop)),
        (Operation::Delete, rows.delete(key).await.map(drop)),
        (Operation::Observe, rows.observe(key).await.map(drop)),
        (Operation::CompareAndApply, rows.compare_and_apply(key, token, Change::Keep, &[]).await.map(drop)),
        (Operation::CompareAndApply, rows.compare_and_apply("k", token, set("1"), &[condition]).await.map(drop)),
        (Operation::DeleteIfEqual, rows.delete_if_equal(key, "1").await.map(drop)),
    ]
}

/// Every operation without one.
async fn without_key(state: &State, rows: &Store) -> Result<Vec<Outcome>> {
    let owner = Owner::new(TESTER)?;
    Ok(vec![
        (Operation::Entries, rows.entries().await.map(drop)),
        (Operation::Range, rows.range(Range::first(1)).await.map(drop)),
        (Operation::Count, rows.count().await.map(drop)),
        (Operation::Clear, rows.clear().await),
        (Operation::Open, state.open(&owner, "rows", Options::up_to(100_000)).await.map(drop)),
        (Operation::Open, state.open(&owner, "other", Options::up_to(1)).await.map(drop)),
        (Operation::Sweep, state.sweep().await.map(drop)),
        (Operation::Usage, state.usage().await.map(drop)),
        (Operation::Export, state.export(None, count(1)?).await.map(drop)),
        (Operation::Purge, state.purge(&owner).await.map(drop)),
    ])
}

fn all_refused(what: &str, outcomes: Vec<Outcome>, code: Code) -> Result<()> {
    outcomes.into_iter().try_for_each(|(operation, outcome)| refused(what, outcome, code, operation).map(drop))
}

async fn bad_keys(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let token = seen(&rows, "k").await?;
    for key in ["", " \t", &"k".repeat(513)] {
        let condition = Condition { namespace: "rows".into(), key: key.into(), comparison: token.clone() };
        all_refused("a bad key", with_key(&rows, key, &token, condition).await, Code::InvalidInput)?;
    }
    let condition = Condition { namespace: "no namespace".into(), key: "k".into(), comparison: token.clone() };
    let outcome = rows.compare_and_apply("k", &token, set("1"), &[condition]).await;
    refused("a bad namespace", outcome, Code::InvalidInput, Operation::CompareAndApply).map(drop)
}

async fn nothing_changes(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, "rows").await?;
    super::stage::put(&rows, "k", "1").await?;
    let (before, token) = (everything(&state).await?, seen(&rows, "k").await?);
    let condition = Condition { namespace: "rows".into(), key: " ".into(), comparison: token.clone() };
    with_key(&rows, " ", &token, condition).await;
    equal("rows", everything(&state).await?, before)
}

async fn closed(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, "rows").await?;
    let token = seen(&rows, "k").await?;
    state.close().await;
    let condition = Condition { namespace: "rows".into(), key: "k".into(), comparison: token.clone() };
    all_refused("closed", with_key(&rows, "k", &token, condition).await, Code::Unavailable)?;
    all_refused("closed", without_key(&state, &rows).await?, Code::Unavailable)?;
    let probe = state.probe().await;
    ensure!(!probe.is_ok(), "a probe of what is closed succeeded: {probe:?}");
    Ok(())
}

async fn shown(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    for (outcome, start) in [
        (rows.lookup("").await.map(drop), "PLUGIN_STATE_INVALID_INPUT (lookup): "),
        (
            rows.register_if_absent("k", super::stage::text(65_537), None).await.map(drop),
            "PLUGIN_STATE_LIMIT_EXCEEDED (register-if-absent): ",
        ),
    ] {
        let told = outcome.err().map(|error| error.to_string()).unwrap_or_default();
        ensure!(told.starts_with(start) && told.len() > start.len(), "expected {start:?} and more, got {told:?}");
    }
    Ok(())
}

async fn no_values(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(1).overflow(plugbay_state::Overflow::RejectNew)).await?;
    let secret = "\"hunter2\"";
    super::stage::put(&rows, "k", secret).await?;
    let token = seen(&rows, "k").await?;
    let outcomes = [
        rows.register("new", secret.into(), None).await,
        rows.register("k", secret.into(), Some(0)).await,
        rows.register("k", format!("[{secret}, hunter2]"), None).await,
        rows.register("k", format!("[{secret}, \"{}\"]", "x".repeat(65_536)), None).await,
        rows.compare_and_apply("new", &token, set(secret), &[]).await.map(drop),
        rows.delete_if_equal("k", "[\"hunter2\"]").await.map(drop),
        rows.delete_if_equal("k", "hunter2").await.map(drop),
    ];
    for outcome in outcomes {
        let told = format!("{:?}", outcome.err());
        ensure!(told != "None" && !told.contains("hunter2"), "{told}");
    }
    Ok(())
}

async fn owners() -> Result<()> {
    for id in ["a", "a-b.c_d", "7", &"o".repeat(128)] {
        equal("id", Owner::new(id)?.as_str(), id)?;
    }
    for id in ["", "$core", "-a", "a b", "ä", &"o".repeat(129)] {
        refused(id, Owner::new(id), Code::InvalidInput, Operation::Open)?;
    }
    Ok(())
}

async fn ceilings(stage: &Stage) -> Result<()> {
    use plugbay_state::StateLimits;
    let highest = StateLimits { value: count(1 << 20)?, rows: count(50_000)?, ..StateLimits::default() };
    let over = [StateLimits { value: count((1 << 20) + 1)?, ..highest.clone() }, StateLimits { rows: count(50_001)?, ..highest.clone() }];
    for limits in over {
        refused("over the ceiling", stage.try_open(limits, stage.clock.clone()), Code::InvalidInput, Operation::Open)?;
    }
    let rows = open(&stage.state_with(highest)?, TESTER, "rows", Options::up_to(1)).await?;
    rows.register("k", super::stage::text(1 << 20), None).await?;
    let more = rows.register("k", super::stage::text((1 << 20) + 1), None).await;
    refused("1 MiB and a byte", more, Code::LimitExceeded, Operation::Register).map(drop)
}
