//! The memory of an optimizer from one step, and from one call, to the next.

use super::early_stopping::Monitor;
use super::step::{Batch, Update};
use crate::check::{check_number, check_typed};
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar};
use crate::memory::{try_collect, try_zeros};
use crate::network::Network;
use crate::optimizer::{MOST_ARRAYS, Optimizer, Step};
use crate::schedule::Schedule;

/// An optimizer with its memory. A fresh one starts without; one that [`crate::train`] has used goes on where
/// that call ended.
///
/// ```
/// use ferroprop::{Adam, Optimizer, OptimizerState};
/// let state = OptimizerState::<f32>::new(Optimizer::Adam(Adam::default()))?;
/// assert_eq!(state.steps(), 0);
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OptimizerState<T> {
    optimizer: Optimizer,
    /// The arrays that the rule keeps, each in the order of the network's parameters; empty
    /// before the first call.
    pub(super) arrays: Vec<Vec<T>>,
    pub(super) counters: Counters,
    /// The weight decay of the next step, for rules that have one.
    weight_decay: f64,
    /// Number of steps of the whole training, earlier calls included.
    steps_in_all: u64,
}

/// The memory of an optimizer apart from its arrays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    pub steps: u64,
    pub epochs: u64,
    pub rows_seen: u64,
    pub learning_rate: Option<f64>,
    pub previous_loss: f64,
}

/// The most steps that a state may claim: more than any training makes, and far from overflow.
const MOST_COUNTED: u64 = 1 << 53;

impl<T: Scalar> OptimizerState<T> {
    /// A state without memory.
    ///
    /// # Errors
    /// [`Error::Argument`] when a hyperparameter is outside its domain.
    pub fn new(optimizer: Optimizer) -> Result<Self> {
        optimizer.check()?;
        for (name, number) in optimizer.typed() {
            check_typed::<T>(name, number)?;
        }
        Ok(Self::fresh(optimizer))
    }

    /// Rebuilds a state from the results of [`OptimizerState::arrays`] and the other
    /// functions of this type.
    ///
    /// # Errors
    /// [`Error::Argument`] when a number is outside its domain, [`Error::Shape`] when arrays are
    /// missing, or have different lengths.
    pub fn restore(
        optimizer: Optimizer,
        arrays: Vec<Vec<T>>,
        [steps, epochs, rows_seen]: [u64; 3],
        learning_rate: Option<f64>,
        previous_loss: f64,
    ) -> Result<Self> {
        let counters = Counters { steps, epochs, rows_seen, learning_rate, previous_loss };
        Self::restore_counters(optimizer, arrays, counters)
    }

    pub(super) fn restore_counters(
        optimizer: Optimizer,
        arrays: Vec<Vec<T>>,
        counters: Counters,
    ) -> Result<Self> {
        let fresh = Self::new(optimizer)?;
        let lengths: Vec<_> = arrays.iter().map(Vec::len).collect();
        let names = fresh.optimizer.arrays();
        if lengths.len() != names.len() || lengths.iter().any(|len| *len != lengths[0]) {
            let expected = format!("{} arrays of one length", names.len());
            return Err(Error::shape("optimizer state", expected, &lengths));
        }
        for (name, array) in names.iter().zip(&arrays) {
            if let Some(place) = array.iter().position(|x| x.to_f64().is_nan()) {
                return Err(Error::value(
                    format!("optimizer state {name}"),
                    "numbers",
                    array[place],
                    [place],
                ));
            }
        }
        let Counters { steps, epochs, rows_seen, learning_rate, previous_loss } = counters;
        for (name, count) in [("steps", steps), ("epochs", epochs), ("rows_seen", rows_seen)] {
            if count > MOST_COUNTED {
                return Err(Error::argument(name, format!("at most {MOST_COUNTED}"), count));
            }
        }
        if fresh.counters.learning_rate.is_some() != learning_rate.is_some()
            || learning_rate.is_some_and(|rate| !(rate.is_finite() && rate >= 0.0))
        {
            let expected = format!("a rate as that of {:?}", fresh.optimizer);
            return Err(Error::argument("learning_rate", expected, format_args!("{learning_rate:?}")));
        }
        if previous_loss.is_nan() {
            return Err(Error::argument("previous_loss", "a number", "nan"));
        }
        Ok(Self { arrays, counters, ..fresh })
    }

