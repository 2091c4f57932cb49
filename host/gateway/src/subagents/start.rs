//! A subagent is set to work: whether it may be, what is made if there is none of this name, and its turn.
//!
//! A new one is noted first, then the context engine is asked, then its session is made, and then there is a turn. Whatever fails on the way takes back what was done before. All of it comes to its end though
//! the call that asks be cut meanwhile.
//!
//! It may be removed at any moment. Its run is known from before the first look at what there is, so that a removal finds and cancels it; it is made in its session's line, so that whoever deletes it
//! stands behind that and finds all of it; and what is to be removed begins no turn.

use super::run::about_parent;
use super::table::Child;
use super::{failed, key, refused};
use crate::gateway::Gateway;
use crate::runs::RunAbout;
use crate::turn::{Turn, TurnAsked, TurnError};
use plugbay_runtime::state::{NewSubagent, Subagent};
use plugbay_runtime::{
    Call, Caller, PluginId, ServiceCode, ServiceError, Session, SpawnFate, Spawned, SubagentSpawned, SubagentStarted, Trigger,
};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The channel of turns that plugins begin.
const CHANNEL: &str = "subagent";

/// Who sets a subagent to work, and for what.
struct Asking {
    gateway: Gateway,
    caller: Caller,
    /// The run behind the call.
    run: Arc<str>,
    /// Cancelled with that run, if what it sets to work is.
    cancelled: Option<CancellationToken>,
    about: RunAbout,
    /// The session of that run.
    parent: Session,
    /// How many runs of subagents lead to the one that is asked for, itself included.
    depth: u32,
    name: String,
}

impl Gateway {
    /// `subagents.run`.
    ///
    /// # Errors
    /// `NoRun`, `Closed`, `Gone`, `Taken`, `LimitExceeded`, `NotPrepared`, `InvalidInput`, `Failed`.
    pub(crate) async fn run_subagent(&self, caller: &Caller, name: &str, message: String) -> Result<SubagentStarted, ServiceError> {
        let (run, about) = self.runs().behind(caller, "run")?;
        let nowhere = || refused(ServiceCode::NoRun, "run: the turn behind this call belongs to no session".to_owned());
        let parent = about.session.clone().ok_or_else(nowhere)?;
        let depth = self.0.subagents.depth(&run) + 1;
        let cancelled = self.0.live.cancelled(&run).filter(|_| !self.0.agent.subagents.outlive);
        let asking = Asking { gateway: self.clone(), caller: caller.clone(), run, cancelled, about, parent, depth, name: name.to_owned() };
        let started = self.0.turns.spawn(async move { asking.start(message).await }).await;
        started.unwrap_or_else(|e| Err(refused(ServiceCode::Failed, format!("run: the host failed: {e}"))))
    }
}

impl Asking {
    async fn start(self, message: String) -> Result<SubagentStarted, ServiceError> {
        let (gateway, key) = (&self.gateway, key(&self.caller.plugin, &self.name));
        let settings = gateway.0.agent.subagents;
        if self.depth > settings.depth {
            let (deep, most) = (self.depth, settings.depth);
            let why = format!("run: subagents that run subagents would be {deep} deep, {most} may be (setting `agent.subagents.depth`)");
            return Err(refused(ServiceCode::LimitExceeded, why));
        }
        let right = gateway.0.subagents.reserve(settings.at_once)?;
        let asked =
            TurnAsked { trigger: Trigger::Subagent, principal: self.about.principal.clone(), ..TurnAsked::said(&key, CHANNEL, message) };
        asked.check().map_err(|error| self.turned_down(&error))?;
        let child = gateway.0.subagents.begin(self.child(key.clone()), right);
        let (session, turn) = match self.begun(&child, asked).await {
            Ok(begun) => begun,
            Err(error) => {
                gateway.0.subagents.abandon(&child);
                return Err(error);
            }
        };
        let (run, told) = (child.run.clone(), Spawned { child_key: key, child_run: child.run.to_string(), attrs: Vec::new() });
        gateway.0.hooks.tell::<SubagentSpawned>(&about_parent(&self.parent, &self.run), told);
        gateway.follow(child, turn, self.cancelled);
        Ok(SubagentStarted { session, run })
    }

