use super::*;
use plugbay_runtime::state::NewEntry;
use serde_json::json;

fn stored(id: u64, role: &str, text: &str, call: Option<&str>, calls: &[&str]) -> StoredEntry {
    let calls: Vec<_> = calls.iter().map(|id| json!({ "id": id, "name": "t", "arguments": "{}" })).collect();
    let entry = NewEntry {
        role: role.into(),
        content: json!(text).to_string(),
        tool_call_id: call.map(str::to_owned),
        run: None,
        meta: (!calls.is_empty()).then(|| json!({ "tool-calls": calls }).to_string()),
    };
    StoredEntry { id, at: 0, life: "one".into(), entry }
}

/// A conversation with two calls in one message, a call that nobody answered, and an answer of nobody.
fn conversation() -> Vec<StoredEntry> {
    vec![
        stored(10, "user", "hello", None, &[]),
        stored(11, "assistant", "calls", None, &["a", "b"]),
        stored(12, "tool", "first", Some("a"), &[]),
        stored(13, "tool", "second", Some("b"), &[]),
        stored(14, "assistant", "done", None, &[]),
        stored(15, "assistant", "", None, &["c"]),
        stored(16, "system", "cancelled", None, &[]),
        stored(17, "tool", "of nobody", Some("z"), &[]),
        stored(18, "user", " ", None, &[]),
        stored(19, "user", "bye", None, &[]),
    ]
}

fn answer(parts: Vec<ContextPart>) -> Assembled {
    Assembled { parts, ..Assembled::default() }
}

fn refs(ids: &[u64]) -> Vec<ContextPart> {
    ids.iter().copied().map(ContextPart::Entry).collect()
}

fn note(role: Role, content: &Value) -> ContextPart {
    ContextPart::Message { role, content: Json::from_value(content).unwrap() }
}

fn check(answer: Assembled, budget: u64) -> Result<Context, Wrong> {
    let conversation = conversation();
    let look = |ids: &[u64]| Ok(conversation.iter().filter(|e| ids.contains(&e.id)).map(|e| (e.id, e.clone())).collect());
    checked(answer, budget, &Tokens::default(), &look).map_err(|unusable| match unusable {
        Unusable::Wrong(wrong) => wrong,
        Unusable::State(error) => panic!("{error}"),
    })
}

fn words(context: &Context) -> Vec<String> {
    let words = |message: &ModelMessage| match message {
        ModelMessage::System { text } => format!("s:{text}"),
        ModelMessage::User { text } => format!("u:{text}"),
        ModelMessage::Assistant { text, .. } => format!("a:{text}"),
        ModelMessage::Tool { call_id, content } => format!("{call_id}={content}"),
    };
    context.messages.iter().map(words).collect()
}

#[test]
fn references_and_new_messages_become_what_the_model_is_told() {
    let unanswered = format!("c={UNANSWERED}");
    let rows: [(Vec<ContextPart>, &[&str]); 6] = [
        (refs(&[]), &[]),
        (refs(&[10, 11, 12, 13, 14]), &["u:hello", "a:calls", "a=first", "b=second", "a:done"]),
        (refs(&[10, 14]), &["u:hello", "a:done"]),
        // Nobody answered, so it is said; the answer of nobody and what says nothing are left out.
        (refs(&[15, 16, 17, 18, 19]), &["a:", &unanswered, "s:cancelled", "u:bye"]),
        (refs(&[15]), &["a:", &unanswered]),
        (
            vec![
                note(Role::System, &json!("so far")),
                ContextPart::Entry(19),
                note(Role::User, &json!([{ "text": "x" }, "y"])),
                note(Role::Assistant, &json!(" ")),
            ],
            &["s:so far", "u:bye", "u:x\ny"],
        ),
    ];
    for (parts, told) in rows {
        let context = check(answer(parts.clone()), 10_000).unwrap_or_else(|wrong| panic!("{parts:?}: {wrong}"));
        assert_eq!(words(&context), told, "{parts:?}");
    }
}

#[test]
fn what_cannot_be_told_is_the_engines_fault_in_clear_words() {
    let between = vec![ContextPart::Entry(11), note(Role::User, &json!("x")), ContextPart::Entry(12), ContextPart::Entry(13)];
    let rows = [
        (refs(&[10, 10]), Wrong::Order { id: 10, before: 10 }),
        (refs(&[14, 10]), Wrong::Order { id: 10, before: 14 }),
        (refs(&[10, 9]), Wrong::Order { id: 9, before: 10 }),
        (refs(&[10, 99]), Wrong::Unknown(99)),
        (refs(&[0]), Wrong::Unknown(0)),
        (refs(&[12, 13, 14]), Wrong::Stray(12)),
        (refs(&[10, 13]), Wrong::Stray(13)),
        (refs(&[11]), Wrong::Half { call: 11, answer: 12 }),
        (refs(&[11, 12]), Wrong::Half { call: 11, answer: 13 }),
        (refs(&[11, 13, 14]), Wrong::Half { call: 11, answer: 12 }),
        (between, Wrong::Half { call: 11, answer: 12 }),
    ];
    for (parts, wrong) in rows {
        assert_eq!(check(answer(parts.clone()), 10_000), Err(wrong), "{parts:?}");
    }
}

#[test]
fn neither_the_estimate_nor_our_count_is_above_the_budget() {
    let all = answer(refs(&[10, 11, 12, 13, 14]));
    let tokens = check(all.clone(), 10_000).unwrap().tokens;
    assert_eq!(check(all.clone(), tokens).unwrap().tokens, tokens);
    assert_eq!(check(all.clone(), tokens - 1), Err(Wrong::TooMuch { tokens, budget: tokens - 1 }));

    let with = |estimated_tokens| Assembled { estimated_tokens, ..all.clone() };
    assert_eq!(check(with(tokens), tokens).unwrap().estimate, Some(tokens));
    assert_eq!(check(with(tokens + 1), tokens), Err(Wrong::Estimate { estimate: tokens + 1, budget: tokens }));

    let addition = Assembled { system_prompt_addition: Some("be brief".into()), ..all };
    let more = tokens + Tokens::default().system(Some("be brief"));
    assert!(more > tokens);
    let refused = check(addition.clone(), tokens);
    assert!(
        matches!(refused, Err(Wrong::TooMuch { tokens: seen, .. }) if seen > tokens && seen <= more),
        "it takes room, too: {refused:?}"
    );
    let context = check(addition, more).unwrap();
    assert_eq!((context.tokens, context.addition.as_deref()), (more, Some("be brief")));

    // What we say of unanswered calls isn't the engine's.
    let call = check(answer(refs(&[15])), 10_000).unwrap().tokens;
    assert!(check(answer(refs(&[15])), call).is_ok());
}
