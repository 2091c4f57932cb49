//! What it was told, written down.

use plugbay_sdk::prelude::*;
use plugbay_sdk::store::Options;

/// Rows of each namespace; older ones go.
const MOST: u32 = 450;

fn rows(namespace: &str) -> store::Result<Store<Value>> {
    Store::open(namespace, Options::up_to(MOST))
}

/// A timer is due. Told of the same due time again, it counts.
pub(crate) fn fired(session: Option<String>, timer: &Timer) -> Result<()> {
    let Timer { job, name, tag, payload, due_at, next_at, .. } = timer;
    let payload: Option<Value> = payload.as_ref().map(|_| timer.parse()).transpose()?;
    let row = |times: u64| {
        json!({
            "job": job, "name": name, "tag": tag, "payload": payload, "session": session, "due-at": due_at, "next-at": next_at, "times": times,
        })
    };
    rows("fired")?.update(&format!("{due_at:020} {job}"), |known| {
        let times = known.and_then(|known| known.get("times")?.as_u64()).unwrap_or_default();
        row(times + 1)
    })?;
    Ok(())
}

/// Something became of a job.
pub(crate) fn changed(event: JobChange) -> store::Result<()> {
    let changes = rows("changes")?;
    let number = changes.entries()?.last().and_then(|last| last.key.parse::<u64>().ok()).map_or(0, |last| last + 1);
    let JobChange { job, change, next_at, error, .. } = event;
    let change = format!("{change:?}").trim_start_matches("Change::").to_lowercase();
    changes.register(&format!("{number:020}"), &json!({ "job": job, "change": change, "next-at": next_at, "error": error }))
}

/// All of it, oldest first.
pub(crate) fn all() -> store::Result<Value> {
    let values = |namespace| rows(namespace)?.entries().map(|rows| rows.into_iter().map(|row| row.value).collect::<Vec<_>>());
    Ok(json!({ "fired": values("fired")?, "changes": values("changes")? }))
}

/// Forgets it.
pub(crate) fn forget() -> store::Result<()> {
    rows("fired")?.clear()?;
    rows("changes")?.clear()
}
