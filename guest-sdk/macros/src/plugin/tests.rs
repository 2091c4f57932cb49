//! What `#[plugin]` says about an author's block, right or wrong.

use super::*;

fn manifest() -> Manifest {
    Manifest { id: "test".into(), version: "0.1.0".into(), ..Manifest::default() }
}

fn error(arguments: TokenStream, block: TokenStream) -> String {
    expand(arguments, block, manifest()).unwrap_err().into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n")
}

fn block_error(block: TokenStream) -> String {
    error(TokenStream::new(), block)
}

/// What `describe` answers, but for the schema.
fn described(arguments: TokenStream, block: TokenStream) -> String {
    let block: ItemImpl = syn::parse2(block).unwrap();
    let arguments = Arguments::parse(arguments).unwrap();
    let methods = read_methods(&block).unwrap();
    glue::describe_json(&Plugin { arguments, manifest: manifest(), ty: (*block.self_ty).clone(), methods })
}

fn exported(block: TokenStream) -> Vec<&'static str> {
    let text = expand(TokenStream::new(), block, manifest()).unwrap().to_string();
    crate::table::interfaces()
        .into_iter()
        .filter(|name| text.contains(&format!("bindings :: {} :: export !", name.replace('-', "_"))))
        .collect()
}

#[test]
fn a_misspelt_hook_is_named_with_the_nearest() {
    let text = block_error(quote!(impl P { fn before_toolcall(&mut self, call: &Call, event: ToolCall) -> Result<()> {} }));
    assert_eq!(text, "the host calls no `before_toolcall`: did you mean `before_tool_call`? Helpers live in another impl block");
    let text = block_error(quote!(impl P { fn zzz(&self) {} }));
    assert!(text.contains("the host calls `activate`, `deactivate`"), "{text}");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = block_error(quote!(impl P { fn zzz(&self) {} fn describe() -> String {} fn save() {} }));
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("`describe` is generated"), "{text}");
    assert!(text.contains("expected `fn save(&mut self) -> Result<Vec<u8>>`"), "{text}");
}

#[test]
fn half_a_handover_is_refused() {
    let text = block_error(quote!(impl P { fn save(&mut self) -> Result<Vec<u8>> {} }));
    assert_eq!(
        text,
        "`save` and `restore` go together: `fn restore(&mut self, from_version: &str, saved: Vec<u8>) -> Result<()>` is missing"
    );
    let text = block_error(quote!(impl P { fn restore(&mut self, from: &str, saved: Vec<u8>) -> Result<()> {} }));
    assert!(text.ends_with("`fn save(&mut self) -> Result<Vec<u8>>` is missing"), "{text}");
}

