//! Rows of inputs and targets for a network, in its dtype.

use numpy::Element;
use pyo3::prelude::*;

use super::arrays::{Hold, Matrix, Vector};
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

    pub fn dataset(&self) -> PyResult<Dataset<'_, T>> {
        Ok(Dataset::try_new(self.x.view(), self.y.view(), self.weights.as_ref().map(Vector::view))?)
    }
}
