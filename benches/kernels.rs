//! The matrix tiles over sizes, on one core, beside `gemm` and `gemmkit`.
//!
//! Shapes are (rows, depth, columns), those of the workloads' layers among them. The products of
//! the other crates come without bias and activation, ours with the bias; ours finds its operands
//! in panels, theirs row by row, as each keeps them between steps.

mod support;

use criterion::{criterion_group, criterion_main};
use ferroprop::kernel::{
    Gradient, Layout, Product, Repeated, Rows, Scalar, SingleOutputProduct, Start, Terms, Then, dispatch,
    is_single_output, panel_vectors, panels, weight_vectors,
};
use gemmkit::{MatMut, MatRef};
use support::{bench_share, numbers, peak, settings, zeros};

const SHAPES: [(usize, usize, usize); 10] = [
    (150, 4, 10),
    (128, 20, 64),
    (128, 64, 64),
    (128, 64, 1),
    (200, 64, 100),
    (200, 100, 10),
    (128, 784, 256),
    (128, 256, 128),
    (128, 512, 2048),
    (128, 2048, 2048),
];

fn products<T: Scalar>(c: &mut criterion::Criterion) {
    let peak = peak::<T>();
    let mut group = c.benchmark_group(format!("product/{}", T::NAME));
    for (rows, depth, columns) in SHAPES {
        let stride = panel_vectors(rows) * T::LANES;
        let input = numbers::<T>(panels::<T>(depth) * stride, 1);
        let right_stride = (depth + 1) * T::LANES;
        let right = numbers::<T>(panels::<T>(columns) * right_stride, 2);
        let mut output = zeros::<T>(panels::<T>(columns) * stride);
        let operations = (2 * rows * depth * columns) as f64;
        bench_share(&mut group, &format!("{rows}x{depth}x{columns}"), operations, peak, || {
            let input = Terms::in_panels(&input, stride);
            if is_single_output(columns) {
                let (weights, output) = (&right, &mut output);
                return dispatch(SingleOutputProduct { rows, depth, input, weights, output });
            }
            dispatch(Product {
                rows,
                depth,
                input,
                right: &right,
                right_stride,
                start: Start::Columns,
                output: &mut output,
                output_stride: stride,
                then: Then::Stay,
                columns,
            });
        });
    }
    group.finish();
}

/// Rows in several blocks: (blocks, rows of each, inputs, outputs); the last ones are runs of three steps of 32 sequences.
const IN_BLOCKS: [(usize, usize, usize, usize); 4] =
    [(2, 128, 784, 256), (4, 128, 440, 512), (8, 128, 2048, 2048), (17, 96, 64, 256)];

fn gradients<T: Scalar>(c: &mut criterion::Criterion) {
    let peak = peak::<T>();
    let mut group = c.benchmark_group(format!("gradient/{}", T::NAME));
    let in_one = SHAPES.map(|(rows, fan_in, fan_out)| (1, rows, fan_in, fan_out));
    for (blocks, rows, fan_in, fan_out) in in_one.into_iter().chain(IN_BLOCKS) {
        let stride = panel_vectors(rows) * T::LANES;
        let (input_step, delta_step) = (panels::<T>(fan_in) * stride, panels::<T>(fan_out) * stride);
        let input = numbers::<T>(blocks * input_step, 1);
        let delta = numbers::<T>(blocks * delta_step, 2);
        let count = panels::<T>(fan_out) * (weight_vectors::<T>(fan_in, fan_out) + 1);
        let mut vectors = zeros::<T>(count * T::LANES);
        let operations = (2 * blocks * rows * fan_in * fan_out) as f64;
        let block = |index: usize| Rows {
            rows,
            input: &input[index * input_step..],
            input_stride: stride,
            delta: &delta[index * delta_step..],
            delta_stride: stride,
            bias: true,
            repeated: Repeated::ONCE,
        };
        let of_blocks = if blocks > 1 { format!("{blocks} of ") } else { String::new() };
        let name = format!("{of_blocks}{rows}x{fan_in}x{fan_out}");
        bench_share(&mut group, &name, operations, peak, || {
            dispatch(Gradient {
                fan_in,
                fan_out,
                from: 0,
                vectors: &mut vectors,
                layout: Layout::UnitsInLanes,
                bias: true,
                lost: None,
                finish: None,
                blocks: (0..blocks).map(block),
            });
        });
    }
    group.finish();
}

/// The layers of narrow networks, with rows along the lanes.
const NARROW: [(usize, usize, usize); 3] = [(150, 4, 10), (150, 10, 3), (256, 20, 20)];

