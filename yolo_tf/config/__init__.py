"""Every setting of the project: name, type, unit, default and why.

`configs/*.py` return a `Config`; commands change single values with `--config.part.name=value`.
A dataclass nested in another one selects a variant by its type: to train with another loss, put
another loss's dataclass into `config.head.loss`.
"""

# No `from __future__ import annotations` here: ml_collections reads the field types at run time.
import dataclasses
from dataclasses import dataclass, field

from yolo_tf.config.heads import (  # noqa: F401 - recipes import all settings from here
    YOLOV3_ANCHORS,
    YOLOV3_TINY_ANCHORS,
    Anchors,
    AssignConfig,
    DarknetLossConfig,
    FocalGiouLossConfig,
    GaussianLossConfig,
    ScaledLossConfig,
    SimotaConfig,
    SquaredLossConfig,
    SsdHeadConfig,
    TalAssignConfig,
    TalHeadConfig,
    YoloHeadConfig,
    YoloxHeadConfig,
)


@dataclass
class ModelConfig:
    """The network: layers only."""

    name: str = "yolov3_tiny"  # a key of yolo_tf.models.zoo.MODELS; with `cfg` just a name
    # Darknet cfg file to build the network from. As a flag it also sets whatever else of the
    # recipe the file speaks of: head, input size, optimiser, schedule, augmentation.
    cfg: str = ""
    backbone_layers: int = 0  # first layers of the cfg that are its backbone; 0: a guess
    num_classes: int = 0  # 0: as many as the data set's card or names file lists
    # Share of the old moving statistics kept each step. Darknet's 0.9 is noisy with the
    # small batches of one CPU or GPU; 0.97 settles within one epoch of 100 steps.
    bn_momentum: float = 0.97
    bn_epsilon: float = 1e-5  # Darknet's; needed for its weights (algorithms.md 10.23)
    # Of yolo_n, yolo_s and yolo_m. class_branch: depthwise, for CPUs | full, plain convolutions,
    # for GPUs. activation: swish | relu6 or hard_swish, for microcontrollers in int8.
    class_branch: str = "depthwise"
    activation: str = "swish"
    # Of a network of the zoo: attention on each feature map that its backbone hands to its neck.
    # se | cbam | eca; empty: none (models/attention.py).
    attention: str = ""
    # applications:NAME: a network of tf_keras.applications, such as MobileNetV3Small, with a light
    # neck of `neck_width` channels in place of `name` (models/keras_backbone.py).
    backbone: str = ""
    # imagenet, which Keras fetches when training starts | none | path of an .h5 file of it.
    backbone_weights: str = "imagenet"
    neck_width: int = 96


@dataclass
class TransferConfig:
    """Weights to start from, and which of them stay as they are (train/transfer.py)."""

    # Darknet .weights file, a name that `yolo-tf weights` lists, run folder, or one of its
    # checkpoints; empty: random weights.
    source: str = ""
    # Loaded: all | no_output (outputs start anew) | backbone | none. All is loaded, but frozen:
    # fine_tune (the backbone) | frozen (everything but the outputs).
    mode: str = "all"
    unfreeze_at_epoch: int = 0  # from this epoch (counted from 0) on all is trained; 0: never


@dataclass
class NmsConfig:
    """From decoded boxes to detections (algorithms.md 5)."""

    # A key of yolo_tf.ops.nms.NMS_KINDS. greedy: the better of two boxes that overlap stays.
    # diou: distant centres count against overlap. soft: overlap costs the worse one score.
    kind: str = "greedy"
    # Low for evaluation, where AP wants every candidate; `detect` and `export` have own flags.
    score_threshold: float = 0.001
    # greedy, diou: boxes of one class that overlap more are one object.
    iou_threshold: float = 0.6
    # diou: exponent on the distance (algorithms.md 1.3); 0.6 is Darknet's, 1 the paper's.
    beta: float = 0.6
    soft_sigma: float = 0.5  # soft: scores are multiplied by exp(-IoU^2 / this); the paper's value
    soft_cut: float = 1.0  # soft: boxes that overlap more are dropped all the same; 1: none
    max_detections: int = 100  # an image; COCO's figures count no more
    class_agnostic: bool = False  # True: one object per place whatever its class
    pre_nms_top_k: int = 1000  # candidates an image, over all classes, that enter NMS


