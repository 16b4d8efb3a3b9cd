//! Servers that speak TLS.

use std::sync::Arc;
use std::time::Duration;

use corio_futures::Result;
use rustls::{ServerConfig, ServerConnection};

use crate::{StreamReader, StreamWriter, timeout};

/// How long a client may take to shake hands. asyncio's figure.
const LIMIT: Duration = Duration::from_secs(60);

/// Makes `handler` one that speaks TLS, for [`start_server`](crate::start_server) and the others of
/// its kind. asyncio's `start_server(…, ssl=context)`.
///
/// The handshake takes place in the task of the connection, so a client that is slow at it keeps
/// nobody; after a minute it has failed. One that fails is reported, as a handler that does.
///
/// # Examples
///
/// ```no_run
/// use std::sync::Arc;
///
/// use corio::tls::{self, rustls::ServerConfig};
/// use corio::{StreamReader, StreamWriter, start_server};
///
/// fn shout(mut reader: StreamReader, writer: StreamWriter) -> corio::Result<()> {
///     for line in reader.lines() {
///         writer.write(format!("{}!\n", line?.to_uppercase()))?;
///     }
///     Ok(())
/// }
///
/// # fn serve(config: Arc<ServerConfig>) -> corio::Result<()> {
/// let server = start_server(tls::secure(config, shout), "0.0.0.0:8443")?;
/// server.serve_forever()
/// # }
/// ```
pub fn secure<H>(
    config: Arc<ServerConfig>,
    handler: H,
) -> impl Fn(StreamReader, StreamWriter) -> Result<()>
where
    H: Fn(StreamReader, StreamWriter) -> Result<()>,
{
    move |mut reader, writer| {
        let session = ServerConnection::new(Arc::clone(&config))?;
        timeout(LIMIT, || writer.start_tls(&mut reader, session))?;
        handler(reader, writer)
    }
}
