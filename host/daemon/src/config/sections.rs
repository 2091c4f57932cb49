//! The sections of the file that are about the host: names, defaults, and what they are for.
//!
//! A section's default is what counts when it is left out. The names of limits are those that errors give when a limit is reached.

use super::form::{Address, Directory, Holder, OneOf};
use super::number::{Bytes, Count, Time};
use super::setting::{At, In, Maybe, Section, Setting};
use plugbay_runtime::PluginId;
use plugbay_runtime::engine::{CompileIn, CompileLimits, EngineSettings};
use plugbay_state::{StateLimits, Synchronous};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `[host]`: where things are, and what the host does with all plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The plugins directory.
    pub plugins: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// The directory of compiled code.
    pub cache: PathBuf,
    /// The socket, if it isn't in the state directory; see [`Host::socket`].
    pub socket: Option<PathBuf>,
    /// When a commit is done.
    pub durability: Synchronous,
    /// How long a write waits for another process that has the state's lock.
    pub busy_timeout: Duration,
    /// How long a new generation is on probation.
    pub probation: Duration,
    /// After how many calls probation ends.
    pub probation_calls: NonZeroU32,
}

impl Host {
    /// Where the program's socket is.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| self.state.join("plugbay.sock"))
    }

    /// Takes relative paths from this directory.
    pub(crate) fn relative_to(&mut self, directory: &Path) {
        for path in [&mut self.plugins, &mut self.state, &mut self.cache].into_iter().chain(&mut self.socket) {
            *path = directory.join(&*path);
        }
    }
}

impl Default for Host {
    fn default() -> Self {
        Self {
            plugins: "plugins".into(),
            state: "state".into(),
            cache: "cache".into(),
            socket: None,
            durability: Synchronous::default(),
            busy_timeout: Duration::from_secs(5),
            probation: Duration::from_secs(60),
            probation_calls: NonZeroU32::MIN.saturating_add(99),
        }
    }
}

impl Section for Host {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting { name: "plugins", says: "The plugins directory.", field: &At(&Directory, |h: &mut Self| &mut h.plugins) },
        Setting { name: "state", says: "The state directory.", field: &At(&Directory, |h: &mut Self| &mut h.state) },
        Setting { name: "cache", says: "The directory of compiled code.", field: &At(&Directory, |h: &mut Self| &mut h.cache) },
        Setting {
            name: "socket",
            says: "The Unix socket that the commands talk to. Left out: `plugbay.sock` in the state directory.",
            field: &Maybe(&Directory, |h: &mut Self| &mut h.socket),
        },
        Setting {
            name: "durability",
            says: "What an acknowledged write survives: `normal` a killed process, `full` a power failure too.",
            field: &At(&OneOf(&[("normal", Synchronous::Normal), ("full", Synchronous::Full)]), |h: &mut Self| &mut h.durability),
        },
        Setting {
            name: "busy-timeout",
            says: "How long a write waits for another process that has the state's lock.",
            field: &At(&Time::ANY, |h: &mut Self| &mut h.busy_timeout),
        },
        Setting {
            name: "probation",
            says: "How long a new version is watched after a swap; if it keeps failing, the old one is brought back.",
            field: &At(&Time::ANY, |h: &mut Self| &mut h.probation),
        },
        Setting {
            name: "probation-calls",
            says: "After how many calls that ends.",
            field: &At(&Count { least: 1, most: u32::MAX as u64 }, |h: &mut Self| &mut h.probation_calls),
        },
    ];
}

/// `[http]`: the API over TCP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Http {
    /// Where it listens; nowhere, if left out.
    pub listen: Option<SocketAddr>,
}

impl Section for Http {
    const SETTINGS: &'static [Setting<Self>] = &[Setting {
        name: "listen",
        says: "Where the API is served over TCP, to callers with a token. Left out: on the Unix socket only.",
        field: &Maybe(&Address, |h: &mut Self| &mut h.listen),
    }];
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may fail soon.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: an object a line.
    Json,
}

