//! Deliveries as people see them, how long they stay, and what a host that starts finds of them.

use super::parcel::{OutboxError, Parcel};
use super::{Deliveries, OutboxSettings};
use plugbay_runtime::CaptionFormat;
use plugbay_runtime::state::{DeliveriesQuery, Delivery, NewDelivery, StateError};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what is too old is removed.
const LOOK: Duration = Duration::from_secs(3_600);
/// Bytes that a delivery takes of its plugin's share, and each of its files, beside what is in it.
const PIECE: u64 = 4 << 10;
/// Deliveries that are looked at in one go.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(499);

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// Its number: later ones have larger ones.
    pub seq: u64,
    /// The key of the session whose people it is for.
    pub session: String,
    /// The plugin that delivered it; of words without files, the one that had the agent speak.
    pub plugin: String,
    /// The run in which it was delivered.
    pub run: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What is said.
    pub caption: Option<String>,
    /// How that is to be read: `plain`, `markdown` or `html`.
    pub caption_format: Option<String>,
    /// The files.
    pub files: Vec<DeliveredFile>,
    /// Bytes of its plugin's share that it takes (setting `outbox.bytes`).
    #[serde(skip)]
    pub room: u64,
}

/// A file that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeliveredFile {
    /// Its name.
    pub name: String,
    /// What it was found to be.
    pub content_type: String,
    /// Its bytes.
    pub bytes: u64,
}

/// What is kept of a delivery beside whose it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Body {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caption: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caption_format: Option<String>,
    files: Vec<DeliveredFile>,
}

impl Body {
    pub(super) fn of(parcel: &Parcel) -> Self {
        let (caption, format) = parcel.caption.clone().unzip();
        let file =
            |file: &super::Packed| DeliveredFile { name: file.name.clone(), content_type: file.content_type.clone(), bytes: file.bytes };
        Self { caption, caption_format: format.map(|format| word(format).to_owned()), files: parcel.files.iter().map(file).collect() }
    }

    /// Bytes of its plugin's share that it takes: its files and its words, and something for each of them, so that what is empty can't be without end.
    pub(super) fn room(&self) -> u64 {
        let files: u64 = self.files.iter().map(|file| PIECE + file.bytes).sum();
        PIECE + files + self.caption.as_ref().map_or(0, |caption| caption.len() as u64)
    }

    /// As it is kept.
    pub(super) fn text(&self) -> String {
        // Plain data is always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

const fn word(format: CaptionFormat) -> &'static str {
    match format {
        CaptionFormat::Plain => "plain",
        CaptionFormat::Markdown => "markdown",
        CaptionFormat::Html => "html",
    }
}

impl DeliveryView {
    fn of(delivery: Delivery) -> Self {
        let Delivery { seq, at, sent } = delivery;
        let nothing = || Body { caption: None, caption_format: None, files: Vec::new() };
        let Body { caption, caption_format, files } = serde_json::from_str(&sent.body).unwrap_or_else(|error| {
            tracing::warn!(delivery = sent.id, %error, "what was delivered can't be read");
            nothing()
        });
        let NewDelivery { id, session, plugin, run, bytes: room, .. } = sent;
        Self { id, seq, session, plugin, run, at, caption, caption_format, files, room }
    }
}

impl Deliveries {
    /// Deliveries, newest first.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn list(&self, which: DeliveriesQuery) -> Result<Vec<DeliveryView>, StateError> {
        Ok(self.0.store.deliveries(which).await?.into_iter().map(DeliveryView::of).collect())
    }

    /// The delivery with this id.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn delivery(&self, id: &str) -> Result<Option<DeliveryView>, StateError> {
        Ok(self.0.store.delivery(id).await?.map(DeliveryView::of))
    }

    /// A file of a delivery, by its place. None: it isn't kept.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn read(&self, delivery: &str, file: usize) -> Result<Option<File>, OutboxError> {
        self.outbox()?.read(delivery, file).await
    }

    /// Everything of a session, for who is about to delete it.
    ///
    /// # Errors
    /// If the state can't be read.
    pub(crate) async fn of_session(&self, session: &str) -> Result<Vec<DeliveryView>, StateError> {
        self.all(|page| DeliveriesQuery { session: Some(session.to_owned()), ..page }).await
    }

    /// All pages of a query.
    async fn all(&self, query: impl Fn(DeliveriesQuery) -> DeliveriesQuery) -> Result<Vec<DeliveryView>, StateError> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = self.list(query(DeliveriesQuery { before, limit: PAGE, ..DeliveriesQuery::default() })).await?;
            let Some(last) = page.last() else { return Ok(all) };
            before = Some(last.seq);
            all.extend(page);
        }
    }

    /// Counts what is kept, and discards what a host before this one put and never listed. Then what is too old is removed, now and then, until the host stops.
    ///
    /// # Errors
    /// If the state can't be read.
    pub(crate) async fn begin(&self, closing: &CancellationToken) -> Result<(), StateError> {
        let there = match &self.0.settings.outbox {
            None => Vec::new(),
            Some(outbox) => outbox.kept().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what the outbox holds can't be looked at");
                Vec::new()
            }),
        };
        let listed = self.all(|page| page).await?;
        // Plugins may serve already: what they hand over in the meantime is counted when they do.
        let early = self.count(&listed);
        let known: HashSet<&str> = listed.iter().map(|delivery| delivery.id.as_str()).chain(early.iter().map(String::as_str)).collect();
        for orphan in there.iter().filter(|id| !known.contains(id.as_str())) {
            tracing::warn!(
                delivery = orphan,
                "files were put into the outbox and never listed: the host stopped before that; they are removed"
            );
            self.discard(orphan).await;
        }
        if let OutboxSettings { keep: Some(keep), .. } = self.0.settings {
            tokio::spawn(age(Arc::downgrade(&self.0), keep, closing.clone()));
        }
        Ok(())
    }

    /// Counts what was there before this host. Answers what this one handed over before.
    fn count(&self, listed: &[DeliveryView]) -> HashSet<String> {
        let mut kept = self.kept();
        kept.counted = true;
        let early = std::mem::take(&mut kept.early);
        for delivery in listed.iter().filter(|delivery| !early.contains(&delivery.id)) {
            *kept.bytes.entry(delivery.plugin.clone()).or_default() += delivery.room;
        }
        early
    }

    /// Removes what is older than this.
    async fn remove_older(&self, keep: Duration) -> Result<(), StateError> {
        let until = crate::runs::now().saturating_sub(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
        for delivery in self.all(|page| DeliveriesQuery { older_than: Some(until), ..page }).await? {
            self.remove(&delivery.id).await?;
        }
        Ok(())
    }
}

async fn age(deliveries: std::sync::Weak<super::Inner>, keep: Duration, closing: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK);
    while closing.run_until_cancelled(looks.tick()).await.is_some() {
        let Some(deliveries) = deliveries.upgrade().map(Deliveries) else { return };
        if let Err(error) = deliveries.remove_older(keep).await {
            tracing::warn!(%error, "deliveries that are too old can't be removed");
        }
    }
}
