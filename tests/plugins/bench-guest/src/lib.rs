//! What the benchmarks call: the tool's name says what to do and how often.
//!
//! `echo` hands the arguments back; `get:5000` reads the setting `greeting` so often; `write:5000` writes as many lines at the level `trace`, and
//! `enabled:5000` asks as often whether such lines are kept. `lookup:5000` and `lookup-each:5000` look so many rows up, the same one or all in turn;
//! `lookup-many:50` looks a hundred up at once, so often; `register:3000` writes so many. `generation` answers with the setting of that name. Anything
//! else is an error. A message is taken and not looked at.

#![forbid(unsafe_code)]

#[cfg(target_family = "wasm")]
mod rows;

use plugbay_sdk::prelude::*;

/// What the benchmark sets.
#[plugbay_sdk::settings]
struct Settings {
    /// What `get` reads.
    #[allow(dead_code, reason = "read through the config import, which is what is measured")]
    greeting: Option<String>,
    /// What `generation` answers with.
    generation: Option<u64>,
}

struct BenchGuest {
    generation: Option<u64>,
}

#[plugin(isolation(shared, call))]
impl BenchGuest {
    fn activate(_: &Activation, settings: Settings) -> Self {
        Self { generation: settings.generation }
    }

    fn before_tool_call(&mut self, _: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        if event.tool_name == "echo" {
            return match event.params {
                Payload::Json(text) => Ok(Some(ToolDecision::rewrite_json(text))),
                Payload::Truncated(_) => Err(Error::new("the arguments were cut off")),
            };
        }
        if event.tool_name == "generation" {
            let generation = self.generation.ok_or_else(|| Error::new("the setting `generation` isn't set"))?;
            return Ok(Some(ToolDecision::rewrite_json(format!(r#"{{"generation":{generation}}}"#))));
        }
        let (deed, times) = event.tool_name.split_once(':').unwrap_or((&event.tool_name, "1"));
        let times = times.parse().map_err(|_| Error::new(format!("`{times}` is no number")))?;
        repeat(deed, times).map(|()| None)
    }

    fn message_received(&self, _: &Call, _: Message) {}
}

/// Calls one import so often.
fn repeat(deed: &str, times: u32) -> Result<()> {
    match deed {
        "get" => (0..times).for_each(|_| drop(std::hint::black_box(config::get_json("greeting")))),
        "write" => (0..times).for_each(|_| write()),
        "enabled" => (0..times).for_each(|_| log::trace!("nobody reads this")),
        other => return store(other, times),
    }
    Ok(())
}

/// Calls the keyed store so often.
#[cfg(target_family = "wasm")]
fn store(deed: &str, times: u32) -> Result<()> {
    match deed {
        "lookup" => rows::lookup(times),
        "lookup-each" => rows::lookup_each(times),
        "lookup-many" => rows::lookup_many(times),
        "register" => rows::register(times),
        other => Err(Error::new(format!("no such deed: {other}"))),
    }
}

/// Natively there is no store that a host keeps.
#[cfg(not(target_family = "wasm"))]
fn store(deed: &str, _: u32) -> Result<()> {
    Err(Error::new(format!("no such deed: {deed}")))
}

/// Writes a line without asking first, as guests in other languages do.
#[cfg(target_family = "wasm")]
fn write() {
    plugbay_sdk::bindings::imports::plugbay::plugin::log::write(log::Level::Trace, "a line that nobody reads");
}

/// Natively there is no host to write to.
#[cfg(not(target_family = "wasm"))]
fn write() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_what_the_tools_name_says() {
        let guest = |generation| BenchGuest { generation };
        let ask = |tool: &str| guest(None).before_tool_call(&Call::default(), ToolCall::new(tool, "{}"));
        assert_eq!(ask("echo").unwrap().unwrap().params.as_deref(), Some("{}"));
        assert_eq!(ask("get:3"), Ok(None));
        assert!(ask("get:x").unwrap_err().to_string().contains("`x`"));
        assert!(ask("dance").is_err() && ask("generation").is_err());
        let answer = guest(Some(7)).before_tool_call(&Call::default(), ToolCall::new("generation", "{}"));
        assert_eq!(answer.unwrap().unwrap().params.as_deref(), Some(r#"{"generation":7}"#));
    }
}
