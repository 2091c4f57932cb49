//! wasmtime, narrowed to what runs code that nobody trusts.
//!
//! Three ideas. A [`Cell`] is one store with one instance: every limit, meter and fault belongs to a cell, and a cell that faults is thrown away whole. A
//! [`Bay`] is where the cells of one plugin stand and where its calls queue. An [`Engine`] takes bytes through every gate before they are code. The
//! engine knows no plugin API: what a cell's store holds beside its limits is the embedder's own type.
//!
//! ```
//! use plugbay_engine::{Blueprint, Budget, CompileIn, Engine, EngineSettings, Limits, Log, TracingSink, World};
//! use std::{sync::Arc, time::Duration};
//!
//! # async fn example(component: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! // A daemon names its own program here (`CompileIn::Child`) and calls `serve_compile_child` in `main`.
//! let engine = Engine::new(EngineSettings { cells: 10, ..EngineSettings::new(CompileIn::Thread) })?;
//! let limits = Arc::new(Limits::default());
//! let code = engine.load(&engine.admit(component)?, &limits).await?;
//!
//! let linker = engine.linker::<()>()?;
//! let log = Log::new(Arc::new(TracingSink { plugin: "example".into() }), &limits, &[]);
//! let blueprint = Blueprint::new(engine, linker.instantiate_pre(code.component())?, limits.clone(), Arc::new(log), World::Open);
//!
//! let mut cell = blueprint.cell((), &Budget::new(Duration::from_secs(5), &limits)).await?;
//! let add = cell.look(|store, instance| instance.get_typed_func::<(u32, u32), (u32,)>(store, "add"))?;
//! let (sum,) = cell.call(&add, (2, 3), &Budget::new(Duration::from_secs(1), &limits)).await?;
//! assert_eq!(sum, 5);
//! # Ok(())
//! # }
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # let component = wat::parse_str(r#"(component
//! #   (core module $m (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
//! #   (core instance $i (instantiate $m))
//! #   (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))"#).unwrap();
//! # runtime.block_on(example(component)).unwrap();
//! ```

mod admission;
mod artifact;
mod bay;
mod cache;
mod cell;
mod clean;
mod clock;
mod compile;
mod cord;
mod diagnose;
mod engine;
mod fault;
mod limits;
mod log;
mod meter;
mod profile;
mod wasi;

pub use admission::{Admitted, Digest, Digested, Gate, NoDigest, Refused};
pub use bay::{Bay, Isolation, Lease, Occupant};
pub use cache::CacheSettings;
pub use cell::{Blueprint, Budget, Cell, CellState, Census, Entered, Usage};
pub use clock::TICK;
pub use compile::{CompileIn, CompileLimits, serve_compile_child};
pub use cord::Cord;
pub use engine::{Code, Engine, EngineSettings, SetupError};
pub use fault::{CallError, Consequence, EngineFate, Fault, Happening, Unserved};
pub use limits::{Cpu, Limit, Limits, MIB, Overrun};
pub use log::{Dropped, Level, Log, LogSink, TracingSink};
pub use profile::{Profile, STACK};
pub use wasi::World;
