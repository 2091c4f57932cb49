//! `plugbay state export`: the live rows, one JSON object to a line.
//!
//! Holds one page of rows at a time, 1,000 or 8 MiB of values, whatever the state's size; each page is a read of its own, so nobody who writes waits.
//! A file is written under a temporary name and renamed when it is whole: a failure leaves what was there.

use super::place::Place;
use crate::output;
use anyhow::{Context, Result, bail};
use clap::Args;
use plugbay_state::{ExportedRow, Owner, RowId, Sqlite, StateStore};
use serde::Serialize;
use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Rows of a page.
const PAGE: NonZeroUsize = match NonZeroUsize::new(1_000) {
    Some(rows) => rows,
    None => NonZeroUsize::MIN,
};

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;

/// Exports rows.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    place: Place,
    /// Only this plugin.
    #[arg(long, value_name = "ID", value_parser = super::plugin)]
    plugin: Option<Owner>,
    /// The values too, which may be private.
    #[arg(long)]
    values: bool,
    /// Write to this file, readable by its owner only, instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Line<'a> {
    plugin: &'a str,
    namespace: &'a str,
    key: &'a str,
    created_at: u64,
    expires_at: Option<u64>,
    bytes: usize,
    corrupt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

impl Export {
    pub(crate) async fn run(self) -> Result<()> {
        let state = self.place.look()?;
        let outcome = match &self.out {
            Some(file) => self.to_file(&state, file).await,
            None => self.to(&state, std::io::stdout().lock(), "standard output").await,
        };
        state.close().await;
        outcome
    }

    async fn to_file(&self, state: &Sqlite, file: &Path) -> Result<()> {
        let shown = file.display().to_string();
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        self.refuse_to_replace(file, folder)?;
        let fresh = tempfile::Builder::new().prefix(".plugbay-export-").tempfile_in(folder);
        // Only its owner may read it: the system's temporary files are made so, and the name changes nothing about it.
        let mut fresh: NamedTempFile = fresh.with_context(|| format!("can't make a file beside {shown}"))?;
        self.to(state, fresh.as_file_mut(), &shown).await?;
        fresh.as_file().sync_all().with_context(|| format!("can't write {shown}"))?;
        fresh.persist(file).map_err(|error| error.error).with_context(|| format!("can't rename the finished export to {shown}"))?;
        Ok(())
    }

    /// Renaming replaces whatever has the name: a device, a link, the state itself.
    fn refuse_to_replace(&self, file: &Path, folder: &Path) -> Result<()> {
        let shown = file.display();
        match fs::symlink_metadata(file) {
            Ok(there) if !there.is_file() => bail!("can't export to {shown}: it is there and is no regular file"),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("can't export to {shown}")),
        }
        let resolve = |path: &Path| path.canonicalize().with_context(|| format!("can't export to {shown}"));
        if resolve(folder)? == resolve(self.place.directory())? {
            bail!("can't export to {shown}: it is in the state directory");
        }
        Ok(())
    }

    /// Writes all lines to `out`.
    async fn to(&self, state: &Sqlite, out: impl Write, name: &str) -> Result<()> {
        let failed = || format!("can't write to {name}");
        let mut out = BufWriter::with_capacity(BUFFER, out);
        // No namespace is empty, so what follows this is the plugin's first row.
        let mut after = self.plugin.clone().map(|owner| RowId { owner, namespace: String::new(), key: String::new() });
        loop {
            let page = state.export(after.as_ref(), PAGE).await.context("can't read the rows")?;
            for row in page.iter().filter(|row| self.wants(row)) {
                out.write_all(self.line(row)?.as_bytes()).with_context(failed)?;
            }
            match page.into_iter().next_back() {
                Some(last) if self.wants_more(&last) => after = Some(last.id),
                _ => break,
            }
        }
        out.flush().with_context(failed)
    }

    fn wants(&self, row: &ExportedRow) -> bool {
        super::is_plugins(&row.id.owner) && self.wants_more(row)
    }

    /// After this row there may be another one to export: rows come by plugin.
    fn wants_more(&self, row: &ExportedRow) -> bool {
        self.plugin.as_ref().is_none_or(|plugin| *plugin == row.id.owner)
    }

    fn line(&self, row: &ExportedRow) -> Result<String> {
        output::json_line(&Line {
            plugin: row.id.owner.as_str(),
            namespace: &row.id.namespace,
            key: &row.id.key,
            created_at: row.created_at,
            expires_at: row.expires_at,
            bytes: row.value.len(),
            corrupt: row.corrupt,
            value: self.values.then_some(row.value.as_str()),
        })
    }
}
