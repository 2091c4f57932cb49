//! The rules where they are tricky, on both backends.

use crate::stage::n;
use crate::{assert_error, sqlite_at, store};
use plugbay_state::{
    Applied, Change, Clock, Code, Comparison, Condition, KeyedStore, Limit, MAX_TIME, Memory, Operation, Options, Order, Overflow, Owner,
    Range, SqliteSettings, StateLimits, StateStore, TestClock,
};
use std::sync::Arc;
use tempfile::TempDir;

struct Bench {
    states: Vec<Box<dyn StateStore>>,
    clock: Arc<TestClock>,
    _directory: TempDir,
}

/// Both backends at time 1,000, with these limits.
fn bench_with(limits: &StateLimits) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(1_000));
    let shared: Arc<dyn Clock> = clock.clone();
    let settings = SqliteSettings { limits: limits.clone(), clock: shared.clone(), ..SqliteSettings::new(directory.path()) };
    let sqlite = plugbay_state::Sqlite::open(settings).unwrap();
    let memory = Memory::new(limits.clone(), shared).unwrap();
    Bench { states: vec![Box::new(memory), Box::new(sqlite)], clock, _directory: directory }
}

fn bench() -> Bench {
    bench_with(&StateLimits::default())
}

async fn keys(store: &dyn KeyedStore) -> Vec<String> {
    store.entries().await.unwrap().into_iter().map(|entry| entry.key).collect()
}

#[tokio::test]
async fn a_row_is_dead_at_its_expiry_and_lives_again_when_the_clock_goes_back() {
    let bench = bench();
    for state in &bench.states {
        bench.clock.set(1_000);
        let rows = store(&**state, "rows", Options::up_to(10).default_ttl(500)).await;
        rows.register(" a ", "1".into(), None).await.unwrap();
        rows.register("b", "2".into(), Some(100)).await.unwrap();
        bench.clock.set(1_099);
        assert_eq!(rows.lookup("b").await.unwrap().as_deref(), Some("2"));
        bench.clock.set(1_100);
        assert_eq!(rows.lookup("b").await.unwrap(), None);
        assert_eq!((rows.count().await.unwrap(), keys(&*rows).await), (1, vec!["a".to_owned()]));
        bench.clock.set(900);
        assert_eq!(rows.count().await.unwrap(), 2);
        bench.clock.set(1_500);
        assert!(!rows.delete("a").await.unwrap());
    }
}

#[tokio::test]
async fn ttls_are_checked_and_named_by_their_operation() {
    for state in &bench().states {
        let rows = store(&**state, "rows", Options::up_to(10)).await;
        assert_error(rows.register("k", "1".into(), Some(0)).await, Code::InvalidInput, Operation::Register);
        assert_error(rows.register_if_absent("k", "1".into(), Some(MAX_TIME)).await, Code::InvalidInput, Operation::RegisterIfAbsent);
        let seen = rows.observe("k").await.unwrap().comparison;
        let change = Change::Set { value: "1".into(), ttl: Some(0) };
        assert_error(rows.compare_and_apply("k", &seen, change, &[]).await, Code::InvalidInput, Operation::CompareAndApply);
        rows.register("k", "1".into(), Some(MAX_TIME - 1_000)).await.unwrap();
    }
}

