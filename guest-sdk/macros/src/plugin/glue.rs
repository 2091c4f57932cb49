//! The generated half of a plugin: a private type that implements each exported interface by handing on to the author's value.
//!
//! What it is for: the author's crate ends up with exactly the exports of its methods. On wasm each interface's `export!` makes them;
//! natively a constant mentions them instead, since a native library can't have such names. What it costs: one `RefCell` borrow a call.
//! How it fails: a wrong type is an error of the compiler at the author's type, since each piece carries the span of what it is made from.

use super::method::Method;
use super::offered::Offered;
use super::{Plugin, describe};
use crate::bindings::{exported, module_name};
use crate::offers::{Given, OFFERS, Offer};
use crate::table::Kind;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

/// Everything that stands beside the author's block.
pub(crate) fn exports(plugin: &Plugin) -> TokenStream {
    let ty = &plugin.ty;
    let section = plugin.manifest.section();
    let mut interfaces = vec![lifecycle(plugin)];
    interfaces.extend(plugin.method(Kind::Started).map(|started| startup(plugin, started)));
    if let (Some(save), Some(restore)) = (plugin.method(Kind::Save), plugin.method(Kind::Restore)) {
        interfaces.push(handover(plugin, save, restore));
    }
    interfaces.extend(plugin.methods.iter().filter(|method| method.row.is_hook()).map(|method| hook(plugin, method)));
    interfaces.extend(OFFERS.iter().filter(|offer| plugin.offered(offer).next().is_some()).map(|offer| offered(plugin, offer)));
    quote! {
        const _: () = {
            struct Exports;
            ::std::thread_local! {
                static PLUGIN: ::plugbay_sdk::__private::Slot<#ty> = const { ::plugbay_sdk::__private::Slot::new() };
            }
            #section
            #(#interfaces)*
        };
    }
}

/// One exported interface: its functions, its `export!`, and what stands for that natively.
fn interface(name: &str, one_function: &str, functions: &TokenStream) -> TokenStream {
    let module = module_name(name);
    let path = exported(name);
    let function = Ident::new(one_function, Span::call_site());
    quote! {
        impl #path::Guest for Exports {
            #functions
        }
        #[cfg(target_family = "wasm")]
        ::plugbay_sdk::bindings::#module::export!(Exports with_types_in ::plugbay_sdk::bindings::#module);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            let _ = <Exports as #path::Guest>::#function;
        };
    }
}

