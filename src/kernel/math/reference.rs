//! The six functions in double-double arithmetic, about 100 bits: what the f64 versions are measured against.
//!
//! A double-double is the unevaluated sum of two f64; the operations are those of Dekker and Knuth, with a fused multiply-add for the
//! error of a product. Speed and range are what the tests need, no more.
use std::f64::consts;
use std::ops::{Add, Div, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug)]
pub struct DoubleDouble {
    hi: f64,
    lo: f64,
}

/// `value * 2^exponent`: a result below the normal numbers keeps its precision.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    value: DoubleDouble,
    exponent: i32,
}

const LN2: DoubleDouble = DoubleDouble { hi: consts::LN_2, lo: 2.3190468138462996e-17 };
/// What is left of ln(2) after the first two: n times ln(2) then keeps its precision for n of ten bits.
const LN2_REST: f64 = 5.707708438416212e-34;

fn exact(hi: f64) -> DoubleDouble {
    DoubleDouble { hi, lo: 0.0 }
}

fn two_sum(a: f64, b: f64) -> DoubleDouble {
    let hi = a + b;
    let c = hi - a;
    DoubleDouble { hi, lo: (a - (hi - c)) + (b - c) }
}

impl Neg for DoubleDouble {
    type Output = Self;
    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}

impl Add for DoubleDouble {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        let low = two_sum(self.lo, other.lo);
        let sum = two_sum(high.hi, high.lo + low.hi);
        two_sum(sum.hi, sum.lo + low.lo)
    }
}

impl Sub for DoubleDouble {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for DoubleDouble {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let hi = self.hi * other.hi;
        let lo = self.hi.mul_add(other.hi, -hi) + self.hi.mul_add(other.lo, self.lo * other.hi);
        two_sum(hi, lo)
    }
}

impl Div for DoubleDouble {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self - other * exact(first);
        let second = rest.hi / other.hi;
        let rest = rest - other * exact(second);
        two_sum(first, second) + exact(rest.hi / other.hi)
    }
}

impl DoubleDouble {
    fn scaled(self, exponent: i32) -> Scaled {
        Scaled { value: self, exponent }
    }
}

/// 2^exponent times x in steps that cannot overflow before the result does.
fn ldexp(x: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    x * f64::from(half).exp2() * f64::from(exponent - half).exp2()
}

impl Scaled {
    fn new(value: f64) -> Self {
        exact(value).scaled(0)
    }

