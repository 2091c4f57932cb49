//! One call of a model, from the first attempt to the last piece: sends, waits no longer than it may, tries again while nothing has been handed on.
//!
//! All of it happens where the stream is polled; dropping it drops the connection, the pause or whatever else it was at.

use super::OpenAiTimeouts;
use super::assembly::{Assembly, Unbearable};
use super::body::body;
use super::connection::{Opened, Server};
use super::events::Broken;
use super::fault::{Again, Fault, broken, complained, shown};
use super::wire::{Chunk, Complaint};
use crate::model::{ModelError, ModelFailure, ModelPiece, ModelRequest};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The longest pause of our own choice, before what chance adds.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A call of a model.
pub(super) struct Answering {
    server: Arc<Server>,
    model: String,
    messages: usize,
    body: Vec<u8>,
    attempt: Option<Attempt>,
    attempts: u32,
    pauses: ExponentialBackoff,
    /// For the whole call. Set when it begins.
    whole: Option<Limit>,
    ready: VecDeque<ModelPiece>,
    handed_on: bool,
    over: bool,
}

/// A request that has been answered so far as to begin.
struct Attempt {
    opened: Opened,
    assembly: Assembly,
    first_piece: Limit,
}

impl Answering {
    pub(super) fn new(server: Arc<Server>, request: &ModelRequest) -> Self {
        let settings = &server.settings;
        let pauses = ExponentialBuilder::default().with_jitter().with_min_delay(settings.backoff).with_max_delay(LONGEST_PAUSE);
        Self {
            model: request.model.clone(),
            messages: request.messages.len(),
            body: body(request).to_string().into_bytes(),
            attempt: None,
            attempts: 0,
            pauses: pauses.with_max_times(settings.retries as usize).build(),
            whole: None,
            ready: VecDeque::new(),
            handed_on: false,
            over: false,
            server,
        }
    }

