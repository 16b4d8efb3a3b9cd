//! What `docs/` says about the tests, and where its links lead.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages of the book, relative to `docs/`, without its table of contents.
fn pages() -> BTreeSet<String> {
    let docs = root().join("docs");
    let mut pages = BTreeSet::new();
    let mut folders = vec![docs.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("docs/ is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let page = path.strip_prefix(&docs).expect("it is below");
                pages.insert(page.to_str().expect("it is text").replace('\\', "/"));
            }
        }
    }
    assert!(pages.remove("SUMMARY.md"), "the book has no table of contents");
    pages
}

/// The file that a name in a table of tests leads to, and the test's own name, if it is in there.
fn place_of(name: &str) -> (PathBuf, Option<&str>) {
    let (module, test) = name.split_once("::").expect("only names with a module are looked up");
    let path = match (module, module.split_once('/')) {
        ("compile_fail", _) => return (root().join(format!("tests/compile_fail/{test}.rs")), None),
        ("ctrl_c", _) => "tests/ctrl_c.rs".to_owned(),
        (_, Some(("futures", module))) => format!("crates/futures/tests/it/{module}.rs"),
        (_, Some(("sync", module))) => format!("crates/futures/tests/sync/{module}.rs"),
        (_, Some(("coroutine", module))) => format!("crates/coroutine/tests/it/{module}.rs"),
        (_, Some(("signals", module))) => format!("tests/signals/{module}.rs"),
        _ => format!("tests/it/{module}.rs"),
    };
    (root().join(path), Some(test))
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let mut missing = Vec::new();
    for page in ["semantics.md", "deviations.md"] {
        let text = read(&root().join("docs").join(page));
        let rows = text.lines().filter(|line| line.starts_with('|'));
        let quoted = rows.filter_map(|row| row.trim_end_matches('|').rsplit_once(" | "));
        let quoted = quoted.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2));
        for name in quoted.filter(|name| name.contains("::")) {
            let (file, test) = place_of(name);
            let source = fs::read_to_string(&file);
            let there = source.is_ok_and(|source| {
                test.is_none_or(|test| source.contains(&format!("fn {test}(")))
            });
            if !there {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents_and_its_snippets_are_run() {
    let contents = read(&root().join("docs/SUMMARY.md"));
    let listed: Vec<String> = links(&contents);
    let run = read(&root().join("tests/src/book.rs"));
    for page in pages() {
        let times = listed.iter().filter(|listed| **listed == page).count();
        assert_eq!(times, 1, "{page} in SUMMARY.md");
        assert!(run.contains(&format!(": \"{page}\"")), "{page} is not in tests/src/book.rs");
    }
}

#[test]
fn the_table_of_contents_calls_each_page_by_its_title() {
    let docs = root().join("docs");
    let contents = read(&docs.join("SUMMARY.md"));
    for page in pages() {
        let title = headings(&read(&docs.join(&page))).remove(0);
        assert!(contents.contains(&format!("[{title}]({page})")), "{page}: {title}");
    }
}

/// The files below `folder` in which there is a line of `unsafe`, relative to it.
fn unsafe_files(folder: &Path) -> BTreeSet<String> {
    let forms = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"];
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).expect("it is a folder") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = read(&path);
            let mut code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            if code.any(|line| forms.iter().any(|form| line.contains(form))) {
                let file = path.strip_prefix(folder).expect("it is below");
                files.insert(file.to_str().expect("it is text").replace('\\', "/"));
            }
        }
    }
    files
}

#[test]
fn unsafe_code_is_where_the_architecture_says_and_nowhere_else() {
    let text = read(&root().join("docs/architecture.md"));
    let (_, table) = text.split_once("## Where `unsafe` is").expect("there is a list");
    let mut listed = BTreeSet::new();
    let mut folder = "";
    for row in table.lines().skip_while(|line| !line.starts_with("|--")).skip(1) {
        let mut columns = row.split('|').skip(1);
        let (Some(name), Some(files)) = (columns.next(), columns.next()) else { break };
        if let Some(name) = name.split('`').nth(1) {
            folder = name.strip_prefix("corio-").unwrap_or(name);
        }
        let files = files.split('`').skip(1).step_by(2);
        listed.extend(files.map(|file| format!("{folder}/{file}")));
    }
    let mut there = BTreeSet::new();
    for name in ["corio", "coroutine", "futures", "reactor"] {
        let files = unsafe_files(&root().join("crates").join(name).join("src"));
        there.extend(files.into_iter().map(|file| format!("{name}/{file}")));
    }
    assert_eq!(listed, there);
}

/// The text without its blocks and spans of code, which may look like anything.
fn prose(text: &str) -> String {
    let mut in_block = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// Where the links and pictures of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let references = prose.lines().filter(|line| line.starts_with('['));
    let references = references.filter_map(|line| Some(line.split_once("]: ")?.1.trim()));
    inline.chain(references).map(str::to_owned).collect()
}

fn headings(text: &str) -> Vec<String> {
    let mut in_block = false;
    let lines = text.lines().filter(|line| {
        in_block ^= line.starts_with("```");
        !in_block && line.starts_with('#')
    });
    lines.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
}

/// What a heading is called in a link, on GitHub and in mdBook.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    letters.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_relative_link_leads_somewhere() {
    let root = root();
    let mut files: Vec<String> = pages().into_iter().map(|page| format!("docs/{page}")).collect();
    files.extend(["docs/SUMMARY.md", "README.md", "CHANGELOG.md"].map(str::to_owned));
    for entry in fs::read_dir(root.join("crates")).expect("crates/ is there") {
        let name = entry.expect("it can be read").file_name();
        files.push(format!("crates/{}/README.md", name.display()));
    }
    let mut broken = Vec::new();
    for file in &files {
        let path = root.join(file);
        let text = read(&path);
        for link in links(&text) {
            let is_item = file.starts_with("crates/") && !link.contains(['/', '.', '#']);
            if is_item || link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (target, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = match target {
                "" => path.clone(),
                target => path.parent().expect("it is in a folder").join(target),
            };
            let leads = target.exists()
                && (fragment.is_empty()
                    || headings(&read(&target)).iter().any(|heading| anchor(heading) == fragment));
            // The book consists of what is in docs/.
            let docs = root.join("docs").canonicalize().expect("docs/ is there");
            let stays = !file.starts_with("docs/")
                || target.canonicalize().is_ok_and(|target| target.starts_with(&docs));
            if !leads || !stays {
                broken.push(format!("{file}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
