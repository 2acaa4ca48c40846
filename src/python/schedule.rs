//! Numbers that change in the course of a training: `ferroprop.Schedule` and its kinds.

use std::any::Any;
use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};
use pyo3::{IntoPyObject, IntoPyObjectExt, PyClass};

use super::arguments::{Arg, count, number, unless_foreign, wrong_type};
use super::arrays::vector;
use super::call::attach;
use crate::kernel::Mode;
use crate::memory::try_collect;
use crate::{Fall, FunctionOfStep, StepFunction};

/// A number that changes in the course of a training: a learning rate, weight decay, a chance of dropout.
///
/// Where an argument takes a schedule, a plain number is one that does not change, and a function gets the
/// step (1 for the first) and returns the number.
///
/// `Linear`, `Cosine`, `Exponential` and `OneCycle` change with every step, and know how many steps there
/// will be: those of all epochs of the call. Steps are counted through warm starts: then the whole training
/// is what the optimizer did before and what the call adds. ``steps`` sets another number, after which the
/// last value stays. A training that goes on from a checkpoint is one training. `InverseScaling` and
/// `Adaptive` are for learning rates alone; they change after an epoch, as scikit-learn's do.
///
/// Schedules are equal if they are of the same kind with the same numbers.
///
/// Raises
/// ------
/// TypeError
///     If it is called itself: it is the common class of the kinds of schedules.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> isinstance(fp.Cosine(1e-3), fp.Schedule)
/// True
/// >>> fp.Cosine(1e-3) == fp.Cosine(1e-3, warm_up=0.1)
/// False
#[pyclass(frozen, subclass, module = "ferroprop")]
pub(super) struct Schedule(crate::Schedule);

impl Schedule {
    fn new(schedule: crate::Schedule) -> PyResult<Self> {
        schedule.check_shape()?;
        Ok(Self(schedule))
    }

    /// An object of a kind of schedule.
    fn below<S: PyClass<BaseType = Self>>(self, kind: S) -> PyClassInitializer<S> {
        PyClassInitializer::from(self).add_subclass(kind)
    }

    fn object<S: PyClass<BaseType = Self>>(self, py: Python<'_>, kind: S) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, self.below(kind))?.into_any())
    }

    /// Its arguments in order: numbers and, where there can be one, a number of steps.
    fn arguments(&self) -> (Vec<f64>, Vec<Option<u64>>) {
        use crate::Schedule::{
            Adaptive, By, Constant, Cosine, Exponential, InverseScaling, Linear, OneCycle,
        };
        match &self.0 {
            Constant(value) | Adaptive { value } => (vec![*value], vec![]),
            Linear(fall) | Cosine(fall) | Exponential(fall) => {
                let Fall { value, last, warm_up, flat, steps } = *fall;
                (vec![value, last, warm_up, flat], vec![steps])
            }
            OneCycle(cycle) => {
                let crate::OneCycle { value, warm_up, div_factor, final_div_factor, steps } = *cycle;
                (vec![value, warm_up, div_factor, final_div_factor], vec![steps])
            }
            InverseScaling { value, power } => (vec![*value, *power], vec![]),
            By(_) => Default::default(),
        }
    }
}

