//! What is planned is there until it is cancelled, has gone off, or its session goes.

use super::fake::{Scheduled, Task};
use super::*;
use crate::sessions;

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}

fn code(planned: Result<Job, ScheduleError>) -> &'static str {
    planned.unwrap_err().code()
}

#[test]
fn a_turn_has_what_was_said_of_it() {
    let session = sessions::fake::session("chat");
    let planned =
        turn(&session, "Sum up.").cron("0 9 * * mon-fri", "Europe/Berlin").name("morning").tag("daily").jitter(Duration::from_secs(60));
    let job = planned.catch_up(CatchUp::Skip).announce().start().unwrap();
    let Scheduled { job: kept, task, plan } = fake::scheduled().remove(0);
    assert_eq!(kept, job);
    assert_eq!(task, Task::Turn { session: "chat".into(), message: "Sum up.".into(), announce: true });
    assert_eq!(
        (plan.name.as_deref(), plan.tag.as_deref(), plan.jitter_ms, plan.catch_up),
        (Some("morning"), Some("daily"), 60_000, Some(CatchUp::Skip))
    );
    assert_eq!(plan.when, Moment::Cron(Cron { expression: "0 9 * * mon-fri".into(), zone: Some("Europe/Berlin".into()) }));
    assert_eq!((job.kind, job.session.as_deref(), job.next_at, job.running), (JobKind::Turn, Some("chat"), None, false));
    assert_eq!(fake::fire(&job.id), None, "that is no timer");
}

#[test]
fn a_timer_tells_what_it_was_given_and_is_gone() {
    let session = sessions::fake::session("chat");
    let job = timer().at(5).name("n").tag("t").about(&session).payload(&[1, 2]).unwrap().start().unwrap();
    let told = fake::fire(&job.id).unwrap();
    assert_eq!(
        (told.job.as_str(), told.name.as_deref(), told.tag.as_deref(), told.due_at, told.next_at),
        (job.id.as_str(), Some("n"), Some("t"), 5, None)
    );
    assert_eq!(told.parse::<Vec<u8>>(), Ok(vec![1, 2]));
    assert!(told.parse::<String>().unwrap_err().to_string().starts_with("the timer's payload doesn't fit its type"));
    assert_eq!((fake::fire(&job.id), jobs()), (None, Ok(Vec::new())));
    let again = timer().cron_utc("*/5 * * * * *").start().unwrap();
    let told = fake::fire(&again.id).unwrap();
    assert_eq!(told.parse::<u8>().unwrap_err().to_string(), "the timer \"job-2\" has no payload");
    assert!(fake::fire(&again.id).is_some(), "it comes again");
}

#[test]
fn jobs_are_listed_by_when_they_run_and_removed_by_id_and_tag() {
    let (chat, other) = (sessions::fake::session("chat"), sessions::fake::session("other"));
    timer().cron_utc("0 9 * * *").tag("t").start().unwrap();
    timer().after(Duration::from_micros(1)).tag("t").about(&chat).start().unwrap();
    timer().at_time("1999-03-01T09:00:00+01:00").tag("t").about(&other).start().unwrap();
    turn(&chat, "x").at(7).start().unwrap();
    assert_eq!(ids(&jobs().unwrap()), ["job-4", "job-3", "job-2", "job-1"]);
    assert_eq!(ids(&jobs_tagged("t").unwrap()), ["job-3", "job-2", "job-1"]);
    assert_eq!((cancel_tag_of(&chat, "t"), cancel("job-4"), cancel("job-4")), (Ok(1), Ok(true), Ok(false)));
    assert_eq!((cancel_tag("t"), cancel_tag("t")), (Ok(2), Ok(0)));
    assert_eq!(fake::scheduled(), []);
}

/// The same job, asked for twice: whether it keeps its time.
fn keeps_its_time(ask: impl Fn() -> Job) -> bool {
    let first = ask();
    std::thread::sleep(Duration::from_millis(2)); // the clock goes on
    let again = ask();
    assert_eq!((again.id == first.id, fake::scheduled().len()), (true, 1));
    again == first
}

#[test]
fn a_name_stands_once_and_keeps_its_id() {
    let after = || timer().after(Duration::from_secs(60)).name("n").start().unwrap();
    assert!(!keeps_its_time(after), "it is put off: another minute begins");
    let first = after();
    let moved = timer().at(first.next_at.unwrap() + 5).name("n").tag("t").start().unwrap();
    assert_eq!((&moved.id, moved.next_at.unwrap(), moved.tag.as_deref()), (&first.id, first.next_at.unwrap() + 5, Some("t")));
    assert_ne!(timer().at(1).start().unwrap().id, timer().at(1).start().unwrap().id, "without a name each is another");
}

