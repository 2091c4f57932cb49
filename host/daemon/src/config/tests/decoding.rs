//! What a good file says.

use super::{id, parse};
use crate::config::{LogFormat, LogLevel, Slot, Verdict};
use plugbay_runtime::engine::{Cpu, Isolation, Limit, Limits};
use plugbay_runtime::{CatchUp, Grant};
use plugbay_state::{StateLimits, Synchronous};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

#[test]
fn an_empty_file_is_all_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.host.state, Path::new("/etc/plugbay/state"));
    assert_eq!(config.host.socket(), Path::new("/etc/plugbay/state/plugbay.sock"));
    assert_eq!(config.http.listen, None);
    assert_eq!(config.state, StateLimits::default());
    let plugin = config.plugin(&id("scribe"));
    assert_eq!(
        (plugin.enabled, plugin.settings.required, plugin.allowed, plugin.settings.drain),
        (true, None, Verdict::Allowed, Duration::from_secs(30))
    );
    assert_eq!(plugin.settings.limits, Limits::default());
}

#[test]
fn every_section_is_read() {
    let config = parse(
        r#"
http.listen = "[::1]:9"
[host]
plugins = "/srv/plugins"
cache = "../cache"
socket = "/run/plugbay.sock"
durability = "full"
probation = "2 min"
probation-calls = 7
[logs]
level = "debug"
format = "json"
lines = 200
file-bytes = "1 MiB"
files = 2
[watch]
debounce = "0 ms"
poll = "2s"
missing-after = "1 h"
[engine]
cells = 12
stack = "1 MiB"
compile-memory = "2 GiB"
[state]
rows = 50000
value-bytes = "1024 KiB"
"#,
    )
    .unwrap();
    assert_eq!(config.http.listen, Some("[::1]:9".parse().unwrap()));
    assert_eq!(config.host.plugins, Path::new("/srv/plugins"));
    assert_eq!(config.host.cache, Path::new("/etc/plugbay/../cache"));
    assert_eq!(config.host.socket(), Path::new("/run/plugbay.sock"));
    assert_eq!(config.host.durability, Synchronous::Full);
    assert_eq!((config.host.probation, config.host.probation_calls.get()), (Duration::from_secs(120), 7));
    assert_eq!((config.logs.level, config.logs.format), (LogLevel::Debug, LogFormat::Json));
    assert_eq!((config.logs.lines.get(), config.logs.file_bytes.get(), config.logs.files), (200, 1 << 20, 2));
    assert_eq!((config.watch.debounce, config.watch.poll), (Duration::ZERO, Some(Duration::from_secs(2))));
    assert_eq!(config.watch.missing_after, Duration::from_secs(3600));
    assert_eq!((config.engine.cells, config.engine.stack.get(), config.engine.compile.memory), (12, 1 << 20, 2 << 30));
    assert_eq!((config.state.rows.get(), config.state.value.get()), (50_000, 1 << 20));
}

#[test]
fn jobs_and_deliveries_are_read_and_left_out() {
    let plain = parse("").unwrap();
    assert_eq!((plain.schedule.jobs.get(), plain.schedule.concurrent.get(), plain.schedule.catch_up), (100, 32, CatchUp::Once));
    assert_eq!((plain.outbox.keep, plain.outbox.bytes.get()), (Some(Duration::from_secs(30 * 86_400)), 256 << 20));
    assert_eq!(plain.outbox_folder(), Path::new("/etc/plugbay/state/outbox"));
    let config = parse(
        "schedule = { jobs = 3, concurrent = 1, catch-up = 'skip' }\noutbox = { folder = 'out', keep = 'forever', bytes = '1 KiB' }\nhost.state = '/var/s'",
    )
    .unwrap();
    assert_eq!((config.schedule.jobs.get(), config.schedule.concurrent.get(), config.schedule.catch_up), (3, 1, CatchUp::Skip));
    assert_eq!(
        (config.outbox.keep, config.outbox.bytes.get(), config.outbox_folder().as_path()),
        (None, 1024, Path::new("/etc/plugbay/out"))
    );
    assert_eq!(parse("outbox.keep = '48 h'").unwrap().outbox.keep, Some(Duration::from_secs(48 * 3_600)));
    assert_eq!(parse("host.state = '/var/s'").unwrap().outbox_folder(), Path::new("/var/s/outbox"));
}

