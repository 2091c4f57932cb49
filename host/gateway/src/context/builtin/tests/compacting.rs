//! What is summarised, what stays, and what becomes of it when the model fails.

use super::super::{Compact, CompactError, Reason};
use super::stage::{Scripted, Stage, answering, calling, said, voice};
use crate::model::{ModelFailure, ModelWindow, OfflineModel};
use plugbay_runtime::state::{NewEntry, SessionStore};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Questions and answers of about 20 tokens each, which can be told apart.
fn exchanges(count: usize) -> Vec<NewEntry> {
    let words = "one two three four five six seven eight nine ten";
    (0..count).flat_map(|n| [said("user", &format!("question-{n} {words}")), said("assistant", &format!("answer-{n} {words}"))]).collect()
}

#[tokio::test]
async fn the_newest_stay_as_much_as_the_reason_wants() {
    let all = Stage::with(exchanges(10)).await.history(u64::MAX).pieces;
    let [one, whole] = [all[0].tokens, all.iter().map(|piece| piece.tokens).sum()];
    for (reason, budget, stay) in [
        (Reason::Threshold, 12 * one, 6),   // half of the budget
        (Reason::Threshold, 2 * whole, 20), // all fits into half
        (Reason::Threshold, 2 * whole - 2, 19),
        (Reason::Threshold, 0, 0),
        (Reason::Overflow, 12 * one, 6),     // half of what was told, which filled the budget
        (Reason::Overflow, 100 * whole, 10), // half of what was told, however large the budget is
        (Reason::Manual, 100 * whole, 2),    // the last exchange
        (Reason::Manual, 2 * one, 1),        // as much of it as fits into half
    ] {
        let stage = Stage::with(exchanges(10)).await;
        let model = Scripted::saying(100_000, [Ok("In short.")]);
        let done = stage.compact(reason, budget, model.clone()).await.unwrap();
        let kept = stage.history(u64::MAX).pieces;
        assert_eq!(kept, all[20 - stay..], "{reason:?} {budget}");
        assert_eq!((done.compacted, done.why.is_none(), done.entries), (stay < 20, stay < 20, 20 - stay as u64), "{done:?}");
        assert_eq!(done.tokens_before, whole);
        let after = stage.history(u64::MAX).within(u64::MAX).1;
        assert_eq!(done.tokens_after, after, "what is told now");
        assert_eq!(model.parts().len(), usize::from(stay < 20), "nobody is asked for nothing");
    }
}

#[tokio::test]
async fn where_there_is_nothing_to_do_it_says_why() {
    let model = || Scripted::saying(100_000, [Ok("In short.")]);
    let why = async |stage: &Stage, reason| stage.compact(reason, 10_000, model()).await.unwrap().why.unwrap_or_default();
    let stage = Stage::with(exchanges(1)).await;
    assert!(why(&stage, Reason::Threshold).await.ends_with("5000 stay as they were said: half of the budget of 10000"));
    assert_eq!(why(&stage, Reason::Manual).await, "there is only the last exchange, and it stays as it was said");
    let empty = Stage::with(Vec::new()).await;
    for reason in [Reason::Manual, Reason::Overflow, Reason::Threshold] {
        assert_eq!(why(&empty, reason).await, "nothing was said that isn't in a summary already");
    }
    // After an overflow each attempt does something, until nothing is left.
    let stage = Stage::with(exchanges(4)).await;
    let mut left = Vec::new();
    while stage.compact(Reason::Overflow, 10_000, model()).await.unwrap().compacted {
        left.push(stage.history(10_000).pieces.len());
    }
    assert_eq!(left, [4, 2, 1, 0]);
}

