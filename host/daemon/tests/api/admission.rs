//! Who may do what: every operation, with every kind of caller.

use super::client::{Load, send};
use super::stage::Stage;
use hyper::Method;
use hyper::header::WWW_AUTHENTICATE;
use plugbay_daemon::tokens::Scope;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Every operation, and the scope that it needs. Written down apart from the routes on purpose.
const OPERATIONS: [(Method, &str, Option<Scope>); 58] = [
    (Method::GET, "/v1/plugins", Some(Scope::Read)),
    (Method::POST, "/v1/plugins", Some(Scope::Admin)),
    (Method::GET, "/v1/plugins/{id}", Some(Scope::Read)),
    (Method::DELETE, "/v1/plugins/{id}", Some(Scope::Admin)),
    (Method::POST, "/v1/inspect", Some(Scope::Write)),
    (Method::GET, "/v1/plugins/{id}/versions", Some(Scope::Read)),
    (Method::POST, "/v1/plugins/{id}/enable", Some(Scope::Admin)),
    (Method::POST, "/v1/plugins/{id}/disable", Some(Scope::Admin)),
    (Method::POST, "/v1/plugins/{id}/reset", Some(Scope::Admin)),
    (Method::POST, "/v1/plugins/{id}/rollback", Some(Scope::Admin)),
    (Method::POST, "/v1/plugins/{id}/hooks/{hook}", Some(Scope::Write)),
    (Method::PATCH, "/v1/plugins/{id}/grants", Some(Scope::Admin)),
    (Method::GET, "/v1/plugins/{id}/limits", Some(Scope::Read)),
    (Method::PATCH, "/v1/plugins/{id}/limits", Some(Scope::Admin)),
    (Method::GET, "/v1/plugins/{id}/logs", Some(Scope::Read)),
    (Method::GET, "/v1/usage", Some(Scope::Read)),
    (Method::GET, "/v1/history", Some(Scope::Read)),
    (Method::GET, "/v1/doctor", Some(Scope::Read)),
    (Method::GET, "/v1/tokens", Some(Scope::Admin)),
    (Method::POST, "/v1/tokens", Some(Scope::Admin)),
    (Method::DELETE, "/v1/tokens/{name}", Some(Scope::Admin)),
    (Method::GET, "/v1/tools", Some(Scope::Read)),
    (Method::POST, "/v1/hooks/{hook}", Some(Scope::Write)),
    (Method::GET, "/v1/sessions", Some(Scope::Read)),
    (Method::GET, "/v1/sessions/{key}", Some(Scope::Read)),
    (Method::DELETE, "/v1/sessions/{key}", Some(Scope::Admin)),
    (Method::GET, "/v1/sessions/{key}/transcript", Some(Scope::Read)),
    (Method::GET, "/v1/sessions/{key}/runs/{run}/receipts", Some(Scope::Read)),
    (Method::POST, "/v1/sessions/{key}/turns", Some(Scope::Write)),
    (Method::POST, "/v1/sessions/{key}/heartbeat", Some(Scope::Write)),
    (Method::POST, "/v1/sessions/{key}/prepare", Some(Scope::Write)),
    (Method::POST, "/v1/sessions/{key}/reset", Some(Scope::Write)),
    (Method::POST, "/v1/sessions/{key}/compact", Some(Scope::Admin)),
    (Method::GET, "/v1/slots", Some(Scope::Read)),
    (Method::PUT, "/v1/slots/{slot}", Some(Scope::Admin)),
    (Method::PATCH, "/v1/sessions/{key}/state/{plugin}/{namespace}", Some(Scope::Admin)),
    (Method::POST, "/v1/runs/{run}/shown", Some(Scope::Write)),
    (Method::POST, "/v1/runs/{run}/said", Some(Scope::Write)),
    (Method::POST, "/v1/runs/{run}/tools", Some(Scope::Write)),
    (Method::POST, "/v1/runs/{run}/finish", Some(Scope::Write)),
    (Method::POST, "/v1/runs/{run}/cancel", Some(Scope::Write)),
    (Method::GET, "/v1/approvals", Some(Scope::Read)),
    (Method::POST, "/v1/approvals/{id}", Some(Scope::Write)),
    (Method::GET, "/v1/actions", Some(Scope::Read)),
    (Method::POST, "/v1/actions/{plugin}/{id}", Some(Scope::Read)),
    (Method::GET, "/v1/ui", Some(Scope::Read)),
    (Method::GET, "/v1/commands", Some(Scope::Read)),
    (Method::POST, "/v1/commands/{name}", Some(Scope::Read)),
    (Method::GET, "/v1/jobs", Some(Scope::Read)),
    (Method::GET, "/v1/jobs/{id}", Some(Scope::Read)),
    (Method::DELETE, "/v1/jobs/{id}", Some(Scope::Admin)),
    (Method::GET, "/v1/outbox", Some(Scope::Read)),
    (Method::GET, "/v1/outbox/{id}", Some(Scope::Read)),
    (Method::DELETE, "/v1/outbox/{id}", Some(Scope::Admin)),
    (Method::GET, "/v1/outbox/{id}/files/{number}", Some(Scope::Read)),
    (Method::GET, "/healthz", None),
    (Method::GET, "/readyz", Some(Scope::Read)),
    (Method::GET, "/metrics", Some(Scope::Read)),
];

