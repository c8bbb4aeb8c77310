#!/usr/bin/env python3
from yolo_tf.cli.convert_darknet import entry

entry()
