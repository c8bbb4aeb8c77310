"""From the fields of a cfg to a recipe."""

import pytest

from tests.darknet.cfgs import NET, V2, V7, conv
from tests.darknet.data import all_detectors, cfg_files
from yolo_tf.config import Config
from yolo_tf.config.check import check_config
from yolo_tf.darknet.cfg import read_cfg
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.recipe import apply_cfg, net_fields, nms_fields
from yolo_tf.detector.build import build_head
from yolo_tf.errors import UserError
from yolo_tf.train.optimizers import Schedule

LEVEL = """[convolutional]
size=1
filters=14
activation=linear
[yolo]
mask={mask}
anchors=10,13, 16,30, 33,23, 30,61
num=4
classes=2
"""
TWO_LEVELS = (
    conv(8, 3, 2) + conv(8, 3, 2) + LEVEL.format(mask="0,1") + "{fine}"
    + "[route]\nlayers=1\n" + conv(8, 3, 2) + LEVEL.format(mask="2,3") + "{coarse}"
)  # fmt: skip


@pytest.fixture
def recipe(tmp_path):
    """Function: fields of [net] and of the two [yolo] sections -> (config, remarks)."""

    def make(net="", fine="", coarse="", text=None):
        path = tmp_path / "net.cfg"
        text = text or NET + net + TWO_LEVELS.format(fine=fine, coarse=coarse)
        path.write_text(text)
        config = Config()
        return config, apply_cfg(config, path)

    return make


def test_defaults_are_darknets(recipe):
    config, remarks = recipe()
    assert config.input_size == (64, 96)
    assert config.model.name == "net"
    assert config.head.anchors == {4: ((10, 13), (16, 30)), 8: ((33, 23), (30, 61))}
    assert config.head.scale_xy == {4: 1.0, 8: 1.0}
    assert config.head.codec == "exp"
    loss = config.head.loss
    assert (loss.iou_type, loss.box_normalizer, loss.ignore_threshold) == ("mse", 0.75, 0.5)
    assert config.head.assign.policy == "best"
    assert config.head.loss_by_stride == {}
    assert (config.nms.iou_threshold, config.data.max_boxes) == (0.45, 200)
    optimizer = config.train.optimizer
    assert (optimizer.name, optimizer.learning_rate, optimizer.weight_decay) == ("sgd", 1e-3, 1e-4)
    assert (config.data.augment.jitter, config.data.augment.hue) == (0.2, 0)
    assert (config.data.augment.saturation, config.data.augment.flip) == (1, 0.5)
    assert config.train.schedule.name == "constant"
    assert remarks == ["[net] batch=1, as for testing: config.train.batch_size stays 16"]


def test_every_field_has_its_place(recipe):
    level = (
        "scale_x_y=1.1\niou_thresh=0.213\niou_loss=ciou\niou_normalizer=0.07\ncls_normalizer=0.5\n"
        "obj_normalizer=4\nignore_thresh=.7\nlabel_smooth_eps=0.1\nobjectness_smooth=1\n"
        "max_delta=5\nmax=50\njitter=.3\nresize=1.5\n"
    )
    config, remarks = recipe(
        "batch=32\nmomentum=0.949\ndecay=0.0005\nlearning_rate=0.0026\nletter_box=1\nflip=0\n"
        "saturation=1.5\nexposure=0.5\nhue=.1\nmax_batches=1000\n",
        level,
        level.replace("obj_normalizer=4", "obj_normalizer=1").replace("max_delta=5", "max_delta=2"),
    )
    assert remarks == []
    assert config.head.scale_xy == {4: 1.1, 8: 1.1}
    assign, loss = config.head.assign, config.head.loss
    assert (assign.policy, assign.threshold, assign.extra_matches) == ("threshold", 0.213, True)
    assert (loss.iou_type, loss.box_normalizer, loss.class_normalizer) == ("ciou", 0.07, 0.5)
    assert (loss.objectness_normalizer, loss.ignore_threshold, loss.max_delta) == (4, 0.7, 5)
    assert (loss.label_smoothing, loss.objectness_smooth) == (0.1, 1)
    assert config.head.loss_by_stride == {8: {"objectness_normalizer": 1, "max_delta": 2}}
    assert (config.data.resize, config.data.max_boxes) == ("letterbox", 50)
    augment = config.data.augment
    assert (augment.jitter, augment.resize, augment.flip, augment.hue) == (0.3, 1.5, 0, 0.1)
    assert (augment.saturation, augment.exposure) == (1.5, 2)  # a factor and its inverse are one
    optimizer = config.train.optimizer
    assert (optimizer.learning_rate, optimizer.momentum, optimizer.clip_norm) == (0.0026, 0.949, 0)
    assert (config.train.batch_size, config.train.epochs, config.train.updates) == (32, 0, 1000)


