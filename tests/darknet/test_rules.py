"""What each section of a cfg means, and what is refused (algorithms.md 6.1, 6.2)."""

import pytest

from tests.darknet.cfgs import HEAD, NET, conv
from yolo_tf.darknet.cfg import parse_cfg
from yolo_tf.darknet.layer import Scope
from yolo_tf.darknet.plan import plan
from yolo_tf.darknet.rules import ACTIVATIONS, resolve
from yolo_tf.errors import UserError
from yolo_tf.models import layers as activations


def _plan(layers: str):
    return plan(parse_cfg(NET + layers, "small.cfg"))


def _shape(layers: str):
    """Of the last of these sections, on an image of 64 x 96; each level has the shape before."""
    cfg = parse_cfg(NET + layers, "small.cfg")
    scope = Scope((64, 96, 3), [])
    for section in cfg.layers:
        scope.add(resolve(section, scope))
    return scope.layers[-1].shape


def test_activations_are_layers():
    assert set(ACTIVATIONS) <= set(activations.ACTIVATIONS)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (conv(8), (64, 96, 8)),
        (conv(8, 3, 2), (32, 48, 8)),
        (conv(8, 5, 1), (64, 96, 8)),
        (conv(8, 4, 1), (65, 97, 8)),
        ("[conv]\n", (64, 96, 1)),
        ("[conv]\nsize=3", (62, 94, 1)),
        ("[conv]\nsize=3\npadding=2", (66, 98, 1)),
        ("[conv]\nsize=3\npadding=2\npad=1", (64, 96, 1)),
        ("[conv]\nstride=4\nstride_x=2", (16, 48, 1)),
        ("[conv]\nstride_y=2", (32, 96, 1)),
        ("[conv]\nsize=3\npad=1\ndilation=4", (64, 96, 1)),
        ("[conv]\ndilation=4\nstride=2", (32, 48, 1)),  # nothing to spread in a 1x1 kernel
        ("[conv]\nfilters=6\ngroups=3", (64, 96, 6)),
        ("[maxpool]", (64, 96, 3)),
        ("[maxpool]\nstride=2", (32, 48, 3)),
        ("[maxpool]\nstride=2\nsize=3", (32, 48, 3)),
        ("[maxpool]\nstride=2\nsize=3\npadding=0", (31, 47, 3)),
        ("[maxpool]\nsize=13", (64, 96, 3)),
        (conv(8) + conv(4) + "[route]\nlayers=-1,0", (64, 96, 12)),
        (conv(8) + conv(4) + "[route]\nlayers=-1,0\ngroups=4\ngroup_id=3", (64, 96, 3)),
        (conv(8) + conv(4) + "[shortcut]\nfrom=-2", (64, 96, 4)),
        (conv(8) + conv(4) + "[shortcut]\nfrom=-2,0,1", (64, 96, 4)),
        ("[avgpool]", (1, 1, 3)),
        ("[avg]\n" + conv(8, 1) + conv(3, 1), (1, 1, 3)),
        (conv(8) + "[avgpool]\n" + conv(8, 1) + "[scale_channels]\nfrom=0", (64, 96, 8)),
        (conv(8) + conv(1) + "[scale_channels]\nfrom=-2\nscale_wh=1", (64, 96, 8)),
        (conv(8) + conv(8) + "[sam]\nfrom=-2", (64, 96, 8)),
        ("[upsample]", (128, 192, 3)),
        ("[upsample]\nstride=1", (64, 96, 3)),
        ("[dropout]", (64, 96, 3)),
        (conv(8) + "[reorg]\nstride=2", (32, 48, 32)),
        ("[reorg3d]\nstride=2", (32, 48, 12)),
    ],
)
def test_shapes(layers, shape):
    assert _shape(layers) == shape


def test_defaults_and_references():
    layers = _plan(conv(7) + conv(7, 1) + "[shortcut]\nfrom=-2\n[route]\nlayers=-1,1\n" + HEAD)
    assert [layer.inputs for layer in layers] == [(-1,), (0,), (1, 0), (2, 1), (3,), (4,)]
    assert [layer.conv for layer in layers] == [0, 1, -1, -1, 2, -1]
    assert [layer.activation for layer in layers[:3]] == ["leaky", "leaky", "linear"]
    assert [layer.batch_norm for layer in layers[:5]] == [True, True, False, False, False]
    assert layers[0].floats == 7 * 3 * 9 + 4 * 7
    assert layers[4].floats == 14 * 7 + 7


def test_the_default_activation_is_logistic():
    layers = _plan("[conv]\nfilters=8\n" + HEAD)
    assert layers[0].activation == "logistic"


