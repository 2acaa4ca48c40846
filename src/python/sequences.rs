//! Sequences from Python: an array of three dimensions, or a list of matrices of any lengths.

use ndarray::{ArrayView1, ArrayView2, Axis, Ix3, s};
use numpy::{Element, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::arguments::{Arg, collect, count, iterated, wrong_type};
use super::arrays::{Hold, Input, Matrix, Vector};
use crate::error::tuple;
use crate::memory::{try_collect, try_with_capacity, try_zeros};
use crate::{Dataset, Returns, Scalar, Sequences};

/// What a call says of the time of its sequences.
#[derive(Default)]
pub(super) struct InTime {
    /// How many steps at the beginning of each sequence have no loss.
    pub washout: usize,
    /// Steps of each sequence, where arrays are filled up behind them.
    pub lengths: Option<Vec<usize>>,
}

impl InTime {
    pub fn new(washout: &Arg<'_>, lengths: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let lengths = lengths.map(self::lengths).transpose()?;
        Ok(Self { washout: washout.count_from_0("washout", 0)?, lengths })
    }

    /// Checks that a network that is not recurrent has none of it.
    pub fn check(&self, is_recurrent: bool) -> PyResult<()> {
        if is_recurrent {
            return Ok(());
        }
        if self.washout > 0 {
            return Err(PyValueError::new_err(format!(
                "washout must be 0 for a network that is not recurrent, got {}",
                self.washout
            )));
        }
        if self.lengths.is_some() {
            return Err(PyValueError::new_err("lengths must be None for a network that is not recurrent"));
        }
        Ok(())
    }
}

/// The argument `lengths`.
pub(super) fn lengths(value: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    match iterated(value)? {
        Some(items) => collect(items.map(|item| count("lengths", &item?))),
        None => Err(wrong_type("lengths", "a sequence of integers", value)),
    }
}

/// The form in which steps came.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// An array of three dimensions.
    Array,
    /// The same, of so many steps, in which sequences end before.
    Padded(usize),
    List,
}

/// Rows of numbers for the steps of time of sequences.
pub(super) struct Steps<'py, T: Element> {
    numbers: Numbers<'py, T>,
    pub sequences: Sequences,
    columns: usize,
    pub form: Form,
}

enum Numbers<'py, T: Element> {
    InPlace(Input<'py, T, Ix3>),
    Copied(Vec<T>),
}

impl<'py, T: Scalar + Element> Steps<'py, T> {
    /// The argument `name`, whose rows have so many columns; of an array that is filled up behind these lengths, the steps before.
    pub fn new(
        name: &str,
        value: &Bound<'py, PyAny>,
        columns: usize,
        lengths: Option<&[usize]>,
    ) -> PyResult<Self> {
        if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            if lengths.is_some() {
                return Err(PyValueError::new_err(format!(
                    "lengths must be None where {name} is a list, whose arrays have lengths of their own"
                )));
            }
            return Self::of_list(name, value, columns);
        }
        let array = Input::<T, Ix3>::new(name, value, Hold::Itself)?;
        let view = array.view();
        let (n, time, own) = view.dim();
        if own != columns || n == 0 || time == 0 {
            let expected = format!("(n, time, {columns}) with n and time at least 1");
            return Err(crate::Error::shape(name, expected, view.shape()).into());
        }
        if let Some(lengths) = lengths {
            check_lengths(name, lengths, n, time)?;
            let mut numbers = try_with_capacity(lengths.iter().sum::<usize>().saturating_mul(columns))?;
            for (sequence, &length) in view.outer_iter().zip(lengths) {
                numbers.extend(sequence.slice(s![..length, ..]));
            }
            let (numbers, sequences) = (Numbers::Copied(numbers), Sequences::new(lengths)?);
            return Ok(Self { numbers, sequences, columns, form: Form::Padded(time) });
        }
        let equal = if n == 1 { Sequences::new(&[time])? } else { Sequences::new(&vec![time; n])? };
        let numbers = if view.clone().merge_axes(Axis(0), Axis(1)) {
            Numbers::InPlace(array)
        } else {
            Numbers::Copied(try_collect(view.iter().copied())?)
        };
        Ok(Self { numbers, sequences: equal, columns, form: Form::Array })
    }

    fn of_list(name: &str, value: &Bound<'py, PyAny>, columns: usize) -> PyResult<Self> {
        let items = collect(value.try_iter()?)?;
        let (mut numbers, mut lengths) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            let own = format!("{name}[{index}]");
            let matrix = Matrix::<T>::new(&own, item, Hold::Itself)?;
            let view = matrix.view();
            if view.ncols() != columns || view.nrows() == 0 {
                let expected = format!("(time, {columns}) with time at least 1");
                return Err(crate::Error::shape(own, expected, view.shape()).into());
            }
            numbers.try_reserve(view.len()).map_err(|_| crate::Error::OutOfMemory { numbers: view.len() })?;
            numbers.extend(view.iter().copied());
            lengths.push(view.nrows());
        }
        if lengths.is_empty() {
            return Err(PyValueError::new_err(format!("{name} must hold at least one sequence, got none")));
        }
        let sequences = Sequences::new(&lengths)?;
        Ok(Self { numbers: Numbers::Copied(numbers), sequences, columns, form: Form::List })
    }

    /// For a call in which other Python code runs.
    pub fn into_view(self) -> PyResult<Self> {
        let numbers = match self.numbers {
            Numbers::InPlace(array) => Numbers::InPlace(array.into_view()?),
            copied @ Numbers::Copied(_) => copied,
        };
        Ok(Self { numbers, ..self })
    }

    /// All steps, row after row.
    pub fn view(&self) -> ArrayView2<'_, T> {
        let shape = (self.sequences.steps(), self.columns);
        match &self.numbers {
            Numbers::InPlace(array) => {
                let mut view = array.view();
                view.merge_axes(Axis(0), Axis(1));
                view.index_axis_move(Axis(0), 0)
            }
            Numbers::Copied(numbers) => ArrayView2::from_shape(shape, numbers)
                .unwrap_or_else(|_| unreachable!("each row has as many columns")),
        }
    }
}

