//! What goes wrong before a connection is there.

/// The two ends could not agree, or one does not trust the other.
///
/// The [`rustls::Error`] within is what
/// [`Error::downcast_ref`](crate::Error::downcast_ref) finds as well. What becomes of the connection
/// below TLS, such as a reset, is no error of this type.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the TLS handshake failed: {error}")]
pub struct HandshakeFailed {
    /// Why.
    #[source]
    pub error: rustls::Error,
}
