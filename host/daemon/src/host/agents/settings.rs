//! What the configuration says about agents, as the gateway takes it.

use crate::config::{Config, Provider};
use crate::host::StartError;
use plugbay_gateway::model::{KeySource, Model, Models, OfflineModel, OpenAiModel, OpenAiSettings};
use plugbay_gateway::{ApprovalsSettings, GatewaySettings};
use plugbay_runtime::PluginsSettings;
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
        ..GatewaySettings::default()
    })
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
