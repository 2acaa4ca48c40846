//! One training step: gradient of a batch, then update of the parameters.
//!
//! A batch is cut into *micro-batches* of rows, whose size depends on the network and the batch. A micro-batch takes
//! two rounds of parallel work. In the first, blocks of its rows go forward and backward, each on one
//! thread. In the second the gradient is summed over the micro-batch: each thread owns a *shard* of the parameters
//! and sums their gradient over all rows, in order, so no reduction remains. After the last
//! micro-batch the owner updates its parameters in the same round.
//!
//! The micro-batches of large batches form groups, whose sums are added along a tree: see [`super::sums`].
//!
//! With a small network and many rows, several micro-batches are processed at a time, each on one thread,
//! sums included; in the second round each thread adds up these sums, in order, for its shard. Either way each sum
//! is over the same rows in the same order.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::dataset::{Dataset, Lengths, Order};
use super::joint_step::JointStep;
use super::kept::{Buffers, MadeFor};
use super::micro_batch::{
    MICRO_BATCHES_PER_THREAD, MicroBatch, block_rows, blocks, micro_batch_rows, micro_batches_at_a_time,
    multiple, numbered, parts_of_a_sum, spread,
};
use super::noise::NoiseSource;
use super::partial::{Partial, RemoteRows};
use super::shards::{Round, Shard, Sums, make, shards};
use super::state::OptimizerState;
use super::step::{Batch, Update};
use super::sums::{LossSum, group_rows, weight_sum};
use super::tree::{Node, Total, Tree, inverse};
use crate::check::all_finite;
use crate::error::{Error, Result};
use crate::kernel::{Scalar, outside};
use crate::layer::{Returns, pack, unpack};
use crate::loss::{Loss, Objective, RowLoss, custom_losses};
use crate::memory::Aligned;
use crate::memory::{try_with_capacity, try_zeros};
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::parallel::Team;
use crate::pass::{Examples, Model, Selection, Stage, numbers_per_row};

/// Multiply-adds per step below which a single thread is faster than a team.
const WORTH_SHARING: usize = 500_000;

/// The number of threads that batches of this size can keep busy.
pub(super) fn useful_threads<T: Scalar>(
    network: &Network<T>,
    rows: usize,
    lengths: &Lengths,
    threads: usize,
) -> usize {
    let work = network.n_parameters().saturating_mul(rows).saturating_mul(3).saturating_mul(lengths.mean);
    threads.min(work / WORTH_SHARING).max(1)
}

/// What batches an engine is for.
#[derive(Clone, Copy)]
pub(super) struct Batches<'a> {
    pub rows: usize,
    pub lengths: &'a Lengths,
    pub weighted: bool,
    pub truncate: Option<usize>,
    /// Whether the sums over rows come from elsewhere.
    pub remote: bool,
    /// The most numbers of its buffers that are kept for the thread's next training.
    pub most_kept: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Loaded {
    Nothing,
    /// The blocks of the only micro-batch, so many of them.
    Blocks(usize),
    /// The micro-batches, each processed by one thread.
    MicroBatches,
}

pub(super) struct Engine<'a, T> {
    /// What its buffers can be used for again; `None` if they are not kept.
    made_for: Option<MadeFor>,
    model: Model<T>,
    blocks: Vec<Box<dyn Stage<T>>>,
    /// Buffers for micro-batches that single threads process; empty if no batch needs them.
    micro_batches: Vec<MicroBatch<T>>,
    shards: Vec<Shard<T>>,
    /// What the arrays of the shards are.
    array_names: &'static [&'static str],
    /// All parameters in one vector, for rules that are not element-wise.
    joint_step: Option<JointStep<T>>,
    objective: Objective<'a, T>,
    noise: NoiseSource,
    alpha: f64,
    /// The greatest norm of a gradient that a step is made with, if there is one.
    pub clip_norm: Option<f64>,
    micro_batch_rows: usize,
    /// Numbers of a sequence, about; `None` if rows are no sequences.
    numbers: Option<usize>,
    /// Steps of time of a row, about.
    steps: usize,
    /// Rows in the order in which they are used, where that is another one.
    order: Order,
    /// Row capacity of a block.
    capacity: usize,
    /// The full batch whose rows the blocks still hold.
    loaded: Loaded,
    /// Outputs, targets, gradients and losses of a micro-batch, for a custom loss.
    custom_loss: [Vec<T>; 4],
    /// Losses and weights of the groups of a batch, while they are summed.
    tree: Tree,
    /// Parameters and gradient as one vector each, for rows that are elsewhere: in the network's order, in panels.
    whole: [Aligned<T>; 2],
}

