//! The parameters, shared out among the threads: each sums the gradient of its own, and updates them.

use std::ops::Range;

use super::chunk::Chunk;
use super::step::Update;
use crate::error::Result;
use crate::kernel::{
    AddUp, Finish, Gradient, Layout, Scalar, Simd, Task, dispatch, ends_in_half, even_share,
};
use crate::memory::Aligned;
use crate::optimizer::{MOST_ARRAYS, Optimizer};
use crate::parallel::Team;
use crate::pass::{Block, PackedLayer};

/// Lines of a panel that are updated together.
const SEGMENT_LINES: usize = 64;

/// Consecutive lines of one panel of a layer.
#[derive(Clone, Copy, Debug)]
struct Segment {
    layer: usize,
    /// The panel, counted through its layer.
    panel: usize,
    /// First line, counted through the layer's panels.
    from: usize,
    lines: usize,
    /// Whether its last line holds biases.
    ends_with_bias: bool,
}

/// Panels whose gradient is summed, and whose parameters are then updated while they are in the
/// cache: as many as the widest register tile has.
const PIECE_PANELS: usize = 3;

/// The parameters that one thread owns in a round, and what goes with them.
#[derive(Debug)]
pub(super) struct Share<T> {
    /// Where they start in the flat vector.
    pub start: usize,
    segments: Vec<Segment>,
    /// Segments that are worked on together: a few panels of one layer.
    pieces: Vec<Range<usize>>,
    pub gradient: Aligned<T>,
    /// What rounding took from the gradient while chunks were added; empty if there is one chunk.
    lost: Aligned<T>,
    pub arrays: Vec<Aligned<T>>,
    /// Sums of the squared weights, one a segment.
    pub squares: Vec<f64>,
}

/// Where the sums of a round come from.
#[derive(Clone, Copy)]
pub(super) enum Sums<'a, T> {
    /// Blocks of one chunk, whose rows are to be summed over.
    Blocks(&'a [Block<T>]),
    /// Chunks that have been summed over.
    Chunks(&'a [Chunk<T>]),
    /// They are there already.
    Done,
}

impl<'a, T: Scalar> Sums<'a, T> {
    /// All blocks, in order.
    pub fn blocks(self) -> impl Iterator<Item = &'a Block<T>> {
        let (blocks, chunks) = match self {
            Self::Blocks(blocks) => (blocks, &[][..]),
            Self::Chunks(chunks) => (&[][..], chunks),
            Self::Done => Default::default(),
        };
        blocks.iter().chain(chunks.iter().flat_map(Chunk::blocks))
    }
}

/// A round in which each thread works on the parameters that it owns.
#[derive(Clone, Copy)]
pub(super) struct Round<'a, T> {
    pub layout: Layout,
    pub layers: &'a [PackedLayer],
    pub sums: Sums<'a, T>,
    /// Which part of each share is worked on, and how many parts there are.
    pub part: (usize, usize),
    /// Whether the sums are added to what is there.
    pub add: bool,
    /// Strength of the penalty.
    pub alpha: f64,
    /// After the last chunk, the batch's weight: the sums become the gradient of the mean loss.
    pub weight: Option<f64>,
    /// Then, if the parameters are to move, how.
    pub update: Option<&'a Update<'a>>,
}

/// Makes a round, part by part where there are several, and then the update; `false` if it was
/// `interrupted` between two parts, when nothing has moved.
pub(super) fn make<T: Scalar>(
    mut round: Round<'_, T>,
    team: &mut Team<'_>,
    shares: &mut [Share<T>],
    weights: &mut [T],
    interrupted: &mut dyn FnMut() -> bool,
) -> bool {
    let mut work = |round: &Round<'_, T>, interrupted: &mut dyn FnMut() -> bool| {
        let mut rest = &mut *weights;
        let parts: Vec<_> = shares.iter().map(|share| rest.split_off_mut(..share.gradient.len())).collect();
        team.for_each_unless(interrupted, shares.iter_mut().zip(parts), |(share, weights)| {
            share.work(round, weights.unwrap_or_default());
        })
    };
    let (_, parts) = round.part;
    if parts == 1 {
        return work(&round, &mut || false);
    }
    let update = round.update.take();
    for part in 0..parts {
        round.part = (part, parts);
        if !work(&round, interrupted) {
            return false;
        }
    }
    if update.is_some() {
        work(&Round { sums: Sums::Done, part: (0, 1), update, ..round }, &mut || false);
    }
    true
}

impl<T: Scalar> Share<T> {
    /// Brings the sums of squared weights up to date, given all parameters.
    pub fn sum_squares(&mut self, parameters: &[T]) {
        sum_squares(&self.segments, &parameters[self.start..], &mut self.squares);
    }

