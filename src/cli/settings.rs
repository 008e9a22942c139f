//! The settings file: profiles, each a key and where it belongs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, Kind};
use revrag::Secret;

/// The settings of a folder. It belongs to whoever wrote the folder, so it may hold nothing that says
/// where a key goes.
const FOLDERS_OWN: &str = "revrag.toml";

/// A key, and where it belongs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    #[serde(default, deserialize_with = "secret")]
    pub(super) api_key: Option<Secret>,
    pub(super) base_url: Option<String>,
    pub(super) campaign_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) webhook_secret: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) proxy: Option<Secret>,
    pub(super) ca_bundle: Option<PathBuf>,
    pub(super) timeout: Option<f64>,
}

impl Profile {
    fn has_secret(&self) -> bool {
        self.api_key.is_some() || self.webhook_secret.is_some() || self.proxy.is_some()
    }
}

/// What the user's file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The profile that is taken where none is named.
    profile: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// What a folder's file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    profile: Option<String>,
    campaign_id: Option<String>,
}

/// The settings that hold for this call.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) profile: Profile,
    /// The profile's name, if one was taken.
    pub(super) name: Option<String>,
    /// Whether it was named on the command line: then it goes before the environment.
    pub(super) is_asked_for: bool,
    /// The campaign of this folder.
    pub(super) folder_campaign: Option<String>,
}

impl Chosen {
    /// Reads the files, and chooses the profile: the one named on the command line, in `REVRAG_PROFILE`, in
    /// the folder's file, in the user's own, or `default` where there is one.
    pub(super) fn load(asked: Option<&str>) -> Result<Self, Failure> {
        let path = path();
        let settings: Settings = match &path {
            Some(path) => read(path)?.unwrap_or_default(),
            None => Settings::default(),
        };
        let folder: Folder = read_folder(Path::new(FOLDERS_OWN))?.unwrap_or_default();
        let named = [
            (asked.map(str::to_owned), "--profile"),
            (variable("REVRAG_PROFILE"), "REVRAG_PROFILE"),
            (folder.profile, FOLDERS_OWN),
            (settings.profile, "profile"),
        ];
        let named = named.into_iter().find_map(|(name, place)| Some((name?, place)));
        let folder_campaign = folder.campaign_id;
        let is_asked_for = asked.is_some();
        let mut profiles = settings.profiles;
        let Some((name, place)) = named else {
            let name = profiles.contains_key("default").then(|| "default".to_owned());
            let profile = profiles.remove("default").unwrap_or_default();
            return Ok(Self { profile, name, is_asked_for, folder_campaign });
        };
        let Some(profile) = profiles.remove(&name) else {
            let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
            let file = path.map_or_else(String::new, |path| path.display().to_string());
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let problem = format!("there is no profile {name:?} in {file}; it has {known}");
            return Err(Failure::Told(Kind::Usage, format!("{place}: {problem}")));
        };
        Ok(Self { profile, name: Some(name), is_asked_for, folder_campaign })
    }
}

/// Where the user's file is: `REVRAG_CONFIG`, or in the folder of settings.
pub(super) fn path() -> Option<PathBuf> {
    if let Some(path) = variable("REVRAG_CONFIG") {
        return Some(path.into());
    }
    let folder = if cfg!(windows) {
        PathBuf::from(variable("APPDATA")?)
    } else if let Some(folder) = variable("XDG_CONFIG_HOME") {
        PathBuf::from(folder)
    } else {
        PathBuf::from(variable("HOME")?).join(".config")
    };
    Some(folder.join("revrag").join("config.toml"))
}

/// An environment variable; none where it is empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads the user's file, if there is one and it is nobody else's to read.
fn read(path: &Path) -> Result<Option<Settings>, Failure> {
    let Some((text, mode)) = text_of(path)? else { return Ok(None) };
    let settings: Settings = parse(path, &text)?;
    let has_secret = settings.profiles.values().any(Profile::has_secret);
    if has_secret && mode & 0o077 != 0 {
        let path = path.display();
        let problem = format!(
            "{path}: it holds a key, and others may read it (mode {:03o}); chmod 600 {path}",
            mode & 0o777
        );
        return Err(Failure::Told(Kind::Usage, problem));
    }
    Ok(Some(settings))
}

fn read_folder(path: &Path) -> Result<Option<Folder>, Failure> {
    let Some((text, _)) = text_of(path)? else { return Ok(None) };
    parse(path, &text).map(Some)
}

/// What a file holds, and what others may do with it.
fn text_of(path: &Path) -> Result<Option<(String, u32)>, Failure> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(path, &error)),
    };
    let mut text = String::new();
    let read = file.read_to_string(&mut text).and_then(|_| file.metadata());
    let metadata = read.map_err(|error| Failure::file(path, &error))?;
    Ok(Some((text, mode_of(&metadata))))
}

#[cfg(unix)]
fn mode_of(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

#[cfg(not(unix))]
fn mode_of(_: &std::fs::Metadata) -> u32 {
    0
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        // Its own text shows the line, and with it what may be a key.
        let line = error.span().map_or(1, |span: Range<usize>| {
            text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
        });
        let said = error.message();
        let advice = if path == Path::new(FOLDERS_OWN) {
            format!(
                ". A {FOLDERS_OWN} comes with its folder: it may name a campaign and a profile, and no key, \
                 nor where one goes"
            )
        } else {
            String::new()
        };
        let problem = format!("{}, line {line}: {said}{advice}", path.display());
        Failure::Told(Kind::Usage, problem)
    })
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    // What is wrong with it is told without it.
    match toml::Value::deserialize(from)? {
        toml::Value::String(text) => Ok(Some(Secret::new(text))),
        _ => Err(serde::de::Error::custom("it must be text in quotes")),
    }
}

/// Whether a text can be a settings file.
#[cfg(test)]
pub(super) fn check(text: &str) -> Result<(), Failure> {
    parse::<Settings>(Path::new("config.toml"), text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T: DeserializeOwned + std::fmt::Debug>(path: &str, text: &str) -> String {
        match parse::<T>(Path::new(path), text).unwrap_err() {
            Failure::Told(Kind::Usage, text) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn an_unknown_key_names_its_line_and_no_secret() {
        let text = "[profiles.a]\napi_key = \"s3cret\"\napi_kye = \"s3cret\"\n";
        let told = told::<Settings>("config.toml", text);
        assert!(told.starts_with("config.toml, line 3: unknown field `api_kye`"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }

    #[test]
    fn no_value_of_a_wrong_type_is_repeated() {
        for text in ["[profiles.a]\napi_key = 123456789\n", "[profiles.a]\napi_key = \"s3cret\n"] {
            let told = told::<Settings>("config.toml", text);
            assert!(!told.contains("123456789") && !told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn a_folder_says_nothing_of_keys() {
        for line in ["api_key = \"s3cret\"", "base_url = \"https://elsewhere.example\""] {
            let told = told::<Folder>(FOLDERS_OWN, line);
            assert!(told.contains("line 1") && told.contains("no key"), "{told}");
        }
    }
}
