//! `plugbay chat` on a terminal: a real one, as far as the program can tell.

use super::agents::{with_toolbox, with_tools};
use super::work::with_errand;
use super::{CONFIGURATION, Daemon, Place, built, has, wait};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// Somebody at a terminal.
struct Person {
    chat: Child,
    terminal: File,
    /// What the terminal shows, with what was typed.
    shown: Arc<Mutex<String>>,
    /// How much of that was looked at.
    seen: usize,
}

impl Person {
    /// Starts a command on a terminal.
    fn at(mut command: Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let other = || OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
        let chat = command.env("TERM", "dumb").stdin(other()).stdout(other()).stderr(other()).spawn().unwrap();
        // The command's ends of the terminal are its own.
        drop(command);
        let (terminal, shown) = (File::from(terminal), Arc::new(Mutex::new(String::new())));
        let (mut reader, text) = (terminal.try_clone().unwrap(), shown.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal whose program has ended is an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                text.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { chat, terminal, shown, seen: 0 }
    }

    fn chats(daemon: &Daemon) -> Self {
        Self::at(daemon.place.command(&["chat"]))
    }

    fn types(&mut self, line: &str) {
        writeln!(self.terminal, "{line}").unwrap();
    }

    /// Waits until the terminal shows this, behind what was seen before.
    #[track_caller]
    fn sees(&mut self, text: &str) {
        let text = text.replace('\n', "\r\n");
        let (shown, seen) = (self.shown.clone(), self.seen);
        let found = || shown.lock().unwrap()[seen..].find(&text);
        let begin = std::time::Instant::now();
        while found().is_none() {
            assert!(begin.elapsed() < super::PATIENCE, "never: {text:?} in {:?}", &shown.lock().unwrap()[seen..]);
            thread::sleep(std::time::Duration::from_millis(10));
        }
        self.seen += found().unwrap() + text.len();
    }

    fn interrupts(&self) {
        kill_process(Pid::from_child(&self.chat), Signal::INT).unwrap();
    }

    #[track_caller]
    fn leaves(mut self) -> i32 {
        self.chat.wait().unwrap().code().unwrap()
    }
}

#[test]
fn a_conversation_is_shown_as_it_comes_and_again_to_who_comes_back() {
    let daemon = with_toolbox("");
    let mut person = Person::chats(&daemon);
    person.sees("A new session, main. /help says what there is.\n> ");
    person.types("say hello there");
    person.sees("say hello there\nhello there\n> ");
    person.types("use add {\"a\":2,\"b\":3}");
    person.sees("\n· add {\"a\":2,\"b\":3} -> answered in ");
    person.sees("\n`add` answered: 5\n> ");
    person.types("fail refused");
    person.sees("the turn failed: ");
    person.sees("\n> ");
    person.types("//quit");
    person.sees("and this: \"/quit\"\n> ");
    person.types("");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);

