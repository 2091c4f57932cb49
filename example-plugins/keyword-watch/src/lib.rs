//! Warns in the log when one of the operator's words appears in a message.
//!
//! What it is for: somebody wants to know when "refund" or "lawyer" is mentioned, and nobody wants to read everything. What it costs: one
//! pass over each message. How it fails: a message that is too long to be handed over is an error in the plugin's record, and nothing waits
//! for it. A keyword without a letter or digit is refused when the plugin starts.

#![forbid(unsafe_code)]

use plugbay_sdk::prelude::*;

/// What the operator sets.
#[plugbay_sdk::settings]
struct Settings {
    /// The words, or short phrases. Case doesn't matter; only whole words count.
    words: Vec<String>,
}

/// A keyword, and the words that it consists of.
struct Keyword {
    text: String,
    words: Vec<String>,
}

struct KeywordWatch {
    keywords: Vec<Keyword>,
}

#[plugin(isolation(shared, pool))]
impl KeywordWatch {
    fn activate(_: &Activation, settings: Settings) -> Result<Self> {
        let keywords = settings.words.into_iter().map(Keyword::read).collect::<Result<_>>()?;
        Ok(Self { keywords })
    }

    /// Writes one warning for each keyword that appears.
    fn message_received(&self, _: &Call, event: Message) -> Result<()> {
        let id = event.message_id.as_deref().unwrap_or("without an id");
        for keyword in self.found_in(event.text.as_str()?) {
            log::warn!("message {id}: `{keyword}`");
        }
        Ok(())
    }
}

impl KeywordWatch {
    /// The keywords that appear, in the operator's order.
    fn found_in(&self, message: &str) -> Vec<&str> {
        let message = words(message);
        let appears = |keyword: &&Keyword| message.windows(keyword.words.len()).any(|window| window == keyword.words);
        self.keywords.iter().filter(appears).map(|keyword| keyword.text.as_str()).collect()
    }
}

impl Keyword {
    fn read(text: String) -> Result<Self> {
        let words = words(&text);
        // An empty list of words has no window to look through.
        if words.is_empty() { Err(Error::new(format!("`{text}` is no word to watch for"))) } else { Ok(Self { text, words }) }
    }
}

/// The words of a text, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(words: &[&str]) -> KeywordWatch {
        KeywordWatch { keywords: words.iter().map(|word| Keyword::read((*word).into()).unwrap()).collect() }
    }

    #[test]
    fn whole_words_count_whatever_their_case() {
        let watch = watch(&["Refund", "lawyer", "größe"]);
        assert_eq!(watch.found_in("I want a REFUND, or my lawyer calls."), ["Refund", "lawyer"]);
        assert_eq!(watch.found_in("GRÖßE?"), ["größe"]);
        assert!(watch.found_in("refunds and lawyers").is_empty());
        assert!(watch.found_in("").is_empty());
    }

    #[test]
    fn a_phrase_matches_across_punctuation() {
        let watch = watch(&["e-mail", "due date"]);
        assert_eq!(watch.found_in("Which e mail? The due  date!"), ["e-mail", "due date"]);
        assert!(watch.found_in("the date is due").is_empty());
    }

    #[test]
    fn a_keyword_without_a_word_is_refused() {
        assert_eq!(Keyword::read("!?".into()).err().unwrap().to_string(), "`!?` is no word to watch for");
    }

    #[test]
    fn a_message_that_is_too_long_is_an_error() {
        let mut message = Message::new("m1", "");
        message.text = Text::Truncated(plugbay_sdk::Truncated { bytes: 300_000 });
        assert!(watch(&["a"]).message_received(&Call::default(), message).unwrap_err().to_string().contains("300000"));
        assert_eq!(watch(&["a"]).message_received(&Call::default(), Message::new("m1", "a")), Ok(()));
    }
}
