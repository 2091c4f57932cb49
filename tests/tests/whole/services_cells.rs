//! Generations that are held for a turn, and calls that can't wait for their plugin's usual cell.

use crate::counter::{refused, until};
use crate::services::{Fake, all, puppet, told, with};
use plugbay_engine::{CallError, Isolation};
use plugbay_guests::built;
use plugbay_runtime::{
    Answered, BeforeToolCall, Call, Chain, Grant, Grants, Order, Pinned, Plugin, Session, Settings, ToolDecision, Wanted,
};
use plugbay_tests::lab::{Lab, granted, tool_call};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn ask(plugin: &Plugin, call: &Call, tool: &str) -> Answered<ToolDecision> {
    plugin.serve::<BeforeToolCall>(call, &tool_call(tool, &json!({ "value": "1" }))).await
}

/// Which generation answered, in what kind of cell, which version, and for how many calls.
fn seen(answered: Answered<ToolDecision>) -> (u64, bool, String, u64) {
    let (generation, extra) = (answered.generation.unwrap(), answered.extra_cell);
    let said = told(answered);
    (generation, extra, said["version"].as_str().unwrap().to_owned(), said["calls"].as_u64().unwrap())
}

fn answer(answered: Answered<ToolDecision>) -> Result<Value, CallError> {
    answered.answer.map(|_| Value::Null)
}

async fn switch_off(lab: &Lab, plugin: &Plugin) {
    let wanted = Wanted { source: None, settings: granted(), runs: Err("an operator says so".into()), or_kept: true };
    lab.plugins.apply(plugin.id().clone(), wanted, Order::by("operator")).await.unwrap();
}

async fn switch_on(lab: &Lab, plugin: &Plugin, settings: Settings) {
    let wanted = Wanted { source: None, settings, runs: Ok(()), or_kept: true };
    lab.plugins.apply(plugin.id().clone(), wanted, Order::by("operator")).await.unwrap();
}

#[tokio::test]
async fn a_held_generation_answers_as_itself_after_a_swap() {
    let lab = crate::lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let pinned = plugin.pin().unwrap();
    let (call, event) = (Call::new(), tool_call("any", &json!({})));
    assert_eq!(seen(pinned.serve::<BeforeToolCall>(&call, &event).await), (1, false, "0.1.0".into(), 1), "while it serves it is usual");
    lab.load_built("echo", built::ECHO_TWO, granted()).await.unwrap();
    for _ in 0..9 {
        assert_eq!(seen(pinned.serve::<BeforeToolCall>(&call, &event).await), (1, true, "0.1.0".into(), 1), "fresh each time");
    }
    assert_eq!(seen(plugin.serve::<BeforeToolCall>(&call, &event).await), (2, false, "0.2.0".into(), 1));
    assert_eq!(pinned.generation().counted().find(|(hook, _)| *hook == "before-tool-call").unwrap().1.calls, 10, "all of them count");
    assert_eq!(plugin.pin().unwrap().generation().number(), 2);
    lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    assert_eq!(seen(pinned.serve::<BeforeToolCall>(&call, &event).await), (1, true, "0.1.0".into(), 1), "also after the next swap");
    until(|| lab.plugins.retired_cells() == 0).await;
}

#[tokio::test]
async fn a_held_generation_that_waits_during_a_swap_is_not_led_to_the_next() {
    let (lab, fake, plugin) = puppet(all()).await;
    fake.may_patch.forget_permits(100);
    let pinned = plugin.pin().unwrap();
    let call = Call::new().session(Session::new("main", "1"));
    let (patch, look) = (tool_call("patch", &json!({ "value": "1" })), tool_call("key", &json!({})));
    let (under_way, held, usual, ()) = tokio::join!(
        plugin.serve::<BeforeToolCall>(&call, &patch),
        pinned.serve::<BeforeToolCall>(&call, &look),
        plugin.serve::<BeforeToolCall>(&call, &look),
        async {
            until(|| fake.asked().iter().any(|line| line.starts_with("patch"))).await;
            switch_on(&lab, &plugin, with(json!({ "n": 1 }))).await;
            fake.may_patch.add_permits(1);
        },
    );
    let ended = |answered: &Answered<ToolDecision>| (answered.generation, answered.extra_cell, answered.answer.is_ok());
    assert_eq!(ended(&under_way), (Some(1), false, true));
    assert_eq!(ended(&held), (Some(1), true, true));
    assert_eq!(ended(&usual), (Some(2), false, true), "who doesn't hold it is led on");
}

