//! Answers from the past (C4, R5): behind the same doors, from the history view.

use std::sync::Arc;

use tonic::Status;

use super::call::Call;
use super::convert::past::{Moment, voided_uses};
use super::convert::preferences::{Asked, preferences};
use super::convert::rulings::{Detail, Evaluated, ruling};
use super::doors::Doors;
use super::pages::{Page, token};
use super::registers::Registers;
use super::status;
use crate::access::Role;
use crate::domain::customer::{Customer, World, rule};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::question::Question;
use crate::domain::scope::Scope;
use crate::projections::Past;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

impl Doors {
    /// Waits until histories hold all that the moment, which is past, can be asked about.
    ///
    /// # Errors
    /// DEADLINE_EXCEEDED when they don't in time.
    pub async fn wait_for_past(&self, call: &Call, moment: Moment) -> Result<(), Status> {
        let views = self.views();
        if (views.is_past(moment.as_of, moment.hindsight)).map_err(status::view)? {
            return Ok(());
        }
        self.wait_for_history(call, Position(0)).await
    }

    /// Rules on a question now, or as of a moment that histories reflect.
    ///
    /// # Errors
    /// As [`Doors::rule`] and [`Doors::rule_then`]; DEADLINE_EXCEEDED when the past isn't read in time.
    pub async fn rule_at(
        &self,
        call: &Call,
        customer: SubjectRef,
        question: Question,
        detail: Detail,
        moment: Option<Moment>,
    ) -> Result<wire::Ruling, Status> {
        let Some(moment) = moment else {
            return self.rule(&customer, &question, detail);
        };
        let past = move |doors: &Self| doors.past(moment);
        let ruled = self.rule_then(call.caller.role, customer, question, detail, past);
        call.in_time(ruled).await
    }

    /// Rules on a question by the same records as the registers.
    ///
    /// # Errors
    /// As [`Doors::rule_at`].
    pub async fn rule_by(
        &self,
        call: &Call,
        customer: SubjectRef,
        question: Question,
        detail: Detail,
        registers: &Registers,
    ) -> Result<wire::Ruling, Status> {
        let Some(past) = registers.past.clone() else {
            return self.rule(&customer, &question, detail);
        };
        let past = move |_: &Self| Ok(past);
        let ruled = self.rule_then(call.caller.role, customer, question, detail, past);
        call.in_time(ruled).await
    }

    /// Rules on a question as of a past moment; one who was not known then is answered no (R16). What was true before a
    /// customer was erased is for who sees whole histories (E8).
    ///
    /// # Errors
    /// OUT_OF_RANGE when the moment lies ahead, FAILED_PRECONDITION when the customer was erased since, INTERNAL when vault
    /// or views can't be read.
    pub async fn rule_then(
        &self,
        role: Role,
        customer: SubjectRef,
        question: Question,
        detail: Detail,
        past: impl FnOnce(&Self) -> Result<Past, Status> + Send + 'static,
    ) -> Result<wire::Ruling, Status> {
        self.read_past(move |doors| {
            let past = past(doors)?;
            let then = doors.customer_then(&customer, &past)?;
            let was_erased = (then.as_ref()).is_some_and(|(_, then)| then.erased.is_some());
            // Who was erased since is not told of either way: a no would say that the customer came later.
            if !was_erased && doors.customer(&customer)?.is_some() {
                doors.known_to(role, &customer, "customer")?;
            }
            let customer = then.as_ref().map(|(_, customer)| customer);
            let used = doors.views().pic_request_used_by(&question, past.then);
            let world = World {
                pic_request_used: used.map_err(status::view)?,
                ..past.world()
            };
            let mut ruled = rule(customer, world, &question, past.then.at);
            if past.hindsight {
                // What was recorded since is in the answer: it has no end of its own.
                ruled.valid_until = None;
            }
            let evaluated = Evaluated {
                rulebook: &past.rulebook,
                at: past.then.at,
                position: past.position(customer),
                detail,
            };
            Ok(ruling(&ruled, &evaluated))
        })
        .await
    }

    /// Whether the ledger knew the customer at that past moment, not erased. What was true before a customer was erased is
    /// for who sees whole histories (E8).
    ///
    /// # Errors
    /// FAILED_PRECONDITION when the customer was erased since, INTERNAL when vault or views can't be read.
    pub async fn is_customer_then(
        &self,
        role: Role,
        customer: SubjectRef,
        past: Past,
    ) -> Result<bool, Status> {
        self.read_past(move |doors| {
            let then = doors.customer_then(&customer, &past)?;
            let is_customer = then.is_some_and(|(_, then)| then.erased.is_none());
            if is_customer {
                doors.known_to(role, &customer, "customer")?;
            }
            Ok(is_customer)
        })
        .await
    }

