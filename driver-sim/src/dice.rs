//! Chance that can be repeated: the same seed, the same throws, on every machine and in every
//! release of this crate.

/// An xorshift generator (64 bits of state, shifts of 13, 7 and 17, multiplied at the end).
///
/// It is small and fast, and written here rather than taken from elsewhere because a seed must mean
/// the same run for as long as it is noted down somewhere. It is no source of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed. Neighbouring seeds have nothing in common.
    pub const fn of(seed: u64) -> Dice {
        let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Dice((spread ^ (spread >> 29)) | 1)
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 if there is none.
    pub const fn below(&mut self, end: u64) -> u64 {
        let any = self.any();
        match end {
            0 => 0,
            1..=0xffff_ffff => ((any >> 32) * end) >> 32,
            _ => any % end,
        }
    }

    /// A number from `least` to `most`, both possible.
    pub const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// Yes, so many times in a thousand. Asked for 0, nothing is thrown.
    pub const fn permille(&mut self, rate: u16) -> bool {
        rate > 0 && self.below(1000) < rate as u64
    }

    /// One of these.
    ///
    /// # Panics
    /// There are none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    /// Seeds are noted down in bug reports: what they mean is fixed.
    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut dice = Dice::of(7);
        let thrown = [dice.any(), dice.any(), dice.any()];
        let expected = [
            14_294_189_175_473_827_522,
            6_602_039_822_544_730_514,
            16_300_320_598_085_872_720,
        ];
        assert_eq!(thrown, expected);
    }

    #[test]
    fn throws_stay_in_their_range() {
        let mut dice = Dice::of(0);
        assert_eq!(dice.below(0), 0);
        for _ in 0..1000 {
            assert!((3..=5).contains(&dice.between(3, 5)));
            assert!(!dice.permille(0));
            assert!(dice.permille(1000));
        }
    }
}
