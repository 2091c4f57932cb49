//! The words of a text that may point to it later: names, identifiers, numbers, and words that aren't everybody's.
//!
//! What it is for: a summary has no room for sentences, but a word that occurs nowhere else leads to its place. What it costs: one pass over the text. How it fails: it doesn't. Scripts that
//! write without spaces have long words, of which the beginning is kept.

/// Bytes of a word that are kept.
const LONGEST: usize = 40;
/// Words that stand everywhere in English. What is frequent in other languages is found out by counting.
const COMMON: &str = " about above after again against already also although always another anything around away back because been before behind being below best better between both \
    came cannot come could course days didn does doing done down during each either else enough even ever every everything find first from gave getting give given going gone good great had \
    hadn has hasn have haven having hello here hers herself himself into isn itself just keep kept know known last later least less like little long look made make many maybe might more most \
    much must myself need needs never next nothing often once only onto other others ought ours over part perhaps please quite rather really right said same says seem seen shall should since some \
    something sometimes soon still such sure take taken tell than thank thanks that their theirs them themselves then there these they thing things think this those though thought through time \
    today together told tomorrow tonight took toward towards under until upon used using very want wanted wants wasn well went were weren what whatever when where whether which while whom whose will with within \
    without words work would wouldn yesterday your yours yourself ";

/// What kind of word it is, as far as its letters tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Begins with a capital: a name, probably.
    Name,
    /// Letters with digits or signs between them: a version, an address, a file.
    Mark,
    /// Digits.
    Number,
    /// Any other.
    Plain,
}

/// The kind of a word that [`words`] has found.
pub(crate) fn kind(word: &str) -> Kind {
    let has = |of: fn(char) -> bool| word.chars().any(of);
    match (has(char::is_alphabetic), has(char::is_numeric)) {
        (false, _) => Kind::Number,
        (true, true) => Kind::Mark,
        (true, false) if has(|c| matches!(c, '_' | '@' | '/' | '.' | ':' | '#')) => Kind::Mark,
        (true, false) if word.starts_with(char::is_uppercase) => Kind::Name,
        (true, false) => Kind::Plain,
    }
}

/// The words of a text, in their order. Only names keep their capital.
pub(crate) fn words(text: &str) -> Vec<String> {
    let (mut found, mut begins) = (Vec::new(), true);
    for chunk in text.split_whitespace() {
        let separate = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/' | ':' | '\'' | '’' | '+' | '#'));
        for piece in chunk.split(separate).filter(|piece| !piece.is_empty()) {
            found.extend(word(piece, begins));
            begins = false;
        }
        begins = chunk.trim_end_matches(['"', '\'', ')', '”', '’', '»']).ends_with(['.', '!', '?', ':', ';']);
    }
    found
}

/// A word without what is around it, if it may point to anything. `begins`: a sentence begins with it, so that its capital says nothing.
fn word(piece: &str, begins: bool) -> Option<String> {
    let piece = piece.trim_matches(|c: char| !c.is_alphanumeric());
    let piece = piece.strip_suffix("'s").or(piece.strip_suffix("’s")).unwrap_or(piece);
    let piece = piece.get(..piece.floor_char_boundary(LONGEST)).unwrap_or(piece);
    let (letters, digits) = (piece.chars().filter(|c| c.is_alphabetic()).count(), piece.chars().filter(|c| c.is_numeric()).count());
    if letters == 0 {
        return (digits > 2).then(|| piece.to_owned());
    }
    let lower = piece.to_lowercase();
    let shouted = letters > 1 && digits == 0 && !piece.contains(char::is_lowercase) && piece != lower;
    let is_short = letters + digits < 4 && !shouted && piece.is_ascii();
    if is_short && !(piece.starts_with(char::is_uppercase) && !begins && letters > 2 || digits > 0 && letters + digits > 2) {
        return None;
    }
    if COMMON.contains(&format!(" {} ", lower.split(['\'', '’']).next().unwrap_or(&lower))) {
        return None;
    }
    let keeps = shouted || digits > 0 || !begins;
    Some(if keeps { piece.to_owned() } else { lower })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_somewhere_is_found_and_what_is_everybodys_is_not() {
        let text = "The code of the Marlowe depot is 48213. Tarragon's what NASA, Ada and I would have; see src/main.rs, v1.2 or key AB-12/9 (“größe”) on 5 May.";
        let expected =
            ["code", "Marlowe", "depot", "48213", "tarragon", "NASA", "Ada", "src/main.rs", "v1.2", "key", "AB-12/9", "größe", "May"];
        let without_short: Vec<_> = expected.into_iter().filter(|word| *word != "key").collect();
        assert_eq!(words(text), without_short);
    }

    #[test]
    fn a_capital_counts_where_no_sentence_begins() {
        assert_eq!(words("Bread, he said. Bread! With Bread? \"Bread.\" Bread"), ["bread", "bread", "Bread", "bread", "bread"]);
    }

    #[test]
    fn kinds_are_told_by_the_letters() {
        let kinds = ["Marlowe", "v1.2", "src/main.rs", "48213", "14:35", "größe"].map(kind);
        assert_eq!(kinds, [Kind::Name, Kind::Mark, Kind::Mark, Kind::Number, Kind::Number, Kind::Plain]);
        assert!(words(&"ä".repeat(500))[0].len() <= LONGEST);
    }
}
