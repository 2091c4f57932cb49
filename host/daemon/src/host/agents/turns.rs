//! Turns: begun by who may, on behalf of who asks; and questions of plugins, answered.

use super::prepared::PreparedTurns;
use crate::api::types::{
    ApprovalList, PreparedView, PromptShown, Resolve, RunNamed, SettledView, Spoken, SpokenWritten, ToolCallView, ToolEndView, ToolView,
    TurnRequest,
};
use crate::host::{By, Failure, Host, Kind};
use crate::tokens::{Caller, Scope};
use plugbay_gateway::{PreparedTurn, Turn, TurnAsked, TurnError};
use plugbay_runtime::Principal;
use plugbay_runtime::state::Fact;

/// Where a turn comes from, unless said.
const CHANNEL: &str = "http";
/// Characters of a channel's name.
const NAME: usize = 64;

impl Host {
    /// Has an agent's turn. It doesn't wait for who listens, and dropping the answer stops nothing.
    ///
    /// # Errors
    /// Why there is no turn.
    pub async fn turn(&self, session: &str, asked: TurnRequest, caller: &Caller) -> Result<Turn, Failure> {
        Ok(self.gateway().turn(self.asked(session, asked, caller).await?).await?)
    }

    /// Wakes the agent of a session.
    ///
    /// # Errors
    /// Why there is no turn.
    pub async fn heartbeat(&self, session: &str) -> Result<Turn, Failure> {
        self.may_be_named(session).await?;
        Ok(self.gateway().heartbeat(session).await?)
    }

    /// Cancels a turn that is under way, waits, or is prepared.
    ///
    /// # Errors
    /// If there is none.
    pub fn cancel_run(&self, run: &str) -> Result<RunNamed, Failure> {
        if !self.gateway().cancel(run) {
            let live = self.gateway().live();
            return Err(Failure::not_found("run under way", run, live.iter().map(AsRef::as_ref)));
        }
        self.prepared().cancelled(run);
        Ok(RunNamed { run: run.to_owned() })
    }

    /// Begins a turn whose model somebody else runs.
    ///
    /// # Errors
    /// Why there is no turn.
    pub async fn prepare(&self, session: &str, asked: TurnRequest, caller: &Caller) -> Result<PreparedView, Failure> {
        self.prepared().has_room()?;
        let mut turn = self.gateway().prepare_turn(self.asked(session, asked, caller).await?).await?;
        let view = match prepared(&mut turn).await {
            Ok(view) => view,
            Err(error) => {
                let failure = Failure::new(Kind::Unavailable, "unavailable", error.to_string());
                turn.finish(Err(error)).await;
                return Err(failure);
            }
        };
        self.prepared().hold(turn).await?;
        Ok(view)
    }

    /// The model of a prepared turn is about to be told. Once.
    ///
    /// # Errors
    /// If there is no such turn, it was shown already, or it can't be written.
    pub async fn show_prompt(&self, run: &str) -> Result<PromptShown, Failure> {
        let mut held = self.prepared().held(run).await?;
        let went = held.show().await;
        let prompt = self.prepared().after(held, went).await?;
        Ok(PromptShown { prompt })
    }

    /// What the model of a prepared turn said.
    ///
    /// # Errors
    /// If there is no such turn, or it can't be written.
    pub async fn speak(&self, run: &str, said: Spoken) -> Result<SpokenWritten, Failure> {
        let calls: Vec<_> = said.tool_calls.into_iter().map(Into::into).collect();
        let mut held = self.prepared().held(run).await?;
        let went = held.turn()?.say(&said.text, &calls).await;
        let text = self.prepared().after(held, went).await?;
        Ok(SpokenWritten { text })
    }

    /// Calls a tool of a prepared turn.
    ///
    /// # Errors
    /// If there is no such turn, it is cancelled, or its session can't be written.
    pub async fn call_tool(&self, run: &str, call: ToolCallView) -> Result<ToolEndView, Failure> {
        let mut held = self.prepared().held(run).await?;
        let went = held.turn()?.call_tool(&call.into()).await;
        let (end, answer) = self.prepared().after(held, went).await?;
        Ok(ToolEndView::new(end, answer))
    }

