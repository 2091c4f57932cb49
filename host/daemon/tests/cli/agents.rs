//! Sessions, tools and questions, looked at and changed by commands.

use super::{Daemon, Ended, Place, built, has, wait, words};
use plugbay_daemon::api::types::{
    ApprovalList, ReceiptList, Resolved, RunNamed, RunState, SessionCompacted, SessionDeleted, SessionDetail, SessionList, SessionReset,
    SettledView, ShownState, StatePatched, ToolList, TranscriptPage, TurnResult, TurnStatus,
};
use serde::de::DeserializeOwned;
use std::process::{Child, Stdio};

/// A daemon with tools, and a guard that blocks `sudo` and asks a person about `git push`.
pub(super) fn with_tools() -> Daemon {
    let daemon = with_toolbox("[plugins.shell-guard.config]\ntools = [\"echo\"]\nforbid = [\"sudo\"]\nask = [\"git push\"]\n");
    daemon.says(&["install", built::SHELL_GUARD, "--grant", "conversation"]);
    daemon
}

pub(super) fn with_toolbox(more: &str) -> Daemon {
    let daemon = Place::with(&format!("{}{more}", super::CONFIGURATION)).start();
    daemon.says(&["install", built::TOOLBOX, "--grant", "prompt"]);
    daemon
}

