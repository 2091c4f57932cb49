//! The server as we reach it: one client with its connections, and one attempt of a request.

use super::events::Events;
use super::fault::{Again, Fault, broken, refused, shown};
use super::key::Key;
use super::wire::Complaint;
use super::{OpenAiSettings, OpenAiSettingsError};
use crate::model::{ModelError, ModelFailure};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// The most that is read of the body of an error.
const LARGEST_ERROR: usize = 16 * 1024;

/// A server and how to reach it.
pub(super) struct Server {
    pub(super) settings: OpenAiSettings,
    /// Host and port: what may be shown of the URL.
    pub(super) host: String,
    url: Url,
    client: Client,
}

/// An answer that has begun, and the key that it was asked for with, so that it can be kept out of errors.
pub(super) struct Opened {
    pub(super) events: Events,
    pub(super) key: Option<Key>,
}

impl Server {
    pub(super) fn new(settings: OpenAiSettings) -> Result<Self, OpenAiSettingsError> {
        let url = completions(&settings.base_url).map_err(|problem| OpenAiSettingsError::BaseUrl { problem })?;
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        settings.key.warn_if_open();
        match client(&settings, url.scheme() == "https") {
            Ok(client) => Ok(Self { settings, host, url, client }),
            Err(problem) => Err(OpenAiSettingsError::Client { host, problem }),
        }
    }

    /// Sends a request and waits for an answer to begin.
    pub(super) async fn open(&self, model: &str, body: &[u8]) -> Result<Opened, Fault> {
        let key = self.settings.key.read().await?;
        let mut request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").header(ACCEPT, "text/event-stream");
        if let Some(header) = key.as_ref().and_then(Key::header) {
            request = request.header(AUTHORIZATION, header);
        }
        let response = request.body(body.to_vec()).send().await.map_err(|error| broken(self, "no answer", error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(model, response, key.as_ref()).await);
        }
        match self.strange_type(&response, key.as_ref()) {
            Some(error) => Err(error.into()),
            None => Ok(Opened { events: Events::of(response), key }),
        }
    }

    async fn refused(&self, model: &str, response: Response, key: Option<&Key>) -> Fault {
        let status = response.status();
        let pause = retry_after(response.headers(), SystemTime::now());
        let body = self.error_body(response).await;
        let mut fault = refused(self, model, status, &Complaint::in_body(&body), key);
        if let (Again::Later, Some(pause)) = (fault.again, pause) {
            fault.again = Again::After(pause);
        }
        fault
    }

    /// The beginning of what the server says about its refusal. If it doesn't get to the end, what came will do: the status says enough.
    async fn error_body(&self, mut response: Response) -> String {
        let mut body = Vec::new();
        let reading = async {
            while body.len() < LARGEST_ERROR
                && let Ok(Some(chunk)) = response.chunk().await
            {
                body.extend_from_slice(&chunk);
            }
        };
        let _ = timeout(self.settings.timeouts.between_pieces, reading).await;
        body.truncate(LARGEST_ERROR);
        String::from_utf8_lossy(&body).into_owned()
    }

    /// An answer in one piece, a web page: whatever it is, no events will come.
    fn strange_type(&self, response: &Response, key: Option<&Key>) -> Option<ModelError> {
        let found = response.headers().get(CONTENT_TYPE)?.to_str().unwrap_or("something unreadable");
        let media = found.split(';').next().unwrap_or_default().trim();
        (!media.eq_ignore_ascii_case("text/event-stream")).then(|| {
            let message = format!(
                "model server `{}` answered with `{}`: expected `text/event-stream`; does setting `model.base-url` lead to chat completions?",
                self.host,
                shown(found, key)
            );
            ModelError::new(ModelFailure::Malformed, message)
        })
    }
}

/// Without the URL: people put keys into queries.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}, key: {})", self.host, self.settings.key)
    }
}

/// Where chat completions are, below the base URL.
fn completions(base: &str) -> Result<Url, String> {
    let mut url = Url::parse(base).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("scheme `{}` isn't `http` or `https`", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a name or a password; keys belong to `model.key-env` or `model.key-file`".into());
    }
    let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn client(settings: &OpenAiSettings, secure: bool) -> Result<Client, String> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| error.to_string())?;
    let tls = match secure {
        true => tls.with_platform_verifier().map_err(|error| format!("the system's certificates: {error}"))?,
        false => tls.with_root_certificates(RootCertStore::empty()),
    };
    Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .user_agent(concat!("plugbay/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(settings.timeouts.connect)
        .build()
        .map_err(|error| error.to_string())
}

/// How long a server wants to be left alone: in seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::retry_after;
    use reqwest::header::{HeaderMap, RETRY_AFTER};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_server_says_when_to_come_back_in_seconds_or_by_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        for (said, pause) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, said.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), pause.map(Duration::from_secs), "{said}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
