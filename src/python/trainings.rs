//! Trainings as Python describes them: their arguments, which `train` and `train_many` share, and their course.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use numpy::prelude::*;
use numpy::{Element, PyArray1};
use pyo3::exceptions::{
    PyKeyboardInterrupt, PyOverflowError, PyRuntimeWarning, PyTypeError, PyUserWarning, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

use super::arguments::{Arg, collect, iterated, number, one_or_each, unless_foreign, wrong, wrong_type};
use super::arrays::is_aligned;
use super::block_shuffle::BlockShuffle;
use super::call::{Call, attach};
use super::checkpoint::{Saving, saving};
use super::errors::of_network;
use super::history::{Epoch, History};
use super::loss::{self, Given, OwnLoss};
use super::optimizer::{Chosen, Remembered};
use super::recurrent::AnyNetwork;
use super::remote::{InSums, RemoteArrays};
use super::row_orders::RowOrders;
use super::rows::{RowArrays, listed_rows};
use super::schedule::{raised_by_function, scheduled};
use super::sequences::{InTime, SequenceArrays};
use super::signals::{Signals, has_raised, keep};
use super::typed::Typed;
use crate::error::plain;
use crate::memory::try_collect;
use crate::{
    Dataset, Error, Job, Note, Observer, OptimizerState, Returns, Schedule, Settings, Shuffle, StopReason,
};

macro_rules! keywords {
    ($($name:ident),* $(,)?) => {
        /// The keywords of a training, as they came.
        pub(super) struct Keywords<'py> {
            $(pub $name: Arg<'py>,)*
        }

        impl<'py> Keywords<'py> {
            /// Those in a dictionary.
            pub fn of(keywords: &Bound<'py, PyDict>) -> PyResult<Self> {
                let known = [$(stringify!($name)),*];
                for name in keywords.keys() {
                    if !known.contains(&name.extract::<&str>()?) {
                        return Err(PyTypeError::new_err(format!("{} is no keyword of a training", name.repr()?)));
                    }
                }
                Ok(Self { $($name: keywords.get_item(stringify!($name))?.map_or(Arg::Absent, Arg::Given),)* })
            }

            /// Those of which each is what `pick` makes of its name and its value.
            pub fn each(&self, pick: impl Fn(&str, &Arg<'py>) -> PyResult<Arg<'py>>) -> PyResult<Self> {
                Ok(Self { $($name: pick(stringify!($name), &self.$name)?,)* })
            }

            /// Their values.
            pub fn values(&self) -> impl Iterator<Item = &Arg<'py>> {
                [$(&self.$name,)*].into_iter()
            }
        }
    };
}

keywords!(
    loss,
    optimizer,
    epochs,
    batch_size,
    shuffle,
    sample_weight,
    alpha,
    clip_norm,
    truncate,
    washout,
    lengths,
    dropout,
    validation,
    validation_score,
    patience,
    tolerance,
    restore_best,
    max_time,
    seed,
    callback,
    n_threads,
    warm_start,
    checkpoint,
    checkpoint_every,
);

/// The arguments of one training.
struct Arguments<'py> {
    sample_weight: Option<Bound<'py, PyAny>>,
    validation: Option<Bound<'py, PyTuple>>,
    loss: Given,
    optimizer: Chosen<'py>,
    epochs: usize,
    batch_size: Option<usize>,
    seed: u64,
    shuffle: Order,
    alpha: f64,
    clip_norm: Option<f64>,
    truncate: Option<usize>,
    in_time: InTime,
    dropout: Arg<'py>,
    patience: Option<usize>,
    tolerance: f64,
    restore_best: Option<bool>,
    max_time: Option<Duration>,
    n_threads: Option<usize>,
    callback: Option<Py<PyAny>>,
    score: Option<Py<PyAny>>,
    warm_start: bool,
    checkpoint: Option<Saving>,
}

enum Order {
    AsIs,
    Random,
    Blocks(crate::BlockShuffle),
    By(Py<PyAny>),
    /// Without a call of Python's.
    Drawn(Py<RowOrders>),
}

