//! Reports of conversations, and digests.

use super::*;
use plugbay_sdk::schedule::fake::{Moment, Task, scheduled};

fn session(plugin: &ReportWriter, call: &Call, format: Option<Format>, tools: bool) -> ActionResult {
    plugin.report_session(call, Asked { format, tools }).unwrap()
}

#[test]
fn a_conversation_is_a_file_of_what_was_said() {
    let parts = json!([{ "type": "text", "text": "I look." }, { "type": "call", "name": "ls" }]).to_string();
    let call = about(&[
        (Role::User, text("# What is\u{0} here?")),
        (Role::Assistant, parts),
        (Role::Tool, text("a.txt")),
        (Role::Assistant, text("One file.")),
    ]);
    let plugin = plugin(json!({}));
    let done = session(&plugin, &call, None, false);
    assert!(reply(&done).ends_with(".md: 3 entries."), "{}", reply(&done));
    let result: Value = serde_json::from_str(done.success().unwrap().result.as_deref().unwrap()).unwrap();
    assert_eq!((&result["deliveries"], &result["entries"], &result["left-out"]), (&json!(["delivery-1"]), &json!(3), &json!(0)));
    let (file, caption) = one();
    assert!(caption == "Session chat" && file.name.starts_with("session-chat-2"), "{caption} {}", file.name);
    let written = file.text().unwrap();
    assert!(written.contains("the conversation has 4 entries") && !written.contains("Contents"), "{written}");
    assert!(written.ends_with("\n## 1 user, 1970-01-01 00:01Z\n\n\\# What is here?\n\n## 2 assistant, 1970-01-01 00:02Z\n\nI look.\n\n## 4 assistant, 1970-01-01 00:04Z\n\nOne file.\n"), "{written}");
    session(&plugin, &call, Some(Format::Markdown), true);
    let (file, _) = one();
    let written = file.text().unwrap();
    assert!(written.contains("## 3 tool") && written.contains("```\n{\"name\":\"ls\",\"type\":\"call\"}\n```"), "{written}");
}

#[test]
fn what_a_plugin_is_not_handed_is_named() {
    let cut = Payload::Truncated(plugbay_sdk::Truncated { bytes: 300_000 });
    let entry = Entry { id: 1, role: Role::User, at: 0, content: cut, tool_call_id: None };
    let call = Call { transcript: Some(Transcript::of(vec![entry])), ..chat() };
    session(&plugin(json!({})), &call, Some(Format::Csv), false);
    assert!(one().0.text().unwrap().starts_with("id,time,speaker,text\r\n1,1970-01-01 00:00Z,user,\"(This entry has 300000 bytes, which"));
}

#[test]
fn the_newest_entries_are_told_of_a_long_conversation() {
    let said: Vec<_> = (0..450).map(|number| (Role::User, text(&format!("fact {number}")))).collect();
    let plugin = plugin(json!({ "entries": 401 }));
    let done = session(&plugin, &about(&said), None, false);
    assert!(reply(&done).ends_with("401 entries; the first 49 entries are left out."), "{}", reply(&done));
    let (file, _) = one();
    let written = file.text().unwrap();
    assert!(written.contains("The first 49 are left out (setting `entries` of report-writer)"));
    assert!(!written.contains("fact 48\n") && written.contains("fact 49\n") && written.ends_with("fact 449\n"));
}

#[test]
fn what_is_too_long_for_a_file_is_several_and_for_a_delivery_too() {
    let said: Vec<_> = (0..450).map(|number| (Role::User, text(&format!("{number} {}", "ä".repeat(30_000))))).collect();
    let done = session(&plugin(json!({})), &about(&said), Some(Format::Html), false);
    let all = delivered();
    assert_eq!((all.len(), all[0].files.len()), (2, 10));
    assert_eq!(all[0].caption.as_ref().unwrap().text, "Session chat: files 1 to 10");
    assert_eq!(all[1].caption.as_ref().unwrap().text, format!("Session chat: files 11 to {}", 10 + all[1].files.len()));
    let files: Vec<&DeliveredFile> = all.iter().flat_map(|delivery| &delivery.files).collect();
    assert!(reply(&done).starts_with(&format!("{} files in 2 deliveries: 450 entries", files.len())), "{}", reply(&done));
    let mut entries = 0;
    for (number, file) in (1..).zip(&files) {
        let page = file.text().unwrap();
        assert!(file.name.ends_with(&format!("-{number:02}.html")) && page.len() < 3 << 20, "{}", file.name);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "each is whole");
        assert_eq!(page.contains(&format!("Part {number}<br>")), number > 1);
        entries += page.matches("<section>").count();
    }
    assert_eq!(entries, 450);
}

