//! The catalogue for Python: what is known of each function, loss and rule, and the classes of those that have
//! hyperparameters. The classes are made when the module is loaded, from what the core's lists say.

use pyo3::IntoPyObjectExt;
use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyDict, PyList, PyString, PyTuple, PyType};

use super::arguments::{
    collect, count, flag, integer_from_0, number, text, unless_foreign, wrong, wrong_type,
};
use super::schedule::{Scheduled, scheduled};
use crate::Error;
use crate::catalogue::{About, Domain, Hyperparameter, Usual, Value, find, meant, unknown_choice};

/// The base class of activations, losses or optimizers.
pub(super) trait Kind: PyClass<Frozen = True> + Sync {
    const LIST: &'static [&'static About];

    /// The values of the hyperparameters, in their order.
    fn values(&self) -> Vec<Value>;

    /// Where the classes are, in the order of the list.
    fn classes() -> &'static PyOnceLock<Vec<Option<Py<PyType>>>>;
}

/// Adds the classes of a kind to a module.
pub(super) fn add_classes<K: Kind>(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let mut classes = Vec::with_capacity(K::LIST.len());
    for about in K::LIST {
        if about.class.is_empty() {
            classes.push(None);
            continue;
        }
        let class = class::<K>(py, about)?;
        module.add(about.class, &class)?;
        classes.push(Some(class.unbind()));
    }
    // Loaded again, a module has the classes that it made first.
    let _ = K::classes().set(py, classes);
    Ok(())
}

fn class<'py, K: Kind>(py: Python<'py>, about: &'static About) -> PyResult<Bound<'py, PyType>> {
    let property = py.import("builtins")?.getattr("property")?;
    let content = PyDict::new(py);
    let documentation = documentation(about);
    content.set_item("__module__", "ferroprop")?;
    content.set_item("__slots__", PyTuple::empty(py))?;
    content.set_item("__doc__", format!("{}{}\n--\n\n{documentation}", about.class, signature(about)))?;
    content.set_item("name", about.name)?;
    for (index, hyperparameter) in about.hyperparameters.iter().enumerate() {
        let get = PyCFunction::new_closure(py, None, None, move |arguments, _| -> PyResult<Py<PyAny>> {
            let object = arguments.get_item(0)?;
            let values = object.cast::<K>()?.get().values();
            to_python(object.py(), &values[index]).map(Bound::unbind)
        })?;
        let get = property.call1((get, py.None(), py.None(), one_line(hyperparameter.about)))?;
        content.set_item(hyperparameter.name, get)?;
    }
    let class = py.get_type::<PyType>().call1((about.class, (py.get_type::<K>(),), content))?;
    // Python took the signature from it; what is shown has none.
    class.setattr("__doc__", documentation)?;
    Ok(class.cast_into::<PyType>()?)
}

