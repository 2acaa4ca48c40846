//! L-BFGS: the limited-memory quasi-Newton method, on all rows at a time.
//!
//! J. Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35, 1980; D. C. Liu and
//! J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45, 1989. Its
//! course is that of SciPy's L-BFGS-B without bounds, up to rounding: the same first step, line search, memory, restarts
//! and ends.

use std::time::{Duration, Instant};

use super::callers::Outside;
use super::curvature::Curvature;
use super::dataset::{Dataset, Lengths};
use super::engine::{Batches, Engine, useful_threads};
use super::history::{Epoch, History};
use super::line_search::{LineSearch, Next};
use super::noise::NoiseSource;
use super::observer::Observer;
use super::settings::{check_alpha, check_truncate};
use super::step::Batch;
use super::vectors::largest;
use crate::check::check_number;
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar};
use crate::loss::Objective;
use crate::memory::Aligned;
use crate::network::Network;
use crate::once::once;
use crate::parallel::{Team, threads};
use crate::pass::Selection;

/// How [`minimize`] searches, and when it ends. Names and defaults are SciPy's.
///
/// ```
/// use ferroprop::Lbfgs;
/// let settings = Lbfgs { max_iter: 100, ..Lbfgs::default() };
/// assert_eq!(settings.memory, 10);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Lbfgs {
    /// How many steps the approximation of the Hessian is made of; 10 by default.
    pub memory: usize,
    /// The most iterations; 15,000 by default.
    pub max_iter: usize,
    /// No iteration begins after so many evaluations of the loss and its gradient; 15,000 by default.
    pub max_fun: usize,
    /// The search ends when no number of the gradient is greater; 1e-5 by default.
    pub gtol: f64,
    /// The search ends when an iteration lowers the loss by no more than this, times the loss if that is above 1;
    /// 2.2e-9 by default.
    pub ftol: f64,
    /// Strength of the L2 penalty, see [`crate::Settings::alpha`]; 0 by default.
    pub alpha: f64,
    /// See [`crate::Settings::truncate`].
    pub truncate: Option<usize>,
    /// What the loss without penalty is divided by where losses are compared, while the gradient stays as it is:
    /// scikit-learn's search sees the mean over the outputs and the gradient of their sum. 1 by default.
    pub outputs_in_mean: usize,
    /// No iteration begins later than this after the start of the call.
    pub max_time: Option<Duration>,
    /// Number of threads; `None` is automatic (see [`crate::threads`]). The result does not depend on it.
    pub n_threads: Option<usize>,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self {
            memory: 10,
            max_iter: 15_000,
            max_fun: 15_000,
            gtol: 1e-5,
            ftol: 1e7 * f64::EPSILON,
            alpha: 0.0,
            truncate: None,
            outputs_in_mean: 1,
            max_time: None,
            n_threads: None,
        }
    }
}

impl Lbfgs {
    fn check<T: Scalar>(&self) -> Result<()> {
        check_alpha::<T>(self.alpha)?;
        for (name, tolerance) in [("gtol", self.gtol), ("ftol", self.ftol)] {
            check_number(name, tolerance, "0 or a positive number", |tolerance| tolerance >= 0.0)?;
        }
        for (name, count) in [
            ("memory", self.memory),
            ("max_iter", self.max_iter),
            ("max_fun", self.max_fun),
            ("outputs_in_mean", self.outputs_in_mean),
        ] {
            if count == 0 {
                return Err(Error::argument(name, "a positive integer", 0));
            }
        }
        Ok(())
    }
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchEnd {
    /// The gradient was at most [`Lbfgs::gtol`].
    Gradient,
    /// The loss fell by at most [`Lbfgs::ftol`].
    Loss,
    /// All iterations were done.
    Iterations,
    /// The loss was computed more often than [`Lbfgs::max_fun`] allows.
    Evaluations,
    /// No step down was found, not even along the gradient: what is left of it is mostly rounding.
    LineSearch,
    /// [`Lbfgs::max_time`] was over.
    Time,
    /// The observer ended it.
    Callback,
    /// The observer reported an interruption, or a loss of the caller's own ended it.
    Interrupted,
    /// Loss or gradient were infinite or NaN at the start, or too large to be squared.
    Diverged,
}

impl SearchEnd {
    /// The name in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gradient => "gtol",
            Self::Loss => "ftol",
            Self::Iterations => "max_iter",
            Self::Evaluations => "max_fun",
            Self::LineSearch => "line_search",
            Self::Time => "time",
            Self::Callback => "callback",
            Self::Interrupted => "interrupted",
            Self::Diverged => "diverged",
        }
    }
}

