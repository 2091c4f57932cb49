use super::*;
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;

/// Texts of several kinds, a few hundred words each: what conversations consist of.
const KINDS: [(&str, &str); 6] = [
    ("English prose", ENGLISH),
    ("Rust code", CODE),
    ("JSON", JSON),
    ("German prose", GERMAN),
    ("Chinese prose", CHINESE),
    ("numbers and identifiers", IDENTIFIERS),
];

const ENGLISH: &str = "The exchange runs plugins in sealed cells. Whoever brings a new version interrupts no conversation that is under way: calls that have begun are \
    finished by the old version, and only then is it dropped. When a plugin goes beyond its limits, its cell is closed; the error names the limit, what was measured, and the \
    setting that changes it. Operators enable, disable and swap plugins at any time, and nothing restarts.";
const CODE: &str = r#"
fn ranges(positions: &[u64]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for at in positions {
        match ranges.last_mut().filter(|range| at - range.end <= GAP) {
            Some(range) => range.end = at + 1,
            None => ranges.push(*at..at + 1),
        }
    }
    ranges
}
"#;
const JSON: &str = r#"{"orders":[{"id":"A-1029384756","customer":{"name":"Ola Nordmann","city":"Oslo","vip":true},"lines":[{"sku":"BRKT-M8-40","quantity":17,"price":12.5},
{"sku":"NUT-M8","quantity":200,"price":0.04}],"total":220.5,"notes":null},{"id":"A-1029384757","customer":{"name":"Kari","city":"Bergen","vip":false},"lines":[],"total":0}]}"#;
const GERMAN: &str = "Die Vermittlungsstelle führt Erweiterungen in abgeschlossenen Zellen aus. Wer eine neue Fassung einspielt, unterbricht kein laufendes Gespräch: \
    Anfragen, die unterwegs sind, werden von der alten Fassung zu Ende geführt, und erst danach wird sie verworfen. Überschreitet eine Erweiterung ihre Grenzen, so wird \
    ihre Zelle geschlossen; die Fehlermeldung nennt die Grenze, den gemessenen Wert und die Einstellung, mit der sie sich ändern lässt.";
const CHINESE: &str = "插件在隔离的单元中运行。安装新版本时，不会中断正在进行的对话：已经发出的请求由旧版本处理完毕，然后旧版本才会被丢弃。如果插件超出限制，它的单元就会被关闭；\
    错误信息会说明是哪一个限制、测得的数值，以及可以修改它的设置。操作员可以随时启用、停用或更换插件，而不需要重新启动任何东西。";
const IDENTIFIERS: &str = "2026-11-20T23:37:09.518Z run=7f3c9a1e-52b4-4d0e-9a67-1c0f5be2d8aa cell=18 gen=42 0x7ffe9b3c2a10 3.14159 99.7% \
    192.168.14.203:8443 sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c0b0f00a08f order_id=A-1029384756 qty=17 EUR 1,294.50";

#[test]
fn words_and_what_stands_around_them_count() {
    let tokens = Tokens::default();
    let text = "The quick brown fox jumps over the lazy dog.";
    assert_eq!(tokens.count(text), 10, "as o200k_base counts");
    let call = |arguments: &str| ToolRequest { id: "c".into(), name: "weather".into(), arguments: arguments.into() };
    let calling = |calls| ModelMessage::Assistant { text: text.into(), tool_calls: calls };
    assert_eq!(tokens.message(&ModelMessage::User { text: text.into() }), 10 + FRAME);
    let with_calls = tokens.message(&calling(vec![call("{\"city\":\"Oslo\"}"), call("{}")]));
    assert!(with_calls >= 10 + 3 * FRAME + 4 + tokens.count("{\"city\":\"Oslo\"}"), "{with_calls}");
    let answer = |content: &str| tokens.message(&ModelMessage::Tool { call_id: "c".into(), content: content.into() });
    assert_eq!(answer(text) - answer(""), 10);
    let tool = ToolDefinition { name: "weather".into(), description: text.into(), parameters: serde_json::json!({ "type": "object" }) };
    let request = ModelRequest {
        system: Some(text.into()),
        messages: vec![calling(Vec::new())],
        tools: vec![tool.clone()],
        ..ModelRequest::default()
    };
    assert_eq!(tokens.request(&request), 2 * (10 + FRAME) + tokens.tool(&tool));
    assert!(tokens.tool(&tool) > 10 + FRAME);
}

