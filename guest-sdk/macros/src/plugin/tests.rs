//! What `#[plugin]` says about an author's block, right or wrong.

mod offers;
mod ui;

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

/// What `describe` answers, with names for schemas.
fn described(arguments: TokenStream, block: TokenStream) -> String {
    let block: ItemImpl = syn::parse2(block).unwrap();
    let arguments = Arguments::parse(arguments).unwrap();
    let (methods, offered) = read_methods(&block).unwrap();
    let plugin = Plugin { arguments, manifest: manifest(), ty: (*block.self_ty).clone(), methods, offered };
    let pieces = describe::pieces(&plugin).into_iter().map(|piece| match piece {
        describe::Piece::Text(text) => text,
        describe::Piece::Args(ty) | describe::Piece::Settings(ty) => format!("<{}>", quote!(#ty)),
    });
    pieces.collect()
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
    assert_eq!(
        text,
        "the host calls no `before_toolcall`: did you mean `before_tool_call`? A tool has `#[tool]`, an action `#[action]`, \
         a command `#[command]`; helpers live in another impl block"
    );
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
    let right = "expected `fn message_received(&mut self, call: &Call, event: Message) -> Result<()>`";
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
    assert!(wrong(quote!(topics("a"))).contains("isn't about events of a topic"));
    let wrong = |options: TokenStream| block_error(quote!(impl P { #[hook(#options)] fn agent_events(&self, c: &C, e: E) {} }));
    assert!(wrong(quote!(topics("a*"))).contains("there are no patterns, each topic is named in full"));
    assert!(wrong(quote!(topics())).contains("no topic at all; leave `topics` out"));
    assert!(wrong(quote!(tools("a"))).contains("`agent-events` isn't about a tool"));
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
fn timers_are_told_like_a_hook_that_only_looks() {
    let block = quote!(impl P { fn timers(&mut self, c: &Call, e: Timer) -> Result<()> {} });
    assert_eq!(exported(block.clone()), ["plugin", "timers"]);
    assert_eq!(described(quote!(), block), "{}");
    let shape = block_error(quote!(impl P { fn timers(&mut self, e: Timer) {} }));
    assert_eq!(shape, "expected `fn timers(&mut self, call: &Call, event: Timer) -> Result<()>`");
    let near = block_error(quote!(impl P { fn timer(&mut self, c: &Call, e: Timer) {} }));
    assert!(near.contains("did you mean `timers`?"), "{near}");
}

#[test]
fn options_do_not_stay_on_the_block() {
    let block = quote!(impl P { #[doc = "kept"] #[hook(priority = 1)] fn before_tool_call(&self, c: &C, e: E) {} });
    let text = expand(quote!(), block.clone(), manifest()).unwrap().to_string();
    assert!(text.contains("kept") && !text.contains("hook (priority"), "{text}");
    let complaint = expand_or_complain(quote!(nonsense), block).to_string();
    assert!(complaint.contains("compile_error") && complaint.contains("kept") && !complaint.contains("hook (priority"), "{complaint}");
}

#[test]
fn a_hook_that_may_be_narrowed_says_to_what() {
    for hook in ["before_tool_call", "after_tool_call", "tool_result_persist", "tool_policy"] {
        let name = quote::format_ident!("{hook}");
        let block = quote!(impl P { #[hook(tools("shell"))] fn #name(&self, c: &C, e: E) {} });
        let wanted = format!(r#"{{"hooks":[{{"hook":"{}","tools":["shell"]}}]}}"#, hook.replace('_', "-"));
        assert_eq!(described(quote!(), block), wanted);
    }
    let block = quote!(impl P { #[hook(topics("tool", "other.found"))] fn agent_events(&self, c: &C, e: E) {} });
    assert_eq!(described(quote!(), block), r#"{"hooks":[{"hook":"agent-events","topics":["tool","other.found"]}]}"#);
}

#[test]
fn session_state_is_named_with_what_it_holds() {
    let block = quote!(impl P { fn session_projection(&self, c: &Call, e: Projecting) -> Result<Option<u8>> {} });
    let state = r#"{"session-state":[{"namespace":"budget","description":"what is left"},{"namespace":"a-b","description":"b"}]}"#;
    assert_eq!(described(quote!(session_state(budget = "what is left", "a-b" = "b")), block.clone()), state);
    let wrong = |arguments| error(arguments, quote!(impl P {}));
    assert!(wrong(quote!(session_state())).contains("no namespace at all"));
    assert!(wrong(quote!(session_state("a b" = "x"))).contains("\"a b\" is no namespace"));
    assert!(wrong(quote!(session_state(a = "x", a = "y"))).contains("`a` stands here twice"));
    assert!(wrong(quote!(session_state(a = ""))).contains("this is empty"));
    assert!(block_error(block).contains("there is no state to show"));
}

/// An engine that has what it must, and these methods more.
fn engine(more: TokenStream) -> TokenStream {
    quote!(impl P {
        fn context_ingest(&mut self, c: &Call, e: Ingesting) -> Result<Ingested> {}
        fn context_assemble(&mut self, c: &Call, e: Assembling) -> Result<Assembled> {}
        fn context_compact(&mut self, c: &Call, e: CompactionAsked) -> Result<Compaction> {}
        #more
    })
}

#[test]
fn half_an_engine_is_refused_with_what_is_missing() {
    let text = block_error(quote!(impl P { fn context_assemble(&mut self, c: &Call, e: Assembling) -> Result<Assembled> {} }));
    assert_eq!(
        text,
        "a context engine has `context_ingest`, `context_assemble` and `context_compact`; missing: \
         `fn context_ingest(&mut self, call: &Call, event: Ingesting) -> Result<Ingested>`, \
         `fn context_compact(&mut self, call: &Call, event: CompactionAsked) -> Result<Compaction>`"
    );
    let optional = block_error(quote!(impl P { fn context_dispose(&mut self, c: &Call, e: Disposing) -> Result<()> {} }));
    assert_eq!(optional.matches("fn context_").count(), 3, "{optional}");
    let said = error(quote!(context_engine(owns_compaction)), quote!(impl P {}));
    assert_eq!(said.matches("fn context_").count(), 3, "{said}");
}

#[test]
fn an_engine_is_described_whatever_it_says_of_itself_and_nothing_else_is() {
    let plain = r#"{"context-engine":{"owns-compaction":false,"maintenance":"background"}}"#;
    assert_eq!(described(quote!(), engine(quote!())), plain);
    assert_eq!(described(quote!(context_engine(maintenance = "background")), engine(quote!())), plain);
    let said = r#"{"context-engine":{"owns-compaction":true,"maintenance":"foreground"},"isolation":["session"]}"#;
    assert_eq!(described(quote!(isolation(session), context_engine(owns_compaction, maintenance = "foreground")), engine(quote!())), said);
    let wrong = |options: TokenStream| error(quote!(context_engine(#options)), engine(quote!()));
    assert_eq!(wrong(quote!(maintenance = "never")), "maintenance is one of background, foreground");
    assert_eq!(wrong(quote!(owns_compaction, owns_compaction)), "this stands here twice");
    assert_eq!(wrong(quote!(maintenance = "foreground", maintenance = "foreground")), "this stands here twice");
    assert_eq!(wrong(quote!(owns_all)), "a context engine has `owns_compaction` and `maintenance = \"foreground\"`");
    assert_eq!(error(quote!(context_engine(owns_compaction), context_engine(owns_compaction)), engine(quote!())), "this stands here twice");
}

#[test]
fn an_engines_methods_have_to_answer_and_have_a_budget_but_no_order() {
    let block = engine(quote!(
        #[hook(budget_ms = 9)]
        fn context_turn(&self, c: &Call, e: TurnDone) -> Result<TurnRecord> {}
        fn context_dispose(&self, c: &Call, e: Disposing) {}
    ));
    assert_eq!(
        exported(block.clone()),
        ["plugin", "context-ingest", "context-assemble", "context-compact", "context-turn", "context-dispose"]
    );
    assert!(described(quote!(), block.clone()).contains(r#""hooks":[{"hook":"context-turn","budget-ms":9}]"#));
    let text = expand(quote!(), block, manifest()).unwrap().to_string();
    let wanted = |name: &str| format!("IntoAnswer :: < :: plugbay_sdk :: bindings :: {name} > :: into_answer");
    assert!(text.contains(&wanted("context_assemble :: exports :: plugbay :: plugin :: context_assemble :: Assembled")), "{text}");
    assert!(text.contains(&wanted("context_turn :: exports :: plugbay :: plugin :: context_turn :: TurnRecord")), "{text}");
    let order = block_error(engine(quote!(
        #[hook(priority = 1)]
        fn context_turn(&self, c: &Call, e: TurnDone) -> Result<TurnRecord> {}
    )));
    assert_eq!(order, "`context-turn` is asked of the one engine that serves, so there is no order");
    let shape = block_error(engine(quote!(
        fn context_spawn(&self, e: Spawning) {}
    )));
    assert_eq!(shape, "expected `fn context_spawn(&mut self, call: &Call, event: Spawning) -> Result<Prepared>`");
}
