//! The stage on which the story is played: the page, the callers, and what was recorded so far.

use super::callers::{Callers, customer};
use super::print::Page;
use super::surprise::{Surprise, same, there};
use super::words;
use crate::proto::v1 as wire;
use wire::as_of::Moment;
use wire::bulk_check_use_response::Answer;
use wire::{
    AsOf, BulkCheckUseRequest, CheckUseRequest, CommandReceipt, Question, ReasonCode, Ruling,
};

/// The customer whom the story follows.
pub const MAIN: &str = "ACCT-1001";

/// How much of an answer is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Reasons, clauses word for word, and what would make it yes.
    Full,
    /// Reasons, and where their clauses stand.
    Brief,
}

/// What the chapters work with.
pub struct Scene<'a> {
    /// What a person sees.
    pub page: &'a mut Page,
    /// Who calls the ledger.
    pub callers: Callers,
    /// The newest record that the demo knows of.
    pub head: u64,
    /// The record of the main customer's grant.
    pub grant: u64,
    /// The record of the main customer's denial of one affiliate.
    pub denial: u64,
    /// The record of the disclosure under a gag order.
    pub gagged: u64,
}

impl Scene<'_> {
    /// Takes note of a command that was recorded.
    ///
    /// # Errors
    /// When the answer has no receipt, or repeats an earlier one.
    pub fn recorded(
        &mut self,
        receipt: Option<CommandReceipt>,
    ) -> Result<CommandReceipt, Surprise> {
        let receipt = there("the command's receipt", receipt)?;
        same("repeated", receipt.repeated, false)?;
        same(
            "the command's first record",
            receipt.first_position,
            self.head + 1,
        )?;
        self.head = receipt.position;
        Ok(receipt)
    }

    /// As [`Scene::recorded`], and prints it.
    ///
    /// # Errors
    /// As [`Scene::recorded`].
    pub fn tell_recorded(
        &mut self,
        what: &str,
        receipt: Option<CommandReceipt>,
    ) -> Result<CommandReceipt, Surprise> {
        let receipt = self.recorded(receipt)?;
        let span = words::span(receipt.first_position, receipt.position);
        self.page.done(&format!("{what}: {span}"));
        Ok(receipt)
    }

    /// Asks a question, reading the demo's own writes.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn ruling(&mut self, id: &str, question: Question) -> Result<Ruling, Surprise> {
        self.ruling_as_of(None, id, question).await
    }

    async fn ruling_as_of(
        &mut self,
        position: Option<u64>,
        id: &str,
        question: Question,
    ) -> Result<Ruling, Surprise> {
        let request = CheckUseRequest {
            customer: customer(id),
            question: Some(question),
            min_position: self.head,
            as_of: position.map(|position| AsOf {
                moment: Some(Moment::Position(position)),
            }),
            ..CheckUseRequest::default()
        };
        let response = self.callers.checks.check_use(request).await?.into_inner();
        there("the ruling", response.ruling)
    }

    /// Asks the same about each of those customers, over one stream, reading the demo's own writes; in their order.
    ///
    /// # Errors
    /// When the call fails, or a customer is refused an answer.
    pub async fn rulings(
        &mut self,
        ids: Vec<String>,
        question: Question,
    ) -> Result<Vec<Ruling>, Surprise> {
        let (head, count) = (self.head, ids.len());
        let requests = ids.into_iter().enumerate().map(move |(index, id)| {
            let first = index == 0;
            BulkCheckUseRequest {
                customer: customer(&id),
                // The question stands until another is asked.
                question: first.then(|| question.clone()),
                min_position: if first { head } else { 0 },
                ..BulkCheckUseRequest::default()
            }
        });
        let requests = tokio_stream::iter(requests);
        let answers = self.callers.checks.bulk_check_use(requests).await?;
        let (mut answers, mut rulings) = (answers.into_inner(), Vec::with_capacity(count));
        while let Some(response) = answers.message().await? {
            let ruling = match response.answer {
                Some(Answer::Ruling(ruling)) => Some(ruling),
                _ => None,
            };
            rulings.push(there("a ruling of the list", ruling)?);
        }
        same("answers about the list", rulings.len(), count)?;
        Ok(rulings)
    }

    /// Asks, checks that the answer is the one that the story needs, and prints both.
    ///
    /// # Errors
    /// When the answer is another one.
    pub async fn ask(
        &mut self,
        (asked, id, question): (&str, &str, Question),
        (allowed, code): (bool, ReasonCode),
        detail: Detail,
    ) -> Result<Ruling, Surprise> {
        self.page.act(asked);
        let ruling = self.ruling(id, question).await?;
        expect(asked, &ruling, allowed, code)?;
        words::tell(self.page, &ruling, detail);
        Ok(ruling)
    }

    /// As [`Scene::ask`], of the past: what the answer was when the record at `position` was the newest.
    ///
    /// # Errors
    /// As [`Scene::ask`].
    pub async fn ask_as_of(
        &mut self,
        position: u64,
        (asked, id, question): (&str, &str, Question),
        (allowed, code): (bool, ReasonCode),
    ) -> Result<Ruling, Surprise> {
        self.page.act(asked);
        let ruling = self.ruling_as_of(Some(position), id, question).await?;
        expect(asked, &ruling, allowed, code)?;
        words::tell(self.page, &ruling, Detail::Brief);
        Ok(ruling)
    }

    /// How many records there are, as the server says.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn reached(&mut self) -> Result<u64, Surprise> {
        let question = super::callers::may_market("local", &[wire::CpniClass::Billing]);
        Ok(self.ruling(MAIN, question).await?.position)
    }
}

/// Checks an answer and one of its reasons.
fn expect(asked: &str, ruling: &Ruling, allowed: bool, code: ReasonCode) -> Result<(), Surprise> {
    let codes: Vec<_> = ruling.reasons.iter().map(wire::Reason::code).collect();
    if ruling.allowed == allowed && codes.contains(&code) {
        Ok(())
    } else {
        Err(Surprise::otherwise(
            asked,
            (allowed, code),
            (ruling.allowed, codes),
        ))
    }
}
