//! Reviews what an agent is about to say against rules, and sends it back with an instruction where it falls short.
//!
//! What it is for: answers that say too much, forget a part, or claim what didn't happen ("all tests pass", and no test was run). Rules are phrases, sections,
//! lengths and names of tools. What it costs: one pass over the answer for each phrase; a value of the run for each call of a tool that a rule is about; a
//! write of the session's state where something was found. How it fails: open. Where it can't review, or has no attempt left, the answer stands.

#![forbid(unsafe_code)]

mod calls;
mod findings;
mod pattern;
mod phrase;
mod reviews;
mod rule;
mod said;
#[cfg(test)]
mod tests;

use plugbay_sdk::prelude::*;
use reviews::{Outcome, Reviews};
use rule::{Rules, SaidRule};
use said::Said;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// The rules. If nothing is said, one: who says that tests pass has to have called a tool that can run them.
    #[serde(default = "rule::usual")]
    rules: Vec<SaidRule>,
    /// How often an answer is sent back in one run: 1 to 3.
    #[serde(default = "attempts")]
    attempts: u32,
}

fn attempts() -> u32 {
    2
}

/// Revisions of one run that a host allows, whoever wants them.
const MOST: u32 = 3;
/// What attempts are counted by, whichever rules are broken.
const KEY: &str = "review-assistant";

struct ReviewAssistant {
    rules: Rules,
    attempts: u32,
}

#[plugin(
    isolation(shared, pool, session, call),
    session_state(reviews = "what reviews have found in this session"),
    ui(id = "reviews", surface = "session", label = "Reviews", icon = "check", namespace = "reviews")
)]
impl ReviewAssistant {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        if !(1..=MOST).contains(&settings.attempts) {
            return Err(Error::new(format!("the setting `attempts` of review-assistant is {}: it may be 1 to {MOST}", settings.attempts)));
        }
        Ok(Self { rules: Rules::read(&settings.rules)?, attempts: settings.attempts })
    }

    /// Notes that a tool is about to be called, where a rule asks for that. It has no opinion on the call, whatever happens.
    fn before_tool_call(&self, _: &Call, event: ToolCall) -> Option<ToolDecision> {
        if self.rules.ask_for(&event.tool_name) {
            calls::note(&event.tool_name, event.tool_call_id.as_deref());
        }
        None
    }

    /// Notes that a call that was about to be made wasn't, or that the tool failed.
    fn after_tool_call(&self, _: &Call, event: ToolEnded) {
        if self.rules.ask_for(&event.tool_name) {
            calls::note_end(event.end, event.tool_call_id.as_deref());
        }
    }

    /// Reviews the answer. What falls short is sent back, as long as attempts are left.
    fn before_agent_finalize(&self, call: &Call, event: Answer) -> Option<Finalize> {
        let found = self.rules.review(&Said::read(&event.last_message), &calls::done());
        let tries = calls::tries(event.revisions);
        if found.is_empty() {
            if tries > 0 {
                reviews::keep(call, &self.rules, &[], Outcome::PutRight);
            }
            return None;
        }
        let goes_back = tries < self.attempts && event.revisions < MOST;
        reviews::keep(call, &self.rules, &found, if goes_back { Outcome::SentBack } else { Outcome::Stood });
        let names = findings::names(&found);
        if !goes_back {
            log::warn!("an answer stands that breaks {names}: no attempt is left (setting `attempts` of review-assistant)");
            return None;
        }
        log::info!("sent back: {names}");
        calls::set_tries(tries + 1);
        let instruction = findings::instruction(&found);
        Some(Finalize::revise(format!("the answer breaks {names}")).retry(instruction).key(KEY).attempts(self.attempts))
    }

    /// Shows what reviews have found in this session; with `rules`, what is reviewed.
    #[command(args = "[rules]", scopes("operator.read"))]
    fn reviews(&self, call: &Call, args: &str) -> Result<String> {
        match args {
            "" => Ok(Reviews::of(call.session()?)?.told()),
            "rules" => Ok(self.rules.told()),
            other => Err(Error::new(format!("/reviews takes nothing, or `rules`, and not {other:?}"))),
        }
    }

    /// What is shown of a session: how many answers were sent back, and what was found last.
    fn session_projection(&self, _: &Call, event: Projecting) -> Result<Option<Value>> {
        Ok(serde_json::from_str::<Reviews>(&event.state)?.shown())
    }
}
