//! One method of the author's block, checked as far as names and shapes go.
//!
//! What it is for: mistakes that the compiler would report in words about generated code are reported here in the author's. Types are
//! left to the compiler, at the author's spans. What it costs: nothing at run time. How it fails: each error shows the signature that was
//! expected.

use super::options::Options;
use crate::table::{self, Kind, Row};
use proc_macro2::{Ident, Span};
use std::ops::RangeInclusive;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, ImplItemFn, Result, ReturnType, Signature, Type};

/// A method that will be an export, or part of one.
pub(crate) struct Method {
    /// Its row in the table.
    pub(crate) row: &'static Row,
    /// Its name, where the author wrote it.
    pub(crate) name: Ident,
    /// The types of its parameters after `self`.
    pub(crate) parameters: Vec<Type>,
    /// Where the author wrote what it answers.
    pub(crate) answer: Span,
    /// What `#[hook(…)]` said.
    pub(crate) options: Options,
}

impl Method {
    /// Reads and checks one method.
    pub(crate) fn parse(function: &ImplItemFn) -> Result<Self> {
        let signature = &function.sig;
        let name = signature.ident.clone();
        let row = table::find(&name.to_string()).ok_or_else(|| unknown(&name))?;
        check_cfg(function)?;
        check_plain(signature, &expected(row))?;
        let parameters = check_shape(signature, row)?;
        let answer = answer_span(signature);
        let options = Options::parse(&function.attrs, row)?;
        Ok(Self { row, name, parameters, answer, options })
    }

    /// The settings' type, if `activate` wants any.
    pub(crate) fn settings(&self) -> Option<&Type> {
        if self.row.kind == Kind::Activate { self.parameters.get(1) } else { None }
    }
}

/// A name that isn't in the table.
fn unknown(name: &Ident) -> Error {
    let text = name.to_string();
    if text == "describe" {
        return Error::new(name.span(), "`describe` is generated from this block; there is nothing to write");
    }
    let guess = match table::nearest(&text) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the host calls {}.", table::TABLE.iter().map(|row| format!("`{}`", row.method)).collect::<Vec<_>>().join(", ")),
    };
    Error::new(
        name.span(),
        format!(
            "the host calls no `{text}`: {guess} A tool has `#[tool]`, an action `#[action]`, a command `#[command]`; helpers live in another impl block"
        ),
    )
}

/// What no exported method can be.
pub(crate) fn check_plain(signature: &Signature, expected: &str) -> Result<()> {
    let wrong = |span, what: &str| Err(Error::new(span, format!("`{}` can't be {what}; it is `{expected}`", signature.ident)));
    if let Some(word) = &signature.asyncness {
        return wrong(word.span(), "async");
    }
    if let Some(word) = &signature.unsafety {
        return wrong(word.span(), "unsafe");
    }
    if signature.generics.type_params().next().is_some() || signature.generics.const_params().next().is_some() {
        return wrong(signature.generics.span(), "generic");
    }
    Ok(())
}

/// The receiver and the number of parameters.
fn check_shape(signature: &Signature, row: &Row) -> Result<Vec<Type>> {
    let (receiver, counts) = match row.kind {
        Kind::Activate => (false, 1..=2),
        Kind::Save => (true, 0..=0),
        Kind::Deactivate | Kind::Started => (true, 1..=1),
        Kind::Restore | Kind::Answer | Kind::Observe | Kind::Serve | Kind::Project => (true, 2..=2),
    };
    parameters(signature, receiver, counts, &expected(row))
}

/// The types of the parameters after `self`, if there are as many as there should be.
pub(crate) fn parameters(signature: &Signature, receiver: bool, counts: RangeInclusive<usize>, expected: &str) -> Result<Vec<Type>> {
    let wrong = |span| Err(Error::new(span, format!("expected `{expected}`")));
    let by_reference = signature.receiver().map(|receiver| receiver.reference.is_some() && receiver.colon_token.is_none());
    let parameters: Vec<Type> = signature
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(typed) => Some((*typed.ty).clone()),
            FnArg::Receiver(_) => None,
        })
        .collect();
    if by_reference != receiver.then_some(true) {
        return wrong(signature.receiver().map_or_else(|| signature.ident.span(), Spanned::span));
    }
    if !counts.contains(&parameters.len()) {
        return wrong(signature.paren_token.span.join());
    }
    Ok(parameters)
}

/// Where the author wrote what a method answers.
pub(crate) fn answer_span(signature: &Signature) -> Span {
    match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

/// What `#[cfg(…)]` decides isn't known yet.
pub(crate) fn check_cfg(function: &ImplItemFn) -> Result<()> {
    let decides = |attribute: &&Attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr");
    match function.attrs.iter().find(decides) {
        Some(attribute) => Err(Error::new_spanned(attribute, "`#[plugin]` can't see what this decides: put it on the whole `impl` block")),
        None => Ok(()),
    }
}

/// How the method is written.
pub(crate) fn expected(row: &Row) -> String {
    let name = row.method;
    let hook = format!("fn {name}(&mut self, call: &Call, event: {})", row.event);
    let outcome = row.outcome.unwrap_or_default();
    match row.kind {
        Kind::Activate => "fn activate(activation: &Activation, settings: YourSettings) -> Result<Self>".into(),
        Kind::Deactivate => "fn deactivate(&mut self, reason: DeactivationReason)".into(),
        Kind::Started => "fn started(&mut self, reason: ActivationReason) -> Result<()>".into(),
        Kind::Save => "fn save(&mut self) -> Result<Vec<u8>>".into(),
        Kind::Restore => "fn restore(&mut self, from_version: &str, saved: Vec<u8>) -> Result<()>".into(),
        Kind::Answer => format!("{hook} -> Result<Option<{outcome}>>"),
        Kind::Observe => format!("{hook} -> Result<()>"),
        Kind::Serve => format!("{hook} -> Result<{outcome}>"),
        Kind::Project => format!("{hook} -> Result<Option<Shown>>"),
    }
}
