//! The answer of `describe`: what the block says, as `wit/registration.schema.json` has it.
//!
//! What it is for: everything but the schemas of the author's types is a constant. What it costs: a plugin without such types answers a
//! constant; with them their schemas are put between. How it fails: it doesn't; what is wrong was found before.

use super::Plugin;
use super::method::Method;
use super::offered::Offered;
use crate::json;
use crate::offers::OFFERS;
use crate::table::Kind;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

/// A part of the answer.
pub(crate) enum Piece {
    /// JSON that is known now.
    Text(String),
    /// The schema of what a tool or an action takes.
    Args(Type),
    /// The schema of the settings.
    Settings(Type),
}

/// An expression that makes the answer.
pub(crate) fn describe(plugin: &Plugin) -> TokenStream {
    let pieces = merged(pieces(plugin));
    if let [Piece::Text(constant)] = pieces.as_slice() {
        return quote!(::std::string::String::from(#constant));
    }
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => quote!(#text),
        Piece::Args(ty) => schema(ty, &quote!(Args)),
        Piece::Settings(ty) => schema(ty, &quote!(Settings)),
    });
    quote!([#(#parts),*].concat())
}

/// `&<Type as Trait>::schema()`, at the author's type.
fn schema(ty: &Type, described_by: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(ty.span());
    quote_spanned!(span=> ::core::convert::AsRef::<str>::as_ref(&<#ty as ::plugbay_sdk::#described_by>::schema()))
}

/// The answer, in order.
pub(crate) fn pieces(plugin: &Plugin) -> Vec<Piece> {
    let mut members: Vec<(&str, Vec<Piece>)> = Vec::new();
    if let Some(settings) = plugin.method(Kind::Activate).and_then(Method::settings) {
        members.push(("config", vec![Piece::Settings(settings.clone())]));
    }
    members.extend(super::engine::json(plugin).map(|engine| ("context-engine", vec![Piece::Text(engine)])));
    let hooks: Vec<String> = plugin.methods.iter().filter_map(|method| method.options.json(method.row.interface)).collect();
    if !hooks.is_empty() {
        members.push(("hooks", vec![Piece::Text(json::array(hooks))]));
    }
    members.extend(plugin.arguments.isolation_json().map(|modes| ("isolation", vec![Piece::Text(modes)])));
    members.extend(plugin.arguments.session_state_json().map(|state| ("session-state", vec![Piece::Text(state)])));
    for offer in &OFFERS {
        let mut offered = plugin.offered(offer).map(Offered::pieces).peekable();
        if offered.peek().is_some() {
            members.push((offer.list, between("[", offered, "]")));
        }
    }
    members.extend(super::ui::json(plugin).map(|shown| ("ui", vec![Piece::Text(shown)])));
    let members = members.into_iter().map(|(name, mut value)| {
        value.insert(0, Piece::Text(format!("{}:", json::string(name))));
        value
    });
    between("{", members, "}")
}

/// Values with commas between and brackets around them.
fn between(open: &str, values: impl Iterator<Item = Vec<Piece>>, close: &str) -> Vec<Piece> {
    let mut pieces = vec![Piece::Text(open.into())];
    for (at, value) in values.enumerate() {
        if at > 0 {
            pieces.push(Piece::Text(",".into()));
        }
        pieces.extend(value);
    }
    pieces.push(Piece::Text(close.into()));
    pieces
}

/// The same with texts that follow each other made one.
fn merged(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (merged.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => merged.push(piece),
        }
    }
    merged
}