    /// A copy of the state.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self> {
        let arrays = self.arrays.iter().map(|array| try_collect(array.iter().copied()));
        Ok(Self { arrays: arrays.collect::<Result<_>>()?, ..self.without_arrays() })
    }

    /// A copy of the state without its arrays.
    pub(super) fn without_arrays(&self) -> Self {
        Self { optimizer: self.optimizer.clone(), arrays: Vec::new(), ..*self }
    }

    /// Whether the state has no memory.
    pub(super) fn is_fresh(&self) -> bool {
        self.arrays.is_empty()
    }

    /// Number of complete epochs so far.
    #[must_use]
    pub fn epochs(&self) -> u64 {
        self.counters.epochs
    }

    /// Number of rows in all steps so far; a row counts once per epoch.
    #[must_use]
    pub fn rows_seen(&self) -> u64 {
        self.counters.rows_seen
    }

    /// The loss of the last step; infinite before the first.
    #[must_use]
    pub fn previous_loss(&self) -> f64 {
        self.counters.previous_loss
    }

    /// The optimizer.
    #[must_use]
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Number of steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.counters.steps
    }

    /// The learning rate of the last step, for optimizers that have one; before the first step the
    /// value that the schedule was given, or 0 if it is a function.
    #[must_use]
    pub fn learning_rate(&self) -> Option<f64> {
        self.counters.learning_rate
    }

    /// The arrays that the rule keeps, by name, in the order of the network's parameters.
    pub fn arrays(&self) -> impl Iterator<Item = (&'static str, &[T])> {
        self.optimizer.arrays().iter().copied().zip(self.arrays.iter().map(Vec::as_slice))
    }

    /// Makes one step by hand: moves `parameters` as a training would, given the gradient and the
    /// loss at `parameters`.
    ///
    /// A learning rate that changes by step must be a schedule that states its number of steps, or a function; one
    /// that changes by epoch stays as it is. The caller adds a penalty to the gradient and to the loss.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths differ from each other or from those of the steps before,
    /// [`Error::Value`] when a number is not finite, [`Error::Argument`] when the loss is not
    /// finite, when the rule needs it and it is missing, or when a schedule does not state its number of steps,
    /// [`Error::OutOfMemory`], [`Error::Interrupted`] when a function ends the call. An error changes nothing.
    ///
    /// ```
    /// use ferroprop::{Optimizer, OptimizerState};
    /// let mut state = OptimizerState::new(Optimizer::from_name("irprop+")?)?;
    /// let mut w = [1.0, -0.3];
    /// for _ in 0..60 {
    ///     let loss = w[0] * w[0] + 10.0 * w[1] * w[1];
    ///     let gradient = [2.0 * w[0], 20.0 * w[1]];
    ///     state.step(&mut w, &gradient, Some(loss))?;
    /// }
    /// assert!(w[0].abs() < 1e-3 && w[1].abs() < 1e-3);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn step(&mut self, parameters: &mut [T], gradient: &[T], loss: Option<f64>) -> Result<()> {
        let _mode = Mode::core();
        let scheduled = self.optimizer.by_hand(self.counters.steps + 1)?;
        self.step_by_hand(parameters, gradient, loss, scheduled)
    }

    /// Makes a step with the result of [`Optimizer::by_hand`].
    pub(crate) fn step_by_hand(
        &mut self,
        parameters: &mut [T],
        gradient: &[T],
        loss: Option<f64>,
        [learning_rate, weight_decay]: [Option<f64>; 2],
    ) -> Result<()> {
        let _mode = Mode::core();
        let length = |len: usize| format!("({len},)");
        if let Some(array) = self.arrays.first().filter(|array| array.len() != parameters.len()) {
            let expected = format!("{}, as in the steps before", length(array.len()));
            return Err(Error::shape("parameters", expected, &[parameters.len()]));
        }
        if parameters.is_empty() {
            return Err(Error::shape("parameters", "(n,) with n at least 1", &[0]));
        }
        if gradient.len() != parameters.len() {
            let expected = format!("{}, as parameters", length(parameters.len()));
            return Err(Error::shape("gradient", expected, &[gradient.len()]));
        }
        for (name, numbers) in [("parameters", &*parameters), ("gradient", gradient)] {
            if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(Error::value(name, "finite numbers", numbers[place], [place]));
            }
        }
        match loss {
            Some(loss) => check_number("loss", loss, "a finite number", |_| true)?,
            None if self.optimizer.needs_loss() => {
                return Err(Error::argument("loss", "a number for this optimizer", "None"));
            }
            None => {}
        }
        if self.arrays.is_empty() {
            self.arrays = (0..self.optimizer.arrays().len())
                .map(|index| {
                    let mut array = try_zeros(parameters.len())?;
                    self.optimizer.start(index, &mut array);
                    Ok(array)
                })
                .collect::<Result<_>>()?;
        }
        self.counters.learning_rate = learning_rate.or(self.counters.learning_rate);
        self.weight_decay = weight_decay.unwrap_or(self.weight_decay);
        let loss = loss.unwrap_or(self.counters.previous_loss);
        let update = self.update(loss);
        let step = update.step;
        let mut arrays: [&mut [T]; MOST_ARRAYS] = std::array::from_fn(|_| &mut [][..]);
        for (slot, array) in arrays.iter_mut().zip(&mut self.arrays) {
            *slot = array;
        }
        self.optimizer.step(&step, parameters, gradient, arrays);
        self.counters.steps += 1;
        self.counters.previous_loss = loss;
        Ok(())
    }

    pub(super) fn check(&self, network: &Network<T>) -> Result<()> {
        let wrong = |array: &&Vec<T>| array.len() != network.n_parameters();
        if let Some(array) = self.arrays.iter().find(wrong) {
            return Err(Error::shape(
                "optimizer state",
                format!("({},), as the network's parameters", network.n_parameters()),
                &[array.len()],
            ));
        }
        Ok(())
    }

    /// Begins or resumes a training with this many steps to come.
    pub(super) fn start_training(&mut self, steps: u64) {
        self.steps_in_all = self.counters.steps.saturating_add(steps);
    }

    pub(super) fn start_epoch(&mut self) {
        let Counters { learning_rate, rows_seen, .. } = &mut self.counters;
        if let (Some(schedule), Some(rate)) = (self.optimizer.learning_rate(), learning_rate) {
            *rate = schedule.of_epoch(*rate, *rows_seen);
        }
    }

    /// Evaluates the schedules for the next step; `false` if a function ends the training.
    pub(super) fn start_step(&mut self) -> Result<bool> {
        let step = self.next_step();
        if let (Some(schedule), Some(rate)) = (self.optimizer.learning_rate(), self.counters.learning_rate) {
            let Some(rate) = schedule.next("learning_rate", rate, step, f64::INFINITY)? else {
                return Ok(false);
            };
            self.counters.learning_rate = Some(rate);
        }
        if let Some(schedule) = self.optimizer.weight_decay() {
            let Some(decay) = schedule.next("weight_decay", self.weight_decay, step, f64::INFINITY)? else {
                return Ok(false);
            };
            self.weight_decay = decay;
        }
        Ok(true)
    }

    /// The number of the next step (1 for the first), and that of all steps of the training.
    pub(super) fn next_step(&self) -> [u64; 2] {
        [self.counters.steps + 1, self.steps_in_all]
    }

    /// Clears the memory.
    pub(super) fn forget(&mut self) {
        *self = Self::fresh(self.optimizer.clone());
    }

    fn fresh(optimizer: Optimizer) -> Self {
        let counters = Counters {
            steps: 0,
            epochs: 0,
            rows_seen: 0,
            // A function is called only when a step is made.
            learning_rate: optimizer.learning_rate().map(|rate| rate.value().unwrap_or(0.0)),
            previous_loss: f64::INFINITY,
        };
        let weight_decay = optimizer.weight_decay().and_then(Schedule::value).unwrap_or(0.0);
        Self { optimizer, arrays: Vec::new(), counters, weight_decay, steps_in_all: 0 }
    }

    pub(super) fn end_epoch(&mut self) {
        self.counters.epochs += 1;
    }

    pub(super) fn update(&self, loss: f64) -> Update<'_> {
        Update {
            optimizer: &self.optimizer,
            step: Step {
                number: self.counters.steps + 1,
                learning_rate: self.counters.learning_rate.unwrap_or(0.0),
                weight_decay: self.weight_decay,
                loss,
                previous_loss: self.counters.previous_loss,
            },
            factor: 1.0,
        }
    }

    pub(super) fn end_step(&mut self, batch: &Batch, rows: usize) {
        self.counters.steps += 1;
        self.counters.rows_seen += rows as u64;
        self.counters.previous_loss = batch.loss;
    }

    /// Lowers the learning rate if its schedule does so when patience runs out; otherwise returns `false`.
    pub(super) fn lower_learning_rate(&mut self, monitor: &mut Monitor) -> bool {
        let lowered = match (self.optimizer.learning_rate(), self.counters.learning_rate) {
            (Some(schedule), Some(rate)) => schedule.lowered(rate),
            _ => None,
        };
        if lowered.is_some() {
            self.counters.learning_rate = lowered;
            monitor.renew_patience();
        }
        lowered.is_some()
    }
}
