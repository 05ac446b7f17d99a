//! Proofs over the Merkle tree (RFC 9162 §2.1.3 and §2.1.4): that a record is in it, and that a longer tree begins with a
//! shorter one.
//!
//! A proof is made of the roots of perfect subtrees, wherever those come from ([`Nodes`]), and checked with nothing but
//! itself: the leaf or the older root, and the root that a signed checkpoint states.

use super::hash::{Hash, node_hash};

/// Where the roots of perfect subtrees come from.
pub trait Nodes {
    /// Why one can't be had.
    type Error;

    /// The root of the perfect subtree over the `2^level` leaves from `index × 2^level` on. All of them are in the tree.
    ///
    /// # Errors
    /// When it can't be had.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// That a leaf is in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf's index: the record's position.
    pub index: u64,
    /// The tree's leaves.
    pub size: u64,
    /// The siblings on the way from the leaf to the root.
    pub path: Vec<Hash>,
}

/// That a tree begins with all that an older one held, in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The older tree's leaves.
    pub from: u64,
    /// The newer one's.
    pub to: u64,
    /// RFC 9162 §2.1.4.1; empty where the two are of one size, or the older one is empty.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// The proof for a leaf of a tree of `size` leaves; `None`: it has no such leaf.
    ///
    /// # Errors
    /// When a node can't be had.
    pub fn of<N: Nodes>(index: u64, size: u64, nodes: &N) -> Result<Option<Self>, N::Error> {
        if index >= size {
            return Ok(None);
        }
        let mut path = Vec::new();
        let (mut first, mut end) = (0, size);
        while end - first > 1 {
            let middle = first + split(end - first);
            if index < middle {
                path.push(root_of(middle, end, nodes)?);
                end = middle;
            } else {
                path.push(root_of(first, middle, nodes)?);
                first = middle;
            }
        }
        path.reverse();
        Ok(Some(Self { index, size, path }))
    }

    /// The root of the tree in which the leaf has this place (RFC 9162 §2.1.3.2): the proof holds for the leaf when that is
    /// the root that a checkpoint of this size states. `None`: it proves nothing, its path is too short or too long.
    pub fn root(&self, leaf: Hash) -> Option<Hash> {
        let (mut node, mut last) = (self.index, self.size.checked_sub(1)?);
        if node > last {
            return None;
        }
        let mut root = leaf;
        for sibling in &self.path {
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                root = node_hash(sibling, &root);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                root = node_hash(&root, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        (last == 0).then_some(root)
    }
}

impl ConsistencyProof {
    /// The proof between two sizes of one tree; `None`: the older one is the larger.
    ///
    /// # Errors
    /// When a node can't be had.
    pub fn of<N: Nodes>(from: u64, to: u64, nodes: &N) -> Result<Option<Self>, N::Error> {
        if from > to {
            return Ok(None);
        }
        let mut path = Vec::new();
        if from > 0 && from < to {
            let (mut first, mut end) = (0, to);
            // Down to the subtree at the older tree's right edge.
            while end > from {
                let middle = first + split(end - first);
                if from <= middle {
                    path.push(root_of(middle, end, nodes)?);
                    end = middle;
                } else {
                    path.push(root_of(first, middle, nodes)?);
                    first = middle;
                }
            }
            // Where that is the older tree itself, whoever checks has its root.
            if first > 0 {
                path.push(root_of(first, end, nodes)?);
            }
            path.reverse();
        }
        Ok(Some(Self { from, to, path }))
    }

    /// Whether the tree of the newer root begins with the tree of the older one (RFC 9162 §2.1.4.2).
    pub fn holds(&self, older: Hash, newer: Hash) -> bool {
        if self.from == self.to || self.from == 0 {
            let known = match self.from {
                0 => older == Hash::of(b""),
                _ => older == newer,
            };
            return known && self.path.is_empty();
        }
        self.roots(older) == Some((older, newer))
    }

    /// The roots of both trees, as the path has them.
    fn roots(&self, older: Hash) -> Option<(Hash, Hash)> {
        let (mut node, mut last) = (self.from.checked_sub(1)?, self.to.checked_sub(1)?);
        if node >= last {
            return None;
        }
        while node & 1 == 1 {
            node >>= 1;
            last >>= 1;
        }
        let mut path = self.path.iter();
        let start = match self.from.is_power_of_two() {
            true => older,
            false => *path.next()?,
        };
        let (mut first, mut second) = (start, start);
        for sibling in path {
            if last == 0 {
                return None;
            }
            if node & 1 == 1 || node == last {
                first = node_hash(sibling, &first);
                second = node_hash(sibling, &second);
                while node & 1 == 0 && node != 0 {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                second = node_hash(&second, sibling);
            }
            node >>= 1;
            last >>= 1;
        }
        (last == 0).then_some((first, second))
    }
}

/// The root of the tree of `size` leaves.
///
/// # Errors
/// When a node can't be had.
pub fn root<N: Nodes>(size: u64, nodes: &N) -> Result<Hash, N::Error> {
    match size {
        0 => Ok(Hash::of(b"")),
        _ => root_of(0, size, nodes),
    }
}

/// The root over leaves `first .. end`, which are a subtree of the tree: perfect, or its right edge.
fn root_of<N: Nodes>(first: u64, end: u64, nodes: &N) -> Result<Hash, N::Error> {
    let count = end - first;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level, first >> level);
    }
    let middle = first + split(count);
    let left = root_of(first, middle, nodes)?;
    Ok(node_hash(&left, &root_of(middle, end, nodes)?))
}

