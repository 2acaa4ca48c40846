//! A network of either number type, as `Network` and `RecurrentNetwork` hold it, and what both do with it.

use std::path::Path;

use arc_swap::ArcSwap;
use numpy::Element;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arguments::path;
use super::call::Call;
use super::optimizer::Remembered;
use crate::{Layer, Network};

/// Multiply-adds above which a call lets other Python threads run.
pub(super) const WORTH_DETACHING: usize = 500_000;

/// A network of either number type. Readers take a snapshot without a lock; a change puts a whole
/// new network in place.
pub(super) enum Typed {
    Single(ArcSwap<Network<f32>>),
    Double(ArcSwap<Network<f64>>),
}

/// Calls `$body` with `$slot` bound to the `ArcSwap` of a network of type `$t`.
macro_rules! with_typed {
    ($typed:expr, $slot:ident => $body:expr) => {
        match $typed {
            $crate::python::typed::Typed::Single($slot) => $body,
            $crate::python::typed::Typed::Double($slot) => $body,
        }
    };
}
pub(super) use with_typed;

impl Typed {
    pub fn layers(&self) -> Vec<Layer> {
        with_typed!(self, slot => slot.load().layers().to_vec())
    }

    pub fn is_recurrent(&self) -> bool {
        with_typed!(self, slot => slot.load().returns().is_some())
    }

    pub fn try_clone(&self) -> PyResult<Self> {
        with_typed!(self, slot => Ok(slot.load().try_clone()?.into()))
    }

    /// Writes a file.
    pub fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let call = Call::enter(py)?;
        let path = self::path("path", path)?;
        with_typed!(self, slot => {
            let network = slot.load_full();
            Ok(call.detach(py, || crate::save(&network, path))?)
        })
    }

    /// Reads a file, which has been checked to be at this path.
    pub fn load(py: Python<'_>, call: &Call, path: &Path) -> PyResult<Self> {
        call.detach(py, || match crate::model_file::load_if::<f32>(path)? {
            Some(network) => Ok(network.into()),
            None => Ok(crate::load::<f64>(path)?.into()),
        })
    }

    /// The bytes of such a file.
    pub fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = with_typed!(self, slot => crate::to_bytes(&slot.load()))?;
        PyBytes::new_with(py, bytes.len(), |copy| {
            copy.copy_from_slice(&bytes);
            Ok(())
        })
    }

    /// The network that these bytes are; errors call them by `name`.
    pub fn from_bytes(bytes: &[u8], name: &str) -> PyResult<Self> {
        if let Some(network) = crate::from_bytes::<f32>(bytes, name)? {
            return Ok(network.into());
        }
        let network = crate::from_bytes::<f64>(bytes, name)?;
        Ok(network.unwrap_or_else(|| unreachable!("its numbers are of one type or the other")).into())
    }
}

/// A precision of networks.
pub(super) trait InTyped: Remembered + Element {
    /// The network, if it is of this precision.
    fn slot(typed: &Typed) -> Option<&ArcSwap<Network<Self>>>;

    /// A network of this precision as one of either.
    fn typed(network: Network<Self>) -> Typed;
}

impl InTyped for f32 {
    fn slot(typed: &Typed) -> Option<&ArcSwap<Network<Self>>> {
        if let Typed::Single(slot) = typed { Some(slot) } else { None }
    }

    fn typed(network: Network<Self>) -> Typed {
        network.into()
    }
}

impl InTyped for f64 {
    fn slot(typed: &Typed) -> Option<&ArcSwap<Network<Self>>> {
        if let Typed::Double(slot) = typed { Some(slot) } else { None }
    }

    fn typed(network: Network<Self>) -> Typed {
        network.into()
    }
}

impl From<Network<f32>> for Typed {
    fn from(network: Network<f32>) -> Self {
        Self::Single(ArcSwap::from_pointee(network))
    }
}

impl From<Network<f64>> for Typed {
    fn from(network: Network<f64>) -> Self {
        Self::Double(ArcSwap::from_pointee(network))
    }
}