#[test]
fn a_report_that_cannot_be_made_says_why() {
    let plugin = plugin(json!({}));
    let failed = |call: &Call| session(&plugin, call, None, false).failure().unwrap().clone();
    assert_eq!(failed(&Call::default()).code.as_deref(), Some("no-session"));
    assert!(failed(&chat()).error.contains("grant `conversation`"));
    assert_eq!(failed(&about(&[])).code.as_deref(), Some("empty"));
    let _open: Vec<Attachment> = (0..10).map(|number| Attachment::new(&format!("{number}")).unwrap()).collect();
    assert_eq!(failed(&about(&[(Role::User, text("x"))])).code.as_deref(), Some("limit-exceeded"));
    assert!(delivered().is_empty());
}

#[test]
fn the_command_takes_a_format() {
    let plugin = plugin(json!({}));
    let call = about(&[(Role::User, text("hi")), (Role::Tool, text("x"))]);
    for (said, ending, entries) in [("", ".md", 1), ("HTML", ".html", 1), ("csv tools", ".csv", 2), ("Tools", ".md", 2)] {
        let words = plugin.report(&call, said).unwrap();
        assert!(words.ends_with(&format!("{ending}: {entries} entries.")), "{words}");
        assert!(one().0.name.ends_with(ending));
    }
    for wrong in ["pdf", "html csv", "tools html"] {
        assert!(plugin.report(&call, wrong).unwrap_err().to_string().starts_with("`/report` takes"), "{wrong}");
    }
    assert!(plugin.report(&Call::default(), "").unwrap_err().to_string().contains("which session"));
}

fn when(at: &str, zone: &str, days: digest::Days) -> When {
    When { at: at.into(), zone: zone.into(), days, format: Some(Format::Html) }
}

#[test]
fn a_session_has_one_digest_until_it_is_stopped() {
    let plugin = plugin(json!({}));
    assert_eq!(code(&plugin.stop_digest(&chat()).unwrap()), "no-digest");
    let first = plugin.digest(&chat(), when("18:00", "Europe/Berlin", digest::Days::All)).unwrap();
    assert_eq!(reply(&first), "The agent writes a digest at 18:00 (Europe/Berlin).");
    plugin.digest(&chat(), when("9:05", "UTC", digest::Days::Weekdays)).unwrap();
    let jobs = scheduled();
    let Moment::Cron(cron) = &jobs[0].plan.when else { panic!("{:?}", jobs[0].plan.when) };
    assert_eq!((jobs.len(), cron.expression.as_str(), cron.zone.as_deref()), (1, "5 9 * * mon-fri", Some("UTC")));
    let Task::Turn { session, message, announce: true } = &jobs[0].task else { panic!("{:?}", jobs[0].task) };
    assert!(session == "chat" && message.contains("Call the tool `write_report` once, with the format `html`"), "{message}");
    assert_eq!((jobs[0].job.tag.as_deref(), jobs[0].job.name.as_deref()), (Some("digest"), Some("digest-chat-1")));
    let other = Call { session: Some(sessions::fake::session("other")), ..Call::default() };
    plugin.digest(&other, when("7:00", "UTC", digest::Days::All)).unwrap();
    assert_eq!(reply(&plugin.stop_digest(&chat()).unwrap()), "There is no digest of this session any more.");
    assert_eq!(scheduled().len(), 1, "the other session's stays");
}

#[test]
fn what_is_no_time_is_refused() {
    let plugin = plugin(json!({}));
    for (at, zone) in [("25:00", "UTC"), ("6 pm", "UTC"), ("18:00", ""), ("18:00", "Europe/Berlin; x"), ("18:00", &"z".repeat(65))] {
        let failed = plugin.digest(&chat(), when(at, zone, digest::Days::All)).unwrap();
        assert_eq!(code(&failed), "bad-time", "{at} {zone}");
    }
    assert_eq!(code(&plugin.digest(&Call::default(), when("18:00", "UTC", digest::Days::All)).unwrap()), "no-session");
    let session = sessions::fake::session("busy");
    (0..100).for_each(|_| drop(schedule::turn(&session, "x").at(1).start().unwrap()));
    let failed = plugin.digest(&chat(), when("18:00", "UTC", digest::Days::All)).unwrap();
    assert_eq!(code(&failed), "limit-exceeded");
    assert!(failed.failure().unwrap().error.contains("100 allowed"));
}
