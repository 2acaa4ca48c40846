//! The distribution of the parameters over the threads: each sums the gradient of its shard, and updates it.

use std::ops::Range;

use super::micro_batch::MicroBatch;
use super::step::Update;
use super::tree::inverse;
use crate::error::Result;
use crate::kernel::{
    AddTo, AddUp, Finish, GRADIENT_PANELS, Gradient, Layout, Scalar, Simd, Task, dispatch, ends_in_half,
    gradient_share,
};
use crate::layer::PackedMatrix;
use crate::memory::Aligned;
use crate::optimizer::{MOST_ARRAYS, Step};
use crate::parallel::Team;
use crate::pass::{Stage, sum_gradient};

/// The number of vectors of a panel that are updated together.
const SEGMENT_VECTORS: usize = 64;

/// Consecutive vectors of one panel of a matrix.
#[derive(Clone, Copy, Debug)]
struct Segment {
    matrix: usize,
    /// The panel, counted through its layer.
    panel: usize,
    /// First vector, counted through the layer's panels.
    from: usize,
    vectors: usize,
    /// Whether its last vector holds biases.
    ends_with_bias: bool,
}

/// The parameters that one thread owns in a round, and what goes with them.
#[derive(Debug)]
pub(super) struct Shard<T> {
    /// Place of the first parameter in the flat vector.
    pub start: usize,
    segments: Vec<Segment>,
    /// Ranges of segments that are processed together: a few panels of one layer.
    pieces: Vec<Range<usize>>,
    pub gradient: Aligned<T>,
    /// Rounding errors of adding the micro-batches' gradients; empty if there is only one micro-batch, here.
    lost: Aligned<T>,
    /// Gradients of groups of micro-batches that wait for others, see [`Tree`](super::tree::Tree).
    pub waiting: Vec<Aligned<T>>,
    pub arrays: Vec<Aligned<T>>,
    /// Sums of the squared weights, one per segment.
    pub squares: Vec<f64>,
    /// Sums of the squared gradient in double precision, one per segment; of the last round that asked for them.
    pub gradient_squares: Vec<f64>,
}

/// Where the sums of a round come from.
#[derive(Clone, Copy)]
pub(super) enum Sums<'a, T> {
    /// Blocks of one micro-batch, whose rows are to be summed over.
    Blocks(&'a [Box<dyn Stage<T>>]),
    /// Micro-batches that have their sums.
    MicroBatches(&'a [MicroBatch<T>]),
    /// The sums are complete.
    Done,
}

impl<'a, T: Scalar> Sums<'a, T> {
    /// All blocks, in order.
    pub fn blocks(self) -> impl Iterator<Item = &'a Box<dyn Stage<T>>> {
        let (blocks, micro_batches) = match self {
            Self::Blocks(blocks) => (blocks, &[][..]),
            Self::MicroBatches(micro_batches) => (&[][..], micro_batches),
            Self::Done => Default::default(),
        };
        blocks.iter().chain(micro_batches.iter().flat_map(MicroBatch::blocks))
    }
}

/// A round in which each thread processes the parameters that it owns.
#[derive(Clone, Copy)]
pub(super) struct Round<'a, T> {
    pub layout: Layout,
    pub matrices: &'a [PackedMatrix],
    pub sums: Sums<'a, T>,
    /// The part of each shard to process, and the number of parts.
    pub part: (usize, usize),
    /// Whether to add to the gradient of earlier micro-batches.
    pub add: bool,
    /// Strength of the penalty.
    pub alpha: f64,
    /// After the last micro-batch the weight of the batch, which turns the sums into the gradient of the mean
    /// loss.
    pub weight: Option<f64>,
    /// Then the greatest norm that the gradient may have in the update, if there is one.
    pub clip_norm: Option<f64>,
    /// The update that follows, if the parameters are to move.
    pub update: Option<Update<'a>>,
}

