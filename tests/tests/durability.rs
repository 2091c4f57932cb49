//! What was acknowledged is there: after SIGKILL at random moments, and through a full disk, a read-only one, garbage, a torn log and others' locks.
//!
//! `PLUGBAY_KILL_ROUNDS` says how often the program is killed (8), `PLUGBAY_KILL_SEED` what decides when. With `--nocapture` the summary is shown.

#![cfg(test)]

use plugbay_runtime::Plugin;
use plugbay_runtime::state::{Code, DATABASE_FILE, Operation, Sqlite, Synchronous};
use plugbay_tests::durability::{
    Answer, BAG, Book, Child, Host, KillSettings, Rows, Said, Scene, ask, copy, kill_rounds, options, read, rows, slot, sound, turn_rounds,
    value, work_rounds,
};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_durable-host");

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_host_is_killed() {
    let folder = TempDir::new().unwrap();
    let (rounds, seed) = (number("PLUGBAY_KILL_ROUNDS", 8), number("PLUGBAY_KILL_SEED", 20_260_730));
    let settings = KillSettings { program: PROGRAM.into(), rounds, seed, plugins: 3 };
    let summary = kill_rounds(&settings, folder.path()).await.unwrap_or_else(|e| panic!("{e:#}"));
    println!("{summary}");
    assert_eq!(summary.rounds, rounds);
    let total = summary.total;
    let least = total.registered.min(total.filled).min(total.consumed).min(total.counted);
    assert!(least >= rounds, "too little was done for this to mean anything: {total:?}");
}

#[tokio::test]
async fn what_is_queued_for_a_turn_is_shown_once_whenever_the_host_is_killed() {
    let folder = TempDir::new().unwrap();
    let (rounds, seed) = (number("PLUGBAY_KILL_ROUNDS", 8), number("PLUGBAY_KILL_SEED", 20_261_120));
    let settings = KillSettings { program: PROGRAM.into(), rounds, seed, plugins: 1 };
    let summary = turn_rounds(&settings, folder.path()).await.unwrap_or_else(|e| panic!("{e:#}"));
    println!("{summary}");
    assert_eq!(summary.rounds, rounds);
    assert!(
        summary.shown as u64 >= rounds && summary.interrupted as u64 + 1 >= rounds,
        "too little was done for this to mean anything: {summary:?}"
    );
}

#[tokio::test]
async fn work_is_done_once_or_said_to_be_unknown_whenever_the_host_is_killed() {
    let folder = TempDir::new().unwrap();
    let (rounds, seed) = (number("PLUGBAY_KILL_ROUNDS", 8), number("PLUGBAY_KILL_SEED", 20_261_201));
    let settings = KillSettings { program: PROGRAM.into(), rounds, seed, plugins: 1 };
    let summary = work_rounds(&settings, folder.path()).await.unwrap_or_else(|e| panic!("{e:#}"));
    println!("{summary}");
    assert_eq!(summary.rounds, rounds);
    let least = [summary.fired, summary.turns, summary.actions, summary.deliveries].map(|count| count as u64).into_iter().min();
    assert!(least >= Some(rounds), "too little was done for this to mean anything: {summary:?}");
    let moments = [summary.due, summary.unwritten, summary.unlisted, summary.unheard];
    assert!(rounds < 100 || moments.iter().all(|count| *count > 0), "some moments were never met: {summary:?}");
}

/// What a scene said, to its end.
fn said_by(command: &mut Command) -> Vec<Said> {
    let mut child = Child::start(command).unwrap();
    let said = child.rest().unwrap();
    assert!(child.wait().unwrap().success(), "{said:#?}");
    assert_eq!(said.last(), Some(&Said::Done));
    said
}

/// Code and operation of everything that was refused, each once.
fn refused(said: &[Said]) -> Vec<(&str, &str)> {
    let mut refused: Vec<_> = said
        .iter()
        .filter_map(|said| match said {
            Said::Refused { code, operation, .. } => Some((code.as_str(), operation.as_str())),
            _ => None,
        })
        .collect();
    refused.sort_unstable();
    refused.dedup();
    refused
}

