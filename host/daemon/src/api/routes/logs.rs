//! What plugins wrote, and go on writing.

use crate::api::Api;
use crate::api::document::{Always, Names};
use crate::api::given::{Asked, Named};
use crate::api::refusal::Refusal;
use crate::api::types::{LogEntry, LogPage, LogQuery};
use crate::logs::{Followed, LogLine, Since};
use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use plugbay_runtime::PluginId;
use plugbay_runtime::engine::Level;

/// A plugin's log: the lines that are kept in memory, and with `follow` those that come.
///
/// A stream has an event `line` for each line, whose data is a `LogEntry` and whose id is its number, and an event `missed`, whose data is a number of
/// lines, where the reader was too slow. It ends when the plugin is uninstalled or the host stops.
#[utoipa::path(get, path = "/v1/plugins/{id}/logs", tag = "logs", security(("token" = ["operator.read"])),
    params(("id" = String, Path, description = "The plugin."), LogQuery),
    responses((status = 200, description = "The lines, oldest first.", content((LogPage = "application/json"), (String = "text/event-stream"))), Names, Always))]
pub(super) async fn logs(State(api): State<Api>, Named(id): Named<String>, Asked(query): Asked<LogQuery>) -> Result<Response, Refusal> {
    let plugin = api.host().plugin(&id)?.id().clone();
    let lines = page(&api, &plugin, &query);
    if query.follow {
        return Ok(Sse::new(follow(&api, &plugin, start(&lines, &query))).keep_alive(KeepAlive::default()).into_response());
    }
    Ok(Json(LogPage { lines: lines.into_iter().map(entry).collect() }).into_response())
}

/// The lines that are kept and asked for.
fn page(api: &Api, plugin: &PluginId, query: &LogQuery) -> Vec<LogLine> {
    let since = query.after.map_or(Since::Last(usize::MAX), Since::Line);
    let mut lines = api.host().logs().tail(plugin, since);
    lines.drain(..lines.len().saturating_sub(query.tail.unwrap_or(usize::MAX)));
    lines
}

/// Where a follower begins who asks for this, and for whom these lines are kept.
fn start(lines: &[LogLine], query: &LogQuery) -> Since {
    match (query.after, query.tail) {
        (None, tail) => Since::Last(tail.unwrap_or(usize::MAX)),
        (Some(after), None) => Since::Line(after),
        (Some(_), Some(0)) => Since::Last(0),
        (Some(after), Some(_)) => Since::Line(lines.first().map_or(after, |first| first.seq.saturating_sub(1))),
    }
}

fn follow(api: &Api, plugin: &PluginId, since: Since) -> impl Stream<Item = Result<Event, axum::Error>> + use<> {
    let mut stopping = api.host().stopping();
    let stops = async move { _ = stopping.wait_for(|stopping| *stopping).await };
    api.host().logs().follow(plugin, since).take_until(Box::pin(stops)).map(event)
}

fn event(followed: Followed) -> Result<Event, axum::Error> {
    match followed {
        Followed::Line(line) => Event::default().event("line").id(line.seq.to_string()).json_data(entry(line)),
        Followed::Missed(lines) => Ok(Event::default().event("missed").data(lines.to_string())),
    }
}

fn entry(line: LogLine) -> LogEntry {
    let level = match line.level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    LogEntry { seq: line.seq, at: line.at, level: level.to_owned(), text: line.text }
}
