use super::*;
use futures_util::{FutureExt, StreamExt};
use tempfile::TempDir;
use tokio::runtime::Builder;

fn id(text: &str) -> PluginId {
    PluginId::try_from(text.to_owned()).unwrap()
}

fn some(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

fn in_folder(folder: &TempDir) -> LogSettings {
    LogSettings { folder: Some(folder.path().join("logs")), ..LogSettings::default() }
}

fn file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join("logs").join(name)
}

fn lines(file: &Path) -> Vec<LogLine> {
    std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

fn numbers(lines: &[LogLine]) -> Vec<u64> {
    lines.iter().map(|line| line.seq).collect()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(future)
}

fn write(logs: &PluginLogs, plugin: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) {
    let sink = logs.sink(&id(plugin));
    texts.into_iter().for_each(|text| sink.line(Level::Info, text.as_ref()));
}

#[test]
fn a_line_is_kept_in_memory_and_on_disk_with_its_number_and_level() {
    let folder = TempDir::new().unwrap();
    let logs = PluginLogs::new(in_folder(&folder)).unwrap();
    logs.sink(&id("guard")).line(Level::Warn, "describes itself");
    logs.sink(&id("guard")).line(Level::Info, "turned \u{202e}round");
    write(&logs, "other", ["mine"]);
    wait(logs.close());

    let kept = logs.tail(&id("guard"), Since::Last(10));
    let seen: Vec<_> = kept.iter().map(|l| (l.seq, l.level, l.text.as_str())).collect();
    assert_eq!(seen, [(1, Level::Warn, "describes itself"), (2, Level::Info, "turned \\u{202e}round")]);
    assert_eq!(lines(&file(&folder, "guard.log")), kept);
    assert_eq!(texts(&lines(&file(&folder, "other.log"))), ["mine"]);
}

#[test]
fn folder_and_files_are_their_owners_alone_also_where_they_were_not() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(file(&folder, "")).unwrap();
    std::fs::write(file(&folder, "old.log"), "").unwrap();
    for (path, mode) in [("", 0o755), ("old.log", 0o644)] {
        std::fs::set_permissions(file(&folder, path), Permissions::from_mode(mode)).unwrap();
    }
    let logs = PluginLogs::new(in_folder(&folder)).unwrap();
    write(&logs, "old", ["line"]);
    write(&logs, "new", ["line"]);
    wait(logs.close());
    for (path, mode) in [("", 0o700), ("old.log", 0o600), ("new.log", 0o600)] {
        assert_eq!(std::fs::metadata(file(&folder, path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn lines_below_the_level_are_not_wanted() {
    let logs = PluginLogs::new(LogSettings { level: Level::Warn, ..LogSettings::default() }).unwrap();
    let sink = logs.sink(&id("guard"));
    assert!(!sink.enabled(Level::Info) && sink.enabled(Level::Warn) && sink.enabled(Level::Error));
}

#[test]
fn after_a_restart_numbers_go_on_and_the_last_lines_are_there() {
    let folder = TempDir::new().unwrap();
    let logs = PluginLogs::new(in_folder(&folder)).unwrap();
    write(&logs, "guard", ["one", "two"]);
    wait(logs.close());
    // A kill in the middle of a line, and somebody with an editor.
    let mut edited = std::fs::read_to_string(file(&folder, "guard.log")).unwrap();
    for (seq, text) in [(1, "of the past"), ((1_u64 << 53) - 1, "the last number")] {
        edited += &format!("{{\"seq\":{seq},\"at\":0,\"level\":\"info\",\"text\":\"{text}\"}}\n");
    }
    edited += "{\"seq\":9";
    std::fs::write(file(&folder, "guard.log"), edited).unwrap();

    let logs = PluginLogs::new(in_folder(&folder)).unwrap();
    write(&logs, "guard", ["three"]);
    let kept = logs.tail(&id("guard"), Since::Last(10));
    assert_eq!((texts(&kept), numbers(&kept)), (vec!["one", "two", "three"], vec![1, 2, 3]));
    wait(logs.close());
    let written = std::fs::read_to_string(file(&folder, "guard.log")).unwrap();
    assert_eq!(written.lines().count(), 6);
    assert_eq!(serde_json::from_str::<LogLine>(written.lines().last().unwrap()).unwrap(), kept[2]);
}

#[tokio::test]
async fn a_follower_gets_what_is_there_and_what_comes_without_a_gap() {
    let logs = PluginLogs::new(LogSettings::default()).unwrap();
    write(&logs, "guard", ["1", "2", "3"]);
    let mut stream = Box::pin(logs.follow(&id("guard"), Since::Last(2)));
    let mut next = async || match stream.next().await {
        Some(Followed::Line(line)) => line.text,
        other => format!("{other:?}"),
    };
    assert_eq!((next().await, next().await), ("2".into(), "3".into()));
    assert!(next().now_or_never().is_none());
    let follower = async { [next().await, next().await] };
    let writer = async { write(&logs, "guard", ["4", "5"]) };
    assert_eq!(tokio::join!(follower, writer).0, ["4", "5"]);
    write(&logs, "guard", ["6"]);
    logs.close().await;
    write(&logs, "guard", ["too late"]);
    assert_eq!((next().await, next().await), ("6".into(), "None".into()));
}

#[tokio::test]
async fn a_follower_that_lags_is_told_how_much_it_missed() {
    let logs = PluginLogs::new(LogSettings { lines: some(10), ..LogSettings::default() }).unwrap();
    let plugin = id("guard");
    write(&logs, "guard", ["1", "2"]);
    let lagging = logs.follow(&plugin, Since::Line(1));
    write(&logs, "guard", (3..=27).map(|n| n.to_string()));
    let returning = logs.follow(&plugin, Since::Line(20));
    logs.close().await;
    let mut seen: Vec<_> = lagging.collect().await;
    assert_eq!(seen.remove(0), Followed::Missed(16));
    let kept: Vec<_> = logs.tail(&plugin, Since::Last(100)).into_iter().map(Followed::Line).collect();
    assert_eq!((kept.len(), &seen), (10, &kept));
    assert_eq!(returning.collect::<Vec<_>>().await, kept[3..]);
}

#[test]
fn what_finds_no_place_is_missing_said_and_costs_nobody_else() {
    let folder = TempDir::new().unwrap();
    let (logs, writer) = PluginLogs::with_writer(in_folder(&folder)).unwrap();
    // Nothing is written yet: the slowest of disks.
    write(&logs, "flood", (0..writer::WAITING + 44).map(|n| n.to_string()));
    write(&logs, "other", ["mine"]);
    assert_eq!(logs.tail(&id("flood"), Since::Last(usize::MAX)).len(), writer::WAITING + 44);
    let thread = std::thread::spawn(|| writer.unwrap().run());
    wait(logs.forget(&id("none"), false)).unwrap();
    write(&logs, "flood", ["after", "and after"]);
    wait(logs.close());
    thread.join().unwrap();
    let (logs, _unread) = PluginLogs::with_writer(in_folder(&TempDir::new().unwrap())).unwrap();
    write(&logs, "flood", (0..writer::WAITING + 3).map(|n| n.to_string()));
    assert_eq!((logs.log(&id("flood")).end(), logs.log(&id("flood")).end()), (3, 0));

    let written = lines(&file(&folder, "flood.log"));
    assert_eq!(written.len(), writer::WAITING + 2);
    let dropped: Vec<_> = written.iter().filter_map(|line| line.dropped.map(|dropped| (line.text.as_str(), dropped))).collect();
    assert_eq!(dropped, [("after", 44)]);
    assert_eq!(texts(&lines(&file(&folder, "other.log"))), ["mine"]);
}

#[test]
fn a_forgotten_plugin_leaves_its_files_or_nothing() {
    let folder = TempDir::new().unwrap();
    let logs = PluginLogs::new(LogSettings { file_bytes: NonZeroU64::new(100).unwrap(), ..in_folder(&folder) }).unwrap();
    let (plugin, late) = (id("guard"), logs.sink(&id("guard")));
    let followed = logs.follow(&plugin, Since::Last(0));
    write(&logs, "guard", ["one", "two", "three"]);
    wait(logs.forget(&plugin, false)).unwrap();
    assert_eq!(wait(followed.count()), 3);
    late.line(Level::Info, "too late");
    assert_eq!(numbers(&logs.tail(&plugin, Since::Last(10))), [3]);
    std::fs::remove_file(file(&folder, "guard.log.1")).unwrap(); // as after a kill in the middle of a rotation
    wait(logs.forget(&plugin, true)).unwrap();
    assert_eq!(std::fs::read_dir(file(&folder, "")).unwrap().count(), 0);
    write(&logs, "guard", ["anew"]);
    assert_eq!(numbers(&logs.tail(&plugin, Since::Last(10))), [1]);
    std::fs::create_dir(file(&folder, "stuck.log")).unwrap();
    let refused = wait(logs.forget(&id("stuck"), true)).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("can't delete {}", file(&folder, "stuck.log").display())), "{refused}");
    wait(logs.close());
    assert!(matches!(wait(logs.forget(&plugin, true)), Err(LogsError::Closed { plugin }) if plugin.as_str() == "guard"));
}

#[test]
fn after_closing_nothing_fails_and_nothing_is_kept() {
    let folder = TempDir::new().unwrap();
    let logs = PluginLogs::new(in_folder(&folder)).unwrap();
    write(&logs, "guard", ["kept"]);
    wait(logs.close());
    wait(logs.close());
    write(&logs, "guard", ["too late"]);
    write(&logs, "other", ["too late"]);
    assert_eq!(texts(&logs.tail(&id("guard"), Since::Last(10))), ["kept"]);
    assert_eq!(wait(logs.follow(&id("other"), Since::Last(10)).count()), 0);
    assert!(!file(&folder, "other.log").exists());
}

#[test]
fn a_folder_that_can_not_be_is_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    std::fs::write(file(&folder, ""), "").unwrap_err();
    std::fs::write(folder.path().join("logs"), "a file").unwrap();
    let refused = PluginLogs::new(in_folder(&folder)).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("can't keep plugins' logs in {}: ", folder.path().join("logs").display())), "{refused}");
}
