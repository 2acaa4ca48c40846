//! A block of sequences on its way through layers that recur, and through the dense one behind them.
//!
//! The sequences of a block are sorted by length, the longest one first, so that those which last longer than a step of time are
//! the first rows of its matrices: products shrink as sequences end, and nothing is filled up.
//!
//! The output layer is a [`Block`] of its own, whose rows are the last steps of the sequences, or all their steps.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::block::Block;
use super::examples::Examples;
use super::inputs::Inputs;
use super::noise::Noise;
use super::recurrent::{Reach, Recurrent, RecurrentValues, Source, Space};
use super::selection::Selection;
use super::stage::{Room, Stage};
use super::steps::Steps;
use crate::error::{Error, Result};
use crate::kernel::{Layout, Repeated, Rows, Scalar, gather_rows, panels};
use crate::layer::{Layer, Parameters, Returns};
use crate::loss::Loss;
use crate::memory::{Aligned, try_with_capacity, try_zeros};

/// Sequences and everything that a step of a training computes for them. Allocated once, used again for every step.
#[derive(Debug)]
pub(crate) struct SequenceBlock<T> {
    /// Steps of time of each sequence, and the row of the data that the first of them is.
    lengths: Vec<usize>,
    begins: Vec<usize>,
    steps: Steps,
    /// The inputs of every step.
    inputs: Aligned<T>,
    input_panels: usize,
    hidden: Vec<Recurrent<T>>,
    /// For each matrix of parameters its layer, and for those of the step before the group of deltas that they lead to.
    matrices: Vec<(usize, Option<usize>)>,
    output: Block<T>,
    returns: Returns,
    truncate: Option<usize>,
    /// The row of the targets for each row of outputs.
    targets: Vec<u32>,
    /// Losses of the rows of outputs, sequence after sequence.
    losses: Vec<T>,
}

impl<T: Scalar> SequenceBlock<T> {
    fn new(layers: &[Layer], space: Space, output: Block<T>) -> Result<Self> {
        let (last, before) = (layers.len() - 1, layers.len() - 2);
        let mut hidden = Vec::with_capacity(last);
        let mut matrices = Vec::new();
        for (index, layer) in layers[..last].iter().enumerate() {
            let Some(form) = layer.kind.recurrence() else { continue };
            hidden.push(Recurrent::new(layer, form, space)?);
            matrices.push((index, None));
            matrices.extend(form.from_states.iter().map(|group| (index, Some(*group))));
        }
        matrices.push((last, None));
        let input_panels = panels::<T>(layers[0].fan_in);
        Ok(Self {
            lengths: try_with_capacity(space.rows)?,
            begins: try_with_capacity(space.rows)?,
            steps: Steps::new(space.longest)?,
            inputs: Aligned::zeros(Steps::room::<T>(space.steps, space.longest, input_panels))?,
            input_panels,
            hidden,
            matrices,
            output,
            returns: layers[before].returns,
            truncate: None,
            targets: Vec::new(),
            losses: Vec::new(),
        })
    }

    /// Rows of outputs in a block.
    fn outputs_in(layers: &[Layer], space: Space) -> usize {
        match layers[layers.len() - 2].returns {
            Returns::Every => space.steps,
            Returns::Last => space.rows,
        }
    }

    /// Room to predict from so many sequences, in pieces of so many steps of time.
    pub fn for_prediction(layers: &[Layer], rows: usize, longest: usize) -> Result<Self> {
        let space = Space { rows, longest, steps: rows.saturating_mul(longest) };
        let outputs = Self::outputs_in(layers, space);
        let output = Block::for_prediction(&layers[layers.len() - 1..], outputs, true)?;
        Self::new(layers, space, output)
    }

    /// Keeps derivatives with respect to outputs, to be seen.
    pub fn keep(&mut self) -> Result<()> {
        self.hidden.iter_mut().try_for_each(Recurrent::keep)
    }

    /// Numbers of the layers that recur at every step, one sequence after the other.
    pub fn values(&self) -> Result<Vec<RecurrentValues<T>>> {
        self.hidden.iter().map(|hidden| hidden.values(&self.steps, &self.lengths)).collect()
    }

