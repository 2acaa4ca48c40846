//! A layer that recurs, in a block of sequences: forward and backward through time.

use std::ops::Range;

use ndarray::{Array2, s};

use super::cell::{gru, lstm};
use super::noise::Noise;
use super::steps::Steps;
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::{Layout, Scalar, Start, Terms, Then, dispatch, panel_vectors, panels};
use crate::layer::{Kind, Layer, Parameters, Passage, Recurrence};
use crate::memory::{Aligned, try_zeros};

/// Multiply-adds after which a pass asks whether to give up, and the most steps of time without asking: it costs some nanoseconds.
const WORTH_ASKING: usize = 1 << 24;
const MOST_STEPS: usize = 64;

/// What a block has room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    /// Sequences.
    pub rows: usize,
    /// Steps of time of the longest one, and rows of all steps.
    pub longest: usize,
    pub steps: usize,
}

/// All that is computed of one layer. Matrices of all steps lie as [`Steps`] says, step after step.
#[derive(Debug)]
pub(super) struct Recurrent<T> {
    kind: Kind,
    form: Recurrence,
    /// Its outputs, and their panels.
    width: usize,
    panels: usize,
    /// From panel to panel of matrices with one row for each sequence.
    stride_of_rows: usize,
    /// The outputs h of every step.
    outputs: Aligned<T>,
    /// Of every step first the net inputs of gates, then what these give, and after the way back the derivatives with respect to the
    /// net inputs: one place for all, because together they would be more than caches hold. A simple layer has none.
    gates: Aligned<T>,
    /// The cells c at every step, and tanh(c), of layers that have cells.
    cells: Aligned<T>,
    /// Derivatives of outputs by net inputs, where the outputs do not tell them.
    slopes: Aligned<T>,
    /// The outputs, and the cells, before the first step.
    first: Aligned<T>,
    /// What dropout multiplies outputs by on their way to the next layer, for each sequence; and what comes of it.
    mask: Aligned<T>,
    dropped: Aligned<T>,
    /// Derivatives with respect to outputs: of every step, or of one after the other; those of a simple layer become derivatives with
    /// respect to net inputs.
    above: Aligned<T>,
    /// What a step hands to the one before, beside the products.
    carry: Aligned<T>,
    /// Derivatives with respect to the outputs of every step, and what the gates gave, for those who want to see them.
    kept: Aligned<T>,
    kept_gates: Aligned<T>,
    /// The first step whose deltas have been computed: those of all before it are 0.
    live: usize,
    /// Deltas of the steps before it.
    zeros: Aligned<T>,
}

/// Where the derivatives with respect to the outputs come from, beside those of the step behind.
#[derive(Clone, Copy)]
pub(super) enum Source<'a, T> {
    /// They are in place, from this step on; there are none before it.
    From(usize),
    /// There are some for the last step of each sequence only: rows in panels so far apart.
    Ends(&'a [T], usize),
}

/// What a layer that recurs computes at every step of time; each array is steps x numbers, one sequence after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct RecurrentValues<T> {
    /// What the gates give, units of a gate side by side: i, f, g, o of an LSTM; of a GRU, before r, z, n, the share of n from
    /// the step before. None of a simple layer.
    pub gates: Option<Array2<T>>,
    /// The cells of an LSTM.
    pub cells: Option<Array2<T>>,
    /// The outputs h.
    pub output: Array2<T>,
    /// The derivative of the sequence's loss, times the weight of its rows, with respect to each output, by all ways through time.
    pub output_gradient: Array2<T>,
    /// The same with respect to the net inputs, in the groups of the gates.
    pub delta: Array2<T>,
}

/// How far derivatives go back in time.
#[derive(Clone, Copy)]
pub(super) enum Reach<'a> {
    /// To the beginning.
    All,
    /// Not over the borders of pieces of so many steps.
    Pieces(usize),
    /// So many steps from the end of each sequence, of these lengths.
    FromEnd(usize, &'a [usize]),
}

/// One less than the number of steps of time, a power of 2, after which a pass asks whether to give up.
fn steps_between_questions(layer: &Layer, steps: &Steps) -> usize {
    let of_step = layer.n_parameters().saturating_mul(steps.rows(0)).max(1);
    let most = (WORTH_ASKING / of_step).clamp(1, MOST_STEPS);
    (1 << most.ilog2()) - 1
}

