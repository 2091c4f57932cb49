//! What is told of the turns before.

use super::super::BLOCKED;
use super::super::pieces::UNANSWERED;
use super::stage::{Stage, answering, calling, said};
use crate::model::ModelMessage;
use crate::tokens::Tokens;
use plugbay_runtime::state::{NewCompaction, NewEntry, SessionStore};
use serde_json::json;

async fn told(entries: Vec<NewEntry>, budget: u64) -> Vec<Vec<String>> {
    let history = Stage::with(entries).await.history(budget);
    history.pieces.iter().map(|piece| piece.messages.iter().map(super::stage::words).collect()).collect()
}

fn taken(message: ModelMessage) -> u64 {
    Tokens::default().message(&message)
}

#[tokio::test]
async fn calls_and_answers_are_one_piece_and_half_of_one_is_none() {
    let entries = vec![
        said("user", "hello"),
        calling("calls", &["a", "b"]),
        answering("a", "first"),
        answering("b", "second"),
        said("assistant", "done"),
    ];
    let all = vec![vec!["hello"], vec!["calls", "a=first", "b=second"], vec!["done"]];
    assert_eq!(told(entries.clone(), 1_000).await, all);
    let stage = Stage::with(entries.clone()).await;
    let history = stage.history(1_000);
    let places: Vec<_> = history.pieces.iter().map(|piece| (piece.before, piece.first, piece.last)).collect();
    assert_eq!(places, [(0, 3, 3), (1, 4, 6), (4, 7, 7)], "positions in the life, numbers in the session");
    // With each token less, what goes is a whole piece.
    let [first, middle, last] = [0, 1, 2].map(|n| history.pieces[n].tokens);
    for (budget, pieces, unsummarised) in [
        (first + middle + last, 3, 0),
        (first + middle + last - 1, 2, 1),
        (middle + last, 2, 1),
        (middle + last - 1, 1, 4),
        (last, 1, 4),
        (last - 1, 0, 5),
        (0, 0, 5),
    ] {
        let less = stage.history(budget);
        assert_eq!((less.pieces.as_slice(), less.unsummarised), (&history.pieces[3 - pieces..], unsummarised), "{budget}");
        let whole: Vec<_> = history.pieces[3 - pieces..].iter().flat_map(|piece| piece.messages.clone()).collect();
        assert_eq!(history.within(budget), (whole, history.pieces[3 - pieces..].iter().map(|piece| piece.tokens).sum()), "{budget}");
    }
}

#[tokio::test]
async fn a_call_that_nobody_answered_gets_an_answer_which_takes_room() {
    let entries = vec![calling("calls", &["a", "b"]), answering("a", "first"), said("system", "cancelled"), answering("z", "of nobody")];
    let unanswered = format!("b={UNANSWERED}");
    assert_eq!(told(entries.clone(), 1_000).await, vec![vec!["calls", "a=first", &unanswered], vec!["cancelled"]]);
    let stage = Stage::with(entries).await;
    let all: u64 = stage.history(1_000).pieces.iter().map(|piece| piece.tokens).sum();
    assert_eq!(stage.told(all).len(), 4);
    assert_eq!(stage.told(all - 1), ["cancelled"], "what was written fits, and with the answer it doesn't");
    assert_eq!(stage.history(all - 1).unsummarised, 2);
    assert_eq!(
        told(vec![calling("calls", &["a"])], 1_000).await,
        vec![vec!["calls".to_owned(), format!("a={UNANSWERED}")]],
        "a turn that broke off"
    );
}

#[tokio::test]
async fn what_says_nothing_is_left_out_and_isnt_missed() {
    let entries = vec![
        said("user", " "),
        said("assistant", ""),
        calling("", &["a"]),
        answering("a", ""),
        said("system", "\n"),
        said("user", "hello"),
    ];
    let stage = Stage::with(entries).await;
    assert_eq!(stage.told(1_000), ["", "a=", "hello"]);
    assert_eq!(stage.history(1_000).unsummarised, 0, "there is nothing to summarise in what says nothing");
}

#[tokio::test]
async fn words_for_the_person_whose_turn_was_blocked_are_no_instructions() {
    let note = |status: &str| NewEntry { meta: Some(json!({ "status": status }).to_string()), ..said("system", "Ask your admin.") };
    assert_eq!(told(vec![note("blocked"), note("failed")], 1_000).await, vec![vec![BLOCKED], vec!["Ask your admin."]]);
}

