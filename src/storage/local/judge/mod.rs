//! The rules of recovery: what tail and database together prove, and when to refuse.
//!
//! Pure: a [`Survey`] of the tail and a view of the database go in, [`Findings`] or a refusal come out, and nothing
//! is changed. The argument, step by step:
//!
//! 1. The newest complete slot was written last, and slots are written one at a time. So only one more write can have
//!    been under way. Where it would be, the page is *older or never written* (it had not begun, or had not got
//!    there), *torn* or *part of an unfinished slot* (it was never acknowledged): dropped. Or it is *bad*: no crash
//!    leaves that. An acknowledged block may have been there, and only the database can show it.
//! 2. Each block is in the tail before it is in the database. A database that goes further than the tail, with no
//!    bad page to explain it, was given an older tail: what else is missing can't be known.
//!    Nor can it when the database remembers an opening that the tail does not know of.
//! 3. Blocks that are in both must be equal, byte by byte.
//! 4. From the head backwards, each position must be in one of the two, linked by hash, down to what the tail
//!    no longer holds and as far as the check is to go. A gap is a refusal, because a slot is only ever overwritten
//!    when the database was known to hold it.

use std::collections::BTreeMap;

use super::{
    database::Blocks,
    page::{Page, pages_for},
    refusal::OpenError,
    ring::{Slot, Survey},
    tail::Cursor,
};
use crate::{
    ledger::{Hash, STORED_BLOCK_MAX, StoredBlock},
    storage::Head,
};

/// What recovery may build on.
#[derive(Debug)]
pub(super) struct Findings {
    pub head: Head,
    /// Blocks that the tail has and the database has not, in order.
    pub refill: Vec<StoredBlock>,
    /// Where the tail goes on.
    pub cursor: Cursor,
    /// What an operator should read.
    pub notes: Vec<String>,
}

/// Applies the rules. `check_bytes`: how far back the blocks are checked, whatever the tail holds.
pub(super) fn judge(
    survey: &Survey,
    database: &dyn Blocks,
    check_bytes: u64,
) -> Result<Findings, OpenError> {
    let newest_kept = database.before(u64::MAX)?;
    let database_next = newest_kept.as_ref().map_or(0, StoredBlock::next);
    let opened = database.opened()?;
    let Some(newest) = survey.slots.last() else {
        return fresh(survey, database_next, opened.is_some());
    };
    let mut notes = Vec::new();
    let end = walk_to_the_end(survey, newest, database, &mut notes)?;
    if database_next > end.next {
        return Err(OpenError::TailBehind {
            tail: end.next,
            database: database_next,
        });
    }
    if let Some(opened) = opened.filter(|opened| *opened >= end.cursor.sequence) {
        return Err(OpenError::TailOlder {
            slot: end.cursor.sequence.saturating_sub(1),
            opened,
            position: end.next,
        });
    }
    if database_next < newest.settled {
        notes.push(format!(
            "the database ends at position {database_next} and had been durable up to {}: it is an older copy or lost its newest part; the tail fills it up",
            newest.settled
        ));
    }
    if notes.is_empty() && survey.bad() > 0 {
        notes.push(format!(
            "{} pages of the tail are damaged; they hold nothing that is needed",
            survey.bad()
        ));
    }
    let refill = compare(survey, database)?;
    let last = check_back(survey, database, end.next, check_bytes)?;
    if end.last.is_some_and(|says| says != last) {
        return Err(OpenError::Unlinked {
            position: end.next,
            expected: end.last.unwrap_or(Hash::ZERO),
            found: last,
        });
    }
    Ok(Findings {
        head: Head {
            next: end.next,
            last,
        },
        refill,
        cursor: end.cursor,
        notes,
    })
}

/// A tail without a complete slot is one that was just created, or nothing we can read.
fn fresh(survey: &Survey, database_next: u64, opened: bool) -> Result<Findings, OpenError> {
    let mut pages = survey.pages.iter();
    let first = pages.next();
    let just_created = matches!(first, Some(Page::Zero | Page::Torn))
        && pages.all(|page| *page == Page::Zero)
        && database_next == 0
        && !opened;
    if !just_created {
        return Err(OpenError::TailUnreadable {
            bad: survey.bad(),
            database: database_next,
        });
    }
    Ok(Findings {
        head: Head::EMPTY,
        refill: Vec::new(),
        cursor: Cursor {
            page: 0,
            sequence: 0,
        },
        notes: Vec::new(),
    })
}

/// How far the log goes.
struct End {
    next: u64,
    /// The hash that the newest slot ends in, where it is known from the tail.
    last: Option<Hash>,
    cursor: Cursor,
}

/// What is where the next slot would begin.
enum Following {
    /// Nothing that was acknowledged.
    Nothing { unfinished: bool },
    /// A page that validates as nothing.
    Hidden { page: u64 },
}

