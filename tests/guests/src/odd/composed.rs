//! A plugin made of two components with a memory each, side by side in a third that only joins them.
//!
//! A text that goes from one to the other is copied by an adapter that the engine generates, and that needs two memories at once.

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentExportKind, ComponentExportSection, ComponentInstanceSection, ComponentSection,
    ComponentSectionId, RawSection,
};
use wasmparser::{Parser, Payload};

use super::template::{append_custom, manifest_of};
use super::wit::API;
use super::{Odd, OddError, made};

/// The inner component: it answers a copy of the text that it is given, made in its own memory.
const ECHO: &str = r#"(component
  (core module $echo
    (memory (export "memory") 2)
    (global $heap (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
      (global.set $heap (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    ;; The answer, a pointer and a length, stands at 16. What the call took is free for the next one.
    (func (export "echo") (param $at i32) (param $len i32) (result i32)
      (local $copy i32)
      (local.set $copy (i32.add (local.get $at) (local.get $len)))
      (memory.copy (local.get $copy) (local.get $at) (local.get $len))
      (i32.store (i32.const 16) (local.get $copy))
      (i32.store (i32.const 20) (local.get $len))
      (global.set $heap (i32.const 1024))
      (i32.const 16)))
  (core instance $i (instantiate $echo))
  (func (export "echo") (param "text" string) (result string)
    (canon lift (core func $i "echo") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))"#;

/// Blocks each call, and gives as the reason the tool's name, after it went to the inner component and back.
pub fn composed() -> Vec<u8> {
    made(with_echo())
}

fn with_echo() -> Result<Vec<u8>, OddError> {
    // What a component of this surface imports stands at its beginning, where nothing refers to anything else yet.
    let mut joined = imports_of(&Odd::new("composed").try_build()?)?;
    let echo = wat::parse_str(ECHO).map_err(|error| OddError::new("read the WAT", error))?;
    for nested in [&plugin()?, &echo] {
        RawSection { id: ComponentSectionId::Component.into(), data: nested }.append_to_component(&mut joined);
    }
    let types = format!("plugbay:plugin/types@{API}");
    let mut instances = ComponentInstanceSection::new();
    // The import `types` is instance 0, so these are 1 and 2.
    instances.instantiate::<[(&str, ComponentExportKind, u32); 0], _>(1, []);
    instances
        .instantiate(0, [(types.as_str(), ComponentExportKind::Instance, 0), ("acme:inner/echo@1.0.0", ComponentExportKind::Instance, 1)]);
    instances.append_to_component(&mut joined);
    let names = ["plugin", "before-tool-call"].map(|name| format!("plugbay:plugin/{name}@{API}"));
    let mut aliases = ComponentAliasSection::new();
    let mut exports = ComponentExportSection::new();
    for (name, index) in names.iter().zip(3..) {
        aliases.alias(Alias::InstanceExport { instance: 2, kind: ComponentExportKind::Instance, name });
        exports.export(name.as_str(), ComponentExportKind::Instance, index, None);
    }
    aliases.append_to_component(&mut joined);
    exports.append_to_component(&mut joined);
    append_custom(&mut joined, "plugbay:manifest", &manifest_of("composed", "0.1.0"));
    Ok(joined)
}

/// The plugin, which needs somebody to echo.
fn plugin() -> Result<Vec<u8>, OddError> {
    // The tool's name stands at 96 of what `handle` is given; the inner component's answer is put at 2048.
    let body = "(call $echo (i32.load offset=96 (local.get $call)) (i32.load offset=100 (local.get $call)) (i32.const 2048))
        (call $answer_block (i32.load (i32.const 2048)) (i32.load (i32.const 2052)))";
    Odd::new("composed")
        .package("package acme:inner@1.0.0; interface echo { echo: func(text: string) -> string; }")
        .import_interface("acme:inner/echo@1.0.0")
        .imports(r#"(import "acme:inner/echo@1.0.0" "echo" (func $echo (param i32 i32 i32)))"#)
        .handle(body)
        .manifest(None)
        .try_build()
}

/// The component's bytes up to the end of its imports.
fn imports_of(component: &[u8]) -> Result<Vec<u8>, OddError> {
    let wrong = |error| OddError::new("read the component", error);
    let mut end = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(wrong)? {
            Payload::Version { range, .. } => end = range.end,
            Payload::ComponentTypeSection(section) => end = section.range().end,
            Payload::ComponentImportSection(section) => end = section.range().end,
            _ => break,
        }
    }
    component.get(..end).map(<[u8]>::to_vec).ok_or_else(|| OddError::new("read the component", "its imports end beyond it"))
}