    /// A customer's preferences as of a past moment; of one who was erased since only an auditor gets them.
    ///
    /// # Errors
    /// OUT_OF_RANGE when the moment lies ahead, NOT_FOUND when the customer was not known then, FAILED_PRECONDITION when
    /// the customer was erased.
    pub async fn preferences_then(
        &self,
        role: Role,
        customer: SubjectRef,
        scopes: Vec<Scope>,
        moment: Moment,
    ) -> Result<wire::GetPreferencesResponse, Status> {
        self.read_past(move |doors| {
            let past = doors.past(moment)?;
            doors.known_to(role, &customer, "customer")?;
            let (pseudonym, customer) = doors
                .customer_then(&customer, &past)?
                .ok_or_else(|| status::customer_unknown("customer"))?;
            if customer.erased.is_some() {
                return Err(status::customer_erased("customer"));
            }
            let asked = Asked {
                pseudonym,
                world: past.world(),
                at: past.then.at,
                position: past.position(Some(&customer)),
                scopes: &scopes,
            };
            Ok(preferences(&customer, &asked)?)
        })
        .await
    }

    /// The customer as of the registers' moment, who must be known then, and not erased.
    ///
    /// # Errors
    /// As [`Doors::known_or_erased_by`], and FAILED_PRECONDITION when the customer was erased by then.
    pub async fn known_by(
        &self,
        call: &Call,
        customer: SubjectRef,
        registers: &Registers,
    ) -> Result<Arc<Customer>, Status> {
        let customer = self.known_or_erased_by(call, customer, registers).await?;
        match customer.erased {
            None => Ok(customer),
            Some(_) => Err(status::customer_erased("customer")),
        }
    }

    /// The customer as of the registers' moment, who must be known then. What was true before a customer was erased
    /// is for who sees whole histories (E8).
    ///
    /// # Errors
    /// NOT_FOUND, FAILED_PRECONDITION when the customer was erased since, DEADLINE_EXCEEDED when the past isn't read in
    /// time, INTERNAL when vault or views can't be read.
    pub async fn known_or_erased_by(
        &self,
        call: &Call,
        customer: SubjectRef,
        registers: &Registers,
    ) -> Result<Arc<Customer>, Status> {
        let Some(past) = registers.past.clone() else {
            return Ok(self.known_or_erased(&customer)?.1);
        };
        let role = call.caller.role;
        let read = move |doors: &Self| {
            let then = doors.customer_then(&customer, &past)?;
            if (then.as_ref()).is_none_or(|(_, then)| then.erased.is_none()) {
                doors.known_to(role, &customer, "customer")?;
            }
            let (_, then) = then.ok_or_else(|| status::customer_unknown("customer"))?;
            Ok(Arc::new(then))
        };
        call.in_time(self.read_past(read)).await
    }

    /// One page of a customer's uses that hindsight didn't bear out at the registers' moment.
    ///
    /// # Errors
    /// NOT_FOUND, DEADLINE_EXCEEDED when it isn't read in time, INTERNAL when vault or views can't be read.
    pub async fn voided_uses(
        &self,
        call: &Call,
        customer: SubjectRef,
        page: Page,
        registers: Registers,
    ) -> Result<wire::ListVoidedUsesResponse, Status> {
        let read = move |doors: &Self| {
            let pseudonym = doors.pseudonym(&customer)?;
            let unknown = || status::customer_unknown("customer");
            let found = doors.views().voided_uses(
                pseudonym.ok_or_else(unknown)?,
                page.after_version,
                page.size,
                registers.then(),
            );
            let found = found.map_err(status::view)?.ok_or_else(unknown)?;
            Ok(wire::ListVoidedUsesResponse {
                uses: voided_uses(&found, Position(registers.position())),
                next_page_token: found.more_after.map(token).unwrap_or_default(),
                position: registers.position(),
                at: registers.at(),
                rulebook: Some(registers.rulebook()),
                rulebook_digest: registers.rulebook_digest(),
            })
        };
        call.in_time(self.read_past(read)).await
    }

    /// What was on record beside the customers.
    ///
    /// # Errors
    /// OUT_OF_RANGE when the moment lies ahead, INTERNAL when the views can't be read.
    pub fn past(&self, moment: Moment) -> Result<Past, Status> {
        let past = self.views().past(moment.as_of, moment.hindsight);
        past.map_err(status::view)
    }

    /// The customer's pseudonym and state then; `None` where the ledger knew no such customer.
    ///
    /// # Errors
    /// INTERNAL when vault or views can't be read.
    pub fn customer_then(
        &self,
        reference: &SubjectRef,
        past: &Past,
    ) -> Result<Option<(Pseudonym, Customer)>, Status> {
        let Some(pseudonym) = self.pseudonym(reference)? else {
            return Ok(None);
        };
        let customer = self.views().past_customer(pseudonym, past);
        let customer = customer.map_err(status::view)?;
        Ok(customer.map(|customer| (pseudonym, customer)))
    }
}