def rates(config, steps):
    """Learning rates relative to the peak of a training of 1000 updates."""
    schedule = Schedule(config.train.schedule, 1.0, steps_per_epoch=10, epochs=100)
    return [float(schedule(step)) for step in steps]


@pytest.mark.parametrize(
    ("net", "steps", "expected"),
    [
        ("policy=constant", [0, 999], [1, 1]),
        ("policy=steps\nsteps=400,800\nscales=.1,.5", [399, 400, 800], [1, 0.1, 0.05]),
        ("policy=steps\nsteps=-1,500,5000\nscales=.1,10,.1", [0, 499, 500], [0.1, 0.1, 1]),
        ("policy=step\nstep=300\nscale=.5", [299, 300, 600, 900], [1, 0.5, 0.25, 0.125]),
        ("policy=poly\npower=2", [0, 500], [1, 0.25]),
        ("policy=exp\ngamma=0.999", [0, 100, 900], [1, 0.999**100, 0.999**900]),
        ("policy=sgdr\nlearning_rate=0.1\nlearning_rate_min=0.01", [0, 500, 1000], [1, 0.55, 0.1]),
        ("policy=constant\nburn_in=100\npower=4", [49, 99, 100], [1 / 16, 1, 1]),
    ],
)
def test_policies(recipe, net, steps, expected):
    config, _ = recipe(f"max_batches=1000\n{net}\n")
    assert rates(config, steps) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("net", "fine", "message"),
    [
        ("policy=steps\nmax_batches=10\nsteps=1,2\nscales=.1\n", "", r"\[net\] steps=1,2: 2 steps"),
        ("policy=sgdr\nmax_batches=9\nsgdr_cycle=3\n", "", r"sgdr_cycle=3: restarts are not"),
        ("policy=step\nmax_batches=9\nstep=0\n", "", r"step=0: expected 1 or more"),
        ("learning_rate=fast\n", "", r"learning_rate=fast: expected a number"),
        ("", "iou_loss=l1\n", r"net\.cfg:\d+: \[yolo\] iou_loss=l1: expected one of mse, iou"),
        ("", "iou_loss=giou\n", r"\[yolo\] iou_loss missing: expected the same in all levels"),
        ("", "nms_kind=diounms\nbeta_nms=0\n", r"\[yolo\] beta_nms=0: expected more than 0"),
        ("", "obj_normalizer=much\n", r"\[yolo\] obj_normalizer=much: expected a number"),
    ],
)
def test_mistakes_name_their_line(recipe, net, fine, message):
    with pytest.raises(UserError, match=message):
        recipe(net, fine)


def test_what_has_no_use_is_listed(recipe):
    _, remarks = recipe(
        "angle=7\ncutmix=1\nsubdivisions=8\npolicy=random\nbatch=64\nnew=thing\n",
        "focal_loss=1\ntruth_thresh=1\nnms_kind=greedynms\nbeta_nms=0.6\n",
        "focal_loss=1\ntruth_thresh=0.9\nbeta_nms=0.6\n",
    )
    assert remarks[0] == "[net] policy=random is not supported: the learning rate stays constant"
    assert [remark.split(" (")[0] for remark in remarks[1:]] == [
        "[net] angle=7",
        "[net] cutmix=1",
        "[net] subdivisions=8",
        "[net] new=thing",
        "[yolo] focal_loss=1",
        "[yolo] nms_kind=greedynms",
        "[yolo] truth_thresh=0.9",
    ]
    assert "[net] angle=7 (line 5) is not used" in remarks
    lines = [remark for remark in remarks if "focal_loss=1" in remark]
    assert lines[0].count(",") == 1  # both places in one line


@pytest.mark.parametrize(
    ("net", "level", "mosaic", "mixup", "sizes"),
    [
        ("", "", 0, 0, ()),
        ("mosaic=1\nmixup=1\nmosaic_bound=1\n", "random=0\n", 0.5, 0, ()),
        ("mixup=1\n", "", 0, 0.5, ()),
        # 64x96: 96x144 would not be whole steps of 32.
        ("", "random=1\n", 0, 0, (64, 128)),
        ("resize_step=16\n", "random=0.8\n", 0, 0, (64, 96)),
    ],
)
def test_augmentation(recipe, net, level, mosaic, mixup, sizes):
    config, remarks = recipe("batch=2\n" + net, "", level)
    augment = config.data.augment
    assert (augment.mosaic, augment.mixup, augment.sizes) == (mosaic, mixup, sizes)
    assert remarks == []
    check_config(config)


