//! Bodies and queries that make no sense, are too large, or of another type.

use super::client::Load;
use super::stage::Stage;
use hyper::Method;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

/// Sends these bytes, and nothing after them; answers with what comes back until the connection ends or an answer is whole.
pub(crate) async fn raw<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) -> String {
    // The host may have refused before all is sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut part).await {
        answer.extend_from_slice(&part[..n]);
        if answer.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_makes_no_sense_is_told_what_is_wrong_with_it() {
    let stage = Stage::new().await.with_echo().await;
    let grants = "/v1/plugins/echo/grants";
    for (path, text, said) in [
        (grants, "{", "the body can't be read: EOF while parsing an object at line 1 column 1"),
        (grants, "{} {}", "missing field `grants`"),
        (grants, r#"{"grants":{}} x"#, "trailing characters"),
        (grants, r#"{"grants":{"state":"yes"}}"#, "expected a boolean"),
        (grants, r#"{"grants":{"state":true},"becuase":"x"}"#, "`becuase` isn't known in this body"),
        (grants, "", "EOF while parsing"),
        ("/v1/plugins/echo/limits", r#"{"limits":{"memory":7}}"#, "expected a string"),
        ("/v1/plugins/echo/limits", r#"{"limits":{"memroy":"7 MiB"}}"#, "memroy"),
    ] {
        let (status, code, message) = stage.ask(Method::PATCH, path, Load::of("application/json", text)).await.problem();
        assert_eq!((status, code.as_str()), (400, "invalid-input"), "{text}: {message}");
        assert!(message.contains(said), "{text}: {message}");
    }
    let deep = "[".repeat(100_000);
    let deep = stage.ask(Method::PATCH, grants, Load::of("application/json", deep)).await;
    assert_eq!(deep.status, 400);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_something_that_nobody_reads_is_refused() {
    let stage = Stage::new().await.with_echo().await;
    for (method, path, said) in [
        (Method::DELETE, "/v1/plugins/echo?prge=true", "`prge` isn't known in this query"),
        (Method::DELETE, "/v1/plugins/echo?purge=yes", "the query can't be read"),
        (Method::GET, "/v1/history?limit=-1", "the query can't be read"),
        (Method::GET, "/v1/plugins/echo/logs?tail=x", "the query can't be read"),
        (Method::GET, "/v1/usage?plugins=echo", "`plugins` isn't known"),
        (Method::GET, "/v1/plugins/%ff", "the path can't be read"),
    ] {
        let (status, _, message) = stage.ask(method, path, Load::NONE).await.problem();
        assert!(status == 400 && message.contains(said), "{path}: {status} {message}");
    }
    assert_eq!(stage.get("/v1/plugins/echo").await["standing"], "active");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_type_is_refused() {
    let stage = Stage::new().await;
    for (path, load, wanted) in [
        ("/v1/plugins", Load::NONE, "application/wasm"),
        ("/v1/inspect", Load::json(&json!({})), "application/wasm"),
        ("/v1/plugins/echo/enable", Load::of("text/plain", "why"), "application/json"),
        ("/v1/plugins/echo/hooks/x", Load::NONE, "application/json"),
        ("/v1/tokens", Load::wasm("\0asm"), "application/json"),
    ] {
        let (status, code, message) = stage.ask(Method::POST, path, load).await.problem();
        assert_eq!((status, code.as_str()), (415, "unsupported-media-type"));
        assert!(message.ends_with(&format!("this needs the header `Content-Type: {wanted}`")), "{message}");
    }
    let with_charset = Load::of("application/json; charset=utf-8", json!({ "name": "n", "scope": "operator.read" }).to_string());
    stage.change(Method::POST, "/v1/tokens", with_charset).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_or_while_it_arrives() {
    let stage = Stage::new().await;
    let connect = || UnixStream::connect(stage.socket_file());
    let post = |path: &str, kind: &str, rest: &str| format!("POST {path} HTTP/1.1\r\nHost: plugbay\r\nContent-Type: {kind}\r\n{rest}\r\n");
    for (path, kind, limit, whose) in [
        ("/v1/tokens", "application/json", 1 << 20, "for JSON"),
        ("/v1/inspect", "application/wasm", 2 << 20, "set by `engine.component-size`"),
    ] {
        let said = format!("the body has more than {limit} bytes, the limit {whose}");
        // Nothing of the body is sent: what it says of itself is enough.
        let announced = post(path, kind, &format!("Content-Length: {}\r\n", limit + 1));
        let answer = raw(connect().await.unwrap(), announced.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains(&said), "{answer}");
        // One that says nothing is cut when it has passed the limit; its end never comes.
        let mut endless = post(path, kind, "Transfer-Encoding: chunked\r\n").into_bytes();
        endless.extend(format!("{:x}\r\n{}", limit + 1, " ".repeat(limit + 1)).into_bytes());
        let answer = raw(connect().await.unwrap(), &endless).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains(&said), "{answer}");
        // The limit itself is no problem of size.
        let fits = Load::of(if path == "/v1/tokens" { "application/json" } else { "application/wasm" }, " ".repeat(limit));
        assert_ne!(stage.ask(Method::POST, path, fits).await.status, 413);
    }
    stage.end().await;
}
