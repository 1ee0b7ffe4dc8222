"""The interactive elements of the book as HTML, which needs neither server nor network.

They stand together on the page *Explore*, and each in the chapter where its question arises (`embed`). A page shows the
answers for an element's first setting; where scripts run, ``explore.js`` adds the controls and the picture.
"""

from __future__ import annotations

import html
import json
from importlib.resources import files

from IPython.display import HTML

from compendium.pages.elements import (
    Answers,
    Choice,
    Element,
    Slider,
    Values,
    chsh,
    contradiction,
    counterfactual,
    individual,
    latents,
    range_of_answers,
    rungs,
    thresholds,
)

MODULES = (chsh, contradiction, counterfactual, rungs, thresholds, individual, latents, range_of_answers)
ELEMENTS: dict[str, Element] = {module.ELEMENT.name: module.ELEMENT for module in MODULES}
PAGES = files("compendium.pages")


def shown(answer: float | None) -> str:
    """An answer with three decimals and a true minus sign; ∗ for None.

    >>> shown(-0.0001), shown(-2), shown(None)
    ('0.000', '−2.000', '∗')
    """
    if answer is None:
        return "∗"
    text = f"{answer:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−")


def element_html(name: str) -> str:
    """An element with the answers of its first setting and a table of all; ``ValueError`` for an unknown name."""
    if name not in ELEMENTS:
        raise ValueError(f"{name!r} is no element; they are {', '.join(ELEMENTS)}")
    element = ELEMENTS[name]
    answers = element.compute(element.settings[0].values)
    data = {
        "settings": [dict(setting.values) for setting in element.settings],
        **element.data,
    }
    label = html.escape(f"{element.picture}; the tables have the values")
    return (
        f'<section class="explore" data-element="{name}" aria-label="{html.escape(element.title)}">'
        f'{_settings(element)}<div class="explore-view"><div class="explore-picture" role="img" aria-label="{label}"'
        f' hidden></div><p class="explore-said" role="status"></p></div><form class="explore-controls" hidden>'
        f"{''.join(_control(name, control) for control in element.controls)}</form>"
        f"{_table(element, answers)}{_key_values(element)}"
        f'<script type="application/json">{json.dumps(data, ensure_ascii=False)}</script></section>'
    )


def script_html(*names: str) -> str:
    """The script that brings some elements to life, all if none is named: what they share, and what each computes."""
    parts = [_script("explore.js"), *(_block(f"elements/{name}.js") for name in names or ELEMENTS)]
    return f"<script>\n(() => {{\n{''.join(parts)}wake();\n}})();\n</script>"


def _script(file: str) -> str:
    return PAGES.joinpath(file).read_text(encoding="utf-8")


def _block(file: str) -> str:
    """A file whose names are its own, and which knows those of ``explore.js``."""
    return f"{{\n{_script(file)}}}\n"


def embed(name: str) -> HTML:
    """An element for a chapter, with what brings it to life, as the value of a cell tagged ``remove-input``.

    Its controls have ids made of its name: no page can hold an element twice. Raises as `element_html`.

    >>> 'data-element="chsh"' in embed("chsh").data
    True
    """
    return HTML(element_html(name) + script_html(name))


def _settings(element: Element) -> str:
    buttons = "".join(f'<button type="button">{html.escape(setting.name)}</button>' for setting in element.settings)
    return f'<div class="explore-settings" role="group" aria-label="Settings worth seeing" hidden>{buttons}</div>'


def _control(element: str, control: Slider | Choice) -> str:
    key = f"explore-{element}-{control.name}"
    label = f'<label for="{key}">{control.label}</label>'
    if isinstance(control, Choice):
        options = "".join(
            f'<option value="{html.escape(word)}">{html.escape(text)}</option>'
            for word, text in control.options.items()
        )
        return f'<div class="explore-choice">{label}<select id="{key}" name="{control.name}">{options}</select></div>'
    attributes = f'min="{control.low:g}" max="{control.high:g}" step="{control.step:g}" data-unit="{control.unit}"'
    slider = f'<input type="range" id="{key}" name="{control.name}" {attributes}>'
    return f'<div class="explore-slider">{label}<span class="explore-value" aria-hidden="true"></span>{slider}</div>'


def _table(element: Element, answers: Answers) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in element.columns)
    rows = "".join(
        f'<tr><th scope="row">{label}</th>{"".join(_cell(key, answers) for key in keys)}</tr>'
        for label, keys in element.rows.items()
    )
    others = "".join(
        f'<tr><th scope="row">{label}</th>{_cell(key, answers)}</tr>' for key, label in element.quantities.items()
    )
    grid = f'<table class="explore-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="explore-tables">{grid}<table class="explore-table"><tbody>{others}</tbody></table></div>'


def _cell(key: str, answers: Answers) -> str:
    return f'<td data-key="{key}">{shown(answers[key])}</td>'


def _key_values(element: Element) -> str:
    """A table with all settings on their button, for who would rather read than move."""
    heads = "".join(f'<th scope="col">{html.escape(setting.name)}</th>' for setting in element.settings)
    columns = [element.compute(setting.values) for setting in element.settings]
    labels = {**element.quantities}
    for row, keys in element.rows.items():
        labels |= {key: f"{row}, {head}" for key, head in zip(keys, element.columns[1:], strict=True)}
    controls = "".join(
        f'<tr><th scope="row">{control.label}</th>'
        + "".join(f"<td>{_setting_value(control, setting.values)}</td>" for setting in element.settings)
        + "</tr>"
        for control in element.controls
    )
    rows = "".join(
        f'<tr><th scope="row">{label}</th>{"".join(f"<td>{shown(answers[key])}</td>" for answers in columns)}</tr>'
        for key, label in labels.items()
    )
    table = (
        f'<table class="explore-table"><thead><tr><td></td>{heads}</tr></thead><tbody>{controls}{rows}</tbody></table>'
    )
    return (
        f"<details><summary>The same as a table</summary>"
        f'<div class="explore-scroll" tabindex="0" role="region" aria-label="{html.escape(element.title)}, values">'
        f"{table}</div></details>"
    )


def _setting_value(control: Slider | Choice, values: Values) -> str:
    if isinstance(control, Choice):
        return html.escape(control.options[str(values[control.name])])
    return f"{values[control.name]:g}{control.unit}".replace("-", "−")
