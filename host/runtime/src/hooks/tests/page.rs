//! The page on hooks, docs/hooks.md: what it says in tables and lists is what the types and `wit/` say, and each hook has an example.

use crate::hook::{HOOKS, HookInfo, Mode, Subject};
use std::fs;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn page() -> String {
    read("../../docs/hooks.md")
}

/// A hook's line of the table of all hooks.
fn line(hook: &HookInfo) -> String {
    let mode = match hook.mode {
        Mode::Observe => "observe",
        Mode::Modify => "modify",
        Mode::Claim => "claim",
        Mode::Gate => "gate",
        Mode::Direct => "direct",
    };
    let grants: Vec<_> = hook.grants.iter().map(|grant| format!("`{grant}`")).collect();
    let grants = if grants.is_empty() { "-".to_owned() } else { grants.join(", ") };
    let failure = if hook.fails_closed { "no" } else { "passed over" };
    let subject = match hook.subject {
        None => "-",
        Some(Subject::Tool) => "tools",
        Some(Subject::Topic) => "topics",
    };
    let HookInfo { name, budget, .. } = hook;
    format!("| [`{name}`](#{name}) | {mode} | {grants} | {} s | {failure} | {subject} |", budget.as_secs_f64())
}

/// What stands under a heading, up to the next one as high.
fn under<'p>(page: &'p str, heading: &str) -> &'p str {
    let mark = heading.split(' ').next().unwrap_or_default();
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("docs/hooks.md has no `{heading}`"));
    rest.split(&format!("\n{mark} ")).next().unwrap_or_default()
}

/// The fields of a record of a hook's interface, as Rust has them; none, if there is no such record.
fn fields(hook: &str, record: &str) -> Option<Vec<String>> {
    let wit = read(&format!("wit/{hook}.wit"));
    let (_, rest) = wit.split_once(&format!("    record {record} {{\n"))?;
    let body = rest.split("\n    }").next().unwrap_or_default().lines().map(str::trim);
    let names = body.filter(|line| !line.starts_with("///")).filter_map(|line| Some(line.split_once(": ")?.0.trim_start_matches('%')));
    Some(names.filter(|name| *name != "attrs").map(|name| name.replace('-', "_")).collect())
}

#[test]
fn the_table_of_all_hooks_is_true() {
    let page = page();
    let told: Vec<_> = under(&page, "## All hooks").lines().filter(|line| line.starts_with("| [")).collect();
    let true_ones: Vec<_> = HOOKS.iter().map(line).collect();
    assert_eq!(told.len(), true_ones.len());
    for (told, is) in told.iter().zip(&true_ones) {
        assert_eq!(told, is);
    }
}

#[test]
fn each_hook_is_told_with_all_fields_of_event_and_answer() {
    let page = page();
    for hook in HOOKS {
        let part = under(&page, &format!("### {}", hook.name));
        for (record, item) in [("event", "- **Event**"), ("outcome", "- **Answer**")] {
            let fields = fields(hook.name, record);
            let item = part.lines().find(|line| line.starts_with(item)).unwrap_or_default();
            assert!(record != "event" || fields.is_some(), "{}: no event was found in its WIT", hook.name);
            let fields = fields.unwrap_or_default();
            let missing: Vec<_> = fields.iter().filter(|field| !item.contains(&format!("`{field}`"))).collect();
            assert_eq!(missing, Vec::<&String>::new(), "{}: not in docs/hooks.md, {record}: {item}", hook.name);
        }
    }
}

#[test]
fn each_hook_has_its_place_in_a_diagram_and_an_example_beside_it() {
    let page = page();
    let diagrams: Vec<_> = page.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    for hook in HOOKS {
        let method = match hook.name {
            "tools" => "#[tool(".to_owned(),
            "session-actions" => "#[action(".to_owned(),
            "commands" => "#[command]".to_owned(),
            name => format!("fn {}(", name.replace('-', "_")),
        };
        let heading = format!("\n### {}\n", hook.name);
        let part = page.split("\n## ").find(|part| part.contains(&heading)).unwrap_or_default();
        let example = part.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
        assert!(example.contains(&method), "{}: no example that is compiled and run", hook.name);
        assert!(placed(hook.name, &diagrams), "{}: in no diagram", hook.name);
    }
}

/// Whether a hook stands in a diagram as a word of its own; those that nothing of the host's own calls don't have to.
fn placed(hook: &str, diagrams: &[&str]) -> bool {
    // These have no moment of their own: they go on beside turns.
    const BESIDE: [&str; 2] = ["session-projection", "agent-events"];
    let is_part = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    BESIDE.contains(&hook) || diagrams.iter().any(|text| text.split(is_part).any(|word| word == hook))
}
