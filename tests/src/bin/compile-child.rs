//! A compile child and nothing else, for tests: their own program is the test runner's.

use std::process::ExitCode;

fn main() -> ExitCode {
    plugbay_engine::serve_compile_child().unwrap_or(ExitCode::FAILURE)
}
