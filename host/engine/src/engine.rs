//! The engine: one wasmtime engine with its clock, its compiler and its cache, for the life of a program.
//!
//! [`Engine::admit`] and [`Engine::load`] take bytes through every gate (their frame, cache or compiler, the cells' limits) and give [`Code`]. A component that loads costs a few
//! hundred microseconds from the cache, and what its compilation takes otherwise; compilations run two at a time.

use crate::admission::{Admitted, Digest, Digested, Refused, admit};
use crate::artifact;
use crate::cache::{Cache, CacheSettings};
use crate::cell::CellState;
use crate::clock::Clock;
use crate::compile::{CompileIn, CompileLimits, compile, is_astray};
use crate::limits::{Limit, Limits, MIB, Overrun};
use crate::profile::{Profile, STACK};
use std::num::NonZeroUsize;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};

/// Compilations at once.
const COMPILING: usize = 2;

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// How it compiles.
    pub profile: Profile,
    /// Cells that may live at once; their address space is reserved at the start.
    pub cells: u32,
    /// Native stack of a guest call, in bytes.
    pub stack: NonZeroUsize,
    /// Where it compiles.
    pub compile_in: CompileIn,
    /// What compiling may cost.
    pub compile_limits: CompileLimits,
    /// Bytes of a component.
    pub component_size: usize,
    /// Where compiled code is kept; nowhere, if left out.
    pub cache: Option<CacheSettings>,
}

impl EngineSettings {
    /// The defaults, for an engine that compiles there.
    #[must_use]
    pub fn new(compile_in: CompileIn) -> Self {
        Self {
            profile: Profile::default(),
            cells: 1_000,
            stack: STACK,
            compile_in,
            compile_limits: CompileLimits::default(),
            component_size: 64 * MIB,
            cache: None,
        }
    }
}

/// Why an engine can't be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// wasmtime doesn't run here.
    #[error("the wasm engine can't be set up: {0}")]
    Wasm(String),
    /// The cache can't be used.
    #[error("the cache in {folder}: {source}")]
    Cache {
        /// Its folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// This process is a compile child that doesn't serve as one.
    #[error("this process was started as a compile child: call `serve_compile_child` first thing in `main`")]
    Astray,
    /// The clock's thread can't be started.
    #[error("the clock can't be started: {0}")]
    Clock(std::io::Error),
}

/// Runs components. Cheap to clone: all clones are one engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    wasm: wasmtime::Engine,
    clock: Arc<Clock>,
    cache: Option<Cache>,
    compiling: Semaphore,
    settings: EngineSettings,
}

/// A component that is ready to be linked.
#[derive(Clone)]
pub struct Code {
    component: Component,
    digest: Digest,
}

impl Code {
    /// The component.
    #[must_use]
    pub const fn component(&self) -> &Component {
        &self.component
    }

    /// What identifies it.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

impl Engine {
    /// Sets an engine up and starts its clock.
    ///
    /// # Errors
    /// Says what the machine refuses.
    pub fn new(settings: EngineSettings) -> Result<Self, SetupError> {
        if is_astray() {
            return Err(SetupError::Astray);
        }
        let wasm = allocate(&settings)?;
        let clock = Arc::new(Clock::start(&wasm).map_err(SetupError::Clock)?);
        let open = |cache: &CacheSettings| {
            Cache::open(cache, &wasm, settings.profile)
                .map_err(|source| SetupError::Cache { folder: cache.folder.display().to_string(), source })
        };
        let cache = settings.cache.as_ref().map(open).transpose()?;
        Ok(Self(Arc::new(Inner { wasm, clock, cache, compiling: Semaphore::new(COMPILING), settings })))
    }

    /// A linker with all of WASI as an empty world, to which the host adds what it offers. Making one costs 65 microseconds.
    ///
    /// # Errors
    /// None in practice: wasmtime's own names don't clash.
    pub fn linker<T: Send + 'static>(&self) -> wasmtime::Result<Linker<CellState<T>>> {
        let mut linker = Linker::new(&self.0.wasm);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        Ok(linker)
    }

    /// Looks at bytes that want to be a component; the first step of loading them.
    ///
    /// # Errors
    /// Says what they are instead.
    pub fn admit(&self, component: impl Into<Digested>) -> Result<Admitted, Refused> {
        admit(component.into(), self.0.settings.component_size)
    }

