//! Why a command changes nothing: one code, one sentence, the field and the rule behind it.

use super::vocabulary::named_list;

/// A command that is refused. Nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: RefusalCode,
    /// The field at fault as a path in the command, e.g. `words[0].scope.classes`; empty for the whole.
    pub field: String,
    /// What is wrong, with the value where it isn't personal, and what to do.
    pub message: String,
}

named_list! {
    /// Stable reason codes of refusals; callers and tests match on them.
    RefusalCode {
        /// The customer id names nobody (R16).
        CustomerUnknown = "CUSTOMER_UNKNOWN",
        /// The customer was erased: nothing more is recorded, for ever (R16).
        CustomerErased = "CUSTOMER_ERASED",
        /// The account exists already.
        CustomerExists = "CUSTOMER_EXISTS",
        /// A value is missing or malformed.
        Invalid = "INVALID",
        /// A category that the rulebook doesn't know.
        CategoryUnknown = "CATEGORY_UNKNOWN",
        /// A grant needs recipients, classes and purposes (R2).
        ScopeRequired = "SCOPE_REQUIRED",
        /// No service is held (R15).
        NoService = "NO_SERVICE",
        /// No valid notice given at or before covers the scope (R15).
        NoticeRequired = "NOTICE_REQUIRED",
        /// The speaker isn't verified, or may not grant (R15).
        VerificationRequired = "VERIFICATION_REQUIRED",
        /// Oral words of that kind need evidence (R15).
        EvidenceRequired = "EVIDENCE_REQUIRED",
        /// No digest of a recording is owed for that record (P4).
        EvidenceState = "EVIDENCE_STATE",
        /// The service is held already, or isn't held.
        ServiceState = "SERVICE_STATE",
        /// `occurred_at` lies in the future or too far back (R5).
        OccurredAt = "OCCURRED_AT",
        /// The call is over, or a block was said after the one-time approval: it can't be used any more (R11).
        Call = "CALL",
        /// The entity is registered so already, or isn't (R12).
        EntityState = "ENTITY_STATE",
        /// The version of the policy isn't there, or would be in force too early (P16).
        PolicyState = "POLICY_STATE",
        /// The record named is no legal hold that stands (F20).
        HoldUnknown = "HOLD_UNKNOWN",
        /// The record is no disclosure of the customer under a gag order that stands (P7).
        GagOrderState = "GAG_ORDER_STATE",
        /// The administrative contact is changed on letterhead only (P10).
        LetterheadRequired = "LETTERHEAD_REQUIRED",
        /// The account would be left without an administrative contact (P10).
        AdministratorRequired = "ADMINISTRATOR_REQUIRED",
        /// The person is on the list of contacts already, or isn't, or lacks the permission (P9).
        ContactState = "CONTACT_STATE",
        /// The number or address belongs to the account already, or doesn't, or not long enough (F14).
        OfRecordState = "OF_RECORD_STATE",
        /// The account has no password, PIN or questions, or others than were compared (P11, P13).
        CredentialState = "CREDENTIAL_STATE",
        /// Too many attempts have failed; another method lifts the lock (P13).
        CredentialLocked = "CREDENTIAL_LOCKED",
        /// A new password or PIN must be set before anything else (P13).
        ResetRequired = "RESET_REQUIRED",
        /// Too few questions, one twice, or one that is none of the rulebook's (P13, F15).
        QuestionNotAllowed = "QUESTION_NOT_ALLOWED",
        /// No notification of that change is owed (F16).
        NoticeState = "NOTICE_STATE",
        /// The customer locked the account against SIM changes (64.2010(h)).
        SimLocked = "SIM_LOCKED",
        /// The SIM change isn't at the step before, or the customer wasn't told of it; or the lock against SIM changes
        /// stands already, or doesn't (64.2010(h)).
        SimChangeState = "SIM_CHANGE_STATE",
        /// The representative or contract doesn't stand (F17).
        ExemptionState = "EXEMPTION_STATE",
        /// The notice's template is unknown, says something else, or the notice lacks what the rules demand (F4, 64.2008(c)).
        NoticeTemplate = "NOTICE_TEMPLATE",
        /// The notice is none of the customer's.
        NoticeUnknown = "NOTICE_UNKNOWN",
        /// An opt-out notice by e-mail takes express prior consent to e-mail (F7, 64.2008(d)(3)(i)).
        EmailConsentRequired = "EMAIL_CONSENT_REQUIRED",
        /// A named block doesn't exist.
        BlockUnknown = "BLOCK_UNKNOWN",
        /// The very same fact of the customer was imported before (C2).
        AlreadyAsserted = "ALREADY_ASSERTED",
        /// The register has no such item.
        NotRegistered = "NOT_REGISTERED",
        /// The register has an item of that id already, or the policy a version of that name.
        RegisteredAlready = "REGISTERED_ALREADY",
        /// The item isn't at the step that this one follows.
        StepOrder = "STEP_ORDER",
        /// A person answers for the step, and the command names none (F11).
        PersonRequired = "PERSON_REQUIRED",
        /// Who proposed a campaign can't approve it (F11, 64.2009(d)).
        SelfApproval = "SELF_APPROVAL",
        /// The campaign isn't approved, or is closed (F11, R21).
        CampaignNotApproved = "CAMPAIGN_NOT_APPROVED",
        /// Outside of the campaign's dates (R21).
        CampaignDates = "CAMPAIGN_DATES",
        /// The campaign selects customers by CPNI, and this one's may not be used for it (R13).
        SelectionNotAllowed = "SELECTION_NOT_ALLOWED",
        /// Customers may not be told of the breach yet (F18, 64.2011(b)).
        NoticeHeld = "NOTICE_HELD",
        /// A filing lacks what it must contain (F12, F13).
        ContentRequired = "CONTENT_REQUIRED",
        /// The customer has as many words, notices or open calls as the ledger keeps.
        Limit = "LIMIT",
    }
}

impl Refusal {
    /// A refusal of `field` for the reason `code`.
    pub fn new(code: RefusalCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: field.into(),
            message: message.into(),
        }
    }
}
