//! rustls between a connection and what carries it.
//!
//! Two locks, both corio's, since certificates are looked up and verified by the user's code, which
//! may wait: `session` is rustls's state, held while it works and not while the transport waits;
//! `incoming` is the turn to read, held all the time. So a reader that waits keeps no writer.
//!
//! What comes from the transport goes to `incoming` first. A read that is cancelled, wherever that
//! is, loses nothing.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;

use corio_futures::{Lock, LockGuard, Result};
use rustls::pki_types::CertificateDer;
use rustls::{Connection, ProtocolVersion, SupportedCipherSuite};

use super::HandshakeFailed;
use crate::streams::Transport;
use crate::streams::buffer::Buffer;

/// TLS as a [`Transport`] over another one.
///
/// Reached by [`StreamWriter::transport`](crate::StreamWriter::transport) and
/// [`TlsStream::transport`](super::TlsStream::transport), to ask what was agreed upon. asyncio's
/// `get_extra_info("ssl_object")`.
pub struct TlsTransport {
    below: Rc<dyn Transport>,
    session: Lock<Connection>,
    incoming: Lock<Incoming>,
    /// By this end, both ways.
    shut_down: Cell<bool>,
}

/// What the peer has sent and rustls has not seen.
struct Incoming {
    bytes: Buffer,
    ended: bool,
    /// Why nothing more will be understood.
    failed: Option<rustls::Error>,
}

impl TlsTransport {
    /// Shakes hands. `ahead` is what has been read from the transport already.
    #[track_caller]
    pub(super) fn start(
        below: Rc<dyn Transport>,
        session: Connection,
        ahead: Buffer,
    ) -> Result<Self> {
        let incoming = Incoming { bytes: ahead, ended: false, failed: None };
        let transport = Self {
            below,
            session: Lock::new(session),
            incoming: Lock::new(incoming),
            shut_down: Cell::new(false),
        };
        transport.shake_hands()?;
        Ok(transport)
    }

    #[track_caller]
    fn shake_hands(&self) -> Result<()> {
        let mut incoming = self.incoming.lock()?;
        loop {
            self.wait_writable()?;
            if !self.session()?.is_handshaking() {
                return Ok(());
            }
            if incoming.ended {
                let message = "the peer hung up during the TLS handshake";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message).into());
            }
            self.receive(&mut incoming).map_err(|error| match &incoming.failed {
                Some(error) => HandshakeFailed { error: error.clone() }.into(),
                None => corio_futures::Error::from(error),
            })?;
        }
    }

    #[track_caller]
    fn session(&self) -> Result<LockGuard<'_, Connection>> {
        self.session.try_lock().map_or_else(|| self.session.lock(), Ok)
    }

    /// Has rustls see some of what the peer has sent, waiting if there is nothing.
    #[track_caller]
    fn receive(&self, incoming: &mut Incoming) -> io::Result<()> {
        if let Some(error) = &incoming.failed {
            return Err(invalid(error.clone()));
        }
        if incoming.bytes.is_empty() && !incoming.ended {
            let count = self.below.read(incoming.bytes.room())?;
            incoming.bytes.advance(count);
            incoming.ended = count == 0;
        }
        let mut session = self.session()?;
        // No bytes are how rustls learns of the end.
        let count = session.read_tls(&mut incoming.bytes.filled())?;
        incoming.bytes.consume(count);
        let processed = session.process_new_packets();
        // An answer, or an alert. If it cannot be sent now, it goes ahead of what is written next.
        let _ = self.send(&mut session);
        match processed {
            Ok(_) => Ok(()),
            Err(error) => Err(invalid(incoming.failed.insert(error).clone())),
        }
    }

    /// What rustls has for the user: `None` if it must see more first.
    #[track_caller]
    fn take(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.session()?.reader().read(buffer) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // Whoever shuts a connection down expects to see its end.
            Err(_) if self.shut_down.get() => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }

    /// Passes on what rustls has for the peer. Says whether that was all; it does not wait.
    fn send(&self, session: &mut Connection) -> io::Result<bool> {
        while session.wants_write() {
            match session.write_tls(&mut Below(&*self.below)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// A server sends tickets for later connections, which a client that only writes has never read.
    /// Left unread, they would have the system reset the connection, and what the client wrote with
    /// it.
    ///
    /// Not to be done when what is below is shut down: then the system does not tell a peer that
    /// waits for room that there is some, and a peer which does not send is not told that nobody
    /// listens any more. It would wait for minutes.
    fn read_what_is_left(&self) {
        let mut buffer = [0; 4 * 1024];
        for _ in 0..MOST_UNREAD / buffer.len() {
            if !matches!(self.below.try_read(&mut buffer), Ok(1..)) {
                break;
            }
        }
    }

    /// What carries the connection, if it is a `T`.
    pub fn below<T: Transport>(&self) -> Option<Rc<T>> {
        let below: Rc<dyn std::any::Any> = self.below.clone();
        below.downcast().ok()
    }

    /// The protocol that is spoken over this connection, if the two ends have agreed on one (ALPN),
    /// as `b"h2"`. asyncio's `selected_alpn_protocol`.
    ///
    /// This and what follows is `None` also while rustls is at work for another task.
    pub fn alpn_protocol(&self) -> Option<Vec<u8>> {
        self.session.try_lock()?.alpn_protocol().map(<[u8]>::to_vec)
    }

    /// The certificates of the peer, its own first. asyncio's `get_extra_info("peercert")`.
    pub fn peer_certificates(&self) -> Option<Vec<CertificateDer<'static>>> {
        self.session.try_lock()?.peer_certificates().map(<[_]>::to_vec)
    }

    /// The version of TLS.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.session.try_lock()?.protocol_version()
    }

    /// The cipher suite. asyncio's `get_extra_info("cipher")`.
    pub fn cipher_suite(&self) -> Option<SupportedCipherSuite> {
        self.session.try_lock()?.negotiated_cipher_suite()
    }
}

