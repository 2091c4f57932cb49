//! Runs: begun, ended, kept, recovered.

use super::{Stage, append, claimed, n, note, rules, said, texts, turn, waiting};
use crate::assert_error;
use plugbay_state::{Code, InjectionStatus, Interrupted, NewRun, Operation, Question, Queued, RunRow, RunStatus, SessionBounds, Window};

rules! {
    a_run_is_kept_with_how_it_ended,
    a_run_ends_once,
    a_run_has_an_id_of_its_own,
    only_a_running_run_shows,
    showing_marks_and_writes_together,
    runs_are_listed_newest_first,
    a_listing_of_runs_ends_where_its_bytes_do,
    the_last_thousand_runs_are_kept,
    a_run_that_still_runs_is_not_forgotten,
    a_host_that_starts_finds_what_its_predecessor_left,
    recovering_again_finds_nothing,
    recovering_gives_back_what_was_not_shown,
    what_was_shown_before_a_reset_does_not_come_back,
}

fn row(run: &str) -> RunRow {
    let NewRun { run, session, life, trigger, facts, .. } = turn(run);
    RunRow { run, session, life, trigger, facts, status: RunStatus::Running, began_at: 1_000, ended_at: None, error: None }
}

async fn a_run_is_kept_with_how_it_ended(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let ends = [RunStatus::Done, RunStatus::Failed, RunStatus::Cancelled, RunStatus::Blocked, RunStatus::Interrupted];
    for status in ends {
        clock.set(1_000);
        let name = format!("r-{status:?}");
        let asked = NewRun { trigger: "heartbeat".into(), facts: " {\"a\":1}".into(), ..turn(&name) };
        assert_eq!(state.begin_run(asked).await, Ok(Some(vec![])));
        let running = RunRow { trigger: "heartbeat".into(), facts: " {\"a\":1}".into(), ..row(&name) };
        assert_eq!(state.runs("main", n(1)).await.unwrap(), std::slice::from_ref(&running));
        // Set back, the clock lets nobody end before the beginning.
        clock.set(500);
        assert_eq!(state.end_run(&name, status, Some("why")).await, Ok(true));
        let ended = RunRow { status, ended_at: Some(1_000), error: Some("why".into()), ..running };
        assert_eq!(state.runs("main", n(1)).await, Ok(vec![ended]));
    }
    assert_error(state.end_run("r-Done", RunStatus::Running, None).await, Code::InvalidInput, Operation::EndRun);
}

async fn a_run_ends_once(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    assert_eq!(state.end_run("r", RunStatus::Done, None).await, Ok(false));
    state.begin_run(turn("r")).await.unwrap();
    clock.set(2_000);
    assert_eq!(state.end_run("r", RunStatus::Cancelled, None).await, Ok(true));
    clock.set(3_000);
    assert_eq!(state.end_run("r", RunStatus::Done, Some("no")).await, Ok(false));
    let ended = state.runs("main", n(1)).await.unwrap().remove(0);
    assert_eq!((ended.status, ended.ended_at, ended.error), (RunStatus::Cancelled, Some(2_000), None));
    assert_eq!(state.session("main").await.unwrap().unwrap().updated_at, 2_000);
}

async fn a_run_has_an_id_of_its_own(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.ensure_session("other", "l1").await.unwrap();
    state.begin_run(turn("r")).await.unwrap();
    state.inject(note("i"), "l1").await.unwrap();
    for again in [turn("r"), NewRun { session: "other".into(), ..turn("r") }] {
        assert_error(state.begin_run(again).await, Code::InvalidInput, Operation::BeginRun);
    }
    assert_eq!(waiting(&**state).await, [("i".into(), InjectionStatus::Pending)], "what is refused claims nothing");
    assert_eq!(state.runs("main", n(9)).await.unwrap().len(), 1);
}

