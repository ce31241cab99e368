"""New HCL from values, and changes in existing files."""

from __future__ import annotations

from decimal import Decimal

import pytest

from provisioner.lang import ast
from provisioner.lang.editor import Editor
from provisioner.lang.fmt import format_source
from provisioner.lang.parser import parse_expression, parse_file
from provisioner.lang.writer import Code, NewAttribute, NewBlock, write_expression, write_items
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.source import Source


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (-7, "-7"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1e100"), "1E+100"),
        ("a", '"a"'),
        ('say "hi" \\ \n\t\x00', r'"say \"hi\" \\ \n\t\u0000"'),
        ("${x} %{y} $ % $$", '"$${x} %%{y} $ % $$"'),
        ("$${a", '"$$${a"'),
        ("é日😀", '"é日😀"'),
        (Code(" person.alice "), "person.alice"),
        ([1, "b", [Code("c")]], '[1, "b", [c]]'),
        ([], "[]"),
        ({}, "{}"),
        ({"a": 1, "long": "x", "b c": 2, "for": 3}, '{\n  a     = 1\n  long  = "x"\n  "b c" = 2\n  "for" = 3\n}'),
    ],
)
def test_values(value: object, text: str) -> None:
    assert write_expression(value) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["${x}", "$${x}", "$$${x}", "%{if}", "$", "a$", "%%", "\\", '"', "\r\n", "\ud7ff", "\U0010ffff"]
)
def test_any_text_comes_back(text: str) -> None:
    node, diagnostics = parse_expression(Source("<e>", write_expression(text)))
    assert diagnostics == []
    assert isinstance(node, ast.String)
    assert node.value == text


def test_long_lists_take_one_line_an_item() -> None:
    written = write_expression(["x" * 40] * 3)
    assert written == "[\n" + f'  "{"x" * 40}",\n' * 3 + "]"


def test_what_is_no_literal_is_refused() -> None:
    with pytest.raises(TypeError):
        write_expression(object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no number"):
        write_expression(Decimal("NaN"))
    with pytest.raises(DiagnosticError, match="Extra characters"):
        write_expression(Code("1 2"))


def test_a_file() -> None:
    items = [
        NewAttribute("version", 1),
        NewBlock(
            "agent",
            ("triage", "$${a"),
            (
                NewAttribute("purpose", 'Say "hi"'),
                NewAttribute("owner", Code("person.alice")),
                NewBlock("session", (), (NewAttribute("tags", {"a": [1, Decimal("2.5")]}),)),
                NewBlock("empty"),
            ),
        ),
    ]
    text = write_items(items)
    assert text == (
        "version = 1\n"
        "\n"
        'agent "triage" "$$${a" {\n'
        '  purpose = "Say \\"hi\\""\n'
        "  owner   = person.alice\n"
        "\n"
        "  session {\n"
        "    tags = {\n"
        "      a = [1, 2.5]\n"
        "    }\n"
        "  }\n"
        "\n"
        "  empty {}\n"
        "}\n"
    )
    assert format_source(text) == text


def test_nothing_malformed_can_be_written() -> None:
    with pytest.raises(DiagnosticError):
        write_items([NewAttribute("a", Code("1\nb = 2"))])
    with pytest.raises(DiagnosticError):
        write_items([NewAttribute("a", Code("b +\nc"))])
    with pytest.raises(ValueError, match="not a name"):
        write_items([NewAttribute("a b", 1)])
    with pytest.raises(ValueError, match="not a name"):
        write_items([NewBlock("a {}\nb")])
    with pytest.raises(ValueError, match="given twice"):
        write_items([NewAttribute("a", 1), NewAttribute("a", 2)])
    assert write_items([]) == ""


# Editing

FILE = """# top
agent "a" {
  x = 1 # one
  # about long
  long = "2" # two

  inner { y = 1 }
  empty {}
}

# about b
agent "b" {
}

agent "c" {
  # only a comment
}
"""


def edited(text: str = FILE) -> Editor:
    return Editor(Source("main.hcl", text))


def test_without_changes_nothing_changes() -> None:
    assert edited().text() == FILE
    odd = "a   =  1 # x\n\n\nb{ c=1 }"
    assert edited(odd).text() == odd


def test_setting_an_attribute_keeps_comments() -> None:
    editor = edited()
    first = editor.body.blocks[0].body
    editor.set_attribute(first, "x", ["p", {"q": 1}])
    editor.set_attribute(first, "new", Code("person.x"))
    text = editor.text()
    assert '  x = [\n    "p",\n    {\n      q = 1\n    },\n  ] # one\n' in text
    assert '  long = "2" # two\n  new  = person.x\n' in text
    assert "# about long" in text
    assert "# only a comment" in text


def test_setting_in_one_line_and_empty_blocks() -> None:
    editor = edited()
    inner, empty = editor.body.blocks[0].body.blocks
    editor.set_attribute(inner.body, "y", 2)
    editor.set_attribute(inner.body, "z", {"k": 1})
    editor.set_attribute(empty.body, "w", 3)
    text = editor.text()
    assert "  inner {\n    y = 2\n    z = {\n      k = 1\n    }\n  }\n  empty {\n    w = 3\n  }\n" in text


def test_removing_an_attribute_takes_its_own_comments_only() -> None:
    editor = edited()
    editor.remove_attribute(editor.body.blocks[0].body, "long")
    text = editor.text()
    assert "long" not in text
    assert "two" not in text
    assert "  x = 1 # one\n\n  inner" in text
    with pytest.raises(KeyError):
        editor.remove_attribute(editor.body, "nothing")


def test_removing_the_argument_of_a_one_line_block() -> None:
    editor = edited()
    inner = editor.body.blocks[0].body.blocks[0]
    editor.remove_attribute(inner.body, "y")
    _, diagnostics = parse_file(Source("main.hcl", editor.text()))
    assert diagnostics == []
    assert "y = 1" not in editor.text()


def test_removing_and_appending_blocks() -> None:
    editor = edited()
    editor.remove_block(editor.body.blocks[1])
    editor.append_block(None, NewBlock("tool", ("t",), (NewAttribute("k", 1),)))
    editor.append_block(editor.body.blocks[2].body, NewBlock("inside"))
    text = editor.text()
    assert "about b" not in text
    assert '}\n\nagent "c" {\n  # only a comment\n  inside {}\n}\n\ntool "t" {\n  k = 1\n}\n' in text


def test_a_file_keeps_its_layout_and_line_ends() -> None:
    odd = "a   =  1 # x\r\nb {\r\n\tc=1\r\n}"
    editor = edited(odd)
    editor.set_attribute(editor.body.blocks[0].body, "d", 2)
    editor.append_block(None, NewBlock("e", (), (NewAttribute("f", 1),)))
    assert editor.text() == "a   =  1 # x\r\nb {\r\n\tc=1\r\n\td = 2\r\n}\r\n\r\ne {\r\n  f = 1\r\n}\r\n"


def test_appending_to_an_empty_file() -> None:
    editor = edited("")
    editor.append_block(None, NewBlock("a"))
    editor.set_attribute(editor.body, "b", 1)
    assert editor.text() == "b = 1\n\na {}\n"


def test_an_invalid_file_is_not_edited() -> None:
    with pytest.raises(DiagnosticError):
        edited("a = \n")
    with pytest.raises(ValueError, match="not a name"):
        edited().set_attribute(edited().body, "a b", 1)
