//! Ten plugins that handle every hook, one of which faults at random: all turns end, receipts tell every fault and whose it was, and nobody else is touched.
//!
//! A seed decides which of its calls fault, by their numbers; which hook has which number is a matter of how sessions overtake each other. So nothing is compared with a
//! list, but what receipts tell with what the runtime counted, and what became of turns with what receipts tell.
//!
//! What the one that faults guards is refused while it has no answer; so a turn or a call is blocked exactly where a receipt says that it was, by it.

use crate::agents::{Ground, Stage};
use plugbay_gateway::{Failure, Receipt, Said, Skip, Turn, TurnStatus};
use plugbay_runtime::{BreakerSettings, HOOKS, Plugin};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const LETTERS: [char; 10] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
/// The one that faults: some are asked before it, some behind it.
const FAULTY: char = 'e';
const SEED: u64 = 20_261_120;
const SESSIONS: usize = 8;
/// Of each session.
const TURNS: usize = 25;

/// Hooks that fire before a message belongs to a run: their receipts aren't kept with one.
const AT_THE_EDGE: [&str; 3] = ["message-received", "before-dispatch", "session-start"];

/// Ten witnesses and a toolbox on a host that has started. The first has the highest priority; the one that faults is installed last, since it is asked about the others.
async fn stage(stage: Stage, fault_every: u64) -> (Stage, Vec<Arc<Plugin>>) {
    let mut plugins = vec![stage.toolbox().await];
    let mut all: Vec<_> = LETTERS.into_iter().zip((100..=900).rev().step_by(50)).collect();
    all.sort_by_key(|(letter, _)| *letter == FAULTY);
    for (letter, priority) in all {
        let faults = (letter == FAULTY).then_some(fault_every);
        plugins.push(stage.witness(letter, priority, json!({ "record": false, "fault-every": faults, "seed": SEED })).await);
    }
    stage.gateway.start().await.unwrap();
    (stage, plugins)
}

fn name(letter: char) -> String {
    format!("witness-{letter}")
}

/// What receipts say of the one that faults.
#[derive(Default)]
struct Told {
    /// Calls of it that had no answer, by hook.
    faults: BTreeMap<&'static str, u64>,
    codes: BTreeMap<&'static str, usize>,
    blocked_turns: usize,
    blocked_calls: usize,
}

impl Told {
    /// Reads a run's receipts. Whether the turn was blocked, and how many calls of tools were.
    fn read(&mut self, receipts: &[Receipt]) -> (bool, usize) {
        let refused: Vec<&str> = receipts.iter().filter(|receipt| self.refused(receipt)).map(|receipt| receipt.hook).collect();
        let turn = refused.contains(&"before-agent-run");
        let calls = refused.iter().filter(|hook| ["tool-policy", "before-tool-call"].contains(hook)).count();
        assert_eq!(refused.len(), usize::from(turn) + calls, "{refused:?}");
        self.blocked_turns += usize::from(turn);
        self.blocked_calls += calls;
        (turn, calls)
    }

    /// Whether it has refused what was asked. Everybody else was asked or told, and had nothing to say.
    fn refused(&mut self, receipt: &Receipt) -> bool {
        let faulty = name(FAULTY);
        assert_eq!(receipt.ran.len() + receipt.skipped.len(), LETTERS.len(), "{receipt:?}");
        let mut refused = false;
        for ran in &receipt.ran {
            match &ran.said {
                Said::Nothing | Said::Told => {}
                Said::Failed(failure) if ran.plugin.as_str() == faulty => self.note(receipt.hook, failure, false),
                Said::Refused(failure) if ran.plugin.as_str() == faulty => {
                    self.note(receipt.hook, failure, true);
                    refused = true;
                }
                _ => panic!("{receipt:?}"),
            }
        }
        for skipped in &receipt.skipped {
            assert!(refused && matches!(&skipped.why, Skip::EndedBefore(by) if by.as_str() == faulty), "{receipt:?}");
        }
        refused
    }

    fn note(&mut self, hook: &'static str, failure: &Failure, refuses: bool) {
        let info = HOOKS.iter().find(|info| info.name == hook).unwrap();
        assert_eq!(info.fails_closed, refuses, "{hook}");
        *self.codes.entry(failure.code).or_default() += 1;
        if failure.code == "fault" {
            assert!(failure.why.contains("it was its turn"), "{failure:?}");
            *self.faults.entry(hook).or_default() += 1;
        }
    }
}

