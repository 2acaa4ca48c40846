//! Checkpoints: saving a training while it runs, and resuming it from the last save.
//!
//! A checkpoint is a safetensors file like that of a network. The header's entry
//! `ferroprop.checkpoint` holds the layers, a description of the training that the file belongs to,
//! its progress, and a note of the caller's. `docs/file-format.md` describes the whole format.

use std::collections::BTreeMap;
#[cfg(feature = "python")]
use std::path::Path;
use std::path::PathBuf;

use ndarray::ArrayView2;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::dataset::Dataset;
use super::early_stopping::Monitor;
use super::history::History;
use super::noise::units;
use super::settings::{Checkpoint, Settings, Shuffle};
use super::state::{Counters, OptimizerState};

use crate::durable::check_replaceable;
use crate::error::{Error, Result, plain, tuple};
use crate::kernel::Scalar;
use crate::loss::Objective;
use crate::memory::{try_with_capacity, try_zeros};
use crate::model_file::{LayerEntry, check_version, layers, outlines, parsed_strictly, tensors};
use crate::network::Network;
use crate::number::{Number, widened};
use crate::optimizer::Optimizer;
use crate::pass::{Inputs, Sequences};
use crate::schedule::Schedule;
use crate::tensor_file::{Content, FileKind, Outline, Reader, dtype};

const CHECKPOINT: FileKind = FileKind { name: "checkpoint", entry: "ferroprop.checkpoint" };
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    layers: Vec<LayerEntry>,
    training: BTreeMap<String, String>,
    progress: Progress,
    note: String,
}

/// The scalars of a training's progress.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    steps: u64,
    rows_seen: u64,
    learning_rate: Option<f64>,
    previous_loss: f64,
    best_epoch: usize,
    /// The monitored number of the best epoch: text, because JSON has no infinity.
    best: String,
    bad_epochs: usize,
    seconds: f64,
}

/// The progress of a training.
pub(super) struct Saved<T> {
    pub network: Network<T>,
    pub best: Option<Vec<T>>,
    pub arrays: Vec<Vec<T>>,
    pub counters: Counters,
    pub history: History,
    /// Best value of the monitored number, and the number of epochs since.
    pub watched: (f64, usize),
}

/// The state at the end of an epoch, apart from network and history.
pub(super) struct Complete<T> {
    pub arrays: Vec<Vec<T>>,
    pub counters: Counters,
    pub watched: (f64, usize),
}

/// Saves one training, and recognises its checkpoints.
pub(super) struct Saver {
    checkpoint: Checkpoint,
    training: BTreeMap<String, String>,
}

/// The key of the initial parameters in the description of a training.
const FIRST: &str = "network's first parameters";

