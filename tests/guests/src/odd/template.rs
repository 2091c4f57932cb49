//! A whole plugin component from a few lines of WAT: what isn't set is what a good plugin does.
//!
//! Costs a few milliseconds for each component. [`Odd::try_build`] fails with the step and the reason; [`Odd::build`] ends the program with
//! them, since a fixture that can't be made is a mistake in this folder and nothing that a caller could cope with.

use std::fmt::Write as _;

use super::OddError;
use super::wit::Wit;

/// The core module with its marks.
const TEMPLATE: &str = include_str!("template.wat");
/// Where results are returned.
const RETURN_AREA: usize = 1024;
/// Where texts begin.
const TEXTS: usize = 4096;
/// The hook that every odd plugin exports, unless it is left out.
const HOOK: &str = "before-tool-call";

/// A plugin in the making.
#[derive(Debug, Clone)]
pub struct Odd {
    manifests: Vec<Vec<u8>>,
    pub(super) wit: Wit,
    describe: String,
    handle: String,
    activate: String,
    start: Option<String>,
    realloc: String,
    imports: String,
    module: String,
    texts: Vec<(String, Vec<u8>)>,
    lifecycle: bool,
    hook: bool,
}

impl Odd {
    /// A good plugin: it describes itself as `{}`, activates, exports `before-tool-call` and has no opinion about any call.
    pub fn new(id: &str) -> Self {
        Self {
            manifests: vec![manifest_of(id, "0.1.0")],
            wit: Wit::default(),
            describe: "(call $text (global.get $describe) (global.get $describe_len))".to_owned(),
            handle: "(call $none)".to_owned(),
            activate: "(call $none)".to_owned(),
            start: None,
            realloc: "(call $good_realloc (local.get $old) (local.get $had) (local.get $align) (local.get $size))".to_owned(),
            imports: String::new(),
            module: String::new(),
            texts: vec![("describe".to_owned(), b"{}".to_vec())],
            lifecycle: true,
            hook: true,
        }
    }

    /// What `describe` answers.
    pub fn describe(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.texts.retain(|(name, _)| name != "describe");
        self.text("describe", json)
    }

    /// The WAT body of `describe`, `(result i32)`: end with `(call $text POINTER LENGTH)`.
    pub fn describe_body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.describe);
        self
    }

    /// The manifest's bytes, or no manifest.
    pub fn manifest(mut self, bytes: Option<Vec<u8>>) -> Self {
        self.manifests = bytes.into_iter().collect();
        self
    }

    /// One more manifest section after those that are there.
    pub fn another_manifest(mut self, bytes: Vec<u8>) -> Self {
        self.manifests.push(bytes);
        self
    }

    /// Another id and version in the manifest; the version as it is, right or wrong.
    pub fn version(self, id: &str, version: &str) -> Self {
        self.manifest(Some(manifest_of(id, version)))
    }

    /// The WAT body of `handle`, `(param $call i32) (result i32)`: end with `(call $none)` or one of the `$answer_…` functions.
    pub fn handle(mut self, body: &str) -> Self {
        body.clone_into(&mut self.handle);
        self
    }

    /// The WAT body of `activate`, `(result i32)`: end with `(call $none)`, which is its ok too.
    pub fn activate(mut self, body: &str) -> Self {
        body.clone_into(&mut self.activate);
        self
    }

    /// The WAT body of the core module's start function.
    pub fn start(mut self, body: &str) -> Self {
        self.start = Some(body.to_owned());
        self
    }

    /// The WAT body of `cabi_realloc` once `activate` has answered, `(param $old $had $align $size i32) (result i32)`.
    pub fn realloc(mut self, body: &str) -> Self {
        body.clone_into(&mut self.realloc);
        self
    }

    /// WAT imports; they must come before everything else in a module.
    pub fn imports(mut self, wat: &str) -> Self {
        self.imports.push_str(wat);
        self
    }

    /// Further WAT fields of the module.
    pub fn module(mut self, wat: &str) -> Self {
        self.module.push_str(wat);
        self
    }

    /// Bytes in memory, at the global `$name`, `$name_len` of them.
    pub fn text(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.texts.push((name.to_owned(), bytes.into()));
        self
    }

    /// One more WIT package that the world may name.
    pub fn package(mut self, wit: &str) -> Self {
        self.wit.packages.push(wit.to_owned());
        self
    }

    /// One more interface that the world imports.
    pub fn import_interface(mut self, name: &str) -> Self {
        self.wit.imports.push(name.to_owned());
        self
    }

    /// One more interface that the world exports; [`Odd::module`] has to export its functions.
    pub fn export_interface(mut self, name: &str) -> Self {
        self.wit.exports.push(name.to_owned());
        self
    }

    /// One file of the contract, replaced or added.
    pub fn contract_file(mut self, name: &str, text: &str) -> Self {
        self.wit.files.insert(name.to_owned(), text.to_owned());
        self
    }

    /// Every name carries this API version instead of the real one.
    pub fn api_version(mut self, version: &str) -> Self {
        self.wit.version = Some(version.to_owned());
        self
    }

    /// Leaves the hook out: what is left asks for nothing.
    pub fn without_hook(mut self) -> Self {
        self.hook = false;
        self
    }

    /// Leaves the interface `plugin` out.
    pub fn without_plugin(mut self) -> Self {
        self.lifecycle = false;
        self
    }

    /// The component, its manifest at the end.
    pub fn build(self) -> Vec<u8> {
        super::made(self.try_build())
    }

    /// The component, its manifest at the end.
    ///
    /// # Errors
    ///
    /// When the WAT or the WIT isn't right, or the two don't fit.
    pub fn try_build(mut self) -> Result<Vec<u8>, OddError> {
        let core = wat::parse_str(self.wat()).map_err(|error| OddError::new("read the WAT", error))?;
        let version = self.wit.version().to_owned();
        let own = [(self.lifecycle, "plugin"), (self.hook, HOOK)];
        self.wit.exports.extend(own.iter().filter(|(wanted, _)| *wanted).map(|(_, name)| format!("plugbay:plugin/{name}@{version}")));
        let mut component = self.wit.componentize(core)?;
        for manifest in &self.manifests {
            append_custom(&mut component, "plugbay:manifest", manifest);
        }
        Ok(component)
    }

    /// The core module's text.
    fn wat(&self) -> String {
        let (texts, base) = self.laid_out();
        let start = self.start.as_ref().map(|body| format!("(func $start {body})\n(start $start)")).unwrap_or_default();
        let hook = if self.hook { hook() } else { String::new() };
        let (pages, base, area) = ((base / 65_536 + 1).to_string(), base.to_string(), RETURN_AREA.to_string());
        let fill = [
            ("hook", hook.as_str()),
            ("plugin", if self.lifecycle { LIFECYCLE } else { "" }),
            ("imports", &self.imports),
            ("texts", &texts),
            ("realloc", &self.realloc),
            ("handle", &self.handle),
            ("describe", &self.describe),
            ("activate", &self.activate),
            ("start", &start),
            ("module", &self.module),
            ("pages", &pages),
            ("base", &base),
            ("ret", &area),
            ("api", self.wit.version()),
        ];
        fill.iter().fold(TEMPLATE.to_owned(), |wat, (mark, value)| wat.replace(&format!("@{mark}@"), value))
    }

    /// The texts as WAT, and where the heap begins.
    fn laid_out(&self) -> (String, usize) {
        let mut at = TEXTS;
        let mut wat = String::new();
        for (name, bytes) in &self.texts {
            let escaped = bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a String can't fail.
                let _ = write!(text, "\\{byte:02x}");
                text
            });
            let len = bytes.len();
            let _ = write!(wat, "(data (i32.const {at}) \"{escaped}\")\n(global ${name} i32 (i32.const {at}))\n");
            let _ = writeln!(wat, "(global ${name}_len i32 (i32.const {len}))");
            at = (at + len).next_multiple_of(16);
        }
        (wat, at)
    }
}

