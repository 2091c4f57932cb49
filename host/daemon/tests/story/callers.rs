//! Agents at work: clients that call a plugin over the daemon's socket, one call after the other, until they are told to end.
//!
//! Time is told in chapters: the test turns the page when a command has returned, and each call remembers on which page it began.

use hyper::Method;
use plugbay_daemon::api::types::{HookAnswer, HookCall};
use plugbay_daemon::client::{Client, Content, Place, Route};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// What each client calls. One naps in every call, so that some call is always under way and others wait behind it.
const TOOLS: [&str; 4] = ["nap", "any", "any", "any"];

/// The chapter that means: no more.
const END: u64 = u64::MAX;

/// A call that has ended: the chapter in which it began, and the version that answered, or why none did.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) chapter: u64,
    pub(crate) answer: Result<String, String>,
}

/// Clients that call.
pub(crate) struct Callers {
    chapter: Arc<AtomicU64>,
    heard: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Vec<Heard>>>,
}

impl Callers {
    /// Begins to call the plugin `echo` of the daemon at this socket, in chapter 0.
    pub(crate) fn start(socket: PathBuf) -> Self {
        let (chapter, heard) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let client = Client::new(Place::Socket { path: socket, by: "by the test".to_owned() });
        let calling = |tool: &&'static str| {
            let tool = *tool;
            let (client, chapter, heard) = (client.clone(), chapter.clone(), heard.clone());
            thread::spawn(move || call_on(&client, tool, &chapter, &heard))
        };
        Self { clients: TOOLS.iter().map(calling).collect(), chapter, heard }
    }

    /// Calls that have ended.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::SeqCst)
    }

    /// What is begun from now on belongs to the next chapter.
    pub(crate) fn turn_the_page(&self) {
        self.chapter.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends, and tells of every call.
    pub(crate) fn end(self) -> Vec<Heard> {
        self.chapter.store(END, Ordering::SeqCst);
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

fn call_on(client: &Client, tool: &str, chapter: &AtomicU64, heard: &AtomicU64) -> Vec<Heard> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut calls = Vec::new();
    loop {
        let chapter = chapter.load(Ordering::SeqCst);
        if chapter == END {
            return calls;
        }
        calls.push(Heard { chapter, answer: runtime.block_on(call(client, tool)) });
        heard.fetch_add(1, Ordering::SeqCst);
    }
}

async fn call(client: &Client, tool: &str) -> Result<String, String> {
    let event = json!({ "tool-name": tool, "params": {} });
    let route = Route::v1(&["plugins", "echo", "hooks", "before-tool-call"]);
    let asked = Content::json(&HookCall { event, session: None }).unwrap();
    let answer = client.send::<HookAnswer>(Method::POST, &route, asked).await.map_err(|e| e.to_string())?;
    let version = answer.value.outcome["params"]["version"].as_str().map(str::to_owned);
    version.ok_or_else(|| format!("no version: {}", answer.text))
}
