//! The page's notation in the words of the contract.

use std::collections::BTreeMap;

use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use wire::question::Ground;

/// Records by the names that a case gives them.
pub type Names = BTreeMap<String, u64>;

/// `10:02` or `10:02:30` of the clock's day, `2026-10-01`, or a whole instant.
pub fn instant(text: &str, clock: Time) -> Time {
    let day = || timestamp(clock).to_string()[..10].to_owned();
    let whole = match text.len() {
        5 => format!("{}T{text}:00Z", day()),
        8 => format!("{}T{text}Z", day()),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let parsed = whole.parse::<jiff::Timestamp>();
    let parsed = parsed.unwrap_or_else(|_| panic!("`{text}` is no instant"));
    Time(parsed.as_microsecond())
}

fn timestamp(at: Time) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.0).unwrap()
}

/// An instant on the wire.
pub fn on_the_wire(at: Time) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.0.div_euclid(1_000_000),
        nanos: i32::try_from(at.0.rem_euclid(1_000_000) * 1_000).unwrap(),
    }
}

/// A name of a closed list, whose values all begin alike.
macro_rules! listed {
    ($name:ident, $list:ident, $prefix:literal) => {
        pub fn $name(text: &str) -> wire::$list {
            let whole = format!(concat!($prefix, "_{}"), text.trim());
            wire::$list::from_str_name(&whole).unwrap_or_else(|| panic!("there is no {whole}"))
        }
    };
}

listed!(kind, RecipientKind, "RECIPIENT_KIND");
listed!(class, CpniClass, "CPNI_CLASS");
listed!(method, AssuranceMethod, "ASSURANCE_METHOD");
listed!(speaker, Speaker, "SPEAKER");
listed!(delivery, NoticeDelivery, "NOTICE_DELIVERY");
listed!(statement, NoticeStatement, "NOTICE_STATEMENT");
listed!(outcome, NoticeOutcome, "NOTICE_OUTCOME");

pub fn purpose(text: &str) -> wire::Purpose {
    let whole = match text.trim() {
        "M" => "PURPOSE_MARKETING_COMMS".to_owned(),
        other => format!("PURPOSE_{other}"),
    };
    wire::Purpose::from_str_name(&whole).unwrap_or_else(|| panic!("there is no {whole}"))
}

/// Recipients; classes; purposes.
pub fn scope(text: &str) -> wire::Scope {
    let [to, what, why] = three(text);
    let mut scope = wire::Scope {
        all_recipients: to == "ALL",
        all_classes: what == "ALL",
        all_purposes: why == "ALL",
        ..wire::Scope::default()
    };
    for part in listed(to) {
        match recipient(part) {
            (kind, entity) if entity.is_empty() => scope.recipient_kinds.push(kind.into()),
            (kind, entity) => scope.named_recipients.push(wire::NamedRecipient {
                kind: kind.into(),
                entity,
            }),
        }
    }
    scope.classes = listed(what).map(|part| class(part).into()).collect();
    scope.purposes = listed(why).map(|part| purpose(part).into()).collect();
    scope
}

/// The members of `A + B`; of `*` and `ALL`, which name none, nothing.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    let named = !matches!(text, "*" | "ALL");
    text.split('+').map(str::trim).filter(move |_| named)
}

/// `AFFILIATE`, or `AFFILIATE acme`.
pub fn recipient(text: &str) -> (wire::RecipientKind, String) {
    let (kind, entity) = text.split_once(' ').unwrap_or((text, ""));
    (self::kind(kind), entity.trim().to_owned())
}

/// `g`, `d`, `w` or `r` with its scope.
pub fn word(text: &str, lifts: &[u64]) -> wire::SpokenWord {
    use wire::spoken_word::Word;
    let (letter, inside) = text.trim().split_once('(').unwrap();
    let inside = inside.strip_suffix(')').unwrap();
    let word = match letter {
        "g" => Word::Grant(wire::Grant {
            scope: Some(scope(inside)),
            lifts: lifts.to_vec(),
        }),
        "d" => Word::Denial(wire::Denial {
            scope: Some(scope(inside)),
        }),
        "w" => Word::Withdrawal(wire::Withdrawal {
            scope: Some(scope(inside)),
        }),
        "r" => Word::Restriction(restriction(inside)),
        other => panic!("{other} is no word"),
    };
    wire::SpokenWord { word: Some(word) }
}

/// `COMPANY; ALL except BILLING; M`.
fn restriction(text: &str) -> wire::Restriction {
    let [to, what, why] = three(text);
    let (whole, excepted) = match what.split_once(" except ") {
        None => (what, None),
        Some((whole, excepted)) => (whole, Some(format!("{to}; {excepted}; {why}"))),
    };
    wire::Restriction {
        scope: Some(scope(&format!("{to}; {whole}; {why}"))),
        except: excepted.as_deref().map(scope).into_iter().collect(),
    }
}

