//! A host with odd plugins: each writes what it sees into a log that tests read, and then does as it was built to.

use plugbay_gateway::runtime::engine::{Level, LogSink};
use plugbay_gateway::runtime::state::Memory;
use plugbay_gateway::runtime::{
    BreakerSettings, Call, Grant, Grants, Message, Payload, Plugin, PluginId, Plugins, PluginsSettings, ProbationSettings, Session,
    Settings, ToolCall, ToolDecision,
};
use plugbay_gateway::{Dispatched, Hooks, HooksSettings, Receipt, Said};
use plugbay_guests::odd::Odd;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// A host, its hooks, and what its plugins wrote.
pub(super) struct Stage {
    pub(super) plugins: Plugins,
    pub(super) hooks: Hooks,
    lines: Arc<Lines>,
    folder: TempDir,
}

/// What plugins wrote, and who did.
#[derive(Default)]
struct Lines(Mutex<Vec<(String, String)>>);

struct Sink(String, Arc<Lines>);

impl LogSink for Sink {
    fn line(&self, _: Level, text: &str) {
        self.1.0.lock().unwrap().push((self.0.clone(), text.to_owned()));
    }

    fn enabled(&self, _: Level) -> bool {
        true
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(HooksSettings::default())
    }

    pub(super) fn with(settings: HooksSettings) -> Self {
        Self::breaking(settings, BreakerSettings::default())
    }

    /// Nobody is on probation here; the breaker is the test's.
    pub(super) fn breaking(settings: HooksSettings, breaker: BreakerSettings) -> Self {
        let lines = Arc::new(Lines::default());
        let sink = lines.clone();
        let logs = Box::new(move |id: &PluginId| Arc::new(Sink(id.to_string(), sink.clone())) as Arc<dyn LogSink>);
        let probation = ProbationSettings { time: Duration::ZERO, ..ProbationSettings::default() };
        let kept = PluginsSettings { logs, probation, breaker, ..PluginsSettings::default() };
        let plugins = Plugins::with(crate::engine(), Arc::new(Memory::default()), kept).unwrap();
        Self { hooks: Hooks::new(plugins.clone(), settings), plugins, lines, folder: TempDir::new().unwrap() }
    }

    pub(super) async fn load(&self, id: &str, odd: Odd) -> Arc<Plugin> {
        self.load_with(id, odd, granted()).await
    }

    pub(super) async fn load_with(&self, id: &str, odd: Odd, settings: Settings) -> Arc<Plugin> {
        let file = self.folder.path().join(format!("{id}.wasm"));
        std::fs::write(&file, odd.build()).unwrap();
        self.plugins.load(&file, settings).await.unwrap().0
    }

    pub(super) async fn fire(&self, tool: &str) -> Dispatched<ToolDecision> {
        self.hooks.before_tool_call(&Call::new(), tool_call(tool, &json!({ "a": 1 }))).await
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Tells of a message in a session.
    pub(super) fn tell(&self, session: &str, text: &str) {
        self.tell_in(&Call::new().session(Session::new(session, "life")), text);
    }

    pub(super) fn tell_in(&self, call: &Call, text: &str) {
        self.hooks.message_received(call, Message { id: None, text: text.to_owned(), at: 0, attrs: Vec::new() });
    }

    /// Waits until all that was told is done.
    pub(super) async fn settled(&self) {
        assert_eq!(self.hooks.settled(Duration::from_secs(120)).await, 0);
    }

    /// What was written since the last time: who, and what.
    pub(super) fn seen(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.lines.0.lock().unwrap())
    }

    /// Who wrote something since the last time.
    pub(super) fn who(&self) -> Vec<String> {
        self.seen().into_iter().map(|(who, _)| who).collect()
    }

    pub(super) fn lines(&self) -> usize {
        self.lines.0.lock().unwrap().len()
    }
}

/// Settings that grant all that hooks take here.
pub(super) fn granted() -> Settings {
    Settings { grants: Grants::granting([Grant::Conversation]), ..Settings::default() }
}

pub(super) fn tool_call(tool: &str, params: &Value) -> ToolCall {
    ToolCall { tool: tool.to_owned(), params: Payload::of(params), call_id: None, attrs: Vec::new() }
}

/// The log import, for guests.
const LOG: &str = r#"(import "plugbay:plugin/log@0.1.0" "write" (func $log_write (param i32 i32 i32)))"#;

