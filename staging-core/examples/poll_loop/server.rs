//! The loop: it waits for sockets, for workers and for the machine's time, all in one place.

use super::errands::Errands;
use super::files::Files;
use super::peer::{Line, Peer};
use super::workers::{self, Ended};
use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use staging_core::{Grace, Limits, Report};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc::Receiver};
use std::{collections::HashMap, io};

const LISTENER: Token = Token(0);
const WORKERS: Token = Token(1);
const FIRST_PEER: usize = 2;

pub(crate) struct Server {
    poll: Poll,
    listener: TcpListener,
    peers: HashMap<Token, Peer>,
    /// Tokens are not used again, so a late answer finds its peer or nobody.
    next_peer: usize,
    news: Receiver<Ended>,
    files: Files,
    errands: Errands,
}

impl Server {
    /// Listens on a port that the system chooses, for this host alone.
    pub(crate) fn bind() -> io::Result<Server> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WORKERS)?);
        let (jobs, news) = workers::hire(2, waker);
        let limits = Limits {
            // Files that were served stay in memory for the next who asks, as long as there is room.
            budget: 256 << 20,
            linger: 16 << 20,
            // In one piece, so that a deadline can pass while a worker is deep in a call.
            chunk: 256 << 20,
            ..Limits::default()
        };
        Ok(Server {
            poll,
            listener,
            peers: HashMap::new(),
            next_peer: FIRST_PEER,
            news,
            files: Files::new(limits, jobs),
            errands: Errands::default(),
        })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) fn run(mut self) -> io::Result<Report> {
        let mut events = Events::with_capacity(64);
        loop {
            // 3. Drain, before every wait. An answer may let its peer ask again, and so on.
            while let Some(answer) = self.files.next_answer() {
                if let Some((token, told)) = self.errands.go_on(&mut self.files, answer)
                    && let Some(peer) = self.peers.get_mut(&token)
                {
                    peer.answer(told);
                    self.serve(token);
                }
            }
            if let Some(report) = self.files.report() {
                self.peers
                    .into_values()
                    .for_each(|peer| drop(peer.say_goodbye()));
                return Ok(report);
            }
            // 4. Wait for a completion, a request, or the machine's time, whatever comes first.
            match self.poll.poll(&mut events, self.files.wait()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            // 1. Say what happened.
            self.files.tick();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    // One knock may stand for many, so all there is.
                    WORKERS => self
                        .news
                        .try_iter()
                        .for_each(|ended| self.files.ended(ended)),
                    peer => self.attend(peer, event),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // One that is gone again is no reason to stop.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let token = Token(self.next_peer);
            self.next_peer += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, token, interest)?;
            self.peers.insert(token, Peer::new(stream));
        }
    }

    /// A peer said something, took something, or left.
    fn attend(&mut self, token: Token, event: &Event) {
        let Some(peer) = self.peers.get_mut(&token) else {
            return;
        };
        peer.send();
        let there = !event.is_readable() || peer.hear();
        self.serve(token);
        if !there && let Some(mut gone) = self.peers.remove(&token) {
            let _ = self.poll.registry().deregister(gone.stream());
            self.errands.forget(&mut self.files, token);
        }
    }

    /// Serves the lines of a peer until it waits for an answer, or for us to hear more.
    fn serve(&mut self, token: Token) {
        let Some(peer) = self.peers.get_mut(&token) else {
            return;
        };
        while let Some(line) = peer.next_line() {
            match line {
                Line::Wish { path, wish } => {
                    let (files, patience) = (&mut self.files, peer.patience);
                    match self.errands.begin(files, token, path, wish, patience) {
                        Ok(()) => peer.asking = true,
                        Err(why) => peer.answer(Err(format!("{why:?}"))),
                    }
                }
                Line::Within(patience) => {
                    peer.patience = patience;
                    peer.answer(Ok(Vec::new()));
                }
                Line::Stat => {
                    let stats = self.files.machine().stats();
                    let done = format!("{} of {}", stats.completed, stats.accepted);
                    peer.answer(Ok(done.into_bytes()));
                }
                Line::Quit => self.files.shutdown(Grace::default()),
                Line::Unknown => peer.answer(Err(
                    "GET path offset len, ADD path text, STAT, WITHIN ms or QUIT".into(),
                )),
            }
        }
    }
}
