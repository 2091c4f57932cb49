//! What plugins keep about a session, and what is shown of it.
//!
//! One JSON value to a plugin, session and namespace. What is shown where sessions are listed is made when the value is put there, by the plugin's
//! `session-projection`, and written with it in one commit; so listing calls no guest. A plugin without that export shows the value itself; one that faults or
//! fails there shows nothing, and its value is written all the same. A read costs one search, in place.

use crate::desk::Late;
use plugbay_runtime::state::{SessionStore, StateError, StateSpot};
use plugbay_runtime::{
    Call, Caller, Chain, Fired, Json, Plugin, PluginId, Projecting, ServiceCode, ServiceError, Session, SessionProjection,
};
use std::sync::Arc;
use thiserror::Error;

/// What plugins keep about sessions. Cheap to clone.
#[derive(Clone)]
pub struct SessionState {
    store: Arc<dyn SessionStore>,
    late: Late,
}

/// Why an operator's change of a plugin's state wasn't made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PatchError {
    /// There is no such plugin.
    #[error("there is no plugin `{0}`")]
    UnknownPlugin(String),
    /// It doesn't serve, so nobody says what its namespaces are.
    #[error("plugin `{0}` doesn't serve at the moment, so its session state can't be changed: enable it first")]
    NotServing(PluginId),
    /// It has no such namespace.
    #[error("plugin `{plugin}` has no session state `{namespace}`: {}", listed(.known))]
    UnknownNamespace {
        /// The plugin.
        plugin: PluginId,
        /// What was asked for.
        namespace: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// There is no such session, or it went away meanwhile.
    #[error("there is no session `{0}`")]
    UnknownSession(String),
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopping,
    /// The state can't be read or written.
    #[error("the session state can't be written: {0}")]
    State(#[from] StateError),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has `{}`", names.join("`, `")) }
}

/// What a patch left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// Whether there was a value before.
    pub replaced: bool,
    /// What is shown now.
    pub shown: Option<Json>,
}

impl SessionState {
    pub(crate) fn new(store: Arc<dyn SessionStore>, late: Late) -> Self {
        Self { store, late }
    }

    /// The plugin's value there.
    ///
    /// # Errors
    /// `Gone`, `Failed`.
    pub(crate) fn read(&self, plugin: &PluginId, session: &Session, namespace: &str) -> Result<Option<Json>, ServiceError> {
        let (Some(key), Some(life)) = (session.key(), session.id()) else { return Err(gone("read")) };
        let spot = StateSpot { session: key, life, plugin: plugin.as_str(), namespace };
        let text = self.store.state_of(spot).map_err(|e| failed("read", &e))?.ok_or_else(|| gone("read"))?;
        text.map(|text| Json::check(text).map_err(|e| failed("read", &e))).transpose()
    }

    /// Puts a plugin's value there, or takes it away. Whether there was one.
    ///
    /// # Errors
    /// `Gone`, `Failed`.
    pub(crate) async fn set(&self, caller: &Caller, session: &Session, namespace: &str, value: Option<Json>) -> Result<bool, ServiceError> {
        let plugin = self.late.get().and_then(|bound| bound.plugins.get(caller.plugin.as_str()));
        let about = About { plugin: plugin.as_deref(), session, namespace, chain: caller.chain.clone() };
        let put = self.put(&caller.plugin, about, value).await.map_err(|e| failed("patch", &e))?;
        put.map(|patched| patched.replaced).ok_or_else(|| gone("patch"))
    }

    /// Puts a value where a plugin keeps its own, or takes it away (`value` none): for an operator.
    ///
    /// # Errors
    /// Says what there isn't, or why it can't be written.
    pub async fn patch_as_admin(&self, key: &str, plugin: &str, namespace: &str, value: Option<Json>) -> Result<Patched, PatchError> {
        let bound = self.late.get().ok_or(PatchError::Stopping)?;
        let found = bound.plugins.get(plugin).ok_or_else(|| PatchError::UnknownPlugin(plugin.to_owned()))?;
        let generation = found.generation().ok_or_else(|| PatchError::NotServing(found.id().clone()))?;
        let registered = &generation.registration().session_state;
        if !registered.iter().any(|r| r.namespace == namespace) {
            let known = registered.iter().map(|r| r.namespace.clone()).collect();
            return Err(PatchError::UnknownNamespace { plugin: found.id().clone(), namespace: namespace.to_owned(), known });
        }
        let unknown = || PatchError::UnknownSession(key.to_owned());
        let row = self.store.session(key).await?.ok_or_else(unknown)?;
        let session = Session::new(row.key, row.id);
        let about = About { plugin: Some(&found), session: &session, namespace, chain: Chain::default() };
        self.put(found.id(), about, value).await?.ok_or_else(unknown)
    }

    /// Writes a value and what is shown of it. None: the session is gone, or in another life.
    async fn put(&self, owner: &PluginId, about: About<'_>, value: Option<Json>) -> Result<Option<Patched>, StateError> {
        let (Some(key), Some(life)) = (about.session.key(), about.session.id()) else { return Ok(None) };
        let shown = match &value {
            Some(value) => about.projected(value.clone()).await,
            None => None,
        };
        let spot = StateSpot { session: key, life, plugin: owner.as_str(), namespace: about.namespace };
        let replaced = self.store.put_state(spot, value.map(String::from), shown.clone().map(String::from)).await?;
        Ok(replaced.map(|replaced| Patched { replaced, shown }))
    }
}

/// Whose state it is, of which session, and on whose behalf.
struct About<'a> {
    plugin: Option<&'a Plugin>,
    session: &'a Session,
    namespace: &'a str,
    chain: Chain,
}

impl About<'_> {
    /// What is shown of a value: what the plugin makes of it, if it makes anything of it.
    async fn projected(&self, state: Json) -> Option<Json> {
        let Some(plugin) = self.plugin.filter(|p| p.generation().is_some_and(|g| g.handles::<SessionProjection>())) else {
            return Some(state);
        };
        let event = Fired::new(Projecting { namespace: self.namespace.to_owned(), state, attrs: Vec::new() });
        let call = Call::new().session(self.session.clone()).within(self.chain.clone());
        match plugin.serve::<SessionProjection>(&call, &event).await.answer {
            Ok(projected) => projected.0,
            Err(error) => {
                tracing::warn!(plugin = %plugin.id(), namespace = self.namespace, %error, "its projection has no answer: nothing is shown of this state");
                None
            }
        }
    }
}

fn gone(what: &str) -> ServiceError {
    ServiceError::new(ServiceCode::Gone, format!("session-state: {what}: the session was deleted, or began another life"))
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> ServiceError {
    ServiceError::new(ServiceCode::Failed, format!("session-state: {what}: {why}"))
}
