//! Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy
//! as 1, 2, 3", SC 2011: initial weights, shuffles, the masks of dropout and the draws of stochastic
//! units come from here.
//!
//! A stream is named by a seed and a purpose, so that weights and shuffles of one seed have nothing
//! to do with each other, and adding a purpose changes no other stream.

use std::ops::Range;

#[cfg(any(test, feature = "python"))]
mod mersenne_twister;

#[cfg(feature = "python")]
pub(crate) use mersenne_twister::{MersenneTwister, RowOrders, WORDS};

use crate::kernel::{Scalar, cos_pi};

/// The purpose of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Weights = 1,
    Shuffle = 2,
    Dropout = 3,
    StepSizes = 5,
    Noise = 6,
    Units = 7,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    key: [u32; 2],
    counter: u64,
    stream: [u32; 2],
    block: [u32; 4],
    used: usize,
}

impl Random {
    /// The stream of a seed and a purpose; `part` separates streams that share both, for example one per
    /// epoch.
    pub(crate) fn new(seed: u64, purpose: Purpose, part: u32) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            counter: 0,
            stream: [part, purpose as u32],
            block: [0; 4],
            used: 4,
        }
    }

    fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            let [low, high] = [self.counter as u32, (self.counter >> 32) as u32];
            self.block = philox([low, high, self.stream[0], self.stream[1]], self.key);
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | u64::from(self.next_u32()) << 32
    }

    /// A number from 0 to below 1: 53 random bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number from `-bound` to `bound`: 53 random bits, drawn in double precision whatever the
    /// type, so that networks of both types start from the same weights.
    pub(crate) fn uniform<T: Scalar>(&mut self, bound: f64) -> T {
        T::from_f64((2.0 * self.unit() - 1.0) * bound)
    }

    /// A number from the standard normal distribution: Box & Muller, "A note on the generation of random normal
    /// deviates", Annals of Mathematical Statistics 29, 1958.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * Scalar::log(1.0 - self.unit())).sqrt();
        radius * cos_pi(2.0 * self.unit())
    }

    /// An integer below `bound`, each equally likely: Lemire, "Fast random integer generation in an
    /// interval", ACM TOMACS 29, 2019.
    fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Puts numbers in random order (Fisher & Yates, in Durstenfeld's form).
    pub(crate) fn shuffle(&mut self, numbers: &mut [u32]) {
        for last in (1..numbers.len()).rev() {
            numbers.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

/// Four numbers from 0 to below 1, exact in single precision: a function of the arguments alone, for
/// random numbers that anyone can draw at any place. `part` is taken modulo 2^56.
#[inline(always)]
pub(crate) fn unit_at(seed: u64, purpose: Purpose, part: u64, place: u64) -> [f64; 4] {
    let stream = [part as u32, (part >> 32) as u32 & 0xFF_FFFF | (purpose as u32) << 24];
    let block = philox(
        [place as u32, (place >> 32) as u32, stream[0], stream[1]],
        [seed as u32, (seed >> 32) as u32],
    );
    block.map(|bits| f64::from(bits >> 8) * (1.0 / f64::from(1u32 << 24)))
}

/// Random numbers by place, in any order: for what threads share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    key: [u32; 2],
    part: u32,
    purpose: u32,
}

impl Words {
    /// Those of a seed and a purpose; `index` (below 2^24) and `part` separate streams that share
    /// both.
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u32, part: u32) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], part, purpose: (purpose as u32) << 24 | index }
    }

    /// Numbers that one call of the generator gives.
    pub(crate) const PER_CALL: usize = 4;

    /// Calls of the generator side by side: their state fills the registers of AVX2.
    pub(crate) const CALLS: usize = 8;

    /// Numbers that these calls give.
    pub(crate) const SIDE_BY_SIDE: usize = Self::CALLS * Self::PER_CALL;

    /// The four numbers at a place.
    #[inline(always)]
    pub(crate) fn at(self, column: u32, row: u32) -> [u32; 4] {
        let [numbers] = self.at_each([(column, row)]);
        numbers
    }

    /// Those of the next rows of a panel, a number for each lane, as many rows as [`Words::SIDE_BY_SIDE`] has numbers for. After the
    /// last row it is repeated.
    #[inline(always)]
    pub(crate) fn of_panel(
        self,
        panel: usize,
        lanes: usize,
        rows: Range<usize>,
        row_of: impl Fn(usize) -> u32,
    ) -> [[u32; Self::PER_CALL]; Self::CALLS] {
        let groups = lanes / Self::PER_CALL;
        self.at_each(std::array::from_fn(|call| {
            let row = (rows.start + call / groups).min(rows.end - 1);
            ((panel * groups + call % groups) as u32, row_of(row))
        }))
    }

    /// Those of several places, columns and rows, side by side in vectors.
    #[inline(always)]
    pub(crate) fn at_each<const N: usize>(self, places: [(u32, u32); N]) -> [[u32; 4]; N] {
        let [columns, rows] = [places.map(|(column, _)| column), places.map(|(_, row)| row)];
        let blocks = philox_each([columns, rows, [self.part; N], [self.purpose; N]], self.key);
        std::array::from_fn(|place| blocks.map(|words| words[place]))
    }
}

