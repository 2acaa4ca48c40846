//! The binary tree along which sums over groups of micro-batches are added.
//!
//! Its leaves are the groups of a batch, see [`super::sums`]: pairs of neighbours are added, then pairs of such pairs, and so on; a
//! node without a neighbour moves up as it is. What a node has depends on its own rows alone, so whoever has whole
//! groups of a batch can add them up, anywhere and at any time, and the bits are those of one place.

use std::ops::Range;

use crate::error::Result;
use crate::memory::try_with_capacity;

/// The loss and the weight of some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Total {
    pub loss: f64,
    pub weight: f64,
}

/// 1 / the weight of a batch; 0 for a batch of weight 0.
pub(super) fn inverse(weight: f64) -> f64 {
    if weight > 0.0 { 1.0 / weight } else { 0.0 }
}

impl Total {
    /// The sums of both.
    pub fn add(self, other: Self) -> Self {
        Self { loss: self.loss + other.loss, weight: self.weight + other.weight }
    }
}

/// A node of the tree that has all its groups: those from `number << level` on, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub level: u32,
    pub number: usize,
    pub total: Total,
}

impl Node {
    /// Its groups, if there can be so many.
    pub fn range(&self) -> Option<Range<usize>> {
        let groups = 1_usize.checked_shl(self.level)?;
        let start = self.number.checked_mul(groups)?;
        Some(start..start.checked_add(groups)?)
    }

    /// The first group.
    pub fn start(&self) -> usize {
        self.number << self.level
    }

    /// The group behind the last one.
    pub fn end(&self) -> usize {
        (self.number + 1) << self.level
    }
}

/// The nodes that have no neighbour yet, from left to right. Vectors that belong to the nodes are kept elsewhere, in the same
/// order.
#[derive(Debug)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    /// An empty tree with room for the nodes of any batch.
    pub fn new() -> Result<Self> {
        Ok(Self { nodes: try_with_capacity(2 * usize::BITS as usize)? })
    }

    /// How many nodes wait at the same time, if so many groups come one after the other from the first one of a batch on.
    pub fn most_waiting(groups: usize) -> usize {
        if groups <= 1 { 0 } else { (groups + 1).ilog2() as usize }
    }

    /// The same from any group on.
    pub fn most_waiting_anywhere(groups: usize) -> usize {
        1 + 2 * groups.ilog2() as usize
    }

    /// Takes the node that follows those that are there. Returns with how many of the last ones it becomes one,
    /// the very last one first.
    pub fn push(&mut self, mut node: Node) -> usize {
        let mut joined = 0;
        while let Some(left) = self.nodes.last()
            && left.level == node.level
            && left.number.is_multiple_of(2)
            && left.number + 1 == node.number
        {
            node = Node { level: node.level + 1, number: left.number / 2, total: left.total.add(node.total) };
            self.nodes.pop();
            joined += 1;
        }
        self.nodes.push(node);
        joined
    }

    /// The sum over all nodes, the last one first; none are left.
    pub fn total(&mut self) -> Total {
        let last = self.nodes.pop().map_or(Total::default(), |node| node.total);
        self.nodes.drain(..).rev().fold(last, |right, left| left.total.add(right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: usize) -> Node {
        let (loss, weight) = (1.0 / (number + 3) as f64, 1.0 + 0.1 * number as f64);
        Node { level: 0, number, total: Total { loss, weight } }
    }

    /// The sum over groups by the definition: halves of a range whose length is a power of two.
    fn expected(from: usize, length: usize, groups: usize) -> Option<Total> {
        if length == 1 {
            return (from < groups).then(|| node(from).total);
        }
        let half = length / 2;
        match (expected(from, half, groups), expected(from + half, half, groups)) {
            (Some(left), Some(right)) => Some(left.add(right)),
            (left, right) => left.or(right),
        }
    }

    #[test]
    fn a_tree_of_parts_is_the_tree_of_the_whole() {
        for groups in 1..40 {
            let mut whole = Tree::new().unwrap();
            let mut most = 0;
            for number in 0..groups {
                whole.push(node(number));
                most = most.max(whole.nodes.len());
            }
            assert!(most <= Tree::most_waiting(groups) || groups == 1);
            let total = whole.total();
            assert_eq!(Some(total), expected(0, 64, groups));
            for cut in 1..groups {
                let [mut left, mut right] = [0..cut, cut..groups].map(|part| {
                    let mut tree = Tree::new().unwrap();
                    for number in part {
                        tree.push(node(number));
                    }
                    tree
                });
                assert!(right.nodes.len() <= Tree::most_waiting_anywhere(groups - cut));
                for node in right.nodes.drain(..) {
                    left.push(node);
                }
                assert_eq!(left.total(), total, "{cut} of {groups}");
            }
        }
    }
}
