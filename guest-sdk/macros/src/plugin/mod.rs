//! `#[plugin]`: one `impl` block becomes a component's exports.
//!
//! What it is for: the methods that are there are exported, and only those; `describe` and the manifest are made from what the block and
//! Cargo.toml say. What it costs: in the plugin, one `RefCell` borrow a call. How it fails: by compile errors at the author's words; the
//! block itself is always kept, so that one mistake doesn't bring a second message.

mod arguments;
mod describe;
mod engine;
mod glue;
mod method;
mod offered;
mod options;
#[cfg(test)]
mod tests;
mod texts;
mod ui;

use crate::manifest::Manifest;
use crate::offers::{OFFERS, Offer};
use crate::table::Kind;
use arguments::Arguments;
use method::Method;
use offered::Offered;
use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ImplItem, ImplItemFn, ItemImpl, Result};

/// Everything that was read from the author's block.
struct Plugin {
    arguments: Arguments,
    manifest: Manifest,
    ty: syn::Type,
    methods: Vec<Method>,
    offered: Vec<Offered>,
}

impl Plugin {
    fn method(&self, kind: Kind) -> Option<&Method> {
        self.methods.iter().find(|method| method.row.kind == kind)
    }

    /// All of one kind that are offered by name.
    fn offered(&self, offer: &Offer) -> impl Iterator<Item = &Offered> {
        let word = offer.word;
        self.offered.iter().filter(move |offered| offered.offer.word == word)
    }
}

/// The block with its exports, or the block with what is wrong with it.
pub(crate) fn expand_or_complain(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let complaint = match expand(arguments, item.clone(), Manifest::from_cargo()) {
        Ok(tokens) => return tokens,
        Err(error) => error.into_compile_error(),
    };
    let kept = syn::parse2::<ItemImpl>(item).map(|mut block| {
        strip_options(&mut block);
        block
    });
    match kept {
        Ok(block) => quote!(#complaint #block),
        Err(_) => complaint,
    }
}

/// The block with its exports.
fn expand(arguments: TokenStream, item: TokenStream, cargo: Manifest) -> Result<TokenStream> {
    let at = arguments.span();
    let arguments = Arguments::parse(arguments)?;
    let mut block: ItemImpl =
        syn::parse2(item).map_err(|error| Error::new(error.span(), format!("`#[plugin]` stands on an `impl` block: {error}")))?;
    check_block(&block)?;
    let mut manifest = cargo;
    let place = arguments.place().unwrap_or(at);
    if let Some(id) = &arguments.id {
        manifest.id = id.value();
    }
    if let Some(version) = &arguments.version {
        manifest.version = version.value();
    }
    manifest.check(place)?;
    let (methods, offered) = read_methods(&block)?;
    strip_options(&mut block);
    let plugin = Plugin { arguments, manifest, ty: (*block.self_ty).clone(), methods, offered };
    check_handover(&plugin)?;
    check_projection(&plugin)?;
    engine::check(&plugin)?;
    offered::check(&plugin.offered)?;
    ui::check(&plugin)?;
    let exports = glue::exports(&plugin);
    Ok(quote!(#block #exports))
}

/// A plugin is one value of one type.
fn check_block(block: &ItemImpl) -> Result<()> {
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new(path.span(), "`#[plugin]` stands on a block of the type's own methods, not on a trait's"));
    }
    if !block.generics.params.is_empty() || block.generics.where_clause.is_some() {
        return Err(Error::new(block.generics.span(), "a plugin's type has no parameters: the host makes one value of it"));
    }
    Ok(())
}

/// All methods of the block, or all that is wrong with them.
fn read_methods(block: &ItemImpl) -> Result<(Vec<Method>, Vec<Offered>)> {
    let (mut methods, mut offered) = (Vec::new(), Vec::new());
    let mut errors: Option<Error> = None;
    for item in &block.items {
        let ImplItem::Fn(function) = item else { continue };
        if let Err(error) = read_method(function, &mut methods, &mut offered) {
            match &mut errors {
                Some(all) => all.combine(error),
                None => errors = Some(error),
            }
        }
    }
    errors.map_or(Ok((methods, offered)), Err)
}

/// A tool, an action or a command if it says so, and otherwise something that the table knows.
fn read_method(function: &ImplItemFn, methods: &mut Vec<Method>, offered: &mut Vec<Offered>) -> Result<()> {
    match offered::attribute(&function.attrs) {
        Some((offer, attribute)) => offered.push(Offered::parse(function, offer, attribute)?),
        None => methods.push(Method::parse(function)?),
    }
    Ok(())
}

/// Without a namespace there is no state to show.
fn check_projection(plugin: &Plugin) -> Result<()> {
    match plugin.method(Kind::Project) {
        Some(method) if plugin.arguments.session_state.is_empty() => {
            let text = "there is no state to show: name it with `#[plugin(session_state(name = \"what it holds\"))]`";
            Err(Error::new(method.name.span(), text))
        }
        _ => Ok(()),
    }
}

/// Half a handover would lose what the other half was for.
fn check_handover(plugin: &Plugin) -> Result<()> {
    let (there, missing) = match (plugin.method(Kind::Save), plugin.method(Kind::Restore)) {
        (Some(save), None) => (save, "fn restore(&mut self, from_version: &str, saved: Vec<u8>) -> Result<()>"),
        (None, Some(restore)) => (restore, "fn save(&mut self) -> Result<Vec<u8>>"),
        _ => return Ok(()),
    };
    Err(Error::new(there.name.span(), format!("`save` and `restore` go together: `{missing}` is missing")))
}

/// Takes `#[hook(…)]`, `#[tool(…)]`, `#[action(…)]` and `#[command(…)]` off: they are this macro's own.
fn strip_options(block: &mut ItemImpl) {
    let own = |attribute: &Attribute| {
        let path = attribute.path();
        path.is_ident("hook") || OFFERS.iter().any(|offer| path.is_ident(offer.word))
    };
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|attribute| !own(attribute));
        }
    }
}
