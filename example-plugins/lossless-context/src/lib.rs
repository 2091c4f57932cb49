//! A context engine that loses nothing: the model sees the newest entries word for word, and above them summaries of all that is older, which it can open.
//!
//! What it is for: conversations that are longer than the model's window. The transcript keeps what was said; the plugin keeps a tree of summaries over it, each with the words that point to
//! what is under it, and the tool `open_summary` goes down the tree to the words themselves. What it costs: with each twenty entries a row of its store and a head; to assemble, three rows or so,
//! however long the conversation is. How it fails: rows that were lost are made again from the transcript; without the grant `conversation` or `state` each call is an error, and the host's own engine
//! serves.

#![forbid(unsafe_code)]

mod compaction;
mod context;
mod leaves;
mod lines;
mod node;
mod opening;
mod said;
mod shelf;
mod sketch;
mod telling;
#[cfg(test)]
mod tests;
mod tree;
mod words;

use context::{Frame, TOOL};
use opening::Wanted;
use plugbay_sdk::hooks::cleanup::Reason;
use plugbay_sdk::hooks::context_maintain::Moment;
use plugbay_sdk::prelude::*;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Who says in a sentence what a summary is about.
    #[serde(default)]
    summaries: Summaries,
    /// How much of the budget summaries may take, in percent: 10 to 80.
    #[serde(default = "share")]
    share: u64,
    /// Tokens that one answer of `open_summary` may take: 200 to 50,000.
    #[serde(default = "open_tokens")]
    open_tokens: u64,
}

/// Who says it.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
#[derive(Default, PartialEq)]
enum Summaries {
    /// A sentence of those that were said.
    #[default]
    Extract,
    /// The host's model, behind the turns. Needs the grant `model`.
    Model,
}

fn share() -> u64 {
    45
}

fn open_tokens() -> u64 {
    2_000
}

struct LosslessContext {
    settings: Settings,
}

#[plugin(isolation(shared, session), context_engine(owns_compaction))]
impl LosslessContext {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        within("share", settings.share, 10..=80)?;
        within("open_tokens", settings.open_tokens, 200..=50_000)?;
        Ok(Self { settings })
    }

    fn context_bootstrap(&self, call: &Call, event: Bootstrapping) -> Result<Bootstrapped> {
        tree::grow(call)?;
        Ok(Bootstrapped::all(&event))
    }

    fn context_ingest(&self, call: &Call, event: Ingesting) -> Result<Ingested> {
        tree::grow(call)?;
        Ok(Ingested::all(&event))
    }

    fn context_assemble(&self, call: &Call, event: Assembling) -> Result<Assembled> {
        let transcript = tree::transcript(call)?;
        let opens = event.tools.iter().any(|tool| tool == TOOL);
        let context = tree::with(call, |tree| {
            context::make(tree, transcript, Frame { opens, ..Frame::of(tree, event.budget, self.settings.share) })
        })?;
        let assembled = Assembled::new().estimated(context.tokens);
        let assembled = if let Some(above) = context.above { assembled.message(Role::User, above) } else { assembled };
        Ok(assembled.entries(context.entries))
    }

    fn context_compact(&self, call: &Call, event: CompactionAsked) -> Result<Compaction> {
        tree::grow(call)?;
        let transcript = tree::transcript(call)?;
        tree::with(call, |tree| compaction::compact(tree, transcript, &event, self.settings.share))
    }

    fn context_maintain(&self, call: &Call, event: Maintaining) -> Result<()> {
        if event.moment == Moment::Opening {
            return tree::grow(call);
        }
        if self.settings.summaries == Summaries::Extract { Ok(()) } else { telling::tell(call, tree::transcript(call)?) }
    }

    /// Opens a summary of what was said earlier: shows the smaller summaries under it or, under the smallest, what was said, word for word. Use it whenever something earlier in the conversation
    /// matters and isn't in view: open the summary whose words come closest, and go on until the words themselves are there.
    #[tool(name = "open_summary", title = "Open a summary", risk = "low")]
    fn open_summary(&self, call: &Call, wanted: Wanted) -> Result<ToolResult> {
        let (numbers, transcript) = (wanted.numbers()?, tree::transcript(call)?);
        let room = self.settings.open_tokens;
        let text = tree::with(call, |tree| opening::open(tree, transcript, numbers, wanted.page.unwrap_or(1), room))?;
        Ok(ToolResult::text(text))
    }

    /// Deletes what was kept for a session's life that is over.
    fn cleanup(&self, call: &Call, event: CleanupAsked) -> Result<()> {
        match event.reason {
            Reason::Reset | Reason::Delete => shelf::forget(&call.session()?.id()?),
            Reason::Disable | Reason::Restart => Ok(()),
        }
    }
}

fn within(name: &str, value: u64, range: std::ops::RangeInclusive<u64>) -> Result<()> {
    let refused =
        || Error::new(format!("the setting `{name}` of lossless-context is {value}: it may be {} to {}", range.start(), range.end()));
    if range.contains(&value) { Ok(()) } else { Err(refused()) }
}