    /// Takes a component through the compiler, or the cache, and checks that a cell with these limits can hold it.
    ///
    /// # Errors
    /// Says at which step it was refused and why. Nothing of it remains.
    pub async fn load(&self, admitted: &Admitted, limits: &Limits) -> Result<Code, Refused> {
        let digest = admitted.digest();
        let component = match self.cached(digest).await {
            Some(component) => component,
            None => self.compiled(admitted).await?,
        };
        fits(&component, limits)?;
        Ok(Code { component, digest })
    }

    /// How many bytes a component may have.
    #[must_use]
    pub fn component_size(&self) -> usize {
        self.0.settings.component_size
    }

    /// Initializes what wasmtime keeps for each thread; to be called when a worker thread starts, else its first call pays for it.
    pub fn prepare_thread() {
        wasmtime::Engine::tls_eager_initialize();
    }

    /// The wasmtime engine itself.
    #[must_use]
    pub fn wasm(&self) -> &wasmtime::Engine {
        &self.0.wasm
    }

    pub(crate) fn stack(&self) -> NonZeroUsize {
        self.0.settings.stack
    }

    pub(crate) fn clock(&self) -> &Arc<Clock> {
        &self.0.clock
    }

    /// Compiles, when it is its turn; unless somebody else has meanwhile.
    async fn compiled(&self, admitted: &Admitted) -> Result<Component, Refused> {
        let _turn = self.0.compiling.acquire().await.map_err(|e| Refused::Compiler(e.to_string()))?;
        if let Some(component) = self.cached(admitted.digest()).await {
            return Ok(component);
        }
        let settings = &self.0.settings;
        let artifact = compile(&settings.compile_in, settings.profile, settings.compile_limits, admitted).await?;
        let component = artifact::load(&self.0.wasm, &artifact).map_err(|e| Refused::Load(format!("{e:#}")))?;
        let (engine, digest) = (self.clone(), admitted.digest());
        let kept = tokio::task::spawn_blocking(move || engine.0.cache.as_ref().map(|cache| cache.keep(digest, &artifact)));
        if let Err(e) = kept.await {
            tracing::warn!("compiled code wasn't kept: {e}");
        }
        // Mapped from the file, it costs no memory of our own.
        Ok(self.cached(digest).await.unwrap_or(component))
    }

    async fn cached(&self, digest: Digest) -> Option<Component> {
        let cache = self.0.cache.as_ref()?;
        if !cache.is_large(digest) {
            return cache.load(&self.0.wasm, digest);
        }
        let engine = self.clone();
        let loaded = tokio::task::spawn_blocking(move || engine.0.cache.as_ref()?.load(&engine.0.wasm, digest));
        loaded.await.unwrap_or_else(|e| {
            tracing::warn!("compiled code wasn't loaded: {e}");
            None
        })
    }
}

/// An engine with a pool, or without one where address space is short.
fn allocate(settings: &EngineSettings) -> Result<wasmtime::Engine, SetupError> {
    match wasmtime::Engine::new(&settings.profile.pooled(settings.stack, settings.cells)) {
        Ok(engine) => Ok(engine),
        Err(e) => {
            tracing::warn!("no room to reserve {} cells ({e:#}): cells are allocated one by one, which is slower", settings.cells);
            wasmtime::Engine::new(&settings.profile.config(settings.stack)).map_err(|e| SetupError::Wasm(format!("{e:#}")))
        }
    }
}

/// Whether a cell can hold the component. (Core instances are counted when the first cell is made.)
fn fits(component: &Component, limits: &Limits) -> Result<(), Refused> {
    let Some(needed) = component.resources_required() else {
        return Err(Refused::Invalid("it imports a module or a component".to_owned()));
    };
    let check = |limit, needed: u32, allowed: NonZeroUsize| {
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        if needed > allowed.get() { Err(Refused::Limit(Overrun::count(limit, needed, allowed.get()))) } else { Ok(()) }
    };
    check(Limit::Memories, needed.num_memories, limits.memories)?;
    check(Limit::Tables, needed.num_tables, limits.tables)
}
