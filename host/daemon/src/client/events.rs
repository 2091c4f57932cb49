//! Server-sent events, read one by one as they come.
//!
//! Costs what an event is long; one that is longer than any of the daemon's ends the stream with an error.

use super::{ClientError, Place};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Bytes of an event.
const MOST: usize = 4 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its kind; empty for the usual one.
    pub kind: String,
    /// What it says.
    pub data: String,
}

/// Events that go on coming.
#[derive(Debug)]
pub struct Events {
    place: Place,
    body: Incoming,
    lines: Lines,
}

impl Events {
    pub(super) fn new(place: Place, body: Incoming) -> Self {
        Self { place, body, lines: Lines::default() }
    }

    /// The next event; none when the daemon has ended the stream. Waits for as long as it takes.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        let broken = |place: &Place, why: String| ClientError::Broken { place: place.clone(), why };
        loop {
            if let Some(event) = self.lines.event() {
                return Ok(Some(event));
            }
            if self.lines.pending.len() > MOST {
                return Err(broken(&self.place, format!("an event of more than {MOST} bytes")));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.lines.pending.extend(frame.data_ref().into_iter().flatten()),
                Some(Err(e)) => return Err(broken(&self.place, e.to_string())),
            }
        }
    }
}

/// What has come and isn't an event yet.
#[derive(Debug, Default)]
struct Lines {
    pending: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Lines {
    /// The next event that is whole.
    fn event(&mut self) -> Option<Event> {
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if !line.is_empty() {
                self.field(line);
                continue;
            }
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                return Some(event);
            }
        }
        None
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.kind),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments keep the connection alive; ids and times to retry are for those who come again.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = "event: missed\r\ndata: 3\r\n\r\n:\n\nid: 7\ndata:{\"a\":\ndata: 1}\n\nevent: x\n\ndata\n\ndata: never ends";
        let expected = [("missed", "3"), ("", "{\"a\":\n1}"), ("", "")].map(|(kind, data)| Event { kind: kind.into(), data: data.into() });
        for size in [1, 2, 7, text.len()] {
            let mut lines = Lines::default();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.pending.extend(piece);
                events.extend(std::iter::from_fn(|| lines.event()));
            }
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }
}