#[tokio::test]
async fn a_held_generation_ends_with_its_plugin() {
    let lab = crate::lab();
    let (plugin, _) = lab.load_built("echo", built::ECHO_ONE, granted()).await.unwrap();
    let pinned = plugin.pin().unwrap();
    let (call, event) = (Call::new(), tool_call("any", &json!({})));
    lab.load_built("echo", built::ECHO_TWO, granted()).await.unwrap();
    switch_off(&lab, &plugin).await;
    assert!(plugin.pin().is_none());
    let (code, why) = refused(answer(pinned.serve::<BeforeToolCall>(&call, &event).await));
    assert_eq!((code, why.as_str()), ("disabled", "plugin `echo`: an operator says so"));
    switch_on(&lab, &plugin, granted()).await;
    let (code, _) = refused(answer(pinned.serve::<BeforeToolCall>(&call, &event).await));
    assert_eq!(code, "disabled", "it doesn't come back with the next");
    assert_eq!(seen(plugin.serve::<BeforeToolCall>(&call, &event).await).2, "0.2.0");
}

#[tokio::test]
async fn a_held_generation_does_not_outlive_what_was_taken_from_it() {
    let (lab, _, plugin) = puppet(all()).await;
    let pinned = plugin.pin().unwrap();
    switch_on(&lab, &plugin, with(json!({ "other": 1 }))).await;
    let look = tool_call("key", &json!({}));
    assert_eq!(told(pinned.serve::<BeforeToolCall>(&Call::new(), &look).await), json!({ "ok": "no session" }));
    let fewer = Grants { granted: Grant::ALL.into(), denied: [Grant::Events].into() };
    switch_on(&lab, &plugin, Settings { grants: fewer, ..all() }).await;
    let (code, why) = refused(answer(pinned.serve::<BeforeToolCall>(&Call::new(), &look).await));
    assert!(code == "replaced" && why.contains("`events`") && why.contains("`plugins.puppet.grants`"), "{code}: {why}");
    let usual = plugin.pin().unwrap();
    assert_eq!(told(usual.serve::<BeforeToolCall>(&Call::new(), &look).await), json!({ "ok": "no session" }));
}

/// Asks the puppet to queue something; its services call it again on behalf of that call, and so on.
async fn nested(fake: &Fake, plugin: &Arc<Plugin>) -> (Answered<ToolDecision>, Vec<Answered<ToolDecision>>) {
    assert!(fake.calls.set(plugin.clone()).is_ok());
    let call = Call::new().session(Session::new("main", "1"));
    let outermost = plugin.serve::<BeforeToolCall>(&call, &tool_call("enqueue", &json!({ "text": "t" }))).await;
    (outermost, std::mem::take(&mut *fake.nested.lock().unwrap()))
}

#[tokio::test]
async fn a_call_on_behalf_of_its_own_plugin_gets_a_cell_of_its_own() {
    let (lab, fake, plugin) = puppet(all()).await;
    let (outermost, nested) = nested(&fake, &plugin).await;
    assert!(!outermost.extra_cell);
    assert_eq!(told(outermost), json!({ "ok": ["i1", true] }));
    let (innermost, others) = nested.split_first().unwrap();
    let (code, why) = refused(answer(innermost.clone()));
    assert!(code == "busy" && why.contains("4 extra cells"), "{code}: {why}");
    assert_eq!(others.len(), 4);
    for answered in others.iter().cloned() {
        assert!(answered.extra_cell && answered.generation == Some(1));
        assert_eq!(told(answered), json!({ "ok": ["i1", true] }));
    }
    let chain = fake.asked().into_iter().rfind(|line| line.starts_with("enqueue")).unwrap();
    assert_eq!(chain.matches("puppet.before-tool-call").count(), 5, "each is told who waits for it: {chain}");
    until(|| lab.log.all().iter().filter(|(_, line)| line == "deactivate: DeactivationReason::Idle").count() == 4).await;
    assert_eq!(plugin.generation().unwrap().warm_cells(), 1, "they don't stay");
    let (tally, unserved) =
        plugin.generation().unwrap().counted().find(|(h, _)| *h == "before-tool-call").map(|(_, c)| (c.calls, c.unserved)).unwrap();
    assert_eq!((tally, unserved), (5, 1));
}

