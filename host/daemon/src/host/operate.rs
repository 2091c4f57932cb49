//! What operators do: deciding, changing, calling. Each command answers when its effect is live, or says why there is none.

use super::alongside::{self, Files};
use super::settle::wanted;
use super::{By, Failure, Host, Kind, views};
use crate::api::types::{Changed, HookAnswer, HookCall, SlotView};
use crate::config::{ConfigFile, Edit, Edited, SLOTS};
use plugbay_runtime::engine::Digest;
use plugbay_runtime::state::{Fact, Record, StateStore};
use plugbay_runtime::{Alongside, Call, Done, Grant, LoadError, Order, Plugin, PluginId, Session, Standing};
use std::collections::BTreeMap;

impl By {
    /// Somebody.
    #[must_use]
    pub fn new(who: impl Into<String>) -> Self {
        Self { who: who.into(), why: None }
    }

    /// With a reason.
    #[must_use]
    pub fn because(self, why: Option<String>) -> Self {
        Self { why, ..self }
    }

    pub(super) fn order(&self) -> Order {
        Order { why: self.why.clone(), ..Order::by(&self.who) }
    }
}

impl Host {
    /// Switches a plugin on or off.
    ///
    /// # Errors
    /// If there is none of this id, or it can't be done. Then nothing is changed.
    pub async fn switch(&self, id: &str, on: bool, by: By) -> Result<Changed, Failure> {
        let plugin = self.plugin(id)?;
        let id = plugin.id().clone();
        let _editing = self.0.editing.lock().await;
        let source = self.file_if_there(&id);
        if on && source.is_none() && plugin.listing().standing == Standing::Missing {
            let why =
                format!("plugin `{id}` can't be switched on: it is missing; put {} back, or install it", self.file_path(&id).display());
            return Err(Failure::new(Kind::Conflict, "missing", why));
        }
        let before = self.config();
        let (file, edited) = self.edited(&[Edit::Enabled { plugin: id.clone(), enabled: on }]).await?;
        let wanted = wanted(&id, source, edited.config.plugin(&id));
        let order = by.order().with(self.configured(file, edited).await?);
        let went = self.plugins().apply(id.clone(), wanted, order).await;
        self.take_over(&before, &by, None).await;
        Ok(self.changed(&id, went?))
    }

    /// Goes back to a version that ran before.
    ///
    /// # Errors
    /// If there is none, or it is refused. What serves goes on. A plugin that is switched off or missing is left so.
    pub async fn roll_back(&self, id: &str, to: Option<&str>, by: By) -> Result<Changed, Failure> {
        let plugin = self.plugin(id)?;
        let (listing, id) = (plugin.listing(), plugin.id());
        if matches!(listing.standing, Standing::Disabled | Standing::Missing) {
            let why = listing.why.unwrap_or_default();
            let why = format!("plugin `{id}` is {}, and a rollback would let it serve: {why}", listing.standing);
            return Err(Failure::new(Kind::Conflict, listing.standing.name(), why));
        }
        let to = to.map(|prefix| version(&plugin, prefix)).transpose()?;
        let done = self.plugins().roll_back(id.clone(), to, by.order()).await?;
        Ok(self.changed(id, done))
    }
    /// Ends a plugin's quarantine, and closes its breaker.
    ///
    /// # Errors
    /// If there is none of this id, or the state can't be written.
    pub async fn reset(&self, id: &str, by: By) -> Result<Changed, Failure> {
        let id = self.plugin(id)?.id().clone();
        let done = self.plugins().reset(id.clone(), by.order()).await?;
        if self.gateway().contexts().reset(&id) {
            tracing::info!(plugin = %id, who = by.who, "it serves as context engine again");
        }
        Ok(self.changed(&id, done))
    }

    /// Decides about grants. The decision holds whatever the plugin makes of it; the answer says what that was.
    ///
    /// # Errors
    /// If there is no such plugin or grant, or the decision can't be written. Then nothing is changed.
    pub async fn decide(&self, id: &str, decisions: &BTreeMap<String, Option<bool>>, by: By) -> Result<Changed, Failure> {
        let id = self.plugin(id)?.id().clone();
        let facts = decisions.iter().map(|(grant, decision)| decided(&by, &id, grant, *decision)).collect();
        self.set(&id, &grant_edits(&id, decisions)?, facts, by).await
    }