/// Holds what became of a turn against its receipts.
async fn settle(stage: &Stage, session: &str, turn: Turn, n: usize, told: &mut Told) {
    let run = turn.run().unwrap().clone();
    let end = turn.ended().await;
    let (blocked, calls) = told.read(&stage.receipts(&run).await);
    if blocked {
        assert_eq!((end.status, end.message), (TurnStatus::Blocked, None));
        return;
    }
    assert_eq!((end.status, end.message), (TurnStatus::Done, Some(format!("done {n}"))), "{:?}", end.error);
    let answers = stage.transcript(session).await.into_iter().filter(|entry| entry.role == "tool" && entry.run.as_deref() == Some(&*run));
    let (refused, given): (Vec<_>, Vec<_>) = answers.partition(|entry| entry.meta["end"] == "blocked");
    assert_eq!((refused.len(), refused.len() + given.len()), (calls, 2));
    assert!(refused.iter().all(|entry| entry.content.as_str().unwrap().contains(&name(FAULTY))), "{refused:?}");
    let right = [json!((n + 1).to_string()), json!(format!("{{\"n\":{n}}}"))];
    assert!(given.iter().all(|entry| right.contains(&entry.content)), "{given:?}");
}

/// A turn with two calls of tools in each session, side by side.
async fn round(stage: &Stage, n: usize, told: &mut Told) {
    let text = format!("use add {{\"a\":{n},\"b\":1}}\nthen\nuse echo {{\"n\":{n}}}\nthen\nsay done {n}");
    let mut turns = Vec::new();
    for session in 0..SESSIONS {
        let session = format!("s{session}");
        turns.push((stage.turn(&session, &text).await, session));
    }
    for (turn, session) in turns {
        settle(stage, &session, turn, n, told).await;
    }
}

/// What each hook of a plugin has done, faults first.
fn faults(plugin: &Plugin) -> BTreeMap<&'static str, u64> {
    let generation = plugin.generation().unwrap();
    let counted = generation.counted().filter(|(hook, counted)| counted.faults > 0 && !AT_THE_EDGE.contains(hook));
    counted.map(|(hook, counted)| (hook, counted.faults)).collect()
}

/// Nobody but the one that faults has anything to answer for.
fn others_are_well(plugins: &[Arc<Plugin>]) {
    for plugin in plugins.iter().filter(|plugin| plugin.id().as_str() != name(FAULTY)) {
        for (hook, counted) in plugin.generation().unwrap().counted() {
            assert_eq!((counted.faults, counted.failed, counted.cut, counted.unserved), (0, 0, 0, 0), "{} {hook}", plugin.id());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_turns_end_and_receipts_tell_every_fault() {
    let (stage, plugins) = stage(Ground::new().stage(), 25).await;
    let mut told = Told::default();
    for n in 0..TURNS {
        round(&stage, n, &mut told).await;
    }
    others_are_well(&plugins);
    let faulty = plugins.iter().find(|plugin| plugin.id().as_str() == name(FAULTY)).unwrap();
    assert_eq!(told.faults, faults(faulty), "left: what receipts tell; right: what the runtime counted");
    assert_eq!(told.codes.keys().collect::<Vec<_>>(), [&"fault"]);
    println!("{} faults, {} turns and {} calls blocked: {:?}", told.codes["fault"], told.blocked_turns, told.blocked_calls, told.faults);
    assert!(told.faults.len() > HOOKS.len() / 4 && told.blocked_turns + told.blocked_calls > 0, "too little for this to mean anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_its_breaker_open_it_costs_what_it_guards_and_switched_off_nothing() {
    let (stage, plugins) = stage(Ground::new().breaking(BreakerSettings::default()), 5).await;
    let mut told = Told::default();
    for n in 0..3 {
        round(&stage, n, &mut told).await;
    }
    others_are_well(&plugins);
    println!("{:?}, {} turns and {} calls blocked", told.codes, told.blocked_turns, told.blocked_calls);
    let faulty = plugins.iter().find(|plugin| plugin.id().as_str() == name(FAULTY)).unwrap();
    assert!(faulty.generation().unwrap().faults() >= 5, "so many open it");
    assert!(told.codes["breaker-open"] > 0 && told.blocked_turns + told.blocked_calls > 0, "{:?}", told.codes);

    stage.disable(faulty).await;
    let end = stage.said("s0", "use add {\"a\":1,\"b\":1}\nthen\nsay done").await;
    assert_eq!((end.status, end.message.as_deref()), (TurnStatus::Done, Some("done")));
}
