//! The macros of `plugbay-sdk`. Authors reach them through that crate, which also documents them by example.
//!
//! What they are for: [`macro@plugin`] turns one `impl` block into a component's exports, [`macro@settings`] and [`macro@args`] a
//! struct into settings, or a tool's arguments, with a schema. [`bindings!`] and [`hooks!`] are the SDK's own. All of them read one list of exported interfaces, `table.rs`: a new hook is one
//! line there.
//!
//! What they cost: nothing when a plugin runs. They read no file and start no process.
//!
//! How they fail: by a compile error at the author's own words, several at once where there are several.

mod bindings;
mod json;
mod manifest;
mod offers;
mod plugin;
mod settings;
mod table;

use proc_macro::TokenStream;

/// Makes a plugin of one `impl` block: each method is an export, named as the hook is. See the root of `plugbay_sdk`.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    plugin::expand_or_complain(arguments.into(), item.into()).into()
}

/// Makes a plugin's settings of a struct: they are read by `serde`, and their JSON Schema becomes part of what the plugin registers. See
/// the root of `plugbay_sdk`.
#[proc_macro_attribute]
pub fn settings(arguments: TokenStream, item: TokenStream) -> TokenStream {
    settings::expand_or_complain(settings::Filled::Settings, arguments.into(), item.into()).into()
}

/// Makes of a struct what a tool or an action takes: it is read by `serde`, and its JSON Schema is what the model is told, or what a page draws a
/// form of. See the root of `plugbay_sdk`.
#[proc_macro_attribute]
pub fn args(arguments: TokenStream, item: TokenStream) -> TokenStream {
    settings::expand_or_complain(settings::Filled::Args, arguments.into(), item.into()).into()
}

/// The SDK's own: a module with generated bindings for the imports, and one for each exported interface.
#[doc(hidden)]
#[proc_macro]
pub fn bindings(_: TokenStream) -> TokenStream {
    bindings::bindings().into()
}

/// The SDK's own: a module for each hook, with its event and its outcome.
#[doc(hidden)]
#[proc_macro]
pub fn hooks(_: TokenStream) -> TokenStream {
    bindings::hooks().into()
}
