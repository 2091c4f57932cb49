//! What the benchmarks swap: it counts its calls in a memory of 64 KiB, and hands all of that over.
//!
//! Each call is answered with the count, and with the setting `generation`, by which the benchmark knows who answered.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

/// Bytes that are handed over.
const MEMORY: usize = 64 << 10;

/// Those of them that are the count.
const COUNT: usize = size_of::<u64>();

/// What the benchmark sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Which generation this is.
    generation: u64,
}

struct BenchCounter {
    generation: u64,
    count: u64,
    /// What else it remembers.
    rest: Vec<u8>,
}

#[plugin]
impl BenchCounter {
    fn activate(_: &Activation, settings: Settings) -> Self {
        Self { generation: settings.generation, count: 0, rest: vec![7; MEMORY - COUNT] }
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok([&self.count.to_le_bytes(), self.rest.as_slice()].concat())
    }

    fn restore(&mut self, _: &str, saved: Vec<u8>) -> Result<()> {
        let (count, rest) = saved.split_first_chunk().ok_or_else(|| Error::new("there is no count in what was saved"))?;
        self.count = u64::from_le_bytes(*count);
        self.rest = rest.to_vec();
        Ok(())
    }

    fn before_tool_call(&mut self, _: &Call, _: ToolCall) -> Result<Option<ToolDecision>> {
        self.count += 1;
        let (generation, count) = (self.generation, self.count);
        Ok(Some(ToolDecision::rewrite_json(format!(r#"{{"generation":{generation},"count":{count}}}"#))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(generation: u64) -> BenchCounter {
        BenchCounter { generation, count: 0, rest: vec![7; MEMORY - COUNT] }
    }

    fn ask(counter: &mut BenchCounter) -> String {
        counter.before_tool_call(&Call::default(), ToolCall::new("any", "{}")).unwrap().unwrap().params.unwrap()
    }

    #[test]
    fn the_count_goes_on_in_the_next_one() {
        let (mut first, mut second) = (counter(1), counter(2));
        assert_eq!(ask(&mut first), r#"{"generation":1,"count":1}"#);
        let saved = first.save().unwrap();
        assert_eq!(saved.len(), MEMORY);
        second.restore("0.1.0", saved).unwrap();
        assert_eq!(ask(&mut second), r#"{"generation":2,"count":2}"#);
        assert_eq!(second.save().unwrap().len(), MEMORY);
        assert!(second.restore("0.1.0", vec![1]).is_err());
    }
}
