//! How far engines are with a life, and the summaries of its beginning.

use super::{Stage, append, n, rules, said, turn};
use crate::assert_error;
use plugbay_state::{Code, Compaction, Cursor, EngineSpot, NewCompaction, Operation, RunStatus, SessionBounds, SessionStore, Untold};

rules! {
    an_engine_is_where_it_was_put,
    a_cursor_is_of_one_life_and_not_beyond_it,
    a_compaction_is_kept_byte_for_byte_with_its_time,
    a_compaction_is_of_one_life_and_not_beyond_it,
    a_compaction_goes_further_than_the_one_before,
    compactions_of_one_life_do_not_stand_in_the_way_of_the_next,
    compactions_come_oldest_first_and_the_newest_is_told,
    of_many_compactions_the_newest_thousand_come,
    of_large_compactions_the_newest_come,
    a_reset_takes_cursors_and_compactions,
    a_deletion_takes_cursors_and_compactions_of_that_session_only,
    an_engine_that_is_uninstalled_leaves_no_cursor,
    a_host_that_starts_finds_engines_where_they_were,
    a_run_that_ends_is_noted_where_the_engine_is,
}

fn at(engine: &str) -> EngineSpot<'_> {
    EngineSpot { engine, session: "main", life: "l1" }
}

fn cursor(entries: u64, untold: Option<&str>) -> Cursor {
    Cursor { entries, untold: untold.map(Into::into) }
}

fn summary(entries: u64) -> NewCompaction {
    NewCompaction { entries, summary: format!("the first {entries}"), tokens_before: 100, tokens_after: 10 }
}

/// `main` in its life `l1` with so many entries.
async fn with_entries(stage: Stage, entries: usize) -> Stage {
    let stage = stage.with_session().await;
    for text in vec!["x"; entries].chunks(1_000) {
        append(&*stage.state, "l1", text).await.unwrap();
    }
    stage
}

/// How many entries each compaction of this life of `main` covers.
async fn covered(state: &dyn SessionStore, life: &str) -> Vec<u64> {
    state.compactions("main", life).await.unwrap().iter().map(|compaction| compaction.entries).collect()
}

async fn an_engine_is_where_it_was_put(stage: Stage) {
    let Stage { state, clock, .. } = &with_entries(stage, 5).await;
    state.ensure_session("other", "l1").await.unwrap();
    assert_eq!(state.cursor(at("p")), Ok(None));
    clock.set(2_000);
    for there in [cursor(5, Some("r")), cursor(2, None), cursor(3, Some("s")), cursor(0, None)] {
        assert_eq!(state.put_cursor(at("p"), there.clone()).await, Ok(true));
        assert_eq!(state.cursor(at("p")), Ok(Some(there)));
    }
    assert_eq!(state.session("main").await.unwrap().unwrap().updated_at, 1_000, "nothing was said");
    assert_eq!(state.put_cursor(at("q"), cursor(4, None)).await, Ok(true));
    assert_eq!(state.cursor(at("p")), Ok(Some(cursor(0, None))), "another engine's is another");
    assert_eq!(state.cursor(EngineSpot { session: "other", ..at("p") }), Ok(None));
}

async fn a_cursor_is_of_one_life_and_not_beyond_it(stage: Stage) {
    let state = &with_entries(stage, 5).await.state;
    let there = cursor(5, None);
    state.put_cursor(at("p"), there.clone()).await.unwrap();
    for gone in [EngineSpot { life: "l2", ..at("p") }, EngineSpot { session: "nowhere", ..at("p") }] {
        assert_eq!((state.put_cursor(gone, cursor(1, None)).await, state.cursor(gone)), (Ok(false), Ok(None)));
    }
    let error = state.put_cursor(at("p"), cursor(6, Some("r"))).await.unwrap_err();
    assert_eq!(error.message, "the cursor is at 6 entries: expected 5 at most, which the life has");
    assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::PutCursor);
    assert_eq!(state.cursor(at("p")), Ok(Some(there)));
    state.reset_session("main", "l2").await.unwrap();
    append(&**state, "l2", &["a"]).await;
    let second = EngineSpot { life: "l2", ..at("p") };
    assert_error(state.put_cursor(second, cursor(2, None)).await, Code::InvalidInput, Operation::PutCursor);
    assert_eq!(state.put_cursor(second, cursor(1, None)).await, Ok(true));
}

