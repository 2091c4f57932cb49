//! A plugin's cell: the engine's cell, and the exports that were looked up in it.
//!
//! An export is looked up and type-checked once in a cell's life (0.15 microseconds); after that a call finds it by its hook's name.

use crate::call::{Call, Session};
use crate::guest::{Guest, UnderWay};
use crate::hook::Hook;
use crate::surface::{API, Surface, SurfaceError};
use crate::transcript::Transcript;
use crate::wire::exports::plugbay::plugin::plugin::{Activation, DeactivationReason};
use crate::wire::types::{ActivationReason, CauseKind};
use crate::wire::{Cause, Context};
use plugbay_engine::{Budget, CallError, Cell, Fault, Limit, Occupant, Overrun, Usage};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{ComponentNamedList, Lift, Lower, Resource, TypedFunc};

/// A hook's function.
pub(crate) type HookFunc<H> = TypedFunc<(Arc<Context>, Arc<<H as Hook>::Wire>), (Result<<H as Hook>::Answer, String>,)>;

/// The answer of a function that has nothing to say but that it failed.
type Fallible = (Result<(), String>,);

/// A cell with a plugin in it.
pub(crate) struct PluginCell {
    cell: Cell<Guest>,
    hooks: Vec<(&'static str, Box<dyn Any + Send + Sync>)>,
    /// Bytes of its last answer.
    returned: usize,
    /// Its last answer was malformed.
    spent: bool,
}

impl Occupant for Box<PluginCell> {
    fn is_spent(&self) -> bool {
        self.spent || self.cell.is_broken()
    }
}

impl PluginCell {
    pub(crate) const fn new(cell: Cell<Guest>) -> Self {
        Self { cell, hooks: Vec::new(), returned: 0, spent: false }
    }

    /// Whether everything that the plugin exports is of the contract's type.
    pub(crate) fn check_types(&mut self, surface: &Surface) -> Result<(), SurfaceError> {
        self.export::<(), (String,)>("plugin", "describe")?;
        self.export::<(&Activation,), Fallible>("plugin", "activate")?;
        self.export::<(DeactivationReason,), ()>("plugin", "deactivate")?;
        if surface.exports.contains("startup") {
            self.export::<(ActivationReason,), Fallible>("startup", "started")?;
        }
        if surface.exports.contains("handover") {
            self.export::<(), (Result<Vec<u8>, String>,)>("handover", "save")?;
            self.export::<(&str, &[u8]), Fallible>("handover", "restore")?;
        }
        surface.hooks().try_for_each(|hook| (hook.typed)(self))
    }

    /// Calls `describe`.
    pub(crate) async fn describe(&mut self, budget: &Budget) -> Result<String, CallError> {
        let describe = self.export::<(), (String,)>("plugin", "describe").map_err(mistyped)?;
        let (answer,) = self.cell.call(&describe, (), budget).await?;
        Ok(answer)
    }

    /// Calls `activate`.
    pub(crate) async fn activate(&mut self, activation: &Activation, budget: &Budget) -> Result<(), CallError> {
        let activate = self.export::<(&Activation,), Fallible>("plugin", "activate").map_err(mistyped)?;
        let (answer,) = self.cell.call(&activate, (activation,), budget).await?;
        answer.map_err(|words| self.failed(&words))
    }

    /// From now on what the plugin asks to be changed is changed.
    pub(crate) fn go_live(&mut self) {
        self.cell.lend().host.live = true;
    }

    /// It is an extra cell: nobody else could get it.
    pub(crate) fn stand_aside(&mut self) {
        self.cell.lend().host.aside = true;
    }

    /// Calls `handover.save`. What it saves is the plugin's own, so only its size is looked at.
    pub(crate) async fn save(&mut self, budget: &Budget) -> Result<Vec<u8>, CallError> {
        let save = self.export::<(), (Result<Vec<u8>, String>,)>("handover", "save").map_err(mistyped)?;
        let (answer,) = self.cell.call(&save, (), budget).await?;
        let saved = answer.map_err(|words| self.failed(&words))?;
        self.within(saved.len())?;
        Ok(saved)
    }

