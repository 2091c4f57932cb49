//! The tree grows with the conversation, whoever writes, and whatever becomes of its rows.

use super::planted::conversation;
use super::*;
use plugbay_sdk::hooks::context_compact::Reason as CompactionReason;
use plugbay_sdk::store::{Options, Range, fake};
use shelf::{Head, Shelf};

fn rows() -> Vec<store::Entry<Value>> {
    let rows = Store::<Value>::open("trees", Options::up_to(1_000)).unwrap();
    rows.range(Range::up_to(1_000)).unwrap().entries
}

fn head(call: &Call) -> Head {
    Shelf::of(call).unwrap().head().unwrap().value.unwrap_or_default()
}

#[test]
fn the_tree_is_the_same_whether_it_grows_with_the_turns_or_at_once() {
    let (said, _) = conversation(4, 700, 1);
    let plugin = plugin(json!({}));
    let mut seen = Vec::new();
    for steps in [vec![700], vec![1, 19, 20, 21, 22, 100, 333, 700]] {
        fake::reset();
        for len in steps {
            let call = call(&said[..len]);
            plugin.context_ingest(&call, Ingesting::new(Vec::new())).unwrap();
        }
        seen.push(rows().into_iter().map(|row| (row.key, row.value)).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1]);
    let head = head(&call(&said));
    assert!(head.levels[0] >= 33 && head.levels[1] == 2 && head.grown > 670, "{:?} {}", head.levels, head.grown);
    assert_eq!(rows().len(), 1 + 3 + 1, "a head, two rows of leaves that are full and one that isn't, and one above");
}

#[test]
fn whatever_the_budget_it_is_never_exceeded_and_nothing_is_left_out() {
    let (said, _) = conversation(5, 900, 1);
    let plugin = plugin(json!({}));
    for len in [0, 1, 2, 30, 333, 900] {
        let call = call(&said[..len]);
        for budget in [0, 5, 50, 120, 200, 400, 1_000, 3_000, 8_000, 1_000_000] {
            let (above, ids) = assembled(&plugin, &call, budget);
            let first = ids.first().map_or(1_001 + len as u64, |id| *id);
            assert_eq!(above.is_empty(), first == 1_001 || budget < 400, "{len} {budget}: {above}");
            let told = above.lines().skip(1).last().map(|line| line.split([' ', ':']).next().unwrap().split_once('-').unwrap().1);
            assert!(told.is_none_or(|last| last.parse::<u64>().unwrap() >= first - 1), "no gap between {above} and {first}");
        }
    }
}

#[test]
fn rows_that_are_lost_or_garbled_are_made_again() {
    let (said, _) = conversation(6, 700, 1);
    let (plugin, call) = (plugin(json!({})), call(&said));
    plugin.context_ingest(&call, Ingesting::new(Vec::new())).unwrap();
    let before = assembled(&plugin, &call, 4_000);
    let all = rows();
    assert_eq!(all.len(), 5);
    for row in &all {
        for garbled in [None, Some(json!({"no": "node"})), Some(json!([]))] {
            let rows = Store::<Value>::open("trees", Options::up_to(1_000)).unwrap();
            match garbled {
                None => drop(rows.delete(&row.key).unwrap()),
                Some(value) => rows.register(&row.key, &value).unwrap(),
            }
            for numbers in ["1001-1700", "1002", "1321-1322"] {
                assert!(opened(&plugin, &call, numbers).len() > 20);
            }
            assert_eq!(assembled(&plugin, &call, 4_000), before, "{}", row.key);
        }
    }
}

#[test]
fn two_cells_do_not_lose_each_others_work() {
    let (said, _) = conversation(7, 200, 1);
    let plugin = plugin(json!({}));
    let early = call(&said[..100]);
    plugin.context_ingest(&early, Ingesting::new(Vec::new())).unwrap();
    let shelf = Shelf::of(&early).unwrap();
    let (seen, (nodes, row)) = (shelf.head().unwrap(), shelf.nodes(0, 0, 2).unwrap());
    plugin.context_ingest(&call(&said), Ingesting::new(Vec::new())).unwrap();
    let grown = head(&early);
    assert!(!shelf.put(&row, nodes, &seen).unwrap() && !shelf.put_head(&seen, Head::default()).unwrap(), "what was read before is too old");
    assert_eq!(head(&early), grown);
    let untouched = shelf.row(5, 0).unwrap();
    assert!(!shelf.put(&untouched, Vec::new(), &seen).unwrap(), "a row that nobody else wrote isn't written by who knows an old head");
    plugin.context_ingest(&early, Ingesting::new(Vec::new())).unwrap();
    assert_eq!(head(&early), grown, "who knows less changes nothing");
}

