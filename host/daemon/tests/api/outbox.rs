//! The outbox: listed, shown, handed out so that nothing of it is run, removed.

use super::client::{Answer, Load};
use super::stage::Stage;
use hyper::Method;
use serde_json::{Value, json};

/// Headers with which every file comes.
const HEADERS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "sandbox; default-src 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "private, no-store"),
];

/// Has `errand` hand files over. The delivery's id.
async fn sent(stage: &Stage, session: &str, params: Value) -> String {
    let sent = stage.errand("send", json!({ "session": session, "params": params })).await;
    sent["id"].as_str().unwrap().to_owned()
}

async fn file(stage: &Stage, id: &str, number: u64) -> Answer {
    let answer = stage.ask(Method::GET, &format!("/v1/outbox/{id}/files/{number}"), Load::NONE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (name, value) in HEADERS {
        assert_eq!(answer.headers[name], value);
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_is_listed_newest_first_a_page_at_a_time() {
    let stage = Stage::new().await.with_errand().await;
    assert_eq!(stage.get("/v1/outbox").await, json!({ "deliveries": [] }));
    for key in ["a", "b"] {
        stage.session(key).await;
    }
    let text = |name: &str| json!({ "files": [{ "name": name, "text": "x" }] });
    let first = sent(
        &stage,
        "a",
        json!({ "files": [{ "name": "r.md", "type": "text/markdown", "text": "# R" }], "caption": "*look*", "format": "markdown" }),
    )
    .await;
    let second = sent(&stage, "b", text("b.txt")).await;
    let third = sent(&stage, "a", text("c.txt")).await;
    let ids = async |query: &str| {
        let list = stage.get(&format!("/v1/outbox{query}")).await["deliveries"].clone();
        list.as_array().unwrap().iter().map(|delivery| delivery["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [third.clone(), second.clone(), first.clone()]);
    assert_eq!(ids("?session=a").await, [third.clone(), first.clone()]);
    assert_eq!((ids("?plugin=errand&limit=1").await, ids("?plugin=other").await), (vec![third.clone()], vec![]));
    let seq = stage.get(&format!("/v1/outbox/{third}")).await["seq"].as_u64().unwrap();
    assert_eq!(ids(&format!("?before={seq}")).await, [second, first.clone()]);
    assert_eq!(stage.ask(Method::GET, "/v1/outbox?limit=0", Load::NONE).await.problem().0, 400);

    let shown = stage.get(&format!("/v1/outbox/{first}")).await;
    assert_eq!(
        (&shown["session"], &shown["plugin"], &shown["caption"], &shown["caption_format"]),
        (&json!("a"), &json!("errand"), &json!("*look*"), &json!("markdown"))
    );
    assert_eq!(shown["files"], json!([{ "number": 1, "name": "r.md", "content_type": "text/markdown", "bytes": 3 }]));
    assert_eq!(stage.ask(Method::GET, "/v1/outbox/none", Load::NONE).await.problem().0, 404);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_as_what_it_was_found_to_be_to_be_saved_and_never_run() {
    let stage = Stage::new().await.with_errand().await;
    stage.session("s").await;
    let page = "<html><script>alert(1)</script></html>";
    let files = json!([
        { "name": "page.html", "text": page },
        { "name": "a.png", "bytes": [137, 80, 78, 71, 13, 10, 26, 10], "zeroes": 1_000_000 },
        { "name": "void" },
    ]);
    let id = sent(&stage, "s", json!({ "files": files })).await;
    let answer = file(&stage, &id, 1).await;
    assert_eq!((answer.kind(), answer.text()), ("text/plain", page), "a page isn't handed out as one");
    assert_eq!(answer.headers["content-length"], page.len().to_string().as_str());
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"page.html\"; filename*=UTF-8''page.html");
    let picture = file(&stage, &id, 2).await;
    assert_eq!((picture.kind(), picture.body.len(), &picture.body[..4]), ("image/png", 1_000_008, &[137, 80, 78, 71][..]));
    assert!(picture.body[8..].iter().all(|byte| *byte == 0));
    assert_eq!(file(&stage, &id, 3).await.body.len(), 0);
    for none in ["0", "4"] {
        assert_eq!(stage.ask(Method::GET, &format!("/v1/outbox/{id}/files/{none}"), Load::NONE).await.problem().0, 404, "{none}");
    }
    assert_eq!(stage.ask(Method::GET, &format!("/v1/outbox/{id}/files/x"), Load::NONE).await.problem().0, 400);
    let head = super::client::send(&stage.socket, &Method::HEAD, &format!("/v1/outbox/{id}/files/2"), &Load::NONE).await;
    assert_eq!((head.headers["content-length"].to_str().unwrap(), head.body.len()), ("1000008", 0));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_gets_out_of_its_header() {
    let stage = Stage::new().await.with_errand().await;
    stage.session("s").await;
    for (name, disposition) in [
        ("a\"; filename=\"b.exe", "attachment; filename=\"a__ filename__b.exe\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe"),
        ("Grüße.txt", "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"),
        ("gpj\u{202e}exe", "attachment; filename=\"gpj_exe\"; filename*=UTF-8''gpj_exe"),
        ("100%2e;x=y", "attachment; filename=\"100_2e_x_y\"; filename*=UTF-8''100%252e%3Bx%3Dy"),
    ] {
        let id = sent(&stage, "s", json!({ "files": [{ "name": name, "text": "x" }] })).await;
        let answer = file(&stage, &id, 1).await;
        assert_eq!(answer.headers["content-disposition"], disposition);
        assert_eq!(answer.headers.get_all("content-disposition").iter().count(), 1);
    }
    let refused = Load::json(&json!({ "session": "s", "params": { "files": [{ "name": "a\r\nSet-Cookie: x", "text": "x" }] } }));
    assert_eq!(stage.ask(Method::POST, "/v1/actions/errand/send", refused).await.status, 502, "such a name is never taken");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_removes_a_delivery_with_its_files() {
    let stage = Stage::new().await.with_errand().await;
    stage.session("s").await;
    let id = sent(&stage, "s", json!({ "files": [{ "name": "a.txt", "text": "x" }] })).await;
    let kept = stage.socket_file().parent().unwrap().join("outbox").join(&id);
    assert!(kept.join("0").is_file(), "the outbox is in the state directory unless something else is said");
    let path = format!("/v1/outbox/{id}");
    let desk = stage.port(Some(&stage.token("desk", "operator.write", None).await));
    assert_eq!(stage.ask_via(&desk, Method::DELETE, &path, Load::NONE).await.problem().0, 403);
    assert_eq!(stage.change(Method::DELETE, &format!("{path}?why=old"), Load::NONE).await, json!({ "id": id, "session": "s" }));
    assert!(!kept.exists());
    let history = stage.get("/v1/history?plugin=errand&limit=1").await["events"][0].clone();
    assert_eq!((&history["what"], &history["why"]), (&json!("delivery-removed"), &json!(format!("{id} of the session \"s\": old"))));
    for (method, path) in [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::GET, format!("{path}/files/1"))] {
        assert_eq!(stage.ask(method, &path, Load::NONE).await.problem().0, 404, "{path}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_said_to_be_and_a_full_share_is_refused() {
    let stage = Stage::with("[outbox]\nbytes = \"10000 B\"\nfolder = \"out\"\n").await.with_errand().await;
    stage.session("s").await;
    let id = sent(&stage, "s", json!({ "files": [{ "name": "a.txt", "zeroes": 1500 }] })).await;
    let kept = stage.socket_file().parent().unwrap().parent().unwrap().join("out").join(&id);
    let more = Load::json(&json!({ "session": "s", "params": { "files": [{ "name": "b.txt", "zeroes": 600 }] } }));
    assert_eq!(stage.ask(Method::POST, "/v1/actions/errand/send", more).await.status, 502);
    assert_eq!(stage.get("/v1/outbox").await["deliveries"].as_array().unwrap().len(), 1);
    std::fs::remove_file(kept.join("0")).unwrap();
    let (status, _, message) = stage.ask(Method::GET, &format!("/v1/outbox/{id}/files/1"), Load::NONE).await.problem();
    assert!(status == 404 && message.contains("it isn't kept"), "{message}");
    stage.end().await;
}
