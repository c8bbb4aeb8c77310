"""Draws what the network will see in training: images after the whole pipeline."""

from pathlib import Path

import numpy as np

from yolo_tf.config import Config
from yolo_tf.data.input import pipeline
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.open_records import Records
from yolo_tf.visualize.draw import draw_detections, mosaic, to_uint8, write_image


def visualize_data(
    config: Config, output: Path, images: int = 16, step: int = 0, augment: bool = True
) -> dict:
    """Writes a sheet of the images that training has from a step on, with boxes and names.

    Args:
      config: recipe; config.data.train names the records. Its seed decides the images.
      output: a JPEG or PNG file.
      images: how many, at least 1.
      step: the first training step to show, from 0.
      augment: false: as in the last epochs, those of config.data.augment.off_epochs.

    Returns:
      "steps", "images", "boxes": how many are shown; "cut", "dropped": boxes left out by the rule
      for cut boxes, and for want of room (data.max_boxes); "sizes": (height, width) in order.

    Raises:
      UserError: the records cannot be used, or a setting is out of range.
    """
    records = Records.open(config.data.train, config.data)
    with readable_errors(records):
        dataset = pipeline.training_dataset(
            records,
            config.data,
            config.input_size,
            config.train.batch_size,
            config.train.seed,
            augment=augment,
            start_step=step,
        )
        steps = -(-images // config.train.batch_size)
        batches = list(dataset.take(steps).as_numpy_iterator())
    drawn, counts = [], np.zeros(3, int)
    for batch in batches:
        columns = (batch[name] for name in ("image", "boxes", "classes", "cut", "dropped"))
        for image, boxes, classes, cut, dropped in zip(*columns, strict=True):
            if len(drawn) < images:
                pixels = to_uint8(image)
                drawn.append(draw_detections(pixels, boxes, classes, None, records.class_names))
                counts += [np.sum(classes >= 0), cut, dropped]
    write_image(output, mosaic(drawn))
    sizes = [batch["image"].shape[1:3] for batch in batches]
    found = dict(zip(("boxes", "cut", "dropped"), counts.tolist(), strict=True))
    return {"steps": steps, "images": len(drawn), "sizes": list(dict.fromkeys(sizes)), **found}
