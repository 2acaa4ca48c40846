//! Calling the caller's code in the caller's floating-point mode.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checkpoint::Note;
use super::history::Epoch;
use super::observer::Observer;
use crate::kernel::outside;
use crate::network::Network;

/// How often an observer is asked whether the training is interrupted: more often than anybody notices, and so seldom that
/// changing the mode costs nothing.
const INTERVAL: Duration = Duration::from_millis(10);

/// An observer whose methods run in the caller's floating-point mode.
pub(super) struct Outside<'a, T> {
    observer: &'a mut dyn Observer<T>,
    /// When it was last asked whether the training is interrupted.
    asked: Instant,
    /// Whether an interruption of another training ends this one.
    ended: Option<&'a AtomicBool>,
}

impl<'a, T> Outside<'a, T> {
    pub fn new(observer: &'a mut dyn Observer<T>, began: Instant) -> Self {
        Self { observer, asked: began, ended: None }
    }

    /// The same of one of several trainings, which end together once `ended` is set.
    pub fn with_others(self, ended: &'a AtomicBool) -> Self {
        Self { ended: Some(ended), ..self }
    }
}

impl<T> Observer<T> for Outside<'_, T> {
    fn looks_at_network(&self) -> bool {
        outside(|| self.observer.looks_at_network())
    }

    fn scores(&self) -> bool {
        outside(|| self.observer.scores())
    }

    fn score(&mut self, network: &Network<T>) -> Option<f64> {
        outside(|| self.observer.score(network))
    }

    fn epoch(&mut self, epoch: &Epoch, network: &Network<T>) -> bool {
        outside(|| self.observer.epoch(epoch, network))
    }

    fn interrupted(&mut self) -> bool {
        if self.ended.is_some_and(|ended| ended.load(Ordering::Relaxed)) {
            return true;
        }
        if self.asked.elapsed() < INTERVAL {
            return false;
        }
        let interrupted = outside(|| self.observer.interrupted());
        self.asked = Instant::now();
        interrupted
    }

    fn failed(&self) -> bool {
        outside(|| self.observer.failed())
    }

    fn ended(&mut self) {
        outside(|| self.observer.ended());
    }

    fn note(&mut self) -> Option<Note> {
        outside(|| self.observer.note())
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ndarray::{Array2, ArrayView2, ArrayViewMut2};

    use super::*;
    use crate::{
        Activation, Adam, Dataset, Init, Objective, Optimizer, OptimizerState, RowLoss, Settings, Shuffle,
        train,
    };

    /// Number of calls of the caller's code that found denormal numbers at work.
    #[derive(Default)]
    struct Found(AtomicUsize);

    impl Found {
        fn ask(&self) {
            assert!(black_box(f32::from_bits(1)) * black_box(1.0) > 0.0);
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl RowLoss<f32> for Found {
        fn losses_and_gradients(
            &self,
            outputs: ArrayView2<'_, f32>,
            targets: ArrayView2<'_, f32>,
            losses: &mut [f32],
            mut gradients: ArrayViewMut2<'_, f32>,
        ) -> bool {
            self.ask();
            losses.fill(1.0);
            gradients.assign(&(&outputs - &targets));
            true
        }
    }

    struct Asked<'a>(&'a Found);

    impl Observer<f32> for Asked<'_> {
        fn looks_at_network(&self) -> bool {
            self.0.ask();
            true
        }

        fn scores(&self) -> bool {
            self.0.ask();
            true
        }

        fn score(&mut self, _: &Network<f32>) -> Option<f64> {
            self.0.ask();
            Some(0.0)
        }

        fn epoch(&mut self, _: &Epoch, _: &Network<f32>) -> bool {
            self.0.ask();
            false
        }

        fn interrupted(&mut self) -> bool {
            self.0.ask();
            false
        }

        fn failed(&self) -> bool {
            self.0.ask();
            false
        }

        fn ended(&mut self) {
            self.0.ask();
        }

        fn note(&mut self) -> Option<Note> {
            self.0.ask();
            Some(Note::default())
        }
    }

    #[test]
    fn all_code_of_the_callers_has_its_denormals() {
        for n_threads in [1, 3] {
            let [loss, observer, order] = [Found::default(), Found::default(), Found::default()];
            let hidden = [Activation::Relu];
            let (output, biases) = (Activation::Identity, [true; 2]);
            let mut network = Network::new(&[3, 70, 2], &hidden, output, &biases, Init::Glorot, 0).unwrap();
            let x = Array2::from_elem((1500, 3), 1e-40);
            let y = Array2::from_elem((1500, 2), 1.0);
            let shuffled = |_| {
                order.ask();
                Some((0..1500).collect())
            };
            let folder = tempfile::tempdir().unwrap();
            let settings = Settings {
                epochs: 2,
                shuffle: Shuffle::By(&shuffled),
                n_threads: Some(n_threads),
                checkpoint: Some(crate::Checkpoint { path: folder.path().join("run.ckpt"), every: 1 }),
                ..Settings::default()
            };
            let mut state = OptimizerState::new(Optimizer::Adam(Adam::default())).unwrap();
            let data = Dataset::new(x.view(), y.view(), None);
            let own = Objective::Custom(&loss);
            train(&mut network, &data, own, &settings, &mut state, &mut Asked(&observer)).unwrap();
            network.loss_and_gradient(&data, own, 0.0, Some(n_threads)).unwrap();
            {
                let _mode = crate::kernel::Mode::core();
                let mut asked = Asked(&observer);
                let long_ago = Instant::now();
                std::thread::sleep(INTERVAL);
                let before = observer.0.load(Ordering::Relaxed);
                assert!(!Outside::new(&mut asked, long_ago).interrupted());
                assert_eq!(observer.0.load(Ordering::Relaxed), before + 1);
                assert!(!Outside::new(&mut asked, Instant::now() + INTERVAL).interrupted());
                assert_eq!(observer.0.load(Ordering::Relaxed), before + 1);
            }
            let [loss, observer, order] = [loss, observer, order].map(|found| found.0.into_inner());
            // Of the observer: whether it looks and scores, each epoch's score, failure and end, the end, and one question.
            assert!(loss >= 6 && order == 2 && observer >= 10, "{loss} {order} {observer}");
        }
    }
}
