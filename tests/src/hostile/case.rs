//! A row of the table before it runs: a component, what is done with it, and what has to stop it.
//!
//! Making a case makes no component yet; [`Case::component`] does.

use super::stopper::{Seen, Stopper};
use crate::lab::{Lab, granted};
use anyhow::Result;
use plugbay_guests::{built, odd};
use plugbay_runtime::engine::{Cpu, Limit};
use plugbay_runtime::{BeforeToolCall, Hook, Settings, Step, ToolDecision};
use serde_json::json;
use std::num::NonZeroUsize;
use std::time::Duration;

/// The value of the secret setting of every plugin that has one. It must never be seen.
pub(super) const SECRET: &str = "s3cr3t-0f-th3-0p3rat0r";

/// What is done with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// It is loaded, again and again.
    Load,
    /// It is loaded once, and asked about a tool call, again and again.
    Call(&'static str),
}

/// How often a row runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// As often as the caller says.
    Usual,
    /// A tenth of that: each round moves hundreds of megabytes, or compiles.
    Heavy,
    /// Once.
    Once,
}

/// Which host a row runs against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// The one with the usual limits.
    Usual,
    /// The one that compiles for three seconds at most. After a row here, nothing may be left that works.
    Hasty,
}

type Make = Box<dyn Fn(&Lab) -> Result<Vec<u8>> + Send + Sync>;

/// A row before it runs.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) tries: &'static str,
    /// The file's name without its ending.
    pub(super) stem: String,
    pub(super) attack: Attack,
    pub(super) settings: Settings,
    pub(super) effort: Effort,
    pub(super) ground: Ground,
    /// What a plugin that copes answers.
    pub(super) answers: fn(&ToolDecision) -> bool,
    /// A tool call that the plugin answers well even after its misdeed.
    pub(super) good_call: Option<&'static str>,
    /// The most that a round may leave in the log, in bytes.
    pub(super) log_bytes: usize,
    make: Make,
    step: Option<Step>,
    stopper: Stopper,
    says: Vec<&'static str>,
}

/// A component that is refused at this step, for this reason.
pub(super) fn refused(fixture: &'static str, tries: &'static str, step: Step, stopper: Stopper) -> Case {
    let mut case = Case::new(fixture, tries, Attack::Load, stopper, make_odd(fixture));
    case.step = Some(step);
    case
}

/// A component that loads, and that this stops when it is called.
pub(super) fn called(fixture: &'static str, tries: &'static str, stopper: Stopper) -> Case {
    Case::new(fixture, tries, Attack::Call("shell"), stopper, make_odd(fixture))
}

/// The Rust plugin that misbehaves by the name of the tool.
pub(super) fn mischief(name: &str, tool: &'static str, tries: &'static str, stopper: Stopper) -> Case {
    let mut case = Case::new(name, tries, Attack::Call(tool), stopper, Box::new(|_| Ok(std::fs::read(built::MISCHIEF)?)));
    case.stem = "mischief".to_owned();
    case.good_call = Some("ok");
    case.set("token", SECRET)
}

/// The same plugin, misbehaving in `activate`.
pub(super) fn activating(mode: &'static str, tries: &'static str, stopper: Stopper) -> Case {
    let mut case = mischief(&format!("rust-{mode}"), "ok", tries, stopper).set("mode", mode);
    case.attack = Attack::Load;
    case.step = Some(Step::Activate);
    case
}

fn make_odd(fixture: &'static str) -> Make {
    Box::new(move |_| {
        let found = odd::FIXTURES.iter().find(|(name, _)| *name == fixture);
        let (_, make) = found.ok_or_else(|| anyhow::anyhow!("there is no fixture {fixture}"))?;
        Ok(make())
    })
}

impl Case {
    fn new(name: &str, tries: &'static str, attack: Attack, stopper: Stopper, make: Make) -> Self {
        Self {
            name: name.to_owned(),
            tries,
            stem: name.to_owned(),
            attack,
            settings: granted(),
            effort: Effort::Usual,
            ground: Ground::Usual,
            answers: |decision| *decision == ToolDecision::default(),
            good_call: None,
            log_bytes: 128 << 10,
            make,
            step: None,
            stopper,
            says: Vec::new(),
        }
    }

    /// Another name for the row.
    pub(super) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Another name for the row and its file.
    pub(super) fn alias(self, name: &str) -> Self {
        self.named(name).in_file(name)
    }

    /// Other bytes.
    pub(super) fn made(mut self, make: impl Fn(&Lab) -> Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.make = Box::new(make);
        self
    }

    /// Another file name, without its ending.
    pub(super) fn in_file(mut self, stem: &str) -> Self {
        stem.clone_into(&mut self.stem);
        self
    }

