//! Plugins whose imports and exports aren't what the contract says: other types, other names, other versions, asynchronous ones.
//!
//! All of them are refused at load, except [`foreign_export`], whose extra export is ignored.

use super::wit::edited;
use super::{Odd, OddError, made};

/// Exports `before-tool-call` with a function of another type.
pub fn wrong_export_type() -> Vec<u8> {
    let wit = "package plugbay:plugin@0.1.0; interface before-tool-call { handle: func(n: u32) -> u32; }";
    Odd::new("wrong-export-type").contract_file("before-tool-call.wit", wit).handle("(local.get $call)").build()
}

/// Exports a hook that this package doesn't have.
pub fn unknown_hook() -> Vec<u8> {
    Odd::new("unknown-hook")
        .contract_file("before-lunch.wit", "package plugbay:plugin@0.1.0; interface before-lunch { handle: func() -> bool; }")
        .export_interface("plugbay:plugin/before-lunch@0.1.0")
        .module(r#"(func (export "plugbay:plugin/before-lunch@0.1.0#handle") (result i32) (i32.const 1))"#)
        .build()
}

/// Imports an interface that this package doesn't have.
pub fn unknown_import() -> Vec<u8> {
    Odd::new("unknown-import")
        .contract_file("telepathy.wit", "package plugbay:plugin@0.1.0; interface telepathy { guess: func() -> u32; }")
        .import_interface("plugbay:plugin/telepathy@0.1.0")
        .imports(r#"(import "plugbay:plugin/telepathy@0.1.0" "guess" (func $guess (result i32)))"#)
        .handle("(drop (call $guess)) (call $none)")
        .build()
}

/// Imports a function that `log` doesn't have.
pub fn unknown_function() -> Vec<u8> {
    made(shouting())
}

fn shouting() -> Result<Vec<u8>, OddError> {
    let log = edited("log.wit", "interface log {", "interface log {\n    shout: func(times: u32);\n")?;
    Odd::new("unknown-function")
        .contract_file("log.wit", &log)
        .imports(r#"(import "plugbay:plugin/log@0.1.0" "shout" (func $shout (param i32)))"#)
        .handle("(call $shout (i32.const 3)) (call $none)")
        .try_build()
}

/// Imports an interface of a package that nobody here offers.
pub fn foreign_import() -> Vec<u8> {
    Odd::new("foreign-import")
        .package("package acme:things@1.0.0; interface stuff { fetch: func() -> u32; }")
        .import_interface("acme:things/stuff@1.0.0")
        .imports(r#"(import "acme:things/stuff@1.0.0" "fetch" (func $fetch (result i32)))"#)
        .handle("(drop (call $fetch)) (call $none)")
        .build()
}

/// Exports, beside all that a good plugin does, an interface of a package of its own.
pub fn foreign_export() -> Vec<u8> {
    Odd::new("foreign-export")
        .package("package acme:extra@1.0.0; interface thing { ping: func() -> u32; }")
        .export_interface("acme:extra/thing@1.0.0")
        .module(r#"(func (export "acme:extra/thing@1.0.0#ping") (result i32) (i32.const 1))"#)
        .build()
}

/// Built for version 0.9.0 of the contract: all its names say so.
pub fn other_api_version() -> Vec<u8> {
    Odd::new("other-api-version").api_version("0.9.0").build()
}

/// Exports a hook and nothing of the plugin's lifecycle.
pub fn no_plugin_interface() -> Vec<u8> {
    Odd::new("no-plugin-interface").without_plugin().build()
}

/// Exports, beside all that a good plugin does, an `async func`, lifted with a callback.
pub fn async_component() -> Vec<u8> {
    let module = r#"
        (func (export "[async-lift]acme:extra/feed@1.0.0#listen") (result i32) (i32.const 0))
        (func (export "[callback][async-lift]acme:extra/feed@1.0.0#listen") (param i32 i32 i32) (result i32) (i32.const 0))"#;
    Odd::new("async-component")
        .package("package acme:extra@1.0.0; interface feed { listen: async func(); }")
        .export_interface("acme:extra/feed@1.0.0")
        .module(module)
        .build()
}

/// Exports, beside all that a good plugin does, a plain function that answers a `future`.
pub fn future_component() -> Vec<u8> {
    Odd::new("future-component")
        .package("package acme:extra@1.0.0; interface feed { next: func() -> future<u32>; }")
        .export_interface("acme:extra/feed@1.0.0")
        .module(r#"(func (export "acme:extra/feed@1.0.0#next") (result i32) (unreachable))"#)
        .build()
}
