#!/usr/bin/env python3
from yolo_tf.cli.convert_yolox import entry

entry()
