//! Misbehaves in every way that a test asks for: the tool's name picks the misdeed, the setting `mode` one of `activate`.
//!
//! Built for the host's tests, which have to contain each of them. `ok` does nothing wrong.

use plugbay_sdk::prelude::*;

mod deeds;

/// What the test sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Must never be seen outside.
    #[secret]
    token: Option<String>,
    /// `trap-activate`, `fail-activate` or `spin-activate`.
    mode: Option<String>,
}

struct Mischief {
    token: String,
}

#[plugin(isolation(shared, pool, session, call))]
impl Mischief {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        match settings.mode.as_deref() {
            Some("trap-activate") => deeds::panic_with("activate was told to trap"),
            Some("fail-activate") => Err(Error::new("activate was told to fail")),
            Some("spin-activate") => deeds::spin(),
            Some(other) => Err(Error::new(format!("no such mode: {other}"))),
            None => Ok(Self { token: settings.token.unwrap_or_default() }),
        }
    }

    fn before_tool_call(&mut self, _: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        match event.tool_name.as_str() {
            "ok" => {}
            "spin" => deeds::spin(),
            "recurse" => log::info!("{}", deeds::recurse(1)),
            "memory" => deeds::hoard(),
            "memory-cope" => deeds::hoard_politely(),
            "imports" => deeds::call_imports(),
            "wasi-imports" => deeds::call_wasi(),
            "log-flood" => deeds::flood_log(),
            "empty-writes" => deeds::write_nothing()?,
            "long-line" => deeds::write_one_line()?,
            "sleep" => deeds::sleep(),
            "poll" => deeds::poll(),
            "panic-control" => deeds::panic_with("\u{1b}[2J\u{1b}[31mred\u{7}\u{8}\u{0}\r\u{9b}1m"),
            "panic-secret" => deeds::panic_with(&format!("the token is {}", self.token)),
            "exit" => std::process::exit(3),
            "big-result" => return Ok(Some(deeds::big_result())),
            other => return Err(Error::new(format!("no such misdeed: {other}"))),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmless_works_natively() {
        let mut mischief = Mischief { token: String::new() };
        let mut call = |tool: &str| mischief.before_tool_call(&Call::default(), ToolCall::new(tool, "{}"));
        assert_eq!(call("ok"), Ok(None));
        assert_eq!(call("nonsense").unwrap_err().to_string(), "no such misdeed: nonsense");
        let big = call("big-result").unwrap().unwrap().params.unwrap();
        assert!(big.len() > 9_000_000 && big.ends_with("\"}"));
    }
}
