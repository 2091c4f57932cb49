//! Changes one value in a TOML text, and no byte besides.
//!
//! `toml_edit` says where a value stands and in which form its tables were written (headers, dotted keys, inline); the text is patched there, in the
//! same form. What is removed leaves its comments behind. Costs a parse for each value that is changed or removed. Fails if the text is no TOML.

use std::ops::Range;
use toml_edit::{Document, Item, Key, Table, TomlError};
use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

/// Sets the value at a path. If nothing is there, it goes to the end of the nearest table that is; a table that has to be made gets a header with the
/// first `home` names.
pub(crate) fn set(text: &str, path: &[&str], home: usize, value: &str) -> Result<String, TomlError> {
    let document = Document::parse(text)?;
    let trail = trail(document.as_item(), path);
    if let Some((_, item)) = trail.get(path.len()) {
        let Some(at) = item.as_value().and_then(toml_edit::Value::span) else { return set(&remove(text, path)?, path, home, value) };
        return Ok(if text.get(at.clone()) == Some(value) { text.to_owned() } else { spliced(text, at, value) });
    }
    let depth = trail.len() - 1;
    // The table in whose form the new line has to be: dotted ones belong to the one around them.
    let around = trail.iter().rposition(|(_, item)| !is_dotted(item)).unwrap_or(0);
    let container = trail.last().map_or(document.as_item(), |(_, item)| item);
    let line = |from: usize| format!("{} = {value}", path.get(from..).unwrap_or_default().join("."));
    let whole = trail.get(around).map_or(document.as_item(), |(_, item)| item);
    if let Some(inline) = whole.as_inline_table() {
        return Ok(in_braces(text, inline.span().unwrap_or(0..0), end_of(container), &line(around)));
    }
    let has_header = whole.as_table().is_some_and(|t| !t.is_implicit());
    if depth > around || (has_header && depth >= home) {
        return Ok(line_after(text, end_of(container).or_else(|| whole.span().map(|s| s.end)).unwrap_or(0), &line(around)));
    }
    let header = depth.max(home);
    Ok(at_the_end(text, &path.get(..header).unwrap_or_default().join("."), &line(header)))
}

/// Removes what is at a path, if anything is: values, tables in all their parts, headers.
pub(crate) fn remove(text: &str, path: &[&str]) -> Result<String, TomlError> {
    let mut text = text.to_owned();
    while let Some(piece) = first_piece(&Document::parse(text.as_str())?, path) {
        text = match piece {
            Piece::Line(at) => without_lines(&text, &at),
            Piece::Braced(at) => without_braced(&text, &at),
        };
    }
    Ok(text)
}

/// Part of something that is removed.
enum Piece {
    /// A value, or a header, with lines of its own.
    Line(Range<usize>),
    /// A value within braces.
    Braced(Range<usize>),
}

/// A table or value, and the key that names it.
type Named<'d> = (Option<&'d Key>, &'d Item);

/// The file and everything on the way to the path, as far as it exists.
fn trail<'d>(root: &'d Item, path: &[&str]) -> Vec<Named<'d>> {
    let mut trail = vec![(None, root)];
    let mut here = root;
    for name in path {
        let Some((key, item)) = here.as_table_like().and_then(|table| table.get_key_value(name)) else { break };
        trail.push((Some(key), item));
        here = item;
    }
    trail
}

fn is_dotted(item: &Item) -> bool {
    item.as_table_like().is_some_and(|table| table.is_dotted())
}

/// What a table has, with keys; of a list of tables, what they have.
fn children(item: &Item) -> Vec<(&Key, &Item)> {
    let Some(table) = item.as_table_like() else { return Vec::new() };
    table.iter().filter_map(|(name, _)| table.get_key_value(name)).collect()
}

/// Where the last value of a table ends that isn't under a header of its own.
fn end_of(item: &Item) -> Option<usize> {
    let end = |(_, child): (_, &Item)| if is_dotted(child) { end_of(child) } else { child.as_value().and_then(|v| Some(v.span()?.end)) };
    children(item).into_iter().filter_map(end).max()
}

/// The first part to remove: values before the header that they stand under, so that no step moves one under another header.
fn first_piece(document: &Document<&str>, path: &[&str]) -> Option<Piece> {
    let trail = trail(document.as_item(), path);
    let (key, item) = trail.get(path.len())?;
    let braced = trail.iter().take(path.len()).any(|(_, item)| item.as_inline_table().is_some());
    piece(*key, item, braced)
}

