//! The observer: functions of the caller's that a training calls.

use super::checkpoint::Note;
use super::history::Epoch;
use crate::network::Network;

/// The caller's reactions to the events of a training. Every method has a default that
/// does nothing.
pub trait Observer<T> {
    /// Whether [`Observer::epoch`] or [`Observer::score`] reads the network; asked once, before the first epoch. If not,
    /// the training saves the time to copy the parameters after each epoch.
    fn looks_at_network(&self) -> bool {
        false
    }

    /// Whether [`Observer::score`] scores epochs; asked once, before the first. The score is then monitored in
    /// place of the loss.
    fn scores(&self) -> bool {
        false
    }

    /// Scores the network after an epoch; greater is better. Called if the observer scores epochs or looks at the network.
    fn score(&mut self, _network: &Network<T>) -> Option<f64> {
        None
    }

    /// Called after each epoch; `true` ends the training.
    fn epoch(&mut self, _epoch: &Epoch, _network: &Network<T>) -> bool {
        false
    }

    /// Called some hundred times per second at most; `true` ends the training with the last complete epoch.
    fn interrupted(&mut self) -> bool {
        false
    }

    /// Whether a function of the observer's has failed. If it was the score, the epoch does not count, and the training ends as
    /// if interrupted; [`crate::train_many`] ends the other trainings too.
    fn failed(&self) -> bool {
        false
    }

    /// Called at the end of the training, on the thread that it was on, however it ends.
    fn ended(&mut self) {}

    /// The caller's own data for a checkpoint; `None` ends the training, and
    /// the last save stays.
    fn note(&mut self) -> Option<Note> {
        Some(Note::default())
    }
}

impl<T> Observer<T> for () {}
