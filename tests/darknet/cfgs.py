"""Small cfgs made of the layers of Darknet's families of networks, and text to break them with."""

from hypothesis import strategies as st

from yolo_tf.errors import UserError

NET = "[net]\nwidth=96\nheight=64\nchannels=3\n"
# One level of one anchor and two classes behind whatever stands before.
HEAD = """
[convolutional]
filters=7
activation=linear
[yolo]
mask=0
anchors=10,13, 16,30
num=2
classes=2
"""
CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize={}\nstride={}\npad=1\nactivation={}\n"


def with_net(layers: str) -> str:
    return NET + layers


def conv(filters: int, size: int = 3, stride: int = 1, activation: str = "leaky") -> str:
    return CONV.format(filters, size, stride, activation)


# YOLOv2: pools, a passthrough with reorg, anchors in cells.
V2 = with_net(
    conv(8)
    + "[maxpool]\nsize=2\nstride=2\n"
    + conv(16)
    + "[maxpool]\nsize=2\nstride=2\n"
    + conv(32)
    + "[route]\nlayers=-3\n"
    + conv(4, 1)
    + "[reorg]\nstride=2\n[route]\nlayers=-1,-4\n"
    + conv(32)
    + "[convolutional]\nsize=1\nstride=1\npad=1\nfilters=14\nactivation=linear\n"
    + "[region]\nanchors=0.5,0.75, 2,3\nbias_match=1\nclasses=2\ncoords=4\nnum=2\nsoftmax=1\n"
)
# YOLOv7: swish, joined branches with different ways of going down, pyramid of pools, new_coords.
_V7_OUTPUT = """
[convolutional]
size=1
stride=1
pad=1
filters=14
#activation=linear
activation=logistic

[yolo]
mask={}
anchors=12,16, 19,36, 40,28, 36,75
classes=2
num=4
scale_x_y=2.0
new_coords=1
"""
V7 = with_net(
    conv(8, 3, 2, "swish")
    + conv(8, 1, 1, "swish")
    + "[route]\nlayers=-2\n"
    + conv(8, 1, 1, "swish")
    + conv(8, 3, 1, "swish")
    + "[route]\nlayers=-1,-2,-4\n"
    + conv(16, 1, 1, "swish")  # 6
    + "[maxpool]\nsize=2\nstride=2\n"
    + conv(8, 1, 1, "swish")
    + "[route]\nlayers=-3\n"
    + conv(8, 1, 1, "swish")
    + conv(8, 3, 2, "swish")
    + "[route]\nlayers=-1,-4\n"
    + conv(16, 1, 1, "swish")  # 13
    + "[maxpool]\nstride=1\nsize=5\n[route]\nlayers=-2\n[maxpool]\nstride=1\nsize=9\n"
    + "[route]\nlayers=-4\n[maxpool]\nstride=1\nsize=13\n[route]\nlayers=-6,-5,-3,-1\n"
    + conv(8, 1, 1, "swish")  # 20
    + "[upsample]\nstride=2\n[route]\nlayers=6\n"
    + conv(8, 1, 1, "swish")
    + "[route]\nlayers=-1,-3\n"
    + conv(16, 3, 1, "swish")  # 25
    + _V7_OUTPUT.format("0,1")
    + "[route]\nlayers=25\n"
    + conv(16, 3, 2, "swish")
    + "[route]\nlayers=-1,20\n"
    + _V7_OUTPUT.format("2,3")
)
# MobileNet-YOLO and Yolo-Fastest: depthwise and grouped convolutions, dropout, shortcuts.
MOBILE = with_net(
    conv(8, 3, 2, "relu")
    + "[convolutional]\ngroups=8\nfilters=8\nsize=3\nstride=2\npad=1\nbatch_normalize=1\n"
    + "activation=relu\n"
    + conv(8, 1, 1, "linear")
    + conv(16, 1, 1, "relu")
    + "[convolutional]\ngroups=4\nfilters=16\nsize=5\npad=1\nbatch_normalize=1\nactivation=relu\n"
    + conv(8, 1, 1, "linear")
    + "[dropout]\nprobability=.15\n[shortcut]\nfrom=-5\nactivation=linear\n"
    + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
    + conv(8, 3, 2, "mish")
    + HEAD.replace("filters=7", "filters=7\nsize=1")  # OpenCV has no default
)
# EfficientNet's squeeze and excitation, and YOLOv4's spatial attention.
ATTENTION = with_net(
    conv(8, 3, 2, "swish")
    + "[avgpool]\n"
    + "[convolutional]\nfilters=2\nsize=1\nstride=1\nactivation=swish\n"
    + "[convolutional]\nfilters=8\nsize=1\nstride=1\nactivation=logistic\n"
    + "[scale_channels]\nfrom=-4\n"
    + conv(8, 1, 1, "mish")
    + conv(8, 1, 1, "logistic")
    + "[sam]\nfrom=-2\n"
    + conv(12, 3, 2, "leaky")
    + HEAD.replace("filters=7", "filters=7\nsize=1\nstride=1")
)
# Gaussian YOLOv3.
GAUSSIAN = with_net(
    conv(8, 3, 4)
    + conv(12, 3, 2, "mish")
    + HEAD.replace("filters=7", "size=1\nfilters=22")
    .replace("mask=0\n", "")
    .replace("[yolo]", "[Gaussian_yolo]")
    + "scale_x_y=1.1\niou_thresh=0.3\niou_loss=giou\niou_normalizer=0.5\nuc_normalizer=0.8\n"
)
# What no published network has side by side.
OTHERS = with_net(
    conv(8, 3, 4, "relu6")
    + "[maxpool]\nsize=3\nstride=1\n"
    + "[convolutional]\nfilters=6\nsize=3\nstride_x=1\nstride_y=1\ndilation=2\npad=1\n"
    + "[maxpool]\nsize=2\nstride=2\npadding=2\n"
    + "[convolutional]\nfilters=12\nsize=2\npadding=0\ncbn=1\nactivation=logistic\n"
    + "[route]\nlayers=-1,-1\ngroups=3\ngroup_id=2\n"
    + "[shortcut]\nfrom=-2,-1\nactivation=leaky\n"  # 12 channels and 8 onto 8
    + "[convolutional]\nfilters=1\nactivation=logistic\n"
    + "[scale_channels]\nfrom=-2\nscale_wh=1\nactivation=leaky\n"
    + "[upsample]\nstride=4\n[reorg3d]\nstride=2\n[dropout]\n"
    + HEAD
)
SMALL = {"v2": V2, "v7": V7, "mobile": MOBILE, "attention": ATTENTION, "gaussian": GAUSSIAN}
SMALL["others"] = OTHERS

