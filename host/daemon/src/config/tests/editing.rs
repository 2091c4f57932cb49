//! Edits change what they say, and nothing else.

use super::nasty::FILES;
use super::{comments, id, parse};
use crate::config::edit::apply;
use crate::config::{Edit, EditError, Slot};
use plugbay_runtime::Grant;
use plugbay_runtime::engine::Limits;
use std::path::Path;

fn edited(text: &str, edit: &Edit) -> String {
    apply(text, std::slice::from_ref(edit), Path::new("plugbay.toml")).unwrap_or_else(|e| panic!("{edit:?} in\n{text}\n{e}")).0
}

fn enabled(plugin: &str, enabled: bool) -> Edit {
    Edit::Enabled { plugin: id(plugin), enabled }
}

fn grant(plugin: &str, grant: Grant, decision: Option<bool>) -> Edit {
    Edit::Grant { plugin: id(plugin), grant, decision }
}

fn limit(plugin: &str, limit: &str, value: Option<&str>) -> Edit {
    Edit::Limit { plugin: id(plugin), limit: limit.to_owned(), value: value.map(str::to_owned) }
}

fn slot(plugin: Option<&str>) -> Edit {
    Edit::Slot { slot: Slot::ContextEngine, plugin: plugin.map(id) }
}

fn forget(plugin: &str) -> Edit {
    Edit::Forget { plugin: id(plugin) }
}

/// All edits that the tests do to plugins of these names.
fn all_edits() -> Vec<Edit> {
    let mut edits = vec![slot(None)];
    for plugin in ["a", "b", "c"] {
        edits.extend([enabled(plugin, true), enabled(plugin, false), forget(plugin), slot(Some(plugin))]);
        for decision in [Some(true), Some(false), None] {
            edits.extend([grant(plugin, Grant::Conversation, decision), grant(plugin, Grant::State, decision)]);
        }
        edits.extend([limit(plugin, "memory", Some("3 MiB")), limit(plugin, "memory", None), limit(plugin, "waiting", Some("5"))]);
    }
    edits
}

/// What an edit is about is as it says.
fn assert_done(edit: &Edit, text: &str) {
    let config = parse(text).unwrap();
    match edit {
        Edit::Enabled { plugin, enabled } => assert_eq!(config.plugin(plugin).enabled, *enabled),
        Edit::Grant { plugin, grant, decision } => {
            let grants = config.plugin(plugin).settings.grants;
            assert_eq!(
                (grants.granted.contains(grant), grants.denied.contains(grant)),
                (*decision == Some(true), *decision == Some(false))
            );
        }
        Edit::Limit { plugin, limit, value } => {
            let limits = config.plugin(plugin).settings.limits;
            let is = if limit == "memory" { limits.memory.get() } else { limits.waiting };
            let default = Limits::default().memory.get();
            assert_eq!(is, value.as_ref().map_or(default, |v| if v == "5" { 5 } else { 3 << 20 }));
        }
        Edit::Slot { plugin, .. } => assert_eq!(config.slots.context_engine, *plugin),
        Edit::Forget { plugin } => {
            assert!(!config.named().any(|named| named == plugin), "{text}");
            assert_ne!(config.slots.context_engine.as_ref(), Some(plugin));
        }
    }
}

/// What is decided about all plugins but the edit's, and about the host.
fn others(edit: &Edit, text: &str) -> String {
    let config = parse(text).unwrap();
    let about = match edit {
        Edit::Enabled { plugin, .. } | Edit::Grant { plugin, .. } | Edit::Limit { plugin, .. } | Edit::Forget { plugin } => {
            Some(plugin.clone())
        }
        Edit::Slot { .. } => None,
    };
    let plugins = ["a", "b", "c", "z"].map(id).into_iter().filter(|p| Some(p) != about.as_ref()).map(|p| {
        let mut plugin = config.plugin(&p);
        if about.is_none() {
            plugin.slots.clear();
        }
        plugin
    });
    format!("{:?} {:?} {:?}", config.host, config.logs, plugins.collect::<Vec<_>>())
}

/// One edit, with everything that holds for every edit.
fn checked(text: &str, edit: &Edit) -> String {
    let after = edited(text, edit);
    let about = format!("{edit:?}\n--- before\n{text}\n--- after\n{after}");
    assert_done(edit, &after);
    assert_eq!(comments(&after), comments(text), "comments: {about}");
    assert_eq!(others(edit, &after), others(edit, text), "others: {about}");
    assert_eq!(edited(&after, edit), after, "again: {about}");
    assert_eq!(text.contains("\r\n"), after.contains("\r\n"));
    assert!(!text.contains('\r') || !after.replace("\r\n", "").contains('\n'), "ends of lines: {about}");
    after
}

