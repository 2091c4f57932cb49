//! Entries: numbers, windows, time.

use super::{Stage, append, rules, said, texts};
use crate::assert_error;
use plugbay_state::{Code, NewEntry, Operation, StoredEntry, Window};

rules! {
    an_entry_is_kept_byte_for_byte_with_its_number_and_time,
    windows_from_a_position_and_from_the_end,
    a_window_of_a_past_life_ends_with_it,
    an_answer_has_a_thousand_entries_and_eight_mebibytes_at_most,
    an_entry_larger_than_an_answer_comes_alone,
    one_entry_is_found_in_its_own_life_only,
    time_does_not_go_back_within_a_session,
    nothing_is_written_where_nothing_is_said,
    entries_of_many_tasks_have_numbers_without_a_gap,
}

async fn an_entry_is_kept_byte_for_byte_with_its_number_and_time(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let full = NewEntry {
        role: "tool".into(),
        content: " {\"a\":\t[1,\"é😀\"] } ".into(),
        tool_call_id: Some("call-1".into()),
        run: Some("r".into()),
        meta: Some("[null]".into()),
    };
    clock.set(1_500);
    assert_eq!(state.append("main", "l1", vec![full.clone(), said("x")]).await, Ok(Some(vec![1, 2])));
    let expected = |id, entry| StoredEntry { id, life: "l1".into(), at: 1_500, entry };
    assert_eq!(state.entries("main", "l1", Window::Newest(9)), Ok(vec![expected(1, full.clone()), expected(2, said("x"))]));
    assert_eq!(state.entry("main", "l1", 1), Ok(Some(expected(1, full))));
    let session = state.session("main").await.unwrap().unwrap();
    assert_eq!((session.entries, session.created_at, session.updated_at), (2, 1_000, 1_500));
}

async fn windows_from_a_position_and_from_the_end(stage: Stage) {
    let state = &stage.with_session().await.state;
    append(&**state, "l1", &["gone", "gone"]).await;
    state.reset_session("main", "l2").await.unwrap();
    append(&**state, "l2", &["0", "1", "2", "3", "4"]).await;
    let read = |window| texts(&**state, "l2", window).concat();
    for (start, count, expected) in
        [(0, 2, "01"), (1, 3, "123"), (3, 9, "34"), (5, 1, ""), (7, 1, ""), (0, 0, ""), (u64::MAX, 9, ""), (4, 1_000, "4")]
    {
        assert_eq!(read(Window::From { start, count }), expected, "{count} from {start}");
    }
    for (count, expected) in [(0, ""), (1, "4"), (2, "34"), (5, "01234"), (6, "01234"), (1_000, "01234")] {
        assert_eq!(read(Window::Newest(count)), expected, "the newest {count}");
    }
}

async fn a_window_of_a_past_life_ends_with_it(stage: Stage) {
    let state = &stage.with_session().await.state;
    append(&**state, "l1", &["0", "1", "2"]).await;
    state.reset_session("main", "l2").await.unwrap();
    append(&**state, "l2", &["3"]).await;
    assert_eq!(texts(&**state, "l1", Window::From { start: 1, count: 9 }), ["1", "2"]);
    assert_eq!(texts(&**state, "l1", Window::Newest(2)), ["1", "2"]);
    state.reset_session("main", "l3").await.unwrap();
    assert_eq!(texts(&**state, "l3", Window::Newest(2)), Vec::<String>::new());
    assert_eq!(texts(&**state, "l3", Window::From { start: 0, count: 2 }), Vec::<String>::new());
}

async fn an_answer_has_a_thousand_entries_and_eight_mebibytes_at_most(stage: Stage) {
    let state = &stage.with_session().await.state;
    for window in [Window::Newest(1_001), Window::From { start: 0, count: 1_001 }] {
        assert_error(state.entries("main", "l1", window), Code::LimitExceeded, Operation::Entries);
    }
    assert_error(state.append("main", "l1", vec![said("x"); 1_001]).await, Code::LimitExceeded, Operation::Append);
    let large =
        |i: usize| NewEntry { meta: Some(format!("\"{}\"", "y".repeat((512 << 10) - 2))), ..said(&i.to_string().repeat((512 << 10) - 2)) };
    for i in 0..10 {
        state.append("main", "l1", vec![large(i)]).await.unwrap();
    }
    let read = |window| state.entries("main", "l1", window).unwrap().into_iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(read(Window::From { start: 1, count: 1_000 }), (2..=9).collect::<Vec<_>>(), "from its start");
    assert_eq!(read(Window::Newest(1_000)), (3..=10).collect::<Vec<_>>(), "the newest");
}