impl<'py> Arguments<'py> {
    fn read(network: &AnyNetwork<'_, 'py>, keywords: Keywords<'py>) -> PyResult<Self> {
        let truncate = keywords.truncate.optional_count("truncate")?;
        let in_time = InTime::new(&keywords.washout, keywords.lengths.some())?;
        in_time.check(matches!(network, AnyNetwork::Recurrent(_)))?;
        let arguments = Self {
            sample_weight: keywords.sample_weight.some().cloned(),
            validation: keywords.validation.some().map(validation_tuple).transpose()?,
            loss: loss::loss(&keywords.loss)?,
            epochs: keywords.epochs.count("epochs", 200)?,
            batch_size: keywords.batch_size.optional_count("batch_size")?,
            seed: keywords.seed.seed()?,
            shuffle: keywords.shuffle.some().map_or(Ok(Order::Random), order)?,
            alpha: keywords.alpha.number("alpha", 0.0)?,
            clip_norm: keywords.clip_norm.optional_number("clip_norm")?,
            truncate,
            in_time,
            patience: keywords.patience.optional_count("patience")?,
            tolerance: keywords.tolerance.number("tolerance", 0.0)?,
            restore_best: keywords.restore_best.optional_flag("restore_best")?,
            max_time: keywords.max_time.optional_number("max_time")?.map(duration).transpose()?,
            n_threads: keywords.n_threads.optional_count("n_threads")?,
            callback: keywords.callback.callable("callback")?,
            score: keywords.validation_score.callable("validation_score")?,
            warm_start: keywords.warm_start.flag("warm_start", false)?,
            checkpoint: saving(
                keywords.checkpoint.some(),
                keywords.checkpoint_every.count("checkpoint_every", 10)?,
            )?,
            optimizer: Chosen::of(&keywords.optimizer)?,
            dropout: keywords.dropout,
        };
        if arguments.warm_start && arguments.checkpoint.is_some() {
            return Err(PyValueError::new_err(
                "warm_start must be False with a checkpoint, which has the optimizer's state, got True",
            ));
        }
        Ok(arguments)
    }
}

const ORDERS: &str = "True, False, \"blocks\", a BlockShuffle or a function of the epoch";

fn order(value: &Bound<'_, PyAny>) -> PyResult<Order> {
    if let Ok(flag) = value.cast::<PyBool>() {
        Ok(if flag.is_true() { Order::Random } else { Order::AsIs })
    } else if let Ok(shuffle) = value.cast::<BlockShuffle>() {
        Ok(Order::Blocks(shuffle.get().0))
    } else if value.extract::<&str>().is_ok_and(|name| name == "blocks") {
        Ok(Order::Blocks(crate::BlockShuffle::default()))
    } else if value.is_instance_of::<PyString>() {
        Err(wrong("shuffle", ORDERS, value))
    } else if let Ok(orders) = value.cast::<RowOrders>() {
        Ok(Order::Drawn(orders.clone().unbind()))
    } else if value.is_callable() {
        Ok(Order::By(value.clone().unbind()))
    } else {
        Err(wrong_type("shuffle", ORDERS, value))
    }
}

/// The rates of dropout: one for all hidden layers, or one for each.
fn rates(dropout: &Arg<'_>, n_hidden: usize) -> PyResult<Vec<Schedule>> {
    let Some(value) = dropout.some() else { return Ok(Vec::new()) };
    let is_one = iterated(value)?.is_none();
    // Also where it stands for no layer at all.
    if is_one {
        crate::training::check_rate(&scheduled("dropout", value)?)?;
    }
    one_or_each(value, n_hidden, |rate| scheduled("dropout", rate), is_one)
}

pub(super) fn duration(seconds: f64) -> PyResult<Duration> {
    if seconds > 0.0 {
        // More than Duration can hold is for ever.
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    } else {
        let got = plain(seconds);
        Err(PyValueError::new_err(format!("max_time must be a positive number of seconds, got {got}")))
    }
}

