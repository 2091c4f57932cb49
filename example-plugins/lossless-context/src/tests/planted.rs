//! A long conversation in which facts are planted, and a reader who looks for them as a model would: by what is before it.
//!
//! What it is for: the plugin's own tests, and those of the whole, which include this file. It knows nothing of the plugin but what stands in its texts: lines that begin with numbers, and then words.
//! The conversation is the same for the same seed.

use std::collections::{BTreeMap, BTreeSet};

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// `user`, `assistant` or `tool`.
    pub(crate) role: &'static str,
    pub(crate) text: String,
    pub(crate) call: Option<String>,
}

/// A fact that somebody mentions once.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// The entry's place, from 0.
    pub(crate) at: usize,
    /// What somebody asks later: none of these words says what the answer is.
    pub(crate) question: String,
    /// What the entry says and no other.
    pub(crate) answer: String,
}

/// Numbers that look like chance: xorshift.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as usize) % most.max(1)
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// The first more often than the second, and so on: as words are in a language.
    fn mostly<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let a = self.below(all.len());
        let b = self.below(all.len());
        all[a * b / all.len()]
    }
}

const PEOPLE: &[&str] = &[
    "Ada", "Bruno", "Chiara", "Dmitri", "Elena", "Farid", "Greta", "Hiro", "Ingrid", "Jonas", "Katya", "Luis", "Mei", "Nadia", "Oskar",
    "Priya", "Quentin", "Rosa", "Stefan", "Tomoko", "Uwe", "Vera", "Wanda", "Xavier", "Yusuf", "Zofia",
];
const CITIES: &[&str] = &[
    "Berlin", "Lisbon", "Oslo", "Prague", "Vienna", "Dublin", "Porto", "Malmo", "Ghent", "Turin", "Lyon", "Leeds", "Graz", "Basel",
    "Bergen",
];
const THINGS: &[&str] = &[
    "order",
    "invoice",
    "dough",
    "oven",
    "delivery",
    "meeting",
    "report",
    "budget",
    "flour",
    "schedule",
    "customer",
    "contract",
    "recipe",
    "website",
    "shipment",
    "supplier",
    "label",
    "price",
    "review",
    "menu",
    "shelf",
    "kitchen",
    "counter",
    "printer",
    "camera",
    "parcel",
    "ticket",
    "folder",
    "password",
    "newsletter",
    "holiday",
    "shift",
    "apron",
    "mixer",
    "fridge",
    "window",
    "carpet",
    "garden",
    "ladder",
    "bicycle",
    "coupon",
    "survey",
    "poster",
    "backup",
    "server",
    "spreadsheet",
    "insurance",
    "warranty",
    "receipt",
    "deposit",
];
const QUALITIES: &[&str] = &[
    "new", "large", "late", "broken", "cheap", "heavy", "early", "empty", "green", "final", "weekly", "missing", "double", "frozen",
    "cracked", "quiet", "urgent", "spare", "dusty", "narrow", "wooden", "crooked", "bright", "hollow", "rusty",
];
const DEEDS: &[&str] = &[
    "check",
    "move",
    "order",
    "cancel",
    "print",
    "clean",
    "repair",
    "count",
    "send",
    "paint",
    "weigh",
    "pack",
    "measure",
    "replace",
    "compare",
    "collect",
    "confirm",
    "postpone",
    "describe",
    "translate",
];
const ROOTS: &[&str] = &[
    "bake", "stock", "glaze", "trade", "steam", "press", "carve", "blend", "crate", "brush", "trim", "scale", "grind", "polish", "sketch",
    "staple", "harvest", "anchor", "barter", "canvas", "ferment", "garnish", "hammer", "kindle", "lacquer", "mortar", "pickle", "quarry",
    "rivet", "solder", "thatch", "varnish", "whittle", "plaster", "copper", "timber", "saddle", "lantern", "pepper", "bramble",
];
const BEFORE: &[&str] = &["over", "under", "re", "out", "mis", "pre", "fore", "half", "cross", "inter"];
const AFTER: &[&str] = &["", "ed", "ing"];
const RARE: &[&str] = &[
    "tarragon",
    "astrolabe",
    "sextant",
    "zither",
    "marzipan",
    "obsidian",
    "periscope",
    "quince",
    "rhubarb",
    "saffron",
    "tambourine",
    "umbrella",
    "vermouth",
    "wisteria",
    "xylophone",
    "yurt",
    "zeppelin",
    "abacus",
    "bassoon",
    "calipers",
    "dulcimer",
    "easel",
    "fennel",
    "gazebo",
    "hammock",
];
const CONTAINERS: &[&str] = &["blue cabinet", "cellar", "third drawer", "old suitcase", "attic", "tin box", "garage", "left cupboard"];

