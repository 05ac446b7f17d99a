//! What is in a tail that somebody else wrote: all of it is looked at before anything is believed.
//!
//! Every page answers for itself first ([`super::page`]). Pages that belong together make a slot; a slot whose pages
//! are all there is *complete*. Complete slots are what recovery builds on; the others say where doubt is.

use std::collections::BTreeMap;

use super::{
    PAGE_BYTES,
    page::{Kind, Page, look_at, read_payload},
    refusal::OpenError,
};
use crate::ledger::{Hash, StoredBlock};

/// A slot whose pages are all there.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub sequence: u64,
    /// Its first page.
    pub page: u64,
    /// Its pages.
    pub count: u64,
    /// The database held everything before this position when the slot was written.
    pub settled: u64,
    pub content: Content,
}

/// What a slot holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Block(StoredBlock),
    /// The log was opened or closed here, with this head.
    Mark {
        closed: bool,
        next: u64,
        last: Hash,
    },
}

impl Slot {
    /// The position that the slot begins at.
    pub(super) fn first(&self) -> u64 {
        match &self.content {
            Content::Block(block) => block.first,
            Content::Mark { next, .. } => *next,
        }
    }

    /// The position after the slot.
    pub(super) fn next(&self) -> u64 {
        match &self.content {
            Content::Block(block) => block.next(),
            Content::Mark { next, .. } => *next,
        }
    }

    /// The hash of the last record at the end of the slot.
    pub(super) fn last(&self) -> Hash {
        match &self.content {
            Content::Block(block) => block.last(),
            Content::Mark { last, .. } => *last,
        }
    }
}

/// All that a tail says.
#[derive(Debug)]
pub(super) struct Survey {
    /// The ledger it belongs to; `None` where no page is valid.
    pub ledger: Option<[u8; 16]>,
    /// Page by page.
    pub pages: Vec<Page>,
    /// The complete slots, oldest first.
    pub slots: Vec<Slot>,
}

impl Survey {
    /// Looks at a whole tail. What is left of a page at the end of a file that was cut is a bad page.
    ///
    /// # Errors
    ///
    /// When its pages contradict one another in a way that no crash and no single damage explains.
    pub(super) fn of(bytes: &[u8]) -> Result<Survey, OpenError> {
        let mut pages: Vec<Page> = bytes.chunks(PAGE_BYTES).map(look_at).collect();
        let ledger = check_one_ledger(&pages)?;
        check_size(&pages)?;
        let slots = complete_slots(bytes, &mut pages)?;
        check_order(&slots)?;
        Ok(Survey {
            ledger,
            pages,
            slots,
        })
    }

    /// Pages in the ring.
    pub(super) fn ring(&self) -> u64 {
        self.pages.len() as u64
    }

    /// What is in a page; a page outside of the file is bad.
    pub(super) fn page(&self, page: u64) -> Page {
        usize::try_from(page)
            .ok()
            .and_then(|page| self.pages.get(page))
            .copied()
            .unwrap_or(Page::Bad)
    }

    /// Pages that validate as nothing.
    pub(super) fn bad(&self) -> u64 {
        self.pages.iter().filter(|page| **page == Page::Bad).count() as u64
    }

    /// The blocks that are complete, oldest first.
    pub(super) fn blocks(&self) -> impl DoubleEndedIterator<Item = &StoredBlock> {
        self.slots.iter().filter_map(|slot| match &slot.content {
            Content::Block(block) => Some(block),
            Content::Mark { .. } => None,
        })
    }

    /// The first position of a block that is still in the tail, or else the head that its marks speak of.
    pub(super) fn reaches_back_to(&self) -> u64 {
        let blocks = self.blocks().map(|block| block.first).min();
        blocks
            .or_else(|| self.slots.last().map(Slot::next))
            .unwrap_or(0)
    }

    /// Whether the last thing that happened to this tail was an orderly close.
    pub(super) fn closed_in_order(&self) -> bool {
        let newest = self.slots.last().map(|slot| &slot.content);
        matches!(newest, Some(Content::Mark { closed: true, .. }))
    }
}