    /// The distance of `got` from this value, in units in the last place of f64.
    pub fn distance_in_ulps(self, got: f64) -> f64 {
        let DoubleDouble { hi, lo } = self.value;
        if hi == 0.0 || !hi.is_finite() {
            return if got == hi || (got.is_nan() && hi.is_nan()) { 0.0 } else { f64::INFINITY };
        }
        // Moved to where `hi` is in [1, 2): nothing is denormal there.
        let exponent = ((hi.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let (hi, lo) = (ldexp(hi, -exponent), ldexp(lo, -exponent));
        let exponent = exponent + self.exponent;
        if exponent >= 1024 {
            return if got == hi * f64::INFINITY { 0.0 } else { f64::INFINITY };
        }
        let ulp = f64::from(exponent.max(-1022) - 52 - exponent).exp2();
        let largest = 2.0 - f64::EPSILON;
        if got.is_infinite() && exponent >= 1023 && hi.abs() + ulp / 2.0 >= largest {
            return 0.0;
        }
        (((ldexp(got, -exponent) - hi) - lo) / ulp).abs()
    }
}

/// e^x - 1 for |x| below 0.4, by the series.
fn expm1_reduced(x: DoubleDouble) -> DoubleDouble {
    let sum = (2..=27).rev().fold(exact(1.0), |sum, k| exact(1.0) + sum * x / exact(f64::from(k)));
    sum * x
}

/// x - n ln(2) and n.
fn reduced(x: f64) -> (DoubleDouble, i32) {
    let n = (x * consts::LOG2_E).round();
    (exact(x) - LN2 * exact(n) - exact(LN2_REST * n), n as i32)
}

/// e^x - 1 for |x| below 700.
fn expm1(x: f64) -> DoubleDouble {
    let (r, n) = reduced(x);
    let scale = exact(f64::from(n).exp2());
    scale * expm1_reduced(r) + (scale - exact(1.0))
}

pub fn exp(x: f64) -> Scaled {
    if x.abs() > 800.0 || x.is_nan() {
        return Scaled::new(x.exp());
    }
    let (r, n) = reduced(x);
    (exact(1.0) + expm1_reduced(r)).scaled(n)
}

pub fn tanh(x: f64) -> Scaled {
    if x.is_nan() || x.abs() > 40.0 {
        return Scaled::new(x.tanh());
    }
    if x.abs() < 1e-100 {
        return Scaled::new(x); // The next term is far below; twice a denormal would be safe, its square is not.
    }
    let u = expm1(2.0 * x);
    (u / (u + exact(2.0))).scaled(0)
}

pub fn logistic(x: f64) -> Scaled {
    if x.is_nan() || x > 700.0 {
        return Scaled::new(if x > 0.0 { 1.0 } else { x });
    }
    if x >= 0.0 {
        return (exact(1.0) / (expm1(-x) + exact(2.0))).scaled(0);
    }
    let e = exp(x);
    if x < -100.0 {
        return e; // e^x / (1 + e^x), and e^x is below the precision of the sum.
    }
    (e.value / (expm1(x) + exact(2.0))).scaled(e.exponent)
}

pub fn softplus(x: f64) -> Scaled {
    if x.is_nan() || x > 700.0 {
        return Scaled::new(x);
    }
    if x < -100.0 {
        return exp(x); // The next term, e^(2x) / 2, is below the precision.
    }
    let e = exp(-x.abs());
    let positive = if x > 0.0 { x } else { 0.0 };
    (exact(positive) + log1p_above(e.value * exact(f64::from(e.exponent).exp2()))).scaled(0)
}

/// ln(1 + f) by one Newton step from the library's value: y + e - e^2/2, where 1 + e = (1 + f) / e^y.
fn log1p_above(f: DoubleDouble) -> DoubleDouble {
    let y = f.hi.ln_1p();
    let e = f + (exact(1.0) + f) * expm1(-y);
    exact(y) + e - e * e / exact(2.0)
}

pub fn log1p(x: f64) -> Scaled {
    if !(x > -1.0 && x < f64::INFINITY) {
        return Scaled::new(x.ln_1p());
    }
    if x.abs() < 1e-100 {
        return Scaled::new(x);
    }
    if x > 1e3 {
        return log_step(exact(1.0) + exact(x), x.ln_1p()).scaled(0);
    }
    log1p_above(exact(x)).scaled(0)
}

/// ln(x) from a value y near it, for a y that is not small.
fn log_step(x: DoubleDouble, y: f64) -> DoubleDouble {
    let e = exp(-y);
    let half = f64::from(e.exponent / 2).exp2();
    let rest = f64::from(e.exponent - e.exponent / 2).exp2();
    let e = x * exact(half) * e.value * exact(rest) - exact(1.0);
    exact(y) + e - e * e / exact(2.0)
}

pub fn log(x: f64) -> Scaled {
    if !(x > 0.0 && x < f64::INFINITY) {
        return Scaled::new(x.ln());
    }
    if x > 0.5 && x < 2.0 {
        return log1p_above(exact(x) - exact(1.0)).scaled(0);
    }
    if x < 1e-300 {
        // A product with a denormal would lose its low part.
        let above = x * 200_f64.exp2();
        return (log_step(exact(above), above.ln()) - LN2 * exact(200.0)).scaled(0);
    }
    log_step(exact(x), x.ln()).scaled(0)
}
impl Scaled {
    /// TEMP
    pub fn off(self, e: i32, hi: f64, lo: f64) -> f64 {
        let k = self.exponent - e;
        let d = ((ldexp(self.value.hi, k) - hi) + (ldexp(self.value.lo, k) - lo)).abs();
        d / hi.abs()
    }
}
