//! The key: where it comes from, that it arrives, and that nobody else sees it.

use super::super::{ask, user};
use super::stage::{Part, Reply, Stage, event, says};
use plugbay_gateway::model::{KeySource, ModelFailure, OpenAiModel, OpenAiSettings};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

const KEY: &str = "sk-very-secret-4711";

fn model(stage: &Stage, key: KeySource) -> OpenAiModel {
    OpenAiModel::new(OpenAiSettings { key, retries: 1, ..stage.settings() }).unwrap()
}

fn keep(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_key_comes_from_the_environment_or_from_a_file_as_it_is_now() {
    let stage = Stage::with((0..3).map(|_| Reply::complete("Yes"))).await;
    let last = || stage.asked().last().unwrap().headers["authorization"].to_str().unwrap().to_owned();
    // A variable that is there in every test.
    ask(&model(&stage, KeySource::Env("CARGO_PKG_NAME".into())), vec![user("Hello")]).await;
    assert_eq!(last(), "Bearer plugbay-gateway");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let model = model(&stage, KeySource::File(file.clone()));
    for key in ["first", "second"] {
        keep(&file, &format!("  {key}\n"), 0o600);
        ask(&model, vec![user("Hello")]).await;
        assert_eq!(last(), format!("Bearer {key}"));
    }
}

#[tokio::test]
async fn a_key_that_cant_be_used_is_said_before_anything_is_sent() {
    let stage = Stage::with([]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        keep(&folder.path().join(name), text, 0o600);
        KeySource::File(folder.path().join(name))
    };
    for (source, problem) in [
        (
            KeySource::Env("PLUGBAY_NO_SUCH_VARIABLE".into()),
            "environment variable `PLUGBAY_NO_SUCH_VARIABLE` (setting `model.key-env`): environment variable not found",
        ),
        (KeySource::File(folder.path().join("none")), "No such file"),
        (KeySource::File(folder.path().to_owned()), "not a file"),
        (file("empty", " \n"), "it is empty"),
        (file("two", "one\ntwo"), "it holds characters that no key has"),
        (file("odd", "clé"), "it holds characters that no key has"),
        (file("large", &"x".repeat(16 * 1024 + 1)), "larger than 16384 bytes"),
    ] {
        let error = ask(&model(&stage, source), vec![user("Hello")]).await.error.unwrap();
        assert_eq!(error.kind, ModelFailure::Unauthorized);
        assert!(error.message.starts_with("no key for the model: ") && error.message.contains(problem), "{error}");
    }
    assert_eq!(stage.asked().len(), 0);
}

/// Everything that anybody logs, at any level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nobody_else_sees_the_key() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    keep(&file, KEY, 0o644);
    let repeats = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}.") } });
    let stage = Stage::with([
        Reply::complete("Yes"),
        Reply::refusing(401, &repeats),
        Reply::refusing(500, &repeats),
        Reply::saying(429, "text/plain", &format!("{}{KEY}", "x".repeat(290))),
        Reply::bytes([event(&says("So")), event(&repeats)]),
        Reply::saying(200, &format!("text/{KEY}"), ""),
        Reply::bytes([format!("data: {{\"choices\": \"{KEY}\"}}\n\n")]),
        Reply::events([says("So")]).then(Part::Break),
    ])
    .await;
    let model = model(&stage, KeySource::File(file));
    let mut seen = format!("{model:?} {:?}", OpenAiSettings { key: KeySource::Env("X".into()), ..stage.settings() });
    for _ in 0..7 {
        let heard = ask(&model, vec![user("Hello")]).await;
        write!(seen, "\n{:?} {}", heard, heard.error.as_ref().map_or(String::new(), ToString::to_string)).unwrap();
    }
    assert_eq!(stage.asked().len(), 8);
    assert!(stage.asked().iter().all(|asked| asked.headers["authorization"] == format!("Bearer {KEY}")));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(seen.contains("Incorrect API key provided: [key]."), "{seen}");
    assert!(
        logged.contains("is asked again after a pause") && logged.contains("everybody on this machine may read the model's key"),
        "{logged}"
    );
    for part in [KEY, "sk-very"] {
        assert!(!seen.contains(part), "{seen}");
        assert!(!logged.contains(part), "{logged}");
    }
}