/// The author's place, our names.
fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// What the host wants of a method.
fn wanted(plugin: &Plugin, method: &Method) -> TokenStream {
    let ty = &plugin.ty;
    match method.row.kind {
        Kind::Activate => quote!(#ty),
        Kind::Save => quote!(::std::vec::Vec<u8>),
        Kind::Answer => {
            let path = exported(method.row.interface);
            quote!(::core::option::Option<#path::Outcome>)
        }
        Kind::Serve => {
            let (path, answer) = (exported(method.row.interface), method.row.answer().map(|name| format_ident!("{name}")));
            quote!(#path::#answer)
        }
        Kind::Project => quote!(::core::option::Option<_>),
        Kind::Deactivate | Kind::Started | Kind::Restore | Kind::Observe => quote!(()),
    }
}

/// `<Type>::method(arguments…)` as the wanted answer. An argument carries the span of its parameter's type, the rest that of the answer.
fn call(plugin: &Plugin, method: &Method, receiver: Option<TokenStream>, arguments: &[TokenStream]) -> TokenStream {
    let (ty, name) = (&plugin.ty, &method.name);
    let span = at(method.answer);
    let handed = method.parameters.iter().zip(arguments).map(|(parameter, argument)| {
        let span = at(parameter.span());
        respan(argument.clone(), span)
    });
    let receiver = receiver.map(|receiver| quote!(#receiver,));
    let wanted = wanted(plugin, method);
    quote_spanned!(span=> ::plugbay_sdk::IntoAnswer::<#wanted>::into_answer(<#ty>::#name(#receiver #(#handed),*)))
}

/// Puts every token to one place.
fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let proc_macro2::TokenTree::Group(group) = &token {
                let mut moved = proc_macro2::Group::new(group.delimiter(), respan(group.stream(), span));
                moved.set_span(span);
                return moved.into();
            }
            token.set_span(span);
            token
        })
        .collect()
}

/// The same within a call of the author's value.
fn delegate(plugin: &Plugin, method: &Method, arguments: &[TokenStream]) -> TokenStream {
    let inner = call(plugin, method, Some(quote!(plugin)), arguments);
    quote!(PLUGIN.with(|slot| slot.call(|plugin| #inner)))
}

fn lifecycle(plugin: &Plugin) -> TokenStream {
    let path = exported("plugin");
    let describe = describe::describe(plugin);
    let activate = activate(plugin);
    let deactivate = plugin.method(Kind::Deactivate).map(|method| {
        let (ty, name) = (&plugin.ty, &method.name);
        let reason = method.parameters.iter().map(|parameter| quote_spanned!(at(parameter.span())=> reason));
        let ended = quote_spanned!(at(method.answer)=> let () = <#ty>::#name(&mut plugin, #(#reason),*););
        quote!(if let ::core::option::Option::Some(mut plugin) = ended { #ended })
    });
    let functions = quote! {
        fn describe() -> ::std::string::String {
            #describe
        }
        fn activate(activation: #path::Activation) -> ::core::result::Result<(), ::std::string::String> {
            PLUGIN.with(|slot| slot.fill(|| #activate))
        }
        #[allow(unused_variables)]
        fn deactivate(reason: #path::DeactivationReason) {
            let ended = PLUGIN.with(|slot| slot.empty());
            #deactivate
        }
    };
    interface("plugin", "describe", &functions)
}

/// The plugin's value, from `activate` or from `Default`.
fn activate(plugin: &Plugin) -> TokenStream {
    let ty = &plugin.ty;
    let Some(method) = plugin.method(Kind::Activate) else {
        let made = quote_spanned!(at(ty.span())=> <#ty as ::core::default::Default>::default());
        return quote!({ let _ = &activation; ::core::result::Result::Ok(#made) });
    };
    let settings = method.settings().map(|settings| {
        let read = quote_spanned!(at(settings.span())=> ::plugbay_sdk::__private::read_settings::<#settings>);
        quote!(let settings = #read(&activation.config)?;)
    });
    let made = call(plugin, method, None, &[quote!(&activation), quote!(settings)]);
    quote!({ #settings #made })
}

fn startup(plugin: &Plugin, started: &Method) -> TokenStream {
    let body = delegate(plugin, started, &[quote!(reason)]);
    let functions = quote! {
        fn started(reason: ::plugbay_sdk::ActivationReason) -> ::core::result::Result<(), ::std::string::String> {
            #body
        }
    };
    interface("startup", "started", &functions)
}

fn handover(plugin: &Plugin, save: &Method, restore: &Method) -> TokenStream {
    let saving = delegate(plugin, save, &[]);
    let restoring = delegate(plugin, restore, &[quote!(&from_version), quote!(saved)]);
    let functions = quote! {
        fn save() -> ::core::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
            #saving
        }
        fn restore(from_version: ::std::string::String, saved: ::std::vec::Vec<u8>) -> ::core::result::Result<(), ::std::string::String> {
            #restoring
        }
    };
    interface("handover", "save", &functions)
}

fn hook(plugin: &Plugin, method: &Method) -> TokenStream {
    let path = exported(method.row.interface);
    let body = delegate(plugin, method, &[quote!(&call), quote!(event)]);
    let (answer, body) = match method.row.kind {
        Kind::Project => (quote!(::core::option::Option<::std::string::String>), quote!(::plugbay_sdk::__private::shown(#body))),
        _ => (wanted(plugin, method), body),
    };
    let functions = quote! {
        fn handle(context: ::plugbay_sdk::__private::CallContext<'_>, event: #path::Event) -> ::core::result::Result<#answer, ::std::string::String> {
            let call = ::plugbay_sdk::Call::from(context);
            #body
        }
    };
    interface(method.row.interface, "handle", &functions)
}

/// All that is offered of one kind: one function that looks at the name.
fn offered(plugin: &Plugin, offer: &Offer) -> TokenStream {
    let path = exported(offer.interface);
    let (which, outcome) = (format_ident!("{}", offer.which), format_ident!("{}", offer.outcome));
    let arms = plugin.offered(offer).map(|offered| {
        let (name, body) = (&offered.name, offered_call(plugin, offered));
        quote!(#name => #body,)
    });
    let word = offer.word;
    let functions = quote! {
        fn handle(
            context: ::plugbay_sdk::__private::CallContext<'_>,
            event: #path::Event,
        ) -> ::core::result::Result<#path::#outcome, ::std::string::String> {
            let call = ::plugbay_sdk::Call::from(context);
            match event.#which.as_str() {
                #(#arms)*
                other => ::core::result::Result::Err(::plugbay_sdk::__private::not_offered(#word, other)),
            }
        }
    };
    interface(offer.interface, "handle", &functions)
}

/// One of them, with what it is given read and its answer turned into what the host wants.
fn offered_call(plugin: &Plugin, offered: &Offered) -> TokenStream {
    let (ty, method, answer) = (&plugin.ty, &offered.method, at(offered.answer));
    let call = quote_spanned!(at(offered.call.span())=> &call);
    let (read, input) = offered.input.as_ref().map(|input| given(offered, input)).unzip();
    let [made_by, made] = offered.offer.made_by.map(|name| Ident::new(name, answer));
    let into = quote_spanned!(answer=> ::plugbay_sdk::#made_by::#made);
    let called = quote_spanned!(answer=> <#ty>::#method(plugin, #call, #input));
    let answered = match offered.fallible {
        true => {
            let fallible = quote_spanned!(answer=> ::plugbay_sdk::__private::fallible);
            quote!(#fallible(#called, #into))
        }
        false => quote!(#into(#called)),
    };
    quote!({ #read PLUGIN.with(|slot| slot.call(|plugin| #answered)) })
}

/// What reads what the method is given, and how it is handed over, at the author's type.
fn given(offered: &Offered, input: &Type) -> (TokenStream, TokenStream) {
    let (span, name) = (at(input.span()), &offered.name);
    let (what, text) = match offered.offer.given {
        Given::Arguments => (format!("the arguments of `{name}`"), quote!(&event.params)),
        Given::Parameters => (format!("the parameters of `{name}`"), quote!(event.params.as_deref().unwrap_or("{}"))),
        Given::Line => return (TokenStream::new(), quote_spanned!(span=> event.args.as_str())),
    };
    let read = quote_spanned!(span=> ::plugbay_sdk::__private::read_args::<#input>);
    (quote!(let given = #read(#what, #text)?;), quote_spanned!(span=> given))
}
