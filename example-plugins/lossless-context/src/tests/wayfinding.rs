//! What was said is found again, by following summaries.

use super::planted::{Fact, conversation, look};
use super::*;

/// The way to a fact; the words of an entry that is still told are no way at all.
fn way(plugin: &LosslessContext, call: &Call, above: &str, ids: &[u64], fact: &Fact) -> Option<usize> {
    if ids.contains(&(1_001 + fact.at as u64)) {
        return Some(0);
    }
    look(above, fact, 4, |summary| opened(plugin, call, summary))
}

#[test]
fn each_of_a_hundred_facts_is_found_in_four_opens() {
    let (said, facts) = conversation(1, 5_000, 100);
    let (plugin, call) = (plugin(json!({})), call(&said));
    plugin.context_bootstrap(&call, Bootstrapping::new(5_000)).unwrap();
    let (above, ids) = assembled(&plugin, &call, 8_000);
    let ways: Vec<_> = facts.iter().map(|fact| (way(&plugin, &call, &above, &ids, fact), fact)).collect();
    let lost: Vec<_> = ways.iter().filter(|(way, _)| way.is_none()).map(|(_, fact)| fact).collect();
    let opens: Vec<usize> = ways.iter().filter_map(|(way, _)| *way).collect();
    println!("opens: {:?} at most, {:.2} in the mean", opens.iter().max(), opens.iter().sum::<usize>() as f64 / opens.len() as f64);
    assert!(lost.is_empty(), "{} lost: {lost:?}\n{above}", lost.len());
    assert!(opens.iter().sum::<usize>() >= 150, "they aren't in view from the start");
}

#[test]
fn the_words_of_each_entry_can_be_opened_whatever_their_size() {
    let (mut said, _) = conversation(2, 400, 1);
    said[30].text = "Ä long story. ".repeat(4_000);
    let (plugin, call) = (plugin(json!({ "open_tokens": 500 })), call(&said));
    for at in [0, 30, 31, 250, 399] {
        let id = 1_001 + at as u64;
        let (mut text, mut page, mut pages) = (String::new(), 1, 1);
        while page <= pages {
            let wanted = Wanted { summary: id.to_string(), page: Some(page) };
            let answer: String = serde_json::from_str(&plugin.open_summary(&call, wanted).unwrap().content).unwrap();
            let (body, foot) = answer.rsplit_once("\n[page ").unwrap_or((&answer, ""));
            pages = foot.split(' ').nth(2).map_or(1, |count| count.trim_end_matches(']').parse().unwrap());
            assert!(tokens::count(body) <= 500);
            text.push_str(body);
            page += 1;
        }
        assert!(text.starts_with(&format!("[{id}, ")) && text.ends_with(&said[at].text), "{at}: {text}");
        assert_eq!(pages > 20, at == 30);
    }
}

#[test]
fn what_cannot_be_opened_says_what_there_is() {
    let (said, _) = conversation(3, 100, 1);
    let (plugin, call) = (plugin(json!({})), call(&said));
    plugin.context_ingest(&call, Ingesting::new(Vec::new())).unwrap();
    let refused = |summary: &str| plugin.open_summary(&call, Wanted { summary: summary.into(), page: None }).unwrap_err().to_string();
    assert_eq!(refused("1-20"), "there are no entries 1-20: this conversation has 1001 to 1100");
    assert!(refused("bread").contains("\"bread\" has no numbers") && refused("1020-1010").contains("no numbers"));
    let everything = opened(&plugin, &call, "1001-1100");
    assert!(everything.starts_with("Under 1001-1100") && everything.contains("\n1001-10"), "{everything}");
    let page = plugin.open_summary(&call, Wanted { summary: "[1005]".into(), page: Some(99) }).unwrap();
    assert!(page.content.starts_with("\"[1005, "), "a page that isn't there is the last: {}", page.content);
}
