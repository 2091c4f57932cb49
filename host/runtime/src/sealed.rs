//! Sealed cells: where `describe` is asked, twice, what the plugin registers.
//!
//! In a sealed cell clocks stand still, random numbers are fixed, and each import of the contract refuses by name; handles have their real types, so that every export
//! is type-checked here too. Two fresh cells, and both answers must be equal.

use crate::call::Session;
use crate::cell::PluginCell;
use crate::error::Reason;
use crate::guest::{Guest, Part};
use crate::id::PluginId;
use crate::surface::Surface;
use crate::transcript::Transcript;
use crate::wire::{File, Store};
use plugbay_engine::{Blueprint, Budget, CellState, Code, Engine, Limits, Log, World};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Linker, LinkerInstance, ResourceType};

/// How long `describe` may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The two answers of `describe`.
pub(crate) async fn describe(
    engine: &Engine,
    plugin: &PluginId,
    code: &Code,
    surface: &Surface,
    limits: &Arc<Limits>,
    log: &Arc<Log>,
) -> Result<(String, String), Reason> {
    let linker = linker(engine, code).map_err(|e| Reason::Link(format!("{e:#}")))?;
    let instance = linker.instantiate_pre(code.component()).map_err(|e| Reason::Link(format!("{e:#}")))?;
    let blueprint = Blueprint::new(engine.clone(), instance, limits.clone(), log.clone(), World::Sealed);
    let guest = Guest::new(Part::sealed(plugin.clone(), log.clone()));
    let first = answer(&blueprint, guest.clone(), surface).await?;
    let second = answer(&blueprint, guest, surface).await?;
    Ok((first, second))
}

async fn answer(blueprint: &Blueprint<Guest>, guest: Guest, surface: &Surface) -> Result<String, Reason> {
    let budget = Budget::new(PATIENCE, blueprint.limits());
    let mut cell = PluginCell::new(blueprint.cell(guest, &budget).await.map_err(Reason::Describe)?);
    cell.check_types(surface)?;
    cell.describe(&budget).await.map_err(Reason::Describe)
}

/// WASI, and refusals for everything that the component imports of the contract.
fn linker(engine: &Engine, code: &Code) -> wasmtime::Result<Linker<CellState<Guest>>> {
    let mut linker = engine.linker()?;
    for (name, item) in code.component().component_type().imports(engine.wasm()) {
        if let ComponentItem::ComponentInstance(interface) = item.ty
            && name.starts_with("plugbay:plugin/")
        {
            seal(&mut linker.instance(name)?, name, &interface, engine)?;
        }
    }
    Ok(linker)
}

fn seal(
    linker: &mut LinkerInstance<'_, CellState<Guest>>,
    interface: &str,
    exports: &ComponentInstance,
    engine: &Engine,
) -> wasmtime::Result<()> {
    for (name, item) in exports.exports(engine.wasm()) {
        match item.ty {
            ComponentItem::ComponentFunc(_) => {
                let refusal = format!("`{interface}.{name}` was called in `describe`, where every import refuses");
                linker.func_new(name, move |_, _, _, _| Err(wasmtime::Error::msg(refusal.clone())))?;
            }
            ComponentItem::Resource(_) => {
                let host = match name {
                    "session" => ResourceType::host::<Session>(),
                    "transcript" => ResourceType::host::<Transcript>(),
                    "file" => ResourceType::host::<File>(),
                    _ => ResourceType::host::<Store>(),
                };
                linker.resource(name, host, |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}
