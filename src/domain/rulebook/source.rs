//! The shape of a rulebook file; every name and number carries its place, for the errors.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Name = Spanned<String>;
pub(super) type Table<T> = BTreeMap<Name, T>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub name: Name,
    pub version: Name,
    pub zone: Name,
    pub periods: Periods,
    pub switches: Switches,
    /// Texts of earlier releases, which ledgers keep, leave it out.
    pub erasure: Option<Erasure>,
    pub verification: Verification,
    pub campaigns: Campaigns,
    pub breaches: Breaches,
    pub authentication: Authentication,
    pub categories: Spanned<Table<Category>>,
    #[serde(default)]
    pub exceptions: Table<Exception>,
    pub classes: Spanned<Table<Class>>,
    pub not_cpni: Spanned<Table<Vec<Name>>>,
    pub grounds: Spanned<Table<Ground>>,
    pub rules: Spanned<Table<Dated>>,
    pub reasons: Spanned<Table<Spanned<Vec<Name>>>>,
    pub clauses: Table<Clause>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Periods {
    pub occurred_back_hours: Spanned<u32>,
    pub verification_minutes: Spanned<u32>,
    pub one_time_hours: Spanned<u32>,
    /// Texts of earlier releases, which ledgers keep, leave it out.
    pub one_time_evidence_days: Option<Spanned<u32>>,
    pub retention_days: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switches {
    pub opt_out: bool,
    pub block_reaches_held_categories: bool,
    pub exceptions: bool,
    pub held_category_recipients: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasure {
    pub enabled: bool,
    pub within_days: Spanned<u32>,
    pub clauses: Spanned<Vec<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verification {
    pub grant: Vec<Name>,
    pub live: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Campaigns {
    pub list_hours: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Breaches {
    pub agencies_business_days: Spanned<u32>,
    pub customers_after_business_days: Spanned<u32>,
    pub customers_within_days: Spanned<u32>,
    pub summary_below_customers: Spanned<u32>,
    pub hold_days: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authentication {
    pub stated_verifications: bool,
    pub business_contracts: bool,
    pub call_back_minutes: Spanned<u32>,
    pub of_record_days: Spanned<u32>,
    pub service_start_hours: Spanned<u32>,
    pub change_notice_minutes: Spanned<u32>,
    pub attempts_max: Spanned<u32>,
    pub portion_digits: Spanned<u32>,
    pub portion_letters: Spanned<u32>,
    pub pin_digits_min: Spanned<u32>,
    pub password_characters_min: Spanned<u32>,
    pub questions: Spanned<Vec<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Category {
    pub title: String,
    pub location_by_opt_in: Spanned<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub when_held: Spanned<Vec<Name>>,
    pub clauses: Spanned<Vec<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    pub examples: Vec<String>,
    pub clauses: Spanned<Vec<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ground {
    pub purposes: Vec<Name>,
    pub recipients: Vec<Name>,
    pub classes: Vec<Name>,
    #[serde(default)]
    pub classes_to_customer: Vec<Name>,
    pub not_cpni: Vec<Name>,
    pub facts: Vec<Name>,
    #[serde(default)]
    pub verified: Vec<Name>,
    pub clauses: Spanned<Vec<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dated {
    pub status: Name,
    pub effective_from: Option<Name>,
    pub effective_to: Option<Name>,
    pub numbers: Option<Spanned<Table<Spanned<u32>>>>,
    pub clauses: Spanned<Vec<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clause {
    pub source: Name,
    pub reference: Name,
    pub text: Name,
}