#[test]
fn a_digest_is_not_lost_to_a_leaf_that_is_added_meanwhile() {
    let (said, _) = conversation(8, 200, 1);
    let plugin = plugin(json!({}));
    plugin.context_ingest(&call(&said[..60]), Ingesting::new(Vec::new())).unwrap();
    let call = call(&said);
    let shelf = Shelf::of(&call).unwrap();
    let (stale, row) = (shelf.head().unwrap(), shelf.row(0, 0).unwrap());
    tree::with(&call, |tree| {
        let name = tree.node(0, 0)?.node.name();
        Ok(tree.change(0, 0, &name, |node| node.say("They bake."))?)
    })
    .unwrap();
    assert!(!shelf.put(&row, row.value.clone().unwrap(), &stale).unwrap(), "the head is as it was, the row isn't");
    plugin.context_ingest(&call, Ingesting::new(Vec::new())).unwrap();
    assert_eq!(shelf.row(0, 0).unwrap().value.unwrap()[0].digest, "They bake.");
}

#[test]
fn a_compaction_tells_less_word_for_word_and_an_overflow_less_of_all() {
    let (said, _) = conversation(9, 900, 1);
    let (plugin, call) = (plugin(json!({})), call(&said));
    let (_, before) = assembled(&plugin, &call, 8_000);
    let done = plugin.context_compact(&call, CompactionAsked::new(CompactionReason::Manual, 8_000)).unwrap();
    let (_, after) = assembled(&plugin, &call, 8_000);
    assert!(
        done.compacted && done.tokens_after < done.tokens_before && after.len() * 3 < before.len() * 2,
        "{} {}",
        before.len(),
        after.len()
    );
    let mut taken = done.tokens_after;
    for _ in 0..3 {
        let event = CompactionAsked { forced: true, ..CompactionAsked::new(CompactionReason::Overflow, 8_000) };
        let done = plugin.context_compact(&call, event).unwrap();
        assert!(done.compacted && done.tokens_after < taken, "{done:?}");
        taken = done.tokens_after;
    }
    assert!(taken <= 8_000 * 43 / 100, "{taken}");
    let short = super::call(&said[..4]);
    sessions::fake::reset("chat");
    let nothing = plugin.context_compact(&short, CompactionAsked::new(CompactionReason::Manual, 8_000)).unwrap();
    assert!(!nothing.compacted && nothing.why.is_some());
}

#[test]
fn the_model_says_what_summaries_are_about_behind_the_turn_once() {
    use plugbay_sdk::hooks::context_maintain::Moment;
    let (said, _) = conversation(10, 120, 1);
    let (plugin, call) = (plugin(json!({ "summaries": "model" })), call(&said));
    let close = || plugin.context_maintain(&call, Maintaining::new(Moment::Closing)).unwrap();
    plugin.context_maintain(&call, Maintaining::new(Moment::Opening)).unwrap();
    let leaves = head(&call).levels[0];
    assert_eq!((leaves, model::fake::asked().len()), (5, 0));
    model::fake::answer("They talk about\nbread.");
    close();
    assert_eq!(model::fake::asked().len(), 2, "the second wasn't answered, and no more was asked");
    (0..4).for_each(|n| model::fake::answer(format!("Part {n}.")));
    close();
    close();
    let asked = model::fake::asked();
    assert!(asked.len() == 4 && asked[0].message().contains(&said[25].text), "each once");
    let row = Shelf::of(&call).unwrap().row(0, 0).unwrap().value.unwrap();
    assert_eq!(
        row.iter().map(|node| node.digest.as_str()).collect::<Vec<_>>(),
        ["They talk about bread.", "Part 0.", "Part 1.", "Part 2.", "Part 3."]
    );
}

#[test]
fn rows_go_with_the_life_that_they_are_of() {
    let (said, _) = conversation(11, 120, 1);
    let (plugin, chat) = (plugin(json!({})), call(&said));
    let other = Call { session: Some(sessions::fake::session("other")), ..call(&said) };
    for call in [&chat, &other] {
        plugin.context_ingest(call, Ingesting::new(Vec::new())).unwrap();
    }
    assert_eq!(rows().len(), 4);
    for (reason, left) in [(Reason::Disable, 4), (Reason::Restart, 4), (Reason::Delete, 2)] {
        plugin.cleanup(&chat, CleanupAsked::new(reason)).unwrap();
        assert_eq!(rows().len(), left);
    }
    assert!(rows().iter().all(|row| row.key.starts_with("other-1/")));
    sessions::fake::reset("other");
    plugin.context_ingest(&other, Ingesting::new(Vec::new())).unwrap();
    assert_eq!(rows().len(), 4, "another life has rows of its own");
}

#[test]
fn settings_out_of_range_are_refused_and_a_call_without_a_transcript_says_what_is_missing() {
    let activation = Activation {
        reason: ActivationReason::Install,
        config: "{}".into(),
        granted: Vec::new(),
        denied: Vec::new(),
        previous_version: None,
    };
    for (settings, name) in [(json!({ "share": 9 }), "share"), (json!({ "open_tokens": 60_000 }), "open_tokens")] {
        let error = LosslessContext::activate(&activation, serde_json::from_value(settings).unwrap()).err().unwrap();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    let call = Call { session: Some(sessions::fake::session("chat")), ..Call::default() };
    let error = plugin(json!({})).context_assemble(&call, assembling(100)).unwrap_err();
    assert!(error.to_string().contains("grant `conversation`"), "{error}");
}
