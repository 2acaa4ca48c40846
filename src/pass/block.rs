//! A block of rows on its way through the layers.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::examples::Examples;
use super::inputs::{Inputs, SparseRows};
use super::noise::{Noise, signals};
use super::selection::Selection;
use super::stage::{Kept, Room, Stage};

use crate::activation::{Activation, Draw, Estimator, Units, magnitude, softmax};
use crate::error::{Error, Result};
use crate::kernel::{
    Entries, Layout, Repeated, Rows, Scalar, SparseBlock, Terms, Then, gather_along_lanes, gather_parts,
    gather_rows, panel_vectors, panels,
};
use crate::layer::{Layer, Parameters, Passage, SparsePassage};
use crate::loss::{Loss, Outputs};
use crate::memory::{Aligned, try_zeros};
use crate::number::widened;

/// A block of rows and everything that a step computes for it, in panels. Allocated once, used again for every step.
#[derive(Debug)]
pub(crate) struct Block<T> {
    /// Rows in it now.
    rows: usize,
    /// What lies along the lanes.
    layout: Layout,
    /// From panel to panel: of the inputs, and of the outputs of each layer.
    strides: Vec<usize>,
    /// Of each number: 1, or 2 if the layers are complex: a matrix has the panels of the real parts, then those of
    /// the imaginary ones.
    parts: usize,
    /// Lists of the inputs that are not 0, in place of panels of all of them.
    sparse: Option<SparseInputs<T>>,
    /// The inputs, then the outputs of each layer. For training, the output layer's place holds its
    /// net inputs, from which the loss is computed.
    values: Vec<Aligned<T>>,
    /// Derivatives of the loss with respect to the net inputs of each layer; empty if the block is
    /// for prediction.
    deltas: Vec<Aligned<T>>,
    /// Derivatives of the outputs of each layer with respect to its net inputs, where the outputs
    /// alone do not tell them; else empty.
    slopes: Vec<Aligned<T>>,
    /// The real parts of the deltas of each complex layer, with the other sign.
    negated: Vec<Aligned<T>>,
    /// For complex layers whose outputs come from absolute values.
    magnitudes: Option<Magnitudes<T>>,
    /// Derivatives with respect to the inputs, for those who want them.
    input_deltas: Option<Aligned<T>>,
    targets: Aligned<T>,
    weights: Aligned<T>,
    weighted: bool,
    /// The loss of each row; of complex outputs, that of the imaginary parts behind all of these.
    losses: Aligned<T>,
    /// What the score function sees of the losses; empty without stochastic units.
    signals: Aligned<T>,
    /// How often each row was there in the last pass forward, if that had noise; else 0.
    copies: usize,
    /// Numbers in a row of outputs.
    columns: usize,
}

/// Rows of inputs most of which are 0.
#[derive(Debug)]
struct SparseInputs<T> {
    rows: Entries<T>,
    /// For the gradient.
    columns: Entries<T>,
    /// Whether the block holds them now, and not those in panels.
    there: bool,
}