async fn only_a_running_run_shows(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("i"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["i"]);
    assert_eq!(state.show("nobody", vec![said("x")]).await, Ok(None));
    state.end_run("r", RunStatus::Cancelled, None).await.unwrap();
    assert_eq!(state.show("r", vec![said("late")]).await, Ok(None), "another run may have it by now");
    assert_eq!(claimed(&**state, "s").await, ["i"]);
    assert_eq!(state.show("r", vec![said("late")]).await, Ok(None));
    assert_eq!(texts(&**state, "l1", Window::Newest(9)), Vec::<String>::new());
    assert_eq!(waiting(&**state).await, [("i".into(), InjectionStatus::Claimed)]);
}

async fn showing_marks_and_writes_together(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    state.inject(note("i"), "l1").await.unwrap();
    state.inject(note("j"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["i", "j"]);
    append(&**state, "l1", &["before"]).await;
    clock.set(1_700);
    assert_eq!(state.show("r", vec![said("asked"), said("shown")]).await, Ok(Some(vec![2, 3])));
    assert_eq!(texts(&**state, "l1", Window::Newest(9)), ["before", "asked", "shown"]);
    let session = state.session("main").await.unwrap().unwrap();
    assert_eq!((session.entries, session.updated_at), (3, 1_700));
    assert_eq!(waiting(&**state).await, vec![]);
}

async fn runs_are_listed_newest_first(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.ensure_session("other", "l1").await.unwrap();
    for run in ["b", "c", "a"] {
        state.begin_run(turn(run)).await.unwrap();
    }
    state.begin_run(NewRun { session: "other".into(), ..turn("z") }).await.unwrap();
    let listed = |limit| {
        let state = state.clone();
        async move { state.runs("main", n(limit)).await.unwrap().into_iter().map(|run| run.run).collect::<Vec<_>>() }
    };
    assert_eq!((listed(9).await, listed(2).await), (vec!["a".into(), "c".into(), "b".into()], vec!["a".into(), "c".into()]));
    assert_eq!(state.runs("nowhere", n(9)).await, Ok(vec![]));
    assert_error(state.runs("main", n(1_001)).await, Code::LimitExceeded, Operation::Runs);
}

async fn a_listing_of_runs_ends_where_its_bytes_do(stage: Stage) {
    let state = &stage.with_session().await.state;
    let large = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    for i in 0..9 {
        state.begin_run(NewRun { facts: large.clone(), ..turn(&format!("r{i}")) }).await.unwrap();
    }
    let listed: Vec<_> = state.runs("main", n(9)).await.unwrap().into_iter().map(|run| run.run).collect();
    assert_eq!((listed.len(), listed[0].as_str()), (8, "r8"));
}

async fn the_last_thousand_runs_are_kept(stage: Stage) {
    let state = &stage.with_session().await.state;
    let kept = usize::try_from(SessionBounds::RUNS).unwrap();
    for i in 0..kept + 2 {
        state.begin_run(turn(&format!("r{i:04}"))).await.unwrap();
        state.end_run(&format!("r{i:04}"), RunStatus::Done, None).await.unwrap();
    }
    let listed = state.runs("main", n(1_000)).await.unwrap();
    assert_eq!((listed.len(), listed[0].run.as_str(), listed[kept - 1].run.as_str()), (kept, "r1001", "r0002"));
    state.begin_run(turn("r0000")).await.unwrap();
}

async fn a_run_that_still_runs_is_not_forgotten(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.begin_run(turn("long")).await.unwrap();
    for i in 0..SessionBounds::RUNS + 1 {
        state.begin_run(turn(&format!("r{i:04}"))).await.unwrap();
        state.end_run(&format!("r{i:04}"), RunStatus::Done, None).await.unwrap();
    }
    assert_eq!(state.end_run("long", RunStatus::Done, None).await, Ok(true));
    state.begin_run(turn("another")).await.unwrap();
    assert_eq!(state.show("long", vec![]).await, Ok(None));
    state.begin_run(turn("long")).await.unwrap();
}

fn question(id: &str, run: Option<&str>, asked_at: u64) -> Question {
    Question {
        id: id.into(),
        plugin: "p".into(),
        session: Some("main".into()),
        run: run.map(Into::into),
        body: "{\"tool\":\"rm\"}".into(),
        asked_at,
    }
}

async fn a_host_that_starts_finds_what_its_predecessor_left(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    state.inject(note("shown"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["shown"]);
    state.show("r", vec![said("prompt")]).await.unwrap();
    clock.set(1_100);
    state.begin_run(turn("idle")).await.unwrap();
    state.begin_run(turn("over")).await.unwrap();
    state.end_run("over", RunStatus::Done, None).await.unwrap();
    for (id, run, at) in [("c", None, 1), ("b", Some("r"), 5), ("a", Some("r"), 7), ("d", Some("over"), 9)] {
        state.ask(question(id, run, at)).await.unwrap();
    }
    clock.set(2_000);
    let (interrupted, others) = state.recover().await.unwrap();
    assert_eq!(others, [question("c", None, 1), question("d", Some("over"), 9)]);
    let ended = |run, began_at| RunRow { status: RunStatus::Interrupted, began_at, ended_at: Some(2_000), ..row(run) };
    let [first, second] = <[Interrupted; 2]>::try_from(interrupted).unwrap();
    assert_eq!((first.run, first.questions), (ended("r", 1_000), vec![question("b", Some("r"), 5), question("a", Some("r"), 7)]));
    let shown: Vec<_> = first.shown.iter().map(|shown| (shown.asked.text.as_str(), shown.status, shown.run.as_deref())).collect();
    assert_eq!(shown, [("text of shown", InjectionStatus::Shown, Some("r"))]);
    assert_eq!(second, Interrupted { run: ended("idle", 1_100), shown: vec![], questions: vec![] });
    let statuses: Vec<_> = state.runs("main", n(9)).await.unwrap().into_iter().map(|run| (run.run, run.status)).collect();
    let expected = [("over", RunStatus::Done), ("idle", RunStatus::Interrupted), ("r", RunStatus::Interrupted)];
    assert_eq!(statuses, expected.map(|(run, status)| (run.to_owned(), status)));
    assert_eq!(state.answered("a").await, Ok(false));
}

async fn recovering_again_finds_nothing(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("i"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["i"]);
    state.show("r", vec![]).await.unwrap();
    state.ask(question("a", Some("r"), 1)).await.unwrap();
    assert_eq!(state.recover().await.unwrap().0[0].shown.len(), 1);
    assert_eq!(state.recover().await, Ok((vec![], vec![])));
    assert_eq!(state.inject(note("i"), "l1").await, Ok(Queued::Fresh));
    assert_eq!(claimed(&**state, "s").await, ["i"], "the one that was shown is spent");
}

async fn recovering_gives_back_what_was_not_shown(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    state.inject(note("a"), "l1").await.unwrap();
    clock.set(1_100);
    assert_eq!(claimed(&**state, "r").await, ["a"]);
    clock.set(1_200);
    state.inject(note("0"), "l1").await.unwrap();
    assert_eq!(state.recover().await.unwrap().0[0].shown, []);
    let pending = |id: &str| (id.to_owned(), InjectionStatus::Pending);
    assert_eq!(waiting(&**state).await, [pending("a"), pending("0")], "with its age");
    assert_eq!(state.show("r", vec![said("late")]).await, Ok(None));
    assert_eq!(state.end_run("r", RunStatus::Done, None).await, Ok(false));
    assert_eq!(claimed(&**state, "s").await, ["a", "0"]);
}

async fn what_was_shown_before_a_reset_does_not_come_back(stage: Stage) {
    let state = &stage.with_session().await.state;
    state.inject(note("a"), "l1").await.unwrap();
    assert_eq!(claimed(&**state, "r").await, ["a"]);
    state.reset_session("main", "l2").await.unwrap();
    let found = state.recover().await.unwrap().0;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].run.life.as_str(), found[0].shown.len()), ("l1", 0));
    assert_eq!(state.begin_run(NewRun { life: "l2".into(), ..turn("s") }).await, Ok(Some(vec![])));
}