fn narrow<T: Scalar>(c: &mut criterion::Criterion) {
    let peak = peak::<T>();
    let mut group = c.benchmark_group(format!("narrow/{}", T::NAME));
    for (rows, fan_in, fan_out) in NARROW {
        let matrix = |width: usize, seed| {
            let stride = panel_vectors(width) * T::LANES;
            (numbers::<T>(panels::<T>(rows) * stride, seed), stride)
        };
        let ((input, input_stride), (delta, delta_stride)) = (matrix(fan_in, 1), matrix(fan_out, 2));
        let weights = numbers::<T>(fan_in * fan_out, 3);
        let biases = numbers::<T>(panels::<T>(fan_out) * T::LANES, 4);
        let (mut output, output_stride) = matrix(fan_out, 5);
        let mut vectors = zeros::<T>(panels::<T>(fan_out) * (fan_in + 1) * T::LANES);
        let operations = (2 * rows * fan_in * fan_out) as f64;
        bench_share(&mut group, &format!("product {rows}x{fan_in}x{fan_out}"), operations, peak, || {
            dispatch(Product {
                rows: fan_out,
                depth: fan_in,
                input: Terms::in_rows(&weights, fan_in),
                right: &input,
                right_stride: input_stride,
                start: Start::Rows(&biases, T::LANES),
                output: &mut output,
                output_stride,
                then: Then::Stay,
                columns: rows,
            });
        });
        let block = Rows {
            rows,
            input: &input,
            input_stride,
            delta: &delta,
            delta_stride,
            bias: true,
            repeated: Repeated::ONCE,
        };
        bench_share(&mut group, &format!("gradient {rows}x{fan_in}x{fan_out}"), operations, peak, || {
            dispatch(Gradient {
                fan_in,
                fan_out,
                from: 0,
                vectors: &mut vectors,
                layout: Layout::RowsInLanes,
                bias: true,
                lost: None,
                finish: None,
                blocks: std::iter::once(block),
            });
        });
    }
    group.finish();
}

fn rivals(c: &mut criterion::Criterion) {
    let peak = peak::<f32>();
    for (rows, depth, columns) in SHAPES {
        let input = numbers::<f32>(rows * depth, 1);
        let right = numbers::<f32>(depth * columns, 2);
        let delta = numbers::<f32>(rows * columns, 3);
        let mut output = vec![0.0_f32; rows * columns];
        let mut sums = vec![0.0_f32; depth * columns];
        let operations = (2 * rows * depth * columns) as f64;
        let shape = format!("{rows}x{depth}x{columns}");

        let mut group = c.benchmark_group("rivals/product");
        bench_share(&mut group, &format!("gemm {shape}"), operations, peak, || {
            gemm_rows(&mut output, (&input, depth.cast_signed(), 1), &right, [rows, depth, columns]);
        });
        bench_share(&mut group, &format!("gemmkit {shape}"), operations, peak, || {
            gemmkit::gemm(
                1.0,
                MatRef::from_row_major(&input, rows, depth),
                MatRef::from_row_major(&right, depth, columns),
                0.0,
                MatMut::from_row_major(&mut output, rows, columns),
                gemmkit::Parallelism::Serial,
            );
        });
        group.finish();

        let mut group = c.benchmark_group("rivals/gradient");
        bench_share(&mut group, &format!("gemm {shape}"), operations, peak, || {
            gemm_rows(&mut sums, (&input, 1, depth.cast_signed()), &delta, [depth, rows, columns]);
        });
        bench_share(&mut group, &format!("gemmkit {shape}"), operations, peak, || {
            gemmkit::gemm(
                1.0,
                MatRef::from_col_major(&input, depth, rows),
                MatRef::from_row_major(&delta, rows, columns),
                0.0,
                MatMut::from_row_major(&mut sums, depth, columns),
                gemmkit::Parallelism::Serial,
            );
        });
        group.finish();
    }
}

/// `output = left * right`, the left side with strides (row, column).
fn gemm_rows(
    output: &mut [f32],
    (left, row, column): (&[f32], isize, isize),
    right: &[f32],
    [m, k, n]: [usize; 3],
) {
    assert!(output.len() >= m * n && left.len() >= m * k && right.len() >= k * n);
    let n_ = n.cast_signed();
    // Safety: the three slices hold the matrices that the sizes and strides describe.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            output.as_mut_ptr(),
            1,
            n_,
            false,
            left.as_ptr(),
            column,
            row,
            right.as_ptr(),
            1,
            n_,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

criterion_group! {
    name = kernels;
    config = settings();
    targets = products::<f32>, gradients::<f32>, narrow::<f32>,
        products::<f64>, gradients::<f64>, narrow::<f64>, rivals
}
criterion_main!(kernels);
