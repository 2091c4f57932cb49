//! Limits of one call: bytes, depth, ttl, keys.

use super::Rule;
use super::stage::{Stage, Store, equal, everything, holds, put, refused, roomy, seen, set, text};
use anyhow::{Result, ensure};
use plugbay_state::{Change, Code, Condition, Limit, MAX_TIME, Operation, Options, StateError};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.3", "2.10", "21.1"], "a value has 65,536 bytes at most", |stage| Box::pin(value_bytes(stage))),
    Rule::new(&["2.3", "21.1"], "a value's bytes are counted in UTF-8", |stage| Box::pin(value_letters(stage))),
    Rule::new(&["2.3", "21.1"], "a key has 512 bytes at most, counted in UTF-8 after trimming", |stage| Box::pin(key_bytes(stage))),
    Rule::new(&["2.3"], "a key isn't blank", |stage| Box::pin(blank_keys(stage))),
    Rule::new(&["2.3"], "a value nests 64 deep at most", |stage| Box::pin(depth(stage))),
    Rule::new(&["2.3"], "a value is JSON, of finite numbers", |stage| Box::pin(json(stage))),
    Rule::new(&["2.3", "2.10"], "a ttl is 1 at least", |stage| Box::pin(ttl_zero(stage))),
    Rule::new(&["2.3"], "a ttl that ends later than time can be told is refused", |stage| Box::pin(ttl_beyond(stage))),
    Rule::new(&["2.2 lookup-many", "2.3"], "lookup-many takes 10,000 keys", |stage| Box::pin(ten_thousand(stage))),
    Rule::new(&["2.2 lookup-many", "2.3"], "lookup-many refuses 10,001 keys and bad ones before it reads", |stage| {
        Box::pin(before_any_read(stage))
    }),
    Rule::new(&["2.3", "2.7"], "compare-and-apply refuses 10,001 conditions", |stage| Box::pin(conditions(stage))),
];

/// Every way of writing a value.
async fn writes(rows: &Store, key: &str, value: &str, ttl: Option<u64>) -> Result<Vec<(Operation, Result<(), StateError>)>> {
    let token = seen(rows, "absent").await?;
    let change = Change::Set { value: value.into(), ttl };
    Ok(vec![
        (Operation::Register, rows.register(key, value.into(), ttl).await),
        (Operation::RegisterIfAbsent, rows.register_if_absent(key, value.into(), ttl).await.map(drop)),
        (Operation::CompareAndApply, rows.compare_and_apply("absent", &token, change, &[]).await.map(drop)),
    ])
}

/// Checks that a value is refused however it is written, and that nothing is written.
async fn unwelcome(stage: &Stage, value: &str, ttl: Option<u64>, code: Code, limit: Option<(Limit, u64, u64)>) -> Result<()> {
    let elsewhere = stage.elsewhere()?;
    let state = elsewhere.state()?;
    let rows = roomy(&state, "rows").await?;
    put(&rows, "k", "1").await?;
    let before = everything(&state).await?;
    for key in ["k", "new"] {
        for (operation, outcome) in writes(&rows, key, value, ttl).await? {
            let error = refused(&format!("{value:.60}"), outcome, code, operation)?;
            let overrun = error.overrun.map(|overrun| (overrun.limit, overrun.observed, overrun.allowed));
            equal("what was reached", overrun, limit)?;
        }
    }
    equal("rows", everything(&state).await?, before)
}

/// Checks that a value is taken however it is written.
async fn welcome(stage: &Stage, value: &str, ttl: Option<u64>) -> Result<()> {
    let elsewhere = stage.elsewhere()?;
    let rows = roomy(&elsewhere.state()?, "rows").await?;
    for (operation, outcome) in writes(&rows, "k", value, ttl).await? {
        ensure!(outcome.is_ok(), "{operation} of {value:.60}: {outcome:?}");
    }
    holds(&rows, "k", Some(value)).await?;
    holds(&rows, "absent", Some(value)).await
}

async fn value_bytes(stage: &Stage) -> Result<()> {
    welcome(stage, &text(65_536), None).await?;
    unwelcome(stage, &text(65_537), None, Code::LimitExceeded, Some((Limit::Value, 65_537, 65_536))).await?;
    // Spaces count: what is limited is what is stored.
    let padded = format!("1{}", " ".repeat(65_536));
    unwelcome(stage, &padded, None, Code::LimitExceeded, Some((Limit::Value, 65_537, 65_536))).await
}

async fn value_letters(stage: &Stage) -> Result<()> {
    let text = |letters: usize| format!("\"{}\"", "é".repeat(letters));
    welcome(stage, &text(32_767), None).await?;
    unwelcome(stage, &text(32_768), None, Code::LimitExceeded, Some((Limit::Value, 65_538, 65_536))).await
}

