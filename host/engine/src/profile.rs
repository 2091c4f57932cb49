//! Profiles: which wasm the engine takes, how it compiles, and how much it reserves. The one place where wasmtime is configured.
//!
//! What is switched off here (garbage collection, exceptions, threads, component-model async …) is where most advisories of the 48 line sit. Multi-memory
//! stays on: the adapters of composed components need it, and switching it off makes the compiler panic on them; cells are bounded by
//! their limiter instead.

use crate::limits::MIB;
use std::fmt;
use std::num::NonZeroUsize;
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails};

/// Native stack of a guest call, unless an engine is made with another one.
pub const STACK: NonZeroUsize = match NonZeroUsize::new(512 << 10) {
    Some(bytes) => bytes,
    None => NonZeroUsize::MIN,
};

/// Native stack that host functions have beside the guest's.
const HOST_STACK: usize = 1536 << 10;

/// Frames of a backtrace that are kept.
const FRAMES: usize = 32;

/// How the engine compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Fast code; what runs when it matters.
    #[default]
    Production,
    /// Fast compilation and source lines in backtraces; the same limits and the same wasm.
    Development,
}

impl Profile {
    /// The name that stands in caches and on the compiler's command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Production, Self::Development].into_iter().find(|p| p.name() == name)
    }

    /// The configuration without an allocation strategy of its own: what compiles, and what runs where address space is short.
    pub(crate) fn config(self, stack: NonZeroUsize) -> Config {
        let (opt, details) = match self {
            Self::Production => (OptLevel::Speed, WasmBacktraceDetails::Disable),
            Self::Development => (OptLevel::None, WasmBacktraceDetails::Enable),
        };
        let mut config = Config::new();
        config
            .concurrency_support(false)
            .epoch_interruption(true)
            .max_wasm_stack(stack.get())
            .async_stack_size(stack.get().saturating_add(HOST_STACK))
            .gc_support(false)
            .wasm_gc(false)
            .wasm_function_references(false)
            .wasm_exceptions(false)
            .wasm_memory64(false)
            .wasm_threads(false)
            .wasm_relaxed_simd(false)
            .native_unwind_info(false)
            .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES))
            .wasm_backtrace_details(details)
            .memory_init_cow(true)
            .cranelift_opt_level(opt);
        config
    }

    /// The configuration of an engine with room for `cells` cells, reserved up front.
    pub(crate) fn pooled(self, stack: NonZeroUsize, cells: u32) -> Config {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(cells)
            .total_core_instances(cells.saturating_mul(8))
            .total_memories(cells.saturating_mul(2))
            .total_tables(cells.saturating_mul(4))
            .total_stacks(cells)
            .max_memories_per_module(PER_MODULE)
            .max_tables_per_module(PER_MODULE)
            .table_elements(TABLE_ELEMENTS)
            .max_unused_warm_slots(16)
            // Keeping the low part of a memory resident would keep the stack of a Rust guest, which comes first there and is hardly used.
            .linear_memory_keep_resident(0)
            .table_keep_resident(16 << 10);
        let mut config = self.config(stack);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        config
    }
}

/// Elements of one pooled table: as many as the default memory limit of a cell has room for, so that this limit answers first. Only address space is
/// reserved for them.
const TABLE_ELEMENTS: usize = 64 * MIB / 8;

/// Memories and tables that the pool itself lets one module have: more than any cell may, so that the cell's own limit answers first.
const PER_MODULE: u32 = 1_000;

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