fn check_one_ledger(pages: &[Page]) -> Result<Option<[u8; 16]>, OpenError> {
    let mut seen = None;
    for page in pages {
        let Page::Valid(header) = page else { continue };
        match seen {
            None => seen = Some(header.ledger),
            Some(ledger) if ledger != header.ledger => {
                return Err(OpenError::OtherLedger {
                    found: hex(&header.ledger),
                    expected: hex(&ledger),
                });
            }
            Some(_) => {}
        }
    }
    Ok(seen)
}

fn check_size(pages: &[Page]) -> Result<(), OpenError> {
    let found = pages.len() as u64;
    let headers = || {
        pages.iter().filter_map(|page| match page {
            Page::Valid(header) => Some(header),
            _ => None,
        })
    };
    match headers().find(|header| u64::from(header.ring) != found) {
        None => Ok(()),
        Some(header) => Err(OpenError::TailResized {
            expected: u64::from(header.ring),
            found,
            position: headers().map(|header| header.settled).max().unwrap_or(0),
        }),
    }
}

/// Puts pages together. A slot of valid pages whose content is not what its header says was not written by us:
/// its pages are marked bad, and are judged as such.
fn complete_slots(bytes: &[u8], pages: &mut [Page]) -> Result<Vec<Slot>, OpenError> {
    let mut slots = BTreeMap::new();
    let mut unsound = Vec::new();
    for (page, look) in pages.iter().enumerate() {
        let Page::Valid(header) = look else { continue };
        let count = usize::from(header.count);
        let Some(members) = pages.get(page..page + count) else {
            continue;
        };
        let whole = members.iter().enumerate().all(|(index, member)| {
            matches!(member, Page::Valid(other) if other.same_slot(header) && usize::from(other.index) == index)
        });
        if header.index != 0 || !whole {
            continue;
        }
        let range = page * PAGE_BYTES..(page + count) * PAGE_BYTES;
        let mut payload = Vec::with_capacity(range.len());
        for member in bytes.get(range).unwrap_or(&[]).chunks(PAGE_BYTES) {
            read_payload(member, &mut payload);
        }
        payload.truncate(header.length as usize);
        let Some(content) = content(header.kind, header.first, payload) else {
            unsound.push(page..page + count);
            continue;
        };
        let slot = Slot {
            sequence: header.sequence,
            page: page as u64,
            count: count as u64,
            settled: header.settled,
            content,
        };
        if let Some(twin) = slots.insert(header.sequence, slot) {
            return Err(OpenError::Contradiction {
                position: twin.first(),
                problem: format!("two slots have the number {}", header.sequence),
            });
        }
    }
    for range in unsound {
        if let Some(members) = pages.get_mut(range) {
            members.fill(Page::Bad);
        }
    }
    Ok(slots.into_values().collect())
}

fn content(kind: Kind, first: u64, payload: Vec<u8>) -> Option<Content> {
    let closed = match kind {
        Kind::Block => {
            let block = StoredBlock::parse(payload.into()).ok()?;
            return (block.first == first && block.count > 0).then_some(Content::Block(block));
        }
        Kind::Opened => false,
        Kind::Closed => true,
    };
    Some(Content::Mark {
        closed,
        next: first,
        last: Hash(payload.try_into().ok()?),
    })
}

/// Later slots hold later positions; a slot directly after another begins where that one ends, with its hash.
fn check_order(slots: &[Slot]) -> Result<(), OpenError> {
    for pair in slots.windows(2) {
        let [earlier, later] = pair else { continue };
        if later.first() < earlier.next() || later.settled < earlier.settled {
            return Err(OpenError::Contradiction {
                position: later.first(),
                problem: format!(
                    "slot {} ends at position {} and the later slot {} begins before that",
                    earlier.sequence,
                    earlier.next(),
                    later.sequence
                ),
            });
        }
        if later.sequence != earlier.sequence + 1 {
            continue;
        }
        if later.first() != earlier.next() {
            return Err(OpenError::Contradiction {
                position: earlier.next(),
                problem: format!("the next slot begins at position {}", later.first()),
            });
        }
        let says = match &later.content {
            Content::Block(block) => block.prev(),
            Content::Mark { last, .. } => *last,
        };
        if says != earlier.last() {
            return Err(OpenError::Unlinked {
                position: later.first(),
                expected: says,
                found: earlier.last(),
            });
        }
    }
    Ok(())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
