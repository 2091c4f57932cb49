//! Reports in Markdown, as CommonMark has it.
//!
//! What it is for: the format that people read anywhere. What it costs: one pass over each text. How it fails: it doesn't: of a text only lists, code and strong words are markup, and
//! everything else that could be has a `\` before it. Many readers make a link of each web address, and would take such a `\` for a part of it: an address stands in `<>`, as a link to
//! itself and nowhere else.

use crate::blocks::{Block, Span, blocks, spans};
use crate::sheet::{Cover, Piece, numbered};

/// The beginning: title, facts, contents.
pub(crate) fn head(cover: &Cover) -> String {
    let mut text = format!("# {}\n\n", line(&cover.title));
    for about in &cover.about {
        text.push_str(&format!("{}  \n", line(about)));
    }
    if cover.contents.len() > 1 {
        text.push_str("\n## Contents\n\n");
        for (at, heading) in cover.contents.iter().enumerate() {
            text.push_str(&format!("{}. [{}](#{})\n", at + 1, plain(heading), anchor(&numbered(at + 1, heading))));
        }
    }
    text
}

/// A piece.
pub(crate) fn piece(piece: &Piece) -> String {
    let mut text = format!("\n## {}\n", heading(&piece.heading()));
    for block in blocks(piece.text()) {
        text.push('\n');
        match block {
            Block::Paragraph(lines) => {
                text.push_str(&lines.iter().map(|text| line(text)).collect::<Vec<_>>().join("  \n"));
                text.push('\n');
            }
            Block::List(points) => points.iter().for_each(|point| text.push_str(&format!("- {}\n", line(point)))),
            Block::Code(lines) => {
                let fence = "`".repeat(longest_run(&lines).max(2) + 1);
                text.push_str(&format!("{fence}\n{}\n{fence}\n", lines.join("\n")));
            }
        }
    }
    text
}

fn longest_run(lines: &[&str]) -> usize {
    lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0)
}

/// A heading's words: its number is no list's.
fn heading(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    words(text, &mut out);
    out
}

/// Words without links: those of a link.
fn plain(text: &str) -> String {
    text.chars().map(escaped).collect()
}

/// A line's words.
fn line(text: &str) -> String {
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + 8);
    if begins_something(text) {
        match text.split_once(['.', ')']).filter(|(number, _)| is_number(number)) {
            Some((number, _)) => {
                // "1\. " is no list's point.
                let (_, mark) = text.split_at(number.len());
                out.push_str(number);
                out.push('\\');
                words(mark, &mut out);
                return out;
            }
            None => out.push('\\'),
        }
    }
    for span in spans(text) {
        match span {
            Span::Text(text) => words(text, &mut out),
            Span::Strong(text) => out.push_str(&format!("**{}**", heading(text))),
            Span::Code(text) => out.push_str(&format!("`{text}`")),
        }
    }
    out
}

/// Words as they stand, with addresses between them.
fn words(mut text: &str, out: &mut String) {
    while let Some((before, address, behind)) = address(text) {
        out.push_str(&format!("{}<{address}>", plain(before)));
        text = behind;
    }
    out.push_str(&plain(text));
}

/// The first web address of a text, what stands before it, and what behind. Marks at its end belong to the sentence.
fn address(text: &str) -> Option<(&str, &str, &str)> {
    let (at, scheme) = ["http://", "https://"].iter().filter_map(|scheme| text.find(scheme).map(|at| (at, scheme.len()))).min()?;
    let (before, rest) = text.split_at(at);
    let end = rest.find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>')).unwrap_or(rest.len());
    let address = rest.get(..end)?;
    let is_mark = |c: char| {
        matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '*' | '_' | '~' | ']') || (c == ')' && !address.contains('('))
    };
    let address = address.trim_end_matches(is_mark);
    (address.len() > scheme).then(|| (before, address, rest.get(address.len()..).unwrap_or_default()))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a line that begins so would be a heading, a list's point, or a rule.
