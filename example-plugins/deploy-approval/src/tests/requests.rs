//! Requests are made, shown, bounded, and end by themselves.

use super::*;
use plugbay_sdk::schedule::fake::{Moment, Task};

#[test]
fn a_request_waits_in_the_store_with_an_end_and_is_shown() {
    let plugin = plugin(json!({ "time-out-minutes": 90 }));
    let answer = plugin.request_deploy(&chat(), wanted("production"));
    let words = said(&answer);
    assert!(words.starts_with("Request d-1 is made: deploy shop 1.4.2 to production. A person has to answer before 2"), "{words}");
    assert!(words.contains("an admin has to approve") && words.contains("Don't deploy yet"), "{words}");
    let request = row("d-1");
    assert_eq!((request.ends_at - request.asked_at, request.session.as_str(), request.decision), (90 * 60_000, "chat", None));
    assert_eq!(request.asked_for.unwrap().sender, "ada");
    let job = schedule::fake::scheduled().pop().unwrap();
    assert_eq!((job.plan.when, job.plan.tag.as_deref()), (Moment::At(request.ends_at), Some("deploy-d-1")));
    assert_eq!(job.task, Task::Timer { about: Some("chat".into()), payload: Some(r#"{"request":"d-1"}"#.into()) });
    assert!(shown(&plugin).unwrap().starts_with("d-1: deploy shop 1.4.2 to production, waits for a person until 2"));
}

#[test]
fn the_same_deploy_is_asked_for_once_and_another_one_beside_it() {
    let plugin = plugin(json!({}));
    assert_eq!(asked(&plugin, "staging"), "d-1");
    let again = said(&plugin.request_deploy(&chat(), wanted(" staging ")));
    assert!(again.starts_with("This was asked for before. d-1: deploy"), "{again}");
    assert_eq!(asked(&plugin, "production"), "d-2");
    assert_eq!(Shelf::open().unwrap().waiting().unwrap().len(), 2);
    let other = plugin.request_deploy(&by("other", "ada", "operator.write"), wanted("staging"));
    assert!(said(&other).starts_with("Request d-3"), "another session's is another one");
}

#[test]
fn what_is_no_good_is_refused_by_name_and_nothing_is_kept() {
    let plugin = plugin(json!({ "environments": ["staging"] }));
    let refused = |change: &dyn Fn(&mut Wanted)| {
        let mut wanted = wanted("staging");
        change(&mut wanted);
        let answer = plugin.request_deploy(&chat(), wanted);
        assert!(answer.is_error);
        said(&answer)
    };
    assert!(refused(&|w| w.service = " ".into()).ends_with("`service` is empty"));
    assert!(refused(&|w| w.service = "s".repeat(81)).contains("`service` has 81 characters, 80 are allowed"));
    assert!(refused(&|w| w.version = "1\nAPPROVED by root".into()).contains("`version` is"), "a line can't be made up");
    assert!(refused(&|w| w.environment = "Produktiön".into()).contains("`environment` is"));
    assert!(refused(&|w| w.environment = "production".into()).contains("to `staging` only (setting `environments`"));
    assert!(refused(&|w| w.reason = "\n \t".into()).contains("`reason` is empty"));
    assert!(refused(&|w| w.reason = "r".repeat(2_001)).contains("2001 characters"));
    assert!(plugin.request_deploy(&Call::default(), wanted("staging")).content.contains("in a session only"));
    assert!(Shelf::open().unwrap().all().unwrap().is_empty() && jobs().is_empty());
}

#[test]
fn twenty_wait_in_a_session_a_hundred_in_all_and_a_request_without_an_end_is_none() {
    let plugin = plugin(json!({}));
    let ask = |session: &str, number: usize| {
        let wanted = Wanted { version: format!("{number}"), ..wanted("staging") };
        said(&plugin.request_deploy(&by(session, "ada", "operator.write"), wanted))
    };
    for session in ["a", "b", "c", "d"] {
        (0..20).for_each(|number| assert!(ask(session, number).starts_with("Request"), "{session} {number}"));
    }
    assert!(ask("a", 20).contains("20 requests of this session wait for an answer already, 20 are allowed"));
    let session = sessions::fake::session("z");
    (0..15).for_each(|_| drop(schedule::turn(&session, "busy").at(1).start().unwrap()));
    (0..5).for_each(|number| assert!(ask("e", number).starts_with("Request"), "{number}"));
    let refused = ask("e", 5);
    assert!(refused.contains("its end can't be scheduled") && refused.contains("100 allowed"), "{refused}");
    assert_eq!(Shelf::open().unwrap().waiting().unwrap().len(), 85, "what has no end isn't kept");
    for job in schedule::jobs().unwrap() {
        schedule::cancel(&job.id).unwrap();
    }
    (5..20).for_each(|number| assert!(ask("e", number).starts_with("Request"), "{number}"));
    assert!(ask("f", 0).contains("100 requests of all sessions together wait"));
}

#[test]
fn where_there_is_no_room_the_oldest_decision_goes_and_nothing_that_waits() {
    let plugin = plugin(json!({}));
    let waits = asked(&plugin, "staging");
    let decided = asked(&plugin, "test");
    reject(&plugin, &chat(), &decided, "no");
    let rows = Store::<Request>::open("requests", store::Options::up_to(400).reject_new()).unwrap();
    for number in 3..=400 {
        let request = Request { id: Shelf::next_id().unwrap(), ..row(&decided) };
        assert_eq!(request.id, format!("d-{number}"));
        rows.register_for(&request.id.clone(), &request, std::time::Duration::from_secs(1_000_000)).unwrap();
    }
    let shelf = Shelf::open().unwrap();
    assert_eq!(shelf.all().unwrap().len(), 400);
    assert_eq!(asked(&plugin, "test"), "d-401");
    assert_eq!(shelf.all().unwrap().len(), 400);
    assert!(shelf.get("d-2").unwrap().is_none() && row(&waits).decision.is_none());
    store::fake::advance(std::time::Duration::from_secs(31 * 24 * 3_600));
    assert!(shelf.all().unwrap().is_empty(), "decisions are kept for thirty days, and what nobody ended for a week");
}

#[test]
fn nobody_answers_and_that_is_a_no() {
    let plugin = plugin(json!({}));
    let id = asked(&plugin, "production");
    time_out(&plugin, &id);
    assert_eq!(row(&id).decision.unwrap().verdict, Verdict::TimedOut);
    let told = told();
    assert!(told[0].starts_with("deploy-approval: nobody answered request d-1 (deploy shop 1.4.2 to production) before"), "{told:?}");
    assert!(told[0].contains("counts as REJECTED") && jobs().is_empty());
    assert_eq!(shown(&plugin), None, "nothing waits");
    assert_eq!(code(&approve(&plugin, &by("chat", "root", "operator.admin"), &id, "")), "already-decided");
}

#[test]
fn a_reminder_comes_if_it_is_wanted_until_the_agent_asks_again() {
    let plugin = plugin(json!({ "remind-minutes": 1440 }));
    let id = asked(&plugin, "staging");
    time_out(&plugin, &id);
    let job = schedule::fake::scheduled().pop().unwrap();
    assert_eq!((job.job.name.as_deref(), job.plan.when), (Some("remind-d-1"), Moment::After(24 * 3_600_000)));
    let Task::Turn { session, message, announce: true } = job.task else { panic!("{:?}", job.task) };
    assert!(session == "chat" && message.contains("still wanted") && message.contains("“The cart loses items.”"), "{message}");
    assert_eq!(asked(&plugin, "staging"), "d-2");
    assert_eq!(jobs(), ["time-out-d-2"]);
}

#[test]
fn a_timer_that_comes_late_or_too_often_does_nothing() {
    let plugin = plugin(json!({ "remind-minutes": 0 }));
    let id = asked(&plugin, "staging");
    let timer = || Timer { payload: Some(json!({ "request": id }).to_string()), ..Timer::new("job") };
    approve(&plugin, &chat(), &id, "");
    told();
    plugin.timers(&chat(), timer()).unwrap();
    assert_eq!((row(&id).decision.unwrap().verdict, told().len(), jobs().len()), (Verdict::Approved, 0, 0));
    let unknown = Timer { payload: Some(json!({ "request": "d-99" }).to_string()), ..Timer::new("job") };
    plugin.timers(&chat(), unknown).unwrap();
    assert!(plugin.timers(&chat(), Timer::new("job")).unwrap_err().to_string().contains("no payload"));
}

#[test]
fn after_a_start_requests_have_their_timers_and_answers_are_told_that_were_not() {
    let plugin = plugin(json!({}));
    let (waits, answered) = (asked(&plugin, "staging"), asked(&plugin, "test"));
    (0..32).for_each(|_| drop(Injection::new("busy").enqueue(&sessions::fake::session("chat")).unwrap()));
    let words = success(&approve(&plugin, &chat(), &answered, "")).reply.unwrap();
    assert!(words.contains("hears of it from this answer only"), "{words}");
    assert_eq!((told().len(), row(&answered).decision.unwrap().told), (32, false));
    for job in schedule::jobs().unwrap() {
        schedule::cancel(&job.id).unwrap();
    }
    for _ in 0..2 {
        plugin.started(ActivationReason::Boot).unwrap();
        assert_eq!(jobs(), ["time-out-d-1"]);
    }
    assert!(told().concat().contains("request d-2 (deploy shop 1.4.2 to test) was APPROVED by ada (cli)"));
    assert!(row(&answered).decision.unwrap().told && row(&waits).decision.is_none());
}

#[test]
fn what_a_session_asked_for_ends_with_its_life() {
    let plugin = plugin(json!({}));
    let (first, other) = (asked(&plugin, "staging"), "other");
    plugin.request_deploy(&by(other, "bob", "operator.write"), wanted("staging"));
    for reason in [Reason::Disable, Reason::Restart] {
        plugin.cleanup(&chat(), CleanupAsked::new(reason)).unwrap();
        assert!(row(&first).decision.is_none());
    }
    plugin.cleanup(&chat(), CleanupAsked::new(Reason::Reset)).unwrap();
    assert_eq!(row(&first).decision.unwrap().verdict, Verdict::Withdrawn);
    assert!(row("d-2").decision.is_none());
    sessions::fake::reset(other);
    sessions::fake::fail("the disk is gone");
    plugin.started(ActivationReason::Boot).unwrap();
    assert!(row("d-2").decision.is_none(), "it can't be known now");
    plugin.started(ActivationReason::Boot).unwrap();
    assert_eq!(row("d-2").decision.unwrap().verdict, Verdict::Withdrawn, "nobody told the plugin, and it finds out");
}

#[test]
fn the_agent_can_ask_how_its_own_requests_stand() {
    let plugin = plugin(json!({}));
    let id = asked(&plugin, "staging");
    let status = |call: &Call, request: Option<&str>| plugin.deploy_status(call, Which { request: request.map(str::to_owned) }).unwrap();
    assert!(said(&status(&chat(), Some("1"))).starts_with("d-1: deploy shop 1.4.2 to staging, waits"));
    assert!(said(&status(&chat(), None)).contains("d-1: deploy"));
    assert!(status(&by("other", "bob", "operator.write"), Some(&id)).is_error, "another session's is none of its business");
    assert!(status(&chat(), Some("d-9")).is_error && status(&chat(), Some("drop table")).is_error);
}
