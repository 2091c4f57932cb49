//! How commands find their daemon: by a socket, an address, or the configuration.
//!
//! The configuration is read only to find the socket. One that is wrong is no reason not to: what it says about the socket counts all the same, so that an
//! operator who broke the file can still ask the daemon, which runs on with what was in force before.

use super::Usage;
use crate::client::{Client, NoUrl, Place};
use crate::config::{ConfigFile, FileError, Host};
use anyhow::{Context, Result};
use clap::Args;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Holds a token, for those who would rather not have it in a file.
const TOKEN: &str = "PLUGBAY_TOKEN";

/// What all commands bear.
#[derive(Debug, Args)]
#[command(next_help_heading = "For all commands")]
pub(crate) struct Reach {
    /// Print JSON, as the API has it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The configuration; commands find the daemon's socket by it.
    #[arg(long, global = true, value_name = "FILE", env = "PLUGBAY_CONFIG", default_value = "plugbay.toml")]
    pub(crate) config: PathBuf,
    /// The daemon's Unix socket.
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The daemon's address, http://HOST:PORT; needs a token.
    #[arg(long, global = true, value_name = "URL", value_parser = address)]
    url: Option<Place>,
    /// A file with the token for --url; else it is taken from the variable PLUGBAY_TOKEN.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

fn address(url: &str) -> Result<Place, NoUrl> {
    url.parse()
}

impl Reach {
    /// A client of the daemon.
    pub(crate) fn client(&self) -> Result<Client> {
        match (&self.url, &self.socket) {
            (Some(_), Some(_)) => Err(Usage::new("--url and --socket are two places; give one of them").into()),
            (Some(url), None) => self.shown_token(Client::new(url.clone())),
            (None, _) if self.token_file.is_some() => {
                Err(Usage::new("--token-file is for --url; at the socket nobody asks for a token").into())
            }
            (None, Some(path)) => Ok(Client::new(Place::Socket { path: path.clone(), by: "by --socket".to_owned() })),
            (None, None) => Ok(Client::new(self.configured()?)),
        }
    }

    /// Whether the daemon is looked for on this machine, by its configuration.
    pub(crate) const fn is_by_configuration(&self) -> bool {
        self.url.is_none() && self.socket.is_none()
    }

    fn shown_token(&self, client: Client) -> Result<Client> {
        let token = match &self.token_file {
            Some(file) => Some(std::fs::read_to_string(file).with_context(|| format!("can't read the token in {}", file.display()))?),
            None => std::env::var(TOKEN).ok(),
        };
        match token.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
            Some(token) => Ok(client.with_token(token)?),
            None => Err(Usage::new(&format!(
                "--url needs a token, in a file (--token-file) or in the variable {TOKEN}; `plugbay tokens issue` makes one"
            ))
            .into()),
        }
    }

    fn configured(&self) -> Result<Place> {
        let file = std::path::absolute(&self.config).with_context(|| format!("can't find {}", self.config.display()))?;
        let host = match ConfigFile::read(&file) {
            Ok(read) => read.config.host,
            Err(FileError::Invalid(_)) => told(&file)?,
            Err(e) => return Err(e).context("can't find the daemon's socket; --socket says where it is"),
        };
        let by = if file.exists() { format!("by {}", file.display()) } else { format!("the default, there is no {}", file.display()) };
        Ok(Place::Socket { path: host.socket(), by })
    }
}

/// What a file that is wrong says about the socket.
fn told(file: &Path) -> Result<Host> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't find the daemon's socket by {}; --socket says where it is", file.display()))?;
    let (tree, _) = DeTable::parse_recoverable(&text);
    let mut host = Host::default();
    if let Some(DeValue::Table(table)) = tree.get_ref().get("host").map(|value| value.get_ref()) {
        let path = |name| table.get(name).and_then(|value| value.get_ref().as_str()).map(PathBuf::from);
        host.state = path("state").unwrap_or(host.state);
        host.socket = path("socket");
    }
    host.relative_to(file.parent().unwrap_or(Path::new("")));
    Ok(host)
}
