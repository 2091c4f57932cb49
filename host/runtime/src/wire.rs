//! The contract as Rust types: bindings that wasmtime generates from `wit/`, and the call context, written out so that it can share its strings.
//!
//! Generated bindings and derived ABI code hold `unsafe`; nothing else in this crate does.

#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::indexing_slicing, reason = "generated code")]

use crate::call::Session;
use crate::services::AttachmentFile;
use crate::transcript::Transcript;
use plugbay_state::KeyedStore;
use std::sync::Arc;
use wasmtime::component::{ComponentType, Lower, Resource};

wasmtime::component::bindgen!({
    path: "wit",
    world: "all",
    // What has a state or a commit to wait for is awaited, without holding up another plugin. The rest is answered in place.
    imports: {
        "plugbay:plugin/keyed-store": async | trappable,
        "plugbay:plugin/sessions.open": async | trappable,
        "plugbay:plugin/session-state.patch": async | trappable,
        "plugbay:plugin/session-state.unset": async | trappable,
        "plugbay:plugin/injections.enqueue": async | trappable,
        "plugbay:plugin/model.complete": async | trappable,
        "plugbay:plugin/types.[method]transcript.outline": async | trappable,
        "plugbay:plugin/subagents": async | trappable,
        "plugbay:plugin/schedule": async | trappable,
        "plugbay:plugin/attachments.create": async | trappable,
        "plugbay:plugin/attachments.send": async | trappable,
        "plugbay:plugin/attachments.[method]file.write": async | trappable,
        default: trappable,
    },
    with: {
        "plugbay:plugin/attachments.file": crate::wire::File,
        "plugbay:plugin/keyed-store.store": crate::wire::Store,
        "plugbay:plugin/types.session": crate::call::Session,
        "plugbay:plugin/types.transcript": crate::transcript::Transcript,
    },
});

pub(crate) use plugbay::plugin::{keyed_store, types};

/// `keyed-store.store`: a namespace that a guest has opened.
pub struct Store(pub(crate) Arc<dyn KeyedStore>);

/// `attachments.file`: a file that a guest is writing. Dropped, it is gone from the gateway, too.
pub struct File(pub(crate) Box<dyn AttachmentFile>);

/// `types.call-context`, with what all plugins of a dispatch are told in common behind `Arc`s.
#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Context {
    pub cause: Cause,
    pub session: Option<Resource<Session>>,
    pub transcript: Option<Resource<Transcript>>,
    pub run: Option<Arc<str>>,
    pub principal: Option<Arc<types::Principal>>,
    #[component(name = "deadline-ms")]
    pub deadline_ms: u64,
    pub attrs: Arc<[(String, String)]>,
}

/// `types.cause`.
#[derive(ComponentType, Lower, Clone)]
#[component(record)]
pub struct Cause {
    pub kind: types::CauseKind,
    pub name: &'static str,
    pub invocation: u64,
}
