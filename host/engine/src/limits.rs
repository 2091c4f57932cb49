//! The limits of a cell: their defaults, their names, and the sentence that says one was reached.
//!
//! Every limit has one setting, one unit and one way to be reported ([`Overrun`]), so that an operator who meets the error knows what to
//! change. Reading them costs nothing; enforcing them is the work of [`crate::cell`], [`crate::bay`] and [`crate::admission`].

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

/// One MiB, in bytes.
pub const MIB: usize = 1 << 20;

/// The names of all limits that the engine enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Limit {
    /// All memories and tables of a cell together.
    Memory,
    /// Core instances of a cell.
    CoreInstances,
    /// Memories of a cell.
    Memories,
    /// Tables of a cell.
    Tables,
    /// Wall time of a call, host calls and waiting included.
    WallTime,
    /// Processor time that a guest uses in one call.
    CpuTime,
    /// Calls from the guest into the host during one call.
    HostCalls,
    /// Bytes that one host call copies out of the guest.
    CopiedIn,
    /// Bytes that one call returns.
    Returned,
    /// Resource handles that a cell holds.
    Handles,
    /// Native stack of a call.
    Stack,
    /// Calls that wait for a free cell.
    Waiting,
    /// Bytes of a component.
    ComponentSize,
    /// Time that compiling one component takes.
    CompileTime,
    /// Memory that compiling one component takes.
    CompileMemory,
}

impl Limit {
    /// Every limit, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::Memory,
        Self::CoreInstances,
        Self::Memories,
        Self::Tables,
        Self::WallTime,
        Self::CpuTime,
        Self::HostCalls,
        Self::CopiedIn,
        Self::Returned,
        Self::Handles,
        Self::Stack,
        Self::Waiting,
        Self::ComponentSize,
        Self::CompileTime,
        Self::CompileMemory,
    ];

    /// The setting that changes this limit.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Memory => "limits.memory",
            Self::CoreInstances => "limits.core-instances",
            Self::Memories => "limits.memories",
            Self::Tables => "limits.tables",
            Self::WallTime => "budgets",
            Self::CpuTime => "limits.cpu",
            Self::HostCalls => "limits.host-calls",
            Self::CopiedIn => "limits.copied-in",
            Self::Returned => "limits.returned",
            Self::Handles => "limits.handles",
            Self::Stack => "engine.stack",
            Self::Waiting => "limits.waiting",
            Self::ComponentSize => "engine.component-size",
            Self::CompileTime => "engine.compile-time",
            Self::CompileMemory => "engine.compile-memory",
        }
    }

    /// What it limits, in words.
    const fn what(self) -> &'static str {
        match self {
            Self::Memory => "memories and tables of the cell",
            Self::CoreInstances => "core instances of the cell",
            Self::Memories => "memories of the cell",
            Self::Tables => "tables of the cell",
            Self::WallTime => "wall time of the call",
            Self::CpuTime => "processor time of the call",
            Self::HostCalls => "host calls of the call",
            Self::CopiedIn => "bytes copied in by one host call",
            Self::Returned => "bytes returned by the call",
            Self::Handles => "handles of the cell",
            Self::Stack => "native stack of the call",
            Self::Waiting => "calls waiting for the plugin",
            Self::ComponentSize => "size of the component",
            Self::CompileTime => "time to compile the component",
            Self::CompileMemory => "memory to compile the component",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Memory | Self::CopiedIn | Self::Returned | Self::Stack | Self::ComponentSize | Self::CompileMemory => " bytes",
            Self::WallTime | Self::CpuTime | Self::CompileTime => " ms",
            _ => "",
        }
    }
}

/// A limit that was reached: which, what was wanted, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrun {
    /// Which limit.
    pub limit: Limit,
    /// What was wanted or used, as far as the host knows it; where the host stopped counting, the first value that was too much.
    pub observed: u64,
    /// What is allowed.
    pub allowed: u64,
}

