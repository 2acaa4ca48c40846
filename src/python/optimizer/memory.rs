//! What an optimizer's Python object remembers: state from training to training, steps by hand, pickling.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::{PyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::arguments::{Arg, number, wrong, wrong_type};
use super::super::arrays::{Changed, Hold, Vector, vector};
use super::super::call::Call;
use super::super::schedule::raised_by_function;
use crate::{Number, Optimizer, OptimizerState, Scalar};

/// The memory of an optimizer for networks of either number type.
#[derive(Default)]
pub(in crate::python) enum Memory {
    #[default]
    Fresh,
    Single(OptimizerState<f32>),
    Double(OptimizerState<f64>),
}

/// Number types whose optimizer states a [`Memory`] can hold.
pub(in crate::python) trait Remembered: Scalar {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>>;
    fn recall_mut(memory: &mut Memory) -> Option<&mut OptimizerState<Self>>;
    fn remember(state: OptimizerState<Self>) -> Memory;
}

impl Remembered for f32 {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>> {
        if let Memory::Single(state) = memory { Some(state) } else { None }
    }
    fn recall_mut(memory: &mut Memory) -> Option<&mut OptimizerState<Self>> {
        if let Memory::Single(state) = memory { Some(state) } else { None }
    }
    fn remember(state: OptimizerState<Self>) -> Memory {
        Memory::Single(state)
    }
}

impl Remembered for f64 {
    fn recall(memory: &Memory) -> Option<&OptimizerState<Self>> {
        if let Memory::Double(state) = memory { Some(state) } else { None }
    }
    fn recall_mut(memory: &mut Memory) -> Option<&mut OptimizerState<Self>> {
        if let Memory::Double(state) = memory { Some(state) } else { None }
    }
    fn remember(state: OptimizerState<Self>) -> Memory {
        Memory::Double(state)
    }
}

/// What a Python object remembers. Copies of the object share it until one of them goes on.
///
/// The lock is held to take or replace the memory, never while Python code can run.
pub(super) type SharedMemory = Mutex<Arc<Memory>>;

