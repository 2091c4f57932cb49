//! The plugin's log: `log::info!("saw {count} of them")`, and the same with `trace`, `debug`, `warn` and `error`.
//!
//! What it is for: lines for the operator. What it costs: a line below the host's level costs one call of the host and is never formatted.
//! How it fails: never; the host cuts lines beyond 4 KiB and drops what is beyond 64 KiB a second (a line
//! counts as 64 bytes at least), and says so in the log.
//!
//! Natively every line goes to stderr.

#[doc(inline)]
pub use crate::bindings::imports::plugbay::plugin::log::Level;
#[doc(inline)]
pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};
use std::fmt::Arguments;

/// Whether lines of this level are kept.
#[must_use]
pub fn enabled(level: Level) -> bool {
    host::enabled(level)
}

/// Writes a line, if its level is kept.
pub fn write(level: Level, message: Arguments<'_>) {
    if !host::enabled(level) {
        return;
    }
    match message.as_str() {
        Some(text) => host::write(level, text),
        None => host::write(level, &message.to_string()),
    }
}

#[cfg(target_family = "wasm")]
use crate::bindings::imports::plugbay::plugin::log as host;

#[cfg(not(target_family = "wasm"))]
mod host {
    use super::Level;

    pub(super) fn enabled(_: Level) -> bool {
        true
    }

    pub(super) fn write(level: Level, message: &str) {
        eprintln!("{level:?}: {message}");
    }
}

/// Every step.
#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($text:tt)+) => { $crate::log::write($crate::log::Level::Trace, ::core::format_args!($($text)+)) };
}

/// What helps to find a mistake.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($text:tt)+) => { $crate::log::write($crate::log::Level::Debug, ::core::format_args!($($text)+)) };
}

/// What an operator may want to know.
#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($text:tt)+) => { $crate::log::write($crate::log::Level::Info, ::core::format_args!($($text)+)) };
}

/// Something is off, and the plugin copes.
#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($text:tt)+) => { $crate::log::write($crate::log::Level::Warn, ::core::format_args!($($text)+)) };
}

/// Something failed.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($text:tt)+) => { $crate::log::write($crate::log::Level::Error, ::core::format_args!($($text)+)) };
}