    /// Ends a prepared turn: well, or with what went wrong.
    ///
    /// # Errors
    /// If there is no such turn.
    pub async fn finish_run(&self, run: &str, error: Option<String>) -> Result<RunNamed, Failure> {
        let held = self.prepared().held(run).await?;
        self.prepared().finish(held, error.map_or(Ok(()), |error| Err(TurnError::Failed(error)))).await;
        Ok(RunNamed { run: run.to_owned() })
    }

    /// Questions that wait for an answer.
    #[must_use]
    pub fn approvals(&self) -> ApprovalList {
        ApprovalList { approvals: self.gateway().approvals().pending().iter().map(|asked| (&**asked).into()).collect() }
    }

    /// Answers a question. The reason goes into the history.
    ///
    /// # Errors
    /// If it doesn't wait any more, or takes no such answer. Or if the answer counts and the history can't be written.
    pub async fn resolve(&self, id: &str, answer: Resolve, by: By) -> Result<SettledView, Failure> {
        let approvals = self.gateway().approvals();
        let asked = approvals.pending().into_iter().find(|asked| &*asked.id == id);
        approvals.resolve(id, answer.decision.into(), &by.who)?;
        let (plugin, title) = asked.map(|asked| (asked.plugin.clone(), asked.title.clone())).ok_or_else(|| settled(id))?;
        let said = [Some(answer.decision.name()), Some(title.as_str()), answer.why.as_deref()].into_iter().flatten().collect::<Vec<_>>();
        self.note(Fact { plugin: Some(plugin.clone()), why: Some(said.join(": ")), ..Fact::new(&by.who, "approval") }).await?;
        Ok(SettledView { id: Some(id.to_owned()), plugin, title, resolution: answer.decision.into(), by: Some(by.who), why: None })
    }

    fn prepared(&self) -> &PreparedTurns {
        &self.0.prepared
    }

    /// What is asked, on behalf of who asks.
    async fn asked(&self, session: &str, asked: TurnRequest, caller: &Caller) -> Result<TurnAsked, Failure> {
        self.may_be_named(session).await?;
        let TurnRequest { text, message_id, channel } = asked;
        let channel = channel.unwrap_or_else(|| CHANNEL.to_owned());
        if channel.is_empty() || channel.chars().count() > NAME || channel.chars().any(char::is_control) {
            return Err(Failure::invalid(format!("`channel`: expected 1 to {NAME} characters, none of them a control character")));
        }
        let principal = Some(principal(caller, &channel));
        Ok(TurnAsked { principal, message_id, ..TurnAsked::said(session, channel, text) })
    }

    /// Whether a session may be named so: the state says.
    pub(super) async fn may_be_named(&self, session: &str) -> Result<(), Failure> {
        Ok(self.gateway().session(session).await.map(drop)?)
    }
}

/// A caller, as plugins are told of them: with all scopes that theirs includes.
pub(super) fn principal(caller: &Caller, channel: &str) -> Principal {
    let scopes = Scope::ALL.into_iter().filter(|scope| caller.scope.includes(*scope)).map(|scope| scope.name().to_owned()).collect();
    Principal { channel: channel.to_owned(), sender: caller.name.clone(), scopes }
}

/// A question that came and was answered in one instant.
fn settled(id: &str) -> Failure {
    Failure::internal(format!("the question `{id}` was answered before it was listed: the answer counts, and the history doesn't say so"))
}

async fn prepared(turn: &mut PreparedTurn) -> Result<PreparedView, TurnError> {
    let history = turn.history().await?; // first: the context engine may add to the instructions
    Ok(PreparedView {
        run: turn.run().to_string(),
        system_prompt: turn.system_prompt().map(str::to_owned),
        history: history.into_iter().map(Into::into).collect(),
        prompt: turn.prompt().to_owned(),
        tools: turn.tools().listed().map(ToolView::from).collect(),
    })
}
