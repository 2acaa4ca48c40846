//! Reading and writing a network as a safetensors file.
//!
//! The header's metadata has one entry, `ferroprop.network`, a JSON object: `version`, now 1, and
//! `layers`, a list with one object per layer: `kind` unless it is `dense`, `activation` (its name), then its hyperparameters
//! by name, such as `slope` or `alpha`. One entry, because safetensors writes several in random order. Layer i (0 for the first) has the tensors `{i}.weights`, of shape
//! (fan in, fan out), and, if it has biases, `{i}.biases`, of shape (fan out); all are `F32` or all
//! are `F64`. Tensors of the kind `complex` have a last axis of 2 more, real and imaginary parts. Layers of the kinds `rnn`,
//! `lstm` and `gru` have columns for each of their gates (1, 4, 3), and besides `{i}.recurrent_weights`, of shape (fan out, gates *
//! fan out); a `gru` with biases has `{i}.recurrent_biases`, of shape (fan out). The last of them has `"returns":"last"` if
//! only its last step goes on.

use std::borrow::Cow;
use std::fmt::Formatter;
use std::path::Path;

use safetensors::tensor::Dtype;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::activation::Activation;
use crate::catalogue::{About, Domain, Hyperparameter, Value, find};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::layer::{
    Kind, Layer, ParameterArray, Returns, arrays, check_constants, check_kinds, check_samples,
};
use crate::network::Network;
use crate::number::Numbers;
use crate::tensor_file::{Content, FileKind, Outline, Reader, dtype};

const NETWORK: FileKind = FileKind { name: "network", entry: "ferroprop.network" };
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

/// A layer in a header: the name of its activation, then each hyperparameter by its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerEntry {
    /// The kind's name; dense layers, of which there were no others once, have none.
    kind: Kind,
    returns: Returns,
    activation: String,
    hyperparameters: Vec<(&'static str, Value)>,
}

impl LayerEntry {
    pub fn of(layer: &Layer) -> Self {
        let activation = layer.activation;
        Self {
            kind: layer.kind,
            returns: layer.returns,
            activation: activation.name().to_owned(),
            hyperparameters: names(activation.about()).zip(activation.values()).collect(),
        }
    }

    /// The activation, or what is wrong.
    fn activation(&self) -> std::result::Result<Activation, String> {
        let (index, _) =
            find(&Activation::LIST, "activation", &self.activation).map_err(|error| error.to_string())?;
        let about = Activation::LIST[index];
        if about.name != self.activation {
            return Err(format!("is {:?}, which is written {:?}", self.activation, about.name));
        }
        let wanted = names(about);
        let given = self.hyperparameters.iter().map(|(name, _)| *name);
        if let Some(name) = wanted.clone().find(|name| !given.clone().any(|other| other == *name)) {
            return Err(format!("has no {name}"));
        }
        if let Some(name) = given.clone().find(|name| !wanted.clone().any(|other| other == *name)) {
            return Err(format!("has a {name} but is {}", self.activation));
        }
        if !wanted.eq(given) {
            return Err("has its hyperparameters in another order".to_owned());
        }
        let values: Vec<_> = self.hyperparameters.iter().map(|(_, value)| value.clone()).collect();
        for (hyperparameter, value) in about.hyperparameters.iter().zip(&values) {
            let usual = Value::from(hyperparameter.usual);
            if std::mem::discriminant(&usual) != std::mem::discriminant(value) {
                return Err(format!("has a {} of another kind", hyperparameter.name));
            }
        }
        let activation = Activation::with_values(index, &values);
        activation.check().map_err(|error| error.to_string())?;
        Ok(activation)
    }
}

