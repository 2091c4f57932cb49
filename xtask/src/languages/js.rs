//! The JavaScript fixture, made by componentize-js from npm.
//!
//! The versions and hashes of all packages are in `package-lock.json`; no package runs a script while it is installed. Costs about 30 s
//! the first time, of which 15 s are the build itself. Fails as npm or componentize-js does, and where node is there without npm.

use std::process::Command;

use anyhow::Result;

use super::Language;
use super::fixture::Workplace;
use crate::step;

pub(super) const LANGUAGE: Language =
    Language { folder: "js", component: "js-echo.wasm", variable: "PLUGBAY_JS_COMPONENT", program: "node", build };

fn build(workplace: &Workplace) -> Result<()> {
    let folder = &workplace.folder;
    workplace.install("package-lock.json", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
        step::run("js-echo: componentize-js from npm", &mut npm)
    })?;
    step::run("js-echo: build", Command::new("node").arg("build.mjs").arg(&workplace.output).current_dir(folder))
}
