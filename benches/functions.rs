//! The crate's own functions beside those of the standard library, one core, 4096 numbers in cache.

mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ferroprop::kernel::{InstructionSet, Scalar, Simd, Task, dispatch_on, math};
use ferroprop::memory::Aligned;
use support::{bench_elements, settings};

const COUNT: usize = 4096;

/// `output[i] = function(input[i])`, compiled for each instruction set.
struct Map<'a, T, F> {
    function: F,
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Scalar, F: Fn(T) -> T> Task<T> for Map<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        for (x, y) in self.input.iter().zip(self.output) {
            *y = (self.function)(*x);
        }
    }
}

/// Times `ours` on every instruction set that the machine has, and `std` in a plain loop, with
/// arguments in `low..high`.
fn bench<T: Scalar>(
    c: &mut Criterion,
    name: &str,
    (low, high): (f64, f64),
    ours: impl Fn(T) -> T + Copy,
    std: impl Fn(T) -> T,
) {
    // Input and output start in the middle of different pages: where addresses are equal modulo
    // 4096, loads wait for stores that they do not depend on, and the loop takes up to three times
    // as long.
    let mut buffer = Aligned::<T>::zeros(2 * COUNT + 512).expect("a few pages");
    let (input, output) = buffer.split_at_mut(COUNT + 512);
    let input = &mut input[..COUNT];
    for (i, x) in input.iter_mut().enumerate() {
        // A permutation, so that neighbours take different ways through a branching function.
        let unit = (i * 2_654_435_761 % COUNT) as f64 / COUNT as f64;
        *x = T::from_f64(low + (high - low) * unit);
    }
    let mut group = c.benchmark_group(format!("{name}/{}", T::NAME));
    for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
        bench_elements::<T>(&mut group, set.name(), COUNT, || {
            dispatch_on(set, Map { function: ours, input: black_box(&*input), output: &mut *output });
            black_box(&mut *output);
        });
    }
    bench_elements::<T>(&mut group, "std", COUNT, || {
        for (x, y) in black_box(&*input).iter().zip(&mut *output) {
            *y = std(*x);
        }
        black_box(&mut *output);
    });
    group.finish();
}

macro_rules! functions {
    ($name:ident, $t:ident, $exp:ident, $log:ident, $log1p:ident, $tanh:ident, $logistic:ident, $softplus:ident) => {
        fn $name(c: &mut Criterion) {
            bench(c, "exp", (-8.0, 8.0), math::$exp, $t::exp);
            bench(c, "log", (1e-3, 40.0), math::$log, $t::ln);
            bench(c, "log1p", (-0.9, 40.0), math::$log1p, $t::ln_1p);
            bench(c, "tanh", (-8.0, 8.0), math::$tanh, $t::tanh);
            bench(c, "logistic", (-8.0, 8.0), math::$logistic, |x: $t| 1.0 / (1.0 + (-x).exp()));
            bench(c, "softplus", (-8.0, 8.0), math::$softplus, |x: $t| x.max(0.0) + (-x.abs()).exp().ln_1p());
            // Saturated units: results that are denormals or 0, which must not be slower.
            let least = f64::from($t::MIN_POSITIVE).ln();
            let range = (1.2 * least, 0.95 * least);
            bench(c, "exp of little", range, math::$exp, $t::exp);
            bench(c, "logistic of little", range, math::$logistic, |x: $t| 1.0 / (1.0 + (-x).exp()));
        }
    };
}

functions!(f32_functions, f32, exp_f32, log_f32, log1p_f32, tanh_f32, logistic_f32, softplus_f32);
functions!(f64_functions, f64, exp_f64, log_f64, log1p_f64, tanh_f64, logistic_f64, softplus_f64);

criterion_group! {
    name = functions;
    config = settings();
    targets = f32_functions, f64_functions
}
criterion_main!(functions);
