//! Rows of inputs and targets for a network, in its dtype.

use numpy::prelude::*;
use numpy::{Element, Ix2, PyArray1, PyUntypedArray};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PySlice;

use super::arguments::wrong_type;
use super::arrays::{Hold, Matrix, Vector, as_array, as_type, check_dimensions, dtype_and_kind};
use crate::memory::try_collect;
use crate::{Dataset, Inputs, Number, Scalar, SparseRows};

/// Rows of inputs as they came from Python.
pub(super) enum InputRows<'py, T: Element> {
    Dense(Matrix<'py, T>),
    /// A matrix of single precision for a network of double precision.
    Single(Matrix<'py, f32>),
    /// A copy of a matrix of SciPy's, and that matrix.
    Sparse(SparseRows<T>, Bound<'py, PyAny>),
}

impl<'py, T: Scalar + Element> InputRows<'py, T> {
    /// The argument `name`.
    pub fn new(
        network: &crate::Network<T>,
        name: &str,
        value: &Bound<'py, PyAny>,
        hold: Hold,
    ) -> PyResult<Self> {
        if network.takes_sparse_rows() && is_sparse(value)? {
            return Ok(Self::Sparse(sparse_rows(name, value)?, value.clone()));
        }
        if !network.is_complex() {
            return Ok(Self::Dense(Matrix::new(name, value, hold)?));
        }
        let rows = Matrix::parts(name, value, true)?;
        let (n, numbers) = rows.view().dim();
        if numbers != network.numbers_in() || n == 0 {
            let expected = format!("(n, {}) with n at least 1", network.n_inputs());
            return Err(crate::Error::shape(name, expected, &[n, numbers / 2]).into());
        }
        Ok(Self::Dense(rows))
    }

    /// The same without a copy of single precision for a network of double precision: each number is converted where it is
    /// used. For what asks no row for its address.
    pub fn in_place(network: &crate::Network<T>, name: &str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        if T::NAME != f32::NAME
            && !network.is_complex()
            && let Some(matrix) = Matrix::<f32>::of_this_type(value, Hold::AView)?
        {
            return Ok(Self::Single(matrix));
        }
        Self::new(network, name, value, Hold::AView)
    }

    /// A matrix of these, held as a view.
    pub fn into_view(self) -> PyResult<Self> {
        Ok(match self {
            Self::Dense(matrix) => Self::Dense(matrix.into_view()?),
            Self::Single(matrix) => Self::Single(matrix.into_view()?),
            sparse @ Self::Sparse(..) => sparse,
        })
    }

    pub fn rows(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.rows(),
            Self::Single(matrix) => matrix.rows(),
            Self::Sparse(rows, _) => rows.rows(),
        }
    }

    pub fn inputs(&self) -> Inputs<'_, T> {
        match self {
            Self::Dense(matrix) => matrix.view().into(),
            Self::Single(matrix) => Inputs::Single(matrix.view()),
            Self::Sparse(rows, _) => rows.into(),
        }
    }

    fn object(&self) -> Bound<'py, PyAny> {
        match self {
            Self::Dense(matrix) => matrix.object(),
            Self::Single(matrix) => matrix.object(),
            Self::Sparse(_, matrix) => matrix.clone(),
        }
    }
}

/// Whether a value is a sparse matrix or array of SciPy's. Nobody has one before SciPy's module is loaded.
fn is_sparse(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if value.is_instance_of::<PyUntypedArray>() {
        return Ok(false);
    }
    let modules = value.py().import("sys")?.getattr("modules")?;
    // A module that another thread is loading may not have it yet.
    let issparse = modules.get_item("scipy.sparse").and_then(|module| module.getattr("issparse"));
    issparse.map_or(Ok(false), |issparse| issparse.call1((value,))?.is_truthy())
}