impl Saver {
    /// Collects the description of a training.
    pub fn new<T: Scalar>(
        checkpoint: &Checkpoint,
        network: &Network<T>,
        data: &Dataset<'_, T>,
        objective: &Objective<'_, T>,
        settings: &Settings<'_, T>,
        scored: bool,
        optimizer: &Optimizer,
    ) -> Result<Self> {
        if checkpoint.every == 0 {
            return Err(Error::argument("every", "a positive integer", 0));
        }
        let mut training = BTreeMap::new();
        let mut note = |name: &str, text: String| training.insert(name.to_owned(), text);
        note(FIRST, digest(network.parameters()));
        let mut note_rows = |[x, y, weights]: [&str; 3], data: &Dataset<'_, T>| {
            if let Some(rows) = data.remote {
                note(x, format!("{} elsewhere {}", rows.rows(), rows.digest()));
            } else {
                note(x, of_inputs(data.x, data.listed)?);
                note(y, of_matrix(data.y, data.listed)?);
                note(weights, of_weights(data));
            }
            Ok::<_, Error>(())
        };
        note_rows(["X", "Y", "sample_weight"], data)?;
        if let Some(validation) = &settings.validation {
            note_rows(["validation X", "validation Y", "validation sample_weight"], validation)?;
        }
        if let Some(sequences) = &data.sequences {
            note("lengths of X", of_lengths(sequences));
        }
        if let Some(sequences) = settings.validation.as_ref().and_then(|data| data.sequences.as_ref()) {
            note("lengths of validation X", of_lengths(sequences));
        }
        if let Some(steps) = settings.truncate {
            note("truncate", steps.to_string());
        }
        let loss = match objective {
            Objective::Loss(loss) => format!("{loss:?}"),
            Objective::Custom(_) => "a function".to_owned(),
        };
        note("loss", loss);
        note("optimizer", format!("{optimizer:?}"));
        note("batch_size", settings.batch_rows(data.rows()).to_string());
        let shuffle = match settings.shuffle {
            Shuffle::Never => "not at all".to_owned(),
            Shuffle::Seeded(seed) => format!("by seed {seed}"),
            Shuffle::Blocks { seed, scheme } => format!(
                "by seed {seed} in blocks of {} rows, {} mixed",
                scheme.block_rows, scheme.buffer_blocks
            ),
            Shuffle::By(_) => "by a function".to_owned(),
        };
        note("shuffle", shuffle);
        note("alpha", plain(settings.alpha));
        if let Some(norm) = settings.clip_norm {
            note("clip_norm", plain(norm));
        }
        if !settings.dropout.iter().all(Schedule::is_zero) {
            note("dropout", format!("{:?} by seed {}", settings.dropout, settings.noise_seed));
        }
        if units(network.layers()).is_some() {
            note("stochastic units", format!("by seed {}", settings.noise_seed));
        }
        note("score", if scored { "a function" } else { "none" }.to_owned());
        note("tolerance", plain(settings.tolerance));
        note("restore_best", Monitor::new(settings, scored).restores_best().to_string());
        Ok(Self { checkpoint: checkpoint.clone(), training })
    }

    /// Checks that the checkpoint file can be written.
    pub fn check(&self) -> Result<()> {
        let Checkpoint { path, .. } = &self.checkpoint;
        check_replaceable(path).map_err(|source| Error::Io { path: path.display().to_string(), source })
    }

    /// Whether a save is due after this epoch.
    pub fn is_due(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(self.checkpoint.every)
    }

    /// Writes the checkpoint.
    pub fn save<T: Scalar>(
        &self,
        network: &Network<T>,
        best: Option<&[T]>,
        complete: &Complete<T>,
        history: &History,
        optimizer: &Optimizer,
        note: &Note,
    ) -> Result<()> {
        self.content(network, best, complete, history, optimizer, note)?.save(&self.checkpoint.path)
    }

    fn content<'a, T: Scalar>(
        &self,
        network: &'a Network<T>,
        best: Option<&'a [T]>,
        complete: &'a Complete<T>,
        history: &'a History,
        optimizer: &Optimizer,
        note: &'a Note,
    ) -> Result<Content<'a>> {
        let Complete { arrays, counters, watched } = complete;
        let header = Header {
            version: VERSION,
            layers: network.layers().iter().map(LayerEntry::of).collect(),
            training: self.training.clone(),
            progress: Progress {
                steps: counters.steps,
                rows_seen: counters.rows_seen,
                learning_rate: counters.learning_rate,
                previous_loss: counters.previous_loss,
                best_epoch: history.best_epoch,
                best: plain(watched.0),
                bad_epochs: watched.1,
                seconds: history.seconds,
            },
            note: note.text.clone(),
        };
        let description = serde_json::to_string(&header)
            .map_err(|error| CHECKPOINT.wrong("the training", error.to_string()))?;
        let mut all = tensors(network);
        let flat = |name: String, numbers: usize| Outline { name, dtype: dtype::<T>(), shape: vec![numbers] };
        if let Some(best) = best {
            all.push((flat("best".to_owned(), best.len()), T::numbers(best)));
        }
        for (name, array) in optimizer.arrays().iter().zip(arrays) {
            all.push((flat(format!("optimizer.{name}"), array.len()), T::numbers(array)));
        }
        for (name, list) in history.lists().into_iter().chain([(NOTE, note.numbers.as_slice())]) {
            if !list.is_empty() {
                all.push((of_list(name, list.len()), f64::numbers(list)));
            }
        }
        Content::new(CHECKPOINT, &description, all)
    }

    /// Reads the saved training; `None` if the file does not exist.
    pub fn resume<T: Scalar>(
        &self,
        network: &Network<T>,
        settings: &Settings<'_, T>,
        optimizer: &Optimizer,
    ) -> Result<Option<Saved<T>>> {
        let path = &self.checkpoint.path;
        if !path.exists() {
            return Ok(None);
        }
        let (saved, _) = self.read(Reader::open(CHECKPOINT, path)?, network, optimizer)?;
        let epochs = saved.history.epochs();
        if settings.epochs < epochs {
            let expected = format!("at least {epochs}, which checkpoint {} has", path.display());
            return Err(Error::argument("epochs", expected, settings.epochs));
        }
        Ok(Some(saved))
    }

    fn differs(&self, name: &str, theirs: impl Into<String>, ours: impl Into<String>) -> Error {
        Error::OtherTraining {
            path: self.checkpoint.path.display().to_string(),
            // Files have had this name since their first version.
            name: name.replace("sample_weight", "weights"),
            theirs: theirs.into(),
            ours: ours.into(),
        }
    }

    fn read<T: Scalar>(
        &self,
        mut reader: Reader<'_>,
        network: &Network<T>,
        optimizer: &Optimizer,
    ) -> Result<(Saved<T>, Note)> {
        check_version(&reader, VERSION)?;
        let Header { layers: entries, training, progress, note: text, .. } = parsed_strictly(&reader)?;
        let Some(layers) = layers::<T>(&reader, &entries)? else {
            return Err(self.differs("dtype of the network", "another one", T::NAME));
        };
        if layers != network.layers() {
            return Err(self.differs("network", format!("{layers:?}"), format!("{:?}", network.layers())));
        }
        let none = || "none".to_owned();
        for name in self.training.keys().chain(training.keys()).filter(|name| *name != FIRST) {
            let (theirs, ours) = (training.get(name), self.training.get(name));
            if theirs != ours {
                let [theirs, ours] = [theirs, ours].map(|text| text.cloned().unwrap_or_else(none));
                return Err(self.differs(name, theirs, ours));
            }
        }
        let n_epochs = match reader.info("history.loss") {
            Some((Dtype::F64, &[epochs])) if epochs > 0 => epochs,
            _ => return Err(reader.wrong("it has no history")),
        };
        let names = outlines::<T>(&layers);
        let mut history = History::default();
        let flat = |name: String| Outline { name, dtype: dtype::<T>(), shape: vec![network.n_parameters()] };
        let mut expected: Vec<_> = names.iter().map(|(outline, _)| outline.clone()).collect();
        let has_best = training.get("restore_best").is_some_and(|restores| restores == "true");
        expected.extend(has_best.then(|| flat("best".to_owned())));
        expected.extend(optimizer.arrays().iter().map(|name| flat(format!("optimizer.{name}"))));
        let has = |name: &str| match name {
            "history.validation_loss" => training.contains_key("validation X"),
            "history.score" => training.get("score").is_some_and(|score| score != "none"),
            "history.learning_rate" => optimizer.learning_rate().is_some(),
            _ => true,
        };
        let lists = history.lists().map(|(name, _)| name).into_iter().filter(|name| has(name));
        expected.extend(lists.map(|name| of_list(name, n_epochs)));
        let noted = noted(&reader)?;
        expected.extend((noted > 0).then(|| of_list(NOTE, noted)));
        reader.expect(expected)?;
        let mut note = Note { text, numbers: try_zeros(noted)? };
        let n = network.n_parameters();
        let mut parameters = try_zeros::<T>(n)?;
        let mut best = if has_best { Some(try_zeros::<T>(n)?) } else { None };
        let mut arrays = optimizer.arrays().iter().map(|_| try_zeros::<T>(n)).collect::<Result<Vec<_>>>()?;
        let starts: BTreeMap<_, _> =
            names.iter().map(|(outline, start)| (outline.name.as_str(), *start)).collect();
        while let Some(Outline { name, shape, .. }) = reader.next() {
            let numbers: usize = shape.iter().product();
            if let Some(&start) = starts.get(name.as_str()) {
                reader.read(&name, &mut parameters[start..start + numbers], T::is_finite)?;
            } else if let Some(list) = history.list_mut(&name) {
                *list = try_zeros(n_epochs)?;
                // The losses of a diverged training are not saved; any other number may occur.
                let is_loss = name == "history.loss" || name == "history.penalty";
                reader.read(&name, list, |x: f64| !is_loss || x.is_finite())?;
            } else if let Some(place) =
                optimizer.arrays().iter().position(|array| name == format!("optimizer.{array}"))
            {
                reader.read(&name, &mut arrays[place], |x: T| !x.to_f64().is_nan())?;
            } else if name == NOTE {
                reader.read(&name, &mut note.numbers, |_: f64| true)?;
            } else if let Some(best) = &mut best {
                reader.read(&name, best, T::is_finite)?;
            }
        }
        let wrong = |what: &str| reader.wrong(format!("its {what} cannot be"));
        let watched: f64 = progress.best.parse().map_err(|_| wrong("best"))?;
        if plain(watched) != progress.best || watched.is_nan() {
            return Err(wrong("best"));
        }
        if progress.best_epoch > n_epochs || progress.bad_epochs > n_epochs {
            return Err(wrong("best_epoch or bad_epochs"));
        }
        if !(progress.seconds.is_finite() && progress.seconds >= 0.0) {
            return Err(wrong("seconds"));
        }
        history.best_epoch = progress.best_epoch;
        history.seconds = progress.seconds;
        let counters = Counters {
            steps: progress.steps,
            epochs: n_epochs as u64,
            rows_seen: progress.rows_seen,
            learning_rate: progress.learning_rate,
            previous_loss: progress.previous_loss,
        };
        let state = OptimizerState::restore_counters(optimizer.clone(), arrays, counters)
            .map_err(|error| reader.wrong(error.to_string()))?;
        let (arrays, counters) = (state.arrays, state.counters);
        let first = |training: &BTreeMap<_, _>| training.get(FIRST).cloned().unwrap_or_else(none);
        let (theirs, ours) = (first(&training), first(&self.training));
        // After an interruption the network has the parameters of the last complete epoch.
        let is_there = |there: &[T]| there == network.parameters();
        if theirs != ours && !is_there(&parameters) && !best.as_deref().is_some_and(is_there) {
            return Err(self.differs(FIRST, theirs, ours));
        }
        let mut network = network.try_clone()?;
        network.parameters_mut().copy_from_slice(&parameters);
        let watched = (watched, progress.bad_epochs);
        Ok((Saved { network, best, arrays, counters, history, watched }, note))
    }
}