/// Rows that went through the layers, in as many blocks, or in as many micro-batches that one thread had alone; none wait for
/// a last round only.
#[derive(Clone, Copy, Default)]
struct Passed {
    rows: usize,
    blocks: usize,
    micro_batches: usize,
    /// Whether the gradient of earlier rows is there already.
    more: bool,
}

impl Passed {
    fn sums<'s, T>(self, blocks: &'s [Box<dyn Stage<T>>], micro_batches: &'s [MicroBatch<T>]) -> Sums<'s, T> {
        match self.blocks {
            0 => Sums::MicroBatches(&micro_batches[..self.micro_batches]),
            in_use => Sums::Blocks(&blocks[..in_use]),
        }
    }
}

impl<'a, T: Scalar> Engine<'a, T> {
    /// Allocates an engine for batches of up to so many rows, copies not counted. A dropout rate of 0 must stay 0.
    pub fn new(
        network: &Network<T>,
        objective: Objective<'a, T>,
        noise: NoiseSource,
        alpha: f64,
        batches: Batches<'_>,
        threads: usize,
    ) -> Result<Self> {
        let Batches { rows, lengths, weighted, truncate, remote, most_kept } = batches;
        let (copies, dropout) = (noise.copies.max(1), &noise.rates);
        let (rows, steps) = (rows.saturating_mul(copies), lengths.mean);
        let numbers = numbers_per_row(network.layers()).saturating_mul(steps);
        let numbers = network.returns().map(|_| numbers);
        let micro_batch_rows = micro_batch_rows(network.n_parameters(), rows, copies, numbers);
        let room = |after, rows| lengths.room(after, rows, weighted, dropout, truncate, copies);
        let parameters = network.parameters();
        let loss = named(&objective);
        let own = loss.is_none();
        let made_for = (most_kept > 0 && network.returns().is_none() && lengths.are_alike() && !remote)
            .then(|| MadeFor { rows, copies, weighted, loss, dropout: dropout.clone(), threads });
        let kept = made_for.as_ref().and_then(|made_for| Buffers::kept(network.layers(), made_for));
        let capacity_of = |model: &Model<T>| {
            let padded = model.packed.weights.len();
            block_rows(model.layout, micro_batch_rows, threads, padded, copies, steps)
        };
        let buffers = if let Some(mut buffers) = kept {
            buffers.model.set_parameters(parameters);
            buffers
        } else {
            let model = Model::new(network.layers(), parameters, micro_batch_rows, loss, dropout, copies)?;
            let blocks = blocks(&model, micro_batch_rows, capacity_of(&model), room)?;
            let most = if threads == 1 || own { 0 } else { MICRO_BATCHES_PER_THREAD * threads };
            let most = micro_batches_at_a_time(rows, micro_batch_rows, most, threads);
            let micro_batches = MicroBatch::several(&model, micro_batch_rows, most, steps, room)?;
            let shards = shards(
                &model.packed.matrices,
                threads,
                rows > micro_batch_rows || remote,
                Tree::most_waiting(rows.div_ceil(group_rows(micro_batch_rows))),
            )?;
            Buffers { model, blocks, micro_batches, shards, array_names: &[] }
        };
        let made_for = made_for.filter(|_| buffers.fit_in(most_kept, micro_batch_rows));
        let Buffers { model, blocks, micro_batches, shards, array_names } = buffers;
        let capacity = capacity_of(&model);
        let own_rows = match network.returns() {
            _ if !own => 0,
            Some(Returns::Every) => room(0, micro_batch_rows).steps,
            _ => micro_batch_rows,
        };
        let of_outputs = || try_zeros(own_rows.saturating_mul(model.numbers_out()));
        let custom_loss = [of_outputs()?, of_outputs()?, of_outputs()?, try_zeros(own_rows)?];
        let of_remote = |numbers| Aligned::zeros(if remote { numbers } else { 0 });
        let whole = [of_remote(network.n_parameters())?, of_remote(model.packed.weights.len())?];
        let mut engine = Self {
            made_for,
            whole,
            shards,
            array_names,
            joint_step: None,
            model,
            blocks,
            micro_batches,
            objective,
            noise,
            // Of a sum of losses over all copies.
            alpha: alpha * copies as f64,
            clip_norm: None,
            micro_batch_rows,
            numbers,
            steps,
            order: Order::new(if network.returns().is_some() { rows } else { 0 })?,
            capacity,
            loaded: Loaded::Nothing,
            custom_loss,
            tree: Tree::new()?,
        };
        engine.sum_squares();
        Ok(engine)
    }