    /// Outputs of the output layer, after [`Stage::activate_output`], and its deltas, row after row in the order of the losses.
    pub fn output_and_deltas(&self, columns: usize) -> Result<[Array2<T>; 2]> {
        let rows = self.targets.len();
        let [mut outputs, mut deltas] = [try_zeros(rows * columns)?, try_zeros(rows * columns)?];
        for (row, place) in self.places().enumerate() {
            self.output.copy_output(place, &mut outputs[row * columns..][..columns]);
            self.output.copy_delta(place, &mut deltas[row * columns..][..columns]);
        }
        let matrix = |numbers| {
            Array2::from_shape_vec((rows, columns), numbers)
                .map_err(|error| Error::argument("X", "fewer steps", error))
        };
        Ok([matrix(outputs)?, matrix(deltas)?])
    }

    /// Makes the states at the end of the steps, of which the sequences have so many, those before the next ones.
    pub fn carry_on(&mut self, lengths: &[usize]) {
        let Self { hidden, steps, .. } = self;
        for hidden in hidden {
            hidden.carry_on(steps, lengths);
        }
    }

    /// The layers that recur.
    pub fn hidden(&mut self) -> &mut [Recurrent<T>] {
        &mut self.hidden
    }

    /// Takes inputs: sequences of these lengths (the longest one first), each from a row on.
    pub fn load_steps(&mut self, x: ArrayView2<'_, T>, sequences: impl Iterator<Item = (usize, usize)>) {
        self.begins.clear();
        self.lengths.clear();
        for (begin, length) in sequences {
            self.begins.push(begin);
            self.lengths.push(length);
        }
        self.steps.set(&self.lengths);
        let Self { begins, steps, inputs, input_panels, .. } = self;
        for step in 0..steps.count() {
            let own = steps.range::<T>(step, *input_panels);
            let stride = steps.stride::<T>(step);
            gather_rows(x, steps.rows(step), |row| begins[row] + step, &mut inputs[own], stride);
        }
    }

    /// The pair of steps with the same sequences; a step that others have, and these sequences do not, is one of no rows.
    fn pair_of_steps(&self, layer: usize, group: Option<usize>, steps: Range<usize>) -> Rows<'_, T> {
        let (all, hidden) = (&self.steps, &self.hidden[layer]);
        let step = steps.start.min(all.count() - 1);
        let rows = if steps.is_empty() || steps.start >= all.count() { 0 } else { all.rows(step) };
        let stride = all.stride::<T>(step);
        let (input, input_stride, input_panels, first) = if let Some(group) = group {
            let (states, stride) = hidden.states_before(all, step);
            (states, stride, hidden.panels(), group)
        } else {
            let (values, panels) = match layer.checked_sub(1) {
                None => (&self.inputs[..], self.input_panels),
                Some(before) => (self.hidden[before].handed_on(), self.hidden[before].panels()),
            };
            (&values[all.range::<T>(step, panels).start..], stride, panels, hidden.first_group())
        };
        let (delta, delta_stride, delta_step) = hidden.deltas_from(all, step, first);
        let times = if rows == 0 { 1 } else { steps.len() };
        let repeated = Repeated { times, input_step: input_panels * stride, delta_step };
        Rows { rows, input, input_stride, delta, delta_stride, bias: true, repeated }
    }

    /// Inputs to the outputs of the layers that recur; `false` if `stop` has said to give up.
    pub fn forward_hidden(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
        has_state: bool,
        stop: &mut dyn FnMut() -> bool,
    ) -> bool {
        let Self { steps, inputs, input_panels, hidden, .. } = self;
        for (index, layer) in layers[..layers.len() - 1].iter().enumerate() {
            let (before, own) = hidden.split_at_mut(index);
            let from = before
                .last()
                .map_or((&inputs[..], *input_panels), |before| (before.handed_on(), before.panels()));
            if !own[0].forward(layer, index, parameters, from, steps, has_state, stop) {
                return false;
            }
            own[0].drop(index, noise, steps);
        }
        true
    }

    /// Outputs of all steps, for predictions: of the step `step` of a sequence, `write` gets the row of the data and the outputs.
    pub fn predict_steps(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        mut write: impl FnMut(usize, &Block<T>, usize),
    ) {
        self.output.set_rows(self.steps.total());
        self.forward_output(layers, parameters);
        self.output.activate_output(&layers[layers.len() - 1..]);
        for step in 0..self.steps.count() {
            for row in 0..self.steps.rows(step) {
                write(self.begins[row] + step, &self.output, self.steps.before(step) + row);
            }
        }
    }

    /// Outputs for the states that the sequences have come to, for predictions.
    pub fn predict_last(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        rows: usize,
    ) -> &Block<T> {
        let last = layers.len() - 1;
        self.output.set_rows(rows);
        let Self { hidden, output, .. } = self;
        let (to, to_stride) = output.inputs_mut();
        let top = &mut hidden[last - 1];
        let panels = top.panels();
        let (first, stride) = top.first();
        for panel in 0..panels {
            let count = rows * T::LANES;
            to[panel * to_stride..][..count].copy_from_slice(&first[panel * stride..][..count]);
        }
        output.forward(&layers[last..], Parameters { first: last, ..parameters }, None);
        output.activate_output(&layers[last..]);
        output
    }

    /// The output layer, from the outputs of the last layer that recurs.
    fn forward_output(&mut self, layers: &[Layer], parameters: Parameters<'_, T>) {
        let last = layers.len() - 1;
        let Self { lengths, steps, hidden, output, returns, .. } = self;
        let (to, stride) = output.inputs_mut();
        match returns {
            Returns::Last => hidden[last - 1].copy_ends(steps, lengths, to, stride),
            Returns::Every => hidden[last - 1].copy_all(steps, to, stride),
        }
        output.forward(&layers[last..], Parameters { first: last, ..parameters }, None);
    }

    /// For each row of outputs, sequence after sequence, its place in the output layer's block.
    fn places(&self) -> impl Iterator<Item = usize> {
        let (steps, returns) = (&self.steps, self.returns);
        self.lengths.iter().enumerate().flat_map(move |(row, length)| {
            let count = if returns == Returns::Every { *length } else { 1 };
            (0..count).map(move |step| if count > 1 { steps.before(step) + row } else { row })
        })
    }

    fn sort_losses(&mut self) {
        let mut losses = std::mem::take(&mut self.losses);
        losses.clear();
        losses.extend(self.places().map(|place| self.output.losses()[place]));
        self.losses = losses;
    }
}

