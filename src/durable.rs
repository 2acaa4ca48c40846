//! Replacing a file whole or not at all, so that neither a crash nor a full disk costs the old one.

use std::fs::{self, File, Metadata};
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Puts a file in the place of `path`.
///
/// The bytes go to a temporary file in the same folder, with a name of its own for each call. When
/// they are on the disk it takes the name `path` in one step, and then the folder goes to the disk
/// as well. Permissions and owner of a file that was there are kept; where `path` is a symbolic
/// link, what it points to is replaced. If anything fails the old file stays and the temporary one
/// is removed; only a process that is killed leaves it, as `.{name}.{random}.tmp`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let (target, old) = target(path)?;
    let temporary = temporary(&target)?;
    if let Some(old) = &old {
        keep_owner(temporary.as_file(), old);
        temporary.as_file().set_permissions(old.permissions())?;
    }
    let mut buffered = BufWriter::new(temporary.as_file());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    temporary.as_file().sync_all()?;
    temporary.persist(&target).map_err(|refused| refused.error)?;
    sync_folder(folder(&target))
}

/// Checks that [`replace`] could begin, and changes nothing.
pub(crate) fn check_replaceable(path: &Path) -> Result<()> {
    let (target, _) = target(path)?;
    temporary(&target).map(drop)
}

/// What is to be replaced, behind links, and what is there now.
fn target(path: &Path) -> Result<(PathBuf, Option<Metadata>)> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(old) if old.is_file() => Ok((target, Some(old))),
        Ok(old) if old.is_dir() => Err(Error::from(ErrorKind::IsADirectory)),
        // A device or a pipe would be gone, and a file in its place.
        Ok(_) => Err(Error::new(ErrorKind::InvalidInput, "not a regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((target, None)),
        Err(error) => Err(error),
    }
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary(target: &Path) -> Result<NamedTempFile> {
    let name = target.file_name().ok_or_else(|| Error::from(ErrorKind::IsADirectory))?;
    // Names have a limit; a part is enough to tell whose it is.
    let name: String = name.to_string_lossy().chars().take(50).collect();
    let mut number = None;
    let made = Builder::new().prefix(&format!(".{name}.")).suffix(".tmp").make_in(folder(target), |path| {
        // With the permissions of any new file: what the umask leaves.
        let file = File::options().read(true).write(true).create_new(true).open(path);
        file.inspect_err(|error| number = error.raw_os_error())
    });
    // The system's own error, not one that names the temporary file.
    made.map_err(|error| number.map_or(error, Error::from_raw_os_error))
}

#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata().map(|new| (new.uid(), new.gid()));
    if new.is_ok_and(|new| new != (old.uid(), old.gid())) {
        // Only the superuser may give a file away; for all others it is theirs from now on.
        fchown(file, Some(old.uid()), Some(old.gid())).ok();
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) {}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems know no such thing.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        // One may be allowed to write to a folder, but not to read it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(()) // There is no such call; the rename itself is in one step.
}
