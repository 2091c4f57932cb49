//! Rules as an operator writes them, and what one finds in an answer.
//!
//! What it is for: everything that can be wrong with a rule is found when the plugin starts. What it costs: one pass over the answer for each phrase. How it
//! fails: by an error that names the rule and the setting.

use crate::calls::Done;
use crate::findings::Finding;
use crate::pattern::Pattern;
use crate::phrase::Phrase;
use crate::said::Said;
use plugbay_sdk::prelude::*;

/// Rules at most, and entries of one list.
const RULES: usize = 20;
const ENTRIES: usize = 20;
/// The most that `max_characters` may be: every answer that is handed over is shorter or longer than that for certain.
const CHARACTERS: u64 = 60_000;

/// A rule: when it holds, and what it demands. At least one demand has to be said.
#[plugbay_sdk::settings]
#[derive(Clone, Default)]
#[serde(rename = "Rule")]
pub(crate) struct SaidRule {
    /// What it is called: 40 characters at most.
    pub(crate) name: String,
    /// It holds only where the answer says one of these phrases.
    #[serde(default)]
    pub(crate) when_said: Vec<String>,
    /// It holds only where one of these tools has answered in this run: names, with `*` for any text.
    #[serde(default)]
    pub(crate) when_called: Vec<String>,
    /// The answer says all of these.
    #[serde(default)]
    pub(crate) must_say: Vec<String>,
    /// It says none of these.
    #[serde(default)]
    pub(crate) must_not_say: Vec<String>,
    /// It has sections of these names.
    #[serde(default)]
    pub(crate) sections: Vec<String>,
    /// One of these tools has answered in this run.
    #[serde(default)]
    pub(crate) needs_call: Vec<String>,
    /// The answer has so many characters at most: 1 to 60,000.
    #[serde(default)]
    pub(crate) max_characters: Option<u64>,
    /// What the agent is told besides, in 500 characters at most.
    #[serde(default)]
    pub(crate) instruction: Option<String>,
}

/// What is in force if the operator says nothing.
pub(crate) fn usual() -> Vec<SaidRule> {
    let all = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    vec![SaidRule {
        name: "tests-claimed".into(),
        when_said: all(&[
            "tests pass",
            "tests passed",
            "tests are passing",
            "tests are green",
            "tests succeed",
            "ran the tests",
            "ran all tests",
        ]),
        needs_call: all(&["test", "tests", "*_test", "*_tests", "test_*", "shell", "bash", "exec"]),
        instruction: Some("Run them now, or say plainly that you haven't.".into()),
        ..SaidRule::default()
    }]
}

/// A rule.
struct Rule {
    name: String,
    when_said: Vec<Phrase>,
    when_called: Vec<Pattern>,
    must_say: Vec<Phrase>,
    must_not_say: Vec<Phrase>,
    sections: Vec<String>,
    needs_call: Vec<Pattern>,
    max_characters: Option<u64>,
    instruction: Option<String>,
}

/// All rules.
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    /// Reads the setting.
    pub(crate) fn read(said: &[SaidRule]) -> Result<Self> {
        if said.len() > RULES {
            return Err(Error::new(format!("the setting `rules` of review-assistant has {} rules: {RULES} are allowed", said.len())));
        }
        let mut rules = Vec::<Rule>::new();
        for one in said {
            let rule = Rule::read(one)?;
            if rules.iter().any(|other| other.name == rule.name) {
                return Err(Error::new(format!("the setting `rules` of review-assistant has two rules named `{}`", rule.name)));
            }
            rules.push(rule);
        }
        Ok(Self(rules))
    }

    /// Whether it matters to a rule that this tool is called.
    pub(crate) fn ask_for(&self, tool: &str) -> bool {
        self.0.iter().any(|rule| rule.needs_call.iter().chain(&rule.when_called).any(|pattern| pattern.matches(tool)))
    }

    /// Whether there is a rule of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|rule| rule.name == name)
    }

    /// What an answer falls short of: a finding for each rule that it breaks.
    pub(crate) fn review(&self, said: &Said, done: &Done) -> Vec<Finding> {
        let found = |rule: &Rule| {
            let wrong = if rule.holds(said, done) { rule.wrong(said, done) } else { Vec::new() };
            (!wrong.is_empty()).then(|| Finding { rule: rule.name.clone(), wrong, instruction: rule.instruction.clone() })
        };
        self.0.iter().filter_map(found).collect()
    }

    /// What is reviewed, for people.
    pub(crate) fn told(&self) -> String {
        if self.0.is_empty() {
            return "There are no rules (setting `rules` of review-assistant).".into();
        }
        self.0.iter().map(Rule::told).collect::<Vec<_>>().join("\n")
    }
}

