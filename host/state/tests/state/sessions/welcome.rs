//! What is welcome: names, JSON, bounds, each to the byte; and that closing ends it all.

use super::{Stage, n, note, rules, said, spot, turn};
use crate::assert_error;
use plugbay_state::{
    Code, Cursor, EngineSpot, MAX_TIME, NewCompaction, NewEntry, NewInjection, NewRun, NewSubagent, Operation, Question, Queued, RunStatus,
    SessionBounds, StateError, StateSpot, Window,
};

rules! {
    names_are_512_bytes_without_control_characters_or_space_around,
    a_wrong_name_of_a_session_is_named_by_its_operation,
    a_wrong_name_of_a_plugin_or_a_run_is_named_by_its_operation,
    a_wrong_name_of_an_engine_or_a_subagent_is_named_by_its_operation,
    texts_are_bounded_to_the_byte,
    summaries_and_tickets_are_bounded_to_the_byte,
    json_is_json,
    roles_are_four,
    times_are_moments,
    what_is_refused_changes_nothing,
}

async fn names_are_512_bytes_without_control_characters_or_space_around(Stage { state, .. }: Stage) {
    for (i, good) in ["a", "agent:main chat/#1", &"é".repeat(256)].into_iter().enumerate() {
        assert!(state.ensure_session(good, &format!("l{i}")).await.unwrap().is_new, "{good:?}");
    }
    for wrong in ["", " a", "a ", "\u{a0}a", "a\nb", "a\0", "\u{7f}", "a\u{85}b"] {
        assert_error(state.ensure_session(wrong, "l1").await, Code::InvalidInput, Operation::EnsureSession);
        assert_error(state.ensure_session("b", wrong).await, Code::InvalidInput, Operation::EnsureSession);
    }
    let error = state.ensure_session(&"x".repeat(513), "l1").await.unwrap_err();
    assert_eq!(error.message, "the session's key: 513 bytes wanted, 512 bytes allowed (fixed, no setting changes it)");
    assert_error(Err::<(), _>(error), Code::LimitExceeded, Operation::EnsureSession);
}

/// What an operation says to a wrong name.
fn said_to<T>(outcome: Result<T, StateError>) -> (Operation, Code) {
    let error = outcome.err().unwrap();
    (error.operation, error.code)
}

async fn a_wrong_name_of_a_session_is_named_by_its_operation(stage: Stage) {
    let (state, bad) = (&stage.with_session().await.state, " bad");
    let said_to_all = [
        said_to(state.session(bad).await),
        said_to(state.sessions(Some(bad), n(1)).await),
        said_to(state.reset_session("main", bad).await),
        said_to(state.delete_session(bad).await),
        said_to(state.append("main", bad, vec![]).await),
        said_to(state.append("main", "l1", vec![NewEntry { tool_call_id: Some(bad.into()), ..said("x") }]).await),
        said_to(state.append("main", "l1", vec![NewEntry { run: Some(bad.into()), ..said("x") }]).await),
        said_to(state.entries(bad, "l1", Window::Newest(1))),
        said_to(state.entry("main", bad, 1)),
        said_to(state.count_entries(bad, "l1")),
        said_to(state.runs(bad, n(1)).await),
        said_to(state.injections(bad).await),
        said_to(state.meet("p", bad).await),
    ];
    use Operation::*;
    let operations =
        [Session, Sessions, ResetSession, DeleteSession, Append, Append, Append, Entries, Entry, CountEntries, Runs, Injections, Meet];
    assert_eq!(said_to_all, operations.map(|operation| (operation, Code::InvalidInput)));
    assert_eq!(CountEntries.as_str(), "count-entries");
}

