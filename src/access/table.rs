//! The whole permission table: a method that has no row can't be called (T2).

use super::Role;
use super::Role::{Administrator, Auditor, ConsentWriter, DecisionReader, DisclosureWriter};

/// Each method of the contract, as gRPC names it in its path, and the roles that may call it.
pub const METHODS: &[(&str, &[Role])] = &[
    // Accounts and services held.
    ("/consent.v1.AccountService/OpenAccount", WRITE_CONSENT),
    ("/consent.v1.AccountService/ChangeServices", WRITE_CONSENT),
    (
        "/consent.v1.AccountService/RecordAffiliateBegan",
        WRITE_CONSENT,
    ),
    (
        "/consent.v1.AccountService/RecordAffiliateEnded",
        WRITE_CONSENT,
    ),
    // Notices and what customers say.
    ("/consent.v1.ConsentService/RecordNotice", WRITE_CONSENT),
    ("/consent.v1.ConsentService/RecordConsent", WRITE_CONSENT),
    ("/consent.v1.ConsentService/GrantOnce", WRITE_CONSENT),
    ("/consent.v1.ConsentService/SupplyEvidence", WRITE_CONSENT),
    ("/consent.v1.ConsentService/EndCall", WRITE_CONSENT),
    // Authorised contacts.
    ("/consent.v1.ContactService/RequestContacts", CALLERS),
    ("/consent.v1.ContactService/SetContacts", CALLERS),
    ("/consent.v1.ContactService/AddContact", CALLERS),
    ("/consent.v1.ContactService/RemoveContact", CALLERS),
    (
        "/consent.v1.ContactService/RecordContactUnreachable",
        CALLERS,
    ),
    ("/consent.v1.ContactService/GetContacts", READ_CALLERS),
    // How callers are verified.
    ("/consent.v1.AuthenticationService/AssociateReach", CALLERS),
    ("/consent.v1.AuthenticationService/DissociateReach", CALLERS),
    (
        "/consent.v1.AuthenticationService/OpenVerification",
        CALLERS,
    ),
    ("/consent.v1.AuthenticationService/VerifySecret", CALLERS),
    ("/consent.v1.AuthenticationService/IssueMail", CALLERS),
    (
        "/consent.v1.AuthenticationService/EstablishCredential",
        CALLERS,
    ),
    ("/consent.v1.AuthenticationService/LiftLock", CALLERS),
    ("/consent.v1.AuthenticationService/SetChallenge", CALLERS),
    ("/consent.v1.AuthenticationService/AnswerChallenge", CALLERS),
    (
        "/consent.v1.AuthenticationService/ChangeOnlineAccount",
        CALLERS,
    ),
    (
        "/consent.v1.AuthenticationService/RecordChangeNotice",
        CALLERS,
    ),
    (
        "/consent.v1.AuthenticationService/BeginExemptionLeg",
        CALLERS,
    ),
    ("/consent.v1.AuthenticationService/EndExemptionLeg", CALLERS),
    ("/consent.v1.AuthenticationService/OpenTicket", CALLERS),
    (
        "/consent.v1.AuthenticationService/RequestSimChange",
        CALLERS,
    ),
    (
        "/consent.v1.AuthenticationService/RecordSimChangeStep",
        CALLERS,
    ),
    ("/consent.v1.AuthenticationService/LockSim", CALLERS),
    ("/consent.v1.AuthenticationService/LiftSimLock", CALLERS),
    (
        "/consent.v1.AuthenticationService/GetAuthentication",
        READ_CALLERS,
    ),
    (
        "/consent.v1.AuthenticationService/ListDueChangeNotices",
        READ_CALLERS,
    ),
    (
        "/consent.v1.NoticeService/ApproveNoticeTemplate",
        ADMINISTER,
    ),
    ("/consent.v1.NoticeService/ListNoticeTemplates", ANY),
    ("/consent.v1.NoticeService/RecordNoticeSent", WRITE_CONSENT),
    (
        "/consent.v1.NoticeService/RecordNoticeOutcome",
        WRITE_CONSENT,
    ),
    (
        "/consent.v1.NoticeService/RecordEmailConsent",
        WRITE_CONSENT,
    ),
    (
        "/consent.v1.NoticeService/RevokeEmailConsent",
        WRITE_CONSENT,
    ),
    // Checks: before any use, whoever uses.
    ("/consent.v1.CheckService/CheckUse", ANY),
    ("/consent.v1.CheckService/BulkCheckUse", ANY),
    // Disclosures.
    ("/consent.v1.DisclosureService/Disclose", WRITE_DISCLOSURE),
    ("/consent.v1.DisclosureService/LiftGagOrder", ADMINISTER),
    (
        "/consent.v1.DisclosureService/ListDisclosures",
        &[DisclosureWriter, DecisionReader, Auditor, Administrator],
    ),
    // What the ledger holds.
    ("/consent.v1.QueryService/GetPreferences", ANY),
    ("/consent.v1.QueryService/GetHistory", READ),
    ("/consent.v1.QueryService/Watch", READ),
    (
        "/consent.v1.QueryService/ResolvePseudonyms",
        &[ConsentWriter, Auditor, Administrator],
    ),
    // Evidence.
    ("/consent.v1.AuditService/GetRecord", AUDIT),
    ("/consent.v1.AuditService/ExportRecords", AUDIT),
    ("/consent.v1.AuditService/GetCheckpoint", AUDIT),
    ("/consent.v1.AuditService/ListVoidedUses", AUDIT),
    ("/consent.v1.AuditService/ListAllVoidedUses", AUDIT),
    ("/consent.v1.AuditService/AskStandingQuestions", AUDIT),
    ("/consent.v1.EvidenceService/ProveRecords", AUDIT),
    ("/consent.v1.EvidenceService/ProveConsistency", AUDIT),
    ("/consent.v1.EvidenceService/GatherEvidence", AUDIT),
    // What customers keep of their consents.
    ("/consent.v1.ReceiptService/GetReceipt", GIVE_RECEIPTS),
    // What another policy would change.
    ("/consent.v1.RulebookService/CompareRulebooks", AUDIT),
    // Who receives CPNI besides the company.
    ("/consent.v1.EntityService/RecordEntityJoined", ADMINISTER),
    ("/consent.v1.EntityService/RecordEntityLeft", ADMINISTER),
    ("/consent.v1.EntityService/ListEntities", ANY),
    // Versions of the policy.
    ("/consent.v1.PolicyService/PublishPolicy", ADMINISTER),
    ("/consent.v1.PolicyService/RecordPolicyPosted", ADMINISTER),
    ("/consent.v1.PolicyService/ListPolicyVersions", ANY),
    // Keeping records.
    ("/consent.v1.RetentionService/PlaceLegalHold", ADMINISTER),
    ("/consent.v1.RetentionService/ReleaseLegalHold", ADMINISTER),
    ("/consent.v1.RetentionService/EraseCustomer", ADMINISTER),
    ("/consent.v1.RetentionService/GetRetention", AUDIT),
    // A migrating company's history: asserted, so that only an administrator may bring it.
    ("/consent.v1.ImportService/Import", IMPORT),
    // Campaigns: marketing proposes and draws, a supervisor decides.
    ("/consent.v1.CampaignService/ProposeCampaign", WRITE_CONSENT),
    ("/consent.v1.CampaignService/DecideCampaign", ADMINISTER),
    ("/consent.v1.CampaignService/StartCampaign", WRITE_CONSENT),
    ("/consent.v1.CampaignService/CloseCampaign", WRITE_CONSENT),
    (
        "/consent.v1.CampaignService/RecordRequestsSent",
        WRITE_CONSENT,
    ),
    ("/consent.v1.CampaignService/DrawList", RECORD_RULINGS),
    ("/consent.v1.CampaignService/CheckSend", ANY),
    ("/consent.v1.CampaignService/ListCampaigns", READ),
    // Incidents, conduct, and what is due.
    ("/consent.v1.IncidentService/RecordBreach", ADMINISTER),
    (
        "/consent.v1.IncidentService/RecordBreachSummary",
        ADMINISTER,
    ),
    (
        "/consent.v1.IncidentService/RecordOptOutFailure",
        ADMINISTER,
    ),
    ("/consent.v1.IncidentService/ListBreaches", AUDIT),
    ("/consent.v1.IncidentService/ListOptOutFailures", AUDIT),
    ("/consent.v1.ConductService/RecordComplaint", WRITE_CONSENT),
    ("/consent.v1.ConductService/RecordBrokerAction", ADMINISTER),
    ("/consent.v1.ConductService/RecordPerson", ADMINISTER),
    ("/consent.v1.ConductService/ListPeople", AUDIT),
    ("/consent.v1.ComplianceService/ListDeadlines", AUDIT),
    (
        "/consent.v1.ComplianceService/ListCustomerDeadlines",
        READ_CALLERS,
    ),
    ("/consent.v1.ComplianceService/GetCertificate", AUDIT),
    (
        "/consent.v1.ComplianceService/RecordCertificate",
        ADMINISTER,
    ),
    // Commands in a stream: each command needs the role of its own method besides.
    ("/consent.v1.IntakeService/Submit", RECORD_RULINGS),
];

