//! Values that live as long as the run: a hook leaves something there for a later hook of the same turn.
//!
//! ```
//! use plugbay_sdk::run_context;
//!
//! # fn main() -> plugbay_sdk::Result<()> {
//! run_context::set("seen", &vec!["shell"])?;
//! assert_eq!(run_context::get::<Vec<String>>("seen")?, Some(vec!["shell".into()]));
//! # Ok(())
//! # }
//! ```
//!
//! What it is for: what one turn's hooks tell each other, which a field of the plugin can't hold: cells come and go, and turns of other sessions
//! lie between. Each plugin sees its own values only. What it costs: a call of the host each, and serde_json in the plugin (not with `get_json` and
//! `set_json`). How it fails: by a [`RunContextError`]; without a run, or after its end, nothing can be kept. Bounds: names of 128 bytes, 64 of them,
//! and 256 KiB in all.
//!
//! Natively (in an author's tests) the values are in memory, for each thread its own: see `fake`.

#[cfg(not(target_family = "wasm"))]
pub mod fake;

use crate::bindings::imports::plugbay::plugin::run_context as contract;
use crate::refusal::refusals;
use crate::value;
#[cfg(target_family = "wasm")]
use contract as host;
#[cfg(not(target_family = "wasm"))]
use fake as host;
use serde::Serialize;
use serde::de::DeserializeOwned;

refusals! {
    /// Why a value of the run has no answer.
    RunContextError of contract, for "run-context" {
        /// The call belongs to no run.
        NoRun = "no-run",
        /// The run has ended.
        Closed = "closed",
        /// An argument is no good. The message names it.
        InvalidInput = "invalid-input",
        /// A limit was reached, and nothing was changed. The message names it.
        LimitExceeded = "limit-exceeded",
        /// The plugin isn't live yet: it can't write in `activate`, `restore` or a projection.
        NotLive = "not-live",
    } {
        /// A value can't become JSON, or what is kept has another form than the type.
        Json = "json",
    }
}

type Result<T> = std::result::Result<T, RunContextError>;

/// The value under this name.
///
/// # Errors
///
/// [`RunContextError`]; also if the value doesn't fit the type.
pub fn get<T: DeserializeOwned>(name: &str) -> Result<Option<T>> {
    let read =
        |text: String| value::read(format_args!("`{name}`"), &text).map_err(|why| RunContextError::Json(crate::Refusal::new("get", why)));
    get_json(name)?.map(read).transpose()
}

/// The value under this name, as JSON text.
///
/// # Errors
///
/// [`RunContextError`].
pub fn get_json(name: &str) -> Result<Option<String>> {
    host::get(name).map_err(RunContextError::of("get"))
}

/// Keeps a value until the run ends.
///
/// # Errors
///
/// [`RunContextError`]; nothing was changed then.
pub fn set(name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
    let text = value::text(format_args!("`{name}`"), value).map_err(|why| RunContextError::Json(crate::Refusal::new("set", why)))?;
    set_json(name, &text)
}

/// Keeps a value, from JSON text.
///
/// # Errors
///
/// [`RunContextError`]; nothing was changed then.
pub fn set_json(name: &str, value: &str) -> Result<()> {
    host::set(name, value).map_err(RunContextError::of("set"))
}

/// Forgets a value. Whether there was one.
///
/// # Errors
///
/// [`RunContextError`].
pub fn unset(name: &str) -> Result<bool> {
    host::unset(name).map_err(RunContextError::of("unset"))
}

/// Forgets all of the plugin's values of this run.
///
/// # Errors
///
/// [`RunContextError`].
pub fn clear() -> Result<()> {
    host::clear().map_err(RunContextError::of("clear"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_until_the_run_ends() {
        assert_eq!(get::<u32>("n"), Ok(None));
        set("n", &7).unwrap();
        set_json("s", "\"x\"").unwrap();
        assert_eq!((get("n"), get_json("s")), (Ok(Some(7)), Ok(Some("\"x\"".into()))));
        assert_eq!((unset("n"), unset("n")), (Ok(true), Ok(false)));
        clear().unwrap();
        assert_eq!(get::<String>("s"), Ok(None));
        set("n", &7).unwrap();
        fake::end();
        assert_eq!(set("n", &8).unwrap_err().code(), "closed");
        fake::begin();
        assert_eq!(get::<u32>("n"), Ok(None));
    }

    #[test]
    fn what_the_host_refuses_is_refused_here() {
        let code = |result: Result<()>| result.unwrap_err().code();
        assert_eq!(code(set(&"n".repeat(129), &1)), "invalid-input");
        assert_eq!(code(set_json("n", "{")), "invalid-input");
        assert_eq!(code(set("n", &"x".repeat(256 << 10))), "limit-exceeded");
        (0..64).for_each(|number| set(&number.to_string(), &number).unwrap());
        assert_eq!(code(set("one more", &1)), "limit-exceeded");
        set("63", &1).unwrap();
        fake::without_run();
        assert_eq!(set("n", &1).unwrap_err().to_string(), "run-context.set (no-run): the call belongs to no run");
    }

    #[test]
    fn a_value_of_another_form_is_an_error_that_names_it() {
        set("n", "text").unwrap();
        let error = get::<u32>("n").unwrap_err();
        assert!(error.to_string().starts_with("run-context.get (json): `n` doesn't fit its type: invalid type"), "{error}");
    }
}
