//! The strict JSON of a line: a scanner that accepts one spelling of each value and names the byte where another begins.

use std::borrow::Cow;

use crate::ledger::{
    hash::parse_hex,
    record::{INTEGER_MAX, LINE_MAX, LineError, names::Names},
    timestamp::Timestamp,
};

/// How deep objects and lists may nest in `data`; bounds the stack of every reader.
const DEPTH_MAX: usize = 32;
/// The longest event name.
pub(super) const KIND_MAX: usize = 128;

/// Whether `kind` may be an event's name: 1 to 128 of `a-z 0-9 . _ -`.
pub(super) fn is_kind(kind: &[u8]) -> bool {
    (1..=KIND_MAX).contains(&kind.len()) && kind.iter().copied().all(is_kind_byte)
}

/// Whether `byte` may be part of an event's name.
pub(super) fn is_kind_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let (mut table, mut byte) = ([false; 256], 0);
        while byte < 256 {
            table[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

/// Whether `text` is one JSON object in the strict form that a record's `data` has.
///
/// # Errors
/// The first byte that departs from the form.
pub fn check_object(text: &str) -> Result<(), LineError> {
    let mut scanner = Scanner::new(text);
    scanner.object_text()?;
    scanner.end()
}

/// A place in a line. Each method either reads one thing and moves behind it, or says why it can't.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// At the start of a line, after the checks that concern all of it.
    pub(crate) fn of_line(line: &'a [u8]) -> Result<Self, LineError> {
        if line.len() > LINE_MAX {
            return Err(LineError::TooLong { len: line.len() });
        }
        std::str::from_utf8(line)
            .map(Self::new)
            .map_err(|error| LineError::NotUtf8 {
                at: error.valid_up_to(),
            })
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The text from `start` to here; empty if that is not between letters, which the scanner's steps exclude.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The text from here on.
    pub(super) fn rest_text(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over `len` bytes that need no reading.
    pub(super) fn known_text(&mut self, len: usize) -> &'a str {
        let start = self.at;
        self.at += len;
        self.since(start)
    }

    /// Bytes read so far.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    fn expected<T>(&self, what: &'static str) -> Result<T, LineError> {
        Err(LineError::Expected { at: self.at, what })
    }

    /// Steps over `literal` if it stands here.
    pub(crate) fn take(&mut self, literal: &'static str) -> bool {
        let found = self.rest().starts_with(literal.as_bytes());
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Steps over `literal`, which must stand here.
    pub(crate) fn literal(&mut self, literal: &'static str) -> Result<(), LineError> {
        if self.take(literal) {
            Ok(())
        } else {
            self.expected(literal)
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), LineError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.expected("the end of the line")
        }
    }

    /// A canonical integer from `least` to 2^53 - 1.
    pub(crate) fn integer(&mut self, least: u64) -> Result<u64, LineError> {
        let at = self.at;
        match self.magnitude(at)? {
            number if number >= least => Ok(number),
            _ => Err(LineError::Expected {
                at,
                what: "an integer in its range",
            }),
        }
    }

    /// The digits of an integer that starts at `at`, and proof that no fraction or exponent follows.
    fn magnitude(&mut self, at: usize) -> Result<u64, LineError> {
        let (mut number, mut digits) = (0_u64, 0);
        for byte in self.rest() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            // 2^53 has 16 digits; one more shows that a number is too big.
            if digits <= 16 {
                number = number * 10 + u64::from(digit);
            }
            digits += 1;
        }
        let leading_zero = digits > 1 && self.rest().starts_with(b"0");
        if digits == 0 || leading_zero {
            return Err(LineError::NotInteger { at });
        }
        self.at += digits;
        if matches!(self.rest().first(), Some(b'.' | b'e' | b'E')) {
            return Err(LineError::NotInteger { at });
        }
        if number > INTEGER_MAX {
            return Err(LineError::IntegerTooBig { at });
        }
        Ok(number)
    }

    /// A string, at its opening quote; returned without quotes and escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, LineError> {
        self.raw_string().map(plain_text)
    }

    /// A string as written between its quotes. Two strings are equal exactly when their raw forms are, because there
    /// is only one way to write each.
    pub(super) fn raw_string(&mut self) -> Result<&'a str, LineError> {
        let plain = self.rest().strip_prefix(b"\"").map(plain_len);
        let end = self.at + 1 + plain.unwrap_or_default();
        // Most strings have nothing to escape.
        if plain.is_some() && self.text.as_bytes().get(end) == Some(&b'"') {
            let raw = self.text.get(self.at + 1..end).unwrap_or_default();
            self.at = end + 1;
            return Ok(raw);
        }
        self.escaped_string()
    }

    fn escaped_string(&mut self) -> Result<&'a str, LineError> {
        self.literal("\"")?;
        let start = self.at;
        loop {
            self.at += plain_len(self.rest());
            match self.rest() {
                [b'"', ..] => {
                    let raw = self.since(start);
                    self.at += 1;
                    return Ok(raw);
                }
                [b'\\', b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                [b'\\', b'u', b'0', b'0', high, low, ..] if needs_long_escape(*high, *low) => {
                    self.at += 6
                }
                [] => return self.expected("the end of the string"),
                _ => return Err(LineError::Escape { at: self.at }),
            }
        }
    }

    /// `2 * N` lower-case hex digits between quotes.
    pub(crate) fn hex<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], LineError> {
        let at = self.at;
        let digits = self.quoted(2 * N).and_then(parse_hex);
        if let Some(bytes) = digits {
            self.at += 2 * N + 2;
            return Ok(bytes);
        }
        self.raw_string()?;
        Err(LineError::Expected { at, what })
    }

    /// Standard base64 with padding, between quotes; only its canonical form. Returned as written, with the number of
    /// bytes that it stands for.
    pub(super) fn base64(&mut self) -> Result<(&'a str, usize), LineError> {
        let at = self.at;
        let raw = self.raw_string()?;
        match decoded_len(raw.as_bytes()) {
            Some(len) => Ok((raw, len)),
            None => Err(LineError::Expected {
                at,
                what: "standard base64 with padding",
            }),
        }
    }

    /// A timestamp between quotes.
    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, LineError> {
        let at = self.at;
        let text = self.quoted(Timestamp::TEXT_LEN);
        if let Some(time) = text.and_then(|text| Timestamp::from_text(text.try_into().ok()?)) {
            self.at += Timestamp::TEXT_LEN + 2;
            return Ok(time);
        }
        self.raw_string()?;
        Err(LineError::Expected {
            at,
            what: "a time such as 2026-11-24T14:38:25.000000Z",
        })
    }

    /// `len` bytes that stand between quotes here.
    fn quoted(&self, len: usize) -> Option<&'a [u8]> {
        match self.rest().get(..len + 2)? {
            [b'"', text @ .., b'"'] => Some(text),
            _ => None,
        }
    }

    /// An object in strict form, as written.
    pub(crate) fn object_text(&mut self) -> Result<&'a str, LineError> {
        let start = self.at;
        self.literal("{")?;
        self.object_after_brace(1)?;
        Ok(self.since(start))
    }

    fn value(&mut self, depth: usize) -> Result<(), LineError> {
        if depth > DEPTH_MAX {
            return Err(LineError::TooDeep { at: self.at });
        }
        match self.rest().first() {
            Some(b'"') => self.raw_string().map(drop),
            Some(b'{') => {
                self.at += 1;
                self.object_after_brace(depth)
            }
            Some(b'[') => {
                self.at += 1;
                self.list_after_bracket(depth)
            }
            Some(b'-' | b'0'..=b'9') => self.signed_integer(),
            _ if self.take("true") || self.take("false") || self.take("null") => Ok(()),
            _ => self.expected("a value"),
        }
    }

    fn signed_integer(&mut self) -> Result<(), LineError> {
        let at = self.at;
        let negative = self.take("-");
        match self.magnitude(at)? {
            0 if negative => Err(LineError::NotInteger { at }),
            _ => Ok(()),
        }
    }

    fn list_after_bracket(&mut self, depth: usize) -> Result<(), LineError> {
        if self.take("]") {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take("]") {
                return Ok(());
            }
            self.literal(",")?;
        }
    }

    fn object_after_brace(&mut self, depth: usize) -> Result<(), LineError> {
        let mut names = Names::default();
        if self.take("}") {
            return Ok(());
        }
        loop {
            names.add(self.raw_string()?);
            self.literal(":")?;
            self.value(depth + 1)?;
            if self.take("}") {
                return names.distinct(self.at);
            }
            self.literal(",")?;
        }
    }
}

