//! A host in a folder of its own, serving over a socket and a port.

use super::client::{Answer, Load, Via, send};
use super::contract::Contract;
use hyper::Method;
use plugbay_daemon::api::types::NewToken;
use plugbay_daemon::api::{Listeners, document, serve};
use plugbay_daemon::config::{Config, ConfigFile};
use plugbay_daemon::host::{By, Host, Program};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub(crate) struct Stage {
    pub(crate) host: Host,
    pub(crate) socket: Via,
    pub(crate) address: SocketAddr,
    pub(crate) contract: Contract,
    pub(crate) serving: Option<JoinHandle<()>>,
    folder: TempDir,
}

/// Small bounds, so that they are reached quickly.
const CONFIGURATION: &str = r#"
[http]
listen = "127.0.0.1:0"
[engine]
cells = 20
component-size = "2 MiB"
[logs]
lines = 3
"#;

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With this in the configuration, too.
    pub(crate) async fn with(more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let configuration = folder.path().join("plugbay.toml");
        std::fs::write(&configuration, format!("{CONFIGURATION}{more}")).unwrap();
        let config = ConfigFile::read(&configuration).unwrap().config;
        let listeners = Listeners::bind(&config).unwrap();
        let address = listeners.address().unwrap();
        let host = Host::start(&Program { configuration, compiler: env!("CARGO_BIN_EXE_plugbay").into() }).await.unwrap();
        let serving = Some(tokio::spawn(serve(host.clone(), listeners)));
        let contract = Contract::of(serde_json::to_value(document()).unwrap());
        Self { host, socket: Via::Socket(config.host.socket()), address, contract, serving, folder }
    }

    /// The socket's file.
    pub(crate) fn socket_file(&self) -> PathBuf {
        self.folder.path().join("state/plugbay.sock")
    }

    /// Asks at the socket.
    pub(crate) async fn ask(&self, method: Method, path: &str, load: Load) -> Answer {
        self.ask_via(&self.socket, method, path, load).await
    }

    /// Asks, and holds the answer against the document.
    pub(crate) async fn ask_via(&self, via: &Via, method: Method, path: &str, load: Load) -> Answer {
        let answer = send(via, &method, path, &load).await;
        self.contract.holds(&method, path, &answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let answer = self.ask(Method::GET, path, Load::NONE).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Asks for a change that is made.
    pub(crate) async fn change(&self, method: Method, path: &str, load: Load) -> serde_json::Value {
        let answer = self.ask(method, path, load).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// The plugin `echo`, installed with everything that it asks for.
    pub(crate) async fn with_echo(self) -> Self {
        let installed = self.change(Method::POST, "/v1/plugins?grant=conversation", Load::built(plugbay_guests::built::ECHO_ONE)).await;
        assert_eq!(installed["change"], "installed");
        self
    }

    /// The plugin `toolbox`, installed with everything that it asks for.
    pub(crate) async fn with_toolbox(self) -> Self {
        let installed = self.change(Method::POST, "/v1/plugins?grant=prompt", Load::built(plugbay_guests::built::TOOLBOX)).await;
        assert_eq!(installed["change"], "installed", "{installed}");
        self
    }

    /// The plugin `errand`, installed with everything that it asks for.
    pub(crate) async fn with_errand(self) -> Self {
        let installed =
            self.change(Method::POST, "/v1/plugins?grant=schedule&grant=attachments", Load::built(plugbay_guests::built::ERRAND)).await;
        assert_eq!(installed["change"], "installed", "{installed}");
        self
    }

    /// Has `errand` do something that it can. What came of it.
    pub(crate) async fn errand(&self, action: &str, body: serde_json::Value) -> serde_json::Value {
        let done = self.change(Method::POST, &format!("/v1/actions/errand/{action}"), Load::json(&body)).await;
        assert_eq!(done["ok"], true, "{done}");
        done["result"].clone()
    }

    /// A session in which something was said.
    pub(crate) async fn session(&self, key: &str) {
        let said = Load::json(&serde_json::json!({ "text": "say Hello." }));
        self.change(Method::POST, &format!("/v1/sessions/{key}/turns"), said).await;
    }

    /// Waits until what is at this path is so.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let began = std::time::Instant::now();
        loop {
            let found = self.get(path).await;
            if is_so(&found) {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "never so: {path}: {found:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The plugin `witness-a`, installed with everything that it asks for: it does what its settings say.
    pub(crate) async fn with_witness(self) -> Self {
        let witness = Load::wasm(plugbay_guests::builds::witness('a', 500).unwrap());
        let installed = self.change(Method::POST, "/v1/plugins?grant=prompt&grant=conversation&grant=policy", witness).await;
        assert_eq!(installed["change"], "installed", "{installed}");
        self
    }

    /// The port, with this header `Authorization`.
    pub(crate) fn port(&self, authorization: Option<&str>) -> Via {
        Via::Port(self.address, authorization.map(str::to_owned))
    }

    /// The header of a token of this scope.
    pub(crate) async fn token(&self, name: &str, scope: &str, expires_at: Option<u64>) -> String {
        let asked = NewToken { name: name.to_owned(), scope: scope.to_owned(), expires_at };
        format!("Bearer {}", self.host.issue_token(asked, By::new("a test")).await.unwrap().secret)
    }

    /// Ends as the program does.
    pub(crate) async fn end(mut self) {
        self.host.begin_to_stop();
        self.serving.take().unwrap().await.unwrap();
        self.host.stop(Duration::from_secs(30)).await;
    }
}

/// A configuration of a folder, with these lines under `[host]` and `[http]`.
pub(crate) fn config(folder: &Path, host: &str, http: &str) -> Config {
    Config::parse(&format!("[host]\n{host}\n[http]\n{http}\n"), &folder.join("plugbay.toml")).unwrap()
}
