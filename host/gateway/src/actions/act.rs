//! One call of an action or a command, from what the caller gave to what the caller is told.

use super::set::Action;
use crate::gateway::Gateway;
use crate::schedule::Actor;
use plugbay_runtime::engine::CallError;
use plugbay_runtime::state::StateError;
use plugbay_runtime::{
    ActionAsked, ActionOutcome, ActionSuccess, Call, CommandAsked, Commands, Fired, Json, PluginId, Principal, Scope, Session,
    SessionActions,
};
use serde_json::{Value, json};
use std::sync::Arc;
use thiserror::Error;

/// What somebody wants done.
#[derive(Debug, Clone)]
pub struct Act {
    /// The plugin.
    pub plugin: String,
    /// The action's id.
    pub action: String,
    /// The key of the session that it is about.
    pub session: Option<String>,
    /// Its parameters.
    pub params: Option<Value>,
    /// Who wants it.
    pub by: Principal,
}

/// A command that somebody gave.
#[derive(Debug, Clone)]
pub struct Invoked {
    /// Its name, without the slash.
    pub name: String,
    /// What stood behind it.
    pub args: String,
    /// The key of the session that it is about.
    pub session: Option<String>,
    /// Who gave it.
    pub by: Principal,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    /// In the plugin's words.
    pub outcome: ActionOutcome,
    /// The generation that answered.
    pub generation: u64,
}

/// What a command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandAnswered {
    /// Whose it is.
    pub plugin: PluginId,
    /// The generation that answered.
    pub generation: u64,
    /// What the person is shown.
    pub text: Option<String>,
    /// The job by which the session's agent goes on, if it does: the message id of its turn, too.
    pub job: Option<String>,
}

/// Why something wasn't done, other than that its plugin says that it couldn't.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ActError {
    /// There is no such plugin.
    #[error("there is no plugin `{0}`")]
    UnknownPlugin(String),
    /// It doesn't serve.
    #[error("plugin `{plugin}` is {standing} and does nothing at the moment")]
    NotServing {
        /// The plugin.
        plugin: PluginId,
        /// How it is.
        standing: String,
    },
    /// It has no such action.
    #[error("plugin `{plugin}` has no action `{action}`: {}", listed(.known))]
    UnknownAction {
        /// The plugin.
        plugin: String,
        /// What was asked for.
        action: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// No plugin has such a command.
    #[error("{0}")]
    UnknownCommand(String),
    /// The caller may not.
    #[error("`{what}` needs the scope `{needs}`, and the caller has {}", listed_scopes(.has))]
    Forbidden {
        /// The action, or the command.
        what: String,
        /// The scope that it needs.
        needs: Scope,
        /// Those that the caller has.
        has: Vec<String>,
    },
    /// The parameters are no good.
    #[error("the parameters of `{action}`: {problem}")]
    Params {
        /// The action.
        action: String,
        /// What is wrong with them.
        problem: String,
    },
    /// There is no such session.
    #[error("there is no session `{0}`")]
    UnknownSession(String),
    /// The plugin can't be asked now.
    #[error("`{what}` can't be done now: {why}")]
    Busy {
        /// The action, or the command.
        what: String,
        /// Why.
        why: String,
    },
    /// The plugin failed: why is in the operator's log.
    #[error("plugin `{plugin}` failed at `{what}`: its log says why")]
    Failed {
        /// The plugin.
        plugin: PluginId,
        /// The action, or the command.
        what: String,
    },
    /// A command's plugin says why it failed.
    #[error("{0}")]
    Refused(String),
    /// The plugin's answer makes no sense.
    #[error("plugin `{plugin}` wants the agent to go on, and `{what}` was about no session")]
    NoSession {
        /// The plugin.
        plugin: PluginId,
        /// The action, or the command.
        what: String,
    },
    /// The state can't be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has `{}`", names.join("`, `")) }
}

fn listed_scopes(scopes: &[String]) -> String {
    if scopes.is_empty() { "none".to_owned() } else { format!("`{}`", scopes.join("`, `")) }
}

/// What is called, for whom, and about which session.
struct Called<'a> {
    gateway: &'a Gateway,
    plugin: PluginId,
    /// The action, or the command.
    what: String,
    session: Option<Session>,
    call: Call,
    by: Principal,
}

impl Gateway {
    /// Has an action done. Who stops waiting gives up the answer: the plugin comes to its end.
    ///
    /// # Errors
    /// Why it wasn't; that the plugin says that it couldn't is no error.
    pub async fn act(&self, act: Act) -> Result<Acted, ActError> {
        let Act { plugin, action, session, params, by } = act;
        let found = self.action(&plugin, &action)?;
        may(&action, found.shown.scope, &by)?;
        let called = self.called(found.shown.plugin.clone(), action.clone(), session, by).await?;
        let params = given(&found, params).await?;
        let asked = Fired::new(ActionAsked { action, params, attrs: Vec::new() });
        let outcome = called.answered(found.pinned.serve::<SessionActions>(&called.call, &asked).await.answer)?;
        if let ActionOutcome::Success(ActionSuccess { continue_agent: true, reply, .. }) = &outcome {
            called.go_on(&format!("the action \"{}\"", found.shown.title), reply.as_deref()).await?;
        }
        Ok(Acted { outcome, generation: found.shown.generation })
    }

