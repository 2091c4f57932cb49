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

#[test]
fn a_name_stands_once_and_keeps_its_id() {
    let planned = |minutes: u64| timer().after(Duration::from_secs(60 * minutes)).name("n").start().unwrap();
    let first = planned(1);
    std::thread::sleep(Duration::from_millis(2)); // the clock goes on
    assert_eq!(planned(1), first, "nothing has changed, its time neither");
    let moved = planned(2);
    assert_eq!((moved.id == first.id, moved.next_at > first.next_at, fake::scheduled().len()), (true, true, 1));
    assert_ne!(timer().at(1).start().unwrap().id, timer().at(1).start().unwrap().id, "without a name each is another");
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
    assert_eq!(jobs_tagged("a:b").unwrap_err().to_string(), "schedule.jobs (invalid-input): the tag \"a:b\" has a colon");
    assert_eq!(jobs(), Ok(Vec::new()), "nothing was changed");
}

#[test]
fn a_plugin_has_a_hundred_jobs_at_most() {
    timer().at(1).name("n").start().unwrap();
    (0..99).for_each(|_| assert!(timer().at(1).start().is_ok()));
    assert_eq!(code(timer().at(1).start()), "limit-exceeded");
    assert!(timer().at(2).name("n").start().is_ok(), "that one is there already");
}
