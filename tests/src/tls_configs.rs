//! A server called `localhost`, and clients that trust it.

use corio::Result;
use corio::tls::rustls::pki_types::PrivateKeyDer;
use corio::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What both ends of a TLS connection need.
#[derive(Clone, Debug)]
pub struct TlsConfigs {
    /// That of the server.
    pub server: ServerConfig,
    /// That of clients.
    pub client: ClientConfig,
}

impl TlsConfigs {
    /// A new certificate, which vouches for itself, and who believes it.
    ///
    /// # Errors
    ///
    /// If there can be none.
    pub fn new() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key =
            PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(corio::Error::msg)?;
        let certificate = made.cert.der();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone())?;
        let server = ServerConfig::builder().with_no_client_auth();
        let client = ClientConfig::builder().with_root_certificates(roots);
        Ok(Self {
            server: server.with_single_cert(vec![certificate.clone()], key)?,
            client: client.with_no_client_auth(),
        })
    }
}
