//! Commands that people give where they talk with an agent.

use super::stage::{Hand, NEW_YEAR, by, errand, granted, person, session};
use crate::turns::stage::Stage;
use plugbay_gateway::{ActError, CommandAnswered, Invoked};
use plugbay_guests::builds;

async fn gives(stage: &Stage, name: &str, args: &str, scopes: &[&str]) -> Result<CommandAnswered, ActError> {
    let invoked = Invoked { name: name.into(), args: args.into(), session: Some("s".into()), by: person(scopes) };
    stage.gateway.command(invoked).await
}

#[tokio::test]
async fn a_command_is_its_plugins_answer() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, _) = errand(by(&hand, None), hand.memory()).await;
    session(&stage).await;
    let write = ["operator.write"];
    let answer = gives(&stage, "errand", "  tea ", &write).await.unwrap();
    assert_eq!((answer.text.as_deref(), answer.job), (Some("tea is done for ada."), None));
    assert_eq!(gives(&stage, "errand", "nothing", &write).await.unwrap().text, None);
    let error = gives(&stage, "errand", "", &write).await.unwrap_err();
    assert!(matches!(error, ActError::Refused(_)) && error.to_string().contains("/errand tea"));
    for (name, args, scopes, says) in [
        ("ping", "now", &write[..], "takes nothing"),
        ("errand-forget", "", &write, "operator.admin"),
        ("erand", "", &write, "did you mean `errand`?"),
        ("xyzzy", "", &write, "no plugin has a command `xyzzy`"),
    ] {
        let wrong = gives(&stage, name, args, scopes).await.unwrap_err().to_string();
        assert!(wrong.contains(says), "{wrong}");
    }
    let answer = gives(&stage, "errand", "go on with tea", &write).await.unwrap();
    while stage.runs("s").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    let run = &stage.runs("s").await[0];
    assert_eq!((run.trigger.as_str(), run.facts["message-id"].as_str()), ("action", answer.job.as_deref()));
    assert!(answer.job.is_some());
}

#[tokio::test]
async fn a_name_that_two_claim_is_neither_s() {
    let hand = Hand::at(NEW_YEAR);
    let (stage, _) = errand(by(&hand, None), hand.memory()).await;
    let named = stage.gateway.actions().now().commands().map(|command| command.name.clone()).collect::<Vec<_>>();
    assert_eq!(named, ["errand", "errand-forget", "ping"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), builds::errand('t').unwrap()).unwrap();
    stage.load("errant", file.path(), granted()).await;
    let set = stage.gateway.actions().now();
    assert_eq!((set.commands().count(), set.clashes().len()), (0, 3));
    let wrong = gives(&stage, "ping", "", &["operator.write"]).await.unwrap_err().to_string();
    assert!(wrong.contains("`errand`") && wrong.contains("`errant`"), "{wrong}");
}
