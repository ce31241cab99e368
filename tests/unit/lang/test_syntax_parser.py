"""The tree that text becomes, and what is said about text that becomes none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from provisioner.lang import ast
from provisioner.lang.cursor import MAX_DEPTH
from provisioner.lang.parser import parse_expression, parse_file, parse_template
from provisioner.lang.structure import outline
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.source import Source


def body(text: str) -> ast.Body:
    parsed, diagnostics = parse_file(Source("main.hcl", text))
    assert diagnostics == []
    return parsed


def expr(text: str) -> ast.Expr:
    parsed, diagnostics = parse_expression(Source("main.hcl", text))
    assert diagnostics == []
    assert parsed is not None
    return parsed


def errors(text: str) -> list[Diagnostic]:
    return parse_file(Source("main.hcl", text))[1]


def underlined(diagnostic: Diagnostic, text: str) -> str:
    assert diagnostic.subject is not None
    return text.encode()[diagnostic.subject.start.byte : diagnostic.subject.end.byte].decode()


def sexp(node: ast.Expr) -> str:
    """A compact picture of an expression, to read precedence and grouping from."""
    match node:
        case ast.Literal():
            return str(node.value)
        case ast.String():
            return repr(node.value)
        case ast.Variable():
            return node.name
        case ast.GetAttr():
            return f"{sexp(node.target)}.{node.name}"
        case ast.Index():
            return f"{sexp(node.target)}[{sexp(node.key)}]"
        case ast.Splat():
            return f"{'full' if node.full else 'attr'}({sexp(node.target)}, {sexp(node.each)})"
        case ast.SplatItem():
            return "@"
        case ast.Unary():
            return f"({node.op}{sexp(node.operand)})"
        case ast.Binary():
            return f"({sexp(node.left)} {node.op} {sexp(node.right)})"
        case ast.Conditional():
            return f"({sexp(node.condition)} ? {sexp(node.then)} : {sexp(node.otherwise)})"
        case ast.Paren():
            return f"<{sexp(node.expr)}>"
        case ast.Call():
            return f"{node.name}({', '.join(map(sexp, node.args))}{'...' if node.expand else ''})"
        case ast.TupleCons():
            return f"[{', '.join(map(sexp, node.items))}]"
        case ast.TemplateWrap():
            return f"wrap({sexp(node.expr)})"
        case ast.Template():
            return f"template({', '.join(map(sexp, node.parts))})"
        case _:
            return type(node).__name__


@pytest.mark.parametrize(
    ("text", "picture"),
    [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 * 2 + 3", "((1 * 2) + 3)"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("a || b && c == d < e + f * g", "(a || (b && (c == (d < (e + (f * g))))))"),
        ("a * b + c < d == e && f || g", "((((((a * b) + c) < d) == e) && f) || g)"),
        ("-a.b + c", "((-a.b) + c)"),
        ("!a == b", "((!a) == b)"),
        ("- -1", "(-(-1))"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("a ? b ? c : d : e", "(a ? (b ? c : d) : e)"),
        ("a || b ? c : d", "((a || b) ? c : d)"),
        ("a.b.0.c[1]", "a.b[0].c[1]"),
        ("a[*].b[0].c", "full(a, @.b[0].c)"),
        ("a.*.b[0]", "attr(a, @.b)[0]"),
        ("a.*.b.0.c[*].d", "full(attr(a, @.b[0].c), @.d)"),
        ("a[*].b[*].c", "full(a, full(@.b, @.c))"),
        ("f(a, b...)", "f(a, b...)"),
        ("provider::x::f(1)[0]", "provider::x::f(1)[0]"),
        ("(a\n+ b)", "<(a + b)>"),
        ("null == true", "(None == True)"),
        ("1e3", "1000"),
        ("1.50", "1.50"),
        ("-1.5e-3", "(-0.0015)"),
        ('"${a}"', "wrap(a)"),
        ('"x${a}"', "template('x', a)"),
        ('"$${a} %%{b} $$${c}"', "'${a} %{b} $${c}'"),
        (r'"\u00e9\U0001F600\n\t\"\\"', repr('é😀\n\t"\\')),
        ('"a ${~ b ~} c"', "template('a', b, 'c')"),
    ],
)
def test_grouping(text: str, picture: str) -> None:
    assert sexp(expr(text)) == picture


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<<EOT\na\n  b\nEOT\n", "a\n  b\n"),
        ("<<-EOT\n    a\n      b\n\n    c\n  EOT\n", "a\n  b\n\nc\n"),
        ("<<-EOT\n\ta\n\t\tb\nEOT\n", "a\n\tb\n"),
        ("<<EOT\nEOT\n", ""),
        ("<<EOT\n\\n \\q $${x} %%{y} 100% $\nEOT\n", "\\n \\q ${x} %{y} 100% $\n"),
        ("<<EOT\r\na\r\nEOT\r\n", "a\r\n"),
        ("<<-EOT\n    x\nEOT\n", "x\n"),
    ],
)
def test_heredoc_values(text: str, value: str) -> None:
    node = expr(text)
    assert isinstance(node, ast.String)
    assert node.value == value


@pytest.mark.parametrize(
    ("text", "picture"),
    [
        ("<<-EOT\n    a\n    ${b}x\n      c\n    EOT\n", "template('a\\n', b, 'x\\n  c\\n')"),
        ("<<-EOT\n    a\n  ${b}\n  EOT\n", "template('  a\\n', b, '\\n')"),
        ("<<-EOT\n${a}\n  b\nEOT\n", "template(a, '\\n  b\\n')"),
        # A trimming marker reaches to the end of its own line only, and what it leaves counts as no indentation.
        ("<<-EOT\n    x\n      ${~ a ~}  \n    y\n  EOT\n", "template('    x\\n', a, '    y\\n')"),
    ],
)
def test_heredoc_indentation_with_interpolation(text: str, picture: str) -> None:
    assert sexp(expr(text)) == picture


def test_directives_make_a_tree() -> None:
    node = expr('"%{ if a }x%{ for k, v in b }${v}%{ endfor }%{ else }y%{ endif }"')
    assert isinstance(node, ast.Template)
    (branch,) = node.parts
    assert isinstance(branch, ast.TemplateIf)
    first, loop = branch.then
    assert isinstance(first, ast.String)
    assert isinstance(loop, ast.TemplateFor)
    assert (loop.key, loop.value) == ("k", "v")
    assert [part.value for part in branch.otherwise if isinstance(part, ast.String)] == ["y"]


def test_object_keys() -> None:
    node = expr('{ a = 1, "b" : 2, (c) = 3, true = 4, 5 = 6, "${d}" = 7 }')
    assert isinstance(node, ast.ObjectCons)
    kinds = [type(item.key).__name__ for item in node.items]
    assert kinds == ["Variable", "String", "Paren", "Variable", "Literal", "TemplateWrap"]
    assert isinstance(node.items[3].key, ast.Variable)
    assert node.items[3].key.name == "true"


def test_for_expressions() -> None:
    node = expr("{ for k, v in m : k => v... if v != null }")
    assert isinstance(node, ast.ForExpr)
    assert (node.key, node.value, node.group) == ("k", "v", True)
    assert node.key_result is not None
    assert node.condition is not None
    listed = expr("[for v in m : v]")
    assert isinstance(listed, ast.ForExpr)
    assert (listed.key, listed.key_result, listed.condition, listed.group) == (None, None, None, False)


def test_blocks_attributes_and_their_ranges() -> None:
    text = 'agent "a" b {\n  x = 1\n  inner { y = [2] }\n}\nz = 3 # c\n'
    parsed = body(text)
    (block,) = parsed.blocks
    assert (block.type, [(label.value, label.quoted) for label in block.labels]) == (
        "agent",
        [("a", True), ("b", False)],
    )
    assert text[block.start : block.end].startswith("agent")
    assert text[block.start : block.end].endswith("}")
    assert text[block.start : block.header_end] == 'agent "a" b'
    assert text[block.body.start] == "{"
    attribute = block.body.attributes["x"]
    assert text[attribute.start : attribute.end] == "x = 1"
    assert text[attribute.start : attribute.name_end] == "x"
    assert list(block.body.blocks[0].body.attributes) == ["y"]
    assert parsed.attributes["z"].range.start.line == 5


def test_numbers_are_exact() -> None:
    def number(text: str) -> object:
        node = expr(text)
        assert isinstance(node, ast.Literal)
        return node.value

    assert number("9" * 300) == int("9" * 300)
    assert number("0.1234567890123456789012345678901234567890") == Decimal("0.1234567890123456789012345678901234567890")
    assert type(number("1.0")) is int
    assert type(number("1e2")) is int
    assert number("9" * 5000) == Decimal("9" * 5000)  # too long for int from text
    assert number("1e99999") == Decimal("1e99999")


def test_newlines_count_in_objects_inside_parentheses_but_not_in_for() -> None:
    assert outline(expr("([{a = 1\nb = 2}])")) == outline(expr("([{a = 1, b = 2}])"))
    assert errors("a = (\n{\nb\n= 1\n})\n")
    assert body("a = {\nfor\nx\nin\ny\n:\nx\n=>\nx\n}\n").attributes


def test_a_block_may_hold_an_argument_named_for() -> None:
    assert list(body("a {\n  for = 1\n}\n").blocks[0].body.attributes) == ["for"]


def test_byte_order_mark_and_crlf() -> None:
    assert list(body("\ufeffa = 1\r\nb {\r\n}\r\n").attributes) == ["a"]


def test_templates_of_files() -> None:
    node, diagnostics = parse_template(
        Source("x.tpl", 'Hi "${name}"\\n\n%{ for x in y ~}\n- ${x}\n%{ endfor ~}\nEnd $')
    )
    assert diagnostics == []
    assert isinstance(node, ast.Template)
    assert sexp(node) == "template('Hi \"', name, '\"\\\\n\\n', TemplateFor, 'End $')"
    whole, _ = parse_template(Source("x.tpl", "${a}"))
    assert isinstance(whole, ast.TemplateWrap)
    empty, _ = parse_template(Source("x.tpl", ""))
    assert isinstance(empty, ast.String)
    _, broken = parse_template(Source("x.tpl", "a ${b"))
    assert [d.code for d in broken] == ["E-SYNTAX-TEMPLATE"]


def test_bare_expressions() -> None:
    assert parse_expression(Source("<e>", "1\n+\n2"))[0] is not None
    _, extra = parse_expression(Source("<e>", "1 2"))
    assert [d.summary for d in extra] == ["Extra characters after expression"]
    missing, found = parse_expression(Source("<e>", ""))
    assert missing is None
    assert [d.summary for d in found] == ["Missing expression"]


# What is said


@pytest.mark.parametrize(
    ("text", "code", "summary", "mark", "way_out"),
    [
        ("a = 'b'\n", "E-SYNTAX-CHARACTER", "Invalid character", "'b'", "double quotes"),
        ("a = “b c”\n", "E-SYNTAX-CHARACTER", "Invalid character", "“b c”", "straight double quotes"),
        ("a = 1;\n", "E-SYNTAX-CHARACTER", "Invalid character", ";", "newlines"),
        ("a = 1\u00a0\n", "E-SYNTAX-CHARACTER", "Invalid character", "\u00a0", "U+00A0"),
        ('a = "b\nc = 1\n', "E-SYNTAX-STRING", "Invalid multi-line string", '"b', "heredoc"),
        ('a = "b', "E-SYNTAX-STRING", "Unterminated template string", '"b', "Close the string"),
        ('a = "${b"\nc = 1\n', "E-SYNTAX-TEMPLATE", "Unclosed template interpolation sequence", "${", 'missing "}"'),
        ('a = "x ${aws:username}"\n', "E-SYNTAX-POLICY-VARIABLE", "Policy variable written as an interpolation",
         "${aws:username}", "&{aws:username}"),
        ("a = ${b}\n", "E-SYNTAX-TEMPLATE", "Template sequence outside of a string", "${", "the expression itself"),
        (r'a = "\q"' "\n", "E-SYNTAX-ESCAPE", "Invalid escape sequence", r"\q", r'"\\"'),
        ("a = 1 2\n", "E-SYNTAX-NEWLINE", "Missing newline after argument", "2", "line of its own"),
        ("a = 1,\n", "E-SYNTAX-NEWLINE", "Unexpected comma after argument", ",", "Remove the comma"),
        ("a { b = 1, c = 2 }\n", "E-SYNTAX-ONE-LINE", "Invalid single-argument block definition", ",",
         "one argument definition per line"),
        ("a { b = 1\n}\n", "E-SYNTAX-ONE-LINE", "Invalid single-argument block definition", "", "closing brace"),
        ("a { b {} }\n", "E-SYNTAX-ONE-LINE", "Argument definition required", "b {", "line of its own"),
        ("a {\n", "E-SYNTAX-BLOCK", "Unclosed configuration block", "{", "missing"),
        ("a\n{\n}\n", "E-SYNTAX-ITEM", "Argument or block definition required", "a", '"a {"'),
        ('a "b"\n{\n}\n', "E-SYNTAX-BLOCK", "Invalid block definition", "", 'Put the "{" at the end of this line'),
        ('a "b" = {\n}\n', "E-SYNTAX-BLOCK", "Invalid block definition", "=", "Remove it"),
        ("a: 1\n", "E-SYNTAX-ITEM", "Argument or block definition required", "a", 'Use "="'),
        ('"a" = 1\n', "E-SYNTAX-ITEM", "Invalid argument name", '"a"', "without quotes"),
        ("}\n", "E-SYNTAX-ITEM", "Argument or block definition required", "}", "closes nothing"),
        ("a = x.0.1\n", "E-SYNTAX-INDEX", "Invalid legacy index syntax", "0.1", "[0][1]"),
        ("a = [1 2]\n", "E-SYNTAX-SEPARATOR", "Missing item separator", "2", "comma"),
        ("a = {b {}}\n", "E-SYNTAX-SEPARATOR", "Missing key/value separator", "{", "equals sign"),
        ("a = f(1 2)\n", "E-SYNTAX-CALL", "Missing argument separator", "2", "comma"),
        ("a = b ** c\n", "E-SYNTAX-OPERATOR", "Unsupported operator", "*", "pow("),
        ("a = b & c\n", "E-SYNTAX-OPERATOR", "Unsupported operator", "&", "&&"),
        ("a = {b.c = 1}\n", "E-SYNTAX-KEY", "Ambiguous attribute key", "b.c", "quotes"),
        ("a = [for x in y : k => x]\n", "E-SYNTAX-FOR", "Invalid 'for' expression", "k", "braces"),
        ('a = "%{ fro x in y }%{ endfor }"\n', "E-SYNTAX-DIRECTIVE", "Invalid template control keyword", "fro",
         'Did you mean "for"?'),
        ('a = "%{ if b }"\n', "E-SYNTAX-DIRECTIVE", "Unexpected end of template", "%{ if b }", "endif"),
        ("a = <<EOT\nx\n", "E-SYNTAX-HEREDOC", "Unterminated heredoc", "<<EOT", "line of its own"),
        ("a = <<EOT\nx\nEOT", "E-SYNTAX-HEREDOC", "Unterminated heredoc", "<<EOT", "newline"),
        ('a = <<"EOT"\nx\nEOT\n', "E-SYNTAX-HEREDOC", "Invalid heredoc", '<<"EOT"', "<<EOT"),
        ("a = 1.2.3\n", "E-SYNTAX-NUMBER", "Invalid number literal", "1.2.3", "quotes"),
        ("a = 1 /* b\n", "E-SYNTAX-COMMENT", "Unterminated comment", "/*", "*/"),
        ('a "${b}" {}\n', "E-SYNTAX-LABEL", "Invalid string literal", "${", "$${"),
        ("a = b ? c\n", "E-SYNTAX-CONDITIONAL", "Missing false expression in conditional", "", "parentheses"),
    ],
)  # fmt: skip
def test_one_error_says_what_where_and_the_way_out(text: str, code: str, summary: str, mark: str, way_out: str) -> None:
    found = errors(text)
    assert (found[0].code, found[0].summary) == (code, summary)
    assert underlined(found[0], text) == mark
    assert way_out in found[0].detail
    if code != "E-SYNTAX-DIRECTIVE":
        assert len(found) == 1


def test_a_second_definition_shows_both_places() -> None:
    text = "a = 1\nb = 2\na = 3\n"
    (found,) = errors(text)
    assert (found.code, found.summary) == ("E-SYNTAX-DUPLICATE", "Attribute redefined")
    assert "main.hcl:1,1" in found.detail
    assert found.subject is not None
    assert found.context is not None
    assert (found.subject.start.line, found.context.start.line) == (3, 1)


def test_every_error_of_a_run_is_reported() -> None:
    text = "a = foo(1\nb = 2\nc {\n  d =\n  e = 1\n  f = [1 2]\n}\ng = 5 5\nh = '6'\ni \"j {\n}\nk: 1\nl = 7\n"
    parsed, found = parse_file(Source("main.hcl", text))
    lines = [d.subject.start.line for d in found if d.subject is not None]
    assert lines == [2, 4, 6, 8, 9, 10, 12]
    assert list(parsed.attributes) == ["b", "g", "h", "l"]
    assert list(parsed.blocks[0].body.attributes) == ["e"]


def test_errors_inside_one_string_are_all_reported() -> None:
    found = errors('a = "${aws:x} ${b c} ${d} ${f(} ${aws:y}"\n')
    assert [d.code for d in found] == [
        "E-SYNTAX-POLICY-VARIABLE",
        "E-SYNTAX-TEMPLATE",
        "E-SYNTAX-EXPRESSION",
        "E-SYNTAX-POLICY-VARIABLE",
    ]


def test_an_error_in_a_nested_block_does_not_spoil_its_parent() -> None:
    parsed, found = parse_file(Source("main.hcl", "a {\n  b = foo(\nc {\n  d = 1\n}\n"))
    assert len(found) == 1
    assert [block.type for block in parsed.blocks] == ["a", "c"]
    assert list(parsed.blocks[1].body.attributes) == ["d"]


def test_a_missing_brace_is_looked_for_by_indentation() -> None:
    (found,) = errors('a {\n  b {\n    c = 1\n}\nd "e" {\n}\n')
    assert found.subject is not None
    assert found.subject.start.line == 1
    assert "line 5" in found.detail


def test_no_more_than_a_hundred_errors() -> None:
    assert len(errors("a = \n" * 500)) == 100
    assert len(errors(";" * 500)) == 100


# Bounds


NESTINGS = {
    "parentheses": ("(", "1", ")"),
    "tuples": ("[", "1", "]"),
    "objects": ("{a = ", "1", "}"),
    "calls": ("f(", "1", ")"),
    "indexes": ("a[", "1", "]"),
    "interpolations": ('"${', "1", '}"'),
    "for": ("[for x in ", "y", " : x]"),
    "conditionals": ("a ? b : ", "c", ""),
    "mixed": ('[{a = "x${f(', "1", ')}"}]'),
}


@pytest.mark.parametrize("kind", NESTINGS)
def test_depth_is_bounded_and_never_a_recursion_error(kind: str) -> None:
    opening, inner, closing = NESTINGS[kind]
    for depth in (MAX_DEPTH // 8, MAX_DEPTH * 2, 20_000):
        _, found = parse_file(Source("main.hcl", f"a = {opening * depth}{inner}{closing * depth}\nb = 1\n"))
        assert [d.code for d in found] == ([] if depth < MAX_DEPTH else ["E-SYNTAX-DEPTH"])


def test_nested_blocks_and_directives_are_bounded() -> None:
    assert errors("a {\n" * 60 + "}\n" * 60) == []
    assert [d.code for d in errors("a {\n" * 5000)][:1] == ["E-SYNTAX-DEPTH"]
    found = errors('a = "' + "%{ if b }" * 5000 + '"\n')
    assert [d.code for d in found] == ["E-SYNTAX-DEPTH"]


def test_chains_are_long_or_bounded() -> None:
    assert errors("a = 1" + " + 1" * 20_000 + "\n") == []
    assert [d.code for d in errors("a = b" + ".c" * 20_000 + "\n")] == ["E-SYNTAX-DEPTH"]
    assert [d.code for d in errors("a = b" + "[*]" * 20_000 + "\n")] == ["E-SYNTAX-DEPTH"]
    assert [d.code for d in errors("a = " + "!" * 20_000 + "b\n")] == ["E-SYNTAX-DEPTH"]


def test_keys_with_a_dot_are_names_only_where_the_caller_says_so() -> None:
    text = """module "x" {
  providers = { aws.audit = aws.main, "aws.b" = { c.d = 1 } }
  other     = { a.b = 1 }
}

module "y" {
  oops = {
  }}

  providers = {
    aws.audit = 1
  }
}

locals {
  providers = { a.b = 1 }
}
"""
    source = Source("main.hcl", text)
    _, found = parse_file(source, frozenset({("module", "providers")}))
    marked = [text[d.subject.start.byte : d.subject.end.byte] for d in found if d.subject and d.code == "E-SYNTAX-KEY"]
    assert marked == ["c.d", "a.b", "a.b"]
    _, found = parse_file(source)
    marked = [text[d.subject.start.byte : d.subject.end.byte] for d in found if d.subject and d.code == "E-SYNTAX-KEY"]
    assert marked == ["aws.audit", "c.d", "a.b", "aws.audit", "a.b"]
