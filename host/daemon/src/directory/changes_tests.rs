//! The state machine without files: what it tells, and when.

use super::*;
use std::time::{SystemTime, UNIX_EPOCH};

/// A directory that exists in words only, and milliseconds since the start.
struct Told {
    changes: Changes,
    start: Instant,
    entries: BTreeMap<String, Entry>,
    at: SystemTime,
}

fn stamp(n: u64) -> Stamp {
    Stamp { size: n, inode: n, modified: 0, changed: 0 }
}

fn id(text: &str) -> PluginId {
    PluginId::try_from(text.to_owned()).unwrap()
}

fn file(text: &str, n: u64) -> Found {
    Found::File { id: id(text), stamp: stamp(n) }
}

fn gone(text: &str) -> Found {
    Found::Gone { id: id(text) }
}

impl Told {
    fn new() -> Self {
        let start = Instant::now();
        Self { changes: Changes::new(WatchSettings::default(), start), start, entries: BTreeMap::new(), at: UNIX_EPOCH }
    }

    /// One that has looked already, and found nothing.
    fn looked() -> Self {
        let mut told = Self::new();
        assert_eq!(told.look(0), []);
        told
    }

    fn put(&mut self, name: &str, n: u64) {
        self.entries.insert(format!("{name}.wasm"), Entry::File { id: id(name), stamp: stamp(n) });
    }

    fn remove(&mut self, name: &str) {
        self.entries.remove(&format!("{name}.wasm")).unwrap();
    }

