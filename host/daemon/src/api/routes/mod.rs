//! The routes, by what they are about.

mod actions;
mod agents;
mod decisions;
mod host;
mod logs;
mod plugins;
mod running;
mod sessions;
mod slots;
mod tokens;
mod work;

use super::{Api, document};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route, with its documentation.
pub(super) fn all() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(document::base()).merge(of_plugins()).merge(of_agents()).merge(of_people()).merge(of_the_host())
}

fn of_plugins() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(plugins::list, plugins::install))
        .routes(routes!(plugins::show, plugins::uninstall))
        .routes(routes!(plugins::inspect))
        .routes(routes!(plugins::versions))
        .routes(routes!(running::enable))
        .routes(routes!(running::disable))
        .routes(routes!(running::reset))
        .routes(routes!(running::roll_back))
        .routes(routes!(running::call))
        .routes(routes!(decisions::decide))
        .routes(routes!(decisions::limits, decisions::limit))
        .routes(routes!(logs::logs))
        .routes(routes!(slots::list))
        .routes(routes!(slots::fill))
}

fn of_agents() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(agents::tools))
        .routes(routes!(agents::fire))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::show, sessions::delete))
        .routes(routes!(sessions::transcript))
        .routes(routes!(sessions::receipts))
        .routes(routes!(sessions::reset))
        .routes(routes!(sessions::compact))
        .routes(routes!(sessions::patch_state))
        .routes(routes!(agents::turn))
        .routes(routes!(agents::heartbeat))
        .routes(routes!(agents::prepare))
        .routes(routes!(agents::shown))
        .routes(routes!(agents::said))
        .routes(routes!(agents::call_tool))
        .routes(routes!(agents::finish))
        .routes(routes!(agents::cancel))
        .routes(routes!(agents::approvals))
        .routes(routes!(agents::resolve))
}

/// What people have plugins do, and what they get of it.
fn of_people() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(actions::list))
        .routes(routes!(actions::act))
        .routes(routes!(actions::ui))
        .routes(routes!(actions::commands))
        .routes(routes!(actions::run))
        .routes(routes!(work::jobs))
        .routes(routes!(work::job, work::remove_job))
        .routes(routes!(work::outbox))
        .routes(routes!(work::delivery, work::remove_delivery))
        .routes(routes!(work::file))
}

fn of_the_host() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(host::usage))
        .routes(routes!(host::history))
        .routes(routes!(host::doctor))
        .routes(routes!(tokens::list, tokens::issue))
        .routes(routes!(tokens::revoke))
        .routes(routes!(host::alive))
        .routes(routes!(host::ready))
        .routes(routes!(host::metrics))
        .routes(routes!(host::describe))
}