@pytest.mark.parametrize("value", [1, 2])
def test_batch_normalize_may_be_2(value):
    assert _plan(f"[conv]\nbatch_normalize={value}\n" + HEAD)[0].batch_norm


SAME_STRIDE = HEAD + "[route]\nlayers=0\n" + HEAD
SECOND = conv(8) + HEAD + "[route]\nlayers=0\n" + conv(8, 3, 2) + HEAD
REGION = "[conv]\nfilters=8\nactivation=linear\n[region]\nnum=1\nanchors=1,2\n"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("[lstm]", r":5: \[lstm\]: not supported; supported are convolutional, maxpool, avgpool"),
        ("[net]", r":5: \[net\]: not supported"),
        ("[conv]\nactivation=elu", r":6: \[convolutional\] activation=elu: .* leaky, mish"),
        ("[shortcut]\nactivation=selu\nfrom=-1", "none of the 0 layers"),
        (conv(8) + "[shortcut]\nactivation=selu\nfrom=-1", "activation=selu: not supported"),
        ("[conv]\nxnor=1", r":6: \[convolutional\] xnor=1: not supported"),
        ("[conv]\nantialiasing=2", "antialiasing=2: not supported"),
        ("[conv]\nassisted_excitation=.5", "assisted_excitation=.5: not supported"),
        ("[conv]\nshare_index=0", "share_index=0: not supported"),
        ("[conv]\nfilters=0", "filters=0: expected a whole number from 1 to 65536"),
        ("[conv]\nsize=-3", "size=-3: expected a whole number from 1 to 64"),
        ("[conv]\nsize=64\nfilters=99999", "filters=99999: expected"),
        ("[conv]\nstride=0", "stride=0: expected a whole number from 1"),
        ("[conv]\ngroups=2", "groups=2: does not divide 3 channels and 1 filters"),
        ("[conv]\nsize=3\ndilation=2\npad=1\nstride=2", "dilation=2: supported with stride=1"),
        ("[conv]\nsize=3\ndilation=2", "dilation=2: supported with stride=1"),
        ("[conv]\nsize=3\npadding=-1", "padding=-1: expected"),
        ("[conv]\nstride=64\n[conv]\nsize=3", "size=3: larger than its input of 1"),
        ("[maxpool]\nmaxpool_depth=1", "maxpool_depth=1: not supported"),
        ("[maxpool]\nstride_x=2", "strides 2 across and 1 down"),
        ("[maxpool]\nsize=2\npadding=3", "padding=3: expected a whole number from 0 to 2"),
        ("[route]", r"\[route\] layers missing: expected the numbers of layers"),
        ("[route]\nlayers=-1", "layers=-1: -1 is none of the 0 layers before"),
        (conv(8) + "[route]\nlayers=1", "layers=1: 1 is none of the 1 layers before"),
        (conv(8) + "[route]\nlayers=-2", "layers=-2: -2 is none of the 1 layers before"),
        (conv(8) + conv(8, 3, 2) + "[route]\nlayers=0,1", "layer 1 is 32 x 48, layer 0 64 x 96"),
        (conv(9) + "[route]\nlayers=0\ngroups=2", "groups=2: does not divide the 9 channels"),
        (conv(8) + "[route]\nlayers=0\ngroups=2\ngroup_id=2", "group_id=2: expected .* 0 to 1"),
        (conv(9999) + f"[route]\nlayers=0{',0' * 9}", "99990 channels in all, expected 65536"),
        (conv(8) + "[shortcut]", "from missing"),
        (conv(8) + conv(8, 3, 2) + "[shortcut]\nfrom=0", "from=0: layer 0 is 64 x 96, layer 1"),
        (conv(8) + "[shortcut]\nfrom=0\nweights_type=per_channel", "weights_type=per_channel: we"),
        (conv(8) + "[sam]", "from missing"),
        (conv(8) + "[sam]\nfrom=-1,-1", "from=-1,-1: expected the number of one layer"),
        (conv(8) + conv(4) + "[sam]\nfrom=0", "layer 0 is 64 x 96 x 8 .*, so .* be 64 x 96 x 8; "),
        (conv(8) + "[scale_channels]\nfrom=0", "must be 1 x 1 x 8; it is 64 x 96 x 8"),
        (conv(8) + "[scale_channels]\nfrom=0\nscale_wh=1", "must be 64 x 96 x 1; it is 64"),
        (conv(8) + "[sam]\nfrom=0\nactivation=mish", "activation=mish: not supported; .* leaky, r"),
        ("[upsample]\nstride=-2", "stride=-2: expected a whole number from 1"),
        ("[upsample]\nscale=2", "scale=2: not supported, expected 1"),
        ("[upsample]\nstride=64\n" * 3, "more than 2147483648 numbers up to here"),
        ("[dropout]\nprobability=1", "probability=1: expected a number from 0"),
        ("[reorg]\nstride=2", "stride=2: does not fit an input of 64 x 96 x 3"),
        ("[reorg3d]\nstride=5", "stride=5: does not fit an input"),
        (conv(8) + "[reorg]\nstride=2\nreverse=1", "reverse=1: not supported"),
        (conv(9999) + "[reorg3d]\nstride=4", "gives more than 65536 channels"),
        (conv(9999) + conv(9999), "more than 500000000 weights up to here"),
        ("[dropout]\n" * 1001, "1001 layers, expected 1000 at most"),
        ("", r"no \[yolo\], \[region\] or \[Gaussian_yolo\] section; only detectors"),
        (conv(8), r"no \[yolo\], \[region\] or \[Gaussian_yolo\] section; only detectors"),
        (
            conv(8) + "[avgpool]\n[softmax]",
            r":13: \[softmax\]: the cfg is a classifier: it has no ",
        ),
        (conv(8) + "[avgpool]", r":12: \[avgpool\]: the cfg is a classifier"),
        ("[yolo]\nnum=1\nanchors=1,2", r"\[yolo\]: expected a \[convolutional\] section directly"),
        (HEAD.replace("filters=7", "filters=21"), r"filters=21: \[yolo\] in line 9 needs 7: "),
        (HEAD.replace("filters=7", "size=3\npad=1\nfilters=7"), "expected size=1, stride=1"),
        (HEAD.replace("filters=7", "padding=1\nfilters=7"), "expected size=1, stride=1, no padd"),
        (HEAD.replace("filters=7", "batch_normalize=1\nfilters=7"), "no batch_normalize, as .yolo"),
        (HEAD.replace("linear", "logistic"), r"activation=logistic: .* needs activation=linear$"),
        (HEAD.replace("yolo", "Gaussian_yolo"), r"line 9 needs 11: \(9 \+ classes\) for each"),
        (
            HEAD.replace("yolo", "Gaussian_yolo") + "yolo_point=left_top",
            "yolo_point=left_top: not supported, expected center",
        ),
        (HEAD + "new_coords=1", "needs activation=logistic with new_coords=1; set it, or new_coo"),
        (HEAD.replace("classes=2", "classes=0"), "classes=0: expected a whole number from 1"),
        (HEAD.replace("mask=0", "mask=2"), "mask=2: expected indices from 0 to 1, as num=2"),
        (HEAD.replace("mask=0", "mask=-1"), "mask=-1: expected indices"),
        (HEAD.replace("num=2", "num=9").replace("mask=0", "mask=5"), "2 pairs, mask needs pair 5"),
        (HEAD.replace("13, ", "13"), "anchors=10,1316,30: 3 numbers, expected pairs"),
        (HEAD.replace("13,", "0,"), "expected numbers above 0, at most 100000"),
        (HEAD.replace("anchors", "anchor"), "anchors missing: expected widths and heights"),
        ("[conv]\nsize=2\n" + HEAD, "grid of 63 x 95 does not divide the input of 64 x 96"),
        ("[conv]\nstride_x=2\n" + HEAD, "grid of 64 x 48 does not divide"),
        (conv(8) + SAME_STRIDE, r":\d+: \[yolo\]: stride 1, as the one in line 16; expected one"),
        (SECOND[:-2] + "3", r"filters=7: .* needs 8"),
        (SECOND.replace("=7", "=8", 1).replace("classes=2", "classes=3", 1), "line 16 has 3"),
        (HEAD + conv(8), r"takes layer 1, \[yolo\] in line 9, which is an output"),
        (HEAD + "[route]\nlayers=0", r"takes layer 0, \[convolutional\] in line 6, which is an"),
        (conv(8) + conv(8) + "[route]\nlayers=0" + HEAD, r":12: .*: no output depends on it; take"),
        (conv(8) + HEAD + "[route]\nlayers=0\n" + conv(8), "no output depends on it"),
        (REGION + "classes=2\ncoords=5", "coords=5: expected 4: x, y, width and height"),
        (REGION + "classes=4", r"filters=8: \[region\] in line 8 needs 9"),
        (REGION.replace("num=1", "num=2") + "classes=2", "1 pairs, expected 2, as num=2"),
        (REGION + "classes=3\ntree=9k.tree", "tree=9k.tree: not supported"),
    ],
)
def test_what_is_refused(layers, message):
    with pytest.raises(UserError, match=message) as error:
        _plan(layers)
    assert str(error.value).startswith("small.cfg:")