    fn now(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn hint(&mut self, name: &str, hint: Hint, ms: u64) {
        let now = self.now(ms);
        self.changes.hint(name.to_owned(), hint, now);
    }

    fn look(&mut self, ms: u64) -> Vec<Found> {
        let now = self.now(ms);
        self.changes.looked(Scan { entries: self.entries.clone(), at: self.at }, now)
    }

    /// Looks when it wants to until then, and gives what it told, and when.
    fn until(&mut self, ms: u64) -> Vec<(u64, Found)> {
        let mut found = Vec::new();
        while self.wants() <= ms {
            let at = self.wants();
            found.extend(self.look(at).into_iter().map(|found| (at, found)));
        }
        found
    }

    fn wants(&self) -> u64 {
        u64::try_from((self.changes.look_at() - self.start).as_millis()).unwrap()
    }
}

#[test]
fn the_first_look_tells_what_has_long_been_there_at_once_and_once() {
    let mut told = Told::new();
    told.put("b", 2);
    told.put("a", 1);
    told.at = UNIX_EPOCH + Duration::from_millis(300);
    assert_eq!(told.until(60_000), [(0, file("a", 1)), (0, file("b", 2))]);
}

#[test]
fn the_first_look_waits_for_what_was_changed_just_now() {
    let mut told = Told::new();
    told.put("a", 1);
    told.at = UNIX_EPOCH + Duration::from_millis(100);
    assert_eq!(told.until(60_000), [(200, file("a", 1))]);
}

#[test]
fn later_looks_do_not_ask_the_systems_clock() {
    let mut told = Told::looked();
    told.put("a", 1);
    told.at = UNIX_EPOCH + Duration::from_secs(1_000);
    assert_eq!(told.until(60_000), [(2_300, file("a", 1))]);
}

#[test]
fn a_file_is_left_alone_while_it_is_written() {
    let mut told = Told::looked();
    for piece in 1..=50 {
        let at = piece * 200;
        assert_eq!(told.until(at), [], "piece {piece}");
        told.put("a", piece);
        told.hint("a.wasm", Hint::Writing, at);
    }
    assert_eq!(told.until(60_000), [(10_600, file("a", 50))], "seen at 10,300, and the same at 10,600");
}

#[test]
fn a_file_is_left_alone_while_it_is_written_without_hints() {
    let mut told = Told::looked();
    for piece in 1..=50 {
        told.put("a", piece);
        assert_eq!(told.until(2_000 + piece * 200), [], "piece {piece}");
    }
    assert_eq!(told.until(60_000), [(12_200, file("a", 50))], "seen at 11,900");
}

#[test]
fn writing_costs_no_look_each_time() {
    let mut told = Told::looked();
    let mut looks = 0;
    for at in 1_000..2_000 {
        told.put("a", at);
        told.hint("a.wasm", Hint::Writing, at);
        if told.wants() <= at {
            looks += 1;
            assert_eq!(told.look(at), []);
        }
    }
    assert_eq!(looks, 1);
}

#[test]
fn what_is_refused_and_written_to_all_the_time_is_looked_at_now_and_then() {
    let mut told = Told::looked();
    told.entries.insert("Bad.wasm".into(), Entry::Refused(Refusal::Name));
    assert_eq!(told.until(4_000), [(2_300, Found::Refused { name: "Bad.wasm".into(), why: Refusal::Name })]);
    let mut looks = 0;
    for at in 5_000..8_000 {
        told.hint("Bad.wasm", Hint::Writing, at);
        if told.wants() <= at {
            looks += 1;
            assert_eq!(told.look(at), []);
        }
    }
    assert_eq!(looks, 10, "each 300 ms");
}

#[test]
fn a_file_whose_writer_is_done_is_told_at_once() {
    let mut told = Told::looked();
    told.put("a", 1);
    told.hint("a.wasm", Hint::Writing, 100);
    assert_eq!(told.until(400), []);
    told.put("a", 2);
    told.hint("a.wasm", Hint::Whole, 450);
    assert_eq!(told.until(60_000), [(450, file("a", 2))]);
}

#[test]
fn a_second_writer_makes_a_file_wait_again() {
    let mut told = Told::looked();
    told.put("a", 1);
    told.hint("a.wasm", Hint::Whole, 100);
    told.hint("a.wasm", Hint::Writing, 100);
    assert_eq!(told.until(399), []);
    assert_eq!(told.until(60_000), [(400, file("a", 1))]);
}

#[test]
fn that_a_writer_was_done_once_says_nothing_of_the_next() {
    let mut told = Told::looked();
    told.put("a", 1);
    told.hint("a.wasm", Hint::Whole, 100);
    assert_eq!(told.until(200), [(100, file("a", 1))]);
    told.put("a", 2);
    assert_eq!(told.look(300), []);
    assert_eq!(told.until(60_000), [(600, file("a", 2))]);
}

#[test]
fn the_same_stamp_is_told_once() {
    let mut told = Told::looked();
    told.put("a", 1);
    for at in [100, 200, 300] {
        told.hint("a.wasm", Hint::Whole, at);
    }
    assert_eq!(told.until(400).len(), 1);
    told.hint("a.wasm", Hint::Whole, 500);
    told.hint("a.wasm", Hint::Writing, 600);
    assert_eq!(told.until(60_000), []);
}

#[test]
fn away_and_back_is_one_file_and_never_gone() {
    for (back, hint) in [(4_000, Some(Hint::Whole)), (4_000, Some(Hint::Writing)), (4_000, None)] {
        let mut told = Told::looked();
        told.put("a", 1);
        assert_eq!(told.until(2_500).len(), 1);
        told.remove("a");
        assert_eq!(told.look(3_000), []);
        assert_eq!(told.until(back - 1), []);
        told.put("a", 2);
        if let Some(hint) = hint {
            told.hint("a.wasm", hint, back);
        }
        let found = told.until(60_000);
        assert_eq!(found.len(), 1, "{hint:?}: {found:?}");
        assert_eq!(found[0].1, file("a", 2));
    }
}

#[test]
fn a_file_that_comes_back_in_pieces_is_not_gone() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    told.remove("a");
    assert_eq!(told.look(3_000), []);
    for piece in 0..50 {
        let at = 7_000 + piece * 200;
        assert_eq!(told.until(at), [], "piece {piece}");
        told.put("a", 100 + piece);
        told.hint("a.wasm", Hint::Writing, at);
    }
    assert_eq!(told.until(60_000), [(17_400, file("a", 149))], "the last piece came at 16,800");
}

#[test]
fn the_same_file_back_is_nothing_new() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    told.remove("a");
    assert_eq!(told.look(3_000), []);
    told.put("a", 1);
    assert_eq!(told.until(60_000), []);
}

