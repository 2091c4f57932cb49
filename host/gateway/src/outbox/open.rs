//! Files that plugins are writing, and how much of them there may be: bounded while they are written, not after.
//!
//! What a plugin has open is counted for all its cells together, under a short lock for each write.

use super::kind::Kind;
use super::parcel::{Draft, OutboxError};
use plugbay_runtime::{AttachmentFile, PluginId, ServiceCode, ServiceError, ServiceReply};
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files that a plugin may have open, and that one delivery has.
pub(super) const FILES: usize = 10;
/// Bytes that all files together have which a plugin has open, and those of one delivery.
pub(super) const BYTES: u64 = 25 << 20;

/// What each plugin has open.
#[derive(Clone, Default)]
pub(super) struct Open(Arc<Mutex<HashMap<PluginId, Taken>>>);

#[derive(Clone, Copy, Default)]
struct Taken {
    files: usize,
    bytes: u64,
}

impl Open {
    /// A place for another file.
    pub(super) fn file(&self, plugin: &PluginId) -> Result<Room, ServiceError> {
        let mut all = self.lock();
        let taken = all.entry(plugin.clone()).or_default();
        if taken.files >= FILES {
            let why = format!(
                "attachments: create: {FILES} files of the plugin are open already, {FILES} allowed (fixed: no setting changes it)"
            );
            return Err(ServiceError::new(ServiceCode::LimitExceeded, why));
        }
        taken.files += 1;
        Ok(Room { open: self.clone(), plugin: plugin.clone(), bytes: 0 })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PluginId, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a plugin's room that one file takes. Dropped, others may have it.
pub(super) struct Room {
    open: Open,
    plugin: PluginId,
    bytes: u64,
}

impl Room {
    /// Bytes that it takes.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes room for so many bytes more.
    fn take(&mut self, bytes: u64) -> Result<(), ServiceError> {
        let mut all = self.open.lock();
        let taken = all.entry(self.plugin.clone()).or_default();
        let wanted = taken.bytes.saturating_add(bytes);
        if wanted > BYTES {
            let why = format!(
                "attachments: write: all files that the plugin has open would have {wanted} bytes, {BYTES} allowed (fixed: no setting changes it)"
            );
            return Err(ServiceError::new(ServiceCode::LimitExceeded, why));
        }
        taken.bytes = wanted;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut all = self.open.lock();
        let Some(taken) = all.get_mut(&self.plugin) else { return };
        taken.files = taken.files.saturating_sub(1);
        taken.bytes = taken.bytes.saturating_sub(self.bytes);
        if taken.files == 0 {
            all.remove(&self.plugin);
        }
    }
}

/// A file that a plugin is writing.
pub(super) struct OpenFile {
    pub(super) name: String,
    pub(super) claimed: Option<String>,
    pub(super) kind: Kind,
    pub(super) draft: Box<dyn Draft>,
    pub(super) room: Room,
    /// Why nothing can be done with it any more: a part of it may be written, and a part not.
    pub(super) broken: Option<ServiceError>,
}

impl AttachmentFile for OpenFile {
    fn write(&mut self, bytes: Vec<u8>) -> ServiceReply<'_, ()> {
        Box::pin(async move {
            if let Some(broken) = &self.broken {
                return Err(broken.clone());
            }
            self.room.take(bytes.len() as u64)?;
            self.kind.more(&bytes);
            // Until it is known to be written, it isn't.
            self.broken = Some(failed("write", &"a write of it was given up"));
            let written = self.draft.write(bytes).await.map_err(|e| told("write", &e));
            self.broken = written.as_ref().err().cloned();
            written
        })
    }

    fn size(&self) -> u64 {
        self.room.bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// A failure of the outbox, as a plugin is told.
pub(super) fn told(what: &str, error: &OutboxError) -> ServiceError {
    match error {
        OutboxError::Full(_) => ServiceError::new(ServiceCode::Full, format!("attachments: {what}: {error}")),
        OutboxError::Failed(_) => failed(what, error),
    }
}

pub(super) fn failed(what: &str, why: &dyn std::fmt::Display) -> ServiceError {
    ServiceError::new(ServiceCode::Failed, format!("attachments: {what}: {why}"))
}
