//! MT19937, the generator of Matsumoto & Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform
//! pseudo-random number generator", ACM TOMACS 8, 1998, with the shuffle of NumPy's `RandomState`: what scikit-learn
//! draws its orders of rows with.

use crate::error::Result;
use crate::memory::try_collect;

/// Words of the state.
pub(crate) const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// The generator, with NumPy's names for its state: the words are its `key`, their number in use its `pos`.
#[derive(Clone, Debug)]
pub(crate) struct MersenneTwister {
    words: [u32; WORDS],
    /// The number that each of the words gives.
    numbers: [u32; WORDS],
    used: usize,
}

fn twisted(word: u32, next: u32, far: u32) -> u32 {
    let joined = word & 0x8000_0000 | next & 0x7fff_ffff;
    far ^ joined >> 1 ^ (joined & 1).wrapping_neg() & 0x9908_b0df
}

/// Renews as many words at the beginning of `own`, behind which there is one more, as there are in `far`.
fn twist(own: &mut [u32], far: &[u32]) {
    let own = &mut own[..=far.len()];
    for (place, &far) in far.iter().enumerate() {
        own[place] = twisted(own[place], own[place + 1], far);
    }
}

fn tempered(mut word: u32) -> u32 {
    word ^= word >> 11;
    word ^= word << 7 & 0x9d2c_5680;
    word ^= word << 15 & 0xefc6_0000;
    word ^ word >> 18
}

impl MersenneTwister {
    /// The generator in a state; more words than there are count as all.
    pub fn new(words: &[u32; WORDS], used: usize) -> Self {
        Self { words: *words, numbers: words.map(tempered), used: used.min(WORDS) }
    }

    /// The state: the words, and how many of them are used.
    pub fn state(&self) -> (&[u32; WORDS], usize) {
        (&self.words, self.used)
    }

    fn refill(&mut self) {
        // In pieces that are made of others, so that vectors of words are made at a time.
        const PIECE: usize = WORDS - MIDDLE;
        let words = &mut self.words;
        let (own, far) = words.split_at_mut(MIDDLE);
        twist(own, far);
        let (far, own) = words.split_at_mut(PIECE);
        twist(own, far);
        let (far, own) = words.split_at_mut(2 * PIECE);
        twist(own, &far[PIECE..MIDDLE - 1]);
        words[WORDS - 1] = twisted(words[WORDS - 1], words[0], words[MIDDLE - 1]);
        self.numbers = words.map(tempered);
        self.used = 0;
    }

    fn next_u32(&mut self) -> u32 {
        if self.used == WORDS {
            self.refill();
        }
        let number = self.numbers[self.used];
        self.used += 1;
        number
    }

    /// An integer up to `most`, each equally likely: numbers of as many bits are drawn until one is small enough.
    fn up_to(&mut self, most: u32) -> u32 {
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let number = self.next_u32() & mask;
            if number <= most {
                return number;
            }
        }
    }

    fn shuffle(&mut self, numbers: &mut [u32]) {
        for last in (1..numbers.len()).rev() {
            numbers.swap(last, self.up_to(last as u32) as usize);
        }
    }
}

/// The orders in which scikit-learn's networks go through the rows: each epoch shuffles the order of the epoch before.
#[derive(Debug)]
pub(crate) struct RowOrders {
    generator: MersenneTwister,
    order: Vec<u32>,
    drawn: usize,
}

impl RowOrders {
    /// Those of so many rows that a generator draws.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`].
    pub fn new(generator: MersenneTwister, rows: u32) -> Result<Self> {
        Ok(Self { generator, order: try_collect(0..rows)?, drawn: 0 })
    }

    /// The order of an epoch, 1 for the first. Those before it are drawn on the way; of those before the last one that was
    /// drawn nothing is kept, so the last one stands for them.
    pub fn of_epoch(&mut self, epoch: usize) -> &[u32] {
        while self.drawn < epoch {
            self.generator.shuffle(&mut self.order);
            self.drawn += 1;
        }
        &self.order
    }

    /// The generator after the last order that was drawn.
    pub fn generator(&self) -> &MersenneTwister {
        &self.generator
    }

    /// How many orders were drawn.
    pub fn drawn(&self) -> usize {
        self.drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state that `init_genrand` of the authors' program makes of a seed.
    fn seeded(seed: u32) -> MersenneTwister {
        let mut words = [seed; WORDS];
        for place in 1..WORDS {
            let before = words[place - 1];
            words[place] = (before ^ before >> 30).wrapping_mul(1_812_433_253).wrapping_add(place as u32);
        }
        MersenneTwister::new(&words, WORDS)
    }

    /// The 10,000th number of the default seed is in the C++ standard ([rand.predef]).
    #[test]
    fn known_answer() {
        let mut generator = seeded(5489);
        let last = (0..10_000).map(|_| generator.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn numbers_reach_their_bounds() {
        let mut generator = seeded(1);
        assert_eq!(generator.up_to(0), 0);
        for most in [1, 2, 3, 4, 7, 8] {
            let mut seen: Vec<_> = (0..400).map(|_| generator.up_to(most)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..=most).collect::<Vec<_>>());
        }
    }

    #[test]
    fn epochs_that_nobody_asked_for_are_drawn_on_the_way() {
        let [mut each, mut last] = [0; 2].map(|_| RowOrders::new(seeded(3), 10).unwrap());
        for epoch in 1..=5 {
            each.of_epoch(epoch);
        }
        assert_eq!(each.of_epoch(5), last.of_epoch(5));
        assert_eq!(each.generator().state(), last.generator().state());
        assert_eq!(last.of_epoch(3), each.of_epoch(5));
        assert_eq!((each.drawn(), last.drawn()), (5, 5));
    }
}