#[test]
fn what_was_counted_is_known_and_what_is_remembered_is_bounded() {
    let counted = Counted::of(10);
    let calls = Cell::new(0);
    let count = |text: &str| {
        let how = |text: &str| {
            calls.set(calls.get() + 1);
            text.len() as u64
        };
        counted.count(text, how)
    };
    for _ in 0..3 {
        assert_eq!((count("some text"), count("other")), (9, 5));
    }
    assert_eq!(calls.get(), 2, "each text is counted once");
    for n in 0..1_000 {
        count(&format!("text {n}"));
        count("some text");
        let kept = counted.kept.lock().unwrap();
        assert!(kept.new.len() <= 10 && kept.old.len() <= 10);
    }
    assert_eq!(calls.get(), 1_002, "what is met all the time is never forgotten");
    count("other");
    assert_eq!(calls.get(), 1_003, "what isn't, is");
}

/// Time that this thread has worked.
fn worked() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn cost(text: &str) -> f64 {
    let once = || {
        let began = worked();
        counted(text);
        worked() - began
    };
    (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Noise, the same each time.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let noise = (0..bytes).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    });
    String::from_utf8_lossy(&noise.collect::<Vec<_>>()).into_owned()
}

/// Characters of many scripts, whose tokens end in the middle of some.
fn scripts() -> String {
    (0xa0..0x3400).step_by(3).filter_map(char::from_u32).flat_map(|c| [c, 'x', c]).collect()
}

#[test]
fn no_text_costs_more_than_its_length() {
    counted("the tokenizer is loaded");
    let repeated = |unit: &str| unit.repeat((1 << 20) / unit.len());
    let texts = [
        ("one letter", repeated("a")),
        ("capitals", repeated("A")),
        ("blanks", repeated(" ")),
        ("blank lines", repeated("\n ")),
        ("marks", repeated("!")),
        ("accents", repeated("\u{301}")),
        ("emoji", repeated("👩‍👩‍👧‍👦🎉")),
        ("two scripts", repeated("漢字kana")),
        ("noise", noise(1 << 20)),
    ];
    for (what, text) in &texts {
        let ratio = cost(text) / cost(up_to(text, text.len() / 16));
        assert!(ratio < 16.0 * 4.0, "{what}: 16 times the text costs {ratio:.1} times the work; the square would be 256 times");
    }
}

#[test]
fn the_start_of_a_text_is_as_much_as_fits() {
    let tokens = Tokens::default();
    let texts = KINDS.iter().map(|(_, text)| (*text).to_owned()).chain([
        noise(20_000),
        "👩‍👩‍👧‍👦🎉".repeat(500),
        " \n".repeat(900),
        "a".repeat(5_000),
        scripts(),
    ]);
    for text in texts {
        let whole = tokens.count(&text);
        for most in (0..whole.min(2_000)).step_by(17).chain([whole - 1, whole, whole + 1]) {
            let start = tokens.start(&text, most);
            let taken = tokens.count(start);
            assert!(text.starts_with(start) && taken <= most, "{taken} of {most}: {start:?}");
            assert!(start.len() == text.len() || taken + 4 > most, "as much as fits: {taken} of {most}");
        }
        assert_eq!(tokens.start(&text, whole), text);
    }
}

/// The table in `docs/models.md`: `cargo test -p plugbay-gateway --lib the_error_of_the_count -- --nocapture` prints it.
#[test]
fn the_error_of_the_count_is_what_the_guide_says() {
    let guide = include_str!("../../../../docs/models.md");
    println!("| text | o200k_base | cl100k_base | | a quarter of the bytes | |\n|---|---|---|---|---|---|");
    for (kind, text) in KINDS {
        let row = row(kind, text);
        println!("{row}");
        assert!(guide.contains(&row), "{row}");
    }
}

/// What our count is, and how much more others would say.
fn row(kind: &str, text: &str) -> String {
    let (ours, other, guess) = (counted(text), bpe_openai::cl100k_base().count(text) as u64, text.len() as u64 / 4);
    let more = |count: u64| format!("{:+.0} %", (count as f64 / ours as f64 - 1.0) * 100.0);
    format!("| {kind} | {ours} | {other} | {} | {guess} | {} |", more(other), more(guess))
}
