//! The history of a training: loss, score and learning rate per epoch, and the reason of its end.

use crate::error::{Error, Result};

/// The numbers of one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Epoch {
    /// The number of the epoch; 1 for the first.
    pub epoch: usize,
    /// The training loss, penalty included: with full batches at the parameters before the epoch's
    /// update, with mini-batches the mean over the batches.
    pub loss: f64,
    /// The L2 penalty's part of the loss.
    pub penalty: f64,
    /// The loss on the validation rows after the epoch, without penalty.
    pub validation_loss: Option<f64>,
    /// The observer's score after the epoch.
    pub score: Option<f64>,
    /// The learning rate of the last step of the epoch, for optimizers that have one.
    pub learning_rate: Option<f64>,
    /// Time since the training began.
    pub seconds: f64,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StopReason {
    /// All epochs were done.
    #[default]
    Epochs,
    /// As many epochs in a row as [`crate::Settings::patience`] allows brought no improvement.
    Patience,
    /// [`crate::Settings::max_time`] was over.
    Time,
    /// The observer ended it.
    Callback,
    /// The observer reported an interruption.
    Interrupted,
    /// The loss or a parameter became infinite or NaN.
    Diverged,
}

impl StopReason {
    const ALL: [Self; 6] =
        [Self::Epochs, Self::Patience, Self::Time, Self::Callback, Self::Interrupted, Self::Diverged];

    /// The reason with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The name in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Patience => "patience",
            Self::Time => "time",
            Self::Callback => "callback",
            Self::Interrupted => "interrupted",
            Self::Diverged => "diverged",
        }
    }
}

/// The course of a training: one entry per epoch in each list that applies.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct History {
    /// See [`Epoch::loss`].
    pub loss: Vec<f64>,
    /// See [`Epoch::penalty`].
    pub penalty: Vec<f64>,
    /// See [`Epoch::validation_loss`].
    pub validation_loss: Vec<f64>,
    /// See [`Epoch::score`].
    pub score: Vec<f64>,
    /// See [`Epoch::learning_rate`].
    pub learning_rate: Vec<f64>,
    /// The epoch with the best score, validation loss or loss, whichever was monitored; 0 if no epoch
    /// was completed.
    pub best_epoch: usize,
    /// Why training ended.
    pub stop_reason: StopReason,
    /// Duration of the training.
    pub seconds: f64,
}

impl History {
    /// The number of complete epochs.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.loss.len()
    }

    /// The lists, each with its name in a checkpoint.
    pub(super) fn lists(&self) -> [(&'static str, &[f64]); 5] {
        [
            ("history.loss", &self.loss),
            ("history.penalty", &self.penalty),
            ("history.validation_loss", &self.validation_loss),
            ("history.score", &self.score),
            ("history.learning_rate", &self.learning_rate),
        ]
    }

    /// The list with a name of [`History::lists`].
    pub(super) fn list_mut(&mut self, name: &str) -> Option<&mut Vec<f64>> {
        Some(match name {
            "history.loss" => &mut self.loss,
            "history.penalty" => &mut self.penalty,
            "history.validation_loss" => &mut self.validation_loss,
            "history.score" => &mut self.score,
            "history.learning_rate" => &mut self.learning_rate,
            _ => return None,
        })
    }

    pub(super) fn push(&mut self, epoch: &Epoch) -> Result<()> {
        let Self { loss, penalty, validation_loss, score, learning_rate, .. } = self;
        let mut lists = [
            (loss, Some(epoch.loss)),
            (penalty, Some(epoch.penalty)),
            (validation_loss, epoch.validation_loss),
            (score, epoch.score),
            (learning_rate, epoch.learning_rate),
        ];
        for (list, number) in &mut lists {
            let more = usize::from(number.is_some());
            list.try_reserve(more).map_err(|_| Error::OutOfMemory { numbers: list.len() + more })?;
        }
        for (list, number) in lists {
            list.extend(number);
        }
        Ok(())
    }
}
