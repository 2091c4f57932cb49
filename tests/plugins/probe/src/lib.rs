//! Tells what a plugin sees of a call: the context, the handles, its own life.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

struct Probe;

#[plugin(isolation(shared, session))]
impl Probe {
    fn activate(activation: &Activation) -> Self {
        match &activation.previous_version {
            Some(version) => log::info!("activated because of {:?}, after {version}", activation.reason),
            None => log::info!("activated because of {:?}", activation.reason),
        }
        Self
    }

    fn started(&self, reason: ActivationReason) {
        log::info!("started because of {reason:?}");
    }

    fn deactivate(&self, reason: DeactivationReason) {
        log::info!("deactivated because of {reason:?}");
    }

    fn before_tool_call(&self, call: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        match event.tool_name.as_str() {
            "look" => Ok(Some(look(call)?)),
            "size" => Ok(Some(size(&event.params)?)),
            "deadline" => Ok(Some(ToolDecision::rewrite(&json!({ "left": call.deadline_ms }))?)),
            "nap" => {
                std::thread::sleep(std::time::Duration::from_millis(100));
                Ok(None)
            }
            "panic" => fault(),
            _ => Ok(None),
        }
    }
}

#[expect(clippy::panic, reason = "what a fault does to the cell is what is tested")]
fn fault() -> ! {
    panic!("as you asked")
}

/// Everything that the context holds.
fn look(call: &Call) -> Result<ToolDecision> {
    let session = call.session.as_ref().ok_or_else(|| Error::new("no session"))?;
    let transcript = call.transcript.as_ref().ok_or_else(|| Error::new("no transcript"))?;
    let gone = |_| "gone".to_owned();
    let entry = transcript.entry(2).ok_or_else(|| Error::new("no entry 2"))?;
    ToolDecision::rewrite(&json!({
        "cause": call.cause.name,
        "key": session.key().unwrap_or_else(gone),
        "id": session.id().unwrap_or_else(gone),
        "run": call.run,
        "len": transcript.len(),
        "window": transcript.window(100, 2_000).len(),
        "entry-2": entry.content.parse::<String>()?,
    }))
}

/// How large the arguments are, where they weren't handed over.
fn size(params: &Payload) -> Result<ToolDecision> {
    match params {
        Payload::Json(_) => Err(Error::new("they were handed over")),
        Payload::Truncated(truncated) => ToolDecision::rewrite(&json!({ "truncated": truncated.bytes })),
    }
}
