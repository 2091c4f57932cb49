//! Remembers facts of a thread for as long as they matter, and shows them to the agent.
//!
//! What it is for: what was said once and holds for the whole thread ("remember: we deploy on Tuesdays") is before the agent in each turn, also when the
//! conversation is too long to be told in full. What it costs: one page of the store to each turn, and as many tokens as the operator allows. How it fails: a
//! fact that can't be kept is refused with the reason; where facts can't be read, a turn goes on without them.

#![forbid(unsafe_code)]

mod block;
mod fact;
mod lines;
mod shelf;
#[cfg(test)]
mod tests;
mod told;

use fact::By;
use plugbay_sdk::hooks::cleanup::Reason;
use plugbay_sdk::prelude::*;
use shelf::{Kept, Shelf};

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// How many days a fact is remembered if nobody says otherwise: 1 to 365.
    #[serde(default = "days")]
    days: u64,
    /// Facts of one thread: 1 to 100. The oldest makes room for a new one.
    #[serde(default = "facts")]
    facts: u64,
    /// Tokens that facts may take in a turn: 50 to 4,000.
    #[serde(default = "tokens_of_a_turn")]
    tokens: u64,
}

fn days() -> u64 {
    30
}

fn facts() -> u64 {
    20
}

fn tokens_of_a_turn() -> u64 {
    400
}

/// A fact.
#[plugbay_sdk::args]
struct Remembering {
    /// The fact, in one sentence that can be understood by itself: 500 characters at most.
    fact: String,
    /// How many days it matters: 1 to 365. Left out where it is to be the usual time.
    #[serde(default)]
    days: Option<u64>,
}

/// What is looked for.
#[plugbay_sdk::args]
struct Recalling {
    /// Words that the fact has; all facts, if it is left out.
    #[serde(default)]
    query: Option<String>,
}

/// Which fact.
#[plugbay_sdk::args]
struct Forgetting {
    /// Its id, as it stands before the fact, or the first four characters of it and more.
    id: String,
}

struct ThreadMemory {
    settings: Settings,
}

#[plugin(isolation(shared, pool, session, call))]
impl ThreadMemory {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        within("days", settings.days, 1, fact::DAYS)?;
        within("facts", settings.facts, 1, 100)?;
        within("tokens", settings.tokens, 50, 4_000)?;
        Ok(Self { settings })
    }

    /// Keeps what people want remembered, also where their message begins no turn.
    fn message_received(&self, call: &Call, event: Message) -> Result<()> {
        if call.session.is_none() {
            return Ok(()); // the first message of a session: its turn is prepared in a moment, and has one
        }
        for why in self.learn(call, event.text.as_str()?)? {
            log::info!("not kept: {why}");
        }
        Ok(())
    }

    /// The same where a turn begins, so that it is kept before the agent answers; what can't be kept the agent is told.
    fn agent_turn_prepare(&self, call: &Call, event: TurnPrepared) -> Result<Option<TurnContext>> {
        if event.trigger != Trigger::User {
            return Ok(None);
        }
        let refused = self.learn(call, event.prompt.as_str()?)?;
        let told = || format!("[thread-memory couldn't remember everything: {}. Tell the person.]", refused.join("; "));
        Ok((!refused.is_empty()).then(|| TurnContext::append(told())))
    }

    /// Shows the facts to the agent.
    fn before_prompt_build(&self, call: &Call, event: PromptAsked) -> Result<Option<PromptChange>> {
        if call.session.is_none() {
            return Ok(None);
        }
        let facts = Shelf::of(call)?.all()?;
        let recalls = event.tools.iter().any(|tool| tool == "recall");
        Ok(block::of(&facts, self.settings.tokens, recalls).map(PromptChange::prepend))
    }

    /// Remembers a fact of this conversation, so that it is in view in later turns. For what holds from now on and isn't to be asked again: decisions, preferences, names, dates. Not for secrets.
    #[tool(title = "Remember a fact", risk = "low", tags("memory"))]
    fn remember(&self, call: &Call, args: Remembering) -> Result<ToolResult> {
        let days = args.days.unwrap_or(self.settings.days);
        if !(1..=fact::DAYS).contains(&days) {
            return Ok(ToolResult::failed(format!("`days` is {days}: it may be 1 to {}", fact::DAYS)));
        }
        let kept = match fact::clean(&args.fact) {
            Ok(text) => Shelf::of(call)?.keep(text, By::Agent, days, self.settings.facts)?,
            Err(why) => return Ok(ToolResult::failed(why)),
        };
        Ok(ToolResult::text(told::kept(&kept, days)))
    }

    /// Lists what is remembered of this conversation, or those facts that have certain words.
    #[tool(title = "Recall facts", risk = "low", tags("memory"))]
    fn recall(&self, call: &Call, args: Recalling) -> Result<String> {
        Ok(told::recalled(&Shelf::of(call)?.all()?, args.query.as_deref().unwrap_or_default()))
    }

    /// Forgets a fact that is wrong or doesn't matter any more.
    #[tool(title = "Forget a fact", risk = "low", tags("memory"))]
    fn forget(&self, call: &Call, args: Forgetting) -> Result<ToolResult> {
        Ok(match Shelf::of(call)?.forget(&args.id)? {
            Ok(fact) => ToolResult::text(format!("Forgotten: {}", fact.text)),
            Err(why) => ToolResult::failed(why),
        })
    }

    /// Shows what is remembered of this thread, or forgets it.
    #[command(args = "[forget ID|clear]")]
    fn memory(&self, call: &Call, args: &str) -> Result<String> {
        let shelf = Shelf::of(call)?;
        let mut words = args.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => Ok(told::listed(&shelf.all()?, self.settings.facts)),
            (Some("clear"), None, _) => Ok(format!("Forgot {} facts.", shelf.clear()?)),
            (Some("forget"), Some(id), None) => match shelf.forget(id)? {
                Ok(fact) => Ok(format!("Forgotten: {}", fact.text)),
                Err(why) => Err(Error::new(why)),
            },
            _ => Err(Error::new(format!("/memory takes nothing, `forget ID` or `clear`, and not {args:?}"))),
        }
    }

    /// Forgets what belongs to a session's life that is over.
    fn cleanup(&self, call: &Call, event: CleanupAsked) -> Result<()> {
        match event.reason {
            Reason::Reset | Reason::Delete => Shelf::of(call)?.clear().map(drop),
            Reason::Disable | Reason::Restart => Ok(()),
        }
    }
}

impl ThreadMemory {
    /// Keeps what a message wants remembered. What couldn't be, and why.
    fn learn(&self, call: &Call, text: &str) -> Result<Vec<String>> {
        let (wanted, mut refused) = lines::wanted(text);
        if wanted.is_empty() {
            return Ok(refused);
        }
        let shelf = Shelf::of(call)?;
        for line in wanted {
            match fact::clean(line) {
                Ok(text) => {
                    if let Kept::New { id, .. } = shelf.keep(text, By::Person, self.settings.days, self.settings.facts)? {
                        log::debug!("kept {id}");
                    }
                }
                Err(why) => refused.push(why),
            }
        }
        Ok(refused)
    }
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<()> {
    let refused = || Error::new(format!("the setting `{name}` of thread-memory is {value}: it may be {least} to {most}"));
    if (least..=most).contains(&value) { Ok(()) } else { Err(refused()) }
}
