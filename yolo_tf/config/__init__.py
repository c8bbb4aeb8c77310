"""Every setting of the project: name, type, unit, default and why.

`configs/*.py` return a `Config`; commands change single values with `--config.part.name=value`.
The twenty that people change:

  input_size                     height and width of the network input
  model.name, model.cfg          the network: of the zoo, or of a Darknet cfg file
  transfer.source, .mode         weights to start from, and what of them is trained
  data.train, .val               records
  data.names, .labels            class names, and what labels in records made elsewhere mean
  data.resize                    stretch or letterbox
  data.augment.mosaic, .flip, .scale   how often, and how much, images are changed
  train.epochs, train.batch_size how long, and how many images an update
  train.optimizer.name, .learning_rate
  train.strategy.name, train.precision   devices, mixed precision
  train.patience                 early stopping
  nms.iou_threshold              when two boxes are one object

Fields made by `setting` say which values they may have; those marked "parity" are there to
reproduce another implementation in golden tests. A dataclass nested in another one selects a
variant by its type: to train with another loss, put another loss's dataclass into
`config.head.loss`.
"""

# No `from __future__ import annotations` here: ml_collections reads the field types at run time.
import dataclasses
from dataclasses import dataclass, field

from yolo_tf.config.data import AugmentConfig, DataConfig  # noqa: F401 - as the next
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
from yolo_tf.config.setting import (
    ABOVE_0,
    AT_LEAST_1,
    BATCH,
    BOXES,
    FRACTION,
    NOT_NEGATIVE,
    SIDE,
    Range,
    setting,
)
from yolo_tf.text_files import MAX_CLASSES


@dataclass
class ModelConfig:
    """The network: layers only."""

    name: str = "yolov3_tiny"  # a key of yolo_tf.models.zoo.MODELS; with `cfg` just a name
    # Darknet cfg file to build the network from. As a flag it also sets whatever else of the
    # recipe the file speaks of: head, input size, optimiser, schedule, augmentation.
    cfg: str = ""
    # First layers of the cfg that are its backbone; 0: a guess.
    backbone_layers: int = setting(0, NOT_NEGATIVE)
    # 0: as many as the data set's card or names file lists.
    num_classes: int = setting(0, Range(0, MAX_CLASSES))
    # Share of the old moving statistics kept each step. Darknet's 0.9 is noisy with the
    # small batches of one CPU or GPU; 0.97 settles within one epoch of 100 steps.
    bn_momentum: float = setting(0.97, FRACTION)
    # Darknet's; needed for its weights (algorithms.md 10.23).
    bn_epsilon: float = setting(1e-5, ABOVE_0)
    # Of yolo_n, yolo_s and yolo_m. class_branch: depthwise, for CPUs | full, plain convolutions,
    # for GPUs. activation: swish | relu6 or hard_swish, for microcontrollers in int8.
    class_branch: str = "depthwise"
    activation: str = "swish"
    # Of the same: pairs of 3x3 convolutions with a plain second one | parallel, with a 1x1 beside
    # it while training | depthwise, a depthwise 5x5 and a 1x1 in its place.
    block: str = "plain"
    block_attention: bool = False  # squeeze and excitation at the end of each block
    # Of a network of the zoo: attention on each feature map that its backbone hands to its neck.
    # se | ese | cbam | eca; empty: none (models/attention.py).
    attention: str = ""
    # applications:NAME: a network of tf_keras.applications, such as MobileNetV3Small, with a light
    # neck of `neck_width` channels in place of `name` (models/keras_backbone.py).
    backbone: str = ""
    # imagenet, which Keras fetches when training starts | none | path of an .h5 file of it.
    backbone_weights: str = "imagenet"
    neck_width: int = setting(96, AT_LEAST_1)


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
    score_threshold: float = setting(0.001, FRACTION)
    # greedy, diou: boxes of one class that overlap more are one object.
    iou_threshold: float = setting(0.6, FRACTION)
    # diou: exponent on the distance (algorithms.md 1.3); 0.6 is Darknet's, 1 the paper's.
    beta: float = setting(0.6, ABOVE_0)
    # soft: scores are multiplied by exp(-IoU^2 / this); the paper's value.
    soft_sigma: float = setting(0.5, ABOVE_0)
    # soft: boxes that overlap more are dropped all the same; 1: none.
    soft_cut: float = setting(1.0, FRACTION)
    max_detections: int = setting(100, BOXES)  # an image; COCO's figures count no more
    class_agnostic: bool = False  # True: one object per place whatever its class
    # Candidates an image, over all classes, that enter NMS.
    pre_nms_top_k: int = setting(1000, BOXES)


