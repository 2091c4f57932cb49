//! The offline model's summary of a text: how each of its lines begins, those in the middle left out where there are too many. The same text has the same summary; as long as
//! it is told to be ("in at most 500 tokens"), about.

/// Tokens of a summary where nobody says how many.
const USUAL: usize = 1_000;
/// The fewest and the most words of a line.
const WORDS: (usize, usize) = (4, 16);
/// The most characters of a line.
const CHARACTERS: usize = 100;

/// A summary of a text, as long as the instructions want it.
pub(super) fn digest(instructions: &str, text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let room = wanted(instructions).unwrap_or(USUAL) / 3; // in words
    let most = (room / WORDS.0).max(2);
    let words = (room / lines.len().max(1)).clamp(WORDS.0, WORDS.1);
    let start = |line: &&str| beginning(line, words);
    if lines.len() <= most {
        return lines.iter().map(start).collect::<Vec<_>>().join("\n");
    }
    let left_out = lines.len() - most;
    let first = lines.iter().take(most / 2).map(start);
    let last = lines.iter().skip(most / 2 + left_out).map(start);
    first.chain([format!("({left_out} lines are left out)")]).chain(last).collect::<Vec<_>>().join("\n")
}

/// The number behind "in at most".
fn wanted(instructions: &str) -> Option<usize> {
    let (_, rest) = instructions.split_once("in at most ")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn beginning(line: &str, words: usize) -> String {
    let start = line.split_whitespace().take(words).collect::<Vec<_>>().join(" ");
    start.chars().take(CHARACTERS).collect()
}