#[tokio::test]
async fn parts_of_a_content_are_its_lines() {
    let parts = NewEntry { content: json!([{ "type": "text", "text": "one" }, "two", { "image": 3 }]).to_string(), ..said("user", "") };
    assert_eq!(told(vec![parts], 1_000).await, vec![vec!["one\ntwo\n{\"image\":3}"]]);
}

#[tokio::test]
async fn a_session_that_somebody_else_deleted_has_no_history() {
    let mut stage = Stage::with(Vec::new()).await;
    stage.life.entries = 100;
    assert!(stage.told(10_000).is_empty());
    stage.life.key = "nobody's".into();
    assert!(stage.told(10_000).is_empty());
}

#[tokio::test]
async fn the_newest_that_fit_are_there_whatever_the_length() {
    let stage = Stage::with((0..300).map(|n| said("user", &format!("{n:04}"))).collect()).await;
    let one = taken(ModelMessage::User { text: "0299".into() });
    let told = stage.told(200 * one);
    assert_eq!((told.len(), told[0].as_str(), told[199].as_str()), (200, "0100", "0299"));
    assert_eq!(stage.history(200 * one).unsummarised, 100);
    let mut before = stage.life.clone();
    before.entries = 150;
    let earlier = stage.builtin.history(&before, 200 * one).unwrap();
    assert_eq!((earlier.pieces.len(), earlier.unsummarised), (150, 0), "what was written since isn't seen");
}

#[tokio::test]
async fn a_summary_stands_for_what_it_covers_and_is_cut_where_it_doesnt_fit() {
    let stage = Stage::with((0..6).map(|n| said("user", &format!("question {n}"))).collect()).await;
    let summary = (0..100).map(|n| format!("fact-{n}")).collect::<Vec<_>>().join(" ");
    let compaction = NewCompaction { entries: 4, summary, tokens_before: 9, tokens_after: 5 };
    assert!(stage.store.put_compaction("s", "one", compaction).await.unwrap());
    let told = stage.told(10_000);
    assert!(told[0].contains("summarised") && told[0].ends_with("fact-99"), "{}", told[0]);
    assert_eq!(told[1..], ["question 4", "question 5"]);
    let history = stage.history(10_000);
    let whole = taken(history.summary.clone().unwrap());
    let one = history.pieces[0].tokens;
    assert_eq!((history.pieces.len(), stage.history(whole + one).pieces.len()), (2, 1), "the summary goes first");
    assert_eq!(stage.history(whole + one).unsummarised, 1);
    for budget in [0, 5, 40, 60, whole - 1] {
        for history in [stage.history(budget), history.clone()] {
            let (told, tokens) = history.within(budget);
            assert!(tokens <= budget && tokens == told.iter().map(|message| taken(message.clone())).sum::<u64>(), "{tokens} of {budget}");
            assert_eq!(told.is_empty(), budget < 40, "{budget}: {told:?}");
        }
    }
    assert!(stage.told(60)[0].contains("fact-1 ") && stage.told(60)[0].contains("cut here"));
}

#[tokio::test]
async fn entries_are_found_by_their_numbers() {
    let mut stage = Stage::with((0..2_500).map(|n| said("user", &format!("{n}"))).collect()).await;
    let found = |stage: &Stage, ids: &[u64]| -> Vec<(u64, String)> {
        stage.builtin.entries(&stage.life, ids).unwrap().into_iter().map(|(id, stored)| (id, stored.entry.content)).collect()
    };
    let at = |id: u64| (id, format!("\"{}\"", id - 3));
    assert_eq!(found(&stage, &[3, 5, 6, 40, 2_502]), [3, 5, 6, 40, 2_502].map(at), "the first of this life has the number 3");
    assert_eq!(found(&stage, &[0, 2, 2_503, u64::MAX, 7, 7, 4]), [4, 7].map(at), "none of another life, none twice");
    let all: Vec<u64> = (3..2_503).collect();
    assert_eq!(found(&stage, &all), all.iter().map(|id| at(*id)).collect::<Vec<_>>(), "more than one read takes");
    stage.life.entries = 10;
    assert_eq!(found(&stage, &[12, 13]), [at(12)], "what was written since isn't seen");
    stage.life.entries = 0;
    assert_eq!(found(&stage, &[3]), []);
}
