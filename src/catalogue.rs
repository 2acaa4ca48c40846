//! What is known of a function, a loss or a rule beside its arithmetic, and the macro that makes a list of them.
//!
//! Each says it in its own file, in an [`About`]; the `mod.rs` beside it has one line for it.

use crate::check::check_number;
use crate::error::{Error, Result};
use crate::schedule::Schedule;

/// A hyperparameter's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    /// A number that may change in the course of a training.
    Scheduled(Schedule),
    /// Two numbers, low and high, between which numbers are drawn.
    Range(f64, f64),
    Flag(bool),
    Name(&'static str),
    Seed(u64),
    Count(u32),
}

/// A value in a list of hyperparameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Usual {
    Number(f64),
    Flag(bool),
    Name(&'static str),
    Seed(u64),
    Count(u32),
}

impl From<Usual> for Value {
    fn from(usual: Usual) -> Self {
        match usual {
            Usual::Number(number) => Self::Number(number),
            Usual::Flag(flag) => Self::Flag(flag),
            Usual::Name(name) => Self::Name(name),
            Usual::Seed(seed) => Self::Seed(seed),
            Usual::Count(count) => Self::Count(count),
        }
    }
}

/// What values a hyperparameter can have.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // whether there is a hyperparameter in it or not
pub(crate) enum Domain {
    Positive,
    NotNegative,
    NotPositive,
    Finite,
    AboveOne,
    /// From 0 to 1.
    Closed,
    /// From 0 to 1, 1 excluded.
    HalfOpen,
    /// Between 0 and 1.
    Open,
    /// A positive number, or a range of them.
    Step,
    /// A positive number, a schedule or a function of the step.
    Rate,
    /// A number that is not negative, a schedule by step or a function of the step.
    Decay,
    Flag,
    OneOf(&'static [&'static str]),
    Seed,
    /// An integer from 1 to the greatest `u32`.
    Count,
}

impl Domain {
    /// The numbers it holds, in words.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Positive | Self::Rate => "a positive number",
            Self::NotNegative | Self::Decay => "0 or a positive number",
            Self::NotPositive => "0 or a negative number",
            Self::AboveOne => "a number above 1",
            Self::Closed => "from 0 to 1",
            Self::HalfOpen => "from 0 to 1, 1 excluded",
            Self::Open => "between 0 and 1, both excluded",
            Self::Step => "positive",
            Self::Finite => "a finite number",
            Self::Flag => "True or False",
            Self::OneOf(_) => "one of its names",
            Self::Seed => "an integer from 0 to 2**64 - 1",
            Self::Count => "a positive integer",
        }
    }

    fn holds(self, x: f64) -> bool {
        match self {
            Self::Positive | Self::Step | Self::Rate => x > 0.0,
            Self::NotNegative | Self::Decay => x >= 0.0,
            Self::NotPositive => x <= 0.0,
            Self::AboveOne => x > 1.0,
            Self::Closed => (0.0..=1.0).contains(&x),
            Self::HalfOpen => (0.0..1.0).contains(&x),
            Self::Open => x > 0.0 && x < 1.0,
            Self::Finite | Self::Flag | Self::OneOf(_) | Self::Seed | Self::Count => true,
        }
    }
}

/// What is known of a hyperparameter.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "python"), allow(dead_code))] // Python shows it
pub(crate) struct Hyperparameter {
    pub name: &'static str,
    /// What it is if nothing is said.
    pub usual: Usual,
    pub domain: Domain,
    /// A sentence or two about it.
    pub about: &'static str,
    /// Whether it is used as a number of the parameters' type, so that it must neither vanish nor overflow there.
    pub typed: bool,
}

impl Hyperparameter {
    /// A number that is used in the parameters' type.
    pub const fn number(name: &'static str, usual: f64, domain: Domain, about: &'static str) -> Self {
        Self { name, usual: Usual::Number(usual), domain, about, typed: true }
    }

    /// A number that is used in double precision, or may become 0.
    pub const fn double(name: &'static str, usual: f64, domain: Domain, about: &'static str) -> Self {
        Self { typed: false, ..Self::number(name, usual, domain, about) }
    }

    pub const fn flag(name: &'static str, usual: bool, about: &'static str) -> Self {
        Self { name, usual: Usual::Flag(usual), domain: Domain::Flag, about, typed: false }
    }