_NUMBERS = """0 -1 1 2 3 -2147483648 2147483647 2147483648 99999999999999999999 1e308 1e999 nan inf
    0x10 .5 3.7 abc 1,2,3 -1,-1 , 1, 1,,2 4 7 32 64 -2 10,13 1024 leaky linear logistic none"""
_KINDS = """net convolutional conv maxpool max route shortcut upsample dropout reorg reorg3d yolo
    region Gaussian_yolo avgpool scale_channels sam connected softmax"""
_KEYS = """filters size stride stride_x stride_y pad padding dilation groups group_id layers from
    activation batch_normalize weights_type scale probability reverse classes num mask anchors
    coords new_coords width height channels xnor share_index scale_wh"""
_VALUES = st.sampled_from(
    [*_NUMBERS.split(), "9" * 5000, ",".join(["-1"] * 1001), "\u2028", "\u0663"]
)
_SECTIONS = st.tuples(
    st.sampled_from(_KINDS.split()),
    st.lists(st.tuples(st.sampled_from(_KEYS.split()), _VALUES), max_size=6),
)


@st.composite
def cfg_texts(draw):
    """Text in the grammar of a cfg, most of it without sense."""
    blocks = [NET] if draw(st.booleans()) else []
    for kind, values in draw(st.lists(_SECTIONS, max_size=12)):
        blocks.append("\n".join([f"[{kind}]", *(f"{key}={value}" for key, value in values)]))
    return "\n".join([*blocks, HEAD if draw(st.booleans()) else ""])


@st.composite
def mutated(draw, texts: list[str]):
    """A cfg with lines left out, repeated, or given another value."""
    lines = draw(st.sampled_from(texts)).split("\n")
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[place].partition("=")
        action = draw(st.sampled_from(["leave out", "repeat", "value", "value"]))
        if action == "leave out" and len(lines) > 1:
            del lines[place]
        elif action == "repeat":
            lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
        elif equals:
            lines[place] = f"{key}={draw(_VALUES)}"
    return "\n".join(lines)


def tried(function, *arguments) -> tuple:
    """(result, "") of a call, or (None, message) where it raises `UserError`; others pass."""
    try:
        return function(*arguments), ""
    except UserError as error:
        return None, str(error)
