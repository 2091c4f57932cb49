//! What the configuration says about agents, as the gateway takes it.

use crate::config::{Config, Provider};
use crate::host::StartError;
use plugbay_gateway::model::{KeySource, Model, Models, OfflineModel, OpenAiModel, OpenAiSettings};
use plugbay_gateway::{ApprovalsSettings, FolderOutbox, GatewaySettings, OutboxSettings, ScheduleSettings};
use plugbay_runtime::PluginsSettings;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The gateway's settings.
pub(in crate::host) fn settings(config: &Config, plugins: PluginsSettings) -> Result<GatewaySettings, StartError> {
    let agent = &config.agent;
    Ok(GatewaySettings {
        plugins,
        approvals: ApprovalsSettings { asked: agent.approvals, pending: agent.approvals_pending },
        models: models(config)?,
        system_prompt: agent.system_prompt.clone(),
        rounds: agent.rounds,
        history_tokens: agent.history_tokens,
        waiting: agent.waiting,
        heartbeats: agent.heartbeats.clone(),
        subagents: agent.subagents,
        context_engine: config.slots.context_engine.clone(),
        schedule: schedule(config),
        outbox: outbox(config)?,
        ..GatewaySettings::default()
    })
}

fn schedule(config: &Config) -> ScheduleSettings {
    let crate::config::Schedule { jobs, concurrent, catch_up } = config.schedule;
    ScheduleSettings { jobs, concurrent, catch_up, ..ScheduleSettings::default() }
}

/// The outbox is this host's alone: what another left half written is cleared.
fn outbox(config: &Config) -> Result<OutboxSettings, StartError> {
    let path = config.outbox_folder();
    let outbox = its_own(config, &path).and_then(|()| FolderOutbox::open(&path)).map_err(|source| StartError::Outbox { path, source })?;
    Ok(OutboxSettings { outbox: Some(Arc::new(outbox)), keep: config.outbox.keep, bytes: config.outbox.bytes })
}

/// Whatever is in the outbox and isn't listed is removed, so the host's own directories may not be there. Whatever else is there, who opens it refuses.
fn its_own(config: &Config, outbox: &Path) -> io::Result<()> {
    let host = &config.host;
    match [&host.state, &host.plugins, &host.cache].into_iter().find(|own| own.starts_with(outbox)) {
        Some(own) => {
            Err(io::Error::other(format!("the host's own directory {} is there: say one in which nothing else is", own.display())))
        }
        None => Ok(()),
    }
}

/// The offline model is always there; a plugin may choose it.
fn models(config: &Config) -> Result<Models, StartError> {
    let offline: Arc<dyn Model> = Arc::new(OfflineModel::default().within(config.model.takes()));
    let settings = &config.model;
    let Some(name) = &settings.model else { return Ok(Models::new(offline)) };
    let key = match (&settings.key_file, &settings.key_env) {
        (Some(file), _) => KeySource::File(file.clone()),
        (None, Some(variable)) => KeySource::Env(variable.clone()),
        (None, None) => KeySource::None,
    };
    let server: Arc<dyn Model> = Arc::new(OpenAiModel::new(OpenAiSettings {
        key,
        models: settings.models.iter().cloned().collect(),
        window: settings.takes(),
        timeouts: settings.timeouts,
        retries: settings.retries,
        ..OpenAiSettings::new(&settings.base_url, name)
    })?);
    Ok(match settings.provider {
        Provider::Offline => Models::new(offline).with(server),
        Provider::OpenAi => Models::new(server).with(offline),
    })
}
