//! The RFC 6962 / RFC 9162 Merkle tree, as far as a root needs it: compact ranges.
//!
//! A tree over `size` leaves is a row of perfect subtrees, one for each bit set in `size`, the largest first; their
//! roots (the peaks) are all that appending needs. A [`Subtree`] is the same for a range that starts anywhere, so that
//! ranges can be hashed on several cores and joined in order. Proofs (`proof`) need nodes below the peaks, too: a
//! [`GrowingTree`] gives the root of each *group* of 256 leaves away when it is full, to be kept.

use crate::ledger::hash::{Hash, node_hash, node_hash_two};

/// Why two pieces of a tree do not fit, or bytes are not a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// A subtree was appended out of order.
    #[error(
        "a subtree that starts at leaf {found} can't follow {expected} leaves: append ranges in order, without gaps"
    )]
    NotNext {
        /// Leaves so far.
        expected: u64,
        /// Where the subtree starts.
        found: u64,
    },
    /// Bytes that [`Frontier::to_bytes`] did not write.
    #[error(
        "not a tree frontier: {len} bytes do not hold a size and one hash for each bit set in it"
    )]
    Malformed {
        /// Bytes given.
        len: usize,
    },
    /// More leaves than positions exist.
    #[error("the tree is full: no more than 2^63 leaves")]
    Full,
}

/// The height of a group's subtree.
pub const GROUP_LEVEL: u32 = 8;
/// The leaves of a group.
pub const GROUP: u64 = 1 << GROUP_LEVEL;

/// Size and peaks of a tree: what is needed to append to it and to know its root. About 32 × log2(size) bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, the largest (leftmost) first; one for each bit set in `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of leaves; also the next leaf's index, which is the next record's position.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf (`leaf_hash` of a line).
    pub fn push(&mut self, leaf: Hash) {
        self.push_perfect(0, leaf, |_, _| {});
    }

    /// Appends the root of a whole group, where this tree is made of whole ones.
    ///
    /// # Errors
    /// [`MerkleError::NotNext`] when it isn't; nothing is appended then.
    pub fn push_group(&mut self, root: Hash) -> Result<(), MerkleError> {
        if !self.size.is_multiple_of(GROUP) {
            return Err(MerkleError::NotNext {
                expected: self.size,
                found: self.size / GROUP * GROUP,
            });
        }
        self.push_perfect(GROUP_LEVEL, root, |_, _| {});
        Ok(())
    }

    /// The peaks of whole groups: those of the tree as it was when its newest whole group was full.
    pub fn of_groups(&self) -> Self {
        let size = self.size / GROUP * GROUP;
        let peaks = self.peaks.iter().copied();
        Self {
            size,
            peaks: peaks.take(size.count_ones() as usize).collect(),
        }
    }

    /// The root over all leaves; SHA-256 of nothing for the empty tree (RFC 6962 §2.1).
    pub fn root(&self) -> Hash {
        let mut from_right = self.peaks.iter().rev();
        match from_right.next() {
            None => Hash::of(b""),
            Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// Appends a range of leaves that was hashed elsewhere.
    ///
    /// # Errors
    /// [`MerkleError::NotNext`] when the range does not start where this tree ends; nothing is appended then.
    pub fn append(&mut self, range: &Subtree) -> Result<(), MerkleError> {
        if range.first != self.size {
            return Err(MerkleError::NotNext {
                expected: self.size,
                found: range.first,
            });
        }
        if range
            .first
            .checked_add(range.count)
            .is_none_or(|size| size > 1 << 63)
        {
            return Err(MerkleError::Full);
        }
        for (level, root) in &range.roots {
            self.push_perfect(*level, *root, |_, _| {});
        }
        Ok(())
    }

    /// Size (8 bytes, little-endian) and peaks, largest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_le_bytes().to_vec();
        self.peaks
            .iter()
            .for_each(|peak| bytes.extend_from_slice(&peak.0));
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote. The hashes themselves can't be checked here: trust the bytes or not.
    ///
    /// # Errors
    /// [`MerkleError::Malformed`] when the length does not follow from the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MerkleError> {
        let malformed = MerkleError::Malformed { len: bytes.len() };
        let (size, rest) = bytes.split_first_chunk::<8>().ok_or(malformed)?;
        let size = u64::from_le_bytes(*size);
        let (peaks, tail) = rest.as_chunks::<32>();
        if !tail.is_empty() || peaks.len() != size.count_ones() as usize || size > 1 << 63 {
            return Err(malformed);
        }
        Ok(Self {
            size,
            peaks: peaks.iter().map(|peak| Hash(*peak)).collect(),
        })
    }

    /// Appends a perfect subtree of `2^level` leaves; `size` is a multiple of that. Each peak of the same height on the
    /// left makes a pair with what was appended, as a carry runs through the ones of a binary number. `note` is shown each
    /// new perfect subtree above that level, with its height.
    fn push_perfect(&mut self, level: u32, root: Hash, mut note: impl FnMut(u32, Hash)) {
        let mut node = root;
        let mut height = level;
        let mut carry = self.size >> level;
        while carry & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            carry >>= 1;
            height += 1;
            note(height, node);
        }
        self.peaks.push(node);
        self.size += 1 << level;
    }
}