/// Whether `\u00XY` is the shortest form of its character: a control character without a letter escape.
fn needs_long_escape(high: u8, low: u8) -> bool {
    match high {
        b'0' => matches!(low, b'0'..=b'7' | b'b' | b'e' | b'f'),
        b'1' => matches!(low, b'0'..=b'9' | b'a'..=b'f'),
        _ => false,
    }
}

/// How many of `bytes` stand for themselves in a string: those before the first quote, backslash or control character.
fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + rest.iter().take_while(plain).count()
}

/// The high bit of each byte that a string escapes, in the lanes of a word. What stands above the lowest one found may
/// be wrong (a subtraction borrows from the lane above only where it found something), and is not looked at.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let below = |lanes: u64, bound: u64| lanes.wrapping_sub(ONES * bound) & !lanes;
    let control = below(word, 0x20);
    let quote = below(word ^ (ONES * b'"' as u64), 1);
    let backslash = below(word ^ (ONES * b'\\' as u64), 1);
    (control | quote | backslash) & (ONES * 0x80)
}

/// The number of bytes that canonical base64 with padding stands for; `None` if `text` is not that.
fn decoded_len(text: &[u8]) -> Option<usize> {
    let padding = text
        .iter()
        .rev()
        .take(2)
        .take_while(|b| **b == b'=')
        .count();
    let digits = text.get(..text.len() - padding)?;
    // Looks at each byte, so that it vectorises.
    let known = digits.iter().fold(true, |known, byte| {
        known & (byte.is_ascii_alphanumeric() | matches!(byte, b'+' | b'/'))
    });
    // The bits of the last digit that reach beyond the last byte are zero.
    let spare = match padding {
        0 => 0,
        1 => 0b11,
        _ => 0b1111,
    };
    let last = digits.last().map_or(0, |digit| base64_value(*digit));
    (known && text.len().is_multiple_of(4) && last & spare == 0)
        .then(|| text.len() / 4 * 3 - padding)
}