impl Overrun {
    /// A limit on a size or a count.
    pub(crate) fn count(limit: Limit, observed: usize, allowed: usize) -> Self {
        Self { limit, observed: observed as u64, allowed: allowed as u64 }
    }

    /// A limit on a time, told in milliseconds; what was begun counts.
    pub(crate) fn time(limit: Limit, observed: Duration, allowed: Duration) -> Self {
        let ms = |micros: u128| u64::try_from(micros).unwrap_or(u64::MAX);
        Self { limit, observed: ms(observed.as_micros().div_ceil(1_000)), allowed: ms(allowed.as_millis()) }
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, observed, allowed } = self;
        let (what, unit, setting) = (limit.what(), limit.unit(), limit.setting());
        write!(f, "limit reached: {what}: {observed}{unit} wanted, {allowed}{unit} allowed (setting `{setting}`)")
    }
}

impl std::error::Error for Overrun {}

/// How much processor time a guest may use in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// One second, or a third of the call's wall budget if that is more.
    Share,
    /// This much, whatever the wall budget is.
    Fixed(Duration),
}

/// What one cell may use, and what one plugin may queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all memories and tables of a cell together.
    pub memory: NonZeroUsize,
    /// Core instances of a cell. A Rust component has 3, a Python one 14.
    pub core_instances: NonZeroUsize,
    /// Memories of a cell.
    pub memories: NonZeroUsize,
    /// Tables of a cell.
    pub tables: NonZeroUsize,
    /// Processor time of a call.
    pub cpu: Cpu,
    /// Host calls of a call.
    pub host_calls: NonZeroUsize,
    /// Bytes that one host call copies out of the guest.
    pub copied_in: NonZeroUsize,
    /// Bytes that one call returns.
    pub returned: NonZeroUsize,
    /// Resource handles of a cell.
    pub handles: NonZeroUsize,
    /// Log bytes a second, for all cells of the plugin together.
    pub log_rate: NonZeroUsize,
    /// Bytes of one log line.
    pub log_line: NonZeroUsize,
    /// Calls that may wait for a cell; zero: none.
    pub waiting: usize,
}

impl Limits {
    /// The processor time that a call with this wall budget may use.
    #[must_use]
    pub fn cpu_for(&self, wall: Duration) -> Duration {
        match self.cpu {
            Cpu::Share => Duration::from_secs(1).max(wall / 3),
            Cpu::Fixed(limit) => limit,
        }
    }
}

/// A size or count that is known not to be zero.
const fn at_least_one(n: usize) -> NonZeroUsize {
    match NonZeroUsize::new(n) {
        Some(n) => n,
        None => NonZeroUsize::MIN,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: at_least_one(64 * MIB),
            core_instances: at_least_one(32),
            memories: at_least_one(4),
            tables: at_least_one(32),
            cpu: Cpu::Share,
            host_calls: at_least_one(10_000),
            copied_in: at_least_one(8 * MIB),
            returned: at_least_one(4 * MIB),
            handles: at_least_one(4_096),
            log_rate: at_least_one(64 << 10),
            log_line: at_least_one(4 << 10),
            waiting: 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_names_limit_values_and_setting() {
        let text = Overrun::count(Limit::Memory, 70, 64).to_string();
        assert_eq!(text, "limit reached: memories and tables of the cell: 70 bytes wanted, 64 bytes allowed (setting `limits.memory`)");
    }

    #[test]
    fn settings_are_all_different() {
        let mut names: Vec<_> = Limit::ALL.iter().map(|l| l.setting()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Limit::ALL.len());
    }

    #[test]
    fn processor_time_is_a_second_or_a_third() {
        let limits = Limits::default();
        assert_eq!(limits.cpu_for(Duration::from_millis(100)), Duration::from_secs(1));
        assert_eq!(limits.cpu_for(Duration::from_secs(15)), Duration::from_secs(5));
        let fixed = Limits { cpu: Cpu::Fixed(Duration::from_millis(20)), ..Limits::default() };
        assert_eq!(fixed.cpu_for(Duration::from_secs(15)), Duration::from_millis(20));
    }
}
