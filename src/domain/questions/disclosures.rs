//! What left, to whom, and what for (P7, F1, F10, R12, R14).

use super::{Kind, Look, StandingQuestion};
use crate::domain::disclosures::Ground;
use crate::domain::disclosures::gag::GagOrders;
use crate::domain::disclosures::grounds::SELF_EVIDENT;
use crate::domain::event::Event;
use crate::domain::vocabulary::Purpose;

pub(super) const RECIPIENT_UNNAMED: StandingQuestion = StandingQuestion {
    name: "disclosure-without-named-recipient",
    requirements: "P7, F10, R12",
    clauses: "47 CFR 64.2009(c)",
    asks: "Which disclosures went to an affiliate, partner, third party or other recipient who is not named?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::DisclosureMade(made) = seen.placed.event else {
            return None;
        };
        let question = &made.question;
        let named = question.entity.is_some()
            || SELF_EVIDENT.contains(&question.recipient)
            || (question.ground.as_ref()).is_some_and(|ground| ground.recipient().is_some());
        (!named).then(|| format!("to some {}, not named", question.recipient))
    }),
};

pub(super) const MARKETING_ON_OTHER_GROUND: StandingQuestion = StandingQuestion {
    name: "marketing-on-other-ground",
    requirements: "P7, R14",
    clauses: "CPNI policy, clauses 1 and 3; 47 CFR 64.2005(b)",
    asks: "Which disclosures for marketing rest on a ground other than approval?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::DisclosureMade(made) if made.question.purpose.is_marketing() => {
            match &made.question.ground {
                None => Some("on no ground".into()),
                Some(Ground::Approval { .. }) => None,
                Some(ground) => Some(format!("on the ground {}", ground.kind())),
            }
        }
        _ => None,
    }),
};

pub(super) const COMPETITOR_TRACKING: StandingQuestion = StandingQuestion {
    name: "competitor-tracking",
    requirements: "F1, R7",
    clauses: "47 CFR 64.2005(b)(2)",
    asks: "Which disclosures or yes rulings were for spotting customers who call competitors?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let question = match seen.placed.event {
            Event::DisclosureMade(made) => &made.question,
            Event::RulingRecorded(ruled) if ruled.ruling.allowed => &ruled.question,
            _ => return None,
        };
        (question.purpose == Purpose::CompetitorTracking)
            .then(|| format!("for {}, which nothing allows", question.purpose))
    }),
};

pub(super) const GAG_ON_OTHER_GROUND: StandingQuestion = StandingQuestion {
    name: "gag-order-on-other-ground",
    requirements: "P7, R14",
    clauses: "CPNI policy, clause 3",
    asks: "Which disclosures are hidden from the customer though they don't rest on a law or court order?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let (question, seal) = match seen.placed.event {
            Event::DisclosureMade(made) => (&made.question, made.seal),
            Event::DisclosureRefused(refused) => (&refused.question, refused.seal),
            _ => return None,
        };
        let legal = matches!(question.ground, Some(Ground::Legal { .. }));
        (seal.is_some() && !legal).then(|| match &question.ground {
            Some(ground) => format!("under a gag order on the ground {}", ground.kind()),
            None => "under a gag order on no ground".into(),
        })
    }),
};

pub(super) const GAG_LIFTED_THAT_DID_NOT_STAND: StandingQuestion = StandingQuestion {
    name: "gag-lifted-that-did-not-stand",
    requirements: "P7",
    clauses: "CPNI policy, clause 3",
    asks: "Which records lift a gag order that the disclosure they name was not under, or no longer?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::GagLifted(lifted) = seen.placed.event else {
            return None;
        };
        let none = GagOrders::default();
        let gags = seen.before.and_then(|before| before.gags.as_deref());
        let objection = gags.unwrap_or(&none).objection(
            lifted.disclosure,
            &lifted.dated,
            seen.placed.recorded_at,
        )?;
        Some(format!("record {} {objection}", lifted.disclosure))
    }),
};
