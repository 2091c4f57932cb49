//! Reports as pages.
//!
//! What it is for: a page that a browser shows, and prints. What it costs: one pass over each text. How it fails: it doesn't. A page has no script, and says itself that it runs none and loads nothing; every
//! text in it is escaped.

use crate::blocks::{Block, Span, blocks, spans};
use crate::sheet::{Cover, Piece, numbered};

/// What a page may do: nothing but look as it says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:46rem;padding:0 1rem;color:#222}\
h1,h2{line-height:1.2}h2{margin-top:2rem;font-size:1.25rem}.about{color:#666}pre,code{background:#f4f4f4;border-radius:4px}\
pre{padding:.75rem;overflow-x:auto}p,li{overflow-wrap:anywhere}@media print{body{margin:0;max-width:none}}";
/// The end of a page.
pub(crate) const FOOT: &str = "</main>\n</body>\n</html>\n";

/// The beginning: title, facts, contents.
pub(crate) fn head(cover: &Cover) -> String {
    let title = escaped(&cover.title);
    let about = cover.about.iter().map(|about| escaped(about)).collect::<Vec<_>>().join("<br>\n");
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
        <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
        <h1>{title}</h1>\n<p class=\"about\">{about}</p>\n"
    );
    if cover.contents.len() > 1 {
        text.push_str("<nav>\n<h2>Contents</h2>\n<ul>\n");
        for (at, heading) in (1..).zip(&cover.contents) {
            text.push_str(&format!("<li><a href=\"#s{at}\">{}</a></li>\n", escaped(&numbered(at, heading))));
        }
        text.push_str("</ul>\n</nav>\n");
    }
    text
}

/// A piece.
pub(crate) fn piece(piece: &Piece) -> String {
    let id = match piece {
        Piece::Section { number, .. } => format!("s{number}"),
        Piece::Entry { id, .. } => format!("e{id}"),
    };
    let mut text = format!("<section>\n<h2 id=\"{id}\">{}</h2>\n", escaped(&piece.heading()));
    for block in blocks(piece.text()) {
        match block {
            Block::Paragraph(lines) => {
                text.push_str(&format!("<p>{}</p>\n", lines.iter().map(|text| line(text)).collect::<Vec<_>>().join("<br>\n")));
            }
            Block::List(points) => {
                text.push_str("<ul>\n");
                points.iter().for_each(|point| text.push_str(&format!("<li>{}</li>\n", line(point))));
                text.push_str("</ul>\n");
            }
            Block::Code(lines) => text.push_str(&format!("<pre><code>{}\n</code></pre>\n", escaped(&lines.join("\n")))),
        }
    }
    text.push_str("</section>\n");
    text
}

/// A line's words.
fn line(text: &str) -> String {
    let span = |span: Span| match span {
        Span::Text(text) => escaped(text),
        Span::Strong(text) => format!("<strong>{}</strong>", escaped(text)),
        Span::Code(text) => format!("<code>{}</code>", escaped(text)),
    };
    spans(text).into_iter().map(span).collect()
}

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_and_runs_nothing() {
        let contents = vec!["A & B".to_owned(), "\"><img src=x onerror=alert(1)>".to_owned()];
        let cover = Cover { title: "</title><script>".into(), about: vec!["a".into(), "b".into()], contents, columns: &[] };
        let page = head(&cover) + &piece(&Piece::Section { number: 2, heading: "'h'", text: "**<b>**\nx\n\n- `&`\n```\n<i>\n```" }) + FOOT;
        assert!(page.starts_with("<!DOCTYPE html>\n") && page.ends_with("</html>\n"));
        assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;</title>") && page.contains("default-src 'none'"));
        assert!(page.contains("<a href=\"#s1\">1. A &amp; B</a>") && page.contains("<h2 id=\"s2\">2. &#39;h&#39;</h2>"), "{page}");
        assert!(
            page.contains(
                "<p><strong>&lt;b&gt;</strong><br>\nx</p>\n<ul>\n<li><code>&amp;</code></li>\n</ul>\n<pre><code>&lt;i&gt;\n</code></pre>"
            ),
            "{page}"
        );
        for dangerous in ["<script", "<img", "<i>", "<b>"] {
            assert!(!page.contains(dangerous), "{dangerous}");
        }
    }

    #[test]
    fn entries_have_anchors_of_their_own() {
        let text = piece(&Piece::Entry { id: 7, at: 0, speaker: "user", text: "hi" });
        assert_eq!(text, "<section>\n<h2 id=\"e7\">7 user, 1970-01-01 00:00Z</h2>\n<p>hi</p>\n</section>\n");
    }
}
