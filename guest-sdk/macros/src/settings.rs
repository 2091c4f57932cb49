//! `#[settings]` and `#[args]`: a struct that the operator, or the model, fills in.
//!
//! What it is for: derives `serde::Deserialize` and `schemars::JsonSchema` through the SDK's own copies, so that the author's crate needs
//! neither; turns `#[secret]` into `"x-secret": true` in the schema. What it costs: serde_json and the schema in the plugin, about 150 KiB.
//! How it fails: on anything but a struct or enum, on `#[secret(…)]` with arguments, and on a secret among a tool's arguments, by a compile error.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Meta, Result, parse_quote};

/// Who fills the struct in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// The operator: `#[settings]`.
    Settings,
    /// The model: `#[args]`.
    Args,
}

impl Filled {
    fn attribute(self) -> &'static str {
        match self {
            Self::Settings => "#[settings]",
            Self::Args => "#[args]",
        }
    }
}

/// The struct with its derives, or what is wrong with it.
pub(crate) fn expand_or_complain(filled: Filled, arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(filled, arguments, item).unwrap_or_else(Error::into_compile_error)
}

fn expand(filled: Filled, arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let attribute = filled.attribute();
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, format!("`{attribute}` takes no arguments")));
    }
    let mut input: DeriveInput =
        syn::parse2(item).map_err(|error| Error::new(error.span(), format!("`{attribute}` stands on a struct or an enum: {error}")))?;
    match &mut input.data {
        Data::Struct(data) => mark_secrets(filled, &mut data.fields)?,
        Data::Enum(data) => data.variants.iter_mut().try_for_each(|variant| mark_secrets(filled, &mut variant.fields))?,
        Data::Union(data) => return Err(Error::new_spanned(data.union_token, format!("`{attribute}` stands on a struct or an enum"))),
    }
    let name = &input.ident;
    let (implementation, ty, bounds) = input.generics.split_for_impl();
    let described_by = match filled {
        Filled::Settings => quote!(Settings),
        Filled::Args => quote!(Args),
    };
    Ok(quote! {
        #[derive(::plugbay_sdk::__private::serde::Deserialize, ::plugbay_sdk::__private::schemars::JsonSchema)]
        #[serde(crate = "::plugbay_sdk::__private::serde", deny_unknown_fields)]
        #[schemars(crate = "::plugbay_sdk::__private::schemars")]
        #input

        impl #implementation ::plugbay_sdk::#described_by for #name #ty #bounds {
            fn schema() -> ::std::string::String {
                ::plugbay_sdk::__private::schema_of::<Self>()
            }
        }
    })
}

/// `#[secret]` becomes what schemars understands.
fn mark_secrets(filled: Filled, fields: &mut Fields) -> Result<()> {
    for attribute in fields.iter_mut().flat_map(|field| &mut field.attrs) {
        if !attribute.path().is_ident("secret") {
            continue;
        }
        if !matches!(attribute.meta, Meta::Path(_)) {
            return Err(Error::new_spanned(&*attribute, "`#[secret]` takes no arguments"));
        }
        if filled == Filled::Args {
            return Err(Error::new_spanned(&*attribute, "the model writes a tool's arguments, so none of them is secret"));
        }
        let marked: Attribute = parse_quote!(#[schemars(extend("x-secret" = true))]);
        *attribute = marked;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_marked_in_the_schema_and_a_plain_field_is_not() {
        let item = quote!(
            struct S {
                #[secret]
                token: String,
                mode: String,
            }
        );
        let text = expand(Filled::Settings, TokenStream::new(), item).unwrap().to_string();
        assert!(text.contains("# [schemars (extend (\"x-secret\" = true))] token : String , mode : String"), "{text}");
        assert!(text.contains("deny_unknown_fields"));
    }

    #[test]
    fn wrong_uses_are_refused() {
        let error = |arguments, item| expand(Filled::Settings, arguments, item).unwrap_err().to_string();
        assert_eq!(
            error(
                quote!(x),
                quote!(
                    struct S;
                )
            ),
            "`#[settings]` takes no arguments"
        );
        assert!(
            error(
                quote!(),
                quote!(
                    fn f() {}
                )
            )
            .starts_with("`#[settings]` stands on a struct or an enum")
        );
        assert_eq!(
            error(
                quote!(),
                quote!(
                    struct S {
                        #[secret(x)]
                        t: u8,
                    }
                )
            ),
            "`#[secret]` takes no arguments"
        );
    }

    #[test]
    fn arguments_of_a_tool_are_the_same_under_their_own_name_and_hide_nothing() {
        let item = |secret: TokenStream| quote!(struct A { #secret city: String });
        let text = expand(Filled::Args, quote!(), item(quote!())).unwrap().to_string();
        assert!(text.contains("impl :: plugbay_sdk :: Args for A") && text.contains("deny_unknown_fields"), "{text}");
        let error = expand(Filled::Args, quote!(), item(quote!(#[secret]))).unwrap_err().to_string();
        assert_eq!(error, "the model writes a tool's arguments, so none of them is secret");
        assert_eq!(expand(Filled::Args, quote!(x), item(quote!())).unwrap_err().to_string(), "`#[args]` takes no arguments");
    }
}