/// Those of the host, and the document's own.
fn operations() -> impl Iterator<Item = (Method, &'static str, Option<Scope>)> {
    OPERATIONS.into_iter().chain([(Method::GET, "/openapi.json", Some(Scope::Read))])
}

/// A path that names nothing that there is, so that nothing is changed.
fn path(template: &str) -> String {
    let named = template.replace("{id}", "nobody").replace("{hook}", "none").replace("{name}", "nobody").replace("{key}", "nobody");
    named.replace("{run}", "none").replace("{plugin}", "nobody").replace("{namespace}", "none").replace("{number}", "1")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_every_operation_with_its_scope_and_no_other() {
    let stage = Stage::new().await;
    let mut documented = stage.contract.operations();
    let mut expected: Vec<_> = operations().map(|(method, path, scope)| (method, path.to_owned(), scope.map(|s| s.to_string()))).collect();
    for list in [&mut documented, &mut expected] {
        list.sort_by_key(|(method, path, _)| (path.clone(), method.to_string()));
    }
    assert_eq!(documented, expected);
    assert_eq!(stage.get("/openapi.json").await, serde_json::to_value(plugbay_daemon::api::document()).unwrap());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_take_the_methods_that_are_documented_and_no_others() {
    let stage = Stage::new().await;
    for (_, template, _) in operations() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = stage.ask(method.clone(), &path(template), Load::NONE).await;
            let documented = operations().any(|(m, t, _)| (&m, t) == (&method, template));
            assert_eq!(answer.status != 405, documented, "{method} {template}: {}", answer.text());
            if !documented {
                assert_eq!(answer.problem().1, "method-not-allowed");
                let allowed: Vec<_> = answer.headers["allow"].to_str().unwrap().split(',').map(str::to_owned).collect();
                let takes = operations().filter(|(_, t, _)| *t == template);
                assert!(takes.into_iter().all(|(m, _, _)| allowed.contains(&m.to_string())), "{allowed:?}");
            }
        }
    }
    let answer = stage.ask(Method::GET, "/v1/plugin", Load::NONE).await.problem();
    assert_eq!(answer, (404, "not-found".into(), "there is no path `/v1/plugin`: `/openapi.json` describes all that there are".into()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_a_token_of_the_right_scope_is_needed_and_the_socket_needs_none() {
    let stage = Stage::new().await;
    let mut callers = Vec::new();
    for scope in Scope::ALL {
        callers.push((scope, stage.port(Some(&stage.token(scope.name(), scope.name(), None).await))));
    }
    callers.push((Scope::Admin, stage.socket.clone()));
    for (method, template, needed) in operations() {
        for (held, via) in &callers {
            let answer = stage.ask_via(via, method.clone(), &path(template), Load::NONE).await;
            let passes = needed.is_none_or(|needed| held.includes(needed));
            assert_eq!(![401, 403].contains(&answer.status.as_u16()), passes, "{method} {template} with {held}: {}", answer.text());
            if !passes {
                let needed = needed.unwrap();
                let message = format!("this needs {needed}, and the token \"{held}\" has {held}: issue one with {needed}");
                assert_eq!(answer.problem(), (403, "forbidden".into(), message));
                let challenge = format!("Bearer realm=\"plugbay\", error=\"insufficient_scope\", scope=\"{needed}\"");
                assert_eq!(answer.headers[WWW_AUTHENTICATE], challenge.as_str());
            }
        }
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nothing_is_answered_but_that_the_program_lives() {
    let stage = Stage::new().await;
    let unknown = format!("Bearer plugbay_{}", "A".repeat(43));
    let revoked = stage.token("revoked", "operator.admin", None).await;
    assert_eq!(stage.ask(Method::DELETE, "/v1/tokens/revoked", Load::NONE).await.status, 200);
    let bad = [
        (None, "no token"),
        (Some(unknown.as_str()), "isn't known"),
        (Some(revoked.as_str()), "isn't known"),
        (Some("Basic YWRtaW46YWRtaW4="), "isn't Bearer"),
        (Some("Bearer secret"), "isn't plugbay_ and 43"),
    ];
    for (method, template, needed) in operations() {
        for (authorization, said) in bad {
            let answer = stage.ask_via(&stage.port(authorization), method.clone(), &path(template), Load::NONE).await;
            if needed.is_none() {
                assert_eq!(answer.status, 200);
                continue;
            }
            let (status, code, message) = answer.problem();
            assert_eq!((status, code.as_str()), (401, "unauthorized"), "{method} {template}");
            assert!(message.contains(said) && !message.contains("AAAA") && !message.contains("YWRt"), "{message}");
            let challenge = answer.headers[WWW_AUTHENTICATE].to_str().unwrap();
            assert!(challenge.starts_with("Bearer realm=\"plugbay\"") && challenge.contains("invalid_token") == authorization.is_some());
        }
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_until_it_expires_or_is_revoked() {
    let stage = Stage::new().await;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let asked = Load::json(&serde_json::json!({ "name": "robot", "scope": "operator.read", "expires_at": now + 2_000 }));
    let issued = stage.change(Method::POST, "/v1/tokens", asked.clone()).await;
    assert_eq!(stage.ask(Method::POST, "/v1/tokens", asked).await.problem().1, "conflict");
    let listed = stage.get("/v1/tokens").await;
    assert_eq!((&listed["tokens"][0]["name"], listed.to_string().contains("plugbay_")), (&issued["name"], false));
    let via = stage.port(Some(&format!("Bearer {}", issued["secret"].as_str().unwrap())));
    let mut answers = vec![];
    loop {
        let answer = stage.ask_via(&via, Method::GET, "/v1/plugins", Load::NONE).await;
        answers.push(answer.status.as_u16());
        if answer.status == 401 {
            assert!(answer.problem().2.contains("the token \"robot\" has expired"), "{}", answer.text());
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answers.len() > 1 && answers[..answers.len() - 1].iter().all(|status| *status == 200), "{answers:?}");
    let wrong = Load::json(&serde_json::json!({ "name": "x", "scope": "operator.root" }));
    let wrong = stage.ask(Method::POST, "/v1/tokens", wrong).await.problem();
    assert_eq!((wrong.0, wrong.1.as_str()), (400, "invalid-input"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_names_the_token_that_made_a_change() {
    let stage = Stage::new().await.with_echo().await;
    let via = stage.port(Some(&stage.token("alice", "operator.admin", None).await));
    let because = Load::json(&serde_json::json!({ "why": "alice wants it" }));
    assert_eq!(stage.ask_via(&via, Method::POST, "/v1/plugins/echo/disable", because).await.status, 200);
    let events = stage.get("/v1/history?plugin=echo&limit=1").await;
    assert_eq!((&events["events"][0]["who"], &events["events"][0]["why"]), (&"alice".into(), &"alice wants it".into()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_refused_before_anything_of_the_body_is_read() {
    let stage = Stage::new().await;
    let head = "POST /v1/plugins HTTP/1.1\r\nHost: plugbay\r\nContent-Type: application/wasm\r\nContent-Length: 1000000\r\n\r\n";
    let answer = super::bodies::raw(tokio::net::TcpStream::connect(stage.address).await.unwrap(), head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let head = send(&stage.socket, &Method::HEAD, "/v1/plugins", &Load::NONE).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    stage.end().await;
}
