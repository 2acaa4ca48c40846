//! NumPy arrays in and out.

use ndarray::{ArrayView, IntoDimension, Ix1, Ix2, Ix3};
use numpy::prelude::*;
use numpy::{BorrowError, Element, PyArray, PyReadonlyArray, PyReadwriteArray1, PyUntypedArray};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::arguments::{type_name, wrong_type};
use super::call::Call;
use crate::Scalar;
use crate::check::all_finite;
use crate::kernel::Mode;
use crate::memory::{try_collect, try_zeros};

/// Numbers for which there is always room: the fast way to allocate them need not report failure.
const SMALL: usize = 4_096;

/// An array of `T` with this many dimensions: the caller's own if it is one already, else a
/// converted copy.
pub(super) struct Input<'py, T: Element, D: ndarray::Dimension>(PyReadonlyArray<'py, T, D>);

/// How an array of the caller's is held.
#[derive(Clone, Copy)]
pub(super) enum Hold {
    /// For a call in which no other Python code runs.
    Itself,
    /// For one in which it does: an object of the caller's can change its dtype or its strides in place; a view of it
    /// that nobody else has cannot.
    AView,
}

pub(super) type Matrix<'py, T> = Input<'py, T, Ix2>;
pub(super) type Vector<'py, T> = Input<'py, T, Ix1>;

impl<'py, T: Scalar + Element, D: ndarray::Dimension> Input<'py, T, D> {
    /// The argument `name` as an array.
    pub fn new(name: &str, value: &Bound<'py, PyAny>, hold: Hold) -> PyResult<Self> {
        match Self::of_this_type(value, hold)? {
            Some(array) => Ok(array),
            None => Self::converted(name, value),
        }
    }

    /// The caller's own array, if it is one of this type.
    pub fn of_this_type(value: &Bound<'py, PyAny>, hold: Hold) -> PyResult<Option<Self>> {
        if let Ok(array) = value.cast::<PyArray<T, D>>()
            && is_aligned(array)
            && !is_masked(value)?
        {
            return Ok(Some(match hold {
                Hold::Itself => Self(array.try_readonly()?),
                Hold::AView => Self::view_of(array)?,
            }));
        }
        Ok(None)
    }

    /// The same array, held as a view.
    pub fn into_view(self) -> PyResult<Self> {
        Self::view_of(&self.0)
    }

    fn view_of(array: &Bound<'py, PyArray<T, D>>) -> PyResult<Self> {
        Ok(Self(view_of(array)?.cast::<PyArray<T, D>>()?.try_readonly()?))
    }

    #[cold]
    fn converted(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = as_array(name, value)?;
        let (dtype, kind) = dtype_and_kind(&array)?;
        if !["b", "i", "u", "f"].contains(&kind.as_str()) {
            let hint = match kind.as_str() {
                "c" => " (complex numbers are for networks with dtype=\"complex64\" or \"complex128\")",
                _ if value.hasattr("toarray")? => return Err(not_sparse(name, &dtype)),
                "U" | "S" | "O" if name.ends_with('Y') => {
                    " (names of classes? np.unique(Y, return_inverse=True)[1] has their numbers, and \
                     np.eye(n_classes)[numbers] one column per class)"
                }
                _ => "",
            };
            return Err(PyTypeError::new_err(format!(
                "{name} must hold real numbers, got dtype {dtype}{hint}"
            )));
        }
        check_dimensions::<D>(name, &array)?;
        let converted = as_type(&array, T::NAME, true)?;
        let converted = converted.cast::<PyArray<T, D>>().map_err(PyErr::from)?;
        let own = Self(converted.try_readonly()?);
        own.check_range(name, &array)?;
        Ok(own)
    }

