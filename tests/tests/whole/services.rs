//! What plugins reach through the host's services: who asks is known from the cell, and what may not be changed isn't.
//!
//! [`Fake`] answers in the gateway's place and writes down what it was asked; the plugin `puppet` does with its imports what its arguments say.

use crate::{compiler, kept};
use plugbay_guests::built;
use plugbay_runtime::{
    Answered, AttachmentFile, BeforeToolCall, Call, Caller, Candidate, Caption, Completed, CompletionRequest, Conversation, Entry,
    FilesDelivered, Grant, Grants, InjectionQueued, InjectionRequest, JobPlan, JobTask, Json, NoServices, Payload, Plugin, PluginId,
    PluginJob, Projecting, Role, ServiceCode, ServiceError, ServiceReply, Services, Session, SessionProjection, Settings, SubagentStarted,
    SubagentStatus, ToolDecision, Transcript,
};
use plugbay_tests::lab::{Lab, tool_call};
use serde_json::{Value, json};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Services that write down what they were asked.
pub(crate) struct Fake {
    asked: Mutex<Vec<String>>,
    /// What `sessions.open` knows.
    pub(crate) known: Session,
    /// Called by `enqueue`, on behalf of who queues.
    pub(crate) calls: OnceLock<Arc<Plugin>>,
    pub(crate) nested: Mutex<Vec<Answered<ToolDecision>>>,
    /// Taken by each change of session state.
    pub(crate) may_patch: Semaphore,
    pub(crate) refuses: AtomicBool,
    pub(crate) fails: AtomicBool,
}

impl Fake {
    fn note(&self, what: &str, caller: &Caller) {
        let chain: Vec<_> = caller.chain.calls().map(|(plugin, export)| format!("{plugin}.{export}")).collect();
        let session = caller.session.as_ref().map_or("-", Session::stable_key);
        let (plugin, generation, run) = (&caller.plugin, caller.generation, caller.run.as_deref().unwrap_or("-"));
        self.line(format!("{what} by {plugin} {generation} session {session} run {run} chain {}", chain.join(" < ")));
    }

    fn line(&self, line: String) {
        self.asked.lock().unwrap().push(line);
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Who left since the last time.
    pub(crate) fn left(&self) -> Vec<String> {
        self.asked().into_iter().filter(|line| line.starts_with("left")).collect()
    }

    fn fails(&self) -> Result<(), ServiceError> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails { Err(ServiceError::new(ServiceCode::Failed, "the state is gone")) } else { Ok(()) }
    }
}

