//! One connection: lines in, bytes out, never waiting for either.

use super::errands::{Told, Wish};
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};
use std::{path::PathBuf, time::Duration};

/// What one peer may have in store here before it is hung up on, in bytes.
const MOST_HEARD: usize = 64 << 10;
/// How much one line may ask for, in bytes.
const MOST_ASKED: u64 = 1 << 20;

pub(crate) struct Peer {
    stream: TcpStream,
    heard: Vec<u8>,
    unsent: Vec<u8>,
    /// How long it waits for an answer.
    pub(crate) patience: Duration,
    /// Whether it waits for one. Its next line waits until it has it, and took it.
    pub(crate) asking: bool,
}

pub(crate) enum Line {
    Wish { path: PathBuf, wish: Wish },
    Stat,
    Within(Duration),
    Quit,
    Unknown,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Peer {
        Peer {
            stream,
            heard: Vec::new(),
            unsent: Vec::new(),
            patience: Duration::from_secs(2),
            asking: false,
        }
    }

    /// Takes what the socket has. The poll tells edges, so all of it. `false`: it hung up.
    pub(crate) fn hear(&mut self) -> bool {
        let mut part = [0; 4096];
        loop {
            match self.stream.read(&mut part) {
                Ok(0) => return false,
                Ok(more) => self.heard.extend_from_slice(&part[..more]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
            if self.heard.len() > MOST_HEARD {
                return false;
            }
        }
    }

    /// The next line that may be served: one at a time, so that a peer who does not listen fills
    /// his own queue and no other.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        if self.asking || !self.unsent.is_empty() {
            return None;
        }
        let end = self.heard.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.heard.drain(..=end).collect();
        Some(parse(String::from_utf8_lossy(&line).trim()).unwrap_or(Line::Unknown))
    }

    pub(crate) fn answer(&mut self, answer: Told) {
        self.asking = false;
        match answer {
            Ok(bytes) => {
                self.unsent.extend(format!("OK {}\n", bytes.len()).bytes());
                self.unsent.extend(bytes);
            }
            Err(why) => self.unsent.extend(format!("NO {why}\n").bytes()),
        }
        self.send();
    }

    /// Gives the socket what it takes. The poll will tell when it takes more.
    pub(crate) fn send(&mut self) {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// The loop is over: here it may block, for as long as a peer may be slow.
    pub(crate) fn say_goodbye(self) -> io::Result<()> {
        let mut stream = std::net::TcpStream::from(self.stream);
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(&self.unsent)?;
        stream.write_all(b"BYE\n")
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

/// The path of a `GET` may hold spaces: it is what stands between the first word and the last two.
fn parse(line: &str) -> Option<Line> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "GET" => {
            let mut words = rest.rsplitn(3, ' ');
            let (len, offset) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let path = words.next()?.into();
            let wish = Wish::Part { offset, len };
            (len <= MOST_ASKED).then_some(Line::Wish { path, wish })
        }
        "ADD" => {
            let (path, text) = rest.split_once(' ')?;
            let (path, wish) = (path.into(), Wish::Appended(text.into()));
            Some(Line::Wish { path, wish })
        }
        "STAT" => Some(Line::Stat),
        "WITHIN" => Some(Line::Within(Duration::from_millis(rest.parse().ok()?))),
        "QUIT" => Some(Line::Quit),
        _ => None,
    }
}
