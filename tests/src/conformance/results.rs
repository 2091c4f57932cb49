//! Results: ranges, pages, and what is too large to hand over.

use super::Rule;
use super::stage::{Stage, Store, count, equal, put, refused, roomy, text};
use anyhow::{Context, Result, ensure};
use plugbay_state::{Code, Limit, Operation, Options, Order, Overrun, Page, Range, StateError};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["2.2 range"], "a range includes its start and excludes its end, in the order of the keys' bytes", |stage| {
        Box::pin(bounds(stage))
    }),
    Rule::new(&["2.2 range"], "a range has so many rows at most, and says whether there are more", |stage| Box::pin(limit(stage))),
    Rule::new(&["2.2 range"], "a range shows live rows only, and neither limit nor more counts dead ones", |stage| {
        Box::pin(live_only(stage))
    }),
    Rule::new(&["2.2 range"], "a page ends before a row that would be too much", |stage| Box::pin(pages(stage))),
    Rule::new(&["2.2 range"], "a first row larger than the page is invalid-input", |stage| Box::pin(page_too_small(stage))),
    Rule::new(&["2.2 lookup-many", "2.3"], "lookup-many answers 8 MiB, and refuses more by rows and bytes", |stage| {
        Box::pin(many_bytes(stage))
    }),
    Rule::new(&["2.2 entries", "2.3"], "entries answer 8 MiB, and refuse more by rows and bytes", |stage| Box::pin(entries_bytes(stage))),
    Rule::new(&["2.2 range", "2.3"], "a range beyond 8 MiB is refused by rows and bytes, or read in pages", |stage| {
        Box::pin(range_bytes(stage))
    }),
];

const VALUE: usize = 65_536;
const RESULT: u64 = 8 << 20;

/// The keys of a page, and whether there are more.
fn shown(page: &Page) -> (String, bool) {
    (page.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>().join(" "), page.more)
}

async fn lettered(stage: &Stage) -> Result<Store> {
    let rows = stage.rows(Options::up_to(50)).await?;
    for key in ["c", "a", "é", "e", "b", "B", "d"] {
        put(&rows, key, "1").await?;
    }
    Ok(rows)
}

async fn bounds(stage: &Stage) -> Result<()> {
    let rows = lettered(stage).await?;
    let cases = [
        (None, None, "B a b c d e é"),
        (Some("b"), Some("d"), "b c"),
        (Some("b"), None, "b c d e é"),
        (None, Some("b"), "B a"),
        (Some("bb"), Some("cc"), "c"),
        (Some("b"), Some("b"), ""),
        (Some("d"), Some("b"), ""),
        (Some("f"), Some("z"), ""),
        (Some("z"), None, "é"),
    ];
    for (start, end, expected) in cases {
        let backwards = expected.split(' ').rev().collect::<Vec<_>>().join(" ");
        for (order, expected) in [(Order::Ascending, expected), (Order::Descending, &backwards)] {
            let page = rows.range(Range { start, end, order, ..Range::first(100) }).await?;
            equal(&format!("{start:?} to {end:?}, {order:?}"), shown(&page), (expected.to_owned(), false))?;
        }
    }
    Ok(())
}

async fn limit(stage: &Stage) -> Result<()> {
    let rows = lettered(stage).await?;
    let cases = [
        (None, None, Order::Ascending, 2, "B a", true),
        (None, None, Order::Descending, 2, "é e", true),
        (Some("b"), Some("e"), Order::Ascending, 2, "b c", true),
        (Some("b"), Some("e"), Order::Descending, 2, "d c", true),
        (Some("b"), Some("e"), Order::Ascending, 3, "b c d", false),
        (Some("b"), Some("e"), Order::Descending, 3, "d c b", false),
    ];
    for (start, end, order, limit, expected, more) in cases {
        let page = rows.range(Range { start, end, order, ..Range::first(limit) }).await?;
        equal(&format!("{limit} of {start:?} to {end:?}, {order:?}"), shown(&page), (expected.to_owned(), more))?;
    }
    Ok(())
}

async fn live_only(stage: &Stage) -> Result<()> {
    let rows = lettered(stage).await?;
    for key in ["a", "c", "é"] {
        rows.register(key, "1".into(), Some(10)).await?;
    }
    stage.clock.advance(10);
    equal("up", shown(&rows.range(Range::first(3)).await?), ("B b d".into(), true))?;
    equal("to the end", shown(&rows.range(Range::first(4)).await?), ("B b d e".into(), false))?;
    let down = Range { order: Order::Descending, ..Range::first(4) };
    equal("down", shown(&rows.range(down).await?), ("e d b B".into(), false))
}

