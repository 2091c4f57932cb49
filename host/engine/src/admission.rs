//! Which bytes may become a component at all. Looks at the first bytes and at the frame of the sections; compiles nothing and runs nothing.
//!
//! Costs a pass over the section headers. What passes here may still be refused by the compiler's validation, in a process of its own.

use crate::limits::{Limit, Overrun};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use wasmparser::{Encoding, Parser, Payload};

/// Why bytes are no plugin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// A limit.
    #[error("{0}")]
    Limit(Overrun),
    /// Native code, which is never run from a file that somebody handed in.
    #[error("found native code that is already compiled, expected a WebAssembly component")]
    NativeCode,
    /// A core module.
    #[error("found a core WebAssembly module, expected a component (build for wasm32-wasip2, or wrap it with `wasm-tools component new`)")]
    CoreModule,
    /// Something else.
    #[error("found {found}, expected a WebAssembly component (a file that begins with 00 61 73 6d 0d 00 01 00)")]
    NotWasm {
        /// The first bytes.
        found: String,
    },
    /// A component that is cut off or garbled.
    #[error("the component is garbled at byte {offset}: {message}")]
    Garbled {
        /// Where.
        offset: u64,
        /// What is wrong there.
        message: String,
    },
    /// A component that the engine doesn't take: an invalid one, or one with features that are switched off.
    #[error("the component is invalid, or uses what this engine doesn't offer: {0}")]
    Invalid(String),
    /// The compiler broke on it.
    #[error("the compiler broke on this component: {0}")]
    Compiler(String),
    /// It compiled, and can't be loaded.
    #[error("the compiled component can't be loaded: {0}")]
    Load(String),
}

/// The gates that a component goes through on its way to being code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Its frame is looked at.
    Admission,
    /// It is compiled, and what it needs is compared with what a cell may have.
    Compiler,
}

impl Refused {
    /// The gate at which it was refused.
    #[must_use]
    pub const fn gate(&self) -> Gate {
        match self {
            Self::Limit(Overrun { limit: Limit::ComponentSize, .. })
            | Self::NativeCode
            | Self::CoreModule
            | Self::NotWasm { .. }
            | Self::Garbled { .. } => Gate::Admission,
            Self::Limit(_) | Self::Invalid(_) | Self::Compiler(_) | Self::Load(_) => Gate::Compiler,
        }
    }
}

/// The digest of a component's bytes: its identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes))
    }
}

/// Text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no digest: expected 64 lower-case hexadecimal digits")]
pub struct NoDigest(String);

/// Reads what `Display` writes, and nothing else: a digest has one spelling.
impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let digest = blake3::Hash::from_hex(text).ok().map(Self);
        digest.filter(|digest| digest.to_string() == text).ok_or_else(|| NoDigest(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Bytes whose digest is known, so that it is computed once.
pub struct Digested {
    bytes: Vec<u8>,
    digest: Digest,
}

impl Digested {
    /// What identifies them.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

impl From<Vec<u8>> for Digested {
    fn from(bytes: Vec<u8>) -> Self {
        Self { digest: Digest::of(&bytes), bytes }
    }
}

/// Bytes that are a component by their frame.
#[derive(Clone)]
pub struct Admitted {
    bytes: Vec<u8>,
    digest: Digest,
}

impl Admitted {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What identifies them.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

/// Looks at bytes that want to be a component.
///
/// # Errors
/// Says what they are instead.
pub(crate) fn admit(component: Digested, most: usize) -> Result<Admitted, Refused> {
    let Digested { bytes, digest } = component;
    if bytes.len() > most {
        return Err(Refused::Limit(Overrun::count(Limit::ComponentSize, bytes.len(), most)));
    }
    if wasmtime::Engine::detect_precompiled(&bytes).is_some() {
        return Err(Refused::NativeCode);
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(Refused::NotWasm { found: first(&bytes) });
    }
    frame(&bytes)?;
    Ok(Admitted { bytes, digest })
}

/// Reads the section headers of all levels.
fn frame(bytes: &[u8]) -> Result<(), Refused> {
    let garbled = |e: wasmparser::BinaryReaderError| Refused::Garbled { offset: e.offset() as u64, message: e.message().to_owned() };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(garbled)? {
            Payload::Version { encoding: Encoding::Module, range, .. } if range.start == 0 => return Err(Refused::CoreModule),
            _ => {}
        }
    }
    Ok(())
}

fn first(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "an empty file".to_owned();
    }
    let shown: Vec<_> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("a file that begins with {}", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of(b"bytes");
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        let others = [text.to_uppercase(), format!("{text}0"), text[1..].to_owned(), format!("g{}", &text[1..]), String::new()];
        for other in others {
            assert_eq!(other.parse::<Digest>(), Err(NoDigest(other)));
        }
    }
}