/// The names of an activation's hyperparameters.
fn names(about: &'static About) -> impl Iterator<Item = &'static str> + Clone {
    about.hyperparameters.iter().map(|hyperparameter| hyperparameter.name)
}

impl Serialize for LayerEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let kind = (self.kind != Kind::default()).then_some(self.kind);
        let last = self.returns == Returns::Last;
        let entries = usize::from(kind.is_some()) + usize::from(last) + 1 + self.hyperparameters.len();
        let mut map = serializer.serialize_map(Some(entries))?;
        if let Some(kind) = kind {
            map.serialize_entry("kind", kind.name())?;
        }
        if last {
            map.serialize_entry("returns", LAST)?;
        }
        map.serialize_entry("activation", &self.activation)?;
        for (name, value) in &self.hyperparameters {
            match value {
                Value::Number(number) => map.serialize_entry(name, number)?,
                Value::Name(value) => map.serialize_entry(name, value)?,
                Value::Flag(flag) => map.serialize_entry(name, flag)?,
                Value::Count(count) => map.serialize_entry(name, count)?,
                other => return Err(S::Error::custom(format_args!("{other:?} is nothing that a file has"))),
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for LayerEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

/// What a layer returns, where that is not every step.
const LAST: &str = "last";

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = LayerEntry;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a layer's kind, its activation and its hyperparameters")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<LayerEntry, M::Error> {
        let known = Activation::LIST.iter().flat_map(|about| about.hyperparameters);
        let (mut kind, mut returns, mut activation, mut hyperparameters) = (None, None, None, Vec::new());
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "kind" {
                let name = map.next_value::<Cow<'de, str>>()?;
                let known = Kind::from_name(&name)
                    .ok_or_else(|| M::Error::custom(format_args!("unknown kind of layer {name:?}")))?;
                if kind.replace(known).is_some() {
                    return Err(M::Error::duplicate_field("kind"));
                }
            } else if key == "returns" {
                let what = map.next_value::<Cow<'de, str>>()?;
                if what != LAST {
                    return Err(M::Error::custom(format_args!("unknown returns {what:?}")));
                }
                if returns.replace(Returns::Last).is_some() {
                    return Err(M::Error::duplicate_field("returns"));
                }
            } else if key == "activation" {
                if activation.replace(map.next_value()?).is_some() {
                    return Err(M::Error::duplicate_field("activation"));
                }
            } else if let Some(Hyperparameter { name, domain, .. }) =
                known.clone().find(|one| one.name == key)
            {
                if hyperparameters.iter().any(|(other, _)| other == name) {
                    return Err(M::Error::duplicate_field(name));
                }
                let value = match domain {
                    Domain::Flag => Value::Flag(map.next_value()?),
                    Domain::Count => Value::Count(map.next_value()?),
                    Domain::OneOf(names) => {
                        let given = map.next_value::<Cow<'de, str>>()?;
                        let known = names.iter().find(|known| **known == given);
                        let unknown = || M::Error::custom(format_args!("unknown {name} {given:?}"));
                        Value::Name(known.ok_or_else(unknown)?)
                    }
                    _ => Value::Number(map.next_value()?),
                };
                hyperparameters.push((*name, value));
            } else {
                return Err(M::Error::custom(format_args!("unknown field `{key}`")));
            }
        }
        let activation = activation.ok_or_else(|| M::Error::missing_field("activation"))?;
        let (kind, returns) = (kind.unwrap_or_default(), returns.unwrap_or_default());
        Ok(LayerEntry { kind, returns, activation, hyperparameters })
    }
}

/// Checks the version of a header before anything else: what else is there may have changed with it.
pub(crate) fn check_version(reader: &Reader<'_>, expected: u32) -> Result<()> {
    let Version { version } = parsed(reader)?;
    if version == expected {
        Ok(())
    } else {
        Err(reader.wrong(format!("its version is {version}, this library reads {expected}")))
    }
}

/// What the text of a header's entry says.
pub(crate) fn parsed<D: for<'de> Deserialize<'de>>(reader: &Reader<'_>) -> Result<D> {
    serde_json::from_str(&reader.description).map_err(|error| reader.wrong(error.to_string()))
}

/// The same, in the one form that is written.
pub(crate) fn parsed_strictly<D: for<'de> Deserialize<'de> + Serialize>(reader: &Reader<'_>) -> Result<D> {
    let parsed = parsed(reader)?;
    let again = serde_json::to_string(&parsed).map_err(|error| reader.wrong(error.to_string()))?;
    if again == reader.description {
        Ok(parsed)
    } else {
        Err(reader.wrong("its description is not in the form in which this library writes it"))
    }
}

/// Names and shapes of a network's tensors, and where their numbers are among the parameters.
pub(crate) fn outlines<T: Scalar>(layers: &[Layer]) -> Vec<(Outline, usize)> {
    let mut start = 0;
    let outline = |(layer, array): (usize, ParameterArray)| {
        let (from, len) = (start, array.len());
        start += len;
        let name = format!("{layer}.{}", array.name);
        (Outline { name, dtype: dtype::<T>(), shape: array.shape }, from)
    };
    arrays(layers).map(outline).collect()
}

/// A network's tensors, to be written.
pub(crate) fn tensors<T: Scalar>(network: &Network<T>) -> Vec<(Outline, Numbers<'_>)> {
    let all = network.parameters();
    let tensors = outlines::<T>(network.layers()).into_iter().map(|(outline, start)| {
        let len: usize = outline.shape.iter().product();
        (outline, T::numbers(&all[start..start + len]))
    });
    tensors.collect()
}

