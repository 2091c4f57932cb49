//! Second tries: whether the agent is sent back with its last word, and what it is told.
//!
//! What several plugins want together is merged by the hook ([`Finalization`]); here is the budget. Attempts are counted for one run, by the retry's key
//! or by its instruction, and no run has more than [`Revisions::MOST`]. It costs a comparison with what was tried before. It can't fail: without an attempt left
//! the turn ends.

use plugbay_runtime::{Action, Finalization, Revision};

/// What becomes of the agent's last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The turn ends with it.
    Ends,
    /// The agent tries again, and is told this.
    Again {
        /// Why, and how.
        instruction: String,
    },
}

/// The second tries of one run.
#[derive(Debug, Default)]
pub struct Revisions {
    tried: Vec<Attempt>,
}

/// What an attempt is counted by.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Key(String),
    Instruction(String),
    /// Somebody had a reason and no instruction.
    Reason,
}

impl Revisions {
    /// Revisions of one run, whoever wants them.
    pub const MOST: usize = 3;

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.tried.len()).unwrap_or(u32::MAX)
    }

    /// Decides, and counts the attempt if there is one. Of those who want a retry the first with an attempt left is followed; a reason alone is enough where
    /// nobody says how.
    pub fn rule(&mut self, wanted: &Finalization) -> Ruling {
        if wanted.action != Action::Revise || self.tried.len() >= Self::MOST {
            return Ruling::Ends;
        }
        let retries: Vec<_> = wanted.retries.iter().filter(|retry| !retry.instruction.trim().is_empty()).collect();
        let left = retries.iter().find(|retry| self.has_left(retry));
        let (attempt, instruction) = match left {
            Some(retry) => (attempt(retry), Some(retry.instruction.trim())),
            None if retries.is_empty() => (Attempt::Reason, None),
            None => return Ruling::Ends,
        };
        let told = told(&wanted.reasons, instruction);
        if told.is_empty() {
            return Ruling::Ends;
        }
        self.tried.push(attempt);
        Ruling::Again { instruction: told }
    }

    fn has_left(&self, retry: &Revision) -> bool {
        let attempt = attempt(retry);
        let tried = self.tried.iter().filter(|tried| **tried == attempt).count();
        usize::try_from(retry.max_attempts.get()).is_ok_and(|most| tried < most)
    }
}

fn attempt(retry: &Revision) -> Attempt {
    match retry.key.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
        Some(key) => Attempt::Key(key.to_owned()),
        None => Attempt::Instruction(retry.instruction.trim().to_owned()),
    }
}