/// A copy of a sparse matrix, in the network's dtype. The elements of a row are sorted, and those of one place added in
/// their order, as by `toarray`.
fn sparse_rows<T: Scalar + Element>(name: &str, value: &Bound<'_, PyAny>) -> PyResult<SparseRows<T>> {
    check_dimensions::<Ix2>(name, value)?;
    let csr = value.call_method0("tocsr")?;
    let (n_rows, n_columns): (usize, usize) = csr.getattr("shape")?.extract()?;
    let wrong = |what: &str| {
        PyValueError::new_err(format!("{name} must be a valid sparse matrix, got one with {what}"))
    };
    let starts = places::<usize>(&csr, "indptr").ok_or_else(|| wrong("an invalid indptr"))?;
    let all = starts.last().copied().unwrap_or_default();
    if starts.len() != n_rows + 1 || starts[0] != 0 || !starts.is_sorted() {
        return Err(wrong("an invalid indptr"));
    }
    let mut columns = places::<u32>(&csr, "indices").ok_or_else(|| wrong("invalid indices"))?;
    if columns.len() < all {
        return Err(wrong("invalid indices"));
    }
    columns.truncate(all); // SciPy allows more than the rows have
    if !columns.iter().all(|&column| (column as usize) < n_columns) {
        return Err(wrong("invalid indices"));
    }
    let given = csr.getattr("data")?;
    if !given.is_instance_of::<PyUntypedArray>()
        || given.getattr("ndim")?.extract::<usize>()? != 1
        || given.len()? < all
    {
        return Err(wrong("invalid data"));
    }
    let mut given = given.get_item(PySlice::new(csr.py(), 0, all.cast_signed(), 1))?;
    let (dtype, kind) = dtype_and_kind(&given)?;
    if !["b", "i", "u", "f"].contains(&kind.as_str()) {
        return Err(PyTypeError::new_err(format!("{name} must hold real numbers, got dtype {dtype}")));
    }
    let mut starts = starts;
    if !starts.windows(2).all(|row| columns[row[0]..row[1]].is_sorted_by(|a, b| a < b)) {
        (starts, columns, given) = in_order(&starts, &columns, &given)?;
    }
    let converted = as_type(&given, T::NAME, false)?;
    let converted = converted.cast::<PyArray1<T>>().map_err(PyErr::from)?.try_readonly()?;
    let numbers: Vec<T> = try_collect(converted.as_array().iter().copied())?;
    if let Some(place) = numbers.iter().position(|x| !x.is_finite()) {
        let number = given.get_item(place)?;
        if csr.py().import("numpy")?.call_method1("isfinite", (&number,))?.is_truthy()? {
            let row = starts.partition_point(|&start| start <= place) - 1;
            let (expected, got, column) = (T::NAME, number.str()?, columns[place]);
            return Err(PyValueError::new_err(format!(
                "{name} must hold numbers that {expected} can hold, got {got} at [{row}, {column}]"
            )));
        }
    }
    Ok(SparseRows::new(n_columns, starts, columns, numbers)?)
}

/// An array of a sparse matrix that holds places; nothing if it is something else.
fn places<P: TryFrom<i64>>(csr: &Bound<'_, PyAny>, attribute: &str) -> Option<Vec<P>> {
    let array = csr.getattr(attribute).ok()?;
    let (_, kind) = dtype_and_kind(&array).ok()?;
    if kind != "i" && kind != "u" {
        return None;
    }
    let array = array.call_method1("astype", ("int64",)).ok()?;
    let array = array.cast::<PyArray1<i64>>().ok()?.try_readonly().ok()?;
    let mut places = Vec::new();
    places.try_reserve_exact(array.len()).ok()?;
    for &place in array.as_array() {
        places.push(P::try_from(place).ok()?);
    }
    Some(places)
}

/// Starts, columns and numbers of the same matrix with the elements of each row sorted, and those of one place added in
/// their order, in their dtype.
fn in_order<'py>(
    starts: &[usize],
    columns: &[u32],
    numbers: &Bound<'py, PyAny>,
) -> PyResult<(Vec<usize>, Vec<u32>, Bound<'py, PyAny>)> {
    let py = numbers.py();
    let mut order: Vec<usize> = try_collect(0..columns.len())?;
    let (mut new_starts, mut new_columns) = (vec![0], Vec::<u32>::new());
    // To which of the new elements each element belongs, in the new order.
    let mut groups: Vec<usize> = Vec::new();
    for row in starts.windows(2) {
        let places = &mut order[row[0]..row[1]];
        places.sort_by_key(|&place| columns[place]); // those of one place stay in their order
        let first = new_columns.len();
        for &place in &*places {
            if new_columns.len() == first || new_columns.last() != Some(&columns[place]) {
                new_columns.push(columns[place]);
            }
            groups.push(new_columns.len() - 1);
        }
        new_starts.push(new_columns.len());
    }
    let numpy = py.import("numpy")?;
    let sums = numpy.call_method1("zeros", (new_columns.len(), numbers.getattr("dtype")?))?;
    let sorted = numbers.get_item(PyArray1::from_vec(py, order))?;
    numpy.getattr("add")?.call_method1("at", (&sums, PyArray1::from_vec(py, groups), sorted))?;
    Ok((new_starts, new_columns, sums))
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
    x: InputRows<'py, T>,
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
        Self::with_inputs(network, names, InputRows::new(network, names[0], x, Hold::AView)?, y, weights)
    }

    /// The same with inputs that need not have the network's type: see [`InputRows::in_place`].
    pub fn in_place(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        Self::with_inputs(network, names, InputRows::in_place(network, names[0], x)?, y, weights)
    }

    fn with_inputs(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: InputRows<'py, T>,
        y: &Bound<'py, PyAny>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
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
        Ok(Dataset::try_new(self.x.inputs(), self.y.view(), self.weights.as_ref().map(Vector::view))?)
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
    let numbers = as_type(&array, "int64", false)?;
    let numbers = numbers.cast::<PyArray1<i64>>().map_err(PyErr::from)?.try_readonly()?;
    let numbers = numbers.as_array();
    let is_there = |number: i64| usize::try_from(number).is_ok_and(|number| number < n);
    match numbers.iter().enumerate().find(|(_, number)| !is_there(**number)) {
        Some((place, _)) => {
            let (last, number) = (n.saturating_sub(1), array.get_item(place)?.str()?);
            Err(PyValueError::new_err(format!(
                "{name} must hold row numbers from 0 to {last}, got {number} at {place}"
            )))
        }
        None => Ok(try_collect(numbers.iter().map(|&number| number as u32))?),
    }
}
