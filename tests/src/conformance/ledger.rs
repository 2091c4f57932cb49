//! The host's own documents, and the records that change them.

use super::Rule;
use super::stage::{ROWS, Stage, State, TESTER, count, equal, everything, open, put, refused, text};
use anyhow::{Context, Result, anyhow, ensure};
use plugbay_state::{
    Code, Conflict, Document, DocumentChange, Event, Fact, HistoryQuery, Operation, Options, Owner, Record, Seen, StateLimits,
};

pub(super) const RULES: &[Rule] = &[
    Rule::new(&["ledger documents"], "a document is what was written last, byte for byte, and listed by name", |stage| {
        Box::pin(documents(stage))
    }),
    Rule::new(&["ledger documents"], "a revision grows with each write, and never comes again", |stage| Box::pin(revisions(stage))),
    Rule::new(&["ledger record"], "a record is made if every document is as it was seen", |stage| Box::pin(as_seen(stage))),
    Rule::new(&["ledger record"], "a conflict changes nothing, events included, and says what is there", |stage| {
        Box::pin(conflicts(stage))
    }),
    Rule::new(&["ledger record"], "texts of a record are bounded to the byte, and name value and bound", |stage| Box::pin(bytes(stage))),
    Rule::new(&["ledger record"], "a record has 1,000 documents and events at most", |stage| Box::pin(parts(stage))),
    Rule::new(&["ledger record", "ledger documents"], "kinds are words, names aren't empty, bodies and details are JSON", |stage| {
        Box::pin(senseless(stage))
    }),
    Rule::new(&["ledger record"], "a document is changed once in a record", |stage| Box::pin(twice(stage))),
    Rule::new(&["ledger record", "ledger documents", "ledger history"], "after close the ledger is unavailable", |stage| {
        Box::pin(closed(stage))
    }),
    Rule::new(&["ledger documents"], "nothing of the ledger counts as a plugin's, and nothing of a plugin's takes it along", |stage| {
        Box::pin(apart(stage))
    }),
    Rule::new(&["ledger record"], "records of many tasks at once lose nothing", |stage| Box::pin(tasks(stage))),
];

/// The kind of document that most rules are checked with.
pub(super) const KIND: &str = "grant";

/// A record of one document.
pub(super) fn of(change: DocumentChange) -> Record {
    Record { documents: vec![change], events: vec![] }
}

/// A record of these events.
pub(super) fn told(events: impl IntoIterator<Item = Fact>) -> Record {
    Record { documents: vec![], events: events.into_iter().collect() }
}

/// Records something that nobody else is quicker with.
pub(super) async fn record(state: &State, record: Record) -> Result<Vec<u64>> {
    state.record(record).await?.context("nobody else writes")
}

async fn body(state: &State, name: &str) -> Result<Option<String>> {
    Ok(state.document(KIND, name).await?.map(|document| document.body))
}

async fn revision(state: &State, name: &str) -> Result<u64> {
    Ok(state.document(KIND, name).await?.with_context(|| format!("there is no {name}"))?.revision)
}

/// All that the ledger holds of this kind, and the whole history.
pub(super) async fn ledger(state: &State) -> Result<(Vec<Document>, Vec<Event>)> {
    Ok((state.documents(KIND).await?, state.history(HistoryQuery::oldest(1_000)).await?))
}

async fn documents(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    equal("absent", state.document(KIND, "a").await?, None)?;
    for (name, body) in [("b", "1"), ("é", "2"), ("a", "3"), ("B", "4"), (" a", "5"), ("a", " {\"a\":\t[1,\"é😀\"] } ")] {
        record(&state, of(DocumentChange::set(KIND, name, body.into()))).await?;
    }
    record(&state, of(DocumentChange::set("other", "b", "6".into()))).await?;
    equal("a", body(&state, "a").await?.as_deref(), Some(" {\"a\":\t[1,\"é😀\"] } "))?;
    let listed: Vec<_> = state.documents(KIND).await?.into_iter().map(|document| (document.kind, document.name)).collect();
    equal("listed", listed, [" a", "B", "a", "b", "é"].map(|name| (KIND.to_owned(), name.to_owned())).to_vec())?;
    for _ in 0..2 {
        record(&state, of(DocumentChange::delete(KIND, "b"))).await?;
        equal("deleted", body(&state, "b").await?, None)?;
    }
    equal("another kind's", state.documents("other").await?.len(), 1)?;
    equal("left", state.documents(KIND).await?.len(), 4)
}