impl<T: Scalar> Stage<T> for SequenceBlock<T> {
    fn for_training(_: Layout, layers: &[Layer], room: Room<'_>) -> Result<Self> {
        let Room { rows, longest, steps, weighted, dropout, truncate, .. } = room;
        let space = Space { rows, longest, steps };
        let outputs = Self::outputs_in(layers, space);
        let last = layers.len() - 1;
        let of_output = Room::of_rows(outputs, weighted, &[]);
        let output = Block::behind_others(&layers[last..], of_output)?;
        let mut block = Self::new(layers, space, output)?;
        for (index, (hidden, layer)) in block.hidden.iter_mut().zip(layers).enumerate() {
            hidden.train(layer, space, dropout.get(index).is_some_and(|rate| *rate > 0.0))?;
        }
        block.truncate = truncate;
        block.targets = try_with_capacity(outputs)?;
        block.losses = try_zeros(outputs)?;
        Ok(block)
    }

    fn rows(&self) -> usize {
        self.lengths.len()
    }

    fn set_rows(&mut self, rows: usize) {
        // Those that are not there yet come with `load`.
        self.lengths.resize(rows, 0);
    }

    fn load(&mut self, examples: Examples<'_, T>, selection: Selection<'_>) {
        let Some(sequences) = examples.sequences else { return };
        let range = |row| sequences.range(selection.row(row));
        let rows = self.rows();
        let Inputs::Dense(x) = examples.x else { unreachable!("sequences are dense") };
        self.load_steps(x, (0..rows).map(|row| (range(row).start, range(row).len())));
        self.targets.clear();
        match self.returns {
            Returns::Last => self.targets.extend((0..rows).map(|row| selection.row(row) as u32)),
            Returns::Every => {
                let Self { targets, begins, steps, .. } = self;
                for step in 0..steps.count() {
                    targets.extend(begins[..steps.rows(step)].iter().map(|begin| (begin + step) as u32));
                }
            }
        }
        self.losses.resize(self.targets.len(), T::ZERO);
        self.output.set_rows(self.targets.len());
        self.output.load_targets(examples, Selection::Listed(&self.targets));
    }

    fn smooth_targets(&mut self, factor: T, summand: T) {
        self.output.smooth_targets(factor, summand);
    }

