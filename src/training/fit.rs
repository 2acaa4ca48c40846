//! The fit loop: epochs, batches, validation, stopping, events.

use std::time::Instant;

use super::callers::Outside;
use super::checkpoint::{Complete, Saved, Saver};
use super::dataset::{Dataset, Lengths};
use super::early_stopping::Monitor;
use super::engine::{Batches, Engine, useful_threads};
use super::history::{Epoch, History, StopReason};
use super::kept::MOST_KEPT;
use super::noise::NoiseSource;
use super::observer::Observer;
use super::row_order::RowOrder;
use super::settings::{Settings, Shuffle, check_truncate};
use super::state::{Counters, OptimizerState};
use super::step::Batch;
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar};
use crate::loss::Objective;
use crate::memory::{Aligned, try_zeros};
use crate::network::Network;
use crate::once::once;
use crate::parallel::{Team, threads};
use crate::pass::check_dropout;
use crate::schedule::Schedule;

/// Trains a network.
///
/// On return the network has the parameters of the last epoch, or of the best epoch with
/// [`Settings::restore_best`]; after a divergence or an interruption it has those of the last complete
/// epoch. `state` then holds the optimizer's memory of the same epoch, so that a later call can go on; a
/// divergence resets it.
///
/// The loss is a [`crate::Loss`] or, as an [`Objective`], a custom loss.
///
/// # Errors
/// [`Error::Shape`], [`Error::Value`] and [`Error::Argument`] if arguments do not fit together or are
/// outside their domain, [`Error::LossAndOutput`], [`Error::OutOfMemory`]; with a [`crate::Checkpoint`]
/// also [`Error::OtherTraining`], [`Error::ModelFile`] and [`Error::Io`]. An error leaves the network and the
/// state unchanged.
///
/// ```
/// use ferroprop::{Activation, Dataset, Init, Loss, Network, Optimizer, OptimizerState, Rprop, Settings, train};
/// use ndarray::array;
///
/// let x = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let y = array![[0.0], [1.0], [1.0], [0.0]];
/// let mut network = Network::<f64>::new(&[2, 4, 1], &[Activation::Tanh], Activation::LOGISTIC, &[true; 2], Init::Glorot, 3)?;
/// let data = Dataset::new(x.view(), y.view(), None);
/// let settings = Settings { epochs: 100, ..Settings::default() };
/// let mut state = OptimizerState::new(Optimizer::Rprop(Rprop::default()))?;
/// let history = train(&mut network, &data, Loss::LOG_LOSS, &settings, &mut state, &mut ())?;
/// assert!(history.loss[99] < 0.01);
/// # Ok::<(), ferroprop::Error>(())
/// ```
pub fn train<'a, T: Scalar>(
    network: &mut Network<T>,
    data: &Dataset<'_, T>,
    loss: impl Into<Objective<'a, T>>,
    settings: &Settings<'_, T>,
    state: &mut OptimizerState<T>,
    observer: &mut dyn Observer<T>,
) -> Result<History> {
    trained(network, data, loss.into(), settings, state, observer)
}

