//! Each failure with its code, reason and details (C7).

use super::*;

fn refusal(code: RefusalCode) -> Status {
    refused(Refusal::new(code, "words[0].scope", "says what to do"))
}

#[test]
fn c7_each_refusal_has_its_code_and_reason() {
    let table = [
        (
            RefusalCode::CustomerUnknown,
            Code::NotFound,
            "CUSTOMER_UNKNOWN",
        ),
        (
            RefusalCode::CustomerExists,
            Code::AlreadyExists,
            "CUSTOMER_EXISTS",
        ),
        (
            RefusalCode::AlreadyAsserted,
            Code::AlreadyExists,
            "ALREADY_ASSERTED",
        ),
        (RefusalCode::Invalid, Code::InvalidArgument, "INVALID"),
        (
            RefusalCode::CategoryUnknown,
            Code::InvalidArgument,
            "CATEGORY_UNKNOWN",
        ),
        (
            RefusalCode::ScopeRequired,
            Code::InvalidArgument,
            "SCOPE_REQUIRED",
        ),
        (
            RefusalCode::NoService,
            Code::FailedPrecondition,
            "NO_SERVICE",
        ),
        (
            RefusalCode::NoticeRequired,
            Code::FailedPrecondition,
            "NOTICE_REQUIRED",
        ),
        (
            RefusalCode::VerificationRequired,
            Code::FailedPrecondition,
            "VERIFICATION_REQUIRED",
        ),
        (
            RefusalCode::EvidenceRequired,
            Code::FailedPrecondition,
            "EVIDENCE_REQUIRED",
        ),
        (
            RefusalCode::ServiceState,
            Code::FailedPrecondition,
            "SERVICE_STATE",
        ),
        (
            RefusalCode::OccurredAt,
            Code::FailedPrecondition,
            "OCCURRED_AT",
        ),
        (
            RefusalCode::EntityState,
            Code::FailedPrecondition,
            "ENTITY_STATE",
        ),
        (
            RefusalCode::PolicyState,
            Code::FailedPrecondition,
            "POLICY_STATE",
        ),
        (
            RefusalCode::NoticeTemplate,
            Code::FailedPrecondition,
            "NOTICE_TEMPLATE",
        ),
        (
            RefusalCode::NoticeUnknown,
            Code::FailedPrecondition,
            "NOTICE_UNKNOWN",
        ),
        (
            RefusalCode::EmailConsentRequired,
            Code::FailedPrecondition,
            "EMAIL_CONSENT_REQUIRED",
        ),
        (
            RefusalCode::CustomerErased,
            Code::FailedPrecondition,
            "CUSTOMER_ERASED",
        ),
        (
            RefusalCode::HoldUnknown,
            Code::FailedPrecondition,
            "HOLD_UNKNOWN",
        ),
        (
            RefusalCode::GagOrderState,
            Code::FailedPrecondition,
            "GAG_ORDER_STATE",
        ),
        (RefusalCode::NotRegistered, Code::NotFound, "NOT_REGISTERED"),
        (
            RefusalCode::RegisteredAlready,
            Code::AlreadyExists,
            "REGISTERED_ALREADY",
        ),
        (
            RefusalCode::StepOrder,
            Code::FailedPrecondition,
            "STEP_ORDER",
        ),
        (
            RefusalCode::PersonRequired,
            Code::FailedPrecondition,
            "PERSON_REQUIRED",
        ),
        (
            RefusalCode::SelfApproval,
            Code::FailedPrecondition,
            "SELF_APPROVAL",
        ),
        (
            RefusalCode::CampaignNotApproved,
            Code::FailedPrecondition,
            "CAMPAIGN_NOT_APPROVED",
        ),
        (
            RefusalCode::CampaignDates,
            Code::FailedPrecondition,
            "CAMPAIGN_DATES",
        ),
        (
            RefusalCode::SelectionNotAllowed,
            Code::FailedPrecondition,
            "SELECTION_NOT_ALLOWED",
        ),
        (
            RefusalCode::NoticeHeld,
            Code::FailedPrecondition,
            "NOTICE_HELD",
        ),
        (
            RefusalCode::ContentRequired,
            Code::FailedPrecondition,
            "CONTENT_REQUIRED",
        ),
        (RefusalCode::Call, Code::FailedPrecondition, "CALL"),
        (
            RefusalCode::BlockUnknown,
            Code::FailedPrecondition,
            "BLOCK_UNKNOWN",
        ),
        (
            RefusalCode::LetterheadRequired,
            Code::FailedPrecondition,
            "LETTERHEAD_REQUIRED",
        ),
        (
            RefusalCode::AdministratorRequired,
            Code::FailedPrecondition,
            "ADMINISTRATOR_REQUIRED",
        ),
        (
            RefusalCode::ContactState,
            Code::FailedPrecondition,
            "CONTACT_STATE",
        ),
        (
            RefusalCode::OfRecordState,
            Code::FailedPrecondition,
            "OF_RECORD_STATE",
        ),
        (
            RefusalCode::CredentialState,
            Code::FailedPrecondition,
            "CREDENTIAL_STATE",
        ),
        (
            RefusalCode::CredentialLocked,
            Code::FailedPrecondition,
            "CREDENTIAL_LOCKED",
        ),
        (
            RefusalCode::ResetRequired,
            Code::FailedPrecondition,
            "RESET_REQUIRED",
        ),
        (
            RefusalCode::QuestionNotAllowed,
            Code::FailedPrecondition,
            "QUESTION_NOT_ALLOWED",
        ),
        (
            RefusalCode::NoticeState,
            Code::FailedPrecondition,
            "NOTICE_STATE",
        ),
        (
            RefusalCode::EvidenceState,
            Code::FailedPrecondition,
            "EVIDENCE_STATE",
        ),
        (
            RefusalCode::ExemptionState,
            Code::FailedPrecondition,
            "EXEMPTION_STATE",
        ),
        (
            RefusalCode::SimLocked,
            Code::FailedPrecondition,
            "SIM_LOCKED",
        ),
        (
            RefusalCode::SimChangeState,
            Code::FailedPrecondition,
            "SIM_CHANGE_STATE",
        ),
        (RefusalCode::Limit, Code::FailedPrecondition, "LIMIT"),
    ];
    for code in RefusalCode::EVERY {
        let tested = table.iter().any(|(given, ..)| given == code);
        assert!(tested, "{code} has no row");
    }
    for (given, code, reason) in table {
        let status = refusal(given);
        assert_eq!(status.code(), code, "{given:?}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (reason, DOMAIN)
        );
    }
}