#[inline(always)]
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox_each(counter.map(|word| [word]), key).map(|[word]| word)
}

/// Words `w` of `N` counters, `counters[w]`, become numbers. They are in 64 bits each, of which the upper half is rubbish: processors
/// multiply the lower halves of such lanes.
#[inline(always)]
fn philox_each<const N: usize>(counters: [[u32; N]; 4], mut key: [u32; 2]) -> [[u32; N]; 4] {
    let product = |word: u64, by: u64| (word & 0xFFFF_FFFF) * by;
    let mut words = counters.map(|words| words.map(u64::from));
    for _ in 0..10 {
        let [first, second] = key.map(u64::from);
        let before = words;
        for place in 0..N {
            let [a, b] = [product(before[0][place], 0xD251_1F53), product(before[2][place], 0xCD9E_8D57)];
            words[0][place] = (b >> 32) ^ before[1][place] ^ first;
            words[1][place] = b;
            words[2][place] = (a >> 32) ^ before[3][place] ^ second;
            words[3][place] = a;
        }
        key[0] = key[0].wrapping_add(0x9E37_79B9);
        key[1] = key[1].wrapping_add(0xBB67_AE85);
    }
    words.map(|words| words.map(|word| word as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers from the Random123 distribution (`kat_vectors`, philox4x32 10).
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn numbers_of_several_places_are_those_of_each() {
        let words = Words::new(0x1234_5678_9abc_def0, Purpose::Dropout, 5, 77);
        let places: [(u32, u32); 8] =
            std::array::from_fn(|place| (place as u32 % 3, u32::MAX - place as u32));
        assert_eq!(words.at_each(places), places.map(|(column, row)| words.at(column, row)));
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_each_is_equally_likely() {
        let mut counts = [0; 24];
        for part in 0..24_000 {
            let mut numbers = [0, 1, 2, 3];
            Random::new(7, Purpose::Shuffle, part).shuffle(&mut numbers);
            let mut rank = 0;
            for (i, a) in numbers.iter().enumerate() {
                let smaller = numbers[i + 1..].iter().filter(|b| *b < a).count();
                rank = rank * (4 - i) + smaller;
            }
            counts[rank] += 1;
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 1, 2, 3]);
        }
        // Each count is 1000 in the mean, with a standard deviation of 31.
        assert!(counts.iter().all(|count| (840..1160).contains(count)), "{counts:?}");
    }

    #[test]
    fn uniform_numbers_fill_the_interval() {
        let mut random = Random::new(1, Purpose::Weights, 0);
        let numbers: Vec<f64> = (0..100_000).map(|_| random.uniform(2.0)).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let square = numbers.iter().map(|x| x * x).sum::<f64>() / 1e5;
        assert!(numbers.iter().all(|x| (-2.0..=2.0).contains(x)));
        assert!(mean.abs() < 0.02 && (square - 4.0 / 3.0).abs() < 0.02, "{mean} {square}");
    }
}