/// A tree that grows leaf by leaf, and gives away the roots of the groups that were filled.
#[derive(Clone, Debug, Default)]
pub struct GrowingTree {
    frontier: Frontier,
    /// Its whole groups when it began.
    began: Frontier,
    /// Roots of groups that were filled and not taken yet: the newest ones.
    groups: Vec<Hash>,
}

impl GrowingTree {
    /// A tree that goes on from there.
    pub fn new(frontier: Frontier) -> Self {
        Self {
            began: frontier.of_groups(),
            frontier,
            groups: Vec::new(),
        }
    }

    /// The whole groups of the tree from which it goes on.
    pub fn began(&self) -> &Frontier {
        &self.began
    }

    /// Its edge.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends one leaf.
    pub fn push(&mut self, leaf: Hash) {
        let groups = &mut self.groups;
        self.frontier.push_perfect(0, leaf, |height, root| {
            if height == GROUP_LEVEL {
                groups.push(root);
            }
        });
    }

    /// The roots of the groups that were filled since this was asked before, and the number of the first of them.
    pub fn take_groups(&mut self) -> (u64, Vec<Hash>) {
        let groups = std::mem::take(&mut self.groups);
        let full = self.frontier.size() / GROUP;
        (full - groups.len() as u64, groups)
    }
}

/// A range of leaves `first .. first + count`, reduced to the roots of its largest aligned perfect subtrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    first: u64,
    count: u64,
    /// Height and root of each perfect subtree, from left to right.
    roots: Vec<(u32, Hash)>,
}

impl Subtree {
    /// Reduces consecutive leaves, of which the first has index `first`.
    pub fn from_leaves(first: u64, leaves: &[Hash]) -> Self {
        let mut row = leaves.to_vec();
        let mut index = first;
        let mut level = 0;
        let mut roots = Vec::new();
        let mut right_edge = Vec::new();
        // Row by row: a node without its sibling in this range (a right child at the left end, a left child at the
        // right end) waits for the neighbouring range; all others become parents.
        while !row.is_empty() {
            let mut pairs = row.as_slice();
            if index & 1 == 1
                && let [orphan, rest @ ..] = pairs
            {
                roots.push((level, *orphan));
                index += 1;
                pairs = rest;
            }
            let (pairs, orphan) = pairs.as_chunks::<2>();
            right_edge.extend(orphan.first().map(|orphan| (level, *orphan)));
            row = parents(pairs);
            index >>= 1;
            level += 1;
        }
        roots.extend(right_edge.into_iter().rev());
        Self {
            first,
            count: leaves.len() as u64,
            roots,
        }
    }

