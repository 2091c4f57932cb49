//! One method that is offered by name: a tool, an action or a command.
//!
//! What it is for: its name, its words and what it takes are said once, where it is written. What it costs: nothing at run time. How it fails: a
//! method without a description, a name that nobody could call or a wrong shape is an error at that place.

use super::describe::Piece;
use super::method;
use super::texts::{SCOPES, Words, bounded, doc_comment, put, text, words};
use crate::json;
use crate::offers::{Description, Given, OFFERS, Offer, in_words};
use proc_macro2::{Ident, Span};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, ImplItemFn, LitStr, Meta, Result, ReturnType, Signature, Type};

/// What `risk` may be, as `wit/registration.schema.json` has it.
const RISKS: [&str; 3] = ["low", "medium", "high"];

/// What `tags(…)` takes.
const TAGS: Words =
    Words { what: "tag", list: "tags", length: 40, most: 16, refused: |tag| tag.trim().is_empty().then_some("a tag isn't blank") };

/// The arguments of a tool that takes none.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;

/// A method that is offered, read and checked.
pub(crate) struct Offered {
    /// What it is.
    pub(crate) offer: &'static Offer,
    /// The method, where the author wrote it.
    pub(crate) method: Ident,
    /// What it is called.
    pub(crate) name: String,
    /// The type of `call`.
    pub(crate) call: Type,
    /// The type of what it is given, if it takes anything.
    pub(crate) input: Option<Type>,
    /// Where the author wrote what it answers.
    pub(crate) answer: Span,
    /// Whether it answers a `Result`.
    pub(crate) fallible: bool,
    description: String,
    options: Options,
}

/// What stands in the attribute.
#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    title: Option<String>,
    risk: Option<&'static str>,
    tags: Vec<String>,
    args: Option<String>,
    scopes: Vec<String>,
}

/// The attribute that makes an offer of a method, and which one.
pub(crate) fn attribute(attributes: &[Attribute]) -> Option<(&'static Offer, &Attribute)> {
    attributes
        .iter()
        .find_map(|attribute| OFFERS.iter().find(|offer| attribute.path().is_ident(offer.word)).map(|offer| (offer, attribute)))
}

impl Offered {
    /// Reads and checks a method that has `attribute`.
    pub(crate) fn parse(function: &ImplItemFn, offer: &'static Offer, attribute: &Attribute) -> Result<Self> {
        let signature = &function.sig;
        method::check_cfg(function)?;
        check_alone(function, offer, attribute)?;
        method::check_plain(signature, offer.expected)?;
        let mut parameters = method::parameters(signature, true, 1..=2, offer.expected)?.into_iter();
        let call = parameters.next().ok_or_else(|| Error::new(attribute.span(), format!("expected `{}`", offer.expected)))?;
        let offered = Self {
            offer,
            options: Options::parse(attribute, offer)?,
            method: signature.ident.clone(),
            name: String::new(),
            call,
            input: parameters.next(),
            answer: method::answer_span(signature),
            fallible: answers_result(signature),
            description: description(function, offer)?,
        };
        offered.check_line()?;
        offered.named()
    }

    /// The same with its name, which is the method's if no other is said.
    fn named(mut self) -> Result<Self> {
        let (name, place) = match &self.options.name {
            Some(said) => (said.value(), said.span()),
            None => (self.offer.naming.of_method(&self.method.to_string()), self.method.span()),
        };
        if let Some(takes) = self.offer.naming.refused(&name) {
            let Offer { word, name: what, .. } = self.offer;
            return Err(Error::new(place, format!("{name:?} is no {word}'s {what}: {takes}")));
        }
        self.name = name;
        Ok(self)
    }

    /// What a command takes and what it says that it takes go together.
    fn check_line(&self) -> Result<()> {
        let method = &self.method;
        match (self.offer.given, &self.input, &self.options.args) {
            (Given::Line, Some(line), None) => Err(Error::new(
                line.span(),
                format!("`{method}` takes what stands behind it; say what that is: `args = \"<environment>\"`"),
            )),
            (Given::Line, None, Some(_)) => {
                Err(Error::new(method.span(), format!("`{method}` says that it takes `args`; expected `{}`", self.offer.expected)))
            }
            _ => Ok(()),
        }
    }

