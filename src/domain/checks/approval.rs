//! Answers that rest on approval, or on marketing within what the customer holds (P2, P3, R3, R7, R8, R11).

use super::held::{Held, held};
use super::rule::{Asked, Case};
use super::ruling::{Basis, ReasonCode, Remedy, Ruling, State};
use crate::domain::company::standing::Standing;
use crate::domain::consent::one_time;
use crate::domain::consent::word::{BlockKind, OneTime, Said, Word};
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ids::Position;
use crate::domain::notices::opt_out::Reading;
use crate::domain::time::Time;

/// What a cell's yes rests on.
enum Support<'a> {
    Grant(&'a Word),
    OptOut(&'a [Position]),
    Held(&'a [Position]),
    OneTime(&'a OneTime),
}

/// Answers: yes if each cell is.
pub(super) fn answer<'a>(case: Case<'a>, asked: &[Asked<'a>], at: Time, ruling: &mut Ruling) {
    let rule = case.world.rulebook.ground(GroundKind::Approval);
    if !rule.recipients.contains(case.question.recipient) {
        ruling.lack((ReasonCode::RecipientNotCovered, Some("recipient")));
        return;
    }
    if !rule.purposes.contains(case.question.purpose) {
        ruling.lack((ReasonCode::PurposeNotCovered, Some("purpose")));
        return;
    }
    let question = case.question;
    let standing = Standing::of(
        case.world.company,
        question.recipient,
        question.entity.as_ref(),
        at,
    );
    let held = held(case, &standing, at);
    let supports: Vec<_> = (asked.iter())
        .map(|asked| support(case, asked, &held, &standing, at))
        .collect();
    if supports.iter().all(Option::is_some) {
        let supports = supports.iter().flatten();
        supports.for_each(|support| give(support, ruling));
    } else {
        for (asked, _) in (asked.iter().zip(&supports)).filter(|(_, support)| support.is_none()) {
            refuse(case, asked, &held, &standing, ruling);
        }
    }
    if let Some(Ground::Approval { cites: Some(cited) }) = case.question.ground {
        let mut cells = asked.iter().zip(&supports);
        if !cells
            .any(|(asked, support)| is_live(case, cited, asked, support.as_ref(), &standing, at))
        {
            if ruling.allowed {
                ruling.refuse();
            }
            ruling.give(ReasonCode::ApprovalNotLive, [cited], Some("cites"));
        }
    }
}

fn support<'s, 'a: 's>(
    case: Case<'a>,
    asked: &'s Asked<'a>,
    held: &'s Held,
    standing: &Standing<'_>,
    at: Time,
) -> Option<Support<'s>> {
    let weighed = &asked.weighed;
    let blocked = matches!(weighed.state, State::Denied | State::Restricted);
    if weighed.state == State::Granted
        && let Some(grant) = weighed.grant
    {
        return Some(Support::Grant(grant));
    }
    if weighed.state == State::OptOutApproved {
        return Some(Support::OptOut(weighed.notices()));
    }
    if let Held::Within(opened) = held
        && !(blocked && case.world.rulebook.block_reaches_held_categories())
    {
        return Some(Support::Held(opened));
    }
    one_time::approval(case.customer, case.question.call, asked.cell, standing, at)
        .map(Support::OneTime)
}

/// Gives a cell's reason. Of several bases the answer names the strongest claim on the customer's word.
fn give(support: &Support<'_>, ruling: &mut Ruling) {
    let (basis, rank) = match support {
        Support::Grant(word) => {
            ruling.give(ReasonCode::Granted, [word.position], None);
            (Basis::Grant, 2)
        }
        Support::OptOut(notices) => {
            ruling.give(ReasonCode::OptOutApproved, notices.iter().copied(), None);
            (Basis::OptOut, 1)
        }
        Support::Held(opened) => {
            ruling.give(ReasonCode::HeldCategory, opened.iter().copied(), None);
            (Basis::HeldCategory, 0)
        }
        Support::OneTime(one) => {
            ruling.give(ReasonCode::OneTime, [one.position], None);
            (Basis::OneTime, 3)
        }
    };
    let known = match ruling.basis {
        Some(Basis::OneTime) => 3,
        Some(Basis::Grant) => 2,
        Some(Basis::OptOut) => 1,
        _ => 0,
    };
    ruling.allow(match ruling.basis {
        Some(before) if known > rank => before,
        _ => basis,
    });
}

/// Gives a cell's reasons for no, and what would make it yes.
fn refuse(
    case: Case<'_>,
    asked: &Asked<'_>,
    held: &Held,
    standing: &Standing<'_>,
    ruling: &mut Ruling,
) {
    let weighed = &asked.weighed;
    let sleeping_or_awake = !weighed.blocks.is_empty();
    if let Held::Outside(missing) = held
        && !(sleeping_or_awake && case.world.rulebook.block_reaches_held_categories())
    {
        for category in missing {
            ruling.remedy(Remedy::OpenService(category.clone()));
        }
    }
    asked.object(ruling);
    if !standing.has_kind() {
        ruling.give(ReasonCode::RecipientNotCovered, [], Some("entity"));
    } else if !sleeping_or_awake {
        ruling.remedy(Remedy::OptIn);
    }
    refuse_by_notices(asked, ruling);
    if case.question.ground.is_none() && case.world.rulebook.has_ground_for(case.question.purpose) {
        ruling.lack((ReasonCode::FactsRequired, Some("ground")));
    }
}

/// Gives the reasons where nothing was said, or a notice only asked.
fn refuse_by_notices(asked: &Asked<'_>, ruling: &mut Ruling) {
    let weighed = &asked.weighed;
    let notices = || weighed.notices().iter().copied();
    match weighed.state {
        State::Waiting => ruling.give(ReasonCode::Waiting, notices(), None),
        State::RefreshOverdue => {
            ruling.give(ReasonCode::RefreshOverdue, notices(), None);
            ruling.remedy(Remedy::GiveNotice);
        }
        State::Unknown => {
            match &weighed.opt_out {
                Reading::NotEnabled => ruling.give(ReasonCode::OptOutNotEnabled, [], None),
                Reading::OptInOnly => ruling.give(ReasonCode::OptInRequired, [], None),
                Reading::AnotherForm => {
                    ruling.give(ReasonCode::AnotherFormRequired, [], None);
                    ruling.remedy(Remedy::GiveNotice);
                }
                Reading::None | Reading::Clock(..) => {}
            }
            ruling.give(ReasonCode::ApprovalRequired, [], None);
        }
        _ => {}
    }
}

/// Whether the cited record is an approval that holds in the cell now.
fn is_live(
    case: Case<'_>,
    cited: Position,
    asked: &Asked<'_>,
    support: Option<&Support<'_>>,
    standing: &Standing<'_>,
    at: Time,
) -> bool {
    match support {
        Some(Support::OneTime(one)) => one.position == cited,
        Some(Support::OptOut(notices)) => notices.contains(&cited),
        Some(Support::Grant(_)) => (case.customer.words.iter()).any(|word| {
            word.records().any(|record| record == cited)
                && word.recorded_at <= at
                && !case.customer.services.ended(word, cited)
                && standing.holds_since(word.said_at())
                && standing.holds_since_record(cited)
                && matches!(&word.said, Said::Grant { scope, .. } if scope.covers(asked.cell))
        }),
        _ => false,
    }
}

/// The reason that a block gives.
pub(super) fn reason_of(block: &Word) -> ReasonCode {
    match &block.said {
        Said::Block(block) => match block.kind {
            BlockKind::Deny => ReasonCode::Denied,
            BlockKind::Withdraw => ReasonCode::Withdrawn,
            BlockKind::Restrict => ReasonCode::Restricted,
        },
        Said::Grant { .. } => ReasonCode::ApprovalRequired,
    }
}
