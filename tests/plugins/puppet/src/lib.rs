//! Does with its imports what it is told, and tells what came of it.
//!
//! The name of the tool in `before-tool-call` is the operation, its arguments are the operation's; the answer stands in the arguments that it decides on. It speaks to the
//! contract itself, without the SDK: what a host answers is seen as it comes, and asked for where no SDK would ask.

// Natively a library can't have such exports' names, so there is none.
#![cfg(target_family = "wasm")]
#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, reason = "generated bindings")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "an absent argument is null, and what a fault does to the cell is what is tested"
)]

wit_bindgen::generate!({
    inline: "package plugbay:puppet; world puppet {
        import plugbay:plugin/log@0.1.0; import plugbay:plugin/config@0.1.0; import plugbay:plugin/run-context@0.1.0; import plugbay:plugin/sessions@0.1.0;
        import plugbay:plugin/session-state@0.1.0; import plugbay:plugin/events@0.1.0; import plugbay:plugin/injections@0.1.0; import plugbay:plugin/keyed-store@0.1.0;
        export plugbay:plugin/plugin@0.1.0; export plugbay:plugin/startup@0.1.0; export plugbay:plugin/before-tool-call@0.1.0; export plugbay:plugin/cleanup@0.1.0;
        export plugbay:plugin/session-projection@0.1.0; }",
    path: "../../../wit",
    world: "puppet",
    generate_all,
});

use exports::plugbay::plugin::{before_tool_call, cleanup, plugin, session_projection, startup};
use plugbay::plugin::types::{ActivationReason, Payload, Placement, Session};
use plugbay::plugin::{config, events, injections, keyed_store, log, run_context, session_state, sessions};
use serde_json::{Value, json};

#[unsafe(link_section = "plugbay:manifest")]
#[used]
static MANIFEST: [u8; 33] = *br#"{"id":"puppet","version":"0.1.0"}"#;

struct Puppet;
export!(Puppet);

fn told<T: Into<Value>, C: std::fmt::Debug>(answer: Result<T, (C, String)>) -> Value {
    match answer {
        Ok(value) => json!({ "ok": value.into() }),
        Err((code, message)) => json!({ "code": format!("{code:?}").replace("ErrorCode::", ""), "message": message }),
    }
}
macro_rules! told {
    ($call:expr) => {
        told($call.map_err(|e| (e.code, e.message)))
    };
}