#[test]
fn c7_details_say_which_field_and_rule() {
    let invalid = refusal(RefusalCode::Invalid)
        .get_details_bad_request()
        .unwrap();
    assert_eq!(invalid.field_violations[0].field, "words[0].scope");
    let unmet = refusal(RefusalCode::NoService)
        .get_details_precondition_failure()
        .unwrap();
    assert_eq!(unmet.violations[0].r#type, "NO_SERVICE");
    assert_eq!(unmet.violations[0].subject, "words[0].scope");
}

#[test]
fn c7_a_field_of_a_later_release_is_unimplemented_and_named() {
    let status = Status::from(Malformed::not_yet("as_of"));
    assert_eq!(status.code(), Code::Unimplemented);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        info.metadata.get("field").map(String::as_str),
        Some("as_of")
    );
}

#[test]
fn c1_t5_each_failure_of_the_engine_has_its_code() {
    let (id, retry_after) = (uuid::Uuid::max(), Duration::from_millis(20));
    let table = [
        (SubmitError::RequestIdReused(id), Code::AlreadyExists),
        (
            SubmitError::RequestIdTooOld {
                id,
                window_days: 30,
            },
            Code::FailedPrecondition,
        ),
        (
            SubmitError::VersionMismatch {
                expected: 3,
                actual: 4,
            },
            Code::Aborted,
        ),
        (
            SubmitError::QueueFull { retry_after },
            Code::ResourceExhausted,
        ),
        (SubmitError::DeadlinePassed, Code::DeadlineExceeded),
        (SubmitError::Stopping, Code::Unavailable),
        (SubmitError::Unavailable("secret".into()), Code::Unavailable),
        (SubmitError::Failed("secret".into()), Code::Internal),
    ];
    for (error, code) in table {
        let status = submit(error);
        assert_eq!(status.code(), code);
        assert!(!status.message().contains("secret"));
    }
    let full = submit(SubmitError::QueueFull { retry_after });
    assert_eq!(
        full.get_details_retry_info().unwrap().retry_delay,
        Some(retry_after)
    );
}

#[test]
fn c7_a_status_in_a_stream_is_the_one_that_a_call_would_end_with() {
    let status = refusal(RefusalCode::NoService);
    let message = as_message(&status);
    assert_eq!(message.code, i32::from(Code::FailedPrecondition));
    assert_eq!(message.message, status.message());
    assert_eq!(message.details.len(), 2);
    let bare = as_message(&Status::cancelled("gone"));
    assert_eq!((bare.code, bare.message.as_str()), (1, "gone"));
}
