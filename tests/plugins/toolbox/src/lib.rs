//! Tools for tests: plain ones, and ones that fail, answer too much or take long; the rest try what a plugin may import.
//!
//! The crates `toolbox` and `toolbox-later` are this one source, but for the module `echo`: two versions of the plugin `toolbox`, whose tool `echo`
//! has other arguments and another answer.

#![forbid(unsafe_code)]

#[cfg_attr(feature = "later", path = "echo_later.rs")]
mod echo;

use echo::EchoArgs;
use plugbay_sdk::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The namespace of session state that `remember` writes.
const NOTES: &str = "notes";

/// Two numbers.
#[plugbay_sdk::args]
struct Sum {
    /// The first.
    a: i64,
    /// The second.
    b: i64,
}

/// How large an answer is to be.
#[plugbay_sdk::args]
struct Size {
    /// Bytes of the text.
    bytes: usize,
}

/// How long to take.
#[plugbay_sdk::args]
struct Time {
    /// Milliseconds.
    ms: u64,
}

/// A value to keep.
#[plugbay_sdk::args]
struct Note {
    /// Any JSON.
    value: Value,
}

/// A value to keep under a name.
#[plugbay_sdk::args]
struct Named {
    /// Its name.
    name: String,
    /// Any JSON; left out, the name is forgotten.
    value: Option<Value>,
}

/// Whose state is wanted.
#[plugbay_sdk::args]
struct Whose {
    /// The key of another session than the call's.
    session: Option<String>,
}

/// An event.
#[plugbay_sdk::args]
struct Event {
    /// Its topic.
    topic: String,
    /// What it says.
    data: Value,
}

/// Text for the next turn.
#[plugbay_sdk::args]
struct Inject {
    text: String,
    #[serde(default)]
    append: bool,
    #[serde(default)]
    priority: i32,
    ttl_ms: Option<u64>,
    key: Option<String>,
}

#[derive(Default)]
struct Toolbox;

#[plugin(id = "toolbox", isolation(shared, pool, session, call), session_state(notes = "what `remember` was given"))]
impl Toolbox {
    /// Adds two numbers.
    #[tool(title = "Add", risk = "low", tags("maths", "pure"))]
    fn add(&self, _: &Call, args: Sum) -> Result<i64> {
        args.a.checked_add(args.b).ok_or_else(|| Error::new("the sum is too large"))
    }

    /// Answers what it is given.
    #[tool(tags("pure"))]
    fn echo(&self, _: &Call, args: EchoArgs) -> Value {
        echo::answer(args)
    }

    /// Fails.
    #[tool(risk = "medium")]
    fn fail(&self, _: &Call) -> Result<()> {
        Err(Error::new("as you asked"))
    }

    /// Can't do what it is asked, and says so itself.
    #[tool(name = "refuse")]
    fn refuses(&self, _: &Call) -> ToolResult {
        ToolResult::failed("there is nothing to refuse")
    }

    /// Ends its cell.
    #[tool(risk = "high")]
    #[expect(clippy::panic, reason = "what a fault does is what is tested")]
    fn crash(&self, _: &Call) -> Result<()> {
        panic!("as you asked")
    }

    /// Answers with a text of so many bytes.
    #[tool]
    fn big(&self, _: &Call, args: Size) -> String {
        "x".repeat(args.bytes)
    }

