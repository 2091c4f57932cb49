//! Whether what is counted is what was called, and what becomes of a call too many.

use super::*;

#[test]
fn each_span_has_its_own_end_and_says_which() {
    let guard = guard(json!({"ask_beyond": 100, "budgets": [
        {"name": "searches", "tools": ["web_*", "search"], "per_turn": 2, "per_session": 3, "per_day": 4},
    ]}));
    let (first, second, other) = (turn("a", "r1"), turn("a", "r2"), turn("b", "r3"));
    assert_eq!(wants(&guard, &first, "search", "1"), Fate::Goes);
    assert_eq!(wants(&guard, &first, "web_get", "2"), Fate::Goes);
    let why = "the budget `searches` is used up: 2 of 2 calls in this turn (setting `budgets` of budget-guard)";
    assert_eq!(wants(&guard, &first, "search", "3"), Fate::Denied(why.into()));
    assert_eq!(wants(&guard, &first, "shell", "4"), Fate::Goes, "another tool");
    assert_eq!(wants(&guard, &second, "search", "5"), Fate::Goes, "another turn");
    let why = "the budget `searches` is used up: 3 of 3 calls in this session (setting `budgets` of budget-guard; the action `raise` makes it larger for this session)";
    assert_eq!(wants(&guard, &second, "search", "6"), Fate::Denied(why.into()));
    assert_eq!(wants(&guard, &other, "search", "7"), Fate::Goes, "another session");
    let why = "the budget `searches` is used up: 4 of 4 calls today (setting `budgets` of budget-guard)";
    assert_eq!(wants(&guard, &other, "search", "8"), Fate::Denied(why.into()));
    let wanted = json!({"searches, turn": "1 / 2", "searches, session": "1 / 3", "searches, day": "4 / 4"});
    assert_eq!(shown(&guard, &other), wanted);
    let told = "searches: 1 of 2 calls in this turn, 1 of 3 calls in this session, 4 of 4 calls today\nDays are those of UTC.";
    assert_eq!(guard.budget(&other).unwrap(), told, "what the day refused isn't counted in the session either");
}

#[test]
fn a_call_without_a_session_counts_for_the_day() {
    let guard = guard(json!({"budgets": [{"name": "all", "per_turn": 1, "per_session": 1, "per_day": 2}]}));
    let call = Call::default();
    assert_eq!(wants(&guard, &call, "x", "1"), Fate::Goes);
    assert!(matches!(wants(&guard, &call, "x", "2"), Fate::Goes));
    assert!(matches!(wants(&guard, &call, "x", "3"), Fate::Denied(why) if why.contains("2 of 2 calls today")));
}

#[test]
fn nothing_means_not_at_all() {
    let guard = guard(json!({"budgets": [{"name": "no shells", "tools": ["shell"], "per_session": 0}]}));
    assert!(matches!(wants(&guard, &turn("a", "r"), "shell", "1"), Fate::Denied(why) if why.contains("0 of 0 calls")));
}

#[test]
fn what_was_blocked_is_given_back_once() {
    let guard = guard(json!({"ask_beyond": 100, "budgets": [{"name": "all", "per_turn": 1, "per_session": 9, "per_day": 9}]}));
    let call = turn("a", "r1");
    assert_eq!(wants(&guard, &call, "x", "1"), Fate::Goes);
    blocked(&guard, &call, "x", "1");
    blocked(&guard, &call, "x", "1");
    assert_eq!(shown(&guard, &call), json!({"all, turn": "0 / 1", "all, session": "0 / 9", "all, day": "0 / 9"}));
    assert_eq!(wants(&guard, &call, "x", "2"), Fate::Goes);
    assert!(matches!(wants(&guard, &call, "x", "3"), Fate::Denied(_)));
    blocked(&guard, &call, "x", "3");
    assert_eq!(shown(&guard, &call), json!({"all, turn": "1 / 1", "all, session": "1 / 9", "all, day": "1 / 9"}));
    let told = guard.budget(&call).unwrap();
    assert!(
        told.starts_with("all: 1 of 1 calls in this turn, 1 of 9 calls in this session, 1 of 9 calls today\n"),
        "never counted: {told}"
    );
    answered(&guard, &call, "x", "2");
    assert!(matches!(wants(&guard, &call, "x", "4"), Fate::Denied(_)), "what was answered stays counted");
}