#[test]
fn a_plugin_is_read_in_every_form() {
    let header = r#"
[plugins.a]
enabled = false
required = true
isolation = { pool = 4 }
drain = "1 s"
slots = ["context-engine"]
[plugins.a.grants]
conversation = true
state = false
[plugins.a.limits]
cpu = "20 ms"
waiting = 0
[plugins.a.budgets]
before-tool-call = "5 s"
[plugins.a.config]
since = 2026-01-02
nested = { list = [1, 2.5, true, "x"] }
"#;
    let dotted = r#"
plugins.a.enabled = false
plugins.a.required = true
plugins.a.isolation.pool = 4
plugins.a.drain = "1000 ms"
slots.context-engine = "a"
plugins.a.grants.conversation = true
plugins.a.grants.state = false
plugins.a.limits = { cpu = "20ms", waiting = 0x0 }
plugins.a.budgets.before-tool-call = "5 s"
plugins.a.config = { since = "2026-01-02", nested.list = [1, 2.5, true, "x"] }
"#;
    for text in [header, dotted] {
        let config = parse(text).unwrap();
        let plugin = config.plugin(&id("a"));
        let settings = &plugin.settings;
        assert_eq!((plugin.enabled, settings.required, settings.drain), (false, Some(true), Duration::from_secs(1)));
        assert_eq!(settings.isolation, Some(Isolation::Pool(4.try_into().unwrap())));
        assert!(settings.grants.granted.contains(&Grant::Conversation) && settings.grants.denied.contains(&Grant::State));
        assert_eq!((settings.limits.cpu, settings.limits.waiting), (Cpu::Fixed(Duration::from_millis(20)), 0));
        assert_eq!(settings.budgets["before-tool-call"], Duration::from_secs(5));
        assert_eq!(json!(settings.config), json!({ "since": "2026-01-02", "nested": { "list": [1, 2.5, true, "x"] } }));
        assert_eq!(config.slots.context_engine, Some(id("a")));
        assert!(plugin.slots.contains(&Slot::ContextEngine));
    }
}

#[test]
fn allow_is_exclusive_and_deny_wins() {
    let config = parse("plugins.allow = ['a', 'b']\nplugins.deny = ['b', 'c']").unwrap();
    let verdict = |name| config.plugin(&id(name)).allowed;
    assert_eq!(["a", "b", "c", "d"].map(verdict), [Verdict::Allowed, Verdict::InDeny, Verdict::InDeny, Verdict::NotInAllow]);
    let nobody = parse("plugins.allow = []").unwrap();
    assert_eq!(nobody.plugin(&id("a")).allowed, Verdict::NotInAllow);
}

#[test]
fn every_limit_that_an_error_names_is_a_setting() {
    let known: Vec<_> = crate::config::describe::rows().into_iter().map(|row| row.path).collect();
    let named = Limit::ALL.iter().map(|l| l.setting()).chain(plugbay_state::Limit::ALL.iter().map(|l| l.setting()));
    for setting in named.filter(|name| name.contains('.')) {
        let path = if setting.starts_with("limits.") { format!("plugins.<id>.{setting}") } else { setting.to_owned() };
        assert!(known.contains(&path), "no `{path}`");
    }
}

#[test]
fn a_slot_has_one_holder_that_two_places_may_agree_on() {
    let config = parse("slots.context-engine = 'a'\nplugins.a.slots = ['context-engine']").unwrap();
    assert_eq!(config.slots.context_engine, Some(id("a")));
    assert_eq!(parse("slots.context-engine = 'builtin'").unwrap().slots.context_engine, None);
}
