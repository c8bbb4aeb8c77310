#!/usr/bin/env python3
from yolo_tf.cli.detect import entry

entry()