/// Targets: a row for each sequence, or for each step of time.
enum Targets<'py, T: Element> {
    Last(Matrix<'py, T>),
    Every(Steps<'py, T>),
}

/// A data set of sequences as it came from Python.
pub(super) struct SequenceArrays<'py, T: Element> {
    x: Steps<'py, T>,
    y: Targets<'py, T>,
    weights: Option<Vec<T>>,
}

impl<'py, T: Scalar + Element> SequenceArrays<'py, T> {
    /// The number of sequences.
    pub fn count(&self) -> usize {
        self.x.sequences.count()
    }

    /// The arguments of these names.
    pub fn new(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        weights: Option<&Bound<'py, PyAny>>,
        in_time: &InTime,
    ) -> PyResult<Self> {
        let (washout, lengths) = (in_time.washout, in_time.lengths.as_deref());
        let x = Steps::new(names[0], x, network.n_inputs(), lengths)?.into_view()?;
        let every = network.returns() == Some(Returns::Every);
        if !every && washout > 0 {
            return Err(PyValueError::new_err(format!(
                "washout must be 0 for a network that returns the last step, got {washout}"
            )));
        }
        if every && washout >= x.sequences.longest() {
            return Err(PyValueError::new_err(format!(
                "washout must be below {}, the steps of the longest sequence, got {washout}",
                x.sequences.longest()
            )));
        }
        let y = if every {
            let y = Steps::new(names[1], y, network.n_outputs(), lengths)?.into_view()?;
            same_lengths(names[1], &x.sequences, &y.sequences, Some(network.n_outputs()))?;
            Targets::Every(y)
        } else {
            Targets::Last(Matrix::new(names[1], y, Hold::AView)?)
        };
        let mut weights =
            weights.map(|weights| of_targets(names[2], weights, &x.sequences, every, x.form)).transpose()?;
        if washout > 0 {
            let mut all = match weights.take() {
                Some(weights) => weights,
                None => try_collect((0..x.sequences.steps()).map(|_| T::ONE))?,
            };
            for sequence in 0..x.sequences.count() {
                let own = &mut all[x.sequences.range(sequence)];
                let washed = washout.min(own.len());
                own[..washed].fill(T::ZERO);
            }
            weights = Some(all);
        }
        Ok(Self { x, y, weights })
    }

    pub fn dataset(&self) -> PyResult<Dataset<'_, T>> {
        let y = match &self.y {
            Targets::Last(matrix) => matrix.view(),
            Targets::Every(steps) => steps.view(),
        };
        let weights = self.weights.as_deref().map(ArrayView1::from);
        Ok(Dataset::try_new(self.x.view(), y, weights)?.with_sequences(self.x.sequences.clone()))
    }
}

