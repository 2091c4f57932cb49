//! Who waits too long, and what is done about it.

use super::*;
use crate::sweep::{NAME, TAG};
use plugbay_sdk::schedule::fake::{Moment, Scheduled, Task};

/// The turns that are scheduled.
fn turns() -> Vec<Scheduled> {
    schedule::fake::scheduled().into_iter().filter(|known| matches!(known.task, Task::Turn { .. })).collect()
}

#[test]
fn one_timer_is_set_however_often_the_plugin_starts() {
    for (every, reason) in
        [("* * * * *", ActivationReason::Install), ("* * * * *", ActivationReason::Boot), ("*/5 * * * *", ActivationReason::Swap)]
    {
        plugin(json!({ "every": every })).started(reason).unwrap();
        let jobs = schedule::fake::scheduled();
        let Moment::Cron(cron) = &jobs[0].plan.when else { panic!("{:?}", jobs[0].plan.when) };
        assert_eq!((jobs.len(), cron.expression.as_str(), cron.zone.as_deref()), (1, every, Some("UTC")));
        assert_eq!((jobs[0].job.name.as_deref(), jobs[0].job.tag.as_deref()), (Some(NAME), Some(TAG)));
        assert_eq!(jobs[0].plan.catch_up, Some(schedule::CatchUp::Skip));
    }
}

#[test]
fn nothing_is_done_before_the_target_and_then_once() {
    let plugin = plugin(json!({}));
    write(&plugin, 14);
    sweep(&plugin);
    assert_eq!((turns().len(), today().breaches), (0, 0));
    store::fake::reset();
    write(&plugin, 16);
    (0..3).for_each(|_| sweep(&plugin));
    let turns = turns();
    assert_eq!((turns.len(), today().breaches), (1, 1));
    let Task::Turn { session, message, announce: true } = &turns[0].task else { panic!("{:?}", turns[0].task) };
    assert!(session == "chat" && message.contains("ada waits for an answer since 2") && message.contains("16 min ago"), "{message}");
    assert!(message.contains("the target is 15 min. Answer now"), "{message}");
    assert_eq!((turns[0].job.tag.as_deref(), turns[0].job.name.as_deref()), (Some("sla"), Some("answer-chat-1")));
    assert!(sla(&plugin).contains("the agent was asked to answer 1 of 1"));
}

#[test]
fn an_answer_takes_back_what_was_to_bring_it_and_counts_as_late() {
    let plugin = plugin(json!({}));
    plugin.started(ActivationReason::Install).unwrap();
    write(&plugin, 20);
    sweep(&plugin);
    assert_eq!(turns().len(), 1);
    sent(&plugin, now(), None);
    assert_eq!((turns().len(), schedule::jobs().unwrap().len()), (0, 1), "the timer stays");
    assert_eq!(today(), Day { answered: 1, late: 1, breaches: 1, longest: today().longest });
    write(&plugin, 20);
    sweep(&plugin);
    assert_eq!((turns().len(), today().breaches), (1, 2), "another one");
}

#[test]
fn while_the_agent_is_at_work_it_is_only_counted() {
    let plugin = plugin(json!({}));
    write(&plugin, 20);
    begin(&plugin, Trigger::User);
    sweep(&plugin);
    assert_eq!((turns().len(), today().breaches), (0, 1));
    end(&plugin, Some("the model is down"));
    sweep(&plugin);
    let Task::Turn { message, .. } = &turns()[0].task else { panic!() };
    assert!(message.contains("The last turn failed: the model is down."), "{message}");
    assert_eq!(today().breaches, 1);
    Waits::open(&plugin.settings)
        .unwrap()
        .mark("chat-1", |wait| {
            (wait.asked, wait.turn) = (0, Some(now() - 61 * MINUTE));
            true
        })
        .unwrap();
    sweep(&plugin);
    assert_eq!(waits(&plugin).unwrap().asked, 1, "a turn of an hour ago died with its host");
}

#[test]
fn a_note_is_queued_for_the_next_turn() {
    let plugin = plugin(json!({ "then": "note", "attempts": 2, "target-minutes": 1 }));
    write(&plugin, 2);
    (0..3).for_each(|_| sweep(&plugin));
    let notes = injections::fake::take("chat");
    assert_eq!((notes.len(), waits(&plugin).unwrap().asked), (1, 1));
    assert!(notes[0].text().starts_with("sla-monitor: ada waits") && turns().is_empty());
    Waits::open(&plugin.settings)
        .unwrap()
        .mark("chat-1", |wait| {
            wait.asked_at -= MINUTE;
            true
        })
        .unwrap();
    (0..3).for_each(|_| sweep(&plugin));
    assert_eq!((injections::fake::take("chat").len(), waits(&plugin).unwrap().asked), (1, 2), "again, a target later, and no more");
}

#[test]
fn an_event_is_emitted_in_the_next_turn() {
    let plugin = plugin(json!({ "then": "event" }));
    write(&plugin, 20);
    sweep(&plugin);
    assert!(events::fake::emitted().is_empty() && turns().is_empty() && injections::fake::take("chat").is_empty());
    begin(&plugin, Trigger::User);
    begin(&plugin, Trigger::User);
    let emitted = events::fake::emitted();
    assert_eq!((emitted.len(), emitted[0].0.as_str()), (1, "sla-monitor.breach"));
    let data: Value = serde_json::from_str(&emitted[0].1).unwrap();
    assert_eq!((&data["session"], &data["who"], &data["target-ms"]), (&json!("chat"), &json!("ada"), &json!(15 * MINUTE)));
    assert!(data["waited-ms"].as_u64().unwrap() >= 20 * MINUTE);
}

#[test]
fn one_session_that_is_gone_or_full_keeps_nobody_from_being_looked_at() {
    let plugin = plugin(json!({ "then": "note" }));
    for session in ["a", "b", "c"] {
        plugin.message_received(&by(session, "eve"), Message { at: now() - 30 * MINUTE, ..Message::new("m", "x") }).unwrap();
    }
    sessions::fake::delete("a");
    let full = sessions::fake::session("b");
    (0..32).for_each(|number| drop(Injection::new(format!("{number}")).enqueue(&full).unwrap()));
    write(&plugin, 20);
    sessions::fake::reset("c");
    sweep(&plugin);
    assert_eq!((injections::fake::take("chat").len(), today().breaches), (1, 2));
    let left: Vec<String> = Waits::open(&plugin.settings).unwrap().all().unwrap().into_iter().map(|(life, _)| life).collect();
    assert_eq!(left, ["b-1", "chat-1"], "where a life is over, nobody waits");
}
