#!/usr/bin/env python3
from yolo_tf.cli.visualize import entry

if __name__ == "__main__":
    entry()
