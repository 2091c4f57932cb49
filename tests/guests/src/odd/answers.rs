//! Plugins whose answers, or whose arguments to an import, are too large or aren't what their type says.

use super::Odd;
use super::template::LOG_WRITE;

/// Answers 200 MB of new arguments, a JSON string. Its cell must be allowed 256 MiB, or the memory limit stops it first.
pub fn result_200mb() -> Vec<u8> {
    long_params("result-200mb", 200_000_000)
}

/// Answers 9 MB of new arguments, a JSON string: more than a call may bring, less than a cell may hold.
pub fn result_9mb() -> Vec<u8> {
    long_params("result-9mb", 9_000_000)
}

fn long_params(id: &str, bytes: u32) -> Vec<u8> {
    Odd::new(id).handle(&format!("(call $answer_params (call $json_string (i32.const {bytes})) (i32.const {bytes}))")).build()
}

/// Answers a million attributes, each `("k", "1")`.
pub fn million_records() -> Vec<u8> {
    // A tuple of two strings is four words: pointer, length, pointer, length.
    let body = "(local $first i32) (local $at i32) (local $end i32)
        (local.set $first (call $take (i32.const 16000000) (i32.const 16)))
        (local.set $end (i32.add (local.get $first) (i32.const 16000000)))
        (local.set $at (local.get $first))
        (loop $more
          (i32.store (local.get $at) (global.get $key))
          (i32.store offset=4 (local.get $at) (global.get $key_len))
          (i32.store offset=8 (local.get $at) (global.get $value))
          (i32.store offset=12 (local.get $at) (global.get $value_len))
          (br_if $more (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
        (call $answer_attrs (local.get $first) (i32.const 1000000))";
    Odd::new("million-records").text("key", "k").text("value", "1").handle(body).build()
}

/// Asks for an approval with a million possible decisions, all of them `allow-once`.
pub fn million_decisions() -> Vec<u8> {
    let body = "(local $at i32)
        (local.set $at (call $take (i32.const 1000000) (i32.const 16)))
        (memory.fill (local.get $at) (i32.const 0) (i32.const 1000000))
        (call $answer_decisions (local.get $at) (i32.const 1000000))";
    Odd::new("million-decisions").handle(body).build()
}

/// Hands `log.write` a text that lies beyond its memory, so that the host call traps.
pub fn trap_in_host_call() -> Vec<u8> {
    let body = "(call $log_write (i32.const 2) (i32.const 0xffff0000) (i32.const 100)) (call $none)";
    Odd::new("trap-in-host-call").imports(LOG_WRITE).handle(body).build()
}

/// Hands `log.write` a text that isn't UTF-8.
pub fn invalid_utf8() -> Vec<u8> {
    let body = "(call $log_write (i32.const 2) (global.get $bad) (global.get $bad_len)) (call $none)";
    Odd::new("invalid-utf8").imports(LOG_WRITE).text("bad", [0xff, 0xfe, 0x80]).handle(body).build()
}

/// Answers new arguments that aren't UTF-8.
pub fn result_invalid_utf8() -> Vec<u8> {
    params("result-invalid-utf8", [0x22, 0xff, 0xfe, 0x22])
}

/// Answers a `result` that is neither ok nor err: its discriminant is 7.
pub fn result_bad_discriminant() -> Vec<u8> {
    let body = "(local $at i32) (i32.store8 (local.tee $at (call $none)) (i32.const 7)) (local.get $at)";
    Odd::new("result-bad-discriminant").handle(body).build()
}

/// Says that its answer lies beyond its memory.
pub fn result_out_of_bounds() -> Vec<u8> {
    Odd::new("result-out-of-bounds").handle("(i32.const 0xfffffff0)").build()
}

/// Says that its answer lies at an address that isn't aligned.
pub fn result_misaligned() -> Vec<u8> {
    Odd::new("result-misaligned").handle("(i32.add (call $none) (i32.const 1))").build()
}

/// Answers new arguments that aren't JSON.
pub fn params_not_json() -> Vec<u8> {
    params("params-not-json", "{")
}

/// Answers new arguments that are JSON, an object, and nested 41 deep.
pub fn params_too_deep() -> Vec<u8> {
    params("params-too-deep", format!("{{\"deep\":{}{}}}", "[".repeat(40), "]".repeat(40)))
}

fn params(id: &str, bytes: impl Into<Vec<u8>>) -> Vec<u8> {
    Odd::new(id).text("params", bytes).handle("(call $answer_params (global.get $params) (global.get $params_len))").build()
}
