//! Jobs and files as a plugin asks for them: what goes through to the host's services, and what is refused before.

use crate::services::stage::{Stage, handy, with_timers};
use crate::{Call, Fired, Grant, Grants, Order, ServiceCode, Session, Settings, Step, TimerDue, Timers};
use std::sync::atomic::Ordering;

async fn stage(settings: Settings) -> Stage {
    let stage = Stage::new();
    stage.put(with_timers(handy()), settings, Order::by("operator")).await.unwrap();
    stage.services.asked();
    stage
}

fn session() -> Session {
    Session::new("main", "1")
}

/// What a plugin is answered.
async fn said(stage: &Stage, deed: &str) -> String {
    stage.does(deed, &session()).await.unwrap().unwrap_or_default()
}

#[tokio::test]
async fn jobs_go_through_to_the_host() {
    let stage = stage(Stage::granted()).await;
    assert_eq!(said(&stage, "t").await, "job-1");
    assert_eq!(said(&stage, "u").await, "job-1");
    assert_eq!(said(&stage, "j").await, "job-1");
    assert_eq!(said(&stage, "c").await, "he", "two were cancelled");
    let asked = stage.services.asked();
    let plan = |when: &str| format!("JobPlan {{ when: {when}, name: None, tag: None, catch_up: None, jitter_ms: 0 }}");
    assert_eq!(asked[0], format!("schedule by handy Timer {{ about: None, payload: None }} {}", plan("At(0)")));
    assert!(
        asked[1].starts_with("schedule by handy Turn { session: Session(") && asked[1].contains("message: \"hello\", announce: true }")
    );
    assert!(asked[1].ends_with(&plan("After(60000)")), "{}", asked[1]);
    assert_eq!(asked[2..], ["jobs of None", "cancel hello", "cancel hello of Some(\"main\")"]);
    let due = TimerDue { job: "job-1".into(), name: None, tag: None, payload: None, due_at: 1, next_at: None, attrs: vec![] };
    stage.plugin().call::<Timers>(&Call::new(), &Fired::new(due)).await.unwrap();
}

#[tokio::test]
async fn files_go_through_to_the_host_and_are_gone_with_their_handles() {
    let stage = stage(Stage::granted()).await;
    let open = || stage.services.files.load(Ordering::Relaxed);
    assert_eq!(said(&stage, "f").await, "delivery-1");
    let caption = "Some(Caption { text: \"hello\", format: Markdown })";
    let sent = format!("send [\"hellohello\"] to main with {caption}");
    assert_eq!(stage.services.asked(), ["create report.txt Some(\"text/plain\")".to_owned(), sent]);
    assert_eq!(open(), 0, "it was handed over");
    assert_eq!((said(&stage, "d").await, open()), (String::new(), 0), "it was dropped");
    assert_eq!((said(&stage, "k").await, open()), (String::new(), 1), "it is kept");
    assert!(stage.does("x", &session()).await.is_err(), "the cell breaks");
    assert_eq!(open(), 0, "and with it the file");
}

#[tokio::test]
async fn files_that_are_handed_over_are_gone_if_nobody_takes_them() {
    let stage = stage(Stage::granted()).await;
    let gone = session();
    gone.delete();
    let answer = stage.does("f", &gone).await.unwrap().unwrap();
    assert!(answer.starts_with("bthe session `main` was deleted"), "{answer}");
    assert_eq!(stage.services.files.load(Ordering::Relaxed), 0);
    assert_eq!(stage.services.asked().len(), 1, "nothing was sent");
}

