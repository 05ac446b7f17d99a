//! What an office does whose registers are reported on: a step of each register, and what reports there are of them.

use consent_ledger::clock::Manual;
use consent_ledger::proto::v1 as wire;
use tonic::Status;
use wire::campaign_service_client::CampaignServiceClient;
use wire::compliance_service_client::ComplianceServiceClient;
use wire::conduct_service_client::ConductServiceClient;
use wire::entity_service_client::EntityServiceClient;
use wire::incident_service_client::IncidentServiceClient;
use wire::policy_service_client::PolicyServiceClient;
use wire::record_breach_request::Step as BreachStep;
use wire::record_certificate_request::Step as CertificateStep;
use wire::record_complaint_request::Step as ComplaintStep;
use wire::record_opt_out_failure_request::Step as FailureStep;
use wire::record_person_request::Step as PersonStep;

use crate::house::*;
use crate::incidents::document;
use crate::notices::{DAY, template};

/// The years whose certificates are asked for.
const YEARS: [u32; 2] = [2025, 2026];

/// Something that happens; what the number names is one of a few items.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Wait(i64),
    Opens(usize),
    Person(usize, usize),
    Complaint(usize, bool),
    Broker(usize),
    Breach(usize, usize),
    Failure(usize, usize),
    Campaign(usize, usize),
    Entity(usize, bool),
    Policy(usize),
    Template(usize),
    Certificate(usize),
}

/// Every report on the registers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reports {
    pub deadlines: wire::ListDeadlinesResponse,
    pub certificates: Vec<wire::GetCertificateResponse>,
    pub campaigns: wire::ListCampaignsResponse,
    pub people: wire::ListPeopleResponse,
    pub breaches: wire::ListBreachesResponse,
    pub failures: wire::ListOptOutFailuresResponse,
    pub entities: wire::ListEntitiesResponse,
    pub policies: wire::ListPolicyVersionsResponse,
    pub templates: wire::ListNoticeTemplatesResponse,
}

impl Reports {
    /// By what each was given: position, time, rulebook, digest.
    pub fn bases(&self) -> Vec<(u64, prost_types::Timestamp, wire::RulebookVersion, Vec<u8>)> {
        macro_rules! basis {
            ($($report:ident),*) => {
                vec![$({
                    let one = self.$report.clone();
                    (one.position, one.at.unwrap(), one.rulebook.unwrap(), one.rulebook_digest)
                }),*]
            };
        }
        let mut bases = basis!(
            deadlines, campaigns, people, breaches, failures, entities, policies, templates
        );
        bases.extend(self.certificates.iter().cloned().map(|one| {
            let rulebook = wire::RulebookVersion {
                name: one.rulebook,
                version: one.rulebook_version,
            };
            let digest = one.rulebook_digest;
            (one.position, one.at.unwrap(), rulebook, digest)
        }));
        bases
    }
}

impl House {
    /// Every report, now or as of a past moment.
    pub async fn reports(&self, as_of: Option<wire::AsOf>) -> Result<Reports, Status> {
        let channel = || self.channel.clone();
        let mut compliance = ComplianceServiceClient::new(channel());
        let deadlines = wire::ListDeadlinesRequest {
            as_of,
            ..wire::ListDeadlinesRequest::default()
        };
        let deadlines = compliance.list_deadlines(deadlines).await?.into_inner();
        let mut certificates = Vec::new();
        for year in YEARS {
            let request = wire::GetCertificateRequest {
                year,
                as_of,
                min_position: 0,
            };
            certificates.push(compliance.get_certificate(request).await?.into_inner());
        }
        let campaigns = wire::ListCampaignsRequest {
            as_of,
            ..wire::ListCampaignsRequest::default()
        };
        let mut client = CampaignServiceClient::new(channel());
        let campaigns = client.list_campaigns(campaigns).await?.into_inner();
        let people = wire::ListPeopleRequest {
            as_of,
            ..wire::ListPeopleRequest::default()
        };
        let mut client = ConductServiceClient::new(channel());
        let people = client.list_people(people).await?.into_inner();
        let mut incidents = IncidentServiceClient::new(channel());
        let breaches = wire::ListBreachesRequest {
            as_of,
            ..wire::ListBreachesRequest::default()
        };
        let failures = wire::ListOptOutFailuresRequest {
            as_of,
            ..wire::ListOptOutFailuresRequest::default()
        };
        let entities = wire::ListEntitiesRequest {
            as_of,
            ..wire::ListEntitiesRequest::default()
        };
        let mut client = EntityServiceClient::new(channel());
        let entities = client.list_entities(entities).await?.into_inner();
        let min_position = 0;
        let policies = wire::ListPolicyVersionsRequest {
            as_of,
            min_position,
        };
        let mut client = PolicyServiceClient::new(channel());
        let policies = client.list_policy_versions(policies).await?.into_inner();
        let templates = wire::ListNoticeTemplatesRequest {
            as_of,
            min_position,
        };
        let mut notices = self.notices();
        Ok(Reports {
            deadlines,
            certificates,
            campaigns,
            people,
            breaches: incidents.list_breaches(breaches).await?.into_inner(),
            failures: incidents
                .list_opt_out_failures(failures)
                .await?
                .into_inner(),
            entities,
            policies,
            templates: notices.list_notice_templates(templates).await?.into_inner(),
        })
    }

