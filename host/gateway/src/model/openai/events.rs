//! An answer's body as server-sent events. Holds one event at a time, and no event that is too large.

use futures_util::stream::{self, Stream, StreamExt};
use reqwest::Response;
use sse_stream::SseByteStream;
use std::pin::Pin;
use thiserror::Error;

/// The most bytes of one event, from one empty line to the next.
pub(super) const LARGEST_EVENT: usize = 1024 * 1024;

/// Why there are no more events.
#[derive(Debug, Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Connection(#[from] reqwest::Error),
    #[error("an event is larger than {LARGEST_EVENT} bytes")]
    TooLarge,
    #[error("{0}")]
    Malformed(String),
}

/// The data of each event. To drop it is to close the connection.
pub(super) struct Events(Pin<Box<dyn Stream<Item = Result<String, Broken>> + Send>>);

impl Events {
    pub(super) fn of(response: Response) -> Self {
        let bytes = stream::try_unfold((response, Size::default()), async |(mut response, mut size)| match response.chunk().await? {
            Some(chunk) if size.bears(&chunk) => Ok(Some((chunk, (response, size)))),
            Some(_) => Err(Broken::TooLarge),
            None => Ok(None),
        });
        let events = SseByteStream::new(Box::pin(bytes)).filter_map(async |event| match event {
            Ok(event) => event.data.map(Ok),
            Err(error) => Some(Err(broken(error))),
        });
        Self(Box::pin(events))
    }

    /// The next event's data. Nothing: the connection ended as it should, wherever in the answer that is.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Broken> {
        self.0.next().await.transpose()
    }
}

fn broken(error: sse_stream::Error) -> Broken {
    match error {
        sse_stream::Error::Body(inner) => match inner.downcast::<Broken>() {
            Ok(broken) => *broken,
            Err(other) => Broken::Malformed(other.to_string()),
        },
        other => Broken::Malformed(other.to_string()),
    }
}

/// How much has come since the last empty line.
#[derive(Debug, Default)]
struct Size {
    event: usize,
    line: usize,
    /// A line ends with `\n`, `\r` or both; then the second is no line of its own.
    after_return: bool,
}

impl Size {
    /// Counts some bytes in. False when an event has become too large.
    fn bears(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| {
            self.event += 1;
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' if self.line == 0 => self.event = 0,
                b'\n' | b'\r' => self.line = 0,
                _ => self.line += 1,
            }
            self.after_return = *byte == b'\r';
            self.event <= LARGEST_EVENT
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGEST_EVENT, Size};

    #[test]
    fn events_are_counted_from_one_empty_line_to_the_next() {
        for ending in ["\n\n", "\r\r", "\r\n\r\n"] {
            let mut size = Size::default();
            for _ in 0..3 {
                assert!(size.bears(&vec![b'x'; LARGEST_EVENT - 3]), "{ending:?}");
                assert!(size.bears(ending.as_bytes()), "{ending:?}");
            }
            assert!(size.bears(&vec![b'x'; LARGEST_EVENT - 3]), "{ending:?}");
            assert!(!size.bears(b"xxxxx"), "{ending:?}");
        }
    }

    #[test]
    fn many_short_lines_are_one_large_event() {
        for line in ["data:x\n", "data:x\r", "data:x\r\n"] {
            let mut size = Size::default();
            assert!(size.bears(&line.as_bytes().repeat(LARGEST_EVENT / line.len())), "{line:?}");
            assert!(!size.bears(&line.as_bytes().repeat(2)), "{line:?}");
        }
    }
}
