//! Puts a plugin's manifest into a finished component, as a custom section at its top level.
//!
//! A component is a header and a row of sections, so one more can be appended without reading the others. Costs a read and a write of the
//! file. The result appears under its name only when it is whole.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const SECTION: &str = "plugbay:manifest";

/// Writes `component` with `manifest` to `to`.
pub(super) fn append(component: &Path, manifest: &[u8], to: &Path) -> Result<()> {
    let mut bytes = fs::read(component).with_context(|| format!("can't read {}", component.display()))?;
    bytes.extend(section(manifest));
    let unfinished = to.with_extension("unfinished");
    fs::write(&unfinished, bytes).with_context(|| format!("can't write {}", unfinished.display()))?;
    fs::rename(&unfinished, to).with_context(|| format!("can't rename {} to {}", unfinished.display(), to.display()))
}

/// A custom section: 0, the length of what follows, the length of the name, the name, the data.
fn section(manifest: &[u8]) -> Vec<u8> {
    let mut content = leb128(SECTION.len());
    content.extend(SECTION.as_bytes());
    content.extend(manifest);
    let mut section = vec![0];
    section.extend(leb128(content.len()));
    section.extend(content);
    section
}

/// Unsigned LEB128: seven bits to a byte, lowest first, the top bit set in all but the last.
fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    /// An empty component: magic, version 13, layer 1.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn manifests(component: &[u8]) -> Vec<Vec<u8>> {
        let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
        let custom = payloads.filter_map(|payload| match payload {
            Payload::CustomSection(section) if section.name() == SECTION => Some(section.data().to_vec()),
            _ => None,
        });
        custom.collect()
    }

    #[test]
    fn what_was_appended_is_read_back() {
        for length in (0..300).chain([20_000, 70_000]) {
            let manifest = vec![b'x'; length];
            assert_eq!(manifests(&[EMPTY, &section(&manifest)].concat()), [manifest]);
        }
    }

    #[test]
    fn the_component_comes_first_and_no_unfinished_file_stays() {
        let folder = std::env::temp_dir().join(format!("plugbay-xtask-manifest-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("in.wasm"), EMPTY).unwrap();
        append(&folder.join("in.wasm"), br#"{"id":"a"}"#, &folder.join("out.wasm")).unwrap();
        let component = fs::read(folder.join("out.wasm")).unwrap();
        assert!(component.starts_with(EMPTY));
        assert_eq!(manifests(&component), [br#"{"id":"a"}"#.to_vec()]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