/// Checks the lengths of sequences in an array of so many of them, filled up to so many steps.
fn check_lengths(name: &str, lengths: &[usize], n: usize, time: usize) -> PyResult<()> {
    if lengths.len() != n {
        let got = lengths.len();
        return Err(PyValueError::new_err(format!(
            "lengths must hold a number for each of the {n} sequences of {name}, got {got}"
        )));
    }
    match lengths.iter().position(|&length| length > time) {
        None => Ok(()),
        Some(at) => Err(PyValueError::new_err(format!(
            "lengths must hold numbers from 1 to {time}, the steps of {name}, got {} at [{at}]",
            lengths[at]
        ))),
    }
}

/// Checks that there are as many steps for each sequence as there are inputs.
fn same_lengths(name: &str, x: &Sequences, y: &Sequences, columns: Option<usize>) -> PyResult<()> {
    if x.count() != y.count() {
        let (expected, got) = (x.count(), y.count());
        return Err(PyValueError::new_err(format!(
            "{name} must hold {expected} sequences, as the inputs do, got {got}"
        )));
    }
    for sequence in 0..x.count() {
        let (expected, got) = (x.length(sequence), y.length(sequence));
        if expected != got {
            let shape = |time: usize| tuple(&[Some(time), columns].into_iter().flatten().collect::<Vec<_>>());
            let (expected, got) = (shape(expected), shape(got));
            return Err(PyValueError::new_err(format!(
                "{name} must have shape {expected} for sequence {sequence}, as its inputs have steps, got {got}"
            )));
        }
    }
    Ok(())
}

/// A weight for each row of outputs: those of a sequence count for all its steps; there may be one for each step.
fn of_targets<T: Scalar + Element>(
    name: &str,
    value: &Bound<'_, PyAny>,
    sequences: &Sequences,
    every: bool,
    form: Form,
) -> PyResult<Vec<T>> {
    if !every {
        return Vector::new(name, value, Hold::Itself)?.numbers();
    }
    let in_list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    let of_each = in_list && value.len()? > 0 && iterated(&value.get_item(0)?)?.is_some();
    if of_each {
        let (mut numbers, mut lengths) = (Vec::new(), Vec::new());
        for (index, item) in collect(value.try_iter()?)?.iter().enumerate() {
            let own = Vector::<T>::new(&format!("{name}[{index}]"), item, Hold::Itself)?.numbers()?;
            lengths.push(own.len());
            numbers.extend(own);
        }
        if lengths.contains(&0) {
            return Err(PyValueError::new_err(format!("{name} must hold a weight for each step, got none")));
        }
        same_lengths(name, sequences, &Sequences::new(&lengths)?, None)?;
        return Ok(numbers);
    }
    let is_matrix = value.cast::<PyUntypedArray>().is_ok_and(|array| array.ndim() == 2);
    if is_matrix {
        let matrix = Matrix::<T>::new(name, value, Hold::Itself)?;
        let view = matrix.view();
        let (n, time) = view.dim();
        let steps = |sequence| if let Form::Padded(time) = form { time } else { sequences.length(sequence) };
        let fits = n == sequences.count() && (0..n).all(|sequence| steps(sequence) == time);
        if !fits {
            let expected = format!("({0}, time), or ({0},)", sequences.count());
            return Err(crate::Error::shape(name, expected, &[n, time]).into());
        }
        if let Form::Padded(_) = form {
            let mut numbers = try_with_capacity(sequences.steps())?;
            for (sequence, all) in view.outer_iter().enumerate() {
                numbers.extend(all.iter().take(sequences.length(sequence)));
            }
            return Ok(numbers);
        }
        return matrix.numbers();
    }
    let of_sequences = Vector::<T>::new(name, value, Hold::Itself)?.numbers()?;
    if of_sequences.len() != sequences.count() {
        let expected = format!("({},)", sequences.count());
        return Err(crate::Error::shape(name, expected, &[of_sequences.len()]).into());
    }
    let mut all = try_zeros(sequences.steps())?;
    for (sequence, weight) in of_sequences.into_iter().enumerate() {
        all[sequences.range(sequence)].fill(weight);
    }
    Ok(all)
}
