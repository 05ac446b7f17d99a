//! Reading a rulebook: every fault names its line and its rule (P17).

use std::ops::Range;

use jiff::tz::TimeZone;
use toml::Spanned;

use super::source::{self, Name, Source};
use super::{
    BreachRules, BreachText, CategoryRule, ClassRule, ErasureRules, Exception, GroundRule, Periods,
    Rulebook, Switches,
};
use crate::domain::disclosures::grounds::{Fact, Facts, GroundKind};
use crate::domain::ids::Category;
use crate::domain::ruling::ReasonCode;
use crate::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, NotCpni, NotCpniItems, Purpose, Purposes,
    RecipientKind, RecipientKinds,
};

/// Categories whose users' location the statute itself puts under opt-in (47 USC 222(f)).
const LOCATED: [&str; 2] = ["cmrs", "voip"];

/// Days for the digest of a one-time approval's recording, where the rulebook says nothing (P4).
const EVIDENCE_DAYS: u32 = 30;

/// Why a rulebook can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rulebook, line {line}, {rule}: {message}")]
pub struct RulebookError {
    /// The line, from 1.
    pub line: usize,
    /// The rule as a path in the file, e.g. `grounds.legal.facts`.
    pub rule: String,
    /// What is wrong, with the value, and what is expected.
    pub message: String,
}

impl Rulebook {
    /// Reads a rulebook from TOML. `digest` is the SHA-256 of the text's bytes.
    ///
    /// # Errors
    /// The first fault found: a key or name that nobody knows, a rule, clause or citation that is missing, a period out of range.
    pub fn parse(text: &str, digest: [u8; 32]) -> Result<Self, RulebookError> {
        let source: Source = toml::from_str(text)
            .map_err(|error| fault(text, error.span().unwrap_or(0..0), "", error.message()))?;
        Reader {
            text,
            source: &source,
        }
        .read(digest)
    }
}

/// A fault at a place of the text; `rule` or, where that is empty, what stands there.
pub(super) fn fault(text: &str, span: Range<usize>, rule: &str, message: &str) -> RulebookError {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let rule = if rule.is_empty() {
        rule_at(text, line)
    } else {
        rule.to_owned()
    };
    RulebookError {
        line,
        rule,
        message: message.to_owned(),
    }
}

/// The table and key that a line belongs to.
fn rule_at(text: &str, line: usize) -> String {
    let until: Vec<&str> = text.lines().take(line).collect();
    let header = |line: &&&str| line.starts_with('[') && line.trim_end().ends_with(']');
    let table =
        (until.iter().rev().find(header)).map_or("", |line| line.trim().trim_matches(['[', ']']));
    let key =
        (until.last().and_then(|line| line.split_once('='))).map_or("", |(key, _)| key.trim());
    match (table, key) {
        ("", "") => "file".to_owned(),
        ("", one) | (one, "") => one.to_owned(),
        (table, key) => format!("{table}.{key}"),
    }
}

/// A rulebook's text and what TOML made of it.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) source: &'a Source,
}

pub(super) type Read<T> = Result<T, RulebookError>;