once! {
    /// As [`train`].
    fn trained<T>(
        network: &mut Network<T>,
        data: &Dataset<'_, T>,
        objective: Objective<'_, T>,
        settings: &Settings<'_, T>,
        state: &mut OptimizerState<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<History> = train_here
}

fn train_here<T: Scalar>(
    network: &mut Network<T>,
    data: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    settings: &Settings<'_, T>,
    state: &mut OptimizerState<T>,
    observer: &mut dyn Observer<T>,
) -> Result<History> {
    let _mode = Mode::core();
    let began = Instant::now();
    let observer = &mut Outside::new(observer, began);
    let checked = check(network, data, &objective, settings, state, observer.scores())?;
    let limits = Limits::new(settings, threads(settings.n_threads), began);
    run(network, data, objective, settings, state, observer, checked, limits)
}

/// The checkpoint of a training whose arguments fit together, and what it has of an earlier call.
pub(super) struct Checked<T> {
    saver: Option<Saver>,
    saved: Option<Saved<T>>,
    scored: bool,
}

/// Checks everything that can be wrong before a training begins.
pub(super) fn check<T: Scalar>(
    network: &Network<T>,
    data: &Dataset<'_, T>,
    objective: &Objective<'_, T>,
    settings: &Settings<'_, T>,
    state: &OptimizerState<T>,
    scored: bool,
) -> Result<Checked<T>> {
    settings.check()?;
    check_truncate(network, settings.truncate)?;
    let dropout = settings.dropout_rates(network.layers().len() - 1)?;
    check_dropout(network.layers(), dropout.iter().map(|rate| !rate.is_zero()))?;
    objective.check(network.output_activation(), network.complex_outputs())?;
    data.check(network, objective, "")?;
    if data.remote.is_some() {
        check_remote(settings, data.rows(), dropout)?;
    }
    if let Some(validation) = &settings.validation {
        validation.check(network, objective, "validation ")?;
    }
    state.check(network)?;
    let (saver, saved) = match &settings.checkpoint {
        None => (None, None),
        Some(_) if !state.is_fresh() => {
            return Err(Error::argument(
                "optimizer",
                "one without memory for a checkpoint",
                "one that was used",
            ));
        }
        Some(checkpoint) => {
            let saver =
                Saver::new(checkpoint, network, data, objective, settings, scored, state.optimizer())?;
            saver.check()?;
            let saved = saver.resume(network, settings, state.optimizer())?;
            (Some(saver), saved)
        }
    };
    Ok(Checked { saver, saved, scored })
}

/// Checks what a training on rows that are elsewhere can do.
fn check_remote<T: Scalar>(settings: &Settings<'_, T>, rows: usize, dropout: &[Schedule]) -> Result<()> {
    if settings.batch_rows(rows) < rows {
        let expected = "None, all rows at a time, for rows that are elsewhere";
        return Err(Error::argument("batch_size", expected, settings.batch_rows(rows)));
    }
    if dropout.iter().any(|rate| !rate.is_zero()) {
        return Err(Error::argument("dropout", "0 for rows that are elsewhere", "another rate"));
    }
    if matches!(settings.shuffle, Shuffle::By(_)) {
        return Err(Error::argument("shuffle", "no function for rows that are elsewhere", "a function"));
    }
    Ok(())
}

/// What holds a training that is checked.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub threads: usize,
    /// The beginning of the training.
    pub started: Instant,
    /// When no other epoch begins.
    pub end: Option<Instant>,
    /// See [`Batches`].
    pub most_kept: usize,
}

impl Limits {
    /// Those of a training that begins with the call.
    pub fn new<T>(settings: &Settings<'_, T>, threads: usize, began: Instant) -> Self {
        // A time that the clock cannot show never comes.
        let end = settings.max_time.and_then(|most| began.checked_add(most));
        Self { threads, started: began, end, most_kept: MOST_KEPT }
    }
}

/// Trains a network whose training is checked.
#[allow(clippy::too_many_arguments)] // those of `train`, and two more
pub(super) fn run<T: Scalar>(
    network: &mut Network<T>,
    data: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    settings: &Settings<'_, T>,
    state: &mut OptimizerState<T>,
    observer: &mut Outside<'_, T>,
    Checked { saver, saved, scored }: Checked<T>,
    limits: Limits,
) -> Result<History> {
    let batch_rows = settings.batch_rows(data.rows());
    let lengths = Lengths::new(data, settings.validation.as_ref())?;
    let n_threads = useful_threads(network, batch_rows, &lengths, limits.threads);
    // Each step sets its own rates; here it matters only whether a rate is ever above 0.
    let rates = settings.dropout_rates(network.layers().len() - 1)?.iter().map(|rate| match rate {
        Schedule::Constant(rate) => *rate,
        _ if rate.is_zero() => 0.0,
        _ => 1.0,
    });
    let mut engine = Engine::new(
        saved.as_ref().map_or(&*network, |saved| &saved.network),
        objective,
        NoiseSource::new(network.layers(), rates.collect(), settings.noise_seed),
        settings.alpha,
        Batches {
            rows: batch_rows,
            lengths: &lengths,
            weighted: data.weighted(),
            truncate: settings.truncate,
            most_kept: limits.most_kept,
            remote: data.remote.or(settings.validation.as_ref().and_then(|data| data.remote)).is_some(),
        },
        n_threads,
    )?;
    engine.clip_norm = settings.clip_norm;
    // The caller's state changes only at the end, when nothing can fail any more.
    let mut working = state.without_arrays();
    match &saved {
        None => engine.keep_arrays(state.optimizer(), &state.arrays)?,
        Some(saved) => {
            engine.keep_arrays(state.optimizer(), &saved.arrays)?;
            working.counters = saved.counters;
        }
    }
    let looked_at = observer.looks_at_network();
    let before = if looked_at { Some(network.try_clone()?) } else { None };
    let run = Run {
        network: &mut *network,
        arrays: &mut state.arrays,
        data,
        settings,
        scored,
        looked_at,
        batch_rows,
        observer: &mut *observer,
        saver,
        started: limits.started,
        end: limits.end,
    };
    let history = Team::with(n_threads, |team| run.epochs(&mut engine, &mut working, saved, team));
    observer.ended();
    if history.as_ref().is_ok_and(|history| history.stop_reason != StopReason::Diverged) {
        engine.keep_buffers();
    }
    match (&history, before) {
        (Ok(_), _) => *state = working,
        (Err(_), Some(before)) => *network = before,
        (Err(_), None) => {}
    }
    history
}

