//! The company's registers, now or as of a past moment (C4): each report is written once, over what this gives it.

use std::sync::Arc;

use tonic::Status;

use super::call::Call;
use super::convert::past::moment;
use super::convert::rulings::rulebook_version;
use super::convert::values::timestamp;
use super::doors::Doors;
use super::status;
use crate::domain::company::Company;
use crate::domain::customer::World;
use crate::domain::hindsight::Then;
use crate::domain::ids::Position;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::projections::Past;
use crate::proto::v1 as wire;

/// What was on record of the company, and by what a report on it is given.
pub struct Registers {
    /// The company.
    pub company: Arc<Company>,
    /// The instant that the report is for.
    pub now: Time,
    /// The rulebook in force then (R24).
    rulebook: Arc<Rulebook>,
    /// All records up to and with this one are reflected.
    position: Position,
    opt_out_since: Time,
    /// Where the report is of a past moment: the moment, for what was on record of customers.
    pub past: Option<Past>,
}

impl Registers {
    /// What the rules know besides a customer.
    pub fn world(&self) -> World<'_> {
        World {
            rulebook: &self.rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            known: None,
        }
    }

    /// The moment that the report is for.
    pub fn then(&self) -> Then {
        Then {
            at: self.now,
            through: Some(self.position),
        }
    }

    /// The rulebook in force at the moment.
    pub fn book(&self) -> &Rulebook {
        &self.rulebook
    }

    /// The newest record that is reflected, on the wire.
    pub fn position(&self) -> u64 {
        self.position.0
    }

    /// The instant that the report is for, on the wire.
    pub fn at(&self) -> Option<prost_types::Timestamp> {
        Some(timestamp(self.now))
    }

    /// The rulebook's name and version, on the wire.
    pub fn rulebook(&self) -> wire::RulebookVersion {
        rulebook_version(&self.rulebook.name, &self.rulebook.version)
    }

    /// SHA-256 of the rulebook's text.
    pub fn rulebook_digest(&self) -> Vec<u8> {
        self.rulebook.digest.to_vec()
    }
}

impl From<Past> for Registers {
    fn from(past: Past) -> Self {
        Self {
            position: past.position(None),
            company: Arc::clone(past.company()),
            now: past.then.at,
            rulebook: Arc::clone(&past.rulebook),
            opt_out_since: past.world().opt_out_since,
            past: Some(past),
        }
    }
}

impl Doors {
    /// The registers as of a past moment, or now where none is given; reflecting the record at `min_position` (C6).
    ///
    /// # Errors
    /// INVALID_ARGUMENT when the moment is none, OUT_OF_RANGE when it lies ahead of the ledger or before it,
    /// DEADLINE_EXCEEDED when the views don't reflect in time what they must, INTERNAL when they can't be read.
    pub async fn registers(
        &self,
        call: &Call,
        min_position: u64,
        as_of: Option<&wire::AsOf>,
    ) -> Result<Registers, Status> {
        match as_of {
            Some(_) => self.told_registers(call, min_position, as_of).await,
            None => {
                self.wait_for(call, Position(min_position)).await?;
                Ok(self.registers_now())
            }
        }
    }

    /// As [`Doors::registers`], where now, too, is a moment of histories: to read what they tell of customers up to it.
    ///
    /// # Errors
    /// As [`Doors::registers`].
    pub async fn told_registers(
        &self,
        call: &Call,
        min_position: u64,
        as_of: Option<&wire::AsOf>,
    ) -> Result<Registers, Status> {
        let (moment, min_position) = (moment(as_of, false)?, Position(min_position));
        match moment {
            Some(moment) => {
                self.wait_for(call, min_position).await?;
                self.wait_for_past(call, moment).await?;
            }
            None => self.wait_for_history(call, min_position).await?,
        }
        let read = move |doors: &Self| {
            let past = doors.views().pinned(moment.map(|moment| moment.as_of));
            past.map(Registers::from).map_err(status::view)
        };
        call.in_time(self.read_past(read)).await
    }

    fn registers_now(&self) -> Registers {
        // Position first: what is read after it can only be newer.
        let position = self.position();
        let company = self.views().company();
        Registers {
            now: self.views().now(),
            rulebook: Arc::clone(self.rulebook()),
            position,
            opt_out_since: self.views().world(&company).opt_out_since,
            past: None,
            company,
        }
    }
}