#[test]
fn away_for_long_is_gone_once() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    told.remove("a");
    assert_eq!(told.look(3_000), []);
    assert_eq!(told.until(60_000), [(8_000, gone("a"))]);
    told.put("a", 1);
    assert_eq!(told.until(70_000).len(), 1, "back with the same stamp after all");
}

#[test]
fn what_was_never_told_is_never_gone() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.look(100), []);
    told.remove("a");
    assert_eq!(told.until(60_000), []);
    assert!(told.changes.names.is_empty());
}

#[test]
fn a_refused_plugin_is_not_gone_and_is_told_when_it_is_good_again() {
    let mut told = Told::looked();
    let wide = Refusal::Kind("directory");
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    told.entries.insert("a.wasm".into(), Entry::Refused(wide.clone()));
    assert_eq!(told.until(20_000), [(4_600, Found::Refused { name: "a.wasm".into(), why: wide })]);
    told.put("a", 1);
    assert_eq!(told.until(40_000).into_iter().map(|(_, found)| found).collect::<Vec<_>>(), [file("a", 1)]);
}

#[test]
fn what_has_no_id_goes_without_a_word() {
    let mut told = Told::looked();
    told.entries.insert("README.md".into(), Entry::Refused(Refusal::Name));
    assert_eq!(told.until(20_000).len(), 1);
    told.entries.clear();
    assert_eq!(told.until(60_000), []);
    assert!(told.changes.names.is_empty());
}

#[test]
fn nothing_is_gone_while_the_directory_cannot_be_looked_into() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    let mut troubles = Vec::new();
    for at in (3_000..60_000).step_by(2_000) {
        let now = told.now(at);
        troubles.extend(told.changes.failed("it is wide open".into(), now));
        assert_eq!(told.wants(), at + 2_000);
    }
    assert_eq!(troubles, [Found::Trouble("it is wide open".into())]);
    assert_eq!(told.look(60_000), [Found::TroubleOver]);
    assert_eq!(told.until(70_000), []);
}

#[test]
fn time_away_does_not_run_out_unseen() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    told.remove("a");
    assert_eq!(told.look(3_000), []);
    let now = told.now(7_000);
    assert_eq!(told.changes.failed("gone".into(), now), Some(Found::Trouble("gone".into())));
    assert_eq!(told.wants(), 9_000, "not at 8,000, when it couldn't be seen to be gone");
    told.put("a", 2);
    assert_eq!(told.until(60_000), [(9_000, Found::TroubleOver), (9_300, file("a", 2))]);
}

#[test]
fn hints_alone_are_not_remembered() {
    let mut told = Told::looked();
    for n in 0..1_000 {
        told.hint(&format!("a{n}.wasm"), Hint::Writing, 100);
        told.hint(&format!(".a{n}"), Hint::Whole, 100);
    }
    let now = told.now(200);
    assert!(told.changes.failed("no".into(), now).is_some());
    assert!(told.changes.names.is_empty());
}

#[test]
fn what_is_passing_is_worth_a_look_when_it_is_done_and_no_other() {
    let mut told = Told::looked();
    told.hint("a.wasm.tmp", Hint::Writing, 100);
    assert_eq!(told.wants(), 2_000);
    told.hint("..data", Hint::Whole, 100); // as links in a mounted directory of Kubernetes are retargeted
    assert_eq!(told.wants(), 100);
}

#[test]
fn a_slow_look_tells_the_last_state_of_each() {
    let mut told = Told::looked();
    for n in 0..200 {
        for stamp in 1..=3 {
            told.put(&format!("p{n}"), stamp);
            told.hint(&format!("p{n}.wasm"), Hint::Whole, 100);
        }
    }
    let found = told.until(60_000);
    assert_eq!(found.len(), 200);
    assert!(found.iter().all(|(at, found)| *at == 100 && matches!(found, Found::File { stamp, .. } if stamp.size == 3)));
}

#[test]
fn a_file_that_was_whole_and_left_again_is_not_gone_at_once() {
    let mut told = Told::looked();
    told.put("a", 1);
    assert_eq!(told.until(2_500).len(), 1);
    told.remove("a");
    told.hint("a.wasm", Hint::Whole, 3_000);
    assert_eq!(told.until(60_000), [(8_000, gone("a"))]);
}
