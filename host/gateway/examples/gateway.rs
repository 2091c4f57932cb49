//! A gateway with an agent loop of its own: sessions, hooks and tools are Plugbay's, the model and the loop are not.
//!
//! Run it with a folder of plugins: `cargo run -p plugbay-gateway --example gateway -- <folder>`.

use plugbay_gateway::model::ToolRequest;
use plugbay_gateway::runtime::engine::{CompileIn, Engine, EngineSettings};
use plugbay_gateway::runtime::state::Memory;
use plugbay_gateway::runtime::{AgentEnd, Grant, Grants, ModelAsked, RunAsked, Sending, Settings, Trigger, TurnEnded};
use plugbay_gateway::{Gateway, GatewaySettings, TurnAsked, TurnError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// What stands in for a model here: it wants a tool when somebody asks for one, and repeats what it hears otherwise.
fn think(prompt: &str, heard: Option<&str>) -> Result<String, ToolRequest> {
    match (prompt.lines().find_map(|line| line.strip_prefix("tool ")), heard) {
        (Some(tool), None) => Err(ToolRequest { id: "call-1".into(), name: tool.into(), arguments: "{}".into() }),
        (_, heard) => Ok(format!("I heard: {}", heard.unwrap_or(prompt))),
    }
}

/// One turn, step by step.
pub(crate) async fn turn(gateway: &Gateway, session: &str, text: &str) -> Fallible<String> {
    let hooks = gateway.hooks();
    let mut turn = gateway.prepare_turn(TurnAsked::said(session, "example", text)).await?;

    let asked = ModelAsked { trigger: Trigger::User, prompt: text.into(), provider: "own".into(), model: "parrot".into(), attrs: vec![] };
    let model = hooks.before_model_resolve(&turn.call(), asked).await.outcome.model.unwrap_or_else(|| "parrot".into());
    let (prompt, system_prompt) = (turn.prompt().to_owned(), turn.system_prompt().map(str::to_owned));
    let gate = hooks.before_agent_run(&turn.call(), RunAsked { trigger: Trigger::User, prompt, system_prompt, model, attrs: vec![] }).await;
    if let Some(block) = gate.outcome.block {
        turn.finish(Err(TurnError::Failed(block.reason))).await;
        return Ok(block.message.unwrap_or_else(|| "That isn't allowed.".into()));
    }

    let prompt = turn.show().await?; // what was queued for this turn is spent from here on
    let mut heard = None;
    let answer = loop {
        match think(&prompt, heard.as_deref()) {
            Ok(answer) => break turn.say(&answer, &[]).await?,
            Err(wish) => {
                turn.say("", std::slice::from_ref(&wish)).await?;
                // Policies, `before-tool-call`, people who are asked, the tool, `after-tool-call`: all of it.
                heard = Some(turn.call_tool(&wish).await?.1);
            }
        }
    };

    let sending = hooks.message_sending(&turn.call(), Sending { text: answer.clone(), attrs: vec![] }).await.outcome;
    hooks.tell::<AgentEnd>(&turn.call(), TurnEnded { success: true, error: None, duration_ms: 0, attrs: vec![] });
    turn.finish(Ok(())).await;
    Ok(if sending.cancel.is_some() { String::new() } else { sending.text.unwrap_or(answer) })
}

/// A gateway with the plugins of a folder.
pub(crate) async fn open(plugins: &Path) -> Fallible<Gateway> {
    // A program names itself as the compiler (`CompileIn::Child`), so that compiling can be stopped.
    let engine = Engine::new(EngineSettings { cells: 32, ..EngineSettings::new(CompileIn::Thread) })?;
    let gateway = Gateway::new(engine, Arc::new(Memory::default()), GatewaySettings::default())?;
    let grants = Grants::granting([Grant::Conversation, Grant::Policy, Grant::Prompt, Grant::State, Grant::Events]);
    for loaded in gateway.plugins().load_folder(plugins, |_| Settings { grants: grants.clone(), ..Settings::default() }).await? {
        let (plugin, _) = loaded?;
        println!("{} serves", plugin.id());
    }
    gateway.start().await?;
    Ok(gateway)
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let folder = std::env::args().nth(1).ok_or("usage: gateway <folder of plugins>")?;
    let gateway = open(Path::new(&folder)).await?;
    for line in std::io::stdin().lines() {
        println!("{}", turn(&gateway, "main", &line?).await?);
    }
    gateway.shutdown(Duration::from_secs(5), None).await;
    Ok(())
}
