//! Summaries as lines of text, within so many tokens.
//!
//! What it is for: each line has the name under which a summary is opened, its day, and the words that point to it. Room goes to the words that point best, wherever they stand; none takes more than
//! twice the share that its entries have in all. What it costs: the host counts each word that is shown. How it fails: where there is no room for the names alone, neighbours become one line.

use crate::node::{Node, descending};
use crate::said::day;
use crate::sketch::Sketch;
use plugbay_sdk::tokens;

/// Tokens of a line with some words, below which neighbours become one.
const LINE: u64 = 24;
/// Percent of a line's share that a sentence may take.
const SENTENCE: u64 = 35;

/// A line that is being made.
struct Line {
    /// What stands before its words.
    head: String,
    words: Vec<String>,
    /// Tokens that its words may take, and take.
    most: u64,
    taken: u64,
}

/// The summaries as a text of so many tokens at most, with what is around a message. None, if not even one line has room.
pub(crate) fn text(heading: &str, nodes: &[Node], sketch: &Sketch, room: u64) -> Option<String> {
    let mut nodes = joined(nodes.to_vec(), room / LINE, sketch);
    while !nodes.is_empty() {
        if let Some(text) = filled(heading, &nodes, sketch, room) {
            return Some(text);
        }
        let fewer = nodes.len() as u64 / 2;
        nodes = if fewer == 0 { Vec::new() } else { joined(nodes, fewer, sketch) };
    }
    None
}

/// Not more than so many, but one: of neighbours those become one that stand for the fewest entries.
fn joined(mut nodes: Vec<Node>, most: u64, sketch: &Sketch) -> Vec<Node> {
    while nodes.len() > 1 && nodes.len() as u64 > most {
        let pairs = nodes.windows(2).map(|pair| pair.iter().map(Node::entries).sum::<u64>());
        let Some(at) = pairs.enumerate().min_by_key(|(_, entries)| *entries).map(|(at, _)| at) else { break };
        let pair: Vec<Node> = nodes.splice(at..at + 2, [Node::default()]).collect();
        if let Some(place) = nodes.get_mut(at) {
            *place = Node::above(&pair, sketch);
        }
    }
    nodes
}

fn filled(heading: &str, nodes: &[Node], sketch: &Sketch, room: u64) -> Option<String> {
    let mut lines = lines(nodes, room);
    let bare = told(heading, &lines);
    let mut left = room.checked_sub(tokens::of_message(&bare))?;
    let mut shown = Vec::new();
    for (line_at, word) in ranked(nodes, sketch) {
        let Some(line) = lines.get_mut(line_at) else { continue };
        let cost = tokens::count(&format!(" {word}"));
        if line.taken + cost > line.most {
            continue;
        }
        let Some(rest) = left.checked_sub(cost) else { break };
        (left, line.taken) = (rest, line.taken + cost);
        line.words.push(word.to_owned());
        shown.push(line_at);
    }
    // Words may take more together than each alone, as the host counts: then the last ones go.
    loop {
        let text = told(heading, &lines);
        if tokens::of_message(&text) <= room {
            return Some(text);
        }
        for _ in 0..=shown.len() / 20 {
            lines.get_mut(shown.pop()?)?.words.pop();
        }
    }
}

/// The lines without their words.
fn lines(nodes: &[Node], room: u64) -> Vec<Line> {
    let all = nodes.iter().map(Node::entries).sum::<u64>().max(1);
    let mut before = String::new();
    let line = |node: &Node| {
        let share = (room * node.entries() / all).max(LINE);
        let (mut head, on) = (node.name(), day(node.at));
        if on != before {
            head.push(' ');
            head.push_str(&on);
            before = on;
        }
        if !node.digest.is_empty() && tokens::count(&node.digest) * 100 <= share * SENTENCE {
            head.push_str(&format!(" “{}”", node.digest));
        }
        head.push(':');
        Line { head, words: Vec::new(), most: share.saturating_mul(2), taken: 0 }
    };
    nodes.iter().map(line).collect()
}

