//! The one form in which this crate writes a safetensors file, and a reader that takes no other.
//!
//! The header's metadata has one entry, whose name says what the file is and whose text describes
//! it. Tensors are `F32` or `F64`, in the order of the safetensors library: `F64` first, then by
//! name. There is one way only to write a given content; see `docs/file-format.md`.

use std::collections::HashMap;
use std::fmt::Formatter;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::durable::replace;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::memory::try_with_capacity;
use crate::number::Numbers;

/// The kind of a file: its name in messages, and the entry of its header.
#[derive(Clone, Copy)]
pub(crate) struct FileKind {
    pub name: &'static str,
    pub entry: &'static str,
}

impl FileKind {
    pub fn wrong(self, path: &str, reason: impl Into<String>) -> Error {
        Error::ModelFile { path: path.to_owned(), kind: self.name, reason: reason.into() }
    }
}

/// Bytes of the length in front of the header.
const LENGTH: usize = 8;

/// Numbers that are converted together: few, because what they go through is allocated in the usual way.
const AT_A_TIME: usize = 512;

/// The longest header for this many bytes of numbers. Reading it takes about ten times as much
/// memory, and a file must not cost much more than it is long.
fn longest_header(data: u64) -> u64 {
    (data.saturating_add(1 << 20)) / 8
}

pub(crate) fn dtype<T: Scalar>() -> Dtype {
    if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// A tensor's name, type and shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outline {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

fn write_numbers(numbers: Numbers<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    fn all<T: Scalar>(numbers: &[T], out: &mut dyn Write) -> std::io::Result<()> {
        numbers.chunks(AT_A_TIME).try_for_each(|some| out.write_all(&T::to_bytes(some)))
    }
    match numbers {
        Numbers::Single(numbers) => all(numbers, out),
        Numbers::Double(numbers) => all(numbers, out),
    }
}

/// A file to be written.
pub(crate) struct Content<'a> {
    header: Vec<u8>,
    tensors: Vec<Numbers<'a>>,
    bytes: usize,
}

impl<'a> Content<'a> {
    /// The description is the text of the header's entry.
    pub fn new(kind: FileKind, description: &str, mut tensors: Vec<(Outline, Numbers<'a>)>) -> Result<Self> {
        tensors.sort_by(|(a, _), (b, _)| order(a, b));
        let (outlines, tensors): (Vec<_>, Vec<_>) = tensors.into_iter().unzip();
        let (header, data) = header(kind, description, &outlines)?;
        let (length, longest) = (header.len() - LENGTH, longest_header(data));
        if length as u64 > longest {
            let reason = format!(
                "its header would have {length} bytes, at most {longest} for its {data} bytes of numbers"
            );
            return Err(kind.wrong("what is to be written", reason));
        }
        let bytes = usize::try_from(data).ok().and_then(|data| data.checked_add(header.len()));
        let bytes = bytes.ok_or(Error::OutOfMemory { numbers: usize::MAX })?;
        Ok(Self { header, tensors, bytes })
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        out.write_all(&self.header)?;
        self.tensors.iter().try_for_each(|numbers| write_numbers(*numbers, out))
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.bytes).map_err(|_| Error::OutOfMemory { numbers: self.bytes })?;
        self.write(&mut bytes).map_err(|source| Error::Io { path: "memory".to_owned(), source })?;
        Ok(bytes)
    }

    /// Writes the file, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        replace(path, |out| self.write(out))
            .map_err(|source| Error::Io { path: path.display().to_string(), source })
    }
}

fn order(a: &Outline, b: &Outline) -> std::cmp::Ordering {
    b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name))
}

