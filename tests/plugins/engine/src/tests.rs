//! What the engine does natively.

use super::*;
use newest::{Told, newest};
use plugbay_sdk::hooks::context_assemble::Part;
use plugbay_sdk::hooks::context_compact::Reason;

fn engine(does: Value) -> Engine {
    let settings = plugbay_sdk::__private::read_settings(&json!({ "does": does }).to_string()).unwrap();
    Engine { settings, cell: None }
}

/// A call in the session `chat`, whose conversation has these entries: each takes six tokens.
fn call(roles: &[Role]) -> Call<'static> {
    let entry = |(at, role): (usize, &Role)| Entry {
        id: 10 + at as u64,
        role: *role,
        at: 0,
        content: Payload::Json("\"five5555\"".into()),
        tool_call_id: None,
    };
    let entries = roles.iter().enumerate().map(entry).collect();
    Call { session: Some(sessions::fake::session("chat")), transcript: Some(Transcript::of(entries)), ..Call::default() }
}

fn ids(answer: &Assembled) -> Vec<u64> {
    let id = |part: &Part| match part {
        Part::Entry(id) => Some(*id),
        Part::Message(_) => None,
    };
    answer.parts.iter().filter_map(id).collect()
}

use Role::{Assistant, Tool, User};

#[test]
fn it_keeps_the_newest_that_fit_and_no_answer_without_its_caller() {
    let call = call(&[User, Assistant, Tool, Tool, Assistant]);
    let mut engine = engine(json!({}));
    let mut told = |budget| {
        let answer = engine.context_assemble(&call, Assembling::new(budget, "x")).unwrap();
        (ids(&answer), answer.estimated_tokens)
    };
    assert_eq!(told(30), (vec![10, 11, 12, 13, 14], 30));
    assert_eq!(told(29), (vec![11, 12, 13, 14], 24));
    assert_eq!(told(23), (vec![14], 6), "two answers fit whose caller doesn't");
    assert_eq!(told(5), (vec![], 0));
    let many = super::tests::call(&[User; 2_500]);
    let newest = newest(record::transcript(&many).unwrap(), 0, 6 * 2_200);
    assert_eq!((newest.len(), newest.first()), (2_200, Some(&Told { id: 310, role: User, tokens: 6 })));
}

#[test]
fn a_compaction_leaves_half_and_a_note() {
    let call = call(&[User; 20]);
    let mut engine = engine(json!({}));
    let done = engine.context_compact(&call, CompactionAsked::new(Reason::Manual, 60)).unwrap();
    assert_eq!((done.compacted, done.tokens_before), (true, 120));
    let answer = engine.context_assemble(&call, Assembling::new(1_000, "x")).unwrap();
    assert_eq!(ids(&answer), [25, 26, 27, 28, 29]);
    assert_eq!((answer.parts.len(), answer.estimated_tokens), (6, done.tokens_after));
    let tiny = engine.context_compact(&call, CompactionAsked::new(Reason::Overflow, 1)).unwrap();
    assert!(tiny.compacted);
    assert_eq!(ids(&engine.context_assemble(&call, Assembling::new(1_000, "x")).unwrap()), [0_u64; 0]);
    let nothing = engine.context_compact(&call, CompactionAsked::new(Reason::Overflow, 1)).unwrap();
    assert!(!nothing.compacted && nothing.why.is_some());
}

#[test]
fn deeds_are_done_in_order_the_last_for_ever_and_counted_in_all_cells() {
    let does = json!({ "context-ingest": ["err", "well", { "answer": { "entries": 7 } }] });
    let call = call(&[User]);
    let batch = || Ingesting::new(record::transcript(&call).unwrap().newest(9));
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(engine(does.clone()).context_ingest(&call, batch()).map(|answer| answer.entries).ok());
    }
    assert_eq!(said, [None, Some(1), Some(7), Some(7), Some(7)]);
    assert_eq!(engine(json!({})).context_ingest(&call, batch()).unwrap().entries, 0, "known already");
    let wrong = engine(json!({ "context-ingest": [{ "assembles": "wrong-order" }] })).context_ingest(&call, batch()).unwrap_err();
    assert_eq!(wrong.to_string(), "context-ingest can't do this: Assembles(WrongOrder)");
}

