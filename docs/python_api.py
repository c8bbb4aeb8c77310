# %% [markdown]
# # yolo_tf in Python
#
# Each `# %%` is a cell for Jupyter, VS Code and PyCharm; as a script it runs from top to bottom,
# with drawn shapes for images, in about a minute: `python docs/python_api.py [FOLDER]`. A test
# runs it.

# %%
import sys
import tempfile
from pathlib import Path

import numpy as np
import tf_keras
from PIL import Image

import yolo_tf

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())

# %% [markdown]
# ## Records
#
# What `scripts/build_tfrecords.py` does, for 128 + 32 images of coloured shapes. `SOURCES` in
# `yolo_tf.data.sources` has the other formats.

# %%
from yolo_tf.data.build.build import build
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.shapes import CLASSES, ShapesSource

for split, images in (("train", 128), ("val", 32)):
    source = ShapesSource(Options(split=split, images=images, size=(96, 96)))
    build(source, folder / "records", "shapes", split, shards=1)

# %% [markdown]
# ## A detector from a recipe
#
# A recipe is a `Config`; `yolo_tf/config` tells every setting. The detector is a
# `tf_keras.Model` with random weights: `detector.network` is the plain network, `detector.head`
# gives its outputs their meaning.

# %%
from yolo_tf.config import DataConfig, ModelConfig, TrainConfig, YoloHeadConfig

config = yolo_tf.Config(
    input_size=(96, 96),
    model=ModelConfig(name="yolov3_tiny"),
    head=YoloHeadConfig(
        anchors={16: ((8, 8), (14, 14), (20, 20)), 32: ((26, 26), (32, 32), (48, 48))}
    ),
    data=DataConfig(
        train=f"{folder}/records/shapes-train*", val=f"{folder}/records/shapes-val*", max_boxes=8
    ),
    train=TrainConfig(batch_size=8),
)
detector = yolo_tf.build_detector(config, list(CLASSES))
print(f"{detector.network.count_params():,} parameters")

# %% [markdown]
# ## Training with `fit`
#
# The loss is the head's, so `compile` takes an optimiser alone. Any Keras callback works.
# `scripts/train.py` does more: it resumes, keeps the best checkpoint, follows the AP, and trains
# on several devices.


# %%
class Watch(tf_keras.callbacks.Callback):
    """Counts what is found in one image after each epoch."""

    def __init__(self, image):
        super().__init__()
        self.image = image

    def on_epoch_end(self, epoch, logs=None):
        found = self.model.detect(self.image, score_threshold=0.1)
        print(f"epoch {epoch + 1}: loss {logs['loss']:.1f}; {len(found)} objects in the image")


batches = yolo_tf.training_batches(config, detector)  # without end
image = next(iter(batches))["image"][0].numpy()
detector.compile(optimizer=tf_keras.optimizers.AdamW(1e-3))
history = detector.fit(
    batches,
    epochs=3,
    steps_per_epoch=128 // config.train.batch_size,
    validation_data=yolo_tf.validation_batches(config, detector),
    callbacks=[Watch(image), tf_keras.callbacks.TerminateOnNaN()],
    verbose=0,
)
print("losses:", *(f"{loss:.1f}" for loss in history.history["val_loss"]))

# %% [markdown]
# ## Evaluating
#
# The 12 figures of COCO, VOC's AP and a row a class, as `scripts/evaluate.py` gives them.

# %%
from yolo_tf.evaluate.run import evaluate_records

figures = evaluate_records(detector, config.data.val, batch_size=8)
print(f"AP50 {figures['AP50']:.3f}, AP {figures['AP']:.3f}")

# %% [markdown]
# ## Saving and loading
#
# A run folder is what `scripts/train.py` leaves and what every command takes. `load` takes it,
# and exports too.

# %%
yolo_tf.save_run(detector, config, folder / "run")
model = yolo_tf.load(folder / "run")

# %% [markdown]
# ## Detecting
#
# `detect` takes a file, a PIL image, an array [H, W, 3] (uint8, or float from 0 to 1), or several
# of these in a list, of any sizes, or a batch [B, H, W, 3]. One image gives a `Detections`,
# several give a list. What scores less than `score_threshold` (0.25) is left out.

# %%
Image.fromarray((image * 255).astype(np.uint8)).save(folder / "photo.png")
found = model.detect(folder / "photo.png", score_threshold=0.05)
print(found)  # such as "2 objects: star 0.88, disc 0.71"
for one in found[:3]:
    print(one.class_name, one.score, one.pixels)  # (ymin, xmin, ymax, xmax)
print(found.boxes.shape)  # [N, 4] yxyx, 0 to 1 of the image; found.scores [N], found.classes [N]
confident = found[found.scores > 0.5]  # or found.only(0.5, classes=["star"])

# %%
found.draw().save(folder / "drawn.png")  # a PIL image; in a notebook `found.draw()` shows it
found.to_dict()  # for JSON
found.to_coco(image_id=1)  # COCO's results

# %%
several = model.detect([folder / "photo.png", Image.open(folder / "photo.png"), image])
print([len(each) for each in several])

# %% [markdown]
# Thresholds of the suppression are settings of the model:

# %%
model.nms.iou_threshold = 0.3
print(model.detect(image, score_threshold=0.05))

# %% [markdown]
# ## Exporting
#
# Any of the formats of docs/export.md, each run again and compared with the model: here on drawn
# images, with records for `data` also by AP50. The SavedModel needs no yolo_tf where it is
# served; `load` takes it as well.

# %%
from yolo_tf.export.export import export_model, table
from yolo_tf.export.trained import Trained

rows, ap50 = export_model(
    Trained(model, config), folder / "export", ["saved_model"], data="", max_images=1
)
print(table(rows, ap50))
print(yolo_tf.load(folder / "export").detect(image, score_threshold=0.05))