/// The reasons, and the instruction unless they have it already.
fn told(reasons: &[String], instruction: Option<&str>) -> String {
    let mut told = reasons.iter().map(|r| r.trim()).filter(|r| !r.is_empty()).collect::<Vec<_>>().join("\n\n");
    if let Some(instruction) = instruction.filter(|i| !told.contains(i)) {
        if !told.is_empty() {
            told.push_str("\n\n");
        }
        told.push_str(instruction);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_runtime::{BeforeAgentFinalize, Hook, PluginId};

    fn retry(instruction: &str, key: Option<&str>, most: u32) -> Revision {
        Revision { instruction: instruction.into(), key: key.map(str::to_owned), max_attempts: most.try_into().unwrap() }
    }

    fn wanted(action: Action, reasons: &[&str], retries: &[Revision]) -> Finalization {
        Finalization { action, reasons: reasons.iter().map(|r| (*r).to_owned()).collect(), retries: retries.to_vec(), attrs: vec![] }
    }

    /// What several plugins want, as the hook merges it.
    fn merged(all: &[Finalization]) -> Finalization {
        let mut so_far = Finalization::default();
        for (n, next) in all.iter().enumerate() {
            BeforeAgentFinalize::merge(&mut so_far, next.clone(), &PluginId::try_from(format!("p{n}")).unwrap());
        }
        so_far
    }

    fn again(text: &str) -> Ruling {
        Ruling::Again { instruction: text.into() }
    }

    #[test]
    fn the_merge_table_of_the_contract() {
        let revise = |reason: &str, instruction: &str| wanted(Action::Revise, &[reason], &[retry(instruction, None, 1)]);
        let pass = || wanted(Action::Continue, &[], &[]);
        let done = || wanted(Action::Finalize, &["good enough"], &[]);
        let table: &[(&str, Vec<Finalization>, Ruling)] = &[
            ("nobody", vec![], Ruling::Ends),
            ("no objection", vec![pass(), pass()], Ruling::Ends),
            ("revise beats continue", vec![pass(), revise("r", "i"), pass()], again("r\n\ni")),
            ("finalize beats revise, before it", vec![done(), revise("r", "i")], Ruling::Ends),
            ("finalize beats revise, behind it", vec![revise("r", "i"), done()], Ruling::Ends),
            ("reasons of all, instruction of the first", vec![revise("r", "i"), revise("s", "j")], again("r\n\ns\n\ni")),
            ("an instruction that a reason says", vec![revise("please i now", "i")], again("please i now")),
            ("a reason is enough", vec![wanted(Action::Revise, &["r"], &[])], again("r")),
            ("an instruction is enough", vec![wanted(Action::Revise, &[], &[retry("i", None, 1)])], again("i")),
            ("a blank instruction is none", vec![wanted(Action::Revise, &["r"], &[retry(" \n\t", None, 1)])], again("r")),
            ("neither", vec![wanted(Action::Revise, &[], &[])], Ruling::Ends),
            ("both blank", vec![wanted(Action::Revise, &["  "], &[retry(" ", None, 1)])], Ruling::Ends),
            ("space around is not told", vec![wanted(Action::Revise, &[" r "], &[retry(" i\n", None, 1)])], again("r\n\ni")),
        ];
        for (case, all, ruling) in table {
            assert_eq!(&Revisions::default().rule(&merged(all)), ruling, "{case}");
        }
    }

    /// What becomes of the same wish, time after time.
    fn times(wish: &Finalization) -> usize {
        let mut revisions = Revisions::default();
        (0..10).take_while(|_| revisions.rule(wish) != Ruling::Ends).count()
    }

    #[test]
    fn attempts_are_counted_by_key_or_else_by_instruction() {
        let once = wanted(Action::Revise, &[], &[retry("i", None, 1)]);
        assert_eq!(times(&once), 1);
        let twice = wanted(Action::Revise, &[], &[retry("i", Some("k"), 2)]);
        assert_eq!(times(&twice), 2);
        let mut revisions = Revisions::default();
        assert_eq!(revisions.rule(&wanted(Action::Revise, &[], &[retry("i", Some("k"), 1)])), again("i"));
        let same_key = wanted(Action::Revise, &[], &[retry("another", Some("k"), 1)]);
        assert_eq!(revisions.rule(&same_key), Ruling::Ends, "the key counts, not the words");
        let other_key = wanted(Action::Revise, &[], &[retry("i", Some("l"), 1)]);
        assert_eq!(revisions.rule(&other_key), again("i"));
        let no_key = wanted(Action::Revise, &[], &[retry("k", None, 1)]);
        assert_eq!(revisions.rule(&no_key), again("k"), "an instruction is no key, though it reads the same");
        assert_eq!(revisions.count(), 3);
    }

    #[test]
    fn the_first_with_an_attempt_left_is_followed() {
        let both = wanted(Action::Revise, &[], &[retry("i", None, 1), retry("j", None, 1)]);
        let mut revisions = Revisions::default();
        assert_eq!((revisions.rule(&both), revisions.rule(&both), revisions.rule(&both)), (again("i"), again("j"), Ruling::Ends));
        let with_reason = wanted(Action::Revise, &["r"], &both.retries);
        assert_eq!(revisions.rule(&with_reason), Ruling::Ends, "all are exhausted: a reason doesn't help");
    }

    #[test]
    fn a_run_has_three_at_most_whoever_wants_them() {
        assert_eq!(times(&wanted(Action::Revise, &[], &[retry("i", None, u32::MAX)])), Revisions::MOST);
        assert_eq!(times(&wanted(Action::Revise, &["r"], &[])), Revisions::MOST);
        let mut revisions = Revisions::default();
        let rulings: Vec<_> = (0..5).map(|n| revisions.rule(&wanted(Action::Revise, &[], &[retry(&format!("i{n}"), None, 9)]))).collect();
        assert_eq!(rulings, [again("i0"), again("i1"), again("i2"), Ruling::Ends, Ruling::Ends]);
    }
}