/// The outcome of [`minimize`].
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The loss that the network has, penalty included; NaN if nothing was computed.
    pub loss: f64,
    /// The L2 penalty's part of it.
    pub penalty: f64,
    /// The loss after each iteration.
    pub losses: Vec<f64>,
    /// The penalty's part of each.
    pub penalties: Vec<f64>,
    /// How often the loss and its gradient were computed.
    pub evaluations: usize,
    /// Why the search ended.
    pub stop_reason: SearchEnd,
    /// Duration of the search.
    pub seconds: f64,
}

impl Minimum {
    /// The number of complete iterations.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.losses.len()
    }
}

/// Brings the loss over all rows to a minimum near the network's present parameters, by L-BFGS.
///
/// It suits data of up to some ten thousand rows, and losses without kinks: it needs no learning rate, and near a minimum
/// converges faster than any rule of [`crate::Optimizer`]. An iteration computes the loss and its gradient once or a few
/// times. The observer is told of each iteration as of an epoch. Stochastic units give their probabilities.
///
/// On return the network has the parameters of the last complete iteration, however the search ended.
///
/// # Errors
/// As for [`crate::train`]. An error leaves the network unchanged.
///
/// ```
/// use ferroprop::{Dataset, Lbfgs, Loss, Network, minimize};
/// use ndarray::array;
///
/// // The straight line through points: y = 2 x + 1.
/// let (x, y) = (array![[0.0], [1.0], [2.0]], array![[1.0], [3.0], [5.0]]);
/// let mut network = Network::<f64>::builder([1, 1]).build()?;
/// let data = Dataset::new(x.view(), y.view(), None);
/// let minimum = minimize(&mut network, &data, Loss::SquaredError, &Lbfgs::default(), &mut ())?;
/// assert!(minimum.loss < 1e-8 && minimum.evaluations < 20);
/// assert!((network.parameters()[0] - 2.0).abs() < 1e-4);
/// # Ok::<(), ferroprop::Error>(())
/// ```
pub fn minimize<'a, T: Scalar>(
    network: &mut Network<T>,
    data: &Dataset<'_, T>,
    loss: impl Into<Objective<'a, T>>,
    settings: &Lbfgs,
    observer: &mut dyn Observer<T>,
) -> Result<Minimum> {
    minimized(network, data, loss.into(), settings, observer)
}

once! {
    /// As [`minimize`].
    fn minimized<T>(
        network: &mut Network<T>,
        data: &Dataset<'_, T>,
        objective: Objective<'_, T>,
        settings: &Lbfgs,
        observer: &mut dyn Observer<T>,
    ) -> Result<Minimum> = minimize_here
}

fn minimize_here<T: Scalar>(
    network: &mut Network<T>,
    data: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    settings: &Lbfgs,
    observer: &mut dyn Observer<T>,
) -> Result<Minimum> {
    let _mode = Mode::core();
    let started = Instant::now();
    settings.check::<T>()?;
    check_truncate(network, settings.truncate)?;
    objective.check(network.output_activation(), network.complex_outputs())?;
    data.check(network, &objective, "")?;
    let rows = data.rows();
    let lengths = Lengths::new(data, None)?;
    let n_threads = useful_threads(network, rows, &lengths, threads(settings.n_threads));
    let (weighted, remote) = (data.weighted(), data.remote.is_some());
    let truncate = settings.truncate;
    let batches = Batches { rows, lengths: &lengths, weighted, truncate, remote, most_kept: 0 };
    let engine = Engine::new(network, objective, NoiseSource::NONE, settings.alpha, batches, n_threads)?;
    let observer: &mut dyn Observer<T> = &mut Outside::new(observer, started);
    let looked_at = observer.looks_at_network();
    let before = if looked_at { Some(network.try_clone()?) } else { None };
    let search = Search::new(engine, &mut *network, data, settings, &mut *observer, started, looked_at)?;
    let minimum = Team::with(n_threads, |team| search.run(team));
    observer.ended();
    if let (Err(_), Some(before)) = (&minimum, before) {
        *network = before;
    }
    minimum
}