/// Recipient; what, where need be `selected by` classes; purpose→categories.
pub fn question(text: &str) -> wire::Question {
    let [to, what, why] = three(text);
    let (kind, entity) = recipient(to);
    let (what, selection) = what.split_once(" selected by ").unwrap_or((what, "*"));
    let (why, target) = why.split_once('→').unwrap_or((why, "*"));
    let not_cpni = |part: &str| {
        let whole = format!("NOT_CPNI_ITEM_{}", part.trim());
        wire::NotCpniItem::from_str_name(&whole)
    };
    let classes = listed(what).filter(|part| not_cpni(part).is_none());
    wire::Question {
        purpose: purpose(why).into(),
        classes: classes.map(|part| class(part).into()).collect(),
        selected_by: listed(selection).map(|part| class(part).into()).collect(),
        not_cpni: listed(what).filter_map(not_cpni).map(Into::into).collect(),
        recipient_kind: kind.into(),
        entity,
        target_categories: listed(target).map(str::to_lowercase).collect(),
        ..wire::Question::default()
    }
}

/// A ground with its facts: `a court order without its reference`.
pub fn ground(text: &str, names: &Names, now: Time) -> Ground {
    let (text, told) = match text.split_once(" told to a caller verified ") {
        None => (text, None),
        Some((text, minutes)) => (text, Some(verified(minutes, now))),
    };
    // What a fact is called by, or nothing.
    let number = |text: &str, of: &str| match text.ends_with("without its number") {
        true => String::new(),
        false => of.to_owned(),
    };
    match text {
        "an approval" => Ground::Approval(wire::ApprovalGround { cites: None }),
        "a court order" => Ground::Legal(court_order("2026-CV-7")),
        "a court order without its reference" => Ground::Legal(court_order("")),
        "a fraud case" | "a closed fraud case" | "a fraud case without its number" => {
            Ground::Rights(wire::RightsGround {
                case_id: number(text, "case 4"),
                open: text != "a closed fraud case",
                protected_party: "carrier-q".into(),
            })
        }
        "a ticket" | "a closed ticket" | "a ticket without its number" => {
            Ground::Service(wire::ServiceGround {
                ticket: number(text, "ticket 5"),
                open: text != "a closed ticket",
                verification: told,
                telling: None,
            })
        }
        "an invoice" | "an invoice without its number" => Ground::Billing(wire::BillingGround {
            invoice: number(text, "run 2026-02"),
            verification: told,
            telling: None,
        }),
        "the customer's written request" => Ground::WrittenRequest(wire::WrittenRequestGround {
            digest: vec![3; 32],
        }),
        other => named_ground(other, names),
    }
}

/// A ground that names something: an approval, a provider's query, a directory.
fn named_ground(text: &str, names: &Names) -> Ground {
    if let Some(name) = text.strip_prefix("approval ") {
        let cites = Some(position(names, name));
        return Ground::Approval(wire::ApprovalGround { cites });
    }
    if let Some((listing, publisher)) = text.split_once(" listing in the directory of ") {
        return Ground::Directory(wire::DirectoryGround {
            publisher: publisher.into(),
            non_published: listing == "a non-published",
        });
    }
    let query = text.strip_prefix("PIC-freeze query ");
    let query = query.and_then(|query| query.split_once(" of "));
    let (request, provider) = query.unwrap_or_else(|| panic!("`{text}` is no ground"));
    Ground::PicFreeze(wire::PicFreezeGround {
        provider: provider.into(),
        request_id: request.into(),
    })
}

fn court_order(reference: &str) -> wire::LegalGround {
    wire::LegalGround {
        authority: "county-court".into(),
        reference: reference.into(),
        dated: "2024-01-01".into(),
        digest: vec![3; 32],
    }
}

/// `31 minutes before`, by a password, or `by CALL_BACK 31 minutes before`.
fn verified(how: &str, now: Time) -> wire::Assurance {
    let by = how.strip_prefix("by ").and_then(|how| how.split_once(' '));
    let (by, before) = by.unwrap_or(("PASSWORD", how));
    wire::Assurance {
        method: method(by).into(),
        reference: "verification 9".into(),
        at: Some(on_the_wire(minutes_before(before, now))),
    }
}

/// `31 minutes before`.
pub fn minutes_before(text: &str, now: Time) -> Time {
    let minutes = text.strip_suffix(" minutes before").unwrap();
    Time(now.0 - minutes.parse::<i64>().unwrap() * 60_000_000)
}

/// The record of that name, or at that position.
pub fn position(names: &Names, name: &str) -> u64 {
    let named = names.get(name.trim()).copied();
    let found = named.or_else(|| name.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no record is called {name}"))
}

/// The names of those records, or their positions where they have none.
pub fn called(names: &Names, positions: &[u64]) -> String {
    let of = |position: &u64| {
        let mut found = names.iter().filter(|(_, named)| *named == position);
        found
            .next()
            .map_or(format!("record {position}"), |(name, _)| name.clone())
    };
    let names: Vec<_> = positions.iter().map(of).collect();
    names.join(" + ")
}

fn three(text: &str) -> [&str; 3] {
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let three = parts.try_into();
    three.unwrap_or_else(|_| panic!("`{text}` isn't recipient; classes; purpose"))
}