/// Where the inputs of a block are.
#[derive(Clone, Copy)]
enum Source<'a, T> {
    /// In the block.
    Block,
    /// Row by row in memory.
    Rows(Terms<'a, T>),
    /// In sparse rows, from one on.
    Entries(&'a Entries<T>, usize),
}

type RowOf = fn(usize) -> u32;

/// Probabilities in place of a draw.
const NO_DRAW: Option<Draw<RowOf>> = None;

/// Absolute values of the net inputs of the output layer, in place: then outputs, and their deltas.
#[derive(Debug)]
struct Magnitudes<T> {
    values: Aligned<T>,
    deltas: Aligned<T>,
}

impl<T: Scalar> Block<T> {
    fn with_layout(layout: Layout, layers: &[Layer], capacity: usize, inputs: bool) -> Result<Self> {
        let (parts, output) = (layers[0].parts(), &layers[layers.len() - 1]);
        let widths = std::iter::once(layers[0].fan_in).chain(layers.iter().map(|layer| layer.fan_out));
        let mut strides = Vec::with_capacity(layers.len() + 1);
        let mut values = Vec::with_capacity(layers.len() + 1);
        for (index, width) in widths.enumerate() {
            let (panels, vectors) = match layout {
                Layout::UnitsInLanes => (parts * panels::<T>(width), capacity),
                Layout::RowsInLanes => (panels::<T>(capacity), width),
            };
            let stride = panel_vectors(vectors) * T::LANES;
            let there = index > 0 || inputs;
            values.push(Aligned::zeros(if there { panels.saturating_mul(stride) } else { 0 })?);
            strides.push(stride);
        }
        let magnitudes = if parts > output.output_parts() {
            let values = Aligned::zeros(values[layers.len()].len() / 2)?;
            Some(Magnitudes { values, deltas: Aligned::zeros(0)? })
        } else {
            None
        };
        Ok(Self {
            rows: 0,
            layout,
            strides,
            parts,
            sparse: None,
            values,
            negated: Vec::new(),
            magnitudes,
            deltas: Vec::new(),
            slopes: Vec::new(),
            input_deltas: None,
            targets: Aligned::zeros(0)?,
            weights: Aligned::zeros(0)?,
            weighted: false,
            losses: Aligned::zeros(0)?,
            signals: Aligned::zeros(0)?,
            copies: 0,
            columns: output.numbers_out(),
        })
    }

    /// Vectors in use per panel of a matrix with this many columns.
    fn vectors(&self, columns: usize) -> usize {
        match self.layout {
            Layout::UnitsInLanes => self.rows,
            Layout::RowsInLanes => columns,
        }
    }

    /// Numbers of a matrix up to the end of its last panel in use, given all of them and from panel to panel.
    fn in_use(&self, numbers: usize, stride: usize) -> usize {
        match self.layout {
            Layout::UnitsInLanes => numbers,
            Layout::RowsInLanes => panels::<T>(self.rows) * stride,
        }
    }

    /// Asserts the unit layout, which copied outputs, external gradients, softmax outputs and dropout require;
    /// [`layout`](super::layout::layout) never chooses the other one for them.
    fn needs_units(&self) {
        debug_assert_eq!(self.layout, Layout::UnitsInLanes);
    }

    /// Where the outputs are, after [`Stage::activate_output`].
    fn outputs(&self) -> &Aligned<T> {
        match &self.magnitudes {
            Some(magnitudes) => &magnitudes.values,
            None => &self.values[self.values.len() - 1],
        }
    }

    /// The parts of outputs and targets.
    fn output_parts(&self) -> usize {
        if self.magnitudes.is_some() { 1 } else { self.parts }
    }

    /// From panel to panel of the outputs.
    fn output_stride(&self) -> usize {
        self.strides[self.strides.len() - 1]
    }

    fn forward_layers(
        &mut self,
        source: Source<'_, T>,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
    ) {
        self.copies = noise.map_or(0, Noise::copies);
        for (index, layer) in layers.iter().enumerate() {
            let hidden = index + 1 < layers.len();
            let dropped = noise.is_some_and(|noise| noise.rates.get(index).is_some_and(|rate| *rate > 0.0));
            let source = if index == 0 { source } else { Source::Block };
            let rectify = hidden
                && !dropped
                && layer.rectifies()
                && is_none_or_empty(self.slopes.get(index))
                && lists(self.sparse.as_ref(), index, source).is_none();
            self.net_inputs(index, source, layer, parameters, rectify);
            if hidden && !rectify {
                self.activate_hidden(index, layer, noise);
            }
        }
    }

    /// The net inputs of a layer, rectified if so wanted, from the outputs of the one before or other inputs.
    fn net_inputs(
        &mut self,
        index: usize,
        source: Source<'_, T>,
        layer: &Layer,
        parameters: Parameters<'_, T>,
        rectify: bool,
    ) {
        let stride = self.strides[index + 1];
        let in_use = self.in_use(self.values[index + 1].len(), stride);
        let (before, after) = self.values.split_at_mut(index + 1);
        if let Some((entries, first)) = lists(self.sparse.as_ref(), index, source) {
            let (rows, output, output_stride) = (self.rows, &mut after[0][..in_use], stride);
            let passage = SparsePassage { entries, first, rows, output, output_stride };
            return layer.forward_sparse(index, parameters, passage);
        }
        let input = match source {
            Source::Rows(terms) => terms,
            _ => Terms::in_panels(&before[index], self.strides[index]),
        };
        let passage = Passage {
            layout: self.layout,
            rows: self.rows,
            input,
            output: &mut after[0][..in_use],
            output_stride: stride,
            then: if rectify { Then::Rectify } else { Then::Stay },
        };
        layer.forward(index, parameters, passage);
    }

    /// From net inputs to outputs, with the derivatives where they are kept.
    fn activate_hidden(&mut self, index: usize, layer: &Layer, noise: Option<Noise<'_>>) {
        let stride = self.strides[index + 1];
        let vectors = self.vectors(layer.fan_out);
        let in_use = self.in_use(self.values[index + 1].len(), stride);
        let (values, slopes) = (&mut self.values[index + 1][..in_use], self.slopes.get_mut(index));
        if let Some(units) = layer.activation.units() {
            debug_assert_eq!(self.layout, Layout::UnitsInLanes);
            let kept = slopes.map_or(&mut [][..], |slopes| &mut slopes[..]);
            let draw = noise.map(|noise| noise.draw(index, units));
            units.forward(values, kept, layer.fan_out, (stride, vectors), draw);
            return;
        }
        activate(layer.activation, values, slopes, stride, vectors);
        if let Some(noise) = noise.filter(|noise| !noise.rates.is_empty()) {
            debug_assert!(self.layout == Layout::UnitsInLanes || noise.rates[index] == 0.0);
            let slopes = self.slopes.get_mut(index).map_or(&mut [][..], |slopes| &mut slopes[..]);
            noise.drop(index, self.parts, &mut self.values[index + 1], slopes, stride, self.rows);
        }
    }

    /// Outputs of the output layer, whose net inputs the block holds and keeps, and their derivatives.
    fn outputs_and_derivatives(&mut self, layers: &[Layer]) -> Result<(Array2<T>, Array2<T>)> {
        let (last, stride, rows) = (layers.len(), self.output_stride(), self.rows);
        let layer = layers[last - 1];
        let Layer { activation, fan_out, .. } = layer;
        self.take_magnitudes();
        let mut outputs = self.outputs().try_clone()?;
        let mut slopes = Aligned::zeros(outputs.len() * activation.slopes_of_output())?;
        if activation == Activation::Softmax {
            softmax::forward(&mut outputs, fan_out, stride, rows);
            for (slope, &a) in slopes.iter_mut().zip(outputs.iter()) {
                *slope = a * (T::ONE - a);
            }
        } else if self.magnitudes.is_some() {
            slopes.fill(T::ONE);
        } else {
            activation.apply_with_slopes(&mut outputs, &mut slopes, stride, rows);
        }
        if self.magnitudes.is_some() {
            let mut turned = Aligned::zeros(2 * slopes.len())?;
            magnitude::back_through(&slopes, &self.values[last], &mut turned, stride, rows);
            // Of the real part, which is all there is of an output, by both parts of the net input.
            let part = slopes.len();
            slopes = Aligned::zeros(4 * part)?;
            slopes[..part].copy_from_slice(&turned[..part]);
            slopes[2 * part..3 * part].copy_from_slice(&turned[part..]);
        }
        let copied = self.copied(&outputs, self.output_parts(), last, fan_out)?;
        Ok((copied, self.copied_slopes(&slopes, last, fan_out)?))
    }

    /// A copy of derivatives f' in panels. Those of complex numbers, a + ib = f(x + iy), are da/dx and db/dy, and da/dy
    /// and db/dx if these are not 0; they become df/dz and df/d(conj z), four numbers.
    fn copied_slopes(&self, slopes: &[T], stride: usize, columns: usize) -> Result<Array2<T>> {
        if self.parts == 1 {
            return self.copied(slopes, 1, stride, columns);
        }
        let part = self.values[stride].len() / 2;
        let none = try_zeros(part)?;
        let plane = |index: usize| slopes.get(index * part..(index + 1) * part).unwrap_or(&none);
        let planes = [0, 1, 2, 3].map(|index| self.copied(plane(index), 1, stride, columns));
        let [ax, by, ay, bx] = planes;
        let (ax, by, ay, bx) = (ax?, by?, ay?, bx?);
        let half = T::from_f64(0.5);
        let number = |(row, column): (usize, usize)| {
            let at = (row, column / 4);
            half * match column % 4 {
                0 => ax[at] + by[at],
                1 => bx[at] - ay[at],
                2 => ax[at] - by[at],
                _ => bx[at] + ay[at],
            }
        };
        Ok(Array2::from_shape_fn((self.rows, 4 * columns), number))
    }

    /// A copy of a matrix in panels, `columns` numbers of so many parts in a row.
    fn copied(&self, panels: &[T], parts: usize, stride: usize, columns: usize) -> Result<Array2<T>> {
        self.needs_units();
        let columns = parts * columns;
        let mut numbers = try_zeros(self.rows.saturating_mul(columns))?;
        copy_rows(panels, parts, self.strides[stride], columns, &mut numbers);
        Array2::from_shape_vec((self.rows, columns), numbers)
            .map_err(|error| Error::argument("X", "fewer rows", error))
    }

    /// From the net inputs of the output layer, which stay, to their absolute values, where they are wanted.
    fn take_magnitudes(&mut self) {
        let (stride, rows) = (self.output_stride(), self.rows);
        let net = &self.values[self.values.len() - 1];
        if let Some(magnitudes) = &mut self.magnitudes {
            magnitude::forward(net, &mut magnitudes.values, stride, rows);
        }
    }

    /// From derivatives with respect to the absolute values to the deltas of the output layer, likewise.
    fn back_through_magnitudes(&mut self) {
        let (stride, rows, last) = (self.output_stride(), self.rows, self.deltas.len() - 1);
        if let Some(magnitudes) = &self.magnitudes {
            magnitude::back_through(
                &magnitudes.deltas,
                &self.values[last + 1],
                &mut self.deltas[last],
                stride,
                rows,
            );
        }
    }

    /// Makes the deltas of the output layer those of one output alone: its derivatives with respect
    /// to the outputs are 1 there and 0 elsewhere.
    fn choose_output(&mut self, output: usize) {
        self.needs_units();
        let last = self.deltas.len() - 1;
        let deltas = &mut self.deltas[last];
        deltas.fill(T::ZERO);
        let panel = &mut deltas[output / T::LANES * self.strides[last + 1]..][..self.rows * T::LANES];
        for vector in panel.chunks_exact_mut(T::LANES) {
            vector[output % T::LANES] = T::ONE;
        }
    }

    /// The inputs, in panels so far apart.
    pub fn inputs_mut(&mut self) -> (&mut [T], usize) {
        (&mut self.values[0], self.strides[0])
    }

    /// Copies targets into the block, and their weights if there are any.
    pub fn load_targets(&mut self, examples: Examples<'_, T>, selection: Selection<'_>) {
        let (layout, parts, rows, stride) =
            (self.layout, self.output_parts(), self.rows, self.output_stride());
        let (from, to) = (examples.y, &mut self.targets);
        match examples.consecutive(selection) {
            Some(first) => gather(layout, parts, from, rows, |row| first + row, to, stride),
            None => gather(layout, parts, from, rows, |row| examples.row(selection.row(row)), to, stride),
        }
        if let Some(weights) = examples.weights {
            for row in 0..self.rows {
                self.weights[row] = weights[selection.row(row)];
            }
        }
    }

    /// The pair of inputs and deltas of the first layer, of some of the rows.
    pub fn pair_of_rows(&self, first: usize, rows: usize) -> Rows<'_, T> {
        let at = first * T::LANES;
        let all = self.pair(0, 0, false);
        Rows { rows, input: &all.input[at..], delta: &all.delta[at..], ..all }
    }

    /// Copies the outputs of a row.
    pub fn copy_output(&self, row: usize, to: &mut [T]) {
        copy_row(self.outputs(), self.output_stride(), row, to);
    }

    /// Copies the deltas of a row of the output layer.
    pub fn copy_delta(&self, row: usize, to: &mut [T]) {
        copy_row(&self.deltas[self.deltas.len() - 1], self.output_stride(), row, to);
    }

    /// Copies the targets of a row.
    pub fn copy_target(&self, row: usize, to: &mut [T]) {
        copy_row(&self.targets, self.output_stride(), row, to);
    }

    /// Takes over the derivatives of a row's loss with respect to its outputs, of real numbers.
    pub fn set_output_gradient(&mut self, row: usize, gradients: &[T]) {
        let (stride, last) = (self.output_stride(), self.deltas.len() - 1);
        let weight = if self.weighted { self.weights[row] } else { T::ONE };
        for (panel, from) in gradients.chunks(T::LANES).enumerate() {
            let to = &mut self.deltas[last][panel * stride + row * T::LANES..];
            for (delta, &g) in to.iter_mut().zip(from) {
                *delta = g * weight;
            }
        }
    }

    /// From the deltas of the first layer to the derivatives with respect to the inputs, in panels so far apart.
    pub fn back_to_values(&mut self, layers: &[Layer], parameters: Parameters<'_, T>) -> (&[T], usize) {
        let stride = self.strides[0];
        let Some(input_deltas) = &mut self.input_deltas else { return (&[], stride) };
        let passage = Passage {
            layout: self.layout,
            rows: self.rows,
            input: Terms::in_panels(&self.deltas[0], self.strides[1]),
            output: &mut input_deltas[..],
            output_stride: stride,
            then: Then::Stay,
        };
        layers[0].backward(0, parameters, passage);
        (input_deltas, stride)
    }

    /// From the deltas of the first layer to the derivatives with respect to the inputs, in rows that are `step`
    /// numbers apart.
    fn back_to_inputs(&mut self, layers: &[Layer], parameters: Parameters<'_, T>, step: usize, to: &mut [T]) {
        let rows = self.rows;
        let (input_deltas, stride) = self.back_to_values(layers, parameters);
        for row in 0..rows {
            for (panel, to) in to[row * step..][..layers[0].fan_in].chunks_mut(T::LANES).enumerate() {
                let at = panel * stride + row * T::LANES;
                to.copy_from_slice(&input_deltas[at..at + to.len()]);
            }
        }
    }
}

