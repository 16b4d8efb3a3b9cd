//! Go's net/http: a program of its own, built when it is needed.

use std::{env, fs, io, path::PathBuf, process::Command};

use crate::{echo::servers::Server, harness::Result};

/// The built program, removed when this is dropped.
pub(super) struct Program {
    folder: PathBuf,
}

impl Program {
    /// # Errors
    ///
    /// Why it cannot be built here.
    pub(super) fn build() -> Result<Self> {
        let folder = env::temp_dir().join(format!("corio-bench-go-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let program = Self { folder };
        let source = program.folder.join("server.go");
        fs::write(&source, include_str!("server.go"))?;
        let mut build = Command::new("go");
        build.arg("build").arg("-o").arg(program.path()).arg(&source);
        let output = build.output().map_err(|error| format!("go: {error}"))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("go build: {}", message.trim())).into());
        }
        Ok(program)
    }

    pub(super) fn server(&self) -> Server {
        Server::file("http", "go", self.path())
    }

    fn path(&self) -> PathBuf {
        self.folder.join("server")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Left there if it cannot be removed: it is a folder for what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
