//! The question "may we?" as flags.

use serde_json::{Value, json};

use crate::domain::ids::{Category, EntityId};
use crate::domain::question::Question;
use crate::domain::vocabulary::{CpniClass, CpniClasses, NotCpniItems, Purpose, RecipientKind};
use crate::proto::v1 as wire;

/// What is asked.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// CPNI class, may be repeated: quantity, technical_configuration, type, destination, location, amount_of_use, billing, call_detail.
    #[arg(long = "class", value_name = "CLASS", value_parser = class)]
    classes: Vec<CpniClass>,
    /// What for: marketing_comms, marketing_other, service, billing, legal, rights ... [default: marketing_comms].
    #[arg(long, value_name = "PURPOSE", requires = "classes", value_parser = purpose)]
    purpose: Option<Purpose>,
    /// Who uses it: company, parent, affiliate, agent, partner_or_contractor, third_party ... [default: company].
    #[arg(long, value_name = "KIND", requires = "classes", value_parser = recipient)]
    recipient: Option<RecipientKind>,
    /// The named entity.
    #[arg(long, value_name = "ENTITY", requires = "classes", value_parser = entity)]
    entity: Option<EntityId>,
    /// Category that is marketed, may be repeated: local, interexchange, cmrs, voip ...
    #[arg(long = "target", value_name = "CATEGORY", requires = "classes", value_parser = category)]
    targets: Vec<Category>,
}

fn class(name: &str) -> Result<CpniClass, String> {
    CpniClass::parse(name).ok_or_else(|| unknown(name))
}

fn purpose(name: &str) -> Result<Purpose, String> {
    Purpose::parse(name).ok_or_else(|| unknown(name))
}

fn recipient(name: &str) -> Result<RecipientKind, String> {
    RecipientKind::parse(name).ok_or_else(|| unknown(name))
}

fn entity(name: &str) -> Result<EntityId, String> {
    EntityId::parse(name).ok_or_else(|| unknown(name))
}

fn category(name: &str) -> Result<Category, String> {
    Category::parse(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> String {
    format!("`{name}` is none of the list")
}

impl Asked {
    /// May the company use these to market those?
    pub fn marketing(class: CpniClass, targets: &[&str]) -> Self {
        Self {
            classes: vec![class],
            purpose: None,
            recipient: None,
            entity: None,
            targets: targets
                .iter()
                .filter_map(|target| Category::parse(target))
                .collect(),
        }
    }

    /// Whether anything is asked about.
    pub fn is_nothing(&self) -> bool {
        self.classes.is_empty()
    }

    fn purpose(&self) -> Purpose {
        self.purpose.unwrap_or(Purpose::MarketingComms)
    }

    fn recipient(&self) -> RecipientKind {
        self.recipient.unwrap_or(RecipientKind::Company)
    }

    /// The question for a server.
    pub fn message(&self) -> wire::Question {
        let number = |prefix: &str, name: &str| format!("{prefix}_{}", name.to_ascii_uppercase());
        let class = |class: &CpniClass| {
            wire::CpniClass::from_str_name(&number("CPNI_CLASS", class.name())).unwrap_or_default()
        };
        let purpose = wire::Purpose::from_str_name(&number("PURPOSE", self.purpose().name()));
        let recipient = number("RECIPIENT_KIND", self.recipient().name());
        let recipient = wire::RecipientKind::from_str_name(&recipient);
        wire::Question {
            purpose: purpose.unwrap_or_default().into(),
            classes: self.classes.iter().map(|one| class(one).into()).collect(),
            recipient_kind: recipient.unwrap_or_default().into(),
            entity: self
                .entity
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            target_categories: self.targets.iter().map(ToString::to_string).collect(),
            ..wire::Question::default()
        }
    }

    /// The question as the rules take it.
    pub fn question(&self) -> Question {
        Question {
            purpose: self.purpose(),
            classes: self.classes.iter().copied().collect(),
            selected_by: CpniClasses::default(),
            not_cpni: NotCpniItems::default(),
            recipient: self.recipient(),
            entity: self.entity.clone(),
            source_category: None,
            target_categories: self.targets.clone(),
            offering: None,
            call: None,
            ground: None,
        }
    }

    /// The question as a file has it, by the names of the lists.
    pub fn to_json(&self) -> Value {
        json!({
            "classes": self.classes.iter().map(|class| class.name()).collect::<Vec<_>>(),
            "purpose": self.purpose().name(),
            "recipient": self.recipient().name(),
            "entity": self.entity.as_ref().map(EntityId::as_str),
            "targets": self.targets.iter().map(Category::as_str).collect::<Vec<_>>(),
        })
    }

    /// What [`Asked::to_json`] wrote.
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let list = |name: &str| {
            let items = value.get(name)?.as_array()?.iter();
            items.map(Value::as_str).collect::<Option<Vec<_>>>()
        };
        Some(Self {
            classes: (list("classes")?.into_iter())
                .map(CpniClass::parse)
                .collect::<Option<_>>()?,
            purpose: Some(Purpose::parse(text("purpose")?)?),
            recipient: Some(RecipientKind::parse(text("recipient")?)?),
            entity: match text("entity") {
                Some(entity) => Some(EntityId::parse(entity)?),
                None => None,
            },
            targets: (list("targets")?.into_iter())
                .map(Category::parse)
                .collect::<Option<_>>()?,
        })
    }
}
