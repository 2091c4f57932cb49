//! Files that are no plugins: not WebAssembly, not a component, cut off, garbled, too large, too slow to compile, without a good manifest.

use crate::hostile::case::{Case, Effort, refused};
use crate::hostile::stopper::Stopper;
use plugbay_guests::odd;
use plugbay_runtime::Step::{Compile, Read, Verify};
use plugbay_runtime::engine::Limit;

/// Where a file is cut, and what is found then: the first four bytes are the magic number, the next four the version.
const CUTS: [(usize, Stopper); 7] = [
    (3, Stopper::NotWasm),
    (4, Stopper::Garbled),
    (7, Stopper::Garbled),
    (8, Stopper::NoPlugin),
    (9, Stopper::Garbled),
    (200, Stopper::Garbled),
    (1_000, Stopper::Garbled),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        refused("empty", "no bytes at all", Verify, Stopper::NotWasm).saying(&["an empty file", "empty.wasm"]),
        refused("core-module", "a core module as a plugin", Verify, Stopper::CoreModule),
        refused("good", "native code as a plugin", Verify, Stopper::NativeCode)
            .alias("native-code")
            .made(|lab| Ok(lab.engine.wasm().precompile_component(&odd::good("native-code"))?)),
        refused("truncated", "a file cut in the middle", Verify, Stopper::Garbled),
        refused("truncated", "a file without its last byte", Verify, Stopper::Garbled)
            .named("truncated-by-one")
            .made(|_| Ok(odd::truncated(odd::good("truncated").len() - 1))),
        refused("random-bytes", "4 KiB of random bytes", Verify, Stopper::NotWasm),
        refused("random-bytes", "random bytes behind a component's header", Verify, Stopper::Garbled)
            .named("random-sections")
            .made(|_| Ok([b"\0asm\x0d\0\x01\0".to_vec(), odd::random_bytes(2)].concat())),
        refused("custom-section-4gb", "a section that claims 4 GiB", Verify, Stopper::Garbled),
        refused("good", "a component of 65 MiB", Verify, Stopper::Limit(Limit::ComponentSize))
            .alias("component-65mb")
            .made(|_| Ok(odd::component_65mb()))
            .effort(Effort::Heavy),
        refused("compile-bomb", "compiles for minutes", Compile, Stopper::Limit(Limit::CompileTime)).effort(Effort::Once).in_haste(),
        refused("good", "a file whose name is no id", Read, Stopper::Name)
            .named("file-name-no-id")
            .in_file("Not An Id")
            .saying(&["Not An Id.wasm", "<id>.wasm"]),
    ];
    cases.extend(CUTS.into_iter().map(|(at, stopper)| {
        refused("truncated", "a file cut near its beginning", Verify, stopper)
            .named(format!("truncated-at-{at}"))
            .made(move |_| Ok(odd::truncated(at)))
    }));
    cases.extend((2..=6).map(|seed| {
        refused("random-bytes", "4 KiB of random bytes", Verify, Stopper::NotWasm)
            .named(format!("random-bytes-{seed}"))
            .made(move |_| Ok(odd::random_bytes(seed)))
    }));
    cases.extend(manifests());
    cases
}

fn manifests() -> Vec<Case> {
    vec![
        refused("manifest-missing", "no manifest", Verify, Stopper::ManifestMissing).saying(&["plugbay:manifest"]),
        refused("manifest-twice", "two manifests", Verify, Stopper::ManifestSeveral).saying(&["2 manifests"]),
        refused("manifest-concatenated", "two manifests in one section", Verify, Stopper::ManifestWrong),
        refused("manifest-not-json", "a manifest that isn't JSON", Verify, Stopper::ManifestWrong),
        refused("manifest-bad-id", "an id with `../` in it", Verify, Stopper::ManifestWrong).saying(&["../evil"]),
        refused("manifest-other-id", "another plugin's id", Verify, Stopper::OtherId).saying(&["somebody-else", "`manifest-other-id`"]),
        refused("manifest-unknown-key", "a key that no schema knows", Verify, Stopper::ManifestWrong).saying(&["shoe-size"]),
        refused("manifest-bad-version", "a version that is none", Verify, Stopper::ManifestWrong),
    ]
}
