//! How serving ends, and what a client that goes away can't stop.

use super::client::{Load, begin};
use super::stage::Stage;
use hyper::Method;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_answered_after_nobody_new_is_taken() {
    let mut stage = Stage::new().await.with_echo().await;
    let body = json!({ "event": { "tool-name": "any", "params": {} } }).to_string();
    let head = "POST /v1/plugins/echo/hooks/before-tool-call HTTP/1.1\r\nHost: plugbay\r\nContent-Type: application/json\r\n";
    let head = format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut stream = UnixStream::connect(stage.socket_file()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The host asks for the body: the request is under way.
    let mut continues = [0; 25];
    stream.read_exact(&mut continues).await.unwrap();
    assert_eq!(&continues, b"HTTP/1.1 100 Continue\r\n\r\n");

    stage.host.begin_to_stop();
    while stage.socket_file().exists() || TcpStream::connect(stage.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stage.serving.as_ref().unwrap().is_finished());
    let answer = super::bodies::raw(stream, body.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"generation\":1"), "{answer}");
    stage.serving.take().unwrap().await.unwrap();
    stage.host.stop(Duration::from_secs(30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_comes_to_its_end_although_its_client_is_gone() {
    let stage = Stage::new().await;
    let component = std::fs::read(plugbay_guests::built::ECHO_ONE).unwrap();
    let mut stream = UnixStream::connect(stage.socket_file()).await.unwrap();
    let head = "POST /v1/plugins?grant=conversation HTTP/1.1\r\nHost: plugbay\r\nContent-Type: application/wasm\r\n";
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", component.len()).as_bytes()).await.unwrap();
    stream.write_all(&component).await.unwrap();
    // The host has begun once the component is there under its hidden name; compiling it takes a while.
    let plugins = stage.socket_file().parent().unwrap().parent().unwrap().join("plugins");
    while std::fs::read_dir(&plugins).unwrap().next().is_none() {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while stage.get("/v1/plugins").await["plugins"].as_array().unwrap().is_empty() || stage.get("/v1/plugins/echo").await["generation"] != 1
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_and_half_requests_keep_nobody_from_ending() {
    let stage = Stage::new().await;
    let _silent = UnixStream::connect(stage.socket_file()).await.unwrap();
    let mut half = TcpStream::connect(stage.address).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHo").await.unwrap();
    assert_eq!(begin(&stage.socket, &Method::GET, "/healthz", &Load::NONE).await.unwrap().status(), 200);
    stage.end().await;
}
