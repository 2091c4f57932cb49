//! What is said of tools, actions and commands.

use super::*;

#[test]
fn each_tool_is_described_by_its_words_and_its_arguments() {
    let block = quote!(impl P {
        fn activate(a: &Activation, s: Mine) -> Self {}
        /// Looks up the weather.
        ///
        /// Of today.
        #[tool(title = "Weather", risk = "low", tags("net", "free"))]
        fn weather(&self, c: &Call, args: Where) -> Result<String> {}
        /// Says "hello".
        #[tool(name = "say-hello")]
        fn hello(&self, c: &Call) -> String {}
    });
    assert_eq!(
        described(quote!(), block.clone()),
        concat!(
            r#"{"config":<Mine>,"tools":[{"name":"weather","description":"Looks up the weather.\u000a\u000aOf today.","title":"Weather","risk":"low","#,
            r#""tags":["net","free"],"parameters":<Where>},{"name":"say-hello","description":"Says \"hello\".","#,
            r#""parameters":{"type":"object","properties":{},"additionalProperties":false}}]}"#
        )
    );
    assert_eq!(exported(block.clone()), ["plugin", "tools"]);
    let text = expand(quote!(), block, manifest()).unwrap().to_string();
    assert!(
        text.contains("fallible (< P > :: weather (plugin , & call , given) , :: plugbay_sdk :: IntoToolResult :: into_tool_result)"),
        "{text}"
    );
    assert!(text.contains(":: IntoToolResult :: into_tool_result (< P > :: hello (plugin , & call ,))"), "{text}");
    assert!(!text.contains("# [tool"), "{text}");
}