impl Services for Fake {
    fn meet<'a>(&'a self, plugin: &'a PluginId, session: &'a Session) -> ServiceReply<'a, ()> {
        self.line(format!("meet {plugin} {} {}", session.key().unwrap(), session.id().unwrap()));
        Box::pin(async { self.fails() })
    }

    fn open_session<'a>(&'a self, caller: &'a Caller, key: &'a str) -> ServiceReply<'a, Session> {
        self.note(&format!("open {key}"), caller);
        let known = (key == self.known.stable_key()).then(|| self.known.clone());
        Box::pin(async move { known.ok_or_else(|| ServiceError::new(ServiceCode::Unknown, "never met")) })
    }

    fn run_value(&self, caller: &Caller, name: &str) -> Result<Option<Json>, ServiceError> {
        self.note(&format!("get {name}"), caller);
        Ok((name == "seven").then(|| Json::check("7").unwrap()))
    }

    fn set_run_value(&self, caller: &Caller, name: &str, value: Option<Json>) -> Result<bool, ServiceError> {
        self.note(&format!("set {name} {value:?}"), caller);
        if name == "late" { Err(ServiceError::new(ServiceCode::Closed, "the run is over")) } else { Ok(true) }
    }

    fn clear_run_values(&self, caller: &Caller) -> Result<(), ServiceError> {
        self.note("clear", caller);
        Ok(())
    }

    fn session_state(&self, caller: &Caller, session: &Session, namespace: &str) -> Result<Option<Json>, ServiceError> {
        self.note(&format!("read {} {namespace}", session.key().unwrap()), caller);
        Ok(Some(Json::check("[1]").unwrap()))
    }

    fn set_session_state<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        namespace: &'a str,
        value: Option<Json>,
    ) -> ServiceReply<'a, bool> {
        self.note(&format!("patch {} {namespace} {value:?}", session.key().unwrap()), caller);
        Box::pin(async {
            self.may_patch.acquire().await.unwrap().forget();
            Ok(true)
        })
    }

    fn emit(&self, caller: &Caller, topic: &str, data: Json) -> Result<(), ServiceError> {
        self.note(&format!("emit {topic} {data}"), caller);
        if topic.starts_with("puppet") { Ok(()) } else { Err(ServiceError::new(ServiceCode::ForeignTopic, "not yours")) }
    }

    fn enqueue<'a>(&'a self, caller: &'a Caller, session: &'a Session, injection: InjectionRequest) -> ServiceReply<'a, InjectionQueued> {
        let InjectionRequest { text, append, priority, ttl_ms, key, metadata } = injection;
        let queued = format!("{text} {append} {priority} {ttl_ms:?} {key:?} {metadata:?}");
        self.note(&format!("enqueue {} {queued}", session.key().unwrap()), caller);
        Box::pin(async {
            if let Some(plugin) = self.calls.get() {
                let call = Call::new().session(session.clone()).within(caller.chain.clone());
                let nested = plugin.serve::<BeforeToolCall>(&call, &tool_call("enqueue", &json!({ "text": "again" }))).await;
                self.nested.lock().unwrap().push(nested);
            }
            Ok(InjectionQueued { id: "i1".into(), fresh: true })
        })
    }

    fn count_tokens(&self, text: &str) -> u64 {
        text.split_whitespace().count() as u64
    }

    fn complete<'a>(&'a self, caller: &'a Caller, request: CompletionRequest) -> ServiceReply<'a, Completed> {
        self.note("complete", caller);
        NoServices.complete(caller, request)
    }

    fn run_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str, message: String) -> ServiceReply<'a, SubagentStarted> {
        self.note(&format!("run {name}"), caller);
        NoServices.run_subagent(caller, name, message)
    }

    fn wait_for_subagent<'a>(&'a self, caller: &'a Caller, run: &'a str, patience: Duration) -> ServiceReply<'a, SubagentStatus> {
        self.note(&format!("wait {run}"), caller);
        NoServices.wait_for_subagent(caller, run, patience)
    }

    fn subagent_messages<'a>(&'a self, caller: &'a Caller, name: &'a str, limit: u32) -> ServiceReply<'a, Vec<Entry>> {
        self.note(&format!("messages {name}"), caller);
        NoServices.subagent_messages(caller, name, limit)
    }

    fn delete_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str) -> ServiceReply<'a, bool> {
        self.note(&format!("delete {name}"), caller);
        NoServices.delete_subagent(caller, name)
    }

    fn schedule<'a>(&'a self, caller: &'a Caller, task: JobTask, plan: JobPlan) -> ServiceReply<'a, PluginJob> {
        NoServices.schedule(caller, task, plan)
    }

    fn cancel_job<'a>(&'a self, caller: &'a Caller, id: &'a str) -> ServiceReply<'a, bool> {
        NoServices.cancel_job(caller, id)
    }

    fn cancel_jobs<'a>(&'a self, caller: &'a Caller, about: Option<&'a Session>, tag: &'a str) -> ServiceReply<'a, u32> {
        NoServices.cancel_jobs(caller, about, tag)
    }

    fn jobs<'a>(&'a self, caller: &'a Caller, tag: Option<&'a str>) -> ServiceReply<'a, Vec<PluginJob>> {
        NoServices.jobs(caller, tag)
    }

    fn waiting_timers<'a>(&'a self, plugin: &'a PluginId) -> ServiceReply<'a, Vec<PluginJob>> {
        NoServices.waiting_timers(plugin)
    }

    fn create_file<'a>(
        &'a self,
        caller: &'a Caller,
        name: &'a str,
        content_type: Option<&'a str>,
    ) -> ServiceReply<'a, Box<dyn AttachmentFile>> {
        NoServices.create_file(caller, name, content_type)
    }

    fn send_files<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        files: Vec<Box<dyn AttachmentFile>>,
        caption: Option<Caption>,
    ) -> ServiceReply<'a, FilesDelivered> {
        NoServices.send_files(caller, session, files, caption)
    }

    fn may_install(&self, candidate: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        let Candidate { plugin, version, replaces, bytes, imports, exports, granted, .. } = candidate;
        let replaces = replaces.map(|v| v.to_string());
        let surface =
            (bytes > 1_000, imports.contains("types"), exports.contains("before-tool-call"), granted.contains(&Grant::Conversation));
        self.line(format!("may install {plugin} {version} after {replaces:?} {surface:?}"));
        Box::pin(async { if self.refuses.load(Ordering::Relaxed) { Err("`guard` says no".into()) } else { Ok(()) } })
    }

    fn left<'a>(&'a self, plugin: &'a PluginId, uninstalled: bool) -> ServiceReply<'a, ()> {
        self.line(format!("left {plugin} {uninstalled}"));
        Box::pin(async { self.fails() })
    }
}

