//! Events about the company, area by area: `entity.*.v1` and so on.

use super::areas::decode_by_area;
use super::{DecodeError, EncodeError, Encoded};
use crate::domain::company::CompanyEvent;

mod entities {
    use crate::codec::areas::stored_events;
    use crate::domain::company::entities::EntityEvent;

    stored_events! {
        EntityEvent {
            Joined = "entity.joined.v1",
            Left = "entity.left.v1",
        }
    }
}

mod policies {
    use crate::codec::areas::stored_events;
    use crate::domain::company::policies::PolicyEvent;

    stored_events! {
        PolicyEvent {
            Published = "policy.published.v1",
            Posted = "policy.posted.v1",
        }
    }
}

mod campaigns {
    use crate::codec::areas::stored_events;
    use crate::domain::company::campaigns::CampaignEvent;

    stored_events! {
        CampaignEvent {
            Proposed = "campaign.proposed.v1",
            Approved = "campaign.approved.v1",
            Rejected = "campaign.rejected.v1",
            Started = "campaign.started.v1",
            Closed = "campaign.closed.v1",
            ListDrawn = "campaign.list_drawn.v1",
            RequestsSent = "campaign.requests_sent.v1",
        }
    }
}

mod breaches {
    use crate::codec::areas::stored_events;
    use crate::domain::company::breaches::BreachEvent;

    stored_events! {
        BreachEvent {
            Suspected = "breach.suspected.v1",
            Determined = "breach.determined.v1",
            LawEnforcementNotified = "breach.law_enforcement_notified.v1",
            CommissionNotified = "breach.commission_notified.v1",
            NoticesHeld = "breach.notices_held.v1",
            NoticesReleased = "breach.notices_released.v1",
            UrgencyAgreed = "breach.urgency_agreed.v1",
            CustomersNotified = "breach.customers_notified.v1",
            SummaryFiled = "breach.summary_filed.v1",
            Closed = "breach.closed.v1",
        }
    }
}

mod failures {
    use crate::codec::areas::stored_events;
    use crate::domain::company::mechanism_failures::FailureEvent;

    stored_events! {
        FailureEvent {
            Detected = "opt_out_failure.detected.v1",
            Determined = "opt_out_failure.determined.v1",
            LetterFiled = "opt_out_failure.letter_filed.v1",
            Closed = "opt_out_failure.closed.v1",
        }
    }
}

mod complaints {
    use crate::codec::areas::stored_events;
    use crate::domain::company::complaints::ComplaintEvent;

    stored_events! {
        ComplaintEvent {
            Received = "complaint.received.v1",
            Resolved = "complaint.resolved.v1",
            BrokerActedAgainst = "complaint.broker_acted_against.v1",
        }
    }
}

mod training {
    use crate::codec::areas::stored_events;
    use crate::domain::company::training::TrainingEvent;

    stored_events! {
        TrainingEvent {
            AccessGiven = "conduct.access_given.v1",
            AccessTaken = "conduct.access_taken.v1",
            Trained = "conduct.trained.v1",
            Disciplined = "conduct.disciplined.v1",
        }
    }
}

mod certificates {
    use crate::codec::areas::stored_events;
    use crate::domain::company::certificates::CertificateEvent;

    stored_events! {
        CertificateEvent {
            Drafted = "certificate.drafted.v1",
            Signed = "certificate.signed.v1",
            Filed = "certificate.filed.v1",
        }
    }
}

mod templates {
    use crate::codec::areas::stored_events;
    use crate::domain::company::templates::TemplateEvent;

    stored_events! {
        TemplateEvent {
            Approved = "notice.template_approved.v1",
        }
    }
}

/// Every event type about the company, area by area.
pub const KINDS: &[&[&str]] = &[
    entities::KINDS,
    policies::KINDS,
    campaigns::KINDS,
    breaches::KINDS,
    failures::KINDS,
    complaints::KINDS,
    training::KINDS,
    certificates::KINDS,
    templates::KINDS,
];

/// The stored form of an event about the company; nothing in it is personal.
///
/// # Errors
/// When the event can't be written as JSON.
pub fn encode(event: &CompanyEvent) -> Result<Encoded, EncodeError> {
    let nothing = &mut |_: &'static str, _: &crate::domain::ids::Personal| {};
    match event {
        CompanyEvent::Entities(event) => entities::encode(event, nothing),
        CompanyEvent::Policies(event) => policies::encode(event, nothing),
        CompanyEvent::Campaigns(event) => campaigns::encode(event, nothing),
        CompanyEvent::Breaches(event) => breaches::encode(event, nothing),
        CompanyEvent::Failures(event) => failures::encode(event, nothing),
        CompanyEvent::Complaints(event) => complaints::encode(event, nothing),
        CompanyEvent::Training(event) => training::encode(event, nothing),
        CompanyEvent::Certificates(event) => certificates::encode(event, nothing),
        CompanyEvent::Templates(event) => templates::encode(event, nothing),
    }
}

/// The event about the company that `data` of type `kind` hold.
///
/// # Errors
/// An unknown type, or data that are not of the type's shape.
pub fn decode(kind: &str, data: &str) -> Result<CompanyEvent, DecodeError> {
    decode_by_area! { kind, data, &|_: &str| None;
        entities => CompanyEvent::Entities,
        policies => CompanyEvent::Policies,
        campaigns => CompanyEvent::Campaigns,
        breaches => CompanyEvent::Breaches,
        failures => CompanyEvent::Failures,
        complaints => CompanyEvent::Complaints,
        training => CompanyEvent::Training,
        certificates => CompanyEvent::Certificates,
        templates => CompanyEvent::Templates,
    }
}
