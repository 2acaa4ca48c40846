//! The Python module `ferroprop._core`: convert, call, raise; no arithmetic.

// What is documented here is documented for Python, in numpydoc's form.
#![allow(clippy::doc_link_with_quotes, clippy::doc_markdown)]

mod activation;
mod arguments;
mod arrays;
mod block_shuffle;
mod call;
mod catalogue;
mod checkpoint;
mod errors;
mod files;
mod history;
mod loss;
mod minimize;
mod network;
mod optimizer;
mod recurrent;
mod remote;
mod row_orders;
mod rows;
mod sampling;
mod schedule;
mod sequences;
mod signals;
mod threads;
mod train_many;
mod training;
mod trainings;
mod typed;

use pyo3::prelude::*;

/// The native module; import these names from `ferroprop`. A Python without a global interpreter lock switches it on, because no test runs without it.
#[pymodule(name = "_core", gil_used = true)]
mod core {
    use std::sync::OnceLock;

    use pyo3::exceptions::PyImportError;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::activation::Activation;
    #[pymodule_export]
    use super::block_shuffle::BlockShuffle;
    #[pymodule_export]
    use super::catalogue::_meant;
    #[pymodule_export]
    use super::checkpoint::{NotedCheckpoint, checkpoint_note};
    #[pymodule_export]
    use super::files::{_check_replaceable, PyReplacement};
    #[pymodule_export]
    use super::history::{Epoch, History};
    #[pymodule_export]
    use super::loss::{_natural_loss, Loss};
    #[pymodule_export]
    use super::minimize::_minimize;
    #[pymodule_export]
    use super::network::{_predict_each, LayerValues, Network};
    #[pymodule_export]
    use super::optimizer::Optimizer;
    #[pymodule_export]
    use super::recurrent::RecurrentNetwork;
    #[pymodule_export]
    use super::remote::{_group_rows, _partial_sums, Partial, RemoteRows};
    #[pymodule_export]
    use super::row_orders::RowOrders;
    #[pymodule_export]
    use super::schedule::{Adaptive, Cosine, Exponential, InverseScaling, Linear, OneCycle, Schedule};
    #[pymodule_export]
    use super::threads::{
        _n_threads, _set_thread_limit, _thread_limit, CallersArithmetic, StandardArithmetic,
    };
    #[pymodule_export]
    use super::train_many::{train_each, train_many};
    #[pymodule_export]
    use super::training::train;

    /// The interpreter that has this library, told by where its module `sys` is.
    static INTERPRETER: OnceLock<usize> = OnceLock::new();

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let interpreter = module.py().import("sys")?.as_ptr() as usize;
        if *INTERPRETER.get_or_init(|| interpreter) != interpreter {
            return Err(PyImportError::new_err(
                "ferroprop is loaded in another interpreter of this process: subinterpreters are not supported",
            ));
        }
        crate::InstructionSet::from_environment().map_err(PyImportError::new_err)?;
        // Chosen here and now: a child that is forked while another thread chooses would wait for ever.
        let _ = crate::InstructionSet::active();
        super::call::watch_the_end(module)?;
        super::catalogue::add_classes::<Activation>(module)?;
        super::catalogue::add_classes::<Loss>(module)?;
        super::catalogue::add_classes::<Optimizer>(module)?;
        for (name, of) in super::activation::KINDS {
            module.add(name, super::activation::entries(module.py(), of)?)?;
        }
        module.add("_LOSSES", super::loss::entries(module.py())?)?;
        module.add("_OPTIMIZERS", super::optimizer::entries(module.py())?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
