//! What a file is, by its bytes, as far as an author's test needs it.
//!
//! What it is for: a type that the host would refuse is refused here. What it costs: a look at each byte. How it fails: of the hundred kinds of files that a host knows eight are known here;
//! a claim that other bytes are of such a kind is believed.

const BYTES: &str = "application/octet-stream";
const TEXT: &str = "text/plain";
/// Texts that a plugin may say that it is.
const TEXTS: [&str; 7] = [TEXT, "text/markdown", "text/csv", "text/calendar", "application/json", "application/toml", "application/yaml"];
/// Files that may be text to their end. A text that begins as a picture does is no picture.
const DOCUMENTS: [(&[u8], &str); 3] =
    [(b"%PDF-", "application/pdf"), (b"%!PS-Adobe-", "application/postscript"), (b"{\\rtf", "application/rtf")];
type Looks = fn(&[u8]) -> bool;
/// What isn't text, by bytes of its own.
const KNOWN: [(&str, Looks); 8] = [
    ("image/jpeg", |bytes| bytes.starts_with(b"\xff\xd8\xff")),
    ("image/png", |bytes| bytes.starts_with(b"\x89PNG")),
    ("image/gif", |bytes| bytes.starts_with(b"GIF")),
    ("image/webp", |bytes| bytes.get(8..12) == Some(b"WEBP")),
    ("application/gzip", |bytes| bytes.starts_with(b"\x1f\x8b\x08")),
    ("application/rtf", |bytes| bytes.starts_with(b"{\\rtf")),
    ("application/postscript", |bytes| bytes.starts_with(b"%!PS-Adobe-")),
    ("application/pdf", |bytes| bytes.windows(4).take(1 << 10).any(|four| four == b"%PDF")),
];

/// What it is. With a claim: that, if it can be; else what it is instead.
pub(super) fn found(bytes: &[u8], claimed: Option<&str>) -> Result<String, &'static str> {
    let seen = seen(bytes);
    let Some(claimed) = claimed.map(|claimed| claimed.trim().to_ascii_lowercase()) else { return Ok(seen.to_owned()) };
    let can_be = match seen {
        TEXT => TEXTS.contains(&claimed.as_str()),
        BYTES => claimed == BYTES || is_believed(&claimed),
        known => claimed == known,
    };
    if can_be { Ok(claimed) } else { Err(seen) }
}

fn seen(bytes: &[u8]) -> &'static str {
    if std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0) {
        return DOCUMENTS.iter().find(|(first, _)| bytes.starts_with(first)).map_or(TEXT, |(_, name)| name);
    }
    KNOWN.iter().find(|(_, is_it)| is_it(bytes)).map_or(BYTES, |(name, _)| name)
}

/// Whether bytes of which nothing is known here may be of this type.
fn is_believed(claimed: &str) -> bool {
    let is_known = TEXTS.contains(&claimed) || KNOWN.iter().any(|(name, _)| *name == claimed);
    !is_known && claimed.split_once('/').is_some_and(|(kind, rest)| !matches!(kind, "" | "text") && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_a_file_is() {
        for (bytes, kind) in [
            (b"# Today".as_slice(), TEXT),
            (b"<html><script>alert(1)</script>", TEXT),
            (b"", TEXT),
            (b"a\0b", BYTES),
            (b"\xff\xfe\x00\x01", BYTES),
            (b"\x89PNG\r\n\x1a\nrest", "image/png"),
            (b"see %PDF-1.7\n", TEXT),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"\n%PDF-1.7\n\xe2\xe3", "application/pdf"),
            (b"%!PS-Adobe-3.0\n", "application/postscript"),
            (b"{\\rtf1 Hello}", "application/rtf"),
            (b"GIF or PNG?", TEXT),
            (b"GIF89a\x01\0", "image/gif"),
            (b"RIFF\0\0\0\0WEBP", "image/webp"),
        ] {
            assert_eq!(found(bytes, None), Ok(kind.to_owned()), "{bytes:?}");
        }
    }

    #[test]
    fn a_claim_has_to_agree() {
        for (bytes, claimed, kind) in [
            (b"{}".as_slice(), " Application/JSON ", Ok("application/json")),
            (b"a", "text/html", Err(TEXT)),
            (b"a", "markdown", Err(TEXT)),
            (b"a", "image/png", Err(TEXT)),
            (b"\x89PNG", "image/png", Ok("image/png")),
            (b"\x89PNG", "image/gif", Err("image/png")),
            (b"%PDF-1.7", "text/plain", Err("application/pdf")),
            (b"\xff", BYTES, Ok(BYTES)),
            (b"\xff", "text/plain", Err(BYTES)),
            (b"\xff", "application/pdf", Err(BYTES)),
            (b"\xff", "flac", Err(BYTES)),
            (b"\xff", "audio/flac", Ok("audio/flac")),
        ] {
            assert_eq!(found(bytes, Some(claimed)), kind.map(str::to_owned), "{bytes:?} {claimed}");
        }
    }
}
