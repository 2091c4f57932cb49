//! Text of a guest's, made fit for people: without secrets, without control characters, at most a line.
//!
//! Costs one pass for each secret over at most a line. What is cut is counted and said.

/// Derived secrets (the lines of one that has several) that are shorter than this are no secrets: a brace, a word of syntax.
const SHORTEST: usize = 4;

/// Stands for a secret until the text is written out; no text keeps one of its own.
const MARK: char = '\0';

/// Makes text fit for people.
pub(crate) struct Cleaner {
    line: usize,
    /// Longest first, so that one that contains another goes first.
    secrets: Vec<String>,
}

impl Cleaner {
    pub(crate) fn new(line: usize, secrets: &[String]) -> Self {
        // A secret of several lines is met line by line.
        let lines = secrets.iter().filter(|s| s.contains('\n')).flat_map(|s| s.lines()).filter(|line| line.trim().len() >= SHORTEST);
        let mut secrets: Vec<String> = secrets.iter().map(String::as_str).chain(lines).map(str::to_owned).collect();
        secrets.retain(|s| !s.is_empty());
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets.dedup();
        Self { line, secrets }
    }

    /// Bytes of a line that have to be there: a secret that stands where the line is cut must be seen whole.
    pub(crate) fn needs(&self) -> usize {
        self.line + self.secrets.first().map_or(0, String::len)
    }

    /// The text, of which so many bytes more are gone already.
    pub(crate) fn clean(&self, text: &str, more: u64) -> String {
        let seen = text.get(..text.floor_char_boundary(self.needs())).unwrap_or_default();
        let redacted = self.redact(seen);
        let mut clean = String::with_capacity(redacted.len().min(self.line));
        let mut written = 0;
        for c in redacted.chars() {
            if clean.len() >= self.line {
                break;
            }
            match c {
                MARK => clean.push_str("[secret]"),
                '\t' => clean.push(c),
                _ if c.is_control() => clean.extend(c.escape_default()),
                _ => clean.push(c),
            }
            written += c.len_utf8();
        }
        let cut = (text.len() - seen.len() + redacted.len() - written) as u64 + more;
        if cut > 0 {
            clean.push_str(&format!(" [cut: {cut} bytes more]"));
        }
        clean
    }

    fn redact(&self, text: &str) -> String {
        let text = text.replace(MARK, "\u{fffd}");
        self.secrets.iter().fold(text, |text, secret| text.replace(secret.as_str(), "\0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str, secrets: &[&str]) -> String {
        let secrets: Vec<String> = secrets.iter().map(ToString::to_string).collect();
        Cleaner::new(100, &secrets).clean(text, 0)
    }

    #[test]
    fn a_secret_that_contains_another_goes_first_and_none_meets_its_own_mark() {
        assert_eq!(clean("key-and-more, key", &["key", "key-and-more"]), "[secret], [secret]");
        assert_eq!(clean("best", &["e", "s", "t"]), "b[secret][secret][secret]");
        assert_eq!(clean("a\0b", &["b"]), "a\u{fffd}[secret]");
    }

    #[test]
    fn lines_of_a_secret_are_secret_if_they_say_anything() {
        assert_eq!(clean("{ and middle", &["{\nmiddle\n}"]), "{ and [secret]");
    }

    #[test]
    fn what_is_escaped_stays_within_a_line() {
        let escapes = clean(&"\u{1b}".repeat(500), &[]);
        assert!(escapes.len() < 150 && escapes.contains("[cut: 483 bytes more]"), "{escapes}");
        assert_eq!(clean(&"ä".repeat(50), &[]), "ä".repeat(50));
    }

    #[test]
    fn a_secret_where_the_line_ends_is_not_shown_in_part() {
        let shown = clean(&format!("{}0123456789 and more", "x".repeat(95)), &["0123456789"]);
        assert!(!shown.contains('0') || shown.contains("bytes more"), "{shown}");
        assert!(!shown.contains("012"), "{shown}");
    }
}