/// What predictions, gradients by inputs and traces ask of it beside.
impl<T: Scalar> Block<T> {
    /// Room for `capacity` rows through these layers, forward only. Without `inputs` there is no room for the
    /// inputs themselves: see [`Stage::forward_from`].
    pub fn for_prediction(layers: &[Layer], capacity: usize, inputs: bool) -> Result<Self> {
        Self::with_layout(Layout::UnitsInLanes, layers, capacity, inputs)
    }

    /// The same without dropout, with units along the lanes, for [`Stage::input_gradient`].
    pub fn for_input_gradient(layers: &[Layer], capacity: usize) -> Result<Self> {
        let room = Room::of_rows(capacity, false, &[]);
        Self::behind_others(layers, room)
    }

    /// Room for rows that come from layers before these, which get derivatives back.
    pub fn behind_others(layers: &[Layer], room: Room<'_>) -> Result<Self> {
        let mut block = Self::for_training(Layout::UnitsInLanes, layers, room)?;
        block.input_deltas = Some(Aligned::zeros(block.values[0].len())?);
        Ok(block)
    }

    /// Whether [`Stage::forward_from`] can be called.
    pub fn reads_rows(layers: &[Layer]) -> bool {
        layers[0].parts() == 1
    }

    /// Copies rows of inputs into the block.
    pub fn load_inputs(&mut self, x: Inputs<'_, T>, number: impl Fn(usize) -> usize) {
        let (rows, stride) = (self.rows, self.strides[0]);
        match x {
            Inputs::Dense(x) => {
                self.sparse.as_mut().into_iter().for_each(|sparse| sparse.there = false);
                gather(self.layout, self.parts, x, rows, number, &mut self.values[0], stride);
            }
            Inputs::Single(x) => {
                self.sparse.as_mut().into_iter().for_each(|sparse| sparse.there = false);
                widen(self.layout, x, rows, number, &mut self.values[0], stride);
            }
            Inputs::Sparse(x) => match &mut self.sparse {
                Some(sparse) => sparse.load(x, (0..rows).map(number)),
                None => scatter_along_lanes(x, rows, number, &mut self.values[0], stride),
            },
        }
    }

