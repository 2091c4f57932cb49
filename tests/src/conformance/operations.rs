//! What each operation does when nothing is in the way.

use super::Rule;
use super::stage::{ROWS, Stage, Store, equal, get, holds, keys, put, refused, roomy, seen};
use anyhow::{Result, ensure};
use plugbay_state::{Code, Entry, Operation, Options};
use std::sync::Arc;

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.2 register", "21.2"], "register writes, and writes anew: value, age and expiry", |stage| Box::pin(register(stage))),
    Rule::new(&["2.2 register"], "values come back byte for byte", |stage| Box::pin(verbatim(stage))),
    Rule::new(
        &["2.2 register-if-absent", "21.2"],
        "if-absent leaves value, age and expiry of a live row, and replaces an expired one",
        |stage| Box::pin(if_absent(stage)),
    ),
    Rule::new(&["2.2 register-if-absent"], "of 16 callers of if-absent one writes", |stage| Box::pin(one_registers(stage))),
    Rule::new(&["2.2 lookup"], "lookup reads live rows, by the trimmed key, and changes nothing", |stage| Box::pin(lookup(stage))),
    Rule::new(&["2.2 lookup-many"], "lookup-many keeps positions and duplicates", |stage| Box::pin(lookup_many(stage))),
    Rule::new(&["2.2 consume"], "consume reads and deletes, expired rows apart", |stage| Box::pin(consume(stage))),
    Rule::new(&["2.2 consume", "2.10", "21.3"], "of 16 callers of consume one gets the row", |stage| Box::pin(one_consumes(stage))),
    Rule::new(&["2.2 delete"], "delete says whether there was a live row", |stage| Box::pin(delete(stage))),
    Rule::new(&["2.2 entries"], "entries are live rows by age, then by key's bytes", |stage| Box::pin(entries(stage))),
    Rule::new(&["2.2 count"], "count counts live rows", |stage| Box::pin(count(stage))),
    Rule::new(&["2.2 clear", "21.6"], "clear is the namespace's alone", |stage| Box::pin(clear(stage))),
    Rule::new(&["2.2 delete-if-equal"], "delete-if-equal compares scalars strictly", |stage| Box::pin(delete_if_equal(stage))),
    Rule::new(&["2.2 delete-if-equal"], "delete-if-equal takes scalars only", |stage| Box::pin(scalars_only(stage))),
];

fn entry(key: &str, value: &str, created_at: u64, expires_at: Option<u64>) -> Entry {
    Entry { key: key.into(), value: value.into(), created_at, expires_at }
}

async fn register(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10).default_ttl(5_000)).await?;
    rows.register("  k\t", "1".into(), Some(50)).await?;
    equal("first", rows.entries().await?, vec![entry("k", "1", 1_000, Some(1_050))])?;
    stage.clock.set(1_010);
    rows.register("k", "2".into(), None).await?;
    equal("again", rows.entries().await?, vec![entry("k", "2", 1_010, Some(6_010))])?;
    let elsewhere = stage.elsewhere()?;
    let forever = roomy(&elsewhere.state()?, "forever").await?;
    forever.register("k", "1".into(), Some(5)).await?;
    forever.register("k", "2".into(), None).await?;
    equal("expiry", forever.entries().await?.into_iter().map(|e| e.expires_at).collect(), vec![None])
}

async fn verbatim(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(20)).await?;
    for value in
        ["{\"b\":1, \"a\":2,\n \"a\":3}", "1.50", "1e2", "\"\\u0061\\/é😀\"", " [ ] ", "null", "-0", "123456789012345678901234567890"]
    {
        put(&rows, "k", value).await?;
        holds(&rows, "k", Some(value)).await?;
        equal("entries", rows.entries().await?.into_iter().map(|e| e.value).collect(), vec![value.to_owned()])?;
    }
    for key in ["a\0b", "A", "a", "é", "e\u{301}", "%", "a'b\"c", "\u{10ffff}"] {
        put(&rows, key, &format!("{:?}", key.len())).await?;
    }
    equal("keys that look alike", rows.count().await?, 9)
}

async fn if_absent(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    ensure!(rows.register_if_absent(" k ", "1".into(), Some(100)).await?, "absent, and not written");
    stage.clock.set(1_099);
    ensure!(!rows.register_if_absent("k", "2".into(), Some(9_000)).await?, "live, and written");
    equal("the live row", rows.entries().await?, vec![entry("k", "1", 1_000, Some(1_100))])?;
    stage.clock.set(1_100);
    ensure!(rows.register_if_absent("k", "3".into(), None).await?, "expired, and not written");
    equal("the new row", rows.entries().await?, vec![entry("k", "3", 1_100, None)])
}

async fn sixteen<T: Send + 'static, F>(rows: &Store, work: impl Fn(Store) -> F) -> Result<Vec<T>>
where
    F: Future<Output = Result<T, plugbay_state::StateError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..16).map(|_| tokio::spawn(work(Arc::clone(rows)))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await??);
    }
    Ok(outcomes)
}

async fn one_registers(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(100)).await?;
    for n in 0..20 {
        let key = format!("k{n}");
        let written = sixteen(&rows, |rows| {
            let key = key.clone();
            async move { rows.register_if_absent(&key, "1".into(), None).await }
        });
        equal("writers", written.await?.into_iter().filter(|written| *written).count(), 1)?;
    }
    Ok(())
}

