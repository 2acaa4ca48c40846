//! Python classes for what has one constant and nothing else.

/// A class around an activation or a loss with one constant: constructor, property, equality, pickling.
macro_rules! class_with_constant {
    ($(#[$class_doc:meta])* $class:ident $name:literal $kind:ident::$variant:ident { $(#[$doc:meta])* $constant:ident = $default:literal, $signature:literal }) => {
        $(#[$class_doc])*
        #[pyclass(frozen, module = "ferroprop", name = $name)]
        #[derive(Clone, Copy)]
        pub(super) struct $class {
            $constant: f64,
        }

        #[pymethods]
        #[allow(clippy::trivially_copy_pass_by_ref)] // Python's objects come by reference
        impl $class {
            #[new]
            #[pyo3(signature = ($constant = $crate::python::arguments::Arg::Absent), text_signature = $signature)]
            fn new($constant: $crate::python::arguments::Arg<'_>) -> PyResult<Self> {
                let $constant = $constant.number(stringify!($constant), $default)?;
                crate::$kind::$variant { $constant }.check()?;
                Ok(Self { $constant })
            }

            $(#[$doc])*
            #[getter]
            fn $constant(&self) -> f64 {
                self.$constant
            }

            fn __repr__(&self) -> String {
                format!("{}({}={:?})", $name, stringify!($constant), self.$constant)
            }

            fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
                other.cast::<Self>().is_ok_and(|other| other.get().$constant == self.$constant)
            }

            fn __hash__(&self) -> u64 {
                self.$constant.to_bits()
            }

            /// A call of the class, which every protocol of pickle knows, and skops.
            fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, pyo3::types::PyType>, (f64,)) {
                (py.get_type::<Self>(), (self.$constant,))
            }
        }
    };
}
pub(super) use class_with_constant;