const ANY: &[Role] = &Role::EVERY;
const WRITE_CONSENT: &[Role] = &[ConsentWriter, Administrator];
const WRITE_DISCLOSURE: &[Role] = &[DisclosureWriter, Administrator];
const ADMINISTER: &[Role] = &[Administrator];
/// Whoever talks to customers.
const CALLERS: &[Role] = &[ConsentWriter, DisclosureWriter, Administrator];
const READ_CALLERS: &[Role] = &[ConsentWriter, DisclosureWriter, Auditor, Administrator];
const GIVE_RECEIPTS: &[Role] = &[ConsentWriter, Auditor, Administrator];
const READ: &[Role] = &[DecisionReader, Auditor, Administrator];
const RECORD_RULINGS: &[Role] = &[
    ConsentWriter,
    DisclosureWriter,
    DecisionReader,
    Administrator,
];
const IMPORT: &[Role] = &[Administrator];
const AUDIT: &[Role] = &[Auditor, Administrator];

/// What a role may do inside of a method that it may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See disclosures under a gag order (P7, P8).
    SealedDisclosures,
    /// See in histories what is neither account, service, notice nor word: disclosures and rulings (N4).
    WholeHistory,
    /// Read texts that are sealed in records: references of orders, cases, tickets, evidence (T3).
    SealedTexts,
    /// Put the ruling of a check on record (C3).
    RecordRulings,
}

