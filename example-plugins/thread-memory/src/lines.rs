//! Lines of a message that want something remembered.
//!
//! What it is for: a person says `remember: …` and needs no tool. What it costs: one pass over the message. How it fails: it doesn't; what is beyond the
//! bound is said.

/// What such a line begins with, in any capitals.
const WORD: &str = "remember:";
/// Lines of one message at most.
const LINES: usize = 10;

/// What a message wants remembered, and what of it is too much.
pub(crate) fn wanted(message: &str) -> (Vec<&str>, Vec<String>) {
    let mut wanted: Vec<&str> = message.lines().filter_map(behind_the_word).collect();
    let count = wanted.len();
    wanted.truncate(LINES);
    let refused = (count > LINES).then(|| format!("a message has {count} lines to remember: the first {LINES} count"));
    (wanted, refused.into_iter().collect())
}

fn behind_the_word(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let word = line.get(..WORD.len())?;
    if word.eq_ignore_ascii_case(WORD) { line.get(WORD.len()..) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_the_word_are_wanted() {
        let (wanted_lines, refused) = wanted("Hello.\nremember: one\n  Remember:two\nI remember: three\nremember\nREMEMBER: \nähm: x");
        assert_eq!((wanted_lines, refused), (vec![" one", "two", " "], vec![]));
        let many = "remember: x\n".repeat(11);
        let (wanted_lines, refused) = wanted(&many);
        assert_eq!((wanted_lines.len(), refused), (10, vec!["a message has 11 lines to remember: the first 10 count".to_owned()]));
    }
}
