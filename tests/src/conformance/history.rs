//! The history that only grows: its order, its pages, its time; and the whole ledger after a reopen.

use super::Rule;
use super::ledger::{KIND, ledger, of, record, told};
use super::stage::{Stage, State, count, equal, refused, text};
use anyhow::{Context, Result, ensure};
use plugbay_state::{Code, DocumentChange, Event, Fact, HistoryQuery, Operation, Order, Record, Seen, StateLimits};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["ledger history"], "an event is kept with all that was said of it", |stage| Box::pin(whole(stage))),
    Rule::new(&["ledger history"], "events are read from either end, of all or of a plugin, within bounds", |stage| {
        Box::pin(queries(stage))
    }),
    Rule::new(&["ledger history"], "an answer has 1,000 events at most", |stage| Box::pin(limit(stage))),
    Rule::new(&["ledger history"], "an answer ends before an event that would be too much, and pages miss none", |stage| {
        Box::pin(pages(stage))
    }),
    Rule::new(&["ledger history"], "time doesn't go back in the history, though the clock does", |stage| Box::pin(time(stage))),
    Rule::of_files(
        &["ledger documents", "ledger record", "ledger history"],
        "documents, events, numbers, revisions and time go on after close and reopen",
        |stage| Box::pin(reopened(stage)),
    ),
];

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

async fn whole(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let some = |text: &str| Some(text.to_owned());
    let full = Fact {
        plugin: some("scribe"),
        from: some("b3:1"),
        to: some("b3:2"),
        why: some("because of \"é😀\"\n"),
        details: some(" {\"a\": 1}"),
        ..Fact::new("operator é", "roll-back-2")
    };
    let facts = vec![full.clone(), Fact::new("host", "boot"), Fact { from: None, ..full }];
    let given = record(&state, told(facts.clone())).await?;
    let events = state.history(HistoryQuery::oldest(10)).await?;
    equal("numbers", numbers(&events), given)?;
    equal("moments", events.iter().map(|event| event.at).collect(), vec![1_000; 3])?;
    equal("facts", events.into_iter().map(|event| event.fact).collect(), facts)
}

/// Ten events, of two plugins and of none in turn; answers their numbers.
async fn ten(state: &State) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for n in 0..10 {
        let plugin = ["scribe", "guard"].get(n % 3).map(|plugin| (*plugin).to_owned());
        all.extend(record(state, told([Fact { plugin, ..Fact::new("operator", "install") }])).await?);
    }
    Ok(all)
}

