"""YOLOX as its authors publish it, in NumPy: arrays by their names there, BGR in 0..255.

Written from the paper and the names of the arrays alone, apart from `yolo_tf.models.yolox_csp`.
"""

import numpy as np

EPSILON = 1e-3


class Published:
    """A network of random arrays, made in the first forward pass.

    Args:
      width: times the channels of YOLOX-L.
      depthwise: as YOLOX-Nano.
      classes: number of classes.
    """

    def __init__(self, width: float, depthwise: bool, classes: int, seed: int = 0):
        self.width, self.depthwise, self.classes = width, depthwise, classes
        self.random = np.random.default_rng(seed)
        self.arrays = {}

    def __call__(self, image):
        """BGR [3, H, W] in 0..255 -> {stride: [H / stride, W / stride, 5 + classes]}."""
        x2, x1, x0 = self._backbone(image)
        c = [int(of_large * self.width) for of_large in (256, 512, 1024)]
        fpn0 = self._base(x0, "backbone.lateral_conv0", c[1])
        f0 = self._csp(np.concatenate([_double(fpn0), x1]), "backbone.C3_p4", c[1], 1, False)
        fpn1 = self._base(f0, "backbone.reduce_conv1", c[0])
        pan2 = self._csp(np.concatenate([_double(fpn1), x2]), "backbone.C3_p3", c[0], 1, False)
        p1 = np.concatenate([self._conv(pan2, "backbone.bu_conv2", c[0], 2), fpn1])
        pan1 = self._csp(p1, "backbone.C3_n3", c[1], 1, False)
        p0 = np.concatenate([self._conv(pan1, "backbone.bu_conv1", c[1], 2), fpn0])
        pan0 = self._csp(p0, "backbone.C3_n4", c[2], 1, False)
        levels = enumerate((pan2, pan1, pan0))
        return {8 << level: self._head(x, level) for level, x in levels}

    def _backbone(self, image):
        top, bottom = image[:, ::2], image[:, 1::2]
        corners = top[..., ::2], bottom[..., ::2], top[..., 1::2], bottom[..., 1::2]
        x = self._base(np.concatenate(corners), "backbone.backbone.stem.conv", self._of(64), 3)
        features = []
        for stage, (channels, count) in enumerate(((128, 1), (256, 3), (512, 3), (1024, 1)), 2):
            name, channels = f"backbone.backbone.dark{stage}", self._of(channels)
            x = self._conv(x, f"{name}.0", channels, 2)
            if stage == 5:
                x = self._base(x, f"{name}.1.conv1", channels // 2)
                x = np.concatenate([x, *(_pool(x, size) for size in (5, 9, 13))])
                x = self._base(x, f"{name}.1.conv2", channels)
                x = self._csp(x, f"{name}.2", channels, count, False)
            else:
                x = self._csp(x, f"{name}.1", channels, count, True)
            features.append(x)
        return features[1:]

    def _head(self, x, level):
        width = self._of(256)
        x = self._base(x, f"head.stems.{level}", width)
        towers = []
        for tower in ("cls_convs", "reg_convs"):
            y = self._conv(x, f"head.{tower}.{level}.0", width)
            towers.append(self._conv(y, f"head.{tower}.{level}.1", width))
        parts = [
            self._predict(towers[1], f"head.reg_preds.{level}", 4),
            self._predict(towers[1], f"head.obj_preds.{level}", 1),
            self._predict(towers[0], f"head.cls_preds.{level}", self.classes),
        ]
        return np.concatenate(parts).transpose(1, 2, 0)

    def _csp(self, x, name, channels, count, shortcut):
        y = self._base(x, f"{name}.conv1", channels // 2)
        around = self._base(x, f"{name}.conv2", channels // 2)
        for block in range(count):
            inner = self._base(y, f"{name}.m.{block}.conv1", channels // 2)
            inner = self._conv(inner, f"{name}.m.{block}.conv2", channels // 2)
            y = y + inner if shortcut else inner
        return self._base(np.concatenate([y, around]), f"{name}.conv3", channels)

    def _conv(self, x, name, channels, stride=1):
        if not self.depthwise:
            return self._base(x, name, channels, 3, stride)
        x = self._base(x, f"{name}.dconv", len(x), 3, stride, groups=len(x))
        return self._base(x, f"{name}.pconv", channels)

    def _base(self, x, name, channels, size=1, stride=1, groups=1):
        x = _convolve(x, self._kernel(f"{name}.conv.weight", x, channels, size, groups), stride)
        gamma, variance = (
            self._vector(f"{name}.bn.{part}", channels, 0.5, 1.5)
            for part in ("weight", "running_var")
        )
        beta, mean = (
            self._vector(f"{name}.bn.{part}", channels, -1, 1) for part in ("bias", "running_mean")
        )
        self.arrays.setdefault(f"{name}.bn.num_batches_tracked", np.array(7))
        x = (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta
        return x / (1 + np.exp(-x))

    def _predict(self, x, name, channels):
        x = _convolve(x, self._kernel(f"{name}.weight", x, channels, 1, 1), 1)
        return x + self._vector(f"{name}.bias", channels, -1, 1)

    def _kernel(self, name, x, channels, size, groups):
        shape = (channels, len(x) // groups, size, size)
        # The stem sees 0..255.
        deviation = np.sqrt(2 / np.prod(shape[1:])) / (255 if "stem.conv" in name else 1)
        return self._array(name, self.random.normal(0, deviation, shape))

    def _vector(self, name, channels, low, high):
        return self._array(name, self.random.uniform(low, high, channels))[:, None, None]

    def _array(self, name, values):
        return self.arrays.setdefault(name, values.astype(np.float32)).astype(np.float64)

    def _of(self, of_large):
        return int(of_large * self.width)


def _windows(x, size, stride, outside):
    pad = size // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)), constant_values=outside)
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]


def _convolve(x, kernel, stride):
    windows = _windows(x, kernel.shape[-1], stride, 0)
    if kernel.shape[1] == 1 < len(x):
        return np.einsum("cyxij,cij->cyx", windows, kernel[:, 0])
    return np.tensordot(kernel, windows, ((1, 2, 3), (0, 3, 4)))


def _pool(x, size):
    return _windows(x, size, 1, -np.inf).max((-2, -1))


def _double(x):
    return x.repeat(2, 1).repeat(2, 2)