/// All words, with the lines that they belong to: the best first, and of those that are as good the first of each line, then the second.
fn ranked<'a>(nodes: &'a [Node], sketch: &Sketch) -> Vec<(usize, &'a str)> {
    let of_line = |(line, node): (usize, &'a Node)| node.words().enumerate().map(move |(nth, word)| (line, nth, word));
    let mut ranked: Vec<_> =
        nodes.iter().enumerate().flat_map(of_line).map(|(line, nth, word)| (sketch.rank(word), nth, line, word)).collect();
    ranked.sort_by(|a, b| descending(a.0, b.0).then(a.1.cmp(&b.1)));
    ranked.into_iter().map(|(_, _, line, word)| (line, word)).collect()
}

fn told(heading: &str, lines: &[Line]) -> String {
    let mut text = heading.to_owned();
    for line in lines {
        text.push('\n');
        text.push_str(&line.head);
        for word in &line.words {
            text.push(' ');
            text.push_str(word);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u64) -> Vec<Node> {
        let node = |n: u64| Node {
            start: 20 * n,
            end: 20 * n + 20,
            first: 20 * n + 1,
            last: 20 * n + 20,
            at: n * 7_200_000,
            digest: String::new(),
            words: format!("Name{n} bread {}", (0..30).map(|w| format!("word{n}x{w}")).collect::<Vec<_>>().join(" ")),
        };
        (0..count).map(node).collect()
    }

    fn sketch() -> Sketch {
        let mut sketch = Sketch::default();
        nodes(40).iter().for_each(|node| sketch.add(node.words()));
        sketch
    }

    #[test]
    fn the_best_words_are_shown_and_no_token_too_many() {
        let (nodes, sketch) = (nodes(40), sketch());
        for room in [100, 150, 300, 960, 961, 1_500, 3_000, 100_000] {
            let text = text("Before:", &nodes, &sketch, room).unwrap();
            assert!(tokens::of_message(&text) <= room, "{room}");
            let lines: Vec<&str> = text.lines().skip(1).collect();
            assert!(lines.first().unwrap().starts_with("1-") && lines.last().unwrap().contains("-800"), "nothing is left out: {text}");
            if room >= 1_500 {
                assert!(lines.len() == 40 && (0..40).all(|n| lines[n].contains(&format!("Name{n} "))), "{text}");
                assert_eq!(text.contains("bread"), room == 100_000, "{text}");
            }
        }
        assert_eq!(text("Before:", &nodes, &sketch, 8), None);
        assert_eq!(text("Before:", &[], &sketch, 8_000), None);
    }

    #[test]
    fn neighbours_become_one_where_there_is_little_room() {
        let (nodes, sketch) = (nodes(40), sketch());
        let names = |room| {
            text("", &nodes, &sketch, room)
                .unwrap()
                .lines()
                .skip(1)
                .map(|line| line.split([' ', ':']).next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(24), ["1-800"]);
        assert_eq!(names(50), ["1-320", "321-800"]);
    }

    #[test]
    fn one_line_does_not_take_the_room_of_all() {
        let mut nodes = nodes(10);
        nodes.iter_mut().for_each(|node| node.words = node.words.replace("Name", "name"));
        let strange = |n: u8| format!("Str{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26));
        nodes[3].words = (0..=u8::MAX).map(strange).collect::<Vec<_>>().join(" ");
        let text = text("", &nodes, &sketch(), 500).unwrap();
        assert!((0..10).filter(|n| *n != 3).all(|n| text.contains(&format!("{n}x"))), "{text}");
    }

    #[test]
    fn a_sentence_is_shown_where_the_line_has_room_and_a_day_where_it_changes() {
        let mut nodes = nodes(14);
        nodes[2].digest = "They bake bread.".into();
        let wide = text("", &nodes, &sketch(), 2_000).unwrap();
        assert!(
            wide.contains("\n41-60 “They bake bread.”: Name2") && !text("", &nodes, &sketch(), 300).unwrap().contains("They"),
            "{wide}"
        );
        assert!(wide.contains("\n1-20 1970-01-01:") && wide.contains("\n21-40: ") && wide.contains("\n241-260 1970-01-02:"), "{wide}");
    }
}