    /// The next piece, until the answer is over.
    pub(super) async fn next(&mut self) -> Option<Result<ModelPiece, ModelError>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                self.handed_on = true;
                return Some(Ok(piece));
            }
            if self.over {
                return None;
            }
            if let Err(fault) = self.step().await
                && let Err(error) = self.again(fault).await
            {
                self.over = true;
                return Some(Err(error));
            }
        }
    }

    /// Opens a connection, or takes in the next event of the one that is open.
    async fn step(&mut self) -> Result<(), Fault> {
        let Some(attempt) = self.attempt.as_mut() else { return self.open().await };
        let limit = match attempt.assembly.began() {
            true => Limit::of(self.server.settings.timeouts.between_pieces, "model.piece-timeout", "nothing further came"),
            false => attempt.first_piece,
        };
        let event = match limit.and(self.whole).wait(&self.server, attempt.opened.events.next()).await {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => return self.cut(ended(&self.server, error)),
            Err(error) => return self.cut(error.into()),
        };
        match event.as_deref().map(str::trim) {
            Some("[DONE]") => self.finish(),
            Some("") => Ok(()),
            Some(data) => self.take(data),
            None => self.cut(Fault::later(ModelFailure::Unreachable, self.told("the connection ended before the answer did"))),
        }
    }

    async fn open(&mut self) -> Result<(), Fault> {
        let OpenAiTimeouts { first_piece, whole, .. } = self.server.settings.timeouts;
        let whole = Limit::of(whole, "model.timeout", "the answer wasn't complete");
        let first_piece = Limit::of(first_piece, "model.first-piece-timeout", "nothing came");
        let limit = first_piece.and(Some(*self.whole.get_or_insert(whole)));
        self.attempts += 1;
        let opened = limit.wait(&self.server, self.server.open(&self.model, &self.body)).await??;
        self.attempt = Some(Attempt { opened, assembly: Assembly::new(self.messages), first_piece });
        Ok(())
    }

    fn take(&mut self, data: &str) -> Result<(), Fault> {
        let Some(attempt) = self.attempt.as_mut() else { return Ok(()) };
        let key = attempt.opened.key.as_ref();
        let chunk: Chunk = match serde_json::from_str(data) {
            Ok(chunk) => chunk,
            Err(problem) => {
                let problem = format!("an event isn't a chunk of an answer: {}", shown(&problem.to_string(), key));
                return Err(Fault::never(ModelFailure::Malformed, self.told(&problem)));
            }
        };
        if let Some(error) = &chunk.error {
            return Err(complained(&self.server, &self.model, &Complaint::of(error), key));
        }
        match attempt.assembly.take(chunk) {
            Ok(piece) => {
                self.ready.extend(piece);
                Ok(())
            }
            Err(unbearable) => Err(self.unbearable(unbearable)),
        }
    }

    /// The answer's events ended early. That is no harm when the model had stopped already: then only how much it used isn't known.
    fn cut(&mut self, fault: Fault) -> Result<(), Fault> {
        if self.attempt.as_ref().is_some_and(|attempt| attempt.assembly.stopped()) {
            tracing::debug!(server = self.server.host, error = %fault.error, "a model's answer is complete, but its end wasn't said");
            return self.finish();
        }
        Err(fault)
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let Some(attempt) = self.attempt.take() else { return Ok(()) };
        self.over = true;
        let pieces = attempt.assembly.finish().map_err(|unbearable| self.unbearable(unbearable))?;
        self.ready.extend(pieces);
        Ok(())
    }

    /// After a fault: pauses, so that the next step is another attempt; or gives up.
    async fn again(&mut self, Fault { error, again }: Fault) -> Result<(), ModelError> {
        self.attempt = None;
        if again == Again::Never || self.handed_on {
            return Err(error);
        }
        let ModelError { kind, message } = &error;
        let Some(chosen) = self.pauses.next() else {
            return Err(ModelError::new(
                *kind,
                format!("{message}; this was attempt {}, the last one (setting `model.retries`)", self.attempts),
            ));
        };
        let pause = if let Again::After(asked) = again { asked } else { chosen };
        if self.whole.is_some_and(|whole| pause >= whole.until.saturating_duration_since(Instant::now())) {
            let setting = "later than setting `model.timeout` allows";
            return Err(ModelError::new(*kind, format!("{message}; the next attempt would be in {pause:?}, {setting}")));
        }
        tracing::debug!(server = self.server.host, %error, ?pause, "a model is asked again after a pause");
        sleep(pause).await;
        Ok(())
    }

    fn unbearable(&self, Unbearable { kind, problem }: Unbearable) -> Fault {
        Fault::never(kind, self.told(&problem))
    }

    fn told(&self, problem: &str) -> String {
        format!("model server `{}`: {problem}", self.server.host)
    }
}

/// How long something may take, and what is said when it takes longer.
#[derive(Clone, Copy)]
struct Limit {
    until: Instant,
    time: Duration,
    setting: &'static str,
    what: &'static str,
}

impl Limit {
    /// From now on. A time that no clock reaches is a century.
    fn of(time: Duration, setting: &'static str, what: &'static str) -> Self {
        let now = Instant::now();
        let until = now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(100 * 365 * 24 * 3_600));
        Self { until, time, setting, what }
    }

    /// Whichever of two is reached first.
    fn and(self, other: Option<Self>) -> Self {
        other.filter(|other| other.until < self.until).unwrap_or(self)
    }

    async fn wait<T>(&self, server: &Server, future: impl Future<Output = T>) -> Result<T, ModelError> {
        let Self { until, time, setting, what } = *self;
        if let Ok(done) = timeout_at(until, future).await {
            return Ok(done);
        }
        let message = format!("model server `{}`: {what} within {time:?} (setting `{setting}`)", server.host);
        Err(ModelError::new(ModelFailure::Timeout, message))
    }
}

fn ended(server: &Server, error: Broken) -> Fault {
    match error {
        Broken::Connection(error) => broken(server, "the connection broke", error),
        Broken::TooLarge => Fault::never(ModelFailure::TooLarge, format!("model server `{}`: {error}", server.host)),
        Broken::Malformed(_) => Fault::never(ModelFailure::Malformed, format!("model server `{}`: {error}", server.host)),
    }
}