async fn a_compaction_is_kept_byte_for_byte_with_its_time(stage: Stage) {
    let Stage { state, clock, .. } = &with_entries(stage, 5).await;
    assert_eq!((state.compaction("main", "l1"), state.compactions("main", "l1").await), (Ok(None), Ok(vec![])));
    clock.set(2_000);
    let new = NewCompaction { entries: 3, summary: " é\n\0😀 ".into(), tokens_before: 1 << 40, tokens_after: 7 };
    assert_eq!(state.put_compaction("main", "l1", new.clone()).await, Ok(true));
    let NewCompaction { entries, summary: text, tokens_before, tokens_after } = new;
    let kept = Compaction { entries, summary: text, tokens_before, tokens_after, at: 2_000 };
    assert_eq!((state.compaction("main", "l1"), state.compactions("main", "l1").await), (Ok(Some(kept.clone())), Ok(vec![kept])));
    assert_eq!(state.session("main").await.unwrap().unwrap().updated_at, 2_000);
    clock.set(500);
    state.put_compaction("main", "l1", summary(5)).await.unwrap();
    assert_eq!(state.compaction("main", "l1").unwrap().unwrap().at, 2_000, "time doesn't go back");
}

async fn a_compaction_is_of_one_life_and_not_beyond_it(stage: Stage) {
    let state = &with_entries(stage, 5).await.state;
    for (session, life) in [("main", "l2"), ("nowhere", "l1")] {
        assert_eq!(state.put_compaction(session, life, summary(1)).await, Ok(false));
        assert_eq!((state.compaction(session, life), state.compactions(session, life).await), (Ok(None), Ok(vec![])));
    }
    let error = state.put_compaction("main", "l1", summary(6)).await.unwrap_err();
    assert_eq!(error.message, "the compaction is at 6 entries: expected 5 at most, which the life has");
    assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::PutCompaction);
    assert_eq!(state.compaction("main", "l1"), Ok(None));
    assert_eq!(state.put_compaction("main", "l1", summary(5)).await, Ok(true));
    assert_eq!(state.compaction("main", "l2"), Ok(None));
}

async fn a_compaction_goes_further_than_the_one_before(stage: Stage) {
    let Stage { state, clock, .. } = &with_entries(stage, 5).await;
    assert_error(state.put_compaction("main", "l1", summary(0)).await, Code::InvalidInput, Operation::PutCompaction);
    state.put_compaction("main", "l1", summary(3)).await.unwrap();
    clock.set(2_000);
    for entries in [0, 2, 3] {
        let error = state.put_compaction("main", "l1", summary(entries)).await.unwrap_err();
        let wanted = "expected more than 3, which the life's newest covers (0: there is none)";
        assert_eq!(error.message, format!("the compaction is at {entries} entries: {wanted}"));
        assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::PutCompaction);
    }
    assert_eq!(covered(&**state, "l1").await, [3]);
    assert_eq!(state.session("main").await.unwrap().unwrap().updated_at, 1_000);
    assert_eq!(state.put_compaction("main", "l1", summary(4)).await, Ok(true));
}

async fn compactions_of_one_life_do_not_stand_in_the_way_of_the_next(stage: Stage) {
    let state = &with_entries(stage, 5).await.state;
    state.put_compaction("main", "l1", summary(4)).await.unwrap();
    state.reset_session("main", "l2").await.unwrap();
    append(&**state, "l2", &["a", "b"]).await;
    assert_error(state.put_compaction("main", "l2", summary(3)).await, Code::InvalidInput, Operation::PutCompaction);
    assert_eq!(state.put_compaction("main", "l2", summary(1)).await, Ok(true));
    assert_eq!(covered(&**state, "l2").await, [1]);
}

async fn compactions_come_oldest_first_and_the_newest_is_told(stage: Stage) {
    let state = &with_entries(stage, 200).await.state;
    for entries in [2, 9, 10, 100, 200] {
        state.put_compaction("main", "l1", summary(entries)).await.unwrap();
        assert_eq!(state.compaction("main", "l1").unwrap().unwrap().summary, format!("the first {entries}"));
    }
    assert_eq!(covered(&**state, "l1").await, [2, 9, 10, 100, 200]);
}

async fn of_many_compactions_the_newest_thousand_come(stage: Stage) {
    let most = SessionBounds::ANSWER;
    let state = &with_entries(stage, most + 2).await.state;
    for entries in 1..=most as u64 + 2 {
        state.put_compaction("main", "l1", summary(entries)).await.unwrap();
    }
    assert_eq!(covered(&**state, "l1").await, (3..=most as u64 + 2).collect::<Vec<_>>());
}

async fn of_large_compactions_the_newest_come(stage: Stage) {
    let state = &with_entries(stage.answering(100), 9).await.state;
    for (entries, bytes) in [(1, 1), (2, 50), (3, 49), (4, 51)] {
        let new = NewCompaction { summary: "x".repeat(bytes), ..summary(entries) };
        state.put_compaction("main", "l1", new).await.unwrap();
    }
    assert_eq!(covered(&**state, "l1").await, [3, 4], "100 bytes are enough for these");
    let large = NewCompaction { summary: "x".repeat(101), ..summary(5) };
    state.put_compaction("main", "l1", large).await.unwrap();
    assert_eq!(covered(&**state, "l1").await, [5], "one at least");
}

