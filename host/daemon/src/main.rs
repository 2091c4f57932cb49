//! `plugbay`: the program.
//!
//! It starts in a few milliseconds, and takes no thread but those of what it does. Everything it does is in the library; when the engine starts it again as a
//! compiler, it is that and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(done) = plugbay_runtime::engine::serve_compile_child() {
        return done;
    }
    plugbay_daemon::commands::main()
}
