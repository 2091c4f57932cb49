//! Components in files, on their way to the daemon.
//!
//! What can't be one is said before anybody is asked: nothing there, a directory, a file that isn't WebAssembly. The daemon judges the rest.

use crate::output::one_line;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use std::path::Path;

/// What every WebAssembly file begins with.
const MAGIC: &[u8] = b"\0asm";

/// A component that was read.
#[derive(Debug)]
pub(super) struct Component {
    name: String,
    pub(super) bytes: Bytes,
}

impl Component {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let found = std::fs::metadata(path).with_context(|| format!("can't read {shown}: expected the file of a plugin, <id>.wasm"))?;
        if !found.is_file() {
            bail!("{shown} is no file; expected the file of a plugin, <id>.wasm");
        }
        let bytes = std::fs::read(path).with_context(|| format!("can't read {shown}"))?;
        if !bytes.starts_with(MAGIC) {
            bail!("{shown} is no WebAssembly component; expected the file of a plugin, <id>.wasm");
        }
        let name = path.file_name().map_or_else(|| shown.to_string(), |name| name.to_string_lossy().into_owned());
        Ok(Self { name: one_line(&name), bytes: bytes.into() })
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
