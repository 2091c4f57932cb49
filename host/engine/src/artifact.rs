//! Reading back our own compiled code: the one place with `unsafe`.
//!
//! Deserializing runs whatever the bytes say, so they have to come from a compiler of ours. There are two ways in, and both make sure of that
//! before they get here: an artifact straight from the compile child that we started, and a file of the cache whose keyed hash was checked through the very
//! descriptor that is mapped.

#![allow(unsafe_code, reason = "the audited module")]

use std::fs::File;
use std::os::fd::AsRawFd;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that a compiler of ours made.
pub(crate) struct Trusted<T>(T);

impl<T> Trusted<T> {
    /// Vouches for it.
    ///
    /// Callers: the compiler for what its own child or this process made, the cache for what its key verifies. Nobody else.
    pub(crate) const fn vouch(artifact: T) -> Self {
        Self(artifact)
    }

    /// The artifact.
    pub(crate) const fn get(&self) -> &T {
        &self.0
    }
}

/// Loads compiled code from memory.
pub(crate) fn load(engine: &Engine, artifact: &Trusted<Vec<u8>>) -> wasmtime::Result<Component> {
    // SAFETY: `Trusted` is only made of bytes that wasmtime's own compiler gave us; wasmtime itself refuses those of another version or configuration.
    unsafe { Component::deserialize(engine, &artifact.0) }
}

/// Maps compiled code from a file. The file must not be changed while it is mapped: the cache only ever creates and renames.
pub(crate) fn map(engine: &Engine, artifact: &Trusted<File>) -> wasmtime::Result<Component> {
    let path = format!("/dev/fd/{}", artifact.0.as_raw_fd());
    // SAFETY: as above; the path names the descriptor whose content was verified, whatever has become of its name since.
    unsafe { Component::deserialize_file(engine, path) }
}