async fn revisions(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let mut seen = vec![0];
    for name in ["a", "a", "b", "a"] {
        // The same text is a write like any other.
        record(&state, of(DocumentChange::set(KIND, name, "1".into()))).await?;
        seen.push(revision(&state, name).await?);
        record(&state, of(DocumentChange::delete(KIND, name))).await?;
        record(&state, of(DocumentChange::set(KIND, name, "1".into()))).await?;
        seen.push(revision(&state, name).await?);
    }
    ensure!(seen.is_sorted_by(|earlier, later| earlier < later), "revisions were {seen:?}");
    let others = revision(&state, "b").await?;
    record(&state, told([Fact::new("host", "boot")])).await?;
    equal("a document that wasn't written", revision(&state, "b").await?, others)
}

async fn as_seen(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let first = DocumentChange::set(KIND, "a", "1".into()).seen(Seen::Absent);
    let fact = Fact::new("operator", "grant");
    equal("no events", record(&state, of(first)).await?, vec![])?;
    let there = Seen::Revision(revision(&state, "a").await?);
    let documents = vec![
        DocumentChange::set(KIND, "a", "2".into()).seen(there),
        DocumentChange::set(KIND, "b", "1".into()),
        DocumentChange::delete(KIND, "c").seen(Seen::Absent),
    ];
    let numbers = record(&state, Record { documents, events: vec![fact.clone(), fact.clone()] }).await?;
    let (documents, events) = ledger(&state).await?;
    equal("bodies", documents.iter().map(|document| document.body.as_str()).collect(), vec!["2", "1"])?;
    equal("numbers", events.iter().map(|event| event.seq).collect(), numbers)?;
    equal("events", events.len(), 2)?;
    let there = Seen::Revision(revision(&state, "a").await?);
    record(&state, of(DocumentChange::delete(KIND, "a").seen(there))).await?;
    equal("deleted as seen", body(&state, "a").await?, None)
}

async fn conflicts(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    for name in ["a", "a", "b"] {
        record(&state, of(DocumentChange::set(KIND, name, "1".into()))).await?;
    }
    let (a, b) = (revision(&state, "a").await?, revision(&state, "b").await?);
    let before = ledger(&state).await?;
    let (there, stale, never) = (Seen::Revision(a), Seen::Revision(a - 1), Seen::Revision(b + 1));
    for (name, seen, there) in
        [("a", Seen::Absent, there), ("a", stale, there), ("a", never, there), ("a", Seen::Revision(b), there), ("c", stale, Seen::Absent)]
    {
        for change in [DocumentChange::set(KIND, name, "2".into()), DocumentChange::delete(KIND, name)] {
            // What comes before and after the conflict would have been fine.
            let others = ["x", "y"].map(|other| DocumentChange::set(KIND, other, "1".into()).seen(Seen::Absent));
            let [first, last] = others;
            let documents = vec![first, DocumentChange::delete(KIND, "b"), change.seen(seen), last];
            let outcome = state.record(Record { documents, events: vec![Fact::new("operator", "grant")] }).await?;
            let expected = Conflict { kind: KIND.into(), name: name.into(), seen, there };
            ensure!(expected.to_string().contains(&format!("expected {seen}, there is {there}")), "{expected}");
            equal("outcome", outcome, Err(expected))?;
            equal("the ledger", ledger(&state).await?, before.clone())?;
        }
    }
    Ok(())
}

/// A fact, all of whose texts have so many bytes.
fn fact_of(bytes: usize, details: usize) -> Fact {
    let long = || Some("é".repeat(bytes / 2) + &"x".repeat(bytes % 2));
    let (plugin, from, to, why, details) = (long(), long(), long(), long(), Some(text(details)));
    Fact { who: "w".repeat(bytes), what: "w".repeat(64), plugin, from, to, why, details }
}

