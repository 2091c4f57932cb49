//! How much of a model's window text takes.
//!
//! What it is for: whoever puts text before a model keeps within a number of tokens. [`Transcript::tokens`](crate::Transcript::tokens) has the same of what was said
//! already. What it costs: a call of the host, which counts; no grant. How it fails: it doesn't. The host's tokenizer may be another than the model's, so it is a good guess.
//!
//! Natively (in an author's tests) four bytes are a token, rounded up.

/// What a message takes beside its text.
pub const FRAME: u64 = 4;

/// Tokens of a text, as the host counts them.
#[must_use]
pub fn count(text: &str) -> u64 {
    #[cfg(target_family = "wasm")]
    return crate::bindings::imports::plugbay::plugin::tokens::count(text);
    #[cfg(not(target_family = "wasm"))]
    return (text.len() as u64).div_ceil(4);
}

/// Tokens of a message that says this text: [`FRAME`] more.
#[must_use]
pub fn of_message(text: &str) -> u64 {
    count(text) + FRAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_are_a_token_and_a_message_has_a_frame() {
        assert_eq!(["", "a", "abcd", "abcde", "ää"].map(count), [0, 1, 1, 2, 1]);
        assert_eq!(of_message("abcde"), 6);
    }
}