    /// Keeps the buffers for the next training of this thread, after one in which all numbers were finite.
    pub fn keep_buffers(self) {
        let Self { made_for, model, blocks, micro_batches, shards, array_names, .. } = self;
        if let Some(made_for) = made_for {
            Buffers { model, blocks, micro_batches, shards, array_names }.keep(made_for);
        }
    }

    /// The dropout rate per hidden layer; empty without dropout.
    pub fn dropout_rates(&mut self) -> &mut [f64] {
        &mut self.noise.rates
    }

    /// The parameters in panels.
    pub fn parameters(&self) -> &Aligned<T> {
        &self.model.packed.weights
    }

    fn sum_squares(&mut self) {
        for shard in &mut self.shards {
            shard.sum_squares(&self.model.packed.weights);
        }
    }

    pub fn is_finite(&self) -> bool {
        all_finite(&self.model.packed.weights)
    }

    /// Changes the parameters, in panels, and brings up to date what follows from them.
    pub fn change_parameters(
        &mut self,
        team: &mut Team<'_>,
        change: impl FnOnce(&mut Team<'_>, &mut Aligned<T>),
    ) {
        change(team, &mut self.model.packed.weights);
        self.model.parameters_changed(team);
        if self.alpha > 0.0 {
            self.sum_squares();
        }
    }

    /// Copies the parameters out, in the network's order.
    pub fn copy_parameters(&self, to: &mut [T]) {
        unpack(&self.model.packed.matrices, &self.model.packed.weights, to);
    }

    /// Copies the gradient out, in panels.
    pub fn gather_gradient(&self, mut to: &mut [T]) {
        for Shard { gradient, .. } in &self.shards {
            to.split_off_mut(..gradient.len()).unwrap_or_default().copy_from_slice(gradient);
        }
    }

    /// Copies the gradient out, in the network's order.
    pub fn copy_gradient(&self, to: &mut [T]) -> Result<()> {
        self.gather_shards(&mut self.room_to_gather()?, to, |shard| &shard.gradient);
        Ok(())
    }

    /// What [`Engine::gather_shards`] needs.
    fn room_to_gather(&self) -> Result<Vec<T>> {
        let parts = self.shards.len();
        try_with_capacity(if parts == 1 { 0 } else { self.model.packed.weights.len() })
    }

    /// Copies an array of the shards out, in the network's order; where there are several of these, by way of `all`.
    fn gather_shards(&self, all: &mut Vec<T>, to: &mut [T], array: impl Fn(&Shard<T>) -> &Aligned<T>) {
        let matrices = &self.model.packed.matrices;
        if let [shard] = &self.shards[..] {
            return unpack(matrices, array(shard), to);
        }
        all.clear();
        self.shards.iter().for_each(|shard| all.extend_from_slice(array(shard)));
        unpack(matrices, all, to);
    }

    /// Copies parameters in panels to the network's order.
    pub fn unpack(&self, packed: &[T], to: &mut [T]) {
        unpack(&self.model.packed.matrices, packed, to);
    }

    /// Copies parameters in the network's order to panels.
    pub fn pack(&self, parameters: &[T], to: &mut [T]) {
        pack(&self.model.packed.matrices, parameters, to);
    }

    /// Loads the arrays of an optimizer, or fills in their first numbers if there are none.
    pub fn keep_arrays(&mut self, optimizer: &Optimizer, arrays: &[Vec<T>]) -> Result<()> {
        let (count, names) = (self.model.n_parameters(), optimizer.arrays());
        let packed = &self.model.packed;
        let mut joint = None;
        if !optimizer.elementwise() {
            joint = Some(JointStep::new(count, packed.weights.len())?);
        } else if self.array_names != names {
            // In the lanes that fill up a panel, arrays of another rule may have other numbers than 0.
            for shard in &mut self.shards {
                let zeros = || Aligned::zeros(shard.gradient.len());
                shard.arrays = names.iter().map(|_| zeros()).collect::<Result<_>>()?;
            }
            self.array_names = names;
        }
        for index in 0..names.len() {
            let mut first_numbers;
            let numbers = if let Some(kept) = arrays.get(index) {
                kept
            } else {
                first_numbers = Aligned::zeros(count)?;
                optimizer.start(index, &mut first_numbers);
                &first_numbers[..]
            };
            if let Some(joint) = &mut joint {
                let mut array = Aligned::zeros(count)?;
                array.copy_from_slice(numbers);
                joint.arrays.push(array);
            } else if let [shard] = &mut self.shards[..] {
                pack(&packed.matrices, numbers, &mut shard.arrays[index]);
            } else {
                let mut all = Aligned::zeros(packed.weights.len())?;
                pack(&packed.matrices, numbers, &mut all);
                let mut rest = &all[..];
                for shard in &mut self.shards {
                    let own = &mut shard.arrays[index];
                    let part;
                    (part, rest) = rest.split_at(own.len());
                    own.copy_from_slice(part);
                }
            }
        }
        self.joint_step = joint;
        Ok(())
    }

    /// Copies the optimizer's arrays in panel form, one after the other.
    pub fn copy_arrays(&self, to: &mut Vec<T>) -> Result<()> {
        to.clear();
        let of_shares = self.shards.iter().flat_map(|shard| &shard.arrays).map(|array| array.len());
        let of_whole = self.joint_step.iter().flat_map(|joint| &joint.arrays).map(|array| array.len());
        let numbers = of_shares.chain(of_whole).sum();
        to.try_reserve_exact(numbers).map_err(|_| Error::OutOfMemory { numbers })?;
        match &self.joint_step {
            Some(joint) => joint.arrays.iter().for_each(|array| to.extend_from_slice(array)),
            None => {
                self.shards
                    .iter()
                    .flat_map(|shard| &shard.arrays)
                    .for_each(|array| to.extend_from_slice(array));
            }
        }
        Ok(())
    }

    /// Restores the optimizer's arrays from such a copy.
    pub fn set_arrays(&mut self, mut from: &[T]) {
        let arrays = match &mut self.joint_step {
            Some(joint) => joint.arrays.iter_mut().collect::<Vec<_>>(),
            None => self.shards.iter_mut().flat_map(|shard| &mut shard.arrays).collect(),
        };
        for array in arrays {
            let len = array.len();
            array.copy_from_slice(from.split_off(..len).unwrap_or_default());
        }
    }

    /// The optimizer's arrays, in the network's order.
    pub fn arrays(&self, state: &OptimizerState<T>) -> Result<Vec<Vec<T>>> {
        let mut all = self.room_to_gather()?;
        (0..state.optimizer().arrays().len()).map(|index| self.array(index, &mut all)).collect()
    }

    /// The same at the end of a training: the engine's own go, one by one, if they are not kept. They take the place of
    /// those from before, if there are some; then an error changes nothing.
    pub fn take_arrays(
        &mut self,
        state: &OptimizerState<T>,
        before: &mut Vec<Vec<T>>,
    ) -> Result<Vec<Vec<T>>> {
        let kept = self.made_for.is_some();
        let mut all = self.room_to_gather()?;
        let mut arrays = std::mem::take(before);
        for index in 0..state.optimizer().arrays().len() {
            match arrays.get_mut(index) {
                Some(array) => self.copy_array(index, array, &mut all),
                None => arrays.push(self.array(index, &mut all)?),
            }
            for shard in self.shards.iter_mut().filter(|shard| index < shard.arrays.len() && !kept) {
                shard.arrays[index] = Aligned::zeros(0)?;
            }
        }
        Ok(arrays)
    }

    /// One of them.
    fn array(&self, index: usize, room: &mut Vec<T>) -> Result<Vec<T>> {
        let mut array = try_zeros(self.model.n_parameters())?;
        self.copy_array(index, &mut array, room);
        Ok(array)
    }

    fn copy_array(&self, index: usize, to: &mut [T], room: &mut Vec<T>) {
        match &self.joint_step {
            Some(joint) => to.copy_from_slice(&joint.arrays[index]),
            None => self.gather_shards(room, to, |shard| &shard.arrays[index]),
        }
    }

    /// Computes the loss of a batch and its gradient; with an optimizer, also updates the parameters.
    /// `None` if a custom loss ends the training, or if `interrupted`, which is called
    /// after each piece of work, returns true; then no parameter has moved.
    pub fn gradient(
        &mut self,
        team: &mut Team<'_>,
        data: &Dataset<'_, T>,
        selection: Selection<'_>,
        rows: usize,
        state: Option<&OptimizerState<T>>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<Batch> {
        if let Some(rows) = data.remote {
            return self.gradient_of_remote(team, rows, state);
        }
        let mut order = std::mem::take(&mut self.order);
        let arranged = data.arranged(selection, rows, rows, &mut order);
        let all = matches!(selection, Selection::Range { from: 0 }) && rows == data.rows();
        let batch = self.gradient_of(team, data, arranged, rows, all, state, interrupted);
        self.order = order;
        batch
    }

    /// The same of rows in the order in which they are used; whether they are all rows of the data set in its order, or in the one
    /// that the data set always has.
    #[allow(clippy::too_many_arguments)]
    fn gradient_of(
        &mut self,
        team: &mut Team<'_>,
        data: &Dataset<'_, T>,
        selection: Selection<'_>,
        rows: usize,
        all: bool,
        state: Option<&OptimizerState<T>>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<Batch> {
        let copies = self.model.copies;
        let (selection, rows, all) = (selection.copied(copies), rows * copies, all && copies == 1);
        // A gradient alone is that of a first step.
        let step = state.map_or(0, OptimizerState::steps);
        let (total, passed) = if rows <= group_rows(self.micro_batch_rows) {
            self.pass_group(team, data, selection, (0, rows), all, step, interrupted)?
        } else {
            self.sum_groups(team, data, selection, rows, 0, step, interrupted)?;
            let (kept, total) = (self.tree.nodes.len(), self.tree.total());
            team.for_each(self.shards.iter_mut(), |shard| shard.join(kept));
            (total, Passed { more: true, ..Passed::default() })
        };
        self.finish(team, total, passed, state, interrupted)
    }

    /// The same of rows that are elsewhere.
    fn gradient_of_remote(
        &mut self,
        team: &mut Team<'_>,
        rows: &dyn RemoteRows<T>,
        state: Option<&OptimizerState<T>>,
    ) -> Option<Batch> {
        let (total, gradient) = self.sums_of_remote(team, rows, true)?;
        let [_, packed] = &mut self.whole;
        pack(&self.model.packed.matrices, &gradient, packed);
        for shard in &mut self.shards {
            let own = shard.start..shard.start + shard.gradient.len();
            shard.gradient.copy_from_slice(&packed[own]);
        }
        let passed = Passed { more: true, ..Passed::default() };
        self.finish(team, total, passed, state, &mut || false)
    }

    /// Losses, weights and gradient of all rows, summed where they are.
    fn sums_of_remote(
        &mut self,
        team: &mut Team<'_>,
        rows: &dyn RemoteRows<T>,
        gradient: bool,
    ) -> Option<(Total, Vec<T>)> {
        let [parameters, _] = &mut self.whole;
        unpack(&self.model.packed.matrices, &self.model.packed.weights, parameters);
        let sums = outside(|| rows.sums(parameters, gradient));
        team.after_foreign_code();
        let numbers = if gradient { parameters.len() } else { 0 };
        sums.filter(|sums| sums.is_whole_of(numbers)).map(Partial::total)
    }

    /// Turns sums over all rows of a batch into its loss and gradient; with an optimizer, the parameters move. The rows that
    /// `passed` last are not summed yet.
    fn finish(
        &mut self,
        team: &mut Team<'_>,
        total: Total,
        passed: Passed,
        state: Option<&OptimizerState<T>>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<Batch> {
        let penalty = self.penalty() * inverse(total.weight);
        let loss = total.loss * inverse(total.weight) + penalty;
        let batch = Batch { loss, penalty, weight: total.weight };
        self.sum_gradient(team, passed, Some(&batch), state, interrupted)?;
        if state.is_some() {
            self.model.parameters_changed(team);
        }
        Some(batch)
    }

    /// Has room for the sums of so many groups of a batch that follow each other.
    pub fn let_wait(&mut self, groups: usize) -> Result<()> {
        let most = Tree::most_waiting_anywhere(groups);
        self.shards.iter_mut().try_for_each(|shard| shard.let_wait(most))
    }

    /// Sums over all rows of a part of a batch, whose first group has this number; see [`Engine::waiting`].
    pub fn sum_all_groups(
        &mut self,
        team: &mut Team<'_>,
        part: &Dataset<'_, T>,
        first_group: usize,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<()> {
        self.sum_groups(team, part, Selection::Range { from: 0 }, part.rows(), first_group, 0, interrupted)
    }

    /// The sums that wait for others, with their gradients in the network's order if these were asked for.
    pub fn waiting(&self, gradient: bool) -> Result<Vec<(Node, Vec<T>)>> {
        let mut all = self.room_to_gather()?;
        let numbers = if gradient { self.model.n_parameters() } else { 0 };
        let of_node = |(index, node): (usize, &Node)| {
            let mut array = try_zeros(numbers)?;
            if gradient {
                self.gather_shards(&mut all, &mut array, |shard| &shard.waiting[index]);
            }
            Ok((*node, array))
        };
        self.tree.nodes.iter().enumerate().map(of_node).collect()
    }

    /// Sums losses, weights and gradient over each group of a batch's rows, of which the first one has this number in the whole
    /// batch. What is left in the tree, and in the shards, belongs together; the gradients are not yet means.
    #[allow(clippy::too_many_arguments)]
    fn sum_groups(
        &mut self,
        team: &mut Team<'_>,
        data: &Dataset<'_, T>,
        selection: Selection<'_>,
        rows: usize,
        first_group: usize,
        step: u64,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<()> {
        let group_rows = group_rows(self.micro_batch_rows);
        self.tree.nodes.clear();
        for (index, first) in (0..rows).step_by(group_rows).enumerate() {
            let group = (first, group_rows.min(rows - first));
            let (total, passed) = self.pass_group(team, data, selection, group, false, step, interrupted)?;
            self.sum_gradient(team, passed, None, None, interrupted)?;
            let kept = self.tree.nodes.len();
            let joined = self.tree.push(Node { level: 0, number: first_group + index, total });
            team.for_each(self.shards.iter_mut(), |shard| shard.keep(kept, joined));
        }
        Some(())
    }

    /// Sends a group of rows, given its first place in the batch and the number of rows, through the layers and back, and
    /// sums the gradient over all of them but the last ones, which are returned with loss and weight of the
    /// group. The group may be `all` rows, see [`Engine::gradient_of`].
    #[allow(clippy::too_many_arguments)]
    fn pass_group(
        &mut self,
        team: &mut Team<'_>,
        data: &Dataset<'_, T>,
        selection: Selection<'_>,
        (start, rows): (usize, usize),
        all: bool,
        step: u64,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<(Total, Passed)> {
        let weight = weight_sum(data, selection.skip(start), rows);
        let mut losses = LossSum::default();
        let mut first = 0;
        loop {
            let micro_batches_in_use = micro_batches_at_a_time(
                rows - first,
                self.micro_batch_rows,
                self.micro_batches.len(),
                team.threads(),
            );
            let count = (self.micro_batch_rows * micro_batches_in_use.max(1)).min(rows - first);
            let whole = all && count == rows;
            let (in_use, place, fresh) = match self.loaded {
                // As the last step left them: with few rows, to divide them again takes a part of a step that can be measured.
                Loaded::Blocks(in_use) if whole && micro_batches_in_use == 0 => (in_use, self.loaded, false),
                _ if micro_batches_in_use > 0 => {
                    (0, Loaded::MicroBatches, !whole || self.loaded != Loaded::MicroBatches)
                }
                _ => {
                    let in_use = self.split_micro_batch(count, team.threads());
                    (in_use, Loaded::Blocks(in_use), true)
                }
            };
            let Self { model, blocks, micro_batches, objective, noise, .. } = self;
            let in_batch = start + first;
            let selection = selection.skip(in_batch);
            let through = |place: usize, block: &mut dyn Stage<T>, stop: &mut dyn FnMut() -> bool| {
                if fresh {
                    load(block, model, objective, data.examples(true), selection.skip(place));
                }
                let noise =
                    (!noise.is_none()).then(|| noise.at(step, in_batch + place, selection.skip(place)));
                if !block.forward_unless(&model.layers, model.parameters(), noise, stop) {
                    return;
                }
                if let Some(loss) = named(objective) {
                    block.output_deltas(&model.layers, loss);
                    block.backward_unless(&model.layers, model.parameters(), stop);
                } else {
                    block.activate_output(&model.layers);
                }
            };
            let micro_batches = micro_batches[..micro_batches_in_use].iter_mut().enumerate();
            let done = if micro_batches_in_use > 0 {
                team.for_each_unless(interrupted, micro_batches, |(index, micro_batch)| {
                    let from = index * self.micro_batch_rows;
                    let own_rows = self.micro_batch_rows.min(count - from);
                    // Small enough not to ask within.
                    micro_batch.sum(own_rows, model, |place, block| {
                        through(from + place, block, &mut || false);
                    });
                })
            } else {
                let blocks = numbered(&mut blocks[..in_use]);
                team.for_each_that_asks(interrupted, blocks, |(place, block), stop| {
                    through(place, block, stop);
                })
            };
            if !done {
                return None;
            }
            self.loaded = if whole { place } else { Loaded::Nothing };
            if let Objective::Custom(own) = self.objective
                && !custom_loss(own, model, &mut blocks[..in_use], &mut self.custom_loss, team, interrupted)
            {
                return None;
            }
            let more = first > 0;
            let passed = Passed { rows: count, blocks: in_use, micro_batches: micro_batches_in_use, more };
            losses.add(passed.sums(&self.blocks, &self.micro_batches).blocks(), data, selection);
            first += count;
            if first == rows {
                return Some((Total { loss: losses.total(), weight }, passed));
            }
            self.sum_gradient(team, passed, None, None, interrupted)?;
        }
    }

    /// Sums the gradient over rows that went through the layers. Given the loss of their batch, of which they are the last
    /// ones, the sums become its gradient; with an optimizer, the parameters then move.
    fn sum_gradient(
        &mut self,
        team: &mut Team<'_>,
        passed: Passed,
        batch: Option<&Batch>,
        state: Option<&OptimizerState<T>>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<()> {
        let update = batch.zip(state).map(|(batch, state)| state.update(batch.loss));
        let parts = parts_of_a_sum(passed.rows * self.steps, self.model.packed.weights.len(), team.threads());
        let round = Round {
            layout: self.model.layout,
            matrices: &self.model.packed.matrices,
            sums: passed.sums(&self.blocks, &self.micro_batches),
            part: (0, parts),
            add: passed.more,
            alpha: self.alpha,
            weight: batch.map(|batch| batch.weight),
            clip_norm: self.clip_norm.filter(|_| update.is_some()),
            update: update.filter(|update| update.optimizer.elementwise()),
        };
        let factor = make(round, team, &mut self.shards, &mut self.model.packed.weights, interrupted)?;
        if let (Some(update), Some(joint)) = (update, &mut self.joint_step) {
            let gradients = self.shards.iter().map(|shard| &*shard.gradient);
            joint.step(Update { factor, ..update }, &mut self.model.packed, gradients);
            if self.alpha > 0.0 {
                self.sum_squares();
            }
        }
        debug_assert!(self.model.packed.is_filled_with_zeros());
        Some(())
    }

    /// The mean loss over all rows, without penalty; `None` as for [`Engine::gradient`].
    pub fn evaluate(
        &mut self,
        team: &mut Team<'_>,
        data: &Dataset<'_, T>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<f64> {
        let Total { loss, weight } = if let Some(rows) = data.remote {
            self.sums_of_remote(team, rows, false)?.0
        } else {
            // As when the loss of these rows is computed by itself.
            let micro_batch_rows = micro_batch_rows(self.model.n_parameters(), data.rows(), 1, self.numbers);
            self.evaluate_groups(team, data, 0, group_rows(micro_batch_rows), interrupted)?;
            self.tree.total()
        };
        Some(loss * inverse(weight))
    }

    /// Sums losses and weights over each group of rows, see [`Engine::sum_groups`].
    pub fn evaluate_groups(
        &mut self,
        team: &mut Team<'_>,
        data: &Dataset<'_, T>,
        first_group: usize,
        group_rows: usize,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Option<()> {
        if matches!(self.loaded, Loaded::Blocks(_)) {
            self.loaded = Loaded::Nothing;
        }
        let all = data.rows();
        self.tree.nodes.clear();
        for (index, start) in (0..all).step_by(group_rows).enumerate() {
            let rows = group_rows.min(all - start);
            let mut losses = LossSum::default();
            for first in (start..start + rows).step_by(self.micro_batch_rows) {
                let count = self.micro_batch_rows.min(start + rows - first);
                let in_use = self.split_micro_batch(count, team.threads());
                let Self { model, blocks, objective, order, .. } = self;
                let selection = Selection::Range { from: first };
                let selection = data.arranged(selection, count, self.micro_batch_rows, order);
                let done = team.for_each_that_asks(
                    interrupted,
                    numbered(&mut blocks[..in_use]),
                    |(place, block), stop| {
                        load(block, model, objective, data.examples(false), selection.skip(place));
                        if !block.forward_unless(&model.layers, model.parameters(), None, stop) {
                            return;
                        }
                        match named(objective) {
                            Some(loss) => block.output_deltas(&model.layers, loss),
                            None => block.activate_output(&model.layers),
                        }
                    },
                );
                if !done {
                    return None;
                }
                if let Objective::Custom(own) = self.objective
                    && !custom_loss(
                        own,
                        model,
                        &mut blocks[..in_use],
                        &mut self.custom_loss,
                        team,
                        interrupted,
                    )
                {
                    return None;
                }
                losses.add(blocks[..in_use].iter(), data, selection);
            }
            let weight = weight_sum(data, Selection::Range { from: start }, rows);
            let total = Total { loss: losses.total(), weight };
            self.tree.push(Node { level: 0, number: first_group + index, total });
        }
        Some(())
    }

    /// Distributes the rows of a micro-batch over the blocks; returns the number of blocks that have rows.
    fn split_micro_batch(&mut self, rows: usize, threads: usize) -> usize {
        let fewest =
            rows.div_ceil(self.blocks.len()).next_multiple_of(multiple(self.model.layout, self.model.copies));
        // Fewer rows than the engine was made for may be cut into fewer, larger blocks.
        let Model { layout, packed, copies, .. } = &self.model;
        let share = block_rows(*layout, rows, threads, packed.weights.len(), *copies, self.steps)
            .min(self.capacity)
            .max(fewest);
        // Blocks of sequences have room for those of their places.
        let share = if self.model.layers[0].kind.recurs() { self.capacity } else { share };
        spread(&mut self.blocks, rows, share)
    }

    /// alpha / 2 times the sum of squared weights.
    fn penalty(&self) -> f64 {
        if self.alpha == 0.0 {
            return 0.0;
        }
        0.5 * self.alpha * self.shards.iter().flat_map(|shard| &shard.squares).sum::<f64>()
    }
}

/// Calls the custom loss with the outputs of a micro-batch, and goes backward from its gradient; `false` if
/// the loss, or whoever has `interrupted`, ends the training.
fn custom_loss<T: Scalar>(
    own: &dyn RowLoss<T>,
    model: &Model<T>,
    blocks: &mut [Box<dyn Stage<T>>],
    buffers: &mut [Vec<T>; 4],
    team: &mut Team<'_>,
    interrupted: &mut dyn FnMut() -> bool,
) -> bool {
    let columns = model.numbers_out();
    let rows: usize = blocks.iter().map(|block| block.losses().len()).sum();
    let [outputs, targets, gradients, losses] = buffers;
    let [outputs, targets, gradients] =
        [outputs, targets, gradients].map(|buffer| &mut buffer[..rows * columns]);
    let losses = &mut losses[..rows];
    let (mut to_outputs, mut to_targets) = (&mut *outputs, &mut *targets);
    for block in &*blocks {
        let own = block.losses().len() * columns;
        block.copy_outputs(to_outputs.split_off_mut(..own).unwrap_or_default());
        block.copy_targets(to_targets.split_off_mut(..own).unwrap_or_default());
    }
    let shape = (rows, columns);
    let views = (ArrayView2::from_shape(shape, outputs), ArrayView2::from_shape(shape, targets));
    let (Ok(outputs), Ok(targets)) = views else { return false };
    let into = ArrayViewMut2::from_shape(shape, &mut *gradients);
    let goes_on = into.is_ok_and(|into| custom_losses(own, outputs, targets, losses, into));
    team.after_foreign_code();
    if !goes_on {
        return false;
    }
    // A NaN in the gradient is a divergence, which a rule that only compares signs would not notice.
    if !gradients.iter().all(|gradient| gradient.is_finite()) {
        losses.fill(T::from_f64(f64::NAN));
    }
    let mut first = 0;
    for block in &mut *blocks {
        let end = first + block.losses().len();
        block.set_output_gradients(&losses[first..end], &gradients[first * columns..end * columns]);
        first = end;
    }
    team.for_each_that_asks(interrupted, blocks.iter_mut(), |block, stop| {
        block.back_through_output(&model.layers);
        block.backward_unless(&model.layers, model.parameters(), stop);
    })
}

fn named<T>(objective: &Objective<'_, T>) -> Option<Loss> {
    if let Objective::Loss(loss) = objective { Some(*loss) } else { None }
}

/// Copies rows of a data set into a block, with the loss's label smoothing applied to the targets.
fn load<T: Scalar>(
    block: &mut dyn Stage<T>,
    model: &Model<T>,
    objective: &Objective<'_, T>,
    examples: Examples<'_, T>,
    rows: Selection<'_>,
) {
    block.load(examples, rows);
    let activation = model.output_layer().activation;
    let smoothing = named(objective).and_then(|loss| loss.smoothing(activation, model.n_outputs()));
    if let Some((factor, summand)) = smoothing {
        block.smooth_targets(T::from_f64(factor), T::from_f64(summand));
    }
}
