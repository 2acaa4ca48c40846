//! Functions of numbers of either type that are compiled once, in this crate, not in each crate that calls them.
//!
//! A generic function is compiled where it is called: a program of a user's would compile the kernels, for each
//! instruction set, after each of its changes. [`once!`](crate::once::once) makes a generic function that only calls
//! one of two functions without type parameters.

#![allow(unsafe_code)]

use std::mem::{ManuallyDrop, transmute_copy};

/// The same value, whose type the compiler does not know to be the same.
///
/// # Safety
/// `A` and `B` are one type, apart from lifetimes, and what the value borrows lives as long as the result is used.
#[inline(always)]
pub(crate) unsafe fn same<A, B>(value: A) -> B {
    const { assert!(size_of::<A>() == size_of::<B>()) };
    // Safety: the types are one, and the original is not dropped.
    unsafe { transmute_copy(&ManuallyDrop::new(value)) }
}

/// Defines a function of numbers of the type `$t`, whose body is the generic function after `=`, compiled for `f32` and for
/// `f64` in this crate.
macro_rules! once {
    (
        $(#[$about:meta])*
        $visible:vis fn $name:ident<$t:ident>($($argument:ident: $type:ty),* $(,)?) -> $out:ty = $body:path
    ) => {
        $(#[$about])*
        #[inline]
        $visible fn $name<$t: $crate::kernel::Scalar>($($argument: $type),*) -> $out {
            if $t::LANES == <f32 as $crate::number::Number>::LANES {
                type $t = f32;
                #[inline(never)]
                fn compiled($($argument: $type),*) -> $out {
                    $body($($argument),*)
                }
                // Safety: `Number` is sealed; of its two types only `f32` has so many lanes.
                #[allow(unsafe_code)]
                unsafe { $crate::once::same(compiled($($crate::once::same($argument)),*)) }
            } else {
                type $t = f64;
                #[inline(never)]
                fn compiled($($argument: $type),*) -> $out {
                    $body($($argument),*)
                }
                // Safety: the other one is `f64`.
                #[allow(unsafe_code)]
                unsafe { $crate::once::same(compiled($($crate::once::same($argument)),*)) }
            }
        }
    };
}

pub(crate) use once;
