//! `turn-offline`, `turn-10-plugins`: what a turn costs in which the model calls a tool, and where the time goes.
//!
//! A person says something, the offline model wants a tool called, a plugin's tool answers, the model says so, the person gets it: two calls of the model, four
//! commits for what was said and two for the run. In the second row ten plugins handle every hook there is, and have no wishes. State and model are measured in
//! place by a watch; hooks by the receipts of the run: how long the turn waited for plugins that it asked, and for handing over what it told. Those at the channel's
//! edge belong to no run yet, and so to the rest, as do the tool's own call (measured alone, in the notes) and the loop. There is no bar: the figures say where to look.

use super::agent::Agent;
use super::rounds::median;
use super::row::Row;
use crate::lab::all_granted;
use anyhow::{Result, ensure};
use plugbay_gateway::Receipt;
use plugbay_guests::{builds, built};
use plugbay_runtime::{Call, Fired, HOOKS, Json, Mode, Plugin, Settings, ToolInvocation, Tools};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

/// Turns of one round, all in one session that is new.
const TURNS: usize = 10;

/// What is said to the agent.
const SAID: &str = r#"use add {"a": 20, "b": 22}"#;

/// How long a tool's call is measured alone.
const CALLS: u32 = 200;

/// More than enough for all observers to be told.
const SETTLES: Duration = Duration::from_secs(30);

/// Turns with nobody listening, then with ten plugins.
pub(super) async fn turns(rounds: usize) -> Result<Vec<Row>> {
    let agent = Agent::started().await?;
    let toolbox = agent.load("toolbox", &fs::read(built::TOOLBOX)?, all_granted()).await?;
    let tool = tool_alone(&toolbox).await?;
    let alone = measured(&agent, "alone", rounds).await?;
    witnesses(&agent).await?;
    let among_ten = measured(&agent, "ten", rounds).await?;
    let row = |name, spent: &Spent| {
        let row = Row::unjudged(name, "us", spent.all).note(spent.words());
        row.note(format!("of the rest, the tool's call alone: {tool:.0}"))
    };
    let ten = row("turn-10-plugins", &among_ten).note(format!("{:.1} x `turn-offline`", among_ten.all / alone.all));
    Ok(vec![row("turn-offline", &alone), ten])
}

/// Ten plugins that handle everything.
async fn witnesses(agent: &Agent) -> Result<()> {
    let config = json!({ "record": false }).as_object().cloned().unwrap_or_default();
    for letter in 'a'..='j' {
        let settings = Settings { config: config.clone(), ..all_granted() };
        agent.load(&format!("witness-{letter}"), &builds::witness(letter, 500)?, settings).await?;
    }
    Ok(())
}

/// Where the time of a turn goes, in microseconds.
#[derive(Debug, Default)]
struct Spent {
    all: f64,
    state: f64,
    operations: f64,
    asking: f64,
    telling: f64,
    model: f64,
    /// How often plugins were asked, and told.
    asked: f64,
    told: f64,
}

impl Spent {
    fn words(&self) -> String {
        let Self { all, state, operations, asking, telling, model, asked, told } = self;
        let (hooks, rest) = (asking + telling, all - state - asking - telling - model);
        format!(
            "state {state:.0} ({operations:.0} operations), hooks {hooks:.0} ({asking:.0} for asking {asked:.0} times, {telling:.0} for handing \
             over what was told {told:.0} times), model {model:.0}, rest {rest:.0}"
        )
    }
}

/// The median of the rounds, part by part.
async fn measured(agent: &Agent, name: &str, rounds: usize) -> Result<Spent> {
    round(agent, &format!("{name}-first")).await?; // doesn't count
    let mut all = Vec::new();
    for n in 0..rounds {
        all.push(round(agent, &format!("{name}-{n}")).await?);
    }
    let part = |part: fn(&Spent) -> f64| median(all.iter().map(part).collect());
    Ok(Spent {
        all: part(|s| s.all),
        state: part(|s| s.state),
        operations: part(|s| s.operations),
        asking: part(|s| s.asking),
        telling: part(|s| s.telling),
        model: part(|s| s.model),
        asked: part(|s| s.asked),
        told: part(|s| s.told),
    })
}

/// Some turns of a session; one turn's share.
async fn round(agent: &Agent, session: &str) -> Result<Spent> {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / TURNS as f64;
    let mut spent = Spent::default();
    for _ in 0..TURNS {
        let ((state, operations), (model, _)) = (agent.state.watch.read(), agent.model.read());
        let began = Instant::now();
        let run = agent.turn(session, SAID).await?;
        spent.all += each(began.elapsed());
        let ((state_now, operations_now), (model_now, _)) = (agent.state.watch.read(), agent.model.read());
        spent.state += each(state_now - state);
        spent.operations += (operations_now - operations) as f64 / TURNS as f64;
        spent.model += each(model_now - model);
        let receipts = agent.gateway.hooks().receipts(&run);
        let (told, asked): (Vec<_>, Vec<_>) = receipts.iter().partition(|receipt| is_told(receipt));
        spent.asking += each(asked.iter().map(|receipt| receipt.took).sum());
        spent.telling += each(told.iter().map(|receipt| receipt.took).sum());
        let times = |receipts: &[&Receipt]| receipts.iter().map(|receipt| receipt.ran.len()).sum::<usize>() as f64 / TURNS as f64;
        spent.asked += times(&asked);
        spent.told += times(&told);
        ensure!(agent.gateway.hooks().settled(SETTLES).await == 0, "there are observers that aren't done after {SETTLES:?}");
    }
    Ok(spent)
}

/// Whether a receipt is of a hook that nobody answers.
fn is_told(receipt: &Receipt) -> bool {
    HOOKS.iter().any(|hook| hook.name == receipt.hook && hook.mode == Mode::Observe)
}

/// The tool's call, in microseconds.
async fn tool_alone(toolbox: &Plugin) -> Result<f64> {
    let params = Json::check(r#"{"a":20,"b":22}"#)?;
    let event = ToolInvocation { name: "add".to_owned(), params, tool_call_id: Some("call-1".to_owned()), attrs: Vec::new() };
    let (call, fired) = (Call::new(), Fired::<Tools>::new(event));
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        toolbox.call(&call, &fired).await?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(times))
}
