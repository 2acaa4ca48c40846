//! Several trainings side by side, each on one thread.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::callers::Outside;
use super::dataset::Dataset;
use super::fit::{Checked, Limits, check, run};
use super::history::{History, StopReason};
use super::observer::Observer;
use super::settings::Settings;
use super::state::OptimizerState;
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar, outside};
use crate::loss::Objective;
use crate::memory::try_collect;
use crate::network::Network;
use crate::once::once;
use crate::parallel::{Team, threads};

/// One of the trainings of [`train_many`]: what [`crate::train`] takes.
pub struct Job<'a, T> {
    /// The network.
    pub network: &'a mut Network<T>,
    /// What it learns from: rows of matrices that the jobs can share, see [`Dataset::with_rows`].
    pub data: Dataset<'a, T>,
    /// The loss.
    pub objective: Objective<'a, T>,
    /// The settings. [`Settings::n_threads`] counts for nothing here, and [`Settings::max_time`] counts from the beginning of the
    /// call: a training whose turn comes later ends without an epoch.
    pub settings: Settings<'a, T>,
    /// The optimizer and its memory.
    pub state: &'a mut OptimizerState<T>,
    /// The observer; its methods run on the thread that trains.
    pub observer: &'a mut (dyn Observer<T> + Send),
}

impl<T: Scalar> Job<'_, T> {
    fn check(&mut self) -> Result<Checked<T>> {
        let Self { network, data, objective, settings, state, observer } = self;
        let scored = outside(|| observer.scores());
        check(network, data, objective, settings, state, scored)
    }

    /// Trains the network, if nobody else is in the call.
    fn run(&mut self, checked: Checked<T>, limits: Limits) -> Result<History> {
        let Self { network, data, objective, settings, state, observer } = self;
        run(
            network,
            data,
            *objective,
            settings,
            state,
            &mut Outside::new(*observer, limits.started),
            checked,
            limits,
        )
    }

    /// How long it takes, about.
    fn work(&self) -> usize {
        let Self { network, data, settings, .. } = self;
        network.n_parameters().saturating_mul(data.rows()).saturating_mul(settings.epochs)
    }
}

once! {
    /// Trains several networks side by side.
    ///
    /// Each training is on one thread, the longest first; if there are fewer than threads, each gets its share of these, the
    /// longest what is left over. Each network ends with the bits that [`crate::train`] gives it alone, whatever the number of
    /// threads and whoever else is in the call. A divergence ends the training of one network. An interruption ends all: that of an observer, the
    /// end that a function of the caller's demands (an order, a schedule, a loss), or `interrupted`, which the calling thread asks between
    /// its trainings and while it waits for others.
    ///
    /// # Errors
    /// [`Error::OfNetwork`] with the errors of [`crate::train`]. All arguments are checked before the first training begins, and
    /// an error among them leaves all networks and states unchanged. What goes wrong later (no memory, no room for a
    /// checkpoint) leaves that network unchanged and ends the other trainings as an interruption does.
    ///
    /// ```
    /// use ferroprop::{Dataset, Job, Loss, Network, Optimizer, OptimizerState, Settings, train_many};
    /// use ndarray::array;
    ///
    /// let (x, y) = (array![[0.0], [1.0], [2.0], [3.0]], array![[1.0], [3.0], [5.0], [7.0]]);
    /// let data = Dataset::new(x.view(), y.view(), None);
    /// let mut networks = [0, 1].map(|seed| Network::<f64>::builder([1, 3, 1]).seed(seed).build().unwrap());
    /// let mut states = [0, 1].map(|_| OptimizerState::new(Optimizer::default()).unwrap());
    /// let mut observers = [(), ()];
    /// let mut jobs = Vec::new();
    /// for ((network, state), observer) in networks.iter_mut().zip(&mut states).zip(&mut observers) {
    ///     let objective = Loss::SquaredError.into();
    ///     jobs.push(Job { network, data: data.clone(), objective, settings: Settings::default(), state, observer });
    /// }
    /// let histories = train_many(&mut jobs, None, &mut || false)?;
    /// assert!(histories.iter().all(|history| history.epochs() == 200));
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn train_many<T>(
        jobs: &mut [Job<'_, T>],
        n_threads: Option<usize>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<History>> = train_many_here
}

fn train_many_here<T: Scalar>(
    jobs: &mut [Job<'_, T>],
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<Vec<History>> {
    let _mode = Mode::core();
    let began = Instant::now();
    let of_network = |index, error| Error::OfNetwork { index, error: Box::new(error) };
    let count = jobs.len();
    let threads = threads(n_threads);
    if let [job] = jobs {
        let history =
            job.check().and_then(|checked| job.run(checked, Limits::new(&job.settings, threads, began)));
        return Ok(vec![history.map_err(|error| of_network(0, error))?]);
    }
    let at_a_time = threads.min(count).max(1);
    // The largest ones take what is left over.
    let (each, left) = (threads / at_a_time, threads % at_a_time);
    let mut tasks = Vec::new();
    for (index, job) in jobs.iter_mut().enumerate() {
        let checked = job.check().map_err(|error| of_network(index, error))?;
        let mut limits = Limits::new(&job.settings, each, began);
        limits.most_kept /= at_a_time;
        tasks.push((index, job, checked, limits));
    }
    tasks.sort_by_key(|(_, job, ..)| Reverse(job.work()));
    let histories: Vec<Mutex<Option<Result<History>>>> = try_collect((0..count).map(|_| Mutex::new(None)))?;
    let ended = AtomicBool::new(false);
    let mut between = || {
        if outside(&mut *interrupted) {
            ended.store(true, Ordering::Relaxed);
        }
        false
    };
    Team::with(at_a_time, |team| {
        team.for_each_unless(&mut between, tasks.into_iter().enumerate(), |(turn, task)| {
            let (index, job, checked, mut limits) = task;
            limits.threads += usize::from(turn < left);
            if turn >= at_a_time {
                limits.started = Instant::now();
            }
            let Job { network, data, objective, settings, state, observer } = job;
            let observer = &mut Outside::new(*observer, limits.started).with_others(&ended);
            let history = run(network, data, *objective, settings, state, observer, checked, limits);
            let is_over = |history: &History| history.stop_reason == StopReason::Interrupted;
            if observer.failed() || history.as_ref().map_or(true, is_over) {
                ended.store(true, Ordering::Relaxed);
            }
            *histories[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(history);
        })
    });
    let mut complete = Vec::new();
    for (index, history) in histories.into_iter().enumerate() {
        let history = history.into_inner().unwrap_or_else(PoisonError::into_inner);
        complete.push(history.unwrap_or(Ok(History::default())).map_err(|error| of_network(index, error))?);
    }
    Ok(complete)
}