/// The layers that a file has; `None` when its numbers are of the other type.
pub(crate) fn layers<T: Scalar>(reader: &Reader<'_>, entries: &[LayerEntry]) -> Result<Option<Vec<Layer>>> {
    let wrong = |reason: String| reader.wrong(reason);
    if entries.is_empty() {
        return Err(wrong("it has no layers".to_owned()));
    }
    let mut layers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let name = format!("{index}.weights");
        let (kind, shape) = reader.info(&name).ok_or_else(|| wrong(format!("it has no tensor {name:?}")))?;
        if index == 0 && kind != dtype::<T>() && matches!(kind, Dtype::F32 | Dtype::F64) {
            return Ok(None);
        }
        let Some((fan_in, fan_out)) = entry.kind.sizes(shape) else {
            return Err(wrong(format!(
                "{name} has shape {shape:?}, expected {}",
                match entry.kind {
                    Kind::Complex => "two sizes and 2",
                    Kind::Lstm => "two sizes, the second one a multiple of 4",
                    Kind::Gru => "two sizes, the second one a multiple of 3",
                    _ => "two sizes",
                }
            )));
        };
        let matches = layers.last().is_none_or(|before: &Layer| before.fan_out == fan_in);
        if fan_in == 0 || fan_out == 0 || !matches {
            return Err(wrong(format!("{name} has shape [{fan_in}, {fan_out}], which does not fit")));
        }
        let activation = entry.activation().map_err(|error| wrong(format!("layer {index} {error}")))?;
        if index + 1 < entries.len() && activation.is_for_outputs() {
            return Err(wrong(format!("layer {index} is a hidden {}", activation.name())));
        }
        let bias = reader.info(&format!("{index}.biases")).is_some();
        let layer = Layer { fan_in, fan_out, activation, bias, kind: entry.kind, returns: entry.returns };
        if activation.is_complex() && layer.parts() == 1 {
            return Err(wrong(format!(
                "layer {index} is of real numbers, {} of complex ones",
                activation.name()
            )));
        }
        if let Some((expected, got)) = layer.misfit(index + 1 == entries.len()) {
            return Err(wrong(format!("layer {index}: expected {expected}, found {got}")));
        }
        layers.push(layer);
    }
    check_samples(&layers).map_err(|(expected, got)| wrong(format!("expected {expected}, found {got}")))?;
    check_kinds(&layers).map_err(wrong)?;
    Ok(Some(layers))
}

fn content<T: Scalar>(network: &Network<T>) -> Result<Content<'_>> {
    let layers = network.layers().iter().map(LayerEntry::of).collect();
    let header = serde_json::to_string(&Header { version: VERSION, layers })
        .map_err(|error| NETWORK.wrong("the network", error.to_string()))?;
    Content::new(NETWORK, &header, tensors(network))
}

fn read<T: Scalar>(mut reader: Reader<'_>) -> Result<Option<Network<T>>> {
    check_version(&reader, VERSION)?;
    let Header { layers: entries, .. } = parsed_strictly(&reader)?;
    let Some(layers) = layers::<T>(&reader, &entries)? else { return Ok(None) };
    drop(entries);
    check_constants::<T>(&layers).map_err(|error| reader.wrong(error.to_string()))?;
    let outlines = outlines::<T>(&layers);
    reader.expect(outlines.iter().map(|(outline, _)| outline.clone()).collect())?;
    let mut network = Network::<T>::zeros(layers)?;
    read_parameters(&mut reader, &outlines, network.parameters_mut())?;
    Ok(Some(network))
}

/// Reads the next tensors of a file, which are those of a network.
pub(crate) fn read_parameters<T: Scalar>(
    reader: &mut Reader<'_>,
    outlines: &[(Outline, usize)],
    parameters: &mut [T],
) -> Result<()> {
    let starts: std::collections::HashMap<_, _> =
        outlines.iter().map(|(outline, start)| (outline.name.as_str(), *start)).collect();
    for _ in outlines {
        let Some(Outline { name, shape, .. }) = reader.next() else { break };
        let start = starts[name.as_str()];
        let len: usize = shape.iter().product();
        reader.read(&name, &mut parameters[start..start + len], T::is_finite)?;
    }
    Ok(())
}

/// A network as the bytes of a safetensors file.
///
/// # Errors
/// [`crate::Error::ModelFile`] when the format cannot express it: there are so many layers, with so few
/// parameters each, that the description would be an eighth of the whole. [`crate::Error::OutOfMemory`].
pub fn to_bytes<T: Scalar>(network: &Network<T>) -> Result<Vec<u8>> {
    content(network)?.to_bytes()
}

/// A network from the bytes of a safetensors file; `None` when its numbers are of the other type.
///
/// # Errors
/// [`crate::Error::ModelFile`] with what is wrong; `path` is for the message. [`crate::Error::OutOfMemory`].
pub fn from_bytes<T: Scalar>(bytes: &[u8], path: &str) -> Result<Option<Network<T>>> {
    read(Reader::of_bytes(NETWORK, path, bytes)?)
}

/// Writes a network: to a temporary file beside the target first, which takes its place, with its
/// permissions, when it is on the disk.
///
/// # Errors
/// [`crate::Error::Io`]; a file that was there before is unchanged then. [`crate::Error::ModelFile`] as for
/// [`to_bytes`].
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
    content(network)?.save(path.as_ref())
}

/// Reads a network.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::ModelFile`] (also when its numbers are of the other type),
/// [`crate::Error::OutOfMemory`].
pub fn load<T: Scalar>(path: impl AsRef<Path>) -> Result<Network<T>> {
    let path = path.as_ref();
    load_if(path)?
        .ok_or_else(|| NETWORK.wrong(&path.display().to_string(), format!("its numbers are not {}", T::NAME)))
}

/// Reads a network; `None` when its numbers are of the other type.
pub(crate) fn load_if<T: Scalar>(path: &Path) -> Result<Option<Network<T>>> {
    read(Reader::open(NETWORK, path)?)
}
