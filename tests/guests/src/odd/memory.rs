//! Plugins that want more memory, tables or instances than a cell may have, and such whose allocator lies.
//!
//! The bombs write to what they get, so that it counts as resident. They fail as a trap, after growth was refused.

use super::append::Growing;
use super::{Odd, OddError, good, made};

/// Turns for ever in `cabi_realloc`, where the host asks for room for the event.
pub fn realloc_loops() -> Vec<u8> {
    Odd::new("realloc-loops").realloc("(loop $again (br $again)) (unreachable)").build()
}

/// `cabi_realloc` answers an address that isn't aligned as asked.
pub fn realloc_lies_misaligned() -> Vec<u8> {
    let body =
        "(i32.add (call $good_realloc (local.get $old) (local.get $had) (local.get $align) (i32.add (local.get $size) (i32.const 1)))
        (i32.const 1))";
    Odd::new("realloc-lies-misaligned").realloc(body).build()
}

/// `cabi_realloc` answers an aligned address beyond the end of the memory.
pub fn realloc_lies_out_of_range() -> Vec<u8> {
    Odd::new("realloc-lies-out-of-range").realloc("(i32.const 0xfffffff0)").build()
}

/// Grows four memories of one core module in turn until none grows any more, then traps.
pub fn memory_bomb_many() -> Vec<u8> {
    let grow = |memory: &str| {
        format!(
            "(if (i32.ne (local.tee $had (memory.grow {memory} (i32.const 1))) (i32.const -1)) (then
               (memory.fill {memory} (i32.shl (local.get $had) (i32.const 16)) (i32.const 1) (i32.const 65536))
               (local.set $grew (i32.const 1))))"
        )
    };
    let rounds: String = ["0", "$second", "$third", "$fourth"].map(grow).concat();
    let body = format!(
        "(local $had i32) (local $grew i32)
         (loop $more (local.set $grew (i32.const 0)) {rounds} (br_if $more (local.get $grew)))
         (unreachable)"
    );
    Odd::new("memory-bomb-many").module("(memory $second 0) (memory $third 0) (memory $fourth 0)").handle(&body).build()
}

/// Grows the memories of four core instances in turn until none grows any more, then traps.
pub fn memory_bomb_instances() -> Vec<u8> {
    made(bomb_of_instances())
}

fn bomb_of_instances() -> Result<Vec<u8>, OddError> {
    let grow = |slot: u32| format!("(local.set $grew (i32.or (local.get $grew) (call_indirect (type $grow) (i32.const {slot}))))");
    let rounds: String = (0..4).map(grow).collect();
    let body =
        format!("(local $grew i32) (loop $more (local.set $grew (i32.const 0)) {rounds} (br_if $more (local.get $grew))) (unreachable)");
    let own = r#"(type $grow (func (result i32))) (table (export "slots") 4 funcref) (elem (i32.const 0) $grow_page)"#;
    let plugin = Odd::new("memory-bomb-instances").module(own).module(GROW_PAGE).handle(&body).try_build()?;
    let mut growing = Growing::new(plugin)?;
    for slot in 1..4 {
        let helper =
            format!(r#"(module (import "main" "slots" (table 4 funcref)) (memory 0) (elem (i32.const {slot}) $grow_page) {GROW_PAGE})"#);
        let module = growing.module_text(&helper)?;
        growing.instance(module, &[("main", growing.main())]);
    }
    Ok(growing.finish())
}

/// Grows the memory by a page, writes to it and says 1; or 0 where growth is refused.
const GROW_PAGE: &str = "(func $grow_page (result i32)
    (local $had i32)
    (if (result i32) (i32.eq (local.tee $had (memory.grow (i32.const 1))) (i32.const -1))
      (then (i32.const 0))
      (else (memory.fill (i32.shl (local.get $had) (i32.const 16)) (i32.const 1) (i32.const 65536)) (i32.const 1))))";

/// Grows a table until it is refused, then traps.
pub fn table_bomb() -> Vec<u8> {
    let body = "(loop $more (br_if $more (i32.ne (table.grow $bomb (ref.null func) (i32.const 1024)) (i32.const -1)))) (unreachable)";
    Odd::new("table-bomb").module("(table $bomb 1 funcref)").handle(body).build()
}

/// Needs six memories: its own and those of five more core instances.
pub fn too_many_memories() -> Vec<u8> {
    made(crowded("too-many-memories", "(module (memory 1))", 5))
}

/// Needs 34 tables, two for each of 17 more core instances.
pub fn too_many_tables() -> Vec<u8> {
    made(crowded("too-many-tables", "(module (table 1 funcref) (table 1 funcref))", 17))
}

/// Needs 34 core instances: its own and 33 empty ones.
pub fn too_many_instances() -> Vec<u8> {
    made(crowded("too-many-instances", "(module)", 33))
}

/// A good plugin with so many instances of a core module beside its own.
fn crowded(id: &str, module: &str, instances: usize) -> Result<Vec<u8>, OddError> {
    let mut growing = Growing::new(good(id))?;
    let module = growing.module_text(module)?;
    for _ in 0..instances {
        growing.instance(module, &[]);
    }
    Ok(growing.finish())
}