/// A host with services, and what they are.
pub(crate) fn lab() -> (Lab, Arc<Fake>) {
    let fake = Arc::new(Fake {
        asked: Mutex::default(),
        known: Session::new("known", "1"),
        calls: OnceLock::new(),
        nested: Mutex::default(),
        may_patch: Semaphore::new(100),
        refuses: AtomicBool::new(false),
        fails: AtomicBool::new(false),
    });
    let services = fake.clone();
    let lab = Lab::keeping(compiler(), |engine| engine.cache = Some(kept()), |plugins| plugins.services = services).unwrap();
    (lab, fake)
}

/// The puppet may do everything.
pub(crate) fn all() -> Settings {
    Settings { grants: Grants::granting(Grant::ALL), ..Settings::default() }
}

pub(crate) fn with(config: Value) -> Settings {
    Settings { config: config.as_object().unwrap().clone(), ..all() }
}

/// A host with the puppet, and what loading it has asked is forgotten.
pub(crate) async fn puppet(settings: Settings) -> (Lab, Arc<Fake>, Arc<Plugin>) {
    let (lab, fake) = lab();
    let (plugin, _) = lab.load_built("puppet", built::PUPPET, settings).await.unwrap();
    fake.asked();
    (lab, fake, plugin)
}

/// What the plugin told.
pub(crate) fn told(answered: Answered<ToolDecision>) -> Value {
    answered.answer.unwrap().params.unwrap().parse().unwrap()
}

async fn act(plugin: &Plugin, call: &Call, what: &str, params: Value) -> Value {
    told(plugin.serve::<BeforeToolCall>(call, &tool_call(what, &params)).await)
}

pub(crate) fn main_session() -> (Session, Call) {
    let session = Session::new("main", "first");
    (session.clone(), Call::new().session(session).run("run-1"))
}

/// What a line of the log says behind these words.
fn logged(lab: &Lab, words: &str) -> Value {
    let line = lab.log.all().into_iter().find_map(|(_, line)| line.split_once(words).map(|(_, said)| said.to_owned()));
    serde_json::from_str(&line.unwrap()).unwrap()
}

#[tokio::test]
async fn who_asks_is_known_from_the_cell() {
    let (_lab, fake, plugin) = puppet(all()).await;
    let other = PluginId::try_from("other".to_owned()).unwrap();
    let (_, call) = main_session();
    let call = call.within(call_chain(&other));
    let by = "by puppet 1 session main run run-1 chain puppet.before-tool-call < other.tools";
    assert_eq!(act(&plugin, &call, "set", json!({ "name": "n", "value": "[1]" })).await, json!({ "ok": null }));
    assert_eq!(act(&plugin, &call, "get", json!({ "name": "seven" })).await, json!({ "ok": "7" }));
    assert_eq!(act(&plugin, &call, "unset", json!({ "name": "n" })).await, json!({ "ok": true }));
    assert_eq!(act(&plugin, &call, "clear", json!({})).await, json!({ "ok": null }));
    assert_eq!(act(&plugin, &call, "emit", json!({ "topic": "puppet.x", "value": "{}" })).await, json!({ "ok": null }));
    assert_eq!(act(&plugin, &call, "read", json!({})).await, json!({ "ok": "[1]" }));
    assert_eq!(act(&plugin, &call, "patch", json!({ "value": "2" })).await, json!({ "ok": null }));
    assert_eq!(act(&plugin, &call, "remove", json!({})).await, json!({ "ok": true }));
    assert_eq!(act(&plugin, &call, "enqueue", json!({ "text": "t", "metadata": "{}" })).await, json!({ "ok": ["i1", true] }));
    assert_eq!(act(&plugin, &call, "key", json!({ "open": "known" })).await, json!({ "ok": "known" }));
    let wanted = [
        "meet puppet main first".to_owned(),
        format!("set n Some([1]) {by}"),
        format!("get seven {by}"),
        format!("set n None {by}"),
        format!("clear {by}"),
        format!("emit puppet.x {{}} {by}"),
        format!("read main notes {by}"),
        format!("patch main notes Some(2) {by}"),
        format!("patch main notes None {by}"),
        format!("enqueue main t true 3 Some(9) Some(\"k\") Some({{}}) {by}"),
        format!("open known {by}"),
    ];
    assert_eq!(fake.asked(), wanted);
    // The next call is another's.
    act(&plugin, &Call::new(), "emit", json!({ "topic": "puppet", "value": "1" })).await;
    assert_eq!(fake.asked(), ["emit puppet 1 by puppet 1 session - run - chain puppet.before-tool-call"]);
}

