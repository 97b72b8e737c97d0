//! How urgent an operation is, and how those that are ready take turns (R2, R4, R11).

/// How urgent an operation is. A class decides who goes first among those that may go, never who
/// may: what meets keeps the order in which it was accepted (R1). Whoever waits for another lends
/// him his class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Class {
    /// In the background.
    Low,
    /// Everything that says nothing else: writes, reads, opens, stagings.
    #[default]
    Normal,
    /// Writes to files opened for synchronous writing.
    High,
    /// Flushes and syncs, and the writes that they cover (R4).
    Urgent,
}

impl Class {
    /// All of them, the most urgent first.
    pub const ALL: [Class; 4] = [Class::Urgent, Class::High, Class::Normal, Class::Low];

    /// The one whose turn comes after its own.
    pub(crate) const fn next(self) -> Class {
        match self {
            Class::Urgent => Class::High,
            Class::High => Class::Normal,
            Class::Normal => Class::Low,
            Class::Low => Class::Urgent,
        }
    }
}

/// In which order actions are handed out that are ready.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Turns {
    /// The classes take turns, each as often as its weight says; inside a class the files do, and
    /// with them whatever is done for no file that is written. Whoever has waited longest of all
    /// goes next when so many others were preferred to him in a row.
    ByClass {
        /// How much each class may spend when its turn comes. An action costs 1, and 1 more for
        /// each 64 KiB, at most [`Turns::DEAREST`].
        weights: Weights,
        /// How many others in a row may be preferred to who has waited longest (R11).
        patience: u8,
    },
    /// Strictly by arrival, whatever the class: writes to one file run one after the other, and
    /// everything else is handed out as it became ready.
    ByArrival,
}

/// How much each class may spend when its turn comes; 0 counts as 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Weights {
    /// Of Urgent.
    pub urgent: u8,
    /// Of High.
    pub high: u8,
    /// Of Normal.
    pub normal: u8,
    /// Of Low.
    pub low: u8,
}

impl Weights {
    pub(crate) fn of(self, class: Class) -> u32 {
        let weight = match class {
            Class::Urgent => self.urgent,
            Class::High => self.high,
            Class::Normal => self.normal,
            Class::Low => self.low,
        };
        u32::from(weight.max(1))
    }
}

impl Default for Weights {
    /// 8, 4, 2 and 1.
    fn default() -> Self {
        Weights {
            urgent: 8,
            high: 4,
            normal: 2,
            low: 1,
        }
    }
}

impl Default for Turns {
    /// By class: Urgent 8, High 4, Normal 2, Low 1; the longest waiting after 16 others.
    fn default() -> Self {
        Turns::ByClass {
            weights: Weights::default(),
            patience: 16,
        }
    }
}

impl Turns {
    /// What the dearest action costs.
    pub const DEAREST: u32 = 16;

    /// How many others are handed out at most between two of a class, or before its first, while it
    /// has something ready (R11). [`u32::MAX`] where classes count for nothing.
    ///
    /// Whoever spent too much sits out until he is even, so a class may have to wait for so many
    /// rounds as its weight fits into the dearest action, and one more; in each of them the others
    /// spend what they are given, and go beyond it once. Besides, in between goes who has waited longest.
    pub fn most_between(self, class: Class) -> u32 {
        let (weights, patience) = match self {
            Turns::ByClass { weights, patience } if patience > 0 => (weights, patience),
            Turns::ByClass { .. } | Turns::ByArrival => return u32::MAX,
        };
        let rounds = Turns::DEAREST.div_ceil(weights.of(class)) + 1;
        let others = Class::ALL.into_iter().filter(|other| *other != class);
        let others: u32 = others
            .map(|other| rounds * weights.of(other) + Turns::DEAREST)
            .sum();
        others + others.div_ceil(u32::from(patience)) + 1
    }

    /// How many others are handed out at most before an action that found so many ready (R11).
    pub fn most_before(self, found: u32) -> u32 {
        match self {
            Turns::ByClass { patience, .. } => {
                let patience = u32::from(patience);
                found.saturating_add(1).saturating_mul(patience + 1)
            }
            Turns::ByArrival => found,
        }
    }
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Turn {
    /// The class that was served last.
    pub(crate) class: Class,
    /// What each class has left to spend, by [`Class`] from `Low` up; negative where it spent more.
    pub(crate) credit: [i16; 4],
    /// Whether in each class a file is next.
    pub(crate) files: [bool; 4],
    /// How many in a row were preferred to who has waited longest.
    pub(crate) preferred: u8,
}

impl Turn {
    /// Before the first, and whenever there is nothing to choose from.
    pub(crate) const FIRST: Turn = Turn {
        class: Class::Low,
        credit: [0; 4],
        files: [false; 4],
        preferred: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_in_the_order_of_their_urgency() {
        assert!(Class::ALL.is_sorted_by(|one, other| one > other));
        for pair in Class::ALL.windows(2) {
            assert_eq!(pair[0].next(), pair[1]);
        }
        assert_eq!(Class::Low.next(), Class::Urgent);
    }

    #[test]
    fn r11_bounds_follow_from_the_weights() {
        let turns = Turns::ByClass {
            weights: Weights {
                urgent: 1,
                high: 1,
                normal: 0,
                low: 1,
            },
            patience: 3,
        };
        assert_eq!(turns.most_between(Class::Low), 99 + 33 + 1);
        assert_eq!(turns.most_before(0), 4);
        assert_eq!(turns.most_before(5), 24);
        assert_eq!(Turns::ByArrival.most_before(5), 5);
        assert_eq!(Turns::ByArrival.most_between(Class::Urgent), u32::MAX);
    }
}
