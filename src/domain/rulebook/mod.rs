//! The policy as data (P17): categories, grounds, periods, switches, clause texts.
//!
//! A rulebook is checked whole when it is read; afterwards nothing in it can fail, and what the rules ask on
//! each check are bits and numbers. It decides no more than the lists of the program allow.

mod callers;
mod dated;
mod lists;
mod read;
mod source;

pub use callers::CallerRules;
pub use dated::{DatedRule, Number, RuleName, RuleStatus};
pub use read::RulebookError;

use jiff::tz::TimeZone;

use super::disclosures::grounds::{Facts, GroundKind};
use super::ids::Category;
use super::ruling::ReasonCode;
use super::time::Time;
use super::vocabulary::{
    AssuranceMethods, CpniClass, CpniClasses, NotCpni, NotCpniItems, Purpose, Purposes,
    RecipientKinds, named_list,
};

/// The rulebook that ships with the program: the policy of May 29, 2024.
pub const DEFAULT_TEXT: &str = include_str!("default.toml");

/// The FCC baseline that ships beside it: 47 CFR Part 64 Subpart U without a company's own promises.
pub const FCC_TEXT: &str = include_str!("fcc.toml");

/// The rulebooks that ship with the program, by the names under which they are asked for.
pub const SHIPPED: [(&str, &str); 2] = [("default", DEFAULT_TEXT), ("fcc", FCC_TEXT)];

/// A rulebook, checked on load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Its name, e.g. `infotech-cpni`.
    pub name: String,
    /// Its version, e.g. `2024-05-29`.
    pub version: String,
    /// SHA-256 of the file's bytes, given by who read them.
    pub digest: [u8; 32],
    zone: TimeZone,
    zone_name: String,
    periods: Periods,
    list_hours: u32,
    erasure: ErasureRules,
    breaches: BreachRules,
    switches: Switches,
    grant_methods: AssuranceMethods,
    live_methods: AssuranceMethods,
    authentication: CallerRules,
    categories: Vec<CategoryRule>,
    exceptions: Vec<Exception>,
    classes: Vec<ClassRule>,
    not_cpni: Vec<Vec<Clause>>,
    grounds: Vec<GroundRule>,
    purposes_with_ground: Purposes,
    dated: Vec<DatedRule>,
    reasons: Vec<Vec<Clause>>,
}

/// Lengths of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// How far back a witnessed fact may be said to have occurred (R5).
    pub occurred_back_hours: u32,
    /// How long a verification stands (R19).
    pub verification_minutes: u32,
    /// How long a one-time approval lasts at most (R11).
    pub one_time_hours: u32,
    /// Days within which the digest of a one-time approval's recording is supplied (P4).
    pub one_time_evidence_days: u32,
    /// For how long records are kept after the newest, and after the last service ended (F20).
    pub retention_days: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Switches {
    opt_out: bool,
    block_reaches_held_categories: bool,
    held_category_recipients: RecipientKinds,
}

/// A service category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryRule {
    /// Its name in records and questions.
    pub category: Category,
    /// Its name for people.
    pub title: String,
    /// Whether the location of its users is never approved by opt-out (47 USC 222(f)).
    pub location_by_opt_in: bool,
}

/// What may be marketed to those who hold some category, without approval (64.2005(b)(1)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The offering's name in questions.
    pub offering: String,
    /// Categories of which one must be held.
    pub when_held: Vec<Category>,
}

/// A CPNI class: the policy's examples, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRule {
    /// The class.
    pub class: CpniClass,
    /// What the policy counts to it.
    pub examples: Vec<String>,
    /// Where.
    pub clauses: Vec<Clause>,
}

/// What a ground reaches and demands (R14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundRule {
    /// The ground.
    pub ground: GroundKind,
    /// Purposes that it serves.
    pub purposes: Purposes,
    /// Recipients whom it reaches.
    pub recipients: RecipientKinds,
    /// Classes that may leave.
    pub classes: CpniClasses,
    /// Classes that may leave to the customer only, besides.
    pub classes_to_customer: CpniClasses,
    /// What may leave that isn't CPNI.
    pub not_cpni: NotCpniItems,
    /// Facts that it demands.
    pub facts: Facts,
    /// Recipients who are told only after a live verification (R19).
    pub verified: RecipientKinds,
    /// Where it stands.
    pub clauses: Vec<Clause>,
}

named_list! {
    /// Whose rule a clause is (R20).
    ClauseSource {
        /// The company's policy.
        Policy = "policy",
        /// The FCC's rules.
        Cfr = "cfr",
        /// The statute.
        Usc = "usc",
        /// A state's law.
        State = "state",
    }
}

/// A clause that an answer can cite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Whose rule it is.
    pub source: ClauseSource,
    /// Where it stands, e.g. `47 CFR 64.2005(a)`.
    pub reference: String,
    /// What it says: quoted from the policy, in brief from the others.
    pub text: String,
}

named_list! {
    /// Which text of 47 CFR 64.2011 counts (F18).
    BreachText {
        /// Adopted in 2007.
        Of2007 = "2007",
        /// Amended in 2023.
        Of2023 = "2023",
    }
}

/// Whether customers may be erased (E8). CPNI's own rules give no right to it; a state's privacy law may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasureRules {
    /// Whether a customer who asks for it is erased, once nothing else bars it.
    pub enabled: bool,
    /// Days from the request within which the keys are destroyed.
    pub within_days: u32,
    /// Where it stands.
    pub clauses: Vec<Clause>,
}

