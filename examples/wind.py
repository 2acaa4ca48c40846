"""
Wind as speed and direction
===========================

A wind of speed s from direction p is one complex number, s e^(ip). A complex network without biases, whose
activation keeps the phase, knows one thing of it before it has seen any: turn all inputs, and the forecast
turns with them. What it learns at one coast holds at one that faces another way.

The series are simulated: a wind that wanders, a sea breeze that turns once a day, and gusts that come the
stronger the wind is.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

HOURS, AHEAD = 6, 3  # hours that the forecast sees, and how far ahead it looks


def station(days, facing, rng):
    """Return hourly wind at a coast that faces in this direction (radians), in metres a second."""
    n = 24 * days
    steps = rng.normal(size=(n, 2)) @ [1, 1j]
    gusts = rng.normal(size=(n, 2)) @ [1, 1j]
    wind = np.full(n, 6.0 + 0j)
    for hour in range(1, n):
        speed, direction = abs(wind[hour - 1]), np.angle(wind[hour - 1])
        # A strong wind veers, a weak one comes back to the prevailing direction.
        direction += 0.5 * np.tanh(speed / 4 - 1.5) - 0.15 * np.sin(direction) * (speed < 6)
        speed += 0.4 * (6 - speed) + 1.2 * np.cos(2 * np.pi * hour / 24)
        wind[hour] = speed * np.exp(1j * direction) + 0.5 * steps[hour]
    return (wind + 0.3 * gusts) * np.exp(1j * facing)


def windows(wind):
    """Return the last hours before each forecast, and the wind to be forecast."""
    past = np.lib.stride_tricks.sliding_window_view(wind[:-AHEAD], HOURS)
    return past, wind[HOURS - 1 + AHEAD :, None]


def parts(Z):
    """Return real parts, then imaginary ones."""
    return np.concatenate([Z.real, Z.imag], axis=1)


def error(forecast, truth):
    """Return the root mean square distance, in metres a second."""
    return np.sqrt((np.abs(forecast - truth) ** 2).mean())


rng = np.random.default_rng(0)
scale = 6.0
train_data = windows(station(200, 0.0, rng) / scale)
here = windows(station(200, 0.0, rng) / scale)
elsewhere = windows(station(200, np.radians(110), rng) / scale)

turning = fp.Network([HOURS, 24, 1], activation="siglog", bias=False, dtype="complex128", seed=0)
fp.train(turning, *train_data, optimizer=fp.Rprop(), epochs=400)
real = fp.Network([2 * HOURS, 24, 2], activation="tanh", dtype="float64", seed=0)
fp.train(real, parts(train_data[0]), parts(train_data[1]), optimizer=fp.Rprop(), epochs=400)
linear, *_ = np.linalg.lstsq(*train_data, rcond=None)

print(f"{'':28}{'this coast':>12}{'another one':>14}   (m/s)")
results = {}
for name, forecast in {
    "as it is now": lambda Z: Z[:, -1:],
    "complex least squares": lambda Z: Z @ linear,
    "real network": lambda Z: real.predict(parts(Z)) @ [[1], [1j]],
    "complex network, no biases": turning.predict,
}.items():
    results[name] = [scale * error(forecast(Z), truth) for Z, truth in (here, elsewhere)]
    print(f"{name:28}{results[name][0]:12.3f}{results[name][1]:14.3f}")

# %%
# The property itself, to rounding:

Z = here[0][:5]
turn = np.exp(1j * np.radians(110))
print(abs(turning.predict(turn * Z) - turn * turning.predict(Z)).max())

# %%
# Two days of the other coast, speed and direction:

truth = scale * elsewhere[1][:48, 0]
guess = scale * turning.predict(elsewhere[0][:48])[:, 0]
figure, (above, below) = plt.subplots(2, 1, figsize=(6, 4.2), sharex=True, layout="constrained")
above.plot(np.abs(truth), "k-", label="wind")
above.plot(np.abs(guess), "o", color="#b7410e", ms=4, label=f"forecast, {AHEAD} h before")
above.set_ylabel("speed (m/s)")
above.legend()
below.plot(np.degrees(np.angle(truth)), "k.", ms=5)
below.plot(np.degrees(np.angle(guess)), "o", color="#b7410e", ms=4, mfc="none")
below.set(ylabel="direction (degrees)", xlabel="hour")
plt.show()
