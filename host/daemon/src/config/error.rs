//! What is wrong with a configuration: every problem in the file, each with its place, its line and what to write instead.
//!
//! Costs nothing until there is a problem. What may belong to a plugin's own settings is never shown, for it may be a secret: a line of them, and what
//! stands behind a name that nobody knows.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Characters of a line that are shown at most.
const SHOWN: usize = 120;

/// A configuration that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigError {
    file: PathBuf,
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub what: String,
    /// What the operator may have meant.
    pub hint: Option<String>,
    excerpt: Option<Excerpt>,
}

/// A part of the line, and what is underlined in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    before: usize,
    width: usize,
}

impl ConfigError {
    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What is wrong, in the order of the file; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn in_one_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Problem { line, column, what, hint, .. }) in self.problems.iter().enumerate() {
            let and = if n > 0 { "; " } else { "" };
            write!(f, "{and}{}:{line}:{column}: {what}", self.file.display())?;
            if let Some(hint) = hint {
                write!(f, " ({hint})")?;
            }
        }
        Ok(())
    }
}

/// A paragraph for each problem, with its line; in the alternate form (`{:#}`) all of it in one line.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.in_one_line(f);
        }
        for (n, problem) in self.problems.iter().enumerate() {
            let Problem { line, column, what, hint, excerpt } = problem;
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{line}:{column}: {what}", self.file.display())?;
            let margin = line.to_string().len();
            if let Some(Excerpt { text, before, width }) = excerpt {
                write!(f, "\n {line} | {text}\n {:margin$} | {:before$}{:^<width$}", "", "", "")?;
            }
            if let Some(hint) = hint {
                write!(f, "\n {:margin$} = hint: {hint}", "")?;
            }
        }
        Ok(())
    }
}

/// Collects what is wrong with one text.
pub(crate) struct Report<'t> {
    text: &'t str,
    found: Vec<Found>,
}

/// A problem, as it was found.
struct Found {
    at: Range<usize>,
    what: String,
    hint: Option<String>,
    /// Whether the rest of the line may be shown.
    shows_rest: bool,
}

impl<'t> Report<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Notes a problem.
    pub(crate) fn add(&mut self, at: &Range<usize>, what: impl Into<String>, hint: Option<String>) {
        self.found.push(Found { at: at.clone(), what: what.into(), hint, shows_rest: true });
    }

    /// Notes a name that isn't known.
    pub(crate) fn add_name(&mut self, at: &Range<usize>, what: String, hint: Option<String>) {
        self.found.push(Found { at: at.clone(), what, hint, shows_rest: false });
    }

    /// The lines that have problems, by their beginnings.
    pub(crate) fn lines(&self) -> Vec<usize> {
        self.found.iter().map(|found| line_start(self.text, found.at.start)).collect()
    }

    /// Forgets problems on these lines, from the `kept`th on: they follow from others there. So does what has no place at all: the parser made it up.
    pub(crate) fn forget_on(&mut self, lines: &[usize], kept: usize) {
        let (text, mut n) = (self.text, 0);
        self.found.retain(|found| {
            n += 1;
            let follows = found.at == (0..0) || lines.contains(&line_start(text, found.at.start));
            n <= kept || lines.is_empty() || !follows
        });
    }

    /// How many problems there are.
    pub(crate) const fn len(&self) -> usize {
        self.found.len()
    }

    /// The error, if there is any problem.
    pub(crate) fn finish(mut self, file: &Path) -> Result<(), ConfigError> {
        self.found.sort_by_key(|found| found.at.start);
        let problems: Vec<_> = self.found.into_iter().map(|found| problem(self.text, found)).collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { file: file.to_owned(), problems }) }
    }
}

fn problem(text: &str, Found { at, what, hint, shows_rest }: Found) -> Problem {
    let start = line_start(text, at.start);
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    let column = text.get(start..at.start).map_or(0, |before| before.chars().count()) + 1;
    let excerpt = (!is_private(text, at.start)).then(|| excerpt(text, start, column, &at, shows_rest));
    Problem { line, column, what, hint, excerpt }
}

fn excerpt(text: &str, start: usize, column: usize, at: &Range<usize>, shows_rest: bool) -> Excerpt {
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let marked = text.get(at.clone()).and_then(|t| t.lines().next()).map_or(0, |t| t.chars().count());
    let before = column - 1;
    let (skipped, end) = (before.saturating_sub(SHOWN / 2), if shows_rest { usize::MAX } else { before + marked });
    let mut shown: String = line.chars().take(end).skip(skipped).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let before = before - skipped;
    let width = marked.clamp(1, shown.chars().count().saturating_sub(before).max(1));
    if line.chars().count() > end {
        shown.push_str(" …");
    }
    Excerpt { text: shown, before, width }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Whether a line may belong to a plugin's own settings: `config` stands between the header before it and its own end. A broken file has no
/// better structure to go by.
fn is_private(text: &str, at: usize) -> bool {
    let start = line_start(text, at);
    let end = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| at + n);
    let header = text.get(..start).and_then(|before| before.rfind("\n[").or_else(|| before.starts_with('[').then_some(0)));
    let own = text.get(start..end).is_some_and(|line| line.starts_with('['));
    text.get(if own { start } else { header.unwrap_or(0) }..end).is_some_and(|part| part.contains("config"))
}

/// The known name that a mistyped one is near to.
pub(crate) fn nearest<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(wrong, name);
    known.into_iter().min_by_key(distance).filter(|best| distance(best) <= 1 + best.len() / 4)
}

/// The same as a hint.
pub(crate) fn did_you_mean<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(wrong, known).map(|best| format!("did you mean `{best}`?"))
}
