//! For tests: services that have jobs and files, write down what they were asked, and refuse when they are told to.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Jobs and files; of everything else there is none.
#[derive(Default)]
pub(crate) struct Fake {
    asked: Mutex<Vec<String>>,
    /// Timers that wait.
    pub(crate) waiting: Mutex<Vec<PluginJob>>,
    /// Timers that are set as soon as somebody has asked for those that wait.
    pub(crate) set_late: Mutex<Vec<PluginJob>>,
    /// What it answers to everything, if it refuses.
    pub(crate) refuses: Mutex<Option<ServiceCode>>,
    /// Files that aren't dropped.
    pub(crate) files: Arc<AtomicUsize>,
}

impl Fake {
    fn ask<T>(&self, line: String, answer: T) -> Result<T, ServiceError> {
        self.asked.lock().unwrap().push(line);
        match *self.refuses.lock().unwrap() {
            Some(code) => Err(ServiceError::new(code, "refused")),
            None => Ok(answer),
        }
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// A timer that waits.
pub(crate) fn timer(id: &str) -> PluginJob {
    let next_at = Some(1_000);
    PluginJob { id: id.to_owned(), kind: JobKind::Timer, name: None, tag: None, session: None, next_at, running: false }
}

/// A file in memory, counted.
struct FakeFile {
    bytes: Vec<u8>,
    counted: Arc<AtomicUsize>,
}

impl AttachmentFile for FakeFile {
    fn write(&mut self, bytes: Vec<u8>) -> ServiceReply<'_, ()> {
        self.bytes.extend(bytes);
        Box::pin(async { Ok(()) })
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send> {
        self
    }
}

impl Drop for FakeFile {
    fn drop(&mut self) {
        self.counted.fetch_sub(1, Ordering::Relaxed);
    }
}

fn later<'a, T: Send + 'a>(answer: Result<T, ServiceError>) -> ServiceReply<'a, T> {
    Box::pin(async { answer })
}

impl Services for Fake {
    fn schedule<'a>(&'a self, caller: &'a Caller, task: JobTask, plan: JobPlan) -> ServiceReply<'a, PluginJob> {
        later(self.ask(format!("schedule by {} {task:?} {plan:?}", caller.plugin), timer("job-1")))
    }

    fn cancel_job<'a>(&'a self, _: &'a Caller, id: &'a str) -> ServiceReply<'a, bool> {
        later(self.ask(format!("cancel {id}"), true))
    }

    fn cancel_jobs<'a>(&'a self, _: &'a Caller, about: Option<&'a Session>, tag: &'a str) -> ServiceReply<'a, u32> {
        later(self.ask(format!("cancel {tag} of {:?}", about.map(Session::stable_key)), 2))
    }

    fn jobs<'a>(&'a self, _: &'a Caller, tag: Option<&'a str>) -> ServiceReply<'a, Vec<PluginJob>> {
        later(self.ask(format!("jobs of {tag:?}"), vec![timer("job-1")]))
    }

    fn waiting_timers<'a>(&'a self, plugin: &'a PluginId) -> ServiceReply<'a, Vec<PluginJob>> {
        let waiting = self.waiting.lock().unwrap().clone();
        self.waiting.lock().unwrap().append(&mut self.set_late.lock().unwrap());
        later(self.ask(format!("waiting timers of {plugin}"), waiting))
    }

    fn create_file<'a>(&'a self, _: &'a Caller, name: &'a str, ty: Option<&'a str>) -> ServiceReply<'a, Box<dyn AttachmentFile>> {
        let made = self.ask(format!("create {name} {ty:?}"), ());
        later(made.map(|()| {
            self.files.fetch_add(1, Ordering::Relaxed);
            Box::new(FakeFile { bytes: Vec::new(), counted: self.files.clone() }) as Box<dyn AttachmentFile>
        }))
    }

    fn send_files<'a>(
        &'a self,
        _: &'a Caller,
        session: &'a Session,
        files: Vec<Box<dyn AttachmentFile>>,
        caption: Option<Caption>,
    ) -> ServiceReply<'a, FilesDelivered> {
        let files = files.into_iter().filter_map(|file| file.into_any().downcast::<FakeFile>().ok());
        let texts: Vec<_> = files.map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).collect();
        let delivered = FilesDelivered { id: "delivery-1".into(), types: vec!["text/plain".into(); texts.len()] };
        later(self.ask(format!("send {texts:?} to {} with {caption:?}", session.stable_key()), delivered))
    }

    fn meet<'a>(&'a self, plugin: &'a PluginId, session: &'a Session) -> ServiceReply<'a, ()> {
        NoServices.meet(plugin, session)
    }

    fn open_session<'a>(&'a self, caller: &'a Caller, key: &'a str) -> ServiceReply<'a, Session> {
        NoServices.open_session(caller, key)
    }

    fn run_value(&self, caller: &Caller, name: &str) -> Result<Option<Json>, ServiceError> {
        NoServices.run_value(caller, name)
    }

    fn set_run_value(&self, caller: &Caller, name: &str, value: Option<Json>) -> Result<bool, ServiceError> {
        NoServices.set_run_value(caller, name, value)
    }

    fn clear_run_values(&self, caller: &Caller) -> Result<(), ServiceError> {
        NoServices.clear_run_values(caller)
    }

    fn session_state(&self, caller: &Caller, session: &Session, namespace: &str) -> Result<Option<Json>, ServiceError> {
        NoServices.session_state(caller, session, namespace)
    }

    fn set_session_state<'a>(
        &'a self,
        caller: &'a Caller,
        session: &'a Session,
        namespace: &'a str,
        value: Option<Json>,
    ) -> ServiceReply<'a, bool> {
        NoServices.set_session_state(caller, session, namespace, value)
    }

    fn emit(&self, caller: &Caller, topic: &str, data: Json) -> Result<(), ServiceError> {
        NoServices.emit(caller, topic, data)
    }

    fn enqueue<'a>(&'a self, caller: &'a Caller, session: &'a Session, injection: InjectionRequest) -> ServiceReply<'a, InjectionQueued> {
        NoServices.enqueue(caller, session, injection)
    }

    fn count_tokens(&self, text: &str) -> u64 {
        NoServices.count_tokens(text)
    }

    fn complete<'a>(&'a self, caller: &'a Caller, request: CompletionRequest) -> ServiceReply<'a, Completed> {
        NoServices.complete(caller, request)
    }

    fn run_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str, message: String) -> ServiceReply<'a, SubagentStarted> {
        NoServices.run_subagent(caller, name, message)
    }

    fn wait_for_subagent<'a>(&'a self, caller: &'a Caller, run: &'a str, patience: Duration) -> ServiceReply<'a, SubagentStatus> {
        NoServices.wait_for_subagent(caller, run, patience)
    }

    fn subagent_messages<'a>(&'a self, caller: &'a Caller, name: &'a str, limit: u32) -> ServiceReply<'a, Vec<Entry>> {
        NoServices.subagent_messages(caller, name, limit)
    }

    fn delete_subagent<'a>(&'a self, caller: &'a Caller, name: &'a str) -> ServiceReply<'a, bool> {
        NoServices.delete_subagent(caller, name)
    }

    fn may_install(&self, candidate: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        NoServices.may_install(candidate)
    }

    fn left<'a>(&'a self, plugin: &'a PluginId, uninstalled: bool) -> ServiceReply<'a, ()> {
        NoServices.left(plugin, uninstalled)
    }
}
