//! Whom a client trusts: the platform's store, `SSL_CERT_FILE`, and `ca_bundle`.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::{Error, Result};

/// The certificates to trust beside the platform's: those of `ca_bundle` and of the file that
/// `SSL_CERT_FILE` names.
pub(super) fn extra_roots(
    ca_bundle: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<CertificateDer<'static>>> {
    let mut roots = Vec::new();
    if let Some(path) = ca_bundle {
        roots.extend(read("ca_bundle", path)?);
    }
    if let Some(path) = env("SSL_CERT_FILE") {
        roots.extend(read("SSL_CERT_FILE", Path::new(&path))?);
    }
    Ok(roots)
}

fn read(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let refuse = |problem: String| Error::invalid(name, format!("{}: {problem}", path.display()));
    let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let roots = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| refuse(format!("not a file of PEM certificates ({error})")))?;
    if roots.is_empty() {
        return Err(refuse("it holds no PEM certificate".to_owned()));
    }
    Ok(roots)
}

/// The TLS side of a client that trusts the platform and `extra_roots`.
pub(super) fn client_config(extra_roots: &[CertificateDer<'static>]) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots.iter().cloned(), provider.clone())
        .map_err(|error| {
            Error::invalid("ca_bundle", format!("a certificate can't be used: {error}"))
        })?;
    Ok(builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The TLS side of a client that speaks plain HTTP only: it trusts nobody, and loads nothing.
pub(super) fn no_config() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(builder(provider)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

fn builder(
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid("TLS", error.to_string()))
}