async fn bytes(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let largest = DocumentChange::set(KIND, &"n".repeat(4_096), text(262_144));
    let fact = fact_of(4_096, 16_384);
    record(&state, Record { documents: vec![largest.clone()], events: vec![fact.clone()] }).await?;
    equal("a name of 4,096 bytes", state.document(KIND, &largest.name).await?.map(|document| document.body), largest.body.clone())?;
    let before = ledger(&state).await?;
    let long = || "x".repeat(4_097);
    let nested = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let too_large = [
        (of(DocumentChange::set(KIND, "a", text(262_145))), "262145 bytes wanted, 262144 bytes allowed"),
        (of(DocumentChange::set(KIND, "a", nested.clone())), "65 levels wanted, 64 levels allowed"),
        (of(DocumentChange::set(KIND, &long(), "1".into())), "4097 bytes wanted, 4096 bytes allowed"),
        (told([Fact { who: long(), ..fact.clone() }]), "`who` of the event"),
        (told([Fact { plugin: Some(long()), ..fact.clone() }]), "`plugin` of the event"),
        (told([Fact { from: Some(long()), ..fact.clone() }]), "`from` of the event"),
        (told([Fact { to: Some(long()), ..fact.clone() }]), "`to` of the event"),
        (told([Fact { why: Some(long()), ..fact.clone() }]), "4097 bytes wanted, 4096 bytes allowed"),
        (told([fact.clone(), Fact { details: Some(text(16_385)), ..fact.clone() }]), "16385 bytes wanted, 16384 bytes allowed"),
        (told([Fact { details: Some(nested), ..fact.clone() }]), "65 levels wanted, 64 levels allowed"),
    ];
    for (unwelcome, sentence) in too_large {
        let error = refused(sentence, state.record(unwelcome).await, Code::LimitExceeded, Operation::Record)?;
        ensure!(error.message.contains(sentence), "expected {sentence:?} in {error}");
        equal("the ledger", ledger(&state).await?, before.clone())?;
    }
    let outcome = state.document(KIND, &long()).await;
    refused("a name of 4,097 bytes", outcome, Code::LimitExceeded, Operation::Document).map(drop)
}

async fn parts(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let most = |events: usize| Record {
        documents: (0..500).map(|n| DocumentChange::set(KIND, &n.to_string(), n.to_string())).collect(),
        events: vec![Fact::new("host", "boot"); events],
    };
    let error = refused("1,001 parts", state.record(most(501)).await, Code::LimitExceeded, Operation::Record)?;
    ensure!(error.message.contains("1001 documents and events wanted, 1000"), "{error}");
    equal("the ledger", ledger(&state).await?, (vec![], vec![]))?;
    let numbers = record(&state, most(500)).await?;
    let (documents, events) = ledger(&state).await?;
    equal("documents and events", (documents.len(), events.len()), (500, 500))?;
    equal("numbers", events.iter().map(|event| event.seq).collect(), numbers)
}

async fn senseless(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let fact = Fact::new("operator", "grant");
    for word in ["", "Grant", "a b", "1a", "-a", "a_b", "é", &"k".repeat(65)] {
        refused(word, state.documents(word).await, Code::InvalidInput, Operation::Documents)?;
        refused(word, state.document(word, "a").await, Code::InvalidInput, Operation::Document)?;
        let change = DocumentChange::delete(word, "a");
        refused(word, state.record(of(change)).await, Code::InvalidInput, Operation::Record)?;
        refused(word, state.record(told([Fact::new("operator", word)])).await, Code::InvalidInput, Operation::Record)?;
    }
    refused("no name", state.document(KIND, "").await, Code::InvalidInput, Operation::Document)?;
    let empty = || Some(String::new());
    let mut unwelcome = vec![
        of(DocumentChange::delete(KIND, "")),
        told([Fact::new("", "grant")]),
        told([Fact { plugin: empty(), ..fact.clone() }]),
        told([Fact { from: empty(), ..fact.clone() }]),
        told([Fact { to: empty(), ..fact.clone() }]),
        told([Fact { why: empty(), ..fact.clone() }]),
    ];
    for text in ["", "{", "1 2", "NaN", "[1,]"] {
        unwelcome.push(of(DocumentChange::set(KIND, "a", text.into())));
        unwelcome.push(told([Fact { details: Some(text.into()), ..fact.clone() }]));
    }
    for record in unwelcome {
        let what = format!("{record:?}");
        refused(&what, state.record(record).await, Code::InvalidInput, Operation::Record)?;
    }
    equal("the ledger", ledger(&state).await?, (vec![], vec![]))
}

async fn twice(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let change = |kind: &str| DocumentChange::set(kind, "a", "1".into());
    let documents = vec![change(KIND), change("other"), DocumentChange::delete(KIND, "a")];
    refused("twice", state.record(Record { documents, events: vec![] }).await, Code::InvalidInput, Operation::Record)?;
    equal("the ledger", ledger(&state).await?, (vec![], vec![]))?;
    record(&state, Record { documents: vec![change(KIND), change("other")], events: vec![] }).await?;
    equal("one name of two kinds", state.documents(KIND).await?.len() + state.documents("other").await?.len(), 2)
}