    /// One of several names; the first one is usual.
    pub const fn name(name: &'static str, names: &'static [&'static str], about: &'static str) -> Self {
        Self { name, usual: Usual::Name(names[0]), domain: Domain::OneOf(names), about, typed: false }
    }

    pub const fn seed(about: &'static str) -> Self {
        Self { name: "seed", usual: Usual::Seed(0), domain: Domain::Seed, about, typed: false }
    }

    pub const fn count(name: &'static str, usual: u32, about: &'static str) -> Self {
        Self { name, usual: Usual::Count(usual), domain: Domain::Count, about, typed: false }
    }

    /// The same with another usual number.
    pub const fn usually(self, usual: f64) -> Self {
        Self { usual: Usual::Number(usual), ..self }
    }

    /// # Errors
    /// [`Error::Argument`] when a value is outside the domain.
    pub fn check(&self, value: &Value) -> Result<()> {
        let Self { name, domain, .. } = *self;
        if let Value::Scheduled(schedule) = value {
            schedule.check(name, domain.expected(), |x| domain.holds(x))?;
            return if matches!(domain, Domain::Decay) { schedule.check_by_step(name) } else { Ok(()) };
        }
        if *value == Value::Count(0) {
            return Err(Error::argument(name, domain.expected(), 0));
        }
        numbers(value)
            .try_for_each(|number| check_number(name, number, domain.expected(), |x| domain.holds(x)))
    }
}

/// The numbers in a value.
pub(crate) fn numbers(value: &Value) -> impl Iterator<Item = f64> + use<> {
    let (first, second) = match value {
        Value::Number(number) => (Some(*number), None),
        Value::Scheduled(schedule) => (schedule.value(), None),
        Value::Range(low, high) => (Some(*low), Some(*high)),
        Value::Flag(_) | Value::Name(_) | Value::Seed(_) | Value::Count(_) => (None, None),
    };
    first.into_iter().chain(second)
}

/// All that is known of an activation, a loss or an optimizer beside its arithmetic.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "python"), allow(dead_code))] // Python shows it
pub(crate) struct About {
    /// The name it goes by, in files too.
    pub name: &'static str,
    /// Other names of the very same.
    pub aliases: &'static [&'static str],
    /// Names of others for something that is like it; a message points from them to this one.
    pub similar: &'static [&'static str],
    /// Names of it with a hyperparameter set: the name, the hyperparameter, its value.
    pub presets: &'static [(&'static str, &'static str, Usual)],
    /// The class of its objects, where it has hyperparameters.
    pub class: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// More sentences, in paragraphs.
    pub details: &'static str,
    pub hyperparameters: &'static [Hyperparameter],
    /// The first hyperparameters, which may be given by their place.
    pub positional: usize,
    /// The formula as an expression: of an activation f(z), of a loss E of one output a with target t; of
    /// an optimizer what it adds to a parameter, in words.
    pub value: &'static str,
    /// Of an activation f'(z), where a is f(z); of a loss dE/da.
    pub derivative: &'static str,
    /// Whether an activation is for complex networks alone.
    pub complex: bool,
    /// Whether an activation's outputs are drawn at random.
    pub stochastic: bool,
    /// Numbers in the formulas that go by names.
    pub constants: &'static [(&'static str, f64)],
    /// Who published it.
    pub source: &'static str,
    /// Lines of a Python session.
    pub example: &'static str,
}

impl About {
    /// Nothing is known.
    pub const NOTHING: Self = Self {
        name: "",
        aliases: &[],
        similar: &[],
        presets: &[],
        class: "",
        summary: "",
        details: "",
        hyperparameters: &[],
        positional: usize::MAX,
        value: "",
        derivative: "",
        complex: false,
        stochastic: false,
        constants: &[],
        source: "",
        example: "",
    };

    /// The usual value of a hyperparameter that is a number.
    pub const fn usual(&self, name: &str) -> f64 {
        let mut index = 0;
        while index < self.hyperparameters.len() {
            if let Hyperparameter { name: own, usual: Usual::Number(usual), .. } = self.hyperparameters[index]
                && same(own.as_bytes(), name.as_bytes())
            {
                return usual;
            }
            index += 1;
        }
        panic!("the list and the file have different hyperparameters")
    }

    /// The usual value of a hyperparameter that is a count.
    pub const fn usual_count(&self, name: &str) -> u32 {
        let mut index = 0;
        while index < self.hyperparameters.len() {
            if let Hyperparameter { name: own, usual: Usual::Count(usual), .. } = self.hyperparameters[index]
                && same(own.as_bytes(), name.as_bytes())
            {
                return usual;
            }
            index += 1;
        }
        panic!("the list and the file have different hyperparameters")
    }

    /// The usual values of all hyperparameters.
    pub fn usual_values(&self) -> Vec<Value> {
        self.hyperparameters.iter().map(|hyperparameter| hyperparameter.usual.into()).collect()
    }

    /// # Errors
    /// [`Error::Argument`] when one of the values, in the order of the hyperparameters, is outside its domain.
    pub fn check(&self, values: &[Value]) -> Result<()> {
        self.hyperparameters
            .iter()
            .zip(values)
            .try_for_each(|(hyperparameter, value)| hyperparameter.check(value))
    }

