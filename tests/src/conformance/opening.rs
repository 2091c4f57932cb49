//! Opening: names, options that stay, and plugins that never meet.

use super::Rule;
use super::stage::{ROWS, Stage, State, Store, TESTER, equal, holds, keys, open, put, refused, roomy, seen};
use anyhow::{Result, ensure};
use plugbay_state::{Code, Limit, Operation, Options, Overflow, Owner};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.1"], "a namespace's name is trimmed and has a syntax", |stage| Box::pin(names(stage))),
    Rule::new(&["2.1", "2.3", "21.1"], "a namespace has 128 bytes at most, counted in UTF-8 after trimming", |stage| {
        Box::pin(name_bytes(stage))
    }),
    Rule::new(&["2.1", "2.4", "21.6"], "other options than the first opener's are invalid-input of open", |stage| Box::pin(pinned(stage))),
    Rule::new(&["2.1"], "options stay although nobody holds the store any more", |stage| Box::pin(pinned_after_drop(stage))),
    Rule::new(&["2.1", "21.6"], "each plugin has options of its own for a namespace", |stage| Box::pin(pinned_by_owner(stage))),
    Rule::new(&["2.1", "21.6"], "two plugins with one namespace and key never meet", |stage| Box::pin(owners_apart(stage))),
    Rule::new(&["2.1"], "a plugin opens 1,000 namespaces and no more", |stage| Box::pin(many_namespaces(stage))),
    Rule::new(&["2.1"], "two handles of a namespace see one another's rows", |stage| Box::pin(two_handles(stage))),
];

async fn try_name(state: &State, name: &str) -> Result<Store, plugbay_state::StateError> {
    state.open(&Owner::new(TESTER)?, name, Options::up_to(10)).await
}

async fn names(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    for name in ["a", "Z", "7", "Notes.v2_x-1", "0...", "a--"] {
        try_name(&state, name).await?;
    }
    put(&try_name(&state, " \tspaced\n").await?, "k", "1").await?;
    holds(&try_name(&state, "spaced").await?, "k", Some("1")).await?;
    for name in ["", "  ", "-a", ".a", "_a", "a b", "a/b", "a:b", "$core", "ä", "aä", "a\0"] {
        refused(name, try_name(&state, name).await, Code::InvalidInput, Operation::Open)?;
    }
    Ok(())
}

async fn name_bytes(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let longest = "n".repeat(128);
    put(&try_name(&state, &longest).await?, "k", "1").await?;
    holds(&try_name(&state, &format!("  {longest} ")).await?, "k", Some("1")).await?;
    for (name, bytes) in [("n".repeat(129), 129), ("é".repeat(65), 130)] {
        let error = refused(&name, try_name(&state, &name).await, Code::InvalidInput, Operation::Open)?;
        let overrun = error.overrun.map(|overrun| (overrun.limit, overrun.observed, overrun.allowed));
        equal("what was reached", overrun, Some((Limit::Namespace, bytes, 128)))?;
    }
    // Within the bytes it is the syntax that refuses.
    let error = refused("64 letters", try_name(&state, &"é".repeat(64)).await, Code::InvalidInput, Operation::Open)?;
    equal("an overrun", error.overrun, None)
}

async fn pinned(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let first = Options::up_to(5).default_ttl(100);
    put(&open(&state, TESTER, ROWS, first).await?, "k", "1").await?;
    let again = open(&state, TESTER, " rows ", first).await?;
    holds(&again, "k", Some("1")).await?;
    let owner = Owner::new(TESTER)?;
    let others = [Options::up_to(6).default_ttl(100), first.default_ttl(101), first.default_ttl(0), first.overflow(Overflow::RejectNew)];
    for other in others {
        refused(&format!("{other:?}"), state.open(&owner, ROWS, other).await, Code::InvalidInput, Operation::Open)?;
    }
    // What was refused left the pin as it was.
    open(&state, TESTER, ROWS, first).await.map(drop)
}

async fn pinned_after_drop(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    drop(open(&state, TESTER, ROWS, Options::up_to(5)).await?);
    let other = state.open(&Owner::new(TESTER)?, ROWS, Options::up_to(6)).await;
    refused("other options", other, Code::InvalidInput, Operation::Open).map(drop)
}

async fn pinned_by_owner(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let small = open(&state, "one", ROWS, Options::up_to(1)).await?;
    let large = open(&state, "two", ROWS, Options::up_to(2)).await?;
    for key in ["a", "b"] {
        put(&small, key, "1").await?;
        put(&large, key, "1").await?;
    }
    equal("rows", (keys(&small).await?, keys(&large).await?), ("b".into(), "a b".into()))
}

async fn owners_apart(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let one = open(&state, "one", ROWS, Options::up_to(10)).await?;
    let two = open(&state, "two", ROWS, Options::up_to(10)).await?;
    put(&one, "k", "1").await?;
    holds(&two, "k", None).await?;
    equal("many", two.lookup_many(&["k".into()]).await?, vec![Ok(None)])?;
    equal("consumed", two.consume("k").await?, None)?;
    equal("deleted", (two.delete("k").await?, two.delete_if_equal("k", "1").await?), (false, false))?;
    equal("listed", (two.count().await?, keys(&two).await?), (0, String::new()))?;
    let token = seen(&one, "k").await?;
    let stolen = two.compare_and_apply("k", &token, plugbay_state::Change::Delete, &[]).await;
    refused("another's token", stolen, Code::InvalidInput, Operation::CompareAndApply)?;
    ensure!(two.register_if_absent("k", "2".into(), None).await?, "the key is free to the second plugin");
    two.clear().await?;
    state.purge(&Owner::new("two")?).await?;
    holds(&one, "k", Some("1")).await
}

async fn many_namespaces(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    for n in 0..1_000 {
        roomy(&state, &format!("n{n}")).await?;
    }
    roomy(&state, "n0").await?;
    let error = refused("one more", try_name(&state, "more").await, Code::LimitExceeded, Operation::Open)?;
    equal("limit", error.overrun.map(|overrun| overrun.limit), Some(Limit::Namespaces))?;
    open(&state, "another", "more", Options::up_to(1)).await.map(drop)
}

async fn two_handles(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let (one, two) = (roomy(&state, ROWS).await?, roomy(&state, ROWS).await?);
    put(&one, "k", "1").await?;
    holds(&two, "k", Some("1")).await?;
    two.delete("k").await?;
    holds(&one, "k", None).await
}
