//! Texts that authors write into options: lists of names, titles, doc comments.
//!
//! What it is for: `tools(…)`, `topics(…)`, `tags(…)` and `scopes(…)` are read in one way. What it costs: nothing at run time. How it fails: by an error at
//! the text, naming the bound.

use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta, Result, Token};

/// What a list of names takes.
pub(crate) struct Words {
    /// What one of them is.
    pub(crate) what: &'static str,
    /// The option.
    pub(crate) list: &'static str,
    /// Characters of one.
    pub(crate) length: usize,
    /// How many.
    pub(crate) most: usize,
    /// Why one is refused, if it is.
    pub(crate) refused: fn(&str) -> Option<&'static str>,
}

/// What `scopes(…)` takes, as `wit/registration.schema.json` has it.
pub(crate) const SCOPES: Words = Words {
    what: "scope",
    list: "scopes",
    length: 32,
    most: 3,
    refused: |scope| {
        let known = matches!(scope, "operator.read" | "operator.write" | "operator.admin");
        (!known).then_some("no such scope; there are operator.read, operator.write, operator.admin")
    },
};

/// Reads `("name", …)` behind the option's name.
pub(crate) fn words(place: &mut Vec<String>, meta: &ParseNestedMeta, bounds: &Words) -> Result<()> {
    let more = literals(meta, bounds, place)?;
    place.extend(more.iter().map(LitStr::value));
    Ok(())
}

/// The same as the author wrote them, behind those that are there already.
pub(crate) fn literals(meta: &ParseNestedMeta, bounds: &Words, before: &[String]) -> Result<Vec<LitStr>> {
    let Words { what, list, length, most, refused } = bounds;
    let (names, mut known, mut found) = (parenthesized(meta)?, before.to_vec(), Vec::new());
    for name in names {
        let text = name.value();
        let wrong = |why: String| Err(Error::new(name.span(), why));
        if text.is_empty() || text.chars().count() > *length {
            return wrong(format!("a {what} has 1 to {length} characters"));
        }
        if let Some(why) = refused(&text) {
            return wrong(why.into());
        }
        if known.contains(&text) {
            return wrong(format!("`{text}` stands here twice"));
        }
        if known.len() == *most {
            return wrong(format!("{most} of `{list}` at most"));
        }
        known.push(text);
        found.push(name);
    }
    if known.is_empty() { Err(meta.error(format!("no {what} at all; leave `{list}` out"))) } else { Ok(found) }
}

fn parenthesized(meta: &ParseNestedMeta) -> Result<Punctuated<LitStr, Token![,]>> {
    let names;
    syn::parenthesized!(names in meta.input);
    Punctuated::parse_terminated(&names)
}

/// Reads `= "…"` into an empty place, as the author wrote it.
pub(crate) fn put(place: &mut Option<LitStr>, meta: &ParseNestedMeta) -> Result<()> {
    if place.is_some() {
        return Err(meta.error("this stands here twice"));
    }
    *place = Some(meta.value()?.parse()?);
    Ok(())
}

/// Reads `= "…"` into an empty place.
pub(crate) fn text(place: &mut Option<String>, meta: &ParseNestedMeta, length: usize) -> Result<()> {
    if place.is_some() {
        return Err(meta.error("this stands here twice"));
    }
    let text: LitStr = meta.value()?.parse()?;
    *place = Some(bounded(&text, length)?);
    Ok(())
}

/// A text that isn't empty and isn't too long.
pub(crate) fn bounded(text: &LitStr, length: usize) -> Result<String> {
    let value = text.value();
    match value.chars().count() {
        _ if value.trim().is_empty() => Err(Error::new(text.span(), "this is empty")),
        more if more > length => Err(Error::new(text.span(), format!("{more} characters; {length} at most"))),
        _ => Ok(value),
    }
}

/// The doc comment among these attributes: its lines, as they were written.
pub(crate) fn doc_comment(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join("\n").trim().to_owned()
}