fn text(params: &Value, name: &str) -> String {
    match &params[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn injection(text: String, metadata: Option<String>) -> injections::Injection {
    injections::Injection { text, placement: Placement::Append, priority: 3, ttl_ms: Some(9), idempotency_key: Some("k".into()), metadata }
}

/// One operation.
fn act(what: &str, params: &Value, session: Option<&Session>) -> Value {
    let opened = params["open"].as_str().map(|key| sessions::open(key).map_err(|e| (e.code, e.message)));
    let opened = match opened.transpose() {
        Ok(opened) => opened,
        Err(e) => return told::<Value, _>(Err(e)),
    };
    let session = opened.as_ref().or(session);
    let namespace = params["namespace"].as_str().unwrap_or("notes").to_owned();
    match what {
        "get" => told!(run_context::get(&text(params, "name")).map(|v| json!(v))),
        "set" => told!(run_context::set(&text(params, "name"), &text(params, "value")).map(|()| Value::Null)),
        "unset" => told!(run_context::unset(&text(params, "name"))),
        "clear" => told!(run_context::clear().map(|()| Value::Null)),
        "emit" => told!(events::emit(&text(params, "topic"), &text(params, "value")).map(|()| Value::Null)),
        "register" => {
            let options = keyed_store::Options { max_entries: 9, overflow: keyed_store::Overflow::RejectNew, default_ttl_ms: None };
            match keyed_store::Store::open("rows", options) {
                Ok(rows) => told!(rows.register("a", "1", None).map(|()| Value::Null)),
                Err(e) => told::<Value, _>(Err((e.code, e.message))),
            }
        }
        "key" => match session {
            Some(s) => json!({ "ok": s.key().ok() }),
            None => json!("no session"),
        },
        _ => {
            let Some(session) = session else { return json!("no session") };
            match what {
                "read" => told!(session_state::read(session, &namespace).map(|v| json!(v))),
                "patch" => told!(session_state::patch(session, &namespace, &text(params, "value")).map(|()| Value::Null)),
                "remove" => told!(session_state::unset(session, &namespace)),
                "enqueue" => {
                    let metadata = params["metadata"].as_str().map(str::to_owned);
                    told!(injections::enqueue(session, &injection(text(params, "text"), metadata)).map(|q| json!([q.id, q.fresh])))
                }
                _ => json!("unknown"),
            }
        }
    }
}

/// All operations that change something, and what each answered.
fn changes(session: Option<&Session>) -> Value {
    let params = json!({ "name": "n", "value": "1", "topic": "puppet", "text": "t", "open": if session.is_none() { json!("known") } else { Value::Null } });
    let codes = ["set", "unset", "clear", "emit", "register", "patch", "remove", "enqueue"].map(|what| {
        let answer = act(what, &params, session);
        answer["code"].as_str().map_or(answer.to_string(), str::to_owned)
    });
    json!(codes)
}

/// Says what comes of changes outside of calls, if its setting `tries` is on.
fn tries_in(place: &str) {
    if config::get("tries").as_deref() == Some("true") {
        log::write(log::Level::Info, &format!("in {place}: {}", changes(None)));
    }
}

impl plugin::Guest for Puppet {
    fn describe() -> String {
        json!({ "session-state": [{ "namespace": "notes", "description": "what it was told" }] , "isolation": ["shared", "session", "pool", "call"],
            "config": { "type": "object" } }).to_string()
    }
    fn activate(activation: plugin::Activation) -> Result<(), String> {
        log::write(log::Level::Info, &format!("activate: {:?}", activation.reason));
        tries_in("activate");
        Ok(())
    }
    fn deactivate(reason: plugin::DeactivationReason) {
        log::write(log::Level::Info, &format!("deactivate: {reason:?}"));
        tries_in("deactivate");
    }
}
impl startup::Guest for Puppet {
    fn started(_: ActivationReason) -> Result<(), String> {
        tries_in("started");
        Ok(())
    }
}
impl before_tool_call::Guest for Puppet {
    fn handle(context: before_tool_call::CallContext, event: before_tool_call::Event) -> Result<Option<before_tool_call::Outcome>, String> {
        let Payload::Json(params) = event.params else { return Err("too large".into()) };
        let params: Value = serde_json::from_str(&params).map_err(|e| e.to_string())?;
        if event.tool_name == "panic" {
            panic!("as you asked")
        }
        if event.tool_name == "read-on" {
            let transcript = context.transcript.ok_or("none")?;
            let seen = json!([transcript.len(), transcript.window(0, 2).len(), transcript.entry(2).map(|e| e.id)]);
            return Ok(Some(before_tool_call::Outcome {
                params: Some(json!({ "ok": seen }).to_string()),
                block: None,
                approval: None,
                attrs: vec![],
            }));
        }
        let answer = act(&event.tool_name, &params, context.session);
        let answer = if answer.is_object() { answer } else { json!({ "ok": answer }) };
        Ok(Some(before_tool_call::Outcome { params: Some(answer.to_string()), block: None, approval: None, attrs: vec![] }))
    }
}
impl cleanup::Guest for Puppet {
    fn handle(_: cleanup::CallContext, event: cleanup::Event) -> Result<(), String> {
        log::write(log::Level::Info, &format!("cleanup: {:?}", event.reason));
        Err("as it always does".into())
    }
}
impl session_projection::Guest for Puppet {
    fn handle(context: session_projection::CallContext, _: session_projection::Event) -> Result<Option<String>, String> {
        Ok(Some(changes(context.session).to_string()))
    }
}
