//! Comparison tokens: which row of which database, and what it was.
//!
//! A token is two digests, cheap to make and to check: the row's place (the database's identity, owner, namespace, key) and its image (the stored
//! bytes, when it was written, when it expires, the mark of that write; or absence). The mark makes a row that was deleted and written anew, the
//! same and within the same moment, another one. Forging one gains nothing: it opens no row but the forger's own.

use crate::error::Problem;
use crate::rows::{Row, Spot};
use crate::store::Comparison;
use std::fmt;

const VERSION: &str = "1";

/// Half a BLAKE3 digest.
type Digest = [u8; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    place: Digest,
    image: Image,
}

/// What a row is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Image(Digest);

impl Image {
    pub(crate) fn of(row: Option<&Row>) -> Self {
        Self(match row {
            None => digest(&[b"absent"]),
            Some(row) => {
                let expires = row.expires_at.map_or([0xff; 8], u64::to_le_bytes);
                digest(&[b"row", &row.created_at.to_le_bytes(), &expires, &row.mark.to_le_bytes(), &row.value])
            }
        })
    }
}

impl Token {
    pub(crate) fn new(identity: &str, spot: Spot<'_>, image: Image) -> Self {
        Self { place: place(identity, spot), image }
    }

    /// The image in a token of this very row.
    pub(crate) fn read(comparison: &Comparison, identity: &str, spot: Spot<'_>) -> Result<Image, Problem> {
        let token = parse(comparison.as_str()).ok_or_else(|| Problem::Invalid("the comparison is malformed".into()))?;
        if token.place == place(identity, spot) {
            return Ok(token.image);
        }
        Err(Problem::Invalid(format!("the comparison is of another row than {:?} in {:?}", spot.key, spot.namespace)))
    }
}

impl From<Token> for Comparison {
    fn from(token: Token) -> Self {
        Self(token.to_string())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, image) = (u128::from_be_bytes(self.place), u128::from_be_bytes(self.image.0));
        write!(f, "{VERSION}.{place:032x}.{image:032x}")
    }
}

fn parse(text: &str) -> Option<Token> {
    let mut parts = text.split('.');
    let (version, place, image) = (parts.next()?, parts.next()?, parts.next()?);
    let right = version == VERSION && parts.next().is_none();
    right.then_some(Token { place: hex(place)?, image: Image(hex(image)?) })
}

fn hex(text: &str) -> Option<Digest> {
    let plain = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(u128::to_be_bytes)
}

fn place(identity: &str, spot: Spot<'_>) -> Digest {
    digest(&[identity.as_bytes(), spot.owner.as_bytes(), spot.namespace.as_bytes(), spot.key.as_bytes()])
}

/// Each part goes in with its length, so that no two lists of parts are alike.
fn digest(parts: &[&[u8]]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut half = Digest::default();
    half.iter_mut().zip(hasher.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Spot<'static> = Spot { owner: "o", namespace: "n", key: "k" };

    #[test]
    fn a_token_opens_its_own_row_only() {
        let row = Row { value: b"1".to_vec(), created_at: 5, expires_at: None, mark: 3 };
        let token = Comparison::from(Token::new("db", SPOT, Image::of(Some(&row))));
        assert_eq!(Token::read(&token, "db", SPOT), Ok(Image::of(Some(&row))));
        for other in [Spot { owner: "p", ..SPOT }, Spot { namespace: "m", ..SPOT }, Spot { key: "l", ..SPOT }] {
            assert!(matches!(Token::read(&token, "db", other), Err(Problem::Invalid(_))), "{other:?}");
        }
        assert!(Token::read(&token, "other", SPOT).is_err());
    }

    #[test]
    fn every_part_of_a_row_is_in_its_image() {
        let row = Row { value: b"1".to_vec(), created_at: 5, expires_at: None, mark: 3 };
        let images = [
            Image::of(None),
            Image::of(Some(&row)),
            Image::of(Some(&Row { value: b"2".to_vec(), ..row.clone() })),
            Image::of(Some(&Row { created_at: 6, ..row.clone() })),
            Image::of(Some(&Row { expires_at: Some(7), ..row.clone() })),
            Image::of(Some(&Row { mark: 4, ..row })),
        ];
        for (at, image) in images.iter().enumerate() {
            assert!(images[at + 1..].iter().all(|other| other != image), "{at}");
        }
    }

    #[test]
    fn malformed_tokens_are_refused() {
        let good = Token::new("db", SPOT, Image::of(None)).to_string();
        for bad in [
            "",
            "1",
            "1..",
            &good[..good.len() - 1],
            &good.replacen('1', "2", 1),
            &format!("{good}.x"),
            &good.to_uppercase().replace('.', "+"),
        ] {
            assert!(Token::read(&Comparison::new(bad.to_owned()), "db", SPOT).is_err(), "{bad}");
        }
    }
}