    /// Its entry in `describe`.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let Options { title, risk, tags, args, scopes, .. } = &self.options;
        let list = |words: &[String]| json::array(words.iter().map(|word| json::string(word)));
        let made = self.offer.titled.then(|| in_words(&self.name));
        let mut members = vec![(self.offer.name, json::string(&self.name)), ("description", json::string(&self.description))];
        members.extend(title.as_ref().or(made.as_ref()).map(|title| ("title", json::string(title))));
        members.extend(risk.map(|risk| ("risk", json::string(risk))));
        members.extend(args.as_ref().map(|args| ("args", json::string(args))));
        members.extend(
            [("tags", tags), ("scopes", scopes)].into_iter().filter(|(_, all)| !all.is_empty()).map(|(name, all)| (name, list(all))),
        );
        let said = json::object(members);
        let Some((member, schema)) = self.schema() else { return vec![Piece::Text(said)] };
        let open = said.strip_suffix('}').unwrap_or(&said);
        vec![Piece::Text(format!("{open},\"{member}\":")), schema, Piece::Text("}".into())]
    }

    /// The member of `describe` that has the schema of what it takes, if there is one.
    fn schema(&self) -> Option<(&'static str, Piece)> {
        match (self.offer.given, &self.input) {
            (Given::Arguments, Some(args)) => Some(("parameters", Piece::Args(args.clone()))),
            (Given::Arguments, None) => Some(("parameters", Piece::Text(NO_ARGUMENTS.into()))),
            (Given::Parameters, Some(params)) => Some(("params", Piece::Args(params.clone()))),
            (Given::Parameters, None) | (Given::Line, _) => None,
        }
    }
}

impl Options {
    fn parse(attribute: &Attribute, offer: &Offer) -> Result<Self> {
        let mut options = Self::default();
        if !matches!(attribute.meta, Meta::Path(_)) {
            attribute.parse_nested_meta(|meta| options.take(&meta, offer))?;
        }
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta, offer: &Offer) -> Result<()> {
        let option = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match option.as_str() {
            name if name == offer.name => put(&mut self.name, meta),
            other if !offer.options.contains(&other) => Err(meta.error(offer.options_are)),
            "title" => text(&mut self.title, meta, 80),
            "args" => text(&mut self.args, meta, 80),
            "tags" => words(&mut self.tags, meta, &TAGS),
            "scopes" => words(&mut self.scopes, meta, &SCOPES),
            _ => self.take_risk(meta),
        }
    }

    fn take_risk(&mut self, meta: &ParseNestedMeta) -> Result<()> {
        let word: LitStr = meta.value()?.parse()?;
        let known = RISKS.into_iter().find(|risk| *risk == word.value());
        self.risk = Some(known.ok_or_else(|| Error::new(word.span(), format!("a risk is one of {}", RISKS.join(", "))))?);
        Ok(())
    }
}

/// Each has a name of its own among its kind, and there aren't too many.
pub(crate) fn check(all: &[Offered]) -> Result<()> {
    for (at, offered) in all.iter().enumerate() {
        let Offer { word, list, most, .. } = offered.offer;
        let before: Vec<&Offered> = all.iter().take(at).filter(|earlier| earlier.offer.word == *word).collect();
        if before.iter().any(|earlier| earlier.name == offered.name) {
            return Err(Error::new(offered.method.span(), format!("two {list} are named `{}`", offered.name)));
        }
        if before.len() == *most {
            return Err(Error::new(offered.method.span(), format!("{most} {list} at most")));
        }
    }
    Ok(())
}

/// A method is one thing.
fn check_alone(function: &ImplItemFn, offer: &Offer, attribute: &Attribute) -> Result<()> {
    let makes = |other: &&Attribute| other.path().is_ident("hook") || OFFERS.iter().any(|offer| other.path().is_ident(offer.word));
    let Some(other) = function.attrs.iter().filter(makes).find(|other| !std::ptr::eq(*other, attribute)) else { return Ok(()) };
    let word = other.path().get_ident().map(ToString::to_string).unwrap_or_default();
    let text = match word == offer.word {
        true => format!("`#[{word}]` stands here twice"),
        false => format!("a method is one thing: `#[{}]` and `#[{word}]` don't go together", offer.word),
    };
    Err(Error::new_spanned(other, text))
}

/// What is told of it.
fn description(function: &ImplItemFn, offer: &Offer) -> Result<String> {
    let place = &function.sig.ident;
    let (text, word) = (doc_comment(&function.attrs), offer.word);
    let reader = match offer.description {
        Description::Whole { reader } => reader,
        Description::FirstLine => "people are told",
    };
    if text.is_empty() {
        return Err(Error::new(place.span(), format!("`{place}` has no doc comment: it is what {reader} of the {word}")));
    }
    match offer.description {
        Description::Whole { .. } => bounded(&LitStr::new(&text, place.span()), 4_096),
        Description::FirstLine => {
            let line = text.lines().next().unwrap_or(&text);
            let error = |more| Error::new(place.span(), format!("the first line of `{place}`'s doc comment describes the {word}: {more}"));
            bounded(&LitStr::new(line, place.span()), 80).map_err(error)
        }
    }
}

/// Whether what it answers is written as a `Result`.
fn answers_result(signature: &Signature) -> bool {
    let ReturnType::Type(_, ty) = &signature.output else { return false };
    let Type::Path(path) = &**ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Result")
}