/// The caller's own data in a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Any text.
    pub text: String,
    /// Any numbers.
    pub numbers: Vec<f64>,
}

/// The name of the tensor that holds a note's numbers.
const NOTE: &str = "note";

fn noted(reader: &Reader<'_>) -> Result<usize> {
    match reader.info(NOTE) {
        None => Ok(0),
        Some((Dtype::F64, &[numbers])) if numbers > 0 => Ok(numbers),
        Some(_) => Err(reader.wrong("its note is not a list of numbers")),
    }
}

/// Reads the bytes of a checkpoint of this training and writes them again, which changes none: for tools that
/// check files.
///
/// # Errors
/// As for [`crate::train`].
pub fn rewritten<T: Scalar>(
    bytes: &[u8],
    network: &Network<T>,
    data: &Dataset<'_, T>,
    loss: crate::Loss,
    settings: &Settings<'_, T>,
    optimizer: &Optimizer,
) -> Result<Vec<u8>> {
    let checkpoint = Checkpoint { path: PathBuf::from("bytes"), every: 1 };
    let saver = Saver::new(&checkpoint, network, data, &Objective::Loss(loss), settings, false, optimizer)?;
    let (saved, note) = saver.read(Reader::of_bytes(CHECKPOINT, "bytes", bytes)?, network, optimizer)?;
    let Saved { network, best, arrays, counters, history, watched } = saved;
    let complete = Complete { arrays, counters, watched };
    saver.content(&network, best.as_deref(), &complete, &history, optimizer, &note)?.to_bytes()
}