    /// The argument `name`, an array of finite complex numbers, as real ones: the parts of each side by side, so that
    /// the last axis has twice the length. Real numbers count as complex ones if they `may_be_real`.
    pub fn parts(name: &str, value: &Bound<'py, PyAny>, may_be_real: bool) -> PyResult<Self> {
        if value.is_none() {
            return Err(wrong_type(name, "an array", value));
        }
        let array = as_array(name, value)?;
        let (dtype, kind) = dtype_and_kind(&array)?;
        let real = ["b", "i", "u", "f"].contains(&kind.as_str());
        if real && !may_be_real {
            return Err(PyValueError::new_err(format!(
                "{name} must hold complex numbers, as the outputs are, got dtype {dtype}; real targets are for \
                 output_activation=\"abs\", and {name} + 0j for imaginary parts that should be 0"
            )));
        }
        if !real && kind != "c" && value.hasattr("toarray")? {
            return Err(not_sparse(name, &dtype));
        }
        if !real && kind != "c" {
            return Err(PyTypeError::new_err(format!("{name} must hold complex numbers, got dtype {dtype}")));
        }
        check_dimensions::<D>(name, &array)?;
        let aligned: bool = array.getattr("flags")?.getattr("aligned")?.extract()?;
        let converted = as_type(&array, complex_name::<T>(), !aligned)?;
        let numbers = converted.call_method1("view", (T::NAME,))?;
        let own = Self(numbers.cast::<PyArray<T, D>>().map_err(PyErr::from)?.try_readonly()?);
        let view = own.view();
        if view.as_slice().is_some_and(all_finite) {
            return Ok(own);
        }
        if let Some((place, _)) = view.indexed_iter().find(|(_, x)| !x.is_finite()) {
            let mut place = ndarray::Dimension::slice(&place.into_dimension()).to_vec();
            place.iter_mut().last().into_iter().for_each(|last| *last /= 2);
            let number = array.get_item(PyTuple::new(array.py(), &place)?)?;
            let finite = array.py().import("numpy")?.call_method1("isfinite", (&number,))?.is_truthy()?;
            let expected = if finite {
                format!("numbers that {} can hold", complex_name::<T>())
            } else {
                "finite numbers".to_owned()
            };
            return Err(PyValueError::new_err(format!(
                "{name} must hold {expected}, got {} at {place:?}",
                number.str()?
            )));
        }
        Ok(own)
    }

    /// Tells of a number that was finite and is too large for `T`. What was not finite is told of later.
    fn check_range(&self, name: &str, before: &Bound<'py, PyAny>) -> PyResult<()> {
        let view = self.view();
        let Some((place, _)) = view.indexed_iter().find(|(_, x)| !x.is_finite()) else { return Ok(()) };
        let place = PyTuple::new(before.py(), ndarray::Dimension::slice(&place.into_dimension()))?;
        let number = before.get_item(&place)?;
        if !before.py().import("numpy")?.call_method1("isfinite", (&number,))?.is_truthy()? {
            return Ok(());
        }
        let (expected, got, at) = (T::NAME, number.str()?, place.try_iter()?.collect::<PyResult<Vec<_>>>()?);
        Err(PyValueError::new_err(format!(
            "{name} must hold numbers that {expected} can hold, got {got} at {at:?}"
        )))
    }

    /// A copy of the numbers, row by row.
    pub fn numbers(&self) -> PyResult<Vec<T>> {
        Ok(try_collect(self.view().iter().copied())?)
    }

    /// The length of the first axis.
    pub fn rows(&self) -> usize {
        self.0.dims()[0]
    }

    /// NumPy's array.
    pub fn object(&self) -> Bound<'py, PyAny> {
        self.0.as_any().clone()
    }

    pub fn view(&self) -> ArrayView<'_, T, D> {
        self.0.as_array()
    }
}

fn not_sparse(name: &str, dtype: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "{name} must be a dense array, got dtype {dtype} (a sparse matrix? use {name}.toarray())"
    ))
}

/// NumPy's array of a value, without a mask.
pub(super) fn as_array<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if value.is_none() {
        return Err(wrong_type(name, "an array", value));
    }
    if is_masked(value)? {
        return Err(wrong_type(name, "an array without a mask", value));
    }
    py.import("numpy")?.call_method1("asarray", (value,)).map_err(|error| {
        if !error.is_instance_of::<PyValueError>(py) && !error.is_instance_of::<PyTypeError>(py) {
            return error;
        }
        PyValueError::new_err(format!(
            "{name} must be convertible to a NumPy array, got {} ({})",
            type_name(value),
            error.value(py)
        ))
    })
}

