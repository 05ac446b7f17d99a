//! Why a line is refused.

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
