//! One pass over JSON text: grammar and bounds together, strings eight bytes at a time.
//!
//! serde_json has no bounds but its own on nesting, and a second pass over what it has skipped costs as much again. The text of a syntax error is still
//! serde_json's, and a test holds both to the same verdict on hundreds of thousands of mutated texts.

use crate::json::{BYTES, DEPTH, JsonError, KEYS, NODES, STRING};

/// Whether text is JSON within the bounds.
pub(crate) fn check(text: &str) -> Result<(), JsonError> {
    bound("bytes", text.len(), BYTES)?;
    Walk { rest: text.as_bytes(), open: [0; DEPTH], objects: 0, depth: 0, nodes: 0 }.document().map_err(|stop| match stop {
        Stop::Beyond(error) => error,
        Stop::Syntax => syntax(text),
    })
}

/// What is wrong with the grammar, in serde_json's words.
#[cold]
fn syntax(text: &str) -> JsonError {
    let words = match serde_json::from_str::<serde_json::Value>(text) {
        Err(e) => e.to_string(),
        Ok(_) => "it is garbled".to_owned(),
    };
    JsonError::Syntax(words)
}

const fn bound(what: &'static str, found: usize, allowed: usize) -> Result<(), JsonError> {
    if found > allowed { Err(JsonError::Beyond { what, found, allowed }) } else { Ok(()) }
}

/// Why a walk ended early.
enum Stop {
    Syntax,
    Beyond(JsonError),
}

type Step<T = ()> = Result<T, Stop>;

/// One pass over the text: grammar and bounds together.
struct Walk<'a> {
    rest: &'a [u8],
    /// For each open bracket: the keys so far.
    open: [u16; DEPTH],
    /// Which of the open brackets are objects, the innermost in the lowest bit.
    objects: u32,
    depth: usize,
    nodes: usize,
}

