//! The outbox: files and words for the people of a session, handed over by plugins, or by an agent whose turn nobody listens to.
//!
//! A delivery's files are put in their place first, then it is listed, in one commit: what is listed is whole, and kept over a host that is killed. What a host that dies had put and not
//! listed goes when the next one starts. Handing over costs a sync for each file and a commit. A full disk, and a plugin's share that is used up, are refused as `full`, with nothing delivered.

mod folder;
mod kind;
mod list;
mod open;
mod parcel;

pub use folder::FolderOutbox;
pub use list::{DeliveredFile, DeliveryView};
pub use parcel::{Draft, Outbox, OutboxError, OutboxReply, Packed, Parcel};

use list::Body;
use open::{BYTES, FILES, Open, OpenFile, failed, told};
use plugbay_runtime::state::{NewDelivery, StateError, WorkStore};
use plugbay_runtime::{AttachmentFile, Caller, Caption, CaptionFormat, FilesDelivered, PluginId, ServiceCode, ServiceError, Session};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Characters of a caption.
const CAPTION: usize = 4_096;
/// Characters of an agent's answer.
const WORDS: usize = 8_192;
/// Bytes of a file's name.
const NAME: usize = 255;

/// Where files go, and how long they stay.
#[derive(Clone)]
pub struct OutboxSettings {
    /// Where they go; none: plugins can't hand anything over.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// How long a delivery is kept (setting `outbox.keep`); none: for as long as its session.
    pub keep: Option<Duration>,
    /// Bytes of one plugin's deliveries that are kept (setting `outbox.bytes`).
    pub bytes: NonZeroU64,
}

impl Default for OutboxSettings {
    /// None.
    fn default() -> Self {
        Self { outbox: None, keep: Some(Duration::from_secs(30 * 86_400)), bytes: NonZeroU64::MIN.saturating_add((256 << 20) - 1) }
    }
}

/// What was handed over. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Deliveries(Arc<Inner>);

struct Inner {
    store: Arc<dyn WorkStore>,
    settings: OutboxSettings,
    open: Open,
    kept: Mutex<Kept>,
}

/// What is kept of each plugin.
#[derive(Default)]
struct Kept {
    bytes: HashMap<String, u64>,
    /// Whether what was there before this host was counted.
    counted: bool,
    /// What was handed over before that: it is counted, and no leftover.
    early: HashSet<String>,
}

impl Deliveries {
    pub(crate) fn new(store: Arc<dyn WorkStore>, settings: OutboxSettings) -> Self {
        Self(Arc::new(Inner { store, settings, open: Open::default(), kept: Mutex::default() }))
    }

