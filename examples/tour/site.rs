//! A folder as a web site: files as they are, folders as lists of links.
//!
//! Nothing outside the folder is ever served, whatever `..`, `%2e%2e` or a symbolic link may say.
//! The folder is local, and looked at on the loop's thread with `std::fs`: each call is short.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::percent;
use crate::response::{Response, Status};

/// Folders that are no part of the site: large, and of interest to tools only.
const SKIPPED: [&str; 2] = [".git", "target"];

pub struct Site {
    root: PathBuf,
}

impl Site {
    pub fn open(folder: &Path) -> io::Result<Self> {
        let root = folder.canonicalize().and_then(|root| root.read_dir().map(|_| root));
        let context = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", folder.display()));
        Ok(Self { root: root.map_err(context)? })
    }

    /// What there is at the target of a request.
    pub fn get(&self, target: &str) -> Response {
        self.find(target).unwrap_or_else(Response::plain)
    }

    fn find(&self, target: &str) -> Result<Response, Status> {
        let path = percent::decode(path_of(target)).ok_or(Status::BAD_REQUEST)?;
        let names = names(&path)?;
        let place = self.root.join(names.join("/")).canonicalize();
        let place = place.map_err(|_| Status::NOT_FOUND)?;
        if !place.starts_with(&self.root) {
            return Err(Status::FORBIDDEN);
        }
        let metadata = place.metadata().map_err(status_of)?;
        if metadata.is_dir() && !path.ends_with('/') {
            return Ok(moved_to_folder(&names));
        }
        if metadata.is_dir() {
            let title = format!("/{}", names.join("/"));
            return list(&place, &title).map(Response::page).map_err(status_of);
        }
        // Opening anything but a file may block: a named pipe does.
        if !metadata.is_file() || path.ends_with('/') {
            return Err(Status::NOT_FOUND);
        }
        let file = File::open(&place).map_err(status_of)?;
        Ok(Response::new(kind_of(&place), metadata.len(), file))
    }
}

/// The path in a target, which may be a whole URL and may have a query.
fn path_of(target: &str) -> &str {
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => target,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}

/// The names that a path consists of, if it leads nowhere but down.
fn names(path: &str) -> Result<Vec<&str>, Status> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(Status::BAD_REQUEST);
    }
    let mut names = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.extend(name.to_str()),
            Component::ParentDir | Component::Prefix(_) => return Err(Status::FORBIDDEN),
        }
    }
    match names.iter().any(|name| SKIPPED.contains(name)) {
        true => Err(Status::NOT_FOUND),
        false => Ok(names),
    }
}

/// Why something that exists cannot be served.
fn status_of(error: io::Error) -> Status {
    match error.kind() {
        io::ErrorKind::NotFound => Status::NOT_FOUND,
        io::ErrorKind::PermissionDenied => Status::FORBIDDEN,
        // Such as too many open files: later there may be fewer.
        _ => Status::UNAVAILABLE,
    }
}

/// Relative links only work in a folder whose path ends in a slash.
fn moved_to_folder(names: &[&str]) -> Response {
    let encoded: Vec<_> = names.iter().map(|name| percent::encode_name(name)).collect();
    Response::plain(Status::MOVED).field("Location", &format!("/{}/", encoded.join("/")))
}

/// The page of a folder.
///
/// Symbolic links are not listed: they may lead in circles. Neither are names that are not
/// Unicode.
fn list(folder: &Path, title: &str) -> io::Result<String> {
    let mut links = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if SKIPPED.contains(&name.as_str()) || !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        let slash = if kind.is_dir() { "/" } else { "" };
        let href = percent::encode_name(&name);
        links.push(format!("<li><a href=\"{href}{slash}\">{}{slash}</a>\n", escape(&name)));
    }
    links.sort();
    let title = escape(title);
    let links = links.concat();
    Ok(format!("<!DOCTYPE html>\n<title>{title}</title>\n<h1>{title}</h1>\n<ul>\n{links}</ul>\n"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn kind_of(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "lock" | "md" | "rs" | "toml" | "txt" | "yml" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
