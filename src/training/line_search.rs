//! The line search of Moré and Thuente, which ends at a step that satisfies the strong Wolfe conditions.
//!
//! J. J. Moré and D. J. Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20, 1994.
//! It is MINPACK-2's `dcsrch`, with the constants of L-BFGS-B, so that it tries the steps that SciPy tries. In one case it
//! does not: where the loss is no finite number it goes half the way back.

/// What the loss must fall by at least, as a part of what the slope at the beginning promises.
const DECREASE: f64 = 1e-3;

/// What the slope must be at most, as a part of that at the beginning.
const FLATNESS: f64 = 0.9;

/// The width of the interval, as a part of its end, at which the search ends.
const WIDTH: f64 = 0.1;

/// The greatest step.
const MOST: f64 = 1e10;

/// How often the loss is computed at most.
const MOST_EVALUATIONS: usize = 20;

/// A step with the loss and its slope there.
#[derive(Clone, Copy, Debug)]
struct Point {
    step: f64,
    loss: f64,
    slope: f64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// The loss is to be computed at this step.
    Evaluate(f64),
    /// The last step is good.
    Done,
    /// No good step was found.
    Failed,
}

/// A search along a line on which the loss falls at first.
pub(super) struct LineSearch {
    start: Point,
    /// The best step so far, one end of the interval in which there is a minimum.
    best: Point,
    /// The other end.
    other: Point,
    /// Whether the interval is known to have a minimum.
    bracketed: bool,
    /// Whether a step with a sufficient decrease and a rising slope is still to be found.
    first_stage: bool,
    /// Where the next step may be.
    range: [f64; 2],
    /// The interval's width, and what it was before.
    widths: [f64; 2],
    most: f64,
    step: f64,
    evaluations: usize,
}

impl LineSearch {
    /// A search from a point with this loss and this slope, below 0, whose first step is `step`.
    pub fn new(loss: f64, slope: f64, step: f64) -> Self {
        let start = Point { step: 0.0, loss, slope };
        Self {
            start,
            best: start,
            other: start,
            bracketed: false,
            first_stage: true,
            range: [0.0, 5.0 * step],
            widths: [MOST, 2.0 * MOST],
            most: MOST,
            step: step.min(MOST),
            evaluations: 0,
        }
    }

    /// The step at which the loss is to be computed, or was.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Takes loss and slope at [`LineSearch::step`].
    pub fn next(&mut self, loss: f64, slope: f64) -> Next {
        self.evaluations += 1;
        let Self { start, step, most, first_stage, bracketed, range: [from, to], .. } = *self;
        if !(loss.is_finite() && slope.is_finite()) {
            self.step = self.best.step + 0.5 * (step - self.best.step);
            self.most = self.step;
            return self.evaluate();
        }
        let enough = DECREASE * start.slope;
        let allowed = start.loss + step * enough;
        if first_stage && loss <= allowed && slope >= 0.0 {
            self.first_stage = false;
        }
        let at_an_end = bracketed && (step <= from || step >= to || to - from <= WIDTH * to);
        let at_the_last = step == most && loss <= allowed && slope <= enough;
        let at_the_first = step == 0.0 && (loss > allowed || slope >= enough);
        let good = loss <= allowed && slope.abs() <= FLATNESS * -start.slope;
        if at_an_end || at_the_last || at_the_first || good {
            return Next::Done;
        }
        let here = Point { step, loss, slope };
        if self.first_stage && loss <= self.best.loss && loss > allowed {
            // A lower loss, but not low enough: the loss less the decrease that is wanted predicts better.
            let less = |point: Point| Point {
                loss: point.loss - point.step * enough,
                slope: point.slope - enough,
                ..point
            };
            let more = |point: Point| Point {
                loss: point.loss + point.step * enough,
                slope: point.slope + enough,
                ..point
            };
            (self.best, self.other) = (less(self.best), less(self.other));
            self.take(less(here));
            (self.best, self.other) = (more(self.best), more(self.other));
        } else {
            self.take(here);
        }
        let (best, other) = (self.best.step, self.other.step);
        if self.bracketed {
            if (other - best).abs() >= 0.66 * self.widths[1] {
                self.step = best + 0.5 * (other - best);
            }
            self.widths = [(other - best).abs(), self.widths[0]];
            self.range = [best.min(other), best.max(other)];
        } else {
            self.range = [self.step + 1.1 * (self.step - best), self.step + 4.0 * (self.step - best)];
        }
        self.step = self.step.clamp(0.0, self.most);
        let [from, to] = self.range;
        if self.bracketed && (self.step <= from || self.step >= to || to - from <= WIDTH * to) {
            self.step = best;
        }
        self.evaluate()
    }

