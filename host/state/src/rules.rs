//! The rules of the store, written once for all backends: expiry, age, eviction, limits, comparisons.
//!
//! Every function runs inside one transaction. Those that write check everything before they write, expired rows apart: those nobody can see, and
//! they
//! may go although the call is refused. A row's age never runs backwards: where the clock is behind the namespace's youngest row, a written
//! row gets the next moment after it, so that a clock that was set back makes nobody the oldest.

use crate::clock::MAX_TIME;
use crate::error::Problem;
use crate::limits::{Limit, Overrun, StateLimits};
use crate::rows::{Fresh, Passing, Row, Rows, Scan, Scope, Spot, Standing, Survey, is_live};
use crate::store::{Applied, Change, Entry, Observation, Overflow, Owner, Page, Range};
use crate::token::{Image, Token};
use serde_json::Value;
use std::ops::ControlFlow;

/// Which row must be what it was: a [`crate::Condition`] whose token was read.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) namespace: String,
    pub(crate) key: String,
    pub(crate) image: Image,
}

/// The text of a row, if it is what a store would have written.
fn sound(value: Vec<u8>, key: &str) -> Result<String, Problem> {
    let corrupt = |why: &dyn std::fmt::Display| Problem::Corrupt(format!("the value of {key:?} is corrupt: {why}"));
    let text = String::from_utf8(value).map_err(|error| corrupt(&error.utf8_error()))?;
    crate::check::json(&text).map_err(|error| corrupt(&error))?;
    Ok(text)
}

fn entry(row: Row, key: &str) -> Result<Entry, Problem> {
    let (created_at, expires_at) = (row.created_at, row.expires_at);
    Ok(Entry { key: key.to_owned(), value: sound(row.value, key)?, created_at, expires_at })
}

fn live(rows: &dyn Rows, spot: Spot<'_>, now: u64) -> Result<Option<Row>, Problem> {
    Ok(rows.get(spot)?.filter(|row| is_live(row.expires_at, now)))
}

pub(crate) fn lookup(rows: &dyn Rows, scope: &Scope, key: &str) -> Result<Option<String>, Problem> {
    // The clock is asked about rows that expire, not about the others.
    let live = rows.value(scope.spot(key))?.filter(|held| held.expires_at.is_none() || is_live(held.expires_at, scope.shelf.now()));
    live.map(|held| sound(held.value, key)).transpose()
}

/// Values by position; a corrupt row is its own position's problem.
pub(crate) fn lookup_many(rows: &dyn Rows, scope: &Scope, keys: &[&str]) -> Result<Vec<Result<Option<String>, Problem>>, Problem> {
    let now = scope.shelf.now();
    let mut results = Collected::new(&scope.shelf.limits);
    for key in keys {
        match rows.value(scope.spot(key))?.filter(|held| is_live(held.expires_at, now)) {
            None => results.keep(Ok(None)),
            Some(held) if results.count(held.value.len()) => match sound(held.value, key) {
                Ok(text) => results.keep(Ok(Some(text))),
                Err(corrupt) => results.keep(Err(corrupt)),
            },
            Some(_) => {}
        }
    }
    results.finish()
}