async fn closed(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    state.close().await;
    refused("closed", state.documents(KIND).await, Code::Unavailable, Operation::Documents)?;
    refused("closed", state.document(KIND, "a").await, Code::Unavailable, Operation::Document)?;
    refused("closed", state.record(Record::default()).await, Code::Unavailable, Operation::Record)?;
    refused("closed", state.history(HistoryQuery::newest(1)).await, Code::Unavailable, Operation::History).map(drop)
}

async fn apart(stage: &Stage) -> Result<()> {
    let state = stage.state_with(StateLimits { rows: count(1)?, total: count(10)?, ..StateLimits::default() })?;
    let documents = (0..50).map(|n| DocumentChange::set(KIND, &format!("{TESTER}-{n}"), text(100))).collect();
    let fact = Fact { plugin: Some(TESTER.into()), ..Fact::new("operator", "install") };
    record(&state, Record { documents, events: vec![fact] }).await?;
    let before = ledger(&state).await?;
    equal("namespaces", state.usage().await?, vec![])?;
    equal("rows", everything(&state).await?, vec![])?;
    let rows = open(&state, TESTER, ROWS, Options::up_to(10)).await?;
    put(&rows, "k", "1").await?;
    refused("a second row", rows.register("l", "1".into(), None).await, Code::LimitExceeded, Operation::Register)?;
    equal("rows", everything(&state).await?.len(), 1)?;
    let probe = state.probe().await;
    ensure!(probe.is_ok(), "{probe:?}");
    stage.clock.advance(1 << 40);
    equal("swept", state.sweep().await?, 0)?;
    equal("purged", state.purge(&Owner::new(TESTER)?).await?, 1)?;
    equal("the ledger", ledger(&state).await?, before)
}

/// Adds 1 to the document `n` and tells the history; answers the event's number, and how often somebody else was quicker.
pub(super) async fn add_one(state: &State, who: &str) -> Result<(u64, u64)> {
    for conflicts in 0..100_000 {
        let there = state.document(KIND, "n").await?;
        let before: u64 = there.as_ref().map_or(Ok(0), |document| document.body.parse())?;
        let seen = there.map_or(Seen::Absent, |document| Seen::Revision(document.revision));
        let change = DocumentChange::set(KIND, "n", (before + 1).to_string()).seen(seen);
        let fact = Fact { why: Some((before + 1).to_string()), ..Fact::new(who, "add") };
        if let Ok(numbers) = state.record(Record { documents: vec![change], events: vec![fact] }).await? {
            return Ok((*numbers.first().context("the event has no number")?, conflicts));
        }
    }
    Err(anyhow!("somebody else is quicker each time"))
}

/// Checks that all that was added is in the document and, in order, in the history; and that each number is its adder's.
pub(super) async fn all_added(state: &State, numbers: &[(String, Vec<u64>)]) -> Result<()> {
    let added: usize = numbers.iter().map(|(_, numbers)| numbers.len()).sum();
    let mut events: Vec<Event> = Vec::new();
    // No more than one page beyond what was added.
    while events.len() <= added {
        let page = state.history(HistoryQuery::oldest(100).after(events.last().map_or(0, |event| event.seq))).await?;
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    equal("the sum", body(state, "n").await?.as_deref(), Some(added.to_string().as_str()))?;
    let sums: Vec<_> = events.iter().map(|event| event.fact.why.clone().unwrap_or_default()).collect();
    equal("the history", sums, (1..=added).map(|n| n.to_string()).collect())?;
    for (who, numbers) in numbers {
        let theirs: Vec<_> = events.iter().filter(|event| event.fact.who == *who).map(|event| event.seq).collect();
        equal(&format!("the numbers of {who}"), &theirs, numbers)?;
    }
    Ok(())
}

async fn tasks(stage: &Stage) -> Result<()> {
    let state = stage.state()?;
    let tasks = (0..8).map(|task| {
        let (state, who) = (state.clone(), format!("task {task}"));
        tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..25 {
                numbers.push(add_one(&state, &who).await?.0);
                tokio::task::yield_now().await;
            }
            Ok::<_, anyhow::Error>((who, numbers))
        })
    });
    let mut numbers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        numbers.push(task.await??);
    }
    equal("added", numbers.iter().map(|(_, numbers)| numbers.len()).sum::<usize>(), 200)?;
    all_added(&state, &numbers).await
}