fn validation_tuple<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    let expected = "a tuple (X, Y) or (X, Y, sample_weight)";
    match value.cast::<PyTuple>() {
        Ok(tuple) if matches!(tuple.len(), 2 | 3) => Ok(tuple.clone()),
        Ok(tuple) => {
            let got = tuple.len();
            Err(PyValueError::new_err(format!("validation must be {expected}, got {got} items")))
        }
        Err(_) => Err(wrong_type("validation", expected, value)),
    }
}

impl Arguments<'_> {
    fn settings<'a, T>(
        &self,
        validation: Option<Dataset<'a, T>>,
        dropout: Vec<Schedule>,
        own_order: &'a (dyn Fn(usize) -> Option<Vec<u32>> + Sync),
    ) -> Settings<'a, T> {
        Settings {
            epochs: self.epochs,
            batch_size: self.batch_size,
            shuffle: match self.shuffle {
                Order::AsIs => Shuffle::Never,
                Order::Random => Shuffle::Seeded(self.seed),
                Order::Blocks(scheme) => Shuffle::Blocks { seed: self.seed, scheme },
                Order::By(_) | Order::Drawn(_) => Shuffle::By(own_order),
            },
            alpha: self.alpha,
            clip_norm: self.clip_norm,
            truncate: self.truncate,
            dropout,
            noise_seed: self.seed,
            validation,
            patience: self.patience,
            tolerance: self.tolerance,
            restore_best: self.restore_best,
            max_time: self.max_time,
            n_threads: None,
            checkpoint: self.checkpoint.as_ref().map(|saving| saving.checkpoint.clone()),
        }
    }
}

/// A network, and what it is trained by.
pub(super) struct Training<'py> {
    network: Bound<'py, PyAny>,
    /// Inputs and targets.
    data: [Bound<'py, PyAny>; 2],
    arguments: Arguments<'py>,
    /// Numbers of the rows to train on, all if left out, and of those to validate on.
    rows: Option<Bound<'py, PyAny>>,
    validation_rows: Option<Bound<'py, PyAny>>,
}

impl<'py> Training<'py> {
    pub fn new(
        network: &Bound<'py, PyAny>,
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        keywords: Keywords<'py>,
    ) -> PyResult<Self> {
        let any = AnyNetwork::of(network).ok_or_else(|| wrong_type("network", "a Network", network))?;
        let arguments = Arguments::read(&any, keywords)?;
        let data = [x.clone(), y.clone()];
        Ok(Self { network: network.clone(), data, arguments, rows: None, validation_rows: None })
    }

    /// The same on listed rows.
    pub fn on_rows(self, rows: &Arg<'py>, validation_rows: &Arg<'py>) -> PyResult<Self> {
        let [rows, validation_rows] = [rows, validation_rows].map(|rows| rows.some().cloned());
        if validation_rows.is_some() && self.arguments.validation.is_some() {
            return Err(PyValueError::new_err("validation must be left out with validation_rows, got both"));
        }
        Ok(Self { rows, validation_rows, ..self })
    }

    fn typed(&self) -> &Typed {
        match AnyNetwork::of(&self.network) {
            Some(any) => any.typed(),
            None => unreachable!("it was a network when the training was made"),
        }
    }
}

/// The trainings of a call.
pub(super) struct Trainings<'py> {
    all: Vec<Training<'py>>,
    n_threads: Option<usize>,
    /// Whether messages say which network they are about.
    several: bool,
}

