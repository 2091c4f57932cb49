//! The key: where it is, how it is read, and that nobody sees it. It is read again for each request, so that a new one counts at once; a file of a
//! few bytes costs nothing beside a call of a model.

use crate::model::{ModelError, ModelFailure};
use reqwest::header::HeaderValue;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The most that a key file may hold.
const LARGEST: u64 = 16 * 1024;

/// Where the key of a provider is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeySource {
    /// There is none; servers of one's own often want none.
    #[default]
    None,
    /// In an environment variable of this name. Setting `model.key-env`.
    Env(String),
    /// In a file. White space around it doesn't count. Setting `model.key-file`.
    File(PathBuf),
}

impl KeySource {
    /// Reads the key as it is now.
    pub(super) async fn read(&self) -> Result<Option<Key>, ModelError> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Env(name) => std::env::var(name).map_err(|error| self.unusable(error)),
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || contents(&path)).await;
                read.map_err(|error| self.unusable(error))?.map_err(|error| self.unusable(error))
            }
        }?;
        Key::new(text.trim()).map(Some).map_err(|problem| self.unusable(problem))
    }

    /// Warns of a file that anybody may read. It isn't refused: some systems mount secrets like that, and who may reach them is decided elsewhere.
    pub(super) fn warn_if_open(&self) {
        let Self::File(path) = self else { return };
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0) {
            tracing::warn!(file = %path.display(), "everybody on this machine may read the model's key (setting `model.key-file`); 0600 is enough");
        }
    }

    fn unusable(&self, problem: impl fmt::Display) -> ModelError {
        ModelError::new(ModelFailure::Unauthorized, format!("no key for the model: {self}: {problem}"))
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no key is set (settings `model.key-env`, `model.key-file`)"),
            Self::Env(name) => write!(f, "environment variable `{name}` (setting `model.key-env`)"),
            Self::File(path) => write!(f, "file `{}` (setting `model.key-file`)", path.display()),
        }
    }
}

fn contents(path: &Path) -> std::io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a file")); // a pipe that nobody writes to would hold this thread for good
    }
    let mut text = String::new();
    let read = File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LARGEST {
        return Err(std::io::Error::other(format!("larger than {LARGEST} bytes")));
    }
    Ok(text)
}

/// A key. Shown by nothing that prints.
#[derive(Clone)]
pub(super) struct Key(String);

impl Key {
    fn new(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("it is empty"),
            text if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(text.to_owned())),
            _ => Err("it holds characters that no key has"),
        }
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A text without the key: servers like to repeat what they refuse.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn nothing_that_prints_shows_a_key() {
        let key = Key::new("sk-secret").unwrap();
        let header = key.header().unwrap();
        assert_eq!(header, "Bearer sk-secret");
        assert_eq!(format!("{key:?} {header:?}"), "[key] Sensitive");
        assert_eq!(key.hidden_in("sk-secret: bad key sk-secret"), "[key]: bad key [key]");
    }
}