    /// Its turn, in a session that is there.
    async fn begun(&self, child: &Child, asked: TurnAsked) -> Result<(Session, Turn), ServiceError> {
        let (session, fresh) = self.there(child).await?;
        let turn = match self.noted(child).await {
            Ok(true) => self.gateway.turn_as(child.run.clone(), asked).await.map_err(|error| self.turned_down(&error)),
            Ok(false) => Err(self.gone()),
            Err(error) => Err(error),
        };
        match turn {
            Ok(turn) => {
                if child.is_unwanted() {
                    let _ = self.gateway.cancel(&child.run); // it was to be removed before it could be cancelled
                }
                Ok((session, turn))
            }
            Err(why) => Err(self.taken_back(&child.key, fresh, why).await),
        }
    }

    fn child(&self, key: String) -> Child {
        Child {
            plugin: self.caller.plugin.clone(),
            key,
            run: Uuid::new_v4().to_string().into(),
            depth: self.depth,
            parent: self.parent.clone(),
            parent_run: self.run.clone(),
            fate: Mutex::default(),
            status: watch::Sender::default(),
        }
    }

    /// Sees to it that there is such a subagent. Its session, and whether it is new.
    async fn there(&self, child: &Child) -> Result<(Session, bool), ServiceError> {
        let (gateway, key) = (&self.gateway.0, &*child.key);
        let session = gateway.store.session(key).await.map_err(|e| failed("run", &e))?;
        let noted = self.noted(child).await?;
        match session {
            // Looked at last: whoever makes one has noted it, and is known to make it until it is there.
            _ if gateway.subagents.is_made(key) => Err(self.busy()),
            Some(_) if !noted => Err(taken(key)),
            Some(row) => Ok((gateway.desk.handles().handle(&row.key, &row.id), false)),
            None => self.made(child).await,
        }
    }

    /// Whether it is noted. One that is to be removed is as good as gone.
    async fn noted(&self, child: &Child) -> Result<bool, ServiceError> {
        let gateway = &self.gateway.0;
        let row = gateway.store.subagent(self.caller.plugin.as_str(), &self.name).await.map_err(|e| failed("run", &e))?;
        let goes = child.is_unwanted()
            || gateway.subagents.removal(&child.key).is_some()
            || row.as_ref().is_some_and(|row| row.deleting || row.gone);
        if goes { Err(self.gone()) } else { Ok(row.is_some()) }
    }

    /// Makes it, or what a host before this one didn't get to.
    async fn made(&self, child: &Child) -> Result<(Session, bool), ServiceError> {
        let key = &*child.key;
        let _making = self.gateway.0.subagents.making(key).ok_or_else(|| self.busy())?;
        let place = self.gateway.turn_of(key).await.map_err(|error| self.turned_down(&error))?;
        let noted = self.noted(child).await?;
        if !noted {
            self.note(key).await?;
            self.prepare(key).await?;
        }
        let made = self.session(key).await;
        drop(place);
        match made {
            Ok((_, false)) if !noted => {
                self.unprepared(key).await;
                Err(taken(key))
            }
            Ok(made) => Ok(made),
            Err(error) => Err(self.taken_back(key, true, error).await),
        }
    }

    fn gone(&self) -> ServiceError {
        refused(ServiceCode::Gone, format!("run: the subagent `{}` is being deleted, and isn't gone yet", self.name))
    }

    fn busy(&self) -> ServiceError {
        refused(ServiceCode::Failed, format!("run: the subagent `{}` is just being made by another call: try again", self.name))
    }

    /// Notes a new one, if there may be one more.
    async fn note(&self, key: &str) -> Result<(), ServiceError> {
        let (store, plugin) = (&self.gateway.0.store, &self.caller.plugin);
        let _alone = self.gateway.0.subagents.births.lock().await;
        if !self.gateway.serves(plugin) {
            let why = format!("run: the plugin `{plugin}` doesn't serve any more, and has no new subagents");
            return Err(refused(ServiceCode::Failed, why));
        }
        let (there, most) = (
            store.subagents(Some(plugin.as_str())).await.map_err(|e| failed("run", &e))?.len(),
            self.gateway.0.agent.subagents.each_plugin,
        );
        if there >= most {
            let why = format!(
                "run: the plugin has {there} subagents, {most} may be (setting `agent.subagents.each-plugin`): delete one that has done its work"
            );
            return Err(refused(ServiceCode::LimitExceeded, why));
        }
        if store.session(key).await.map_err(|e| failed("run", &e))?.is_some() {
            return Err(taken(key));
        }
        let new = NewSubagent {
            session: key.to_owned(),
            plugin: plugin.to_string(),
            name: self.name.clone(),
            parent: self.parent.stable_key().to_owned(),
            depth: self.depth,
            engine: None,
            ticket: None,
        };
        if !store.add_subagent(new).await.map_err(|e| failed("run", &e))? {
            return Err(self.busy());
        }
        let goes_on = self.parent_goes_on().await;
        if goes_on.is_err() {
            self.unnoted().await;
        }
        goes_on
    }

