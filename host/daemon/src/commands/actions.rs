//! `plugbay actions`: what people can have plugins do, and having it done.

use super::console::Console;
use super::{End, Usage};
use crate::api::types::{ActionAnswer, ActionDone, ActionFailed, ActionList, ActionRequest, ActionView};
use crate::client::{Content, Route};
use crate::output::{self, Cell, Paint, Side, Table, Tone, cut_line, many_lines, one_line};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::Value;

/// Characters of a description that are shown in the list.
const DESCRIPTION: usize = 80;

/// Shows what people can have plugins do, or has something done.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Actions {
    /// Of this plugin only.
    #[arg(long, value_name = "ID", value_parser = super::id)]
    plugin: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show an action: what it does, what it takes, what it needs.
    Show {
        /// The plugin.
        #[arg(value_parser = super::id)]
        plugin: String,
        /// The action.
        #[arg(value_parser = super::id)]
        action: String,
    },
    /// Have an action done.
    Run(Run),
}

#[derive(Debug, Args)]
struct Run {
    /// The plugin.
    #[arg(value_parser = super::id)]
    plugin: String,
    /// The action.
    #[arg(value_parser = super::id)]
    action: String,
    /// The session that it is about.
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// Its parameters, as JSON; `-` reads them from standard input. Left out: none.
    #[arg(long, value_name = "JSON|-")]
    params: Option<String>,
}

impl Actions {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let route = |plugin: Option<String>| Route::v1(&["actions"]).with_all("plugin", plugin);
        match self.command {
            None => console.look(&route(self.plugin), list).await,
            Some(Command::Run(run)) => run.run(console).await,
            Some(Command::Show { plugin, action }) => {
                let known = console.client().get::<ActionList>(&route(Some(plugin.clone()))).await?.value.actions;
                let Some(found) = known.iter().find(|known| known.id == action) else {
                    let names: Vec<_> = known.iter().map(|known| known.id.as_str()).collect();
                    bail!(
                        "{plugin} has no action {action}; it has {}",
                        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                    );
                };
                let printed = if console.json() { output::print_json(found) } else { output::print(&one(found, console.paint())) };
                output::unless_nobody_reads(printed)?;
                Ok(End::Done)
            }
        }
    }
}

impl Run {
    async fn run(self, console: &Console) -> Result<End> {
        let Self { plugin, action, session, params } = self;
        let params = params.map(|text| given(&text)).transpose()?;
        let asked = Content::json(&ActionRequest { session, params }).context("can't write the parameters as JSON")?;
        let route = Route::v1(&["actions", &plugin, &action]);
        let request = console.client().send::<ActionAnswer>(Method::POST, &route, asked);
        let answer = console.during(&format!("having {plugin} do {action}"), request).await?;
        console.print(&answer, |answer, paint| said(&plugin, answer, paint))?;
        Ok(if matches!(answer.value, ActionAnswer::Done(_)) { End::Done } else { End::Refused })
    }
}

/// JSON that was given, or stands on standard input.
fn given(text: &str) -> Result<Value> {
    let text = match text {
        "-" => std::io::read_to_string(std::io::stdin()).context("can't read the parameters from standard input")?,
        text => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|e| Usage::new(&format!("--params: expected JSON: {e}")).into())
}

/// What became of it, in the plugin's words.
fn said(plugin: &str, answer: &ActionAnswer, paint: Paint) -> String {
    let value = |value: &Option<Value>| value.as_ref().map(|value| output::json_as_it_came(&format!("{value:#}"))).unwrap_or_default();
    match answer {
        ActionAnswer::Done(ActionDone { result, reply, continue_agent, .. }) => {
            let reply = reply.as_ref().map(|reply| many_lines(reply) + "\n").unwrap_or_default();
            let goes_on = if *continue_agent { "the agent goes on; `plugbay sessions show` says how\n" } else { "" };
            let text = format!("{reply}{}{goes_on}", value(result));
            if text.is_empty() { "done\n".to_owned() } else { text }
        }
        ActionAnswer::Failed(ActionFailed { error, code, details, .. }) => {
            let code = code.as_ref().map(|code| format!(" ({})", one_line(code))).unwrap_or_default();
            let why = paint.on(Tone::Bad, &many_lines(error));
            format!("{} couldn't do it{code}: {why}\n{}", one_line(plugin), value(details))
        }
    }
}

fn list(list: &ActionList, paint: Paint) -> String {
    if list.actions.is_empty() {
        return "There are no actions: no plugin that is active has any.\n".to_owned();
    }
    let mut table = Table::new(["PLUGIN", "ACTION", "NEEDS", "TAKES", "TITLE", "DESCRIPTION"].map(|name| (name, Side::Left)));
    for action in &list.actions {
        table.push([
            Cell::from(action.plugin.as_str()),
            action.id.as_str().into(),
            needs(&action.scope),
            takes(action.params.as_ref()).into(),
            action.title.as_str().into(),
            cut_line(action.description.as_deref().unwrap_or_default(), DESCRIPTION).into(),
        ]);
    }
    table.render_in(paint)
}

/// A scope, as it looks: what only an administrator may is seen.
pub(super) fn needs(scope: &str) -> Cell {
    let tone = if scope == "operator.admin" { Tone::Warning } else { Tone::Plain };
    Cell::new(tone, scope)
}

/// The names of parameters; those that may be left out in brackets.
fn takes(params: Option<&Value>) -> String {
    let Some(schema) = params else { return "-".to_owned() };
    let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(known) = schema.get("properties").and_then(Value::as_object) else { return "JSON".to_owned() };
    let name = |name: &String| if required.contains(&name.as_str()) { name.clone() } else { format!("[{name}]") };
    if known.is_empty() { "JSON".to_owned() } else { known.keys().map(name).collect::<Vec<_>>().join(" ") }
}

fn one(action: &ActionView, paint: Paint) -> String {
    let ActionView { plugin, generation, id, title, description, params, scope } = action;
    let mut text = paint.on(Tone::Heading, &one_line(&format!("{plugin} {id}"))) + "\n";
    let mut line = |name: &str, said: &str| text += &format!("  {name:<12} {}\n", one_line(said));
    line("title", title);
    description.iter().flat_map(|words| words.lines()).for_each(|words| line("description", words));
    line("needs", scope);
    line("generation", &generation.to_string());
    match params {
        None => line("takes", "nothing"),
        Some(schema) => text += &format!("  takes\n{}", output::json_as_it_came(&format!("{schema:#}"))),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_may_be_left_out_is_in_brackets() {
        let schema = json!({ "properties": { "b": {}, "a": {} }, "required": ["a"] });
        assert_eq!(takes(Some(&schema)), "a [b]");
        assert_eq!(
            (takes(None), takes(Some(&json!(true))), takes(Some(&json!({ "properties": {} })))),
            ("-".into(), "JSON".into(), "JSON".into())
        );
    }
}
