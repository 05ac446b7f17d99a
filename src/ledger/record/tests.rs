use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::ledger::fixture;

const FULL: &str = r#"{"position":41,"recorded_at":"2026-11-24T14:38:25.000001Z","occurred_at":"2026-11-24T13:38:25.000000Z","subject":{"kind":"customer","id":"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"},"version":3,"type":"example.noted.v1","part":[2,3],"actor":{"service":"crm \"west\"","role":"writer","channel":"oral\tü","person":"9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a"},"policy":{"rulebook":"default","version":"1"},"data":{"n":-7,"list":[true,null,"x\n"],"deep":{"empty":{}}},"sealed":{"name":["MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=","AQIDBA=="],"call":["REREREREREREREREREREREREREREREREREREREREREQ=",""]},"request_mac":"5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d","prev":"39045f39d3b751ed412a081efab9551e2329831dddf2b7444ce5586de13d5886"}"#;

/// Replaces the first `from` in the full line.
fn altered(from: &str, to: &str) -> String {
    assert!(FULL.contains(from), "{from}");
    FULL.replacen(from, to, 1)
}

#[test]
fn e1_a_record_has_one_text_and_is_read_back_from_it() {
    for record in [fixture::full(), fixture::opening()] {
        let line = fixture::line_of(&record);
        assert_eq!(Record::parse(&line), Ok(record));
    }
    assert_eq!(
        String::from_utf8(fixture::line_of(&fixture::full())).unwrap(),
        FULL
    );
}