    let mut person = Person::chats(&daemon);
    person.sees("> use add {\"a\":2,\"b\":3}\n· add {\"a\":2,\"b\":3}\n");
    person.sees("tool: 5\n`add` answered: 5\n> fail refused\n");
    person.sees("Session main, ");
    person.types("/session other");
    person.sees("A new session, other.");
    person.types("say here");
    person.sees("\nhere\n> ");
    person.types("/compact keep it");
    person.sees("by builtin");
    person.sees("\n> ");
    person.types("/reset");
    person.sees("other begins anew: life ");
    person.types("/session");
    person.sees("\nother\n> ");
    person.types("/help");
    person.sees("/plugins install FILE");
    person.types("/hlep");
    person.sees("did you mean `/help`?");
    person.types("\u{4}");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn a_question_is_answered_at_the_prompt() {
    let daemon = with_tools();
    let mut person = Person::chats(&daemon);
    person.sees("\n> ");
    for (answer, settled, end) in [
        ("n", "denied by uid:", "-> blocked"),
        ("y", "allowed once by uid:", "-> answered in"),
        ("A", "allowed for good by uid:", "-> answered in"),
    ] {
        person.types("use echo {\"command\":\"git push\"}");
        person.sees("\n· echo {\"command\":\"git push\"}\n  Run a command with `git push`? (warning)\n    The agent wants to run:\n    git push\n  asked by     shell-guard, session main\n  tool         echo\n  arguments    {\"command\":\"git push\"}\n  y allow once, a always allow, n deny? ");
        person.types("perhaps");
        person.sees("perhaps\n  y allow once, a always allow, n deny? ");
        person.types(answer);
        person.sees(settled);
        person.sees("· echo {\"command\":\"git push\"} ");
        person.sees(end);
        person.sees("\n> ");
    }
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn what_was_typed_ahead_answers_no_question() {
    let daemon = with_tools();
    let mut person = Person::chats(&daemon);
    person.sees("\n> ");
    // Both lines are there before the question is.
    person.terminal.write_all(b"use echo {\"command\":\"git push\"}\ny\n").unwrap();
    person.sees("n deny? ");
    assert!(daemon.says(&["approvals"]).contains("git push"));
    person.types("n");
    person.sees("denied by uid:");
    // Now it is what is said next.
    person.sees("> ");
    person.sees("and this: \"y\"\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn ctrl_c_cancels_and_at_the_prompt_leaves() {
    let daemon = with_tools();
    let mut person = Person::chats(&daemon);
    person.sees("\n> ");
    person.types("use echo {\"command\":\"git push\"}");
    person.sees("n deny? ");
    person.interrupts();
    person.sees("cancelling the turn; Ctrl-C again leaves it\n");
    person.sees("the turn was cancelled\n> ");
    assert!(daemon.says(&["approvals"]).contains("No question waits"));
    person.types("say still here");
    person.sees("\nstill here\n> ");
    person.interrupts();
    assert_eq!(person.leaves(), 0);
}

#[test]
fn plugins_are_changed_at_the_prompt_and_the_answer_says_what_new_turns_see() {
    let daemon = with_toolbox("");
    let mut person = Person::chats(&daemon);
    person.sees("\n> ");
    person.types("/plugins list");
    person.sees("toolbox  active");
    person.types("/plugins show toolbox");
    person.sees("tool         add (low risk)");
    person.types("/plugins disable toolbox");
    person.sees("toolbox is disabled\nNew turns go without toolbox.\n> ");
    person.types("use add {\"a\":2,\"b\":3}");
    person.sees("failed: there is no tool `add`");
    person.types("/plugins enable toolbox");
    person.sees("New turns see generation 2 of toolbox.\n> ");
    person.types(&format!("/plugins install {}", built::TOOLBOX_TWO));
    person.sees("New turns see generation 1 of toolbox-two.\n> ");
    person.types("/plugins install none.wasm");
    person.sees("can't read none.wasm");
    person.types(&format!("/plugins install {}", built::ECHO_ONE));
    person.sees("echo is held\n");
    person.sees("plugbay grant echo conversation\n");
    person.types("/plugins disable tolbox");
    person.sees("did you mean `toolbox`?");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn who_isnt_an_admin_is_told_so_and_talks_on() {
    let daemon = Place::with(&format!("{CONFIGURATION}[http]\nlisten = \"127.0.0.1:0\"\n")).start().with_echo();
    let log = daemon.log();
    let address = log.split("http=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let token = daemon.says(&["tokens", "issue", "desk", "--scope", "operator.write"]);
    let mut command = daemon.place.command(&["chat", "--url", &format!("http://{address}")]);
    command.env("PLUGBAY_TOKEN", token.trim());
    let mut person = Person::at(command);
    person.sees("\n> ");
    person.types("/plugins disable echo");
    person.sees("this needs operator.admin, and the token \"desk\" has operator.write");
    person.types("say still here");
    person.sees("\nstill here\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
    has(&daemon.says(&["list"]), "active");
    wait("who said it is known", || daemon.says(&["sessions", "show", "main"]).contains("cli desk"));
}

#[test]
fn commands_of_plugins_are_given_at_the_prompt_and_the_agent_goes_on() {
    let daemon = with_errand();
    let mut person = Person::chats(&daemon);
    person.sees("A new session, main.");
    person.types("/help");
    person.sees("/plugins install FILE");
    person.sees("\n/errand <what>             Runs an errand. (errand)\n");
    person.sees("/errand-forget             Forgets what it was told, for administrators. (errand, needs operator.admin)\n");
    person.sees("> ");
    // There is no session yet: it is about none.
    person.types("/errand tea");
    person.sees("\ntea is done for uid:");
    person.sees("\n> ");
    person.types("/errand");
    person.sees("say what it is to do: /errand tea");
    person.types("/erand tea");
    person.sees("there is no command `/erand`: did you mean `/errand`?");
    person.types("/hlep");
    person.sees("did you mean `/help`?");
    person.types("/errand nothing");
    person.sees("\ndone\n> ");
    person.types("say Hello.");
    person.sees("\nHello.\n> ");
    person.types("/errand go on with coffee");
    person.sees("\ncoffee is done for uid:");
    person.sees("the agent goes on; Ctrl-C leaves it\n");
    person.sees("coffee is done for");
    person.sees("\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
    let runs = daemon.json(&["sessions", "show", "main"])["runs"].clone();
    assert_eq!((&runs[0]["trigger"], &runs[0]["status"]), (&"action".into(), &"done".into()), "{runs}");
}

#[test]
fn who_does_not_wait_for_the_agent_leaves_it_to_itself() {
    let daemon = with_errand();
    daemon.says(&["chat", "say Hello."]);
    let mut person = Person::chats(&daemon);
    person.sees("\n> ");
    // The session is busy for long, so the agent can't go on yet.
    let mut busy = daemon.place.command(&["chat", "slow 60000\nlong 100"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait("it is busy", || daemon.json(&["sessions", "show", "main"])["turns"] == 1);
    person.types("/errand go on with coffee");
    person.sees("the agent goes on; Ctrl-C leaves it\n");
    person.interrupts();
    person.sees("left; the turn goes on: `plugbay sessions show main`\n> ");
    let run = daemon.json(&["sessions", "show", "main"])["runs"][0]["run"].as_str().unwrap().to_owned();
    daemon.says(&["sessions", "cancel", &run]);
    busy.wait().unwrap();
    person.types("say still here");
    person.sees("\nstill here\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
}

/// A daemon with `errand` whose session has so many places for turns that wait, a turn that takes long, and somebody who chats there.
fn busy(waiting: usize) -> (Daemon, Child, Person) {
    let daemon = Place::with(&format!("{CONFIGURATION}[agent]\nwaiting = {waiting}\n")).start();
    daemon.says(&["install", built::ERRAND, "--grant", "schedule", "--grant", "attachments"]);
    daemon.says(&["chat", "say Hello."]);
    let busy = daemon.place.command(&["chat", "slow 60000\nlong 100"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait("it is busy", || daemon.json(&["sessions", "show", "main"])["turns"] == 1);
    let mut person = Person::chats(&daemon);
    person.sees("\n> ");
    (daemon, busy, person)
}

#[test]
fn a_turn_that_never_comes_is_not_waited_for() {
    let (daemon, mut busy, mut person) = busy(0);
    person.types("/errand go on with coffee");
    person.sees("the agent goes on; Ctrl-C leaves it\n");
    let jobs = daemon.json(&["jobs", "--session", "main"])["jobs"].clone();
    assert_eq!((&jobs[0]["kind"], jobs.as_array().unwrap().len()), (&"action".into(), 1), "{jobs}");
    daemon.says(&["jobs", "remove", jobs[0]["id"].as_str().unwrap()]);
    person.sees("the agent doesn't go on: its job is gone, and none of the session's newest turns is its own; `plugbay history` has what became of jobs\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
    busy.kill().unwrap();
    busy.wait().unwrap();
}

#[test]
fn a_turn_whose_session_is_deleted_is_not_waited_for() {
    let (daemon, mut busy, mut person) = busy(1);
    let mut delete = daemon.place.command(&["sessions", "delete", "main"]).stdout(Stdio::null()).spawn().unwrap();
    wait("it is to be deleted", || daemon.json(&["sessions", "show", "main"])["turns"] == 2);
    // The line is full, so the agent's turn is put off until the session is gone.
    person.types("/errand go on with coffee");
    person.sees("the agent goes on; Ctrl-C leaves it\n");
    let run = daemon.json(&["sessions", "show", "main"])["runs"][0]["run"].as_str().unwrap().to_owned();
    daemon.says(&["sessions", "cancel", &run]);
    busy.wait().unwrap();
    assert!(delete.wait().unwrap().success());
    person.sees("the agent doesn't go on: its session is gone\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
}

#[test]
fn a_turn_that_stands_in_the_line_comes_though_its_job_is_removed() {
    let (daemon, mut busy, mut person) = busy(1);
    person.types("/errand go on with coffee");
    person.sees("the agent goes on; Ctrl-C leaves it\n");
    wait("it stands in the line", || daemon.json(&["sessions", "show", "main"])["turns"] == 2);
    let job = daemon.json(&["jobs"])["jobs"][0]["id"].as_str().unwrap().to_owned();
    daemon.says(&["jobs", "remove", &job]);
    let run = daemon.json(&["sessions", "show", "main"])["runs"][0]["run"].as_str().unwrap().to_owned();
    daemon.says(&["sessions", "cancel", &run]);
    busy.wait().unwrap();
    person.sees("coffee is done for");
    person.sees("\n> ");
    person.types("/quit");
    assert_eq!(person.leaves(), 0);
}