async fn a_wrong_name_of_a_plugin_or_a_run_is_named_by_its_operation(stage: Stage) {
    let (state, bad) = (&stage.with_session().await.state, " bad");
    let question = Question { id: bad.into(), plugin: "p".into(), session: None, run: None, body: "1".into(), asked_at: 0 };
    let said_to_all = [
        said_to(state.begin_run(turn(bad)).await),
        said_to(state.begin_run(NewRun { trigger: bad.into(), ..turn("r") }).await),
        said_to(state.show(bad, vec![]).await),
        said_to(state.end_run(bad, RunStatus::Done, None).await),
        said_to(state.inject(note(bad), "l1").await),
        said_to(state.inject(NewInjection { plugin: bad.into(), ..note("i") }, "l1").await),
        said_to(state.inject(NewInjection { key: Some(bad.into()), ..note("i") }, "l1").await),
        said_to(state.put_state(spot("p", bad), None, None).await),
        said_to(state.state_of(spot(bad, "n"))),
        said_to(state.forget_plugin(bad, true).await),
        said_to(state.met(bad, "main").await),
        said_to(state.ask(question).await),
        said_to(state.answered(bad).await),
    ];
    use Operation::*;
    let operations = [BeginRun, BeginRun, Show, EndRun, Inject, Inject, Inject, PutState, StateOf, ForgetPlugin, Met, Ask, Answered];
    assert_eq!(said_to_all, operations.map(|operation| (operation, Code::InvalidInput)));
}

fn subagent() -> NewSubagent {
    let (session, plugin, name, parent) = ("p/a".into(), "p".into(), "a".into(), "main".into());
    NewSubagent { session, plugin, name, parent, depth: 1, engine: Some("e".into()), ticket: None }
}

async fn a_wrong_name_of_an_engine_or_a_subagent_is_named_by_its_operation(stage: Stage) {
    let (state, bad) = (&stage.with_session().await.state, " bad");
    let at = EngineSpot { engine: "e", session: "main", life: "l1" };
    let (cursor, name) = (|untold: Option<&str>| Cursor { entries: 0, untold: untold.map(Into::into) }, || bad.to_owned());
    let compaction = NewCompaction { entries: 1, summary: "x".into(), tokens_before: 1, tokens_after: 1 };
    let said_to_all = [
        said_to(state.cursor(EngineSpot { engine: bad, ..at })),
        said_to(state.cursor(EngineSpot { session: bad, ..at })),
        said_to(state.put_cursor(EngineSpot { life: bad, ..at }, cursor(None)).await),
        said_to(state.put_cursor(at, cursor(Some(bad))).await),
        said_to(state.compaction(bad, "l1")),
        said_to(state.compactions("main", bad).await),
        said_to(state.put_compaction(bad, "l1", compaction).await),
        said_to(state.add_subagent(NewSubagent { session: name(), ..subagent() }).await),
        said_to(state.add_subagent(NewSubagent { plugin: name(), ..subagent() }).await),
        said_to(state.add_subagent(NewSubagent { name: name(), ..subagent() }).await),
        said_to(state.add_subagent(NewSubagent { parent: name(), ..subagent() }).await),
        said_to(state.add_subagent(NewSubagent { engine: Some(name()), ..subagent() }).await),
        said_to(state.subagent(bad, "a").await),
        said_to(state.subagent_at(bad).await),
        said_to(state.subagents(Some(bad)).await),
        said_to(state.mark_deleting("p", bad).await),
        said_to(state.forget_subagent("p", bad).await),
        said_to(state.set_ticket("p", bad, None, None).await),
        said_to(state.set_ticket("p", "a", Some(name()), None).await),
    ];
    use Operation::{AddSubagent, Compaction, Compactions, ForgetSubagent, MarkDeleting, PutCompaction, PutCursor, SetTicket};
    let of_contexts = [Operation::Cursor, Operation::Cursor, PutCursor, PutCursor, Compaction, Compactions, PutCompaction];
    let of_subagents =
        [Operation::Subagent, Operation::SubagentAt, Operation::Subagents, MarkDeleting, ForgetSubagent, SetTicket, SetTicket];
    let operations: Vec<_> = of_contexts.into_iter().chain([AddSubagent; 5]).chain(of_subagents).collect();
    assert_eq!(said_to_all.to_vec(), operations.into_iter().map(|operation| (operation, Code::InvalidInput)).collect::<Vec<_>>());
    assert_eq!((PutCompaction.as_str(), Operation::SubagentAt.as_str()), ("put-compaction", "subagent-at"));
}