    /// Keeps the processor busy for so long.
    #[tool(risk = "high", tags("slow"))]
    fn slow(&self, _: &Call, args: Time) -> &'static str {
        let began = Instant::now();
        // Asking the clock is a call of the host, and there is a limit to those: about one a millisecond stays far below it.
        while began.elapsed() < Duration::from_millis(args.ms) {
            (0..1_000_000).for_each(|step| _ = black_box(step));
        }
        "done"
    }

    /// Remembers a value about the session.
    #[tool(risk = "medium", tags("state"))]
    fn remember(&self, call: &Call, args: Note) -> Result<()> {
        Ok(session_state::patch(call.session()?, NOTES, &args.value)?)
    }

    /// What is remembered about the session, or about another that it has met.
    #[tool(tags("state"))]
    fn recall(&self, call: &Call, args: Whose) -> Result<Option<Value>> {
        match args.session {
            Some(key) => Ok(session_state::read(&sessions::open(&key)?, NOTES)?),
            None => Ok(session_state::read(call.session()?, NOTES)?),
        }
    }

    /// Forgets what is remembered about the session. Whether there was anything.
    #[tool(tags("state"))]
    fn forget(&self, call: &Call) -> Result<bool> {
        Ok(session_state::unset(call.session()?, NOTES)?)
    }

    /// Keeps a value until the run ends.
    #[tool(tags("run"))]
    fn note(&self, _: &Call, args: Named) -> Result<()> {
        match args.value {
            Some(value) => run_context::set(&args.name, &value)?,
            None => drop(run_context::unset(&args.name)?),
        }
        Ok(())
    }

    /// What the run keeps under a name.
    #[tool(tags("run"))]
    fn noted(&self, _: &Call, args: Named) -> Result<Option<Value>> {
        Ok(run_context::get(&args.name)?)
    }

    /// Emits an event.
    #[tool]
    fn emit(&self, _: &Call, args: Event) -> Result<()> {
        Ok(events::emit(&args.topic, &args.data)?)
    }

    /// Queues text for the session's next turn.
    #[tool(risk = "medium")]
    fn inject(&self, call: &Call, args: Inject) -> Result<Value> {
        let mut injection = Injection::new(args.text).priority(args.priority);
        if args.append {
            injection = injection.append();
        }
        if let Some(ttl) = args.ttl_ms {
            injection = injection.ttl(Duration::from_millis(ttl));
        }
        if let Some(key) = args.key {
            injection = injection.key(key);
        }
        let queued = injection.enqueue(call.session()?)?;
        Ok(json!({ "id": queued.id, "fresh": queued.fresh }))
    }

    /// How large the note is; of the note `"hide"` nothing, and of `"fail"` an error.
    fn session_projection(&self, _: &Call, event: Projecting) -> Result<Option<Value>> {
        match event.state.as_str() {
            r#""hide""# => Ok(None),
            r#""fail""# => Err(Error::new("as you asked")),
            state => Ok(Some(json!({ "bytes": state.len() }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_session(key: &str) -> Call<'static> {
        Call { session: Some(sessions::fake::session(key)), ..Call::default() }
    }

    #[test]
    fn it_adds_and_says_what_it_cannot_add() {
        assert_eq!(Toolbox.add(&Call::default(), Sum { a: 2, b: 3 }), Ok(5));
        assert!(Toolbox.add(&Call::default(), Sum { a: i64::MAX, b: 1 }).is_err());
    }

    #[test]
    fn it_remembers_per_session() {
        let (a, b) = (in_session("a"), in_session("b"));
        Toolbox.remember(&a, Note { value: json!({"n": 1}) }).unwrap();
        assert_eq!(Toolbox.recall(&b, Whose { session: None }), Ok(None));
        assert_eq!(Toolbox.recall(&b, Whose { session: Some("a".into()) }), Ok(Some(json!({"n": 1}))));
        assert_eq!((Toolbox.forget(&a), Toolbox.forget(&a)), (Ok(true), Ok(false)));
        assert!(Toolbox.recall(&Call::default(), Whose { session: None }).is_err());
    }

    #[test]
    fn what_it_queues_and_emits_is_what_it_was_asked() {
        let args = Inject { text: "x".into(), append: true, priority: 3, ttl_ms: Some(5), key: Some("k".into()) };
        assert_eq!(Toolbox.inject(&in_session("a"), args).unwrap()["fresh"], true);
        let wanted = Injection::new("x").append().priority(3).ttl(Duration::from_millis(5)).key("k");
        assert_eq!(plugbay_sdk::injections::fake::take("a"), [wanted]);
        Toolbox.emit(&Call::default(), Event { topic: "toolbox".into(), data: json!(1) }).unwrap();
        assert_eq!(events::fake::emitted(), [("toolbox".into(), "1".into())]);
    }

    #[test]
    fn the_projection_hides_fails_or_counts() {
        let project = |state: &str| Toolbox.session_projection(&Call::default(), Projecting::new(NOTES, state));
        assert_eq!(project("[1,2]"), Ok(Some(json!({"bytes": 5}))));
        assert_eq!(project("\"hide\""), Ok(None));
        assert!(project("\"fail\"").is_err());
    }
}