#[test]
fn e1_every_other_spelling_of_a_record_is_refused() {
    assert!(Record::parse(FULL.as_bytes()).is_ok());
    for (from, to) in [
        // Whitespace and order.
        ("{\"position\"", "{ \"position\""),
        (",\"version\":3", ", \"version\":3"),
        (":41,", ": 41,"),
        ("\"n\":-7,", "\"n\": -7,"),
        ("[true,null", "[true, null"),
        (
            r#""version":3,"type":"example.noted.v1""#,
            r#""type":"example.noted.v1","version":3"#,
        ),
        (
            r#""role":"writer","channel":"oral\tü""#,
            r#""channel":"oral\tü","role":"writer""#,
        ),
        // Numbers.
        (":41,", ":041,"),
        (":41,", ":+41,"),
        (":41,", ":-41,"),
        (":41,", ":41.0,"),
        (":41,", ":41e0,"),
        (":41,", ":9007199254740992,"),
        (":41,", ":99999999999999999999999999,"),
        (":41,", ":,"),
        ("\"n\":-7", "\"n\":-0"),
        ("\"n\":-7", "\"n\":-7.5"),
        ("\"n\":-7", "\"n\":7E2"),
        ("\"n\":-7", "\"n\":-07"),
        ("\"n\":-7", "\"n\":-9007199254740992"),
        ("\"n\":-7", "\"n\":-"),
        ("\"version\":3", "\"version\":0"),
        ("[2,3]", "[0,3]"),
        ("[2,3]", "[4,3]"),
        ("[2,3]", "[2,65536]"),
        ("[2,3]", "[2]"),
        ("[2,3]", "[2,3,3]"),
        // Duplicate, unknown, missing.
        ("{\"position\":41", "{\"position\":41,\"position\":41"),
        (",\"prev\"", ",\"extra\":1,\"prev\""),
        (",\"person\"", ",\"device\":\"x\",\"person\""),
        (
            ",\"policy\":{\"rulebook\":\"default\",\"version\":\"1\"}",
            "",
        ),
        ("\"n\":-7,", "\"n\":-7,\"n\":-7,"),
        ("\"n\":-7,", "\"n\":-7,\"deep\":0,"),
        ("{\"empty\":{}}", "{\"empty\":{},\"empty\":{}}"),
        (",\"call\":[", ",\"name\":["),
        // Values.
        ("customer", "person"),
        ("0c0c", "0C0C"),
        ("0c0c", "0c"),
        ("example.noted.v1", ""),
        ("example.noted.v1", "Example"),
        ("example.noted.v1", "ex\\u0061mple"),
        ("38:25.000001Z", "38:25.00001Z"),
        ("38:25.000001Z", "38:25.000001+00:00"),
        ("\"data\":{", "\"data\":[],\"x\":{"),
        ("\"empty\":{}", "\"empty\":tru"),
        ("\"empty\":{}", "\"empty\":NaN"),
        ("\"empty\":{}", "\"empty\":[1,]"),
        ("\"empty\":{}", "\"empty\":{,}"),
        ("\"empty\":{}", "\"empty\":{}}"),
        ("AQIDBA==", "AQIDBA"),
        ("AQIDBA==", "AQIDBB=="),
        ("AQIDBA==", "AQID_A=="),
        ("AQIDBA==", "AQ==AQ=="),
        ("AQIDBA==", "===="),
        ("AQIDBA==", "A==="),
        ("AQIDBA==", "AQJ="),
        ("zMz", "zMzMzMz"),
        ("5d5d", "5d5"),
        // Escapes: one form each, and only where needed.
        ("x\\n", "x\\u000a"),
        ("x\\n", "x\n"),
        ("x\\n", "x\\u0061"),
        ("x\\n", "x\\/"),
        ("x\\n", "x\\u001F"),
        ("x\\n", "x\\u007f"),
        ("x\\n", "x\\ud83d\\ude00"),
        ("x\\n", "x\\u00fc"),
        ("x\\n", "x\\'"),
        ("x\\n", "x\\"),
        ("\\\"west\\\"", "\\u0022west\\u0022"),
        ("oral\\t", "oral\t"),
        ("\"x\\n\"", "'x'"),
    ] {
        let line = altered(from, to);
        assert!(Record::parse(line.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn e1_a_line_is_nothing_but_its_record() {
    for line in [
        "",
        "{}",
        "[]",
        "null",
        &format!("{FULL}\n"),
        &format!(" {FULL}"),
        &format!("{FULL} "),
        &format!("\u{feff}{FULL}"),
    ] {
        assert!(Record::parse(line.as_bytes()).is_err(), "{line}");
        assert!(Envelope::parse(line.as_bytes()).is_err(), "{line}");
    }
    for cut in 0..FULL.len() {
        assert!(Record::parse(&FULL.as_bytes()[..cut]).is_err());
        assert!(Envelope::parse(&FULL.as_bytes()[..cut]).is_err());
    }
}

#[test]
fn e1_the_message_names_the_byte_and_the_rule() {
    let at = FULL.find("-7").unwrap();
    let refusal = |from, to| Record::parse(altered(from, to).as_bytes()).unwrap_err();
    assert_eq!(refusal("-7", "-7.5"), LineError::NotInteger { at });
    assert_eq!(
        refusal("-7", "-9007199254740993"),
        LineError::IntegerTooBig { at }
    );
    assert_eq!(refusal("-7", "\"\\/\""), LineError::Escape { at: at + 1 });
    let mut bytes = FULL.as_bytes().to_vec();
    bytes[at] = 0xff;
    assert_eq!(Record::parse(&bytes), Err(LineError::NotUtf8 { at }));
    assert_eq!(
        Record::parse(&[b' '; LINE_MAX + 1]),
        Err(LineError::TooLong { len: LINE_MAX + 1 })
    );
    assert!(
        refusal("\"n\":-7,", "\"n\":-7,\"n\":1,")
            .to_string()
            .contains("\"n\" twice")
    );
}

#[test]
fn e1_nesting_and_wide_objects_have_bounds() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check_data(&nested(31)), Ok(()));
    assert!(matches!(
        check_data(&nested(32)),
        Err(LineError::TooDeep { .. })
    ));
    assert!(matches!(
        check_data(&"[".repeat(60_000)),
        Err(LineError::Expected { .. })
    ));
    let names: Vec<String> = (0..5_000).map(|n| format!("\"{n}\":{n}")).collect();
    assert_eq!(check_data(&format!("{{{}}}", names.join(","))), Ok(()));
    let twice = format!("{{{},\"17\":0}}", names.join(","));
    assert!(
        matches!(check_data(&twice), Err(LineError::DuplicateName { name, .. }) if name == "17")
    );
}

#[test]
fn e1_a_writer_is_told_before_it_commits_what_could_not_be_read_back() {
    let wrong: [fn(&mut Record); 9] = [
        |r| r.position = INTEGER_MAX + 1,
        |r| r.version = 0,
        |r| r.kind = "Bad Kind".to_owned(),
        |r| r.part.index = 0,
        |r| r.part = Part { index: 2, of: 1 },
        |r| r.recorded_at = Timestamp(i64::MAX),
        |r| r.data = "{\"a\": 1}".to_owned(),
        |r| r.data = "{}\n".to_owned(),
        |r| r.sealed[1].field = "name".to_owned(),
    ];
    for spoil in wrong {
        let mut record = fixture::full();
        spoil(&mut record);
        let mut line = b"before".to_vec();
        assert!(record.write_checked(&mut line).is_err(), "{record:?}");
        assert_eq!(line, b"before");
        record.write_line(&mut line);
        assert!(Record::parse(&line[6..]).is_err());
    }
    let mut long = fixture::full();
    long.data = format!("{{\"a\":\"{}\"}}", "x".repeat(LINE_MAX));
    assert!(matches!(
        long.write_checked(&mut Vec::new()),
        Err(LineError::TooLong { .. })
    ));
}

#[test]
fn the_envelope_refuses_what_it_looks_at() {
    for (from, to) in [
        (":41,", ":041,"),
        (":41,", ":9007199254740992,"),
        ("\"recorded_at\"", "\"recorded\""),
        ("13:38", "13:78"),
        ("customer", "nobody"),
        ("0c0c", "0g0c"),
        ("\"version\":3", "\"version\":0"),
        ("example.noted.v1", "exa mple"),
        ("[2,3]", "[4,3]"),
        (",\"actor\":{", ",\"actor\":["),
    ] {
        assert!(
            Envelope::parse(altered(from, to).as_bytes()).is_err(),
            "{to}"
        );
    }
    // A suffix may not overlap what was read before it.
    let short = format!(
        "{}\"prev\":\"{}\"}}",
        &FULL[..FULL.find("\"service\"").unwrap()],
        "0".repeat(64)
    );
    assert!(Envelope::parse(short.as_bytes()).is_err());
}

/// A JSON value as our events have them, written by serde_json.
fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-(INTEGER_MAX as i64)..=INTEGER_MAX as i64).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn data() -> impl Strategy<Value = String> {
    vec((any::<String>(), json_value()), 0..4)
        .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect()).to_string())
}

