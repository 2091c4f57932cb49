//! The OpenAPI document: what is common to all routes. The rest stands with each route.

use super::types::Problem;
use std::collections::BTreeMap;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// The document without its paths.
pub(super) fn base() -> OpenApi {
    let mut info = Info::new("Plugbay", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "What operators do with plugins, while agents are working. At the Unix socket the host's own user is an administrator; over TCP a token is needed, \
         whose scope is `operator.read`, `operator.write` or `operator.admin`, each of which includes those before it. Every refusal is a `Problem`."
            .to_owned(),
    );
    let token = SecurityScheme::Http(
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token, as `plugbay tokens issue` shows it once.")).build(),
    );
    let mut components = Components::new();
    components.add_security_scheme("token", token);
    let (name, schema) = (Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema());
    components.schemas.insert(name, schema);
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

type Responses = BTreeMap<String, RefOr<Response>>;

fn problems<const N: usize>(about: [(u16, &str); N]) -> Responses {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let response = |said: &str| ResponseBuilder::new().description(said).content("application/json", problem()).build();
    about.into_iter().map(|(status, said)| (status.to_string(), RefOr::T(response(said)))).collect()
}

/// What every route may answer.
pub(super) struct Always;

impl IntoResponses for Always {
    fn responses() -> Responses {
        problems([
            (400, "A path, query or body that makes no sense."),
            (401, "Over TCP: no token, or none that is good."),
            (403, "The token's scope is too small, or the socket is somebody else's."),
            (500, "The host's own fault."),
            (503, "Not now: the state can't be used, or the host is stopping."),
        ])
    }
}

/// What a route may answer that names something.
pub(super) struct Names;

impl IntoResponses for Names {
    fn responses() -> Responses {
        problems([(404, "What is named isn't there; `near` has the name that was probably meant.")])
    }
}

/// What a route may answer that takes a body.
pub(super) struct Takes;

impl IntoResponses for Takes {
    fn responses() -> Responses {
        problems([(408, "The body took too long to arrive."), (413, "The body is too large."), (415, "The body is of another type.")])
    }
}

/// What a route may answer that changes something.
pub(super) struct Changes;

impl IntoResponses for Changes {
    fn responses() -> Responses {
        problems([
            (409, "Somebody else changed it meanwhile, or it waits for a decision."),
            (422, "It was looked at and refused; `step` says where."),
        ])
    }
}

/// What a route may answer that hands on what is judged by others: parameters by a schema, words by a plugin.
pub(super) struct Weighs;

impl IntoResponses for Weighs {
    fn responses() -> Responses {
        problems([(
            422,
            "It was looked at and refused: `invalid-params`, where the parameters don't fit; `refused`, where the plugin says no.",
        )])
    }
}

/// What a route may answer that lets a plugin answer.
pub(super) struct Answers;

impl IntoResponses for Answers {
    fn responses() -> Responses {
        problems([(502, "The plugin has no answer: it failed, or was cut off.")])
    }
}
