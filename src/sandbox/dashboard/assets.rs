//! The stylesheet, the script and the icon: each under a name that changes with its content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file, and the name under which a browser may keep it for good.
pub(super) struct Asset {
    pub(super) path: String,
    kind: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, text: &'static str) -> Self {
        let sum = crc32fast::hash(text.as_bytes());
        Self { path: format!("/assets/{name}-{sum:08x}.{ending}"), kind, text }
    }
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "style",
        "css",
        "text/css",
        concat!(include_str!("colours.css"), include_str!("style.css")),
    )
});
pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", "text/javascript", include_str!("live.js")));
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("icon.svg")));

pub(super) async fn file(Path(file): Path<String>) -> Response {
    let assets = [&*STYLE, &*SCRIPT, &*ICON];
    let asked = format!("/assets/{file}");
    let Some(asset) = assets.into_iter().find(|it| it.path == asked) else {
        return (StatusCode::NOT_FOUND, "Not Found").into_response();
    };
    let kind = format!("{}; charset=utf-8", asset.kind);
    let forever = "public, max-age=31536000, immutable".to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, forever)], asset.text).into_response()
}