    /// Calls `handover.restore`.
    pub(crate) async fn restore(&mut self, from: &str, saved: &[u8], budget: &Budget) -> Result<(), CallError> {
        let restore = self.export::<(&str, &[u8]), Fallible>("handover", "restore").map_err(mistyped)?;
        let (answer,) = self.cell.call(&restore, (from, saved), budget).await?;
        answer.map_err(|words| self.failed(&words))
    }

    /// Calls `deactivate`.
    pub(crate) async fn deactivate(&mut self, reason: DeactivationReason, budget: &Budget) -> Result<(), CallError> {
        let deactivate = self.export::<(DeactivationReason,), ()>("plugin", "deactivate").map_err(mistyped)?;
        self.cell.call(&deactivate, (reason,), budget).await
    }

    /// Calls `startup.started`.
    pub(crate) async fn started(&mut self, reason: ActivationReason, budget: &Budget) -> Result<(), CallError> {
        let started = self.export::<(ActivationReason,), Fallible>("startup", "started").map_err(mistyped)?;
        self.begin(UnderWay::new(Call::new(), "startup", false));
        let answer = self.cell.call(&started, (reason,), budget).await;
        let (answer,) = self.end(answer)?;
        answer.map_err(|words| self.failed(&words))
    }

    /// What the last call used.
    pub(crate) fn usage(&self) -> Usage {
        self.cell.usage()
    }

    /// Bytes of the last hook's answer.
    pub(crate) const fn returned(&self) -> usize {
        self.returned
    }

    /// Calls a hook.
    pub(crate) async fn handle<H: Hook>(
        &mut self,
        call: Call,
        shows_transcript: bool,
        event: Arc<H::Wire>,
        left: Duration,
        budget: &Budget,
    ) -> Result<H::Outcome, CallError> {
        let handle = self.hook::<H>().map_err(mistyped)?;
        self.returned = 0;
        let context = self.context(&call, (H::CAUSE, H::NAME), shows_transcript, left);
        self.spent |= context.is_err(); // the guest has filled its table of handles
        let (context, handles) = context?;
        self.begin(UnderWay::new(call, H::NAME, matches!(H::CAUSE, CauseKind::Projection)));
        let answer = self.cell.call(&handle, (context, event), budget).await;
        let (answer,) = self.end(answer)?;
        self.take_back(handles);
        match answer {
            Ok(answer) => self.checked::<H>(answer),
            Err(words) => Err(self.failed(&words)),
        }
    }

    /// From now on the guest asks on behalf of this call. A call that is abandoned half-way breaks its cell, so nobody ever asks on behalf of another's.
    fn begin(&mut self, under_way: UnderWay) {
        self.cell.lend().host.call = Some(under_way);
    }

    /// The guest asks on nobody's behalf any more. Where the host failed during the call, that is what ended it.
    fn end<T>(&mut self, answer: Result<T, CallError>) -> Result<T, CallError> {
        let failure = self.cell.lend().host.call.take().and_then(|under_way| under_way.failure);
        failure.map_or(answer, |why| Err(Fault::Host(why).into()))
    }

    /// The hook's function in this cell.
    pub(crate) fn hook<H: Hook>(&mut self) -> Result<HookFunc<H>, SurfaceError> {
        let known = self.hooks.iter().find(|(name, _)| *name == H::NAME);
        if let Some(func) = known.and_then(|(_, func)| func.downcast_ref::<HookFunc<H>>()) {
            return Ok(*func);
        }
        let func: HookFunc<H> = self.export(H::NAME, "handle")?;
        self.hooks.push((H::NAME, Box::new(func)));
        Ok(func)
    }

