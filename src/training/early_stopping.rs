//! Early stopping: the best epoch so far, and the end of patience.

use super::history::Epoch;
use super::settings::Settings;

/// Monitors one number: the score if there is one, else the validation loss, else the training loss.
pub(super) struct Monitor {
    patience: Option<usize>,
    tolerance: f64,
    restores_best: bool,
    watches_loss: bool,
    best: f64,
    bad_epochs: usize,
}

impl Monitor {
    pub fn new<T>(settings: &Settings<'_, T>, scored: bool) -> Self {
        Self {
            patience: settings.patience,
            tolerance: settings.tolerance,
            restores_best: settings.restore_best.unwrap_or(scored || settings.validation.is_some()),
            watches_loss: !scored && settings.validation.is_none(),
            best: f64::INFINITY,
            bad_epochs: 0,
        }
    }

    /// The best number so far, and the number of epochs since then without improvement.
    pub fn watched(&self) -> (f64, usize) {
        (self.best, self.bad_epochs)
    }

    /// Resumes from the result of [`Monitor::watched`].
    pub fn resume(&mut self, watched: (f64, usize)) {
        (self.best, self.bad_epochs) = watched;
    }

    /// Records an epoch; returns whether it is the best so far.
    pub fn improved(&mut self, epoch: &Epoch) -> bool {
        let number = match (epoch.score, epoch.validation_loss) {
            (Some(score), _) => -score,
            (None, Some(loss)) => loss,
            (None, None) => epoch.loss,
        };
        // scikit-learn's rule.
        if number > self.best - self.tolerance || number.is_nan() {
            self.bad_epochs += 1;
        } else {
            self.bad_epochs = 0;
        }
        let improved = number < self.best;
        if improved {
            self.best = number;
        }
        improved
    }

    pub fn restores_best(&self) -> bool {
        self.restores_best
    }

    /// Whether the monitored number is the training loss.
    pub fn watches_loss(&self) -> bool {
        self.watches_loss
    }

    pub fn out_of_patience(&self) -> bool {
        self.patience.is_some_and(|patience| self.bad_epochs >= patience)
    }

    /// Resets the count of epochs without improvement.
    pub fn renew_patience(&mut self) {
        self.bad_epochs = 0;
    }
}