#[tokio::test]
async fn sweeps_go_by_batches_and_if_absent_replaces_beyond_them() {
    let bench = bench_with(&StateLimits { rows: n(5_000), ..StateLimits::default() });
    for state in &bench.states {
        bench.clock.set(1_000);
        let rows = store(&**state, "rows", Options::up_to(5_000)).await;
        let others = store(&**state, "others", Options::up_to(5_000)).await;
        for i in 0..2_050 {
            rows.register(&format!("k{i:04}"), "1".into(), Some(1)).await.unwrap();
        }
        bench.clock.set(2_000);
        others.register("x", "1".into(), None).await.unwrap();
        assert!(rows.register_if_absent("k2049", "2".into(), None).await.unwrap());
        assert!(!rows.register_if_absent("k2049", "3".into(), None).await.unwrap());
        assert_eq!(rows.lookup("k2049").await.unwrap().as_deref(), Some("2"));
        assert_eq!((state.sweep().await.unwrap(), rows.count().await.unwrap()), (1, 1));

        for i in 0..2_050 {
            rows.register(&format!("k{i:04}"), "1".into(), Some(1)).await.unwrap();
        }
        bench.clock.set(3_000);
        for swept in [1_024, 1_024, 2, 0] {
            assert_eq!(state.sweep().await.unwrap(), swept);
        }
        assert_eq!(others.count().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn eviction_goes_by_age_then_key_and_never_takes_the_new_row() {
    let bench = bench();
    for state in &bench.states {
        bench.clock.set(1_000);
        let rows = store(&**state, "rows", Options::up_to(3)).await;
        for key in ["c", "a", "b"] {
            rows.register(key, "1".into(), None).await.unwrap();
        }
        // As old as the others, and first by key: still not the one to go.
        rows.register("0", "1".into(), None).await.unwrap();
        assert_eq!(keys(&*rows).await, ["0", "b", "c"]);
        bench.clock.set(1_001);
        rows.register("0", "2".into(), None).await.unwrap();
        rows.register("d", "1".into(), None).await.unwrap();
        assert_eq!(keys(&*rows).await, ["c", "0", "d"]);
        // Set back, the clock makes nobody the oldest.
        bench.clock.set(10);
        rows.register("e", "1".into(), None).await.unwrap();
        rows.register("f", "1".into(), None).await.unwrap();
        assert_eq!(keys(&*rows).await, ["d", "e", "f"]);
    }
}

#[tokio::test]
async fn a_full_namespace_that_rejects_keeps_its_rows_writable() {
    for state in &bench().states {
        let rows = store(&**state, "rows", Options::up_to(2).overflow(Overflow::RejectNew)).await;
        rows.register("a", "1".into(), None).await.unwrap();
        assert!(rows.register_if_absent("b", "1".into(), None).await.unwrap());
        let refused = rows.register("c", "1".into(), None).await.unwrap_err();
        let overrun = refused.overrun.unwrap();
        assert_eq!((refused.code, overrun.limit, overrun.observed, overrun.allowed), (Code::LimitExceeded, Limit::Entries, 3, 2));
        rows.register("a", "2".into(), None).await.unwrap();
        assert!(rows.delete("b").await.unwrap());
        rows.register("c", "1".into(), None).await.unwrap();
    }
}

#[tokio::test]
async fn the_plugins_rows_are_checked_after_the_namespaces_own_eviction() {
    let bench = bench_with(&StateLimits { rows: n(5), ..StateLimits::default() });
    for state in &bench.states {
        bench.clock.set(1_000);
        let full = store(&**state, "full", Options::up_to(2)).await;
        let roomy = store(&**state, "roomy", Options::up_to(100)).await;
        for key in ["a", "b", "c"] {
            roomy.register(key, "1".into(), (key == "c").then_some(50)).await.unwrap();
            full.register(key, "1".into(), None).await.unwrap();
        }
        let refused = roomy.register("d", "1".into(), None).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.overrun.unwrap().limit, refused.overrun.unwrap().observed),
            (Code::LimitExceeded, Limit::Rows, 6)
        );
        assert_eq!((keys(&*roomy).await, keys(&*full).await), (vec!["a".into(), "b".into(), "c".into()], vec!["b".into(), "c".into()]));
        full.register("d", "1".into(), None).await.unwrap();
        assert_eq!(keys(&*full).await, ["c", "d"]);
        // Another plugin is another count, and expired rows don't count, wherever they are.
        let other = state.open(&Owner::new("other").unwrap(), "roomy", Options::up_to(100)).await.unwrap();
        other.register("d", "1".into(), None).await.unwrap();
        bench.clock.set(1_050);
        let third = store(&**state, "third", Options::up_to(100)).await;
        third.register("d", "1".into(), None).await.unwrap();
        assert_error(third.register("e", "1".into(), None).await, Code::LimitExceeded, Operation::Register);
    }
}

#[tokio::test]
async fn the_plugins_bytes_are_bounded_and_shrinking_is_always_fine() {
    let bench = bench_with(&StateLimits { total: n(100), ..StateLimits::default() });
    let text = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    for state in &bench.states {
        bench.clock.set(1_000);
        let rows = store(&**state, "rows", Options::up_to(2)).await;
        rows.register("a", text(60), None).await.unwrap();
        bench.clock.advance(1);
        rows.register("b", text(40), None).await.unwrap();
        assert_error(rows.register("b", text(41), None).await, Code::LimitExceeded, Operation::Register);
        bench.clock.advance(1);
        rows.register("a", text(59), None).await.unwrap();
        // `b` is now the oldest: its 40 bytes go for the new row's 41.
        rows.register("c", text(41), None).await.unwrap();
        assert_eq!(state.usage().await.unwrap()[0].bytes, 100);
        assert_error(rows.register("d", text(60), None).await, Code::LimitExceeded, Operation::Register);
        assert_eq!(keys(&*rows).await, ["a", "c"]);
    }
}

#[tokio::test]
async fn a_change_is_made_only_to_what_was_seen() {
    let bench = bench();
    for state in &bench.states {
        bench.clock.set(1_000);
        let (rows, others) = (store(&**state, "rows", Options::up_to(10)).await, store(&**state, "others", Options::up_to(10)).await);
        let set = |value: &str| Change::Set { value: value.into(), ttl: None };
        let absent = rows.observe("k").await.unwrap();
        assert_eq!(rows.compare_and_apply("k", &absent.comparison, Change::Delete, &[]).await.unwrap(), Applied::Unchanged);
        assert_eq!(rows.compare_and_apply("k", &absent.comparison, set("1"), &[]).await.unwrap(), Applied::Applied);
        let Applied::Conflict(now) = rows.compare_and_apply("k", &absent.comparison, set("2"), &[]).await.unwrap() else { panic!() };
        assert_eq!(now.value.as_ref().map(|entry| entry.value.as_str()), Some("1"));
        assert_eq!(rows.compare_and_apply("k", &now.comparison, Change::Keep, &[]).await.unwrap(), Applied::Unchanged);

        // There and back again is not the same.
        bench.clock.advance(1);
        rows.register("k", "2".into(), None).await.unwrap();
        rows.register("k", "1".into(), None).await.unwrap();
        let Applied::Conflict(now) = rows.compare_and_apply("k", &now.comparison, Change::Delete, &[]).await.unwrap() else { panic!() };

        // A failed condition tells what the row is, not what the condition's row is.
        let condition =
            |comparison: &Comparison| [Condition { namespace: "others".into(), key: "c".into(), comparison: comparison.clone() }];
        let unseen = others.observe("c").await.unwrap().comparison;
        others.register("c", "9".into(), None).await.unwrap();
        let Applied::Conflict(still) = rows.compare_and_apply("k", &now.comparison, set("3"), &condition(&unseen)).await.unwrap() else {
            panic!()
        };
        assert_eq!(still, now);
        let seen = others.observe("c").await.unwrap().comparison;
        assert_eq!(rows.compare_and_apply("k", &now.comparison, set("3"), &condition(&seen)).await.unwrap(), Applied::Applied);

        for wrong in [&seen, &Comparison::new("nonsense".into())] {
            assert_error(rows.compare_and_apply("k", wrong, Change::Keep, &[]).await, Code::InvalidInput, Operation::CompareAndApply);
        }
    }
}

#[tokio::test]
async fn scalars_are_compared_by_value() {
    for state in &bench().states {
        let rows = store(&**state, "rows", Options::up_to(10)).await;
        for (stored, wanted, equal) in [
            ("1", "1.0", true),
            ("1", "\"1\"", false),
            ("null", "null", true),
            ("false", "null", false),
            (r#""\u0061""#, r#""a""#, true),
            ("[1]", "1", false),
            ("9007199254740993", "9007199254740992", false),
        ] {
            rows.register("k", stored.into(), None).await.unwrap();
            assert_eq!(rows.delete_if_equal("k", wanted).await.unwrap(), equal, "{stored} {wanted}");
        }
        for wrong in ["[]", "{}", "x", ""] {
            assert_error(rows.delete_if_equal("k", wrong).await, Code::InvalidInput, Operation::DeleteIfEqual);
        }
    }
}

#[tokio::test]
async fn ranges_go_by_key_and_end_where_they_must() {
    for state in &bench().states {
        let rows = store(&**state, "rows", Options::up_to(10)).await;
        for key in ["a", "b", "c", "d", "é"] {
            rows.register(key, "12345678".into(), None).await.unwrap();
        }
        let ask = |range: Range<'static>| {
            let rows = rows.clone();
            async move { rows.range(range).await.map(|page| (page.entries.into_iter().map(|e| e.key).collect::<String>(), page.more)) }
        };
        let all = Range::first(5);
        assert_eq!(ask(all).await.unwrap(), ("abcdé".into(), false));
        assert_eq!(ask(Range { start: Some("b"), end: Some("d"), ..all }).await.unwrap(), ("bc".into(), false));
        assert_eq!(ask(Range { end: Some("d"), order: Order::Descending, limit: n(2), ..all }).await.unwrap(), ("cb".into(), true));
        assert_eq!(ask(Range { order: Order::Descending, ..all }).await.unwrap(), ("édcba".into(), false));
        assert_eq!(ask(Range { start: Some("c"), end: Some("b"), ..all }).await.unwrap(), (String::new(), false));
        assert_eq!(ask(Range { max_bytes: Some(n(18)), ..all }).await.unwrap(), ("ab".into(), true));
        assert_error(ask(Range { max_bytes: Some(n(8)), ..all }).await, Code::InvalidInput, Operation::Range);
    }
}

#[tokio::test]
async fn results_over_the_limit_are_refused_with_rows_and_bytes() {
    let bench = bench_with(&StateLimits { result: n(20), keys: n(5), ..StateLimits::default() });
    for state in &bench.states {
        let rows = store(&**state, "rows", Options::up_to(10)).await;
        for key in ["a", "b"] {
            rows.register(key, "123456789".into(), None).await.unwrap();
        }
        assert_eq!(rows.entries().await.unwrap().len(), 2);
        rows.register("c", "1".into(), None).await.unwrap();
        let refused = rows.entries().await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "PLUGIN_STATE_LIMIT_EXCEEDED (entries): result: 3 rows with 22 bytes wanted, 20 bytes allowed (setting `state.result-bytes`)"
        );
        assert_error(rows.range(Range::first(3)).await, Code::LimitExceeded, Operation::Range);
        let keys: Vec<String> = ["a", "x", "a"].map(String::from).to_vec();
        let found = rows.lookup_many(&keys).await.unwrap();
        assert_eq!(found.into_iter().map(|v| v.unwrap().is_some()).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(
            rows.lookup_many(&[keys.clone(), vec!["c".into(), "b".into()]].concat()).await.unwrap_err().overrun.unwrap().rows,
            Some(4)
        );
        assert_error(rows.lookup_many(&[keys.clone(), keys].concat()).await, Code::InvalidInput, Operation::LookupMany);
    }
}

#[tokio::test]
async fn options_are_pinned_and_namespaces_are_their_owners_alone() {
    for state in &bench().states {
        let (mine, theirs) = (Owner::new("mine").unwrap(), Owner::new("theirs").unwrap());
        let options = Options::up_to(5);
        let a = state.open(&mine, " rows ", options).await.unwrap();
        let b = state.open(&theirs, "rows", options.default_ttl(9)).await.unwrap();
        let c = state.open(&mine, "more", options).await.unwrap();
        assert_error(state.open(&mine, "rows", options.default_ttl(9)).await, Code::InvalidInput, Operation::Open);
        assert_error(state.open(&mine, "no space", options).await, Code::InvalidInput, Operation::Open);
        for (rows, value) in [(&a, "1"), (&b, "2"), (&c, "3")] {
            rows.register("k", value.into(), None).await.unwrap();
        }
        state.open(&mine, "rows", options).await.unwrap().clear().await.unwrap();
        assert_eq!((a.count().await.unwrap(), b.count().await.unwrap(), c.count().await.unwrap()), (0, 1, 1));
        let foreign = b.observe("k").await.unwrap().comparison;
        assert_error(a.compare_and_apply("k", &foreign, Change::Keep, &[]).await, Code::InvalidInput, Operation::CompareAndApply);
        assert_eq!((state.purge(&mine).await.unwrap(), c.count().await.unwrap(), b.count().await.unwrap()), (1, 0, 1));
    }
}

#[tokio::test]
async fn operators_see_usage_and_export_page_by_page() {
    let bench = bench();
    for state in &bench.states {
        bench.clock.set(1_000);
        let rows = store(&**state, "rows", Options::up_to(10)).await;
        for key in ["a", "b", "c"] {
            rows.register(key, "12".into(), (key == "c").then_some(1)).await.unwrap();
        }
        bench.clock.set(1_001);
        let usage = state.usage().await.unwrap();
        assert_eq!((usage.len(), usage[0].rows, usage[0].bytes, usage[0].expired), (1, 2, 4, 1));
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = state.export(after.as_ref(), n(1)).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            seen.extend(page.into_iter().map(|row| row.id.key));
        }
        assert_eq!(seen, ["a", "b"]);
        let probe = state.probe().await;
        assert!(probe.is_ok() && probe.steps.len() >= 3, "{probe:?}");
        assert_eq!(state.usage().await.unwrap().len(), 1, "the probe left nothing");
    }
}

