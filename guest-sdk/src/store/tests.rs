//! The typed store over the native stand-in, and the stand-in itself.

use super::*;
use crate::json;
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
    stars: u8,
}

fn note(text: &str) -> Note {
    Note { text: text.into(), stars: 3 }
}

fn notes() -> Store<Note> {
    Store::open("notes", Options::up_to(100)).unwrap()
}

fn words(options: Options) -> Store<String> {
    Store::open("words", options).unwrap()
}

fn keys<T>(entries: &[Entry<T>]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

#[test]
fn a_value_comes_back_as_its_type() {
    let notes = notes();
    notes.register(" a ", &note("hello")).unwrap();
    assert_eq!(notes.lookup("a").unwrap(), Some(note("hello")));
    assert!(!notes.register_if_absent("a", &note("other")).unwrap() && notes.register_if_absent("b", &note("b")).unwrap());
    let many: Vec<_> = notes.lookup_many(&["b", "none", "a", "b"]).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(many, [Some(note("b")), None, Some(note("hello")), Some(note("b"))]);
    assert_eq!(notes.consume("a").unwrap(), Some(note("hello")));
    assert_eq!(notes.consume("a").unwrap(), None);
    assert!(notes.delete("b").unwrap() && !notes.delete("b").unwrap());
    assert_eq!(notes.count().unwrap(), 0);
}

#[test]
fn another_form_than_the_type_is_an_error_with_operation_and_key() {
    let notes = notes();
    let anything = Store::<Value>::open("notes", Options::up_to(100)).unwrap();
    anything.register("odd", &json!([1])).unwrap();
    notes.register("good", &note("x")).unwrap();
    for (operation, error) in [
        ("lookup", notes.lookup("odd").unwrap_err()),
        ("entries", notes.entries().unwrap_err()),
        ("range", notes.range(Range::up_to(9)).unwrap_err()),
        ("observe", notes.observe("odd").unwrap_err()),
        ("update", notes.update("odd", |_| note("y")).unwrap_err()),
    ] {
        assert_eq!((error.code(), error.operation()), ("json", operation));
        assert!(
            crate::Error::from(error).to_string().starts_with(&format!("{operation} (json): the value of \"odd\" doesn't fit its type: "))
        );
    }
    let many = notes.lookup_many(&["odd", "good"]).unwrap();
    assert!(many[0].is_err() && matches!(&many[1], Ok(Some(_))), "an error in its place only");
}

#[test]
fn rows_end_at_their_very_millisecond() {
    assert_eq!(milliseconds(Duration::from_nanos(1)), 1, "rounded up");
    assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    let words = words(Options::up_to(9).default_ttl(Duration::from_secs(60)));
    words.register("default", &"a".into()).unwrap();
    words.register_for("own", &"b".into(), Duration::from_secs(90)).unwrap();
    assert!(words.register_if_absent_for("absent", &"c".into(), Duration::from_secs(120)).unwrap());
    let lives = |key: &str| {
        let entry = words.entries().unwrap().into_iter().find(|entry| entry.key == key).unwrap();
        entry.expires_at.unwrap() - entry.created_at
    };
    assert_eq!([lives("default"), lives("own"), lives("absent")], [60_000, 90_000, 120_000]);
    fake::advance(Duration::from_secs(60));
    assert_eq!((words.lookup("default").unwrap(), words.count().unwrap()), (None, 2));
    assert_eq!(words.register_for("now", &"d".into(), Duration::ZERO).unwrap_err().code(), "invalid-input");
    assert_eq!(words.register_for("never", &"d".into(), Duration::MAX).unwrap_err().code(), "invalid-input");
}

#[test]
fn a_full_namespace_evicts_or_refuses() {
    let evicting = words(Options::up_to(2));
    for key in ["a", "b", "a", "c"] {
        evicting.register(key, &key.to_owned()).unwrap();
        fake::advance(Duration::from_millis(1));
    }
    assert_eq!(keys(&evicting.entries().unwrap()), ["a", "c"], "the second write made `a` younger than `b`");

    let refusing = Store::<u8>::open("few", Options::up_to(1).reject_new()).unwrap();
    refusing.register("a", &1).unwrap();
    refusing.register("a", &2).unwrap();
    let error = refusing.register("b", &1).unwrap_err();
    assert_eq!(error.to_string(), "register (limit-exceeded): rows of the namespace: 2 wanted, 1 allowed");
    assert!(matches!(error, StoreError::LimitExceeded(_)));
}

#[test]
fn the_thousandth_row_is_the_last_and_only_where_nothing_makes_room() {
    let (many, few) = (Store::<u8>::open("many", Options::up_to(2_000)).unwrap(), Store::<u8>::open("few", Options::up_to(1)).unwrap());
    few.register("a", &1).unwrap();
    for n in 0..999 {
        many.register(&n.to_string(), &1).unwrap();
    }
    assert_eq!(many.register("new", &1).unwrap_err().code(), "limit-exceeded");
    few.register("b", &1).unwrap();
    many.register("5", &2).unwrap();
    assert_eq!((many.count().unwrap(), few.count().unwrap()), (999, 1));
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let code = |result: Result<()>| result.unwrap_err().code();
    let words = words(Options::up_to(9));
    words.register(&"k".repeat(512), &"x".repeat(65_534)).unwrap(); // and two quotes
    assert_eq!(code(words.register("a", &"x".repeat(65_535))), "limit-exceeded");
    assert_eq!(code(words.register(&"k".repeat(513), &String::new())), "invalid-input");
    assert_eq!(code(words.register(" ", &String::new())), "invalid-input");
    for name in ["", "-a", "a b", &"n".repeat(129)] {
        assert_eq!(Store::<u8>::open(name, Options::up_to(1)).unwrap_err().operation(), "open");
    }
    for options in [Options::up_to(0), Options::up_to(8), Options::up_to(9).reject_new(), Options::up_to(9).default_ttl(Duration::ZERO)] {
        assert_eq!(Store::<u8>::open("words", options).unwrap_err().code(), "invalid-input", "{options:?}");
    }
    assert_eq!(words.range(Range::up_to(0)).unwrap_err().code(), "invalid-input");
    assert_eq!(words.lookup_many(&vec!["k"; 10_001]).unwrap_err().operation(), "lookup-many");
}

#[test]
fn ranges_go_both_ways_and_page_by_page() {
    let words = words(Options::up_to(9));
    for key in ["a", "b:1", "b:2", "b:3", "c"] {
        words.register(key, &"12345678".into()).unwrap();
    }
    let ask = |range: Range| {
        let page = words.range(range).unwrap();
        (page.entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>().join(" "), page.more)
    };
    assert_eq!(ask(Range::up_to(9).from("b:1").to("c")), ("b:1 b:2 b:3".into(), false));
    assert_eq!(ask(Range::up_to(2).prefix("b:")), ("b:1 b:2".into(), true));
    assert_eq!(ask(Range::up_to(2).prefix("b:").after("b:2")), ("b:3".into(), false));
    assert_eq!(ask(Range::up_to(2).descending()), ("c b:3".into(), true));
    assert_eq!(ask(Range::up_to(3).descending().to("b:3")), ("b:2 b:1 a".into(), false));
    assert_eq!(ask(Range::up_to(9).max_bytes(24)), ("a b:1".into(), true), "11 bytes and 13, quotes included");
    assert_eq!(ask(Range::up_to(9).max_bytes(23)), ("a".into(), true));
    assert_eq!(words.range(Range::up_to(9).max_bytes(3)).unwrap_err().code(), "invalid-input");
}

#[test]
fn a_change_is_made_if_nobody_was_faster() {
    let notes = notes();
    let seen = notes.observe("a").unwrap();
    assert_eq!((seen.key(), &seen.value), ("a", &None));
    assert_eq!(notes.apply(&seen, note("1")).unwrap(), Applied::Applied);
    let Applied::Conflict(now) = notes.apply(&seen, note("2")).unwrap() else { panic!("it was there") };
    assert_eq!(now.value, Some(note("1")));
    assert_eq!(notes.apply(&now, Change::Keep).unwrap(), Applied::Unchanged);
    assert_eq!(notes.apply(&now, Change::SetFor(note("3"), Duration::from_secs(1))).unwrap(), Applied::Applied);
    fake::advance(Duration::from_secs(1));
    let gone = notes.observe("a").unwrap();
    assert_eq!(notes.apply(&gone, Change::Delete).unwrap(), Applied::Unchanged);
    let other = Store::<Note>::open("other", Options::up_to(1)).unwrap();
    assert_eq!(other.apply(&gone, Change::Keep).unwrap_err().code(), "invalid-input", "it was seen in another namespace");
}

#[test]
fn a_condition_on_another_row_holds_or_nothing_happens() {
    let (notes, lock) = (notes(), Store::<bool>::open("locks", Options::up_to(1)).unwrap());
    let (free, seen) = (lock.observe("l").unwrap(), notes.observe("a").unwrap());
    assert_eq!(notes.apply_if(&seen, note("1"), &[free.condition()]).unwrap(), Applied::Applied);
    lock.register("l", &true).unwrap();
    let seen = notes.observe("a").unwrap();
    assert!(matches!(notes.apply_if(&seen, Change::Delete, &[free.condition()]).unwrap(), Applied::Conflict(_)));
    assert_eq!(notes.count().unwrap(), 1);
}

#[test]
fn update_begins_anew_when_somebody_was_faster_and_gives_up_in_the_end() {
    let counter = Store::<u32>::open("counter", Options::up_to(9)).unwrap();
    let mut others = 3;
    let sum = counter.update("n", |old| {
        if others > 0 {
            others -= 1;
            counter.update("n", |old| old.unwrap_or(0) + 10).unwrap();
        }
        old.unwrap_or(0) + 1
    });
    assert_eq!(sum.unwrap(), Some(31), "no addition is lost");
    assert_eq!(counter.update("n", |_| Change::Keep).unwrap(), Some(31));

    let mut attempts = 0;
    let error = counter.update("n", |old| {
        attempts += 1;
        counter.register("n", &attempts).unwrap();
        old.unwrap_or(0)
    });
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), r#"update (too-contended): "n" was changed by somebody else in each of 16 attempts"#);
    assert_eq!(attempts, 16);
    assert_eq!(counter.update("n", |_| Change::Delete).unwrap(), None);
    assert_eq!(counter.count().unwrap(), 0);
}

#[test]
fn delete_if_equal_takes_scalars_only() {
    let anything = Store::<Value>::open("any", Options::up_to(9)).unwrap();
    anything.register("n", &json!(1)).unwrap();
    anything.register("s", &json!("1")).unwrap();
    assert!(!anything.delete_if_equal("n", "1").unwrap() && !anything.delete_if_equal("none", &1).unwrap());
    assert!(anything.delete_if_equal("n", &1.0).unwrap() && anything.delete_if_equal("s", "1").unwrap());
    assert_eq!(anything.delete_if_equal("n", &[1]).unwrap_err().operation(), "delete-if-equal");
}

#[test]
fn clear_is_the_namespaces_alone_and_reset_is_for_all() {
    let (notes, words) = (notes(), words(Options::up_to(9)));
    notes.register("a", &note("x")).unwrap();
    words.register("a", &"x".into()).unwrap();
    words.clear().unwrap();
    assert_eq!((notes.count().unwrap(), words.count().unwrap()), (1, 0));
    fake::reset();
    assert_eq!(notes.count().unwrap_err().code(), "unavailable");
    assert_eq!(super::tests::notes().count().unwrap(), 0);
}