#[test]
fn a_name_that_a_model_uses_again_gives_back_no_call_that_was_made() {
    let guard = guard(json!({"ask_beyond": 100, "budgets": [{"name": "all", "per_turn": 2, "per_session": 9, "per_day": 9}]}));
    let call = turn("a", "r1");
    for _ in 0..2 {
        assert_eq!(wants(&guard, &call, "x", "call_0"), Fate::Goes);
        answered(&guard, &call, "x", "call_0");
    }
    for _ in 0..3 {
        assert!(matches!(wants(&guard, &call, "x", "call_0"), Fate::Denied(_)));
        blocked(&guard, &call, "x", "call_0");
    }
    assert_eq!(shown(&guard, &call), json!({"all, turn": "2 / 2", "all, session": "2 / 9", "all, day": "2 / 9"}));
}

#[test]
fn a_refused_call_gives_back_no_other_though_nothing_was_heard_of_that_ones_end() {
    for spans in [json!({"name": "all", "per_turn": 1}), json!({"name": "all", "per_turn": 9, "per_day": 1})] {
        store::fake::reset();
        let guard = guard(json!({"ask_beyond": 100, "budgets": [spans]}));
        let call = turn("a", "r1");
        assert_eq!(wants(&guard, &call, "x", "call_0"), Fate::Goes);
        for _ in 0..2 {
            assert!(matches!(wants(&guard, &call, "x", "call_0"), Fate::Denied(_)));
            blocked(&guard, &call, "x", "call_0");
        }
        assert!(guard.budget(&call).unwrap().starts_with("all: 1 of "), "{}", guard.budget(&call).unwrap());
    }
}

#[test]
fn of_calls_with_one_name_the_newest_is_given_back_and_as_what_it_was_counted() {
    let guard = guard(json!({"ask_beyond": 100, "budgets": [
        {"name": "searches", "tools": ["search"], "per_turn": 9}, {"name": "shells", "tools": ["shell"], "per_turn": 9},
    ]}));
    let call = turn("a", "r1");
    assert_eq!(wants(&guard, &call, "search", "call_0"), Fate::Goes);
    assert_eq!(wants(&guard, &call, "shell", "call_0"), Fate::Goes);
    blocked(&guard, &call, "shell", "call_0");
    blocked(&guard, &call, "shell", "call_0");
    assert_eq!(shown(&guard, &call), json!({"searches, turn": "1 / 9", "shells, turn": "0 / 9"}));
}

#[test]
fn tokens_are_counted_and_stop_tools_and_turns() {
    let guard = guard(json!({"ask_beyond": 100, "budgets": [], "tokens": {"per_session": 100, "per_day": 150, "stop_turns": true}}));
    let (call, other) = (turn("a", "r1"), turn("b", "r2"));
    said(&guard, &call, 60, 30);
    assert_eq!(wants(&guard, &call, "x", "1"), Fate::Goes);
    assert_eq!(guard.before_agent_run(&call, RunAsked::new("hello")).unwrap(), None);
    said(&guard, &call, 10, 0);
    let why = "the budget `tokens` is used up: 100 of 100 tokens in this session (setting `tokens` of budget-guard; the action `raise` makes it larger for this session)";
    assert_eq!(wants(&guard, &call, "x", "2"), Fate::Denied(why.into()));
    let block = guard.before_agent_run(&call, RunAsked::new("hello")).unwrap().unwrap().block.unwrap();
    assert_eq!((block.reason.as_str(), block.message.unwrap()), (why, format!("I can't go on: {why}.")));
    assert_eq!(wants(&guard, &other, "x", "3"), Fate::Goes);
    said(&guard, &other, 50, 1);
    assert!(matches!(wants(&guard, &other, "x", "4"), Fate::Denied(why) if why.contains("151 of 150 tokens today")));
    assert_eq!(shown(&guard, &other), json!({"tokens, session": "51 / 100", "tokens, day": "151 / 150"}));
}

