//! Whom a client trusts: the platform's store or, in its place, `SSL_CERT_FILE`; and `ca_bundle`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::{Error, Result};

/// The certificates to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roots {
    extra: Vec<CertificateDer<'static>>,
    /// Those in the place of the platform's.
    instead: Option<Vec<CertificateDer<'static>>>,
}

impl Roots {
    /// Those of `ca_bundle`, beside those of the file that `SSL_CERT_FILE` names, else the
    /// platform's. Where nothing is encrypted, that file is not read.
    pub(super) fn of(
        ca_bundle: Option<&Path>,
        encrypted: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let extra = ca_bundle.map(|path| read("ca_bundle", path)).transpose()?;
        let file = env("SSL_CERT_FILE").filter(|_| encrypted);
        let instead = file.map(|path| read("SSL_CERT_FILE", Path::new(&path))).transpose()?;
        Ok(Self { extra: extra.unwrap_or_default(), instead })
    }
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

/// The TLS side of a client that trusts `roots`.
pub(super) fn client_config(roots: &Roots) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if let Some(instead) = &roots.instead {
        let mut store = RootCertStore::empty();
        for (name, roots) in [("SSL_CERT_FILE", instead), ("ca_bundle", &roots.extra)] {
            for root in roots {
                store.add(root.clone()).map_err(|error| unfit(name, &error))?;
            }
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
            .build()
            .map_err(|error| Error::invalid("SSL_CERT_FILE", error.to_string()))?
    } else if let Some(platform) = beside_an_empty_variable() {
        let mut store = RootCertStore::empty();
        // What can't be read is passed over, as where the variable is unset.
        store.add_parsable_certificates(platform);
        for root in &roots.extra {
            store.add(root.clone()).map_err(|error| unfit("ca_bundle", &error))?;
        }
        if store.is_empty() {
            return Err(none_to_trust());
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
            .build()
            .map_err(|error| Error::invalid("certificates", error.to_string()))?
    } else {
        let extra = roots.extra.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(extra, provider.clone());
        Arc::new(verifier.map_err(|error| match error {
            rustls::Error::General(_) => none_to_trust(),
            error => unfit("ca_bundle", &error),
        })?)
    };
    Ok(builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn none_to_trust() -> Error {
    Error::invalid(
        "certificates",
        "this machine has none to trust; install its package `ca-certificates`, or name a file of \
         them with ca_bundle=… or SSL_CERT_FILE",
    )
}

/// The platform's certificates, where `SSL_CERT_FILE` is set and empty: as good as unset, but what
/// loads them otherwise would take it for a path.
#[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
fn beside_an_empty_variable() -> Option<Vec<CertificateDer<'static>>> {
    use rustls_native_certs::load_certs_from_paths as load;

    std::env::var_os("SSL_CERT_FILE").filter(|path| path.is_empty())?;
    let folders = std::env::var_os("SSL_CERT_DIR").unwrap_or_default();
    let mut folders: Vec<_> =
        std::env::split_paths(&folders).filter(|path| !path.as_os_str().is_empty()).collect();
    let mut certificates = Vec::new();
    if folders.is_empty() {
        let found = openssl_probe::probe();
        folders = found.cert_dir;
        certificates = load(found.cert_file.as_deref(), None).certs;
    }
    for folder in &folders {
        certificates.extend(load(None, Some(folder)).certs);
    }
    Some(certificates)
}

/// Elsewhere the platform is asked itself.
#[cfg(not(all(unix, not(target_vendor = "apple"), not(target_os = "android"))))]
fn beside_an_empty_variable() -> Option<Vec<CertificateDer<'static>>> {
    None
}

fn unfit(name: &str, error: &rustls::Error) -> Error {
    Error::invalid(name, format!("a certificate can't be used: {error}"))
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
