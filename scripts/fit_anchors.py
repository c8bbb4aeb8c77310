#!/usr/bin/env python3
from yolo_tf.cli.fit_anchors import entry

entry()