struct Run<'a, 'd, 's, 'o, T> {
    network: &'a mut Network<T>,
    /// The optimizer's arrays from before the training. They change at its end, after everything that can fail.
    arrays: &'a mut Vec<Vec<T>>,
    data: &'a Dataset<'d, T>,
    settings: &'a Settings<'s, T>,
    /// Whether the observer scores epochs.
    scored: bool,
    /// Whether the observer reads the network.
    looked_at: bool,
    batch_rows: usize,
    observer: &'a mut Outside<'o, T>,
    saver: Option<Saver>,
    started: Instant,
    end: Option<Instant>,
}

/// The progress of a training: its history, and the snapshots that it can return to.
struct Course<T> {
    history: History,
    monitor: Monitor,
    /// Parameters of the last complete epoch; if the best are to be restored, also those of the epoch before
    /// and of the best epoch.
    complete: Aligned<T>,
    previous: Aligned<T>,
    best: Aligned<T>,
    /// The optimizer's memory at the end of that epoch. Its arrays are kept only if an epoch can be abandoned
    /// after a step of it was made.
    arrays: Option<Vec<T>>,
    counters: Counters,
    /// Duration of the training before this call.
    seconds: f64,
    saved_epoch: usize,
}

impl<T: Scalar> Course<T> {
    /// Adds a complete epoch.
    fn add(&mut self, epoch: &Epoch, engine: &Engine<'_, T>, loss_lags: bool) -> Result<()> {
        self.history.push(epoch)?;
        if self.monitor.restores_best() {
            std::mem::swap(&mut self.previous, &mut self.complete);
        }
        self.complete.copy_from_slice(engine.parameters());
        self.history.seconds = epoch.seconds;
        if self.monitor.improved(epoch) {
            self.history.best_epoch = epoch.epoch;
            if self.monitor.restores_best() {
                self.best.copy_from_slice(if loss_lags { &self.previous } else { &self.complete });
            }
        }
        Ok(())
    }

    /// Takes a snapshot of the optimizer's memory between two epochs.
    fn keep(&mut self, engine: &Engine<'_, T>, state: &OptimizerState<T>) -> Result<()> {
        self.counters = state.counters;
        self.arrays.as_mut().map_or(Ok(()), |arrays| engine.copy_arrays(arrays))
    }
}

impl<T: Scalar> Run<'_, '_, '_, '_, T> {
    fn epochs(
        mut self,
        engine: &mut Engine<'_, T>,
        state: &mut OptimizerState<T>,
        saved: Option<Saved<T>>,
        team: &mut Team<'_>,
    ) -> Result<History> {
        let mut course = self.begin(engine, state, saved)?;
        let mut order = RowOrder::new(self.settings, self.data.rows(), self.batch_rows)?;
        let mut done = course.history.epochs();
        let steps = (self.settings.epochs - done).saturating_mul(self.data.rows().div_ceil(self.batch_rows));
        state.start_training(steps as u64);
        // The checkpoint was saved when patience had run out.
        let mut stop = (done > 0 && course.monitor.out_of_patience()).then_some(StopReason::Patience);
        // It was another training's turn until now.
        stop = stop.or(self.end.is_some_and(|end| self.started >= end).then_some(StopReason::Time));
        while stop.is_none() && done < self.settings.epochs {
            done += 1;
            state.start_epoch();
            stop = if order.begin(done, state.epochs())? {
                team.after_foreign_code();
                self.advance(engine, state, team, &mut order, &mut course)?
            } else {
                Some(StopReason::Interrupted)
            };
        }
        course.history.stop_reason = stop.unwrap_or_default();
        self.finish(engine, state, course)
    }

