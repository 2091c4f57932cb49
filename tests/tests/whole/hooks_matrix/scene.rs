//! A scene, and how what witnesses wrote down is held against it.

use crate::agents::{Ground, Row, Stage};
use plugbay_runtime::{HOOKS, Mode};
use serde_json::{Value, json};
use std::pin::Pin;

pub(super) type Play<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Something that happens, and which hooks fire then. Lists are words, each the name of a hook, in order; events of agents with their topic behind a colon.
pub(super) struct Scene {
    pub(super) name: &'static str,
    /// What `witness-a` does.
    pub(super) does: Value,
    /// What `witness-b` is spared; nothing: it isn't there.
    pub(super) spared: Option<&'static str>,
    /// What it is asked beyond that.
    pub(super) also: &'static str,
    /// What happens, on a host that hasn't started.
    pub(super) play: fn(&Stage) -> Play<'_>,
    /// What `witness-a` is asked.
    pub(super) asked: &'static str,
    /// What it is told about the session `s`.
    pub(super) told: &'static str,
    /// What it is told about no session; then that questions are asked and settled; last, what became of its own. The place of the two last among the others isn't held.
    pub(super) apart: &'static str,
}

/// What a witness saw.
#[derive(PartialEq, Eq)]
struct Seen {
    asked: Vec<String>,
    told: Vec<String>,
    apart: Vec<String>,
}

impl Scene {
    /// One in which nobody does anything.
    pub(super) fn new(name: &'static str, play: fn(&Stage) -> Play<'_>) -> Self {
        Self { name, does: json!({}), spared: Some(""), also: "", play, asked: "", told: "", apart: "" }
    }

    /// Plays it. What is wrong.
    pub(super) async fn played(&self, ground: &Ground) -> Vec<String> {
        let stage = ground.stage();
        stage.toolbox().await;
        if self.spared.is_some() {
            stage.witness('b', 100, json!({})).await;
        }
        stage.witness('a', 900, self.does.clone()).await;
        let before = [stage.rows('a').await.len(), stage.rows('b').await.len()];
        (self.play)(&stage).await;
        let expected = self.expected();
        let found = seen(stage.rows('a').await.split_off(before[0]), &stage);
        let mut wrong: Vec<_> = self.compared('a', &expected, &found).into_iter().collect();
        if let Some(spared) = self.spared {
            let spared: Vec<_> = spared.split_whitespace().collect();
            let rows = stage.rows('b').await.split_off(before[1]);
            let mut expected = expected.without(&spared);
            expected.asked.extend(words(self.also));
            wrong.extend(self.compared('b', &expected, &seen(rows, &stage)));
        }
        wrong
    }

    fn expected(&self) -> Seen {
        let list = |text| words(text).collect();
        Seen { asked: list(self.asked), told: list(self.told), apart: list(self.apart) }
    }

    fn compared(&self, letter: char, expected: &Seen, found: &Seen) -> Option<String> {
        let lists =
            [("asked", &expected.asked, &found.asked), ("told", &expected.told, &found.told), ("apart", &expected.apart, &found.apart)];
        let differ = lists.into_iter().filter(|(_, expected, found)| expected != found);
        let text = differ
            .map(|(what, e, f)| format!("  {what}\n    expected {}\n    found    {}\n", e.join(" "), f.join(" ")))
            .collect::<String>();
        (!text.is_empty()).then(|| format!("{}: witness-{letter}\n{text}", self.name))
    }

    /// The hooks that it fires.
    pub(super) fn fires(&self) -> impl Iterator<Item = &'static str> {
        [self.asked, self.told, self.apart].into_iter().flat_map(str::split_whitespace).map(|word| word.split(':').next().unwrap_or(word))
    }
}

impl Seen {
    fn without(&self, hooks: &[&str]) -> Self {
        let less = |words: &Vec<String>| words.iter().filter(|word| !hooks.contains(&word.as_str())).cloned().collect();
        Self { asked: less(&self.asked), told: less(&self.told), apart: less(&self.apart) }
    }
}

fn words(text: &'static str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_owned)
}

fn seen(rows: Vec<Row>, stage: &Stage) -> Seen {
    // A session of a plugin's own subagent: `crew-a/helper`.
    let rows: Vec<Row> = rows.into_iter().filter(|row| !row.session.as_deref().is_some_and(|key| key.contains('/'))).collect();
    let is_told = |row: &Row| HOOKS.iter().any(|hook| hook.name == row.hook && hook.mode == Mode::Observe);
    let (told, asked): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_told);
    let (answers, told): (Vec<Row>, Vec<Row>) = told.into_iter().partition(|row| row.hook == "approvals");
    let (questions, told): (Vec<Row>, Vec<Row>) = told.into_iter().partition(|row| word(row) == "agent-events:approval");
    let (told, mut apart): (Vec<Row>, Vec<Row>) = told.into_iter().partition(|row| row.session.is_some());
    assert!(told.iter().all(|row| row.session.as_deref() == Some("s")), "another session: {told:?}");
    apart.extend(questions.into_iter().chain(answers));
    let list = |rows: Vec<Row>| rows.iter().map(word).collect::<Vec<_>>();
    let mut asked = list(asked);
    // A projection can't write: it leaves a line in the log.
    let projections = stage.log.all().into_iter().filter(|(_, line)| line.starts_with("session-projection of"));
    asked.extend(projections.map(|_| "session-projection".to_owned()));
    Seen { asked, told: list(told), apart: list(apart) }
}

/// A row in one word.
fn word(row: &Row) -> String {
    if row.hook != "agent-events" {
        return row.hook.clone();
    }
    let topic = row.event.split("topic: \"").nth(1).and_then(|rest| rest.split('"').next());
    format!("agent-events:{}", topic.unwrap_or_else(|| panic!("an event without a topic: {row:?}")))
}