/// The path of a file without links, by which two paths of one file are equal; the file need not be there.
fn one_name(path: &Path) -> PathBuf {
    let of_folder = || {
        // The folder of a bare name is an empty text.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(of_folder).unwrap_or_else(|| path.to_owned())
}

impl<'py> Trainings<'py> {
    pub fn of_one(training: Training<'py>) -> Self {
        Self { n_threads: training.arguments.n_threads, all: vec![training], several: false }
    }

    /// Those of several networks, which share nothing that a training changes.
    pub fn of_several(all: Vec<Training<'py>>, n_threads: Option<usize>) -> PyResult<Self> {
        let path = |training: &Training<'_>| {
            Some(one_name(&training.arguments.checkpoint.as_ref()?.checkpoint.path))
        };
        let paths = all.iter().map(path).collect::<Vec<_>>();
        for (index, training) in all.iter().enumerate() {
            let wrong = |what: &str, first: usize| {
                Err(PyValueError::new_err(format!("{what}, got the same one at {first} and {index}")))
            };
            let before = &all[..index];
            if let Some(first) = before.iter().position(|other| other.network.is(&training.network)) {
                return wrong("networks must be different objects", first);
            }
            let own = &paths[index];
            if let Some(first) = paths[..index].iter().position(|other| own.is_some() && other == own) {
                return wrong("checkpoint must be a file for each network", first);
            }
            let optimizer = &training.arguments.optimizer;
            let shared = before.iter().position(|other| other.arguments.optimizer.is(optimizer));
            if let Some(first) = shared.filter(|_| training.arguments.warm_start) {
                return wrong("optimizer must be an object for each network with warm_start=True", first);
            }
        }
        Ok(Self { all, n_threads, several: true })
    }

    /// The same whose messages do not say which network they are about.
    pub fn unnamed(self) -> Self {
        Self { several: false, ..self }
    }

    /// Trains the networks. If it raises, all are as they were.
    pub fn run(self, py: Python<'py>, call: &Call) -> PyResult<Vec<History>> {
        match self.all.first().map(Training::typed) {
            Some(Typed::Double(_)) => self.run_typed::<f64>(py, call),
            _ => self.run_typed::<f32>(py, call),
        }
    }

    fn run_typed<T: InSums>(&self, py: Python<'py>, call: &Call) -> PyResult<Vec<History>> {
        let mut sources = Sources { known: Vec::new(), converted: Vec::new() };
        let mut begun = Vec::with_capacity(self.all.len());
        let mut changing = Vec::with_capacity(self.all.len());
        for (index, training) in self.all.iter().enumerate() {
            let slot = T::slot(training.typed()).ok_or_else(|| {
                PyValueError::new_err(format!(
                    "networks must all be of single or all of double precision, got others at 0 and {index}"
                ))
            })?;
            let before = slot.load_full();
            let arguments = &training.arguments;
            let about = |error| self.about(py, index, error);
            let inputs = Inputs::new(training, &before, &mut sources).map_err(about)?;
            let state = arguments.optimizer.state::<T>(arguments.warm_start).map_err(about)?;
            changing.push(Changing { network: before.try_clone()?, state });
            begun.push(Begun { slot, before, inputs, raised: Mutex::new(None) });
        }
        let mut callers = Vec::with_capacity(self.all.len());
        for (training, Begun { slot, before, raised, .. }) in self.all.iter().zip(&begun) {
            let Arguments { loss, shuffle, .. } = &training.arguments;
            callers.push(Callers {
                loss: loss.own(raised, before.complex_outputs()),
                order: move |epoch: usize| own_order(shuffle, epoch, raised),
                observer: FromPython::new(training, slot, raised),
            });
        }
        let mut jobs = Vec::with_capacity(self.all.len());
        for (index, ((begun, changing), callers)) in
            begun.iter().zip(&mut changing).zip(&mut callers).enumerate()
        {
            let about = |error| self.about(py, index, error);
            let (Begun { before, inputs, .. }, Changing { network, state }) = (begun, changing);
            let Callers { loss, order, observer } = callers;
            let arguments = &self.all[index].arguments;
            let validation = inputs.validation.as_ref().map(|rows| sources.dataset(rows)).transpose();
            let data = sources.dataset(&inputs.data).map_err(about)?;
            let objective = arguments.loss.objective(before.output_activation(), loss.as_ref());
            let settings = arguments.settings(validation.map_err(about)?, inputs.dropout.clone(), order);
            jobs.push(Job { network, data, objective, settings, state, observer });
        }
        raised_by_function();
        let interrupted = Mutex::new(None);
        let mut signals = Signals::new(&interrupted);
        let n_threads = self.n_threads;
        let result =
            call.detach(py, || crate::train_many(&mut jobs, n_threads, &mut || signals.interrupted()));
        drop(jobs);
        drop(callers);
        for Begun { inputs: Inputs { data, validation, .. }, raised, .. } in &begun {
            for Listed { source, .. } in [Some(data), validation.as_ref()].into_iter().flatten() {
                if let Some(error) = sources.known[*source].1.raised() {
                    keep(raised, error);
                }
            }
        }
        let raised = begun.iter().map(|begun| &begun.raised);
        match self.histories(py, result, raised, &interrupted) {
            Ok(histories) => {
                for ((training, begun), changing) in self.all.iter().zip(&begun).zip(changing) {
                    begun.slot.store(Arc::new(changing.network));
                    let optimizer = &training.arguments.optimizer;
                    let users = self.all.iter().filter(|other| other.arguments.optimizer.is(optimizer));
                    if users.count() < 2 {
                        optimizer.keep(changing.state);
                    }
                }
                Ok(histories)
            }
            Err(error) => {
                for Begun { slot, before, .. } in begun {
                    slot.store(before);
                }
                Err(error)
            }
        }
    }

    /// The histories, if nothing went wrong; warns of ends that nobody wanted.
    fn histories<'a>(
        &self,
        py: Python<'_>,
        result: crate::Result<Vec<crate::History>>,
        raised: impl Iterator<Item = &'a Mutex<Option<PyErr>>>,
        interrupted: &Mutex<Option<PyErr>>,
    ) -> PyResult<Vec<History>> {
        let kept =
            |raised: &Mutex<Option<PyErr>>| raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_interruption = |error: &PyErr| error.is_instance_of::<PyKeyboardInterrupt>(py);
        let mut ended_by_user = Vec::new();
        for (index, raised) in raised.enumerate() {
            match kept(raised) {
                Some(error) if !is_interruption(&error) => return Err(self.about(py, index, error)),
                error => ended_by_user.push(error.is_some()),
            }
        }
        match kept(interrupted) {
            Some(error) if !is_interruption(&error) => return Err(error),
            _ => {}
        }
        let mut histories = result.map_err(|error| match error {
            Error::OfNetwork { error, .. } if !self.several => *error,
            error => error,
        })?;
        for (history, _) in histories.iter_mut().zip(ended_by_user).filter(|(_, by_user)| *by_user) {
            history.stop_reason = StopReason::Interrupted;
        }
        if histories.iter().any(|history| history.stop_reason == StopReason::Interrupted) {
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), c"Training interrupted by user.", 1)?;
        }
        for (index, history) in histories.iter().enumerate() {
            if history.stop_reason == StopReason::Diverged {
                let which = if self.several { of_network(index) } else { String::new() };
                let message = format!(
                    "{which}training diverged in epoch {}: the loss or a parameter became infinite or NaN; the \
                     network keeps its last finite parameters; scale X, or make the steps smaller",
                    history.epochs() + 1
                );
                let message = std::ffi::CString::new(message)?;
                PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &message, 1)?;
            }
        }
        Ok(histories.into_iter().map(History).collect())
    }

    fn about(&self, py: Python<'_>, index: usize, error: PyErr) -> PyErr {
        if self.several { about_network(py, index, error) } else { error }
    }
}

