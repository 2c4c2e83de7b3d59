"""
The beta-binomial likelihood of counts on a logit line, maximised for many data sets at once.

Private. The last axis of every array is the model; axes before it are data sets (or trial values of a slope).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from safescale.stats._domain import FloatVector

# from here on Stirling's series has lost nothing: the next term is 1e-17 of the sum
_LARGE = 30.0
# intraclass odds theta = rho / (1 - rho) at which the search starts
_STARTS = np.log([1e-4, 1e-3, 0.01, 0.05, 0.2, 1.0, 6.0])
_STEPS = 200
# below this theta the likelihood is the binomial one
_FLOOR = 1e-9


class BetaBinomialFit(NamedTuple):
    """Highest likelihood: coefficients ``(..., columns)``, log theta ``(...)`` (-inf at rho = 0), its logarithm ``(...)``."""

    coefficients: FloatVector
    log_theta: FloatVector
    log_likelihood: FloatVector


class _Derivatives(NamedTuple):
    value: FloatVector
    eta: FloatVector
    theta: FloatVector
    eta_eta: FloatVector
    eta_theta: FloatVector
    theta_theta: FloatVector


def excess(alpha: FloatVector, k: FloatVector) -> tuple[FloatVector, FloatVector, FloatVector]:
    """
    ``R = log Gamma(alpha + k) - log Gamma(alpha) - k log alpha`` and its first two derivatives in alpha.

    It is what the beta-binomial adds to the binomial, and goes to 0 as alpha grows: so it is taken from log1p and
    Stirling's series there, where the difference of two log Gammas would have lost its digits.
    """
    alpha, k = np.broadcast_arrays(alpha, k)
    value, first, second = np.empty((3, *alpha.shape))
    far = alpha >= _LARGE
    big, count = alpha[far], k[far]
    end, ratio = big + count, count / big
    value[far] = (end - 0.5) * np.log1p(ratio) - count + _stirling(end) - _stirling(big)
    first[far] = np.log1p(ratio) - ratio + 0.5 * count / (big * end) + _stirling_slope(end) - _stirling_slope(big)
    second[far] = ratio * ratio / end - 0.5 * count * (big + end) / (big * end) ** 2
    second[far] += _stirling_curvature(end) - _stirling_curvature(big)
    small, count = alpha[~far], k[~far]
    value[~far] = scipy.special.gammaln(small + count) - scipy.special.gammaln(small) - count * np.log(small)
    first[~far] = scipy.special.digamma(small + count) - scipy.special.digamma(small) - count / small
    second[~far] = scipy.special.zeta(2.0, small + count) - scipy.special.zeta(2.0, small) + count / small**2
    return value, first, second


def _stirling(z: FloatVector) -> FloatVector:
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * z * z)) / (z * z)) / (z * z)) / z


def _stirling_slope(z: FloatVector) -> FloatVector:
    return -(1 / 12 - (1 / 120 - (1 / 252 - 1 / (240 * z * z)) / (z * z)) / (z * z)) / (z * z)


def _stirling_curvature(z: FloatVector) -> FloatVector:
    return (1 / 6 - (1 / 30 - (1 / 42 - 1 / (30 * z * z)) / (z * z)) / (z * z)) / z**3


def derivatives(eta: FloatVector, log_theta: FloatVector, k: FloatVector, n: FloatVector) -> _Derivatives:
    """
    Log likelihood per model (without the binomial coefficient) and its derivatives in eta = logit(mu) and log theta.

    ``L = k log mu + (n - k) log(1 - mu) + R(mu/theta, k) + R((1 - mu)/theta, n - k) - R(1/theta, n)``.
    """
    mu, nu = scipy.special.expit(eta), scipy.special.expit(-eta)
    phi = np.exp(-log_theta)[..., np.newaxis]
    alpha, beta, m = mu * phi, nu * phi, mu * nu
    alphas = np.stack(np.broadcast_arrays(alpha, beta, phi))
    r_a, r_b, r_n = zip(*excess(alphas, np.stack(np.broadcast_arrays(k, n - k, n, alphas[0])[:3])), strict=True)
    tilt = phi * m * (r_a[1] - r_b[1])
    shared = alpha * r_a[1] + beta * r_b[1] - phi * r_n[1]
    return _Derivatives(
        value=binomial_terms(eta, k, n) + r_a[0] + r_b[0] - r_n[0],
        eta=k - n * mu + tilt,
        theta=-shared,
        eta_eta=-n * m + (nu - mu) * tilt + (phi * m) ** 2 * (r_a[2] + r_b[2]),
        eta_theta=-tilt - phi * m * (alpha * r_a[2] - beta * r_b[2]),
        theta_theta=shared + alpha**2 * r_a[2] + beta**2 * r_b[2] - phi**2 * r_n[2],
    )


def binomial_terms(eta: FloatVector, k: FloatVector, n: FloatVector) -> FloatVector:
    """``k log mu + (n - k) log(1 - mu)``, safe for any eta."""
    return -k * np.logaddexp(0.0, -eta) - (n - k) * np.logaddexp(0.0, eta)


def maximise(design: FloatVector, offset: FloatVector, k: FloatVector, n: FloatVector) -> BetaBinomialFit:
    """
    The global maximum over coefficients and rho in [0, 1): the binomial fit, and Newton's method from several rho.

    ``design`` has shape ``(models, columns)``; ``offset`` and ``k`` broadcast to ``(..., models)``. The caller has
    refused separated data, for which no maximum exists.
    """
    offset, k = np.broadcast_arrays(offset, k)
    shape = k.shape[:-1]
    offset, k = offset.reshape(-1, len(design)), k.reshape(-1, len(design))
    coefficients = binomial_fit(design, offset, k, n)
    eta = offset + coefficients @ design.T
    log_theta, value = np.full(len(k), -np.inf), binomial_terms(eta, k, n).sum(axis=-1)
    # a start per rho: the quasi-likelihood line at that rho, trials discounted by their design effect (Williams 1982)
    discount = 1.0 / (1.0 + (n - 1.0) * scipy.special.expit(_STARTS)[:, np.newaxis])[:, np.newaxis, :]
    lines = binomial_fit(design, offset[np.newaxis], k * discount, n * discount)
    # the likelihood can have more than one hump: climb from every start, and keep the top
    climbs = len(_STARTS)
    found = _newton(
        design,
        np.concatenate([offset] * climbs),
        np.concatenate([k] * climbs),
        n,
        lines.reshape(-1, design.shape[1]),
        np.repeat(_STARTS, len(k)),
    )
    for climb in range(climbs):
        part = slice(climb * len(k), (climb + 1) * len(k))
        better = found.log_likelihood[part] > value + 1e-9
        coefficients = np.where(better[:, np.newaxis], found.coefficients[part], coefficients)
        log_theta = np.where(better, found.log_theta[part], log_theta)
        value = np.where(better, found.log_likelihood[part], value)
    return BetaBinomialFit(coefficients.reshape(*shape, -1), log_theta.reshape(shape), value.reshape(shape))


def _newton(
    design: FloatVector, offset: FloatVector, k: FloatVector, n: FloatVector, start: FloatVector, log_theta: FloatVector
) -> BetaBinomialFit:
    """
    Newton ascent in the coefficients and ``psi = log(theta + c)``, which is smooth down to theta = 0.

    Steps follow the Hessian with its eigenvalues made negative, so each direction climbs; a step that does not is
    shortened. Data sets leave the loop as they settle.
    """
    c = 0.1 / float(np.max(n))
    point = np.column_stack([start, np.log(np.exp(log_theta) + c)])
    value, gradient, hessian = _at(design, offset, k, n, point, c)
    scale, active = np.ones(len(point)), np.arange(len(point))
    for _ in range(_STEPS):
        step = scale[active, np.newaxis] * _ascent(gradient[active], hessian[active])
        trial = point[active] + step
        trial[:, -1] = np.clip(trial[:, -1], np.log(c + _FLOOR), 30.0)
        step = trial - point[active]
        new_value, new_gradient, new_hessian = _at(design, offset[active], k[active], n, trial, c)
        climbs = new_value >= value[active]
        up = active[climbs]
        point[up], value[up] = trial[climbs], new_value[climbs]
        gradient[up], hessian[up] = new_gradient[climbs], new_hessian[climbs]
        scale[active] = np.where(climbs, np.minimum(4 * scale[active], 1.0), scale[active] / 4)
        active = active[np.max(np.abs(step), axis=-1) > 1e-10]
        if len(active) == 0:
            break
    return BetaBinomialFit(point[:, :-1], np.log(np.exp(point[:, -1]) - c), value)


def _ascent(gradient: FloatVector, hessian: FloatVector) -> FloatVector:
    values, vectors = np.linalg.eigh(-hessian)
    along = np.einsum("dij,di->dj", vectors, gradient) / np.maximum(np.abs(values), 1e-8)
    step = np.einsum("dij,dj->di", vectors, along)
    # shortened as a whole: cut component by component it might no longer climb
    return np.asarray(step * np.minimum(1.0, 2.0 / np.maximum(np.abs(step).max(axis=-1, keepdims=True), 1e-300)))


def _at(
    design: FloatVector, offset: FloatVector, k: FloatVector, n: FloatVector, point: FloatVector, c: float
) -> tuple[FloatVector, FloatVector, FloatVector]:
    """Log likelihood, gradient and Hessian in (coefficients, psi); at the edge theta = 0, psi may only rise."""
    theta = np.maximum(np.exp(point[:, -1]) - c, _FLOOR)
    d = derivatives(offset + point[:, :-1] @ design.T, np.log(theta), k, n)
    chain = (theta + c) / theta
    along, curved = d.theta.sum(axis=-1), d.theta_theta.sum(axis=-1)
    gradient = np.column_stack([d.eta @ design, chain * along])
    hessian = np.empty((*gradient.shape, gradient.shape[-1]))
    hessian[:, :-1, :-1] = np.einsum("dm,mi,mj->dij", d.eta_eta, design, design)
    hessian[:, :-1, -1] = hessian[:, -1, :-1] = chain[:, np.newaxis] * (d.eta_theta @ design)
    hessian[:, -1, -1] = chain**2 * (curved - along) + chain * along
    edge = (theta <= 1.5 * _FLOOR) & (gradient[:, -1] <= 0)
    gradient[edge, -1] = 0.0
    hessian[edge, :-1, -1] = hessian[edge, -1, :-1] = 0.0
    return d.value.sum(axis=-1), gradient, hessian


def binomial_fit(design: FloatVector, offset: FloatVector, k: FloatVector, n: FloatVector) -> FloatVector:
    """Newton's method for the binomial logit line (concave); a step that does not climb is halved."""
    coefficients = np.zeros((*np.broadcast_shapes(k.shape[:-1], offset.shape[:-1]), design.shape[1]))
    value = binomial_terms(offset + coefficients @ design.T, k, n).sum(axis=-1)
    for _ in range(_STEPS):
        eta = offset + coefficients @ design.T
        mu, nu = scipy.special.expit(eta), scipy.special.expit(-eta)
        information = np.einsum("...m,mi,mj->...ij", n * mu * nu, design, design)
        information += 1e-12 * np.eye(design.shape[1])
        step = np.linalg.solve(information, ((k - n * mu) @ design)[..., np.newaxis])[..., 0]
        for _ in range(40):
            new_value = binomial_terms(offset + (coefficients + step) @ design.T, k, n).sum(axis=-1)
            falls = ~(new_value >= value - 1e-12 * np.abs(value))
            if not np.any(falls):
                break
            step = np.where(falls[..., np.newaxis], step / 2, step)
        coefficients, value = coefficients + step, np.maximum(new_value, value)
        if np.max(np.abs(step)) < 1e-11:
            break
    return coefficients


def observed_covariance(design: FloatVector, fit: BetaBinomialFit, k: FloatVector, n: FloatVector) -> FloatVector:
    """Inverse observed information of the coefficients of one data set, with theta free unless it is 0."""
    eta = design @ fit.coefficients
    if np.isneginf(fit.log_theta):
        mu, nu = scipy.special.expit(eta), scipy.special.expit(-eta)
        return np.asarray(np.linalg.inv(design.T * (n * mu * nu) @ design))
    d = derivatives(eta, fit.log_theta, k, n)
    information = -(design.T * d.eta_eta) @ design
    cross, own = d.eta_theta @ design, -float(d.theta_theta.sum())
    return np.asarray(np.linalg.inv(information - np.outer(cross, cross) / own))
