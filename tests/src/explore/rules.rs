//! The invariants by name, and how a state says that one of them is broken.

/// What must hold, each after every event of every world that it applies to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    /// Exactly one outcome for each accepted operation, none before, none after (R9).
    OneOutcome,
    /// The outcome answers what was asked.
    OutcomeFits,
    /// A failure has a cause: a failed action, a cancel, a deadline, a shutdown.
    FailureHasCause,
    /// A cancel, a deadline and a drop answer in their own transition (R10).
    CancelAnswersAtOnce,
    /// Accepted is completed, failed, cancelled, expired, abandoned or pending.
    CountsConserved,
    /// What is refused is refused for a reason that its caller can see.
    RefusedForCause,
    /// What is refused changes nothing but the memory of fullness.
    RefusedChangesNothing,
    /// What is not believed changes nothing.
    IgnoredChangesNothing,
    /// What cannot be true is not believed.
    LiesAreIgnored,
    /// An id names one living thing.
    IdsNameOne,
    /// Each action has an id of its own, used once.
    IoIdOnce,
    /// A limit that was reported full has room again when that is told, and it is told (R12).
    RoomIsTold,
    /// What is kept has its bounds (R12).
    Bounded,
    /// Staged is what the driver has whole, untorn, of the right file (G1, G5).
    StagedIsWhole,
    /// A read is sent to contents that are there, whole (G1, G2).
    ContentsBeforeAnswer,
    /// A read from contents sees every write before it and none after (R6).
    ContentsAreCurrent,
    /// A read waits until the staging that it found under way has ended (G2).
    ReadsWaitForStaging,
    /// When a staging ends, all who waited are answered (G9).
    WaitersAnsweredTogether,
    /// At most one action brings in or gives up a file at a time (G9).
    OneFlight,
    /// A staging that failed or was given up leaves nothing behind (G8).
    NothingLeftBehind,
    /// Charged is never more than the budget (G10).
    BudgetKept,
    /// Charged is what is held, set aside or lent (G10).
    ChargedIsHeld,
    /// `Auto` is not failed for want of room; who is refused room asked to be (G10).
    RefusedRoomAsked,
    /// What is in memory is not shown any more once a write was accepted (R6).
    WithdrawnBeforeWrite,
    /// Two operations that meet, one a write, are never in flight together (R1).
    NoOverlapInFlight,
    /// Operations that meet, one a write, run in the order of acceptance (R1).
    OrderOfAcceptance,
    /// Writes that become one action follow each other, and no barrier lies between (R7).
    RunsKeepToBarriers,
    /// A write is answered when it was executed, with its range (R8).
    WrittenIsExecuted,
    /// A read sees every write before it and none after (R1, R6).
    ReadsSeeWrites,
    /// The size is what the newest accepted operation makes of it (R6).
    SizeIsNewest,
    /// A flush is answered when every write before it ended (R3).
    FlushCovers,
    /// A sync is answered when a system sync covers every write before it (R3).
    SyncCovers,
    /// What a failed sync may have lost is never called durable (R8).
    LostStaysLost,
    /// What has an interval is covered by a sync in time, and where none is to come, is not forgotten (L3).
    SyncedInTime,
    /// Whoever has an interval is told once of a sync that failed (L3, R8).
    ToldOfSync,
    /// A replace goes by its steps, one of a target at a time, and nobody is answered before what he depends
    /// on is durable (A1, A4).
    ReplacedInSteps,
    /// Of a replace that is over no file is left (A2).
    NoFileLeft,
    /// Of locks that meet, one exclusive, one is held at a time, in the order of acceptance (K1).
    LocksInOrder,
    /// A lock that the system granted is given back, once, when nobody has it; not before (K1).
    LocksGivenBack,
    /// Nothing is written while contents of the file are held (G1).
    NoWriteUnderContents,
    /// What uses a descriptor finds one, of the right kind.
    DescriptorThere,
    /// Descriptors are no more than their limit.
    DescriptorsBounded,
    /// A descriptor is closed when nothing uses it.
    CloseWhenUnused,
    /// Contents are released after everything that points into them was told.
    ReleaseAfterTold,
    /// An open goes by a path that somebody still holds.
    PathStillHeld,
    /// What is brought is adopted by the file that it is of, once.
    AdoptedOnce,
    /// The phases go forward, along the edges there are (S1).
    PhasesForward,
    /// Draining issues no staging that no read waits for (S3).
    DrainingStagesForReads,
    /// Closing only gives back (S2).
    ClosingGivesBack,
    /// Closed holds nothing (S5).
    ClosedHoldsNothing,
    /// What is given up is named, once, at the end (S5).
    AbandonedIsNamed,
    /// Nothing comes after Closed (S5).
    NothingAfterClosed,
    /// `poll_timeout` says now if something is queued, and else what is due first.
    WakeIsTrue,
    /// Who waits, waits for an action, a deadline, or room that somebody holds.
    PendingHasWork,
    /// The same event in the same state does the same.
    Repeatable,
    /// Successes alone bring every operation to its end in a bounded number of steps.
    ComesToRest,
    /// A shutdown ends in Closed, whatever was under way (S3).
    ShutsDown,
    /// No event, in no state, stops the machine.
    NeverPanics,
}

