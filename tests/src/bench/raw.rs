//! The baseline: raw wasmtime, used as its documentation shows.
//!
//! A plain store, an own linker, generated bindings, exports looked up by index; no limits, no meter, no deadline. What the engine's
//! configuration forces (epoch checks in compiled code) stays, with an epoch that never comes.

use anyhow::Result;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::component::{Component, HasSelf, Instance, InstancePre, Linker, Resource, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Bindings as wasmtime generates them.
#[allow(unsafe_code, missing_docs, unreachable_pub, dead_code, clippy::all, clippy::indexing_slicing, reason = "generated code")]
pub(super) mod wire {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "all",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "plugbay:plugin/keyed-store.store": crate::bench::keyed_raw::Stored,
            "plugbay:plugin/types.session": super::Session,
            "plugbay:plugin/types.transcript": super::Transcript,
        },
    });
}

use wire::exports::plugbay::plugin::{before_tool_call, message_received, plugin};
use wire::plugbay::plugin::{config, keyed_store, log, types};

/// What a session's handle stands for.
#[allow(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Session(Arc<str>);

/// What a transcript's handle stands for.
#[allow(unreachable_pub, reason = "the generated code re-exports it")]
pub struct Transcript(Arc<[types::Entry]>);

/// What stands in a raw store.
pub(super) struct State {
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    config: Arc<HashMap<String, String>>,
    kept: log::Level,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl config::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.config.get(&name).cloned())
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        Ok("{}".to_owned())
    }
}

impl log::Host for State {
    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        Ok(level as u8 >= self.kept as u8)
    }

    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        if level as u8 >= self.kept as u8 {
            eprintln!("{message}");
        }
        Ok(())
    }
}

impl types::Host for State {}

impl types::HostSession for State {
    fn key(&mut self, session: Resource<Session>) -> wasmtime::Result<Result<String, types::SessionError>> {
        Ok(Ok(self.table.get(&session)?.0.to_string()))
    }

    fn id(&mut self, session: Resource<Session>) -> wasmtime::Result<Result<String, types::SessionError>> {
        Ok(Ok(self.table.get(&session)?.0.to_string()))
    }

    fn drop(&mut self, session: Resource<Session>) -> wasmtime::Result<()> {
        self.table.delete(session)?;
        Ok(())
    }
}

impl types::HostTranscript for State {
    fn len(&mut self, transcript: Resource<Transcript>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&transcript)?.0.len() as u64)
    }

    fn window(&mut self, transcript: Resource<Transcript>, start: u64, count: u32) -> wasmtime::Result<Vec<types::Entry>> {
        let entries = self.table.get(&transcript)?.0.iter();
        Ok(entries.skip(usize::try_from(start)?).take(usize::try_from(count)?).cloned().collect())
    }

    fn entry(&mut self, transcript: Resource<Transcript>, id: u64) -> wasmtime::Result<Option<types::Entry>> {
        Ok(self.table.get(&transcript)?.0.iter().find(|entry| entry.id == id).cloned())
    }

    fn outline(&mut self, transcript: Resource<Transcript>, start: u64, count: u32) -> wasmtime::Result<Vec<types::Outline>> {
        let line = |entry: types::Entry| types::Outline { id: entry.id, role: entry.role, tokens: 4 };
        Ok(self.window(transcript, start, count)?.into_iter().map(line).collect())
    }

    fn drop(&mut self, transcript: Resource<Transcript>) -> wasmtime::Result<()> {
        self.table.delete(transcript)?;
        Ok(())
    }
}

/// What raw instances are made from.
pub(super) struct Maker {
    engine: Engine,
    instance: InstancePre<State>,
    plugin: plugin::GuestIndices,
    config: Arc<HashMap<String, String>>,
}

impl Maker {
    /// Instances of this component, with these settings.
    pub(super) fn new(engine: &Engine, component: &Component, config: HashMap<String, String>) -> Result<Self> {
        let mut linker = Linker::<State>::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        types::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        config::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        keyed_store::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let instance = linker.instantiate_pre(component)?;
        let plugin = plugin::GuestIndices::new(&instance)?;
        Ok(Self { engine: engine.clone(), instance, plugin, config: Arc::new(config) })
    }

    /// The place of `before-tool-call` in the component.
    pub(super) fn tool_call(&self) -> Result<before_tool_call::GuestIndices> {
        Ok(before_tool_call::GuestIndices::new(&self.instance)?)
    }

    /// The place of `message-received` in the component.
    pub(super) fn message(&self) -> Result<message_received::GuestIndices> {
        Ok(message_received::GuestIndices::new(&self.instance)?)
    }

    /// An instance that was activated.
    pub(super) async fn cell(&self, activation: &plugin::Activation) -> Result<Cell> {
        let wasi = WasiCtx::builder().build();
        let state = State { table: ResourceTable::new(), wasi, config: self.config.clone(), kept: log::Level::Info };
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.instance.instantiate_async(&mut store).await?;
        let plugin = self.plugin.load(&mut store, &instance)?;
        plugin.call_activate(&mut store, activation).await?.map_err(anyhow::Error::msg)?;
        Ok(Cell { store, instance })
    }
}

/// One raw store with one instance.
pub(super) struct Cell {
    pub(super) store: Store<State>,
    pub(super) instance: Instance,
}

impl Cell {
    /// Lends a session and a transcript for one call, where the context has them.
    pub(super) fn lend(&mut self, talk: Option<&Talk>, context: &mut types::CallContext) -> Result<Option<Lent>> {
        let Some(talk) = talk else { return Ok(None) };
        let table = &mut self.store.data_mut().table;
        let lent = Lent { session: table.push(Session(talk.session.clone()))?, transcript: table.push(Transcript(talk.entries.clone()))? };
        context.session = Some(Resource::new_borrow(lent.session.rep()));
        context.transcript = Some(Resource::new_borrow(lent.transcript.rep()));
        Ok(Some(lent))
    }

    /// Takes them back.
    pub(super) fn take_back(&mut self, lent: Option<Lent>) -> Result<()> {
        let Some(Lent { session, transcript }) = lent else { return Ok(()) };
        let table = &mut self.store.data_mut().table;
        table.delete(session)?;
        table.delete(transcript)?;
        Ok(())
    }
}

/// A session and what was said in it.
pub(super) struct Talk {
    pub(super) session: Arc<str>,
    pub(super) entries: Arc<[types::Entry]>,
}

/// Handles that a call lends.
pub(super) struct Lent {
    session: Resource<Session>,
    transcript: Resource<Transcript>,
}