async fn pages(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(50)).await?;
    for n in 0..10 {
        put(&rows, &format!("k{n}"), &text(98)).await?;
    }
    for (bytes, expected) in [(100, "k0"), (199, "k0"), (200, "k0 k1"), (999, "k0 k1 k2 k3 k4 k5 k6 k7 k8")] {
        let page = rows.range(Range { max_bytes: Some(count(bytes)?), ..Range::first(100) }).await?;
        equal(&format!("{bytes} bytes"), shown(&page), (expected.into(), true))?;
    }
    let all = rows.range(Range { max_bytes: Some(count(1_000)?), ..Range::first(10) }).await?;
    equal("all", (all.entries.len(), all.more), (10, false))
}

async fn page_too_small(stage: &Stage) -> Result<()> {
    let rows = stage.rows(Options::up_to(50)).await?;
    put(&rows, "k0", &text(98)).await?;
    let page = |bytes| -> Result<Range<'static>> { Ok(Range { max_bytes: Some(count(bytes)?), ..Range::first(100) }) };
    refused("99 bytes", rows.range(page(99)?).await, Code::InvalidInput, Operation::Range)?;
    equal("100 bytes", shown(&rows.range(page(100)?).await?), ("k0".into(), false))
}

/// So many rows of 65,536 bytes, with keys of three bytes.
async fn large(stage: &Stage, n: usize) -> Result<Store> {
    let rows = roomy(&stage.state()?, "rows").await?;
    let value = text(VALUE);
    for n in 0..n {
        rows.register(&format!("{n:03}"), value.clone(), None).await?;
    }
    Ok(rows)
}

fn too_large<T: std::fmt::Debug>(outcome: Result<T, StateError>, operation: Operation, rows: u64, bytes: u64) -> Result<()> {
    let error = refused("too large a result", outcome, Code::LimitExceeded, operation)?;
    let expected = Overrun { limit: Limit::Result, observed: bytes, allowed: RESULT, rows: Some(rows) };
    equal("what was reached", error.overrun, Some(expected))?;
    let told = error.message.contains(&rows.to_string()) && error.message.contains(&bytes.to_string());
    ensure!(told, "rows and bytes aren't told: {}", error.message);
    Ok(())
}

async fn many_bytes(stage: &Stage) -> Result<()> {
    let rows = large(stage, 129).await?;
    let keys: Vec<String> = (0..129).map(|n| format!("{n:03}")).collect();
    let fits = rows.lookup_many(keys.get(..128).context("128 keys")?).await?;
    equal("values", fits.into_iter().flatten().flatten().map(|value| value.len()).collect(), vec![VALUE; 128])?;
    too_large(rows.lookup_many(&keys).await, Operation::LookupMany, 129, 129 * VALUE as u64)?;
    // A key that is asked for twice is handed over twice.
    too_large(rows.lookup_many(&vec!["000".into(); 200]).await, Operation::LookupMany, 200, 200 * VALUE as u64)
}

async fn entries_bytes(stage: &Stage) -> Result<()> {
    let rows = large(stage, 127).await?;
    equal("rows", rows.entries().await?.len(), 127)?;
    put(&rows, "127", &text(VALUE - 3 * 128)).await?;
    equal("exactly 8 MiB", rows.entries().await?.len(), 128)?;
    put(&rows, "127", &text(VALUE - 3 * 128 + 1)).await?;
    too_large(rows.entries().await, Operation::Entries, 128, RESULT + 1)?;
    equal("counted all the same", rows.count().await?, 128)
}

async fn range_bytes(stage: &Stage) -> Result<()> {
    let rows = large(stage, 130).await?;
    for order in [Order::Ascending, Order::Descending] {
        let all = Range { order, ..Range::first(1_000) };
        too_large(rows.range(all).await, Operation::Range, 130, 130 * (VALUE as u64 + 3))?;
        let page = rows.range(Range { max_bytes: Some(count(usize::MAX)?), ..all }).await?;
        equal("a page of as much as there may be", (page.entries.len(), page.more), (127, true))?;
    }
    equal("fewer rows", rows.range(Range::first(127)).await?.entries.len(), 127)
}
