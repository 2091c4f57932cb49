//! What was said, kept beside what is there: the book of all rounds.
//!
//! An operation whose answer nobody heard may be done or not; each task has one of these at most. Everything else is certain, and every difference is
//! an error that names plugin, key and both sides. The book goes on from what it found, so a row that went missing unheard must stay away.

use super::files::Rows;
use super::load::{self, BAG, CONSUMERS, COUNTERS, COUNTERS_IN, SLOTS_IN, WRITERS};
use super::said::Said;
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

/// What is known of a plugin's rows.
#[derive(Debug, Default)]
struct Page {
    /// By key: the last value that was acknowledged, or found.
    slots: BTreeMap<String, String>,
    /// How many values of this round each writer had acknowledged.
    written: BTreeMap<u64, u64>,
    tokens: BTreeSet<String>,
    /// Tokens that can't be there any more.
    gone: BTreeSet<String>,
    /// How many tokens of this round are in the bag, or were.
    filled: u64,
    counters: BTreeMap<String, u64>,
    /// Numbers that a counter was acknowledged to have come to; each once.
    came_to: BTreeSet<(String, u64)>,
}

/// What was found in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Values registered and acknowledged.
    pub registered: u64,
    /// Tokens put into the bag and acknowledged.
    pub filled: u64,
    /// Tokens consumed and acknowledged.
    pub consumed: u64,
    /// Counted up and acknowledged.
    pub counted: u64,
    /// Operations that were done though nobody heard.
    pub unheard: u64,
}

impl AddAssign for Settled {
    fn add_assign(&mut self, other: Self) {
        self.registered += other.registered;
        self.filled += other.filled;
        self.consumed += other.consumed;
        self.counted += other.counted;
        self.unheard += other.unheard;
    }
}

/// The book.
#[derive(Debug, Default)]
pub struct Book {
    pages: BTreeMap<String, Page>,
    round: u64,
    heard: Settled,
}

impl Book {
    /// Begins a round.
    pub fn begin(&mut self, round: u64) {
        (self.round, self.heard) = (round, Settled::default());
        for page in self.pages.values_mut() {
            page.written.clear();
            page.filled = 0;
        }
    }

    /// Notes what was said.
    ///
    /// # Errors
    /// If it can't be true: a token that isn't there, a number that came twice, an answer that was an error.
    pub fn note(&mut self, said: &Said) -> Result<()> {
        match said {
            Said::Registered { plugin, task, n } => {
                let page = self.pages.entry(plugin.clone()).or_default();
                page.slots.insert(load::slot(*task, *n), load::value(self.round, *task, *n));
                page.written.insert(*task, n + 1);
                self.heard.registered += 1;
            }
            Said::Filled { plugin, token } => {
                let page = self.pages.entry(plugin.clone()).or_default();
                page.filled += 1;
                ensure!(page.tokens.insert(token.clone()), "{plugin}: {token} was put into the bag twice");
                self.heard.filled += 1;
            }
            Said::Consumed { plugin, token } => {
                let page = self.pages.entry(plugin.clone()).or_default();
                ensure!(!page.gone.contains(token), "{plugin}: {token} was consumed twice, or had been gone before");
                ensure!(page.tokens.remove(token), "{plugin}: {token} was consumed, and nobody had put it there");
                page.gone.insert(token.clone());
                self.heard.consumed += 1;
            }
            Said::Counted { plugin, counter, to } => {
                let page = self.pages.entry(plugin.clone()).or_default();
                ensure!(page.came_to.insert((counter.clone(), *to)), "{plugin}: {counter} came to {to} twice");
                *page.counters.entry(counter.clone()).or_default() += 1;
                self.heard.counted += 1;
            }
            Said::Refused { plugin, code, operation, message } => bail!("{plugin}: {operation} failed ({code}): {message}"),
            Said::Ready | Said::Went { .. } | Said::Queued { .. } | Said::Recovered { .. } | Said::Done => {}
            Said::Timed { .. } | Said::Planned { .. } | Said::Acted { .. } | Said::Sent { .. } => {}
        }
        Ok(())
    }

