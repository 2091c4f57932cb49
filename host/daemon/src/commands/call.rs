//! `plugbay call`: fires a hook at one plugin, to see what it answers.

use super::console::Console;
use super::{End, Usage};
use crate::api::types::{HookAnswer, HookCall};
use crate::client::{Content, Route};
use crate::output;
use anyhow::{Context, Result};
use clap::Args;
use hyper::Method;
use serde_json::Value;

/// Fires a hook at a plugin.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The plugin.
    #[arg(value_parser = super::id)]
    id: String,
    /// The hook, such as `before-tool-call`.
    #[arg(value_parser = super::id)]
    hook: String,
    /// What happened, as JSON; `-` reads it from standard input.
    #[arg(long, value_name = "JSON|-", default_value = "{}")]
    event: String,
    /// The session that it is about.
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
}

impl Call {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let event = event(&self.event)?;
        let content = Content::json(&HookCall { event, session: self.session }).context("can't write the event as JSON")?;
        let route = Route::v1(&["plugins", &self.id, "hooks", &self.hook]);
        let request = console.client().send::<HookAnswer>(Method::POST, &route, content);
        let answer = console.during(&format!("calling {}", self.id), request).await?;
        console.print(&answer, |answer, _| in_words(answer))?;
        Ok(End::Done)
    }
}

fn event(text: &str) -> Result<Value> {
    let text = match text {
        "-" => std::io::read_to_string(std::io::stdin()).context("can't read the event from standard input")?,
        text => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|e| Usage::new(&format!("--event: expected JSON: {e}")).into())
}

fn in_words(answer: &HookAnswer) -> String {
    let said = match &answer.outcome {
        Value::Null => "no opinion\n".to_owned(),
        Value::Object(fields) if fields.is_empty() => "no opinion\n".to_owned(),
        outcome => output::json_as_it_came(&format!("{outcome:#}")),
    };
    format!("generation {} answers:\n{said}", answer.generation)
}
