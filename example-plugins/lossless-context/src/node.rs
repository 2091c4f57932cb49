//! A summary: for which entries it stands, what they are about, and the words that point to them.
//!
//! What it is for: leaves are made of entries, and what stands above them of sixteen summaries each. What it costs: a leaf one pass over its words, the others one over those of their children.
//! How it fails: it doesn't; both are bounded in bytes, so that sixteen of them are one row.

use crate::said::said;
use crate::sketch::Sketch;
use crate::words::words;
use plugbay_sdk::Entry;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// How many summaries one stands above.
pub(crate) const FAN_OUT: usize = 16;
/// Bytes of a leaf's words, and of those above.
const LEAF_WORDS: usize = 1_400;
const UPPER_WORDS: usize = 2_600;
/// Bytes of what it says in a sentence.
const DIGEST: usize = 400;
/// Bytes of a sentence that is taken from what was said.
const SENTENCE: std::ops::RangeInclusive<usize> = 20..=160;

/// A summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// The position of its first entry in the transcript.
    pub(crate) start: u64,
    /// The position behind its last.
    pub(crate) end: u64,
    /// The id of its first entry.
    pub(crate) first: u64,
    /// The id of its last.
    pub(crate) last: u64,
    /// When the first was said.
    pub(crate) at: u64,
    /// What it says in a sentence, if anything.
    pub(crate) digest: String,
    /// The words that point to it, with spaces between; the best first, as was known when it was made.
    pub(crate) words: String,
}

impl Node {
    /// A leaf: these entries, of which the first is at this position.
    pub(crate) fn leaf(start: u64, entries: &[Entry], sketch: &Sketch) -> Self {
        let texts: Vec<String> = entries.iter().map(said).collect();
        let all: Vec<String> = different(texts.iter().flat_map(|text| words(text)));
        let (first, last) = (entries.first(), entries.last());
        Self {
            start,
            end: start + entries.len() as u64,
            first: first.map_or(0, |entry| entry.id),
            last: last.map_or(0, |entry| entry.id),
            at: first.map_or(0, |entry| entry.at),
            digest: sentence(&texts, sketch),
            words: best(all.iter().map(String::as_str), sketch, LEAF_WORDS),
        }
    }

    /// What stands above these, which follow one another.
    pub(crate) fn above(children: &[Self], sketch: &Sketch) -> Self {
        let (first, last) = (children.first(), children.last());
        let all = different(children.iter().flat_map(Self::words).map(str::to_owned));
        Self {
            start: first.map_or(0, |node| node.start),
            end: last.map_or(0, |node| node.end),
            first: first.map_or(0, |node| node.first),
            last: last.map_or(0, |node| node.last),
            at: first.map_or(0, |node| node.at),
            digest: String::new(),
            words: best(all.iter().map(String::as_str), sketch, UPPER_WORDS),
        }
    }

    /// The words that point to it.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.split_whitespace()
    }

    /// Under which name it can be opened.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.first, self.last)
    }

    /// For how many entries it stands.
    pub(crate) fn entries(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether it stands for any of the entries with these ids.
    pub(crate) fn meets(&self, first: u64, last: u64) -> bool {
        self.first <= last && first <= self.last
    }

    /// Says this in a sentence or two, cut to its bound.
    pub(crate) fn say(&mut self, text: &str) {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let plain: String = plain.chars().filter(|letter| !letter.is_control()).collect();
        self.digest = plain.get(..plain.floor_char_boundary(DIGEST)).unwrap_or_default().to_owned();
    }
}

/// The different words of a leaf's entries, for counting.
pub(crate) fn words_of(entries: &[Entry]) -> Vec<String> {
    different(entries.iter().flat_map(|entry| words(&said(entry))))
}

/// Each word once, whatever its case: as it stands first.
fn different(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words.filter(|word| seen.insert(word.to_lowercase())).collect()
}

/// The best words, as many as have room.
fn best<'a>(words: impl Iterator<Item = &'a str>, sketch: &Sketch, bytes: usize) -> String {
    let mut ranked: Vec<(f32, &str)> = words.map(|word| (sketch.rank(word), word)).collect();
    ranked.sort_by(|a, b| descending(a.0, b.0));
    let mut text = String::new();
    for (_, word) in ranked {
        if text.len() + word.len() < bytes {
            text.push_str(word);
            text.push(' ');
        }
    }
    text.trim_end().to_owned()
}

/// The highest first.
pub(crate) fn descending(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}

/// The sentence that has most to say for its length.
fn sentence(texts: &[String], sketch: &Sketch) -> String {
    let sentences = texts.iter().flat_map(|text| text.split_inclusive(['.', '!', '?', '\n'])).map(str::trim);
    let weight = |sentence: &str| {
        let words = different(words(sentence).into_iter());
        words.iter().map(|word| sketch.rank(word)).sum::<f32>() / (12.0 + f32::from(u16::try_from(words.len()).unwrap_or(u16::MAX)))
    };
    let weighed = sentences.filter(|text| SENTENCE.contains(&text.len())).map(|text| (weight(text), text));
    let best = weighed.max_by(|a, b| a.0.total_cmp(&b.0)).map_or("", |(_, text)| text);
    let mut node = Node::default();
    node.say(best);
    node.digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_sdk::{Payload, Role};

    fn entry(id: u64, text: &str) -> Entry {
        Entry { id, role: Role::User, at: id, content: Payload::Json(format!("{text:?}")), tool_call_id: None }
    }

    #[test]
    fn a_leaf_has_its_rare_words_first_and_its_telling_sentence() {
        let mut sketch = Sketch::default();
        (0..30).for_each(|_| sketch.add(["bread", "oven", "yeast"]));
        let entries = [
            entry(7, "The bread is in the oven. We store the astrolabe in the blue cabinet."),
            entry(8, "More yeast, more bread for the oven."),
        ];
        sketch.add(words_of(&entries).iter().map(String::as_str));
        let leaf = Node::leaf(40, &entries, &sketch);
        assert_eq!((leaf.start, leaf.end, leaf.entries(), leaf.name().as_str()), (40, 42, 2, "7-8"));
        let told: Vec<&str> = leaf.words().collect();
        assert!(told[..4].contains(&"astrolabe") && told[4..].contains(&"bread"), "{told:?}");
        assert_eq!(leaf.digest, "We store the astrolabe in the blue cabinet.");
        let above =
            Node::above(&[leaf.clone(), Node { first: 9, last: 20, start: 42, end: 54, words: "zither Bread".into(), ..leaf }], &sketch);
        assert_eq!((above.name().as_str(), above.entries()), ("7-20", 14));
        assert_eq!(above.words().filter(|word| word.eq_ignore_ascii_case("bread")).count(), 1);
    }

    #[test]
    fn sixteen_of_them_are_one_row_whatever_was_said() {
        let text: String = (0..30_000).map(|n| format!("Größe{n}\"\\ ")).collect();
        let mut leaf = Node::leaf(u64::MAX - 1, &[entry(u64::MAX, &text)], &Sketch::default());
        leaf.say(&"\"\\".repeat(1_000));
        let mut above = Node::above(&(0..16).map(|_| Node { words: text.clone(), ..leaf.clone() }).collect::<Vec<_>>(), &Sketch::default());
        above.say(&"\"\\".repeat(1_000));
        for node in [leaf, above] {
            assert!(node.words.len() > 1_300, "it is full");
            assert!(serde_json::to_string(&vec![node; FAN_OUT]).unwrap().len() <= 64 << 10);
        }
    }
}
