//! The one list of what a plugin may export. To add a hook: one WIT interface, one line in [`TABLE`].
//!
//! What it is for: the bindings, the glue of `#[plugin]`, the list of names in its errors all come from here. What it costs: nothing at run
//! time. How it fails: a name that isn't in it is answered with the nearest one that is.

/// The version of the WIT package.
pub(crate) const API_VERSION: &str = "0.1.0";

/// The interfaces that the SDK imports. What a plugin doesn't use vanishes when it is linked.
pub(crate) const IMPORTS: &[&str] = &["types", "log", "config", "keyed-store"];

/// What an exported function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The beginning of a cell: makes the plugin's value.
    Activate,
    /// The end of a cell.
    Deactivate,
    /// Told once that the plugin is live.
    Started,
    /// Hands its memory to the next version.
    Save,
    /// Takes over the memory of the previous version.
    Restore,
    /// A hook that may answer with an outcome.
    Answer {
        /// Whether it is about a tool, and so may be limited to some of them.
        tools: bool,
    },
    /// A hook that only looks.
    Observe,
}

impl Kind {
    /// Whether this is a hook, which takes options.
    pub(crate) fn is_hook(self) -> bool {
        matches!(self, Kind::Answer { .. } | Kind::Observe)
    }

    /// Whether `#[hook(tools(…))]` makes sense.
    pub(crate) fn takes_tools(self) -> bool {
        matches!(self, Kind::Answer { tools: true })
    }
}

/// One method that `#[plugin]` knows.
#[derive(Debug)]
pub(crate) struct Row {
    /// The method's name.
    pub(crate) method: &'static str,
    /// The interface that it makes the plugin export.
    pub(crate) interface: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
}

const fn row(method: &'static str, interface: &'static str, kind: Kind) -> Row {
    Row { method, interface, kind }
}

/// All of them.
pub(crate) const TABLE: &[Row] = &[
    row("activate", "plugin", Kind::Activate),
    row("deactivate", "plugin", Kind::Deactivate),
    row("started", "startup", Kind::Started),
    row("save", "handover", Kind::Save),
    row("restore", "handover", Kind::Restore),
    row("before_tool_call", "before-tool-call", Kind::Answer { tools: true }),
    row("message_received", "message-received", Kind::Observe),
];

/// The row of a method.
pub(crate) fn find(method: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.method == method)
}

/// The method whose name is most like this one, if any is like it at all.
pub(crate) fn nearest(method: &str) -> Option<&'static str> {
    let likeness = |row: &&Row| strsim::jaro_winkler(row.method, method);
    let best = TABLE.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.75).then_some(best.method)
}

/// The exported interfaces, each once, in the table's order.
pub(crate) fn interfaces() -> Vec<&'static str> {
    let mut all = Vec::new();
    for row in TABLE {
        if !all.contains(&row.interface) {
            all.push(row.interface);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hooks_method_is_its_interface_in_snake_case() {
        for row in TABLE.iter().filter(|row| row.kind.is_hook()) {
            assert_eq!(row.method, row.interface.replace('-', "_"));
        }
    }

    #[test]
    fn no_method_stands_twice() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..at].iter().all(|earlier| earlier.method != row.method), "{}", row.method);
        }
    }

    #[test]
    fn a_misspelt_name_finds_its_hook() {
        assert_eq!(nearest("before_toolcall"), Some("before_tool_call"));
        assert_eq!(nearest("on_message_recieved"), Some("message_received"));
        assert_eq!(nearest("start"), Some("started"));
        assert_eq!(nearest("xyz"), None);
    }

    #[test]
    fn each_interface_is_in_the_contract() {
        let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let text: String = std::fs::read_dir(wit)
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect::<Vec<_>>()
            .join("\n");
        for name in interfaces().iter().chain(IMPORTS) {
            assert!(text.contains(&format!("interface {name} {{")), "{name}");
        }
        assert!(text.contains(&format!("package plugbay:plugin@{API_VERSION};")));
    }

    /// Worlds of two interfaces, one of which uses the other, merge in one order only, and the linker picks the order.
    #[test]
    fn no_interface_uses_one_that_is_exported() {
        let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        for file in std::fs::read_dir(wit).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for used in text.lines().filter_map(|line| line.trim().strip_prefix("use ")) {
                let interface = used.split('.').next().unwrap();
                assert!(IMPORTS.contains(&interface), "`use {used}`: put shared words into `types`");
            }
        }
    }
}
