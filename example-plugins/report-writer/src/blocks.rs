//! What a text is made of: paragraphs, lists, code; and in a line strong words and code.
//!
//! What it is for: agents write a little Markdown, and a report shows that much of it in each format; everything else stands in a report as it was written. What it costs: one pass over the text. How it
//! fails: it doesn't. A fence or a mark that isn't closed is text, or code to the end.

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Block<'a> {
    /// Lines that belong together.
    Paragraph(Vec<&'a str>),
    /// Points of a list.
    List(Vec<&'a str>),
    /// Lines as they stand.
    Code(Vec<&'a str>),
}

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Span<'a> {
    Text(&'a str),
    Strong(&'a str),
    Code(&'a str),
}

const FENCE: &str = "```";

/// A text without control characters, but for the ends of lines and tabs.
pub(crate) fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Its parts.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut code, mut apart) = (false, true);
    for line in text.lines() {
        let bare = line.trim();
        if bare.starts_with(FENCE) && (code || !bare.trim_start_matches('`').contains('`')) {
            code = !code;
            if code {
                blocks.push(Block::Code(Vec::new()));
            }
            apart = true;
            continue;
        }
        match (code, point(bare), blocks.last_mut()) {
            (true, _, Some(Block::Code(lines))) => lines.push(line),
            (false, Some(point), Some(Block::List(points))) if !apart => points.push(point),
            (false, Some(point), _) => blocks.push(Block::List(vec![point])),
            (_, None, Some(Block::Paragraph(lines))) if !apart && !bare.is_empty() => lines.push(bare),
            (_, None, _) if bare.is_empty() => {}
            (_, _, _) => blocks.push(Block::Paragraph(vec![bare])),
        }
        apart = !code && bare.is_empty();
    }
    blocks
}

/// What stands behind the mark of a list's point.
fn point(line: &str) -> Option<&str> {
    line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).map(str::trim_start)
}

/// A line's parts.
pub(crate) fn spans(line: &str) -> Vec<Span<'_>> {
    let (mut spans, mut text, mut at) = (Vec::new(), 0, 0);
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let marked = marked(rest, "`").map(|inner| (Span::Code(inner), inner.len() + 2));
        let found = marked.or_else(|| marked_strong(rest));
        match found {
            Some((span, taken)) => {
                spans.extend(line.get(text..at).filter(|text| !text.is_empty()).map(Span::Text));
                spans.push(span);
                at += taken;
                text = at;
            }
            None => at += next_mark(rest),
        }
    }
    spans.extend(line.get(text..).filter(|text| !text.is_empty()).map(Span::Text));
    spans
}

/// How far it is to what may be a mark, behind the first character.
fn next_mark(rest: &str) -> usize {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    rest.get(first..).and_then(|behind| behind.find(['`', '*'])).map_or(rest.len(), |more| first + more)
}

fn marked_strong(rest: &str) -> Option<(Span<'_>, usize)> {
    let plain = |inner: &&str| !inner.contains('`') && !inner.starts_with('*') && !inner.ends_with('*');
    marked(rest, "**").filter(plain).map(|inner| (Span::Strong(inner), inner.len() + 4))
}

/// What stands between two marks; no space at its edges, and no mark in it.
fn marked<'a>(rest: &'a str, mark: &str) -> Option<&'a str> {
    let inner = rest.strip_prefix(mark)?;
    let inner = inner.get(..inner.find(mark)?)?;
    (!inner.is_empty() && inner.trim() == inner).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_paragraphs_lists_and_code() {
        let text = "One\n two\n\nthree\n- a\n- b\n\n* c\nfour\n```sh\n  ls\n\n- no list\n```\nfive";
        assert_eq!(
            blocks(text),
            [
                Block::Paragraph(vec!["One", "two"]),
                Block::Paragraph(vec!["three"]),
                Block::List(vec!["a", "b"]),
                Block::List(vec!["c"]),
                Block::Paragraph(vec!["four"]),
                Block::Code(vec!["  ls", "", "- no list"]),
                Block::Paragraph(vec!["five"]),
            ]
        );
        assert_eq!(blocks("```\nopen"), [Block::Code(vec!["open"])]);
        assert_eq!(blocks("```\n```\nx"), [Block::Code(vec![]), Block::Paragraph(vec!["x"])]);
        assert_eq!(blocks("```a``` is code"), [Block::Paragraph(vec!["```a``` is code"])]);
        assert!(blocks("\n \n").is_empty());
    }

    #[test]
    fn a_line_has_strong_words_and_code() {
        use Span::{Code, Strong, Text};
        assert_eq!(spans("a **b c** `d*` e"), [Text("a "), Strong("b c"), Text(" "), Code("d*"), Text(" e")]);
        for plain in ["2 ** 3 ** 4", "**", "****", "`", "``", "a `b", "ä ** ö", "** a**"] {
            assert_eq!(spans(plain), [Text(plain)], "{plain}");
        }
        assert!(spans("").is_empty());
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(clean("a\r\nb\rc\u{0}\u{1b}[0m\td\u{85}"), "a\nb\nc[0m\td");
    }
}