/// The parameters at the end of the last iteration, with what is known there.
struct Here<T> {
    point: Aligned<T>,
    gradient: Aligned<T>,
    batch: Batch,
}

/// What was found along a line.
enum Line {
    Good,
    Failed,
    Interrupted,
}

struct Search<'a, 'd, 'o, T> {
    engine: Engine<'o, T>,
    network: &'a mut Network<T>,
    data: &'a Dataset<'d, T>,
    settings: &'a Lbfgs,
    observer: &'a mut dyn Observer<T>,
    started: Instant,
    /// Whether the observer reads the network.
    looked_at: bool,
    curvature: Curvature<T>,
    here: Here<T>,
    /// The direction of search, and the gradient where the loss was computed last.
    direction: Aligned<T>,
    gradient: Aligned<T>,
    history: History,
    evaluations: usize,
}

impl<'a, 'd, 'o, T: Scalar> Search<'a, 'd, 'o, T> {
    fn new(
        engine: Engine<'o, T>,
        network: &'a mut Network<T>,
        data: &'a Dataset<'d, T>,
        settings: &'a Lbfgs,
        observer: &'a mut dyn Observer<T>,
        started: Instant,
        looked_at: bool,
    ) -> Result<Self> {
        let point = engine.parameters().try_clone()?;
        let len = point.len();
        let batch = Batch { loss: f64::NAN, penalty: f64::NAN, ..Batch::default() };
        Ok(Self {
            engine,
            network,
            data,
            settings,
            observer,
            started,
            looked_at,
            curvature: Curvature::new(settings.memory, len)?,
            here: Here { point, gradient: Aligned::zeros(len)?, batch },
            direction: Aligned::zeros(len)?,
            gradient: Aligned::zeros(len)?,
            history: History::default(),
            evaluations: 0,
        })
    }

    fn run(mut self, team: &mut Team<'_>) -> Result<Minimum> {
        let stop_reason = match self.begin(team) {
            Some(end) => end,
            None => loop {
                if let Some(end) = self.iterate(team)? {
                    break end;
                }
            },
        };
        self.engine.unpack(&self.here.point, self.network.parameters_mut());
        let Batch { loss, penalty, .. } = self.here.batch;
        Ok(Minimum {
            loss,
            penalty,
            losses: self.history.loss,
            penalties: self.history.penalty,
            evaluations: self.evaluations,
            stop_reason,
            seconds: self.started.elapsed().as_secs_f64(),
        })
    }

    /// Computes the loss at the start; returns why the search ends there, if it does.
    fn begin(&mut self, team: &mut Team<'_>) -> Option<SearchEnd> {
        let Some(batch) = self.evaluate(team) else { return Some(SearchEnd::Interrupted) };
        self.here.batch = batch;
        std::mem::swap(&mut self.here.gradient, &mut self.gradient);
        let gradient = &self.here.gradient;
        let squares = self.curvature.vectors().dot(team, gradient, gradient);
        if !(self.compared(batch).is_finite() && squares.is_finite()) {
            return Some(SearchEnd::Diverged);
        }
        (largest(gradient) <= self.settings.gtol).then_some(SearchEnd::Gradient)
    }

    /// Makes an iteration; returns why it is the last one, if it is.
    fn iterate(&mut self, team: &mut Team<'_>) -> Result<Option<SearchEnd>> {
        let slope = self.curvature.direction(team, &self.here.gradient, &mut self.direction);
        let before = self.here.batch;
        match self.look_along(team, slope) {
            Line::Good => {}
            Line::Interrupted => return Ok(Some(SearchEnd::Interrupted)),
            Line::Failed if self.curvature.is_empty() => return Ok(Some(SearchEnd::LineSearch)),
            Line::Failed => {
                self.curvature.forget();
                return Ok(None);
            }
        }
        if let Some(end) = self.tell(team)? {
            return Ok(Some(end));
        }
        if largest(&self.here.gradient) <= self.settings.gtol {
            return Ok(Some(SearchEnd::Gradient));
        }
        let [old, new] = [before, self.here.batch].map(|batch| self.compared(batch));
        let size = old.abs().max(new.abs()).max(1.0);
        Ok((old - new <= self.settings.ftol * size).then_some(SearchEnd::Loss))
    }

