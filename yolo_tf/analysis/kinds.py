"""What can be wrong with a data set, how bad it is, and what to do about it."""

from typing import NamedTuple

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")  # worst first


class Kind(NamedTuple):
    severity: str
    unit: str  # what is counted: "images", "boxes", "classes" or "files"
    title: str  # after the count and the unit
    advice: str
    minor: float = 0.0  # below this share of all images or boxes it is a note


KINDS = {
    "unreadable_file": Kind(
        ERROR,
        "files",
        "that are damaged: cut short, or failing their checksums",
        "build the records again, or copy the file once more; what follows the damage was not read",
    ),
    "unusable_image": Kind(
        ERROR,
        "images",
        "that cannot be read or decoded",
        "mend or remove them; build_tfrecords --skip_bad leaves them out",
    ),
    "unknown_class": Kind(
        ERROR,
        "boxes",
        "of a class that is not in the list of names",
        "mend the names, in the annotations or in --names",
    ),
    "broken_box": Kind(
        ERROR,
        "boxes",
        "that are no boxes: inverted, or not numbers",
        "mend or remove them; build_tfrecords --skip_bad leaves them out",
    ),
    "outside_box": Kind(
        ERROR,
        "boxes",
        "far outside of their image",
        "are the coordinates in another unit, or of another size of the image?",
    ),
    "leak": Kind(
        ERROR,
        "images",
        "that are in two splits, byte for byte",
        "remove them from one: figures of the validation are too good with them",
    ),
    "untrained_class": Kind(
        ERROR,
        "classes",
        "without a box in the training split, but with some in another",
        "they cannot be learnt: split the images anew, or leave the class out",
    ),
    "near_leak": Kind(
        WARNING,
        "images",
        "that look like one in another split",
        "keep images of one scene in one split",
    ),
    "unmeasured_class": Kind(
        WARNING,
        "classes",
        "with boxes in the training split alone",
        "their AP cannot be measured: split the images anew",
    ),
    "empty_box": Kind(
        WARNING,
        "boxes",
        "without area",
        "nothing is trained on them: remove them, or draw them anew",
    ),
    "over_max_boxes": Kind(
        WARNING,
        "boxes",
        "beyond config.data.max_boxes, left out of training",
        "raise config.data.max_boxes",
    ),
    "unmatched_box": Kind(
        WARNING,
        "boxes",
        "that no anchor answers for, left out of training",
        "fit the anchors (fit_anchors), or loosen config.head.assign",
    ),
    "box_between_points": Kind(
        WARNING,
        "boxes",
        "that contain no point of any level, left out of training",
        "a larger config.input_size, a network with a finer stride, or config.head.assign.min_side",
    ),
    "shared_slot": Kind(
        WARNING,
        "boxes",
        "whose cell and anchor another box of the image has too: one output cannot be both",
        "a larger config.input_size, a network with a finer stride, or other anchors",
        minor=0.01,
    ),
    "poor_anchor": Kind(
        WARNING,
        "boxes",
        "more than 4 times larger or smaller than every anchor",
        "fit the anchors: scripts/fit_anchors.py",
        minor=0.02,
    ),
    "same_image": Kind(
        WARNING,
        "images",
        "that are in their split before, byte for byte",
        "remove the copies; where their boxes differ, keep the better ones",
    ),
    "similar_image": Kind(
        NOTE,
        "images",
        "that look like an earlier one of their split",
        "of a series little is learnt after the first image",
    ),
    "same_id": Kind(
        WARNING,
        "images",
        "with the source_id of an earlier one of their split",
        "give every image an id of its own: scoring goes by it",
    ),
    "same_box": Kind(
        WARNING,
        "boxes",
        "nearly identical with another of their class: one object, boxed twice?",
        "remove one of them: the second costs precision in every figure",
    ),
    "two_classes": Kind(
        WARNING,
        "boxes",
        "nearly identical with one of another class",
        "keep the right class, unless one object may have two",
    ),
    "declared_size": Kind(
        WARNING,
        "images",
        "whose declared size is not that of the image",
        "boxes may be wrong too: look at them in labels.png and mend the annotation",
    ),
    "turned_image": Kind(
        WARNING,
        "images",
        "that EXIF data turn in a viewer, but not in training",
        "are the boxes of the image as it lies in the file? build the records anew",
    ),
    "clipped_box": Kind(
        NOTE,
        "boxes",
        "that reach a little out of their image, and are cut off",
        "none: tools round in different ways",
    ),
    "small_box": Kind(
        NOTE,
        "boxes",
        "with a side under config.data.augment.min_size at the input size",
        "hardly to be learnt: a larger config.input_size; training with a random crop drops them",
    ),
    "unlabelled_image": Kind(
        NOTE,
        "images",
        "without a box",
        "good where nothing is to be found; a mistake where something is",
    ),
    "unused_class": Kind(NOTE, "classes", "without any box", "leave them out of the class list"),
    "rare_class": Kind(NOTE, "classes", "with few boxes to learn from", "collect more of them"),
    "crowd_box": Kind(
        NOTE, "boxes", "of crowds, not trained and ignored in scoring", "none: this is as it should"
    ),
    "changed": Kind(
        NOTE, "images", "changed or read in another way than they are stored", "none, if it is so"
    ),
    "left_out": Kind(
        NOTE,
        "boxes",
        "or images left out when the records were built, as the data set card lists",
        "none; mend the annotations to have them",
    ),
}