    /// Does what a round asks for with the parameters of this share, which are `weights`.
    pub fn work(&mut self, round: &Round<'_, T>, weights: &mut [T]) {
        let &Round { layout, layers, sums, part: (part, parts), add, alpha, weight, update } = round;
        let of_part = self.pieces.len() * part / parts..self.pieces.len() * (part + 1) / parts;
        let mut to = 0;
        for (number, piece) in self.pieces.iter().enumerate() {
            let segments = &self.segments[piece.clone()];
            let index = segments[0].layer;
            let PackedLayer { fan_in, fan_out, bias, weight_lines, .. } = layers[index];
            let from = to;
            to += segments.iter().map(|segment| segment.lines).sum::<usize>() * T::LANES;
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
                    // None if there is one chunk only.
                    let mut lost = self.lost.get_mut(from..to);
                    if !add {
                        lost.take().into_iter().for_each(|lost| lost.fill(T::ZERO));
                    }
                    dispatch(Gradient {
                        fan_in,
                        fan_out,
                        from: segments[0].from,
                        lines: gradient,
                        layout,
                        bias,
                        lost,
                        finish,
                        blocks: blocks.iter().map(|block| block.rows_of(index)),
                    });
                }
                Sums::Chunks(chunks) => dispatch(AddUp {
                    weight_lines,
                    from: segments[0].from,
                    lines: gradient,
                    lost: &mut self.lost[from..to],
                    add,
                    finish,
                    sums: chunks.iter().map(|chunk| &chunk.sums[self.start + from..self.start + to]),
                }),
            }
            if let Some(update) = update {
                let mut arrays: [&mut [T]; MOST_ARRAYS] = std::array::from_fn(|_| &mut [][..]);
                for (slot, array) in arrays.iter_mut().zip(&mut self.arrays) {
                    *slot = &mut array[from..to];
                }
                match update.optimizer.for_biases() {
                    None => update.optimizer.step(&update.step, weights, gradient, arrays),
                    Some(biases) => step_apart(segments, update, &biases, weights, gradient, arrays),
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

/// A step of an optimizer that treats biases in another way, segment by segment.
fn step_apart<T: Scalar>(
    segments: &[Segment],
    update: &Update<'_>,
    for_biases: &Optimizer,
    weights: &mut [T],
    gradient: &[T],
    mut arrays: [&mut [T]; MOST_ARRAYS],
) {
    for_each_segment::<T>(segments, |_, all, penalised| {
        let biases = penalised.end..all.end;
        for (optimizer, part) in [(update.optimizer, penalised), (for_biases, biases)] {
            let arrays = arrays.each_mut().map(|array| array.get_mut(part.clone()).unwrap_or_default());
            optimizer.step(&update.step, &mut weights[part.clone()], &gradient[part], arrays);
        }
    });
}

/// Calls `work` with the number of a segment, its place, and the place of what is not biases.
fn for_each_segment<T: Scalar>(
    segments: &[Segment],
    mut work: impl FnMut(usize, Range<usize>, Range<usize>),
) {
    let mut at = 0;
    for (index, segment) in segments.iter().enumerate() {
        let end = at + segment.lines * T::LANES;
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
        for line in self.numbers.chunks_exact(T::LANES) {
            for (sum, &x) in sums.iter_mut().zip(line) {
                *sum = x.fused(x, *sum);
            }
        }
        sums.iter().map(|sum| sum.to_f64()).sum()
    }
}

/// 1 over the weight of a batch; a batch without weight counts for nothing.
pub(super) fn inverse(weight: f64) -> f64 {
    if weight > 0.0 { 1.0 / weight } else { 0.0 }
}

/// Nearly equal shares of all parameters, in whole segments.
pub(super) fn shares<T: Scalar>(
    layers: &[PackedLayer],
    threads: usize,
    several_chunks: bool,
) -> Result<Vec<Share<T>>> {
    let mut segments = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let panel_lines = layer.weight_lines + 1;
        for panel in 0..layer.panels {
            let mut line = 0;
            while line < panel_lines {
                let lines = SEGMENT_LINES.min(panel_lines - line);
                let ends_with_bias = line + lines == panel_lines;
                segments.push(Segment {
                    layer: index,
                    panel,
                    from: panel * panel_lines + line,
                    lines,
                    ends_with_bias,
                });
                line += lines;
            }
        }
    }
    let total: usize = segments.iter().map(|segment| segment.lines).sum();
    let mut shares = Vec::with_capacity(threads);
    let (mut done, mut start) = (0, 0);
    let mut rest = segments.as_slice();
    for index in 0..threads {
        let goal = total * (index + 1) / threads;
        let mut count = 0;
        let mut lines = 0;
        while count < rest.len() && done + lines + rest[count].lines / 2 < goal {
            lines += rest[count].lines;
            count += 1;
        }
        if index + 1 == threads {
            count = rest.len();
            lines = total - done;
        }
        let (own, others) = rest.split_at(count);
        rest = others;
        done += lines;
        if own.is_empty() {
            continue;
        }
        shares.push(Share {
            start,
            squares: vec![0.0; own.len()],
            segments: own.to_vec(),
            pieces: pieces::<T>(own, layers),
            gradient: Aligned::zeros(lines * T::LANES)?,
            lost: Aligned::zeros(if several_chunks { lines * T::LANES } else { 0 })?,
            arrays: Vec::new(),
        });
        start += lines * T::LANES;
    }
    Ok(shares)
}

/// Nearly equal pieces of each layer's panels; a last one that is half empty goes with its neighbours.
fn pieces<T: Scalar>(segments: &[Segment], layers: &[PackedLayer]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for own in segments.chunk_by(|a, b| a.layer == b.layer) {
        let layer = &layers[own[0].layer];
        let panels: Vec<_> = own.chunk_by(|a, b| a.panel == b.panel).collect();
        let last = panels[panels.len() - 1][0].panel == layer.panels - 1;
        let whole = panels.len() - usize::from(last && ends_in_half::<T>(layer.fan_out));
        let mut from = 0;
        while from < panels.len() {
            let mut to = from + even_share((whole - from).max(1), PIECE_PANELS);
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