fn call_chain(plugin: &PluginId) -> plugbay_runtime::Chain {
    plugbay_runtime::Chain::default().with(plugin.clone(), "tools")
}

#[tokio::test]
async fn what_a_service_refuses_is_told_by_the_interfaces_own_code() {
    let (_lab, fake, plugin) = puppet(all()).await;
    let (session, call) = main_session();
    let code = async |call: &Call, what: &str, params: Value| act(&plugin, call, what, params).await["code"].clone();
    assert_eq!(code(&call, "set", json!({ "name": "late", "value": "1" })).await, "Closed");
    assert_eq!(code(&Call::new(), "get", json!({ "name": "n" })).await, "NoRun");
    assert_eq!(code(&call, "emit", json!({ "topic": "other", "value": "1" })).await, "ForeignTopic");
    assert_eq!(code(&call, "key", json!({ "open": "stranger" })).await, "Unknown");
    fake.asked();
    for (what, field) in [("set", "value"), ("emit", "value"), ("patch", "value"), ("enqueue", "metadata")] {
        let deep = "[".repeat(33) + &"]".repeat(33);
        let answer = act(&plugin, &call, what, json!({ "name": "n", "topic": "puppet", field: deep })).await;
        assert_eq!(answer["code"], "InvalidInput", "{what}: {answer}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains("nesting: 33 found, 32 allowed"), "{message}");
        let answer = act(&plugin, &call, what, json!({ "name": "n", "topic": "puppet", field: "{" })).await;
        assert_eq!(answer["code"], "InvalidInput", "{what}: {answer}");
    }
    for what in ["read", "patch", "remove"] {
        let answer = act(&plugin, &call, what, json!({ "namespace": "other", "value": "1" })).await;
        assert_eq!(answer["code"], "UnknownNamespace");
        assert!(answer["message"].as_str().unwrap().contains("it names: notes"), "{answer}");
    }
    assert_eq!(fake.asked(), [""; 0], "none of it got there");
    session.delete();
    fake.known.delete();
    for what in ["read", "patch", "remove", "enqueue"] {
        assert_eq!(code(&call, what, json!({ "value": "1" })).await, "Gone");
        assert_eq!(code(&call, what, json!({ "value": "1", "open": "known" })).await, "Gone", "a handle of its own");
    }
}

#[tokio::test]
async fn what_was_denied_answers_denied() {
    let grants = Grants { granted: [Grant::Conversation].into(), denied: [Grant::State, Grant::Events, Grant::Prompt].into() };
    let (_lab, fake, plugin) = puppet(Settings { grants, ..Settings::default() }).await;
    let (_, call) = main_session();
    for what in ["read", "patch", "remove", "emit", "enqueue", "register"] {
        let answer = act(&plugin, &call, what, json!({ "value": "1", "topic": "puppet" })).await;
        assert_eq!(answer["code"], "Denied", "{what}: {answer}");
    }
    assert_eq!(fake.asked(), ["meet puppet main first"]);
    assert_eq!(act(&plugin, &call, "set", json!({ "name": "n", "value": "1" })).await, json!({ "ok": null }), "it is free");
}

#[tokio::test]
async fn nothing_is_changed_but_in_calls() {
    let (lab, fake, plugin) = puppet(with(json!({ "tries": true }))).await;
    assert_eq!(logged(&lab, "in activate: "), json!(vec!["NotLive"; 8]));
    let started = ["NoRun", "NoRun", "NoRun", "{\"ok\":null}", "{\"ok\":null}", "{\"ok\":null}", "{\"ok\":true}", "{\"ok\":[\"i1\",true]}"];
    assert_eq!(logged(&lab, "in started: "), json!(started), "it is live, and in no run");
    let event = plugbay_runtime::Fired::new(Projecting { namespace: "notes".into(), state: Json::check("1").unwrap(), attrs: vec![] });
    let (_, call) = main_session();
    let projected = plugin.serve::<SessionProjection>(&call, &event).await.answer.unwrap();
    assert_eq!(projected.0.unwrap().parse().unwrap(), json!(vec!["NotLive"; 8]));
    assert_eq!(fake.asked(), ["meet puppet main first"]);
    assert_eq!(act(&plugin, &call, "register", json!({})).await, json!({ "ok": null }), "the next call may change rows again");
    lab.plugins.shutdown(std::time::Duration::from_secs(5)).await;
    let ended = json!(["NotLive", "NotLive", "NotLive", "NotLive", "{\"ok\":null}", "NotLive", "NotLive", "NotLive"]);
    assert_eq!(logged(&lab, "in deactivate: "), ended, "rows are the plugin's own to the end");
}

#[tokio::test]
async fn each_life_of_a_session_is_met_once_and_a_failure_keeps_no_call_back() {
    let (_lab, fake, plugin) = puppet(all()).await;
    let call = |key: &str, id: &str| Call::new().session(Session::new(key, id));
    let meetings = || fake.asked().into_iter().filter(|line| line.starts_with("meet")).collect::<Vec<_>>();
    let look = async |call: Call| drop(act(&plugin, &call, "key", json!({})).await);
    look(call("a", "1")).await;
    look(call("a", "1")).await;
    look(call("b", "1")).await;
    assert_eq!(meetings(), ["meet puppet a 1", "meet puppet b 1"]);
    look(call("a", "2")).await;
    look(call("a", "2")).await;
    assert_eq!(meetings(), ["meet puppet a 2"]);
    fake.fails.store(true, Ordering::Relaxed);
    look(call("c", "1")).await;
    fake.fails.store(false, Ordering::Relaxed);
    look(call("c", "1")).await;
    look(call("c", "1")).await;
    assert_eq!(meetings(), ["meet puppet c 1"; 2], "tried once more, and then it is known");
}

/// A conversation that can be read up to an entry.
struct Broken(u64);

impl Conversation for Broken {
    fn len(&self) -> Result<u64, String> {
        Ok(self.0)
    }

    fn window(&self, _: u64, _: usize) -> Result<Vec<Entry>, String> {
        let entry = |id| Entry { id, role: Role::User, at: 0, content: Payload::of(&json!("x")), tool_call_id: None };
        if self.0 > 2 { Err("the disk is gone".into()) } else { Ok((1..=self.0).map(entry).collect()) }
    }

    fn entry(&self, id: u64) -> Result<Option<Entry>, String> {
        Ok(self.window(0, 9)?.into_iter().find(|e| e.id == id))
    }
}

#[tokio::test]
async fn a_conversation_is_read_when_the_plugin_asks_and_its_failure_is_the_hosts() {
    let (_lab, _, plugin) = puppet(all()).await;
    let call = |entries| Call::new().transcript(Transcript::of(Arc::new(Broken(entries))));
    assert_eq!(act(&plugin, &call(2), "read-on", json!({})).await, json!({ "ok": [2, 2, 2] }));
    assert_eq!(act(&plugin, &call(9), "key", json!({})).await, json!({ "ok": "no session" }), "nobody reads it");
    let failed = plugin.call::<BeforeToolCall>(&call(9), &tool_call("read-on", &json!({}))).await.unwrap_err().to_string();
    assert_eq!(failed, "the host failed during the call: the conversation can't be read: the disk is gone");
    assert_eq!(act(&plugin, &call(2), "read-on", json!({})).await, json!({ "ok": [2, 2, 2] }), "in a fresh cell");
}