#[tokio::test]
async fn what_the_operator_denies_is_refused_by_name() {
    let denied = Grants { denied: [Grant::Schedule, Grant::Attachments].into(), ..Grants::default() };
    let stage = stage(Settings { grants: denied, ..Settings::default() }).await;
    for deed in ["t", "u", "j", "c"] {
        assert_eq!(said(&stage, deed).await, "ethe operator denied the grant `schedule`", "{deed}");
    }
    for deed in ["f", "k"] {
        assert_eq!(said(&stage, deed).await, "fthe operator denied the grant `attachments`", "{deed}");
    }
    assert_eq!(stage.services.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_is_asked_for_a_session_that_was_deleted_or_with_what_is_no_json() {
    let stage = stage(Stage::granted()).await;
    let gone = session();
    gone.delete();
    let turn = stage.does("u", &gone).await.unwrap().unwrap();
    assert!(turn.starts_with("bthe session `main` was deleted"), "{turn}");
    let tag = stage.does("c", &gone).await.unwrap().unwrap();
    assert!(tag.starts_with("bthe session `main` was deleted"), "{tag}");
    assert!(said(&stage, "p").await.starts_with("a`payload`: "));
    assert_eq!(stage.services.asked(), ["cancel hello"]);
}

#[tokio::test]
async fn a_timer_is_refused_to_who_couldnt_be_told() {
    let stage = Stage::new();
    stage.put(handy(), Stage::granted(), Order::by("operator")).await.unwrap();
    stage.services.asked();
    assert!(said(&stage, "t").await.starts_with("atimer: the plugin doesn't export `timers`"));
    assert_eq!(stage.services.asked(), Vec::<String>::new());
    assert_eq!(said(&stage, "u").await, "job-1", "a turn is the agent's");
}

#[tokio::test]
async fn nothing_is_changed_before_the_plugin_is_live() {
    // Each has to answer `not-live`; whatever else comes ends `activate`.
    let timer = r"(if (i32.ne (i32.load8_u (call $do_timer (i32.const 0))) (i32.const 0)) (then (unreachable)))
        (if (i32.ne (i32.load8_u (i32.load offset=8 (i32.const 1024))) (i32.const 0x66)) (then (unreachable)))";
    let file = r"(drop (call $do_file (i32.const 0)))
        (if (i32.ne (i32.load8_u (i32.load offset=8 (i32.const 1024))) (i32.const 0x67)) (then (unreachable)))";
    let stage = Stage::new();
    let plugin = with_timers(handy()).activate(&format!("{timer} {file} (call $none)"));
    stage.put(plugin, Stage::granted(), Order::by("operator")).await.unwrap();
    assert_eq!(stage.services.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_host_says_is_told_in_the_words_of_each_interface() {
    let stage = stage(Stage::granted()).await;
    let rows = [
        (ServiceCode::InvalidInput, 'a', 'a'),
        (ServiceCode::Gone, 'b', 'b'),
        (ServiceCode::Unknown, 'b', 'b'),
        (ServiceCode::LimitExceeded, 'c', 'c'),
        (ServiceCode::Full, 'd', 'd'),
        (ServiceCode::Failed, 'd', 'e'),
        (ServiceCode::Taken, 'd', 'e'),
    ];
    for (code, job, file) in rows {
        *stage.services.refuses.lock().unwrap() = Some(code);
        for deed in ["t", "u", "j", "c"] {
            assert_eq!(said(&stage, deed).await, format!("{job}refused"), "{deed} {code:?}");
        }
        assert_eq!(said(&stage, "k").await, format!("{file}refused"), "{code:?}");
    }
}

#[tokio::test]
async fn describe_is_linked_and_reaches_nothing() {
    let calls = |body: &str| handy().describe_body(&format!("{body} (call $text (i32.const 0) (i32.const 0))"));
    for (body, name) in [
        ("(drop (call $do_jobs))", "plugbay:plugin/schedule@0.1.0.jobs"),
        ("(drop (call $do_file (i32.const 0)))", "plugbay:plugin/attachments@0.1.0.create"),
    ] {
        let refused = Stage::new().put(calls(body), Stage::granted(), Order::by("operator")).await.unwrap_err();
        assert!(refused.step == Step::Describe && refused.to_string().contains(&format!("`{name}` was called in `describe`")), "{refused}");
    }
}
