//! Compare-and-apply on one row.

use super::Rule;
use super::stage::{ROWS, Stage, conflict, equal, holds, open, put, refused, roomy, seen, set};
use anyhow::{Context, Result};
use plugbay_state::{Applied, Change, Clock, Code, Comparison, Entry, Operation, Options};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.2 observe", "2.7"], "observe shows the live row, or its absence, with a token", |stage| Box::pin(observe(stage))),
    Rule::new(&["2.2 compare-and-apply", "2.7"], "set writes as register does: trimmed, with ttl and age", |stage| {
        Box::pin(set_writes(stage))
    }),
    Rule::new(&["2.2 compare-and-apply"], "delete deletes, and is unchanged where nothing is", |stage| Box::pin(delete(stage))),
    Rule::new(&["2.2 compare-and-apply", "2.7"], "keep is unchanged", |stage| Box::pin(keep(stage))),
    Rule::new(
        &["2.2 compare-and-apply", "2.7", "21.7"],
        "a conflict returns what is there, ready to be tried again, and changes nothing",
        |stage| Box::pin(conflicts(stage)),
    ),
    Rule::new(&["2.7", "21.7"], "a row that went away and came back isn't the row that was seen", |stage| Box::pin(aba(stage))),
    Rule::new(&["2.7", "21.7"], "nor is it when it came back within one moment, or after the clock was set back", |stage| {
        Box::pin(aba_at_once(stage))
    }),
    Rule::new(&["2.7", "21.7"], "value, age and expiry are all in the token", |stage| Box::pin(image(stage))),
    Rule::new(&["2.7"], "a token is of the stored text, not of what it means", |stage| Box::pin(raw_text(stage))),
    Rule::new(&["2.7", "2.5"], "a row that expired is absent to a token", |stage| Box::pin(expired(stage))),
    Rule::new(&["2.7", "21.7"], "a token of another key, namespace, plugin or database is invalid-input", |stage| Box::pin(foreign(stage))),
    Rule::new(&["2.7", "21.7"], "a malformed token is invalid-input", |stage| Box::pin(malformed(stage))),
    Rule::new(&["2.7"], "a token can be used until the row changes", |stage| Box::pin(reusable(stage))),
];

fn entry(key: &str, value: &str, created_at: u64, expires_at: Option<u64>) -> Entry {
    Entry { key: key.into(), value: value.into(), created_at, expires_at }
}

async fn observe(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let nothing = rows.observe("k").await?;
    equal("nothing", nothing.value.clone(), None)?;
    equal("again", rows.observe(" k ").await?, nothing)?;
    rows.register("k", "{\"a\": 1}".into(), Some(10)).await?;
    let there = rows.observe("k").await?;
    equal("a row", there.value.clone(), Some(entry("k", "{\"a\": 1}", 1_000, Some(1_010))))?;
    equal("again", rows.observe("\tk").await?, there)
}

async fn set_writes(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10).default_ttl(700)).await?;
    let absent = seen(&rows, "k").await?;
    equal("new", rows.compare_and_apply(" k\n", &absent, set("1"), &[]).await?, Applied::Applied)?;
    equal("the row", rows.entries().await?, vec![entry("k", "1", 1_000, Some(1_700))])?;
    stage.clock.set(1_005);
    let change = Change::Set { value: "2".into(), ttl: Some(20) };
    equal("again", rows.compare_and_apply("k", &seen(&rows, "k").await?, change, &[]).await?, Applied::Applied)?;
    equal("the row", rows.entries().await?, vec![entry("k", "2", 1_005, Some(1_025))])
}

async fn delete(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let absent = seen(&rows, "k").await?;
    equal("nothing", rows.compare_and_apply("k", &absent, Change::Delete, &[]).await?, Applied::Unchanged)?;
    put(&rows, "k", "1").await?;
    put(&rows, "l", "1").await?;
    let there = seen(&rows, "k").await?;
    equal("a row", rows.compare_and_apply("k", &there, Change::Delete, &[]).await?, Applied::Applied)?;
    equal("left", super::stage::keys(&rows).await?, "l".into())?;
    let again = rows.compare_and_apply("k", &there, Change::Delete, &[]).await?;
    equal("twice", conflict("twice", again)?.value, None)
}

