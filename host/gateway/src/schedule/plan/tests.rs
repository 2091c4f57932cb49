//! What can be asked for, what can't, and what days do on which clocks are changed.

use super::*;

fn at(text: &str) -> u64 {
    u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
}

fn asked(when: JobMoment) -> JobPlan {
    JobPlan { when, name: None, tag: None, catch_up: None, jitter_ms: 0 }
}

fn cron(expression: &str, zone: &str) -> JobPlan {
    asked(JobMoment::Cron { expression: expression.into(), zone: Some(zone.into()) })
}

/// The next times of a plan, in its zone, without seconds.
fn times(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let mut now = at(from);
    let (plan, mut due) = Plan::check(&cron(expression, zone), now).unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let mut times = Vec::new();
    for _ in 0..count {
        times.push(Timestamp::from_millisecond(due.at as i64).unwrap().to_zoned(zone.clone()).strftime("%m-%d %H:%M %Z").to_string());
        now = due.at;
        due = plan.next(now).unwrap().unwrap();
    }
    times
}

#[test]
fn a_moment_is_a_number_a_text_or_a_while_from_now() {
    let once = |when| Plan::check(&asked(when), 1_000).map(|(plan, due)| (due.at, plan.next(due.at).unwrap()));
    assert_eq!(once(JobMoment::At(1_001)), Ok((1_001, None)));
    assert_eq!(once(JobMoment::At(5)), Ok((1_000, None)), "what has passed is due now");
    assert_eq!(once(JobMoment::After(500)), Ok((1_500, None)));
    assert_eq!(once(JobMoment::AtTime("1970-01-01T01:00:01+01:00".into())), Ok((1_000, None)));
    for (when, says) in [
        (JobMoment::AtTime("tomorrow".into()), "no RFC 3339 time"),
        (JobMoment::AtTime("2027-02-30T09:00:00Z".into()), "no RFC 3339 time"),
        (JobMoment::AtTime("1969-12-31T23:00:00Z".into()), "since 1970"),
        (JobMoment::AtTime("2027-03-01T09:00:00".into()), "no RFC 3339 time"),
        (JobMoment::At(MAX_TIME + 1), "too late"),
        (JobMoment::After(u64::MAX), "too late"),
    ] {
        let wrong = once(when.clone()).unwrap_err();
        assert!(wrong.contains(says), "{when:?}: {wrong}");
    }
}

#[test]
fn a_repeated_moment_has_to_be_one_and_to_come_about() {
    for (expression, zone, says) in [
        ("0 0 30 2 *", "UTC", "never comes about"),
        ("0 0 31 2,4,6,9,11 *", "UTC", "never comes about"),
        ("0 25 * * *", "UTC", "can't be read"),
        ("* * * *", "UTC", "can't be read"),
        ("0 0 1 1 * 2027 7", "UTC", "can't be read"),
        ("", "UTC", "can't be read"),
        ("0 9 * * mon-fri", "Europe/Atlantis", "no time zone \"Europe/Atlantis\""),
        ("0 9 * * mon-fri", "", "no time zone"),
    ] {
        let wrong = Plan::check(&cron(expression, zone), 0).unwrap_err();
        assert!(wrong.contains(says), "{expression:?}: {wrong}");
    }
    let long = format!("{} * * * *", "0,".repeat(200));
    assert!(Plan::check(&cron(&long, "UTC"), 0).unwrap_err().contains("256 allowed"));
    assert_eq!(times("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["02-29 00:00 UTC"], "2100 isn't a leap year: it takes eight");
    assert_eq!(times("*/20 0 0 1 1 *", "UTC", "2027-06-01T00:00:00Z", 4).len(), 4, "seconds may stand first");
}

#[test]
fn without_a_zone_it_is_utc() {
    let asked = asked(JobMoment::Cron { expression: "0 9 * * *".into(), zone: None });
    assert_eq!(Plan::check(&asked, at("2027-07-01T00:00:00Z")).unwrap().1.at, at("2027-07-01T09:00:00Z"));
}

#[test]
fn when_clocks_go_forward_a_time_that_is_left_out_comes_at_the_change() {
    // Berlin, 28 March 2027: 01:59 is followed by 03:00.
    let half_past_two = times("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 3);
    assert_eq!(half_past_two, ["03-27 02:30 CET", "03-28 03:00 CEST", "03-29 02:30 CEST"]);
    let each_hour = times("0 * * * *", "Europe/Berlin", "2027-03-28T00:30:00Z", 3);
    assert_eq!(each_hour, ["03-28 03:00 CEST", "03-28 04:00 CEST", "03-28 05:00 CEST"]);
    let new_york = times("30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", 2);
    assert_eq!(new_york, ["03-14 03:00 EDT", "03-15 02:30 EDT"]);
}

#[test]
fn when_clocks_go_back_a_time_that_comes_twice_comes_once() {
    // Berlin, 31 October 2027: 02:59 CEST is followed by 02:00 CET.
    let half_past_two = times("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", 2);
    assert_eq!(half_past_two, ["10-31 02:30 CEST", "11-01 02:30 CET"]);
    let each_half_hour = times("*/30 * * * *", "Europe/Berlin", "2027-10-30T23:45:00Z", 5);
    assert_eq!(each_half_hour, ["10-31 02:00 CEST", "10-31 02:30 CEST", "10-31 02:00 CET", "10-31 02:30 CET", "10-31 03:00 CET"]);
}

#[test]
fn jitter_puts_off_and_stays_within() {
    let plan = JobPlan { jitter_ms: 1_000, ..asked(JobMoment::At(50_000)) };
    let offs: std::collections::BTreeSet<u64> = (0..200).map(|_| Plan::check(&plan, 0).unwrap().1.runs_at - 50_000).collect();
    assert!(offs.len() > 100 && offs.iter().all(|off| *off <= 1_000), "{offs:?}");
    assert_eq!(Plan::check(&plan, 0).unwrap().1.at, 50_000);
    let more = JobPlan { jitter_ms: MOST_JITTER + 1, ..plan };
    assert!(Plan::check(&more, 0).unwrap_err().contains("jitter-ms"));
}

#[test]
fn a_plan_is_the_same_when_it_is_read_again() {
    for asked in [asked(JobMoment::At(7)), JobPlan { catch_up: Some(CatchUp::Skip), jitter_ms: 9, ..cron("0 9 * * 1", "Asia/Tokyo") }] {
        let (plan, _) = Plan::check(&asked, 0).unwrap();
        let kept = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&kept).unwrap(), plan, "{kept}");
        assert_eq!(plan.catches_up(CatchUp::Once), asked.catch_up.is_none());
    }
}
