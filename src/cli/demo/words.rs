//! Answers, scopes and events in words.

use super::print::Page;
use super::scene::Detail;
use crate::proto::v1 as wire;
use wire::entry::Event;
use wire::{CpniClass, NamedRecipient, RecipientKind, Ruling, Scope, spoken_word};

/// `record 8` or `records 1 to 3`.
pub fn span(first: u64, last: u64) -> String {
    if first == last {
        format!("record {first}")
    } else {
        format!("records {first} to {last}")
    }
}

/// `record 8` or `records 8, 9`; nothing where there is none.
pub fn records(positions: &[u64]) -> String {
    let list: Vec<_> = positions.iter().map(u64::to_string).collect();
    match positions {
        [] => String::new(),
        [_] => format!("record {}", list.join("")),
        _ => format!("records {}", list.join(", ")),
    }
}

/// Prints an answer: why, by which clauses, and what would make it yes.
pub fn tell(page: &mut Page, ruling: &Ruling, detail: Detail) {
    let why = ruling.reasons.iter().map(|reason| {
        let code = bare(reason.code().as_str_name(), "REASON_CODE_");
        let rests_on = match reason.positions.as_slice() {
            [] => String::new(),
            positions => format!(" ({})", records(positions)),
        };
        let fact = match reason.fact.as_str() {
            "" => String::new(),
            fact => format!(": `{fact}`"),
        };
        format!("{code}{fact}{rests_on}")
    });
    let why = why.collect::<Vec<_>>().join(", ");
    let state = plain(ruling.state().as_str_name(), "CELL_STATE_");
    let line = format!("{why}; state of approval: {state}");
    if ruling.allowed {
        page.yes(&line);
    } else {
        page.no(&line);
    }
    clauses(page, ruling, detail);
    if detail == Detail::Full && !ruling.remedies.is_empty() {
        let remedies: Vec<_> = ruling.remedies.iter().filter_map(remedy).collect();
        page.under(&format!(
            "It would be yes if {}.",
            remedies.join(", or if ")
        ));
    }
}

/// The policy's own words, and where the other sources say it.
fn clauses(page: &mut Page, ruling: &Ruling, detail: Detail) {
    let all = ruling.reasons.iter().flat_map(|reason| &reason.clauses);
    let (quoted, named): (Vec<_>, Vec<_>) =
        all.partition(|clause| detail == Detail::Full && clause.source == "policy");
    for clause in quoted {
        page.under(&format!("{}: “{}”", clause.reference, clause.text));
    }
    let mut named: Vec<_> = named
        .iter()
        .map(|clause| clause.reference.as_str())
        .collect();
    named.dedup();
    if !named.is_empty() {
        page.under(&format!("By {}.", named.join("; ")));
    }
}

fn remedy(remedy: &wire::Remedy) -> Option<String> {
    use wire::remedy::Remedy;

    Some(match remedy.remedy.as_ref()? {
        Remedy::OpenService(open) => format!(
            "the customer opened a service of category {}",
            open.category
        ),
        Remedy::OptIn(_) => "the customer opted in".to_owned(),
        Remedy::Lift(lift) => format!("the customer lifted {}", records(&lift.positions)),
        Remedy::SupplyFact(supply) => format!("the caller gave `{}`", supply.fact),
        Remedy::Verify(_) => "the caller were verified anew".to_owned(),
        Remedy::GiveNotice(_) => {
            "an opt-out notice were given, and the customer didn't object".to_owned()
        }
    })
}

/// `CELL_STATE_REFRESH_OVERDUE` as `REFRESH_OVERDUE`.
pub fn bare<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// `CELL_STATE_REFRESH_OVERDUE` as `refresh overdue`.
pub fn plain(name: &str, prefix: &str) -> String {
    bare(name, prefix).to_lowercase().replace('_', " ")
}

/// Recipients, classes and purposes; what is left out means all.
fn scope(scope: &Scope) -> String {
    let kind = |kind: RecipientKind| plain(kind.as_str_name(), "RECIPIENT_KIND_");
    let named = |named: &NamedRecipient| format!("{} {}", kind(named.kind()), named.entity);
    let recipients = scope.recipient_kinds().map(kind);
    let recipients = recipients.chain(scope.named_recipients.iter().map(named));
    let classes = scope.classes().map(self::class);
    let purposes = scope
        .purposes()
        .map(|one| plain(one.as_str_name(), "PURPOSE_"));
    format!(
        "{}; {}; {}",
        listed(recipients, "everybody"),
        listed(classes, "all of it"),
        listed(purposes, "whatever for")
    )
}

fn listed(names: impl Iterator<Item = String>, none: &str) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        none.to_owned()
    } else {
        names.join(", ")
    }
}

/// A class of network information.
pub fn class(class: CpniClass) -> String {
    plain(class.as_str_name(), "CPNI_CLASS_")
}

/// To whom, what, what for.
fn asked(question: Option<&wire::RecordedQuestion>) -> String {
    let Some(question) = question.and_then(|recorded| recorded.question.as_ref()) else {
        return String::new();
    };
    let classes = listed(question.classes().map(class), "");
    format!("to {}: {classes}", recipient(question))
}