async fn keep(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let absent = seen(&rows, "k").await?;
    equal("nothing", rows.compare_and_apply("k", &absent, Change::Keep, &[]).await?, Applied::Unchanged)?;
    put(&rows, "k", "1").await?;
    let (there, before) = (seen(&rows, "k").await?, rows.entries().await?);
    stage.clock.advance(1);
    equal("a row", rows.compare_and_apply("k", &there, Change::Keep, &[]).await?, Applied::Unchanged)?;
    equal("the row", rows.entries().await?, before)?;
    conflict("an old token", rows.compare_and_apply("k", &absent, Change::Keep, &[]).await?).map(drop)
}

async fn conflicts(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "1").await?;
    let old = seen(&rows, "k").await?;
    stage.clock.advance(1);
    put(&rows, "k", "2").await?;
    for change in [set("9"), Change::Delete, Change::Keep] {
        let current = conflict("an old token", rows.compare_and_apply("k", &old, change, &[]).await?)?;
        equal("what is there", current.value.clone(), Some(entry("k", "2", 1_001, None)))?;
        equal("the same as observed", current, rows.observe("k").await?)?;
    }
    let current = conflict("once more", rows.compare_and_apply("k", &old, set("3"), &[]).await?)?;
    equal("tried again", rows.compare_and_apply("k", &current.comparison, set("3"), &[]).await?, Applied::Applied)?;
    let deleted = seen(&rows, "k").await?;
    rows.delete("k").await?;
    let current = conflict("deleted", rows.compare_and_apply("k", &deleted, set("4"), &[]).await?)?;
    equal("nothing is there", current.value, None)?;
    equal("tried again", rows.compare_and_apply("k", &current.comparison, set("4"), &[]).await?, Applied::Applied)?;
    holds(&rows, "k", Some("4")).await
}

async fn aba(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "\"a\"").await?;
    let first = seen(&rows, "k").await?;
    put(&rows, "k", "\"b\"").await?; // within one moment
    put(&rows, "k", "\"a\"").await?;
    let second = seen(&rows, "k").await?;
    conflict("a, b, a", rows.compare_and_apply("k", &first, set("9"), &[]).await?)?;
    stage.clock.advance(1);
    rows.delete("k").await?;
    put(&rows, "k", "\"a\"").await?;
    conflict("deleted and back", rows.compare_and_apply("k", &second, Change::Delete, &[]).await?)?;
    holds(&rows, "k", Some("\"a\"")).await
}

/// Every way in which a row goes, with the same row written anew, at the same time.
async fn aba_at_once(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(1)).await?;
    for (way, later) in
        [("delete", 0), ("consume", 0), ("clear", 0), ("delete-if-equal", 0), ("compare-and-apply", 0), ("evict", 0), ("clock", 7)]
    {
        put(&rows, "k", "1").await?;
        let (first, moment) = (rows.observe("k").await?, stage.clock.now());
        stage.clock.advance(later);
        match way {
            "consume" => rows.consume("k").await.map(drop)?,
            "clear" => rows.clear().await?,
            "delete-if-equal" => rows.delete_if_equal("k", "1").await.map(drop)?,
            "compare-and-apply" => rows.compare_and_apply("k", &first.comparison, Change::Delete, &[]).await.map(drop)?,
            "evict" => {
                put(&rows, "other", "1").await?;
                rows.delete("other").await.map(drop)?;
            }
            _ => rows.delete("k").await.map(drop)?,
        }
        holds(&rows, "k", None).await?;
        stage.clock.set(moment);
        put(&rows, "k", "1").await?;
        equal("the same row", rows.observe("k").await?.value, first.value)?;
        conflict(way, rows.compare_and_apply("k", &first.comparison, set("9"), &[]).await?)?;
        rows.delete("k").await?;
        stage.clock.advance(1);
    }
    Ok(())
}

