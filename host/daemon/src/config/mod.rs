//! `plugbay.toml`: the one place for what an operator decides.
//!
//! The file is decoded once, into types that can't be wrong; everything that is wrong with it is reported at once, with line, column and what to write
//! instead. Commands edit it in place, and nothing but what they change changes. Reading costs well under a millisecond. The same tables of settings
//! serve the parser, the JSON Schema and the documentation.
//!
//! ```
//! use plugbay_daemon::config::Config;
//!
//! let text = r#"
//! [host]
//! durability = "full"
//!
//! [plugins.scribe]
//! grants = { conversation = true }
//! limits.memory = "128 MiB"
//! "#;
//! let config = Config::parse(text, "plugbay.toml".as_ref())?;
//! let scribe = config.plugin(&"scribe".to_owned().try_into()?);
//! assert_eq!(scribe.settings.limits.memory.get(), 128 << 20);
//!
//! let wrong = Config::parse("[plugins.scribe]\nenabeld = true", "plugbay.toml".as_ref()).unwrap_err();
//! assert_eq!(wrong.problems()[0].hint.as_deref(), Some("did you mean `enabled`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agent;
mod describe;
mod edit;
mod error;
mod file;
mod form;
mod free;
mod model;
mod node;
mod number;
mod patch;
mod plugins;
mod quantity;
mod sections;
mod setting;
mod slots;
#[cfg(test)]
mod tests;
mod workflow;

pub use agent::Agent;
pub use describe::{schema, shown_limits, table};
pub use edit::{Edit, EditError};
pub(crate) use error::nearest;
pub use error::{ConfigError, Problem};
pub use file::{ConfigFile, Edited, FileError, Prepared, Stamp, write_if_unchanged};
pub(crate) use form::BUILTIN;
pub use model::{Model, Provider};
pub use plugins::{PluginConfig, Plugins, Verdict};
pub use sections::{Engine, Host, Http, LogFormat, LogLevel, Logs, Slots, Watch};
pub(crate) use slots::SLOTS;
pub use slots::Slot;
pub use workflow::{Outbox, Schedule};

use error::Report;
use plugbay_runtime::PluginId;
use plugbay_state::StateLimits;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// The file, decoded. The default is that of an empty file.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// `[host]`
    pub host: Host,
    /// `[http]`
    pub http: Http,
    /// `[logs]`
    pub logs: Logs,
    /// `[watch]`
    pub watch: Watch,
    /// `[engine]`
    pub engine: Engine,
    /// `[state]`: what each plugin may keep.
    pub state: StateLimits,
    /// `[model]`
    pub model: Model,
    /// `[agent]`
    pub agent: Agent,
    /// `[schedule]`
    pub schedule: Schedule,
    /// `[outbox]`
    pub outbox: Outbox,
    /// `[slots]`, and what plugins say of them.
    pub slots: Slots,
    /// `[plugins]`
    pub plugins: Plugins,
}

impl Config {
    /// Decodes the text of a file. Relative paths in it begin at the file's directory.
    ///
    /// # Errors
    /// Everything that is wrong with the text. Where the grammar is broken, what follows from that on the same line isn't said.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut report = Report::new(text);
        let (tree, broken) = DeTable::parse_recoverable(text);
        for error in &broken {
            let at = error.span().unwrap_or(0..0);
            report.add(&at, in_words(error.message(), text, &at), None);
        }
        let (lines, kept) = (report.lines(), report.len());
        let mut config = Self::default();
        setting::read_section(&mut config, node::entries("", tree.get_ref()), "", &mut report);
        slots::settle(tree.get_ref(), &mut config.slots, &mut config.plugins, &mut report);
        model::settle(tree.get_ref(), &config.model, &mut report);
        report.forget_on(&lines, kept);
        report.finish(file)?;
        let directory = file.parent().unwrap_or(Path::new(""));
        config.host.relative_to(directory);
        config.model.relative_to(directory);
        config.outbox.relative_to(directory);
        Ok(config)
    }

    /// What is decided about a plugin; the defaults, if the file doesn't name it.
    #[must_use]
    pub fn plugin(&self, id: &PluginId) -> PluginConfig {
        self.plugins.get(id)
    }

    /// Where files go that plugins hand over.
    #[must_use]
    pub fn outbox_folder(&self) -> PathBuf {
        self.outbox.folder(&self.host.state)
    }

    /// The plugins that the file names in a table of their own, or in a slot.
    pub fn named(&self) -> impl Iterator<Item = &PluginId> {
        self.plugins.named.keys()
    }
}

/// What the grammar's parser says; for a value that is just missing it has no good words.
fn in_words(message: &str, text: &str, at: &Range<usize>) -> String {
    let rest = text.get(at.start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim_start();
    let ends = rest.is_empty() || rest.starts_with(['#', ',', '}', ']']);
    if at.is_empty() && ends && message.contains("literal string") && !message.contains("unclosed") && before_is_equals(text, at.start) {
        return "a value is missing after `=`".to_owned();
    }
    message.trim_end_matches(", expected nothing").to_owned()
}

fn before_is_equals(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.trim_end_matches([' ', '\t']).ends_with('='))
}