    /// The same from inputs that lie in memory row by row, and are not copied.
    pub fn forward_from(
        &mut self,
        inputs: &[T],
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
    ) {
        let rows = Source::Rows(Terms::in_rows(inputs, layers[0].fan_in));
        self.forward_layers(rows, layers, parameters, noise);
    }

    /// The same from sparse rows, from the `first` on.
    pub fn forward_from_sparse(
        &mut self,
        inputs: &SparseRows<T>,
        first: usize,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
    ) {
        self.forward_layers(Source::Entries(inputs.entries(), first), layers, parameters, noise);
    }

    /// Derivatives of the outputs with respect to the inputs, outputs x inputs for each row, after
    /// [`Stage::activate_output`]. The block is one [for it](Stage::for_input_gradient), and the parameters have copies
    /// of the first layer too.
    pub fn input_gradient(&mut self, layers: &[Layer], parameters: Parameters<'_, T>, to: &mut [T]) {
        let inputs = layers[0].fan_in;
        for output in 0..self.columns {
            self.choose_output(output);
            self.back_through_output(layers);
            self.backward(layers, parameters);
            self.back_to_inputs(layers, parameters, self.columns * inputs, &mut to[output * inputs..]);
        }
    }

    /// The way forward, with copies of what the block does not hold at its end.
    pub fn forward_kept(
        &mut self,
        layers: &[Layer],
        parameters: Parameters<'_, T>,
        noise: Option<Noise<'_>>,
    ) -> Result<Kept<T>> {
        self.copies = noise.map_or(0, Noise::copies);
        let mut net_inputs = Vec::with_capacity(layers.len());
        for (index, layer) in layers.iter().enumerate() {
            self.net_inputs(index, Source::Block, layer, parameters, false);
            net_inputs.push(self.copied(&self.values[index + 1], self.parts, index + 1, layer.fan_out)?);
            if index + 1 < layers.len() {
                self.activate_hidden(index, layer, noise);
            }
        }
        let (output, output_derivative) = self.outputs_and_derivatives(layers)?;
        Ok(Kept { net_inputs, output, output_derivative })
    }