/// Rows on their way through the matrices of a layer.
fn passage<'a, T>(
    rows: usize,
    input: Terms<'a, T>,
    output: &'a mut [T],
    output_stride: usize,
) -> Passage<'a, T> {
    Passage { layout: Layout::UnitsInLanes, rows, input, output, output_stride, then: Then::Stay }
}

impl Reach<'_> {
    /// How many of the first sequences get nothing from the step behind `step`, which `behind` of them have.
    fn cut(self, step: usize, behind: usize) -> usize {
        match self {
            Self::All => 0,
            Self::Pieces(most) => {
                if (step + 1).is_multiple_of(most) {
                    behind
                } else {
                    0
                }
            }
            Self::FromEnd(most, lengths) => {
                lengths[..behind].iter().take_while(|&&length| length > step + most).count()
            }
        }
    }
}

impl<T: Scalar> Recurrent<T> {
    pub fn new(layer: &Layer, form: Recurrence, space: Space) -> Result<Self> {
        let panels = panels::<T>(layer.fan_out);
        let room =
            |groups: usize| Aligned::zeros(Steps::room::<T>(space.steps, space.longest, groups * panels));
        let stride_of_rows = panel_vectors(space.rows) * T::LANES;
        let is_simple = layer.kind == Kind::Rnn;
        Ok(Self {
            kind: layer.kind,
            form,
            width: layer.fan_out,
            panels,
            stride_of_rows,
            outputs: room(1)?,
            gates: room(if is_simple { 0 } else { form.groups })?,
            cells: room(if form.states > 1 { 2 } else { 0 })?,
            slopes: Aligned::zeros(0)?,
            first: Aligned::zeros((form.states * panels).saturating_mul(stride_of_rows))?,
            mask: Aligned::zeros(0)?,
            dropped: Aligned::zeros(0)?,
            above: Aligned::zeros(0)?,
            carry: Aligned::zeros(0)?,
            kept: Aligned::zeros(0)?,
            kept_gates: Aligned::zeros(0)?,
            live: 0,
            zeros: Aligned::zeros(0)?,
        })
    }

    /// Makes room for the way back, and for dropout.
    pub fn train(&mut self, layer: &Layer, space: Space, dropped: bool) -> Result<()> {
        let panels = self.panels;
        let room =
            |groups: usize| Aligned::zeros(Steps::room::<T>(space.steps, space.longest, groups * panels));
        let is_simple = self.kind == Kind::Rnn;
        self.slopes = room(usize::from(is_simple && !layer.activation.output_tells_derivative()))?;
        self.above = room(1)?;
        let of_rows = panels.saturating_mul(self.stride_of_rows);
        self.carry = Aligned::zeros(if is_simple { 0 } else { of_rows })?;
        self.zeros = Aligned::zeros(self.form.groups.saturating_mul(of_rows))?;
        if dropped {
            self.mask = Aligned::zeros(of_rows)?;
            self.dropped = room(1)?;
        }
        Ok(())
    }

    /// Makes room for derivatives with respect to outputs, and for gates, to be seen.
    pub fn keep(&mut self) -> Result<()> {
        self.kept = Aligned::zeros(self.outputs.len())?;
        self.kept_gates = Aligned::zeros(self.gates.len())?;
        Ok(())
    }

    /// Panels of its outputs.
    pub fn panels(&self) -> usize {
        self.panels
    }

    /// Its outputs.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The group of net inputs that its inputs lead to.
    pub fn first_group(&self) -> usize {
        self.form.from_inputs
    }

    /// How many states it has of each sequence: outputs, and cells.
    pub fn states(&self) -> usize {
        self.form.states
    }

    /// What the next layer gets.
    pub fn handed_on(&self) -> &[T] {
        if self.dropped.is_empty() { &self.outputs } else { &self.dropped }
    }

