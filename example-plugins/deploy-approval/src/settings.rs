//! What the operator sets, and what that means for an environment.
//!
//! What it is for: how long a request waits, which environments are production, which may be asked for at all. What it costs: a look at each pattern. How it fails: values out of range and patterns
//! that are none are refused by name when the plugin starts.

use plugbay_sdk::prelude::*;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Patterns that one list may have.
const PATTERNS: usize = 64;

/// What the operator sets.
#[plugbay_sdk::settings]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Minutes after which a request that nobody answered counts as rejected: 1 to 10,080, which is a week.
    #[serde(default = "an_hour")]
    pub(crate) time_out_minutes: u64,
    /// Environments that only who has `operator.admin` may approve a deploy to. A `*` at the end stands for anything.
    #[serde(default = "production")]
    pub(crate) production: Vec<String>,
    /// Environments that an agent may ask for, in the same form; any, if there are none here.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// Whether a deploy to production has to be approved by somebody else than the person for whom the agent asked.
    #[serde(default)]
    pub(crate) four_eyes: bool,
    /// So many minutes after a time-out the agent has a turn in which it asks whether the deploy is still wanted: 0 to 43,200, which is thirty days. Never, if not said.
    #[serde(default)]
    pub(crate) remind_minutes: Option<u64>,
}

fn an_hour() -> u64 {
    60
}

fn production() -> Vec<String> {
    ["prod*", "live*"].map(String::from).into()
}

impl Settings {
    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        within("time-out-minutes", self.time_out_minutes, 1..=10_080)?;
        within("remind-minutes", self.remind_minutes.unwrap_or(0), 0..=43_200)?;
        patterns("production", &self.production)?;
        patterns("environments", &self.environments)
    }

    /// How long a request waits.
    pub(crate) fn time_out(&self) -> Duration {
        Duration::from_secs(self.time_out_minutes * 60)
    }

    /// How long after a time-out the agent is reminded.
    pub(crate) fn reminder(&self) -> Option<Duration> {
        self.remind_minutes.map(|minutes| Duration::from_secs(minutes * 60))
    }

    /// Whether a deploy to this environment needs an admin.
    pub(crate) fn is_production(&self, environment: &str) -> bool {
        self.production.iter().any(|pattern| fits(pattern, environment))
    }

    /// Whether an agent may ask for this environment.
    pub(crate) fn is_known(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|pattern| fits(pattern, environment))
    }
}

fn within(name: &str, value: u64, range: RangeInclusive<u64>) -> Result<()> {
    let refused =
        || Error::new(format!("the setting `{name}` of deploy-approval is {value}: it may be {} to {}", range.start(), range.end()));
    if range.contains(&value) { Ok(()) } else { Err(refused()) }
}

fn patterns(name: &str, patterns: &[String]) -> Result<()> {
    if patterns.len() > PATTERNS {
        return Err(Error::new(format!("the setting `{name}` of deploy-approval has {} entries: it may have {PATTERNS}", patterns.len())));
    }
    let good = |pattern: &str| !pattern.trim().is_empty() && !pattern.strip_suffix('*').unwrap_or(pattern).contains('*');
    match patterns.iter().find(|pattern| !good(pattern)) {
        Some(bad) => Err(Error::new(format!(
            "the setting `{name}` of deploy-approval has {bad:?}: an entry is an environment's name, and a `*` may stand at its end"
        ))),
        None => Ok(()),
    }
}

/// Case makes no difference: who writes `Production` means production.
fn fits(pattern: &str, environment: &str) -> bool {
    let (pattern, environment) = (pattern.trim().to_lowercase(), environment.to_lowercase());
    match pattern.strip_suffix('*') {
        Some(beginning) => environment.starts_with(beginning),
        None => environment == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(value: Value) -> Settings {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn environments_are_matched_whatever_their_case() {
        let usual = settings(json!({}));
        for production in ["production", "PROD", "prod-eu", "Live"] {
            assert!(usual.is_production(production), "{production}");
        }
        assert!(!usual.is_production("staging") && !usual.is_production("preprod"));
        assert!(usual.is_known("anything"));
        let some = settings(json!({ "environments": ["staging", "prod*"] }));
        assert!(some.is_known("Staging") && some.is_known("prod-eu") && !some.is_known("staging-2"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (value, says) in [
            (json!({ "time-out-minutes": 0 }), "`time-out-minutes` of deploy-approval is 0: it may be 1 to 10080"),
            (json!({ "time-out-minutes": 10_081 }), "10081"),
            (json!({ "remind-minutes": 43_201 }), "`remind-minutes`"),
            (json!({ "production": [" "] }), "`production`"),
            (json!({ "environments": ["a*b"] }), "`environments` of deploy-approval has \"a*b\""),
            (json!({ "production": vec!["a"; 65] }), "65 entries"),
        ] {
            let error = settings(value).check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(settings(json!({ "time-out-minutes": 10_080, "remind-minutes": 0 })).check().is_ok());
        assert!(serde_json::from_value::<Settings>(json!({ "timeout": 1 })).is_err(), "a misspelt setting is refused");
    }
}