async fn summaries_and_tickets_are_bounded_to_the_byte(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.append("main", "l1", vec![said("x")]).await.unwrap();
    let whole = NewCompaction { entries: 1, summary: "x".into(), tokens_before: i64::MAX as u64, tokens_after: i64::MAX as u64 };
    let put = |new: NewCompaction| state.put_compaction("main", "l1", new);
    let text = |bytes: usize| NewCompaction { summary: "é".repeat(bytes / 2), ..whole.clone() };
    assert_error(put(text(SessionBounds::SUMMARY + 2)).await, Code::LimitExceeded, Operation::PutCompaction);
    let blank = NewCompaction { summary: " \n\u{a0}".into(), ..whole.clone() };
    let beyond = i64::MAX as u64 + 1;
    let (before, after) =
        (NewCompaction { tokens_before: beyond, ..whole.clone() }, NewCompaction { tokens_after: beyond, ..whole.clone() });
    for wrong in [text(0), blank, before, after] {
        assert_error(put(wrong).await, Code::InvalidInput, Operation::PutCompaction);
    }
    assert_eq!((state.compaction("main", "l1"), put(text(SessionBounds::SUMMARY)).await), (Ok(None), Ok(true)));
    let kept = state.compaction("main", "l1").unwrap().unwrap();
    assert_eq!((kept.summary.len(), kept.tokens_before, kept.tokens_after), (256 << 10, i64::MAX as u64, i64::MAX as u64));
    let ticket = |bytes: usize| Some("é".repeat(bytes / 2));
    let most = SessionBounds::TICKET;
    let large = NewSubagent { ticket: ticket(most + 2), ..subagent() };
    assert_error(state.add_subagent(large).await, Code::LimitExceeded, Operation::AddSubagent);
    assert_eq!(state.add_subagent(NewSubagent { ticket: ticket(most), ..subagent() }).await, Ok(true));
    assert_error(state.set_ticket("p", "a", Some("e".into()), ticket(most + 2)).await, Code::LimitExceeded, Operation::SetTicket);
    assert_eq!(state.subagent("p", "a").await.unwrap().unwrap().ticket.unwrap().len(), 4 << 10);
}

fn json(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

async fn texts_are_bounded_to_the_byte(stage: Stage) {
    let state = &stage.with_session().await.state;
    let (content, meta) = (SessionBounds::CONTENT, SessionBounds::META);
    let entry = |content, meta| vec![NewEntry { content: json(content), meta: Some(json(meta)), ..said("x") }];
    assert_eq!(state.append("main", "l1", entry(content, meta)).await, Ok(Some(vec![1])));
    for large in [entry(content + 1, 2), entry(2, meta + 1)] {
        assert_error(state.append("main", "l1", large).await, Code::LimitExceeded, Operation::Append);
    }
    let facts = |run: &str, bytes| NewRun { facts: json(bytes), ..turn(run) };
    assert_eq!(state.begin_run(facts("r", meta)).await, Ok(Some(vec![])));
    assert_error(state.begin_run(facts("s", meta + 1)).await, Code::LimitExceeded, Operation::BeginRun);
    assert_error(state.end_run("r", RunStatus::Failed, Some(&"x".repeat(meta + 1))).await, Code::LimitExceeded, Operation::EndRun);
    assert_eq!(state.end_run("r", RunStatus::Failed, Some(&"x".repeat(meta))).await, Ok(true));
    let injection = |text: String, metadata| NewInjection { text, metadata: Some(json(metadata)), ..note("i") };
    let (characters, most) = (SessionBounds::INJECTION, SessionBounds::STATE);
    for large in [injection("é".repeat(characters + 1), 2), injection("x".into(), most + 1)] {
        assert_error(state.inject(large, "l1").await, Code::LimitExceeded, Operation::Inject);
    }
    assert_eq!(state.inject(injection(format!(" {} ", "é".repeat(characters)), most), "l1").await, Ok(Queued::Fresh));
    let put = |value, shown| state.put_state(spot("p", "n"), Some(json(value)), Some(json(shown)));
    assert_error(put(most + 1, 2).await, Code::LimitExceeded, Operation::PutState);
    assert_error(put(2, most + 1).await, Code::LimitExceeded, Operation::PutState);
    assert_eq!(put(most, most).await, Ok(Some(false)));
    let question = |body| Question { id: "q".into(), plugin: "p".into(), session: None, run: None, body: json(body), asked_at: 0 };
    assert_error(state.ask(question(meta + 1)).await, Code::LimitExceeded, Operation::Ask);
    state.ask(question(meta)).await.unwrap();
}

async fn json_is_json(stage: Stage) {
    let state = &stage.with_session().await.state;
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    state.append("main", "l1", vec![NewEntry { content: deep(64), ..said("x") }]).await.unwrap();
    let refused = |wrong: &'static str, code| async move {
        let text = if wrong == "deep" { deep(65) } else { wrong.to_owned() };
        let wrong = || Some(text.clone());
        assert_error(state.append("main", "l1", vec![NewEntry { content: text.clone(), ..said("") }]).await, code, Operation::Append);
        assert_error(state.append("main", "l1", vec![NewEntry { meta: wrong(), ..said("") }]).await, code, Operation::Append);
        assert_error(state.begin_run(NewRun { facts: text.clone(), ..turn("r") }).await, code, Operation::BeginRun);
        assert_error(state.inject(NewInjection { metadata: wrong(), ..note("i") }, "l1").await, code, Operation::Inject);
        assert_error(state.put_state(spot("p", "n"), wrong(), None).await, code, Operation::PutState);
        assert_error(state.put_state(spot("p", "n"), Some("1".into()), wrong()).await, code, Operation::PutState);
        let question = Question { id: "q".into(), plugin: "p".into(), session: None, run: None, body: text.clone(), asked_at: 0 };
        assert_error(state.ask(question).await, code, Operation::Ask);
    };
    refused("", Code::InvalidInput).await;
    refused("{\"a\":}", Code::InvalidInput).await;
    refused("1 2", Code::InvalidInput).await;
    refused("deep", Code::LimitExceeded).await;
}