fn sealed() -> impl Strategy<Value = Vec<Sealed>> {
    vec(
        (any::<String>(), any::<[u8; 32]>(), vec(any::<u8>(), 0..80)),
        0..3,
    )
    .prop_map(|fields| {
        let number = |(n, (field, commitment, ciphertext))| Sealed {
            field: format!("{n}{field}"),
            commitment,
            ciphertext,
        };
        fields.into_iter().enumerate().map(number).collect()
    })
}

fn any_record() -> impl Strategy<Value = Record> {
    let time = || (Timestamp::MIN.0..=Timestamp::MAX.0).prop_map(Timestamp);
    let subject =
        option::of(any::<[u8; 16]>()).prop_map(|id| id.map_or(Subject::Ledger, Subject::Customer));
    let part =
        (1..=u16::MAX).prop_flat_map(|of| (1..=of).prop_map(move |index| Part { index, of }));
    let actor = (
        any::<String>(),
        any::<String>(),
        option::of(any::<String>()),
        option::of(any::<[u8; 16]>()),
    )
        .prop_map(|(service, role, channel, person)| Actor {
            service,
            role,
            channel,
            person,
        });
    let policy = (any::<String>(), any::<String>())
        .prop_map(|(rulebook, version)| Policy { rulebook, version });
    let head = (
        0..=INTEGER_MAX,
        time(),
        option::of(time()),
        subject,
        1..=INTEGER_MAX,
        "[a-z0-9._-]{1,128}",
        part,
    );
    let body = (
        actor,
        policy,
        data(),
        sealed(),
        option::of(any::<[u8; 16]>()),
        any::<[u8; 32]>(),
    );
    (head, body).prop_map(|(head, body)| {
        let (position, recorded_at, occurred_at, subject, version, kind, part) = head;
        let (actor, policy, data, sealed, request_mac, prev) = body;
        Record {
            position,
            recorded_at,
            occurred_at,
            subject,
            version,
            kind,
            part,
            actor,
            policy,
            data,
            sealed,
            request_mac,
            prev: Hash(prev),
        }
    })
}

proptest! {
    #[test]
    fn e1_every_record_survives_its_line(record in any_record()) {
        let line = fixture::line_of(&record);
        let envelope = Envelope::parse(&line).unwrap();
        prop_assert_eq!(envelope.position, record.position);
        prop_assert_eq!(envelope.recorded_at, record.recorded_at);
        prop_assert_eq!(envelope.subject, record.subject);
        prop_assert_eq!(envelope.version, record.version);
        prop_assert_eq!(envelope.kind, &record.kind);
        prop_assert_eq!(envelope.part, record.part);
        prop_assert_eq!(envelope.prev, record.prev);
        prop_assert_eq!(Record::parse(&line), Ok(record));
    }

    #[test]
    fn e4_a_line_is_json_that_other_readers_understand(record in any_record()) {
        let line = fixture::line_of(&record);
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(json["position"].as_u64(), Some(record.position));
        prop_assert_eq!(json["actor"]["service"].as_str(), Some(record.actor.service.as_str()));
        prop_assert_eq!(json["data"].to_string(), record.data);
    }

    #[test]
    fn e1_whatever_is_accepted_is_written_again_as_it_was(record in any_record(), cut in any::<prop::sample::Index>(), drop in 0_usize..3, insert in vec(any::<u8>(), 0..3)) {
        let mut line = fixture::line_of(&record);
        let start = cut.index(line.len());
        let end = (start + drop).min(line.len());
        line.splice(start..end, insert);
        if let Ok(read) = Record::parse(&line) {
            let mut again = Vec::new();
            read.write_line(&mut again);
            prop_assert_eq!(&again, &line);
            prop_assert!(Envelope::parse(&line).is_ok());
        }
    }

    #[test]
    fn e1_no_bytes_upset_the_readers(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Record::parse(&bytes);
        let _ = Envelope::parse(&bytes);
        let _ = check_data(&String::from_utf8_lossy(&bytes));
    }
}
