//! Which addresses may be listened on (T1).

use std::net::SocketAddr;

/// An address that others could reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "won't listen on {address}: without TLS and caller identity only loopback is safe; \
     use a loopback address such as 127.0.0.1:{port} or [::1]:{port}",
    port = address.port()
)]
pub struct NotLoopback {
    /// The address refused.
    pub address: SocketAddr,
}

/// Lets loopback addresses pass. TLS and caller identity don't exist yet, so nothing else does.
///
/// # Errors
/// When another machine could connect to `address`.
pub fn check(address: SocketAddr) -> Result<(), NotLoopback> {
    if address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(NotLoopback { address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t1_only_loopback_addresses_pass() {
        for loopback in [
            "127.0.0.1:0",
            "127.8.8.8:50051",
            "[::1]:50051",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(check(loopback.parse().unwrap()), Ok(()), "{loopback}");
        }
        for open in [
            "0.0.0.0:50051",
            "[::]:50051",
            "10.0.0.1:1",
            "[::ffff:10.0.0.1]:1",
        ] {
            let message = check(open.parse().unwrap()).unwrap_err().to_string();
            assert!(
                message.contains("loopback") && message.contains("TLS"),
                "{message}"
            );
        }
    }
}
