//! Core modules and instances appended to a finished component, beside the plugin's own.
//!
//! Each append parses the component anew (well under a millisecond for these). Fails when the component isn't valid, or isn't one of ours.

use wasm_encoder::{ComponentSection, ComponentSectionId, InstanceSection, ModuleArg, RawSection};
use wasmparser::{Instance, Parser, Payload, Validator, WasmFeatures};

use super::OddError;

/// A component that grows.
pub(super) struct Growing {
    bytes: Vec<u8>,
    main: u32,
    modules: u32,
    instances: u32,
}

impl Growing {
    /// Counts what the component holds, so that what is added can be named by its index.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, OddError> {
        let types = Validator::new_with_features(WasmFeatures::all())
            .validate_all(&bytes)
            .map_err(|error| OddError::new("validate the component", error))?;
        let main = main_instance(&bytes)?;
        let types = types.as_ref();
        Ok(Self { main, modules: types.module_count(), instances: types.core_instance_count(), bytes })
    }

    /// Adds a core module and gives its index.
    pub(super) fn module(&mut self, binary: &[u8]) -> u32 {
        RawSection { id: ComponentSectionId::CoreModule.into(), data: binary }.append_to_component(&mut self.bytes);
        bumped(&mut self.modules)
    }

    /// Adds a core module from WAT and gives its index.
    pub(super) fn module_text(&mut self, text: &str) -> Result<u32, OddError> {
        Ok(self.module(&wat::parse_str(text).map_err(|error| OddError::new("read the WAT", error))?))
    }

    /// Adds an instance of a core module, with core instances as its imports, and gives its index.
    pub(super) fn instance(&mut self, module: u32, with: &[(&str, u32)]) -> u32 {
        let mut section = InstanceSection::new();
        section.instantiate(module, with.iter().map(|(name, index)| (*name, ModuleArg::Instance(*index))));
        section.append_to_component(&mut self.bytes);
        bumped(&mut self.instances)
    }

    /// The core instance of the plugin's own module.
    pub(super) fn main(&self) -> u32 {
        self.main
    }

    /// The component as it is now.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The next free index, which is taken by that.
fn bumped(count: &mut u32) -> u32 {
    let index = *count;
    *count += 1;
    index
}

/// The core instance of core module 0, which is the plugin's own.
fn main_instance(bytes: &[u8]) -> Result<u32, OddError> {
    let wrong = |error| OddError::new("read the component", error);
    let mut index = 0;
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(wrong)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::InstanceSection(section) if depth == 0 => {
                for instance in section {
                    if matches!(instance.map_err(wrong)?, Instance::Instantiate { module_index: 0, .. }) {
                        return Ok(index);
                    }
                    index += 1;
                }
            }
            _ => {}
        }
    }
    Err(OddError::new("read the component", "its first core module is nowhere instantiated"))
}
