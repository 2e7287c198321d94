"""Metric math: an expression over time series, computed as CloudWatch documents it. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html. Not here: SEARCH, which no alarm
may use, anomaly bands, Contributor Insights, service quotas and Metrics Insights queries.
"""

import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

# A value for each period that has one, by the period's number since 1970.
Series = dict[int, float]
Value = float | Series | list[Series]


class ExpressionError(ValueError):
    """CloudWatch would refuse the expression."""


class NotComputedError(ExpressionError):
    """CloudWatch knows it, and it is not computed here."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The periods that are looked at, the oldest first, and how long they are."""

    slots: range
    period: int


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of an expression: a number, a name, a string, an operator or function with arguments, a list."""

    kind: str
    text: str = ""
    parts: tuple["_Node", ...] = ()


# --- Reading ---------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)|(?P<string>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>\|\||&&|==|!=|<=|>=|[-+*/^<>()\[\],]))"
)
_MOST_CHARACTERS = 2048  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
_DEEPEST = 50
_METRICS_INSIGHTS = re.compile(r"\s*SELECT\s", re.IGNORECASE)
_NOT_COMPUTED = frozenset(
    {"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SERVICE_QUOTA"}
)
# From the loosest to the tightest; the words mean the same as the signs.
_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))
_WORDS = {"AND": "&&", "OR": "||"}


def parse(expression: str) -> "_Node":
    """Read an expression.

    Raises:
        ExpressionError: It is not well-formed.
    """
    if _METRICS_INSIGHTS.match(expression):
        raise NotComputedError("Metrics Insights is not emulated")
    if len(expression) > _MOST_CHARACTERS:
        raise ExpressionError(f"the expression has more than {_MOST_CHARACTERS} characters")
    return _Reader(_tokens(expression)).whole()


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, at, text = list[tuple[str, str]](), 0, expression.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ExpressionError(f"unexpected {text[at:].strip()[:1]!r} in the expression")
        kind = str(token.lastgroup)
        found.append(("sign", _WORDS[token[kind]]) if token[kind] in _WORDS else (kind, token[kind]))
        at = token.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._at = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._binary(0)
        if self._tokens[self._at][0] != "end":
            raise ExpressionError(f"unexpected {self._tokens[self._at][1]!r} in the expression")
        return node

    def _binary(self, level: int) -> _Node:
        if level == len(_LEVELS):
            return self._signed()
        node = self._binary(level + 1)
        while sign := self._take(*_LEVELS[level]):
            node = _Node("operator", sign, (node, self._binary(level + 1)))
        return node

    def _signed(self) -> _Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError("the expression is nested too deeply")
        node = _Node("minus", "-", (self._signed(),)) if self._take("-") else self._power()
        self._depth -= 1
        return node

    def _power(self) -> _Node:
        base = self._atom()
        return _Node("operator", "^", (base, self._signed())) if self._take("^") else base

    def _atom(self) -> _Node:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind in ("number", "string"):
            return _Node(kind, text)
        if kind == "name":
            return _Node("call", text, self._until(")")) if self._take("(") else _Node("name", text)
        if text == "(":
            node = self._binary(0)
            self._expect(")")
            return node
        if text == "[":
            return _Node("list", "", self._until("]"))
        raise ExpressionError(f"unexpected {text or 'end'!r} in the expression")

    def _until(self, end: str) -> tuple[_Node, ...]:
        if self._take(end):
            return ()
        parts = [self._binary(0)]
        while self._take(","):
            parts.append(self._binary(0))
        self._expect(end)
        return tuple(parts)

    def _take(self, *signs: str) -> str:
        kind, text = self._tokens[self._at]
        if kind == "sign" and text in signs:
            self._at += 1
            return text
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(f"{sign!r} is missing in the expression")


# --- Computing -------------------------------------------------------------------------------------------------------


def evaluate(expression: str, metrics: Mapping[str, Series], results: Mapping[str, Value], grid: Grid) -> Value:
    """The value of an expression.

    Args:
        expression: E.g. `FILL(m1, 0) / m2`.
        metrics: The time series of the request's metrics, by id; what `METRICS()` means.
        results: The results of its other expressions, by id.
        grid: The periods.

    Raises:
        ExpressionError: It is not well-formed, or nothing that is computed here.
    """
    return _Evaluation(metrics, results, grid).value(parse(expression))


def names_in(expression: str) -> frozenset[str]:
    """The ids that an expression uses, and words such as REPEAT.

    Raises:
        ExpressionError: It is not well-formed.
    """

    def names(node: _Node) -> frozenset[str]:
        return frozenset([node.text] if node.kind == "name" else []).union(*map(names, node.parts))

    return names(parse(expression))


class _Evaluation:
    def __init__(self, metrics: Mapping[str, Series], results: Mapping[str, Value], grid: Grid) -> None:
        self.metrics, self.results, self.grid = metrics, results, grid

    def value(self, node: _Node) -> Value:
        match node.kind:
            case "number":
                return float(node.text)
            case "name":
                return self._named(node.text)
            case "list":
                return [one for part in node.parts for one in _many(self.value(part))]
            case "minus":
                return _each(
                    self.value(node.parts[0]), lambda series: {at: -v for at, v in series.items()}, operator.neg
                )
            case "operator":
                return _combined(node.text, self.value(node.parts[0]), self.value(node.parts[1]))
            case "call":
                return self._called(node.text, node.parts)
            case _:
                raise ExpressionError(f"expected a value, found the text {node.text}")

    def _named(self, name: str) -> Value:
        if name in self.metrics:
            return self.metrics[name]
        if name in self.results:
            return self.results[name]
        raise ExpressionError(f"{name} is not the id of a metric or expression of the request")

    def _called(self, name: str, parts: tuple[_Node, ...]) -> Value:
        if name in _NOT_COMPUTED:
            raise NotComputedError(f"the function {name} is not emulated")
        function = _FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"there is no function {name}")
        try:
            return function(self, parts)
        except ExpressionError:
            raise
        except (ArithmeticError, IndexError, TypeError, ValueError) as error:
            raise ExpressionError(f"{name} does not take these arguments") from error


def _many(value: Value) -> list[Series]:
    if isinstance(value, int | float):
        raise ExpressionError("expected a time series, found a number")
    return value if isinstance(value, list) else [value]


def _each(value: Value, of_series: Callable[[Series], Series], of_scalar: Callable[[float], float]) -> Value:
    if isinstance(value, int | float):
        return of_scalar(value)
    return [of_series(one) for one in value] if isinstance(value, list) else of_series(value)


_OPERATORS: dict[str, Callable[[float, float], float | complex]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}


def _combined(sign: str, left: Value, right: Value) -> Value:
    """A missing value counts as 0 beside one that is there; what divides by zero is dropped."""
    if isinstance(left, int | float) and isinstance(right, int | float):
        result = _computed(sign, left, right)
        if result is None:
            raise ExpressionError("a number is divided by zero")
        return result
    if isinstance(left, list) or isinstance(right, list):
        count = len(left) if isinstance(left, list) else len(cast("list[Series]", right))
        lefts = left if isinstance(left, list) else [left] * count
        rights = right if isinstance(right, list) else [right] * count
        if len(lefts) != len(rights):
            raise ExpressionError("arrays of different lengths are combined")
        return [cast("Series", _combined(sign, a, b)) for a, b in zip(lefts, rights, strict=True)]
    slots = {at for one in (left, right) if isinstance(one, dict) for at in one}
    found = {at: _computed(sign, _at(left, at), _at(right, at)) for at in sorted(slots)}
    return {at: value for at, value in found.items() if value is not None}


def _at(value: float | Series, slot: int) -> float:
    return value if isinstance(value, int | float) else value.get(slot, 0.0)


def _computed(sign: str, left: float, right: float) -> float | None:
    try:
        result = _OPERATORS[sign](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    # A root of a negative number is complex.
    return None if isinstance(result, complex) or not math.isfinite(result) else float(result)


# --- Functions -------------------------------------------------------------------------------------------------------

_Function = Callable[[_Evaluation, tuple[_Node, ...]], Value]


def _pointwise(compute: Callable[[float], float]) -> _Function:
    """A function of each data point; one that has no value there, such as LOG of 0, drops the point."""

    def apply(series: Series) -> Series:
        found = Series()
        for at, value in series.items():
            try:
                found[at] = float(compute(value))
            except (ValueError, OverflowError):
                continue
        return found

    return lambda e, parts: _each(e.value(parts[0]), apply, lambda one: float(compute(one)))


def _aggregate(compute: Callable[[Sequence[float]], float], *, zeros: bool) -> _Function:
    """Of a time series a number, of an array a time series; `zeros`: missing values of an array are 0."""

    def apply(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
        value = e.value(parts[0])
        if isinstance(value, dict):
            return float(compute([*value.values()])) if value else 0.0
        many = _many(value)
        slots = sorted({at for series in many for at in series})
        chosen = {at: [series.get(at, 0.0) for series in many if zeros or at in series] for at in slots}
        return {at: float(compute(values)) for at, values in chosen.items()}

    return apply


def _fill(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
    how = parts[1].text if parts[1].kind == "name" and parts[1].text in ("REPEAT", "LINEAR") else ""
    filler = 0.0 if how else e.value(parts[1])
    if isinstance(filler, list):
        raise ExpressionError("FILL takes one number or time series to fill with")

    def filled(series: Series) -> Series:
        if how == "LINEAR":
            return _interpolated(series)
        found, last = Series(), None
        for at in e.grid.slots:
            value = series.get(at, last if how else filler if isinstance(filler, int | float) else filler.get(at))
            last = value
            if value is not None:
                found[at] = value
        return {**series, **found}

    return _each(e.value(parts[0]), filled, float)


def _interpolated(series: Series) -> Series:
    found, known = dict(series), sorted(series)
    for before, after in itertools.pairwise(known):
        step = (series[after] - series[before]) / (after - before)
        found |= {at: series[before] + step * (at - before) for at in range(before + 1, after)}
    return dict(sorted(found.items()))


def _if(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
    """See "Using IF expressions": a missing true value is 0, a missing false value drops the point."""
    condition, chosen = e.value(parts[0]), [e.value(part) for part in parts[1:3]]
    yes, no = (*chosen, Series())[:2]
    if isinstance(condition, list) or isinstance(yes, list) or isinstance(no, list):
        raise ExpressionError("IF takes no arrays")
    if isinstance(condition, int | float):
        return yes if condition else no
    found = Series()
    for at, holds in condition.items():
        value = _at(yes, at) if holds else no if isinstance(no, int | float) else no.get(at)
        if value is not None:
            found[at] = value
    return found


def _changes(compute: Callable[[float, int], float]) -> _Function:
    """A function of a value's distance from the one before it, and of how many seconds lie between them."""

    def apply(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
        def series_of(series: Series) -> Series:
            known = sorted(series)
            pairs = itertools.pairwise(known)
            return {b: compute(series[b] - series[a], (b - a) * e.grid.period) for a, b in pairs}

        return _each(e.value(parts[0]), series_of, float)

    return apply


def _clock(read: Callable[[datetime], float]) -> _Function:
    """A series without gaps, of what the time of each period is."""

    def apply(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
        _many(e.value(parts[0]))
        return {at: float(read(datetime.fromtimestamp(at * e.grid.period, UTC))) for at in e.grid.slots}

    return apply


def _metrics(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
    wanted = parts[0].text[1:-1] if parts else ""
    return [series for name, series in e.metrics.items() if wanted in name]


def _running_sum(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
    def summed(series: Series) -> Series:
        found, total = Series(), 0.0
        for at in sorted(series):
            total += series[at]
            found[at] = total
        return found

    return _each(e.value(parts[0]), summed, float)


def _sort(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
    by: dict[str, Callable[[Sequence[float]], float]] = {"AVG": statistics.fmean, "MIN": min, "MAX": max, "SUM": sum}
    if parts[1].text not in by or parts[2].text not in ("ASC", "DESC"):
        raise ExpressionError("SORT takes AVG, MIN, MAX or SUM, and ASC or DESC")

    def key(series: Series) -> float:
        return by[parts[1].text]([*series.values()]) if series else 0.0

    ordered = sorted(_many(e.value(parts[0])), key=key, reverse=parts[2].text == "DESC")
    return ordered[: int(_number(e, parts[3]))] if len(parts) > 3 else ordered  # noqa: PLR2004 - the fourth is a limit


def _number(e: _Evaluation, part: _Node) -> float:
    value = e.value(part)
    if not isinstance(value, int | float):
        raise ExpressionError("expected a number, found a time series")
    return value


def _slice(e: _Evaluation, parts: tuple[_Node, ...]) -> Value:
    first, *end = (int(_number(e, part)) for part in parts[1:3])
    return _many(e.value(parts[0]))[first : end[0] if end else None]


_FUNCTIONS: dict[str, _Function] = {
    "ABS": _pointwise(abs),
    "CEIL": _pointwise(math.ceil),
    "FLOOR": _pointwise(math.floor),
    "LOG": _pointwise(math.log),
    "LOG10": _pointwise(math.log10),
    "AVG": _aggregate(statistics.fmean, zeros=True),
    "SUM": _aggregate(math.fsum, zeros=True),
    "MIN": _aggregate(min, zeros=False),
    "MAX": _aggregate(max, zeros=False),
    "STDDEV": _aggregate(statistics.pstdev, zeros=False),
    "DATAPOINT_COUNT": _aggregate(len, zeros=False),
    "METRICS": _metrics,
    "METRIC_COUNT": lambda e, parts: float(len(_many(e.value(parts[0])))),
    "PERIOD": lambda e, parts: float(e.grid.period) if _many(e.value(parts[0])) else 0.0,
    "FILL": _fill,
    "IF": _if,
    "DIFF": _changes(lambda change, _: change),
    "DIFF_TIME": _changes(lambda _, seconds: float(seconds)),
    "RATE": _changes(lambda change, seconds: change / seconds),
    "RUNNING_SUM": _running_sum,
    "REMOVE_EMPTY": lambda e, parts: [series for series in _many(e.value(parts[0])) if series],
    "FIRST": lambda e, parts: _many(e.value(parts[0]))[0],
    "LAST": lambda e, parts: _many(e.value(parts[0]))[-1],
    "SLICE": _slice,
    "SORT": _sort,
    "TIME_SERIES": lambda e, parts: dict.fromkeys(e.grid.slots, _number(e, parts[0])),
    "MINUTE": _clock(lambda moment: moment.minute),
    "HOUR": _clock(lambda moment: moment.hour),
    "DAY": _clock(lambda moment: moment.isoweekday()),
    "DATE": _clock(lambda moment: moment.day),
    "MONTH": _clock(lambda moment: moment.month),
    "YEAR": _clock(lambda moment: moment.year),
    "EPOCH": _clock(lambda moment: moment.timestamp()),
}
