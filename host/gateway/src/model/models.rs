//! The models of a host: providers by name, one of them the default. Made once, from settings; asked at the start of each turn.

use super::{Model, OfflineModel};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use thiserror::Error;

/// The models of a host. There is always one.
#[derive(Clone)]
pub struct Models {
    default: Arc<dyn Model>,
    others: BTreeMap<String, Arc<dyn Model>>,
}

impl Models {
    /// With one provider, which answers when nobody asks for another.
    pub fn new(default: Arc<dyn Model>) -> Self {
        Self { default, others: BTreeMap::new() }
    }

    /// With another provider. One of the same name, the default too, gives way to it.
    #[must_use]
    pub fn with(mut self, model: Arc<dyn Model>) -> Self {
        if model.provider() == self.default.provider() {
            self.default = model;
        } else {
            self.others.insert(model.provider().to_owned(), model);
        }
        self
    }

    /// The provider that answers when nobody asks for another.
    pub fn default_provider(&self) -> &Arc<dyn Model> {
        &self.default
    }

    /// Who answers, and with which of its models. Without a provider it is the default one; without a model, the provider's own default.
    ///
    /// # Errors
    /// When the provider isn't configured, or doesn't have the model. Says what is.
    pub fn resolve(&self, provider: Option<&str>, model: Option<&str>) -> Result<(Arc<dyn Model>, String), NoModel> {
        let found = match provider {
            Some(name) if name != self.default.provider() => self.others.get(name).ok_or_else(|| self.no_provider(name))?,
            _ => &self.default,
        };
        let model = model.unwrap_or(found.default_model());
        match found.has(model) {
            true => Ok((found.clone(), model.to_owned())),
            false => Err(NoModel::Model { provider: found.provider().to_owned(), model: model.to_owned(), configured: self.configured() }),
        }
    }

    fn no_provider(&self, asked: &str) -> NoModel {
        NoModel::Provider { provider: asked.to_owned(), configured: self.configured() }
    }

    fn configured(&self) -> String {
        let mut list = String::new();
        for provider in std::iter::once(&self.default).chain(self.others.values()) {
            let separator = if list.is_empty() { "" } else { "; " };
            let models = provider.models().iter().map(|model| format!("`{model}`")).collect::<Vec<_>>().join(", ");
            let _ = write!(list, "{separator}provider `{}` with {models}", provider.provider());
        }
        list
    }
}

/// The [offline model](OfflineModel) alone.
impl Default for Models {
    fn default() -> Self {
        Self::new(Arc::new(OfflineModel::default()))
    }
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Models({})", self.configured())
    }
}

/// A provider or a model was asked for that isn't configured.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoModel {
    /// No such provider.
    #[error("no model provider `{provider}` is configured (setting `model.provider`); configured: {configured}")]
    Provider {
        /// What was asked for.
        provider: String,
        /// What there is.
        configured: String,
    },
    /// The provider doesn't have it.
    #[error(
        "model `{model}` isn't configured for provider `{provider}` (settings `model.model`, `model.models`); configured: {configured}"
    )]
    Model {
        /// Who was asked.
        provider: String,
        /// What was asked for.
        model: String,
        /// What there is.
        configured: String,
    },
}