#[test]
fn every_edit_of_every_file_keeps_the_rest() {
    for text in FILES {
        for edit in all_edits() {
            checked(text, &edit);
        }
    }
}

#[test]
fn sequences_of_edits_keep_the_file_valid() {
    let edits = all_edits();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for text in FILES.iter().cycle().take(8 * FILES.len()) {
        let mut text = (*text).to_owned();
        for _ in 0..12 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text = checked(&text, &edits[(random >> 33) as usize % edits.len()]);
        }
    }
}

#[test]
fn only_what_is_edited_changes_in_the_text() {
    let text = FILES[3];
    assert_eq!(edited(text, &enabled("b", true)), text.replace("enabled = false # off", "enabled = true # off"));
    assert_eq!(edited(text, &enabled("b", false)), text);
    let decided = grant("b", Grant::Conversation, Some(true));
    assert_eq!(edited(text, &decided), text.replace("\n  ]\n", "\n  ]\n  grants.conversation = true\n"));
    let denied = grant("a", Grant::State, Some(false));
    assert_eq!(edited(text, &denied), text.replace("true # yes\n", "true # yes\nstate = false\n"));
    let undecided = grant("a", Grant::Conversation, None);
    assert_eq!(edited(text, &undecided), text.replace("conversation = true # yes\n", "# yes\n"));
}

#[test]
fn a_new_value_takes_the_form_of_its_neighbours() {
    assert_eq!(edited("", &enabled("a", false)), "[plugins.a]\nenabled = false\n");
    assert_eq!(edited("[logs]", &enabled("a", false)), "[logs]\n\n[plugins.a]\nenabled = false\n");
    assert_eq!(edited("", &slot(Some("a"))), "[slots]\ncontext-engine = \"a\"\n");
    assert_eq!(edited("plugins.b.enabled = true # b", &enabled("a", true)), "plugins.b.enabled = true # b\nplugins.a.enabled = true\n");
    assert_eq!(edited("plugins = {}", &enabled("a", true)), "plugins = { a.enabled = true }");
    let braces = "[plugins]\na = { enabled = true } # c";
    assert_eq!(edited(braces, &grant("a", Grant::State, Some(true))), "[plugins]\na = { enabled = true, grants.state = true } # c");
    assert_eq!(edited("[plugins.a.config]\nx = 1", &enabled("a", true)), "[plugins.a.config]\nx = 1\n\n[plugins.a]\nenabled = true\n");
    assert_eq!(
        edited("[plugins]\nallow = ['a']\n", &limit("a", "waiting", Some("7"))),
        "[plugins]\nallow = ['a']\n\n[plugins.a]\nlimits.waiting = 7\n"
    );
}

#[test]
fn removed_entries_take_their_comma_along() {
    let text = "[plugins]\nb = { grants.state = true, limits.memory = '2 MiB', grants.conversation = false }\n";
    assert_eq!(edited(text, &grant("b", Grant::State, None)), "[plugins]\nb = { limits.memory = '2 MiB', grants.conversation = false }\n");
    assert_eq!(edited(text, &grant("b", Grant::Conversation, None)), "[plugins]\nb = { grants.state = true, limits.memory = '2 MiB' }\n");
}

#[test]
fn a_forgotten_plugin_stays_in_the_lists() {
    let text = "[plugins]\nallow = ['a']\ndeny = ['b']\n[plugins.a]\nconfig.x = 1\n[plugins.a.limits]\n";
    assert_eq!(edited(text, &forget("a")), "[plugins]\nallow = ['a']\ndeny = ['b']\n");
}

#[test]
fn edits_that_would_break_the_file_are_refused() {
    let refused = |edit: Edit| apply("# x\n", &[edit], Path::new("plugbay.toml")).unwrap_err();
    assert!(matches!(refused(enabled("allow", true)), EditError::Reserved(_)));
    assert!(matches!(refused(forget("deny")), EditError::Reserved(_)));
    let unknown = refused(limit("a", "memroy", Some("1 MiB"))).to_string();
    assert!(unknown.contains("no limit `memroy`") && unknown.contains("did you mean `memory`?"), "{unknown}");
    let wrong = refused(limit("a", "memory", Some("1 \" MB"))).to_string();
    assert!(wrong.contains("`plugins.a.limits.memory`: expected a size"), "{wrong}");
}

#[test]
fn a_slot_moves_from_wherever_it_is() {
    let text = "[slots]\ncontext-engine = 'b' # now\n[plugins.b]\nslots = ['context-engine']\n";
    assert_eq!(edited(text, &slot(Some("a"))), "[slots]\ncontext-engine = \"a\" # now\n[plugins.b]\n");
    assert_eq!(edited(text, &forget("b")), "[slots]\n# now\n");
}
