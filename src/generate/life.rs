//! A customer's life as a telephone company's systems know it; each share says how many of a thousand.

use prost_types::Timestamp;

use super::seeded::Seeded;
use crate::proto::v1 as wire;
use wire::asserted_fact::Fact;
use wire::{CpniClass, GroundKind, Medium, Purpose, RecipientKind, Speaker, WordKind};

/// The legal entity that serves every account.
pub const LEGAL_ENTITY: &str = "infotech";
/// Affiliates that words and disclosures name.
pub const AFFILIATES: &[&str] = &["acme-wireless", "beta-cable", "gamma-energy", "delta-media"];
/// Agents that disclosures name.
pub const AGENTS: &[&str] = &["field-services", "print-and-mail", "call-center-west"];
/// The version of the notice given until `NEW_NOTICE_DAY`.
pub const OLD_NOTICE: &str = "2014-09-01";
/// The version of the notice given since.
pub const NEW_NOTICE: &str = "2024-05-29";
/// 2025-01-01T00:00:00Z, in seconds: every life ends before.
pub const END: i64 = 1_735_689_600;

/// 2010-01-01T00:00:00Z: the first account.
const START: i64 = 1_262_304_000;
/// 2024-05-29T06:00:00Z: midnight in Denver.
const NEW_NOTICE_DAY: i64 = 1_716_962_400;
const DAY: i64 = 86_400;

/// How many categories an account begins with.
const CATEGORIES: &[(i64, usize)] = &[(550, 1), (300, 2), (150, 3)];
/// Which they are.
const CATEGORY: &[(i64, &str)] = &[
    (400, "local"),
    (300, "cmrs"),
    (200, "interexchange"),
    (100, "voip"),
];
/// Who left for good, and who left and came back.
const LEFT: i64 = 90;
const RETURNED: i64 = 35;
/// Who closed one of several services.
const CLOSED_ONE: i64 = 150;
/// Who was given a notice when the account was opened, and who was asked for silence instead.
const NOTICED: i64 = 920;
const ASKED_FOR_SILENCE: i64 = 40;
/// Who was given the notice of 2024.
const NOTICED_ANEW: i64 = 600;
/// What customers say first.
const FIRST_WORD: &[(i64, Spoken)] = &[
    (400, Spoken::Nothing),
    (290, Spoken::Grant),
    (200, Spoken::DenyAll),
    (60, Spoken::DenyAffiliates),
    (50, Spoken::Restrict),
];
/// Who changes his mind, again and again.
const CHANGES_MIND: i64 = 180;
/// Grants of which some evidence was lost.
const LACKS_EVIDENCE: i64 = 140;
/// Who has disclosures on record.
const DISCLOSED: i64 = 450;
/// What for.
const DISCLOSURE: &[(i64, GroundKind)] = &[
    (420, GroundKind::Billing),
    (270, GroundKind::Service),
    (120, GroundKind::Approval),
    (110, GroundKind::Directory),
    (50, GroundKind::PicFreeze),
    (15, GroundKind::Legal),
    (10, GroundKind::Rights),
    (5, GroundKind::WrittenRequest),
];
/// Businesses with hundreds of events.
const BUSY: i64 = 4;

#[derive(Clone, Copy)]
enum Spoken {
    Nothing,
    Grant,
    DenyAll,
    DenyAffiliates,
    Restrict,
}

/// The life of customer `number` under `seed`, up to [`END`].
pub fn life(seed: u64, number: u64) -> Life {
    let mut life = Life {
        row: Seeded::of(seed, number),
        opened: 0,
        left: None,
        held: Vec::new(),
        facts: Vec::new(),
    };
    life.open();
    life.services();
    let notices = life.notices();
    life.words(&notices);
    life.disclosures();
    life
}

/// A life as far as it is told.
pub struct Life {
    /// What decides how it goes on.
    pub row: Seeded,
    /// Categories held at its end.
    pub held: Vec<String>,
    /// What is asserted of it.
    pub facts: Vec<wire::AssertedFact>,
    /// When the account was opened.
    opened: i64,
    /// When the last service was closed, if it was.
    left: Option<i64>,
}

