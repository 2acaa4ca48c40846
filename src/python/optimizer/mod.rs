//! Optimizers as Python objects: constants, what the last training left, and steps by hand. One file a
//! rule.

mod adam;
mod adamw;
mod class;
mod grprop;
mod memory;
mod rprop;
mod sarprop;
mod sgd;
mod step_sizes;

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::arguments::{text, wrong_type};
use crate::Optimizer;
pub(super) use adam::Adam;
pub(super) use adamw::AdamW;
pub(super) use grprop::GRprop;
pub(super) use memory::{Remembered, Slot};
pub(super) use rprop::Rprop;
pub(super) use sarprop::Sarprop;
pub(super) use sgd::Sgd;

/// Calls `use_it` with the optimizer in a Python object.
pub(super) fn with_optimizer<R>(
    value: &Bound<'_, PyAny>,
    use_it: impl FnOnce(Slot<'_>) -> PyResult<R>,
) -> PyResult<R> {
    if value.is_instance_of::<PyString>() {
        let optimizer = Optimizer::from_name(&text("optimizer", value)?)?;
        use_it(Slot::new(optimizer, &Mutex::default()))
    } else if let Ok(rprop) = value.cast::<Rprop>() {
        use_it(rprop.get().slot())
    } else if let Ok(grprop) = value.cast::<GRprop>() {
        use_it(grprop.get().slot())
    } else if let Ok(sarprop) = value.cast::<Sarprop>() {
        use_it(sarprop.get().slot())
    } else if let Ok(sgd) = value.cast::<Sgd>() {
        use_it(sgd.get().slot())
    } else if let Ok(adam) = value.cast::<Adam>() {
        use_it(adam.get().slot())
    } else if let Ok(adamw) = value.cast::<AdamW>() {
        use_it(adamw.get().slot())
    } else {
        Err(wrong_type("optimizer", "a Rprop, GRprop, SARPROP, SGD, Adam or AdamW object, or a name", value))
    }
}