    /// Does it; the ledger may refuse, where it doesn't follow from what was done before.
    pub async fn does(&self, deed: Deed, clock: &Manual) -> Result<(), Status> {
        clock.pass(1_000_000);
        let channel = self.channel.clone();
        match deed {
            Deed::Wait(days) => clock.pass(days * DAY),
            Deed::Opens(who) => {
                let request = open_account(&format!("K-{who}"), &["local"]);
                let header = dated();
                let request = wire::OpenAccountRequest { header, ..request };
                self.accounts().open_account(request).await?;
            }
            Deed::Person(who, step) => {
                let request = wire::RecordPersonRequest {
                    header: dated(),
                    person_id: format!("person {who}"),
                    step: Some(person_step(step)),
                };
                let mut client = ConductServiceClient::new(channel);
                client.record_person(request).await?;
            }
            Deed::Complaint(which, resolved) => {
                let request = wire::RecordComplaintRequest {
                    header: dated(),
                    complaint_id: format!("c-{which}"),
                    step: Some(complaint_step(which, resolved)),
                };
                let mut client = ConductServiceClient::new(channel);
                client.record_complaint(request).await?;
            }
            Deed::Broker(which) => {
                let request = wire::RecordBrokerActionRequest {
                    header: dated(),
                    action_id: format!("a-{which}"),
                    measure: wire::BrokerMeasure::Court.into(),
                    description: "suit against a seller of call records".into(),
                    filing: Some(document("2:26-cv-00117")),
                    taken_at: None,
                };
                let mut client = ConductServiceClient::new(channel);
                client.record_broker_action(request).await?;
            }
            Deed::Breach(which, step) => {
                let request = wire::RecordBreachRequest {
                    header: dated(),
                    breach_id: format!("b-{which}"),
                    step: Some(breach_step(step)),
                };
                let mut client = IncidentServiceClient::new(channel);
                client.record_breach(request).await?;
            }
            Deed::Failure(which, step) => {
                let request = wire::RecordOptOutFailureRequest {
                    header: dated(),
                    failure_id: format!("f-{which}"),
                    step: Some(failure_step(step)),
                };
                let mut client = IncidentServiceClient::new(channel);
                client.record_opt_out_failure(request).await?;
            }
            Deed::Campaign(which, step) => self.runs_campaign(which, step).await?,
            Deed::Entity(which, leaves) => self.relates(which, leaves).await?,
            Deed::Policy(which) => {
                let request = wire::PublishPolicyRequest {
                    header: dated(),
                    version: format!("v{which}"),
                    text_digest: vec![7; 32],
                    effective_at: self.instant().await,
                    posting: Some(wire::PolicyPosting {
                        place: "https://infotech.example/policy".into(),
                        posted_at: self.instant().await,
                        capture_digest: vec![8; 32],
                    }),
                };
                let mut client = PolicyServiceClient::new(channel);
                client.publish_policy(request).await?;
            }
            Deed::Template(which) => {
                let template = template(&format!("t-{which}"), wire::Medium::Written, Some(30));
                let request = wire::ApproveNoticeTemplateRequest {
                    header: dated(),
                    template: Some(template),
                };
                self.notices().approve_notice_template(request).await?;
            }
            Deed::Certificate(step) => {
                let request = wire::RecordCertificateRequest {
                    header: dated(),
                    year: YEARS[0],
                    step: Some(certificate_step(step)),
                };
                let mut client = ComplianceServiceClient::new(channel);
                client.record_certificate(request).await?;
            }
        }
        Ok(())
    }

    /// What the house's clock says.
    async fn instant(&self) -> Option<prost_types::Timestamp> {
        let mut client = ComplianceServiceClient::new(self.channel.clone());
        let list = client.list_deadlines(wire::ListDeadlinesRequest::default());
        list.await.unwrap().into_inner().at
    }