    /// From inputs in so many panels, at every step, to outputs. Without a state given, the first step starts from
    /// nothing. `false` if `stop` has said to give up.
    #[allow(clippy::too_many_arguments)]
    pub fn forward(
        &mut self,
        layer: &Layer,
        index: usize,
        parameters: Parameters<'_, T>,
        (inputs, input_panels): (&[T], usize),
        steps: &Steps,
        has_state: bool,
        stop: &mut dyn FnMut() -> bool,
    ) -> bool {
        let Self { kind, form, panels, stride_of_rows, outputs, gates, cells, slopes, first, .. } = self;
        let (panels, lanes_of_rows, pause) =
            (*panels, *stride_of_rows, steps_between_questions(layer, steps));
        for step in 0..steps.count() {
            if step & pause == 0 && stop() {
                return false;
            }
            let (rows, stride) = (steps.rows(step), steps.stride::<T>(step));
            let own = steps.range::<T>(step, panels);
            let (outputs_before, outputs) = outputs.split_at_mut(own.start);
            let outputs = &mut outputs[..own.len()];
            let (h, h_stride) = match step.checked_sub(1) {
                None => (&first[..panels * lanes_of_rows], lanes_of_rows),
                Some(before) => {
                    (&outputs_before[steps.range::<T>(before, panels)], steps.stride::<T>(before))
                }
            };
            let mut net = match kind {
                Kind::Rnn => None,
                _ => Some(&mut gates[steps.range::<T>(step, form.groups * panels)]),
            };
            let x = Terms::in_panels(&inputs[steps.range::<T>(step, input_panels)], stride);
            let to = &mut net.as_deref_mut().unwrap_or(outputs)[form.from_inputs * own.len()..];
            layer.forward(index, parameters, passage(rows, x, to, stride));
            // A gate with a place of its own for this share has biases there too.
            if step > 0 || has_state || form.from_inputs > 0 {
                let to = net.as_deref_mut().unwrap_or(outputs);
                layer.recur(index, parameters, passage(rows, Terms::in_panels(h, h_stride), to, stride));
            }
            let net = net.unwrap_or_default();
            match kind {
                Kind::Lstm => {
                    let (cells_before, cells) = cells.split_at_mut(2 * own.start);
                    let before = match step.checked_sub(1) {
                        None => &first[panels * lanes_of_rows..],
                        Some(before) => &cells_before[steps.range::<T>(before, 2 * panels)],
                    };
                    dispatch(lstm::Forward {
                        rows,
                        stride,
                        stride_before: h_stride,
                        gates: net,
                        cells: &mut cells[..2 * own.len()],
                        before,
                        outputs,
                    });
                }
                Kind::Gru => {
                    dispatch(gru::Forward {
                        rows,
                        stride,
                        stride_before: h_stride,
                        gates: net,
                        before: h,
                        outputs,
                    });
                }
                _ if slopes.is_empty() => layer.activation.apply(outputs, stride, rows),
                _ => layer.activation.apply_with_slopes(outputs, &mut slopes[own], stride, rows),
            }
        }
        true
    }

    /// Leaves out what dropout says: the same units of a sequence at all steps of time (Gal & Ghahramani, "A theoretically grounded
    /// application of dropout in recurrent neural networks", NIPS 2016), on the way to the next layer.
    pub fn drop(&mut self, index: usize, noise: Option<Noise<'_>>, steps: &Steps) {
        if self.dropped.is_empty() {
            return;
        }
        self.mask.fill(T::ONE);
        if let Some(noise) = noise {
            noise.drop(index, 1, &mut self.mask, &mut [], self.stride_of_rows, steps.rows(0));
        }
        let Self { panels, mask, stride_of_rows, outputs, dropped, .. } = self;
        for step in 0..steps.count() {
            let own = steps.range::<T>(step, *panels);
            let count = steps.rows(step) * T::LANES;
            let stride = steps.stride::<T>(step);
            let pairs = outputs[own.clone()].chunks_exact(stride).zip(dropped[own].chunks_exact_mut(stride));
            for ((h, dropped), mask) in pairs.zip(mask.chunks_exact(*stride_of_rows)) {
                for ((to, h), factor) in dropped[..count].iter_mut().zip(h).zip(mask) {
                    *to = *h * *factor;
                }
            }
        }
    }

