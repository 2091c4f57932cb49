//! What it does natively, with what the SDK keeps for tests.

use super::*;
use plugbay_sdk::__private::serde::de::DeserializeOwned;
use plugbay_sdk::attachments::fake::delivered;

fn here() -> Call<'static> {
    Call { session: Some(sessions::fake::session("s")), ..Call::default() }
}

/// Parameters as the host hands them over.
fn read<T: DeserializeOwned>(value: Value) -> T {
    T::deserialize(value).unwrap()
}

#[test]
fn it_greets_refuses_and_breaks_as_it_is_asked() {
    let greeted = Errand.greet(&here(), read(json!({ "name": "Ada", "continue": true }))).unwrap();
    let done = greeted.success().unwrap();
    assert_eq!((done.reply.as_deref(), done.continue_agent), (Some("Hello, Ada!"), true));
    let refused = Errand.refuse(&here(), read(json!({ "code": "no", "details": [1] }))).unwrap();
    let failed = refused.failure().unwrap();
    assert_eq!((failed.error.as_str(), failed.code.as_deref(), failed.details.as_deref()), ("as you asked", Some("no"), Some("[1]")));
    assert!(Errand.break_down(&here(), read(json!({}))).is_err());
    assert_eq!(Errand.break_down(&here(), read(json!({ "how": "blank" }))).unwrap().failure().unwrap().error, "  ");
}

#[test]
fn what_is_scheduled_is_what_it_was_asked() {
    let later = |params| Errand.later(&here(), read(params));
    later(json!({ "at": 5, "tag": "t", "about": true, "payload": { "task": "fail" } })).unwrap();
    later(json!({ "turn": "wake up", "cron": "0 9 * * *", "zone": "Europe/Berlin", "announce": true, "catch-up": "skip" })).unwrap();
    let jobs = schedule::jobs().unwrap();
    assert_eq!(jobs.len(), 2);
    assert!(later(json!({ "at": 5, "after-ms": 5 })).is_err() && later(json!({})).is_err());
    let due = schedule::fake::fire(&jobs.iter().find(|job| job.tag.is_some()).unwrap().id).unwrap();
    assert!(Errand.timers(&here(), due.clone()).is_err(), "it fails as its payload says");
    Errand.timers(&here(), due).unwrap_err();
    let noted = noted::all().unwrap();
    assert_eq!((noted["fired"].as_array().unwrap().len(), &noted["fired"][0]["times"]), (1, &json!(2)), "{noted}");
    Errand.call_off(&here(), read(json!({ "job": jobs.iter().find(|job| job.tag.is_none()).unwrap().id }))).unwrap();
    assert_eq!(schedule::jobs().unwrap(), []);
}

#[test]
fn what_becomes_of_jobs_is_written_down_in_order() {
    for job in ["a", "b"] {
        Errand.job_changed(&here(), JobChange::new(job)).unwrap();
    }
    let noted = noted::all().unwrap();
    assert_eq!((&noted["changes"][0]["job"], &noted["changes"][1]["change"]), (&json!("a"), &json!("added")), "{noted}");
    Errand.forget_all(&here()).unwrap();
    assert_eq!(noted::all().unwrap(), json!({ "fired": [], "changes": [] }));
}

#[test]
fn files_have_what_is_said_of_them() {
    let files =
        json!({ "files": [{ "name": "a.txt", "text": "ä", "bytes": [33], "zeroes": 2 }], "caption": "*look*", "format": "markdown" });
    Errand.send(&here(), read(files)).unwrap();
    let sent = delivered();
    assert_eq!((sent[0].files[0].bytes.as_slice(), sent[0].caption.as_ref().unwrap().text.as_str()), ("ä!\0\0".as_bytes(), "*look*"));
}

#[test]
fn a_command_says_for_whom() {
    assert_eq!(Errand.errand(&here(), "tea").unwrap(), CommandAnswer::text("tea is done for somebody."));
    assert!(Errand.errand(&here(), "go on with tea").unwrap().continue_agent);
    assert!(Errand.errand(&here(), "").is_err());
}
