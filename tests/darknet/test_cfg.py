"""Darknet's cfg grammar (algorithms.md 6.1)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.darknet.cfgs import cfg_texts, tried
from tests.darknet.data import cfg_files
from yolo_tf.darknet import cfg as module
from yolo_tf.darknet.cfg import cfg_text, parse_cfg, read_cfg
from yolo_tf.errors import UserError

EXAMPLE = """
; a comment
# another = one
[net]
 width = 4 1 6\t
batch=64
batch=1
[conv]
filters = 32   # as many
activation=leaky # why
#size=3
[max]
[yolo]
anchors = 10,13,  16.5,30
mask = 0,-1
"""


def _sections(cfg):
    return [(s.kind, s.values) for s in (cfg.net, *cfg.layers)]


def test_sections_keys_and_values():
    assert _sections(parse_cfg(EXAMPLE)) == [
        ("net", {"width": "416", "batch": "64"}),
        ("convolutional", {"filters": "32", "activation": "leaky"}),
        ("maxpool", {}),
        ("yolo", {"anchors": "10,13,16.5,30", "mask": "0,-1"}),
    ]


def test_lines_are_counted():
    cfg = parse_cfg(EXAMPLE, "example.cfg")
    assert (cfg.net.line, cfg.net.lines) == (4, {"width": 5, "batch": 6})
    assert [section.line for section in cfg.layers] == [8, 12, 13]
    assert cfg.name == cfg.layers[0].file == "example.cfg"


def test_carriage_returns_are_whitespace():
    assert _sections(parse_cfg(EXAMPLE.replace("\n", "\r\n"))) == _sections(parse_cfg(EXAMPLE))


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("conv", "convolutional"),
        ("max", "maxpool"),
        ("conn", "connected"),
        ("avg", "avgpool"),
        ("soft", "softmax"),
        ("reorg3d", "reorg3d"),
        ("Conv", "Conv"),
    ],
)
def test_short_names(short, full):
    assert parse_cfg(f"[network]\n[{short}]").layers[0].kind == full


@pytest.mark.parametrize(
    ("text", "integer", "number"),
    [
        ("3", 3, 3.0),
        ("-3", -3, -3.0),
        ("+3", 3, 3.0),
        ("3.7", 3, 3.7),
        ("1e-5", 1, 1e-5),
        ("4;x", 4, 4.0),
        ("007", 7, 7.0),
        ("2147483647", 2147483647, 2147483647.0),
        ("0" * 90 + "5", 5, 5.0),
    ],
)
def test_numbers(text, integer, number):
    section = parse_cfg(f"[net]\na={text}").net
    assert section.integer("a", 0) == integer
    assert section.number("a", 0) == number
    assert section.text("a") == text


def test_a_number_may_begin_with_a_point():
    assert parse_cfg("[net]\na=.1").net.number("a") == 0.1


def test_lists():
    section = parse_cfg("[net]\na=-1, 2.5,3 #4,5").net
    assert section.integers("a") == (-1, 2, 3)
    assert section.numbers("a") == (-1.0, 2.5, 3.0)
    assert parse_cfg("[net]\na=7").net.integers("a") == (7,)


def test_defaults():
    section = parse_cfg("[net]").net
    assert section.text("a", "b") == "b"
    assert section.integer("a", 1) == 1
    assert section.number("a", 0.5) == 0.5
    assert section.integers("a", (1, 2)) == (1, 2)
    assert section.numbers("a") is None


@pytest.mark.parametrize(
    ("getter", "text", "problem"),
    [
        ("integer", "abc", "whole number"),
        ("integer", ".5", "whole number"),
        ("integer", "2147483648", "at most 2147483647"),
        ("integer", "9" * 10_000, "at most"),
        ("integer", "\u0663", "whole number"),
        ("number", "abc", "a number"),
        ("number", "nan", "a number"),
        ("number", "inf", "a number"),
        ("number", "-", "a number"),
        ("number", "1e999", "fits a float"),
        ("number", "9" * 10_000, "fits a float"),
        ("integers", "1,x", "whole number, found 'x'"),
        ("integers", "1,2,", "whole number, found ''"),
        ("numbers", "1,,2", "a number, found ''"),
        ("integers", "1" + ",1" * 1000, "1001 values, expected 1000 at most"),
    ],
)
def test_what_is_no_number_is_named(getter, text, problem):
    section = parse_cfg(f"[net]\n[conv]\nsize={text}", "bad.cfg").layers[0]
    with pytest.raises(UserError, match=problem) as error:
        getattr(section, getter)("size")
    assert str(error.value).startswith("bad.cfg:3: [convolutional] size=")
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"bad.cfg: expected \[net\] .* found none"),
        ("# nothing", r"found none"),
        ("a=1\n[net]", r"bad.cfg:1: expected \[net\] first, found 'a=1'"),
        ("[conv]\n[net]", r"bad.cfg:1: \[convolutional\]: expected \[net\] as the first"),
        ("[net]\n\nfilters 32", r"bad.cfg:3: \[net\]: expected key=value .* 'filters32'"),
        ("[net]\nx # a=1", r"bad.cfg:2: \[net\]: expected key=value"),
        ("[net]\nfilters=", r"bad.cfg:2: \[net\] filters=: expected a value"),
        ("[net]\nfilters=# 3", r"bad.cfg:2: \[net\] filters=: expected a value"),
        ("[net]\n=3", r"bad.cfg:2: \[net\]: expected key=value"),
        ("[net]\n[conv", r"bad.cfg:2: expected \[section\], found '\[conv'"),
        ("[net]\n[]", r"bad.cfg:2: expected \[section\]"),
        ("[net]\n[conv]size=3", r"bad.cfg:2: expected \[section\]"),
        ("[net]\n" + "[a]\n" * 10_000, r"bad.cfg:\d+: more than 10000 sections"),
        ("#" * (1 << 20) + "##", r"bad.cfg: longer than"),
    ],
)
def test_what_is_no_cfg_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        parse_cfg(text, "bad.cfg")


def test_a_section_may_have_a_comment():
    assert parse_cfg("[net]#1\n[conv] ; 2\n[max]").layers[0].kind == "convolutional"


def test_files(tmp_path):
    path = tmp_path / "a.cfg"
    path.write_bytes(b"\xef\xbb\xbf[net]\nwidth=32 # \xff\n")
    assert read_cfg(path).net.values == {"width": "32"}
    assert read_cfg(str(path)).name == str(path)
    path.write_bytes(b"\n" * (module.MAX_CHARACTERS + 1))
    with pytest.raises(UserError, match="longer than"):
        read_cfg(path)
    with pytest.raises(UserError, match=r"none.cfg: not readable as a cfg file: No such file"):
        read_cfg(tmp_path / "none.cfg")
    with pytest.raises(UserError, match="found a folder, expected a cfg file"):
        read_cfg(tmp_path)


@pytest.mark.parametrize("path", cfg_files())
def test_darknets_own_files_come_back(path):
    cfg = read_cfg(path)
    assert _sections(parse_cfg(cfg_text(cfg))) == _sections(cfg)
    assert cfg.net.integer("width") >= 256


@settings(deadline=2000)
@given(st.one_of(st.text(), st.text("[net]conv=#;\n ,1"), cfg_texts()))
def test_any_text_is_a_cfg_or_refused(text):
    for candidate in (text, f"[net]\n{text}"):
        cfg, message = tried(parse_cfg, candidate, "any.cfg")
        if cfg:
            assert _sections(parse_cfg(cfg_text(cfg))) == _sections(cfg)
        else:
            assert message.startswith("any.cfg")
            assert len(message.splitlines()) == 1
            assert len(message) < 900


@settings(deadline=2000)
@given(st.binary())
def test_any_bytes_are_a_cfg_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cfg") / "any.cfg"
    path.write_bytes(data)
    cfg, message = tried(read_cfg, path)
    assert cfg.net.kind == "net" if cfg else message.startswith(str(path))


@settings(deadline=2000)
@given(st.text(min_size=1).map(lambda text: text.replace("\n", "").replace("#", "")))
def test_any_value_is_a_number_or_refused(value):
    cfg, _ = tried(parse_cfg, f"[net]\na={value}", "any.cfg")
    if cfg:
        for getter in (cfg.net.integer, cfg.net.number, cfg.net.integers, cfg.net.numbers):
            result, message = tried(getter, "a")
            assert message.startswith("any.cfg:2: [net] a=") if result is None else not message


def test_a_comma_missing_between_anchors_is_mended_and_told():
    text = "[net]\nwidth=32 0\n[yolo]\nanchors = 1,2,  3.5,45 \t 61,4 # 1 2\n"
    cfg = parse_cfg(text)
    assert cfg.layers[0].numbers("anchors") == (1, 2, 3.5, 45, 61, 4)
    assert cfg.net.integer("width") == 320  # as Darknet reads it
    (remark,) = cfg.remarks
    assert "line 4" in remark
    assert parse_cfg(cfg_text(cfg)).remarks == []