@dataclass
class OptimizerConfig:
    name: str = "sgd"  # a key of yolo_tf.train.optimizers.OPTIMIZERS
    learning_rate: float = setting(0.01, ABOVE_0)  # the peak, after warm-up
    momentum: float = setting(0.9, FRACTION)  # SGD's; Adam's beta_1
    nesterov: bool = False
    # On kernels only, never on biases or batch norm.
    weight_decay: float = setting(5e-4, NOT_NEGATIVE)
    # SGD's, of Scaled-YOLOv4: at the start of the warm-up biases have this learning rate (csp: 0.1)
    # and the momentum is this (csp: 0.8); both go to the common ones in a line. 0: as the others.
    bias_warmup_rate: float = 0.0
    momentum_warmup: float = 0.0
    clip_norm: float = setting(10.0, NOT_NEGATIVE)  # global gradient norm; 0: no clipping


@dataclass
class ScheduleConfig:
    name: str = "cosine"  # a key of yolo_tf.train.optimizers.SCHEDULES
    warmup_epochs: float = setting(1.0, NOT_NEGATIVE)  # from 0 to the peak
    # In place of warmup_epochs: updates (Darknet's burn_in), but at most a tenth of all.
    warmup_updates: int = setting(0, NOT_NEGATIVE)
    warmup_power: float = setting(1.0, ABOVE_0)  # 1 is linear; Darknet's burn-in has 4
    # cosines, exponential: last learning rate / peak.
    final_fraction: float = setting(0.01, FRACTION)
    # flat_cosine: so long at the peak, as a share of all epochs.
    flat: float = setting(0.5, FRACTION)
    # steps: at these shares of all epochs ...
    steps_at: tuple[float, ...] = setting((0.8, 0.9), FRACTION)
    # ... the learning rate is multiplied by these.
    step_factors: tuple[float, ...] = setting((0.1, 0.1), NOT_NEGATIVE)
    power: float = setting(4.0, NOT_NEGATIVE)  # polynomial: (1 - share of all epochs) ** power
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
    # Logical CPU devices to create, to try a strategy without GPUs.
    cpu_devices: int = setting(1, Range(1, 1024))
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
    epochs: int = setting(100, NOT_NEGATIVE)  # 0: as many as make `updates`
    # Length of the training where `epochs` is 0: Darknet's max_batches.
    updates: int = setting(0, NOT_NEGATIVE)
    batch_size: int = setting(16, BATCH)  # global: over all replicas
    seed: int = setting(0, Range(0, 2**32 - 1))
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    # Epochs between evaluations; the last epoch always.
    evaluate_every: int = setting(1, AT_LEAST_1)
    best_metric: str = "AP"  # "best" checkpoint by this figure of evaluate.METRICS
    # Evaluations without a better figure before stopping; 0: never.
    patience: int = setting(0, NOT_NEGATIVE)
    tensorboard: bool = True
    report: bool = True  # of the best checkpoint on the validation split, when training has ended
    # Keras callbacks of other packages, "package.module.Class(name=value)" (docs/callbacks.md).
    callbacks: tuple[str, ...] = ()
    # Formats that `train` writes the best checkpoint in when it has ended, into RUN/export.
    export: tuple[str, ...] = ()
    # First and last step, counted from 1, that TensorFlow's profiler watches, for TensorBoard.
    profile: tuple[int, ...] = ()
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    # Of the network's layers; losses, assignment and updates are in float32 always.
    # float32 | mixed_bfloat16 | mixed_float16 | auto: the mixed precision that the hardware has.
    precision: str = "float32"
    jit_compile: bool = False  # XLA for network, loss and gradients
    # Gradient accumulation: the parts into which a batch is split to save memory; Darknet's
    # subdivisions. Batch norm sees a part at a time, all else the whole batch.
    accumulate: int = 1
    averages: AveragesConfig = field(default_factory=AveragesConfig)
    # A loss that is no finite number: stop | rollback (at most 3).
    on_non_finite: str = setting("stop", choices=("stop", "rollback"))
    steps_per_execution: int = 1  # training steps per call; saves time on TPUs


@dataclass
class Config:
    """One recipe. `configs/*.py` build it, a run folder records it as config.yaml."""

    # (height, width) pixels; multiples of the strides.
    input_size: tuple[int, int] = setting((416, 416), SIDE)
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
