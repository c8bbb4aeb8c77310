#!/usr/bin/env python3
from yolo_tf.cli.check_dataset import entry

if __name__ == "__main__":  # worker processes read this file too
    entry()
