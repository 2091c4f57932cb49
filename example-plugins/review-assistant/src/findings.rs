//! What a review has found, and what the agent is told of it.
//!
//! What it is for: one instruction for all that is wrong, so that one attempt can put all of it right. What it costs: nothing. How it fails: it doesn't; what
//! is beyond the bounds of an instruction is left out, and the next review finds it again.

/// What one rule has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: String,
    /// What is wrong.
    pub(crate) wrong: Vec<String>,
    /// What the operator wants the agent to be told besides.
    pub(crate) instruction: Option<String>,
}

/// Characters of an instruction at most.
const MOST: usize = 4_000;

/// The rules that are broken, for people.
pub(crate) fn names(found: &[Finding]) -> String {
    let names: Vec<_> = found.iter().map(|finding| format!("`{}`", finding.rule)).collect();
    let word = if names.len() == 1 { "the rule" } else { "the rules" };
    format!("{word} {}", names.join(", "))
}

/// What the agent is told.
pub(crate) fn instruction(found: &[Finding]) -> String {
    let mut text = String::from("Your answer was reviewed and isn't sent yet. Put this right:\n");
    for (at, finding) in found.iter().enumerate() {
        let own = finding.instruction.as_deref().map(|own| format!(" {own}")).unwrap_or_default();
        let line: String = format!("- {}: {}.{own}", finding.rule, finding.wrong.join("; ")).chars().take(1_000).collect();
        if text.chars().count() + line.chars().count() > MOST - 200 {
            text.push_str(&format!("- and {} more of the rules\n", found.len() - at));
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text + "Then give the whole answer again, as the person is to read it, without a word about this review."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_says_all_that_is_wrong_and_stays_short() {
        let finding = |rule: &str, wrong: &str| Finding { rule: rule.into(), wrong: vec![wrong.into()], instruction: None };
        let told = instruction(&[Finding { instruction: Some("Be brief.".into()), ..finding("a", "too long") }, finding("b", "no source")]);
        assert!(told.contains("- a: too long. Be brief.\n- b: no source.\n"), "{told}");
        assert_eq!(names(&[finding("a", ""), finding("b", "")]), "the rules `a`, `b`");
        let many: Vec<_> = (0..20).map(|_| finding("long", &"ä".repeat(2_000))).collect();
        let told = instruction(&many);
        assert!(told.chars().count() <= MOST && told.contains("- and 17 more of the rules\n"), "{told}");
    }
}
