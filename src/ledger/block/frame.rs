//! The compressed part of a block: one zstd frame (RFC 8878).

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// The fastest of zstd's ordinary levels; records repeat so much that a higher one saves nothing.
const LEVEL: i32 = 1;

thread_local! {
    // zstd's working memory, some hundred KiB, kept from block to block. Its content never reaches an output.
    static COMPRESSOR: RefCell<(Option<Compressor<'static>>, Vec<u8>)> =
        const { RefCell::new((None, Vec::new())) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The most bytes that a frame of `len` bytes takes.
pub(super) fn bound(len: usize) -> usize {
    zstd::zstd_safe::compress_bound(len)
}

/// Appends `raw` as one zstd frame. `out` has room for the worst case, so that only a lack of memory inside zstd can
/// fail; the frame then holds the bytes uncompressed, because a commit must not fail for that.
pub(super) fn compress(raw: &[u8], out: &mut Vec<u8>) {
    let written = COMPRESSOR.with_borrow_mut(|(slot, frame)| {
        if slot.is_none() {
            *slot = Compressor::new(LEVEL).ok();
        }
        frame.clear();
        frame.reserve(bound(raw.len()));
        slot.as_mut()?.compress_to_buffer(raw, frame).ok()?;
        out.extend_from_slice(frame);
        Some(())
    });
    if written.is_none() {
        store_frame(raw, out);
    }
}

/// Appends `raw` as a zstd frame of uncompressed blocks (RFC 8878 §3.1.1): single segment, 4-byte content size.
pub(super) fn store_frame(raw: &[u8], out: &mut Vec<u8>) {
    const RAW_BLOCK: usize = 128 * 1024;
    out.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000]);
    out.extend_from_slice(&(raw.len() as u32).to_le_bytes());
    let mut rest = raw;
    loop {
        let (block, after) = rest.split_at(rest.len().min(RAW_BLOCK));
        let block_header = (block.len() as u32) << 3 | u32::from(after.is_empty());
        out.extend_from_slice(&block_header.to_le_bytes()[..3]);
        out.extend_from_slice(block);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
}

/// Opens one zstd frame into `out`; `false` if it does not hold exactly as many bytes.
pub fn decompress(frame: &[u8], out: &mut [u8]) -> bool {
    let written = DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Decompressor::new().ok();
        }
        slot.as_mut()?.decompress_to_buffer(frame, out).ok()
    });
    written == Some(out.len())
}