#[test]
fn what_a_provider_does_not_report_is_not_counted_and_turns_go_on_unless_the_settings_say_otherwise() {
    let guard = guard(json!({"budgets": [], "tokens": {"per_session": 1}}));
    let call = turn("a", "r1");
    guard.llm_output(&call, ModelOutput::new("Hello.")).unwrap();
    assert_eq!(wants(&guard, &call, "x", "1"), Fate::Goes);
    said(&guard, &call, 5, 5);
    assert_eq!(guard.before_agent_run(&call, RunAsked::new("hello")).unwrap(), None);
}

#[test]
fn a_reset_begins_anew_and_its_rows_go() {
    let guard = guard(json!({"budgets": [{"name": "all", "per_session": 1}]}));
    assert_eq!(wants(&guard, &turn("a", "r1"), "x", "1"), Fate::Goes);
    guard.cleanup(&turn("a", "r1"), CleanupAsked::new(Reason::Restart)).unwrap();
    assert!(matches!(wants(&guard, &turn("a", "r1"), "x", "2"), Fate::Denied(_)));
    let rows = || Store::<Value>::open("sessions", store::Options::up_to(990).default_ttl(std::time::Duration::from_secs(30 * 86_400)));
    assert_eq!(rows().unwrap().count().unwrap(), 1);
    guard.cleanup(&turn("a", "r1"), CleanupAsked::new(Reason::Reset)).unwrap();
    assert_eq!(rows().unwrap().count().unwrap(), 0);
    sessions::fake::reset("a");
    assert_eq!(wants(&guard, &turn("a", "r2"), "x", "3"), Fate::Goes);
}

#[test]
fn a_session_stays_small_however_much_is_called() {
    let guard = guard(json!({"budgets": [{"name": "all", "per_session": 1_000_000}]}));
    let call = turn("a", "r1");
    (0..500).for_each(|n| assert_eq!(wants(&guard, &call, "x", &n.to_string()), Fate::Goes));
    let rows: Store<Value> =
        Store::open("sessions", store::Options::up_to(990).default_ttl(std::time::Duration::from_secs(30 * 86_400))).unwrap();
    let row = rows.entries().unwrap().remove(0);
    assert_eq!(row.value["calls"]["all"], 500);
    assert!(row.value.to_string().len() < 1_000, "{}", row.value);
    store::fake::advance(std::time::Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(rows.count().unwrap(), 0);
}

#[test]
fn a_count_that_cannot_be_read_denies_by_an_error() {
    let guard = guard(json!({"budgets": [{"name": "all", "per_session": 1}]}));
    let call = turn("a", "r1");
    sessions::fake::delete("a");
    assert!(guard.tool_policy(&call, PolicyAsked::new("x", "{}")).is_err());
}

#[test]
fn settings_that_make_no_sense_are_refused_and_named() {
    let refused = |settings: Value| start(settings).err().unwrap().to_string();
    assert!(refused(json!({"budgets": [{"name": "x"}]})).contains("the budget `x` of budget-guard has no number"));
    assert!(refused(json!({"budgets": [{"name": "tokens", "per_day": 1}]})).contains("`tokens` is taken"));
    assert!(refused(json!({"budgets": [{"name": "x", "per_day": 1}, {"name": "x ", "per_day": 1}]})).contains("two budgets named `x`"));
    assert!(refused(json!({"budgets": [{"name": "x", "per_day": 1, "tools": [""]}]})).contains("`tools` of the budget `x`"));
    assert!(refused(json!({"budgets": [{"name": "x", "per_day": 1, "tools": []}]})).contains("names 0 tools"));
    assert!(refused(json!({"budgets": [{"name": "x", "per_day": 1_000_000_000_001_u64}]})).contains("1000000000001 wanted"));
    assert!(refused(json!({"ask_beyond": 101})).contains("`ask_beyond` of budget-guard is 101"));
    let many: Vec<_> = (0..21).map(|n| json!({"name": n.to_string(), "per_day": 1})).collect();
    assert!(refused(json!({"budgets": many})).contains("21 budgets: 20 are allowed"));
    assert_eq!(start(json!({})).unwrap().budgets.names(), "`calls`");
}
