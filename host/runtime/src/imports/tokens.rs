//! `tokens`: how much of a model's window text takes. A tokenizer is the gateway's to have; counting costs about what it costs to copy the text, and is charged to the call's time. So that no call keeps
//! a thread of the host's for long, only the beginning of a long text is counted, and the rest is estimated.

use super::View;
use crate::wire::plugbay::plugin::tokens::Host;

/// Bytes of a text that are counted.
const COUNTED: usize = 1 << 20;
/// Bytes of the rest that are taken for a token.
const EACH: usize = 4;

impl Host for View<'_> {
    fn count(&mut self, text: String) -> wasmtime::Result<u64> {
        let (counted, estimated) = divided(&text);
        Ok(self.guest.services().count_tokens(counted).saturating_add(estimated))
    }
}

/// What is counted of a text, and the tokens of the rest.
fn divided(text: &str) -> (&str, u64) {
    let (counted, rest) = text.split_at(text.floor_char_boundary(COUNTED));
    (counted, u64::try_from(rest.len().div_ceil(EACH)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_mebibyte_is_estimated() {
        let text = "a".repeat(COUNTED);
        assert_eq!(divided(""), ("", 0));
        assert_eq!(divided(&text), (&*text, 0), "all of it");
        assert_eq!(divided(&format!("{text}12345")), (&*text, 2));
        let cut = format!("{}é123", &text[1..]);
        assert_eq!(divided(&cut), (&text[1..], 2), "no character is cut in two");
    }
}
