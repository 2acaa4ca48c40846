//! The constants that the Rprop family shares.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::super::arguments::{Arg, number, wrong, wrong_type};
use crate::{InitialStep, StepSizes};

/// The constants that the rules of the Rprop family share, as they came.
pub(super) struct Sizes<'py> {
    pub increase: Arg<'py>,
    pub decrease: Arg<'py>,
    pub initial_step: Arg<'py>,
    pub min_step: Arg<'py>,
    pub max_step: Arg<'py>,
    pub seed: Arg<'py>,
}

impl Sizes<'_> {
    pub fn read(&self, default: StepSizes) -> PyResult<StepSizes> {
        Ok(StepSizes {
            increase: self.increase.number("increase", default.increase)?,
            decrease: self.decrease.number("decrease", default.decrease)?,
            initial: match &self.initial_step {
                Arg::Absent => default.initial,
                Arg::Given(value) => initial_step(value)?,
            },
            min: self.min_step.number("min_step", default.min)?,
            max: self.max_step.number("max_step", default.max)?,
            seed: self.seed.seed()?,
        })
    }
}

fn initial_step(value: &Bound<'_, PyAny>) -> PyResult<InitialStep> {
    if !value.is_instance_of::<PyTuple>() && !value.is_instance_of::<PyList>() {
        let expected = "a real number or a tuple (low, high)";
        return value
            .extract()
            .map(InitialStep::Same)
            .map_err(|_| wrong_type("initial_step", expected, value));
    }
    let items = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let [low, high] = items.as_slice() else {
        return Err(wrong("initial_step", "a number or a tuple (low, high)", value));
    };
    Ok(InitialStep::Drawn { low: number("initial_step", low)?, high: number("initial_step", high)? })
}

/// [`InitialStep`] for Python: a number or a tuple.
#[derive(IntoPyObject)]
pub(super) enum Initial {
    Same(f64),
    Drawn((f64, f64)),
}

impl From<InitialStep> for Initial {
    fn from(step: InitialStep) -> Self {
        match step {
            InitialStep::Same(step) => Self::Same(step),
            InitialStep::Drawn { low, high } => Self::Drawn((low, high)),
        }
    }
}
