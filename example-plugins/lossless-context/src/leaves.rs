//! Where one leaf ends and the next begins.
//!
//! What it is for: leaves are opened whole, so they are of a size that a model reads gladly; and what a model does with tools stands together with what came of it. What it costs: one look at
//! each entry. How it fails: it doesn't. An entry, or a call with its answers, that is larger than a leaf is a leaf of its own.

use plugbay_sdk::{Entry, Role};

/// Entries of a leaf.
pub(crate) const ENTRIES: usize = 20;
/// Tokens of a leaf: beyond, it has fewer entries.
pub(crate) const TOKENS: u64 = 1_500;

/// The ends of the leaves that are full, as positions behind them. What is behind the last may still grow.
pub(crate) fn ends(entries: &[Entry], sizes: &[u64]) -> Vec<usize> {
    let (mut ends, mut begin, mut tokens) = (Vec::new(), 0, 0);
    for (at, (entry, size)) in entries.iter().zip(sizes).enumerate() {
        let is_full = at - begin >= ENTRIES || tokens >= TOKENS || tokens + size > 2 * TOKENS;
        if is_full && at > begin && entry.role != Role::Tool {
            ends.push(at);
            (begin, tokens) = (at, 0);
        }
        tokens += size;
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugbay_sdk::Payload;

    fn ends_of(roles_and_sizes: &[(Role, u64)]) -> Vec<usize> {
        let entry = |(id, (role, _)): (u64, &(Role, u64))| Entry {
            id,
            role: *role,
            at: 0,
            content: Payload::Json("\"\"".into()),
            tool_call_id: None,
        };
        let entries: Vec<Entry> = (0..).zip(roles_and_sizes).map(entry).collect();
        ends(&entries, &roles_and_sizes.iter().map(|(_, size)| *size).collect::<Vec<_>>())
    }

    use Role::{Assistant, Tool, User};

    #[test]
    fn a_leaf_is_full_by_entries_or_by_tokens_once_something_follows() {
        assert_eq!(ends_of(&[(User, 10); 20]), [0; 0], "nothing follows");
        assert_eq!(ends_of(&[(User, 10); 21]), [20]);
        assert_eq!(ends_of(&[(User, 10); 61]), [20, 40, 60]);
        assert_eq!(ends_of(&[(User, 500); 7]), [3, 6]);
        assert_eq!(ends_of(&[(User, 10), (User, 9_000), (User, 10), (User, 10)]), [1, 2], "a large one is alone");
    }

    #[test]
    fn a_call_of_a_tool_stands_with_its_answers() {
        let mut entries = vec![(User, 10); 19];
        entries.extend([(Assistant, 10), (Tool, 10), (Tool, 9_000), (Tool, 10), (User, 10), (User, 10)]);
        assert_eq!(ends_of(&entries), [23]);
        assert_eq!(ends_of(&[(Assistant, 10), (Tool, 9_000), (Tool, 10)]), [0; 0], "more answers may come");
    }
}
