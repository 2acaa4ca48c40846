//! A training allocates what it needs before its first step: on one thread, more steps make no more allocations, but for those
//! by which the history grows.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread;

use ferroprop::{
    Activation, Dataset, Init, Kind, Lbfgs, Loss, Network, Optimizer, OptimizerState, RecurrentInit, Returns,
    Sequences, Settings, SparseRows, minimize, train,
};
use ndarray::Array2;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// Safety: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // Safety: what the caller promises is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Safety: what the caller promises is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // Safety: what the caller promises is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 11.0)
}

/// How many allocations a training of so many epochs makes, of a copy of the network.
fn allocations(network: &Network<f32>, data: &Dataset<'_, f32>, settings: &Settings<'_, f32>) -> usize {
    let mut network = network.clone();
    let mut state = OptimizerState::new(Optimizer::from_name("adam").unwrap()).unwrap();
    let before = COUNT.get();
    train(&mut network, data, Loss::SquaredError, settings, &mut state, &mut ()).unwrap();
    COUNT.get() - before
}

/// A training of 410 epochs makes hardly more allocations than one of 10: those of the history, whose vectors double.
fn assert_none_per_step(what: &str, network: &Network<f32>, data: &Dataset<'_, f32>, batch: Option<usize>) {
    let of = |epochs| {
        let settings =
            Settings { epochs, batch_size: batch, n_threads: Some(1), alpha: 0.01, ..Settings::default() };
        allocations(network, data, &settings)
    };
    // On threads that have kept no buffers of other trainings.
    let [few, many] =
        [10, 410].map(|epochs| thread::scope(|scope| scope.spawn(|| of(epochs)).join().unwrap()));
    assert!(many - few < 60, "{what}, batches of {batch:?}: {few} allocations in 10 epochs, {many} in 410");
}

#[test]
fn steps_of_rows_allocate_nothing() {
    let straight = Activation::from_name("activation", "bernoulli").unwrap();
    for (hidden, batch) in [Activation::Tanh, straight]
        .into_iter()
        .flat_map(|hidden| [None, Some(16)].map(|batch| (hidden, batch)))
    {
        // Units along the lanes, rows along the lanes, one output.
        for sizes in [[6, 40, 30, 20], [4, 10, 8, 3], [30, 20, 10, 1]] {
            let (bias, output) = ([true; 3], Activation::Identity);
            let network = Network::new(&sizes, &[hidden; 2], output, &bias, Init::Glorot, 1).unwrap();
            let (x, y) = (matrix(60, sizes[0]), matrix(60, sizes[3]));
            let data = Dataset::new(x.view(), y.view(), None);
            assert_none_per_step(&format!("{sizes:?} {hidden:?}"), &network, &data, batch);
        }
    }
}

#[test]
fn steps_of_sparse_rows_allocate_nothing() {
    let columns: Vec<u32> = (0..180).map(|place| (place % 3) * 25 + place % 20).collect();
    let starts: Vec<usize> = (0..=60).map(|row| row * 3).collect();
    let x = SparseRows::new(80, starts, columns, vec![0.5; 180]).unwrap();
    for outputs in [20, 1] {
        let (bias, hidden, output) = ([true; 2], [Activation::Tanh], Activation::Identity);
        let network = Network::new(&[80, outputs, 1], &hidden, output, &bias, Init::Glorot, 1).unwrap();
        let y = matrix(60, 1);
        let data = Dataset::new(&x, y.view(), None);
        for batch in [None, Some(16)] {
            assert_none_per_step("sparse", &network, &data, batch);
        }
    }
}

#[test]
fn steps_of_complex_rows_allocate_nothing() {
    let (bias, hidden) = ([true; 2], [Activation::Cardioid]);
    let network =
        Network::complex(&[5, 20, 2], &hidden, Activation::Identity, &bias, Init::Glorot, 1).unwrap();
    let (x, y) = (matrix(60, 10), matrix(60, 4));
    let data = Dataset::new(x.view(), y.view(), None);
    for batch in [None, Some(16)] {
        assert_none_per_step("complex", &network, &data, batch);
    }
}

fn recurrent(sizes: &[usize; 3], kind: Kind, returns: Returns) -> Network<f32> {
    let (hidden, bias, init) = ([Activation::Tanh], [true; 2], RecurrentInit::default());
    let output = Activation::Identity;
    Network::recurrent(sizes, kind, returns, &hidden, output, &bias, Init::Glorot, init, 1).unwrap()
}

#[test]
fn steps_of_sequences_allocate_nothing() {
    let lengths = [7, 3, 5, 1, 7, 2, 4, 6];
    let steps = lengths.iter().sum();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.recurs()) {
        for returns in [Returns::Every, Returns::Last] {
            let network = recurrent(&[3, 20, 2], kind, returns);
            let targets = if returns == Returns::Every { steps } else { lengths.len() };
            let (x, y) = (matrix(steps, 3), matrix(targets, 2));
            let data =
                Dataset::new(x.view(), y.view(), None).with_sequences(Sequences::new(&lengths).unwrap());
            for batch in [None, Some(3)] {
                assert_none_per_step(&format!("{kind:?} {returns:?}"), &network, &data, batch);
            }
        }
    }
}

/// So many steps of time that their pairs of inputs and deltas are asked for one by one.
#[test]
fn steps_of_long_sequences_allocate_nothing() {
    let lengths = [100; 32];
    let network = recurrent(&[2, 20, 1], Kind::Lstm, Returns::Last);
    let (x, y) = (matrix(3_200, 2), matrix(32, 1));
    let data = Dataset::new(x.view(), y.view(), None).with_sequences(Sequences::new(&lengths).unwrap());
    assert_none_per_step("long sequences", &network, &data, None);
}

#[test]
fn iterations_of_a_search_allocate_nothing() {
    let (bias, hidden) = ([true; 2], [Activation::Tanh]);
    let network = Network::new(&[6, 40, 3], &hidden, Activation::Identity, &bias, Init::Glorot, 1).unwrap();
    let (x, y) = (matrix(60, 6), matrix(60, 3));
    let data = Dataset::new(x.view(), y.view(), None);
    let of = |max_iter| {
        let settings =
            Lbfgs { max_iter, gtol: 0.0, ftol: 0.0, alpha: 0.01, n_threads: Some(1), ..Lbfgs::default() };
        let mut network = network.clone();
        let before = COUNT.get();
        let minimum = minimize(&mut network, &data, Loss::SquaredError, &settings, &mut ()).unwrap();
        (COUNT.get() - before, minimum.iterations())
    };
    let ((few, _), (many, iterations)) = (of(10), of(60));
    assert!(iterations > 30, "{iterations}");
    assert!(many - few < 20, "{few} allocations in 10 iterations, {many} in {iterations}");
}

#[test]
fn a_second_call_uses_the_buffers_of_the_first() {
    let (bias, hidden, output) = ([true; 3], [Activation::Relu; 2], Activation::Identity);
    let network = Network::new(&[20, 40, 30, 3], &hidden, output, &bias, Init::Glorot, 1).unwrap();
    let (x, y) = (matrix(60, 20), matrix(60, 3));
    let data = Dataset::new(x.view(), y.view(), None);
    let settings = Settings { epochs: 1, n_threads: Some(1), ..Settings::default() };
    let [first, second] = [(); 2].map(|()| allocations(&network, &data, &settings));
    assert!(3 * second < 2 * first, "{first} allocations in the first call, {second} in the second");
}