/// Reads the caller's note from a checkpoint; `None` if the file does not exist.
///
/// # Errors
/// [`Error::Io`], [`Error::ModelFile`].
#[cfg(feature = "python")]
pub(crate) fn note(path: &Path) -> Result<Option<Note>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut reader = Reader::open(CHECKPOINT, path)?;
    check_version(&reader, VERSION)?;
    let Header { note: text, .. } = parsed_strictly(&reader)?;
    let mut numbers = try_zeros(noted(&reader)?)?;
    if !numbers.is_empty() {
        reader.read_only(NOTE, &mut numbers)?;
    }
    Ok(Some(Note { text, numbers }))
}

fn of_list(name: &str, epochs: usize) -> Outline {
    Outline { name: name.to_owned(), dtype: Dtype::F64, shape: vec![epochs] }
}

/// Shape and digest of a matrix, or of the rows that are listed; the layout in memory does not matter.
fn of_matrix<T: Scalar>(matrix: ArrayView2<'_, T>, listed: Option<&[u32]>) -> Result<String> {
    of_numbers(matrix, listed, |x| x)
}

/// The same of what the numbers become.
fn of_numbers<N: Copy, T: Scalar>(
    matrix: ArrayView2<'_, N>,
    listed: Option<&[u32]>,
    in_type: impl Fn(N) -> T,
) -> Result<String> {
    let mut row = try_with_capacity(matrix.ncols())?;
    let mut hash = Xxh3Default::new();
    let rows = listed.map_or(matrix.nrows(), <[u32]>::len);
    for place in 0..rows {
        row.clear();
        row.extend(matrix.row(listed.map_or(place, |rows| rows[place] as usize)).iter().map(|&x| in_type(x)));
        row.chunks(512).for_each(|some| hash.update(&T::to_bytes(some)));
    }
    Ok(format!("{} {:016x}", tuple(&[rows, matrix.ncols()]), hash.digest()))
}