/// The class of an entry, for one that has hyperparameters.
pub(super) fn class_of<K: Kind>(py: Python<'_>, index: usize) -> Option<&Bound<'_, PyType>> {
    K::classes().get(py)?.get(index)?.as_ref().map(|class| class.bind(py))
}

/// The place in the list of a class's entry.
pub(super) fn index_of<K: Kind>(class: &Bound<'_, PyType>) -> PyResult<usize> {
    let name = class.getattr_opt("name")?.and_then(|name| name.extract::<String>().ok());
    K::LIST.iter().position(|about| Some(about.name) == name.as_deref()).ok_or_else(|| {
        let base = K::NAME;
        PyTypeError::new_err(format!("{base} is a base class: make an object of {}", classes_of::<K>("or")))
    })
}

/// The names of a kind's classes in a sentence.
pub(super) fn classes_of<K: Kind>(or: &str) -> String {
    let classes: Vec<_> = K::LIST.iter().map(|about| about.class).filter(|class| !class.is_empty()).collect();
    match classes.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} {or} {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The values that a call of a class gives: usual ones for what is absent, each in its domain.
pub(super) fn values_of(
    about: &'static About,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<Value>> {
    let known = about.hyperparameters;
    let refuse = |what: String| PyTypeError::new_err(format!("{}() {what}", about.class));
    let places = known.len().min(about.positional);
    if arguments.len() > places {
        let (arguments, were) = (if places == 1 { "argument" } else { "arguments" }, arguments.len());
        return Err(refuse(format!("takes at most {places} positional {arguments} but {were} were given")));
    }
    let mut given: Vec<Option<Bound<'_, PyAny>>> = vec![None; known.len()];
    for (place, argument) in given.iter_mut().zip(arguments.iter()) {
        *place = Some(argument);
    }
    for (name, argument) in keywords.into_iter().flatten() {
        let name: String = name.extract()?;
        let Some(index) = known.iter().position(|hyperparameter| hyperparameter.name == name) else {
            return Err(refuse(format!("got an unexpected keyword argument '{name}'")));
        };
        if given[index].replace(argument).is_some() {
            return Err(refuse(format!("got multiple values for argument '{name}'")));
        }
    }
    let values = known.iter().zip(given).map(|(hyperparameter, given)| match given {
        None => Ok(hyperparameter.usual.into()),
        Some(given) => from_python(hyperparameter, &given),
    });
    let values = values.collect::<PyResult<Vec<_>>>()?;
    about.check(&values)?;
    Ok(values)
}

fn from_python(hyperparameter: &Hyperparameter, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let name = hyperparameter.name;
    Ok(match hyperparameter.domain {
        Domain::Flag => Value::Flag(flag(name, value)?),
        Domain::Seed => Value::Seed(integer_from_0(name, value)?),
        Domain::Count => Value::Count(small_count(name, value)?),
        Domain::OneOf(names) => {
            let given = text(name, value)?;
            let known = names.iter().find(|known| **known == given);
            Value::Name(known.ok_or_else(|| unknown_choice(name, names, &given))?)
        }
        Domain::Step => step(name, value)?,
        Domain::Rate | Domain::Decay => Value::Scheduled(scheduled(name, value)?),
        _ => Value::Number(number(name, value)?),
    })
}

/// A count that a `u32` holds.
fn small_count(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<u32> {
    let given = count(name, value)?;
    let expected = format!("from 1 to {}", u32::MAX);
    Ok(u32::try_from(given).map_err(|_| Error::argument(name, expected, given))?)
}

/// A number, or a tuple of two.
fn step(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if !value.is_instance_of::<PyTuple>() && !value.is_instance_of::<PyList>() {
        let expected = "a real number or a tuple (low, high)";
        return value
            .extract()
            .map(Value::Number)
            .map_err(|error| unless_foreign(error, value, || wrong_type(name, expected, value)));
    }
    let items = collect(value.try_iter()?)?;
    let [low, high] = items.as_slice() else {
        return Err(wrong(name, "a number or a tuple (low, high)", value));
    };
    Ok(Value::Range(number(name, low)?, number(name, high)?))
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match *value {
        Value::Number(number) => number.into_bound_py_any(py),
        Value::Scheduled(ref schedule) => Scheduled(schedule.clone()).into_bound_py_any(py),
        Value::Range(low, high) => (low, high).into_bound_py_any(py),
        Value::Flag(flag) => flag.into_bound_py_any(py),
        Value::Name(name) => name.into_bound_py_any(py),
        Value::Seed(seed) => seed.into_bound_py_any(py),
        Value::Count(count) => count.into_bound_py_any(py),
    }
}

/// The hyperparameters of an object by name.
pub(super) fn hyperparameters<'py>(
    py: Python<'py>,
    about: &About,
    values: &[Value],
) -> PyResult<Bound<'py, PyDict>> {
    let by_name = PyDict::new(py);
    for (hyperparameter, value) in about.hyperparameters.iter().zip(values) {
        by_name.set_item(hyperparameter.name, to_python(py, value)?)?;
    }
    Ok(by_name)
}

/// An object as the call that makes it.
pub(super) fn shown(object: &Bound<'_, PyAny>, about: &About, values: &[Value]) -> PyResult<String> {
    let py = object.py();
    let mut arguments = Vec::with_capacity(values.len());
    for (hyperparameter, value) in about.hyperparameters.iter().zip(values) {
        arguments.push(format!("{}={}", hyperparameter.name, to_python(py, value)?.repr()?));
    }
    Ok(format!("{}({})", object.get_type().name()?, arguments.join(", ")))
}

/// What is known of all entries of a list, as dictionaries, one for each name; `more` adds what only this kind
/// has to the entry of a place in the list with these values.
pub(super) fn entries<'py>(
    py: Python<'py>,
    list: &[&'static About],
    more: impl Fn(usize, &[Value], &Bound<'py, PyDict>) -> PyResult<()>,
) -> PyResult<Bound<'py, PyTuple>> {
    let mut all = Vec::with_capacity(list.len());
    for name in list.iter().flat_map(|about| about.names()) {
        let (index, values) = find(list, "name", name)?;
        let about = list[index];
        let aliases = if name == about.name { about.aliases } else { &[] };
        let mut known = Vec::with_capacity(values.len());
        for (place, (hyperparameter, usual)) in about.hyperparameters.iter().zip(&values).enumerate() {
            let usual = to_python(py, usual)?;
            let words = (domain(hyperparameter.domain), one_line(hyperparameter.about));
            known.push((hyperparameter.name, usual, words.0, words.1, place >= about.positional));
        }
        let entry = PyDict::new(py);
        entry.set_item("name", name)?;
        entry.set_item("aliases", PyTuple::new(py, aliases)?)?;
        entry.set_item("class", about.class)?;
        entry.set_item("hyperparameters", PyTuple::new(py, known)?)?;
        entry.set_item("summary", one_line(about.summary))?;
        entry.set_item("source", one_line(about.source))?;
        more(index, &values, &entry)?;
        all.push(entry);
    }
    PyTuple::new(py, all)
}

/// The formulas of an entry.
pub(super) fn set_formulas(entry: &Bound<'_, PyDict>, about: &About) -> PyResult<()> {
    entry.set_item("value", about.value)?;
    entry.set_item("derivative", about.derivative)?;
    let constants = PyDict::new(entry.py());
    for (name, number) in about.constants {
        constants.set_item(name, number)?;
    }
    entry.set_item("constants", constants)
}

fn domain(domain: Domain) -> String {
    match domain {
        Domain::OneOf(names) => names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
        Domain::Step => "a positive number, or a tuple (low, high) of them".to_owned(),
        Domain::Rate => "a positive number, a schedule, or a function of the step".to_owned(),
        Domain::Decay => "0 or a positive number, a schedule by step, or a function of the step".to_owned(),
        other => other.expected().to_owned(),
    }
}

/// A value as Python writes it.
fn literal(value: Usual) -> String {
    match value {
        Usual::Number(number) => format!("{number:?}"),
        Usual::Flag(flag) => if flag { "True" } else { "False" }.to_owned(),
        Usual::Name(name) => format!("{name:?}"),
        Usual::Seed(seed) => seed.to_string(),
        Usual::Count(count) => count.to_string(),
    }
}

fn signature(about: &About) -> String {
    let mut arguments = Vec::new();
    for (index, hyperparameter) in about.hyperparameters.iter().enumerate() {
        if index == about.positional {
            arguments.push("*".to_owned());
        }
        arguments.push(format!("{}={}", hyperparameter.name, literal(hyperparameter.usual)));
    }
    format!("({})", arguments.join(", "))
}

/// A docstring in numpydoc's form.
fn documentation(about: &About) -> String {
    let mut parts = vec![about.summary.to_owned()];
    if !about.details.is_empty() {
        parts.push(about.details.to_owned());
    }
    let mut parameters = "Parameters\n----------".to_owned();
    for hyperparameter in about.hyperparameters {
        let kind = match hyperparameter.domain {
            Domain::Flag => "bool".to_owned(),
            Domain::Seed | Domain::Count => "int".to_owned(),
            Domain::Step => "float or tuple (low, high)".to_owned(),
            Domain::Rate | Domain::Decay => "float, Schedule or callable".to_owned(),
            Domain::OneOf(_) => format!("{{{}}}", domain(hyperparameter.domain)),
            _ => "float".to_owned(),
        };
        let usual = literal(hyperparameter.usual);
        let about = wrapped(hyperparameter.about, "    ");
        parameters = format!("{parameters}\n{} : {kind}, default={usual}\n{about}", hyperparameter.name);
    }
    parts.push(parameters);
    parts.push(
        "Raises\n------\nValueError\n    If a hyperparameter is outside its domain.\nTypeError\n    If an \
         argument is of the wrong kind."
            .to_owned(),
    );
    parts.push(format!("References\n----------\n{}", wrapped(about.source, "")));
    parts.push(format!("Examples\n--------\n{}", about.example));
    parts.join("\n\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text in lines of at most 100 letters.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        if line.len() > indent.len() && line.len() + 1 + word.len() > 100 {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line += word;
    }
    lines.push(line);
    lines.join("\n")
}

/// Whether a value is a name or an object of a kind.
pub(super) fn is_one<K: Kind>(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyString>() || value.is_instance_of::<K>()
}

/// The name that a wrong one of "activation", "loss" or "optimizer" may have been meant for.
#[pyfunction]
pub(super) fn _meant(kind: &str, name: &str) -> Option<&'static str> {
    match kind {
        "activation" => meant(&crate::Activation::LIST, name),
        "loss" => meant(&crate::Loss::LIST, name),
        _ => meant(&crate::Optimizer::LIST, name),
    }
}
