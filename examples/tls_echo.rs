//! Sends back whatever its clients send, by TLS.
//!
//! `cargo run --release --example tls_echo 127.0.0.1:8443` serves at that address and prints the
//! certificate that it has made for itself, to be given to a client: `openssl s_client -connect
//! 127.0.0.1:8443 -CAfile FILE`. Without an address, the program is a client of its own and ends.

use std::io::{self, Read, Write};
use std::sync::Arc;

use corio::net::TcpStream;
use corio::tls::rustls::pki_types::PrivateKeyDer;
use corio::tls::rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};
use corio::tls::{self, TlsStream};
use corio::{Server, StreamReader, StreamWriter, gather, start_server};

/// A certificate that vouches for itself, and what belongs to it.
struct Identity {
    config: Arc<ServerConfig>,
    certificate: rcgen::Certificate,
}

impl Identity {
    fn new() -> corio::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key =
            PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(corio::Error::msg)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        Ok(Self { config: Arc::new(config), certificate: made.cert })
    }

    /// That of a client that trusts this one, and nobody else.
    fn trusted(&self) -> corio::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone())?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn serve(&self, address: &str) -> corio::Result<Server> {
        start_server(tls::secure(Arc::clone(&self.config), echo), address)
    }
}

fn echo(mut reader: StreamReader, mut writer: StreamWriter) -> corio::Result<()> {
    io::copy(&mut reader, &mut writer)?; // std's own copy
    Ok(())
}

/// One task writes while another reads, over the same stream.
fn talk(stream: &TlsStream, bytes: &[u8]) -> corio::Result<()> {
    let (mut to, mut from) = (stream, stream);
    let mut echoed = Vec::new();
    gather((
        || {
            to.write_all(bytes)?;
            to.write_eof()
        },
        || Ok(from.read_to_end(&mut echoed)?),
    ))?;
    assert!(echoed == bytes);
    Ok(())
}

fn self_test() -> corio::Result<()> {
    let identity = Identity::new()?;
    let server = identity.serve("127.0.0.1:0")?;
    let session = ClientConnection::new(identity.trusted()?, "localhost".try_into()?)?;
    let stream = tls::start_tls(TcpStream::connect(server.local_addr())?, session)?;
    println!("{:?}", stream.transport().protocol_version());
    talk(&stream, &[42; 1_000_000])?;
    println!("a million bytes, there and back");
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| match std::env::args().nth(1).filter(|argument| argument != "--self-test") {
        Some(address) => {
            let identity = Identity::new()?;
            print!("{}", identity.certificate.pem());
            let server = identity.serve(&address)?;
            println!("serving at {}", server.local_addr());
            server.serve_forever()
        }
        None => self_test(),
    })
}
