//! Tests of the configuration: what is refused and how it is said, edits that change nothing else, files that change under an edit.
//!
//! They cost half a second in all. The table in `docs/configuration.md` is renewed by
//! `PLUGBAY_RENEW_DOCS=1 cargo test -p plugbay the_documentation_is_current`.

mod decoding;
mod described;
mod editing;
mod files;
mod nasty;
mod refusals;

use super::{Config, ConfigError};
use plugbay_runtime::PluginId;
use std::path::Path;

/// Decodes a text as if it stood in `/etc/plugbay/plugbay.toml`.
fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/plugbay/plugbay.toml"))
}

fn id(text: &str) -> PluginId {
    text.to_owned().try_into().unwrap()
}

/// The comments of a text, in order of the alphabet.
fn comments(text: &str) -> Vec<&str> {
    let tokens = toml_parser::Source::new(text).lex().filter(|t| t.kind() == toml_parser::lexer::TokenKind::Comment);
    let mut comments: Vec<_> = tokens.map(|t| text[t.span().start()..t.span().end()].trim_end()).collect();
    comments.sort_unstable();
    comments
}
