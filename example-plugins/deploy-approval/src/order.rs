//! What a person wrote behind `/deploys`.
//!
//! What it is for: words as an order. What it costs: nothing. How it fails: what is no order is answered with those that there are.

use plugbay_sdk::prelude::*;

/// What a person wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order<'a> {
    /// What waits here.
    List,
    /// What waits anywhere.
    All,
    /// All about one request.
    Show(&'a str),
    Approve(&'a str, &'a str),
    Reject(&'a str, &'a str),
}

const KNOWN: &str = "`/deploys` takes: nothing or `list`, `all`, `show ID`, `approve ID [note]`, `reject ID reason`";

/// Reads it.
pub(crate) fn read(text: &str) -> Result<Order<'_>> {
    let (word, rest) = first(text);
    let (id, note) = first(rest);
    match (word.to_lowercase().as_str(), id, note) {
        ("" | "list", "", _) => Ok(Order::List),
        ("all", "", _) => Ok(Order::All),
        ("show" | "approve" | "reject", "", _) => Err(Error::new(format!("say which request: `/deploys {word} d-1`. {KNOWN}"))),
        ("show", id, "") => Ok(Order::Show(id)),
        ("approve", id, note) => Ok(Order::Approve(id, note)),
        ("reject", id, reason) => Ok(Order::Reject(id, reason)),
        _ => Err(Error::new(KNOWN)),
    }
}

/// The first word, and what stands behind it.
fn first(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_everything_else_is_answered_with_what_there_is() {
        assert_eq!((read("").unwrap(), read(" LIST ").unwrap(), read("all").unwrap()), (Order::List, Order::List, Order::All));
        assert_eq!(read("approve d-1").unwrap(), Order::Approve("d-1", ""));
        assert_eq!(read("Approve  d-1   go  on ").unwrap(), Order::Approve("d-1", "go  on"));
        assert_eq!(read("reject 2\nnot today").unwrap(), Order::Reject("2", "not today"));
        assert_eq!(read("show d-3").unwrap(), Order::Show("d-3"));
        for wrong in ["approve", "approve ", "show", "yes", "list 4", "show d-1 d-2"] {
            assert!(read(wrong).unwrap_err().to_string().contains("`approve ID [note]`"), "{wrong}");
        }
    }
}
