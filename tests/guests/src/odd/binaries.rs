//! Files that aren't components, or hardly: cut short, random, empty, far too large, a core module.

use super::good;
use super::template::{append_custom, manifest_of};

/// The first eight bytes of every component.
const COMPONENT_HEADER: [u8; 8] = *b"\0asm\x0d\x00\x01\x00";
/// The first eight bytes of every core module.
const MODULE_HEADER: [u8; 8] = *b"\0asm\x01\x00\x00\x00";

/// A core module with a manifest: WebAssembly, but no component.
pub fn core_module() -> Vec<u8> {
    let mut module = MODULE_HEADER.to_vec();
    append_custom(&mut module, "plugbay:manifest", &manifest_of("core-module", "0.1.0"));
    module
}

/// The good plugin, cut after so many bytes.
pub fn truncated(bytes: usize) -> Vec<u8> {
    let mut component = good("truncated");
    component.truncate(bytes);
    component
}

/// 4 KiB of bytes that mean nothing; the same for the same seed.
pub fn random_bytes(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    (0..512).flat_map(|_| random.next().to_le_bytes()).collect()
}

/// No bytes at all.
pub fn empty() -> Vec<u8> {
    Vec::new()
}

/// A component's header, then a custom section that claims to be 4 GiB long, less a byte, and isn't.
pub fn custom_section_4gb() -> Vec<u8> {
    let mut bytes = COMPONENT_HEADER.to_vec();
    bytes.extend([0x00, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    bytes.extend(b"\x07padding and then nothing");
    bytes
}

/// The good plugin with a custom section of 65 MiB.
pub fn component_65mb() -> Vec<u8> {
    let mut component = good("component-65mb");
    append_custom(&mut component, "padding", &vec![0; 65 << 20]);
    component
}

/// Numbers that look random and repeat from their seed (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `bound`, which isn't 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // The remainder of a u32 fits.
        (self.next() % u64::from(bound.max(1))) as u32
    }
}