    /// A copy of the outputs of a hidden layer.
    pub fn copied_output(&self, layers: &[Layer], layer: usize) -> Result<Array2<T>> {
        self.copied(&self.values[layer + 1], self.parts, layer + 1, layers[layer].fan_out)
    }

    /// A copy of the derivatives of a hidden layer, in a block that keeps them (as for dropout).
    pub fn copied_derivative(&self, layers: &[Layer], layer: usize) -> Result<Array2<T>> {
        let mut slopes = self.copied_slopes(&self.slopes[layer], layer + 1, layers[layer].fan_out)?;
        if let Some(factor) =
            layers[layer].activation.units().and_then(|units| units.softmax(self.copies > 0))
        {
            // What is kept is a softmax.
            slopes.mapv_inplace(|y| y * (T::ONE - y) * T::from_f64(factor));
        }
        Ok(slopes)
    }

    /// A copy of the deltas of a layer.
    pub fn copied_delta(&self, layers: &[Layer], layer: usize) -> Result<Array2<T>> {
        self.copied(&self.deltas[layer], self.parts, layer + 1, layers[layer].fan_out)
    }
}

impl<T: Scalar> Stage<T> for Block<T> {
    fn for_training(layout: Layout, layers: &[Layer], room: Room<'_>) -> Result<Self> {
        let Room { rows: capacity, weighted, dropout, entries, dense, .. } = room;
        // Narrow networks have room for whole rows.
        let entries = entries.filter(|_| layout == Layout::UnitsInLanes);
        let mut block = Self::with_layout(layout, layers, capacity, dense || entries.is_none())?;
        block.sparse =
            entries.map(|entries| SparseInputs::new(capacity, layers[0].fan_in, entries)).transpose()?;
        for (index, layer) in layers.iter().enumerate() {
            // Dropout changes the outputs; what these told is kept before.
            let dropped = dropout.get(index).is_some_and(|rate| *rate > 0.0);
            let kept = dropped || !layer.activation.output_tells_derivative();
            let of_output = layer.activation.slopes_of_output();
            let len = if kept { block.values[index + 1].len().saturating_mul(of_output) } else { 0 };
            block.slopes.push(Aligned::zeros(len)?);
        }
        let like = |values: &Aligned<T>| Aligned::zeros(values.len());
        block.deltas = block.values[1..].iter().map(like).collect::<Result<_>>()?;
        if let Some(magnitudes) = &mut block.magnitudes {
            magnitudes.deltas = like(&magnitudes.values)?;
        }
        if block.parts == 2 {
            let half = |deltas: &Aligned<T>| Aligned::zeros(deltas.len() / 2);
            block.negated = block.deltas.iter().map(half).collect::<Result<_>>()?;
        }
        block.targets = like(block.outputs())?;
        block.weights = Aligned::zeros(if weighted { capacity } else { 0 })?;
        block.weighted = weighted;
        block.losses = Aligned::zeros(capacity.saturating_mul(layers[layers.len() - 1].output_parts()))?;
        let drawn = layers.iter().any(|layer| layer.activation.units().is_some());
        block.signals = Aligned::zeros(if drawn { capacity } else { 0 })?;
        Ok(block)
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn set_rows(&mut self, rows: usize) {
        self.rows = rows;
    }

    fn load(&mut self, examples: Examples<'_, T>, selection: Selection<'_>) {
        match examples.consecutive(selection) {
            Some(first) => self.load_inputs(examples.x, |row| first + row),
            None => self.load_inputs(examples.x, |row| examples.row(selection.row(row))),
        }
        self.load_targets(examples, selection);
    }

    fn smooth_targets(&mut self, factor: T, summand: T) {
        let parts = self.output_parts();
        let columns = self.columns / parts;
        let (stride, vectors) = (self.output_stride(), self.vectors(columns));
        let in_use = self.in_use(self.targets.len(), stride);
        let of_part = in_use / stride / parts;
        for (panel, targets) in self.targets[..in_use].chunks_exact_mut(stride).enumerate() {
            let used = match self.layout {
                Layout::UnitsInLanes => T::LANES.min(columns - panel % of_part * T::LANES),
                Layout::RowsInLanes => T::LANES,
            };
            for vector in targets.chunks_exact_mut(T::LANES).take(vectors) {
                for target in &mut vector[..used] {
                    *target = factor.mul_add(*target, summand);
                }
            }
        }
    }

    fn forward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>, noise: Option<Noise<'_>>) {
        self.forward_layers(Source::Block, layers, parameters, noise);
    }