/// A training that has begun.
struct Begun<'a, T: Element> {
    slot: &'a ArcSwap<crate::Network<T>>,
    /// The network as it was.
    before: Arc<crate::Network<T>>,
    inputs: Inputs,
    /// What the caller's functions raised.
    raised: Mutex<Option<PyErr>>,
}

/// What a training changes.
struct Changing<T> {
    network: crate::Network<T>,
    state: OptimizerState<T>,
}

/// The caller's functions that a training calls.
struct Callers<'a, T, F> {
    loss: Option<OwnLoss<'a>>,
    order: F,
    observer: FromPython<'a, T>,
}

/// An error that says which network it is about: ours in its message, one of the caller's code in a note.
pub(super) fn about_network(py: Python<'_>, index: usize, error: PyErr) -> PyErr {
    let kind = error.get_type(py);
    let is_plain = kind.is(py.get_type::<PyValueError>()) || kind.is(py.get_type::<PyTypeError>());
    if is_plain && error.traceback(py).is_none() {
        return PyErr::from_type(kind, format!("{}{}", of_network(index), error.value(py)));
    }
    // An exception that takes no notes comes without one.
    let _ = error.value(py).call_method1("add_note", (format!("in the training of networks[{index}]"),));
    error
}

/// The rows of a data set, and where they lie.
struct Listed {
    source: usize,
    rows: Option<Vec<u32>>,
}

