//! From a fact to the line that asserts it: what `generate` writes, `import` reads.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use prost_types::Timestamp;

use super::row::{ALL, Row, Text};
use crate::proto::v1 as wire;
use wire::CpniClass;
use wire::asserted_fact::Fact;

impl Row {
    /// The line that asserts the fact. A restriction's exceptions are of its own recipients and purposes.
    pub fn write(customer: &str, fact: &wire::AssertedFact) -> Self {
        let mut row = Self::default();
        row.customer.0.push_str(customer);
        match &fact.fact {
            None => {}
            Some(Fact::Account(account)) => {
                row.fact = text("account");
                row.at = shown(account.opened_at.as_ref());
                row.until = shown(account.closed_at.as_ref());
                row.legal_entity = text(&account.legal_entity);
            }
            Some(Fact::Service(service)) => {
                row.fact = text("service");
                row.at = shown(service.opened_at.as_ref());
                row.until = shown(service.closed_at.as_ref());
                row.category = text(&service.category);
            }
            Some(Fact::Notice(notice)) => row.write_notice(notice),
            Some(Fact::Word(word)) => row.write_word(word),
            Some(Fact::Disclosure(made)) => row.write_disclosure(made),
        }
        row
    }

    fn write_notice(&mut self, notice: &wire::AssertedNotice) {
        self.fact = text("notice");
        self.at = shown(notice.given_at.as_ref());
        self.notice_version = text(&notice.version);
        self.form = bare(notice.form().as_str_name(), "MEDIUM_");
        self.language = text(&notice.language);
        self.write_scope(notice.covers.as_ref());
        self.opt_out = text(if notice.opt_out { "true" } else { "" });
        self.digest = text(&HEXLOWER.encode(&notice.text_digest));
    }

    fn write_word(&mut self, word: &wire::AssertedWord) {
        self.fact = bare(word.kind().as_str_name(), "WORD_KIND_");
        self.at = shown(word.said_at.as_ref());
        self.write_scope(word.scope.as_ref());
        self.except = classes(word.except.iter().flat_map(wire::Scope::classes));
        self.method = bare(word.method().as_str_name(), "MEDIUM_");
        self.speaker = bare(word.speaker().as_str_name(), "SPEAKER_");
        self.notice_version = text(&word.notice_version);
        self.digest = text(&HEXLOWER.encode(&word.evidence_digest));
        self.reference = text(&word.evidence_reference);
    }

    fn write_disclosure(&mut self, made: &wire::AssertedDisclosure) {
        self.fact = text("disclosure");
        self.at = shown(made.made_at.as_ref());
        self.recipients = bare(made.recipient_kind().as_str_name(), "RECIPIENT_KIND_");
        if !made.entity.is_empty() {
            // Writing to a text can't fail.
            let _ = write!(self.recipients.0, "/{}", made.entity);
        }
        self.classes = classes(made.classes());
        self.purposes = bare(made.purpose().as_str_name(), "PURPOSE_");
        self.ground = bare(made.ground().as_str_name(), "GROUND_KIND_");
        self.reference = text(&made.reference);
    }

    fn write_scope(&mut self, scope: Option<&wire::Scope>) {
        let Some(scope) = scope else { return };
        let kinds = scope.recipient_kinds();
        let kinds = kinds.map(|kind| bare(kind.as_str_name(), "RECIPIENT_KIND_").0);
        let named = scope.named_recipients.iter().map(|named| {
            let kind = bare(named.kind().as_str_name(), "RECIPIENT_KIND_");
            format!("{}/{}", kind.0, named.entity)
        });
        let purposes = (scope.purposes()).map(|one| bare(one.as_str_name(), "PURPOSE_").0);
        self.recipients = all_or(scope.all_recipients, listed(kinds.chain(named)));
        self.classes = all_or(scope.all_classes, classes(scope.classes()));
        self.purposes = all_or(scope.all_purposes, listed(purposes));
    }
}

fn text(text: &str) -> Text {
    Text(text.to_owned())
}

fn all_or(all: bool, listed: Text) -> Text {
    if all { text(ALL) } else { listed }
}

fn listed(names: impl Iterator<Item = String>) -> Text {
    Text(names.collect::<Vec<_>>().join(" "))
}

fn classes(classes: impl Iterator<Item = CpniClass>) -> Text {
    listed(classes.map(|class| bare(class.as_str_name(), "CPNI_CLASS_").0))
}

/// The name that records use; nothing for what isn't said.
fn bare(name: &str, prefix: &str) -> Text {
    match name.strip_prefix(prefix) {
        None | Some("UNSPECIFIED") => Text::default(),
        Some(name) => Text(name.to_ascii_lowercase()),
    }
}

fn shown(at: Option<&Timestamp>) -> Text {
    let at = at.and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok());
    Text(at.map(|at| at.to_string()).unwrap_or_default())
}
