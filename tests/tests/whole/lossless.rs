//! The plugin `lossless-context` as it is built, in a gateway whose model has a window of 8,000 tokens: what was said is found again, and the window is never too small.
//!
//! The long conversation doesn't go through turns, which would cost hours: its entries are handed to the plugin as a turn's end would, and what it assembles is held against the host's own count at each.

#[path = "../../../example-plugins/lossless-context/src/tests/planted.rs"]
mod planted;

use planted::{Chance, Fact, Said, conversation, look};
use plugbay_gateway::model::{Model, ModelMessage, ModelRequest, ModelStream, ModelWindow, Models, OfflineModel};
use plugbay_gateway::{Gateway, GatewaySettings, ServingEngine, Tokens, TurnAsked, TurnStatus};
use plugbay_guests::built;
use plugbay_runtime::engine::Isolation;
use plugbay_runtime::state::{ExportedRow, NewEntry, SessionStore, Sqlite, SqliteSettings, StateStore, Window};
use plugbay_runtime::{
    Assembled, Assembling, Call, ContextAssemble, ContextIngest, ContextPart, Conversation, Entry, Fired, Grant, Grants, Ingesting, Json,
    Outline, Payload, Plugin, Role, Session, Settings, ToolInvocation, Tools, Transcript,
};
use plugbay_tests::lab::Lab;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Tokens of the model's window.
const WINDOW: u64 = 8_000;

fn grants() -> Grants {
    Grants::granting([Grant::Conversation, Grant::Prompt, Grant::State])
}

/// The offline model, which is asked by the plugin what parts of a conversation are about.
struct Noting {
    offline: OfflineModel,
    /// What it was asked.
    asked: Mutex<Vec<String>>,
    /// So many questions have no answer.
    silent: AtomicUsize,
}