    /// The error's text has these words in it.
    pub(super) fn saying(mut self, words: &[&'static str]) -> Self {
        self.says.extend(words);
        self
    }

    /// A call answers this.
    pub(super) fn answering(mut self, answers: fn(&ToolDecision) -> bool) -> Self {
        self.answers = answers;
        self
    }

    /// Runs so often.
    pub(super) const fn effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// Runs against the host that compiles for three seconds at most.
    pub(super) const fn in_haste(mut self) -> Self {
        self.ground = Ground::Hasty;
        self
    }

    /// A setting of the plugin's own.
    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.config.insert(name.to_owned(), json!(value));
        self
    }

    /// So much processor time for a call.
    pub(super) const fn cpu_ms(mut self, ms: u64) -> Self {
        self.settings.limits.cpu = Cpu::Fixed(Duration::from_millis(ms));
        self
    }

    /// So much wall time for a call.
    pub(super) fn wall_ms(mut self, ms: u64) -> Self {
        self.settings.budgets.insert(BeforeToolCall::NAME.to_owned(), Duration::from_millis(ms));
        self
    }

    /// So much memory for a cell.
    pub(super) fn memory_mib(mut self, mib: usize) -> Self {
        self.settings.limits.memory = count(mib << 20);
        self
    }

    /// So many host calls for a call.
    pub(super) fn host_calls(mut self, calls: usize) -> Self {
        self.settings.limits.host_calls = count(calls);
        self
    }

    /// At most so many bytes of log after a round.
    pub(super) const fn logging(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    /// The component's bytes.
    pub(super) fn component(&self, lab: &Lab) -> Result<Vec<u8>> {
        (self.make)(lab)
    }

    /// What has to happen, in words.
    pub(super) fn expected(&self) -> String {
        Seen { step: self.step, stopper: self.stopper, said: String::new() }.to_string()
    }

    /// What is wrong with what happened.
    pub(super) fn judge(&self, seen: &Seen) -> Result<(), String> {
        if (seen.step, seen.stopper) != (self.step, self.stopper) {
            return Err(format!("expected {}, seen {seen} ({})", self.expected(), seen.said));
        }
        let setting = match self.stopper {
            Stopper::Limit(limit) => Some(Limit::setting(limit)),
            _ => None,
        };
        match self.says.iter().copied().chain(setting).find(|words| !seen.said.contains(words)) {
            Some(words) => Err(format!("the error doesn't say `{words}`: {}", seen.said)),
            None => shown_to_people(&seen.said),
        }
    }
}

/// Text for people holds neither control characters nor the secret.
pub(super) fn shown_to_people(text: &str) -> Result<(), String> {
    if text.contains(SECRET) {
        return Err(format!("the secret is shown: {text}"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(format!("control characters are shown: {text:?}"));
    }
    Ok(())
}

fn count(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::engine::Limit;

    fn seen(step: Option<Step>, stopper: Stopper, said: &str) -> Seen {
        Seen { step, stopper, said: said.to_owned() }
    }

    #[test]
    fn a_limit_must_be_the_one_that_is_expected_and_name_its_setting() {
        let case = called("spin", "turns", Stopper::Limit(Limit::CpuTime));
        assert_eq!(case.judge(&seen(None, Stopper::Limit(Limit::CpuTime), "too long (setting `limits.cpu`)")), Ok(()));
        assert!(case.judge(&seen(None, Stopper::Limit(Limit::CpuTime), "too long")).is_err());
        assert!(case.judge(&seen(None, Stopper::Limit(Limit::WallTime), "`limits.cpu`")).is_err());
        assert!(case.judge(&seen(Some(Step::Activate), Stopper::Limit(Limit::CpuTime), "`limits.cpu`")).is_err());
        assert!(case.judge(&Seen::nothing()).is_err());
    }

    #[test]
    fn a_refusal_must_come_at_its_step_and_say_what_it_should() {
        let case = refused("good", "tries", Step::Verify, Stopper::OtherId).saying(&["somebody"]);
        assert_eq!(case.judge(&seen(Some(Step::Verify), Stopper::OtherId, "it is somebody else")), Ok(()));
        assert!(case.judge(&seen(Some(Step::Read), Stopper::OtherId, "it is somebody else")).is_err());
        assert!(case.judge(&seen(Some(Step::Verify), Stopper::OtherId, "it is another")).is_err());
    }

    #[test]
    fn people_see_neither_secrets_nor_control_characters() {
        assert_eq!(shown_to_people("two\nlines\tand a tab"), Ok(()));
        assert!(shown_to_people(&format!("it is {SECRET}!")).is_err());
        for text in ["\u{1b}[2J", "\u{9b}1m", "\r", "\0"] {
            assert!(shown_to_people(text).is_err(), "{text:?}");
        }
    }
}
