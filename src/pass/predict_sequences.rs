//! Outputs for sequences, from a state and to another one.

use std::ops::Range;

use ndarray::ArrayView2;

use super::examples::Sequences;
use super::predict::{BLOCK_ROWS, WORTH_SHARING};
use super::sequence::SequenceBlock;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::layer::{Layer, Packed, Parameters, Returns};
use crate::memory::try_with_capacity;
use crate::once::once;
use crate::parallel::{Team, threads};

/// Rows of all steps of time that go through the layers together.
const PIECE_ROWS: usize = 512;

/// For each layer that recurs: groups of numbers that a sequence's state has of it, and numbers of a group.
pub(crate) fn state_widths(layers: &[Layer]) -> impl Iterator<Item = (usize, usize)> {
    layers.iter().filter_map(|layer| Some((layer.kind.recurrence()?.states, layer.fan_out)))
}

/// The sequences of a thread, with their states and outputs, and its buffers.
struct Share<'a, T> {
    own: Range<usize>,
    states: &'a mut [T],
    y: &'a mut [T],
    block: SequenceBlock<T>,
    order: Vec<usize>,
    lengths: Vec<usize>,
}

once! {
    /// Writes the outputs of each sequence, or of all its steps one after the other, into `y`, and the states at the ends over those at
    /// the beginnings: for each sequence the numbers of all layers. Without a state given, sequences begin with nothing.
    pub(crate) fn predict_sequences<T>(
        layers: &[Layer],
        packed: &Packed<T>,
        x: ArrayView2<'_, T>,
        sequences: &Sequences,
        states: (&mut [T], bool),
        y: &mut [T],
        n_threads: Option<usize>,
    ) -> Result<()> = predict_sequences_here
}

fn predict_sequences_here<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    x: ArrayView2<'_, T>,
    sequences: &Sequences,
    (states, has_state): (&mut [T], bool),
    y: &mut [T],
    n_threads: Option<usize>,
) -> Result<()> {
    let parameters = Parameters::forward(packed);
    let (rows, every) = (sequences.count(), layers[layers.len() - 2].returns == Returns::Every);
    let columns = layers[layers.len() - 1].numbers_out();
    let width = states.len() / rows;
    let work = packed.weights.len().saturating_mul(sequences.steps());
    let helpers_wanted = work >= WORTH_SHARING && rows > 1;
    let n_threads = if helpers_wanted { threads(n_threads).min(rows) } else { 1 };
    let share = rows.div_ceil(n_threads);
    let capacity = share.min(BLOCK_ROWS);
    let longest = (PIECE_ROWS / capacity).clamp(1, sequences.longest());
    // Sequences of a share, its states and its outputs.
    let mut shares = Vec::with_capacity(n_threads);
    let (mut rest_of_states, mut rest) = (states, y);
    for first in (0..rows).step_by(share) {
        let end = rows.min(first + share);
        let outputs =
            if every { sequences.range(end - 1).end - sequences.range(first).start } else { end - first };
        let (own_states, own);
        (own_states, rest_of_states) = rest_of_states.split_at_mut((end - first) * width);
        (own, rest) = rest.split_at_mut(outputs * columns);
        let block = SequenceBlock::for_prediction(layers, capacity, longest)?;
        let order = try_with_capacity(capacity)?;
        let lengths = try_with_capacity(capacity)?;
        shares.push(Share { own: first..end, states: own_states, y: own, block, order, lengths });
    }
    let through = |share: Share<'_, T>| {
        let Share { own, states, y, mut block, mut order, mut lengths } = share;
        let origin = sequences.range(own.start).start;
        for first in own.clone().step_by(capacity) {
            order.clear();
            order.extend(first..own.end.min(first + capacity));
            order.sort_unstable_by_key(|&sequence| (std::cmp::Reverse(sequences.length(sequence)), sequence));
            let state_of =
                |sequence: usize| (sequence - own.start) * width..(sequence - own.start + 1) * width;
            for (row, &sequence) in order.iter().enumerate() {
                move_state(&mut block, row, &mut states[state_of(sequence)], true);
            }
            for piece in (0..sequences.length(order[0])).step_by(longest) {
                lengths.clear();
                lengths.extend(
                    order.iter().map(|&row| sequences.length(row).saturating_sub(piece).min(longest)),
                );
                let begins = order.iter().map(|&sequence| sequences.range(sequence).start + piece);
                block.load_steps(x, begins.zip(lengths.iter().copied()));
                block.forward_hidden(layers, parameters, None, has_state || piece > 0, &mut || false);
                if every {
                    block.predict_steps(layers, parameters, |row, output, place| {
                        output.copy_output(place, &mut y[(row - origin) * columns..][..columns]);
                    });
                }
                block.carry_on(&lengths);
            }
            if !every {
                let output = block.predict_last(layers, parameters, order.len());
                for (row, sequence) in order.iter().enumerate() {
                    output.copy_output(row, &mut y[(sequence - own.start) * columns..][..columns]);
                }
            }
            for (row, &sequence) in order.iter().enumerate() {
                move_state(&mut block, row, &mut states[state_of(sequence)], false);
            }
        }
    };
    if n_threads == 1 {
        shares.into_iter().for_each(through);
    } else {
        Team::with(n_threads, |team| team.for_each(shares.into_iter(), through));
    }
    Ok(())
}

/// Copies the state of a sequence into the block, or out of it.
fn move_state<T: Scalar>(block: &mut SequenceBlock<T>, row: usize, state: &mut [T], into: bool) {
    let mut rest = state;
    for hidden in block.hidden() {
        let (states, width, panels_of_all) = (hidden.states(), hidden.width(), hidden.panels());
        let (first, stride) = hidden.first();
        for group in 0..states {
            let own;
            (own, rest) = rest.split_at_mut(width);
            for (panel, numbers) in own.chunks_mut(T::LANES).enumerate() {
                let at = (group * panels_of_all + panel) * stride + row * T::LANES;
                let there = &mut first[at..at + numbers.len()];
                if into {
                    there.copy_from_slice(numbers);
                } else {
                    numbers.copy_from_slice(there);
                }
            }
        }
    }
}