@dataclass
class AugmentConfig:
    """Random changes of training images (algorithms.md 8). 0, or 1 for a factor, turns one off.

    docs/augmentation.md shows each of them and says in which order they act.
    """

    # Crop and zoom, with the photo alone.
    flip: float = 0.5  # probability of a left-right mirror
    flip_vertical: float = 0.0  # probability of a top-bottom mirror; for pictures without an up
    jitter: float = 0.3  # each side of the crop moves by up to this share of the side's length
    resize: float = 1.0  # further zoom by a factor of 1/resize .. resize
    # Affine and perspective. Zoom and shift are free, the others cost two resizes a picture.
    scale: float = 1.0  # zoom about the centre by a factor of 1/scale .. scale; YOLOX: up to 2
    translate: float = 0.0  # shift by up to +- this share of the input; YOLOX: 0.1
    rotate: float = 0.0  # turn by up to +- this many degrees; YOLOX: 10
    shear: float = 0.0  # slant by up to +- this many degrees along each axis; YOLOX: 2
    perspective: float = 0.0  # one edge larger than its opposite, by up to about this share
    # Colour, in HSV space.
    hue: float = 0.1  # hue shift of up to +- this share of a full turn
    saturation: float = 1.5  # saturation times a factor of 1/this .. this
    exposure: float = 1.5  # value (brightness) times a factor of 1/this .. this
    # Several photos in one picture. They are of one batch, of eight or more.
    mosaic: float = 0.0  # probability that a picture is made of four; Darknet: 0.5, YOLOX: 1
    mosaic_manner: str = "darknet"  # darknet: parts of photos | scaled: photos drawn smaller
    mosaic_center: float = 0.3  # the seam is up to this share of the input off the middle
    mosaic_scale: tuple[float, float] = (0.5, 1.0)  # scaled: size of the photos, least and most
    mixup: float = 0.0  # probability that a second picture shines through; YOLOX: 1, tiny: 0
    # Rectangle of grey over the picture.
    erase: float = 0.0  # probability
    erase_area: float = 0.2  # at most this share of the picture
    # The rule for a box cut by crop, tile or turned border: it stays if what is left is min_size
    # pixels high and wide and min_area of its area, and no sliver of sides beyond max_aspect : 1.
    min_area: float = 0.1
    min_size: float = 2.0
    max_aspect: float = 20.0
    # Multi-scale: heights of the input in pixels, one of them for `sizes_every` steps each; the
    # width keeps the aspect of input_size. Empty: always input_size. One trace of the step each.
    sizes: tuple[int, ...] = ()
    sizes_every: int = 10  # steps; Darknet's and YOLOX's
    # Switched off for the last epochs, so that training ends on pictures as they are.
    off_epochs: int = 0
    off: str = "all"  # what is switched off there: all | mixing, mosaic and mixup alone


@dataclass
class DataConfig:
    """Where the records are and how they reach the network."""

    # Glob pattern of TFRecord shards, or a split of TFDS, tfds:NAME:SPLIT; commas between several.
    train: str = ""
    val: str = ""  # the same for validation; empty: no evaluation while training
    names: str = ""  # class-name file, a name a line; empty: the card beside the shards
    # What class labels without text mean in records made elsewhere (data/records/label_map.py).
    # Empty: they count from 0. one_based | coco91 | path of a .pbtxt label map | tfds:NAME.
    labels: str = ""
    resize: str = "stretch"  # stretch | letterbox (keeps the aspect, pads with grey)
    max_boxes: int = 100  # boxes an image; more are counted and reported
    shuffle_buffer: int = 4096  # records; encoded images, so 4096 photos are about 0.5 GB
    # Decoded training images: none | memory | disk. Saves decoding in each epoch after the first,
    # for about 1 MB a photo of 640x480; a file on the disk serves later trainings too.
    cache: str = "none"
    cache_dir: str = ""  # folder for cache=disk; empty: ~/.cache/yolo_tf (XDG_CACHE_HOME)
    # Several processes: files (each reads its own; for files far away) | data (each reads all and
    # takes its part of every batch, the same pictures as with one process) | auto.
    shard: str = "auto"
    # Address of a tf.data service's dispatcher, grpc://host:port: its workers prepare the batches.
    service: str = ""
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self):
        # Configs written before there was a choice have true or false.
        if isinstance(self.cache, bool):
            self.cache = "memory" if self.cache else "none"


@dataclass
class OptimizerConfig:
    name: str = "sgd"  # a key of yolo_tf.train.optimizers.OPTIMIZERS
    learning_rate: float = 0.01  # the peak, after warm-up
    momentum: float = 0.9  # SGD's; Adam's beta_1
    nesterov: bool = False
    weight_decay: float = 5e-4  # on kernels only, never on biases or batch norm
    # SGD's, of Scaled-YOLOv4: at the start of the warm-up biases have this learning rate (csp: 0.1)
    # and the momentum is this (csp: 0.8); both go to the common ones in a line. 0: as the others.
    bias_warmup_rate: float = 0.0
    momentum_warmup: float = 0.0
    clip_norm: float = 10.0  # global gradient norm; 0: no clipping


