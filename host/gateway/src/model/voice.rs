//! The model of a turn, as it was chosen once for all its calls.

use super::Model;
use std::sync::Arc;

/// Who answers, with which of its models, and how hard it thinks.
#[derive(Clone)]
pub(crate) struct Voice {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) name: String,
    pub(crate) thinking: Option<String>,
}
