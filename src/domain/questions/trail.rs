//! What the questions remember of a customer beside the state: approvals that the state has forgotten because they
//! ended, and which records were blocks.

use crate::domain::asserted::AssertedEvent;
use crate::domain::consent::word::OneTime;
use crate::domain::event::{Event, Placed};
use crate::domain::ids::Position;
use crate::domain::notices::NoticeEvent;
use crate::domain::notices::send::{Delivery, NoticeSent, OptOutClock};
use crate::domain::scope::Scope;
use crate::domain::time::Time;

/// One-time approvals that are remembered, the newest. A customer may have eight open, so an older one is over.
pub const ONE_TIME_MAX: usize = 32;
/// Blocks that are remembered, the newest; records before the oldest of them are taken for blocks.
pub const BLOCKS_MAX: usize = 1024;

/// Notices asking for opt-out approval that are remembered, the newest, failed ones among them.
pub const ASKED_MAX: usize = 64;

/// What the questions remember of a customer.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    asked: Vec<Asked>,
    one_time: Vec<Given>,
    blocks: Vec<Position>,
    forgotten_before: Position,
}

/// A one-time approval, and the record that ended it.
#[derive(Clone, Debug)]
pub struct Given {
    /// The approval.
    pub approval: OneTime,
    /// The end of its call, or a block of what it covers.
    pub ended_by: Option<Position>,
}

/// A notice that asked for opt-out approval, and the record that it failed.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its record.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Time,
    /// The way in which it was given.
    pub delivery: Delivery,
    /// Its clock.
    pub clock: OptOutClock,
    /// What it covers.
    pub covers: Scope,
    /// The record of its bounce or return.
    pub failed_by: Option<Position>,
}

impl Trail {
    /// The opt-out notice of that record.
    pub fn asked(&self, position: Position) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.position == position)
    }

    /// The opt-out notices that are remembered, oldest first.
    pub fn all_asked(&self) -> &[Asked] {
        &self.asked
    }

    /// The one-time approval of that record.
    pub fn one_time(&self, position: Position) -> Option<&Given> {
        (self.one_time.iter()).find(|given| given.approval.position == position)
    }

    /// The one-time approvals that are remembered.
    pub fn all_one_time(&self) -> &[Given] {
        &self.one_time
    }

    /// Whether that record was a block of the customer's.
    pub fn is_block(&self, position: Position) -> bool {
        position < self.forgotten_before || self.blocks.binary_search(&position).is_ok()
    }

    /// Goes on to what is known after the record.
    pub fn follow(&mut self, placed: &Placed<'_>) {
        match placed.event {
            Event::GrantedOnce(granted) => self.take(Given {
                approval: OneTime {
                    position: placed.position,
                    call: granted.grant.call,
                    scope: granted.grant.scope.clone(),
                    ends_at: granted.ends_at,
                },
                ended_by: None,
            }),
            Event::Notices(NoticeEvent::Sent(sent)) => self.ask(sent, placed),
            Event::Notices(NoticeEvent::Failed(failed)) => {
                let mut asked = self.asked.iter_mut();
                if let Some(asked) = asked.find(|asked| asked.position == failed.notice) {
                    asked.failed_by = Some(placed.position);
                }
            }
            Event::CallEnded(ended) => {
                self.end(placed.position, |given| given.call == ended.call);
            }
            Event::Blocked(blocked) => {
                self.remember_block(placed.position);
                let block = blocked.block.written_out();
                self.end(placed.position, |given| {
                    block.some_cell_of(&given.scope, |_| true)
                });
            }
            Event::Asserted(AssertedEvent::Blocked(_)) => self.remember_block(placed.position),
            _ => {}
        }
    }

    fn ask(&mut self, sent: &NoticeSent, placed: &Placed<'_>) {
        let Some(clock) = sent.opt_out else { return };
        self.asked.push(Asked {
            position: placed.position,
            recorded_at: placed.recorded_at,
            delivery: sent.delivery,
            clock,
            covers: sent.covers.clone(),
            failed_by: None,
        });
        if self.asked.len() > ASKED_MAX {
            self.asked.remove(0);
        }
    }

    fn take(&mut self, given: Given) {
        self.one_time.push(given);
        if self.one_time.len() > ONE_TIME_MAX {
            self.one_time.remove(0);
        }
    }

    fn end(&mut self, by: Position, ends: impl Fn(&OneTime) -> bool) {
        for given in &mut self.one_time {
            if given.ended_by.is_none() && ends(&given.approval) {
                given.ended_by = Some(by);
            }
        }
    }

    fn remember_block(&mut self, position: Position) {
        self.blocks.push(position);
        if self.blocks.len() > BLOCKS_MAX {
            self.forgotten_before = Position(self.blocks.remove(0).0 + 1);
        }
    }
}
