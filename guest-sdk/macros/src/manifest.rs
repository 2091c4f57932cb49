//! The manifest: which plugin this is, from its Cargo.toml.
//!
//! What it is for: the host reads it from the custom section `plugbay:manifest` before it compiles anything. What it costs: its own length
//! in the file. How it fails: what `wit/manifest.schema.json` wouldn't take is a compile error that names the field and its bound.

use crate::json;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, Result};

/// What Cargo says about the crate, and what `#[plugin(…)]` says instead.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) authors: Vec<String>,
    pub(crate) license: String,
    pub(crate) repository: String,
}

impl Manifest {
    /// Reads the metadata of the crate that is being compiled.
    pub(crate) fn from_cargo() -> Self {
        let read = |name: &str| std::env::var(format!("CARGO_PKG_{name}")).unwrap_or_default();
        let authors = read("AUTHORS");
        Self {
            id: read("NAME"),
            version: read("VERSION"),
            description: read("DESCRIPTION"),
            authors: authors.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            license: read("LICENSE"),
            repository: read("REPOSITORY"),
        }
    }

    /// Checks what Cargo doesn't. Errors show at `at`.
    pub(crate) fn check(&self, at: Span) -> Result<()> {
        if !is_id(&self.id) {
            let text = format!(
                "`{}` is no plugin id: a lower-case letter, then up to 63 lower-case letters, digits and `-`. The crate's name is the \
                 default; `#[plugin(id = \"…\")]` sets another",
                self.id
            );
            return Err(Error::new(at, text));
        }
        if let Err(error) = semver::Version::parse(&self.version) {
            return Err(Error::new(at, format!("`{}` is no version by semver.org: {error}", self.version)));
        }
        self.check_lengths(at)
    }

    fn check_lengths(&self, at: Span) -> Result<()> {
        let mut fields = vec![("version", &self.version, 128), ("description", &self.description, 1024), ("license", &self.license, 256)];
        fields.push(("repository", &self.repository, 1024));
        fields.extend(self.authors.iter().map(|author| ("authors", author, 256)));
        for (name, text, most) in fields {
            let length = text.chars().count();
            if length > most {
                return Err(Error::new(at, format!("`{name}` has {length} characters; a manifest takes {most} at most")));
            }
        }
        if self.authors.len() > 64 {
            return Err(Error::new(at, format!("{} authors; a manifest takes 64 at most", self.authors.len())));
        }
        Ok(())
    }

    /// As `wit/manifest.schema.json` has it.
    pub(crate) fn json(&self) -> String {
        let mut members = vec![("id", json::string(&self.id)), ("version", json::string(&self.version))];
        let texts = [("description", &self.description), ("license", &self.license), ("repository", &self.repository)];
        members.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, json::string(text))));
        if !self.authors.is_empty() {
            members.push(("authors", json::array(self.authors.iter().map(|author| json::string(author)))));
        }
        json::object(members)
    }

    /// The custom section. It has to stand in the author's crate: in a dependency the linker drops it from debug builds.
    pub(crate) fn section(&self) -> TokenStream {
        let json = self.json();
        let bytes = syn::LitByteStr::new(json.as_bytes(), Span::call_site());
        let length = json.len();
        quote! {
            #[cfg(target_family = "wasm")]
            #[unsafe(link_section = "plugbay:manifest")]
            #[used]
            static MANIFEST: [u8; #length] = *#bytes;
        }
    }
}

/// `[a-z][a-z0-9-]{0,63}`
pub(crate) fn is_id(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
    starts && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(id: &str, version: &str) -> Manifest {
        Manifest { id: id.into(), version: version.into(), ..Manifest::default() }
    }

    #[test]
    fn ids_are_narrow() {
        for good in ["a", "no-shell", "a1-", &"a".repeat(64)] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "1a", "-a", "No-shell", "no_shell", "a/b", "../a", "ä", "a b", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn the_json_has_what_cargo_knows_and_nothing_empty() {
        let full = Manifest {
            description: "Says \"no\".".into(),
            authors: vec!["A <a@example.org>".into(), "B".into()],
            license: "MIT".into(),
            ..manifest("no-shell", "1.2.3")
        };
        assert_eq!(
            full.json(),
            r#"{"id":"no-shell","version":"1.2.3","description":"Says \"no\".","license":"MIT","authors":["A <a@example.org>","B"]}"#
        );
        assert_eq!(manifest("a", "0.1.0").json(), r#"{"id":"a","version":"0.1.0"}"#);
    }

    #[test]
    fn what_the_host_would_refuse_is_refused_here() {
        let check = |manifest: Manifest| manifest.check(Span::call_site()).unwrap_err().to_string();
        assert!(check(manifest("no_shell", "1.0.0")).contains("`no_shell` is no plugin id"));
        assert!(check(manifest("a", "1.0")).contains("`1.0` is no version"));
        let long = Manifest { description: "x".repeat(1025), ..manifest("a", "1.0.0") };
        assert_eq!(check(long), "`description` has 1025 characters; a manifest takes 1024 at most");
        let crowd = Manifest { authors: vec!["x".into(); 65], ..manifest("a", "1.0.0") };
        assert_eq!(check(crowd), "65 authors; a manifest takes 64 at most");
        assert!(manifest("a", "1.0.0-rc.1").check(Span::call_site()).is_ok());
    }

    #[test]
    fn the_section_is_for_wasm_only() {
        let section = manifest("a", "0.1.0").section().to_string();
        assert!(section.starts_with("# [cfg (target_family = \"wasm\")]"), "{section}");
        assert!(section.contains("plugbay:manifest"), "{section}");
    }
}