#[test]
fn each_flaw_is_the_one_that_was_asked_for() {
    let call = call(&[User, Assistant, Tool, User]);
    let flawed = |flaw: Value| {
        let mut engine = engine(json!({ "context-assemble": [{ "assembles": flaw }] }));
        engine.context_assemble(&call, Assembling::new(100, "x")).unwrap()
    };
    assert_eq!(ids(&flawed(json!("unknown-entry"))), [10, 11, 12, 13, 1_000_013]);
    assert_eq!(ids(&flawed(json!("wrong-order"))), [13, 12, 11, 10]);
    assert_eq!(ids(&flawed(json!("twice-the-same"))), [10, 11, 12, 13, 13]);
    assert_eq!(ids(&flawed(json!("half-group"))), [10, 11, 13]);
    assert_eq!(ids(&flawed(json!("orphan-answer"))), [10, 12, 13]);
    assert_eq!(flawed(json!("over-estimate")).estimated_tokens, 101);
    let over = flawed(json!("over-budget"));
    assert_eq!((over.estimated_tokens, over.parts.len()), (0, 5));
    assert_eq!(flawed(json!("long-addition")).system_prompt_addition.unwrap().len(), 32_769);
    assert_eq!(flawed(json!({ "addition": "be kind" })).system_prompt_addition.as_deref(), Some("be kind"));
    let answer = json!({ "parts": [{ "entry": 3 }, { "message": { "role": "user", "content": "x" } }], "estimated-tokens": 5 });
    let mut engine = engine(json!({ "context-assemble": [{ "answer": answer }] }));
    let said = engine.context_assemble(&call, Assembling::new(1, "x")).unwrap();
    assert_eq!(said, Assembled::new().entry(3).message(User, "x").estimated(5));
}

#[cfg(not(feature = "bare"))]
#[test]
fn every_call_is_written_down_in_order_with_the_contracts_names() {
    use plugbay_sdk::hooks::{context_maintain::Moment, context_spawn_end::End};
    let call = Call { run: Some("r1".into()), ..call(&[User, User]) };
    let mut engine = engine(json!({}));
    assert_eq!(engine.context_bootstrap(&call, Bootstrapping::new(2)).unwrap().entries, 2);
    let batch = Ingesting::new(record::transcript(&call).unwrap().newest(9));
    assert_eq!(engine.context_ingest(&call, batch).unwrap().entries, 0, "bootstrapped");
    engine.context_maintain(&call, Maintaining::new(Moment::Opening)).unwrap();
    let ticket = engine.context_spawn(&call, Spawning::new("p/scout")).unwrap().ticket;
    engine.context_spawn_end(&call, SpawnEnded::new("p/scout", ticket, End::RolledBack)).unwrap();
    assert_eq!(engine.context_turn(&call, TurnDone::new("r1")), Ok(TurnRecord::Committed));
    assert_eq!(engine.context_turn(&call, TurnDone::new("r1")), Ok(TurnRecord::Duplicate));
    engine.context_dispose(&call, Disposing::new()).unwrap();
    let calls = Store::<Value>::open("calls", store::Options::up_to(600)).unwrap().entries().unwrap();
    let seen: Vec<_> = calls.iter().map(|row| (row.key.as_str(), row.value["method"].as_str().unwrap(), &row.value["event"])).collect();
    assert_eq!(
        seen,
        [
            ("00000001", "context-bootstrap", &json!({ "entries": 2 })),
            ("00000002", "context-ingest", &json!({ "ids": [10, 11], "heartbeat": false })),
            ("00000003", "context-maintain", &json!({ "moment": "opening" })),
            ("00000004", "context-spawn", &json!({ "child-key": "p/scout" })),
            ("00000005", "context-spawn-end", &json!({ "child-key": "p/scout", "ticket": "ticket for p/scout", "end": "rolled-back" })),
            ("00000006", "context-turn", &json!({ "turn-key": "r1", "heartbeat": false, "budget": 0, "tokens": 0 })),
            ("00000007", "context-turn", &json!({ "turn-key": "r1", "heartbeat": false, "budget": 0, "tokens": 0 })),
            ("00000008", "context-dispose", &json!({})),
        ]
    );
    let row = &calls[0].value;
    assert_eq!((&row["session"], &row["run"], &row["transcript"], &row["cell"]), (&json!("chat"), &json!("r1"), &json!(2), &json!(1)));
}