    fn evaluate(&self) -> Next {
        let goes_on = self.evaluations < MOST_EVALUATIONS && self.step.is_finite();
        if goes_on { Next::Evaluate(self.step) } else { Next::Failed }
    }

    /// Sets the next step by interpolation, and the interval: MINPACK-2's `dcstep`.
    fn take(&mut self, here: Point) {
        let Self { best, other, range: [from, to], bracketed, .. } = *self;
        let opposite = here.slope * best.slope.signum() < 0.0;
        let secant = here.step + here.slope / (here.slope - best.slope) * (best.step - here.step);
        if here.loss > best.loss {
            // A higher loss: there is a minimum between.
            let cubic = cubic(best, here);
            let slope = (best.loss - here.loss) / (here.step - best.step) + best.slope;
            let quadratic = best.step + best.slope / slope / 2.0 * (here.step - best.step);
            let near = (cubic - best.step).abs() <= (quadratic - best.step).abs();
            self.step = if near { cubic } else { cubic + (quadratic - cubic) / 2.0 };
            self.bracketed = true;
        } else if opposite {
            // A lower loss, and the slope has changed its sign: there is a minimum between.
            let cubic = cubic(here, best);
            let far = (cubic - here.step).abs() > (secant - here.step).abs();
            self.step = if far { cubic } else { secant };
            self.bracketed = true;
        } else if here.slope.abs() < best.slope.abs() {
            // A lower loss, and a slope that is less steep.
            let ahead = if here.step > best.step { to } else { from };
            let cubic = cubic_ahead(here, best).unwrap_or(ahead);
            let near = (cubic - here.step).abs() < (secant - here.step).abs();
            if bracketed {
                let step = if near { cubic } else { secant };
                let limit = here.step + 0.66 * (other.step - here.step);
                self.step = if here.step > best.step { step.min(limit) } else { step.max(limit) };
            } else {
                let far = (cubic - here.step).abs() > (secant - here.step).abs();
                let step = if far { cubic } else { secant };
                self.step = step.max(from).min(to);
            }
        } else if bracketed {
            self.step = cubic(here, other);
        } else {
            self.step = if here.step > best.step { to } else { from };
        }
        if here.loss > best.loss {
            self.other = here;
        } else {
            if opposite {
                self.other = best;
            }
            self.best = here;
        }
    }
}

/// The coefficients of the cubic that has the losses and slopes of two points: theta, and the root that its minima have.
fn coefficients(a: Point, b: Point) -> [f64; 2] {
    let theta = 3.0 * (b.loss - a.loss) / (a.step - b.step) + a.slope + b.slope;
    let s = theta.abs().max(a.slope.abs()).max(b.slope.abs());
    let root = s * ((theta / s) * (theta / s) - (a.slope / s) * (b.slope / s)).max(0.0).sqrt();
    [theta, root]
}

/// The minimum of the cubic between two points, from the first one.
fn cubic(a: Point, b: Point) -> f64 {
    let [theta, root] = coefficients(a, b);
    let root = if b.step < a.step { -root } else { root };
    let r = ((root - a.slope) + theta) / (((root - a.slope) + root) + b.slope);
    a.step + r * (b.step - a.step)
}

