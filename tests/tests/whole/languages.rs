//! Plugins in other languages, built by `cargo xtask languages`.

use crate::{compiler, kept};
use plugbay_runtime::{BeforeToolCall, Call, ToolDecision};
use plugbay_tests::lab::{Lab, granted, tool_call};
use serde_json::json;
use std::time::Duration;

/// Loads the component that a variable names and calls it; says so and does nothing where there is none.
async fn echoes(variable: &str, id: &str, language: &str) {
    let Some(path) = std::env::var_os(variable) else {
        eprintln!("skipped: {variable} isn't set; `cargo xtask test` builds the {language} component and sets it");
        return;
    };
    // The compile child gives way to everything else on the machine, and these components are large.
    let lab = Lab::with(compiler(), |settings| {
        settings.compile_limits.time = Duration::from_secs(900);
        settings.cache = Some(kept());
    });
    let lab = lab.unwrap();
    let (plugin, _) = lab.load_built(id, path.to_str().unwrap(), granted()).await.unwrap();
    assert!(lab.log.contains("activated"));
    let none = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("noop", &json!({}))).await.unwrap();
    assert_eq!(none, ToolDecision::default());
    let decision = plugin.call::<BeforeToolCall>(&Call::new(), &tool_call("grep", &json!({}))).await.unwrap();
    assert_eq!(decision.params.unwrap().parse().unwrap(), json!({ "language": language, "tool": "grep" }));
}

#[tokio::test]
async fn a_python_plugin_is_loaded_and_called() {
    echoes("PLUGBAY_PYTHON_COMPONENT", "python-echo", "python").await;
}

#[tokio::test]
async fn a_javascript_plugin_is_loaded_and_called() {
    echoes("PLUGBAY_JS_COMPONENT", "js-echo", "javascript").await;
}
