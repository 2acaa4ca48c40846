//! Rows of inputs and targets for a network, in its dtype.

use numpy::prelude::*;
use numpy::{Element, PyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::arguments::wrong_type;
use super::arrays::{Hold, Matrix, Vector, as_array};
use crate::memory::try_collect;
use crate::{Dataset, Scalar};

/// Rows of inputs for a network.
pub(super) fn inputs<'py, T: Scalar + Element>(
    network: &crate::Network<T>,
    name: &str,
    value: &Bound<'py, PyAny>,
    hold: Hold,
) -> PyResult<Matrix<'py, T>> {
    if !network.is_complex() {
        return Matrix::new(name, value, hold);
    }
    let rows = Matrix::parts(name, value, true)?;
    let (n, numbers) = rows.view().dim();
    if numbers != network.numbers_in() || n == 0 {
        let expected = format!("(n, {}) with n at least 1", network.n_inputs());
        return Err(crate::Error::shape(name, expected, &[n, numbers / 2]).into());
    }
    Ok(rows)
}

/// Their targets, for `rows` rows, held as a view.
fn targets<'py, T: Scalar + Element>(
    network: &crate::Network<T>,
    name: &str,
    value: &Bound<'py, PyAny>,
    rows: usize,
) -> PyResult<Matrix<'py, T>> {
    if !network.complex_outputs() {
        return Matrix::new(name, value, Hold::AView);
    }
    let targets = Matrix::parts(name, value, false)?;
    let (n, numbers) = targets.view().dim();
    if (n, numbers) != (rows, network.numbers_out()) {
        let expected = format!("({rows}, {})", network.n_outputs());
        return Err(crate::Error::shape(name, expected, &[n, numbers / 2]).into());
    }
    Ok(targets)
}

/// Rows of a data set as they came from Python, held as views.
pub(super) struct RowArrays<'py, T: Element> {
    x: Matrix<'py, T>,
    y: Matrix<'py, T>,
    weights: Option<Vector<'py, T>>,
}

impl<'py, T: Scalar + Element> RowArrays<'py, T> {
    /// The arguments of these names: inputs, targets, weights.
    pub fn new(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let x = inputs(network, names[0], x, Hold::AView)?;
        let y = targets(network, names[1], y, x.rows())?;
        let weights = weights.map(|weights| Vector::new(names[2], weights, Hold::AView)).transpose()?;
        Ok(Self { x, y, weights })
    }

    pub fn rows(&self) -> usize {
        self.x.rows()
    }

    /// Inputs and targets as NumPy's arrays of the network's dtype.
    pub fn objects(&self) -> [Bound<'py, PyAny>; 2] {
        [self.x.object(), self.y.object()]
    }

    pub fn dataset(&self) -> PyResult<Dataset<'_, T>> {
        Ok(Dataset::try_new(self.x.view(), self.y.view(), self.weights.as_ref().map(Vector::view))?)
    }
}

/// Numbers of some of `n` rows.
pub(super) fn listed_rows(name: &str, value: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<u32>> {
    if value.is_none() {
        return Err(wrong_type(name, "an array of row numbers", value));
    }
    let array = as_array(name, value)?;
    let dtype = array.getattr("dtype")?;
    let (kind, dimensions): (String, usize) =
        (dtype.getattr("kind")?.extract()?, array.getattr("ndim")?.extract()?);
    if dimensions != 1 {
        let got = array.getattr("shape")?;
        return Err(PyValueError::new_err(format!(
            "{name} must be one array of row numbers, got shape {got}"
        )));
    }
    if array.len()? == 0 {
        return Err(PyValueError::new_err(format!("{name} must hold at least one row number, got none")));
    }
    if !["i", "u"].contains(&kind.as_str()) {
        let hint = if kind == "b" { " (a mask? np.flatnonzero(mask) has the numbers)" } else { "" };
        return Err(PyTypeError::new_err(format!("{name} must hold row numbers, got dtype {dtype}{hint}")));
    }
    let numbers = array.call_method1("astype", ("int64",))?;
    let numbers = numbers.cast::<PyArray1<i64>>().map_err(PyErr::from)?.try_readonly()?;
    let numbers = numbers.as_array();
    let is_there = |number: i64| usize::try_from(number).is_ok_and(|number| number < n);
    match numbers.iter().enumerate().find(|(_, number)| !is_there(**number)) {
        Some((place, number)) => {
            let last = n.saturating_sub(1);
            Err(PyValueError::new_err(format!(
                "{name} must hold row numbers from 0 to {last}, got {number} at {place}"
            )))
        }
        None => Ok(try_collect(numbers.iter().map(|&number| number as u32))?),
    }
}