async fn one_consumes(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(100)).await?;
    for n in 0..20 {
        put(&rows, "k", &n.to_string()).await?;
        let got = sixteen(&rows, |rows| async move { rows.consume("k").await }).await?;
        equal("winners", got.into_iter().flatten().collect(), vec![n.to_string()])?;
    }
    Ok(())
}

async fn lookup(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    equal("nothing", get(&rows, "k").await?, None)?;
    rows.register("k", "1".into(), Some(10)).await?;
    let before = rows.entries().await?;
    holds(&rows, "\n k ", Some("1")).await?;
    equal("the row", rows.entries().await?, before)?;
    stage.clock.set(1_010);
    holds(&rows, "k", None).await
}

async fn lookup_many(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "a", "1").await?;
    put(&rows, "b", "2").await?;
    rows.register("gone", "3".into(), Some(1)).await?;
    stage.clock.advance(1);
    let wanted: Vec<String> = ["b", "none", "a", " b ", "gone", "b"].map(String::from).into();
    let two = || Ok(Some("2".to_owned()));
    let expected = vec![two(), Ok(None), Ok(Some("1".into())), two(), Ok(None), two()];
    equal("values", rows.lookup_many(&wanted).await?, expected)?;
    equal("an empty list", rows.lookup_many(&[]).await?, vec![])
}

async fn consume(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "1").await?;
    equal("first", rows.consume(" k ").await?, Some("1".into()))?;
    equal("second", rows.consume("k").await?, None)?;
    equal("left", rows.count().await?, 0)?;
    rows.register("k", "1".into(), Some(10)).await?;
    stage.clock.advance(10);
    equal("expired", rows.consume("k").await?, None)
}

async fn delete(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "1").await?;
    put(&rows, "l", "1").await?;
    equal("there, gone, never there", (rows.delete(" k").await?, rows.delete("k").await?, rows.delete("m").await?), (true, false, false))?;
    rows.register("m", "1".into(), Some(10)).await?;
    stage.clock.advance(10);
    ensure!(!rows.delete("m").await?, "an expired row counts as deleted");
    equal("left", keys(&rows).await?, "l".into())
}

async fn entries(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(20)).await?;
    for (at, key) in [(1_000, "é"), (1_000, "z"), (1_000, "B"), (1_000, "a"), (1_001, "A"), (1_002, "b")] {
        stage.clock.set(at);
        put(&rows, key, "1").await?;
    }
    rows.register("gone", "1".into(), Some(1)).await?;
    stage.clock.advance(1);
    equal("order", keys(&rows).await?, "B a z é A b".into())
}

async fn count(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    equal("empty", rows.count().await?, 0)?;
    put(&rows, "a", "1").await?;
    put(&rows, "a", "2").await?;
    rows.register("b", "1".into(), Some(10)).await?;
    equal("two", rows.count().await?, 2)?;
    stage.clock.advance(10);
    equal("one is dead", rows.count().await?, 1)
}

async fn clear(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let (one, two) = (roomy(&state, ROWS).await?, roomy(&state, "rows2").await?);
    let other = super::stage::open(&state, "other", ROWS, Options::up_to(10)).await?;
    for rows in [&one, &two, &other] {
        put(rows, "a", "1").await?;
        put(rows, "b", "1").await?;
    }
    one.clear().await?;
    let counts = (one.count().await?, two.count().await?, other.count().await?);
    equal("rows of it, its sibling, another plugin's", counts, (0, 2, 2))?;
    one.clear().await?;
    put(&one, "a", "2").await?;
    holds(&one, "a", Some("2")).await
}

async fn delete_if_equal(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    let unequal = [("1", "\"1\""), ("1", "true"), ("0", "false"), ("0", "null"), ("\"\"", "null"), ("false", "null"), ("\"a\"", "\"A\"")];
    for (stored, scalar) in unequal.into_iter().chain([("[1]", "1"), ("{}", "null"), ("1", "2"), ("\"é\"", "\"e\u{301}\"")]) {
        put(&rows, "k", stored).await?;
        ensure!(!rows.delete_if_equal("k", scalar).await?, "{stored} was taken for {scalar}");
        holds(&rows, "k", Some(stored)).await?;
    }
    let equals = [("1", "1"), ("1", "1.0"), (" 1e2 ", "100"), ("\"\\u0061\"", "\"a\""), ("null", " null "), ("true", "true")];
    for (stored, scalar) in equals {
        put(&rows, "k", stored).await?;
        ensure!(rows.delete_if_equal(" k ", scalar).await?, "{stored} was not taken for {scalar}");
        holds(&rows, "k", None).await?;
    }
    ensure!(!rows.delete_if_equal("k", "null").await?, "no row is no null");
    rows.register("k", "1".into(), Some(10)).await?;
    stage.clock.advance(10);
    ensure!(!rows.delete_if_equal("k", "1").await?, "an expired row is no row");
    Ok(())
}

async fn scalars_only(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(10)).await?;
    put(&rows, "k", "[]").await?;
    let before = seen(&rows, "k").await?;
    for scalar in ["[]", "{}", "[1]", "", "nul", "1 2", "'a'", "NaN"] {
        refused(scalar, rows.delete_if_equal("k", scalar).await, Code::InvalidInput, Operation::DeleteIfEqual)?;
    }
    equal("the row", seen(&rows, "k").await?, before)
}