impl Transport for TlsTransport {
    #[track_caller]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut incoming = self.incoming.lock()?;
        loop {
            match self.take(buffer)? {
                Some(count) => return Ok(count),
                None => self.receive(&mut incoming)?,
            }
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Some(mut session) = self.session.try_lock() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        // Rather than to pile up what is encrypted, and cannot be taken back.
        if !self.send(&mut session)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = session.writer().write(bytes)?;
        self.send(&mut session)?;
        Ok(count)
    }

    #[track_caller]
    fn wait_writable(&self) -> io::Result<()> {
        loop {
            let mut session = self.session()?;
            let sent = self.send(&mut session)?;
            drop(session);
            if sent && !self.below.has_unsent() {
                return Ok(());
            }
            self.below.wait_writable()?;
        }
    }

    fn has_unsent(&self) -> bool {
        // If the session is at work, whoever waits for it will see.
        self.session.try_lock().is_none_or(|session| session.wants_write())
            || self.below.has_unsent()
    }

    fn say_goodbye(&self) {
        let Some(mut session) = self.session.try_lock() else { return };
        session.send_close_notify();
        // The peer may be gone, which is all the same by now.
        if matches!(self.send(&mut session), Ok(true)) {
            drop(session);
            self.below.say_goodbye();
        }
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match how {
            // TLS's own end is all that the peer needs; what is below stays open for what comes.
            Shutdown::Write => {
                if let Some(mut session) = self.session.try_lock() {
                    session.send_close_notify();
                    self.send(&mut session)?;
                }
                Ok(())
            }
            Shutdown::Read => self.below.shutdown(how),
            Shutdown::Both => {
                self.shut_down.set(true);
                self.read_what_is_left();
                self.below.shutdown(how)
            }
        }
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.below.peer_addr()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.below.local_addr()
    }
}

impl Drop for TlsTransport {
    fn drop(&mut self) {
        if !self.shut_down.get() {
            self.read_what_is_left();
        }
    }
}

/// Who has this much more to say is cut short.
const MOST_UNREAD: usize = 64 * 1024;

/// What rustls writes to.
struct Below<'a>(&'a dyn Transport);

impl Write for Below<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsTransport").field(&self.below).finish()
    }
}
