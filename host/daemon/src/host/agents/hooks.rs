//! Tools as they are listed, and hooks that a gateway with an agent loop of its own fires.

use super::turns::principal;
use crate::api::types::{HookFire, HookFired, PrincipalView, ToolList};
use crate::host::{Failure, Host, Kind};
use crate::tokens::{Caller, Scope};
use plugbay_gateway::InJson;
use plugbay_runtime::{Call, HOOKS, Principal, Session};

/// Bytes of a run's name.
const NAME: usize = 512;

impl Host {
    /// All tools.
    #[must_use]
    pub fn tools(&self) -> ToolList {
        let set = self.gateway().tools().now();
        ToolList { tools: set.listed().map(Into::into).collect(), clashes: set.clashes().iter().map(Into::into).collect() }
    }

    /// Fires a hook at all plugins that handle it, or tells them.
    ///
    /// # Errors
    /// If there is no such hook, it can't be fired, the event isn't one of it, or the caller claims what they haven't.
    pub async fn fire(&self, hook: &str, asked: HookFire, caller: &Caller) -> Result<HookFired, Failure> {
        if !HOOKS.iter().any(|known| known.name == hook) {
            return Err(Failure::not_found("hook", hook, HOOKS.iter().map(|known| known.name)));
        }
        let mut call = Call::new().principal(behind(asked.principal, caller)?);
        if let Some(session) = asked.session {
            call = call.session(self.handle(&session.key).await?);
        }
        if let Some(run) = asked.run {
            call = call.run(self.foreign(run)?);
        }
        let InJson { outcome, by, receipt } = self.gateway().hooks().fire_in_json(hook, &call, asked.event).await?;
        Ok(HookFired { outcome, by: by.map(Into::into), receipt: receipt.into() })
    }

    /// The session of this name: one of ours if there is one, else the caller's own, about which nothing is kept here.
    async fn handle(&self, key: &str) -> Result<Session, Failure> {
        let known = self.gateway().session(key).await?;
        Ok(known.map_or_else(|| Session::new(key, key), |session| self.gateway().desk().handles().handle(&session.key, &session.id)))
    }

    /// A run of the caller's own.
    fn foreign(&self, run: String) -> Result<String, Failure> {
        if run.is_empty() || run.len() > NAME || run.chars().any(char::is_control) {
            return Err(Failure::invalid(format!("`run`: expected 1 to {NAME} bytes without control characters")));
        }
        if self.gateway().live().iter().any(|live| **live == *run) {
            return Err(Failure::new(Kind::Conflict, "conflict", format!("the run `{run}` is one of this host's own: give another name")));
        }
        Ok(run)
    }
}

/// Who is behind a hook: who is said to be, with no more of this host's scopes than the caller has.
fn behind(claimed: Option<PrincipalView>, caller: &Caller) -> Result<Principal, Failure> {
    let Some(PrincipalView { channel, sender, scopes }) = claimed else { return Ok(principal(caller, "http")) };
    let beyond = |scope: &&String| scope.parse::<Scope>().is_ok_and(|scope| !caller.scope.includes(scope));
    if let Some(scope) = scopes.iter().find(beyond) {
        let message =
            format!("`principal.scopes` has {scope}, and {:?} has only {}: nobody gives what they haven't", caller.name, caller.scope);
        return Err(Failure::new(Kind::Forbidden, "forbidden", message));
    }
    Ok(Principal { channel, sender, scopes })
}
