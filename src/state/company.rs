//! The company on disk: in pieces that fit sled's pages, written only when a record changed it.

use sled::Tree;

use super::store::{checksum, view};
use super::{LedgerState, StateError};
use crate::domain::company::Company;

/// Bytes a piece: far below what sled would put into a file of its own.
const PIECE: usize = 64 << 10;

/// Which pieces hold the company: those written after that record about the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    after: u64,
    pieces: u32,
    checksum: u32,
}

/// Writes the company beside what is kept of it, unless that is it already.
pub fn write(tree: &Tree, ledger: &LedgerState, kept: Kept) -> Result<Kept, StateError> {
    if kept.pieces > 0 && kept.after == ledger.last {
        return Ok(kept);
    }
    let bytes = postcard::to_stdvec(&*ledger.company).map_err(|error| view(&error))?;
    let mut pieces = 0;
    for piece in bytes.chunks(PIECE) {
        tree.insert(key(ledger.last, pieces), piece)
            .map_err(|error| view(&error))?;
        pieces += 1;
    }
    Ok(Kept {
        after: ledger.last,
        pieces,
        checksum: checksum(&ledger.last.to_be_bytes(), &bytes),
    })
}

/// Reads the company back.
pub fn read(tree: &Tree, kept: Kept) -> Result<Company, StateError> {
    let mut bytes = Vec::new();
    for piece in 0..kept.pieces {
        let found = tree.get(key(kept.after, piece));
        let found = found.map_err(|error| view(&error))?;
        bytes.extend_from_slice(&found.ok_or_else(|| broken("a piece is missing"))?);
    }
    if checksum(&kept.after.to_be_bytes(), &bytes) != kept.checksum {
        return Err(broken("its checksum is wrong"));
    }
    postcard::from_bytes(&bytes).map_err(|error| view(&error))
}

/// Removes all pieces but those.
pub fn forget_others(tree: &Tree, kept: Kept) -> Result<(), StateError> {
    for found in tree.iter().keys() {
        let found = found.map_err(|error| view(&error))?;
        if !found.starts_with(&kept.after.to_be_bytes()) {
            tree.remove(found).map_err(|error| view(&error))?;
        }
    }
    Ok(())
}

fn key(after: u64, piece: u32) -> [u8; 12] {
    let mut key = [0; 12];
    let (whole, part) = key.split_at_mut(8);
    whole.copy_from_slice(&after.to_be_bytes());
    part.copy_from_slice(&piece.to_be_bytes());
    key
}

fn broken(problem: &str) -> StateError {
    StateError::View(format!("the company in it can't be read: {problem}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::store::Store;
    use super::super::{Options, States};
    use super::*;
    use crate::domain::company::CompanyEvent;
    use crate::domain::company::entities::{EntityEvent, EntityJoined};
    use crate::domain::event::Placed;
    use crate::domain::ids::{EntityId, Position};
    use crate::domain::time::Time;
    use crate::domain::vocabulary::RecipientKind;

    const LEDGER: [u8; 16] = [7; 16];

    /// Registers as full as they may be: larger than what sled keeps in its pages.
    fn ledger(joined: u64) -> LedgerState {
        let mut company = Company::default();
        for number in 0..joined {
            let event = CompanyEvent::Entities(EntityEvent::Joined(EntityJoined {
                entity: EntityId::parse(&format!("an-affiliate-with-a-long-name-{number:034}"))
                    .unwrap(),
                kind: RecipientKind::Affiliate,
                communications_related: true,
            }));
            let position = Position(number + 1);
            company.follow(&Placed {
                position,
                command: position,
                recorded_at: Time(number as i64),
                occurred_at: None,
                event: &event,
            });
        }
        LedgerState {
            last: joined,
            company: Arc::new(company),
            ..LedgerState::default()
        }
    }

    fn keep(store: &Store, ledger: &LedgerState) {
        let company = store.set_company(ledger).unwrap();
        store.sync().unwrap();
        store
            .set_reflects(ledger.last + 1, ledger, company)
            .unwrap();
    }

    fn pieces(store: &Store) -> sled::Tree {
        store.database().open_tree("company").unwrap()
    }

    #[test]
    fn e1_a_large_company_is_kept_in_pieces_and_never_in_a_file_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(dir.path()), LEDGER).unwrap();
        let full = ledger(9_000);
        keep(&store, &ledger(100));
        keep(&store, &full);
        let kept = pieces(&store).len();
        assert!(kept > 8, "{kept} pieces");
        keep(&store, &full);
        assert_eq!(pieces(&store).len(), kept, "it is written once");
        drop(store);
        let states = States::open(Options::new(dir.path()), LEDGER).unwrap();
        assert_eq!(states.applied(), 9_001);
        assert_eq!(states.company(), full.company);
        assert!(
            !dir.path()
                .join("blobs")
                .read_dir()
                .is_ok_and(|mut files| files.next().is_some())
        );
    }

    #[test]
    fn e1_a_company_of_which_a_piece_is_gone_is_rebuilt_with_the_view() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(dir.path()), LEDGER).unwrap();
        keep(&store, &ledger(9_000));
        let (first, _) = pieces(&store).first().unwrap().unwrap();
        pieces(&store).remove(first).unwrap();
        store.sync().unwrap();
        drop(store);
        let states = States::open(Options::new(dir.path()), LEDGER).unwrap();
        assert_eq!(states.applied(), 0, "everything is replayed from the log");
        assert_eq!(*states.company(), Company::default());
    }
}