async fn key_bytes(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    for longest in ["k".repeat(512), "é".repeat(256), "😀".repeat(128)] {
        put(&rows, &format!(" \u{a0}{longest}\t "), "1").await?;
        holds(&rows, &longest, Some("1")).await?;
    }
    for (key, bytes) in [("k".repeat(513), 513), ("é".repeat(257), 514), (format!("{}k", "😀".repeat(128)), 513)] {
        let error = refused("too long", rows.register(&key, "1".into(), None).await, Code::InvalidInput, Operation::Register)?;
        let overrun = error.overrun.map(|overrun| (overrun.limit, overrun.observed, overrun.allowed));
        equal("what was reached", overrun, Some((Limit::Key, bytes, 512)))?;
        refused("too long", rows.lookup(&key).await, Code::InvalidInput, Operation::Lookup)?;
    }
    equal("rows", rows.count().await?, 3)
}

async fn blank_keys(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    for key in ["", " ", "\t\r\n ", "\u{a0}\u{2003}"] {
        refused(key, rows.register(key, "1".into(), None).await, Code::InvalidInput, Operation::Register)?;
        refused(key, rows.lookup(key).await, Code::InvalidInput, Operation::Lookup)?;
    }
    equal("rows", rows.count().await?, 0)
}

async fn depth(stage: &Stage) -> Result<()> {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let shown = format!("\"{}\"", "[\\\"{".repeat(100));
    for value in [nested(64), objects(64), shown, format!("[{}]", "[],".repeat(100) + "[]")] {
        welcome(stage, &value, None).await?;
    }
    for value in [nested(65), objects(65)] {
        unwelcome(stage, &value, None, Code::LimitExceeded, Some((Limit::Depth, 65, 64))).await?;
    }
    Ok(())
}

async fn json(stage: &Stage) -> Result<()> {
    for value in ["", " ", "{", "nul", "1 2", "[1,]", "{\"a\"}", "'a'", "NaN", "Infinity", "-Infinity", "01", "\"\n\"", "undefined"] {
        unwelcome(stage, value, None, Code::InvalidInput, None).await?;
    }
    Ok(())
}

async fn ttl_zero(stage: &Stage) -> Result<()> {
    unwelcome(stage, "2", Some(0), Code::InvalidInput, None).await?;
    welcome(stage, "2", Some(1)).await
}

async fn ttl_beyond(stage: &Stage) -> Result<()> {
    welcome(stage, "2", Some(MAX_TIME - 1_000)).await?;
    for ttl in [MAX_TIME - 999, MAX_TIME, u64::MAX - 1_000, u64::MAX] {
        unwelcome(stage, "2", Some(ttl), Code::InvalidInput, None).await?;
    }
    Ok(())
}

async fn ten_thousand(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k7", "7").await?;
    let keys: Vec<String> = (0..10_000).map(|n| format!("k{n}")).collect();
    let values = rows.lookup_many(&keys).await?;
    let found: Vec<usize> = values.iter().enumerate().filter(|(_, value)| **value != Ok(None)).map(|(at, _)| at).collect();
    equal("positions and where a row is", (values.len(), found), (10_000, vec![7]))
}

/// A closed state can't be read, so a call that says `invalid-input` didn't try.
async fn before_any_read(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, "rows").await?;
    let too_many: Vec<String> = vec!["k".into(); 10_001];
    let last_is_bad: Vec<String> = ["k".into(), "k".repeat(513)].into();
    for closed in [false, true] {
        if closed {
            state.close().await;
        }
        let error = refused("10,001 keys", rows.lookup_many(&too_many).await, Code::InvalidInput, Operation::LookupMany)?;
        let overrun = error.overrun.map(|overrun| (overrun.limit, overrun.observed, overrun.allowed));
        equal("what was reached", overrun, Some((Limit::Keys, 10_001, 10_000)))?;
        refused("a bad key", rows.lookup_many(&last_is_bad).await, Code::InvalidInput, Operation::LookupMany)?;
    }
    refused("closed", rows.lookup_many(&["k".into()]).await, Code::Unavailable, Operation::LookupMany).map(drop)
}

async fn conditions(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let comparison = seen(&rows, "k").await?;
    let condition = Condition { namespace: "rows".into(), key: "k".into(), comparison: comparison.clone() };
    let many = vec![condition; 10_001];
    let outcome = rows.compare_and_apply("k", &comparison, set("1"), &many).await;
    let error = refused("10,001 conditions", outcome, Code::InvalidInput, Operation::CompareAndApply)?;
    equal("limit", error.overrun.map(|overrun| overrun.limit), Some(Limit::Keys))?;
    holds(&rows, "k", None).await
}
