"""`python -m yolo_tf train ...` is `yolo-tf train ...`."""

import sys

from yolo_tf.cli.main import main

if __name__ == "__main__":
    sys.argv[0] = "yolo-tf"
    main()
