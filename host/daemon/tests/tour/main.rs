//! The tour: agents at work on the real program, and plugins of several authors that steer them without knowing of each other.
//!
//! `cargo xtask tour` plays it. It needs no network and no key: the model is the offline one, which carries out commands (docs/models.md). Each step says
//! what is done, shows it, and fails where anything else comes of it. It costs the compilation of some plugins, and half a minute at most on an idle machine.

#![cfg(test)]

mod context;
mod guards;
mod keeping;
#[path = "../program/mod.rs"]
#[expect(dead_code, reason = "what other tests of the program need")]
mod program;
mod stage;
mod steering;
mod trouble;
mod workflow;

use stage::Stage;
use std::time::Instant;

/// What the operator has decided. The witnesses are one component under several ids, which does what its settings say.
const CONFIGURATION: &str = r#"
[engine]
cells = 50

[plugins.toolbox]
grants = { prompt = true }

[plugins.shell-guard]
grants = { conversation = true }
config = { tools = ["echo"], forbid = ["rm -rf"], ask = ["git push"] }

[plugins.lossless-context]
grants = { conversation = true, prompt = true, model = false }

[plugins.crew-a]
grants = { model = false, subagents = true }

[plugins.deploy-approval]
grants = { prompt = true, schedule = true }

[plugins.report-writer]
grants = { attachments = true, conversation = true, schedule = true }

[plugins.errand]
grants = { attachments = true, schedule = true }

[plugins.witness-a]
grants = { conversation = true, prompt = true, policy = false }
[plugins.witness-a.config]
record = false
answers.before-prompt-build = { append-system-context = "Answer in German." }

[plugins.witness-b]
grants = { conversation = true, prompt = false, policy = false }
[plugins.witness-b.config]
record = false
[[plugins.witness-b.config.answers.before-agent-finalize]]
action = "revise"
reason = "no source"
retry = { instruction = "say It rains. Source: the window.", key = "sources" }

[plugins.witness-c]
grants = { conversation = false, prompt = false, policy = true }
[plugins.witness-c.config]
record = false
answers.tool-policy = { deny = "no tools on Fridays" }

[plugins.witness-f]
grants = { conversation = true, prompt = true, policy = false }
limits.cpu = "200 ms"
[plugins.witness-f.config]
record = false
does = { before-model-resolve = "hang", before-prompt-build = "fault" }
"#;

#[test]
fn the_tour() {
    let began = Instant::now();
    let mut stage = Stage::open(CONFIGURATION);
    steering::begins(&mut stage);
    steering::plugins_come(&mut stage);
    steering::changes_the_prompt(&mut stage);
    steering::adds_a_tool(&mut stage);
    guards::blocks(&mut stage);
    guards::asks_a_person(&mut stage);
    guards::is_answered_over_http(&mut stage);
    guards::sets_a_policy(&mut stage);
    guards::answers_other_gateways(&mut stage);
    steering::sends_it_back(&mut stage);
    keeping::keeps_state(&mut stage);
    keeping::queues_words(&mut stage);
    context::is_compacted(&mut stage);
    context::has_another_engine(&mut stage);
    context::has_another_agent_work(&mut stage);
    trouble::is_replaced_in_the_middle(&mut stage);
    trouble::faults(&mut stage);
    trouble::is_no_plugin(&mut stage);
    trouble::host_is_killed(&mut stage);
    workflow::waits_for_a_person(&mut stage);
    workflow::is_decided_with_a_button(&mut stage);
    workflow::hands_a_file_over(&mut stage);
    workflow::is_reminded_later(&mut stage);
    trouble::ends(stage);
    println!("\nThat was the tour: all went as it says, in {:.1} s.", began.elapsed().as_secs_f64());
}
