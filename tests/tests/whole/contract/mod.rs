//! The conformance checklist of the contract (`openclaw-contracts.md`, section 21), as far as it is about turns: rows 10-16, 19 and 20; rows 1-9 are in
//! `plugbay_tests::conformance`. This page says which test holds what; a test that isn't where it says, or a row without one, makes the page itself fail.
//!
//! `here` is this folder, `gateway` is `host/gateway/tests/gateway`, `runs` is `host/gateway/src/runs`, `runtime` is `host/runtime/src/hooks/tests`.
//!
//! | row | what | test |
//! |---|---|---|
//! | 10 | order by priority, then id | gateway/hooks/asking.rs higher_priorities_come_first_and_then_the_ids |
//! | 10 | a block is final | gateway/hooks/asking.rs nobody_is_asked_after_a_block |
//! | 10 | no opinion is none | gateway/hooks/asking.rs who_has_no_opinion_changes_nothing |
//! | 10 | a question freezes the arguments | gateway/approvals/guests.rs arguments_are_frozen_from_the_first_question_on |
//! | 10 | a later block beats a question | gateway/approvals/guests.rs a_block_that_comes_later_beats_a_question_and_nobody_is_asked |
//! | 10 | an answer that is malformed blocks | gateway/tools/gates.rs what_is_no_object_never_reaches_the_tool |
//! | 10 | each hook in its place, as often as it should be | here/../hooks_matrix/mod.rs each_hook_fires_where_and_as_often_as_it_says |
//! | 11 | error, fault and time-out at every hook | here/failing.rs error_fault_and_time_out_say_no_at_four_hooks_and_nothing_at_the_others |
//! | 11 | a gate that can't be reached | gateway/hooks/failing.rs a_gate_that_is_full_or_takes_too_long_to_reach_says_no |
//! | 11 | a breaker that is open | gateway/hooks/failing.rs a_breaker_that_is_open_says_no |
//! | 11 | what was wanted before stays | gateway/hooks/failing.rs what_others_wanted_before_stays_in_the_answer |
//! | 11 | ten plugins, one of which faults | here/../ten.rs two_hundred_turns_end_and_receipts_tell_every_fault |
//! | 12 | each handler has its own copy | gateway/hooks/asking.rs what_a_guest_does_to_its_copy_nobody_else_sees |
//! | 12 | rewrites are seen where the hook says so | gateway/hooks/rules.rs where_the_hook_says_so_later_plugins_see_what_was_changed |
//! | 12 | and nowhere else | gateway/hooks/asking.rs the_last_arguments_count_and_those_who_come_later_see_the_first |
//! | 13 | merging, blank instructions, attempts, keys over runs | here/finalize.rs what_two_guests_want_together |
//! | 13 | a failure is no opinion | here/finalize.rs who_fails_has_no_opinion |
//! | 13 | forgotten at the run's end | gateway/turns/crowd.rs ten_thousand_runs_leave_nothing |
//! | 14 | duplicates | here/injections.rs a_key_waits_once_and_is_free_again_when_it_was_shown |
//! | 14 | the 33rd | here/injections.rs the_thirty_third_is_refused_and_the_others_are_shown |
//! | 14 | ttl of nothing | here/injections.rs what_has_expired_is_not_shown |
//! | 14 | a plugin that isn't active | here/injections.rs what_a_plugin_queued_that_is_switched_off_is_gone |
//! | 14 | shown once, by priority | here/injections.rs it_is_shown_once_in_its_place_by_priority_and_age |
//! | 14 | retries see the same; what is queued meanwhile survives | here/injections.rs a_second_try_of_the_run_sees_the_same_and_what_is_queued_meanwhile_waits |
//! | 14 | a host that dies between claiming and showing | gateway/turns/crash.rs what_was_claimed_and_not_shown_is_for_the_next_turn |
//! | 15 | session actions | not yet: they come with issue 7 |
//! | 16 | what there isn't is named | gateway/services/state.rs an_operators_change_of_what_there_is_not_says_what |
//! | 16 | a projection that fails leaves out itself only | here/ends.rs a_projection_that_fails_leaves_out_itself_and_nothing_else |
//! | 16 | listing calls no guest | gateway/services/state.rs listing_sessions_calls_no_guest |
//! | 16 | value and unset, both or neither | not here: in this host's types a change is one or the other; the HTTP route's tests hold what is sent |
//! | 16 | slots, their collisions and renames | not ours: there are no promoted slots of sessions |
//! | 19 | reserved and foreign streams | gateway/services/runs.rs events_of_a_plugin_are_stamped_and_its_own_only |
//! | 19 | the stamp wins | here/ends.rs who_hangs_or_fails_at_events_costs_its_budget_and_nobody_else_anything |
//! | 19 | who hangs or fails stops nobody | here/ends.rs who_hangs_or_fails_at_events_costs_its_budget_and_nobody_else_anything |
//! | 19 | a budget of 5 s | runtime/events.rs modes_and_budgets_are_those_of_the_contract |
//! | 19 | a run that is over takes nothing | runs/tests.rs a_run_that_has_ended_takes_nothing_and_neither_does_one_that_never_was |
//! | 20 | after the host's own part | here/ends.rs who_is_told_to_clean_up_finds_the_hosts_part_done |
//! | 20 | who hangs or fails stops nobody | here/ends.rs who_hangs_or_fails_at_cleaning_up_keeps_nobody_from_being_told |
//! | 20 | a swap keeps all; an old generation takes nothing with it | here/ends.rs a_swap_keeps_what_the_host_keeps_and_a_switch_off_only_the_state |
//! | 20 | uninstalled, all goes | gateway/services/gates.rs what_a_plugin_left_in_sessions_goes_with_it |
//! | 20 | a job whose removal failed is tried again | not yet: jobs come with issue 7 |
//! | 10 | `block = false`, a null decision | not ours: an outcome has a block or has none, and there is no null |
//! | 13 | attempts that are negative or no number | not ours: they are a `u32` |

