//! A peer that asks for a few things, and shows what came.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::{env, fs, fs::File, path::Path, process};

struct Asker {
    socket: BufReader<TcpStream>,
}

pub(crate) fn ask_for_a_few(server: SocketAddr) -> io::Result<()> {
    let socket = BufReader::new(TcpStream::connect(server)?);
    let mut asker = Asker { socket };
    let holes = env::temp_dir().join(format!("staging-poll-loop-{}", process::id()));
    let asked = asker.ask_for_a_few(&holes);
    asker.say("QUIT")?;
    fs::remove_dir_all(holes)?;
    asked
}

impl Asker {
    fn ask_for_a_few(&mut self, holes: &Path) -> io::Result<()> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = here.join("Cargo.toml");
        // They take no room on the disk. One of them fits into the budget.
        let (large, vast) = (holes.join("large"), holes.join("vast"));
        fs::create_dir(holes)?;
        File::create(&large)?.set_len(128 << 20)?;
        File::create(&vast)?.set_len(1 << 30)?;

        self.get("loaded, and read from memory", &manifest, 0, 40)?;
        self.get("again: it is still there", &manifest, 10, 22)?;
        self.get("beyond the end", &manifest, 1 << 40, 40)?;
        let notes = holes.join("notes");
        self.add("created, and written", &notes, "one,")?;
        self.add("appended", &notes, "two")?;
        self.get("what was written", &notes, 0, 40)?;
        self.get("missing", &here.join("no such file"), 0, 40)?;
        self.get("not a file", here, 0, 40)?;
        self.get("over the budget, so from the disk", &vast, 1 << 29, 4)?;
        self.say("WITHIN 1")?;
        // The answer comes while the call goes on. What that brings drops when it ends.
        self.get("too large to come so soon", &large, 0, 4)?;
        self.say("WITHIN 5000")?;
        self.get("and nothing is stuck", &manifest, 0, 9)?;
        self.say("STAT")
    }

    fn add(&mut self, what: &str, path: &Path, text: &str) -> io::Result<()> {
        print!("{what}: ");
        self.say(&format!("ADD {} {text}", path.display()))
    }

    fn get(&mut self, what: &str, path: &Path, offset: u64, len: u64) -> io::Result<()> {
        print!("{what}: ");
        self.say(&format!("GET {} {offset} {len}", path.display()))
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.socket
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())?;
        let mut heard = String::new();
        self.socket.read_line(&mut heard)?;
        let heard = heard.trim_end();
        let len = heard.strip_prefix("OK ").and_then(|len| len.parse().ok());
        let mut bytes = vec![0; len.unwrap_or(0)];
        self.socket.read_exact(&mut bytes)?;
        let word = line.split(' ').next().unwrap_or_default();
        println!("{word} -> {heard} {:?}", String::from_utf8_lossy(&bytes));
        Ok(())
    }
}
