//! Answers each tool call with what it was given, its version, and how many calls its cell has served.
//!
//! `fail` is answered with an error, `config` with the setting `greeting`, `noop` with no opinion; `nap` sleeps for 100 ms first and
//! `long-nap` for a minute. The crates `echo-one` and `echo-two` are
//! this one source: two versions of the plugin `echo`.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;
use std::time::Duration;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// What the tool `config` is answered with.
    #[allow(dead_code, reason = "read through the config import, which is what the tests are about")]
    greeting: Option<String>,
}

struct Echo {
    calls: u64,
}

#[plugin(id = "echo", isolation(shared, pool, session, call))]
impl Echo {
    fn activate(_: &Activation, _: Settings) -> Self {
        Self { calls: 0 }
    }

    fn before_tool_call(&mut self, _: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        self.calls += 1;
        match event.tool_name.as_str() {
            "noop" => Ok(None),
            "fail" => Err(Error::new("as you asked")),
            "config" => Ok(Some(greet()?)),
            tool => {
                sleep(tool);
                Ok(Some(self.echo(event.params.as_str()?)))
            }
        }
    }

    fn message_received(&self, _: &Call, event: Message) -> Result<()> {
        log::info!("{}", event.text.as_str()?);
        Ok(())
    }
}

impl Echo {
    fn echo(&self, params: &str) -> ToolDecision {
        let (version, calls) = (env!("CARGO_PKG_VERSION"), self.calls);
        ToolDecision::rewrite_json(format!(r#"{{"version":"{version}","calls":{calls},"params":{params}}}"#))
    }
}

/// Sleeps for as long as the tool's name says.
fn sleep(tool: &str) {
    match tool {
        "nap" => std::thread::sleep(Duration::from_millis(100)),
        "long-nap" => std::thread::sleep(Duration::from_secs(60)),
        _ => {}
    }
}

/// The setting `greeting`, read by name.
fn greet() -> Result<ToolDecision> {
    ToolDecision::rewrite(&json!({ "greeting": config::get::<String>("greeting")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(echo: &mut Echo, tool: &str) -> Result<Option<String>> {
        let decision = echo.before_tool_call(&Call::default(), ToolCall::new(tool, r#"{"a":1}"#))?;
        Ok(decision.and_then(|decision| decision.params))
    }

    #[test]
    fn it_answers_by_the_tools_name() {
        let mut echo = Echo { calls: 0 };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(answer(&mut echo, "any").unwrap().unwrap(), format!(r#"{{"version":"{version}","calls":1,"params":{{"a":1}}}}"#));
        assert_eq!(answer(&mut echo, "noop").unwrap(), None);
        assert_eq!(answer(&mut echo, "fail").unwrap_err().to_string(), "as you asked");
        assert_eq!(answer(&mut echo, "config").unwrap().unwrap(), r#"{"greeting":null}"#);
        assert!(answer(&mut echo, "any").unwrap().unwrap().contains(r#""calls":5"#));
    }
}