fn begins_something(text: &str) -> bool {
    text.starts_with(['#', '+', '-', '=']) || text.split_once(['.', ')']).is_some_and(|(number, _)| is_number(number))
}

/// A character that could be markup, with a `\` before it.
fn escaped(c: char) -> String {
    if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$') { format!("\\{c}") } else { c.to_string() }
}

/// What points to a heading, as GitHub and most others make it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>();
    kept.trim().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> String {
        piece(&Piece::Section { number: 1, heading: "H", text })
    }

    #[test]
    fn a_cover_has_contents_that_lead_somewhere() {
        let contents = vec!["Costs & *risks*".to_owned(), "What’s next?".to_owned()];
        let cover = Cover { title: "Week 3 <b>".into(), about: vec!["Written 2026".into()], contents, columns: &[] };
        assert_eq!(
            head(&cover),
            "# Week 3 \\<b\\>\n\nWritten 2026  \n\n## Contents\n\n1. [Costs \\& \\*risks\\*](#1-costs--risks)\n2. [What’s next?](#2-whats-next)\n"
        );
        let one = Cover { contents: vec!["A".into()], ..cover };
        assert!(!head(&one).contains("Contents"), "one section needs none");
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            section("# no heading\n1. no list\n2) none\n+ none\n---\n=== "),
            "\n## 1. H\n\n\\# no heading  \n1\\. no list  \n2\\) none  \n\\+ none  \n\\---  \n\\===\n"
        );
        assert_eq!(
            section("<script>x</script> [a](b) a_b ![i](j) | ~~"),
            "\n## 1. H\n\n\\<script\\>x\\</script\\> \\[a\\](b) a\\_b !\\[i\\](j) \\| \\~\\~\n"
        );
        assert_eq!(section("2.5 **strong** `co*de`"), "\n## 1. H\n\n2\\.5 \\*\\*strong\\*\\* \\`co\\*de\\`\n");
        assert_eq!(section("is **strong** `co*de`"), "\n## 1. H\n\nis **strong** `co*de`\n");
        assert_eq!(section("- a\n- # b"), "\n## 1. H\n\n- a\n- \\# b\n");
    }

    #[test]
    fn an_address_leads_to_itself_and_nowhere_else() {
        for (text, wanted) in [
            ("see https://a.example/b_c?d=1&e=*f*.", "see <https://a.example/b_c?d=1&e=*f>\\*."),
            ("(http://a.example/x_y), **https://b.example/_**", "(<http://a.example/x_y>), **<https://b.example/>\\_**"),
            ("https://a.example/b_(c)", "<https://a.example/b_(c)>"),
            ("https://a[b https://c](https://d)", "<https://a[b> <https://c](https://d)>"),
            ("[x](https://a.example) <https://b_c>", "\\[x\\](<https://a.example>) \\<<https://b_c>\\>"),
            ("1. https://a_b", "1\\. <https://a_b>"),
            ("`https://a_b` https:// www.a_b.example", "`https://a_b` https:// www.a\\_b.example"),
        ] {
            assert_eq!(section(text), format!("\n## 1. H\n\n{wanted}\n"), "{text}");
        }
        let heading = "On https://a.example/b_c".to_owned();
        assert!(piece(&Piece::Section { number: 1, heading: &heading, text: "" }).contains("## 1. On <https://a.example/b_c>\n"));
        let cover = Cover { title: "T".into(), about: Vec::new(), contents: vec![heading, "B".into()], columns: &[] };
        assert!(head(&cover).contains("1. [On https://a.example/b\\_c](#1-on-httpsaexampleb_c)\n"), "{}", head(&cover));
    }

    #[test]
    fn code_stays_in_its_fence() {
        assert_eq!(section("```\na ```` b\n# c\n```"), "\n## 1. H\n\n`````\na ```` b\n# c\n`````\n");
        assert_eq!(section("```\n\n```"), "\n## 1. H\n\n```\n\n```\n");
    }
}
