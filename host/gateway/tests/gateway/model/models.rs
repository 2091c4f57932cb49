//! Providers by name, and what is said when there is none.

use plugbay_gateway::model::{Model, ModelWindow, Models, OfflineModel, OpenAiModel, OpenAiSettings};
use std::sync::Arc;

fn two() -> Models {
    let openai = OpenAiSettings { models: vec!["large".into()], ..OpenAiSettings::new("http://127.0.0.1:9/v1", "small") };
    Models::default().with(Arc::new(OpenAiModel::new(openai).unwrap()))
}

#[test]
fn the_default_answers_when_nobody_asks_for_another() {
    for (provider, model, found) in [
        (None, None, ("offline", "offline")),
        (None, Some("offline"), ("offline", "offline")),
        (Some("offline"), None, ("offline", "offline")),
        (Some("openai"), None, ("openai", "small")),
        (Some("openai"), Some("small"), ("openai", "small")),
        (Some("openai"), Some("large"), ("openai", "large")),
    ] {
        let (by, model) = two().resolve(provider, model).unwrap();
        assert_eq!((by.provider(), model.as_str()), found);
    }
}

#[test]
fn what_is_configured_is_said_when_something_else_is_asked_for() {
    let configured = "configured: provider `offline` with `offline`; provider `openai` with `small`, `large`";
    let refused = |provider, model| two().resolve(provider, model).err().unwrap().to_string();
    assert_eq!(
        refused(Some("acme"), Some("small")),
        format!("no model provider `acme` is configured (setting `model.provider`); {configured}")
    );
    let wrong = |model, provider| {
        format!("model `{model}` isn't configured for provider `{provider}` (settings `model.model`, `model.models`); {configured}")
    };
    assert_eq!(refused(Some("openai"), Some("huge")), wrong("huge", "openai"));
    assert_eq!(refused(None, Some("small")), wrong("small", "offline"), "a model isn't looked for at other providers");
}

#[test]
fn a_provider_replaces_the_one_of_its_name() {
    let models = two().with(Arc::new(OfflineModel::default().also("offline-2"))).with(Arc::new(OfflineModel::named("openai", "fake")));
    assert_eq!(models.resolve(None, Some("offline-2")).unwrap().1, "offline-2");
    assert_eq!(models.resolve(Some("openai"), None).unwrap().1, "fake");
    assert_eq!(models.default_provider().provider(), "offline");
    assert_eq!(format!("{models:?}"), "Models(provider `offline` with `offline`, `offline-2`; provider `openai` with `fake`)");
}

#[test]
fn a_model_has_a_window_and_keeps_room_in_it_for_its_answer() {
    let openai = |window| OpenAiModel::new(OpenAiSettings { window, ..OpenAiSettings::new("http://127.0.0.1:9/v1", "small") }).unwrap();
    for (window, tokens, reserve) in [
        (ModelWindow::default(), 128_000, 8_192),
        (ModelWindow::of(1_000), 1_000, 250),
        (ModelWindow::of(32_767), 32_767, 8_191),
        (ModelWindow::of(1_000_000), 1_000_000, 8_192),
        (ModelWindow::of(1_000).reserving(999), 1_000, 999),
        (ModelWindow::of(1_000).reserving(5_000), 1_000, 999), // never all
    ] {
        for model in [&OfflineModel::default().within(window) as &dyn Model, &openai(window)] {
            assert_eq!((model.window("any"), model.reserve("any")), (tokens, reserve), "{}", model.provider());
        }
    }
    /// Of one that says nothing of its window.
    struct Plain;
    impl Model for Plain {
        fn provider(&self) -> &str {
            "plain"
        }
        fn default_model(&self) -> &str {
            "plain"
        }
        fn stream(&self, _: plugbay_gateway::model::ModelRequest) -> plugbay_gateway::model::ModelStream {
            Box::pin(futures_util::stream::empty())
        }
    }
    assert_eq!((Plain.window("plain"), Plain.reserve("plain")), (128_000, 8_192));
}