pub(crate) fn entries(rows: &dyn Rows, scope: &Scope) -> Result<Vec<Entry>, Problem> {
    let mut results = Collected::new(&scope.shelf.limits);
    let mut problem = Ok(());
    rows.scan(scope.owner.as_str(), &scope.namespace, Scan::Oldest, scope.shelf.now(), &mut |row| {
        if results.count(row.key.len() + row.value.len()) {
            match passing(row) {
                Ok(entry) => results.keep(entry),
                Err(corrupt) => problem = Err(corrupt),
            }
        }
        if problem.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    problem?;
    results.finish()
}

fn passing(row: Passing<'_>) -> Result<Entry, Problem> {
    let Passing { key, value, created_at, expires_at } = row;
    Ok(Entry { key: key.to_owned(), value: sound(value.to_vec(), key)?, created_at, expires_at })
}

pub(crate) fn range(rows: &dyn Rows, scope: &Scope, range: Range<'_>) -> Result<Page, Problem> {
    let mut results = Collected::new(&scope.shelf.limits);
    let page = range.max_bytes.map(|bytes| bytes.get().min(scope.shelf.limits.result.get()));
    let (mut more, mut problem, mut seen) = (false, Ok(()), 0_usize);
    let keys =
        Scan::Keys { start: range.start.unwrap_or(""), end: range.end, order: range.order, limit: range.limit.get().saturating_add(1) };
    rows.scan(scope.owner.as_str(), &scope.namespace, keys, scope.shelf.now(), &mut |row| {
        let size = row.key.len() + row.value.len();
        more = seen == range.limit.get() || page.is_some_and(|page| results.bytes + size > page);
        if more {
            return ControlFlow::Break(());
        }
        seen += 1;
        if results.count(size) {
            match passing(row) {
                Ok(entry) => results.keep(entry),
                Err(corrupt) => problem = Err(corrupt),
            }
        }
        if problem.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    problem?;
    if let (true, 0, Some(page)) = (more, seen, page) {
        return Err(Problem::Invalid(format!("the range's first row has more than the {page} bytes that a page may have")));
    }
    Ok(Page { entries: results.finish()?, more })
}

/// Results within the limit of one answer. Once it is passed, what was kept is dropped and the rest is only counted.
struct Collected<T> {
    kept: Vec<T>,
    rows: u64,
    bytes: usize,
    allowed: usize,
}

impl<T> Collected<T> {
    const fn new(limits: &StateLimits) -> Self {
        Self { kept: Vec::new(), rows: 0, bytes: 0, allowed: limits.result.get() }
    }

    /// Counts a row; false: don't make anything of it.
    fn count(&mut self, bytes: usize) -> bool {
        self.rows += 1;
        self.bytes += bytes;
        let fits = self.bytes <= self.allowed;
        if !fits {
            self.kept = Vec::new();
        }
        fits
    }

    fn keep(&mut self, result: T) {
        if self.bytes <= self.allowed {
            self.kept.push(result);
        }
    }

    fn finish(self) -> Result<Vec<T>, Problem> {
        if self.bytes <= self.allowed {
            return Ok(self.kept);
        }
        Err(Problem::Limit(Overrun { rows: Some(self.rows), ..Overrun::new(Limit::Result, self.bytes, self.allowed) }))
    }
}

pub(crate) fn observe(rows: &dyn Rows, scope: &Scope, key: &str) -> Result<Observation, Problem> {
    observation(scope, key, live(rows, scope.spot(key), scope.shelf.now())?)
}

fn observation(scope: &Scope, key: &str, row: Option<Row>) -> Result<Observation, Problem> {
    let token = Token::new(&scope.shelf.identity, scope.spot(key), Image::of(row.as_ref()));
    Ok(Observation { value: row.map(|row| entry(row, key)).transpose()?, comparison: token.into() })
}

/// Deletes what has expired, a batch at most, as every write does first.
fn expire(rows: &mut dyn Rows, scope: &Scope, now: u64) -> Result<(), Problem> {
    let (owner, namespace) = (scope.owner.as_str(), scope.namespace.as_str());
    if rows.has_expired(owner, namespace, now)? { rows.expire(owner, namespace, now) } else { Ok(()) }
}

/// The same, with a survey of what is left.
fn surveyed(rows: &mut dyn Rows, scope: &Scope, key: &str, now: u64) -> Result<Survey, Problem> {
    let survey = rows.survey(scope.spot(key), now)?;
    if !survey.expired {
        return Ok(survey);
    }
    rows.expire(scope.owner.as_str(), &scope.namespace, now)?;
    rows.survey(scope.spot(key), now)
}

pub(crate) fn register(rows: &mut dyn Rows, scope: &Scope, key: &str, value: &str, ttl: Option<u64>) -> Result<(), Problem> {
    let now = scope.shelf.now();
    let expires_at = expiry(scope, now, ttl)?;
    let survey = surveyed(rows, scope, key, now)?;
    write(rows, scope, now, &survey, key, value, expires_at)
}

pub(crate) fn register_if_absent(rows: &mut dyn Rows, scope: &Scope, key: &str, value: &str, ttl: Option<u64>) -> Result<bool, Problem> {
    let now = scope.shelf.now();
    let expires_at = expiry(scope, now, ttl)?;
    let survey = surveyed(rows, scope, key, now)?;
    let absent = !standing_live(&survey, now);
    if absent {
        write(rows, scope, now, &survey, key, value, expires_at)?;
    }
    Ok(absent)
}

pub(crate) fn consume(rows: &mut dyn Rows, scope: &Scope, key: &str) -> Result<Option<String>, Problem> {
    let now = scope.shelf.now();
    expire(rows, scope, now)?;
    let Some(row) = live(rows, scope.spot(key), now)? else { return Ok(None) };
    let text = sound(row.value, key)?;
    rows.remove(scope.spot(key))?;
    Ok(Some(text))
}

pub(crate) fn delete(rows: &mut dyn Rows, scope: &Scope, key: &str) -> Result<bool, Problem> {
    let now = scope.shelf.now();
    let survey = surveyed(rows, scope, key, now)?;
    if survey.current.is_some() {
        rows.remove(scope.spot(key))?;
    }
    Ok(standing_live(&survey, now))
}

pub(crate) fn delete_if_equal(rows: &mut dyn Rows, scope: &Scope, key: &str, scalar: &Value) -> Result<bool, Problem> {
    let now = scope.shelf.now();
    expire(rows, scope, now)?;
    let Some(row) = live(rows, scope.spot(key), now)? else { return Ok(false) };
    let text = sound(row.value, key)?;
    // What nests or is otherwise no value of ours can't equal a scalar.
    let equal = serde_json::from_str(&text).is_ok_and(|stored| same_scalar(&stored, scalar));
    if equal {
        rows.remove(scope.spot(key))?;
    }
    Ok(equal)
}

/// Equality of scalars; numbers are equal by value, however they are written.
fn same_scalar(stored: &Value, wanted: &Value) -> bool {
    match (stored, wanted) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        _ => stored == wanted,
    }
}

pub(crate) fn compare_and_apply(
    rows: &mut dyn Rows,
    scope: &Scope,
    seen: &Expected,
    change: &Change,
    conditions: &[Expected],
) -> Result<Applied, Problem> {
    let (now, key) = (scope.shelf.now(), seen.key.as_str());
    let expires_at = if let Change::Set { ttl, .. } = change { expiry(scope, now, *ttl)? } else { None };
    let survey = surveyed(rows, scope, key, now)?;
    let current = live(rows, scope.spot(key), now)?;
    let mut same = Image::of(current.as_ref()) == seen.image;
    for Expected { namespace, key, image } in conditions {
        let spot = Spot { owner: scope.owner.as_str(), namespace, key };
        same = same && Image::of(live(rows, spot, now)?.as_ref()) == *image;
    }
    if !same {
        return observation(scope, key, current).map(Applied::Conflict);
    }
    match change {
        Change::Keep => Ok(Applied::Unchanged),
        Change::Delete if current.is_none() => Ok(Applied::Unchanged),
        Change::Delete => rows.remove(scope.spot(key)).map(|()| Applied::Applied),
        Change::Set { value, .. } => write(rows, scope, now, &survey, key, value, expires_at).map(|()| Applied::Applied),
    }
}

/// When a row written now expires.
fn expiry(scope: &Scope, now: u64, ttl: Option<u64>) -> Result<Option<u64>, Problem> {
    let Some(ttl) = ttl.or(scope.options.default_ttl.map(|ttl| ttl.get())) else { return Ok(None) };
    let expires_at = now.checked_add(ttl).filter(|at| *at <= MAX_TIME);
    match expires_at {
        Some(_) if ttl > 0 => Ok(expires_at),
        Some(_) => Err(Problem::Invalid("the ttl is 0 ms, and must be 1 at least".into())),
        None => Err(Problem::Invalid(format!("the ttl of {ttl} ms ends later than time can be told"))),
    }
}

fn standing_live(survey: &Survey, now: u64) -> bool {
    survey.current.is_some_and(|row| is_live(row.expires_at, now))
}

/// Writes a row if it is within all limits, and evicts what has to go for it.
fn write(
    rows: &mut dyn Rows,
    scope: &Scope,
    now: u64,
    survey: &Survey,
    key: &str,
    value: &str,
    expires_at: Option<u64>,
) -> Result<(), Problem> {
    let spot = scope.spot(key);
    let fresh = !standing_live(survey, now);
    let evict = room_in_namespace(rows, scope, survey, fresh, now)?;
    room_for_owner(rows, spot, &scope.shelf.limits, survey, &Wanted { fresh, evict, bytes: value.len() as u64 }, now)?;
    let created_at = match survey.youngest {
        // A row that is written again is younger than all others, within one moment too.
        Some(youngest) if youngest > now || (youngest == now && !fresh) => youngest.saturating_add(1).min(MAX_TIME),
        _ => now,
    };
    rows.put(spot, Fresh { value, created_at, expires_at, evict }, now)
}

/// How many rows the namespace must evict for this one.
fn room_in_namespace(rows: &dyn Rows, scope: &Scope, survey: &Survey, fresh: bool, now: u64) -> Result<u64, Problem> {
    let allowed = scope.options.max_entries.get() as u64;
    // Expired rows are left only when there were more than a batch: then, and only then, the live ones must be counted.
    let there = if survey.expired { rows.live(scope.owner.as_str(), &scope.namespace, now)? } else { survey.rows };
    let after = there.saturating_add(u64::from(fresh));
    match scope.options.overflow {
        _ if after <= allowed => Ok(0),
        Overflow::EvictOldest => Ok(after - allowed),
        Overflow::RejectNew if !fresh => Ok(0),
        Overflow::RejectNew => Err(Problem::Limit(Overrun { limit: Limit::Entries, observed: after, allowed, rows: None })),
    }
}

/// What a write asks of the owner's limits.
struct Wanted {
    fresh: bool,
    evict: u64,
    bytes: u64,
}

/// Refuses a row that the plugin's limits have no room for, after what its own namespace evicts. Sums that include expired rows can only be too
/// large,
/// so the exact ones are taken only where those don't fit.
fn room_for_owner(
    rows: &dyn Rows,
    spot: Spot<'_>,
    limits: &StateLimits,
    survey: &Survey,
    wanted: &Wanted,
    now: u64,
) -> Result<(), Problem> {
    let (max_rows, max_bytes) = (limits.rows.get() as u64, limits.total.get() as u64);
    let grows = wanted.fresh && wanted.evict == 0;
    if survey.owner_rows.saturating_add(u64::from(grows)) <= max_rows && survey.owner_bytes.saturating_add(wanted.bytes) <= max_bytes {
        return Ok(());
    }
    let gone = rows.expired_of(spot.owner, now)?;
    let after = survey.owner_rows.saturating_sub(gone.rows).saturating_add(1);
    if grows && after > max_rows {
        return Err(Problem::Limit(Overrun { limit: Limit::Rows, observed: after, allowed: max_rows, rows: None }));
    }
    let old = survey.current.filter(|row| is_live(row.expires_at, now)).map_or(0, |Standing { bytes, .. }| bytes);
    let evicted = if wanted.evict == 0 { 0 } else { rows.oldest_bytes(spot, wanted.evict, now)? };
    let freed = gone.bytes.saturating_add(old).saturating_add(evicted);
    let after = survey.owner_bytes.saturating_sub(freed).saturating_add(wanted.bytes);
    if after > max_bytes && wanted.bytes > old.saturating_add(evicted) {
        return Err(Problem::Limit(Overrun { limit: Limit::Total, observed: after, allowed: max_bytes, rows: None }));
    }
    Ok(())
}

/// All rows of an owner: no rule but that they go.
pub(crate) fn purge(rows: &mut dyn Rows, owner: &Owner) -> Result<u64, Problem> {
    rows.purge(owner.as_str())
}