    /// Derivatives with respect to the net inputs of every step, once the way back has been there.
    fn deltas(&self) -> &[T] {
        if self.kind == Kind::Rnn { &self.above } else { &self.gates }
    }

    /// Where the derivatives with respect to the outputs of a step lie on the way back. Those that come from the ends of the sequences alone are not wanted for longer.
    fn place_of_derivatives(&self, steps: &Steps, step: usize, source: Source<'_, T>) -> Range<usize> {
        let place = steps.range::<T>(step, self.panels);
        match source {
            Source::Ends(..) if self.kind != Kind::Rnn => 0..place.len(),
            _ => place,
        }
    }

    /// Takes those of a step: rows in panels of a matrix of all steps, so far apart, from a row on.
    pub fn set_above(
        &mut self,
        steps: &Steps,
        step: usize,
        from: &[T],
        from_stride: usize,
        first_row: usize,
    ) {
        let (own, stride) = (steps.range::<T>(step, self.panels), steps.stride::<T>(step));
        let count = steps.rows(step) * T::LANES;
        for (panel, to) in self.above[own].chunks_exact_mut(stride).enumerate() {
            to[..count].copy_from_slice(&from[panel * from_stride + first_row * T::LANES..][..count]);
        }
    }

    /// Gives the layer before the derivatives with respect to the outputs of its steps.
    pub fn hand_back(
        &self,
        layer: &Layer,
        index: usize,
        parameters: Parameters<'_, T>,
        steps: &Steps,
        before: &mut Self,
        stop: &mut dyn FnMut() -> bool,
    ) {
        let groups = (self.form.groups - self.form.from_inputs) * self.panels;
        let pause = steps_between_questions(layer, steps);
        for step in self.live..steps.count() {
            if step & pause == 0 && stop() {
                return;
            }
            let stride = steps.stride::<T>(step);
            let deltas = &self.deltas()[steps.range::<T>(step, self.form.groups * self.panels)];
            let to = steps.range::<T>(step, before.panels);
            let deltas = Terms::in_panels(&deltas[deltas.len() - groups * stride..], stride);
            let to = &mut before.above[to];
            layer.backward(index, parameters, passage(steps.rows(step), deltas, to, stride));
        }
    }

