//! Sums over a part of a data set's rows, which others add to those of the rest.

use std::fmt;

use super::tree::{Node, Total, Tree, inverse};
use crate::error::{Error, Result};
use crate::kernel::{AddTo, Mode, Scalar, dispatch};

/// Rows of a data set that others have, see [`Dataset::remote`](crate::Dataset::remote).
pub trait RemoteRows<T>: Sync {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// The sums over all rows of a network with these parameters, in the order of
    /// [`Network::parameters`](crate::Network::parameters); without the gradient if only the loss is wanted. `None` ends
    /// the training, and so do sums that are not [whole](Partial::is_whole_of).
    fn sums(&self, parameters: &[T], gradient: bool) -> Option<Partial<T>>;

    /// A text that tells these rows from others in checkpoints.
    fn digest(&self) -> String;
}

impl<T> fmt::Debug for dyn RemoteRows<T> + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteRows({} rows)", self.rows())
    }
}

/// Losses, weights and gradients, summed over groups of rows that follow each other in a data set; see
/// [`Network::partial_sums`](crate::Network::partial_sums).
///
/// A part has few vectors, however many rows it has: groups are added along a binary tree, and a part has the nodes whose
/// neighbours are in other parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial<T> {
    /// The number of groups that the whole data set has.
    groups: usize,
    nodes: Vec<(Node, Vec<T>)>,
}

/// A node of a [`Partial`]: level in the tree, number on this level, loss, weight, gradient.
pub type PartialNode<T> = (u32, usize, f64, f64, Vec<T>);

impl<T: Scalar> Partial<T> {
    /// Puts a part together from its nodes, from left to right.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is no such part of a data set of so many groups.
    pub fn from_nodes(groups: usize, nodes: Vec<PartialNode<T>>) -> Result<Self> {
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|(level, number, loss, weight, gradient)| {
                (Node { level, number, total: Total { loss, weight } }, gradient)
            })
            .collect();
        let fits = nodes.iter().all(|(node, gradient)| {
            node.range().is_some_and(|range| range.start < groups) && gradient.len() == nodes[0].1.len()
        });
        let follow = || nodes.windows(2).all(|pair| pair[0].0.end() == pair[1].0.start());
        if nodes.is_empty() || !fits || !follow() {
            return Err(Error::argument("nodes", "groups that follow each other", format_args!("{nodes:?}")));
        }
        Ok(Self { groups, nodes })
    }

    pub(super) fn of_tree(groups: usize, nodes: Vec<(Node, Vec<T>)>) -> Self {
        Self { groups, nodes }
    }

    /// The number of groups that the whole data set has.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The nodes, from left to right.
    #[must_use]
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (u32, usize, f64, f64, &[T])> {
        self.nodes.iter().map(|(node, gradient)| {
            (node.level, node.number, node.total.loss, node.total.weight, &gradient[..])
        })
    }

    /// The first group, and the one behind the last.
    #[must_use]
    pub fn range(&self) -> (usize, usize) {
        let end = self.nodes.last().map_or(0, |(node, _)| node.end()).min(self.groups);
        (self.nodes.first().map_or(0, |(node, _)| node.start()), end)
    }

    /// Adds the part that follows this one.
    ///
    /// # Errors
    /// [`Error::Argument`] if the other part does not follow, or is one of another data set or network; this one is
    /// unchanged then.
    pub fn add(&mut self, next: &Self) -> Result<()> {
        let _mode = Mode::core();
        let numbers = |part: &Self| part.nodes.first().map_or(0, |(_, gradient)| gradient.len());
        let about = |part: &Self| {
            let (from, to) = part.range();
            format!("groups {from} to {to} of {}, {} numbers", part.groups, numbers(part))
        };
        if self.groups != next.groups || numbers(self) != numbers(next) || self.range().1 != next.range().0 {
            let expected = format!("the part that follows {}", about(self));
            return Err(Error::argument("other", expected, about(next)));
        }
        let mut tree = Tree::new()?;
        tree.nodes.extend(self.nodes.iter().map(|(node, _)| *node));
        for (node, gradient) in &next.nodes {
            let mut gradient = gradient.clone();
            for _ in 0..tree.push(*node) {
                if let Some((_, left)) = self.nodes.pop() {
                    dispatch(AddTo { total: &mut gradient, numbers: &left });
                }
            }
            self.nodes.extend(tree.nodes.last().map(|node| (*node, gradient)));
        }
        Ok(())
    }

    /// Whether these are the sums over all rows, with gradients of so many numbers.
    #[must_use]
    pub fn is_whole_of(&self, numbers: usize) -> bool {
        self.range() == (0, self.groups) && self.nodes.iter().all(|(_, gradient)| gradient.len() == numbers)
    }

    /// The mean loss over all rows, without a penalty; `None` if some of them are missing.
    #[must_use]
    pub fn mean_loss(&self) -> Option<f64> {
        let _mode = Mode::core();
        let mut nodes = self.nodes.iter().rev().map(|(node, _)| node.total);
        let last = nodes.next().filter(|_| self.range() == (0, self.groups))?;
        let Total { loss, weight } = nodes.fold(last, |right, left| left.add(right));
        Some(loss * inverse(weight))
    }

    /// The sums over all rows.
    pub(super) fn total(self) -> (Total, Vec<T>) {
        let _mode = Mode::core();
        let mut nodes = self.nodes.into_iter().rev();
        let (mut total, mut gradient) =
            nodes.next().map_or_else(Default::default, |(node, sum)| (node.total, sum));
        for (node, left) in nodes {
            total = node.total.add(total);
            dispatch(AddTo { total: &mut gradient, numbers: &left });
        }
        (total, gradient)
    }
}
