#!/usr/bin/env python3
from yolo_tf.cli.compare import entry

if __name__ == "__main__":
    entry()
