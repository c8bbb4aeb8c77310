#!/usr/bin/env python3
from yolo_tf.cli.benchmark import entry

entry()
