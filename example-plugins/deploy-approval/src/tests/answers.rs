//! People answer: by action and by command, once, and only who may.

use super::*;
use plugbay_sdk::schedule::fake::Task;

#[test]
fn an_approval_is_told_and_the_agent_goes_on() {
    let plugin = plugin(json!({}));
    let id = asked(&plugin, "staging");
    let done = success(&approve(&plugin, &by("chat", "bob", "operator.write"), &id, "Watch the\n queue"));
    assert!(done.continue_agent);
    assert_eq!(done.result.as_deref(), Some(r#"{"request":"d-1","verdict":"approved"}"#));
    let reply = done.reply.unwrap();
    assert!(reply.starts_with("d-1: deploy shop 1.4.2 to staging, approved by bob (cli) at 2"), "{reply}");
    assert!(reply.contains("“Watch the queue”"), "{reply}");
    let told = injections::fake::take("chat");
    assert_eq!(told.len(), 1);
    assert!(told[0].text().contains("was APPROVED by bob (cli)") && told[0].text().contains("exactly this deploy"));
    assert_eq!(told[0], told[0].clone().priority(100).key("d-1"), "first, and once");
    assert!(jobs().is_empty(), "nothing is left to time out");
    assert_eq!(shown(&plugin), None);
}

#[test]
fn a_rejection_needs_a_reason_and_is_told_with_it() {
    let plugin = plugin(json!({}));
    let id = asked(&plugin, "production");
    assert_eq!(code(&reject(&plugin, &chat(), &id, " \n")), "bad-note");
    assert_eq!(code(&reject(&plugin, &chat(), &id, &"r".repeat(1_001))), "bad-note");
    assert!(row(&id).decision.is_none());
    assert!(success(&reject(&plugin, &chat(), &id, "Not on a Friday.")).continue_agent, "to say no, nobody has to be an admin");
    assert!(told()[0].contains("was REJECTED by ada (cli)"));
    assert!(row(&id).decision.unwrap().note == "Not on a Friday.");
}

#[test]
fn the_second_answer_fails_and_says_what_was_decided_by_whom() {
    let plugin = plugin(json!({}));
    let id = asked(&plugin, "staging");
    reject(&plugin, &by("chat", "bob", "operator.write"), &id, "No.");
    let failed = failure(&approve(&plugin, &chat(), &id, ""));
    assert_eq!(failed.code.as_deref(), Some("already-decided"));
    assert!(failed.error.contains("was decided on before: rejected by bob (cli) at 2") && failed.error.contains("“No.”"), "{failed:?}");
    let details: Value = serde_json::from_str(&failed.details.unwrap()).unwrap();
    assert_eq!((&details["request"], &details["decision"]["verdict"]), (&json!("d-1"), &json!("rejected")));
    assert_eq!(told().len(), 1);
    let error = plugin.deploys(&chat(), "approve d-1").unwrap_err().to_string();
    assert!(error.contains("rejected by bob"), "{error}");
}

#[test]
fn production_needs_an_admin_and_with_four_eyes_another_one() {
    let plugin = plugin(json!({ "four-eyes": true }));
    let id = asked(&plugin, "Prod-eu");
    let failed = failure(&approve(&plugin, &by("chat", "bob", "operator.write"), &id, ""));
    assert_eq!(failed.code.as_deref(), Some("needs-admin"));
    assert!(failed.error.contains("the caller has `operator.write` (setting `production`"), "{}", failed.error);
    let nobody = Call { session: Some(sessions::fake::session("chat")), ..Call::default() };
    assert!(failure(&approve(&plugin, &nobody, &id, "")).error.contains("the caller has none"));
    assert_eq!(code(&approve(&plugin, &by("chat", "ada", "operator.admin"), &id, "")), "own-request");
    assert!(row(&id).decision.is_none() && told().is_empty());
    assert!(success(&approve(&plugin, &by("chat", "bob", "operator.admin"), &id, "")).continue_agent);
    let own = asked(&plugin, "staging");
    assert!(approve(&plugin, &chat(), &own, "").success().is_some(), "only for production");
}

#[test]
fn what_is_no_request_is_unknown() {
    let plugin = plugin(json!({}));
    for id in ["d-7", "", "  ", "d-", "x", "d-1/../2", &"9".repeat(600)] {
        let failed = failure(&approve(&plugin, &chat(), id, ""));
        assert_eq!(failed.code.as_deref(), Some("unknown-request"), "{id}");
        assert!(failed.error.chars().count() < 200 && failed.details.is_none());
    }
}

#[test]
fn who_answers_elsewhere_has_the_agent_go_on_where_it_asked() {
    let plugin = plugin(json!({}));
    for (id, call) in [
        (asked(&plugin, "staging"), by("ops", "bob", "operator.write")),
        (asked(&plugin, "test"), Call { principal: Some(person("bob", "operator.write")), ..Call::default() }),
    ] {
        let done = success(&approve(&plugin, &call, &id, ""));
        assert!(!done.continue_agent && done.reply.unwrap().ends_with("Its agent goes on."));
        let job = schedule::fake::scheduled().pop().unwrap();
        assert_eq!(job.job.name, Some(format!("go-on-{id}")));
        let Task::Turn { session, message, announce: true } = job.task else { panic!("{:?}", job.task) };
        assert!(session == "chat" && message.contains("APPROVED by bob"), "{message}");
    }
}

#[test]
fn an_answer_to_a_session_that_ended_or_after_the_time_does_not_count() {
    let plugin = plugin(json!({}));
    let (gone, late) = (asked(&plugin, "staging"), asked(&plugin, "test"));
    let rows = Shelf::open().unwrap();
    rows.remove(&late).unwrap();
    rows.add(&Request { ends_at: 1, ..row(&gone) }).unwrap();
    assert_eq!(code(&approve(&plugin, &chat(), &gone, "")), "timed-out");
    assert!(told()[0].contains("nobody answered request d-1") && row(&gone).decision.unwrap().verdict == Verdict::TimedOut);
    let id = asked(&plugin, "staging");
    sessions::fake::reset("chat");
    let failed = failure(&approve(&plugin, &by("chat", "bob", "operator.write"), &id, ""));
    assert_eq!(failed.code.as_deref(), Some("session-gone"));
    assert!(row(&id).decision.unwrap().verdict == Verdict::Withdrawn && told().is_empty());
}

#[test]
fn an_answer_while_the_host_cannot_say_whether_the_session_is_there_can_be_given_again() {
    let plugin = plugin(json!({}));
    let id = asked(&plugin, "staging");
    for _ in 0..2 {
        sessions::fake::fail("the disk is gone");
        let failed = plugin.approve(&by("ops", "bob", "operator.write"), Approval { request: id.clone(), note: String::new() });
        assert_eq!(failed.unwrap_err().to_string(), "sessions.open (failed): the disk is gone");
        assert!(row(&id).decision.is_none() && told().is_empty());
    }
    success(&approve(&plugin, &by("ops", "bob", "operator.write"), &id, ""));
    assert!(row(&id).decision.unwrap().verdict == Verdict::Approved && told()[0].contains("APPROVED by bob"));
}

#[test]
fn the_command_lists_shows_and_decides() {
    let plugin = plugin(json!({}));
    let say = |call: &Call, text: &str| plugin.deploys(call, text).map(|answer| (answer.text.unwrap(), answer.continue_agent));
    assert_eq!(say(&chat(), "").unwrap(), ("No deploy waits for an answer.".to_owned(), false));
    asked(&plugin, "production");
    asked(&plugin, "staging");
    plugin.request_deploy(&by("other", "eve", "operator.write"), wanted("staging"));
    let (list, _) = say(&chat(), "list").unwrap();
    assert!(
        list.contains("(needs operator.admin)\n    The cart loses items.") && list.contains("d-2:") && !list.contains("d-3:"),
        "{list}"
    );
    let (all, _) = say(&chat(), "all").unwrap();
    assert!(all.contains("d-3: deploy shop 1.4.2 to staging") && all.contains("in session other"), "{all}");
    assert!(say(&chat(), "approve d-1 yes").unwrap_err().to_string().contains("`operator.admin`"));
    let (words, goes_on) = say(&by("chat", "root", "operator.admin"), "approve 1 yes, please").unwrap();
    assert!(goes_on && words.contains("approved by root (cli)") && words.contains("“yes, please”"), "{words}");
    assert!(say(&chat(), "reject d-2").unwrap_err().to_string().contains("`reason` is empty"));
    assert!(say(&chat(), "reject d-2 no").unwrap().1);
    assert!(say(&chat(), "show d-2").unwrap().0.contains("rejected by ada (cli)"));
    assert!(say(&chat(), "show d-20").unwrap_err().to_string().contains("no request \"d-20\""));
    let (list, _) = say(&chat(), "").unwrap();
    assert!(list.starts_with("No deploy waits for an answer.\nDecided:\nd-2:"), "{list}");
    assert_eq!(told().len(), 2);
}

#[test]
fn a_row_that_cannot_be_read_keeps_nobody_from_the_others() {
    let plugin = plugin(json!({}));
    asked(&plugin, "staging");
    let rows = Store::<Value>::open("requests", store::Options::up_to(400).reject_new()).unwrap();
    rows.register("d-77", &json!({ "id": 1 })).unwrap();
    assert!(plugin.deploys(&chat(), "").unwrap().text.unwrap().starts_with("d-1:"));
    assert!(plugin.session_projection(&Call::default(), Projecting::new("deploys", "[1]")).is_err(), "an admin's slip shows nothing");
}
