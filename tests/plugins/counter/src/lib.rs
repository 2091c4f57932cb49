//! Counts in its memory, hands the count over to its next version, and goes wrong where its own bytes say so.
//!
//! Tests make versions of it by changing bytes of the built component: its version, and `DEEDS`, words that say what this version does besides
//! counting. So two versions differ in nothing else, and what one of them does doesn't hang on its settings. The tool's name says what a call is to
//! do: `count` and `peek` answer with the count, `nap` and `long-nap` sleep before they count, `told` answers with what `activate` was told, `keep` and
//! `kept` write and read a row, and `panic` does that.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;
use std::hint::black_box;
use std::time::Duration;

/// What this version does besides counting: `activate-traps activate-fails activate-naps activate-hangs activate-needs-state started-traps started-fails
/// save-traps save-refuses save-is-huge restore-traps restore-refuses deactivate-naps deactivate-traps`. A word that is none of these only makes another
/// component.
static DEEDS: [u8; 64] = *b"deeds:                                                          ";

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Whether `activate` refuses these settings.
    #[serde(default)]
    refuse: bool,
    /// Whether each call panics.
    #[serde(default)]
    faulty: bool,
}

struct Counter {
    count: u64,
    settings: Settings,
    /// What `activate` was told.
    granted: Vec<String>,
    denied: Vec<String>,
    before: Option<String>,
}

#[plugin(isolation(shared, pool, session))]
impl Counter {
    fn activate(activation: &Activation, settings: Settings) -> Result<Self> {
        log::info!("{} activates because of {:?}", version(), activation.reason);
        do_deeds("activate")?;
        if settings.refuse {
            return Err(Error::new("these settings are refused"));
        }
        if does("activate-needs-state") && activation.denied.iter().any(|grant| grant == "state") {
            return Err(Error::new("it can't do without `state`"));
        }
        let (granted, denied) = (activation.granted.clone(), activation.denied.clone());
        Ok(Self { count: 0, settings, granted, denied, before: activation.previous_version.clone() })
    }

    fn started(&mut self, reason: ActivationReason) -> Result<()> {
        log::info!("{} started because of {reason:?}", version());
        do_deeds("started")
    }

    fn deactivate(&mut self, reason: DeactivationReason) {
        log::info!("{} ends with {} because of {reason:?}", version(), self.count);
        if let Err(error) = do_deeds("deactivate") {
            log::warn!("{error}");
        }
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        do_deeds("save")?;
        if does("save-is-huge") {
            return Ok(vec![0; 5 << 20]);
        }
        Ok(self.count.to_le_bytes().to_vec())
    }

    fn restore(&mut self, from_version: &str, saved: Vec<u8>) -> Result<()> {
        do_deeds("restore")?;
        self.count = u64::from_le_bytes(saved.try_into().map_err(|_| Error::new("eight bytes are expected"))?);
        log::info!("{} restored {} of {from_version}", version(), self.count);
        Ok(())
    }

    fn before_tool_call(&mut self, _: &Call, event: ToolCall) -> Result<Option<ToolDecision>> {
        if self.settings.faulty {
            fault("a faulty setting");
        }
        match event.tool_name.as_str() {
            "count" => self.count += 1,
            "nap" => self.nap(Duration::from_millis(300)),
            "long-nap" => self.nap(Duration::from_secs(60)),
            "panic" => fault("as you asked"),
            "keep" => notes()?.register("note", &self.count)?,
            _ => {}
        }
        let note = if event.tool_name == "kept" { notes()?.lookup("note")? } else { None };
        Ok(Some(ToolDecision::rewrite(&json!({
            "version": version(), "count": self.count, "note": note,
            "granted": self.granted, "denied": self.denied, "before": self.before,
        }))?))
    }
}

impl Counter {
    fn nap(&mut self, time: Duration) {
        std::thread::sleep(time);
        self.count += 1;
    }
}

/// Its version, read from the bytes that a test may have changed.
fn version() -> &'static str {
    black_box(env!("CARGO_PKG_VERSION"))
}

/// Whether its bytes say that it does this.
fn does(deed: &str) -> bool {
    let deeds = String::from_utf8_lossy(black_box(&DEEDS));
    deeds.split([':', ' ']).any(|word| word == deed)
}

/// What its bytes say that it does at this point of its life.
fn do_deeds(point: &str) -> Result<()> {
    let does = |deed: &str| does(&format!("{point}-{deed}"));
    if does("naps") {
        std::thread::sleep(Duration::from_millis(300));
    }
    if does("hangs") {
        std::thread::sleep(Duration::from_secs(3_600));
    }
    if does("traps") {
        fault(point);
    }
    if does("fails") || does("refuses") { Err(Error::new(format!("{point} says no"))) } else { Ok(()) }
}

fn notes() -> Result<Store<u64>> {
    Ok(Store::open("notes", store::Options::up_to(10))?)
}

#[expect(clippy::panic, reason = "what a fault does is what is tested")]
fn fault(why: &str) -> ! {
    panic!("{why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(count: u64) -> Counter {
        let settings = Settings { refuse: false, faulty: false };
        Counter { count, settings, granted: Vec::new(), denied: Vec::new(), before: None }
    }

    fn ask(counter: &mut Counter, tool: &str) -> String {
        counter.before_tool_call(&Call::default(), ToolCall::new(tool, "{}")).unwrap().unwrap().params.unwrap()
    }

    #[test]
    fn it_counts_and_hands_over() {
        let (mut first, mut second) = (counter(41), counter(0));
        assert!(ask(&mut first, "count").contains(r#""count":42"#));
        second.restore("7.0.0", first.save().unwrap()).unwrap();
        assert!(ask(&mut second, "peek").contains(r#""count":42"#));
        assert!(second.restore("7.0.0", vec![1]).is_err());
    }

    #[test]
    fn as_it_is_built_it_does_nothing_else() {
        assert!(!does("save-traps") && does("deeds"));
        assert_eq!(do_deeds("activate"), Ok(()));
    }
}
