//! In how many leaves each word occurs, about: what is rare points somewhere.
//!
//! What it is for: three small counters for each word, of which the smallest counts, so that the counts of a whole conversation have a fixed size. What it costs: 24 KiB of text in a row.
//! How it fails: words that share all three counters with frequent ones look frequent; of 10,000 different words, about one in a hundred.

use crate::words::{Kind, kind};
use serde::{Deserialize, Serialize};

/// Counters for each of the three.
const COUNTERS: usize = 8_192;
/// How a count of 0 is written: behind it come 56 more characters that JSON writes as they are.
const ZERO: u8 = b'#';
/// The highest count.
const MOST: u8 = 56;

/// The counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Sketch {
    counters: Vec<u8>,
    /// Leaves that were counted.
    leaves: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { counters: vec![0; 3 * COUNTERS], leaves: 0 }
    }
}

impl TryFrom<String> for Sketch {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (leaves, counters) = text.split_once(' ').ok_or("a sketch has a number and counters")?;
        let leaves = leaves.parse().map_err(|error| format!("a sketch begins with a number: {error}"))?;
        let counters: Vec<u8> = counters.bytes().map(|byte| byte.wrapping_sub(ZERO)).collect();
        let is_whole = counters.len() == 3 * COUNTERS && counters.iter().all(|count| *count <= MOST);
        if is_whole { Ok(Self { counters, leaves }) } else { Err("the counters of a sketch aren't what was written".into()) }
    }
}

impl From<Sketch> for String {
    fn from(sketch: Sketch) -> Self {
        let counters = sketch.counters.iter().map(|count| char::from(count + ZERO));
        format!("{} ", sketch.leaves).chars().chain(counters).collect()
    }
}

impl Sketch {
    /// Counts the different words of one more leaf.
    pub(crate) fn add<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        self.leaves += 1;
        for word in words {
            let count = self.count(word);
            // Counters that are higher are so because of other words.
            for place in places(word) {
                if let Some(lowest) = self.counters.get_mut(place).filter(|counter| **counter == count) {
                    *lowest = (count + 1).min(MOST);
                }
            }
        }
    }

    /// In how many leaves a word occurs: rarely fewer than said here, and never more than 56.
    pub(crate) fn count(&self, word: &str) -> u8 {
        places(word).into_iter().filter_map(|place| self.counters.get(place)).min().copied().unwrap_or_default()
    }

    /// How well a word points to where it stands: higher is better. Rare words do; names more than others that are somewhat rarer, numbers, which come by the thousand, less; and long ones
    /// take the room of two.
    pub(crate) fn rank(&self, word: &str) -> f32 {
        let leaves = f32::from(u16::try_from(self.leaves).unwrap_or(u16::MAX));
        let rarity = ((leaves + 1.0) / f32::from(self.count(word).max(1))).ln();
        let worth = match kind(word) {
            Kind::Name => 2.2,
            Kind::Mark => 0.8,
            Kind::Plain => 0.6,
            Kind::Number => -1.0,
        };
        rarity + worth - f32::from(u8::try_from(word.len()).unwrap_or(u8::MAX)) / 16.0
    }
}

/// Where a word's counters are, whatever its case.
fn places(word: &str) -> [usize; 3] {
    let mut hash = word
        .chars()
        .flat_map(char::to_lowercase)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, letter| (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    let place = |nth: usize| nth * COUNTERS + usize::try_from((hash >> (16 * nth)) % COUNTERS as u64).unwrap_or_default();
    [place(0), place(1), place(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_are_told_from_frequent_ones_among_many() {
        let mut sketch = Sketch::default();
        for leaf in 0..250 {
            let own: Vec<String> = (0..40).map(|n| format!("word{leaf}x{n}")).collect();
            sketch.add(own.iter().map(String::as_str).chain(["bread", "Oven"]));
        }
        assert_eq!((sketch.count("bread"), sketch.count("OVEN")), (MOST, MOST));
        let exact = (0..250).filter(|leaf| sketch.count(&format!("word{leaf}x7")) <= 2).count();
        assert!(exact >= 230, "{exact} of 250 rare words look rare among 10,000");
        assert!(sketch.rank("word9x9") > sketch.rank("bread"));
    }

    #[test]
    fn of_equally_rare_words_a_name_points_best() {
        let mut sketch = Sketch::default();
        sketch.add(["Marlowe", "tarragon", "48213"]);
        let ranks = ["Marlowe", "tarragon", "48213"].map(|word| sketch.rank(word));
        assert!(ranks[0] > ranks[1] && ranks[1] > ranks[2], "{ranks:?}");
    }

    #[test]
    fn it_is_written_and_read_and_what_is_garbled_is_refused() {
        let mut sketch = Sketch::default();
        (0..70).for_each(|_| sketch.add(["bread", "oven"]));
        let text = serde_json::to_string(&sketch).unwrap();
        assert!(text.len() < 3 * COUNTERS + 10, "nothing needs an escape: {}", text.len());
        assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch);
        assert!(serde_json::from_str::<Sketch>(&text.replace('#', "~")).is_err());
        assert!(serde_json::from_str::<Sketch>("\"7 ###\"").is_err());
    }
}
