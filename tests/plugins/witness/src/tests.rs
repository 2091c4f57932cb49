//! What the witness does natively.

use super::*;

fn witness(settings: Value) -> Witness {
    let settings = plugbay_sdk::__private::read_settings(&settings.to_string()).unwrap();
    Witness { settings, asked: BTreeMap::new() }
}

fn rows() -> Vec<(String, Value)> {
    let calls = Store::<Row>::open("calls", store::Options::up_to(900)).unwrap();
    calls.entries().unwrap().into_iter().map(|entry| (entry.key, entry.value)).collect()
}

#[test]
fn it_writes_calls_down_in_order() {
    let mut witness = witness(json!({}));
    let call = Call { session: Some(sessions::fake::session("chat")), run: Some("r1".into()), ..Call::default() };
    assert_eq!(witness.before_agent_run(&call, RunAsked::new("hello")), Ok(None));
    witness.agent_end(&Call::default(), TurnEnded::new(7)).unwrap();
    let rows = rows();
    assert_eq!(
        rows.iter().map(|(key, row)| (key.as_str(), row["hook"].as_str().unwrap())).collect::<Vec<_>>(),
        [("00000001", "before-agent-run"), ("00000002", "agent-end")]
    );
    assert_eq!((&rows[0].1["session"], &rows[0].1["run"], &rows[1].1["session"]), (&json!("chat"), &json!("r1"), &Value::Null));
    assert!(rows[0].1["event"].as_str().unwrap().contains("hello"));
}

#[test]
fn it_answers_the_same_each_time_or_from_a_list() {
    let mut witness = witness(json!({ "answers": {
        "before-tool-call": { "block": { "reason": "no" } },
        "before-agent-finalize": [{ "action": "revise", "reason": "again", "retry": { "instruction": "do it" } }, null, { "action": "finalize" }],
    }}));
    let call = Call::default();
    for _ in 0..2 {
        assert_eq!(witness.before_tool_call(&call, ToolCall::new("x", "{}")), Ok(Some(ToolDecision::block("no"))));
    }
    let mut finalize = || witness.before_agent_finalize(&call, Answer::new("x")).unwrap();
    assert_eq!(finalize(), Some(Finalize::revise("again").retry("do it")));
    assert_eq!((finalize(), finalize(), finalize()), (None, Some(Finalize::accept()), None));
}

#[test]
fn it_fails_where_it_is_told_to_and_faults_at_random_in_the_same_places() {
    let mut failing = witness(json!({ "does": { "agent-end": "err", "llm-input": { "nap": 1 } } }));
    assert!(failing.agent_end(&Call::default(), TurnEnded::new(7)).is_err());
    assert!(failing.llm_input(&Call::default(), ModelInput::new("x")).is_ok());
    let turns = |seed| (0..1_000_u64).filter(|number| deeds::draw(seed, "agent-end", *number).is_multiple_of(10)).collect::<Vec<_>>();
    assert_eq!(turns(1), turns(1));
    assert_ne!(turns(1), turns(2));
    assert!((50..200).contains(&turns(1).len()), "{}", turns(1).len());
}
