//! What is written down of each call, and what becomes of it then.

use crate::Engine;
use crate::deeds::Deed;
use plugbay_sdk::prelude::*;

impl Engine {
    /// Writes the call down and begins what is to be done. `event` is told with the contract's names.
    pub(crate) fn begin(&mut self, method: &str, call: &Call, event: Value) -> Result<Deed> {
        if self.settings.record {
            self.write_down(method, call, event)?;
        }
        let number = if self.settings.counts(method) { count(method)? } else { 1 };
        self.settings.deed(method, number).begin(method)
    }

    /// One row a call, under a number that no other call has.
    fn write_down(&mut self, method: &str, call: &Call, event: Value) -> Result<()> {
        let cell = match self.cell {
            Some(cell) => cell,
            None => *self.cell.insert(count("cells")?),
        };
        let life = call.session.as_ref().and_then(|session| session.id().ok());
        let row = json!({
            "method": method,
            "event": event,
            "cause": format!("{:?}", call.cause.kind).to_lowercase(),
            "session": call.session_key(),
            "life": life,
            "run": call.run,
            "transcript": call.transcript.as_ref().map(Transcript::len),
            "deadline-ms": call.deadline_ms,
            "cell": cell,
        });
        let calls = Store::<Value>::open("calls", store::Options::up_to(600))?;
        Ok(calls.register(&format!("{:08}", count("calls")?), &row)?)
    }
}

/// One more of something, in all cells.
fn count(what: &str) -> Result<u64> {
    let counts = Store::<u64>::open("count", store::Options::up_to(20))?;
    Ok(counts.update(what, |number| number.unwrap_or(0) + 1)?.unwrap_or_default())
}

/// The life of the session that a call is about.
pub(crate) fn life(call: &Call) -> Result<String> {
    Ok(call.session()?.id()?)
}

/// The conversation that a call is about.
pub(crate) fn transcript<'a>(call: &'a Call<'a>) -> Result<&'a Transcript<'a>> {
    call.transcript.as_ref().ok_or_else(|| Error::new("the call has no transcript"))
}
