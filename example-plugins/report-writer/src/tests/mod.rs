//! The plugin against the SDK's fakes: reports, conversations, digests.

mod conversations;
mod reports;

use super::*;
use crate::attachments::fake::{DeliveredFile, Delivery, delivered};
use crate::written::Section;

fn plugin(settings: Value) -> ReportWriter {
    ReportWriter::activate(&activation(), serde_json::from_value(settings).unwrap()).unwrap()
}

fn activation() -> Activation {
    let reason = ActivationReason::Install;
    Activation { reason, config: "{}".into(), granted: Vec::new(), denied: Vec::new(), previous_version: None }
}

fn chat() -> Call<'static> {
    Call { session: Some(sessions::fake::session("chat")), ..Call::default() }
}

/// A call about a conversation in which these said these.
fn about(said: &[(Role, String)]) -> Call<'static> {
    let entry = |(id, (role, json)): (u64, &(Role, String))| Entry {
        id,
        role: *role,
        at: id * 60_000,
        content: Payload::Json(json.clone()),
        tool_call_id: None,
    };
    let transcript = Some(Transcript::of((1..).zip(said).map(entry).collect()));
    Call { transcript, ..chat() }
}

fn text(words: &str) -> String {
    json!(words).to_string()
}

fn sections(of: &[(&str, &str)]) -> Vec<Section> {
    of.iter().map(|(heading, text)| Section { heading: (*heading).into(), text: (*text).into() }).collect()
}

fn code(result: &ActionResult) -> &str {
    result.failure().and_then(|failed| failed.code.as_deref()).unwrap_or("none")
}

fn reply(result: &ActionResult) -> &str {
    result.success().and_then(|done| done.reply.as_deref()).unwrap_or("none")
}

/// The only file that was delivered, and its caption.
fn one() -> (DeliveredFile, String) {
    let mut all: Vec<Delivery> = delivered();
    assert_eq!((all.len(), all[0].files.len(), all[0].session.as_str()), (1, 1, "chat"));
    let delivery = all.remove(0);
    (delivery.files[0].clone(), delivery.caption.unwrap().text)
}
