//! The SDK's generated bindings: one world, written here, for each exported interface of the table.
//!
//! What it is for: a component exports an interface if, and only if, its `export!` macro is used, so each interface needs one of its own.
//! What it costs: about 30 ms of compile time each, in the SDK only. How it fails: an interface that the WIT folder doesn't have is an
//! error of `wit_bindgen::generate!`, naming it.

use crate::table::{self, API_VERSION, IMPORTS};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// `before-tool-call` as the name of a module.
pub(crate) fn module_name(interface: &str) -> syn::Ident {
    format_ident!("{}", interface.replace('-', "_"))
}

/// Where the generated module of an exported interface is, seen from the author's crate.
pub(crate) fn exported(interface: &str) -> TokenStream {
    let module = module_name(interface);
    quote!(::plugbay_sdk::bindings::#module::exports::plugbay::plugin::#module)
}

/// What `bindings!` becomes.
pub(crate) fn bindings() -> TokenStream {
    let imports: String = IMPORTS.iter().map(|name| format!("import plugbay:plugin/{name}@{API_VERSION}; ")).collect();
    let world = format!("package plugbay:sdk; world imports {{ {imports}}}");
    let exports = table::interfaces().into_iter().map(exporting);
    quote! {
        pub mod imports {
            ::wit_bindgen::generate!({ inline: #world, path: "wit", world: "imports", generate_all, additional_derives: [PartialEq], additional_derives_ignore: ["call-context", "started"] });
        }
        #(#exports)*
    }
}

/// The module of one exported interface. `types` is the same in all of them.
fn exporting(interface: &str) -> TokenStream {
    let module = module_name(interface);
    let name = format!("exports-{interface}");
    let types = format!("plugbay:plugin/types@{API_VERSION}");
    let world = format!("package plugbay:sdk; world {name} {{ import {types}; export plugbay:plugin/{interface}@{API_VERSION}; }}");
    let path = format!("plugbay_sdk::bindings::{module}");
    quote! {
        pub mod #module {
            ::wit_bindgen::generate!({
                inline: #world,
                path: "wit",
                world: #name,
                generate_all,
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: "export",
                default_bindings_module: #path,
                with: { #types: crate::bindings::imports::plugbay::plugin::types },
            });
        }
    }
}

/// What `hooks!` becomes: a module for each hook, and one with the names of all events and outcomes.
pub(crate) fn hooks() -> TokenStream {
    let hooks = || table::TABLE.iter().filter(|row| row.is_hook());
    let modules = hooks().map(|row| {
        let module = module_name(row.interface);
        let doc = format!("The words of the hook `{}`, as the contract has them.", row.interface);
        quote! {
            #[doc = #doc]
            pub mod #module {
                #[doc(no_inline)]
                pub use crate::bindings::#module::exports::plugbay::plugin::#module::*;
            }
        }
    });
    let names = hooks().map(|row| {
        let (module, event) = (module_name(row.interface), format_ident!("{}", row.event));
        let outcome = row.answer().zip(row.outcome).map(|(name, own)| {
            let (name, own) = (format_ident!("{name}"), format_ident!("{own}"));
            if name == own { quote!(, #name) } else { quote!(, #name as #own) }
        });
        quote!(#[doc(no_inline)] pub use super::#module::{Event as #event #outcome};)
    });
    quote! {
        #(#modules)*
        #[doc = "A name of its own for each event and each outcome; the crate's root and its prelude have them too."]
        pub mod names {
            #(#names)*
        }
    }
}