/// Length and header of a file with these tensors, in this order, and the bytes of their numbers.
fn header(kind: FileKind, description: &str, tensors: &[Outline]) -> Result<(Vec<u8>, u64)> {
    let wrong = |reason: String| kind.wrong("what is to be written", reason);
    let mut start = 0usize;
    let mut infos = Vec::new();
    for Outline { name, dtype, shape } in tensors {
        let numbers = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let end = numbers.and_then(|numbers| numbers.checked_mul(dtype.bitsize() / 8)?.checked_add(start));
        let end = end.ok_or_else(|| wrong(format!("{name} is too large")))?;
        let info = TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets: (start, end) };
        infos.push((name.clone(), info));
        start = end;
    }
    let entry = HashMap::from([(kind.entry.to_owned(), description.to_owned())]);
    let metadata = Metadata::new(Some(entry), infos).map_err(|error| wrong(error.to_string()))?;
    let mut header = vec![0; LENGTH];
    serde_json::to_writer(&mut header, &metadata).map_err(|error| wrong(error.to_string()))?;
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    let length = (header.len() - LENGTH) as u64;
    header[..LENGTH].copy_from_slice(&length.to_le_bytes());
    Ok((header, start as u64))
}

/// A file that is read: its header is known, its numbers come one tensor after the other.
pub(crate) struct Reader<'a> {
    kind: FileKind,
    path: String,
    source: Box<dyn Read + 'a>,
    header: Vec<u8>,
    metadata: Metadata,
    /// The text of the header's entry.
    pub description: String,
    next: std::vec::IntoIter<Outline>,
}

impl<'a> Reader<'a> {
    pub fn open(kind: FileKind, path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let failed = |source| Error::Io { path: name.clone(), source };
        // To open a pipe would wait for somebody who writes to it.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::new(ErrorKind::InvalidInput, "not a regular file")));
        }
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        Self::new(kind, &name, Box::new(file), size)
    }

    pub fn of_bytes(kind: FileKind, path: &str, bytes: &'a [u8]) -> Result<Self> {
        Self::new(kind, path, Box::new(bytes), bytes.len() as u64)
    }

    fn new(kind: FileKind, path: &str, mut source: Box<dyn Read + 'a>, size: u64) -> Result<Self> {
        let wrong = |reason: String| kind.wrong(path, reason);
        let mut length = [0; LENGTH];
        fill(kind, path, &mut source, &mut length)?;
        let length = u64::from_le_bytes(length);
        let rest = size.checked_sub(LENGTH as u64).and_then(|rest| rest.checked_sub(length));
        let data = rest.ok_or_else(|| {
            wrong(format!("its header would have {length} bytes, the whole file has {size}"))
        })?;
        let longest = longest_header(data);
        if length > longest {
            let reason =
                format!("its header has {length} bytes, at most {longest} for {data} bytes of numbers");
            return Err(wrong(reason));
        }
        let length = usize::try_from(length).map_err(|error| wrong(error.to_string()))?;
        let mut header = try_with_capacity(LENGTH + length)?;
        header.extend((length as u64).to_le_bytes());
        header.resize(LENGTH + length, 0);
        fill(kind, path, &mut source, &mut header[LENGTH..])?;
        let Entries { description, tensors } =
            serde_json::from_slice(&header[LENGTH..]).map_err(|error| wrong(error.to_string()))?;
        let description = match description {
            Some((name, text)) if name == kind.entry => text,
            _ => return Err(wrong(format!("its header has no entry {:?}", kind.entry))),
        };
        let metadata = Metadata::new(None, tensors).map_err(|error| wrong(error.to_string()))?;
        if metadata.data_len() as u64 != data {
            let expected = metadata.data_len();
            return Err(wrong(format!("it has {data} bytes of numbers, its header says {expected}")));
        }
        let path = path.to_owned();
        Ok(Self { kind, path, source, header, metadata, description, next: Vec::new().into_iter() })
    }

    pub fn wrong(&self, reason: impl Into<String>) -> Error {
        self.kind.wrong(&self.path, reason)
    }

    /// Type and shape of a tensor, if it is there.
    pub fn info(&self, name: &str) -> Option<(Dtype, &[usize])> {
        self.metadata.info(name).map(|info| (info.dtype, info.shape.as_slice()))
    }

    /// Checks that the file is what would be written with these tensors, up to their numbers.
    pub fn expect(&mut self, mut tensors: Vec<Outline>) -> Result<()> {
        tensors.sort_by(order);
        for Outline { name, dtype, shape } in &tensors {
            match self.info(name) {
                Some((kind, sizes)) if kind == *dtype && sizes == shape => {}
                Some((kind, sizes)) => {
                    return Err(self.wrong(format!(
                        "{name} is {kind:?} of shape {sizes:?}, expected {dtype:?} of shape {shape:?}"
                    )));
                }
                None => return Err(self.wrong(format!("it has no tensor {name:?}"))),
            }
        }
        let (has, needs) = (self.metadata.offset_keys().len(), tensors.len());
        if has != needs {
            return Err(self.wrong(format!("it holds {has} tensors, expected {needs}")));
        }
        let (header, _) = header(self.kind, &self.description, &tensors)?;
        if header != self.header {
            return Err(self.wrong("its header is not in the form in which this library writes it"));
        }
        self.header = Vec::new();
        self.metadata = Metadata::new(None, Vec::new()).map_err(|error| self.wrong(error.to_string()))?;
        self.next = tensors.into_iter();
        Ok(())
    }

    /// The name of the next tensor, in the file's order.
    pub fn next(&mut self) -> Option<Outline> {
        self.next.next()
    }

    /// Reads one tensor, in place of all.
    #[cfg(feature = "python")]
    pub fn read_only<T: Scalar>(&mut self, name: &str, into: &mut [T]) -> Result<()> {
        let start = self.metadata.info(name).map_or(0, |info| info.data_offsets.0);
        let before = &mut (&mut self.source).take(start as u64);
        std::io::copy(before, &mut std::io::sink())
            .map_err(|source| Error::Io { path: self.path.clone(), source })?;
        self.read(name, into, |_| true)
    }

    /// Reads the numbers of the tensor that [`Reader::next`] named; each must be `allowed`.
    pub fn read<T: Scalar>(&mut self, name: &str, into: &mut [T], allowed: impl Fn(T) -> bool) -> Result<()> {
        let mut bytes = vec![0; into.len().min(AT_A_TIME) * size_of::<T>()];
        for part in into.chunks_mut(AT_A_TIME) {
            let bytes = &mut bytes[..size_of_val(part)];
            fill(self.kind, &self.path, &mut self.source, bytes)?;
            part.copy_from_slice(&T::from_bytes(bytes));
            if let Some(x) = part.iter().find(|x| !allowed(**x)) {
                return Err(self.wrong(format!("{name} holds {x}")));
            }
        }
        Ok(())
    }
}

