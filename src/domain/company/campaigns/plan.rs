//! What is proposed as a campaign: all that its supervisor must know to approve it (F10, 64.2009(c)).

use serde::{Deserialize, Serialize};

use crate::domain::company::register::{ItemId, OwnWords, invalid};
use crate::domain::customer::Context;
use crate::domain::ids::{Category, EntityId};
use crate::domain::question::Question;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::{
    CpniClasses, NotCpniItems, Purpose, RecipientKind, RecipientKinds, closed_list,
};

/// Products that one campaign may offer.
pub const PRODUCTS_MAX: usize = 16;
/// Categories that one campaign may be about.
pub const TARGETS_MAX: usize = 16;

closed_list! {
    /// What a campaign does that a supervisor must approve before (R21, 64.2009(d)).
    Outbound,
    /// A set of what a campaign does.
    Outbounds {
        /// It draws a list of customers by the rules.
        List = "list",
        /// It asks customers for their approval.
        ApprovalRequest = "approval_request",
    }
}

/// Who may run a campaign.
const CAMPAIGNERS: RecipientKinds = RecipientKinds::of(RecipientKind::Company)
    .with(RecipientKind::Parent)
    .with(RecipientKind::Affiliate)
    .with(RecipientKind::Agent)
    .with(RecipientKind::PartnerOrContractor)
    .with(RecipientKind::ThirdParty);

/// A campaign as proposed. Every field is always written: the state keeps it as records do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is, in the company's own words.
    pub description: OwnWords,
    /// What it does.
    pub does: Outbounds,
    /// What for.
    pub purpose: Purpose,
    /// The CPNI that it uses or discloses.
    pub classes: CpniClasses,
    /// The CPNI by which customers are selected; it counts like what is used (R13).
    pub selected_by: CpniClasses,
    /// Who runs it: the company itself, or an affiliate or third party.
    pub recipient: RecipientKind,
    /// By name, unless it is the company (R12).
    pub entity: Option<EntityId>,
    /// The service categories that are marketed.
    pub target_categories: Vec<Category>,
    /// The products offered, by the company's own ids.
    pub products: Vec<ItemId>,
    /// The first instant at which it may do anything.
    pub starts_at: Time,
    /// The first instant at which it may no more.
    pub ends_at: Time,
}

impl Plan {
    /// What is asked about each customer before the campaign uses anything (F9).
    pub fn question(&self) -> Question {
        Question {
            purpose: self.purpose,
            classes: self.classes,
            selected_by: self.selected_by,
            not_cpni: NotCpniItems::NONE,
            recipient: self.recipient,
            entity: self.entity.clone(),
            source_category: None,
            target_categories: self.target_categories.clone(),
            offering: None,
            call: None,
            ground: None,
        }
    }

    /// Whether the instant lies in its dates.
    pub fn runs_at(&self, at: Time) -> bool {
        self.starts_at <= at && at < self.ends_at
    }

    /// Whether it may do something in the time from `from` until before `until`, where they are given.
    pub fn runs_within(&self, from: Option<Time>, until: Option<Time>) -> bool {
        from.is_none_or(|from| self.ends_at > from) && until.is_none_or(|end| self.starts_at < end)
    }

    pub(super) fn require_complete(&self, context: &Context<'_>) -> Result<(), Refusal> {
        let faults = [
            (
                self.does.is_empty(),
                "does",
                "at least one; a supervisor approves what it does",
            ),
            (
                !self.purpose.is_marketing() && self.purpose != Purpose::OtherApproved,
                "purpose",
                "marketing, or another purpose that customers opt in to",
            ),
            (
                self.classes.union(self.selected_by).is_empty(),
                "classes",
                "the CPNI that it uses, or is selected by (64.2009(c))",
            ),
            (
                self.target_categories.len() > TARGETS_MAX,
                "target_categories",
                "16 at most",
            ),
            (
                self.products.is_empty() || self.products.len() > PRODUCTS_MAX,
                "products",
                "1 to 16 products that it offers (64.2009(c))",
            ),
            (
                self.starts_at >= self.ends_at,
                "ends_at",
                "an instant after `starts_at`",
            ),
            (
                self.ends_at <= context.now,
                "ends_at",
                "an instant that lies ahead",
            ),
        ];
        if let Some((_, field, wanted)) = faults.into_iter().find(|(wrong, ..)| *wrong) {
            let why = format!("the plan's {field} won't do; it takes {wanted}");
            return Err(invalid(&format!("plan.{field}"), why));
        }
        let unknown = (self.target_categories.iter()).find(|one| !context.rulebook.knows(one));
        if let Some(category) = unknown {
            return Err(Refusal::new(
                RefusalCode::CategoryUnknown,
                "plan.target_categories",
                format!("the rulebook has no service category {category}"),
            ));
        }
        self.require_campaigner(context)
    }

    fn require_campaigner(&self, context: &Context<'_>) -> Result<(), Refusal> {
        if !CAMPAIGNERS.contains(self.recipient) {
            let why = format!("{} runs no campaigns", self.recipient);
            return Err(invalid("plan.recipient_kind", why));
        }
        match (&self.entity, self.recipient) {
            (None, RecipientKind::Company) => Ok(()),
            (Some(_), RecipientKind::Company) => Err(invalid(
                "plan.entity",
                "the company itself goes without a name",
            )),
            (None, _) => Err(invalid(
                "plan.entity",
                "who else runs a campaign is named (R12)",
            )),
            (Some(entity), kind) => {
                let registered = context.company.entities.get(entity);
                let holds = registered.is_some_and(|one| one.kinds(context.now).contains(kind));
                match holds {
                    true => Ok(()),
                    false => Err(Refusal::new(
                        RefusalCode::EntityState,
                        "plan.entity",
                        format!("{entity} is not registered as {kind} now; register it first"),
                    )),
                }
            }
        }
    }
}