#[tokio::test]
async fn after_closing_everything_is_unavailable_and_closing_twice_is_fine() {
    for state in &bench().states {
        let rows = store(&**state, "rows", Options::up_to(10)).await;
        rows.register("k", "1".into(), None).await.unwrap();
        state.close().await;
        state.close().await;
        assert_error(rows.lookup("k").await, Code::Unavailable, Operation::Lookup);
        assert_error(rows.register("k", "1".into(), None).await, Code::Unavailable, Operation::Register);
        assert_error(rows.clear().await, Code::Unavailable, Operation::Clear);
        assert_error(state.open(&Owner::new("tester").unwrap(), "rows", Options::up_to(10)).await, Code::Unavailable, Operation::Open);
        assert!(!state.probe().await.is_ok());
    }
}

#[tokio::test]
async fn sqlite_keeps_its_rows_tokens_and_ages_when_reopened() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::at(1_000)));
    let state = sqlite_at(directory.path(), &clock);
    let rows = store(&state, "rows", Options::up_to(10)).await;
    rows.register("k", " {\"a\" : 1} ".into(), None).await.unwrap();
    let seen = rows.observe("k").await.unwrap();
    state.close().await;
    // Options are pinned for a process's life only.
    let state = sqlite_at(directory.path(), &clock);
    let rows = store(&state, "rows", Options::up_to(11)).await;
    assert_eq!(rows.observe("k").await.unwrap(), seen);
    assert_eq!(seen.value.unwrap().value, " {\"a\" : 1} ");
}
