//! The core in foreign loops: the examples run as their pages say, and answer what std would.
#![expect(
    clippy::print_stdout,
    reason = "a test that proves nothing here says so"
)]

use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, iter, thread};

type Proof = Result<(), Box<dyn Error>>;

fn example(name: &str) -> Command {
    run(&["run", "-q", "-p", "staging-core", "--example", name, "--"])
}

/// The example on a system that behaves otherwise; `None` where strace is not to be had.
fn example_where(system_call: &str, name: &str) -> Option<Command> {
    let strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if !strace.is_ok_and(|status| status.success()) {
        println!("skipped: no strace here");
        return None;
    }
    let runner = format!(
        "target.'cfg(all())'.runner=['strace','-f','-qq','-o','/dev/null','-e','inject={system_call}']"
    );
    let example = ["run", "-q", "-p", "staging-core", "--example", name, "--"];
    Some(run(&[&["--config", &runner], &example[..]].concat()))
}

fn run(args: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    command
}

/// What it printed, if it ended well.
fn shown(output: Output) -> Result<String, Box<dyn Error>> {
    let text = String::from_utf8(output.stdout)?;
    match output.status.success() {
        true => Ok(text),
        false => Err(format!("{}\n{text}", output.status).into()),
    }
}

fn says(text: &str, what: &str) {
    assert!(text.contains(what), "no {what:?} in\n{text}");
}

