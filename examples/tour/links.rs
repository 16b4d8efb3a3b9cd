//! The links of a page, found while it is read.

use std::io::{self, BufRead, Read};

use corio_coroutine::Co;

use crate::percent;

/// A tag that is longer is no link of ours.
const MAX_TAG: u64 = 4096;

/// Yields the target of each link in `html`: the body of a generator, which suspends its task when
/// the rest of the page has not arrived yet.
///
/// Good enough for pages that escape `>` where it is no end of a tag.
pub fn find(mut html: impl BufRead, links: &Co<String>) -> io::Result<()> {
    let mut tag = Vec::new();
    while html.skip_until(b'<')? > 0 {
        tag.clear();
        html.by_ref().take(MAX_TAG).read_until(b'>', &mut tag)?;
        if let Some(target) = str::from_utf8(&tag).ok().and_then(target_of) {
            links.yield_(target.replace("&amp;", "&"));
        }
    }
    Ok(())
}

/// The value of `href` in a tag such as `a class="x" href="y">`.
fn target_of(tag: &str) -> Option<&str> {
    let attributes = tag.strip_prefix("a ")?;
    let start = attributes.find("href=\"")? + "href=\"".len();
    attributes[start..].split('"').next()
}

/// The path that a link on the page at `base` leads to; `None` if it leaves the site.
pub fn resolve(base: &str, link: &str) -> Option<String> {
    let link = link.split(['#', '?']).next().filter(|link| !link.is_empty())?;
    let leads_elsewhere = link.starts_with("//") || link.split('/').next()?.contains(':');
    if leads_elsewhere {
        return None;
    }
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if link.starts_with('/') { link.to_owned() } else { format!("{folder}/{link}") };
    Some(percent::encode_path(&without_dots(&path)))
}

/// Walks down and up as `.` and `..` say, and no higher than the root.
fn without_dots(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.trim_start_matches('/').split('/') {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
            }
            name => segments.push(name),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        segments.push("");
    }
    format!("/{}", segments.join("/"))
}
