//! The plugin against the SDK's fakes: who waits, and what is done about it.

mod sweeps;
mod waiting;

use super::*;
use crate::days::Day;
use crate::moment::{MINUTE, day};
use crate::waits::Wait;
use plugbay_sdk::Principal;

fn plugin(settings: Value) -> SlaMonitor {
    let reason = ActivationReason::Install;
    let activation = Activation { reason, config: "{}".into(), granted: Vec::new(), denied: Vec::new(), previous_version: None };
    SlaMonitor::activate(&activation, serde_json::from_value(settings).unwrap()).unwrap()
}

/// A call about a session, for somebody.
fn by(key: &str, sender: &str) -> Call<'static> {
    let principal = Principal { channel: "http".into(), sender: sender.into(), scopes: Vec::new() };
    Call { session: Some(sessions::fake::session(key)), principal: Some(principal), ..Call::default() }
}

fn chat() -> Call<'static> {
    by("chat", "ada")
}

/// Ada writes, so many minutes ago.
fn write(plugin: &SlaMonitor, minutes: u64) {
    write_at(plugin, "ada", now() - minutes * MINUTE);
}

fn write_at(plugin: &SlaMonitor, sender: &str, at: u64) {
    plugin.message_received(&by("chat", sender), Message { at, ..Message::new("m", "Where is my parcel?") }).unwrap();
}

fn sent(plugin: &SlaMonitor, at: u64, error: Option<&str>) {
    let error = error.map(str::to_owned);
    plugin.message_sent(&chat(), Sent { at, error, ..Sent::new("It is there.") }).unwrap();
}

/// A turn begins.
fn begin(plugin: &SlaMonitor, trigger: Trigger) {
    assert_eq!(plugin.agent_turn_prepare(&chat(), TurnPrepared { trigger, ..TurnPrepared::new("Where?") }).unwrap(), None);
}

fn end(plugin: &SlaMonitor, error: Option<&str>) {
    let error = error.map(str::to_owned);
    plugin.agent_end(&chat(), TurnEnded { success: error.is_none(), error, ..TurnEnded::new(5) }).unwrap();
}

/// Who waits in `chat`.
fn waits(plugin: &SlaMonitor) -> Option<Wait> {
    Waits::open(&plugin.settings).unwrap().all().unwrap().into_iter().map(|(_, wait)| wait).find(|wait| wait.session == "chat")
}

fn today() -> Day {
    let days = Store::<Day>::open("days", store::Options::up_to(40).default_ttl(std::time::Duration::from_millis(30 * moment::DAY)));
    days.unwrap().lookup(&day(now())).unwrap().unwrap_or_default()
}

fn sweep(plugin: &SlaMonitor) {
    plugin.timers(&Call::default(), Timer::new("job")).unwrap();
}

/// What `/sla` says.
fn sla(plugin: &SlaMonitor) -> String {
    plugin.sla(&Call::default()).unwrap()
}