    fn outbox(&self) -> Result<&Arc<dyn Outbox>, OutboxError> {
        let none = || OutboxError::Failed("this host has no outbox (setting `outbox.folder`)".to_owned());
        self.0.settings.outbox.as_ref().ok_or_else(none)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `attachments.create`.
    ///
    /// # Errors
    /// `InvalidInput`, `LimitExceeded`, `Full`, `Failed`.
    pub(crate) async fn create(
        &self,
        plugin: &PluginId,
        name: &str,
        claimed: Option<&str>,
    ) -> Result<Box<dyn AttachmentFile>, ServiceError> {
        let name = file_name(name)?;
        let room = self.0.open.file(plugin)?;
        let outbox = self.outbox().map_err(|e| told("create", &e))?;
        let draft = outbox.draft().await.map_err(|e| told("create", &e))?;
        let (claimed, kind) = (claimed.map(str::to_owned), kind::Kind::default());
        Ok(Box::new(OpenFile { name, claimed, kind, draft, room, broken: None }))
    }

    /// `attachments.send`.
    ///
    /// # Errors
    /// `InvalidInput`, `Gone`, `LimitExceeded`, `Full`, `Failed`; nothing was delivered then.
    pub(crate) async fn send(
        &self,
        caller: &Caller,
        session: &Session,
        files: Vec<Box<dyn AttachmentFile>>,
        caption: Option<Caption>,
    ) -> Result<FilesDelivered, ServiceError> {
        let caption = caption.map(captioned).transpose()?;
        let (packed, rooms) = packed(files)?;
        let types = packed.iter().map(|file| file.content_type.clone()).collect();
        let run = caller.run.as_deref().map(str::to_owned);
        let parcel = self.parcel(caller.plugin.to_string(), session, run, caption, packed).ok_or_else(gone)?;
        Ok(FilesDelivered { id: self.hand_over(parcel, session, rooms).await?, types })
    }

    /// Words of an agent whose turn nobody listens to.
    ///
    /// # Errors
    /// Why they aren't delivered.
    pub(crate) async fn announce(&self, plugin: &str, session: &Session, run: &str, text: String) -> Result<(), String> {
        let caption = Some((shortened(text), CaptionFormat::Markdown));
        let parcel = self.parcel(plugin.to_owned(), session, Some(run.to_owned()), caption, Vec::new()).ok_or_else(|| gone().message)?;
        self.hand_over(parcel, session, Vec::new()).await.map(drop).map_err(|error| error.message)
    }

    fn parcel(
        &self,
        plugin: String,
        session: &Session,
        run: Option<String>,
        caption: Option<(String, CaptionFormat)>,
        files: Vec<Packed>,
    ) -> Option<Parcel> {
        let session = session.key()?.to_owned();
        Some(Parcel { id: Uuid::new_v4().to_string(), session, plugin, run, caption, files })
    }

    /// Hands it over, to its end: who asks may be cut off at any moment, and what is put is listed or discarded all the same.
    async fn hand_over(&self, parcel: Parcel, session: &Session, rooms: Vec<open::Room>) -> Result<String, ServiceError> {
        let listed = self.listed(&parcel, session).ok_or_else(gone)?;
        let share = self.share(&listed)?;
        let deliveries = self.clone();
        let work = async move {
            let handed = deliveries.put(parcel, listed, share).await;
            drop(rooms);
            handed
        };
        tokio::spawn(work).await.unwrap_or_else(|e| Err(failed("send", &e)))
    }

    /// Puts it in its place, then lists it.
    async fn put(&self, parcel: Parcel, listed: NewDelivery, share: Share) -> Result<String, ServiceError> {
        let outbox = self.outbox().map_err(|e| told("send", &e))?;
        let id = listed.id.clone();
        outbox.put(parcel).await.map_err(|e| told("send", &e))?;
        let gone = match self.0.store.add_delivery(listed).await {
            Ok(true) => {
                share.keep();
                return Ok(id);
            }
            Ok(false) => gone(),
            Err(error) => failed("send", &error),
        };
        self.discard(&id).await;
        Err(gone)
    }

    fn listed(&self, parcel: &Parcel, session: &Session) -> Option<NewDelivery> {
        let body = Body::of(parcel);
        Some(NewDelivery {
            id: parcel.id.clone(),
            plugin: parcel.plugin.clone(),
            session: session.key()?.to_owned(),
            life: session.id()?.to_owned(),
            run: parcel.run.clone(),
            body: body.text(),
            bytes: body.room(),
        })
    }

    /// Takes a part of its plugin's share.
    fn share(&self, listed: &NewDelivery) -> Result<Share, ServiceError> {
        let (plugin, most) = (listed.plugin.clone(), self.0.settings.bytes.get());
        let mut kept = self.kept();
        let wanted = kept.bytes.get(&plugin).copied().unwrap_or(0).saturating_add(listed.bytes);
        if wanted > most {
            let why = format!("attachments: send: {wanted} bytes of the plugin's would be kept, {most} allowed (setting `outbox.bytes`)");
            return Err(ServiceError::new(ServiceCode::Full, why));
        }
        kept.bytes.insert(plugin.clone(), wanted);
        if !kept.counted {
            kept.early.insert(listed.id.clone());
        }
        Ok(Share { deliveries: self.clone(), plugin, bytes: listed.bytes })
    }

    fn give_back(&self, plugin: &str, bytes: u64) {
        let mut kept = self.kept();
        if let Some(there) = kept.bytes.get_mut(plugin) {
            *there = there.saturating_sub(bytes);
            if *there == 0 {
                kept.bytes.remove(plugin);
            }
        }
    }

    /// Whatever is kept of a delivery that isn't listed goes. What can't be removed now is at the next start.
    async fn discard(&self, id: &str) {
        let Ok(outbox) = self.outbox() else { return };
        if let Err(error) = outbox.discard(id).await {
            tracing::warn!(delivery = id, %error, "what is left of a delivery can't be removed: the next start does it");
        }
    }

    /// A session was deleted, and these were its deliveries.
    pub(crate) async fn session_gone(&self, deliveries: Vec<DeliveryView>) {
        for delivery in deliveries {
            self.give_back(&delivery.plugin, delivery.room);
            self.discard(&delivery.id).await;
        }
    }

    /// Takes a delivery off the list, and whatever is kept of it. Whether it was there.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn remove(&self, id: &str) -> Result<bool, StateError> {
        let Some(delivery) = self.delivery(id).await? else { return Ok(false) };
        let there = self.0.store.remove_delivery(id).await?;
        if there {
            self.session_gone(vec![delivery]).await;
        }
        Ok(there)
    }
}