/// A sentence as anybody says it. One in twelve has a word that hardly anybody else says, one in four a number.
fn filler(chance: &mut Chance) -> String {
    let (person, city, thing, other) = (chance.mostly(PEOPLE), chance.of(CITIES), chance.mostly(THINGS), chance.mostly(THINGS));
    let (quality, deed) = (chance.mostly(QUALITIES), chance.mostly(DEEDS));
    let odd = format!("{}{}{}", chance.mostly(BEFORE), chance.mostly(ROOTS), chance.of(AFTER));
    let (number, hour, minute) = (chance.below(9_000) + 100, chance.below(10) + 8, chance.below(60));
    match chance.below(24) {
        0 | 1 => format!("The {thing} looks rather {odd} to me."),
        2 | 3 => format!("{person} has the {thing} number {number} already."),
        4 | 5 => format!("We meet at {hour}:{minute:02} about the {quality} {thing}."),
        6 | 7 => format!("That makes {number} euros for the {thing}, with the {other}."),
        8 | 9 => format!("Did {person} {deed} the {thing}?"),
        10 | 11 => format!("In {city} the {thing} is always {quality}, says {person}."),
        12 | 13 => format!("Please {deed} the {quality} {thing} before the {other} comes."),
        14 | 15 => format!("I think the {thing} can wait until {person} is back from {city}."),
        16 | 17 => format!("Could you {deed} it again? The {other} was {quality}."),
        18 | 19 => format!("So first the {thing}, then the {other}, and the {quality} one last."),
        20 => "Thank you, that helps a lot.".into(),
        21 => format!("No idea. Ask {person}."),
        22 => format!("There is a {quality} {thing} beside the {other}, and nobody knows why."),
        _ => format!("Yes, {deed} it."),
    }
}

/// A name that nobody has.
fn name(chance: &mut Chance, taken: &mut BTreeSet<String>) -> String {
    loop {
        let name = format!(
            "{}{}{}",
            chance.of(&["Bel", "Tav", "Mor", "Quil", "Ost", "Fen", "Gar", "Hal", "Jor", "Kes"]),
            chance.of(&["a", "i", "o", "e"]),
            chance.of(&["dan", "mere", "rin", "wick", "shaw", "vale", "brook", "ster", "ton", "lund"])
        );
        if taken.insert(name.clone()) {
            return name;
        }
    }
}

/// The sentence of a fact, what is asked later, and the answer.
fn fact(kind: usize, chance: &mut Chance, taken: &mut BTreeSet<String>) -> (String, String, String) {
    let (name, code) = (name(chance, taken), format!("{}{}", chance.below(90_000) + 10_000, chance.of(&["A", "B", "C", "X"])));
    let place = chance.of(CONTAINERS);
    match kind % 5 {
        0 => (format!("By the way, the door code of the {name} depot is {code}."), format!("door code of the {name} depot"), code),
        1 => (format!("The licence for {name} is {code}, valid for a year."), format!("licence for {name}"), code),
        2 => {
            let rare = RARE[kind / 5 % RARE.len()];
            let where_to = format!("{place} {code}");
            (format!("we put the {rare} into the {where_to} last week."), format!("where is the {rare}"), where_to)
        }
        3 => (format!("Doctor {name} said that the dose is {code} drops."), format!("what dose did Doctor {name} say"), code),
        _ => (format!("My locker at the \"{name} Baths\" has the number {code}."), format!("locker at the {name} Baths"), code),
    }
}