    /// Has a command run.
    ///
    /// # Errors
    /// Why it wasn't, also in its plugin's words.
    pub async fn command(&self, invoked: Invoked) -> Result<CommandAnswered, ActError> {
        let Invoked { name, args, session, by } = invoked;
        let set = self.actions().now();
        let found = set.command(&name).ok_or_else(|| ActError::UnknownCommand(set.absence(&name)))?;
        let args = args.trim().to_owned();
        may(&format!("/{name}"), found.shown.scope, &by)?;
        if found.shown.args.is_none() && !args.is_empty() {
            return Err(ActError::Params { action: format!("/{name}"), problem: "it takes nothing behind it".to_owned() });
        }
        let called = self.called(found.shown.plugin.clone(), format!("/{name}"), session, by).await?;
        let asked = Fired::new(CommandAsked { name: name.clone(), args, attrs: Vec::new() });
        let answer = match found.pinned.serve::<Commands>(&called.call, &asked).await.answer {
            Err(CallError::Failed(why)) => return Err(ActError::Refused(why)),
            answer => called.answered(answer)?,
        };
        let job = match answer.continue_agent {
            true => Some(called.go_on(&format!("the command `/{name}`"), answer.text.as_deref()).await?),
            false => None,
        };
        let (plugin, generation) = (found.shown.plugin.clone(), found.shown.generation);
        Ok(CommandAnswered { plugin, generation, text: answer.text, job })
    }

    fn action(&self, plugin: &str, action: &str) -> Result<Arc<Action>, ActError> {
        let set = self.actions().now();
        if let Some(found) = set.action(plugin, action) {
            return Ok(found.clone());
        }
        let known = self.plugins().get(plugin).ok_or_else(|| ActError::UnknownPlugin(plugin.to_owned()))?;
        if known.generation().is_none() {
            return Err(ActError::NotServing { plugin: known.id().clone(), standing: known.standing().to_string() });
        }
        let known = set.of_plugin(plugin).into_iter().map(str::to_owned).collect();
        Err(ActError::UnknownAction { plugin: plugin.to_owned(), action: action.to_owned(), known })
    }

    async fn called(&self, plugin: PluginId, what: String, session: Option<String>, by: Principal) -> Result<Called<'_>, ActError> {
        let (session, call) = match session {
            None => (None, Call::new()),
            Some(key) => {
                let row = self.0.store.session(&key).await?.ok_or(ActError::UnknownSession(key))?;
                let call = self.about(&row);
                (call.about().cloned(), call)
            }
        };
        Ok(Called { gateway: self, plugin, what, session, call: call.principal(by.clone()), by })
    }
}

impl Called<'_> {
    /// The plugin's answer; what it failed at is in its log.
    fn answered<T>(&self, answer: Result<T, CallError>) -> Result<T, ActError> {
        let (plugin, what) = (self.plugin.clone(), self.what.clone());
        answer.map_err(|error| match error {
            CallError::Unserved(why) => ActError::Busy { what, why: why.to_string() },
            error => {
                tracing::warn!(plugin = %plugin, what, %error, "a plugin failed at what somebody had it do");
                ActError::Failed { plugin, what }
            }
        })
    }

    /// The session's agent goes on, by this job: kept before the caller hears of it.
    async fn go_on(&self, what: &str, reply: Option<&str>) -> Result<String, ActError> {
        let no_session = || ActError::NoSession { plugin: self.plugin.clone(), what: self.what.clone() };
        let session = self.session.as_ref().ok_or_else(no_session)?;
        let message = told(&self.by, what, &self.plugin, reply);
        let kept = self.gateway.schedule().goes_on(&self.plugin, session, message, Some(Actor::from(self.by.clone()))).await?;
        kept.ok_or_else(|| ActError::UnknownSession(session.stable_key().to_owned()))
    }
}

/// What the agent is told when it goes on.
fn told(by: &Principal, what: &str, plugin: &PluginId, reply: Option<&str>) -> String {
    let who = if by.sender.is_empty() { "Somebody" } else { &by.sender };
    match reply.map(str::trim).filter(|reply| !reply.is_empty()) {
        Some(reply) => format!("{who} ran {what} of the plugin `{plugin}`, which answered: {reply}"),
        None => format!("{who} ran {what} of the plugin `{plugin}`."),
    }
}

/// Whether the caller may.
fn may(what: &str, needs: Scope, by: &Principal) -> Result<(), ActError> {
    let has = by.scopes.iter().filter_map(|scope| Scope::named(scope)).any(|scope| scope.includes(needs));
    if has { Ok(()) } else { Err(ActError::Forbidden { what: what.to_owned(), needs, has: by.scopes.clone() }) }
}

/// The parameters, as the action takes them; none given, `null` and an empty object are the same. Found out on a thread for such work, since a stranger's schema may take its time.
async fn given(action: &Arc<Action>, params: Option<Value>) -> Result<Option<Json>, ActError> {
    let wrong = |problem: String| ActError::Params { action: action.shown.id.clone(), problem };
    let value = params.filter(|params| !params.is_null()).unwrap_or_else(|| json!({}));
    if action.shown.params.is_none() && value == json!({}) {
        return Ok(None);
    }
    let params = Json::from_value(&value).map_err(|e| wrong(e.to_string()))?;
    let taker = action.clone();
    let fits = tokio::task::spawn_blocking(move || taker.takes(&value)).await;
    fits.unwrap_or_else(|e| Err(format!("the host failed: {e}"))).map_err(wrong)?;
    Ok(Some(params))
}
