#!/usr/bin/env python3
"""Takes a POST of any size and tells how much it was and its SHA-256, holding 64 KB of it at a time."""
import hashlib
import json
import os
import sys

PIECE = 64 * 1024


def main():
    if os.environ["REQUEST_METHOD"] != "POST":
        print("Status: 405 Method Not Allowed\nAllow: POST\nContent-Type: text/plain\n\nSend a file by POST.")
        return
    size, digest = read(int(os.environ.get("CONTENT_LENGTH") or 0))
    print("Content-Type: application/json\nCache-Control: no-store\n")
    print(json.dumps({"size": size, "sha256": digest}))


def read(length):
    """The bytes that came, of `length` promised, and their SHA-256."""
    digest = hashlib.sha256()
    size = 0
    while size < length:
        piece = sys.stdin.buffer.read(min(PIECE, length - size))
        if not piece:
            break
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


main()
