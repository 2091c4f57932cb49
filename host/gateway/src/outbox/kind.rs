//! What a file is, found out from its bytes while they are written.
//!
//! It costs a look at each byte, and 8 KiB of memory. Bytes decide: a type that a plugin claims has to agree with them, and only where they say no more than "text" does the claim say
//! which text. Nothing of it is ever run; see the headers with which files are handed out.

/// Bytes at a file's beginning by which it is known.
const HEAD: usize = 8 << 10;
/// What bytes are that say nothing.
const BYTES: &str = "application/octet-stream";
/// What text is that is no more than that.
const TEXT: &str = "text/plain";
/// Files that may be text to their end, by what they begin with. Other text is text: a sentence may begin as a picture does, and a page is something that somebody might run.
const DOCUMENTS: [(&[u8], &str); 3] =
    [(b"%PDF-", "application/pdf"), (b"%!PS-Adobe-", "application/postscript"), (b"{\\rtf", "application/rtf")];
/// Texts that a plugin may say that it is; everything else that is text is plain text. None of them is run by who shows it.
const TEXTS: [&str; 7] =
    ["text/plain", "text/markdown", "text/csv", "text/calendar", "application/json", "application/toml", "application/yaml"];

/// A file's bytes, so far as they tell what it is.
#[derive(Debug, Default)]
pub(super) struct Kind {
    head: Vec<u8>,
    /// The end of what was written, if it is the beginning of a character.
    tail: Vec<u8>,
    not_text: bool,
}

impl Kind {
    /// More bytes.
    pub(super) fn more(&mut self, bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend(bytes.iter().take(room));
        if !self.not_text {
            self.read(bytes);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut text = std::mem::take(&mut self.tail);
        text.extend_from_slice(bytes);
        if text.contains(&0) {
            self.not_text = true;
        } else if let Err(error) = std::str::from_utf8(&text) {
            self.not_text = error.error_len().is_some();
            self.tail = text.split_off(error.valid_up_to());
        }
    }

    /// What it is. With a claim: that, if it can be.
    ///
    /// # Errors
    /// What it is instead.
    pub(super) fn found(&self, claimed: Option<&str>) -> Result<String, String> {
        let seen = self.seen();
        let Some(claimed) = claimed.map(|claimed| claimed.trim().to_ascii_lowercase()) else { return Ok(seen.to_owned()) };
        let text = seen == TEXT && TEXTS.contains(&claimed.as_str());
        let unknown = seen == BYTES && claimed == BYTES;
        match () {
            () if text || unknown || claimed == seen => Ok(claimed),
            () => Err(seen.to_owned()),
        }
    }

    fn seen(&self) -> &'static str {
        if self.is_text() {
            return DOCUMENTS.iter().find(|(first, _)| self.head.starts_with(first)).map_or(TEXT, |(_, kind)| kind);
        }
        let known = infer::get(&self.head).map(|kind| kind.mime_type());
        known.filter(|known| !known.starts_with("text/")).unwrap_or(BYTES)
    }

    fn is_text(&self) -> bool {
        !self.not_text && self.tail.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[u8]]) -> Kind {
        let mut kind = Kind::default();
        pieces.iter().for_each(|piece| kind.more(piece));
        kind
    }

    #[test]
    fn bytes_say_what_a_file_is() {
        let found = |pieces: &[&[u8]]| of(pieces).found(None).unwrap();
        assert_eq!(found(&[b"\x89PNG\r\n\x1a\n", b"rest"]), "image/png");
        assert_eq!([found(&[b"%PDF-1.7\n"]), found(&[b"%PDF-1.7\n\xe2\xe3"])], ["application/pdf"; 2]);
        assert_eq!([found(&[b"\n%PDF-1.7\n\xe2\xe3"]), found(&[b"\n%PDF-1.7\n"])], ["application/pdf", "text/plain"]);
        assert_eq!([found(&[b"%!PS-Adobe-3.0\n"]), found(&[b"{\\rtf1 Hello}"])], ["application/postscript", "application/rtf"]);
        assert_eq!(found(&["# Grüße".as_bytes()]), "text/plain");
        assert_eq!(found(&[b"<html><script>alert(1)</script>"]), "text/plain", "a page isn't handed out as one");
        for sentence in ["GIF or PNG? Neither.", "BM is what a bitmap begins with.", "MZ, Rar! and ID3 are no words.", "See %PDF-1.7."] {
            assert_eq!(found(&[sentence.as_bytes()]), "text/plain", "{sentence}");
        }
        assert_eq!([found(&[b"GIF89a\x01\0\x01\0"]), found(&[b"BM\x46\0\0\0\0\0"])], ["image/gif", "image/bmp"]);
        assert_eq!(found(&[b"\xff\xfe\x00\x01"]), "application/octet-stream");
        assert_eq!(found(&[]), "text/plain");
    }

    #[test]
    fn a_character_may_come_in_pieces() {
        let snowman = "☃".as_bytes();
        assert_eq!(of(&[&snowman[..1], &snowman[1..2], &snowman[2..], b"!"]).seen(), TEXT);
        assert_eq!(of(&[&snowman[..2]]).seen(), BYTES, "it has no end");
        assert_eq!(of(&[&snowman[..2], b"!"]).seen(), BYTES);
    }

    #[test]
    fn a_claim_has_to_agree() {
        let claim = |bytes: &[u8], claimed: &str| of(&[bytes]).found(Some(claimed));
        assert_eq!(claim(b"a,b", "text/csv"), Ok("text/csv".into()));
        assert_eq!(claim(b"{}", "Application/JSON"), Ok("application/json".into()));
        assert_eq!(claim(b"%PDF-1.7", "application/pdf"), Ok("application/pdf".into()));
        assert_eq!(claim(b"%PDF-1.7", "image/png"), Err("application/pdf".into()));
        assert_eq!(claim(b"<html>", "text/html"), Err("text/plain".into()));
        assert_eq!(claim(b"\xff\xff", "text/plain"), Err("application/octet-stream".into()));
    }
}
