//! Components that are refused, or that try something, on their way to being a plugin: by their surface, at their start, in `describe`, in `activate`.

use crate::hostile::case::{Case, called, refused};
use crate::hostile::stopper::Stopper;
use plugbay_guests::odd::{self, Odd};
use plugbay_runtime::Step::{Activate, Compile, Describe, Link, Verify};
use plugbay_runtime::engine::Limit;

/// Processor time, in milliseconds, for those who turn for ever.
const SHORT: u64 = 20;

pub(super) fn cases() -> Vec<Case> {
    [surfaces(), crowds(), lifecycles(), painted()].into_iter().flatten().collect()
}

fn surfaces() -> Vec<Case> {
    vec![
        refused("wrong-export-type", "a hook of another type", Describe, Stopper::WrongType).saying(&["before-tool-call"]),
        refused("unknown-hook", "exports a hook that isn't", Verify, Stopper::UnknownExport).saying(&["before-lunch"]),
        refused("unknown-import", "imports an interface that isn't", Verify, Stopper::UnknownImport).saying(&["telepathy"]),
        refused("unknown-function", "imports a function that isn't", Link, Stopper::Link).saying(&["shout"]),
        refused("foreign-import", "imports what nobody offers", Verify, Stopper::UnknownImport).saying(&["acme:things/stuff@1.0.0"]),
        called("foreign-export", "exports what nobody asked for", Stopper::Nothing),
        refused("other-api-version", "another API version", Verify, Stopper::ApiVersion).saying(&["0.9.0", "0.1.0"]),
        refused("no-plugin-interface", "no lifecycle", Verify, Stopper::NoPlugin).saying(&["plugbay:plugin/plugin@0.1.0"]),
        refused("async-component", "an async function", Compile, Stopper::Invalid).saying(&["async"]),
        refused("future-component", "a future", Compile, Stopper::Invalid).saying(&["async"]),
    ]
}

fn crowds() -> Vec<Case> {
    let crowd = |fixture, tries, step, limit| refused(fixture, tries, step, Stopper::Limit(limit));
    vec![
        crowd("too-many-memories", "six memories", Compile, Limit::Memories),
        crowd("too-many-tables", "34 tables", Compile, Limit::Tables),
        crowd("too-many-instances", "34 core instances", Describe, Limit::CoreInstances),
    ]
}

fn lifecycles() -> Vec<Case> {
    vec![
        refused("trap-in-start", "traps at its start", Describe, Stopper::Trap).saying(&["unreachable"]),
        refused("spin-in-start", "turns for ever at its start", Describe, Stopper::Limit(Limit::CpuTime)).cpu_ms(SHORT),
        refused("trap-in-describe", "traps in `describe`", Describe, Stopper::Trap).saying(&["unreachable"]),
        refused("describe-loops", "turns for ever in `describe`", Describe, Stopper::Limit(Limit::CpuTime)).cpu_ms(SHORT),
        refused("describe-differs", "two answers of `describe`", Describe, Stopper::Differs),
        refused("describe-names-absent-hook", "names a hook that it lacks", Describe, Stopper::DescribeNotExported)
            .saying(&["message-received"]),
        refused("describe-repeats", "names a hook twice", Describe, Stopper::DescribeTwice).saying(&["before-tool-call"]),
        refused("describe-refused-by-schema", "a key that no schema knows", Describe, Stopper::DescribeSchema).saying(&["superpowers"]),
        refused("describe-not-json", "half a JSON text", Describe, Stopper::DescribeJson),
        refused("describe-huge", "9 MB of JSON from `describe`", Describe, Stopper::Limit(Limit::Returned)),
        refused("schema-doubles", "a schema of 2^25 parts", Describe, Stopper::DescribeConfig).saying(&["10000 values"]),
        refused("schema-in-itself", "a schema that is part of itself", Describe, Stopper::DescribeConfig).saying(&["back to itself"]),
        refused("schema-pattern", "a pattern of gigabytes", Describe, Stopper::DescribeConfig),
        refused("trap-in-activate", "traps in `activate`", Activate, Stopper::Trap).saying(&["unreachable"]),
        // Nothing that a plugin can import so far writes anything that lasts, so there is nothing to refuse: a line in the log is fine.
        called("writes-in-activate", "writes in `activate`: to the log, all it can", Stopper::Nothing),
    ]
}

/// What a plugin puts into a refusal reaches the operator's terminal: here it tries to clear it.
fn painted() -> Vec<Case> {
    let manifest = |id: &str| format!(r#"{{"id":"{id}","version":"0.1.0","\u001b[2J":true}}"#).into_bytes();
    vec![
        refused("good", "control characters in `describe`", Describe, Stopper::DescribeSchema)
            .alias("describe-control-characters")
            .made(|_| Ok(Odd::new("describe-control-characters").describe(r#"{"\u001b[2J":true}"#).build())),
        refused("good", "control characters in the manifest", Verify, Stopper::ManifestWrong)
            .alias("manifest-control-characters")
            .made(move |_| Ok(Odd::new("painted").manifest(Some(manifest("manifest-control-characters"))).build())),
        refused("good", "control characters in an import's name", Verify, Stopper::UnknownImport)
            .alias("import-control-characters")
            .made(|_| Ok(replaced(odd::foreign_import(), b"acme:things/", b"acme:\x1b[2Jgs/"))),
    ]
}

/// Other bytes in the place of these, wherever they stand.
fn replaced(mut bytes: Vec<u8>, what: &[u8], with: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = bytes.windows(what.len()).enumerate().filter(|(_, found)| *found == what).map(|(at, _)| at).collect();
    for at in places {
        bytes.splice(at..at + what.len(), with.iter().copied());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_replaced_wherever_they_stand() {
        assert_eq!(replaced(b"an ant and an ape".to_vec(), b"an", b"AN"), b"AN ANt ANd AN ape");
    }
}
