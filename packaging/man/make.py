# SPDX-License-Identifier: EUPL-1.2
"""The man pages: python3 make.py BALISE OUT_DIR.

What a program already says is not written again: @commands@ in a page becomes what BALISE --help and
BALISE COMMAND --help say, @fields@ what the schema of the configuration says. The pages are in scdoc(5).
"""
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parents[1] / "schema" / "config.v1.schema.json"
UNITS = {"integer": ("minimum", "maximum", ""), "number": ("minimum", "maximum", ""),
         "string": ("minLength", "maxLength", " bytes"), "array": ("minItems", "maxItems", " items")}


def escaped(text):
    """Text that scdoc takes as it is."""
    return re.sub(r"([\\*_#<>~`+])", r"\\\1", text)


def ask(balise, *words):
    return subprocess.run([balise, *words], check=True, capture_output=True, text=True).stdout


def sections(help_text):
    """The lines of a help as paragraphs and as items: two blanks, a term, two blanks or more, its meaning."""
    for line in help_text.splitlines():
        item = re.fullmatch(r"  (\S.*?)(?:  +(.*))?", line)
        if item:
            yield f"\n*{escaped(item[1])}*" + (f"\n\t{escaped(item[2])}" if item[2] else "")
        elif line.startswith("   "):
            yield "\t" + escaped(line.strip())
        elif line:
            yield escaped(line)
        else:
            yield ""


def command_page(balise, name):
    usage, _, *body = ask(balise, "help", name).splitlines()
    text, below_item = [], False
    for part in sections("\n".join(body)):
        if below_item and part and not part.startswith(("\n", "\t")):
            text.append("")  # a paragraph after a list
        below_item = part.startswith(("\n", "\t"))
        text.append(part[:1].upper() + part[1:] if not text else part)
    words = usage.removeprefix("usage: ").replace("…", "...")
    return f"## {name}\n\n*{escaped(words)}*\n\n" + "\n".join(text).strip() + "\n"


def commands(balise):
    names = re.findall(r"^  ([a-z][a-z-]*)  ", ask(balise, "--help"), re.MULTILINE)
    return "\n".join(command_page(balise, name) for name in names)


def field(path, node, required):
    kind = node["type"]
    facts = [kind, "required" if required else "default " + json.dumps(node["default"])]
    if "enum" in node:
        facts.append("one of " + ", ".join(node["enum"]))
    elif kind in UNITS:
        least, most, unit = UNITS[kind]
        facts.append(f"{node[least]} to {node[most]}{unit}")
    return f"*{escaped(path)}* ({escaped(', '.join(facts))})\n\t{escaped(node['description'])}\n"


def fields(node, above=""):
    """Every field below a node of the schema, in its order."""
    for key, below in node["properties"].items():
        path = above + key
        if key == "$comment":
            continue
        if "properties" in below:
            yield from fields(below, path + ".")
            continue
        yield field(path, below, key in node.get("required", ()))
        if "properties" in below.get("items", {}):
            yield from fields(below["items"], path + "[].")


def main(balise, out):
    made = {"@commands@": lambda: commands(balise),
            "@fields@": lambda: "\n".join(fields(json.loads(SCHEMA.read_text(encoding="utf-8"))))}
    out.mkdir(parents=True, exist_ok=True)
    for source in sorted(HERE.glob("*.scd")):
        page = source.read_text(encoding="utf-8")
        for mark, text in made.items():
            page = page.replace(mark, text()) if mark in page else page
        roff = subprocess.run(["scdoc"], input=page, check=True, capture_output=True, text=True).stdout
        (out / source.stem).write_text(roff, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
