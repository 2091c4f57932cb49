//! Tokens, and commands over TCP.

use super::{CONFIGURATION, Daemon, Ended, Place, has, text, words};

/// A daemon with a port of its own, and its address.
fn with_port() -> (Daemon, String) {
    let daemon = Place::with(&format!("{CONFIGURATION}[http]\nlisten = \"127.0.0.1:0\"\n")).start();
    let log = daemon.log();
    let address = log.split("http=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let url = format!("http://{}", address.unwrap_or_else(|| panic!("no address: {log}")));
    (daemon, url)
}

/// A command with a token in the environment.
#[track_caller]
fn by(daemon: &Daemon, token: &str, arguments: &[&str]) -> Ended {
    Ended::from(daemon.place.command(arguments).env("PLUGBAY_TOKEN", token).output().unwrap())
}

#[test]
fn a_token_opens_what_its_scope_says_until_it_is_revoked() {
    let (daemon, url) = with_port();
    let daemon = daemon.with_echo();
    let issued = daemon.run(&["tokens", "issue", "ci", "--scope", "operator.read", "--expires", "12h"]);
    has(&issued.stderr, "good until 20");
    let secret = issued.done().trim_end().to_owned();
    assert!(secret.starts_with("plugbay_") && secret.lines().count() == 1, "{secret}");
    has(&daemon.says(&["tokens", "list"]), "operator.read");
    assert!(!daemon.says(&["tokens", "list"]).contains(&secret));

    assert_eq!(words(&by(&daemon, &secret, &["list", "--url", &url]).done(), "echo")[1], "active");
    let file = daemon.place.path("token");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    has(&daemon.says(&["--url", &url, "list", "--token-file", text(&file)]), "echo");
    has(&by(&daemon, &secret, &["disable", "echo", "--url", &url]).failed(1), "operator.admin");
    assert_eq!(words(&daemon.says(&["list"]), "echo")[1], "active");

    daemon.says(&["tokens", "revoke", "ci"]);
    let refused = by(&daemon, &secret, &["list", "--url", &url, "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&refused.stdout).unwrap()["code"], "unauthorized");
    assert_eq!(refused.code, 1);
    has(&daemon.run(&["tokens", "revoke", "ci"]).failed(1), "no token `ci`");
}

#[test]
fn arguments_that_make_no_sense_are_wrong_usage() {
    let place = Place::new();
    has(&place.run(&["list", "--url", "http://127.0.0.1:1"]).failed(2), "PLUGBAY_TOKEN");
    has(&place.run(&["list", "--url", "https://127.0.0.1:1"]).stderr, "expected http://HOST:PORT");
    has(&place.run(&["list", "--url", "http://127.0.0.1:1", "--socket", "x"]).failed(2), "give one of them");
    has(&place.run(&["list", "--token-file", "x"]).failed(2), "--token-file is for --url");
    assert_eq!(place.run(&["tokens", "issue", "ci", "--scope", "root"]).code, 2);
    assert_eq!(place.run(&["tokens", "issue", "ci", "--scope", "operator.read", "--expires", "soon"]).code, 2);
}

#[test]
fn nobody_at_an_address_is_no_daemon() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let place = Place::new();
    let ended = Ended::from(place.command(&["list", "--url", &url]).env("PLUGBAY_TOKEN", "plugbay_x").output().unwrap());
    has(&ended.failed(3), &url);
}