impl Right {
    /// The roles that have it.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::SealedDisclosures | Self::WholeHistory | Self::SealedTexts => AUDIT,
            Self::RecordRulings => RECORD_RULINGS,
        }
    }
}

impl Role {
    /// Whether the role may call the method at `path`; nobody may call one without a row.
    pub fn may_call(self, path: &str) -> bool {
        roles_of(path).is_some_and(|roles| roles.contains(&self))
    }

    /// Whether the role has that right.
    pub fn has(self, right: Right) -> bool {
        right.roles().contains(&self)
    }
}

/// The roles that may call the method at `path`.
pub fn roles_of(path: &str) -> Option<&'static [Role]> {
    let row = METHODS.iter().find(|(method, _)| *method == path)?;
    Some(row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t2_a_method_without_a_row_is_closed_to_everybody() {
        for role in Role::EVERY {
            assert!(
                !role.may_call("/consent.v1.AccountService/Invented"),
                "{role}"
            );
        }
    }

    #[test]
    fn t2_only_auditor_and_administrator_see_what_is_sealed() {
        for right in [
            Right::SealedDisclosures,
            Right::WholeHistory,
            Right::SealedTexts,
        ] {
            let seeing: Vec<_> = Role::EVERY
                .into_iter()
                .filter(|role| role.has(right))
                .collect();
            assert_eq!(seeing, [Auditor, Administrator]);
        }
    }

    #[test]
    fn t2_an_auditor_records_nothing() {
        for (path, roles) in METHODS {
            let writes = [
                "OpenAccount",
                "ChangeServices",
                "/Record",
                "Grant",
                "EndCall",
                "/Supply",
                "/Disclose",
                "/Open",
                "/Set",
                "/Add",
                "/Remove",
                "/Associate",
                "/Dissociate",
                "/Verify",
                "/Issue",
                "/Establish",
                "/Lift",
                "/Answer",
                "/Change",
                "/Begin",
                "/End",
                "/Erase",
                "Submit",
                "Import",
            ]
            .iter()
            .any(|verb| path.contains(verb) && !path.contains("AuditService"));
            assert!(!(writes && roles.contains(&Auditor)), "{path}");
        }
        assert!(!Auditor.has(Right::RecordRulings));
    }
}