/// Who gets it.
pub fn recipient(question: &wire::Question) -> String {
    let kind = plain(question.recipient_kind().as_str_name(), "RECIPIENT_KIND_");
    format!("{kind} {}", question.entity).trim_end().to_owned()
}

/// The ground that a disclosure rests on.
pub fn ground(question: &wire::Question) -> &'static str {
    use wire::question::Ground;

    match question.ground {
        None => "none",
        Some(Ground::Approval(_)) => "approval",
        Some(Ground::WrittenRequest(_)) => "written request",
        Some(Ground::Legal(_)) => "law or court order",
        Some(Ground::Rights(_)) => "rights and property",
        Some(Ground::PicFreeze(_)) => "PIC freeze request",
        Some(Ground::Directory(_)) => "directory listing",
        Some(Ground::Service(_)) => "provision of service",
        Some(Ground::Billing(_)) => "billing",
    }
}

/// What happened, in one line.
pub fn event(event: Option<&Event>) -> String {
    match event {
        None => String::new(),
        Some(Event::AccountOpened(opened)) => format!("with {}", opened.legal_entity),
        Some(Event::ServiceOpened(opened)) => opened.category.clone(),
        Some(Event::ServiceClosed(closed)) => closed.category.clone(),
        Some(Event::NoticeGiven(given)) => format!("version {}", given.notice_version),
        Some(Event::WordSpoken(spoken)) => spoken.word.as_ref().map(word).unwrap_or_default(),
        Some(Event::OnceGranted(granted)) => granted.scope.as_ref().map(scope).unwrap_or_default(),
        Some(Event::EvidenceSupplied(supplied)) => {
            format!("the recording of record {}", supplied.approval_position)
        }
        Some(Event::CallEnded(_)) => "what was approved for its length ends".to_owned(),
        Some(Event::DisclosureMade(made)) => {
            let gag = if made.sealed {
                "; under a gag order"
            } else {
                ""
            };
            format!("{}{gag}", asked(made.question.as_ref()))
        }
        Some(Event::DisclosureRefused(refused)) => {
            let why = refused
                .reasons()
                .map(|code| bare(code.as_str_name(), "REASON_CODE_").to_owned());
            format!("{}; {}", asked(refused.question.as_ref()), listed(why, ""))
        }
        Some(Event::GagOrderLifted(lifted)) => {
            format!("of record {}", lifted.disclosure_position)
        }
        Some(Event::RulingRecorded(_)) => "a question and its answer".to_owned(),
        Some(Event::EntityJoined(joined)) => joined.entity.clone(),
        Some(Event::EntityLeft(left)) => left.entity.clone(),
        Some(Event::PolicyPublished(published)) => format!("version {}", published.version),
        Some(Event::PolicyPosted(posted)) => format!("version {}", posted.version),
        Some(Event::LegalHoldPlaced(_)) => "nothing is erased while it stands".to_owned(),
        Some(Event::ErasureRequested(_)) => "the customer is erased from here on".to_owned(),
        Some(Event::ErasureRefused(refused)) => format!("{} rules bar it", refused.bars.len()),
        Some(Event::ErasureCompleted(_)) => "the keys are destroyed".to_owned(),
        Some(Event::LegalHoldReleased(released)) => format!("of record {}", released.hold_position),
        Some(Event::Asserted(event)) => format!("line {} of {}", event.line, event.import_name),
        Some(Event::Register(_)) => "a step in one of the company's registers".to_owned(),
        Some(Event::Contact(_)) => "the list of authorised contacts".to_owned(),
        Some(Event::Authentication(_)) => "how callers are verified".to_owned(),
        Some(Event::NoticeTemplateApproved(approved)) => (approved.template.as_ref())
            .map(|template| format!("version {}", template.version))
            .unwrap_or_default(),
        Some(Event::NoticeSent(sent)) => format!("version {}", sent.template_version),
        Some(Event::NoticeDelivered(report)) => format!("of record {}", report.notice_position),
        Some(Event::NoticeFailed(report)) => format!("of record {}", report.notice_position),
        Some(Event::EmailAgreed(_)) => "notices may come by e-mail".to_owned(),
        Some(Event::EmailRevoked(_)) => "notices may no longer come by e-mail".to_owned(),
        Some(Event::AffiliateBegan(began)) => began.affiliate.clone(),
        Some(Event::AffiliateEnded(ended)) => ended.affiliate.clone(),
        Some(Event::Withheld(_)) => "withheld".to_owned(),
    }
}

fn word(word: &wire::SpokenWord) -> String {
    let said = match &word.word {
        None => None,
        Some(spoken_word::Word::Grant(grant)) => grant.scope.as_ref(),
        Some(spoken_word::Word::Denial(denial)) => denial.scope.as_ref(),
        Some(spoken_word::Word::Withdrawal(withdrawal)) => withdrawal.scope.as_ref(),
        Some(spoken_word::Word::Restriction(restriction)) => restriction.scope.as_ref(),
    };
    said.map_or_else(|| scope(&Scope::default()), scope)
}