/// Has this run before the scene's program, in a shell with the state's folder as `$0`.
fn scene(first: &[&str], shell: &str, scene: Scene, folder: &Path, mode: &str) -> Vec<Said> {
    let state = folder.join("state");
    fs::create_dir_all(&state).unwrap();
    let mut words: Vec<&str> = first.to_vec();
    words.extend(["sh", "-c", shell]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(&state).args([PROGRAM, "scene", scene.name()]).arg(&state).arg(folder).arg(mode);
    said_by(&mut command)
}

/// How to get a file system that only one program sees; nothing where this isn't allowed.
fn own_mounts() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "-rm"], &["unshare", "-m"]];
    let works = |way: &&&[&str]| {
        Command::new(way[0]).args(&way[1..]).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status().is_ok_and(|s| s.success())
    };
    let way = ways.iter().find(works).copied();
    if way.is_none() {
        println!("SKIPPED: no program may mount a file system of its own here");
    }
    way
}

const SMALL_MOUNT: &str = r#"mount -t tmpfs -o size=2m,mode=700 tmpfs "$0" && exec "$@""#;

#[test]
fn a_full_disk_refuses_writes_and_loses_none() {
    for mode in ["normal", "full"] {
        let folder = TempDir::new().unwrap();
        let said = scene(&[], r#"trap "" XFSZ; exec "$@""#, Scene::FullFile, folder.path(), mode);
        assert_refused_for_room(&said);
        sound(&folder.path().join("state")).unwrap();
        if let Some(mounts) = own_mounts() {
            assert_refused_for_room(&scene(mounts, SMALL_MOUNT, Scene::FullMount, folder.path(), mode));
        }
    }
}

fn assert_refused_for_room(said: &[Said]) {
    let refused = refused(said);
    assert!(refused.contains(&("write-failed", "register")), "{said:#?}");
    assert!(refused.iter().all(|r| [("write-failed", "register"), ("read-failed", "consume")].contains(r)), "{said:#?}");
    assert_eq!(steps(said), ["full", "the neighbour reads", "room again", "all there"]);
}

fn steps(said: &[Said]) -> Vec<&str> {
    said.iter().filter_map(|said| if let Said::Went { step } = said { Some(step.as_str()) } else { None }).collect()
}

#[test]
fn a_read_only_state_is_refused_and_kept() {
    let Some(mounts) = own_mounts() else { return };
    let folder = TempDir::new().unwrap();
    let said = scene(mounts, SMALL_MOUNT, Scene::ReadOnly, folder.path(), "normal");
    assert_eq!(refused(&said), [("open-failed", "open")], "{said:#?}");
    assert_eq!(steps(&said), ["the host lives, with its state elsewhere", "all there"]);
}

/// A host in this process, with two plugins; its state is in `folder/state`.
async fn host(folder: &Path) -> (Host, Arc<Plugin>, Arc<Plugin>) {
    let host = Host::open(options(&folder.join("state"), Synchronous::Normal), folder, Path::new(PROGRAM)).unwrap();
    let writer = host.load("writer", folder, NonZeroU16::MIN).await.unwrap();
    let neighbour = host.load("neighbour", folder, NonZeroU16::MIN).await.unwrap();
    (host, writer, neighbour)
}

async fn register(plugin: &Plugin, key: &str) -> Answer {
    ask(plugin, "register", BAG, key, key).await.unwrap()
}

/// Registers these, and all of them are acknowledged.
async fn registered(plugin: &Plugin, keys: &[&str]) {
    for key in keys {
        register(plugin, key).await.ok().unwrap();
    }
}

async fn all_there(plugin: &Plugin, keys: &[&str]) {
    for key in keys {
        assert_eq!(ask(plugin, "lookup", BAG, key, "").await.unwrap().ok().unwrap(), *key);
    }
}

#[tokio::test]
async fn garbage_in_the_place_of_the_database_is_told_and_touches_nobody_else() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (state, kept) = (folder.path().join("state"), folder.path().join("kept"));
    let (first, writer, _) = host(folder.path()).await;
    registered(&writer, &["a", "b"]).await;
    drop(writer);
    first.close().await;
    copy(&state, &kept).unwrap();

    let (_living, _, neighbour) = host(other.path()).await;
    fs::write(state.join(DATABASE_FILE), b"garbage ".repeat(8_192)).unwrap();
    let error = Sqlite::open(options(&state, Synchronous::Normal)).unwrap_err();
    assert_eq!((error.code, error.operation), (Code::Corrupt, Operation::Open), "{error}");
    registered(&neighbour, &["mine"]).await;
    all_there(&neighbour, &["mine"]).await;

    fs::remove_dir_all(&state).unwrap();
    copy(&kept, &state).unwrap();
    let (_again, writer, _) = host(folder.path()).await;
    all_there(&writer, &["a", "b"]).await;
}