/// The memory as it is now.
pub(super) fn shared(memory: &SharedMemory) -> Arc<Memory> {
    Arc::clone(&memory.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The optimizer inside a Python object, and its memory.
pub(in crate::python) struct Slot<'a> {
    pub optimizer: Optimizer,
    memory: &'a SharedMemory,
}

impl<'a> Slot<'a> {
    pub(super) fn new(optimizer: Optimizer, memory: &'a SharedMemory) -> Self {
        Self { optimizer, memory }
    }

    /// The state to start from: fresh, or what the last training left.
    pub fn state<T: Remembered>(&self, warm_start: bool) -> PyResult<OptimizerState<T>> {
        let memory = shared(self.memory);
        if !warm_start || matches!(*memory, Memory::Fresh) {
            return Ok(OptimizerState::new(self.optimizer.clone())?);
        }
        let state = T::recall(&memory).map(OptimizerState::try_clone).transpose()?;
        state.ok_or_else(|| {
            PyValueError::new_err(format!(
                "optimizer must have been used with a {} network before for warm_start=True",
                T::NAME
            ))
        })
    }

    /// Remembers a state; one that has no arrays, as after a first epoch that diverged, is as good as none.
    pub fn keep<T: Remembered>(&self, state: OptimizerState<T>) {
        let fresh = state.arrays().next().is_none();
        let memory = if fresh { Memory::Fresh } else { T::remember(state) };
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(memory);
    }

    /// A step by hand on a vector of Python's.
    pub(super) fn step(
        &self,
        parameters: &Bound<'_, PyAny>,
        gradient: &Bound<'_, PyAny>,
        loss: &Arg<'_>,
    ) -> PyResult<()> {
        if parameters.cast::<PyArray1<f32>>().is_ok() {
            self.step_typed::<f32>(parameters, gradient, loss)
        } else if parameters.cast::<PyArray1<f64>>().is_ok() {
            self.step_typed::<f64>(parameters, gradient, loss)
        } else {
            let expected = "a NumPy vector of float32 or float64, to be changed in place";
            Err(match parameters.cast::<PyUntypedArray>() {
                Err(_) => wrong_type("parameters", expected, parameters),
                Ok(array) if array.ndim() == 1 => PyTypeError::new_err(format!(
                    "parameters must be {expected}, got dtype {}",
                    array.dtype()
                )),
                Ok(array) => PyValueError::new_err(format!(
                    "parameters must be {expected}, got shape {}",
                    array.getattr("shape")?
                )),
            })
        }
    }

    fn step_typed<T: Remembered + numpy::Element>(
        &self,
        parameters: &Bound<'_, PyAny>,
        gradient: &Bound<'_, PyAny>,
        loss: &Arg<'_>,
    ) -> PyResult<()> {
        // Copies are what is checked and what is used, whatever other threads do to the arrays.
        let gradient = Vector::<T>::new("gradient", gradient, Hold::Itself)?.numbers()?;
        let loss = loss.optional_number("loss")?;
        let scheduled = self.scheduled(parameters.py())?;
        let mut parameters = Changed::<T>::new("parameters", parameters)?;
        let mut numbers = parameters.numbers()?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = Arc::get_mut(&mut memory).and_then(T::recall_mut) {
            state.step_by_hand(&mut numbers, &gradient, loss, scheduled)?;
        } else if let Some(state) = T::recall(&memory) {
            let mut state = state.try_clone()?;
            state.step_by_hand(&mut numbers, &gradient, loss, scheduled)?;
            *memory = Arc::new(T::remember(state));
        } else if matches!(**memory, Memory::Fresh) {
            let mut state = OptimizerState::new(self.optimizer.clone())?;
            state.step_by_hand(&mut numbers, &gradient, loss, scheduled)?;
            *memory = Arc::new(T::remember(state));
        } else {
            let other = if T::NAME == f32::NAME { f64::NAME } else { f32::NAME };
            return Err(PyTypeError::new_err(format!(
                "parameters must be {other}, as in the steps before, got {}",
                T::NAME
            )));
        }
        drop(memory);
        parameters.write(&numbers);
        Ok(())
    }

    /// What schedules give for the next step by hand. A function is called while the memory is not locked.
    fn scheduled(&self, py: Python<'_>) -> PyResult<[Option<f64>; 2]> {
        let memory = shared(self.memory);
        let steps = match &*memory {
            Memory::Fresh => 0,
            Memory::Single(state) => state.steps(),
            Memory::Double(state) => state.steps(),
        };
        let call = Call::enter(py)?;
        raised_by_function();
        let scheduled = call.detach(py, || self.optimizer.by_hand(steps + 1));
        match raised_by_function() {
            Some(error) => Err(error),
            None => Ok(scheduled?),
        }
    }
}

/// A copy of a memory as a dictionary; empty before the first step.
pub(super) fn memory_to_python<'py>(py: Python<'py>, memory: &SharedMemory) -> PyResult<Bound<'py, PyDict>> {
    fn describe<T: Scalar + numpy::Element>(
        state: &OptimizerState<T>,
        into: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        into.set_item("steps", state.steps())?;
        into.set_item("epochs", state.epochs())?;
        into.set_item("rows_seen", state.rows_seen())?;
        into.set_item("learning_rate", state.learning_rate())?;
        into.set_item("previous_loss", state.previous_loss())?;
        for (name, array) in state.arrays() {
            into.set_item(name, vector(into.py(), array.into())?)?;
        }
        Ok(())
    }
    let dict = PyDict::new(py);
    match &*shared(memory) {
        Memory::Fresh => {}
        Memory::Single(state) => describe(state, &dict)?,
        Memory::Double(state) => describe(state, &dict)?,
    }
    Ok(dict)
}

/// The other way.
pub(super) fn memory_from_python(optimizer: &Optimizer, state: &Bound<'_, PyDict>) -> PyResult<Memory> {
    fn read<T: Remembered + numpy::Element>(
        optimizer: &Optimizer,
        state: &Bound<'_, PyDict>,
    ) -> PyResult<Memory> {
        let mut arrays = Vec::new();
        for name in optimizer.arrays() {
            let array = Vector::<T>::new(name, &entry(state, name)?, Hold::Itself)?;
            arrays.push(array.numbers()?);
        }
        let counted = |name: &str| {
            let value = entry(state, name)?;
            value.extract::<u64>().map_err(|_| wrong(name, "a number of times", &value))
        };
        let state = OptimizerState::restore(
            optimizer.clone(),
            arrays,
            [counted("steps")?, counted("epochs")?, counted("rows_seen")?],
            Arg::Given(entry(state, "learning_rate")?).optional_number("learning_rate")?,
            number("previous_loss", &entry(state, "previous_loss")?)?,
        )?;
        Ok(T::remember(state))
    }
    if state.is_empty() {
        return Ok(Memory::Fresh);
    }
    let first = optimizer.arrays().first().copied().unwrap_or_default();
    let array = entry(state, first)?;
    if array.cast::<PyArray1<f32>>().is_ok() {
        read::<f32>(optimizer, state)
    } else if array.cast::<PyArray1<f64>>().is_ok() {
        read::<f64>(optimizer, state)
    } else {
        Err(wrong_type(first, "a NumPy vector of float32 or float64", &array))
    }
}

fn entry<'py>(state: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    state.get_item(name)?.ok_or_else(|| {
        PyValueError::new_err(format!("optimizer state must have an entry {name:?}, got none"))
    })
}