    fn output_deltas(&mut self, layers: &[Layer], loss: Loss) {
        let output = layers[layers.len() - 1];
        let last = layers.len() - 1;
        if loss.takes_net_inputs() {
            self.take_magnitudes();
        } else {
            self.activate_output(layers);
        }
        let (net, delta) = match &mut self.magnitudes {
            Some(magnitudes) => (&magnitudes.values, &mut magnitudes.deltas),
            None => (&self.values[last + 1], &mut self.deltas[last]),
        };
        let outputs = Outputs {
            layout: self.layout,
            rows: self.rows,
            columns: output.fan_out,
            stride: self.strides[last + 1],
            net,
            targets: &self.targets,
            delta,
            weights: self.weighted.then_some(&self.weights[..]),
            losses: &mut self.losses,
        };
        if output.output_parts() == 2 {
            loss.complex_deltas(output.activation, outputs);
        } else {
            loss.deltas(output.activation, outputs);
        }
        if loss.takes_net_inputs() {
            self.back_through_magnitudes();
        } else {
            self.back_through_output(layers);
        }
    }

    fn activate_output(&mut self, layers: &[Layer]) {
        self.take_magnitudes();
        let (stride, rows) = (self.output_stride(), self.rows);
        let output = layers[layers.len() - 1];
        let vectors = self.vectors(output.fan_out);
        let in_use = self.in_use(self.values[layers.len()].len(), stride);
        let values = match &mut self.magnitudes {
            Some(magnitudes) => &mut magnitudes.values[..],
            None => &mut self.values[layers.len()][..in_use],
        };
        if output.activation == Activation::Softmax {
            debug_assert_eq!(self.layout, Layout::UnitsInLanes);
            softmax::forward(values, output.fan_out, stride, rows);
        } else if let Some(units) = output.activation.units() {
            // A hidden layer whose outputs somebody asks for.
            units.forward(values, &mut [], output.fan_out, (stride, vectors), NO_DRAW);
        } else if output.output_parts() == self.parts {
            activate(output.activation, values, self.slopes.get_mut(layers.len() - 1), stride, vectors);
        }
    }

    fn back_through_output(&mut self, layers: &[Layer]) {
        let (stride, rows, last) = (self.output_stride(), self.rows, layers.len() - 1);
        let Layer { activation, fan_out, .. } = layers[last];
        let vectors = self.vectors(fan_out);
        let in_use = self.in_use(self.deltas[last].len(), stride);
        let of_magnitudes = self.magnitudes.is_some();
        let (deltas, outputs) = match &mut self.magnitudes {
            Some(magnitudes) => (&mut magnitudes.deltas[..], &magnitudes.values),
            None => (&mut self.deltas[last][..in_use], &self.values[last + 1]),
        };
        if activation == Activation::Softmax {
            debug_assert_eq!(self.layout, Layout::UnitsInLanes);
            softmax::back_through(deltas, outputs, fan_out, stride, rows);
        } else if !of_magnitudes {
            scale(activation, deltas, outputs, &self.slopes[last], stride, vectors);
        }
        self.back_through_magnitudes();
    }