async fn an_entry_larger_than_an_answer_comes_alone(stage: Stage) {
    let stage = stage.answering(10).with_session().await;
    let state = &stage.state;
    append(&**state, "l1", &["more than 10 bytes", "and so is this", "x", "y"]).await;
    let read = |window| state.entries("main", "l1", window).unwrap().into_iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(read(Window::From { start: 0, count: 4 }), [1]);
    assert_eq!(read(Window::From { start: 2, count: 4 }), [3, 4]);
    assert_eq!((read(Window::Newest(4)), read(Window::Newest(1))), (vec![3, 4], vec![4]));
}

async fn one_entry_is_found_in_its_own_life_only(stage: Stage) {
    let state = &stage.with_session().await.state;
    append(&**state, "l1", &["1"]).await;
    state.reset_session("main", "l2").await.unwrap();
    append(&**state, "l2", &["2", "3"]).await;
    state.ensure_session("other", "l2").await.unwrap();
    for (life, there) in [("l1", [1].as_slice()), ("l2", [2, 3].as_slice()), ("l9", [].as_slice())] {
        for id in [0, 1, 2, 3, 4, u64::MAX] {
            let found = state.entry("main", life, id).unwrap().map(|entry| (entry.id, entry.life));
            assert_eq!(found, there.contains(&id).then(|| (id, life.to_owned())), "{id} in {life}");
        }
    }
    assert_eq!(state.entry("other", "l2", 2), Ok(None));
    assert_eq!(state.entry("nowhere", "l2", 2), Ok(None));
}

async fn time_does_not_go_back_within_a_session(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    for (now, life) in [(3_000, "l1"), (500, "l1"), (400, "l2"), (3_001, "l2")] {
        clock.set(now);
        if life == "l2" && now == 400 {
            state.reset_session("main", "l2").await.unwrap();
        }
        append(&**state, life, &["x"]).await;
    }
    let times = |life: &str| state.entries("main", life, Window::Newest(9)).unwrap().into_iter().map(|entry| entry.at).collect::<Vec<_>>();
    assert_eq!((times("l1"), times("l2")), (vec![3_000, 3_000], vec![3_000, 3_001]));
    let session = state.session("main").await.unwrap().unwrap();
    assert_eq!((session.began_at, session.updated_at), (3_000, 3_001));
    state.ensure_session("another", "l1").await.unwrap();
}

async fn nothing_is_written_where_nothing_is_said(stage: Stage) {
    let Stage { state, clock, .. } = &stage.with_session().await;
    let before = state.session("main").await;
    clock.set(2_000);
    assert_eq!(append(&**state, "l1", &[]).await, Some(vec![]));
    assert_eq!(append(&**state, "l2", &[]).await, None);
    assert_eq!(state.session("main").await, before);
}

async fn entries_of_many_tasks_have_numbers_without_a_gap(stage: Stage) {
    let state = &stage.with_session().await.state;
    let writers: Vec<_> = (0..8)
        .map(|i| {
            let state = state.clone();
            tokio::spawn(async move {
                let mut ids = Vec::new();
                for j in 0..25 {
                    ids.extend(append(&*state, "l1", &[&format!("{i}-{j}"), "and more"]).await.unwrap());
                }
                ids
            })
        })
        .collect();
    let mut ids = Vec::new();
    for writer in writers {
        let own = writer.await.unwrap();
        assert!(own.is_sorted() && own.chunks(2).all(|pair| pair[0] + 1 == pair[1]), "what is written at once stands together");
        ids.extend(own);
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=400).collect::<Vec<u64>>());
    assert_eq!(state.count_entries("main", "l1"), Ok(400));
}
