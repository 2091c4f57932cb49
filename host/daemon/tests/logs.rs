//! What the host's own log says of plugins' logs. Alone in its process, which has one such log.

#![cfg(test)]

use plugbay_daemon::logs::{LogSettings, PluginLogs};
use plugbay_runtime::PluginId;
use plugbay_runtime::engine::Level;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

#[tokio::test]
async fn the_hosts_log_has_the_plugins_lines_and_one_word_for_each_time_that_a_file_fails() {
    let heard = Heard::default();
    tracing::subscriber::set_global_default(heard.clone()).unwrap();
    let folder = TempDir::new().unwrap();
    let logs = PluginLogs::new(LogSettings { folder: Some(folder.path().into()), ..LogSettings::default() }).unwrap();
    let guard = PluginId::try_from("guard".to_owned()).unwrap();
    let none = PluginId::try_from("none".to_owned()).unwrap();
    let sink = logs.sink(&guard);

    // Nobody can write to a folder, not even root.
    let file = folder.path().join("guard.log");
    std::fs::create_dir(&file).unwrap();
    ["1", "2", "3"].iter().for_each(|text| sink.line(Level::Error, text));
    logs.forget(&none, false).await.unwrap(); // in turn: the lines are dealt with
    std::fs::remove_dir(&file).unwrap();
    sink.line(Level::Info, "4");
    logs.forget(&none, false).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    sink.line(Level::Info, "5");
    logs.close().await;
    sink.line(Level::Info, "6");

    let path = file.display();
    let failing =
        |word: &str| word.starts_with(&format!("ERROR plugbay::logs plugin=guard file={path} error=")) && word.contains("dropped");
    let said = heard.0.lock().unwrap();
    let (of_files, of_plugin): (Vec<_>, Vec<_>) = said.iter().partition(|word| word.contains(" plugbay::logs "));
    let of_plugin: Vec<_> = of_plugin.iter().map(|word| word.as_str()).collect();
    assert_eq!(
        of_plugin,
        ["ERROR 1", "ERROR 2", "ERROR 3", "INFO 4", "INFO 5", "INFO 6"].map(|word| {
            let (level, text) = word.split_once(' ').unwrap();
            format!("{level} plugbay::plugin plugin=guard message={text} ")
        })
    );
    assert_eq!(of_files.len(), 4, "{of_files:#?}");
    assert!(failing(of_files[0]) && failing(of_files[2]), "{of_files:#?}");
    for (word, missing) in [(of_files[1], 3), (of_files[3], 1)] {
        assert!(word.starts_with(&format!("WARN plugbay::logs plugin=guard missing={missing} ")), "{word}");
    }
}

/// Writes down what it hears, fields by name and the message last.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Words {
    fields: String,
    message: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let to = if field.name() == "message" { &mut self.message } else { &mut self.fields };
        write!(to, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("plugbay::")
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        self.0.lock().unwrap().push(format!("{level} {target} {}{}", words.fields, words.message));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