    async fn runs_campaign(&self, which: usize, step: usize) -> Result<(), Status> {
        let mut client = CampaignServiceClient::new(self.channel.clone());
        let by = |person: &str| {
            let mut header = dated();
            header.as_mut().unwrap().taken_by = person.into();
            header
        };
        let campaign_id = format!("campaign-{which}");
        match step {
            0 => {
                let request = wire::ProposeCampaignRequest {
                    header: by("anna"),
                    campaign_id,
                    plan: Some(asking()),
                };
                client.propose_campaign(request).await?;
            }
            1 | 2 => {
                let request = wire::DecideCampaignRequest {
                    header: by("boris"),
                    campaign_id,
                    decision: match step {
                        1 => wire::CampaignDecision::Approve.into(),
                        _ => wire::CampaignDecision::Reject.into(),
                    },
                    reason: String::new(),
                };
                client.decide_campaign(request).await?;
            }
            _ => {
                let request = wire::CloseCampaignRequest {
                    header: by("anna"),
                    campaign_id,
                    reason: "it is over".into(),
                };
                client.close_campaign(request).await?;
            }
        }
        Ok(())
    }

    async fn relates(&self, which: usize, leaves: bool) -> Result<(), Status> {
        let mut client = EntityServiceClient::new(self.channel.clone());
        let (entity, kind) = (format!("entity-{which}"), wire::RecipientKind::Affiliate);
        if leaves {
            let request = wire::RecordEntityLeftRequest {
                header: dated(),
                entity,
                kind: kind.into(),
                ends_at: None,
            };
            client.record_entity_left(request).await?;
        } else {
            let request = wire::RecordEntityJoinedRequest {
                header: dated(),
                entity,
                kind: kind.into(),
                communications_related: true,
            };
            client.record_entity_joined(request).await?;
        }
        Ok(())
    }
}

fn person_step(step: usize) -> PersonStep {
    match step {
        0 => PersonStep::AccessGiven("care-agent".into()),
        1 => PersonStep::Trained(wire::CourseCompleted {
            course: "cpni-2026".into(),
            completed_at: None,
        }),
        2 => PersonStep::Disciplined(wire::Sanction {
            measure: "written warning".into(),
            file: Some(document("hr-2026-14")),
        }),
        _ => PersonStep::AccessTaken(true),
    }
}

fn complaint_step(which: usize, resolved: bool) -> ComplaintStep {
    if resolved {
        return ComplaintStep::Resolved(wire::ComplaintOutcome {
            substantiated: which == 0,
            outcome: "the caller was told".into(),
        });
    }
    ComplaintStep::Received(wire::ComplaintReceipt {
        category: wire::ComplaintCategory::Pretexting.into(),
        received_at: None,
    })
}

fn breach_step(step: usize) -> BreachStep {
    match step {
        0 => BreachStep::Suspected(wire::BreachSuspicion {
            description: "a list was found".into(),
            classes: Vec::new(),
        }),
        1 => BreachStep::Determined(wire::BreachDetermination {
            classes: vec![wire::CpniClass::Billing.into()],
            customers: 800,
            intentional: true,
            circumstances: "an insider".into(),
            ..wire::BreachDetermination::default()
        }),
        2 => BreachStep::LawEnforcementNotified(document("CPNI-2026-00417")),
        3 => BreachStep::CustomersNotified(wire::CustomersTold {
            customers: 800,
            complete: true,
            notice: Some(document("letter to customers")),
        }),
        _ => BreachStep::Closed("the accounts were locked".into()),
    }
}

fn failure_step(step: usize) -> FailureStep {
    match step {
        0 => FailureStep::Detected(wire::FailureDetection {
            mechanism: wire::Channel::Ivr.into(),
            description: "the menu hung up".into(),
        }),
        1 => FailureStep::Determined(wire::FailureDetermination {
            customers: 120,
            determined_at: None,
        }),
        2 => FailureStep::LetterFiled(wire::FailureLetter {
            contents: (1..=wire::LetterContent::Contact as i32).collect(),
            letter: Some(document("06-36 117")),
        }),
        _ => FailureStep::Closed("mended".into()),
    }
}

fn certificate_step(step: usize) -> CertificateStep {
    match step {
        0 => CertificateStep::Drafted(wire::CertificateDraft {
            statement: Some(document("statement")),
            contents: (1..=3).collect(),
        }),
        1 => CertificateStep::SignedWithPersonalKnowledge(true),
        _ => CertificateStep::Filed(document("06-36")),
    }
}