#[tokio::test]
async fn garbage_behind_a_sound_first_page_is_told_to_whoever_asks() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("state");
    let (first, writer, _) = host(folder.path()).await;
    let long = "x".repeat(1_000);
    for n in 0..200 {
        ask(&writer, "register", BAG, &format!("k{n}"), &long).await.unwrap().ok().unwrap();
    }
    drop(writer);
    first.close().await;
    let mut database = fs::read(state.join(DATABASE_FILE)).unwrap();
    // What `keyed` is made of; the schema and the identity come before.
    let from = database.len() / 3;
    database[from..].fill(0xA5);
    fs::write(state.join(DATABASE_FILE), &database).unwrap();

    let (host, writer, neighbour) = host(folder.path()).await;
    let mut corrupt = 0;
    for n in 0..200 {
        match ask(&writer, "lookup", BAG, &format!("k{n}"), "").await.unwrap() {
            Answer::Ok(value) => assert_eq!(value, long, "k{n}"),
            Answer::Refused { code, .. } => {
                assert_eq!(code, "corrupt");
                corrupt += 1;
            }
        }
    }
    assert!(corrupt > 0, "nobody noticed");
    // Whatever comes of a write is told; the host lives.
    assert!(matches!(register(&neighbour, "new").await.code(), None | Some("corrupt")));
    drop((writer, neighbour));
    host.close().await;
    assert!(sound(&state).is_err(), "nothing was broken");
}