impl Rule {
    fn read(said: &SaidRule) -> Result<Self> {
        let name = said.name.trim();
        if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
            return Err(Error::new(format!(
                "the setting `rules` of review-assistant has a rule named {:?}: a name has 1 to 40 characters",
                said.name
            )));
        }
        let of = |list: &str| format!("`{list}` of the rule `{name}` of review-assistant");
        let phrases = |list: &str, texts: &[String]| entries(&of(list), texts, Phrase::read);
        let tools = |list: &str, texts: &[String]| entries(&of(list), texts, Pattern::read);
        let rule = Self {
            when_said: phrases("when_said", &said.when_said)?,
            when_called: tools("when_called", &said.when_called)?,
            must_say: phrases("must_say", &said.must_say)?,
            must_not_say: phrases("must_not_say", &said.must_not_say)?,
            sections: entries(&of("sections"), &said.sections, section)?,
            needs_call: tools("needs_call", &said.needs_call)?,
            max_characters: said.max_characters,
            instruction: said.instruction.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
            name: name.to_owned(),
        };
        rule.checked()
    }

    fn checked(self) -> Result<Self> {
        let name = &self.name;
        if self.max_characters.is_some_and(|most| !(1..=CHARACTERS).contains(&most)) {
            let most = self.max_characters.unwrap_or_default();
            return Err(Error::new(format!(
                "`max_characters` of the rule `{name}` of review-assistant is {most}: it may be 1 to {CHARACTERS}"
            )));
        }
        if self.instruction.as_ref().is_some_and(|text| text.chars().count() > 500) {
            return Err(Error::new(format!("`instruction` of the rule `{name}` of review-assistant has more than 500 characters")));
        }
        let demands = [self.must_say.len(), self.must_not_say.len(), self.sections.len(), self.needs_call.len()];
        if demands.iter().sum::<usize>() == 0 && self.max_characters.is_none() {
            let demands = "`must_say`, `must_not_say`, `sections`, `needs_call` or `max_characters`";
            return Err(Error::new(format!("the rule `{name}` of review-assistant demands nothing: say {demands}")));
        }
        Ok(self)
    }

    fn holds(&self, said: &Said, done: &Done) -> bool {
        let is_said = self.when_said.is_empty() || self.when_said.iter().any(|phrase| phrase.is_in(&said.plain));
        is_said && (self.when_called.is_empty() || done.any(&self.when_called))
    }

    /// What is wrong, in words for the agent.
    fn wrong(&self, said: &Said, done: &Done) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(most) = self.max_characters.filter(|most| said.characters > *most) {
            wrong.push(format!("the answer has {} characters, and {most} are allowed", said.characters));
        }
        if !self.needs_call.is_empty() && !done.any(&self.needs_call) {
            let claim = self.when_said.iter().find(|phrase| phrase.is_in(&said.plain));
            let claim = claim.map(|phrase| format!("the answer says {phrase}, but ")).unwrap_or_default();
            wrong.push(format!("{claim}none of these tools has answered in this turn: {}", list(&self.needs_call)));
        }
        if said.is_whole {
            wrong.extend(self.must_say.iter().filter(|phrase| !phrase.is_in(&said.plain)).map(|phrase| format!("it has to say {phrase}")));
            wrong.extend(
                self.must_not_say.iter().filter(|phrase| phrase.is_in(&said.plain)).map(|phrase| format!("it may not say {phrase}")),
            );
            wrong.extend(self.sections.iter().filter(|name| !said.has_section(name)).map(|name| format!("it has no section “{name}”")));
        }
        wrong
    }

    fn told(&self) -> String {
        let mut parts = Vec::new();
        let mut part = |what: &str, entries: String| {
            if !entries.is_empty() {
                parts.push(format!("{what} {entries}"));
            }
        };
        part("where it says", list(&self.when_said));
        part("where one of these has answered:", list(&self.when_called));
        part("has to say", list(&self.must_say));
        part("may not say", list(&self.must_not_say));
        part("has the sections", list(&self.sections));
        part("one of these has to have answered:", list(&self.needs_call));
        part("has at most so many characters:", self.max_characters.map(|most| most.to_string()).unwrap_or_default());
        format!("{}: {}", self.name, parts.join("; "))
    }
}

fn list(entries: &[impl ToString]) -> String {
    entries.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn entries<T>(setting: &str, texts: &[String], read: impl Fn(&str, &str) -> Result<T>) -> Result<Vec<T>> {
    if texts.len() > ENTRIES {
        return Err(Error::new(format!("{setting} has {} entries: {ENTRIES} are allowed", texts.len())));
    }
    texts.iter().map(|text| read(setting, text)).collect()
}

fn section(setting: &str, text: &str) -> Result<String> {
    let name = text.trim().trim_matches('#').trim();
    let has_words = name.chars().any(char::is_alphanumeric);
    if has_words && name.chars().count() <= 80 {
        Ok(name.to_owned())
    } else {
        Err(Error::new(format!("{setting}: a section's name has 1 to 80 characters, {text:?} doesn't")))
    }
}
