"""The fit a model is expected to have, and the shrinkage that follows from it."""

from __future__ import annotations

import math

from scipy.optimize import brentq

from allsurv.errors import ModelError

__all__ = [
    "between",
    "cox_snell_r2",
    "expected_shrinkage",
    "max_cox_snell_r2",
    "parameters_per_patient",
    "positive",
    "whole_number",
]

LEAST_R2 = 1e-9
LARGEST = 1e50


def expected_shrinkage(n: int, n_parameters: int, *, r2_cox_snell: float) -> float:
    """Shrinkage factor to expect of a model: the calibration slope it will have in new patients.

    Parameters
    ----------
    n, n_parameters : int
        Patients and candidate parameters.
    r2_cox_snell : float
        Anticipated Cox-Snell R2, adjusted for optimism, in (0, 1).

    Returns
    -------
    float
        Between ``r2_cox_snell`` and 1; 0.9 or more is wanted.

    Raises
    ------
    ModelError
        If a number is outside its range.

    Notes
    -----
    Checked against the worked examples of R ``pmsampsize``.

    Examples
    --------
    >>> round(expected_shrinkage(110, 4, r2_cox_snell=0.126), 2)
    0.79
    """
    where = "expected_shrinkage"
    share = whole_number(n_parameters, where, "n_parameters") / whole_number(n, where, "n")
    r2 = between(r2_cox_snell, where, "r2_cox_snell", 0, 1)

    def _excess(aim: float) -> float:
        return parameters_per_patient(aim, r2) - share

    lowest = r2 + (1 - r2) * 1e-12
    return r2 if _excess(lowest) <= 0 else float(brentq(_excess, lowest, 1.0, xtol=1e-14))


def max_cox_snell_r2(events_per_patient: float) -> float:
    r"""Largest Cox-Snell R2 that a survival model can have.

    Parameters
    ----------
    events_per_patient : float
        Events over patients, in (0, 1].

    Returns
    -------
    float
        In (0, 1).

    Raises
    ------
    ModelError
        If ``events_per_patient`` is outside (0, 1].

    Notes
    -----
    :math:`1 - e^{2 \ell_0 / n}` with the null log-likelihood :math:`\ell_0 = E \log(E/n) - E` of
    an exponential model with time counted in mean follow-ups; another unit of time gives another
    maximum, so a Cox-Snell R2 is the safer thing to anticipate.
    Checked against the worked examples of R ``pmsampsize``.

    Examples
    --------
    >>> round(max_cox_snell_r2(69 / 110), 3)
    0.841
    """
    share = between(events_per_patient, "max_cox_snell_r2", "events_per_patient", 0, 1, True)
    return -math.expm1(2 * (share * math.log(share) - share))


def cox_snell_r2(
    events_per_patient: float,
    *,
    r2_cox_snell: float | None = None,
    r2_nagelkerke: float | None = None,
    c_index: float | None = None,
) -> float:
    r"""Cox-Snell R2 from whichever measure of fit was published.

    Parameters
    ----------
    events_per_patient : float
        Events over patients, in (0, 1].
    r2_cox_snell : float, optional
        Returned as it is, once checked.
    r2_nagelkerke : float, optional
        Share of the largest possible R2, in (0, 1).
    c_index : float, optional
        C-index, in (0.5, 1).

    Returns
    -------
    float
        Cox-Snell R2, below its maximum.

    Raises
    ------
    ModelError
        If not exactly one measure is given, or it is outside its range.

    Notes
    -----
    From C: :math:`D = 5.50 (C - 0.5) + 10.26 (C - 0.5)^3` [1]_, :math:`R^2_D = \frac{D^2 /
    \kappa^2}{\pi^2 / 6 + D^2 / \kappa^2}` with :math:`\kappa^2 = 8 / \pi`, :math:`R^2_{OQ} =
    \frac{(\pi^2 / 6) R^2_D}{1 - (1 - \pi^2 / 6) R^2_D}` and :math:`R^2 = 1 - (1 -
    R^2_{OQ})^{E/n}`; in simulations 10 to 16% below the truth, so on the safe side.
    Checked against the worked examples of R ``pmsampsize``.

    References
    ----------
    .. [1] Jinks RC, Royston P, Parmar MKB. BMC Med Res Methodol. 2015;15:82.
       doi:10.1186/s12874-015-0078-y

    Examples
    --------
    >>> round(cox_snell_r2(0.6, r2_nagelkerke=0.15), 4)
    0.1255
    """
    where = "cox_snell_r2"
    top = max_cox_snell_r2(events_per_patient)
    given = [value for value in (r2_cox_snell, r2_nagelkerke, c_index) if value is not None]
    if len(given) != 1:
        raise ModelError(
            f"{where}: {len(given)} measures of fit; give one of r2_cox_snell, r2_nagelkerke and "
            "c_index."
        )
    if r2_nagelkerke is not None:
        r2 = top * between(r2_nagelkerke, where, "r2_nagelkerke", 0, 1)
    elif c_index is not None:
        r2 = _from_c_index(between(c_index, where, "c_index", 0.5, 1), float(events_per_patient))
    else:
        r2 = between(r2_cox_snell, where, "r2_cox_snell", 0, top)
    if r2 < LEAST_R2:
        raise ModelError(
            f"{where}: an anticipated R2 of {r2:.2g} is no fit at all; give a measure that a "
            "useful model would have."
        )
    return r2