    /// Changes limits of a plugin. What is decided holds; the answer says what the plugin made of it.
    ///
    /// # Errors
    /// If there is no such plugin or limit, or it can't be written. Then nothing is changed.
    pub async fn limit(&self, id: &str, limits: &BTreeMap<String, Option<String>>, by: By) -> Result<Changed, Failure> {
        let id = self.plugin(id)?.id().clone();
        let edit =
            |(limit, value): (&String, &Option<String>)| Edit::Limit { plugin: id.clone(), limit: limit.clone(), value: value.clone() };
        let edits: Vec<_> = limits.iter().map(edit).collect();
        let told = |(limit, value): (&String, &Option<String>)| format!("{limit} = {}", value.as_deref().unwrap_or("the default"));
        let why = limits.iter().map(told).collect::<Vec<_>>().join(", ");
        let fact = Fact {
            plugin: Some(id.to_string()),
            why: Some(by.why.clone().map_or(why.clone(), |w| format!("{why}: {w}"))),
            ..Fact::new(&by.who, "limits")
        };
        self.set(&id, &edits, vec![fact], by).await
    }

    /// Gives a slot to a plugin, or to the host itself. Whoever is wanted may still have to come; the answer says who serves.
    ///
    /// # Errors
    /// If there is no such slot, the name is no id, or it can't be written. Then nothing is changed.
    pub async fn fill(&self, slot: &str, plugin: Option<String>, by: By) -> Result<SlotView, Failure> {
        let known = || SLOTS.iter().map(|(name, _)| *name);
        let named = SLOTS.iter().find(|(name, _)| *name == slot).map(|(_, named)| *named);
        let named = named.ok_or_else(|| Failure::not_found("slot", slot, known()))?;
        let plugin = plugin.map(PluginId::try_from).transpose().map_err(|e| Failure::invalid(e.to_string()))?;
        let _editing = self.0.editing.lock().await;
        let before = self.config();
        let (file, edited) = self.edited(&[Edit::Slot { slot: named, plugin: plugin.clone() }]).await?;
        let why = by.why.as_ref().map_or_else(|| slot.to_owned(), |why| format!("{slot}: {why}"));
        let fact = Fact { plugin: plugin.map(|id| id.to_string()), why: Some(why), ..Fact::new(&by.who, "slot") };
        let recorded = self.record(self.configured(file, edited).await?, vec![fact]).await;
        self.take_over(&before, &by, None).await;
        recorded.map(|()| self.slot())
    }

    /// Fires a hook at one plugin.
    ///
    /// # Errors
    /// If there is no such plugin or hook, the event isn't one of it, or the plugin has no answer.
    pub async fn call(&self, id: &str, hook: &str, asked: HookCall) -> Result<HookAnswer, Failure> {
        let plugin = self.plugin(id)?;
        let call = asked.session.map_or_else(Call::new, |key| Call::new().session(Session::new(key.clone(), key)));
        let outcome = plugin.call_in_json(hook, &call, asked.event).await?;
        Ok(HookAnswer { generation: plugin.generation().map_or(0, |g| g.number()), outcome })
    }

    /// Changes the configuration, tells the history, and settles the plugin: the change holds even if the plugin is refused with it.
    async fn set(&self, id: &PluginId, edits: &[Edit], facts: Vec<Fact>, by: By) -> Result<Changed, Failure> {
        let _editing = self.0.editing.lock().await;
        let (before, served) = (self.config(), self.generation(id));
        let (file, edited) = self.edited(edits).await?;
        let recorded = self.record(self.configured(file, edited).await?, facts).await;
        // The plugin itself is settled here, by who asked.
        self.take_over(&before, &by, recorded.is_ok().then_some(id)).await;
        recorded?;
        match self.settle(id, by.order()).await {
            Ok(done) => Ok(self.changed_since(served, id, done)),
            Err(e) if e.reason.is_held() => Ok(self.waits(id, "held", &e)),
            Err(e) => Ok(self.waits(id, "refused", &e)),
        }
    }

    /// Changes files and tells the history, all or nothing.
    pub(super) async fn record(&self, files: Files, events: Vec<Fact>) -> Result<(), Failure> {
        let undone = events.iter().map(|fact| Fact { what: "undone".to_owned(), ..fact.clone() }).collect();
        self.tell(Record { documents: files.documents(), events }).await?;
        let committed = tokio::task::spawn_blocking(move || Box::new(files).commit()).await.map_err(Failure::internal)?;
        if let Err(why) = committed {
            self.tell(Record { documents: vec![alongside::forgotten()], events: undone }).await?;
            return Err(Failure::new(Kind::Conflict, "conflict", why));
        }
        Ok(())
    }

    async fn tell(&self, record: Record) -> Result<(), Failure> {
        let written = self.0.state.record(record).await?;
        written.map(drop).map_err(|e| Failure::new(Kind::Conflict, "conflict", e.to_string()))
    }