/// The hook's exports.
fn hook() -> String {
    format!(
        r#"(func (export "plugbay:plugin/{HOOK}@@api@#handle") (param $call i32) (result i32)
             (call $drop_borrowed (local.get $call)) (call $handle (local.get $call)))
           (export "cabi_post_plugbay:plugin/{HOOK}@@api@#handle" (func $release))"#
    )
}

/// The exports of the interface `plugin`. The ten parameters of `activate` are of no interest to anybody here.
const LIFECYCLE: &str = r#"
  (func (export "plugbay:plugin/plugin@@api@#describe") (result i32) (call $describe_body))
  (func (export "plugbay:plugin/plugin@@api@#activate") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (local $answer i32)
    (local.set $answer (call $activate_body))
    (global.set $live (i32.const 1))
    (local.get $answer))
  (func (export "plugbay:plugin/plugin@@api@#deactivate") (param i32))
  (export "cabi_post_plugbay:plugin/plugin@@api@#describe" (func $release))
  (export "cabi_post_plugbay:plugin/plugin@@api@#activate" (func $release))"#;

/// The manifest of a plugin.
pub(super) fn manifest_of(id: &str, version: &str) -> Vec<u8> {
    format!(r#"{{"id":"{id}","version":"{version}"}}"#).into_bytes()
}

/// Appends a custom section to a module or component.
pub(super) fn append_custom(binary: &mut Vec<u8>, name: &str, data: &[u8]) {
    use wasm_encoder::Section as _;
    wasm_encoder::CustomSection { name: name.into(), data: data.into() }.append_to(binary);
}

/// `log.write`, as `$log_write` (level, pointer, length).
pub(super) const LOG_WRITE: &str = r#"(import "plugbay:plugin/log@0.1.0" "write" (func $log_write (param i32 i32 i32)))"#;
/// `log.enabled`, as `$log_enabled` (level).
pub(super) const LOG_ENABLED: &str = r#"(import "plugbay:plugin/log@0.1.0" "enabled" (func $log_enabled (param i32) (result i32)))"#;
/// A timer, as `$subscribe` (nanoseconds).
pub(super) const SUBSCRIBE: &str =
    r#"(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $subscribe (param i64) (result i32)))"#;
/// Whether a timer is due, as `$ready`.
pub(super) const POLLABLE_READY: &str = r#"(import "wasi:io/poll@0.2.6" "[method]pollable.ready" (func $ready (param i32) (result i32)))"#;
/// Waits for a timer, as `$block`.
pub(super) const POLLABLE_BLOCK: &str = r#"(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))"#;
/// Drops a timer, as `$drop_timer`.
pub(super) const POLLABLE_DROP: &str = r#"(import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop_timer (param i32)))"#;
