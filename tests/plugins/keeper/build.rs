//! Takes the context engine out of docs/authors.md, so that what authors read is what runs: the code block with the plugin `keeper`, up to the comment with which its own test begins.

use std::path::Path;
use std::{env, fs};

const PAGE: &str = "../../../docs/authors.md";
const PLUGIN: &str = r#"#[plugin(id = "keeper""#;
const ITS_TEST: &str = "\n// A conversation of";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = fs::read_to_string(PAGE).map_err(|e| format!("{PAGE}: {e}"))?;
    let blocks = page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
    let engine = blocks.filter(|block| block.contains(PLUGIN)).find_map(|block| Some(block.split_once(ITS_TEST)?.0));
    let engine = engine.ok_or_else(|| format!("{PAGE} has no engine `keeper`, or no test behind it"))?;
    let folder = env::var("OUT_DIR").map_err(|e| e.to_string())?;
    fs::write(Path::new(&folder).join("keeper.rs"), engine).map_err(|e| e.to_string())
}
