//! Where things are in this repository.
//!
//! Costs nothing but two environment variables, which cargo sets. Fails where the program isn't started by cargo.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders that chores work in.
pub(crate) struct Paths {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    /// Where builds go: `target`, unless `CARGO_TARGET_DIR` says otherwise.
    pub(crate) target: PathBuf,
}

impl Paths {
    /// The paths of the repository that this program was started from.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").context("start this program as `cargo xtask COMMAND`")?;
        let root = Path::new(&package).parent().context("the xtask package has no folder above it")?.to_path_buf();
        let target = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        Ok(Self { root, target })
    }

    /// The contract.
    pub(crate) fn wit(&self) -> PathBuf {
        self.root.join("wit")
    }
}
