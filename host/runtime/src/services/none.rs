//! A host that has plugins and no gateway: every service refuses by name.

use super::{
    AttachmentFile, Caller, Candidate, Caption, Completed, CompletionRequest, FilesDelivered, InjectionQueued, InjectionRequest, JobPlan,
    JobTask, PluginJob, ServiceCode, ServiceError, ServiceReply, Services, SubagentStarted, SubagentStatus,
};
use crate::call::Session;
use crate::id::PluginId;
use crate::json::Json;
use crate::transcript::Entry;
use std::pin::Pin;
use std::time::Duration;

/// No services: a host that has plugins and no gateway.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoServices;

fn none<T>(what: &str) -> Result<T, ServiceError> {
    Err(ServiceError::new(ServiceCode::Failed, format!("{what}: this host runs plugins without a gateway, so it has none")))
}

impl Services for NoServices {
    fn meet<'a>(&'a self, _: &'a PluginId, _: &'a Session) -> ServiceReply<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn open_session<'a>(&'a self, _: &'a Caller, _: &'a str) -> ServiceReply<'a, Session> {
        Box::pin(async { none("sessions") })
    }

    fn run_value(&self, _: &Caller, _: &str) -> Result<Option<Json>, ServiceError> {
        none("a run's context")
    }

    fn set_run_value(&self, _: &Caller, _: &str, _: Option<Json>) -> Result<bool, ServiceError> {
        none("a run's context")
    }

    fn clear_run_values(&self, _: &Caller) -> Result<(), ServiceError> {
        none("a run's context")
    }

    fn session_state(&self, _: &Caller, _: &Session, _: &str) -> Result<Option<Json>, ServiceError> {
        none("session state")
    }

    fn set_session_state<'a>(&'a self, _: &'a Caller, _: &'a Session, _: &'a str, _: Option<Json>) -> ServiceReply<'a, bool> {
        Box::pin(async { none("session state") })
    }

    fn emit(&self, _: &Caller, _: &str, _: Json) -> Result<(), ServiceError> {
        none("agent events")
    }

    fn enqueue<'a>(&'a self, _: &'a Caller, _: &'a Session, _: InjectionRequest) -> ServiceReply<'a, InjectionQueued> {
        Box::pin(async { none("injections") })
    }

    /// A token for four bytes.
    fn count_tokens(&self, text: &str) -> u64 {
        (text.len() as u64).div_ceil(4)
    }

    fn complete<'a>(&'a self, _: &'a Caller, _: CompletionRequest) -> ServiceReply<'a, Completed> {
        Box::pin(async { none("a model") })
    }

    fn run_subagent<'a>(&'a self, _: &'a Caller, _: &'a str, _: String) -> ServiceReply<'a, SubagentStarted> {
        Box::pin(async { none("subagents") })
    }

    fn wait_for_subagent<'a>(&'a self, _: &'a Caller, _: &'a str, _: Duration) -> ServiceReply<'a, SubagentStatus> {
        Box::pin(async { none("subagents") })
    }

    fn subagent_messages<'a>(&'a self, _: &'a Caller, _: &'a str, _: u32) -> ServiceReply<'a, Vec<Entry>> {
        Box::pin(async { none("subagents") })
    }

    fn delete_subagent<'a>(&'a self, _: &'a Caller, _: &'a str) -> ServiceReply<'a, bool> {
        Box::pin(async { none("subagents") })
    }

    fn schedule<'a>(&'a self, _: &'a Caller, _: JobTask, _: JobPlan) -> ServiceReply<'a, PluginJob> {
        Box::pin(async { none("a schedule") })
    }

    fn cancel_job<'a>(&'a self, _: &'a Caller, _: &'a str) -> ServiceReply<'a, bool> {
        Box::pin(async { none("a schedule") })
    }

    fn cancel_jobs<'a>(&'a self, _: &'a Caller, _: Option<&'a Session>, _: &'a str) -> ServiceReply<'a, u32> {
        Box::pin(async { none("a schedule") })
    }

    fn jobs<'a>(&'a self, _: &'a Caller, _: Option<&'a str>) -> ServiceReply<'a, Vec<PluginJob>> {
        Box::pin(async { none("a schedule") })
    }

    /// None: without a schedule nothing waits.
    fn waiting_timers<'a>(&'a self, _: &'a PluginId) -> ServiceReply<'a, Vec<PluginJob>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn create_file<'a>(&'a self, _: &'a Caller, _: &'a str, _: Option<&'a str>) -> ServiceReply<'a, Box<dyn AttachmentFile>> {
        Box::pin(async { none("an outbox") })
    }

    fn send_files<'a>(
        &'a self,
        _: &'a Caller,
        _: &'a Session,
        _: Vec<Box<dyn AttachmentFile>>,
        _: Option<Caption>,
    ) -> ServiceReply<'a, FilesDelivered> {
        Box::pin(async { none("an outbox") })
    }

    fn may_install(&self, _: Candidate) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async { Ok(()) })
    }

    fn left<'a>(&'a self, _: &'a PluginId, _: bool) -> ServiceReply<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