/// Makes a round, part by part if there are several, and then the update, which waits for the norm of the whole
/// gradient if that is clipped. Returns the factor of the gradient in the update; `None` if the round was
/// `interrupted` between two parts, before anything has moved.
pub(super) fn make<T: Scalar>(
    mut round: Round<'_, T>,
    team: &mut Team<'_>,
    shards: &mut [Shard<T>],
    weights: &mut [T],
    interrupted: &mut dyn FnMut() -> bool,
) -> Option<f64> {
    let mut work = |round: &Round<'_, T>, shards: &mut [Shard<T>], interrupted: &mut dyn FnMut() -> bool| {
        let mut rest = &mut *weights;
        let parts = shards.iter_mut().map(|shard| {
            let weights = rest.split_off_mut(..shard.gradient.len()).unwrap_or_default();
            (shard, weights)
        });
        team.for_each_unless(interrupted, parts, |(shard, weights)| shard.work(round, weights))
    };
    let (_, parts) = round.part;
    if parts == 1 && round.clip_norm.is_none() {
        return work(&round, shards, &mut || false).then_some(1.0);
    }
    let update = round.update.take();
    let mut never = || false;
    let interrupted: &mut dyn FnMut() -> bool = if parts == 1 { &mut never } else { interrupted };
    for part in 0..parts {
        round.part = (part, parts);
        if !work(&round, shards, interrupted) {
            return None;
        }
    }
    let factor = round.clip_norm.map_or(1.0, |most| clip_factor(most, shards));
    if let Some(update) = update {
        let update = Some(Update { factor, ..update });
        let round = Round { sums: Sums::Done, part: (0, 1), clip_norm: None, update, ..round };
        work(&round, shards, &mut || false);
    }
    Some(factor)
}

/// What a gradient is multiplied by so that its norm is at most `most`: gradient clipping (Pascanu, Mikolov &
/// Bengio, "On the difficulty of training recurrent neural networks", ICML 2013). A norm that is no finite
/// number leads to a divergence, and is left alone.
fn clip_factor<T>(most: f64, shards: &[Shard<T>]) -> f64 {
    let norm = shards.iter().flat_map(|shard| &shard.gradient_squares).sum::<f64>().sqrt();
    if norm > most && norm.is_finite() { most / norm } else { 1.0 }
}

/// Multiplies a gradient by a factor.
pub(super) fn scale<T: Scalar>(gradient: &mut [T], factor: f64) {
    if factor != 1.0 {
        let factor = T::from_f64(factor);
        for g in gradient {
            *g *= factor;
        }
    }
}

impl<T: Scalar> Shard<T> {
    /// Brings the sums of squared weights up to date, given all parameters.
    pub fn sum_squares(&mut self, parameters: &[T]) {
        sum_squares(&self.segments, &parameters[self.start..], &mut self.squares);
    }

    /// Has room for so many gradients that wait.
    pub fn let_wait(&mut self, most: usize) -> Result<()> {
        while self.waiting.len() < most {
            self.waiting.push(Aligned::zeros(self.gradient.len())?);
        }
        Ok(())
    }

    /// Adds to the gradient the last `joined` of the gradients that wait, the very last one first, and lets the sum wait;
    /// as many as are `kept` wait already.
    pub fn keep(&mut self, kept: usize, joined: usize) {
        self.join_last(kept, joined);
        self.waiting[kept - joined].copy_from_slice(&self.gradient);
    }

    /// Replaces the gradient by the sum of those that wait, the last one first.
    pub fn join(&mut self, kept: usize) {
        self.gradient.copy_from_slice(&self.waiting[kept - 1]);
        self.join_last(kept - 1, kept - 1);
    }

    fn join_last(&mut self, kept: usize, joined: usize) {
        for waiting in self.waiting[kept - joined..kept].iter().rev() {
            dispatch(AddTo { total: &mut self.gradient, numbers: waiting });
        }
    }