/// The minimum of the cubic beyond `here`, seen from `best`, if there is one.
fn cubic_ahead(here: Point, best: Point) -> Option<f64> {
    let [theta, root] = coefficients(here, best);
    let root = if here.step > best.step { -root } else { root };
    let r = ((root - here.slope) + theta) / ((root + (best.slope - here.slope)) + root);
    (r < 0.0 && root != 0.0).then_some(here.step + r * (best.step - here.step))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loss and slope at a step.
    type Function = fn(f64) -> [f64; 2];

    /// The first three functions that Moré and Thuente try.
    const FUNCTIONS: [Function; 3] = [
        |t| [-t / (t * t + 2.0), (t * t - 2.0) / ((t * t + 2.0) * (t * t + 2.0))],
        |t| {
            let u = t + 0.004;
            [u.powi(5) - 2.0 * u.powi(4), 5.0 * u.powi(4) - 8.0 * u.powi(3)]
        },
        |t| {
            // A parabola in place of the corner at 1, and waves.
            let (b, l) = (0.01, 39.0);
            let [corner, slope] = match t {
                t if t <= 1.0 - b => [1.0 - t, -1.0],
                t if t >= 1.0 + b => [t - 1.0, 1.0],
                t => [(t - 1.0) * (t - 1.0) / (2.0 * b) + b / 2.0, (t - 1.0) / b],
            };
            let wave = std::f64::consts::FRAC_PI_2 * l;
            [
                corner + 2.0 * (1.0 - b) / (l * std::f64::consts::PI) * (wave * t).sin(),
                slope + (1.0 - b) * (wave * t).cos(),
            ]
        },
    ];

    /// The last answer of a search, its step, and the number of evaluations.
    fn searched(function: impl Fn(f64) -> [f64; 2], first: f64) -> (Next, f64, usize) {
        let [loss, slope] = function(0.0);
        let mut search = LineSearch::new(loss, slope, first);
        let mut evaluations = 0;
        loop {
            let [loss, slope] = function(search.step());
            evaluations += 1;
            match search.next(loss, slope) {
                Next::Evaluate(step) => assert_eq!(step, search.step()),
                last => return (last, search.step(), evaluations),
            }
        }
    }

    /// What SciPy's `dcsrch` finds with these constants from first steps of 0.001, 0.1, 10 and 1000, and after how many evaluations.
    const STEPS: [[(f64, usize); 4]; 3] = [
        [(0.341, 5), (0.5, 2), (10.0, 1), (36.88760696396662, 4)],
        [
            (1.5975830448985595, 11),
            (1.6024085266778738, 7),
            (1.6123738059384738, 6),
            (1.5950402760316598, 10),
        ],
        [
            (0.9967520447385962, 11),
            (0.9858519280776707, 9),
            (0.9811565020243171, 7),
            (1.0117927501914992, 11),
        ],
    ];

    #[test]
    fn steps_are_those_of_minpack() {
        for (function, steps) in FUNCTIONS.iter().zip(STEPS) {
            for (first, (expected, count)) in [1e-3, 0.1, 10.0, 1000.0].into_iter().zip(steps) {
                let (last, step, evaluations) = searched(function, first);
                assert_eq!((last, evaluations), (Next::Done, count));
                assert!((step - expected).abs() < 1e-9 * expected, "{first}: {step}, not {expected}");
                let ([before, falls], [loss, _]) = (function(0.0), function(step));
                assert!(loss <= before + DECREASE * step * falls);
            }
        }
    }

    #[test]
    fn it_stays_where_losses_are_numbers() {
        // A minimum at 1, and a cliff at 1.5.
        let cliff = |t: f64| if t < 1.5 { [(t - 1.0) * (t - 1.0), 2.0 * (t - 1.0)] } else { [f64::NAN; 2] };
        let (last, step, evaluations) = searched(cliff, 8.0);
        assert_eq!((last, step, evaluations), (Next::Done, 1.0, 4));
        // Beyond the last number that is one, the loss would go on falling.
        let edge = |t: f64| if t < 1.5 { [-t, -1.0] } else { [f64::INFINITY, -1.0] };
        let (last, step, _) = searched(edge, 8.0);
        assert_eq!((last, step), (Next::Done, 1.0));
    }

    #[test]
    fn it_gives_up() {
        let nothing = |t: f64| [if t == 0.0 { 0.0 } else { f64::NAN }, -1.0];
        let (last, _, evaluations) = searched(nothing, 1.0);
        assert_eq!((last, evaluations), (Next::Failed, MOST_EVALUATIONS));
    }
}
