//! Words and their precedence, told as stories.

use super::precedence::later;
use super::speak::{WORDS_MAX, WORDS_WITH_GRANT_MAX};
use super::word::{BlockKind, Said, SpokenWord, Word};
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, Position};
use crate::domain::refusal::RefusalCode;
use crate::domain::ruling::{Basis, ReasonCode, Remedy, State};
use crate::domain::scope::{NamedRecipient, Recipients, Scope};
use crate::domain::testing::*;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClass::{
    AmountOfUse, Billing, CallDetail, Destination, Quantity, Type,
};
use crate::domain::vocabulary::RecipientKind::{self, Affiliate, Agent, Company, Parent};
use crate::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, Medium, Purposes, RecipientKinds, Speaker,
};

mod conditions;
mod precedence;

const ALL: CpniClasses = CpniClasses::ALL;

/// May the affiliate of that name (none: any) market mobile service?
fn affiliate(story: &Story, name: Option<&str>) -> (bool, State, Vec<u64>) {
    answer(story, Affiliate, name, Billing)
}

fn answer(
    story: &Story,
    kind: RecipientKind,
    name: Option<&str>,
    class: CpniClass,
) -> (bool, State, Vec<u64>) {
    let ruling = story.ask(&market_by(kind, name, class, "cmrs"));
    let positions = ruling.cells[0].positions.iter().map(|one| one.0).collect();
    (ruling.allowed, ruling.state, positions)
}
