//! What the settings make a hook do beside answering.

use plugbay_sdk::prelude::*;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

/// What the test sets.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Whether calls are written down; they are, if not said.
    #[serde(default = "yes")]
    pub(crate) record: bool,
    /// About one of so many calls faults, at random.
    fault_every: Option<u64>,
    /// Which ones.
    #[serde(default)]
    seed: u64,
    /// What a hook does, by the interface's name.
    #[serde(default)]
    does: BTreeMap<String, Deed>,
    /// What a hook answers, by the interface's name: its outcome with the contract's names, or a list of outcomes, one for each call.
    #[serde(default)]
    pub(crate) answers: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

/// Something to do.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// Answers an error.
    Err,
    /// Panics.
    Fault,
    /// Never ends.
    Hang,
    /// Sleeps for so many milliseconds.
    Nap(u64),
}

impl Settings {
    /// Does what is to be done at a hook.
    pub(crate) fn do_deed(&self, hook: &str, invocation: u64) -> Result<()> {
        if self.fault_every.is_some_and(|every| draw(self.seed, hook, invocation).is_multiple_of(every)) {
            fault("it was its turn");
        }
        match self.does.get(hook) {
            None => {}
            Some(Deed::Err) => return Err(Error::new(format!("{hook} was told to fail"))),
            Some(Deed::Fault) => fault("as you asked"),
            Some(Deed::Hang) => hang(),
            Some(Deed::Nap(ms)) => std::thread::sleep(Duration::from_millis(*ms)),
        }
        Ok(())
    }
}

/// A number that looks random, and is the same for the same call.
pub(crate) fn draw(seed: u64, hook: &str, invocation: u64) -> u64 {
    let mixed = hook.bytes().fold(seed ^ invocation.rotate_left(32), |mixed, byte| mix(mixed ^ u64::from(byte)));
    mix(mixed)
}

/// splitmix64
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn hang() -> ! {
    loop {
        black_box(0);
    }
}

#[expect(clippy::panic, reason = "what a fault does is what is tested")]
fn fault(why: &str) -> ! {
    panic!("{why}")
}