async fn queries(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let all = ten(&state).await?;
    ensure!(all.len() == 10 && all.is_sorted_by(|earlier, later| earlier < later), "numbers are {all:?}");
    let at = |n: usize| all.get(n).copied().context("there are ten");
    let (first, third, last) = (at(0)?, at(3)?, at(9)?);
    let cases: [(HistoryQuery, &[usize]); 14] = [
        (HistoryQuery::oldest(100), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (HistoryQuery::oldest(3), &[0, 1, 2]),
        (HistoryQuery::newest(3), &[9, 8, 7]),
        (HistoryQuery::newest(0), &[9]),
        (HistoryQuery::oldest(2).after(third), &[4, 5]),
        (HistoryQuery::newest(2).before(third), &[2, 1]),
        (HistoryQuery::newest(100).after(third).before(last), &[8, 7, 6, 5, 4]),
        (HistoryQuery::oldest(100).after(third).before(third), &[]),
        (HistoryQuery::oldest(100).before(first), &[]),
        (HistoryQuery::oldest(100).after(u64::MAX), &[]),
        (HistoryQuery::oldest(100).of("scribe"), &[0, 3, 6, 9]),
        (HistoryQuery::newest(2).of("guard"), &[7, 4]),
        (HistoryQuery::newest(100).of("scribe").after(first).before(last), &[6, 3]),
        (HistoryQuery::oldest(100).of("Scribe"), &[]),
    ];
    for (query, expected) in cases {
        let expected = expected.iter().map(|n| at(*n)).collect::<Result<Vec<_>>>()?;
        equal(&format!("{query:?}"), numbers(&state.history(query).await?), expected)?;
    }
    Ok(())
}

async fn limit(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    for _ in 0..2 {
        record(&state, told(vec![Fact::new("host", "boot"); 600])).await?;
    }
    equal("events", state.history(HistoryQuery::newest(1_000)).await?.len(), 1_000)?;
    let error = refused("1,001", state.history(HistoryQuery::newest(1_001)).await, Code::LimitExceeded, Operation::History)?;
    ensure!(error.message.contains("1001 events wanted, 1000 events allowed"), "{error}");
    let query = HistoryQuery::newest(1).of(&"p".repeat(4_097));
    refused("a plugin's id of 4,097 bytes", state.history(query).await, Code::LimitExceeded, Operation::History).map(drop)
}

/// How many events are read page by page.
const WRITTEN: usize = 7;

/// Reads all, page by page; answers the numbers, and how many events the pages had.
async fn paged(state: &State, order: Order) -> Result<(Vec<u64>, Vec<usize>)> {
    let (mut all, mut lengths) = (Vec::new(), Vec::new());
    loop {
        let last = all.last().copied();
        let query = match order {
            Order::Ascending => HistoryQuery { after: last, ..HistoryQuery::oldest(100) },
            Order::Descending => HistoryQuery { before: last, ..HistoryQuery::newest(100) },
        };
        let page = state.history(query).await?;
        if page.is_empty() {
            return Ok((all, lengths));
        }
        lengths.push(page.len());
        all.extend(numbers(&page));
        ensure!(all.len() <= WRITTEN, "pages overlap: {all:?}");
    }
}

async fn pages(stage: &Stage) -> Result<()> {
    // Three events of 1,007 bytes fit, to the byte.
    for (result, expected) in [(3_021, vec![3, 3, 1]), (3_020, vec![2, 2, 2, 1]), (1, vec![1; WRITTEN])] {
        let stage = stage.elsewhere()?;
        let state = stage.state_with(StateLimits { result: count(result)?, ..StateLimits::default() })?;
        let mut written = record(&state, told(vec![Fact { details: Some(text(1_000)), ..Fact::new("who", "what") }; WRITTEN])).await?;
        equal("up", paged(&state, Order::Ascending).await?, (written.clone(), expected.clone()))?;
        written.reverse();
        equal("down", paged(&state, Order::Descending).await?, (written, expected))?;
    }
    Ok(())
}

async fn time(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    for now in [5_000, 4_000, 0, 5_001, u64::MAX, 7] {
        stage.clock.set(now);
        record(&state, told(vec![Fact::new("host", "tick"); 2])).await?;
    }
    let events = state.history(HistoryQuery::oldest(100)).await?;
    let latest = plugbay_state::MAX_TIME;
    let expected: Vec<_> = [5_000, 5_000, 5_000, 5_001, latest, latest].into_iter().flat_map(|at| [at, at]).collect();
    equal("moments", events.iter().map(|event| event.at).collect(), expected)
}

async fn reopened(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let documents = vec![DocumentChange::set(KIND, "a", "1".into()), DocumentChange::set(KIND, "b", "2".into())];
    record(&state, Record { documents, events: vec![Fact::new("operator", "install"); 3] }).await?;
    let gone = state.document(KIND, "b").await?.context("b was written")?.revision;
    record(&state, of(DocumentChange::delete(KIND, "b"))).await?;
    let before = ledger(&state).await?;
    state.close().await;
    stage.clock.set(10);
    let state = stage.state()?;
    equal("the ledger", ledger(&state).await?, before.clone())?;
    let last = before.1.last().context("there are events")?.clone();
    let again = DocumentChange::set(KIND, "b", "2".into());
    // A revision from before the deletion is worth nothing.
    let stale = state.record(of(again.clone().seen(Seen::Revision(gone)))).await?;
    ensure!(stale.is_err(), "{stale:?}");
    let numbers = record(&state, Record { documents: vec![again.seen(Seen::Absent)], events: vec![Fact::new("host", "boot")] }).await?;
    ensure!(numbers.iter().all(|number| *number > last.seq) && numbers.len() == 1, "{numbers:?} after {}", last.seq);
    let newest = state.history(HistoryQuery::newest(1)).await?;
    equal("moments", newest.iter().map(|event| event.at).collect(), vec![last.at])?;
    let there = state.document(KIND, "b").await?.context("b was written again")?.revision;
    ensure!(there > gone, "revision {there} after {gone}");
    state.close().await;
    stage.durable()?.check_integrity()
}
