//! Deliveries as people see them, how long they stay, and what a host that starts finds of them.

use super::parcel::{OutboxError, Parcel};
use super::{Deliveries, OutboxSettings};
use plugbay_runtime::CaptionFormat;
use plugbay_runtime::state::{DeliveriesQuery, Delivery, StateError};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what is too old is removed.
const LOOK: Duration = Duration::from_secs(3_600);
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
        Self { id: sent.id, seq, session: sent.session, plugin: sent.plugin, run: sent.run, at, caption, caption_format, files }
    }

    /// Bytes of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
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
        let listed = self.all(|page| page).await?;
        for delivery in &listed {
            *self.kept().entry(delivery.plugin.clone()).or_default() += delivery.bytes();
        }
        if let Some(outbox) = &self.0.settings.outbox {
            let kept = outbox.kept().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what the outbox holds can't be looked at");
                Vec::new()
            });
            for orphan in kept.iter().filter(|id| !listed.iter().any(|delivery| delivery.id == **id)) {
                tracing::warn!(
                    delivery = orphan,
                    "files were put into the outbox and never listed: the host stopped before that; they are removed"
                );
                self.discard(orphan).await;
            }
        }
        if let OutboxSettings { keep: Some(keep), .. } = self.0.settings {
            tokio::spawn(age(Arc::downgrade(&self.0), keep, closing.clone()));
        }
        Ok(())
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