def test_random_gives_the_sizes_that_darknet_has(recipe):
    text = NET.replace("96", "416").replace("64", "416")
    config, _ = recipe(text=text + TWO_LEVELS.format(fine="", coarse="random=1\n"))
    assert config.data.augment.sizes == tuple(range(320, 609, 32))
    apply_cfg(config, config.model.cfg, (96, 96))  # given by a flag
    assert (config.input_size, config.data.augment.sizes) == ((96, 96), (96, 128, 160))


def test_one_assignment_for_all_levels(recipe):
    _, remarks = recipe("batch=2\n", "iou_thresh=0.2\n", "iou_thresh=0.3\n")
    assert len(remarks) == 1
    assert remarks[0].startswith("[yolo] iou_thresh=0.3 (section in line ")


def test_overlap_rule(recipe):
    """The last level's, and of Darknet's two DIoU rules only the one that says so."""
    named = "nms_kind=diounms\nbeta_nms=0.8\n"
    config, remarks = recipe("batch=2\n", named, named)
    assert (config.nms.kind, config.nms.beta, remarks) == ("diou", 0.8, [])
    assert nms_fields(config.nms) == {"nms_kind": "diounms", "beta_nms": "0.8"}
    config, _ = recipe("batch=2\n", "", "nms_kind=diounms\n")
    assert (config.nms.kind, config.nms.beta) == ("diou", 0.6)
    for name in ("greedynms", "default"):
        config, remarks = recipe("batch=2\n", named, f"nms_kind={name}\nbeta_nms=0.8\n")
        assert config.nms.kind == "greedy"
        assert nms_fields(config.nms) == {}
        assert remarks[0].startswith("[yolo] nms_kind=diounms (section in line ")
        assert "not used: that of line" in remarks[0]
        assert [r.split(" (")[0] for r in remarks[1:]] == ["[yolo] nms_kind=greedynms"] * (
            name == "greedynms"
        )


def test_region(recipe):
    config, _ = recipe(text=V2)
    head = config.head
    assert (head.class_activation, head.codec, head.assign.policy) == ("softmax", "exp", "best")
    assert head.anchors == {4: ((2, 3), (8, 12))}  # cells there, pixels here


def test_new_coords(recipe):
    config, _ = recipe(text=V7)
    assert config.head.codec == "scaled"
    assert set(config.head.scale_xy.values()) == {2.0}


@pytest.mark.parametrize("path", cfg_files(exclude=("darknet53.cfg",)))
def test_darknets_own_files_are_recipes(path):
    config = Config()
    apply_cfg(config, path)
    check_config(config)
    build_head(config, 7)
    assert config.train.updates > 1000
    first, last = rates(config, [0, 999])
    assert first < 0.01
    assert last in (1.0, pytest.approx(0.01))


# Binary weights, class trees, recurrent layers, YOLOv1, ... : what docs/darknet.md does not list.
OTHER_NETWORKS = ("tiny-yolo_xnor", "yolov3-tiny_xnor", "yolo9000", "yolov3-tiny_occlusion_track")
OTHER_NETWORKS += ("yolov4-tiny_contrastive", "resnet152_trident", "t1.test")


@pytest.mark.parametrize("path", all_detectors())
def test_all_of_darknets_detectors_but_those_of_another_kind(path):
    config = Config()
    if path.stem in OTHER_NETWORKS or path.stem.startswith("yolov1"):
        with pytest.raises(UserError, match=r"not supported|supported with"):
            apply_cfg(config, path)
        return
    apply_cfg(config, path)
    check_config(config)
    head = build_head(config, 7)
    assert head.strides == tuple(sorted(level.stride for level in outputs(plan(read_cfg(path)))))


def test_fields_for_darknet():
    config = Config()
    config.data.resize = "letterbox"
    assert net_fields(config) == {
        "batch": 16,
        "learning_rate": "0.01",
        "momentum": "0.9",
        "decay": "0.0005",
        "letter_box": 1,
    }
    config.train.optimizer.name = "adamw"
    assert net_fields(config) == {"batch": 16, "letter_box": 1}
