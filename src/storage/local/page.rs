//! The bytes of one page of the tail.
//!
//! ```text
//! page, 4096 bytes = 8 sectors of 512 bytes
//! sector           = crc32 of the rest (4) | stamp (4) | 504 bytes of the page's content
//! content, 4032    = header (60) | payload (3972, zeros after the last byte)
//! header           = magic "CLT1" | kind (1) | 3 zeros | ledger id (16) | ring pages u32 | sequence u64
//!                    | first position u64 | length u32 | index u16 | count u16 | settled u64
//! ```
//!
//! Integers are little-endian. The stamp is the crc32 of the header, so it differs between any two pages ever
//! written. Why checksums per *sector*: a disk keeps a sector whole and need not keep a page whole. When the power
//! goes during a write, each sector is the old one or the new one, and each still answers for itself: the page is
//! [`Page::Torn`], which a write that was never acknowledged may be. A byte that changed in place leaves a sector
//! that answers for nothing: the page is [`Page::Bad`], which no crash explains.

use super::PAGE_BYTES;

const MAGIC: [u8; 4] = *b"CLT1";
const SECTOR_BYTES: usize = 512;
/// Checksum and stamp at the start of each sector.
const SECTOR_HEAD: usize = 8;
const HEADER_BYTES: usize = 60;
/// What a page carries of its slot's payload.
pub(super) const PAYLOAD_BYTES: usize =
    PAGE_BYTES / SECTOR_BYTES * (SECTOR_BYTES - SECTOR_HEAD) - HEADER_BYTES;

/// What a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A stored block.
    Block,
    /// Written when a log was opened and recovered: everything before `first` is settled.
    Opened,
    /// Written when a log was closed in order. Nothing but an [`Kind::Opened`] slot may follow.
    Closed,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Kind::Block => 1,
            Kind::Opened => 2,
            Kind::Closed => 3,
        }
    }

    const fn of(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Block),
            2 => Some(Kind::Opened),
            3 => Some(Kind::Closed),
            _ => None,
        }
    }
}

/// The header of a page. All pages of a slot carry the same one, but for `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub kind: Kind,
    /// The ledger that the tail belongs to.
    pub ledger: [u8; 16],
    /// Pages in the whole ring: a file that was cut or stretched shows.
    pub ring: u32,
    /// Counts the slots ever written: one more than the slot before, over all laps and restarts.
    pub sequence: u64,
    /// The block's first position; for the other kinds the head's next position.
    pub first: u64,
    /// Bytes of payload in the whole slot.
    pub length: u32,
    /// This page's place in its slot, from 0.
    pub index: u16,
    /// Pages of the slot.
    pub count: u16,
    /// Everything before this position was durable in the database when the slot was written.
    pub settled: u64,
}

impl PageHeader {
    fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            if let Some(place) = out.get_mut(at..at + field.len()) {
                place.copy_from_slice(field);
            }
            at += field.len();
        };
        put(&MAGIC);
        put(&[self.kind.code(), 0, 0, 0]);
        put(&self.ledger);
        put(&self.ring.to_le_bytes());
        put(&self.sequence.to_le_bytes());
        put(&self.first.to_le_bytes());
        put(&self.length.to_le_bytes());
        put(&self.index.to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.settled.to_le_bytes());
        out
    }

    fn parse(bytes: &[u8]) -> Option<PageHeader> {
        let mut rest = bytes;
        if take::<4>(&mut rest)? != MAGIC {
            return None;
        }
        let [code, 0, 0, 0] = take::<4>(&mut rest)? else {
            return None;
        };
        let header = PageHeader {
            kind: Kind::of(code)?,
            ledger: take(&mut rest)?,
            ring: u32::from_le_bytes(take(&mut rest)?),
            sequence: u64::from_le_bytes(take(&mut rest)?),
            first: u64::from_le_bytes(take(&mut rest)?),
            length: u32::from_le_bytes(take(&mut rest)?),
            index: u16::from_le_bytes(take(&mut rest)?),
            count: u16::from_le_bytes(take(&mut rest)?),
            settled: u64::from_le_bytes(take(&mut rest)?),
        };
        let sound = header.index < header.count
            && usize::from(header.count) == pages_for(header.length as usize);
        sound.then_some(header)
    }

    /// Whether `other` belongs to the same slot.
    pub(super) fn same_slot(&self, other: &PageHeader) -> bool {
        *self
            == PageHeader {
                index: self.index,
                ..*other
            }
    }
}

/// What is in a page, as far as its own bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Written whole.
    Valid(PageHeader),
    /// Never written.
    Zero,
    /// Every sector is whole and they belong to different writes: a write that did not finish.
    Torn,
    /// A sector that answers for nothing, or whole sectors with a header that we never write.
    Bad,
}

/// Pages that a payload of `length` bytes takes: one at least.
pub(super) fn pages_for(length: usize) -> usize {
    length.div_ceil(PAYLOAD_BYTES).max(1)
}