async fn image(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    rows.register("k", "1".into(), Some(100)).await?;
    let mut tokens = vec![seen(&rows, "none").await?, seen(&rows, "k").await?];
    rows.register("k", "1".into(), Some(101)).await?;
    tokens.push(seen(&rows, "k").await?);
    rows.register("k", "1".into(), None).await?;
    tokens.push(seen(&rows, "k").await?);
    stage.clock.advance(1);
    rows.register("k", "1".into(), None).await?;
    tokens.push(seen(&rows, "k").await?);
    rows.register("k", "2".into(), None).await?;
    for token in tokens.iter().skip(1) {
        conflict("an old token", rows.compare_and_apply("k", token, Change::Delete, &[]).await?)?;
    }
    let all = tokens.len();
    tokens.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    tokens.dedup();
    equal("tokens that differ", tokens.len(), all)
}

async fn raw_text(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "{\"a\":1}").await?;
    let before = seen(&rows, "k").await?;
    put(&rows, "k", "{\"a\": 1}").await?;
    conflict("a space more", rows.compare_and_apply("k", &before, set("2"), &[]).await?).map(drop)
}

async fn expired(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let absent = seen(&rows, "k").await?;
    rows.register("k", "1".into(), Some(10)).await?;
    let live = seen(&rows, "k").await?;
    stage.clock.advance(10);
    let gone = conflict("expired", rows.compare_and_apply("k", &live, set("2"), &[]).await?)?;
    equal("nothing is there", (gone.value, gone.comparison), (None, absent.clone()))?;
    rows.register("k", "1".into(), Some(10)).await?;
    stage.clock.advance(10);
    equal("delete", rows.compare_and_apply("k", &absent, Change::Delete, &[]).await?, Applied::Unchanged)?;
    equal("set", rows.compare_and_apply("k", &absent, set("3"), &[]).await?, Applied::Applied)?;
    holds(&rows, "k", Some("3")).await
}

async fn foreign(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let rows = roomy(&state, ROWS).await?;
    let sibling = roomy(&state, "sibling").await?;
    let stranger = open(&state, "stranger", ROWS, Options::up_to(10)).await?;
    let elsewhere = stage.elsewhere()?;
    let away = roomy(&elsewhere.state()?, ROWS).await?;
    for there in [false, true] {
        if there {
            for rows in [&rows, &sibling, &stranger, &away] {
                put(rows, "k", "1").await?;
                put(rows, "l", "1").await?;
            }
        }
        let tokens = [seen(&rows, "l").await?, seen(&sibling, "k").await?, seen(&stranger, "k").await?, seen(&away, "k").await?];
        for token in tokens {
            let outcome = rows.compare_and_apply("k", &token, set("9"), &[]).await;
            refused("a foreign token", outcome, Code::InvalidInput, Operation::CompareAndApply)?;
        }
        holds(&rows, "k", there.then_some("1")).await?;
    }
    Ok(())
}

async fn malformed(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let good = seen(&rows, "k").await?.as_str().to_owned();
    let shorter = good.get(..good.len() - 1).context("a token is ASCII")?.to_owned();
    let other_version = format!("9{}", good.get(1..).context("a token is ASCII")?);
    for token in
        [String::new(), "x".into(), shorter, format!("{good}0"), format!("{good} "), other_version, "é".repeat(40), "1".repeat(100_000)]
    {
        let outcome = rows.compare_and_apply("k", &Comparison::new(token.clone()), set("9"), &[]).await;
        refused(&format!("{token:.40}"), outcome, Code::InvalidInput, Operation::CompareAndApply)?;
    }
    holds(&rows, "k", None).await?;
    let applied = rows.compare_and_apply("k", &Comparison::new(good), set("1"), &[]).await?;
    equal("the good one", applied, Applied::Applied)
}

async fn reusable(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "1").await?;
    let token = seen(&rows, "k").await?;
    for _ in 0..3 {
        equal("kept", rows.compare_and_apply("k", &token, Change::Keep, &[]).await?, Applied::Unchanged)?;
    }
    put(&rows, "other", "1").await?;
    equal("set", rows.compare_and_apply("k", &token, set("2"), &[]).await?, Applied::Applied)
}