#[test]
fn a_name_that_is_asked_for_anew_is_put_off_only_where_its_moment_is_another() {
    assert!(keeps_its_time(|| timer().at(1_803_888_000_000).name("n").start().unwrap()));
    assert!(keeps_its_time(|| timer().at_time("2027-03-01T09:00:00+01:00").name("n").start().unwrap()));
    assert!(keeps_its_time(|| timer().cron_utc("0 9 * * *").name("n").start().unwrap()));
    timer().cron(" 0 9 * * * ", "UTC").name("n").start().unwrap();
    let Moment::Cron(kept) = fake::scheduled().remove(0).plan.when else { panic!() };
    assert_eq!((kept.expression.as_str(), kept.zone), ("0 9 * * *", None), "that is the same, said otherwise");
    let payload = |payload: &str| host::timer(None, Some(payload), &timer().at(7).name("n").plan).unwrap();
    payload("{\"a\":1,\"b\":2}");
    payload("{ \"b\": 2, \"a\": 1 }");
    let Scheduled { task, .. } = fake::scheduled().remove(0);
    assert_eq!(task, Task::Timer { about: None, payload: Some("{\"a\":1,\"b\":2}".into()) });
    let moved = timer().at(7).jitter(Duration::from_secs(1)).name("n").start().unwrap();
    assert_eq!((moved.next_at, fake::scheduled().remove(0).plan.jitter_ms), (Some(7), 1_000));
}

#[test]
fn names_tags_and_messages_are_kept_without_the_space_around_them() {
    let session = sessions::fake::session("chat");
    let job = turn(&session, " x\n").at(1).name(" n\t").tag(" t ").start().unwrap();
    assert_eq!((job.name.as_deref(), job.tag.as_deref()), (Some("n"), Some("t")));
    assert_eq!(turn(&session, "x").at(1).name("n").tag("t").start().unwrap().id, job.id);
    let Scheduled { task, plan, .. } = fake::scheduled().remove(0);
    assert_eq!(task, Task::Turn { session: "chat".into(), message: "x".into(), announce: false });
    assert_eq!((plan.name.as_deref(), plan.tag.as_deref()), (Some("n"), Some("t")));
    assert!(turn(&session, format!(" {} ", "ä".repeat(32_768))).at(1).name(format!("{} ", "ä".repeat(128))).start().is_ok());
    assert_eq!((ids(&jobs_tagged(" t").unwrap()), cancel_tag("t ")), (vec![job.id.as_str()], Ok(1)));
}

#[test]
fn they_go_with_the_life_of_their_session() {
    let session = sessions::fake::session("chat");
    let plan = || {
        timer().at(1).about(&session).start().unwrap();
        turn(&session, "x").at(1).start().unwrap()
    };
    let free = timer().at(1).start().unwrap();
    for ends in [sessions::fake::reset, sessions::fake::delete] {
        plan();
        ends("chat");
        assert_eq!(ids(&jobs().unwrap()), [free.id.as_str()]);
    }
    assert_eq!(code(timer().at(1).about(&session).start()), "gone");
    assert_eq!(code(turn(&session, "x").at(1).start()), "gone");
    assert_eq!(cancel_tag_of(&session, "t").unwrap_err().code(), "gone");
}

#[test]
fn what_the_host_refuses_is_refused_here() {
    let session = sessions::fake::session("chat");
    let invalid = |planned: Result<Job, ScheduleError>| assert_eq!(code(planned), "invalid-input");
    invalid(turn(&session, " ").at(1).start());
    invalid(turn(&session, "ä".repeat(32_769)).at(1).start());
    invalid(timer().at(1).name("ä".repeat(129)).start());
    invalid(timer().at(1).tag("a:b").start());
    invalid(timer().at(1).tag("").start());
    invalid(timer().at(1).jitter(Duration::from_millis(86_400_001)).start());
    invalid(timer().at_time("2027-02-30T09:00:00Z").start());
    invalid(timer().after(Duration::MAX).start());
    invalid(timer().cron_utc("0 9 * *").start());
    invalid(timer().cron("0 9 * * *", " ").start());
    invalid(timer().cron("0 9 * * *", "Europe/Berlin ").start());
    invalid(timer().cron_utc(format!("0 9 * * {}", "1,".repeat(130))).start());
    invalid(timer().at(1).name("a\nb").start());
    invalid(timer().at(1).tag("a\u{7}b").start());
    invalid(timer().at_time("1969-12-31T23:59:59Z").start());
    invalid(timer().at(1 << 53).start());
    invalid(timer().after(Duration::from_millis((1 << 53) - 1)).start());
    invalid(host::timer(None, Some("{"), &timer().at(1).plan).map_err(ScheduleError::of("timer")));
    let told = timer().at(1 << 53).start().unwrap_err().to_string();
    assert_eq!(
        told,
        "schedule.timer (invalid-input): the moment 9007199254740992 is too late: 9007199254740991 milliseconds since 1970 at most"
    );
    assert_eq!(jobs_tagged("a:b").unwrap_err().to_string(), "schedule.jobs (invalid-input): `tag` is \"a:b\": it has no colon");
    assert_eq!(jobs(), Ok(Vec::new()), "nothing was changed");
    assert!(timer().at((1 << 53) - 1).start().is_ok());
}

#[test]
fn a_plugin_has_a_hundred_jobs_at_most() {
    timer().at(1).name("n").start().unwrap();
    (0..99).for_each(|_| assert!(timer().at(1).start().is_ok()));
    assert_eq!(code(timer().at(1).start()), "limit-exceeded");
    assert!(timer().at(2).name("n").start().is_ok(), "that one is there already");
}