/// The largest power of two below `count`, which is 2 or more.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::ledger::hash::leaf_hash;
    use crate::ledger::merkle::Frontier;

    /// A tree that has its leaves at hand.
    struct Leaves(Vec<Hash>);

    impl Leaves {
        fn new(size: u64) -> Self {
            Self((0..size).map(|at| leaf_hash(&at.to_be_bytes())).collect())
        }

        fn root(&self, size: usize) -> Hash {
            let mut tree = Frontier::new();
            self.0[..size].iter().for_each(|leaf| tree.push(*leaf));
            tree.root()
        }
    }

    impl Nodes for Leaves {
        type Error = Infallible;

        fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
            let first = (index << level) as usize;
            let mut tree = Frontier::new();
            let leaves = &self.0[first..first + (1 << level)];
            leaves.iter().for_each(|leaf| tree.push(*leaf));
            Ok(tree.root())
        }
    }

    #[test]
    fn e3_each_leaf_of_each_tree_is_proven_and_nothing_else_is() {
        let leaves = Leaves::new(70);
        for size in 1..=70_u64 {
            let root = leaves.root(size as usize);
            for index in 0..size {
                let Ok(Some(proof)) = InclusionProof::of(index, size, &leaves) else {
                    panic!("{index} {size}");
                };
                let leaf = leaves.0[index as usize];
                assert_eq!(proof.root(leaf), Some(root), "{index} of {size}");
                assert_ne!(proof.root(leaf_hash(b"another")), Some(root));
                let elsewhere = InclusionProof {
                    index: (index + 1) % size,
                    ..proof.clone()
                };
                assert!(size == 1 || elsewhere.root(leaf) != Some(root));
                for at in 0..proof.path.len() {
                    let mut cut = proof.clone();
                    cut.path.remove(at);
                    assert_ne!(cut.root(leaf), Some(root), "{index} of {size}, {at}");
                }
                let mut longer = proof.clone();
                longer.path.push(root);
                assert_eq!(longer.root(leaf), None);
            }
            assert_eq!(InclusionProof::of(size, size, &leaves), Ok(None));
        }
    }

    #[test]
    fn e3_a_tree_is_proven_to_begin_with_each_older_one_and_no_other() {
        let leaves = Leaves::new(70);
        let forged = Leaves(vec![leaf_hash(b"forged"); 70]);
        for to in 1..=70_u64 {
            let newer = leaves.root(to as usize);
            for from in 0..=to {
                let Ok(Some(proof)) = ConsistencyProof::of(from, to, &leaves) else {
                    panic!("{from} {to}");
                };
                let older = leaves.root(from as usize);
                assert_eq!(root(from, &leaves), Ok(older));
                assert!(proof.holds(older, newer), "{from} {to}");
                assert!(from == 0 || !proof.holds(forged.root(from as usize), newer));
                assert!(!proof.holds(older, forged.root(to as usize)) || from == 0);
                for at in 0..proof.path.len() {
                    let mut altered = proof.clone();
                    altered.path[at] = leaf_hash(b"altered");
                    assert!(!altered.holds(older, newer), "{from} {to} {at}");
                    altered.path.remove(at);
                    assert!(!altered.holds(older, newer), "{from} {to} {at}");
                }
            }
            assert_eq!(ConsistencyProof::of(to + 1, to, &leaves), Ok(None));
        }
    }

    /// The paths that RFC 6962 §2.1.3 draws for a tree of seven leaves.
    #[test]
    fn e3_the_examples_of_rfc_6962_come_out() {
        let leaves = Leaves::new(7);
        let at = |first: usize, end: usize| {
            let part = Leaves(leaves.0[first..end].to_vec());
            part.root(end - first)
        };
        let path = |index| InclusionProof::of(index, 7, &leaves).unwrap().unwrap().path;
        let (g, h, i, j, k, l) = (at(0, 2), at(2, 4), at(4, 6), at(6, 7), at(0, 4), at(4, 7));
        let leaf = |index: usize| leaves.0[index];
        assert_eq!(path(0), [leaf(1), h, l]);
        assert_eq!(path(3), [leaf(2), g, l]);
        assert_eq!(path(4), [leaf(5), j, k]);
        assert_eq!(path(6), [i, k]);
        let proof = |from| {
            ConsistencyProof::of(from, 7, &leaves)
                .unwrap()
                .unwrap()
                .path
        };
        assert_eq!(proof(3), [leaf(2), leaf(3), g, l]);
        assert_eq!(proof(4), [l]);
        assert_eq!(proof(6), [i, j, k]);
    }
}