    /// Compares with what is there, and goes on from that.
    ///
    /// # Errors
    /// If something acknowledged is lost, or something is there that can't be.
    pub fn settle(&mut self, rows: &Rows) -> Result<Settled> {
        let mut settled = self.heard;
        // Of one that was killed before anything was heard of it, what was in flight may be there.
        for (owner, ..) in rows.keys() {
            self.pages.entry(owner.clone()).or_default();
        }
        for (plugin, page) in &mut self.pages {
            let of = |namespace: &str| texts(rows, plugin, namespace);
            settled.unheard += page.settle_slots(self.round, of(SLOTS_IN)?).with_context(|| plugin.clone())?;
            settled.unheard += page.settle_bag(self.round, of(BAG)?).with_context(|| plugin.clone())?;
            settled.unheard += page.settle_counters(&of(COUNTERS_IN)?).with_context(|| plugin.clone())?;
        }
        Ok(settled)
    }
}

/// A namespace's rows: strings without their quotes, anything else as it stands.
fn texts(rows: &Rows, plugin: &str, namespace: &str) -> Result<BTreeMap<String, String>> {
    let here = rows.iter().filter(|((owner, space, _), _)| owner == plugin && space == namespace);
    let text = |value: &str| if value.starts_with('"') { serde_json::from_str(value) } else { Ok(value.to_owned()) };
    here.map(|((.., key), value)| Ok((key.clone(), text(value)?))).collect()
}

/// The beginning of a value, which says where it is from.
fn short(value: Option<&String>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.chars().take(24).collect())
}

impl Page {
    fn settle_slots(&mut self, round: u64, found: BTreeMap<String, String>) -> Result<u64> {
        let in_flight = (0..WRITERS).map(|task| (task, self.written.get(&task).copied().unwrap_or(0)));
        let in_flight: BTreeMap<_, _> = in_flight.map(|(task, n)| (load::slot(task, n), load::value(round, task, n))).collect();
        let mut unheard = 0;
        let keys: BTreeSet<_> = self.slots.keys().chain(found.keys()).collect();
        for key in keys {
            let (known, there) = (self.slots.get(key), found.get(key));
            if known == there {
                continue;
            }
            let (known_as, there_is) = (short(known), short(there));
            ensure!(there.is_some() && there == in_flight.get(key), "{key}: {known_as} was acknowledged, {there_is} is there");
            unheard += 1;
        }
        self.slots = found;
        Ok(unheard)
    }

    fn settle_bag(&mut self, round: u64, found: BTreeMap<String, String>) -> Result<u64> {
        let found: BTreeSet<String> = found
            .into_iter()
            .map(|(key, value)| {
                ensure!(key == value, "the token {key} is {value} now");
                Ok(key)
            })
            .collect::<Result<_>>()?;
        if let Some(back) = found.intersection(&self.gone).next() {
            bail!("{back} was consumed, and is there again");
        }
        let (next, mut unheard) = (load::token(round, self.filled), 0);
        for token in found.difference(&self.tokens) {
            ensure!(*token == next, "{token} is in the bag, and nobody put it there");
            unheard += 1;
        }
        let missing: Vec<_> = self.tokens.difference(&found).cloned().collect();
        let in_flight = CONSUMERS as usize;
        ensure!(missing.len() <= in_flight, "{missing:?} are missing: {in_flight} at most can have been consumed unheard");
        unheard += missing.len() as u64;
        self.gone.extend(missing);
        self.tokens = found;
        Ok(unheard)
    }