    fn forward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>, noise: Option<Noise<'_>>) {
        self.forward_unless(layers, parameters, noise, &mut || false);
    }

    fn forward_unless(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
        stop: &mut dyn FnMut() -> bool,
    ) -> bool {
        let done = self.forward_hidden(layers, parameters, noise, false, stop);
        if done {
            self.forward_output(layers, parameters);
        }
        done
    }

    fn output_deltas(&mut self, layers: &[Layer], loss: Loss) {
        self.output.output_deltas(&layers[layers.len() - 1..], loss);
        self.sort_losses();
    }

    fn activate_output(&mut self, layers: &[Layer]) {
        self.output.activate_output(&layers[layers.len() - 1..]);
    }

    fn back_through_output(&mut self, layers: &[Layer]) {
        self.output.back_through_output(&layers[layers.len() - 1..]);
    }

    fn backward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>) {
        self.backward_unless(layers, parameters, &mut || false);
    }

    fn backward_unless(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        stop: &mut dyn FnMut() -> bool,
    ) {
        let last = layers.len() - 1;
        let Self { lengths, steps, hidden, output, returns, truncate, .. } = self;
        let (derivatives, stride) =
            output.back_to_values(&layers[last..], Parameters { first: last, ..parameters });
        let reach = match (*truncate, *returns) {
            (None, _) => Reach::All,
            (Some(most), Returns::Every) => Reach::Pieces(most),
            (Some(most), Returns::Last) => Reach::FromEnd(most, lengths),
        };
        let mut source = match returns {
            Returns::Last => Source::Ends(derivatives, stride),
            Returns::Every => {
                for step in 0..steps.count() {
                    hidden[last - 1].set_above(steps, step, derivatives, stride, steps.before(step));
                }
                Source::From(0)
            }
        };
        for (index, layer) in layers[..last].iter().enumerate().rev() {
            let (before, own) = hidden.split_at_mut(index);
            own[0].backward(layer, index, parameters, steps, source, reach, stop);
            if let Some(before) = before.last_mut() {
                own[0].hand_back(layer, index, parameters, steps, before, stop);
            }
            source = Source::From(own[0].live());
        }
    }

    /// One for each step of time; of the only block, one for each run of steps with the same sequences, and for matrices of the step
    /// before one for the first step of each run besides, in case the states before are those of more sequences.
    fn pairs(&self, matrix: usize, only: bool) -> Range<usize> {
        let (layer, group) = self.matrices[matrix];
        if matrix + 1 == self.matrices.len() {
            let one = only || self.returns == Returns::Last;
            return 0..if one { 1 } else { self.steps.count() };
        }
        let runs = self.steps.runs().len();
        match group {
            None if only => 0..runs,
            Some(_) if only => 0..2 * runs,
            _ => self.hidden[layer].live()..self.steps.count(),
        }
    }

    fn pair(&self, matrix: usize, pair: usize, only: bool) -> Rows<'_, T> {
        let (layer, group) = self.matrices[matrix];
        if matrix + 1 == self.matrices.len() {
            return match self.returns {
                Returns::Last => self.output.pair(0, 0, only),
                Returns::Every if only => self.output.pair_of_rows(0, self.steps.total()),
                Returns::Every => {
                    let from = if pair < self.steps.count() { self.steps.before(pair) } else { 0 };
                    self.output.pair_of_rows(from, self.steps.rows(pair))
                }
            };
        }
        let live = self.hidden[layer].live();
        let steps = if only {
            let run = |index: usize| self.steps.runs()[index].clone();
            if group.is_none() {
                run(pair).start.max(live)..run(pair).end
            } else {
                let Range { start, end } = run(pair / 2);
                let apart = start == 0 || self.steps.rows(start - 1) > self.steps.rows(start);
                let border = if apart { start + 1 } else { start };
                if pair.is_multiple_of(2) { start.max(live)..border } else { border.max(live)..end }
            }
        } else {
            pair..pair + 1
        };
        self.pair_of_steps(layer, group, steps)
    }

    fn losses(&self) -> &[T] {
        &self.losses
    }

    fn copy_outputs(&self, to: &mut [T]) {
        let columns = to.len() / self.targets.len();
        for (to, place) in to.chunks_exact_mut(columns).zip(self.places()) {
            self.output.copy_output(place, to);
        }
    }

    fn copy_targets(&self, to: &mut [T]) {
        let columns = to.len() / self.targets.len();
        for (to, place) in to.chunks_exact_mut(columns).zip(self.places()) {
            self.output.copy_target(place, to);
        }
    }

    fn set_output_gradients(&mut self, losses: &[T], gradients: &[T]) {
        self.losses.clear();
        self.losses.extend_from_slice(losses);
        let columns = gradients.len() / losses.len();
        let Self { output, .. } = self;
        let mut at = 0;
        for (row, length) in self.lengths.iter().enumerate() {
            let count = if self.returns == Returns::Every { *length } else { 1 };
            for step in 0..count {
                let place = if count > 1 { self.steps.before(step) + row } else { row };
                output.set_output_gradient(place, &gradients[at..at + columns]);
                at += columns;
            }
        }
    }
}
