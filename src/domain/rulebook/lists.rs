//! Names in a rulebook, held against the program's closed lists and the file's own clauses.

use std::ops::Range;

use toml::Spanned;

use super::read::{Read, Reader, fault};
use super::source::{Name, Table};
use super::{Clause, ClauseSource};

/// The word that stands for a whole list.
const ALL: &str = "all";

impl Reader<'_> {
    /// A fault at what stands there.
    pub(super) fn fault<T>(&self, span: Range<usize>, message: impl AsRef<str>) -> Read<T> {
        Err(fault(self.text, span, "", message.as_ref()))
    }

    pub(super) fn set<M, S: FromIterator<M>>(
        &self,
        names: &[Name],
        what: &str,
        parse: fn(&str) -> Option<M>,
    ) -> Read<S> {
        (names.iter())
            .map(|name| match parse(name.get_ref()) {
                Some(member) => Ok(member),
                None => self.fault(name.span(), format!("no {what} \"{}\"", name.get_ref())),
            })
            .collect()
    }

    pub(super) fn set_or_all<M, S: FromIterator<M>>(
        &self,
        names: &[Name],
        what: &str,
        parse: fn(&str) -> Option<M>,
        all: S,
    ) -> Read<S> {
        match names {
            [name] if name.get_ref() == ALL => Ok(all),
            names => self.set(names, what, parse),
        }
    }

    /// Reads one entry for each member of a closed list: none missing, none unknown.
    pub(super) fn each<M: Copy, S, T>(
        &self,
        table: &Spanned<Table<S>>,
        path: &str,
        every: &[M],
        name: fn(M) -> &'static str,
        read: impl Fn(M, &S) -> Read<T>,
    ) -> Read<Vec<T>> {
        let entries = table.get_ref();
        for known in entries.keys() {
            if !every.iter().any(|member| name(*member) == known.get_ref()) {
                let message = format!("\"{}\" is not one of {path}", known.get_ref());
                return self.fault(known.span(), message);
            }
        }
        (every.iter())
            .map(|member| {
                let entry = entries
                    .iter()
                    .find(|(key, _)| key.get_ref() == name(*member));
                match entry {
                    Some((_, entry)) => read(*member, entry),
                    None => Err(fault(
                        self.text,
                        table.span(),
                        &format!("{path}.{}", name(*member)),
                        "the rule is missing; every member of the list has one",
                    )),
                }
            })
            .collect()
    }

    pub(super) fn cited(&self, names: &Spanned<Vec<Name>>) -> Read<Vec<Clause>> {
        if names.get_ref().is_empty() {
            return self.fault(names.span(), "no clause is cited; name at least one");
        }
        names
            .get_ref()
            .iter()
            .map(|name| self.clause(name))
            .collect()
    }

    pub(super) fn clause(&self, name: &Name) -> Read<Clause> {
        let Some(clause) = self.source.clauses.get(name) else {
            return self.fault(
                name.span(),
                format!("no clause \"{}\" under [clauses]", name.get_ref()),
            );
        };
        let Some(source) = ClauseSource::parse(clause.source.get_ref()) else {
            let message = format!(
                "no source \"{}\"; it takes policy, cfr, usc, state",
                clause.source.get_ref()
            );
            return self.fault(clause.source.span(), message);
        };
        Ok(Clause {
            source,
            reference: clause.reference.get_ref().clone(),
            text: clause.text.get_ref().clone(),
        })
    }
}
