//! The strict JSON of a line: a scanner that accepts one spelling of each value and names the byte where another begins.

use std::borrow::Cow;

use crate::ledger::{
    hash::parse_hex,
    record::{INTEGER_MAX, LINE_MAX},
    timestamp::Timestamp,
};

/// How deep objects and lists may nest in `data`; bounds the stack of every reader.
const DEPTH_MAX: usize = 32;
/// The longest event name.
pub(super) const KIND_MAX: usize = 128;

/// Why a line is not a record. Offsets are bytes from the start of the line (of the object, for `check_data`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Something else stands where the fixed form has this.
    #[error("byte {at}: expected {what}; fields have a fixed order and no whitespace between them")]
    Expected {
        /// Where.
        at: usize,
        /// What belongs there.
        what: &'static str,
    },
    /// A number that is not a canonical integer.
    #[error("byte {at}: numbers are integers without a fraction, an exponent or leading zeros")]
    NotInteger {
        /// Where the number starts.
        at: usize,
    },
    /// An integer that not every JSON reader keeps exact.
    #[error("byte {at}: the integer is beyond 2^53 - 1, which not every JSON reader keeps exact")]
    IntegerTooBig {
        /// Where the number starts.
        at: usize,
    },
    /// A string written in another way than the one allowed.
    #[error(
        "byte {at}: a string escapes only the quote, the backslash and control characters, in their shortest form"
    )]
    Escape {
        /// Where the escape or the bare control character stands.
        at: usize,
    },
    /// The same name twice in one object.
    #[error("byte {at}: the object that ends here has the name \"{name}\" twice")]
    DuplicateName {
        /// The end of the object.
        at: usize,
        /// The name as written.
        name: String,
    },
    /// Objects and lists nested too deep.
    #[error("byte {at}: objects and lists nest at most 32 deep")]
    TooDeep {
        /// Where the limit is passed.
        at: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("byte {at}: not UTF-8")]
    NotUtf8 {
        /// The first bad byte.
        at: usize,
    },
    /// More bytes than a line may have.
    #[error("the line has {len} bytes; 65536 is the limit")]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// A field whose value is outside its range.
    #[error("the field `{field}` has a value outside its range or form")]
    Field {
        /// Its name in the line.
        field: &'static str,
    },
}

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
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
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
        let digits = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let leading_zero = digits > 1 && self.rest().starts_with(b"0");
        if digits == 0 || leading_zero {
            return Err(LineError::NotInteger { at });
        }
        let number = self
            .rest()
            .iter()
            .take(digits)
            .try_fold(0_u64, |number, digit| {
                let number = number * 10 + u64::from(digit - b'0');
                (number <= INTEGER_MAX).then_some(number)
            });
        self.at += digits;
        if matches!(self.rest().first(), Some(b'.' | b'e' | b'E')) {
            return Err(LineError::NotInteger { at });
        }
        number.ok_or(LineError::IntegerTooBig { at })
    }

    /// A string, at its opening quote; returned without quotes and escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, LineError> {
        let raw = self.raw_string()?;
        if raw.contains('\\') {
            Ok(Cow::Owned(unescape(raw)))
        } else {
            Ok(Cow::Borrowed(raw))
        }
    }

    /// A string as written between its quotes. Two strings are equal exactly when their raw forms are, because there
    /// is only one way to write each.
    fn raw_string(&mut self) -> Result<&'a str, LineError> {
        self.literal("\"")?;
        let start = self.at;
        loop {
            let plain = self
                .rest()
                .iter()
                .take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20))
                .count();
            self.at += plain;
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
        let raw = self.raw_string()?;
        parse_hex(raw.as_bytes()).ok_or(LineError::Expected { at, what })
    }

    /// Standard base64 with padding, between quotes; only its canonical form.
    pub(crate) fn base64(&mut self) -> Result<Vec<u8>, LineError> {
        let at = self.at;
        let raw = self.raw_string()?;
        data_encoding::BASE64
            .decode(raw.as_bytes())
            .map_err(|_| LineError::Expected {
                at,
                what: "standard base64 with padding",
            })
    }

    /// A timestamp between quotes.
    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, LineError> {
        let at = self.at;
        let raw = self.raw_string()?;
        Timestamp::parse(raw).map_err(|_| LineError::Expected {
            at,
            what: "a time such as 2026-11-24T14:38:25.000000Z",
        })
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

/// The names of one object, to find a repeated one.
#[derive(Default)]
pub(crate) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    pub(crate) fn add(&mut self, name: &'a str) {
        self.0.push(name);
    }

    /// Sorted, so that an object of many names costs no more than n log n.
    pub(crate) fn distinct(mut self, at: usize) -> Result<(), LineError> {
        self.0.sort_unstable();
        match self.0.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(pair) => Err(LineError::DuplicateName {
                at,
                name: pair[0].to_owned(),
            }),
            None => Ok(()),
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

/// Undoes the escapes of a raw string that the scanner has accepted.
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