/// A notice that a grant may answer.
struct Given {
    version: &'static str,
    at: i64,
}

impl Life {
    fn push(&mut self, fact: Fact) {
        self.facts.push(wire::AssertedFact { fact: Some(fact) });
    }

    /// When the customer's dealings with the company end.
    fn end(&self) -> i64 {
        self.left.unwrap_or(END)
    }

    fn open(&mut self) {
        self.opened = self.row.between(START, END - 200 * DAY);
        self.push(Fact::Account(wire::AssertedAccount {
            legal_entity: LEGAL_ENTITY.to_owned(),
            opened_at: instant(self.opened),
            closed_at: None,
        }));
    }

    fn services(&mut self) {
        let wanted = self.row.weighted(CATEGORIES).unwrap_or(1);
        let mut held: Vec<(&'static str, i64)> = Vec::new();
        // A draw may name a category again: such a customer holds fewer.
        for index in 0..wanted {
            let category = self.row.weighted(CATEGORY).unwrap_or("local");
            let later = match index {
                0 => 0,
                _ => self.row.between(0, 900) * DAY,
            };
            let opened = (self.opened + later).min(END - 100 * DAY);
            if !held.iter().any(|(known, _)| *known == category) {
                held.push((category, opened));
            }
        }
        let fate = self.row.between(0, 1000);
        let newest = held
            .iter()
            .map(|(_, opened)| *opened)
            .max()
            .unwrap_or_default();
        let left = self.row.between(newest + 30 * DAY, END - DAY);
        let back = left + self.row.between(20, 700) * DAY;
        let closes_one = held.len() > 1 && self.row.per_mille(CLOSED_ONE);
        for (index, (category, opened)) in held.iter().enumerate() {
            let closed = match fate < LEFT + RETURNED || (closes_one && index == 0) {
                true => Some(left),
                false => None,
            };
            self.service(category, *opened, closed);
        }
        if fate < LEFT {
            self.left = Some(left);
        } else if fate < LEFT + RETURNED {
            match (held.first(), back < END) {
                (Some((category, _)), true) => self.service(category, back, None),
                _ => self.left = Some(left),
            }
        }
    }

    fn service(&mut self, category: &str, opened: i64, closed: Option<i64>) {
        if closed.is_none() {
            self.held.push(category.to_owned());
        }
        self.push(Fact::Service(wire::AssertedService {
            category: category.to_owned(),
            opened_at: instant(opened),
            closed_at: closed.and_then(instant),
        }));
    }

    fn notices(&mut self) -> Vec<Given> {
        let mut given = Vec::new();
        if self.row.per_mille(NOTICED) {
            let at = (self.opened + self.row.between(0, 10) * DAY).min(self.end());
            let version = match at < NEW_NOTICE_DAY {
                true => OLD_NOTICE,
                false => NEW_NOTICE,
            };
            let opt_out = self.row.per_mille(ASKED_FOR_SILENCE);
            self.notice(version, at, opt_out);
            if !opt_out {
                given.push(Given { version, at });
            }
        }
        let anew = NEW_NOTICE_DAY + self.row.between(0, 60) * DAY;
        if self.row.per_mille(NOTICED_ANEW) && self.opened < anew && anew < self.end() {
            self.notice(NEW_NOTICE, anew, false);
            given.push(Given {
                version: NEW_NOTICE,
                at: anew,
            });
        }
        given
    }

    fn notice(&mut self, version: &str, at: i64, opt_out: bool) {
        let form = self
            .row
            .weighted(&[(550, Medium::Electronic), (450, Medium::Written)]);
        let language = self.row.weighted(&[(880, "en-US"), (120, "es-US")]);
        self.push(Fact::Notice(wire::AssertedNotice {
            version: version.to_owned(),
            given_at: instant(at),
            form: form.unwrap_or(Medium::Written).into(),
            language: language.unwrap_or("en-US").to_owned(),
            covers: Some(wire::Scope {
                all_recipients: true,
                all_classes: true,
                purposes: vec![Purpose::MarketingComms.into()],
                ..wire::Scope::default()
            }),
            opt_out,
            text_digest: Vec::new(),
        }));
    }

    fn words(&mut self, notices: &[Given]) {
        let busy = self.row.per_mille(BUSY);
        let mut spoken = self.row.weighted(FIRST_WORD).unwrap_or(Spoken::Nothing);
        if matches!(spoken, Spoken::Nothing) && !busy {
            return;
        }
        let changes = match (busy, self.row.per_mille(CHANGES_MIND)) {
            (true, _) => self.row.between(200, 400),
            (false, true) => self.row.between(1, 5),
            (false, false) => 0,
        };
        let mut at = self.opened + self.row.between(0, 400) * DAY + self.row.between(0, DAY);
        for _ in 0..=changes {
            if at >= self.end() {
                return;
            }
            self.word(spoken, at, notices);
            let pause = if busy { 20 } else { 500 };
            at += self.row.between(3600, pause * DAY);
            spoken = match self.row.per_mille(500) {
                true => Spoken::Grant,
                false => self.row.weighted(FIRST_WORD).unwrap_or(Spoken::DenyAll),
            };
        }
    }

    fn word(&mut self, spoken: Spoken, at: i64, notices: &[Given]) {
        let (kind, scope, except) = match spoken {
            Spoken::Grant => (WordKind::Grant, self.granted(), Vec::new()),
            Spoken::Nothing => (WordKind::Withdraw, self.granted(), Vec::new()),
            Spoken::DenyAll => (WordKind::Deny, wire::Scope::default(), Vec::new()),
            Spoken::DenyAffiliates => (WordKind::Deny, self.affiliates(), Vec::new()),
            Spoken::Restrict => {
                let scope = marketing(&[RecipientKind::Company], &[]);
                let except = marketing(&[RecipientKind::Company], &[CpniClass::Billing]);
                (WordKind::Restrict, scope, vec![except])
            }
        };
        let method = self.row.weighted(&[
            (500, Medium::Electronic),
            (320, Medium::Oral),
            (180, Medium::Written),
        ]);
        let speaker = match kind {
            WordKind::Grant => self.row.weighted(&[
                (900, Speaker::AccountHolder),
                (100, Speaker::AdministrativeContact),
            ]),
            _ => (self.row).weighted(&[(930, Speaker::AccountHolder), (70, Speaker::Other)]),
        };
        let answered = notices.iter().rev().find(|given| given.at <= at);
        let mut word = wire::AssertedWord {
            kind: kind.into(),
            scope: Some(scope),
            except,
            said_at: instant(at),
            method: method.unwrap_or(Medium::Written).into(),
            speaker: speaker.unwrap_or(Speaker::AccountHolder).into(),
            notice_version: answered
                .map(|given| given.version.to_owned())
                .unwrap_or_default(),
            evidence_digest: Vec::new(),
            evidence_reference: String::new(),
        };
        if kind == WordKind::Grant || self.row.per_mille(300) {
            word.evidence_digest = self.row.digest();
            word.evidence_reference = format!("archive/{:06}", self.row.between(0, 1_000_000));
        }
        if self.row.per_mille(LACKS_EVIDENCE) {
            self.lose(&mut word);
        }
        self.push(Fact::Word(word));
    }

    /// What a migration finds to be missing.
    fn lose(&mut self, word: &mut wire::AssertedWord) {
        match self.row.between(0, 10) {
            0..=5 => word.evidence_digest.clear(),
            6..=7 => word.notice_version.clear(),
            8 => word.method = Medium::Unspecified.into(),
            _ => word.said_at = None,
        }
    }

    /// What a customer grants.
    pub fn granted(&mut self) -> wire::Scope {
        match self.row.between(0, 10) {
            0..=4 => marketing(&[RecipientKind::Company], &[]),
            5..=7 => marketing(&[RecipientKind::Company, RecipientKind::Affiliate], &[]),
            8 => marketing(
                &[RecipientKind::Company],
                &[CpniClass::Billing, CpniClass::Type, CpniClass::Quantity],
            ),
            _ => self.one_affiliate(),
        }
    }

    /// What a customer denies who denies something to affiliates.
    pub fn affiliates(&mut self) -> wire::Scope {
        match self.row.per_mille(500) {
            true => wire::Scope {
                recipient_kinds: vec![RecipientKind::Affiliate.into()],
                ..wire::Scope::default()
            },
            false => self.one_affiliate(),
        }
    }

    fn one_affiliate(&mut self) -> wire::Scope {
        let entity = self.row.one_of(AFFILIATES).unwrap_or_default();
        wire::Scope {
            named_recipients: vec![wire::NamedRecipient {
                kind: RecipientKind::Affiliate.into(),
                entity: entity.to_owned(),
            }],
            ..marketing(&[], &[])
        }
    }

    fn disclosures(&mut self) {
        if !self.row.per_mille(DISCLOSED) {
            return;
        }
        for _ in 0..self.row.between(1, 5) {
            let at = self.row.between(self.opened, self.end());
            let ground = self.row.weighted(DISCLOSURE).unwrap_or(GroundKind::Billing);
            let (recipient, entity, classes, purpose) = self.disclosed(ground);
            let reference = self.reference(ground);
            self.push(Fact::Disclosure(wire::AssertedDisclosure {
                made_at: instant(at),
                recipient_kind: recipient.into(),
                entity: entity.to_owned(),
                classes: classes.iter().map(|class| (*class).into()).collect(),
                purpose: purpose.into(),
                ground: ground.into(),
                reference,
            }));
        }
    }

    /// To whom, what and what for.
    fn disclosed(
        &mut self,
        ground: GroundKind,
    ) -> (RecipientKind, &'static str, &'static [CpniClass], Purpose) {
        let agent = self.row.one_of(AGENTS).unwrap_or_default();
        let affiliate = self.row.one_of(AFFILIATES).unwrap_or_default();
        match ground {
            GroundKind::Billing | GroundKind::Unspecified => (
                RecipientKind::Agent,
                agent,
                &[CpniClass::Billing, CpniClass::Type, CpniClass::Quantity],
                Purpose::Billing,
            ),
            GroundKind::Service => (
                RecipientKind::Agent,
                agent,
                &[CpniClass::TechnicalConfiguration, CpniClass::Type],
                Purpose::Service,
            ),
            GroundKind::Approval => (
                RecipientKind::Affiliate,
                affiliate,
                &[CpniClass::Type, CpniClass::AmountOfUse],
                Purpose::MarketingComms,
            ),
            GroundKind::Directory => (
                RecipientKind::ThirdParty,
                "directory-co",
                &[CpniClass::Type],
                Purpose::Directory,
            ),
            GroundKind::PicFreeze => (
                RecipientKind::Carrier,
                "carrier-p",
                &[CpniClass::PicFreezeStatus],
                Purpose::PicFreeze,
            ),
            GroundKind::Legal => (
                RecipientKind::LawEnforcement,
                "county-court",
                &[CpniClass::CallDetail],
                Purpose::Legal,
            ),
            GroundKind::Rights => (
                RecipientKind::Carrier,
                "carrier-q",
                &[CpniClass::CallDetail, CpniClass::Destination],
                Purpose::Rights,
            ),
            GroundKind::WrittenRequest => (
                RecipientKind::ThirdParty,
                "accountants",
                &[CpniClass::Billing],
                Purpose::OtherApproved,
            ),
        }
    }

    fn reference(&mut self, ground: GroundKind) -> String {
        let number = self.row.between(0, 1_000_000);
        match ground {
            GroundKind::Billing => format!("INV-{number:06}"),
            GroundKind::Service => format!("T-{number:06}"),
            GroundKind::Legal => format!("ORDER-{number:06}"),
            GroundKind::Rights => format!("CASE-{number:06}"),
            _ => String::new(),
        }
    }
}

/// Marketing communications-related services; no classes: all of them.
pub fn marketing(kinds: &[RecipientKind], classes: &[CpniClass]) -> wire::Scope {
    wire::Scope {
        recipient_kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        classes: classes.iter().map(|class| (*class).into()).collect(),
        all_classes: classes.is_empty(),
        purposes: vec![Purpose::MarketingComms.into()],
        ..wire::Scope::default()
    }
}

fn instant(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}