/// What one training takes from Python's arrays and functions.
struct Inputs {
    data: Listed,
    validation: Option<Listed>,
    dropout: Vec<Schedule>,
}

impl Inputs {
    fn new<'py, T: InSums>(
        training: &Training<'py>,
        network: &crate::Network<T>,
        sources: &mut Sources<'py, T>,
    ) -> PyResult<Self> {
        let arguments = &training.arguments;
        let dropout = rates(&arguments.dropout, network.layers().len() - 1)?;
        let source = sources.data(network, &training.data, arguments)?;
        let n = sources.rows(source);
        let listed = |name, rows: &Bound<'py, PyAny>| {
            Ok::<_, PyErr>(Listed { source, rows: Some(listed_rows(name, rows, n)?) })
        };
        let data = match &training.rows {
            None => Listed { source, rows: None },
            Some(rows) => listed("rows", rows)?,
        };
        let validation = match (&training.validation_rows, &arguments.validation) {
            (Some(rows), _) => Some(listed("validation_rows", rows)?),
            (None, Some(tuple)) => {
                Some(Listed { source: sources.validation(network, arguments, tuple)?, rows: None })
            }
            (None, None) => None,
        };
        Ok(Self { data, validation, dropout })
    }
}

/// The arrays of a call, each converted once.
struct Sources<'py, T: Element> {
    known: Vec<(Key, Arrays<'py, T>)>,
    /// X and Y in the networks' dtype, by the addresses of the caller's.
    converted: Vec<([usize; 2], [Bound<'py, PyAny>; 2])>,
}

/// What decides how arrays are converted: the addresses of X and Y, of the validation tuple and of the weights, and the
/// network's kind.
#[derive(PartialEq)]
struct Key {
    data: [usize; 2],
    validation: Option<usize>,
    weights: Option<usize>,
    washout: usize,
    lengths: Option<Vec<usize>>,
    complex: [bool; 2],
    every: Option<bool>,
}

impl Key {
    fn new<T: InSums>(
        network: &crate::Network<T>,
        in_time: &InTime,
        data: [usize; 2],
        validation: Option<&Bound<'_, PyTuple>>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> Self {
        Self {
            data,
            validation: validation.map(|tuple| tuple.as_ptr() as usize),
            weights: weights.map(|weights| weights.as_ptr() as usize),
            washout: in_time.washout,
            lengths: in_time.lengths.clone(),
            complex: [network.is_complex(), network.complex_outputs()],
            every: network.returns().map(|returns| returns == Returns::Every),
        }
    }
}

impl<'py, T: InSums> Sources<'py, T> {
    /// X and Y with the weights of a training.
    fn data(
        &mut self,
        network: &crate::Network<T>,
        given: &[Bound<'py, PyAny>; 2],
        arguments: &Arguments<'py>,
    ) -> PyResult<usize> {
        let weights = arguments.sample_weight.as_ref();
        let data = given.each_ref().map(|array| array.as_ptr() as usize);
        let key = Key::new(network, &arguments.in_time, data, None, weights);
        let is_real = key.complex == [false; 2];
        self.place(key, |sources| {
            let names = ["X", "Y", "sample_weight"];
            let known = sources.converted.iter().find(|(known, _)| *known == data);
            let [x, y] = known.map_or(given, |(_, arrays)| arrays);
            let arrays = Arrays::new(network, names, x, y, weights, &arguments.in_time)?;
            if let Arrays::Rows(rows) = &arrays
                && is_real
                && known.is_none()
            {
                // What had to be converted is so for all weights.
                sources.converted.push((data, rows.objects()));
            }
            Ok(arrays)
        })
    }

    fn validation(
        &mut self,
        network: &crate::Network<T>,
        arguments: &Arguments<'py>,
        tuple: &Bound<'py, PyTuple>,
    ) -> PyResult<usize> {
        let in_time = InTime { washout: arguments.in_time.washout, lengths: None };
        self.place(Key::new(network, &in_time, [0; 2], Some(tuple), None), |_| {
            let names = ["validation X", "validation Y", "validation sample_weight"];
            let weights = if tuple.len() == 3 { Some(tuple.get_item(2)?) } else { None };
            let weights = weights.filter(|weights| !weights.is_none());
            let (x, y) = (tuple.get_item(0)?, tuple.get_item(1)?);
            Arrays::new(network, names, &x, &y, weights.as_ref(), &in_time)
        })
    }

    /// Where the arrays with this key are, which are made if they are not known.
    fn place(
        &mut self,
        key: Key,
        make: impl FnOnce(&mut Self) -> PyResult<Arrays<'py, T>>,
    ) -> PyResult<usize> {
        if let Some(place) = self.known.iter().position(|(known, _)| *known == key) {
            return Ok(place);
        }
        let arrays = make(self)?;
        self.known.push((key, arrays));
        Ok(self.known.len() - 1)
    }

    /// The number of rows, or of sequences.
    fn rows(&self, source: usize) -> usize {
        match &self.known[source].1 {
            Arrays::Rows(arrays) => arrays.rows(),
            Arrays::Sequences(arrays) => arrays.count(),
            Arrays::Remote(arrays) => arrays.rows(),
        }
    }

    fn dataset<'a>(&'a self, listed: &'a Listed) -> PyResult<Dataset<'a, T>> {
        let data = self.known[listed.source].1.dataset()?;
        Ok(match &listed.rows {
            None => data,
            Some(rows) => data.with_rows(rows)?,
        })
    }
}

/// A data set as it came from Python.
pub(super) enum Arrays<'py, T: Element> {
    Rows(RowArrays<'py, T>),
    Sequences(SequenceArrays<'py, T>),
    Remote(RemoteArrays<T>),
}

impl<'py, T: InSums> Arrays<'py, T> {
    pub fn new(
        network: &crate::Network<T>,
        names: [&str; 3],
        x: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        weights: Option<&Bound<'py, PyAny>>,
        in_time: &InTime,
    ) -> PyResult<Self> {
        if let Some(remote) = RemoteArrays::new(network, names, x, y, weights)? {
            return Ok(Self::Remote(remote));
        }
        Ok(if network.returns().is_some() {
            Self::Sequences(SequenceArrays::new(network, names, x, y, weights, in_time)?)
        } else {
            Self::Rows(RowArrays::in_place(network, names, x, y, weights)?)
        })
    }

    pub fn dataset(&self) -> PyResult<Dataset<'_, T>> {
        match self {
            Self::Rows(arrays) => arrays.dataset(),
            Self::Sequences(arrays) => arrays.dataset(),
            Self::Remote(arrays) => Ok(Dataset::remote(arrays)),
        }
    }

    /// What a function of rows that are elsewhere raised.
    pub fn raised(&self) -> Option<PyErr> {
        if let Self::Remote(arrays) = self { arrays.raised() } else { None }
    }
}

/// The order of the rows that the caller has given; an error is kept for later.
fn own_order(order: &Order, epoch: usize, raised: &Mutex<Option<PyErr>>) -> Option<Vec<u32>> {
    let rows = match order {
        Order::AsIs | Order::Random | Order::Blocks(_) => return None,
        Order::By(function) => attach(|py| row_numbers(function.call1(py, (epoch,))?.bind(py))),
        Order::Drawn(orders) => orders.get().of_epoch(epoch).map_err(PyErr::from),
    };
    rows.map_err(|error| keep(raised, error)).ok()
}

fn row_numbers(rows: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    // NumPy's usual index type; what does not fit becomes a row that is not there.
    if let Ok(array) = rows.cast::<PyArray1<i64>>()
        && is_aligned(array)
    {
        let rows = array.try_readonly()?;
        let rows = rows.as_array();
        return Ok(try_collect(rows.iter().map(|&row| u32::try_from(row).unwrap_or(u32::MAX)))?);
    }
    let expected = "a function that returns row numbers";
    let items = iterated(rows)?.ok_or_else(|| wrong_type("shuffle", expected, rows))?;
    collect(items.map(|row| {
        let row = row?;
        row.extract::<u32>().map_err(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(row.py()) {
                wrong("shuffle", expected, rows)
            } else {
                unless_foreign(error, &row, || wrong_type("shuffle", expected, &row))
            }
        })
    }))
}

/// Passes events on to Python, and Python's exceptions back.
pub(super) struct FromPython<'a, T> {
    slot: &'a ArcSwap<crate::Network<T>>,
    network: Py<PyAny>,
    callback: Option<Py<PyAny>>,
    score: Option<Py<PyAny>>,
    note: Option<Py<PyAny>>,
    raised: &'a Mutex<Option<PyErr>>,
    signals: Signals<'a>,
}

impl<'a, T: Remembered> FromPython<'a, T> {
    /// One that only calls back.
    pub fn calling(
        callback: Option<Py<PyAny>>,
        network: &Bound<'_, PyAny>,
        slot: &'a ArcSwap<crate::Network<T>>,
        raised: &'a Mutex<Option<PyErr>>,
    ) -> Self {
        let network = network.clone().unbind();
        Self { slot, network, callback, score: None, note: None, raised, signals: Signals::new(raised) }
    }

    fn new(
        training: &Training<'_>,
        slot: &'a ArcSwap<crate::Network<T>>,
        raised: &'a Mutex<Option<PyErr>>,
    ) -> Self {
        let py = training.network.py();
        let Arguments { callback, score, checkpoint, .. } = &training.arguments;
        let [callback, score, note] =
            [callback.as_ref(), score.as_ref(), checkpoint.as_ref().and_then(|saving| saving.note.as_ref())]
                .map(|function| Some(function?.clone_ref(py)));
        let network = training.network.clone().unbind();
        Self { slot, network, callback, score, note, raised, signals: Signals::new(raised) }
    }

    fn has_raised(&self) -> bool {
        has_raised(self.raised)
    }

    /// What a Python function returned, or nothing if it raised.
    fn call<R>(&self, function: impl FnOnce(Python<'_>) -> PyResult<R>) -> Option<R> {
        attach(function).map_err(|error| keep(self.raised, error)).ok()
    }
}

impl<T: InSums> Observer<T> for FromPython<'_, T> {
    fn looks_at_network(&self) -> bool {
        self.callback.is_some() || self.score.is_some()
    }

    fn scores(&self) -> bool {
        self.score.is_some()
    }

    fn score(&mut self, network: &crate::Network<T>) -> Option<f64> {
        if self.looks_at_network() {
            match network.try_clone() {
                Ok(network) => self.slot.store(Arc::new(network)),
                Err(error) => keep(self.raised, error.into()),
            }
        }
        let score = self.score.as_ref()?;
        let number = self.call(|py| {
            let score = score.call1(py, (&self.network,))?;
            number("validation_score", score.bind(py))
        });
        Some(number.unwrap_or(f64::NAN))
    }

    fn epoch(&mut self, epoch: &crate::Epoch, _network: &crate::Network<T>) -> bool {
        let stop = self.callback.as_ref().and_then(|callback| {
            if self.has_raised() {
                return None;
            }
            self.call(|py| {
                let answer = callback.call1(py, (Epoch::of(self.network.clone_ref(py), epoch),))?;
                // Only True ends the training, not whatever else counts as true.
                Ok(answer.extract::<bool>(py).unwrap_or(false))
            })
        });
        stop.unwrap_or(false) || self.has_raised()
    }

    fn interrupted(&mut self) -> bool {
        self.signals.interrupted() || self.has_raised()
    }

    fn failed(&self) -> bool {
        self.has_raised()
    }

    fn ended(&mut self) {
        if let Some(error) = raised_by_function() {
            keep(self.raised, error);
        }
    }

    fn note(&mut self) -> Option<Note> {
        let Some(note) = &self.note else { return Some(Note::default()) };
        let (text, numbers) = self.call(|py| note.call0(py)?.extract(py))?;
        Some(Note { text, numbers })
    }
}