    /// The index of the first leaf.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of leaves.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// The root over as many leaves (or roots of one height) as a perfect subtree has; `None`: it isn't such a number.
pub fn perfect_root(row: &[Hash]) -> Option<Hash> {
    row.len().is_power_of_two().then_some(())?;
    let mut row = row.to_vec();
    while row.len() > 1 {
        row = parents(row.as_chunks::<2>().0);
    }
    row.pop()
}

/// The parent of each pair.
fn parents(pairs: &[[Hash; 2]]) -> Vec<Hash> {
    let mut parents = Vec::with_capacity(pairs.len());
    let (twos, last) = pairs.as_chunks::<2>();
    for [[a, b], [c, d]] in twos {
        parents.extend(node_hash_two([a, b], [c, d]));
    }
    parents.extend(last.iter().map(|[left, right]| node_hash(left, right)));
    parents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::hash::leaf_hash;

    /// The inputs and roots that the certificate-transparency implementations share as test vectors.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn e2_the_known_roots_of_rfc_6962_trees_come_out() {
        let mut tree = Frontier::new();
        assert_eq!(
            tree.root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            let input = data_encoding::HEXLOWER.decode(leaf.as_bytes()).unwrap();
            tree.push(leaf_hash(&input));
            assert_eq!(tree.root().to_string(), root);
        }
    }

    #[test]
    fn a_range_out_of_order_is_refused_and_changes_nothing() {
        let mut tree = Frontier::new();
        tree.push(Hash::ZERO);
        let before = tree.clone();
        let range = Subtree::from_leaves(2, &[Hash::ZERO]);
        assert_eq!(
            tree.append(&range),
            Err(MerkleError::NotNext {
                expected: 1,
                found: 2
            })
        );
        assert_eq!(tree, before);
        let endless = Subtree {
            first: 1,
            count: u64::MAX,
            roots: Vec::new(),
        };
        assert_eq!(tree.append(&endless), Err(MerkleError::Full));
    }

    #[test]
    fn a_frontier_survives_its_bytes_and_refuses_others() {
        let mut tree = Frontier::new();
        for leaf in 0..21_u8 {
            let bytes = tree.to_bytes();
            assert_eq!(Frontier::from_bytes(&bytes), Ok(tree.clone()));
            for cut in 0..bytes.len() {
                assert!(Frontier::from_bytes(&bytes[..cut]).is_err());
            }
            tree.push(leaf_hash(&[leaf]));
        }
    }

    #[test]
    fn e3_a_tree_gives_each_group_away_once_and_they_make_it_again() {
        let mut before = Frontier::new();
        let mut leaf = (0_u32..).map(|at| leaf_hash(&at.to_be_bytes()));
        (0..700).for_each(|_| before.push(leaf.next().unwrap()));
        let mut whole = before.of_groups();
        assert_eq!(whole.size(), 512);
        let mut tree = GrowingTree::new(before);
        assert_eq!(tree.take_groups(), (2, Vec::new()));
        let mut number = 2;
        for step in [60, 9, 1_300, 3, 256] {
            (0..step).for_each(|_| tree.push(leaf.next().unwrap()));
            let (first, groups) = tree.take_groups();
            assert_eq!(first, number);
            number += groups.len() as u64;
            for group in groups {
                whole.push_group(group).unwrap();
            }
            assert_eq!(whole, tree.frontier().of_groups());
        }
        whole.push(Hash::ZERO);
        assert!(whole.push_group(Hash::ZERO).is_err());
    }

    proptest::proptest! {
        #[test]
        fn joined_ranges_equal_leaf_by_leaf(cuts in proptest::collection::vec(0_usize..40, 1..12)) {
            let (mut one_by_one, mut joined) = (Frontier::new(), Frontier::new());
            for count in cuts {
                let first = joined.size();
                let leaves: Vec<Hash> =
                    (0..count as u64).map(|n| leaf_hash(&(first + n).to_le_bytes())).collect();
                leaves.iter().for_each(|leaf| one_by_one.push(*leaf));
                joined.append(&Subtree::from_leaves(first, &leaves)).unwrap();
                proptest::prop_assert_eq!(&one_by_one, &joined);
                proptest::prop_assert_eq!(one_by_one.root(), joined.root());
            }
        }
    }
}
