//! Memory that runs out: whatever large allocation fails, a call ends with an error and changes nothing.
//!
//! The allocator refuses the n-th allocation of more than a few KiB, for every n that a call gets to. A refusal
//! that nobody handles ends the process, so each n has one of its own: this program again, told by the
//! environment what to do.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;
use std::process::Command;

use ferroprop::{
    Activation, Checkpoint, Dataset, Error, Init, Lbfgs, Loss, Network, Optimizer, OptimizerState, Settings,
    from_bytes, load, minimize, save, to_bytes, train,
};
use ndarray::Array2;

/// What is smaller does not grow with what a caller gives.
const LARGE: usize = 9 << 10;

thread_local! {
    static SEEN: Cell<usize> = const { Cell::new(0) };
    static REFUSED: Cell<usize> = const { Cell::new(usize::MAX) };
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

struct Refusing;

impl Refusing {
    fn refuses(bytes: usize) -> bool {
        if bytes < LARGE || !ARMED.get() {
            return false;
        }
        let place = SEEN.get();
        SEEN.set(place + 1);
        place == REFUSED.get()
    }
}

// Safety: every call goes to the system's allocator as it came, or gives null, as allocators may.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if Self::refuses(layout.size()) {
            return std::ptr::null_mut();
        }
        // Safety: what the caller promises is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Safety: what the caller promises is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if Self::refuses(size) {
            return std::ptr::null_mut();
        }
        // Safety: what the caller promises is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

fn network() -> Network<f64> {
    let (hidden, bias) = ([Activation::Tanh, Activation::Gelu], [true; 3]);
    Network::new(&[60, 70, 40, 30], &hidden, Activation::Identity, &bias, Init::Glorot, 1).unwrap()
}

fn matrix(columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((200, columns), |(row, column)| ((row * 7 + column * 3) % 11) as f64 / 11.0)
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ferroprop-allocations-{}-{name}", std::process::id()))
}

const CALLS: [&str; 10] = [
    "new",
    "clone",
    "predict",
    "input_gradient",
    "gradient",
    "layer_values",
    "bytes",
    "file",
    "train",
    "minimize",
];

/// Makes a call, with the allocator armed for it alone; whether it succeeded, and whether all is as it was.
fn make(call: &str) -> (Result<(), Error>, bool) {
    let mut network = network();
    let before = network.clone();
    let (x, y) = (matrix(60), matrix(30));
    let data = Dataset::new(x.view(), y.view(), None);
    let bytes = to_bytes(&network).unwrap();
    let (model, checkpoint) = (path("model"), path("checkpoint"));
    save(&network, &model).unwrap();
    let mut gradients = vec![0.0; 200 * 60 * 30];
    let mut state = OptimizerState::new(Optimizer::from_name("adam").unwrap()).unwrap();
    let validation = Some(data.clone());
    let settings = Settings {
        epochs: 3,
        batch_size: Some(64),
        dropout: vec![0.2.into(), 0.1.into()],
        validation,
        n_threads: Some(1),
        checkpoint: Some(Checkpoint { path: checkpoint.clone(), every: 1 }),
        ..Settings::default()
    };
    let (hidden, bias) = ([Activation::Tanh, Activation::Gelu], [true; 3]);
    ARMED.set(true);
    let result = match call {
        "new" => {
            Network::<f64>::new(&[60, 70, 40, 30], &hidden, Activation::Identity, &bias, Init::Glorot, 1)
                .map(drop)
        }
        "clone" => network.try_clone().map(drop),
        "predict" => network.predict(x.view(), Some(1)).map(drop),
        "input_gradient" => network.input_gradient_into(x.view(), &mut gradients, Some(1)),
        "gradient" => network.loss_and_gradient(&data, Loss::SquaredError, 0.1, Some(1)).map(drop),
        "layer_values" => network.layer_values(&data, Loss::SquaredError).map(drop),
        "bytes" => to_bytes(&network).and_then(|_| from_bytes::<f64>(&bytes, "bytes")).map(drop),
        "file" => save(&network, &model).and_then(|()| load::<f64>(&model)).map(drop),
        "train" => train(&mut network, &data, Loss::SquaredError, &settings, &mut state, &mut ()).map(drop),
        "minimize" => {
            let settings = Lbfgs { max_iter: 3, n_threads: Some(1), ..Lbfgs::default() };
            minimize(&mut network, &data, Loss::SquaredError, &settings, &mut ()).map(drop)
        }
        other => panic!("there is no call {other}"),
    };
    ARMED.set(false);
    let unchanged = network == before && state.steps() == 0;
    std::fs::remove_file(&model).ok();
    std::fs::remove_file(&checkpoint).ok();
    (result, unchanged)
}

const TOLD: &str = "FERROPROP_REFUSED_ALLOCATION";

/// What a child does: prints how many large allocations the call got to, and what came of it.
#[test]
fn a_child_makes_its_call() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let (call, place) = told.split_once(' ').unwrap();
    REFUSED.set(place.parse().unwrap());
    let (result, unchanged) = make(call);
    let seen = SEEN.get();
    match result {
        Ok(()) => println!("OUTCOME done {seen}"),
        Err(Error::OutOfMemory { .. }) if unchanged => println!("OUTCOME refused {seen}"),
        Err(Error::OutOfMemory { .. }) => println!("OUTCOME changed {seen}"),
        Err(error) => println!("OUTCOME other {error}"),
    }
}

fn child(call: &str, place: usize) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_child_makes_its_call", "--nocapture", "--test-threads=1"])
        .env(TOLD, format!("{call} {place}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outcome = text.split("OUTCOME ").nth(1).and_then(|rest| rest.lines().next()).map(str::to_owned);
    let told = String::from_utf8_lossy(&output.stderr);
    outcome.unwrap_or_else(|| panic!("{call}, allocation {place}: the process ended\n{told}"))
}

#[test]
fn every_large_allocation_may_fail() {
    for call in CALLS {
        let mut place = 0;
        loop {
            let outcome = child(call, place);
            match outcome.split_once(' ').unwrap() {
                ("refused", _) => {}
                // The call has no such allocation any more.
                ("done", seen) if seen.parse::<usize>().unwrap() <= place => break,
                _ => panic!("{call}, allocation {place}: {outcome}"),
            }
            place += 1;
        }
        assert!(place > 0, "{call} has no large allocation");
    }
}