/// Starts the load on `folder/state`, hears so many answers and kills it: the log stays behind. What was said.
fn killed_after(folder: &Path, plugins: u64, answers: usize) -> Vec<Said> {
    let mut command = Command::new(PROGRAM);
    command.arg("load").arg(folder.join("state")).arg(folder).arg("normal").args(["0", &plugins.to_string(), "100000"]);
    let mut child = Child::start(&mut command).unwrap();
    let mut said: Vec<_> = (0..answers).map(|_| child.next().unwrap().expect("it ended by itself")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(child.rest().unwrap());
    said
}

fn noted(said: &[Said]) -> Book {
    let mut book = Book::default();
    book.begin(0);
    said.iter().for_each(|said| book.note(said).unwrap());
    book
}

#[tokio::test]
async fn a_torn_log_loses_nothing_and_a_cut_one_only_its_end() {
    let folder = TempDir::new().unwrap();
    let said = killed_after(folder.path(), 1, 200);
    let log = format!("{DATABASE_FILE}-wal");
    let copied = |name: String| {
        let to = folder.path().join(name);
        copy(&folder.path().join("state"), &to).unwrap();
        (to.join(&log), to)
    };
    let (file, torn) = copied("torn".into());
    let length = fs::metadata(&file).unwrap().len();
    OpenOptions::new().append(true).open(&file).unwrap().write_all(&[0x5A; 3_000]).unwrap();
    noted(&said).settle(&read(&torn).await.unwrap()).unwrap_or_else(|e| panic!("{e:#}"));
    sound(&torn).unwrap();

    let mut lengths = Vec::new();
    for cut in [0, 10, 32, length / 7, length / 3, length / 2, length - 5_000, length - 1, length] {
        let (file, cut_off) = copied(format!("cut-{cut}"));
        OpenOptions::new().write(true).open(&file).unwrap().set_len(cut).unwrap();
        let rows = read(&cut_off).await.unwrap();
        lengths.push(written(&rows, 0) + written(&rows, 1));
        sound(&cut_off).unwrap();
    }
    assert!(lengths.is_sorted(), "a longer log holds fewer rows: {lengths:?}");
    assert_eq!(lengths.first(), Some(&0), "without its log there is nothing");
    assert!(lengths[4] > 0 && lengths[4] < lengths[8], "{lengths:?}");
}

/// How many values a writer had written, if what is there is all of that and nothing else: no gap, nothing later.
fn written(rows: &Rows, task: u64) -> u64 {
    let prefix = format!("w{task}-");
    let here = rows
        .iter()
        .filter(|((.., key), _)| key.starts_with(&prefix))
        .map(|((.., key), text)| (key.clone(), serde_json::from_str(text).unwrap()));
    let here: Vec<(String, String)> = here.collect();
    let number = |text: &str| text.split('.').nth(2).unwrap().parse::<u64>().unwrap();
    let Some(last) = here.iter().map(|(_, text)| number(text)).max() else { return 0 };
    let expected = |n: u64| (slot(task, n), value(0, task, n));
    let mut wanted: Vec<_> = (last.saturating_sub(15)..=last).map(expected).collect();
    wanted.sort();
    assert_eq!(here, wanted);
    last + 1
}

/// Another process that holds the write lock of `folder/state` for so long.
fn held(folder: &Path, milliseconds: u64) -> Child {
    let child = Child::start(Command::new(PROGRAM).arg("hold").arg(folder.join("state")).arg(milliseconds.to_string())).unwrap();
    assert_eq!(child.next().unwrap(), Some(Said::Went { step: "held".into() }));
    child
}

/// The neighbour reads while this write waits.
async fn reads_beside(neighbour: &Plugin, write: &tokio::task::JoinHandle<Answer>) {
    for _ in 0..20 {
        all_there(neighbour, &["mine"]).await;
    }
    assert!(!write.is_finished(), "the lock was no obstacle, or reading waited for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_waits_out_a_lock_of_four_seconds() {
    let folder = TempDir::new().unwrap();
    let (_host, writer, neighbour) = host(folder.path()).await;
    registered(&neighbour, &["mine"]).await;
    let lock = held(folder.path(), 4_000);
    let waiting = writer.clone();
    let write = tokio::spawn(async move { register(&waiting, "patient").await });
    reads_beside(&neighbour, &write).await;
    write.await.unwrap().ok().unwrap();
    assert_eq!(lock.rest().unwrap(), [Said::Went { step: "released".into() }, Said::Done]);
    all_there(&writer, &["patient"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_gives_up_on_a_lock_of_ten_seconds() {
    let folder = TempDir::new().unwrap();
    let (_host, writer, neighbour) = host(folder.path()).await;
    registered(&neighbour, &["mine"]).await;
    registered(&writer, &["before"]).await;
    let lock = held(folder.path(), 10_000);
    let waiting = writer.clone();
    let write = tokio::spawn(async move { register(&waiting, "too late").await });
    reads_beside(&neighbour, &write).await;
    match write.await.unwrap() {
        Answer::Refused { code, operation, .. } => assert_eq!((code.as_str(), operation.as_str()), ("unavailable", "register")),
        Answer::Ok(_) => panic!("it waited for ten seconds"),
    }
    all_there(&neighbour, &["mine"]).await;
    assert_eq!(lock.rest().unwrap(), [Said::Went { step: "released".into() }, Said::Done]);
    assert!(ask(&writer, "lookup", BAG, "too late", "").await.unwrap().ok().unwrap().is_null(), "refused, and written all the same");
    registered(&writer, &["after"]).await;
    all_there(&writer, &["before", "after"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_on_one_state_both_work_and_one_survives_the_other() {
    let folder = TempDir::new().unwrap();
    let (host, writer, _neighbour) = host(folder.path()).await;
    registered(&writer, &["before"]).await;
    let path = folder.path().to_owned();
    let other = tokio::task::spawn_blocking(move || killed_after(&path, 2, 800));
    let mut beside = 0;
    while !other.is_finished() && beside < 5_000 {
        register(&writer, &format!("beside{}", beside % 50)).await.ok().unwrap();
        beside += 1;
    }
    let said = other.await.unwrap();
    assert!(beside > 0);
    registered(&writer, &["after"]).await;
    all_there(&writer, &["before", "beside0", "after"]).await;

    let mut others = rows(&host.state).await.unwrap();
    others.retain(|(owner, ..), _| owner != "writer");
    noted(&said).settle(&others).unwrap_or_else(|e| panic!("{e:#}"));
    drop(writer);
    host.close().await;
    sound(&folder.path().join("state")).unwrap();
}
