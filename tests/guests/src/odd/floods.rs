//! Plugins that never end or never stop asking: loops, recursion, floods of calls and handles, huge texts for an import.
//!
//! All of them run until a limit of the cell stops them; [`spin_then_ok`] ends by itself.

use super::Odd;
use super::template::{LOG_ENABLED, LOG_WRITE, POLLABLE_BLOCK, SUBSCRIBE};

/// Turns for ever.
pub fn spin() -> Vec<u8> {
    Odd::new("spin").handle("(loop $again (br $again)) (unreachable)").build()
}

/// Turns so many times, then has no opinion.
pub fn spin_then_ok(iterations: u64) -> Vec<u8> {
    let body = format!(
        "(local $left i64) (local.set $left (i64.const {iterations}))
         (block $done (loop $again
           (br_if $done (i64.eqz (local.get $left)))
           (local.set $left (i64.sub (local.get $left) (i64.const 1)))
           (br $again)))
         (call $none)"
    );
    Odd::new("spin-then-ok").handle(&body).build()
}

/// Calls itself for ever. The sum after the call keeps it from being a loop.
pub fn stack_overflow() -> Vec<u8> {
    let deeper = "(func $deeper (param $depth i32) (result i32)
        (i32.add (call $deeper (i32.add (local.get $depth) (i32.const 1))) (local.get $depth)))";
    Odd::new("stack-overflow").module(deeper).handle("(drop (call $deeper (i32.const 0))) (call $none)").build()
}

/// Asks whether a log level is kept, for ever.
pub fn import_flood() -> Vec<u8> {
    let body = "(loop $again (drop (call $log_enabled (i32.const 2))) (br $again)) (unreachable)";
    Odd::new("import-flood").imports(LOG_ENABLED).handle(body).build()
}

/// Asks whether a log level is kept, twenty thousand times in straight code: no loop, no function of its own, no place where wasm looks up.
pub fn straight_calls() -> Vec<u8> {
    let body = format!("{} (call $none)", "(drop (call $log_enabled (i32.const 2)))".repeat(20_000));
    Odd::new("straight-calls").imports(LOG_ENABLED).handle(&body).build()
}

/// Writes 4 MB of line breaks to the log, again and again.
pub fn newline_flood() -> Vec<u8> {
    let fill = "(local $at i32) (local.set $at (call $filled (i32.const 4000000))) (memory.fill (local.get $at) (i32.const 10) (i32.const 4000000))";
    let body =
        format!("{fill} (loop $again (call $log_write (i32.const 2) (local.get $at) (i32.const 4000000)) (br $again)) (unreachable)");
    Odd::new("newline-flood").imports(LOG_WRITE).handle(&body).build()
}

/// Makes a thousand timers of the host's in each call, drops none and answers well.
pub fn handle_hoard() -> Vec<u8> {
    let again = "(local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $again (i32.lt_u (local.get $n) (i32.const 1000)))";
    let body = format!("(local $n i32) (loop $again (drop (call $subscribe (i64.const -1))) {again}) (call $none)");
    Odd::new("handle-hoard").imports(SUBSCRIBE).handle(&body).build()
}

/// Hands 200 MB of text, one line, to `log.write`. Its cell must be allowed 256 MiB, or the memory limit stops it first.
pub fn import_200mb() -> Vec<u8> {
    long_line("import-200mb", 200_000_000)
}

/// Hands 9 MB of text, one line, to `log.write`: more than an import takes, less than a cell may hold.
pub fn import_9mb() -> Vec<u8> {
    long_line("import-9mb", 9_000_000)
}

fn long_line(id: &str, bytes: u32) -> Vec<u8> {
    let body = format!("(call $log_write (i32.const 2) (call $filled (i32.const {bytes})) (i32.const {bytes})) (call $none)");
    Odd::new(id).imports(LOG_WRITE).handle(&body).build()
}

/// Makes handles of a resource of its own without ever dropping one.
pub fn own_resources() -> Vec<u8> {
    let mint = r#"(import "[export]acme:extra/vault@1.0.0" "[resource-new]token" (func $mint (param i32) (result i32)))"#;
    Odd::new("own-resources")
        .package("package acme:extra@1.0.0; interface vault { resource token; }")
        .export_interface("acme:extra/vault@1.0.0")
        .imports(mint)
        .handle("(loop $again (drop (call $mint (i32.const 1))) (br $again)) (unreachable)")
        .build()
}

/// Makes timers of the host's without ever dropping one.
pub fn host_resources() -> Vec<u8> {
    let body = "(loop $again (drop (call $subscribe (i64.const -1))) (br $again)) (unreachable)";
    Odd::new("host-resources").imports(SUBSCRIBE).handle(body).build()
}

/// Waits for a timer that is due in 584 years.
pub fn block_forever() -> Vec<u8> {
    let body = "(call $block (call $subscribe (i64.const -1))) (call $none)";
    Odd::new("block-forever").imports(SUBSCRIBE).imports(POLLABLE_BLOCK).handle(body).build()
}