/// `[logs]`: what is logged, how, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// The least level that is logged.
    pub level: LogLevel,
    /// How lines look.
    pub format: LogFormat,
    /// Lines of each plugin that are kept in memory.
    pub lines: NonZeroUsize,
    /// Bytes of a log file.
    pub file_bytes: NonZeroUsize,
    /// Log files that are kept of each plugin.
    pub files: usize,
}

impl Default for Logs {
    fn default() -> Self {
        let (lines, file_bytes) = (NonZeroUsize::MIN.saturating_add(999), NonZeroUsize::MIN.saturating_add((10 << 20) - 1));
        Self { level: LogLevel::default(), format: LogFormat::default(), lines, file_bytes, files: 5 }
    }
}

/// The levels, by name.
const LEVELS: OneOf<LogLevel> = OneOf(&[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
]);

impl Section for Logs {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting { name: "level", says: "The least level that is logged.", field: &At(&LEVELS, |l: &mut Self| &mut l.level) },
        Setting {
            name: "format",
            says: "How lines look: `text` for people, `json` for programs.",
            field: &At(&OneOf(&[("text", LogFormat::Text), ("json", LogFormat::Json)]), |l: &mut Self| &mut l.format),
        },
        Setting {
            name: "lines",
            says: "Lines of each plugin that are kept in memory, for `plugbay logs`: 256 KiB of them at most.",
            field: &At(&Count { least: 1, most: 1_000_000 }, |l: &mut Self| &mut l.lines),
        },
        Setting {
            name: "file-bytes",
            says: "How large a plugin's log file grows.",
            field: &At(&Bytes::SOME, |l: &mut Self| &mut l.file_bytes),
        },
        Setting {
            name: "files",
            says: "How many log files of each plugin are kept; 0: none is written.",
            field: &At(&Count { least: 0, most: 1_000 }, |l: &mut Self| &mut l.files),
        },
    ];
}

/// `[watch]`: how changes of files are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// How long a file has to be left alone before it is read.
    pub debounce: Duration,
    /// How often to look; if left out, the system tells.
    pub poll: Option<Duration>,
    /// How long a file may be away before its plugin is missing.
    pub missing_after: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self { debounce: Duration::from_millis(250), poll: None, missing_after: Duration::from_secs(5) }
    }
}

impl Section for Watch {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "debounce",
            says: "How long a file has to be left alone before it is read.",
            field: &At(&Time::ANY, |w: &mut Self| &mut w.debounce),
        },
        Setting {
            name: "poll",
            says: "How often files are looked at. Left out: the system tells of changes; set it where it doesn't, as on network file systems.",
            field: &Maybe(&Time { least: 10 }, |w: &mut Self| &mut w.poll),
        },
        Setting {
            name: "missing-after",
            says: "How long a plugin's file may be away before its calls stop.",
            field: &At(&Time::ANY, |w: &mut Self| &mut w.missing_after),
        },
    ];
}

/// `[engine]`: what all plugins share.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    /// Cells that may live at once.
    pub cells: u32,
    /// Native stack of a call, in bytes.
    pub stack: NonZeroUsize,
    /// Bytes of a component.
    pub component_size: usize,
    /// What compiling may cost.
    pub compile: CompileLimits,
}

impl Default for Engine {
    fn default() -> Self {
        let EngineSettings { cells, stack, component_size, compile_limits, .. } = EngineSettings::new(CompileIn::Thread);
        Self { cells, stack, component_size, compile: compile_limits }
    }
}

impl Section for Engine {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "cells",
            says: "Cells of all plugins together; their address space is reserved at the start.",
            field: &At(&Count { least: 1, most: 100_000 }, |e: &mut Self| &mut e.cells),
        },
        Setting {
            name: "stack",
            says: "Native stack of a call.",
            field: &At(&Bytes { least: 64 << 10, most: 64 << 20 }, |e: &mut Self| &mut e.stack),
        },
        Setting { name: "component-size", says: "Size of a component.", field: &At(&Bytes::SOME, |e: &mut Self| &mut e.component_size) },
        Setting { name: "compile-time", says: "Time to compile a component.", field: &At(&Time::SOME, |e: &mut Self| &mut e.compile.time) },
        Setting {
            name: "compile-memory",
            says: "Memory to compile a component, as address space of the process that does.",
            field: &At(&Bytes::SOME, |e: &mut Self| &mut e.compile.memory),
        },
    ];
}

