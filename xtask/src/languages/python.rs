//! The Python fixture, made by componentize-py in a virtual environment of its own.
//!
//! The tool's version and the hashes of its wheels are in `requirements.txt`. Costs about 20 s the first time, of which 10 s are the build
//! itself. Fails as pip or componentize-py does.

use std::process::Command;

use anyhow::Result;

use super::Language;
use super::fixture::Workplace;
use crate::step;

pub(super) const LANGUAGE: Language =
    Language { folder: "python", component: "python-echo.wasm", variable: "PLUGBAY_PYTHON_COMPONENT", program: "python3", build };

fn build(workplace: &Workplace) -> Result<()> {
    let folder = &workplace.folder;
    let environment = folder.join("venv");
    workplace.install("requirements.txt", || {
        step::run("python-echo: virtual environment", python("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut pip = python(environment.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]);
        pip.args(["--require-hashes", "--requirement", "requirements.txt"]).current_dir(folder);
        step::run("python-echo: componentize-py from PyPI", &mut pip)
    })?;
    let mut componentize = python(environment.join("bin/componentize-py"));
    componentize.args(["--quiet", "--wit-path", "wit", "--world", "fixture", "componentize", "echo", "--output"]);
    componentize.arg(&workplace.output).env("VIRTUAL_ENV", &environment).current_dir(folder);
    step::run("python-echo: build", &mut componentize)
}

/// A Python program that sees nothing of the caller's own packages.
fn python(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command
}
