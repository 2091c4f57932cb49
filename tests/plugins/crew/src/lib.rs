//! Tools for tests of `model`, `subagents` and `tokens`: each does one thing and answers `{"ok": …}`, or `{"code", "message"}` as the host refused.
//!
//! With the setting `tries` it tries both where nothing of the kind is to be had, and leaves a line in the log: `in activate: not-live not-live`, first of `subagents`, then of
//! `model`.
//!
//! The crates `crew` and `crew-b` are this one source; the second is another plugin, with other tools.

#![forbid(unsafe_code)]

use plugbay_sdk::model::ModelError;
use plugbay_sdk::prelude::*;
use plugbay_sdk::subagents::{Started, Status, SubagentsError};
use std::time::Duration;

/// What the test sets.
#[plugbay_sdk::settings]
struct Settings {
    /// Whether it tries its imports outside of turns.
    #[serde(default)]
    tries: bool,
}

/// What the model is asked.
#[plugbay_sdk::args]
struct Question {
    message: String,
    instructions: Option<String>,
    /// Milliseconds.
    timeout: Option<u64>,
}

/// What a subagent is told.
#[plugbay_sdk::args]
struct Order {
    name: String,
    message: String,
}

/// The same, and how long to wait for its answer.
#[plugbay_sdk::args]
struct Errand {
    name: String,
    message: String,
    /// Milliseconds.
    wait: u64,
}

/// A run to wait for.
#[plugbay_sdk::args]
struct Waiting {
    run: String,
    /// Milliseconds.
    wait: u64,
}

/// Whose messages, and how many.
#[plugbay_sdk::args]
struct Reading {
    name: String,
    limit: u32,
}

/// A subagent.
#[plugbay_sdk::args]
struct Named {
    name: String,
}

/// A text.
#[plugbay_sdk::args]
struct Words {
    text: String,
}

struct Crew {
    tries: bool,
}

/// The plugin: its id, and its tools' names. Names are part of the code that compares them, so that no other bytes in the file make them others.
macro_rules! crew {
    ($id:tt, $ask:tt, $run:tt, $wait:tt, $delegate:tt, $messages:tt, $delete:tt, $count:tt) => {
        #[plugin(id = $id, isolation(shared, pool, session, call))]
        impl Crew {
            fn activate(_: &Activation, settings: Settings) -> Self {
                let crew = Self { tries: settings.tries };
                crew.try_in("activate");
                crew
            }

            fn started(&self, _: ActivationReason) {
                self.try_in("started");
            }

            fn deactivate(&self, _: DeactivationReason) {
                self.try_in("deactivate");
            }

            fn save(&self) -> Vec<u8> {
                self.try_in("save");
                Vec::new()
            }

            fn restore(&mut self, _: &str, _: Vec<u8>) {
                self.try_in("restore");
            }

            fn cleanup(&self, _: &Call, _: CleanupAsked) {
                self.try_in("cleanup");
            }

            /// Asks the model.
            #[tool(name = $ask)]
            fn ask(&self, _: &Call, args: Question) -> Value {
                let mut asked = model::Request::new(args.message);
                if let Some(instructions) = args.instructions {
                    asked = asked.system_prompt(instructions);
                }
                if let Some(ms) = args.timeout {
                    asked = asked.timeout(Duration::from_millis(ms));
                }
                let said = asked.complete().map(|said| json!({ "text": said.text, "model": said.model }));
                said.map_or_else(|error| unanswered(&error), ok)
            }

            /// Has a subagent take a turn.
            #[tool(name = $run)]
            fn run(&self, _: &Call, args: Order) -> Value {
                told(subagents::run(args.name, args.message).map(|started| shown(&started)))
            }

            /// Waits for a run.
            #[tool(name = $wait)]
            fn wait(&self, _: &Call, args: Waiting) -> Value {
                told(subagents::wait(&args.run, Duration::from_millis(args.wait)).map(status))
            }

            /// Has a subagent take a turn, and waits for it.
            #[tool(name = $delegate)]
            fn delegate(&self, _: &Call, args: Errand) -> Value {
                let started = subagents::run(args.name, args.message);
                told(started.and_then(|started| subagents::wait(&started.run, Duration::from_millis(args.wait))).map(status))
            }

            /// The newest messages of a subagent.
            #[tool(name = $messages)]
            fn messages(&self, _: &Call, args: Reading) -> Value {
                let said =
                    |entry: Entry| json!([format!("{:?}", entry.role).replace("Role::", "").to_lowercase(), entry.content.parse::<Value>().ok()]);
                told(subagents::messages(&args.name, args.limit).map(|entries| entries.into_iter().map(said).collect()))
            }

            /// Deletes a subagent.
            #[tool(name = $delete)]
            fn delete(&self, _: &Call, args: Named) -> Value {
                told(subagents::delete(&args.name).map(Value::from))
            }

            /// Counts tokens.
            #[tool(name = $count)]
            fn count(&self, _: &Call, args: Words) -> u64 {
                tokens::count(&args.text)
            }
        }
    };
}

