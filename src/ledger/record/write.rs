//! Writing a line: straight into the caller's buffer, because a block's records are written one behind the other.

use data_encoding::BASE64;

use crate::ledger::{
    hash::push_hex,
    record::{Actor, Policy, Record, Sealed, Subject},
    timestamp::Timestamp,
};

impl Record {
    /// Appends the record's line to `out`, without a newline. What [`Record::check`] refuses is written as well as it
    /// can be and refused by [`Record::parse`].
    pub fn write_line(&self, out: &mut Vec<u8>) {
        out.reserve(384 + self.data.len());
        out.extend_from_slice(b"{\"position\":");
        push_integer(self.position, out);
        out.extend_from_slice(b",\"recorded_at\":");
        push_timestamp(self.recorded_at, out);
        if let Some(time) = self.occurred_at {
            out.extend_from_slice(b",\"occurred_at\":");
            push_timestamp(time, out);
        }
        out.extend_from_slice(b",\"subject\":");
        push_subject(&self.subject, out);
        out.extend_from_slice(b",\"version\":");
        push_integer(self.version, out);
        out.extend_from_slice(b",\"type\":");
        push_string(&self.kind, out);
        out.extend_from_slice(b",\"part\":[");
        push_integer(u64::from(self.part.index), out);
        out.push(b',');
        push_integer(u64::from(self.part.of), out);
        out.extend_from_slice(b"],\"actor\":");
        push_actor(&self.actor, out);
        out.extend_from_slice(b",\"policy\":");
        push_policy(&self.policy, out);
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(self.data.as_bytes());
        push_sealed(&self.sealed, out);
        if let Some(mac) = &self.request_mac {
            out.extend_from_slice(b",\"request_mac\":");
            push_quoted_hex(mac, out);
        }
        out.extend_from_slice(b",\"prev\":");
        push_quoted_hex(&self.prev.0, out);
        out.push(b'}');
    }
}

fn push_subject(subject: &Subject, out: &mut Vec<u8>) {
    match subject {
        Subject::Ledger => out.extend_from_slice(b"{\"kind\":\"ledger\"}"),
        Subject::Customer(id) => {
            out.extend_from_slice(b"{\"kind\":\"customer\",\"id\":");
            push_quoted_hex(id, out);
            out.push(b'}');
        }
    }
}

fn push_actor(actor: &Actor, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"service\":");
    push_string(&actor.service, out);
    out.extend_from_slice(b",\"role\":");
    push_string(&actor.role, out);
    if let Some(channel) = &actor.channel {
        out.extend_from_slice(b",\"channel\":");
        push_string(channel, out);
    }
    if let Some(person) = &actor.person {
        out.extend_from_slice(b",\"person\":");
        push_quoted_hex(person, out);
    }
    out.push(b'}');
}

fn push_policy(policy: &Policy, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"rulebook\":");
    push_string(&policy.rulebook, out);
    out.extend_from_slice(b",\"version\":");
    push_string(&policy.version, out);
    out.push(b'}');
}

fn push_sealed(sealed: &[Sealed], out: &mut Vec<u8>) {
    let mut before = b",\"sealed\":{".as_slice();
    for Sealed {
        field,
        commitment,
        ciphertext,
    } in sealed
    {
        out.extend_from_slice(before);
        push_string(field, out);
        out.extend_from_slice(b":[\"");
        push_base64(commitment, out);
        out.extend_from_slice(b"\",\"");
        push_base64(ciphertext, out);
        out.extend_from_slice(b"\"]");
        before = b",";
    }
    if !sealed.is_empty() {
        out.push(b'}');
    }
}

/// Appends an integer in decimal.
pub(crate) fn push_integer(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        start -= 1;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

fn push_timestamp(time: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    match time.to_text() {
        Some(text) => out.extend_from_slice(&text),
        None => out.extend_from_slice(time.to_string().as_bytes()),
    }
    out.push(b'"');
}

pub(crate) fn push_quoted_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    push_hex(bytes, out);
    out.push(b'"');
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + BASE64.encode_len(bytes.len()), 0);
    BASE64.encode_mut(bytes, &mut out[start..]);
}

/// Appends a string with its quotes. Only what JSON demands is escaped, in the shortest form (as in RFC 8785).
pub(crate) fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\' | 0..0x20))
    {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        push_escape(*byte, out);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x09 => out.extend_from_slice(b"\\t"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        0x0d => out.extend_from_slice(b"\\r"),
        other => {
            out.extend_from_slice(b"\\u00");
            push_hex(&[other], out);
        }
    }
}