@dataclass
class ScheduleConfig:
    name: str = "cosine"  # a key of yolo_tf.train.optimizers.SCHEDULES
    warmup_epochs: float = 1.0  # from 0 to the peak
    # In place of warmup_epochs: updates (Darknet's burn_in), but at most a tenth of all.
    warmup_updates: int = 0
    warmup_power: float = 1.0  # 1 is linear; Darknet's burn-in has 4
    final_fraction: float = 0.01  # cosines, exponential: last learning rate / peak
    flat: float = 0.5  # flat_cosine: so long at the peak, as a share of all epochs
    steps_at: tuple[float, ...] = (0.8, 0.9)  # steps: at these shares of all epochs ...
    step_factors: tuple[float, ...] = (0.1, 0.1)  # ... the learning rate is multiplied by these
    power: float = 4.0  # polynomial: (1 - share of all epochs) ** power
    # YOLOX's manner: the curve goes from the end of the warm-up to this many epochs before the
    # last, which have its last learning rate. False: it spans all epochs.
    after_warmup: bool = False
    last_epochs: float = 0.0


@dataclass
class StrategyConfig:
    """The devices of a training; docs/distributed.md."""

    name: str = "default"  # a key of yolo_tf.train.devices.STRATEGIES
    # one_device: the device, such as GPU:1; mirrored: some of them, commas between. Empty: the
    # first, and all.
    devices: str = ""
    tpu: str = "local"  # tpu: its name or grpc:// address; local on the TPU's own machine
    cpu_devices: int = 1  # the CPU as so many devices, to try a strategy without GPUs
    sync_batch_norm: bool = False  # batch-norm statistics over all replicas


@dataclass
class AveragesConfig:
    """Averages of the weights that validation, "best" and export use (train/averages.py)."""

    decay: float = 0.0  # share of the old average that an update keeps, 0.9998 for example; 0: off
    # Smaller at the start: ratio: (1 + n) / (10 + n) after n updates | exponential: YOLOX's, over
    # 2000 updates | none.
    ramp: str = "ratio"


@dataclass
class TrainConfig:
    epochs: int = 100  # 0: as many as make `updates`
    updates: int = 0  # length of the training where `epochs` is 0: Darknet's max_batches
    batch_size: int = 16  # global: over all replicas
    seed: int = 0
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    evaluate_every: int = 1  # epochs between evaluations; the last epoch always
    best_metric: str = "AP"  # "best" checkpoint by this figure of evaluate.METRICS
    patience: int = 0  # evaluations without a better figure before stopping; 0: never
    tensorboard: bool = True
    report: bool = True  # of the best checkpoint on the validation split, when training has ended
    # First and last step, counted from 1, that TensorFlow's profiler watches, for TensorBoard.
    profile: tuple[int, ...] = ()
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    # Of the network's layers; losses, assignment and updates are in float32 always.
    # float32 | mixed_bfloat16 | mixed_float16 | auto: a half precision that the hardware has.
    precision: str = "float32"
    jit_compile: bool = False  # XLA for network, loss and gradients
    # The batch goes through the network in so many parts, for the memory of one: Darknet's
    # subdivisions. Batch norm sees a part at a time, all else the whole batch.
    accumulate: int = 1
    averages: AveragesConfig = field(default_factory=AveragesConfig)
    on_non_finite: str = "stop"  # a loss that is no finite number: stop | rollback (at most 3)
    steps_per_execution: int = 1  # updates between two looks of the program; saves time on TPUs


@dataclass
class Config:
    """One recipe. `configs/*.py` build it, a run folder records it as config.yaml."""

    input_size: tuple[int, int] = (416, 416)  # (height, width) pixels; multiples of the strides
    model: ModelConfig = field(default_factory=ModelConfig)
    head: YoloHeadConfig = field(default_factory=YoloHeadConfig)
    nms: NmsConfig = field(default_factory=NmsConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


def to_dict(config) -> dict:
    """A config as plain dicts and lists; each dataclass names its type, so variants come back."""
    if dataclasses.is_dataclass(config):
        values = {f.name: to_dict(getattr(config, f.name)) for f in dataclasses.fields(config)}
        return {"type": type(config).__name__, **values}
    if isinstance(config, dict):
        return {key: to_dict(value) for key, value in config.items()}
    if isinstance(config, (tuple, list)):
        return [to_dict(value) for value in config]
    return config
