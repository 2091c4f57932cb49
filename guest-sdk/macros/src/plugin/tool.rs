//! One tool of the author's: a method with `#[tool]`.
//!
//! What it is for: the tool's name, words and arguments are said once, where the tool is written. What it costs: nothing at run time. How it
//! fails: a tool without a description, a name that no model takes or a wrong shape is an error at that place.

use super::describe::Piece;
use super::method;
use super::texts::{Words, bounded, doc_comment, text, words};
use crate::json;
use proc_macro2::{Ident, Span};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ImplItemFn, LitStr, Meta, Result, ReturnType, Signature, Type};

/// How a tool is written.
const EXPECTED: &str = "fn name(&mut self, call: &Call, args: YourArgs) -> Result<Answer>";

/// What `risk` may be, as `wit/registration.schema.json` has it.
const RISKS: [&str; 3] = ["low", "medium", "high"];

/// What `tags(…)` takes.
const TAGS: Words =
    Words { what: "tag", list: "tags", length: 40, most: 16, refused: |tag| tag.trim().is_empty().then_some("a tag isn't blank") };

/// The arguments of a tool that takes none.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;

/// A tool, read and checked.
pub(crate) struct Tool {
    /// The method, where the author wrote it.
    pub(crate) method: Ident,
    /// The tool's name.
    pub(crate) name: String,
    /// The type of `call`.
    pub(crate) call: Type,
    /// The type of the arguments, if it takes any.
    pub(crate) args: Option<Type>,
    /// Where the author wrote what it answers.
    pub(crate) answer: Span,
    /// Whether it answers a `Result`.
    pub(crate) fallible: bool,
    description: String,
    options: Options,
}

/// What stands in `#[tool(…)]`.
#[derive(Default)]
struct Options {
    name: Option<String>,
    title: Option<String>,
    risk: Option<&'static str>,
    tags: Vec<String>,
}

/// The attribute that makes a tool of a method.
pub(crate) fn attribute(attributes: &[Attribute]) -> Option<&Attribute> {
    attributes.iter().find(|attribute| attribute.path().is_ident("tool"))
}

impl Tool {
    /// Reads and checks a method that has `attribute`.
    pub(crate) fn parse(function: &ImplItemFn, attribute: &Attribute) -> Result<Self> {
        let (signature, place) = (&function.sig, attribute.span());
        method::check_cfg(function)?;
        method::check_plain(signature, EXPECTED)?;
        let mut parameters = method::parameters(signature, true, 1..=2, EXPECTED)?.into_iter();
        let call = parameters.next().ok_or_else(|| Error::new(place, format!("expected `{EXPECTED}`")))?;
        if let Some(hook) = function.attrs.iter().find(|attribute| attribute.path().is_ident("hook")) {
            return Err(Error::new_spanned(hook, "a method is a hook or a tool"));
        }
        let options = Options::parse(attribute)?;
        let name = options.name.clone().unwrap_or_else(|| signature.ident.to_string());
        check_name(&name).map_err(|why| Error::new(signature.ident.span(), why))?;
        let (answer, fallible) = (method::answer_span(signature), answers_result(signature));
        let description = description(function)?;
        Ok(Self { method: signature.ident.clone(), name, call, args: parameters.next(), answer, fallible, description, options })
    }

    /// Its entry in `describe`.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let Options { title, risk, tags, .. } = &self.options;
        let mut members = vec![("name", json::string(&self.name)), ("description", json::string(&self.description))];
        members.extend(title.as_ref().map(|title| ("title", json::string(title))));
        members.extend(risk.map(|risk| ("risk", json::string(risk))));
        if !tags.is_empty() {
            members.push(("tags", json::array(tags.iter().map(|tag| json::string(tag)))));
        }
        let said = json::object(members);
        let open = said.strip_suffix('}').unwrap_or(&said);
        let parameters = match &self.args {
            Some(args) => Piece::Args(args.clone()),
            None => Piece::Text(NO_ARGUMENTS.into()),
        };
        vec![Piece::Text(format!("{open},\"parameters\":")), parameters, Piece::Text("}".into())]
    }
}

impl Options {
    fn parse(attribute: &Attribute) -> Result<Self> {
        let mut options = Self::default();
        if !matches!(attribute.meta, Meta::Path(_)) {
            attribute.parse_nested_meta(|meta| options.take(&meta))?;
        }
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        if meta.path.is_ident("name") {
            text(&mut self.name, meta, 64)
        } else if meta.path.is_ident("title") {
            text(&mut self.title, meta, 80)
        } else if meta.path.is_ident("tags") {
            words(&mut self.tags, meta, &TAGS)
        } else if meta.path.is_ident("risk") {
            let word: LitStr = meta.value()?.parse()?;
            let known = RISKS.into_iter().find(|risk| *risk == word.value());
            self.risk = Some(known.ok_or_else(|| Error::new(word.span(), format!("a risk is one of {}", RISKS.join(", "))))?);
            Ok(())
        } else {
            Err(meta.error("a tool has `name = \"…\"`, `title = \"…\"`, `risk = \"low\"` and `tags(\"…\", …)`"))
        }
    }
}

/// What the model is told of it.
fn description(function: &ImplItemFn) -> Result<String> {
    let place = &function.sig.ident;
    let text = doc_comment(&function.attrs);
    if text.is_empty() {
        return Err(Error::new(place.span(), format!("`{place}` has no doc comment: it is what the model knows of the tool")));
    }
    bounded(&LitStr::new(&text, place.span()), 4_096)
}

/// A name that model providers take.
fn check_name(name: &str) -> std::result::Result<(), String> {
    let good = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if good { Ok(()) } else { Err(format!("{name:?} is no tool's name: 1 to 64 letters, digits, `_` and `-`")) }
}

/// Whether what it answers is written as a `Result`.
fn answers_result(signature: &Signature) -> bool {
    let ReturnType::Type(_, ty) = &signature.output else { return false };
    let Type::Path(path) = &**ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Result")
}