impl<'a> Walk<'a> {
    fn document(&mut self) -> Step {
        loop {
            if self.value()? {
                continue; // a bracket with something in it: its first value is next
            }
            if self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Reads a value, or the beginning of one up to where its first member's value is due; then the answer is true.
    fn value(&mut self) -> Step<bool> {
        self.nodes += 1;
        if self.nodes > NODES {
            return beyond("values", self.nodes, NODES);
        }
        match self.token()? {
            b'"' => self.string().map(|()| false),
            b'{' => self.object(),
            b'[' => self.array(),
            b't' => self.literal(b"rue"),
            b'f' => self.literal(b"alse"),
            b'n' => self.literal(b"ull"),
            b'-' => {
                let first = self.next()?;
                self.number(first)
            }
            first => self.number(first),
        }
    }

    /// Goes on to where the next value is due; true: there is none any more.
    fn after_value(&mut self) -> Step<bool> {
        while self.depth > 0 {
            let object = self.objects & 1 == 1;
            match self.token()? {
                b',' if object => {
                    self.key()?;
                    return Ok(false);
                }
                b',' => return Ok(false),
                b'}' if object => self.close(),
                b']' if !object => self.close(),
                _ => return Err(Stop::Syntax),
            }
        }
        self.space();
        if self.rest.is_empty() { Ok(true) } else { Err(Stop::Syntax) }
    }

    fn object(&mut self) -> Step<bool> {
        self.enter(1)?;
        self.space();
        if let [b'}', rest @ ..] = self.rest {
            self.rest = rest;
            self.close();
            return Ok(false);
        }
        self.key()?;
        Ok(true)
    }

    fn array(&mut self) -> Step<bool> {
        self.enter(0)?;
        self.space();
        if let [b']', rest @ ..] = self.rest {
            self.rest = rest;
            self.close();
            return Ok(false);
        }
        Ok(true)
    }

    fn enter(&mut self, object: u32) -> Step {
        let Some(keys) = self.open.get_mut(self.depth) else { return beyond("nesting", self.depth + 1, DEPTH) };
        *keys = 0;
        self.depth += 1;
        self.objects = self.objects << 1 | object;
        Ok(())
    }

    const fn close(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    /// A key and its colon.
    fn key(&mut self) -> Step {
        if let Some(keys) = self.open.get_mut(self.depth.wrapping_sub(1)) {
            *keys += 1;
            if usize::from(*keys) > KEYS {
                return beyond("keys of an object", usize::from(*keys), KEYS);
            }
        }
        if self.token()? != b'"' {
            return Err(Stop::Syntax);
        }
        self.string()?;
        if self.token()? == b':' { Ok(()) } else { Err(Stop::Syntax) }
    }

    /// The rest of a string.
    fn string(&mut self) -> Step {
        let begin = self.rest;
        loop {
            self.plain();
            match self.next()? {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return Err(Stop::Syntax), // a control character
            }
        }
        let bytes = begin.len() - self.rest.len() - 1;
        if bytes > STRING {
            let starts = begin.iter().take(bytes).filter(|b| **b & 0xC0 != 0x80).count();
            if starts > STRING {
                return beyond("characters of a string", starts, STRING);
            }
        }
        Ok(())
    }

    /// Skips what means nothing in a string, eight bytes at a time.
    #[inline]
    fn plain(&mut self) {
        while let Some((eight, rest)) = self.rest.split_first_chunk::<8>() {
            let special = special(u64::from_le_bytes(*eight));
            if special != 0 {
                let skip = special.trailing_zeros() as usize / 8;
                self.rest = self.rest.get(skip..).unwrap_or_default();
                return;
            }
            self.rest = rest;
        }
        while let [byte, rest @ ..] = self.rest
            && !matches!(byte, b'"' | b'\\' | 0..0x20)
        {
            self.rest = rest;
        }
    }

    /// The rest of an escape. Half a surrogate pair is refused: no parser behind us would take it.
    fn escape(&mut self) -> Step {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.unit()? {
                0xD800..=0xDBFF => match (self.next()?, self.next()?, self.unit()?) {
                    (b'\\', b'u', 0xDC00..=0xDFFF) => Ok(()),
                    _ => Err(Stop::Syntax),
                },
                0xDC00..=0xDFFF => Err(Stop::Syntax),
                _ => Ok(()),
            },
            _ => Err(Stop::Syntax),
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Step<u16> {
        let Some((digits, rest)) = self.rest.split_first_chunk::<4>() else { return Err(Stop::Syntax) };
        self.rest = rest;
        digits.iter().try_fold(0, |unit: u16, byte| {
            let digit = char::from(*byte).to_digit(16).and_then(|d| u16::try_from(d).ok()).ok_or(Stop::Syntax)?;
            Ok(unit << 4 | digit)
        })
    }

    /// The rest of a number that begins with this digit.
    #[inline]
    fn number(&mut self, first: u8) -> Step<bool> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(Stop::Syntax),
        }
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            self.some_digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = if let [b'+' | b'-', rest @ ..] = rest { rest } else { rest };
            self.some_digits()?;
        }
        Ok(false)
    }

    #[inline]
    fn digits(&mut self) {
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn some_digits(&mut self) -> Step {
        let before = self.rest.len();
        self.digits();
        if self.rest.len() < before { Ok(()) } else { Err(Stop::Syntax) }
    }

    fn literal(&mut self, rest: &[u8]) -> Step<bool> {
        self.rest = self.rest.strip_prefix(rest).ok_or(Stop::Syntax)?;
        Ok(false)
    }

    /// The next byte that isn't white space.
    #[inline]
    fn token(&mut self) -> Step<u8> {
        self.space();
        self.next()
    }

    #[inline]
    fn space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    #[inline]
    fn next(&mut self) -> Step<u8> {
        let [byte, rest @ ..] = self.rest else { return Err(Stop::Syntax) };
        self.rest = rest;
        Ok(*byte)
    }
}

#[cold]
const fn beyond<T>(what: &'static str, found: usize, allowed: usize) -> Step<T> {
    Err(Stop::Beyond(JsonError::Beyond { what, found, allowed }))
}

/// The high bit of each byte that ends a plain stretch: quotes, backslashes, control characters. The lowest one that is set is right; those
/// above it may not be.
const fn special(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const fn zeros(eight: u64) -> u64 {
        eight.wrapping_sub(ONES) & !eight
    }
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (control | zeros(eight ^ (ONES * b'"' as u64)) | zeros(eight ^ (ONES * b'\\' as u64))) & (ONES << 7)
}