    /// Whether the life that it is to work for is there. Looked at behind the note: who ends that life finds the note, or is found here.
    async fn parent_goes_on(&self) -> Result<(), ServiceError> {
        let (gateway, key) = (&self.gateway.0, self.parent.stable_key());
        let row = gateway.store.session(key).await.map_err(|e| failed("run", &e))?;
        match gateway.agent.subagents.outlive || row.is_some_and(|row| self.parent.id() == Some(row.id.as_str())) {
            true => Ok(()),
            false => Err(refused(ServiceCode::Gone, format!("run: the session `{key}` was reset or deleted meanwhile"))),
        }
    }

    /// Asks the context engine. If it doesn't want it, there is no subagent.
    async fn prepare(&self, key: &str) -> Result<(), ServiceError> {
        let gateway = &self.gateway;
        let call = about_parent(&self.parent, &self.run).within(self.caller.chain.clone());
        let call = self.about.principal.clone().into_iter().fold(call, Call::principal);
        let kept = match gateway.0.contexts.prepare_spawn(&call, key).await {
            Ok(None) => return Ok(()),
            Ok(Some((engine, ticket))) => {
                let (plugin, name) = (self.caller.plugin.as_str(), self.name.as_str());
                let kept = gateway.0.store.set_ticket(plugin, name, Some(engine.to_string()), ticket.clone()).await;
                if !matches!(kept, Ok(true)) {
                    gateway.0.contexts.spawn_ended(&call, &engine, key, ticket, SpawnFate::RolledBack).await;
                }
                match kept {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(self.gone()),
                    Err(error) => Err(failed("run", &error)),
                }
            }
            Err(why) => Err(refused(ServiceCode::NotPrepared, format!("run: {why}"))),
        };
        if kept.is_err() {
            self.unnoted().await;
        }
        kept
    }

    /// Its session, and whether it is new.
    async fn session(&self, key: &str) -> Result<(Session, bool), ServiceError> {
        let gateway = &self.gateway.0;
        let ensured = gateway.ensured(key).await.map_err(|e| failed("run", &e))?;
        let row = ensured.session;
        gateway.store.meet(self.caller.plugin.as_str(), key).await.map_err(|e| failed("run", &e))?;
        Ok((gateway.desk.handles().handle(&row.key, &row.id), ensured.is_new))
    }

    /// Takes back what was done for a new one, and hands on why.
    async fn taken_back(&self, key: &str, fresh: bool, why: ServiceError) -> ServiceError {
        if fresh && let Err(error) = self.gateway.remove(key, SpawnFate::RolledBack, self.caller.chain.clone()).await {
            tracing::error!(session = key, %error, "a subagent that didn't start can't be removed");
        }
        why
    }

    /// The same, where the session is somebody else's, and stays.
    async fn unprepared(&self, key: &str) {
        let gateway = &self.gateway.0;
        if let Ok(Some(Subagent { engine: Some(engine), ticket, .. })) = gateway.store.subagent_at(key).await
            && let Ok(engine) = PluginId::try_from(engine)
        {
            let call = about_parent(&self.parent, &self.run).within(self.caller.chain.clone());
            gateway.contexts.spawn_ended(&call, &engine, key, ticket, SpawnFate::RolledBack).await;
        }
        self.unnoted().await;
    }

    async fn unnoted(&self) {
        let (plugin, name) = (self.caller.plugin.as_str(), self.name.as_str());
        if let Err(error) = self.gateway.0.store.forget_subagent(plugin, name).await {
            tracing::error!(plugin, name, %error, "a subagent that didn't start is still noted: deleting it helps");
        }
    }

    /// Why there is no turn, as a plugin is told.
    fn turned_down(&self, error: &TurnError) -> ServiceError {
        let code = match error {
            TurnError::Busy { .. } => ServiceCode::LimitExceeded,
            TurnError::TooLong { .. } => ServiceCode::InvalidInput,
            _ => ServiceCode::Failed,
        };
        refused(code, format!("run: {error}"))
    }
}

fn taken(key: &str) -> ServiceError {
    refused(ServiceCode::Taken, format!("run: there is a session `{key}` that isn't a subagent of the plugin's"))
}