def _from_c_index(c_index: float, events_per_patient: float) -> float:
    excess = c_index - 0.5
    d_squared = (5.50 * excess + 10.26 * excess**3) ** 2 * math.pi / 8
    error = math.pi**2 / 6
    r2_d = d_squared / (error + d_squared)
    r2_oq = error * r2_d / (1 - (1 - error) * r2_d)
    return -math.expm1(events_per_patient * math.log1p(-r2_oq))


def parameters_per_patient(shrinkage: float, r2: float) -> float:
    """Give the parameters that each patient supports.

    Parameters
    ----------
    shrinkage : float
        Shrinkage factor aimed at, between ``r2`` and 1.
    r2 : float
        Anticipated Cox-Snell R2.

    Returns
    -------
    float
        The reciprocal of patients per parameter.
    """
    share = r2 / shrinkage
    return (shrinkage - 1) * math.log1p(-share) if share < 1 else math.inf


def _number(value: object, where: str, name: str, wanted: str) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ModelError(f"{where}: {name} is {value!r}; give {wanted}.")
    return number


def positive(value: object, where: str, name: str) -> float:
    """Check a positive, finite number.

    Parameters
    ----------
    value : object
        What was given.
    where, name : str
        Function and parameter to name in the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ModelError
        If it is something else.
    """
    number = _number(value, where, name, "a positive number")
    if not 1 / LARGEST <= number <= LARGEST:
        raise ModelError(f"{where}: {name} is {value!r}; give a positive number of usual size.")
    return number


def whole_number(value: object, where: str, name: str) -> int:
    """Check a whole number of at least 1.

    Parameters
    ----------
    value : object
        What was given.
    where, name : str
        Function and parameter to name in the message.

    Returns
    -------
    int
        The number.

    Raises
    ------
    ModelError
        If it is something else.
    """
    wanted = "a whole number of at least 1"
    number = _number(value, where, name, wanted)
    if number < 1 or number != math.floor(number):
        raise ModelError(f"{where}: {name} is {value!r}; give {wanted}.")
    return int(number)


def between(
    value: object, where: str, name: str, low: float, high: float, closed: bool = False
) -> float:
    """Check a number between two others.

    Parameters
    ----------
    value : object
        What was given.
    where, name : str
        Function and parameter to name in the message.
    low, high : float
        Bounds, not allowed themselves.
    closed : bool, default=False
        Allow ``high``.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ModelError
        If it is outside.
    """
    wanted = f"a number above {low:.4g} and {'at most' if closed else 'below'} {high:.4g}"
    number = _number(value, where, name, wanted)
    if not (low < number < high or (closed and number == high)):
        raise ModelError(f"{where}: {name} is {value!r}; give {wanted}.")
    return number
