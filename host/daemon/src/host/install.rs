//! Installing and uninstalling: file, configuration, state and history change in one step, or not at all.

use super::alongside::Files;
use super::operate::grant_edits;
use super::settle::wanted;
use super::{By, Failure, Host, Kind, views};
use crate::api::types::Changed;
use crate::config::{ConfigFile, Edit, Edited};
use crate::directory::name_of;
use plugbay_runtime::{Order, PluginId, Source, Wanted};
use std::collections::BTreeMap;

impl Host {
    /// Puts a component into the plugins directory and lets it serve, with these decisions about grants. One that is held is there, and waits.
    /// Plugins that may refuse it are asked, unless they are skipped, which the history says.
    ///
    /// # Errors
    /// If it is refused. Then nothing is changed.
    pub async fn install(
        &self,
        component: Vec<u8>,
        decisions: &BTreeMap<String, Option<bool>>,
        skip_gates: bool,
        by: By,
    ) -> Result<Changed, Failure> {
        let looked = self.plugins().inspect(Source::bytes("the component", component.clone())).await?;
        let id = looked.manifest.id;
        let edits = grant_edits(&id, decisions)?;
        let _editing = self.0.editing.lock().await;
        let before = self.config();
        let (file, edited) = self.edited(&edits).await?;
        let files = self.placing(&id, component.clone(), &file, &edited).await?;
        let source = Source::bytes(name_of(&id), component.clone());
        let wanted = Wanted { or_kept: false, ..wanted(&id, Some(source), edited.config.plugin(&id)) };
        let order = Order { skip_gates, ..by.order().insisting().with(files) };
        let went = match self.plugins().apply(id.clone(), wanted, order).await {
            Ok(done) => Ok(self.changed(&id, done)),
            Err(held) if held.reason.is_held() => {
                // It waits in its place for a decision; what was decided about it holds already.
                let files = self.placing(&id, component, &file, &edited).await;
                let placed = match files {
                    Ok(files) => self.record(files, Vec::new()).await,
                    Err(failure) => Err(failure),
                };
                placed.map(|()| self.waits(&id, "held", &held))
            }
            Err(refused) => Err(refused.into()),
        };
        self.take_over(&before, &by, None).await;
        went
    }

    /// Files with this component in its place, and this configuration.
    async fn placing(&self, id: &PluginId, component: Vec<u8>, file: &ConfigFile, edited: &Edited) -> Result<Files, Failure> {
        let (path, file, edited, in_force) = (self.file_path(id), file.clone(), edited.clone(), self.0.config.clone());
        let prepared = tokio::task::spawn_blocking(move || {
            let folder = path.parent().unwrap_or(&path).display().to_string();
            let placed = Files::default().placing(&component, path);
            let unwritten = |e| Failure::new(Kind::Unavailable, "unavailable", format!("can't write a component into {folder}: {e}"));
            Ok(placed.map_err(unwritten)?.configuration(&file, &edited, &in_force)?)
        });
        prepared.await.map_err(Failure::internal)?
    }

    /// Ends a plugin for good: its file, what was decided about it, and what is remembered; with `purge`, what it stored, too.
    ///
    /// # Errors
    /// If there is none of this id, or files can't be changed. Then nothing is.
    pub async fn uninstall(&self, id: &str, purge: bool, by: By) -> Result<Changed, Failure> {
        let id = self.plugin(id)?.id().clone();
        let _editing = self.0.editing.lock().await;
        let before = self.config();
        let (file, edited) = self.edited(&[Edit::Forget { plugin: id.clone() }]).await?;
        let files = self.removing(&id, &file, &edited).await?;
        let done = self.plugins().uninstall(id.clone(), purge, Order::with(by.order(), files)).await;
        self.take_over(&before, &by, None).await;
        let mut changed = views::changed(id.as_str(), done?, None);
        let forgotten = self.0.logs.forget(&id, purge).await;
        changed.notes.extend(forgotten.err().map(|e| e.to_string()));
        if !purge {
            changed.notes.push(format!("what it stored is kept; `plugbay uninstall {id} --purge` would have deleted it"));
        }
        Ok(changed)
    }

    /// Files without this plugin's, and this configuration.
    async fn removing(&self, id: &PluginId, file: &ConfigFile, edited: &Edited) -> Result<Files, Failure> {
        let (path, file, edited, in_force) = (self.file_path(id), file.clone(), edited.clone(), self.0.config.clone());
        let prepared = tokio::task::spawn_blocking(move || {
            let files = Files::default();
            let files = if path.symlink_metadata().is_ok() { files.removing(path) } else { files };
            Ok(files.configuration(&file, &edited, &in_force)?)
        });
        prepared.await.map_err(Failure::internal)?
    }
}
