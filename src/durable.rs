//! Replacing a file whole or not at all, so that neither a crash nor a full disk costs the old one.

use std::fs::{self, File, Metadata};
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Puts a file in the place of `path`.
///
/// The bytes go to a temporary file in the same folder, with a name of its own for each call. When
/// they are on the disk it takes the name `path` in one step, and then the folder goes to the disk
/// as well. Permissions (a list of access included) and owner of a file that was there are kept; where
/// `path` is a symbolic link, what it points to is replaced, or made. If anything fails the old file stays and the temporary one
/// is removed; only a process that is killed leaves it, as `.{name}.{random}.tmp`.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let replacement = Replacement::begin(path)?;
    let mut buffered = BufWriter::new(replacement.temporary.as_file());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    replacement.commit()
}

/// A file that is being written beside the one it will replace; dropped, it is removed. See [`replace`].
pub(crate) struct Replacement {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl Replacement {
    /// Makes the temporary file, empty, with permissions and owner of the file that is there.
    pub fn begin(path: &Path) -> Result<Self> {
        let (target, old) = target(path)?;
        let temporary = temporary(&target)?;
        if let Some(old) = &old {
            keep_owner(temporary.as_file(), old);
            keep_permissions(temporary.as_file(), &target, old)?;
        }
        Ok(Self { temporary, target })
    }

    /// Where to write.
    #[cfg(feature = "python")]
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Puts what was written in the place of the old file, once it is on the disk.
    pub fn commit(self) -> Result<()> {
        self.temporary.as_file().sync_all()?;
        self.temporary.persist(&self.target).map_err(|refused| refused.error)?;
        sync_folder(folder(&self.target))
    }
}

/// Checks that [`replace`] could begin, and changes nothing.
pub(crate) fn check_replaceable(path: &Path) -> Result<()> {
    let (target, _) = target(path)?;
    temporary(&target).map(drop)
}

/// The file behind links that is to be replaced, and its metadata if it exists.
fn target(path: &Path) -> Result<(PathBuf, Option<Metadata>)> {
    let target = fs::canonicalize(path).or_else(|_| behind_links(path))?;
    match fs::metadata(&target) {
        Ok(old) if old.is_file() => Ok((target, Some(old))),
        Ok(old) if old.is_dir() => Err(Error::from(ErrorKind::IsADirectory)),
        // A device or a pipe would be gone, and a file in its place.
        Ok(_) => Err(Error::new(ErrorKind::InvalidInput, "not a regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((target, None)),
        Err(error) => Err(error),
    }
}

/// Links in a row that are followed, as the system does.
const MOST_LINKS: usize = 40;

/// Where symbolic links lead that end at a file which is not there yet.
fn behind_links(path: &Path) -> Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            // A relative target starts from the link's folder; `join` takes an absolute one as it is.
            Ok(next) => target = folder(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::other("too many levels of symbolic links"))
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

/// The old file's permissions. With a list of access the bits of the group are those of the whole list, so without
/// the list nobody but the owner gets in by them.
#[cfg(target_os = "linux")]
fn keep_permissions(file: &File, target: &Path, old: &Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    use xattr::FileExt;

    const ACCESS: &str = "system.posix_acl_access";
    let list = xattr::get(target, ACCESS).ok().flatten();
    let kept = list.as_ref().is_none_or(|list| file.set_xattr(ACCESS, list).is_ok());
    let mode = old.permissions().mode();
    match list {
        // The list says it all, the bits of the group included.
        Some(_) if kept => Ok(()),
        Some(_) => file.set_permissions(fs::Permissions::from_mode(mode & !0o070)),
        None => file.set_permissions(old.permissions()),
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_permissions(file: &File, _: &Path, old: &Metadata) -> Result<()> {
    file.set_permissions(old.permissions())
}

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