/// A conversation of so many entries with so many facts, one in each stretch of it.
pub(crate) fn conversation(seed: u64, entries: usize, facts: usize) -> (Vec<Said>, Vec<Fact>) {
    let (mut chance, mut taken) = (Chance::new(seed), BTreeSet::new());
    let mut all = talk(&mut chance, entries);
    let stretch = entries / facts.max(1);
    let mut planted = Vec::new();
    for number in 0..facts {
        let at = number * stretch + chance.below(stretch);
        let (sentence, question, answer) = fact(number, &mut chance, &mut taken);
        let said = &mut all[at];
        let (before, after) = said.text.split_at(said.text.find(". ").map_or(0, |dot| dot + 2));
        said.text = format!("{before}{sentence} {after}");
        planted.push(Fact { at, question, answer });
    }
    (all, planted)
}

/// Turns: somebody says something, now and then tools are called, and there is an answer.
fn talk(chance: &mut Chance, entries: usize) -> Vec<Said> {
    let mut all = Vec::new();
    let sentences = |chance: &mut Chance, most: usize| (0..=chance.below(most)).map(|_| filler(chance)).collect::<Vec<_>>().join(" ");
    while all.len() < entries {
        let words = sentences(chance, 5);
        all.push(Said { role: "user", text: words, call: None });
        if chance.below(6) == 0 {
            all.push(Said { role: "assistant", text: String::new(), call: None });
            for _ in 0..=chance.below(3) {
                let (call, most) = (format!("call-{}", all.len()), if chance.below(10) == 0 { 60 } else { 6 });
                let words = sentences(chance, most);
                all.push(Said { role: "tool", text: words, call: Some(call) });
            }
        }
        let words = sentences(chance, 6);
        all.push(Said { role: "assistant", text: words, call: None });
    }
    all.truncate(entries);
    all
}

/// Looks for a fact as a model would: of all the lines that it has seen, it opens the one whose words come closest to the question. Answers how many it opened, or nothing if it gave up.
///
/// `open` opens what a line begins with. It is there when an opened text has the answer; that the answer is known is not used for the way.
pub(crate) fn look(above: &str, fact: &Fact, most: usize, mut open: impl FnMut(&str) -> String) -> Option<usize> {
    let question: Vec<String> = split(&fact.question);
    let mut seen: Vec<(String, BTreeSet<String>)> = lines(above);
    let mut opened = BTreeSet::new();
    for opens in 1..=most {
        let mut in_lines: BTreeMap<&str, f64> = BTreeMap::new();
        for word in &question {
            in_lines.insert(word, seen.iter().filter(|(_, words)| words.contains(word)).count() as f64);
        }
        // A word that few lines have says more; of lines that say as much, the one that was seen last.
        let weight = |words: &BTreeSet<String>| {
            question.iter().filter(|word| words.contains(*word)).map(|word| 1.0 / in_lines[word.as_str()]).sum::<f64>()
        };
        let closed = seen.iter().filter(|(numbers, _)| !opened.contains(numbers));
        let best = closed.max_by(|a, b| weight(&a.1).total_cmp(&weight(&b.1)))?.0.clone();
        let text = open(&best);
        if text.contains(&fact.answer) && !text.starts_with("Under ") {
            return Some(opens);
        }
        opened.insert(best);
        if text.starts_with("Under ") {
            // What is under a line says it better than the line.
            let below = lines(&text);
            seen.retain(|(numbers, _)| !opened.contains(numbers));
            seen.extend(below);
        }
    }
    None
}

/// The lines that begin with numbers, and their words.
fn lines(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let line = |line: &str| {
        let numbers: String = line.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        numbers.contains('-').then(|| (numbers, split(line).into_iter().collect()))
    };
    text.lines().filter_map(line).collect()
}

fn split(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).map(str::to_lowercase).collect()
}
