# SPDX-License-Identifier: EUPL-1.2
"""Bars as SVG, readable in light and dark, without a library: a few lines of text a bar."""
from xml.sax.saxutils import escape

WIDTH, LEFT, ROW, GAP = 760, 240, 22, 14
STYLE = ("text{font:13px system-ui,sans-serif;fill:#24292f}.v{fill:#57606a}.b{fill:#8c959f}.o{fill:#0969da}"
         "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.v{fill:#9198a1}.o{fill:#4493f8}}")


def bars(title, unit, groups):
    """groups: [(heading, [(name, figure, is ours)])] -> SVG text. Each group has a scale of its own."""
    body, y = [], 24
    for heading, rows in groups:
        body.append(f'<text x="0" y="{y + 14}" font-weight="600">{escape(heading)}</text>')
        y += ROW
        most = max(figure for _, figure, _ in rows)
        for name, figure, ours in rows:
            length = round((WIDTH - LEFT - 110) * figure / most, 1)
            body.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
                        f'<rect x="{LEFT}" y="{y + 3}" width="{length}" height="{ROW - 7}" class="{"o" if ours else "b"}"/>'
                        f'<text x="{LEFT + length + 6}" y="{y + 14}" class="v">{figure:.3g} {escape(unit)}</text>')
            y += ROW
        y += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img"><title>{escape(title)}</title>'
            f"<style>{STYLE}</style>{''.join(body)}</svg>\n")