    fn backward(&mut self, layers: &[Layer], parameters: Parameters<'_, T>) {
        if !self.signals.is_empty() && self.copies > 0 {
            let weights = self.weighted.then_some(&self.weights[..]);
            signals(&self.losses[..self.rows], weights, self.copies, &mut self.signals);
        }
        for index in (1..layers.len()).rev() {
            let stride = self.strides[index];
            let vectors = self.vectors(layers[index].fan_in);
            let units = layers[index - 1].activation.units();
            if units.is_some_and(|units| self.copies > 0 && units.estimator == Estimator::ScoreFunction) {
                let signals = &self.signals[..self.rows];
                let (deltas, scores) = (&mut self.deltas[index - 1], &self.slopes[index - 1]);
                Units::credit(deltas, scores, layers[index].fan_in, stride, signals);
                continue;
            }
            let in_use = self.in_use(self.deltas[index - 1].len(), stride);
            let (before, after) = self.deltas.split_at_mut(index);
            let deltas = &mut before[index - 1][..in_use];
            let next = Terms::in_panels(&after[0], self.strides[index + 1]);
            let activation = layers[index - 1].activation;
            let (outputs, slopes) = (&self.values[index], &self.slopes[index - 1]);
            let derivative = activation.derivative_in_product().filter(|_| slopes.is_empty());
            let then = derivative.map_or(Then::Stay, |derivative| Then::Scale(derivative, outputs));
            let passage = Passage {
                layout: self.layout,
                rows: self.rows,
                input: next,
                output: &mut *deltas,
                output_stride: stride,
                then,
            };
            layers[index].backward(index, parameters, passage);
            if let Some(units) = units {
                let columns = layers[index - 1].fan_out;
                units.back(deltas, slopes, columns, (stride, vectors), self.copies > 0);
            } else if derivative.is_none() {
                scale(activation, deltas, outputs, slopes, stride, vectors);
            }
        }
        for (negated, deltas) in self.negated.iter_mut().zip(&self.deltas) {
            for (negated, delta) in negated.iter_mut().zip(deltas.iter()) {
                *negated = -*delta;
            }
        }
    }

    fn pairs(&self, _: usize, _: bool) -> Range<usize> {
        0..self.parts
    }

    fn sparse_inputs(&self, matrix: usize) -> Option<SparseBlock<'_, T>> {
        let sparse = self.sparse.as_ref().filter(|sparse| matrix == 0 && sparse.there)?;
        let (rows, columns) = (self.rows, &sparse.columns);
        Some(SparseBlock { rows, columns, delta: &self.deltas[0], delta_stride: self.strides[1] })
    }

    /// It is asked for once a tile, so that a layer with one part gets its answer without a division.
    fn pair(&self, matrix: usize, pair: usize, _: bool) -> Rows<'_, T> {
        let of_layer = |layer: usize, input, delta| Rows {
            rows: self.rows,
            input,
            input_stride: self.strides[layer],
            delta,
            delta_stride: self.strides[layer + 1],
            bias: pair == 0,
            repeated: Repeated::ONCE,
        };
        if self.parts == 1 {
            return of_layer(matrix, &self.values[matrix], &self.deltas[matrix]);
        }
        let layer = matrix / 2;
        let (input, deltas) = (&self.values[layer][..], &self.deltas[layer][..]);
        let ((re_x, im_x), (re_d, im_d)) =
            (input.split_at(input.len() / 2), deltas.split_at(deltas.len() / 2));
        match (matrix % 2, pair) {
            (0, 0) => of_layer(layer, re_x, re_d),
            (0, _) => of_layer(layer, im_x, im_d),
            (_, 0) => of_layer(layer, re_x, im_d),
            _ => of_layer(layer, im_x, &self.negated[layer]),
        }
    }

    fn losses(&self) -> &[T] {
        &self.losses[..self.rows]
    }

    fn copy_outputs(&self, to: &mut [T]) {
        self.needs_units();
        copy_rows(self.outputs(), self.output_parts(), self.output_stride(), self.columns, to);
    }

    fn copy_targets(&self, to: &mut [T]) {
        self.needs_units();
        copy_rows(&self.targets, self.output_parts(), self.output_stride(), self.columns, to);
    }

    fn set_output_gradients(&mut self, losses: &[T], gradients: &[T]) {
        self.needs_units();
        let (parts, stride) = (self.output_parts(), self.output_stride());
        self.losses[..self.rows].copy_from_slice(&losses[..self.rows]);
        let last = self.deltas.len() - 1;
        let deltas = match &mut self.magnitudes {
            Some(magnitudes) => &mut magnitudes.deltas,
            None => &mut self.deltas[last],
        };
        let part_len = deltas.len() / parts;
        for (row, from) in gradients.chunks_exact(self.columns).take(self.rows).enumerate() {
            let weight = if self.weighted { self.weights[row] } else { T::ONE };
            for (part, deltas) in deltas.chunks_exact_mut(part_len).enumerate() {
                for (panel, from) in from.chunks(parts * T::LANES).enumerate() {
                    let from = from[part..].iter().step_by(parts);
                    let to = &mut deltas[panel * stride + row * T::LANES..][..T::LANES];
                    for (delta, &g) in to.iter_mut().zip(from) {
                        *delta = g * weight;
                    }
                }
            }
        }
    }
}

/// The lists that a layer reads in place of panels, and the first of them; only the first layer does.
fn lists<'a, T>(
    sparse: Option<&'a SparseInputs<T>>,
    index: usize,
    source: Source<'a, T>,
) -> Option<(&'a Entries<T>, usize)> {
    match (source, sparse) {
        (Source::Entries(entries, first), _) => Some((entries, first)),
        (Source::Block, Some(sparse)) if index == 0 && sparse.there => Some((&sparse.rows, 0)),
        _ => None,
    }
}

impl<T: Scalar> SparseInputs<T> {
    /// Room for so many rows of so many columns with so many elements that are not 0.
    fn new(rows: usize, columns: usize, entries: usize) -> Result<Self> {
        let (rows, columns) = (Entries::with_room(rows, entries)?, Entries::with_room(columns, entries)?);
        Ok(Self { rows, columns, there: false })
    }