fn piece(key: Option<&Key>, item: &Item, braced: bool) -> Option<Piece> {
    if let Some(tables) = item.as_array_of_tables() {
        return tables.iter().find_map(piece_of_table);
    }
    if let Some(table) = item.as_table() {
        return piece_of_table(table);
    }
    if is_dotted(item) {
        return children(item).into_iter().find_map(|(key, child)| piece(Some(key), child, braced));
    }
    let at = key?.span()?.start..item.as_value()?.span()?.end;
    Some(if braced { Piece::Braced(at) } else { Piece::Line(at) })
}

fn piece_of_table(table: &Table) -> Option<Piece> {
    let child = table.iter().filter_map(|(name, _)| table.get_key_value(name)).find_map(|(key, child)| piece(Some(key), child, false));
    child.or_else(|| table.span().filter(|_| !table.is_implicit() && !table.is_dotted()).map(Piece::Line))
}

fn spliced(text: &str, at: Range<usize>, new: &str) -> String {
    [text.get(..at.start).unwrap_or_default(), new, text.get(at.end..).unwrap_or_default()].concat()
}

/// How the text ends its lines.
fn newline(text: &str) -> &'static str {
    if text.find('\n').is_some_and(|n| text.get(..n).is_some_and(|line| line.ends_with('\r'))) { "\r\n" } else { "\n" }
}

/// Where the line ends that this place is on, its newline included.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| at + n + 1)
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |n| n + 1)
}

/// Puts a line under the one on which this place is, indented as that is.
fn line_after(text: &str, at: usize, line: &str) -> String {
    let indent: String = text.get(line_start(text, at)..).unwrap_or_default().chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let end = line_end(text, at);
    let gap = if text.get(..end).is_some_and(|before| before.is_empty() || before.ends_with('\n')) { "" } else { newline(text) };
    spliced(text, end..end, &format!("{gap}{indent}{line}{}", newline(text)))
}

/// Puts a new table at the end of the text.
fn at_the_end(text: &str, header: &str, line: &str) -> String {
    let newline = newline(text);
    let gap = match text {
        "" | "\u{feff}" => String::new(),
        _ if text.ends_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    format!("{text}{gap}[{header}]{newline}{line}{newline}")
}

/// Puts an entry into an inline table, after this place if there are others.
fn in_braces(text: &str, braces: Range<usize>, after: Option<usize>, entry: &str) -> String {
    if let Some(end) = after {
        return spliced(text, end..end, &format!(", {entry}"));
    }
    let inside = braces.start + 1;
    let gap = if text.get(inside..).is_some_and(|rest| rest.starts_with('}')) { " " } else { "" };
    spliced(text, inside..inside, &format!(" {entry}{gap}"))
}

/// The text without the lines of this range, but with their comments.
fn without_lines(text: &str, at: &Range<usize>) -> String {
    let lines = line_start(text, at.start)..line_end(text, at.end);
    let kept = comments(text, &lines, newline(text));
    spliced(text, lines, &kept)
}

fn comments(text: &str, within: &Range<usize>, newline: &str) -> String {
    let tokens = tokens(text);
    let comments = tokens.iter().filter(|t| t.kind() == TokenKind::Comment && within.contains(&t.span().start()));
    comments.filter_map(|t| text.get(t.span().start()..t.span().end())).flat_map(|comment| [comment.trim_end(), newline]).collect()
}

fn tokens(text: &str) -> Vec<Token> {
    Source::new(text).lex().collect()
}

/// The text without this entry of an inline table, its dotted key and one comma, but with its comments.
fn without_braced(text: &str, at: &Range<usize>) -> String {
    let tokens = tokens(text);
    let is_space = |t: &&Token| matches!(t.kind(), TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment);
    let opens = |t: &&Token| matches!(t.kind(), TokenKind::Comma | TokenKind::LeftCurlyBracket);
    let before = tokens.iter().rfind(|t| t.span().end() <= at.start && opens(t));
    let after = tokens.iter().filter(|t| t.span().start() >= at.end).find(|t| !is_space(t));
    let comma = |t: Option<&Token>| t.filter(|t| t.kind() == TokenKind::Comma).map(Token::span);
    // With what follows, or else with the comma before it. What stands between, as spaces, stays with the neighbour.
    let key = before.map_or(at.start, |t| t.span().end());
    let range = match (comma(after), comma(before)) {
        (Some(comma), _) => key..comma.end(),
        (None, Some(comma)) => comma.start()..at.end,
        (None, None) => key..at.end,
    };
    let kept = comments(text, &range, newline(text));
    spliced(text, range, &kept)
}
