"""The keys of records: those of the TF Object Detection API, and those that TFDS has instead.

We write the first and read both: a key of TFDS counts where that of the API is missing. Lists have
a value an object, and each is either missing, empty or complete.
"""

# Of an image.
IMAGE = "image/encoded"  # bytes of a JPEG or PNG file
FORMAT = "image/format"
HEIGHT, WIDTH = "image/height", "image/width"
FILENAME, SOURCE_ID = "image/filename", "image/source_id"
SHA256 = "image/key/sha256"

# Lists with a value an object.
YMIN, XMIN = "image/object/bbox/ymin", "image/object/bbox/xmin"
YMAX, XMAX = "image/object/bbox/ymax", "image/object/bbox/xmax"
TEXT = "image/object/class/text"
LABEL = "image/object/class/label"
DIFFICULT = "image/object/difficult"
TRUNCATED = "image/object/truncated"
CROWD = "image/object/is_crowd"
AREA = "image/object/area"

# What TFDS writes.
TFDS_IMAGE = "image"
TFDS_ID = "image/id"  # a number
TFDS_BOXES = "objects/bbox"  # four values an object: ymin, xmin, ymax, xmax
TFDS_LABEL = "objects/label"
TFDS_DIFFICULT = "objects/is_difficult"
TFDS_TRUNCATED = "objects/is_truncated"
TFDS_CROWD = "objects/is_crowd"
TFDS_AREA = "objects/area"

# Both, in the order in which they are looked for.
DIFFICULT_KEYS = (DIFFICULT, TFDS_DIFFICULT)
TRUNCATED_KEYS = (TRUNCATED, TFDS_TRUNCATED)
CROWD_KEYS = (CROWD, TFDS_CROWD)
AREA_KEYS = (AREA, TFDS_AREA)
LABEL_KEYS = (LABEL, TFDS_LABEL)