/// `main` and `other` with cursors of `p` and `q`, and a compaction each.
async fn furnished(stage: Stage) -> Stage {
    let stage = with_entries(stage, 5).await;
    let state = &stage.state;
    state.ensure_session("other", "l1").await.unwrap();
    state.append("other", "l1", vec![said("x"); 5]).await.unwrap();
    for session in ["main", "other"] {
        for engine in ["p", "q"] {
            let spot = EngineSpot { engine, session, life: "l1" };
            state.put_cursor(spot, cursor(2, Some("r"))).await.unwrap();
        }
        state.put_compaction(session, "l1", summary(3)).await.unwrap();
    }
    stage
}

const PLACES: [(&str, &str); 4] = [("main", "p"), ("main", "q"), ("other", "p"), ("other", "q")];

/// Where `p` and `q` are with `main` and `other` in this life, and how many compactions each has.
async fn left(state: &dyn SessionStore, life: &str) -> ([bool; 4], [usize; 2]) {
    let cursors = PLACES.map(|(session, engine)| state.cursor(EngineSpot { engine, session, life }).unwrap().is_some());
    let (main, other) = (state.compactions("main", life).await.unwrap(), state.compactions("other", life).await.unwrap());
    (cursors, [main.len(), other.len()])
}

async fn a_reset_takes_cursors_and_compactions(stage: Stage) {
    let state = &furnished(stage).await.state;
    assert_eq!(left(&**state, "l1").await, ([true; 4], [1, 1]));
    state.reset_session("main", "l2").await.unwrap();
    assert_eq!(left(&**state, "l1").await, ([false, false, true, true], [0, 1]));
    assert_eq!(left(&**state, "l2").await, ([false; 4], [0, 0]));
}

async fn a_deletion_takes_cursors_and_compactions_of_that_session_only(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.delete_session("main").await.unwrap();
    assert!(state.ensure_session("main", "l1").await.unwrap().is_new);
    assert_eq!(left(&**state, "l1").await, ([false, false, true, true], [0, 1]));
}

async fn an_engine_that_is_uninstalled_leaves_no_cursor(stage: Stage) {
    let state = &furnished(stage).await.state;
    state.forget_plugin("p", false).await.unwrap();
    assert_eq!(left(&**state, "l1").await, ([true; 4], [1, 1]));
    state.forget_plugin("p", true).await.unwrap();
    assert_eq!(left(&**state, "l1").await, ([false, true, false, true], [1, 1]));
}

async fn a_host_that_starts_finds_engines_where_they_were(stage: Stage) {
    let state = &furnished(stage).await.state;
    assert_eq!(state.recover().await, Ok((vec![], vec![])));
    assert_eq!(left(&**state, "l1").await, ([true; 4], [1, 1]));
    assert_eq!(state.cursor(at("p")), Ok(Some(cursor(2, Some("r")))));
}

async fn a_run_that_ends_is_noted_where_the_engine_is(stage: Stage) {
    let state = &with_entries(stage, 3).await.state;
    state.put_cursor(at("p"), cursor(2, Some("before"))).await.unwrap();
    state.put_cursor(at("q"), cursor(1, None)).await.unwrap();
    let untold = |engine, from_the_start| Untold { engine, from_the_start };
    // Who has seen it stays where it is; who hasn't is at the beginning, or takes over all of it one day.
    let cases = [
        ("r1", untold("p", true), Some(cursor(2, Some("r1")))),
        ("r2", untold("p", false), Some(cursor(2, Some("r2")))),
        ("r3", untold("new", true), Some(cursor(0, Some("r3")))),
        ("r4", untold("newer", false), None),
    ];
    for (run, untold, expected) in cases {
        state.begin_run(turn(run)).await.unwrap().unwrap();
        assert_eq!(state.end_run_untold(run, RunStatus::Done, None, untold).await, Ok(true));
        assert_eq!(state.cursor(at(untold.engine)), Ok(expected), "{run}");
        assert_eq!(state.runs("main", n(1)).await.unwrap()[0].status, RunStatus::Done, "{run}");
    }
    assert_eq!(state.end_run_untold("r1", RunStatus::Done, None, untold("q", true)).await, Ok(false), "it has ended");
    assert_eq!(state.cursor(at("q")), Ok(Some(cursor(1, None))), "so nothing is noted");
    state.begin_run(turn("r5")).await.unwrap().unwrap();
    let wrong = state.end_run_untold("r5", RunStatus::Done, None, untold(" bad", true)).await;
    assert_error(wrong, Code::InvalidInput, Operation::EndRun);
    state.reset_session("main", "l2").await.unwrap();
    assert_eq!(state.end_run_untold("r5", RunStatus::Done, None, untold("q", true)).await, Ok(true));
    assert_eq!(state.cursor(EngineSpot { life: "l2", ..at("q") }), Ok(None), "another life isn't its own");
}
