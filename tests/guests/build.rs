//! Compiles the Rust plugins of this repository to components, in one nested cargo.
//!
//! What it is for: plain `cargo test` has its fixtures, whatever the profile. What it costs: a minute cold, nothing when no plugin changed;
//! the nested cargo has a target folder of its own, so it doesn't wait for the outer one. How it fails: by one line that says what is
//! missing, or by the nested cargo's own errors.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";

/// The packages to build.
const PLUGINS: [&str; 33] = [
    "shell-guard",
    "keyword-watch",
    "lossless-context",
    "budget-guard",
    "review-assistant",
    "thread-memory",
    "deploy-approval",
    "report-writer",
    "sla-monitor",
    "crew",
    "crew-b",
    "echo-one",
    "echo-two",
    "engine",
    "engine-bare",
    "errand",
    "errand-bare",
    "errand-two",
    "keeper",
    "ledger",
    "mischief",
    "no-shell",
    "probe",
    "puppet",
    "counter",
    "bench-alarm",
    "bench-guest",
    "bench-engine",
    "bench-counter",
    "toolbox",
    "toolbox-later",
    "toolbox-two",
    "witness",
];

/// What the outer build sets and the nested one must not see: flags for the host, wrappers of clippy, and where to build.
const NOT_INHERITED: [&str; 12] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = package.ancestors().nth(2).ok_or("this package isn't two folders below the workspace")?;
    for watched in ["wit", "guest-sdk", "example-plugins", "tests/plugins", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    require_target()?;
    let folder = guests_folder(&out)?;
    compile(root, &folder)?;
    fs::write(out.join("built.rs"), constants(&folder.join(TARGET).join("plugin"))?)?;
    Ok(())
}

/// `<target>/guests`, beside the profiles, so that all of them share it: `OUT_DIR` is `<target>/<profile>/build/<package>/out`.
fn guests_folder(out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let build = out.ancestors().find(|folder| folder.ends_with("build")).ok_or("OUT_DIR isn't in a folder `build`")?;
    let target = build.ancestors().nth(2).ok_or("OUT_DIR isn't in a target folder")?;
    Ok(target.join("guests"))
}

/// Fails early: without the target, cargo says so once for each crate.
fn require_target() -> Result<(), Box<dyn Error>> {
    let rustc = env::var("RUSTC")?;
    let answer = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let folder = String::from_utf8(answer.stdout)?;
    if answer.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!("the plugins can't be compiled without the target {TARGET}: run `rustup target add {TARGET}`").into())
}

fn compile(root: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.current_dir(root).args(["build", "--quiet", "--profile", "plugin", "--target", TARGET, "--target-dir"]).arg(folder);
    for name in PLUGINS {
        cargo.args(["-p", name]);
    }
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    if cargo.status()?.success() { Ok(()) } else { Err("a plugin doesn't compile; cargo's errors stand above".into()) }
}

/// `pub const NO_SHELL: &str = "…";` for each, and `ALL`.
fn constants(folder: &Path) -> Result<String, Box<dyn Error>> {
    let (mut text, mut all) = (String::new(), String::new());
    for name in PLUGINS {
        let file = folder.join(format!("{}.wasm", name.replace('-', "_")));
        if !file.is_file() {
            return Err(format!("cargo built {name}, but there is no {}", file.display()).into());
        }
        let constant = name.replace('-', "_").to_uppercase();
        text.push_str(&format!("/// Where the component of `{name}` is.\npub const {constant}: &str = {file:?};\n"));
        all.push_str(&format!("({name:?}, {constant}), "));
    }
    Ok(format!("{text}/// All of them, by package.\npub const ALL: &[(&str, &str)] = &[{all}];\n"))
}
