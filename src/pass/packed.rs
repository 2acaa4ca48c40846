//! Parameters in the form that the passes read: panels, aligned, in one flat vector.

use crate::error::Result;
use crate::kernel::{Scalar, Terms, is_single_output, panel_vectors, panels, transpose, weight_vectors};
use crate::layer::Layer;
use crate::memory::Aligned;

/// Where a layer's parameters lie in the flat vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedLayer {
    pub fan_in: usize,
    pub fan_out: usize,
    pub bias: bool,
    /// Where its panels start: vectors of weights and one of biases each.
    pub start: usize,
    /// Lines of weights in a panel: one for each input, or fewer if they are transposed (see [`is_single_output`]).
    pub weight_vectors: usize,
    pub panels: usize,
    /// Where the panels of the transposed weights start. The first layer has none unless asked for: nothing is
    /// propagated back to the inputs. Nor have those whose weights are stored transposed already.
    pub transposed_start: usize,
    pub transposed_panels: usize,
}

impl PackedLayer {
    /// Numbers in a panel.
    pub fn stride<T: Scalar>(&self) -> usize {
        (self.weight_vectors + 1) * T::LANES
    }

    /// Numbers in all its panels.
    pub fn len<T: Scalar>(&self) -> usize {
        self.panels * self.stride::<T>()
    }

    /// Numbers in a panel of the transposed weights.
    pub fn transposed_stride<T: Scalar>(&self) -> usize {
        panel_vectors(self.fan_out) * T::LANES
    }

    pub fn transposed_len<T: Scalar>(&self) -> usize {
        self.transposed_panels * self.transposed_stride::<T>()
    }

    /// Gives the layer transposed weights at `start`, unless they are stored so.
    fn place_transposed<T: Scalar>(&mut self, start: usize) {
        self.transposed_start = start;
        self.transposed_panels = if is_single_output(self.fan_out) { 0 } else { panels::<T>(self.fan_in) };
    }

    /// The transposed weights in panels, and from one of these to the next, given all parameters and all
    /// transposed weights.
    pub fn transposed<'a, T: Scalar>(&self, weights: &'a [T], transposed: &'a [T]) -> (&'a [T], usize) {
        if is_single_output(self.fan_out) {
            (&weights[self.start..], T::LANES)
        } else {
            (&transposed[self.transposed_start..], self.transposed_stride::<T>())
        }
    }
}

/// Gives the first layer transposed weights too, behind all others: for derivatives with respect to the inputs, and for the
/// forward pass with rows along the lanes.
pub(crate) fn place_first_transposed<T: Scalar>(layers: &mut [PackedLayer]) {
    let others = layers.iter().map(PackedLayer::transposed_len::<T>).sum();
    layers[0].place_transposed::<T>(others);
}

/// The parameters of a network in panels. Numbers that fill up a vector, and the biases of a layer
/// without any, are 0; their gradients are 0 too, so no optimizer moves them.
#[derive(Debug)]
pub(crate) struct Packed<T> {
    pub layers: Vec<PackedLayer>,
    pub weights: Aligned<T>,
}

impl<T: Scalar> Packed<T> {
    pub fn new(layers: &[Layer], parameters: &[T]) -> Result<Self> {
        let layers = place::<T>(layers);
        let len = layers.iter().map(PackedLayer::len::<T>).sum();
        let mut packed = Self { layers, weights: Aligned::zeros(len)? };
        packed.fill(parameters);
        Ok(packed)
    }

    /// Copies parameters in the network's order into the panels.
    fn fill(&mut self, parameters: &[T]) {
        pack(&self.layers, parameters, &mut self.weights);
    }

    /// A layer's panels.
    pub fn layer(&self, layer: usize) -> &[T] {
        let place = &self.layers[layer];
        &self.weights[place.start..place.start + place.len::<T>()]
    }

    /// A layer's weights as a matrix of inputs x outputs, the left side of a product.
    pub fn matrix(&self, layer: usize) -> Terms<'_, T> {
        let (place, numbers) = (&self.layers[layer], self.layer(layer));
        if is_single_output(place.fan_out) {
            Terms { numbers, row: 1, panel: 0 }
        } else {
            Terms::in_panels(numbers, place.stride::<T>())
        }
    }
}

fn place<T: Scalar>(layers: &[Layer]) -> Vec<PackedLayer> {
    let (mut start, mut transposed_start) = (0, 0);
    layers
        .iter()
        .enumerate()
        .map(|(index, &Layer { fan_in, fan_out, bias, .. })| {
            let mut layer = PackedLayer {
                fan_in,
                fan_out,
                bias,
                start,
                weight_vectors: weight_vectors::<T>(fan_in, fan_out),
                panels: panels::<T>(fan_out),
                transposed_start,
                transposed_panels: 0,
            };
            if index > 0 {
                layer.place_transposed::<T>(transposed_start);
            }
            start += layer.len::<T>();
            transposed_start += layer.transposed_len::<T>();
            layer
        })
        .collect()
}

/// From the network's order into panels.
pub(crate) fn pack<T: Scalar>(layers: &[PackedLayer], numbers: &[T], packed: &mut [T]) {
    visit::<T>(layers, |flat, at, count| {
        packed[at..at + count].copy_from_slice(&numbers[flat..flat + count]);
    });
}

/// From panels into the network's order.
pub(crate) fn unpack<T: Scalar>(layers: &[PackedLayer], packed: &[T], numbers: &mut [T]) {
    visit::<T>(layers, |flat, at, count| {
        numbers[flat..flat + count].copy_from_slice(&packed[at..at + count]);
    });
}

/// Calls `copy(place in the network's order, place in panels, count)` for each piece that is
/// contiguous in both.
fn visit<T: Scalar>(layers: &[PackedLayer], mut copy: impl FnMut(usize, usize, usize)) {
    let mut flat = 0;
    for layer in layers {
        if is_single_output(layer.fan_out) {
            copy(flat, layer.start, layer.fan_in);
            flat += layer.fan_in;
            if layer.bias {
                copy(flat, layer.start + layer.weight_vectors * T::LANES, 1);
                flat += 1;
            }
            continue;
        }
        for vector in 0..layer.fan_in + usize::from(layer.bias) {
            for panel in 0..layer.panels {
                let count = T::LANES.min(layer.fan_out - panel * T::LANES);
                copy(flat, layer.start + panel * layer.stride::<T>() + vector * T::LANES, count);
                flat += count;
            }
        }
    }
}

/// Panels of a layer's transposed weights, from number `first` on.
pub(crate) fn transpose_layer<T: Scalar>(layer: &PackedLayer, weights: &[T], to: &mut [T], first: usize) {
    let weights = &weights[layer.start..layer.start + layer.len::<T>()];
    transpose(weights, layer.fan_in, layer.fan_out, to, first);
}
