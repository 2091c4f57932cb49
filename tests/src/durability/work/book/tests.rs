//! What the book finds wrong, on rounds that are made up.

use super::super::found::Fired;
use super::*;

const SESSION: &str = "s";

fn noted() -> Book {
    let (session, text) = (SESSION.to_owned(), "say it".to_owned());
    let mut book = Book::default();
    for said in [
        Said::Timed { job: "timer".into(), payload: "1".into() },
        Said::Planned { session: session.clone(), job: "turn".into(), text },
        Said::Acted { session: session.clone(), by: "ada".into() },
        Said::Sent { session, id: "d".into(), text: "x".into() },
    ] {
        book.note(said).unwrap();
    }
    book
}

fn end(job: &str, what: &str, why: Option<&str>) -> End {
    let (job, kind, session) = (job.to_owned(), job.to_owned(), Some(SESSION.to_owned()));
    End { job, kind, session, what: what.to_owned(), why: why.map(str::to_owned), named: false }
}

fn fired(times: u64) -> Fired {
    Fired { job: "timer".into(), due: 7, payload: "1".into(), times, named: false }
}

fn left(kind: &str, status: JobStatus) -> Left {
    Left {
        kind: kind.into(),
        session: Some(SESSION.into()),
        status,
        by: (kind == "action").then(|| "ada".into()),
        named: false,
        is_due: true,
    }
}

/// All was done, and is said to be.
fn done() -> Found {
    let seen = Seen {
        heard: [("say it".to_owned(), 1)].into(),
        runs_by: [("ada".to_owned(), 1)].into(),
        silent: 0,
        delivered: [("d".to_owned(), "x".to_owned())].into(),
    };
    Found {
        ends: vec![end("timer", "job-done", None), end("turn", "job-done", None)],
        fired: vec![fired(1)],
        sessions: [(SESSION.to_owned(), seen)].into(),
        ..Found::default()
    }
}

fn changed(change: impl FnOnce(&mut Found, &mut Seen)) -> Found {
    let mut found = done();
    let mut seen = found.sessions.remove(SESSION).unwrap();
    change(&mut found, &mut seen);
    found.sessions.insert(SESSION.to_owned(), seen);
    found
}

#[test]
fn what_is_done_waits_or_is_said_to_be_lost_is_right() {
    noted().settle(&done()).unwrap();
    let waits = changed(|found, seen| {
        found.ends.clear();
        found.fired.clear();
        for kind in ["timer", "turn", "action"] {
            found.jobs.insert(kind.into(), left(kind, JobStatus::Waiting));
        }
        (seen.heard, seen.runs_by) = Default::default();
    });
    let mut book = noted();
    book.settle(&waits).unwrap();
    assert_eq!((book.summary.due, book.summary.unheard), (3, 1));
    book.settle(&done()).unwrap();
    let lost = changed(|found, seen| {
        found.ends = ["timer", "turn"].map(|kind| end(kind, "job-failed", Some(UNKNOWN))).into();
        (seen.silent, seen.heard) = (1, BTreeMap::new());
    });
    noted().settle(&lost).unwrap();
}

#[test]
fn what_is_lost_or_comes_twice_is_named() {
    for (wrong, says) in [
        (changed(|found, _| found.ends.truncate(1)), "turn (say it): it was acknowledged, and is nowhere"),
        (changed(|found, _| drop(found.ends.remove(0))), "timer timer: it was acknowledged, and is nowhere"),
        (changed(|found, _| found.fired.clear()), "it was done 0 times, and the history says that it was done"),
        (changed(|found, _| found.fired[0].times = 2), "was told 2 times of 7"),
        (changed(|found, _| found.fired.push(Fired { due: 8, ..fired(1) })), "is to be told once, and was told 2 times"),
        (changed(|found, _| found.fired[0].payload = "2".into()), "was made with 1"),
        (changed(|found, _| found.ends.push(end("timer", "job-failed", Some("x")))), "job timer ended twice"),
        (
            changed(|found, _| found.ends[0] = end("timer", "job-failed", Some("it was busy"))),
            "nothing but the end of the host is a reason",
        ),
        (changed(|found, _| drop(found.jobs.insert("timer".into(), left("timer", JobStatus::Waiting)))), "it has ended and is there"),
        (
            changed(|_, seen| {
                seen.heard.insert("say it".into(), 2);
            }),
            "the agent was told 2 times: say it",
        ),
        (
            changed(|_, seen| {
                seen.runs_by.insert("ada".into(), 2);
            }),
            "went on 2 times after what ada did",
        ),
        (changed(|_, seen| seen.runs_by.clear()), "going on after what ada did: it was done 0 times"),
        (changed(|_, seen| seen.silent = 1), "1 turns of the schedule say nothing, 0 are said to be lost"),
        (changed(|_, seen| seen.delivered.clear()), "delivery d was acknowledged, and isn't listed"),
        (changed(|_, seen| drop(seen.delivered.insert("d".into(), "y".into()))), "delivery d has \"y\""),
        (changed(|found, _| drop(found.jobs.insert("a".into(), left("action", JobStatus::Waiting)))), "it is still to be done"),
    ] {
        let error = format!("{:#}", noted().settle(&wrong).unwrap_err());
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn what_comes_again_after_a_start_is_named_too() {
    let mut book = noted();
    let orphan = changed(|found, _| found.unlisted = ["o".to_owned()].into());
    book.settle(&orphan).unwrap();
    let again = changed(|found, _| (found.ends, found.unlisted) = (Vec::new(), BTreeSet::new()));
    assert!(format!("{:#}", book.settle(&again).unwrap_err()).contains("was told 2 times of 7"));
    let mut book = noted();
    book.settle(&orphan).unwrap();
    let still = changed(|found, _| (found.ends, found.fired, found.unlisted) = (Vec::new(), Vec::new(), ["o".to_owned()].into()));
    assert!(format!("{:#}", book.settle(&still).unwrap_err()).contains("there after a start"));
}
