//! What people have plugins do: actions, commands, and what a page shows of them.

use super::turns::principal;
use crate::api::types::{
    ActionAnswer, ActionDone, ActionFailed, ActionList, ActionRequest, ActionView, Always, CommandAnswer, CommandList, CommandRequest,
    CommandView, UiList, UiView,
};
use crate::host::{Failure, Host};
use crate::tokens::{self, Caller};
use plugbay_gateway::{Act, Acted, CommandAnswered, Invoked, ListedAction, ListedCommand, ListedUi};
use plugbay_runtime::{ActionFailure, ActionOutcome, ActionSuccess, Json, Scope};
use serde_json::Value;

/// Where an action or a command comes from that is done over HTTP.
const CHANNEL: &str = "http";

impl Host {
    /// Actions: all, or those of a plugin.
    ///
    /// # Errors
    /// If there is no such plugin.
    pub fn actions(&self, plugin: Option<&str>) -> Result<ActionList, Failure> {
        if let Some(id) = plugin {
            self.plugin(id)?;
        }
        let set = self.gateway().actions().now();
        let wanted = |action: &&ListedAction| plugin.is_none_or(|id| action.plugin.as_str() == id);
        Ok(ActionList { actions: set.actions().filter(wanted).map(Into::into).collect() })
    }

    /// Has an action done, on behalf of a caller.
    ///
    /// # Errors
    /// Why it wasn't; that the plugin says that it couldn't is an answer.
    pub async fn act(&self, plugin: &str, action: &str, asked: ActionRequest, caller: &Caller) -> Result<ActionAnswer, Failure> {
        let ActionRequest { session, params } = asked;
        let by = principal(caller, CHANNEL);
        let act = Act { plugin: plugin.to_owned(), action: action.to_owned(), session, params, by };
        let Acted { outcome, .. } = self.gateway().act(act).await.map_err(|error| self.not_acted(action, error))?;
        answered(outcome)
    }

    /// What a page shows, as far as a caller may see it.
    #[must_use]
    pub fn ui(&self, caller: &Caller) -> UiList {
        let set = self.gateway().actions().now();
        let sees = |shown: &&ListedUi| caller.scope.includes(scope(shown.scope));
        UiList { ui: set.ui().iter().filter(sees).map(Into::into).collect() }
    }

    /// All commands, and names that nobody has.
    #[must_use]
    pub fn commands(&self) -> CommandList {
        let set = self.gateway().actions().now();
        CommandList { commands: set.commands().map(Into::into).collect(), clashes: set.clashes().iter().map(Into::into).collect() }
    }

    /// Runs a command, on behalf of a caller.
    ///
    /// # Errors
    /// Why it wasn't, also in its plugin's words.
    pub async fn run_command(&self, name: &str, asked: CommandRequest, caller: &Caller) -> Result<CommandAnswer, Failure> {
        let CommandRequest { session, args } = asked;
        let invoked = Invoked { name: name.to_owned(), args: args.unwrap_or_default(), session, by: principal(caller, CHANNEL) };
        let CommandAnswered { plugin, text, job, .. } =
            self.gateway().command(invoked).await.map_err(|error| self.not_acted(name, error))?;
        Ok(CommandAnswer { plugin: plugin.to_string(), text, job })
    }
}

/// What became of an action, as it goes over the wire.
fn answered(outcome: ActionOutcome) -> Result<ActionAnswer, Failure> {
    Ok(match outcome {
        ActionOutcome::Success(ActionSuccess { result, reply, continue_agent, .. }) => {
            ActionAnswer::Done(ActionDone { ok: Always, result: value(result)?, reply, continue_agent })
        }
        ActionOutcome::Failure(ActionFailure { error, code, details }) => {
            ActionAnswer::Failed(ActionFailed { ok: Always, error, code, details: value(details)? })
        }
    })
}

fn value(json: Option<Json>) -> Result<Option<Value>, Failure> {
    json.map(|json| serde_json::from_str(json.as_str())).transpose().map_err(Failure::internal)
}

/// A plugin's scope, as a caller has it.
fn scope(needs: Scope) -> tokens::Scope {
    match needs {
        Scope::Read => tokens::Scope::Read,
        Scope::Write => tokens::Scope::Write,
        Scope::Admin => tokens::Scope::Admin,
    }
}

impl From<&ListedAction> for ActionView {
    fn from(action: &ListedAction) -> Self {
        let ListedAction { plugin, generation, id, title, description, params, scope } = action.clone();
        Self { plugin: plugin.to_string(), generation, id, title, description, params, scope: scope.to_string() }
    }
}

impl From<&ListedCommand> for CommandView {
    fn from(command: &ListedCommand) -> Self {
        let ListedCommand { plugin, generation, name, description, args, scope } = command.clone();
        Self { plugin: plugin.to_string(), generation, name, description, args, scope: scope.to_string() }
    }
}

impl From<&ListedUi> for UiView {
    fn from(listed: &ListedUi) -> Self {
        let ListedUi { plugin, generation, shown, scope } = listed.clone();
        Self {
            plugin: plugin.to_string(),
            generation,
            id: shown.id,
            surface: shown.surface.name().to_owned(),
            label: shown.label,
            description: shown.description,
            icon: shown.icon,
            order: shown.order,
            namespace: shown.namespace,
            tools: shown.tools,
            actions: shown.actions,
            scope: scope.to_string(),
        }
    }
}
