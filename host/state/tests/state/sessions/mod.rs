//! The rules of conversations, each as a test of its own on each backend, at time 1,000; and what only a file can show.

mod engines;
mod file;
mod injections;
mod lives;
mod plugins;
mod subagents;
mod transcript;
mod turns;
mod welcome;

use crate::stage::{Stage, n, rules};
use plugbay_state::{Injection, InjectionStatus, NewEntry, NewInjection, NewRun, SessionStore, StateSpot, Window};

fn said(text: &str) -> NewEntry {
    NewEntry { role: "user".into(), content: format!("{text:?}"), tool_call_id: None, run: None, meta: None }
}

/// Appends to `main` in this life.
async fn append(state: &dyn SessionStore, life: &str, texts: &[&str]) -> Option<Vec<u64>> {
    state.append("main", life, texts.iter().map(|text| said(text)).collect()).await.unwrap()
}

/// The texts of a window of `main`.
fn texts(state: &dyn SessionStore, life: &str, window: Window) -> Vec<String> {
    let entries = state.entries("main", life, window).unwrap();
    entries.into_iter().map(|entry| entry.entry.content.trim_matches('"').to_owned()).collect()
}

/// A turn of `main` in its life `l1` that takes along what `p` and `q` have queued.
fn turn(run: &str) -> NewRun {
    NewRun {
        run: run.into(),
        session: "main".into(),
        life: "l1".into(),
        trigger: "user".into(),
        facts: "{}".into(),
        plugins: vec!["p".into(), "q".into()],
    }
}

/// An injection of `p` for `main`.
fn note(id: &str) -> NewInjection {
    NewInjection {
        id: id.into(),
        session: "main".into(),
        plugin: "p".into(),
        text: format!("text of {id}"),
        append: false,
        priority: 0,
        ttl_ms: None,
        key: None,
        metadata: None,
    }
}

fn spot<'a>(plugin: &'a str, namespace: &'a str) -> StateSpot<'a> {
    StateSpot { session: "main", life: "l1", plugin, namespace }
}

fn ids(injections: &[Injection]) -> Vec<&str> {
    injections.iter().map(|injection| injection.asked.id.as_str()).collect()
}

/// What waits for `main`, with how far each is.
async fn waiting(state: &dyn SessionStore) -> Vec<(String, InjectionStatus)> {
    let waiting = state.injections("main").await.unwrap();
    waiting.into_iter().map(|injection| (injection.asked.id, injection.status)).collect()
}

/// The ids of what a turn claims.
async fn claimed(state: &dyn SessionStore, run: &str) -> Vec<String> {
    let claimed = state.begin_run(turn(run)).await.unwrap().unwrap();
    claimed.into_iter().map(|injection| injection.asked.id).collect()
}