/// What a plugin may keep at most, whatever the setting.
const MAX_VALUE: u64 = StateLimits::MAX_VALUE as u64;
const MAX_ROWS: u64 = StateLimits::MAX_ROWS as u64;

impl Section for StateLimits {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting { name: "key-bytes", says: "Size of a key in the store.", field: &At(&Bytes::SOME, |s: &mut Self| &mut s.key) },
        Setting { name: "namespace-bytes", says: "Size of a namespace's name.", field: &At(&Bytes::SOME, |s: &mut Self| &mut s.namespace) },
        Setting {
            name: "value-bytes",
            says: "Size of a value.",
            field: &At(&Bytes { least: 1, most: MAX_VALUE }, |s: &mut Self| &mut s.value),
        },
        Setting {
            name: "value-depth",
            says: "How deep lists and objects of a value nest.",
            field: &At(&Count { least: 1, most: 1_000 }, |s: &mut Self| &mut s.depth),
        },
        Setting {
            name: "rows",
            says: "Live rows of a plugin.",
            field: &At(&Count { least: 1, most: MAX_ROWS }, |s: &mut Self| &mut s.rows),
        },
        Setting { name: "total-bytes", says: "All values of a plugin together.", field: &At(&Bytes::SOME, |s: &mut Self| &mut s.total) },
        Setting {
            name: "namespaces",
            says: "Namespaces that a plugin opens.",
            field: &At(&Count::from(1), |s: &mut Self| &mut s.namespaces),
        },
        Setting { name: "keys", says: "Keys, or conditions, of one call.", field: &At(&Count::from(1), |s: &mut Self| &mut s.keys) },
        Setting { name: "result-bytes", says: "Size of one result.", field: &At(&Bytes::SOME, |s: &mut Self| &mut s.result) },
    ];
}

/// `[slots]`: which plugin does what only one can do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots {
    /// The context engine; the built-in one, if there is none.
    pub context_engine: Option<PluginId>,
}

impl Section for Slots {
    const SETTINGS: &'static [Setting<Self>] = &[Setting {
        name: "context-engine",
        says: "The plugin that decides what the model sees of a conversation. The plugin's own `slots` can say the same.",
        field: &At(&Holder, |s: &mut Self| &mut s.context_engine),
    }];
}

impl Section for super::Config {
    const SETTINGS: &'static [Setting<Self>] = &[
        Setting {
            name: "host",
            says: "Where things are, and what the host does with all plugins.",
            field: &In(|c: &mut Self| &mut c.host),
        },
        Setting { name: "http", says: "The API over TCP.", field: &In(|c: &mut Self| &mut c.http) },
        Setting { name: "logs", says: "What is logged, how, and how much of it is kept.", field: &In(|c: &mut Self| &mut c.logs) },
        Setting { name: "watch", says: "How changes of files are seen.", field: &In(|c: &mut Self| &mut c.watch) },
        Setting { name: "engine", says: "What all plugins share.", field: &In(|c: &mut Self| &mut c.engine) },
        Setting { name: "state", says: "What each plugin may keep.", field: &In(|c: &mut Self| &mut c.state) },
        Setting { name: "model", says: "Which model answers.", field: &In(|c: &mut Self| &mut c.model) },
        Setting { name: "agent", says: "What the agent is told, and how far it goes.", field: &In(|c: &mut Self| &mut c.agent) },
        Setting { name: "schedule", says: "What plugins have the host do later.", field: &In(|c: &mut Self| &mut c.schedule) },
        Setting { name: "outbox", says: "What plugins hand over to people.", field: &In(|c: &mut Self| &mut c.outbox) },
        Setting { name: "slots", says: "Which plugin does what only one can do.", field: &In(|c: &mut Self| &mut c.slots) },
        Setting { name: "plugins", says: "Which plugins may run, and each one's settings.", field: &super::plugins::Table },
    ];
}