    fn begin(
        &self,
        engine: &Engine<'_, T>,
        state: &OptimizerState<T>,
        saved: Option<Saved<T>>,
    ) -> Result<Course<T>> {
        let complete = engine.parameters().try_clone()?;
        let monitor = Monitor::new(self.settings, self.scored);
        let best = || if monitor.restores_best() { complete.try_clone() } else { Aligned::zeros(0) };
        let mut course = Course {
            history: History::default(),
            previous: best()?,
            best: best()?,
            monitor,
            complete,
            arrays: None,
            counters: state.counters,
            seconds: 0.0,
            saved_epoch: 0,
        };
        if let Some(saved) = saved {
            course.seconds = saved.history.seconds;
            course.saved_epoch = saved.history.epochs();
            course.history = saved.history;
            course.monitor.resume(saved.watched);
            // It is there exactly if the best are to be restored: see `Saver::read`.
            saved.best.iter().for_each(|best| engine.pack(best, &mut course.best));
        }
        let steps_before_the_end =
            self.batch_rows < self.data.rows() || self.settings.validation.is_some() || self.looked_at;
        course.arrays = steps_before_the_end.then(Vec::new);
        course.keep(engine, state)?;
        Ok(course)
    }

    /// Runs an epoch; returns why it is the last one, if it is.
    fn advance(
        &mut self,
        engine: &mut Engine<'_, T>,
        state: &mut OptimizerState<T>,
        team: &mut Team<'_>,
        order: &mut RowOrder<'_>,
        course: &mut Course<T>,
    ) -> Result<Option<StopReason>> {
        let settings = self.settings;
        let Some(Batch { loss, penalty, .. }) = self.epoch(engine, state, team, order)? else {
            return Ok(Some(StopReason::Interrupted));
        };
        if !loss.is_finite() || !engine.is_finite() {
            return Ok(Some(StopReason::Diverged));
        }
        let validation_loss = match &settings.validation {
            None => None,
            Some(data) => match engine.evaluate(team, data, &mut || self.observer.interrupted()) {
                None => return Ok(Some(StopReason::Interrupted)),
                loss => loss,
            },
        };
        if self.looked_at {
            engine.copy_parameters(self.network.parameters_mut());
        }
        // Each call of the observer's changes the floating-point mode twice.
        let asked = self.looked_at || self.scored;
        let score = if asked { self.observer.score(self.network) } else { None };
        if asked && self.observer.failed() {
            return Ok(Some(StopReason::Interrupted));
        }
        let epoch = Epoch {
            epoch: course.history.epochs() + 1,
            loss,
            penalty,
            validation_loss,
            score,
            learning_rate: state.learning_rate(),
            seconds: course.seconds + self.started.elapsed().as_secs_f64(),
        };
        // A full batch's loss belongs to the parameters before the update.
        let loss_lags = course.monitor.watches_loss() && self.batch_rows == self.data.rows();
        course.add(&epoch, engine, loss_lags)?;
        state.end_epoch();
        let stopped = self.observer.epoch(&epoch, self.network).then_some(StopReason::Callback);
        // Called in any case, because the learning rate is part of the state.
        let monitor = &mut course.monitor;
        let patience = monitor.out_of_patience() && !state.lower_learning_rate(monitor);
        let time = self.end.is_some_and(|end| Instant::now() >= end);
        course.keep(engine, state)?;
        if self.saver.as_ref().is_some_and(|saver| saver.is_due(epoch.epoch))
            && !self.save(engine, course, state)?
        {
            return Ok(Some(StopReason::Interrupted));
        }
        Ok(stopped.or(patience.then_some(StopReason::Patience)).or(time.then_some(StopReason::Time)))
    }

