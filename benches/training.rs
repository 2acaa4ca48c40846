//! One training step of each workload, on one thread and on more.
//!
//! Operations are counted as in `docs/performance.md`: batch x (4 x weights of the first layer + 6 x
//! weights of the later ones).

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use ferroprop::{
    Activation, Adam, Dataset, Init, Loss, Network, Optimizer, OptimizerState, Rprop, Scalar, Settings, train,
};
use ndarray::Array2;
use support::{bench_share, numbers, peak, settings};

struct Workload {
    name: &'static str,
    sizes: &'static [usize],
    hidden: Activation,
    output: Activation,
    rows: usize,
    batch: Option<usize>,
}

const WORKLOADS: [Workload; 7] = [
    workload("iris", &[4, 10, 3], Activation::LOGISTIC, Activation::Softmax, 150, None),
    workload("tabular", &[20, 64, 64, 1], Activation::Relu, Activation::Identity, 20_000, Some(128)),
    workload("digits", &[64, 100, 10], Activation::Relu, Activation::Softmax, 1_797, Some(200)),
    workload("digits-full", &[64, 100, 10], Activation::LOGISTIC, Activation::Softmax, 1_797, None),
    workload("mnist", &[784, 256, 128, 10], Activation::Relu, Activation::Softmax, 10_240, Some(256)),
    workload("mnist-full", &[784, 256, 128, 10], Activation::LOGISTIC, Activation::Softmax, 10_240, None),
    workload("wide", &[512, 2048, 2048, 512], Activation::Relu, Activation::Identity, 4_096, Some(1_024)),
];

const fn workload(
    name: &'static str,
    sizes: &'static [usize],
    hidden: Activation,
    output: Activation,
    rows: usize,
    batch: Option<usize>,
) -> Workload {
    Workload { name, sizes, hidden, output, rows, batch }
}

impl Workload {
    /// Floating-point operations of an epoch.
    fn operations(&self) -> f64 {
        let weights: Vec<_> = self.sizes.windows(2).map(|fans| (fans[0] * fans[1]) as f64).collect();
        self.rows as f64 * (4.0 * weights[0] + 6.0 * weights[1..].iter().sum::<f64>())
    }

    fn data<T: Scalar>(&self) -> (Array2<T>, Array2<T>) {
        let (inputs, outputs) = (self.sizes[0], self.sizes[self.sizes.len() - 1]);
        let x = Array2::from_shape_vec((self.rows, inputs), numbers(self.rows * inputs, 1).to_vec());
        let y = Array2::from_shape_fn((self.rows, outputs), |(row, column)| match self.output {
            Activation::Identity => T::from_f64((row * column % 7) as f64 / 7.0),
            Activation::Softmax => T::from_f64(f64::from(u8::from(row % outputs == column))),
            _ => T::from_f64((row % 2) as f64),
        });
        (x.expect("as many numbers as the shape says"), y)
    }

    /// Epochs of training on `threads` threads, from fresh weights.
    fn run<T: Scalar>(&self, (x, y): &(Array2<T>, Array2<T>), threads: usize, epochs: usize) {
        let hidden = vec![self.hidden; self.sizes.len() - 2];
        let bias = vec![true; self.sizes.len() - 1];
        let mut network =
            Network::new(self.sizes, &hidden, self.output, &bias, Init::Glorot, 0).expect("valid");
        let optimizer = match self.batch {
            None => Optimizer::Rprop(Rprop::default()),
            Some(_) => Optimizer::Adam(Adam::default()),
        };
        let mut state = OptimizerState::new(optimizer).expect("valid");
        let settings =
            Settings { epochs, batch_size: self.batch, n_threads: Some(threads), ..Settings::default() };
        let data = Dataset::new(x.view(), y.view(), None);
        train(&mut network, &data, Loss::natural(self.output), &settings, &mut state, &mut ())
            .expect("the data fit");
    }
}

fn steps<T: Scalar>(c: &mut Criterion) {
    let peak = peak::<T>();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let counts: Vec<_> =
        std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|&count| count <= cores).collect();
    for workload in &WORKLOADS {
        let data = workload.data::<T>();
        let mut group = c.benchmark_group(format!("epoch/{}", T::NAME));
        // Long enough that making the network and the workspaces does not count.
        let epochs = (2e8 / workload.operations()).ceil() as usize;
        for &threads in &counts {
            let operations = workload.operations() * epochs as f64;
            let name = format!("{} {threads} thread(s)", workload.name);
            bench_share(&mut group, &name, operations, peak * threads as f64, || {
                workload.run(&data, threads, epochs);
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = training;
    config = settings();
    targets = steps::<f32>, steps::<f64>
}
criterion_main!(training);