#[pymethods]
impl Schedule {
    /// Compute the numbers of all steps of a training.
    ///
    /// Parameters
    /// ----------
    /// steps : int
    ///     The steps of the training.
    ///
    /// Returns
    /// -------
    /// values : ndarray of shape (steps,), float64
    ///     The number of each step.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If `steps` is not positive, or the numbers depend on the course of the training:
    ///     `InverseScaling`, `Adaptive`.
    /// TypeError
    ///     If `steps` is no integer.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Linear(0.5).values(4)
    /// array([0.5  , 0.375, 0.25 , 0.125])
    fn values<'py>(&self, py: Python<'py>, steps: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let steps = count("steps", steps)?;
        let at = |step: usize| self.0.at(step as u64 + 1, steps as u64);
        if at(0).is_none() {
            return Err(PyValueError::new_err(format!(
                "values must be those of a schedule by step, got {:?}, which depends on the course of the training",
                self.0
            )));
        }
        let numbers = {
            let _mode = Mode::core();
            try_collect((0..steps).map(|step| at(step).unwrap_or_default()))?
        };
        vector(py, numbers.as_slice().into())
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let (numbers, steps) = self.arguments();
        std::mem::discriminant(&self.0).hash(&mut hasher);
        // 0 and -0 are equal.
        for number in numbers {
            (number + 0.0).to_bits().hash(&mut hasher);
        }
        steps.hash(&mut hasher);
        hasher.finish()
    }

    /// A call of the class, which every protocol of pickle knows, and skops.
    fn __reduce__<'py>(self_: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let py = self_.py();
        let (numbers, steps) = self_.get().arguments();
        let numbers = numbers.into_iter().map(|number| number.into_bound_py_any(py));
        let arguments = numbers.chain(steps.into_iter().map(|steps| steps.into_bound_py_any(py)));
        Ok((self_.get_type(), PyTuple::new(py, arguments.collect::<PyResult<Vec<_>>>()?)?))
    }
}

/// A class of schedules that fall in three phases.
macro_rules! falling_class {
    ($(#[$doc:meta])* $class:ident($($signature:tt)*) $text_signature:literal) => {
        $(#[$doc])*
        #[pyclass(frozen, extends = Schedule, module = "ferroprop")]
        pub(super) struct $class(Fall);

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = ($($signature)*), text_signature = $text_signature)]
            fn new(
                value: &Bound<'_, PyAny>,
                r#final: Arg<'_>,
                warm_up: Arg<'_>,
                flat: Arg<'_>,
                steps: Arg<'_>,
            ) -> PyResult<PyClassInitializer<Self>> {
                let fall = Fall {
                    value: number("value", value)?,
                    last: r#final.number("final", 0.0)?,
                    warm_up: warm_up.number("warm_up", 0.0)?,
                    flat: flat.number("flat", 0.0)?,
                    steps: steps.optional_count("steps")?.map(|steps| steps as u64),
                };
                Ok(Schedule::new(crate::Schedule::$class(fall))?.below(Self(fall)))
            }

            /// The value from which it falls.
            #[getter]
            fn value(&self) -> f64 {
                self.0.value
            }

            /// The value that would follow on the last step.
            #[getter]
            fn r#final(&self) -> f64 {
                self.0.last
            }

            /// The part of the training in which it rises to the value.
            #[getter]
            fn warm_up(&self) -> f64 {
                self.0.warm_up
            }

            /// The part of the training that stays at the value.
            #[getter]
            fn flat(&self) -> f64 {
                self.0.flat
            }

            /// The steps of the whole training; None if the training says.
            #[getter]
            fn steps(&self) -> Option<u64> {
                self.0.steps
            }
        }
    };
}