    /// Goes along the direction to a lower loss.
    fn look_along(&mut self, team: &mut Team<'_>, slope: f64) -> Line {
        if !(slope < 0.0 && slope.is_finite()) {
            return Line::Failed;
        }
        let vectors = self.curvature.vectors();
        let first = if self.history.epochs() == 0 {
            1.0 / vectors.dot(team, &self.direction, &self.direction).sqrt()
        } else {
            1.0
        };
        let mut search = LineSearch::new(self.compared(self.here.batch), slope, first);
        loop {
            let (point, direction, vectors) = (&self.here.point, &self.direction, self.curvature.vectors());
            self.engine.change_parameters(team, |team, parameters| {
                parameters.copy_from_slice(point);
                vectors.combine(team, parameters, (1.0, search.step()), direction, direction);
            });
            let mut batch = Batch { loss: f64::NAN, ..Batch::default() };
            let mut here = f64::NAN;
            // Parameters beyond all numbers can have a loss that is one.
            if self.engine.is_finite() {
                let Some(there) = self.evaluate(team) else { return Line::Interrupted };
                batch = there;
                here = self.curvature.vectors().dot(team, &self.gradient, &self.direction);
            }
            match search.next(self.compared(batch), here) {
                Next::Evaluate(_) => {}
                Next::Failed => return Line::Failed,
                Next::Done => {
                    let points = [self.engine.parameters(), &self.here.point].map(|point| &**point);
                    let gradients = [&self.gradient, &self.here.gradient].map(|gradient| &**gradient);
                    let least = f64::EPSILON * -slope * search.step();
                    self.curvature.add(team, points, gradients, least);
                    self.here.point.copy_from_slice(self.engine.parameters());
                    std::mem::swap(&mut self.here.gradient, &mut self.gradient);
                    self.here.batch = batch;
                    return Line::Good;
                }
            }
        }
    }

    /// Computes the loss and its gradient at the engine's parameters; `None` after an interruption.
    fn evaluate(&mut self, team: &mut Team<'_>) -> Option<Batch> {
        let (all, rows) = (Selection::Range { from: 0 }, self.data.rows());
        let interrupted = &mut || self.observer.interrupted();
        let batch = self.engine.gradient(team, self.data, all, rows, None, interrupted)?;
        self.engine.gather_gradient(&mut self.gradient);
        self.evaluations += 1;
        Some(batch)
    }

    /// The loss where it is compared with others.
    fn compared(&self, Batch { loss, penalty, .. }: Batch) -> f64 {
        match self.settings.outputs_in_mean {
            1 => loss,
            outputs => (loss - penalty) / outputs as f64 + penalty,
        }
    }

    /// Tells the observer of an iteration; returns why it is the last one, if a limit or the observer says so.
    fn tell(&mut self, team: &mut Team<'_>) -> Result<Option<SearchEnd>> {
        let mut epoch = Epoch {
            epoch: self.history.epochs() + 1,
            loss: self.here.batch.loss,
            penalty: self.here.batch.penalty,
            validation_loss: None,
            score: None,
            learning_rate: None,
            seconds: self.started.elapsed().as_secs_f64(),
        };
        if self.looked_at {
            self.engine.copy_parameters(self.network.parameters_mut());
            epoch.score = self.observer.score(self.network);
            if self.observer.failed() {
                return Ok(Some(SearchEnd::Interrupted));
            }
        }
        self.history.push(&epoch)?;
        let stopped = self.observer.epoch(&epoch, self.network);
        team.after_foreign_code();
        let Lbfgs { max_iter, max_fun, max_time, .. } = *self.settings;
        Ok(if stopped {
            Some(SearchEnd::Callback)
        } else if max_time.is_some_and(|most| self.started.elapsed() >= most) {
            Some(SearchEnd::Time)
        } else if self.history.epochs() >= max_iter {
            Some(SearchEnd::Iterations)
        } else {
            (self.evaluations > max_fun).then_some(SearchEnd::Evaluations)
        })
    }
}
