"""Frames with bytes changed, cut and repeated at random, through the decoder: it reads them or refuses them.

Usage: ``python benchmarks/decoder_fuzz.py [COUNT] [SEED]``. Any other exception ends the run and shows the message.
"""

import random
import sys
import time

from benchmark_frames import make_frames

from market_making.hyperliquid.market_data import format_frame, parse_frame
from market_making.market.errors import MalformedMessage


def mutate(text: bytes, chance: random.Random) -> bytes:
    """A frame with a few faults."""
    content = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(content))
        match chance.randrange(5):
            case 0:
                content[place] = chance.randrange(256)
            case 1:
                del content[place : place + chance.randint(1, 10)]
            case 2:
                content[place:place] = content[place : place + chance.randint(1, 20)]
            case 3:
                content[place:place] = chance.choice([b"null", b"-", b"1e999", b"[]", b"{}", b'"', b"true", b"0.0"])
            case _:
                content[place : place + 1] = b"9" * chance.randint(1, 25)
        if not content:
            return b""
    return bytes(content)


def main(count: int, seed: int) -> None:
    """Print what became of the frames."""
    chance = random.Random(seed)
    frames = make_frames(2000)
    refused = 0
    start = time.perf_counter()
    for _ in range(count):
        text = mutate(chance.choice(frames), chance)
        try:
            frame = parse_frame(text)
        except MalformedMessage:
            refused += 1
            continue
        assert parse_frame(format_frame(frame)) == frame, text
    seconds = time.perf_counter() - start
    print(f"{count} frames with faults: {refused} refused, {count - refused} read, no other outcome; {seconds:.1f} s")


if __name__ == "__main__":
    main(*(int(argument) for argument in (*sys.argv[1:], 100_000, 1)[:2]))
