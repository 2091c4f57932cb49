//! `attachments`: files for the people of a session that the plugin has a handle of. The gateway keeps their bytes and its bounds; a handle here holds the gateway's own, and what is
//! dropped here, with its cell or alone, is dropped there. Files that are handed over leave the plugin at once, whatever comes of it.

use super::{NOT_LIVE, View, gone};
use crate::call::Session;
use crate::grant::Grant;
use crate::guest::Guest;
use crate::services::{AttachmentFile, Caption, CaptionFormat, ServiceCode, ServiceError};
use crate::wire::File;
use crate::wire::plugbay::plugin::attachments as wire;
use crate::wire::plugbay::plugin::attachments::{Delivered, Error, ErrorCode, Host, HostFile};
use wasmtime::component::Resource;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

fn error(code: ErrorCode, message: impl Into<String>) -> Error {
    Error { code, message: message.into() }
}

/// Whether a call may write and deliver files.
fn open(guest: &Guest) -> Result<(), Error> {
    if !guest.has(Grant::Attachments) {
        return Err(error(ErrorCode::Denied, "the operator denied the grant `attachments`"));
    }
    if guest.may_change() { Ok(()) } else { Err(error(ErrorCode::NotLive, NOT_LIVE)) }
}

async fn create(guest: &Guest, name: &str, content_type: Option<&str>) -> Result<Box<dyn AttachmentFile>, Error> {
    open(guest)?;
    guest.services().create_file(&guest.caller(), name, content_type).await.map_err(told)
}

async fn send(
    guest: &Guest,
    session: &Session,
    files: Vec<Box<dyn AttachmentFile>>,
    caption: Option<wire::Caption>,
) -> Result<Delivered, Error> {
    open(guest)?;
    if let Some(message) = gone(session) {
        return Err(error(ErrorCode::Gone, message));
    }
    if guest.succession().ended().is_some() {
        let message = "the plugin was switched off or uninstalled while this call lasted: nothing is delivered for it any more";
        return Err(error(ErrorCode::Failed, message));
    }
    let delivered = guest.services().send_files(&guest.caller(), session, files, caption.map(read_caption)).await.map_err(told)?;
    Ok(Delivered { id: delivered.id, types: delivered.types })
}

impl Host for View<'_> {
    async fn create(&mut self, name: String, content_type: Option<String>) -> Answer<Resource<File>> {
        match create(self.guest, &name, content_type.as_deref()).await {
            Ok(file) => Ok(Ok(self.table.push(File(file))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn send(
        &mut self,
        session: Resource<Session>,
        files: Vec<Resource<File>>,
        caption: Option<wire::Caption>,
        _: Vec<(String, String)>,
    ) -> Answer<Delivered> {
        let files = files.into_iter().map(|file| Ok(self.table.delete(file)?.0)).collect::<wasmtime::Result<_>>()?;
        let session = self.table.get(&session)?;
        Ok(send(self.guest, session, files, caption).await)
    }
}

impl HostFile for View<'_> {
    async fn write(&mut self, file: Resource<File>, bytes: Vec<u8>) -> Answer<()> {
        if let Err(error) = open(self.guest) {
            return Ok(Err(error));
        }
        Ok(self.table.get_mut(&file)?.0.write(bytes).await.map_err(told))
    }

    fn size(&mut self, file: Resource<File>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&file)?.0.size())
    }

    fn drop(&mut self, file: Resource<File>) -> wasmtime::Result<()> {
        self.table.delete(file)?;
        Ok(())
    }
}

fn read_caption(caption: wire::Caption) -> Caption {
    let format = match caption.format {
        wire::CaptionFormat::Plain => CaptionFormat::Plain,
        wire::CaptionFormat::Markdown => CaptionFormat::Markdown,
        wire::CaptionFormat::Html => CaptionFormat::Html,
    };
    Caption { text: caption.text, format }
}

fn told(failed: ServiceError) -> Error {
    let code = match failed.code {
        ServiceCode::InvalidInput => ErrorCode::InvalidInput,
        ServiceCode::Gone | ServiceCode::Unknown => ErrorCode::Gone,
        ServiceCode::LimitExceeded => ErrorCode::LimitExceeded,
        ServiceCode::Full => ErrorCode::Full,
        _ => ErrorCode::Failed,
    };
    error(code, failed.message)
}
