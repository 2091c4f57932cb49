//! The matrix: in which scene each hook fires, in which order and how often, as real guests see it. A hook that no scene fires makes it fail.
//!
//! Each [`Scene`] is played on a gateway of its own, before two plugins that handle every hook and write each call down: `witness-a`, which does what the scene
//! wants of it, and `witness-b` behind it, which does nothing. What is promised is compared exactly: the order in which a plugin is *asked* (whoever asks, waits), the
//! order in which it is *told* of one session, and how often each; nothing is promised about the place of what it is told among what it is asked, so those are two
//! lists. `witness-b` sees the same as `witness-a`, less what the scene says it is spared.
//!
//! | scenes | file |
//! |---|---|
//! | turns: plain, blocked, claimed, sent back, cancelled, failing, of a heartbeat, of a schedule, prepared | `turns` |
//! | tools: called, blocked, denied, unknown, asked about; events | `tools` |
//! | sessions: a second turn, reset, compacted, deleted, state patched and listed, with a subagent | `sessions` |
//! | the host: started, stopped; plugins installed, refused, replaced, switched off | `host` |
//! | the context engine, which is one plugin alone and writes its calls down itself | `engines` |
//! | what people and the clock call one plugin for | `work` |

mod engines;
mod host;
mod scene;
mod sessions;
mod tools;
mod turns;
mod work;

use crate::agents::Ground;
use plugbay_runtime::HOOKS;
use scene::Scene;
use std::collections::BTreeSet;

fn scenes() -> Vec<Scene> {
    [turns::scenes(), turns::others(), tools::scenes(), tools::questions(), sessions::scenes(), host::scenes()]
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hook_fires_where_and_as_often_as_it_says() {
    let ground = Ground::new();
    let mut wrong = Vec::new();
    for scene in scenes() {
        wrong.extend(scene.played(&ground).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_hook_has_a_scene() {
    let scenes = scenes();
    let names: BTreeSet<_> = scenes.iter().map(|scene| scene.name).collect();
    assert_eq!(names.len(), scenes.len(), "two scenes have one name");
    let fired: BTreeSet<_> = scenes.iter().flat_map(Scene::fires).chain(engines::fires()).chain(work::fires()).collect();
    assert_eq!(fired, HOOKS.iter().map(|hook| hook.name).collect(), "left: in scenes; right: all hooks");
}
