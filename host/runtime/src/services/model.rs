//! Questions to the host's model, and their answers.

/// What a plugin asks the host's model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionRequest {
    /// The message.
    pub message: String,
    /// The instructions above it.
    pub system_prompt: Option<String>,
    /// How long to wait, in milliseconds.
    pub timeout_ms: Option<u32>,
}

/// What the host's model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Its words.
    pub text: String,
    /// Who answered.
    pub model: String,
    /// Tokens that it read, if the provider says.
    pub input_tokens: Option<u64>,
    /// Tokens that it wrote, if the provider says.
    pub output_tokens: Option<u64>,
}
