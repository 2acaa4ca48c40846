//! The description of a layer, and the list of kinds.

use crate::activation::Activation;

/// Hands the list of all kinds, after what else it is given, to a macro. A line has the kind and its file.
macro_rules! kinds {
    ($reader:ident $($given:tt)*) => {
        $reader! {
            $($given)*;
            /// `outputs = activation(inputs * weights + biases)`.
            #[default]
            Dense => dense;
            /// The same with complex numbers.
            Complex => complex;
            /// Through time: `h = activation(x * weights + h of the step before * recurrent weights + biases)`.
            Rnn => rnn;
            /// Long short-term memory: a cell with gates for what comes in, what stays and what goes out.
            Lstm => lstm;
            /// A gated recurrent unit: two gates, and no cell.
            Gru => gru;
        }
    };
}

/// Makes the enum of the list.
macro_rules! list {
    ($(#[$doc:meta])* $name:ident; $($(#[$line:meta])* $kind:ident => $file:ident;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$line])* $kind,)*
        }

        impl $name {
            /// All kinds.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];
        }
    };
}

kinds! { list
    /// What a layer computes.
    Kind
}

/// What a layer hands on of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Returns {
    /// Its outputs at every step of time; what layers hand on that do not recur.
    #[default]
    Every,
    /// Its outputs at the last step.
    Last,
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Layer {
    /// Inputs.
    pub fan_in: usize,
    /// Outputs.
    pub fan_out: usize,
    /// What happens to the net input.
    pub activation: Activation,
    /// Whether there are biases.
    pub bias: bool,
    /// What it computes.
    pub kind: Kind,
    /// What it hands on, if it recurs.
    pub returns: Returns,
}