    /// The configuration as it stands in the file, and with these edits. A file that is wrong isn't edited.
    pub(super) async fn edited(&self, edits: &[Edit]) -> Result<(ConfigFile, Edited), Failure> {
        let file = self.configuration_file().await?;
        let edited = file.edit(edits)?;
        Ok((file, edited))
    }

    /// The configuration alone, about to be changed.
    async fn configured(&self, file: ConfigFile, edited: Edited) -> Result<Files, Failure> {
        let in_force = self.0.config.clone();
        let prepared = tokio::task::spawn_blocking(move || Files::default().configuration(&file, &edited, &in_force)).await;
        Ok(prepared.map_err(Failure::internal)??)
    }

    /// Files were changed by a command, or are as they were: what follows for others is settled. For who has the right to change files.
    pub(super) async fn take_over(&self, before: &ConfigFile, by: &By, but: Option<&PluginId>) {
        alongside::fulfilled(&*self.0.state).await;
        self.reread().await;
        self.enforce(before, by, but);
    }

    pub(super) fn changed(&self, id: &PluginId, done: Done) -> Changed {
        views::changed(id.as_str(), done, self.plugins().get(id.as_str()).map(|p| p.listing()).as_ref())
    }

    /// The generation of a plugin that serves.
    fn generation(&self, id: &PluginId) -> Option<u64> {
        self.plugins().get(id.as_str()).and_then(|plugin| plugin.generation()).map(|generation| generation.number())
    }

    /// What became of a plugin since this generation of it served. Whoever looks at its file in between may have settled it first, with what was decided here.
    fn changed_since(&self, served: Option<u64>, id: &PluginId, done: Done) -> Changed {
        let changed = self.changed(id, done);
        let change = match (changed.change.as_str(), served) {
            ("unchanged", None) if changed.generation > 0 => "installed",
            ("unchanged", Some(before)) if changed.generation > before => "replaced",
            _ => return changed,
        };
        Changed { change: change.to_owned(), ..changed }
    }

    /// A decision that holds, about a plugin that doesn't serve with it.
    pub(super) fn waits(&self, id: &PluginId, what: &str, error: &LoadError) -> Changed {
        let listing = self.plugins().get(id.as_str()).map(|p| p.listing());
        let active = listing.as_ref().and_then(|l| l.active.as_ref());
        Changed {
            id: id.to_string(),
            change: what.to_owned(),
            generation: listing.as_ref().map_or(0, |l| l.generation),
            version: active.map(|v| v.version.to_string()),
            digest: active.map(|v| v.digest.to_string()),
            notes: vec![error.to_string()],
        }
    }
}

/// The kept version whose digest begins so.
fn version(plugin: &Plugin, prefix: &str) -> Result<Digest, Failure> {
    let listing = plugin.listing();
    let fits: Vec<_> = listing.earlier.iter().filter(|v| v.digest.to_string().starts_with(prefix)).collect();
    match fits.as_slice() {
        [one] => Ok(one.digest),
        [] => {
            let kept: Vec<_> = listing.earlier.iter().map(|v| format!("{} ({})", v.version, v.digest)).collect();
            let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
            Err(Failure::new(
                Kind::NotFound,
                "not-found",
                format!("there is no earlier version whose digest begins with `{prefix}`; kept: {kept}"),
            ))
        }
        several => Err(Failure::invalid(format!("{} earlier versions begin with `{prefix}`: give more of the digest", several.len()))),
    }
}

pub(super) fn grant_edits(plugin: &PluginId, decisions: &BTreeMap<String, Option<bool>>) -> Result<Vec<Edit>, Failure> {
    let edit = |(name, decision): (&String, &Option<bool>)| match Grant::ALL.iter().find(|g| g.name() == name) {
        Some(grant) => Ok(Edit::Grant { plugin: plugin.clone(), grant: *grant, decision: *decision }),
        None => Err(Failure::not_found("grant", name, Grant::ALL.iter().map(|g| g.name()))),
    };
    decisions.iter().map(edit).collect()
}

fn decided(by: &By, plugin: &PluginId, grant: &str, decision: Option<bool>) -> Fact {
    let what = match decision {
        Some(true) => "grant",
        Some(false) => "deny",
        None => "undecide",
    };
    let why = by.why.as_ref().map_or_else(|| grant.to_owned(), |why| format!("{grant}: {why}"));
    Fact { plugin: Some(plugin.to_string()), why: Some(why), ..Fact::new(&by.who, what) }
}
