//! Reading and writing a network as a safetensors file.
//!
//! The header's metadata has one entry, `ferroprop.network`, a JSON object: `version`, now 1, and
//! `layers`, a list with one object a layer: `activation` (its name), and its constant where it has
//! one: `slope` (`logistic`, `leaky_relu`) or `alpha` (`elu`). One entry, because safetensors writes several in
//! random order. Layer i (0 for the first) has the tensors `{i}.weights`, of shape
//! (fan in, fan out), and, if it has biases, `{i}.biases`, of shape (fan out); all are `F32` or all
//! are `F64`.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::network::{Layer, Network};

const ENTRY: &str = "ferroprop.network";
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    layers: Vec<LayerEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerEntry {
    activation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    slope: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
}

impl LayerEntry {
    fn of(activation: Activation) -> Self {
        let constant = |of| activation.constant().and_then(|(name, c)| (name == of).then_some(c));
        Self { activation: activation.name().to_owned(), slope: constant("slope"), alpha: constant("alpha") }
    }

    /// The activation, or what is wrong.
    fn activation(&self) -> std::result::Result<Activation, String> {
        let mut activation =
            Activation::from_name("activation", &self.activation).map_err(|error| error.to_string())?;
        let wanted = activation.constant().map(|(name, _)| name);
        for (name, given) in [("slope", self.slope), ("alpha", self.alpha)] {
            match (wanted == Some(name), given) {
                (true, None) => return Err(format!("has no {name}")),
                (false, Some(_)) => return Err(format!("has a {name} but is {}", self.activation)),
                (true, Some(given)) => {
                    if let Some((_, constant)) = activation.constant_mut() {
                        *constant = given;
                    }
                }
                (false, None) => {}
            }
        }
        activation.check().map_err(|error| error.to_string())?;
        Ok(activation)
    }
}

