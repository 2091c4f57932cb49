//! Why an agent didn't do what was asked: what the gateway says, as kinds of failures.

use crate::config::nearest;
use crate::host::{Failure, Host, Kind};
use plugbay_gateway::{ActError, InJsonError, PatchError, ResolveError, TurnError};

impl From<TurnError> for Failure {
    fn from(error: TurnError) -> Self {
        let (kind, code) = match error {
            TurnError::State(error) => return error.into(),
            TurnError::NotStarted | TurnError::Stopping => (Kind::Unavailable, "stopping"),
            TurnError::Busy { .. } => (Kind::Unavailable, "busy"),
            TurnError::TooLong { .. } => (Kind::TooLarge, "too-large"),
            TurnError::Cancelled => (Kind::Conflict, "cancelled"),
            TurnError::Gone(_) => (Kind::Conflict, "gone"),
            _ => (Kind::Refused, "failed"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<PatchError> for Failure {
    fn from(error: PatchError) -> Self {
        let (kind, code) = match error {
            PatchError::State(error) => return error.into(),
            PatchError::UnknownNamespace { ref known, ref namespace, .. } => {
                let near = Self::not_found("namespace", namespace, known.iter().map(String::as_str)).problem.near;
                let mut failure = Self::new(Kind::NotFound, "not-found", error.to_string());
                failure.problem.near = near;
                return failure;
            }
            PatchError::UnknownPlugin(_) | PatchError::UnknownSession(_) => (Kind::NotFound, "not-found"),
            PatchError::NotServing(_) => (Kind::Conflict, "not-serving"),
            _ => (Kind::Unavailable, "stopping"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        let (kind, code) = match error {
            ResolveError::Unknown(_) => (Kind::NotFound, "not-found"),
            ResolveError::AlreadyResolved { .. } => (Kind::Conflict, "settled"),
            ResolveError::NotOffered { .. } => (Kind::Refused, "not-offered"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<InJsonError> for Failure {
    fn from(error: InJsonError) -> Self {
        match error {
            InJsonError::NoHook(_) => Self::new(Kind::NotFound, "not-found", error.to_string()),
            InJsonError::Direct(_) => Self::new(Kind::Refused, "direct", error.to_string()),
            InJsonError::Event { .. } => Self::invalid(error.to_string()),
            _ => Self::internal(error),
        }
    }
}

impl Host {
    /// Why an action of this name wasn't done, or a command wasn't run. One that isn't there has the name that was probably meant.
    pub(super) fn not_acted(&self, name: &str, error: ActError) -> Failure {
        let (kind, code) = match &error {
            ActError::UnknownPlugin(id) => return self.plugin(id).err().unwrap_or_else(|| Failure::internal(&error)),
            ActError::UnknownAction { .. } | ActError::UnknownCommand(_) | ActError::UnknownSession(_) => (Kind::NotFound, "not-found"),
            ActError::NotServing { .. } => (Kind::Unavailable, "not-serving"),
            ActError::Busy { .. } => (Kind::Unavailable, "busy"),
            ActError::Forbidden { .. } => (Kind::Forbidden, "forbidden"),
            ActError::Params { .. } => (Kind::Refused, "invalid-params"),
            ActError::Refused(_) => (Kind::Refused, "refused"),
            ActError::Failed { .. } => (Kind::Unanswered, "failed"),
            ActError::NoSession { .. } => (Kind::Unanswered, "malformed"),
            ActError::State(_) => return state(error),
            _ => (Kind::Internal, "internal"),
        };
        let mut failure = Failure::new(kind, code, error.to_string());
        failure.problem.near = match &error {
            ActError::UnknownAction { known, .. } => nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
            ActError::UnknownCommand(_) => {
                let set = self.gateway().actions().now();
                nearest(name, set.commands().map(|command| command.name.as_str())).map(str::to_owned)
            }
            _ => None,
        };
        failure
    }
}

/// That the state can't be used, as for everything else.
fn state(error: ActError) -> Failure {
    match error {
        ActError::State(error) => error.into(),
        error => Failure::internal(error),
    }
}
