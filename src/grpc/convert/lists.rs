//! The closed lists: numbers of the contract and members of the domain, one to one and without a default (P7).

use super::{Malformed, Within};
use crate::domain::asserted::Shortfall;
use crate::domain::authentication::change_notices::AccountChange;
use crate::domain::authentication::credentials::{Attempt, CredentialKind};
use crate::domain::authentication::exemption::LegKind;
use crate::domain::authentication::of_record::ReachKind;
use crate::domain::authentication::portions::Verdict;
use crate::domain::authentication::sim_changes::{SimRefusal, SimStep};
use crate::domain::authentication::tickets::TicketCondition;
use crate::domain::authentication::verification::{VerifiedBy, VerifiedFor};
use crate::domain::calendar::HolidaysReach;
use crate::domain::company::campaigns::{Outbound, SendStop};
use crate::domain::company::certificates::{Counted, StatementContent};
use crate::domain::company::complaints::{BrokerMeasure, ComplaintCategory};
use crate::domain::company::deadlines::{Duty, Standing};
use crate::domain::company::mechanism_failures::LetterContent;
use crate::domain::company::templates::Statement;
use crate::domain::contacts::ContactPermission;
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::notices::send::{Delivery, Outcome};
use crate::domain::owed::CustomerDuty;
use crate::domain::retention::RetentionRule;
use crate::domain::retention::erasure::ErasureBasis;
use crate::domain::rulebook::BreachText;
use crate::domain::ruling::{Basis, ReasonCode, State};
use crate::domain::vocabulary::{
    AssuranceMethod, Channel, CpniClass, Medium, NotCpni, Purpose, RecipientKind, Speaker,
};
use crate::proto::v1 as wire;

/// A closed list that requests may name.
pub trait Listed: Sized {
    /// The member of that number.
    ///
    /// # Errors
    /// For zero and for a number that is not listed. The field is empty: the caller names it.
    fn from_number(number: i32) -> Result<Self, Malformed>;

    /// The member's number.
    fn number(self) -> i32;
}

/// Pairs each member of a list with the equally named value of the contract, in both directions.
macro_rules! listed {
    ($($list:ident = $wire:ident { $($member:ident),+ $(,)? })+) => {$(
        impl Listed for $list {
            fn from_number(number: i32) -> Result<Self, Malformed> {
                match wire::$wire::try_from(number) {
                    $(Ok(wire::$wire::$member) => Ok(Self::$member),)+
                    Ok(wire::$wire::Unspecified) => Err(Malformed::missing("")),
                    Err(_) => Err(not_listed(number, stringify!($wire))),
                }
            }

            fn number(self) -> i32 {
                match self {
                    $(Self::$member => wire::$wire::$member as i32,)+
                }
            }
        }
    )+};
}