/// A part of a plugin's share, given back unless it is kept.
struct Share {
    deliveries: Deliveries,
    plugin: String,
    bytes: u64,
}

impl Share {
    fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.deliveries.give_back(&self.plugin, self.bytes);
    }
}

/// Files as they are handed over, and the room that they took.
fn packed(files: Vec<Box<dyn AttachmentFile>>) -> Result<(Vec<Packed>, Vec<open::Room>), ServiceError> {
    if files.is_empty() || files.len() > FILES {
        return Err(invalid("send", format!("{} files: expected 1 to {FILES}", files.len())));
    }
    let (mut packed, mut rooms) = (Vec::new(), Vec::new());
    for file in files {
        let file = file.into_any().downcast::<OpenFile>().map_err(|_| failed("send", &"the file is of another host"))?;
        let OpenFile { name, claimed, kind, draft, room, broken } = *file;
        if let Some(broken) = broken {
            return Err(broken);
        }
        let differs =
            |seen| invalid("send", format!("{name:?} is said to be `{}` and is `{seen}`", claimed.as_deref().unwrap_or_default()));
        let content_type = kind.found(claimed.as_deref()).map_err(differs)?;
        packed.push(Packed { bytes: room.bytes(), name, content_type, draft });
        rooms.push(room);
    }
    debug_assert!(packed.iter().map(|file| file.bytes).sum::<u64>() <= BYTES, "bounded while they are written");
    Ok((packed, rooms))
}

/// An agent's words, as many as a listing has room for.
fn shortened(text: String) -> String {
    match text.char_indices().nth(WORDS) {
        None => text,
        Some((cut, _)) => text.get(..cut).unwrap_or_default().to_owned() + "\n\n… (the whole answer stands in the transcript)",
    }
}

fn captioned(Caption { text, format }: Caption) -> Result<(String, CaptionFormat), ServiceError> {
    match text.chars().count() {
        0 => Err(invalid("send", "the caption is empty".to_owned())),
        n if n > CAPTION => Err(invalid("send", format!("the caption has {n} characters, {CAPTION} allowed"))),
        _ => Ok((text, format)),
    }
}

/// A file's name: of no folder, and fit to be shown.
fn file_name(name: &str) -> Result<String, ServiceError> {
    let no = |why: String| Err(invalid("create", why));
    match name.trim() {
        "" => no("the name is blank".to_owned()),
        name if name.len() > NAME => no(format!("the name has {} bytes, {NAME} allowed", name.len())),
        name if name.contains(['/', '\\']) || name == "." || name == ".." => no(format!("{name:?} is a path: expected a name")),
        name if name.contains(char::is_control) => no("the name has control characters".to_owned()),
        name => Ok(name.to_owned()),
    }
}

fn gone() -> ServiceError {
    ServiceError::new(ServiceCode::Gone, "attachments: the session was deleted, or began another life")
}

fn invalid(what: &str, why: String) -> ServiceError {
    ServiceError::new(ServiceCode::InvalidInput, format!("attachments: {what}: {why}"))
}