/// Follows the slots past damaged pages, as long as the database shows what they held (rule 1).
fn walk_to_the_end(
    survey: &Survey,
    newest: &Slot,
    database: &dyn Blocks,
    notes: &mut Vec<String>,
) -> Result<End, OpenError> {
    let mut end = End {
        next: newest.next(),
        last: Some(newest.last()),
        cursor: Cursor {
            page: newest.page + newest.count,
            sequence: newest.sequence + 1,
        },
    };
    // After an orderly close the next slot is another mark: one page, and no block in it.
    let mut after_close = survey.closed_in_order();
    loop {
        let page = match following(survey, end.cursor, after_close) {
            Following::Nothing { unfinished } => {
                if unfinished {
                    notes.push(format!(
                        "a write at position {} was under way and never acknowledged: dropped",
                        end.next
                    ));
                }
                return Ok(end);
            }
            Following::Hidden { page } => page,
        };
        let doubt = OpenError::Doubt {
            position: end.next,
            page,
        };
        let pages = if after_close {
            1
        } else {
            let Some(block) = database.beginning_at(end.next)? else {
                return Err(doubt);
            };
            end.next = block.next();
            end.last = Some(block.last());
            pages_for(block.bytes.len()) as u64
        };
        let begin = place(end.cursor.page, pages, survey.ring());
        if !(begin..begin + pages).contains(&page) {
            return Err(doubt);
        }
        notes.push(format!(
            "page {page} of the tail is damaged; what it held is in the database, up to position {}",
            end.next
        ));
        after_close = false;
        end.cursor = Cursor {
            page: begin + pages,
            sequence: end.cursor.sequence + 1,
        };
    }
}

/// Looks at the two places where a next slot can begin: right after the newest, and page 0 if it did not fit.
fn following(survey: &Survey, cursor: Cursor, only_a_mark: bool) -> Following {
    let ring = survey.ring();
    let longest = match only_a_mark {
        true => 1,
        false => pages_for(STORED_BLOCK_MAX) as u64,
    };
    let mut places = Vec::new();
    if cursor.page < ring {
        places.push(cursor.page);
    }
    if cursor.page + longest > ring {
        places.push(0);
    }
    for begin in places {
        match survey.page(begin) {
            Page::Bad => return Following::Hidden { page: begin },
            Page::Torn => return Following::Nothing { unfinished: true },
            Page::Valid(header) if header.sequence >= cursor.sequence => {
                // It is not complete, or it would be the newest.
                let members = begin..begin + u64::from(header.count);
                let mut bad = members.filter(|page| survey.page(*page) == Page::Bad);
                return bad
                    .next()
                    .map_or(Following::Nothing { unfinished: true }, |page| {
                        Following::Hidden { page }
                    });
            }
            Page::Valid(_) | Page::Zero => {}
        }
    }
    Following::Nothing { unfinished: false }
}

fn place(page: u64, count: u64, ring: u64) -> u64 {
    if page + count > ring { 0 } else { page }
}

/// Rule 3, and what is to be filled up.
fn compare(survey: &Survey, database: &dyn Blocks) -> Result<Vec<StoredBlock>, OpenError> {
    let mut refill = Vec::new();
    for block in survey.blocks() {
        match database.beginning_at(block.first)? {
            None => refill.push(block.clone()),
            Some(kept) if kept.bytes == block.bytes => {}
            Some(_) => {
                return Err(OpenError::Differs {
                    position: block.first,
                });
            }
        }
    }
    Ok(refill)
}

/// Rule 4. Returns the hash of the last record.
fn check_back(
    survey: &Survey,
    database: &dyn Blocks,
    head: u64,
    check_bytes: u64,
) -> Result<Hash, OpenError> {
    let in_tail: BTreeMap<u64, &StoredBlock> =
        survey.blocks().map(|block| (block.next(), block)).collect();
    let held_from = survey.reaches_back_to();
    let mut last = None;
    let mut expected: Option<Hash> = None;
    let mut position = head;
    let mut seen = 0;
    while position > 0 && (seen < check_bytes || position >= held_from) {
        let block = match in_tail.get(&position) {
            Some(block) => (*block).clone(),
            None => kept_before(database, position, &in_tail)?,
        };
        let found = block.last();
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(OpenError::Unlinked {
                position,
                expected,
                found,
            });
        }
        last = last.or(Some(found));
        expected = Some(block.prev());
        seen += block.bytes.len() as u64;
        position = block.first;
    }
    if position == 0
        && let Some(expected) = expected.filter(|expected| *expected != Hash::ZERO)
    {
        return Err(OpenError::Unlinked {
            position,
            expected,
            found: Hash::ZERO,
        });
    }
    Ok(last.unwrap_or(Hash::ZERO))
}

/// The database's block that ends at `position`.
fn kept_before(
    database: &dyn Blocks,
    position: u64,
    in_tail: &BTreeMap<u64, &StoredBlock>,
) -> Result<StoredBlock, OpenError> {
    let found = database.before(position)?;
    let next = found.as_ref().map_or(0, StoredBlock::next);
    let tail_next = in_tail.range(..position).next_back();
    match found {
        Some(block) if next == position => Ok(block),
        _ if next > position => Err(OpenError::Contradiction {
            position,
            problem: format!("a block of the database ends at {next}, inside of another block"),
        }),
        _ => Err(OpenError::Gap {
            from: tail_next.map_or(next, |(tail_next, _)| next.max(*tail_next)),
            to: position,
        }),
    }
}

#[cfg(test)]
mod tests;