listed! {
    RecipientKind = RecipientKind {
        Company, Parent, Affiliate, Agent, PartnerOrContractor, ThirdParty, Customer, AuthorizedContact,
        LawEnforcement, Carrier,
    }
    CpniClass = CpniClass {
        Quantity, TechnicalConfiguration, Type, Destination, Location, AmountOfUse, Billing, CallDetail,
        PicFreezeStatus,
    }
    Purpose = Purpose {
        MarketingComms, MarketingOther, Service, Billing, Legal, Rights, PicFreeze, Directory, InsideWiring,
        HealthResearch, OtherApproved, CompetitorTracking,
    }
    NotCpni = NotCpniItem {
        CustomerName, CustomerAddress, TelephoneNumber, Aggregate, NotCustomerSpecific,
        CustomerPremisesEquipment, InternetAccess,
    }
    Channel = Channel { Phone, Ivr, Web, App, Email, Text, Post, InStore, System }
    Medium = Medium { Written, Oral, Electronic }
    AssuranceMethod = AssuranceMethod { Password, CallBack, Mail, OnlineAccount, PhotoId, SignedDocument }
    Speaker = Speaker { AccountHolder, AdministrativeContact, Other }
    ContactPermission = ContactPermission { TechnicalSupport, AccountInformation, Administrative }
    VerifiedFor = VerificationPurpose { TechnicalSupport, AccountInformation, AccountChanges }
    VerifiedBy = VerificationMethod { Password, CallBack, PhotoId, OnlineAccount, BusinessContract }
    ReachKind = ReachKind { TelephoneNumber, PostalAddress, ElectronicAddress }
    CredentialKind = CredentialKind { Password, Pin }
    AccountChange = AccountChange {
        Credential, BackUpAnswer, OnlineAccount, NumberOfRecord, AddressOfRecord, AdministrativeContact,
        SimChange,
    }
    LegKind = ExemptionLeg { Representative, Contract }
    TicketCondition = TicketCondition { OutOfService, Other }
    SimStep = SimChangeStep { Effected, Withdrawn, TurnedDown, FraudReported, Remediated }
    SimRefusal = SimChangeRefusal { NotAuthenticated, Locked, NotOfAccount }
    Verdict = CheckVerdict { Pass, Fail, NotPerformed }
    Attempt = AttemptKind { Check, Establish, Challenge }
    State = CellState {
        Granted, OptOutApproved, Unknown, Waiting, RefreshOverdue, Lapsed, Restricted, Denied,
    }
    GroundKind = GroundKind {
        Approval, WrittenRequest, Legal, Rights, PicFreeze, Directory, Service, Billing,
    }
    Shortfall = Shortfall {
        DateMissing, MethodMissing, EvidenceMissing, NoticeMissing, NoticeNotGiven, NoticeTooNarrow,
        SpeakerMayNotGrant, NoService, TooManyWords, OptOut, ClosedSince,
    }
    Basis = Basis { NotCpni, HeldCategory, Grant, OptOut, OneTime, Ground }
    Outbound = CampaignAct { List, ApprovalRequest }
    SendStop = SendStop { NotApproved, Closed, OutsideDates, NotPlanned, ListUnknown, ListExpired }
    BreachText = BreachText { Of2007, Of2023 }
    LetterContent = LetterContent {
        CarrierName, Mechanism, Problem, Remedy, StateCommission, CustomerNotice, Contact,
    }
    ComplaintCategory = ComplaintCategory {
        EmployeeAccess, UnauthorizedDisclosure, OnlineAccess, Pretexting, UnauthorizedMarketing,
    }
    BrokerMeasure = BrokerMeasure { Court, StateCommission, Commission, LawEnforcement, Demand }
    CustomerDuty = CustomerDuty { OptOutRepeat, ChangeNotice, SimChangeNotice, RecordingDigest }
    Duty = Duty {
        LawEnforcementNotice, CommissionNotice, CustomerNotice, BreachSummary, FailureLetter, Certificate,
    }
    HolidaysReach = HolidaysReach { Enough, RunningOut, Over }
    Standing = DutyStanding { NotYet, Due, Late, Done, DoneLate }
    StatementContent = StatementContent { Procedures, BrokerActions, Complaints }
    Counted = Counted {
        Complaints, ComplaintsSubstantiated, BrokerActions, Breaches, OptOutFailures, CampaignsApproved,
        CampaignsRejected, Trainings, Sanctions, Untrained, LateDuties,
    }
    ReasonCode = ReasonCode {
        NotCpni, HeldCategory, Granted, OptOutApproved, OneTime, GroundMet, CustomerUnknown, Erased, Denied,
        Withdrawn, Restricted, Lapsed, ApprovalRequired, OptOutNotEnabled, OptInRequired, Prohibited,
        FactsRequired, RecipientNotCovered, ClassNotCovered, PurposeNotCovered, RecipientRequired,
        ApprovalNotLive, RequestReused, NonPublished, VerificationRequired, NotOpen, Waiting, RefreshOverdue,
        AnotherFormRequired,
    }
    RetentionRule = RetentionRule { ServicesHeld, Period, SimChangeRecords, LegalHold, NotProvided }
    ErasureBasis = ErasureBasis { StatePrivacyLaw, CourtOrder, CompanyPolicy }
    Delivery = NoticeDelivery { Post, Email, Electronic, InPerson, Oral }
    Outcome = NoticeOutcome { Delivered, Bounced, Returned }
    Statement = NoticeStatement {
        RightAndDuty, CpniTypes, Entities, Purposes, RightToDeny, Steps, NoEffectOnService, Comprehensible, Legible,
        FullyTranslated, NoFreezeEncouragement, ValidUntilRevoked, ProximateSolicitation, WaitingPeriod,
        NoCostMethod,
        LimitedToOneUse,
        DenialForCall,
    }
}