    /// Carries out a round for this shard, whose parameters are `weights`.
    pub fn work(&mut self, round: &Round<'_, T>, weights: &mut [T]) {
        let &Round { layout, matrices, sums, part: (part, parts), add, alpha, weight, .. } = round;
        let of_part = self.pieces.len() * part / parts..self.pieces.len() * (part + 1) / parts;
        let mut to = 0;
        for (number, piece) in self.pieces.iter().enumerate() {
            let segments = &self.segments[piece.clone()];
            let index = segments[0].matrix;
            let PackedMatrix { inputs, outputs, bias, weight_vectors, .. } = matrices[index];
            let from = to;
            to += segments.iter().map(|segment| segment.vectors).sum::<usize>() * T::LANES;
            if !of_part.contains(&number) {
                continue;
            }
            let (weights, gradient) = (&mut weights[from..to], &mut self.gradient[from..to]);
            let finish = weight.map(|weight| Finish {
                alpha: T::from_f64(alpha),
                scale: T::from_f64(inverse(weight)),
                weights,
            });
            match sums {
                Sums::Done => {}
                Sums::Blocks(blocks) => {
                    // Empty if there is only one micro-batch.
                    let mut lost = self.lost.get_mut(from..to);
                    if !add {
                        lost.take().into_iter().for_each(|lost| lost.fill(T::ZERO));
                    }
                    let gradient = Gradient {
                        fan_in: inputs,
                        fan_out: outputs,
                        from: segments[0].from,
                        vectors: gradient,
                        layout,
                        bias,
                        lost,
                        finish,
                        blocks: (),
                    };
                    sum_gradient(blocks, index, gradient);
                }
                Sums::MicroBatches(micro_batches) => dispatch(AddUp {
                    weight_vectors,
                    from: segments[0].from,
                    vectors: gradient,
                    lost: &mut self.lost[from..to],
                    add,
                    finish,
                    sums: micro_batches
                        .iter()
                        .map(|micro_batch| &micro_batch.sums[self.start + from..self.start + to]),
                }),
            }
            if round.clip_norm.is_some() {
                for_each_segment::<T>(segments, |index, all, _| {
                    self.gradient_squares[piece.start + index] =
                        dispatch(SquaresInDouble { numbers: &gradient[all] });
                });
            }
            if let Some(update) = round.update {
                scale(gradient, update.factor);
                let mut arrays: [&mut [T]; MOST_ARRAYS] = std::array::from_fn(|_| &mut [][..]);
                for (slot, array) in arrays.iter_mut().zip(&mut self.arrays) {
                    *slot = &mut array[from..to];
                }
                if update.optimizer.weight_decay().is_some() {
                    step_apart(segments, &update, weights, gradient, arrays);
                } else {
                    update.optimizer.step(&update.step, weights, gradient, arrays);
                }
                if alpha > 0.0 {
                    sum_squares(segments, weights, &mut self.squares[piece.clone()]);
                }
            }
        }
    }
}

fn sum_squares<T: Scalar>(segments: &[Segment], weights: &[T], squares: &mut [f64]) {
    for_each_segment::<T>(segments, |index, _, penalised| {
        squares[index] = dispatch(Squares { numbers: &weights[penalised] });
    });
}

/// A step of an optimizer that lets weights decay, segment by segment: biases do not decay.
fn step_apart<T: Scalar>(
    segments: &[Segment],
    update: &Update<'_>,
    weights: &mut [T],
    gradient: &[T],
    mut arrays: [&mut [T]; MOST_ARRAYS],
) {
    for_each_segment::<T>(segments, |_, all, penalised| {
        let biases = penalised.end..all.end;
        for (step, part) in [(update.step, penalised), (Step { weight_decay: 0.0, ..update.step }, biases)] {
            let arrays = arrays.each_mut().map(|array| array.get_mut(part.clone()).unwrap_or_default());
            update.optimizer.step(&step, &mut weights[part.clone()], &gradient[part], arrays);
        }
    });
}

/// Calls `work` with the number of each segment, its range, and the range of its weights without biases.
fn for_each_segment<T: Scalar>(
    segments: &[Segment],
    mut work: impl FnMut(usize, Range<usize>, Range<usize>),
) {
    let mut at = 0;
    for (index, segment) in segments.iter().enumerate() {
        let end = at + segment.vectors * T::LANES;
        let biases = if segment.ends_with_bias { end - T::LANES } else { end };
        work(index, at..end, at..biases);
        at = end;
    }
}

struct Squares<'a, T> {
    numbers: &'a [T],
}

