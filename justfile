# A menu. Every recipe is one cargo line that works without just as well.

# every test of every package
test:
    cargo test --workspace

# lints, warnings as errors
check:
    cargo clippy --workspace --all-targets -- -D warnings

# format what is not formatted
fmt:
    cargo fmt --all

# the documentation, warnings as errors
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# stage this checkout and print the table
demo:
    cargo run --release -p staging-cli -- stage .

# every interleaving of the hub and the staged contents; LOOM_MAX_PREEMPTIONS=5 for a long run
loom:
    RUSTFLAGS="--cfg staging_loom" cargo test --release -p driver-kit --target-dir target/loom --test '*loom*'

# more threads than that, under schedules drawn at random; SCHEDULES=28000 makes a million
shuttle:
    RUSTFLAGS="--cfg staging_shuttle" cargo test --release -p driver-kit --target-dir target/shuttle --test shuttle

# every state of small worlds of the machine, every rule in each
explore:
    cargo test --release -p tests --test explore -- --full

# twenty thousand random histories on a simulated disk, beside a model
sim:
    SIM_SEEDS=20000 cargo test --release -p tests --test simulation

# random histories of every driver against a model in plain bytes: MODEL_SEEDS=5000 makes it longer
model:
    cargo test --release -p tests --test model

# every case, over every configuration of every driver
conformance:
    cargo test --release -p tests --test 'conformance_*'

# every fuzz target for so many seconds, skipped where there is no nightly toolchain or cargo-fuzz
fuzz TIME="30":
    cargo run -p tests --bin fuzz -- {{TIME}}

# the faults planted in copies of this tree, and which instruments find them
planted *FAULTS:
    cargo run --release -p tests --bin planted -- {{FAULTS}}

# every small change of the machine, and whether the tests notice; wants cargo-mutants, and hours
mutants:
    cargo mutants -p staging-core --baseline skip --test-package staging-core,tests --timeout 60 -C=--lib -C=--test=core_scripts -C=--test=core_rules -C=--test=core_histories -C=--test=explore -C=--test=negative

# the same of the staged contents, by their own tests; wants cargo-mutants
mutants-contents:
    cargo mutants -p driver-kit -f 'driver-kit/src/contents/**' --timeout 40 -C=--lib -C='--test=contents_[a-r]*' -C='--test=contents_ste*'

# the same of the hub, by what one thread sees of it and by the blocking driver; wants cargo-mutants
mutants-hub:
    cargo mutants -p driver-kit --baseline skip --test-package driver-kit,tests -f 'driver-kit/src/hub/**' --timeout 120 -C=--lib -C='--test=hub_*' -C=--test=crew -C=--test=journal_runs -C=--test=conformance_blocking

# the same of the hub, by a few schedules of many threads; what this misses, `just mutants-hub` may catch
mutants-shuttle:
    RUSTFLAGS="--cfg staging_shuttle" SCHEDULES=60 cargo mutants -p driver-kit -f 'driver-kit/src/hub/**' --timeout 20 -C=--test=shuttle

# how much of the machine the exploration reaches; wants cargo-llvm-cov and the LLVM tools of rustc's version
coverage:
    cargo llvm-cov --release -p staging-core -p tests --test explore --ignore-filename-regex '(/tests/|/driver-)' -- --full

# every instrument in turn, for so many minutes together
soak TIME="60":
    cargo run --release -p tests --bin soak -- {{TIME}}

# power lost on ext4, XFS and Btrfs, so many lives of each protocol, and every other harm; wants root
rig ROUNDS="20":
    RIG_ROUNDS={{ROUNDS}} cargo test --release -p tests --test 'rig_*'
# forty thousand updates of one file by eight processes that are killed again and again
updates:
    UPDATES=5000 cargo test --release -p tests --test updates_killed -- --nocapture

# how soon watchers know, a hundred times in each situation
watching ROUNDS="100":
    cargo run --release -p tests --bin watching -- {{ROUNDS}}

# the whole loop by hand, with std::fs and no driver
by-hand:
    cargo run -p staging-core --example by_hand

# the machine in a poll loop that also serves a socket
poll-loop:
    cargo run -p staging-core --example poll_loop

# the machine on an io_uring completion ring, from one thread
uring-loop:
    cargo run -p staging-core --example uring_loop

# we, every peer and every limit side by side: tables, JSON, pictures; --only G-1 --quick for a part
bench *ARGS:
    cargo bench -p benches --bench all -- {{ARGS}}
