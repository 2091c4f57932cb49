//! The Rust plugins as components: what they export, what they import, and the manifest that they carry.

#![cfg(test)]

use plugbay_guests::built;
use plugbay_guests::crews::crew;
use plugbay_guests::engines::engine;
use serde_json::{Value, json};
use wasmparser::{Encoding, Parser, Payload};

/// A component, as far as its outside goes.
#[derive(Default)]
struct Component {
    imports: Vec<String>,
    exports: Vec<String>,
    manifests: Vec<Vec<u8>>,
}

fn read(path: &str) -> Component {
    read_bytes(path, &std::fs::read(path).unwrap())
}

fn read_bytes(path: &str, bytes: &[u8]) -> Component {
    let mut component = Component::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::Version { encoding, .. } => {
                depth += 1;
                assert!(depth > 1 || encoding == Encoding::Component, "{path} is no component");
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 1 => {
                component.imports.extend(imports.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                component.exports.extend(exports.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            Payload::CustomSection(section) if section.name() == "plugbay:manifest" => component.manifests.push(section.data().to_vec()),
            _ => {}
        }
    }
    component
}

impl Component {
    fn manifest(&self) -> Value {
        assert_eq!(self.manifests.len(), 1, "one manifest");
        serde_json::from_slice(&self.manifests[0]).unwrap()
    }

    /// The imports of this package; WASI is what std needs.
    fn own_imports(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.imports.iter().map(String::as_str).filter(|name| !name.starts_with("wasi:")).collect();
        all.sort_unstable();
        all
    }

    fn exports(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.exports.iter().map(String::as_str).collect();
        all.sort_unstable();
        all
    }
}

const TYPES: &str = "plugbay:plugin/types@0.1.0";
const LOG: &str = "plugbay:plugin/log@0.1.0";
const TOKENS: &str = "plugbay:plugin/tokens@0.1.0";
const CONFIG: &str = "plugbay:plugin/config@0.1.0";
const PLUGIN: &str = "plugbay:plugin/plugin@0.1.0";
const BEFORE_TOOL_CALL: &str = "plugbay:plugin/before-tool-call@0.1.0";
const MESSAGE_RECEIVED: &str = "plugbay:plugin/message-received@0.1.0";

#[test]
fn a_plugin_with_one_hook_exports_it_and_imports_nothing_that_it_does_not_use() {
    let component = read(built::NO_SHELL);
    assert_eq!(component.exports(), [BEFORE_TOOL_CALL, PLUGIN]);
    assert_eq!(component.own_imports(), [TYPES]);
}

#[test]
fn each_plugin_has_the_surface_of_its_methods() {
    let surface = |path: &str| {
        let component = read(path);
        (component.exports().join(" "), component.own_imports().join(" "))
    };
    let expect = |exports: &[&str], imports: &[&str]| (exports.join(" "), imports.join(" "));
    assert_eq!(surface(built::SHELL_GUARD), expect(&[BEFORE_TOOL_CALL, PLUGIN], &[LOG, TYPES]));
    assert_eq!(surface(built::KEYWORD_WATCH), expect(&[MESSAGE_RECEIVED, PLUGIN], &[LOG, TYPES]));
    assert_eq!(surface(built::ECHO_ONE), expect(&[BEFORE_TOOL_CALL, MESSAGE_RECEIVED, PLUGIN], &[CONFIG, LOG, TYPES]));
    assert_eq!(surface(built::ECHO_TWO), surface(built::ECHO_ONE));
}

/// What the contract's world exports or imports.
fn contract(word: &str) -> Vec<String> {
    let world = include_str!("../../../wit/worlds.wit");
    let names = world.lines().filter_map(|line| line.trim().strip_prefix(word)?.strip_suffix(';'));
    let mut all: Vec<String> = names.map(|name| format!("plugbay:plugin/{name}@0.1.0")).collect();
    all.sort_unstable();
    all
}

#[test]
fn the_witness_exports_each_hook_and_the_fixtures_with_tools_import_what_there_is_for_them() {
    let lifecycle = ["plugbay:plugin/startup@0.1.0", "plugbay:plugin/handover@0.1.0"];
    // What people and the clock call one plugin alone for: `errand` has them.
    let errands = ["plugbay:plugin/commands@0.1.0", "plugbay:plugin/session-actions@0.1.0", "plugbay:plugin/timers@0.1.0"];
    let mut hooks = contract("export ");
    hooks.retain(|name| !lifecycle.contains(&name.as_str()) && !errands.contains(&name.as_str()) && !is_engines(name));
    assert_eq!(read(built::WITNESS).exports(), hooks);
    let errand = read(built::ERRAND);
    assert!(errands.iter().all(|name| errand.exports().contains(name)), "{:?}", errand.exports());
    let mut imports = contract("import ");
    let unused = [CONFIG, LOG, "plugbay:plugin/keyed-store@0.1.0"];
    imports.retain(|name| !unused.contains(&name.as_str()));
    let crews = ["plugbay:plugin/model@0.1.0", "plugbay:plugin/subagents@0.1.0", TOKENS];
    let later = ["plugbay:plugin/attachments@0.1.0", "plugbay:plugin/schedule@0.1.0"];
    let mut imported = errand.imports;
    imported.retain(|name| later.contains(&name.as_str()));
    imported.sort_unstable();
    assert_eq!(imported, later);
    imports.retain(|name| !later.contains(&name.as_str()));
    let (of_the_crew, of_the_toolbox): (Vec<_>, Vec<_>) = imports.into_iter().partition(|name| crews.contains(&name.as_str()));
    assert_eq!(read(built::TOOLBOX).own_imports(), of_the_toolbox);
    let mut imported = read(built::CREW).imports;
    imported.retain(|name| of_the_crew.contains(name));
    imported.sort_unstable();
    assert_eq!(imported, crews);
    assert_eq!(read(built::TOOLBOX).exports(), [PLUGIN, "plugbay:plugin/session-projection@0.1.0", "plugbay:plugin/tools@0.1.0"]);
}

/// Whether it is one of a context engine's interfaces.
fn is_engines(name: &str) -> bool {
    name.starts_with("plugbay:plugin/context-")
}

#[test]
fn an_engine_exports_all_that_one_can_have_or_only_what_it_must() {
    let mut all = contract("export ");
    all.retain(|name| is_engines(name) || name == PLUGIN);
    assert_eq!(all.len(), 10);
    assert_eq!(read(built::ENGINE).exports(), all);
    let bare =
        ["plugbay:plugin/context-assemble@0.1.0", "plugbay:plugin/context-compact@0.1.0", "plugbay:plugin/context-ingest@0.1.0", PLUGIN];
    assert_eq!(read(built::ENGINE_BARE).exports(), bare);
    let imports = ["plugbay:plugin/keyed-store@0.1.0", TOKENS, TYPES];
    assert_eq!((read(built::ENGINE).own_imports(), read(built::ENGINE_BARE).own_imports()), (imports.to_vec(), imports.to_vec()));
}

#[test]
fn engines_differ_in_what_was_asked_and_in_nothing_else() {
    let has = |build: &[u8], text: &str| build.windows(text.len()).any(|window| window == text.as_bytes());
    let (plain, owning) =
        (r#"{"owns-compaction":false,"maintenance":"background"}"#, r#"{"owns-compaction":true ,"maintenance":"background"}"#);
    for (bare, path) in [(false, built::ENGINE), (true, built::ENGINE_BARE)] {
        let compiled = std::fs::read(path).unwrap();
        let made = |letter| if bare { engine(letter).bare() } else { engine(letter) };
        assert!(has(&compiled, plain));
        assert_eq!(made('a').build().unwrap(), compiled);
        let other = made('b').owns_compaction().build().unwrap();
        assert_eq!((read_bytes("engine-b", &other).manifest()["id"].as_str(), other.len()), (Some("engine-b"), compiled.len()));
        assert!(has(&other, owning) && !has(&other, plain));
        assert!(has(&made('c').foreground().build().unwrap(), r#"{"owns-compaction":false,"maintenance":"foreground"}"#));
    }
    assert!(engine('A').build().is_err());
}

#[test]
fn two_crews_have_no_tool_in_common() {
    let (first, second) = (crew('a').unwrap(), crew('b').unwrap());
    let has = |build: &[u8], text: &str| build.windows(text.len()).any(|window| window == text.as_bytes());
    assert_eq!(read_bytes("crew-b", &second).manifest()["id"], "crew-b");
    assert!(has(&first, "\"name\":\"crew-a-delegate\"") && has(&second, "\"name\":\"crew-b-delegate\""));
    assert!(!has(&first, "crew-b") && !has(&second, "crew-a"));
    assert!(crew('1').is_err());
}

#[test]
fn ten_witnesses_differ_in_their_ids_and_priorities_only() {
    let compiled = std::fs::read(built::WITNESS).unwrap();
    for (letter, priority) in ('a'..='j').zip(100..) {
        let build = plugbay_guests::builds::witness(letter, priority).unwrap();
        assert_eq!(read_bytes("witness", &build).manifest()["id"], format!("witness-{letter}"));
        assert_eq!(build.len(), compiled.len());
        let said = format!(r#"{{"hook":"before-tool-call","priority":{priority}}}"#);
        assert!(build.windows(said.len()).any(|window| window == said.as_bytes()), "{said}");
    }
    assert_eq!(plugbay_guests::builds::witness('a', 500).unwrap(), compiled);
    assert!(plugbay_guests::builds::witness('A', 500).is_err() && plugbay_guests::builds::witness('a', 99).is_err());
}

#[test]
fn each_plugin_carries_one_manifest_from_its_cargo_toml() {
    for (package, path) in built::ALL {
        let manifest = read(path).manifest();
        let id = match *package {
            "echo-one" | "echo-two" => "echo",
            "toolbox-later" => "toolbox",
            "witness" => "witness-a",
            "engine" | "engine-bare" => "engine-a",
            "crew" => "crew-a",
            "errand-bare" => "errand",
            package => package,
        };
        assert_eq!(manifest["id"], id);
        if id != "puppet" {
            // That one is written without the SDK, and its manifest by hand.
            assert_eq!(manifest["license"], "Apache-2.0 OR MIT");
        }
    }
    assert_eq!(read(built::ECHO_ONE).manifest()["version"], "0.1.0");
    assert_eq!(read(built::ECHO_TWO).manifest()["version"], "0.2.0");
    assert_eq!(read(built::TOOLBOX).manifest()["version"], "1.0.0");
    assert_eq!(read(built::TOOLBOX_LATER).manifest()["version"], "2.0.0");
    assert_eq!(read(built::NO_SHELL).manifest()["authors"], json!(["The Plugbay founders"]));
}

#[test]
fn the_smallest_plugin_is_small() {
    let size = |path: &str| std::fs::metadata(path).unwrap().len() / 1024;
    for (package, path) in built::ALL {
        println!("{package}: {} KiB", size(path));
    }
    assert!(size(built::NO_SHELL) < 120, "{} KiB", size(built::NO_SHELL));
    let source = include_str!("../../plugins/no-shell/src/lib.rs");
    assert!(source.lines().count() < 25, "{} lines", source.lines().count());
}

#[test]
fn the_smallest_plugin_has_no_code_that_reads_json() {
    let contains = |path: &str, text: &[u8]| std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text);
    let (of_serde_json, of_schemars) = (b"EOF while parsing a value".as_slice(), b"draft/2020-12/schema".as_slice());
    for text in [of_serde_json, of_schemars] {
        assert!(!contains(built::NO_SHELL, text));
        assert!(contains(built::ECHO_ONE, text), "the marks are the right ones");
    }
}
