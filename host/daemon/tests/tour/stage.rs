//! What the tour plays on: the real program, and a voice that says what is done and shows what comes of it.
//!
//! Commands are the program's own, in a process each; requests go over its socket, as any gateway's would. What is shown is what was printed: lines that
//! don't matter to a step are left out, and a line says so.

use super::program::{Daemon, Ended, Place, has, text, wait};
use hyper::Method;
use plugbay_daemon::client::{self, Client, ClientError, Content, Route};
use plugbay_guests::builds;
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use tokio::runtime::{Builder, Runtime};

/// Characters of a line that are shown.
const WIDTH: usize = 200;

/// The program, and who asks it.
pub(crate) struct Stage {
    pub(crate) daemon: Daemon,
    client: Client,
    runtime: Runtime,
    steps: u32,
}

impl Stage {
    /// Starts the program with this configuration.
    pub(crate) fn open(configuration: &str) -> Self {
        let daemon = Place::with(configuration).start();
        let path = daemon.place.path("state/plugbay.sock");
        let client = Client::new(client::Place::Socket { path, by: "by the tour".to_owned() });
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { daemon, client, runtime, steps: 0 }
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, what: &str) {
        self.steps += 1;
        println!("\n{:2}. {what}\n", self.steps);
    }

    /// A command that does what it is asked for; what it prints.
    #[track_caller]
    pub(crate) fn does(&self, arguments: &[&str]) -> String {
        self.shows(arguments, |_| true)
    }

    /// The same; of what it prints these lines are shown.
    #[track_caller]
    pub(crate) fn shows(&self, arguments: &[&str], which: impl Fn(&str) -> bool) -> String {
        told(arguments);
        let ended = self.daemon.run(arguments);
        shown(&ended, which);
        ended.done()
    }

    /// A command that ends with another code than 0; why.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &[&str], code: i32) -> String {
        told(arguments);
        let ended = self.daemon.run(arguments);
        shown(&ended, |_| true);
        ended.failed(code)
    }

    /// One turn; what the agent says.
    #[track_caller]
    pub(crate) fn says(&self, session: &str, words: &str) -> String {
        self.does(&["chat", "--session", session, words])
    }

    /// One turn, which goes on while other things are done.
    pub(crate) fn begins(&self, session: &str, words: &str) -> UnderWay {
        let arguments = ["chat", "--session", session, words];
        told(&arguments);
        println!("     … goes on");
        let child = self.daemon.place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        UnderWay(Some(child))
    }

    /// Installs a witness that does what the configuration says of it.
    #[track_caller]
    pub(crate) fn witness(&self, letter: char) {
        let file = self.daemon.place.path(&format!("witness-{letter}.wasm"));
        fs::write(&file, builds::witness(letter, 500).unwrap()).unwrap();
        has(&self.does(&["install", text(&file)]), "serves: generation 1");
    }

    /// What a command prints with `--json`; not shown.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.daemon.json(arguments)
    }

    /// A request that is answered.
    #[track_caller]
    pub(crate) fn http(&self, method: &Method, parts: &[&str], body: &Value) -> Value {
        let answer = self.ask(method, parts, body).unwrap();
        print(&answer.to_string());
        answer
    }

    fn ask(&self, method: &Method, parts: &[&str], body: &Value) -> Result<Value, ClientError> {
        let (route, content) = (Route::v1(parts), Content::json(body).unwrap());
        println!("   > {method} {} {body}", route.as_str());
        Ok(self.runtime.block_on(self.client.send::<Value>(method.clone(), &route, content))?.value)
    }

    /// What is there; too much to be shown.
    #[track_caller]
    pub(crate) fn gets(&self, parts: &[&str]) -> Value {
        let route = Route::v1(parts);
        println!("   > GET {}", route.as_str());
        self.runtime.block_on(self.client.get::<Value>(&route)).unwrap().value
    }

    /// Waits for the one question that waits, and answers its id.
    #[track_caller]
    pub(crate) fn question(&self) -> String {
        let mut id = None;
        wait("a question waits for an answer", || {
            let list = self.json(&["approvals"]);
            id = list["approvals"][0]["id"].as_str().map(str::to_owned);
            id.is_some()
        });
        id.unwrap()
    }

    /// The newest turn of a session.
    #[track_caller]
    pub(crate) fn newest_run(&self, session: &str) -> String {
        self.json(&["sessions", "show", session])["runs"][0]["run"].as_str().unwrap().to_owned()
    }
}

/// A turn that goes on.
pub(crate) struct UnderWay(Option<Child>);

impl UnderWay {
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Ended {
        let mut child = self.0.take().unwrap();
        wait("the turn ends", || child.try_wait().unwrap().is_some());
        let ended = Ended::from(child.wait_with_output().unwrap());
        println!("   $ plugbay chat …");
        shown(&ended, |_| true);
        ended
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It has ended already, or ends now.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Says which command is given.
fn told(arguments: &[&str]) {
    let word = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
        match word.starts_with('/') {
            true => name.to_owned(),
            false if word.chars().all(plain) => (*word).to_owned(),
            false => format!("'{}'", word.replace('\n', "⏎ ")),
        }
    };
    println!("   $ plugbay {}", arguments.iter().map(word).collect::<Vec<_>>().join(" "));
}

/// Shows what a command printed.
fn shown(ended: &Ended, which: impl Fn(&str) -> bool) {
    for line in ended.stderr.lines() {
        print(line);
    }
    let (shown, rest): (Vec<_>, Vec<_>) = ended.stdout.lines().partition(|line| which(line));
    shown.iter().for_each(|line| print(line));
    if !rest.is_empty() {
        println!("     … and {} more lines", rest.len());
    }
}

fn print(line: &str) {
    let cut: String = line.chars().take(WIDTH).collect();
    println!("     {cut}{}", if cut.len() < line.len() { " …" } else { "" });
}
