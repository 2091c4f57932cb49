//! What an embedder's program looks like: plugins are loaded, asked, replaced while they are asked, stopped and refused, in one process that is never
//! restarted.
//!
//! `cargo run -p plugbay-runtime --example embed` runs it. A whole gateway, with sessions and turns, is the example of `plugbay-gateway`; agents at work on
//! the real program are what `cargo xtask tour` shows.

use anyhow::{Context, Result};
use plugbay_guests::built;
use plugbay_runtime::engine::{CacheSettings, CallError, CompileIn, Cpu, Engine, EngineSettings, serve_compile_child};
use plugbay_runtime::state::{Sqlite, SqliteSettings};
use plugbay_runtime::{BeforeToolCall, Call, Fired, Grant, Grants, Payload, Plugins, Session, Settings, ToolCall, ToolDecision};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

fn main() -> ExitCode {
    // The program is its own compiler: the engine starts it again, as a child with bounded time and memory.
    if let Some(done) = serve_compile_child() {
        return done;
    }
    match shown() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn shown() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("plugbay-embed-{}", std::process::id()));
    let shown = show(&folder).await;
    fs::remove_dir_all(&folder)?;
    shown
}

async fn show(folder: &Path) -> Result<()> {
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins)?;
    for (id, built) in [("shell-guard", built::SHELL_GUARD), ("keyword-watch", built::KEYWORD_WATCH), ("echo", built::ECHO_ONE)] {
        fs::copy(built, plugins.join(format!("{id}.wasm")))?;
    }

    let mut settings = EngineSettings::new(CompileIn::Child(std::env::current_exe()?));
    settings.cache = Some(CacheSettings { folder: folder.join("cache"), key: folder.join("cache.key") });
    let state = Sqlite::open(SqliteSettings::new(folder.join("state")))?;
    let host = Plugins::new(Engine::new(settings)?, Arc::new(state))?;

    println!("1. A folder of plugins is loaded.\n");
    for loaded in host.load_folder(&plugins, policy).await? {
        let (plugin, _) = loaded?;
        let generation = plugin.generation().context("it doesn't serve")?;
        let hooks: Vec<_> = generation.surface().hooks().map(|h| h.name).collect();
        println!("   {} {}: {}", plugin.id(), generation.manifest().version, hooks.join(", "));
    }

    println!("\n2. One blocks a tool call.\n");
    ask(&host, "shell-guard", "shell", json!({ "command": "ls -l" })).await?;
    ask(&host, "shell-guard", "shell", json!({ "command": "git push origin main" })).await?;
    ask(&host, "shell-guard", "shell", json!({ "command": "rm -rf /" })).await?;

    println!("\n3. One is replaced by another version, while it is being called.\n");
    ask(&host, "echo", "any", json!({})).await?;
    fs::copy(built::ECHO_TWO, plugins.join("echo.wasm"))?;
    // This call takes a tenth of a second. It began on the old version, and ends there.
    let under_way = ask(&host, "echo", "nap", json!({}));
    let replaced = async {
        tokio::task::yield_now().await; // the call goes first
        host.load(&plugins.join("echo.wasm"), policy("echo")).await
    };
    let (under_way, replaced) = tokio::join!(under_way, replaced);
    under_way?;
    let serving = replaced?.0.generation().context("it doesn't serve")?;
    println!("   echo {} serves now", serving.manifest().version);
    ask(&host, "echo", "any", json!({})).await?;

    println!("\n4. One loops for ever and is stopped; it and the others go on.\n");
    fs::copy(built::MISCHIEF, plugins.join("mischief.wasm"))?;
    host.load(&plugins.join("mischief.wasm"), policy("mischief")).await?;
    ask(&host, "mischief", "spin", json!({})).await?;
    ask(&host, "mischief", "ok", json!({})).await?;
    ask(&host, "shell-guard", "shell", json!({ "command": "ls -l" })).await?;

    println!("\n5. A file that is no plugin is refused, with the reason.\n");
    fs::write(plugins.join("letter.wasm"), "Dear host, please run me.")?;
    let refused = host.load(&plugins.join("letter.wasm"), policy("letter")).await.err().context("it was loaded")?;
    println!("   step `{}`: {}", refused.step, refused.reason);
    Ok(())
}

/// What an operator would decide.
fn policy(plugin: &str) -> Settings {
    let mut settings = Settings { grants: Grants::granting([Grant::Conversation]), ..Settings::default() };
    let config = match plugin {
        "shell-guard" => json!({ "forbid": ["rm -rf", "sudo"], "ask": ["git push"] }),
        "keyword-watch" => json!({ "words": ["outage", "urgent"] }),
        "mischief" => json!({ "token": "never shown" }),
        _ => Value::Null,
    };
    if let Value::Object(config) = config {
        settings.config = config;
    }
    settings.limits.cpu = Cpu::Fixed(Duration::from_millis(200));
    settings
}

/// Asks a plugin about a tool call and prints what it says.
async fn ask(host: &Plugins, id: &str, tool: &str, params: Value) -> Result<()> {
    let plugin = host.get(id).with_context(|| format!("no plugin {id}"))?;
    let call = Call::new().session(Session::new("main", "first"));
    println!("   {id}, about {tool}({params})?");
    let event = Fired::new(ToolCall { tool: tool.to_owned(), params: Payload::of(&params), call_id: None, attrs: Vec::new() });
    println!("     {}", in_words(plugin.call::<BeforeToolCall>(&call, &event).await));
    Ok(())
}

fn in_words(answer: Result<ToolDecision, CallError>) -> String {
    match answer {
        Ok(ToolDecision { block: Some(reason), .. }) => format!("blocked: {reason}"),
        Ok(ToolDecision { approval: Some(question), .. }) => format!("ask first: {}", question.title),
        Ok(ToolDecision { params: Some(params), .. }) => format!("with other arguments: {params}"),
        Ok(_) => "no objection".to_owned(),
        Err(error) => format!("stopped: {error}"),
    }
}
