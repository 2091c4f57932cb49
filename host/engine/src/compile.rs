//! Compiling, where hostile code can't hurt: in a child process with bounded time and memory.
//!
//! Twenty kilobytes of wasm can keep a compiler busy for minutes, and nothing in a process can stop it. So a program that embeds the engine serves as its own
//! compiler: it calls [`serve_compile_child`] first thing in `main`, and the engine starts it again with a hidden argument, the component on its
//! stdin, the artifact on its stdout. The child runs at niceness 19 with limits on address space and processor time, without the parent's environment, and is
//! killed at its time limit. An ordinary plugin takes 60 ms instead of 30.

use crate::admission::{Admitted, Refused};
use crate::artifact::Trusted;
use crate::limits::{Limit, Overrun};
use crate::profile::{Profile, STACK};
use rustix::process::{Resource, Rlimit};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The hidden argument that makes a program the compile child.
const ARGUMENT: &str = "__plugbay-compile";

/// Set in a compile child. A program that sets an engine up with this set forgot to call [`serve_compile_child`], and would start itself without end.
const MARK: &str = "PLUGBAY_COMPILE_CHILD";

/// Threads of a compile child.
const THREADS: u64 = 2;

/// Bytes of a compile child's words that are read.
const WORDS: u64 = 16 << 10;

/// The niceness of a compile child.
const NICENESS: i32 = 19;

/// Exit codes of the child, beside success.
const INVALID: u8 = 10;
const FAILED: u8 = 11;

/// Where components are compiled.
#[derive(Debug, Clone)]
pub enum CompileIn {
    /// In a child process of this program, which calls [`serve_compile_child`] in its `main`.
    Child(PathBuf),
    /// On a thread of this process: without a bound on time or memory, so only for components that are trusted to compile.
    Thread,
}

/// What compiling one component may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Time.
    pub time: Duration,
    /// Address space of the child.
    pub memory: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), memory: 1 << 30 }
    }
}

/// Compiles a component.
pub(crate) async fn compile(
    place: &CompileIn,
    profile: Profile,
    limits: CompileLimits,
    component: &Admitted,
) -> Result<Trusted<Vec<u8>>, Refused> {
    let artifact = match place {
        CompileIn::Child(program) => in_child(program.clone(), profile, limits, component.bytes()).await?,
        CompileIn::Thread => {
            let bytes = component.bytes().to_vec();
            let compiled = tokio::task::spawn_blocking(move || compile_here(profile, &bytes)).await;
            compiled.map_err(|e| Refused::Compiler(e.to_string()))??
        }
    };
    Ok(Trusted::vouch(artifact))
}

fn compile_here(profile: Profile, bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    // On-demand allocation: a pool would reserve terabytes of the address space that the child is limited in. Artifacts don't depend on it.
    let engine = wasmtime::Engine::new(&profile.config(STACK)).map_err(|e| Refused::Compiler(format!("{e:#}")))?;
    engine.precompile_component(bytes).map_err(|e| Refused::Invalid(format!("{e:#}")))
}

async fn in_child(program: PathBuf, profile: Profile, limits: CompileLimits, bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let broken = |e: io::Error| Refused::Compiler(format!("the compile child {}: {e}", program.display()));
    let child = start(&program, profile, limits).map_err(broken)?;
    let answer = match timeout(limits.time, converse(child, bytes, limits.memory as u64)).await {
        Ok(answer) => answer.map_err(broken)?,
        Err(_) => return Err(Refused::Limit(Overrun::time(Limit::CompileTime, limits.time, limits.time))),
    };
    verdict(answer, limits)
}

fn start(program: &PathBuf, profile: Profile, limits: CompileLimits) -> io::Result<Child> {
    // Should this process be killed, the child ends by the processor time that it could have used until its time limit.
    let cpu = (limits.time.as_secs() + 1).saturating_mul(THREADS);
    Command::new(program)
        .args([ARGUMENT, profile.name(), &limits.memory.to_string(), &cpu.to_string()])
        .env_clear()
        .env(MARK, "1")
        .env("RAYON_NUM_THREADS", THREADS.to_string())
        .env("MALLOC_ARENA_MAX", THREADS.to_string()) // each reserves address space, which is limited
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// What a compile child answered.
struct Answer {
    status: ExitStatus,
    artifact: Vec<u8>,
    words: Vec<u8>,
}

/// Hands the component over and gathers the answer. All at once, since any pipe may fill up.
async fn converse(mut child: Child, bytes: &[u8], most: u64) -> io::Result<Answer> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A child that ends early says why in its answer; that it didn't read to the end is no news.
            let _ = stdin.write_all(bytes).await;
        }
        Ok(())
    };
    let ((), artifact, words) = tokio::try_join!(feed, gather(stdout, most), gather(stderr, WORDS))?;
    Ok(Answer { status: child.wait().await?, artifact, words })
}

async fn gather(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn verdict(answer: Answer, limits: CompileLimits) -> Result<Vec<u8>, Refused> {
    let Answer { status, artifact, words } = answer;
    if status.success() {
        return Ok(artifact);
    }
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    match status.code() {
        Some(code) if code == i32::from(INVALID) => Err(Refused::Invalid(words)),
        _ if words.contains("memory allocation of") || words.contains("Cannot allocate memory") => {
            Err(Refused::Limit(Overrun::count(Limit::CompileMemory, limits.memory + 1, limits.memory)))
        }
        _ => Err(Refused::Compiler(format!("{status} ({words})"))),
    }
}

/// Whether this process is a compile child that went astray.
pub(crate) fn is_astray() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Makes this program a compile child if it was started as one; else answers `None` at once. To be called first thing in `main`:
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     if let Some(done) = plugbay_engine::serve_compile_child() {
///         return done;
///     }
///     // … the program itself
///     ExitCode::SUCCESS
/// }
/// ```
#[must_use]
pub fn serve_compile_child() -> Option<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [argument, profile, memory, cpu] = arguments.as_slice() else { return None };
    if argument != ARGUMENT {
        return None;
    }
    Some(match serve(profile.to_str(), number(memory), number(cpu)) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, words)) => {
            let _ = io::stderr().write_all(words.as_bytes()); // nobody is left to tell
            ExitCode::from(code)
        }
    })
}

fn number(argument: &OsStr) -> Option<u64> {
    argument.to_str()?.parse().ok()
}

fn serve(profile: Option<&str>, memory: Option<u64>, cpu: Option<u64>) -> Result<(), (u8, String)> {
    let failed = |words: String| (FAILED, words);
    let profile = profile.and_then(Profile::named).ok_or_else(|| failed("unknown profile".into()))?;
    let (memory, cpu) = memory.zip(cpu).ok_or_else(|| failed("limits are missing".into()))?;
    confine(memory, cpu).map_err(|e| failed(e.to_string()))?;
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|e| failed(e.to_string()))?;
    let artifact = compile_here(profile, &bytes).map_err(|refused| match refused {
        Refused::Invalid(words) => (INVALID, words),
        other => failed(other.to_string()),
    })?;
    io::stdout().write_all(&artifact).map_err(|e| failed(e.to_string()))
}

/// Binds this process to its limits.
fn confine(memory: u64, cpu: u64) -> io::Result<()> {
    rustix::process::nice(NICENESS)?;
    for (resource, limit) in [(Resource::As, memory), (Resource::Cpu, cpu), (Resource::Core, 0)] {
        rustix::process::setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}