mod ends;
mod failing;
mod finalize;
mod injections;

use std::collections::BTreeSet;
use std::fs;

const PAGE: &str = include_str!("mod.rs");

/// Rows of the page: which row of the checklist, and where its test is.
fn rows() -> impl Iterator<Item = (u32, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("//! | ")).map(|line| line.trim_end_matches(" |"));
    rows.filter_map(|row| Some((row.split(" | ").next()?.parse().ok()?, row.rsplit(" | ").next()?)))
}

/// The file of a test.
fn file(place: &str) -> String {
    let (folder, rest) = place.split_once('/').unwrap();
    let folder = match folder {
        "here" => "tests/tests/whole/contract",
        "gateway" => "host/gateway/tests/gateway",
        "runs" => "host/gateway/src/runs",
        "runtime" => "host/runtime/src/hooks/tests",
        other => panic!("what is `{other}`?"),
    };
    format!("{}/../{folder}/{rest}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn each_row_has_a_test_that_there_is_or_a_reason() {
    let found: BTreeSet<_> = rows().map(|(row, _)| row).collect();
    assert_eq!(found, BTreeSet::from([10, 11, 12, 13, 14, 15, 16, 19, 20]));
    assert!(rows().count() >= 40);
    for (row, place) in rows() {
        if ["not ours: ", "not yet: ", "not here: "].iter().any(|reason| place.starts_with(reason)) {
            continue;
        }
        let (path, name) = place.split_once(' ').unwrap();
        let text = fs::read_to_string(file(path)).unwrap_or_else(|e| panic!("row {row}: {path}: {e}"));
        let test = text.split(&format!("fn {name}()")).next().unwrap();
        assert!(test.len() < text.len(), "row {row}: no test `{name}` in {path}");
        assert!(test.trim_end_matches("async ").trim_end().ends_with(']'), "row {row}: `{name}` in {path} is no test");
    }
}