impl<T: Scalar> Task<T> for Squares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> f64 {
        let mut sums = [T::ZERO; 16];
        for vector in self.numbers.chunks_exact(T::LANES) {
            for (sum, &x) in sums.iter_mut().zip(vector) {
                *sum = x.mul_add(x, *sum);
            }
        }
        sums.iter().map(|sum| sum.to_f64()).sum()
    }
}

/// Squares of numbers of any size: in single precision the squares of gradients beyond 1e19 are infinite.
struct SquaresInDouble<'a, T> {
    numbers: &'a [T],
}

impl<T: Scalar> Task<T> for SquaresInDouble<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> f64 {
        let mut sums = [0.0; 16];
        for vector in self.numbers.chunks_exact(T::LANES) {
            for (sum, &x) in sums.iter_mut().zip(vector) {
                *sum += x.to_f64() * x.to_f64();
            }
        }
        sums.iter().sum()
    }
}

/// Cuts all parameters into nearly equal shards of whole segments, in which so many gradients can wait.
pub(super) fn shards<T: Scalar>(
    matrices: &[PackedMatrix],
    threads: usize,
    several_micro_batches: bool,
    most_waiting: usize,
) -> Result<Vec<Shard<T>>> {
    let mut segments = Vec::new();
    for (index, matrix) in matrices.iter().enumerate() {
        let panel_vectors = matrix.weight_vectors + 1;
        for panel in 0..matrix.panels {
            let mut vector = 0;
            while vector < panel_vectors {
                let vectors = SEGMENT_VECTORS.min(panel_vectors - vector);
                let ends_with_bias = vector + vectors == panel_vectors;
                segments.push(Segment {
                    matrix: index,
                    panel,
                    from: panel * panel_vectors + vector,
                    vectors,
                    ends_with_bias,
                });
                vector += vectors;
            }
        }
    }
    let total: usize = segments.iter().map(|segment| segment.vectors).sum();
    let mut shards = Vec::with_capacity(threads);
    let (mut done, mut start) = (0, 0);
    let mut rest = segments.as_slice();
    for index in 0..threads {
        let goal = total * (index + 1) / threads;
        let mut count = 0;
        let mut vectors = 0;
        while count < rest.len() && done + vectors + rest[count].vectors / 2 < goal {
            vectors += rest[count].vectors;
            count += 1;
        }
        if index + 1 == threads {
            count = rest.len();
            vectors = total - done;
        }
        let (own, others) = rest.split_at(count);
        rest = others;
        done += vectors;
        if own.is_empty() {
            continue;
        }
        shards.push(Shard {
            start,
            squares: vec![0.0; own.len()],
            gradient_squares: vec![0.0; own.len()],
            segments: own.to_vec(),
            pieces: pieces::<T>(own, matrices),
            gradient: Aligned::zeros(vectors * T::LANES)?,
            lost: Aligned::zeros(if several_micro_batches { vectors * T::LANES } else { 0 })?,
            waiting: (0..most_waiting).map(|_| Aligned::zeros(vectors * T::LANES)).collect::<Result<_>>()?,
            arrays: Vec::new(),
        });
        start += vectors * T::LANES;
    }
    Ok(shards)
}

/// Cuts each layer's panels into nearly equal pieces, whose gradient is summed, and whose parameters are then updated while they are
/// in the cache; a last piece that is half empty goes with its neighbours.
fn pieces<T: Scalar>(segments: &[Segment], matrices: &[PackedMatrix]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for own in segments.chunk_by(|a, b| a.matrix == b.matrix) {
        let matrix = &matrices[own[0].matrix];
        let panels: Vec<_> = own.chunk_by(|a, b| a.panel == b.panel).collect();
        let last = panels[panels.len() - 1][0].panel == matrix.panels - 1;
        let whole = panels.len() - usize::from(last && ends_in_half::<T>(matrix.outputs));
        let mut from = 0;
        while from < panels.len() {
            let mut to = from + gradient_share((whole - from).max(1), GRADIENT_PANELS);
            if to == whole {
                to = panels.len();
            }
            let end = start + panels[from..to].iter().map(|panel| panel.len()).sum::<usize>();
            pieces.push(start..end);
            (start, from) = (end, to);
        }
    }
    pieces
}
