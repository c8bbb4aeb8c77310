#!/usr/bin/env python3
from yolo_tf.cli.evaluate import entry

entry()
