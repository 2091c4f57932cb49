//! The walk itself, without guests: who is refused, who is sent aside, and who is left alone.

use super::*;
use std::num::NonZeroU16;

fn id(plugin: &str) -> PluginId {
    PluginId::try_from(plugin.to_owned()).unwrap()
}

fn session(key: &str) -> Session {
    Session::new(key, "1")
}

/// A call of a plugin about a session, which holds its cell.
fn chain(plugin: &str, about: &str) -> Chain {
    Chain::default().with_call(id(plugin), "before-tool-call", Some(session(about)), false)
}

/// The same, as one that asks.
fn caller(plugin: &str, about: &str) -> Caller {
    Caller { plugin: id(plugin), generation: 1, session: Some(session(about)), run: Some("r".into()), chain: chain(plugin, about) }
}

fn shared(plugin: &str) -> Cells {
    Cells { plugin: id(plugin), isolation: Isolation::Shared }
}

/// A hook of a turn of this session.
fn hook(about: &str) -> Call {
    Call::new().session(session(about))
}

fn wants(waits: &Waits, about: &str, plugin: &str) -> Result<Waiting, ReEntrant> {
    waits.for_cell(&hook(about), shared(plugin), "before-agent-run")
}

/// Whether it was sent aside.
fn aside(waiting: &mut Waiting) -> bool {
    waiting.aside.try_recv().is_ok()
}

/// One who comes to wait.
type Step = &'static dyn Fn(&Waits) -> Result<Waiting, ReEntrant>;

#[test]
fn who_closes_a_circle_of_two_plugins_is_refused_whoever_it_is() {
    // `a` waits for a turn whose hook wants `b`, and `b` for one whose hook wants `a`, in each order in which that can come about.
    let steps: [Step; 4] = [
        &|waits| waits.for_turns(&caller("a", "one"), "a/child"),
        &|waits| waits.for_turns(&caller("b", "two"), "b/child"),
        &|waits| wants(waits, "a/child", "b"),
        &|waits| wants(waits, "b/child", "a"),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3], [2, 0, 3, 1], [1, 3, 2, 0]] {
        let waits = Waits::default();
        let kept: Vec<_> = order.iter().take(3).map(|step| steps[*step](&waits).unwrap()).collect();
        let refused = steps[order[3]](&waits).err().unwrap().to_string();
        for named in ["`a` (`before-tool-call`)", "`b` (`before-tool-call`)", "`a/child`", "`b/child`", "plugin `a`", "plugin `b`"] {
            assert!(refused.contains(named), "{order:?}: {named}: {refused}");
        }
        assert_eq!(waits.count(), 3, "who was refused doesn't wait");
        drop(kept);
        assert_eq!(waits.count(), 0);
        assert!(steps[order[3]](&waits).is_ok(), "and the way is free again");
    }
}

#[test]
fn a_cell_that_is_held_by_one_who_waits_for_the_call_is_not_waited_for() {
    let waits = Waits::default();
    let _a = waits.for_turns(&caller("a", "one"), "a/child").unwrap();
    let mut late = wants(&waits, "a/child", "a").unwrap();
    assert!(aside(&mut late), "its session's turns are waited for by `a` itself");
    // The other way round: the hook stood in line already when `a` came to wait.
    let mut early = wants(&waits, "b/child", "b").unwrap();
    assert!(!aside(&mut early), "nobody waits for it yet");
    let _b = waits.for_turns(&caller("b", "one"), "b/child").unwrap();
    assert!(aside(&mut early));
}

#[test]
fn an_ancestor_may_be_far_away() {
    // `a` waits for a turn in which `b` waits for a turn whose hook wants `a`.
    let waits = Waits::default();
    let _a = waits.for_turns(&caller("a", "one"), "a/child").unwrap();
    let _b = waits.for_turns(&caller("b", "a/child"), "b/child").unwrap();
    assert!(aside(&mut wants(&waits, "b/child", "a").unwrap()));
    assert!(aside(&mut wants(&waits, "b/child", "b").unwrap()));
    assert!(!aside(&mut wants(&waits, "b/child", "c").unwrap()));
}

#[test]
fn nobody_waits_for_its_own_turn() {
    let waits = Waits::default();
    let refused = waits.for_turns(&caller("a", "a/child"), "a/child").err().unwrap();
    assert!(refused.to_string().contains("of the session `a/child` waits for the session `a/child`"), "{refused}");
    let _parent = waits.for_turns(&caller("a", "one"), "a/child").unwrap();
    assert!(waits.for_turns(&caller("b", "a/child"), "one").is_err(), "nor for the one that waits for it");
    assert_eq!(waits.count(), 1);
}