pub(super) fn dtype_and_kind<'py>(array: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, String)> {
    let dtype = array.getattr("dtype")?;
    let kind = dtype.getattr("kind")?.extract()?;
    Ok((dtype, kind))
}

pub(super) fn check_dimensions<D: ndarray::Dimension>(name: &str, array: &Bound<'_, PyAny>) -> PyResult<()> {
    let dimensions: usize = array.getattr("ndim")?.extract()?;
    if Some(dimensions) == D::NDIM {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "{name} must have {} dimension(s), got shape {}{}",
        D::NDIM.unwrap_or_default(),
        array.getattr("shape")?,
        way_to_a_matrix(name, dimensions, D::NDIM)
    )))
}

/// A copy in another type, in C order where it need not be a `copy`; what overflows becomes infinite.
pub(super) fn as_type<'py>(
    array: &Bound<'py, PyAny>,
    dtype: &str,
    copy: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    // What overflows is then reported as such; NumPy need not warn.
    let keywords = PyDict::new(py);
    keywords.set_item("over", "ignore")?;
    keywords.set_item("invalid", "ignore")?;
    keywords.set_item("under", "ignore")?;
    let quiet = py.import("numpy")?.call_method("errstate", (), Some(&keywords))?;
    quiet.call_method0("__enter__")?;
    let convert = array.getattr("astype")?;
    let arguments = PyTuple::new(py, [dtype])?;
    let how = PyDict::new(py);
    if !copy {
        how.set_item("copy", false)?;
        how.set_item("order", "C")?;
    }
    let converted = {
        // NumPy rounds as the thread does. Denormals stay what they are: the numbers are the caller's.
        let _gradual = Mode::gradual();
        convert.call(&arguments, Some(&how))
    };
    quiet.call_method1("__exit__", (py.None(), py.None(), py.None()))?;
    converted
}

/// NumPy's name of the complex type whose parts are of this one.
pub(super) fn complex_name<T: Scalar>() -> &'static str {
    if size_of::<T>() == 4 { "complex64" } else { "complex128" }
}

/// An array whose last axis has the parts of complex numbers side by side, as complex numbers, if they are.
pub(super) fn in_field<T: Scalar>(array: Bound<'_, PyAny>, complex: bool) -> PyResult<Bound<'_, PyAny>> {
    if complex { array.call_method1("view", (complex_name::<T>(),)) } else { Ok(array) }
}

/// A vector of the caller's that is to be changed in place.
pub(super) struct Changed<'py, T: Element>(PyReadwriteArray1<'py, T>);

impl<'py, T: Scalar + Element> Changed<'py, T> {
    /// The argument `name`, which is a vector of this type already.
    pub fn new(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = value.cast::<PyArray<T, Ix1>>()?;
        if is_masked(value)? {
            return Err(wrong_type(name, "an array without a mask", value));
        }
        let wrong = |expected: &str, got: &str| {
            PyValueError::new_err(format!("{name} must be {expected}, got {got}"))
        };
        if !is_aligned(array) {
            return Err(wrong("aligned in memory", "an unaligned array"));
        }
        if array.len() > 1 && array.strides() == [0] {
            return Err(wrong("an array of numbers of its own", "one number under many indices"));
        }
        match view_of(array)?.cast::<PyArray<T, Ix1>>()?.try_readwrite() {
            Ok(array) => Ok(Self(array)),
            Err(BorrowError::NotWriteable) => Err(wrong("writable", "a read-only array")),
            Err(error) => Err(wrong("free to be changed", &error.to_string())),
        }
    }

    pub fn numbers(&self) -> PyResult<Vec<T>> {
        Ok(try_collect(self.0.as_array().iter().copied())?)
    }

    pub fn write(&mut self, numbers: &[T]) {
        for (to, &number) in self.0.as_array_mut().iter_mut().zip(numbers) {
            *to = number;
        }
    }
}

/// A view of an array, as a plain array, that nobody else has.
fn view_of<'py, T: Element, D: ndarray::Dimension>(
    array: &Bound<'py, PyArray<T, D>>,
) -> PyResult<Bound<'py, PyAny>> {
    let plain = array.py().get_type::<PyUntypedArray>();
    if array.get_type().is(&plain) {
        return array.as_any().get_item(array.py().Ellipsis()); // the same, without a method to be found
    }
    plain.call_method1("view", (array, &plain))
}