    /// A function of an interface that the plugin exports.
    pub(crate) fn export<P, R>(&mut self, interface: &str, function: &str) -> Result<TypedFunc<P, R>, SurfaceError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let name = format!("plugbay:plugin/{interface}@{API}");
        let wrong = |problem: String| SurfaceError::WrongType { export: format!("{name}.{function}"), problem };
        self.cell.look(|store, instance| {
            let interface = instance.get_export_index(&mut *store, None, &name);
            let interface = interface.ok_or_else(|| wrong("the interface isn't there".to_owned()))?;
            let export = instance.get_export_index(&mut *store, Some(&interface), function);
            let export = export.ok_or_else(|| wrong("the function isn't there".to_owned()))?;
            instance.get_typed_func(&mut *store, export).map_err(|e| wrong(format!("{e:#}")))
        })
    }

    /// The context of a call, with handles that live as long as the call.
    fn context(
        &mut self,
        call: &Call,
        (kind, name): (CauseKind, &'static str),
        shows_transcript: bool,
        left: Duration,
    ) -> Result<(Arc<Context>, Handles), CallError> {
        let call = &*call.0;
        let handles = self.cell.limits().handles.get() as u64;
        let full = |_| Fault::Limit(Overrun { limit: Limit::Handles, observed: handles + 1, allowed: handles });
        let table = self.cell.lend().table;
        let session = call.session.clone().map(|s| table.push(s)).transpose().map_err(full)?;
        let transcript = call.transcript.clone().filter(|_| shows_transcript);
        let transcript = transcript.map(|t| table.push(t)).transpose().map_err(full)?;
        let context = Context {
            cause: Cause { kind, name, invocation: call.invocation },
            session: session.as_ref().map(|s| Resource::new_borrow(s.rep())),
            transcript: transcript.as_ref().map(|t| Resource::new_borrow(t.rep())),
            run: call.run.clone(),
            principal: call.principal.clone(),
            deadline_ms: millis(left),
            attrs: call.attrs.clone(),
        };
        Ok((Arc::new(context), Handles { session, transcript }))
    }

    /// Takes the call's handles back. A guest can't keep a borrowed handle: wasmtime refuses its answer if it tries.
    fn take_back(&mut self, handles: Handles) {
        let table = self.cell.lend().table;
        let session = handles.session.map(|s| table.delete(s).map(drop)).transpose();
        let transcript = handles.transcript.map(|t| table.delete(t).map(drop)).transpose();
        if let Err(e) = session.and(transcript) {
            tracing::error!("a handle of a call is gone from its cell: {e}");
            self.spent = true;
        }
    }

    fn checked<H: Hook>(&mut self, answer: H::Answer) -> Result<H::Outcome, CallError> {
        self.returned = H::size(&answer);
        self.within(self.returned)?;
        H::lift(answer).map_err(|malformed| {
            self.spent = true;
            Fault::Malformed(malformed.to_string()).into()
        })
    }

    /// A plugin's own words, as others may see them.
    fn failed(&mut self, words: &str) -> CallError {
        match self.within(words.len()) {
            Ok(()) => CallError::Failed(self.cell.lend().host.log().clean(words)),
            Err(fault) => fault.into(),
        }
    }

    /// Whether an answer of this size is one that a plugin may give.
    fn within(&mut self, size: usize) -> Result<(), Fault> {
        let allowed = self.cell.limits().returned.get();
        if size <= allowed {
            return Ok(());
        }
        self.spent = true;
        Err(Fault::Limit(Overrun { limit: Limit::Returned, observed: size as u64, allowed: allowed as u64 }))
    }
}

/// Handles that a call lends to a guest.
struct Handles {
    session: Option<Resource<Session>>,
    transcript: Option<Resource<Transcript>>,
}

fn mistyped(error: SurfaceError) -> CallError {
    Fault::Malformed(error.to_string()).into()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