/// What a breach of CPNI demands (F18, 64.2011).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreachRules {
    /// The text that counts for breaches determined then.
    pub text: BreachText,
    /// Business days from the determination to the agencies' notice.
    pub agencies_business_days: u32,
    /// Full business days from law enforcement's notice to the customers' (text of 2007).
    pub customers_after_business_days: u32,
    /// Days from the determination to the customers' notice (text of 2023).
    pub customers_within_days: u32,
    /// A harmless breach of fewer customers goes into the yearly summary (text of 2023).
    pub summary_below_customers: u32,
    /// Days for which an agency may first hold notices back.
    pub hold_days: u32,
}

impl Rulebook {
    /// How long a list that was drawn may be used at most, in hours (R21).
    pub fn list_hours(&self) -> u32 {
        self.list_hours
    }

    /// Whether customers may be erased (E8).
    pub fn erasure(&self) -> &ErasureRules {
        &self.erasure
    }

    /// What a breach demands that was determined at that instant: by the text in force then (F18).
    pub fn breaches(&self, determined_at: Time) -> BreachRules {
        BreachRules {
            text: match self.rule(RuleName::Breach2023).in_force(determined_at) {
                true => BreachText::Of2023,
                false => BreachText::Of2007,
            },
            ..self.breaches
        }
    }

    /// The lengths of time.
    pub fn periods(&self) -> &Periods {
        &self.periods
    }

    /// The IANA zone of customers' clocks and dates (R17).
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The same zone, for the arithmetic of clocks.
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether opt-out approval is enabled at that instant: switched on, and its rule in force (R10).
    pub fn opt_out(&self, at: Time) -> bool {
        self.switches.opt_out && self.rule(RuleName::OptOut).in_force(at)
    }

    /// Whether opt-out approval goes on without a break where this one takes force at that instant after another (R24).
    pub fn keeps_opt_out_of(&self, before: &Self, at: Time) -> bool {
        before.opt_out(at) && self.opt_out(at)
    }

    /// Since when opt-out approval counts as enabled where a rulebook takes force at that instant: as before where it goes
    /// on, and else from the next instant. What was recorded at the very instant may have come before, and a doubt is no
    /// (R10, R24).
    pub fn opt_out_since(kept: Option<Time>, at: Time) -> Time {
        kept.unwrap_or(Time(at.0.saturating_add(1)))
    }

    /// Whether opt-out approval is switched on, whatever the date of its rule.
    pub fn opt_out_switch(&self) -> bool {
        self.switches.opt_out
    }

    /// A dated rule, in force or not (P17).
    pub fn rule(&self, name: RuleName) -> &DatedRule {
        // One entry a rule, in the order of the list: `read` sees to it.
        &self.dated[name as usize]
    }

    /// The dated rules, in the order of the list.
    pub fn rules(&self) -> &[DatedRule] {
        &self.dated
    }

    /// Whether a block also stops marketing within held categories (R8).
    pub fn block_reaches_held_categories(&self) -> bool {
        self.switches.block_reaches_held_categories
    }

    /// Who may market within held categories without approval (R7).
    pub fn held_category_recipients(&self) -> RecipientKinds {
        self.switches.held_category_recipients
    }

    /// The exception of that offering, where the rulebook has exceptions on (R7).
    pub fn exception(&self, offering: &str) -> Option<&Exception> {
        (self.exceptions.iter()).find(|exception| exception.offering == offering)
    }

    /// The exceptions, where the rulebook has them on (R7).
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Methods that establish a speaker's identity for a grant (R15).
    pub fn grant_methods(&self) -> AssuranceMethods {
        self.grant_methods
    }

    /// Methods after which the customer or a contact may be told (R19).
    pub fn live_methods(&self) -> AssuranceMethods {
        self.live_methods
    }

    /// How callers are verified.
    pub fn authentication(&self) -> &CallerRules {
        &self.authentication
    }

    /// Whether that is one of the back-up questions (F15).
    pub fn asks(&self, question: &str) -> bool {
        (self.authentication.questions.iter()).any(|one| one.as_str() == question)
    }

    /// Whether the category is one of the rulebook's.
    pub fn knows(&self, category: &Category) -> bool {
        (self.categories.iter()).any(|rule| rule.category == *category)
    }

    /// Whether the location of the category's users is never approved by opt-out (47 USC 222(f)). So it is of a category
    /// that the rulebook doesn't know.
    pub fn location_by_opt_in(&self, category: &Category) -> bool {
        let mut known = self.categories.iter();
        known
            .find(|rule| rule.category == *category)
            .is_none_or(|rule| rule.location_by_opt_in)
    }

    /// The categories, in the order of their names.
    pub fn categories(&self) -> &[CategoryRule] {
        &self.categories
    }

    /// The classes, in the order of the list.
    pub fn classes(&self) -> &[ClassRule] {
        &self.classes
    }

    /// The grounds, in the order of the list.
    pub fn grounds(&self) -> &[GroundRule] {
        &self.grounds
    }

    /// The rule of a ground.
    pub fn ground(&self, ground: GroundKind) -> &GroundRule {
        // One entry a ground, in the order of the list: `read` sees to it.
        &self.grounds[ground as usize]
    }

    /// Whether some ground other than approval serves the purpose.
    pub fn has_ground_for(&self, purpose: Purpose) -> bool {
        self.purposes_with_ground.contains(purpose)
    }

    /// The clauses that a reason rests on; never empty.
    pub fn clauses(&self, reason: ReasonCode) -> &[Clause] {
        self.reasons.get(reason as usize).map_or(&[], Vec::as_slice)
    }

    /// The clauses by which an item isn't CPNI (P1).
    pub fn not_cpni_clauses(&self, item: NotCpni) -> &[Clause] {
        self.not_cpni.get(item as usize).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests;