    fn settle_counters(&mut self, found: &BTreeMap<String, String>) -> Result<u64> {
        let mut unheard = 0;
        let keys: BTreeSet<_> = self.counters.keys().chain(found.keys()).cloned().collect();
        for key in keys {
            let known = self.counters.get(&key).copied().unwrap_or(0);
            let there: u64 = found.get(&key).map_or(Ok(0), |text| text.parse()).with_context(|| format!("the counter {key}"))?;
            ensure!(there >= known, "{key}: {known} increments were acknowledged, {there} are there");
            unheard += there - known;
            self.counters.insert(key, there);
        }
        // All tasks together, whichever counter each was at.
        ensure!(unheard <= COUNTERS, "{unheard} increments that nobody asked for");
        Ok(unheard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: &str = "p";

    /// A book in which one of each was said, and the rows that follow from it.
    fn one_of_each() -> (Book, Rows) {
        let (mut book, plugin) = (Book::default(), P.to_owned());
        book.begin(0);
        for said in [
            Said::Registered { plugin: plugin.clone(), task: 0, n: 0 },
            Said::Filled { plugin: plugin.clone(), token: load::token(0, 0) },
            Said::Filled { plugin: plugin.clone(), token: load::token(0, 1) },
            Said::Consumed { plugin: plugin.clone(), token: load::token(0, 0) },
            Said::Counted { plugin, counter: "c0".into(), to: 1 },
        ] {
            book.note(&said).unwrap();
        }
        let mut rows = Rows::new();
        put(&mut rows, SLOTS_IN, &load::slot(0, 0), &load::value(0, 0, 0));
        put(&mut rows, BAG, "t0-1", "t0-1");
        rows.insert((P.into(), COUNTERS_IN.into(), "c0".into()), "1".into());
        (book, rows)
    }

    fn put(rows: &mut Rows, namespace: &str, key: &str, value: &str) {
        rows.insert((P.into(), namespace.into(), key.into()), serde_json::to_string(value).unwrap());
    }

    /// What the book says of rows that were changed so.
    fn said_of(change: impl FnOnce(&mut Rows)) -> Result<u64, String> {
        let (mut book, mut rows) = one_of_each();
        change(&mut rows);
        book.settle(&rows).map(|settled| settled.unheard).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn what_was_said_is_there_and_one_more_of_each_task_may_be() {
        assert_eq!(said_of(|_| {}), Ok(0));
        assert_eq!(said_of(|rows| put(rows, SLOTS_IN, &load::slot(0, 1), &load::value(0, 0, 1))), Ok(1));
        assert_eq!(said_of(|rows| put(rows, BAG, "t0-2", "t0-2")), Ok(1), "filled unheard");
        assert_eq!(said_of(|rows| drop(rows.remove(&(P.into(), BAG.into(), "t0-1".into())))), Ok(1), "consumed unheard");
        assert_eq!(said_of(|rows| drop(rows.insert((P.into(), COUNTERS_IN.into(), "c0".into()), "3".into()))), Ok(2));
    }

    #[test]
    fn what_is_lost_or_comes_back_is_named() {
        let named = |change: &dyn Fn(&mut Rows), words: &str| {
            let error = said_of(change).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        named(&|rows| drop(rows.remove(&(P.into(), SLOTS_IN.into(), "w0-0".into()))), "w0-0: 0.0.0.");
        named(&|rows| put(rows, SLOTS_IN, "w0-0", "0.0.9."), "0.0.0. was acknowledged, 0.0.9. is there");
        named(&|rows| put(rows, SLOTS_IN, "w0-2", &load::value(0, 0, 2)), "w0-2: nothing was acknowledged");
        named(&|rows| put(rows, BAG, "t0-0", "t0-0"), "t0-0 was consumed, and is there again");
        named(&|rows| put(rows, BAG, "t0-3", "t0-3"), "nobody put it there");
        named(&|rows| put(rows, BAG, "t0-1", "t0"), "the token t0-1 is t0 now");
        named(&|rows| drop(rows.remove(&(P.into(), COUNTERS_IN.into(), "c0".into()))), "1 increments were acknowledged, 0 are there");
        named(&|rows| drop(rows.insert((P.into(), COUNTERS_IN.into(), "c0".into()), "4".into())), "3 increments that nobody asked for");
        named(&|rows| drop(rows.insert(("q".into(), BAG.into(), "t".into()), "1".into())), "q: the token t is 1 now");
    }

    #[test]
    fn nothing_is_consumed_twice_over_all_rounds() {
        let (mut book, mut rows) = one_of_each();
        let consumed = |token: &str| Said::Consumed { plugin: P.into(), token: token.into() };
        assert!(book.note(&consumed("t0-0")).unwrap_err().to_string().contains("consumed twice"));
        rows.remove(&(P.into(), BAG.into(), "t0-1".into()));
        book.settle(&rows).unwrap();
        book.begin(1);
        assert!(book.note(&consumed("t0-1")).unwrap_err().to_string().contains("had been gone before"));
        assert!(book.note(&consumed("t9-9")).unwrap_err().to_string().contains("nobody had put it there"));
        let counted = Said::Counted { plugin: P.into(), counter: "c0".into(), to: 1 };
        assert!(book.note(&counted).unwrap_err().to_string().contains("came to 1 twice"));
    }

    #[test]
    fn three_tokens_cannot_be_lost_unheard() {
        let (mut book, mut rows) = one_of_each();
        for n in 2..5 {
            book.note(&Said::Filled { plugin: P.into(), token: load::token(0, n) }).unwrap();
        }
        rows.remove(&(P.into(), BAG.into(), "t0-1".into()));
        put(&mut rows, BAG, "t0-4", "t0-4");
        assert!(format!("{:#}", book.settle(&rows).unwrap_err()).contains("are missing"));
    }
}