#[tokio::test]
async fn with_a_cell_for_each_call_only_those_of_one_chain_are_counted() {
    let (_lab, fake, plugin) = puppet(Settings { isolation: Some(Isolation::Call), ..all() }).await;
    let (outermost, nested) = nested(&fake, &plugin).await;
    assert!(!outermost.extra_cell && outermost.answer.is_ok());
    let (innermost, others) = nested.split_first().unwrap();
    assert_eq!(refused(answer(innermost.clone())).0, "busy", "a plugin that calls for itself comes to an end");
    assert_eq!(others.len(), 4);
    assert!(others.iter().all(|answered| answered.extra_cell && answered.answer.is_ok()));
    fake.may_patch.forget_permits(100);
    let many: Vec<_> = (0..9)
        .map(|_| {
            let call = Call::new().session(Session::new("main", "1")).within(Chain::default().with(plugin.id().clone(), "tools"));
            let plugin = plugin.clone();
            tokio::spawn(async move { ask(&plugin, &call, "patch").await })
        })
        .collect();
    let mut held = 0;
    until(|| {
        held += fake.asked().iter().filter(|line| line.starts_with("patch")).count();
        held == 9
    })
    .await;
    fake.may_patch.add_permits(9);
    for answered in many {
        let answered = answered.await.unwrap();
        assert!(answered.extra_cell && answered.answer.is_ok(), "of different chains there may be more");
    }
}

#[tokio::test]
async fn a_fault_in_an_extra_cell_counts_like_any() {
    let (lab, _, plugin) = puppet(all()).await;
    let pinned = plugin.pin().unwrap();
    switch_on(&lab, &plugin, with(json!({ "other": 1 }))).await;
    for n in 1..=5 {
        let panic = pinned.serve::<BeforeToolCall>(&Call::new(), &tool_call("panic", &json!({}))).await;
        assert!(panic.extra_cell && panic.answer.unwrap_err().consequence().counts_as_fault);
        assert_eq!(pinned.generation().faults(), n);
    }
    // The same component with other settings has the same breaker.
    let (code, _) = refused(answer(ask(&plugin, &Call::new(), "key").await));
    assert_eq!(code, "breaker-open");
    let (code, _) = refused(answer(pinned.serve::<BeforeToolCall>(&Call::new(), &tool_call("key", &json!({}))).await));
    assert_eq!(code, "breaker-open");
}

#[tokio::test]
async fn a_swap_leaves_extra_cells_alone_and_a_switch_cuts_them_off() {
    let soon = |config| Settings { drain: Duration::from_millis(20), ..with(config) };
    let (lab, fake, plugin) = puppet(soon(json!({}))).await;
    fake.may_patch.forget_permits(100);
    let pinned = plugin.pin().unwrap();
    switch_on(&lab, &plugin, soon(json!({ "n": 1 }))).await;
    let call = Call::new().session(Session::new("main", "1"));
    let patch = tool_call("patch", &json!({ "value": "1" }));
    let held = |pinned: Pinned| {
        let (call, patch) = (call.clone(), tool_call("patch", &json!({ "value": "1" })));
        tokio::spawn(async move { pinned.serve::<BeforeToolCall>(&call, &patch).await })
    };
    // One after the other, so that the first is the first to be let go on.
    let first = held(pinned.clone());
    until(|| fake.asked().iter().any(|line| line.starts_with("patch"))).await;
    let second = held(pinned.clone());
    until(|| fake.asked().iter().any(|line| line.starts_with("patch"))).await;
    // A usual call that outlives its drain is cut off; the extra ones aren't.
    let usual = {
        let (plugin, call) = (plugin.clone(), call.clone());
        tokio::spawn(async move { plugin.serve::<BeforeToolCall>(&call, &patch).await })
    };
    until(|| fake.asked().iter().any(|line| line.contains("by puppet 2"))).await;
    let look = tool_call("key", &json!({}));
    let beside = pinned.serve::<BeforeToolCall>(&call, &look).await;
    assert!(beside.extra_cell && beside.answer.is_ok(), "it doesn't stand in the line of what serves: {beside:?}");
    switch_on(&lab, &plugin, soon(json!({ "n": 2 }))).await;
    assert!(matches!(usual.await.unwrap().answer, Err(CallError::Cut(_))));
    fake.may_patch.add_permits(1);
    let done = first.await.unwrap();
    assert!(done.extra_cell && done.answer.is_ok(), "{done:?}");
    switch_off(&lab, &plugin).await;
    let cut = second.await.unwrap();
    assert!(cut.extra_cell && matches!(cut.answer, Err(CallError::Cut(_))), "{cut:?}");
    until(|| lab.plugins.retired_cells() == 0).await;
}