/// The ring's page, or nothing where the system has no ring for us.
fn ring_shows(args: &[&OsStr]) -> Result<Option<String>, Box<dyn Error>> {
    let text = shown(example("uring_loop").args(args).output()?)?;
    let missing = text.starts_with("io_uring is not to be had here");
    if missing {
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    Ok((!missing).then_some(text))
}

/// R9, R10, S1: present, missing, beyond the end, over the budget and too late, each has its answer.
#[test]
fn the_poll_loop_answers_itself() -> Proof {
    let text = shown(example("poll_loop").output()?)?;
    says(&text, r#"read from memory: GET -> OK 40 "[package]\nname"#);
    says(
        &text,
        r#"still there: GET -> OK 22 "name = \"staging-core\"\n""#,
    );
    says(&text, r#"beyond the end: GET -> OK 0 """#);
    says(&text, r#"created, and written: ADD -> OK 4 "at 0""#);
    says(&text, r#"what was written: GET -> OK 7 "one,two""#);
    says(&text, "missing: GET -> NO Os(2)");
    says(&text, "not a file: GET -> NO NotAFile(Directory)");
    says(&text, r#"from the disk: GET -> OK 4 "\0\0\0\0""#);
    says(&text, "too large to come so soon: GET -> NO Deadline");
    says(&text, r#"nothing is stuck: GET -> OK 9 "[package]""#);
    says(
        &text,
        "[loop] Draining: Asked\n[loop] Closing: Drained\n[loop] Closed: GivenBack\n",
    );
    says(&text, "QUIT -> BYE");
    says(&text, "abandoned: 0");
    Ok(())
}

/// The poll loop as a server, gone when the test is.
struct Server {
    process: Child,
    address: SocketAddr,
    output: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(mut example: Command) -> Result<Server, Box<dyn Error>> {
        let mut process = example.arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().unwrap_or_default().parse()?;
        Ok(Server {
            process,
            address,
            output,
        })
    }

    fn peer(&self) -> Result<Peer, Box<dyn Error>> {
        let socket = BufReader::new(TcpStream::connect(self.address)?);
        Ok(Peer { socket })
    }

    /// Says `QUIT`, and gives what the server printed.
    fn quit(mut self) -> Result<String, Box<dyn Error>> {
        let mut peer = self.peer()?;
        peer.say("QUIT")?;
        assert_eq!(peer.hear()?, Err("BYE".into()));
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        assert!(self.process.wait()?.success(), "{text}");
        Ok(text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where strace stands between, a kill reaches only that.
        let _ = self.peer().and_then(|mut peer| peer.say("QUIT"));
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Peer {
    socket: BufReader<TcpStream>,
}

impl Peer {
    fn say(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        Ok(self
            .socket
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())?)
    }

    /// The bytes of an `OK`, or any other line.
    fn hear(&mut self) -> Result<Result<Vec<u8>, String>, Box<dyn Error>> {
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        let Some(len) = line.trim_end().strip_prefix("OK ") else {
            return Ok(Err(line.trim_end().into()));
        };
        let mut bytes = vec![0; len.parse()?];
        self.socket.read_exact(&mut bytes)?;
        Ok(Ok(bytes))
    }
}

fn sources() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../staging-core/src");
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    Ok(paths.filter(|path| path.is_file()).collect())
}

/// R9, G9: what many ask at the same time reaches each of them whole, in the order of asking. A
/// lost wake-up would keep somebody waiting until the deadline, and that is no answer.
#[test]
fn each_of_many_peers_hears_its_own_bytes() -> Proof {
    let (server, paths) = (Server::start(example("poll_loop"))?, sources()?);
    let peers = iter::repeat_with(|| server.peer())
        .take(16)
        .collect::<Result<Vec<_>, _>>()?;
    let asked = peers.into_iter().enumerate().map(|(number, mut peer)| {
        let mut paths = paths.clone();
        let turn = number % paths.len();
        paths.rotate_left(turn);
        thread::spawn(move || -> Result<(), String> {
            let mut ask = || -> Proof {
                peer.say("WITHIN 60000")?;
                for path in &paths {
                    peer.say(&format!("GET {} {number} 1000000", path.display()))?;
                }
                assert_eq!(peer.hear()?, Ok(Vec::new()));
                for path in &paths {
                    let bytes = fs::read(path)?;
                    assert_eq!(
                        peer.hear()?,
                        Ok(bytes[number..].to_vec()),
                        "{}",
                        path.display()
                    );
                }
                Ok(())
            };
            ask().map_err(|error| error.to_string())
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.join().map_err(|_| "a peer was answered wrongly")??;
    }
    says(&server.quit()?, "failed: 0, cancelled: 0, abandoned: 0");
    Ok(())
}

/// R10, S3: while a disk takes two seconds for a call, only the machine's time can wake the loop. The
/// peer is answered at its deadline, and then there is time left to wait for that call.
#[test]
fn a_deadline_does_not_wait_for_the_disk() -> Proof {
    let Some(example) = example_where("statx:delay_enter=2000000:when=1", "poll_loop") else {
        return Ok(());
    };
    let server = Server::start(example)?;
    let mut peer = server.peer()?;
    peer.say("WITHIN 50")?;
    peer.say(&format!(
        "GET {}/Cargo.toml 0 10",
        env!("CARGO_MANIFEST_DIR")
    ))?;
    assert_eq!(peer.hear()?, Ok(Vec::new()));
    assert_eq!(peer.hear()?, Err("NO Deadline".into()));
    let text = server.quit()?;
    says(&text, "failed: 1, cancelled: 0, abandoned: 0");
    let closing = text
        .split("closing: ")
        .nth(1)
        .and_then(|tail| tail.split(',').next());
    let closing: u64 = closing.ok_or("no time of closing")?.parse()?;
    assert!(closing > 500_000_000, "{text}");
    Ok(())
}

/// R10: peers that leave in mid-question disturb nobody, and nothing of theirs is left behind.
#[test]
fn a_peer_that_hangs_up_leaves_nothing_behind() -> Proof {
    let server = Server::start(example("poll_loop"))?;
    let folder = tempfile::tempdir()?;
    let large = folder.path().join("large");
    fs::File::create(&large)?.set_len(64 << 20)?;
    for _ in 0..8 {
        server
            .peer()?
            .say(&format!("GET {} 0 10", large.display()))?;
    }
    let mut stays = server.peer()?;
    stays.say("WITHIN 60000")?;
    stays.say(&format!("GET {} 0 3", large.display()))?;
    stays.say("nonsense")?;
    assert_eq!(stays.hear()?, Ok(Vec::new()));
    assert_eq!(stays.hear()?, Ok(vec![0; 3]));
    assert!(stays.hear()?.is_err());
    says(&server.quit()?, "abandoned: 0");
    Ok(())
}

/// G2, G3, R10: what the ring stages and what it reads from the disk is what std reads, and a cancel
/// waits for the kernel where the caller does not.
#[test]
fn the_ring_reads_what_std_reads() -> Proof {
    let Some(text) = ring_shows(&[])? else {
        println!("skipped: no io_uring here");
        return Ok(());
    };
    says(&text, " read from memory: equal\n");
    says(&text, " read from the disk, through the ring: equal\n");
    says(
        &text,
        "cancelled: Some(Failed { fault: Cancelled, done: Unknown }), 1 call under way\n",
    );
    says(&text, "then its calls ended, 1 surplus\n");
    says(&text, ", Synced: equal\n");
    says(&text, "abandoned: 0");
    Ok(())
}

/// G11: empty files, files of several chunks and files named twice are staged; a pipe without a
/// writer, a folder, a device and a missing name are told apart, and nothing waits for them.
#[test]
fn the_ring_tells_apart_what_it_cannot_stage() -> Proof {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("empty"), [])?;
    let long: Vec<u8> = (0..20u32 << 20)
        .map(|byte| (byte ^ (byte >> 11)) as u8)
        .collect();
    fs::write(at("long"), long)?;
    mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let named = [
        at("empty"),
        at("long"),
        at("long"),
        at("pipe"),
        at("none"),
        at(""),
    ];
    let mut args: Vec<&OsStr> = named.iter().map(|path| path.as_os_str()).collect();
    args.push("/dev/null".as_ref());
    let Some(text) = ring_shows(&args)? else {
        println!("skipped: no io_uring here");
        return Ok(());
    };
    says(
        &text,
        "pipe: Failed { fault: NotAFile(Fifo), done: Nothing }\n",
    );
    says(&text, "none: Failed { fault: Os(2), done: Nothing }\n");
    says(
        &text,
        "/: Failed { fault: NotAFile(Directory), done: Nothing }\n",
    );
    says(
        &text,
        "/dev/null: Failed { fault: NotAFile(Device), done: Nothing }\n",
    );
    says(&text, "3 of 7 files staged: 41943040 bytes");
    says(&text, "3 of 3 read from memory: equal\n");
    says(
        &text,
        "3 of 3 read from the disk, through the ring: equal\n",
    );
    Ok(())
}

/// A system without a ring is no failure: one line says so.
#[test]
fn the_ring_says_where_there_is_none() -> Proof {
    for refusal in ["ENOSYS", "EPERM"] {
        let refused = format!("io_uring_setup:error={refusal}");
        let Some(mut example) = example_where(&refused, "uring_loop") else {
            return Ok(());
        };
        let text = shown(example.output()?)?;
        assert!(
            text.starts_with("io_uring is not to be had here: "),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    Ok(())
}
