//! `cargo xtask bench`: measures a host against raw wasmtime, prints a table and writes it as JSON.
//!
//! Costs six minutes for all of it. Fails when something can't be measured; a bar that is missed is said in its row and in the last line, and is
//! no failure of the program.

use anyhow::Result;
use plugbay_tests::bench::{self, Options};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(done) = plugbay_engine::serve_compile_child() {
        return done;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if bench::serve_child(&arguments)? {
        return Ok(());
    }
    match Options::read(&arguments)? {
        Some(options) => bench::run(&options),
        None => {
            println!("{}", bench::USAGE);
            Ok(())
        }
    }
}