    fn finish(
        &mut self,
        engine: &mut Engine<'_, T>,
        state: &mut OptimizerState<T>,
        mut course: Course<T>,
    ) -> Result<History> {
        let reason = course.history.stop_reason;
        if reason == StopReason::Interrupted {
            state.counters = course.counters;
            course.arrays.iter().for_each(|arrays| engine.set_arrays(arrays));
        }
        let diverged = reason == StopReason::Diverged;
        if self.saver.is_some() && !diverged && course.saved_epoch < course.history.epochs() {
            self.save(engine, &mut course, state)?;
        }
        // Snapshots that nobody returns to make room for what follows.
        (course.arrays, course.previous) = (None, Aligned::zeros(0)?);
        // Everything that can fail happens before the network changes.
        let arrays = if diverged { Vec::new() } else { engine.take_arrays(state, self.arrays)? };
        let Course { mut history, monitor, complete, best, seconds, .. } = course;
        let restored = monitor.restores_best() && history.best_epoch > 0;
        engine.unpack(if restored { &best } else { &complete }, self.network.parameters_mut());
        if diverged {
            // The memory that led to the divergence is useless to a later call.
            state.forget();
        } else {
            state.arrays = arrays;
        }
        history.seconds = seconds + self.started.elapsed().as_secs_f64();
        Ok(history)
    }

    /// Saves the last complete epoch; `false` if the observer ends the training.
    fn save(
        &mut self,
        engine: &Engine<'_, T>,
        course: &mut Course<T>,
        state: &OptimizerState<T>,
    ) -> Result<bool> {
        let Some(note) = self.observer.note() else { return Ok(false) };
        let Some(saver) = &self.saver else { return Ok(true) };
        let mut network = self.network.try_clone()?;
        engine.unpack(&course.complete, network.parameters_mut());
        let best = if course.monitor.restores_best() {
            let mut numbers = try_zeros(network.n_parameters())?;
            engine.unpack(&course.best, &mut numbers);
            Some(numbers)
        } else {
            None
        };
        let complete = Complete {
            arrays: engine.arrays(state)?,
            counters: state.counters,
            watched: course.monitor.watched(),
        };
        saver.save(&network, best.as_deref(), &complete, &course.history, state.optimizer(), &note)?;
        course.saved_epoch = course.history.epochs();
        Ok(true)
    }

    /// Evaluates the schedules for the next step; `false` if the caller's function ends the training.
    fn start_step(&self, engine: &mut Engine<'_, T>, state: &mut OptimizerState<T>) -> Result<bool> {
        let step = state.next_step();
        for (rate, schedule) in engine.dropout_rates().iter_mut().zip(&self.settings.dropout) {
            let Some(next) = schedule.next("dropout", *rate, step, 1.0)? else { return Ok(false) };
            *rate = next;
        }
        state.start_step()
    }

    /// Makes one pass over the data; returns the means over the batches, or `None` after an interruption.
    fn epoch(
        &mut self,
        engine: &mut Engine<'_, T>,
        state: &mut OptimizerState<T>,
        team: &mut Team<'_>,
        order: &mut RowOrder<'_>,
    ) -> Result<Option<Batch>> {
        let rows = self.data.rows();
        let mut mean = Batch::default();
        let (mut from, mut counted) = (0, 0);
        while from < rows {
            let count = self.batch_rows.min(rows - from);
            let selection = order.next(from, count, |places| self.data.read_ahead(places));
            if !self.start_step(engine, state)? {
                return Ok(None);
            }
            let interrupted = &mut || self.observer.interrupted();
            let Some(batch) = engine.gradient(team, self.data, selection, count, Some(state), interrupted)
            else {
                return Ok(None);
            };
            state.end_step(&batch, count);
            from += count;
            if batch.weight == 0.0 {
                continue; // it has no mean
            }
            counted += count;
            // scikit-learn's mean: a batch counts by the number of its rows, not by their weights.
            let share = count as f64 / rows as f64;
            mean.loss += batch.loss * share;
            mean.penalty += batch.penalty * share;
        }
        if counted < rows {
            let all = rows as f64 / counted as f64;
            (mean.loss, mean.penalty) = (mean.loss * all, mean.penalty * all);
        }
        Ok(Some(mean))
    }
}
