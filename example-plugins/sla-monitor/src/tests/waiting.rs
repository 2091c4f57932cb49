//! Who waits, and until when.

use super::*;
use plugbay_sdk::run_context;

#[test]
fn somebody_waits_from_the_first_message_until_an_answer_is_taken() {
    let plugin = plugin(json!({}));
    write(&plugin, 5);
    write(&plugin, 3);
    let wait = waits(&plugin).unwrap();
    assert_eq!((wait.messages, wait.who.as_deref()), (2, Some("ada")));
    assert_eq!((now() - wait.since) / MINUTE, 5);
    sent(&plugin, now(), Some("nobody listens to the turn any more"));
    assert!(waits(&plugin).unwrap().failed.unwrap().contains("its answer wasn't taken: nobody listens"));
    sent(&plugin, now(), None);
    assert_eq!(waits(&plugin), None);
    let Day { answered, late, breaches, longest } = today();
    assert_eq!((answered, late, breaches, longest / MINUTE), (1, 0, 0, 5));
    sent(&plugin, now(), None);
    assert_eq!(today().answered, 1, "nobody waited");
}

#[test]
fn who_writes_after_an_answer_waits_on() {
    let plugin = plugin(json!({}));
    write(&plugin, 1);
    sent(&plugin, now() - 2 * MINUTE, None);
    assert!(waits(&plugin).is_some(), "that answer was for somebody else");
}

#[test]
fn the_first_message_of_a_session_is_known_by_its_turn() {
    let plugin = plugin(json!({}));
    plugin.message_received(&Call { session: None, ..chat() }, Message::new("m", "Hello?")).unwrap();
    assert_eq!(waits(&plugin), None);
    begin(&plugin, Trigger::Heartbeat);
    assert_eq!(waits(&plugin), None, "nobody wrote");
    begin(&plugin, Trigger::User);
    let wait = waits(&plugin).unwrap();
    assert_eq!((wait.who.as_deref(), wait.turn.is_some(), wait.messages), (Some("ada"), true, 0));
    end(&plugin, None);
    assert_eq!((waits(&plugin), today().answered), (None, 1));
}

#[test]
fn a_turn_that_fails_leaves_people_waiting_and_one_that_they_cancel_does_not() {
    let plugin = plugin(json!({}));
    write(&plugin, 1);
    begin(&plugin, Trigger::User);
    end(&plugin, Some("the model didn't answer"));
    let wait = waits(&plugin).unwrap();
    assert_eq!((wait.turn, wait.failed.as_deref()), (None, Some("the model didn't answer")));
    assert!(sla(&plugin).contains("the last turn failed: the model didn't answer"));
    begin(&plugin, Trigger::User);
    end(&plugin, Some("cancelled"));
    assert_eq!((waits(&plugin), today().answered), (None, 0));
}

#[test]
fn a_turn_for_nobody_and_one_that_began_before_answer_nobody() {
    let plugin = plugin(json!({}));
    write(&plugin, 1);
    begin(&plugin, Trigger::Heartbeat);
    end(&plugin, None);
    assert_eq!(waits(&plugin).unwrap().turn, None);
    sent(&plugin, now(), None);
    begin(&plugin, Trigger::Heartbeat);
    write(&plugin, 0);
    end(&plugin, None);
    assert!(waits(&plugin).is_some());
}

#[test]
fn who_writes_during_a_turn_waits_for_an_answer_of_their_own() {
    let plugin = plugin(json!({}));
    write(&plugin, 20);
    begin(&plugin, Trigger::User);
    let at = now();
    write_at(&plugin, "eve", at + 10);
    write_at(&plugin, "ada", at + 20);
    sweep(&plugin);
    sent(&plugin, at + 30, None);
    let wait = waits(&plugin).expect("eve wrote behind the turn's beginning");
    assert_eq!((wait.since, wait.who.as_deref(), wait.messages, wait.counted), (at + 10, Some("eve"), 2, false));
    assert!(wait.turn.is_some(), "it isn't over yet");
    end(&plugin, None);
    assert_eq!((waits(&plugin).unwrap().turn, today().answered, today().longest / MINUTE), (None, 1, 20));
    run_context::fake::begin();
    std::thread::sleep(std::time::Duration::from_millis(25)); // the clock goes on
    begin(&plugin, Trigger::User);
    sent(&plugin, now(), None);
    assert_eq!((waits(&plugin), today().answered), (None, 2));
}

#[test]
fn a_turn_without_words_leaves_who_wrote_during_it_waiting() {
    let plugin = plugin(json!({}));
    for (error, answered) in [(None, 1), (Some("cancelled"), 0)] {
        store::fake::reset();
        write(&plugin, 1);
        begin(&plugin, Trigger::User);
        let at = now() + 10;
        write_at(&plugin, "eve", at);
        end(&plugin, error);
        let wait = waits(&plugin).expect("eve wrote behind the turn's beginning");
        assert_eq!((wait.since, wait.turn, today().answered), (at, None, answered), "{error:?}");
    }
}

