//! Plugins that go wrong before they serve: at the core module's start, in `describe`, in `activate`.
//!
//! All of them are refused at load, except [`writes_in_activate`], which is fine.

use super::Odd;
use super::template::{LOG_WRITE, POLLABLE_DROP, POLLABLE_READY, SUBSCRIBE};

/// Traps while it is instantiated.
pub fn trap_in_start() -> Vec<u8> {
    Odd::new("trap-in-start").start("(unreachable)").build()
}

/// Turns for ever while it is instantiated.
pub fn spin_in_start() -> Vec<u8> {
    Odd::new("spin-in-start").start("(loop $again (br $again))").build()
}

/// Traps in `describe`.
pub fn trap_in_describe() -> Vec<u8> {
    Odd::new("trap-in-describe").describe_body("(unreachable)").build()
}

/// Turns for ever in `describe`.
pub fn describe_loops() -> Vec<u8> {
    Odd::new("describe-loops").describe_body("(loop $again (br $again)) (unreachable)").build()
}

/// Answers another `describe` each time. In a sealed cell only the passing of time shows, so it counts how often it can ask whether a
/// timer of a millisecond is due, three times, and puts the counts into numbers that the schema allows. At most 9,006 host calls.
pub fn describe_differs() -> Vec<u8> {
    const JSON: &str = r#"{"hooks":[{"hook":"before-tool-call","priority":000000,"budget-ms":00000}]}"#;
    let end_of = |zeros: &str| JSON.find(zeros).unwrap_or_default() + zeros.len();
    let (priority, budget) = (end_of(":000000"), end_of(":00000}") - 1);
    let body = format!(
        "(call $digits (i32.add (global.get $describe) (i32.const {priority}))
           (i32.add (i32.const 100000) (i32.add (i32.mul (call $race) (i32.const 299)) (i32.rem_u (call $race) (i32.const 299)))))
         (call $digits (i32.add (global.get $describe) (i32.const {budget})) (i32.add (i32.const 10000) (call $race)))
         (call $text (global.get $describe) (global.get $describe_len))"
    );
    let imports = [SUBSCRIBE, POLLABLE_READY, POLLABLE_DROP].concat();
    Odd::new("describe-differs").imports(&imports).module(RACE).describe(JSON).describe_body(&body).build()
}

/// `$race`: how many checks, of 3,000 at most, a timer of a millisecond takes. `$digits`: a number in decimal, ending before `$end`.
const RACE: &str = "
  (func $race (result i32)
    (local $timer i32) (local $checks i32) (local $turns i32)
    (local.set $timer (call $subscribe (i64.const 1000000)))
    (block $due (loop $check
      (local.set $checks (i32.add (local.get $checks) (i32.const 1)))
      (local.set $turns (i32.const 4096))
      (loop $turn (br_if $turn (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
      (br_if $due (call $ready (local.get $timer)))
      (br_if $check (i32.lt_u (local.get $checks) (i32.const 3000)))))
    (call $drop_timer (local.get $timer))
    (local.get $checks))
  (func $digits (param $end i32) (param $value i32)
    (loop $more
      (local.set $end (i32.sub (local.get $end) (i32.const 1)))
      (i32.store8 (local.get $end) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
      (br_if $more (local.tee $value (i32.div_u (local.get $value) (i32.const 10))))))";

/// `describe` names a hook that isn't exported.
pub fn describe_names_absent_hook() -> Vec<u8> {
    Odd::new("describe-names-absent-hook").describe(r#"{"hooks":[{"hook":"message-received"}]}"#).build()
}

/// `describe` names one hook twice.
pub fn describe_repeats() -> Vec<u8> {
    let json = r#"{"hooks":[{"hook":"before-tool-call","priority":1},{"hook":"before-tool-call","priority":2}]}"#;
    Odd::new("describe-repeats").describe(json).build()
}

/// `describe` answers JSON with a key that the schema doesn't know.
pub fn describe_refused_by_schema() -> Vec<u8> {
    Odd::new("describe-refused-by-schema").describe(r#"{"superpowers":["flight"]}"#).build()
}

/// `describe` answers half a JSON text.
pub fn describe_not_json() -> Vec<u8> {
    Odd::new("describe-not-json").describe(r#"{"hooks":["#).build()
}

/// `describe` answers 9 MB of JSON that says nothing: an object with white space in it.
pub fn describe_huge() -> Vec<u8> {
    let body = "(local $at i32)
        (local.set $at (call $take (i32.const 9000000) (i32.const 16)))
        (memory.fill (local.get $at) (i32.const 32) (i32.const 9000000))
        (i32.store8 (local.get $at) (i32.const 123))
        (i32.store8 offset=8999999 (local.get $at) (i32.const 125))
        (call $text (local.get $at) (i32.const 9000000))";
    Odd::new("describe-huge").describe_body(body).build()
}

/// Traps in `activate`.
pub fn trap_in_activate() -> Vec<u8> {
    Odd::new("trap-in-activate").activate("(unreachable)").build()
}

/// Writes a line to the log in `activate`, which is allowed: it changes nothing.
pub fn writes_in_activate() -> Vec<u8> {
    let body = "(call $log_write (i32.const 2) (global.get $line) (global.get $line_len)) (call $none)";
    Odd::new("writes-in-activate").imports(LOG_WRITE).text("line", "written in activate").activate(body).build()
}

/// A schema for its settings of twenty-five levels, each of which refers to the next one twice.
pub fn schema_doubles() -> Vec<u8> {
    let level = |n: u32| format!(r##""A{n}":{{"allOf":[{{"$ref":"#/$defs/A{next}"}},{{"$ref":"#/$defs/A{next}"}}]}}"##, next = n + 1);
    let levels: Vec<String> = (0..25).map(level).collect();
    let schema = format!(r##"{{"$ref":"#/$defs/A0","$defs":{{{},"A25":{{"required":["x"]}}}}}}"##, levels.join(","));
    Odd::new("schema-doubles").describe(format!(r#"{{"config":{schema}}}"#)).build()
}

/// A schema for its settings that is part of itself.
pub fn schema_in_itself() -> Vec<u8> {
    Odd::new("schema-in-itself").describe(r##"{"config":{"anyOf":[{},{"$ref":"#"},{"$ref":"#"}]}}"##).build()
}

/// A schema for its settings whose pattern takes gigabytes to compile.
pub fn schema_pattern() -> Vec<u8> {
    Odd::new("schema-pattern").describe(r#"{"config":{"pattern":"((a{100}){100}){100}"}}"#).build()
}
