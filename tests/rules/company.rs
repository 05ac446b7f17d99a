//! What the company does in a history: it registers who is what, approves templates of notices and campaigns, and sends.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::CompanyCommand;
use consent_ledger::domain::company::campaigns::{CampaignCommand, Outbound, Outbounds, Plan};
use consent_ledger::domain::company::entities::{EntityCommand, EntityJoined};
use consent_ledger::domain::company::register::{ItemId, OwnWords};
use consent_ledger::domain::company::templates::{ApproveTemplate, Statement, TemplateCommand};
use consent_ledger::domain::ids::{EntityId, Position, Sha256Digest, Token};
use consent_ledger::domain::notices::NoticeCommand;
use consent_ledger::domain::notices::email::EmailAgreed;
use consent_ledger::domain::notices::send::{Delivery, Outcome, ReportDelivery, SendNotice};
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    CpniClass, CpniClasses, Medium, Purpose, RecipientKind, Speaker,
};

use super::history::History;
use super::ledger::Ledger;
use super::notation::{recipient, utc};

/// The digest of every template's text.
const TEXT: Sha256Digest = Sha256Digest([4; 32]);

/// The name of the template of that form and period; none: it asks for opt-in.
fn version(form: Medium, days: Option<u32>) -> EntityId {
    let days = days.map_or("opt-in".to_owned(), |days| days.to_string());
    EntityId::parse(&format!("{form}-{days}")).unwrap()
}

/// Registers `AFFILIATE acme`: what it is from now on, and whether it provides communications-related services.
pub fn join(ledger: &mut Ledger, who: &str, communications_related: bool) {
    let (kind, entity) = recipient(who);
    let joined = EntityJoined {
        entity: entity.unwrap(),
        kind,
        communications_related,
    };
    let command = CompanyCommand::Entities(EntityCommand::Join(joined));
    ledger.submit_company(&command).unwrap();
}

/// Registers that `AFFILIATE acme` ends, from an instant or from now on.
pub fn leave(ledger: &mut Ledger, who: &str, ends_at: Option<Time>) {
    let (kind, entity) = recipient(who);
    let entity = entity.unwrap();
    let leave = EntityCommand::Leave {
        entity,
        kind,
        ends_at,
    };
    (ledger.submit_company(&CompanyCommand::Entities(leave))).unwrap();
}

/// Approves the template of that form and period, which covers everything, unless it is approved.
pub fn approve(ledger: &mut Ledger, form: Medium, days: Option<u32>) {
    if ledger.company.templates.get(&version(form, days)).is_none() {
        (ledger.submit_company(&approving(form, days))).unwrap();
    }
}

/// The command that approves it.
pub fn approving(form: Medium, days: Option<u32>) -> CompanyCommand {
    CompanyCommand::Templates(TemplateCommand::Approve(ApproveTemplate {
        version: version(form, days),
        form,
        language: "en-US".to_owned(),
        text_digest: TEXT,
        covers: Scope::everything(),
        statements: Statement::EVERY.iter().copied().collect(),
        opt_out_days: days,
    }))
}

/// The campaign by which customers are asked for approval, and one that nobody approved.
pub const ASKING: &str = "asking";
pub const UNAPPROVED: &str = "unapproved";

/// What a campaign of that time is, as proposed: it asks for approval.
pub fn asking_plan(starts_at: Time) -> Box<Plan> {
    Box::new(Plan {
        description: OwnWords::parse("Ask for approval").unwrap(),
        does: Outbounds::of(Outbound::ApprovalRequest),
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(CpniClass::Billing),
        selected_by: CpniClasses::NONE,
        recipient: RecipientKind::Company,
        entity: None,
        target_categories: Vec::new(),
        products: vec![ItemId::parse("mobile").unwrap()],
        starts_at,
        ends_at: utc("2199-01-01T00:00:00Z"),
    })
}

/// Proposes a campaign that asks for approval, and lets another person approve it.
pub fn campaign(ledger: &mut Ledger, id: &str, approved: bool) {
    let campaign = ItemId::parse(id).unwrap();
    if ledger.company.campaigns.get(&campaign).is_some() {
        return;
    }
    (ledger.submit_company(&proposing(id, ledger.now))).unwrap();
    if approved {
        (ledger.submit_company_by(SUPERVISOR, &approving_campaign(id))).unwrap();
    }
}

/// Who approves campaigns.
pub const SUPERVISOR: Token = Token([5; 16]);

/// The command that proposes a campaign that asks for approval.
pub fn proposing(id: &str, starts_at: Time) -> CompanyCommand {
    CompanyCommand::Campaigns(CampaignCommand::Propose {
        campaign: ItemId::parse(id).unwrap(),
        plan: asking_plan(starts_at),
    })
}

/// The command by which its supervisor approves it.
pub fn approving_campaign(id: &str) -> CompanyCommand {
    CompanyCommand::Campaigns(CampaignCommand::Decide {
        campaign: ItemId::parse(id).unwrap(),
        approve: true,
        reason: None,
    })
}

/// The same by any campaign, or by none.
pub fn sending_by(
    campaign: Option<&str>,
    delivery: Delivery,
    days: Option<u32>,
    covers: Scope,
) -> Command {
    Command::Notices(NoticeCommand::Send(SendNotice {
        template: version(delivery.form(), days),
        text_digest: TEXT,
        delivery,
        covers,
        campaign: campaign.map(|id| ItemId::parse(id).unwrap()),
    }))
}

/// Says what became of a notice.
pub fn reporting(notice: Position, outcome: Outcome) -> Command {
    Command::Notices(NoticeCommand::Report(ReportDelivery { notice, outcome }))
}

/// The account holder agrees to notices by e-mail.
pub fn agreeing_to_email() -> Command {
    Command::Notices(NoticeCommand::AgreeToEmail(EmailAgreed {
        medium: Medium::Electronic,
        speaker: Speaker::AccountHolder,
        evidence_digest: TEXT,
    }))
}

impl History {}