/// Writes the arguments that it sees: they are a payload at 104, their text's pointer at 112.
pub(super) const WRITES_PARAMS: &str =
    "(call $log_write (i32.const 2) (i32.load offset=112 (local.get $call)) (i32.load offset=116 (local.get $call)))";

/// A gate that writes which arguments it sees, and then this.
pub(super) fn gate(id: &str, priority: i32, then: &str) -> Odd {
    let describe = format!(r#"{{"hooks":[{{"hook":"before-tool-call","priority":{priority}}}],"isolation":["shared","session"]}}"#);
    Odd::new(id).describe(describe).imports(LOG).handle(&format!("{WRITES_PARAMS} {then}"))
}

pub(super) const SILENT: &str = "(call $none)";
pub(super) const TRAPS: &str = "(unreachable)";
pub(super) const SPINS: &str = "(loop $again (br $again)) (unreachable)";

/// Answers other arguments.
pub(super) fn rewrites(id: &str, priority: i32, params: &str) -> Odd {
    gate(id, priority, "(call $answer_params (global.get $params) (global.get $params_len))").text("params", params)
}

pub(super) fn blocks(id: &str, priority: i32, reason: &str) -> Odd {
    gate(id, priority, "(call $answer_block (global.get $reason) (global.get $reason_len))").text("reason", reason)
}

/// Asks for approval, under this title.
pub(super) fn asks(id: &str, priority: i32, title: &str) -> Odd {
    let body = "(drop (call $answer_decisions (i32.const 0) (i32.const 0)))
        (i32.store (i32.const 1060) (global.get $title)) (i32.store (i32.const 1064) (global.get $title_len))
        (i32.const 1024)";
    gate(id, priority, body).text("title", title)
}

/// Answers an error.
pub(super) fn fails(id: &str, priority: i32, why: &str) -> Odd {
    gate(id, priority, &answers_err()).text("why", why)
}

fn answers_err() -> String {
    "(i32.store8 (call $none) (i32.const 1))
     (i32.store (i32.const 1028) (global.get $why)) (i32.store (i32.const 1032) (global.get $why_len))
     (i32.const 1024)"
        .to_owned()
}

/// An observer of messages that writes their text (its pointer at 120), and then this.
pub(super) fn observer(id: &str, then: &str) -> Odd {
    let writes = "(call $log_write (i32.const 2) (i32.load offset=120 (local.get $call)) (i32.load offset=124 (local.get $call)))";
    hook(id, "message-received", 0, &format!("{writes} {then}"))
}

/// A handler of any hook.
pub(super) fn hook(id: &str, hook: &str, priority: i32, does: &str) -> Odd {
    let name = format!("plugbay:plugin/{hook}@0.1.0");
    let handler = format!(
        r#"(func (export "{name}#handle") (param $call i32) (result i32) (call $drop_borrowed (local.get $call)) {does})
           (export "cabi_post_{name}#handle" (func $release))"#
    );
    let describe = format!(r#"{{"hooks":[{{"hook":"{hook}","priority":{priority}}}],"isolation":["shared","session"]}}"#);
    Odd::new(id).without_hook().export_interface(&name).imports(LOG).module(&handler).describe(describe)
}

/// A handler of a hook whose outcome begins with an optional text: answers this one. It writes what it sees of a payload at 104.
pub(super) fn answers(id: &str, name: &str, priority: i32, text: &str) -> Odd {
    hook(id, name, priority, &format!("{WRITES_PARAMS} (call $answer_params (global.get $text_) (global.get $text__len))"))
        .text("text_", text)
}

/// What a receipt says of each that ran: who, and one word.
pub(super) fn ran(receipt: &Receipt) -> Vec<(String, &'static str)> {
    let word = |said: &Said| match said {
        Said::Nothing => "nothing",
        Said::Wants(_) => "wants",
        Said::Ended(_) => "ended",
        Said::Failed(failure) => failure.code,
        Said::Refused(_) => "refused",
        Said::Queued => "queued",
        Said::Told => "told",
        Said::Dropped(_) => "dropped",
    };
    receipt.ran.iter().map(|ran| (ran.plugin.to_string(), word(&ran.said))).collect()
}

/// The same without lifetimes' fuss: names and words to compare with.
pub(super) fn rows<'a>(rows: impl IntoIterator<Item = (&'a str, &'static str)>) -> Vec<(String, &'static str)> {
    rows.into_iter().map(|(who, word)| (who.to_owned(), word)).collect()
}
