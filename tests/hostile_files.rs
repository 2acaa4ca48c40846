//! Files from anywhere: reading one never panics, never takes much more memory than the file is
//! long, and a file that is accepted is written again byte by byte.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::LazyLock;

use ferroprop::{
    Activation, Adam, Checkpoint, Dataset, Init, Kind, Loss, Network, Optimizer, OptimizerState,
    RecurrentInit, Returns, Rprop, Sequences, Settings, from_bytes, load, to_bytes, train,
    training::rewritten,
};
use ndarray::{Array2, array};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts for each thread what is in use.
struct Counting;

fn count(more: usize, less: usize) {
    // A thread that ends has no counters any more.
    let _ = NOW.try_with(|now| {
        now.set(now.get().wrapping_add(more).wrapping_sub(less));
        let used = now.get().cast_signed().max(0).cast_unsigned();
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(used)));
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // Safety: what the caller promises is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // Safety: what the caller promises is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it moves, both are there.
        count(size, 0);
        // Safety: what the caller promises is passed on.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        count(0, layout.size());
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were in use at a time, beyond those before.
fn peak_of<R>(call: impl FnOnce() -> R) -> (R, usize) {
    let before = NOW.get();
    PEAK.set(before);
    let result = call();
    (result, PEAK.get() - before)
}

const MIB: usize = 1 << 20;

/// Reads a network from bytes and from a file, within the memory that there may be; whether it is one.
fn accepts(bytes: &[u8], path: &std::path::Path) -> bool {
    fn accepts_as<T: ferroprop::Scalar>(bytes: &[u8], path: &std::path::Path) -> bool {
        let (from_memory, peak) = peak_of(|| from_bytes::<T>(bytes, "it"));
        assert!(peak <= 2 * bytes.len() + MIB, "{peak} bytes for {} from memory", bytes.len());
        let (from_file, peak) = peak_of(|| load::<T>(path));
        assert!(peak <= 2 * bytes.len() + MIB, "{peak} bytes for {} from a file", bytes.len());
        match (from_memory, from_file) {
            (Ok(Some(network)), Ok(same)) => {
                assert!(network == same);
                assert_eq!(to_bytes(&network).unwrap(), bytes, "written again it differs");
                assert!(network.parameters().iter().all(|x| x.is_finite()));
                true
            }
            (Ok(None), Err(_)) => false,
            (Err(error), Err(same)) => {
                assert!(!error.to_string().is_empty());
                assert!(error.to_string().starts_with("it is not a ferroprop network: "), "{error}");
                assert!(same.to_string().contains(" is not a ferroprop network: "), "{same}");
                false
            }
            (memory, file) => panic!("memory says {memory:?}, file says {file:?}"),
        }
    }
    std::fs::write(path, bytes).unwrap();
    let (single, double) = (accepts_as::<f32>(bytes, path), accepts_as::<f64>(bytes, path));
    assert!(!(single && double));
    single || double
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut header = header.to_owned();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A header around tensors, and a description of these layers.
fn header(layers: &str, tensors: &str) -> String {
    let description = format!(r#"{{"version":1,"layers":[{layers}]}}"#).replace('"', "\\\"");
    format!(r#"{{"__metadata__":{{"ferroprop.network":"{description}"}}{tensors}}}"#)
}

const IDENTITY: &str = r#"{"activation":"identity"}"#;
const BIASES: &str = r#","0.biases":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
const WEIGHTS: &str = r#","0.weights":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]}"#;

fn good_header() -> String {
    header(IDENTITY, &format!("{BIASES}{WEIGHTS}"))
}

fn numbers(all: &[f32]) -> Vec<u8> {
    all.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn the_example_of_the_attacks_is_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = file(&good_header(), &numbers(&[1.0, 2.0, 3.0]));
    assert!(accepts(&bytes, &folder.path().join("n")));
}

/// What is wrong with each of these files: nothing else is.
#[allow(clippy::too_many_lines)] // a list
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let data = numbers(&[1.0, 2.0, 3.0]);
    let good = good_header();
    let tensors = |tensors: &str| header(IDENTITY, tensors);
    let edited = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        file(&good.replacen(from, to, 1), &data)
    };
    let mut attacks = vec![
        ("nothing", Vec::new()),
        ("less than a length", vec![1, 0, 0]),
        ("a length alone", 8u64.to_le_bytes().to_vec()),
        ("a length of 2^64 - 1", [&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
        ("a length of 2^63", [&(1u64 << 63).to_le_bytes()[..], b"{}"].concat()),
        ("a length beyond the end", [&100u64.to_le_bytes()[..], good.as_bytes()].concat()[..60].to_vec()),
        ("a length of 0", [&0u64.to_le_bytes()[..], &data].concat()),
        ("no JSON", file("network", &data)),
        ("no UTF-8", [&8u64.to_le_bytes()[..], &[0xff; 8], &data].concat()),
        ("a list", file("[]", &data)),
        ("a number", file("7", &data)),
        ("nesting", file(&"[".repeat(100_000), &data)),
        ("nested metadata", file(&format!(r#"{{"__metadata__":{}"#, "{\"a\":".repeat(10_000)), &data)),
        ("no metadata", file(&good.replace("__metadata__", "__somedata__"), &data)),
        ("another entry", edited("ferroprop.network", "ferroprop.netwerk")),
        ("two entries", edited(r#""__metadata__":{"#, r#""__metadata__":{"a":"b","#)),
        ("metadata twice", edited("{\"__metadata__", "{\"__metadata__\":{\"a\":\"b\"},\"__metadata__")),
        ("metadata in second place", {
            let (metadata, rest) = good.split_once(BIASES).unwrap();
            file(&format!("{{{}{}{rest}", &BIASES[1..], metadata.replacen('{', ",", 1)), &data)
        }),
        ("a description that is a number", edited("\"{\\\"version", "7,\"{\\\"version")),
        (
            "an empty description",
            file(&format!(r#"{{"__metadata__":{{"ferroprop.network":""}}{BIASES}{WEIGHTS}}}"#), &data),
        ),
        ("another version", edited(r#"version\":1"#, r#"version\":2"#)),
        ("a version that is text", edited(r#"version\":1"#, r#"version\":\"1\""#)),
        ("a version of 2^40", edited(r#"version\":1"#, r#"version\":1099511627776"#)),
        ("an unknown key", edited(r#"{\"version\":1"#, r#"{\"version\":1,\"x\":1"#)),
        ("a version twice", edited(r#"{\"version\":1"#, r#"{\"version\":1,\"version\":1"#)),
        (
            "keys in another order",
            file(
                &good.replace(
                    r#"{\"version\":1,\"layers\":[{\"activation\":\"identity\"}]}"#,
                    r#"{\"layers\":[{\"activation\":\"identity\"}],\"version\":1}"#,
                ),
                &data,
            ),
        ),
        ("an unknown key of a layer", edited(r#"\"identity\""#, r#"\"identity\",\"x\":1"#)),
        ("an unknown activation", edited("identity", "identify")),
        ("no layers", edited(r#"{\"activation\":\"identity\"}"#, "")),
        (
            "more layers than tensors",
            edited(r#"\"identity\"}"#, r#"\"identity\"},{\"activation\":\"identity\"}"#),
        ),
        ("a slope that is not needed", edited(r#"\"identity\""#, r#"\"identity\",\"slope\":1.0"#)),
        ("a slope that is missing", edited("identity", "logistic")),
        ("a slope of 0", edited(r#"\"identity\""#, r#"\"logistic\",\"slope\":0.0"#)),
        ("a slope below 0", edited(r#"\"identity\""#, r#"\"logistic\",\"slope\":-1.0"#)),
        ("a slope beyond all numbers", edited(r#"\"identity\""#, r#"\"logistic\",\"slope\":1e999"#)),
        ("a slope with another spelling", edited(r#"\"identity\""#, r#"\"logistic\",\"slope\":1.00"#)),
        ("a null slope", edited(r#"\"identity\""#, r#"\"identity\",\"slope\":null"#)),
        ("spaces in the header", edited(r#"{"__metadata__""#, r#"{ "__metadata__""#)),
        ("spaces in the description", edited(r#"{\"version"#, r#"{ \"version"#)),
        ("escapes that are not needed", edited("0.biases", r"0.bi\u0061ses")),
        ("trailing bytes", [&file(&good, &data)[..], b"\0"].concat()),
        ("missing bytes", file(&good, &data[..11])),
        (
            "a gap before the first",
            file(
                &tensors(&format!("{BIASES}{WEIGHTS}").replace("[0,4]", "[4,8]").replace("[4,12]", "[8,16]")),
                &[&data[..], &[0; 4]].concat(),
            ),
        ),
        (
            "a gap",
            file(
                &tensors(&format!("{BIASES}{WEIGHTS}").replace("[4,12]", "[8,16]")),
                &[&data[..], &[0; 4]].concat(),
            ),
        ),
        ("an overlap", file(&tensors(&format!("{BIASES}{WEIGHTS}").replace("[4,12]", "[0,8]")), &data[..8])),
        ("offsets the wrong way round", edited("[4,12]", "[12,4]")),
        ("offsets of 2^64 - 1", edited("[4,12]", "[4,18446744073709551615]")),
        ("offsets below 0", edited("[0,4]", "[-4,4]")),
        ("offsets that are no integers", edited("[4,12]", "[4.0,12]")),
        ("one offset", edited("[4,12]", "[12]")),
        (
            "tensors in another order",
            file(
                &tensors(&format!(
                    "{}{}",
                    WEIGHTS.replace("[4,12]", "[0,8]"),
                    BIASES.replace("[0,4]", "[8,12]")
                )),
                &data,
            ),
        ),
        ("tensors listed in another order", file(&tensors(&format!("{WEIGHTS}{BIASES}")), &data)),
        (
            "a tensor twice",
            file(
                &tensors(&format!("{BIASES}{WEIGHTS}{}", WEIGHTS.replace("[4,12]", "[12,20]"))),
                &[&data[..], &data[..8]].concat(),
            ),
        ),
        ("the same tensor twice", file(&tensors(&format!("{BIASES}{WEIGHTS}{WEIGHTS}")), &data)),
        (
            "a tensor too many",
            file(
                &tensors(&format!(
                    "{BIASES}{WEIGHTS}{}",
                    r#","1.weights":{"dtype":"F32","shape":[1,1],"data_offsets":[12,16]}"#
                )),
                &[&data[..], &[0; 4]].concat(),
            ),
        ),
        (
            "an empty tensor too many",
            file(
                &tensors(&format!(
                    "{BIASES}{WEIGHTS}{}",
                    r#","x":{"dtype":"F32","shape":[0],"data_offsets":[12,12]}"#
                )),
                &data,
            ),
        ),
        ("an unknown key of a tensor", edited(r#""shape":[1]"#, r#""shape":[1],"x":1"#)),
        ("no weights", file(&tensors(BIASES), &data[..4])),
        ("other names", edited("0.weights", "0.weight")),
        (
            "biases of another length",
            file(
                &tensors(&format!(
                    "{}{}",
                    BIASES.replace("[1]", "[2]").replace("[0,4]", "[0,8]"),
                    WEIGHTS.replace("[4,12]", "[8,16]")
                )),
                &[&data[..], &[0; 4]].concat(),
            ),
        ),
        ("biases in a matrix", edited("\"shape\":[1]", "\"shape\":[1,1]")),
        ("weights in a list", edited("[2,1]", "[2]")),
        ("weights in a cube", edited("[2,1]", "[2,1,1]")),
        (
            "weights of no column",
            file(&tensors(&WEIGHTS.replace("[2,1]", "[2,0]").replace("[4,12]", "[0,0]")), &[]),
        ),
        ("weights that need more bytes", edited("[2,1]", "[3,1]")),
        ("a shape whose product overflows", edited("[2,1]", "[4294967296,4294967296]")),
        ("a shape whose product overflows to what fits", edited("[2,1]", "[9223372036854775809,2]")),
        ("a shape of 2^64", edited("[2,1]", "[18446744073709551616,1]")),
        ("a shape below 0", edited("[2,1]", "[-2,-1]")),
        ("another type", edited("F32", "F16")),
        ("integers", edited("F32", "I32")),
        ("an unknown type", edited("F32", "F33")),
        (
            "two types",
            file(
                &tensors(&format!("{BIASES}{}", WEIGHTS.replace("F32", "F64").replace("[4,12]", "[4,20]"))),
                &[&data[..], &[0; 8]].concat(),
            ),
        ),
        (
            "a hidden softmax",
            file(
                &header(
                    r#"{"activation":"softmax"},{"activation":"identity"}"#,
                    r#","0.weights":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"1.weights":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}"#,
                ),
                &[0; 16],
            ),
        ),
        (
            "layers that do not fit",
            file(
                &header(
                    r#"{"activation":"tanh"},{"activation":"identity"}"#,
                    r#","0.weights":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"1.weights":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}"#,
                ),
                &[0; 16],
            ),
        ),
        ("no padding", {
            let header = good.trim_end();
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
        }),
        ("more padding", file(&format!("{good}{}", " ".repeat(16)), &data)),
        ("padding with zeros", {
            let mut bytes = file(&good, &data);
            let end = bytes.len() - data.len();
            bytes[end - 1] = 0;
            bytes
        }),
    ];
    for (name, wrong) in [("NaN", f32::NAN), ("infinity", f32::INFINITY), ("-infinity", f32::NEG_INFINITY)] {
        attacks.push((name, file(&good, &numbers(&[1.0, wrong, 3.0]))));
    }
    // Headers that take many times their length in memory.
    let many = |entry: fn(usize) -> String| (0..60_000).map(entry).collect::<String>();
    let cheap = |i| format!(r#","{i}":{{"dtype":"F32","shape":[0],"data_offsets":[12,12]}}"#);
    attacks.push(("many tensors", file(&tensors(&format!("{BIASES}{WEIGHTS}{}", many(cheap))), &data)));
    attacks.push(("many layers", file(&header(&many(|_| format!("{IDENTITY},")), ""), &data)));
    let entries = many(|i| format!(r#","{i}":"""#));
    attacks.push((
        "much metadata",
        edited(r#""__metadata__":{"#, &format!(r#""__metadata__":{{"a":""{entries},"#)),
    ));
    attacks.push(("a long shape", edited("[2,1]", &format!("[2,1{}]", ",1".repeat(100_000)))));
    attacks
}

#[test]
fn attacks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in attacks() {
        let refused = catch_unwind(|| !accepts(&bytes, &folder.path().join("n")));
        assert!(matches!(refused, Ok(true)), "{name}");
    }
}

/// Headers up to the length that is allowed, with as little of numbers as there can be.
#[test]
fn no_header_takes_more_memory_than_there_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n");
    for length in [100, 1_000, 1_900, 2_100, 2_500, 5_000, 20_000] {
        for data in [12usize, 1 << 16, 1 << 20, 1 << 22] {
            let tensor =
                |i| format!(r#","{i}":{{"dtype":"F32","shape":[0],"data_offsets":[{data},{data}]}}"#);
            let tensors: String = (0..length).map(tensor).collect();
            let weights = WEIGHTS
                .replace("[2,1]", &format!("[{},1]", data / 4 - 1))
                .replace("12]", &format!("{data}]"));
            let bytes = file(&header(IDENTITY, &format!("{BIASES}{weights}{tensors}")), &vec![0; data]);
            assert!(!accepts(&bytes, &path));
            let layers = format!("{IDENTITY}{}", format!(",{IDENTITY}").repeat(length));
            let bytes = file(&header(&layers, &format!("{BIASES}{weights}")), &vec![0; data]);
            assert!(!accepts(&bytes, &path));
        }
    }
}

#[test]
fn the_memory_for_large_networks() {
    let folder = tempfile::tempdir().unwrap();
    for (sizes, hidden) in [(vec![700, 900, 3], 1), (vec![20; 600], 598)] {
        let bias = vec![true; sizes.len() - 1];
        let network = Network::<f32>::new(
            &sizes,
            &vec![Activation::Tanh; hidden],
            Activation::Identity,
            &bias,
            Init::Glorot,
            1,
        )
        .unwrap();
        assert!(accepts(&to_bytes(&network).unwrap(), &folder.path().join("n")));
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let layers = 20_000;
    let network = Network::<f32>::new(
        &vec![1; layers + 1],
        &vec![Activation::Tanh; layers - 1],
        Activation::Identity,
        &vec![true; layers],
        Init::Glorot,
        1,
    )
    .unwrap();
    let error = to_bytes(&network).unwrap_err().to_string();
    assert!(error.contains("its header would have") && error.contains("bytes of numbers"), "{error}");
}

// Checkpoints ----------------------------------------------------------------------------------------------

struct Training {
    network: Network<f32>,
    x: Array2<f32>,
    y: Array2<f32>,
    /// Steps of time of each sequence, if the rows of x are such steps.
    lengths: Option<Vec<usize>>,
    loss: Loss,
    optimizer: Optimizer,
    bytes: Vec<u8>,
}

impl Training {
    fn data(&self) -> Dataset<'_, f32> {
        let data = Dataset::new(self.x.view(), self.y.view(), None);
        match &self.lengths {
            Some(lengths) => data.with_sequences(Sequences::new(lengths).unwrap()),
            None => data,
        }
    }

    /// The same with the bytes of a checkpoint after three epochs.
    fn saved(mut self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ckpt");
        let mut trained = self.network.clone();
        let mut state = OptimizerState::new(self.optimizer.clone()).unwrap();
        let checkpoint = Some(Checkpoint { path: path.clone(), every: 1 });
        let settings = Settings { checkpoint, ..settings() };
        train(&mut trained, &self.data(), self.loss, &settings, &mut state, &mut ()).unwrap();
        self.bytes = std::fs::read(path).unwrap();
        self
    }
}

fn settings() -> Settings<'static, f32> {
    Settings { epochs: 3, batch_size: Some(2), restore_best: Some(true), ..Settings::default() }
}

fn training(optimizer: Optimizer) -> Training {
    Training {
        network: Network::new(
            &[2, 3, 1],
            &[Activation::Tanh],
            Activation::LOGISTIC,
            &[true; 2],
            Init::Glorot,
            3,
        )
        .unwrap(),
        x: array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
        y: array![[0.0], [1.0], [1.0], [0.0]],
        lengths: None,
        loss: Loss::LOG_LOSS,
        optimizer,
        bytes: Vec::new(),
    }
    .saved()
}

fn with_stochastic_units() -> Training {
    let units = Activation::from_name("activation", "bernoulli").unwrap();
    let network =
        Network::new(&[2, 3, 1], &[units], Activation::LOGISTIC, &[true; 2], Init::Glorot, 3).unwrap();
    Training { network, ..training(Optimizer::Adam(Adam::default())) }.saved()
}

fn of_complex_numbers() -> Training {
    let network = Network::complex(
        &[1, 2, 1],
        &[Activation::Cardioid],
        Activation::Identity,
        &[true; 2],
        Init::Glorot,
        3,
    )
    .unwrap();
    Training {
        network,
        y: array![[0.0, 1.0], [1.0, 0.5], [1.0, -1.0], [0.0, 0.0]],
        loss: Loss::SquaredError,
        ..training(Optimizer::Rprop(Rprop::default()))
    }
    .saved()
}

fn through_time(kind: Kind, returns: Returns) -> Training {
    let network = Network::recurrent(
        &[2, 2, 1],
        kind,
        returns,
        &[Activation::Tanh],
        Activation::LOGISTIC,
        &[true; 2],
        Init::Glorot,
        RecurrentInit::default(),
        3,
    )
    .unwrap();
    let y = if returns == Returns::Last { array![[0.0], [1.0]] } else { array![[0.0], [1.0], [1.0], [0.0]] };
    let optimizer = Optimizer::Adam(Adam::default());
    Training { network, y, lengths: Some(vec![3, 1]), ..training(optimizer) }.saved()
}

static TRAININGS: LazyLock<Vec<Training>> = LazyLock::new(|| {
    let mut all = vec![
        training(Optimizer::Adam(Adam::default())),
        training(Optimizer::Rprop(Rprop::default())),
        with_stochastic_units(),
        of_complex_numbers(),
    ];
    for kind in Kind::ALL.into_iter().filter(|kind| kind.recurs()) {
        all.extend([Returns::Every, Returns::Last].map(|returns| through_time(kind, returns)));
    }
    all
});

/// Reads a checkpoint within the memory that there may be; whether it is one.
fn is_accepted_by(training: &Training, bytes: &[u8]) -> bool {
    let Training { network, loss, optimizer, .. } = training;
    let data = training.data();
    let (again, peak) = peak_of(|| rewritten(bytes, network, &data, *loss, &settings(), optimizer));
    // The bytes written are among them.
    assert!(peak <= 3 * bytes.len() + MIB, "{peak} bytes for {}", bytes.len());
    match again {
        Ok(again) => {
            assert_eq!(again, bytes, "written again it differs");
            true
        }
        Err(error) => {
            assert!(error.to_string().len() > 10);
            false
        }
    }
}

#[test]
fn a_checkpoint_is_written_again_byte_by_byte() {
    for training in &*TRAININGS {
        assert!(is_accepted_by(training, &training.bytes));
    }
}

#[test]
fn edited_checkpoints_are_refused() {
    let training = &TRAININGS[0];
    let text = String::from_utf8_lossy(&training.bytes).into_owned();
    let length = u64::from_le_bytes(training.bytes[..8].try_into().unwrap()) as usize;
    let (head, data) = (text.split_at(8).1, &training.bytes[8 + length..]);
    let head = head[..length].trim_end();
    for (from, to) in [
        ("ferroprop.checkpoint", "ferroprop.network"),
        (r#"version\":1"#, r#"version\":2"#),
        (r#"\"steps\":6"#, r#"\"steps\":18446744073709551615"#),
        (r#"\"steps\":6"#, r#"\"steps\":-6"#),
        (r#"\"steps\":6"#, r#"\"steps\":06"#),
        (r#"\"steps\":6"#, r#"\"steps\":6,\"x\":1"#),
        (r#"\"rows_seen\":12"#, r#"\"rows_seen\":9007199254740993"#),
        (r#"\"best_epoch\":"#, r#"\"best_epoch\":9"#),
        (r#"\"bad_epochs\":"#, r#"\"bad_epochs\":9"#),
        (r#"\"best\":\"0."#, r#"\"best\":\"00."#),
        (r#"\"best\":\""#, r#"\"best\":\"x"#),
        (r#"\"seconds\":"#, r#"\"seconds\":-"#),
        (r#"\"learning_rate\":0.001"#, r#"\"learning_rate\":null"#),
        (r#"\"learning_rate\":0.001"#, r#"\"learning_rate\":-0.001"#),
        (r#"\"previous_loss\":0"#, r#"\"previous_loss\":null"#),
        (r#"\"batch_size\":\"2\""#, r#"\"batch_size\":\"3\""#),
        ("history.loss", "history.lost"),
        ("\"shape\":[3]", "\"shape\":[4]"),
        ("optimizer.first_moment", "optimizer.first_momentum"),
        ("\"best\":{", "\"bast\":{"),
    ] {
        assert!(head.contains(from), "{from} is not in {head}");
        let bytes = file(&head.replacen(from, to, 1), data);
        assert!(!is_accepted_by(training, &bytes), "{from} -> {to}");
    }
    // Not a number, anywhere among those of the network and the optimizer; before them are three lists
    // with a number for each of three epochs.
    for start in (8 + length + 3 * 3 * 8..training.bytes.len()).step_by(4) {
        let mut bytes = training.bytes.clone();
        bytes[start..start + 4].fill(0xff);
        assert!(!is_accepted_by(training, &bytes), "NaN at {start}");
    }
}

// Mutations ------------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Mutation {
    Flip(usize, u8),
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Truncate(usize),
    Length(u64),
    /// Replaces a number, or a word of the header, by another.
    Word(usize, String),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len().max(1);
        let header = bytes.get(..8).map_or(0, |b| u64::from_le_bytes(b.try_into().unwrap()) as usize);
        match self {
            _ if bytes.is_empty() => {}
            Self::Flip(at, mask) => bytes[at % len] ^= mask,
            Self::Set(at, value) => bytes[at % len] = *value,
            Self::Insert(at, more) => drop(bytes.splice(at % len..at % len, more.iter().copied())),
            Self::Remove(at, count) => drop(bytes.drain(at % len..(at % len + count % 64).min(len))),
            Self::Copy(from, count, to) => {
                let some = bytes[from % len..(from % len + count % 256).min(len)].to_vec();
                drop(bytes.splice(to % len..to % len, some));
            }
            Self::Truncate(at) => bytes.truncate(at % len),
            Self::Length(length) => {
                let count = 8.min(len);
                bytes[..count].copy_from_slice(&length.to_le_bytes()[..count]);
            }
            Self::Word(at, word) => {
                let Some(head) = bytes.get(8..header.saturating_add(8).min(len)) else { return };
                let head = String::from_utf8_lossy(head).into_owned();
                let is_part = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
                let starts: Vec<_> = head
                    .char_indices()
                    .filter(|(i, c)| is_part(*c) && !head[..*i].ends_with(is_part))
                    .collect();
                let Some((start, _)) = starts.get(at % starts.len().max(1)) else { return };
                let end = head[*start..].find(|c| !is_part(c)).map_or(head.len(), |end| start + end);
                let new = format!("{}{word}{}", &head[..*start], &head[end..]);
                let data = bytes[(8 + header).min(len)..].to_vec();
                *bytes = file(new.trim_end(), &data);
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<usize>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, mask)| Mutation::Flip(at, mask)),
        (at(), any::<u8>()).prop_map(|(at, value)| Mutation::Set(at, value)),
        (at(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, more)| Mutation::Insert(at, more)),
        (at(), at()).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (at(), at(), at()).prop_map(|(from, count, to)| Mutation::Copy(from, count, to)),
        at().prop_map(Mutation::Truncate),
        prop_oneof![any::<u64>(), 0..1000u64].prop_map(Mutation::Length),
        (at(), "[0-9]{1,20}|-1|1e99|0\\.5|null|F64|F32|F16|weights|biases|tanh|softmax|bernoulli|cardioid|rnn|lstm|gru|complex|last|every|[a-z]{1,5}")
            .prop_map(|(at, word)| Mutation::Word(at, word)),
    ]
}

/// Networks of every kind of layers, with every activation that they may have.
fn network() -> impl Strategy<Value = Vec<u8>> {
    let activation = prop_oneof![
        4 => (0..Activation::ALL.len()).prop_map(|index| Activation::ALL[index]),
        1 => (0.1f64..3.0).prop_map(|slope| Activation::Logistic { slope }),
        1 => (0.1f64..3.0).prop_map(|alpha| Activation::Elu { alpha }),
        1 => (1u32..4).prop_map(|k| match Activation::from_name("activation", "categorical").unwrap() {
            Activation::Categorical { estimator, temperature, samples, frozen, .. } => {
                Activation::Categorical { k, estimator, temperature, samples, frozen }
            }
            other => other,
        }),
    ];
    let layer = (1usize..4, activation, any::<bool>());
    let kind = (0..Kind::ALL.len(), any::<bool>());
    (1usize..4, prop::collection::vec(layer, 1..4), kind, any::<bool>()).prop_filter_map(
        "an activation that is not for this kind or place",
        |(inputs, layers, (kind, last), double)| {
            let sizes: Vec<_> = std::iter::once(inputs).chain(layers.iter().map(|layer| layer.0)).collect();
            let activations: Vec<_> = layers.iter().map(|layer| layer.1).collect();
            let bias: Vec<_> = layers.iter().map(|layer| layer.2).collect();
            let returns = if last { Returns::Last } else { Returns::Every };
            let parts = (&sizes[..], &activations[..], &bias[..], Kind::ALL[kind], returns);
            if double { network_of::<f64>(parts) } else { network_of::<f32>(parts) }
        },
    )
}

type Parts<'a> = (&'a [usize], &'a [Activation], &'a [bool], Kind, Returns);

/// A network in bytes, if there can be such a one.
fn network_of<T: ferroprop::Scalar>((sizes, activations, bias, kind, returns): Parts<'_>) -> Option<Vec<u8>> {
    let (output, hidden) = activations.split_last()?;
    let init = Init::Glorot;
    let network = match kind {
        Kind::Dense => Network::<T>::new(sizes, hidden, *output, bias, init, 1),
        Kind::Complex => Network::complex(sizes, hidden, *output, bias, init, 1),
        _ => {
            let recurrent = RecurrentInit::default();
            Network::recurrent(sizes, kind, returns, hidden, *output, bias, init, recurrent, 1)
        }
    };
    network.ok().map(|network| to_bytes(&network).unwrap())
}

fn mutate_networks(cases: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("n");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        // A draw that is no network is none of the cases.
        max_local_rejects: u32::MAX,
        ..ProptestConfig::with_cases(cases)
    });
    let strategy = (network(), prop::collection::vec(mutation(), 0..4));
    runner
        .run(&strategy, |(mut bytes, mutations)| {
            for mutation in &mutations {
                mutation.apply(&mut bytes);
            }
            let accepted = accepts(&bytes, &path);
            prop_assert!(accepted || !mutations.is_empty());
            Ok(())
        })
        .unwrap();
}

fn mutate_checkpoints(cases: u32) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    });
    let strategy = (0..TRAININGS.len(), prop::collection::vec(mutation(), 0..3));
    runner
        .run(&strategy, |(which, mutations)| {
            let training = &TRAININGS[which];
            let mut bytes = training.bytes.clone();
            for mutation in &mutations {
                mutation.apply(&mut bytes);
            }
            let accepted = is_accepted_by(training, &bytes);
            prop_assert!(accepted || !mutations.is_empty());
            Ok(())
        })
        .unwrap();
}

/// The draws are of all kinds of layers, and of all activations but those that only a rare combination has.
#[test]
fn networks_of_all_kinds_are_drawn() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let drawn: Vec<_> = (0..3_000).map(|_| network().new_tree(&mut runner).unwrap().current()).collect();
    let headers: Vec<_> = drawn.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Dense) {
        assert!(headers.iter().any(|header| header.contains(&format!(r#"\"{}\"#, kind.name()))));
    }
    for activation in Activation::ALL {
        let name = format!(r#"\"activation\":\"{}\"#, activation.name());
        assert!(headers.iter().any(|header| header.contains(&name)), "{name}");
    }
}

#[test]
fn mutated_networks() {
    mutate_networks(3_000);
}

#[test]
fn mutated_checkpoints() {
    mutate_checkpoints(5_000);
}

#[test]
#[ignore = "minutes"]
fn a_million_mutated_files() {
    mutate_networks(300_000);
    mutate_checkpoints(700_000);
}
