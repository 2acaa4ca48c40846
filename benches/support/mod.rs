//! What the benches share: the machine's peak, and a criterion group that prints shares of it.

#![allow(dead_code)] // each bench uses a part

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};
use ferroprop::kernel::{MOST_LANES, Scalar, Simd, Task, dispatch, halving_sum};
use ferroprop::memory::Aligned;

/// Fused multiply-adds on registers alone, in enough independent chains to fill every pipeline.
struct Peak<T> {
    rounds: usize,
    seed: T,
}

impl<T: Scalar> Task<T> for Peak<T> {
    /// Lines summed, so that nothing is optimised away, and the floating-point operations done.
    type Output = (T, f64);

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> (T, f64) {
        // As many chains as the largest tile of a product has sums: so many fit in registers.
        const MOST_CHAINS: usize = 24;
        let chains = S::SUMS;
        let factor = simd.splat(self.seed);
        // Different numbers, or chains, and halves of vectors, would be recognised as one.
        let start: [T; MOST_CHAINS * MOST_LANES] = std::array::from_fn(|index| T::from_f64(index as f64));
        let mut sums: [S::V; MOST_CHAINS] =
            std::array::from_fn(|chain| simd.read(&start[chain * T::LANES..]));
        for _ in 0..self.rounds {
            for sum in &mut sums[..chains] {
                *sum = simd.mul_add(*sum, factor, factor);
            }
        }
        // All of them count, or the compiler would leave some out.
        let total = sums.into_iter().reduce(|a, b| simd.add(a, b));
        let mut vector = [T::ZERO; MOST_LANES];
        if let Some(total) = total {
            simd.write(&mut vector, total);
        }
        (halving_sum(vector), (2 * chains * T::LANES * self.rounds) as f64)
    }
}

/// Floating-point operations a second that one core can do: the best of many short runs.
pub fn peak<T: Scalar>() -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..200 {
        let start = Instant::now();
        let (sum, operations) = dispatch(Peak { rounds: 20_000, seed: black_box(T::from_f64(0.5)) });
        black_box(sum);
        best = best.max(operations / start.elapsed().as_secs_f64());
    }
    best
}

/// Times `routine`, which does `operations` floating-point operations, and prints its share of `peak`.
pub fn bench_share(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    operations: f64,
    peak: f64,
    routine: impl FnMut(),
) {
    let Some(fastest) = bench_fastest(group, name, Throughput::Elements(operations as u64), routine) else {
        return;
    };
    let rate = operations / fastest;
    println!(
        "{name}: {:.1} GFLOP/s, {:.0} % of the measured peak of {:.1}",
        rate / 1e9,
        100.0 * rate / peak,
        peak / 1e9
    );
}

/// Times `routine`, which computes `count` elements, and prints what one costs, in seconds and in
/// operations at the peak rate.
pub fn bench_elements<T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    count: usize,
    routine: impl FnMut(),
) {
    let Some(fastest) = bench_fastest(group, name, Throughput::Elements(count as u64), routine) else {
        return;
    };
    let each = fastest / count as f64;
    println!(
        "{name}: {:.3} ns an element, the time of {:.0} operations at the measured peak",
        each * 1e9,
        each * peak::<T>()
    );
}

/// Times `routine` and returns the seconds of the fastest sample: on a shared machine the others
/// measure the neighbours. `None` if the command vector leaves it out.
fn bench_fastest(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    throughput: Throughput,
    mut routine: impl FnMut(),
) -> Option<f64> {
    let fastest = Cell::new(f64::INFINITY);
    group.throughput(throughput);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                routine();
            }
            let elapsed = start.elapsed();
            fastest.set(fastest.get().min(elapsed.as_secs_f64() / iterations as f64));
            elapsed
        });
    });
    Some(fastest.get()).filter(|fastest| fastest.is_finite())
}

/// Numbers that are neither special nor regular.
pub fn numbers<T: Scalar>(count: usize, seed: u64) -> Aligned<T> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut numbers = zeros::<T>(count);
    for number in numbers.iter_mut() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *number = T::from_f64((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5);
    }
    numbers
}

/// Room for results.
pub fn zeros<T: Scalar>(count: usize) -> Aligned<T> {
    Aligned::zeros(count).expect("memory for a bench")
}

/// A short sampling: the fastest sample is what counts.
pub fn settings() -> criterion::Criterion {
    criterion::Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
}