/// Writes one page into `out` (4096 bytes): `header`, then `payload`, then zeros.
pub(super) fn write_page(header: &PageHeader, payload: &[u8], out: &mut [u8]) {
    let header = header.bytes();
    let stamp = crc32fast::hash(&header).to_le_bytes();
    let mut before = header.as_slice();
    let mut payload = payload;
    for sector in out.chunks_exact_mut(SECTOR_BYTES) {
        let (head, body) = sector.split_at_mut(SECTOR_HEAD);
        let rest = pour(&mut before, body);
        let rest = pour(&mut payload, rest);
        rest.fill(0);
        let mut sum = crc32fast::Hasher::new();
        sum.update(&stamp);
        sum.update(body);
        let (crc, stamped) = head.split_at_mut(4);
        crc.copy_from_slice(&sum.finalize().to_le_bytes());
        stamped.copy_from_slice(&stamp);
    }
}

/// Moves what fits from `source` to the start of `into`; returns the room that is left.
fn pour<'a>(source: &mut &[u8], into: &'a mut [u8]) -> &'a mut [u8] {
    let fits = source.len().min(into.len());
    let (now, later) = source.split_at(fits);
    let (filled, left) = into.split_at_mut(fits);
    filled.copy_from_slice(now);
    *source = later;
    left
}

/// Looks at one page (4096 bytes; fewer are no page).
pub(super) fn look_at(page: &[u8]) -> Page {
    if page.len() != PAGE_BYTES {
        return Page::Bad;
    }
    let mut stamps = Vec::with_capacity(PAGE_BYTES / SECTOR_BYTES);
    for sector in page.chunks(SECTOR_BYTES) {
        if sector.iter().all(|byte| *byte == 0) {
            stamps.push(None);
            continue;
        }
        let mut rest = sector;
        let (Some(crc), Some(stamp)) = (take::<4>(&mut rest), sector.get(4..8)) else {
            return Page::Bad;
        };
        if crc32fast::hash(rest) != u32::from_le_bytes(crc) {
            return Page::Bad;
        }
        stamps.push(Some(stamp));
    }
    let Some(first) = stamps.first() else {
        return Page::Bad;
    };
    if stamps.iter().any(|stamp| stamp != first) {
        return Page::Torn;
    }
    let Some(stamp) = first else {
        return Page::Zero;
    };
    let header = page.get(SECTOR_HEAD..SECTOR_HEAD + HEADER_BYTES);
    match header.map(|bytes| {
        (
            crc32fast::hash(bytes).to_le_bytes(),
            PageHeader::parse(bytes),
        )
    }) {
        Some((sum, Some(header))) if sum == *stamp => Page::Valid(header),
        _ => Page::Bad,
    }
}

/// Appends the payload of a valid page to `out`.
pub(super) fn read_payload(page: &[u8], out: &mut Vec<u8>) {
    let mut skip = HEADER_BYTES;
    for sector in page.chunks_exact(SECTOR_BYTES) {
        if let Some(body) = sector.get(SECTOR_HEAD + skip..) {
            out.extend_from_slice(body);
        }
        skip = 0;
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> PageHeader {
        PageHeader {
            kind: Kind::Block,
            ledger: [7; 16],
            ring: 16,
            sequence: 41,
            first: 1000,
            length: 5000,
            index: 1,
            count: 2,
            settled: 990,
        }
    }

    fn page(header: &PageHeader, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0xEE; PAGE_BYTES];
        write_page(header, payload, &mut out);
        out
    }

    #[test]
    fn what_was_written_is_read() {
        let payload: Vec<u8> = (0..PAYLOAD_BYTES).map(|n| n as u8).collect();
        let bytes = page(&header(), &payload);
        assert_eq!(look_at(&bytes), Page::Valid(header()));
        let mut read = Vec::new();
        read_payload(&bytes, &mut read);
        assert_eq!(read, payload);
    }

    #[test]
    fn the_bytes_of_a_page_never_change() {
        // Golden: old logs are opened by new releases.
        let bytes = page(&header(), b"a block");
        assert_eq!(
            crc32fast::hash(&bytes),
            GOLDEN,
            "{:08x}",
            crc32fast::hash(&bytes)
        );
    }
    const GOLDEN: u32 = 0xCEB0_BF60;

    #[test]
    fn t4_every_flipped_bit_of_a_page_makes_it_bad() {
        let bytes = page(&header(), b"a block");
        for at in 0..PAGE_BYTES {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(look_at(&flipped), Page::Bad, "byte {at}");
        }
        let mut flipped = vec![0; PAGE_BYTES];
        assert_eq!(look_at(&flipped), Page::Zero);
        flipped[100] = 1;
        assert_eq!(look_at(&flipped), Page::Bad);
    }

    #[test]
    fn t4_sectors_of_two_writes_are_a_torn_page() {
        let new = page(&header(), b"the new block");
        let old = page(
            &PageHeader {
                sequence: 3,
                first: 20,
                ..header()
            },
            b"an older block",
        );
        for kept in 1..8 {
            let mut mixed = new.clone();
            mixed[kept * 512..].copy_from_slice(&old[kept * 512..]);
            assert_eq!(look_at(&mixed), Page::Torn);
            mixed[kept * 512..].fill(0);
            assert_eq!(look_at(&mixed), Page::Torn);
        }
    }
}