async fn roles_are_four(stage: Stage) {
    let state = &stage.with_session().await.state;
    for role in ["system", "user", "assistant", "tool"] {
        state.append("main", "l1", vec![NewEntry { role: role.into(), ..said("x") }]).await.unwrap();
    }
    for role in ["", "User", "developer"] {
        let error = state.append("main", "l1", vec![NewEntry { role: role.into(), ..said("x") }]).await.unwrap_err();
        assert_eq!(error.message, format!("the entry's role is {role:?}: expected one of system, user, assistant, tool"));
        assert_error(Err::<(), _>(error), Code::InvalidInput, Operation::Append);
    }
}

async fn times_are_moments(stage: Stage) {
    let state = &stage.with_session().await.state;
    let later = NewInjection { ttl_ms: Some(MAX_TIME + 1), ..note("i") };
    assert_error(state.inject(later, "l1").await, Code::InvalidInput, Operation::Inject);
    let question = Question { id: "q".into(), plugin: "p".into(), session: None, run: None, body: "1".into(), asked_at: MAX_TIME + 1 };
    assert_error(state.ask(question).await, Code::InvalidInput, Operation::Ask);
    for empty in ["", " \n\u{a0} "] {
        let nothing = NewInjection { text: empty.into(), ..note("i") };
        assert_error(state.inject(nothing, "l1").await, Code::InvalidInput, Operation::Inject);
    }
}

async fn what_is_refused_changes_nothing(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let before = state.session("main").await;
    clock.set(2_000);
    let wrong = NewEntry { role: "nobody".into(), ..said("x") };
    state.append("main", "l1", vec![said("fine"), wrong.clone()]).await.unwrap_err();
    state.begin_run(turn("r")).await.unwrap();
    let begun = state.session("main").await;
    state.show("r", vec![said("fine"), wrong]).await.unwrap_err();
    assert_eq!((state.session("main").await, state.count_entries("main", "l1")), (begun.clone(), Ok(0)));
    assert_eq!(begun.unwrap().unwrap().entries, before.unwrap().unwrap().entries);
    let at = StateSpot { namespace: "", ..spot("p", "n") };
    state.put_state(at, Some("1".into()), None).await.unwrap_err();
    assert_eq!(state.session("main").await.unwrap().unwrap().shown, []);
}
