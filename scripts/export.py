#!/usr/bin/env python3
from yolo_tf.cli.export import entry

entry()