fn not_listed(number: i32, list: &str) -> Malformed {
    Malformed::invalid(
        "",
        format!("has {number}, which is not a {list} of this contract"),
    )
}

/// The member that a field names.
///
/// # Errors
/// For zero and for a number that is not listed.
pub fn member<L: Listed>(field: &str, number: i32) -> Result<L, Malformed> {
    L::from_number(number).within(field)
}

/// The members that a repeated field names, as a set.
///
/// # Errors
/// For zero and for a number that is not listed.
pub fn members<L: Listed, S: FromIterator<L>>(
    field: &str,
    numbers: &[i32],
) -> Result<S, Malformed> {
    let parse = |(index, number): (usize, &i32)| L::from_number(*number).within_item(field, index);
    numbers.iter().enumerate().map(parse).collect()
}

/// The numbers of `members`.
pub fn numbers<L: Listed>(members: impl Iterator<Item = L>) -> Vec<i32> {
    members.map(Listed::number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zero, numbers before and after the list, and the ends of the range.
    fn refuses<L: Listed + PartialEq + Copy + std::fmt::Debug>(every: &[L]) {
        let after = i32::try_from(every.len()).unwrap() + 1;
        for number in [0, -1, after, i32::MIN, i32::MAX] {
            let refused = member::<L>("field", number).unwrap_err();
            assert!(refused.to_string().starts_with("`field`"), "{refused}");
        }
        for one in every {
            assert_eq!(member::<L>("field", one.number()), Ok(*one));
        }
    }

    #[test]
    fn p7_every_list_refuses_zero_and_unknown_numbers_and_takes_each_member() {
        refuses(RecipientKind::EVERY);
        refuses(CpniClass::EVERY);
        refuses(Purpose::EVERY);
        refuses(NotCpni::EVERY);
        refuses(Channel::EVERY);
        refuses(Medium::EVERY);
        refuses(AssuranceMethod::EVERY);
        refuses(Speaker::EVERY);
        refuses(RetentionRule::EVERY);
        refuses(ErasureBasis::EVERY);
        refuses(GroundKind::EVERY);
        refuses(Shortfall::EVERY);
        refuses(Outbound::EVERY);
        refuses(LetterContent::EVERY);
        refuses(ComplaintCategory::EVERY);
        refuses(BrokerMeasure::EVERY);
        refuses(CustomerDuty::EVERY);
        refuses(Standing::EVERY);
        refuses(StatementContent::EVERY);
        refuses(ContactPermission::EVERY);
        refuses(VerifiedFor::EVERY);
        refuses(ReachKind::EVERY);
        refuses(CredentialKind::EVERY);
        refuses(LegKind::EVERY);
        refuses(SimStep::EVERY);
        refuses(TicketCondition::EVERY);
        refuses(Delivery::EVERY);
        refuses(Outcome::EVERY);
        refuses(Statement::EVERY);
    }

    #[test]
    fn p7_a_wrong_number_in_a_list_is_named_with_its_index() {
        let refused = members::<CpniClass, Vec<_>>("classes", &[1, 2, 99]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`classes[2]` has 99, which is not a CpniClass of this contract"
        );
    }

    #[test]
    fn c7_members_have_the_same_names_in_the_contract_and_in_records() {
        fn same<L: Listed + Copy>(
            every: &[L],
            name: impl Fn(L) -> &'static str,
            wire: impl Fn(i32) -> &'static str,
        ) {
            for one in every {
                let contract = wire(one.number());
                assert!(contract.to_lowercase().ends_with(name(*one)), "{contract}");
            }
        }
        same(RecipientKind::EVERY, RecipientKind::name, |n| {
            wire::RecipientKind::try_from(n).unwrap().as_str_name()
        });
        same(CpniClass::EVERY, CpniClass::name, |n| {
            wire::CpniClass::try_from(n).unwrap().as_str_name()
        });
        same(Purpose::EVERY, Purpose::name, |n| {
            wire::Purpose::try_from(n).unwrap().as_str_name()
        });
        same(Channel::EVERY, Channel::name, |n| {
            wire::Channel::try_from(n).unwrap().as_str_name()
        });
        same(GroundKind::EVERY, GroundKind::name, |n| {
            wire::GroundKind::try_from(n).unwrap().as_str_name()
        });
    }
}
