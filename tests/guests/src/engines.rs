//! Context engines: of the fixtures `engine` and `engine-bare`, as many plugins as a test wants.
//!
//! What it is for: two engines side by side, one that owns compaction, one that has only what it must. What it costs: some milliseconds; nothing is compiled for that, some bytes
//! are others. How it fails: as reading files fails, or where the bytes aren't found that are to say something else.

use crate::builds::replace;
use crate::built::{ENGINE, ENGINE_BARE};
use std::io::{self, ErrorKind};

/// What the builds say of themselves; each is replaced by something as long.
const ID: &[u8] = br#""id":"engine-a""#;
const LEAVES_COMPACTION: &[u8] = br#""owns-compaction":false"#;
const OWNS_COMPACTION: &[u8] = br#""owns-compaction":true "#;
const BACKGROUND: &[u8] = br#""maintenance":"background""#;
const FOREGROUND: &[u8] = br#""maintenance":"foreground""#;

/// A context engine that is about to be made.
#[derive(Debug, Clone, Copy)]
#[must_use = "`build` makes it"]
pub struct Engine {
    letter: char,
    bare: bool,
    owns_compaction: bool,
    foreground: bool,
}

/// The context engine `engine-<letter>`: `a` to `z`. It exports all that an engine can, leaves compaction to the host as well, and is tidied up in the background.
pub const fn engine(letter: char) -> Engine {
    Engine { letter, bare: false, owns_compaction: false, foreground: false }
}

impl Engine {
    /// It exports only what an engine can't be without.
    pub const fn bare(self) -> Self {
        Self { bare: true, ..self }
    }

    /// Nobody but it decides when a conversation is made smaller.
    pub const fn owns_compaction(self) -> Self {
        Self { owns_compaction: true, ..self }
    }

    /// Its maintenance after a turn is waited for.
    pub const fn foreground(self) -> Self {
        Self { foreground: true, ..self }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        format!("engine-{}", self.letter)
    }

    /// The component.
    ///
    /// # Errors
    ///
    /// When the build can't be read, or the letter is none.
    pub fn build(self) -> io::Result<Vec<u8>> {
        if !self.letter.is_ascii_lowercase() {
            return Err(io::Error::new(ErrorKind::InvalidInput, format!("no engine has the letter {:?}", self.letter)));
        }
        let mut build = std::fs::read(if self.bare { ENGINE_BARE } else { ENGINE })?;
        replace(&mut build, ID, format!(r#""id":"{}""#, self.id()).as_bytes())?;
        if self.owns_compaction {
            replace(&mut build, LEAVES_COMPACTION, OWNS_COMPACTION)?;
        }
        if self.foreground {
            replace(&mut build, BACKGROUND, FOREGROUND)?;
        }
        Ok(build)
    }
}