#[test]
fn shapes_that_cannot_be_called_are_refused_with_the_right_one() {
    let right = "expected `fn message_received(&mut self, call: &Call, event: hooks::message_received::Event) -> Result<()>`";
    for wrong in [
        quote!(impl P { fn message_received(&mut self, event: Message) {} }),
        quote!(impl P { fn message_received(self, call: &Call, event: Message) {} }),
        quote!(impl P { fn message_received(call: &Call, event: Message) {} }),
        quote!(impl P { fn message_received(&mut self, call: &Call, event: Message, more: u8) {} }),
    ] {
        assert_eq!(block_error(wrong), right);
    }
    assert!(block_error(quote!(impl P { async fn message_received(&self, c: &Call, e: Message) {} })).contains("can't be async"));
    assert!(block_error(quote!(impl P { fn message_received<T>(&self, c: &Call, e: T) {} })).contains("can't be generic"));
    assert!(block_error(quote!(impl P { #[cfg(x)] fn message_received(&self, c: &Call, e: E) {} })).contains("whole `impl` block"));
    assert!(block_error(quote!(impl P { fn activate(&self, a: &Activation) -> Self {} })).contains("expected `fn activate(activation"));
}

#[test]
fn blocks_that_are_no_plugin_are_refused() {
    assert!(block_error(quote!(impl Trait for P {})).contains("not on a trait's"));
    assert!(
        block_error(quote!(
            impl<T> P<T> {}
        ))
        .contains("no parameters")
    );
    assert!(
        block_error(quote!(
            struct P;
        ))
        .contains("stands on an `impl` block")
    );
}

#[test]
fn arguments_are_checked() {
    let wrong = |arguments| error(arguments, quote!(impl P {}));
    assert!(wrong(quote!(id = "No_Shell")).contains("`No_Shell` is no plugin id"));
    assert!(wrong(quote!(version = "one")).contains("`one` is no version"));
    assert!(wrong(quote!(isolation(shared, none))).contains("no such isolation; there are shared, pool, session, call"));
    assert!(wrong(quote!(isolation(call, call))).contains("`call` stands here twice"));
    assert!(wrong(quote!(isolation())).contains("unexpected end of input"));
    assert!(wrong(quote!(name = "x")).contains("a plugin has `id"));
    assert!(wrong(quote!(id = "a", id = "b")).contains("twice"));
}

#[test]
fn hook_options_are_checked() {
    let wrong = |options: TokenStream| block_error(quote!(impl P { #[hook(#options)] fn before_tool_call(&self, c: &C, e: E) {} }));
    assert_eq!(wrong(quote!(priority = 1_000_001)), "from -1000000 to 1000000");
    assert_eq!(wrong(quote!(priority = -1_000_001)), "from -1000000 to 1000000");
    assert_eq!(wrong(quote!(budget_ms = 0)), "from 1 to 600000");
    assert!(wrong(quote!(tools())).contains("no tool at all"));
    assert!(wrong(quote!(tools("sh*"))).contains("no patterns"));
    assert!(wrong(quote!(tools("a", "a"))).contains("`a` stands here twice"));
    assert!(wrong(quote!(prio = 1)).contains("a hook has `priority"));
    assert!(wrong(quote!(priority = 1, priority = 2)).contains("twice"));
    let text = block_error(quote!(impl P { #[hook(tools("a"))] fn message_received(&self, c: &C, e: E) {} }));
    assert_eq!(text, "`message-received` isn't about a tool, so it can't be limited to some");
    let text = block_error(quote!(impl P { #[hook(priority = 1)] fn started(&self, r: R) {} }));
    assert_eq!(text, "`started` is no hook, so it has no options");
}

#[test]
fn describe_has_what_was_said_and_no_defaults() {
    assert_eq!(described(quote!(), quote!(impl P { fn message_received(&self, c: &C, e: E) {} })), "{}");
    let block = quote!(impl P {
        #[hook(priority = -10, budget_ms = 500, tools("shell", "ex\"ec"))]
        fn before_tool_call(&self, c: &C, e: E) {}
        #[hook(budget_ms = 7)]
        fn message_received(&self, c: &C, e: E) {}
    });
    assert_eq!(
        described(quote!(isolation(shared, call)), block),
        concat!(
            r#"{"hooks":[{"hook":"before-tool-call","priority":-10,"budget-ms":500,"tools":["shell","ex\"ec"]},"#,
            r#"{"hook":"message-received","budget-ms":7}],"isolation":["shared","call"]}"#
        )
    );
}

#[test]
fn the_methods_that_are_there_are_exported_and_only_those() {
    assert_eq!(exported(quote!(impl P {})), ["plugin"]);
    assert_eq!(exported(quote!(impl P { fn before_tool_call(&self, c: &C, e: E) {} })), ["plugin", "before-tool-call"]);
    let all = quote!(impl P {
        fn started(&self, r: R) {}
        fn save(&self) {}
        fn restore(&self, f: &str, s: Vec<u8>) {}
        fn message_received(&self, c: &C, e: E) {}
    });
    assert_eq!(exported(all), ["plugin", "startup", "handover", "message-received"]);
}

#[test]
fn options_do_not_stay_on_the_block() {
    let block = quote!(impl P { #[doc = "kept"] #[hook(priority = 1)] fn before_tool_call(&self, c: &C, e: E) {} });
    let text = expand(quote!(), block.clone(), manifest()).unwrap().to_string();
    assert!(text.contains("kept") && !text.contains("hook (priority"), "{text}");
    let complaint = expand_or_complain(quote!(nonsense), block).to_string();
    assert!(complaint.contains("compile_error") && complaint.contains("kept") && !complaint.contains("hook (priority"), "{complaint}");
}