#[tokio::test]
async fn the_model_is_told_what_goes_with_what_was_summarised_before_and_what_a_person_wants() {
    let stage = Stage::with(exchanges(4)).await;
    let model = Scripted::saying(100_000, [Ok("First summary."), Ok("Second summary.")]);
    let asked = Compact { reason: Reason::Manual, budget: 400, instructions: Some("Keep the numbers.".into()) };
    stage.builtin.compact(&stage.life, &asked, &voice(model.clone())).await.unwrap();
    let request = model.asked.lock().unwrap()[0].clone();
    let system = request.system.unwrap();
    assert!(system.starts_with("Summarise") && system.contains("in at most 8") && system.ends_with("Keep the numbers."), "{system}");
    assert!(request.tools.is_empty() && request.messages.len() == 1);
    assert!(model.parts()[0].contains("User: question-0 ") && model.parts()[0].contains("Assistant: answer-2 "));
    assert!(!model.parts()[0].contains("-3") && !model.parts()[0].contains("before"));

    let mut stage = stage;
    stage.store.append("s", "one", exchanges(6).split_off(8)).await.unwrap().unwrap();
    stage.life.entries += 4;
    let done = stage.compact(Reason::Manual, 400, model.clone()).await.unwrap();
    let part = &model.parts()[1];
    assert!(
        part.contains("First summary.") && part.contains("answer-4") && !part.contains("answer-2") && !part.contains("answer-5"),
        "{part}"
    );
    assert_eq!((done.entries, done.summary.as_deref()), (4, Some("Second summary.")));
    assert!(stage.told(1_000)[0].ends_with("Second summary."));
    let kept: Vec<_> = stage.store.compactions("s", "one").await.unwrap().iter().map(|kept| kept.entries).collect();
    assert_eq!(kept, [6, 10]);
}

#[tokio::test]
async fn what_is_more_than_the_model_takes_goes_part_by_part_and_what_was_done_stays_done() {
    let stage = Stage::with(exchanges(60)).await;
    let script = [Ok("Part one."), Ok("Part two."), Err(ModelFailure::Server), Ok("Part three."), Ok("The rest.")];
    let model = Scripted::saying(1_000, script);
    let error = stage.compact(Reason::Manual, 400, model.clone()).await.unwrap_err();
    let CompactError::Model { done, of, .. } = &error else { panic!("{error}") };
    assert!(*of == 118 && *done > 20 && done < of, "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "the model `one` of `scripted` didn't summarise the conversation (server): it doesn't want to; {done} of 118 entries are summarised, and stay so"
        )
    );
    let kept = stage.store.compaction("s", "one").unwrap().unwrap();
    assert_eq!((kept.entries, kept.summary.as_str()), (*done, "Part two."));
    assert_eq!(stage.history(100_000).pieces.len() as u64, 120 - done);

    let again = stage.compact(Reason::Manual, 400, model.clone()).await.unwrap();
    assert_eq!(again.entries, 118 - done, "it goes on where it failed");
    assert!(stage.told(400)[0].ends_with("The rest."));
    let parts = model.parts();
    for n in 0..118 {
        let name = format!("{}-{} ", if n % 2 == 0 { "question" } else { "answer" }, n / 2);
        let times = parts.iter().filter(|part| part.contains(&name)).count();
        let tried_again = parts[2].contains(&name) as usize;
        assert_eq!(times, 1 + tried_again, "each is told once: {name}");
    }
    let windows = model.asked.lock().unwrap().iter().map(|request| stage.builtin.tokens.request(request)).max();
    assert!(windows.unwrap() <= 750, "there is room for the answer: {windows:?}");
}

#[tokio::test]
async fn a_model_that_counts_otherwise_is_given_less() {
    let stage = Stage::with(exchanges(30)).await;
    let model = Scripted::saying(3_000, [Err(ModelFailure::TooLong), Err(ModelFailure::TooLong), Ok("In short.")]);
    assert_eq!(stage.compact(Reason::Manual, 400, model.clone()).await.unwrap().entries, 58);
    let parts: Vec<_> = model.parts().iter().map(String::len).collect();
    assert!(parts.len() > 4 && parts[1] < parts[0] && parts[2] < parts[1] * 2 / 3, "{parts:?}");
    assert!(parts[3..].iter().all(|part| *part < parts[1] * 2 / 3), "what was learned counts for the rest, too: {parts:?}");
    let always = Scripted::saying(4_000, [Err(ModelFailure::TooLong)]);
    let error = Stage::with(exchanges(30)).await.compact(Reason::Manual, 400, always.clone()).await.unwrap_err();
    assert!(error.to_string().contains("(too-long)"), "{error}");
    assert!((2..10).contains(&always.parts().len()), "it isn't asked for ever");
}

#[tokio::test]
async fn a_summary_never_ends_between_a_call_and_its_answers() {
    let mut entries = exchanges(1);
    let calls: Vec<String> = (0..8).map(|n| format!("c{n}")).collect();
    entries.push(calling("calls", &calls.iter().map(String::as_str).collect::<Vec<_>>()));
    entries.extend(calls.iter().map(|call| answering(call, &"word ".repeat(150))));
    entries.extend(exchanges(3));
    let stage = Stage::with(entries).await;
    let script = [Ok("One."), Ok("Two."), Ok("Three."), Err(ModelFailure::Server)];
    let model = Scripted::saying(1_000, script);
    let error = stage.compact(Reason::Manual, 400, model.clone()).await.unwrap_err();
    assert!(error.to_string().ends_with("2 of 15 entries are summarised, and stay so"), "{error}");
    let kept: Vec<_> = stage.store.compactions("s", "one").await.unwrap().iter().map(|kept| kept.entries).collect();
    assert_eq!(kept, [2], "three parts were summarised, and two of them end in the middle of the answers");
    let pieces = stage.history(100_000).pieces;
    assert_eq!((pieces[0].before, pieces[0].messages.len()), (2, 9), "the call is told with all its answers");
}

