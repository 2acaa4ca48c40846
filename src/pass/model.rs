//! A network as a training works on it.

use super::layout::layout;
use super::stage::{Room, Stage};
use super::stages::with_stage;
use crate::error::Result;
use crate::kernel::{Layout, Scalar};
use crate::layer::{Copies, Layer, Packed, Parameters, Way, pack};
use crate::loss::Loss;
use crate::parallel::Team;

/// Copies of parameters for a way, from layer `first` on.
pub(super) fn filled<T: Scalar>(
    way: Way,
    layers: &[Layer],
    packed: &Packed<T>,
    first: usize,
) -> Result<Copies<T>> {
    let mut copies = Copies::new(way, layers, first)?;
    copies.fill(layers, |layer| packed.matrices_of(layer), &packed.weights, &mut Team::alone());
    Ok(copies)
}

/// Numbers of a row (of a step of time, if rows are sequences) in a block: inputs, outputs and deltas of all layers, and gates.
pub(crate) fn numbers_per_row(layers: &[Layer]) -> usize {
    let of_layer = |layer: &Layer| {
        let copies = layer.kind.recurrence().map_or(2, |form| 2 * (form.groups + form.states));
        copies * layer.parts() * layer.fan_out
    };
    layers.iter().map(of_layer).sum::<usize>() + layers[0].numbers_in()
}

/// Layers, their parameters in panels with the copies that go with them, and what lies in the
/// lanes. It makes blocks of the kind that its layers need.
#[derive(Debug)]
pub(crate) struct Model<T> {
    pub layers: Vec<Layer>,
    pub layout: Layout,
    pub packed: Packed<T>,
    backward: Copies<T>,
    /// For the way back in time.
    time: Copies<T>,
    /// How often each row of a batch is there, one copy after the other.
    pub copies: usize,
}

impl<T: Scalar> Model<T> {
    /// A copy of a network's parameters, for micro-batches of `micro_batch_rows` rows, a loss (`None`: custom),
    /// dropout at these rates, and so many copies of each row.
    pub fn new(
        layers: &[Layer],
        parameters: &[T],
        micro_batch_rows: usize,
        loss: Option<Loss>,
        dropout: &[f64],
        copies: usize,
    ) -> Result<Self> {
        let packed = Packed::new(layers, parameters)?;
        let layout = layout::<T>(layers, micro_batch_rows, loss, dropout);
        // Nothing is propagated back to the inputs; but rows along the lanes read these copies on the way forward too.
        let first = usize::from(layout == Layout::UnitsInLanes);
        let backward = Copies::new(Way::Backward, layers, first)?;
        let time = Copies::new(Way::Time, layers, 0)?;
        let mut model = Self { layers: layers.to_vec(), layout, packed, backward, time, copies };
        model.parameters_changed(&mut Team::alone());
        Ok(model)
    }

    /// The parameters as a pass reads them.
    pub fn parameters(&self) -> Parameters<'_, T> {
        let (backward, time) = (Some(&self.backward), Some(&self.time));
        Parameters { backward, time, ..Parameters::forward(&self.packed) }
    }

    /// The number of parameters, without what fills up the panels.
    pub fn n_parameters(&self) -> usize {
        self.layers.iter().map(Layer::n_parameters).sum()
    }

    /// Outputs of a row.
    pub fn n_outputs(&self) -> usize {
        self.output_layer().fan_out
    }

    /// Real numbers in a row of outputs.
    pub fn numbers_out(&self) -> usize {
        self.output_layer().numbers_out()
    }

    pub fn output_layer(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// Room for rows, forward and backward.
    pub fn block(&self, room: Room<'_>) -> Result<Box<dyn Stage<T>>> {
        with_stage!(self.layers, S => {
            Ok(Box::new(S::<T>::for_training(self.layout, &self.layers, room)?))
        })
    }

    /// Takes over the parameters of a network with these layers.
    pub fn set_parameters(&mut self, parameters: &[T]) {
        pack(&self.packed.matrices, parameters, &mut self.packed.weights);
        self.parameters_changed(&mut Team::alone());
    }

    /// Brings the copies of the parameters up to date.
    pub fn parameters_changed(&mut self, team: &mut Team<'_>) {
        let Self { layers, packed, backward, time, .. } = self;
        packed.changed(layers, team);
        backward.fill(layers, |layer| packed.matrices_of(layer), &packed.weights, team);
        time.fill(layers, |layer| packed.matrices_of(layer), &packed.weights, team);
    }
}