    /// From derivatives with respect to outputs to deltas, the last step first, until all are 0: those of the steps before
    /// would be 0 too.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &mut self,
        layer: &Layer,
        index: usize,
        parameters: Parameters<'_, T>,
        steps: &Steps,
        source: Source<'_, T>,
        reach: Reach<'_>,
        stop: &mut dyn FnMut() -> bool,
    ) {
        if let Source::From(first) = source {
            self.drop_derivatives(steps, first);
        }
        self.live = 0;
        if !self.kept_gates.is_empty() {
            self.kept_gates.copy_from_slice(&self.gates);
        }
        let pause = steps_between_questions(layer, steps);
        for step in (0..steps.count()).rev() {
            if step & pause == 0 && stop() {
                return;
            }
            let (rows, behind) = (steps.rows(step), steps.rows(step + 1));
            let cut = reach.cut(step, behind);
            self.clear_carry(cut, behind, rows);
            let scaled = self.gather_derivatives(layer, index, parameters, steps, step, source, cut);
            if !self.kept.is_empty() {
                let from = self.place_of_derivatives(steps, step, source);
                self.kept[steps.range::<T>(step, self.panels)].copy_from_slice(&self.above[from]);
            }
            if self.kind == Kind::Rnn {
                if !scaled {
                    self.scale(layer.activation, steps, step);
                }
            } else {
                self.cell_back(steps, step, source);
            }
            let nothing_before = match source {
                Source::From(first) => step <= first,
                Source::Ends(..) => rows == steps.rows(0),
            };
            if nothing_before && self.is_zero(steps, step) {
                self.live = step + 1;
                self.clear_deltas_before(steps, step);
                break;
            }
        }
    }

    /// Where gates and deltas are to be seen: the way back has not come to the steps before this one.
    fn clear_deltas_before(&mut self, steps: &Steps, step: usize) {
        if !self.kept_gates.is_empty() {
            self.gates[..steps.range::<T>(step, self.form.groups * self.panels).start].fill(T::ZERO);
        }
    }

    /// Whether a step hands nothing to the one before.
    fn is_zero(&self, steps: &Steps, step: usize) -> bool {
        let count = steps.rows(step) * T::LANES;
        // No early way out of a panel: so it vectorises.
        let is_not_zero = |x: &T| *x != T::ZERO;
        let zero = |panel: &[T]| !panel[..count].iter().fold(false, |any, x| any | is_not_zero(x));
        let own = steps.range::<T>(step, self.form.groups * self.panels);
        self.deltas()[own].chunks_exact(steps.stride::<T>(step)).all(zero)
            && self.carry.chunks_exact(self.stride_of_rows).all(zero)
    }

    /// The first step whose deltas have been computed: those of all before it are 0.
    pub fn live(&self) -> usize {
        self.live
    }

    /// What dropout has left out has no derivative.
    fn drop_derivatives(&mut self, steps: &Steps, first: usize) {
        if self.dropped.is_empty() {
            return;
        }
        let (panels, stride_of_rows, mask) = (self.panels, self.stride_of_rows, &self.mask);
        for step in first..steps.count() {
            let count = steps.rows(step) * T::LANES;
            let matrix = &mut self.above[steps.range::<T>(step, panels)];
            let all = matrix.chunks_exact_mut(steps.stride::<T>(step)).zip(mask.chunks_exact(stride_of_rows));
            for (above, mask) in all {
                for (delta, factor) in above[..count].iter_mut().zip(mask) {
                    *delta *= *factor;
                }
            }
        }
    }

    /// Sequences that end here, or get nothing from behind, start from nothing.
    fn clear_carry(&mut self, cut: usize, behind: usize, rows: usize) {
        let lanes = T::LANES;
        if self.carry.is_empty() {
            return;
        }
        for panel in self.carry.chunks_exact_mut(self.stride_of_rows) {
            panel[..cut * lanes].fill(T::ZERO);
            panel[behind * lanes..rows * lanes].fill(T::ZERO);
        }
    }

    /// All derivatives with respect to the outputs of a step; whether they are deltas already.
    #[allow(clippy::too_many_arguments)]
    fn gather_derivatives(
        &mut self,
        layer: &Layer,
        index: usize,
        parameters: Parameters<'_, T>,
        steps: &Steps,
        step: usize,
        source: Source<'_, T>,
        cut: usize,
    ) -> bool {
        let place = self.place_of_derivatives(steps, step, source);
        let Self { kind, form, panels, stride_of_rows, outputs, slopes, mask, .. } = self;
        let Self { gates, above, carry, kept, .. } = self;
        let (rows, behind, lanes) = (steps.rows(step), steps.rows(step + 1), T::LANES);
        let stride = steps.stride::<T>(step);
        let own = steps.range::<T>(step, *panels);
        let (here, after) = if *kind == Kind::Rnn {
            let (here, after) = above.split_at_mut(own.end);
            (&mut here[own.clone()], &*after)
        } else {
            (&mut above[place], &gates[steps.range::<T>(step, form.groups * *panels).end..])
        };
        let there = matches!(source, Source::From(first) if step >= first);
        if !there {
            for panel in here.chunks_exact_mut(stride) {
                panel[..cut * lanes].fill(T::ZERO);
                panel[behind * lanes..rows * lanes].fill(T::ZERO);
            }
        }
        if let Source::Ends(ends, ends_stride) = source {
            for (panel, to) in here.chunks_exact_mut(stride).enumerate() {
                let to = &mut to[behind * lanes..rows * lanes];
                to.copy_from_slice(&ends[panel * ends_stride..][behind * lanes..rows * lanes]);
                if !mask.is_empty() {
                    let mask = &mask[panel * *stride_of_rows..][behind * lanes..rows * lanes];
                    to.iter_mut().zip(mask).for_each(|(delta, factor)| *delta *= *factor);
                }
            }
        }
        let from_behind = cut..behind;
        if from_behind.is_empty() {
            return false;
        }
        let part = cut * lanes..behind * lanes;
        let mut start = if there { Start::There } else { Start::Zero };
        if *kind == Kind::Gru {
            for (panel, to) in here.chunks_exact_mut(stride).enumerate() {
                let carry = &carry[panel * *stride_of_rows..][part.clone()];
                for (to, carry) in to[part.clone()].iter_mut().zip(carry) {
                    *to = if there { *to + *carry } else { *carry };
                }
            }
            start = Start::There;
        }
        let stride_behind = steps.stride::<T>(step + 1);
        let groups = form.gates * *panels;
        let input = Terms::in_panels(&after[cut * lanes..groups * stride_behind], stride_behind);
        let whole = from_behind.len() == rows && *kind == Kind::Rnn && slopes.is_empty() && kept.is_empty();
        let derivative = layer.activation.derivative_in_product().filter(|_| whole);
        let then = derivative.map_or(Then::Stay, |derivative| Then::Scale(derivative, &outputs[own]));
        let passage = passage(from_behind.len(), input, &mut here[cut * lanes..], stride);
        layer.recur_back(index, parameters, start, Passage { then, ..passage });
        derivative.is_some()
    }

    /// Deltas of a simple layer.
    fn scale(&mut self, activation: Activation, steps: &Steps, step: usize) {
        let own = steps.range::<T>(step, self.panels);
        let (stride, rows) = (steps.stride::<T>(step), steps.rows(step));
        let deltas = &mut self.above[own.clone()];
        if self.slopes.is_empty() {
            activation.scale_deltas(deltas, &self.outputs[own], stride, rows);
        } else {
            activation.scale_by_slopes(deltas, &self.slopes[own], stride, rows);
        }
    }

    /// Deltas of gates.
    fn cell_back(&mut self, steps: &Steps, step: usize, source: Source<'_, T>) {
        let place = self.place_of_derivatives(steps, step, source);
        let Self { kind, form, panels, stride_of_rows, outputs, gates, cells, first, above, carry, .. } =
            self;
        let (rows, stride, panels) = (steps.rows(step), steps.stride::<T>(step), *panels);
        let own = steps.range::<T>(step, form.groups * panels);
        let gates = &mut gates[own];
        let above = &above[place];
        let stride_of_carry = *stride_of_rows;
        let before = step.checked_sub(1);
        let stride_before = before.map_or(stride_of_carry, |before| steps.stride::<T>(before));
        if *kind == Kind::Lstm {
            let before = match before {
                None => &first[panels * stride_of_carry..],
                Some(before) => &cells[steps.range::<T>(before, 2 * panels)],
            };
            let cells = &cells[steps.range::<T>(step, 2 * panels)];
            dispatch(lstm::Backward {
                rows,
                stride,
                stride_before,
                gates,
                cells,
                before,
                above,
                carry,
                stride_of_carry,
            });
        } else {
            let before = match before {
                None => &first[..],
                Some(before) => &outputs[steps.range::<T>(before, panels)],
            };
            dispatch(gru::Backward {
                rows,
                stride,
                stride_before,
                gates,
                before,
                above,
                carry,
                stride_of_carry,
            });
        }
    }

    /// The outputs before a step and those behind it, as the inputs of recurrent weights, and from panel to panel.
    pub fn states_before(&self, steps: &Steps, step: usize) -> (&[T], usize) {
        match step.checked_sub(1) {
            None => (&self.first[..self.panels * self.stride_of_rows], self.stride_of_rows),
            Some(before) => {
                (&self.outputs[steps.range::<T>(before, self.panels).start..], steps.stride::<T>(before))
            }
        }
    }

    /// The deltas of a step and those behind it, from a group on; from panel to panel, and to the next step.
    pub fn deltas_from(&self, steps: &Steps, step: usize, group: usize) -> (&[T], usize, usize) {
        if step < self.live {
            return (&self.zeros[group * self.panels * self.stride_of_rows..], self.stride_of_rows, 0);
        }
        let (groups, stride) = (self.form.groups * self.panels, steps.stride::<T>(step));
        let deltas = &self.deltas()[steps.range::<T>(step, groups).start..];
        (&deltas[group * self.panels * stride..], stride, groups * stride)
    }

    /// The states before the first step of time, in panels: outputs, then cells; and from panel to panel.
    pub fn first(&mut self) -> (&mut [T], usize) {
        (&mut self.first, self.stride_of_rows)
    }

    /// Makes the states at the end of each sequence, of these lengths, those before the first step of what follows. The state of
    /// one without a step stays.
    pub fn carry_on(&mut self, steps: &Steps, lengths: &[usize]) {
        let (panels, lanes) = (self.panels, T::LANES);
        let (outputs, cells) = self.first.split_at_mut(panels * self.stride_of_rows);
        for (row, length) in lengths.iter().enumerate() {
            let Some(last) = length.checked_sub(1) else { continue };
            let stride = steps.stride::<T>(last);
            let ends = [
                (&mut *outputs, &self.outputs, steps.range::<T>(last, panels).start),
                (&mut *cells, &self.cells, steps.range::<T>(last, 2 * panels).start),
            ];
            for (to, from, start) in ends {
                for (panel, to) in to.chunks_exact_mut(self.stride_of_rows).enumerate() {
                    let from = &from[start + panel * stride + row * lanes..][..lanes];
                    to[row * lanes..][..lanes].copy_from_slice(from);
                }
            }
        }
    }

    /// Numbers of each kind at every step of sequences of these lengths, one sequence after the other.
    pub fn values(&self, steps: &Steps, lengths: &[usize]) -> Result<RecurrentValues<T>> {
        let copied = |numbers: &[T], groups: usize| self.copied(numbers, groups, steps, lengths);
        let groups = self.form.groups;
        let cells = if self.cells.is_empty() { None } else { Some(copied(&self.cells, 2)?) };
        Ok(RecurrentValues {
            gates: if self.gates.is_empty() { None } else { Some(copied(&self.kept_gates, groups)?) },
            cells: cells.map(|both| both.slice_move(s![.., ..self.width])),
            output: copied(&self.outputs, 1)?,
            output_gradient: copied(&self.kept, 1)?,
            delta: copied(self.deltas(), groups)?,
        })
    }

    /// The numbers of a matrix of so many groups, without what fills up panels.
    fn copied(&self, numbers: &[T], groups: usize, steps: &Steps, lengths: &[usize]) -> Result<Array2<T>> {
        let columns = groups * self.width;
        let mut copied = try_zeros(steps.total().saturating_mul(columns))?;
        let places =
            lengths.iter().enumerate().flat_map(|(row, length)| (0..*length).map(move |step| (row, step)));
        for ((row, step), to) in places.zip(copied.chunks_exact_mut(columns)) {
            let from = &numbers[steps.range::<T>(step, groups * self.panels)];
            for (group, to) in to.chunks_exact_mut(self.width).enumerate() {
                for (panel, to) in to.chunks_mut(T::LANES).enumerate() {
                    let at = (group * self.panels + panel) * steps.stride::<T>(step) + row * T::LANES;
                    to.copy_from_slice(&from[at..at + to.len()]);
                }
            }
        }
        Array2::from_shape_vec((steps.total(), columns), copied)
            .map_err(|error| Error::argument("X", "fewer steps", error))
    }

    /// Copies the outputs of the last step of each sequence to rows in panels.
    pub fn copy_ends(&self, steps: &Steps, lengths: &[usize], to: &mut [T], to_stride: usize) {
        let lanes = T::LANES;
        for (row, length) in lengths.iter().enumerate() {
            let (start, stride) =
                (steps.range::<T>(length - 1, self.panels).start, steps.stride::<T>(length - 1));
            for panel in 0..self.panels {
                let from = &self.handed_on()[start + panel * stride + row * lanes..][..lanes];
                to[panel * to_stride + row * lanes..][..lanes].copy_from_slice(from);
            }
        }
    }

    /// Copies the outputs of all steps to rows in panels, step after step.
    pub fn copy_all(&self, steps: &Steps, to: &mut [T], to_stride: usize) {
        for step in 0..steps.count() {
            let count = steps.rows(step) * T::LANES;
            let from = &self.handed_on()[steps.range::<T>(step, self.panels)];
            for (panel, from) in from.chunks_exact(steps.stride::<T>(step)).enumerate() {
                let at = panel * to_stride + steps.before(step) * T::LANES;
                to[at..at + count].copy_from_slice(&from[..count]);
            }
        }
    }
}