falling_class! {
    /// A number that falls in a straight line.
    ///
    /// The number of step s (1 for the first) of S is ``final + (value - final) * (1 - q)``, where
    /// ``q = (s - 1 - b) / (S - b)`` is the part of the fall that is done and ``b = (warm_up + flat) * S``
    /// where it begins. In the warm-up before, of ``w = warm_up * S`` steps, it is ``value * s / (w + 1)``.
    ///
    /// Parameters
    /// ----------
    /// value : float
    ///     The value from which it falls; in the domain of the argument that it is for.
    /// final : float, default=0.0
    ///     The value that would follow on the last step. It may be greater than `value`.
    /// warm_up : float, default=0.0
    ///     The part of the training, from 0 to 1, in which the number rises to `value` in a straight line.
    /// flat : float, default=0.0
    ///     The part of the training, after the warm-up, that stays at `value`.
    /// steps : int or None, default=None
    ///     The steps S of the whole training; None if the training says. See `Schedule`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a number is outside its range.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, section 2.2: the
    /// warm-up.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Linear(0.5, final=0.1, warm_up=0.2, flat=0.4).values(10).round(3)
    /// array([0.167, 0.333, 0.5  , 0.5  , 0.5  , 0.5  , 0.5  , 0.4  , 0.3  ,
    ///        0.2  ])
    /// >>> optimizer = fp.SGD(fp.Linear(0.5))
    Linear(value, r#final = Arg::Absent, warm_up = Arg::Absent, flat = Arg::Absent, steps = Arg::Absent)
    "(value, final=0.0, warm_up=0.0, flat=0.0, steps=None)"
}

falling_class! {
    /// A number that falls along half a wave of the cosine.
    ///
    /// The number of step s (1 for the first) of S is ``final + (value - final) * (1 + cos(pi * q)) / 2``,
    /// where ``q = (s - 1 - b) / (S - b)`` is the part of the fall that is done and
    /// ``b = (warm_up + flat) * S`` where it begins. In the warm-up before, of ``w = warm_up * S`` steps, it is
    /// ``value * s / (w + 1)``.
    ///
    /// Parameters
    /// ----------
    /// value : float
    ///     The value from which it falls; in the domain of the argument that it is for.
    /// final : float, default=0.0
    ///     The value that would follow on the last step. It may be greater than `value`.
    /// warm_up : float, default=0.0
    ///     The part of the training, from 0 to 1, in which the number rises to `value` in a straight line.
    /// flat : float, default=0.0
    ///     The part of the training, after the warm-up, that stays at `value`.
    /// steps : int or None, default=None
    ///     The steps S of the whole training; None if the training says. See `Schedule`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a number is outside its range.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    /// equation 5, without restarts.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> optimizer = fp.AdamW(fp.Cosine(2e-3, warm_up=0.05), weight_decay=fp.Cosine(0.1, flat=0.5))
    /// >>> fp.Cosine(0.1, flat=0.5).values(8).round(3)
    /// array([0.1  , 0.1  , 0.1  , 0.1  , 0.1  , 0.085, 0.05 , 0.015])
    Cosine(value, r#final = Arg::Absent, warm_up = Arg::Absent, flat = Arg::Absent, steps = Arg::Absent)
    "(value, final=0.0, warm_up=0.0, flat=0.0, steps=None)"
}

falling_class! {
    /// A number that falls by the same factor in each step.
    ///
    /// The number of step s (1 for the first) of S is ``value * (final / value) ** q``, where
    /// ``q = (s - 1 - b) / (S - b)`` is the part of the fall that is done and ``b = (warm_up + flat) * S``
    /// where it begins. In the warm-up before, of ``w = warm_up * S`` steps, it is ``value * s / (w + 1)``.
    ///
    /// Parameters
    /// ----------
    /// value : float
    ///     The value from which it falls; positive, and in the domain of the argument that it is for.
    /// final : float
    ///     The value that would follow on the last step; positive. It may be greater than `value`.
    /// warm_up : float, default=0.0
    ///     The part of the training, from 0 to 1, in which the number rises to `value` in a straight line.
    /// flat : float, default=0.0
    ///     The part of the training, after the warm-up, that stays at `value`.
    /// steps : int or None, default=None
    ///     The steps S of the whole training; None if the training says. See `Schedule`.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If a number is outside its range.
    /// TypeError
    ///     If an argument is of the wrong kind.
    ///
    /// References
    /// ----------
    /// P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, section 2.2: the
    /// warm-up.
    ///
    /// Examples
    /// --------
    /// >>> import ferroprop as fp
    /// >>> fp.Exponential(1.0, final=1 / 16).values(4).round(6)
    /// array([1.   , 0.5  , 0.25 , 0.125])
    Exponential(value, r#final, warm_up = Arg::Absent, flat = Arg::Absent, steps = Arg::Absent)
    "(value, final, warm_up=0.0, flat=0.0, steps=None)"
}

/// A number that rises to a peak and falls again, both along half a wave of the cosine.
///
/// It begins at ``value / div_factor``, has its peak, `value`, after ``warm_up`` of the training, and falls to
/// ``value / div_factor / final_div_factor``. Momentum does not go the other way meanwhile, as it does in
/// the paper.
///
/// Parameters
/// ----------
/// value : float
///     The greatest value; in the domain of the argument that it is for.
/// warm_up : float, default=0.3
///     The part of the training, from 0 to 1, that is the rise.
/// div_factor : float, default=25.0
///     The peak over the first value; at least 1.
/// final_div_factor : float, default=10000.0
///     The first value over the one that would follow on the last step; at least 1.
/// steps : int or None, default=None
///     The steps of the whole training; None if the training says. See `Schedule`.
///
/// Raises
/// ------
/// ValueError
///     If a number is outside its range.
/// TypeError
///     If an argument is of the wrong kind.
///
/// References
/// ----------
/// L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks using large
/// learning rates", 2017; the form and the constants are those of PyTorch and fastai.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> fp.OneCycle(0.1, warm_up=0.5).values(8).round(3)
/// array([0.004, 0.018, 0.052, 0.086, 0.1  , 0.085, 0.05 , 0.015])
/// >>> optimizer = fp.Adam(fp.OneCycle(5e-3))
#[pyclass(frozen, extends = Schedule, module = "ferroprop")]
pub(super) struct OneCycle(crate::OneCycle);

#[pymethods]
impl OneCycle {
    #[new]
    #[pyo3(signature = (value, warm_up = Arg::Absent, div_factor = Arg::Absent, final_div_factor = Arg::Absent, steps = Arg::Absent))]
    #[pyo3(text_signature = "(value, warm_up=0.3, div_factor=25.0, final_div_factor=10000.0, steps=None)")]
    fn new(
        value: &Bound<'_, PyAny>,
        warm_up: Arg<'_>,
        div_factor: Arg<'_>,
        final_div_factor: Arg<'_>,
        steps: Arg<'_>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let usual = crate::OneCycle::new(number("value", value)?);
        let cycle = crate::OneCycle {
            value: usual.value,
            warm_up: warm_up.number("warm_up", usual.warm_up)?,
            div_factor: div_factor.number("div_factor", usual.div_factor)?,
            final_div_factor: final_div_factor.number("final_div_factor", usual.final_div_factor)?,
            steps: steps.optional_count("steps")?.map(|steps| steps as u64),
        };
        Ok(Schedule::new(crate::Schedule::OneCycle(cycle))?.below(Self(cycle)))
    }

    /// The greatest value.
    #[getter]
    fn value(&self) -> f64 {
        self.0.value
    }

    /// The part of the training that is the rise.
    #[getter]
    fn warm_up(&self) -> f64 {
        self.0.warm_up
    }

    /// The peak over the first value.
    #[getter]
    fn div_factor(&self) -> f64 {
        self.0.div_factor
    }

    /// The first value over the last one.
    #[getter]
    fn final_div_factor(&self) -> f64 {
        self.0.final_div_factor
    }

    /// The steps of the whole training; None if the training says.
    #[getter]
    fn steps(&self) -> Option<u64> {
        self.0.steps
    }
}

/// A learning rate that falls with the rows that training has seen: scikit-learn's "invscaling".
///
/// It is ``value / (rows seen + 1) ** power``, set after each epoch; rows are counted through warm starts.
///
/// Parameters
/// ----------
/// value : float
///     The learning rate of the first epoch; positive.
/// power : float, default=0.5
///     The exponent; 0 or positive.
///
/// Raises
/// ------
/// ValueError
///     If a number is outside its range.
/// TypeError
///     If an argument is of the wrong kind.
///
/// References
/// ----------
/// F. Pedregosa et al., "Scikit-learn: machine learning in Python", JMLR 12, 2011.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> fp.SGD(fp.InverseScaling(0.1)).learning_rate
/// InverseScaling(0.1, power=0.5)
#[pyclass(frozen, extends = Schedule, module = "ferroprop")]
pub(super) struct InverseScaling {
    value: f64,
    power: f64,
}

#[pymethods]
impl InverseScaling {
    #[new]
    #[pyo3(signature = (value, power = Arg::Absent), text_signature = "(value, power=0.5)")]
    fn new(value: &Bound<'_, PyAny>, power: Arg<'_>) -> PyResult<PyClassInitializer<Self>> {
        let (value, power) = (number("value", value)?, power.number("power", 0.5)?);
        let schedule = Schedule::new(crate::Schedule::InverseScaling { value, power })?;
        Ok(schedule.below(Self { value, power }))
    }

    /// The learning rate of the first epoch.
    #[getter]
    fn value(&self) -> f64 {
        self.value
    }

    /// The exponent.
    #[getter]
    fn power(&self) -> f64 {
        self.power
    }
}

/// A learning rate that is divided by 5 each time patience runs out: scikit-learn's "adaptive".
///
/// Training ends where it is at most 1e-6 and patience runs out once more. It needs the ``patience`` of
/// `train`.
///
/// Parameters
/// ----------
/// value : float
///     The learning rate at first; positive.
///
/// Raises
/// ------
/// ValueError
///     If `value` is outside its range.
/// TypeError
///     If `value` is no number.
///
/// References
/// ----------
/// F. Pedregosa et al., "Scikit-learn: machine learning in Python", JMLR 12, 2011.
///
/// Examples
/// --------
/// >>> import ferroprop as fp
/// >>> fp.SGD(fp.Adaptive(0.1))
/// SGD(learning_rate=Adaptive(0.1), momentum=0.9, nesterov=True)
#[pyclass(frozen, extends = Schedule, module = "ferroprop")]
pub(super) struct Adaptive {
    value: f64,
}

#[pymethods]
impl Adaptive {
    #[new]
    #[pyo3(signature = (value), text_signature = "(value)")]
    fn new(value: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let value = number("value", value)?;
        Ok(Schedule::new(crate::Schedule::Adaptive { value })?.below(Self { value }))
    }

    /// The learning rate at first.
    #[getter]
    fn value(&self) -> f64 {
        self.value
    }
}

/// What an argument may be that takes a schedule: a number, a schedule or a function of the step.
pub(super) fn scheduled(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<crate::Schedule> {
    if let Ok(schedule) = value.cast::<Schedule>() {
        Ok(schedule.get().0.clone())
    } else if value.is_callable() {
        let function = PythonFunction { name, function: value.clone().unbind() };
        Ok(crate::Schedule::By(StepFunction(Arc::new(function))))
    } else {
        let expected = "a real number, a Schedule or a function of the step";
        let number = value.extract::<f64>();
        Ok(number.map_err(|error| unless_foreign(error, value, || wrong_type(name, expected, value)))?.into())
    }
}

/// A schedule on its way to Python: a number, a schedule or the function that it was made from.
pub(super) struct Scheduled(pub crate::Schedule);

impl<'py> IntoPyObject<'py> for Scheduled {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        use crate::Schedule as Core;
        let base = Schedule(self.0.clone());
        match self.0 {
            Core::Constant(value) => value.into_bound_py_any(py),
            Core::Linear(fall) => base.object(py, Linear(fall)),
            Core::Cosine(fall) => base.object(py, Cosine(fall)),
            Core::Exponential(fall) => base.object(py, Exponential(fall)),
            Core::OneCycle(cycle) => base.object(py, OneCycle(cycle)),
            Core::InverseScaling { value, power } => base.object(py, InverseScaling { value, power }),
            Core::Adaptive { value } => base.object(py, Adaptive { value }),
            Core::By(function) => {
                let function: &dyn Any = &*function.0;
                let function = function.downcast_ref::<PythonFunction>();
                Ok(function.map_or_else(|| py.None(), |of| of.function.clone_ref(py)).into_bound(py))
            }
        }
    }
}

/// A function of Python's that gives the number of a step.
struct PythonFunction {
    /// The argument that it is.
    name: &'static str,
    function: Py<PyAny>,
}

thread_local! {
    /// What a function of the training, or step, that this thread is at has raised.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// What a function has raised since the last time it was asked.
pub(super) fn raised_by_function() -> Option<PyErr> {
    RAISED.take()
}

impl FunctionOfStep for PythonFunction {
    fn at(&self, step: u64) -> Option<f64> {
        let number = attach(|py| {
            let number = self.function.bind(py).call1((step,))?;
            let expected = "a function that returns a real number";
            number
                .extract()
                .map_err(|error| unless_foreign(error, &number, || wrong_type(self.name, expected, &number)))
        });
        number.map_err(|error| RAISED.set(Some(error))).ok()
    }
}