#[cfg(not(feature = "b"))]
crew!("crew-a", "crew-a-ask", "crew-a-run", "crew-a-wait", "crew-a-delegate", "crew-a-messages", "crew-a-delete", "crew-a-count");
#[cfg(feature = "b")]
crew!("crew-b", "crew-b-ask", "crew-b-run", "crew-b-wait", "crew-b-delegate", "crew-b-messages", "crew-b-delete", "crew-b-count");

impl Crew {
    fn try_in(&self, place: &str) {
        if self.tries {
            let run = subagents::run("scout", "try").map_or_else(|error| error.code(), |_| "ok");
            let ask = model::complete("try").map_or_else(|error| error.code(), |_| "ok");
            log::info!("in {place}: {run} {ask}");
        }
    }
}

fn ok(answer: Value) -> Value {
    json!({ "ok": answer })
}

fn shown(started: &Started) -> Value {
    json!({ "run": started.run, "session": started.session.key().ok() })
}

fn status(status: Status) -> Value {
    let state = format!("{:?}", status.state).replace("State::", "").to_lowercase();
    json!({ "state": state, "text": status.text, "error": status.error })
}

fn told(answer: Result<Value, SubagentsError>) -> Value {
    answer.map_or_else(|error| json!({ "code": error.code(), "message": error.refusal().message }), ok)
}

fn unanswered(error: &ModelError) -> Value {
    json!({ "code": error.code(), "message": error.refusal().message })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREW: Crew = Crew { tries: false };

    #[test]
    fn it_delegates_and_reads_what_was_said() {
        let call = Call::default();
        subagents::fake::answer("scout", "done");
        let order = || Order { name: "scout".into(), message: "look".into() };
        let delegated = CREW.delegate(&call, Errand { name: "scout".into(), message: "look".into(), wait: 1 });
        assert_eq!(delegated, json!({ "ok": { "state": "done", "text": "done", "error": null } }));
        assert_eq!(
            CREW.messages(&call, Reading { name: "scout".into(), limit: 9 }),
            json!({ "ok": [["user", "look"], ["assistant", "done"]] })
        );
        let started = CREW.run(&call, order());
        assert_eq!(started["ok"]["session"], "plugin/scout");
        let run = started["ok"]["run"].as_str().unwrap().to_owned();
        assert_eq!(CREW.wait(&call, Waiting { run, wait: 0 })["ok"]["state"], "pending");
        assert_eq!(CREW.delete(&call, Named { name: "scout".into() }), json!({ "ok": true }));
        run_context::fake::end();
        assert_eq!(CREW.run(&call, order())["code"], "no-live-request");
    }

    #[test]
    fn it_asks_and_counts() {
        model::fake::answer("yes");
        let question = || Question { message: "really?".into(), instructions: Some("be brief".into()), timeout: Some(5) };
        assert_eq!(CREW.ask(&Call::default(), question()), json!({ "ok": { "text": "yes", "model": "fake" } }));
        assert_eq!(CREW.ask(&Call::default(), question())["code"], "failed");
        assert_eq!(CREW.count(&Call::default(), Words { text: "12345".into() }), 2);
    }
}