impl Noting {
    fn new(silent: usize) -> Arc<Self> {
        let offline = OfflineModel::default().within(ModelWindow::of(WINDOW));
        Arc::new(Self { offline, asked: Mutex::default(), silent: AtomicUsize::new(silent) })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Model for Noting {
    fn provider(&self) -> &str {
        self.offline.provider()
    }

    fn default_model(&self) -> &str {
        self.offline.default_model()
    }

    fn window(&self, model: &str) -> u64 {
        self.offline.window(model)
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        if !request.system.as_deref().is_some_and(|system| system.starts_with("You are given a part of a longer conversation")) {
            return self.offline.stream(request);
        }
        assert!(request.tools.is_empty(), "a question has no tools");
        let Some(ModelMessage::User { text }) = request.messages.first().cloned() else { panic!("{request:?}") };
        let mut asked = self.asked.lock().unwrap();
        asked.push(text);
        let answer = if asked.len() <= self.silent.load(Ordering::Relaxed) {
            "fail server".to_owned()
        } else {
            format!("say Note {}.", asked.len())
        };
        self.offline.stream(ModelRequest { system: None, messages: vec![ModelMessage::User { text: answer }], ..request })
    }
}

/// A gateway with the plugin in its slot.
struct Stage {
    gateway: Gateway,
    state: Arc<Sqlite>,
    plugin: Arc<Plugin>,
    _lab: Lab,
}

impl Stage {
    async fn new(config: Value) -> Self {
        let offline = Arc::new(OfflineModel::default().within(ModelWindow::of(WINDOW)));
        let denied = Grants { denied: [Grant::Model].into(), ..grants() };
        Self::with(offline, Settings { config: config.as_object().unwrap().clone(), grants: denied, ..Settings::default() }).await
    }

    async fn with(model: Arc<dyn Model>, settings: Settings) -> Self {
        let lab = super::lab();
        let state = Arc::new(Sqlite::open(SqliteSettings::new(lab.folder().join("gateway"))).unwrap());
        let models = Models::new(model);
        let gateway = Gateway::new(lab.engine.clone(), state.clone(), GatewaySettings { models, ..GatewaySettings::default() }).unwrap();
        gateway.start().await.unwrap();
        let file = lab.place("lossless-context", &std::fs::read(built::LOSSLESS_CONTEXT).unwrap()).unwrap();
        let plugin = gateway.plugins().load(&file, settings).await.unwrap().0;
        gateway.contexts().set_engine(Some(plugin.id().clone()));
        Self { gateway, state, plugin, _lab: lab }
    }

    async fn rows(&self) -> Vec<ExportedRow> {
        let rows = self.state.export(None, NonZeroUsize::new(10_000).unwrap()).await.unwrap();
        rows.into_iter().filter(|row| row.id.owner.as_str() == "lossless-context").collect()
    }

    /// A turn to its good end; the engine decided on it.
    async fn said(&self, text: &str) {
        self.said_in("s", text).await;
    }

    /// The same in this session. What was answered.
    async fn said_in(&self, session: &str, text: &str) -> String {
        let end = self.gateway.turn(TurnAsked::said(session, "test", text)).await.unwrap().ended().await;
        assert_eq!(end.status, TurnStatus::Done, "{end:?}");
        self.serves();
        end.message.unwrap_or_default()
    }

    /// A session with so many turns of what only it is about, some two hundred tokens each.
    async fn remembers(&self, session: &str, turns: usize, about: &str) {
        let life = self.state.ensure_session(session, &format!("life-{session}")).await.unwrap().session.id;
        let entry = |role: &str, text: String| NewEntry {
            role: role.to_owned(),
            content: json!(text).to_string(),
            tool_call_id: None,
            run: None,
            meta: None,
        };
        for n in 0..turns {
            let words = format!("{about}{n} {}", "of which much is to be said ".repeat(15));
            let entries = vec![entry("user", words.clone()), entry("assistant", words)];
            self.state.append(session, &life, entries).await.unwrap().unwrap();
        }
    }

    /// What the model is told of the turns before, above the newest entries.
    async fn above(&self, session: &str) -> String {
        let shown: Vec<Value> = serde_json::from_str(&self.said_in(session, "show messages").await).unwrap();
        shown[0]["text"].as_str().unwrap().to_owned()
    }

    /// What is under the first summary that the model sees.
    async fn opened(&self, session: &str, above: &str) -> String {
        let first = above.lines().nth(1).unwrap().split([' ', ':']).next().unwrap();
        self.said_in(session, &format!("use open_summary {{\"summary\": \"{first}\"}}")).await
    }

    fn serves(&self) {
        let view = self.gateway.contexts().view();
        assert_eq!(view.serving, ServingEngine::Plugin(self.plugin.id().clone()), "{:?}", view.why);
    }

    /// What was said last: the words of the newest entries, oldest first.
    async fn newest(&self, count: usize) -> Vec<(String, String)> {
        let entries = self.gateway.transcript("s", Window::Newest(count)).await.unwrap().unwrap();
        entries.into_iter().map(|entry| (entry.role.to_string(), entry.content.as_str().unwrap_or_default().to_owned())).collect()
    }
}

/// A conversation in memory, and what its entries take by the host's own count.
#[derive(Clone)]
struct Spoken {
    entries: Arc<Vec<Entry>>,
    tokens: Arc<Vec<u64>>,
    /// So many of them are there.
    len: usize,
}

impl Spoken {
    fn of(said: &[Said]) -> Self {
        let counts = Tokens::default();
        let tokens =
            said.iter().map(|said| 4 + counts.count(&said.text) + said.call.as_deref().map_or(0, |call| counts.count(call))).collect();
        let entry = |(at, said): (usize, &Said)| Entry {
            id: 1 + at as u64,
            role: match said.role {
                "user" => Role::User,
                "tool" => Role::Tool,
                _ => Role::Assistant,
            },
            at: 1_790_000_000_000 + 120_000 * at as u64,
            content: Payload::of(&json!(said.text)),
            tool_call_id: said.call.clone(),
        };
        Self { entries: Arc::new(said.iter().enumerate().map(entry).collect()), tokens: Arc::new(tokens), len: said.len() }
    }

    fn call(&self, len: usize) -> Call {
        Call::new().session(Session::new("long", "life")).transcript(Transcript::of(Arc::new(Self { len, ..self.clone() })))
    }

    fn range(&self, start: u64, count: usize) -> std::ops::Range<usize> {
        let start = usize::try_from(start).unwrap().min(self.len);
        start..start.saturating_add(count).min(self.len)
    }
}

impl Conversation for Spoken {
    fn len(&self) -> Result<u64, String> {
        Ok(self.len as u64)
    }

    fn window(&self, start: u64, count: usize) -> Result<Vec<Entry>, String> {
        Ok(self.entries[self.range(start, count)].to_vec())
    }

    fn entry(&self, id: u64) -> Result<Option<Entry>, String> {
        Ok(self.entries[..self.len].iter().find(|entry| entry.id == id).cloned())
    }

    fn outline(&self, start: u64, count: usize) -> Result<Vec<Outline>, String> {
        let line = |at: usize| Outline { id: self.entries[at].id, role: self.entries[at].role, tokens: self.tokens[at] };
        Ok(self.range(start, count).map(line).collect())
    }
}

async fn assemble(plugin: &Plugin, spoken: &Spoken, len: usize, budget: u64) -> Assembled {
    let event = Assembling {
        budget,
        call: 1,
        model: "offline".into(),
        prompt: "And now?".into(),
        tools: vec!["open_summary".into()],
        heartbeat: false,
        attrs: Vec::new(),
    };
    plugin.call::<ContextAssemble>(&spoken.call(len), &Fired::new(event)).await.unwrap()
}

/// The summaries, the entries behind them, and what all of it takes; held against the host's rules.
fn checked(spoken: &Spoken, len: usize, budget: u64, assembled: Assembled) -> (String, Vec<u64>, u64) {
    let (mut above, mut ids, mut tokens) = (String::new(), Vec::new(), 0);
    for part in assembled.parts {
        match part {
            ContextPart::Message { content, .. } => {
                above = content.parse().unwrap().as_str().unwrap().to_owned();
                tokens += 4 + Tokens::default().count(&above);
            }
            ContextPart::Entry(id) => {
                tokens += spoken.tokens[usize::try_from(id).unwrap() - 1];
                ids.push(id);
            }
        }
    }
    assert!(tokens <= budget && tokens == assembled.estimated_tokens, "{tokens} of {budget}, said to be {}", assembled.estimated_tokens);
    assert!(
        ids.windows(2).all(|two| two[0] + 1 == two[1]) && ids.last().is_none_or(|last| *last == len as u64),
        "the newest, without a gap"
    );
    assert!(
        ids.first().is_none_or(|first| spoken.entries[usize::try_from(*first).unwrap() - 1].role != Role::Tool),
        "no answer without its call"
    );
    (above, ids, tokens)
}

/// How many summaries are opened on the way to each fact; the answers of the tool come from the plugin.
async fn ways(plugin: &Arc<Plugin>, spoken: &Spoken, facts: &[Fact], above: &str, ids: &[u64]) -> Vec<Option<usize>> {
    let (plugin, spoken, facts, above, ids) = (plugin.clone(), spoken.clone(), facts.to_vec(), above.to_owned(), ids.to_vec());
    let runtime = tokio::runtime::Handle::current();
    let find = move |fact: &Fact| {
        if ids.contains(&(1 + fact.at as u64)) {
            return Some(0);
        }
        look(&above, fact, 4, |summary| {
            let event = ToolInvocation {
                name: "open_summary".into(),
                params: Json::check(json!({ "summary": summary }).to_string()).unwrap(),
                tool_call_id: None,
                attrs: Vec::new(),
            };
            let answer = runtime.block_on(plugin.call::<Tools>(&spoken.call(spoken.len), &Fired::new(event))).unwrap();
            assert!(!answer.is_error);
            answer.content.parse().unwrap().as_str().unwrap().to_owned()
        })
    };
    tokio::task::spawn_blocking(move || facts.iter().map(find).collect()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_a_hundred_facts_in_five_thousand_entries_is_found_in_four_opens_and_the_budget_always_holds() {
    let (said, facts) = conversation(7, 5_000, 100);
    let (stage, spoken, mut chance) = (Stage::new(json!({})).await, Spoken::of(&said), Chance::new(8));
    stage.state.ensure_session("long", "life").await.unwrap();
    let (mut told, mut most, mut turns) = (0, 0, 0);
    for len in (1..=said.len()).filter(|len| said.get(*len).is_none_or(|next| next.role == "user")) {
        let event = Ingesting { entries: spoken.entries[told..len].to_vec(), heartbeat: false, attrs: Vec::new() };
        stage.plugin.call::<ContextIngest>(&spoken.call(len), &Fired::new(event)).await.unwrap();
        // What is said in a turn takes its part of the window.
        let budget = WINDOW - chance.below(4_000) as u64;
        let (above, ids, tokens) = checked(&spoken, len, budget, assemble(&stage.plugin, &spoken, len, budget).await);
        assert!(ids.len() == len || !above.is_empty(), "nothing is left out");
        (told, most, turns) = (len, most.max(tokens), turns + 1);
    }
    let rows = stage.rows().await;
    let bytes: usize = rows.iter().map(|row| row.value.len()).sum();
    println!(
        "{turns} turns, {most} tokens at most; {} rows, {bytes} bytes for {} entries that take {} tokens",
        rows.len(),
        said.len(),
        spoken.tokens.iter().sum::<u64>()
    );
    // The whole window, and what a turn leaves of it with the room for the answer.
    for budget in [WINDOW, WINDOW * 3 / 4] {
        let (above, ids, tokens) = checked(&spoken, said.len(), budget, assemble(&stage.plugin, &spoken, said.len(), budget).await);
        let ways = ways(&stage.plugin, &spoken, &facts, &above, &ids).await;
        let lost: Vec<&Fact> = facts.iter().zip(&ways).filter(|(_, way)| way.is_none()).map(|(fact, _)| fact).collect();
        let opens: Vec<usize> = ways.iter().flatten().copied().collect();
        println!(
            "budget {budget}: {tokens} tokens, opens {} at most, {:.2} in the mean",
            opens.iter().max().unwrap(),
            opens.iter().sum::<usize>() as f64 / opens.len() as f64
        );
        assert!(lost.is_empty(), "{} of {} lost: {lost:?}\n{above}", lost.len(), facts.len());
        assert!(opens.iter().filter(|opens| **opens >= 2).count() > 80, "they aren't in view from the start");
    }
    assert!(rows.len() <= 20 && bytes < 1 << 20, "{} rows, {bytes} bytes", rows.len());
}

#[tokio::test]
async fn in_turns_the_model_sees_summaries_and_opens_them() {
    let (said, _) = conversation(9, 1_500, 1);
    let stage = Stage::new(json!({ "open_tokens": 500 })).await;
    stage.state.ensure_session("s", "life").await.unwrap();
    // Without what tools were called: what only the host knows of an entry isn't made here.
    let entry =
        |said: &Said| NewEntry { role: said.role.into(), content: json!(said.text).to_string(), tool_call_id: None, run: None, meta: None };
    let entries: Vec<NewEntry> = said.iter().filter(|said| said.role != "tool" && !said.text.is_empty()).map(entry).collect();
    for some in entries.chunks(500) {
        stage.state.append("s", "life", some.to_vec()).await.unwrap().unwrap();
    }

    stage.said("show messages").await;
    let (_, shown) = stage.newest(1).await.pop().unwrap();
    let shown: Vec<Value> = serde_json::from_str(&shown).unwrap();
    let above = shown[0]["text"].as_str().unwrap();
    assert!(above.starts_with("[Earlier in this conversation") && above.contains("`open_summary`") && shown.len() > 20, "{above}");
    let first = above.lines().nth(1).unwrap().split([' ', ':']).next().unwrap();

    stage.said(&format!("use open_summary {{\"summary\": \"{first}\"}}\nthen\nsay thank you")).await;
    let newest = stage.newest(2).await;
    assert!(
        newest[0].0 == "tool" && newest[0].1.starts_with(&format!("Under {first}, oldest first:\n1-")) && newest[1].1.trim() == "thank you",
        "{newest:?}"
    );

    // The answer above takes most of a window: it is under a summary now, whole.
    let report = stage.gateway.compact("s", None).await.unwrap().unwrap();
    assert!(
        report.compacted && report.tokens_after < report.tokens_before && report.engine == ServingEngine::Plugin(stage.plugin.id().clone()),
        "{report:?}"
    );
    for text in ["say one", "long 3000", "say two", "long 20", "say three"] {
        stage.said(text).await;
    }
    assert!(stage.rows().await.len() > 3);
    stage.gateway.reset("s").await.unwrap().unwrap();
    assert_eq!(stage.gateway.hooks().settled(Duration::from_secs(300)).await, 0);
    assert_eq!(stage.rows().await.len(), 0, "the rows are those of the life that is over");
}

/// Waits until the model was asked so often; it is behind the turns.
async fn asked(model: &Noting, times: usize) -> Vec<String> {
    while model.asked().len() < times {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    model.asked()
}

fn by_the_model() -> Settings {
    let config = json!({ "summaries": "model", "open_tokens": 500 }).as_object().unwrap().clone();
    Settings { config, grants: Grants::granting([Grant::Conversation, Grant::Prompt, Grant::State, Grant::Model]), ..Settings::default() }
}

#[tokio::test]
async fn the_hosts_model_says_what_summaries_are_about_six_at_most_behind_a_turn() {
    let model = Noting::new(1);
    let stage = Stage::with(model.clone(), by_the_model()).await;
    stage.remembers("s", 150, "tarragon").await;
    let first = stage.above("s").await;
    assert!(first.contains("tarragon") && !first.contains("Note "), "nobody waited for the model: {first}");
    // The first question has no answer: the extract stays, and no more is asked behind this turn.
    let questions = asked(&model, 1).await;
    assert!(questions[0].contains("tarragon0 "), "the oldest leaf: {}", questions[0]);
    tidied(&stage, 1).await;
    assert_eq!(model.asked().len(), 1);

    // It is asked again behind the next, and six times at most.
    let mut said = 1;
    for turn in 2..=4 {
        stage.said("say thank you").await;
        tidied(&stage, turn).await;
        assert_eq!(model.asked().len(), said + 6, "turn {turn}");
        said += 6;
    }
    assert_eq!(model.asked()[1], questions[0], "first the one that had no answer");
    let mut different = model.asked().split_off(1);
    different.sort();
    different.dedup();
    assert_eq!(different.len(), said - 1, "once for each");
    let above = stage.above("s").await;
    let opened = stage.opened("s", &above).await;
    assert!(format!("{above}{opened}").contains("Note "), "{above}\n{opened}");
}

/// Waits until it was tidied up behind so many turns.
async fn tidied(stage: &Stage, turns: u64) {
    let times = || stage.plugin.generation().unwrap().counted().find(|(name, _)| *name == "context-maintain").unwrap().1.calls;
    while times() < turns {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(times(), turns);
}

#[tokio::test]
async fn without_the_grant_the_extracts_stay_and_nothing_else_is_different() {
    let model = Noting::new(0);
    let Settings { config, .. } = by_the_model();
    let denied = Grants { denied: [Grant::Model].into(), ..grants() };
    let stage = Stage::with(model.clone(), Settings { config, grants: denied, ..Settings::default() }).await;
    stage.remembers("s", 150, "tarragon").await;
    let above = stage.above("s").await;
    assert!(above.contains("tarragon"), "{above}");
    stage.said("say thank you").await;
    tidied(&stage, 2).await;
    assert!(model.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_cell_for_all_sessions_each_has_its_own_summaries() {
    for model in [false, true] {
        let noting = Noting::new(0);
        let settings = if model {
            by_the_model()
        } else {
            Settings { grants: Grants { denied: [Grant::Model].into(), ..grants() }, ..Settings::default() }
        };
        let stage = Stage::with(noting.clone(), Settings { isolation: Some(Isolation::Shared), ..settings }).await;
        for (session, about) in [("s", "tarragon"), ("t", "sextant")] {
            stage.remembers(session, 150, about).await;
        }
        // Side by side, so that calls of both stand in line for the one cell.
        for _ in 0..3 {
            let turns = ["s", "t"].map(|session| stage.said_in(session, "say thank you"));
            futures_util::future::join_all(turns).await;
        }
        let (s, t) = tokio::join!(stage.above("s"), stage.above("t"));
        for (session, above, mine, others) in [("s", s, "tarragon", "sextant"), ("t", t, "sextant", "tarragon")] {
            let opened = stage.opened(session, &above).await;
            for text in [&above, &opened] {
                assert!(text.contains(mine) && !text.contains(others), "{session}: {text}");
            }
        }
        assert_eq!(stage.plugin.generation().unwrap().warm_cells(), 1, "one cell for all");
        assert!(noting.asked().iter().all(|question| !(question.contains("tarragon") && question.contains("sextant"))));
        // The end of one is none of the other's.
        let of =
            |rows: &[ExportedRow], session: &str| rows.iter().filter(|row| row.id.key.starts_with(&format!("life-{session}/"))).count();
        let before = stage.rows().await;
        assert!(of(&before, "s") > 1 && of(&before, "t") > 1);
        assert!(stage.gateway.delete("s").await.unwrap());
        assert_eq!(stage.gateway.hooks().settled(Duration::from_secs(300)).await, 0);
        let after = stage.rows().await;
        assert_eq!((of(&after, "s"), of(&after, "t")), (0, of(&before, "t")));
    }
}