/// The same of inputs. Sparse rows have another digest than the whole matrix.
fn of_inputs<T: Scalar>(inputs: Inputs<'_, T>, listed: Option<&[u32]>) -> Result<String> {
    let rows = match inputs {
        Inputs::Dense(matrix) => return of_matrix(matrix, listed),
        Inputs::Single(matrix) => return of_numbers(matrix, listed, |x| T::from_f64(widened(x))),
        Inputs::Sparse(rows) => rows,
    };
    let mut hash = Xxh3Default::new();
    let count = listed.map_or(rows.rows(), <[u32]>::len);
    for place in 0..count {
        let (columns, numbers) = rows.row(listed.map_or(place, |rows| rows[place] as usize));
        hash.update(&(columns.len() as u64).to_le_bytes());
        for column in columns {
            hash.update(&column.to_le_bytes());
        }
        numbers.chunks(512).for_each(|some| hash.update(&T::to_bytes(some)));
    }
    Ok(format!("{} sparse {:016x}", tuple(&[count, rows.columns()]), hash.digest()))
}

fn of_weights<T: Scalar>(data: &Dataset<'_, T>) -> String {
    data.weights.as_deref().map_or_else(|| "none".to_owned(), digest)
}

/// Number and digest of lengths.
fn of_lengths(sequences: &Sequences) -> String {
    let mut hash = Xxh3Default::new();
    (0..sequences.count()).for_each(|row| hash.update(&(sequences.length(row) as u64).to_le_bytes()));
    format!("{} {:016x}", sequences.count(), hash.digest())
}

/// The XXH3 digest of the numbers' bytes.
fn digest<T: Scalar>(numbers: &[T]) -> String {
    let mut hash = Xxh3Default::new();
    numbers.chunks(512).for_each(|some| hash.update(&T::to_bytes(some)));
    format!("{:016x}", hash.digest())
}