/// Whether the value is an array with a mask, which would be lost.
fn is_masked(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = value.py();
    if value.get_type().is(py.get_type::<PyUntypedArray>()) {
        return Ok(false);
    }
    value.is_instance(&py.import("numpy.ma")?.getattr("MaskedArray")?)
}

/// Whether Rust may refer to the array's numbers where they are.
pub(super) fn is_aligned<T: Element, D: ndarray::Dimension>(array: &Bound<'_, PyArray<T, D>>) -> bool {
    let aligned = (array.data() as usize).is_multiple_of(align_of::<T>());
    let size = size_of::<T>().cast_signed();
    aligned && array.strides().iter().all(|stride| stride % size == 0)
}

/// A new array, for results; a MemoryError where there is no room for it.
pub(super) fn empty<'py, T: Scalar + Element, S: Dimensions + IntoPyObject<'py>>(
    py: Python<'py>,
    shape: S,
) -> PyResult<Bound<'py, PyArray<T, S::Dim>>> {
    let array = py.import("numpy")?.call_method1("empty", (shape, T::NAME))?;
    Ok(array.cast_into::<PyArray<T, S::Dim>>()?)
}

/// A new matrix, filled by what may take long, if a call is given that lets other Python threads run meanwhile.
pub(super) fn filled<'py, T: Scalar + Element>(
    py: Python<'py>,
    shape: (usize, usize),
    long: Option<&Call>,
    fill: impl Send + FnOnce(&mut [T]) -> crate::Result<()>,
) -> PyResult<Bound<'py, PyArray<T, Ix2>>> {
    let Some(call) = long else {
        let mut numbers = try_zeros(shape.0.saturating_mul(shape.1))?;
        fill(&mut numbers)?;
        let rows = ArrayView::from_shape(shape, &numbers);
        return matrix(py, rows.unwrap_or_else(|_| unreachable!("as many as the shape has")));
    };
    let array = empty::<T, _>(py, shape)?;
    let mut target = array.try_readwrite()?;
    let out = target.as_slice_mut()?;
    call.detach(py, || fill(out))?;
    drop(target);
    Ok(array)
}

/// A copy for Python.
pub(super) fn matrix<'py, T: Scalar + Element>(
    py: Python<'py>,
    from: ArrayView<'_, T, Ix2>,
) -> PyResult<Bound<'py, PyArray<T, Ix2>>> {
    if from.len() < SMALL {
        return Ok(from.to_pyarray(py));
    }
    let array = empty::<T, _>(py, from.dim())?;
    array.try_readwrite()?.as_array_mut().assign(&from);
    Ok(array)
}

/// A copy for Python.
pub(super) fn vector<'py, T: Scalar + Element>(
    py: Python<'py>,
    from: ArrayView<'_, T, Ix1>,
) -> PyResult<Bound<'py, PyArray<T, Ix1>>> {
    let array = empty::<T, _>(py, (from.len(),))?;
    array.try_readwrite()?.as_array_mut().assign(&from);
    Ok(array)
}

/// A shape as a tuple.
pub(super) trait Dimensions {
    type Dim: ndarray::Dimension;
}

impl Dimensions for (usize,) {
    type Dim = Ix1;
}

impl Dimensions for (usize, usize) {
    type Dim = Ix2;
}

impl Dimensions for (usize, usize, usize) {
    type Dim = Ix3;
}

/// What makes a matrix of a vector, where one is expected.
fn way_to_a_matrix(name: &str, dimensions: usize, expected: Option<usize>) -> &'static str {
    match (dimensions, expected) {
        (1, Some(2)) if name.ends_with('Y') => {
            "; one output is Y.reshape(-1, 1), and class numbers become one column per class by np.eye(n_classes)[Y]"
        }
        (1, Some(2)) if name.ends_with('X') => "; one row is X.reshape(1, -1), one feature X.reshape(-1, 1)",
        _ => "",
    }
}