#[test]
fn tools_that_no_model_could_use_are_refused() {
    let wrong = |options: TokenStream| {
        block_error(quote!(impl P { /// Words.
        #[tool(#options)] fn weather(&self, c: &Call) {} }))
    };
    assert_eq!(wrong(quote!(name = "the weather")), "\"the weather\" is no tool's name: 1 to 64 letters, digits, `_` and `-`");
    assert_eq!(wrong(quote!(title = " ")), "this is empty");
    assert_eq!(wrong(quote!(risk = "huge")), "a risk is one of low, medium, high");
    assert!(wrong(quote!(tags())).contains("no tag at all; leave `tags` out"));
    assert!(wrong(quote!(tags("a", "a"))).contains("`a` stands here twice"));
    assert!(wrong(quote!(colour = "red")).contains("a tool has `name"));
    let no_words = block_error(quote!(impl P { #[tool] fn weather(&self, c: &Call) {} }));
    assert_eq!(no_words, "`weather` has no doc comment: it is what the model knows of the tool");
    let shape = block_error(quote!(impl P { #[tool] fn weather(&self) {} }));
    assert_eq!(shape, "expected `fn name(&mut self, call: &Call, args: YourArgs) -> Result<Answer>`");
    let both = block_error(quote!(impl P { /// Words.
        #[tool] #[hook(priority = 1)] fn weather(&self, c: &Call) {} }));
    assert_eq!(both, "a method is one thing: `#[tool]` and `#[hook]` don't go together");
    let twice = block_error(quote!(impl P {
        /// Words.
        #[tool] fn weather(&self, c: &Call) {}
        /// Words.
        #[tool(name = "weather")] fn other(&self, c: &Call) {}
    }));
    assert_eq!(twice, "two tools are named `weather`");
}

#[test]
fn each_action_is_described_by_its_words_and_a_form() {
    let block = quote!(impl P {
        /// Lets it go on.
        ///
        /// At once.
        #[action(scopes("operator.write", "operator.admin"))]
        fn approve_deploy(&mut self, c: &Call, params: Decided) -> Result<ActionResult> {}
        /// Looks whether it is there.
        #[action(id = "ping", title = "Are you there?")]
        fn look(&self, c: &Call) {}
    });
    assert_eq!(
        described(quote!(), block.clone()),
        concat!(
            r#"{"actions":[{"id":"approve-deploy","description":"Lets it go on.\u000a\u000aAt once.","title":"Approve deploy","#,
            r#""scopes":["operator.write","operator.admin"],"params":<Decided>},"#,
            r#"{"id":"ping","description":"Looks whether it is there.","title":"Are you there?"}]}"#
        )
    );
    assert_eq!(exported(block.clone()), ["plugin", "session-actions"]);
    let text = expand(quote!(), block, manifest()).unwrap().to_string();
    let read = r#"read_args :: < Decided > ("the parameters of `approve-deploy`" , event . params . as_deref () . unwrap_or ("{}"))"#;
    assert!(text.contains(read), "{text}");
    assert!(
        text.contains("(< P > :: approve_deploy (plugin , & call , given) , :: plugbay_sdk :: IntoActionResult :: into_action_result)"),
        "{text}"
    );
    assert!(text.contains("match event . action . as_str ()") && !text.contains("# [action"), "{text}");
}

#[test]
fn each_command_is_described_by_a_line_and_what_it_takes() {
    let block = quote!(impl P {
        /// What was deployed.
        ///
        /// More for those who read the source.
        #[command(args = "<environment>", scopes("operator.read"))]
        fn deploys(&mut self, c: &Call, args: &str) -> Result<CommandAnswer> {}
        /// All of it.
        #[command(name = "all")]
        fn everything(&self, c: &Call) -> String {}
    });
    assert_eq!(
        described(quote!(), block.clone()),
        concat!(
            r#"{"commands":[{"name":"deploys","description":"What was deployed.","args":"<environment>","scopes":["operator.read"]},"#,
            r#"{"name":"all","description":"All of it."}]}"#
        )
    );
    assert_eq!(exported(block.clone()), ["plugin", "commands"]);
    let text = expand(quote!(), block, manifest()).unwrap().to_string();
    assert!(
        text.contains("(< P > :: deploys (plugin , & call , event . args . as_str ()) , :: plugbay_sdk :: IntoCommandAnswer"),
        "{text}"
    );
    assert!(text.contains(":: IntoCommandAnswer :: into_command_answer (< P > :: everything (plugin , & call ,))"), "{text}");
}

#[test]
fn all_three_stand_beside_each_other_under_one_name() {
    let block = quote!(impl P {
        /// A.
        #[tool] fn ship(&self, c: &Call) {}
        /// B.
        #[action(id = "ship")] fn ship_it(&self, c: &Call) {}
        /// C.
        #[command(name = "ship")] fn shipped(&self, c: &Call) {}
    });
    assert_eq!(exported(block), ["plugin", "tools", "session-actions", "commands"]);
}

#[test]
fn actions_that_nobody_could_ask_for_are_refused() {
    let wrong = |options: TokenStream| {
        block_error(quote!(impl P { /// Words.
        #[action(#options)] fn approve(&self, c: &Call) {} }))
    };
    let id = "a lower-case letter, then up to 63 lower-case letters, digits and `-`";
    assert_eq!(wrong(quote!(id = "Approve it")), format!("\"Approve it\" is no action's id: {id}"));
    assert_eq!(wrong(quote!(title = "")), "this is empty");
    assert_eq!(wrong(quote!(id = "a", id = "b")), "this stands here twice");
    assert_eq!(wrong(quote!(scopes("operator.root"))), "no such scope; there are operator.read, operator.write, operator.admin");
    assert_eq!(wrong(quote!(scopes())), "no scope at all; leave `scopes` out");
    assert!(wrong(quote!(name = "a")).starts_with("an action has `id = "));
    assert!(wrong(quote!(risk = "low")).starts_with("an action has `id = "));
    let no_words = block_error(quote!(impl P { #[action] fn approve(&self, c: &Call) {} }));
    assert_eq!(no_words, "`approve` has no doc comment: it is what people are told of the action");
    let shape = block_error(quote!(impl P { #[action] fn approve(&self, c: &Call, a: A, b: B) {} }));
    assert_eq!(shape, "expected `fn name(&mut self, call: &Call, params: YourParams) -> Result<ActionResult>`");
    let both = block_error(quote!(impl P { /// Words.
        #[action] #[tool] fn approve(&self, c: &Call) {} }));
    assert_eq!(both, "a method is one thing: `#[action]` and `#[tool]` don't go together");
    let same = block_error(quote!(impl P { /// Words.
        #[action] #[action] fn approve(&self, c: &Call) {} }));
    assert_eq!(same, "`#[action]` stands here twice");
    let twice = block_error(quote!(impl P {
        /// Words.
        #[action] fn approve_it(&self, c: &Call) {}
        /// Words.
        #[action(id = "approve-it")] fn other(&self, c: &Call) {}
    }));
    assert_eq!(twice, "two actions are named `approve-it`");
}

#[test]
fn commands_that_nobody_could_give_are_refused() {
    let wrong = |options: TokenStream, parameters: TokenStream| {
        block_error(quote!(impl P { /// Words.
        #[command(#options)] fn deploys(&self, c: &Call #parameters) {} }))
    };
    assert!(wrong(quote!(name = "/deploys"), quote!()).starts_with("\"/deploys\" is no command's name: a lower-case letter"));
    assert!(wrong(quote!(title = "a"), quote!()).starts_with("a command has `name = "));
    assert_eq!(wrong(quote!(args = " "), quote!(, a: &str)), "this is empty");
    assert_eq!(wrong(quote!(), quote!(, a: &str)), "`deploys` takes what stands behind it; say what that is: `args = \"<environment>\"`");
    assert_eq!(
        wrong(quote!(args = "<environment>"), quote!()),
        "`deploys` says that it takes `args`; expected `fn name(&mut self, call: &Call, args: &str) -> Result<CommandAnswer>`"
    );
    let long = "x".repeat(81);
    let long = block_error(quote!(impl P { #[doc = #long] #[command] fn deploys(&self, c: &Call) {} }));
    assert_eq!(long, "the first line of `deploys`'s doc comment describes the command: 81 characters; 80 at most");
    let no_words = block_error(quote!(impl P { #[command] fn deploys(&self, c: &Call) {} }));
    assert_eq!(no_words, "`deploys` has no doc comment: it is what people are told of the command");
    let many = (0..65).map(|number| quote::format_ident!("c{number}")).map(|name| {
        quote! { /// Words.
        #[command] fn #name(&self, c: &Call) {} }
    });
    assert_eq!(block_error(quote!(impl P { #(#many)* })), "64 commands at most");
}
