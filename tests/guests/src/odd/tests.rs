//! Every fixture is what it says: valid where it should be, broken where it should be, with the surface and the sections that are meant.

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use super::*;

/// The fixtures that no parser or validator takes for a component.
const BROKEN: [&str; 5] = ["core-module", "truncated", "random-bytes", "empty", "custom-section-4gb"];
/// The fixtures that need the asynchronous part of the component model.
const ASYNC: [&str; 2] = ["async-component", "future-component"];

/// What the engine's profile allows.
fn profile() -> WasmFeatures {
    let refused = WasmFeatures::GC
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::MEMORY64
        | WasmFeatures::THREADS
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::CM_ASYNC;
    (WasmFeatures::default() | WasmFeatures::COMPONENT_MODEL | WasmFeatures::MULTI_MEMORY).difference(refused)
}

fn fixture(name: &str) -> Vec<u8> {
    FIXTURES.iter().find(|(found, _)| *found == name).unwrap_or_else(|| panic!("no fixture {name}")).1()
}

/// Whether the bytes are a component that the profile takes; an error otherwise.
fn check(bytes: &[u8], features: WasmFeatures) -> Result<(), String> {
    if !Parser::is_component(bytes) {
        return Err("no component".to_owned());
    }
    Validator::new_with_features(features).validate_all(bytes).map(drop).map_err(|error| error.to_string())
}