/// Has a turn whose question waits for an answer.
pub(super) fn with_question(daemon: &Daemon, session: &str) -> (Child, String) {
    let said = r#"use echo {"command":"git push"}"#;
    let chat = daemon.place.command(&["chat", "--session", session, said]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait("the question is asked", || !read::<ApprovalList>(daemon, &["approvals"]).approvals.is_empty());
    (chat, read::<ApprovalList>(daemon, &["approvals"]).approvals[0].id.clone())
}

#[track_caller]
fn read<T: DeserializeOwned>(daemon: &Daemon, arguments: &[&str]) -> T {
    serde_json::from_value(daemon.json(arguments)).unwrap()
}

#[track_caller]
pub(super) fn ended(child: Child) -> Ended {
    Ended::from(child.wait_with_output().unwrap())
}

#[test]
fn tools_are_listed_with_their_owners_and_a_clash_names_both() {
    let daemon = Place::new().start();
    has(&daemon.says(&["tools"]), "There are no tools");
    daemon.says(&["install", built::TOOLBOX, "--grant", "prompt"]);
    let tools = daemon.says(&["tools"]);
    assert_eq!(words(&tools, "add"), ["add", "toolbox", "low", "maths,", "pure", "Adds", "two", "numbers."]);
    assert_eq!(words(&tools, "big")[..4], ["big", "toolbox", "-", "-"]);
    has(&daemon.says(&["inspect", "toolbox"]), "tool         add (low risk): Adds two numbers.\n");

    daemon.says(&["install", built::TOOLBOX_TWO]);
    let tools = daemon.says(&["tools"]);
    has(&tools, "Nobody has the tool add, since toolbox and toolbox-two claim it: disable all but one of them.");
    assert!(!tools.lines().any(|line| line.starts_with("add ")), "{tools}");
    has(&daemon.says(&["inspect", "toolbox-two"]), "; nobody has it, since toolbox claims it too");
    let list = read::<ToolList>(&daemon, &["tools"]);
    assert_eq!((list.clashes.len(), list.clashes[0].owners.as_slice()), (1, ["toolbox".to_owned(), "toolbox-two".to_owned()].as_slice()));
}

#[test]
fn a_hook_that_isnt_called_names_what_would_have_it_called() {
    let daemon = Place::new().start();
    daemon.says(&["install", built::ECHO_ONE, "--deny", "conversation"]);
    let shown = daemon.says(&["inspect", "echo"]);
    has(&shown, "not called   before-tool-call: lacks conversation (plugins.echo.grants");
    has(&shown, "not called   message-received: lacks conversation");
    daemon.says(&["grant", "echo", "conversation"]);
    assert!(!daemon.says(&["inspect", "echo"]).contains("not called"));
}

#[test]
fn sessions_are_listed_shown_and_reset() {
    let daemon = with_tools();
    has(&daemon.says(&["sessions"]), "There are no sessions");
    has(&daemon.says(&["chat", r#"use echo {"command":"ls"}"#]), "`echo` answered");
    assert_eq!(daemon.says(&["chat", "--session", "other", "say Hello."]), "Hello.\n");

    let list = daemon.says(&["sessions"]);
    assert_eq!(words(&list, "main")[..3], ["main", "4", "0"]);
    has(&daemon.says(&["sessions", "-n", "1"]), "There may be more: --after main\n");
    let rest = daemon.says(&["sessions", "--after", "main"]);
    assert!(rest.contains("other") && !rest.contains("main"), "{rest}");

    let shown = daemon.says(&["sessions", "show", "main"]);
    has(&shown, "  entries      4\n");
    let detail = read::<SessionDetail>(&daemon, &["sessions", "show", "main"]);
    assert_eq!(words(&shown, &detail.runs[0].run)[1], "done");
    has(&shown, "cli");

    let transcript = daemon.says(&["sessions", "show", "main", "--transcript"]);
    has(&transcript, "  use echo {\"command\":\"ls\"}\n");
    has(&transcript, "  · echo {\"command\":\"ls\"}\n");
    has(&daemon.says(&["sessions", "show", "main", "--transcript", "-n", "1"]), "3 of 4 entries aren't shown");
    let oldest = read::<TranscriptPage>(&daemon, &["sessions", "show", "main", "--transcript", "--start", "0", "-n", "1"]);
    assert_eq!((oldest.total, oldest.entries.len(), oldest.entries[0].role.as_str()), (4, 1, "user"));

    let reset = read::<SessionReset>(&daemon, &["sessions", "reset", "main"]);
    assert_ne!(reset.life, detail.summary.life);
    has(&daemon.says(&["sessions", "show", "main", "--transcript"]), "Nothing was said here.");
    assert_eq!(read::<SessionList>(&daemon, &["sessions"]).sessions.len(), 2);
    assert_eq!(daemon.says(&["sessions", "delete", "main"]), "main is deleted\n");
    has(&daemon.run(&["sessions", "show", "main"]).failed(1), "main");
    assert_eq!(read::<SessionDeleted>(&daemon, &["sessions", "delete", "other"]).key, "other");
}

#[test]
fn a_slot_is_shown_and_filled() {
    let daemon = Place::new().start();
    assert_eq!(words(&daemon.says(&["slots"]), "context-engine"), ["context-engine", "builtin", "builtin"]);
    let filled = daemon.says(&["slots", "context-engine", "engine-x"]);
    assert_eq!(words(&filled, "context-engine")[..3], ["context-engine", "engine-x", "builtin"]);
    has(&filled, "there is no plugin `engine-x`");
    has(&daemon.says(&["list"]), "The built-in context engine serves: there is no plugin `engine-x`");
    assert_eq!(daemon.json(&["slots", "context-engine", "builtin"])["serving"], "builtin");
    has(&daemon.run(&["slots", "contxt-engine", "engine-x"]).failed(1), "did you mean `context-engine`?");
    assert_eq!(daemon.run(&["slots", "context-engine"]).code, 2);
}

#[test]
fn a_conversation_is_compacted() {
    let daemon = with_tools();
    for n in 0..6 {
        daemon.says(&["chat", &format!("say {}", format!("word-{n} ").repeat(200))]);
    }
    let done = read::<SessionCompacted>(&daemon, &["sessions", "compact", "main", "keep the numbers"]);
    assert!(done.compacted && done.engine == "builtin" && done.tokens_after < done.tokens_before, "{done:?}");
    has(&daemon.says(&["sessions", "compact", "main"]), "by builtin");
    has(&daemon.run(&["sessions", "compact", "other"]).failed(1), "other");
}

#[test]
fn receipts_say_what_each_plugin_did_in_a_turn() {
    let daemon = with_tools();
    daemon.says(&["chat", r#"use echo {"command":"sudo reboot"}"#]);
    let run = read::<SessionDetail>(&daemon, &["sessions", "show", "main"]).runs[0].run.clone();
    daemon.says(&["chat", "say nothing"]);

    let receipts = daemon.says(&["sessions", "show", "main", "--receipts", "--run", &run]);
    let line = words(&receipts, "before-tool-call").join(" ");
    has(&line, "shell-guard 1");
    has(&line, "ended it with {\"block\":");
    let list = read::<ReceiptList>(&daemon, &["sessions", "show", "main", "--receipts", "--run", &run]);
    assert!(list.receipts.iter().any(|receipt| receipt.hook == "before-tool-call" && receipt.ran[0].plugin == "shell-guard"));
    // The newest turn called no tool.
    has(&daemon.says(&["sessions", "show", "main", "--receipts"]), "No receipts of");
    assert_eq!(daemon.run(&["sessions", "show", "main", "--run", &run]).code, 2);
    assert_eq!(daemon.run(&["sessions", "show", "main", "--receipts", "--transcript"]).code, 2);
}

#[test]
fn state_of_a_session_is_shown_put_and_taken_away() {
    let daemon = with_toolbox("");
    daemon.says(&["chat", "say Hello."]);
    let state = ["sessions", "state", "main", "toolbox", "notes"];
    let with = |last: &str| daemon.says(&[&state[..], &[last]].concat());
    has(&daemon.run(&state).failed(1), "toolbox shows nothing in its namespace notes");
    assert_eq!(with(r#"{"n":1}"#), "toolbox/notes of main is there now; shown as {\"bytes\":7}\n");
    assert_eq!(with("[1]"), "toolbox/notes of main is another now; shown as {\"bytes\":3}\n");
    has(&daemon.says(&state), "\"bytes\": 3");
    assert_eq!(read::<ShownState>(&daemon, &state).value["bytes"], 3);
    has(&daemon.says(&["sessions"]), "toolbox/notes {\"bytes\":3}");
    has(&daemon.says(&["sessions", "show", "main"]), "shown        toolbox/notes {\"bytes\":3}");
    assert!(read::<StatePatched>(&daemon, &[&state[..], &["--unset"]].concat()).replaced);
    assert_eq!(with("--unset"), "toolbox/notes of main wasn't there\n");

    has(&daemon.run(&[&state[..], &["{"]].concat()).failed(2), "expected JSON");
    assert_eq!(daemon.run(&[&state[..], &["1", "--unset"]].concat()).code, 2);
    has(&daemon.run(&["sessions", "state", "main", "toolbox", "noets", "1"]).failed(1), "noets");
    has(&daemon.run(&["sessions", "state", "main", "tolbox", "notes", "1"]).failed(1), "tolbox");
}

#[test]
fn a_heartbeat_wakes_an_agent_and_a_turn_is_cancelled() {
    let daemon = with_tools();
    daemon.says(&["chat", "say Hello."]);
    assert_eq!(read::<TurnResult>(&daemon, &["sessions", "heartbeat", "main"]).status, TurnStatus::Done);
    has(&daemon.says(&["sessions", "heartbeat", "main"]), "This is the offline model");
    assert_eq!(words(&daemon.says(&["sessions"]), "main")[1], "6");

    let (chat, _) = with_question(&daemon, "main");
    let run = read::<SessionDetail>(&daemon, &["sessions", "show", "main"]).runs[0].run.clone();
    assert_eq!(read::<RunNamed>(&daemon, &["sessions", "cancel", &run]).run, run);
    has(&ended(chat).failed(1), "the turn was cancelled");
    assert_eq!(read::<SessionDetail>(&daemon, &["sessions", "show", "main"]).runs[0].status, RunState::Cancelled);
    has(&daemon.run(&["sessions", "cancel", &run]).failed(1), &run);
}

#[test]
fn questions_are_listed_and_answered() {
    let daemon = with_tools();
    has(&daemon.says(&["approvals"]), "No question waits");
    let (chat, id) = with_question(&daemon, "main");
    let list = daemon.says(&["approvals"]);
    has(&list, "  Run a command with `git push`? (warning)\n    The agent wants to run:\n    git push\n");
    has(&list, "  asked by     shell-guard, session main\n");
    has(&list, "  arguments    {\"command\":\"git push\"}\n");
    for answer in ["allow ID\n", "allow ID --always\n", "deny ID\n"] {
        has(&list, &format!("plugbay approvals {}", answer.replace("ID", &id)));
    }
    has(&daemon.says(&["approvals", "deny", &id, "--why", "not now"]), "Run a command with `git push`?: denied by uid:");
    let denied = ended(chat);
    has(&denied.stderr, "  denied by uid:");
    has(&denied.stderr, "· echo {\"command\":\"git push\"} -> blocked");
    assert_eq!(denied.code, 0);

    let (chat, id) = with_question(&daemon, "main");
    has(&daemon.says(&["approvals", "allow", &id]), "Run a command with `git push`?: allowed once by uid:");
    has(&ended(chat).stderr, "-> answered in");
    let (chat, id) = with_question(&daemon, "main");
    assert_eq!(read::<SettledView>(&daemon, &["approvals", "allow", &id, "--always"]).resolution, Resolved::AllowAlways);
    has(&ended(chat).stderr, "allowed for good");
    has(&daemon.run(&["approvals", "allow", &id]).failed(1), "settled");
    has(&daemon.run(&["approvals", "deny", "none"]).failed(1), "none");
}

#[test]
fn what_isnt_there_is_said_and_wrong_usage_is_two() {
    let daemon = Place::new().start();
    for arguments in [&["show", "nobody"][..], &["show", "nobody", "--transcript"], &["reset", "nobody"], &["delete", "nobody"]] {
        has(&daemon.run(&[&["sessions"], arguments].concat()).failed(1), "nobody");
    }
    assert_eq!(daemon.run(&["sessions", "show"]).code, 2);
    assert_eq!(daemon.run(&["sessions", "show", "main", "-n", "3"]).code, 2);
    assert_eq!(daemon.run(&["approvals", "allow"]).code, 2);
    assert_eq!(daemon.run(&["chat", "--approve", "allow-always", "x"]).code, 2);
    let place = Place::new();
    for arguments in [&["tools"][..], &["sessions"], &["approvals"], &["chat", "x"]] {
        has(&place.run(arguments).failed(3), "plugbay run");
    }
}
