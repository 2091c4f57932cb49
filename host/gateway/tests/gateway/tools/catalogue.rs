//! Which tools there are, whose they are, and what becomes of a name that two claim.

use super::host::{Host, request, told};
use plugbay_gateway::runtime::{Call, PluginId, Risk, Settings, ToolCallFate};
use plugbay_gateway::{Clash, ListedTool, ToolSet};
use plugbay_guests::built;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

fn id(id: &str) -> PluginId {
    PluginId::try_from(id.to_owned()).unwrap()
}

fn names(set: &ToolSet) -> Vec<String> {
    set.listed().map(|tool| tool.name.clone()).collect()
}

fn named(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn tools_are_listed_with_all_that_is_known_of_them() {
    let host = Host::new();
    assert_eq!(host.tools.now().listed().count(), 0);
    host.toolbox().await;
    let set = host.tools.now();
    let add: &ListedTool = set.listed().find(|tool| tool.name == "add").unwrap();
    assert_eq!((add.owner.as_str(), add.version.as_str(), add.generation), ("toolbox", "1.0.0", 1));
    assert_eq!((add.title.as_deref(), add.description.as_str()), (Some("Add"), "Adds two numbers."));
    assert_eq!((add.risk, add.tags.clone()), (Some(Risk::Low), vec!["maths".to_owned(), "pure".to_owned()]));
    assert_eq!(add.parameters["required"], json!(["a", "b"]));
    let names = names(&set);
    assert!(names.is_sorted() && names.contains(&"crash".to_owned()), "{names:?}");
    let shown = serde_json::to_value(add).unwrap();
    assert_eq!((&shown["owner"], &shown["risk"]), (&json!("toolbox"), &json!("low")), "as `GET /v1/tools` shows it");
}

#[tokio::test]
async fn the_model_is_told_of_those_that_are_allowed() {
    let host = Host::new();
    host.toolbox().await;
    let set = host.tools.now();
    assert_eq!(set.definitions(None).len(), set.listed().count());
    let allowed = named(&["echo", "add", "no-such-tool"]);
    let definitions = set.definitions(Some(&allowed));
    assert_eq!(definitions.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["add", "echo"]);
    assert_eq!(definitions[0].parameters["properties"]["a"]["type"], "integer");
    let only = set.only(&allowed);
    assert_eq!(names(&only), ["add", "echo"]);
    let end = host.tools.call(&only, &Call::new(), request("fail", "{}")).await;
    assert_eq!((end.end, told(&end)), (ToolCallFate::Failed, json!("there is no tool `fail`")), "what isn't allowed isn't there");
    assert!(set.only(&BTreeSet::new()).definitions(None).is_empty());
}

#[tokio::test]
async fn nothing_is_gathered_anew_while_nothing_changes() {
    let host = Host::new();
    host.toolbox().await;
    let first = host.tools.now();
    assert!(Arc::ptr_eq(&first, &host.tools.now()));
    host.load("toolbox-two", built::TOOLBOX_TWO, Settings::default()).await;
    assert!(!Arc::ptr_eq(&first, &host.tools.now()));
}

#[tokio::test]
async fn a_name_that_two_claim_is_neithers() {
    for order in [["toolbox", "toolbox-two"], ["toolbox-two", "toolbox"]] {
        let host = Host::new();
        for plugin in order {
            match plugin {
                "toolbox" => drop(host.toolbox().await),
                _ => drop(host.load("toolbox-two", built::TOOLBOX_TWO, Settings::default()).await),
            }
        }
        let set = host.tools.now();
        assert_eq!(set.clashes(), [Clash { name: "add".into(), owners: vec![id("toolbox"), id("toolbox-two")] }], "whoever came first");
        assert!(!names(&set).contains(&"add".to_owned()));
        let end = host.call(&Call::new(), "add", &json!({ "a": 1, "b": 2 })).await;
        let words = "there is no tool `add`: the plugins `toolbox`, `toolbox-two` all claim that name, so none has it";
        assert_eq!((end.end, told(&end)), (ToolCallFate::Failed, json!(words)));
        assert_eq!(told(&host.call(&Call::new(), "double", &json!({ "a": 4 })).await), json!(8), "the rest of both is there");
        assert_eq!(told(&host.call(&Call::new(), "echo", &json!({ "a": 4 })).await), json!({ "a": 4 }));
    }
}

#[tokio::test]
async fn when_one_of_two_leaves_the_other_has_it() {
    let host = Host::new();
    host.toolbox().await;
    let two = host.load("toolbox-two", built::TOOLBOX_TWO, Settings::default()).await;
    assert_eq!(host.tools.now().clashes().len(), 1);
    host.disable(&two).await;
    let set = host.tools.now();
    assert!(set.clashes().is_empty());
    assert_eq!(set.listed().find(|tool| tool.name == "add").map(|tool| tool.owner.clone()), Some(id("toolbox")));
    assert_eq!(told(&host.call(&Call::new(), "add", &json!({ "a": 1, "b": 2 })).await), json!(3));
}

#[tokio::test]
async fn a_name_that_is_nearly_right_is_offered() {
    let host = Host::new();
    assert_eq!(told(&host.call(&Call::new(), "x", &json!({})).await), json!("there is no tool `x`, and no other"));
    host.toolbox().await;
    for (asked, nearest) in [("ad", "add"), ("remeber", "remember"), ("Echo", "echo")] {
        let end = host.call(&Call::new(), asked, &json!({})).await;
        assert_eq!(told(&end), json!(format!("there is no tool `{asked}`: did you mean `{nearest}`?")));
    }
    assert_eq!(told(&host.call(&Call::new(), "delete_everything", &json!({})).await), json!("there is no tool `delete_everything`"));
}