impl Reader<'_> {
    fn read(&self, digest: [u8; 32]) -> Read<Rulebook> {
        let source = self.source;
        self.sensible()?;
        let grounds = self.each(
            &source.grounds,
            "grounds",
            GroundKind::EVERY,
            GroundKind::name,
            |ground, rule| self.ground(ground, rule),
        )?;
        let purposes_with_ground = (grounds.iter())
            .filter(|rule| rule.ground != GroundKind::Approval)
            .filter(|rule| rule.ground != GroundKind::WrittenRequest)
            .fold(Purposes::NONE, |all, rule| all.union(rule.purposes));
        Ok(Rulebook {
            name: source.name.get_ref().clone(),
            version: source.version.get_ref().clone(),
            digest,
            zone: self.zone()?,
            zone_name: source.zone.get_ref().clone(),
            periods: self.periods()?,
            list_hours: self.within(&source.campaigns.list_hours, 1..=168, "hours")?,
            erasure: self.erasure()?,
            breaches: self.breaches()?,
            switches: self.switches()?,
            grant_methods: self.set(
                &source.verification.grant,
                "verification method",
                AssuranceMethod::parse,
            )?,
            live_methods: self.set(
                &source.verification.live,
                "verification method",
                AssuranceMethod::parse,
            )?,
            authentication: self.caller_rules()?,
            categories: self.categories()?,
            exceptions: self.exceptions()?,
            classes: self.each(
                &source.classes,
                "classes",
                CpniClass::EVERY,
                CpniClass::name,
                |class, rule| {
                    Ok(ClassRule {
                        class,
                        examples: rule.examples.clone(),
                        clauses: self.cited(&rule.clauses)?,
                    })
                },
            )?,
            not_cpni: self.each(
                &source.not_cpni,
                "not_cpni",
                NotCpni::EVERY,
                NotCpni::name,
                |_, clauses| clauses.iter().map(|name| self.clause(name)).collect(),
            )?,
            grounds,
            purposes_with_ground,
            dated: self.dated()?,
            reasons: self.each(
                &source.reasons,
                "reasons",
                ReasonCode::EVERY,
                ReasonCode::name,
                |_, clauses| self.cited(clauses),
            )?,
        })
    }

    fn sensible(&self) -> Read<()> {
        let source = self.source;
        for name in [&source.name, &source.version] {
            if Category::parse(name.get_ref()).is_none() {
                let message = format!("\"{}\" is not 1 to 64 of a-z 0-9 . _ -", name.get_ref());
                return self.fault(name.span(), message);
            }
        }
        for clause in source.clauses.values() {
            for part in [&clause.reference, &clause.text] {
                if part.get_ref().trim().is_empty() {
                    return self.fault(
                        part.span(),
                        "a clause has a reference and a text; it is empty",
                    );
                }
            }
        }
        Ok(())
    }

    pub(super) fn zone(&self) -> Read<TimeZone> {
        let zone = &self.source.zone;
        TimeZone::get(zone.get_ref()).or_else(|_| {
            let message = format!(
                "\"{}\" is no zone of the IANA database; write e.g. America/Denver",
                zone.get_ref()
            );
            self.fault(zone.span(), message)
        })
    }

    fn periods(&self) -> Read<Periods> {
        let periods = &self.source.periods;
        Ok(Periods {
            occurred_back_hours: self.within(&periods.occurred_back_hours, 0..=168, "hours")?,
            verification_minutes: self.within(&periods.verification_minutes, 1..=60, "minutes")?,
            one_time_hours: self.within(&periods.one_time_hours, 1..=24, "hours")?,
            one_time_evidence_days: match &periods.one_time_evidence_days {
                Some(days) => self.within(days, 1..=365, "days")?,
                None => EVIDENCE_DAYS,
            },
            // A year at least (64.2007(a)(3), 64.2008(a)(2), 64.2009(c)); 366 days hold one in any case.
            retention_days: self.within(&periods.retention_days, 366..=36_600, "days")?,
        })
    }

    /// A rulebook that says nothing of erasure gives nobody a right to it.
    fn erasure(&self) -> Read<ErasureRules> {
        let Some(rules) = &self.source.erasure else {
            return Ok(ErasureRules::default());
        };
        Ok(ErasureRules {
            enabled: rules.enabled,
            within_days: self.within(&rules.within_days, 1..=365, "days")?,
            clauses: self.cited(&rules.clauses)?,
        })
    }

    fn breaches(&self) -> Read<BreachRules> {
        let rules = &self.source.breaches;
        let business_days = |days| self.within(days, 1..=30, "business days");
        Ok(BreachRules {
            text: BreachText::Of2007,
            agencies_business_days: business_days(&rules.agencies_business_days)?,
            customers_after_business_days: business_days(&rules.customers_after_business_days)?,
            customers_within_days: self.within(&rules.customers_within_days, 1..=90, "days")?,
            summary_below_customers: self.within(
                &rules.summary_below_customers,
                0..=1_000_000,
                "customers",
            )?,
            hold_days: self.within(&rules.hold_days, 1..=90, "days")?,
        })
    }

    pub(super) fn within(
        &self,
        value: &Spanned<u32>,
        range: std::ops::RangeInclusive<u32>,
        unit: &str,
    ) -> Read<u32> {
        if range.contains(value.get_ref()) {
            return Ok(*value.get_ref());
        }
        let message = format!(
            "{} is out of range; it takes {} to {} {unit}",
            value.get_ref(),
            range.start(),
            range.end()
        );
        self.fault(value.span(), message)
    }

    fn switches(&self) -> Read<Switches> {
        let switches = &self.source.switches;
        let able = RecipientKinds::of(RecipientKind::Company)
            .with(RecipientKind::Agent)
            .with(RecipientKind::Affiliate);
        for name in &switches.held_category_recipients {
            if !RecipientKind::parse(name.get_ref()).is_some_and(|kind| able.contains(kind)) {
                let message = format!(
                    "\"{}\" can't market within held categories; it takes company, agent, affiliate",
                    name.get_ref()
                );
                return self.fault(name.span(), message);
            }
        }
        Ok(Switches {
            opt_out: switches.opt_out,
            block_reaches_held_categories: switches.block_reaches_held_categories,
            held_category_recipients: self.set(
                &switches.held_category_recipients,
                "recipient",
                RecipientKind::parse,
            )?,
        })
    }

    fn categories(&self) -> Read<Vec<CategoryRule>> {
        let table = &self.source.categories;
        if table.get_ref().is_empty() {
            return self.fault(table.span(), "no service category; name at least one");
        }
        (table.get_ref().iter())
            .map(|(name, rule)| match Category::parse(name.get_ref()) {
                Some(category) => Ok(CategoryRule {
                    location_by_opt_in: self.location_by_opt_in(&category, rule)?,
                    category,
                    title: rule.title.clone(),
                }),
                None => self.fault(
                    name.span(),
                    "a category's name takes 1 to 64 of a-z 0-9 . _ -",
                ),
            })
            .collect()
    }

    /// No rulebook takes from mobile and VoIP users what the statute gives them (47 USC 222(f)).
    fn location_by_opt_in(&self, category: &Category, rule: &source::Category) -> Read<bool> {
        let by_opt_in = &rule.location_by_opt_in;
        if !by_opt_in.get_ref() && LOCATED.contains(&category.as_str()) {
            let message = format!(
                "the location of {category} users takes opt-in (47 USC 222(f)); write true"
            );
            return self.fault(by_opt_in.span(), message);
        }
        Ok(*by_opt_in.get_ref())
    }

    fn exceptions(&self) -> Read<Vec<Exception>> {
        let mut exceptions = Vec::new();
        for (name, rule) in &self.source.exceptions {
            self.cited(&rule.clauses)?;
            exceptions.push(Exception {
                offering: name.get_ref().clone(),
                when_held: self.held_categories(&rule.when_held)?,
            });
        }
        // Off: they are checked all the same, and never met.
        Ok(match self.source.switches.exceptions {
            true => exceptions,
            false => Vec::new(),
        })
    }

    fn held_categories(&self, names: &Spanned<Vec<Name>>) -> Read<Vec<Category>> {
        if names.get_ref().is_empty() {
            return self.fault(
                names.span(),
                "an exception names the categories of which one must be held",
            );
        }
        (names.get_ref().iter())
            .map(|name| match Category::parse(name.get_ref()) {
                Some(category) if self.source.categories.get_ref().contains_key(name) => {
                    Ok(category)
                }
                _ => self.fault(name.span(), format!("no category \"{}\"", name.get_ref())),
            })
            .collect()
    }

    fn ground(&self, ground: GroundKind, rule: &source::Ground) -> Read<GroundRule> {
        let purposes: Purposes = self.set(&rule.purposes, "purpose", Purpose::parse)?;
        if purposes.contains(Purpose::CompetitorTracking) {
            return self.never(
                &rule.purposes,
                "competitor_tracking is never allowed (64.2005(b)(2))",
            );
        }
        let marketing = purposes.contains(Purpose::MarketingComms)
            || purposes.contains(Purpose::MarketingOther);
        if marketing && ground != GroundKind::Approval {
            return self.never(
                &rule.purposes,
                "marketing takes approval; no other ground serves it",
            );
        }
        Ok(GroundRule {
            ground,
            purposes,
            recipients: self.set_or_all(
                &rule.recipients,
                "recipient",
                RecipientKind::parse,
                RecipientKinds::ALL,
            )?,
            classes: self.set_or_all(&rule.classes, "class", CpniClass::parse, CpniClasses::ALL)?,
            classes_to_customer: self.set(&rule.classes_to_customer, "class", CpniClass::parse)?,
            not_cpni: self.set_or_all(&rule.not_cpni, "item", NotCpni::parse, NotCpniItems::ALL)?,
            facts: self.facts(ground, &rule.facts)?,
            verified: self.set(&rule.verified, "recipient", RecipientKind::parse)?,
            clauses: self.cited(&rule.clauses)?,
        })
    }

    fn never<T>(&self, names: &[Name], message: &str) -> Read<T> {
        self.fault(names.first().map_or(0..0, Spanned::span), message)
    }

    fn facts(&self, ground: GroundKind, names: &[Name]) -> Read<Facts> {
        for name in names {
            let fact = Fact::parse(name.get_ref());
            if !fact.is_some_and(|fact| ground.facts().contains(fact)) {
                let known: Vec<_> = ground.facts().members().map(Fact::name).collect();
                let message = format!(
                    "ground {ground} has no fact \"{}\"; it has {}",
                    name.get_ref(),
                    known.join(", ")
                );
                return self.fault(name.span(), message);
            }
        }
        self.set(names, "fact", Fact::parse)
    }
}
