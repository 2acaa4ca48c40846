//! The caller's part in a training.

use super::checkpoint::Note;
use super::history::Epoch;
use crate::network::Network;

/// Events of a training, and the caller's answers. Every method has a default that
/// does nothing.
pub trait Observer<T> {
    /// Whether [`Observer::epoch`] or [`Observer::score`] looks at the network; copying the
    /// parameters after each epoch costs time.
    fn looks_at_network(&self) -> bool {
        false
    }

    /// A score of the network after an epoch, greater is better; if given, it takes the place of
    /// the validation loss.
    fn score(&mut self, _network: &Network<T>) -> Option<f64> {
        None
    }

    /// After each epoch; `true` ends the training.
    fn epoch(&mut self, _epoch: &Epoch, _network: &Network<T>) -> bool {
        false
    }

    /// Asked many times a second; `true` ends the training at the last complete epoch.
    fn interrupted(&mut self) -> bool {
        false
    }

    /// Whether a score cannot be used; then the epoch does not count, and the training ends as if it
    /// were interrupted.
    fn failed(&self) -> bool {
        false
    }

    /// What to put down in a checkpoint beside the training itself; `None` ends the training, and
    /// the last save stays.
    fn note(&mut self) -> Option<Note> {
        Some(Note::default())
    }
}

impl<T> Observer<T> for () {}
