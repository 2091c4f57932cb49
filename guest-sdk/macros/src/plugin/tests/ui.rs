//! What is said of what a page shows.

use super::*;

/// A plugin with an action `approve` and a tool `deploy`.
fn block() -> TokenStream {
    quote!(impl P {
        /// Words.
        #[action] fn approve(&self, c: &Call) {}
        /// Words.
        #[tool] fn deploy(&self, c: &Call) {}
    })
}

fn wrong(ui: TokenStream) -> String {
    error(quote!(session_state(deploys = "x"), ui(#ui)), block())
}

#[test]
fn what_is_shown_is_described() {
    let arguments = quote!(
        session_state(deploys = "x"),
        ui(
            id = "panel",
            surface = "session",
            label = "Deploys",
            description = "What waits.",
            icon = "rocket",
            order = -1,
            namespace = "deploys",
            actions("approve"),
            scopes("operator.read")
        ),
        ui(surface = "tool", id = "card", label = "Deploy", tools("deploy")),
    );
    let text = described(arguments.clone(), block());
    let ui = concat!(
        r#""ui":[{"id":"panel","surface":"session","label":"Deploys","description":"What waits.","icon":"rocket","order":-1,"#,
        r#""namespace":"deploys","actions":["approve"],"scopes":["operator.read"]},"#,
        r#"{"id":"card","surface":"tool","label":"Deploy","tools":["deploy"]}]}"#
    );
    assert!(text.ends_with(ui), "{text}");
    assert!(expand(arguments, block(), manifest()).is_ok());
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let surfaces = "no such surface; there are session, tool, run, settings, tab, widget";
    assert_eq!(wrong(quote!(id = "a", surface = "page", label = "A")), surfaces);
    assert!(wrong(quote!(id = "a", surface = "tab")).ends_with("; `label` is missing"));
    assert!(wrong(quote!(label = "A")).ends_with("; `id` is missing"));
    assert!(wrong(quote!(id = "A b", surface = "tab", label = "A")).starts_with("\"A b\" is no id: a lower-case letter"));
    assert!(wrong(quote!(id = "a", surface = "tab", label = "A", icon = "A")).starts_with("\"A\" is no icon: a lower-case letter"));
    assert_eq!(wrong(quote!(id = "a", surface = "tab", label = " ")), "this is empty");
    assert_eq!(wrong(quote!(id = "a", id = "a")), "this stands here twice");
    assert_eq!(wrong(quote!(order = 1_000_001)), "from -1000000 to 1000000");
    assert!(wrong(quote!(colour = "red")).starts_with("`ui` has `id`, `surface`, `label`"));
    assert_eq!(wrong(quote!(actions())), "no action at all; leave `actions` out");
    assert_eq!(wrong(quote!(actions("approve", "approve"))), "`approve` stands here twice");
    assert_eq!(
        wrong(quote!(id = "a", surface = "tab", label = "A", tools("deploy"))),
        "only what is shown on the surface `tool` is about tools"
    );
}

#[test]
fn what_is_shown_is_the_plugins_own() {
    let panel = |more: TokenStream| wrong(quote!(id = "a", surface = "tool", label = "A", #more));
    assert_eq!(panel(quote!(actions("reject"))), "this plugin has no action `reject`: it has `approve`");
    assert_eq!(panel(quote!(tools("approve"))), "this plugin has no tool `approve`: it has `deploy`");
    assert_eq!(
        panel(quote!(namespace = "other")),
        "this plugin has no namespace `other`: name it with `session_state(\"other\" = \"what it holds\")`"
    );
    let none = error(quote!(ui(id = "a", surface = "tab", label = "A", actions("x"))), quote!(impl P {}));
    assert_eq!(none, "this plugin has no action `x`: it has no actions at all");
    let one = quote!(ui(id = "a", surface = "tab", label = "A"));
    assert_eq!(error(quote!(#one, #one), block()), "two of `ui` have the id `a`");
}
