//! What becomes of a question, whoever asked it.

use crate::tools::host::Host;
use plugbay_gateway::runtime::state::SessionStore;
use plugbay_gateway::runtime::{Approval, Json, PluginId, Resolution, Severity};
use plugbay_gateway::{ApprovalAnswer, ApprovalEvent, ApprovalsSettings, ResolveError, Settled, Wanted};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Time for tasks to get as far as they come; the clock of these tests stands still otherwise.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn wanted(title: &str) -> Wanted {
    wanting(title, &[ApprovalAnswer::AllowOnce, ApprovalAnswer::AllowAlways, ApprovalAnswer::Deny])
}

fn wanting(title: &str, answers: &[ApprovalAnswer]) -> Wanted {
    let plugin = PluginId::try_from("guard".to_owned()).unwrap();
    let approval = Approval {
        title: title.into(),
        description: "what there is to know".into(),
        severity: Severity::Warning,
        patience: Duration::from_secs(120),
        decisions: answers.to_vec(),
        plugin: Some(plugin.clone()),
    };
    let params = Json::check(r#"{"path":"/"}"#).unwrap().into();
    Wanted { plugin, approval, tool: "delete".into(), call_id: Some("c1".into()), params, session: None, run: Some("r".into()) }
}

/// Asks, and waits until the question waits.
async fn asking(host: &Host, wanted: Wanted) -> (JoinHandle<Settled>, Arc<str>) {
    let before = host.approvals.pending().len();
    let approvals = host.approvals.clone();
    let asked = tokio::spawn(async move { approvals.ask(wanted).await });
    while host.approvals.pending().len() == before {
        tokio::task::yield_now().await;
    }
    (asked, host.approvals.pending().last().unwrap().id.clone())
}

/// Whether the state has this question; it is taken out.
async fn kept(host: &Host, id: &str) -> bool {
    host.state.answered(id).await.unwrap()
}

#[tokio::test]
async fn an_answer_settles_it_once() {
    let host = Host::new();
    let mut watch = host.approvals.watch();
    let (asked, id) = asking(&host, wanted("delete it?")).await;
    let shown = host.approvals.pending().remove(0);
    assert_eq!((shown.title.as_str(), shown.tool.as_str(), shown.plugin.as_str()), ("delete it?", "delete", "guard"));
    assert_eq!(shown.params, serde_json::json!({ "path": "/" }));
    assert_eq!(shown.until - shown.asked_at, 120_000);

    assert_eq!(host.approvals.resolve(&id, ApprovalAnswer::AllowOnce, "ann"), Ok(()));
    let second = host.approvals.resolve(&id, ApprovalAnswer::Deny, "bob").unwrap_err();
    assert!(second.to_string().ends_with("allowed once by ann"), "{second}");
    let settled = asked.await.unwrap();
    assert!(settled.allows());
    assert_eq!((settled.resolution, settled.by.as_deref()), (Resolution::AllowOnce, Some("ann")));
    let third = host.approvals.resolve(&id, ApprovalAnswer::Deny, "bob").unwrap_err();
    assert!(matches!(&third, ResolveError::AlreadyResolved { settled, .. } if settled.by.as_deref() == Some("ann")), "{third:?}");
    assert_eq!(host.approvals.resolve("other", ApprovalAnswer::Deny, "bob"), Err(ResolveError::Unknown("other".into())));

    assert!(host.approvals.pending().is_empty());
    assert!(matches!(watch.try_recv(), Ok(ApprovalEvent::Asked(question)) if question.id == id));
    assert!(matches!(watch.try_recv(), Ok(ApprovalEvent::Settled(settled)) if settled.by.as_deref() == Some("ann")));
    assert!(!kept(&host, &id).await, "the state has forgotten it");
}

#[tokio::test]
async fn of_many_who_answer_one_does() {
    let host = Host::new();
    let (asked, id) = asking(&host, wanted("?")).await;
    let answers = (0..8).map(|n| {
        let (approvals, id) = (host.approvals.clone(), id.clone());
        std::thread::spawn(move || approvals.resolve(&id, ApprovalAnswer::AllowOnce, &format!("p{n}")).is_ok())
    });
    let first: Vec<bool> = answers.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(first.iter().filter(|first| **first).count(), 1);
    let winner = first.iter().position(|first| *first).unwrap();
    assert_eq!(asked.await.unwrap().by, Some(format!("p{winner}")));
}

#[tokio::test]
async fn only_what_the_plugin_takes_is_an_answer() {
    let host = Host::new();
    let (asked, id) = asking(&host, wanting("?", &[ApprovalAnswer::AllowOnce, ApprovalAnswer::Deny])).await;
    let refused = host.approvals.resolve(&id, ApprovalAnswer::AllowAlways, "ann").unwrap_err();
    assert_eq!(refused.to_string(), format!("`allow-always` isn't among the answers to `{id}`: it takes `allow-once`, `deny`"));
    assert_eq!(host.approvals.pending().len(), 1, "it waits all the same");
    host.approvals.resolve(&id, ApprovalAnswer::Deny, "ann").unwrap();
    let settled = asked.await.unwrap();
    assert!(!settled.allows());
    assert_eq!((settled.resolution, settled.words()), (Resolution::Deny, "plugin `guard` wanted approval (\"?\"): denied by ann".into()));
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_a_no() {
    let host = Host::new();
    let (asked, id) = asking(&host, wanted("?")).await;
    tokio::time::advance(Duration::from_millis(119_999)).await;
    settle().await;
    assert!(!asked.is_finished(), "there is a millisecond left");
    tokio::time::advance(Duration::from_millis(1)).await;
    let settled = asked.await.unwrap();
    assert_eq!((settled.resolution, settled.allows()), (Resolution::TimedOut, false));
    assert!(settled.words().contains("120s"), "{}", settled.words());
    assert!(matches!(host.approvals.resolve(&id, ApprovalAnswer::AllowOnce, "ann"), Err(ResolveError::AlreadyResolved { .. })));
    assert!(!kept(&host, &id).await);
}

#[tokio::test]
async fn who_stops_waiting_cancels_it() {
    let host = Host::new();
    let (asked, id) = asking(&host, wanted("?")).await;
    assert!(host.state.recover().await.unwrap().1.iter().any(|question| question.id == *id), "while it waits the state has it");
    asked.abort();
    assert!(asked.await.is_err());
    let late = host.approvals.resolve(&id, ApprovalAnswer::AllowOnce, "ann").unwrap_err();
    assert!(matches!(&late, ResolveError::AlreadyResolved { settled, .. } if settled.resolution == Resolution::Cancelled), "{late:?}");
    assert!(host.approvals.pending().is_empty());
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_leaves_the_state() {
    let host = Host::new();
    let (asked, id) = asking(&host, wanted("?")).await;
    asked.abort();
    drop(asked.await);
    settle().await;
    assert!(!kept(&host, &id).await);
}

#[tokio::test]
async fn a_host_that_stops_cancels_what_waits_and_what_is_asked_then() {
    let host = Host::new();
    let (first, id) = asking(&host, wanted("?")).await;
    host.approvals.stop();
    let settled = first.await.unwrap();
    assert_eq!(settled.resolution, Resolution::Cancelled);
    assert!(settled.words().contains("the host stopped"), "{}", settled.words());
    assert_eq!(host.approvals.ask(wanted("?")).await.resolution, Resolution::Cancelled);
    assert!(host.approvals.pending().is_empty());
    assert!(!kept(&host, &id).await);
}

#[tokio::test]
async fn where_nobody_answers_it_is_a_no_at_once() {
    let host = Host::with(ApprovalsSettings { asked: false, ..ApprovalsSettings::default() });
    let settled = host.approvals.ask(wanted("?")).await;
    assert_eq!((settled.resolution, settled.id.as_deref()), (Resolution::Deny, None));
    assert!(settled.words().contains("setting `agent.approvals`"), "{}", settled.words());
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let host = Host::with(ApprovalsSettings { pending: NonZeroUsize::new(2).unwrap(), ..ApprovalsSettings::default() });
    let (first, id) = asking(&host, wanted("1")).await;
    let (_second, _) = asking(&host, wanted("2")).await;
    let refused = host.approvals.ask(wanted("3")).await;
    assert_eq!(refused.resolution, Resolution::Deny);
    assert!(refused.words().contains("2 allowed (setting `agent.approvals-pending`)"), "{}", refused.words());
    let titles: Vec<_> = host.approvals.pending().iter().map(|question| question.title.clone()).collect();
    assert_eq!(titles, ["1", "2"], "oldest first");
    host.approvals.resolve(&id, ApprovalAnswer::Deny, "ann").unwrap();
    first.await.unwrap();
    asking(&host, wanted("3")).await;
}

#[tokio::test]
async fn a_question_of_a_host_that_is_gone_is_cancelled() {
    let host = Host::new();
    let (asked, id) = asking(&host, wanted("delete it?")).await;
    let (_, questions) = host.state.recover().await.unwrap();
    let [question] = &questions[..] else { panic!("{questions:?}") };
    assert_eq!((question.plugin.as_str(), question.run.as_deref()), ("guard", Some("r")));
    let next = Host::new();
    next.approvals.abandoned(question, "the host stopped while it waited");
    let late = next.approvals.resolve(&id, ApprovalAnswer::AllowOnce, "ann").unwrap_err();
    let ResolveError::AlreadyResolved { settled, .. } = late else { panic!("{late:?}") };
    assert_eq!((settled.resolution, settled.title.as_str()), (Resolution::Cancelled, "delete it?"));
    assert_eq!(settled.why.as_deref(), Some("the host stopped while it waited"));
    asked.abort();
}