/// The value of a base64 digit.
fn base64_value(digit: u8) -> u8 {
    match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    }
}

/// The text of a raw string that the scanner has accepted.
pub(super) fn plain_text(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        Cow::Owned(unescape(raw))
    } else {
        Cow::Borrowed(raw)
    }
}

/// Undoes the escapes of a raw string.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        text.push(match letters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let code = letters
                    .by_ref()
                    .take(4)
                    .fold(0, |code, digit| code * 16 + digit.to_digit(16).unwrap_or(0));
                char::from_u32(code).unwrap_or_default()
            }
            Some(other) => other,
            None => break,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_ends_at_the_first_byte_that_it_would_escape(bytes in prop::collection::vec(any::<u8>(), 0..40), at in 0_usize..40, special in prop::sample::select(vec![b'"', b'\\', 0, 0x1f, 0x20, b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff])) {
            let mut bytes = bytes;
            if let Some(place) = bytes.get_mut(at) {
                *place = special;
            }
            let found = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            prop_assert_eq!(plain_len(&bytes), found.unwrap_or(bytes.len()));
        }

        #[test]
        fn base64_is_known_by_its_text(text in "[A-D/+a9=]{0,9}|[A-Za-z0-9+/]{2,3}={1,2}") {
            let decoded = data_encoding::BASE64.decode(text.as_bytes()).ok();
            let canonical = decoded.filter(|bytes| data_encoding::BASE64.encode(bytes) == text);
            prop_assert_eq!(decoded_len(text.as_bytes()), canonical.map(|bytes| bytes.len()));
        }
    }
}
