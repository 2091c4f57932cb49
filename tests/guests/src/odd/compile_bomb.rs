//! A small plugin that takes minutes to compile.
//!
//! Made with the encoder in a few milliseconds; what it costs, it costs whoever compiles it.

use wasm_encoder::{BlockType, CodeSection, ExportKind, ExportSection, Function, FunctionSection, Module, TypeSection, ValType};

use super::append::Growing;
use super::binaries::Random;
use super::{OddError, good, made};

/// How deep the loops nest.
const LOOPS: u32 = 900;
/// How many locals the function has; the format allows 50,000.
const LOCALS: u32 = 49_000;
/// How many times locals are mixed and a loop is perhaps begun again. With so many it takes minutes within half a gigabyte; with 6,000 the
/// memory would run out first.
const STEPS: u32 = 2_500;

/// A good plugin with one more core module: one function, 900 nested loops, 49,000 locals, and jumps between them at random. The register
/// allocator and the rewriting into single assignments have to carry every local through every loop.
pub fn compile_bomb() -> Vec<u8> {
    made(bomb())
}

fn bomb() -> Result<Vec<u8>, OddError> {
    let mut growing = Growing::new(good("compile-bomb"))?;
    let module = growing.module(&knot().finish());
    growing.instance(module, &[]);
    Ok(growing.finish())
}

/// The module with the one function.
fn knot() -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    exports.export("knot", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    code.function(&tangled());
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module
}

fn tangled() -> Function {
    let mut random = Random(1);
    let mut function = Function::new([(LOCALS, ValType::I32)]);
    let mut body = function.instructions();
    for _ in 0..LOOPS {
        body.loop_(BlockType::Empty);
    }
    for _ in 0..STEPS {
        let [a, b, c, d] = std::array::from_fn(|_| random.below(LOCALS));
        body.local_get(a).local_get(b).i32_add().local_set(c).local_get(d).br_if(random.below(LOOPS));
    }
    for _ in 0..=LOOPS {
        body.end();
    }
    function
}