    /// Copies rows by number.
    fn load(&mut self, from: &SparseRows<T>, numbers: impl Iterator<Item = usize>) {
        self.rows.clear();
        for number in numbers {
            let (columns, numbers) = from.row(number);
            self.rows.push(columns, numbers);
        }
        self.rows.transpose(from.columns(), &mut self.columns);
        self.there = true;
    }
}

/// Writes sparse rows whole, along the lanes, as [`gather_along_lanes`] does.
fn scatter_along_lanes<T: Scalar>(
    from: &SparseRows<T>,
    rows: usize,
    number: impl Fn(usize) -> usize,
    to: &mut [T],
    stride: usize,
) {
    for (panel, first) in (0..rows).step_by(T::LANES).enumerate() {
        let panel = &mut to[panel * stride..][..from.columns() * T::LANES];
        panel.fill(T::ZERO);
        for lane in 0..T::LANES {
            let (columns, numbers) = from.row(number((first + lane).min(rows - 1)));
            for (&column, &x) in columns.iter().zip(numbers) {
                panel[column as usize * T::LANES + lane] = x;
            }
        }
    }
}

fn gather<T: Scalar>(
    layout: Layout,
    parts: usize,
    from: ArrayView2<'_, T>,
    rows: usize,
    number: impl Fn(usize) -> usize,
    to: &mut [T],
    stride: usize,
) {
    match layout {
        Layout::UnitsInLanes if parts == 2 => gather_parts(from, rows, &number, to, stride),
        Layout::UnitsInLanes => gather_rows(from, rows, number, to, stride),
        Layout::RowsInLanes => gather_along_lanes(from, rows, &number, to, stride),
    }
}

/// The same of single precision, of real numbers.
fn widen<T: Scalar>(
    layout: Layout,
    from: ArrayView2<'_, f32>,
    rows: usize,
    number: impl Fn(usize) -> usize,
    to: &mut [T],
    stride: usize,
) {
    let lanes = T::LANES;
    let places = match layout {
        Layout::UnitsInLanes => rows,
        // Lanes behind the last row become copies of it.
        Layout::RowsInLanes => rows.next_multiple_of(lanes),
    };
    for place in 0..places {
        let row = from.row(number(place.min(rows - 1)));
        if let (Layout::UnitsInLanes, Some(numbers)) = (layout, row.as_slice()) {
            for (panel, numbers) in numbers.chunks(lanes).enumerate() {
                let at = panel * stride + place * lanes;
                for (to, &x) in to[at..at + numbers.len()].iter_mut().zip(numbers) {
                    *to = T::from_f64(widened(x));
                }
            }
            continue;
        }
        for (column, &x) in row.iter().enumerate() {
            let at = match layout {
                Layout::UnitsInLanes => column / lanes * stride + place * lanes + column % lanes,
                Layout::RowsInLanes => place / lanes * stride + column * lanes + place % lanes,
            };
            to[at] = T::from_f64(widened(x));
        }
    }
}

/// Copies a row of a matrix in panels.
fn copy_row<T: Scalar>(from: &[T], stride: usize, row: usize, to: &mut [T]) {
    for (panel, to) in to.chunks_mut(T::LANES).enumerate() {
        to.copy_from_slice(&from[panel * stride + row * T::LANES..][..to.len()]);
    }
}

/// Copies a matrix in panels to rows of `columns` numbers; the parts of complex ones lie side by side there.
fn copy_rows<T: Scalar>(from: &[T], parts: usize, stride: usize, columns: usize, to: &mut [T]) {
    if parts == 1 {
        for (row, to) in to.chunks_exact_mut(columns).enumerate() {
            for (panel, to) in to.chunks_mut(T::LANES).enumerate() {
                let at = panel * stride + row * T::LANES;
                to.copy_from_slice(&from[at..at + to.len()]);
            }
        }
        return;
    }
    let (re, im) = from.split_at(from.len() / 2);
    for (row, to) in to.chunks_exact_mut(columns).enumerate() {
        for (panel, to) in to.chunks_mut(2 * T::LANES).enumerate() {
            let at = panel * stride + row * T::LANES;
            for ((pair, re), im) in to.chunks_exact_mut(2).zip(&re[at..]).zip(&im[at..]) {
                (pair[0], pair[1]) = (*re, *im);
            }
        }
    }
}

fn is_none_or_empty<T>(array: Option<&Aligned<T>>) -> bool {
    array.is_none_or(|array| array.is_empty())
}

/// Net inputs to outputs; the derivatives too where there is room for them.
fn activate<T: Scalar>(
    activation: Activation,
    numbers: &mut [T],
    slopes: Option<&mut Aligned<T>>,
    stride: usize,
    rows: usize,
) {
    match slopes {
        Some(slopes) if !slopes.is_empty() => activation.apply_with_slopes(numbers, slopes, stride, rows),
        _ => activation.apply(numbers, stride, rows),
    }
}

/// The other way: deltas times the derivatives.
fn scale<T: Scalar>(
    activation: Activation,
    deltas: &mut [T],
    outputs: &[T],
    slopes: &[T],
    stride: usize,
    rows: usize,
) {
    if slopes.is_empty() {
        activation.scale_deltas(deltas, outputs, stride, rows);
    } else {
        activation.scale_by_slopes(deltas, slopes, stride, rows);
    }
}