fn fill(kind: FileKind, path: &str, source: &mut dyn Read, bytes: &mut [u8]) -> Result<()> {
    source.read_exact(bytes).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => kind.wrong(path, "it ends too early"),
        _ => Error::Io { path: path.to_owned(), source },
    })
}

/// A header as it stands. The library's own way of reading it lets the last of two entries with the
/// same name win, and takes several times the memory.
struct Entries {
    description: Option<(String, String)>,
    tensors: Vec<(String, TensorInfo)>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries, A::Error> {
        let mut entries = Entries { description: None, tensors: Vec::new() };
        while let Some(name) = map.next_key::<String>()? {
            if name != "__metadata__" {
                let info: TensorInfo = map.next_value()?;
                if !matches!(info.dtype, Dtype::F32 | Dtype::F64) {
                    return Err(A::Error::custom(format!("{name} has numbers of type {:?}", info.dtype)));
                }
                entries.tensors.push((name, info));
                continue;
            }
            let metadata: HashMap<String, String> = map.next_value()?;
            let mut metadata = metadata.into_iter();
            match (metadata.next(), metadata.next(), &entries.description) {
                (Some(only), None, None) => entries.description = Some(only),
                _ => return Err(A::Error::custom("its metadata must have one entry")),
            }
        }
        // In a file they stand in the order of their numbers, or it is not ours.
        Ok(entries)
    }
}