/// Names of imports and exports at the top level.
fn surface(bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports, mut depth) = (BTreeSet::new(), BTreeSet::new(), 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

/// The manifest sections at the top level.
fn manifests(bytes: &[u8]) -> Vec<String> {
    let payloads = Parser::new(0).parse_all(bytes).map(Result::unwrap);
    let section = |payload| match payload {
        Payload::CustomSection(section) if section.name() == "plugbay:manifest" => {
            Some(String::from_utf8(section.data().to_vec()).unwrap())
        }
        _ => None,
    };
    payloads.filter_map(section).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn all_but_the_broken_are_valid_under_the_profile() {
    for (name, bytes) in all() {
        let checked = check(&bytes, profile());
        let expected = !BROKEN.contains(&name) && !ASYNC.contains(&name);
        assert_eq!(checked.is_ok(), expected, "{name}: {checked:?}");
    }
}

#[test]
fn asynchronous_ones_lack_nothing_but_the_feature() {
    for name in ASYNC {
        let bytes = fixture(name);
        assert_eq!(check(&bytes, profile() | WasmFeatures::CM_ASYNC), Ok(()), "{name}");
        let refusal = check(&bytes, profile()).unwrap_err();
        assert!(refusal.contains("async"), "{name}: {refusal}");
    }
}

#[test]
fn broken_ones_are_broken_as_intended() {
    let module = core_module();
    assert!(Parser::is_core_wasm(&module) && Validator::new_with_features(profile()).validate_all(&module).is_ok());
    assert!(check(&truncated(good("truncated").len()), profile()).is_ok(), "nothing cut, nothing broken");
    assert!(check(&truncated(200), profile()).unwrap_err().contains("unexpected end"));
    assert_ne!(random_bytes(1), random_bytes(2));
    assert_eq!(random_bytes(3), random_bytes(3));
    let claimed = check(&custom_section_4gb(), profile()).unwrap_err();
    assert!(claimed.contains("unexpected end"), "{claimed}");
    assert_eq!(wasmparser::BinaryReader::new(&custom_section_4gb()[9..], 0).read_var_u32().unwrap(), u32::MAX);
}

#[test]
fn the_good_one_has_exactly_the_surface_of_a_plugin_with_one_hook() {
    let (imports, exports) = surface(&good("good"));
    assert_eq!(imports, names(&["plugbay:plugin/types@0.1.0"]));
    assert_eq!(exports, names(&["plugbay:plugin/plugin@0.1.0", "plugbay:plugin/before-tool-call@0.1.0"]));
}

#[test]
fn odd_surfaces_differ_from_the_good_one_in_what_they_say() {
    let (good_imports, good_exports) = surface(&good("good"));
    let more = |name: &str| {
        let (imports, exports) = surface(&fixture(name));
        let added = |all: &BTreeSet<String>, known: &BTreeSet<String>| all.difference(known).cloned().collect::<Vec<_>>();
        (added(&imports, &good_imports), added(&exports, &good_exports))
    };
    let import = |name: &str| (vec![name.to_owned()], vec![]);
    let export = |name: &str| (vec![], vec![name.to_owned()]);
    assert_eq!(more("unknown-import"), import("plugbay:plugin/telepathy@0.1.0"));
    assert_eq!(more("unknown-function"), import("plugbay:plugin/log@0.1.0"));
    assert_eq!(more("foreign-import"), import("acme:things/stuff@1.0.0"));
    assert_eq!(more("unknown-hook"), export("plugbay:plugin/before-lunch@0.1.0"));
    assert_eq!(more("foreign-export"), export("acme:extra/thing@1.0.0"));
    assert_eq!(more("own-resources"), export("acme:extra/vault@1.0.0"));
    assert_eq!(more("composed"), (vec![], vec![]));
    assert_eq!(more("wrong-export-type"), (vec![], vec![]));
    assert_eq!(surface(&no_plugin_interface()).1, names(&["plugbay:plugin/before-tool-call@0.1.0"]));
    let (imports, exports) = surface(&other_api_version());
    assert!(imports.iter().chain(&exports).all(|name| name.ends_with("@0.9.0")), "{imports:?} {exports:?}");
}

#[test]
fn each_has_one_manifest_with_its_own_name_unless_that_is_its_oddity() {
    for (name, bytes) in all() {
        if !name.starts_with("manifest-") && (name == "core-module" || !BROKEN.contains(&name)) {
            assert_eq!(manifests(&bytes), [format!(r#"{{"id":"{name}","version":"0.1.0"}}"#)], "{name}");
        }
    }
    assert_eq!(manifests(&manifest_missing()), Vec::<String>::new());
    assert_eq!(manifests(&manifest_twice()).len(), 2);
    let [both] = <[String; 1]>::try_from(manifests(&manifest_concatenated())).unwrap();
    assert_eq!(both.matches(r#"{"id":"manifest-concatenated""#).count(), 2, "{both}");
    assert!(manifests(&manifest_bad_id()).concat().contains("../evil"));
    assert!(manifests(&manifest_other_id("someone")).concat().contains(r#""id":"someone""#));
}

#[test]
fn crowded_ones_exceed_their_limit_and_no_other() {
    for (name, expected) in [("too-many-memories", [6, 6, 0]), ("too-many-tables", [18, 1, 34]), ("too-many-instances", [34, 1, 0])] {
        assert_eq!(required(&fixture(name)), expected, "{name}: instances, memories, tables");
    }
    assert_eq!(required(&memory_bomb_many()), [1, 4, 0]);
    assert_eq!(required(&memory_bomb_instances()), [4, 4, 1]);
}

/// How many core instances, memories and tables the component needs at its top level.
fn required(bytes: &[u8]) -> [usize; 3] {
    let (mut modules, mut needed, mut depth) = (Vec::<[usize; 3]>::new(), [0; 3], 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => {
                depth += 1;
                modules.push([1, 0, 0]);
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::MemorySection(section) if depth == 1 => modules.last_mut().unwrap()[1] = section.count() as usize,
            Payload::TableSection(section) if depth == 1 => modules.last_mut().unwrap()[2] = section.count() as usize,
            Payload::InstanceSection(section) => {
                for instance in section {
                    if let wasmparser::Instance::Instantiate { module_index, .. } = instance.unwrap() {
                        for (sum, one) in needed.iter_mut().zip(modules[module_index as usize]) {
                            *sum += one;
                        }
                    }
                }
            }
            _ => {}
        }
    }
    needed
}

#[test]
fn the_composed_one_has_two_components_with_a_memory_each() {
    let (mut depth, mut memories) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(&composed()) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => depth += 1,
            Payload::ComponentSection { .. } => {
                depth += 1;
                memories.extend((depth == 1).then_some(0));
            }
            Payload::End(_) => depth -= 1,
            Payload::MemorySection(section) => *memories.last_mut().unwrap() += section.count(),
            _ => {}
        }
    }
    assert_eq!(memories, [1, 1]);
}

#[test]
fn the_large_ones_are_as_large_as_they_say() {
    let large = component_65mb();
    assert!(large.len() > 65 << 20 && large.len() < 66 << 20, "{}", large.len());
    assert_eq!(check(&large, profile()), Ok(()));
    let bomb = compile_bomb().len();
    assert!((20_000..200_000).contains(&bomb), "{bomb}");
}

#[test]
fn a_mistake_in_a_fixture_says_where_it_is() {
    let wat = Odd::new("wrong").handle("(call $nobody)").try_build().unwrap_err().to_string();
    assert!(wat.starts_with("could not read the WAT:") && wat.contains("$nobody"), "{wat}");
    let wit = Odd::new("wrong").import_interface("acme:nowhere/thing@1.0.0").try_build().unwrap_err().to_string();
    assert!(wit.starts_with("could not read the WIT:") && wit.contains("acme:nowhere"), "{wit}");
}
