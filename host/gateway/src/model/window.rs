//! How much a model takes at once. Plain numbers; nothing here can fail.

/// A model's window: tokens of what it is given and what it answers together, and how many of them are kept free for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelWindow {
    tokens: u64,
    reserve: u64,
}

impl ModelWindow {
    /// So many tokens, of which 8,192 are kept free, or a quarter if that is less.
    #[must_use]
    pub const fn of(tokens: u64) -> Self {
        let quarter = tokens / 4;
        Self { tokens, reserve: if quarter < 8_192 { quarter } else { 8_192 } }
    }

    /// Keeps so many free for the answer; never all.
    #[must_use]
    pub const fn reserving(self, tokens: u64) -> Self {
        let most = self.tokens.saturating_sub(1);
        Self { reserve: if tokens < most { tokens } else { most }, ..self }
    }

    /// Tokens in all.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        self.tokens
    }

    /// Tokens that are kept free for the answer.
    #[must_use]
    pub const fn reserve(self) -> u64 {
        self.reserve
    }
}

/// 128,000 tokens.
impl Default for ModelWindow {
    fn default() -> Self {
        Self::of(128_000)
    }
}