impl Rule {
    /// How many there are.
    pub const COUNT: usize = Rule::NeverPanics as usize + 1;

    /// All of them.
    pub const ALL: [Rule; Rule::COUNT] = [
        Rule::OneOutcome,
        Rule::OutcomeFits,
        Rule::FailureHasCause,
        Rule::CancelAnswersAtOnce,
        Rule::CountsConserved,
        Rule::RefusedForCause,
        Rule::RefusedChangesNothing,
        Rule::IgnoredChangesNothing,
        Rule::LiesAreIgnored,
        Rule::IdsNameOne,
        Rule::IoIdOnce,
        Rule::RoomIsTold,
        Rule::Bounded,
        Rule::StagedIsWhole,
        Rule::ContentsBeforeAnswer,
        Rule::ContentsAreCurrent,
        Rule::ReadsWaitForStaging,
        Rule::WaitersAnsweredTogether,
        Rule::OneFlight,
        Rule::NothingLeftBehind,
        Rule::BudgetKept,
        Rule::ChargedIsHeld,
        Rule::RefusedRoomAsked,
        Rule::WithdrawnBeforeWrite,
        Rule::NoOverlapInFlight,
        Rule::OrderOfAcceptance,
        Rule::RunsKeepToBarriers,
        Rule::WrittenIsExecuted,
        Rule::ReadsSeeWrites,
        Rule::SizeIsNewest,
        Rule::FlushCovers,
        Rule::SyncCovers,
        Rule::LostStaysLost,
        Rule::SyncedInTime,
        Rule::ToldOfSync,
        Rule::ReplacedInSteps,
        Rule::NoFileLeft,
        Rule::LocksInOrder,
        Rule::LocksGivenBack,
        Rule::NoWriteUnderContents,
        Rule::DescriptorThere,
        Rule::DescriptorsBounded,
        Rule::CloseWhenUnused,
        Rule::ReleaseAfterTold,
        Rule::PathStillHeld,
        Rule::AdoptedOnce,
        Rule::PhasesForward,
        Rule::DrainingStagesForReads,
        Rule::ClosingGivesBack,
        Rule::ClosedHoldsNothing,
        Rule::AbandonedIsNamed,
        Rule::NothingAfterClosed,
        Rule::WakeIsTrue,
        Rule::PendingHasWork,
        Rule::Repeatable,
        Rule::ComesToRest,
        Rule::ShutsDown,
        Rule::NeverPanics,
    ];

    /// Complains unless it holds.
    pub(crate) fn holds(self, holds: bool, what: impl FnOnce() -> String) -> Verdict {
        match holds {
            true => Ok(()),
            false => self.broken(what()),
        }
    }

    pub(crate) fn broken<T>(self, what: String) -> Result<T, Broken> {
        Err(Broken { rule: self, what })
    }
}

/// A rule that is broken, and what was seen.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

pub(crate) type Verdict = Result<(), Broken>;