#[tokio::test]
async fn a_message_that_is_larger_than_the_window_is_cut() {
    let mut entries = vec![said("user", &format!("begins {} ends", "word ".repeat(50_000)))];
    entries.extend(exchanges(1));
    let stage = Stage::with(entries).await;
    let model = Scripted::saying(1_000, [Ok("In short.")]);
    assert_eq!(stage.compact(Reason::Threshold, 100, model.clone()).await.unwrap().entries, 1);
    let part = &model.parts()[0];
    assert!(part.contains("User: begins word") && part.contains("left out") && !part.contains(" ends"), "{}", part.len());
    assert!(stage.builtin.tokens.count(part) < 750);
}

#[tokio::test]
async fn a_summary_takes_a_quarter_of_the_budget_at_most() {
    let stage = Stage::with(exchanges(10)).await;
    let long = "fact ".repeat(10_000);
    let model = Scripted::saying(100_000, [Ok(long.as_str())]);
    let done = stage.compact(Reason::Threshold, 400, model).await.unwrap();
    let history = stage.history(400);
    let summary = stage.builtin.tokens.message(history.summary.as_ref().unwrap());
    assert!((80..=100).contains(&summary), "{summary}");
    assert!(done.tokens_after <= 400 && history.unsummarised == 0, "{done:?}");
    let huge = "x".repeat(1 << 20);
    let model = Scripted::saying(100_000, [Ok(huge.as_str())]);
    let done = stage.compact(Reason::Manual, 100_000_000, model).await.unwrap();
    assert_eq!(done.summary.unwrap().len(), 256 << 10, "as much as the state takes");
}

#[tokio::test]
async fn who_cant_summarise_says_why() {
    let stage = Stage::with(exchanges(3)).await;
    let error = async |model: Arc<Scripted>| stage.compact(Reason::Manual, 400, model).await.unwrap_err().to_string();
    assert!(error(Scripted::saying(100_000, [Ok(" \n")])).await.contains("answered with an empty summary; 0 of 4"));
    assert!(error(Scripted::saying(200, [Ok("In short.")])).await.contains("window of 200 tokens (setting `model.window`)"));
    let broken = Scripted::saying(100_000, [Ok("In sh")]);
    broken.breaks_off.store(true, Ordering::Relaxed);
    assert!(error(broken).await.contains("broke off without an end"));
    assert!(stage.store.compaction("s", &stage.life.life).unwrap().is_none());
    let mut gone = stage.life.clone();
    stage.store.reset_session("s", "two").await.unwrap();
    gone.entries = 6;
    let error = stage.compact(Reason::Manual, 400, Scripted::saying(100_000, [Ok("In short.")])).await.unwrap_err();
    assert!(matches!(&error, CompactError::Gone(key) if key == "s"), "{error}");
}

#[tokio::test]
async fn the_offline_model_summarises_what_was_said() {
    let stage = Stage::with(exchanges(40)).await;
    let model = Arc::new(OfflineModel::default().within(ModelWindow::of(2_000)));
    let done = stage.compact(Reason::Threshold, 800, model.clone()).await.unwrap();
    let summary = done.summary.unwrap();
    assert!(done.compacted && done.tokens_after < 800, "{summary}");
    let newest = (done.entries - 1) / 2;
    assert!(summary.contains("question-0 ") && summary.contains(&format!("-{newest} ")), "{summary}");
    let other = Stage::with(exchanges(41).split_off(2)).await.compact(Reason::Threshold, 800, model.clone()).await.unwrap();
    assert_ne!(other.summary.unwrap(), summary, "of something else it says something else");
    let asked = Compact { reason: Reason::Manual, budget: 800, instructions: Some("Please:\nfail rate-limited".into()) };
    let error = stage.builtin.compact(&stage.life, &asked, &voice(model)).await.unwrap_err();
    assert!(error.to_string().contains("(rate-limited)"), "instructions may have commands: {error}");
}