    /// The numbers among the values that must be numbers of the parameters' type, by name.
    pub fn typed(&self, values: &[Value]) -> Vec<(&'static str, f64)> {
        let typed =
            self.hyperparameters.iter().zip(values).filter(|(hyperparameter, _)| hyperparameter.typed);
        typed
            .flat_map(|(hyperparameter, value)| {
                numbers(value).map(move |number| (hyperparameter.name, number))
            })
            .collect()
    }

    /// Its name, and those with a hyperparameter set.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.presets.iter().map(|(name, ..)| *name))
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Finds an entry of a list by its name or an alias, with its values: the usual ones but for those of a preset.
///
/// # Errors
/// [`Error::Argument`] with all names, and the one that was meant, if there is a likely one.
pub(crate) fn find(
    list: &[&'static About],
    argument: &'static str,
    name: &str,
) -> Result<(usize, Vec<Value>)> {
    for (index, about) in list.iter().enumerate() {
        let mut values = about.usual_values();
        if about.name == name || about.aliases.contains(&name) {
            return Ok((index, values));
        }
        if let Some((_, set, value)) = about.presets.iter().find(|(preset, ..)| *preset == name) {
            for (own, to) in about.hyperparameters.iter().zip(&mut values) {
                if own.name == *set {
                    *to = (*value).into();
                }
            }
            return Ok((index, values));
        }
    }
    Err(unknown_name(argument, list.iter().flat_map(|about| about.names()), name, meant(list, name)))
}

/// The error of a name that is none of these.
pub(crate) fn unknown_name(
    argument: &'static str,
    names: impl Iterator<Item = &'static str>,
    name: &str,
    meant: Option<&'static str>,
) -> Error {
    let listed = names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let hint = meant.map_or(String::new(), |meant| format!("; did you mean {meant:?}?"));
    Error::argument(argument, format!("one of {listed}"), format!("{name:?}{hint}"))
}

/// The error of a choice that is none of these.
#[cfg(feature = "python")]
pub(crate) fn unknown_choice(argument: &'static str, names: &[&'static str], name: &str) -> Error {
    let spelt = names.iter().map(|known| (*known, *known)).collect();
    unknown_name(argument, names.iter().copied(), name, nearest(spelt, name))
}

/// The name that somebody may have meant: one that others use, or one that is spelt nearly so.
pub(crate) fn meant(list: &[&'static About], name: &str) -> Option<&'static str> {
    let mut spelt = Vec::new();
    for about in list {
        spelt.extend(about.names().map(|own| (own, own)));
        spelt.extend(about.aliases.iter().chain(about.similar).map(|other| (*other, about.name)));
    }
    nearest(spelt, name)
}

/// Of names, each with its spelling or another one, the one whose spelling is nearly this.
pub(crate) fn nearest(spelt: Vec<(&'static str, &'static str)>, name: &str) -> Option<&'static str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let sought = plain(name);
    // A sign at the end tells one rule from another.
    let same = spelt.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(name));
    let same = same.or_else(|| spelt.iter().find(|(spelling, _)| plain(spelling) == sought));
    if let Some((_, meant)) = same {
        return Some(*meant);
    }
    let near =
        spelt.into_iter().map(|(spelling, meant)| (strsim::jaro_winkler(&plain(spelling), &sought), meant));
    let (likeness, meant) = near.rev().max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (likeness >= 0.88).then_some(meant)
}

/// Makes the enum of a list, and what is asked of each entry.
///
/// A line of the list is `Variant { hyperparameter, ... } => file`, without braces where there is no
/// hyperparameter; one that is no number has its type, `hyperparameter: Type`. What follows is for others who read
/// the list.
macro_rules! catalogue {
    (
        $(#[$doc:meta])* $kind:ident;
        $(
            $(#[$line:meta])* $variant:ident $({ $($hyperparameter:ident $(: $type:ident)?),+ })? => $file:ident
            $(: $way:ident)?;
        )*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum $kind {
            $(
                $(#[$line])*
                $variant $({
                    $(
                        #[doc = concat!("The hyperparameter `", stringify!($hyperparameter), "`.")]
                        $hyperparameter: $crate::catalogue::field!($($type)?),
                    )+
                })?,
            )*
        }

        impl $kind {
            /// All of them, with their usual hyperparameters.
            pub const ALL: [Self; [$(stringify!($variant)),*].len()] = [
                $(Self::$variant $({
                    $($hyperparameter: $crate::catalogue::usual!($file, $hyperparameter $(, $type)?)),+
                })?),*
            ];

            /// What is known of each, in the order of `ALL`.
            pub(crate) const LIST: [&'static $crate::catalogue::About; Self::ALL.len()] = [$(&$file::ABOUT),*];

            pub(crate) fn about(self) -> &'static $crate::catalogue::About {
                match self {
                    $(Self::$variant { .. } => &$file::ABOUT,)*
                }
            }

            /// The name it goes by in Python and in files.
            #[must_use]
            pub fn name(self) -> &'static str {
                self.about().name
            }

            /// Its hyperparameters that are numbers, by name.
            pub fn hyperparameters(self) -> impl Iterator<Item = (&'static str, f64)> {
                let values = self.about().hyperparameters.iter().zip(self.values());
                values.filter_map(|(hyperparameter, value)| {
                    if let $crate::catalogue::Value::Number(number) = value {
                        Some((hyperparameter.name, number))
                    } else {
                        None
                    }
                })
            }

            pub(crate) fn values(self) -> Vec<$crate::catalogue::Value> {
                match self {
                    $(Self::$variant $({ $($hyperparameter),+ })? => vec![$($($hyperparameter.into()),+)?],)*
                }
            }

            /// An entry of the list with these values.
            #[cfg_attr(not(feature = "python"), allow(dead_code))] // files make activations, Python losses
            pub(crate) fn with_values(index: usize, values: &[$crate::catalogue::Value]) -> Self {
                let mut made = Self::ALL[index];
                #[allow(unused_mut, unused_variables)] // where there is no hyperparameter
                let mut values = values.iter();
                match &mut made {
                    $(Self::$variant $({ $($hyperparameter),+ })? => {
                        $($(
                            if let Some(value) = values.next() {
                                $crate::catalogue::Setting::set($hyperparameter, value);
                            }
                        )+)?
                    })*
                }
                made
            }

            /// # Errors
            /// [`crate::Error::Argument`] when a hyperparameter is outside its domain.
            pub(crate) fn check(self) -> $crate::error::Result<()> {
                self.about().check(&self.values())
            }

            /// # Errors
            /// [`crate::Error::Argument`] when a hyperparameter is no number of the type `T`.
            pub(crate) fn check_typed<T: $crate::number::Number>(self) -> $crate::error::Result<()> {
                let typed = self.about().typed(&self.values());
                typed.into_iter().try_for_each(|(name, number)| $crate::check::check_typed::<T>(name, number))
            }
        }
    };
}
pub(crate) use catalogue;

/// The type of a hyperparameter in a list: a number, if nothing is said.
macro_rules! field {
    () => {
        f64
    };
    ($type:ident) => {
        $type
    };
}
pub(crate) use field;

/// Its usual value.
macro_rules! usual {
    ($file:ident, $hyperparameter:ident) => {
        $file::ABOUT.usual(stringify!($hyperparameter))
    };
    ($file:ident, $hyperparameter:ident, u32) => {
        $file::ABOUT.usual_count(stringify!($hyperparameter))
    };
    ($file:ident, $hyperparameter:ident, bool) => {
        false
    };
    ($file:ident, $hyperparameter:ident, $type:ident) => {
        $type::USUAL
    };
}
pub(crate) use usual;

/// A field that holds a hyperparameter.
pub(crate) trait Setting: Into<Value> {
    /// Sets it, where the value is of its kind.
    fn set(&mut self, value: &Value);
}

macro_rules! setting {
    ($($field:ty: $pattern:pat => $number:expr, $value:expr);+ $(;)?) => {
        $(
            impl From<$field> for Value {
                fn from(field: $field) -> Self {
                    let make: fn($field) -> Self = $value;
                    make(field)
                }
            }

            impl Setting for $field {
                fn set(&mut self, value: &Value) {
                    if let $pattern = value {
                        *self = *$number;
                    }
                }
            }
        )+
    };
}

setting! {
    f64: Value::Number(number) => number, Value::Number;
    bool: Value::Flag(flag) => flag, Value::Flag;
    u64: Value::Seed(seed) => seed, Value::Seed;
    u32: Value::Count(count) => count, Value::Count;
}

impl From<Schedule> for Value {
    fn from(schedule: Schedule) -> Self {
        Self::Scheduled(schedule)
    }
}

impl Setting for Schedule {
    fn set(&mut self, value: &Value) {
        match value {
            Value::Number(number) => *self = (*number).into(),
            Value::Scheduled(schedule) => *self = schedule.clone(),
            _ => {}
        }
    }
}

/// A hash of a name and values; the same for equal values.
#[cfg(feature = "python")]
pub(crate) fn hash(name: &str, values: &[Value]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    for number in values.iter().flat_map(numbers) {
        // 0 is equal to -0.
        (number + 0.0).to_bits().hash(&mut hasher);
    }
    hasher.finish()
}
