//! The commands that change a plugin: each returns when its effect is live, and says which generation serves.

use super::End;
use super::console::{Console, Step};
use super::file::Component;
use crate::api::types::{Because, GrantsPatch, RollbackTo};
use crate::client::{Content, Route};
use anyhow::Result;
use clap::Args;
use hyper::Method;
use std::path::PathBuf;

/// Why a change is made.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    pub(super) why: Option<String>,
}

/// A plugin, and why something is done to it.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The plugin.
    #[arg(value_parser = super::id)]
    pub(super) id: String,
    #[command(flatten)]
    why: Why,
}

/// What can be done to a plugin without saying more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Enable,
    Disable,
    Reset,
}

impl Target {
    pub(crate) async fn run(self, deed: Deed, console: &Console) -> Result<End> {
        let Self { id, why: Why { why } } = self;
        let (doing, aside) = deed.words(&id);
        let step = Step { doing: &doing, aside, plugin: Some(&id) };
        console.change(&step, Method::POST, &Route::v1(&["plugins", &id, deed.verb()]), &Because { why }).await
    }
}

impl Deed {
    /// As the route has it.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Reset => "reset",
        }
    }

    /// While it is done to a plugin, and what is so when nothing of the plugin serves after it.
    pub(super) fn words(self, id: &str) -> (String, &'static str) {
        match self {
            Self::Enable => (format!("enabling {id}"), "is enabled, and nothing of it serves"),
            Self::Disable => (format!("disabling {id}"), "is disabled"),
            Self::Reset => (format!("resetting {id}"), "is reset, and nothing of it serves"),
        }
    }
}

/// Installs a plugin, or another version of it.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The plugin's file.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// Grant it this; can be said again.
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<String>,
    /// Deny it this; can be said again.
    #[arg(long = "deny", value_name = "GRANT")]
    denials: Vec<String>,
    /// Install it although other plugins would block that; the history says so.
    #[arg(long)]
    skip_gates: bool,
    #[command(flatten)]
    why: Why,
}

impl Install {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let component = Component::read(&self.file)?;
        let doing = format!("installing {}", component.name());
        let step = Step { doing: &doing, aside: "is installed, and nothing of it serves", plugin: None };
        let route = Route::v1(&["plugins"]).with_all("grant", self.grants).with_all("deny", self.denials).with_all("why", self.why.why);
        let route = route.with_all("skip_gates", self.skip_gates.then_some(true));
        console.send(&step, Method::POST, &route, Content::Component(component.bytes)).await
    }
}

/// Ends a plugin for good.
#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    #[command(flatten)]
    target: Target,
    /// Delete what it stored, too.
    #[arg(long)]
    purge: bool,
}

impl Uninstall {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let Self { target: Target { id, why: Why { why } }, purge } = self;
        let doing = format!("uninstalling {id}");
        let step = Step { doing: &doing, aside: "is uninstalled", plugin: Some(&id) };
        let route = Route::v1(&["plugins", &id]).with_all("purge", purge.then_some(true)).with_all("why", why);
        console.send(&step, Method::DELETE, &route, Content::Empty).await
    }
}

/// Goes back to a version that ran before.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    target: Target,
    /// The version's digest, or its beginning. Left out: the last version that didn't fail.
    #[arg(long = "to", value_name = "DIGEST")]
    to: Option<String>,
}

impl Rollback {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let Self { target: Target { id, why: Why { why } }, to: digest } = self;
        let doing = format!("rolling {id} back");
        let step = Step { doing: &doing, aside: "is rolled back, and nothing of it serves", plugin: Some(&id) };
        console.change(&step, Method::POST, &Route::v1(&["plugins", &id, "rollback"]), &RollbackTo { digest, why }).await
    }
}

/// Lets a plugin do something.
#[derive(Debug, Args)]
pub(crate) struct Grants {
    #[command(flatten)]
    target: Target,
    /// What is decided on.
    #[arg(value_name = "GRANT", required = true)]
    grants: Vec<String>,
}

impl Grants {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        self.decide(Some(true), console).await
    }

    async fn decide(self, decision: Option<bool>, console: &Console) -> Result<End> {
        let Self { target: Target { id, why: Why { why } }, grants } = self;
        let doing = format!("deciding what {id} may do");
        let step = Step { doing: &doing, aside: "is decided on, and nothing of it serves", plugin: Some(&id) };
        let grants = grants.into_iter().map(|grant| (grant, decision)).collect();
        console.change(&step, Method::PATCH, &Route::v1(&["plugins", &id, "grants"]), &GrantsPatch { grants, why }).await
    }
}

/// Keeps a plugin from doing something.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    grants: Grants,
    /// Forget what was decided, rather than deny: where that matters, the plugin is held.
    #[arg(long)]
    undecided: bool,
}

impl Revoke {
    pub(crate) async fn run(self, console: &Console) -> Result<End> {
        let decision = if self.undecided { None } else { Some(false) };
        self.grants.decide(decision, console).await
    }
}