#[test]
fn a_turn_that_began_when_nobody_waited_answers_nobody() {
    let plugin = plugin(json!({}));
    begin(&plugin, Trigger::Heartbeat);
    let at = now() + 10;
    write_at(&plugin, "eve", at);
    sent(&plugin, at + 10, None);
    assert!(waits(&plugin).is_some());
}

#[test]
fn what_a_turn_did_is_told_when_the_next_one_has_begun() {
    let plugin = plugin(json!({}));
    write(&plugin, 5);
    begin(&plugin, Trigger::User);
    let first = run_context::get_json("turn").unwrap().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2)); // the clock goes on
    let at = now();
    write_at(&plugin, "eve", at);
    std::thread::sleep(std::time::Duration::from_millis(2));
    run_context::fake::begin();
    begin(&plugin, Trigger::User);
    let second = run_context::get_json("turn").unwrap().unwrap();
    run_context::set_json("turn", &first).unwrap();
    sent(&plugin, now(), None);
    end(&plugin, None);
    let wait = waits(&plugin).expect("the second turn is for eve");
    assert_eq!((wait.since, wait.turn.is_some(), today().answered), (at, true, 1));
    run_context::set_json("turn", &second).unwrap();
    end(&plugin, None);
    assert_eq!((waits(&plugin), today().answered), (None, 2));
}

#[test]
fn of_many_messages_during_a_turn_none_is_forgotten_for_good() {
    let plugin = plugin(json!({}));
    write(&plugin, 1);
    begin(&plugin, Trigger::User);
    let began = now();
    (1..=100).for_each(|more| write_at(&plugin, "ada", began + more));
    assert_eq!(waits(&plugin).unwrap().messages, 101);
    sent(&plugin, began + 200, None);
    assert_eq!((waits(&plugin).unwrap().since, waits(&plugin).unwrap().messages), (began + 1, 30));
    run_context::unset("turn").unwrap();
    sent(&plugin, began + 99, None);
    assert_eq!((waits(&plugin).unwrap().since, waits(&plugin).unwrap().messages), (began + 100, 1));
}

#[test]
fn nobody_waits_for_ever_nor_beyond_a_session() {
    let plugin = plugin(json!({ "forget-hours": 2 }));
    write(&plugin, 60);
    store::fake::advance(std::time::Duration::from_secs(59 * 60));
    assert!(waits(&plugin).is_some());
    store::fake::advance(std::time::Duration::from_secs(2 * 60));
    assert_eq!(waits(&plugin), None);
    store::fake::reset();
    write(&plugin, 1);
    for (reason, left) in [(Reason::Disable, true), (Reason::Restart, true), (Reason::Reset, false)] {
        plugin.cleanup(&chat(), CleanupAsked::new(reason)).unwrap();
        assert_eq!(waits(&plugin).is_some(), left);
    }
}

#[test]
fn a_person_can_say_that_it_was_answered_elsewhere() {
    let plugin = plugin(json!({}));
    let code = |call: &Call| plugin.answered_elsewhere(call).unwrap().failure().map(|failed| failed.code.clone().unwrap());
    assert_eq!((code(&Call::default()).as_deref(), code(&chat()).as_deref()), (Some("no-session"), Some("nobody-waits")));
    write(&plugin, 20);
    let done = plugin.answered_elsewhere(&chat()).unwrap();
    assert_eq!(done.success().unwrap().reply.as_deref(), Some("Nobody waits any more in chat; it was 20 min."));
    assert_eq!((waits(&plugin), today().late), (None, 1));
}

#[test]
fn the_command_shows_who_waits_and_how_the_days_went() {
    let plugin = plugin(json!({}));
    assert!(sla(&plugin).starts_with("Nobody waits for an answer.\nNOBODY LOOKS"), "{}", sla(&plugin));
    plugin.started(ActivationReason::Boot).unwrap();
    write(&plugin, 75);
    plugin.message_received(&by("b\nc", "eve\u{7}"), Message { at: now(), ..Message::new("m", "x") }).unwrap();
    begin(&plugin, Trigger::User);
    sweep(&plugin);
    let shown = sla(&plugin);
    assert!(shown.starts_with("Waiting: 2, longer than 15 min: 1\nTOO LONG  chat: 1 h 15 min, since 2"), "{shown}");
    assert!(
        shown.contains(", ada, the agent is at work\n") && shown.contains("breaches: 1; answers: 0, of which too late: 0\n"),
        "{shown}"
    );
    assert!(shown.ends_with("The plugin looks at `* * * * *` (UTC)."), "{shown}");
    let rows = Store::<Value>::open("waiting", store::Options::up_to(500)).unwrap();
    for number in 0..40 {
        let wait = Wait::new(&format!("s{number}"), now());
        rows.register(&format!("s{number}-1"), &serde_json::to_value(wait).unwrap()).unwrap();
    }
    rows.register("bad", &json!([1])).unwrap();
    assert!(sla(&plugin).contains("… and 12 more") && sla(&plugin).chars().count() < 32_768);
}