#[test]
fn those_who_only_stand_in_line_close_no_circle() {
    let waits = Waits::default();
    let kept: Vec<_> = ["one", "two", "one"].iter().flat_map(|s| ["a", "b"].map(|p| wants(&waits, s, p).unwrap())).collect();
    let _a = waits.for_turns(&caller("a", "one"), "a/child").unwrap();
    let _b = waits.for_turns(&caller("b", "two"), "b/child").unwrap();
    assert!(kept.into_iter().all(|mut waiting| !aside(&mut waiting)));
}

#[test]
fn a_plugin_is_held_when_all_of_its_cells_are() {
    let pool = |n| Cells { plugin: id("b"), isolation: Isolation::Pool(NonZeroU16::new(n).unwrap()) };
    for (cells, refused) in [(pool(2), false), (pool(1), true)] {
        let waits = Waits::default();
        let _b = waits.for_turns(&caller("b", "two"), "b/child").unwrap();
        let _hook = wants(&waits, "b/child", "a").unwrap();
        let _a = waits.for_turns(&caller("a", "one"), "a/child").unwrap();
        let came = waits.for_cell(&hook("a/child"), cells.clone(), "before-agent-run");
        assert_eq!(came.is_err(), refused, "{cells:?}: the other cell's call waits for nobody");
    }
}

#[test]
fn a_session_has_a_cell_of_its_own_and_an_extra_cell_is_nobody_elses() {
    let cells = Cells { plugin: id("b"), isolation: Isolation::Session };
    let set = |b: Caller| {
        let waits = Waits::default();
        let kept = [waits.for_turns(&b, "b/child").unwrap(), wants(&waits, "b/child", "a").unwrap()];
        let a = waits.for_turns(&caller("a", "one"), "a/child").unwrap();
        (waits, kept, a)
    };
    let (waits, _kept, _a) = set(caller("b", "two"));
    assert!(waits.for_cell(&hook("a/child"), cells.clone(), "x").is_ok(), "`b`'s call holds the cell of another session");
    assert!(wants(&waits, "a/child", "b").is_err(), "where sessions share a cell it is held");
    let beside = Chain::default().with_call(id("b"), "context-maintain", Some(session("two")), true);
    let (waits, _kept, _a) = set(Caller { chain: beside, ..caller("b", "two") });
    assert!(wants(&waits, "a/child", "b").is_ok(), "`b`'s call is beside its cell");
}

#[test]
fn what_the_end_of_a_session_waits_for_is_waited_for_by_who_waits_for_that_end() {
    // `e` is told that the subagent `a/child` is over, on nobody's behalf; its cell is held by a call of it that waits for just that.
    let told = || hook("main").ends("a/child");
    let (waits, cells) = (Waits::default(), shared("e"));
    let mut early = waits.for_cell(&told(), cells.clone(), "context-spawn-end").unwrap();
    assert!(!aside(&mut early), "nobody waits for it yet");
    let e = waits.for_turns(&caller("e", "other"), "a/child").unwrap();
    assert!(aside(&mut early));
    assert!(aside(&mut waits.for_cell(&told(), cells.clone(), "context-spawn-end").unwrap()), "in either order");
    assert!(!aside(&mut waits.for_cell(&hook("main").ends("a/other"), cells, "context-spawn-end").unwrap()), "another's end");
    drop(e);
}

#[test]
fn sessions_have_no_cells_when_all_that_there_may_be_are_held() {
    let cells = Cells { plugin: id("a"), isolation: Isolation::Session };
    let child = |n: usize| format!("a/child-{n}");
    // Each call holds its session's cell, and waits for a session whose turn wants one more.
    for (calls, sent) in [(MANY - 1, 0), (MANY, 1)] {
        let waits = Waits::default();
        let mut hooks = Vec::new();
        for n in 0..calls {
            hooks.push(waits.for_cell(&hook(&child(n)), cells.clone(), "before-agent-run").unwrap());
        }
        let held: Vec<_> = (0..calls).map(|n| waits.for_turns(&caller("a", &format!("main-{n}")), &child(n)).unwrap()).collect();
        let went = hooks.iter_mut().map(aside).filter(|aside| *aside).count();
        assert_eq!(went, sent, "{calls} calls: one extra cell opens the way for all, one after the other");
        drop(held);
    }
}
