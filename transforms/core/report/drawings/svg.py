"""SVG by hand: elements whose text and attributes are always escaped, and scales."""

import html
import math


def element(name: str, *children: str, **attributes: object) -> str:
    """An element. Children are markup already; attributes are escaped here.

    `class_` stands for `class`, other underscores in names for hyphens (`viewBox` is kept).
    """
    parts = [name]
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        parts.append(f'{key}="{html.escape(_number(value))}"')
    opening = " ".join(parts)
    return f"<{opening}>{''.join(children)}</{name}>" if children else f"<{opening}/>"


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """Escaped text at a place."""
    return element("text", html.escape(content), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What a pointer over an element shows, escaped."""
    return element("title", html.escape(content))


def picture(width: float, height: float, label: str, *children: str, **attributes: object) -> str:
    """An `<svg>` of that inner size, with a label for those who can't see it."""
    box = f"0 0 {_number(width)} {_number(height)}"
    return element(
        "svg", *children, viewBox=box, role="img", aria_label=label, **attributes
    )  # fmt: skip


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rectangle(x: float, y: float, width: float, height: float, **attributes: object) -> str:
    """A rectangle, with a title where attributes give one."""
    return element("rect", x=x, y=y, width=width, height=height, **attributes)


def _number(value: object) -> str:
    """Two decimals are enough for a drawing; integers and text as they are."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def ticks(highest: float, about: int = 4) -> list[float]:
    """Round values from 0 up to `highest`, roughly `about` of them; 0 alone if it is no length."""
    if not 1e-300 < highest < math.inf:
        return [0.0]
    raw = highest / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    return [step * k for k in range(int(highest / step * 1.0001) + 1)]
