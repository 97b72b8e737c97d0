//! A copy of a machine, into the memory of another: whoever explores many states copies more than
//! he handles.

use super::Machine;

impl Clone for Machine {
    fn clone(&self) -> Self {
        let mut copy = Machine::new(self.limits);
        copy.clone_from(self);
        copy
    }

    /// Allocates nothing where this machine has held as much before.
    fn clone_from(&mut self, source: &Self) {
        // By name, so that nothing is forgotten that a machine may get one day.
        let Machine {
            now,
            limits,
            phase,
            entered,
            told_phase,
            named,
            files,
            handles,
            writings,
            own_limits,
            ops,
            ios,
            targets,
            volumes,
            directories,
            locks,
            lock_targets,
            keys,
            targets_by_key,
            volumes_by_key,
            directories_by_key,
            lock_targets_by_key,
            timers,
            retries,
            dues,
            intervals,
            lock_ranges,
            budget,
            ready,
            lines,
            rings,
            turn,
            told,
            early,
            lost,
            news,
            openers,
            reopeners,
            idle,
            replacers,
            at_work,
            descriptors,
            all_writes,
            writes_by_class,
            barriers,
            unsynced,
            sync_all,
            bytes,
            bytes_room,
            parts: _,
            writes_ended,
            last_forgotten,
            operations_room,
            locking,
            locks_room,
            handles_room,
            stats,
            write_counts,
        } = source;
        self.now = *now;
        self.limits = *limits;
        self.phase = *phase;
        self.entered = *entered;
        self.told_phase = *told_phase;
        self.named = *named;
        self.files.clone_from(files);
        self.handles.clone_from(handles);
        self.writings.clone_from(writings);
        self.own_limits.clone_from(own_limits);
        self.ops.clone_from(ops);
        self.ios.clone_from(ios);
        self.targets.clone_from(targets);
        self.volumes.clone_from(volumes);
        self.directories.clone_from(directories);
        self.locks.clone_from(locks);
        self.lock_targets.clone_from(lock_targets);
        self.keys.clone_from(keys);
        self.targets_by_key.clone_from(targets_by_key);
        self.volumes_by_key.clone_from(volumes_by_key);
        self.directories_by_key.clone_from(directories_by_key);
        self.lock_targets_by_key.clone_from(lock_targets_by_key);
        self.timers.clone_from(timers);
        self.retries.clone_from(retries);
        self.dues.clone_from(dues);
        self.intervals.clone_from(intervals);
        self.lock_ranges.clone_from(lock_ranges);
        self.budget.clone_from(budget);
        self.ready = *ready;
        self.lines = *lines;
        self.rings = *rings;
        self.turn = *turn;
        self.told = *told;
        self.early = *early;
        self.lost = *lost;
        self.news = *news;
        self.openers = *openers;
        self.reopeners = *reopeners;
        self.idle = *idle;
        self.replacers = *replacers;
        self.at_work = *at_work;
        self.descriptors = *descriptors;
        self.all_writes = *all_writes;
        self.writes_by_class = *writes_by_class;
        self.barriers = *barriers;
        self.unsynced = *unsynced;
        self.sync_all.clone_from(sync_all);
        self.bytes = *bytes;
        self.bytes_room = *bytes_room;
        self.writes_ended = *writes_ended;
        self.last_forgotten = *last_forgotten;
        self.operations_room = *operations_room;
        self.locking = *locking;
        self.locks_room = *locks_room;
        self.handles_room = *handles_room;
        self.stats = *stats;
        self.write_counts = *write_counts;
    }
}
