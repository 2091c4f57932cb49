//! The rows: every request that waits, and those that were decided on in the last thirty days.
//!
//! What it is for: requests outlive cells, swaps and the host, and each is decided once: whoever decides changes a row that nobody has decided on, or learns what was decided. What it costs: to list, one
//! answer of the store with at most 400 rows. How it fails: by the store's own errors; a row that can't be read is left out of lists, with a warning in the log.

use crate::moment::now;
use crate::request::{Decision, Request};
use plugbay_sdk::prelude::*;
use plugbay_sdk::store::{Change, Options};
use std::time::Duration;

const NAMESPACE: &str = "requests";
const ROWS: u32 = 400;
/// Nothing is forgotten silently: where there is no room, the oldest that was decided on goes.
const OPTIONS: Options = Options::up_to(ROWS).reject_new();
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long a request is known after it was decided on.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Requests that may wait, in all sessions together.
pub(crate) const WAITING: usize = 100;
/// The same in one session.
pub(crate) const WAITING_HERE: usize = 20;

/// The rows.
pub(crate) struct Shelf(Store<Request>);

/// What became of a wish to decide.
#[derive(Debug)]
pub(crate) enum Settled {
    /// It is decided so.
    Now(Request),
    /// It was decided on before.
    Before(Request),
    /// There is no such request.
    Unknown,
}

impl Shelf {
    pub(crate) fn open() -> Result<Self> {
        Ok(Self(Store::open(NAMESPACE, OPTIONS)?))
    }

    pub(crate) fn get(&self, id: &str) -> Result<Option<Request>> {
        Ok(self.0.lookup(id)?)
    }

    /// All requests, oldest first.
    pub(crate) fn all(&self) -> Result<Vec<Request>> {
        let rows = Store::<Value>::open(NAMESPACE, OPTIONS)?.entries()?;
        let read = |row: store::Entry<Value>| match serde_json::from_value::<Request>(row.value) {
            Ok(request) => Some(request),
            Err(error) => {
                log::warn!("the request {} can't be read and is left out: {error}", row.key);
                None
            }
        };
        let mut all: Vec<Request> = rows.into_iter().filter_map(read).collect();
        all.sort_by_key(Request::number);
        Ok(all)
    }

    /// Those that wait.
    pub(crate) fn waiting(&self) -> Result<Vec<Request>> {
        Ok(self.all()?.into_iter().filter(|request| request.decision.is_none()).collect())
    }

    /// A number that no request had.
    pub(crate) fn next_id() -> Result<String> {
        let numbers = Store::<u64>::open("numbers", Options::up_to(1))?;
        let number = numbers.update("last", |last| last.unwrap_or(0).saturating_add(1))?;
        Ok(format!("d-{}", number.unwrap_or(1)))
    }

    /// Keeps a request that waits. It goes by itself a week after its time, should nobody be there to see that it is over.
    pub(crate) fn add(&self, request: &Request) -> Result<()> {
        self.make_room()?;
        let left = Duration::from_millis(request.ends_at.saturating_sub(now()));
        Ok(self.0.register_for(&request.id, request, left + 7 * DAY)?)
    }

    fn make_room(&self) -> Result<()> {
        if self.0.count()? < u64::from(ROWS) {
            return Ok(());
        }
        let decided = self.all()?.into_iter().filter(|request| request.decision.is_some());
        match decided.min_by_key(Request::decided) {
            Some(oldest) => Ok(self.0.delete(&oldest.id).map(drop)?),
            None => Ok(()),
        }
    }

    pub(crate) fn remove(&self, id: &str) -> Result<bool> {
        Ok(self.0.delete(id)?)
    }

    /// Decides on a request that waits. Of several who want to, one does.
    pub(crate) fn settle(&self, id: &str, decision: &Decision) -> Result<Settled> {
        let mut ours = false;
        let row = self.0.update(id, |row| match row {
            Some(mut request) if request.decision.is_none() => {
                ours = true;
                request.decision = Some(decision.clone());
                Change::SetFor(request, KEPT)
            }
            Some(_) | None => {
                ours = false;
                Change::Keep
            }
        })?;
        Ok(match row {
            Some(request) if ours => Settled::Now(request),
            Some(request) => Settled::Before(request),
            None => Settled::Unknown,
        })
    }

    /// Notes that the agent was told.
    pub(crate) fn told(&self, id: &str) -> Result<()> {
        self.0.update(id, |row| match row {
            Some(Request { decision: Some(decision), .. }) if decision.told => Change::Keep,
            Some(mut request) => {
                request.decision.iter_mut().for_each(|decision| decision.told = true);
                Change::SetFor(request, KEPT)
            }
            None => Change::Keep,
        })?;
        Ok(())
    }
}