fn dtype<T: Scalar>() -> Dtype {
    if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// A network as the bytes of a safetensors file.
///
/// # Errors
/// [`Error::ModelFile`] when the format cannot express it.
pub fn to_bytes<T: Scalar>(network: &Network<T>) -> Result<Vec<u8>> {
    let layers = network.layers().iter().map(|layer| LayerEntry::of(layer.activation)).collect();
    let unwritable = |reason: String| Error::ModelFile { path: "the network".to_owned(), reason };
    let header = serde_json::to_string(&Header { version: VERSION, layers })
        .map_err(|error| unwritable(error.to_string()))?;
    let metadata = HashMap::from([(ENTRY.to_owned(), header)]);
    let mut arrays = Vec::new();
    for (index, layer) in network.layers().iter().enumerate() {
        let weights = network.weights(index).iter().copied().collect::<Vec<_>>();
        arrays.push((format!("{index}.weights"), vec![layer.fan_in, layer.fan_out], T::to_bytes(&weights)));
        if let Some(biases) = network.biases(index) {
            let biases = biases.iter().copied().collect::<Vec<_>>();
            arrays.push((format!("{index}.biases"), vec![layer.fan_out], T::to_bytes(&biases)));
        }
    }
    let views = arrays
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(dtype::<T>(), shape.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| unwritable(error.to_string()))?;
    serialize(views, Some(metadata)).map_err(|error| unwritable(error.to_string()))
}

/// A network from the bytes of a safetensors file; `None` when its numbers are of the other type.
///
/// # Errors
/// [`Error::ModelFile`] with what is wrong; `path` is for the message. [`Error::OutOfMemory`].
pub fn from_bytes<T: Scalar>(bytes: &[u8], path: &str) -> Result<Option<Network<T>>> {
    let wrong = |reason: String| Error::ModelFile { path: path.to_owned(), reason };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| wrong(error.to_string()))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| wrong(error.to_string()))?;
    let metadata = header.metadata().as_ref();
    let entry = metadata
        .and_then(|metadata| metadata.get(ENTRY))
        .ok_or_else(|| wrong(format!("its header has no entry {ENTRY:?}")))?;
    // The version first: what else is there may have changed with it.
    let Version { version } =
        serde_json::from_str(entry).map_err(|error| wrong(format!("{ENTRY}: {error}")))?;
    if version != VERSION {
        return Err(wrong(format!("its version is {version}, this library reads {VERSION}")));
    }
    let Header { layers: entries, .. } =
        serde_json::from_str(entry).map_err(|error| wrong(format!("{ENTRY}: {error}")))?;
    if entries.is_empty() {
        return Err(wrong("it has no layers".to_owned()));
    }
    let mut layers = Vec::new();
    let mut used = 0;
    for (index, entry) in entries.iter().enumerate() {
        let name = format!("{index}.weights");
        let weights = tensors.tensor(&name).map_err(|error| wrong(error.to_string()))?;
        if weights.dtype() != dtype::<T>() {
            return match weights.dtype() {
                Dtype::F32 | Dtype::F64 if index == 0 => Ok(None),
                other => Err(wrong(format!("{name} has numbers of type {other:?}"))),
            };
        }
        let &[fan_in, fan_out] = weights.shape() else {
            return Err(wrong(format!("{name} has shape {:?}, expected two sizes", weights.shape())));
        };
        let bias = match tensors.tensor(&format!("{index}.biases")) {
            Err(_) => false,
            Ok(biases) if biases.shape() == [fan_out] && biases.dtype() == dtype::<T>() => true,
            Ok(biases) => {
                return Err(wrong(format!(
                    "{index}.biases is {:?} of shape {:?}, expected {:?} of shape [{fan_out}]",
                    biases.dtype(),
                    biases.shape(),
                    dtype::<T>()
                )));
            }
        };
        used += 1 + usize::from(bias);
        let activation = entry.activation().map_err(|error| wrong(format!("layer {index} {error}")))?;
        if index + 1 < entries.len() && activation == Activation::Softmax {
            return Err(wrong(format!("layer {index} is a hidden softmax")));
        }
        let matches = layers.last().is_none_or(|before: &Layer| before.fan_out == fan_in);
        if fan_in == 0 || fan_out == 0 || !matches {
            return Err(wrong(format!("{name} has shape [{fan_in}, {fan_out}], which does not fit")));
        }
        layers.push(Layer { fan_in, fan_out, activation, bias });
    }
    if tensors.len() != used {
        return Err(wrong(format!("it holds {} tensors, its layers need {used}", tensors.len())));
    }
    let mut network = Network::<T>::zeros(layers)?;
    let layers = network.layers().to_vec();
    let mut rest = network.parameters_mut();
    for (index, layer) in layers.iter().enumerate() {
        for part in ["weights", "biases"].into_iter().take(1 + usize::from(layer.bias)) {
            let name = format!("{index}.{part}");
            let view = tensors.tensor(&name).map_err(|error| wrong(error.to_string()))?;
            let numbers = T::from_bytes(view.data());
            if let Some(x) = numbers.iter().find(|x| !x.finite()) {
                return Err(wrong(format!("{name} holds {x}")));
            }
            let own = rest.split_off_mut(..numbers.len()).unwrap_or_default();
            own.copy_from_slice(&numbers);
        }
    }
    Ok(Some(network))
}

/// Writes a network: to a temporary file beside the target first, which then takes its place.
///
/// # Errors
/// [`Error::Io`]; a file that was there before is unchanged then.
///
/// ```
/// use ferroprop::{Activation, Init, Network, load, save};
/// let network = Network::<f32>::new(&[2, 1], &[], Activation::Identity, &[true], Init::Glorot, 0)?;
/// let path = std::env::temp_dir().join(format!("ferroprop-doctest-{}.safetensors", std::process::id()));
/// save(&network, &path)?;
/// assert_eq!(load::<f32>(&path)?, network);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), ferroprop::Error>(())
/// ```
pub fn save<T: Scalar>(network: &Network<T>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = to_bytes(network)?;
    let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, &bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|source| {
        // What is left of the attempt is of no use; that it cannot be removed changes nothing.
        std::fs::remove_file(&temporary).ok();
        Error::Io { path: path.display().to_string(), source }
    })
}

/// Reads a network.
///
/// # Errors
/// [`Error::Io`], [`Error::ModelFile`] (also when its numbers are of the other type),
/// [`Error::OutOfMemory`].
pub fn load<T: Scalar>(path: impl AsRef<Path>) -> Result<Network<T>> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: name.clone(), source })?;
    from_bytes(&bytes, &name)?
        .ok_or_else(|| Error::ModelFile { path: name, reason: format!("its numbers are not {}", T::NAME) })
}
